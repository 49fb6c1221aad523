/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/repository.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "tree/tree.h"

/* Objects of neighbouring revisions are stored as differences from each other. A repository that
 * stays open has those unpacked that it saw, and the next tree is read from them. */
static bool keeps;
static struct sp_repository *kept; /* the one opened last; counted among its users */

int sp_tree_git_keep_open(struct sp_error *err)
{
    keeps = true;
    return sp_libgit2_init(err);
}

void sp_repository_close(struct sp_repository *repository)
{
    if (!repository || --repository->users > 0)
        return;
    git_odb_free(repository->odb);
    git_repository_free(repository->git);
    free(repository->path);
    free(repository);
}

/* Whether the one that was kept is at the path still. */
static bool is_kept(const char *path)
{
    struct stat now;
    return kept && strcmp(kept->path, path) == 0 && stat(path, &now) == 0 &&
           now.st_dev == kept->status.st_dev && now.st_ino == kept->status.st_ino;
}

static int open_new(struct sp_pool *pool, struct sp_repository *new, struct sp_error *err)
{
    if (git_repository_open_ext(&new->git, new->path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL) < 0)
        return sp_error_set(err, SP_ERROR_REFUSED, "%s: cannot open it as a git repository: %s",
                            new->path, sp_escape(pool, sp_libgit2_reason()));
    if (git_repository_odb(&new->odb, new->git) < 0)
        return sp_error_set(err, SP_ERROR_REFUSED, "%s: cannot open its object database: %s",
                            new->path, sp_escape(pool, sp_libgit2_reason()));
    return 0;
}

int sp_repository_open(struct sp_pool *pool, const char *path, struct sp_repository **out,
                       struct sp_error *err)
{
    if (sp_libgit2_init(err) < 0)
        return -1;
    if (is_kept(path)) {
        kept->users++;
        *out = kept;
        return 0;
    }
    struct sp_repository *new = sp_xmalloc(sizeof(*new));
    *new = (struct sp_repository){.path = sp_xstrdup(path), .users = 1};
    if (stat(path, &new->status) < 0)
        memset(&new->status, 0, sizeof(new->status)); /* libgit2 says what is wrong */
    if (open_new(pool, new, err) < 0) {
        sp_repository_close(new);
        return -1;
    }
    if (keeps) {
        sp_repository_close(kept);
        kept = new;
        kept->users++;
    }
    *out = new;
    return 0;
}

int sp_tree_git_references(struct sp_pool *pool, const char *repo, const char *prefix,
                           const char *pattern, sp_strv *out, struct sp_error *err)
{
    struct sp_repository *repository;
    git_reference_iterator *iterator = NULL;
    const char *name = NULL;
    if (sp_repository_open(pool, repo, &repository, err) < 0)
        return -1;
    size_t before = out->count;
    int rc = git_reference_iterator_glob_new(&iterator, repository->git,
                                             sp_pool_printf(pool, "%s%s", prefix, pattern));
    while (rc == 0 && (rc = git_reference_next_name(&name, iterator)) == 0) {
        if (out->count - before == SP_MAX_ENTRIES)
            break;
        *SP_PUSH(pool, out) = sp_pool_strdup(pool, name + strlen(prefix));
    }
    git_reference_iterator_free(iterator);
    sp_repository_close(repository);
    if (rc == GIT_ITEROVER)
        return 0;
    return sp_error_set(err, SP_ERROR_REFUSED, "%s: cannot list the references: %s", repo,
                        rc == 0 ? "there are too many" : sp_escape(pool, sp_libgit2_reason()));
}
