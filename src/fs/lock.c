/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/fault.h"

/* Who keeps others from the lock; 0 for nobody, -1 for a process that has no number here. */
static pid_t holder_of(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
        return 0;
    return lock.l_pid > 0 ? lock.l_pid : -1;
}

int sp_lock_file(int fd, const char *shown, struct sp_error *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_SETLK, &lock) == 0)
        return 0;
    int saved = errno;
    if (saved != EAGAIN && saved != EACCES)
        return sp_error_errno(err, saved, "cannot lock '%s'", shown);
    pid_t holder = holder_of(fd);
    if (holder > 0)
        sp_error_set(err, SP_ERROR_SYSTEM,
                     "another sp-openstack (process %ld) is at work on '%s'; wait until it is done",
                     (long)holder, shown);
    else
        sp_error_set(err, SP_ERROR_SYSTEM,
                     "another sp-openstack is at work on '%s'; wait until it is done", shown);
    if (err)
        err->errnum = EAGAIN;
    return -1;
}

int sp_lock_take(const struct sp_dir *dir, const char *name, struct sp_error *err)
{
    struct stat st;
    const int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    SP_CLEANUP_FD int fd = openat(dir->fd, name, flags);
    if (fd < 0 && errno == ENOENT && sp_fault("open", dir, name) == 0)
        fd = openat(dir->fd, name, flags | O_CREAT, 0600);
    if (fd < 0)
        return sp_error_errno(err, errno, "cannot open the lock '" SP_AT "'",
                              SP_AT_ARGS(dir, name));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return sp_error_set(err, SP_ERROR_REFUSED, "the lock '" SP_AT "' is not a regular file",
                            SP_AT_ARGS(dir, name));
    return sp_lock_file(fd, dir->shown, err) < 0 ? -1 : sp_steal_fd(&fd);
}

pid_t sp_lock_holder(const struct sp_dir *dir, const char *name)
{
    struct stat st;
    if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return 0;
    SP_CLEANUP_FD int fd = openat(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? 0 : holder_of(fd);
}
