/* SPDX-License-Identifier: Apache-2.0 */
#include "model/manifest.h"

#include "manifests.h"
#include "memory.h"

#define BLOB "0123456789abcdef0123456789abcdef01234567"

static const char full[] = "# a comment\n"
                           "release: newton\n"
                           "released: \"2016-10-06\"\n"
                           "status: supported\n"
                           "components:\n"
                           "  toy:\n"
                           "    versions: \">=1.0, <2.0\"\n"
                           "    probes:\n"
                           "      - {file: a.py, pattern: '^A$'}\n"
                           "      - {file: b.py, absent: '^B$'}\n"
                           "      - {file: c/d.py}\n"
                           "    requires: [other]\n"
                           "    prerequisites: [one, two.three]\n"
                           "    programs: [toyd]\n"
                           "    services: [toyd, toy-api]\n"
                           "    account: toy\n"
                           "    checksums:\n"
                           "      a.py:\n"
                           "        " BLOB ": [1.0, 1.1]\n"
                           "    layouts:\n"
                           "      - name: first\n"
                           "        when: [{file: a.py}]\n"
                           "        files:\n"
                           "          - path: new.py\n"
                           "            copy: toy/new.py\n"
                           "            marker: '^M$'\n"
                           "            legacy: {" BLOB ": older}\n"
                           "          - path: a.py\n"
                           "            edits:\n"
                           "              - name: entry\n"
                           "                within: ['^s$', '^e$']\n"
                           "                after: '^x$'\n"
                           "                text: |2\n"
                           "                    y\n"
                           "                legacy: ['^l$']\n"
                           "                foreign: ['^f$', '^g$']\n"
                           "              - name: gone\n"
                           "                legacy: ['^m$']\n"
                           "              - {name: end, append: true, text: \"z\\n\"}\n"
                           "          - path: left.py\n"
                           "            legacy: {" BLOB ": older}\n"
                           "      - name: second\n"
                           "        files:\n"
                           "          - {path: b.py, copy: b.py, marker: m}\n"
                           "  other:\n"
                           "    versions: '>=3'\n"
                           "    files: [{path: n.py, copy: n.py, marker: m}]\n";

TEST(full)
{
    struct sp_release *release = manifest_of(f, full);
    assert_string_equal(release->name, "newton");
    assert_string_equal(release->released, "2016-10-06");
    assert_string_equal(release->file, "test.yaml");
    assert_int_equal(release->support, SP_SUPPORTED);
    assert_null(release->note);
    assert_int_equal(release->components.count, 2);

    const struct sp_component *toy = sp_release_find(release, "toy");
    assert_non_null(toy);
    assert_null(sp_release_find(release, "to"));
    assert_ptr_equal(toy->release, release);
    assert_true(sp_specifier_matches(toy->versions, sp_version_parse(f->pool, "1.9")));
    assert_false(sp_specifier_matches(toy->versions, sp_version_parse(f->pool, "2.0")));
    assert_int_equal(toy->probes.count, 3);
    assert_string_equal(sp_regex_pattern(toy->probes.items[0].pattern), "^A$");
    assert_false(toy->probes.items[0].absent);
    assert_true(toy->probes.items[1].absent);
    assert_string_equal(sp_regex_pattern(toy->probes.items[1].pattern), "^B$");
    assert_string_equal(toy->probes.items[2].file, "c/d.py");
    assert_null(toy->probes.items[2].pattern);
    assert_string_equal(sp_strv_join(f->pool, &toy->requires, " "), "other");
    assert_int_equal(toy->prerequisites.count, 2);
    assert_string_equal(toy->prerequisites.items[0].name, "one");
    assert_null(toy->prerequisites.items[0].versions);
    assert_string_equal(toy->prerequisites.items[1].name, "two.three");
    assert_string_equal(sp_strv_join(f->pool, &toy->programs, " "), "toyd");
    assert_string_equal(sp_strv_join(f->pool, &toy->services, " "), "toyd toy-api");
    assert_string_equal(toy->account, "toy");
    assert_null(sp_release_find(release, "other")->account);
    assert_int_equal(toy->checksums.count, 1);
    assert_string_equal(toy->checksums.items[0].path, "a.py");
    assert_string_equal(toy->checksums.items[0].blobs.items[0].id.hex, BLOB);
    assert_string_equal(
        sp_strv_join(f->pool, &toy->checksums.items[0].blobs.items[0].versions, " "), "1.0 1.1");
}

TEST(files)
{
    const struct sp_component *toy = sp_release_find(manifest_of(f, full), "toy");
    assert_int_equal(toy->layouts.count, 2);
    const struct sp_layout *layout = &toy->layouts.items[0];
    assert_string_equal(layout->name, "first");
    assert_int_equal(layout->when.count, 1);
    assert_int_equal(toy->layouts.items[1].when.count, 0);
    assert_int_equal(layout->files.count, 3);

    const struct sp_manifest_file *file = &layout->files.items[0];
    assert_string_equal(file->path, "new.py");
    assert_string_equal(file->copy, "toy/new.py");
    assert_string_equal(sp_regex_pattern(file->marker), "^M$");
    assert_string_equal(file->legacy.items[0].id.hex, BLOB);
    assert_string_equal(file->legacy.items[0].what, "older");
    assert_int_equal(file->edits.count, 0);

    file = &layout->files.items[1];
    assert_null(file->copy);
    assert_int_equal(file->edits.count, 3);
    const struct sp_edit *edit = &file->edits.items[0];
    assert_string_equal(edit->name, "entry");
    assert_string_equal(sp_regex_pattern(edit->start), "^s$");
    assert_string_equal(sp_regex_pattern(edit->end), "^e$");
    assert_int_equal(edit->place, SP_PLACE_AFTER);
    assert_string_equal(sp_regex_pattern(edit->anchor), "^x$");
    assert_int_equal(edit->text.len, 4);
    assert_memory_equal(edit->text.data, "  y\n", 4);
    assert_int_equal(edit->legacy.count, 1);
    assert_int_equal(edit->foreign.count, 2);
    edit = &file->edits.items[1];
    assert_int_equal(edit->place, SP_PLACE_NONE);
    assert_int_equal(edit->text.len, 0);
    assert_null(edit->start);
    edit = &file->edits.items[2];
    assert_int_equal(edit->place, SP_PLACE_END);
    assert_null(edit->anchor);

    file = &layout->files.items[2];
    assert_null(file->copy);
    assert_int_equal(file->legacy.count, 1);
    /* `files:` alone is a layout without a name that always holds */
    layout = &sp_release_find(manifest_of(f, full), "other")->layouts.items[0];
    assert_null(layout->name);
    assert_int_equal(layout->when.count, 0);
}

/* ---- what is wrong -------------------------------------------------------------------------- */

#define TOP MANIFEST_HEAD "components:\n  toy:\n    versions: '>=1'\n"

/* text is refused at that line and column, with a message that has the part. */
static void bad(struct fixture *f, const char *text, const char *shown, const char *part)
{
    struct sp_release *release;
    int rc = sp_manifest_parse(f->pool, "test.yaml", SP_BYTES_STR(text), &release, &f->err);
    if (rc == 0)
        fail_msg("this was taken:\n%s", text);
    assert_int_equal(f->err.kind, SP_ERROR_REFUSED);
    const char *start = sp_pool_printf(f->pool, "test.yaml:%s: ", shown);
    if (strncmp(f->err.message, start, strlen(start)) != 0 || !strstr(f->err.message, part))
        fail_msg("'%s' and '%s' are not in '%s'", start, part, f->err.message);
    sp_error_clear(&f->err);
}

/* The same for a file of a component; lines count from the one with the file. */
static void bad_file(struct fixture *f, const char *file, unsigned line, unsigned column,
                     const char *part)
{
    bad(f, sp_pool_printf(f->pool, TOP "    files:\n%s", indented(f, file, 6)),
        sp_pool_printf(f->pool, "%u:%u", 6 + line, 6 + column), part);
}

static void bad_edit(struct fixture *f, const char *edit, unsigned column, const char *part)
{
    bad_file(f, sp_pool_printf(f->pool, "- path: a.py\n  edits:\n    - %s", edit), 3, 6 + column,
             part);
}

TEST(top)
{
    bad(f, "released: a\ncomponents: {}\n", "1:1", "'release' is missing");
    bad(f, "release: a\ncomponents: {}\n", "1:1", "'released' is missing");
    bad(f, "release: a\nreleased: b\n", "1:1", "'components' is missing");
    bad(f, "release: a\nreleased: b\ncomponents: {}\nmore: 1\n", "4:1", "more");
    bad(f, "release: a\nreleased: b\nrelease: c\n", "3:1", "release");
    bad(f, "release: a\nreleased: b\ncomponents: []\n", "3:13", "components");
    bad(f, "release: a\nreleased: b\nstatus: good\ncomponents: {}\n", "3:9", "good");
    bad(f, "release: a\nreleased: b\nstatus: included\ncomponents: {}\n", "1:1", "'note'");
    bad(f, "release: a\nreleased: b\nstatus: unsupported\nnote: ''\ncomponents: {}\n", "4:7",
        "note");
    bad(f, "release: {a: b}\n", "1:10", "release");
    bad(f, "[]\n", "1:1", "mapping");
}

TEST(component)
{
    const char *top = MANIFEST_HEAD "components:\n";
    bad(f, sp_pool_printf(f->pool, "%s  toy: {}\n", top), "4:8", "'versions' is missing");
    bad(f, sp_pool_printf(f->pool, "%s  toy: []\n", top), "4:8", "component");
    bad(f, sp_pool_printf(f->pool, "%s  toy: {versions: '>=1'}\n", top), "4:8", "'layouts'");
    bad(f, sp_pool_printf(f->pool, "%s  a/b: {versions: '>=1'}\n", top), "4:3", "a/b");
    bad(f, sp_pool_printf(f->pool, "%s  ..: {versions: '>=1'}\n", top), "4:3", "..");
    bad(f, sp_pool_printf(f->pool, "%s  toy: {versions: '>=x'}\n", top), "4:19", "versions");
    bad(f, TOP "    colour: blue\n    files: [{path: a, copy: a, marker: a}]\n", "6:5", "colour");
    bad(f, TOP "    versions: '>=2'\n", "6:5", "versions");
    bad(f, TOP "    requires: other\n", "6:15", "requires");
    bad(f, TOP "    services: [[a]]\n", "6:16", "services");
    bad(f, TOP "    services: ['']\n", "6:16", "empty");
    bad(f, TOP "    account: [a]\n    files: [{path: a, copy: a, marker: a}]\n", "6:14", "account");
    bad(f, TOP "    files: []\n    layouts: []\n", "6:12", "either");
    bad(f, TOP "    files: {}\n", "6:12", "files");
    bad(f, TOP "    layouts: [{name: a}]\n", "6:15", "'files' is missing");
    bad(f, TOP "    layouts: [{files: []}]\n", "6:15", "'name' is missing");
    bad(f, TOP "    layouts: [{name: a, files: [], then: b}]\n", "6:36", "then");
    bad(f, TOP "    checksums: [a]\n", "6:16", "checksums");
    bad(f, TOP "    checksums: {/a: {" BLOB ": [1]}}\n", "6:17", "climb");
    bad(f, TOP "    checksums: {a: {0123: [1]}}\n", "6:21", "0123");
    bad(f, TOP "    checksums: {a: {" BLOB ": 1}}\n", "6:63", "versions");
}

TEST(probes)
{
    bad(f, TOP "    probes: {file: a}\n", "6:13", "probes");
    bad(f, TOP "    probes: [a]\n", "6:14", "probe");
    bad(f, TOP "    probes: [{pattern: a}]\n", "6:14", "'file' is missing");
    bad(f, TOP "    probes: [{file: ../a}]\n", "6:21", "climb");
    bad(f, TOP "    probes: [{file: a, pattern: '('}]\n", "6:33", "pattern");
    bad(f, TOP "    probes: [{file: a, absent: '('}]\n", "6:32", "absent");
    bad(f, TOP "    probes: [{file: a, pattern: a, absent: b}]\n", "6:44", "either");
    bad(f, TOP "    probes: [{file: a, size: 1}]\n", "6:24", "size");
}

TEST(file_of_a_layout)
{
    bad_file(f, "- a", 1, 3, "file");
    bad_file(f, "- {copy: a, marker: m}", 1, 3, "'path' is missing");
    bad_file(f, "- {path: a}", 1, 3, "a file needs");
    bad_file(f, "- {path: a, copy: b, marker: m, edits: []}", 1, 40, "either");
    bad_file(f, "- {path: a, edits: [], marker: m}", 1, 32, "marker");
    bad_file(f, "- {path: a, copy: ../b, marker: m}", 1, 19, "climb");
    bad_file(f, "- {path: a/, copy: b, marker: m}", 1, 10, "climb");
    bad_file(f, "- {path: a, copy: b, marker: '['}", 1, 30, "marker");
    bad_file(f, "- {path: a, copy: b, marker: m, colour: blue}", 1, 33, "colour");
    bad_file(f, "- {path: a, legacy: []}", 1, 21, "legacy");
    bad_file(f, "- {path: a, legacy: {abc: d}}", 1, 22, "abc");
    bad_file(f, "- {path: a, legacy: {" BLOB ": ''}}", 1, 64, "empty");
    bad_file(f, "- {path: a, copy: b, marker: m}\n- {path: a, copy: c, marker: m}", 2, 3, "twice");
}

TEST(edit)
{
    bad_edit(f, "a", 1, "edit");
    bad_edit(f, "{append: true, text: \"a\\n\"}", 1, "'name' is missing");
    bad_edit(f, "{name: e}", 1, "needs 'text' or 'legacy'");
    bad_edit(f, "{name: e, text: \"a\\n\"}", 1, "go together");
    bad_edit(f, "{name: e, before: a}", 1, "go together");
    bad_edit(f, "{name: e, before: a, text: a}", 28, "whole lines");
    bad_edit(f, "{name: e, before: a, text: ''}", 28, "whole lines");
    bad_edit(f, "{name: e, before: a, text: [a]}", 28, "text");
    bad_edit(f, "{name: e, before: a, after: b, text: \"a\\n\"}", 29, "one of");
    bad_edit(f, "{name: e, before: a, append: true, text: \"a\\n\"}", 30, "one of");
    bad_edit(f, "{name: e, append: false, text: \"a\\n\"}", 19, "append");
    bad_edit(f, "{name: e, before: '(', text: \"a\\n\"}", 19, "before");
    bad_edit(f, "{name: e, within: [a], append: true, text: \"a\\n\"}", 19, "within");
    bad_edit(f, "{name: e, within: [a, b, c], append: true, text: \"a\\n\"}", 19, "within");
    bad_edit(f, "{name: e, within: a, append: true, text: \"a\\n\"}", 19, "within");
    bad_edit(f, "{name: e, within: [a, '('], append: true, text: \"a\\n\"}", 23, "within");
    bad_edit(f, "{name: e, legacy: a}", 19, "legacy");
    bad_edit(f, "{name: e, legacy: [a], foreign: ['(']}", 34, "foreign");
    bad_edit(f, "{name: e, legacy: [a], note: b}", 24, "note");
}

/* ---- several documents ---------------------------------------------------------------------- */

#define FIRST     MANIFEST_HEAD "components:\n  toy: {versions: '>=1'}\n"
#define LAYOUTS   "--- # files\ncomponents:\n  toy:\n    files: [{path: a, copy: a, marker: a}]\n"
#define CHECKSUMS "---\ncomponents:\n  toy:\n    checksums: {a.py: {" BLOB ": [1.0]}}\n"

TEST(documents_are_read_when_they_are_needed)
{
    const struct sp_release *release = manifest_of(f, FIRST LAYOUTS CHECKSUMS);
    const struct sp_component *toy = sp_release_find(release, "toy");
    assert_int_equal(toy->layouts.count, 0);
    assert_ok(f, sp_release_read_checksums(release, &f->err));
    assert_int_equal(toy->checksums.count, 1);
    assert_int_equal(toy->layouts.count, 0);
    for (int i = 0; i < 2; i++) {
        assert_ok(f, sp_release_read_layouts(release, &f->err));
        assert_int_equal(toy->layouts.count, 1);
        assert_string_equal(toy->layouts.items[0].files.items[0].path, "a");
    }
    release = manifest_of(f, FIRST LAYOUTS);
    assert_ok(f, sp_release_read_checksums(release, &f->err));
    assert_int_equal(sp_release_find(release, "toy")->checksums.count, 0);
}

/* The rest of a manifest is refused there, each time that it is read. */
static void bad_rest(struct fixture *f, const char *text, const char *shown, const char *part)
{
    const struct sp_release *release = manifest_of(f, text);
    for (int i = 0; i < 2; i++) {
        if (sp_release_read_layouts(release, &f->err) == 0 &&
            sp_release_read_checksums(release, &f->err) == 0)
            fail_msg("this was taken:\n%s", text);
        const char *start = sp_pool_printf(f->pool, "test.yaml:%s: ", shown);
        if (strncmp(f->err.message, start, strlen(start)) != 0 || !strstr(f->err.message, part))
            fail_msg("'%s' and '%s' are not in '%s'", start, part, f->err.message);
        sp_error_clear(&f->err);
    }
}

TEST(documents_that_are_wrong)
{
    bad(f, TOP "    files: [{path: a, copy: a, marker: a}]\n" LAYOUTS, "6:5", "key 'files'");
    bad(f, TOP "    checksums: {}\n" LAYOUTS, "6:5", "key 'checksums'");
    bad_rest(f, FIRST "---\n", "6:1", "a document must be a mapping");
    bad_rest(f, FIRST "---\nlayouts: {}\n", "6:1", "'components' is missing");
    bad_rest(f, FIRST "---\ncomponents: {}\n", "6:13", "'toy' is missing");
    bad_rest(f, FIRST "---\ncomponents: {toy: {}}\n", "6:19", "'files' or 'layouts'");
    bad_rest(f, FIRST LAYOUTS "  more: {files: []}\n", "9:3", "unknown key 'more'");
    bad_rest(f, FIRST LAYOUTS "more: 1\n", "9:1", "unknown key 'more'");
    bad_rest(f, FIRST LAYOUTS "    checksums: {}\n", "9:5", "unknown key 'checksums'");
    bad_rest(f, FIRST LAYOUTS "   # a comment\n\n  toy: {}\n", "11:3", "duplicate");
    bad_rest(f, FIRST LAYOUTS CHECKSUMS "    files: []\n", "13:5", "unknown key 'files'");
    bad_rest(f, FIRST LAYOUTS CHECKSUMS "---\na: b\n", "13:1", "more than one document");
}

TEST(probe_in_another_document_than_the_edit)
{
    bad_rest(f,
             MANIFEST_HEAD
             "components:\n  toy:\n    versions: '>=1'\n"
             "    probes: [{file: a.py, pattern: '^x$'}]\n"
             "---\ncomponents:\n  toy:\n    files:\n"
             "      - {path: a.py, edits: [{name: e, after: '^x$', text: \"y\\n\"}]}\n",
             "6:14", "the probe goes by a line");
}

/* ---- all of a directory --------------------------------------------------------------------- */

static const char *named(struct fixture *f, const char *release, const char *released,
                         const char *component)
{
    return sp_pool_printf(f->pool,
                          "release: %s\nreleased: %s\nstatus: included\nnote: n\n"
                          "components: {%s: {versions: '>=1'}}\n",
                          release, released, component);
}

TEST_ON_MEMORY(load)
{
    struct sp_manifests all;
    memory_put(f, m, "manifests/a.yaml", named(f, "old", "2016-04-07", "toy"));
    memory_put(f, m, "manifests/b.yaml", named(f, "new", "2017-08-30", "zebra"));
    memory_put(f, m, "manifests/c.yaml", named(f, "middle", "2016-10-06", "ant"));
    memory_put(f, m, "manifests/README", "{");
    memory_put(f, m, "manifests/a.yaml~", "{");
    memory_put(f, m, "manifests/.yaml", "{");
    memory_put(f, m, "drivers/d.yaml", "{");
    assert_ok(f, sp_manifests_load(f->pool, &m->tree, &all, &f->err));
    assert_int_equal(all.releases.count, 3);
    assert_string_equal(all.releases.items[0]->name, "new");
    assert_string_equal(all.releases.items[1]->name, "middle");
    assert_string_equal(all.releases.items[2]->name, "old");
    assert_string_equal(all.releases.items[2]->file, "memory/manifests/a.yaml");
    assert_string_equal(sp_strv_join(f->pool, &all.components, " "), "ant toy zebra");
}

TEST_ON_MEMORY(load_nothing)
{
    struct sp_manifests all;
    memory_put(f, m, "manifests/README", "");
    assert_fails(f, sp_manifests_load(f->pool, &m->tree, &all, &f->err), SP_ERROR_REFUSED,
                 "memory/manifests");
}

TEST_ON_MEMORY(load_release_twice)
{
    struct sp_manifests all;
    memory_put(f, m, "manifests/a.yaml", named(f, "one", "2016-04-07", "toy"));
    memory_put(f, m, "manifests/b.yaml", named(f, "one", "2016-10-06", "toy"));
    assert_fails(f, sp_manifests_load(f->pool, &m->tree, &all, &f->err), SP_ERROR_REFUSED,
                 "memory/manifests/b.yaml");
}

TEST_ON_MEMORY(load_too_large)
{
    struct sp_manifests all;
    char *text = sp_pool_alloc(f->pool, SP_MAX_MANIFEST + 2);
    memset(text, '#', SP_MAX_MANIFEST + 1);
    memory_put(f, m, "manifests/a.yaml", text);
    assert_fails(f, sp_manifests_load(f->pool, &m->tree, &all, &f->err), SP_ERROR_REFUSED,
                 "memory/manifests/a.yaml is larger");
}

TEST_ON_MEMORY(driver)
{
    struct sp_manifests all;
    struct sp_bytes text;
    memory_put(f, m, "manifests/a.yaml", full);
    memory_put(f, m, "drivers/toy/new.py", "NEW\n");
    assert_ok(f, sp_manifests_load(f->pool, &m->tree, &all, &f->err));
    assert_ok(f, sp_manifests_driver(f->pool, &all, "toy/new.py", &text, &f->err));
    assert_string_equal(text.data, "NEW\n");
    assert_fails(f, sp_manifests_driver(f->pool, &all, "b.py", &text, &f->err), SP_ERROR_REFUSED,
                 "memory/drivers/b.py");
}

TEST_ON_MEMORY(wanted)
{
    struct sp_manifests all;
    sp_strv wanted = {NULL, 0, 0};
    memory_put(f, m, "manifests/a.yaml", full);
    assert_ok(f, sp_manifests_load(f->pool, &m->tree, &all, &f->err));
    assert_ok(f, sp_manifests_wanted(f->pool, &all, &wanted, &f->err));
    static const char *const names[] = {"a.py", "b.py", "c/d.py", "new.py", "left.py", "n.py"};
    for (size_t i = 0; i < COUNT(names); i++)
        if (!sp_strv_has(&wanted, names[i]))
            fail_msg("%s is not wanted", names[i]);
    assert_int_equal(wanted.count, COUNT(names)); /* each of them once */
}

TEST(support_names)
{
    assert_string_equal(sp_support_name(SP_SUPPORTED), "supported");
    assert_string_equal(sp_support_name(SP_INCLUDED), "included");
    assert_string_equal(sp_support_name(SP_UNSUPPORTED), "unsupported");
}
