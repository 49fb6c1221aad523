/* SPDX-License-Identifier: Apache-2.0 */
/* A git revision as a tree, straight from the object store. */
#include <git2.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "format/diff.h"
#include "tree/links.h"
#include "tree/odb.h"
#include "tree/refs.h"
#include "tree/tree.h"

struct git_backend {
    struct sp_tree base;
    git_repository *repo;
    git_odb *odb;
    git_tree *top;
    /* the directory looked up last: most questions are about its neighbours. "" is the top. */
    char *memo_path;
    git_tree *memo; /* NULL for the top */
};

static const char *oid_text(const git_oid *oid, char hex[SP_BLOB_HEX + 1])
{
    return git_oid_tostr(hex, SP_BLOB_HEX + 1, oid);
}

static int object_error(const struct git_backend *git, struct sp_pool *pool, const git_oid *oid,
                        const char *what, struct sp_error *err)
{
    char hex[SP_BLOB_HEX + 1];
    return sp_error_set(err, SP_ERROR_REFUSED, "%s: git object %s: %s", git->base.name,
                        oid_text(oid, hex), sp_walk_safe(pool, what));
}

/* Whether the object is there, of that type, and of a size that can be loaded. */
static int check_object(const struct git_backend *git, struct sp_pool *pool, const git_oid *oid,
                        git_object_t type, size_t *size, struct sp_error *err)
{
    git_object_t found;
    if (git_odb_read_header(size, &found, git->odb, oid) < 0)
        return object_error(git, pool, oid, sp_odb_reason(), err);
    if (found != type)
        return object_error(git, pool, oid,
                            sp_pool_printf(pool, "is a %s where a %s should be",
                                           git_object_type2string(found),
                                           git_object_type2string(type)),
                            err);
    if (*size > SP_ODB_MAX_OBJECT)
        return object_error(git, pool, oid,
                            sp_pool_printf(pool, "is of %zu bytes, and more than %zu are not read",
                                           *size, SP_ODB_MAX_OBJECT),
                            err);
    return 0;
}

static int lookup_tree(const struct git_backend *git, struct sp_pool *pool, const git_oid *oid,
                       git_tree **out, struct sp_error *err)
{
    size_t size;
    if (check_object(git, pool, oid, GIT_OBJECT_TREE, &size, err) < 0)
        return -1;
    if (git_tree_lookup(out, git->repo, oid) < 0)
        return object_error(git, pool, oid, sp_odb_reason(), err);
    return 0;
}

static enum sp_entry_kind entry_kind(const git_tree_entry *entry)
{
    switch (git_tree_entry_filemode(entry)) {
    case GIT_FILEMODE_TREE:
        return SP_ENTRY_DIRECTORY;
    case GIT_FILEMODE_BLOB:
    case GIT_FILEMODE_BLOB_EXECUTABLE:
        return SP_ENTRY_FILE;
    case GIT_FILEMODE_LINK:
        return SP_ENTRY_LINK;
    default: /* a submodule */
        return SP_ENTRY_OTHER;
    }
}

static void forget(struct git_backend *git)
{
    free(git->memo_path);
    git_tree_free(git->memo);
    git->memo_path = NULL;
    git->memo = NULL;
}

/* The tree of the directory at path, which holds no link; NULL when there is none. It belongs to
 * the backend, and only until the next call. */
static int directory_at(struct git_backend *git, struct sp_pool *pool, const char *path,
                        git_tree **out, struct sp_error *err)
{
    *out = NULL;
    size_t memo_len = git->memo_path ? strlen(git->memo_path) : 0;
    if (memo_len && (strncmp(path, git->memo_path, memo_len) != 0 ||
                     (path[memo_len] != '\0' && path[memo_len] != '/'))) {
        forget(git);
        memo_len = 0;
    }
    const char *rest = path + memo_len;
    while (*(rest += strspn(rest, "/"))) {
        size_t len = strcspn(rest, "/");
        const char *name = sp_pool_memdup(pool, rest, len);
        const git_tree_entry *entry = git_tree_entry_byname(git->memo ? git->memo : git->top, name);
        if (!entry || entry_kind(entry) != SP_ENTRY_DIRECTORY)
            return 0;
        git_tree *next;
        if (lookup_tree(git, pool, git_tree_entry_id(entry), &next, err) < 0)
            return -1;
        forget(git);
        rest += len;
        git->memo = next;
        git->memo_path = sp_xmalloc((size_t)(rest - path) + 1);
        memcpy(git->memo_path, path, (size_t)(rest - path));
        git->memo_path[rest - path] = '\0';
    }
    *out = git->memo ? git->memo : git->top;
    return 0;
}

/* The content of a blob; the caller frees *out. */
static int load_blob(const struct git_backend *git, struct sp_pool *pool, const git_oid *oid,
                     git_odb_object **out, struct sp_error *err)
{
    size_t size;
    if (check_object(git, pool, oid, GIT_OBJECT_BLOB, &size, err) < 0)
        return -1;
    if (git_odb_read(out, git->odb, oid) < 0)
        return object_error(git, pool, oid, sp_odb_reason(), err);
    return 0;
}

/* The entry for a path that holds no link, and is not the top; NULL when there is none. It lives
 * until the next call. */
static int entry_at(struct git_backend *git, struct sp_pool *pool, const char *path,
                    const git_tree_entry **out, struct sp_error *err)
{
    git_tree *directory;
    *out = NULL;
    if (directory_at(git, pool, sp_path_dirname(pool, path), &directory, err) < 0)
        return -1;
    if (directory)
        *out = git_tree_entry_byname(directory, sp_path_basename(path));
    return 0;
}

static int probe(void *ctx, struct sp_pool *pool, const char *path, enum sp_entry_kind *kind,
                 const char **target, struct sp_error *err)
{
    struct git_backend *git = ctx;
    const git_tree_entry *entry;
    if (entry_at(git, pool, path, &entry, err) < 0)
        return -1;
    *kind = entry ? entry_kind(entry) : SP_ENTRY_ABSENT;
    if (*kind != SP_ENTRY_LINK)
        return 0;

    git_odb_object *blob;
    if (load_blob(git, pool, git_tree_entry_id(entry), &blob, err) < 0)
        return -1;
    size_t len = git_odb_object_size(blob);
    const char *text = git_odb_object_data(blob);
    /* one that no file system could hold leads nowhere */
    *target =
        len >= SP_LINKS_MAX_PATH || memchr(text, '\0', len) ? "" : sp_pool_memdup(pool, text, len);
    git_odb_object_free(blob);
    return 0;
}

static int resolve(struct git_backend *git, struct sp_pool *pool, const char *path,
                   enum sp_entry_kind *kind, const char **real, struct sp_error *err)
{
    const struct sp_links_walk walk = {probe, git, false};
    return sp_links_resolve(&walk, pool, path, kind, real, err);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct sp_entry *)a)->name, ((const struct sp_entry *)b)->name);
}

static int git_list(struct sp_tree *tree, struct sp_pool *pool, const char *path, sp_entries *out,
                    struct sp_error *err)
{
    struct git_backend *git = (struct git_backend *)tree;
    enum sp_entry_kind kind;
    const char *real;
    git_tree *directory;

    if (resolve(git, pool, path, &kind, &real, err) < 0)
        return -1;
    if (kind != SP_ENTRY_DIRECTORY)
        return 0;
    if (directory_at(git, pool, real, &directory, err) < 0)
        return -1;
    size_t count = directory ? git_tree_entrycount(directory) : 0, first = out->count;
    if (count > SP_MAX_ENTRIES)
        return object_error(git, pool, git_tree_id(directory), "has too many entries", err);
    for (size_t i = 0; i < count; i++) {
        const git_tree_entry *entry = git_tree_entry_byindex(directory, i);
        const char *name = git_tree_entry_name(entry);
        if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            return object_error(git, pool, git_tree_id(directory),
                                sp_pool_printf(pool, "has an entry with the name '%s'", name), err);
        *SP_PUSH(pool, out) = (struct sp_entry){sp_pool_strdup(pool, name), entry_kind(entry)};
    }
    /* git sorts directories as if their names ended with a slash */
    if (count)
        qsort(out->items + first, count, sizeof(*out->items), by_name);
    return 0;
}

static int git_stat(struct sp_tree *tree, struct sp_pool *pool, const char *path,
                    enum sp_entry_kind *kind, const char **id, struct sp_error *err)
{
    const char *real;
    if (resolve((struct git_backend *)tree, pool, path, kind, &real, err) < 0)
        return -1;
    if (id)
        *id = real;
    return 0;
}

static int git_read(struct sp_tree *tree, struct sp_pool *pool, const char *path, size_t limit,
                    struct sp_bytes *out, bool *complete, struct sp_error *err)
{
    struct git_backend *git = (struct git_backend *)tree;
    enum sp_entry_kind kind;
    const char *real;
    const git_tree_entry *entry = NULL;
    git_odb_object *blob;

    if (resolve(git, pool, path, &kind, &real, err) < 0)
        return -1;
    if (kind == SP_ENTRY_FILE && entry_at(git, pool, real, &entry, err) < 0)
        return -1;
    if (!entry)
        return sp_error_set(err, SP_ERROR_REFUSED, "%s: %s is not a regular file", tree->name,
                            sp_walk_safe(pool, path));
    if (load_blob(git, pool, git_tree_entry_id(entry), &blob, err) < 0)
        return sp_error_prefix(err, "can't read %s", sp_walk_safe(pool, path));
    size_t size = git_odb_object_size(blob);
    *complete = size <= limit;
    out->len = *complete ? size : limit;
    out->data = sp_pool_memdup(pool, git_odb_object_data(blob), out->len);
    git_odb_object_free(blob);
    return 0;
}

static void git_close(struct sp_tree *tree)
{
    struct git_backend *git = (struct git_backend *)tree;
    forget(git);
    git_tree_free(git->top);
    git_odb_free(git->odb);
    git_repository_free(git->repo);
    git->top = NULL;
    git->odb = NULL;
    git->repo = NULL;
}

static void close_deferred(void *tree)
{
    git_close(tree);
}

/* ---- revisions: gitrevisions(7) -------------------------------------------------------------- */

static int no_revision(struct sp_pool *pool, const char *repo, const char *rev, const char *why,
                       struct sp_error *err)
{
    return sp_error_set(err, SP_ERROR_REFUSED,
                        "%s: can't find the revision '%s' in the git repository: %s", repo,
                        sp_walk_safe(pool, rev), sp_walk_safe(pool, why));
}

/* The one object whose id begins with these digits; 1 when there is none. */
static int find_abbreviated(const struct git_backend *git, const char *digits,
                            char id[SP_REFS_HEX + 1])
{
    git_oid prefix, found;
    size_t len = strlen(digits);
    if (len < GIT_OID_MINPREFIXLEN || len > SP_REFS_HEX ||
        strspn(digits, "0123456789abcdef") != len || git_oid_fromstrn(&prefix, digits, len) < 0)
        return 1;
    int rc = git_odb_exists_prefix(&found, git->odb, &prefix, len);
    if (rc == 0)
        oid_text(&found, id);
    return rc == GIT_ENOTFOUND ? 1 : rc;
}

/* The number in "{N}", and what is behind it; false when it is something else. */
static bool get_number(const char *text, size_t *number, const char **rest)
{
    size_t digits = strspn(text + 1, "0123456789");
    if (digits == 0 || digits > 9 || text[1 + digits] != '}')
        return false;
    *number = strtoul(text + 1, NULL, 10);
    *rest = text + 1 + digits + 1;
    return true;
}

/* The id of what the revision begins with - a name, an id, or a name with "@{N}" - and what
 * follows it: "~1", "^{tree}", ":path". */
static int find_start(struct git_backend *git, struct sp_pool *pool,
                      const struct sp_repository *repository, const char *repo, const char *rev,
                      char id[SP_REFS_HEX + 1], const char **rest, struct sp_error *err)
{
    size_t len = strcspn(rev, "~^:"), back;
    const char *at = strstr(rev, "@{");
    if (at && (size_t)(at - rev) < len)
        len = (size_t)(at - rev);
    else
        at = NULL;
    const char *name = sp_pool_memdup(pool, rev, len);
    *rest = rev + len;
    int rc;
    if (at && get_number(at + 1, &back, rest)) {
        rc = sp_refs_find_earlier(pool, repository, *name ? name : "HEAD", back, id, err);
    } else if (at) {
        return no_revision(pool, repo, rev, "of NAME@{...}, only NAME@{NUMBER} is looked for", err);
    } else if (sp_blob_is_id(name)) {
        memcpy(id, name, SP_REFS_HEX + 1);
        return 0;
    } else {
        rc = sp_refs_find(pool, repository, name, id, err);
        if (rc == 1 && (rc = find_abbreviated(git, name, id)) < 0)
            return no_revision(pool, repo, rev, sp_odb_reason(), err);
    }
    if (rc == 1)
        return no_revision(pool, repo, rev, "there is no such name and no such object", err);
    return rc < 0 ? -1 : 0; /* with the path of the file that it is about */
}

static int find_top(struct git_backend *git, struct sp_pool *pool,
                    const struct sp_repository *repository, const char *repo, const char *rev,
                    struct sp_error *err)
{
    git_object *object = NULL;
    char id[SP_REFS_HEX + 1];
    const char *rest;
    if (find_start(git, pool, repository, repo, rev, id, &rest, err) < 0)
        return -1;
    if (git_revparse_single(&object, git->repo, sp_pool_printf(pool, "%s%s", id, rest)) < 0) {
        const char *reason = sp_odb_reason();
        return *rest ? no_revision(pool, repo, rev, reason, err)
                     : sp_error_set(err, SP_ERROR_REFUSED,
                                    "%s: git object %s, which '%s' names, can't be read: %s", repo,
                                    id, sp_walk_safe(pool, rev), sp_walk_safe(pool, reason));
    }
    oid_text(git_object_id(object), id);
    int rc = git_object_peel((git_object **)&git->top, object, GIT_OBJECT_TREE);
    git_object_free(object);
    if (rc == 0)
        return 0;
    return sp_error_set(err, SP_ERROR_REFUSED,
                        "%s: git object %s, which '%s' names, leads to no tree: %s", repo, id,
                        sp_walk_safe(pool, rev), sp_walk_safe(pool, sp_odb_reason()));
}

static const struct sp_tree_ops git_ops = {git_list, git_stat, git_read, NULL, git_close};

int sp_tree_open_git(struct sp_pool *pool, const char *repo, const char *rev, struct sp_tree **out,
                     struct sp_error *err)
{
    struct sp_repository repository;
    if (sp_blob_library_init(err) < 0)
        return -1;

    struct git_backend *git = sp_pool_alloc(pool, sizeof(*git));
    git->base.ops = &git_ops;
    git->base.name = sp_pool_printf(pool, "%s@%s", repo, rev);
    sp_pool_defer(pool, close_deferred, git);

    if (sp_repository_find(pool, repo, &repository, err) < 0)
        return -1;
    if (sp_odb_open(sp_path_join(pool, repository.common, "objects"), &git->odb, err) < 0)
        return sp_error_prefix(err, "%s", repo);
    /* of objects alone: no configuration is read, neither the repository's nor this account's, so
     * that neither its owner (safe.directory) nor hooks and filters matter */
    if (git_repository_wrap_odb(&git->repo, git->odb) < 0)
        return sp_error_set(err, SP_ERROR_SYSTEM, "can't set up git objects: %s", sp_odb_reason());
    if (find_top(git, pool, &repository, repo, rev, err) < 0)
        return -1;
    *out = &git->base;
    return 0;
}
