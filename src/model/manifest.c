/* SPDX-License-Identifier: Apache-2.0 */
#include "model/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "model/manifest_reader.h"

const char *sp_support_name(enum sp_support support)
{
    static const char *const names[] = {"supported", "included", "unsupported"};
    return names[support];
}
static int original_of(struct sp_manifest_reader *r, struct sp_yaml_node *node,
                       struct sp_checksum_file *out)
{
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "the contents of an original", r->err) < 0)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        struct sp_checksum *blob = SP_PUSH(r->pool, &out->blobs);
        if (sp_manifest_blob(r, node->keys[i], &blob->id) < 0 ||
            sp_manifest_strings(r, node->items[i], "the versions of a blob id", &blob->versions) <
                0)
            return -1;
    }
    return 0;
}

static int originals_of(struct sp_manifest_reader *r, struct sp_yaml_node *node,
                        struct sp_component *out)
{
    if (!node)
        return 0;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "'checksums'", r->err) < 0)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        struct sp_checksum_file *file = SP_PUSH(r->pool, &out->checksums);
        if (sp_manifest_path(r, node->keys[i], "a file of 'checksums'", &file->path) < 0 ||
            original_of(r, node->items[i], file) < 0)
            return -1;
    }
    return 0;
}

/* A set of versions; *written (may be NULL) is how it is written. */
static int specifier_of(struct sp_manifest_reader *r, struct sp_yaml_node *node, const char *what,
                        const struct sp_specifier **out, const char **written)
{
    const char *text = "";
    struct sp_error reason = SP_ERROR_INIT;
    struct sp_specifier *spec;
    if (sp_manifest_text(r, node, what, &text) < 0)
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
static int need_of(struct sp_manifest_reader *r, struct sp_yaml_node *node, struct sp_need *out)
{
    if (node->kind == SP_YAML_SCALAR)
        return sp_manifest_text(r, node, "'prerequisites'", &out->name);
    struct sp_yaml_node *name;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "a prerequisite", r->err) < 0 ||
        sp_manifest_required(r, node, "name", &name) < 0 ||
        sp_manifest_text(r, name, "'name'", &out->name) < 0)
        return -1;
    struct sp_yaml_node *versions = sp_yaml_get(node, "versions");
    struct sp_yaml_node *recommended = sp_yaml_get(node, "recommended");
    struct sp_yaml_node *because = sp_yaml_get(node, "because");
    if ((versions &&
         specifier_of(r, versions, "'versions'", &out->versions, &out->versions_text) < 0) ||
        (recommended && specifier_of(r, recommended, "'recommended'", &out->recommended,
                                     &out->recommended_text) < 0) ||
        (because && sp_manifest_text(r, because, "'because'", &out->because) < 0))
        return -1;
    return sp_yaml_no_more(&r->doc, node, r->err);
}

static int needs_of(struct sp_manifest_reader *r, struct sp_yaml_node *node,
                    struct sp_component *out)
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

/* ---- files and checksums ------------------------------------------------------------------- */

/* The documents of a manifest after the first one. */
struct sp_manifest_rest {
    struct sp_pool *pool;
    struct sp_yaml_part text;
    bool has_layouts, has_checksums; /* they are read */
};

static int read_layouts(struct sp_manifest_reader *r, struct sp_yaml_node *node,
                        struct sp_component *out)
{
    if (sp_manifest_layouts(r, node, out) < 0)
        return -1;
    for (size_t i = 0; i < out->layouts.count; i++)
        if (sp_manifest_check_probes(r, &out->probes, &out->layouts.items[i]) < 0)
            return -1;
    if (out->release->support == SP_SUPPORTED && out->layouts.count == 0)
        return sp_yaml_error(&r->doc, node, r->err,
                             "a component of a supported release needs 'files' or 'layouts'");
    return 0;
}

static int read_checksums(struct sp_manifest_reader *r, struct sp_yaml_node *node,
                          struct sp_component *out)
{
    return originals_of(r, sp_yaml_get(node, "checksums"), out);
}

/* Reads a part of each component of the release out of a document that has nothing else. */
static int read_document(const struct sp_release *release, const struct sp_yaml_part *part,
                         int (*read_part)(struct sp_manifest_reader *r, struct sp_yaml_node *node,
                                          struct sp_component *out),
                         struct sp_error *err)
{
    struct sp_manifest_reader r = {.pool = release->rest->pool, .err = err};
    struct sp_yaml_node *components, *node;
    if (sp_yaml_parse_part(r.pool, release->file, part, &r.doc, err) < 0 ||
        sp_yaml_expect(&r.doc, r.doc.root, SP_YAML_MAPPING, "a document", err) < 0 ||
        sp_manifest_required(&r, r.doc.root, "components", &components) < 0 ||
        sp_yaml_expect(&r.doc, components, SP_YAML_MAPPING, "'components'", err) < 0)
        return -1;
    for (size_t i = 0; i < release->components.count; i++) {
        struct sp_component *component = release->components.items[i];
        if (sp_manifest_required(&r, components, component->name, &node) < 0 ||
            sp_yaml_expect(&r.doc, node, SP_YAML_MAPPING, "a component", err) < 0 ||
            read_part(&r, node, component) < 0 || sp_yaml_no_more(&r.doc, node, err) < 0)
            return -1;
    }
    if (sp_yaml_no_more(&r.doc, components, err) < 0)
        return -1;
    return sp_yaml_no_more(&r.doc, r.doc.root, err);
}

int sp_release_read_layouts(const struct sp_release *release, struct sp_error *err)
{
    struct sp_manifest_rest *rest = release->rest;
    if (!rest || rest->has_layouts)
        return 0;
    struct sp_yaml_part text = rest->text, layouts = sp_yaml_next(&text);
    rest->has_layouts = read_document(release, &layouts, read_layouts, err) == 0;
    for (size_t i = 0; !rest->has_layouts && i < release->components.count; i++)
        memset(&release->components.items[i]->layouts, 0,
               sizeof(release->components.items[i]->layouts));
    return rest->has_layouts ? 0 : -1;
}

int sp_release_read_checksums(const struct sp_release *release, struct sp_error *err)
{
    struct sp_manifest_rest *rest = release->rest;
    if (!rest || rest->has_checksums)
        return 0;
    struct sp_yaml_part text = rest->text;
    (void)sp_yaml_next(&text); /* the layouts */
    if (text.text.len && read_document(release, &text, read_checksums, err) < 0) {
        for (size_t i = 0; i < release->components.count; i++)
            memset(&release->components.items[i]->checksums, 0,
                   sizeof(release->components.items[i]->checksums));
        return -1;
    }
    rest->has_checksums = true;
    return 0;
}

/* ---- the first document -------------------------------------------------------------------- */

static int component_of(struct sp_manifest_reader *r, struct sp_yaml_node *node,
                        struct sp_component *out)
{
    struct sp_yaml_node *versions;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "a component", r->err) < 0 ||
        sp_manifest_required(r, node, "versions", &versions) < 0 ||
        specifier_of(r, versions, "'versions'", &out->versions, NULL) < 0 ||
        sp_manifest_probes(r, sp_yaml_get(node, "probes"), "'probes'", &out->probes) < 0 ||
        sp_manifest_strings(r, sp_yaml_get(node, "requires"), "'requires'", &out->requires) < 0 ||
        needs_of(r, sp_yaml_get(node, "prerequisites"), out) < 0 ||
        sp_manifest_strings(r, sp_yaml_get(node, "programs"), "'programs'", &out->programs) < 0 ||
        sp_manifest_strings(r, sp_yaml_get(node, "services"), "'services'", &out->services) < 0 ||
        (!out->release->rest &&
         (read_checksums(r, node, out) < 0 || read_layouts(r, node, out) < 0)))
        return -1;
    struct sp_yaml_node *account = sp_yaml_get(node, "account");
    if (account && sp_manifest_text(r, account, "'account'", &out->account) < 0)
        return -1;
    return sp_yaml_no_more(&r->doc, node, r->err);
}

static int support_of(struct sp_manifest_reader *r, struct sp_yaml_node *node,
                      struct sp_release *out)
{
    if (!node)
        return 0;
    const char *text = "";
    if (sp_manifest_text(r, node, "'status'", &text) < 0)
        return -1;
    for (int i = SP_SUPPORTED; i <= SP_UNSUPPORTED; i++)
        if (strcmp(text, sp_support_name((enum sp_support)i)) == 0) {
            out->support = (enum sp_support)i;
            return 0;
        }
    return sp_yaml_error(&r->doc, node, r->err,
                         "'status' is supported, included or unsupported, not '%s'", text);
}

static int components_of(struct sp_manifest_reader *r, struct sp_yaml_node *node,
                         struct sp_release *out)
{
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "'components'", r->err) < 0)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        struct sp_component *component = sp_pool_alloc(r->pool, sizeof(*component));
        component->release = out;
        if (sp_manifest_path(r, node->keys[i], "the name of a component", &component->name) < 0)
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

static int release_of(struct sp_manifest_reader *r, struct sp_release *out)
{
    struct sp_yaml_node *root = r->doc.root, *name, *released, *components;
    if (sp_yaml_expect(&r->doc, root, SP_YAML_MAPPING, "a manifest", r->err) < 0 ||
        sp_manifest_required(r, root, "release", &name) < 0 ||
        sp_manifest_text(r, name, "'release'", &out->name) < 0 ||
        sp_manifest_required(r, root, "released", &released) < 0 ||
        sp_manifest_text(r, released, "'released'", &out->released) < 0 ||
        support_of(r, sp_yaml_get(root, "status"), out) < 0)
        return -1;
    struct sp_yaml_node *note = sp_yaml_get(root, "note");
    if (note && sp_manifest_text(r, note, "'note'", &out->note) < 0)
        return -1;
    if (!note && out->support != SP_SUPPORTED)
        return sp_yaml_error(&r->doc, root, r->err,
                             "'note' is missing: say what the status means for the operator");
    if (sp_manifest_required(r, root, "components", &components) < 0 ||
        components_of(r, components, out) < 0)
        return -1;
    return sp_yaml_no_more(&r->doc, root, r->err);
}

int sp_manifest_parse(struct sp_pool *pool, const char *name, struct sp_bytes text,
                      struct sp_release **out, struct sp_error *err)
{
    struct sp_manifest_reader r = {.pool = pool, .err = err};
    struct sp_yaml_part rest = {text, 1}, first = sp_yaml_next(&rest);
    if (sp_yaml_parse_part(pool, name, &first, &r.doc, err) < 0)
        return -1;
    struct sp_release *release = sp_pool_alloc(pool, sizeof(*release));
    release->file = name;
    if (rest.text.len) {
        release->rest = sp_pool_alloc(pool, sizeof(*release->rest));
        release->rest->pool = pool;
        release->rest->text = rest;
    }
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
