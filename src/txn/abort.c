/* SPDX-License-Identifier: Apache-2.0 */
/* Undoing a transaction in the process that runs it. Nothing is written for it but the journal: what was
 * replaced still has another name, and gets its own back. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "fs/read.h"
#include "fs/write.h"
#include "txn/pyc.h"
#include "txn/run.h"

int sp_run_clear(const struct sp_dir *dir, const char *name, struct sp_error *err)
{
    struct stat st;
    if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
        return 0;
    return sp_fs_unlink(dir, name, err);
}

/* Looks whether the name still has the file that this process put there. */
static enum sp_found look_at_made(struct sp_run *r, const struct sp_step *step,
                                  struct sp_expected *now, struct sp_error *err)
{
    struct sp_content content;
    enum sp_found found = sp_fs_expect(&step->place->dir, r->pool, step->name, now, err);
    if (found != SP_FOUND)
        return found;
    if (now->st.st_dev != step->made.st.st_dev || now->st.st_ino != step->made.st.st_ino)
        return SP_ABSENT;
    if (sp_fs_read_at(&step->place->dir, r->pool, step->name, SP_MAX_SOURCE, &content, err) < 0)
        return SP_FAILED;
    return content.complete && sp_bytes_equal(content.bytes, step->change->after) ? SP_FOUND
                                                                                  : SP_ABSENT;
}

/* Something else's chmod(1) on our file is one on the file: the old content gets it, too. */
static int take_over_meta(const struct sp_step *step, const char *source,
                          const struct sp_expected *now, struct sp_error *err)
{
    const struct sp_dir *dir = &step->place->dir;
    if (sp_meta_is_same(&now->meta, &step->made.meta))
        return 0;
    SP_CLEANUP_FD int fd = openat(dir->fd, source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return sp_error_errno(err, errno, "cannot open '" SP_AT "'", SP_AT_ARGS(dir, source));
    return sp_fs_apply_meta(&(struct sp_file){fd, dir, source}, &now->meta,
                            SP_KEEP_MODE | SP_KEEP_OWNER | SP_KEEP_XATTRS, err);
}

static int undo_replace(struct sp_run *r, struct sp_step *step, const struct sp_expected *now,
                        struct sp_error *err)
{
    const struct sp_dir *dir = &step->place->dir;
    const char *source = step->temp;
    bool kept;
    if (!step->kept) { /* a kernel that cannot exchange names */
        source = sp_pool_printf(r->pool, "%s~", step->temp);
        if (sp_fs_create(dir, source, step->change->before, &step->found.meta, SP_KEEP_ALL, err) <
            0)
            return -1;
    }
    if (take_over_meta(step, source, now, err) < 0)
        return -1;
    return sp_fs_replace(dir, source, step->name, now, &kept, err);
}

static int undo_add(struct sp_run *r, const struct sp_step *step, const struct sp_expected *now,
                    struct sp_error *err)
{
    bool kept;
    const struct sp_dir *dir = &step->place->dir;
    const char *aside = sp_pool_printf(r->pool, "%s~", step->temp);
    if (sp_fs_set_aside(dir, step->name, aside, now, &kept, err) < 0)
        return -1;
    return sp_pyc_remove(dir, step->name, err);
}

static int undo_remove(const struct sp_step *step, bool *is_left, struct sp_error *err)
{
    struct stat st;
    const struct sp_dir *dir = &step->place->dir;
    *is_left = fstatat(dir->fd, step->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    return *is_left ? 0 : sp_fs_rename_new(dir, step->temp, step->name, err);
}

static int undo_done(struct sp_run *r, struct sp_step *step, sp_strv *left, struct sp_error *err)
{
    struct sp_expected now;
    bool is_left = false;
    int rc = 0;
    if (step->change->action == SP_ACTION_REMOVE) {
        rc = undo_remove(step, &is_left, err);
    } else {
        enum sp_found found = look_at_made(r, step, &now, err);
        is_left = found == SP_ABSENT;
        if (found == SP_FAILED)
            rc = -1;
        else if (found == SP_FOUND)
            rc = step->change->action == SP_ACTION_ADD ? undo_add(r, step, &now, err)
                                                       : undo_replace(r, step, &now, err);
    }
    if (is_left)
        *SP_PUSH(r->pool, left) = step->shown;
    return rc;
}

static int undo_step(struct sp_run *r, struct sp_step *step, sp_strv *left, struct sp_error *err)
{
    const struct sp_dir *dir = &step->place->dir;
    if (step->progress == SP_STEP_PLANNED)
        return 0;
    if (step->progress == SP_STEP_DONE && undo_done(r, step, left, err) < 0)
        return -1;
    step->progress = SP_STEP_PLANNED;
    if (sp_run_clear(dir, sp_pool_printf(r->pool, "%s~", step->temp), err) < 0)
        return -1;
    return sp_run_clear(dir, step->temp, err);
}

/* Giving up needs no room: a journal that cannot be saved is removed, with all that belongs to it. */
static int close_journal(struct sp_run *r, bool touched, struct sp_error *err)
{
    if (r->dir.fd < 0)
        return 0;
    r->journal.state = SP_JOURNAL_ABORTED;
    if (touched && sp_journal_save(r->pool, &r->dir, &r->journal, NULL) == 0)
        return 0;
    return sp_workdir_drop(r->workdir, r->journal.id, err);
}

int sp_run_abort(struct sp_run *r, sp_strv *left, struct sp_error *err)
{
    bool touched = false;
    /* "committed" may be on disk although saving it failed: it must not outlive what is undone now */
    if (r->journal.state == SP_JOURNAL_COMMITTED && sp_journal_reopen(&r->dir, err) < 0)
        return -1;
    for (size_t i = r->steps.count; i-- > 0;) {
        touched |= r->steps.items[i].progress != SP_STEP_PLANNED;
        if (undo_step(r, &r->steps.items[i], left, err) < 0)
            return -1;
    }
    for (size_t i = 0; touched && i < r->places.count; i++) {
        const struct sp_place *place = r->places.items[i];
        const struct sp_file itself = sp_dir_itself(&place->dir);
        if (sp_fs_set_mtime(&itself, place->st.st_mtim, NULL) < 0)
            errno = 0; /* a time is not worth failing for */
        if (sp_fs_sync(&itself, err) < 0)
            return -1;
    }
    if (close_journal(r, touched, err) < 0)
        return -1;
    return r->dir.fd < 0 ? 0 : sp_workdir_unstage(r->workdir, r->journal.id, err);
}
