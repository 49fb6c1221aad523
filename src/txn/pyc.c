/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/pyc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pool.h"
#include "fs/read.h"
#include "fs/write.h"

#define CACHE "__pycache__"

static bool exists(int dirfd, const char *name)
{
    struct stat st;
    return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static bool is_compiled(const char *name, const char *stem, size_t len)
{
    const char *dot = strrchr(name, '.');
    return strncmp(name, stem, len) == 0 && name[len] == '.' && dot &&
           (strcmp(dot, ".pyc") == 0 || strcmp(dot, ".pyo") == 0);
}

static int clear_cache(int dirfd, struct sp_pool *pool, const char *stem, size_t len,
                       const char *shown, struct sp_error *err)
{
    int cache = openat(dirfd, CACHE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (cache < 0)
        return 0; /* none, or something that Python does not use as one */
    sp_strv names = {NULL, 0, 0};
    size_t removed = 0;
    int rc = sp_fs_list(cache, pool, &names, err);
    for (size_t i = 0; rc == 0 && i < names.count; i++)
        if (is_compiled(names.items[i], stem, len)) {
            rc = sp_fs_unlink(cache, names.items[i], shown, err);
            removed++;
        }
    close(cache);
    if (rc == 0 && removed && removed == names.count)
        rc = sp_fs_rmdir(dirfd, CACHE, shown, err);
    return rc;
}

int sp_pyc_remove(int dirfd, const char *module, const char *shown, struct sp_error *err)
{
    size_t len = strlen(module);
    if (len < 4 || strcmp(module + len - 3, ".py") != 0)
        return 0;
    len -= 3;
    struct sp_pool *pool = sp_pool_new();
    const char *stem = sp_pool_memdup(pool, module, len);
    int rc = 0;
    static const char *const suffixes[] = {".pyc", ".pyo"};
    for (size_t i = 0; rc == 0 && i < 2; i++) {
        const char *name = sp_pool_printf(pool, "%s%s", stem, suffixes[i]);
        if (exists(dirfd, name))
            rc = sp_fs_unlink(dirfd, name, shown, err);
    }
    if (rc == 0)
        rc = clear_cache(dirfd, pool, stem, len, shown, err);
    sp_pool_free(pool);
    return rc;
}
