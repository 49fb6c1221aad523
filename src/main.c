/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the command line, sees to its needs, runs it, prints the error once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/invocation.h"
#include "cli/cli.h"
#include "cli/console.h"
#include "cli/guard.h"
#include "cli/output_json.h"
#include "cli/prepare.h"
#include "fs/fault.h"
#include "host/worker.h"

/* Not every chroot has a /dev: there a directory takes the place, which nothing can be written to. */
static int open_null(void)
{
    int fd = open("/dev/null", O_RDWR);
    return fd >= 0 ? fd : open("/", O_RDONLY | O_DIRECTORY);
}

/* Makes the process independent of inherited descriptors, umask and environment. A standard
 * descriptor that is closed would be given to the first file that is opened, and messages would be
 * written into it. */
static void sanitize_process(void)
{
    static const char message[] = "sp-openstack: cannot open the root directory in the place of a "
                                  "standard descriptor that is closed\n";
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open_null() != fd) {
            if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
                _exit(SP_ERROR_SYSTEM); /* there is nobody to tell */
            _exit(SP_ERROR_SYSTEM);
        }
    umask(077);
    unsetenv("POSIXLY_CORRECT"); /* options may come after the command: getopt(3) */
}

static void print_usage(void)
{
    fputs("Usage: sp-openstack [OPTION]... COMMAND [COMPONENT]...\n"
          "\n"
          "  sp-openstack check                      what is here, and is it integrated?\n"
          "  sp-openstack install cinder os_brick    on the controller\n"
          "  sp-openstack install nova               on each hypervisor\n"
          "  sp-openstack uninstall                  remove it again\n"
          "\n"
          "`sp-openstack help` lists all commands and options; see also sp-openstack(8).\n",
          stderr);
}

static int run(struct sp_pool *pool, struct sp_options *options, struct sp_console *console,
               struct sp_error *err)
{
    struct sp_context context;
    sp_console_init(console, options->verbose, options->json);
    sp_invocation_set(sp_cli_invocation(pool, options));
    if (options->txn_module)
        sp_console_warn(pool, console, "the option -T of the older tool has no effect any more");
    int status = 0, guarded = sp_guard_trees(pool, options, console, &status, err);
    if (guarded != 0)
        return guarded < 0 ? -1 : status;
    status = sp_prepare(pool, options, console, &context, err);
    if (status == 0)
        status = options->command->run(&context, err);
    sp_prepare_close(&context);
    return status;
}

/* Whether the command was to change something, and has. */
static bool has_changed(const struct sp_options *options, int status)
{
    return options->command->needs & (SP_NEEDS_LOCK | SP_NEEDS_SUPERUSER) && status == 0 &&
           !options->dry_run;
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
        err, SP_ERROR_SYSTEM, "cannot write to standard output%s%s%s", errno ? ": " : "",
        errno ? strerror(errno) : "",
        has_changed(options, status) ? "; everything else is done, the changes are in place" : "");
}

int main(int argc, char **argv)
{
    struct sp_pool *pool = sp_pool_new();
    struct sp_error err = SP_ERROR_INIT;
    struct sp_options options;
    struct sp_console console;
    sanitize_process();
    sp_fault_init();
    sp_console_init(&console, 0, false);
    int status = sp_cli_parse(pool, argc, argv, &options, &err);
    if (status == 0)
        status = finish_output(&options, run(pool, &options, &console, &err), &err);
    if (status < 0) {
        sp_worker_fail();
        status = (int)err.kind;
        if (argc < 2)
            print_usage();
        else
            sp_console_error(&console, &err);
        if (options.command)
            sp_output_error(&console, options.command->name, &err);
    }
    sp_error_clear(&err);
    sp_invocation_set(NULL);
    sp_pool_free(pool);
    return status;
}
