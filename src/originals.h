/* SPDX-License-Identifier: Apache-2.0 */
/* The archive of originals: a pax archive (POSIX.1-2001, pax) written and read by libarchive, which
 * GNU tar and bsdtar can list and extract. It holds regular files with their owner, mode,
 * modification time to the nanosecond, and every extended attribute by its own name (ACLs and
 * SELinux labels among them). */
#ifndef SP_ORIGINALS_H
#define SP_ORIGINALS_H

#include "error.h"
#include "fsio.h"
#include "pool.h"

struct sp_original {
    const char *path; /* the real path without its first slash */
    struct sp_bytes content;
    struct sp_meta meta;
};

/* Writes the file `name` (which must not exist) in dirfd with mode 0600, and brings file and
 * directory to disk. where: the directory, for messages. SP_ERROR_SYSTEM when anything fails. */
int sp_originals_write(int dirfd, const char *name, const struct sp_original *items, size_t count,
                       const char *where, struct sp_error *err) SP_MUST_CHECK;

/* Reads it back into pool. Only what sp_originals_write() writes is accepted: regular files with
 * safe relative paths (sp_path_is_safe_relative), none twice, none above SP_MAX_SOURCE, complete to
 * the end of the archive. Anything else is SP_ERROR_PENDING: what should be restored can't be. */
int sp_originals_read(struct sp_pool *pool, int dirfd, const char *name, const char *where,
                      struct sp_original **items, size_t *count,
                      struct sp_error *err) SP_MUST_CHECK;

#endif
