/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of commands, and the one of options. */
#include "cli/cli.h"
#include "cli/cmd.h"

#define OPT(name) (1U << SP_OPTION_##name)

/* Every command takes these: a script can give them all the time. */
#define COMMON                                                                                     \
    (OPT(ROOT) | OPT(WORK_DIR) | OPT(DATA_DIR) | OPT(JSON) | OPT(VERBOSE) | OPT(QUIET) |           \
     OPT(YES) | OPT(TXN_MODULE) | OPT(HELP) | OPT(VERSION))
#define LOOKING (COMMON | OPT(PATH) | OPT(PYTHON))

#define FOUND (SP_NEEDS_ROOT | SP_NEEDS_MANIFESTS | SP_NEEDS_SCAN)
#define ALONE (SP_NEEDS_LOCK | SP_NEEDS_RECOVERED)

const struct sp_command sp_commands[] = {
    {"detect", "print which components are here, of which version and release", sp_cmd_detect,
     SP_WORDS_COMPONENTS, LOOKING | OPT(TREE), FOUND | SP_NEEDS_WORK_DIR, 0},
    {"check", "print whether the integration is there, file by file with -v", sp_cmd_check,
     SP_WORDS_COMPONENTS, LOOKING | OPT(TREE) | OPT(NO_DEPS) | OPT(ALLOW_MIXED) | OPT(JUNIT),
     FOUND | SP_NEEDS_WORK_DIR, 0},
    {"matrix", "print for each of many trees whether it can be integrated", sp_cmd_matrix,
     SP_WORDS_TREES, COMMON | OPT(JOBS) | OPT(JUNIT), SP_NEEDS_ROOT | SP_NEEDS_MANIFESTS, 0},
    {"diff", "print the change that install would make, for patch -p1", sp_cmd_diff,
     SP_WORDS_COMPONENTS, LOOKING | OPT(TREE) | OPT(NO_DEPS) | OPT(ALLOW_MIXED),
     FOUND | SP_NEEDS_WORK_DIR, 0},
    {"install", "install the integration", sp_cmd_install, SP_WORDS_COMPONENTS,
     LOOKING | OPT(TREE) | OPT(DRY_RUN) | OPT(NO_DEPS) | OPT(ALLOW_MIXED) | OPT(GROUP) | OPT(USER) |
         OPT(NO_GROUPS),
     FOUND | ALONE, 0},
    {"uninstall", "remove it: every file as it was", sp_cmd_uninstall, SP_WORDS_COMPONENTS,
     LOOKING | OPT(DRY_RUN) | OPT(NO_DEPS), FOUND | ALONE, 0},
    {"rollback", "undo the latest transaction, or ID and all after it", sp_cmd_rollback,
     SP_WORDS_ID, COMMON | OPT(DRY_RUN), SP_NEEDS_ROOT | SP_NEEDS_MANIFESTS | ALONE, 0},
    {"history", "list the transactions", sp_cmd_history, SP_WORDS_NONE, COMMON,
     SP_NEEDS_ROOT | SP_NEEDS_HISTORY, 0},
    {"recover", "undo a transaction that was interrupted", sp_cmd_recover, SP_WORDS_NONE,
     COMMON | OPT(FORCE), SP_NEEDS_ROOT | SP_NEEDS_LOCK, 0},
    /* `re` was recover before there was this */
    {"reapply", "integrate again after package upgrades", sp_cmd_reapply, SP_WORDS_COMPONENTS,
     COMMON | OPT(DRY_RUN), FOUND | ALONE | SP_NEEDS_LATER | SP_NEEDS_WAIT, 3},
    {"groups", "set up the service group and the spool directory", sp_cmd_groups,
     SP_WORDS_COMPONENTS, LOOKING | OPT(DRY_RUN) | OPT(GROUP) | OPT(USER),
     SP_NEEDS_SUPERUSER | SP_NEEDS_ROOT | SP_NEEDS_ACCOUNTS, 0},
    {"services", "print which services run, and which need a restart", sp_cmd_services,
     SP_WORDS_COMPONENTS, LOOKING | OPT(DRY_RUN) | OPT(GROUP) | OPT(RESTART),
     FOUND | SP_NEEDS_WORK_DIR, 0},
    {"doctor", "print all that is to be repaired on this host, and how", sp_cmd_doctor,
     SP_WORDS_COMPONENTS, LOOKING | OPT(JUNIT), FOUND | SP_NEEDS_WORK_DIR, 0},
    {"help", "print this, or what there is to say of COMMAND", sp_cmd_help, SP_WORDS_COMMAND,
     COMMON, 0, 0},
    {"version", "print the version", sp_cmd_version, SP_WORDS_NONE, COMMON, 0, 0},
    {NULL, NULL, NULL, SP_WORDS_NONE, 0, 0, 0},
};

const struct sp_option sp_options_table[SP_OPTIONS] = {
    [SP_OPTION_PATH] = {'L', "path", "DIR[:DIR]...", "look here first for the Python packages"},
    [SP_OPTION_ROOT] = {'R', "root", "DIR", "work on the system that is mounted at DIR"},
    [SP_OPTION_TREE] = {'t', "tree", "TREE",
                        "read a directory, REPO@REV or an archive instead of the system"},
    [SP_OPTION_WORK_DIR] = {'W', "work-dir", "DIR",
                            "work directory (default: /var/lib/sp-openstack)"},
    [SP_OPTION_DATA_DIR] = {'D', "data-dir", "DIR", "where manifests/ and drivers/ are"},
    [SP_OPTION_PYTHON] = {'\0', "python", "PROGRAM", "ask this interpreter where its packages are"},
    [SP_OPTION_DRY_RUN] = {'n', "dry-run", NULL, "print what would be done, change nothing"},
    [SP_OPTION_NO_DEPS] = {'\0', "no-deps", NULL, "leave out what the named components need"},
    [SP_OPTION_ALLOW_MIXED] = {'\0', "allow-mixed", NULL,
                               "accept components of different releases"},
    [SP_OPTION_GROUP] = {'g', "group", "NAME", "the service group (default: spopenstack)"},
    [SP_OPTION_USER] = {'u', "user", "NAME",
                        "the account that joins it (default: one a component); repeatable"},
    [SP_OPTION_NO_GROUPS] = {'\0', "no-groups", NULL,
                             "leave the group and the spool directory alone"},
    [SP_OPTION_FORCE] = {'\0', "force", NULL,
                         "leave files as they are that something else changed"},
    [SP_OPTION_RESTART] = {'\0', "restart", NULL, "restart the services that need it"},
    [SP_OPTION_JOBS] = {'\0', "jobs", "COUNT",
                        "trees to work on at a time (default: the processors)"},
    [SP_OPTION_JUNIT] = {'\0', "junit", "FILE", "write a report for CI systems, JUnit's XML"},
    [SP_OPTION_JSON] = {'j', "json", NULL, "one JSON document on standard output"},
    [SP_OPTION_VERBOSE] = {'v', "verbose", NULL, "print more; repeatable"},
    [SP_OPTION_QUIET] = {'q', "quiet", NULL, "print only errors, warnings and answers"},
    [SP_OPTION_YES] = {'y', "yes", NULL,
                       "ignored, for scripts that give it; nothing is ever asked"},
    [SP_OPTION_TXN_MODULE] = {'T', "txn-module", "NAME",
                              "ignored with a warning, for callers of the older tool"},
    [SP_OPTION_HELP] = {'h', "help", NULL, "print this"},
    [SP_OPTION_VERSION] = {'V', "version", NULL, "print the version"},
};
