/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/revert.h"

#include <string.h>

#include "base/path.h"
#include "fs/resolve.h"
#include "txn/revert_file.h"

/* A component in a directory, with all of its files: they go together or not at all. */
struct package {
    const char *name;
    const char *recorded, *path; /* as in the first journal that has it; the real path of today */
    const struct sp_component *spec; /* of the latest transaction; may be NULL */
    const struct sp_detection *today;
    const char *left_because; /* NULL: it is reverted */
    bool counts;              /* there is something to revert in it */
    bool by_text;             /* and some of it is told by its text alone */
};

struct file {
    struct package *package;
    struct sp_file_revert way;
};

struct plan {
    struct sp_pool *pool;
    const struct sp_revert_request *request;
    struct sp_revert *out;
    struct sp_error *err;
    SP_VEC(struct package *) packages;
    SP_VEC(struct file *) files; /* in the order of the earliest changes */
};

/* ---- collecting ------------------------------------------------------------------------------ */

/* The description of the file in the layout that the journal names. */
static const struct sp_manifest_file *find_spec(const struct sp_component *spec,
                                                const struct sp_journal_component *recorded,
                                                const char *name)
{
    for (size_t i = 0; i < spec->layouts.count; i++) {
        const struct sp_layout *layout = &spec->layouts.items[i];
        if (strcmp(layout->name ? layout->name : "", recorded->layout) != 0)
            continue;
        for (size_t j = 0; j < layout->files.count; j++)
            if (strcmp(layout->files.items[j].path, name) == 0)
                return &layout->files.items[j];
    }
    return NULL;
}

/* Where the recorded path leads today: a directory on the way may have become a link. The path
 * itself if it leads nowhere. */
static int find_real(const struct plan *p, const char *path, const char **out)
{
    const char *real;
    if (sp_fs_resolve(p->request->root, p->pool, path, &real, NULL, p->err) < 0)
        return -1;
    *out = real ? real : path;
    return 0;
}

static const struct sp_detection *find_today(const struct plan *p, const struct package *package)
{
    const struct sp_detections *all = p->request->detections;
    for (size_t i = 0; all && i < all->items.count; i++)
        if (strcmp(all->items.items[i]->dir, package->recorded) == 0 ||
            strcmp(all->items.items[i]->dir, package->path) == 0)
            return all->items.items[i];
    return NULL;
}

static struct package *package_of(struct plan *p, const char *name, const char *recorded)
{
    const char *path;
    for (size_t i = 0; i < p->packages.count; i++)
        if (strcmp(p->packages.items[i]->recorded, recorded) == 0)
            return p->packages.items[i];
    if (find_real(p, recorded, &path) < 0)
        return NULL;
    for (size_t i = 0; i < p->packages.count; i++)
        if (strcmp(p->packages.items[i]->path, path) == 0)
            return p->packages.items[i];
    struct package *package = sp_pool_alloc(p->pool, sizeof(*package));
    *package = (struct package){.name = name, .recorded = recorded, .path = path};
    package->today = find_today(p, package);
    *SP_PUSH(p->pool, &p->packages) = package;
    return package;
}

static struct file *file_of(struct plan *p, const char *recorded, struct package *package)
{
    for (size_t i = 0; i < p->files.count; i++) {
        const struct sp_file_operation *first = &p->files.items[i]->way.operations.items[0];
        if (strcmp(first->file->path, recorded) == 0)
            return p->files.items[i];
    }
    const char *dir;
    if (find_real(p, sp_path_dirname(p->pool, recorded), &dir) < 0)
        return NULL;
    const char *path = sp_path_join(p->pool, dir, sp_path_basename(recorded));
    for (size_t i = 0; i < p->files.count; i++)
        if (strcmp(p->files.items[i]->way.path, path) == 0)
            return p->files.items[i];
    struct file *file = sp_pool_alloc(p->pool, sizeof(*file));
    file->package = package;
    file->way.root = p->request->root;
    file->way.history = p->request->history;
    file->way.path = path;
    file->way.shown = sp_root_show(p->request->root, p->pool, path);
    *SP_PUSH(p->pool, &p->files) = file;
    return file;
}

static const struct sp_journal_component *component_of(const struct sp_journal *journal,
                                                       const struct sp_journal_file *file)
{
    for (size_t i = 0; i < journal->components.count; i++)
        if (strcmp(journal->components.items[i].path, file->package) == 0)
            return &journal->components.items[i];
    return NULL;
}

static int collect_file(struct plan *p, const struct sp_journal *journal,
                        const struct sp_journal_file *recorded)
{
    const struct sp_journal_component *component = component_of(journal, recorded);
    struct sp_file_operation operation = {.journal = journal, .file = recorded};
    struct package *package =
        package_of(p, recorded->component,
                   component ? component->path : sp_path_dirname(p->pool, recorded->path));
    if (!package)
        return -1;
    if (component) {
        operation.release = component->release;
        package->spec =
            sp_manifests_find(p->request->manifests, component->release, component->name);
        if (package->spec) {
            if (sp_release_read_layouts(package->spec->release, p->err) < 0)
                return -1;
            operation.spec = find_spec(package->spec, component, recorded->name);
        }
    }
    struct file *file = file_of(p, recorded->path, package);
    if (!file)
        return -1;
    *SP_PUSH(p->pool, &file->way.operations) = operation;
    return 0;
}

static void add_component(const struct plan *p, const struct sp_journal_component *recorded)
{
    struct sp_transaction *txn = &p->out->txn;
    for (size_t i = 0; i < txn->components.count; i++)
        if (strcmp(txn->components.items[i].path, recorded->path) == 0) {
            txn->components.items[i] = *recorded; /* the latest says what it is */
            return;
        }
    *SP_PUSH(p->pool, &txn->components) = *recorded;
}

static int collect(struct plan *p)
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
            if (collect_file(p, journal, &journal->files.items[j]) < 0)
                return -1;
    }
    return 0;
}

/* ---- files that are left --------------------------------------------------------------------- */

static int revert_file(const struct plan *p, struct file *file)
{
    if (sp_file_revert(p->pool, &file->way, p->err) < 0)
        return -1;
    if (file->way.outcome != SP_FILE_REVERTED || sp_file_revert_changes(&file->way)) {
        file->package->counts = true;
        file->package->by_text |= file->way.by_text || file->way.outcome != SP_FILE_REVERTED;
    }
    return 0;
}

/* A release that includes the drivers has lines and modules of its own where ours were; one that is
 * not known may have. Contents that are recorded byte by byte are ours all the same. */
static void leave_included(const struct plan *p, struct package *package)
{
    const struct sp_detection *today = package->today;
    const struct sp_component *spec = today ? today->spec : NULL;
    const char *version = today && today->version ? today->version : "";
    if (spec && spec->release->support == SP_INCLUDED)
        package->left_because =
            sp_pool_printf(p->pool, "it belongs to %s%s%s (%s), which includes the drivers",
                           package->name, *version ? " " : "", version, spec->release->name);
    else if (package->by_text && (!spec || spec->release->support != SP_SUPPORTED))
        package->left_because = sp_pool_printf(
            p->pool, "it was changed since, and belongs to %s%s%s, of a release that is not %s",
            package->name, *version ? " " : "", version, spec ? "supported" : "known");
}

/* An entry serves the module that is there: with a foreign one, it is not ours to take away. */
static void leave_foreign(const struct plan *p)
{
    for (size_t i = 0; i < p->files.count; i++) {
        const struct file *file = p->files.items[i];
        if (file->way.outcome == SP_FILE_FOREIGN && !file->package->left_because)
            file->package->left_because =
                sp_pool_printf(p->pool, "'%s' is not ours (any more)", file->way.shown);
    }
}

/* Lines that were removed from one release do not go into another. */
static void leave_other_release(const struct plan *p)
{
    for (size_t i = 0; i < p->files.count; i++) {
        const struct file *file = p->files.items[i];
        struct package *package = file->package;
        const struct sp_component *today = package->today ? package->today->spec : NULL;
        if (!package->left_because && file->way.adds && package->spec &&
            (!today || today->release != package->spec->release))
            package->left_because = sp_pool_printf(
                p->pool, "%s is not of the release %s any more; install integrates it again",
                package->name, package->spec->release->name);
    }
}

/* Whether the one uses the other: they are in one directory, or were changed together. */
static bool are_together(const struct plan *p, const struct package *a, const struct package *b)
{
    const struct sp_history *all = p->request->history;
    if (strcmp(sp_path_dirname(p->pool, a->path), sp_path_dirname(p->pool, b->path)) == 0)
        return true;
    for (size_t i = 0; i < all->journals.count; i++) {
        const struct sp_journal *journal = &all->journals.items[i];
        unsigned found = 0;
        for (size_t j = 0; j < journal->components.count; j++)
            found |= (strcmp(journal->components.items[j].path, a->recorded) == 0 ? 1u : 0) |
                     (strcmp(journal->components.items[j].path, b->recorded) == 0 ? 2u : 0);
        if (found == 3)
            return true;
    }
    return false;
}

static bool leave_what_it_needs(const struct plan *p, const struct package *left)
{
    bool changed = false;
    if (!left->left_because || !left->counts || !left->spec)
        return false;
    for (size_t i = 0; i < p->packages.count; i++) {
        struct package *needed = p->packages.items[i];
        if (needed->left_because || !sp_strv_has(&left->spec->requires, needed->name) ||
            !are_together(p, left, needed))
            continue;
        needed->left_because = sp_pool_printf(p->pool, "%s, which is left, needs it", left->name);
        changed = true;
    }
    return changed;
}

static void leave_required(const struct plan *p)
{
    bool changed;
    do {
        changed = false;
        for (size_t i = 0; i < p->packages.count; i++)
            changed |= leave_what_it_needs(p, p->packages.items[i]);
    } while (changed);
}

/* ---- the transaction ------------------------------------------------------------------------- */

static void add_left(const struct plan *p, const struct file *file, const char *reason)
{
    *SP_PUSH(p->pool, &p->out->left) = (struct sp_revert_left){file->way.shown, reason};
}

static void add_change(const struct plan *p, const struct file *file)
{
    const struct sp_file_revert *way = &file->way;
    const struct sp_journal_file *latest = SP_LAST(&way->operations)->file;
    if (way->drops_edits)
        *SP_PUSH(p->pool, &p->out->dropped) = way->shown;
    else if (way->by_text)
        *SP_PUSH(p->pool, &p->out->edited) = way->shown;
    *SP_PUSH(p->pool, &p->out->txn.changes) =
        (struct sp_file_change){.component = file->package->name,
                                .package = latest->package,
                                .name = latest->name,
                                .path = way->path,
                                .action = sp_action_between(way->today.data, way->target.data),
                                .before = way->today,
                                .after = way->target,
                                .meta = way->meta};
}

static int add_file(const struct plan *p, const struct file *file)
{
    const struct sp_file_revert *way = &file->way;
    bool changes = sp_file_revert_changes(way);
    if (way->outcome == SP_FILE_REVERTED && !changes)
        return 0;
    if (file->package->left_because)
        add_left(p, file, file->package->left_because);
    else if (way->outcome == SP_FILE_GONE)
        add_left(p, file, way->reason);
    else if (way->outcome == SP_FILE_REVERTED)
        add_change(p, file);
    else
        return sp_error_set(p->err, SP_ERROR_REFUSED,
                            "cannot tell what in '%s' is ours: %s; nothing was rolled back",
                            way->shown, way->reason);
    return 0;
}

int sp_revert_plan(struct sp_pool *pool, const struct sp_revert_request *request,
                   struct sp_revert *out, struct sp_error *err)
{
    struct plan p = {.pool = pool, .request = request, .out = out, .err = err};
    if (collect(&p) < 0)
        return -1;
    for (size_t i = 0; i < p.files.count; i++)
        if (revert_file(&p, p.files.items[i]) < 0)
            return -1;
    for (size_t i = 0; i < p.packages.count; i++)
        leave_included(&p, p.packages.items[i]);
    leave_foreign(&p);
    leave_other_release(&p);
    leave_required(&p);
    for (size_t i = p.files.count; i-- > 0;) /* the other way round than they were made */
        if (add_file(&p, p.files.items[i]) < 0)
            return -1;
    return 0;
}
