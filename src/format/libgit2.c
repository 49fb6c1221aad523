/* SPDX-License-Identifier: Apache-2.0 */
#include "format/libgit2.h"

#include <stdlib.h>

#include "base/pool.h"

/* Of a pack, so much is mapped at once, and of all packs together. The defaults of 64-bit systems
 * are 1 GiB and 8 GiB (libgit2's mwindow.c): too much under a limit on the address space. */
#define WINDOW  ((size_t)32 << 20)
#define WINDOWS ((size_t)256 << 20)

/* More than git_libgit2_init() takes, also with OpenSSL. */
#define INIT_SIZE ((size_t)1 << 20)

static void shut_down(void)
{
    git_libgit2_shutdown();
}

const char *sp_libgit2_reason(void)
{
    const git_error *error = git_error_last();
    if (error && error->klass == GIT_ERROR_NOMEMORY)
        sp_out_of_memory();
    return error && error->message ? error->message : "libgit2 gives no reason";
}

/* This runs as root, and its answers must not depend on who runs it. */
static int set_options(void)
{
    static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
                                 GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL};
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "") != 0)
            return -1;
    if (git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, WINDOW) != 0 ||
        git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, WINDOWS) != 0)
        return -1;
#if SP_LIBGIT2_AT_LEAST(1, 4, 3) || (SP_LIBGIT2_AT_LEAST(1, 3, 1) && !SP_LIBGIT2_AT_LEAST(1, 4, 0))
    /* objects are read, nothing that a repository says is run: it may belong to anybody, and
     * safe.directory (git-config(1)) would be in a configuration that is not read */
    if (git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0) != 0)
        return -1;
#endif
    return 0;
}

/* libgit2 that runs out of memory before it has its record of errors calls itself without an end
 * (git_error_set_oom() of errors.c, 1.5.1): what it takes until then is there, or it is not called. */
static void need_memory(void)
{
    void *volatile memory = malloc(INIT_SIZE); /* a compiler must not take it away */
    if (!memory)
        sp_out_of_memory();
    free(memory);
}

int sp_libgit2_init(struct sp_error *err)
{
    static bool done;
    if (done)
        return 0;
    need_memory();
    if (git_libgit2_init() < 0)
        return sp_error_set(err, SP_ERROR_SYSTEM, "cannot set up libgit2: %s", sp_libgit2_reason());
    done = true;
    if (atexit(shut_down) != 0)
        return sp_error_set(err, SP_ERROR_SYSTEM, "cannot register the end of libgit2");
    if (set_options() < 0)
        return sp_error_set(err, SP_ERROR_SYSTEM, "cannot set the options of libgit2: %s",
                            sp_libgit2_reason());
    return 0;
}
