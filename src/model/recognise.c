/* SPDX-License-Identifier: Apache-2.0 */
#include "model/recognise.h"

#include <string.h>

#include "base/path.h"
#include "model/edit.h"
#include "model/metadata.h"

/* 1: all probes hold; 0: one does not; -1: error. */
static int probes_hold(struct sp_recogniser *c, const char *dir, const sp_probes *probes)
{
    for (size_t i = 0; i < probes->count; i++) {
        const struct sp_probe *probe = &probes->items[i];
        struct sp_bytes content;
        if (sp_contents_read(c->contents, sp_path_join(c->pool, dir, probe->file), &content,
                             c->err) < 0)
            return -1;
        if (!content.data)
            return 0;
        if (!probe->pattern)
            continue;
        int hit = sp_regex_test(probe->pattern, content, c->err);
        if (hit < 0)
            return sp_error_prefix(c->err, "%s%s%s/%s", c->tree->name,
                                   c->tree->is_system ? "/" : ":", dir, probe->file);
        if ((hit == 1) == probe->absent)
            return 0;
    }
    return 1;
}

/* ---- from metadata ------------------------------------------------------------------------- */

const struct sp_component *sp_recognise_version(struct sp_recogniser *c, const char *component,
                                                const struct sp_version *version)
{
    for (size_t i = 0; i < c->manifests->releases.count; i++) {
        const struct sp_component *spec =
            sp_release_find(c->manifests->releases.items[i], component);
        if (spec && sp_specifier_matches(spec->versions, version))
            return spec;
    }
    return NULL;
}

/* Whether the metadata gave the answer; several versions that disagree do not. */
static int from_metadata(struct sp_recogniser *c, struct sp_detection *found, const char **disagree)
{
    sp_metadatas all = {NULL, 0, 0};
    if (sp_metadata_find(c->pool, c->tree, found->site, found->name, &all, c->err) < 0)
        return -1;
    if (all.count == 0)
        return 0;
    for (size_t i = 1; i < all.count; i++)
        if (sp_version_compare(all.items[0].version, all.items[i].version) != 0) {
            *disagree =
                sp_pool_printf(c->pool, "%s and %s disagree; ",
                               sp_path_basename(sp_path_dirname(c->pool, all.items[0].file)),
                               sp_path_basename(sp_path_dirname(c->pool, all.items[i].file)));
            return 0;
        }
    const char *file = all.items[0].file;
    size_t skip = strlen(found->site->path);
    file += skip && file[skip] == '/' ? skip + 1 : 0;
    found->version = all.items[0].text;
    found->evidence = SP_EVIDENCE_METADATA;
    found->because = sp_pool_printf(c->pool, "metadata: %s", file);
    found->spec = sp_recognise_version(c, found->name, all.items[0].version);
    return 1;
}

/* ---- from contents ------------------------------------------------------------------------- */

int sp_recognise_layout(struct sp_recogniser *c, const char *dir, const struct sp_component *spec,
                        const struct sp_layout **out)
{
    *out = NULL;
    if (sp_release_read_layouts(spec->release, c->err) < 0)
        return -1;
    for (size_t i = 0; i < spec->layouts.count; i++) {
        int hold = probes_hold(c, dir, &spec->layouts.items[i].when);
        if (hold < 0)
            return -1;
        if (hold) {
            *out = &spec->layouts.items[i];
            break;
        }
    }
    return 0;
}

/* The content as the release shipped it: our edits and the older tool's taken out, where there are
 * any. */
static struct sp_bytes as_shipped(struct sp_recogniser *c, const struct sp_layout *layout,
                                  const char *path, struct sp_bytes content)
{
    for (size_t i = 0; layout && i < layout->files.count; i++) {
        const struct sp_manifest_file *file = &layout->files.items[i];
        struct sp_edited clean;
        struct sp_error ignored = SP_ERROR_INIT;
        if (file->edits.count == 0 || strcmp(file->path, path) != 0)
            continue;
        if (sp_edit_apply(c->pool, file, content, SP_GOAL_UNINSTALL, &clean, &ignored) == 0)
            return clean.text;
        sp_error_clear(&ignored);
        return content;
    }
    return content;
}

static const struct sp_checksum *known_blob(const struct sp_checksum_file *file,
                                            const struct sp_blob_id *id)
{
    for (size_t i = 0; i < file->blobs.count; i++)
        if (sp_blob_equal(&file->blobs.items[i].id, id))
            return &file->blobs.items[i];
    return NULL;
}

/* Whether the spec edits the file in some layout: then it may be known without our edits. */
static bool is_edited(const struct sp_component *spec, const char *path)
{
    for (size_t i = 0; i < spec->layouts.count; i++) {
        const struct sp_layout *layout = &spec->layouts.items[i];
        for (size_t j = 0; j < layout->files.count; j++)
            if (layout->files.items[j].edits.count &&
                strcmp(layout->files.items[j].path, path) == 0)
                return true;
    }
    return false;
}

/* The known content of a file as the release shipped it; *out is NULL if it has none. */
static int find_known(struct sp_recogniser *c, const char *dir, const struct sp_component *spec,
                      const struct sp_checksum_file *file, const struct sp_checksum **out)
{
    struct sp_blob_id id = {""};
    const struct sp_layout *layout;
    struct sp_bytes content;
    if (sp_contents_id(c->contents, sp_path_join(c->pool, dir, file->path), &id, c->err) < 0)
        return -1;
    *out = *id.hex ? known_blob(file, &id) : NULL;
    if (*out || !*id.hex)
        return 0;
    if (sp_release_read_layouts(spec->release, c->err) < 0)
        return -1;
    if (!is_edited(spec, file->path))
        return 0;
    if (sp_recognise_layout(c, dir, spec, &layout) < 0 ||
        sp_contents_read(c->contents, sp_path_join(c->pool, dir, file->path), &content, c->err) < 0)
        return -1;
    struct sp_bytes shipped = as_shipped(c, layout, file->path, content);
    if (sp_bytes_equal(shipped, content))
        return 0;
    if (sp_blob_hash(shipped, &id, c->err) < 0)
        return -1;
    *out = known_blob(file, &id);
    return 0;
}

/* 1: every file that the spec lists has a known content; *versions are those that they have in
 * common. */
static int versions_of(struct sp_recogniser *c, const char *dir, const struct sp_component *spec,
                       sp_strv *versions)
{
    if (sp_release_read_checksums(spec->release, c->err) < 0)
        return -1;
    if (spec->checksums.count == 0)
        return 0;
    bool first = true;
    for (size_t i = 0; i < spec->checksums.count; i++) {
        const struct sp_checksum_file *file = &spec->checksums.items[i];
        const struct sp_checksum *blob;
        if (find_known(c, dir, spec, file, &blob) < 0)
            return -1;
        if (!blob)
            return 0;
        sp_strv common = {NULL, 0, 0};
        for (size_t j = 0; j < blob->versions.count; j++)
            if (first || sp_strv_has(versions, blob->versions.items[j]))
                *SP_PUSH(c->pool, &common) = blob->versions.items[j];
        *versions = common;
        first = false;
    }
    return versions->count > 0;
}

/* "8.1.0 or 8.1.1". A final release goes before its candidates with the same contents. */
static const char *join_versions(struct sp_pool *pool, const sp_strv *versions)
{
    const char *finals = NULL, *all = NULL;
    for (size_t i = 0; i < versions->count; i++) {
        const char *one = versions->items[i];
        all = all ? sp_pool_printf(pool, "%s or %s", all, one) : one;
        if (one[strspn(one, "0123456789.")] == '\0')
            finals = finals ? sp_pool_printf(pool, "%s or %s", finals, one) : one;
    }
    return finals ? finals : all;
}

static int from_originals(struct sp_recogniser *c, struct sp_detection *found)
{
    for (size_t i = 0; i < c->manifests->releases.count; i++) {
        const struct sp_component *spec =
            sp_release_find(c->manifests->releases.items[i], found->name);
        if (!spec)
            continue;
        sp_strv versions = {NULL, 0, 0};
        int known = versions_of(c, found->dir, spec, &versions);
        if (known < 0)
            return -1;
        if (known == 0)
            continue;
        found->version = join_versions(c->pool, &versions);
        found->evidence = SP_EVIDENCE_CHECKSUMS;
        found->because = sp_pool_printf(c->pool, "contents: %zu of %zu named files are original",
                                        spec->checksums.count, spec->checksums.count);
        found->spec = spec;
        return 1;
    }
    return 0;
}

static int from_probes(struct sp_recogniser *c, struct sp_detection *found)
{
    for (size_t i = 0; i < c->manifests->releases.count; i++) {
        const struct sp_component *spec =
            sp_release_find(c->manifests->releases.items[i], found->name);
        if (!spec || spec->probes.count == 0)
            continue;
        int hold = probes_hold(c, found->dir, &spec->probes);
        if (hold < 0)
            return -1;
        if (hold == 0)
            continue;
        found->evidence = SP_EVIDENCE_PROBES;
        found->because = sp_pool_printf(c->pool, "contents: %s is as in %s%s",
                                        spec->probes.items[0].file, spec->release->name,
                                        spec->release->support == SP_INCLUDED ? " or later" : "");
        found->spec = spec;
        return 1;
    }
    return 0;
}

/* ---- metadata and contents ----------------------------------------------------------------- */

/* pbr writes 0.0.0 when it is told no version and finds no repository. */
static bool says_nothing(struct sp_recogniser *c, const struct sp_detection *found)
{
    const struct sp_version *version = sp_version_parse(c->pool, found->version);
    const struct sp_version *zero = sp_version_parse(c->pool, "0.0.0");
    return version && sp_version_compare(version, zero) == 0;
}

/* The answer of the metadata, unless original contents know better. */
static int from_metadata_or_contents(struct sp_recogniser *c, struct sp_detection *found,
                                     const char **disagree)
{
    int rc = from_metadata(c, found, disagree);
    if (rc != 1 || !says_nothing(c, found))
        return rc;
    struct sp_detection by_contents = *found;
    int known = from_originals(c, &by_contents);
    if (known == 1) {
        *disagree = sp_pool_printf(c->pool, "%s says 0.0.0; ", found->because);
        *found = by_contents;
    }
    return known < 0 ? -1 : 1;
}

int sp_recognise(struct sp_recogniser *c, struct sp_detection *found)
{
    const char *disagree = "";
    int rc = from_metadata_or_contents(c, found, &disagree);
    if (rc == 0)
        rc = from_originals(c, found);
    if (rc == 0)
        rc = from_probes(c, found);
    if (rc < 0)
        return -1;
    if (rc == 0) {
        found->evidence = SP_EVIDENCE_NONE;
        found->because = "no metadata, and the contents are of no release that is known";
    }
    if (*disagree)
        found->because = sp_pool_printf(c->pool, "%s%s", disagree, found->because);
    return 0;
}
