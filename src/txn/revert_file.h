/* SPDX-License-Identifier: Apache-2.0 */
/* One file on its way back through the transactions that changed it; for revert.c. */
#ifndef SP_REVERT_FILE_H
#define SP_REVERT_FILE_H

#include "base/error.h"
#include "base/pool.h"
#include "fs/meta.h"
#include "fs/root.h"
#include "model/manifest.h"
#include "txn/history.h"

/* The change of the file by one transaction. */
struct sp_file_operation {
    const struct sp_journal *journal;
    const struct sp_journal_file *file;
    const char *release;                 /* for messages; NULL: the journal does not tell */
    const struct sp_manifest_file *spec; /* NULL: no manifest describes the file any more */
};

enum sp_file_outcome {
    SP_FILE_REVERTED, /* every step could be undone */
    SP_FILE_FOREIGN,  /* a module that is not ours */
    SP_FILE_UNKNOWN,  /* it cannot be told what in it is ours */
    SP_FILE_GONE      /* its directory, in which it would have to be created, does not exist */
};

struct sp_file_revert {
    const struct sp_root *root;
    const struct sp_history *history;
    const char *path; /* the real path of today, or the recorded one if its directory is gone */
    const char *shown;
    SP_VEC(struct sp_file_operation) operations; /* the earliest first */
    /* results */
    struct sp_bytes today, target; /* data NULL: there is no file */
    const struct sp_meta *meta;    /* of the target, if known */
    enum sp_file_outcome outcome;
    const char *reason; /* why not SP_FILE_REVERTED */
    bool adds;          /* lines or a module come back in */
    bool by_text;       /* told by its text, not by a recorded content: something else changed it */
    bool drops_edits;   /* and the edits of others go with our module */
};

/* Reads the file as it is and goes back through the operations, without changing anything. Memory
 * does not grow with their number. Errors: SP_ERROR_NEEDS_RECOVERY for a damaged backup;
 * SP_ERROR_REFUSED for a file that cannot be read in full; SP_ERROR_SYSTEM. */
int sp_file_revert(struct sp_pool *pool, struct sp_file_revert *file,
                   struct sp_error *err) SP_MUST_CHECK;

/* Whether the target differs from the file that is there. */
bool sp_file_revert_changes(const struct sp_file_revert *file);

#endif
