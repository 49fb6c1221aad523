/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the input are versions, specifiers and names: the versions are ordered, the operators
 * agree with the order, and names are compared symmetrically. */
#include <string.h>

#include "fuzz.h"
#include "model/version.h"

enum {
    MAX_LINES = 6
};

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static void check_order(struct sp_version *const *versions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            int order = sign(sp_version_compare(versions[i], versions[j]));
            CHECK(order == -sign(sp_version_compare(versions[j], versions[i])));
            CHECK(i != j || order == 0);
            for (size_t k = 0; k < count; k++)
                if (order <= 0 && sp_version_compare(versions[j], versions[k]) <= 0)
                    CHECK(sp_version_compare(versions[i], versions[k]) <= 0);
        }
}

/* Whether the specifier OPERATOR VERSION holds; -1 if it is not one. */
static int holds(struct sp_pool *pool, const char *sign_text, const char *bound,
                 const struct sp_version *version)
{
    struct sp_error err = SP_ERROR_INIT;
    struct sp_specifier *specifier = NULL;
    int result = -1;
    if (sp_specifier_parse(pool, sp_pool_printf(pool, "%s%s", sign_text, bound), &specifier,
                           &err) == 0)
        result = sp_specifier_matches(specifier, version);
    CHECK(sp_error_is_set(&err) == (result < 0));
    sp_error_clear(&err);
    return result;
}

/* bound is the text of a version. */
static void check_operators(struct sp_pool *pool, const char *bound,
                            const struct sp_version *version)
{
    int below = holds(pool, "<", bound, version), at_least = holds(pool, ">=", bound, version);
    CHECK((below < 0) == (at_least < 0));
    CHECK(below < 0 || !(below && at_least)); /* neither: a pre-release of the bound */
}

static size_t split(struct sp_pool *pool, const uint8_t *data, size_t size, char **lines)
{
    char *text = sp_pool_memdup(pool, data, size);
    size_t count = 0;
    while (text && count < MAX_LINES) {
        lines[count++] = text;
        text = strchr(text, '\n');
        if (text)
            *text++ = '\0';
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_pool *pool = sp_pool_new();
    char *lines[MAX_LINES];
    struct sp_version *versions[MAX_LINES];
    size_t count = split(pool, data, size, lines), parsed = 0;
    for (size_t i = 0; i < count; i++) {
        versions[parsed] = sp_version_parse(pool, lines[i]);
        if (versions[parsed])
            parsed++;
    }
    check_order(versions, parsed);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < parsed; j++) {
            holds(pool, "", lines[i], versions[j]);
            if (!strchr(lines[i], ',') && sp_version_parse(pool, lines[i]))
                check_operators(pool, lines[i], versions[j]);
        }
    for (size_t i = 0; i < count; i++) {
        CHECK(sp_distribution_same(lines[i], lines[i]));
        for (size_t j = 0; j < i; j++)
            CHECK(sp_distribution_same(lines[i], lines[j]) ==
                  sp_distribution_same(lines[j], lines[i]));
    }
    sp_pool_free(pool);
    return 0;
}
