/* SPDX-License-Identifier: Apache-2.0 */
#include "model/edit.h"

#include <string.h>

#include "base/path.h"
#include "base/utf8.h"

/* Whether eight bytes are ASCII without NUL and carriage return. Below 0x80, only a byte that is 0
 * sets its highest bit when 1 is taken from it, or one after it. */
static bool is_plain8(const char *str)
{
    static const uint64_t high = UINT64_C(0x8080808080808080), one = UINT64_C(0x0101010101010101);
    uint64_t word;
    memcpy(&word, str, sizeof(word));
    return ((word | (word - one) | ((word ^ one * '\r') - one)) & high) == 0;
}

/* Whether it is UTF-8 without NUL and carriage return. */
static bool is_plain_text(const char *str, size_t len)
{
    while (len > 0) {
        for (; len >= 8 && is_plain8(str); len -= 8)
            str += 8;
        size_t one = sp_utf8_length(str, len);
        if (len > 0 && (one == 0 || *str == '\0' || *str == '\r'))
            return false;
        str += one;
        len -= one;
    }
    return true;
}

const char *sp_edit_unfit(struct sp_bytes content)
{
    if (content.len == 0)
        return "it is empty";
    if (content.data[content.len - 1] == '\n' && is_plain_text(content.data, content.len))
        return NULL;
    if (memchr(content.data, '\0', content.len))
        return "it has NUL bytes in it";
    if (!sp_utf8_is_valid(content.data, content.len))
        return "it is not UTF-8 text";
    if (memchr(content.data, '\r', content.len))
        return "it has carriage returns (CRLF line ends) in it";
    if (content.data[content.len - 1] != '\n')
        return "it has no newline at its end";
    return NULL;
}

static struct sp_bytes cut(struct sp_pool *pool, struct sp_bytes text, struct sp_span span)
{
    size_t rest = text.len - span.end;
    char *out = sp_pool_alloc(pool, span.start + rest + 1);
    memcpy(out, text.data, span.start);
    memcpy(out + span.start, text.data + span.end, rest);
    out[span.start + rest] = '\0';
    return (struct sp_bytes){out, span.start + rest};
}

static struct sp_bytes insert(struct sp_pool *pool, struct sp_bytes text, size_t at,
                              struct sp_bytes more)
{
    size_t len = text.len + more.len;
    char *out = sp_pool_alloc(pool, len + 1);
    memcpy(out, text.data, at);
    memcpy(out + at, more.data, more.len);
    memcpy(out + at + more.len, text.data + at, text.len - at);
    out[len] = '\0';
    return (struct sp_bytes){out, len};
}

static size_t line_start(struct sp_bytes text, size_t at)
{
    while (at > 0 && text.data[at - 1] != '\n')
        at--;
    return at;
}

/* After the newline of the line in which `at` is; a span that ends with a newline ends its line. */
static size_t line_end(struct sp_bytes text, size_t at)
{
    if (at > 0 && text.data[at - 1] == '\n')
        return at;
    const char *newline = at < text.len ? memchr(text.data + at, '\n', text.len - at) : NULL;
    return newline ? (size_t)(newline - text.data) + 1 : text.len;
}

/* How often the lines are in the range, at line starts; the first place in *span. */
static size_t count_lines(struct sp_bytes text, struct sp_span range, struct sp_bytes lines,
                          struct sp_span *span)
{
    size_t count = 0, at = range.start;
    while (at < range.end) {
        const char *hit = memmem(text.data + at, range.end - at, lines.data, lines.len);
        if (!hit)
            break;
        size_t start = (size_t)(hit - text.data);
        bool complete = start == 0 || text.data[start - 1] == '\n';
        if (complete && count++ == 0)
            *span = (struct sp_span){start, start + lines.len};
        at = start + (complete ? lines.len : 1);
    }
    return count;
}

static int not_once(const struct sp_edit *edit, const struct sp_regex *regex, const char *what,
                    int count, struct sp_error *err)
{
    return sp_error_set(err, SP_ERROR_REFUSED, "%s of the edit '%s', /%s/, %s", what, edit->name,
                        sp_regex_pattern(regex),
                        count ? "is there more than once" : "is not there");
}

/* The part of the text that the edit is about. With goal OUT a region that is not there any more is
 * no error: nothing of ours can be in it, and the whole text is looked through. */
static int find_region(const struct sp_edit *edit, struct sp_bytes text, enum sp_goal goal,
                       struct sp_span *region, struct sp_error *err)
{
    struct sp_span start[2], end[1];
    *region = (struct sp_span){0, text.len};
    if (!edit->start)
        return 0;
    int starts = sp_regex_find(edit->start, text, *region, start, 2, err);
    if (starts < 0)
        return -1;
    if (starts != 1)
        return goal == SP_GOAL_UNINSTALL
                   ? 0
                   : not_once(edit, edit->start, "the start of the region", starts, err);
    int ends =
        sp_regex_find(edit->end, text, (struct sp_span){start[0].end, text.len}, end, 1, err);
    if (ends < 0)
        return -1;
    if (ends == 0)
        return goal == SP_GOAL_UNINSTALL
                   ? 0
                   : not_once(edit, edit->end, "the end of the region", 0, err);
    *region = (struct sp_span){start[0].end, end[0].end};
    return 0;
}

/* *region is of out->text, before and after. */
static int take_out_legacy(struct sp_pool *pool, const struct sp_edit *edit, enum sp_goal goal,
                           struct sp_edited *out, struct sp_span *region, struct sp_error *err)
{
    for (size_t i = 0; i < edit->legacy.count; i++) {
        struct sp_span hits[2];
        const struct sp_regex *regex = edit->legacy.items[i];
        int count = sp_regex_find(regex, out->text, *region, hits, 2, err);
        if (count < 0)
            return -1;
        if (count > 1)
            return not_once(edit, regex, "what the older tool left", count, err);
        if (count == 0)
            continue;
        out->text = cut(pool, out->text, hits[0]);
        out->found.legacy++;
        if (find_region(edit, out->text, goal, region, err) < 0)
            return -1;
    }
    return 0;
}

static int refuse_foreign(const struct sp_edit *edit, struct sp_bytes text, struct sp_span region,
                          struct sp_error *err)
{
    for (size_t i = 0; i < edit->foreign.count; i++) {
        struct sp_span hit;
        int count = sp_regex_find(edit->foreign.items[i], text, region, &hit, 1, err);
        if (count < 0)
            return -1;
        if (count == 0)
            continue;
        size_t line = 1;
        for (size_t at = 0; at < hit.start; at++)
            line += text.data[at] == '\n';
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "line %zu is in the place of the edit '%s', and neither this tool nor "
                            "the older one wrote it",
                            line, edit->name);
    }
    return 0;
}

/* Names what can be put in by hand: it is then found in place, wherever it is in the region. */
static int no_anchor(struct sp_pool *pool, const struct sp_edit *edit, int count,
                     struct sp_error *err)
{
    sp_strv lines = {NULL, 0, 0};
    for (size_t at = 0; at < edit->text.len;) {
        size_t len = strcspn(edit->text.data + at, "\n");
        *SP_PUSH(pool, &lines) =
            sp_pool_printf(pool, "'%s'", sp_pool_memdup(pool, edit->text.data + at, len));
        at += len + 1;
    }
    not_once(edit, edit->anchor, "the anchor", count, err);
    const char *what = sp_pool_strdup(pool, err->message);
    sp_error_clear(err);
    return sp_error_set(err, SP_ERROR_REFUSED, "%s; put in by hand, as %s: %s", what,
                        lines.count > 1 ? "lines of their own" : "a line of its own",
                        sp_strv_join(pool, &lines, ", "));
}

static int put_in(struct sp_pool *pool, const struct sp_edit *edit, struct sp_span region,
                  struct sp_bytes *text, struct sp_error *err)
{
    size_t at = region.end;
    if (edit->place != SP_PLACE_END) {
        struct sp_span hits[2];
        int count = sp_regex_find(edit->anchor, *text, region, hits, 2, err);
        if (count < 0)
            return -1;
        if (count != 1)
            return no_anchor(pool, edit, count, err);
        at = edit->place == SP_PLACE_BEFORE ? line_start(*text, hits[0].start)
                                            : line_end(*text, hits[0].end);
    }
    *text = insert(pool, *text, at, edit->text);
    return 0;
}

static int apply_one(struct sp_pool *pool, const struct sp_edit *edit, enum sp_goal goal,
                     struct sp_edited *out, struct sp_error *err)
{
    struct sp_span region, ours;
    size_t count = 0;
    if (find_region(edit, out->text, goal, &region, err) < 0)
        return -1;
    struct sp_edited rest = *out; /* without ours, to look for foreign lines */
    if (edit->text.len) {
        rest.found.wanted++;
        count = count_lines(out->text, region, edit->text, &ours);
        if (count > 1)
            return sp_error_set(err, SP_ERROR_REFUSED, "the edit '%s' is in it %zu times",
                                edit->name, count);
        if (count == 1) {
            rest.found.ours++;
            rest.text = cut(pool, out->text, ours);
            region.end -= edit->text.len;
        }
    }
    size_t legacy = rest.found.legacy;
    int rc = take_out_legacy(pool, edit, goal, &rest, &region, err);
    out->found = rest.found;
    if (rc < 0)
        return -1;
    if (goal == SP_GOAL_UNINSTALL) {
        out->text = rest.text;
        return 0;
    }
    if (refuse_foreign(edit, rest.text, region, err) < 0)
        return -1;
    if (count == 1 && rest.found.legacy == legacy)
        return 0; /* in place: it stays where it is */
    out->text = rest.text;
    return edit->text.len ? put_in(pool, edit, region, &out->text, err) : 0;
}

int sp_edit_apply(struct sp_pool *pool, const struct sp_manifest_file *file,
                  struct sp_bytes content, enum sp_goal goal, struct sp_edited *out,
                  struct sp_error *err)
{
    const char *unfit = sp_edit_unfit(content);
    *out = (struct sp_edited){.text = content};
    if (unfit)
        return sp_error_set(err, SP_ERROR_REFUSED, "%s", unfit);
    for (size_t i = 0; i < file->edits.count; i++)
        if (apply_one(pool, &file->edits.items[i], goal, out, err) < 0)
            return -1;
    if (sp_bytes_equal(out->text, content))
        out->text = content;
    return 0;
}
