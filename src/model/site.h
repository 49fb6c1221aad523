/* SPDX-License-Identifier: Apache-2.0 */
/* Directories on the search path of a Python interpreter, and what their .pth files add to it. */
#ifndef SP_SITE_H
#define SP_SITE_H

#include "base/error.h"
#include "base/pool.h"
#include "tree/tree.h"

struct sp_site;
typedef SP_VEC(struct sp_site *) sp_sites;

struct sp_site {
    const char *path;   /* in the tree, without links, "." and ".."; "" is its top */
    const char *id;     /* the same for the same directory (struct sp_tree_ops) */
    const char *origin; /* how it was found: "--path", "PYTHONPATH", "the usual places", ... */
    bool named;         /* by --path */
    bool zipped;        /* not a directory but a zipped egg; it has no entries */
    sp_entries entries; /* its names, sorted */

    /* The directories that its .pth and .egg-link files name, once they are read. Those of `front`
     * go before everything that is on the path by then. */
    bool is_read;
    sp_sites front, links;
};

/* Every directory that was looked at, each once. Zero-filled but for the first two. */
struct sp_site_table {
    struct sp_pool *pool;
    struct sp_tree *tree;
    sp_sites all;
    size_t named; /* by .pth and .egg-link files */
};

/* A search path, as sys.path is. */
struct sp_search {
    sp_sites sites;
    size_t front; /* so many eggs were put before everything else */
};

/* The site at path, which need not be normalised. *out is NULL when there is neither a directory nor
 * a zipped egg. */
int sp_site_open(struct sp_site_table *table, const char *path, const char *origin,
                 struct sp_site **out, struct sp_error *err) SP_MUST_CHECK;

/* Adds the site at path to a search path, unless it is there already or nowhere. */
int sp_site_append(struct sp_site_table *table, const char *path, const char *origin,
                   struct sp_search *search, struct sp_error *err) SP_MUST_CHECK;

/* The same with the directories that its .pth files name, in the order of Python's
 * site.addsitedir(): the directory, then theirs, file by file in the order of their names.
 * Lines that are code are not run, but those by which easy_install moves its eggs to the front are
 * recognised (setuptools, command/easy_install.py, PthDistributions: "__egginsert"). Then the
 * directories that .egg-link files name (setuptools, "Development mode"), which pkg_resources looks
 * at. Directories that those name in turn do not count. */
int sp_site_append_all(struct sp_site_table *table, const char *path, const char *origin,
                       struct sp_search *search, struct sp_error *err) SP_MUST_CHECK;

bool sp_sites_have(const sp_sites *sites, const struct sp_site *site);

#endif
