/* SPDX-License-Identifier: Apache-2.0 */
#include "host/storpool_files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "fs/dir.h"
#include "fs/read.h"
#include "fs/resolve.h"

static const char main_file[] = "etc/storpool.conf", more_files[] = "etc/storpool.conf.d";

struct reader {
    struct sp_pool *pool;
    const struct sp_root *root;
    sp_conf_files *out;
};

/* ---- modes ------------------------------------------------------------------------------------- */

/* Of the parent directory and the name, since a file that may not be read cannot be opened for it. */
static bool has_acl(struct reader *r, const char *real)
{
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    if (sp_fs_open_dir(r->root, r->pool, sp_path_dirname(r->pool, real), &dir, NULL) < 0)
        return false;
    const char *path =
        sp_pool_printf(r->pool, "/proc/self/fd/%d/%s", dir.fd, sp_path_basename(real));
    return lgetxattr(path, "system.posix_acl_access", NULL, 0) > 0;
}

/* Of each directory on the way, from the root on, and of the file: real has no link in it. */
static void read_modes(struct reader *r, const char *real, sp_modes *out)
{
    const char *found;
    struct stat st;
    if (*real)
        read_modes(r, sp_path_dirname(r->pool, real), out);
    if (sp_fs_resolve(r->root, r->pool, real, &found, &st, NULL) < 0 || !found)
        return;
    *SP_PUSH(r->pool, out) = (struct sp_mode){.shown = sp_root_show(r->root, r->pool, real),
                                              .is_directory = S_ISDIR(st.st_mode),
                                              .has_acl = *real && has_acl(r, real),
                                              .mode = st.st_mode & 07777,
                                              .uid = st.st_uid,
                                              .gid = st.st_gid};
}

/* ---- files ------------------------------------------------------------------------------------- */

/* Why a file or directory was not read. */
static void refuse(struct reader *r, struct sp_conf_file *file, const struct sp_error *err)
{
    bool denied = err->errnum == EACCES || err->errnum == EPERM;
    file->access = denied ? SP_CONF_DENIED : SP_CONF_UNFIT;
    file->obstacle = sp_pool_strdup(r->pool, err->message ? err->message : "cannot be read");
}

static int read_content(struct reader *r, const char *path, struct sp_conf_file *file,
                        struct sp_error *err)
{
    const char *real;
    struct sp_content content;
    if (sp_fs_resolve(r->root, r->pool, path, &real, NULL, err) < 0)
        return -1;
    file->access = SP_CONF_MISSING;
    if (!real)
        return 0;
    read_modes(r, real, &file->modes);
    if (sp_fs_read(r->root, r->pool, real, SP_CONFIG_MAX_SIZE, &content, err) < 0)
        return -1;
    if (!content.complete)
        return sp_error_set(err, SP_ERROR_REFUSED, "'%s' is larger than %zu bytes", file->shown,
                            SP_CONFIG_MAX_SIZE);
    file->access = SP_CONF_READ;
    sp_storpool_parse(r->pool, file->shown, content.bytes, &file->content);
    return 0;
}

static void read_file(struct reader *r, const char *path)
{
    SP_CLEANUP_ERROR struct sp_error err = SP_ERROR_INIT;
    struct sp_conf_file *file = SP_PUSH(r->pool, r->out);
    file->shown = sp_root_show(r->root, r->pool, path);
    if (read_content(r, path, file, &err) < 0)
        refuse(r, file, &err);
}

/* A directory that cannot be listed hides files that count. */
static void refuse_directory(struct reader *r, const struct sp_error *err)
{
    struct sp_conf_file *file = SP_PUSH(r->pool, r->out);
    file->shown = sp_root_show(r->root, r->pool, more_files);
    refuse(r, file, err);
}

static int list_files(struct reader *r, sp_strv *names, struct sp_error *err)
{
    SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
    const char *real;
    struct stat st;
    if (sp_fs_resolve(r->root, r->pool, more_files, &real, &st, err) < 0)
        return -1;
    if (!real || !S_ISDIR(st.st_mode))
        return 0;
    if (sp_fs_open_dir(r->root, r->pool, real, &dir, err) < 0)
        return -1;
    return sp_fs_list(&dir, r->pool, names, err);
}

void sp_storpool_files_read(struct sp_pool *pool, const struct sp_root *root, sp_conf_files *out)
{
    SP_CLEANUP_ERROR struct sp_error err = SP_ERROR_INIT;
    struct reader r = {pool, root, out};
    sp_strv names = {NULL, 0, 0};
    read_file(&r, main_file);
    if (list_files(&r, &names, &err) < 0)
        refuse_directory(&r, &err);
    for (size_t i = 0; i < names.count; i++) {
        if (*names.items[i] == '.' || !sp_path_stem(pool, names.items[i], ".conf"))
            continue;
        if (out->count > SP_CONFIG_MAX_FILES) {
            sp_error_set(&err, SP_ERROR_REFUSED, "'%s' has more than %u files",
                         sp_root_show(root, pool, more_files), SP_CONFIG_MAX_FILES);
            refuse_directory(&r, &err);
            return;
        }
        read_file(&r, sp_path_join(pool, more_files, names.items[i]));
    }
}
