/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes are a journal or are refused; one that is taken names nothing but paths below the
 * root and plain file names, and is the same after it was written and read again. As a file it needs its
 * checksum. */
#include <inttypes.h>
#include <string.h>

#include "base/path.h"
#include "place.h"
#include "txn/journal.h"

static const char *const names[] = {"journal.json", "committed.json", "aborted.json", NULL};

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
    sp_journal_format(journal, &first);
    int rc =
        sp_journal_parse(pool, "again", (struct sp_bytes){first.data, first.len}, &again, &err);
    CHECK(rc == 0);
    CHECK(again.files.count == journal->files.count && again.dirs.count == journal->dirs.count);
    CHECK(again.state == journal->state && again.reverts.count == journal->reverts.count);
    sp_journal_format(&again, &second);
    CHECK(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    sp_buffer_free(&first);
    sp_buffer_free(&second);
}

/* Puts it there under a name, alone; 1: it is a journal, 0: it is refused. */
static int load(struct sp_pool *pool, const char *name, struct sp_bytes text)
{
    struct sp_error err = SP_ERROR_INIT;
    struct sp_journal journal;
    const struct sp_dir place = {place_open(names), "place"};
    for (size_t i = 0; names[i]; i++)
        unlinkat(place.fd, names[i], 0);
    place_put(name, text.data, text.len);
    int rc = sp_journal_load(pool, &place, 7, &journal, &err);
    CHECK(journal.id == 7 && journal.record == (rc == 0 ? SP_RECORD_READABLE : SP_RECORD_DAMAGED));
    CHECK(rc == 0 || err.kind == SP_ERROR_NEEDS_RECOVERY);
    CHECK(sp_journal_is_finished(&journal) == (name != names[0]));
    sp_error_clear(&err);
    return rc == 0;
}

/* With a checksum it is taken under the name of its state, and under no other. */
static void check_load(struct sp_pool *pool, const struct sp_journal *journal)
{
    struct sp_buffer text = SP_BUFFER_INIT;
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    sp_journal_format(journal, &text);
    text.len -= strlen("\n}\n");
    for (size_t i = 0; i < text.len; i++)
        sum = (sum ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001b3);
    sp_buffer_printf(&text, ",\n  \"checksum\": \"%016" PRIx64 "\"\n}\n", sum);
    struct sp_bytes bytes = {text.data, text.len};
    int own = journal->state < SP_JOURNAL_COMMITTED ? 0 : (int)journal->state - 1;
    for (int i = 0; i < 3; i++)
        CHECK(load(pool, names[i], bytes) == (i == own && text.len <= SP_MAX_JOURNAL));
    text.data[text.len / 2] ^= 1;
    CHECK(!load(pool, names[own], bytes));
    bytes.len--;
    CHECK(!load(pool, names[own], bytes));
    sp_buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_pool *pool = sp_pool_new();
    struct sp_error err = SP_ERROR_INIT;
    struct sp_journal journal;
    struct sp_bytes text = {(const char *)data, size};
    if (sp_journal_parse(pool, "input", text, &journal, &err) == 0) {
        check_journal(&journal);
        check_again(pool, &journal);
        check_load(pool, &journal);
    } else {
        CHECK(err.kind == SP_ERROR_REFUSED && strncmp(err.message, "input:", 6) == 0);
    }
    sp_error_clear(&err);
    load(pool, names[size % 3], text);
    sp_pool_free(pool);
    return 0;
}
