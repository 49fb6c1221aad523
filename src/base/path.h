/* SPDX-License-Identifier: Apache-2.0 */
/* Path arithmetic on strings. No system calls. */
#ifndef SP_PATH_H
#define SP_PATH_H

#include "base/common.h"
#include "base/pool.h"

/* Whether path is relative, not empty, and has neither an empty component nor "." or "..", no
 * backslash, and no control character: what a manifest or an archive may name. */
bool sp_path_is_safe_relative(const char *path);

/* "a" + "b" -> "a/b"; an empty side yields the other one; exactly one slash between them. */
char *sp_path_join(struct sp_pool *pool, const char *a, const char *b);

/* The part before the last slash ("" if there is none, "/" for "/x"), and the part after it. */
char *sp_path_dirname(struct sp_pool *pool, const char *path);
const char *sp_path_basename(const char *path);

/* A path from outside without its leading and trailing slashes: relative to the root. */
char *sp_path_trim(struct sp_pool *pool, const char *path);

/* Whether path ends with suffix at a component border: ("a/b/c.py", "b/c.py") does,
 * ("a/bb/c.py", "b/c.py") does not. */
bool sp_path_has_suffix(const char *path, const char *suffix);

/* A file's name without its ending: ("nova-compute.conf", ".conf") is "nova-compute"; NULL when it ends
 * otherwise, or is nothing but the ending. */
const char *sp_path_stem(struct sp_pool *pool, const char *name, const char *ending);

/* Whether str can be put on a terminal and in a journal as it is: UTF-8, no control characters. */
bool sp_path_is_printable(const char *str);

#endif
