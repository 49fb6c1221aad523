/* SPDX-License-Identifier: Apache-2.0 */
/* When the files of a component were changed that a service loads: in the time since the machine was
 * started, which goes on evenly while the clock is set. */
#ifndef SP_SERVICE_CHANGES_H
#define SP_SERVICE_CHANGES_H

#include <time.h>

#include "cli/context.h"

/* Within these two, which are the same unless the clock was set since. */
struct sp_moment {
    struct timespec least, most;
};

/* The latest changes to files: the one with the latest least, and the one with the latest most. */
struct sp_change {
    struct sp_moment sure, possible;
    const char *path, *possible_path; /* of them, as shown; NULL: there was none */
};

/* Takes it in, if it is later. */
void sp_change_note(struct sp_change *latest, struct sp_moment at, const char *path);
void sp_change_merge(struct sp_change *latest, const struct sp_change *one);

/* Takes in all changes to the files of the target that are ours, or were. A file's status changes when it is
 * renamed into place, whatever its other times are set to. That time is by the clock as it was set then: for
 * a transaction of ours the journal has it; for another change it is as it is now, or as it was at one of
 * the transactions since the machine was started. */
void sp_change_note_target(struct sp_context *context, const struct sp_target *one,
                           struct sp_change *latest);

enum sp_change_order {
    SP_CHANGE_BEFORE, /* or there was none */
    SP_CHANGE_AFTER,
    SP_CHANGE_UNKNOWN
};

/* Whether the latest change was after a moment; *path is of the file, if it was or may have been. */
enum sp_change_order sp_change_order(const struct sp_change *latest, struct timespec moment,
                                     const char **path);

#endif
