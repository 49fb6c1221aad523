/* SPDX-License-Identifier: Apache-2.0 */
/* The packs of a git repository that may be damaged or hostile: gitformat-pack(5).
 *
 * libgit2's own reader is not used: up to 1.9 at least it follows a circle of deltas forever (so
 * does git itself, 2.39), and takes the offsets in an index on trust. Packs are opened anew for
 * every question: there may be more of them than descriptors, and each answer is checked against
 * the file as it is then. */
#ifndef SP_PACK_H
#define SP_PACK_H

#include "base/error.h"
#include "base/pool.h"

#define SP_OBJECT_ID 20 /* bytes of SHA-1 */

struct sp_packs {
    struct sp_pool *pool;
    const char *directory;
    sp_strv names; /* without their endings */
};

struct sp_object {
    int type; /* 1 commit, 2 tree, 3 blob, 4 tag */
    size_t size;
    char *data; /* size bytes and a NUL; the caller frees it */
};

/* Looks at the packs in a repository's "objects" directory, none if it has none. What is in *out
 * lives as long as the pool. SP_ERROR_REFUSED when an index is damaged, or does not belong to its
 * pack. */
int sp_packs_open(struct sp_pool *pool, const char *objects, struct sp_packs *out,
                  struct sp_error *err) SP_MUST_CHECK;

/* Of these three, 1 means that no pack has the object. SP_ERROR_REFUSED when it can't be read: it is
 * damaged, it or what it is made from has more than limit bytes, or making it takes too long. */
int sp_packs_read(const struct sp_packs *packs, const unsigned char id[SP_OBJECT_ID], size_t limit,
                  struct sp_object *out, struct sp_error *err) SP_MUST_CHECK;
/* Only the type and the size; data is NULL. */
int sp_packs_read_header(const struct sp_packs *packs, const unsigned char id[SP_OBJECT_ID],
                         struct sp_object *out, struct sp_error *err) SP_MUST_CHECK;
/* The object whose id begins with the first digits (hexadecimal) of prefix; *several when there is
 * more than one. */
int sp_packs_find(const struct sp_packs *packs, const unsigned char prefix[SP_OBJECT_ID],
                  size_t digits, unsigned char id[SP_OBJECT_ID], bool *several,
                  struct sp_error *err) SP_MUST_CHECK;

#endif
