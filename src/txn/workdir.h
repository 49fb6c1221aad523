/* SPDX-License-Identifier: Apache-2.0 */
/* The work directory:
 *
 *     lock              one writer at a time
 *     work/ID/          the staged contents of a transaction, by their real paths
 *     transactions/ID/  its journal and its backup */
#ifndef SP_WORKDIR_H
#define SP_WORKDIR_H

#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/pool.h"
#include "fs/dir.h"
#include "fs/root.h"

#define SP_WORKDIR_DEFAULT "/var/lib/sp-openstack"

struct sp_workdir {
    const struct sp_root *root;
    const char *path;           /* relative to the root */
    struct sp_dir dir;          /* not open: there is none (yet) */
    struct sp_dir transactions; /* transactions/ */
    struct sp_dir staging;      /* work/ */
    int lock;                   /* -1: not locked */
};

/* Opens the work directory for reading, if there is one: one that this process may not open counts as
 * none, with *unreadable (may be NULL) set. path is relative to the root. SP_ERROR_REFUSED: it, or
 * transactions/ or work/ in it, is something else than a directory of its owner's. */
int sp_workdir_open(struct sp_pool *pool, const struct sp_root *root, const char *path,
                    struct sp_workdir *out, bool *unreadable, struct sp_error *err) SP_MUST_CHECK;

/* Creates it where it is missing (mode 0700, parents 0755), and locks it. Refuses one that belongs
 * to another user, that others may write to, or that is a symbolic link (SP_ERROR_REFUSED). */
int sp_workdir_lock(struct sp_pool *pool, const struct sp_root *root, const char *path,
                    struct sp_workdir *out, struct sp_error *err) SP_MUST_CHECK;

/* Whether sp_workdir_lock() could use that directory, or create it, and `needed` bytes are free for it,
 * as far as that can be told without changing anything: the errors are the same. */
int sp_workdir_check(struct sp_pool *pool, const struct sp_root *root, const char *path,
                     uint64_t needed, struct sp_error *err) SP_MUST_CHECK;

/* Whether so many bytes are free for it (SP_ERROR_SYSTEM). */
int sp_workdir_check_space(const struct sp_workdir *workdir, uint64_t needed,
                           struct sp_error *err) SP_MUST_CHECK;

/* The process that has it locked: 0 for none, -1 for one that the kernel does not name. A transaction
 * that is not finished while there is one is not interrupted, but under way. Only for a work directory
 * that is open for reading. */
pid_t sp_workdir_holder(const struct sp_workdir *workdir);

/* Where transactions/ or work/ is something else than a directory of its owner's: gives both names to
 * nothing, by renaming what has them, for people to look into; *messages gets a sentence for each. The
 * next lock creates new ones. Takes the lock meanwhile; nothing to do is success. */
int sp_workdir_repair(struct sp_pool *pool, const struct sp_root *root, const char *path,
                      sp_strv *messages, struct sp_error *err) SP_MUST_CHECK;

void sp_workdir_close(struct sp_workdir *workdir);

/* The numbers of the transactions, ascending: the directories that have a journal, or nothing but
 * files that are made before there is one. *foreign (may be NULL) gets those of which the name is taken
 * by something else than a directory of the work directory's owner. */
typedef SP_VEC(unsigned) sp_ids;
int sp_workdir_ids(struct sp_pool *pool, const struct sp_workdir *workdir, sp_ids *out,
                   sp_ids *foreign, struct sp_error *err) SP_MUST_CHECK;

/* Why transactions/ID is not a transaction's directory: "is a FIFO, not a directory"; NULL when it is one,
 * or when there is nothing. */
const char *sp_workdir_foreign(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id);

/* Opens the directory of a transaction. The caller closes it; its name is in pool. */
int sp_workdir_transaction(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                           struct sp_dir *out, struct sp_error *err) SP_MUST_CHECK;
/* Creates one, durably, with the number *id or the next one that is free. */
int sp_workdir_new_transaction(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned *id,
                               struct sp_dir *out, struct sp_error *err) SP_MUST_CHECK;

/* transactions/ID, work/ID: for messages. */
const char *sp_workdir_show(struct sp_pool *pool, const struct sp_workdir *workdir,
                            const char *part, unsigned id);

/* Writes content to work/ID/PATH, in which PATH is a real path; its directories are created. */
int sp_workdir_stage(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                     const char *path, struct sp_bytes content, struct sp_error *err) SP_MUST_CHECK;
/* Reads it back. */
int sp_workdir_staged(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                      const char *path, struct sp_bytes *out, struct sp_error *err) SP_MUST_CHECK;
/* The files in it, by their real paths; none when there is no work/ID. */
int sp_workdir_staged_files(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                            sp_strv *out, struct sp_error *err) SP_MUST_CHECK;
/* Removes work/ID; absent is success. */
int sp_workdir_unstage(const struct sp_workdir *workdir, unsigned id,
                       struct sp_error *err) SP_MUST_CHECK;
/* Makes the name work/ID durable: as long as it is there, a transaction may have left something. */
int sp_workdir_sync_staging(const struct sp_workdir *workdir, struct sp_error *err) SP_MUST_CHECK;
/* The numbers of the directories work/ID; what else is there is somebody else's. */
int sp_workdir_staged_ids(struct sp_pool *pool, const struct sp_workdir *workdir, sp_ids *out,
                          struct sp_error *err) SP_MUST_CHECK;
/* Gives transactions/ID a name that is no transaction's, for people to look into; *kept is how it is
 * shown now. */
int sp_workdir_set_aside(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                         const char **kept, struct sp_error *err) SP_MUST_CHECK;
/* Removes transactions/ID, of which no journal says that it did anything. */
int sp_workdir_drop(const struct sp_workdir *workdir, unsigned id,
                    struct sp_error *err) SP_MUST_CHECK;

#endif
