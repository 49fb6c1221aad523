/* SPDX-License-Identifier: Apache-2.0 */
/* The only module that touches the file system for writing, and the one that resolves names below
 * the chosen root. Every call that changes something passes a fault point (see sp_fs_fault_init),
 * in the order in which it is made.
 *
 * Paths given to this module are seen from the root: "/usr/lib" with --root /mnt is /mnt/usr/lib,
 * and a link to "/etc" in there leads to /mnt/etc. A real path is one that holds no link any more;
 * it is opened without following any, so a link that is planted later makes the call fail, not
 * wander. */
#ifndef SP_FSIO_H
#define SP_FSIO_H

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/pool.h"

struct sp_root {
    int fd;           /* of the directory */
    const char *path; /* "" for the running system, else the directory as the operator named it */
};

/* Opens dir ("/" for the running system). */
int sp_root_open(const char *dir, struct sp_root *root, struct sp_error *err) SP_MUST_CHECK;
void sp_root_close(struct sp_root *root);
/* How messages show a path seen from the root: with the root's own path before it. Where it is
 * printed, control characters are taken care of (report.h, json.h). */
const char *sp_root_show(const struct sp_root *root, struct sp_pool *pool, const char *path);

/* ---- looking ------------------------------------------------------------------------------- */

/* The real path of path: absolute as seen from the root, links (at most 40, none leaving the root;
 * ".." above the root stays at the root) followed, the last component too. *st (may be NULL) is
 * what stands there. *real is NULL when nothing does: a component is missing, or a link's target.
 * Errors: SP_ERROR_SYSTEM; SP_ERROR_REFUSED for links that loop. */
int sp_fs_resolve(const struct sp_root *root, struct sp_pool *pool, const char *path,
                  const char **real, struct stat *st, struct sp_error *err) SP_MUST_CHECK;

/* Opens the directory at a real path, following no link. O_RDONLY|O_DIRECTORY|O_CLOEXEC. The caller
 * closes it. Returns the descriptor, or -1. */
int sp_fs_open_dir(const struct sp_root *root, const char *real,
                   struct sp_error *err) SP_MUST_CHECK;

/* Reads the first `limit` bytes of the regular file at a real path, following no link and never
 * waiting (a FIFO is SP_ERROR_REFUSED). *complete tells whether that was all; st may be NULL. */
int sp_fs_read(const struct sp_root *root, struct sp_pool *pool, const char *real, size_t limit,
               struct sp_bytes *out, bool *complete, struct stat *st,
               struct sp_error *err) SP_MUST_CHECK;

/* The same for the name in an open directory. Absent: 0 with out->data NULL. */
int sp_fs_read_at(int dirfd, struct sp_pool *pool, const char *name, size_t limit,
                  struct sp_bytes *out, bool *complete, struct stat *st,
                  struct sp_error *err) SP_MUST_CHECK;

/* Opens a regular file for reading, by way of links: for what has no root to stay in. It never
 * waits, and nothing else is opened: with a device that may do something. *st is what it is. -1
 * with errno: EISDIR for a directory, ENXIO for what else is no regular file. */
int sp_fs_open_file(int dirfd, const char *name, struct stat *st);

/* The names in an open directory, sorted by byte value, without "." and "..". */
int sp_fs_list(int dirfd, struct sp_pool *pool, sp_strv *out, struct sp_error *err) SP_MUST_CHECK;

/* Whether this process may create and rename names in the directory: -1 with the reason if not. */
int sp_fs_check_writable(int dirfd, const char *shown, struct sp_error *err) SP_MUST_CHECK;

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

/* ---- changing ------------------------------------------------------------------------------ */

/* What to take over from a struct sp_meta when a file is written. */
enum sp_keep {
    SP_KEEP_MODE = 1,
    SP_KEEP_OWNER = 2,
    SP_KEEP_MTIME = 4,
    SP_KEEP_XATTRS = 8,
    SP_KEEP_ALL = 15,
    SP_SYNC_LATER = 16
};

/* Creates `name` in dirfd (O_EXCL, O_NOFOLLOW), writes content, sets what `keep` says from meta
 * (else mode 0644, the process's owner, the present time), and fsyncs it - unless SP_SYNC_LATER
 * is in `keep`: then the disk only begins to write, and sp_fs_sync_name() has to follow; of
 * several files that are created so, the file system makes one commit instead of one each. When
 * anything fails the file is removed again. shown: the path for messages. */
int sp_fs_create(int dirfd, const char *name, struct sp_bytes content, const struct sp_meta *meta,
                 unsigned keep, const char *shown, struct sp_error *err) SP_MUST_CHECK;

/* Puts the temporary file `from` in the place of the existing `to`, both in dirfd, if `to` is still
 * the expected file (device, inode, size, modification time); else SP_ERROR_REFUSED and nothing
 * changed. Where the kernel can exchange two names (renameat2), the check is free of races: what
 * was swapped out is looked at, and swapped back if it is not the expected file. `from` is gone
 * afterwards. */
int sp_fs_replace(int dirfd, const char *from, const char *to, const struct stat *expected,
                  const char *shown, struct sp_error *err) SP_MUST_CHECK;

/* Gives the temporary file `from` the name `to`, which must not exist (SP_ERROR_REFUSED if it does):
 * renameat2(RENAME_NOREPLACE), else linkat() and unlinkat(). */
int sp_fs_rename_new(int dirfd, const char *from, const char *to, const char *shown,
                     struct sp_error *err) SP_MUST_CHECK;

/* Moves `name` to `aside`, and removes it if it is the expected file; else moves it back
 * (SP_ERROR_REFUSED). */
int sp_fs_remove_expected(int dirfd, const char *name, const char *aside,
                          const struct stat *expected, const char *shown,
                          struct sp_error *err) SP_MUST_CHECK;

/* Removes a name; absent is success. */
int sp_fs_unlink(int dirfd, const char *name, const char *shown,
                 struct sp_error *err) SP_MUST_CHECK;
int sp_fs_rmdir(int dirfd, const char *name, const char *shown, struct sp_error *err) SP_MUST_CHECK;
/* Removes a directory of ours with everything in it, at most 128 levels deep; absent is success. */
int sp_fs_remove_tree(int dirfd, const char *name, const char *shown,
                      struct sp_error *err) SP_MUST_CHECK;
/* fsync() of a directory or file descriptor. */
int sp_fs_sync(int fd, const char *shown, struct sp_error *err) SP_MUST_CHECK;
/* Creates a directory with exactly that mode; *created (may be NULL) is false when a directory
 * stood there already, whose mode is left alone. */
int sp_fs_mkdir(int dirfd, const char *name, mode_t mode, bool *created, const char *shown,
                struct sp_error *err) SP_MUST_CHECK;
int sp_fs_chmod(int fd, mode_t mode, const char *shown, struct sp_error *err) SP_MUST_CHECK;
int sp_fs_chown(int fd, uid_t uid, gid_t gid, const char *shown,
                struct sp_error *err) SP_MUST_CHECK;
/* fsync() of the regular file `name` in dirfd. */
int sp_fs_sync_name(int dirfd, const char *name, const char *shown,
                    struct sp_error *err) SP_MUST_CHECK;
/* Sets the modification time of an open file or directory. */
int sp_fs_set_mtime(int fd, struct timespec mtime, const char *shown,
                    struct sp_error *err) SP_MUST_CHECK;
/* Creates name for writing (O_EXCL, O_NOFOLLOW, O_CLOEXEC) with exactly that mode. Returns the
 * descriptor, or -1. */
int sp_fs_open_new(int dirfd, const char *name, mode_t mode, const char *shown,
                   struct sp_error *err) SP_MUST_CHECK;
int sp_fs_write(int fd, struct sp_bytes content, const char *shown,
                struct sp_error *err) SP_MUST_CHECK;

/* Replaces or creates `name` durably: temporary file, fsync, rename, fsync of dirfd. Mode 0600. */
int sp_fs_save(int dirfd, const char *name, struct sp_bytes content, const char *shown,
               struct sp_error *err) SP_MUST_CHECK;

/* Bytes free to the caller on the file system of dirfd. */
int sp_fs_free_bytes(int dirfd, uint64_t *out, struct sp_error *err) SP_MUST_CHECK;

/* 8 hexadecimal digits that are new every time, for the names of temporary files. */
int sp_fs_random_name(char out[9], struct sp_error *err) SP_MUST_CHECK;

/* ---- fault points (only with -DSP_FAULT) -------------------------------------------------------
 * SP_FAULT="N:ENOSPC" makes the Nth changing call fail so, "N:short" cuts a write() short, "N:exit"
 * ends the process there, "N:stop" stops it before the call (SIGSTOP) until somebody continues it.
 * SP_FAULT_LOG=FILE gets one line a call: its number, name, and path. */
void sp_fs_fault_init(void);

#endif
