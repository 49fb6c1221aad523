/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fsio.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/path.h"

enum {
    MAX_LINKS = 40, /* as the kernel's own limit, path_resolution(7) */
    MAX_DEPTH = 128
};

/* Newer than the headers of CentOS 7: openat2(2), rename(2). The numbers are those of every
 * architecture that has the calls, but renameat2's, which differ. */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
struct how {
    uint64_t flags, mode, resolve;
};
#define HOW_NO_MAGICLINKS 0x02u
#define HOW_NO_SYMLINKS   0x04u
#define HOW_BENEATH       0x08u
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#endif
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

/* ---- fault points -------------------------------------------------------------------------- */

#ifdef SP_FAULT
static long fault_at = -1, fault_count;
static char fault_what[16];
static int fault_log = -1;

static const struct {
    const char *name;
    int errnum;
} fault_errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},       {"EACCES", EACCES}, {"EROFS", EROFS},
                    {"EDQUOT", EDQUOT}, {"EINTR", EINTR},   {"ENOMEM", ENOMEM}, {"EPERM", EPERM},
                    {"ENOSYS", ENOSYS}, {"EINVAL", EINVAL}, {"EXDEV", EXDEV}};

void sp_fs_fault_init(void)
{
    const char *spec = getenv("SP_FAULT");
    const char *colon = spec ? strchr(spec, ':') : NULL;
    if (colon) {
        fault_at = strtol(spec, NULL, 10);
        snprintf(fault_what, sizeof(fault_what), "%s", colon + 1);
    }
    const char *log = getenv("SP_FAULT_LOG");
    if (log)
        fault_log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int fault(const char *call, const char *shown)
{
    fault_count++;
    if (fault_log >= 0)
        dprintf(fault_log, "%ld %s %s\n", fault_count, call, shown);
    if (fault_count != fault_at)
        return 0;
    if (strcmp(fault_what, "exit") == 0)
        _exit(99);
    if (strcmp(fault_what, "stop") == 0)
        raise(SIGSTOP);
    for (size_t i = 0; i < sizeof(fault_errors) / sizeof(fault_errors[0]); i++)
        if (strcmp(fault_what, fault_errors[i].name) == 0) {
            errno = fault_errors[i].errnum;
            return errno;
        }
    return 0;
}

static bool fault_is_short(void)
{
    return fault_count == fault_at && strcmp(fault_what, "short") == 0;
}
#else
void sp_fs_fault_init(void)
{
}

#define fault(call, shown) ((void)(call), (void)(shown), 0)
#define fault_is_short()   false
#endif

/* ---- roots and resolving ------------------------------------------------------------------- */

int sp_root_open(const char *dir, struct sp_root *root, struct sp_error *err)
{
    root->path = strcmp(dir, "/") == 0 ? "" : dir;
    root->fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root->fd < 0)
        return sp_error_errno(err, errno, "can't open the root directory %s", dir);
    return 0;
}

void sp_root_close(struct sp_root *root)
{
    if (root->fd >= 0)
        close(root->fd);
    root->fd = -1;
}

const char *sp_root_show(const struct sp_root *root, struct sp_pool *pool, const char *path)
{
    return *root->path ? sp_path_join(pool, root->path, path) : path;
}

/* The directories from the root down to where the walk stands; none of them is a link. */
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
    struct sp_buffer path = SP_BUFFER_INIT;
    for (size_t i = 0; i < walk->depth; i++)
        sp_buffer_printf(&path, "/%s", walk->names[i]);
    const char *text = sp_pool_strdup(pool, path.len ? sp_buffer_str(&path) : "/");
    sp_buffer_free(&path);
    return text;
}

/* Where the link in fd leads: its text, in the pool. */
static const char *link_target(int fd, struct sp_pool *pool)
{
    char text[4096];
    ssize_t len = readlinkat(fd, "", text, sizeof(text));
    return len < 0 ? NULL : sp_pool_memdup(pool, text, (size_t)len);
}

/* One name further down. 1: done; 0: nothing stands there; -1: failed. A link is not entered, its
 * target is put before what *rest holds. */
static int walk_step(const struct sp_root *root, struct sp_pool *pool, struct walk *walk,
                     const char *name, const char **rest, unsigned *links)
{
    int top = walk->depth ? walk->fds[walk->depth - 1] : root->fd;
    int fd = openat(top, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG ? 0 : -1;
    if (fstat(fd, &walk->st) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    if (!S_ISLNK(walk->st.st_mode)) {
        if (walk->depth == MAX_DEPTH) {
            close(fd);
            errno = ENAMETOOLONG;
            return -1;
        }
        walk->names[walk->depth] = name;
        walk->fds[walk->depth++] = fd;
        return 1;
    }
    const char *target = link_target(fd, pool);
    int saved = errno;
    close(fd);
    errno = target ? ELOOP : saved;
    if (!target || ++*links > MAX_LINKS)
        return -1;
    if (*target == '/')
        walk_up(walk, 0);
    *rest = sp_pool_printf(pool, "%s/%s", target, *rest);
    return 1;
}

int sp_fs_resolve(const struct sp_root *root, struct sp_pool *pool, const char *path,
                  const char **real, struct stat *st, struct sp_error *err)
{
    struct walk walk = {.depth = 0};
    unsigned links = 0;
    const char *rest = path;
    int state = 1;
    *real = NULL;
    while (state == 1 && *rest) {
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
    if (state == 1) {
        *real = walk_path(&walk, pool);
        int top = walk.depth ? walk.fds[walk.depth - 1] : root->fd;
        if (st && fstat(top, st) < 0) {
            saved = errno;
            state = -1;
        }
    }
    walk_up(&walk, 0);
    if (state >= 0)
        return 0;
    const char *shown = sp_root_show(root, pool, path);
    if (saved == ELOOP)
        return sp_error_set(err, SP_ERROR_REFUSED, "the symbolic links at %s lead in a circle",
                            shown);
    return sp_error_errno(err, saved, "can't look at %s", shown);
}

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

/* The same by one openat() a name, for older kernels. */
static int open_stepwise(int dirfd, const char *rel, struct sp_pool *pool)
{
    int at = openat(dirfd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (at >= 0 && *rel) {
        size_t len = strcspn(rel, "/");
        const char *name = sp_pool_memdup(pool, rel, len);
        rel += len;
        rel += strspn(rel, "/");
        int next = openat(at, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
        int saved = errno;
        close(at);
        errno = saved;
        at = next;
    }
    if (at < 0)
        return -1;
    int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int saved = errno;
    close(at);
    errno = saved;
    return fd;
}

int sp_fs_open_dir(const struct sp_root *root, const char *real, struct sp_error *err)
{
    const char *rel = real + strspn(real, "/");
    int fd = open_beneath(root->fd, *rel ? rel : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOSYS) {
        struct sp_pool *pool = sp_pool_new();
        fd = open_stepwise(root->fd, rel, pool);
        int saved = errno;
        sp_pool_free(pool);
        errno = saved;
    }
    if (fd < 0)
        return sp_error_errno(err, errno, "can't open the directory %s%s", root->path, real);
    return fd;
}

/* ---- reading ------------------------------------------------------------------------------- */

static const char *kind_name(mode_t mode)
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
                            kind_name(st->st_mode));
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

static int get_xattrs(int fd, struct sp_pool *pool, const char *name, struct sp_meta *meta,
                      struct sp_error *err)
{
    ssize_t len = flistxattr(fd, NULL, 0);
    if (len < 0)
        return errno == ENOTSUP ? 0
                                : sp_error_errno(err, errno, "can't list attributes of %s", name);
    char *names = sp_pool_alloc(pool, (size_t)len + 1);
    len = len ? flistxattr(fd, names, (size_t)len) : 0;
    if (len < 0)
        return sp_error_errno(err, errno, "can't list the attributes of %s", name);
    for (const char *one = names; one < names + len; one += strlen(one) + 1) {
        ssize_t size = fgetxattr(fd, one, NULL, 0);
        char *value = size < 0 ? NULL : sp_pool_alloc(pool, (size_t)size + 1);
        if (size > 0)
            size = fgetxattr(fd, one, value, (size_t)size);
        if (size < 0)
            return sp_error_errno(err, errno, "can't read the attribute %s of %s", one, name);
        struct sp_xattr *xattr = SP_PUSH(pool, &meta->xattrs);
        *xattr = (struct sp_xattr){one, value, (size_t)size};
    }
    return 0;
}

int sp_fs_get_meta(int dirfd, struct sp_pool *pool, const char *name, struct sp_meta *meta,
                   struct sp_error *err)
{
    struct stat st;
    int fd = openat(dirfd, *name ? name : ".", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return sp_error_errno(err, errno, "can't open %s", name);
    memset(meta, 0, sizeof(*meta));
    int rc = fstat(fd, &st);
    if (rc < 0)
        sp_error_errno(err, errno, "can't look at %s", name);
    else
        rc = get_xattrs(fd, pool, name, meta, err);
    close(fd);
    if (rc < 0)
        return -1;
    meta->mode = st.st_mode & 07777;
    meta->uid = st.st_uid;
    meta->gid = st.st_gid;
    meta->mtime = st.st_mtim;
    return 0;
}

/* ---- writing ------------------------------------------------------------------------------- */

int sp_fs_open_new(int dirfd, const char *name, mode_t mode, const char *shown,
                   struct sp_error *err)
{
    if (fault("open", shown))
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
        if (fault("write", shown))
            return sp_error_errno(err, errno, "can't write %s", shown);
        if (fault_is_short() && len > 1)
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
    if (fault("fsync", shown) || fsync(fd) < 0)
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

int sp_fs_chmod(int fd, mode_t mode, const char *shown, struct sp_error *err)
{
    if (fault("fchmod", shown) || fchmod(fd, mode) < 0)
        return sp_error_errno(err, errno, "can't set the mode of %s to %04o", shown,
                              (unsigned)mode);
    return 0;
}

int sp_fs_chown(int fd, uid_t uid, gid_t gid, const char *shown, struct sp_error *err)
{
    if (fault("fchown", shown) || fchown(fd, uid, gid) < 0)
        return sp_error_errno(err, errno, "can't set the owner of %s to %ld:%ld", shown, (long)uid,
                              (long)gid);
    return 0;
}

int sp_fs_set_mtime(int fd, struct timespec mtime, const char *shown, struct sp_error *err)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, mtime};
    if (fault("futimens", shown) || futimens(fd, times) < 0)
        return sp_error_errno(err, errno, "can't set the modification time of %s", shown);
    return 0;
}

static int set_xattrs(int fd, const struct sp_meta *meta, const char *shown, struct sp_error *err)
{
    for (size_t i = 0; i < meta->xattrs.count; i++) {
        const struct sp_xattr *xattr = &meta->xattrs.items[i];
        /* a new file may have got it already: the label of its directory, a default ACL */
        char *present = sp_xmalloc(xattr->len + 1);
        ssize_t len = fgetxattr(fd, xattr->name, present, xattr->len + 1);
        bool same = len == (ssize_t)xattr->len && memcmp(present, xattr->value, xattr->len) == 0;
        free(present);
        if (same)
            continue;
        if (fault("fsetxattr", shown) ||
            fsetxattr(fd, xattr->name, xattr->value, xattr->len, 0) < 0)
            return sp_error_errno(err, errno, "can't set the attribute %s of %s", xattr->name,
                                  shown);
    }
    return 0;
}

static int dress(int fd, const struct sp_meta *meta, unsigned keep, const char *shown,
                 struct sp_error *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return sp_error_errno(err, errno, "can't look at %s", shown);
    if ((keep & SP_KEEP_OWNER) && (st.st_uid != meta->uid || st.st_gid != meta->gid) &&
        sp_fs_chown(fd, meta->uid, meta->gid, shown, err) < 0)
        return -1;
    mode_t mode = keep & SP_KEEP_MODE ? meta->mode : 0644; /* after fchown(), which clears set-id */
    if (sp_fs_chmod(fd, mode, shown, err) < 0)
        return -1;
    if ((keep & SP_KEEP_XATTRS) && set_xattrs(fd, meta, shown, err) < 0)
        return -1;
    if ((keep & SP_KEEP_MTIME) && sp_fs_set_mtime(fd, meta->mtime, shown, err) < 0)
        return -1;
    return 0;
}

int sp_fs_create(int dirfd, const char *name, struct sp_bytes content, const struct sp_meta *meta,
                 unsigned keep, const char *shown, struct sp_error *err)
{
    int fd = sp_fs_open_new(dirfd, name, 0600, shown, err);
    if (fd < 0)
        return -1;
    int rc = sp_fs_write(fd, content, shown, err);
    if (rc == 0)
        rc = dress(fd, meta, keep, shown, err);
    if (rc == 0 && (keep & SP_SYNC_LATER))
        sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* a hint: the fsync is what counts */
    else if (rc == 0)
        rc = sp_fs_sync(fd, shown, err);
    close(fd);
    if (rc < 0)
        unlinkat(dirfd, name, 0); /* best effort: the journal names it as well */
    return rc;
}

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
    if (fault("rename", shown))
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
    if (fault("rename", shown))
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
    if (fault("rename", shown) || renameat(dirfd, name, dirfd, aside) < 0)
        return sp_error_errno(err, errno, "can't take %s out", shown);
    if (is_expected(dirfd, aside, expected))
        return sp_fs_unlink(dirfd, aside, shown, err);
    if (rename_noreplace(dirfd, aside, name) < 0)
        return sp_error_errno(err, errno, "can't give %s back what was put there meanwhile", shown);
    return changed_meanwhile(shown, err);
}

int sp_fs_unlink(int dirfd, const char *name, const char *shown, struct sp_error *err)
{
    if (fault("unlink", shown))
        return sp_error_errno(err, errno, "can't remove %s", shown);
    if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
        return sp_error_errno(err, errno, "can't remove %s", shown);
    return 0;
}

int sp_fs_rmdir(int dirfd, const char *name, const char *shown, struct sp_error *err)
{
    if (fault("rmdir", shown))
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
    if (fault("mkdir", shown))
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
                            kind_name(st.st_mode));
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
    if (fault("rename", shown) || renameat(dirfd, temp, dirfd, name) < 0) {
        sp_error_errno(err, errno, "can't save %s", shown);
        unlinkat(dirfd, temp, 0);
        return -1;
    }
    return sp_fs_sync(dirfd, shown, err);
}

int sp_fs_free_bytes(int dirfd, uint64_t *out, struct sp_error *err)
{
    struct statvfs vfs;
    if (fstatvfs(dirfd, &vfs) < 0)
        return sp_error_errno(err, errno, "can't ask for the free space");
    *out = (uint64_t)vfs.f_bavail * vfs.f_frsize;
    return 0;
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
