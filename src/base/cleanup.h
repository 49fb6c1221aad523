/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors, buffers, errors and pools that are released where their variable ends, on every way
 * out. All of them leave errno alone. */
#ifndef SP_CLEANUP_H
#define SP_CLEANUP_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/pool.h"

#define SP_CLEANUP(fn) __attribute__((cleanup(fn)))

/* close() if it is open; the variable is -1 afterwards. */
static inline void sp_close(int *fd)
{
    int saved = errno;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}

/* Hands the descriptor over: the variable's end does not close it any more. */
static inline int sp_steal_fd(int *fd)
{
    int stolen = *fd;
    *fd = -1;
    return stolen;
}

static inline void sp_cleanup_pool(struct sp_pool **pool)
{
    int saved = errno;
    if (*pool)
        sp_pool_free(*pool);
    errno = saved;
}

static inline void sp_cleanup_free(char **text)
{
    int saved = errno;
    free(*text);
    errno = saved;
}

#define SP_CLEANUP_FD     SP_CLEANUP(sp_close)
#define SP_CLEANUP_FREE   SP_CLEANUP(sp_cleanup_free)
#define SP_CLEANUP_BUFFER SP_CLEANUP(sp_buffer_free)
#define SP_CLEANUP_ERROR  SP_CLEANUP(sp_error_clear)
#define SP_CLEANUP_POOL   SP_CLEANUP(sp_cleanup_pool)

#endif
