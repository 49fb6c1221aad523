/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of a transaction: what it set out to do, with the old and the new hash of every file,
 * and how far it is. transactions/ID/journal.yaml, replaced as a whole and durably at each state;
 * its last line is a checksum over what is above it. */
#ifndef SP_JOURNAL_H
#define SP_JOURNAL_H

#include <stdint.h>
#include <time.h>

#include "base/error.h"
#include "base/pool.h"
#include "format/diff.h"
#include "fs/dir.h"
#include "model/action.h"

#define SP_JOURNAL_NAME "journal.yaml"

enum sp_journal_state {
    SP_JOURNAL_PREPARED,  /* originals are archived; files may stand beside their targets */
    SP_JOURNAL_APPLYING,  /* targets may have been replaced */
    SP_JOURNAL_COMMITTED, /* all of them are */
    SP_JOURNAL_ABORTED    /* none is */
};

struct sp_journal_component {
    const char *name, *version, *release, *path; /* version may be "" */
};

struct sp_journal_file {
    const char *component;
    const char *path; /* the real path, relative to the root */
    enum sp_action action;
    const char *temp;                /* the name of the new content beside the target */
    struct sp_blob_id before, after; /* "" where there is no file */
};

struct sp_journal_dir {
    const char *path;
    struct timespec before, after; /* modification times; after counts once committed */
    uint64_t inode;                /* of the directory; 0: not known */
};

struct sp_journal {
    unsigned id;
    enum sp_journal_state state;
    const char *command;
    const char *time;        /* ISO 8601, UTC */
    const char *tool;        /* the version of sp-openstack */
    const char *machine;     /* machine-id(5) of the system that it is about; "": it has none */
    SP_VEC(unsigned) undoes; /* of a rollback: the transactions that it took back */
    SP_VEC(struct sp_journal_component) components;
    SP_VEC(struct sp_journal_file) files; /* in the order of the renames */
    SP_VEC(struct sp_journal_dir) dirs;
};

const char *sp_journal_state_name(enum sp_journal_state state);

/* Writes it into the directory of the transaction, durably. */
int sp_journal_save(struct sp_pool *pool, const struct sp_dir *dir,
                    const struct sp_journal *journal, struct sp_error *err) SP_MUST_CHECK;

/* Reads it. *found is false when there is none. A journal that is cut short, altered, or says what
 * can't be is SP_ERROR_NEEDS_RECOVERY. */
int sp_journal_load(struct sp_pool *pool, const struct sp_dir *dir, unsigned id,
                    struct sp_journal *out, bool *found, struct sp_error *err) SP_MUST_CHECK;

/* The text <-> the journal, without the checksum line. */
int sp_journal_format(struct sp_pool *pool, const struct sp_journal *journal, struct sp_buffer *out,
                      struct sp_error *err) SP_MUST_CHECK;
int sp_journal_parse(struct sp_pool *pool, const char *name, struct sp_bytes text,
                     struct sp_journal *out, struct sp_error *err) SP_MUST_CHECK;

#endif
