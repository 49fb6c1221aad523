/* SPDX-License-Identifier: Apache-2.0 */
#include "model/metadata.h"

#include "memory.h"

static const char *parse(struct fixture *f, struct sp_bytes text, const char *distribution)
{
    const char *version = "unset";
    return sp_metadata_parse(f->pool, text, distribution, &version) ? version : NULL;
}

TEST(headers)
{
    static const struct {
        const char *text, *distribution, *version;
    } vectors[] = {
        {"Name: nova\nVersion: 14.1.0\n", "nova", "14.1.0"},
        {"Version: 14.1.0\nName: nova", "nova", "14.1.0"},
        {"Metadata-Version: 2.1\nname:nova\nVERSION:\t14.1.0 \t\r\n\r\n", "nova", "14.1.0"},
        {"Name: OS.Brick\nVersion: 1.6.2\n", "os_brick", "1.6.2"},
        {"Name: os-brick\nVersion: 1.6.2\n", "os_brick", "1.6.2"},
        {"Name: nova\nVersion: 1\nVersion: 2\n", "nova", "1"},
        {"Name: nova\nVersion: a b\n", "nova", "a b"}, /* the caller parses it */
        {"Name: nova\n\nVersion: 14.1.0\n", "nova", NULL},
        {"Name: nova\r\n\r\nVersion: 14.1.0\r\n", "nova", NULL},
        {"\nName: nova\nVersion: 14.1.0\n", "nova", NULL},
        {"Name: novaclient\nVersion: 7.1.0\n", "nova", NULL},
        {"Name: nova\n", "nova", NULL},
        {"Version: 14.1.0\n", "nova", NULL},
        {"Names: nova\nVersion: 14.1.0\n", "nova", NULL},
        {"X-Name: nova\nVersion: 14.1.0\n", "nova", NULL},
        {" Name: nova\nVersion: 14.1.0\n", "nova", NULL},
        {"Name\nVersion\n", "nova", NULL},
        {"", "nova", NULL},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        const char *version = parse(f, SP_BYTES_STR(vectors[i].text), vectors[i].distribution);
        if ((version != NULL) != (vectors[i].version != NULL) ||
            (version && strcmp(version, vectors[i].version) != 0))
            fail_msg("vector %zu: %s", i, version ? version : "none");
    }
}

TEST(not_text)
{
    static const char nul[] = "Name: nova\nVersion: 1\n\0";
    assert_null(parse(f, (struct sp_bytes){nul, sizeof(nul)}, "nova"));
    static const char high[] = "Author: caf\xe9\nName: nova\nVersion: 1\n";
    assert_string_equal(parse(f, SP_BYTES_STR(high), "nova"), "1");
}

static void find(struct fixture *f, struct memory *m, const char *distribution, sp_metadatas *out)
{
    struct sp_site site = {.path = "site"};
    assert_ok(f, sp_tree_list(&m->tree, f->pool, "site", &site.entries, &f->err));
    out->count = 0;
    assert_ok(f, sp_metadata_find(f->pool, &m->tree, &site, distribution, out, &f->err));
}

#define NOVA "Name: nova\nVersion: 14.1.0\n"

TEST(forms)
{
    static const struct {
        const char *path;
        bool found;
    } vectors[] = {
        {"site/nova-14.1.0.dist-info/METADATA", true},
        {"site/nova-14.1.0-py2.7.egg-info/PKG-INFO", true},
        {"site/nova-14.1.0.egg-info", true},
        {"site/nova.egg-info/PKG-INFO", true},
        {"site/Nova-14.1.0.dist-info/METADATA", true},
        {"site/EGG-INFO/PKG-INFO", true},
        {"site/PKG-INFO", true},
        {"site/nova-14.1.0.dist-info/PKG-INFO", false},
        {"site/nova-14.1.0.egg-info/METADATA", false},
        {"site/nova-14.1.0.dist-info", false}, /* a file */
        {"site/novaclient-14.1.0.dist-info/METADATA", false},
        {"site/nova_powervm-14.1.0.dist-info/METADATA", false},
        {"site/nova-14.1.0.dist-info.bak/METADATA", false},
        {"site/nova/METADATA", false},
        {"site/deeper/nova-14.1.0.dist-info/METADATA", false},
        {"site/.egg-info", false},
        {"site/dist-info/METADATA", false},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct memory *m = memory_new(f);
        sp_metadatas all = {NULL, 0, 0};
        memory_put(f, m, vectors[i].path, NOVA);
        find(f, m, "nova", &all);
        if (all.count != vectors[i].found)
            fail_msg("%s: %zu", vectors[i].path, all.count);
        if (all.count) {
            assert_string_equal(all.items[0].text, "14.1.0");
            assert_string_equal(all.items[0].file, vectors[i].path);
        }
    }
}

/* A dash in the name of the directory can be of the name or before the version. */
TEST(names_with_dashes)
{
    static const char *const paths[] = {
        "site/os-brick-1.6.2.dist-info/METADATA", "site/os_brick-1.6.2.dist-info/METADATA",
        "site/os-brick.egg-info/PKG-INFO", "site/os.brick-1.6.2-py2.7.egg-info/PKG-INFO"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct memory *m = memory_new(f);
        sp_metadatas all = {NULL, 0, 0};
        memory_put(f, m, paths[i], "Name: os-brick\nVersion: 1.6.2\n");
        find(f, m, "os_brick", &all);
        assert_int_equal(all.count, 1);
        find(f, m, "os", &all); /* the name in the file decides */
        assert_int_equal(all.count, 0);
    }
}

TEST_ON_MEMORY(several)
{
    sp_metadatas all = {NULL, 0, 0};
    memory_put(f, m, "site/nova-13.1.0.dist-info/METADATA", "Name: nova\nVersion: 13.1.0\n");
    memory_put(f, m, "site/nova-14.1.0.egg-info", NOVA);
    memory_put(f, m, "site/cinder-9.0.0.egg-info", "Name: cinder\nVersion: 9.0.0\n");
    find(f, m, "nova", &all);
    assert_int_equal(all.count, 2);
    assert_string_equal(all.items[0].text, "13.1.0");
    assert_string_equal(all.items[1].text, "14.1.0");
    assert_true(sp_version_compare(all.items[0].version, all.items[1].version) < 0);
}

TEST_ON_MEMORY(passed_over)
{
    sp_metadatas all = {NULL, 0, 0};
    memory_put(f, m, "site/nova-1.egg-info", "Name: nova\nVersion: unknown\n");
    memory_put(f, m, "site/nova-2.egg-info", NULL); /* a FIFO */
    memory_put(f, m, "site/nova-3.egg-info", NOVA);
    memory_put(f, m, "site/nova-4.egg-info", "Version: 4\n");
    memory_put(f, m, "site/nova-5.egg-info", "Name: nova\nVersion: 5\n");
    m->unreadable = "site/nova-3.egg-info";
    find(f, m, "nova", &all);
    assert_int_equal(all.count, 1);
    assert_string_equal(all.items[0].text, "5");
}

/* Headers beyond the part that is read are not found. */
TEST_ON_MEMORY(endless)
{
    sp_metadatas all = {NULL, 0, 0};
    char *text = sp_pool_alloc(f->pool, SP_MAX_METADATA + 100);
    memset(text, 'x', SP_MAX_METADATA);
    strcpy(text + SP_MAX_METADATA, "\n" NOVA);
    memory_put(f, m, "site/nova-1.egg-info", text);
    find(f, m, "nova", &all);
    assert_int_equal(all.count, 0);
    text[100] = '\n';
    memcpy(text, NOVA, strlen(NOVA));
    find(f, m, "nova", &all);
    assert_int_equal(all.count, 1);
}
