/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata: what besides its bytes makes a file what it is. */
#ifndef SP_META_H
#define SP_META_H

#include <sys/stat.h>
#include <time.h>

#include "base/error.h"
#include "base/pool.h"

/* What besides its bytes makes a file what it is. */
struct sp_xattr {
    const char *name, *value; /* the names of ACLs and SELinux labels are among them */
    size_t len;
};
struct sp_meta {
    mode_t mode; /* permission bits, set-id and sticky included */
    uid_t uid;
    gid_t gid;
    struct timespec mtime;
    SP_VEC(struct sp_xattr) xattrs;
};

/* The metadata of the regular file or directory `name` in dirfd ("" for dirfd itself), extended
 * attributes included where the file system has them. */
int sp_fs_get_meta(int dirfd, struct sp_pool *pool, const char *name, struct sp_meta *meta,
                   struct sp_error *err) SP_MUST_CHECK;

/* What to take over from a struct sp_meta when a file is written. */
enum sp_keep {
    SP_KEEP_MODE = 1,
    SP_KEEP_OWNER = 2,
    SP_KEEP_MTIME = 4,
    SP_KEEP_XATTRS = 8,
    SP_KEEP_ALL = 15,
    SP_SYNC_LATER = 16
};

/* Sets on an open file what `keep` says from meta (else mode 0644). */
int sp_fs_apply_meta(int fd, const struct sp_meta *meta, unsigned keep, const char *shown,
                     struct sp_error *err) SP_MUST_CHECK;

int sp_fs_chmod(int fd, mode_t mode, const char *shown, struct sp_error *err) SP_MUST_CHECK;

int sp_fs_chown(int fd, uid_t uid, gid_t gid, const char *shown,
                struct sp_error *err) SP_MUST_CHECK;

/* Sets the modification time of an open file or directory. */
int sp_fs_set_mtime(int fd, struct timespec mtime, const char *shown,
                    struct sp_error *err) SP_MUST_CHECK;

#endif
