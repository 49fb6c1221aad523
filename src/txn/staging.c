/* SPDX-License-Identifier: Apache-2.0 */
/* The new contents of a transaction in work/ID, by their real paths. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "fs/read.h"
#include "fs/write.h"
#include "txn/workdir.h"
#include "txn/workdir_part.h"

enum {
    MAX_STAGED = 4096 /* directories that are looked into */
};

/* Opens the directory in work/ID in which the staged file of the real path is. */
static int open_staged(struct sp_pool *pool, const struct sp_workdir *workdir, const char *rest,
                       bool create, struct sp_dir *out, struct sp_error *err)
{
    *out = (struct sp_dir){dup(workdir->staging.fd), workdir->staging.shown};
    while (out->fd >= 0 && *rest) {
        size_t len = strcspn(rest, "/");
        const char *part = sp_pool_memdup(pool, rest, len);
        SP_CLEANUP_DIR struct sp_dir above = *out;
        rest += len;
        rest += strspn(rest, "/");
        out->fd = -1;
        if (create && sp_fs_mkdir(&above, part, 0700, NULL, err) < 0)
            return -1;
        sp_workdir_open_part(pool, &above, part, out);
    }
    if (out->fd < 0)
        return sp_error_errno(err, errno, "cannot open the staging directory '%s'", out->shown);
    return 0;
}

/* ID/DIR of the real path DIR/NAME. */
static const char *staged_path(struct sp_pool *pool, unsigned id, const char *path)
{
    return sp_path_join(pool, sp_pool_printf(pool, "%u", id), sp_path_dirname(pool, path));
}

int sp_workdir_stage(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                     const char *path, struct sp_bytes content, struct sp_error *err)
{
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    const char *name = sp_path_basename(path);
    if (open_staged(pool, workdir, staged_path(pool, id, path), true, &dir, err) < 0)
        return -1;
    /* nothing relies on it after a crash, so it is not synced */
    SP_CLEANUP_FD int fd = sp_fs_open_new(&dir, name, 0600, err);
    return fd < 0 ? -1 : sp_fs_write(&(struct sp_file){fd, &dir, name}, content, err);
}

int sp_workdir_staged(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                      const char *path, struct sp_bytes *out, struct sp_error *err)
{
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    struct sp_content content;
    const char *name = sp_path_basename(path);
    if (open_staged(pool, workdir, staged_path(pool, id, path), false, &dir, err) < 0 ||
        sp_fs_read_at(&dir, pool, name, SP_MAX_SOURCE, &content, err) < 0)
        return -1;
    if (!content.bytes.data || !content.complete)
        return sp_error_set(err, SP_ERROR_SYSTEM, "the staged file '" SP_AT "' is gone",
                            SP_AT_ARGS(&dir, name));
    *out = content.bytes;
    return 0;
}

int sp_workdir_unstage(const struct sp_workdir *workdir, unsigned id, struct sp_error *err)
{
    char name[16];
    snprintf(name, sizeof(name), "%u", id);
    return sp_fs_remove_tree(&workdir->staging, name, err);
}

int sp_workdir_sync_staging(const struct sp_workdir *workdir, struct sp_error *err)
{
    return sp_fs_sync_dir(&workdir->staging, err);
}

/* Adds what is in the directory ID/PATH: files by their real paths, directories for later. */
static int list_staged(struct sp_pool *pool, const struct sp_dir *dir, const char *path,
                       sp_strv *files, sp_strv *later, struct sp_error *err)
{
    sp_strv names = {NULL, 0, 0};
    if (sp_fs_list(dir, pool, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.count; i++) {
        struct stat st;
        const char *below = sp_path_join(pool, path, names.items[i]);
        if (fstatat(dir->fd, names.items[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISREG(st.st_mode))
            *SP_PUSH(pool, files) = below;
        else if (S_ISDIR(st.st_mode))
            *SP_PUSH(pool, later) = below;
    }
    return 0;
}

int sp_workdir_staged_files(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                            sp_strv *out, struct sp_error *err)
{
    const char *top = sp_pool_printf(pool, "%u", id);
    sp_strv dirs = {NULL, 0, 0};
    struct stat st;
    if (workdir->staging.fd < 0 || fstatat(workdir->staging.fd, top, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    *SP_PUSH(pool, &dirs) = "";
    for (size_t i = 0; i < dirs.count && i < MAX_STAGED; i++) {
        SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
        const char *path = dirs.items[i];
        if (open_staged(pool, workdir, sp_path_join(pool, top, path), false, &dir, err) < 0 ||
            list_staged(pool, &dir, path, out, &dirs, err) < 0)
            return -1;
    }
    return 0;
}
