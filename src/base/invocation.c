/* SPDX-License-Identifier: Apache-2.0 */
#include "base/invocation.h"

static const char *current;

const char *sp_invocation(void)
{
    return current ? current : "sp-openstack";
}

void sp_invocation_set(const char *invocation)
{
    current = invocation;
}
