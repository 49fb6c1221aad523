/* SPDX-License-Identifier: Apache-2.0 */
/* A git revision as a tree, straight from the object database: no checkout.
 *
 * libgit2 waits for ever on a FIFO in place of a name, and some of its versions do not survive a
 * damaged or hostile repository (issues 7177, 7342). Whoever opens one that is not trusted does so
 * in a process under limits: host/worker.h. */
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/path.h"
#include "format/libgit2.h"
#include "tree/links.h"
#include "tree/repository.h"
#include "tree/tree.h"

/* An object is unpacked as a whole, and its header says what it will take: one of more bytes is
 * refused. SP_MAX_ENTRIES names of ordinary length, and eight times the largest source that is
 * accepted, fit. */
#define MAX_OBJECT ((size_t)64 << 20)

/* A blob from this size on is not copied, but kept as it is. */
#define LARGE ((size_t)32 << 10)

struct git_backend {
    struct sp_tree base;
    struct sp_repository *from;
    git_tree *top;
    /* the directory looked up last: most questions are about its neighbours. "" is the top. */
    char *memo_path;
    git_tree *memo; /* NULL for the top */
};

static const char *oid_text(const git_oid *oid, char hex[GIT_OID_HEXSZ + 1])
{
    return git_oid_tostr(hex, GIT_OID_HEXSZ + 1, oid);
}

static int object_error(const struct git_backend *git, struct sp_pool *pool, const git_oid *oid,
                        const char *what, struct sp_error *err)
{
    char hex[GIT_OID_HEXSZ + 1];
    return sp_error_set(err, SP_ERROR_REFUSED, "%s: git object %s: %s", git->base.name,
                        oid_text(oid, hex), sp_escape(pool, what));
}

/* Whether the object is there, of that type, and of a size that can be loaded. */
static int check_object(const struct git_backend *git, struct sp_pool *pool, const git_oid *oid,
                        git_object_t type, size_t *size, struct sp_error *err)
{
    git_object_t found;
    if (git_odb_read_header(size, &found, git->from->odb, oid) < 0)
        return object_error(git, pool, oid, sp_libgit2_reason(), err);
    if (found != type)
        return object_error(git, pool, oid,
                            sp_pool_printf(pool, "is a %s where a %s should be",
                                           git_object_type2string(found),
                                           git_object_type2string(type)),
                            err);
    if (*size > MAX_OBJECT)
        return object_error(git, pool, oid,
                            sp_pool_printf(pool, "is of %zu bytes, and more than %zu are not read",
                                           *size, MAX_OBJECT),
                            err);
    return 0;
}

static int lookup_tree(const struct git_backend *git, struct sp_pool *pool, const git_oid *oid,
                       git_tree **out, struct sp_error *err)
{
    size_t size;
    if (check_object(git, pool, oid, GIT_OBJECT_TREE, &size, err) < 0)
        return -1;
    if (git_tree_lookup(out, git->from->git, oid) < 0)
        return object_error(git, pool, oid, sp_libgit2_reason(), err);
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
    if (git_odb_read(out, git->from->odb, oid) < 0)
        return object_error(git, pool, oid, sp_libgit2_reason(), err);
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

static void free_blob(void *blob)
{
    git_odb_object_free(blob);
}

static int git_read(struct sp_tree *tree, struct sp_pool *pool, const char *path, size_t limit,
                    struct sp_excerpt *out, struct sp_error *err)
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
                            sp_escape(pool, path));
    if (load_blob(git, pool, git_tree_entry_id(entry), &blob, err) < 0)
        return sp_error_prefix(err, "cannot read '%s'", sp_escape(pool, path));
    size_t size = git_odb_object_size(blob);
    out->complete = size <= limit;
    out->bytes = (struct sp_bytes){git_odb_object_data(blob), out->complete ? size : limit};
    if (size >= LARGE) {
        sp_pool_defer(pool, free_blob, blob);
        return 0;
    }
    out->bytes.data = sp_pool_memdup(pool, out->bytes.data, out->bytes.len);
    git_odb_object_free(blob);
    return 0;
}

static int blob_at(struct sp_tree *tree, struct sp_pool *pool, const char *path,
                   struct sp_blob_id *out, struct sp_error *err)
{
    struct git_backend *git = (struct git_backend *)tree;
    enum sp_entry_kind kind;
    const char *real;
    const git_tree_entry *entry = NULL;
    if (resolve(git, pool, path, &kind, &real, err) < 0)
        return -1;
    if (kind == SP_ENTRY_FILE && entry_at(git, pool, real, &entry, err) < 0)
        return -1;
    if (entry)
        oid_text(git_tree_entry_id(entry), out->hex);
    return 0;
}

static void git_close(struct sp_tree *tree)
{
    struct git_backend *git = (struct git_backend *)tree;
    forget(git);
    git_tree_free(git->top);
    sp_repository_close(git->from);
    git->top = NULL;
    git->from = NULL;
}

static void close_deferred(void *tree)
{
    git_close(tree);
}

/* ---- opening ------------------------------------------------------------------------------- */

/* The tree that a revision of gitrevisions(7) leads to. */
static int find_top(struct git_backend *git, struct sp_pool *pool, const char *repo,
                    const char *rev, struct sp_error *err)
{
    git_object *object = NULL;
    char hex[GIT_OID_HEXSZ + 1];
    if (git_revparse_single(&object, git->from->git, rev) < 0)
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "%s: cannot find the revision '%s' in the git repository: %s", repo,
                            sp_escape(pool, rev), sp_escape(pool, sp_libgit2_reason()));
    oid_text(git_object_id(object), hex);
    int rc = git_object_peel((git_object **)&git->top, object, GIT_OBJECT_TREE);
    git_object_free(object);
    if (rc == 0)
        return 0;
    return sp_error_set(err, SP_ERROR_REFUSED,
                        "%s: git object %s, which '%s' names, leads to no tree: %s", repo, hex,
                        sp_escape(pool, rev), sp_escape(pool, sp_libgit2_reason()));
}

static const struct sp_tree_ops git_ops = {git_list, git_stat, git_read, NULL, git_close, blob_at};

int sp_tree_open_git(struct sp_pool *pool, const char *repo, const char *rev, struct sp_tree **out,
                     struct sp_error *err)
{
    struct git_backend *git = sp_pool_alloc(pool, sizeof(*git));
    git->base.ops = &git_ops;
    git->base.name = sp_pool_printf(pool, "%s@%s", repo, rev);
    sp_pool_defer(pool, close_deferred, git);

    if (sp_repository_open(pool, repo, &git->from, err) < 0)
        return -1;
    if (find_top(git, pool, repo, rev, err) < 0)
        return -1;
    *out = &git->base;
    return 0;
}
