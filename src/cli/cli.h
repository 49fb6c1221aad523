/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: from argv to options. The tables of commands and options are also printed by
 * `help`. */
#ifndef SP_CLI_H
#define SP_CLI_H

#include "base/error.h"
#include "base/pool.h"

struct sp_context;

/* The options; bit 1 << N of a set is the option N. */
enum sp_option_id {
    SP_OPTION_PATH,
    SP_OPTION_ROOT,
    SP_OPTION_TREE,
    SP_OPTION_WORK_DIR,
    SP_OPTION_DATA_DIR,
    SP_OPTION_PYTHON,
    SP_OPTION_DRY_RUN,
    SP_OPTION_NO_DEPS,
    SP_OPTION_ALLOW_MIXED,
    SP_OPTION_GROUP,
    SP_OPTION_USER,
    SP_OPTION_NO_GROUPS,
    SP_OPTION_FORCE,
    SP_OPTION_RESTART,
    SP_OPTION_JOBS,
    SP_OPTION_JUNIT,
    SP_OPTION_JSON,
    SP_OPTION_VERBOSE,
    SP_OPTION_QUIET,
    SP_OPTION_YES,
    SP_OPTION_TXN_MODULE,
    SP_OPTION_HELP,
    SP_OPTION_VERSION,
    SP_OPTIONS /* how many there are */
};

struct sp_option {
    char letter;       /* '\0': it has none */
    const char *name;  /* without the hyphens */
    const char *value; /* how help names it; NULL: the option takes none */
    const char *purpose;
};

/* In the order of enum sp_option_id. */
extern const struct sp_option sp_options_table[SP_OPTIONS];

/* The words behind the name of a command. */
enum sp_words {
    SP_WORDS_NONE,
    SP_WORDS_COMPONENTS, /* any number of components */
    SP_WORDS_TREES,      /* any number of trees */
    SP_WORDS_ID,         /* the number of a transaction, or nothing */
    SP_WORDS_COMMAND     /* the name of a command, or nothing */
};

/* The needs of a command, which sp_prepare() sees to before it runs. */
enum sp_needs {
    SP_NEEDS_ROOT = 1,        /* the root is open */
    SP_NEEDS_MANIFESTS = 2,   /* the manifests are read */
    SP_NEEDS_SCAN = 4,        /* the trees are open, and the components in them found */
    SP_NEEDS_ACCOUNTS = 8,    /* both, where the data directory can be read: else a warning */
    SP_NEEDS_WORK_DIR = 16,   /* the work directory is open, if it is there and can be read */
    SP_NEEDS_HISTORY = 32,    /* the same, and it is an error if it cannot be read */
    SP_NEEDS_LOCK = 64,       /* the work directory is locked, if it is there */
    SP_NEEDS_RECOVERED = 128, /* no interrupted transaction is in it */
    SP_NEEDS_SUPERUSER = 256, /* the user is root, unless this is a dry run */
    SP_NEEDS_LATER = 512,     /* all but the root is seen to when the command asks for it, by
                               * sp_prepare_rest() */
    SP_NEEDS_WAIT = 1024,     /* a lock that somebody else holds is waited for */
};

struct sp_command {
    const char *name, *purpose;
    /* Returns the exit status (enum sp_error_kind), or -1 with *err set. */
    int (*run)(struct sp_context *context, struct sp_error *err);
    enum sp_words words;
    unsigned options; /* those that it takes */
    unsigned needs;   /* enum sp_needs */
    size_t shortest;  /* letters of the shortest prefix that is taken for it; 0: any */
};

/* Ended by one without a name. */
extern const struct sp_command sp_commands[];

struct sp_options {
    const struct sp_command *command;
    sp_strv components; /* as they were typed; os-brick is os_brick by now */
    sp_strv arguments;  /* of the commands that take no components */
    sp_strv paths, trees, users;
    const char *root, *work_dir, *data_dir, *python, *group, *junit; /* NULL: not given */
    size_t jobs;                                                     /* 0: not given */
    bool dry_run, no_deps, allow_mixed, no_groups, force, restart, json, txn_module;
    int verbose; /* -1: quiet */
};

/* Parses argv. SP_ERROR_USAGE with a sentence that names the word which is wrong. */
int sp_cli_parse(struct sp_pool *pool, int argc, char **argv, struct sp_options *out,
                 struct sp_error *err) SP_MUST_CHECK;

/* The command of that name, or the one with that unique prefix. SP_ERROR_USAGE if there is none. */
int sp_cli_find_command(const char *word, const struct sp_command **out,
                        struct sp_error *err) SP_MUST_CHECK;

/* The word in single quotes, for a shell. */
const char *sp_cli_quoted(struct sp_pool *pool, const char *word);

/* "sp-openstack -R '/mnt/my image'": the program with those of the options that a command typed
 * next needs in order to work on the same system (--root, --work-dir, --data-dir), quoted for a
 * shell. */
const char *sp_cli_invocation(struct sp_pool *pool, const struct sp_options *options);

/* The same for a command that looks at packages: also with the options by which these are found (--path,
 * --python). */
const char *sp_cli_invocation_there(struct sp_pool *pool, const struct sp_options *options);

#endif
