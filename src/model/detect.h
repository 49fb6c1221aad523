/* SPDX-License-Identifier: Apache-2.0 */
/* Which components are where, of which version and release, and by which evidence. */
#ifndef SP_DETECT_H
#define SP_DETECT_H

#include "base/error.h"
#include "base/pool.h"
#include "model/manifest.h"
#include "model/site.h"
#include "tree/tree.h"

enum sp_evidence {
    SP_EVIDENCE_METADATA,  /* the version that the packaging left */
    SP_EVIDENCE_CHECKSUMS, /* the blob ids of known contents */
    SP_EVIDENCE_PROBES,    /* the manifest's probes */
    SP_EVIDENCE_NONE
};

struct sp_detection {
    const char *name; /* of the component */
    const struct sp_site *site;
    const char *dir; /* the package directory, in the tree */
    const char *id;  /* the same for the same directory */
    const char
        *version; /* NULL when unknown; "8.1.0 or 8.1.1" when contents do not tell them apart */
    enum sp_evidence evidence;
    const char *because;             /* the evidence in words */
    const struct sp_component *spec; /* NULL: of no release that is described */
    const struct sp_layout *layout;  /* NULL: spec is not supported, or no layout fits */
};
typedef SP_VEC(struct sp_detection) sp_detections;

/* Adds every place where the component is in the sites, in their order. A component found in
 * a site of --path is not looked for in others. */
int sp_detect(struct sp_pool *pool, struct sp_tree *tree, const sp_sites *sites,
              const struct sp_manifests *manifests, const char *component, sp_detections *out,
              struct sp_error *err) SP_MUST_CHECK;

#endif
