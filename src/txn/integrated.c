/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/integrated.h"

#include <string.h>

bool sp_integrated_is_install(const struct sp_journal *journal)
{
    return strcmp(journal->command, "install") == 0 || strcmp(journal->command, "reapply") == 0;
}

static bool is_same(const struct sp_journal_component *a, const struct sp_journal_component *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->path, b->path) == 0;
}

static bool is_about(const struct sp_journal *journal, const struct sp_journal_component *component)
{
    for (size_t i = 0; i < journal->components.count; i++)
        if (is_same(&journal->components.items[i], component))
            return true;
    return false;
}

/* Whether a later one of them is a rollback of it. */
static bool is_reverted(const struct sp_journal *const *journals, size_t count, size_t index)
{
    for (size_t i = index + 1; i < count; i++)
        for (size_t j = 0; j < journals[i]->reverts.count; j++)
            if (journals[i]->reverts.items[j] == journals[index]->id)
                return true;
    return false;
}

const struct sp_journal *sp_integrated_by(const struct sp_journal *const *journals, size_t count,
                                          const struct sp_journal_component *component)
{
    const struct sp_journal *by = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct sp_journal *journal = journals[i];
        if (!journal || !is_about(journal, component))
            continue;
        if (sp_integrated_is_install(journal))
            by = is_reverted(journals, count, i) ? NULL : journal;
        else if (strcmp(journal->command, "uninstall") == 0 && !is_reverted(journals, count, i))
            by = NULL;
    }
    return by;
}

/* Whether a finished transaction after that one cannot be read. */
static bool is_damaged_after(const struct sp_history *history, unsigned id)
{
    for (size_t i = 0; i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        if (journal->id > id && journal->record == SP_RECORD_DAMAGED &&
            journal->state == SP_JOURNAL_COMMITTED)
            return true;
    }
    return false;
}

static bool is_known(const sp_integrations *all, const struct sp_journal_component *component)
{
    for (size_t i = 0; i < all->count; i++)
        if (is_same(all->items[i].component, component))
            return true;
    return false;
}

void sp_integrated_find(struct sp_pool *pool, const struct sp_history *history,
                        sp_integrations *out)
{
    SP_VEC(const struct sp_journal *) here = {NULL, 0, 0};
    sp_integrations all = {NULL, 0, 0}; /* every component once, integrated or not */
    for (size_t i = 0; i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        if (journal->state != SP_JOURNAL_COMMITTED || journal->record != SP_RECORD_READABLE ||
            !sp_history_is_here(history, journal))
            continue;
        *SP_PUSH(pool, &here) = journal;
        for (size_t j = 0; j < journal->components.count; j++)
            if (!is_known(&all, &journal->components.items[j]))
                *SP_PUSH(pool, &all) =
                    (struct sp_integrated){NULL, &journal->components.items[j], false};
    }
    for (size_t i = 0; i < all.count; i++) {
        const struct sp_journal *by =
            sp_integrated_by(here.items, here.count, all.items[i].component);
        for (size_t j = 0; by && j < by->components.count; j++)
            if (is_same(&by->components.items[j], all.items[i].component))
                *SP_PUSH(pool, out) = (struct sp_integrated){by, &by->components.items[j],
                                                             !is_damaged_after(history, by->id)};
    }
}
