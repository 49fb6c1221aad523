/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the archive backend: one pass over the file fills an index of nodes, and the index
 * answers what is asked afterwards. archive_stream.c finds the entries, archive_entry.c reads each,
 * archive_index.c makes the index, archive.c is the tree. */
#ifndef SP_ARCHIVE_H
#define SP_ARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

#include "base/common.h"
#include "tree/tree.h"

struct sp_archive_node {
    const char *path; /* the first len bytes of it; an implied directory shares its child's */
    size_t len;
    size_t order; /* of appearance; a later entry replaces an earlier one of the same path */
    size_t end;   /* the index after the last node below this one */
    enum sp_entry_kind kind;
    const char *target;   /* of a link */
    const char *hard;     /* the path that this is another name of */
    struct sp_bytes kept; /* data is NULL when the content was not kept */
    bool kept_whole, has_data;
};
typedef SP_VEC(struct sp_archive_node) sp_archive_nodes;

struct sp_archive {
    struct sp_tree base;
    sp_archive_nodes
        nodes; /* sorted by compare_paths(): a directory comes before all that is in it */
    bool is_package;
};

/* The state of the one pass. */
struct sp_archive_pass {
    struct sp_archive *tree;
    struct sp_pool *pool;
    const sp_strv *wanted;
    struct sp_error *err;
    struct archive *handles[4]; /* the first one reads the file */
    unsigned depth;
    uint64_t file_size, unpacked;
    size_t names, kept;
};

/* ---- archive_entry.c: what one entry is ------------------------------------------------------ */

/* SP_ERROR_REFUSED with the name of the archive before the message. Returns -1. */
int sp_archive_cannot(struct sp_archive_pass *r, const char *fmt, ...) SP_PRINTF(2, 3);
/* The same with libarchive's reason. Does not return when memory was short: sp_out_of_memory(). */
int sp_archive_broken(struct sp_archive_pass *r, struct archive *handle);
int sp_archive_bad_name(struct sp_archive_pass *r, const char *name, const char *what);
/* Counts bytes that were unpacked; an error when it is too much. */
int sp_archive_count(struct sp_archive_pass *r, uint64_t bytes) SP_MUST_CHECK;
/* Makes a node of the handle's current entry. `counted`: its bytes were counted where they were
 * decompressed. */
int sp_archive_read_entry(struct sp_archive_pass *r, struct archive *handle,
                          struct archive_entry *entry, bool counted) SP_MUST_CHECK;
/* All entries from the next one on. */
int sp_archive_read_entries(struct sp_archive_pass *r, struct archive *handle,
                            bool counted) SP_MUST_CHECK;

/* ---- archive_stream.c: from the file to its entries ------------------------------------------ */

/* Reads the whole file; the caller frees the handles of the pass. */
int sp_archive_read_file(struct sp_archive_pass *r, int fd) SP_MUST_CHECK;

/* ---- archive_index.c: the nodes, sorted ------------------------------------------------------ */

/* Sorts the nodes, lets the later one of two with the same path win, and adds the directories
 * that only the names below them imply. */
int sp_archive_build_index(struct sp_archive_pass *r) SP_MUST_CHECK;
/* In a cpio archive the content of a file with several names comes with the last one of them;
 * gives it to the name that the others point to. */
void sp_archive_share_contents(struct sp_archive *tree);
struct sp_archive_node *sp_archive_find(const struct sp_archive *tree, const char *path,
                                        size_t len);
/* The node that a chain of hard links ends at; NULL when it ends nowhere. */
const struct sp_archive_node *sp_archive_follow(const struct sp_archive *tree,
                                                const struct sp_archive_node *node);

#endif
