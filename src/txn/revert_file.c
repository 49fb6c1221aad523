/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/revert_file.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "fs/read.h"
#include "fs/resolve.h"
#include "model/edit.h"

/* The content at one point of the way. Its id is known; it is read only when it is needed. */
struct content {
    struct sp_blob_id id;                   /* "" where there is no file */
    struct sp_bytes bytes;                  /* once it is loaded */
    struct sp_pool *pool;                   /* of bytes, freed with the content; may be NULL */
    const struct sp_file_operation *backup; /* the transaction that has it; NULL: bytes are all */
};

struct way {
    struct sp_pool *pool; /* of the results */
    struct sp_file_revert *file;
    struct sp_blob_id today;
    struct content at;
    struct sp_error *err;
};

bool sp_file_revert_changes(const struct sp_file_revert *file)
{
    return (file->today.data != NULL) != (file->target.data != NULL) ||
           !sp_bytes_equal(file->today, file->target);
}

/* ---- contents -------------------------------------------------------------------------------- */

static void release(struct content *content)
{
    if (content->pool)
        sp_pool_free(content->pool);
    content->pool = NULL;
}

/* Copies a content that is in a backup into the pool. */
static int load(const struct way *way, struct sp_pool *pool,
                const struct sp_file_operation *operation, struct sp_bytes *out,
                struct sp_meta *meta)
{
    struct sp_history_entry wanted = {operation->file->path, &operation->file->before, out, meta};
    return sp_history_backup(pool, way->file->history, operation->journal->id, &wanted, way->err);
}

/* The content of the way, in its own pool if it has to be read. */
static int load_current(struct way *way)
{
    struct sp_meta ignored = {.mode = 0};
    if (way->at.bytes.data || !way->at.backup)
        return 0;
    way->at.pool = sp_pool_new();
    return load(way, way->at.pool, way->at.backup, &way->at.bytes, &ignored);
}

/* The content before the operation, as the journal has it. */
static void become_before(struct way *way, const struct sp_file_operation *operation)
{
    release(&way->at);
    way->at = (struct content){.id = operation->file->before,
                               .backup = *operation->file->before.hex ? operation : NULL};
}

/* Takes the bytes, which are in `pool`, over with it. A content that is the same already keeps its
 * metadata. */
static int become_bytes(struct way *way, struct sp_pool *pool, struct sp_bytes bytes)
{
    struct sp_blob_id id;
    if (sp_bytes_equal(bytes, way->at.bytes)) {
        sp_pool_free(pool);
        return 0;
    }
    if (sp_blob_hash(bytes, &id, way->err) < 0)
        return -1;
    release(&way->at);
    way->at = (struct content){.id = id, .bytes = bytes, .pool = pool};
    return 0;
}

/* ---- one step back --------------------------------------------------------------------------- */

static int give_up(struct way *way, enum sp_file_outcome outcome, const char *reason)
{
    way->file->outcome = outcome;
    way->file->reason = sp_pool_strdup(way->pool, reason);
    return 0;
}

/* Whether the edits towards the goal make of `before`, the content that the transaction found, the one
 * that it wrote. */
static int would_write(struct sp_pool *pool, const struct sp_file_operation *operation,
                       struct sp_bytes before, enum sp_goal goal, bool *is_it, struct sp_error *err)
{
    struct sp_edited after;
    struct sp_blob_id id;
    *is_it = false;
    if (sp_edit_apply(pool, operation->spec, before, goal, &after, err) < 0 ||
        sp_blob_hash(after.text, &id, err) < 0)
        return -1;
    *is_it = sp_blob_equal(&id, &operation->file->after);
    return 0;
}

/* How to undo what the transaction did to `before`, when something else changed the file since: by
 * taking ours out if it put ours into a clean file, by putting it in if it took ours out and
 * nothing else. SP_ERROR_REFUSED if it did something else than the one or the other. */
static int choose_goal(struct sp_pool *pool, const struct sp_file_operation *operation,
                       struct sp_bytes before, enum sp_goal *goal, struct sp_error *err)
{
    struct sp_edited clean, full;
    bool put_in, took_out;
    if (sp_edit_apply(pool, operation->spec, before, SP_GOAL_UNINSTALL, &clean, err) < 0)
        return -1;
    bool was_clean = sp_bytes_equal(clean.text, before);
    if (would_write(pool, operation, before, SP_GOAL_UNINSTALL, &took_out, err) < 0)
        return -1;
    if (took_out && !was_clean) {
        *goal = SP_GOAL_INSTALL;
        if (sp_edit_apply(pool, operation->spec, before, SP_GOAL_INSTALL, &full, err) < 0)
            return -1;
        if (sp_bytes_equal(full.text, before))
            return 0;
        return sp_error_set(err, SP_ERROR_REFUSED, "the transaction took out more than ours");
    }
    *goal = SP_GOAL_UNINSTALL;
    if (would_write(pool, operation, before, SP_GOAL_INSTALL, &put_in, err) < 0)
        return -1;
    if (put_in && was_clean)
        return 0;
    return sp_error_set(err, SP_ERROR_REFUSED,
                        "it was edited since, and the manifest does not tell what transaction %u "
                        "did to it",
                        operation->journal->id);
}

/* The content without what the transaction did, into *out. */
static int undo_edits(struct way *way, struct sp_pool *pool,
                      const struct sp_file_operation *operation, struct sp_bytes *out,
                      struct sp_error *reason)
{
    struct sp_pool *scratch = sp_pool_new();
    struct sp_bytes before = {NULL, 0};
    struct sp_edited after;
    struct sp_meta ignored = {.mode = 0};
    enum sp_goal goal;
    int rc = load(way, scratch, operation, &before, &ignored);
    if (rc == 0 &&
        (choose_goal(scratch, operation, before, &goal, reason) < 0 ||
         sp_edit_apply(scratch, operation->spec, way->at.bytes, goal, &after, reason) < 0))
        rc = 1;
    if (rc == 0) {
        way->file->adds |= goal == SP_GOAL_INSTALL;
        *out = (struct sp_bytes){sp_pool_memdup(pool, after.text.data, after.text.len),
                                 after.text.len};
    }
    sp_pool_free(scratch);
    return rc;
}

/* Reverts what the transaction did to a file that it did not leave so. */
static int revert_edits(struct way *way, const struct sp_file_operation *operation)
{
    struct sp_error reason = SP_ERROR_INIT;
    struct sp_bytes after;
    if (load_current(way) < 0)
        return -1;
    struct sp_pool *pool = sp_pool_new();
    int rc = undo_edits(way, pool, operation, &after, &reason);
    way->file->by_text = true;
    if (rc == 0 && become_bytes(way, pool, after) == 0)
        return 0;
    sp_pool_free(pool);
    if (rc > 0)
        rc = give_up(way, SP_FILE_UNKNOWN, reason.message);
    else
        rc = -1;
    sp_error_clear(&reason);
    return rc;
}

/* A module with another content than the transaction left: ours if it says so itself. */
static int revert_module(struct way *way, const struct sp_file_operation *operation)
{
    int ours = 0;
    if (load_current(way) < 0)
        return -1;
    if (operation->spec->marker)
        ours = sp_regex_test(operation->spec->marker, way->at.bytes, way->err);
    if (ours < 0)
        return -1;
    if (!ours)
        return give_up(way, SP_FILE_FOREIGN, "it is no longer the file that was installed");
    way->file->by_text = true;
    way->file->drops_edits = true;
    become_before(way, operation);
    return 0;
}

static int revert_step(struct way *way, const struct sp_file_operation *operation)
{
    const struct sp_journal_file *file = operation->file;
    if (sp_blob_equal(&way->at.id, &file->after)) {
        become_before(way, operation);
        return 0;
    }
    /* it is as it was before, or gone with the package that it belonged to */
    if (sp_blob_equal(&way->at.id, &file->before) || !*way->at.id.hex)
        return 0;
    if (!operation->spec)
        return give_up(
            way, SP_FILE_UNKNOWN,
            sp_pool_printf(way->pool, "no manifest describes it for %s",
                           operation->release ? operation->release : "the release of that time"));
    bool edited = operation->spec->edits.count && *file->before.hex && *file->after.hex;
    return edited ? revert_edits(way, operation) : revert_module(way, operation);
}

/* ---- the whole way --------------------------------------------------------------------------- */

/* *gone: its directory does not exist. */
static int read_today(struct way *way, bool *gone)
{
    struct sp_file_revert *file = way->file;
    const char *real;
    struct sp_content content;
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    if (sp_fs_resolve(file->root, way->pool, sp_path_dirname(way->pool, file->path), &real, NULL,
                      way->err) < 0)
        return -1;
    *gone = !real;
    if (!real)
        return 0;
    if (sp_fs_open_dir(file->root, way->pool, real, &dir, way->err) < 0 ||
        sp_fs_read_at(&dir, way->pool, sp_path_basename(file->path), SP_MAX_SOURCE, &content,
                      way->err) < 0)
        return -1;
    if (!content.complete)
        return sp_error_set(way->err, SP_ERROR_REFUSED,
                            "cannot revert '%s': it is larger than %zu bytes", file->shown,
                            SP_MAX_SOURCE);
    file->today = content.bytes;
    if (file->today.data && sp_blob_hash(file->today, &way->today, way->err) < 0)
        return -1;
    way->at = (struct content){.id = way->today, .bytes = file->today};
    return 0;
}

/* Leaves the content at the end of the way in the results. */
static int take_target(struct way *way)
{
    struct sp_file_revert *file = way->file;
    const struct content *at = &way->at;
    if (sp_blob_equal(&at->id, &way->today)) {
        file->target = file->today;
        return 0;
    }
    if (at->backup) {
        struct sp_meta *meta = sp_pool_alloc(way->pool, sizeof(*meta));
        file->meta = meta;
        return load(way, way->pool, at->backup, &file->target, meta);
    }
    file->target = at->bytes;
    if (at->pool)
        file->target.data = sp_pool_memdup(way->pool, at->bytes.data, at->bytes.len);
    return 0;
}

int sp_file_revert(struct sp_pool *pool, struct sp_file_revert *file, struct sp_error *err)
{
    struct way way = {.pool = pool, .file = file, .err = err};
    bool gone = false;
    file->outcome = SP_FILE_REVERTED;
    int rc = read_today(&way, &gone);
    for (size_t i = file->operations.count;
         rc == 0 && file->outcome == SP_FILE_REVERTED && i-- > 0;)
        rc = revert_step(&way, &file->operations.items[i]);
    if (rc == 0 && file->outcome == SP_FILE_REVERTED)
        rc = take_target(&way);
    else
        file->target = file->today;
    release(&way.at);
    if (rc < 0)
        return -1;
    file->adds |= !file->today.data && file->target.data;
    if (gone && sp_file_revert_changes(file))
        return give_up(&way, SP_FILE_GONE, "its directory does not exist any more");
    return 0;
}
