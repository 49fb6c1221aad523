/* SPDX-License-Identifier: Apache-2.0 */
/* Repositories that stay open: a process of its own, since it is for all trees of the process. */
#include "tree/repository.h"

#include <stdio.h>

#include "repository.h"
#include "trees.h"

static void make(struct fixture *f, const char *name, const char *content)
{
    git_repository *repo = new_repository(f, name, true);
    struct entry top[] = {{"a.py", GIT_FILEMODE_BLOB, write_text(repo, content)}};
    commit(repo, write_tree(repo, top, 1), "refs/heads/master");
    git_repository_free(repo);
}

static void assert_holds(struct fixture *f, const char *name, const char *content)
{
    struct sp_pool *pool = sp_pool_new();
    struct sp_tree *tree = NULL;
    assert_ok(f, sp_tree_open_git(pool, scratch_path(f, name), "master", &tree, &f->err));
    assert_string_equal(text(f, tree, "a.py"), content);
    sp_pool_free(pool);
}

TEST_IN_DIR(stays_open_and_is_told_from_others)
{
    struct sp_repository *one, *again, *other;
    assert_ok(f, sp_tree_git_keep_open(&f->err));
    make(f, "r", "one = 1\n");
    make(f, "s", "other = 1\n");
    assert_holds(f, "r", "one = 1\n");
    assert_ok(f, sp_repository_open(f->pool, scratch_path(f, "r"), &one, &f->err));
    sp_repository_close(one);
    assert_ok(f, sp_repository_open(f->pool, scratch_path(f, "r"), &again, &f->err));
    assert_ptr_equal(one, again);
    assert_ok(f, sp_repository_open(f->pool, scratch_path(f, "s"), &other, &f->err));
    assert_ptr_not_equal(one, other);
    assert_holds(f, "r", "one = 1\n"); /* in use still, though another one was opened */
    sp_repository_close(again);
    sp_repository_close(other);
    assert_holds(f, "s", "other = 1\n");
}

TEST_IN_DIR(another_one_at_the_same_path_is_seen)
{
    assert_ok(f, sp_tree_git_keep_open(&f->err));
    make(f, "r", "one = 1\n");
    make(f, "s", "other = 1\n");
    assert_holds(f, "r", "one = 1\n");
    assert_int_equal(rename(scratch_path(f, "r"), scratch_path(f, "t")), 0);
    assert_int_equal(rename(scratch_path(f, "s"), scratch_path(f, "r")), 0);
    assert_holds(f, "r", "other = 1\n");
    assert_holds(f, "t", "one = 1\n");
}

TEST_IN_DIR(one_that_cannot_be_opened_is_not_kept)
{
    struct sp_repository *none = NULL;
    assert_ok(f, sp_tree_git_keep_open(&f->err));
    assert_fails(f, sp_repository_open(f->pool, scratch_path(f, "r"), &none, &f->err),
                 SP_ERROR_REFUSED, "cannot open it as a git repository");
    make(f, "r", "one = 1\n");
    assert_holds(f, "r", "one = 1\n");
}
