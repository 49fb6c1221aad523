/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are a manifest or are refused with a place; a manifest that is taken names nothing
 * outside a package or drivers/. */
#include <string.h>

#include "base/path.h"
#include "fuzz.h"
#include "model/manifest.h"

static void check_probes(const sp_probes *probes)
{
    for (size_t i = 0; i < probes->count; i++) {
        CHECK(sp_path_is_safe_relative(probes->items[i].file));
        CHECK(!probes->items[i].absent || probes->items[i].pattern);
    }
}

static void check_edit(const struct sp_edit *edit)
{
    CHECK(*edit->name);
    CHECK((edit->start == NULL) == (edit->end == NULL));
    CHECK((edit->text.len > 0) == (edit->place != SP_PLACE_NONE));
    CHECK((edit->anchor != NULL) ==
          (edit->place == SP_PLACE_BEFORE || edit->place == SP_PLACE_AFTER));
    CHECK(edit->text.len == 0 || edit->text.data[edit->text.len - 1] == '\n');
    CHECK(edit->text.len > 0 || edit->legacy.count > 0);
}

static void check_layout(const struct sp_layout *layout)
{
    check_probes(&layout->when);
    for (size_t i = 0; i < layout->files.count; i++) {
        const struct sp_manifest_file *file = &layout->files.items[i];
        CHECK(sp_path_is_safe_relative(file->path));
        CHECK(!file->copy || (sp_path_is_safe_relative(file->copy) && file->marker));
        CHECK(!file->copy || file->edits.count == 0);
        for (size_t k = 0; k < file->edits.count; k++)
            check_edit(&file->edits.items[k]);
        for (size_t k = 0; k < file->legacy.count; k++)
            CHECK(sp_blob_is_id(file->legacy.items[k].id.hex));
        for (size_t k = 0; k < i; k++)
            CHECK(strcmp(file->path, layout->files.items[k].path) != 0);
    }
}

static void check_component(const struct sp_component *component)
{
    CHECK(sp_path_is_safe_relative(component->name) && !strchr(component->name, '/'));
    CHECK(component->versions);
    CHECK(component->release->support != SP_SUPPORTED || component->layouts.count > 0);
    check_probes(&component->probes);
    for (size_t i = 0; i < component->layouts.count; i++)
        check_layout(&component->layouts.items[i]);
    for (size_t i = 0; i < component->checksums.count; i++)
        CHECK(sp_path_is_safe_relative(component->checksums.items[i].path));
}

static void check_release(struct sp_pool *pool, struct sp_release *release)
{
    CHECK(*release->name && *release->released);
    CHECK(release->support == SP_SUPPORTED || release->note);
    for (size_t i = 0; i < release->components.count; i++) {
        const struct sp_component *component = release->components.items[i];
        CHECK(component->release == release);
        CHECK(sp_release_find(release, component->name) == component);
        check_component(component);
    }
    struct sp_manifests manifests = {.data = NULL};
    *SP_PUSH(pool, &manifests.releases) = release;
    sp_strv wanted = {NULL, 0, 0};
    struct sp_error err = SP_ERROR_INIT;
    CHECK(sp_manifests_wanted(pool, &manifests, &wanted, &err) == 0);
    for (size_t i = 0; i < wanted.count; i++)
        CHECK(sp_path_is_safe_relative(wanted.items[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_pool *pool = sp_pool_new();
    struct sp_error err = SP_ERROR_INIT;
    struct sp_release *release = NULL;
    struct sp_bytes text = {(const char *)data, size};
    if (sp_manifest_parse(pool, "input", text, &release, &err) == 0 &&
        sp_release_read_layouts(release, &err) == 0 &&
        sp_release_read_checksums(release, &err) == 0)
        check_release(pool, release);
    else
        CHECK(err.kind == SP_ERROR_REFUSED && strncmp(err.message, "input:", 6) == 0);
    sp_error_clear(&err);
    sp_pool_free(pool);
    return 0;
}
