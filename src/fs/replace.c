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

/* renameat2(2) with flags; -1/ENOSYS when this kernel or file system can't. */
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

static bool is_expected(int dirfd, const char *name, const struct stat *expected)
{
    struct stat st;
    return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           st.st_dev == expected->st_dev && st.st_ino == expected->st_ino &&
           st.st_size == expected->st_size && st.st_mtim.tv_sec == expected->st_mtim.tv_sec &&
           st.st_mtim.tv_nsec == expected->st_mtim.tv_nsec;
}

static int changed_meanwhile(const char *shown, struct sp_error *err)
{
    return sp_error_set(err, SP_ERROR_REFUSED,
                        "%s was changed by something else at this very moment; it was left alone",
                        shown);
}

int sp_fs_replace(int dirfd, const char *from, const char *to, const struct stat *expected,
                  const char *shown, struct sp_error *err)
{
    if (!is_expected(dirfd, to, expected))
        return changed_meanwhile(shown, err);
    if (sp_fault("rename", shown))
        return sp_error_errno(err, errno, "can't put the new %s in place", shown);
    if (rename_flags(dirfd, from, to, RENAME_EXCHANGE) == 0) {
        if (is_expected(dirfd, from, expected))
            return sp_fs_unlink(dirfd, from, shown, err);
        if (rename_flags(dirfd, from, to, RENAME_EXCHANGE) < 0)
            return sp_error_errno(err, errno, "can't give %s back what was put there meanwhile",
                                  shown);
        return changed_meanwhile(shown, err);
    }
    if (errno != ENOSYS || renameat(dirfd, from, dirfd, to) < 0)
        return sp_error_errno(err, errno, "can't put the new %s in place", shown);
    return 0;
}

/* Renames without replacing: -1 with errno. */
static int rename_noreplace(int dirfd, const char *from, const char *to)
{
    if (rename_flags(dirfd, from, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != ENOSYS)
        return -1;
    if (linkat(dirfd, from, dirfd, to, 0) < 0)
        return -1;
    return unlinkat(dirfd, from, 0);
}

int sp_fs_rename_new(int dirfd, const char *from, const char *to, const char *shown,
                     struct sp_error *err)
{
    if (sp_fault("rename", shown))
        return sp_error_errno(err, errno, "can't put %s in place", shown);
    if (rename_noreplace(dirfd, from, to) == 0)
        return 0;
    if (errno == EEXIST)
        return changed_meanwhile(shown, err);
    return sp_error_errno(err, errno, "can't put %s in place", shown);
}

int sp_fs_remove_expected(int dirfd, const char *name, const char *aside,
                          const struct stat *expected, const char *shown, struct sp_error *err)
{
    if (!is_expected(dirfd, name, expected))
        return changed_meanwhile(shown, err);
    /* what is at the name, whatever it is: with link(2) and unlink(2) that could be two files */
    if (sp_fault("rename", shown) || renameat(dirfd, name, dirfd, aside) < 0)
        return sp_error_errno(err, errno, "can't take %s out", shown);
    if (is_expected(dirfd, aside, expected))
        return sp_fs_unlink(dirfd, aside, shown, err);
    if (rename_noreplace(dirfd, aside, name) < 0)
        return sp_error_errno(err, errno, "can't give %s back what was put there meanwhile", shown);
    return changed_meanwhile(shown, err);
}
