/* SPDX-License-Identifier: Apache-2.0 */
#include "model/detect.h"

#include <string.h>

#include "base/path.h"
#include "model/contents.h"
#include "model/edit.h"
#include "model/metadata.h"

struct context {
    struct sp_pool *pool;
    struct sp_tree *tree;
    const struct sp_manifests *manifests;
    struct sp_contents *contents;
    struct sp_error *err;
};

/* 1: all probes hold; 0: one does not; -1: error. */
static int probes_hold(struct context *c, const char *dir, const sp_probes *probes)
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

static const struct sp_component *spec_of_version(struct context *c, const char *component,
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
static int from_metadata(struct context *c, struct sp_detection *found, const char **disagree)
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
    found->spec = spec_of_version(c, found->name, all.items[0].version);
    return 1;
}

/* ---- from contents ------------------------------------------------------------------------- */

/* The layout of the package in this spec; NULL if none fits. */
static int layout_of(struct context *c, const char *dir, const struct sp_component *spec,
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
static struct sp_bytes as_shipped(struct context *c, const struct sp_layout *layout,
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
static int find_known(struct context *c, const char *dir, const struct sp_component *spec,
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
    if (layout_of(c, dir, spec, &layout) < 0 ||
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
static int versions_of(struct context *c, const char *dir, const struct sp_component *spec,
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

static int from_originals(struct context *c, struct sp_detection *found)
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

static int from_probes(struct context *c, struct sp_detection *found)
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
static bool says_nothing(struct context *c, const struct sp_detection *found)
{
    const struct sp_version *version = sp_version_parse(c->pool, found->version);
    const struct sp_version *zero = sp_version_parse(c->pool, "0.0.0");
    return version && sp_version_compare(version, zero) == 0;
}

/* The answer of the metadata, unless original contents know better. */
static int from_metadata_or_contents(struct context *c, struct sp_detection *found,
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

static int recognise(struct context *c, struct sp_detection *found)
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

/* ---- zipped eggs --------------------------------------------------------------------------- */

/* The version in the name of an egg of the component, "nova-14.1.0-py2.7.egg"
 * (setuptools, "The Internal Structure of Python Eggs"); NULL if it is of another one. */
static const char *version_of_egg(struct sp_pool *pool, const char *egg, const char *component)
{
    for (size_t end = 1; egg[end]; end++) {
        if (egg[end] != '-' || !sp_distribution_same(sp_pool_memdup(pool, egg, end), component))
            continue;
        const char *rest = egg + end + 1, *dot = strrchr(rest, '.');
        size_t len = strcspn(rest, "-");
        if (dot && (size_t)(dot - rest) < len)
            len = (size_t)(dot - rest);
        return sp_pool_memdup(pool, rest, len);
    }
    return NULL;
}

/* A zipped egg is not looked into: its name tells what is in it. */
static bool find_in_egg(struct context *c, const struct sp_site *site, const char *component,
                        struct sp_detection *out)
{
    const char *version = version_of_egg(c->pool, sp_path_basename(site->path), component);
    const struct sp_version *parsed = version ? sp_version_parse(c->pool, version) : NULL;
    if (!parsed)
        return false;
    *out = (struct sp_detection){
        .name = component,
        .site = site,
        .dir = site->path,
        .id = site->id,
        .version = version,
        .evidence = SP_EVIDENCE_METADATA,
        .because = "the name of the egg",
        .obstacle = "it is a zipped egg, in which nothing can be changed; install it unpacked "
                    "(pip does, and easy_install --always-unzip)",
        .spec = spec_of_version(c, component, parsed)};
    return true;
}

/* ---- all together -------------------------------------------------------------------------- */

/* Without an __init__.py, Python imports what was compiled of it: __init__.pyc or .pyo, or a library,
 * __init__.so or __init__.cpython-36m-x86_64-linux-gnu.so (imp.get_suffixes()). *is_there: it is so. */
static int find_compiled(struct context *c, const char *dir, struct sp_detection *out,
                         bool *is_there)
{
    static const char init[] = "__init__.";
    sp_entries entries = {NULL, 0, 0};
    if (sp_tree_list(c->tree, c->pool, dir, &entries, c->err) < 0)
        return -1;
    for (size_t i = 0; i < entries.count && !*is_there; i++) {
        const char *name = entries.items[i].name, *ending = strrchr(name, '.');
        if (strncmp(name, init, sizeof(init) - 1) != 0 || entries.items[i].kind != SP_ENTRY_FILE)
            continue;
        *is_there = strcmp(ending, ".pyc") == 0 || strcmp(ending, ".pyo") == 0 ||
                    strcmp(ending, ".so") == 0;
        out->obstacle = sp_pool_printf(
            c->pool,
            "it is compiled (%s without __init__.py), and nothing in it can be changed; "
            "install the package with its sources",
            name);
    }
    return 0;
}

/* A component's package directory in the site: has an __init__.py, or a compiled one. */
static int find_in(struct context *c, const struct sp_site *site, const char *component,
                   struct sp_detection *out, bool *is_there)
{
    enum sp_entry_kind kind;
    const char *dir = sp_path_join(c->pool, site->path, component), *real = NULL;
    struct sp_detection found = {.name = component, .site = site};
    *is_there = false;
    if (site->zipped) {
        *is_there = find_in_egg(c, site, component, out);
        return 0;
    }
    if (sp_tree_kind(c->tree, c->pool, sp_path_join(c->pool, dir, "__init__.py"), &kind, c->err) <
        0)
        return -1;
    *is_there = kind == SP_ENTRY_FILE;
    if (kind == SP_ENTRY_ABSENT && find_compiled(c, dir, &found, is_there) < 0)
        return -1;
    if (!*is_there)
        return 0;
    if (c->tree->ops->real && c->tree->ops->real(c->tree, c->pool, dir, &real, c->err) < 0)
        return -1;
    found.dir = real ? real : dir;
    *out = found;
    return c->tree->ops->stat(c->tree, c->pool, dir, &kind, &out->id, c->err);
}

/* The copy that was found by another name already; NULL. */
static const struct sp_detection *same_copy(const struct sp_detections *all,
                                            const struct sp_detection *found)
{
    for (size_t i = 0; i < all->items.count; i++)
        if (strcmp(all->items.items[i]->id, found->id) == 0 &&
            strcmp(all->items.items[i]->name, found->name) == 0)
            return all->items.items[i];
    return NULL;
}

int sp_detect(const struct sp_detecting *request, const char *component, struct sp_detections *out,
              struct sp_error *err)
{
    const sp_sites *sites = request->sites;
    struct sp_pool *pool = request->contents->pool;
    struct context c = {.pool = pool,
                        .tree = request->contents->tree,
                        .manifests = request->manifests,
                        .contents = request->contents,
                        .err = err};
    for (size_t i = 0; i < sites->count; i++) {
        struct sp_detection found;
        bool is_there;
        if (find_in(&c, sites->items[i], component, &found, &is_there) < 0)
            return -1;
        if (!is_there)
            continue;
        const struct sp_detection *known = same_copy(out, &found);
        if (!known) {
            struct sp_detection *copy = sp_pool_alloc(pool, sizeof(*copy));
            *copy = found;
            if (!found.site->zipped && recognise(&c, copy) < 0)
                return sp_error_prefix(err, "cannot tell the version of '%s'", component);
            if (!found.site->zipped && copy->spec &&
                layout_of(&c, copy->dir, copy->spec, &copy->layout) < 0)
                return -1;
            *SP_PUSH(pool, &out->items) = known = copy;
        }
        *SP_PUSH(pool, &out->places) = (struct sp_occurrence){sites->items[i], known};
    }
    return 0;
}

bool sp_detection_is_at(struct sp_pool *pool, const struct sp_detection *found, const char *path)
{
    return strcmp(path, found->dir) == 0 ||
           strcmp(path, sp_path_join(pool, found->site->path, found->name)) == 0;
}

const struct sp_detection *sp_detection_in(const struct sp_detections *all,
                                           const struct sp_site *site, const char *component)
{
    for (size_t i = 0; i < all->places.count; i++)
        if (all->places.items[i].site == site &&
            strcmp(all->places.items[i].detection->name, component) == 0)
            return all->places.items[i].detection;
    return NULL;
}
