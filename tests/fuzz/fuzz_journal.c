/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are a journal or are refused; one that is taken names nothing but paths below the root and
 * plain file names, and is the same after it was written and read again. As a file it needs its
 * checksum. */
#include <inttypes.h>
#include <string.h>

#include "base/path.h"
#include "place.h"
#include "txn/journal.h"

static const char *const names[] = {"journal.yaml", NULL};

static void check_journal(const struct sp_journal *journal)
{
    CHECK(journal->state <= SP_JOURNAL_ABORTED);
    for (size_t i = 0; i < journal->files.count; i++) {
        const struct sp_journal_file *file = &journal->files.items[i];
        CHECK(sp_path_is_safe_relative(file->path));
        CHECK(sp_path_is_safe_relative(file->temp) && !strchr(file->temp, '/'));
        CHECK(*file->before.hex || *file->after.hex || file->action == SP_ACTION_NONE);
    }
    for (size_t i = 0; i < journal->dirs.count; i++) {
        CHECK(journal->dirs.items[i].path[0] != '/');
        CHECK(journal->dirs.items[i].before.tv_nsec >= 0);
        CHECK(journal->dirs.items[i].before.tv_nsec <= 999999999);
    }
}

static void check_again(struct sp_pool *pool, const struct sp_journal *journal)
{
    struct sp_buffer first = SP_BUFFER_INIT, second = SP_BUFFER_INIT;
    struct sp_error err = SP_ERROR_INIT;
    struct sp_journal again;
    int rc = sp_journal_format(pool, journal, &first, &err);
    CHECK(rc == 0);
    rc = sp_journal_parse(pool, "again", (struct sp_bytes){first.data, first.len}, &again, &err);
    CHECK(rc == 0);
    CHECK(again.files.count == journal->files.count && again.dirs.count == journal->dirs.count);
    CHECK(again.state == journal->state && again.undoes.count == journal->undoes.count);
    rc = sp_journal_format(pool, &again, &second, &err);
    CHECK(rc == 0);
    CHECK(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    sp_buffer_free(&first);
    sp_buffer_free(&second);
}

/* 1: it is a journal; 0: it is refused. */
static int load(struct sp_pool *pool, const void *data, size_t size)
{
    struct sp_error err = SP_ERROR_INIT;
    struct sp_journal journal;
    bool found;
    const struct sp_dir place = {place_open(names), "place"};
    place_put(names[0], data, size);
    int rc = sp_journal_load(pool, &place, 7, &journal, &found, &err);
    CHECK(rc == 0 ? found && journal.id == 7 : err.kind == SP_ERROR_NEEDS_RECOVERY);
    sp_error_clear(&err);
    return rc == 0;
}

static void check_load(struct sp_pool *pool, const uint8_t *data, size_t size, bool parsed)
{
    struct sp_buffer text = SP_BUFFER_INIT;
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ data[i]) * UINT64_C(0x100000001b3);
    sp_buffer_add(&text, data, size);
    sp_buffer_printf(&text, "# checksum %016" PRIx64 "\n", sum);
    CHECK(load(pool, text.data, text.len) == (parsed && size > 0));
    text.data[size / 2] ^= 1;
    CHECK(!load(pool, text.data, text.len));
    CHECK(!load(pool, text.data, text.len - 1));
    sp_buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_pool *pool = sp_pool_new();
    struct sp_error err = SP_ERROR_INIT;
    struct sp_journal journal;
    struct sp_bytes text = {(const char *)data, size};
    bool parsed = sp_journal_parse(pool, "input", text, &journal, &err) == 0;
    if (parsed) {
        check_journal(&journal);
        check_again(pool, &journal);
    } else {
        CHECK(err.kind == SP_ERROR_REFUSED && strncmp(err.message, "input:", 6) == 0);
    }
    sp_error_clear(&err);
    load(pool, data, size);
    check_load(pool, data, size, parsed);
    sp_pool_free(pool);
    return 0;
}
