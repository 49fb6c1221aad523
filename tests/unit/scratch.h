/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of a test's own, and files in it. */
#ifndef SP_TEST_SCRATCH_H
#define SP_TEST_SCRATCH_H

#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"

static inline const char *scratch_path(struct fixture *f, const char *name)
{
    return sp_pool_printf(f->pool, "%s/%s", f->dir, name);
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
static inline const char *scratch_write(struct fixture *f, const char *name, const void *data,
                                        size_t len)
{
    const char *path = scratch_path(f, name);
    unlink(path);
    write_file(path, data, len);
    return path;
}

static inline const char *scratch_puts(struct fixture *f, const char *name, const char *text)
{
    return scratch_write(f, name, text, strlen(text));
}

static inline struct sp_bytes scratch_slurp(struct fixture *f, const char *path)
{
    struct stat st;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    char *data = sp_pool_alloc(f->pool, (size_t)st.st_size + 1);
    assert_int_equal(fread(data, 1, (size_t)st.st_size, file), st.st_size);
    fclose(file);
    return (struct sp_bytes){data, (size_t)st.st_size};
}

static inline const char *scratch_mkdir(struct fixture *f, const char *name, mode_t mode)
{
    const char *path = scratch_path(f, name);
    assert_int_equal(mkdir(path, mode), 0);
    return path;
}

static inline void scratch_symlink(struct fixture *f, const char *target, const char *name)
{
    assert_int_equal(symlink(target, scratch_path(f, name)), 0);
}

static inline void scratch_unlink(struct fixture *f, const char *name)
{
    assert_int_equal(unlink(scratch_path(f, name)), 0);
}

/* Whether something has that name, be it a link that leads nowhere. */
static inline bool scratch_exists(struct fixture *f, const char *name)
{
    struct stat st;
    return lstat(scratch_path(f, name), &st) == 0;
}

/* The directory itself, for what works with descriptors. */
static inline int scratch_open(struct fixture *f)
{
    int fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* The file holds exactly that. */
static inline void assert_content(struct fixture *f, const char *name, const char *expected)
{
    struct sp_bytes content = scratch_slurp(f, scratch_path(f, name));
    assert_int_equal(content.len, strlen(expected));
    assert_memory_equal(content.data, expected, content.len);
}

#endif
