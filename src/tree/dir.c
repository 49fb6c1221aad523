/* SPDX-License-Identifier: Apache-2.0 */
/* A directory, or the running system, as a tree. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "fs/read.h"
#include "fs/resolve.h"
#include "fs/root.h"
#include "tree/tree.h"

struct dir_backend {
    struct sp_tree base;
    const struct sp_root *root;
};

static const struct sp_root *root_of(const struct sp_tree *tree)
{
    return ((const struct dir_backend *)tree)->root;
}

static enum sp_entry_kind kind_of_mode(mode_t mode)
{
    return S_ISREG(mode)   ? SP_ENTRY_FILE
           : S_ISDIR(mode) ? SP_ENTRY_DIRECTORY
           : S_ISLNK(mode) ? SP_ENTRY_LINK
                           : SP_ENTRY_OTHER;
}

/* Opens a directory. One that has vanished since it was looked at is not there: SP_ABSENT. */
static enum sp_found open_found(const struct sp_root *root, struct sp_pool *pool, const char *real,
                                struct sp_dir *out, struct sp_error *err)
{
    struct sp_error own = SP_ERROR_INIT;
    if (sp_fs_open_dir(root, pool, real, out, &own) == 0)
        return SP_FOUND;
    return sp_error_forgive_gone(&own, err) ? SP_ABSENT : SP_FAILED;
}

/* Whether path itself is a link (so that it has no target, since it did not resolve). */
static int is_link(const struct sp_root *root, struct sp_pool *pool, const char *path, bool *link,
                   struct sp_error *err)
{
    const char *real, *name = sp_path_basename(path);
    struct sp_error loop = SP_ERROR_INIT;
    struct stat st;

    *link = false;
    if (sp_fs_resolve(root, pool, sp_path_dirname(pool, path), &real, &st, &loop) < 0) {
        sp_error_clear(&loop); /* there is no way to path, which is all that was asked */
        return 0;
    }
    if (!real || !S_ISDIR(st.st_mode) || !*name)
        return 0;
    struct sp_dir dir;
    enum sp_found opened = open_found(root, pool, real, &dir, err);
    if (opened != SP_FOUND)
        return opened == SP_ABSENT ? 0 : -1;
    *link = fstatat(dir.fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
    sp_dir_close(&dir);
    return 0;
}

struct found {
    enum sp_entry_kind kind;
    const char *real; /* NULL: the path leads nowhere */
    struct stat st;   /* of real */
};

/* As sp_fs_resolve(), but links that lead nowhere are an answer. */
static int resolve(const struct sp_root *root, struct sp_pool *pool, const char *path,
                   struct found *out, struct sp_error *err)
{
    struct sp_error own = SP_ERROR_INIT;
    bool link;

    if (sp_fs_resolve(root, pool, path, &out->real, &out->st, &own) < 0) {
        if (own.kind != SP_ERROR_REFUSED) {
            *err = own;
            return -1;
        }
        sp_error_clear(&own); /* a circle */
        out->real = NULL;
    }
    if (out->real) {
        out->kind = kind_of_mode(out->st.st_mode);
        return 0;
    }
    if (is_link(root, pool, path, &link, err) < 0)
        return -1;
    out->kind = link ? SP_ENTRY_OTHER : SP_ENTRY_ABSENT;
    return 0;
}

static int entry_kind(DIR *dir, const struct dirent *entry, enum sp_entry_kind *kind)
{
    switch (entry->d_type) {
    case DT_REG:
        *kind = SP_ENTRY_FILE;
        return 0;
    case DT_DIR:
        *kind = SP_ENTRY_DIRECTORY;
        return 0;
    case DT_LNK:
        *kind = SP_ENTRY_LINK;
        return 0;
    case DT_UNKNOWN: { /* some file systems do not tell: readdir(3) */
        struct stat st;
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return -1;
        *kind = kind_of_mode(st.st_mode);
        return 0;
    }
    default:
        *kind = SP_ENTRY_OTHER;
        return 0;
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct sp_entry *)a)->name, ((const struct sp_entry *)b)->name);
}

static int list_open(DIR *dir, struct sp_pool *pool, const char *shown, sp_entries *out,
                     struct sp_error *err)
{
    size_t first = out->count;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry && errno)
            return sp_error_errno(err, errno, "cannot list '%s'", shown);
        if (!entry)
            break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        enum sp_entry_kind kind;
        if (entry_kind(dir, entry, &kind) < 0) {
            if (errno == ENOENT) /* removed meanwhile */
                continue;
            return sp_error_errno(err, errno, "cannot look at the entries of '%s'", shown);
        }
        if (out->count - first == SP_MAX_ENTRIES)
            return sp_error_set(err, SP_ERROR_REFUSED, "%s has more than %zu entries", shown,
                                SP_MAX_ENTRIES);
        *SP_PUSH(pool, out) = (struct sp_entry){sp_pool_strdup(pool, entry->d_name), kind};
    }
    if (out->count > first)
        qsort(out->items + first, out->count - first, sizeof(*out->items), by_name);
    return 0;
}

static int dir_list(struct sp_tree *tree, struct sp_pool *pool, const char *path, sp_entries *out,
                    struct sp_error *err)
{
    const struct sp_root *root = root_of(tree);
    struct found found;

    if (resolve(root, pool, path, &found, err) < 0)
        return -1;
    if (found.kind != SP_ENTRY_DIRECTORY)
        return 0;
    struct sp_dir open;
    enum sp_found opened = open_found(root, pool, found.real, &open, err);
    if (opened != SP_FOUND)
        return opened == SP_ABSENT ? 0 : -1;
    DIR *dir = fdopendir(open.fd);
    if (!dir) {
        int saved = errno;
        sp_dir_close(&open);
        return sp_error_errno(err, saved, "cannot list '%s'", sp_root_show(root, pool, found.real));
    }
    int rc = list_open(dir, pool, sp_root_show(root, pool, found.real), out, err);
    closedir(dir);
    return rc;
}

static int dir_stat(struct sp_tree *tree, struct sp_pool *pool, const char *path,
                    enum sp_entry_kind *kind, const char **id, struct sp_error *err)
{
    struct found found;
    if (resolve(root_of(tree), pool, path, &found, err) < 0)
        return -1;
    *kind = found.kind;
    if (id)
        *id = found.real ? sp_pool_printf(pool, "%llu:%llu", (unsigned long long)found.st.st_dev,
                                          (unsigned long long)found.st.st_ino)
                         : NULL;
    return 0;
}

static int dir_read(struct sp_tree *tree, struct sp_pool *pool, const char *path, size_t limit,
                    struct sp_excerpt *out, struct sp_error *err)
{
    const struct sp_root *root = root_of(tree);
    struct found found;

    if (resolve(root, pool, path, &found, err) < 0)
        return -1;
    if (found.kind == SP_ENTRY_ABSENT)
        return sp_error_errno(err, ENOENT, "cannot read '%s'", sp_root_show(root, pool, path));
    if (found.kind != SP_ENTRY_FILE)
        return sp_error_set(err, SP_ERROR_REFUSED, "%s is not a regular file",
                            sp_root_show(root, pool, path));
    struct sp_content content;
    if (sp_fs_read(root, pool, found.real, limit, &content, err) < 0)
        return -1;
    *out = (struct sp_excerpt){content.bytes, content.complete};
    return 0;
}

static int dir_real(struct sp_tree *tree, struct sp_pool *pool, const char *path, const char **real,
                    struct sp_error *err)
{
    struct found found, dir;
    if (resolve(root_of(tree), pool, path, &found, err) < 0)
        return -1;
    *real = found.real;
    if (!found.real && found.kind == SP_ENTRY_ABSENT) {
        if (resolve(root_of(tree), pool, sp_path_dirname(pool, path), &dir, err) < 0)
            return -1;
        if (dir.kind == SP_ENTRY_DIRECTORY)
            *real = sp_path_join(pool, dir.real, sp_path_basename(path));
    }
    if (*real)
        *real += strspn(*real, "/");
    return 0;
}

static void dir_close(SP_UNUSED struct sp_tree *tree)
{
}

static const struct sp_tree_ops dir_ops = {dir_list, dir_stat, dir_read, dir_real, dir_close, NULL};

int sp_tree_open_root(struct sp_pool *pool, const struct sp_root *root, const char *name,
                      struct sp_tree **out, SP_UNUSED struct sp_error *err)
{
    struct dir_backend *tree = sp_pool_alloc(pool, sizeof(*tree));
    tree->base.ops = &dir_ops;
    tree->base.name = sp_pool_strdup(pool, name);
    tree->root = root;
    *out = &tree->base;
    return 0;
}
