/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "fs/read.h"
#include "fs/write.h"

/* The name of the file tells whether the transaction is finished: a finished one whose journal is
 * damaged is in nobody's way. */
#define UNFINISHED "journal.json"
const char *const sp_journal_names[3] = {UNFINISHED, "committed.json", "aborted.json"};
static const char *const file_names[] = {UNFINISHED, UNFINISHED, "committed.json", "aborted.json"};

#define CHECKSUM_HEAD ",\n  \"checksum\": \""
#define CHECKSUM_TAIL "\"\n}\n"
enum {
    CHECKSUM_HEX = 16
};

bool sp_journal_is_finished(const struct sp_journal *journal)
{
    return journal->record != SP_RECORD_ABSENT &&
           (journal->state == SP_JOURNAL_COMMITTED || journal->state == SP_JOURNAL_ABORTED);
}

/* ---- the checksum ---------------------------------------------------------------------------- */

/* FNV-1a of 64 bits (draft-eastlake-fnv): every change of one bit gives another sum. It guards
 * against accidents, not against people, who could compute it too; and it needs no library to be
 * set up, which the reading commands would spend a third of their time on. */
static void checksum(struct sp_bytes text, char out[CHECKSUM_HEX + 1])
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.len; i++)
        sum = (sum ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001b3);
    snprintf(out, CHECKSUM_HEX + 1, "%016" PRIx64, sum);
}

/* Whether the text ends with the checksum of all that is before it. */
static bool has_checksum(struct sp_bytes text)
{
    size_t head = strlen(CHECKSUM_HEAD), end = strlen(CHECKSUM_TAIL);
    size_t tail = head + CHECKSUM_HEX + end;
    char sum[CHECKSUM_HEX + 1];
    if (text.len <= tail)
        return false;
    const char *at = text.data + text.len - tail;
    checksum((struct sp_bytes){text.data, text.len - tail}, sum);
    return memcmp(at, CHECKSUM_HEAD, head) == 0 && memcmp(at + head, sum, CHECKSUM_HEX) == 0 &&
           memcmp(at + head + CHECKSUM_HEX, CHECKSUM_TAIL, end) == 0;
}

static int parse_checked(struct sp_pool *pool, const char *name, struct sp_bytes text,
                         struct sp_journal *out, struct sp_error *err)
{
    if (!has_checksum(text))
        return sp_error_set(err, SP_ERROR_REFUSED, "its checksum is missing or wrong");
    return sp_journal_parse(pool, name, text, out, err);
}

/* ---- saving ------------------------------------------------------------------------------------ */

/* Puts the checksum over all that is before it in as the last member of the object. */
static void add_checksum(struct sp_buffer *text)
{
    char sum[CHECKSUM_HEX + 1];
    text->len -= strlen("\n}\n");
    checksum((struct sp_bytes){text->data, text->len}, sum);
    sp_buffer_printf(text, CHECKSUM_HEAD "%s" CHECKSUM_TAIL, sum);
}

/* The reader's own rules, before anything relies on the record: it is taken, and says the same. */
static int check_readable(struct sp_bytes text, const char *name, struct sp_error *err)
{
    struct sp_pool *pool = sp_pool_new();
    struct sp_buffer again = SP_BUFFER_INIT;
    struct sp_journal back = {.id = 0};
    struct sp_error reason = SP_ERROR_INIT;
    int rc = text.len > SP_MAX_JOURNAL ? sp_error_set(&reason, SP_ERROR_REFUSED, "it is too long")
                                       : parse_checked(pool, name, text, &back, &reason);
    if (rc == 0) {
        sp_journal_format(&back, &again);
        add_checksum(&again);
        if (!sp_bytes_equal(text, (struct sp_bytes){again.data, again.len}))
            rc = sp_error_set(&reason, SP_ERROR_REFUSED, "it would read back differently");
    }
    if (rc < 0)
        sp_error_set(err, SP_ERROR_REFUSED, "cannot record the change in '%s': %s", name,
                     reason.message);
    sp_error_clear(&reason);
    sp_buffer_free(&again);
    sp_pool_free(pool);
    return rc;
}

int sp_journal_save(struct sp_pool *pool, const struct sp_dir *dir,
                    const struct sp_journal *journal, struct sp_error *err)
{
    SP_CLEANUP_BUFFER struct sp_buffer text = SP_BUFFER_INIT;
    const char *file = file_names[journal->state];
    const char *name = sp_path_join(pool, dir->shown, file);
    if (!sp_journal_format(journal, &text))
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "cannot record the change in '%s': a name or a version has bytes that "
                            "are not UTF-8",
                            name);
    add_checksum(&text);
    struct sp_bytes bytes = {text.data, text.len};
    if (check_readable(bytes, name, err) < 0 || sp_fs_save(dir, file, bytes, err) < 0)
        return -1;
    if (strcmp(file, UNFINISHED) == 0)
        return 0;
    return sp_fs_unlink(dir, UNFINISHED, err); /* after a crash here, the finished one counts */
}

int sp_journal_reopen(const struct sp_dir *dir, struct sp_error *err)
{
    if (sp_fs_unlink(dir, file_names[SP_JOURNAL_COMMITTED], err) < 0 ||
        sp_fs_unlink(dir, file_names[SP_JOURNAL_ABORTED], err) < 0)
        return -1;
    return sp_fs_sync_dir(dir, err);
}

/* ---- loading ----------------------------------------------------------------------------------- */

/* Reads the journal under one of its names. text->data stays NULL if there is none. */
static int read_text(struct sp_pool *pool, const struct sp_dir *dir, const char *file,
                     struct sp_bytes *text, struct sp_error *err)
{
    struct sp_content content;
    if (sp_fs_read_at(dir, pool, file, SP_MAX_JOURNAL, &content, err) < 0)
        return -1;
    *text = content.bytes;
    if (!content.complete)
        return sp_error_set(err, SP_ERROR_REFUSED, "it is longer than %zu bytes", SP_MAX_JOURNAL);
    return 0;
}

/* In the order of their weight: a crash may leave both the unfinished one and the finished one. */
static const enum sp_journal_state search_order[] = {SP_JOURNAL_COMMITTED, SP_JOURNAL_ABORTED,
                                                     SP_JOURNAL_PREPARED};

int sp_journal_load(struct sp_pool *pool, const struct sp_dir *dir, unsigned id,
                    struct sp_journal *out, struct sp_error *err)
{
    struct sp_bytes text = {NULL, 0};
    struct sp_error reason = SP_ERROR_INIT;
    const char *file = UNFINISHED;
    int rc = 0;
    memset(out, 0, sizeof(*out));
    out->id = id;
    for (size_t i = 0; rc == 0 && !text.data && i < 3; i++) {
        file = file_names[search_order[i]];
        out->state = search_order[i];
        rc = read_text(pool, dir, file, &text, &reason);
    }
    if (rc == 0 && !text.data) {
        out->record = SP_RECORD_ABSENT;
        return 0;
    }
    enum sp_journal_state by_name = out->state;
    if (rc == 0)
        rc = parse_checked(pool, sp_path_join(pool, dir->shown, file), text, out, &reason);
    if (rc == 0 && strcmp(file, file_names[out->state]) != 0)
        rc = sp_error_set(&reason, SP_ERROR_REFUSED, "it is of the state '%s'",
                          sp_journal_state_name(out->state));
    if (rc < 0) {
        *out = (struct sp_journal){.state = by_name,
                                   .record = SP_RECORD_DAMAGED,
                                   .command = "",
                                   .time = "",
                                   .tool = "",
                                   .machine = ""};
        sp_error_set(err, SP_ERROR_NEEDS_RECOVERY,
                     "the journal '%s/%s' is damaged: %s; the backup is '%s/backup.tar'",
                     dir->shown, file, reason.message, dir->shown);
    }
    out->id = id;
    sp_error_clear(&reason);
    return rc;
}
