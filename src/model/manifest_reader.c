/* SPDX-License-Identifier: Apache-2.0 */
#include "model/manifest_reader.h"

#include <string.h>

#include "base/path.h"

/* ---- scalars ------------------------------------------------------------------------------- */

int sp_manifest_text(struct sp_manifest_reader *r, struct sp_yaml_node *node, const char *what,
                     const char **out)
{
    if (sp_yaml_expect(&r->doc, node, SP_YAML_SCALAR, what, r->err) < 0)
        return -1;
    if (node->len == 0)
        return sp_yaml_error(&r->doc, node, r->err, "%s is empty", what);
    *out = node->text;
    return 0;
}

int sp_manifest_required(struct sp_manifest_reader *r, struct sp_yaml_node *map, const char *key,
                         struct sp_yaml_node **out)
{
    *out = sp_yaml_get(map, key);
    if (!*out)
        return sp_yaml_error(&r->doc, map, r->err, "'%s' is missing", key);
    return 0;
}

/* A path inside a package or under drivers/. */
int sp_manifest_path(struct sp_manifest_reader *r, struct sp_yaml_node *node, const char *what,
                     const char **out)
{
    if (sp_manifest_text(r, node, what, out) < 0)
        return -1;
    if (!sp_path_is_safe_relative(*out))
        return sp_yaml_error(&r->doc, node, r->err,
                             "%s must be a relative path that does not climb, not '%s'", what,
                             *out);
    return 0;
}

int sp_manifest_pattern(struct sp_manifest_reader *r, struct sp_yaml_node *node, const char *what,
                        const struct sp_regex **out)
{
    const char *text = "";
    if (sp_manifest_text(r, node, what, &text) < 0)
        return -1;
    struct sp_error reason = SP_ERROR_INIT;
    struct sp_regex *regex;
    if (sp_regex_compile(r->pool, text, &regex, &reason) < 0) {
        sp_yaml_error(&r->doc, node, r->err, "%s: %s", what, reason.message);
        sp_error_clear(&reason);
        return -1;
    }
    *out = regex;
    return 0;
}

int sp_manifest_blob(struct sp_manifest_reader *r, struct sp_yaml_node *node,
                     struct sp_blob_id *out)
{
    if (!sp_blob_is_id(node->text))
        return sp_yaml_error(&r->doc, node, r->err,
                             "'%s' is no blob id (40 lower-case hexadecimal digits)", node->text);
    memcpy(out->hex, node->text, sizeof(out->hex));
    return 0;
}

/* ---- lists --------------------------------------------------------------------------------- */

int sp_manifest_strings(struct sp_manifest_reader *r, struct sp_yaml_node *node, const char *what,
                        sp_strv *out)
{
    if (!node)
        return 0;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_SEQUENCE, what, r->err) < 0)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        const char *text = "";
        if (sp_manifest_text(r, node->items[i], what, &text) < 0)
            return -1;
        *SP_PUSH(r->pool, out) = text;
    }
    return 0;
}

int sp_manifest_patterns(struct sp_manifest_reader *r, struct sp_yaml_node *node, const char *what,
                         sp_patterns *out)
{
    if (!node)
        return 0;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_SEQUENCE, what, r->err) < 0)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        const struct sp_regex *regex = NULL;
        if (sp_manifest_pattern(r, node->items[i], what, &regex) < 0)
            return -1;
        *SP_PUSH(r->pool, out) = regex;
    }
    return 0;
}

static int probe_of(struct sp_manifest_reader *r, struct sp_yaml_node *node, struct sp_probe *out)
{
    struct sp_yaml_node *file;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "a probe", r->err) < 0 ||
        sp_manifest_required(r, node, "file", &file) < 0 ||
        sp_manifest_path(r, file, "'file'", &out->file) < 0)
        return -1;
    struct sp_yaml_node *pattern = sp_yaml_get(node, "pattern");
    struct sp_yaml_node *absent = sp_yaml_get(node, "absent");
    if (pattern && absent)
        return sp_yaml_error(&r->doc, absent, r->err,
                             "a probe has either 'pattern' or 'absent', not both");
    out->absent = absent;
    out->node = node;
    if (pattern && sp_manifest_pattern(r, pattern, "'pattern'", &out->pattern) < 0)
        return -1;
    if (absent && sp_manifest_pattern(r, absent, "'absent'", &out->pattern) < 0)
        return -1;
    return sp_yaml_no_more(&r->doc, node, r->err);
}

int sp_manifest_probes(struct sp_manifest_reader *r, struct sp_yaml_node *node, const char *what,
                       sp_probes *out)
{
    if (!node)
        return 0;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_SEQUENCE, what, r->err) < 0)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        struct sp_probe *probe = SP_PUSH(r->pool, out);
        if (probe_of(r, node->items[i], probe) < 0)
            return -1;
    }
    return 0;
}
