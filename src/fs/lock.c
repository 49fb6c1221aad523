/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int sp_lock_take(int dirfd, const char *name, const char *shown, struct sp_error *err)
{
    struct stat st;
    int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0)
        return sp_error_errno(err, errno, "can't open the lock %s/%s", shown, name);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return sp_error_set(err, SP_ERROR_REFUSED, "the lock %s/%s is not a regular file", shown,
                            name);
    }
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_SETLK, &lock) == 0)
        return fd;
    int saved = errno;
    if (saved == EAGAIN || saved == EACCES) {
        bool known = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0;
        if (known)
            sp_error_set(
                err, SP_ERROR_SYSTEM,
                "another sp-openstack (process %ld) is at work on %s; wait until it is done",
                (long)lock.l_pid, shown);
        else
            sp_error_set(err, SP_ERROR_SYSTEM,
                         "another sp-openstack is at work on %s; wait until it is done", shown);
    } else {
        sp_error_errno(err, saved, "can't lock %s/%s", shown, name);
    }
    close(fd);
    return -1;
}
