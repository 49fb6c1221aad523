/* SPDX-License-Identifier: Apache-2.0 */
/* The view of the readers as JSON, for tests that compare it with the real libraries. A request a line on
 * standard input; an answer a line on standard output. Bytes are Latin-1 in JSON's strings.
 *
 *     oslo FILE...                    the entries of the files, read in this order
 *     storpool HOST NAME FILE...      the same, and the value of NAME for HOST
 *     value TYPE GROUP NAMES FILE...  the value of an option (names with commas between): str, int,
 *                                     bool, list */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/json.h"
#include "format/oslo_config.h"
#include "format/oslo_value.h"
#include "format/storpool_conf.h"

enum {
    MAX_WORDS = 64
};

static struct sp_bytes read_file(struct sp_pool *pool, const char *name)
{
    FILE *file = fopen(name, "rb");
    SP_CLEANUP_BUFFER struct sp_buffer text = SP_BUFFER_INIT;
    char block[65536];
    if (!file) {
        perror(name);
        exit(1);
    }
    for (size_t len; (len = fread(block, 1, sizeof(block), file)) > 0;)
        sp_buffer_add(&text, block, len);
    fclose(file);
    return (struct sp_bytes){sp_pool_memdup(pool, sp_buffer_str(&text), text.len), text.len};
}

/* Each byte as the character of that number. */
static void put_bytes(struct sp_json *json, const char *key, struct sp_bytes bytes)
{
    SP_CLEANUP_BUFFER struct sp_buffer text = SP_BUFFER_INIT;
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.data[i];
        if (c == 0) /* which our JSON has no string for */
            sp_buffer_puts(&text, "\xc4\x80");
        else if (c < 0x80)
            sp_buffer_putc(&text, (char)c);
        else
            sp_buffer_printf(&text, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
    }
    if (key)
        sp_json_key(json, key);
    sp_json_string(json, sp_buffer_str(&text));
}

static void put_number(struct sp_json *json, const char *key, long number)
{
    char text[32];
    snprintf(text, sizeof(text), "%ld", number);
    sp_json_pair(json, key, text);
}

static void put_file(struct sp_json *json, const struct sp_config_content *file)
{
    sp_json_object(json);
    sp_json_pair(json, "fault", file->fault.reason);
    put_number(json, "line", file->fault.line);
    put_number(json, "reported", file->fault.reported);
    sp_json_pair(json, "portable", file->portable ? "yes" : "no");
    sp_json_key(json, "headings");
    sp_json_array(json);
    for (size_t i = 0; i < file->headings.count; i++)
        put_bytes(json, NULL, file->headings.items[i].name);
    sp_json_end_array(json);
    sp_json_key(json, "entries");
    sp_json_array(json);
    for (size_t i = 0; i < file->entries.count; i++) {
        sp_json_object(json);
        put_bytes(json, "section", file->entries.items[i].section);
        put_bytes(json, "key", file->entries.items[i].key);
        put_bytes(json, "value", file->entries.items[i].value);
        sp_json_end_object(json);
    }
    sp_json_end_array(json);
    sp_json_end_object(json);
}

static void read_files(struct sp_pool *pool, char **names, bool oslo, sp_oslo_files *out)
{
    for (; *names; names++) {
        struct sp_config_content *file = sp_pool_alloc(pool, sizeof(*file));
        (oslo ? sp_oslo_parse : sp_storpool_parse)(pool, *names, read_file(pool, *names), file);
        *SP_PUSH(pool, out) = file;
    }
}

static void put_files(struct sp_json *json, const sp_oslo_files *files)
{
    sp_json_key(json, "files");
    sp_json_array(json);
    for (size_t i = 0; i < files->count; i++)
        put_file(json, files->items[i]);
    sp_json_end_array(json);
}

static void put_typed(struct sp_pool *pool, struct sp_json *json, const char *type,
                      struct sp_bytes value)
{
    long number = 0;
    bool truth = false;
    sp_oslo_list items = {NULL, 0, 0};
    if (strcmp(type, "str") == 0) {
        put_bytes(json, "value", value);
    } else if (strcmp(type, "int") == 0) {
        enum sp_oslo_int kind = sp_oslo_int(value, &number);
        sp_json_pair(json, "kind",
                     kind == SP_OSLO_INT        ? "int"
                     : kind == SP_OSLO_INT_NONE ? "none"
                                                : "bad");
        put_number(json, "value", number);
    } else if (strcmp(type, "bool") == 0) {
        sp_json_pair(json, "kind", sp_oslo_bool(value, &truth) ? "bool" : "bad");
        sp_json_pair(json, "value", truth ? "True" : "False");
    } else {
        sp_oslo_split(pool, value, &items);
        sp_json_key(json, "value");
        sp_json_array(json);
        for (size_t i = 0; i < items.count; i++)
            put_bytes(json, NULL, items.items[i]);
        sp_json_end_array(json);
    }
}

/* words: TYPE GROUP NAMES */
static void put_value(struct sp_pool *pool, struct sp_json *json, char **words,
                      const sp_oslo_files *files)
{
    const char *names[MAX_WORDS] = {NULL};
    size_t count = 0;
    for (char *name = strtok(words[2], ","); name && count + 1 < MAX_WORDS;
         name = strtok(NULL, ","))
        names[count++] = name;
    struct sp_oslo_found found = sp_oslo_find(files, words[1], names);
    struct sp_bytes value;
    for (size_t i = 0; i < files->count; i++)
        if (files->items[i]->fault.reason) {
            sp_json_pair(json, "state", "fault");
            return;
        }
    if (!found.entry) {
        sp_json_pair(json, "state", "unset");
    } else if (!sp_oslo_expand(pool, files, words[1], found.entry->value, &value)) {
        sp_json_pair(json, "state", "undecided");
    } else {
        sp_json_pair(json, "state", "set");
        put_typed(pool, json, words[0], value);
    }
}

static void answer(char *line)
{
    SP_CLEANUP_POOL struct sp_pool *pool = sp_pool_new();
    SP_CLEANUP_BUFFER struct sp_buffer out = SP_BUFFER_INIT;
    char *words[MAX_WORDS] = {NULL};
    size_t count = 0;
    struct sp_json json;
    sp_oslo_files files = {NULL, 0, 0};
    for (char *word = strtok(line, " \n"); word && count + 1 < MAX_WORDS;
         word = strtok(NULL, " \n"))
        words[count++] = word;
    sp_json_init(&json, &out);
    sp_json_object(&json);
    if (count && strcmp(words[0], "oslo") == 0) {
        read_files(pool, words + 1, true, &files);
        put_files(&json, &files);
    } else if (count > 2 && strcmp(words[0], "storpool") == 0) {
        sp_storpool_files same = {NULL, 0, 0};
        read_files(pool, words + 3, false, &files);
        put_files(&json, &files);
        memcpy(&same, &files, sizeof(same));
        struct sp_storpool_found found = sp_storpool_find(&same, words[1], words[2]);
        sp_json_pair(&json, "state", found.entry ? "set" : "unset");
        if (found.entry)
            put_bytes(&json, "value", found.entry->value);
    } else if (count > 3 && strcmp(words[0], "value") == 0) {
        read_files(pool, words + 4, true, &files);
        put_value(pool, &json, words + 1, &files);
    }
    sp_json_end_object(&json);
    sp_json_finish(&json);
    for (size_t i = 0; i < out.len; i++) /* one line */
        putchar(out.data[i] == '\n' ? ' ' : out.data[i]);
    putchar('\n');
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        answer(line);
        fflush(stdout);
    }
    free(line);
    return 0;
}
