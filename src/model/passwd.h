/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts of a tree: passwd(5). */
#ifndef SP_PASSWD_H
#define SP_PASSWD_H

#include "base/pool.h"

/* The home directory of an account by the text of /etc/passwd (may be NULL), relative to the root; NULL:
 * it has none, or "/". */
const char *sp_passwd_home(struct sp_pool *pool, const char *passwd, const char *account);

#endif
