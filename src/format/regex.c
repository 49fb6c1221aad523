/* SPDX-License-Identifier: Apache-2.0 */
#include "format/regex.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/path.h"
#include "format/pattern.h"

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
    struct sp_pattern
        known;  /* a plain one is searched for without PCRE2; it has none of the rest */
    size_t end; /* of the compiled text */
    pcre2_code *code;
    pcre2_match_context *context;
    pcre2_match_data *match; /* of the latest search: overwritten by the next one */
};

/* One search, as the callout sees it. */
struct search {
    struct sp_bytes subject;
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

/* Whether the pattern is one by itself, and not only in a group, as "a)(?:b" is. */
static int check_alone(const char *pattern, struct sp_error *err)
{
    pcre2_code *compiled = compile(pattern, err);
    pcre2_code_free(compiled);
    return compiled ? 0 : -1;
}

/* Compiles "(?:PATTERN)", so that there is one place where every alternative ends. An error is about
 * PATTERN by itself, where that has one. */
static pcre2_code *compile_group(const char *pattern, bool is_balanced, struct sp_error *err)
{
    SP_CLEANUP_BUFFER struct sp_buffer group = SP_BUFFER_INIT;
    if (!is_balanced && check_alone(pattern, err) < 0)
        return NULL;
    sp_buffer_printf(&group, GROUP_FORMAT, pattern);
    pcre2_code *compiled = compile(sp_buffer_str(&group), err);
    if (compiled || !is_balanced)
        return compiled;
    struct sp_error in_group = *err;
    *err = (struct sp_error)SP_ERROR_INIT;
    if (check_alone(pattern, err) < 0)
        sp_error_clear(&in_group);
    else
        *err = in_group;
    return NULL;
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

/* Makes what PCRE2 needs to search. */
static int make_engine(struct sp_pool *pool, struct sp_regex *regex, struct sp_error *err)
{
    regex->code = compile_group(regex->pattern, regex->known.is_balanced, err);
    if (!regex->code)
        return -1;
    regex->end = strlen(regex->pattern) + sizeof(GROUP_FORMAT) - 1 - strlen("%s");
    regex->match = pcre2_match_data_create(1, NULL); /* the whole match is all that is asked for */
    regex->context = pcre2_match_context_create(NULL);
    if (!regex->match || !regex->context)
        sp_out_of_memory();
    set_limits(regex->context);
    sp_pool_defer(pool, regex_free, regex);
    return 0;
}

int sp_regex_compile(struct sp_pool *pool, const char *pattern, struct sp_regex **out,
                     struct sp_error *err)
{
    struct sp_regex *regex = sp_pool_alloc(pool, sizeof(*regex));
    regex->pattern = sp_pool_strdup(pool, pattern);
    sp_pattern_read(pool, regex->pattern, &regex->known);
    if (!regex->known.is_plain && make_engine(pool, regex, err) < 0)
        return -1;
    *out = regex;
    return 0;
}

const char *sp_regex_pattern(const struct sp_regex *regex)
{
    return regex->pattern;
}

/* ---- known bytes --------------------------------------------------------------------------- */

/* The first place of bytes from an offset to the end of the range; NULL. */
static const char *find_bytes(struct sp_bytes bytes, const struct search *search, size_t from)
{
    if (from > search->to || bytes.len > search->to - from)
        return NULL;
    return memmem(search->subject.data + from, search->to - from, bytes.data, bytes.len);
}

/* As PCRE2_MULTILINE has it. There is a byte after the place: a line does not begin at the end. */
static bool starts_line(struct sp_bytes subject, size_t at)
{
    return at == 0 || subject.data[at - 1] == '\n';
}

static bool ends_line(struct sp_bytes subject, size_t at)
{
    return at == subject.len || subject.data[at] == '\n';
}

/* The next place of the prefix, where '^' before it holds: 1, 0, or -1. */
static int next_prefix(const struct sp_regex *regex, struct search *search, size_t from,
                       struct sp_span *place, struct sp_error *err)
{
    struct sp_bytes prefix = regex->known.prefix;
    const char *at;
    while ((at = find_bytes(prefix, search, from))) {
        place->start = (size_t)(at - search->subject.data);
        place->end = place->start + prefix.len;
        search->work += 1 + prefix.len / BYTES_PER_ITEM;
        if (search->work > WORK_LIMIT)
            return pcre2_error(err, regex->pattern, PCRE2_ERROR_MATCHLIMIT);
        if (!regex->known.at_line_start || starts_line(search->subject, place->start))
            return 1;
        from = place->start + 1;
    }
    return 0;
}

/* ---- with PCRE2 ---------------------------------------------------------------------------- */

/* The next match from an offset on, or, with PCRE2_ANCHORED, at it: 1, 0, or -1. */
static int next_by_engine(const struct sp_regex *regex, struct search *search, size_t from,
                          uint32_t options, struct sp_span *span, struct sp_error *err)
{
    struct sp_bytes subject = search->subject;
    search->position = from;
    pcre2_set_callout(regex->context, callout, search);
    int count = pcre2_match(regex->code, (PCRE2_SPTR)(subject.len ? subject.data : ""), subject.len,
                            from, options, regex->match, regex->context);
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

/* ---- both ---------------------------------------------------------------------------------- */

/* The next match from an offset on, of a pattern whose matches begin with known bytes. */
static int next_with_prefix(const struct sp_regex *regex, struct search *search, size_t from,
                            struct sp_span *span, struct sp_error *err)
{
    struct sp_span place;
    int result;
    while ((result = next_prefix(regex, search, from, &place, err)) == 1) {
        const struct sp_pattern *known = &regex->known;
        *span = place;
        if (known->is_plain && (!known->at_line_end || ends_line(search->subject, place.end)))
            return 1;
        if (!known->is_plain)
            result = next_by_engine(regex, search, place.start, PCRE2_ANCHORED, span, err);
        if (!known->is_plain && result != 0)
            return result;
        from = place.start + 1;
    }
    return result;
}

static int next_match(const struct sp_regex *regex, struct search *search, size_t from,
                      struct sp_span *span, struct sp_error *err)
{
    const struct sp_pattern *known = &regex->known;
    if (known->literal.len > known->prefix.len && !find_bytes(known->literal, search, from))
        return 0;
    return known->prefix.len ? next_with_prefix(regex, search, from, span, err)
                             : next_by_engine(regex, search, from, 0, span, err);
}

int sp_regex_find(const struct sp_regex *regex, struct sp_bytes subject, struct sp_span range,
                  struct sp_span *out, int max, struct sp_error *err)
{
    size_t from = range.start, to = range.end < subject.len ? range.end : subject.len;
    struct search search = {.subject = subject, .pattern_end = regex->end, .to = to};
    struct sp_span span = {0, 0};
    int found = 0, result = 1;
    while (found < max && from <= to) {
        result = next_match(regex, &search, from, &span, err);
        if (result <= 0)
            break;
        out[found++] = span;
        from = span.end + (span.start == span.end);
    }
    return result < 0 ? -1 : found;
}

int sp_regex_test(const struct sp_regex *regex, struct sp_bytes subject, struct sp_error *err)
{
    struct sp_span span;
    return sp_regex_find(regex, subject, (struct sp_span){0, subject.len}, &span, 1, err);
}
