/* SPDX-License-Identifier: Apache-2.0 */
#include "host/spool.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "fs/meta.h"
#include "fs/read.h"
#include "fs/replace.h"
#include "fs/resolve.h"
#include "fs/write.h"

enum {
    OWNER = 0, /* root */
    DIR_MODE = 0770,
    FILE_MODE = 0660
};

struct work {
    struct sp_pool *pool;
    const struct sp_root *root;
    const struct sp_group *group;
    bool dry_run;
    struct sp_host_report *report;
    struct sp_error *err;
};

/* The beginning of a sentence about a change that a dry run leaves out. */
static const char *would(const struct work *w)
{
    return w->dry_run ? "would have " : "";
}

/* Gives the open file or directory its owner and mode. The set-group-id bit of a directory is left
 * as it is: it does no harm there, and some set it. */
static int repair(struct work *w, const struct sp_file *file, const struct stat *st, mode_t mode)
{
    mode_t kept = S_ISDIR(st->st_mode) ? 02000 : 0;
    bool owner = st->st_uid != OWNER || !w->group->exists || st->st_gid != w->group->gid;
    bool wrong_mode = (st->st_mode & 07777 & ~kept) != mode;
    mode |= st->st_mode & kept;
    if (owner) {
        if (!w->dry_run && sp_fs_chown(file, OWNER, w->group->gid, w->err) < 0)
            return -1;
        sp_host_say(w->pool, w->report, false, "%sset the owner of " SP_AT " to root:%s", would(w),
                    SP_AT_ARGS(file->dir, file->name), w->group->name);
        if (w->group->exists)
            sp_host_found(w->pool, w->report, "the owner of '" SP_AT "' is not root:%s",
                          SP_AT_ARGS(file->dir, file->name), w->group->name);
    }
    /* fchown(2) clears set-id bits, so the mode comes after it */
    if (wrong_mode || (owner && !w->dry_run)) {
        if (!w->dry_run && sp_fs_chmod(file, mode, w->err) < 0)
            return -1;
        if (wrong_mode) {
            sp_host_say(w->pool, w->report, false, "%sset the mode of " SP_AT " to %04o", would(w),
                        SP_AT_ARGS(file->dir, file->name), (unsigned)mode);
            sp_host_found(w->pool, w->report, "the mode of '" SP_AT "' is %04o, not %04o",
                          SP_AT_ARGS(file->dir, file->name), (unsigned)st->st_mode & 07777,
                          (unsigned)mode);
        }
    }
    return 0;
}

/* Opens the directory that the spool directory is in, after creating what is missing of it; in a dry
 * run *out stays closed then. Its components belong to root, and may be links of the
 * administrator's. */
static int open_parent(struct work *w, const char *path, struct sp_dir *out)
{
    const char *real;
    if (sp_fs_resolve(w->root, w->pool, path, &real, NULL, w->err) < 0)
        return -1;
    if (real)
        return sp_fs_open_dir(w->root, w->pool, real, out, w->err);
    if (w->dry_run)
        return 0;
    SP_CLEANUP_DIR struct sp_dir above = SP_DIR_NONE;
    if (open_parent(w, sp_path_dirname(w->pool, path), &above) < 0 ||
        sp_fs_mkdir(&above, sp_path_basename(path), 0755, NULL, w->err) < 0 ||
        sp_fs_sync_dir(&above, w->err) < 0)
        return -1;
    sp_host_say(w->pool, w->report, false, "created the directory %s",
                sp_root_show(w->root, w->pool, path));
    return sp_fs_open_dir(w->root, w->pool, path, out, w->err);
}

/* Creates the spool directory: 0700 first, so that nobody gets in before its owner and mode are
 * set. */
static int create_spool(struct work *w, const struct sp_dir *parent, struct sp_dir *out)
{
    const char *name = sp_path_basename(SP_SPOOL_DIR);
    if (sp_fs_mkdir(parent, name, 0700, NULL, w->err) < 0)
        return -1;
    out->fd = openat(parent->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (out->fd < 0)
        return sp_error_errno(w->err, errno, "cannot open the directory '%s'", out->shown);
    struct sp_file itself = sp_dir_itself(out);
    if (sp_fs_chown(&itself, OWNER, w->group->gid, w->err) < 0 ||
        sp_fs_chmod(&itself, DIR_MODE, w->err) < 0 || sp_fs_sync_dir(parent, w->err) < 0)
        return -1;
    sp_host_say(w->pool, w->report, false, "created the directory %s", out->shown);
    return 0;
}

/* Opens the spool directory with the right owner and mode; *out stays closed when a dry run would
 * have to create it. */
static int open_spool(struct work *w, struct sp_dir *out)
{
    struct stat st;
    SP_CLEANUP_DIR struct sp_dir parent = SP_DIR_NONE;
    const char *name = sp_path_basename(SP_SPOOL_DIR);
    if (open_parent(w, sp_path_dirname(w->pool, SP_SPOOL_DIR), &parent) < 0)
        return -1;
    bool missing = parent.fd < 0;
    if (!missing && fstatat(parent.fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT)
            return sp_error_errno(w->err, errno, "cannot look at '%s'", out->shown);
        missing = true;
    }
    if (missing && w->dry_run) {
        sp_host_say(w->pool, w->report, false, "would have created the directory %s", out->shown);
        sp_host_found(w->pool, w->report, "the directory '%s' does not exist", out->shown);
        return 0;
    }
    if (missing)
        return create_spool(w, &parent, out);
    out->fd = openat(parent.fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (out->fd < 0 && (errno == ELOOP || errno == ENOTDIR))
        return sp_error_set(w->err, SP_ERROR_REFUSED,
                            "%s is not a directory, or is a symbolic link; move it away",
                            out->shown);
    if (out->fd < 0 || fstat(out->fd, &st) < 0)
        return sp_error_errno(w->err, errno, "cannot open the directory '%s'", out->shown);
    struct sp_file itself = sp_dir_itself(out);
    return repair(w, &itself, &st, DIR_MODE);
}

/* Creates the file under another name with its owner and mode, so that no service ever finds it
 * empty, or readable by all. A service that was faster, and made one itself, is no error. */
static int create_file(struct work *w, const struct sp_dir *dir)
{
    char random[9];
    struct sp_meta meta = {.mode = FILE_MODE, .uid = OWNER, .gid = w->group->gid};
    sp_fs_random_name(random);
    const char *temp = sp_pool_printf(w->pool, ".%s.%s", SP_SPOOL_FILE, random);
    if (sp_fs_create(dir, temp, SP_BYTES_STR("{}"), &meta, SP_KEEP_MODE | SP_KEEP_OWNER, w->err) <
        0)
        return -1;
    if (sp_fs_rename_new(dir, temp, SP_SPOOL_FILE, w->err) < 0) {
        struct stat st;
        if (sp_fs_unlink(dir, temp, NULL) < 0 || /* the first error is the one that counts */
            fstatat(dir->fd, SP_SPOOL_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return -1;
        sp_error_clear(w->err);
        return 0;
    }
    if (sp_fs_sync_dir(dir, w->err) < 0)
        return -1;
    sp_host_say(w->pool, w->report, false, "created " SP_AT, SP_AT_ARGS(dir, SP_SPOOL_FILE));
    return 0;
}

/* Whether it is empty, as a new file may be, or has braces around it, as the drivers write it. A
 * file that was cut short or holds something else has not; more than that only its readers know. */
static bool looks_right(struct sp_bytes text)
{
    while (text.len && isspace((unsigned char)text.data[text.len - 1]))
        text.len--;
    while (text.len && isspace((unsigned char)*text.data)) {
        text.data++;
        text.len--;
    }
    return text.len == 0 || (text.len > 1 && *text.data == '{' && text.data[text.len - 1] == '}');
}

static int check_content(struct work *w, const struct sp_dir *dir)
{
    struct sp_content content;
    if (sp_fs_read_at(dir, w->pool, SP_SPOOL_FILE, SP_MAX_SOURCE, &content, w->err) < 0)
        return -1;
    if (!content.complete)
        sp_host_say(w->pool, w->report, true,
                    "'" SP_AT "' is larger than %zu bytes, so its content was not checked",
                    SP_AT_ARGS(dir, SP_SPOOL_FILE), SP_MAX_SOURCE);
    else if (content.bytes.data && !looks_right(content.bytes)) {
        sp_host_say(w->pool, w->report, true,
                    "'" SP_AT "' is no JSON object, so the drivers cannot read it; it was not "
                    "changed: if no volume is attached, put {} into it",
                    SP_AT_ARGS(dir, SP_SPOOL_FILE));
        sp_host_found(w->pool, w->report,
                      "'" SP_AT
                      "' is no JSON object, so the drivers cannot read it; if no volume is "
                      "attached, put {} into it",
                      SP_AT_ARGS(dir, SP_SPOOL_FILE));
    }
    return 0;
}

static int check_file(struct work *w, const struct sp_dir *dir, const struct stat *st)
{
    if (!S_ISREG(st->st_mode))
        return sp_error_set(w->err, SP_ERROR_REFUSED,
                            SP_AT " is %s, not a regular file; find out who put it there",
                            SP_AT_ARGS(dir, SP_SPOOL_FILE), sp_fs_kind_name(st->st_mode));
    if (st->st_nlink > 1) /* its owner and mode would be those of a file elsewhere */
        return sp_error_set(w->err, SP_ERROR_REFUSED,
                            SP_AT " has more than one name (hard links); find out who put it there",
                            SP_AT_ARGS(dir, SP_SPOOL_FILE));
    return 0;
}

/* Looks at the file before it is opened: opening a device may already do something. */
static int repair_file(struct work *w, const struct sp_dir *dir)
{
    struct stat st;
    if (fstatat(dir->fd, SP_SPOOL_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return sp_error_errno(w->err, errno, "cannot look at '" SP_AT "'",
                              SP_AT_ARGS(dir, SP_SPOOL_FILE));
    if (check_file(w, dir, &st) < 0)
        return -1;
    SP_CLEANUP_FD int fd =
        openat(dir->fd, SP_SPOOL_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return sp_error_errno(w->err, errno, "cannot open '" SP_AT "'",
                              SP_AT_ARGS(dir, SP_SPOOL_FILE));
    const struct sp_file file = {fd, dir, SP_SPOOL_FILE};
    return check_file(w, dir, &st) < 0 ? -1 : repair(w, &file, &st, FILE_MODE);
}

static int ensure_file(struct work *w, const struct sp_dir *dir)
{
    struct stat st;
    bool missing = fstatat(dir->fd, SP_SPOOL_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
    if (missing && w->dry_run) {
        sp_host_say(w->pool, w->report, false, "would have created " SP_AT,
                    SP_AT_ARGS(dir, SP_SPOOL_FILE));
        sp_host_found(w->pool, w->report, "'" SP_AT "' does not exist",
                      SP_AT_ARGS(dir, SP_SPOOL_FILE));
        return 0;
    }
    if (missing && create_file(w, dir) < 0)
        return -1;
    return repair_file(w, dir) < 0 ? -1 : check_content(w, dir);
}

int sp_spool_ensure(struct sp_pool *pool, const struct sp_root *root, const struct sp_group *group,
                    bool dry_run, struct sp_host_report *report, struct sp_error *err)
{
    struct work w = {pool, root, group, dry_run, report, err};
    SP_CLEANUP_DIR struct sp_dir dir = {-1, sp_root_show(root, pool, SP_SPOOL_DIR)};
    if (open_spool(&w, &dir) < 0)
        return -1;
    if (dir.fd >= 0)
        return ensure_file(&w, &dir);
    sp_host_say(pool, report, false, "would have created " SP_AT, SP_AT_ARGS(&dir, SP_SPOOL_FILE));
    return 0;
}
