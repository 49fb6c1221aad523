/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the parts of a manifest: what the files manifest*.c share.
 *
 * All take the node of a value and what it is, for messages: "'pattern'". They return 0, or -1 with
 * r->err set to SP_ERROR_REFUSED and the place in the manifest. */
#ifndef SP_MANIFEST_READER_H
#define SP_MANIFEST_READER_H

#include "base/error.h"
#include "base/pool.h"
#include "format/yaml.h"
#include "model/manifest.h"

struct sp_manifest_reader {
    struct sp_pool *pool; /* of all that is read */
    struct sp_yaml doc;
    struct sp_error *err;
};

/* A scalar that is not empty. */
int sp_manifest_text(struct sp_manifest_reader *r, struct sp_yaml_node *node, const char *what,
                     const char **out) SP_MUST_CHECK;

/* The value of a key that must be there. */
int sp_manifest_required(struct sp_manifest_reader *r, struct sp_yaml_node *map, const char *key,
                         struct sp_yaml_node **out) SP_MUST_CHECK;

/* A path inside a package or under drivers/: relative, and without "..". */
int sp_manifest_path(struct sp_manifest_reader *r, struct sp_yaml_node *node, const char *what,
                     const char **out) SP_MUST_CHECK;

int sp_manifest_pattern(struct sp_manifest_reader *r, struct sp_yaml_node *node, const char *what,
                        const struct sp_regex **out) SP_MUST_CHECK;

/* The id of a git blob, in 40 hexadecimal digits. */
int sp_manifest_blob(struct sp_manifest_reader *r, struct sp_yaml_node *node,
                     struct sp_blob_id *out) SP_MUST_CHECK;

/* Lists; NULL for a node is an empty one. */
int sp_manifest_strings(struct sp_manifest_reader *r, struct sp_yaml_node *node, const char *what,
                        sp_strv *out) SP_MUST_CHECK;
int sp_manifest_patterns(struct sp_manifest_reader *r, struct sp_yaml_node *node, const char *what,
                         sp_patterns *out) SP_MUST_CHECK;
int sp_manifest_probes(struct sp_manifest_reader *r, struct sp_yaml_node *node, const char *what,
                       sp_probes *out) SP_MUST_CHECK;

/* The layouts of a component: its 'layouts', or the only one that its 'files' are. */
int sp_manifest_layouts(struct sp_manifest_reader *r, struct sp_yaml_node *node,
                        struct sp_component *out) SP_MUST_CHECK;

/* That no probe goes by a line which an edit of the layout needs or makes. */
int sp_manifest_check_probes(struct sp_manifest_reader *r, const sp_probes *probes,
                             const struct sp_layout *layout) SP_MUST_CHECK;

#endif
