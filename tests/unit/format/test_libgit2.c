/* SPDX-License-Identifier: Apache-2.0 */
#include "format/libgit2.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"

/* The address sanitizer and valgrind need memory of their own. */
static bool is_wrapped(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return true;
#else
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "valgrind");
#endif
}

/* Takes all the memory there is, and gives back as many pieces of 256 bytes. */
static void leave(size_t pieces)
{
    static void *kept[4096];
    struct rlimit none = {0, 0};
    size_t count = 0;
    setrlimit(RLIMIT_AS, &none);
    for (size_t size = 1 << 20; size >= 256; size /= 2)
        for (void *one; (one = malloc(size));)
            if (size == 256 && count < COUNT(kept))
                kept[count++] = one;
    while (malloc(16)) /* NOLINT: it is wanted */
        ;
    while (count && pieces--)
        free(kept[--count]);
}

/* With however little memory it ends as other requests do, and by no signal. */
TEST(init_without_memory)
{
    if (is_wrapped())
        skip();
    for (size_t pieces = 0; pieces < 200; pieces += pieces < 16 ? 1 : 23) {
        int status = 0;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(STDERR_FILENO);
            leave(pieces);
            _exit(sp_libgit2_init(&f->err) < 0 ? 3 : 0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), SP_ERROR_SYSTEM);
    }
}
