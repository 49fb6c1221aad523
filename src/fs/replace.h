/* SPDX-License-Identifier: Apache-2.0 */
/* Giving names to files, and taking them away, only where the file is still the expected one. */
#ifndef SP_REPLACE_H
#define SP_REPLACE_H

#include <sys/stat.h>

#include "base/error.h"
#include "fs/dir.h"

/* Puts the temporary file `from` in the place of the existing `to`, both in dir, if `to` is still
 * the expected file (device, inode, size, modification time); else SP_ERROR_REFUSED and nothing
 * changed. Where the kernel can exchange two names (renameat2), the check is free of races: what
 * was swapped out is looked at, and swapped back if it is not the expected file. `from` is gone
 * afterwards. */
int sp_fs_replace(const struct sp_dir *dir, const char *from, const char *to,
                  const struct stat *expected, struct sp_error *err) SP_MUST_CHECK;

/* Gives the temporary file `from` the name `to`, which must not exist (SP_ERROR_REFUSED if it does):
 * renameat2(RENAME_NOREPLACE), else linkat() and unlinkat(). */
int sp_fs_rename_new(const struct sp_dir *dir, const char *from, const char *to,
                     struct sp_error *err) SP_MUST_CHECK;

/* Moves `name` to `aside`, and removes it if it is the expected file; else moves it back
 * (SP_ERROR_REFUSED). */
int sp_fs_remove_expected(const struct sp_dir *dir, const char *name, const char *aside,
                          const struct stat *expected, struct sp_error *err) SP_MUST_CHECK;

#endif
