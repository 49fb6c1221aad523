/* SPDX-License-Identifier: Apache-2.0 */
#include "format/jsoncheck.h"

#include <ctype.h>
#include <string.h>

#include "base/path.h"
#include "base/utf8.h"

struct cursor {
    const char *at, *end;
};

static void skip_space(struct cursor *c)
{
    while (c->at < c->end && memchr(" \t\r\n", *c->at, 4))
        c->at++;
}

static bool take(struct cursor *c, char expected)
{
    if (c->at == c->end || *c->at != expected)
        return false;
    c->at++;
    return true;
}

static bool take_string(struct cursor *c)
{
    if (!take(c, '"'))
        return false;
    while (c->at < c->end && *c->at != '"') {
        if ((unsigned char)*c->at < 0x20)
            return false;
        if (*c->at++ != '\\')
            continue;
        if (c->at == c->end || !memchr("\"\\/bfnrtu", *c->at, 9))
            return false;
        if (*c->at++ == 'u')
            for (int i = 0; i < 4; i++, c->at++)
                if (c->at == c->end || !isxdigit((unsigned char)*c->at))
                    return false;
    }
    return take(c, '"');
}

static bool take_digits(struct cursor *c)
{
    const char *start = c->at;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
        c->at++;
    return c->at > start;
}

static bool take_number(struct cursor *c)
{
    take(c, '-');
    if (!take(c, '0') && !take_digits(c))
        return false;
    if (take(c, '.') && !take_digits(c))
        return false;
    if (take(c, 'e') || take(c, 'E')) {
        if (!take(c, '+'))
            take(c, '-');
        return take_digits(c);
    }
    return true;
}

static bool take_word(struct cursor *c, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0)
        return false;
    c->at += len;
    return true;
}

static bool take_scalar(struct cursor *c)
{
    if (c->at < c->end && *c->at == '"')
        return take_string(c);
    return take_word(c, "true") || take_word(c, "false") || take_word(c, "null") || take_number(c);
}

/* "KEY" : */
static bool take_key(struct cursor *c)
{
    skip_space(c);
    if (!take_string(c))
        return false;
    skip_space(c);
    return take(c, ':');
}

bool sp_json_is_object(struct sp_bytes text)
{
    struct cursor cursor = {text.data, text.data + text.len}, *c = &cursor;
    char open[SP_JSON_DEPTH]; /* the closing brackets that are due */
    size_t depth = 0;

    if (text.len == 0 || !sp_utf8_is_valid(text.data, text.len))
        return false;
    skip_space(c);
    if (c->at == c->end || *c->at != '{')
        return false;
    do {
        /* a value starts here */
        skip_space(c);
        if (take(c, '{') || take(c, '[')) {
            bool object = c->at[-1] == '{';
            if (depth == SP_JSON_DEPTH)
                return false;
            open[depth++] = object ? '}' : ']';
            skip_space(c);
            if (!take(c, open[depth - 1])) {
                if (object && !take_key(c))
                    return false;
                continue;
            }
            depth--;
        } else if (!take_scalar(c)) {
            return false;
        }
        /* and has ended here: what comes next in the containers around it */
        for (skip_space(c); depth > 0; skip_space(c)) {
            if (take(c, ',')) {
                if (open[depth - 1] == '}' && !take_key(c))
                    return false;
                break;
            }
            if (!take(c, open[depth - 1]))
                return false;
            depth--;
        }
    } while (depth > 0);
    return c->at == c->end;
}
