/* SPDX-License-Identifier: Apache-2.0 */
/* The object database of a git repository that may be damaged or hostile.
 *
 * libgit2's own readers are not used. Up to 1.9 at least, that of loose objects loops forever on a
 * truncated one (libgit2 issue 7342), and writes behind its buffer when one is longer than its
 * header says (issue 7177); that of packs: see pack.h. What it makes of the objects, and whether
 * they have the name that they are asked for by, it sees to itself. */
#ifndef SP_ODB_H
#define SP_ODB_H

#include <git2.h>

#include "base/error.h"

/* libgit2 0.28 renamed these */
#if LIBGIT2_VER_MAJOR == 0 && LIBGIT2_VER_MINOR < 28
#define git_error_last    giterr_last
#define git_error_set_str giterr_set_str
#define GIT_ERROR_ODB     GITERR_ODB
#define GIT_ERROR_ZLIB    GITERR_ZLIB
#define GIT_OBJECT_COMMIT GIT_OBJ_COMMIT
#define GIT_OBJECT_TREE   GIT_OBJ_TREE
#define GIT_OBJECT_BLOB   GIT_OBJ_BLOB
#define GIT_OBJECT_TAG    GIT_OBJ_TAG
typedef git_otype git_object_t;
#endif

#define SP_LIBGIT2_AT_LEAST(a, b, c)                                                               \
    (LIBGIT2_VER_MAJOR * 10000 + LIBGIT2_VER_MINOR * 100 + LIBGIT2_VER_REVISION >=                 \
     (a)*10000 + (b)*100 + (c))

/* An object is unpacked as a whole, and its header says what it will take: one of more bytes is
 * refused. SP_MAX_ENTRIES names of ordinary length, and eight times the largest source that is
 * accepted, fit. */
#define SP_ODB_MAX_OBJECT ((size_t)64 << 20)

/* Why the latest call of libgit2 failed. */
const char *sp_odb_reason(void);

/* Opens the objects in a repository's "objects" directory, loose and packed, and in its alternates
 * (gitrepository-layout(5)), for reading. The caller frees *out with git_odb_free(). */
int sp_odb_open(const char *objects, git_odb **out, struct sp_error *err) SP_MUST_CHECK;

#endif
