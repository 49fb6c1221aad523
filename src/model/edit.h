/* SPDX-License-Identifier: Apache-2.0 */
/* The edit engine: puts the insertions that a manifest describes into the text of a file, and takes
 * them out again. Pure: texts in, texts out. */
#ifndef SP_EDIT_H
#define SP_EDIT_H

#include "base/error.h"
#include "base/pool.h"
#include "model/manifest.h"

enum sp_goal {
    SP_GOAL_INSTALL,  /* integrated */
    SP_GOAL_UNINSTALL /* as the release ships it */
};

/* The content of a text before any edit. */
struct sp_edit_count {
    size_t wanted; /* insertions that the manifest describes */
    size_t ours;   /* of those: already there */
    size_t legacy; /* insertions of the older tool that differ from ours */
};

/* Why content cannot be edited as a Python source of a release: it is empty, not UTF-8, has NUL
 * bytes, carriage returns, or no newline at its end. NULL if it can. Static storage. */
const char *sp_edit_unfit(struct sp_bytes content);

/* Applies all edits of the file towards the goal. IN: what the older tool left is taken out, what
 * is missing is put in; what is there already stays where it is. OUT: ours and the older tool's are
 * taken out. *out is in pool, and is content itself when nothing changes. SP_ERROR_REFUSED, naming
 * the edit: content is unfit; the region or the anchor is not there or not unique; an insertion is
 * there more than once; something foreign is next to it. */
int sp_edit_apply(struct sp_pool *pool, const struct sp_manifest_file *file,
                  struct sp_bytes content, enum sp_goal goal, struct sp_bytes *out,
                  struct sp_edit_count *found, struct sp_error *err) SP_MUST_CHECK;

#endif
