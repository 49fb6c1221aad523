/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/service_changes.h"

#include <string.h>
#include <sys/stat.h>

#include "base/boot.h"
#include "cli/prepare.h"
#include "fs/resolve.h"

void sp_change_note(struct sp_change *latest, struct sp_moment at, const char *path)
{
    if (!latest->path || sp_time_is_later(at.least, latest->sure.least)) {
        latest->sure = at;
        latest->path = path;
    }
    if (!latest->possible_path || sp_time_is_later(at.most, latest->possible.most)) {
        latest->possible = at;
        latest->possible_path = path;
    }
}

void sp_change_merge(struct sp_change *latest, const struct sp_change *one)
{
    if (!one->path)
        return;
    sp_change_note(latest, one->sure, one->path);
    sp_change_note(latest, one->possible, one->possible_path);
}

enum sp_change_order sp_change_order(const struct sp_change *latest, struct timespec moment,
                                     const char **path)
{
    *path = latest->path;
    if (latest->path && sp_time_is_later(latest->sure.least, moment))
        return SP_CHANGE_AFTER;
    *path = latest->possible_path;
    return latest->path && sp_time_is_later(latest->possible.most, moment) ? SP_CHANGE_UNKNOWN
                                                                           : SP_CHANGE_BEFORE;
}

/* ---- moments ----------------------------------------------------------------------------------- */

static bool is_same_boot(const struct sp_boot *a, const struct sp_boot *b)
{
    return *a->id && strcmp(a->id, b->id) == 0;
}

/* Whether the journal's transaction made the change of that time. */
static bool explains(const struct sp_journal *journal, struct timespec changed)
{
    return journal && *journal->clock.boot.id && !sp_time_is_later(changed, journal->clock.now) &&
           changed.tv_sec >= sp_journal_parse_time(journal->time);
}

/* If the clock was set so at the time. */
static void widen(struct sp_moment *at, struct timespec changed, const struct sp_boot *boot)
{
    struct timespec since = sp_time_minus(changed, boot->started);
    if (sp_time_is_later(at->least, since))
        at->least = since;
    if (sp_time_is_later(since, at->most))
        at->most = since;
}

/* The moment of a file's time. journal: of the latest transaction that changed it; NULL: none did. */
static struct sp_moment moment_of(struct sp_context *context, const struct sp_journal *journal,
                                  struct timespec changed)
{
    const struct sp_history *history = &context->work->history;
    const struct sp_moment before_boot = {{0, 0}, {0, 0}};
    struct sp_boot now;
    sp_boot_now(&now);
    bool known = explains(journal, changed);
    if (known && !is_same_boot(&journal->clock.boot, &now))
        return before_boot;
    struct timespec since =
        sp_time_minus(changed, known ? journal->clock.boot.started : now.started);
    struct sp_moment at = {since, since};
    for (size_t i = 0; !known && i < history->journals.count; i++)
        if (is_same_boot(&history->journals.items[i].clock.boot, &now))
            widen(&at, changed, &history->journals.items[i].clock.boot);
    return at;
}

/* ---- files ------------------------------------------------------------------------------------- */

static bool is_done_here(const struct sp_history *history, const struct sp_journal *journal)
{
    return journal->state == SP_JOURNAL_COMMITTED && sp_history_is_here(history, journal);
}

/* The latest transaction that changed the file; NULL. */
static const struct sp_journal *find_writer(const struct sp_history *history, const char *path)
{
    for (size_t i = history->journals.count; i-- > 0;) {
        const struct sp_journal *journal = &history->journals.items[i];
        for (size_t j = 0; is_done_here(history, journal) && j < journal->files.count; j++)
            if (strcmp(journal->files.items[j].path, path) == 0)
                return journal;
    }
    return NULL;
}

/* One that is gone has no time of its own any more. */
static void note_file(struct sp_context *context, const char *path, struct sp_change *latest)
{
    const struct sp_journal *writer = find_writer(&context->work->history, path);
    const char *real;
    struct stat st;
    if (sp_fs_resolve(&context->root, context->pool, path, &real, &st, NULL) < 0 || !real) {
        if (!writer)
            return;
        st.st_ctim = (struct timespec){sp_journal_parse_time(writer->time), 0};
    }
    sp_change_note(latest, moment_of(context, writer, st.st_ctim),
                   sp_root_show(&context->root, context->pool, path));
}

void sp_change_note_target(struct sp_context *context, const struct sp_target *one,
                           struct sp_change *latest)
{
    const struct sp_history *history = &context->work->history;
    for (size_t i = 0; i < one->plan.files.count; i++)
        if (sp_state_is_integrated(one->plan.files.items[i].state) &&
            one->plan.files.items[i].snapshot->real)
            note_file(context, one->plan.files.items[i].snapshot->real, latest);
    for (size_t i = 0; i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        for (size_t j = 0; is_done_here(history, journal) && j < journal->files.count; j++)
            if (sp_detection_is_at(context->pool, one->detection, journal->files.items[j].package))
                note_file(context, journal->files.items[j].path, latest);
    }
}
