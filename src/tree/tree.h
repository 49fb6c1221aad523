/* SPDX-License-Identifier: Apache-2.0 */
/* A read-only tree of files: a directory, a git revision, or an archive. Detection and snapshots
 * read through this and nothing else. Paths are relative to the tree's top, "" is the top itself,
 * separated by single slashes. */
#ifndef SP_TREE_H
#define SP_TREE_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/pool.h"
#include "format/diff.h"

enum sp_entry_kind {
    SP_ENTRY_ABSENT,
    SP_ENTRY_FILE,
    SP_ENTRY_DIRECTORY,
    SP_ENTRY_LINK, /* only from list(): read and stat follow links inside the tree */
    SP_ENTRY_OTHER /* FIFO, device, socket, submodule; a link that loops or has no target */
};

struct sp_entry {
    const char *name;
    enum sp_entry_kind kind;
};
typedef SP_VEC(struct sp_entry) sp_entries;

/* The first bytes of a file. */
struct sp_excerpt {
    struct sp_bytes bytes;
    bool complete; /* whether that is all of it */
};

struct sp_tree;

struct sp_tree_ops {
    /* The names in a directory, sorted by byte value, without "." and "..". An absent directory
     * gives no entries. More than SP_MAX_ENTRIES is an error. */
    int (*list)(struct sp_tree *tree, struct sp_pool *pool, const char *path, sp_entries *out,
                struct sp_error *err);
    /* The kind of file at path, links followed inside the tree. *id (may be NULL) is a string in
     * pool that is the same for two paths exactly when they are the same directory or file. It means
     * nothing, and may be NULL, where nothing is there. */
    int (*stat)(struct sp_tree *tree, struct sp_pool *pool, const char *path,
                enum sp_entry_kind *kind, const char **id, struct sp_error *err);
    /* The first `limit` bytes of a regular file, into pool. A path that is not a regular file is
     * SP_ERROR_REFUSED; where nothing is there any more, sp_error_is_gone() tells so. */
    int (*read)(struct sp_tree *tree, struct sp_pool *pool, const char *path, size_t limit,
                struct sp_excerpt *out, struct sp_error *err);
    /* The path without any link in it: of the file at path, or of where a file at path would be
     * created. NULL in *real when there is no directory for it. An op that is NULL: trees of which
     * nothing is changed. */
    int (*real)(struct sp_tree *tree, struct sp_pool *pool, const char *path, const char **real,
                struct sp_error *err);
    void (*close)(struct sp_tree *tree);
    /* The id of the regular file at path as a git blob, links followed, where the tree knows it
     * without its content; else *out is "". An op that is NULL: it never does. */
    int (*blob)(struct sp_tree *tree, struct sp_pool *pool, const char *path,
                struct sp_blob_id *out, struct sp_error *err);
};

struct sp_tree {
    const struct sp_tree_ops *ops;
    const char *name; /* as the operator named it; for messages */
    bool is_system;   /* the running system or --root: its usual places are searched */
};

/* Opens REPO@REV (a git repository, bare or not, at a revision of gitrevisions(7)), an archive
 * (regular file: tar, zip, wheel, rpm, deb), or a directory, closed with the pool.
 * wanted: the path suffixes that will be read, so that an archive keeps only those in memory
 * (metadata files - METADATA, PKG-INFO, *.egg-info, *.pth, *.egg-link - are always kept). */
int sp_tree_open(struct sp_pool *pool, const char *spec, const sp_strv *wanted,
                 struct sp_tree **out, struct sp_error *err) SP_MUST_CHECK;

/* The trees that a word names: itself; or, of REPO@PATTERN with "*", "?" or "[", REPO@NAME for each
 * tag that matches, else each branch; full names for a pattern that begins with "refs/". In no
 * order that means anything. SP_ERROR_REFUSED: REPO cannot be read, or nothing matches. */
int sp_tree_expand(struct sp_pool *pool, const char *spec, sp_strv *out,
                   struct sp_error *err) SP_MUST_CHECK;

/* Backends; sp_tree_open() chooses among them. */
int sp_tree_open_git(struct sp_pool *pool, const char *repo, const char *rev, struct sp_tree **out,
                     struct sp_error *err) SP_MUST_CHECK;
/* Adds the names of the references that match, without `prefix`, which comes before the pattern. */
int sp_tree_git_references(struct sp_pool *pool, const char *repo, const char *prefix,
                           const char *pattern, sp_strv *out, struct sp_error *err) SP_MUST_CHECK;
/* From here on, the repository that was opened last stays open for the next tree of it, with all
 * that was unpacked: for a process that reads many. Also sets libgit2 up, once for all processes
 * that are forked afterwards. */
int sp_tree_git_keep_open(struct sp_error *err) SP_MUST_CHECK;
int sp_tree_open_archive(struct sp_pool *pool, const char *file, const sp_strv *wanted,
                         struct sp_tree **out, struct sp_error *err) SP_MUST_CHECK;
struct sp_root;
/* The tree below a root (fs/root.h); the root stays the caller's. */
int sp_tree_open_root(struct sp_pool *pool, const struct sp_root *root, const char *name,
                      struct sp_tree **out, struct sp_error *err) SP_MUST_CHECK;

/* Shorthands. */
int sp_tree_list(struct sp_tree *tree, struct sp_pool *pool, const char *path, sp_entries *out,
                 struct sp_error *err) SP_MUST_CHECK;
int sp_tree_kind(struct sp_tree *tree, struct sp_pool *pool, const char *path,
                 enum sp_entry_kind *kind, struct sp_error *err) SP_MUST_CHECK;
int sp_tree_read(struct sp_tree *tree, struct sp_pool *pool, const char *path, size_t limit,
                 struct sp_excerpt *out, struct sp_error *err) SP_MUST_CHECK;
int sp_tree_blob(struct sp_tree *tree, struct sp_pool *pool, const char *path,
                 struct sp_blob_id *out, struct sp_error *err) SP_MUST_CHECK;

#endif
