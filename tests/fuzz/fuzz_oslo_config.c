/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are entries in the order of their lines, or a fault with its line; every value can be
 * expanded and converted. */
#include <string.h>

#include "format/oslo_config.h"
#include "format/oslo_value.h"
#include "fuzz.h"

static void check_entry(const struct sp_config_entry *entry, unsigned before)
{
    CHECK(entry->line > before && entry->lines > 0);
    CHECK(entry->section.len > 0 && entry->key.len > 0);
    CHECK(entry->key.data[entry->key.len] == '\0' && entry->value.data[entry->value.len] == '\0');
    CHECK(sp_config_strip(entry->key).len == entry->key.len);
    CHECK(!memchr(entry->key.data, '=', entry->key.len));
}

static void check_value(struct sp_pool *pool, const sp_oslo_files *files,
                        const struct sp_config_entry *entry)
{
    struct sp_bytes value;
    sp_oslo_list items = {NULL, 0, 0};
    long number = 0;
    bool truth = false;
    struct sp_oslo_found found = sp_oslo_find_one(files, entry->section.data, entry->key.data);
    if (strlen(entry->section.data) == entry->section.len &&
        strlen(entry->key.data) == entry->key.len)
        CHECK(found.entry && found.entry->line >= entry->line);
    if (!sp_oslo_expand(pool, files, "DEFAULT", entry->value, &value))
        return;
    enum sp_oslo_int kind = sp_oslo_int(value, &number);
    if (sp_oslo_bool(value, &truth) && value.len > 1)
        CHECK(kind == SP_OSLO_INT_BAD);
    sp_oslo_split(pool, value, &items);
    size_t commas = 0;
    for (size_t i = 0; i < value.len; i++)
        commas += value.data[i] == ',';
    CHECK(items.count == (sp_config_strip(value).len ? commas + 1 : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_pool *pool = sp_pool_new();
    struct sp_config_content file;
    sp_oslo_files files = {NULL, 0, 0};
    sp_oslo_parse(pool, "input", (struct sp_bytes){(const char *)data, size}, &file);
    if (file.fault.reason) {
        CHECK(file.entries.count == 0 && file.headings.count == 0);
        CHECK(file.fault.line > 0 && file.fault.line <= file.fault.reported);
    }
    *SP_PUSH(pool, &files) = &file;
    unsigned before = 0;
    for (size_t i = 0; i < file.entries.count; i++) {
        check_entry(&file.entries.items[i], before);
        before = file.entries.items[i].line + file.entries.items[i].lines - 1;
        if (i < 64) /* each looks at all of the file */
            check_value(pool, &files, &file.entries.items[i]);
    }
    sp_pool_free(pool);
    return 0;
}
