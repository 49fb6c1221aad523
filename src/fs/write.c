/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/fault.h"
#include "fs/read.h"

enum {
    MAX_DEPTH = 128
};

int sp_fs_open_new(int dirfd, const char *name, mode_t mode, const char *shown,
                   struct sp_error *err)
{
    if (sp_fault("open", shown))
        return sp_error_errno(err, errno, "can't create %s", shown);
    int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0600);
    if (fd < 0)
        return sp_error_errno(err, errno, "can't create %s", shown);
    if ((mode & ~(mode_t)0600) && fchmod(fd, mode) < 0) {
        int saved = errno;
        close(fd);
        unlinkat(dirfd, name, 0);
        return sp_error_errno(err, saved, "can't set the mode of %s", shown);
    }
    return fd;
}

int sp_fs_write(int fd, struct sp_bytes content, const char *shown, struct sp_error *err)
{
    size_t done = 0;
    while (done < content.len) {
        size_t len = content.len - done;
        if (sp_fault("write", shown))
            return sp_error_errno(err, errno, "can't write %s", shown);
        if (sp_fault_is_short() && len > 1)
            len /= 2;
        ssize_t put = write(fd, content.data + done, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return sp_error_errno(err, errno, "can't write %s", shown);
        done += (size_t)put;
    }
    return 0;
}

int sp_fs_sync(int fd, const char *shown, struct sp_error *err)
{
    if (sp_fault("fsync", shown) || fsync(fd) < 0)
        return sp_error_errno(err, errno, "can't bring %s to disk", shown);
    return 0;
}

int sp_fs_sync_name(int dirfd, const char *name, const char *shown, struct sp_error *err)
{
    int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return sp_error_errno(err, errno, "can't open %s", shown);
    int rc = sp_fs_sync(fd, shown, err);
    close(fd);
    return rc;
}

int sp_fs_create(int dirfd, const char *name, struct sp_bytes content, const struct sp_meta *meta,
                 unsigned keep, const char *shown, struct sp_error *err)
{
    int fd = sp_fs_open_new(dirfd, name, 0600, shown, err);
    if (fd < 0)
        return -1;
    int rc = sp_fs_write(fd, content, shown, err);
    if (rc == 0)
        rc = sp_fs_apply_meta(fd, meta, keep, shown, err);
    if (rc == 0 && (keep & SP_SYNC_LATER))
        sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* a hint: the fsync is what counts */
    else if (rc == 0)
        rc = sp_fs_sync(fd, shown, err);
    close(fd);
    if (rc < 0)
        unlinkat(dirfd, name, 0); /* best effort: the journal names it as well */
    return rc;
}

int sp_fs_unlink(int dirfd, const char *name, const char *shown, struct sp_error *err)
{
    if (sp_fault("unlink", shown))
        return sp_error_errno(err, errno, "can't remove %s", shown);
    if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
        return sp_error_errno(err, errno, "can't remove %s", shown);
    return 0;
}

int sp_fs_rmdir(int dirfd, const char *name, const char *shown, struct sp_error *err)
{
    if (sp_fault("rmdir", shown))
        return sp_error_errno(err, errno, "can't remove the directory %s", shown);
    if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return sp_error_errno(err, errno, "can't remove the directory %s", shown);
    return 0;
}

static int remove_below(int dirfd, const char *name, const char *shown, unsigned depth,
                        struct sp_error *err)
{
    int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 || depth == 0) {
        int saved = fd < 0 ? errno : ENAMETOOLONG;
        if (fd >= 0)
            close(fd);
        return sp_error_errno(err, saved, "can't remove %s in %s", name, shown);
    }
    struct sp_pool *pool = sp_pool_new();
    sp_strv names = {NULL, 0, 0};
    int rc = sp_fs_list(fd, pool, &names, err);
    for (size_t i = 0; rc == 0 && i < names.count; i++) {
        struct stat st;
        if (fstatat(fd, names.items[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue; /* gone */
        rc = S_ISDIR(st.st_mode) ? remove_below(fd, names.items[i], shown, depth - 1, err)
                                 : sp_fs_unlink(fd, names.items[i], shown, err);
    }
    sp_pool_free(pool);
    close(fd);
    return rc < 0 ? -1 : sp_fs_rmdir(dirfd, name, shown, err);
}

int sp_fs_remove_tree(int dirfd, const char *name, const char *shown, struct sp_error *err)
{
    return remove_below(dirfd, name, shown, MAX_DEPTH, err);
}

int sp_fs_mkdir(int dirfd, const char *name, mode_t mode, bool *created, const char *shown,
                struct sp_error *err)
{
    bool own = false;
    created = created ? created : &own;
    *created = false;
    if (sp_fault("mkdir", shown))
        return sp_error_errno(err, errno, "can't create the directory %s", shown);
    if (mkdirat(dirfd, name, mode & 0700) == 0) {
        *created = true;
        if (!(mode & ~(mode_t)0700))
            return 0;
        int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int rc = fd < 0 ? sp_error_errno(err, errno, "can't open the directory %s", shown)
                        : sp_fs_chmod(fd, mode, shown, err);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    if (errno != EEXIST)
        return sp_error_errno(err, errno, "can't create the directory %s", shown);
    struct stat st;
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return sp_error_errno(err, errno, "can't look at %s", shown);
    if (!S_ISDIR(st.st_mode))
        return sp_error_set(err, SP_ERROR_REFUSED, "%s is %s, not a directory; move it away", shown,
                            sp_fs_kind_name(st.st_mode));
    return 0;
}

int sp_fs_save(int dirfd, const char *name, struct sp_bytes content, const char *shown,
               struct sp_error *err)
{
    char temp[256];
    if (snprintf(temp, sizeof(temp), ".%s.new", name) >= (int)sizeof(temp))
        return sp_error_set(err, SP_ERROR_REFUSED, "the name of %s is too long", shown);
    /* one that a crash left: nobody else writes here, the caller holds the lock */
    if (sp_fs_unlink(dirfd, temp, shown, err) < 0)
        return -1;
    struct sp_meta meta = {.mode = 0600};
    if (sp_fs_create(dirfd, temp, content, &meta, SP_KEEP_MODE, shown, err) < 0)
        return -1;
    if (sp_fault("rename", shown) || renameat(dirfd, temp, dirfd, name) < 0) {
        sp_error_errno(err, errno, "can't save %s", shown);
        unlinkat(dirfd, temp, 0);
        return -1;
    }
    return sp_fs_sync(dirfd, shown, err);
}

int sp_fs_random_name(char out[9], struct sp_error *err)
{
    unsigned char bytes[4]; /* from the device: getrandom(2) is newer than a 3.10 kernel */
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return sp_error_errno(err, errno, "can't open /dev/urandom");
    ssize_t got = read(fd, bytes, sizeof(bytes));
    close(fd);
    if (got != (ssize_t)sizeof(bytes))
        return sp_error_set(err, SP_ERROR_SYSTEM, "can't read /dev/urandom");
    snprintf(out, 9, "%02x%02x%02x%02x", bytes[0], bytes[1], bytes[2], bytes[3]);
    return 0;
}
