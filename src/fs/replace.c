/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/fault.h"
#include "fs/write.h"

/* Newer than the headers of CentOS 7: rename(2). The number of renameat2 differs by architecture. */
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#endif
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

/* renameat2(2) with flags; -1/ENOSYS when this kernel or file system cannot. */
static int rename_flags(int dirfd, const char *from, const char *to, unsigned flags)
{
#ifdef SYS_renameat2
    int rc = (int)syscall(SYS_renameat2, dirfd, from, dirfd, to, flags);
    if (rc < 0 && (errno == EINVAL || errno == EPERM))
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

static bool is_expected(const struct sp_dir *dir, const char *name, const struct stat *expected)
{
    struct stat st;
    return fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           st.st_dev == expected->st_dev && st.st_ino == expected->st_ino &&
           st.st_size == expected->st_size && st.st_mtim.tv_sec == expected->st_mtim.tv_sec &&
           st.st_mtim.tv_nsec == expected->st_mtim.tv_nsec;
}

static int changed_meanwhile(const struct sp_dir *dir, const char *name, struct sp_error *err)
{
    return sp_error_set(err, SP_ERROR_REFUSED,
                        "'" SP_AT "' was changed by something else at this very moment; it was "
                        "left alone",
                        SP_AT_ARGS(dir, name));
}

int sp_fs_replace(const struct sp_dir *dir, const char *from, const char *to,
                  const struct stat *expected, struct sp_error *err)
{
    if (!is_expected(dir, to, expected))
        return changed_meanwhile(dir, to, err);
    if (sp_fault("rename", dir, to))
        return cannot("replace", dir, to, err);
    if (rename_flags(dir->fd, from, to, RENAME_EXCHANGE) == 0) {
        if (is_expected(dir, from, expected))
            return sp_fs_unlink(dir, from, err);
        if (sp_fault("exchange", dir, to) || rename_flags(dir->fd, from, to, RENAME_EXCHANGE) < 0)
            return cannot("give back what was put meanwhile at", dir, to, err);
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
    return sp_fault("unlink", dir, from) ? -1 : unlinkat(dir->fd, from, 0);
}

int sp_fs_rename_new(const struct sp_dir *dir, const char *from, const char *to,
                     struct sp_error *err)
{
    if (rename_noreplace(dir, from, to) == 0)
        return 0;
    return errno == EEXIST ? changed_meanwhile(dir, to, err) : cannot("create", dir, to, err);
}

int sp_fs_remove_expected(const struct sp_dir *dir, const char *name, const char *aside,
                          const struct stat *expected, struct sp_error *err)
{
    if (!is_expected(dir, name, expected))
        return changed_meanwhile(dir, name, err);
    /* what is at the name, whatever it is: with link(2) and unlink(2) that could be two files */
    if (sp_fault("rename", dir, name) || renameat(dir->fd, name, dir->fd, aside) < 0)
        return cannot("remove", dir, name, err);
    if (is_expected(dir, aside, expected))
        return sp_fs_unlink(dir, aside, err);
    if (rename_noreplace(dir, aside, name) < 0)
        return cannot("give back what was put meanwhile at", dir, name, err);
    return changed_meanwhile(dir, name, err);
}
