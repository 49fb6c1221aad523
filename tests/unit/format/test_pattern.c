/* SPDX-License-Identifier: Apache-2.0 */
#include "format/pattern.h"

#include <stdio.h>

#include "format/regex.h"
#include "support.h"

/* kind: p plain, ^ and $ at its ends; b balanced; "" neither */
static void assert_reads(struct fixture *f, const char *text, const char *literal, const char *kind)
{
    struct sp_pattern pattern;
    char found[8];
    sp_pattern_read(f->pool, text, &pattern);
    snprintf(found, sizeof(found), "%s%s%s%s", pattern.is_plain && pattern.at_line_start ? "^" : "",
             pattern.is_plain ? "p" : "", pattern.is_plain && pattern.at_line_end ? "$" : "",
             pattern.is_balanced && !pattern.is_plain ? "b" : "");
    struct sp_bytes bytes = {literal, strlen(literal)};
    if (!sp_bytes_equal(pattern.literal, bytes) || strcmp(found, kind) != 0)
        fail_msg("%s: '%.*s' %s", text, (int)pattern.literal.len, pattern.literal.data, found);
}

TEST(plain_text_is_known_as_such)
{
    assert_reads(f, "ab", "ab", "p");
    assert_reads(f, "^ab", "ab", "^p");
    assert_reads(f, "ab$", "ab", "p$");
    assert_reads(f, "^\\]$", "]", "^p$");
    assert_reads(f, "^]$", "]", "^p$");
    assert_reads(f, "^    'a=b\\.c',$", "    'a=b.c',", "^p$");
    assert_reads(f, "a\\nb", "a\nb", "p");
    assert_reads(f, "a\\$", "a$", "p");
    assert_reads(f, "a #b", "a #b", "p");
    assert_reads(f, "\\_\\ \\{", "_ {", "p");
    assert_reads(f, "", "", "b");
    assert_reads(f, "^$", "", "b");
}

TEST(longest_run_of_bytes_that_must_be_there)
{
    assert_reads(f, "^\\s*['\"]storpool=", "storpool=", "b");
    assert_reads(f, "^STORPOOL\\b", "STORPOOL", "b");
    assert_reads(f, "abc.de", "abc", "b");
    assert_reads(f, "ab.cde", "cde", "b");
    assert_reads(f, "abc?d", "ab", "b");
    assert_reads(f, "abc*?d", "ab", "b");
    assert_reads(f, "abc+d", "abc", "b");
    assert_reads(f, "a+bc", "bc", "b");
    assert_reads(f, "ab{2}", "a", "b");
    assert_reads(f, "ab{0,}cd", "cd", "b");
    assert_reads(f, "abcd{2,3}e", "abc", "b");
    assert_reads(f, "(abcd)?ef", "ef", "b");
    assert_reads(f, "(ab(c|d)e)*", "", "b");
    assert_reads(f, "a(?!bcd)e", "a", "b");
    assert_reads(f, "a(?<=bcd)e", "a", "b");
    assert_reads(f, "a(b)?(?(1)cde)", "a", "b");
    assert_reads(f, "[]abc]d[^]abc\\]]", "d", "b");
    assert_reads(f, "a^b", "a", "b");
    assert_reads(f, "a$b", "a", "b");
    assert_reads(f, "(?x) a\\ b # cdef ]\n cd", "a bcd", "b");
    assert_reads(f, "(?x) ab\n +c", "ab", "b");
    assert_reads(f, "(?x) ab ?c", "a", "b");
    assert_reads(f, "(?x) ab # (\n *c", "a", "b");
}

static void assert_prefix(struct fixture *f, const char *text, const char *prefix, bool line)
{
    struct sp_pattern pattern;
    sp_pattern_read(f->pool, text, &pattern);
    if (!sp_bytes_equal(pattern.prefix, SP_BYTES_STR(prefix)) || pattern.at_line_start != line)
        fail_msg("%s: '%.*s'", text, (int)pattern.prefix.len, pattern.prefix.data);
}

TEST(run_that_a_match_begins_with)
{
    assert_prefix(f, "^STORPOOL\\b", "STORPOOL", true);
    assert_prefix(f, "ab$", "ab", false);
    assert_prefix(f, "ab?cdef", "a", false);
    assert_prefix(f, "a*bc", "", false);
    assert_prefix(f, ".abc", "", false);
    assert_prefix(f, "(?:b)?abc", "", false);
    assert_prefix(f, "(?x) ab (c)", "ab", false);
    assert_prefix(f, "(?x)^ ab (c)", "ab", true);
    assert_prefix(f, "ab|c", "", false);
    assert_prefix(f, "\\Kab", "", false);
    assert_prefix(f, "^^ab", "", true);
}

TEST(choice_has_no_such_bytes)
{
    assert_reads(f, "ab|cd", "", "b");
    assert_reads(f, "^ab|cd$", "", "b");
    assert_reads(f, "(ab|cd)e", "e", "b");
}

/* Each of them could make a run of bytes optional, or change its meaning. */
TEST(unknown_syntax_is_left_to_pcre2)
{
    static const char *const patterns[] = {
        "ab{,1}",   "a{,2}b",        "(?i)ab",      "a(?i)b",   "a(?x: b)",  "(*ACCEPT)ab",
        "a(*F)|b",  "\\Qa?\\E",      "[\\Qa]b\\E]", "a\\x41",   "a\\101",    "a\\cA",
        "(a)\\1",   "a\\g{1}",       "a(?#b)c",     "a(?C1)b",  "(?<n>a)b",  "a(?R)?",
        "ab\\",     "a\\E?",         "ab)",         "(ab",      "a)(?:b",    "[ab",
        "[[:a:]]b", "(?(?=a)b|c)ab", "(?x)ab # c",  "a(?'n'b)", "(?(R)a)bc", "[a\\",
        "a\\G",     "a(?<=\\Ka)",    "(?",          "(?<",      "(?(1",      "a\xff\\\xff"};
    for (size_t i = 0; i < COUNT(patterns); i++)
        assert_reads(f, patterns[i], "", "");
}

/* ---- the same matches as PCRE2 finds ------------------------------------------------------- */

static uint32_t state = 1;

static uint32_t next_random(uint32_t below) /* xorshift, Marsaglia 2003 */
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % below;
}

static const char *make_text(char *out, size_t size, const char *const *parts, uint32_t count)
{
    *out = '\0';
    for (uint32_t i = next_random(7); i > 0; i--) {
        const char *part = parts[next_random(count)];
        if (strlen(out) + strlen(part) + 1 < size)
            strcat(out, part);
    }
    return out;
}

/* In a group nothing of a pattern is known: it is PCRE2 alone that searches. */
static void assert_same(struct fixture *f, const char *pattern, const char *text)
{
    struct sp_regex *known = NULL, *unknown = NULL;
    struct sp_span a[4], b[4];
    struct sp_bytes subject = SP_BYTES_STR(text);
    struct sp_span range = {subject.len / 4, subject.len - subject.len / 5};
    const char *group = sp_pool_printf(f->pool, "(?:%s)", pattern);
    if (sp_regex_compile(f->pool, pattern, &known, &f->err) < 0) {
        struct sp_pattern read;
        sp_pattern_read(f->pool, pattern, &read);
        assert_false(read.is_plain);
        sp_error_clear(&f->err);
        return;
    }
    assert_ok(f, sp_regex_compile(f->pool, group, &unknown, &f->err));
    for (int i = 0; i < 2; i++, range = (struct sp_span){0, subject.len}) {
        int count = sp_regex_find(known, subject, range, a, COUNT(a), &f->err);
        int other = sp_regex_find(unknown, subject, range, b, COUNT(b), &f->err);
        if (count != other || (count > 0 && memcmp(a, b, (size_t)count * sizeof(*a)) != 0))
            fail_msg("'%s' in '%s' from %zu to %zu: %d and %d", pattern, text, range.start,
                     range.end, count, other);
        sp_error_clear(&f->err);
    }
}

TEST(searches_find_what_pcre2_finds)
{
    static const char *const items[] = {"a",   "b",  "ab", "\\n",  "^",    "$",     "?",  "*",
                                        "+",   "|",  "(",  ")",    "[ab]", "[^]b]", ".",  "\\b",
                                        "\\.", "\n", " ",  "(?!a", "(?=b", "(?:b)", "{2}"},
                             *const texts[] = {"a", "b", "\n", "ab", ".", " ", "aab\n"};
    char pattern[64], text[64];
    for (int i = 0; i < 20000; i++) {
        const char *extended = next_random(8) == 0 ? "(?x)" : "";
        make_text(pattern, sizeof(pattern), items, COUNT(items));
        make_text(text, sizeof(text), texts, COUNT(texts));
        assert_same(f, sp_pool_printf(f->pool, "%s%s", extended, pattern), text);
    }
}
