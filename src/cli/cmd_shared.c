/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "fs/resolve.h"
#include "txn/recover.h"

int sp_cmd_warn_unfinished(struct sp_context *s, struct sp_error *err)
{
    struct sp_workdir workdir;
    struct sp_history history;
    if (s->options->trees.count)
        return 0;
    if (sp_workdir_open(s->pool, &s->root, s->work_dir, &workdir, NULL, err) < 0)
        return -1;
    int rc = sp_history_load(s->pool, &workdir, &history, err);
    sp_workdir_close(&workdir);
    if (rc < 0)
        return -1;
    if (history.pending.count == 0)
        return 0;
    sp_console_warn(s->pool, s->report,
                    "transaction %u was interrupted, and what stands here may be half of it; run: "
                    "sp-openstack recover",
                    history.pending.items[0]);
    return 1;
}

int sp_cmd_recover_first(struct sp_context *s, struct sp_workdir *workdir, bool *locked,
                         struct sp_error *err)
{
    bool unreadable;
    sp_strv messages = {NULL, 0, 0};
    *locked = false;
    if (sp_workdir_open(s->pool, &s->root, s->work_dir, workdir, &unreadable, err) < 0)
        return -1;
    bool exists = workdir->dir.fd >= 0 || unreadable;
    sp_workdir_close(workdir);
    if (!exists)
        return 0;
    if (sp_workdir_lock(s->pool, &s->root, s->work_dir, workdir, err) < 0)
        return -1;
    if (sp_recover(s->pool, workdir, false, &messages, err) < 0) {
        sp_workdir_close(workdir);
        return -1;
    }
    for (size_t i = 0; i < messages.count; i++)
        sp_console_warn(s->pool, s->report, "%s", messages.items[i]);
    *locked = true;
    return 0;
}

int sp_cmd_refuse(struct sp_context *s, const sp_selection *selection, struct sp_error *err)
{
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        if (one->plan.state != SP_STATE_CONFLICT && one->plan.state != SP_STATE_UNSUPPORTED)
            continue;
        if (one->plan.note)
            return sp_error_set(err, SP_ERROR_REFUSED, "%s: %s", sp_output_title(s->pool, one),
                                one->plan.note);
        for (size_t j = 0; j < one->plan.files.count; j++)
            if (one->plan.files.items[j].state == SP_STATE_CONFLICT)
                return sp_error_set(err, SP_ERROR_REFUSED, "%s: %s",
                                    sp_output_path(s, one, &one->plan.files.items[j]),
                                    one->plan.files.items[j].note);
    }
    return 0;
}

void sp_cmd_add_times(struct sp_context *s, const struct sp_history *history, unsigned since,
                      struct sp_transaction *txn)
{
    for (size_t i = 0; i < txn->changes.count; i++) {
        struct stat st;
        const char *dir = sp_path_dirname(s->pool, txn->changes.items[i].path), *real;
        struct sp_error ignored = SP_ERROR_INIT; /* a time is not worth failing for */
        if (sp_fs_resolve(&s->root, s->pool, dir, &real, &st, &ignored) == 0 && real)
            *SP_PUSH(s->pool, &txn->dirs) = (struct sp_journal_dir){
                .path = dir, .before = sp_history_dir_time(history, dir, st.st_mtim, since)};
        sp_error_clear(&ignored);
    }
}
