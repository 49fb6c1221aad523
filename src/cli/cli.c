/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <getopt.h>
#include <string.h>

#include "base/path.h"

enum {
    TAKES_TREE = 1,
    TAKES_COMPONENTS = 2,
    TAKES_ARGUMENT = 4,
    TAKES_DRY_RUN = 8
};

static const struct {
    enum sp_command command;
    const char *name;
    unsigned takes;
    const char *what;
} commands[] = {
    {SP_COMMAND_DETECT, "detect", TAKES_TREE | TAKES_COMPONENTS,
     "say which components are here, of which version and release"},
    {SP_COMMAND_CHECK, "check", TAKES_TREE | TAKES_COMPONENTS,
     "say whether the integration is there, file by file with -v"},
    {SP_COMMAND_DIFF, "diff", TAKES_TREE | TAKES_COMPONENTS,
     "print the change that install would make, for patch -p1"},
    {SP_COMMAND_INSTALL, "install", TAKES_TREE | TAKES_COMPONENTS | TAKES_DRY_RUN,
     "put the integration in"},
    {SP_COMMAND_UNINSTALL, "uninstall", TAKES_COMPONENTS | TAKES_DRY_RUN,
     "take it out: every file as it was"},
    {SP_COMMAND_ROLLBACK, "rollback", TAKES_ARGUMENT | TAKES_DRY_RUN,
     "undo the latest transaction, or ID and all after it"},
    {SP_COMMAND_HISTORY, "history", 0, "list the transactions"},
    {SP_COMMAND_RECOVER, "recover", 0, "settle a transaction that was interrupted"},
    {SP_COMMAND_GROUPS, "groups", TAKES_COMPONENTS | TAKES_DRY_RUN,
     "set up the service group and the spool directory"},
    {SP_COMMAND_HELP, "help", TAKES_ARGUMENT, "print this"},
    {SP_COMMAND_VERSION, "version", 0, "print the version"},
};
enum {
    COMMANDS = sizeof(commands) / sizeof(commands[0])
};

enum {
    OPT_PYTHON = 256,
    OPT_NO_DEPS,
    OPT_ALLOW_MIXED,
    OPT_NO_GROUPS,
    OPT_FORCE
};

static const struct {
    int letter;
    const char *name, *value, *what;
} options[] = {
    {'L', "path", "DIR[:DIR]...", "look here first for the Python packages"},
    {'R', "root", "DIR", "work on the system that is mounted at DIR"},
    {'t', "tree", "TREE", "read a directory, REPO@REV or an archive instead of the system"},
    {'W', "work-dir", "DIR", "work directory (default: /var/lib/sp-openstack)"},
    {'D', "data-dir", "DIR", "where manifests/ and drivers/ are"},
    {OPT_PYTHON, "python", "PROGRAM", "ask this interpreter where its packages are"},
    {'n', "dry-run", NULL, "say what would be done, change nothing"},
    {OPT_NO_DEPS, "no-deps", NULL, "leave out what the named components need"},
    {OPT_ALLOW_MIXED, "allow-mixed", NULL, "accept components of different releases"},
    {'g', "group", "NAME", "the service group (default: spopenstack)"},
    {'u', "user", "NAME", "the account that joins it (default: one a component); repeatable"},
    {OPT_NO_GROUPS, "no-groups", NULL, "install: leave the group and the spool directory alone"},
    {OPT_FORCE, "force", NULL, "recover: leave files as they are that something else changed"},
    {'j', "json", NULL, "one JSON document on standard output"},
    {'v', "verbose", NULL, "say more; repeatable"},
    {'q', "quiet", NULL, "say nothing but errors and what was asked for"},
    {'y', "yes", NULL, "taken for scripts that give it; nothing is ever asked"},
    {'h', "help", NULL, "print this"},
    {'V', "version", NULL, "print the version"},
};
enum {
    OPTIONS = sizeof(options) / sizeof(options[0])
};

const char *sp_command_name(enum sp_command command)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (commands[i].command == command)
            return commands[i].name;
    return "";
}

void sp_cli_usage(FILE *out)
{
    fputs("Usage: sp-openstack [OPTION]... COMMAND [COMPONENT]...\n"
          "\n"
          "  sp-openstack check                      what is here, and is it integrated?\n"
          "  sp-openstack install cinder os_brick    on the controller\n"
          "  sp-openstack install nova               on each hypervisor\n"
          "  sp-openstack uninstall                  take it out again\n"
          "\n"
          "`sp-openstack help` lists all commands and options; see also sp-openstack(8).\n",
          out);
}

void sp_cli_help(FILE *out)
{
    fputs("Usage: sp-openstack [OPTION]... COMMAND [COMPONENT]...\n"
          "\n"
          "Makes OpenStack Mitaka, Newton, Ocata and Pike work with StorPool storage.\n"
          "\n"
          "Commands (a unique prefix is enough):\n",
          out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s  %s\n", commands[i].name, commands[i].what);
    fputs(
        "\nComponents: cinder, nova, os_brick; with none named, all that are found.\n\nOptions:\n",
        out);
    for (size_t i = 0; i < OPTIONS; i++) {
        char names[64];
        snprintf(names, sizeof(names), "%s%c%s--%s%s%s", options[i].letter < 256 ? "-" : "",
                 options[i].letter < 256 ? (char)options[i].letter : ' ',
                 options[i].letter < 256 ? ", " : "   ", options[i].name,
                 options[i].value ? " " : "", options[i].value ? options[i].value : "");
        fprintf(out, "  %-24s  %s\n", names, options[i].what);
    }
    fputs("\n"
          "Exit status: 0 done, or all is integrated; 1 check: something is not; 2 wrong usage;\n"
          "3 it can't be done here; 4 the system refused; 5 an interrupted transaction waits for\n"
          "recover.\n",
          out);
}

static int find_command(const char *word, size_t *out, struct sp_error *err)
{
    size_t hits = 0, len = strlen(word);
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strncmp(commands[i].name, word, len) != 0)
            continue;
        *out = i;
        hits++;
        if (commands[i].name[len] == '\0')
            return 0; /* in full */
    }
    if (hits == 1 && len > 0)
        return 0;
    return sp_error_set(err, SP_ERROR_USAGE,
                        hits ? "the command '%s' is ambiguous; `sp-openstack help` lists them all"
                             : "there is no command '%s'; `sp-openstack help` lists them all",
                        word);
}

static int take_words(struct sp_pool *pool, int argc, char **argv, struct sp_options *out,
                      struct sp_error *err)
{
    size_t which = 0;
    if (out->command != SP_COMMAND_NONE) /* -h, -V */
        return 0;
    if (argc == 0)
        return sp_error_set(err, SP_ERROR_USAGE, "no command was given");
    if (find_command(argv[0], &which, err) < 0)
        return -1;
    out->command = commands[which].command;
    unsigned takes = commands[which].takes;
    for (int i = 1; i < argc; i++) {
        bool component = takes & TAKES_COMPONENTS;
        if (!component && !((takes & TAKES_ARGUMENT) && i == 1))
            return sp_error_set(err, SP_ERROR_USAGE, "%s takes no argument like '%s'",
                                commands[which].name, argv[i]);
        if (!*argv[i] || strchr(argv[i], '/'))
            return sp_error_set(err, SP_ERROR_USAGE,
                                "'%s' is no component; a directory is named "
                                "with --path",
                                argv[i]);
        sp_strv *list = component ? &out->components : &out->arguments;
        const char *name = component && strcmp(argv[i], "os-brick") == 0 ? "os_brick" : argv[i];
        if (!sp_strv_has(list, name))
            *SP_PUSH(pool, list) = name;
    }
    if (out->trees.count && !(takes & TAKES_TREE))
        return sp_error_set(err, SP_ERROR_USAGE, "%s can't work on a --tree", commands[which].name);
    if (out->trees.count && out->command == SP_COMMAND_INSTALL && !out->dry_run)
        return sp_error_set(err, SP_ERROR_USAGE,
                            "install can't change a --tree; add --dry-run to see what it would do");
    if (out->dry_run && !(takes & TAKES_DRY_RUN))
        return sp_error_set(err, SP_ERROR_USAGE, "%s has nothing to do with --dry-run",
                            commands[which].name);
    if (out->trees.count && (out->paths.count || out->root || out->python))
        return sp_error_set(err, SP_ERROR_USAGE,
                            "--tree goes with none of --path, --root and --python");
    if (out->root && out->python)
        return sp_error_set(err, SP_ERROR_USAGE,
                            "--python asks an interpreter of this system, which knows nothing of "
                            "--root");
    return 0;
}

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

static void take_option(struct sp_pool *pool, int letter, const char *value, struct sp_options *out)
{
    switch (letter) {
    case 'L':
        split(pool, value, &out->paths);
        break;
    case 'R':
        out->root = value;
        break;
    case 't':
        *SP_PUSH(pool, &out->trees) = value;
        break;
    case 'W':
        out->work_dir = value;
        break;
    case 'D':
        out->data_dir = value;
        break;
    case OPT_PYTHON:
        out->python = value;
        break;
    case 'n':
        out->dry_run = true;
        break;
    case OPT_NO_DEPS:
        out->no_deps = true;
        break;
    case OPT_ALLOW_MIXED:
        out->allow_mixed = true;
        break;
    case 'g':
        out->group = value;
        break;
    case 'u':
        *SP_PUSH(pool, &out->users) = value;
        break;
    case OPT_NO_GROUPS:
        out->no_groups = true;
        break;
    case OPT_FORCE:
        out->force = true;
        break;
    case 'j':
        out->json = true;
        break;
    case 'v':
        out->verbose = out->verbose < 0 ? 1 : out->verbose + 1;
        break;
    case 'q':
        out->verbose = -1;
        break;
    case 'h':
        out->command = SP_COMMAND_HELP;
        break;
    case 'V':
        out->command = SP_COMMAND_VERSION;
        break;
    default: /* 'y' */
        break;
    }
}

static const char *option_name(int letter)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (options[i].letter == letter)
            return options[i].name;
    return "";
}

static int missing_value(int letter, struct sp_error *err)
{
    const char *name = option_name(letter);
    if (letter >= 256)
        return sp_error_set(err, SP_ERROR_USAGE, "the option '--%s' needs a value", name);
    return sp_error_set(err, SP_ERROR_USAGE, "the option '--%s' ('-%c') needs a value", name,
                        letter);
}

int sp_cli_parse(struct sp_pool *pool, int argc, char **argv, struct sp_options *out,
                 struct sp_error *err)
{
    struct option longs[OPTIONS + 1];
    char shorts[3 * OPTIONS + 2] = ":";
    memset(longs, 0, sizeof(longs));
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < OPTIONS; i++) {
        longs[i] = (struct option){.name = options[i].name,
                                   .has_arg = options[i].value ? required_argument : no_argument,
                                   .val = options[i].letter};
        char one[3] = {(char)options[i].letter, options[i].value ? ':' : '\0', '\0'};
        if (options[i].letter < 256)
            strcat(shorts, one);
    }
    int letter;
    opterr = 0;
    optind = 0; /* glibc and musl: begin anew, also what is left of a call before */
    while ((letter = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (letter == ':') /* by its letter: musl counts on beyond the words here */
            return missing_value(optopt, err);
        const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
        if (letter == '?' && optopt && optopt < 256 && strncmp(word, "--", 2) != 0)
            return sp_error_set(err, SP_ERROR_USAGE, "there is no option '-%c'", optopt);
        if (letter == '?')
            return sp_error_set(err, SP_ERROR_USAGE,
                                "the option '%s' is unknown, ambiguous, or takes no value", word);
        if (optarg && !*optarg)
            return sp_error_set(err, SP_ERROR_USAGE, "the value of '%s' is empty",
                                option_name(letter));
        take_option(pool, letter, optarg, out);
    }
    return take_words(pool, argc - optind, argv + optind, out, err);
}
