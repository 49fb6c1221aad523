/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef SP_FAULT
static long fail_at = -1, count;
static char kind[16];
static int log_fd = -1;

static const struct {
    const char *name;
    int errnum;
} errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},       {"EACCES", EACCES}, {"EROFS", EROFS},
              {"EDQUOT", EDQUOT}, {"EINTR", EINTR},   {"ENOMEM", ENOMEM}, {"EPERM", EPERM},
              {"ENOSYS", ENOSYS}, {"EINVAL", EINVAL}, {"EXDEV", EXDEV}};

void sp_fault_init(void)
{
    const char *spec = getenv("SP_FAULT");
    const char *colon = spec ? strchr(spec, ':') : NULL;
    if (colon) {
        fail_at = strtol(spec, NULL, 10);
        snprintf(kind, sizeof(kind), "%s", colon + 1);
    }
    const char *log = getenv("SP_FAULT_LOG");
    if (log)
        log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

int sp_fault(const char *call, const struct sp_dir *dir, const char *name)
{
    count++;
    if (log_fd >= 0)
        dprintf(log_fd, "%ld %s " SP_AT "\n", count, call, SP_AT_ARGS(dir, name));
    if (count != fail_at)
        return 0;
    if (strcmp(kind, "exit") == 0)
        _exit(99);
    if (strcmp(kind, "stop") == 0)
        raise(SIGSTOP);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (strcmp(kind, errors[i].name) == 0) {
            errno = errors[i].errnum;
            return errno;
        }
    return 0;
}

bool sp_fault_is_short(void)
{
    return count == fail_at && strcmp(kind, "short") == 0;
}
#else
void sp_fault_init(void)
{
}
#endif
