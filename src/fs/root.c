/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/root.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"

int sp_root_open(const char *dir, struct sp_root *root, struct sp_error *err)
{
    root->path = strcmp(dir, "/") == 0 ? "" : dir;
    root->fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root->fd < 0)
        return sp_error_errno(err, errno, "cannot open the root directory '%s'", dir);
    return 0;
}

void sp_root_close(struct sp_root *root)
{
    sp_close(&root->fd);
}

const char *sp_root_show(const struct sp_root *root, struct sp_pool *pool, const char *path)
{
    path += strspn(path, "/");
    if (!*root->path)
        return sp_pool_printf(pool, "/%s", path);
    return *path ? sp_path_join(pool, root->path, path) : root->path;
}
