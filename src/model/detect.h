/* SPDX-License-Identifier: Apache-2.0 */
/* Which components are where, of which version and release, and by which evidence. */
#ifndef SP_DETECT_H
#define SP_DETECT_H

#include "base/error.h"
#include "base/pool.h"
#include "model/contents.h"
#include "model/manifest.h"
#include "model/site.h"

enum sp_evidence {
    SP_EVIDENCE_METADATA,  /* the version that the packaging left */
    SP_EVIDENCE_CHECKSUMS, /* the blob ids of known contents */
    SP_EVIDENCE_PROBES,    /* the manifest's probes */
    SP_EVIDENCE_NONE
};

struct sp_detection {
    const char *name; /* of the component */
    const struct sp_site *site;
    const char *dir; /* the package directory, in the tree, without links; or the zipped egg */
    const char *id;  /* the same for the same directory */
    const char
        *version; /* NULL when unknown; "8.1.0 or 8.1.1" when contents do not tell them apart */
    enum sp_evidence evidence;
    const char *because;             /* the evidence in words */
    const char *obstacle;            /* why nothing in it can be changed; NULL: it can */
    const struct sp_component *spec; /* NULL: of no release that is described */
    const struct sp_layout *layout;  /* NULL: spec is not supported, or no layout fits */
};

/* A copy of a component, found in a site. Two sites may lead to one copy, by links. */
struct sp_occurrence {
    const struct sp_site *site;
    const struct sp_detection *detection;
};

struct sp_detections {
    SP_VEC(const struct sp_detection *) items; /* each copy once */
    SP_VEC(struct sp_occurrence) places;
};

struct sp_detecting {
    struct sp_contents *contents; /* with the tree and the pool */
    const sp_sites *sites;
    const struct sp_manifests *manifests;
};

/* Adds every copy of the component in the sites, in their order. */
int sp_detect(const struct sp_detecting *request, const char *component, struct sp_detections *out,
              struct sp_error *err) SP_MUST_CHECK;

/* Whether the path is that of the component's directory, by the name that it has in its site, or with
 * links followed. */
bool sp_detection_is_at(struct sp_pool *pool, const struct sp_detection *found, const char *path);

/* The copy of the component in the site; NULL if there is none. */
const struct sp_detection *sp_detection_in(const struct sp_detections *all,
                                           const struct sp_site *site, const char *component);

#endif
