/* SPDX-License-Identifier: Apache-2.0 */
#include "model/words.h"

#include <string.h>

#include "base/buffer.h"
#include "base/path.h"

static const char blanks[] = " \t\r";
static const char name_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

struct splitter {
    struct sp_pool *pool;
    const char *at;
    bool shell;
    const sp_strv *variables;
    sp_strv *out;
    struct sp_buffer word;
    bool open; /* a word has begun, be it empty ("") */
};

static void finish_word(struct splitter *s)
{
    if (s->open)
        *SP_PUSH(s->pool, s->out) = sp_pool_strdup(s->pool, sp_buffer_str(&s->word));
    sp_buffer_reset(&s->word);
    s->open = false;
}

static void put(struct splitter *s, char c)
{
    sp_buffer_putc(&s->word, c);
    s->open = true;
}

/* A value that is not quoted is split at blanks. */
static void put_value(struct splitter *s, const char *value, bool split)
{
    for (; *value; value++) {
        if (split && (strchr(blanks, *value) || *value == '\n'))
            finish_word(s);
        else
            put(s, *value);
    }
}

const char *sp_words_value(const sp_strv *variables, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = variables ? variables->count : 0; i-- > 0;)
        if (strncmp(variables->items[i], name, len) == 0 && variables->items[i][len] == '=')
            return variables->items[i] + len + 1;
    return "";
}

bool sp_words_is_assignment(const char *word)
{
    size_t len = strspn(word, name_chars);
    return len && !(*word >= '0' && *word <= '9') && word[len] == '=';
}

/* ${NAME}, ${NAME:-word}; of other forms nothing is put in. */
static void put_braced(struct splitter *s, bool split)
{
    const char *from = s->at + 2, *end = strchr(from, '}');
    if (!end) {
        put(s, *s->at++);
        return;
    }
    size_t len = strspn(from, name_chars);
    const char *value = sp_words_value(s->variables, sp_pool_memdup(s->pool, from, len));
    if (!*value && s->shell && strncmp(from + len, ":-", 2) == 0)
        value = sp_pool_memdup(s->pool, from + len + 2, (size_t)(end - from) - len - 2);
    s->open |= !split; /* one word, be it empty */
    put_value(s, value, split);
    s->at = end + 1;
}

/* systemd puts $NAME in only where it is a word of its own, and splits it then; ${NAME} anywhere. */
static void put_variable(struct splitter *s, bool quoted)
{
    if (s->at[1] == '{') {
        put_braced(s, s->shell && !quoted);
        return;
    }
    size_t len = strspn(s->at + 1, name_chars);
    const char *end = s->at + 1 + len;
    bool alone = !quoted && !s->open && (*end == '\0' || *end == '\n' || strchr(blanks, *end));
    if (!s->shell && len == 0 && *end == '$') {
        put(s, '$');
        s->at += 2;
    } else if (len == 0 || (!s->shell && !alone)) {
        put(s, *s->at++);
    } else {
        put_value(s, sp_words_value(s->variables, sp_pool_memdup(s->pool, s->at + 1, len)),
                  !quoted);
        s->at = end;
    }
}

/* systemd.syntax(7), "Quoting"; in a shell a backslash is the next character's alone. */
static void put_escape(struct splitter *s)
{
    static const char from[] = "ntrs", to[] = "\n\t\r ";
    const char *known = s->at[1] && !s->shell ? strchr(from, s->at[1]) : NULL;
    if (s->at[1] == '\n')
        ; /* the line goes on */
    else if (s->at[1])
        put(s, (char)(known ? to[known - from] : s->at[1]));
    s->at += s->at[1] ? 2 : 1;
}

static void put_quoted(struct splitter *s)
{
    char quote = *s->at++;
    s->open = true;
    while (*s->at && *s->at != quote) {
        bool plain = quote == '\'' && s->shell;
        if (*s->at == '\\' && !plain)
            put_escape(s);
        else if (*s->at == '$' && !plain)
            put_variable(s, true);
        else
            put(s, *s->at++);
    }
    s->at += *s->at != '\0';
}

static void put_next(struct splitter *s)
{
    char c = *s->at;
    if (strchr(blanks, c) || (s->shell ? c == '`' : c == '\n')) {
        finish_word(s);
        s->at++;
    } else if (s->shell && strchr(";&|()\n", c)) {
        finish_word(s);
        put(s, c);
        finish_word(s);
        s->at++;
    } else if (s->shell && c == '#' && !s->open) {
        s->at += strcspn(s->at, "\n");
    } else if (c == '\'' || c == '"') {
        put_quoted(s);
    } else if (c == '\\') {
        put_escape(s);
    } else if (c == '$') {
        put_variable(s, false);
    } else {
        put(s, c);
        s->at++;
    }
}

void sp_words_split(struct sp_pool *pool, const char *line, enum sp_word_style style,
                    const sp_strv *variables, sp_strv *out)
{
    struct splitter s = {.pool = pool,
                         .at = line,
                         .shell = style == SP_WORD_STYLE_SHELL,
                         .variables = variables,
                         .out = out,
                         .word = SP_BUFFER_INIT};
    while (*s.at)
        put_next(&s);
    finish_word(&s);
    sp_buffer_free(&s.word);
}

const char *sp_words_project(struct sp_pool *pool, const char *program)
{
    return sp_pool_memdup(pool, program, strcspn(program, "-"));
}

bool sp_words_names_python(const char *path)
{
    return strncmp(sp_path_basename(path), "python", 6) == 0;
}

bool sp_words_is_python(const char *path)
{
    return *path == '/' && sp_words_names_python(path);
}

/* The project, ".cmd.", and the rest with "_" for "-". */
bool sp_words_is_module(const char *word, const char *program)
{
    static const char middle[] = ".cmd.";
    size_t len = strcspn(program, "-");
    if (program[len] != '-' || strncmp(word, program, len) != 0 ||
        strncmp(word + len, middle, sizeof(middle) - 1) != 0)
        return false;
    word += len + sizeof(middle) - 1;
    for (program += len + 1; *program && *word; program++, word++)
        if (*word != (*program == '-' ? '_' : *program))
            return false;
    return *program == *word;
}

bool sp_words_program(const sp_strv *words, const char *program, size_t *at)
{
    bool python = false; /* all words so far but options are an interpreter */
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->items[i], *before = i ? words->items[i - 1] : "";
        bool bare = i == 0 || strcmp(before, "exec") == 0;
        *at = i;
        if ((*word == '/' || bare) && strcmp(sp_path_basename(word), program) == 0)
            return true;
        if (python && strcmp(before, "-m") == 0 && sp_words_is_module(word, program))
            return true;
        python = sp_words_names_python(word) || (python && *word == '-');
    }
    return false;
}
