/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/pyc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/pool.h"
#include "fs/read.h"
#include "fs/write.h"

#define CACHE "__pycache__"

static bool exists(const struct sp_dir *dir, const char *name)
{
    struct stat st;
    return fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static bool is_compiled(const char *name, const char *stem)
{
    const char *dot = strrchr(name, '.');
    size_t len = strlen(stem);
    return strncmp(name, stem, len) == 0 && name[len] == '.' && dot &&
           (strcmp(dot, ".pyc") == 0 || strcmp(dot, ".pyo") == 0);
}

static int clear_cache(const struct sp_dir *dir, struct sp_pool *pool, const char *stem,
                       struct sp_error *err)
{
    SP_CLEANUP_DIR struct sp_dir cache = {
        openat(dir->fd, CACHE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
        sp_pool_printf(pool, SP_AT, SP_AT_ARGS(dir, CACHE))};
    if (cache.fd < 0)
        return 0; /* none, or something that Python does not use as one */
    sp_strv names = {NULL, 0, 0};
    size_t removed = 0;
    if (sp_fs_list(&cache, pool, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.count; i++) {
        if (!is_compiled(names.items[i], stem))
            continue;
        if (sp_fs_unlink(&cache, names.items[i], err) < 0)
            return -1;
        removed++;
    }
    return removed && removed == names.count ? sp_fs_rmdir(dir, CACHE, err) : 0;
}

int sp_pyc_remove(const struct sp_dir *dir, const char *module, struct sp_error *err)
{
    static const char *const suffixes[] = {".pyc", ".pyo"};
    size_t len = strlen(module);
    if (len < 4 || strcmp(module + len - 3, ".py") != 0)
        return 0;
    SP_CLEANUP_POOL struct sp_pool *pool = sp_pool_new();
    const char *stem = sp_pool_memdup(pool, module, len - 3);
    for (size_t i = 0; i < 2; i++) {
        const char *name = sp_pool_printf(pool, "%s%s", stem, suffixes[i]);
        if (exists(dir, name) && sp_fs_unlink(dir, name, err) < 0)
            return -1;
    }
    return clear_cache(dir, pool, stem, err);
}
