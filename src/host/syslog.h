/* SPDX-License-Identifier: Apache-2.0 */
/* One line in the log of the host, of a command that nobody watches: a package manager runs it. */
#ifndef SP_HOST_SYSLOG_H
#define SP_HOST_SYSLOG_H

#include <stdbool.h>

/* Logs the sentence by syslog(3), facility daemon, priority warning or notice, as sp-openstack with the
 * number of the process; control characters are made visible. Where nothing takes logs, nothing
 * happens. */
void sp_host_syslog(bool warning, const char *text);

#endif
