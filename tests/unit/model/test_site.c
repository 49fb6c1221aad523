/* SPDX-License-Identifier: Apache-2.0 */
#include "model/site.h"

#include "environments.h"

/* What a file in `site` adds to the search path; "[A] site B": A goes before it. */
static const char *search_with(struct fixture *f, const char *name, const char *text)
{
    struct memory *m = memory_new(f);
    memory_put(f, m, sp_pool_printf(f->pool, "site/%s", name), text);
    memory_put(f, m, "one/x", "");
    memory_put(f, m, "two/more.pth", "/three\n");
    memory_put(f, m, "three/x", "");
    memory_put(f, m, "site/a.egg/x", "");
    memory_put(f, m, "site/zipped-1.0-py2.7.egg", "PK");
    memory_put(f, m, "site/file", "");
    struct sp_site_table table = {.pool = f->pool, .tree = &m->tree};
    struct sp_environment environment = {.name = "x"};
    assert_ok(f, sp_site_append_all(&table, "/site//", "x", &environment.search, &f->err));
    return paths_of(f, &environment);
}

TEST(links)
{
    static const struct {
        const char *name, *text, *search;
    } vectors[] = {
        {"a.pth", "/one\n", "site one"},
        {"a.pth", "/one", "site one"},
        {"a.pth", "/one\r\n/two\r\n", "site one two"}, /* and not /three, which /two names */
        {"a.pth", "# /two\n\n/none\n/one\n", "site one"},
        {"a.pth", "import sys; /one\nimport\tos\n/two\n", "site two"},
        {"a.pth", "./a.egg\n", "site site/a.egg"},
        {"a.pth", "../one/.\n/two//\n", "site one two"},
        {"a.pth", "./zipped-1.0-py2.7.egg\n./file\n", "site site/zipped-1.0-py2.7.egg"},
        {"a.pth", "/one\n/one\n/site\n", "site one"},
        {"a.pth", "/one\x1b[2J\n", "site"},
        {"a.pth", "", "site"},
        {"a.egg-link", "/one\n/two\n", "site one"},
        {"a.egg-link", "/one\n.", "site one"},
        {"a.egg-link", "\n/two\n", "site two"},
        {".pth", "/one\n", "site"},
        {"a.pth.bak", "/one\n", "site"},
        {"pth", "/one\n", "site"},
        {"a.pth",
         "import sys; sys.__plen = len(sys.path)\n./a.egg\n/one\n"
         "import sys; new=sys.path[sys.__plen:]; del sys.path[sys.__plen:];"
         " p=getattr(sys,'__egginsert',0); sys.path[p:p]=new;"
         " sys.__egginsert = p+len(new)\n",
         "site/a.egg one site"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++)
        assert_string_equal(search_with(f, vectors[i].name, vectors[i].text), vectors[i].search);
}

/* Two directories that move eggs to the front: the first one's stay first. */
TEST(eggs_of_two_directories)
{
    static const char moved[] = "import sys; sys.__egginsert\n";
    struct memory *m = memory_new(f);
    struct sp_site_table table = {.pool = f->pool, .tree = &m->tree};
    struct sp_environment environment = {.name = "x"};
    memory_put(f, m, "one/a.pth", sp_pool_printf(f->pool, "/a\n/one\n%s", moved));
    memory_put(f, m, "two/b.pth", sp_pool_printf(f->pool, "/b\n/a\n%s", moved));
    memory_put(f, m, "a/x", "");
    memory_put(f, m, "b/x", "");
    assert_ok(f, sp_site_append_all(&table, "one", "x", &environment.search, &f->err));
    assert_ok(f, sp_site_append_all(&table, "two", "x", &environment.search, &f->err));
    assert_string_equal(paths_of(f, &environment), "a b one two");
}

TEST(link_that_can_not_be_read)
{
    struct memory *m = memory_new(f);
    struct sp_site_table table = {.pool = f->pool, .tree = &m->tree};
    struct sp_environment environment = {.name = "x"};
    memory_put(f, m, "site/a.pth", "/one\n");
    memory_put(f, m, "site/b.pth", "/two\n");
    memory_put(f, m, "site/c.pth", NULL);
    memory_put(f, m, "one/x", "");
    memory_put(f, m, "two/x", "");
    m->unreadable = "site/a.pth";
    assert_ok(f, sp_site_append_all(&table, "site", "x", &environment.search, &f->err));
    assert_string_equal(paths_of(f, &environment), "site two");
}

TEST(two_names_of_one)
{
    struct memory *m = memory_new(f);
    struct sp_site_table table = {.pool = f->pool, .tree = &m->tree};
    struct sp_site *one, *other, *none;
    memory_put(f, m, "usr/lib/x", "");
    m->alias = "usr/lib64";
    m->target = "usr/lib";
    assert_ok(f, sp_site_open(&table, "/usr/lib", "x", &one, &f->err));
    assert_ok(f, sp_site_open(&table, "usr/./lib64/", "x", &other, &f->err));
    assert_ok(f, sp_site_open(&table, "usr/lib/x", "x", &none, &f->err));
    assert_ptr_equal(one, other);
    assert_null(none);
    assert_string_equal(one->path, "usr/lib");
    assert_int_equal(one->entries.count, 1);
}
