/* SPDX-License-Identifier: Apache-2.0 */
/* Names in a git repository that may be damaged or hostile: gitrepository-layout(5),
 * gitrevisions(7).
 *
 * libgit2 does not read them: it loads whole files, whatever their size, waits for ever on a FIFO,
 * and follows a repository's configuration to other files. */
#ifndef SP_REFS_H
#define SP_REFS_H

#include "base/error.h"
#include "base/pool.h"

#define SP_REFS_HEX 40 /* digits of an object's id */

struct sp_repository {
    const char *git;    /* the directory with HEAD */
    const char *common; /* that with objects, refs and packed-refs: another one in a worktree */
};

/* Finds both: DIR itself, DIR/.git, or where the file DIR/.git says. What is in *out lives as long
 * as the pool. SP_ERROR_REFUSED when it is no repository. */
int sp_repository_find(struct sp_pool *pool, const char *dir, struct sp_repository *out,
                       struct sp_error *err) SP_MUST_CHECK;

/* The id of the object that a branch, a tag or another name stands for, in the order of
 * gitrevisions(7). 1 when there is no such name. SP_ERROR_REFUSED when it can't be read, or leads
 * from name to name without end. */
int sp_refs_find(struct sp_pool *pool, const struct sp_repository *repository, const char *name,
                 char id[SP_REFS_HEX + 1], struct sp_error *err) SP_MUST_CHECK;

/* What the name stood for `back` changes ago, by its reflog: NAME@{back}. 1 when there is no such
 * name. */
int sp_refs_find_earlier(struct sp_pool *pool, const struct sp_repository *repository,
                         const char *name, size_t back, char id[SP_REFS_HEX + 1],
                         struct sp_error *err) SP_MUST_CHECK;

#endif
