/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

/* getopt_long(3) returns the letter of an option, or this and its number if it has none. */
enum {
    NO_LETTER = 256
};

/* More processes than this serve nobody. */
#define MAX_JOBS ((size_t)256)

static int code_of(size_t id)
{
    return sp_options_table[id].letter ? sp_options_table[id].letter : NO_LETTER + (int)id;
}

static size_t id_of(int code)
{
    for (size_t id = 0; id < SP_OPTIONS; id++)
        if (code_of(id) == code)
            return id;
    return SP_OPTIONS;
}

int sp_cli_find_command(const char *word, const struct sp_command **out, struct sp_error *err)
{
    size_t hits = 0, len = strlen(word);
    for (const struct sp_command *command = sp_commands; command->name; command++) {
        if (strncmp(command->name, word, len) != 0 || len < command->shortest)
            continue;
        *out = command;
        hits++;
        if (command->name[len] == '\0')
            return 0; /* in full */
    }
    if (hits == 1 && len > 0)
        return 0;
    return sp_error_set(err, SP_ERROR_USAGE,
                        hits ? "the command '%s' is ambiguous; `sp-openstack help` lists them all"
                             : "there is no command '%s'; `sp-openstack help` lists them all",
                        word);
}

/* ---- the words ------------------------------------------------------------------------------- */

static int take_word(struct sp_pool *pool, const char *word, struct sp_options *out,
                     struct sp_error *err)
{
    const struct sp_command *command = out->command;
    bool component = command->words == SP_WORDS_COMPONENTS;
    if (command->words == SP_WORDS_TREES && *word) {
        *SP_PUSH(pool, &out->arguments) = word;
        return 0;
    }
    if (command->words == SP_WORDS_NONE || (!component && out->arguments.count))
        return sp_error_set(err, SP_ERROR_USAGE, "%s takes no argument like '%s'", command->name,
                            word);
    if (!*word || strchr(word, '/'))
        return sp_error_set(err, SP_ERROR_USAGE,
                            component ? "'%s' is no component; a directory is named with --path"
                                      : "'%s' is no argument that %s takes",
                            word, command->name);
    if (component && strcmp(word, "os-brick") == 0)
        word = "os_brick";
    sp_strv *list = component ? &out->components : &out->arguments;
    sp_strv_add_once(pool, list, word);
    return 0;
}

static int take_words(struct sp_pool *pool, int argc, char **argv, struct sp_options *out,
                      struct sp_error *err)
{
    if (argc == 0)
        return sp_error_set(err, SP_ERROR_USAGE, "no command was given");
    if (sp_cli_find_command(argv[0], &out->command, err) < 0)
        return -1;
    for (int i = 1; i < argc; i++)
        if (take_word(pool, argv[i], out, err) < 0)
            return -1;
    return 0;
}

/* ---- what goes together ---------------------------------------------------------------------- */

static int check_options(const struct sp_options *options, unsigned given, struct sp_error *err)
{
    for (size_t id = 0; id < SP_OPTIONS; id++)
        if (given & ~options->command->options & 1U << id)
            return sp_error_set(err, SP_ERROR_USAGE, "%s takes no option --%s",
                                options->command->name, sp_options_table[id].name);
    return 0;
}

/* A relative path is resolved in the current directory, which a root does not have. */
static int check_relative(const struct sp_options *options, struct sp_error *err)
{
    const char *relative =
        options->work_dir && *options->work_dir != '/' ? options->work_dir : NULL;
    const char *name = "--work-dir";
    for (size_t i = 0; !relative && i < options->paths.count; i++)
        if (*options->paths.items[i] != '/') {
            relative = options->paths.items[i];
            name = "--path";
        }
    if (options->root && relative)
        return sp_error_set(err, SP_ERROR_USAGE,
                            "with --root, %s takes an absolute path inside the root, not '%s'",
                            name, relative);
    return 0;
}

static int check_together(const struct sp_options *options, struct sp_error *err)
{
    bool changes = options->command->options & 1U << SP_OPTION_DRY_RUN;
    if (options->trees.count && changes && !options->dry_run)
        return sp_error_set(err, SP_ERROR_USAGE,
                            "%s cannot change a --tree; add --dry-run to see what it would do",
                            options->command->name);
    if (options->trees.count && (options->paths.count || options->root || options->python))
        return sp_error_set(err, SP_ERROR_USAGE,
                            "--tree goes with none of --path, --root and --python");
    if (options->root && options->python)
        return sp_error_set(err, SP_ERROR_USAGE,
                            "--python asks an interpreter of this system, which knows nothing of "
                            "--root");
    return check_relative(options, err);
}

/* ---- the options ----------------------------------------------------------------------------- */

/* "a:b" -> a, b; empty parts are left out. */
static void split(struct sp_pool *pool, const char *list, sp_strv *out)
{
    while (*list) {
        size_t len = strcspn(list, ":");
        if (len)
            *SP_PUSH(pool, out) = sp_pool_memdup(pool, list, len);
        list += len;
        list += *list == ':';
    }
}

static int take_number(const char *value, size_t max, size_t *out, struct sp_error *err)
{
    char *end;
    unsigned long number = strtoul(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || number < 1 || number > max)
        return sp_error_set(err, SP_ERROR_USAGE, "--jobs takes a number from 1 to %zu, not '%s'",
                            max, value);
    *out = number;
    return 0;
}

static int take_value(struct sp_pool *pool, size_t id, const char *value, struct sp_options *out,
                      struct sp_error *err)
{
    switch (id) {
    case SP_OPTION_PATH:
        split(pool, value, &out->paths);
        break;
    case SP_OPTION_ROOT:
        out->root = value;
        break;
    case SP_OPTION_TREE:
        *SP_PUSH(pool, &out->trees) = value;
        break;
    case SP_OPTION_WORK_DIR:
        out->work_dir = value;
        break;
    case SP_OPTION_DATA_DIR:
        out->data_dir = value;
        break;
    case SP_OPTION_PYTHON:
        out->python = value;
        break;
    case SP_OPTION_GROUP:
        out->group = value;
        break;
    case SP_OPTION_USER:
        *SP_PUSH(pool, &out->users) = value;
        break;
    case SP_OPTION_JUNIT:
        out->junit = value;
        break;
    case SP_OPTION_JOBS:
        return take_number(value, MAX_JOBS, &out->jobs, err);
    default:
        break;
    }
    return 0;
}

static void take_flags(unsigned given, struct sp_options *out)
{
    out->dry_run = given & 1U << SP_OPTION_DRY_RUN;
    out->no_deps = given & 1U << SP_OPTION_NO_DEPS;
    out->allow_mixed = given & 1U << SP_OPTION_ALLOW_MIXED;
    out->no_groups = given & 1U << SP_OPTION_NO_GROUPS;
    out->force = given & 1U << SP_OPTION_FORCE;
    out->restart = given & 1U << SP_OPTION_RESTART;
    out->json = given & 1U << SP_OPTION_JSON;
    out->txn_module = given & 1U << SP_OPTION_TXN_MODULE;
}

static int missing_value(size_t id, struct sp_error *err)
{
    const struct sp_option *option = &sp_options_table[id];
    if (!option->letter)
        return sp_error_set(err, SP_ERROR_USAGE, "the option '--%s' needs a value", option->name);
    return sp_error_set(err, SP_ERROR_USAGE, "the option '--%s' ('-%c') needs a value",
                        option->name, option->letter);
}

static void make_getopt_tables(struct option *longs, char *shorts)
{
    *shorts++ = ':'; /* a missing value is told apart from an unknown option */
    for (size_t id = 0; id < SP_OPTIONS; id++) {
        const struct sp_option *option = &sp_options_table[id];
        longs[id] = (struct option){.name = option->name,
                                    .has_arg = option->value ? required_argument : no_argument,
                                    .val = code_of(id)};
        if (option->letter) {
            *shorts++ = option->letter;
            if (option->value)
                *shorts++ = ':';
        }
    }
    *shorts = '\0';
}

static int take_options(struct sp_pool *pool, int argc, char **argv, struct sp_options *out,
                        unsigned *given, struct sp_error *err)
{
    struct option longs[SP_OPTIONS + 1] = {{0}};
    char shorts[2 * SP_OPTIONS + 2];
    int code;
    make_getopt_tables(longs, shorts);
    opterr = 0;
    optind = 0; /* glibc and musl: begin anew, also the rest of an earlier call */
    while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (code == ':') /* by its letter: musl counts on beyond the words here */
            return missing_value(id_of(optopt), err);
        const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
        if (code == '?' && optopt && optopt < NO_LETTER && strncmp(word, "--", 2) != 0)
            return sp_error_set(err, SP_ERROR_USAGE, "there is no option '-%c'", optopt);
        if (code == '?')
            return sp_error_set(err, SP_ERROR_USAGE,
                                "the option '%s' is unknown, ambiguous, or takes no value", word);
        size_t id = id_of(code);
        if (optarg && !*optarg)
            return sp_error_set(err, SP_ERROR_USAGE, "the value of '%s' is empty",
                                sp_options_table[id].name);
        *given |= 1U << id;
        if (optarg && take_value(pool, id, optarg, out, err) < 0)
            return -1;
        if (id == SP_OPTION_VERBOSE)
            out->verbose = out->verbose < 0 ? 1 : out->verbose + 1;
        else if (id == SP_OPTION_QUIET)
            out->verbose = -1;
    }
    return 0;
}

int sp_cli_parse(struct sp_pool *pool, int argc, char **argv, struct sp_options *out,
                 struct sp_error *err)
{
    unsigned given = 0;
    memset(out, 0, sizeof(*out));
    if (take_options(pool, argc, argv, out, &given, err) < 0)
        return -1;
    take_flags(given, out);
    if (given & 1U << SP_OPTION_HELP)
        return sp_cli_find_command("help", &out->command, err);
    if (given & 1U << SP_OPTION_VERSION)
        return sp_cli_find_command("version", &out->command, err);
    if (take_words(pool, argc - optind, argv + optind, out, err) < 0 ||
        check_options(out, given, err) < 0)
        return -1;
    return check_together(out, err);
}

/* ---- a command to type next ------------------------------------------------------------------ */

const char *sp_cli_quoted(struct sp_pool *pool, const char *word)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    sp_buffer_putc(&buf, '\'');
    for (; *word; word++)
        if (*word == '\'')
            sp_buffer_puts(&buf, "'\\''");
        else
            sp_buffer_putc(&buf, *word);
    sp_buffer_putc(&buf, '\'');
    const char *text = sp_pool_strdup(pool, sp_buffer_str(&buf));
    sp_buffer_free(&buf);
    return text;
}

/* The option with its value, if it has one; " -R /mnt". */
static const char *option_with(struct sp_pool *pool, const char *option, const char *value)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "%+,-./:=@_";
    if (!value)
        return "";
    bool is_plain = strspn(value, plain) == strlen(value);
    return sp_pool_printf(pool, " %s %s", option, is_plain ? value : sp_cli_quoted(pool, value));
}

const char *sp_cli_invocation(struct sp_pool *pool, const struct sp_options *options)
{
    return sp_pool_printf(pool, "sp-openstack%s%s%s", option_with(pool, "-R", options->root),
                          option_with(pool, "-W", options->work_dir),
                          option_with(pool, "-D", options->data_dir));
}

const char *sp_cli_invocation_there(struct sp_pool *pool, const struct sp_options *options)
{
    const char *text = sp_cli_invocation(pool, options);
    for (size_t i = 0; i < options->paths.count; i++)
        text = sp_pool_printf(pool, "%s%s", text, option_with(pool, "-L", options->paths.items[i]));
    return sp_pool_printf(pool, "%s%s", text, option_with(pool, "--python", options->python));
}
