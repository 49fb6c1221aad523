/* SPDX-License-Identifier: Apache-2.0 */
/* Which release of a component is installed, and what says so.
 *
 * There are four releases (manifests()): one without the component "toy", and three that have it in
 * the versions 1, 2 and 3. The tree is in memory and has the package site/toy; each test adds
 * metadata, or files that the probes and checksums of a release know. */
#include "model/detect.h"

#include "manifests.h"
#include "memory.h"

static const char *blob(struct fixture *f, const char *text)
{
    struct sp_blob_id id;
    assert_ok(f, sp_blob_hash(SP_BYTES_STR(text), &id, &f->err));
    return sp_pool_strdup(f->pool, id.hex);
}

/* Three releases of a component: old (1), new (2), and included (3); and one without it. */
static struct sp_manifests *manifests(struct fixture *f)
{
    static struct sp_manifests all;
    memset(&all, 0, sizeof(all));
    *SP_PUSH(f->pool, &all.releases) =
        manifest_of(f, "release: other\nreleased: '2019'\nstatus: included\nnote: n\n"
                       "components: {else: {versions: '>=0'}}\n");
    *SP_PUSH(f->pool, &all.releases) =
        manifest_of(f, "release: later\nreleased: '2018'\nstatus: included\nnote: n\n"
                       "components:\n"
                       "  toy:\n"
                       "    versions: '>=3'\n"
                       "    probes: [{file: three.py}]\n");
    *SP_PUSH(f->pool, &all.releases) = manifest_of(
        f,
        sp_pool_printf(f->pool,
                       "release: new\nreleased: '2017'\n"
                       "components:\n"
                       "  toy:\n"
                       "    versions: '>=2, <3'\n"
                       "    probes:\n"
                       "      - {file: a.py, pattern: '^TWO$'}\n"
                       "      - {file: a.py, absent: '^GONE$'}\n"
                       "    checksums:\n"
                       "      a.py: {%s: [2.0.0.0rc1, 2.0], %s: [2.1, 2.2]}\n"
                       "      b.py: {%s: [2.0.0.0rc1, 2.0, 2.1], %s: [2.2]}\n"
                       "    layouts:\n"
                       "      - name: first\n"
                       "        when: [{file: first.py}]\n"
                       "        files: [{path: n.py, copy: n.py, marker: m}]\n"
                       "      - name: second\n"
                       "        when: [{file: a.py, pattern: TWO}]\n"
                       "        files:\n"
                       "          - {path: n.py, copy: n.py, marker: m}\n"
                       "          - path: b.py\n"
                       "            edits: [{name: f, append: true, text: \"MORE\\n\"}]\n"
                       "          - path: a.py\n"
                       "            edits: [{name: e, append: true, text: \"OURS\\n\"}]\n",
                       blob(f, "TWO\n"), blob(f, "TWO\n1\n"), blob(f, "b\n"), blob(f, "b\n2\n")));
    *SP_PUSH(f->pool, &all.releases) =
        manifest_of(f, "release: old\nreleased: '2016'\n"
                       "components:\n"
                       "  toy:\n"
                       "    versions: '>=1, <2'\n"
                       "    probes: [{file: a.py, pattern: '^ONE$'}]\n"
                       "    files: [{path: n.py, copy: n.py, marker: m}]\n");
    return &all;
}

static struct memory *site(struct fixture *f)
{
    struct memory *m = memory_new(f);
    m->tree.is_system = true;
    memory_put(f, m, "site/toy/__init__.py", "");
    return m;
}

static void set_up_site(struct fixture *f)
{
    f->own = site(f);
}

/* The body sees `m`, what site() makes. */
#define TEST_ON_SITE(name) TEST_WITH(name, struct memory *m, set_up_site, NULL)

/* All copies of the component in `site` and `more`. */
static int detect_all(struct fixture *f, struct memory *m, struct sp_detections *out)
{
    static const char *const dirs[] = {"site", "more"};
    struct sp_site_table table = {.pool = f->pool, .tree = &m->tree};
    struct sp_search search = {.front = 0};
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < COUNT(dirs); i++)
        assert_ok(f, sp_site_append_all(&table, dirs[i], "test", &search, &f->err));
    struct sp_contents contents = {.pool = f->pool, .tree = &m->tree};
    struct sp_detecting request = {&contents, &search.sites, manifests(f)};
    return sp_detect(&request, "toy", out, &f->err);
}

static struct sp_detections detect(struct fixture *f, struct memory *m)
{
    struct sp_detections found;
    assert_ok(f, detect_all(f, m, &found));
    return found;
}

/* The one place: what is known of it. */
static const struct sp_detection *one(struct fixture *f, struct memory *m,
                                      enum sp_evidence evidence, const char *version,
                                      const char *release)
{
    struct sp_detections found = detect(f, m);
    assert_int_equal(found.items.count, 1);
    const struct sp_detection *item = found.items.items[0];
    assert_int_equal(item->evidence, evidence);
    if (version)
        assert_string_equal(item->version, version);
    else
        assert_null(item->version);
    if (release)
        assert_string_equal(item->spec->release->name, release);
    else
        assert_null(item->spec);
    assert_string_equal(item->name, "toy");
    assert_string_equal(item->dir, "site/toy");
    return item;
}

TEST(metadata)
{
    static const struct {
        const char *version, *release;
    } vectors[] = {{"1.0", "old"},      {"1.99", "old"},       {"2.0", "new"}, {"3.7", "later"},
                   {"2.0.0.0b1", NULL}, {"2.0.1.dev3", "new"}, {"0.9", NULL}};
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct memory *m = site(f);
        memory_put(f, m, "site/toy.egg-info/PKG-INFO",
                   sp_pool_printf(f->pool, "Name: toy\nVersion: %s\n", vectors[i].version));
        const struct sp_detection *found =
            one(f, m, SP_EVIDENCE_METADATA, vectors[i].version, vectors[i].release);
        assert_string_equal(found->because, "metadata: toy.egg-info/PKG-INFO");
    }
}

TEST_ON_SITE(metadata_that_disagree)
{
    memory_put(f, m, "site/toy/a.py", "ONE\n");
    memory_put(f, m, "site/toy-2.0.dist-info/METADATA", "Name: toy\nVersion: 2.0\n");
    memory_put(f, m, "site/toy-2.1.dist-info/METADATA", "Name: toy\nVersion: 2.1\n");
    const struct sp_detection *found = one(f, m, SP_EVIDENCE_PROBES, NULL, "old");
    assert_non_null(strstr(found->because, "toy-2.0.dist-info and toy-2.1.dist-info disagree; "));
    m = site(f); /* 2.0 and 2.0.0 are one version */
    memory_put(f, m, "site/toy-2.0.dist-info/METADATA", "Name: toy\nVersion: 2.0\n");
    memory_put(f, m, "site/toy-2.0.0.dist-info/METADATA", "Name: toy\nVersion: 2.0.0\n");
    assert_int_equal(detect(f, m).items.items[0]->evidence, SP_EVIDENCE_METADATA);
}

TEST(checksums)
{
    static const struct {
        const char *a, *b, *version;
    } vectors[] = {
        {"TWO\n", "b\n", "2.0"}, /* a final release goes before its candidates */
        {"TWO\n1\n", "b\n", "2.1"},
        {"TWO\n1\n", "b\n2\n", "2.2"},
        {"TWO\nOURS\n", "b\n", "2.0"}, /* with our edit in it */
        {"TWO\n1\nOURS\n", "b\n2\n", "2.2"},
        {"TWO\n1\nOURS\n", "b\n2\nMORE\n", "2.2"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct memory *m = site(f);
        memory_put(f, m, "site/toy/a.py", vectors[i].a);
        memory_put(f, m, "site/toy/b.py", vectors[i].b);
        const struct sp_detection *found =
            one(f, m, SP_EVIDENCE_CHECKSUMS, vectors[i].version, "new");
        assert_non_null(strstr(found->because, "2 of 2"));
    }
}

/* Contents that have no version in common, or are not known, tell none. */
TEST(no_checksums)
{
    static const char *const contents[][2] = {
        {"TWO\n", "b\n2\n"}, {"TWO\n", "c\n"}, {"TWO\n", NULL}, {"TWO\nOURS\nOURS\n", "b\n"}};
    for (size_t i = 0; i < COUNT(contents); i++) {
        struct memory *m = site(f);
        memory_put(f, m, "site/toy/a.py", contents[i][0]);
        if (contents[i][1])
            memory_put(f, m, "site/toy/b.py", contents[i][1]);
        one(f, m, SP_EVIDENCE_PROBES, NULL, "new");
    }
}

TEST_ON_SITE(probes)
{
    static const struct {
        const char *a, *release;
    } vectors[] = {{"ONE\n", "old"},      {"ONE\nTWO\n", "new"},
                   {"TWO\nGONE\n", NULL}, {"TWO\nGONE\nONE\n", "old"},
                   {"ONE \n", NULL},      {"", NULL}};
    for (size_t i = 0; i < COUNT(vectors); i++) {
        m = site(f);
        memory_put(f, m, "site/toy/a.py", vectors[i].a);
        one(f, m, vectors[i].release ? SP_EVIDENCE_PROBES : SP_EVIDENCE_NONE, NULL,
            vectors[i].release);
    }
    m = site(f);
    memory_put(f, m, "site/toy/a.py", "TWO\n");
    memory_put(f, m, "site/toy/three.py", "");
    const struct sp_detection *found = one(f, m, SP_EVIDENCE_PROBES, NULL, "later");
    assert_non_null(strstr(found->because, "or later"));
    assert_null(found->layout);
}

TEST_ON_SITE(layouts)
{
    memory_put(f, m, "site/toy.egg-info/PKG-INFO", "Name: toy\nVersion: 2.5\n");
    assert_null(one(f, m, SP_EVIDENCE_METADATA, "2.5", "new")->layout);
    memory_put(f, m, "site/toy/a.py", "TWO\n");
    assert_string_equal(one(f, m, SP_EVIDENCE_METADATA, "2.5", "new")->layout->name, "second");
    memory_put(f, m, "site/toy/first.py", "");
    assert_string_equal(one(f, m, SP_EVIDENCE_METADATA, "2.5", "new")->layout->name, "first");
}

/* Only a regular __init__.py makes it a package. */
TEST_ON_MEMORY(what_is_no_package)
{
    m->tree.is_system = true;
    memory_put(f, m, "site/toy/a.py", "ONE\n");
    memory_put(f, m, "site/toys/__init__.py", "");
    memory_put(f, m, "site/deeper/toy/__init__.py", "");
    memory_put(f, m, "more/toy/__init__.py/x", "");
    assert_int_equal(detect(f, m).items.count, 0);
}

TEST_ON_SITE(several_copies)
{
    memory_put(f, m, "more/toy/__init__.py", "");
    struct sp_detections found = detect(f, m);
    assert_int_equal(found.items.count, 2);
    assert_string_equal(found.items.items[0]->dir, "site/toy");
    assert_string_equal(found.items.items[1]->dir, "more/toy");
    assert_string_not_equal(found.items.items[0]->id, found.items.items[1]->id);
    m->alias = "more/toy"; /* a link to the other: one copy, in two sites */
    m->target = "site/toy";
    found = detect(f, m);
    assert_int_equal(found.items.count, 1);
    assert_int_equal(found.places.count, 2);
    assert_ptr_equal(sp_detection_in(&found, found.places.items[1].site, "toy"),
                     found.items.items[0]);
    assert_null(sp_detection_in(&found, found.places.items[1].site, "else"));
}

TEST(compiled)
{
    static const char *const vectors[][2] = {
        {"site/toy/__init__.pyc", "it is compiled (__init__.pyc without __init__.py), and"},
        {"site/toy/__init__.pyo", "it is compiled (__init__.pyo"},
        {"site/toy/__init__.cpython-36m-x86_64-linux-gnu.so", "it is compiled (__init__.cpython"},
        {"site/toy/__init__.pyx", NULL},
        {"site/toy/__init__x.pyc", NULL},
        {"site/toy/a.pyc", NULL}};
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct memory *m = memory_new(f);
        memory_put(f, m, vectors[i][0], "x");
        memory_put(f, m, "site/toy.egg-info/PKG-INFO", "Name: toy\nVersion: 2.1\n");
        struct sp_detections found = detect(f, m);
        assert_int_equal(found.items.count, vectors[i][1] ? 1 : 0);
        if (!vectors[i][1])
            continue;
        assert_non_null(strstr(found.items.items[0]->obstacle, vectors[i][1]));
        assert_string_equal(found.items.items[0]->version, "2.1");
    }
}

TEST(zipped_egg)
{
    static const struct {
        const char *name, *version, *release;
    } vectors[] = {{"toy-2.1-py2.7.egg", "2.1", "new"},
                   {"Toy-2.1.egg", "2.1", "new"},
                   {"toy-1.0-py2.7-linux-x86_64.egg", "1.0", "old"},
                   {"toys-2.1-py2.7.egg", NULL, NULL},
                   {"toy.egg", NULL, NULL},
                   {"toy-x-py2.7.egg", NULL, NULL}};
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct memory *m = memory_new(f);
        memory_put(f, m, "site/easy-install.pth",
                   sp_pool_printf(f->pool, "./%s\n", vectors[i].name));
        memory_put(f, m, sp_pool_printf(f->pool, "site/%s", vectors[i].name), "PK");
        struct sp_detections found = detect(f, m);
        assert_int_equal(found.items.count, vectors[i].version ? 1 : 0);
        if (!vectors[i].version)
            continue;
        const struct sp_detection *egg = found.items.items[0];
        assert_string_equal(egg->version, vectors[i].version);
        assert_string_equal(egg->spec->release->name, vectors[i].release);
        assert_non_null(strstr(egg->obstacle, "zipped egg"));
    }
}

/* A version that pbr makes up: known contents decide, others do not. */
TEST_ON_SITE(version_zero)
{
    memory_put(f, m, "site/toy.egg-info/PKG-INFO", "Name: toy\nVersion: 0.0.0\n");
    one(f, m, SP_EVIDENCE_METADATA, "0.0.0", NULL);
    memory_put(f, m, "site/toy/a.py", "TWO\n1\n");
    one(f, m, SP_EVIDENCE_METADATA, "0.0.0", NULL);
    memory_put(f, m, "site/toy/b.py", "b\n");
    const struct sp_detection *found = one(f, m, SP_EVIDENCE_CHECKSUMS, "2.1", "new");
    assert_non_null(strstr(found->because, "says 0.0.0; "));
}

TEST_ON_SITE(content_that_can_not_be_read)
{
    struct sp_detections found;
    memory_put(f, m, "site/toy/a.py", "ONE\n");
    m->unreadable = "site/toy/a.py";
    assert_fails(f, detect_all(f, m, &found), SP_ERROR_SYSTEM, "site/toy/a.py");
}
