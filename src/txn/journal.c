/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "format/yaml.h"
#include "fs/read.h"
#include "fs/write.h"

#define CHECKSUM "# checksum "
enum {
    CHECKSUM_HEX = 16
};

static const char *const state_names[] = {"prepared", "applying", "committed", "aborted"};

const char *sp_journal_state_name(enum sp_journal_state state)
{
    return state_names[state];
}

/* ---- writing ------------------------------------------------------------------------------- */

static void write_time(struct sp_pool *pool, struct sp_yaml_writer *w, const char *key,
                       struct timespec time)
{
    sp_yaml_write_pair(w, key,
                       sp_pool_printf(pool, "%lld.%09ld", (long long)time.tv_sec, time.tv_nsec));
}

static void write_lists(struct sp_pool *pool, struct sp_yaml_writer *w,
                        const struct sp_journal *journal)
{
    sp_yaml_write_scalar(w, "undoes");
    sp_yaml_write_sequence(w);
    for (size_t i = 0; i < journal->undoes.count; i++)
        sp_yaml_write_scalar(w, sp_pool_printf(pool, "%u", journal->undoes.items[i]));
    sp_yaml_write_end(w);
    sp_yaml_write_scalar(w, "components");
    sp_yaml_write_sequence(w);
    for (size_t i = 0; i < journal->components.count; i++) {
        const struct sp_journal_component *component = &journal->components.items[i];
        sp_yaml_write_mapping(w);
        sp_yaml_write_pair(w, "name", component->name);
        sp_yaml_write_pair(w, "version", component->version);
        sp_yaml_write_pair(w, "release", component->release);
        sp_yaml_write_pair(w, "path", component->path);
        sp_yaml_write_end(w);
    }
    sp_yaml_write_end(w);
    sp_yaml_write_scalar(w, "files");
    sp_yaml_write_sequence(w);
    for (size_t i = 0; i < journal->files.count; i++) {
        const struct sp_journal_file *file = &journal->files.items[i];
        sp_yaml_write_mapping(w);
        sp_yaml_write_pair(w, "component", file->component);
        sp_yaml_write_pair(w, "path", file->path);
        sp_yaml_write_pair(w, "action", sp_action_name(file->action));
        sp_yaml_write_pair(w, "temp", file->temp);
        sp_yaml_write_pair(w, "before", file->before.hex);
        sp_yaml_write_pair(w, "after", file->after.hex);
        sp_yaml_write_end(w);
    }
    sp_yaml_write_end(w);
    sp_yaml_write_scalar(w, "directories");
    sp_yaml_write_sequence(w);
    for (size_t i = 0; i < journal->dirs.count; i++) {
        const struct sp_journal_dir *dir = &journal->dirs.items[i];
        sp_yaml_write_mapping(w);
        sp_yaml_write_pair(w, "path", dir->path);
        write_time(pool, w, "before", dir->before);
        write_time(pool, w, "after", dir->after);
        sp_yaml_write_pair(w, "inode", sp_pool_printf(pool, "%" PRIu64, dir->inode));
        sp_yaml_write_end(w);
    }
    sp_yaml_write_end(w);
}

int sp_journal_format(struct sp_pool *pool, const struct sp_journal *journal, struct sp_buffer *out,
                      struct sp_error *err)
{
    struct sp_yaml_writer *w = sp_yaml_writer_new(pool, out);
    sp_yaml_write_mapping(w);
    sp_yaml_write_pair(w, "state", state_names[journal->state]);
    sp_yaml_write_pair(w, "command", journal->command);
    sp_yaml_write_pair(w, "time", journal->time);
    sp_yaml_write_pair(w, "tool", journal->tool);
    sp_yaml_write_pair(w, "machine", journal->machine ? journal->machine : "");
    write_lists(pool, w, journal);
    sp_yaml_write_end(w);
    return sp_yaml_writer_finish(w, err);
}

/* FNV-1a of 64 bits (draft-eastlake-fnv): every change of one bit gives another sum. It guards
 * against accidents, not against people, who could compute it too; and it needs no library to be
 * set up, which the reading commands would spend a third of their time on. */
static void checksum(struct sp_bytes text, char out[CHECKSUM_HEX + 1])
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.len; i++)
        sum = (sum ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001b3);
    snprintf(out, CHECKSUM_HEX + 1, "%016" PRIx64, sum);
}

int sp_journal_save(struct sp_pool *pool, const struct sp_dir *dir,
                    const struct sp_journal *journal, struct sp_error *err)
{
    struct sp_buffer text = SP_BUFFER_INIT;
    char sum[CHECKSUM_HEX + 1];
    int rc = sp_journal_format(pool, journal, &text, err);
    if (rc == 0) {
        checksum((struct sp_bytes){text.data, text.len}, sum);
        sp_buffer_printf(&text, CHECKSUM "%s\n", sum);
        rc = sp_fs_save(dir, SP_JOURNAL_NAME, (struct sp_bytes){text.data, text.len}, err);
    }
    sp_buffer_free(&text);
    return rc;
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
    return sp_yaml_error(&r->doc, map, r->err, "'%s' can't be '%s'", key, text);
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

static int get_time(struct reader *r, struct sp_yaml_node *map, const char *key,
                    struct timespec *out)
{
    const char *text = "";
    long long sec;
    long nsec;
    int end = 0;
    if (get_text(r, map, key, &text) < 0)
        return -1;
    if (sscanf(text, "%lld.%9ld%n", &sec, &nsec, &end) != 2 || text[end] || nsec < 0)
        return sp_yaml_error(&r->doc, map, r->err, "'%s' is no time", key);
    *out = (struct timespec){.tv_sec = (time_t)sec, .tv_nsec = nsec};
    return 0;
}

static int read_undoes(struct reader *r, struct sp_yaml_node *root, struct sp_journal *out)
{
    struct sp_yaml_node *list;
    if (get_list(r, root, "undoes", SP_YAML_SCALAR, &list) < 0)
        return -1;
    for (size_t i = 0; i < list->count; i++) {
        const char *text = list->items[i]->text;
        size_t len = strlen(text);
        if (len == 0 || len > 8 || strspn(text, "0123456789") != len)
            return sp_yaml_error(&r->doc, list, r->err, "'%s' is no transaction", text);
        *SP_PUSH(r->pool, &out->undoes) = (unsigned)strtoul(text, NULL, 10);
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
            get_path(r, map, &file->path) < 0 ||
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

static int get_number(struct reader *r, struct sp_yaml_node *map, const char *key, uint64_t *out)
{
    const char *text = "";
    if (get_text(r, map, key, &text) < 0)
        return -1;
    if (!*text || strlen(text) > 20 || strspn(text, "0123456789") != strlen(text))
        return sp_yaml_error(&r->doc, map, r->err, "'%s' is no number", text);
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
            get_time(r, map, "after", &dir->after) < 0 ||
            get_number(r, map, "inode", &dir->inode) < 0 ||
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
        get_text(&r, root, "machine", &out->machine) < 0 || read_undoes(&r, root, out) < 0 ||
        read_components(&r, root, out) < 0 || read_files(&r, root, out) < 0 ||
        read_dirs(&r, root, out) < 0)
        return -1;
    out->state = (enum sp_journal_state)state;
    return sp_yaml_no_more(&r.doc, root, err);
}

/* The part of the text that the checksum at its end is of; -1 if there is none, or another. */
static int verify(struct sp_bytes text, struct sp_bytes *out)
{
    size_t tail = strlen(CHECKSUM) + CHECKSUM_HEX + 1;
    char sum[CHECKSUM_HEX + 1];
    if (text.len <= tail)
        return -1;
    *out = (struct sp_bytes){text.data, text.len - tail};
    const char *line = text.data + out->len;
    checksum(*out, sum);
    bool good = memcmp(line, CHECKSUM, strlen(CHECKSUM)) == 0 &&
                memcmp(line + strlen(CHECKSUM), sum, CHECKSUM_HEX) == 0 && line[tail - 1] == '\n';
    return good ? 0 : -1;
}

int sp_journal_load(struct sp_pool *pool, const struct sp_dir *dir, unsigned id,
                    struct sp_journal *out, bool *found, struct sp_error *err)
{
    struct sp_content text;
    const char *name = sp_path_join(pool, dir->shown, SP_JOURNAL_NAME);
    *found = false;
    if (sp_fs_read_at(dir, pool, SP_JOURNAL_NAME, SP_MAX_JOURNAL, &text, err) < 0) {
        if (err && err->kind == SP_ERROR_REFUSED) /* it is no regular file */
            err->kind = SP_ERROR_NEEDS_RECOVERY;
        return sp_error_prefix(err, "transaction %u", id);
    }
    if (!text.bytes.data)
        return 0;
    struct sp_error reason = SP_ERROR_INIT;
    struct sp_bytes body = {NULL, 0};
    int rc = text.complete ? verify(text.bytes, &body) : -1;
    if (rc == 0)
        rc = sp_journal_parse(pool, name, body, out, &reason);
    if (rc < 0)
        sp_error_set(err, SP_ERROR_NEEDS_RECOVERY,
                     "the journal %s is damaged%s%s; the originals are in %s/backup.tar", name,
                     reason.message ? ": " : "", reason.message ? reason.message : "", dir->shown);
    sp_error_clear(&reason);
    if (rc < 0)
        return -1;
    out->id = id;
    *found = true;
    return 0;
}
