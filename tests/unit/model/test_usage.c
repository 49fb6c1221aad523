/* SPDX-License-Identifier: Apache-2.0 */
/* Which interpreter runs a program: asked of systems in memory that have a process, a unit, a job or
 * the program alone. */
#include "environments.h"

#include "model/usage.h"

#define SERVICE   "[Service]\n"
#define UNIT      "etc/systemd/system/nova-compute.service"
#define VENDOR    "usr/lib/systemd/system/nova-compute.service"
#define RUN(path) "[Service]\nType=simple\nExecStart=" path "/bin/nova-compute --config-dir /etc\n"

/* "INTERPRETER (HOW)" for each that was found. */
static const char *find(struct fixture *f, struct memory *m, const sp_running_list *running)
{
    static const struct sp_program program = {"nova-compute", "nova"};
    static const sp_running_list none;
    sp_usages found = {NULL, 0, 0};
    const char *text = "";
    assert_ok(
        f, sp_usage_find(f->pool, &m->tree, &program, running ? running : &none, &found, &f->err));
    for (size_t i = 0; i < found.count; i++)
        text = sp_pool_printf(f->pool, "%s%s%s (%s)", text, i ? ", " : "",
                              found.items[i].interpreter, found.items[i].how);
    return text;
}

#define FIND(...)                                                                                  \
    find(f,                                                                                        \
         system_of_files(f, (const char *const[][2]){__VA_ARGS__},                                 \
                         COUNT(((const char *const[][2]){__VA_ARGS__}))),                          \
         NULL)

static const char *of_script(struct fixture *f, const char *text)
{
    struct memory *m = memory_new(f);
    const char *interpreter;
    memory_put(f, m, "venv/bin/tool", text);
    assert_ok(
        f, sp_usage_of_process(f->pool, &m->tree,
                               &(struct sp_running){.program = "tool", .script = "/venv/bin/tool"},
                               &interpreter, &f->err));
    return interpreter ? interpreter : "";
}

TEST(scripts)
{
    static const char *const vectors[][2] = {
        {"#!/venv/bin/python\n", "venv/bin/python"},
        {"#!/venv/bin/python3.6 -s\nimport", "venv/bin/python3.6"},
        {"#! /venv/bin/python2", "venv/bin/python2"},
        {"#!\t/venv/bin/python\t-E\r\n", "venv/bin/python"},
        {"#!/usr/bin/env python2.7\n", "usr/bin/python2.7"},
        {"#!/bin/sh\n'''exec' /a/very/long/path/bin/python \"$0\" \"$@\"\n' '''\n",
         "a/very/long/path/bin/python"},
        {"", ""},
        {"#!", ""},
        {"#!/", ""},
        {"#!\n/venv/bin/python\n", ""},
        {"#!/usr/bin/env perl\n", ""},
        {"#!/venv/bin/sh\n/venv/bin/python x\n", ""},
        {"#!venv/bin/python\n", ""},
        {"# !/venv/bin/python\n", ""},
        {"\x7f"
         "ELF",
         ""}};
    for (size_t i = 0; i < COUNT(vectors); i++)
        assert_string_equal(of_script(f, vectors[i][0]), vectors[i][1]);
}

TEST(program)
{
    assert_string_equal(FIND({"usr/bin/nova-compute", "#!/usr/bin/python2\n"},
                             {"usr/local/bin/nova-compute", "#!/one/bin/python\n"}),
                        "one/bin/python (the #! line of /usr/local/bin/nova-compute)");
    assert_string_equal(FIND({"usr/bin/nova-api", "#!/usr/bin/python2\n"}), "");
    assert_string_equal(
        FIND({"usr/bin/nova-compute", "#!/bin/sh\nexec /two/bin/nova-compute \"$@\"\n"},
             {"two/bin/nova-compute", "#!/two/bin/python\n"}),
        "two/bin/python (the #! line of /usr/bin/nova-compute)");
    assert_string_equal(FIND({"usr/bin/nova-compute", "#!/bin/sh\nexec /usr/bin/nova-compute\n"}),
                        "");
}

TEST(units)
{
    static const char *const program[] = {"usr/bin/nova-compute", "#!/usr/bin/python2\n"};
    /* goes before the program; a program that is not there tells its directory */
    assert_string_equal(FIND({program[0], program[1]}, {UNIT, RUN("/one")}),
                        "one/bin/python (/" UNIT ")");
    assert_string_equal(FIND({"one/bin/nova-compute", "#!/else/bin/python\n"}, {UNIT, RUN("/one")}),
                        "else/bin/python (/" UNIT ")");
    assert_string_equal(
        FIND({UNIT, SERVICE "ExecStart=-/one/bin/python2.7 -u /two/bin/nova-compute\n"}),
        "one/bin/python2.7 (/" UNIT ")");
    /* that of the administrator hides the vendor's; a masked one tells nothing */
    assert_string_equal(FIND({UNIT, RUN("/one")}, {VENDOR, RUN("/two")}),
                        "one/bin/python (/" UNIT ")");
    assert_string_equal(FIND({UNIT, NULL}, {VENDOR, RUN("/two")}), "");
    /* a comment, another program, a line that goes on, DevStack's */
    assert_string_equal(FIND({UNIT, "#ExecStart=/one/bin/nova-compute\n"}), "");
    assert_string_equal(FIND({UNIT, SERVICE "ExecStart=/one/bin/nova-conductor\n"}), "");
    assert_string_equal(
        FIND({UNIT, SERVICE "ExecStart = /usr/bin/sg \\\n  libvirt '/one/bin/nova-compute -v'\n"}),
        "one/bin/python (/" UNIT ")");
    assert_string_equal(FIND({"etc/systemd/system/devstack@n-cpu.service", RUN("/usr/local")}),
                        "usr/local/bin/python (/etc/systemd/system/devstack@n-cpu.service)");
    assert_string_equal(FIND({"lib/systemd/system/my-nova.service", RUN("/one")}),
                        "one/bin/python (/lib/systemd/system/my-nova.service)");
    assert_string_equal(FIND({"lib/systemd/system/else.service", RUN("/one")}), "");
}

TEST(drop_ins)
{
    assert_string_equal(FIND({VENDOR, RUN("/one")},
                             {VENDOR ".d/10.conf", SERVICE "ExecStart=\n" RUN("/two")},
                             {VENDOR ".d/20.conf", "[Service]\nExecStart=\n" RUN("/three")},
                             {UNIT ".d/20.conf", "[Service]\nNice=1\n"},
                             {VENDOR ".d/30.conf.bak", SERVICE "ExecStart=\n"}),
                        "two/bin/python (/" VENDOR ")");
}

TEST(enabled_units)
{
    static const char wants[] = "etc/systemd/system/multi-user.target.wants/";
    static const char other[] = "usr/lib/systemd/system/openstack-nova-compute.service";
    assert_string_equal(
        FIND({other, RUN("/two")}, {VENDOR, RUN("/one")}),
        "one/bin/python (/" VENDOR
        "), two/bin/python (/usr/lib/systemd/system/openstack-nova-compute.service)");
    assert_string_equal(
        FIND({other, RUN("/two")}, {VENDOR, RUN("/one")},
             {sp_pool_printf(f->pool, "%sopenstack-nova-compute.service", wants), ""}),
        "two/bin/python (/usr/lib/systemd/system/openstack-nova-compute.service)");
}

TEST(upstart_and_init)
{
    static const char debian[] = "#!/bin/sh\n# /none/bin/nova-compute\n"
                                 "DAEMON=/usr/bin/nova-compute\n"
                                 "start-stop-daemon --start --exec $DAEMON -- --log\n";
    assert_string_equal(
        FIND({"etc/init/nova-compute.conf",
              "exec start-stop-daemon --start --exec /one/bin/nova-compute -- --log\n"},
             {"etc/init.d/nova-compute", debian}),
        "one/bin/python (/etc/init/nova-compute.conf)");
    assert_string_equal(FIND({VENDOR, SERVICE "ExecStart=/etc/init.d/nova-compute systemd-start\n"},
                             {"etc/init.d/nova-compute", debian},
                             {"usr/bin/nova-compute", "#!/usr/bin/python2.7\n"}),
                        "usr/bin/python2.7 (/" VENDOR ")");
}

TEST(containers)
{
    /* the program is in the image, whatever is at its path on the host */
    assert_string_equal(FIND({"etc/kolla/nova-compute/config.json",
                              "{\"command\": \"/one/bin/python /two/bin/nova-compute\"}"}),
                        "");
}

TEST(processes)
{
    static const char *const files[][2] = {{UNIT, RUN("/one")},
                                           {"two/bin/nova-compute", "#!/two/bin/python\n"}};
    struct memory *m = system_of_files(f, files, COUNT(files));
    sp_running_list running = {NULL, 0, 0};
    *SP_PUSH(f->pool, &running) = (struct sp_running){
        .program = "cinder-volume", .pid = 1, .interpreter = "/x/bin/python", .script = NULL};
    assert_string_equal(find(f, m, &running), "one/bin/python (/" UNIT ")");
    *SP_PUSH(f->pool, &running) = (struct sp_running){.program = "nova-compute",
                                                      .pid = 7,
                                                      .interpreter = NULL,
                                                      .script = "/two/bin/nova-compute"};
    *SP_PUSH(f->pool, &running) = (struct sp_running){.program = "nova-compute",
                                                      .pid = 8,
                                                      .interpreter = "/three/bin/python",
                                                      .script = "/two/bin/nova-compute"};
    assert_string_equal(find(f, m, &running),
                        "two/bin/python (process 7), three/bin/python (process 8)");
}
