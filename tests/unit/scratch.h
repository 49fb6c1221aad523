/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of a test's own, and files in it. */
#ifndef SP_TEST_SCRATCH_H
#define SP_TEST_SCRATCH_H

#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"

struct scratch {
    char dir[256];
    struct sp_pool *pool;
    struct sp_error err;
};

static inline int scratch_remove(const char *path, SP_UNUSED const struct stat *st,
                                 SP_UNUSED int type, SP_UNUSED struct FTW *ftw)
{
    return remove(path);
}

static inline int scratch_setup(void **state)
{
    struct scratch *s = sp_xmalloc(sizeof(*s));
    const char *base = getenv("TMPDIR");
    memset(s, 0, sizeof(*s));
    snprintf(s->dir, sizeof(s->dir), "%s/sp-test-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(s->dir))
        return -1;
    s->pool = sp_pool_new();
    *state = s;
    return 0;
}

static inline int scratch_teardown(void **state)
{
    struct scratch *s = *state;
    sp_pool_free(s->pool);
    sp_error_clear(&s->err);
    int rc = nftw(s->dir, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
    free(s);
    return rc;
}

#define SCRATCH_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

static inline const char *scratch_path(struct scratch *s, const char *name)
{
    return sp_pool_printf(s->pool, "%s/%s", s->dir, name);
}

static inline void write_file(const char *path, const void *data, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* Writes a file, a new one (ext4 waits for the disk when one is truncated and written again: mount
 * option auto_da_alloc, ext4(5)); returns its path. */
static inline const char *scratch_write(struct scratch *s, const char *name, const void *data,
                                        size_t len)
{
    const char *path = scratch_path(s, name);
    unlink(path);
    write_file(path, data, len);
    return path;
}

static inline const char *scratch_puts(struct scratch *s, const char *name, const char *text)
{
    return scratch_write(s, name, text, strlen(text));
}

static inline struct sp_bytes scratch_slurp(struct scratch *s, const char *path)
{
    struct stat st;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    char *data = sp_pool_alloc(s->pool, (size_t)st.st_size + 1);
    assert_int_equal(fread(data, 1, (size_t)st.st_size, file), st.st_size);
    fclose(file);
    return (struct sp_bytes){data, (size_t)st.st_size};
}

static inline const char *scratch_mkdir(struct scratch *s, const char *name, mode_t mode)
{
    const char *path = scratch_path(s, name);
    assert_int_equal(mkdir(path, mode), 0);
    return path;
}

static inline void scratch_symlink(struct scratch *s, const char *target, const char *name)
{
    assert_int_equal(symlink(target, scratch_path(s, name)), 0);
}

static inline void scratch_unlink(struct scratch *s, const char *name)
{
    assert_int_equal(unlink(scratch_path(s, name)), 0);
}

/* Whether something has that name, be it a link that leads nowhere. */
static inline bool scratch_exists(struct scratch *s, const char *name)
{
    struct stat st;
    return lstat(scratch_path(s, name), &st) == 0;
}

/* The directory itself, for what works with descriptors. */
static inline int scratch_open(struct scratch *s)
{
    int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* The file holds exactly that. */
static inline void assert_content(struct scratch *s, const char *name, const char *expected)
{
    struct sp_bytes content = scratch_slurp(s, scratch_path(s, name));
    assert_int_equal(content.len, strlen(expected));
    assert_memory_equal(content.data, expected, content.len);
}

/* rc must be 0; prints the error that says why it isn't. */
#define assert_ok(s, rc)                                                                           \
    do {                                                                                           \
        if ((rc) != 0)                                                                             \
            fail_msg("%s", (s)->err.message ? (s)->err.message : "failed without an error");       \
    } while (0)

/* rc must be -1, of that kind, with `part` in its message; clears the error. */
#define assert_fails(s, rc, kind_, part)                                                           \
    do {                                                                                           \
        assert_int_equal((rc), -1);                                                                \
        assert_true(sp_error_is_set(&(s)->err));                                                   \
        if (!strstr((s)->err.message, (part)))                                                     \
            fail_msg("'%s' is not in the message: %s", (part), (s)->err.message);                  \
        assert_int_equal((s)->err.kind, (kind_));                                                  \
        sp_error_clear(&(s)->err);                                                                 \
    } while (0)

#endif
