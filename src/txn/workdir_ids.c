/* SPDX-License-Identifier: Apache-2.0 */
/* The directories transactions/ID, and the numbers that have one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "fs/read.h"
#include "fs/write.h"
#include "txn/journal.h"
#include "txn/workdir.h"
#include "txn/workdir_part.h"

static void id_name(unsigned id, char out[16])
{
    snprintf(out, 16, "%u", id);
}

static int by_number(const void *a, const void *b)
{
    const unsigned *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

/* The number that a directory name is; 0 for none of ours. */
static unsigned number_of(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > 8 || strspn(name, "0123456789") != len || *name == '0')
        return 0;
    return (unsigned)strtoul(name, NULL, 10);
}

/* Whether everything in the directory is made here: then it is a transaction that ended early. A
 * directory of the administrator's may have a number for a name, too. */
static bool is_ours(struct sp_pool *pool, const struct sp_dir *dir, const char *name)
{
    SP_CLEANUP_DIR struct sp_dir own = SP_DIR_NONE;
    struct stat st;
    sp_strv names = {NULL, 0, 0};
    sp_workdir_open_part(pool, dir, name, &own);
    if (own.fd < 0)
        return true; /* why not is told when it is opened */
    for (size_t i = 0; i < 3; i++)
        if (fstatat(own.fd, sp_journal_names[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
            return true;
    if (sp_fs_list(&own, pool, &names, NULL) < 0)
        return true;
    for (size_t i = 0; i < names.count; i++) {
        bool known = strcmp(names.items[i], "backup.tar") == 0 ||
                     strcmp(names.items[i], "changes.patch") == 0;
        for (size_t j = 0; j < 3; j++)
            known |=
                strcmp(names.items[i], sp_pool_printf(pool, ".%s.new", sp_journal_names[j])) == 0;
        if (!known)
            return false;
    }
    return true;
}

static void sort(sp_ids *ids)
{
    if (ids->count)
        qsort(ids->items, ids->count, sizeof(ids->items[0]), by_number);
}

int sp_workdir_ids(struct sp_pool *pool, const struct sp_workdir *workdir, sp_ids *out,
                   sp_ids *foreign, struct sp_error *err)
{
    const struct sp_dir *dir = &workdir->transactions;
    sp_strv names = {NULL, 0, 0};
    if (dir->fd < 0)
        return 0;
    if (sp_fs_list(dir, pool, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.items[i];
        if (!number_of(name))
            continue;
        if (sp_workdir_misfit(pool, workdir, dir, name)) {
            if (foreign)
                *SP_PUSH(pool, foreign) = number_of(name);
        } else if (is_ours(pool, dir, name)) {
            *SP_PUSH(pool, out) = number_of(name);
        }
    }
    sort(out);
    if (foreign)
        sort(foreign);
    return 0;
}

const char *sp_workdir_foreign(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id)
{
    char name[16];
    id_name(id, name);
    return sp_workdir_misfit(pool, workdir, &workdir->transactions, name);
}

int sp_workdir_staged_ids(struct sp_pool *pool, const struct sp_workdir *workdir, sp_ids *out,
                          struct sp_error *err)
{
    sp_strv names = {NULL, 0, 0};
    if (workdir->staging.fd < 0)
        return 0;
    if (sp_fs_list(&workdir->staging, pool, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.count; i++) {
        struct stat st;
        if (number_of(names.items[i]) &&
            fstatat(workdir->staging.fd, names.items[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISDIR(st.st_mode))
            *SP_PUSH(pool, out) = number_of(names.items[i]);
    }
    sort(out);
    return 0;
}

int sp_workdir_transaction(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                           struct sp_dir *out, struct sp_error *err)
{
    char name[16];
    id_name(id, name);
    sp_workdir_open_part(pool, &workdir->transactions, name, out);
    return out->fd < 0 ? sp_error_errno(err, errno, "cannot open '%s'", out->shown) : 0;
}

int sp_workdir_new_transaction(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned *id,
                               struct sp_dir *out, struct sp_error *err)
{
    char name[16];
    bool created = false;
    for (; !created; *id += !created) {
        id_name(*id, name);
        if (sp_workdir_foreign(pool, workdir, *id))
            continue;
        if (sp_fs_mkdir(&workdir->transactions, name, 0700, &created, err) < 0)
            return -1;
    }
    if (sp_fs_sync_dir(&workdir->transactions, err) < 0)
        return -1;
    return sp_workdir_transaction(pool, workdir, *id, out, err);
}

int sp_workdir_set_aside(struct sp_pool *pool, const struct sp_workdir *workdir, unsigned id,
                         const char **kept, struct sp_error *err)
{
    char name[16];
    id_name(id, name);
    return sp_workdir_keep(pool, &workdir->transactions, name, kept, err);
}

int sp_workdir_drop(const struct sp_workdir *workdir, unsigned id, struct sp_error *err)
{
    char name[16];
    id_name(id, name);
    return sp_fs_remove_tree(&workdir->transactions, name, err);
}
