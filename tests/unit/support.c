/* SPDX-License-Identifier: Apache-2.0 */
/* Linked into every unit test: the fixture's set-up and tear-down, and main(). */
#include "support.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

static struct unit_test *tests; /* in the order of their lines */
static size_t test_count;
static void (*before_all)(void), (*after_all)(void);

/* Constructors of one file are run in an order that only the compiler knows. */
void register_test(struct unit_test *test)
{
    struct unit_test **at = &tests;
    while (*at && (*at)->line < test->line)
        at = &(*at)->next;
    test->next = *at;
    *at = test;
    test_count++;
}

void register_group(void (*before)(void), void (*after)(void))
{
    before_all = before;
    after_all = after;
}

static int remove_entry(const char *path, SP_UNUSED const struct stat *st, SP_UNUSED int type,
                        SP_UNUSED struct FTW *ftw)
{
    return remove(path);
}

int remove_tree(const char *path)
{
    return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* The state that cmocka hands on: the test, and its fixture while it runs. */
struct run {
    const struct unit_test *test;
    struct fixture fixture;
    bool is_set_up;
};

static int make_scratch(struct fixture *f)
{
    const char *base = getenv("TMPDIR");
    snprintf(f->dir, sizeof(f->dir), "%s/sp-test-XXXXXX", base && *base ? base : "/tmp");
    if (mkdtemp(f->dir))
        return 0;
    print_error("cannot make '%s': %s\n", f->dir, strerror(errno));
    f->dir[0] = '\0';
    return -1;
}

static int set_up(void **state)
{
    struct run *run = *state;
    struct fixture *f = &run->fixture;
    f->pool = sp_pool_new();
    if (run->test->in_dir && make_scratch(f) < 0)
        return -1;
    return 0;
}

/* The test's own set-up is part of it: cmocka calls no tear-down after a set-up that failed. */
static void run_body(void **state)
{
    struct run *run = *state;
    if (run->test->set_up)
        run->test->set_up(&run->fixture);
    run->is_set_up = true;
    run->test->run(&run->fixture);
}

static int tear_down(void **state)
{
    struct run *run = *state;
    struct fixture *f = &run->fixture;
    if (run->is_set_up && run->test->tear_down)
        run->test->tear_down(f);
    sp_error_clear(&f->err);
    sp_pool_free(f->pool);
    return f->dir[0] ? remove_tree(f->dir) : 0;
}

static int set_up_all(SP_UNUSED void **state)
{
    if (before_all)
        before_all();
    return 0;
}

static int tear_down_all(SP_UNUSED void **state)
{
    if (after_all)
        after_all();
    return 0;
}

/* PROGRAM [PATTERN]: runs all tests, or those whose names match ('recover*'). */
int main(int argc, char **argv)
{
    struct CMUnitTest *list = sp_xmalloc((test_count + 1) * sizeof(*list));
    struct run *runs = sp_xmalloc((test_count + 1) * sizeof(*runs));
    size_t count = 0;
    memset(runs, 0, (test_count + 1) * sizeof(*runs));
    for (const struct unit_test *test = tests; test; test = test->next) {
        runs[count].test = test;
        list[count] = (struct CMUnitTest){test->name, run_body, set_up, tear_down, &runs[count]};
        count++;
    }
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    int failed = _cmocka_run_group_tests(program_invocation_short_name, list, count, set_up_all,
                                         tear_down_all);
    free(runs);
    free(list);
    return failed;
}
