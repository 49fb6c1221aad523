/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/dir.h"

#include <string.h>

#include "base/cleanup.h"

void sp_dir_close(struct sp_dir *dir)
{
    sp_close(&dir->fd);
}

struct sp_file sp_dir_itself(const struct sp_dir *dir)
{
    return (struct sp_file){dir->fd, dir, ""};
}

const char *sp_dir_slash(const struct sp_dir *dir, const char *name)
{
    size_t len = strlen(dir->shown);
    return !*name || len == 0 || dir->shown[len - 1] == '/' ? "" : "/";
}
