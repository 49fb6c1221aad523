/* SPDX-License-Identifier: Apache-2.0 */
/* Which transactions of a long history go: those that came to nothing, never what gives an
 * integrated file its content of before. */
#include "txn/prune.h"

#include "scratch.h"

/* A content by one letter; '.' is no file. */
static struct sp_blob_id blob(char letter)
{
    struct sp_blob_id id = {""};
    if (letter != '.')
        memset(id.hex, letter, 40);
    return id;
}

/* Adds a transaction. change: "aXY bY." - the file a from X to Y, b from Y to nothing. */
static struct sp_journal *add(struct fixture *f, struct sp_history *history, const char *command,
                              const char *change)
{
    struct sp_journal *journal = SP_PUSH(f->pool, &history->journals);
    *journal = (struct sp_journal){.id = (unsigned)history->journals.count,
                                   .state = SP_JOURNAL_COMMITTED,
                                   .record = SP_RECORD_READABLE,
                                   .command = command};
    for (const char *at = change; *at; at += at[3] ? 4 : 3)
        *SP_PUSH(f->pool, &journal->files) =
            (struct sp_journal_file){.component = "nova",
                                     .path = sp_pool_printf(f->pool, "%c", at[0]),
                                     .before = blob(at[1]),
                                     .after = blob(at[2])};
    return journal;
}

/* Enough later ones that all before them are old. */
static void age(struct fixture *f, struct sp_history *history)
{
    for (int i = 0; i < SP_PRUNE_KEEP; i++)
        add(f, history, "install", "zPQ");
}

static void assert_chosen(struct fixture *f, const struct sp_history *history, const char *expected)
{
    sp_ids chosen = {NULL, 0, 0};
    const char *text = "";
    sp_prune_choose(f->pool, history, &chosen);
    for (size_t i = 0; i < chosen.count; i++)
        text = sp_pool_printf(f->pool, "%s%s%u", text, i ? " " : "", chosen.items[i]);
    assert_string_equal(text, expected);
}

TEST(what_goes)
{
    static const struct {
        const char *changes[6]; /* the command's first letter, and the change */
        const char *expected;
    } vectors[] = {
        {{"i aXY", "u aYX"}, "1 2"},
        {{"i aXY", "r aYX"}, "1 2"},
        {{"i aXY bXY", "u aYX bYX"}, "1 2"},
        {{"i a.Y", "u aY."}, "1 2"},
        {{"i aXY", "i bXY", "r bYX", "r aYX"}, "1 2 3 4"},
        {{"i aXY", "i bXY", "r bYX aYX"}, "1 2 3"},
        {{"i aXY", "u aYX", "i aXY", "u aYX", "i aXY"}, "1 2 3 4"},
        {{"i aXY", "i aYZ", "u aZX"}, "1 2 3"},
        {{"i aXY", "i aYZ", "r aZY"}, "2 3"},
        /* what is integrated */
        {{"i aXY"}, ""},
        {{"i aXY", "i aYZ"}, ""},
        /* something else changed it: the content of before is nowhere else */
        {{"i aXY", "u aVW"}, ""},
        {{"i aXY bXY", "u aYX"}, ""},
        {{"i aXY", "u aYX bYX"}, ""},
        /* put in again: where it came from is in the last */
        {{"u aYX", "i aXY"}, ""},
        {{"u aYX", "r aXY"}, ""},
        {{"i aXY", "u aYX", "r aXY"}, "1 2"},
        {{"i aYZ", "u aZX", "i aXY"}, ""},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_history history = {.workdir = NULL};
        for (size_t j = 0; j < 6 && vectors[i].changes[j]; j++) {
            const char *text = vectors[i].changes[j];
            add(f, &history,
                *text == 'i'   ? "install"
                : *text == 'u' ? "uninstall"
                               : "rollback",
                text + 2);
        }
        assert_chosen(f, &history, ""); /* all are among the latest */
        age(f, &history);
        assert_chosen(f, &history, vectors[i].expected);
    }
}

TEST(aborted_and_damaged)
{
    struct sp_history history = {.workdir = NULL};
    add(f, &history, "install", "aXY")->state = SP_JOURNAL_ABORTED;
    add(f, &history, "install", "")->record = SP_RECORD_DAMAGED;
    add(f, &history, "install", "bXY")->state = SP_JOURNAL_APPLYING;
    add(f, &history, "install", "cXY");
    add(f, &history, "uninstall", "cYX")->state = SP_JOURNAL_ABORTED;
    age(f, &history);
    assert_chosen(f, &history, "1 5");
}

/* A rollback that left files: that it reverted the earlier one is known from it alone. */
TEST(rollback_of_others)
{
    struct sp_history history = {.workdir = NULL};
    add(f, &history, "install", "aXY");
    add(f, &history, "install", "bXY");
    struct sp_journal *rollback = add(f, &history, "rollback", "bYX");
    *SP_PUSH(f->pool, &rollback->reverts) = 1;
    *SP_PUSH(f->pool, &rollback->reverts) = 2;
    age(f, &history);
    assert_chosen(f, &history, "");
    history.journals.items[2].reverts.items[0] = 2;
    assert_chosen(f, &history, "2 3");
}

/* Adds the component to a transaction. */
static void about(struct fixture *f, struct sp_journal *journal)
{
    *SP_PUSH(f->pool, &journal->components) =
        (struct sp_journal_component){.name = "nova", .path = "site/nova"};
}

/* An upgrade came between: what would be left of them says that the component is integrated. */
TEST(removal_is_not_forgotten)
{
    struct sp_history history = {.workdir = NULL};
    about(f, add(f, &history, "install", "aXY"));
    about(f, add(f, &history, "reapply", "aVW"));
    about(f, add(f, &history, "uninstall", "aWV"));
    age(f, &history);
    assert_chosen(f, &history, "");
    history.journals.count = 3;
    about(f, add(f, &history, "install", "aVW"));
    about(f, add(f, &history, "uninstall", "aWV"));
    age(f, &history);
    assert_chosen(f, &history, "4 5");
}

/* ---- in a work directory --------------------------------------------------------------------- */

static void put(struct fixture *f, struct sp_workdir *workdir, unsigned id,
                enum sp_journal_state state)
{
    struct sp_journal journal = {.state = state, .command = "install", .time = "", .tool = ""};
    struct sp_dir dir = SP_DIR_NONE;
    assert_ok(f, sp_workdir_new_transaction(f->pool, workdir, &id, &dir, &f->err));
    assert_ok(f, sp_journal_save(f->pool, &dir, &journal, &f->err));
    sp_dir_close(&dir);
    scratch_puts(f, sp_pool_printf(f->pool, "work/transactions/%u/backup.tar", id), "x");
    scratch_puts(f, sp_pool_printf(f->pool, "work/transactions/%u/changes.patch", id), "x");
}

TEST_IN_DIR(directories)
{
    struct sp_root root;
    struct sp_workdir workdir;
    sp_ids ids = {NULL, 0, 0};
    assert_ok(f, sp_root_open(f->dir, &root, &f->err));
    assert_ok(f, sp_workdir_lock(f->pool, &root, "work", &workdir, &f->err));
    for (unsigned id = 1; id <= SP_PRUNE_KEEP; id++)
        put(f, &workdir, id, SP_JOURNAL_ABORTED);
    sp_prune(&workdir);
    assert_ok(f, sp_workdir_ids(f->pool, &workdir, &ids, NULL, &f->err));
    assert_int_equal(ids.count, SP_PRUNE_KEEP);
    for (unsigned id = SP_PRUNE_KEEP + 1; id <= SP_PRUNE_KEEP + 5; id++)
        put(f, &workdir, id, SP_JOURNAL_ABORTED);
    scratch_puts(f, "work/transactions/2/notes", "of the administrator");
    scratch_unlink(f, "work/transactions/3/backup.tar");
    scratch_unlink(f, "work/transactions/3/changes.patch");
    for (int round = 0; round < 2; round++) {
        sp_prune(&workdir);
        ids.count = 0;
        assert_ok(f, sp_workdir_ids(f->pool, &workdir, &ids, NULL, &f->err));
        assert_int_equal(ids.count, SP_PRUNE_KEEP + 1);
        assert_int_equal(ids.items[0], 2); /* with all that it had */
        assert_int_equal(ids.items[1], 6);
    }
    assert_true(scratch_exists(f, "work/transactions/2/backup.tar"));
    assert_true(scratch_exists(f, "work/transactions/2/aborted.json"));
    sp_workdir_close(&workdir);
    sp_root_close(&root);
}

/* Two systems with one work directory: the same paths, other files. */
TEST(another_system)
{
    struct sp_history history = {.machine = "a"};
    add(f, &history, "install", "aXY")->machine = "a";
    add(f, &history, "uninstall", "aYX")->machine = "b";
    add(f, &history, "install", "bXY")->machine = "b";
    add(f, &history, "uninstall", "bYX")->machine = "b";
    age(f, &history);
    assert_chosen(f, &history, "");
    history.machine = "b";
    assert_chosen(f, &history, "3 4");
}
