/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/fault.h"
#include "fs/read.h"

enum {
    MAX_DEPTH = 128
};

/* Newer than a 3.10 kernel, and than the headers of CentOS 7: getrandom(2). */
#ifndef GRND_NONBLOCK
#define GRND_NONBLOCK 0x0001
#endif

/* "cannot VERB 'DIR/NAME': reason" */
static int cannot(const char *verb, const struct sp_dir *dir, const char *name,
                  struct sp_error *err)
{
    return sp_error_errno(err, errno, "cannot %s '" SP_AT "'", verb, SP_AT_ARGS(dir, name));
}

/* After a failure, which is the one that is reported: best effort, the journal names the file as
 * well. */
static void discard(const struct sp_dir *dir, const char *name)
{
    if (sp_fs_unlink(dir, name, NULL) < 0)
        return;
}

int sp_fs_open_new(const struct sp_dir *dir, const char *name, mode_t mode, struct sp_error *err)
{
    SP_CLEANUP_FD int fd = -1;
    if (sp_fault("open", dir, name) == 0)
        fd = openat(dir->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    mode & 0600);
    if (fd < 0)
        return cannot("create", dir, name, err);
    if ((mode & ~(mode_t)0600) && sp_fs_chmod(&(struct sp_file){fd, dir, name}, mode, err) < 0) {
        discard(dir, name);
        return -1;
    }
    return sp_steal_fd(&fd);
}

int sp_fs_write(const struct sp_file *file, struct sp_bytes content, struct sp_error *err)
{
    size_t done = 0;
    while (done < content.len) {
        size_t len = content.len - done;
        if (sp_fault("write", file->dir, file->name))
            return cannot("write", file->dir, file->name, err);
        if (sp_fault_is_short() && len > 1)
            len /= 2;
        ssize_t put = write(file->fd, content.data + done, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return cannot("write", file->dir, file->name, err);
        done += (size_t)put;
    }
    return 0;
}

int sp_fs_sync(const struct sp_file *file, struct sp_error *err)
{
    if (sp_fault("fsync", file->dir, file->name) || fsync(file->fd) < 0)
        return cannot("sync", file->dir, file->name, err);
    return 0;
}

int sp_fs_sync_dir(const struct sp_dir *dir, struct sp_error *err)
{
    const struct sp_file itself = sp_dir_itself(dir);
    return sp_fs_sync(&itself, err);
}

int sp_fs_sync_name(const struct sp_dir *dir, const char *name, struct sp_error *err)
{
    SP_CLEANUP_FD int fd = openat(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return cannot("open", dir, name, err);
    return sp_fs_sync(&(struct sp_file){fd, dir, name}, err);
}

static int fill_new(const struct sp_file *file, struct sp_bytes content, const struct sp_meta *meta,
                    unsigned keep, struct sp_error *err)
{
    if (keep & SP_KEEP_FLAGS)
        sp_fs_set_flags(file, meta);
    if (sp_fs_write(file, content, err) < 0 || sp_fs_apply_meta(file, meta, keep, err) < 0)
        return -1;
    if (!(keep & SP_SYNC_LATER))
        return sp_fs_sync(file, err);
    sync_file_range(file->fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* a hint: the fsync counts */
    return 0;
}

int sp_fs_create(const struct sp_dir *dir, const char *name, struct sp_bytes content,
                 const struct sp_meta *meta, unsigned keep, struct sp_error *err)
{
    SP_CLEANUP_FD int fd = sp_fs_open_new(dir, name, 0600, err);
    if (fd < 0)
        return -1;
    if (fill_new(&(struct sp_file){fd, dir, name}, content, meta, keep, err) == 0)
        return 0;
    discard(dir, name);
    return -1;
}

int sp_fs_unlink(const struct sp_dir *dir, const char *name, struct sp_error *err)
{
    if (sp_fault("unlink", dir, name) || (unlinkat(dir->fd, name, 0) < 0 && errno != ENOENT))
        return cannot("remove", dir, name, err);
    return 0;
}

int sp_fs_rmdir(const struct sp_dir *dir, const char *name, struct sp_error *err)
{
    if (sp_fault("rmdir", dir, name) ||
        (unlinkat(dir->fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT))
        return cannot("remove the directory", dir, name, err);
    return 0;
}

static int remove_below(const struct sp_dir *dir, const char *name, unsigned depth,
                        struct sp_error *err)
{
    SP_CLEANUP_POOL struct sp_pool *pool = sp_pool_new();
    SP_CLEANUP_DIR struct sp_dir below = {
        openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
        sp_pool_printf(pool, SP_AT, SP_AT_ARGS(dir, name))};
    if (below.fd < 0 && errno == ENOENT)
        return 0;
    if (below.fd >= 0 && depth == 0)
        errno = ENAMETOOLONG;
    if (below.fd < 0 || depth == 0)
        return cannot("remove", dir, name, err);
    sp_strv names = {NULL, 0, 0};
    int rc = sp_fs_list(&below, pool, &names, err);
    for (size_t i = 0; rc == 0 && i < names.count; i++) {
        struct stat st;
        if (fstatat(below.fd, names.items[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue; /* gone */
        rc = S_ISDIR(st.st_mode) ? remove_below(&below, names.items[i], depth - 1, err)
                                 : sp_fs_unlink(&below, names.items[i], err);
    }
    return rc < 0 ? -1 : sp_fs_rmdir(dir, name, err);
}

int sp_fs_remove_tree(const struct sp_dir *dir, const char *name, struct sp_error *err)
{
    return remove_below(dir, name, MAX_DEPTH, err);
}

/* A new directory gets the rest of its mode: mkdir(2) heeds the umask. */
static int widen(const struct sp_dir *dir, const char *name, mode_t mode, struct sp_error *err)
{
    if (!(mode & ~(mode_t)0700))
        return 0;
    SP_CLEANUP_FD int fd = openat(dir->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return cannot("open the directory", dir, name, err);
    return sp_fs_chmod(&(struct sp_file){fd, dir, name}, mode, err);
}

int sp_fs_mkdir(const struct sp_dir *dir, const char *name, mode_t mode, bool *created,
                struct sp_error *err)
{
    struct stat st;
    bool own = false;
    created = created ? created : &own;
    *created = false;
    if (sp_fault("mkdir", dir, name))
        return cannot("create the directory", dir, name, err);
    if (mkdirat(dir->fd, name, mode & 0700) == 0) {
        *created = true;
        return widen(dir, name, mode, err);
    }
    if (errno != EEXIST)
        return cannot("create the directory", dir, name, err);
    if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return cannot("look at", dir, name, err);
    if (!S_ISDIR(st.st_mode))
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "'" SP_AT "' is %s, not a directory; move it away",
                            SP_AT_ARGS(dir, name), sp_fs_kind_name(st.st_mode));
    return 0;
}

int sp_fs_save(const struct sp_dir *dir, const char *name, struct sp_bytes content,
               struct sp_error *err)
{
    static const struct sp_meta meta = {.mode = 0600};
    char temp[256];
    if (snprintf(temp, sizeof(temp), ".%s.new", name) >= (int)sizeof(temp))
        return sp_error_set(err, SP_ERROR_REFUSED, "the name of '" SP_AT "' is too long",
                            SP_AT_ARGS(dir, name));
    /* one that a crash left: nobody else writes here, the caller holds the lock */
    if (sp_fs_unlink(dir, temp, err) < 0 ||
        sp_fs_create(dir, temp, content, &meta, SP_KEEP_MODE, err) < 0)
        return -1;
    if (sp_fault("rename", dir, name) || renameat(dir->fd, temp, dir->fd, name) < 0) {
        cannot("save", dir, name, err);
        discard(dir, temp);
        return -1;
    }
    return sp_fs_sync_dir(dir, err);
}

/* Random bytes where the system has some: not every chroot has a /dev. */
static bool get_random(void *bytes, size_t len)
{
#ifdef SYS_getrandom
    if (syscall(SYS_getrandom, bytes, len, GRND_NONBLOCK) == (long)len)
        return true;
#endif
    SP_CLEANUP_FD int fd = open("/dev/urandom", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd >= 0 && read(fd, bytes, len) == (ssize_t)len;
}

void sp_fs_random_name(char out[9])
{
    static uint32_t count;
    uint32_t number;
    if (!get_random(&number, sizeof(number))) {
        struct timespec now = {0};
        clock_gettime(CLOCK_REALTIME, &now);
        number = (uint32_t)now.tv_nsec ^ ((uint32_t)now.tv_sec << 12) ^ ((uint32_t)getpid() << 20) ^
                 (++count * UINT32_C(2654435761));
    }
    snprintf(out, 9, "%08x", (unsigned)number);
}
