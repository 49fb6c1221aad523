/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at directories and files without changing anything. */
#ifndef SP_READ_H
#define SP_READ_H

#include <sys/stat.h>

#include "base/buffer.h"
#include "fs/dir.h"
#include "fs/root.h"

/* The part of a file that was read. */
struct sp_content {
    struct sp_bytes bytes; /* in the caller's pool, a NUL after them; data NULL: there is no file */
    bool complete;         /* whether that is all of it */
    struct stat st;        /* as it was when it was opened */
};

/* "a directory", "a FIFO", ...: what a file is that is no regular one. Static storage. */
const char *sp_fs_kind_name(mode_t mode);

/* Reads the first `limit` bytes of the regular file `name` in an open directory, following no link
 * and never waiting (a FIFO, say, is SP_ERROR_REFUSED). Absent: 0 with out->bytes.data NULL. */
int sp_fs_read_at(const struct sp_dir *dir, struct sp_pool *pool, const char *name, size_t limit,
                  struct sp_content *out, struct sp_error *err) SP_MUST_CHECK;

/* The same for a real path. Absent: SP_ERROR_REFUSED. */
int sp_fs_read(const struct sp_root *root, struct sp_pool *pool, const char *real, size_t limit,
               struct sp_content *out, struct sp_error *err) SP_MUST_CHECK;

/* The names in an open directory, sorted by byte value, without "." and "..". */
int sp_fs_list(const struct sp_dir *dir, struct sp_pool *pool, sp_strv *out,
               struct sp_error *err) SP_MUST_CHECK;

/* Whether another file may get the name of a file that is there, as far as can be told without a change:
 * not where it is immutable, append-only, or has something mounted on it. */
int sp_fs_check_replaceable(const struct sp_dir *dir, const char *name,
                            struct sp_error *err) SP_MUST_CHECK;

/* Whether this process may create names in the directory and rename them, as far as that can be
 * known without trying: -1 with the reason if not. */
int sp_fs_check_writable(const struct sp_dir *dir, struct sp_error *err) SP_MUST_CHECK;

/* Bytes free to this process on the file system of the directory: root may use the reserve, too. */
int sp_fs_free_bytes(const struct sp_dir *dir, uint64_t *out, struct sp_error *err) SP_MUST_CHECK;

#endif
