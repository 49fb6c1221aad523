/* SPDX-License-Identifier: Apache-2.0 */
/* The first line is the name of a distribution, the rest its metadata: what is found is a line of
 * the headers, and nothing that comes after them matters. */
#include <string.h>

#include "base/buffer.h"
#include "fuzz.h"
#include "model/metadata.h"

static void check_version(struct sp_pool *pool, const char *text)
{
    const struct sp_version *version = sp_version_parse(pool, text);
    if (!version)
        return;
    struct sp_error err = SP_ERROR_INIT;
    struct sp_specifier *specifier;
    CHECK(sp_version_compare(version, version) == 0);
    if (sp_specifier_parse(pool, sp_pool_printf(pool, ">=%s", text), &specifier, &err) == 0)
        CHECK(sp_specifier_matches(specifier, version));
    sp_error_clear(&err);
}

/* The same headers with a body that says something else. */
static void check_body(struct sp_pool *pool, struct sp_bytes text, const char *distribution,
                       const char *expected)
{
    struct sp_buffer more = SP_BUFFER_INIT;
    const char *version = NULL;
    sp_buffer_add(&more, text.data, text.len);
    sp_buffer_printf(&more, "\n\nName: %s\nVersion: 9.9\n", distribution);
    bool found =
        sp_metadata_parse(pool, (struct sp_bytes){more.data, more.len}, distribution, &version);
    CHECK(found == (expected != NULL));
    CHECK(!found || strcmp(version, expected) == 0);
    sp_buffer_free(&more);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_pool *pool = sp_pool_new();
    const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
    size_t len = newline ? (size_t)(newline - data) : size, rest = newline ? len + 1 : len;
    const char *distribution = sp_pool_memdup(pool, data, len), *version = NULL;
    struct sp_bytes text = {(const char *)data + rest, size - rest};
    if (sp_metadata_parse(pool, text, distribution, &version)) {
        CHECK(version && !strpbrk(version, "\n") &&
              memmem(text.data, text.len, version, strlen(version)));
        check_version(pool, version);
    }
    check_body(pool, text, distribution, version);
    sp_pool_free(pool);
    return 0;
}
