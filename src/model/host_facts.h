/* SPDX-License-Identifier: Apache-2.0 */
/* The facts about the host itself: StorPool's configuration and services, accounts. Filled in by
 * host/facts.h. */
#ifndef SP_HOST_FACTS_H
#define SP_HOST_FACTS_H

#include "base/pool.h"
#include "format/storpool_conf.h"
#include "model/storpool_facts.h"

struct sp_host_facts {
    const char *name; /* uname -n, of another root its /etc/hostname; NULL: not known */
    /* /etc/storpool.conf and those of /etc/storpool.conf.d, in the order in which they are read; with
     * faults too. */
    sp_storpool_files storpool;
    bool storpool_denied; /* one of them is there, and this user may not read it */
    struct sp_storpool_facts client;
};

#endif
