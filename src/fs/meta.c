/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/fault.h"

/* "cannot VERB 'DIR/NAME': reason", of an open file. */
static int cannot(const char *verb, const struct sp_file *file, struct sp_error *err)
{
    return sp_error_errno(err, errno, "cannot %s '" SP_AT "'", verb,
                          SP_AT_ARGS(file->dir, file->name));
}

static void get_flags(const struct sp_file *file, struct sp_meta *meta)
{
    int flags = 0; /* the kernel takes an int, whatever the header says: ioctl_iflags(2) */
    meta->has_flags = ioctl(file->fd, FS_IOC_GETFLAGS, &flags) == 0;
    meta->flags = meta->has_flags ? (unsigned)flags & SP_META_FLAGS : 0;
}

void sp_fs_set_flags(const struct sp_file *file, const struct sp_meta *meta)
{
    int flags = 0;
    if (!meta->has_flags || ioctl(file->fd, FS_IOC_GETFLAGS, &flags) < 0 ||
        ((unsigned)flags & SP_META_FLAGS) == meta->flags ||
        sp_fault("ioctl", file->dir, file->name))
        return;
    flags = (int)(((unsigned)flags & ~SP_META_FLAGS) | meta->flags);
    if (ioctl(file->fd, FS_IOC_SETFLAGS, &flags) < 0)
        return; /* not worth failing for: no flag of these says who may do what */
}

static int get_xattrs(const struct sp_file *file, struct sp_pool *pool, struct sp_meta *meta,
                      struct sp_error *err)
{
    ssize_t len = flistxattr(file->fd, NULL, 0);
    if (len < 0)
        return errno == ENOTSUP ? 0 : cannot("list the attributes of", file, err);
    char *names = sp_pool_alloc(pool, (size_t)len + 1);
    len = len ? flistxattr(file->fd, names, (size_t)len) : 0;
    if (len < 0)
        return cannot("list the attributes of", file, err);
    for (const char *one = names; one < names + len; one += strlen(one) + 1) {
        ssize_t size = fgetxattr(file->fd, one, NULL, 0);
        char *value = size < 0 ? NULL : sp_pool_alloc(pool, (size_t)size + 1);
        if (size > 0)
            size = fgetxattr(file->fd, one, value, (size_t)size);
        if (size < 0)
            return cannot(sp_pool_printf(pool, "read the attribute '%s' of", one), file, err);
        *SP_PUSH(pool, &meta->xattrs) = (struct sp_xattr){one, value, (size_t)size};
    }
    return 0;
}

int sp_fs_get_meta(const struct sp_dir *dir, struct sp_pool *pool, const char *name,
                   struct sp_meta *meta, struct sp_error *err)
{
    struct stat st;
    SP_CLEANUP_FD int fd =
        openat(dir->fd, *name ? name : ".", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const struct sp_file file = {fd, dir, name};
    *meta = (struct sp_meta){.mode = 0};
    if (fd < 0)
        return cannot("open", &file, err);
    if (fstat(fd, &st) < 0)
        return cannot("look at", &file, err);
    if (get_xattrs(&file, pool, meta, err) < 0)
        return -1;
    get_flags(&file, meta);
    meta->mode = st.st_mode & 07777;
    meta->uid = st.st_uid;
    meta->gid = st.st_gid;
    meta->mtime = st.st_mtim;
    return 0;
}

int sp_fs_chmod(const struct sp_file *file, mode_t mode, struct sp_error *err)
{
    if (sp_fault("fchmod", file->dir, file->name) || fchmod(file->fd, mode) < 0)
        return cannot("set the mode of", file, err);
    return 0;
}

int sp_fs_chown(const struct sp_file *file, uid_t uid, gid_t gid, struct sp_error *err)
{
    if (sp_fault("fchown", file->dir, file->name) || fchown(file->fd, uid, gid) < 0)
        return cannot("set the owner of", file, err);
    return 0;
}

int sp_fs_set_mtime(const struct sp_file *file, struct timespec mtime, struct sp_error *err)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, mtime};
    if (sp_fault("futimens", file->dir, file->name) || futimens(file->fd, times) < 0)
        return cannot("set the modification time of", file, err);
    return 0;
}

/* ---- attributes, one and all --------------------------------------------------------------- */

bool sp_meta_is_hash(const char *name)
{
    return strcmp(name, "security.ima") == 0 || strcmp(name, "security.evm") == 0;
}

/* The label of a security module: some may be set and never removed (SELinux refuses it). */
static bool is_label(const char *name)
{
    return strncmp(name, "security.", 9) == 0 && strcmp(name, "security.capability") != 0;
}

void sp_meta_drop_hashes(struct sp_meta *meta)
{
    size_t kept = 0;
    for (size_t i = 0; i < meta->xattrs.count; i++)
        if (!sp_meta_is_hash(meta->xattrs.items[i].name))
            meta->xattrs.items[kept++] = meta->xattrs.items[i];
    meta->xattrs.count = kept;
}

static const struct sp_xattr *find_xattr(const struct sp_meta *meta, const char *name)
{
    for (size_t i = 0; i < meta->xattrs.count; i++)
        if (strcmp(meta->xattrs.items[i].name, name) == 0)
            return &meta->xattrs.items[i];
    return NULL;
}

/* The name of an attribute in `of` that is not so in `in`; NULL if there is none. Labels that are
 * only in `of` count if `labels` says so. */
static const char *differing(const struct sp_meta *of, const struct sp_meta *in, bool labels)
{
    for (size_t i = 0; i < of->xattrs.count; i++) {
        const struct sp_xattr *one = &of->xattrs.items[i], *other = find_xattr(in, one->name);
        if (sp_meta_is_hash(one->name) || (!other && !labels && is_label(one->name)))
            continue;
        if (!other || other->len != one->len || memcmp(other->value, one->value, one->len) != 0)
            return one->name;
    }
    return NULL;
}

bool sp_meta_is_same(const struct sp_meta *a, const struct sp_meta *b)
{
    return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid && !differing(a, b, true) &&
           !differing(b, a, true);
}

static int remove_xattr(const struct sp_file *file, const char *name, struct sp_error *err)
{
    if (sp_fault("fremovexattr", file->dir, file->name) == 0 &&
        (fremovexattr(file->fd, name) == 0 || errno == ENODATA || is_label(name)))
        return 0;
    return sp_error_errno(err, errno, "cannot remove the attribute '%s' of '" SP_AT "'", name,
                          SP_AT_ARGS(file->dir, file->name));
}

static int set_xattr(const struct sp_file *file, const struct sp_xattr *xattr, struct sp_error *err)
{
    if (sp_fault("fsetxattr", file->dir, file->name) == 0 &&
        fsetxattr(file->fd, xattr->name, xattr->value, xattr->len, 0) == 0)
        return 0;
    return sp_error_errno(err, errno, "cannot set the attribute '%s' of '" SP_AT "'", xattr->name,
                          SP_AT_ARGS(file->dir, file->name));
}

#define ACL "system.posix_acl_access"

/* Gives a file the wanted attributes and takes away all others, or no more than an access control
 * list. */
static int make_xattrs_equal(const struct sp_file *file, const struct sp_meta *wanted,
                             unsigned keep, struct sp_error *err)
{
    SP_CLEANUP_POOL struct sp_pool *pool = sp_pool_new();
    struct sp_meta now = {.mode = 0};
    if (get_xattrs(file, pool, &now, err) < 0)
        return -1;
    for (size_t i = 0; i < now.xattrs.count; i++) {
        const char *name = now.xattrs.items[i].name;
        bool goes = keep & SP_KEEP_XATTRS ? !find_xattr(wanted, name) && !sp_meta_is_hash(name)
                                          : strcmp(name, ACL) == 0;
        if (goes && remove_xattr(file, name, err) < 0)
            return -1;
    }
    for (size_t i = 0; (keep & SP_KEEP_XATTRS) && i < wanted->xattrs.count; i++) {
        const struct sp_xattr *one = &wanted->xattrs.items[i], *has = find_xattr(&now, one->name);
        bool same = has && has->len == one->len && memcmp(has->value, one->value, one->len) == 0;
        if (!same && set_xattr(file, one, err) < 0)
            return -1;
    }
    return 0;
}

/* Reads back what apply_meta() did. */
static int verify(const struct sp_file *file, const struct sp_meta *wanted, unsigned keep,
                  struct sp_error *err)
{
    SP_CLEANUP_POOL struct sp_pool *pool = sp_pool_new();
    struct sp_meta now = {.mode = 0};
    struct stat st;
    if (fstat(file->fd, &st) < 0)
        return cannot("look at", file, err);
    if (get_xattrs(file, pool, &now, err) < 0)
        return -1;
    const char *wrong = NULL;
    if ((keep & SP_KEEP_OWNER) && (st.st_uid != wanted->uid || st.st_gid != wanted->gid))
        wrong = "owner";
    if ((st.st_mode & 07777) != (keep & SP_KEEP_MODE ? wanted->mode : 0644))
        wrong = "mode";
    if ((keep & SP_MODE_ONLY) && find_xattr(&now, ACL))
        wrong = ACL;
    if (keep & SP_KEEP_XATTRS) {
        const char *name = differing(wanted, &now, true);
        name = name ? name : differing(&now, wanted, false);
        wrong = name ? name : wrong;
    }
    if (!wrong)
        return 0;
    return sp_error_set(err, SP_ERROR_SYSTEM,
                        "cannot make '" SP_AT "' like the file that it is to replace: its %s reads "
                        "back differently",
                        SP_AT_ARGS(file->dir, file->name), wrong);
}

int sp_fs_apply_meta(const struct sp_file *file, const struct sp_meta *meta, unsigned keep,
                     struct sp_error *err)
{
    struct stat st;
    if (fstat(file->fd, &st) < 0)
        return cannot("look at", file, err);
    if ((keep & SP_KEEP_OWNER) && (st.st_uid != meta->uid || st.st_gid != meta->gid) &&
        sp_fs_chown(file, meta->uid, meta->gid, err) < 0)
        return -1;
    /* before the mode: it would open a list that the directory gave (acl(5), the mask entry) */
    if ((keep & (SP_KEEP_XATTRS | SP_MODE_ONLY)) && make_xattrs_equal(file, meta, keep, err) < 0)
        return -1;
    mode_t mode = keep & SP_KEEP_MODE ? meta->mode : 0644; /* after fchown(), which clears set-id */
    if (sp_fs_chmod(file, mode, err) < 0)
        return -1;
    if ((keep & SP_KEEP_MTIME) && sp_fs_set_mtime(file, meta->mtime, err) < 0)
        return -1;
    return verify(file, meta, keep, err);
}
