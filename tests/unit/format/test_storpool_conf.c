/* SPDX-License-Identifier: Apache-2.0 */
#include "format/storpool_conf.h"

#include "support.h"

static struct sp_config_content *parse(struct fixture *f, const char *text)
{
    struct sp_config_content *file = sp_pool_alloc(f->pool, sizeof(*file));
    sp_storpool_parse(f->pool, "storpool.conf", SP_BYTES_STR(text), file);
    return file;
}

TEST(entries)
{
    struct sp_config_content *file = parse(f, "A = b # c\n; d\r\n[ host 1 ]\rB=c\\\nd=e\nF=\n");
    assert_null(file->fault.reason);
    assert_int_equal(file->entries.count, 3);
    assert_string_equal(file->entries.items[0].value.data, "b # c");
    assert_string_equal(file->entries.items[1].section.data, "host 1");
    assert_string_equal(file->entries.items[1].value.data, "cd=e");
    assert_int_equal(file->entries.items[1].line, 4);
    assert_int_equal(file->entries.items[1].lines, 2);
    assert_int_equal(file->entries.items[2].line, 6);
    assert_true(file->portable);
}

TEST(faults)
{
    static const char *const lines[] = {"A B=c", "export A=b", "A: b", "[a] b", "[]", "=b", "A"};
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct sp_config_content *file = parse(f, sp_pool_printf(f->pool, "X=y\n%s\n", lines[i]));
        assert_non_null(file->fault.reason);
        assert_int_equal(file->fault.line, 2);
        assert_int_equal(file->entries.count, 0);
    }
    assert_string_equal(parse(f, "A=\xff\n")->fault.reason, "not UTF-8");
}

TEST(what_other_versions_read_in_another_way)
{
    static const char *const texts[] = {"A=b",
                                        "A=b \\\nc\n",
                                        "A=b\\\nc \n",
                                        "A=b\\",
                                        "A#b=c\n",
                                        "[ ]\n",
                                        "A=\\\\x\n",
                                        "A=b\f\n",
                                        "A=\xc2\xa0"
                                        "b\n"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct sp_config_content *file = parse(f, texts[i]);
        assert_null(file->fault.reason);
        assert_false(file->portable);
    }
}

TEST(the_assignment_that_counts)
{
    sp_storpool_files files = {NULL, 0, 0};
    *SP_PUSH(f->pool, &files) = parse(f, "A=1\n[h]\nA=2\nB=3\n[H]\nA=4\n");
    assert_string_equal(sp_storpool_find(&files, "h", "A").entry->value.data, "2");
    assert_string_equal(sp_storpool_find(&files, "x", "A").entry->value.data, "1");
    assert_null(sp_storpool_find(&files, "x", "B").entry);
    /* before any section, but in a later file */
    *SP_PUSH(f->pool, &files) = parse(f, "A=5\n");
    assert_string_equal(sp_storpool_find(&files, "h", "A").entry->value.data, "5");
    assert_string_equal(sp_storpool_find(&files, "h", "B").entry->value.data, "3");
}
