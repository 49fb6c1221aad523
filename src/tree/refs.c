/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/refs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/path.h"
#include "fs/read.h"

enum {
    MAX_LINKS = 10,     /* from name to name; git takes 5 */
    MAX_REF = 8192,     /* bytes of a file with one name or id in it */
    MAX_LIST = 64 << 20 /* bytes of packed-refs, or of a reflog: a million names */
};

/* ---- files --------------------------------------------------------------------------------- */

static int unreadable(const char *path, const char *why, struct sp_error *err)
{
    return sp_error_set(err, SP_ERROR_REFUSED, "can't read %s: %s", path, why);
}

static int read_all(struct sp_pool *pool, int fd, const char *path, size_t size,
                    struct sp_bytes *out, struct sp_error *err)
{
    char *data = sp_pool_alloc(pool, size + 1);
    size_t len = 0;
    while (len < size) {
        ssize_t got = pread(fd, data + len, size - len, (off_t)len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return unreadable(path, strerror(errno), err);
        if (got == 0)
            break;
        len += (size_t)got;
    }
    data[len] = '\0';
    *out = (struct sp_bytes){data, len};
    return 0;
}

/* 1 when there is no such file: neither a name, nor a directory that stands for others. */
static int read_file(struct sp_pool *pool, const char *path, size_t limit, struct sp_bytes *out,
                     struct sp_error *err)
{
    struct stat st;
    *out = (struct sp_bytes){"", 0};
    int fd = sp_fs_open_file(AT_FDCWD, path, &st);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG || errno == EISDIR))
        return 1;
    if (fd < 0)
        return unreadable(path, errno == ENXIO ? "it is not a regular file" : strerror(errno), err);
    int rc = (uint64_t)st.st_size > limit ? unreadable(path, "it is too large", err)
                                          : read_all(pool, fd, path, (size_t)st.st_size, out, err);
    close(fd);
    return rc;
}

/* What stands behind the prefix in the one line of a small file; NULL when it does not begin so. */
static const char *rest_of_line(struct sp_pool *pool, struct sp_bytes text, const char *prefix)
{
    size_t len = strlen(prefix);
    if (text.len < len || memcmp(text.data, prefix, len) != 0)
        return NULL;
    const char *line = text.data + len;
    line += strspn(line, " \t");
    return sp_pool_memdup(pool, line, strcspn(line, "\r\n"));
}

/* ---- repositories -------------------------------------------------------------------------- */

static bool is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static const char *relative_to(struct sp_pool *pool, const char *dir, const char *path)
{
    return *path == '/' ? path : sp_path_join(pool, dir, path);
}

/* Whether it is one; *out is what it consists of. */
static int is_repository(struct sp_pool *pool, const char *dir, struct sp_repository *out,
                         struct sp_error *err)
{
    struct sp_bytes text;
    *out = (struct sp_repository){dir, dir};
    int rc = read_file(pool, sp_path_join(pool, dir, "HEAD"), MAX_REF, &text, err);
    if (rc != 0)
        return rc;
    rc = read_file(pool, sp_path_join(pool, dir, "commondir"), MAX_REF, &text, err);
    if (rc < 0)
        return -1;
    if (rc == 0)
        out->common = relative_to(pool, dir, rest_of_line(pool, text, ""));
    return is_directory(sp_path_join(pool, out->common, "objects")) &&
                   is_directory(sp_path_join(pool, out->common, "refs"))
               ? 0
               : 1;
}

int sp_repository_find(struct sp_pool *pool, const char *dir, struct sp_repository *out,
                       struct sp_error *err)
{
    struct sp_bytes text;
    const char *git = sp_path_join(pool, dir, ".git");
    int rc = read_file(pool, git, MAX_REF, &text, err);
    if (rc == 0) {
        const char *path = rest_of_line(pool, text, "gitdir:");
        if (!path)
            return unreadable(git, "it names no directory", err);
        git = relative_to(pool, dir, path);
    }
    rc = rc < 0 ? rc : is_repository(pool, git, out, err);
    if (rc == 1)
        rc = is_repository(pool, dir, out, err);
    if (rc == 1)
        return sp_error_set(err, SP_ERROR_REFUSED, "%s is not a git repository", dir);
    return rc;
}

/* ---- names --------------------------------------------------------------------------------- */

/* Whether git would let a name be like that, as far as it matters here: it leads down from the
 * directory that it is looked for in. */
static bool is_name(const char *name)
{
    return sp_path_is_safe_relative(name) && strlen(name) < MAX_REF / 2;
}

static bool get_id(const char *text, char id[SP_REFS_HEX + 1])
{
    if (strspn(text, "0123456789abcdef") != SP_REFS_HEX)
        return false;
    memcpy(id, text, SP_REFS_HEX);
    id[SP_REFS_HEX] = '\0';
    return true;
}

/* Looks for the full name in packed-refs: lines of "ID NAME". */
static int find_packed(struct sp_pool *pool, const struct sp_repository *repository,
                       const char *name, char id[SP_REFS_HEX + 1], struct sp_error *err)
{
    struct sp_bytes text;
    const char *path = sp_path_join(pool, repository->common, "packed-refs");
    int rc = read_file(pool, path, MAX_LIST, &text, err);
    size_t len = strlen(name);
    if (rc != 0)
        return rc;
    const char *line = text.data, *end = text.data + text.len;
    while (line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t line_len = (size_t)((newline ? newline : end) - line);
        if (line_len == SP_REFS_HEX + 1 + len && line[SP_REFS_HEX] == ' ' &&
            memcmp(line + SP_REFS_HEX + 1, name, len) == 0)
            return get_id(line, id) ? 0 : unreadable(path, "it is damaged", err);
        line += line_len + 1;
    }
    return 1;
}

/* Reads what a full name stands for: an id, or another name, *target. */
static int read_ref(struct sp_pool *pool, const struct sp_repository *repository, const char *name,
                    char id[SP_REFS_HEX + 1], const char **target, struct sp_error *err)
{
    struct sp_bytes text;
    const char *path = sp_path_join(pool, repository->git, name);
    int rc = read_file(pool, path, MAX_REF, &text, err);
    if (rc == 1 && strcmp(repository->git, repository->common) != 0) {
        path = sp_path_join(pool, repository->common, name);
        rc = read_file(pool, path, MAX_REF, &text, err);
    }
    *target = NULL;
    if (rc == 1)
        return find_packed(pool, repository, name, id, err);
    if (rc < 0)
        return -1;
    *target = rest_of_line(pool, text, "ref:");
    if (*target ? is_name(*target) : get_id(text.data, id))
        return 0;
    return unreadable(path, "it holds neither the id of an object nor a name", err);
}

/* Follows a full name to the last one; 1 when that is not there. */
static int follow(struct sp_pool *pool, const struct sp_repository *repository, const char *name,
                  char id[SP_REFS_HEX + 1], struct sp_error *err)
{
    const char *target = name;
    for (int links = 0; links < MAX_LINKS; links++) {
        int rc = read_ref(pool, repository, target, id, &target, err);
        if (rc != 0 || !target)
            return rc;
    }
    return sp_error_set(err, SP_ERROR_REFUSED, "the name %s in %s leads to too many others", name,
                        repository->git);
}

/* The full name that a short one stands for; NULL when there is none. */
static int complete(struct sp_pool *pool, const struct sp_repository *repository, const char *name,
                    const char **full, char id[SP_REFS_HEX + 1], struct sp_error *err)
{
    static const char *const places[] = {"%s",
                                         "refs/%s",
                                         "refs/tags/%s",
                                         "refs/heads/%s",
                                         "refs/remotes/%s",
                                         "refs/remotes/%s/HEAD"};
    *full = NULL;
    if (strcmp(name, "@") == 0)
        name = "HEAD";
    if (!is_name(name))
        return 0;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        struct sp_buffer text = SP_BUFFER_INIT;
        const char *at = strstr(places[i], "%s");
        sp_buffer_add(&text, places[i], (size_t)(at - places[i]));
        sp_buffer_puts(&text, name);
        sp_buffer_puts(&text, at + 2);
        const char *candidate = sp_pool_strdup(pool, sp_buffer_str(&text));
        sp_buffer_free(&text);
        /* the repository's own files are no names: all of those that are have capital letters */
        if (i == 0 && strncmp(name, "refs/", 5) != 0 &&
            strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-") != strlen(name))
            continue;
        int rc = follow(pool, repository, candidate, id, err);
        if (rc < 0)
            return -1;
        if (rc == 0) {
            *full = candidate;
            return 0;
        }
    }
    return 0;
}

int sp_refs_find(struct sp_pool *pool, const struct sp_repository *repository, const char *name,
                 char id[SP_REFS_HEX + 1], struct sp_error *err)
{
    const char *full;
    if (complete(pool, repository, name, &full, id, err) < 0)
        return -1;
    return full ? 0 : 1;
}

/* ---- reflogs ------------------------------------------------------------------------------- */

/* The line of that number from the end; NULL when there are fewer. */
static const char *line_from_end(struct sp_bytes text, size_t back)
{
    const char *end = text.data + text.len;
    if (end > text.data && end[-1] == '\n')
        end--;
    while (end > text.data) {
        const char *start = memrchr(text.data, '\n', (size_t)(end - text.data));
        const char *line = start ? start + 1 : text.data;
        if (back-- == 0)
            return line;
        if (!start)
            break;
        end = start;
    }
    return NULL;
}

/* Each line begins with "OLD-ID NEW-ID ". */
static bool get_new_id(const char *line, char id[SP_REFS_HEX + 1])
{
    char old[SP_REFS_HEX + 1];
    return get_id(line, old) && line[SP_REFS_HEX] == ' ' && get_id(line + SP_REFS_HEX + 1, id);
}

int sp_refs_find_earlier(struct sp_pool *pool, const struct sp_repository *repository,
                         const char *name, size_t back, char id[SP_REFS_HEX + 1],
                         struct sp_error *err)
{
    const char *full;
    struct sp_bytes text;
    if (complete(pool, repository, name, &full, id, err) < 0)
        return -1;
    if (!full)
        return 1;
    const char *log = sp_pool_printf(pool, "logs/%s", full);
    const char *path = sp_path_join(pool, repository->git, log);
    int rc = read_file(pool, path, MAX_LIST, &text, err);
    if (rc == 1)
        rc = read_file(pool, path = sp_path_join(pool, repository->common, log), MAX_LIST, &text,
                       err);
    if (rc < 0)
        return -1;
    const char *line = rc == 0 ? line_from_end(text, back) : NULL;
    if (!line)
        return sp_error_set(err, SP_ERROR_REFUSED, "there is no log of %zu changes of %s in %s",
                            back + 1, full, path);
    return get_new_id(line, id) ? 0 : unreadable(path, "it is damaged", err);
}
