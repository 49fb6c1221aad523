/* SPDX-License-Identifier: Apache-2.0 */
/* Looks accounts and groups up: on the running system in all sources that it has (nsswitch.conf(5)), with
 * another root in that root's own etc/passwd and etc/group. Changes nothing. */
#ifndef SP_LOOKUP_H
#define SP_LOOKUP_H

#include <sys/types.h>

#include "base/error.h"
#include "fs/root.h"

/* A line of group(5) or passwd(5). */
struct sp_identity {
    const char *name;
    unsigned long id;    /* of the group or account */
    gid_t primary;       /* an account's group */
    const char *members; /* a group's: "cinder,nova" */
};
typedef SP_VEC(gid_t) sp_gids;

/* SP_FAILED: SP_ERROR_REFUSED for a damaged line, SP_ERROR_SYSTEM. */
enum sp_found sp_lookup_group(struct sp_pool *pool, const struct sp_root *root, const char *name,
                              struct sp_identity *out, struct sp_error *err) SP_MUST_CHECK;
enum sp_found sp_lookup_account(struct sp_pool *pool, const struct sp_root *root, const char *name,
                                struct sp_identity *out, struct sp_error *err) SP_MUST_CHECK;

/* The group as etc/group has it: a cache of the system may not know yet of one that was created. */
enum sp_found sp_lookup_group_in_file(struct sp_pool *pool, const struct sp_root *root,
                                      const char *name, struct sp_identity *out,
                                      struct sp_error *err) SP_MUST_CHECK;

/* Adds the groups that a process of the account has when it is started, the primary one too. */
int sp_lookup_groups(struct sp_pool *pool, const struct sp_root *root,
                     const struct sp_identity *account, sp_gids *out,
                     struct sp_error *err) SP_MUST_CHECK;

/* The account of that number, of the running system; NULL: there is none, or it cannot be told. */
const struct sp_identity *sp_lookup_uid(struct sp_pool *pool, uid_t uid);

#endif
