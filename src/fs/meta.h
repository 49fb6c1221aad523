/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata: what a file has besides its bytes. */
#ifndef SP_META_H
#define SP_META_H

#include <sys/stat.h>
#include <time.h>

#include "base/error.h"
#include "base/pool.h"
#include "fs/dir.h"

/* The flags that are a property of one file and that its owner may set: chattr(1). Those that
 * forbid a change (immutable, append only) are left out: such a file is not replaced. */
#define SP_META_FLAGS                                                                              \
    ((unsigned)(FS_SECRM_FL | FS_UNRM_FL | FS_COMPR_FL | FS_SYNC_FL | FS_NODUMP_FL |               \
                FS_NOATIME_FL | FS_JOURNAL_DATA_FL | FS_NOTAIL_FL | FS_NOCOW_FL))

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
    bool has_flags;
    unsigned flags; /* those of chattr(1) that can be set: ioctl_iflags(2) */
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
    SP_KEEP_XATTRS = 8, /* these and no others: what the directory gave goes */
    SP_KEEP_FLAGS = 16, /* of sp_fs_create() */
    SP_KEEP_ALL = 31,
    SP_MODE_ONLY = 32, /* an access control list that the directory gave goes */
    SP_SYNC_LATER = 64
};

/* Makes what `keep` says of an open file equal to meta (else mode 0644), reads it back and compares:
 * a new file gets some from its directory (acl(5), "OBJECT CREATION AND DEFAULT ACLs"). A difference
 * then is SP_ERROR_SYSTEM, but for two things: labels of security modules that may not be
 * removed, and flags that the file system does not let be set. */
int sp_fs_apply_meta(const struct sp_file *file, const struct sp_meta *meta, unsigned keep,
                     struct sp_error *err) SP_MUST_CHECK;

int sp_fs_chmod(const struct sp_file *file, mode_t mode, struct sp_error *err) SP_MUST_CHECK;

int sp_fs_chown(const struct sp_file *file, uid_t uid, gid_t gid,
                struct sp_error *err) SP_MUST_CHECK;

/* Gives an open file the flags of meta, if it has any, as far as the file system lets it. Some can
 * only be set on an empty file. */
void sp_fs_set_flags(const struct sp_file *file, const struct sp_meta *meta);

/* Whether both have the same mode, owner and attributes; hashes of the content (security.ima and
 * .evm) do not count. */
bool sp_meta_is_same(const struct sp_meta *a, const struct sp_meta *b);

/* Whether an attribute is a hash of the content, which no other content may have. */
bool sp_meta_is_hash(const char *name);

/* Removes these. */
void sp_meta_drop_hashes(struct sp_meta *meta);

/* Sets the modification time of an open file or directory. */
int sp_fs_set_mtime(const struct sp_file *file, struct timespec mtime,
                    struct sp_error *err) SP_MUST_CHECK;

#endif
