/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/odb_backends.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/pool.h"
#include "fs/read.h"
#include "tree/inflate.h"

enum {
    HEX = 40,       /* digits of an object's name */
    MAX_HEADER = 64 /* "commit 18446744073709551615" and its NUL take 28 bytes */
};

struct loose {
    git_odb_backend base;
    char *objects; /* the directory */
};

/* ---- one loose object -------------------------------------------------------------------------
 * A zlib stream of "TYPE SIZE\0CONTENT", in objects/xx/ and the other 38 digits of its name. */

/* "the loose object is truncated", "the loose object can't be read: Permission denied" */
static int fail(const char *what, int errnum)
{
    struct sp_buffer text = SP_BUFFER_INIT;
    sp_buffer_printf(&text, "the loose object %s", what);
    if (errnum)
        sp_buffer_printf(&text, ": %s", strerror(errnum));
    git_error_set_str(GIT_ERROR_ODB, sp_buffer_str(&text));
    sp_buffer_free(&text);
    return GIT_ERROR;
}

static int damaged(const char *what)
{
    return fail(what, 0);
}

/* GIT_ENOTFOUND when there is no such object. */
static int loose_open(const struct loose *loose, const git_oid *oid, struct sp_inflate *stream)
{
    char hex[HEX + 1];
    struct stat st;
    git_oid_fmt(hex, oid);
    hex[HEX] = '\0';
    struct sp_buffer path = SP_BUFFER_INIT;
    sp_buffer_printf(&path, "%s/%.2s/%s", loose->objects, hex, hex + 2);
    int fd = sp_fs_open_file(AT_FDCWD, sp_buffer_str(&path), &st);
    int saved = errno;
    sp_buffer_free(&path);
    if (fd < 0 && (saved == ENOENT || saved == ENOTDIR))
        return GIT_ENOTFOUND;
    if (fd < 0 && (saved == EISDIR || saved == ENXIO))
        return damaged("is not a regular file");
    if (fd < 0)
        return fail("can't be read", saved);
    sp_inflate_begin(stream, fd, 0, UINT64_MAX);
    return 0;
}

static void loose_close(struct sp_inflate *stream)
{
    sp_inflate_end(stream);
    close(stream->fd);
}

/* Reads the header; what was decompressed beyond it is left in head, from *start to *end. */
static int loose_header(struct sp_inflate *stream, unsigned char head[MAX_HEADER], size_t *start,
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
    const char *why = sp_inflate_some(stream, head, end);
    if (why)
        return damaged(why);
    const unsigned char *nul = memchr(head, '\0', *end), *at = NULL;
    for (size_t i = 0; nul && !at && i < sizeof(types) / sizeof(*types); i++)
        if (strncmp((const char *)head, types[i].name, strlen(types[i].name)) == 0) {
            *type = types[i].type;
            at = head + strlen(types[i].name);
        }
    if (!at || !isdigit(*at))
        return damaged("is damaged: it has no header");
    for (*size = 0; isdigit(*at); at++) {
        *size = *size * 10 + (size_t)(*at - '0');
        if (*size > SIZE_MAX / 16)
            return damaged("is damaged: it has an impossible size");
    }
    if (at != nul)
        return damaged("is damaged: it has no header");
    *start = (size_t)(nul - head) + 1;
    return 0;
}

static int loose_content(struct loose *loose, struct sp_inflate *stream, void **out, size_t *size,
                         git_object_t *type)
{
    unsigned char head[MAX_HEADER];
    size_t start, end;
    int rc = loose_header(stream, head, &start, &end, type, size);
    if (rc < 0)
        return rc;
    if (*size > SP_ODB_MAX_OBJECT)
        return damaged("is too large to be read");
    if (end - start > *size)
        return damaged("is longer than its header says");
    unsigned char *data = sp_odb_alloc(&loose->base, *size + 1);
    if (!data)
        sp_out_of_memory();
    memcpy(data, head + start, end - start);
    const char *why = sp_inflate_rest(stream, data + (end - start), *size - (end - start));
    if (why) {
#if SP_LIBGIT2_AT_LEAST(1, 0, 0)
        git_odb_backend_data_free(&loose->base, data);
#else
        free(data);
#endif
        return damaged(why);
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
    struct sp_inflate stream;
    int rc = loose_open(loose, oid, &stream);
    if (rc < 0)
        return rc;
    rc = loose_content(loose, &stream, out, size, type);
    loose_close(&stream);
    return rc;
}

static int loose_read_header(size_t *size, git_object_t *type, git_odb_backend *backend,
                             const git_oid *oid)
{
    struct sp_inflate stream;
    unsigned char head[MAX_HEADER];
    size_t start, end;
    int rc = loose_open((struct loose *)backend, oid, &stream);
    if (rc < 0)
        return rc;
    rc = loose_header(&stream, head, &start, &end, type, size);
    loose_close(&stream);
    return rc;
}

static int loose_exists(git_odb_backend *backend, const git_oid *oid)
{
    struct sp_inflate stream;
    int rc = loose_open((struct loose *)backend, oid, &stream);
    if (rc == 0)
        loose_close(&stream);
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

int sp_odb_add_loose(git_odb *odb, const char *objects)
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
