/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/pyc.h"

#include "scratch.h"

static void compiled_remove(struct scratch *s, const char *module)
{
    struct sp_dir dir = {scratch_open(s), s->dir};
    assert_ok(s, sp_pyc_remove(&dir, module, &s->err));
    sp_dir_close(&dir);
}

static void cache(struct scratch *s)
{
    scratch_mkdir(s, "__pycache__", 0755);
}

static void test_nothing_there(void **state)
{
    struct scratch *s = *state;
    compiled_remove(s, "a.py");
    cache(s);
    compiled_remove(s, "a.py");
    assert_true(scratch_exists(s, "__pycache__")); /* it was empty before: not our doing */
}

static void test_all_of_a_module(void **state)
{
    struct scratch *s = *state;
    static const char *const gone[] = {"a.pyc",
                                       "a.pyo",
                                       "__pycache__/a.cpython-36.pyc",
                                       "__pycache__/a.cpython-36.opt-2.pyc",
                                       "__pycache__/a.pypy3-72.pyc",
                                       "__pycache__/a.cpython-34.pyo"};
    static const char *const kept[] = {"a.py",
                                       "b.pyc",
                                       "ab.pyc",
                                       "A.pyc",
                                       "a.pyd",
                                       "a.so",
                                       "__pycache__/b.cpython-36.pyc",
                                       "__pycache__/ab.cpython-36.pyc",
                                       "__pycache__/a_b.cpython-36.pyc",
                                       "__pycache__/a.cpython-36.txt",
                                       "__pycache__/a"};
    cache(s);
    for (size_t i = 0; i < COUNT(gone); i++)
        scratch_puts(s, gone[i], "");
    for (size_t i = 0; i < COUNT(kept); i++)
        scratch_puts(s, kept[i], "");
    compiled_remove(s, "a.py");
    for (size_t i = 0; i < COUNT(gone); i++)
        if (scratch_exists(s, gone[i]))
            fail_msg("%s is there", gone[i]);
    for (size_t i = 0; i < COUNT(kept); i++)
        if (!scratch_exists(s, kept[i]))
            fail_msg("%s is gone", kept[i]);
}

static void test_cache_that_becomes_empty(void **state)
{
    struct scratch *s = *state;
    cache(s);
    scratch_puts(s, "__pycache__/a.cpython-36.pyc", "");
    compiled_remove(s, "a.py");
    assert_false(scratch_exists(s, "__pycache__"));
}

static void test_what_is_no_module(void **state)
{
    struct scratch *s = *state;
    static const char *const modules[] = {"a", ".py", "a.txt", "a.pyc", "py", ""};
    scratch_puts(s, "a.pyc", "");
    scratch_puts(s, ".pyc", "");
    scratch_puts(s, ".pyo", "");
    for (size_t i = 0; i < COUNT(modules); i++)
        compiled_remove(s, modules[i]);
    assert_true(scratch_exists(s, "a.pyc"));
    assert_true(scratch_exists(s, ".pyc"));
}

/* Neither the cache nor what is in it is followed. */
static void test_links(void **state)
{
    struct scratch *s = *state;
    scratch_mkdir(s, "other", 0755);
    scratch_puts(s, "other/a.cpython-36.pyc", "");
    scratch_symlink(s, "other", "__pycache__");
    compiled_remove(s, "a.py");
    assert_true(scratch_exists(s, "other/a.cpython-36.pyc"));
    assert_true(scratch_exists(s, "__pycache__"));
    scratch_unlink(s, "__pycache__");
    cache(s);
    scratch_symlink(s, "../other/a.cpython-36.pyc", "__pycache__/a.cpython-36.pyc");
    compiled_remove(s, "a.py");
    assert_true(scratch_exists(s, "other/a.cpython-36.pyc"));
}

/* What is not a file is not what Python made. */
static void test_directories(void **state)
{
    struct scratch *s = *state;
    scratch_mkdir(s, "a.pyc", 0755);
    scratch_puts(s, "a.pyo", "");
    compiled_remove(s, "a.py");
    assert_true(scratch_exists(s, "a.pyc"));
    assert_false(scratch_exists(s, "a.pyo"));
}

static void test_file_in_place_of_the_cache(void **state)
{
    struct scratch *s = *state;
    scratch_puts(s, "__pycache__", "");
    scratch_puts(s, "a.pyc", "");
    compiled_remove(s, "a.py");
    assert_false(scratch_exists(s, "a.pyc"));
    assert_true(scratch_exists(s, "__pycache__"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_nothing_there),
        SCRATCH_TEST(test_all_of_a_module),
        SCRATCH_TEST(test_cache_that_becomes_empty),
        SCRATCH_TEST(test_what_is_no_module),
        SCRATCH_TEST(test_links),
        SCRATCH_TEST(test_directories),
        SCRATCH_TEST(test_file_in_place_of_the_cache),
    };
    return cmocka_run_group_tests_name("compiled", tests, NULL, NULL);
}
