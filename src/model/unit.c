/* SPDX-License-Identifier: Apache-2.0 */
#include "model/unit.h"

#include <string.h>

#include "base/path.h"
#include "model/look.h"
#include "model/words.h"

/* systemd.unit(5), in the order of precedence. */
static const char *const unit_dirs[] = {"etc/systemd/system", "run/systemd/system",
                                        "usr/local/lib/systemd/system", "usr/lib/systemd/system",
                                        "lib/systemd/system"};
#define UNIT_DIRS (sizeof(unit_dirs) / sizeof(unit_dirs[0]))

struct search {
    struct sp_look look;
    const char *part;
    sp_units *out;
};

/* ---- lines --------------------------------------------------------------------------------- */

/* systemd.syntax(7): a backslash at the end joins the next line by a blank; comments between them
 * are left out. */
void sp_unit_lines(struct sp_pool *pool, const char *text, sp_strv *out)
{
    const char *at = text;
    struct sp_buffer line = SP_BUFFER_INIT;
    while (*at) {
        size_t skip = strspn(at, " \t\r"), len = strcspn(at, "\n");
        bool comment = at[skip] == '#' || at[skip] == ';';
        bool more = !comment && len && at[len - 1] == '\\';
        if (!comment) {
            const char *from = line.len ? at : at + (skip < len ? skip : len);
            sp_buffer_add(&line, from, (size_t)(at + len - from) - more);
            if (more)
                sp_buffer_putc(&line, ' ');
            while (!more && line.len && strchr(" \t\r", line.data[line.len - 1]))
                line.data[--line.len] = '\0';
        }
        if (!more && !comment && line.len)
            *SP_PUSH(pool, out) = sp_pool_strdup(pool, sp_buffer_str(&line));
        if (!more && !comment)
            sp_buffer_reset(&line);
        at += len;
        at += *at == '\n';
    }
    if (line.len)
        *SP_PUSH(pool, out) = sp_pool_strdup(pool, sp_buffer_str(&line));
    sp_buffer_free(&line);
}

/* The value of a line "KEY = value", NULL for other keys. */
static const char *value_of(const char *line, const char *key)
{
    size_t len = strlen(key);
    if (strncmp(line, key, len) != 0)
        return NULL;
    line += len;
    line += strspn(line, " \t");
    return *line == '=' ? line + 1 + strspn(line + 1, " \t") : NULL;
}

/* Of the specifiers those that unit files of services use: %i, %I, %n, %N, %p, %%. */
static const char *replace_specifiers(struct sp_pool *pool, const char *unit, const char *text)
{
    size_t stem = strcspn(unit, "@"), dot = strlen(unit) - strlen(".service");
    const char *instance = unit[stem] == '@' ? unit + stem + 1 : "";
    struct sp_buffer buf = SP_BUFFER_INIT;
    for (; *text; text++) {
        char next = (char)(*text == '%' ? text[1] : '\0');
        if (next == 'i' || next == 'I')
            sp_buffer_printf(&buf, "%.*s", *instance ? (int)(dot - stem - 1) : 0, instance);
        else if (next == 'n')
            sp_buffer_puts(&buf, unit);
        else if (next == 'N')
            sp_buffer_add(&buf, unit, dot);
        else if (next == 'p')
            sp_buffer_add(&buf, unit, stem < dot ? stem : dot);
        else
            sp_buffer_putc(&buf, *text);
        text += next != '\0' && strchr("iInNp%", next) ? 1 : 0;
    }
    const char *copy = sp_pool_strdup(pool, sp_buffer_str(&buf));
    sp_buffer_free(&buf);
    return copy;
}

/* ---- one unit ------------------------------------------------------------------------------ */

/* The settings of a unit and its drop-ins so far. */
struct settings {
    struct search *s;
    struct sp_unit *unit;
    sp_strv environment, environment_files;
};

/* A list that an empty value empties. */
static void add_to_list(struct settings *t, sp_strv *list, const char *value)
{
    if (*value)
        *SP_PUSH(t->s->look.pool, list) = replace_specifiers(t->s->look.pool, t->unit->name, value);
    else
        list->count = 0;
}

static void read_line(struct settings *t, const char *line)
{
    const char *value;
    if ((value = value_of(line, "ExecStart")))
        add_to_list(t, &t->unit->starts, value);
    else if ((value = value_of(line, "EnvironmentFile")))
        add_to_list(t, &t->environment_files, value);
    else if ((value = value_of(line, "Environment")))
        add_to_list(t, &t->environment, value);
    else if ((value = value_of(line, "User")))
        t->unit->user = *value ? value : NULL;
    else if ((value = value_of(line, "WorkingDirectory")))
        t->unit->work_dir = *value ? value : NULL;
}

/* Only the section [Service] is about the process. */
static int read_settings(struct settings *t, const char *path)
{
    struct sp_look *look = &t->s->look;
    const char *text;
    sp_strv lines = {NULL, 0, 0};
    bool service = false;
    if (sp_look_read_small(look, path, &text) < 0)
        return -1;
    if (!text)
        return 0;
    *SP_PUSH(look->pool, &t->unit->files) = path;
    sp_unit_lines(look->pool, text, &lines);
    for (size_t i = 0; i < lines.count; i++)
        if (*lines.items[i] == '[')
            service = strncmp(lines.items[i], "[Service]", 9) == 0;
        else if (service)
            read_line(t, lines.items[i]);
    return 0;
}

/* Environment files come after Environment=, wherever they are named: systemd.exec(5). */
static int read_environment(struct settings *t)
{
    struct sp_look *look = &t->s->look;
    struct sp_unit *unit = t->unit;
    for (size_t i = 0; i < t->environment.count; i++)
        sp_words_split(look->pool, t->environment.items[i], SP_WORD_STYLE_UNIT, NULL,
                       &unit->variables);
    for (size_t i = 0; i < t->environment_files.count; i++) {
        const char *path = t->environment_files.items[i];
        const char *text;
        sp_strv lines = {NULL, 0, 0};
        path = sp_path_trim(look->pool, path + (*path == '-'));
        if (sp_look_read_small(look, path, &text) < 0)
            return -1;
        unit->hidden |= !text && sp_look_is_hidden(look, path);
        if (!text)
            continue;
        *SP_PUSH(look->pool, &unit->files) = path;
        sp_unit_lines(look->pool, text, &lines);
        for (size_t j = 0; j < lines.count; j++) {
            sp_strv words = {NULL, 0, 0}; /* the value ends with the line, quoted or not */
            const char *equals = strchr(lines.items[j], '=');
            if (!equals || !sp_words_is_assignment(lines.items[j]))
                continue;
            const char *quoted = equals + 1 + strspn(equals + 1, " \t");
            if (*quoted == '"' || *quoted == '\'')
                sp_words_split(look->pool, lines.items[j], SP_WORD_STYLE_UNIT, NULL, &words);
            *SP_PUSH(look->pool, &unit->variables) = words.count ? words.items[0] : lines.items[j];
        }
    }
    return 0;
}

struct drop_in {
    const char *name, *path;
};
typedef SP_VEC(struct drop_in) sp_drop_ins;

/* By name; the one in the first directory hides others of that name. */
static void add_drop_in(struct sp_pool *pool, const char *dir, const char *name, sp_drop_ins *out)
{
    size_t at = 0;
    while (at < out->count && strcmp(out->items[at].name, name) < 0)
        at++;
    if (!sp_path_stem(pool, name, ".conf") ||
        (at < out->count && strcmp(out->items[at].name, name) == 0))
        return;
    *SP_PUSH(pool, out) = (struct drop_in){NULL, NULL};
    memmove(&out->items[at + 1], &out->items[at], (out->count - 1 - at) * sizeof(out->items[0]));
    out->items[at] = (struct drop_in){name, sp_path_join(pool, dir, name)};
}

static int find_drop_ins_of(struct search *s, const char *unit, sp_drop_ins *out, bool *hidden)
{
    for (size_t i = 0; i < UNIT_DIRS; i++) {
        const char *dir = sp_pool_printf(s->look.pool, "%s/%s.d", unit_dirs[i], unit);
        sp_entries entries = {NULL, 0, 0};
        if (sp_look_list(&s->look, dir, &entries, hidden) < 0)
            return -1;
        for (size_t j = 0; j < entries.count; j++)
            add_drop_in(s->look.pool, dir, entries.items[j].name, out);
    }
    return 0;
}

/* "cinder-volume@ssd.service" -> "cinder-volume@.service"; NULL for a unit that is no instance. */
static const char *template_of(struct sp_pool *pool, const char *unit)
{
    const char *sign = strchr(unit, '@');
    return sign ? sp_pool_printf(pool, "%.*s@.service", (int)(sign - unit), unit) : NULL;
}

static int read_unit(struct search *s, const char *name, const char *path)
{
    struct sp_unit unit = {.name = name, .path = path};
    struct settings t = {.s = s, .unit = &unit};
    sp_drop_ins drop_ins = {NULL, 0, 0};
    const char *template = template_of(s->look.pool, name);
    if (read_settings(&t, path) < 0 || find_drop_ins_of(s, name, &drop_ins, &unit.hidden) < 0 ||
        (template && find_drop_ins_of(s, template, &drop_ins, &unit.hidden) < 0))
        return -1;
    unit.masked = unit.files.count == 0; /* /dev/null is no regular file */
    for (size_t i = 0; !unit.masked && i < drop_ins.count; i++)
        if (read_settings(&t, drop_ins.items[i].path) < 0)
            return -1;
    if (read_environment(&t) < 0)
        return -1;
    *SP_PUSH(s->look.pool, s->out) = unit;
    return 0;
}

/* ---- all of them --------------------------------------------------------------------------- */

static bool is_wanted_name(const struct search *s, const char *name)
{
    return sp_path_stem(s->look.pool, name, ".service") &&
           (strncmp(name, "devstack@", 9) == 0 || strstr(name, s->part));
}

/* Adds the names that targets want: the links in *.wants and *.requires. */
static int list_enabled(struct search *s, sp_strv *out)
{
    sp_entries entries = {NULL, 0, 0};
    if (sp_tree_list(s->look.tree, s->look.pool, unit_dirs[0], &entries, s->look.err) < 0)
        return -1;
    for (size_t i = 0; i < entries.count; i++) {
        const char *dot = strrchr(entries.items[i].name, '.');
        sp_entries wanted = {NULL, 0, 0};
        if (!dot || (strcmp(dot, ".wants") != 0 && strcmp(dot, ".requires") != 0))
            continue;
        if (sp_tree_list(s->look.tree, s->look.pool,
                         sp_path_join(s->look.pool, unit_dirs[0], entries.items[i].name), &wanted,
                         s->look.err) < 0)
            return -1;
        for (size_t j = 0; j < wanted.count; j++)
            if (is_wanted_name(s, wanted.items[j].name))
                sp_strv_add_once(s->look.pool, out, wanted.items[j].name);
    }
    return 0;
}

static bool is_known(const sp_units *units, size_t first, const char *name)
{
    for (size_t i = first; i < units->count; i++)
        if (strcmp(units->items[i].name, name) == 0)
            return true;
    return false;
}

/* The instances of a template that targets want. */
static int read_instances(struct search *s, const char *template, const char *path,
                          const sp_strv *enabled)
{
    for (size_t i = 0; i < enabled->count; i++) {
        const char *of = template_of(s->look.pool, enabled->items[i]);
        if (of && strcmp(of, template) == 0 && strcmp(enabled->items[i], template) != 0 &&
            !is_known(s->out, 0, enabled->items[i]) && read_unit(s, enabled->items[i], path) < 0)
            return -1;
    }
    return 0;
}

static int read_dir(struct search *s, const char *dir, const sp_strv *enabled, size_t first)
{
    sp_entries entries = {NULL, 0, 0};
    if (sp_tree_list(s->look.tree, s->look.pool, dir, &entries, s->look.err) < 0)
        return -1;
    for (size_t i = 0; i < entries.count; i++) {
        const char *name = entries.items[i].name, *path;
        if (!is_wanted_name(s, name) || is_known(s->out, first, name))
            continue;
        path = sp_path_join(s->look.pool, dir, name);
        bool template = strstr(name, "@.service") != NULL;
        if ((template ? read_instances(s, name, path, enabled) : read_unit(s, name, path)) < 0)
            return -1;
    }
    return 0;
}

int sp_units_find(struct sp_pool *pool, struct sp_tree *tree, const char *part, sp_units *out,
                  struct sp_error *err)
{
    struct search s = {.look = {pool, tree, err}, .part = part, .out = out};
    sp_strv enabled = {NULL, 0, 0};
    size_t first = out->count;
    if (list_enabled(&s, &enabled) < 0)
        return -1;
    for (size_t i = 0; i < UNIT_DIRS; i++)
        if (read_dir(&s, unit_dirs[i], &enabled, first) < 0)
            return -1;
    for (size_t i = first; i < out->count; i++)
        out->items[i].enabled = sp_strv_has(&enabled, out->items[i].name);
    return 0;
}

void sp_unit_arguments(struct sp_pool *pool, const struct sp_unit *unit, const char *start,
                       sp_strv *out)
{
    size_t first = out->count;
    size_t prefix = strspn(start, "@-:+!|");
    sp_words_split(pool, start + prefix, SP_WORD_STYLE_UNIT, &unit->variables, out);
    /* "@": the second word is argv[0], which is the program's path for all that is looked for */
    if (memchr(start, '@', prefix) && out->count > first + 1) {
        memmove(&out->items[first + 1], &out->items[first + 2],
                (out->count - first - 2) * sizeof(out->items[0]));
        out->count--;
    }
}
