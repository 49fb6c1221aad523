/* SPDX-License-Identifier: Apache-2.0 */
/* Where Python packages are in a tree: found by looking, not by asking an interpreter. */
#ifndef SP_SITE_H
#define SP_SITE_H

#include "base/error.h"
#include "base/pool.h"
#include "tree/tree.h"

struct sp_site {
    const char *path;   /* in the tree, "" is its top */
    const char *id;     /* the same for the same directory (struct sp_tree_ops) */
    const char *origin; /* what led there: "--path", "PYTHONPATH", "the usual places", ... */
    bool first;         /* named by --path: a component found here is not looked for elsewhere */
    sp_entries entries; /* its names, sorted */
};
typedef SP_VEC(struct sp_site) sp_sites;

struct sp_site_query {
    sp_strv paths;      /* --path, in order; in the tree */
    sp_strv pythonpath; /* PYTHONPATH or what --python said; in the tree */
    const char *pythonpath_origin;
    bool only;        /* the interpreter was asked: nothing else is searched but these */
    sp_strv programs; /* programs whose #! line names an environment */
};

/* Lists the sites in the order in which they are searched, each directory once: the query's own;
 * then, in a tree that is no system, its top and the directories in the top; then the usual places
 * (Debian's and Red Hat's Python directories, the virtual environments of OpenStack-Ansible, Kolla
 * and DevStack), and in a system those that the programs' #! lines name. Lines of .pth files (documentation of Python's site module) and .egg-link files
 * (setuptools, "Development mode") in a site add the sites they name. A directory of query->paths
 * that does not exist is SP_ERROR_REFUSED. */
int sp_sites_find(struct sp_pool *pool, struct sp_tree *tree, const struct sp_site_query *query,
                  sp_sites *out, struct sp_error *err) SP_MUST_CHECK;

#endif
