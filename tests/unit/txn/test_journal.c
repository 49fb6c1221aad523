/* SPDX-License-Identifier: Apache-2.0 */
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

static struct sp_journal sample(struct scratch *s)
{
    struct sp_journal journal = {.id = 7,
                                 .state = SP_JOURNAL_APPLYING,
                                 .command = "install",
                                 .time = "2026-11-22T10:00:00Z",
                                 .tool = "0.1.0",
                                 .machine = "0123456789abcdef0123456789abcdef"};
    *SP_PUSH(s->pool, &journal.undoes) = 3;
    *SP_PUSH(s->pool, &journal.undoes) = 12;
    *SP_PUSH(s->pool, &journal.components) =
        (struct sp_journal_component){"nova", "14.1.0", "newton", "usr/lib/nova"};
    *SP_PUSH(s->pool, &journal.components) = (struct sp_journal_component){
        "os_brick", "", "newton", "srv/\"quoted\" \xc3\xa9: #1/os_brick"};
    *SP_PUSH(s->pool, &journal.files) = (struct sp_journal_file){
        "nova", "usr/lib/nova/new.py", SP_ACTION_ADD, ".new.py", blob(""), blob(ONE)};
    *SP_PUSH(s->pool, &journal.files) = (struct sp_journal_file){
        "nova", "usr/lib/nova/edit.py", SP_ACTION_REPLACE, ".edit.py", blob(ONE), blob(OTHER)};
    *SP_PUSH(s->pool, &journal.files) = (struct sp_journal_file){
        "nova", "usr/lib/nova/gone.py", SP_ACTION_REMOVE, ".gone.py", blob(OTHER), blob("")};
    *SP_PUSH(s->pool, &journal.dirs) =
        (struct sp_journal_dir){"usr/lib/nova", {1500000000, 123456789}, {1500000001, 0}, 7};
    *SP_PUSH(s->pool, &journal.dirs) =
        (struct sp_journal_dir){"", {-5, 1}, {0, 999999999}, UINT64_MAX};
    return journal;
}

static void save(struct scratch *s, const struct sp_journal *journal)
{
    struct sp_dir dir = {scratch_open(s), "transactions/7"};
    assert_ok(s, sp_journal_save(s->pool, &dir, journal, &s->err));
    sp_dir_close(&dir);
}

static int load(struct scratch *s, struct sp_journal *out, bool *found)
{
    struct sp_dir dir = {scratch_open(s), "transactions/7"};
    int rc = sp_journal_load(s->pool, &dir, 7, out, found, &s->err);
    sp_dir_close(&dir);
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
    assert_string_equal(a->machine, b->machine);
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

static void test_round_trip(void **state)
{
    struct scratch *s = *state;
    struct sp_journal journal = sample(s), back;
    bool found;
    for (int i = SP_JOURNAL_PREPARED; i <= SP_JOURNAL_ABORTED; i++) {
        journal.state = (enum sp_journal_state)i;
        save(s, &journal);
        assert_ok(s, load(s, &back, &found));
        assert_true(found);
        assert_same(&journal, &back);
    }
    struct stat st;
    assert_int_equal(stat(scratch_path(s, "journal.yaml"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_empty_lists(void **state)
{
    struct scratch *s = *state;
    struct sp_journal journal = {.id = 7,
                                 .command = "rollback",
                                 .time = "",
                                 .tool = "",
                                 .machine = ""},
                      back;
    bool found;
    save(s, &journal);
    assert_ok(s, load(s, &back, &found));
    assert_same(&journal, &back);
}

static void test_absent(void **state)
{
    struct scratch *s = *state;
    struct sp_journal back;
    bool found = true;
    assert_ok(s, load(s, &back, &found));
    assert_false(found);
}

/* Every journal that is cut short or altered in one bit is damaged, never another journal. */
static void test_every_cut_and_every_bit(void **state)
{
    struct scratch *s = *state;
    struct sp_journal journal = sample(s), back;
    bool found;
    save(s, &journal);
    struct sp_bytes good = scratch_slurp(s, scratch_path(s, "journal.yaml"));
    char *copy = sp_pool_memdup(s->pool, good.data, good.len);
    for (size_t len = 0; len < good.len; len++) {
        scratch_write(s, "journal.yaml", copy, len);
        assert_fails(s, load(s, &back, &found), SP_ERROR_NEEDS_RECOVERY,
                     "transactions/7/journal.yaml is damaged");
        assert_false(found);
    }
    for (size_t at = 0; at < good.len; at++) {
        copy[at] = (char)(copy[at] ^ 1 << at % 8);
        scratch_write(s, "journal.yaml", copy, good.len);
        assert_fails(s, load(s, &back, &found), SP_ERROR_NEEDS_RECOVERY, "is damaged");
        copy[at] = good.data[at];
    }
    scratch_write(s, "journal.yaml", sp_pool_printf(s->pool, "%s\n", copy), good.len + 1);
    assert_fails(s, load(s, &back, &found), SP_ERROR_NEEDS_RECOVERY, "is damaged");
    scratch_write(s, "journal.yaml", copy, good.len);
    assert_ok(s, load(s, &back, &found));
}

static void test_too_large(void **state)
{
    struct scratch *s = *state;
    struct sp_journal back;
    bool found;
    char *text = sp_pool_alloc(s->pool, SP_MAX_JOURNAL + 1);
    memset(text, '#', SP_MAX_JOURNAL + 1);
    scratch_write(s, "journal.yaml", text, SP_MAX_JOURNAL + 1);
    assert_fails(s, load(s, &back, &found), SP_ERROR_NEEDS_RECOVERY, "is damaged");
}

static void test_not_a_file(void **state)
{
    struct scratch *s = *state;
    struct sp_journal back;
    bool found;
    assert_int_equal(mkfifo(scratch_path(s, "journal.yaml"), 0600), 0);
    assert_fails(s, load(s, &back, &found), SP_ERROR_NEEDS_RECOVERY, "transactions/7");
    scratch_unlink(s, "journal.yaml");
    scratch_puts(s, "elsewhere", "state: committed\n");
    scratch_symlink(s, "elsewhere", "journal.yaml");
    assert_fails(s, load(s, &back, &found), SP_ERROR_NEEDS_RECOVERY, "transactions/7");
}

/* A crash while it is saved leaves the old one or the new one: it is replaced as a whole. */
static void test_replaced_as_a_whole(void **state)
{
    struct scratch *s = *state;
    struct sp_journal journal = sample(s);
    save(s, &journal);
    struct stat before, after;
    assert_int_equal(stat(scratch_path(s, "journal.yaml"), &before), 0);
    int old = open(scratch_path(s, "journal.yaml"), O_RDONLY | O_CLOEXEC);
    journal.state = SP_JOURNAL_COMMITTED;
    save(s, &journal);
    assert_int_equal(stat(scratch_path(s, "journal.yaml"), &after), 0);
    assert_true(before.st_ino != after.st_ino);
    char text[64] = "";
    assert_true(read(old, text, sizeof(text) - 1) > 0);
    assert_non_null(strstr(text, "applying"));
    close(old);
}

/* ---- what can't be ----------------------------------------------------------------------------
 */

/* The text of the sample, with the first `old` replaced by `new`. */
static const char *changed(struct scratch *s, const char *old, const char *new)
{
    struct sp_buffer text = SP_BUFFER_INIT;
    struct sp_journal journal = sample(s);
    assert_ok(s, sp_journal_format(s->pool, &journal, &text, &s->err));
    const char *all = sp_pool_strdup(s->pool, sp_buffer_str(&text));
    sp_buffer_free(&text);
    const char *at = strstr(all, old);
    if (!at)
        fail_msg("'%s' is not in:\n%s", old, all);
    return sp_pool_printf(s->pool, "%.*s%s%s", (int)(at - all), all, new, at + strlen(old));
}

static void test_unbelievable(void **state)
{
    struct scratch *s = *state;
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
        {"path: usr/lib/nova/new.py", "path: /usr/lib/nova/new.py", "below the root"},
        {"path: usr/lib/nova/new.py", "path: usr/../etc/passwd", "below the root"},
        {"path: usr/lib/nova/new.py", "path: usr//etc/passwd", "below the root"},
        {"path: usr/lib/nova/new.py", "path: \"\"", "no file"},
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
        const char *text = changed(s, vectors[i].old, vectors[i].new);
        if (sp_journal_parse(s->pool, "journal.yaml", SP_BYTES_STR(text), &back, &s->err) == 0)
            fail_msg("'%s' was taken", vectors[i].new);
        if (!strstr(s->err.message, "journal.yaml:") || !strstr(s->err.message, vectors[i].part))
            fail_msg("'%s': %s", vectors[i].new, s->err.message);
        sp_error_clear(&s->err);
    }
    struct sp_journal back;
    const char *text = changed(s, "action: add", "action: add");
    assert_ok(s, sp_journal_parse(s->pool, "a", SP_BYTES_STR(text), &back, &s->err));
}

static void test_state_names(void **state)
{
    (void)state;
    assert_string_equal(sp_journal_state_name(SP_JOURNAL_PREPARED), "prepared");
    assert_string_equal(sp_journal_state_name(SP_JOURNAL_APPLYING), "applying");
    assert_string_equal(sp_journal_state_name(SP_JOURNAL_COMMITTED), "committed");
    assert_string_equal(sp_journal_state_name(SP_JOURNAL_ABORTED), "aborted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_round_trip),
        SCRATCH_TEST(test_empty_lists),
        SCRATCH_TEST(test_absent),
        SCRATCH_TEST(test_every_cut_and_every_bit),
        SCRATCH_TEST(test_too_large),
        SCRATCH_TEST(test_not_a_file),
        SCRATCH_TEST(test_replaced_as_a_whole),
        SCRATCH_TEST(test_unbelievable),
        cmocka_unit_test(test_state_names),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
