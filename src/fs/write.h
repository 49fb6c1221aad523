/* SPDX-License-Identifier: Apache-2.0 */
/* Creating, writing and removing files, each step durable when it is asked to be. */
#ifndef SP_WRITE_H
#define SP_WRITE_H

#include "base/buffer.h"
#include "base/error.h"
#include "fs/dir.h"
#include "fs/meta.h"

/* Creates name for writing (O_EXCL, O_NOFOLLOW, O_CLOEXEC) with exactly that mode. Returns the
 * descriptor, or -1. */
int sp_fs_open_new(const struct sp_dir *dir, const char *name, mode_t mode,
                   struct sp_error *err) SP_MUST_CHECK;

int sp_fs_write(const struct sp_file *file, struct sp_bytes content,
                struct sp_error *err) SP_MUST_CHECK;

/* fsync() of an open file or directory. */
int sp_fs_sync(const struct sp_file *file, struct sp_error *err) SP_MUST_CHECK;
int sp_fs_sync_dir(const struct sp_dir *dir, struct sp_error *err) SP_MUST_CHECK;

/* fsync() of the regular file `name` in dir. */
int sp_fs_sync_name(const struct sp_dir *dir, const char *name, struct sp_error *err) SP_MUST_CHECK;

/* Creates `name` in dir (O_EXCL, O_NOFOLLOW), writes content, sets what `keep` says from meta (else
 * mode 0644, the process's owner, the present time), and fsyncs it - unless SP_SYNC_LATER is in
 * `keep`: then the disk only begins to write, and sp_fs_sync_name() has to follow; of several files
 * that are created so, the file system makes one commit instead of one each. When anything fails
 * the file is removed again. */
int sp_fs_create(const struct sp_dir *dir, const char *name, struct sp_bytes content,
                 const struct sp_meta *meta, unsigned keep, struct sp_error *err) SP_MUST_CHECK;

/* Removes a name; absent is success. */
int sp_fs_unlink(const struct sp_dir *dir, const char *name, struct sp_error *err) SP_MUST_CHECK;

int sp_fs_rmdir(const struct sp_dir *dir, const char *name, struct sp_error *err) SP_MUST_CHECK;

/* Removes a directory of ours with everything in it, at most 128 levels deep; absent is success. */
int sp_fs_remove_tree(const struct sp_dir *dir, const char *name,
                      struct sp_error *err) SP_MUST_CHECK;

/* Creates a directory with exactly that mode; *created (may be NULL) is false when there was one
 * already, whose mode is left alone. */
int sp_fs_mkdir(const struct sp_dir *dir, const char *name, mode_t mode, bool *created,
                struct sp_error *err) SP_MUST_CHECK;

/* Replaces or creates `name` durably: temporary file, fsync, rename, fsync of dir. Mode 0600. */
int sp_fs_save(const struct sp_dir *dir, const char *name, struct sp_bytes content,
               struct sp_error *err) SP_MUST_CHECK;

/* 8 hexadecimal digits that are new every time, for the names of temporary files. They are no
 * secret: such a file is created with O_EXCL. */
void sp_fs_random_name(char out[9]);

#endif
