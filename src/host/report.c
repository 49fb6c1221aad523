/* SPDX-License-Identifier: Apache-2.0 */
#include "host/report.h"

#include <stdarg.h>

void sp_host_say(struct sp_pool *pool, struct sp_host_report *report, bool warning, const char *fmt,
                 ...)
{
    va_list args;
    va_start(args, fmt);
    const char *text = sp_pool_vprintf(pool, fmt, args);
    va_end(args);
    *SP_PUSH(pool, &report->lines) = (struct sp_host_line){warning, text, NULL};
}

void sp_host_found(struct sp_pool *pool, struct sp_host_report *report, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    SP_LAST(&report->lines)->found = sp_pool_vprintf(pool, fmt, args);
    va_end(args);
}
