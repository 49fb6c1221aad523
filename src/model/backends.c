/* SPDX-License-Identifier: Apache-2.0 */
#include "model/backends.h"

#include <string.h>
#include <strings.h>

bool sp_mentions_storpool(struct sp_bytes text)
{
    for (size_t i = 0; i + 8 <= text.len; i++)
        if (strncasecmp(text.data + i, "storpool", 8) == 0)
            return true;
    return false;
}

bool sp_backend_has_our_name(struct sp_bytes name)
{
    return name.len >= 8 && strncasecmp(name.data, "storpool", 8) == 0;
}

bool sp_backends_enabled(struct sp_checking *c, sp_oslo_list *out, struct sp_check_place *at)
{
    struct sp_value value = sp_check_value(c, "DEFAULT", "enabled_backends");
    *at = sp_check_place(value.at);
    if (value.state != SP_VALUE_SET)
        return false;
    sp_oslo_split(c->pool, value.text, out);
    return true;
}

/* From Pike on a backend has the options of [backend_defaults] that it does not set itself. */
static bool has_backend_defaults(const struct sp_checking *c)
{
    return c->service->series == SP_SERIES_UNKNOWN || c->service->series >= SP_SERIES_PIKE;
}

struct sp_value sp_backend_option(struct sp_checking *c, struct sp_bytes backend, const char *name)
{
    struct sp_value value = {.state = SP_VALUE_UNSET};
    if (sp_check_is_string(backend))
        value = sp_check_value(c, backend.data, name);
    if (value.state == SP_VALUE_UNSET && has_backend_defaults(c))
        value = sp_check_value(c, "backend_defaults", name);
    return value;
}

bool sp_backend_is_ours(struct sp_value driver)
{
    return driver.state == SP_VALUE_SET && sp_config_is(driver.text, SP_BACKEND_CLASS);
}

void sp_backends_ours(struct sp_checking *c, sp_oslo_list *out)
{
    sp_oslo_list enabled = {NULL, 0, 0};
    struct sp_check_place at;
    if (!sp_backends_enabled(c, &enabled, &at))
        return;
    for (size_t i = 0; i < enabled.count; i++)
        if (enabled.items[i].len &&
            sp_backend_is_ours(sp_backend_option(c, enabled.items[i], "volume_driver")))
            *SP_PUSH(c->pool, out) = enabled.items[i];
}

bool sp_backends_have(const sp_oslo_list *list, struct sp_bytes section)
{
    for (size_t i = 0; i < list->count; i++)
        if (sp_check_is_string(list->items[i]) && sp_oslo_is_group(section, list->items[i].data))
            return true;
    return false;
}

bool sp_backend_has_section(struct sp_checking *c, struct sp_bytes name)
{
    for (size_t i = 0; i < c->files->count; i++)
        for (size_t j = 0; j < c->files->items[i]->headings.count; j++)
            if (sp_check_is_string(name) &&
                sp_oslo_is_group(c->files->items[i]->headings.items[j].name, name.data))
                return true;
    return false;
}

bool sp_backends_are_meant(struct sp_checking *c)
{
    bool meant = c->service->integrated;
    for (size_t i = 0; i < c->files->count; i++) {
        const struct sp_config_content *file = c->files->items[i];
        for (size_t j = 0; j < file->headings.count; j++)
            meant |= sp_mentions_storpool(file->headings.items[j].name);
        for (size_t j = 0; j < file->entries.count; j++)
            meant |= sp_mentions_storpool(file->entries.items[j].key) ||
                     ((sp_config_is(file->entries.items[j].key, "volume_driver") ||
                       sp_config_is(file->entries.items[j].key, "enabled_backends")) &&
                      sp_mentions_storpool(file->entries.items[j].value));
    }
    return meant;
}
