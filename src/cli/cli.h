/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: from argv to options. The tables here are also what `help` prints. */
#ifndef SP_CLI_H
#define SP_CLI_H

#include <stdio.h>

#include "base/error.h"
#include "base/pool.h"

enum sp_command {
    SP_COMMAND_NONE,
    SP_COMMAND_DETECT,
    SP_COMMAND_CHECK,
    SP_COMMAND_DIFF,
    SP_COMMAND_INSTALL,
    SP_COMMAND_UNINSTALL,
    SP_COMMAND_ROLLBACK,
    SP_COMMAND_HISTORY,
    SP_COMMAND_RECOVER,
    SP_COMMAND_GROUPS,
    SP_COMMAND_HELP,
    SP_COMMAND_VERSION
};

struct sp_options {
    enum sp_command command;
    sp_strv components; /* as they were typed; os-brick is os_brick by now */
    sp_strv arguments;  /* of the commands that take no components */
    sp_strv paths, trees, users;
    const char *root, *work_dir, *data_dir, *python, *group; /* NULL: not given */
    bool dry_run, no_deps, allow_mixed, no_groups, force, json;
    int verbose; /* -1: quiet */
};

/* Parses argv. SP_ERROR_USAGE with a sentence that names the word which is wrong. */
int sp_cli_parse(struct sp_pool *pool, int argc, char **argv, struct sp_options *out,
                 struct sp_error *err) SP_MUST_CHECK;

const char *sp_command_name(enum sp_command command);

void sp_cli_usage(FILE *out); /* a few lines */
void sp_cli_help(FILE *out);  /* everything */

#endif
