/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/package_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "fs/lock.h"
#include "fs/resolve.h"

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Opens the file for writing, if there is one that may be written to; else -1. */
static int open_init(struct sp_pool *pool, const struct sp_root *root, const char *real)
{
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    const char *name = sp_path_basename(real);
    struct stat st;
    if (sp_fs_open_dir(root, pool, sp_path_dirname(pool, real), &dir, NULL) < 0 ||
        fstatat(dir.fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
        return -1;
    return openat(dir.fd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static int lock_one(struct sp_pool *pool, const struct sp_root *root, const char *real,
                    sp_package_locks *out, struct sp_error *err)
{
    SP_CLEANUP_ERROR struct sp_error reason = SP_ERROR_INIT;
    int fd = open_init(pool, root, real);
    if (fd < 0)
        return 0;
    *SP_PUSH(pool, out) =
        fd; /* not closed before the end: that would drop a lock on the same file */
    const char *package = sp_root_show(root, pool, sp_path_dirname(pool, real));
    if (sp_lock_file(fd, package, &reason) == 0 || (reason.errnum != 0 && reason.errnum != EAGAIN))
        return 0; /* locked, or there are no locks here (fcntl(2): ENOLCK, EINVAL) */
    sp_error_set(err, reason.kind, "%s", reason.message);
    if (err)
        err->errnum = reason.errnum;
    return -1;
}

int sp_package_locks_take(struct sp_pool *pool, const struct sp_root *root,
                          const struct sp_journal_component *components, size_t count,
                          sp_package_locks *out, struct sp_error *err)
{
    sp_strv files = {NULL, 0, 0};
    for (size_t i = 0; i < count; i++) {
        const char *real, *path = sp_path_join(pool, components[i].path, "__init__.py");
        if (sp_fs_resolve(root, pool, path, &real, NULL, NULL) == 0 && real)
            *SP_PUSH(pool, &files) = real;
    }
    if (files.count)
        qsort(files.items, files.count, sizeof(files.items[0]), by_bytes);
    for (size_t i = 0; i < files.count; i++)
        if (lock_one(pool, root, files.items[i], out, err) < 0) {
            sp_package_locks_drop(out);
            return -1;
        }
    return 0;
}

void sp_package_locks_drop(sp_package_locks *locks)
{
    for (size_t i = 0; i < locks->count; i++)
        sp_close(&locks->items[i]);
    locks->count = 0;
}
