/* SPDX-License-Identifier: Apache-2.0 */
/* Which release and version a copy of a component is of: by the metadata that the packaging left, else by
 * contents that are known, else by probes; for detect.c. */
#ifndef SP_RECOGNISE_H
#define SP_RECOGNISE_H

#include "base/error.h"
#include "base/pool.h"
#include "model/contents.h"
#include "model/detect.h"
#include "model/manifest.h"
#include "model/version.h"

struct sp_recogniser {
    struct sp_pool *pool;
    struct sp_tree *tree;
    const struct sp_manifests *manifests;
    struct sp_contents *contents;
    struct sp_error *err;
};

/* Fills in version, evidence, because and spec of a copy of which name, site and dir are known. */
int sp_recognise(struct sp_recogniser *c, struct sp_detection *found) SP_MUST_CHECK;

/* The layout of the package in this spec; *out is NULL if none fits. Reads the second document of the
 * manifest. */
int sp_recognise_layout(struct sp_recogniser *c, const char *dir, const struct sp_component *spec,
                        const struct sp_layout **out) SP_MUST_CHECK;

/* The component in the release that has the version; NULL if none has. */
const struct sp_component *sp_recognise_version(struct sp_recogniser *c, const char *component,
                                                const struct sp_version *version);

#endif
