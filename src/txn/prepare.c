/* SPDX-License-Identifier: Apache-2.0 */
/* The first part of a transaction: looking, and changing nothing. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/path.h"
#include "fs/read.h"
#include "fs/resolve.h"
#include "fs/write.h"
#include "txn/run.h"

enum {
    SPARE = 64 * 1024
};

static int find_place(struct sp_run *r, const char *path, struct sp_place **out,
                      struct sp_error *err)
{
    const char *dir = sp_path_dirname(r->pool, path);
    for (size_t i = 0; i < r->places.count; i++)
        if (strcmp(r->places.items[i]->path, dir) == 0) {
            *out = r->places.items[i];
            return 0;
        }
    struct sp_place *place = sp_pool_alloc(r->pool, sizeof(*place));
    place->path = dir;
    if (sp_fs_open_dir(r->root, r->pool, dir, &place->dir, err) < 0)
        return -1;
    *SP_PUSH(r->pool, &r->places) = place;
    if (fstat(place->dir.fd, &place->st) < 0)
        return sp_error_errno(err, errno, "cannot look at '%s'", place->dir.shown);
    *out = place;
    return sp_fs_check_writable(&place->dir, err);
}

static int changed(const struct sp_step *step, struct sp_error *err)
{
    return sp_error_set(err, SP_ERROR_REFUSED,
                        "'%s' was changed by something else since it was looked at; it was left "
                        "alone, run the command again",
                        step->shown);
}

/* Whether the file that was read just now is the one of the first look. */
static bool is_first(struct sp_run *r, struct sp_step *step, const struct stat *read)
{
    struct sp_expected now;
    if (sp_fs_is_unchanged(&step->found.st, read))
        return true;
    if (sp_fs_expect(&step->place->dir, r->pool, step->name, &now, NULL) != SP_FOUND ||
        !sp_fs_is_unchanged(read, &now.st) || !sp_fs_is_same(&step->found, &now))
        return false;
    step->found = now;
    return true;
}

int sp_run_check_target(struct sp_run *r, struct sp_step *step, struct sp_error *err)
{
    struct sp_content now;
    const struct sp_bytes *before = &step->change->before;
    if (sp_fs_read_at(&step->place->dir, r->pool, step->name, SP_MAX_SOURCE, &now, err) < 0)
        return -1;
    if (!now.complete || (now.bytes.data != NULL) != (before->data != NULL) ||
        !sp_bytes_equal(now.bytes, *before) || (before->data && !is_first(r, step, &now.st)))
        return changed(step, err);
    return 0;
}

static int look_at_target(struct sp_run *r, struct sp_step *step, struct sp_error *err)
{
    if (step->change->before.data) {
        enum sp_found found =
            sp_fs_expect(&step->place->dir, r->pool, step->name, &step->found, err);
        if (found != SP_FOUND)
            return found == SP_ABSENT ? changed(step, err) : -1;
        if (sp_fs_check_replaceable(&step->place->dir, step->name, err) < 0)
            return -1;
    }
    return sp_run_check_target(r, step, err);
}

/* Python 2 takes a compiled file for current when it names the source's modification time in seconds:
 * a new content must not have the time of the old one. */
static void avoid_stale_pyc(struct sp_step *step)
{
    time_t old = step->found.st.st_mtim.tv_sec;
    if (time(NULL) != old)
        return;
    step->meta.mtime = (struct timespec){.tv_sec = old + 1};
    step->keep |= SP_KEEP_MTIME;
}

/* A content that goes back takes its time and its hashes with it. */
static void take_content_meta(struct sp_run *r, struct sp_step *step, const struct sp_meta *from)
{
    step->meta.mtime = from->mtime;
    step->keep |= SP_KEEP_MTIME;
    for (size_t i = 0; i < from->xattrs.count; i++)
        if (sp_meta_is_hash(from->xattrs.items[i].name))
            *SP_PUSH(r->pool, &step->meta.xattrs) = from->xattrs.items[i];
    if (!sp_meta_is_same(from, &step->found.meta) && r->txn->notes)
        *SP_PUSH(r->pool, r->txn->notes) = sp_pool_printf(
            r->pool, "the mode, owner or attributes of '%s' were changed since; they stay",
            step->shown);
}

/* The metadata of the new file. A file that is replaced keeps mode, owner and attributes, whatever the
 * content: so no transaction changes them, and nobody's chmod(1) is undone. */
static void choose_meta(struct sp_run *r, struct sp_step *step)
{
    const struct sp_file_change *change = step->change;
    if (change->before.data) {
        step->meta = step->found.meta;
        sp_meta_drop_hashes(&step->meta);
        step->keep = SP_KEEP_MODE | SP_KEEP_OWNER | SP_KEEP_XATTRS | SP_KEEP_FLAGS;
        if (change->meta)
            take_content_meta(r, step, change->meta);
        else
            avoid_stale_pyc(step);
    } else if (change->meta) {
        step->meta = *change->meta;
        step->keep = SP_KEEP_ALL;
    } else {
        step->meta = (struct sp_meta){
            .mode = 0644, .uid = step->place->st.st_uid, .gid = step->place->st.st_gid};
        step->keep = SP_KEEP_MODE | SP_KEEP_OWNER | SP_MODE_ONLY;
    }
}

static int hash_if(struct sp_bytes content, struct sp_blob_id *out, struct sp_error *err)
{
    out->hex[0] = '\0';
    return content.data ? sp_blob_hash(content, out, err) : 0;
}

static int prepare_step(struct sp_run *r, const struct sp_file_change *change, const char *random,
                        struct sp_error *err)
{
    struct sp_step *step = SP_PUSH(r->pool, &r->steps);
    *step = (struct sp_step){.change = change, .name = sp_path_basename(change->path)};
    step->shown = sp_root_show(r->root, r->pool, change->path);
    step->temp = sp_pool_printf(r->pool, ".%s" SP_TEMP_MARK "%s", step->name, random);
    if (!sp_path_is_safe_relative(change->path))
        return sp_error_set(
            err, SP_ERROR_REFUSED,
            "the path '%s' has control characters, a backslash, or bytes that are not UTF-8 in "
            "it; a journal cannot hold it",
            step->shown);
    if (find_place(r, change->path, &step->place, err) < 0 || look_at_target(r, step, err) < 0)
        return -1;
    choose_meta(r, step);
    step->place->needed += change->after.len;
    if (!r->workdir)
        return 0; /* hashes are for the journal: a mere look needs none */
    if (hash_if(change->before, &step->before, err) < 0)
        return -1;
    step->after = change->after_id;
    return *step->after.hex ? 0 : hash_if(change->after, &step->after, err);
}

/* Room for the new files, with some to spare: a full disk is better met before than in between. */
static int check_space(struct sp_run *r, struct sp_error *err)
{
    uint64_t free_bytes;
    for (size_t i = 0; i < r->places.count; i++) {
        const struct sp_place *place = r->places.items[i];
        if (sp_fs_free_bytes(&place->dir, &free_bytes, err) < 0)
            return -1;
        if (free_bytes < place->needed + SPARE)
            return sp_error_set(err, SP_ERROR_SYSTEM, "there is not enough free space in '%s'",
                                place->dir.shown);
    }
    return 0;
}

uint64_t sp_transaction_space(const struct sp_transaction *txn)
{
    uint64_t needed = SPARE;
    for (size_t i = 0; i < txn->changes.count; i++)
        needed += 2 * txn->changes.items[i].before.len + txn->changes.items[i].after.len;
    return needed;
}

int sp_run_prepare(struct sp_run *r, struct sp_error *err)
{
    char random[9];
    sp_fs_random_name(random);
    for (size_t i = 0; i < r->txn->changes.count; i++)
        if (prepare_step(r, &r->txn->changes.items[i], random, err) < 0)
            return -1;
    if (check_space(r, err) < 0)
        return -1;
    return r->workdir ? sp_workdir_check_space(r->workdir, sp_transaction_space(r->txn), err) : 0;
}

static bool is_at(struct sp_run *r, const char *path, const struct stat *expected)
{
    const char *real;
    struct stat st;
    return sp_fs_resolve(r->root, r->pool, path, &real, &st, NULL) == 0 && real &&
           st.st_dev == expected->st_dev && st.st_ino == expected->st_ino;
}

int sp_run_check_places(struct sp_run *r, struct sp_error *err)
{
    struct stat st;
    const char *own =
        sp_pool_printf(r->pool, "%s/transactions/%u", r->workdir->path, r->journal.id);
    if (fstat(r->dir.fd, &st) < 0)
        return sp_error_errno(err, errno, "cannot look at '%s'", r->dir.shown);
    const char *moved = is_at(r, own, &st) ? NULL : r->dir.shown;
    for (size_t i = 0; i < r->places.count && !moved; i++)
        if (!is_at(r, r->places.items[i]->path, &r->places.items[i]->st))
            moved = r->places.items[i]->dir.shown;
    if (!moved)
        return 0;
    return sp_error_set(err, SP_ERROR_REFUSED,
                        "the directory '%s' was moved or replaced by something else meanwhile; run "
                        "the command again",
                        moved);
}
