/* SPDX-License-Identifier: Apache-2.0 */
/* A directory for harnesses whose input has to be a file: in memory where there is such a file
 * system, made at the first use, removed at exit. */
#ifndef SP_FUZZ_PLACE_H
#define SP_FUZZ_PLACE_H

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

static char place_path[128];
static int place_fd = -1;
static const char *const *place_names; /* the files that may be in it; NULL ends them */

/* A name may be in a directory, which goes with it. */
static inline void place_remove(void)
{
    for (size_t i = 0; place_names[i]; i++) {
        const char *slash = strchr(place_names[i], '/');
        char directory[64] = "";
        unlinkat(place_fd, place_names[i], 0);
        if (slash && (size_t)(slash - place_names[i]) < sizeof(directory)) {
            memcpy(directory, place_names[i], (size_t)(slash - place_names[i]));
            unlinkat(place_fd, directory, AT_REMOVEDIR); /* once it is empty */
        }
    }
    rmdir(place_path);
}

static inline int place_open(const char *const *names)
{
    if (place_fd >= 0)
        return place_fd;
    const char *base = getenv("TMPDIR");
    if (!base || !*base)
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(place_path, sizeof(place_path), "%s/sp-fuzz-XXXXXX", base);
    CHECK(mkdtemp(place_path));
    place_fd = open(place_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(place_fd >= 0);
    place_names = names;
    atexit(place_remove);
    return place_fd;
}

/* The file has this and nothing else. */
static inline void place_put(const char *name, const void *data, size_t size)
{
    int fd = openat(place_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    CHECK(write(fd, data, size) == (ssize_t)size);
    close(fd);
}

#endif
