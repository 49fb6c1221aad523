/* SPDX-License-Identifier: Apache-2.0 */
/* Git repositories that trees are read from. */
#ifndef SP_REPOSITORY_H
#define SP_REPOSITORY_H

#include <sys/stat.h>

#include "base/error.h"
#include "base/pool.h"
#include "format/libgit2.h"

struct sp_repository {
    git_repository *git;
    git_odb *odb;
    char *path;         /* as it was named */
    struct stat status; /* of the directory at the path when it was opened */
    unsigned users;     /* who have it open */
};

/* Opens the repository at the path, a bare one or one with a work tree. */
int sp_repository_open(struct sp_pool *pool, const char *path, struct sp_repository **out,
                       struct sp_error *err) SP_MUST_CHECK;

/* NULL does nothing. */
void sp_repository_close(struct sp_repository *repository);

#endif
