/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a probe goes by lines that edits change. A site that edits such a line too would not be
 * recognised any more, and the operator would not learn which line is in the way. */
#ifndef SP_PROBE_H
#define SP_PROBE_H

#include "base/pool.h"
#include "model/manifest.h"

/* The edit of the layout whose anchor, region or text is a line that the probe asks for; NULL if
 * there is none. Of an anchor, the line is known where it is written without wildcards. */
const struct sp_edit *sp_probe_conflict(struct sp_pool *pool, const struct sp_probe *probe,
                                        const struct sp_layout *layout);

#endif
