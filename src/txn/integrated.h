/* SPDX-License-Identifier: Apache-2.0 */
/* The components that the history of a work directory knows as integrated: the last transaction about
 * them installed them. A package upgrade changes nothing of that; uninstall and rollback do. */
#ifndef SP_INTEGRATED_H
#define SP_INTEGRATED_H

#include "base/pool.h"
#include "txn/history.h"
#include "txn/journal.h"

/* A component in one directory. */
struct sp_integrated {
    const struct sp_journal *journal; /* the transaction that integrated it last */
    const struct sp_journal_component *component;
    bool proven; /* false: a later transaction, which cannot be read, may have removed it */
};
typedef SP_VEC(struct sp_integrated) sp_integrations;

/* Whether transactions of this kind integrate: install and reapply. */
bool sp_integrated_is_install(const struct sp_journal *journal);

/* The transaction, of these in their order, that integrated the component in its directory, unless a
 * later one removed it: an uninstall, or the rollback of the last install. The rollback of an
 * uninstall has it integrated again. NULL: it is not integrated. */
const struct sp_journal *sp_integrated_by(const struct sp_journal *const *journals, size_t count,
                                          const struct sp_journal_component *component);

/* Adds each component that is integrated on this system, in the order in which they first were. */
void sp_integrated_find(struct sp_pool *pool, const struct sp_history *history,
                        sp_integrations *out);

#endif
