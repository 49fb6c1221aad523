/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/revert.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "fs/meta.h"
#include "fs/read.h"
#include "fs/resolve.h"
#include "model/edit.h"

/* The change of one file by one transaction. */
struct file_operation {
    const struct sp_journal *journal;
    const struct sp_journal_component *component; /* NULL: the journal does not list it */
    const struct sp_journal_file *file;
    const struct sp_manifest_file *spec; /* NULL: no manifest describes the file any more */
};

/* A content on its way back. Its id is known; it is read only when it is needed. */
struct content {
    struct sp_blob_id id;                /* "" where there is no file */
    struct sp_bytes bytes;               /* when backup is NULL */
    const struct file_operation *backup; /* of this transaction: it has the content */
    struct sp_meta *meta;                /* what the file had with this content, if known */
    bool edited;                         /* by something else, at some time */
};

enum outcome {
    OUTCOME_REVERTED, /* so far: every step could be undone */
    OUTCOME_FOREIGN,  /* a module that is not ours */
    OUTCOME_UNKNOWN,  /* it cannot be told what in it is ours */
    OUTCOME_GONE      /* its directory does not exist any more */
};

/* One file, and its changes by the transactions, the earliest first. */
struct file_history {
    const char *path, *shown;
    struct package *package;
    SP_VEC(struct file_operation) operations;
    struct sp_bytes today; /* data NULL: there is no file */
    struct sp_blob_id today_id;
    struct content target;
    bool adds; /* lines or a module come back in */
    enum outcome outcome;
    const char *reason; /* why not OUTCOME_REVERTED */
};

/* A component in a directory, with all of its files: they go together or not at all. */
struct package {
    const char *name, *path;
    const struct sp_component *spec; /* of the latest transaction; may be NULL */
    const struct sp_detection *today;
    const char *left_because; /* NULL: it is reverted */
    bool counts;              /* there is something to revert in it */
};

struct plan {
    struct sp_pool *pool;
    const struct sp_revert_request *request;
    struct sp_revert *out;
    struct sp_error *err;
    SP_VEC(struct package *) packages;
    SP_VEC(struct file_history *) histories;
};

bool sp_revert_applies(const struct sp_history *history, const struct sp_journal *journal)
{
    return journal->state == SP_JOURNAL_COMMITTED && strcmp(journal->command, "rollback") != 0 &&
           !sp_history_is_reverted(history, journal->id);
}

void sp_revert_sites(struct sp_pool *pool, const struct sp_history *history, unsigned from,
                     sp_strv *out)
{
    for (size_t i = 0; i < history->journals.count; i++) {
        const struct sp_journal *journal = &history->journals.items[i];
        for (size_t j = 0; journal->id >= from && j < journal->components.count; j++) {
            const char *path = journal->components.items[j].path;
            const char *site = sp_path_dirname(pool, path);
            if (!sp_strv_has(out, site))
                *SP_PUSH(pool, out) = site;
        }
    }
}

/* ---- what the manifests say ------------------------------------------------------------------ */

static const struct sp_component *find_component(const struct plan *p,
                                                 const struct sp_journal_component *recorded)
{
    const struct sp_manifests *manifests = p->request->manifests;
    for (size_t i = 0; i < manifests->releases.count; i++)
        if (strcmp(manifests->releases.items[i]->name, recorded->release) == 0)
            return sp_release_find(manifests->releases.items[i], recorded->name);
    return NULL;
}

/* The description of the file in the layout that the journal names. */
static const struct sp_manifest_file *find_file(const struct plan *p,
                                                const struct sp_component *spec,
                                                const struct sp_journal_component *recorded,
                                                const char *path)
{
    for (size_t i = 0; i < spec->layouts.count; i++) {
        const struct sp_layout *layout = &spec->layouts.items[i];
        if (strcmp(layout->name ? layout->name : "", recorded->layout) != 0)
            continue;
        for (size_t j = 0; j < layout->files.count; j++)
            if (strcmp(sp_path_join(p->pool, recorded->path, layout->files.items[j].path), path) ==
                0)
                return &layout->files.items[j];
    }
    return NULL;
}

/* ---- contents -------------------------------------------------------------------------------- */

static int load(const struct plan *p, struct content *content)
{
    if (!content->backup || content->bytes.data)
        return 0;
    const struct file_operation *from = content->backup;
    content->meta = sp_pool_alloc(p->pool, sizeof(*content->meta));
    struct sp_history_entry wanted = {from->file->path, &content->id, &content->bytes,
                                      content->meta};
    return sp_history_backup(p->pool, p->request->history, from->journal->id, &wanted, p->err);
}

static void become_before(struct content *content, const struct file_operation *operation)
{
    *content = (struct content){.id = operation->file->before,
                                .backup = *operation->file->before.hex ? operation : NULL,
                                .edited = content->edited};
}

static int set_bytes(const struct plan *p, struct content *content, struct sp_bytes bytes)
{
    content->edited = true;
    if (sp_bytes_equal(content->bytes, bytes))
        return 0;
    content->bytes = bytes;
    content->backup = NULL;
    content->meta = NULL;
    return sp_blob_hash(bytes, &content->id, p->err);
}

/* ---- one step back --------------------------------------------------------------------------- */

/* Reverts what the transaction did to a file that it did not leave so: it takes out what the
 * transaction put in, or the other way round, by the edits of the manifest. */
static int revert_edits(const struct plan *p, const struct file_operation *operation,
                        struct file_history *history)
{
    struct content before = history->target;
    struct sp_bytes clean, after;
    struct sp_edit_count count;
    struct sp_error reason = SP_ERROR_INIT;
    become_before(&before, operation);
    if (load(p, &before) < 0 || load(p, &history->target) < 0)
        return -1;
    int rc = sp_edit_apply(p->pool, operation->spec, before.bytes, SP_GOAL_UNINSTALL, &clean,
                           &count, &reason);
    if (rc == 0) {
        bool was_clean = sp_bytes_equal(clean, before.bytes);
        history->adds |= !was_clean;
        rc =
            sp_edit_apply(p->pool, operation->spec, history->target.bytes,
                          was_clean ? SP_GOAL_UNINSTALL : SP_GOAL_INSTALL, &after, &count, &reason);
    }
    if (rc < 0) {
        history->outcome = OUTCOME_UNKNOWN;
        history->reason = sp_pool_strdup(p->pool, reason.message);
    } else {
        rc = set_bytes(p, &history->target, after);
    }
    sp_error_clear(&reason);
    return history->outcome == OUTCOME_UNKNOWN ? 0 : rc;
}

/* A module with another content than the transaction left: ours if it says so itself. */
static int revert_module(const struct plan *p, const struct file_operation *operation,
                         struct file_history *history)
{
    if (load(p, &history->target) < 0)
        return -1;
    int ours = operation->spec->marker
                   ? sp_regex_test(operation->spec->marker, history->target.bytes, p->err)
                   : 0;
    if (ours < 0)
        return -1;
    history->target.edited = true;
    if (ours) {
        become_before(&history->target, operation);
        return 0;
    }
    history->outcome = OUTCOME_FOREIGN;
    history->reason = "it is no longer the file that was installed";
    return 0;
}

static int revert_step(const struct plan *p, const struct file_operation *operation,
                       struct file_history *history)
{
    struct content *target = &history->target;
    if (sp_blob_equal(&target->id, &operation->file->after)) {
        become_before(target, operation);
        return 0;
    }
    /* it is as it was before, or gone with the package that it belonged to */
    if (sp_blob_equal(&target->id, &operation->file->before) || !*target->id.hex)
        return 0;
    if (operation->spec && operation->spec->edits.count && *operation->file->before.hex &&
        *operation->file->after.hex)
        return revert_edits(p, operation, history);
    if (operation->spec)
        return revert_module(p, operation, history);
    history->outcome = OUTCOME_UNKNOWN;
    history->reason = sp_pool_printf(p->pool, "no manifest describes it for %s",
                                     operation->component ? operation->component->release
                                                          : "the release of that time");
    return 0;
}

/* ---- one file -------------------------------------------------------------------------------- */

static int read_today(const struct plan *p, struct file_history *history)
{
    const struct sp_root *root = p->request->root;
    const char *real;
    struct sp_content content;
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    if (sp_fs_resolve(root, p->pool, sp_path_dirname(p->pool, history->path), &real, NULL, p->err) <
        0)
        return -1;
    if (!real) {
        history->outcome = OUTCOME_GONE;
        history->reason = "its directory does not exist any more";
        return 0;
    }
    if (sp_fs_open_dir(root, p->pool, real, &dir, p->err) < 0 ||
        sp_fs_read_at(&dir, p->pool, sp_path_basename(history->path), SP_MAX_SOURCE, &content,
                      p->err) < 0)
        return -1;
    if (!content.complete)
        return sp_error_set(p->err, SP_ERROR_REFUSED,
                            "cannot revert '%s': it is larger than %zu bytes", history->shown,
                            SP_MAX_SOURCE);
    history->today = content.bytes;
    if (history->today.data && sp_blob_hash(history->today, &history->today_id, p->err) < 0)
        return -1;
    history->target.bytes = history->today;
    history->target.id = history->today_id;
    return 0;
}

static bool changes(const struct file_history *history)
{
    return !sp_blob_equal(&history->today_id, &history->target.id);
}

/* Goes back through the transactions in thought. */
static int revert_file(const struct plan *p, struct file_history *history)
{
    if (read_today(p, history) < 0)
        return -1;
    bool gone = history->outcome == OUTCOME_GONE;
    history->outcome = OUTCOME_REVERTED;
    for (size_t i = history->operations.count; history->outcome == OUTCOME_REVERTED && i-- > 0;)
        if (revert_step(p, &history->operations.items[i], history) < 0)
            return -1;
    if (history->outcome == OUTCOME_REVERTED && load(p, &history->target) < 0)
        return -1;
    if (gone && history->outcome == OUTCOME_REVERTED && changes(history))
        history->outcome = OUTCOME_GONE;
    if (history->outcome != OUTCOME_REVERTED || changes(history))
        history->package->counts = true;
    history->adds |= !history->today.data && changes(history);
    return 0;
}

/* ---- packages -------------------------------------------------------------------------------- */

static const struct sp_detection *find_today(const struct plan *p, const char *path)
{
    const sp_detections *all = p->request->detections;
    for (size_t i = 0; all && i < all->count; i++)
        if (strcmp(all->items[i].dir, path) == 0)
            return &all->items[i];
    return NULL;
}

static struct package *package_of(struct plan *p, const char *name, const char *path)
{
    for (size_t i = 0; i < p->packages.count; i++)
        if (strcmp(p->packages.items[i]->path, path) == 0)
            return p->packages.items[i];
    struct package *package = sp_pool_alloc(p->pool, sizeof(*package));
    *package = (struct package){.name = name, .path = path, .today = find_today(p, path)};
    *SP_PUSH(p->pool, &p->packages) = package;
    return package;
}

/* A release that includes the drivers has lines and modules of its own where ours were. */
static void leave_included(const struct plan *p, struct package *package)
{
    const struct sp_detection *today = package->today;
    if (today && today->spec && today->spec->release->support == SP_INCLUDED)
        package->left_because =
            sp_pool_printf(p->pool, "it belongs to %s%s%s (%s), which includes the drivers",
                           package->name, today->version ? " " : "",
                           today->version ? today->version : "", today->spec->release->name);
}

/* An entry serves the module that is there: with a foreign one, it is not ours to take away. */
static void leave_foreign(const struct plan *p)
{
    for (size_t i = 0; i < p->histories.count; i++) {
        const struct file_history *history = p->histories.items[i];
        if (history->outcome == OUTCOME_FOREIGN && !history->package->left_because)
            history->package->left_because =
                sp_pool_printf(p->pool, "%s is not ours (any more)", history->shown);
    }
}

/* Lines that were removed from one release do not go into another. */
static void leave_other_release(const struct plan *p)
{
    for (size_t i = 0; i < p->histories.count; i++) {
        const struct file_history *history = p->histories.items[i];
        struct package *package = history->package;
        const struct sp_component *today = package->today ? package->today->spec : NULL;
        if (!package->left_because && history->adds && package->spec &&
            (!today || today->release != package->spec->release))
            package->left_because = sp_pool_printf(
                p->pool, "%s is not of the release %s any more; install integrates it again",
                package->name, package->spec->release->name);
    }
}

static bool same_site(const struct plan *p, const struct package *a, const struct package *b)
{
    return strcmp(sp_path_dirname(p->pool, a->path), sp_path_dirname(p->pool, b->path)) == 0;
}

/* The requirements of a component that is left are left, too. */
static void leave_required(const struct plan *p)
{
    for (size_t round = 0; round < p->packages.count; round++)
        for (size_t i = 0; i < p->packages.count; i++) {
            const struct package *left = p->packages.items[i];
            for (size_t j = 0;
                 left->left_because && left->counts && left->spec && j < p->packages.count; j++) {
                struct package *needed = p->packages.items[j];
                if (!needed->left_because && same_site(p, left, needed) &&
                    sp_strv_has(&left->spec->requires, needed->name))
                    needed->left_because =
                        sp_pool_printf(p->pool, "%s, which is left, needs it", left->name);
            }
        }
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void add_left(const struct plan *p, const struct file_history *history, const char *reason)
{
    *SP_PUSH(p->pool, &p->out->left) = (struct sp_revert_left){history->shown, reason};
}

static int add_file(const struct plan *p, const struct file_history *history)
{
    const struct package *package = history->package;
    if (package->left_because && (changes(history) || history->outcome != OUTCOME_REVERTED)) {
        add_left(p, history, package->left_because);
        return 0;
    }
    if (package->left_because)
        return 0;
    if (history->outcome == OUTCOME_UNKNOWN)
        return sp_error_set(p->err, SP_ERROR_REFUSED,
                            "cannot tell what in '%s' is ours: %s; nothing was rolled back",
                            history->shown, history->reason);
    if (history->outcome == OUTCOME_GONE) {
        add_left(p, history, history->reason);
        return 0;
    }
    if (!changes(history))
        return 0;
    if (history->target.edited)
        *SP_PUSH(p->pool, &p->out->edited) = history->shown;
    *SP_PUSH(p->pool, &p->out->txn.changes) = (struct sp_file_change){
        .component = package->name,
        .path = history->path,
        .action = sp_action_between(history->today.data, history->target.bytes.data),
        .before = history->today,
        .after = history->target.bytes,
        .meta = history->target.meta};
    return 0;
}

static struct file_history *history_of(struct plan *p, const struct sp_journal_file *file,
                                       struct package *package)
{
    for (size_t i = 0; i < p->histories.count; i++)
        if (strcmp(p->histories.items[i]->path, file->path) == 0)
            return p->histories.items[i];
    struct file_history *history = sp_pool_alloc(p->pool, sizeof(*history));
    history->path = file->path;
    history->shown = sp_root_show(p->request->root, p->pool, file->path);
    history->package = package;
    *SP_PUSH(p->pool, &p->histories) = history;
    return history;
}

/* The component of the journal that the file is in. */
static const struct sp_journal_component *component_of(const struct sp_journal *journal,
                                                       const struct sp_journal_file *file)
{
    for (size_t i = 0; i < journal->components.count; i++) {
        const struct sp_journal_component *component = &journal->components.items[i];
        size_t len = strlen(component->path);
        if (strcmp(component->name, file->component) == 0 &&
            strncmp(component->path, file->path, len) == 0 && file->path[len] == '/')
            return component;
    }
    return NULL;
}

static void add_component(const struct plan *p, const struct sp_journal_component *recorded)
{
    struct sp_transaction *txn = &p->out->txn;
    for (size_t i = 0; i < txn->components.count; i++)
        if (strcmp(txn->components.items[i].path, recorded->path) == 0)
            return;
    *SP_PUSH(p->pool, &txn->components) = *recorded;
}

static void collect_file(struct plan *p, const struct sp_journal *journal,
                         const struct sp_journal_file *file)
{
    struct file_operation operation = {.journal = journal, .file = file};
    operation.component = component_of(journal, file);
    const char *path =
        operation.component ? operation.component->path : sp_path_dirname(p->pool, file->path);
    struct package *package = package_of(p, file->component, path);
    if (operation.component) {
        package->spec = find_component(p, operation.component);
        operation.spec =
            package->spec ? find_file(p, package->spec, operation.component, file->path) : NULL;
    }
    struct file_history *history = history_of(p, file, package);
    *SP_PUSH(p->pool, &history->operations) = operation;
}

static void collect(struct plan *p)
{
    const struct sp_history *all = p->request->history;
    for (size_t i = 0; i < all->journals.count; i++) {
        const struct sp_journal *journal = &all->journals.items[i];
        if (journal->id < p->request->from || journal->state != SP_JOURNAL_COMMITTED)
            continue;
        if (sp_revert_applies(all, journal))
            *SP_PUSH(p->pool, &p->out->txn.reverts) = journal->id;
        for (size_t j = 0; j < journal->components.count; j++)
            add_component(p, &journal->components.items[j]);
        for (size_t j = 0; j < journal->files.count; j++)
            collect_file(p, journal, &journal->files.items[j]);
    }
}

int sp_revert_plan(struct sp_pool *pool, const struct sp_revert_request *request,
                   struct sp_revert *out, struct sp_error *err)
{
    struct plan p = {.pool = pool, .request = request, .out = out, .err = err};
    collect(&p);
    for (size_t i = 0; i < p.histories.count; i++)
        if (revert_file(&p, p.histories.items[i]) < 0)
            return -1;
    for (size_t i = 0; i < p.packages.count; i++)
        leave_included(&p, p.packages.items[i]);
    leave_foreign(&p);
    leave_other_release(&p);
    leave_required(&p);
    for (size_t i = p.histories.count; i-- > 0;) /* the other way round than they were made */
        if (add_file(&p, p.histories.items[i]) < 0)
            return -1;
    return 0;
}
