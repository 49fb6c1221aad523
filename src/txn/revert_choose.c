/* SPDX-License-Identifier: Apache-2.0 */
/* Which transactions can be reverted, on which packages and which system. */
#include <string.h>

#include "base/invocation.h"
#include "base/path.h"
#include "fs/read.h"
#include "fs/resolve.h"
#include "txn/revert.h"
#include "txn/system.h"

bool sp_revert_applies(const struct sp_history *history, const struct sp_journal *journal)
{
    return journal->record == SP_RECORD_READABLE && journal->state == SP_JOURNAL_COMMITTED &&
           strcmp(journal->command, "rollback") != 0 &&
           !sp_history_is_reverted(history, journal->id);
}

static int choose_named(const struct sp_history *history, unsigned id, unsigned *from,
                        struct sp_error *err)
{
    const struct sp_journal *journal = sp_history_find(history, id);
    if (!journal)
        return sp_error_set(err, SP_ERROR_REFUSED, "there is no transaction %u", id);
    if (journal->record == SP_RECORD_DAMAGED)
        return sp_error_set(
            err, SP_ERROR_REFUSED,
            "cannot roll back transaction %u: its journal is damaged; to remove the "
            "drivers, run: %s uninstall",
            id, sp_invocation());
    if (!sp_revert_applies(history, journal))
        return sp_error_set(err, SP_ERROR_REFUSED, "cannot roll back transaction %u: it is %s", id,
                            strcmp(journal->command, "rollback") == 0
                                ? "a rollback itself"
                                : sp_history_state(history, journal));
    *from = id;
    return 0;
}

int sp_revert_choose(const struct sp_history *history, unsigned id, unsigned *from,
                     struct sp_error *err)
{
    *from = 0;
    if (id)
        return choose_named(history, id, from, err);
    for (size_t i = history->journals.count; *from == 0 && i-- > 0;) {
        const struct sp_journal *journal = &history->journals.items[i];
        if (journal->record == SP_RECORD_DAMAGED && journal->state == SP_JOURNAL_COMMITTED)
            return choose_named(history, journal->id, from, err);
        if (sp_revert_applies(history, journal))
            *from = journal->id;
    }
    return 0;
}

void sp_revert_packages(struct sp_pool *pool, const struct sp_history *history, unsigned from,
                        sp_strv *out)
{
    for (size_t i = 0; i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        if (journal->id < from || journal->state != SP_JOURNAL_COMMITTED)
            continue;
        for (size_t j = 0; j < journal->components.count; j++)
            sp_strv_add_once(pool, out, journal->components.items[j].path);
    }
}

void sp_revert_sites(struct sp_pool *pool, const struct sp_history *history, unsigned from,
                     sp_strv *out)
{
    sp_strv packages = {NULL, 0, 0};
    sp_revert_packages(pool, history, from, &packages);
    for (size_t i = 0; i < packages.count; i++)
        sp_strv_add_once(pool, out, sp_path_dirname(pool, packages.items[i]));
}

/* ---- which system ---------------------------------------------------------------------------- */

/* Whether a file has the content that the transaction gave it. */
static bool is_as_left(struct sp_pool *pool, const struct sp_root *root,
                       const struct sp_journal *journal)
{
    for (size_t i = 0; i < journal->files.count; i++) {
        const struct sp_journal_file *file = &journal->files.items[i];
        const char *real;
        struct sp_content now;
        struct sp_blob_id id;
        if (*file->after.hex && sp_fs_resolve(root, pool, file->path, &real, NULL, NULL) == 0 &&
            real && sp_fs_read(root, pool, real, SP_MAX_SOURCE, &now, NULL) == 0 && now.complete &&
            sp_blob_hash(now.bytes, &id, NULL) == 0 && sp_blob_equal(&id, &file->after))
            return true;
    }
    return false;
}

int sp_revert_check_system(struct sp_pool *pool, const struct sp_root *root,
                           const struct sp_history *history, unsigned from, unsigned *unproven,
                           struct sp_error *err)
{
    bool evidence = false;
    *unproven = 0;
    for (size_t i = 0; i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        if (journal->id < from || journal->state != SP_JOURNAL_COMMITTED ||
            journal->record != SP_RECORD_READABLE)
            continue;
        enum sp_system system = sp_system_of(root, pool, journal);
        if (system == SP_SYSTEM_OTHER)
            return sp_error_set(err, SP_ERROR_REFUSED,
                                "cannot roll back transaction %u in '%s': it is about another "
                                "system (its machine id differs); roll it back there",
                                journal->id, history->workdir->dir.shown);
        if (system == SP_SYSTEM_UNKNOWN)
            *unproven = journal->id;
        evidence |= system != SP_SYSTEM_UNKNOWN || is_as_left(pool, root, journal);
    }
    if (evidence)
        *unproven = 0;
    return 0;
}
