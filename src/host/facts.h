/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the facts about the host itself. */
#ifndef SP_HOST_FACTS_READ_H
#define SP_HOST_FACTS_READ_H

#include "base/error.h"
#include "host/storpool.h"
#include "model/host_facts.h"

/* A running system is asked for its name; everything else: host/storpool.h. */
int sp_host_facts_read(struct sp_pool *pool, const struct sp_storpool_query *query,
                       struct sp_host_facts *out, struct sp_error *err) SP_MUST_CHECK;

#endif
