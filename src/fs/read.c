/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
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
    if (S_ISREG(mode))
        return "a regular file";
    return "a device";
}

static int open_regular(const struct sp_dir *dir, const char *name, struct stat *st, int *fd,
                        struct sp_error *err)
{
    /* looked at first, since opening a device may already do something */
    if (fstatat(dir->fd, name, st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT)
            return SP_ABSENT;
        return sp_error_errno(err, errno, "cannot look at '" SP_AT "'", SP_AT_ARGS(dir, name));
    }
    if (!S_ISREG(st->st_mode))
        return sp_error_set(err, SP_ERROR_REFUSED, "'" SP_AT "' is %s, not a regular file",
                            SP_AT_ARGS(dir, name), sp_fs_kind_name(st->st_mode));
    *fd = openat(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*fd < 0)
        return sp_error_errno(err, errno, "cannot open '" SP_AT "'", SP_AT_ARGS(dir, name));
    if (fstat(*fd, st) < 0 || !S_ISREG(st->st_mode)) {
        sp_close(fd);
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "'" SP_AT "' was replaced while it was being opened",
                            SP_AT_ARGS(dir, name));
    }
    return SP_FOUND;
}

static int read_all(const struct sp_file *file, struct sp_pool *pool, size_t limit,
                    struct sp_content *out, struct sp_error *err)
{
    size_t guess = out->st.st_size > 0 ? (size_t)out->st.st_size : 4096;
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
        ssize_t got = read(file->fd, data + len, room - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return sp_error_errno(err, errno, "cannot read '" SP_AT "'",
                                  SP_AT_ARGS(file->dir, file->name));
        if (got == 0)
            break;
        len += (size_t)got;
    }
    out->complete = len <= limit;
    if (len > limit)
        len = limit;
    data[len] = '\0';
    out->bytes = (struct sp_bytes){data, len};
    return 0;
}

int sp_fs_read_at(const struct sp_dir *dir, struct sp_pool *pool, const char *name, size_t limit,
                  struct sp_content *out, struct sp_error *err)
{
    SP_CLEANUP_FD int fd = -1;
    *out = (struct sp_content){.complete = true};
    int found = open_regular(dir, name, &out->st, &fd, err);
    if (found != SP_FOUND)
        return found == SP_ABSENT ? 0 : -1;
    return read_all(&(struct sp_file){fd, dir, name}, pool, limit, out, err);
}

int sp_fs_read(const struct sp_root *root, struct sp_pool *pool, const char *real, size_t limit,
               struct sp_content *out, struct sp_error *err)
{
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    if (sp_fs_open_dir(root, pool, sp_path_dirname(pool, real), &dir, err) < 0 ||
        sp_fs_read_at(&dir, pool, sp_path_basename(real), limit, out, err) < 0)
        return -1;
    if (out->bytes.data)
        return 0;
    sp_error_set(err, SP_ERROR_REFUSED, "there is no file '%s'", sp_root_show(root, pool, real));
    if (err)
        err->errnum = ENOENT;
    return -1;
}

static int by_bytes(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

static int cannot_list(const struct sp_dir *dir, int errnum, struct sp_error *err)
{
    return sp_error_errno(err, errnum, "cannot list '%s'", dir->shown);
}

int sp_fs_list(const struct sp_dir *dir, struct sp_pool *pool, sp_strv *out, struct sp_error *err)
{
    SP_CLEANUP_FD int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (!stream)
        return cannot_list(dir, errno, err);
    sp_steal_fd(&fd); /* it is the stream's now */
    size_t first = out->count;
    const struct dirent *entry;
    while ((errno = 0, entry = readdir(stream)) && out->count - first <= SP_MAX_ENTRIES)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            *SP_PUSH(pool, out) = sp_pool_strdup(pool, entry->d_name);
    int saved = errno;
    closedir(stream);
    if (saved)
        return cannot_list(dir, saved, err);
    if (out->count - first > SP_MAX_ENTRIES)
        return sp_error_set(err, SP_ERROR_REFUSED, "'%s' has more than %zu names", dir->shown,
                            SP_MAX_ENTRIES);
    if (out->count > first)
        qsort(out->items + first, out->count - first, sizeof(out->items[0]), by_bytes);
    return 0;
}

/* The flag that forbids a change, in words; NULL: none does. */
static const char *forbidding_flag(int fd)
{
    int flags = 0; /* ioctl_iflags(2) */
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 || !(flags & (FS_APPEND_FL | FS_IMMUTABLE_FL)))
        return NULL;
    return flags & FS_IMMUTABLE_FL ? "immutable" : "append-only";
}

/* The mount that the name leads to; false: the file system does not tell. open_by_handle_at(2): with no
 * room for a handle the call fails, and says which mount it is all the same. */
static bool find_mount(const struct sp_dir *dir, const char *name, int *id)
{
    struct file_handle none = {.handle_bytes = 0};
    return name_to_handle_at(dir->fd, name, &none, id, 0) == 0 || errno == EOVERFLOW;
}

int sp_fs_check_replaceable(const struct sp_dir *dir, const char *name, struct sp_error *err)
{
    int own = 0, mount = 0; /* alike, should EOVERFLOW mean something else */
    SP_CLEANUP_FD int fd =
        openat(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    const char *flag = fd < 0 ? NULL : forbidding_flag(fd);
    if (flag)
        return sp_error_set(err, SP_ERROR_SYSTEM,
                            "cannot replace '" SP_AT "': it is %s (chattr(1), lsattr(1))",
                            SP_AT_ARGS(dir, name), flag);
    if (find_mount(dir, ".", &own) && find_mount(dir, name, &mount) && own != mount)
        return sp_error_set(err, SP_ERROR_SYSTEM,
                            "cannot replace '" SP_AT "': it is a mount point (mount --bind)",
                            SP_AT_ARGS(dir, name));
    return 0;
}

int sp_fs_check_writable(const struct sp_dir *dir, struct sp_error *err)
{
    const char *flag = forbidding_flag(dir->fd);
    if (flag)
        return sp_error_set(err, SP_ERROR_SYSTEM,
                            "cannot change files in '%s': it is %s (chattr(1), lsattr(1))",
                            dir->shown, flag);
    if (faccessat(dir->fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
        return sp_error_errno(err, errno, "cannot change files in '%s'", dir->shown);
    return 0;
}

int sp_fs_free_bytes(const struct sp_dir *dir, uint64_t *out, struct sp_error *err)
{
    struct statvfs vfs;
    if (fstatvfs(dir->fd, &vfs) < 0)
        return sp_error_errno(err, errno, "cannot ask for the free space of '%s'", dir->shown);
    *out = (uint64_t)(geteuid() == 0 ? vfs.f_bfree : vfs.f_bavail) * vfs.f_frsize;
    return 0;
}
