/* SPDX-License-Identifier: Apache-2.0 */
#include "format/pattern.h"

#include <ctype.h>
#include <string.h>

struct reader {
    const char *at;
    bool extended;           /* (?x): white space and comments count for nothing */
    bool unknown;            /* something was met that is not read here */
    bool has_choice;         /* a '|' outside of all groups: no run is in every match */
    bool is_plain, is_first; /* is_first: this run is the first item */
    size_t depth;            /* of groups */
    /* runs of literal bytes outside of all groups: this one, and the longest before it */
    struct sp_buffer run, longest;
    struct sp_buffer first; /* the run that the pattern begins with */
};

/* Ends the run of literal bytes. */
static void end_run(struct reader *r)
{
    if (r->is_first)
        sp_buffer_add(&r->first, sp_buffer_str(&r->run), r->run.len);
    r->is_first = false;
    if (r->run.len > r->longest.len) {
        struct sp_buffer old = r->longest;
        r->longest = r->run;
        r->run = old;
    }
    sp_buffer_reset(&r->run);
}

/* An item that is no literal byte. */
static void end_text(struct reader *r)
{
    r->is_plain = false;
    if (r->depth == 0)
        end_run(r);
}

static void add_literal(struct reader *r, char byte)
{
    if (r->depth == 0)
        sp_buffer_putc(&r->run, byte);
}

/* "?", "*": the item before it may be missing; "+": it is there, and then others like it. */
static void read_repeat(struct reader *r, char repeat)
{
    if (r->depth == 0 && repeat != '+' && r->run.len > 0)
        r->run.data[--r->run.len] = '\0';
    end_text(r);
}

/* After "{": the repeats "{2}", "{2,}" and "{2,3}"; other braces may be themselves. */
static void read_braces(struct reader *r)
{
    static const char digits[] = "0123456789";
    size_t first = strspn(r->at, digits);
    r->at += first;
    r->at += *r->at == ',' ? 1 + strspn(r->at + 1, digits) : 0;
    r->unknown |= first == 0 || *r->at != '}';
    r->at += *r->at == '}';
    read_repeat(r, '*');
}

static void read_escape(struct reader *r)
{
    char c = *r->at;
    if (c == '\0') {
        r->unknown = true;
        return;
    }
    r->at++;
    if (ispunct((unsigned char)c) || c == ' ')
        add_literal(r, c);
    else if (c == 'n')
        add_literal(r, '\n');
    else if (strchr("bBdDhHsSvVwWAzZR", c) || (c == 'K' && r->depth == 0))
        end_text(r);
    else
        r->unknown = true; /* it has an argument, quotes, or depends on where the search begins */
}

/* After "[": to the "]" that ends the class. A "]" in the first place is a member. */
static void read_class(struct reader *r)
{
    end_text(r);
    r->at += *r->at == '^';
    r->at += *r->at == ']';
    for (; *r->at && *r->at != ']'; r->at++) {
        bool special = *r->at == '[' || (*r->at == '\\' && strchr("QE", r->at[1]));
        if (special) { /* "[:alpha:]", "\Q"; or the pattern ends */
            r->unknown = true;
            return;
        }
        r->at += *r->at == '\\';
    }
    if (*r->at)
        r->at++;
    else
        r->unknown = true;
}

/* After "(". Read are groups with a number or without one, looks ahead and behind, and those whose
 * content depends on a group with a number. */
static void read_group(struct reader *r)
{
    end_text(r);
    r->depth++;
    if (*r->at == '*')
        r->unknown = true;
    if (*r->at != '?')
        return;
    r->at++;
    if (strchr(":=!>|", *r->at) && *r->at) {
        r->at++;
    } else if (*r->at == '<' && (r->at[1] == '=' || r->at[1] == '!')) {
        r->at += 2;
    } else if (*r->at == '(' && isdigit((unsigned char)r->at[1])) {
        r->at += 1 + strspn(r->at + 1, "0123456789");
        r->unknown |= *r->at != ')';
        r->at += *r->at == ')';
    } else {
        r->unknown = true; /* options, names, recursion, comments, call-outs */
    }
}

/* "#" with (?x): to the end of the line. */
static void read_comment(struct reader *r)
{
    const char *newline = strchr(r->at, '\n');
    if (newline)
        r->at = newline + 1;
    else
        r->unknown = true;
}

static void read_other(struct reader *r, char c)
{
    switch (c) {
    case '\\':
        read_escape(r);
        break;
    case '[':
        read_class(r);
        break;
    case '(':
        read_group(r);
        break;
    case ')':
        r->unknown |= r->depth == 0;
        r->depth -= r->depth > 0;
        break;
    case '|':
        r->has_choice |= r->depth == 0;
        end_text(r);
        break;
    case '?':
    case '*':
    case '+':
        read_repeat(r, c);
        break;
    case '{':
        read_braces(r);
        break;
    case '^':
    case '$':
    case '.':
        end_text(r);
        break;
    default:
        add_literal(r, c);
    }
}

static void read_item(struct reader *r)
{
    char c = *r->at++;
    if (r->extended && strchr(" \t\n\v\f\r", c))
        return;
    if (r->extended && c == '#')
        read_comment(r);
    else
        read_other(r, c);
}

/* The anchors are taken off a plain pattern before it is read. */
static bool is_line_end(const char *at)
{
    return strcmp(at, "$") == 0;
}

static struct sp_bytes keep(struct sp_pool *pool, const struct sp_buffer *run)
{
    return (struct sp_bytes){sp_pool_memdup(pool, sp_buffer_str(run), run->len), run->len};
}

void sp_pattern_read(struct sp_pool *pool, const char *text, struct sp_pattern *out)
{
    static const char extended[] = "(?x)";
    struct reader r = {.at = text, .is_plain = true, .is_first = true};
    memset(out, 0, sizeof(*out));
    if (strncmp(text, extended, strlen(extended)) == 0) {
        r.at += strlen(extended);
        r.extended = true;
        r.is_plain = false;
    }
    out->at_line_start = *r.at == '^';
    r.at += out->at_line_start;
    while (*r.at && !r.unknown && !is_line_end(r.at))
        read_item(&r);
    out->at_line_end = is_line_end(r.at);
    end_run(&r);
    if (!r.unknown && r.depth == 0) {
        out->is_balanced = true;
        out->is_plain = r.is_plain && r.longest.len > 0;
        if (!r.has_choice) {
            out->literal = keep(pool, &r.longest);
            out->prefix = keep(pool, &r.first);
        }
    }
    sp_buffer_free(&r.first);
    sp_buffer_free(&r.run);
    sp_buffer_free(&r.longest);
}
