/* SPDX-License-Identifier: Apache-2.0 */
#include "host/spool.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "fs/meta.h"
#include "fs/read.h"
#include "fs/replace.h"
#include "fs/resolve.h"
#include "fs/write.h"

enum {
    OWNER = 0, /* root */
    DIR_MODE = 0770,
    FILE_MODE = 0660,
    MISSING = -2 /* a directory that a dry run would have to create; -1 is an error */
};

struct work {
    struct sp_pool *pool;
    const struct sp_root *root;
    const struct sp_group *group;
    bool dry_run;
    struct sp_host_report *report;
    struct sp_error *err;
};

/* What begins a sentence about a change that a dry run leaves out. */
static const char *would(const struct work *w)
{
    return w->dry_run ? "would have " : "";
}

/* Gives the open file or directory its owner and mode. The set-group-id bit of a directory is left
 * as it is: it does no harm there, and some set it. */
static int repair(struct work *w, int fd, const struct stat *st, mode_t mode, const char *shown)
{
    mode_t kept = S_ISDIR(st->st_mode) ? 02000 : 0;
    bool owner = st->st_uid != OWNER || !w->group->exists || st->st_gid != w->group->gid;
    bool wrong_mode = (st->st_mode & 07777 & ~kept) != mode;
    mode |= st->st_mode & kept;
    if (owner) {
        if (!w->dry_run && sp_fs_chown(fd, OWNER, w->group->gid, shown, w->err) < 0)
            return -1;
        sp_host_say(w->pool, w->report, false, "%sset the owner of %s to root:%s", would(w), shown,
                    w->group->name);
    }
    /* fchown(2) clears set-id bits, so the mode comes after it */
    if (wrong_mode || (owner && !w->dry_run)) {
        if (!w->dry_run && sp_fs_chmod(fd, mode, shown, w->err) < 0)
            return -1;
        if (wrong_mode)
            sp_host_say(w->pool, w->report, false, "%sset the mode of %s to %04o", would(w), shown,
                        (unsigned)mode);
    }
    return 0;
}

/* Opens the directory that the spool directory is in, after creating what is missing of it. A descriptor, -1,
 * or MISSING. Its components belong to root, and may be links
 * of the administrator's. */
static int open_parent(struct work *w, const char *path)
{
    const char *real;
    struct stat st;
    if (sp_fs_resolve(w->root, w->pool, path, &real, &st, w->err) < 0)
        return -1;
    if (real)
        return sp_fs_open_dir(w->root, real, w->err);
    const char *shown = sp_root_show(w->root, w->pool, path);
    if (w->dry_run)
        return MISSING;
    int above = open_parent(w, sp_path_dirname(w->pool, path));
    if (above < 0)
        return above;
    int rc = sp_fs_mkdir(above, sp_path_basename(path), 0755, NULL, shown, w->err);
    if (rc == 0)
        rc = sp_fs_sync(above, shown, w->err);
    close(above);
    if (rc < 0)
        return -1;
    sp_host_say(w->pool, w->report, false, "created the directory %s", shown);
    return sp_fs_open_dir(w->root, path, w->err);
}

/* Opens the spool directory, in order. A descriptor, -1, or MISSING. */
static int open_spool(struct work *w, const char *shown)
{
    struct stat st;
    int parent = open_parent(w, sp_path_dirname(w->pool, SP_SPOOL_DIR));
    const char *name = sp_path_basename(SP_SPOOL_DIR);
    bool created = false;
    if (parent == -1)
        return -1;
    if (parent == MISSING ||
        (w->dry_run && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)) {
        if (parent >= 0)
            close(parent);
        sp_host_say(w->pool, w->report, false, "would have created the directory %s", shown);
        return MISSING;
    }
    /* 0700 first: nobody gets in before its owner and mode are set */
    int fd = -1, rc = 0;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        rc = errno == ENOENT ? sp_fs_mkdir(parent, name, 0700, &created, shown, w->err)
                             : sp_error_errno(w->err, errno, "can't look at %s", shown);
    if (rc == 0) {
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
            rc = sp_error_set(w->err, SP_ERROR_REFUSED,
                              "%s is not a directory, or is a symbolic link; move it away", shown);
        else if (fd < 0 || fstat(fd, &st) < 0)
            rc = sp_error_errno(w->err, errno, "can't open the directory %s", shown);
    }
    if (rc == 0 && created) {
        rc = sp_fs_chown(fd, OWNER, w->group->gid, shown, w->err);
        if (rc == 0)
            rc = sp_fs_chmod(fd, DIR_MODE, shown, w->err);
        if (rc == 0)
            rc = sp_fs_sync(parent, shown, w->err);
        if (rc == 0)
            sp_host_say(w->pool, w->report, false, "created the directory %s", shown);
    } else if (rc == 0) {
        rc = repair(w, fd, &st, DIR_MODE, shown);
    }
    close(parent);
    if (rc < 0 && fd >= 0)
        close(fd);
    return rc < 0 ? -1 : fd;
}

/* The file comes into being under another name with all that belongs to it, so that no service
 * ever meets it empty, or readable by all. 1 when a service was faster, and made one itself. */
static int create_file(struct work *w, int dir, const char *shown)
{
    char random[9];
    struct sp_meta meta = {.mode = FILE_MODE, .uid = OWNER, .gid = w->group->gid};
    if (sp_fs_random_name(random, w->err) < 0)
        return -1;
    const char *temp = sp_pool_printf(w->pool, ".%s.%s", SP_SPOOL_FILE, random);
    if (sp_fs_create(dir, temp, SP_BYTES_STR("{}"), &meta, SP_KEEP_MODE | SP_KEEP_OWNER, shown,
                     w->err) < 0)
        return -1;
    if (sp_fs_rename_new(dir, temp, SP_SPOOL_FILE, shown, w->err) < 0) {
        struct sp_error second = SP_ERROR_INIT; /* the first one is what counts */
        struct stat st;
        if (sp_fs_unlink(dir, temp, shown, &second) < 0)
            sp_error_clear(&second);
        if (fstatat(dir, SP_SPOOL_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return -1;
        sp_error_clear(w->err);
        return 1;
    }
    if (sp_fs_sync(dir, shown, w->err) < 0)
        return -1;
    sp_host_say(w->pool, w->report, false, "created %s", shown);
    return 0;
}

/* Whether it is empty, as a new file may be, or has braces around it, as what the drivers write. A
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

static int check_content(struct work *w, int dir, const char *shown)
{
    struct sp_bytes text;
    bool complete;
    if (sp_fs_read_at(dir, w->pool, SP_SPOOL_FILE, SP_MAX_SOURCE, &text, &complete, NULL, w->err) <
        0)
        return sp_error_prefix(w->err, "%s", shown);
    if (!complete)
        sp_host_say(w->pool, w->report, true,
                    "'%s' is larger than %zu bytes, so its content was not checked", shown,
                    SP_MAX_SOURCE);
    else if (!looks_right(text))
        sp_host_say(w->pool, w->report, true,
                    "'%s' is no JSON object, so the drivers cannot read it; it was not changed: if "
                    "no volume is attached, put {} into it",
                    shown);
    return 0;
}

static int ensure_file(struct work *w, int dir, const char *shown)
{
    struct stat st;
    if (fstatat(dir, SP_SPOOL_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT)
            return sp_error_errno(w->err, errno, "can't look at %s", shown);
        if (w->dry_run) {
            sp_host_say(w->pool, w->report, false, "would have created %s", shown);
            return 0;
        }
        int rc = create_file(w, dir, shown);
        if (rc <= 0)
            return rc;
        if (fstatat(dir, SP_SPOOL_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return sp_error_errno(w->err, errno, "can't look at %s", shown);
    }
    /* looked at before it is opened: opening a device may already do something */
    if (!S_ISREG(st.st_mode))
        return sp_error_set(w->err, SP_ERROR_REFUSED,
                            "%s is %s, not a regular file; find out who put it there", shown,
                            S_ISLNK(st.st_mode) ? "a symbolic link" : "something special");
    int fd = openat(dir, SP_SPOOL_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        sp_error_errno(w->err, errno, "can't open %s", shown);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    int rc;
    if (!S_ISREG(st.st_mode))
        rc = sp_error_set(w->err, SP_ERROR_REFUSED, "%s was replaced while it was being opened",
                          shown);
    else if (st.st_nlink > 1) /* its owner and mode would be those of a file elsewhere */
        rc = sp_error_set(w->err, SP_ERROR_REFUSED,
                          "%s has more than one name (hard links); find out who put it there",
                          shown);
    else
        rc = repair(w, fd, &st, FILE_MODE, shown);
    close(fd);
    return rc < 0 ? -1 : check_content(w, dir, shown);
}

int sp_spool_ensure(struct sp_pool *pool, const struct sp_root *root, const struct sp_group *group,
                    bool dry_run, struct sp_host_report *report, struct sp_error *err)
{
    struct work w = {pool, root, group, dry_run, report, err};
    int dir = open_spool(&w, sp_root_show(root, pool, SP_SPOOL_DIR));
    const char *file = sp_root_show(root, pool, SP_SPOOL_DIR "/" SP_SPOOL_FILE);
    if (dir == MISSING) {
        sp_host_say(pool, report, false, "would have created %s", file);
        return 0;
    }
    if (dir < 0)
        return -1;
    int rc = ensure_file(&w, dir, file);
    close(dir);
    return rc;
}
