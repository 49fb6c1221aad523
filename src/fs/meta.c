/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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

static int set_xattrs(const struct sp_file *file, const struct sp_meta *meta, struct sp_error *err)
{
    for (size_t i = 0; i < meta->xattrs.count; i++) {
        const struct sp_xattr *xattr = &meta->xattrs.items[i];
        /* a new file may have got it already: the label of its directory, a default ACL */
        char *present = sp_xmalloc(xattr->len + 1);
        ssize_t len = fgetxattr(file->fd, xattr->name, present, xattr->len + 1);
        bool same = len == (ssize_t)xattr->len && memcmp(present, xattr->value, xattr->len) == 0;
        free(present);
        if (same)
            continue;
        if (sp_fault("fsetxattr", file->dir, file->name) ||
            fsetxattr(file->fd, xattr->name, xattr->value, xattr->len, 0) < 0)
            return sp_error_errno(err, errno, "cannot set the attribute '%s' of '" SP_AT "'",
                                  xattr->name, SP_AT_ARGS(file->dir, file->name));
    }
    return 0;
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
    mode_t mode = keep & SP_KEEP_MODE ? meta->mode : 0644; /* after fchown(), which clears set-id */
    if (sp_fs_chmod(file, mode, err) < 0)
        return -1;
    if ((keep & SP_KEEP_XATTRS) && set_xattrs(file, meta, err) < 0)
        return -1;
    if ((keep & SP_KEEP_MTIME) && sp_fs_set_mtime(file, meta->mtime, err) < 0)
        return -1;
    return 0;
}
