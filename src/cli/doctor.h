/* SPDX-License-Identifier: Apache-2.0 */
/* Examines the host: reads the facts about it, and runs the checks on them. */
#ifndef SP_CLI_DOCTOR_H
#define SP_CLI_DOCTOR_H

#include "cli/context.h"
#include "model/doctor.h"

struct sp_examination {
    struct sp_facts facts;
    sp_findings findings;
};

/* selection: planned, of the components that were asked for; their services are examined, and the host.
 * With --root no processes are looked at. all: also the facts that check and install show themselves
 * (SP_CHECK_SHOWN); else these are not looked for. */
int sp_examine(struct sp_context *context, const sp_selection *selection, bool all,
               struct sp_examination *out, struct sp_error *err) SP_MUST_CHECK;

/* For the end of check, and of install (`after`: the selection is as its plans make it): how many findings
 * doctor has besides those that these commands show; -1 when that cannot be told, as by a user who may not
 * read all files, or of --tree. */
long sp_examine_count(struct sp_context *context, const sp_selection *selection, bool after);

/* One line, if there are some. */
void sp_examine_print_count(struct sp_context *context, long count);

/* The host's part of it; all: also whether the processes of the selection's services are stale. */
int sp_examine_host(struct sp_context *context, const sp_selection *selection, bool all,
                    struct sp_host_facts *out, struct sp_error *err) SP_MUST_CHECK;

#endif
