/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar is that of PEP 440, appendix B; the order that of its section "Summary of permitted
 * suffixes and relative ordering". Names are compared as PEP 503 does. */
#include "model/version.h"

#include <string.h>

#include "base/escape.h"

enum {
    MAX_DIGITS = 18 /* of a number, so that it fits in 64 bits */
};

/* Ranks of a pre-release; what has none comes after those that have one. */
enum pre {
    PRE_NONE,
    PRE_A,
    PRE_B,
    PRE_RC
};

/* A part of the local label: a number, or letters and digits. */
struct local {
    const char *text; /* lower case; NULL for a number */
    uint64_t number;
};

struct sp_version {
    const char *text; /* as it was written, without white space around it */
    uint64_t epoch;
    SP_VEC(uint64_t) release;
    enum pre pre;
    bool has_post, has_dev;
    uint64_t pre_number, post_number, dev_number;
    SP_VEC(struct local) local;
};

/* ---- characters ---------------------------------------------------------------------------- */

/* The standard's classification depends on the locale. */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char to_lower(char c)
{
    static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
    if (c >= 'A' && c <= 'Z')
        return lower[c - 'A'];
    return c;
}

static bool is_alnum(char c)
{
    c = to_lower(c);
    return is_digit(c) || (c >= 'a' && c <= 'z');
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_separator(char c)
{
    return c == '-' || c == '_' || c == '.';
}

static void skip_space(const char **at)
{
    while (is_space(**at))
        ++*at;
}

/* ---- parsing: each take_*() moves *at past what it takes ----------------------------------- */

static bool take_char(const char **at, char c)
{
    if (to_lower(**at) != c)
        return false;
    ++*at;
    return true;
}

static bool take_word(const char **at, const char *word)
{
    const char *s = *at;
    for (; *word; word++, s++)
        if (to_lower(*s) != *word)
            return false;
    *at = s;
    return true;
}

static void take_separator(const char **at)
{
    if (is_separator(**at))
        ++*at;
}

static bool take_number(const char **at, uint64_t *number)
{
    const char *s = *at;
    uint64_t value = 0;
    for (; is_digit(*s); s++) {
        if (s - *at == MAX_DIGITS)
            return false;
        value = value * 10 + (uint64_t)(*s - '0');
    }
    if (s == *at)
        return false;
    *at = s;
    *number = value;
    return true;
}

/* The rest after a word: "-1", ".1", "1", or nothing, which means 0. */
static bool take_word_number(const char **at, uint64_t *number)
{
    take_separator(at);
    *number = 0;
    return !is_digit(**at) || take_number(at, number);
}

/* A word of the list (longer ones come before those that they begin with), perhaps after a
 * separator. Returns its index, or -1 with *at unmoved. */
static int take_suffix(const char **at, const char *const *words, int count)
{
    const char *s = *at;
    take_separator(&s);
    for (int i = 0; i < count; i++)
        if (take_word(&s, words[i])) {
            *at = s;
            return i;
        }
    return -1;
}

static bool take_release(struct sp_pool *pool, const char **at, struct sp_version *version)
{
    do {
        if (!take_number(at, SP_PUSH(pool, &version->release)))
            return false;
    } while (**at == '.' && is_digit((*at)[1]) && take_char(at, '.'));
    return true;
}

static void take_epoch(const char **at, struct sp_version *version)
{
    const char *s = *at;
    uint64_t number = 0;
    if (take_number(&s, &number) && take_char(&s, '!')) {
        version->epoch = number;
        *at = s;
    }
}

static bool take_pre(const char **at, struct sp_version *version)
{
    static const char *const words[] = {"alpha", "a", "beta", "b", "preview", "pre", "c", "rc"};
    static const enum pre ranks[] = {PRE_A, PRE_A, PRE_B, PRE_B, PRE_RC, PRE_RC, PRE_RC, PRE_RC};
    int word = take_suffix(at, words, sizeof(words) / sizeof(words[0]));
    if (word < 0)
        return true;
    version->pre = ranks[word];
    return take_word_number(at, &version->pre_number);
}

static bool take_post(const char **at, struct sp_version *version)
{
    static const char *const words[] = {"post", "rev", "r"};
    if (**at == '-' && is_digit((*at)[1])) {
        ++*at;
        version->has_post = true;
        return take_number(at, &version->post_number);
    }
    if (take_suffix(at, words, sizeof(words) / sizeof(words[0])) < 0)
        return true;
    version->has_post = true;
    return take_word_number(at, &version->post_number);
}

static bool take_dev(const char **at, struct sp_version *version)
{
    static const char *const words[] = {"dev"};
    if (take_suffix(at, words, 1) < 0)
        return true;
    version->has_dev = true;
    return take_word_number(at, &version->dev_number);
}

/* One part of the local label, of digits alone or not. */
static bool take_local_part(struct sp_pool *pool, const char **at, struct local *part)
{
    size_t len = 0, digits = 0;
    for (const char *s = *at; is_alnum(s[len]); len++)
        digits += is_digit(s[len]);
    if (len == 0)
        return false;
    if (digits == len)
        return take_number(at, &part->number);
    char *text = sp_pool_memdup(pool, *at, len);
    for (size_t i = 0; i < len; i++)
        text[i] = to_lower(text[i]);
    part->text = text;
    *at += len;
    return true;
}

static bool take_local(struct sp_pool *pool, const char **at, struct sp_version *version)
{
    if (!take_char(at, '+'))
        return true;
    while (take_local_part(pool, at, SP_PUSH(pool, &version->local))) {
        if (!is_separator(**at))
            return true;
        ++*at;
    }
    return false;
}

struct sp_version *sp_version_parse(struct sp_pool *pool, const char *text)
{
    skip_space(&text);
    size_t len = strlen(text);
    while (len > 0 && is_space(text[len - 1]))
        len--;
    struct sp_version *version = sp_pool_alloc(pool, sizeof(*version));
    version->text = sp_pool_memdup(pool, text, len);
    const char *at = version->text;
    take_char(&at, 'v');
    take_epoch(&at, version);
    bool parsed = take_release(pool, &at, version) && take_pre(&at, version) &&
                  take_post(&at, version) && take_dev(&at, version) &&
                  take_local(pool, &at, version);
    return parsed && *at == '\0' ? version : NULL;
}

/* ---- order --------------------------------------------------------------------------------- */

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static uint64_t release_part(const struct sp_version *version, size_t i)
{
    return i < version->release.count ? version->release.items[i] : 0;
}

/* Epoch and release: a release that is shorter is filled up with zeros. */
static int compare_base(const struct sp_version *a, const struct sp_version *b)
{
    int order = compare_numbers(a->epoch, b->epoch);
    for (size_t i = 0; order == 0 && (i < a->release.count || i < b->release.count); i++)
        order = compare_numbers(release_part(a, i), release_part(b, i));
    return order;
}

/* 1.0.dev1 comes before 1.0a1, and that before 1.0 and 1.0.post1. */
static int pre_rank(const struct sp_version *version)
{
    if (version->pre != PRE_NONE)
        return (int)version->pre;
    return version->has_dev && !version->has_post ? PRE_NONE : PRE_RC + 1;
}

/* All but the local label. */
static int compare_public(const struct sp_version *a, const struct sp_version *b)
{
    int order = compare_base(a, b);
    if (order == 0)
        order = pre_rank(a) - pre_rank(b);
    if (order == 0)
        order = compare_numbers(a->pre_number, b->pre_number);
    if (order == 0)
        order = (int)a->has_post - (int)b->has_post;
    if (order == 0)
        order = compare_numbers(a->post_number, b->post_number);
    if (order == 0)
        order = (int)b->has_dev - (int)a->has_dev;
    if (order == 0)
        order = compare_numbers(a->dev_number, b->dev_number);
    return order;
}

/* Numbers come after texts. */
static int compare_local_parts(const struct local *a, const struct local *b)
{
    if (a->text && b->text)
        return strcmp(a->text, b->text);
    if (a->text || b->text)
        return a->text ? -1 : 1;
    return compare_numbers(a->number, b->number);
}

int sp_version_compare(const struct sp_version *a, const struct sp_version *b)
{
    int order = compare_public(a, b);
    for (size_t i = 0; order == 0 && i < a->local.count && i < b->local.count; i++)
        order = compare_local_parts(&a->local.items[i], &b->local.items[i]);
    if (order == 0)
        order = compare_numbers(a->local.count, b->local.count);
    return order;
}

/* ---- specifiers: of PEP 440, section "Version specifiers", what manifests use --------------- */

struct clause {
    bool below; /* "<", else ">=" */
    struct sp_version *version;
};

struct sp_specifier {
    SP_VEC(struct clause) clauses;
};

/* text: one clause, with white space around it. PEP 440 permits no local label here. */
static bool parse_clause(struct sp_pool *pool, const char *text, struct clause *clause)
{
    skip_space(&text);
    clause->below = take_char(&text, '<');
    if (!clause->below && !(take_char(&text, '>') && take_char(&text, '=')))
        return false;
    clause->version = sp_version_parse(pool, text);
    return clause->version && clause->version->local.count == 0;
}

static int clause_error(struct sp_pool *pool, const char *clause, struct sp_error *err)
{
    return sp_error_set(err, SP_ERROR_REFUSED,
                        "'%s' is not a version specifier: '>=' or '<', and a version",
                        sp_escape(pool, clause));
}

int sp_specifier_parse(struct sp_pool *pool, const char *text, struct sp_specifier **out,
                       struct sp_error *err)
{
    struct sp_specifier *spec = sp_pool_alloc(pool, sizeof(*spec));
    skip_space(&text);
    for (const char *at = *text ? text : NULL; at;) {
        size_t len = strcspn(at, ",");
        const char *clause = sp_pool_memdup(pool, at, len);
        if (!parse_clause(pool, clause, SP_PUSH(pool, &spec->clauses)))
            return clause_error(pool, clause, err);
        at = at[len] ? at + len + 1 : NULL;
    }
    *out = spec;
    return 0;
}

/* "<V" holds no pre-release of V unless V is one itself: V.dev0 is the first of those. */
static bool is_less(const struct sp_version *version, const struct sp_version *bound)
{
    struct sp_version first = *bound;
    if (bound->pre == PRE_NONE && !bound->has_dev) {
        first.has_dev = true;
        first.dev_number = 0;
    }
    return sp_version_compare(version, &first) < 0;
}

bool sp_specifier_matches(const struct sp_specifier *spec, const struct sp_version *version)
{
    for (size_t i = 0; i < spec->clauses.count; i++) {
        const struct clause *clause = &spec->clauses.items[i];
        bool holds = clause->below ? is_less(version, clause->version)
                                   : compare_public(version, clause->version) >= 0;
        if (!holds)
            return false;
    }
    return true;
}

/* ---- names --------------------------------------------------------------------------------- */

/* The next character of a name: lower case, a run of separators as one '-'. */
static char next_of_name(const char **at)
{
    char c = **at;
    if (c == '\0')
        return c;
    ++*at;
    if (!is_separator(c))
        return to_lower(c);
    while (is_separator(**at))
        ++*at;
    return '-';
}

bool sp_distribution_same(const char *a, const char *b)
{
    for (;;) {
        char left = next_of_name(&a);
        if (left != next_of_name(&b))
            return false;
        if (left == '\0')
            return true;
    }
}

bool sp_distribution_may_begin(const char *file, const char *distribution)
{
    for (;;) {
        char wanted = next_of_name(&distribution);
        if (wanted == '\0')
            return true;
        if (next_of_name(&file) != wanted)
            return false;
    }
}
