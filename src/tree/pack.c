/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "fs/read.h"
#include "tree/delta.h"
#include "tree/inflate.h"

enum {
    SUM = 20, /* bytes of the checksum at the end of a pack, and of two at that of an index */
    PACK_HEADER = 12,
    FANOUT = 256,
    FANOUT_SIZE = 1024,
    ID_DIGITS = 40,
    MAX_PACKS = 1000, /* each is looked into for each object; git packs anew at 50: git-gc(1) */
    MAX_CHAIN = 4096  /* deltas upon deltas: git makes no longer chains (git-pack-objects(1)) */
};
#define MAX_WORK ((size_t)512 << 20) /* bytes of all the results on the way to one object */

enum type {
    OFFSET_DELTA = 6,
    NAME_DELTA = 7
};

/* A pack that is open. */
struct pack {
    const char *name;
    int fd, index;
    uint64_t end; /* of its objects */
    bool second;  /* the version of its index */
    uint32_t fanout[FANOUT], large;
};

/* ---- indexes ------------------------------------------------------------------------------- */

static uint32_t be32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t be64(const unsigned char *at)
{
    return (uint64_t)be32(at) << 32 | be32(at + 4);
}

static bool read_at(int fd, void *out, size_t len, uint64_t at)
{
    ssize_t got;
    do
        got = pread(fd, out, len, (off_t)at);
    while (got < 0 && errno == EINTR);
    return got >= 0 && (size_t)got == len;
}

static uint32_t count_of(const struct pack *pack)
{
    return pack->fanout[FANOUT - 1];
}

/* Where the tables of the index are, and the one item of them. */
static uint64_t name_at(const struct pack *pack, uint32_t i)
{
    return pack->second ? 8 + FANOUT_SIZE + (uint64_t)i * SUM
                        : FANOUT_SIZE + (uint64_t)i * (4 + SUM) + 4;
}

static uint64_t offset_at(const struct pack *pack, uint32_t i)
{
    return pack->second ? 8 + FANOUT_SIZE + (uint64_t)count_of(pack) * (SUM + 4) + (uint64_t)i * 4
                        : FANOUT_SIZE + (uint64_t)i * (4 + SUM);
}

static uint64_t large_at(const struct pack *pack, uint32_t i)
{
    return offset_at(pack, count_of(pack)) + (uint64_t)i * 8;
}

static bool open_file(int dirfd, const char *name, int *fd, uint64_t *size)
{
    struct stat st;
    *fd = sp_fs_open_file(dirfd, name, &st);
    if (*fd < 0)
        return false;
    *size = (uint64_t)st.st_size;
    return true;
}

/* Reads the first table of the index; whether the size of the file is the one that it gives. */
static bool read_fanout(struct pack *pack, uint64_t size)
{
    static const unsigned char magic[8] = {0xff, 't', 'O', 'c', 0, 0, 0, 2};
    unsigned char raw[8 + FANOUT_SIZE];
    if (!read_at(pack->index, raw, sizeof(raw), 0))
        return false;
    pack->second = memcmp(raw, magic, sizeof(magic)) == 0;
    for (size_t i = 0; i < FANOUT; i++) {
        pack->fanout[i] = be32(raw + (pack->second ? 8 : 0) + 4 * i);
        if (i && pack->fanout[i] < pack->fanout[i - 1])
            return false;
    }
    uint64_t min =
        (pack->second ? large_at(pack, 0) : name_at(pack, count_of(pack)) - 4) + SUM + SUM;
    if (size < min || (size - min) % 8 || (size - min) / 8 > (pack->second ? count_of(pack) : 0))
        return false;
    pack->large = (uint32_t)((size - min) / 8);
    return true;
}

/* Whether index and pack belong together, by the pack's checksum that stands in both. */
static bool belong_together(const struct pack *pack, uint64_t index_size)
{
    unsigned char head[PACK_HEADER], sums[2][SUM];
    return read_at(pack->fd, head, sizeof(head), 0) && memcmp(head, "PACK", 4) == 0 &&
           (be32(head + 4) == 2 || be32(head + 4) == 3) && be32(head + 8) == count_of(pack) &&
           read_at(pack->fd, sums[0], SUM, pack->end) &&
           read_at(pack->index, sums[1], SUM, index_size - SUM - SUM) &&
           memcmp(sums[0], sums[1], SUM) == 0;
}

static void close_pack(const struct pack *pack)
{
    if (pack->fd >= 0)
        close(pack->fd);
    if (pack->index >= 0)
        close(pack->index);
}

/* 1 when it is not, or no longer, there. The caller closes it after 0. */
static int open_pack(int dirfd, const char *name, struct pack *pack, struct sp_error *err)
{
    uint64_t size = 0, index_size = 0;
    struct sp_pool *scratch = sp_pool_new();
    memset(pack, 0, sizeof(*pack));
    pack->name = name;
    pack->index = -1;
    errno = 0;
    bool good =
        open_file(dirfd, sp_pool_printf(scratch, "%s.pack", name), &pack->fd, &size) &&
        open_file(dirfd, sp_pool_printf(scratch, "%s.idx", name), &pack->index, &index_size);
    bool missing = !good && errno == ENOENT;
    sp_pool_free(scratch);
    if (good) {
        pack->end = size - SUM;
        good = size >= PACK_HEADER + SUM && read_fanout(pack, index_size) &&
               belong_together(pack, index_size);
    }
    if (good)
        return 0;
    close_pack(pack);
    if (missing)
        return 1;
    return sp_error_set(err, SP_ERROR_REFUSED, "the git pack %s or its index is damaged", name);
}

/* Compares the first digits of two ids. */
static int compare(const unsigned char *a, const unsigned char *b, size_t digits)
{
    int order = memcmp(a, b, digits / 2);
    if (order == 0 && digits % 2)
        order = (a[digits / 2] >> 4) - (b[digits / 2] >> 4);
    return order;
}

/* The number of the first id that does not come before the prefix, and the id itself. 1 when it
 * does not begin with it. */
static int look_up(const struct pack *pack, const unsigned char *prefix, size_t digits,
                   uint32_t *number, unsigned char id[SP_OBJECT_ID], struct sp_error *err)
{
    uint32_t low = prefix[0] ? pack->fanout[prefix[0] - 1] : 0, high = pack->fanout[prefix[0]];
    bool found = false;
    while (low < high) {
        unsigned char middle[SP_OBJECT_ID];
        *number = low + (high - low) / 2;
        if (!read_at(pack->index, middle, SP_OBJECT_ID, name_at(pack, *number)))
            return sp_error_set(err, SP_ERROR_REFUSED, "can't read the index of the git pack %s",
                                pack->name);
        int order = compare(middle, prefix, digits);
        if (order < 0) {
            low = *number + 1;
        } else {
            high = *number;
            found = order == 0;
            memcpy(id, middle, SP_OBJECT_ID);
        }
    }
    *number = low;
    return found ? 0 : 1;
}

/* Where the object is in the pack. 1 when it is not in it. */
static int locate(const struct pack *pack, const unsigned char *id, uint64_t *at,
                  struct sp_error *err)
{
    unsigned char raw[8], found[SP_OBJECT_ID];
    uint32_t number, offset;
    int rc = look_up(pack, id, ID_DIGITS, &number, found, err);
    if (rc != 0)
        return rc;
    bool good = read_at(pack->index, raw, 4, offset_at(pack, number));
    *at = offset = be32(raw);
    if (good && pack->second && offset >> 31) {
        offset &= 0x7fffffff;
        good = offset < pack->large && read_at(pack->index, raw, 8, large_at(pack, offset));
        *at = be64(raw);
    }
    if (!good || *at < PACK_HEADER || *at >= pack->end)
        return sp_error_set(err, SP_ERROR_REFUSED, "the index of the git pack %s is damaged",
                            pack->name);
    return 0;
}

/* ---- objects ------------------------------------------------------------------------------- */

/* One of a pack: an object, or a delta. */
struct entry {
    unsigned type;
    uint64_t size; /* decompressed */
    uint64_t data; /* where its compressed data begin */
    uint64_t base; /* of a delta: where its base is */
};

static int damaged(const struct pack *pack, const char *what, struct sp_error *err)
{
    return sp_error_set(err, SP_ERROR_REFUSED, "an object in the git pack %s %s", pack->name, what);
}

/* The type, and the size in groups of bits, the lowest first: 4, then 7 each. */
static bool get_header(const unsigned char *raw, size_t len, size_t *used, struct entry *out)
{
    out->type = raw[0] >> 4 & 7;
    out->size = raw[0] & 0x0f;
    *used = 1;
    for (unsigned shift = 4; raw[*used - 1] & 0x80; shift += 7) {
        if (*used == len || shift > 56)
            return false;
        out->size |= (uint64_t)(raw[(*used)++] & 0x7f) << shift;
    }
    return true;
}

/* How far before its delta a base is: the highest bits first, and one added for each byte more. */
static bool get_distance(const unsigned char *raw, size_t len, size_t *used, uint64_t *out)
{
    if (*used == len)
        return false;
    unsigned char byte = raw[(*used)++];
    *out = byte & 0x7f;
    while (byte & 0x80) {
        if (*used == len || *out >> 56)
            return false;
        byte = raw[(*used)++];
        *out = (*out + 1) << 7 | (byte & 0x7f);
    }
    return true;
}

static int read_entry(const struct pack *pack, uint64_t at, struct entry *out, struct sp_error *err)
{
    unsigned char raw[64];
    uint64_t left = pack->end - at, distance;
    size_t len = left < sizeof(raw) ? (size_t)left : sizeof(raw), used;
    if (!read_at(pack->fd, raw, len, at))
        return damaged(pack, "can't be read", err);
    if (!get_header(raw, len, &used, out))
        return damaged(pack, "is damaged: it has no header", err);
    if (out->type == OFFSET_DELTA) {
        if (!get_distance(raw, len, &used, &distance) || distance == 0 ||
            distance > at - PACK_HEADER)
            return damaged(pack, "is damaged: it has no base", err);
        out->base = at - distance;
    } else if (out->type == NAME_DELTA) {
        if (len - used < SP_OBJECT_ID)
            return damaged(pack, "is damaged: it has no base", err);
        int rc = locate(pack, raw + used, &out->base, err);
        if (rc != 0)
            return rc < 0 ? -1 : damaged(pack, "is damaged: its base is not in the pack", err);
        used += SP_OBJECT_ID;
    } else if (out->type < 1 || out->type > 4) {
        return damaged(pack, "is damaged: it has no type", err);
    }
    out->data = at + used;
    return 0;
}

/* The deltas from the object at that offset on down, and the object that they start from; it comes
 * last. The caller frees *out. */
static int read_chain(const struct pack *pack, uint64_t at, struct entry **out, size_t *count,
                      struct sp_error *err)
{
    size_t room = 16;
    struct entry *chain = sp_xmalloc(room * sizeof(*chain));
    int rc = 0;
    for (*count = 0; rc == 0 && (*count == 0 || chain[*count - 1].type >= OFFSET_DELTA);) {
        if (*count == MAX_CHAIN) {
            rc = damaged(pack, "is made from itself, or from too many others", err);
            break;
        }
        if (*count == room)
            chain = sp_xrealloc(chain, (room *= 2) * sizeof(*chain));
        rc = read_entry(pack, *count ? chain[*count - 1].base : at, &chain[*count], err);
        ++*count;
    }
    if (rc < 0)
        free(chain);
    else
        *out = chain;
    return rc;
}

/* Decompresses an object or a delta; the caller frees *out. */
static int read_data(const struct pack *pack, const struct entry *entry, size_t limit, char **out,
                     struct sp_error *err)
{
    if (entry->size > limit)
        return damaged(pack, "is too large to be read", err);
    struct sp_inflate *stream = sp_xmalloc(sizeof(*stream));
    char *data = sp_xmalloc((size_t)entry->size + 1);
    sp_inflate_begin(stream, pack->fd, entry->data, pack->end);
    const char *why = sp_inflate_rest(stream, data, (size_t)entry->size);
    sp_inflate_end(stream);
    free(stream);
    if (why) {
        free(data);
        return damaged(pack, why, err);
    }
    data[entry->size] = '\0';
    *out = data;
    return 0;
}

/* Replaces the object by what the delta makes of it. */
static int apply(const struct pack *pack, const struct entry *entry, size_t limit,
                 struct sp_object *object, size_t *work, struct sp_error *err)
{
    char *data = NULL;
    size_t base_size, size, used;
    if (read_data(pack, entry, limit, &data, err) < 0)
        return -1;
    const struct sp_bytes delta = {data, (size_t)entry->size}, base = {object->data, object->size};
    char *made = NULL;
    int rc = 0;
    if (!sp_delta_sizes(delta, &base_size, &size, &used)) {
        rc = damaged(pack, "is damaged: a delta makes no sense", err);
    } else if (size > limit || (*work += size) > MAX_WORK) {
        rc = damaged(pack, "is too large to be read", err);
    } else {
        made = sp_xmalloc(size + 1);
        if (!sp_delta_apply(base, delta, (unsigned char *)made))
            rc = damaged(pack, "is damaged: a delta makes no sense", err);
    }
    free(data);
    if (rc < 0 || !made) {
        free(made);
        return -1;
    }
    free(object->data);
    made[size] = '\0';
    object->data = made;
    object->size = size;
    return 0;
}

static int read_object(const struct pack *pack, uint64_t at, size_t limit, struct sp_object *out,
                       struct sp_error *err)
{
    struct entry *chain;
    size_t count, work = 0;
    if (read_chain(pack, at, &chain, &count, err) < 0)
        return -1;
    *out = (struct sp_object){(int)chain[count - 1].type, (size_t)chain[count - 1].size, NULL};
    int rc = read_data(pack, &chain[count - 1], limit, &out->data, err);
    for (size_t i = count - 1; rc == 0 && i-- > 0;)
        rc = apply(pack, &chain[i], limit, out, &work, err);
    free(chain);
    if (rc < 0) {
        free(out->data);
        out->data = NULL;
    }
    return rc;
}

/* The size of a delta's result stands at its beginning. */
static int read_header(const struct pack *pack, uint64_t at, struct sp_object *out,
                       struct sp_error *err)
{
    struct entry *chain;
    size_t count, base_size, used, len;
    if (read_chain(pack, at, &chain, &count, err) < 0)
        return -1;
    const struct entry first = chain[0];
    *out = (struct sp_object){(int)chain[count - 1].type, (size_t)first.size, NULL};
    free(chain);
    if (count == 1)
        return 0;
    char start[32];
    struct sp_inflate *stream = sp_xmalloc(sizeof(*stream));
    len = sizeof(start);
    sp_inflate_begin(stream, pack->fd, first.data, pack->end);
    const char *why = sp_inflate_some(stream, start, &len);
    sp_inflate_end(stream);
    free(stream);
    if (!why && !sp_delta_sizes((struct sp_bytes){start, len}, &base_size, &out->size, &used))
        why = "is damaged: a delta makes no sense";
    return why ? damaged(pack, why, err) : 0;
}

/* ---- all packs ----------------------------------------------------------------------------- */

static int list(struct sp_packs *packs, int fd, struct sp_error *err)
{
    DIR *dir = fdopendir(fd);
    const struct dirent *entry;
    if (!dir) {
        close(fd);
        return sp_error_errno(err, errno, "can't read the directory %s", packs->directory);
    }
    int rc = 0;
    while (rc == 0 && (entry = readdir(dir))) {
        struct pack pack;
        size_t len = strlen(entry->d_name);
        if (len <= 4 || strcmp(entry->d_name + len - 4, ".idx") != 0)
            continue;
        const char *name = sp_pool_memdup(packs->pool, entry->d_name, len - 4);
        rc = open_pack(dirfd(dir), name, &pack, err);
        if (rc == 0) {
            close_pack(&pack);
            *SP_PUSH(packs->pool, &packs->names) = name;
            if (packs->names.count > MAX_PACKS)
                rc =
                    sp_error_set(err, SP_ERROR_REFUSED,
                                 "there are more than %d git packs in %s; pack it anew with git gc",
                                 MAX_PACKS, packs->directory);
        } else if (rc > 0) {
            rc = 0; /* an index without a pack is not used */
        }
    }
    closedir(dir);
    return rc;
}

int sp_packs_open(struct sp_pool *pool, const char *objects, struct sp_packs *out,
                  struct sp_error *err)
{
    *out = (struct sp_packs){pool, sp_path_join(pool, objects, "pack"), {NULL, 0, 0}};
    int fd = open(out->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (fd < 0)
        return sp_error_errno(err, errno, "can't read the directory %s", out->directory);
    return list(out, fd, err);
}

struct question {
    int (*ask)(const struct pack *pack, struct question *question, struct sp_error *err);
    const unsigned char *id;
    size_t limit, digits;
    struct sp_object *object;
    unsigned char *found;
    bool any, *several;
};

/* Asks every pack until one answers 0 or fails. */
static int ask(const struct sp_packs *packs, struct question *question, struct sp_error *err)
{
    int dirfd = open(packs->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int rc = 1;
    for (size_t i = 0; dirfd >= 0 && rc == 1 && i < packs->names.count; i++) {
        struct pack pack;
        rc = open_pack(dirfd, packs->names.items[i], &pack, err);
        if (rc == 0) {
            rc = question->ask(&pack, question, err);
            close_pack(&pack);
        }
    }
    if (dirfd >= 0)
        close(dirfd);
    return rc;
}

static int ask_object(const struct pack *pack, struct question *q, struct sp_error *err)
{
    uint64_t at;
    int rc = locate(pack, q->id, &at, err);
    return rc != 0 ? rc : read_object(pack, at, q->limit, q->object, err);
}

static int ask_header(const struct pack *pack, struct question *q, struct sp_error *err)
{
    uint64_t at;
    int rc = locate(pack, q->id, &at, err);
    return rc != 0 ? rc : read_header(pack, at, q->object, err);
}

/* Every pack is asked: another one may have another object that begins like that. */
static int ask_prefix(const struct pack *pack, struct question *q, struct sp_error *err)
{
    uint32_t number;
    unsigned char id[SP_OBJECT_ID], next[SP_OBJECT_ID];
    int rc = look_up(pack, q->id, q->digits, &number, id, err);
    if (rc != 0)
        return rc;
    if (q->any && memcmp(q->found, id, SP_OBJECT_ID) != 0)
        *q->several = true;
    q->any = true;
    memcpy(q->found, id, SP_OBJECT_ID);
    if (number + 1 < count_of(pack)) {
        if (!read_at(pack->index, next, SP_OBJECT_ID, name_at(pack, number + 1)))
            return damaged(pack, "can't be found", err);
        if (compare(next, id, q->digits) == 0)
            *q->several = true;
    }
    return 1;
}

int sp_packs_read(const struct sp_packs *packs, const unsigned char id[SP_OBJECT_ID], size_t limit,
                  struct sp_object *out, struct sp_error *err)
{
    struct question question = {.ask = ask_object, .id = id, .limit = limit, .object = out};
    return ask(packs, &question, err);
}

int sp_packs_read_header(const struct sp_packs *packs, const unsigned char id[SP_OBJECT_ID],
                         struct sp_object *out, struct sp_error *err)
{
    struct question question = {.ask = ask_header, .id = id, .object = out};
    return ask(packs, &question, err);
}

int sp_packs_find(const struct sp_packs *packs, const unsigned char prefix[SP_OBJECT_ID],
                  size_t digits, unsigned char id[SP_OBJECT_ID], bool *several,
                  struct sp_error *err)
{
    unsigned char found[SP_OBJECT_ID] = {0};
    struct question question = {
        .ask = ask_prefix, .id = prefix, .digits = digits, .found = found, .several = several};
    *several = false;
    if (digits < 2) /* the first table of an index takes two to look into */
        return 1;
    int rc = ask(packs, &question, err);
    if (rc != 1 || !question.any)
        return rc;
    memcpy(id, found, SP_OBJECT_ID);
    return 0;
}
