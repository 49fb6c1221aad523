/* SPDX-License-Identifier: Apache-2.0 */
/* All manifests and drivers of a data directory. */
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "model/manifest.h"

#define MANIFEST_DIR "manifests"
#define DRIVER_DIR   "drivers"

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
        sp_strv_add_once(pool, &out->components, release->components.items[i]->name);
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

const struct sp_component *sp_manifests_find(const struct sp_manifests *manifests,
                                             const char *release, const char *component)
{
    for (size_t i = 0; i < manifests->releases.count; i++)
        if (strcmp(manifests->releases.items[i]->name, release) == 0)
            return sp_release_find(manifests->releases.items[i], component);
    return NULL;
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

int sp_manifests_wanted(struct sp_pool *pool, const struct sp_manifests *manifests, sp_strv *out,
                        struct sp_error *err)
{
    for (size_t i = 0; i < manifests->releases.count; i++) {
        const struct sp_release *release = manifests->releases.items[i];
        if (sp_release_read_layouts(release, err) < 0 ||
            sp_release_read_checksums(release, err) < 0)
            return -1;
        for (size_t j = 0; j < release->components.count; j++) {
            const struct sp_component *component = release->components.items[j];
            for (size_t k = 0; k < component->probes.count; k++)
                sp_strv_add_once(pool, out, component->probes.items[k].file);
            for (size_t k = 0; k < component->checksums.count; k++)
                sp_strv_add_once(pool, out, component->checksums.items[k].path);
            for (size_t k = 0; k < component->layouts.count; k++) {
                const struct sp_layout *layout = &component->layouts.items[k];
                for (size_t l = 0; l < layout->when.count; l++)
                    sp_strv_add_once(pool, out, layout->when.items[l].file);
                for (size_t l = 0; l < layout->files.count; l++)
                    sp_strv_add_once(pool, out, layout->files.items[l].path);
            }
        }
    }
    return 0;
}
