/* SPDX-License-Identifier: Apache-2.0 */
/* Where objects are read from: what libgit2 calls backends of its object database. */
#ifndef SP_ODB_BACKENDS_H
#define SP_ODB_BACKENDS_H

#include <git2/odb_backend.h>
#include <git2/sys/odb_backend.h>

#include "tree/odb.h"

#if SP_LIBGIT2_AT_LEAST(1, 8, 0)
#include <git2/sys/errors.h> /* git_error_set_str() */
#endif

#if SP_LIBGIT2_AT_LEAST(1, 0, 0)
#define sp_odb_alloc git_odb_backend_data_alloc
#else
#define sp_odb_alloc git_odb_backend_malloc
#endif

/* Adds the loose objects of an "objects" directory; what libgit2 returned. */
int sp_odb_add_loose(git_odb *odb, const char *objects) SP_MUST_CHECK;

/* Adds its packs. SP_ERROR_REFUSED when one is damaged. */
int sp_odb_add_packs(git_odb *odb, const char *objects, struct sp_error *err) SP_MUST_CHECK;

#endif
