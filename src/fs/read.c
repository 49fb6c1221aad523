/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/path.h"
#include "fs/resolve.h"

const char *sp_fs_kind_name(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a directory";
    if (S_ISLNK(mode))
        return "a symbolic link";
    if (S_ISFIFO(mode))
        return "a FIFO";
    if (S_ISSOCK(mode))
        return "a socket";
    return "a device";
}

/* Opens the regular file for reading. Returns the descriptor, -2 when nothing stands there, -1. */
static int open_regular(int dirfd, const char *name, const char *shown, struct stat *st,
                        struct sp_error *err)
{
    /* looked at first, since opening a device may already do something */
    if (fstatat(dirfd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? -2 : sp_error_errno(err, errno, "can't look at %s", shown);
    if (!S_ISREG(st->st_mode))
        return sp_error_set(err, SP_ERROR_REFUSED, "%s is %s, not a regular file", shown,
                            sp_fs_kind_name(st->st_mode));
    int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return sp_error_errno(err, errno, "can't open %s", shown);
    if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode)) {
        close(fd);
        return sp_error_set(err, SP_ERROR_REFUSED, "%s was replaced while it was being opened",
                            shown);
    }
    return fd;
}

int sp_fs_open_file(int dirfd, const char *name, struct stat *st)
{
    if (fstatat(dirfd, name, st, 0) < 0)
        return -1;
    if (!S_ISREG(st->st_mode)) {
        errno = S_ISDIR(st->st_mode) ? EISDIR : ENXIO;
        return -1;
    }
    int fd = openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, st) < 0 || !S_ISREG(st->st_mode))) {
        close(fd); /* replaced just now */
        errno = ENXIO;
        return -1;
    }
    return fd;
}

static int read_all(int fd, struct sp_pool *pool, const char *name, size_t limit, size_t guess,
                    struct sp_bytes *out, bool *complete, struct sp_error *err)
{
    size_t room = (guess < limit ? guess : limit) + 1;
    char *data = sp_pool_alloc(pool, room + 1);
    size_t len = 0;
    for (;;) {
        if (len == room) {
            if (room > limit)
                break;
            size_t wider = room * 2 < limit + 1 ? room * 2 : limit + 1;
            char *bigger = sp_pool_alloc(pool, wider + 1);
            memcpy(bigger, data, len);
            data = bigger;
            room = wider;
        }
        ssize_t got = read(fd, data + len, room - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return sp_error_errno(err, errno, "can't read %s", name);
        if (got == 0)
            break;
        len += (size_t)got;
    }
    *complete = len <= limit;
    if (len > limit)
        len = limit;
    data[len] = '\0';
    *out = (struct sp_bytes){data, len};
    return 0;
}

static int read_named(int dirfd, struct sp_pool *pool, const char *name, const char *shown,
                      size_t limit, struct sp_bytes *out, bool *complete, struct stat *st,
                      struct sp_error *err)
{
    struct stat own = {0};
    st = st ? st : &own;
    *out = (struct sp_bytes){NULL, 0};
    *complete = true;
    int fd = open_regular(dirfd, name, shown, st, err);
    if (fd < 0)
        return fd == -2 ? 0 : -1;
    size_t guess = st->st_size > 0 ? (size_t)st->st_size : 4096;
    int rc = read_all(fd, pool, shown, limit, guess, out, complete, err);
    close(fd);
    return rc;
}

int sp_fs_read_at(int dirfd, struct sp_pool *pool, const char *name, size_t limit,
                  struct sp_bytes *out, bool *complete, struct stat *st, struct sp_error *err)
{
    return read_named(dirfd, pool, name, name, limit, out, complete, st, err);
}

int sp_fs_read(const struct sp_root *root, struct sp_pool *pool, const char *real, size_t limit,
               struct sp_bytes *out, bool *complete, struct stat *st, struct sp_error *err)
{
    int fd = sp_fs_open_dir(root, sp_path_dirname(pool, real), err);
    if (fd < 0)
        return -1;
    const char *shown = sp_root_show(root, pool, real);
    int rc = read_named(fd, pool, sp_path_basename(real), shown, limit, out, complete, st, err);
    close(fd);
    if (rc == 0 && !out->data)
        return sp_error_set(err, SP_ERROR_REFUSED, "there is no file %s", shown);
    return rc;
}

static int by_bytes(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

int sp_fs_list(int dirfd, struct sp_pool *pool, sp_strv *out, struct sp_error *err)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        int saved = errno;
        if (fd >= 0)
            close(fd);
        return sp_error_errno(err, saved, "can't list the directory");
    }
    const struct dirent *entry;
    while ((errno = 0, entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (out->count >= SP_MAX_ENTRIES) {
            closedir(dir);
            return sp_error_set(err, SP_ERROR_REFUSED, "the directory has more than %zu names",
                                SP_MAX_ENTRIES);
        }
        *SP_PUSH(pool, out) = sp_pool_strdup(pool, entry->d_name);
    }
    int saved = errno;
    closedir(dir);
    if (saved)
        return sp_error_errno(err, saved, "can't list the directory");
    if (out->count)
        qsort(out->items, out->count, sizeof(out->items[0]), by_bytes);
    return 0;
}

int sp_fs_check_writable(int dirfd, const char *shown, struct sp_error *err)
{
    if (faccessat(dirfd, ".", W_OK | X_OK, AT_EACCESS) < 0)
        return sp_error_errno(err, errno, "can't change files in %s", shown);
    return 0;
}

int sp_fs_free_bytes(int dirfd, uint64_t *out, struct sp_error *err)
{
    struct statvfs vfs;
    if (fstatvfs(dirfd, &vfs) < 0)
        return sp_error_errno(err, errno, "can't ask for the free space");
    *out = (uint64_t)vfs.f_bavail * vfs.f_frsize;
    return 0;
}
