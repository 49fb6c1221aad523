/* SPDX-License-Identifier: Apache-2.0 */
/* The changes to the host, in sentences for people. */
#ifndef SP_HOST_REPORT_H
#define SP_HOST_REPORT_H

#include "base/pool.h"

struct sp_host_line {
    bool warning;     /* else: something that was changed (or would be, in a dry run) */
    const char *text; /* a sentence */
    /* The same as it was found: "the directory /x does not exist". NULL: it follows from another line. */
    const char *found;
};

struct sp_host_report {
    SP_VEC(struct sp_host_line) lines; /* empty: everything was in place */
};

void sp_host_say(struct sp_pool *pool, struct sp_host_report *report, bool warning, const char *fmt,
                 ...) SP_PRINTF(4, 5);

/* Adds to the last line in which state it was found. */
void sp_host_found(struct sp_pool *pool, struct sp_host_report *report, const char *fmt, ...)
    SP_PRINTF(3, 4);

#endif
