/* SPDX-License-Identifier: Apache-2.0 */
#include "model/usage.h"

#include <string.h>

#include "base/path.h"
#include "model/look.h"
#include "model/script.h"
#include "model/start.h"
#include "model/words.h"

enum {
    HEAD_MAX = 4096,      /* of a script */
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

/* An interpreter that was found, and how it is started. */
struct found {
    const char *interpreter; /* NULL: none */
    struct sp_python_settings settings;
    unsigned pid; /* 0: not by a process */
};

static void add(struct search *s, const struct found *found, const char *how)
{
    if (!found->interpreter)
        return;
    *SP_PUSH(s->pool, s->out) =
        (struct sp_usage){.program = s->program,
                          .interpreter = found->interpreter + strspn(found->interpreter, "/"),
                          .how = how,
                          .pid = found->pid,
                          .settings = found->settings};
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

/* "/usr/bin/python -s" -> itself, "/usr/bin/env python2.7" -> "/usr/bin/python2.7"; the options go to
 * the settings. NULL. */
static const char *python_of_line(struct sp_pool *pool, const char *line,
                                  struct sp_python_settings *settings)
{
    const char *word = next_word(pool, &line), *option;
    if (!word || *word != '/')
        return NULL;
    if (strcmp(sp_path_basename(word), "env") == 0) {
        word = next_word(pool, &line);
        if (word && strncmp(word, "python", 6) == 0 && !strchr(word, '/'))
            return sp_pool_printf(pool, "/usr/bin/%s", word);
        return NULL;
    }
    if (!sp_words_is_python(word))
        return NULL;
    while ((option = next_word(pool, &line)) && *option == '-')
        sp_python_settings_option(settings, option);
    return word;
}

/* ---- scripts ------------------------------------------------------------------------------- */

static int script_interpreter(struct search *s, const char *script, unsigned depth,
                              struct found *out);

/* The interpreter of a command: that it names, else its program's. */
static int command_interpreter(struct search *s, const char *named, const sp_strv *argv,
                               unsigned depth, struct found *out)
{
    out->interpreter = named;
    if (named || argv->count == 0 || *argv->items[0] != '/')
        return 0;
    return script_interpreter(s, argv->items[0], depth, out);
}

/* Of a shell script that starts the program. */
static int wrapper_interpreter(struct search *s, const char *text, unsigned depth,
                               struct found *out)
{
    const struct sp_look look = {s->pool, s->tree, s->err};
    sp_strv variables = {NULL, 0, 0}, files = {NULL, 0, 0};
    struct sp_command command = {.interpreter = NULL};
    if (depth > WRAPPER_DEPTH_MAX)
        return 0;
    if (sp_script_find(&look, text, s->program->name, &variables, &files, &command) < 0)
        return -1;
    sp_python_settings_join(&out->settings, &command.settings);
    return command_interpreter(s, command.interpreter, &command.argv, depth, out);
}

/* Where a script that is not there would have been: the environment of its bin directory. */
static const char *interpreter_beside(struct sp_pool *pool, const char *script)
{
    const char *bin = sp_path_dirname(pool, script);
    return strcmp(sp_path_basename(bin), "bin") == 0 ? sp_path_join(pool, bin, "python") : NULL;
}

/* Adds to the settings of *out those that the script tells. */
static int script_interpreter(struct search *s, const char *script, unsigned depth,
                              struct found *out)
{
    struct sp_bytes head;
    out->interpreter = NULL;
    if (sp_look_read(&(struct sp_look){s->pool, s->tree, s->err}, script, HEAD_MAX, &head) < 0)
        return -1;
    if (!head.data) {
        out->interpreter = interpreter_beside(s->pool, script);
        return 0;
    }
    if (head.len < 3 || head.data[0] != '#' || head.data[1] != '!')
        return 0;
    const char *text = sp_pool_memdup(s->pool, head.data + 2, head.len - 2);
    const char *rest = text + strcspn(text, "\n");
    const char *line = sp_pool_memdup(s->pool, text, strcspn(text, "\r\n"));
    out->interpreter = python_of_line(s->pool, line, &out->settings);
    if (out->interpreter || !strstr(line, "sh"))
        return 0;
    static const char long_path[] = "\n'''exec' ";
    if (strncmp(rest, long_path, sizeof(long_path) - 1) == 0)
        out->interpreter = python_of_line(s->pool, rest + sizeof(long_path) - 1, &out->settings);
    else
        return wrapper_interpreter(s, rest, depth + 1, out);
    return 0;
}

/* ---- processes ----------------------------------------------------------------------------- */

static int of_process(struct search *s, const struct sp_running *process, struct found *out)
{
    *out = (struct found){process->interpreter, process->settings, process->pid};
    return !out->interpreter && process->script ? script_interpreter(s, process->script, 0, out)
                                                : 0;
}

int sp_usage_of_process(struct sp_pool *pool, struct sp_tree *tree,
                        const struct sp_running *process, const char **out, struct sp_error *err)
{
    const struct sp_program program = {process->program, NULL};
    struct search s = {pool, tree, &program, NULL, err};
    struct found found;
    if (of_process(&s, process, &found) < 0)
        return -1;
    *out = found.interpreter ? found.interpreter + strspn(found.interpreter, "/") : NULL;
    return 0;
}

static int from_processes(struct search *s, const sp_running_list *running)
{
    for (size_t i = 0; i < running->count; i++) {
        const struct sp_running *process = &running->items[i];
        struct found found;
        if (process->view != SP_RUNNING_HERE || strcmp(process->program, s->program->name) != 0)
            continue;
        if (of_process(s, process, &found) < 0)
            return -1;
        add(s, &found, sp_pool_printf(s->pool, "process %u", process->pid));
    }
    return 0;
}

/* ---- units and scripts ---------------------------------------------------------------------- */

static int from_starts(struct search *s)
{
    sp_starts starts = {NULL, 0, 0};
    if (sp_starts_find(s->pool, s->tree, s->program->name, &starts, s->err) < 0)
        return -1;
    for (size_t i = 0; i < starts.count; i++) {
        const struct sp_start *start = &starts.items[i];
        struct found found = {.settings = start->settings};
        if (start->kind == SP_START_CONTAINER) /* the program is in its image */
            continue;
        if (command_interpreter(s, start->interpreter, &start->argv, 0, &found) < 0)
            return -1;
        add(s, &found, sp_pool_printf(s->pool, "/%s", start->path));
    }
    return 0;
}

/* ---- programs ------------------------------------------------------------------------------ */

static int from_program(struct search *s)
{
    for (size_t i = 0; i < sizeof(program_dirs) / sizeof(program_dirs[0]); i++) {
        const char *path = sp_path_join(s->pool, program_dirs[i], s->program->name);
        struct found found = {.interpreter = NULL};
        enum sp_entry_kind kind;
        if (sp_tree_kind(s->tree, s->pool, path, &kind, s->err) < 0)
            return -1;
        if (kind != SP_ENTRY_FILE)
            continue;
        if (script_interpreter(s, path, 0, &found) < 0)
            return -1;
        add(s, &found, sp_pool_printf(s->pool, "the #! line of /%s", path));
        if (found.interpreter)
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
    if (out->count == first && from_starts(&s) < 0)
        return -1;
    return out->count == first ? from_program(&s) : 0;
}
