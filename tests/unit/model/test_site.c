/* SPDX-License-Identifier: Apache-2.0 */
#include "model/site.h"

#include "memory.h"

/* The paths of the sites, in their order. */
static const char *sites(struct fixture *f, struct memory *m, const struct sp_site_query *query)
{
    static const struct sp_site_query nothing;
    sp_sites found = {NULL, 0, 0};
    sp_strv paths = {NULL, 0, 0};
    assert_ok(f, sp_sites_find(f->pool, &m->tree, query ? query : &nothing, &found, &f->err));
    for (size_t i = 0; i < found.count; i++)
        *SP_PUSH(f->pool, &paths) = *found.items[i].path ? found.items[i].path : "(top)";
    return sp_strv_join(f->pool, &paths, " ");
}

static struct memory *system_with(struct fixture *f, const char *const *paths, size_t count)
{
    struct memory *m = memory_new(f);
    m->tree.is_system = true;
    for (size_t i = 0; i < count; i++)
        memory_put(f, m, paths[i], "");
    return m;
}

TEST(usual_places)
{
    static const char *const paths[] = {
        "usr/lib/python2.7/dist-packages/x",
        "usr/lib/python3/dist-packages/x",
        "usr/lib/python2.7/site-packages/x",
        "usr/lib64/python2.7/site-packages/x",
        "usr/local/lib/python2.7/dist-packages/x",
        "openstack/venvs/nova-15.1.3/lib/python2.7/site-packages/x",
        "openstack/venvs/cinder-15.1.3/lib/python2.7/site-packages/x",
        "var/lib/kolla/venv/lib/python2.7/site-packages/x",
        "var/lib/openstack/lib/python2.7/site-packages/x",
        "opt/stack/nova/x",
        "opt/stack/data/venv/lib/python3.6/site-packages/x",
        "usr/lib/perl5/site-packages/x",
        "usr/lib/.python2.7/site-packages/x",
        "usr/share/python2.7/site-packages/x",
        "home/venv/lib/python2.7/site-packages/x",
    };
    assert_string_equal(sites(f, system_with(f, paths, COUNT(paths)), NULL),
                        "usr/lib/python2.7/site-packages "
                        "usr/lib64/python2.7/site-packages "
                        "usr/lib/python2.7/dist-packages "
                        "usr/lib/python3/dist-packages "
                        "usr/local/lib/python2.7/dist-packages "
                        "openstack/venvs/cinder-15.1.3/lib/python2.7/site-packages "
                        "openstack/venvs/nova-15.1.3/lib/python2.7/site-packages "
                        "var/lib/kolla/venv/lib/python2.7/site-packages "
                        "var/lib/openstack/lib/python2.7/site-packages "
                        "opt/stack/data/venv/lib/python3.6/site-packages "
                        "opt/stack/data opt/stack/nova");
}

TEST(files_are_no_places)
{
    static const char *const paths[] = {"usr/lib/python2.7/dist-packages", "opt/stack/notes"};
    assert_string_equal(sites(f, system_with(f, paths, COUNT(paths)), NULL), "");
}

TEST(order_of_the_query)
{
    static const char *const paths[] = {"usr/lib/python3/dist-packages/x", "a/x", "b/x", "c/x"};
    struct memory *m = system_with(f, paths, COUNT(paths));
    struct sp_site_query query = {.pythonpath_origin = "PYTHONPATH"};
    *SP_PUSH(f->pool, &query.paths) = "/b";
    *SP_PUSH(f->pool, &query.paths) = "a";
    *SP_PUSH(f->pool, &query.pythonpath) = "/c";
    *SP_PUSH(f->pool, &query.pythonpath) = "/b"; /* known */
    *SP_PUSH(f->pool, &query.pythonpath) = "/none";
    sp_sites found = {NULL, 0, 0};
    assert_string_equal(sites(f, m, &query), "b a c usr/lib/python3/dist-packages");
    assert_ok(f, sp_sites_find(f->pool, &m->tree, &query, &found, &f->err));
    assert_true(found.items[0].first);
    assert_true(found.items[1].first);
    assert_false(found.items[2].first);
    assert_string_equal(found.items[0].origin, "--path");
    assert_string_equal(found.items[2].origin, "PYTHONPATH");
    assert_string_equal(found.items[3].origin, "the usual places");
    assert_int_equal(found.items[0].entries.count, 1);
    assert_string_equal(found.items[0].entries.items[0].name, "x");
    query.only = true;
    assert_string_equal(sites(f, m, &query), "b a c");
}

TEST(path_that_is_missing)
{
    static const char *const paths[] = {"file"}, *const bad[] = {"/none", "/file"};
    struct memory *m = system_with(f, paths, COUNT(paths));
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct sp_site_query query = {.only = false};
        sp_sites found = {NULL, 0, 0};
        *SP_PUSH(f->pool, &query.paths) = bad[i];
        assert_fails(f, sp_sites_find(f->pool, &m->tree, &query, &found, &f->err), SP_ERROR_REFUSED,
                     bad[i]);
    }
}

TEST(two_names_of_one)
{
    static const char *const paths[] = {"usr/lib/python2.7/site-packages/x",
                                        "usr/lib64/python2.7/site-packages/x"};
    struct memory *m = system_with(f, paths, COUNT(paths));
    m->alias = "usr/lib64";
    m->target = "usr/lib";
    assert_string_equal(sites(f, m, NULL), "usr/lib/python2.7/site-packages");
}

static const char *site_of_program(struct fixture *f, const char *line)
{
    struct memory *m = memory_new(f);
    struct sp_site_query query = {.only = false};
    m->tree.is_system = true;
    memory_put(f, m, "usr/bin/toyd", line);
    memory_put(f, m, "venv/lib/python2.7/site-packages/x", "");
    memory_put(f, m, "venv/lib64/python2.7/site-packages/x", "");
    *SP_PUSH(f->pool, &query.programs) = "other";
    *SP_PUSH(f->pool, &query.programs) = "toyd";
    return sites(f, m, &query);
}

TEST(programs)
{
    static const char *const both = "venv/lib/python2.7/site-packages "
                                    "venv/lib64/python2.7/site-packages";
    static const char *const good[] = {"#!/venv/bin/python\n", "#!/venv/bin/python3.6 -s\nimport",
                                       "#! /venv/bin/python2", "#!\t/venv/bin/python\t-E\r\n"};
    static const char *const bad[] = {"",
                                      "#!",
                                      "#!/",
                                      "#!\n/venv/bin/python\n",
                                      "#!/usr/bin/env python\n",
                                      "#!/venv/bin/sh\n",
                                      "#!/venv/sbin/python\n",
                                      "#!/python\n",
                                      "#!venv/bin/python\n",
                                      "# !/venv/bin/python\n",
                                      "\x7f"
                                      "ELF"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_string_equal(site_of_program(f, good[i]), both);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_string_equal(site_of_program(f, bad[i]), "");
}

static const char *site_of_link(struct fixture *f, const char *name, const char *text)
{
    struct memory *m = memory_new(f);
    m->tree.is_system = true;
    memory_put(f, m, sp_pool_printf(f->pool, "usr/lib/python3/dist-packages/%s", name), text);
    memory_put(f, m, "one/x", "");
    memory_put(f, m, "two/more.pth", "/three\n");
    memory_put(f, m, "three/x", "");
    memory_put(f, m, "usr/lib/python3/dist-packages/a.egg/x", "");
    const char *all = sites(f, m, NULL);
    static const char first[] = "usr/lib/python3/dist-packages";
    assert_int_equal(strncmp(all, first, strlen(first)), 0);
    return all + strlen(first);
}

TEST(links)
{
    static const struct {
        const char *name, *text, *added;
    } vectors[] = {
        {"a.pth", "/one\n", " one"},
        {"a.pth", "/one", " one"},
        {"a.pth", "/one\r\n/two\r\n", " one two"}, /* and not /three, which /two names */
        {"a.pth", "# /two\n\n/none\n/one\n", " one"},
        {"a.pth", "import sys; /one\nimport\tos\n/two\n", " two"},
        {"a.pth", "./a.egg\n", " usr/lib/python3/dist-packages/./a.egg"},
        {"a.pth", "/one\n/one\n", " one"},
        {"a.pth", "/one\x1b[2J\n", ""},
        {"a.pth", "", ""},
        {"a.egg-link", "/one\n/two\n", " one"},
        {"a.egg-link", "/one\n.", " one"},
        {"a.egg-link", "\n/two\n", " two"},
        {".pth", "/one\n", ""},
        {"a.pth.bak", "/one\n", ""},
        {"pth", "/one\n", ""},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        const char *added = site_of_link(f, vectors[i].name, vectors[i].text);
        if (strcmp(added, vectors[i].added) != 0)
            fail_msg("vector %zu: '%s', not '%s'", i, added, vectors[i].added);
    }
}

TEST_ON_MEMORY(link_that_can_not_be_read)
{
    m->tree.is_system = true;
    memory_put(f, m, "usr/lib/python3/dist-packages/a.pth", "/one\n");
    memory_put(f, m, "usr/lib/python3/dist-packages/b.pth", "/two\n");
    memory_put(f, m, "usr/lib/python3/dist-packages/c.pth", NULL);
    memory_put(f, m, "one/x", "");
    memory_put(f, m, "two/x", "");
    m->unreadable = "usr/lib/python3/dist-packages/a.pth";
    assert_string_equal(sites(f, m, NULL), "usr/lib/python3/dist-packages two");
}

/* A tree that is not a system: its top, and the directories in it. */
TEST_ON_MEMORY(tree)
{
    struct sp_site_query query = {.only = false};
    memory_put(f, m, "nova-14.1.0/nova/__init__.py", "");
    memory_put(f, m, "usr/lib/python2.7/dist-packages/x", "");
    memory_put(f, m, "usr/bin/toyd", "#!/venv/bin/python\n");
    memory_put(f, m, "venv/lib/python2.7/site-packages/x", "");
    memory_put(f, m, "notes", "");
    *SP_PUSH(f->pool, &query.programs) = "toyd"; /* of no system: not looked at */
    assert_string_equal(sites(f, m, &query),
                        "(top) nova-14.1.0 usr venv usr/lib/python2.7/dist-packages");
}
