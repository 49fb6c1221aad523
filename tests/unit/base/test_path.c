/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include "base/utf8.h"
#include "support.h"

TEST(safe_relative)
{
    static const char *const safe[] = {"a",     "a/b.py",     "...",     "..a/b..", ".a",
                                       "a b/c", "\xc3\xa9/x", "a/.../b", "-x"};
    static const char *const unsafe[] = {
        "",      "/",        "/a",     "a/",           "a//b",     ".",           "..",
        "../a",  "a/..",     "a/../b", "a/./b",        "./a",      "a\\b",        "a\nb",
        "a\x7f", "a\x1b[0m", "a\xff",  "a\xc0\xaf/..", "\xc2\x85", "\xed\xa0\x80"};
    for (size_t i = 0; i < COUNT(safe); i++)
        if (!sp_path_is_safe_relative(safe[i]))
            fail_msg("'%s' is safe", safe[i]);
    for (size_t i = 0; i < COUNT(unsafe); i++)
        if (sp_path_is_safe_relative(unsafe[i]))
            fail_msg("'%s' is not safe", unsafe[i]);
}

TEST(join)
{
    static const struct {
        const char *a, *b, *joined;
    } vectors[] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"a", "/b", "a/b"},  {"a/", "/b", "a/b"},
        {"", "b", "b"},    {"", "/b", "/b"},   {"a", "", "a"},      {"", "", ""},
        {"/", "b", "/b"},  {"/", "/b", "/b"},  {"a", "//b", "a/b"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++)
        assert_string_equal(sp_path_join(f->pool, vectors[i].a, vectors[i].b), vectors[i].joined);
}

TEST(dirname_and_basename)
{
    static const struct {
        const char *path, *dirname, *basename;
    } vectors[] = {
        {"a", "", "a"},  {"/a", "/", "a"}, {"a/b", "a", "b"}, {"/a/b/c", "/a/b", "c"},
        {"a/", "a", ""}, {"", "", ""},     {"/", "/", ""},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        assert_string_equal(sp_path_dirname(f->pool, vectors[i].path), vectors[i].dirname);
        assert_string_equal(sp_path_basename(vectors[i].path), vectors[i].basename);
    }
}

TEST(suffix_at_component_border)
{
    assert_true(sp_path_has_suffix("a/b/c.py", "b/c.py"));
    assert_true(sp_path_has_suffix("a/b/c.py", "c.py"));
    assert_true(sp_path_has_suffix("b/c.py", "b/c.py"));
    assert_false(sp_path_has_suffix("a/bb/c.py", "b/c.py"));
    assert_false(sp_path_has_suffix("c.py", "b/c.py"));
    assert_false(sp_path_has_suffix("a/b/c.pyc", "c.py"));
    assert_false(sp_path_has_suffix("ab", "b"));
}

/* The borders of table 3-7 of the Unicode standard, which RFC 3629 repeats as a grammar. */
TEST(stem)
{
    assert_string_equal(sp_path_stem(f->pool, "nova-compute.conf", ".conf"), "nova-compute");
    assert_string_equal(sp_path_stem(f->pool, "nova-compute", ""), "nova-compute");
    assert_string_equal(sp_path_stem(f->pool, "a.conf.conf", ".conf"), "a.conf");
    assert_null(sp_path_stem(f->pool, "nova-compute.service", ".conf"));
    assert_null(sp_path_stem(f->pool, ".conf", ".conf"));
    assert_null(sp_path_stem(f->pool, "f", ".conf"));
    assert_null(sp_path_stem(f->pool, "", ""));
}

TEST(utf8)
{
    static const struct {
        const char *bytes;
        size_t len, first;
    } vectors[] = {
        {"", 0, 0},
        {"\0", 1, 1},
        {"\x7f", 1, 1},
        {"\x80", 1, 0},
        {"\xc1\xbf", 2, 0},
        {"\xc2\x80", 2, 2},
        {"\xdf\xbf", 2, 2},
        {"\xc2\x7f", 2, 0},
        {"\xc2\xc0", 2, 0},
        {"\xc2", 1, 0},
        {"\xc2\x80", 1, 0}, /* the second byte is there, but not counted */
        {"\xe0\x9f\xbf", 3, 0},
        {"\xe0\xa0\x80", 3, 3},
        {"\xed\x9f\xbf", 3, 3},
        {"\xed\xa0\x80", 3, 0},
        {"\xee\x80\x80", 3, 3},
        {"\xef\xbf\xbf", 3, 3},
        {"\xe1\x80\x7f", 3, 0},
        {"\xe1\x80\xc0", 3, 0},
        {"\xe1\x80", 2, 0},
        {"\xf0\x8f\xbf\xbf", 4, 0},
        {"\xf0\x90\x80\x80", 4, 4},
        {"\xf4\x8f\xbf\xbf", 4, 4},
        {"\xf4\x90\x80\x80", 4, 0},
        {"\xf5\x80\x80\x80", 4, 0},
        {"\xf1\x80\x80\x7f", 4, 0},
        {"\xf1\x80\x80", 3, 0},
        {"\xff", 1, 0},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        if (sp_utf8_length(vectors[i].bytes, vectors[i].len) != vectors[i].first)
            fail_msg("vector %zu", i);
        assert_int_equal(sp_utf8_is_valid(vectors[i].bytes, vectors[i].len),
                         vectors[i].first == vectors[i].len);
    }
    assert_true(sp_utf8_is_valid("a\xc3\xa9z", 4));
    assert_false(sp_utf8_is_valid("a\xc3\xa9z\xc3", 5));
}

TEST(printable)
{
    assert_true(sp_path_is_printable("a b~\xc3\xa9"));
    assert_true(sp_path_is_printable(""));
    assert_true(sp_path_is_printable("\xc2\xa0"));
    assert_false(sp_path_is_printable("a\tb"));
    assert_false(sp_path_is_printable("a\x7f"));
    assert_false(sp_path_is_printable("\xc2\x9f"));
    assert_false(sp_path_is_printable("\xc3"));
}
