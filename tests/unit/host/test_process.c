/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that are run: shell scripts in the scratch directory. The limit of time is a second, and
 * far from what the other programs take. */
#include "host/process.h"

#include <signal.h>
#include <time.h>

#include "scratch.h"

static const struct sp_process_limits quick = {1, true}, slow = {60, true}, lax = {60, false};

static int run(struct fixture *f, const char *body, const struct sp_process_limits *limits,
               struct sp_buffer *out)
{
    const char *path = scratch_puts(f, "program", sp_pool_printf(f->pool, "#!/bin/sh\n%s\n", body));
    assert_int_equal(chmod(path, 0755), 0);
    const char *const argv[] = {path, "one", "two", NULL};
    return sp_process_run_within(argv, limits, out, &f->err);
}

TEST_IN_DIR(output)
{
    struct sp_buffer out = SP_BUFFER_INIT;
    assert_ok(f, run(f, "echo \"$*\"; echo error >&2; cat", &slow, &out));
    assert_string_equal(sp_buffer_str(&out), "one two\n");
    sp_buffer_free(&out);
    assert_ok(f, run(f, "exec >&- 2>&-", &slow, NULL));
    const char *const argv[] = {"/bin/sh", "-c", "exit 0", NULL};
    assert_ok(f, sp_process_run(argv, NULL, &f->err));
}

TEST_IN_DIR(failures)
{
    assert_fails(f, run(f, "echo first >&2; echo last >&2; exit 3", &slow, NULL), SP_ERROR_SYSTEM,
                 "exit status 3: last");
    assert_fails(f, run(f, "kill -9 $$", &slow, NULL), SP_ERROR_SYSTEM, "signal 9");
    const char *const argv[] = {"/nonexistent/program", NULL};
    assert_int_equal(sp_process_run(argv, NULL, &f->err), -1);
    assert_int_equal(f->err.kind, SP_ERROR_SYSTEM);
    sp_error_clear(&f->err);
}

/* One that never ends, or goes on after it has closed its output, is ended with its children. */
TEST_IN_DIR(limit_of_time)
{
    static const char *const bodies[] = {"sleep 1000 & echo $! > pid; wait",
                                         "exec >&- 2>&-; sleep 1000 & echo $! > pid; wait",
                                         "sleep 1000 & echo $! > pid"};
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct timespec before, after;
        clock_gettime(CLOCK_MONOTONIC, &before);
        assert_fails(
            f, run(f, sp_pool_printf(f->pool, "cd '%s'; %s", f->dir, bodies[i]), &quick, NULL),
            SP_ERROR_SYSTEM, "did not end within 1 seconds");
        clock_gettime(CLOCK_MONOTONIC, &after);
        assert_true(after.tv_sec - before.tv_sec < 30);
        const char *pid = scratch_slurp(f, scratch_path(f, "pid")).data;
        const char *status = sp_pool_printf(f->pool, "/proc/%lu/cmdline", strtoul(pid, NULL, 10));
        for (int tries = 0; access(status, F_OK) == 0 && tries < 200; tries++) {
            char text[16] = "";
            FILE *file = fopen(status, "r"); /* empty: dead, and not waited for yet */
            size_t len = file ? fread(text, 1, sizeof(text), file) : 0;
            if (file)
                fclose(file);
            if (len == 0)
                break;
            struct timespec pause = {0, 10 * 1000 * 1000};
            nanosleep(&pause, NULL);
            assert_true(tries < 199);
        }
    }
}

TEST_IN_DIR(limit_of_output)
{
    struct sp_buffer out = SP_BUFFER_INIT;
    assert_fails(f, run(f, "exec yes", &slow, &out), SP_ERROR_SYSTEM,
                 "printed more than 65536 bytes");
    assert_true(out.len <= SP_PROCESS_OUTPUT);
    sp_buffer_free(&out);
    assert_fails(f, run(f, "exec yes >&2", &slow, NULL), SP_ERROR_SYSTEM, "printed more than");
    assert_ok(f, run(f, "head -c 65536 /dev/zero", &slow, NULL));
    assert_fails(f, run(f, "head -c 65537 /dev/zero", &slow, NULL), SP_ERROR_SYSTEM,
                 "printed more than");
    assert_ok(f, run(f, "head -c 1000000 /dev/zero; exit 0", &lax, NULL));
}
