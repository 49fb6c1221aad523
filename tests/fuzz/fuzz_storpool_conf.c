/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are entries in the order of their lines, or a fault; the last of a name counts. */
#include <string.h>

#include "base/buffer.h"
#include "format/storpool_conf.h"
#include "fuzz.h"

/* The entries of a file that all versions of confget read alike, written anew, are the same. */
static void check_again(struct sp_pool *pool, const struct sp_config_content *file)
{
    struct sp_buffer text = SP_BUFFER_INIT;
    struct sp_config_content again;
    struct sp_bytes section = {"", 0};
    for (size_t i = 0; i < file->entries.count; i++) {
        const struct sp_config_entry *entry = &file->entries.items[i];
        if (!sp_bytes_equal(section, entry->section)) {
            section = entry->section;
            sp_buffer_putc(&text, '[');
            sp_buffer_add(&text, section.data, section.len);
            sp_buffer_puts(&text, "]\n");
        }
        sp_buffer_add(&text, entry->key.data, entry->key.len);
        sp_buffer_putc(&text, '=');
        sp_buffer_add(&text, entry->value.data, entry->value.len);
        sp_buffer_putc(&text, '\n');
    }
    sp_storpool_parse(pool, "again", (struct sp_bytes){sp_buffer_str(&text), text.len}, &again);
    CHECK(!again.fault.reason && again.entries.count == file->entries.count);
    for (size_t i = 0; i < again.entries.count; i++) {
        CHECK(sp_bytes_equal(again.entries.items[i].key, file->entries.items[i].key));
        CHECK(sp_bytes_equal(again.entries.items[i].value, file->entries.items[i].value));
        CHECK(sp_bytes_equal(again.entries.items[i].section, file->entries.items[i].section));
    }
    sp_buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_pool *pool = sp_pool_new();
    struct sp_config_content file;
    sp_storpool_files files = {NULL, 0, 0};
    bool continued = memchr(data, '\\', size) != NULL;
    sp_storpool_parse(pool, "input", (struct sp_bytes){(const char *)data, size}, &file);
    if (file.fault.reason)
        CHECK(file.entries.count == 0 && file.headings.count == 0);
    *SP_PUSH(pool, &files) = &file;
    unsigned before = 0;
    for (size_t i = 0; i < file.entries.count; i++) {
        const struct sp_config_entry *entry = &file.entries.items[i];
        CHECK(entry->line > before && entry->key.len > 0);
        before = entry->line + entry->lines - 1;
        if (i < 64 && strlen(entry->key.data) == entry->key.len && entry->section.len == 0)
            CHECK(sp_storpool_find(&files, "", entry->key.data).entry->line >= entry->line);
    }
    if (!continued && !file.fault.reason && file.portable)
        check_again(pool, &file);
    sp_pool_free(pool);
    return 0;
}
