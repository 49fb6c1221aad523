/* SPDX-License-Identifier: Apache-2.0 */
/* A tree with its environments, and the copies of components in them. */
#ifndef SP_SCAN_H
#define SP_SCAN_H

#include "base/error.h"
#include "base/pool.h"
#include "model/contents.h"
#include "model/detect.h"
#include "model/environment.h"
#include "model/manifest.h"
#include "tree/tree.h"

struct sp_scan {
    struct sp_tree *tree;
    size_t number;                /* of --tree, from 0 */
    struct sp_contents *contents; /* what was read of the tree */
    struct sp_environments environments;
    struct sp_detections detections;
};
typedef SP_VEC(struct sp_scan *) sp_scans;

/* Finds the environments of the tree, and all components in them; the programs of the query are
 * taken from the manifests. SP_ERROR_REFUSED: a directory of --path has no component in it; the
 * message names one nearby that has. */
int sp_scan_tree(struct sp_pool *pool, struct sp_tree *tree, struct sp_environment_query *query,
                 const struct sp_manifests *manifests, struct sp_scan **out,
                 struct sp_error *err) SP_MUST_CHECK;

/* Finds all components in these directories alone; one that is not there is passed over. */
int sp_scan_dirs(struct sp_pool *pool, struct sp_tree *tree, const sp_strv *dirs,
                 const struct sp_manifests *manifests, struct sp_detections *out,
                 struct sp_error *err) SP_MUST_CHECK;

/* The copy of the component that the environment imports: the first on its search path. NULL: it
 * has none. */
const struct sp_detection *sp_scan_import(const struct sp_scan *scan,
                                          const struct sp_environment *environment,
                                          const char *component);

/* A path in the tree, as it is shown. */
const char *sp_scan_show(struct sp_pool *pool, const struct sp_scan *scan, const char *path);

#endif
