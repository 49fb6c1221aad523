/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a journal: writing it, and reading it with all the rules that it has to keep. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "format/json.h"
#include "format/yaml.h"
#include "txn/journal.h"

static const char *const state_names[] = {"prepared", "applying", "committed", "aborted"};

const char *sp_journal_state_name(enum sp_journal_state state)
{
    return state_names[state];
}

/* ---- writing ------------------------------------------------------------------------------- */

static void write_time(struct sp_json *json, const char *key, struct timespec time)
{
    char text[40];
    snprintf(text, sizeof(text), "%lld.%09ld", (long long)time.tv_sec, time.tv_nsec);
    sp_json_pair(json, key, text);
}

static void write_component(struct sp_json *json, const struct sp_journal_component *component)
{
    sp_json_object(json);
    sp_json_pair(json, "name", component->name);
    sp_json_pair(json, "version", component->version);
    sp_json_pair(json, "release", component->release);
    sp_json_pair(json, "layout", component->layout);
    sp_json_pair(json, "path", component->path);
    sp_json_end_object(json);
}

static void write_file(struct sp_json *json, const struct sp_journal_file *file)
{
    sp_json_object(json);
    sp_json_pair(json, "component", file->component);
    sp_json_pair(json, "package", file->package);
    sp_json_pair(json, "name", file->name);
    sp_json_pair(json, "path", file->path);
    sp_json_pair(json, "action", sp_action_name(file->action));
    sp_json_pair(json, "temp", file->temp);
    sp_json_pair(json, "before", file->before.hex);
    sp_json_pair(json, "after", file->after.hex);
    sp_json_end_object(json);
}

static void write_directory(struct sp_json *json, const struct sp_journal_dir *dir)
{
    sp_json_object(json);
    sp_json_pair(json, "path", dir->path);
    write_time(json, "before", dir->before);
    write_time(json, "after", dir->after);
    char inode[24];
    snprintf(inode, sizeof(inode), "%" PRIu64, dir->inode);
    sp_json_pair(json, "inode", inode);
    sp_json_end_object(json);
}

static void write_clock(struct sp_json *json, const struct sp_journal_clock *clock)
{
    sp_json_key(json, "clock");
    sp_json_object(json);
    sp_json_pair(json, "boot", clock->boot.id);
    write_time(json, "started", clock->boot.started);
    write_time(json, "now", clock->now);
    sp_json_end_object(json);
}

static void begin_list(struct sp_json *json, const char *key)
{
    sp_json_key(json, key);
    sp_json_array(json);
}

bool sp_journal_format(const struct sp_journal *journal, struct sp_buffer *out)
{
    struct sp_json json;
    sp_json_init(&json, out);
    sp_json_object(&json);
    sp_json_pair(&json, "state", state_names[journal->state]);
    sp_json_pair(&json, "command", journal->command);
    sp_json_pair(&json, "time", journal->time);
    sp_json_pair(&json, "tool", journal->tool);
    sp_json_pair(&json, "machine", journal->machine ? journal->machine : "");
    if (*journal->clock.boot.id)
        write_clock(&json, &journal->clock);
    begin_list(&json, "reverts");
    for (size_t i = 0; i < journal->reverts.count; i++)
        sp_json_number(&json, journal->reverts.items[i]);
    sp_json_end_array(&json);
    begin_list(&json, "components");
    for (size_t i = 0; i < journal->components.count; i++)
        write_component(&json, &journal->components.items[i]);
    sp_json_end_array(&json);
    begin_list(&json, "files");
    for (size_t i = 0; i < journal->files.count; i++)
        write_file(&json, &journal->files.items[i]);
    sp_json_end_array(&json);
    begin_list(&json, "directories");
    for (size_t i = 0; i < journal->dirs.count; i++)
        write_directory(&json, &journal->dirs.items[i]);
    sp_json_end_array(&json);
    sp_json_end_object(&json);
    sp_json_finish(&json);
    return !json.replaced;
}

/* ---- reading ------------------------------------------------------------------------------- */

struct reader {
    struct sp_pool *pool;
    struct sp_yaml doc;
    struct sp_error *err;
};

static int get_text(struct reader *r, struct sp_yaml_node *map, const char *key, const char **out)
{
    struct sp_yaml_node *node = sp_yaml_get(map, key);
    if (!node)
        return sp_yaml_error(&r->doc, map, r->err, "'%s' is missing", key);
    if (sp_yaml_expect(&r->doc, node, SP_YAML_SCALAR, key, r->err) < 0)
        return -1;
    *out = node->text;
    return 0;
}

/* One of a list of words; its index. */
static int get_word(struct reader *r, struct sp_yaml_node *map, const char *key,
                    const char *const *words, size_t count, int *out)
{
    const char *text = "";
    if (get_text(r, map, key, &text) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0) {
            *out = (int)i;
            return 0;
        }
    return sp_yaml_error(&r->doc, map, r->err, "'%s' cannot be '%s'", key, text);
}

static int get_list(struct reader *r, struct sp_yaml_node *map, const char *key,
                    enum sp_yaml_kind kind, struct sp_yaml_node **out)
{
    *out = sp_yaml_get(map, key);
    if (!*out)
        return sp_yaml_error(&r->doc, map, r->err, "'%s' is missing", key);
    if (sp_yaml_expect(&r->doc, *out, SP_YAML_SEQUENCE, key, r->err) < 0)
        return -1;
    for (size_t i = 0; i < (*out)->count; i++)
        if (sp_yaml_expect(&r->doc, (*out)->items[i], kind, key, r->err) < 0)
            return -1;
    return 0;
}

static int get_blob(struct reader *r, struct sp_yaml_node *map, const char *key,
                    struct sp_blob_id *out)
{
    const char *text = "";
    if (get_text(r, map, key, &text) < 0)
        return -1;
    if (*text && !sp_blob_is_id(text))
        return sp_yaml_error(&r->doc, map, r->err, "'%s' is no blob id", key);
    memcpy(out->hex, text, strlen(text) + 1);
    return 0;
}

/* A real path: relative to the root, with nothing in it that could lead elsewhere; "" is the root. */
static int get_path(struct reader *r, struct sp_yaml_node *map, const char **out)
{
    if (get_text(r, map, "path", out) < 0)
        return -1;
    if (**out && !sp_path_is_safe_relative(*out))
        return sp_yaml_error(&r->doc, map, r->err, "'%s' is no path below the root", *out);
    return 0;
}

/* Where a manifest has the file: in one of the components, or nowhere. */
static int get_origin(struct reader *r, struct sp_yaml_node *map, const struct sp_journal *journal,
                      struct sp_journal_file *out)
{
    if (get_text(r, map, "package", &out->package) < 0 || get_text(r, map, "name", &out->name) < 0)
        return -1;
    if (!*out->package && !*out->name)
        return 0;
    if (!sp_path_is_safe_relative(out->name))
        return sp_yaml_error(&r->doc, map, r->err, "'%s' is no relative path", out->name);
    for (size_t i = 0; i < journal->components.count; i++)
        if (strcmp(journal->components.items[i].path, out->package) == 0)
            return 0;
    return sp_yaml_error(&r->doc, map, r->err, "'%s' is no component", out->package);
}

static int get_time(struct reader *r, struct sp_yaml_node *map, const char *key,
                    struct timespec *out)
{
    const char *text = "";
    char *end;
    if (get_text(r, map, key, &text) < 0)
        return -1;
    errno = 0;
    long long sec = strtoll(text, &end, 10);
    size_t digits = *end == '.' ? strspn(end + 1, "0123456789") : 0;
    if (errno || !strchr("-0123456789", *text) || digits != 9 || end[1 + digits])
        return sp_yaml_error(&r->doc, map, r->err, "'%s' is no time", key);
    *out = (struct timespec){.tv_sec = (time_t)sec, .tv_nsec = strtol(end + 1, NULL, 10)};
    return 0;
}

/* Journals of earlier versions have none. */
static int read_clock(struct reader *r, struct sp_yaml_node *root, struct sp_journal_clock *out)
{
    struct sp_yaml_node *map = sp_yaml_get(root, "clock");
    const char *id = "";
    if (!map)
        return 0;
    if (sp_yaml_expect(&r->doc, map, SP_YAML_MAPPING, "clock", r->err) < 0 ||
        get_text(r, map, "boot", &id) < 0 || get_time(r, map, "started", &out->boot.started) < 0 ||
        get_time(r, map, "now", &out->now) < 0)
        return -1;
    if (strlen(id) != SP_BOOT_ID_LEN)
        return sp_yaml_error(&r->doc, map, r->err, "'%s' is no id of a boot", id);
    memcpy(out->boot.id, id, SP_BOOT_ID_LEN + 1);
    return sp_yaml_no_more(&r->doc, map, r->err);
}

static int read_reverts(struct reader *r, struct sp_yaml_node *root, struct sp_journal *out)
{
    struct sp_yaml_node *list;
    if (get_list(r, root, "reverts", SP_YAML_SCALAR, &list) < 0)
        return -1;
    for (size_t i = 0; i < list->count; i++) {
        const char *text = list->items[i]->text;
        size_t len = strlen(text);
        if (len == 0 || len > 8 || strspn(text, "0123456789") != len || *text == '0')
            return sp_yaml_error(&r->doc, list, r->err, "'%s' is no transaction", text);
        *SP_PUSH(r->pool, &out->reverts) = (unsigned)strtoul(text, NULL, 10);
    }
    return 0;
}

static int read_components(struct reader *r, struct sp_yaml_node *root, struct sp_journal *out)
{
    struct sp_yaml_node *list;
    if (get_list(r, root, "components", SP_YAML_MAPPING, &list) < 0)
        return -1;
    for (size_t i = 0; i < list->count; i++) {
        struct sp_yaml_node *map = list->items[i];
        struct sp_journal_component *component = SP_PUSH(r->pool, &out->components);
        if (get_text(r, map, "name", &component->name) < 0 ||
            get_text(r, map, "version", &component->version) < 0 ||
            get_text(r, map, "release", &component->release) < 0 ||
            get_text(r, map, "layout", &component->layout) < 0 ||
            get_path(r, map, &component->path) < 0 || sp_yaml_no_more(&r->doc, map, r->err) < 0)
            return -1;
    }
    return 0;
}

static int check_file(struct reader *r, struct sp_yaml_node *map,
                      const struct sp_journal_file *file)
{
    bool before = *file->before.hex, after = *file->after.hex;
    if (before != (file->action != SP_ACTION_ADD) || after != (file->action != SP_ACTION_REMOVE))
        return sp_yaml_error(&r->doc, map, r->err, "the hashes do not go with '%s'",
                             sp_action_name(file->action));
    if (!*file->path)
        return sp_yaml_error(&r->doc, map, r->err, "'%s' is no file", file->path);
    if (!sp_path_is_safe_relative(file->temp) || strchr(file->temp, '/'))
        return sp_yaml_error(&r->doc, map, r->err, "'%s' is no file name", file->temp);
    return 0;
}

static int read_files(struct reader *r, struct sp_yaml_node *root, struct sp_journal *out)
{
    struct sp_yaml_node *list;
    if (get_list(r, root, "files", SP_YAML_MAPPING, &list) < 0)
        return -1;
    for (size_t i = 0; i < list->count; i++) {
        struct sp_yaml_node *map = list->items[i];
        struct sp_journal_file *file = SP_PUSH(r->pool, &out->files);
        int action;
        if (get_text(r, map, "component", &file->component) < 0 ||
            get_origin(r, map, out, file) < 0 || get_path(r, map, &file->path) < 0 ||
            get_word(r, map, "action", sp_action_names, SP_ACTIONS, &action) < 0 ||
            get_text(r, map, "temp", &file->temp) < 0 ||
            get_blob(r, map, "before", &file->before) < 0 ||
            get_blob(r, map, "after", &file->after) < 0)
            return -1;
        file->action = (enum sp_action)action;
        if (check_file(r, map, file) < 0 || sp_yaml_no_more(&r->doc, map, r->err) < 0)
            return -1;
    }
    return 0;
}

/* Any number of 64 bits, as text: JSON's own are exact to 53 only. */
static int get_inode(struct reader *r, struct sp_yaml_node *map, uint64_t *out)
{
    const char *text = "";
    if (get_text(r, map, "inode", &text) < 0)
        return -1;
    if (!*text || strlen(text) > 20 || strspn(text, "0123456789") != strlen(text))
        return sp_yaml_error(&r->doc, map, r->err, "'%s' is no number of an inode", text);
    *out = strtoull(text, NULL, 10);
    return 0;
}

static int read_dirs(struct reader *r, struct sp_yaml_node *root, struct sp_journal *out)
{
    struct sp_yaml_node *list;
    if (get_list(r, root, "directories", SP_YAML_MAPPING, &list) < 0)
        return -1;
    for (size_t i = 0; i < list->count; i++) {
        struct sp_yaml_node *map = list->items[i];
        struct sp_journal_dir *dir = SP_PUSH(r->pool, &out->dirs);
        if (get_path(r, map, &dir->path) < 0 || get_time(r, map, "before", &dir->before) < 0 ||
            get_time(r, map, "after", &dir->after) < 0 || get_inode(r, map, &dir->inode) < 0 ||
            sp_yaml_no_more(&r->doc, map, r->err) < 0)
            return -1;
    }
    return 0;
}

int sp_journal_parse(struct sp_pool *pool, const char *name, struct sp_bytes text,
                     struct sp_journal *out, struct sp_error *err)
{
    struct reader r = {.pool = pool, .err = err};
    int state;
    memset(out, 0, sizeof(*out));
    if (sp_yaml_parse(pool, name, text, &r.doc, err) < 0)
        return -1;
    struct sp_yaml_node *root = r.doc.root;
    if (sp_yaml_expect(&r.doc, root, SP_YAML_MAPPING, "a journal", err) < 0 ||
        get_word(&r, root, "state", state_names, 4, &state) < 0 ||
        get_text(&r, root, "command", &out->command) < 0 ||
        get_text(&r, root, "time", &out->time) < 0 || get_text(&r, root, "tool", &out->tool) < 0 ||
        get_text(&r, root, "machine", &out->machine) < 0 || read_clock(&r, root, &out->clock) < 0 ||
        read_reverts(&r, root, out) < 0 || read_components(&r, root, out) < 0 ||
        read_files(&r, root, out) < 0 || read_dirs(&r, root, out) < 0)
        return -1;
    out->state = (enum sp_journal_state)state;
    sp_yaml_get(root, "checksum"); /* has_checksum() looked at it */
    return sp_yaml_no_more(&r.doc, root, err);
}

/* ---- times ------------------------------------------------------------------------------------- */

#define TIME_FORMAT "%Y-%m-%dT%H:%M:%S"

const char *sp_journal_format_time(struct sp_pool *pool, time_t moment)
{
    struct tm utc;
    char text[32] = "";
    if (gmtime_r(&moment, &utc))
        strftime(text, sizeof(text), TIME_FORMAT "Z", &utc);
    return sp_pool_strdup(pool, text);
}

time_t sp_journal_parse_time(const char *text)
{
    struct tm utc = {.tm_isdst = 0};
    return strptime(text, TIME_FORMAT, &utc) ? timegm(&utc) : 0;
}
