/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/workdir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/invocation.h"
#include "base/path.h"
#include "fs/fault.h"
#include "fs/lock.h"
#include "fs/read.h"
#include "fs/resolve.h"
#include "fs/root.h"
#include "fs/write.h"
#include "txn/workdir_part.h"

#define TRANSACTIONS "transactions"
#define STAGING      "work"
#define LOCK         "lock"

static const char *const parts[] = {TRANSACTIONS, STAGING};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

void sp_workdir_open_part(struct sp_pool *pool, const struct sp_dir *dir, const char *name,
                          struct sp_dir *out)
{
    out->fd = openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    out->shown = sp_pool_printf(pool, SP_AT, SP_AT_ARGS(dir, name));
}

const char *sp_workdir_misfit(struct sp_pool *pool, const struct sp_workdir *workdir,
                              const struct sp_dir *dir, const char *name)
{
    struct stat st, top;
    if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return NULL;
    if (!S_ISDIR(st.st_mode))
        return sp_pool_printf(pool, "is %s, not a directory", sp_fs_kind_name(st.st_mode));
    if (fstat(workdir->dir.fd, &top) == 0 && top.st_uid != st.st_uid)
        return sp_pool_printf(pool, "belongs to user %ld", (long)st.st_uid);
    return NULL;
}

int sp_workdir_keep(struct sp_pool *pool, const struct sp_dir *dir, const char *name,
                    const char **kept, struct sp_error *err)
{
    char random[9];
    sp_fs_random_name(random);
    const char *other = sp_pool_printf(pool, "%s.kept-%s", name, random);
    *kept = sp_pool_printf(pool, SP_AT, SP_AT_ARGS(dir, other));
    if (sp_fault("rename", dir, other) || renameat(dir->fd, name, dir->fd, other) < 0)
        return sp_error_errno(err, errno, "cannot rename '" SP_AT "'", SP_AT_ARGS(dir, name));
    return sp_fs_sync_dir(dir, err);
}

/* The same for all commands: what cannot be followed is not passed over. */
static int check_parts(struct sp_pool *pool, const struct sp_workdir *workdir, struct sp_error *err)
{
    for (size_t i = 0; i < PARTS; i++) {
        const char *misfit = sp_workdir_misfit(pool, workdir, &workdir->dir, parts[i]);
        if (misfit)
            return sp_error_set(err, SP_ERROR_REFUSED,
                                "'" SP_AT "' %s; put the directory back that was there, or, to "
                                "keep what is there under another name and begin anew, run: "
                                "%s recover --force",
                                SP_AT_ARGS(&workdir->dir, parts[i]), misfit, sp_invocation());
    }
    return 0;
}

const char *sp_workdir_show(struct sp_pool *pool, const struct sp_workdir *workdir,
                            const char *part, unsigned id)
{
    return sp_pool_printf(pool, "%s/%s/%u", workdir->dir.shown, part, id);
}

static void empty(struct sp_pool *pool, const struct sp_root *root, const char *path,
                  struct sp_workdir *out)
{
    *out = (struct sp_workdir){.root = root,
                               .path = path,
                               .dir = {-1, sp_root_show(root, pool, path)},
                               .transactions = SP_DIR_NONE,
                               .staging = SP_DIR_NONE,
                               .lock = -1};
}

/* Links on the way are the administrator's; the directory itself is none. The same by all commands. */
static int check_kind(const struct sp_dir *parent, const char *name, const char *shown,
                      struct sp_error *err)
{
    struct stat st;
    if (fstatat(parent->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return sp_error_errno(err, errno, "cannot look at '%s'", shown);
    if (S_ISLNK(st.st_mode))
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "the work directory '%s' is a symbolic link; name the directory that "
                            "it leads to with --work-dir",
                            shown);
    if (!S_ISDIR(st.st_mode))
        return sp_error_set(err, SP_ERROR_REFUSED, "the work directory '%s' is not a directory",
                            shown);
    return 0;
}

/* Opens the work directory in its parent. */
static int open_workdir(struct sp_pool *pool, const struct sp_dir *parent, const char *name,
                        struct sp_workdir *out, struct sp_error *err)
{
    const char *shown = out->dir.shown; /* as the operator named it */
    if (check_kind(parent, name, shown, err) < 0)
        return -1;
    sp_workdir_open_part(pool, parent, name, &out->dir);
    out->dir.shown = shown;
    return out->dir.fd < 0 ? sp_error_errno(err, errno, "cannot open '%s'", shown) : 0;
}

static int open_for_reading(struct sp_pool *pool, const char *path, struct sp_workdir *out,
                            struct sp_error *err)
{
    const char *real, *name = sp_path_basename(path);
    struct stat st;
    SP_CLEANUP_DIR struct sp_dir parent = SP_DIR_NONE;
    if (sp_fs_resolve(out->root, pool, sp_path_dirname(pool, path), &real, &st, err) < 0)
        return -1;
    if (!real || !S_ISDIR(st.st_mode))
        return 0;
    if (sp_fs_open_dir(out->root, pool, real, &parent, err) < 0)
        return -1;
    if (fstatat(parent.fd, *name ? name : ".", &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
        return 0;
    return open_workdir(pool, &parent, *name ? name : ".", out, err);
}

/* The path without slashes around it, and with a name at its end. */
static int own_name(struct sp_pool *pool, const struct sp_root *root, const char **path,
                    struct sp_error *err)
{
    const char *real, *name = sp_path_basename(*path = sp_path_trim(pool, *path));
    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
        return 0;
    if (sp_fs_resolve(root, pool, *path, &real, NULL, err) < 0)
        return -1;
    *path = real ? real : "";
    return 0;
}

int sp_workdir_open(struct sp_pool *pool, const struct sp_root *root, const char *path,
                    struct sp_workdir *out, bool *unreadable, struct sp_error *err)
{
    SP_CLEANUP_ERROR struct sp_error reason = SP_ERROR_INIT;
    bool own = false;
    unreadable = unreadable ? unreadable : &own;
    *unreadable = false;
    empty(pool, root, path, out);
    if (own_name(pool, root, &path, err) < 0)
        return -1;
    empty(pool, root, path, out);
    if (open_for_reading(pool, path, out, &reason) < 0) {
        *unreadable = reason.errnum == EACCES;
        return *unreadable ? 0 : sp_error_set(err, reason.kind, "%s", reason.message);
    }
    if (out->dir.fd < 0)
        return 0;
    if (check_parts(pool, out, err) < 0)
        return -1;
    sp_workdir_open_part(pool, &out->dir, STAGING, &out->staging);
    sp_workdir_open_part(pool, &out->dir, TRANSACTIONS, &out->transactions);
    *unreadable = out->transactions.fd < 0 && errno == EACCES;
    return 0;
}

/* Opens the directory that path is in, after creating what is missing of it (mode 0755). Links on
 * the way are the administrator's. */
static int open_parent(struct sp_pool *pool, const struct sp_root *root, const char *path,
                       struct sp_dir *out, struct sp_error *err)
{
    const char *real, *parent = sp_path_dirname(pool, path);
    if (sp_fs_resolve(root, pool, parent, &real, NULL, err) < 0)
        return -1;
    if (real)
        return sp_fs_open_dir(root, pool, real, out, err);
    SP_CLEANUP_DIR struct sp_dir above = SP_DIR_NONE;
    const char *name = sp_path_basename(parent);
    if (open_parent(pool, root, parent, &above, err) < 0 ||
        sp_fs_mkdir(&above, name, 0755, NULL, err) < 0 || sp_fs_sync_dir(&above, err) < 0)
        return -1;
    sp_workdir_open_part(pool, &above, name, out);
    return out->fd < 0 ? sp_error_errno(err, errno, "cannot open '%s'", out->shown) : 0;
}

/* Creates the directory itself if it is missing, and opens it. */
static int make_workdir(struct sp_pool *pool, const char *path, struct sp_workdir *out,
                        struct sp_error *err)
{
    bool created;
    SP_CLEANUP_DIR struct sp_dir parent = SP_DIR_NONE;
    const char *name = sp_path_basename(path);
    if (!*name)
        return sp_error_set(err, SP_ERROR_REFUSED, "it is the root directory");
    struct stat st;
    if (open_parent(pool, out->root, path, &parent, err) < 0)
        return -1;
    if (fstatat(parent.fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return open_workdir(pool, &parent, name, out, err);
    if (sp_fs_mkdir(&parent, name, 0700, &created, err) < 0 ||
        (created && sp_fs_sync_dir(&parent, err) < 0))
        return -1;
    return open_workdir(pool, &parent, name, out, err);
}

/* A system is not restored from files that others could change. */
static int check_private(const struct sp_workdir *workdir, const struct stat *st,
                         struct sp_error *err)
{
    if (!S_ISDIR(st->st_mode))
        return sp_error_set(err, SP_ERROR_REFUSED, "the work directory %s is not a directory",
                            workdir->dir.shown);
    if (st->st_uid != geteuid()) {
        sp_error_set(err, SP_ERROR_SYSTEM,
                     "the work directory %s belongs to user %ld, not to you (%ld); name another "
                     "one with --work-dir",
                     workdir->dir.shown, (long)st->st_uid, (long)geteuid());
        if (err)
            err->errnum = EPERM;
        return -1;
    }
    if (st->st_mode & 022)
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "others may write to the work directory %s (mode %04o); run: chmod "
                            "0700 %s",
                            workdir->dir.shown, (unsigned)st->st_mode & 07777, workdir->dir.shown);
    return 0;
}

static int make_parts(struct sp_pool *pool, struct sp_workdir *out, struct sp_error *err)
{
    bool made_transactions, made_staging;
    if (check_parts(pool, out, err) < 0 ||
        sp_fs_mkdir(&out->dir, TRANSACTIONS, 0700, &made_transactions, err) < 0 ||
        sp_fs_mkdir(&out->dir, STAGING, 0700, &made_staging, err) < 0)
        return -1;
    if ((made_transactions || made_staging) && sp_fs_sync_dir(&out->dir, err) < 0)
        return -1;
    sp_workdir_open_part(pool, &out->dir, TRANSACTIONS, &out->transactions);
    sp_workdir_open_part(pool, &out->dir, STAGING, &out->staging);
    if (out->transactions.fd < 0 || out->staging.fd < 0)
        return sp_error_errno(err, errno, "cannot open the work directory '%s'", out->dir.shown);
    return 0;
}

static int lock_and_open(struct sp_pool *pool, const char *path, struct sp_workdir *out,
                         struct sp_error *err)
{
    struct stat st;
    if (make_workdir(pool, path, out, err) < 0)
        return sp_error_prefix(err, "the work directory '%s' cannot be used", out->dir.shown);
    if (fstat(out->dir.fd, &st) < 0)
        return sp_error_errno(err, errno, "cannot look at '%s'", out->dir.shown);
    if (check_private(out, &st, err) < 0)
        return -1;
    out->lock = sp_lock_take(&out->dir, LOCK, err);
    return out->lock < 0 ? -1 : make_parts(pool, out, err);
}

int sp_workdir_lock(struct sp_pool *pool, const struct sp_root *root, const char *path,
                    struct sp_workdir *out, struct sp_error *err)
{
    empty(pool, root, path, out);
    if (own_name(pool, root, &path, err) < 0)
        return -1;
    empty(pool, root, path, out);
    if (lock_and_open(pool, path, out, err) == 0)
        return 0;
    sp_workdir_close(out);
    return -1;
}

/* Opens the directory that path is in, or will be made in, if it can be written to. */
static int open_place(struct sp_pool *pool, const struct sp_root *root, const char *path,
                      struct sp_dir *out, struct sp_error *err)
{
    const char *real = NULL;
    while (!real) {
        path = sp_path_dirname(pool, path);
        if (sp_fs_resolve(root, pool, path, &real, NULL, err) < 0)
            return -1;
        if (!*path)
            break;
    }
    return sp_fs_open_dir(root, pool, real ? real : "", out, err) < 0
               ? -1
               : sp_fs_check_writable(out, err);
}

/* parent: opened where there is no work directory yet. */
static int check_usable(struct sp_pool *pool, const char *path, struct sp_workdir *out,
                        struct sp_dir *parent, struct sp_error *err)
{
    struct stat st;
    if (open_for_reading(pool, path, out, err) < 0)
        return -1;
    if (out->dir.fd < 0)
        return open_place(pool, out->root, path, parent, err);
    if (fstat(out->dir.fd, &st) < 0)
        return sp_error_errno(err, errno, "cannot look at '%s'", out->dir.shown);
    return check_private(out, &st, err) < 0 || check_parts(pool, out, err) < 0
               ? -1
               : sp_fs_check_writable(&out->dir, err);
}

static int check_space(const struct sp_dir *dir, const char *shown, uint64_t needed,
                       struct sp_error *err)
{
    uint64_t free_bytes;
    if (sp_fs_free_bytes(dir, &free_bytes, err) < 0)
        return -1;
    if (free_bytes >= needed)
        return 0;
    return sp_error_set(err, SP_ERROR_SYSTEM,
                        "there is not enough free space in the work directory '%s'", shown);
}

int sp_workdir_check_space(const struct sp_workdir *workdir, uint64_t needed, struct sp_error *err)
{
    return check_space(&workdir->dir, workdir->dir.shown, needed, err);
}

int sp_workdir_check(struct sp_pool *pool, const struct sp_root *root, const char *path,
                     uint64_t needed, struct sp_error *err)
{
    SP_CLEANUP_DIR struct sp_dir parent = SP_DIR_NONE;
    struct sp_workdir workdir;
    if (own_name(pool, root, &path, err) < 0)
        return -1;
    empty(pool, root, path, &workdir);
    int rc = check_usable(pool, path, &workdir, &parent, err);
    if (rc < 0)
        sp_error_prefix(err, "the work directory '%s' cannot be used", workdir.dir.shown);
    else
        rc = check_space(parent.fd < 0 ? &workdir.dir : &parent, workdir.dir.shown, needed, err);
    sp_workdir_close(&workdir);
    return rc;
}

/* Both, or the one would be about transactions that the other does not know. */
static int keep_parts(struct sp_pool *pool, const struct sp_workdir *workdir, sp_strv *messages,
                      struct sp_error *err)
{
    const char *kept;
    struct stat st;
    if (check_parts(pool, workdir, NULL) == 0)
        return 0;
    for (size_t i = 0; i < PARTS; i++) {
        if (fstatat(workdir->dir.fd, parts[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (sp_workdir_keep(pool, &workdir->dir, parts[i], &kept, err) < 0)
            return -1;
        *SP_PUSH(pool, messages) = sp_pool_printf(pool, "'" SP_AT "' is kept as '%s'",
                                                  SP_AT_ARGS(&workdir->dir, parts[i]), kept);
    }
    return 0;
}

static int lock_and_keep(struct sp_pool *pool, const char *path, struct sp_workdir *workdir,
                         sp_strv *messages, struct sp_error *err)
{
    struct stat st;
    if (open_for_reading(pool, path, workdir, err) < 0)
        return -1;
    if (workdir->dir.fd < 0 || check_parts(pool, workdir, NULL) == 0)
        return 0;
    if (fstat(workdir->dir.fd, &st) < 0)
        return sp_error_errno(err, errno, "cannot look at '%s'", workdir->dir.shown);
    if (check_private(workdir, &st, err) < 0)
        return -1;
    workdir->lock = sp_lock_take(&workdir->dir, LOCK, err);
    return workdir->lock < 0 ? -1 : keep_parts(pool, workdir, messages, err);
}

int sp_workdir_repair(struct sp_pool *pool, const struct sp_root *root, const char *path,
                      sp_strv *messages, struct sp_error *err)
{
    struct sp_workdir workdir;
    if (own_name(pool, root, &path, err) < 0)
        return -1;
    empty(pool, root, path, &workdir);
    int rc = lock_and_keep(pool, path, &workdir, messages, err);
    sp_workdir_close(&workdir);
    return rc;
}

pid_t sp_workdir_holder(const struct sp_workdir *workdir)
{
    return workdir->dir.fd < 0 ? 0 : sp_lock_holder(&workdir->dir, LOCK);
}

void sp_workdir_close(struct sp_workdir *workdir)
{
    sp_dir_close(&workdir->staging);
    sp_dir_close(&workdir->transactions);
    sp_close(&workdir->lock);
    sp_dir_close(&workdir->dir);
}
