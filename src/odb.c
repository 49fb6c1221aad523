/* SPDX-License-Identifier: Apache-2.0 */
#include "odb.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <git2/odb_backend.h>
#include <git2/sys/odb_backend.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#if SP_LIBGIT2_AT_LEAST(1, 8, 0)
#include <git2/sys/errors.h> /* git_error_set_str() */
#endif

#include "buffer.h"
#include "fsio.h"
#include "path.h"
#include "pool.h"

#if SP_LIBGIT2_AT_LEAST(1, 0, 0)
#define data_alloc git_odb_backend_data_alloc
#else
#define data_alloc git_odb_backend_malloc
#endif

enum {
    HEX = 40,        /* digits of an object's name */
    MAX_HEADER = 64, /* "commit 18446744073709551615" and its NUL take 28 bytes */
    MAX_ALTERNATES = 32,
    MAX_DEPTH = 5 /* of alternates of alternates, as in git */
};

struct loose {
    git_odb_backend base;
    char *objects; /* the directory */
};

const char *sp_odb_reason(void)
{
    const git_error *error = git_error_last();
    return error && error->message ? error->message : "no reason given";
}

static int damaged(const char *what)
{
    git_error_set_str(GIT_ERROR_ODB, what);
    return GIT_ERROR;
}

/* ---- one loose object -------------------------------------------------------------------------
 * A zlib stream of "TYPE SIZE\0CONTENT", in objects/xx/ and the other 38 digits of its name. */

struct inflater {
    int fd;
    z_stream z;
    bool ended; /* the stream is complete */
    unsigned char in[16384];
};

/* GIT_ENOTFOUND when there is no such object. */
static int loose_open(const struct loose *loose, const git_oid *oid, struct inflater *inflater)
{
    char hex[HEX + 1];
    struct stat st;
    git_oid_fmt(hex, oid);
    hex[HEX] = '\0';
    struct sp_buffer path = SP_BUFFER_INIT;
    sp_buffer_printf(&path, "%s/%.2s/%s", loose->objects, hex, hex + 2);
    int fd = open(sp_buffer_str(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int saved = errno;
    sp_buffer_free(&path);
    if (fd < 0 && (saved == ENOENT || saved == ENOTDIR))
        return GIT_ENOTFOUND;
    if (fd < 0)
        return damaged(strerror(saved));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return damaged("the loose object is not a regular file");
    }
    memset(inflater, 0, sizeof(*inflater));
    inflater->fd = fd;
    if (inflateInit(&inflater->z) != Z_OK)
        sp_out_of_memory();
    return 0;
}

static void loose_close(struct inflater *inflater)
{
    inflateEnd(&inflater->z);
    close(inflater->fd);
}

/* Decompresses up to *len bytes to out, fewer only at the end of the stream. */
static int inflate_some(struct inflater *inflater, unsigned char *out, size_t *len)
{
    z_stream *z = &inflater->z;
    int rc = 0;
    z->next_out = out;
    z->avail_out = (uInt)*len;
    while (rc == 0 && z->avail_out > 0 && !inflater->ended) {
        if (z->avail_in == 0) {
            ssize_t got = read(inflater->fd, inflater->in, sizeof(inflater->in));
            if (got < 0 && errno == EINTR)
                continue;
            if (got < 0)
                rc = damaged(strerror(errno));
            else if (got == 0)
                rc = damaged("the loose object is truncated");
            if (rc < 0)
                break;
            z->next_in = inflater->in;
            z->avail_in = (uInt)got;
        }
        int status = inflate(z, Z_NO_FLUSH);
        if (status == Z_STREAM_END)
            inflater->ended = true;
        else if (status == Z_MEM_ERROR)
            sp_out_of_memory();
        else if (status != Z_OK && status != Z_BUF_ERROR)
            rc = damaged("the loose object is damaged: its compressed data make no sense");
    }
    *len -= z->avail_out;
    z->next_out = NULL; /* it is the caller's */
    return rc;
}

/* Reads the header; what was decompressed beyond it is left in head, from *start to *end. */
static int loose_header(struct inflater *inflater, unsigned char head[MAX_HEADER], size_t *start,
                        size_t *end, git_object_t *type, size_t *size)
{
    static const struct {
        const char *name;
        git_object_t type;
    } types[] = {{"commit ", GIT_OBJECT_COMMIT},
                 {"tree ", GIT_OBJECT_TREE},
                 {"blob ", GIT_OBJECT_BLOB},
                 {"tag ", GIT_OBJECT_TAG}};
    *end = MAX_HEADER;
    memset(head, 0, MAX_HEADER);
    int rc = inflate_some(inflater, head, end);
    if (rc < 0)
        return rc;
    const unsigned char *nul = memchr(head, '\0', *end), *at = NULL;
    for (size_t i = 0; nul && !at && i < sizeof(types) / sizeof(*types); i++)
        if (strncmp((const char *)head, types[i].name, strlen(types[i].name)) == 0) {
            *type = types[i].type;
            at = head + strlen(types[i].name);
        }
    if (!at || !isdigit(*at))
        return damaged("the loose object is damaged: it has no header");
    for (*size = 0; isdigit(*at); at++) {
        *size = *size * 10 + (size_t)(*at - '0');
        if (*size > SIZE_MAX / 16)
            return damaged("the loose object is damaged: it has an impossible size");
    }
    if (at != nul)
        return damaged("the loose object is damaged: it has no header");
    *start = (size_t)(nul - head) + 1;
    return 0;
}

static int loose_content(struct loose *loose, struct inflater *inflater, void **out, size_t *size,
                         git_object_t *type)
{
    unsigned char head[MAX_HEADER], extra;
    size_t start, end;
    int rc = loose_header(inflater, head, &start, &end, type, size);
    if (rc < 0)
        return rc;
    if (*size > SP_ODB_MAX_OBJECT)
        return damaged("the object is too large to be read");
    if (end - start > *size)
        return damaged("the loose object is longer than its header says");
    unsigned char *data = data_alloc(&loose->base, *size + 1);
    if (!data)
        sp_out_of_memory();
    memcpy(data, head + start, end - start);
    size_t rest = *size - (end - start), len = rest, more = 1;
    rc = inflate_some(inflater, data + (end - start), &len);
    if (rc == 0) /* the end of the stream, and its checksum */
        rc = inflate_some(inflater, &extra, &more);
    if (rc == 0 && len < rest)
        rc = damaged("the loose object is shorter than its header says");
    if (rc == 0 && more > 0)
        rc = damaged("the loose object is longer than its header says");
    if (rc < 0) {
#if SP_LIBGIT2_AT_LEAST(1, 0, 0)
        git_odb_backend_data_free(&loose->base, data);
#else
        free(data);
#endif
        return rc;
    }
    data[*size] = '\0';
    *out = data;
    return 0;
}

/* ---- the backend --------------------------------------------------------------------------- */

static int loose_read(void **out, size_t *size, git_object_t *type, git_odb_backend *backend,
                      const git_oid *oid)
{
    struct loose *loose = (struct loose *)backend;
    struct inflater inflater;
    int rc = loose_open(loose, oid, &inflater);
    if (rc < 0)
        return rc;
    rc = loose_content(loose, &inflater, out, size, type);
    loose_close(&inflater);
    return rc;
}

static int loose_read_header(size_t *size, git_object_t *type, git_odb_backend *backend,
                             const git_oid *oid)
{
    struct inflater inflater;
    unsigned char head[MAX_HEADER];
    size_t start, end;
    int rc = loose_open((struct loose *)backend, oid, &inflater);
    if (rc < 0)
        return rc;
    rc = loose_header(&inflater, head, &start, &end, type, size);
    loose_close(&inflater);
    return rc;
}

static int loose_exists(git_odb_backend *backend, const git_oid *oid)
{
    struct inflater inflater;
    int rc = loose_open((struct loose *)backend, oid, &inflater);
    if (rc == 0)
        loose_close(&inflater);
    return rc != GIT_ENOTFOUND;
}

/* The one object whose name starts with the first len digits of prefix. */
static int loose_find(git_oid *out, git_odb_backend *backend, const git_oid *prefix, size_t len)
{
    char hex[HEX + 1], full[HEX + 1] = "";
    git_oid_fmt(hex, prefix);
    hex[HEX] = '\0';
    if (len > HEX || len < 2)
        return GIT_ENOTFOUND;
    struct sp_buffer path = SP_BUFFER_INIT;
    sp_buffer_printf(&path, "%s/%.2s", ((struct loose *)backend)->objects, hex);
    DIR *dir = opendir(sp_buffer_str(&path));
    sp_buffer_free(&path);
    if (!dir)
        return GIT_ENOTFOUND;
    int found = 0;
    const struct dirent *entry;
    while (found < 2 && (entry = readdir(dir))) {
        const char *name = entry->d_name;
        if (strlen(name) != HEX - 2 || strspn(name, "0123456789abcdef") != HEX - 2 ||
            strncmp(name, hex + 2, len - 2) != 0)
            continue;
        found++;
        snprintf(full, sizeof(full), "%.2s%.38s", hex, name);
    }
    closedir(dir);
    if (found == 0)
        return GIT_ENOTFOUND;
    return found > 1 ? GIT_EAMBIGUOUS : git_oid_fromstr(out, full);
}

static int loose_exists_prefix(git_oid *out, git_odb_backend *backend, const git_oid *prefix,
                               size_t len)
{
    return loose_find(out, backend, prefix, len);
}

static int loose_read_prefix(git_oid *oid, void **out, size_t *size, git_object_t *type,
                             git_odb_backend *backend, const git_oid *prefix, size_t len)
{
    int rc = loose_find(oid, backend, prefix, len);
    return rc < 0 ? rc : loose_read(out, size, type, backend, oid);
}

static void loose_free(git_odb_backend *backend)
{
    free(((struct loose *)backend)->objects);
    free(backend);
}

static int add_loose(git_odb *odb, const char *objects)
{
    struct loose *loose = sp_xmalloc(sizeof(*loose));
    memset(loose, 0, sizeof(*loose));
    git_odb_init_backend(&loose->base, GIT_ODB_BACKEND_VERSION);
    loose->base.read = loose_read;
    loose->base.read_prefix = loose_read_prefix;
    loose->base.read_header = loose_read_header;
    loose->base.exists = loose_exists;
    loose->base.exists_prefix = loose_exists_prefix;
    loose->base.free = loose_free;
    loose->objects = sp_xstrdup(objects);
    int rc = git_odb_add_backend(odb, &loose->base, 2);
    if (rc < 0)
        loose_free(&loose->base);
    return rc;
}

/* ---- packs ------------------------------------------------------------------------------------
 * libgit2 takes the offsets in a pack's index on trust, and reads outside the pack for one that is
 * too large (git_packfile_unpack_header() in 1.5). So they are looked at first: gitformat-pack(5).
 */

static uint32_t be32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Whether all offsets of the index lie within a pack of that size. */
static bool index_fits(FILE *file, uint64_t size, uint64_t pack_size)
{
    unsigned char fanout[8 + 1024], item[24];
    static const unsigned char magic[8] = {0xff, 't', 'O', 'c', 0, 0, 0, 2};
    uint64_t end = pack_size - 20; /* the pack's own checksum */
    if (pack_size < 32 || fread(fanout, 1, sizeof(fanout), file) != sizeof(fanout))
        return false;
    bool second = memcmp(fanout, magic, sizeof(magic)) == 0;
    uint64_t count = be32(fanout + (second ? 8 : 0) + 1020), large = 0, used = 0;
    uint64_t table = second ? sizeof(fanout) + count * 24 : 1024, min = table + count * 4 + 40;
    if (!second)
        min = table + count * 24 + 40;
    if (size < min || (size - min) % 8 || (!second && size != min))
        return false;
    large = (size - min) / 8;
    if (fseek(file, (long)table, SEEK_SET) < 0)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (fread(item, 1, second ? 4 : 24, file) != (second ? 4 : 24))
            return false;
        uint32_t offset = be32(item);
        if (second && offset >> 31) {
            if ((offset & 0x7fffffff) >= large)
                return false;
            used++;
        } else if (offset >= end) {
            return false;
        }
    }
    if (used != large)
        return false;
    for (uint64_t i = 0; i < large; i++)
        if (fread(item, 1, 8, file) != 8 || ((uint64_t)be32(item) << 32 | be32(item + 4)) >= end)
            return false;
    return true;
}

static int check_index(int dirfd, const char *name, struct sp_error *err)
{
    char pack[300]; /* a name has at most 255 bytes */
    struct stat st, pack_st;
    size_t stem = strlen(name) - strlen(".idx");
    snprintf(pack, sizeof(pack), "%.*s.pack", (int)stem, name);
    if (fstatat(dirfd, pack, &pack_st, 0) < 0)
        return 0; /* then it is not used */
    int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "rb");
    bool fits = file && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && S_ISREG(pack_st.st_mode) &&
                index_fits(file, (uint64_t)st.st_size, (uint64_t)pack_st.st_size);
    if (file)
        fclose(file);
    else if (fd >= 0)
        close(fd);
    if (!fits)
        return sp_error_set(err, SP_ERROR_CANNOT, "the git pack index %s is damaged", name);
    return 0;
}

static int check_packs(const char *objects, struct sp_pool *pool, struct sp_error *err)
{
    DIR *dir = opendir(sp_path_join(pool, objects, "pack"));
    const struct dirent *entry;
    int rc = 0;
    while (dir && rc == 0 && (entry = readdir(dir))) {
        size_t len = strlen(entry->d_name);
        if (len > 4 && strcmp(entry->d_name + len - 4, ".idx") == 0)
            rc = check_index(dirfd(dir), entry->d_name, err);
    }
    if (dir)
        closedir(dir);
    return rc;
}

static int add_pack(git_odb *odb, const char *objects)
{
    git_odb_backend *pack;
    int rc = git_odb_backend_pack(&pack, objects);
    if (rc < 0)
        return rc;
    rc = git_odb_add_backend(odb, pack, 1);
    if (rc < 0)
        pack->free(pack);
    return rc;
}

/* ---- alternates ---------------------------------------------------------------------------- */

struct opening {
    git_odb *odb;
    struct sp_pool *pool;
    sp_strv seen;
};

static int add_objects(struct opening *o, const char *objects, unsigned depth,
                       struct sp_error *err);

static int add_alternates(struct opening *o, const char *objects, unsigned depth,
                          struct sp_error *err)
{
    struct sp_bytes text;
    bool whole;
    int fd = open(sp_path_join(o->pool, objects, "info"), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    int rc = sp_fs_read_at(fd, o->pool, "alternates", SP_MAX_METADATA, &text, &whole, NULL, err);
    close(fd);
    if (rc < 0)
        return sp_error_prefix(err, "%s/info", objects);
    while (text.len > 0) {
        const char *end = memchr(text.data, '\n', text.len);
        size_t len = end ? (size_t)(end - text.data) : text.len;
        const char *line = sp_pool_memdup(o->pool, text.data, len);
        text.data += end ? len + 1 : len;
        text.len -= end ? len + 1 : len;
        if (!*line || *line == '#')
            continue;
        if (*line != '/')
            line = sp_path_join(o->pool, objects, line);
        if (!sp_strv_has(&o->seen, line) && add_objects(o, line, depth + 1, err) < 0)
            return -1;
    }
    return 0;
}

static int add_objects(struct opening *o, const char *objects, unsigned depth, struct sp_error *err)
{
    if (depth > MAX_DEPTH || o->seen.count > MAX_ALTERNATES)
        return sp_error_set(err, SP_ERROR_CANNOT,
                            "the git repository has too many alternate object directories");
    *SP_PUSH(o->pool, &o->seen) = objects;
    if (check_packs(objects, o->pool, err) < 0)
        return -1;
    if (add_loose(o->odb, objects) < 0 || add_pack(o->odb, objects) < 0)
        return sp_error_set(err, SP_ERROR_CANNOT, "can't open the git objects: %s",
                            sp_odb_reason());
    return add_alternates(o, objects, depth, err);
}

int sp_odb_open(const char *objects, git_odb **out, struct sp_error *err)
{
    struct opening o = {NULL, NULL, {0}};
    if (git_odb_new(&o.odb) < 0)
        return sp_error_set(err, SP_ERROR_SYSTEM, "can't set up git objects: %s", sp_odb_reason());
    o.pool = sp_pool_new();
    int rc = add_objects(&o, objects, 0, err);
    sp_pool_free(o.pool);
    if (rc < 0)
        git_odb_free(o.odb);
    else
        *out = o.odb;
    return rc;
}
