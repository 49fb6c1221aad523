/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of a transaction: what it set out to do, with the old and the new hash of every file,
 * and how far it is.
 *
 * A JSON file in transactions/ID, replaced as a whole and durably at each state. Its last member is
 * a checksum over all that is before it. Its name is journal.json until the transaction is finished,
 * then committed.json or aborted.json: a finished transaction is known as such even when its journal
 * is damaged. */
#ifndef SP_JOURNAL_H
#define SP_JOURNAL_H

#include <stdint.h>
#include <time.h>

#include "base/boot.h"
#include "base/error.h"
#include "base/pool.h"
#include "format/diff.h"
#include "fs/dir.h"
#include "model/action.h"

/* The names that a journal may have. */
extern const char *const sp_journal_names[3];

enum sp_journal_state {
    SP_JOURNAL_PREPARED,  /* originals are archived; new files may be in the directories of their
                           * targets */
    SP_JOURNAL_APPLYING,  /* targets may have been replaced */
    SP_JOURNAL_COMMITTED, /* all of them are */
    SP_JOURNAL_ABORTED    /* none is */
};

struct sp_journal_component {
    const char *name, *version, *release; /* version is "" when it is unknown */
    const char *layout;                   /* of the manifest; "" when the component has just one */
    const char *path; /* its directory, as it is found; a link may be on the way */
};

struct sp_journal_file {
    const char *component;
    /* The path of the component that it is of, and its path there as the manifest has it, which
     * the real path need not end with: a link can lead elsewhere. "" when no manifest has it. */
    const char *package, *name;
    const char *path; /* the real path, relative to the root */
    enum sp_action action;
    const char *temp;                /* the name of the new content, in the target's directory */
    struct sp_blob_id before, after; /* "" where there is no file */
};

struct sp_journal_dir {
    const char *path;
    struct timespec before, after; /* modification times; after counts once committed */
    uint64_t inode;                /* of the directory; 0: not known */
};

/* The clock when the journal was written in its state. */
struct sp_journal_clock {
    struct sp_boot boot; /* its id is "": not known */
    struct timespec now;
};

/* The findings of sp_journal_load(). */
enum sp_record {
    SP_RECORD_READABLE,
    SP_RECORD_DAMAGED, /* id and state are known, by the file's name; all else is empty */
    SP_RECORD_ABSENT   /* only id is known */
};

struct sp_journal {
    unsigned id;
    enum sp_journal_state state;
    const char *command;
    const char *time;    /* ISO 8601, UTC */
    const char *tool;    /* the version of sp-openstack */
    const char *machine; /* machine-id(5) of the system that it is about; "": it has none */
    struct sp_journal_clock clock;
    enum sp_record record;
    SP_VEC(unsigned) reverts; /* of a rollback: the transactions that it reverted */
    SP_VEC(struct sp_journal_component) components;
    SP_VEC(struct sp_journal_file) files; /* in the order of the renames */
    SP_VEC(struct sp_journal_dir) dirs;
};

const char *sp_journal_state_name(enum sp_journal_state state);

/* Writes it into the transaction's directory, durably, after a look whether it can be read back:
 * SP_ERROR_REFUSED if not, with nothing written. */
int sp_journal_save(struct sp_pool *pool, const struct sp_dir *dir,
                    const struct sp_journal *journal, struct sp_error *err) SP_MUST_CHECK;

/* After a save of a finished state that failed: what there is of it is removed, durably, and the
 * unfinished journal counts again. */
int sp_journal_reopen(const struct sp_dir *dir, struct sp_error *err) SP_MUST_CHECK;

/* Reads the journal of transaction id out of its directory into *out; out->record says what
 * was found, also on failure. One that is cut short, altered, or says what cannot be is
 * SP_RECORD_DAMAGED and SP_ERROR_NEEDS_RECOVERY; none at all is no error. */
int sp_journal_load(struct sp_pool *pool, const struct sp_dir *dir, unsigned id,
                    struct sp_journal *out, struct sp_error *err) SP_MUST_CHECK;

/* Whether the transaction is over: committed or aborted. Nothing has to be recovered then. */
bool sp_journal_is_finished(const struct sp_journal *journal);

/* Appends the journal as JSON, without the checksum. False: it has bytes that are not UTF-8, which
 * JSON cannot hold. */
bool sp_journal_format(const struct sp_journal *journal, struct sp_buffer *out);

/* Parses what sp_journal_format() wrote, with or without the checksum. name is for messages. */
int sp_journal_parse(struct sp_pool *pool, const char *name, struct sp_bytes text,
                     struct sp_journal *out, struct sp_error *err) SP_MUST_CHECK;

/* The times of journals, ISO 8601 in UTC: "2017-08-30T12:00:00Z"; "" for one that cannot be told so.
 * And back: 0 for a text that is none. */
const char *sp_journal_format_time(struct sp_pool *pool, time_t moment);
time_t sp_journal_parse_time(const char *text);

#endif
