/* SPDX-License-Identifier: Apache-2.0 */
#include "model/checks.h"

#include <string.h>

#include "base/path.h"
#include "model/words.h"

/* ---- values ------------------------------------------------------------------------------------ */

bool sp_check_has_comment(struct sp_bytes value)
{
    for (size_t i = 1; i < value.len; i++)
        if ((value.data[i] == '#' || value.data[i] == ';') &&
            (value.data[i - 1] == ' ' || (value.data[i - 1] == '\t' && value.data[i] == '#')))
            return true;
    return false;
}

/* "[x]", "name = ..." or a comment. */
static bool looks_like_own(struct sp_bytes line)
{
    size_t i = 0;
    if (line.len == 0)
        return false;
    if (line.data[0] == '#' || line.data[0] == ';' ||
        (line.data[0] == '[' && line.data[line.len - 1] == ']'))
        return true;
    while (
        i < line.len &&
        strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", line.data[i]) &&
        line.data[i])
        i++;
    size_t name = i;
    while (i < line.len && line.data[i] == ' ')
        i++;
    return name > 0 && i < line.len && line.data[i] == '=';
}

/* The first line with which the value goes on by mistake; 0: none. */
static unsigned find_own_line(const struct sp_config_entry *entry)
{
    struct sp_bytes rest = entry->value;
    for (unsigned line = entry->line; rest.len; line++) {
        const char *newline = memchr(rest.data, '\n', rest.len);
        struct sp_bytes one = {rest.data, newline ? (size_t)(newline - rest.data) : rest.len};
        if (line > entry->line && looks_like_own(one))
            return line;
        size_t used = newline ? one.len + 1 : one.len;
        rest = (struct sp_bytes){rest.data + used, rest.len - used};
    }
    return 0;
}

struct sp_value sp_check_value(struct sp_checking *c, const char *group, const char *name)
{
    struct sp_value value = {.at = sp_oslo_find_one(c->files, group, name)};
    if (!value.at.entry)
        return value;
    bool known = sp_oslo_expand(c->pool, c->files, group, value.at.entry->value, &value.text) &&
                 !sp_check_has_comment(value.at.entry->value) && !find_own_line(value.at.entry);
    value.state = known ? SP_VALUE_SET : SP_VALUE_OPEN;
    return value;
}

bool sp_check_is_string(struct sp_bytes text)
{
    return memchr(text.data, '\0', text.len) == NULL;
}

const char *sp_check_show(struct sp_checking *c, struct sp_bytes name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    bool plain = name.len > 0 && name.len <= 64 && sp_check_is_string(name) &&
                 strspn(name.data, letters) == name.len;
    return plain ? sp_pool_printf(c->pool, "'%s'", name.data) : "(not shown)";
}

struct sp_check_place sp_check_main_file(const struct sp_checking *c)
{
    struct sp_check_place place = SP_CHECK_NOWHERE;
    const char *usual =
        sp_pool_printf(c->pool, "%s.conf", sp_words_project(c->pool, c->service->program));
    for (size_t i = 0; i < c->files->count; i++) {
        place.file = c->files->items[i]->name;
        if (strcmp(sp_path_basename(place.file), usual) == 0)
            break;
    }
    return place;
}

static bool is_effective(struct sp_checking *c, struct sp_oslo_found at)
{
    return sp_check_is_string(at.entry->section) && sp_check_is_string(at.entry->key) &&
           sp_oslo_find_one(c->files, at.entry->section.data, at.entry->key.data).entry == at.entry;
}

static void for_each(struct sp_checking *c,
                     void (*fn)(struct sp_checking *c, struct sp_oslo_found at, const void *data),
                     const void *data)
{
    for (size_t i = 0; i < c->files->count; i++)
        for (size_t j = 0; j < c->files->items[i]->entries.count; j++)
            fn(c, (struct sp_oslo_found){c->files->items[i], &c->files->items[i]->entries.items[j]},
               data);
}

void sp_check_each_effective(struct sp_checking *c, const char *name,
                             void (*fn)(struct sp_checking *c, struct sp_oslo_found at, void *data),
                             void *data)
{
    for (size_t i = 0; i < c->files->count; i++)
        for (size_t j = 0; j < c->files->items[i]->entries.count; j++) {
            struct sp_oslo_found at = {c->files->items[i], &c->files->items[i]->entries.items[j]};
            if (sp_config_is(at.entry->key, name) && is_effective(c, at))
                fn(c, at, data);
        }
}

/* The one of the names that the key is; NULL. */
static const char *find_name(const char *const *names, struct sp_bytes key)
{
    for (; *names; names++)
        if (sp_config_is(key, *names))
            return *names;
    return NULL;
}

/* ---- services ---------------------------------------------------------------------------------- */

struct sp_checking *sp_check_other(struct sp_checking *c, size_t index)
{
    const sp_service_list *all = &c->facts->services[c->subject];
    size_t at = 0;
    while (at < all->count && (all->items[at] == c->service || index-- > 0))
        at++;
    if (at == all->count)
        return NULL;
    struct sp_checking *other = sp_pool_alloc(c->pool, sizeof(*other));
    *other = *c;
    other->service = all->items[at];
    other->files = &all->items[at]->contents;
    return other;
}

bool sp_service_is_readable(const struct sp_service_facts *service)
{
    for (size_t i = 0; i < service->files.count; i++) {
        const struct sp_service_file *file = &service->files.items[i];
        if (file->access == SP_FILE_DENIED || file->access == SP_FILE_MISSING ||
            (file->content && file->content->fault.reason))
            return false;
    }
    return true;
}

bool sp_service_has(const struct sp_service_facts *service, const char *program)
{
    for (size_t i = 0; i < service->users.count; i++)
        if (strcmp(service->users.items[i].program, program) == 0)
            return true;
    return false;
}

/* ---- checks ------------------------------------------------------------------------------------ */

void sp_check_access(struct sp_checking *c)
{
    if (c->service->too_many)
        sp_check_report(c, SP_CHECK_UNKNOWN, SP_CHECK_NOWHERE,
                        "put the options into fewer files, and run doctor again",
                        "%s reads more than %u files, of which the first were looked at",
                        c->service->program, SP_CONFIG_MAX_FILES);
    for (size_t i = 0; i < c->service->files.count; i++) {
        const struct sp_service_file *file = &c->service->files.items[i];
        const struct sp_check_place at = {file->shown, 0};
        if (file->access == SP_FILE_DENIED)
            sp_check_report(c, SP_CHECK_UNKNOWN, at, "run this as root",
                            "this user may not read it");
        else if (file->access == SP_FILE_MISSING)
            sp_check_report(c, SP_CHECK_ERROR, at,
                            "write the file, or start the service without it",
                            "%s is started with this file, which is not there, or is no regular "
                            "file: it cannot start",
                            c->service->program);
    }
}

const char *sp_check_mark_remedy(struct sp_checking *c, const struct sp_config_content *file)
{
    bool at_first = file->mark && file->fault.line <= 1;
    return at_first ? sp_pool_printf(c->pool,
                                     "save the file as UTF-8 without a byte order mark; it is %s "
                                     "with one",
                                     file->mark)
                    : NULL;
}

bool sp_check_fault(struct sp_checking *c, const struct sp_config_content *file,
                    const char *consequence, const char *remedy)
{
    const struct sp_check_place at = {file->name, file->fault.line};
    const char *of_mark = sp_check_mark_remedy(c, file);
    if (file->fault.is_bound)
        sp_check_report(c, SP_CHECK_UNKNOWN, at, "make it smaller, and run doctor again",
                        "the file was not looked at: %s", file->fault.reason);
    else if (file->fault.reason)
        sp_check_report(c, SP_CHECK_ERROR, at, of_mark ? of_mark : remedy, "%s: %s", consequence,
                        file->fault.reason);
    return file->fault.reason;
}

void sp_check_grammar(struct sp_checking *c)
{
    const char *consequence =
        sp_pool_printf(c->pool, "%s cannot read the file, and does not start", c->service->program);
    for (size_t i = 0; i < c->files->count; i++)
        sp_check_fault(c, c->files->items[i], consequence,
                       "write the line as NAME = VALUE, [SECTION] or # COMMENT, from its first "
                       "column on");
}

static bool same_group(struct sp_bytes a, struct sp_bytes b)
{
    return sp_check_is_string(a) && sp_check_is_string(b) && sp_oslo_is_group(a, b.data);
}

static void check_repeated(struct sp_checking *c, struct sp_oslo_found at, const void *names)
{
    const char *name = find_name(names, at.entry->key);
    if (!name || !is_effective(c, at))
        return;
    for (const struct sp_config_entry *one = at.file->entries.items; one < at.entry; one++)
        if (sp_config_is(one->key, name) && same_group(one->section, at.entry->section) &&
            !sp_bytes_equal(one->value, at.entry->value)) {
            sp_check_report(c, SP_CHECK_WARNING, sp_check_place(at), "write it once",
                            "%s has another value in line %u; this one counts", name, one->line);
            return;
        }
}

void sp_check_repeated(struct sp_checking *c, const char *const *names)
{
    for_each(c, check_repeated, names);
}

struct comments {
    const char *const *names;
    const char *left;
};

static void check_comment(struct sp_checking *c, struct sp_oslo_found at, const void *data)
{
    const struct comments *comments = data;
    if (!sp_check_has_comment(at.entry->value) || !is_effective(c, at) ||
        (comments->left && sp_config_is(at.entry->key, comments->left)))
        return;
    const char *name = find_name(comments->names, at.entry->key);
    sp_check_report(c, name ? SP_CHECK_ERROR : SP_CHECK_WARNING, sp_check_place(at),
                    "write the comment into a line of its own",
                    "there are no comments behind a value: all of the line is the value of %s",
                    name ? name : "the option");
}

void sp_check_comments(struct sp_checking *c, const char *const *names, const char *left)
{
    const struct comments comments = {names, left};
    for_each(c, check_comment, &comments);
}

static void check_continuation(struct sp_checking *c, struct sp_oslo_found at,
                               SP_UNUSED const void *data)
{
    unsigned line = find_own_line(at.entry);
    if (line)
        sp_check_report(c, SP_CHECK_WARNING, (struct sp_check_place){at.file->name, line},
                        "write the line from its first column on",
                        "the line begins with white space, so it goes on with the value of line %u",
                        at.entry->line);
}

void sp_check_continuations(struct sp_checking *c)
{
    for_each(c, check_continuation, NULL);
}
