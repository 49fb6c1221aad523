/* SPDX-License-Identifier: Apache-2.0 */
/* Processes, in a directory that looks like /proc. */
#include "host/running.h"

#include "scratch.h"

static void put(struct fixture *f, const char *name, const char *text, size_t len)
{
    scratch_write(f, name, text, len);
}

/* A process; cmdline: its arguments, each with a NUL. */
static void process(struct fixture *f, const char *pid, const char *comm, const char *namespace_,
                    const char *exe)
{
    scratch_mkdir(f, pid, 0755);
    scratch_mkdir(f, sp_pool_printf(f->pool, "%s/ns", pid), 0755);
    if (namespace_)
        scratch_symlink(f, namespace_, sp_pool_printf(f->pool, "%s/ns/mnt", pid));
    if (exe)
        scratch_symlink(f, exe, sp_pool_printf(f->pool, "%s/exe", pid));
    const char *text = sp_pool_printf(f->pool, "%s\n", comm);
    put(f, sp_pool_printf(f->pool, "%s/comm", pid), text, strlen(text));
}

static const char *find(struct fixture *f)
{
    sp_strv programs = {NULL, 0, 0};
    sp_running_list found = {NULL, 0, 0};
    *SP_PUSH(f->pool, &programs) = "cinder-volume";
    *SP_PUSH(f->pool, &programs) = "nova-compute-of-a-long-name";
    sp_running_find(f->pool, f->dir, &programs, &found);
    if (found.count == 0)
        return "";
    assert_int_equal(found.count, 1);
    return sp_pool_printf(f->pool, "%s %u %s %s", found.items[0].program, found.items[0].pid,
                          found.items[0].interpreter ? found.items[0].interpreter : "-",
                          found.items[0].script ? found.items[0].script : "-");
}

TEST_IN_DIR(command_line)
{
    static const char line[] = "/venv/bin/python\0/venv/bin/cinder-volume\0--config\0";
    process(f, "self", "x", "mnt:[1]", NULL);
    process(f, "12", "cinder-volume", "mnt:[1]", "/usr/bin/python2.7");
    put(f, "12/cmdline", line, sizeof(line) - 1);
    process(f, "13", "cinder-api", "mnt:[1]", NULL);
    scratch_mkdir(f, "driver", 0755);
    assert_string_equal(find(f), "cinder-volume 12 /venv/bin/python /venv/bin/cinder-volume");
}

TEST_IN_DIR(interpreter_of_exe)
{
    process(f, "self", "x", "mnt:[1]", NULL);
    process(f, "12", "nova-compute-of", "mnt:[1]", "/opt/bin/python2.7 (deleted)");
    put(f, "12/cmdline", "python\0", 7);
    assert_string_equal(find(f), "nova-compute-of-a-long-name 12 /opt/bin/python2.7 -");
}

/* Of a container: what its paths lead to is not what they lead to here. */
TEST_IN_DIR(other_namespace)
{
    process(f, "self", "x", "mnt:[1]", NULL);
    process(f, "12", "cinder-volume", "mnt:[2]", "/usr/bin/python2.7");
    process(f, "13", "cinder-volume", NULL, "/usr/bin/python2.7");
    assert_string_equal(find(f), "");
}

TEST(no_proc)
{
    sp_strv programs = {NULL, 0, 0};
    sp_running_list found = {NULL, 0, 0};
    sp_running_find(f->pool, "/nonexistent", &programs, &found);
    assert_int_equal(found.count, 0);
}
