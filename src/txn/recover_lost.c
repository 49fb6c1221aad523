/* SPDX-License-Identifier: Apache-2.0 */
/* That a record is missing proves nothing: what it was about is asked of the backup, which has the old
 * files, and of work/ID, which has the new ones. */
#include "txn/recover_lost.h"

#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/invocation.h"
#include "base/path.h"
#include "fs/read.h"
#include "fs/resolve.h"
#include "txn/backup.h"
#include "txn/run.h"
#include "txn/workdir_part.h"

/* The content at the path today; data is NULL where there is no file, or one that cannot be read. */
static struct sp_bytes content_of(const struct sp_lost *lost, const char *path)
{
    const char *real;
    struct sp_content now = {.complete = false};
    if (sp_fs_resolve(lost->workdir->root, lost->pool, path, &real, NULL, NULL) < 0 || !real ||
        sp_fs_read(lost->workdir->root, lost->pool, real, SP_MAX_SOURCE, &now, NULL) < 0 ||
        !now.complete)
        return (struct sp_bytes){NULL, 0};
    return now.bytes;
}

/* Compares the files in the backup. Of one that ends early, the complete entries. */
static int compare_backup(const struct sp_lost *lost, bool *tells, const char **differing,
                          struct sp_error *err)
{
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    SP_CLEANUP_ERROR struct sp_error damage = SP_ERROR_INIT;
    struct sp_backup_entry *items = NULL;
    size_t count = 0;
    if (sp_workdir_transaction(lost->pool, lost->workdir, lost->id, &dir, err) < 0)
        return -1;
    int rc = sp_backup_read(lost->pool, &dir, SP_BACKUP_NAME, &items, &count, &damage);
    if (rc < 0 && damage.kind == SP_ERROR_SYSTEM)
        return sp_error_set(err, SP_ERROR_SYSTEM, "%s", damage.message);
    *tells = rc < 0 || count > 0; /* the journal comes after a backup that is complete */
    for (size_t i = 0; i < count && !*differing; i++) {
        struct sp_bytes now = content_of(lost, items[i].path);
        if (!now.data || !sp_bytes_equal(now, items[i].content))
            *differing = items[i].path;
    }
    return 0;
}

/* Looks for files that have the new content already. */
static int compare_staged(const struct sp_lost *lost, bool *tells, const char **differing,
                          struct sp_error *err)
{
    sp_strv files = {NULL, 0, 0};
    if (sp_workdir_staged_files(lost->pool, lost->workdir, lost->id, &files, err) < 0)
        return -1;
    *tells |= files.count > 0;
    for (size_t i = 0; i < files.count && !*differing; i++) {
        struct sp_bytes staged, now = content_of(lost, files.items[i]);
        if (now.data &&
            sp_workdir_staged(lost->pool, lost->workdir, lost->id, files.items[i], &staged, NULL) ==
                0 &&
            sp_bytes_equal(now, staged))
            *differing = files.items[i];
    }
    return 0;
}

int sp_lost_set_aside(const struct sp_lost *lost, const char *why, struct sp_error *err)
{
    const char *kept;
    if (sp_workdir_set_aside(lost->pool, lost->workdir, lost->id, &kept, err) < 0 ||
        sp_workdir_unstage(lost->workdir, lost->id, err) < 0)
        return -1;
    *SP_PUSH(lost->pool, lost->messages) = sp_pool_printf(
        lost->pool, "transaction %u %s; what there is of it is kept in '%s'", lost->id, why, kept);
    return 0;
}

static int refuse(const struct sp_lost *lost, const char *path, struct sp_error *err)
{
    return sp_error_set(
        err, SP_ERROR_NEEDS_RECOVERY,
        "transaction %u has no journal, and '%s' is not as in its backup '%s/" SP_BACKUP_NAME
        "'; put it back from there if need be, then, to keep the backup under "
        "another name, run: %s recover --force",
        lost->id, sp_root_show(lost->workdir->root, lost->pool, path),
        sp_workdir_show(lost->pool, lost->workdir, "transactions", lost->id), sp_invocation());
}

int sp_lost_refuse_foreign(const struct sp_lost *lost, const char *foreign, struct sp_error *err)
{
    return sp_error_set(err, SP_ERROR_NEEDS_RECOVERY,
                        "transaction %u was interrupted, and '%s' %s; put back the directory of "
                        "the transaction, or, to keep what is there under another name, run: "
                        "%s recover --force",
                        lost->id,
                        sp_workdir_show(lost->pool, lost->workdir, "transactions", lost->id),
                        foreign, sp_invocation());
}

int sp_lost_recover(const struct sp_lost *lost, struct sp_error *err)
{
    const char *differing = NULL;
    bool tells = false;
    if (compare_backup(lost, &tells, &differing, err) < 0 ||
        compare_staged(lost, &tells, &differing, err) < 0)
        return -1;
    if (differing)
        return lost->force ? sp_lost_set_aside(lost, "has no journal", err)
                           : refuse(lost, differing, err);
    if (!tells)
        return sp_lost_set_aside(lost, "has no journal, and nothing tells whether it added files",
                                 err);
    if (sp_workdir_unstage(lost->workdir, lost->id, err) < 0 ||
        sp_workdir_drop(lost->workdir, lost->id, err) < 0)
        return -1;
    *SP_PUSH(lost->pool, lost->messages) = sp_pool_printf(
        lost->pool, "transaction %u had not begun to change anything; it was dropped", lost->id);
    return 0;
}

/* ---- work/ID alone --------------------------------------------------------------------------- */

/* Whether the new contents were staged for directories of this system, and none of them is in place. */
static int is_unused(const struct sp_lost *lost, bool *unused, struct sp_error *err)
{
    bool tells = false;
    const char *differing = NULL;
    sp_strv files = {NULL, 0, 0};
    struct stat st;
    *unused = false;
    if (sp_workdir_staged_files(lost->pool, lost->workdir, lost->id, &files, err) < 0)
        return -1;
    for (size_t i = 0; i < files.count; i++) {
        const char *real, *dir = sp_path_dirname(lost->pool, files.items[i]);
        if (!*dir || sp_fs_resolve(lost->workdir->root, lost->pool, dir, &real, &st, NULL) < 0 ||
            !real || !S_ISDIR(st.st_mode))
            return 0;
    }
    if (compare_staged(lost, &tells, &differing, err) < 0)
        return -1;
    *unused = !differing;
    return 0;
}

int sp_lost_staged(const struct sp_lost *lost, struct sp_error *err)
{
    bool unused;
    const char *kept;
    if (is_unused(lost, &unused, err) < 0)
        return -1;
    if (unused)
        return sp_workdir_unstage(lost->workdir, lost->id, err);
    if (sp_workdir_keep(lost->pool, &lost->workdir->staging,
                        sp_pool_printf(lost->pool, "%u", lost->id), &kept, err) < 0)
        return -1;
    *SP_PUSH(lost->pool, lost->messages) =
        sp_pool_printf(lost->pool, "'%s' belongs to no transaction; it is kept as '%s'",
                       sp_workdir_show(lost->pool, lost->workdir, "work", lost->id), kept);
    return 0;
}
