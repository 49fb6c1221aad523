/* SPDX-License-Identifier: Apache-2.0 */
#include "host/proc.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
    TEXT_MAX = 1 << 16,
    STRINGS_MAX =
        1 << 17 /* of a command line or an environment: the kernel's limit of one string */
};

ssize_t sp_proc_read(int dir, const char *name, char *out, size_t room)
{
    SP_CLEANUP_FD int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    size_t len = 0;
    ssize_t got = fd < 0 ? -1 : 1;
    while (got > 0 && len < room - 1) { /* the kernel gives a page at a time */
        got = read(fd, out + len, room - 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    out[len] = '\0';
    return got < 0 && len == 0 ? -1 : (ssize_t)len;
}

const char *sp_proc_text(struct sp_pool *pool, const char *path)
{
    SP_CLEANUP_FREE char *text = sp_xmalloc(TEXT_MAX);
    ssize_t len = sp_proc_read(AT_FDCWD, path, text, TEXT_MAX);
    return len < 0 ? NULL : sp_pool_memdup(pool, text, (size_t)len);
}

bool sp_proc_each(int dir, const char *name, void (*fn)(const char *string, void *data), void *data)
{
    char *text = sp_xmalloc(STRINGS_MAX);
    ssize_t len = sp_proc_read(dir, name, text, STRINGS_MAX);
    for (ssize_t at = 0; at < len; at += (ssize_t)strlen(text + at) + 1)
        fn(text + at, data);
    explicit_bzero(text, STRINGS_MAX);
    free(text);
    return len >= 0;
}

struct wanted {
    struct sp_pool *pool;
    const char *begin;
    size_t len;
    sp_strv *out;
};

static void add_wanted(const char *string, void *data)
{
    struct wanted *wanted = data;
    if (strncmp(string, wanted->begin, wanted->len) == 0)
        *SP_PUSH(wanted->pool, wanted->out) = sp_pool_strdup(wanted->pool, string + wanted->len);
}

void sp_proc_strings_at(struct sp_pool *pool, int dir, const char *name, const char *wanted,
                        sp_strv *out)
{
    struct wanted all = {pool, wanted ? wanted : "", wanted ? strlen(wanted) : 0, out};
    sp_proc_each(dir, name, add_wanted, &all);
}

void sp_proc_strings(struct sp_pool *pool, const char *path, const char *wanted, sp_strv *out)
{
    sp_proc_strings_at(pool, AT_FDCWD, path, wanted, out);
}
