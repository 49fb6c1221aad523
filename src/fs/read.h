/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at directories and files without changing anything. */
#ifndef SP_READ_H
#define SP_READ_H

#include <sys/stat.h>

#include "base/buffer.h"
#include "fs/root.h"

/* "a directory", "a FIFO", ...: what a file is that is no regular one. Static storage. */
const char *sp_fs_kind_name(mode_t mode);

/* Opens a regular file for reading, by way of links: for what has no root to stay in. It never
 * waits, and nothing else is opened: with a device that may do something. *st is what it is. -1
 * with errno: EISDIR for a directory, ENXIO for what else is no regular file. */
int sp_fs_open_file(int dirfd, const char *name, struct stat *st);

/* The same for the name in an open directory. Absent: 0 with out->data NULL. */
int sp_fs_read_at(int dirfd, struct sp_pool *pool, const char *name, size_t limit,
                  struct sp_bytes *out, bool *complete, struct stat *st,
                  struct sp_error *err) SP_MUST_CHECK;

/* Reads the first `limit` bytes of the regular file at a real path, following no link and never
 * waiting (a FIFO is SP_ERROR_REFUSED). *complete tells whether that was all; st may be NULL. */
int sp_fs_read(const struct sp_root *root, struct sp_pool *pool, const char *real, size_t limit,
               struct sp_bytes *out, bool *complete, struct stat *st,
               struct sp_error *err) SP_MUST_CHECK;

/* The names in an open directory, sorted by byte value, without "." and "..". */
int sp_fs_list(int dirfd, struct sp_pool *pool, sp_strv *out, struct sp_error *err) SP_MUST_CHECK;

/* Whether this process may create and rename names in the directory: -1 with the reason if not. */
int sp_fs_check_writable(int dirfd, const char *shown, struct sp_error *err) SP_MUST_CHECK;

/* Bytes free to the caller on the file system of dirfd. */
int sp_fs_free_bytes(int dirfd, uint64_t *out, struct sp_error *err) SP_MUST_CHECK;

#endif
