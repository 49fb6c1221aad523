/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/path.h"

enum {
    MAX_LINKS = 40, /* as the kernel's own limit, path_resolution(7) */
    MAX_DEPTH = 128
};

/* Newer than the headers of CentOS 7: openat2(2). The number is that of every architecture. */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
struct how {
    uint64_t flags, mode, resolve;
};
#define HOW_NO_MAGICLINKS 0x02u
#define HOW_NO_SYMLINKS   0x04u
#define HOW_BENEATH       0x08u

/* openat2(2) without links, -1/ENOSYS where the kernel is older than 5.6. Seccomp filters that do
 * not know the call answer EPERM. */
static int open_beneath(int dirfd, const char *rel, int flags)
{
    struct how how = {.flags = (uint64_t)(unsigned)flags,
                      .resolve = HOW_NO_MAGICLINKS | HOW_NO_SYMLINKS | HOW_BENEATH};
    int fd = (int)syscall(SYS_openat2, dirfd, rel, &how, sizeof(how));
    if (fd < 0 && errno == EPERM)
        errno = ENOSYS;
    return fd;
}

/* The directories from the root down to where the walk is; none of them is a link. */
struct walk {
    int fds[MAX_DEPTH];
    const char *names[MAX_DEPTH];
    size_t depth;
    struct stat st; /* of the last one */
};

static void walk_up(struct walk *walk, size_t depth)
{
    while (walk->depth > depth)
        close(walk->fds[--walk->depth]);
}

static const char *walk_path(const struct walk *walk, struct sp_pool *pool)
{
    SP_CLEANUP_BUFFER struct sp_buffer path = SP_BUFFER_INIT;
    for (size_t i = 0; i < walk->depth; i++)
        sp_buffer_printf(&path, "%s%s", i ? "/" : "", walk->names[i]);
    return sp_pool_strdup(pool, sp_buffer_str(&path));
}

/* Where the link in fd leads: its text, in the pool. */
static const char *link_target(int fd, struct sp_pool *pool)
{
    char text[4096];
    ssize_t len = readlinkat(fd, "", text, sizeof(text));
    return len < 0 ? NULL : sp_pool_memdup(pool, text, (size_t)len);
}

/* One name further down. A link is not entered, its target is put before *rest. */
static enum sp_found walk_step(const struct sp_root *root, struct sp_pool *pool, struct walk *walk,
                               const char *name, const char **rest, unsigned *links)
{
    int top = walk->depth ? walk->fds[walk->depth - 1] : root->fd;
    SP_CLEANUP_FD int fd = openat(top, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG ? SP_ABSENT : SP_FAILED;
    if (fstat(fd, &walk->st) < 0)
        return SP_FAILED;
    if (!S_ISLNK(walk->st.st_mode)) {
        errno = ENAMETOOLONG;
        if (walk->depth == MAX_DEPTH)
            return SP_FAILED;
        walk->names[walk->depth] = name;
        walk->fds[walk->depth++] = sp_steal_fd(&fd);
        return SP_FOUND;
    }
    const char *target = link_target(fd, pool);
    if (!target)
        return SP_FAILED;
    errno = ELOOP;
    if (++*links > MAX_LINKS)
        return SP_FAILED;
    if (*target == '/')
        walk_up(walk, 0);
    *rest = sp_pool_printf(pool, "%s/%s", target, *rest);
    return SP_FOUND;
}

/* Whether the path has a name, and between slashes none that is empty, "." or "..". */
static bool is_normal(const char *path)
{
    for (;;) {
        size_t len = strcspn(path, "/");
        if (len == 0 || (len == 1 && path[0] == '.') || (len == 2 && memcmp(path, "..", 2) == 0))
            return false;
        if (path[len] == '\0')
            return true;
        path += len + 1;
    }
}

/* Most paths have no link in them, and are real as they are. Whether the kernel says so in one call, or
 * says that there is no such file, with no link on the way to where it ends: *st and *state are
 * known then. With a link, an error, or an old kernel, the path has to be walked. */
static bool look_beneath(const struct sp_root *root, const char *path, struct stat *st,
                         enum sp_found *state)
{
    if (!is_normal(path))
        return false;
    SP_CLEANUP_FD int fd = open_beneath(root->fd, path, O_PATH | O_CLOEXEC);
    *state = fd < 0 ? SP_ABSENT : SP_FOUND;
    return fd < 0 ? errno == ENOENT || errno == ENOTDIR : fstat(fd, st) == 0;
}

int sp_fs_resolve(const struct sp_root *root, struct sp_pool *pool, const char *path,
                  const char **real, struct stat *st, struct sp_error *err)
{
    struct walk walk = {.depth = 0};
    struct stat found;
    unsigned links = 0;
    enum sp_found state;
    *real = NULL;
    path += strspn(path, "/");
    if (look_beneath(root, path, st ? st : &found, &state)) {
        *real = state == SP_FOUND ? sp_pool_strdup(pool, path) : NULL;
        return 0;
    }
    state = SP_FOUND;
    const char *rest = path;
    while (state == SP_FOUND && *rest) {
        size_t len = strcspn(rest, "/");
        const char *name = sp_pool_memdup(pool, rest, len);
        rest += len;
        rest += strspn(rest, "/");
        if (len == 0 || strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            if (walk.depth)
                walk_up(&walk, walk.depth - 1);
            continue;
        }
        state = walk_step(root, pool, &walk, name, &rest, &links);
    }
    int saved = errno;
    if (state == SP_FOUND) {
        *real = walk_path(&walk, pool);
        int top = walk.depth ? walk.fds[walk.depth - 1] : root->fd;
        if (st && fstat(top, st) < 0) {
            saved = errno;
            state = SP_FAILED;
        }
    }
    walk_up(&walk, 0);
    if (state != SP_FAILED)
        return 0;
    const char *shown = sp_root_show(root, pool, path);
    if (saved == ELOOP)
        return sp_error_set(err, SP_ERROR_REFUSED, "the symbolic links at '%s' lead in a circle",
                            shown);
    return sp_error_errno(err, saved, "cannot look at '%s'", shown);
}

/* The same by one openat() a name, for older kernels. */
static int open_stepwise(int dirfd, const char *rel, struct sp_pool *pool)
{
    SP_CLEANUP_FD int at = openat(dirfd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (at >= 0 && *rel) {
        size_t len = strcspn(rel, "/");
        const char *name = sp_pool_memdup(pool, rel, len);
        rel += len;
        rel += strspn(rel, "/");
        int next = openat(at, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
        sp_close(&at);
        at = next;
    }
    return at < 0 ? -1 : openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int sp_fs_open_dir(const struct sp_root *root, struct sp_pool *pool, const char *real,
                   struct sp_dir *out, struct sp_error *err)
{
    const char *rel = real + strspn(real, "/");
    out->shown = sp_root_show(root, pool, real);
    out->fd = open_beneath(root->fd, *rel ? rel : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (out->fd < 0 && errno == ENOSYS)
        out->fd = open_stepwise(root->fd, rel, pool);
    if (out->fd < 0)
        return sp_error_errno(err, errno, "cannot open the directory '%s'", out->shown);
    return 0;
}
