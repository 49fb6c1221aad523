/* SPDX-License-Identifier: Apache-2.0 */
#include "base/boot.h"

#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"

static struct timespec normalize(time_t sec, long nsec)
{
    if (nsec < 0)
        return (struct timespec){sec - 1, nsec + 1000000000};
    return nsec < 1000000000 ? (struct timespec){sec, nsec}
                             : (struct timespec){sec + 1, nsec - 1000000000};
}

struct timespec sp_time_minus(struct timespec a, struct timespec b)
{
    return normalize(a.tv_sec - b.tv_sec, a.tv_nsec - b.tv_nsec);
}

struct timespec sp_time_plus(struct timespec a, struct timespec b)
{
    return normalize(a.tv_sec + b.tv_sec, a.tv_nsec + b.tv_nsec);
}

bool sp_time_is_later(struct timespec a, struct timespec b)
{
    return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

void sp_boot_now(struct sp_boot *out)
{
    SP_CLEANUP_FD int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    struct timespec now, since;
    memset(out, 0, sizeof(*out));
    if (fd < 0 || read(fd, out->id, SP_BOOT_ID_LEN) != SP_BOOT_ID_LEN ||
        strspn(out->id, "0123456789abcdef-") != SP_BOOT_ID_LEN)
        memset(out->id, 0, sizeof(out->id));
    clock_gettime(CLOCK_REALTIME, &now);
    clock_gettime(CLOCK_BOOTTIME, &since);
    out->started = sp_time_minus(now, since);
}
