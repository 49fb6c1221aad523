/* SPDX-License-Identifier: Apache-2.0 */
/* The first line is a pattern, the rest the subject, of which the middle is searched too. */
#include <string.h>

#include "format/regex.h"
#include "fuzz.h"

enum {
    MAX_SPANS = 16
};

/* In a group nothing of a pattern is known beforehand: PCRE2 by itself finds the same. One of them
 * may come to a limit first. */
static void check_same(const struct sp_regex *alone, struct sp_bytes subject, struct sp_span range,
                       const struct sp_span *spans, int count)
{
    struct sp_error err = SP_ERROR_INIT;
    struct sp_span others[MAX_SPANS];
    int other = sp_regex_find(alone, subject, range, others, MAX_SPANS, &err);
    CHECK(other == count || other == -1 || count == -1);
    for (int i = 0; i < count && other == count; i++)
        CHECK(spans[i].start == others[i].start && spans[i].end == others[i].end);
    sp_error_clear(&err);
}

static void check_find(const struct sp_regex *regex, const struct sp_regex *alone,
                       struct sp_bytes subject, size_t from, size_t to)
{
    struct sp_error err = SP_ERROR_INIT;
    struct sp_span spans[MAX_SPANS];
    int count = sp_regex_find(regex, subject, (struct sp_span){from, to}, spans, MAX_SPANS, &err);
    CHECK(count >= -1 && count <= MAX_SPANS && (count == -1) == sp_error_is_set(&err));
    for (int i = 0; i < count; i++) {
        CHECK(spans[i].start >= from && spans[i].start <= spans[i].end && spans[i].end <= to);
        CHECK(i == 0 || spans[i].start >= spans[i - 1].end);
    }
    sp_error_clear(&err);
    if (alone)
        check_same(alone, subject, (struct sp_span){from, to}, spans, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_pool *pool = sp_pool_new();
    struct sp_error err = SP_ERROR_INIT;
    struct sp_regex *regex = NULL, *alone = NULL;
    const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
    size_t len = newline ? (size_t)(newline - data) : size, rest = newline ? len + 1 : len;
    const char *pattern = sp_pool_memdup(pool, data, len);
    if (sp_regex_compile(pool, pattern, &regex, &err) == 0) {
        struct sp_error ignored = SP_ERROR_INIT; /* with the group it may be too large */
        if (sp_regex_compile(pool, sp_pool_printf(pool, "(?:%s)", pattern), &alone, &ignored) < 0)
            alone = NULL;
        sp_error_clear(&ignored);
        struct sp_bytes subject = {(const char *)data + rest, size - rest};
        check_find(regex, alone, subject, 0, subject.len);
        check_find(regex, alone, subject, subject.len / 4, subject.len - subject.len / 4);
    } else {
        CHECK(err.kind == SP_ERROR_REFUSED);
    }
    sp_error_clear(&err);
    sp_pool_free(pool);
    return 0;
}
