/* SPDX-License-Identifier: Apache-2.0 */
/* Small questions to a tree. Each returns 0, or -1 with the error set. */
#ifndef SP_LOOK_H
#define SP_LOOK_H

#include "base/error.h"
#include "base/pool.h"
#include "tree/tree.h"

struct sp_look {
    struct sp_pool *pool;
    struct sp_tree *tree;
    struct sp_error *err;
};

/* Whether the error is that this user may not look there. */
bool sp_look_is_denied(const struct sp_error *err);

int sp_look_is_directory(const struct sp_look *l, const char *path, bool *is) SP_MUST_CHECK;
int sp_look_is_file(const struct sp_look *l, const char *path, bool *is) SP_MUST_CHECK;

/* The names in a directory; none where there is none. *hidden becomes true where this user may not look. */
int sp_look_list(const struct sp_look *l, const char *dir, sp_entries *out,
                 bool *hidden) SP_MUST_CHECK;

/* Whether a file that was not read may be there for others: this user may not look at it. */
bool sp_look_is_hidden(const struct sp_look *l, const char *path);

/* Up to `limit` bytes of a regular file; data NULL when there is none that can be read. */
int sp_look_read(const struct sp_look *l, const char *path, size_t limit,
                 struct sp_bytes *out) SP_MUST_CHECK;

/* The same of a small text file, ended by a NUL; NULL when there is none that can be read. */
int sp_look_read_small(const struct sp_look *l, const char *path, const char **out) SP_MUST_CHECK;

/* Adds the names in a directory that match the pattern of fnmatch(3) and are, or may lead to,
 * directories. Hidden ones match no wildcard. */
int sp_look_match_names(const struct sp_look *l, const char *dir, const char *pattern,
                        sp_strv *out) SP_MUST_CHECK;

/* The paths that a pattern with wildcards in its components names: opt/stack/venv/ and
 * each name in it. Those without a wildcard in the end need not exist. */
int sp_look_expand(const struct sp_look *l, const char *pattern, sp_strv *out) SP_MUST_CHECK;

#endif
