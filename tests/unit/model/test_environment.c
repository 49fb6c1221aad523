/* SPDX-License-Identifier: Apache-2.0 */
#include "environments.h"

#define DIST  "usr/lib/python2.7/dist-packages"
#define LOCAL "usr/local/lib/python2.7/dist-packages"
#define VENV  "opt/venv/lib/python2.7/site-packages"

/* What environments_of() says of a system with these files. */
#define SYSTEM(files) system_of_files(f, files, COUNT(files))

static const char *describe(struct fixture *f, struct memory *m,
                            const struct sp_environment_query *query)
{
    static struct sp_environments out;
    return environments_of(f, m, query, &out);
}

TEST(debian)
{
    static const char *const files[][2] = {{DIST "/x", ""},
                                           {LOCAL "/x", ""},
                                           {"usr/lib/python3/dist-packages/x", ""},
                                           {"usr/lib/python3.5/dist-packages/x", ""},
                                           {"usr/local/lib/python3.5/dist-packages/x", ""},
                                           {"usr/lib/perl5/dist-packages/x", ""},
                                           {"usr/lib/.python2.7/dist-packages/x", ""}};
    assert_string_equal(describe(f, SYSTEM(files), NULL),
                        "the system's Python 2.7: " LOCAL " " DIST "\n"
                        "the system's Python 3.5: usr/local/lib/python3.5/dist-packages "
                        "usr/lib/python3/dist-packages usr/lib/python3.5/dist-packages\n");
}

TEST(debian_without_a_minor_version)
{
    static const char *const files[][2] = {{"usr/lib/python3/dist-packages/x", ""}};
    assert_string_equal(describe(f, SYSTEM(files), NULL),
                        "the system's Python 3: usr/lib/python3/dist-packages\n");
}

TEST(red_hat)
{
    static const char *const files[][2] = {{"usr/lib/python2.7/site-packages/x", ""},
                                           {"usr/lib64/python2.7/site-packages/x", ""},
                                           {"usr/lib/python3.6/site-packages/x", ""},
                                           {"usr/local/lib/python2.7/site-packages/x", ""},
                                           {"usr/local/lib/python3.6/site-packages/x", ""},
                                           {"usr/local/lib64/python3.6/site-packages/x", ""}};
    assert_string_equal(describe(f, SYSTEM(files), NULL),
                        "the system's Python 2.7: usr/lib64/python2.7/site-packages "
                        "usr/lib/python2.7/site-packages\n"
                        "Python 2.7 in /usr/local: usr/local/lib/python2.7/site-packages\n"
                        "the system's Python 3.6: usr/local/lib64/python3.6/site-packages "
                        "usr/local/lib/python3.6/site-packages usr/lib/python3.6/site-packages\n");
}

TEST(interpreter_in_usr_local)
{
    static const char *const files[][2] = {{"usr/lib/python3.6/site-packages/x", ""},
                                           {"usr/local/bin/python3.6", ""},
                                           {"usr/local/lib/python3.6/site-packages/x", ""}};
    assert_string_equal(describe(f, SYSTEM(files), NULL),
                        "the system's Python 3.6: usr/lib/python3.6/site-packages\n"
                        "Python 3.6 in /usr/local: usr/local/lib/python3.6/site-packages\n");
}

TEST(deployments)
{
    static const char *const files[][2] = {
        {"openstack/venvs/nova-15.1.3/lib/python2.7/site-packages/x", ""},
        {"openstack/venvs/cinder-15.1.3/lib/python2.7/site-packages/x", ""},
        {"openstack/venvs/cinder-15.1.3/lib64/python2.7/site-packages/x", ""},
        {"openstack/venvs/.old/lib/python2.7/site-packages/x", ""},
        {"var/lib/kolla/venv/lib/python2.7/site-packages/x", ""},
        {"var/lib/openstack/lib/python2.7/site-packages/x", ""},
        {"opt/stack/nova/x", ""},
        {"opt/stack/cinder.venv/lib/python2.7/site-packages/x", ""},
        {"opt/stack/venv/nova-20180101T000000Z/lib/python2.7/site-packages/x", ""},
        {"home/venv/lib/python2.7/site-packages/x", ""}};
    assert_string_equal(
        describe(f, SYSTEM(files), NULL),
        "/openstack/venvs/cinder-15.1.3: "
        "openstack/venvs/cinder-15.1.3/lib64/python2.7/site-packages "
        "openstack/venvs/cinder-15.1.3/lib/python2.7/site-packages\n"
        "/openstack/venvs/nova-15.1.3: openstack/venvs/nova-15.1.3/lib/python2.7/site-packages\n"
        "/var/lib/kolla/venv: var/lib/kolla/venv/lib/python2.7/site-packages\n"
        "/var/lib/openstack: var/lib/openstack/lib/python2.7/site-packages\n"
        "/opt/stack/venv/nova-20180101T000000Z: "
        "opt/stack/venv/nova-20180101T000000Z/lib/python2.7/site-packages\n"
        "/opt/stack/cinder.venv: opt/stack/cinder.venv/lib/python2.7/site-packages\n"
        "/opt/stack/cinder.venv: opt/stack/cinder.venv\n"
        "/opt/stack/nova: opt/stack/nova\n"
        "/opt/stack/venv: opt/stack/venv\n");
}

/* A checkout that a .pth file of an interpreter names is part of that environment. */
TEST(checkout_that_is_named)
{
    static const char *const files[][2] = {{LOCAL "/easy-install.pth", "/opt/stack/nova\n"},
                                           {"opt/stack/nova/x", ""}};
    assert_string_equal(describe(f, SYSTEM(files), NULL),
                        "the system's Python 2.7: " LOCAL " opt/stack/nova\n");
}

/* ---- access to the system's packages ------------------------------------------------------- */

static const char *venv_with(struct fixture *f, const char *const (*more)[2], size_t count)
{
    static const char *const files[][2] = {{LOCAL "/x", ""},
                                           {DIST "/x", ""},
                                           {"usr/bin/nova-compute", "#!/opt/venv/bin/python\n"},
                                           {VENV "/x", ""}};
    static const struct sp_program programs[] = {{"nova-compute", "nova"}};
    struct memory *m = SYSTEM(files);
    struct sp_environment_query query = {.python = NULL};
    *SP_PUSH(f->pool, &query.programs) = programs[0];
    for (size_t i = 0; i < count; i++)
        memory_put(f, m, more[i][0], more[i][1]);
    return describe(f, m, &query);
}

TEST(venv_of_pep_405)
{
    static const char *const open[][2] = {
        {"opt/venv/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = true\n"}};
    static const char *const closed[][2] = {
        {"opt/venv/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n"}};
    static const char system[] = "the system's Python 2.7: " LOCAL " " DIST "\n";
    assert_string_equal(
        venv_with(f, open, 1),
        sp_pool_printf(f->pool, "%s/opt/venv: " VENV " " LOCAL " " DIST "\n", system));
    assert_string_equal(venv_with(f, closed, 1),
                        sp_pool_printf(f->pool, "%s/opt/venv: " VENV "\n", system));
    assert_string_equal(venv_with(f, NULL, 0),
                        sp_pool_printf(f->pool, "%s/opt/venv: " VENV "\n", system));
}

TEST(venv_of_an_old_virtualenv)
{
    static const char *const files[][2] = {
        {"opt/venv/lib/python2.7/orig-prefix.txt", "/usr"},
        {"opt/venv/lib/python2.7/no-global-site-packages.txt", ""}};
    static const char system[] = "the system's Python 2.7: " LOCAL " " DIST "\n";
    assert_string_equal(
        venv_with(f, files, 1),
        sp_pool_printf(f->pool, "%s/opt/venv: " VENV " " LOCAL " " DIST "\n", system));
    assert_string_equal(venv_with(f, files, 2),
                        sp_pool_printf(f->pool, "%s/opt/venv: " VENV "\n", system));
}

/* ---- user sites ---------------------------------------------------------------------------- */

TEST(user_site)
{
    static const char *const files[][2] = {
        {"etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnova2:x:1:1::/none:/bin/sh\n"
                       "nova:x:162:162:OpenStack:/var/lib/nova:/sbin/nologin\n"},
        {"var/lib/nova/.local/lib/python2.7/site-packages/x", ""},
        {"var/lib/nova/.local/lib/python3.6/site-packages/x", ""},
        {"root/.local/lib/python2.7/site-packages/x", ""},
        {DIST "/x", ""}};
    struct sp_environment_query query = {.python = NULL};
    struct sp_environments out;
    *SP_PUSH(f->pool, &query.programs) = (struct sp_program){"nova-compute", "nova"};
    *SP_PUSH(f->pool, &query.programs) = (struct sp_program){"cinder-volume", "cinder"};
    assert_string_equal(environments_of(f, SYSTEM(files), &query, &out),
                        "the system's Python 2.7 as nova: "
                        "var/lib/nova/.local/lib/python2.7/site-packages " DIST "\n"
                        "the system's Python 2.7: " DIST "\n");
    const struct sp_environment *own = out.items.items[0], *other = out.items.items[1];
    assert_true(sp_environment_serves(&out, own, "nova"));
    assert_false(sp_environment_serves(&out, other, "nova"));
    assert_false(sp_environment_serves(&out, own, "cinder"));
    assert_true(sp_environment_serves(&out, other, "cinder"));
    assert_true(sp_environment_serves(&out, other, NULL));
}

/* ---- PYTHONPATH, --python, --path ---------------------------------------------------------- */

TEST(python_path)
{
    static const char *const files[][2] = {
        {DIST "/x", ""}, {LOCAL "/x", ""}, {"a/x.pth", "/b\n"}, {"b/x", ""}};
    struct sp_environment_query query = {.python = NULL};
    *SP_PUSH(f->pool, &query.pythonpath) = "/a/.//";
    *SP_PUSH(f->pool, &query.pythonpath) = "/none";
    *SP_PUSH(f->pool, &query.pythonpath) = "/usr/lib/../lib/python2.7/dist-packages";
    assert_string_equal(describe(f, SYSTEM(files), &query),
                        "the system's Python 2.7: a " DIST " " LOCAL "\n");
    query.python = "/opt/python/bin/python2.7";
    assert_string_equal(describe(f, SYSTEM(files), &query),
                        "/opt/python/bin/python2.7: a " DIST "\n");
}

/* ---- how programs are started -------------------------------------------------------------- */

#define UNIT      "etc/systemd/system/nova-compute.service"
#define USER_SITE "var/lib/nova/.local/lib/python2.7/site-packages"
#define PASSWD                                                                                     \
    {                                                                                              \
        "etc/passwd", "nova:x:162:162::/var/lib/nova:/sbin/nologin\n"                              \
    }
#define SITES                                                                                      \
    {DIST "/x", ""}, {LOCAL "/x", ""}, {"srv/a/x", ""},                                            \
    {                                                                                              \
        "srv/b/x", ""                                                                              \
    }

/* The environment in which nova-compute runs, and how that is known. */
static const char *where(struct fixture *f, struct memory *m)
{
    struct sp_environment_query query = {.python = NULL};
    struct sp_environments out;
    *SP_PUSH(f->pool, &query.programs) = (struct sp_program){"nova-compute", "nova"};
    environments_of(f, m, &query, &out);
    const char *text = "";
    for (size_t i = 0; i < out.uses.count; i++) {
        const struct sp_environment *one = out.uses.items[i].environment;
        text = sp_pool_printf(f->pool, "%s%s:", text, one->name);
        for (size_t j = 0; j < one->search.sites.count; j++)
            text = sp_pool_printf(f->pool, "%s %s", text, one->search.sites.items[j]->path);
        assert_true(sp_environment_serves(&out, one, "nova"));
    }
    return text;
}

#define WHERE(...)                                                                                 \
    where(f, system_of_files(f, (const char *const[][2]){__VA_ARGS__},                             \
                             COUNT(((const char *const[][2]){__VA_ARGS__}))))

TEST(python_path_of_a_unit)
{
    assert_string_equal(
        WHERE(SITES, {UNIT, "[Service]\nEnvironment=PYTHONPATH=/srv/a:/srv/b//\n"
                            "ExecStart=/usr/bin/python2.7 /usr/bin/nova-compute\n"}),
        "the system's Python 2.7 with PYTHONPATH=/srv/a:/srv/b//: srv/a srv/b " LOCAL " " DIST);
    assert_string_equal(WHERE(SITES, {"etc/default/nova", "PYTHONPATH=/srv/b\n"},
                              {UNIT, "[Service]\nEnvironment=PYTHONPATH=/srv/a\n"
                                     "EnvironmentFile=/etc/default/nova\n"
                                     "ExecStart=/usr/bin/python2.7 /usr/bin/nova-compute\n"}),
                        "the system's Python 2.7 with PYTHONPATH=/srv/b: srv/b " LOCAL " " DIST);
    assert_string_equal(
        WHERE(SITES, {UNIT, "[Service]\nEnvironment=PYTHONPATH=/none\n"
                            "ExecStart=/usr/bin/python2.7 -u /usr/bin/nova-compute\n"}),
        "the system's Python 2.7: " LOCAL " " DIST);
}

TEST(options_of_a_first_line)
{
    assert_string_equal(WHERE(SITES, {"usr/bin/nova-compute", "#!/usr/bin/python2.7 -sE\n"},
                              {UNIT, "[Service]\nEnvironment=PYTHONPATH=/srv/a\n"
                                     "ExecStart=/usr/bin/nova-compute\n"}),
                        "the system's Python 2.7: " LOCAL " " DIST);
    assert_string_equal(WHERE(SITES, PASSWD, {USER_SITE "/x", ""},
                              {"usr/bin/nova-compute", "#!/usr/bin/python2.7\n"}),
                        "the system's Python 2.7 as nova: " USER_SITE " " LOCAL " " DIST);
    assert_string_equal(WHERE(SITES, PASSWD, {USER_SITE "/x", ""},
                              {"usr/bin/nova-compute", "#!/usr/bin/python2.7 -s\n"}),
                        "the system's Python 2.7 as nova with -s: " LOCAL " " DIST);
}

TEST(python_path_of_scripts)
{
    assert_string_equal(WHERE(SITES, {"usr/bin/nova-compute",
                                      "#!/bin/sh\nexport PYTHONPATH=\"/srv/b:$PYTHONPATH\"\n"
                                      "exec /usr/bin/python2.7 -s /usr/bin/nova-compute\n"}),
                        "the system's Python 2.7 with PYTHONPATH=/srv/b -s: srv/b " LOCAL " " DIST);
    assert_string_equal(WHERE(SITES, {"etc/init/nova-compute.conf",
                                      "env PYTHONPATH=/srv/a\n"
                                      "exec /usr/bin/python2.7 /usr/bin/nova-compute\n"}),
                        "the system's Python 2.7 with PYTHONPATH=/srv/a: srv/a " LOCAL " " DIST);
}

TEST(module_in_a_directory)
{
    assert_string_equal(WHERE(SITES, {UNIT, "[Service]\nWorkingDirectory=/srv/a\n"
                                            "ExecStart=/usr/bin/python2.7 -m nova.cmd.compute\n"}),
                        "the system's Python 2.7 with -m in /srv/a: srv/a " LOCAL " " DIST);
}

TEST(python_home)
{
    assert_string_equal(WHERE(SITES, {VENV "/x", ""},
                              {UNIT, "[Service]\nEnvironment=PYTHONHOME=/opt/venv\n"
                                     "ExecStart=/usr/bin/python2.7 /usr/bin/nova-compute\n"}),
                        "/opt/venv: " VENV);
}

TEST(eggs_go_before_python_path)
{
    assert_string_equal(
        WHERE(SITES,
              {DIST "/easy-install.pth",
               "import sys; sys.__plen = len(sys.path)\n/srv/b\n"
               "import sys; new=sys.path[sys.__plen:]; p=getattr(sys,'__egginsert',0)\n"},
              {UNIT, "[Service]\nEnvironment=PYTHONPATH=/srv/a\n"
                     "ExecStart=/usr/bin/python2.7 /usr/bin/nova-compute\n"}),
        "the system's Python 2.7 with PYTHONPATH=/srv/a: srv/b srv/a " LOCAL " " DIST);
}

TEST(python_path_alone)
{
    static const char *const files[][2] = {{"a/x", ""}, {"b/x", ""}};
    struct sp_environment_query query = {.python = NULL};
    *SP_PUSH(f->pool, &query.pythonpath) = "/b";
    *SP_PUSH(f->pool, &query.pythonpath) = "/a";
    assert_string_equal(describe(f, SYSTEM(files), &query), "PYTHONPATH: b a\n");
}

static const char *with_path(struct fixture *f, const char *first, const char *second)
{
    static const char *const files[][2] = {{DIST "/x", ""},
                                           {LOCAL "/x", ""},
                                           {VENV "/x", ""},
                                           {"srv/one/x.pth", "/srv/two\n"},
                                           {"srv/two/x", ""}};
    struct sp_environment_query query = {.python = NULL};
    *SP_PUSH(f->pool, &query.paths) = first;
    if (second)
        *SP_PUSH(f->pool, &query.paths) = second;
    return describe(f, SYSTEM(files), &query);
}

TEST(path_goes_first)
{
    assert_string_equal(with_path(f, "/" DIST, NULL),
                        "the system's Python 2.7: " DIST " " LOCAL "\n");
    assert_string_equal(with_path(f, "/opt//venv/./lib/python2.7/site-packages/", NULL),
                        "/opt/venv: " VENV "\nthe system's Python 2.7: " LOCAL " " DIST "\n");
    assert_string_equal(with_path(f, "/srv/one", "/" DIST),
                        "/srv/one: srv/one srv/two " DIST "\n"
                        "the system's Python 2.7: " LOCAL " " DIST "\n");
}

TEST(path_that_is_missing)
{
    static const char *const files[][2] = {{"file", ""}}, *const bad[] = {"/none", "/file"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct sp_environment_query query = {.python = NULL};
        struct sp_environments out;
        struct memory *m = SYSTEM(files);
        *SP_PUSH(f->pool, &query.paths) = bad[i];
        assert_fails(f, sp_environments_find(f->pool, &m->tree, &query, &out, &f->err),
                     SP_ERROR_REFUSED, bad[i]);
    }
}

/* ---- which programs run where -------------------------------------------------------------- */

static const char *use(struct fixture *f, const char *interpreter)
{
    static const char *const files[][2] = {{"usr/lib/python2.7/site-packages/x", ""},
                                           {"usr/lib/python3.6/site-packages/x", ""},
                                           {"opt/venv/lib/python3.6/site-packages/x", ""},
                                           {VENV "/x", ""}};
    struct sp_environment_query query = {.python = NULL};
    struct sp_environments out;
    *SP_PUSH(f->pool, &query.programs) = (struct sp_program){"nova-compute", "nova"};
    *SP_PUSH(f->pool, &query.running) = (struct sp_running){.program = "nova-compute",
                                                            .pid = 7,
                                                            .interpreter = interpreter,
                                                            .script = "/usr/bin/nova-compute"};
    environments_of(f, SYSTEM(files), &query, &out);
    if (out.uses.count == 0)
        return "";
    assert_int_equal(out.uses.count, 1);
    assert_string_equal(out.uses.items[0].how, "process 7");
    return sp_pool_printf(f->pool, "%s %s", out.uses.items[0].environment->prefix,
                          out.uses.items[0].environment->python);
}

TEST(uses)
{
    static const char *const vectors[][2] = {{"/usr/bin/python2.7", "usr 2.7"},
                                             {"/usr/bin/python3", "usr 3.6"},
                                             {"/usr/bin/python2", "usr 2.7"},
                                             {"/bin/python2.7", "usr 2.7"},
                                             {"/usr/bin/python", "usr 2.7"},
                                             {"/opt/venv/bin/python3.6", "opt/venv 3.6"},
                                             {"/opt/venv/bin/python2", "opt/venv 2.7"},
                                             {"/usr/bin/python3.7", ""},
                                             {"/none/bin/python2.7", ""},
                                             {"/usr/python2.7", ""}};
    for (size_t i = 0; i < COUNT(vectors); i++)
        assert_string_equal(use(f, vectors[i][0]), vectors[i][1]);
}

/* ---- trees --------------------------------------------------------------------------------- */

/* A tree that is no system: its top, and what is in it. */
TEST(tree)
{
    struct memory *m = memory_new(f);
    struct sp_environment_query query = {.python = NULL};
    memory_put(f, m, "nova-14.1.0/nova/__init__.py", "");
    memory_put(f, m, DIST "/x", "");
    memory_put(f, m, "usr/bin/toyd", "#!/venv/bin/python\n");
    memory_put(f, m, "venv/lib/python2.7/site-packages/x", "");
    memory_put(f, m, "notes", "");
    *SP_PUSH(f->pool, &query.programs) = (struct sp_program){"toyd", NULL}; /* not looked at */
    assert_string_equal(describe(f, m, &query),
                        "memory: (top)\n/nova-14.1.0: nova-14.1.0\n/usr: usr\n/venv: venv\n"
                        "the system's Python 2.7: " DIST "\n");
}

TEST(files_are_no_places)
{
    static const char *const files[][2] = {{DIST, ""}, {"opt/stack/notes", ""}};
    assert_string_equal(describe(f, SYSTEM(files), NULL), "");
}
