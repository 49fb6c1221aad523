/* SPDX-License-Identifier: Apache-2.0 */
#include "format/regex.h"

#include <stdio.h>
#include <time.h>

#include "support.h"

static struct sp_regex *compile(struct fixture *f, const char *pattern)
{
    struct sp_regex *regex = NULL;
    assert_ok(f, sp_regex_compile(f->pool, pattern, &regex, &f->err));
    return regex;
}

/* expected: "0-1 4-6" */
static void assert_finds_bytes(struct fixture *f, const char *pattern, struct sp_bytes subject,
                               size_t from, size_t to, const char *expected)
{
    struct sp_span spans[8];
    int count = sp_regex_find(compile(f, pattern), subject, (struct sp_span){from, to}, spans,
                              COUNT(spans), &f->err);
    if (count < 0)
        fail_msg("%s: %s", pattern, f->err.message);
    struct sp_buffer found = SP_BUFFER_INIT;
    for (int i = 0; i < count; i++)
        sp_buffer_printf(&found, "%s%zu-%zu", i ? " " : "", spans[i].start, spans[i].end);
    if (strcmp(sp_buffer_str(&found), expected) != 0)
        fail_msg("%s: '%s', not '%s'", pattern, sp_buffer_str(&found), expected);
    sp_buffer_free(&found);
}

static void assert_finds(struct fixture *f, const char *pattern, const char *subject, size_t from,
                         size_t to, const char *expected)
{
    assert_finds_bytes(f, pattern, SP_BYTES_STR(subject), from, to, expected);
}

TEST(finds_all)
{
    assert_finds(f, "ab", "abxab", 0, 5, "0-2 3-5");
    assert_finds(f, "aa", "aaaaa", 0, 5, "0-2 2-4");
    assert_finds(f, "c", "abxab", 0, 5, "");
    assert_finds(f, "a|ab", "abab", 0, 4, "0-1 2-3");
    assert_finds(f, "", "ab", 0, 2, "0-0 1-1 2-2");
    assert_finds(f, "b*", "abb", 0, 3, "0-0 1-3 3-3");
    assert_finds(f, "a\\Kb", "abab", 0, 4, "1-2 3-4");
}

TEST(lines)
{
    assert_finds(f, "^b$", "a\nb\nb", 0, 5, "2-3 4-5");
    assert_finds(f, "^", "a\n\nb\n", 0, 5, "0-0 2-2 3-3");
    assert_finds(f, "$", "a\n", 0, 2, "1-1 2-2");
    assert_finds(f, "a.b", "a\nb", 0, 3, ""); /* not DOTALL */
    assert_finds(f, "^b", "a\rb", 0, 3, "");  /* only \n ends a line */
    assert_finds(f, "a$", "a\r\n", 0, 3, "");
    assert_finds(f, "a.b", "a\rb", 0, 3, "0-3");
    assert_finds(f, "A", "a", 0, 1, "");
}

TEST(subjects_are_bytes)
{
    assert_finds_bytes(f, "\\xff.\\x00", (struct sp_bytes){"a\xff\xfe\0z", 5}, 0, 5, "1-4");
    assert_finds(f, "^.$", "\xc3\xa9", 0, 2, ""); /* two bytes, not one character */
    assert_finds(f, "\\w", "\xc3\xa9", 0, 2, "");
    assert_finds_bytes(f, "a*", (struct sp_bytes){NULL, 0}, 0, 0, "0-0");
}

TEST(range_limits_matches_not_context)
{
    assert_finds(f, "a", "aaaa", 1, 3, "1-2 2-3");
    assert_finds(f, "(?<=a)b(?=c)", "abc", 1, 2, "1-2");
    assert_finds(f, "^b", "ab", 1, 2, ""); /* no line begins where the range does */
    assert_finds(f, "a$", "ab", 0, 1, ""); /* nor ends */
    assert_finds(f, "^b$", "a\nb\n", 2, 3, "2-3");
    assert_finds(f, "\\bb", "ab", 1, 2, "");
    assert_finds(f, "$", "ab\n", 0, 2, "2-2"); /* an empty match at the end of the range */
    assert_finds(f, "b", "ab", 0, 1, "");
    assert_finds(f, "a", "a", 1, 0, "");
    assert_finds(f, "", "a", 0, 99, "0-0 1-1"); /* the range ends with the subject */
}

TEST(match_is_shortened_to_the_range)
{
    assert_finds(f, "a+", "aaaa", 0, 3, "0-3");
    assert_finds(f, "ab|a", "ab", 0, 1, "0-1");
    assert_finds(f, "x|(ab|a)|y", "ab", 0, 1, "0-1");
    assert_finds(f, "a.*\n", "a\na\n", 0, 3, "0-2");
    assert_finds(f, "a++", "aaaa", 0, 3, ""); /* gives nothing back */
    assert_finds(f, "abc", "ababc", 0, 4, "");
}

TEST(stops_at_max)
{
    struct sp_span spans[3] = {{9, 9}, {9, 9}, {9, 9}};
    const struct sp_regex *regex = compile(f, "a");
    assert_int_equal(
        sp_regex_find(regex, SP_BYTES_STR("aaaa"), (struct sp_span){0, 4}, spans, 2, &f->err), 2);
    assert_int_equal(spans[1].start, 1);
    assert_int_equal(spans[2].start, 9);
    assert_int_equal(
        sp_regex_find(regex, SP_BYTES_STR("aaaa"), (struct sp_span){0, 4}, spans, 0, &f->err), 0);
}

TEST(test)
{
    const struct sp_regex *regex = compile(f, "^b+$");
    assert_string_equal(sp_regex_pattern(regex), "^b+$");
    assert_int_equal(sp_regex_test(regex, SP_BYTES_STR("a\nbb\n"), &f->err), 1);
    assert_int_equal(sp_regex_test(regex, SP_BYTES_STR("a\nbc\n"), &f->err), 0);
    assert_int_equal(sp_regex_test(regex, SP_BYTES_STR(""), &f->err), 0);
    assert_false(sp_error_is_set(&f->err));
}

TEST(bad_patterns)
{
    static const struct {
        const char *pattern, *part;
    } vectors[] = {
        {"a(b", "pattern 'a(b': "},
        {"a(b", " at offset 3"},
        {"a)(?:b", "pattern 'a)(?:b': "}, /* balanced only inside of a group */
        {"a)|(b", "pattern 'a)|(b': "},
        {"*", "pattern '*': "},
        {"[z-a]", " at offset "},
        {"(*UTF)a", "pattern '(*UTF)a': "},
        {"(*CRLF)a", "(*CRLF)a"},
        {"a\x1b(", "pattern 'a\\x1b(': "},
        {"(((((((a{1,1000}){1,1000}){1,1000}){1,1000}){1,1000}){1,1000}){1,1000})", "pattern '"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_regex *regex = NULL;
        assert_fails(f, sp_regex_compile(f->pool, vectors[i].pattern, &regex, &f->err),
                     SP_ERROR_REFUSED, vectors[i].part);
        assert_null(regex);
    }
}

/* Each of these runs for minutes or more without the limits. */
TEST(work_is_bounded)
{
    size_t len = (size_t)8 << 20;
    char *letters = malloc(len), *lines = malloc(len);
    memset(letters, 'a', len);
    for (size_t i = 0; i < len; i++) /* no line of it reaches PCRE2's own limit */
        lines[i] = i % 18 == 17 ? '\n' : i % 18 == 16 ? '!' : 'a';
    const struct {
        const char *pattern, *subject;
    } vectors[] = {
        {"(a+)+!", letters},    {"\\w+;", letters},   {".*x", letters},
        {"a{50000}b", letters}, {"(a|a)*x", letters}, {"(?:a?){500}a{500}b", letters},
        {"(a+)\\1+b", letters}, {"^(a+)+$", lines},   {"(?:.|\\n)*x", lines},
        {"a++;", letters},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_span span;
        clock_t start = clock();
        int count = sp_regex_find(compile(f, vectors[i].pattern),
                                  (struct sp_bytes){vectors[i].subject, len},
                                  (struct sp_span){0, len}, &span, 1, &f->err);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        if (seconds > 20) /* well under one; a sanitizer and valgrind take their time */
            fail_msg("%s took %.1f s", vectors[i].pattern, seconds);
        if (count != 0) /* an optimization of PCRE2 may tell at once that there is no match */
            assert_fails(f, count, SP_ERROR_REFUSED, vectors[i].pattern + 1);
        sp_error_clear(&f->err);
    }
    free(letters);
    free(lines);
}

/* A plain pattern that nearly fits everywhere. */
TEST(work_on_plain_text_is_bounded)
{
    size_t len = (size_t)8 << 20, part = 20000;
    char *letters = malloc(len), *pattern = malloc(part + 1);
    memset(letters, 'a', len);
    memset(pattern, 'a', part);
    pattern[0] = '^';
    pattern[part] = '\0';
    letters[0] = 'b';
    assert_fails(f, sp_regex_test(compile(f, pattern), (struct sp_bytes){letters, len}, &f->err),
                 SP_ERROR_REFUSED, "match limit exceeded");
    free(letters);
    free(pattern);
}

TEST(exponential_pattern_is_an_error)
{
    assert_fails(f,
                 sp_regex_test(compile(f, "^(a+)+$"),
                               SP_BYTES_STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"), &f->err),
                 SP_ERROR_REFUSED, "pattern '^(a+)+$': ");
}

/* What a manifest may ask for of the largest file, at the edge: a run over all of its 405 kB. */
TEST(honest_work_is_done)
{
    size_t len = 405000;
    char *text = malloc(len);
    for (size_t i = 0; i < len; i++)
        text[i] = i % 50 == 49 ? '\n' : 'x';
    text[len - 2] = ';';
    struct sp_bytes subject = {text, len};
    static const char *const patterns[] = {"^x[\\s\\S]*?;$", "x(?:.*\\n)*?x*;$",
                                           "^x(?:[^\\n;]*\\n)*+x*;", ";"};
    for (size_t i = 0; i < COUNT(patterns); i++) {
        int found = sp_regex_test(compile(f, patterns[i]), subject, &f->err);
        if (found != 1)
            fail_msg("%s: %s", patterns[i], found < 0 ? f->err.message : "no match");
    }
    free(text);
}
