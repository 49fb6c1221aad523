/* SPDX-License-Identifier: Apache-2.0 */
#include "host/syslog.h"

#include <syslog.h>

#include "base/buffer.h"

void sp_host_syslog(bool warning, const char *text)
{
    struct sp_buffer safe = SP_BUFFER_INIT;
    sp_buffer_puts_visible(&safe, text);
    openlog("sp-openstack", LOG_PID, LOG_DAEMON);
    syslog(warning ? LOG_WARNING : LOG_NOTICE, "%s", sp_buffer_str(&safe));
    closelog();
    sp_buffer_free(&safe);
}
