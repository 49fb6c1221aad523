/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/workdir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "fs/lock.h"
#include "fs/read.h"
#include "fs/resolve.h"
#include "fs/root.h"
#include "fs/write.h"

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
    return sp_pool_printf(pool, "%s/%s/%u", workdir->path, part, id);
}

static int open_part(int dirfd, const char *name)
{
    return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void empty(struct sp_pool *pool, const struct sp_root *root, const char *path,
                  struct sp_workdir *out)
{
    *out = (struct sp_workdir){.root = root,
                               .path = sp_root_show(root, pool, path),
                               .fd = -1,
                               .transactions = -1,
                               .staging = -1,
                               .lock = -1};
}

int sp_workdir_open(struct sp_pool *pool, const struct sp_root *root, const char *path,
                    struct sp_workdir *out, bool *unreadable, struct sp_error *err)
{
    const char *real;
    struct stat st;
    struct sp_error reason = SP_ERROR_INIT;
    bool own = false;
    unreadable = unreadable ? unreadable : &own;
    *unreadable = false;
    empty(pool, root, path, out);
    int rc = sp_fs_resolve(root, pool, path, &real, &st, &reason);
    if (rc == 0 && real) {
        if (!S_ISDIR(st.st_mode))
            return sp_error_set(err, SP_ERROR_REFUSED, "the work directory %s is not a directory",
                                out->path);
        out->fd = sp_fs_open_dir(root, real, &reason);
        rc = out->fd < 0 ? -1 : 0;
    }
    if (rc < 0) {
        *unreadable = reason.errnum == EACCES;
        if (!*unreadable)
            sp_error_set(err, reason.kind, "%s", reason.message);
        sp_error_clear(&reason);
        return *unreadable ? 0 : -1;
    }
    if (out->fd < 0)
        return 0;
    out->transactions = open_part(out->fd, TRANSACTIONS);
    *unreadable = out->transactions < 0 && errno == EACCES;
    return 0;
}

/* Creates the directories of path that are missing. */
static int make_path(struct sp_pool *pool, const struct sp_root *root, const char *path,
                     const char *shown, struct sp_error *err)
{
    const char *real, *parent_real;
    const char *parent = sp_path_dirname(pool, path);
    if (sp_fs_resolve(root, pool, path, &real, NULL, err) < 0)
        return -1;
    if (real)
        return 0;
    if (strcmp(parent, path) != 0 && *parent && make_path(pool, root, parent, parent, err) < 0)
        return -1;
    if (sp_fs_resolve(root, pool, parent, &parent_real, NULL, err) < 0)
        return -1;
    if (!parent_real)
        return sp_error_set(err, SP_ERROR_SYSTEM, "can't create the directory %s", shown);
    int fd = sp_fs_open_dir(root, parent_real, err);
    if (fd < 0)
        return -1;
    bool is_workdir = shown != path;
    int rc = sp_fs_mkdir(fd, sp_path_basename(path), is_workdir ? 0700 : 0755, NULL, shown, err);
    if (rc == 0)
        rc = sp_fs_sync(fd, parent, err);
    close(fd);
    return rc;
}

/* What others could change is nothing to restore a system from. */
static int check_private(const struct sp_workdir *workdir, const struct stat *st,
                         struct sp_error *err)
{
    if (!S_ISDIR(st->st_mode))
        return sp_error_set(err, SP_ERROR_REFUSED, "the work directory %s is not a directory",
                            workdir->path);
    if (st->st_uid != geteuid())
        return sp_error_set(err, SP_ERROR_SYSTEM,
                            "the work directory %s belongs to user %ld, not to you (%ld); name "
                            "another one with --work-dir",
                            workdir->path, (long)st->st_uid, (long)geteuid());
    if (st->st_mode & 022)
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "others may write to the work directory %s (mode %04o); run: chmod "
                            "0700 %s",
                            workdir->path, (unsigned)st->st_mode & 07777, workdir->path);
    return 0;
}

static int make_parts(struct sp_workdir *out, struct sp_error *err)
{
    bool made_transactions, made_staging;
    if (sp_fs_mkdir(out->fd, TRANSACTIONS, 0700, &made_transactions, out->path, err) < 0 ||
        sp_fs_mkdir(out->fd, STAGING, 0700, &made_staging, out->path, err) < 0)
        return -1;
    if ((made_transactions || made_staging) && sp_fs_sync(out->fd, out->path, err) < 0)
        return -1;
    out->transactions = open_part(out->fd, TRANSACTIONS);
    out->staging = open_part(out->fd, STAGING);
    if (out->transactions < 0 || out->staging < 0)
        return sp_error_errno(err, errno, "can't open the work directory %s", out->path);
    return 0;
}

int sp_workdir_lock(struct sp_pool *pool, const struct sp_root *root, const char *path,
                    struct sp_workdir *out, struct sp_error *err)
{
    const char *real, *parent;
    struct stat st;
    empty(pool, root, path, out);
    if (make_path(pool, root, path, out->path, err) < 0)
        return sp_error_prefix(err, "the work directory %s can't be used", out->path);
    /* links on the way are the administrator's; the directory itself must be one */
    if (sp_fs_resolve(root, pool, sp_path_dirname(pool, path), &parent, NULL, err) < 0)
        return -1;
    real = parent ? sp_path_join(pool, parent, sp_path_basename(path)) : path;
    out->fd = sp_fs_open_dir(root, real, err);
    if (out->fd < 0)
        return sp_error_prefix(err, "the work directory can't be used");
    if (fstat(out->fd, &st) < 0)
        sp_error_errno(err, errno, "can't look at %s", out->path);
    else if (check_private(out, &st, err) == 0) {
        out->lock = sp_lock_take(out->fd, LOCK, out->path, err);
        if (out->lock >= 0 && make_parts(out, err) == 0)
            return 0;
    }
    sp_workdir_close(out);
    return -1;
}

void sp_workdir_close(struct sp_workdir *workdir)
{
    int *const fds[] = {&workdir->staging, &workdir->transactions, &workdir->lock, &workdir->fd};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
}

static int by_number(const void *a, const void *b)
{
    const unsigned *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

int sp_workdir_ids(struct sp_pool *pool, const struct sp_workdir *workdir, sp_ids *out,
                   struct sp_error *err)
{
    sp_strv names = {NULL, 0, 0};
    if (workdir->transactions < 0)
        return 0;
    if (sp_fs_list(workdir->transactions, pool, &names, err) < 0)
        return sp_error_prefix(err, "%s/" TRANSACTIONS, workdir->path);
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.items[i];
        size_t len = strlen(name);
        if (len == 0 || len > 8 || strspn(name, "0123456789") != len || *name == '0')
            continue; /* nothing of ours */
        *SP_PUSH(pool, out) = (unsigned)strtoul(name, NULL, 10);
    }
    if (out->count)
        qsort(out->items, out->count, sizeof(out->items[0]), by_number);
    return 0;
}

int sp_workdir_transaction(const struct sp_workdir *workdir, unsigned id, bool create,
                           struct sp_error *err)
{
    char name[16];
    id_name(id, name);
    if (create && (sp_fs_mkdir(workdir->transactions, name, 0700, NULL, workdir->path, err) < 0 ||
                   sp_fs_sync(workdir->transactions, workdir->path, err) < 0))
        return -1;
    int fd = open_part(workdir->transactions, name);
    if (fd < 0)
        return sp_error_errno(err, errno, "can't open the transaction %u in %s", id, workdir->path);
    return fd;
}

/* The directory in work/ID in which the staged file of the real path stands; -1. */
static int staged_dir(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                      const char *path, bool create, struct sp_error *err)
{
    char name[16];
    id_name(id, name);
    const char *shown = sp_workdir_show(pool, workdir, STAGING, id);
    const char *rest = sp_path_join(pool, name, sp_path_dirname(pool, path));
    int at = dup(workdir->staging);
    while (at >= 0 && *rest) {
        size_t len = strcspn(rest, "/");
        const char *part = sp_pool_memdup(pool, rest, len);
        rest += len;
        rest += strspn(rest, "/");
        int next = -1;
        if (!create || sp_fs_mkdir(at, part, 0700, NULL, shown, err) == 0)
            next = open_part(at, part);
        int saved = errno;
        close(at);
        errno = saved;
        at = next;
    }
    return at < 0 ? sp_error_errno(err, errno, "can't open the staging directory %s", shown) : at;
}

int sp_workdir_stage(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                     const char *path, struct sp_bytes content, struct sp_error *err)
{
    int dir = staged_dir(pool, workdir, id, path, true, err);
    if (dir < 0)
        return -1;
    const char *shown = sp_path_join(pool, sp_workdir_show(pool, workdir, STAGING, id), path);
    /* nothing relies on it after a crash, so it is not brought to disk */
    int fd = sp_fs_open_new(dir, sp_path_basename(path), 0600, shown, err);
    int rc = fd < 0 ? -1 : sp_fs_write(fd, content, shown, err);
    if (fd >= 0)
        close(fd);
    close(dir);
    return rc;
}

int sp_workdir_staged(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                      const char *path, struct sp_bytes *out, struct sp_error *err)
{
    bool complete;
    int dir = staged_dir(pool, workdir, id, path, false, err);
    if (dir < 0)
        return -1;
    int rc =
        sp_fs_read_at(dir, pool, sp_path_basename(path), SP_MAX_SOURCE, out, &complete, NULL, err);
    close(dir);
    if (rc == 0 && (!out->data || !complete))
        return sp_error_set(err, SP_ERROR_SYSTEM, "the staged %s is gone", path);
    return rc;
}

int sp_workdir_unstage(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                       struct sp_error *err)
{
    char name[16];
    id_name(id, name);
    return sp_fs_remove_tree(workdir->staging, name, sp_workdir_show(pool, workdir, STAGING, id),
                             err);
}

int sp_workdir_unstage_all(struct sp_pool *pool, const struct sp_workdir *workdir,
                           struct sp_error *err)
{
    sp_strv names = {NULL, 0, 0};
    if (sp_fs_list(workdir->staging, pool, &names, err) < 0)
        return sp_error_prefix(err, "%s/" STAGING, workdir->path);
    for (size_t i = 0; i < names.count; i++) /* directories of ours: anything else is refused */
        if (sp_fs_remove_tree(workdir->staging, names.items[i], workdir->path, err) < 0)
            return -1;
    return 0;
}

int sp_workdir_drop(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                    struct sp_error *err)
{
    char name[16];
    id_name(id, name);
    return sp_fs_remove_tree(workdir->transactions, name,
                             sp_workdir_show(pool, workdir, TRANSACTIONS, id), err);
}
