/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/workdir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "fs/fault.h"
#include "fs/lock.h"
#include "fs/read.h"
#include "fs/resolve.h"
#include "fs/root.h"
#include "fs/write.h"
#include "txn/journal.h"

#define TRANSACTIONS "transactions"
#define STAGING      "work"
#define LOCK         "lock"

static void id_name(unsigned id, char out[16])
{
    snprintf(out, 16, "%u", id);
}

const char *sp_workdir_show(struct sp_pool *pool, const struct sp_workdir *workdir,
                            const char *part, unsigned id)
{
    return sp_pool_printf(pool, "%s/%s/%u", workdir->dir.shown, part, id);
}

static void open_part(struct sp_pool *pool, const struct sp_dir *dir, const char *name,
                      struct sp_dir *out)
{
    out->fd = openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    out->shown = sp_pool_printf(pool, SP_AT, SP_AT_ARGS(dir, name));
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
    open_part(pool, parent, name, &out->dir);
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
    open_part(pool, &out->dir, TRANSACTIONS, &out->transactions);
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
    open_part(pool, &above, name, out);
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
    if (st->st_uid != geteuid())
        return sp_error_set(err, SP_ERROR_SYSTEM,
                            "the work directory %s belongs to user %ld, not to you (%ld); name "
                            "another one with --work-dir",
                            workdir->dir.shown, (long)st->st_uid, (long)geteuid());
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
    if (sp_fs_mkdir(&out->dir, TRANSACTIONS, 0700, &made_transactions, err) < 0 ||
        sp_fs_mkdir(&out->dir, STAGING, 0700, &made_staging, err) < 0)
        return -1;
    if ((made_transactions || made_staging) && sp_fs_sync_dir(&out->dir, err) < 0)
        return -1;
    open_part(pool, &out->dir, TRANSACTIONS, &out->transactions);
    open_part(pool, &out->dir, STAGING, &out->staging);
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

static int by_number(const void *a, const void *b)
{
    const unsigned *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

/* The number that a directory name is; 0 for none of ours. */
static unsigned number_of(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > 8 || strspn(name, "0123456789") != len || *name == '0')
        return 0;
    return (unsigned)strtoul(name, NULL, 10);
}

/* Whether everything in the directory is made here: then it is a transaction that ended early. A
 * directory of the administrator's may have a number for a name, too. */
static bool is_ours(struct sp_pool *pool, const struct sp_dir *dir, const char *name)
{
    SP_CLEANUP_DIR struct sp_dir own = SP_DIR_NONE;
    struct stat st;
    sp_strv names = {NULL, 0, 0};
    open_part(pool, dir, name, &own);
    if (own.fd < 0)
        return true; /* why not is told when it is opened */
    for (size_t i = 0; i < 3; i++)
        if (fstatat(own.fd, sp_journal_names[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
            return true;
    if (sp_fs_list(&own, pool, &names, NULL) < 0)
        return true;
    for (size_t i = 0; i < names.count; i++) {
        bool known = strcmp(names.items[i], "backup.tar") == 0 ||
                     strcmp(names.items[i], "changes.patch") == 0;
        for (size_t j = 0; j < 3; j++)
            known |=
                strcmp(names.items[i], sp_pool_printf(pool, ".%s.new", sp_journal_names[j])) == 0;
        if (!known)
            return false;
    }
    return true;
}

static int list_ids(struct sp_pool *pool, const struct sp_dir *dir, sp_ids *out, bool ours,
                    struct sp_error *err)
{
    sp_strv names = {NULL, 0, 0};
    if (sp_fs_list(dir, pool, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.count; i++) {
        struct stat st;
        if (!number_of(names.items[i]) ||
            fstatat(dir->fd, names.items[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        bool is_dir = S_ISDIR(st.st_mode) && (!ours || is_ours(pool, dir, names.items[i]));
        if (is_dir || (ours && S_ISLNK(st.st_mode))) /* a link is refused when it is opened */
            *SP_PUSH(pool, out) = number_of(names.items[i]);
    }
    if (out->count)
        qsort(out->items, out->count, sizeof(out->items[0]), by_number);
    return 0;
}

int sp_workdir_ids(struct sp_pool *pool, const struct sp_workdir *workdir, sp_ids *out,
                   struct sp_error *err)
{
    return workdir->transactions.fd < 0 ? 0
                                        : list_ids(pool, &workdir->transactions, out, true, err);
}

int sp_workdir_staged_ids(struct sp_pool *pool, const struct sp_workdir *workdir, sp_ids *out,
                          struct sp_error *err)
{
    return list_ids(pool, &workdir->staging, out, false, err);
}

int sp_workdir_transaction(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                           struct sp_dir *out, struct sp_error *err)
{
    char name[16];
    id_name(id, name);
    open_part(pool, &workdir->transactions, name, out);
    return out->fd < 0 ? sp_error_errno(err, errno, "cannot open '%s'", out->shown) : 0;
}

int sp_workdir_new_transaction(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned *id,
                               struct sp_dir *out, struct sp_error *err)
{
    char name[16];
    bool created = false;
    for (; !created; *id += !created) {
        id_name(*id, name);
        if (sp_fs_mkdir(&workdir->transactions, name, 0700, &created, err) < 0)
            return -1;
    }
    if (sp_fs_sync_dir(&workdir->transactions, err) < 0)
        return -1;
    return sp_workdir_transaction(pool, workdir, *id, out, err);
}

/* Opens the directory in work/ID in which the staged file of the real path is. */
static int open_staged(struct sp_pool *pool, const struct sp_workdir *workdir, const char *rest,
                       bool create, struct sp_dir *out, struct sp_error *err)
{
    *out = (struct sp_dir){dup(workdir->staging.fd), workdir->staging.shown};
    while (out->fd >= 0 && *rest) {
        size_t len = strcspn(rest, "/");
        const char *part = sp_pool_memdup(pool, rest, len);
        SP_CLEANUP_DIR struct sp_dir above = *out;
        rest += len;
        rest += strspn(rest, "/");
        out->fd = -1;
        if (create && sp_fs_mkdir(&above, part, 0700, NULL, err) < 0)
            return -1;
        open_part(pool, &above, part, out);
    }
    if (out->fd < 0)
        return sp_error_errno(err, errno, "cannot open the staging directory '%s'", out->shown);
    return 0;
}

/* ID/DIR of the real path DIR/NAME. */
static const char *staged_path(struct sp_pool *pool, unsigned id, const char *path)
{
    return sp_path_join(pool, sp_pool_printf(pool, "%u", id), sp_path_dirname(pool, path));
}

int sp_workdir_stage(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                     const char *path, struct sp_bytes content, struct sp_error *err)
{
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    const char *name = sp_path_basename(path);
    if (open_staged(pool, workdir, staged_path(pool, id, path), true, &dir, err) < 0)
        return -1;
    /* nothing relies on it after a crash, so it is not synced */
    SP_CLEANUP_FD int fd = sp_fs_open_new(&dir, name, 0600, err);
    return fd < 0 ? -1 : sp_fs_write(&(struct sp_file){fd, &dir, name}, content, err);
}

int sp_workdir_staged(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                      const char *path, struct sp_bytes *out, struct sp_error *err)
{
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    struct sp_content content;
    const char *name = sp_path_basename(path);
    if (open_staged(pool, workdir, staged_path(pool, id, path), false, &dir, err) < 0 ||
        sp_fs_read_at(&dir, pool, name, SP_MAX_SOURCE, &content, err) < 0)
        return -1;
    if (!content.bytes.data || !content.complete)
        return sp_error_set(err, SP_ERROR_SYSTEM, "the staged file '" SP_AT "' is gone",
                            SP_AT_ARGS(&dir, name));
    *out = content.bytes;
    return 0;
}

int sp_workdir_unstage(const struct sp_workdir *workdir, unsigned id, struct sp_error *err)
{
    char name[16];
    id_name(id, name);
    return sp_fs_remove_tree(&workdir->staging, name, err);
}

int sp_workdir_sync_staging(const struct sp_workdir *workdir, struct sp_error *err)
{
    return sp_fs_sync_dir(&workdir->staging, err);
}

int sp_workdir_set_aside(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                         const char **kept, struct sp_error *err)
{
    char name[16], random[9];
    const struct sp_dir *dir = &workdir->transactions;
    id_name(id, name);
    sp_fs_random_name(random);
    const char *other = sp_pool_printf(pool, "%s.kept-%s", name, random);
    *kept = sp_pool_printf(pool, SP_AT, SP_AT_ARGS(dir, other));
    if (sp_fault("rename", dir, other) || renameat(dir->fd, name, dir->fd, other) < 0)
        return sp_error_errno(err, errno, "cannot rename '" SP_AT "'", SP_AT_ARGS(dir, name));
    return sp_fs_sync_dir(dir, err);
}

int sp_workdir_drop(const struct sp_workdir *workdir, unsigned id, struct sp_error *err)
{
    char name[16];
    id_name(id, name);
    return sp_fs_remove_tree(&workdir->transactions, name, err);
}
