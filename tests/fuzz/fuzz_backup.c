/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are an archive of originals or are refused; what is taken has names that stay inside,
 * each once, and is the same after it was written and read again. */
#include <string.h>

#include "base/path.h"
#include "fs/meta.h"
#include "place.h"
#include "txn/backup.h"

static const char *const names[] = {"input", "again", NULL};

static void check_meta(const struct sp_meta *a, const struct sp_meta *b)
{
    CHECK(a->mode == b->mode && a->uid == b->uid && a->gid == b->gid);
    CHECK(a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec);
    CHECK(a->xattrs.count == b->xattrs.count);
}

static void check_items(const struct sp_backup_entry *items, size_t count)
{
    CHECK(count <= SP_BACKUP_MAX_ENTRIES);
    for (size_t i = 0; i < count; i++) {
        CHECK(sp_path_is_safe_relative(items[i].path));
        CHECK((items[i].meta.mode & ~07777u) == 0);
        CHECK(items[i].is_dir || items[i].content.data);
        for (size_t k = 0; k < i; k++)
            CHECK(strcmp(items[i].path, items[k].path) != 0);
    }
}

static void check_again(struct sp_pool *pool, const struct sp_backup_entry *items, size_t count)
{
    struct sp_error err = SP_ERROR_INIT;
    struct sp_backup_entry *again;
    size_t count_again;
    const struct sp_dir place = {place_fd, "place"};
    unlinkat(place_fd, names[1], 0);
    if (sp_backup_write(&place, names[1], items, count, &err) == 0) {
        int rc = sp_backup_read(pool, &place, names[1], &again, &count_again, &err);
        CHECK(rc == 0 && count_again == count);
        for (size_t i = 0; i < count; i++) {
            CHECK(strcmp(again[i].path, items[i].path) == 0);
            CHECK(again[i].is_dir == items[i].is_dir);
            CHECK(sp_bytes_equal(again[i].content, items[i].content));
            check_meta(&again[i].meta, &items[i].meta);
        }
    } else { /* an attribute with a name that can't be archived, say */
        CHECK(err.kind == SP_ERROR_REFUSED);
        CHECK(faccessat(place_fd, names[1], F_OK, 0) < 0);
    }
    sp_error_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sp_dir place = {place_open(names), "place"};
    place_put(names[0], data, size);
    struct sp_pool *pool = sp_pool_new();
    struct sp_error err = SP_ERROR_INIT;
    struct sp_backup_entry *items;
    size_t count;
    if (sp_backup_read(pool, &place, names[0], &items, &count, &err) == 0) {
        check_items(items, count);
        check_again(pool, items, count);
    } else {
        CHECK(err.kind == SP_ERROR_REFUSED);
    }
    sp_error_clear(&err);
    sp_pool_free(pool);
    return 0;
}
