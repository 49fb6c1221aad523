/* SPDX-License-Identifier: Apache-2.0 */
/* Giving names to files, and taking them away, only where the file is still the expected one; and
 * nothing that was there is lost: it keeps another name until the caller removes it. */
#ifndef SP_REPLACE_H
#define SP_REPLACE_H

#include <sys/stat.h>

#include "base/error.h"
#include "fs/dir.h"
#include "fs/meta.h"

/* A file as it was when it was looked at. */
struct sp_expected {
    struct stat st;
    struct sp_meta meta;
};

/* Looks at the regular file `name`: SP_ABSENT also for one that is not regular. */
enum sp_found sp_fs_expect(const struct sp_dir *dir, struct sp_pool *pool, const char *name,
                           struct sp_expected *out, struct sp_error *err) SP_MUST_CHECK;

/* Whether two looks at a file saw the same: also no chmod(2), chown(2), setxattr(2) or link(2) in
 * between, which set the change time. */
bool sp_fs_is_unchanged(const struct stat *before, const struct stat *now);

/* The same as far as their contents and metadata are concerned: a backup by hard links, which sets the
 * change time when it is made and when it is removed, does not matter. */
bool sp_fs_is_same(const struct sp_expected *before, const struct sp_expected *now);

/* Puts the temporary file `from` in the place of the existing `to`, both in dir, if `to` is still the
 * expected file; else SP_ERROR_REFUSED and nothing changed. Where the kernel can exchange two names
 * (renameat2), the check is free of races: what was swapped out is looked at, content, mode, owner
 * and attributes, and swapped back if it is not the expected file. *kept tells whether what was at
 * `to` is at `from` now: always after an exchange, also when swapping back failed; else it is gone. */
int sp_fs_replace(const struct sp_dir *dir, const char *from, const char *to,
                  const struct sp_expected *expected, bool *kept,
                  struct sp_error *err) SP_MUST_CHECK;

/* Gives the temporary file `from` the name `to`, which must not exist (SP_ERROR_REFUSED if it does):
 * renameat2(RENAME_NOREPLACE), else linkat(), and then `from` may still be there, too. */
int sp_fs_rename_new(const struct sp_dir *dir, const char *from, const char *to,
                     struct sp_error *err) SP_MUST_CHECK;

/* Moves `name` to `aside` if it is the expected file; else moves it back (SP_ERROR_REFUSED). *kept
 * tells whether what was at `name` is at `aside` now, also when moving it back failed. */
int sp_fs_set_aside(const struct sp_dir *dir, const char *name, const char *aside,
                    const struct sp_expected *expected, bool *kept,
                    struct sp_error *err) SP_MUST_CHECK;

/* Whether this process may rename a file of its own from `from` to `to` and back: permission to create
 * does not say so (chattr +a, security modules). Also finds out whether renameat2() is merely
 * filtered (seccomp(2) answers EPERM) and is to be done without. */
int sp_fs_try_rename(const struct sp_dir *dir, const char *from, const char *to,
                     struct sp_error *err) SP_MUST_CHECK;

#endif
