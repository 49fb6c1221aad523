/* SPDX-License-Identifier: Apache-2.0 */
/* How the operator called the program, for messages that name a command to type: typed as it is
 * printed, it acts on the same system. One for the process, as program_invocation_name(3) is. */
#ifndef SP_INVOCATION_H
#define SP_INVOCATION_H

#include "base/common.h"

/* "sp-openstack", or the text that was set: "sp-openstack -R /mnt/image". */
const char *sp_invocation(void);

/* The string is not copied, and has to live until it is replaced; NULL: the program's name alone. */
void sp_invocation_set(const char *invocation);

#endif
