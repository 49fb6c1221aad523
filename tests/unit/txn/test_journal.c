/* SPDX-License-Identifier: Apache-2.0 */
/* Journals of transactions: one is saved and loaded again, and texts that were altered are refused. */
#include "txn/journal.h"

#include "scratch.h"

#define ONE   "0123456789abcdef0123456789abcdef01234567"
#define OTHER "fedcba9876543210fedcba9876543210fedcba98"

static struct sp_blob_id blob(const char *hex)
{
    struct sp_blob_id id;
    snprintf(id.hex, sizeof(id.hex), "%s", hex);
    return id;
}

static struct sp_journal sample(struct fixture *f)
{
    struct sp_journal journal = {.id = 7,
                                 .state = SP_JOURNAL_APPLYING,
                                 .command = "install",
                                 .time = "2026-11-22T10:00:00Z",
                                 .tool = "0.1.0"};
    *SP_PUSH(f->pool, &journal.undoes) = 3;
    *SP_PUSH(f->pool, &journal.undoes) = 12;
    *SP_PUSH(f->pool, &journal.components) =
        (struct sp_journal_component){"nova", "14.1.0", "newton", "/usr/lib/nova"};
    *SP_PUSH(f->pool, &journal.components) = (struct sp_journal_component){
        "os_brick", "", "newton", "/srv/\"quoted\" \xc3\xa9: #1/os_brick"};
    *SP_PUSH(f->pool, &journal.files) = (struct sp_journal_file){
        "nova", "/usr/lib/nova/new.py", SP_ACTION_ADD, ".new.py", blob(""), blob(ONE)};
    *SP_PUSH(f->pool, &journal.files) = (struct sp_journal_file){
        "nova", "/usr/lib/nova/edit.py", SP_ACTION_REPLACE, ".edit.py", blob(ONE), blob(OTHER)};
    *SP_PUSH(f->pool, &journal.files) = (struct sp_journal_file){
        "nova", "/usr/lib/nova/gone.py", SP_ACTION_REMOVE, ".gone.py", blob(OTHER), blob("")};
    *SP_PUSH(f->pool, &journal.dirs) =
        (struct sp_journal_dir){"/usr/lib/nova", {1500000000, 123456789}, {1500000001, 0}};
    *SP_PUSH(f->pool, &journal.dirs) = (struct sp_journal_dir){"/", {-5, 1}, {0, 999999999}};
    return journal;
}

static void save(struct fixture *f, const struct sp_journal *journal)
{
    int fd = scratch_open(f);
    assert_ok(f, sp_journal_save(f->pool, fd, journal, "transactions/7", &f->err));
    close(fd);
}

static int load(struct fixture *f, struct sp_journal *out, bool *found)
{
    int fd = scratch_open(f);
    int rc = sp_journal_load(f->pool, fd, 7, out, found, "transactions/7", &f->err);
    close(fd);
    return rc;
}

static void assert_time(struct timespec actual, struct timespec expected)
{
    assert_int_equal(actual.tv_sec, expected.tv_sec);
    assert_int_equal(actual.tv_nsec, expected.tv_nsec);
}

static void assert_same(const struct sp_journal *a, const struct sp_journal *b)
{
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->state, b->state);
    assert_string_equal(a->command, b->command);
    assert_string_equal(a->time, b->time);
    assert_string_equal(a->tool, b->tool);
    assert_int_equal(a->undoes.count, b->undoes.count);
    for (size_t i = 0; i < a->undoes.count; i++)
        assert_int_equal(a->undoes.items[i], b->undoes.items[i]);
    assert_int_equal(a->components.count, b->components.count);
    for (size_t i = 0; i < a->components.count; i++) {
        assert_string_equal(a->components.items[i].name, b->components.items[i].name);
        assert_string_equal(a->components.items[i].version, b->components.items[i].version);
        assert_string_equal(a->components.items[i].release, b->components.items[i].release);
        assert_string_equal(a->components.items[i].path, b->components.items[i].path);
    }
    assert_int_equal(a->files.count, b->files.count);
    for (size_t i = 0; i < a->files.count; i++) {
        const struct sp_journal_file *x = &a->files.items[i], *y = &b->files.items[i];
        assert_string_equal(x->component, y->component);
        assert_string_equal(x->path, y->path);
        assert_int_equal(x->action, y->action);
        assert_string_equal(x->temp, y->temp);
        assert_string_equal(x->before.hex, y->before.hex);
        assert_string_equal(x->after.hex, y->after.hex);
    }
    assert_int_equal(a->dirs.count, b->dirs.count);
    for (size_t i = 0; i < a->dirs.count; i++) {
        assert_string_equal(a->dirs.items[i].path, b->dirs.items[i].path);
        assert_time(a->dirs.items[i].before, b->dirs.items[i].before);
        assert_time(a->dirs.items[i].after, b->dirs.items[i].after);
    }
}

TEST_IN_DIR(round_trip)
{
    struct sp_journal journal = sample(f), back;
    bool found;
    for (int i = SP_JOURNAL_PREPARED; i <= SP_JOURNAL_ABORTED; i++) {
        journal.state = (enum sp_journal_state)i;
        save(f, &journal);
        assert_ok(f, load(f, &back, &found));
        assert_true(found);
        assert_same(&journal, &back);
    }
    struct stat st;
    assert_int_equal(stat(scratch_path(f, "journal.yaml"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

TEST_IN_DIR(empty_lists)
{
    struct sp_journal journal = {.id = 7, .command = "rollback", .time = "", .tool = ""}, back;
    bool found;
    save(f, &journal);
    assert_ok(f, load(f, &back, &found));
    assert_same(&journal, &back);
}

TEST_IN_DIR(absent)
{
    struct sp_journal back;
    bool found = true;
    assert_ok(f, load(f, &back, &found));
    assert_false(found);
}

/* Every journal that is cut short or altered in one bit is damaged, never another journal. */
TEST_IN_DIR(every_cut_and_every_bit)
{
    struct sp_journal journal = sample(f), back;
    bool found;
    save(f, &journal);
    struct sp_bytes good = scratch_slurp(f, scratch_path(f, "journal.yaml"));
    char *copy = sp_pool_memdup(f->pool, good.data, good.len);
    for (size_t len = 0; len < good.len; len++) {
        scratch_write(f, "journal.yaml", copy, len);
        assert_fails(f, load(f, &back, &found), SP_ERROR_NEEDS_RECOVERY,
                     "transactions/7/journal.yaml is damaged");
        assert_false(found);
    }
    for (size_t at = 0; at < good.len; at++) {
        copy[at] = (char)(copy[at] ^ 1 << at % 8);
        scratch_write(f, "journal.yaml", copy, good.len);
        assert_fails(f, load(f, &back, &found), SP_ERROR_NEEDS_RECOVERY, "is damaged");
        copy[at] = good.data[at];
    }
    scratch_write(f, "journal.yaml", sp_pool_printf(f->pool, "%s\n", copy), good.len + 1);
    assert_fails(f, load(f, &back, &found), SP_ERROR_NEEDS_RECOVERY, "is damaged");
    scratch_write(f, "journal.yaml", copy, good.len);
    assert_ok(f, load(f, &back, &found));
}

TEST_IN_DIR(too_large)
{
    struct sp_journal back;
    bool found;
    char *text = sp_pool_alloc(f->pool, SP_MAX_JOURNAL + 1);
    memset(text, '#', SP_MAX_JOURNAL + 1);
    scratch_write(f, "journal.yaml", text, SP_MAX_JOURNAL + 1);
    assert_fails(f, load(f, &back, &found), SP_ERROR_NEEDS_RECOVERY, "is damaged");
}

TEST_IN_DIR(not_a_file)
{
    struct sp_journal back;
    bool found;
    assert_int_equal(mkfifo(scratch_path(f, "journal.yaml"), 0600), 0);
    assert_fails(f, load(f, &back, &found), SP_ERROR_NEEDS_RECOVERY, "transactions/7");
    scratch_unlink(f, "journal.yaml");
    scratch_puts(f, "elsewhere", "state: committed\n");
    scratch_symlink(f, "elsewhere", "journal.yaml");
    assert_fails(f, load(f, &back, &found), SP_ERROR_NEEDS_RECOVERY, "transactions/7");
}

/* A crash while it is saved leaves the old one or the new one: it is replaced as a whole. */
TEST_IN_DIR(replaced_as_a_whole)
{
    struct sp_journal journal = sample(f);
    save(f, &journal);
    struct stat before, after;
    assert_int_equal(stat(scratch_path(f, "journal.yaml"), &before), 0);
    int old = open(scratch_path(f, "journal.yaml"), O_RDONLY | O_CLOEXEC);
    journal.state = SP_JOURNAL_COMMITTED;
    save(f, &journal);
    assert_int_equal(stat(scratch_path(f, "journal.yaml"), &after), 0);
    assert_true(before.st_ino != after.st_ino);
    char text[64] = "";
    assert_true(read(old, text, sizeof(text) - 1) > 0);
    assert_non_null(strstr(text, "applying"));
    close(old);
}

/* ---- what can't be -------------------------------------------------------------------------- */

/* The text of the sample, with the first `old` replaced by `new`. */
static const char *changed(struct fixture *f, const char *old, const char *new)
{
    struct sp_buffer text = SP_BUFFER_INIT;
    struct sp_journal journal = sample(f);
    assert_ok(f, sp_journal_format(f->pool, &journal, &text, &f->err));
    const char *all = sp_pool_strdup(f->pool, sp_buffer_str(&text));
    sp_buffer_free(&text);
    const char *at = strstr(all, old);
    if (!at)
        fail_msg("'%s' is not in:\n%s", old, all);
    return sp_pool_printf(f->pool, "%.*s%s%s", (int)(at - all), all, new, at + strlen(old));
}

TEST_IN_DIR(unbelievable)
{
    static const struct {
        const char *old, *new, *part;
    } vectors[] = {
        {"state: applying", "state: done", "done"},
        {"state: applying\n", "", "'state' is missing"},
        {"state: applying", "state: [applying]", "state"},
        {"command: install\n", "", "'command' is missing"},
        {"command: install", "command: install\nmore: 1", "more"},
        {"command: install", "command: install\ncommand: install", "command"},
        {"undoes:\n", "undoe:\n", "'undoes' is missing"},
        {"- '3'\n", "- x3\n", "x3"},
        {"- '3'\n", "- 333333333\n", "333333333"},
        {"- '3'\n", "- -3\n", "-3"},
        {"- '3'\n", "- [3]\n", "undoes"},
        {"action: add", "action: eat", "eat"},
        {"action: add", "action: none", "hashes"},
        {"action: add", "action: replace", "hashes"},
        {"action: replace", "action: add", "hashes"},
        {"action: remove", "action: replace", "hashes"},
        {"path: /usr/lib/nova/new.py", "path: usr/lib/nova/new.py", "absolute"},
        {"path: /usr/lib/nova/new.py", "path: /usr/../etc/passwd", "absolute"},
        {"path: /usr/lib/nova/new.py", "path: //etc/passwd", "absolute"},
        {"path: /usr/lib/nova/new.py", "path: \"\"", "absolute"},
        {"temp: '.new.py'", "temp: ../new.py", "file name"},
        {"temp: '.new.py'", "temp: a/new.py", "file name"},
        {"temp: '.new.py'", "temp: ..", "file name"},
        {"temp: '.new.py'", "temp: \"\"", "file name"},
        {"after: '" ONE "'", "after: 0123", "blob id"},
        {"before: '1500000000.123456789'", "before: soon", "time"},
        {"before: '1500000000.123456789'", "before: \"1500000000\"", "time"},
        {"before: '1500000000.123456789'", "before: '1500000000.-5'", "time"},
        {"before: '1500000000.123456789'", "before: '1500000000.1234567890'", "time"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_journal back;
        const char *text = changed(f, vectors[i].old, vectors[i].new);
        if (sp_journal_parse(f->pool, "journal.yaml", SP_BYTES_STR(text), &back, &f->err) == 0)
            fail_msg("'%s' was taken", vectors[i].new);
        if (!strstr(f->err.message, "journal.yaml:") || !strstr(f->err.message, vectors[i].part))
            fail_msg("'%s': %s", vectors[i].new, f->err.message);
        sp_error_clear(&f->err);
    }
    struct sp_journal back;
    const char *text = changed(f, "action: add", "action: add");
    assert_ok(f, sp_journal_parse(f->pool, "a", SP_BYTES_STR(text), &back, &f->err));
}

TEST(state_names)
{
    assert_string_equal(sp_journal_state_name(SP_JOURNAL_PREPARED), "prepared");
    assert_string_equal(sp_journal_state_name(SP_JOURNAL_APPLYING), "applying");
    assert_string_equal(sp_journal_state_name(SP_JOURNAL_COMMITTED), "committed");
    assert_string_equal(sp_journal_state_name(SP_JOURNAL_ABORTED), "aborted");
}
