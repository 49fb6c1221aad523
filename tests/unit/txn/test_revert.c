/* SPDX-License-Identifier: Apache-2.0 */
/* What rollback plans for files that changed since.
 *
 * The scratch directory is the root. In it is the package lib/toy of the component "toy", with
 * list.py, into which an entry is edited, and mod.py, the module; lib/base is a component that toy
 * requires, with one module. install() puts all of it in by a real transaction. */
#include "txn/revert.h"

#include "base/cleanup.h"
#include "fs/root.h"
#include "manifests.h"
#include "scratch.h"

#define CLEAN  "a = [\n    1,\n]\n"
#define ENTRY  "    storpool,\n"
#define EDITED "a = [\n    1,\n" ENTRY "]\n"
#define OURS   "# ours\nNAME = 'storpool'\n"

struct host {
    struct fixture *f;
    struct sp_root root;
    struct sp_workdir workdir;
    struct sp_manifests manifests;
    struct sp_detections detections;
    struct sp_detection *first; /* of them */
    struct sp_history history;
    struct sp_revert plan;
};

static const char manifest[] = MANIFEST_HEAD "components:\n"
                                             "  base:\n"
                                             "    versions: '>=1'\n"
                                             "    files:\n"
                                             "      - path: mod.py\n"
                                             "        copy: base/mod.py\n"
                                             "        marker: '^# ours$'\n"
                                             "  toy:\n"
                                             "    versions: '>=1'\n"
                                             "    requires: [base]\n"
                                             "    files:\n"
                                             "      - path: mod.py\n"
                                             "        copy: toy/mod.py\n"
                                             "        marker: '^# ours$'\n"
                                             "      - path: list.py\n"
                                             "        edits:\n"
                                             "          - name: entry\n"
                                             "            within: ['^a = \\[$', '^\\]$']\n"
                                             "            before: '^\\]$'\n"
                                             "            text: \"    storpool,\\n\"\n";

/* The component in its directory, of that release. */
static void detect(struct host *h, const char *name, const struct sp_release *release)
{
    const struct sp_component *spec = release ? sp_release_find(release, name) : NULL;
    struct sp_detection *found = sp_pool_alloc(h->f->pool, sizeof(*found));
    *SP_PUSH(h->f->pool, &h->detections.items) = found;
    h->first = h->first ? h->first : found;
    *found = (struct sp_detection){.name = name,
                                   .dir = sp_pool_printf(h->f->pool, "lib/%s", name),
                                   .version = "1.0",
                                   .spec = spec};
}

static void open_host(struct fixture *f)
{
    static const char *const dirs[] = {"lib", "lib/toy", "lib/base"};
    struct host *h = f->own = sp_pool_alloc(f->pool, sizeof(*h));
    h->f = f;
    for (size_t i = 0; i < COUNT(dirs); i++)
        scratch_mkdir(f, dirs[i], 0755);
    scratch_puts(f, "lib/toy/list.py", CLEAN);
    assert_ok(f, sp_root_open(f->dir, &h->root, &f->err));
    assert_ok(f, sp_workdir_lock(f->pool, &h->root, "work", &h->workdir, &f->err));
    *SP_PUSH(f->pool, &h->manifests.releases) = manifest_of(f, manifest);
    detect(h, "toy", h->manifests.releases.items[0]);
    detect(h, "base", h->manifests.releases.items[0]);
}

static void close_host(struct fixture *f)
{
    struct host *h = f->own;
    sp_workdir_close(&h->workdir);
    sp_root_close(&h->root);
}

#define TEST_ON_HOST(name) TEST_IN_DIR_WITH(name, struct host *h, open_host, close_host)

static void change(struct host *h, struct sp_transaction *txn, const char *path, const char *after)
{
    bool toy = strncmp(path, "lib/toy", 7) == 0;
    struct sp_bytes before = {NULL, 0};
    if (scratch_exists(h->f, path))
        before = scratch_slurp(h->f, scratch_path(h->f, path));
    *SP_PUSH(h->f->pool, &txn->changes) =
        (struct sp_file_change){.component = toy ? "toy" : "base",
                                .package = toy ? "lib/toy" : "lib/base",
                                .name = strrchr(path, '/') + 1,
                                .path = path,
                                .action = sp_action_between(before.data, after),
                                .before = before,
                                .after = after ? SP_BYTES_STR(after) : (struct sp_bytes){NULL, 0}};
}

static void run(struct host *h, struct sp_transaction *txn)
{
    unsigned id;
    *SP_PUSH(h->f->pool, &txn->components) =
        (struct sp_journal_component){"base", "1.0", "newton", "", "lib/base"};
    *SP_PUSH(h->f->pool, &txn->components) =
        (struct sp_journal_component){"toy", "1.0", "newton", "", "lib/toy"};
    assert_ok(h->f, sp_transaction_run(h->f->pool, &h->workdir, txn, &id, &h->f->err));
}

static void install(struct host *h)
{
    struct sp_transaction txn = {.command = "install"};
    change(h, &txn, "lib/base/mod.py", OURS);
    change(h, &txn, "lib/toy/mod.py", OURS);
    change(h, &txn, "lib/toy/list.py", EDITED);
    run(h, &txn);
}

static void uninstall(struct host *h)
{
    struct sp_transaction txn = {.command = "uninstall"};
    change(h, &txn, "lib/toy/list.py", CLEAN);
    change(h, &txn, "lib/toy/mod.py", NULL);
    change(h, &txn, "lib/base/mod.py", NULL);
    run(h, &txn);
}

static int plan(struct host *h, unsigned from)
{
    struct sp_revert_request request = {&h->root, &h->manifests, &h->history, from, &h->detections};
    memset(&h->plan, 0, sizeof(h->plan));
    assert_ok(h->f, sp_history_load(h->f->pool, &h->workdir, &h->history, &h->f->err));
    return sp_revert_plan(h->f->pool, &request, &h->plan, &h->f->err);
}

/* The planned changes: "ACTION PATH" in their order; left: the paths that stay. */
static void assert_plan(struct host *h, const char *changes, const char *left)
{
    sp_strv words = {NULL, 0, 0}, paths = {NULL, 0, 0};
    for (size_t i = 0; i < h->plan.txn.changes.count; i++)
        *SP_PUSH(h->f->pool, &words) =
            sp_pool_printf(h->f->pool, "%s %s", sp_action_name(h->plan.txn.changes.items[i].action),
                           h->plan.txn.changes.items[i].path + strlen("lib/"));
    for (size_t i = 0; i < h->plan.left.count; i++)
        *SP_PUSH(h->f->pool, &paths) =
            strstr(h->plan.left.items[i].shown, "/lib/") + strlen("/lib/");
    assert_string_equal(sp_strv_join(h->f->pool, &words, ", "), changes);
    assert_string_equal(sp_strv_join(h->f->pool, &paths, ", "), left);
}

#define ALL_OUT "replace toy/list.py, remove toy/mod.py, remove base/mod.py"
#define ALL_IN  "add base/mod.py, add toy/mod.py, replace toy/list.py"
#define ALL     "toy/list.py, toy/mod.py, base/mod.py"

static void assert_target(struct host *h, size_t i, const char *expected)
{
    assert_true(sp_bytes_equal(h->plan.txn.changes.items[i].after, SP_BYTES_STR(expected)));
}

TEST_ON_HOST(as_it_was_left)
{
    install(h);
    assert_ok(f, plan(h, 1));
    assert_plan(h, ALL_OUT, "");
    assert_target(h, 0, CLEAN);
    assert_non_null(h->plan.txn.changes.items[0].meta);
    assert_int_equal(h->plan.txn.reverts.count, 1);
    assert_int_equal(h->plan.edited.count, 0);
    uninstall(h);
    assert_ok(f, plan(h, 2));
    assert_plan(h, ALL_IN, "");
    assert_target(h, 2, EDITED);
    assert_ok(f, plan(h, 1));
    assert_plan(h, "", "");
    assert_int_equal(h->plan.txn.reverts.count, 2);
}

TEST_ON_HOST(edited_since)
{
    install(h);
    scratch_puts(f, "lib/toy/list.py", "# theirs\n" EDITED);
    assert_ok(f, plan(h, 1));
    assert_plan(h, ALL_OUT, "");
    assert_target(h, 0, "# theirs\n" CLEAN);
    assert_null(h->plan.txn.changes.items[0].meta); /* that of today */
    assert_int_equal(h->plan.edited.count, 1);
    scratch_puts(f, "lib/toy/mod.py", OURS "# theirs\n");
    assert_ok(f, plan(h, 1));
    assert_plan(h, ALL_OUT, "");
    assert_int_equal(h->plan.dropped.count, 1);
}

TEST_ON_HOST(back_through_many)
{
    for (int i = 0; i < 5; i++) {
        install(h);
        uninstall(h);
    }
    install(h);
    scratch_puts(f, "lib/toy/list.py", "# theirs\n" EDITED);
    assert_ok(f, plan(h, 1));
    assert_plan(h, ALL_OUT, "");
    assert_target(h, 0, "# theirs\n" CLEAN);
    assert_ok(f, plan(h, 2));
    assert_plan(h, "", "");
}

/* What can't be told is refused as a whole. */
TEST_ON_HOST(undecided)
{
    static const char *const texts[] = {"a = [\n" ENTRY ENTRY "]\n", "a = [\n" ENTRY "]",
                                        "a = [\r\n" ENTRY "]\n", "a = [\n" ENTRY "]\n\xff\n"};
    install(h);
    for (size_t i = 0; i < COUNT(texts); i++) {
        scratch_puts(f, "lib/toy/list.py", texts[i]);
        assert_fails(f, plan(h, 1), SP_ERROR_REFUSED, "lib/toy/list.py");
    }
}

TEST_ON_HOST(foreign_module)
{
    install(h);
    scratch_puts(f, "lib/toy/mod.py", "# theirs\n");
    assert_ok(f, plan(h, 1));
    assert_plan(h, "", ALL); /* toy is left, and needs base */
    scratch_puts(f, "lib/toy/mod.py", OURS);
    scratch_puts(f, "lib/base/mod.py", "# theirs\n");
    assert_ok(f, plan(h, 1));
    assert_plan(h, "replace toy/list.py, remove toy/mod.py", "base/mod.py");
}

TEST_ON_HOST(release_of_today)
{
    struct sp_release other = {.name = "queens", .support = SP_INCLUDED};
    struct sp_component spec = {.name = "toy", .release = &other};
    install(h);
    h->first->spec = &spec;
    assert_ok(f, plan(h, 1));
    assert_plan(h, "", ALL);
    assert_non_null(strstr(h->plan.left.items[0].reason, "includes the drivers"));
    assert_non_null(strstr(h->plan.left.items[2].reason, "toy, which is left, needs it"));
    other.support = SP_UNSUPPORTED; /* recorded byte by byte, it is ours; else it is left */
    assert_ok(f, plan(h, 1));
    assert_plan(h, ALL_OUT, "");
    scratch_puts(f, "lib/toy/list.py", "# theirs\n" EDITED);
    assert_ok(f, plan(h, 1));
    assert_plan(h, "", ALL);
    h->first->spec = NULL;
    assert_ok(f, plan(h, 1));
    assert_plan(h, "", ALL);
}

TEST_ON_HOST(nothing_goes_into_another_release)
{
    struct sp_release other = {.name = "ocata", .support = SP_SUPPORTED};
    struct sp_component spec = {.name = "toy", .release = &other};
    install(h);
    uninstall(h);
    h->first->spec = &spec;
    assert_ok(f, plan(h, 2));
    assert_plan(h, "", "base/mod.py, toy/mod.py, toy/list.py");
}

TEST_ON_HOST(package_that_is_gone)
{
    install(h);
    assert_int_equal(remove_tree(scratch_path(f, "lib/toy")), 0);
    assert_ok(f, plan(h, 1));
    assert_plan(h, "remove base/mod.py", "");
    scratch_mkdir(f, "lib/toy", 0755);
    scratch_puts(f, "lib/toy/list.py", EDITED);
    scratch_puts(f, "lib/toy/mod.py", OURS);
    uninstall(h);
    assert_int_equal(remove_tree(scratch_path(f, "lib/toy")), 0);
    assert_ok(f, plan(h, 2));
    assert_plan(h, "add base/mod.py", "toy/mod.py");
}

/* The layout or the file is not in the manifest any more. */
TEST_ON_HOST(no_manifest)
{
    install(h);
    h->manifests.releases.count = 0;
    assert_ok(f, plan(h, 1)); /* as it was left: contents tell */
    assert_plan(h, ALL_OUT, "");
    scratch_puts(f, "lib/toy/list.py", "# theirs\n" EDITED);
    assert_fails(f, plan(h, 1), SP_ERROR_REFUSED, "no manifest describes it for newton");
}

TEST_ON_HOST(choosing)
{
    unsigned from = 7;
    assert_ok(f, sp_history_load(f->pool, &h->workdir, &h->history, &f->err));
    assert_ok(f, sp_revert_choose(&h->history, 0, &from, &f->err));
    assert_int_equal(from, 0);
    install(h);
    uninstall(h);
    assert_ok(f, sp_history_load(f->pool, &h->workdir, &h->history, &f->err));
    assert_ok(f, sp_revert_choose(&h->history, 0, &from, &f->err));
    assert_int_equal(from, 2);
    assert_ok(f, sp_revert_choose(&h->history, 1, &from, &f->err));
    assert_int_equal(from, 1);
    assert_fails(f, sp_revert_choose(&h->history, 3, &from, &f->err), SP_ERROR_REFUSED,
                 "no transaction 3");
    h->history.journals.items[1].state = SP_JOURNAL_ABORTED;
    assert_ok(f, sp_revert_choose(&h->history, 0, &from, &f->err));
    assert_int_equal(from, 1);
    assert_fails(f, sp_revert_choose(&h->history, 2, &from, &f->err), SP_ERROR_REFUSED, "aborted");
    h->history.journals.items[1].state = SP_JOURNAL_COMMITTED;
    h->history.journals.items[1].record = SP_RECORD_DAMAGED;
    for (unsigned id = 0; id <= 2; id += 2) /* not the one before it without being told */
        assert_fails(f, sp_revert_choose(&h->history, id, &from, &f->err), SP_ERROR_REFUSED,
                     "transaction 2: its journal is damaged");
}

/* The history has copies of all that the journals say: theirs are freed when they were read. */
TEST_ON_HOST(history_is_complete)
{
    SP_CLEANUP_BUFFER struct sp_buffer kept = SP_BUFFER_INIT;
    SP_CLEANUP_BUFFER struct sp_buffer saved = SP_BUFFER_INIT;
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    struct sp_journal journal;
    install(h);
    assert_ok(f, sp_history_load(f->pool, &h->workdir, &h->history, &f->err));
    assert_ok(f, sp_workdir_transaction(f->pool, &h->workdir, 1, &dir, &f->err));
    assert_ok(f, sp_journal_load(f->pool, &dir, 1, &journal, &f->err));
    assert_true(sp_journal_format(&h->history.journals.items[0], &kept));
    assert_true(sp_journal_format(&journal, &saved));
    assert_string_equal(sp_buffer_str(&kept), sp_buffer_str(&saved));
}
