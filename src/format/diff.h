/* SPDX-License-Identifier: Apache-2.0 */
/* Git's view of contents, by libgit2: blob ids and diffs. */
#ifndef SP_DIFF_H
#define SP_DIFF_H

#include "base/buffer.h"
#include "base/error.h"

#define SP_BLOB_HEX 40 /* characters of a blob id */

struct sp_blob_id {
    char hex[SP_BLOB_HEX + 1]; /* lower case; "" for "no file" */
};

/* The id that `git hash-object` gives the content. */
int sp_blob_hash(struct sp_bytes content, struct sp_blob_id *out,
                 struct sp_error *err) SP_MUST_CHECK;
bool sp_blob_equal(const struct sp_blob_id *a, const struct sp_blob_id *b);
/* Whether hex is 40 lower-case hexadecimal digits. */
bool sp_blob_is_id(const char *hex);

/* Appends the git-style unified diff (3 lines of context, "diff --git a/PATH b/PATH", index line,
 * "new file mode"/"deleted file mode" when before/after is NULL) that `git apply` and `patch -p1`
 * accept. mode is the file's permission bits and decides 100644 or 100755. Appends nothing when
 * the contents are equal, or on failure. */
int sp_blob_diff(const char *path, const struct sp_bytes *before, const struct sp_bytes *after,
                 unsigned mode, struct sp_buffer *out, struct sp_error *err) SP_MUST_CHECK;

#endif
