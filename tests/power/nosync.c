/* SPDX-License-Identifier: Apache-2.0 */
/* For LD_PRELOAD: calls that bring files to disk do nothing. With it the test of power loss must
 * find losses; a test that finds none could not fail. */
#include <fcntl.h>
#include <unistd.h>

int fsync(int fd)
{
    (void)fd;
    return 0;
}

int fdatasync(int fd)
{
    (void)fd;
    return 0;
}

int syncfs(int fd)
{
    (void)fd;
    return 0;
}

int sync_file_range(int fd, off64_t offset, off64_t count, unsigned flags)
{
    (void)fd;
    (void)offset;
    (void)count;
    (void)flags;
    return 0;
}
