/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/pyc.h"

#include "scratch.h"

static void remove_pyc(struct fixture *f, const char *module)
{
    struct sp_dir dir = {scratch_open(f), f->dir};
    assert_ok(f, sp_pyc_remove(&dir, module, &f->err));
    sp_dir_close(&dir);
}

static void cache(struct fixture *f)
{
    scratch_mkdir(f, "__pycache__", 0755);
}

TEST_IN_DIR(nothing_there)
{
    remove_pyc(f, "a.py");
    cache(f);
    remove_pyc(f, "a.py");
    assert_true(scratch_exists(f, "__pycache__")); /* it was empty before: not our doing */
}

TEST_IN_DIR(all_of_a_module)
{
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
    cache(f);
    for (size_t i = 0; i < COUNT(gone); i++)
        scratch_puts(f, gone[i], "");
    for (size_t i = 0; i < COUNT(kept); i++)
        scratch_puts(f, kept[i], "");
    remove_pyc(f, "a.py");
    for (size_t i = 0; i < COUNT(gone); i++)
        if (scratch_exists(f, gone[i]))
            fail_msg("%s is there", gone[i]);
    for (size_t i = 0; i < COUNT(kept); i++)
        if (!scratch_exists(f, kept[i]))
            fail_msg("%s is gone", kept[i]);
}

TEST_IN_DIR(cache_that_becomes_empty)
{
    cache(f);
    scratch_puts(f, "__pycache__/a.cpython-36.pyc", "");
    remove_pyc(f, "a.py");
    assert_false(scratch_exists(f, "__pycache__"));
}

TEST_IN_DIR(what_is_no_module)
{
    static const char *const modules[] = {"a", ".py", "a.txt", "a.pyc", "py", ""};
    scratch_puts(f, "a.pyc", "");
    scratch_puts(f, ".pyc", "");
    scratch_puts(f, ".pyo", "");
    for (size_t i = 0; i < COUNT(modules); i++)
        remove_pyc(f, modules[i]);
    assert_true(scratch_exists(f, "a.pyc"));
    assert_true(scratch_exists(f, ".pyc"));
}

/* Neither the cache nor what is in it is followed. */
TEST_IN_DIR(links)
{
    scratch_mkdir(f, "other", 0755);
    scratch_puts(f, "other/a.cpython-36.pyc", "");
    scratch_symlink(f, "other", "__pycache__");
    remove_pyc(f, "a.py");
    assert_true(scratch_exists(f, "other/a.cpython-36.pyc"));
    assert_true(scratch_exists(f, "__pycache__"));
    scratch_unlink(f, "__pycache__");
    cache(f);
    scratch_symlink(f, "../other/a.cpython-36.pyc", "__pycache__/a.cpython-36.pyc");
    remove_pyc(f, "a.py");
    assert_true(scratch_exists(f, "other/a.cpython-36.pyc"));
}

/* What is not a file is not what Python made. */
TEST_IN_DIR(directories)
{
    scratch_mkdir(f, "a.pyc", 0755);
    scratch_puts(f, "a.pyo", "");
    remove_pyc(f, "a.py");
    assert_true(scratch_exists(f, "a.pyc"));
    assert_false(scratch_exists(f, "a.pyo"));
}

TEST_IN_DIR(file_in_place_of_the_cache)
{
    scratch_puts(f, "__pycache__", "");
    scratch_puts(f, "a.pyc", "");
    remove_pyc(f, "a.py");
    assert_false(scratch_exists(f, "a.pyc"));
    assert_true(scratch_exists(f, "__pycache__"));
}
