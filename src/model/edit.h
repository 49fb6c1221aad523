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

/* The insertions in a text before any edit. */
struct sp_edit_count {
    size_t wanted; /* insertions that the manifest describes */
    size_t ours;   /* of those: already there */
    size_t legacy; /* insertions of the older tool that differ from ours */
};

struct sp_edited {
    struct sp_bytes text;       /* the content itself when nothing changes, else in the pool */
    struct sp_edit_count found; /* in the content */
};

/* Why content cannot be edited as a Python source of a release: it is empty, not UTF-8, has NUL
 * bytes, carriage returns, or no newline at its end. NULL if it can. Static storage. */
const char *sp_edit_unfit(struct sp_bytes content);

/* Applies all edits of the file towards the goal. SP_GOAL_INSTALL: what the older tool left is
 * taken out, what is missing is put in; what is there already stays where it is. SP_GOAL_UNINSTALL:
 * ours and the older tool's are taken out. SP_ERROR_REFUSED, naming the edit: content is unfit; the
 * region or the anchor is not there or not unique; an insertion is there more than once; something
 * foreign is next to it. out->found is filled in even then. */
int sp_edit_apply(struct sp_pool *pool, const struct sp_manifest_file *file,
                  struct sp_bytes content, enum sp_goal goal, struct sp_edited *out,
                  struct sp_error *err) SP_MUST_CHECK;

#endif
