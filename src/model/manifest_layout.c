/* SPDX-License-Identifier: Apache-2.0 */
/* The layouts of a component: its files, and the edits of each. */
#include <string.h>

#include "model/manifest_reader.h"
#include "model/probe.h"

static int edit_text(struct sp_manifest_reader *r, struct sp_yaml_node *node, struct sp_edit *out)
{
    if (sp_yaml_expect(&r->doc, node, SP_YAML_SCALAR, "'text'", r->err) < 0)
        return -1;
    if (node->len == 0 || node->text[node->len - 1] != '\n')
        return sp_yaml_error(&r->doc, node, r->err, "'text' must be whole lines");
    out->text = (struct sp_bytes){node->text, node->len};
    return 0;
}

/* Where the text goes: one of before, after, append. */
static int edit_place(struct sp_manifest_reader *r, struct sp_yaml_node *node, struct sp_edit *out)
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
            if (sp_manifest_pattern(r, value, places[i].key, &out->anchor) < 0)
                return -1;
        } else if (sp_manifest_text(r, value, "'append'", &text) < 0 || strcmp(text, "true") != 0) {
            return sp_yaml_error(&r->doc, value, r->err, "'append' can only be true");
        }
    }
    return 0;
}

static int edit_region(struct sp_manifest_reader *r, struct sp_yaml_node *node, struct sp_edit *out)
{
    if (!node)
        return 0;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_SEQUENCE, "'within'", r->err) < 0)
        return -1;
    if (node->count != 2)
        return sp_yaml_error(&r->doc, node, r->err, "'within' needs two patterns: start and end");
    if (sp_manifest_pattern(r, node->items[0], "'within'", &out->start) < 0)
        return -1;
    return sp_manifest_pattern(r, node->items[1], "'within'", &out->end);
}

static int edit_of(struct sp_manifest_reader *r, struct sp_yaml_node *node, struct sp_edit *out)
{
    struct sp_yaml_node *name;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "an edit", r->err) < 0 ||
        sp_manifest_required(r, node, "name", &name) < 0 ||
        sp_manifest_text(r, name, "'name'", &out->name) < 0 ||
        edit_region(r, sp_yaml_get(node, "within"), out) < 0 || edit_place(r, node, out) < 0)
        return -1;
    struct sp_yaml_node *text = sp_yaml_get(node, "text");
    if (text && edit_text(r, text, out) < 0)
        return -1;
    if (sp_manifest_patterns(r, sp_yaml_get(node, "legacy"), "'legacy'", &out->legacy) < 0 ||
        sp_manifest_patterns(r, sp_yaml_get(node, "foreign"), "'foreign'", &out->foreign) < 0)
        return -1;
    if ((text != NULL) != (out->place != SP_PLACE_NONE))
        return sp_yaml_error(&r->doc, node, r->err,
                             "'text' and one of 'before', 'after', 'append' go together");
    if (!text && out->legacy.count == 0)
        return sp_yaml_error(&r->doc, node, r->err, "an edit needs 'text' or 'legacy'");
    return sp_yaml_no_more(&r->doc, node, r->err);
}

static int legacy_blobs(struct sp_manifest_reader *r, struct sp_yaml_node *node,
                        struct sp_manifest_file *out)
{
    if (!node)
        return 0;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "'legacy'", r->err) < 0)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        struct sp_known *known = SP_PUSH(r->pool, &out->legacy);
        if (sp_manifest_blob(r, node->keys[i], &known->id) < 0 ||
            sp_manifest_text(r, node->items[i], "the name of an older driver", &known->what) < 0)
            return -1;
    }
    return 0;
}

static int foreign_blobs(struct sp_manifest_reader *r, struct sp_yaml_node *node,
                         struct sp_manifest_file *out)
{
    if (!node)
        return 0;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "'foreign'", r->err) < 0)
        return -1;
    for (size_t i = 0; i < node->count; i++) {
        struct sp_known *known = SP_PUSH(r->pool, &out->foreign);
        if (sp_manifest_blob(r, node->keys[i], &known->id) < 0 ||
            sp_manifest_text(r, node->items[i], "whose driver it is", &known->what) < 0)
            return -1;
    }
    return 0;
}

static int file_of(struct sp_manifest_reader *r, struct sp_yaml_node *node,
                   struct sp_manifest_file *out)
{
    struct sp_yaml_node *path;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "a file", r->err) < 0 ||
        sp_manifest_required(r, node, "path", &path) < 0 ||
        sp_manifest_path(r, path, "'path'", &out->path) < 0)
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
    if ((copy && sp_manifest_path(r, copy, "'copy'", &out->copy) < 0) ||
        (marker && sp_manifest_pattern(r, marker, "'marker'", &out->marker) < 0))
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

static int files_of(struct sp_manifest_reader *r, struct sp_yaml_node *node,
                    struct sp_layout *layout)
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

int sp_manifest_check_probes(struct sp_manifest_reader *r, const sp_probes *probes,
                             const struct sp_layout *layout)
{
    for (size_t i = 0; i < probes->count; i++) {
        const struct sp_edit *edit = sp_probe_conflict(r->pool, &probes->items[i], layout);
        if (edit)
            return sp_yaml_error(&r->doc, probes->items[i].node, r->err,
                                 "the probe goes by a line that the edit '%s' needs or makes; "
                                 "choose one that nobody edits",
                                 edit->name);
    }
    return 0;
}

static int layout_of(struct sp_manifest_reader *r, struct sp_yaml_node *node, struct sp_layout *out)
{
    struct sp_yaml_node *name, *files;
    if (sp_yaml_expect(&r->doc, node, SP_YAML_MAPPING, "a layout", r->err) < 0 ||
        sp_manifest_required(r, node, "name", &name) < 0 ||
        sp_manifest_text(r, name, "'name'", &out->name) < 0 ||
        sp_manifest_probes(r, sp_yaml_get(node, "when"), "'when'", &out->when) < 0 ||
        sp_manifest_required(r, node, "files", &files) < 0 || files_of(r, files, out) < 0 ||
        sp_manifest_check_probes(r, &out->when, out) < 0)
        return -1;
    return sp_yaml_no_more(&r->doc, node, r->err);
}

int sp_manifest_layouts(struct sp_manifest_reader *r, struct sp_yaml_node *node,
                        struct sp_component *out)
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
