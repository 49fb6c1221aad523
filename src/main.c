/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the command line, runs the command, prints the error once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/build.h"
#include "cli/cli.h"
#include "cli/cmd.h"
#include "cli/console.h"
#include "cli/context.h"
#include "cli/guard.h"
#include "fs/fault.h"
#include "host/worker.h"

static const struct {
    enum sp_command command;
    int (*run)(struct sp_context *session, struct sp_error *err);
} commands[] = {
    {SP_COMMAND_DETECT, sp_cmd_detect},       {SP_COMMAND_CHECK, sp_cmd_check},
    {SP_COMMAND_DIFF, sp_cmd_diff},           {SP_COMMAND_INSTALL, sp_cmd_install},
    {SP_COMMAND_UNINSTALL, sp_cmd_uninstall}, {SP_COMMAND_ROLLBACK, sp_cmd_rollback},
    {SP_COMMAND_HISTORY, sp_cmd_history},     {SP_COMMAND_RECOVER, sp_cmd_recover},
    {SP_COMMAND_GROUPS, sp_cmd_groups},
};

static int run(struct sp_pool *pool, const struct sp_options *options, struct sp_console *report,
               struct sp_error *err)
{
    struct sp_context session;
    int status = sp_context_open(pool, options, report, &session, err);
    for (size_t i = 0; status == 0 && i < sizeof(commands) / sizeof(commands[0]); i++)
        if (commands[i].command == options->command) {
            status = commands[i].run(&session, err);
            break;
        }
    sp_context_close(&session);
    return status;
}

/* What was inherited must not matter. A standard descriptor that is closed would be given to the
 * first file that is opened, and messages would be written into it. */
static void sanitize_process(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            _exit(SP_ERROR_SYSTEM);
    umask(077);
    unsetenv("POSIXLY_CORRECT"); /* options may stand after the command: getopt(3) */
}

/* Whether the files that the command was to change are changed by now. */
static bool has_changed(const struct sp_options *options, int status)
{
    switch (options->command) {
    case SP_COMMAND_INSTALL:
    case SP_COMMAND_UNINSTALL:
    case SP_COMMAND_ROLLBACK:
    case SP_COMMAND_RECOVER:
    case SP_COMMAND_GROUPS:
        return status == 0 && !options->dry_run;
    default:
        return false;
    }
}

/* Output that could not be written is an error, once everything else is done. */
static int finish_output(const struct sp_options *options, int status, struct sp_error *err)
{
    errno = 0; /* that of an earlier write is gone by now */
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (status < 0)
        return -1;
    return sp_error_set(
        err, SP_ERROR_SYSTEM, "can't write to standard output%s%s%s", errno ? ": " : "",
        errno ? strerror(errno) : "",
        has_changed(options, status) ? "; everything else is done, the changes are in place" : "");
}

int main(int argc, char **argv)
{
    struct sp_pool *pool = sp_pool_new();
    struct sp_error err = SP_ERROR_INIT;
    struct sp_options options;
    struct sp_console report;
    int status = 0;
    sanitize_process();
    sp_fault_init();
    sp_console_init(&report, 0, false);
    if (sp_cli_parse(pool, argc, argv, &options, &err) < 0) {
        status = -1;
        if (argc < 2)
            sp_cli_usage(stderr);
    } else if (options.command == SP_COMMAND_HELP) {
        sp_cli_help(stdout);
    } else if (options.command == SP_COMMAND_VERSION) {
        printf("sp-openstack %s\n", sp_build_version);
    } else {
        sp_console_init(&report, options.verbose, options.json);
        int guarded = sp_guard_trees(pool, &options, &report, &status, &err);
        if (guarded <= 0)
            status = guarded < 0 ? -1 : run(pool, &options, &report, &err);
    }
    status = finish_output(&options, status, &err);
    if (status < 0) {
        sp_worker_fail();
        if (!(err.kind == SP_ERROR_USAGE && argc < 2))
            sp_console_error(&report, &err);
        status = (int)err.kind;
    }
    sp_error_clear(&err);
    sp_pool_free(pool);
    return status;
}
