/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the facts about the host itself. */
#ifndef SP_HOST_FACTS_READ_H
#define SP_HOST_FACTS_READ_H

#include "base/error.h"
#include "model/host_facts.h"
#include "tree/tree.h"

/* live: the tree is that of the running system, whose processes and name are asked of the kernel. */
int sp_host_facts_read(struct sp_pool *pool, struct sp_tree *tree, bool live,
                       struct sp_host_facts *out, struct sp_error *err) SP_MUST_CHECK;

#endif
