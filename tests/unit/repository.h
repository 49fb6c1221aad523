/* SPDX-License-Identifier: Apache-2.0 */
/* Git repositories that are put together object by object. */
#ifndef SP_TEST_REPOSITORY_H
#define SP_TEST_REPOSITORY_H

#include "scratch.h"

#include "format/libgit2.h"

/* Of a tree. */
struct entry {
    const char *name;
    git_filemode_t mode;
    git_oid oid;
};

static inline git_repository *new_repository(struct fixture *f, const char *name, bool bare)
{
    git_repository *repo;
    assert_ok(f, sp_libgit2_init(&f->err));
    assert_int_equal(git_repository_init(&repo, scratch_path(f, name), bare), 0);
    return repo;
}

static inline void set_up_repository(struct fixture *f)
{
    f->own = new_repository(f, "r", true);
}

static inline void free_repository(struct fixture *f)
{
    git_repository_free(f->own);
}

/* With a scratch directory; the body sees `repo`, an empty bare repository "r" in it. */
#define TEST_ON_REPOSITORY(name)                                                                   \
    TEST_IN_DIR_WITH(name, git_repository *repo, set_up_repository, free_repository)

/* type: a number, for libgit2 has had two names for each; 2 is a tree, 3 a blob. */
static inline git_oid write_object(git_repository *repo, int type, const void *data, size_t len)
{
    git_oid oid;
    git_odb *odb;
    assert_int_equal(git_repository_odb(&odb, repo), 0);
    assert_int_equal(git_odb_write(&oid, odb, data, len, (git_object_t)type), 0);
    git_odb_free(odb);
    return oid;
}

static inline git_oid write_blob(git_repository *repo, const void *data, size_t len)
{
    return write_object(repo, 3, data, len);
}

static inline git_oid write_text(git_repository *repo, const char *text)
{
    return write_blob(repo, text, strlen(text));
}

/* Writes a tree object byte by byte, so that it may hold anything. The entries come sorted. */
static inline git_oid write_tree(git_repository *repo, const struct entry *entries, size_t count)
{
    struct sp_buffer raw = SP_BUFFER_INIT;
    for (size_t i = 0; i < count; i++) {
        sp_buffer_printf(&raw, "%o %s", (unsigned)entries[i].mode, entries[i].name);
        sp_buffer_putc(&raw, '\0');
        sp_buffer_add(&raw, entries[i].oid.id, 20);
    }
    git_oid oid = write_object(repo, 2, sp_buffer_str(&raw), raw.len);
    sp_buffer_free(&raw);
    return oid;
}

static inline git_oid commit(git_repository *repo, git_oid tree, const char *ref)
{
    git_tree *object;
    git_signature *who;
    git_oid oid;
    assert_int_equal(git_tree_lookup(&object, repo, &tree), 0);
    assert_int_equal(git_signature_new(&who, "T", "t@example.com", 1500000000, 0), 0);
    assert_int_equal(
        git_commit_create(&oid, repo, ref, who, who, NULL, "a commit", object, 0, NULL), 0);
    git_signature_free(who);
    git_tree_free(object);
    return oid;
}

#endif
