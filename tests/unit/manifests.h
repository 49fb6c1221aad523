/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests in the text of a test. */
#ifndef SP_TEST_MANIFESTS_H
#define SP_TEST_MANIFESTS_H

#include "support.h"

#include "model/manifest.h"

#define MANIFEST_HEAD "release: newton\nreleased: \"2016-10-06\"\n"

/* The text with `width` spaces before each line. */
static inline const char *indented(struct fixture *f, const char *text, int width)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    while (*text) {
        int len = (int)strcspn(text, "\n");
        sp_buffer_printf(&buf, "%*s%.*s\n", width, "", len, text);
        text += len;
        text += *text == '\n';
    }
    const char *out = sp_pool_strdup(f->pool, sp_buffer_str(&buf));
    sp_buffer_free(&buf);
    return out;
}

static inline struct sp_release *manifest_of(struct fixture *f, const char *text)
{
    struct sp_release *release = NULL;
    assert_ok(f, sp_manifest_parse(f->pool, "test.yaml", SP_BYTES_STR(text), &release, &f->err));
    return release;
}

/* A release with one component; text: the items of `files:`. */
static inline struct sp_release *release_of_files(struct fixture *f, const char *text)
{
    return manifest_of(f, sp_pool_printf(f->pool,
                                         MANIFEST_HEAD "components:\n"
                                                       "  toy:\n"
                                                       "    versions: '>=1'\n"
                                                       "    files:\n%s",
                                         indented(f, text, 6)));
}

/* A file with these edits. */
static inline const struct sp_manifest_file *file_with_edits(struct fixture *f, const char *edits)
{
    const char *text = sp_pool_printf(f->pool, "- path: a.py\n  edits:\n%s", indented(f, edits, 4));
    return &release_of_files(f, text)->components.items[0]->layouts.items[0].files.items[0];
}

#endif
