/* SPDX-License-Identifier: Apache-2.0 */
#include "model/usage.h"

#include <string.h>

#include "base/path.h"
#include "model/look.h"
#include "model/unit.h"
#include "model/words.h"

enum {
    HEAD_MAX = 4096,      /* of a script */
    UNIT_MAX = 1 << 16,   /* of a unit, an upstart job, a script in /etc/init.d */
    WRAPPER_DEPTH_MAX = 2 /* shell scripts that start the program, one in another */
};

/* As PATH is for services and for root. */
static const char *const program_dirs[] = {"usr/local/sbin", "usr/local/bin", "usr/sbin",
                                           "usr/bin",        "sbin",          "bin"};

struct search {
    struct sp_pool *pool;
    struct sp_tree *tree;
    const struct sp_program *program;
    sp_usages *out;
    struct sp_error *err;
};

static void add(struct search *s, const char *interpreter, const char *how)
{
    if (!interpreter)
        return;
    *SP_PUSH(s->pool, s->out) = (struct sp_usage){
        .program = s->program, .interpreter = interpreter + strspn(interpreter, "/"), .how = how};
}

/* ---- words --------------------------------------------------------------------------------- */

static const char separators[] = " \t\r\n\"'`;=()&|,";

/* The next word at *at, quotes and the like left out; NULL at the end. */
static const char *next_word(struct sp_pool *pool, const char **at)
{
    *at += strspn(*at, separators);
    size_t len = strcspn(*at, separators);
    const char *word = len ? sp_pool_memdup(pool, *at, len) : NULL;
    *at += len;
    return word;
}

/* "/usr/bin/python" -> itself, "/usr/bin/env python2.7" -> "/usr/bin/python2.7"; NULL. */
static const char *python_of_line(struct sp_pool *pool, const char *line)
{
    const char *word = next_word(pool, &line);
    if (!word || *word != '/')
        return NULL;
    if (strcmp(sp_path_basename(word), "env") == 0) {
        word = next_word(pool, &line);
        if (word && strncmp(word, "python", 6) == 0 && !strchr(word, '/'))
            return sp_pool_printf(pool, "/usr/bin/%s", word);
        return NULL;
    }
    return sp_words_is_python(word) ? word : NULL;
}

/* ---- scripts ------------------------------------------------------------------------------- */

static int script_interpreter(struct search *s, const char *script, unsigned depth,
                              const char **out);

/* The text without comments. */
static const char *commands_of(struct sp_pool *pool, struct sp_bytes text)
{
    char *copy = sp_pool_memdup(pool, text.data, text.len);
    for (char *at = copy; *at;) {
        char *line = at + strspn(at, " \t");
        size_t len = strcspn(line, "\n");
        if (*line == '#')
            memset(line, ' ', len);
        at = line + len;
        at += *at == '\n';
    }
    return copy;
}

/* In a text of commands: the interpreter of the program that it starts. */
static int interpreter_in(struct search *s, const char *text, const char *self, unsigned depth,
                          const char **out)
{
    const char *python = NULL, *word; /* python: before the word, but for options */
    bool module = false;              /* the word before was "-m" */
    *out = NULL;
    while (!*out && (word = next_word(s->pool, &text))) {
        bool option = *word == '-';
        if (module && python && sp_words_is_module(word, s->program->name)) {
            *out = python;
            break;
        }
        module = strcmp(word, "-m") == 0;
        word += strspn(word, "-@:+!"); /* systemd.service(5), "Special executable prefixes" */
        bool hit = *word == '/' && strcmp(sp_path_basename(word), s->program->name) == 0;
        if (hit && python)
            *out = python;
        else if (hit && strcmp(word, self) != 0 && script_interpreter(s, word, depth, out) < 0)
            return -1;
        if (sp_words_is_python(word) || !option)
            python = sp_words_is_python(word) ? word : NULL;
    }
    return 0;
}

/* Where a script that is not there would have been: the environment of its bin directory. */
static const char *interpreter_beside(struct sp_pool *pool, const char *script)
{
    const char *bin = sp_path_dirname(pool, script);
    return strcmp(sp_path_basename(bin), "bin") == 0 ? sp_path_join(pool, bin, "python") : NULL;
}

static int script_interpreter(struct search *s, const char *script, unsigned depth,
                              const char **out)
{
    struct sp_bytes head;
    *out = NULL;
    if (sp_look_read(&(struct sp_look){s->pool, s->tree, s->err}, script, HEAD_MAX, &head) < 0)
        return -1;
    if (!head.data) {
        *out = interpreter_beside(s->pool, script);
        return 0;
    }
    if (head.len < 3 || head.data[0] != '#' || head.data[1] != '!')
        return 0;
    const char *text = sp_pool_memdup(s->pool, head.data + 2, head.len - 2);
    const char *rest = text + strcspn(text, "\n");
    const char *line = sp_pool_memdup(s->pool, text, strcspn(text, "\r\n"));
    *out = python_of_line(s->pool, line);
    if (*out || !strstr(line, "sh"))
        return 0;
    static const char long_path[] = "\n'''exec' ";
    if (strncmp(rest, long_path, sizeof(long_path) - 1) == 0)
        *out = python_of_line(s->pool, rest + sizeof(long_path) - 1);
    else if (depth < WRAPPER_DEPTH_MAX)
        return interpreter_in(s, commands_of(s->pool, SP_BYTES_STR(rest)), script, depth + 1, out);
    return 0;
}

/* ---- processes ----------------------------------------------------------------------------- */

int sp_usage_of_process(struct sp_pool *pool, struct sp_tree *tree,
                        const struct sp_running *process, const char **out, struct sp_error *err)
{
    const struct sp_program program = {process->program, NULL};
    struct search s = {pool, tree, &program, NULL, err};
    *out = process->interpreter;
    if (!*out && process->script && script_interpreter(&s, process->script, 0, out) < 0)
        return -1;
    *out = *out ? *out + strspn(*out, "/") : NULL;
    return 0;
}

static int from_processes(struct search *s, const sp_running_list *running)
{
    for (size_t i = 0; i < running->count; i++) {
        const struct sp_running *process = &running->items[i];
        const char *interpreter;
        if (process->view != SP_RUNNING_HERE || strcmp(process->program, s->program->name) != 0)
            continue;
        if (sp_usage_of_process(s->pool, s->tree, process, &interpreter, s->err) < 0)
            return -1;
        add(s, interpreter, sp_pool_printf(s->pool, "process %u", process->pid));
    }
    return 0;
}

/* ---- systemd ------------------------------------------------------------------------------- */

/* Whether a job's or script's name is one that the program may have. */
static bool may_start(struct search *s, const char *name, const char *ending)
{
    const char *stem = sp_path_stem(s->pool, name, ending);
    return stem && strstr(stem, sp_words_project(s->pool, s->program->name));
}

static int from_unit(struct search *s, const struct sp_unit *unit)
{
    for (size_t i = 0; i < unit->starts.count; i++) {
        const char *interpreter;
        sp_strv words = {NULL, 0, 0};
        sp_unit_arguments(s->pool, unit, unit->starts.items[i], &words);
        if (interpreter_in(s, sp_strv_join(s->pool, &words, " "), "", 0, &interpreter) < 0)
            return -1;
        add(s, interpreter, sp_pool_printf(s->pool, "/%s", unit->path));
    }
    return 0;
}

/* All that tell; where there are several, those of enabled units, if there are some. */
static int from_units(struct search *s)
{
    size_t first = s->out->count, kept = first;
    sp_units units = {NULL, 0, 0};
    SP_VEC(bool) enabled = {NULL, 0, 0};
    if (sp_units_find(s->pool, s->tree, sp_words_project(s->pool, s->program->name), &units,
                      s->err) < 0)
        return -1;
    for (size_t i = 0; i < units.count; i++) {
        if (from_unit(s, &units.items[i]) < 0)
            return -1;
        while (enabled.count < s->out->count - first)
            *SP_PUSH(s->pool, &enabled) = units.items[i].enabled;
    }
    for (size_t i = 0; enabled.count > 1 && i < enabled.count; i++)
        if (enabled.items[i])
            s->out->items[kept++] = s->out->items[first + i];
    if (kept > first)
        s->out->count = kept;
    return 0;
}

/* ---- upstart and init.d -------------------------------------------------------------------- */

static int from_scripts(struct search *s, const char *dir, const char *suffix)
{
    sp_entries entries = {NULL, 0, 0};
    if (sp_tree_list(s->tree, s->pool, dir, &entries, s->err) < 0)
        return -1;
    for (size_t i = 0; i < entries.count; i++) {
        const char *path = sp_path_join(s->pool, dir, entries.items[i].name), *interpreter;
        struct sp_bytes text;
        if (!may_start(s, entries.items[i].name, suffix))
            continue;
        if (sp_look_read(&(struct sp_look){s->pool, s->tree, s->err}, path, UNIT_MAX, &text) < 0)
            return -1;
        if (!text.data)
            continue;
        if (interpreter_in(s, commands_of(s->pool, text), "", 0, &interpreter) < 0)
            return -1;
        add(s, interpreter, sp_pool_printf(s->pool, "/%s", path));
    }
    return 0;
}

/* ---- programs ------------------------------------------------------------------------------ */

static int from_program(struct search *s)
{
    for (size_t i = 0; i < sizeof(program_dirs) / sizeof(program_dirs[0]); i++) {
        const char *path = sp_path_join(s->pool, program_dirs[i], s->program->name), *interpreter;
        enum sp_entry_kind kind;
        if (sp_tree_kind(s->tree, s->pool, path, &kind, s->err) < 0)
            return -1;
        if (kind != SP_ENTRY_FILE)
            continue;
        if (script_interpreter(s, path, 0, &interpreter) < 0)
            return -1;
        add(s, interpreter, sp_pool_printf(s->pool, "the #! line of /%s", path));
        if (interpreter)
            return 0;
    }
    return 0;
}

int sp_usage_find(struct sp_pool *pool, struct sp_tree *tree, const struct sp_program *program,
                  const sp_running_list *running, sp_usages *out, struct sp_error *err)
{
    struct search s = {pool, tree, program, out, err};
    size_t first = out->count;
    if (from_processes(&s, running) < 0)
        return -1;
    if (out->count == first && from_units(&s) < 0)
        return -1;
    if (out->count == first && from_scripts(&s, "etc/init", ".conf") < 0)
        return -1;
    if (out->count == first && from_scripts(&s, "etc/init.d", "") < 0)
        return -1;
    return out->count == first ? from_program(&s) : 0;
}
