/* SPDX-License-Identifier: Apache-2.0 */
#include "model/script.h"

#include <string.h>

#include "base/path.h"
#include "model/words.h"

enum {
    SOURCE_DEPTH_MAX = 2, /* files that are read by ".", one in another */
    IF_DEPTH_MAX = 32
};

/* How much a command says about the arguments. */
enum rank {
    RANK_NONE,
    RANK_NAMED,     /* the program is named in it */
    RANK_ARGUMENTS, /* start-stop-daemon ... -- ARGUMENTS */
    RANK_CALL       /* it is the program itself */
};

struct reading {
    const struct sp_look *look;
    const char *program;
    sp_strv *variables, *files;
    struct sp_storpool_variables *exported; /* by the assignments so far */
    struct sp_command *out;
    enum rank rank;
    sp_strv leading; /* "NAME=value" before the command that is looked at */
    unsigned source_depth;
    size_t ifs;                     /* how many are open */
    bool skipped[IF_DEPTH_MAX + 1]; /* whether the branch is not taken */
    bool body;                      /* false: only assignments are looked at */
};

static bool is_word(const char *word, const char *text)
{
    return strcmp(word, text) == 0;
}

static bool is_separator(const char *word)
{
    return word[0] && !word[1] && strchr(";&|()\n", word[0]);
}

/* ---- variables ------------------------------------------------------------------------------- */

static void assign(struct reading *r, const char *word)
{
    struct sp_pool *pool = r->look->pool;
    const char *name = sp_pool_memdup(pool, word, strcspn(word, "="));
    const char *old = sp_words_value(r->variables, name), *value = word + strlen(name) + 1;
    if (r->ifs && *old && !strstr(value, old))
        return;
    *SP_PUSH(pool, r->variables) = word;
}

static int read_lines(struct reading *r, const char *text);

/* ". FILE": its assignments. */
static int source(struct reading *r, const char *path)
{
    const char *text;
    struct reading inner = {.look = r->look,
                            .program = r->program,
                            .variables = r->variables,
                            .files = r->files,
                            .exported = r->exported,
                            .source_depth = r->source_depth + 1};
    path = sp_path_trim(r->look->pool, path);
    if (inner.source_depth > SOURCE_DEPTH_MAX)
        return 0;
    if (sp_look_read_small(r->look, path, &text) < 0)
        return -1;
    if (!text)
        return 0;
    *SP_PUSH(r->look->pool, r->files) = path;
    return read_lines(&inner, text);
}

/* ---- conditions ------------------------------------------------------------------------------ */

/* Whether `if [ -f FILE ]` tests for a file that is not there. */
static int is_absent(struct reading *r, const sp_strv *words, bool *absent)
{
    *absent = false;
    if (words->count < 3 || !(is_word(words->items[0], "[") || is_word(words->items[0], "test")))
        return 0;
    const char *option = words->items[1], *path = words->items[2];
    if (*path != '/' || !(is_word(option, "-e") || is_word(option, "-f") || is_word(option, "-r")))
        return 0;
    enum sp_entry_kind kind;
    if (sp_tree_kind(r->look->tree, r->look->pool, sp_path_trim(r->look->pool, path), &kind,
                     r->look->err) < 0)
        return -1;
    *absent = kind == SP_ENTRY_ABSENT;
    return 0;
}

static int begin_if(struct reading *r, const sp_strv *words)
{
    bool absent;
    if (is_absent(r, words, &absent) < 0)
        return -1;
    if (r->ifs < IF_DEPTH_MAX) {
        r->ifs++;
        r->skipped[r->ifs] = absent || r->skipped[r->ifs - 1];
    }
    return 0;
}

/* ---- commands -------------------------------------------------------------------------------- */

/* The interpreter right before the program, but for its options. */
static const char *interpreter_before(const sp_strv *words, size_t at)
{
    const char *python = NULL;
    for (size_t i = 0; i < at; i++) {
        if (sp_words_is_python(words->items[i]))
            python = words->items[i];
        else if (*words->items[i] != '-')
            python = NULL;
    }
    return python;
}

/* How the interpreter is started by that command. */
static void take_settings(struct reading *r, const sp_strv *words, size_t at)
{
    struct sp_pool *pool = r->look->pool;
    struct sp_python_settings *out = &r->out->settings;
    bool python = false;
    *out = (struct sp_python_settings){.path = NULL};
    r->out->variables = r->exported ? *r->exported : (struct sp_storpool_variables){0};
    for (size_t i = 0; i < r->leading.count; i++)
        sp_storpool_variables_note(&r->out->variables, r->leading.items[i]);
    for (size_t i = 0; i < at; i++)
        sp_storpool_variables_note(&r->out->variables, words->items[i]);
    for (size_t i = 0; r->variables && i < r->variables->count; i++)
        sp_python_settings_variable(pool, out, r->variables->items[i]);
    for (size_t i = 0; i < r->leading.count; i++)
        sp_python_settings_variable(pool, out, r->leading.items[i]);
    for (size_t i = 0; i < at; i++) { /* also of env(1) */
        python |= sp_words_is_python(words->items[i]);
        if (python)
            sp_python_settings_option(out, words->items[i]);
        else
            sp_python_settings_variable(pool, out, words->items[i]);
    }
    if (python && is_word(words->items[at - 1], "-m"))
        out->first = "/"; /* as services are started */
}

/* The words from the program on, but for a "--" after it. */
static void take(struct reading *r, const sp_strv *words, size_t at, size_t from, enum rank rank)
{
    if (rank <= r->rank)
        return;
    r->rank = rank;
    r->out->argv.count = 0;
    r->out->interpreter = interpreter_before(words, at);
    take_settings(r, words, at);
    *SP_PUSH(r->look->pool, &r->out->argv) = words->items[at];
    for (size_t i = from; i < words->count && !strchr("<>", *words->items[i]); i++)
        *SP_PUSH(r->look->pool, &r->out->argv) = words->items[i];
}

static bool is_program(const struct reading *r, const char *word)
{
    return *word == '/' && is_word(sp_path_basename(word), r->program);
}

static void look_for_program(struct reading *r, const sp_strv *words);

/* sh -c "exec /usr/bin/nova-compute ..." */
static void look_inside(struct reading *r, const sp_strv *words)
{
    for (size_t i = 0; i < words->count; i++) {
        sp_strv inner = {NULL, 0, 0};
        if (!strchr(words->items[i], ' ') || !strstr(words->items[i], r->program))
            continue;
        sp_words_split(r->look->pool, words->items[i], SP_WORD_STYLE_SHELL, r->variables, &inner);
        if (inner.count > 1)
            look_for_program(r, &inner);
    }
}

static void look_for_program(struct reading *r, const sp_strv *words)
{
    size_t at = 0, end;
    bool daemon = false;
    for (size_t i = 0; i < words->count && i < 2; i++)
        daemon |= strcmp(sp_path_basename(words->items[i]), "start-stop-daemon") == 0;
    while (at < words->count && !is_program(r, words->items[at]))
        at++;
    if (at == words->count) {
        if (sp_words_program(words, r->program, &at))
            take(r, words, at, at + 1, RANK_CALL);
        else
            look_inside(r, words);
        return;
    }
    for (end = at + 1; end < words->count && !is_word(words->items[end], "--"); end++)
        ;
    if (daemon && end < words->count)
        take(r, words, at, end + 1, RANK_ARGUMENTS);
    else if (!daemon && (at == 0 || is_word(words->items[at - 1], "exec") ||
                         sp_words_is_python(words->items[at - 1])))
        take(r, words, at, at + 1, RANK_CALL);
    else
        take(r, words, at, words->count, RANK_NAMED);
}

/* The words of "export NAME=value NAME", or of upstart's "env". */
static void note_exported(struct reading *r, const sp_strv *words)
{
    for (size_t i = 0; r->exported && i < words->count; i++) {
        const char *word = words->items[i];
        const char *value = sp_words_value(r->variables, word);
        if (!sp_words_is_assignment(word) && *value)
            word = sp_pool_printf(r->look->pool, "%s=%s", word, value);
        sp_storpool_variables_note(r->exported, word);
    }
}

/* "env NAME=value" of an upstart job: init(5). */
static bool sets_variable(const sp_strv *words)
{
    return words->count == 2 && is_word(words->items[0], "env") &&
           sp_words_is_assignment(words->items[1]);
}

/* One simple command, without separators. */
static int read_command(struct reading *r, const sp_strv *command)
{
    sp_strv words = *command;
    bool exports = false;
    while (words.count && (is_word(words.items[0], "then") || is_word(words.items[0], "else") ||
                           is_word(words.items[0], "do") || is_word(words.items[0], "{") ||
                           is_word(words.items[0], "export") || sets_variable(&words))) {
        if (is_word(words.items[0], "else"))
            r->skipped[r->ifs] = false;
        exports |= is_word(words.items[0], "export") || is_word(words.items[0], "env");
        words.items++, words.count--;
    }
    if (words.count == 0)
        return 0;
    if (is_word(words.items[0], "fi")) {
        r->ifs -= r->ifs > 0;
        return 0;
    }
    if (is_word(words.items[0], "if")) {
        words.items++, words.count--;
        return begin_if(r, &words);
    }
    if (r->skipped[r->ifs])
        return 0;
    if (exports)
        note_exported(r, &words);
    if (words.count > 1 && is_word(words.items[0], "."))
        return source(r, words.items[1]);
    size_t assignments = 0;
    while (assignments < words.count && sp_words_is_assignment(words.items[assignments]))
        assignments++;
    for (size_t i = 0; assignments == words.count && i < assignments; i++)
        assign(r, words.items[i]);
    r->leading = (sp_strv){words.items, assignments, assignments};
    words.items += assignments, words.count -= assignments;
    if (r->body)
        look_for_program(r, &words);
    return 0;
}

static int read_line(struct reading *r, const char *line)
{
    sp_strv words = {NULL, 0, 0}, command = {NULL, 0, 0};
    sp_words_split(r->look->pool, line, SP_WORD_STYLE_SHELL, r->variables, &words);
    for (size_t i = 0; i <= words.count; i++) {
        if (i < words.count && !is_separator(words.items[i])) {
            *SP_PUSH(r->look->pool, &command) = words.items[i];
            continue;
        }
        if (command.count && read_command(r, &command) < 0)
            return -1;
        command = (sp_strv){NULL, 0, 0};
    }
    return 0;
}

/* Lines, with those that a backslash joins in one. */
static int read_lines(struct reading *r, const char *text)
{
    struct sp_buffer line = SP_BUFFER_INIT;
    int rc = 0;
    while (*text && rc == 0) {
        size_t len = strcspn(text, "\n");
        bool more = len && text[len - 1] == '\\' && text[len];
        sp_buffer_add(&line, text, len - more);
        text += len;
        text += *text == '\n';
        if (more)
            continue;
        rc = read_line(r, sp_buffer_str(&line));
        sp_buffer_reset(&line);
    }
    sp_buffer_free(&line);
    return rc;
}

void sp_script_find_in_words(const struct sp_look *look, const sp_strv *words, const char *program,
                             struct sp_command *out)
{
    struct reading r = {.look = look, .program = program, .out = out};
    look_for_program(&r, words);
}

int sp_script_find(const struct sp_look *look, const char *text, const char *program,
                   sp_strv *variables, sp_strv *files, struct sp_command *out)
{
    struct sp_storpool_variables exported = {.unknown = false};
    struct reading r = {.look = look,
                        .program = program,
                        .variables = variables,
                        .files = files,
                        .exported = &exported,
                        .out = out,
                        .body = true};
    return read_lines(&r, text);
}
