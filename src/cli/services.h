/* SPDX-License-Identifier: Apache-2.0 */
/* The services of the integrated components: how they are started, their processes, and which of
 * these still run the code that they had before our latest change. */
#ifndef SP_SERVICES_H
#define SP_SERVICES_H

#include "cli/context.h"
#include "model/start.h"
#include "model/storpool_facts.h"
#include "txn/transaction.h"

struct sp_service_reason {
    enum sp_stale_reason kind;
    const char *text; /* in words */
};

struct sp_service_process {
    const struct sp_running *process;
    const struct sp_start *start; /* the one of the service's whose unit it is of; NULL: not told */
    struct timespec started;      /* by today's clock */
    SP_VEC(struct sp_service_reason) reasons; /* none: it does not need a restart */
};

struct sp_service {
    const char *program;
    sp_starts starts; /* those whose processes these can be; none: not known */
    SP_VEC(struct sp_service_process) processes;
    SP_VEC(const struct sp_running *) elsewhere; /* processes in a container or a chroot */
    bool unknown; /* this user may not look at a process of the program */
};
typedef SP_VEC(struct sp_service) sp_services;

/* Whether it is known to need a restart. */
bool sp_service_process_is_stale(const struct sp_service_process *process);

enum sp_service_state {
    SP_SERVICE_FRESH,
    SP_SERVICE_STALE, /* a process needs a restart */
    SP_SERVICE_IDLE,  /* no process */
    SP_SERVICE_ELSEWHERE,
    SP_SERVICE_UNKNOWN /* not to be looked at, or the clock was set */
};
enum sp_service_state sp_service_state(const struct sp_service *service);
const char *sp_service_state_name(enum sp_service_state state); /* "needs-restart", ... */

/* The name for systemctl(1), service(8) or docker; the program's own where nothing tells. */
const char *sp_service_name(const struct sp_service *service);

/* Adds the names of the units that its processes are of, each once; stale: of those that are to be
 * restarted alone. */
void sp_service_names(struct sp_pool *pool, const struct sp_service *service, bool stale,
                      sp_strv *out);

/* The services of the planned targets that are integrated, or that a transaction of ours changed. A process
 * is stale when a file of the copy that its environment imports was changed after it started, or when it
 * lacks the service group. Under --root there are no processes. */
int sp_services_find(struct sp_context *context, const sp_selection *selection, sp_services *out,
                     struct sp_error *err) SP_MUST_CHECK;

/* Adds the names of the services that the changes to the targets of now have left stale: of those that
 * run, and import a target which was planned to be changed. */
int sp_services_after(struct sp_context *context, const sp_selection *selection, sp_strv *names,
                      struct sp_error *err) SP_MUST_CHECK;

/* The component of a change, in the manifest of its release; NULL: it has none. */
const struct sp_component *sp_services_component(const struct sp_context *context,
                                                 const struct sp_transaction *txn,
                                                 const struct sp_file_change *change);

/* Adds the names of the services that run code which the transaction changed, or of which that cannot be
 * told; for a caller that knows no targets. With --root their programs, all of them. */
int sp_services_of_transaction(struct sp_context *context, const struct sp_transaction *txn,
                               sp_strv *names, struct sp_error *err) SP_MUST_CHECK;

/* Prints what to type to restart them; with --root, of which they are the programs, what to look for. */
void sp_services_print_restart(struct sp_context *context, const sp_strv *names);

#endif
