/* SPDX-License-Identifier: Apache-2.0 */
/* Processes, in a directory that looks like /proc. */
#include "host/running.h"

#include "scratch.h"

#include <time.h>

/* Fields 3 to 52 of proc(5), the 22nd is the start. */
#define TEXT(number) #number
#define STAT(ticks)                                                                                \
    "S 1 2 2 0 -1 4194560 100 200 1 2 10 5 0 0 20 0 9 0 " TEXT(                                    \
        ticks) " 99 98 97 1 1 0 0 0 0 0 0 0 0\n"
#define STATUS                                                                                     \
    "Name:\tx\nUmask:\t0022\nUid:\t64060\t64061\t64060\t64060\nGid:\t7\t8\t7\t7\n"                 \
    "FDSize:\t64\nGroups:\t7 118 119 \nNStgid:\t1\n"

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
    text = sp_pool_printf(f->pool, "%s (%s) " STAT(123450), pid, comm);
    put(f, sp_pool_printf(f->pool, "%s/stat", pid), text, strlen(text));
    put(f, sp_pool_printf(f->pool, "%s/status", pid), STATUS, strlen(STATUS));
}

static void set_arguments(struct fixture *f, const char *pid, const char *line, size_t len)
{
    put(f, sp_pool_printf(f->pool, "%s/cmdline", pid), line, len);
}
#define ARGUMENTS(pid, line) set_arguments(f, pid, line, sizeof(line))

static void find_all(struct fixture *f, sp_running_list *out)
{
    sp_strv programs = {NULL, 0, 0};
    *SP_PUSH(f->pool, &programs) = "cinder-volume";
    *SP_PUSH(f->pool, &programs) = "nova-compute";
    sp_running_find(f->pool, f->dir, &programs, out);
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

/* The views of processes 12 and 13, which are all that is found. */
static void assert_views(struct fixture *f, enum sp_running_view of_12, enum sp_running_view of_13)
{
    sp_running_list found = {NULL, 0, 0};
    find_all(f, &found);
    assert_int_equal(found.count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(found.items[i].view, found.items[i].pid == 12 ? of_12 : of_13);
}

/* Of a container: what its paths lead to is not what they lead to here. */
TEST_IN_DIR(other_namespace)
{
    process(f, "self", "x", "mnt:[1]", NULL);
    process(f, "12", "cinder-volume", "mnt:[2]", "/usr/bin/python2.7");
    process(f, "13", "cinder-volume", NULL, "/usr/bin/python2.7");
    assert_views(f, SP_RUNNING_ELSEWHERE, SP_RUNNING_UNKNOWN);
}

/* A mount namespace of its own, and our root; and the other way around. */
TEST_IN_DIR(root_directory)
{
    scratch_mkdir(f, "one", 0755);
    scratch_mkdir(f, "two", 0755);
    process(f, "self", "x", "mnt:[1]", NULL);
    process(f, "12", "cinder-volume", "mnt:[2]", NULL);
    process(f, "13", "cinder-volume", "mnt:[1]", NULL);
    scratch_symlink(f, "../one", "self/root");
    scratch_symlink(f, "../one", "12/root");
    scratch_symlink(f, "../two", "13/root");
    assert_views(f, SP_RUNNING_HERE, SP_RUNNING_ELSEWHERE);
}

/* Interpreters that were started themselves are known by their command lines. */
TEST_IN_DIR(interpreters)
{
    process(f, "self", "x", "mnt:[1]", NULL);
    process(f, "1", "python", "mnt:[1]", NULL);
    ARGUMENTS("1", "/venv/bin/python\0-u\0-m\0nova.cmd.compute\0--config-file\0/a");
    process(f, "2", "python2.7", "mnt:[1]", NULL);
    ARGUMENTS("2", "python2.7\0-W\0ignore\0/venv/bin/cinder-volume\0-v");
    process(f, "3", "python", "mnt:[1]", NULL);
    ARGUMENTS("3", "python\0/bin/other\0/venv/bin/cinder-volume");
    process(f, "4", "python", "mnt:[1]", NULL);
    ARGUMENTS("4", "python\0-c\0/venv/bin/cinder-volume");
    process(f, "5", "python", "mnt:[1]", NULL);
    put(f, "5/cmdline", "", 0);
    process(f, "6", "bash", "mnt:[1]", NULL);
    ARGUMENTS("6", "bash\0/venv/bin/cinder-volume");
    sp_running_list found = {NULL, 0, 0};
    find_all(f, &found);
    assert_int_equal(found.count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct sp_running *one = &found.items[i];
        assert_string_equal(sp_strv_join(f->pool, &one->argv, " "),
                            one->pid == 1 ? "nova.cmd.compute --config-file /a"
                                          : "/venv/bin/cinder-volume -v");
        assert_string_equal(one->program, one->pid == 1 ? "nova-compute" : "cinder-volume");
        assert_int_equal(one->interpreter != NULL, one->pid == 1);
        assert_int_equal(one->script != NULL, one->pid == 2);
    }
}

TEST_IN_DIR(details)
{
    static const char cgroup[] = "11:cpu:/a.service\n"
                                 "1:name=systemd:/lxc/c/system.slice/cinder-volume.service\n"
                                 "0::/b.service\n";
    static const char environ_[] = "SECRET=1\0XPYTHONPATH=/no\0PYTHONPATH=/one:/two\0PATH=/bin\0"
                                   "SP_AUTH_TOKEN=\0SP_AUTH_TOKEN=2\0SP_API_HTTP_PORT=x";
    process(f, "self", "x", "mnt:[1]", NULL);
    process(f, "12", "cinder-volume", "mnt:[1]", NULL);
    ARGUMENTS("12", "/usr/bin/python2\0/usr/bin/cinder-volume");
    put(f, "12/cgroup", cgroup, sizeof(cgroup) - 1);
    put(f, "12/environ", environ_, sizeof(environ_));
    sp_running_list found = {NULL, 0, 0};
    find_all(f, &found);
    assert_int_equal(found.count, 1);
    const struct sp_running *one = &found.items[0];
    long second = sysconf(_SC_CLK_TCK);
    assert_int_equal(one->since_boot.tv_sec, 123450 / second);
    assert_int_equal(one->since_boot.tv_nsec, 123450 % second * (1000000000 / second));
    assert_int_equal(one->uid, 64061);
    assert_int_equal(one->groups.count, 4);
    assert_int_equal(one->groups.items[0], 8);
    assert_int_equal(one->groups.items[3], 119);
    assert_string_equal(one->unit, "cinder-volume.service");
    assert_string_equal(one->settings.path, "/one:/two");
    assert_int_equal(one->variables.token, SP_VARIABLE_EMPTY); /* the first of a name */
    assert_int_equal(one->variables.port, SP_VARIABLE_BAD);
    assert_int_equal(one->variables.host, SP_VARIABLE_UNSET);
    assert_false(one->variables.unknown);
    unlink(scratch_path(f, "12/environ"));
    found.count = 0;
    find_all(f, &found);
    assert_true(found.items[0].variables.unknown);
}

/* It ends while it is read: its files are gone, and then the directory. */
TEST_IN_DIR(vanishing)
{
    static const char *const files[] = {"comm", "status", "stat"};
    process(f, "self", "x", "mnt:[1]", NULL);
    for (size_t i = 0; i < COUNT(files); i++) {
        const char *pid = sp_pool_printf(f->pool, "%zu", 20 + i);
        process(f, pid, "cinder-volume", "mnt:[1]", NULL);
        scratch_unlink(f, sp_pool_printf(f->pool, "%s/%s", pid, files[i]));
    }
    sp_running_list found = {NULL, 0, 0};
    find_all(f, &found);
    assert_int_equal(found.count, 0);
}

TEST(stat_of_odd_names)
{
    static const struct {
        const char *text;
        unsigned long long ticks; /* 0: refused */
    } vectors[] = {{"1 (a) " STAT(5), 5},
                   {"1 (a b) c) S 1 (2) " STAT(6), 6},
                   {"1 (a\nb) " STAT(7), 7},
                   {"1 () " STAT(18446744073709551615), 18446744073709551615ULL},
                   {"1 (a) Z 1 2 2 0 -1 4194560 100 200 1 2 10 5 0 0 20 0 9 0 5 9\n", 0},
                   {"1 (a) S 1 2 2 0 -1 4194560 100 200 1 2 10 5 0 0 20 0 9 0", 0},
                   {"1 (a) S 1 2 2 0 -1 4194560 100 200 1 2 10 5 0 0 20 0 9 0 x 1", 0},
                   {"1 (a)", 0},
                   {"1 a S 1", 0},
                   {"", 0}};
    for (size_t i = 0; i < COUNT(vectors); i++) {
        unsigned long long ticks = 0;
        assert_int_equal(sp_running_parse_stat(vectors[i].text, &ticks), vectors[i].ticks != 0);
        assert_true(ticks == vectors[i].ticks || !vectors[i].ticks);
    }
}

TEST(time_of_the_start)
{
    struct sp_running process = {.pid = 1};
    struct timespec now, boot;
    clock_gettime(CLOCK_BOOTTIME, &boot);
    process.since_boot = boot;
    struct timespec started = sp_running_started(&process);
    clock_gettime(CLOCK_REALTIME, &now);
    double age =
        (double)(now.tv_sec - started.tv_sec) + (double)(now.tv_nsec - started.tv_nsec) / 1e9;
    assert_true(age >= -0.001 && age < 60);
    assert_true(started.tv_nsec >= 0 && started.tv_nsec < 1000000000);
}

TEST(no_proc)
{
    sp_strv programs = {NULL, 0, 0};
    sp_running_list found = {NULL, 0, 0};
    sp_running_find(f->pool, "/nonexistent", &programs, &found);
    assert_int_equal(found.count, 0);
}
