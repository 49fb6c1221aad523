/* SPDX-License-Identifier: Apache-2.0 */
/* libgit2, set up so that its answers do not depend on who asks; and one set of names for it, which
 * has changed some on the way from 0.26 to 1.x. */
#ifndef SP_LIBGIT2_H
#define SP_LIBGIT2_H

#include <git2.h>

#include "base/error.h"

#define SP_LIBGIT2_AT_LEAST(a, b, c)                                                               \
    (LIBGIT2_VER_MAJOR * 10000 + LIBGIT2_VER_MINOR * 100 + LIBGIT2_VER_REVISION >=                 \
     (a)*10000 + (b)*100 + (c))

#if !SP_LIBGIT2_AT_LEAST(0, 27, 0)
#define GIT_DIFF_INDENT_HEURISTIC 0
#endif
#if !SP_LIBGIT2_AT_LEAST(0, 28, 0)
#define git_error_last     giterr_last
#define GIT_ERROR_NOMEMORY GITERR_NOMEMORY
#define GIT_OBJECT_TREE    GIT_OBJ_TREE
#define GIT_OBJECT_BLOB    GIT_OBJ_BLOB
typedef git_otype git_object_t;
#endif
#if !SP_LIBGIT2_AT_LEAST(0, 99, 0)
#define git_diff_options_init git_diff_init_options
#endif

/* Sets the library up on first use, and shuts it down at exit. From then on it reads no
 * configuration of the account or the system, takes repositories whoever owns them, and maps little
 * of a pack at a time. */
int sp_libgit2_init(struct sp_error *err) SP_MUST_CHECK;

/* Why the latest call of the library failed. Does not return when memory was short: then
 * sp_out_of_memory() says it. */
const char *sp_libgit2_reason(void);

#endif
