/* SPDX-License-Identifier: Apache-2.0 */
#include "model/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "format/yaml.h"
#include "model/probe.h"

#define MANIFEST_DIR "manifests"
#define DRIVER_DIR   "drivers"

struct reader {
    struct sp_pool *pool;
    struct sp_yaml doc;
    struct sp_error *err;
};

const char *sp_support_name(enum sp_support support)
{
    static const char *const names[] = {"supported", "included", "unsupported"};
    return names[support];
}

/* ---- scalars ------------------------------------------------------------------------------- */

static int text_of(struct reader *r, struct sp_yaml_node *node, const char *what, const char **out)
{
    if (sp_yaml_expect(&r->doc, node, SP_YAML_SCALAR, what, r->err) < 0)
        return -1;
    if (node->len == 0)
        return sp_yaml_error(&r->doc, node, r->err, "%s is empty", what);
    *out = node->text;
    return 0;
}

static int required(struct reader *r, struct sp_yaml_node *map, const char *key,
                    struct sp_yaml_node **out)
{
    *out = sp_yaml_get(map, key);
    if (!*out)
        return sp_yaml_error(&r->doc, map, r->err, "'%s' is missing", key);
    return 0;
}

/* A path inside a package or under drivers/. */
static int path_of(struct reader *r, struct sp_yaml_node *node, const char *what, const char **out)
{
    if (text_of(r, node, what, out) < 0)
        return -1;
    if (!sp_path_is_safe_relative(*out))
        return sp_yaml_error(&r->doc, node, r->err,
                             "%s must be a relative path that does not climb, not '%s'", what,
                             *out);
    return 0;
}

static int pattern_of(struct reader *r, struct sp_yaml_node *node, const char *what,
                      const struct sp_regex **out)
{
    const char *text = "";
    if (text_of(r, node, what, &text) < 0)
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

static int blob_of(struct reader *r, struct sp_yaml_node *node, struct sp_blob_id *out)
{
    if (!sp_blob_is_id(node->text))
        return sp_yaml_error(&r->doc, node, r->err,
                             "'%s' is no blob id (40 lower-case hexadecimal digits)", node->text);
    memcpy(out->hex, node->text, sizeof(out->hex));
    return 0;
}

/* ---- lists --------------------------------------------------------------------------------- */

static int strings_of(struct reader *r, struct sp_yaml_node *node, const char *what, sp_strv *out)
{
    if (!node)
        return 0;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_SEQUENCE, what, r->err) < 0)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        const char *text = "";
        if (text_of(r, node->items[i], what, &text) < 0)
            return -1;
        *SP_PUSH(r->pool, out) = text;
    }
    return 0;
}

static int patterns_of(struct reader *r, struct sp_yaml_node *node, const char *what,
                       sp_patterns *out)
{
    if (!node)
        return 0;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_SEQUENCE, what, r->err) < 0)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        const struct sp_regex *regex = NULL;
        if (pattern_of(r, node->items[i], what, &regex) < 0)
            return -1;
        *SP_PUSH(r->pool, out) = regex;
    }
    return 0;
}

static int probe_of(struct reader *r, struct sp_yaml_node *node, struct sp_probe *out)
{
    struct sp_yaml_node *file;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "a probe", r->err) < 0 ||
        required(r, node, "file", &file) < 0 || path_of(r, file, "'file'", &out->file) < 0)
        return -1;
    struct sp_yaml_node *pattern = sp_yaml_get(node, "pattern");
    struct sp_yaml_node *absent = sp_yaml_get(node, "absent");
    if (pattern && absent)
        return sp_yaml_error(&r->doc, absent, r->err,
                             "a probe has either 'pattern' or 'absent', not both");
    out->absent = absent;
    if (pattern && pattern_of(r, pattern, "'pattern'", &out->pattern) < 0)
        return -1;
    if (absent && pattern_of(r, absent, "'absent'", &out->pattern) < 0)
        return -1;
    return sp_yaml_no_more(&r->doc, node, r->err);
}

static int probes_of(struct reader *r, struct sp_yaml_node *node, const char *what, sp_probes *out)
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

/* ---- files and edits ----------------------------------------------------------------------- */

static int edit_text(struct reader *r, struct sp_yaml_node *node, struct sp_edit *out)
{
    if (sp_yaml_expect(&r->doc, node, SP_YAML_SCALAR, "'text'", r->err) < 0)
        return -1;
    if (node->len == 0 || node->text[node->len - 1] != '\n')
        return sp_yaml_error(&r->doc, node, r->err, "'text' must be whole lines");
    out->text = (struct sp_bytes){node->text, node->len};
    return 0;
}

/* Where the text goes: one of before, after, append. */
static int edit_place(struct reader *r, struct sp_yaml_node *node, struct sp_edit *out)
{
    static const struct {
        const char *key;
        enum sp_place place;
    } places[] = {{"before", SP_PLACE_BEFORE}, {"after", SP_PLACE_AFTER}, {"append", SP_PLACE_END}};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct sp_yaml_node *value = sp_yaml_get(node, places[i].key);
        if (!value)
            continue;
        if (out->place != SP_PLACE_NONE)
            return sp_yaml_error(&r->doc, value, r->err,
                                 "an edit has one of 'before', 'after' and 'append'");
        out->place = places[i].place;
        const char *text = "";
        if (out->place != SP_PLACE_END) {
            if (pattern_of(r, value, places[i].key, &out->anchor) < 0)
                return -1;
        } else if (text_of(r, value, "'append'", &text) < 0 || strcmp(text, "true") != 0) {
            return sp_yaml_error(&r->doc, value, r->err, "'append' can only be true");
        }
    }
    return 0;
}

static int edit_region(struct reader *r, struct sp_yaml_node *node, struct sp_edit *out)
{
    if (!node)
        return 0;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_SEQUENCE, "'within'", r->err) < 0)
        return -1;
    if (node->count != 2)
        return sp_yaml_error(&r->doc, node, r->err, "'within' needs two patterns: start and end");
    if (pattern_of(r, node->items[0], "'within'", &out->start) < 0)
        return -1;
    return pattern_of(r, node->items[1], "'within'", &out->end);
}

static int edit_of(struct reader *r, struct sp_yaml_node *node, struct sp_edit *out)
{
    struct sp_yaml_node *name;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "an edit", r->err) < 0 ||
        required(r, node, "name", &name) < 0 || text_of(r, name, "'name'", &out->name) < 0 ||
        edit_region(r, sp_yaml_get(node, "within"), out) < 0 || edit_place(r, node, out) < 0)
        return -1;
    struct sp_yaml_node *text = sp_yaml_get(node, "text");
    if (text && edit_text(r, text, out) < 0)
        return -1;
    if (patterns_of(r, sp_yaml_get(node, "legacy"), "'legacy'", &out->legacy) < 0 ||
        patterns_of(r, sp_yaml_get(node, "foreign"), "'foreign'", &out->foreign) < 0)
        return -1;
    if ((text != NULL) != (out->place != SP_PLACE_NONE))
        return sp_yaml_error(&r->doc, node, r->err,
                             "'text' and one of 'before', 'after', 'append' go together");
    if (!text && out->legacy.count == 0)
        return sp_yaml_error(&r->doc, node, r->err, "an edit needs 'text' or 'legacy'");
    return sp_yaml_no_more(&r->doc, node, r->err);
}

static int legacy_blobs(struct reader *r, struct sp_yaml_node *node, struct sp_manifest_file *out)
{
    if (!node)
        return 0;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "'legacy'", r->err) < 0)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        struct sp_known *known = SP_PUSH(r->pool, &out->legacy);
        if (blob_of(r, node->keys[i], &known->id) < 0 ||
            text_of(r, node->items[i], "the name of an older driver", &known->what) < 0)
            return -1;
    }
    return 0;
}

static int foreign_blobs(struct reader *r, struct sp_yaml_node *node, struct sp_manifest_file *out)
{
    if (!node)
        return 0;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "'foreign'", r->err) < 0)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        struct sp_known *known = SP_PUSH(r->pool, &out->foreign);
        if (blob_of(r, node->keys[i], &known->id) < 0 ||
            text_of(r, node->items[i], "whose driver it is", &known->what) < 0)
            return -1;
    }
    return 0;
}

static int file_of(struct reader *r, struct sp_yaml_node *node, struct sp_manifest_file *out)
{
    struct sp_yaml_node *path;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "a file", r->err) < 0 ||
        required(r, node, "path", &path) < 0 || path_of(r, path, "'path'", &out->path) < 0)
        return -1;
    struct sp_yaml_node *copy = sp_yaml_get(node, "copy");
    struct sp_yaml_node *marker = sp_yaml_get(node, "marker");
    struct sp_yaml_node *edits = sp_yaml_get(node, "edits");
    struct sp_yaml_node *foreign = sp_yaml_get(node, "foreign");
    if (legacy_blobs(r, sp_yaml_get(node, "legacy"), out) < 0 || foreign_blobs(r, foreign, out) < 0)
        return -1;
    if (foreign && !copy)
        return sp_yaml_error(&r->doc, foreign, r->err, "blob ids in 'foreign' go with 'copy'");
    if (copy && edits)
        return sp_yaml_error(&r->doc, edits, r->err, "a file has either 'copy' or 'edits'");
    if (!copy && !edits && !marker && out->legacy.count == 0)
        return sp_yaml_error(&r->doc, node, r->err,
                             "a file needs 'copy', 'edits', 'marker' or 'legacy'");
    if (copy && !marker)
        return sp_yaml_error(&r->doc, copy, r->err, "'copy' needs a 'marker'");
    if (edits && marker)
        return sp_yaml_error(&r->doc, marker, r->err, "'marker' is for modules, not for 'edits'");
    if ((copy && path_of(r, copy, "'copy'", &out->copy) < 0) ||
        (marker && pattern_of(r, marker, "'marker'", &out->marker) < 0))
        return -1;
    if (edits) {
        if (sp_yaml_expect(&r->doc, edits, SP_YAML_SEQUENCE, "'edits'", r->err) < 0)
            return -1;
        if (out->legacy.count)
            return sp_yaml_error(&r->doc, node, r->err,
                                 "blob ids in 'legacy' are for modules; an edit has its own");
        for (size_t i = 0; i < edits->count; i++) {
            struct sp_edit *edit = SP_PUSH(r->pool, &out->edits);
            if (edit_of(r, edits->items[i], edit) < 0)
                return -1;
        }
    }
    return sp_yaml_no_more(&r->doc, node, r->err);
}

static int files_of(struct reader *r, struct sp_yaml_node *node, struct sp_layout *layout)
{
    if (sp_yaml_expect(&r->doc, node, SP_YAML_SEQUENCE, "'files'", r->err) < 0)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        struct sp_manifest_file *file = SP_PUSH(r->pool, &layout->files);
        if (file_of(r, node->items[i], file) < 0)
            return -1;
        for (size_t j = 0; j + 1 < layout->files.count; j++)
            if (strcmp(layout->files.items[j].path, file->path) == 0)
                return sp_yaml_error(&r->doc, node->items[i], r->err, "'%s' is listed twice",
                                     file->path);
    }
    return 0;
}

/* node: the sequence that the probes were read from. */
static int check_probes(struct reader *r, struct sp_yaml_node *node, const sp_probes *probes,
                        const struct sp_layout *layout)
{
    for (size_t i = 0; i < probes->count; i++) {
        const struct sp_edit *edit = sp_probe_conflict(r->pool, &probes->items[i], layout);
        if (edit)
            return sp_yaml_error(&r->doc, node->items[i], r->err,
                                 "the probe goes by a line that the edit '%s' needs or makes; "
                                 "choose one that nobody edits",
                                 edit->name);
    }
    return 0;
}

static int layout_of(struct reader *r, struct sp_yaml_node *node, struct sp_layout *out)
{
    struct sp_yaml_node *name, *files;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "a layout", r->err) < 0 ||
        required(r, node, "name", &name) < 0 || text_of(r, name, "'name'", &out->name) < 0 ||
        probes_of(r, sp_yaml_get(node, "when"), "'when'", &out->when) < 0 ||
        required(r, node, "files", &files) < 0 || files_of(r, files, out) < 0 ||
        check_probes(r, sp_yaml_get(node, "when"), &out->when, out) < 0)
        return -1;
    return sp_yaml_no_more(&r->doc, node, r->err);
}

static int layouts_of(struct reader *r, struct sp_yaml_node *node, struct sp_component *out)
{
    struct sp_yaml_node *files = sp_yaml_get(node, "files");
    struct sp_yaml_node *layouts = sp_yaml_get(node, "layouts");
    if (files && layouts)
        return sp_yaml_error(&r->doc, files, r->err, "a component has either 'files' or 'layouts'");
    if (files) {
        struct sp_layout *layout = SP_PUSH(r->pool, &out->layouts);
        return files_of(r, files, layout);
    }
    if (!layouts)
        return 0;
    if (sp_yaml_expect(&r->doc, layouts, SP_YAML_SEQUENCE, "'layouts'", r->err) < 0)
        return -1;
    for (size_t i = 0; i < layouts->count; i++) {
        struct sp_layout *layout = SP_PUSH(r->pool, &out->layouts);
        if (layout_of(r, layouts->items[i], layout) < 0)
            return -1;
    }
    return 0;
}

/* ---- components and releases --------------------------------------------------------------- */

static int original_of(struct reader *r, struct sp_yaml_node *node, struct sp_checksum_file *out)
{
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "the contents of an original", r->err) < 0)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        struct sp_checksum *blob = SP_PUSH(r->pool, &out->blobs);
        if (blob_of(r, node->keys[i], &blob->id) < 0 ||
            strings_of(r, node->items[i], "the versions of a blob id", &blob->versions) < 0)
            return -1;
    }
    return 0;
}

static int originals_of(struct reader *r, struct sp_yaml_node *node, struct sp_component *out)
{
    if (!node)
        return 0;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "'checksums'", r->err) < 0)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        struct sp_checksum_file *file = SP_PUSH(r->pool, &out->checksums);
        if (path_of(r, node->keys[i], "a file of 'checksums'", &file->path) < 0 ||
            original_of(r, node->items[i], file) < 0)
            return -1;
    }
    return 0;
}

/* A set of versions; *written (may be NULL) is how it is written. */
static int specifier_of(struct reader *r, struct sp_yaml_node *node, const char *what,
                        const struct sp_specifier **out, const char **written)
{
    const char *text = "";
    struct sp_error reason = SP_ERROR_INIT;
    struct sp_specifier *spec;
    if (text_of(r, node, what, &text) < 0)
        return -1;
    if (sp_specifier_parse(r->pool, text, &spec, &reason) < 0) {
        sp_yaml_error(&r->doc, node, r->err, "%s: %s", what, reason.message);
        sp_error_clear(&reason);
        return -1;
    }
    *out = spec;
    if (written)
        *written = text;
    return 0;
}

/* A distribution's name alone, or with the versions that fit. */
static int need_of(struct reader *r, struct sp_yaml_node *node, struct sp_need *out)
{
    if (node->kind == SP_YAML_SCALAR)
        return text_of(r, node, "'prerequisites'", &out->name);
    struct sp_yaml_node *name;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "a prerequisite", r->err) < 0 ||
        required(r, node, "name", &name) < 0 || text_of(r, name, "'name'", &out->name) < 0)
        return -1;
    struct sp_yaml_node *versions = sp_yaml_get(node, "versions");
    struct sp_yaml_node *recommended = sp_yaml_get(node, "recommended");
    struct sp_yaml_node *because = sp_yaml_get(node, "because");
    if ((versions &&
         specifier_of(r, versions, "'versions'", &out->versions, &out->versions_text) < 0) ||
        (recommended && specifier_of(r, recommended, "'recommended'", &out->recommended,
                                     &out->recommended_text) < 0) ||
        (because && text_of(r, because, "'because'", &out->because) < 0))
        return -1;
    return sp_yaml_no_more(&r->doc, node, r->err);
}

static int needs_of(struct reader *r, struct sp_yaml_node *node, struct sp_component *out)
{
    if (!node)
        return 0;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_SEQUENCE, "'prerequisites'", r->err) < 0)
        return -1;
    for (size_t i = 0; i < node->count; i++)
        if (need_of(r, node->items[i], SP_PUSH(r->pool, &out->prerequisites)) < 0)
            return -1;
    return 0;
}

static int component_of(struct reader *r, struct sp_yaml_node *node, struct sp_component *out)
{
    struct sp_yaml_node *versions;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "a component", r->err) < 0 ||
        required(r, node, "versions", &versions) < 0 ||
        specifier_of(r, versions, "'versions'", &out->versions, NULL) < 0 ||
        probes_of(r, sp_yaml_get(node, "probes"), "'probes'", &out->probes) < 0 ||
        strings_of(r, sp_yaml_get(node, "requires"), "'requires'", &out->requires) < 0 ||
        needs_of(r, sp_yaml_get(node, "prerequisites"), out) < 0 ||
        strings_of(r, sp_yaml_get(node, "programs"), "'programs'", &out->programs) < 0 ||
        strings_of(r, sp_yaml_get(node, "services"), "'services'", &out->services) < 0 ||
        originals_of(r, sp_yaml_get(node, "checksums"), out) < 0 || layouts_of(r, node, out) < 0)
        return -1;
    for (size_t i = 0; i < out->layouts.count; i++)
        if (check_probes(r, sp_yaml_get(node, "probes"), &out->probes, &out->layouts.items[i]) < 0)
            return -1;
    struct sp_yaml_node *account = sp_yaml_get(node, "account");
    if (account && text_of(r, account, "'account'", &out->account) < 0)
        return -1;
    if (out->release->support == SP_SUPPORTED && out->layouts.count == 0)
        return sp_yaml_error(&r->doc, node, r->err,
                             "a component of a supported release needs 'files' or 'layouts'");
    return sp_yaml_no_more(&r->doc, node, r->err);
}

static int support_of(struct reader *r, struct sp_yaml_node *node, struct sp_release *out)
{
    if (!node)
        return 0;
    const char *text = "";
    if (text_of(r, node, "'status'", &text) < 0)
        return -1;
    for (int i = SP_SUPPORTED; i <= SP_UNSUPPORTED; i++)
        if (strcmp(text, sp_support_name((enum sp_support)i)) == 0) {
            out->support = (enum sp_support)i;
            return 0;
        }
    return sp_yaml_error(&r->doc, node, r->err,
                         "'status' is supported, included or unsupported, not '%s'", text);
}

static int components_of(struct reader *r, struct sp_yaml_node *node, struct sp_release *out)
{
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "'components'", r->err) < 0)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        struct sp_component *component = sp_pool_alloc(r->pool, sizeof(*component));
        component->release = out;
        if (path_of(r, node->keys[i], "the name of a component", &component->name) < 0)
            return -1;
        if (strchr(component->name, '/'))
            return sp_yaml_error(&r->doc, node->keys[i], r->err, "'%s' is no component's name",
                                 component->name);
        if (component_of(r, node->items[i], component) < 0)
            return -1;
        *SP_PUSH(r->pool, &out->components) = component;
    }
    return 0;
}

static int release_of(struct reader *r, struct sp_release *out)
{
    struct sp_yaml_node *root = r->doc.root, *name, *released, *components;
    if (sp_yaml_expect(&r->doc, root, SP_YAML_MAPPING, "a manifest", r->err) < 0 ||
        required(r, root, "release", &name) < 0 || text_of(r, name, "'release'", &out->name) < 0 ||
        required(r, root, "released", &released) < 0 ||
        text_of(r, released, "'released'", &out->released) < 0 ||
        support_of(r, sp_yaml_get(root, "status"), out) < 0)
        return -1;
    struct sp_yaml_node *note = sp_yaml_get(root, "note");
    if (note && text_of(r, note, "'note'", &out->note) < 0)
        return -1;
    if (!note && out->support != SP_SUPPORTED)
        return sp_yaml_error(&r->doc, root, r->err,
                             "'note' is missing: say what the status means for the operator");
    if (required(r, root, "components", &components) < 0 || components_of(r, components, out) < 0)
        return -1;
    return sp_yaml_no_more(&r->doc, root, r->err);
}

int sp_manifest_parse(struct sp_pool *pool, const char *name, struct sp_bytes text,
                      struct sp_release **out, struct sp_error *err)
{
    struct reader r = {.pool = pool, .err = err};
    if (sp_yaml_parse(pool, name, text, &r.doc, err) < 0)
        return -1;
    struct sp_release *release = sp_pool_alloc(pool, sizeof(*release));
    release->file = name;
    if (release_of(&r, release) < 0)
        return -1;
    *out = release;
    return 0;
}

const struct sp_component *sp_release_find(const struct sp_release *release, const char *component)
{
    for (size_t i = 0; i < release->components.count; i++)
        if (strcmp(release->components.items[i]->name, component) == 0)
            return release->components.items[i];
    return NULL;
}

/* ---- all of them --------------------------------------------------------------------------- */

static int newest_first(const void *a, const void *b)
{
    const struct sp_release *const *left = a, *const *right = b;
    return strcmp((*right)->released, (*left)->released);
}

static int by_name(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

static int load_one(struct sp_pool *pool, struct sp_manifests *out, const char *entry,
                    struct sp_error *err)
{
    const char *path = sp_path_join(pool, MANIFEST_DIR, entry);
    const char *name = sp_path_join(pool, out->data->name, path);
    struct sp_excerpt text;
    if (sp_tree_read(out->data, pool, path, SP_MAX_MANIFEST, &text, err) < 0)
        return sp_error_prefix(err, "cannot read the manifest '%s'", name);
    if (!text.complete)
        return sp_error_set(err, SP_ERROR_REFUSED, "the manifest %s is larger than %zu bytes", name,
                            SP_MAX_MANIFEST);
    struct sp_release *release;
    if (sp_manifest_parse(pool, name, text.bytes, &release, err) < 0)
        return -1;
    for (size_t i = 0; i < out->releases.count; i++)
        if (strcmp(out->releases.items[i]->name, release->name) == 0)
            return sp_error_set(err, SP_ERROR_REFUSED, "%s: the release %s is described by %s too",
                                name, release->name, out->releases.items[i]->file);
    for (size_t i = 0; i < release->components.count; i++)
        if (!sp_strv_has(&out->components, release->components.items[i]->name))
            *SP_PUSH(pool, &out->components) = release->components.items[i]->name;
    *SP_PUSH(pool, &out->releases) = release;
    return 0;
}

int sp_manifests_load(struct sp_pool *pool, struct sp_tree *data, struct sp_manifests *out,
                      struct sp_error *err)
{
    memset(out, 0, sizeof(*out));
    out->data = data;
    sp_entries entries = {NULL, 0, 0};
    if (sp_tree_list(data, pool, MANIFEST_DIR, &entries, err) < 0)
        return sp_error_prefix(err, "cannot list the manifests");
    for (size_t i = 0; i < entries.count; i++) {
        const char *dot = strrchr(entries.items[i].name, '.');
        if (dot && dot != entries.items[i].name && strcmp(dot, ".yaml") == 0 &&
            load_one(pool, out, entries.items[i].name, err) < 0)
            return -1;
    }
    if (out->releases.count == 0)
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "there are no manifests in %s/" MANIFEST_DIR
                            "; name the data directory with --data-dir",
                            data->name);
    qsort(out->releases.items, out->releases.count, sizeof(out->releases.items[0]), newest_first);
    qsort(out->components.items, out->components.count, sizeof(out->components.items[0]), by_name);
    return 0;
}

int sp_manifests_driver(struct sp_pool *pool, const struct sp_manifests *manifests,
                        const char *copy, struct sp_bytes *out, struct sp_error *err)
{
    const char *path = sp_path_join(pool, DRIVER_DIR, copy);
    struct sp_excerpt driver;
    if (sp_tree_read(manifests->data, pool, path, SP_MAX_SOURCE, &driver, err) < 0)
        return sp_error_prefix(err, "cannot read the driver '%s/%s'", manifests->data->name, path);
    *out = driver.bytes;
    if (!driver.complete)
        return sp_error_set(err, SP_ERROR_REFUSED, "the driver %s/%s is larger than %zu bytes",
                            manifests->data->name, path, SP_MAX_SOURCE);
    return 0;
}

static void want(struct sp_pool *pool, const char *path, sp_strv *out)
{
    if (!sp_strv_has(out, path))
        *SP_PUSH(pool, out) = path;
}

void sp_manifests_wanted(struct sp_pool *pool, const struct sp_manifests *manifests, sp_strv *out)
{
    for (size_t i = 0; i < manifests->releases.count; i++) {
        const struct sp_release *release = manifests->releases.items[i];
        for (size_t j = 0; j < release->components.count; j++) {
            const struct sp_component *component = release->components.items[j];
            for (size_t k = 0; k < component->probes.count; k++)
                want(pool, component->probes.items[k].file, out);
            for (size_t k = 0; k < component->checksums.count; k++)
                want(pool, component->checksums.items[k].path, out);
            for (size_t k = 0; k < component->layouts.count; k++) {
                const struct sp_layout *layout = &component->layouts.items[k];
                for (size_t l = 0; l < layout->when.count; l++)
                    want(pool, layout->when.items[l].file, out);
                for (size_t l = 0; l < layout->files.count; l++)
                    want(pool, layout->files.items[l].path, out);
            }
        }
    }
}
