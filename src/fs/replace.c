/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/fault.h"
#include "fs/write.h"

/* Newer than the headers of CentOS 7: rename(2). The number of renameat2 differs by architecture. */
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#endif
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

/* Set once a filter is known to answer EPERM for it: one for the process. */
static bool renameat2_is_filtered;

/* renameat2(2) with flags; -1/ENOSYS when this kernel or file system has none. EPERM stays what it
 * is: "not allowed" must not become another way to do the same. */
static int rename_flags(int dirfd, const char *from, const char *to, unsigned flags)
{
#ifdef SYS_renameat2
    int rc =
        renameat2_is_filtered ? -1 : (int)syscall(SYS_renameat2, dirfd, from, dirfd, to, flags);
    if (rc < 0 && (renameat2_is_filtered || errno == EINVAL))
        errno = ENOSYS;
    return rc;
#else
    (void)dirfd, (void)from, (void)to, (void)flags;
    errno = ENOSYS;
    return -1;
#endif
}

static int cannot(const char *verb, const struct sp_dir *dir, const char *name,
                  struct sp_error *err)
{
    return sp_error_errno(err, errno, "cannot %s '" SP_AT "'", verb, SP_AT_ARGS(dir, name));
}

/* ---- looking ------------------------------------------------------------------------------- */

static bool is_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* The same file with the same content, as far as stat(2) tells. */
static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return S_ISREG(b->st_mode) && a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
           a->st_size == b->st_size && is_same_time(a->st_mtim, b->st_mtim);
}

bool sp_fs_is_unchanged(const struct stat *before, const struct stat *now)
{
    return is_same_file(before, now) && is_same_time(before->st_ctim, now->st_ctim);
}

enum sp_found sp_fs_expect(const struct sp_dir *dir, struct sp_pool *pool, const char *name,
                           struct sp_expected *out, struct sp_error *err)
{
    if (fstatat(dir->fd, name, &out->st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT)
            return SP_ABSENT;
        cannot("look at", dir, name, err);
        return SP_FAILED;
    }
    if (!S_ISREG(out->st.st_mode))
        return SP_ABSENT;
    return sp_fs_get_meta(dir, pool, name, &out->meta, err) < 0 ? SP_FAILED : SP_FOUND;
}

bool sp_fs_is_same(const struct sp_expected *before, const struct sp_expected *now)
{
    return is_same_file(&before->st, &now->st) && sp_meta_is_same(&before->meta, &now->meta);
}

/* The expected one, whose change time is another: it was renamed just now, or linked to. */
static bool was_expected(const struct sp_dir *dir, const char *name,
                         const struct sp_expected *expected)
{
    SP_CLEANUP_POOL struct sp_pool *pool = sp_pool_new();
    struct sp_expected now;
    return sp_fs_expect(dir, pool, name, &now, NULL) == SP_FOUND && sp_fs_is_same(expected, &now);
}

/* Looks at the change time first: where names cannot be exchanged, the rename has to follow soon. */
static bool is_expected(const struct sp_dir *dir, const char *name,
                        const struct sp_expected *expected)
{
    struct stat st;
    if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    return sp_fs_is_unchanged(&expected->st, &st) || was_expected(dir, name, expected);
}

static int changed_meanwhile(const struct sp_dir *dir, const char *name, struct sp_error *err)
{
    return sp_error_set(err, SP_ERROR_REFUSED,
                        "'" SP_AT "' was changed by something else at this very moment; it was "
                        "left alone",
                        SP_AT_ARGS(dir, name));
}

/* ---- renaming ------------------------------------------------------------------------------ */

int sp_fs_replace(const struct sp_dir *dir, const char *from, const char *to,
                  const struct sp_expected *expected, bool *kept, struct sp_error *err)
{
    *kept = false;
    if (!is_expected(dir, to, expected))
        return changed_meanwhile(dir, to, err);
    if (sp_fault("rename", dir, to))
        return cannot("replace", dir, to, err);
    if (rename_flags(dir->fd, from, to, RENAME_EXCHANGE) == 0) {
        *kept = true;
        if (was_expected(dir, from, expected))
            return 0;
        if (sp_fault("exchange", dir, to) || rename_flags(dir->fd, from, to, RENAME_EXCHANGE) < 0)
            return cannot("give back what was put meanwhile at", dir, to, err);
        *kept = false;
        return changed_meanwhile(dir, to, err);
    }
    if (errno != ENOSYS || renameat(dir->fd, from, dir->fd, to) < 0)
        return cannot("replace", dir, to, err);
    return 0;
}

/* Renames without replacing: -1 with errno. */
static int rename_noreplace(const struct sp_dir *dir, const char *from, const char *to)
{
    if (sp_fault("rename", dir, to))
        return -1;
    if (rename_flags(dir->fd, from, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != ENOSYS || linkat(dir->fd, from, dir->fd, to, 0) < 0)
        return -1;
    return 0;
}

int sp_fs_rename_new(const struct sp_dir *dir, const char *from, const char *to,
                     struct sp_error *err)
{
    if (rename_noreplace(dir, from, to) == 0)
        return 0;
    return errno == EEXIST ? changed_meanwhile(dir, to, err) : cannot("create", dir, to, err);
}

int sp_fs_set_aside(const struct sp_dir *dir, const char *name, const char *aside,
                    const struct sp_expected *expected, bool *kept, struct sp_error *err)
{
    *kept = false;
    if (!is_expected(dir, name, expected))
        return changed_meanwhile(dir, name, err);
    /* what is at the name, whatever it is: with link(2) and unlink(2) that could be two files */
    if (sp_fault("rename", dir, name) || renameat(dir->fd, name, dir->fd, aside) < 0)
        return cannot("remove", dir, name, err);
    *kept = true;
    if (was_expected(dir, aside, expected))
        return 0;
    if (rename_noreplace(dir, aside, name) < 0)
        return cannot("give back what was put meanwhile at", dir, name, err);
    if (sp_fs_unlink(dir, aside, err) < 0) /* by link(2) it was given back */
        return -1;
    *kept = false;
    return changed_meanwhile(dir, name, err);
}

int sp_fs_try_rename(const struct sp_dir *dir, const char *from, const char *to,
                     struct sp_error *err)
{
    if (sp_fault("rename", dir, to))
        return cannot("rename files in", dir, "", err);
    if (rename_flags(dir->fd, from, to, RENAME_NOREPLACE) < 0) {
        bool filtered = errno == EPERM;
        if ((!filtered && errno != ENOSYS) || renameat(dir->fd, from, dir->fd, to) < 0)
            return cannot("rename files in", dir, "", err);
        renameat2_is_filtered |= filtered;
    }
    if (sp_fault("rename", dir, from) || renameat(dir->fd, to, dir->fd, from) < 0)
        return cannot("rename files in", dir, "", err);
    return 0;
}
