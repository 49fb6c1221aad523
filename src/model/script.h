/* SPDX-License-Identifier: Apache-2.0 */
/* The command by which a shell script - an init script, an upstart job - starts a program. The
 * script is read, never run. */
#ifndef SP_SCRIPT_H
#define SP_SCRIPT_H

#include "model/look.h"
#include "model/python_settings.h"
#include "model/storpool_variables.h"

/* A command that starts a program. argv is empty: there is none. */
struct sp_command {
    const char *interpreter; /* that is named before the program: "/venv/bin/python"; NULL */
    sp_strv argv;            /* the program first, then its arguments */
    struct sp_python_settings settings; /* by its options, and variables that are set before it */
    struct sp_storpool_variables variables; /* that are exported to it */
};

/* Looks in the text for the command that starts the program, variables put in; of start-stop-daemon(8) the
 * arguments are those after "--". Of several
 * commands the one that says most: exec or a plain call, then start-stop-daemon with arguments, then
 * any.
 *
 * Assignments count from top to bottom; inside of `if` one counts if the variable is empty or is
 * part of the value, and not where the `if` tests (-e, -f, -r) a file that is not there. Files that
 * are read by "." (/etc/default/NAME) are looked at, and added to *files. variables: what is known
 * beforehand; the others are added. */
int sp_script_find(const struct sp_look *look, const char *text, const char *program,
                   sp_strv *variables, sp_strv *files, struct sp_command *out) SP_MUST_CHECK;

/* The same for one command that is split already, such as an ExecStart. */
void sp_script_find_in_words(const struct sp_look *look, const sp_strv *words, const char *program,
                             struct sp_command *out);

#endif
