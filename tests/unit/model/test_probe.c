/* SPDX-License-Identifier: Apache-2.0 */
#include "model/probe.h"

#include "manifests.h"

/* A release of one layout, told by the probe, with an edit. */
static int parse(struct fixture *f, const char *probe, const char *edit)
{
    struct sp_release *release;
    const char *text = sp_pool_printf(f->pool,
                                      MANIFEST_HEAD "components:\n"
                                                    "  toy:\n"
                                                    "    versions: '>=1'\n"
                                                    "    layouts:\n"
                                                    "      - name: one\n"
                                                    "        when: [%s]\n"
                                                    "        files:\n"
                                                    "          - path: a.py\n"
                                                    "            edits: [%s]\n",
                                      probe, edit);
    return sp_manifest_parse(f->pool, "test.yaml", SP_BYTES_STR(text), &release, &f->err);
}

static const char edit[] =
    "{name: e, within: ['^table = \\{$', '^\\}$'], before: '^    x\\.LOCAL:$', "
    "text: \"    x.OURS:\\n\"}";

TEST(probes_on_what_is_edited)
{
    static const char *const probes[] = {
        "{file: a.py, pattern: '^    x\\.LOCAL:$'}", /* the anchor, letter for letter */
        "{file: a.py, pattern: 'LOCAL'}",            /* the same line in other words */
        "{file: a.py, pattern: '^table\\b'}",        /* the region */
        "{file: a.py, absent: '^\\}'}",
        "{file: a.py, pattern: '^\\s+x\\.OURS'}", /* what the edit puts in */
    };
    for (size_t i = 0; i < COUNT(probes); i++)
        assert_fails(f, parse(f, probes[i], edit), SP_ERROR_REFUSED,
                     "the probe goes by a line that the edit 'e' needs or makes");
}

TEST(probes_on_what_is_not_edited)
{
    static const char *const probes[] = {
        "{file: a.py, pattern: '^class Toy\\('}",
        "{file: a.py}",
        "{file: b.py, pattern: 'LOCAL'}",
        "{file: a.py, absent: '^list = '}",
    };
    for (size_t i = 0; i < COUNT(probes); i++)
        assert_ok(f, parse(f, probes[i], edit));
}

/* An anchor with wildcards is compared as it is written. */
TEST(anchors_with_wildcards)
{
    static const char wild[] = "{name: e, after: '^ *x\\.\\w+:$', text: \"y\\n\"}";
    assert_ok(f, parse(f, "{file: a.py, pattern: '^ *x'}", wild));
    assert_fails(f, parse(f, "{file: a.py, pattern: '^ *x\\.\\w+:$'}", wild), SP_ERROR_REFUSED,
                 "choose one that nobody edits");
}
