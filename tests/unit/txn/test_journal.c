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

#define BOOT_ID "01234567-89ab-cdef-0123-456789abcdef"

static struct sp_journal sample(struct fixture *f)
{
    struct sp_journal journal = {.id = 7,
                                 .state = SP_JOURNAL_APPLYING,
                                 .command = "install",
                                 .time = "2026-11-22T10:00:00Z",
                                 .tool = "0.1.0",
                                 .machine = "0123456789abcdef0123456789abcdef",
                                 .clock = {{BOOT_ID, {1795600000, 5}}, {1795650000, 999999999}}};
    *SP_PUSH(f->pool, &journal.reverts) = 3;
    *SP_PUSH(f->pool, &journal.reverts) = 12;
    *SP_PUSH(f->pool, &journal.components) =
        (struct sp_journal_component){"nova", "14.1.0", "newton", "", "usr/lib/nova"};
    *SP_PUSH(f->pool, &journal.components) = (struct sp_journal_component){
        "os_brick", "", "newton", "one file", "srv/\"quoted\" \xc3\xa9: #1/os_brick"};
    *SP_PUSH(f->pool, &journal.files) =
        (struct sp_journal_file){"nova",        "usr/lib/nova", "new.py", "usr/lib/nova/new.py",
                                 SP_ACTION_ADD, ".new.py",      blob(""), blob(ONE)};
    *SP_PUSH(f->pool, &journal.files) = (struct sp_journal_file){
        "nova",     "usr/lib/nova", "virt/edit.py", "usr/lib/nova/edit.py", SP_ACTION_REPLACE,
        ".edit.py", blob(ONE),      blob(OTHER)};
    *SP_PUSH(f->pool, &journal.files) =
        (struct sp_journal_file){"nova",           "",         "",          "usr/lib/nova/gone.py",
                                 SP_ACTION_REMOVE, ".gone.py", blob(OTHER), blob("")};
    *SP_PUSH(f->pool, &journal.dirs) =
        (struct sp_journal_dir){"usr/lib/nova", {1500000000, 123456789}, {1500000001, 0}, 7};
    *SP_PUSH(f->pool, &journal.dirs) =
        (struct sp_journal_dir){"", {-5, 1}, {0, 999999999}, UINT64_MAX};
    return journal;
}

static void save(struct fixture *f, const struct sp_journal *journal)
{
    struct sp_dir dir = {scratch_open(f), "transactions/7"};
    assert_ok(f, sp_journal_save(f->pool, &dir, journal, &f->err));
    sp_dir_close(&dir);
}

static int load(struct fixture *f, struct sp_journal *out)
{
    struct sp_dir dir = {scratch_open(f), "transactions/7"};
    int rc = sp_journal_load(f->pool, &dir, 7, out, &f->err);
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
    assert_memory_equal(&a->clock, &b->clock, sizeof(a->clock));
    assert_int_equal(a->reverts.count, b->reverts.count);
    for (size_t i = 0; i < a->reverts.count; i++)
        assert_int_equal(a->reverts.items[i], b->reverts.items[i]);
    assert_int_equal(a->components.count, b->components.count);
    for (size_t i = 0; i < a->components.count; i++) {
        assert_string_equal(a->components.items[i].name, b->components.items[i].name);
        assert_string_equal(a->components.items[i].version, b->components.items[i].version);
        assert_string_equal(a->components.items[i].release, b->components.items[i].release);
        assert_string_equal(a->components.items[i].layout, b->components.items[i].layout);
        assert_string_equal(a->components.items[i].path, b->components.items[i].path);
    }
    assert_int_equal(a->files.count, b->files.count);
    for (size_t i = 0; i < a->files.count; i++) {
        const struct sp_journal_file *x = &a->files.items[i], *y = &b->files.items[i];
        assert_string_equal(x->component, y->component);
        assert_string_equal(x->package, y->package);
        assert_string_equal(x->name, y->name);
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

/* The file that a journal of each state is in. */
static const char *const files[] = {"journal.json", "journal.json", "committed.json",
                                    "aborted.json"};

TEST_IN_DIR(round_trip)
{
    struct sp_journal journal = sample(f), back;
    for (int i = SP_JOURNAL_PREPARED; i <= SP_JOURNAL_ABORTED; i++) {
        journal.state = (enum sp_journal_state)i;
        save(f, &journal);
        assert_ok(f, load(f, &back));
        assert_int_equal(back.record, SP_RECORD_READABLE);
        assert_same(&journal, &back);
        struct stat st;
        assert_int_equal(stat(scratch_path(f, files[i]), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        scratch_unlink(f, files[i]);
    }
}

/* The name is of the state, and the one of before goes. */
TEST_IN_DIR(named_by_state)
{
    struct sp_journal journal = sample(f);
    for (int i = SP_JOURNAL_PREPARED; i <= SP_JOURNAL_COMMITTED; i++) {
        journal.state = (enum sp_journal_state)i;
        save(f, &journal);
        assert_true(scratch_exists(f, files[i]));
    }
    assert_false(scratch_exists(f, "journal.json"));
    scratch_unlink(f, "committed.json");
    journal.state = SP_JOURNAL_APPLYING;
    save(f, &journal);
    journal.state = SP_JOURNAL_ABORTED;
    save(f, &journal);
    assert_false(scratch_exists(f, "journal.json"));
}

/* A crash between the two leaves both: the finished one counts. */
TEST_IN_DIR(finished_counts_before_unfinished)
{
    struct sp_journal journal = sample(f), back;
    for (int i = SP_JOURNAL_COMMITTED; i <= SP_JOURNAL_ABORTED; i++) {
        journal.state = SP_JOURNAL_APPLYING;
        save(f, &journal);
        struct sp_bytes old = scratch_slurp(f, scratch_path(f, "journal.json"));
        journal.state = (enum sp_journal_state)i;
        save(f, &journal);
        scratch_write(f, "journal.json", old.data, old.len);
        assert_ok(f, load(f, &back));
        assert_int_equal(back.state, i);
        scratch_unlink(f, files[i]);
    }
}

TEST_IN_DIR(empty_lists)
{
    struct sp_journal journal = {.id = 7,
                                 .command = "rollback",
                                 .time = "",
                                 .tool = "",
                                 .machine = ""},
                      back;
    save(f, &journal);
    assert_ok(f, load(f, &back));
    assert_same(&journal, &back);
}

TEST_IN_DIR(absent)
{
    struct sp_journal back;
    assert_ok(f, load(f, &back));
    assert_int_equal(back.record, SP_RECORD_ABSENT);
    assert_int_equal(back.id, 7);
    assert_false(sp_journal_is_finished(&back));
}

/* It is damaged, of that state, and nothing else is known. */
static void assert_damaged(struct fixture *f, const char *file, bool finished)
{
    struct sp_journal back;
    assert_fails(f, load(f, &back), SP_ERROR_NEEDS_RECOVERY,
                 sp_pool_printf(f->pool, "the journal 'transactions/7/%s' is damaged: ", file));
    assert_int_equal(back.record, SP_RECORD_DAMAGED);
    assert_int_equal(back.id, 7);
    assert_int_equal(back.files.count, 0);
    assert_int_equal(sp_journal_is_finished(&back), finished);
}

/* Every journal that is cut short or altered in one bit is damaged, never another journal. */
TEST_IN_DIR(every_cut_and_every_bit)
{
    struct sp_journal journal = sample(f), back;
    save(f, &journal);
    struct sp_bytes good = scratch_slurp(f, scratch_path(f, "journal.json"));
    char *copy = sp_pool_memdup(f->pool, good.data, good.len);
    for (size_t len = 0; len < good.len; len++) {
        scratch_write(f, "journal.json", copy, len);
        assert_damaged(f, "journal.json", false);
    }
    for (size_t at = 0; at < good.len; at++) {
        copy[at] = (char)(copy[at] ^ 1 << at % 8);
        scratch_write(f, "journal.json", copy, good.len);
        assert_damaged(f, "journal.json", false);
        copy[at] = good.data[at];
    }
    scratch_write(f, "journal.json", sp_pool_printf(f->pool, "%s\n", copy), good.len + 1);
    assert_damaged(f, "journal.json", false);
    scratch_write(f, "journal.json", copy, good.len);
    assert_ok(f, load(f, &back));
}

/* What the name says is held against the content, and is known when the content is damaged. */
TEST_IN_DIR(name_of_another_state)
{
    struct sp_journal journal = sample(f);
    save(f, &journal);
    for (int i = SP_JOURNAL_COMMITTED; i <= SP_JOURNAL_ABORTED; i++) {
        struct sp_bytes text = scratch_slurp(f, scratch_path(f, "journal.json"));
        scratch_write(f, files[i], text.data, text.len);
        assert_damaged(f, files[i], true);
        scratch_write(f, files[i], text.data, text.len / 2);
        assert_damaged(f, files[i], true);
        scratch_unlink(f, files[i]);
    }
    journal.state = SP_JOURNAL_COMMITTED;
    save(f, &journal);
    assert_int_equal(rename(scratch_path(f, "committed.json"), scratch_path(f, "journal.json")), 0);
    assert_damaged(f, "journal.json", false);
}

TEST_IN_DIR(too_large)
{
    char *text = sp_pool_alloc(f->pool, SP_MAX_JOURNAL + 1);
    memset(text, '#', SP_MAX_JOURNAL + 1);
    scratch_write(f, "journal.json", text, SP_MAX_JOURNAL + 1);
    assert_damaged(f, "journal.json", false);
}

TEST_IN_DIR(not_a_file)
{
    for (int i = SP_JOURNAL_APPLYING; i <= SP_JOURNAL_ABORTED; i++) {
        bool finished = i != SP_JOURNAL_APPLYING;
        assert_int_equal(mkfifo(scratch_path(f, files[i]), 0600), 0);
        assert_damaged(f, files[i], finished);
        scratch_unlink(f, files[i]);
        scratch_puts(f, "elsewhere", "{\"state\": \"committed\"}\n");
        scratch_symlink(f, "elsewhere", files[i]);
        assert_damaged(f, files[i], finished);
        scratch_unlink(f, files[i]);
    }
}

/* A crash while it is saved leaves the old one or the new one: it is replaced as a whole. */
TEST_IN_DIR(replaced_as_a_whole)
{
    struct sp_journal journal = sample(f);
    journal.state = SP_JOURNAL_PREPARED;
    save(f, &journal);
    struct stat before, after;
    assert_int_equal(stat(scratch_path(f, "journal.json"), &before), 0);
    int old = open(scratch_path(f, "journal.json"), O_RDONLY | O_CLOEXEC);
    journal.state = SP_JOURNAL_APPLYING;
    save(f, &journal);
    assert_int_equal(stat(scratch_path(f, "journal.json"), &after), 0);
    assert_true(before.st_ino != after.st_ino);
    char text[64] = "";
    assert_true(read(old, text, sizeof(text) - 1) > 0);
    assert_non_null(strstr(text, "prepared"));
    close(old);
}

/* ---- what can't be -------------------------------------------------------------------------- */

/* The text of the sample, with the first `old` replaced by `new`. */
static const char *changed(struct fixture *f, const char *old, const char *new)
{
    struct sp_buffer text = SP_BUFFER_INIT;
    struct sp_journal journal = sample(f);
    sp_journal_format(&journal, &text);
    const char *all = sp_pool_strdup(f->pool, sp_buffer_str(&text));
    sp_buffer_free(&text);
    const char *at = strstr(all, old);
    if (!at)
        fail_msg("'%s' is not in:\n%s", old, all);
    return sp_pool_printf(f->pool, "%.*s%s%s", (int)(at - all), all, new, at + strlen(old));
}

#define STATE  "\"state\": \"applying\""
#define NEW_PY "\"path\": \"usr/lib/nova/new.py\""
#define TEMP   "\"temp\": \".new.py\""
#define BEFORE "\"before\": \"1500000000.123456789\""

TEST(unbelievable)
{
    static const struct {
        const char *old, *new, *part;
    } vectors[] = {
        {STATE, "\"state\": \"done\"", "done"},
        {STATE ",", "", "'state' is missing"},
        {STATE, "\"state\": [\"applying\"]", "state"},
        {"\"command\": \"install\",", "", "'command' is missing"},
        {"\"command\": \"install\"", "\"command\": \"install\", \"more\": 1", "more"},
        {"\"command\": \"install\"", "\"command\": \"install\", \"command\": \"install\"",
         "command"},
        {"\"reverts\": [", "\"revert\": [", "'reverts' is missing"},
        {"\"layout\": \"\",", "", "'layout' is missing"},
        {"\"boot\": \"01", "\"boot\": \"0", "is no id of a boot"},
        {"\"started\": \"1", "\"started\": \"x1", "is no time"},
        {"\"layout\": \"\"", "\"layout\": []", "layout"},
        {" 3,", " \"x3\",", "x3"},
        {" 3,", " 333333333,", "333333333"},
        {" 3,", " -3,", "-3"},
        {" 3,", " [3],", "reverts"},
        {" 3,", " 0,", "0"},
        {"\"action\": \"add\"", "\"action\": \"eat\"", "eat"},
        {"\"action\": \"add\"", "\"action\": \"none\"", "hashes"},
        {"\"action\": \"add\"", "\"action\": \"replace\"", "hashes"},
        {"\"action\": \"replace\"", "\"action\": \"add\"", "hashes"},
        {"\"action\": \"remove\"", "\"action\": \"replace\"", "hashes"},
        {NEW_PY, "\"path\": \"/usr/lib/nova/new.py\"", "below the root"},
        {NEW_PY, "\"path\": \"usr/../etc/passwd\"", "below the root"},
        {NEW_PY, "\"path\": \"usr/./lib/x\"", "below the root"},
        {NEW_PY, "\"path\": \"usr//lib/x\"", "below the root"},
        {NEW_PY, "\"path\": \"usr/lib/x/\"", "below the root"},
        {NEW_PY, "\"path\": \"//etc/passwd\"", "below the root"},
        {NEW_PY, "\"path\": \"a\\nb\"", "below the root"},
        {NEW_PY, "\"path\": \"\"", "no file"},
        {"\"package\": \"usr/lib/nova\"", "\"package\": \"usr/lib/nov\"", "no component"},
        {"\"package\": \"usr/lib/nova\"", "\"package\": \"\"", "no component"},
        {"\"package\": \"usr/lib/nova\",", "", "'package' is missing"},
        {"\"name\": \"new.py\"", "\"name\": \"\"", "relative"},
        {"\"name\": \"new.py\"", "\"name\": \"../new.py\"", "relative"},
        {TEMP, "\"temp\": \"../new.py\"", "file name"},
        {TEMP, "\"temp\": \"a/new.py\"", "file name"},
        {TEMP, "\"temp\": \"..\"", "file name"},
        {TEMP, "\"temp\": \"\"", "file name"},
        {"\"after\": \"" ONE "\"", "\"after\": \"0123\"", "blob id"},
        {BEFORE, "\"before\": \"soon\"", "time"},
        {BEFORE, "\"before\": \"1500000000\"", "time"},
        {BEFORE, "\"before\": \"1500000000.-5\"", "time"},
        {BEFORE, "\"before\": \"1500000000.1234567890\"", "time"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_journal back;
        const char *text = changed(f, vectors[i].old, vectors[i].new);
        if (sp_journal_parse(f->pool, "j.json", SP_BYTES_STR(text), &back, &f->err) == 0)
            fail_msg("'%s' was taken", vectors[i].new);
        if (!strstr(f->err.message, "j.json:") || !strstr(f->err.message, vectors[i].part))
            fail_msg("'%s': %s", vectors[i].new, f->err.message);
        sp_error_clear(&f->err);
    }
    struct sp_journal back;
    const char *text = changed(f, STATE, STATE);
    assert_ok(f, sp_journal_parse(f->pool, "a", SP_BYTES_STR(text), &back, &f->err));
}

/* ---- whatever is written can be read ----------------------------------------------------------- */

/* xorshift (Marsaglia, 2003): the same numbers in every run. */
static unsigned draw(uint64_t *seed, unsigned below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (unsigned)(*seed >> 33) % below;
}

/* Parts of names; those from FIRST_BAD on cannot be in a journal's paths. */
static const char *const parts[] = {"nova",
                                    "a b",
                                    "true",
                                    "1",
                                    "~",
                                    "null",
                                    "-",
                                    "- a",
                                    "a: b",
                                    "#",
                                    "{x}",
                                    "[y]",
                                    "'",
                                    "\"",
                                    "%41",
                                    "\xc3\xa9",
                                    "\xe2\x80\xa8",
                                    "\xe2\x80\xae",
                                    "\xef\xbb\xbf",
                                    "\xef\xbf\xbe",
                                    "\xf0\x9f\x98\x80",
                                    "...",
                                    "..a",
                                    "a..",
                                    " ",
                                    "&x",
                                    "*x",
                                    "!t",
                                    "|",
                                    ">",
                                    "?",
                                    ",",
                                    "one file",
                                    "\xee\x80\x80",
                                    /* FIRST_BAD */ ".",
                                    "..",
                                    "",
                                    "\\",
                                    "a\\b",
                                    "\n",
                                    "a\tb",
                                    "\x1b[31m",
                                    "\x7f",
                                    "\xc2\x85",
                                    "\xff",
                                    "a\xc3",
                                    "\xed\xa0\x80"};
enum {
    FIRST_BAD = 34
};

struct generator {
    struct fixture *f;
    uint64_t seed;
    bool hostile; /* bad parts are drawn as well */
    bool valid;   /* none was drawn */
};

static const char *draw_part(struct generator *g)
{
    unsigned bad = g->hostile && draw(&g->seed, 40) == 0;
    unsigned i =
        bad ? FIRST_BAD + draw(&g->seed, COUNT(parts) - FIRST_BAD) : draw(&g->seed, FIRST_BAD);
    g->valid &= !bad;
    return parts[i];
}

static const char *draw_path(struct generator *g)
{
    const char *path = "";
    for (unsigned i = 1 + draw(&g->seed, 5); i > 0; i--)
        path = sp_pool_printf(g->f->pool, "%s/%s", path, draw_part(g));
    return path + 1;
}

/* A text may be anything that is UTF-8. */
static const char *draw_text(struct generator *g)
{
    const char *text = parts[draw(&g->seed, COUNT(parts) - 3)];
    return draw(&g->seed, 4) ? text : "";
}

static struct timespec draw_time(struct generator *g)
{
    long long seconds = (long long)draw(&g->seed, 1u << 30) << draw(&g->seed, 34);
    return (struct timespec){.tv_sec = draw(&g->seed, 3) ? seconds : -seconds,
                             .tv_nsec = draw(&g->seed, 1000000000)};
}

static void draw_file(struct generator *g, struct sp_journal *journal)
{
    struct sp_journal_file *file = SP_PUSH(g->f->pool, &journal->files);
    const struct sp_journal_component *of =
        &journal->components.items[draw(&g->seed, (unsigned)journal->components.count)];
    bool known = draw(&g->seed, 4);
    *file = (struct sp_journal_file){
        .component = of->name,
        .package = known ? of->path : "",
        .name = known ? draw_path(g) : "",
        .path = draw_path(g),
        .action = (enum sp_action)(SP_ACTION_ADD + draw(&g->seed, 3)),
        .temp = sp_pool_printf(g->f->pool, ".%s.sp-openstack-0123abcd", draw_part(g))};
    if (file->action != SP_ACTION_ADD)
        file->before = blob(ONE);
    if (file->action != SP_ACTION_REMOVE)
        file->after = blob(OTHER);
}

static struct sp_journal draw_journal(struct generator *g)
{
    struct sp_journal journal = {.id = 7,
                                 .state = (enum sp_journal_state)draw(&g->seed, 4),
                                 .command = draw_text(g),
                                 .time = draw_text(g),
                                 .tool = draw_text(g),
                                 .machine = draw_text(g)};
    if (draw(&g->seed, 2)) /* journals of earlier versions have none */
        journal.clock = (struct sp_journal_clock){{BOOT_ID, draw_time(g)}, draw_time(g)};
    for (unsigned i = draw(&g->seed, 3); i > 0; i--)
        *SP_PUSH(g->f->pool, &journal.reverts) = 1 + draw(&g->seed, 99999998);
    for (unsigned i = 1 + draw(&g->seed, 3); i > 0; i--)
        *SP_PUSH(g->f->pool, &journal.components) = (struct sp_journal_component){
            draw_text(g), draw_text(g), draw_text(g), draw_text(g), draw_path(g)};
    for (unsigned i = draw(&g->seed, 8); i > 0; i--)
        draw_file(g, &journal);
    for (unsigned i = draw(&g->seed, 4); i > 0; i--)
        *SP_PUSH(g->f->pool, &journal.dirs) = (struct sp_journal_dir){
            draw_path(g), draw_time(g), draw_time(g), draw(&g->seed, UINT32_MAX)};
    return journal;
}

/* Saves it into an empty directory. What is valid is written and reads back the same; what is not
 * is refused, and nothing is written. */
static void assert_kept(struct fixture *f, const struct sp_journal *journal, bool valid)
{
    struct sp_journal back;
    struct sp_dir dir = {scratch_open(f), "t"};
    int rc = sp_journal_save(f->pool, &dir, journal, &f->err);
    sp_dir_close(&dir);
    if (valid && rc < 0)
        fail_msg("%s", f->err.message);
    if (rc == 0) {
        assert_ok(f, load(f, &back));
        assert_int_equal(back.record, SP_RECORD_READABLE);
        assert_same(journal, &back);
        scratch_unlink(f, files[journal->state]);
        return;
    }
    assert_int_equal(f->err.kind, SP_ERROR_REFUSED);
    sp_error_clear(&f->err);
    for (size_t i = 0; i < COUNT(files); i++)
        assert_false(scratch_exists(f, files[i]));
}

TEST_IN_DIR(what_is_written_can_be_read)
{
    unsigned refused = 0;
    for (uint64_t i = 1; i <= 600; i++) {
        struct generator g = {
            .f = f, .seed = i * UINT64_C(0x9e3779b97f4a7c15), .hostile = i % 2, .valid = true};
        struct sp_journal journal = draw_journal(&g);
        assert_kept(f, &journal, g.valid);
        refused += !g.valid;
    }
    assert_in_range(refused, 100, 300); /* both kinds are drawn */
}

/* Each thing that the reader refuses, one at a time. */
TEST_IN_DIR(what_can_not_be_read_is_not_written)
{
    static const char *const paths[] = {"/a",  "a//b", "a/./b",   "a/../b", "a/",
                                        "//a", "a\\b", "a\nb",    "a\xff",  "a/b\x7f",
                                        ".",   "..",   "\xc2\x85"};
    for (size_t i = 0; i < COUNT(paths); i++)
        for (int place = 0; place < 4; place++) {
            struct sp_journal journal = sample(f);
            const char **target[] = {&journal.components.items[1].path,
                                     &journal.files.items[0].path, &journal.dirs.items[0].path,
                                     &journal.files.items[0].temp};
            *target[place] = paths[i];
            assert_kept(f, &journal, false);
            assert_false(scratch_exists(f, "journal.json"));
        }
    struct sp_journal journal = sample(f);
    journal.files.items[0].before = blob(ONE);
    assert_kept(f, &journal, false);
    journal = sample(f);
    journal.reverts.items[0] = 100000000;
    assert_kept(f, &journal, false);
    journal = sample(f);
    journal.files.items[0].package = "usr/lib/other";
    assert_kept(f, &journal, false);
    journal = sample(f);
    journal.components.items[0].version = "1\xff";
    assert_kept(f, &journal, false);
    assert_false(scratch_exists(f, "journal.json"));
}

TEST(state_names)
{
    assert_string_equal(sp_journal_state_name(SP_JOURNAL_PREPARED), "prepared");
    assert_string_equal(sp_journal_state_name(SP_JOURNAL_APPLYING), "applying");
    assert_string_equal(sp_journal_state_name(SP_JOURNAL_COMMITTED), "committed");
    assert_string_equal(sp_journal_state_name(SP_JOURNAL_ABORTED), "aborted");
}
