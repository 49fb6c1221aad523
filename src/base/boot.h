/* SPDX-License-Identifier: Apache-2.0 */
/* The start of the machine, by which moments can be compared also when the clock was set between them. */
#ifndef SP_BOOT_H
#define SP_BOOT_H

#include <time.h>

#include "base/common.h"

#define SP_BOOT_ID_LEN 36

struct sp_boot {
    char id[SP_BOOT_ID_LEN + 1]; /* random(4), /proc/sys/kernel/random/boot_id; "": not known */
    struct timespec started;     /* when the machine was started, by the clock as it is set now */
};

/* Of the running kernel. */
void sp_boot_now(struct sp_boot *out);

/* a - b. */
struct timespec sp_time_minus(struct timespec a, struct timespec b);
/* a + b. */
struct timespec sp_time_plus(struct timespec a, struct timespec b);
/* Whether a is after b. */
bool sp_time_is_later(struct timespec a, struct timespec b);

#endif
