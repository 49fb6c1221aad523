/* SPDX-License-Identifier: Apache-2.0 */
#include "format/regex.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/path.h"

/* PCRE2's match limit counts anew at every place where a match may start, so it does not bound a
 * search over a long subject. A callout at every item of the pattern (PCRE2_AUTO_CALLOUT) does: it
 * counts the items tried and the bytes passed, for the whole search, and is the same on every
 * machine. See pcre2callout(3) and pcre2api(3). */
enum {
    WORK_LIMIT = 5000000, /* items tried; some 0.1 s */
    BYTES_PER_ITEM = 16,  /* a run of so many bytes ("\w+") counts like one item */
    MATCH_LIMIT = 5000000,
    HEAP_LIMIT = 64 * 1024, /* KiB */
    /* Before 10.30 a level of depth is a frame of some 500 bytes on the C stack. */
    OLD_DEPTH_LIMIT = 5000,
    DEPTH_LIMIT = 1000000
};

#define GROUP_FORMAT "(?:%s)"

/* No pattern may switch to UTF, and a repeat at the end must be able to give back what lies beyond
 * the range that is searched (PCRE2 would make it possessive). */
#define OPTIONS                                                                                    \
    (PCRE2_MULTILINE | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_AUTO_CALLOUT |                    \
     PCRE2_NO_AUTO_POSSESS)

struct sp_regex {
    const char *pattern;
    size_t end; /* of the compiled text */
    pcre2_code *code;
    pcre2_match_context *context;
    pcre2_match_data *match; /* of the latest search: overwritten by the next one */
};

/* One search, as the callout sees it. */
struct search {
    size_t pattern_end;
    size_t to;       /* matches must not end after it */
    size_t position; /* in the subject, of the latest callout */
    size_t work;
};

/* Returns 0 to go on, 1 to make the matching backtrack, a negative PCRE2 error to end it. */
static int callout(pcre2_callout_block *block, void *data)
{
    struct search *search = data;
    size_t from = search->position, at = block->current_position;
    search->position = at;
    search->work += 1 + (at > from ? at - from : from - at) / BYTES_PER_ITEM;
    if (search->work > WORK_LIMIT)
        return PCRE2_ERROR_MATCHLIMIT;
    if (block->start_match > search->to)
        return PCRE2_ERROR_NOMATCH;
    /* the pattern is done: a match that ends too late is none, there may be a shorter one */
    bool complete = block->pattern_position == search->pattern_end;
    return complete && at > search->to;
}

static void regex_free(void *data)
{
    struct sp_regex *regex = data;
    pcre2_match_data_free(regex->match);
    pcre2_match_context_free(regex->context);
    pcre2_code_free(regex->code);
}

static int pattern_error(struct sp_error *err, const char *pattern, const char *reason)
{
    /* as it is where a terminal allows it: backslashes are not doubled then */
    SP_CLEANUP_FREE char *shown =
        sp_path_is_printable(pattern) ? sp_xstrdup(pattern) : sp_escape_alloc(pattern);
    return sp_error_set(err, SP_ERROR_REFUSED, "pattern '%s': %s", shown, reason);
}

/* Sets what PCRE2's error code means. */
static int pcre2_error(struct sp_error *err, const char *pattern, int code)
{
    PCRE2_UCHAR reason[256];
    if (pcre2_get_error_message(code, reason, sizeof(reason)) == PCRE2_ERROR_BADDATA)
        return pattern_error(err, pattern, "PCRE2 gives no reason");
    return pattern_error(err, pattern, (const char *)reason);
}

static pcre2_code *compile(const char *text, struct sp_error *err)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context)
        sp_out_of_memory();
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    int code = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)text, strlen(text), OPTIONS, &code, &offset, context);
    pcre2_compile_context_free(context);
    if (!compiled) {
        pcre2_error(err, text, code);
        sp_error_suffix(err, " at offset %zu", (size_t)offset);
    }
    return compiled;
}

/* Compiles "(?:PATTERN)", so that there is one place where every alternative ends. PATTERN by
 * itself is tried first: for the error message, and since "a)(?:b" would pass. */
static pcre2_code *compile_group(const char *pattern, struct sp_error *err)
{
    pcre2_code *compiled = compile(pattern, err);
    if (!compiled)
        return NULL;
    pcre2_code_free(compiled);
    struct sp_buffer group = SP_BUFFER_INIT;
    sp_buffer_printf(&group, GROUP_FORMAT, pattern);
    compiled = compile(sp_buffer_str(&group), err);
    sp_buffer_free(&group);
    return compiled;
}

static void set_limits(pcre2_match_context *context)
{
    pcre2_set_match_limit(context, MATCH_LIMIT);
#if PCRE2_MAJOR > 10 || PCRE2_MINOR >= 30
    pcre2_set_depth_limit(context, DEPTH_LIMIT);
    pcre2_set_heap_limit(context, HEAP_LIMIT);
#else
    pcre2_set_recursion_limit(context, OLD_DEPTH_LIMIT);
#endif
}

int sp_regex_compile(struct sp_pool *pool, const char *pattern, struct sp_regex **out,
                     struct sp_error *err)
{
    pcre2_code *code = compile_group(pattern, err);
    if (!code)
        return -1;
    struct sp_regex *regex = sp_pool_alloc(pool, sizeof(*regex));
    regex->pattern = sp_pool_strdup(pool, pattern);
    regex->end = strlen(pattern) + sizeof(GROUP_FORMAT) - 1 - strlen("%s");
    regex->code = code;
    regex->match = pcre2_match_data_create(1, NULL); /* the whole match is all that is asked for */
    regex->context = pcre2_match_context_create(NULL);
    if (!regex->match || !regex->context)
        sp_out_of_memory();
    set_limits(regex->context);
    sp_pool_defer(pool, regex_free, regex);
    *out = regex;
    return 0;
}

const char *sp_regex_pattern(const struct sp_regex *regex)
{
    return regex->pattern;
}

/* The next match from offset `from` on: 1, 0, or -1. */
static int next_match(const struct sp_regex *regex, struct search *search, struct sp_bytes subject,
                      size_t from, struct sp_span *span, struct sp_error *err)
{
    search->position = from;
    pcre2_set_callout(regex->context, callout, search);
    int count = pcre2_match(regex->code, (PCRE2_SPTR)(subject.len ? subject.data : ""), subject.len,
                            from, 0, regex->match, regex->context);
    if (count == PCRE2_ERROR_NOMATCH)
        return 0;
    if (count == PCRE2_ERROR_NOMEMORY)
        sp_out_of_memory();
    if (count < 0)
        return pcre2_error(err, regex->pattern, count);
    const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(regex->match);
    *span = (struct sp_span){offsets[0], offsets[1]};
    if (span->start < from || span->start > span->end) /* by \K in an assertion, before 10.38 */
        return pattern_error(err, regex->pattern, "a match ends before it starts");
    return 1;
}

int sp_regex_find(const struct sp_regex *regex, struct sp_bytes subject, struct sp_span range,
                  struct sp_span *out, int max, struct sp_error *err)
{
    size_t from = range.start, to = range.end < subject.len ? range.end : subject.len;
    struct search search = {.pattern_end = regex->end, .to = to};
    int found = 0;
    while (found < max && from <= to) {
        struct sp_span span = {from, from};
        int result = next_match(regex, &search, subject, from, &span, err);
        if (result < 0)
            return -1;
        if (result == 0)
            break;
        out[found++] = span;
        from = span.end + (span.start == span.end);
    }
    return found;
}

int sp_regex_test(const struct sp_regex *regex, struct sp_bytes subject, struct sp_error *err)
{
    struct sp_span span;
    return sp_regex_find(regex, subject, (struct sp_span){0, subject.len}, &span, 1, err);
}
