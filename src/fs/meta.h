/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata: what a file has besides its bytes. */
#ifndef SP_META_H
#define SP_META_H

#include <sys/stat.h>
#include <time.h>

#include "base/error.h"
#include "base/pool.h"
#include "fs/dir.h"

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

/* The metadata of the regular file or directory `name` in dir ("" for dir itself), extended
 * attributes included where the file system has them. */
int sp_fs_get_meta(const struct sp_dir *dir, struct sp_pool *pool, const char *name,
                   struct sp_meta *meta, struct sp_error *err) SP_MUST_CHECK;

/* The parts of a struct sp_meta that a written file gets. */
enum sp_keep {
    SP_KEEP_MODE = 1,
    SP_KEEP_OWNER = 2,
    SP_KEEP_MTIME = 4,
    SP_KEEP_XATTRS = 8,
    SP_KEEP_ALL = 15,
    SP_SYNC_LATER = 16
};

/* Sets on an open file what `keep` says from meta (else mode 0644). */
int sp_fs_apply_meta(const struct sp_file *file, const struct sp_meta *meta, unsigned keep,
                     struct sp_error *err) SP_MUST_CHECK;

int sp_fs_chmod(const struct sp_file *file, mode_t mode, struct sp_error *err) SP_MUST_CHECK;

int sp_fs_chown(const struct sp_file *file, uid_t uid, gid_t gid,
                struct sp_error *err) SP_MUST_CHECK;

/* Sets the modification time of an open file or directory. */
int sp_fs_set_mtime(const struct sp_file *file, struct timespec mtime,
                    struct sp_error *err) SP_MUST_CHECK;

#endif
