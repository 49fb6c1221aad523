/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fs/fault.h"

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

int sp_fs_chmod(int fd, mode_t mode, const char *shown, struct sp_error *err)
{
    if (sp_fault("fchmod", shown) || fchmod(fd, mode) < 0)
        return sp_error_errno(err, errno, "can't set the mode of %s to %04o", shown,
                              (unsigned)mode);
    return 0;
}

int sp_fs_chown(int fd, uid_t uid, gid_t gid, const char *shown, struct sp_error *err)
{
    if (sp_fault("fchown", shown) || fchown(fd, uid, gid) < 0)
        return sp_error_errno(err, errno, "can't set the owner of %s to %ld:%ld", shown, (long)uid,
                              (long)gid);
    return 0;
}

int sp_fs_set_mtime(int fd, struct timespec mtime, const char *shown, struct sp_error *err)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, mtime};
    if (sp_fault("futimens", shown) || futimens(fd, times) < 0)
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
        if (sp_fault("fsetxattr", shown) ||
            fsetxattr(fd, xattr->name, xattr->value, xattr->len, 0) < 0)
            return sp_error_errno(err, errno, "can't set the attribute %s of %s", xattr->name,
                                  shown);
    }
    return 0;
}

int sp_fs_apply_meta(int fd, const struct sp_meta *meta, unsigned keep, const char *shown,
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
