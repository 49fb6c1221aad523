/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata that Python's packaging installs with a package: NAME-VERSION.dist-info/METADATA
 * (PEP 376, "Core metadata"), NAME-VERSION[-pyX.Y].egg-info or NAME.egg-info (a directory with
 * PKG-INFO, or one file), EGG-INFO/PKG-INFO of an egg, and the PKG-INFO at the top of a source
 * distribution. */
#ifndef SP_METADATA_H
#define SP_METADATA_H

#include "base/error.h"
#include "base/pool.h"
#include "model/site.h"
#include "model/version.h"
#include "tree/tree.h"

struct sp_metadata {
    const char *file;                 /* in the tree */
    const char *text;                 /* the version as it is written */
    const struct sp_version *version; /* never NULL */
};
typedef SP_VEC(struct sp_metadata) sp_metadatas;

/* The metadata in the site of the distribution, names compared by PEP 503. Files that cannot be
 * read, have no Name or Version, or a Version that is none by PEP 440, are passed over. */
int sp_metadata_find(struct sp_pool *pool, struct sp_tree *tree, const struct sp_site *site,
                     const char *distribution, sp_metadatas *out,
                     struct sp_error *err) SP_MUST_CHECK;

/* Whether the headers in text (RFC 822 style, up to the first empty line) are of the distribution;
 * *version is then the text of its Version header. */
bool sp_metadata_parse(struct sp_pool *pool, struct sp_bytes text, const char *distribution,
                       const char **version);

#endif
