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
 * With --root no processes are looked at. known: the prerequisites of the selection, of a caller that shows
 * itself what they are and which processes are stale (SP_CHECK_SHOWN); NULL: both are looked for. */
int sp_examine(struct sp_context *context, const sp_selection *selection,
               const sp_prerequisites *known, struct sp_examination *out,
               struct sp_error *err) SP_MUST_CHECK;

/* For the end of check, and of install (`after`: the selection is as its plans make it): how many findings
 * doctor has besides those that these commands show; -1 when that cannot be told, as by a user who may not
 * read all files, or of --tree. */
long sp_examine_count(struct sp_context *context, const sp_selection *selection,
                      const sp_prerequisites *known, bool after);

/* One line, if there are some. */
void sp_examine_print_count(struct sp_context *context, long count);

/* The host's part of it. */
int sp_examine_host(struct sp_context *context, const sp_selection *selection,
                    const sp_prerequisites *known, struct sp_host_facts *out,
                    struct sp_error *err) SP_MUST_CHECK;

#endif
