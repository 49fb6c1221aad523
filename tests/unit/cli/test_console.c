/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/console.h"

#include <unistd.h>

#include "base/buffer.h"
#include "support.h"

/* A report into two files; what was printed so far. */
struct printed {
    struct sp_console report;
    FILE *out, *err;
};

static struct printed *open_report(struct fixture *f, int verbose, bool json)
{
    struct printed *p = sp_pool_alloc(f->pool, sizeof(*p));
    sp_console_init(&p->report, verbose, json);
    p->report.out = p->out = tmpfile();
    p->report.err = p->err = tmpfile();
    assert_non_null(p->out);
    assert_non_null(p->err);
    return p;
}

static void set_up_report(struct fixture *f)
{
    f->own = open_report(f, 0, false);
}

/* The body sees `p`, a report that prints neither more nor less than usual. */
#define TEST_ON_REPORT(name) TEST_WITH(name, struct printed *p, set_up_report, NULL)

static const char *text_of(struct fixture *f, FILE *file)
{
    char text[4096];
    rewind(file);
    size_t len = fread(text, 1, sizeof(text), file);
    fclose(file);
    return sp_pool_memdup(f->pool, text, len);
}

TEST_ON_REPORT(messages)
{
    struct sp_error err = SP_ERROR_INIT;
    sp_console_print(&p->report, 0, "one %d", 1);
    sp_console_print(&p->report, 1, "more");
    sp_console_warn(f->pool, &p->report, "take %s", "care");
    sp_error_set(&err, SP_ERROR_REFUSED, "no\nway");
    sp_console_error(&p->report, &err);
    sp_error_clear(&err);
    assert_string_equal(text_of(f, p->out), "one 1\n");
    assert_string_equal(text_of(f, p->err),
                        "sp-openstack: warning: take care\nsp-openstack: no\\nway\n");
    assert_int_equal(p->report.warnings.count, 1);
    assert_string_equal(p->report.warnings.items[0], "take care");
}

TEST(levels)
{
    static const struct {
        int verbose;
        bool json;
        const char *out;
    } vectors[] = {{0, false, "0\n"}, {1, false, "0\n1\n"}, {2, false, "0\n1\n2\n"},
                   {-1, false, ""},   {0, true, ""},        {2, true, ""}};
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct printed *p = open_report(f, vectors[i].verbose, vectors[i].json);
        for (int level = 0; level < 3; level++)
            sp_console_print(&p->report, level, "%d", level);
        sp_console_warn(f->pool, &p->report, "care");
        assert_string_equal(text_of(f, p->out), vectors[i].out);
        assert_string_equal(text_of(f, p->err), "sp-openstack: warning: care\n");
    }
}

TEST_ON_REPORT(safe)
{
    sp_console_print(&p->report, 0, "a\x1b[2J%s", "\xff\n");
    sp_console_warn(f->pool, &p->report, "b\r%s", "caf\xc3\xa9");
    assert_string_equal(text_of(f, p->out), "a\\x1b[2J\\xff\\n\n");
    assert_string_equal(text_of(f, p->err), "sp-openstack: warning: b\\x0dcaf\xc3\xa9\n");
}

TEST_ON_REPORT(table)
{
    struct sp_table table = {.columns = 3, .toned_column = 1};
    static const char *const rows[][3] = {{"NAME", "STATE", "PLACE"},
                                          {"nova", "installed", "/a"},
                                          {"caf\xc3\xa9", NULL, "/a\nb"},
                                          {"x", "", "/longer/than/all"}};
    p->report.colour = false;
    for (size_t i = 0; i < COUNT(rows); i++)
        sp_table_row(f->pool, &table, i ? SP_TONE_GOOD : SP_TONE_NONE, rows[i]);
    sp_table_print(&p->report, &table);
    assert_string_equal(text_of(f, p->out), "NAME  STATE      PLACE\n"
                                            "nova  installed  /a\n"
                                            "caf\xc3\xa9  -          /a\\nb\n"
                                            "x                /longer/than/all\n");
}

TEST_ON_REPORT(colours)
{
    struct sp_table table = {.columns = 2, .toned_column = 0};
    static const struct {
        enum sp_tone tone;
        const char *shown;
    } vectors[] = {
        {SP_TONE_NONE, "s  x\n"},
        {SP_TONE_GOOD, "\033[32ms\033[0m  x\n"},
        {SP_TONE_OPEN, "\033[33ms\033[0m  x\n"},
        {SP_TONE_BAD, "\033[31ms\033[0m  x\n"},
    };
    struct sp_buffer expected = SP_BUFFER_INIT;
    p->report.colour = true;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        const char *row[] = {"s", "x"};
        sp_table_row(f->pool, &table, vectors[i].tone, row);
        sp_buffer_puts(&expected, vectors[i].shown);
    }
    sp_table_print(&p->report, &table);
    assert_string_equal(text_of(f, p->out), sp_buffer_str(&expected));
    sp_buffer_free(&expected);
}

/* Not into a file, whatever TERM says: standard output of a test is no terminal. */
TEST(no_colour_without_a_terminal)
{
    struct sp_console report;
    int saved = dup(STDOUT_FILENO);
    FILE *file = tmpfile();
    fflush(stdout);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    sp_console_init(&report, 0, false);
    fflush(stdout);
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    close(saved);
    fclose(file);
    assert_false(report.colour);
}

TEST_ON_REPORT(empty_table)
{
    struct sp_table table = {.columns = 0, .toned_column = -1};
    sp_table_print(&p->report, &table);
    table.columns = 2;
    sp_table_print(&p->report, &table);
    assert_string_equal(text_of(f, p->out), "");
}
