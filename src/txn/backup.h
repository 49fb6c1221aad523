/* SPDX-License-Identifier: Apache-2.0 */
/* The backups: the files that a transaction is going to replace or remove, as a pax archive (POSIX.1-2017,
 * pax(1), "pax Interchange Format") that tar and bsdtar can read.
 *
 * It keeps of each file the content, mode, owner, modification time to the nanosecond, and every
 * extended attribute by its raw name (ACLs and SELinux labels are among them), the flags of chattr(1) in
 * libarchive's words (GNU tar passes over those with a warning), and of directories
 * whose modification time matters the same without content. The same items give the same bytes. */
#ifndef SP_BACKUP_H
#define SP_BACKUP_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/pool.h"
#include "fs/dir.h"
#include "fs/meta.h"

#define SP_BACKUP_MAX_ENTRIES ((size_t)4096)      /* entries in one archive */
#define SP_BACKUP_MAX_BYTES   ((size_t)128 << 20) /* their contents together */

struct sp_backup_entry {
    const char *path; /* relative to the root */
    bool is_dir;
    struct sp_bytes content; /* data is NULL for a directory */
    struct sp_meta meta;
};

/* Writes the archive as the new file `name` in dir, mode 0600, and syncs it; the directory is
 * synced by the journal that is saved in it next.
 * When anything fails the file is removed again. Errors: SP_ERROR_SYSTEM; SP_ERROR_REFUSED for a
 * path that is not a safe relative one (sp_path_is_safe_relative()) or is given twice, for
 * content beyond SP_MAX_SOURCE, and for more than the limits above: nothing is written that
 * sp_backup_read() would refuse. */
int sp_backup_write(const struct sp_dir *dir, const char *name, const struct sp_backup_entry *items,
                    size_t count, struct sp_error *err) SP_MUST_CHECK;

/* Reads it back; items and all they point to belong to pool, in the order in which they were
 * written.
 *
 * The archive is not trusted. Whatever sp_backup_write() would not have written is
 * SP_ERROR_REFUSED: an archive that is absent, truncated at any byte or followed by more, entries
 * other than regular files and directories, names that climb or come twice, sizes beyond the
 * limits; the entries before the damage are in items then, for whoever wants to look at them. A tar
 * archive has no checksum over contents, times, and attributes: the caller compares
 * contents with the ids in its journal. */
int sp_backup_read(struct sp_pool *pool, const struct sp_dir *dir, const char *name,
                   struct sp_backup_entry **items, size_t *count,
                   struct sp_error *err) SP_MUST_CHECK;

#endif
