/* SPDX-License-Identifier: Apache-2.0 */
#include "host/lookup.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "fs/read.h"
#include "fs/resolve.h"

enum {
    MAX_RECORD = 16 * 1024 * 1024, /* one line of a group with very many members */
    MAX_GROUPS = 65536             /* of one account: NGROUPS_MAX of Linux */
};

static const char group_file[] = "etc/group", account_file[] = "etc/passwd";

static bool is_system(const struct sp_root *root)
{
    return !*root->path;
}

/* ---- files ----------------------------------------------------------------------------------- */

static bool parse_id(const char *text, unsigned long *id)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *id = strtoul(text, &end, 10);
    return *end == '\0' && errno == 0 && *id < UINT_MAX; /* (gid_t)-1 means none */
}

/* Splits a line at its colons; returns how many fields there are, at most max. */
static size_t split(char *line, char **fields, size_t max)
{
    size_t count = 0;
    while (count < max) {
        fields[count++] = line;
        char *colon = strchr(line, ':');
        if (!colon)
            break;
        *colon = '\0';
        line = colon + 1;
    }
    return count;
}

static enum sp_found read_file(struct sp_pool *pool, const struct sp_root *root, const char *file,
                               struct sp_bytes *out, struct sp_error *err)
{
    const char *real;
    struct sp_content content;
    if (sp_fs_resolve(root, pool, file, &real, NULL, err) < 0)
        return SP_FAILED;
    if (!real)
        return SP_ABSENT;
    if (sp_fs_read(root, pool, real, SP_MAX_SOURCE, &content, err) < 0)
        return SP_FAILED;
    *out = content.bytes;
    if (content.complete)
        return SP_FOUND;
    sp_error_set(err, SP_ERROR_REFUSED, "%s is larger than %zu bytes",
                 sp_root_show(root, pool, file), SP_MAX_SOURCE);
    return SP_FAILED;
}

/* The next line of the text, without its end; false: there is none any more. */
static bool next_line(struct sp_pool *pool, struct sp_bytes *text, char **line)
{
    const char *newline = memchr(text->data, '\n', text->len);
    size_t len = newline ? (size_t)(newline - text->data) : text->len;
    if (text->len == 0)
        return false;
    *line = sp_pool_memdup(pool, text->data, len);
    text->data += len + (newline != NULL);
    text->len -= len + (newline != NULL);
    return true;
}

static enum sp_found find_in_file(struct sp_pool *pool, const struct sp_root *root,
                                  const char *file, const char *name, struct sp_identity *out,
                                  struct sp_error *err)
{
    struct sp_bytes text;
    char *line, *fields[8];
    enum sp_found found = read_file(pool, root, file, &text, err);
    if (found != SP_FOUND)
        return found;
    while (next_line(pool, &text, &line)) {
        unsigned long primary = 0;
        if (split(line, fields, sizeof(fields) / sizeof(*fields)) < 4 ||
            strcmp(fields[0], name) != 0)
            continue;
        *out = (struct sp_identity){.name = name, .members = fields[3]};
        if (!parse_id(fields[2], &out->id) ||
            (file == account_file && !parse_id(fields[3], &primary))) {
            sp_error_set(err, SP_ERROR_REFUSED, "%s: the entry '%s' is damaged",
                         sp_root_show(root, pool, file), sp_escape(pool, name));
            return SP_FAILED;
        }
        out->primary = (gid_t)primary;
        return SP_FOUND;
    }
    return SP_ABSENT;
}

enum sp_found sp_lookup_group_in_file(struct sp_pool *pool, const struct sp_root *root,
                                      const char *name, struct sp_identity *out,
                                      struct sp_error *err)
{
    return find_in_file(pool, root, group_file, name, out, err);
}

static bool has_member(struct sp_pool *pool, const char *members, const char *name)
{
    return strstr(sp_pool_printf(pool, ",%s,", members), sp_pool_printf(pool, ",%s,", name));
}

static int find_groups_in_file(struct sp_pool *pool, const struct sp_root *root, const char *name,
                               sp_gids *out, struct sp_error *err)
{
    struct sp_bytes text;
    char *line, *fields[4];
    unsigned long gid;
    enum sp_found found = read_file(pool, root, group_file, &text, err);
    while (found == SP_FOUND && next_line(pool, &text, &line))
        if (split(line, fields, 4) == 4 && parse_id(fields[2], &gid) &&
            has_member(pool, fields[3], name))
            *SP_PUSH(pool, out) = (gid_t)gid;
    return found == SP_FAILED ? -1 : 0;
}

/* ---- the system's sources -------------------------------------------------------------------- */

/* The buffer that the reentrant look-ups need; they say ERANGE while it is too small. */
static bool grow(char **buf, size_t *size)
{
    if (*size >= MAX_RECORD)
        return false;
    *size = *size ? *size * 2 : 4096;
    *buf = sp_xrealloc(*buf, *size);
    return true;
}

/* getgrnam(3), getpwnam(3): "not found" is one of these, depending on the sources asked. */
static bool is_absent(int rc)
{
    return rc == 0 || rc == ENOENT || rc == ESRCH || rc == EBADF || rc == EPERM;
}

static enum sp_found find_system_group(struct sp_pool *pool, const char *name,
                                       struct sp_identity *out, struct sp_error *err)
{
    struct group entry, *found = NULL;
    SP_CLEANUP_FREE char *buf = NULL;
    SP_CLEANUP_BUFFER struct sp_buffer members = SP_BUFFER_INIT;
    size_t size = 0;
    int rc = ERANGE;
    while ((rc == ERANGE || rc == EINTR) && grow(&buf, &size))
        rc = getgrnam_r(name, &entry, buf, size, &found);
    if (!found && is_absent(rc))
        return SP_ABSENT;
    if (!found) {
        sp_error_errno(err, rc, "cannot look up the group '%s'", sp_escape(pool, name));
        return SP_FAILED;
    }
    for (char **member = found->gr_mem; member && *member; member++)
        sp_buffer_printf(&members, "%s%s", members.len ? "," : "", *member);
    *out = (struct sp_identity){.name = name,
                                .id = found->gr_gid,
                                .members = sp_pool_strdup(pool, sp_buffer_str(&members))};
    return SP_FOUND;
}

/* By its name, or by its number if `name` is NULL. */
static enum sp_found find_system_account(struct sp_pool *pool, const char *name, uid_t uid,
                                         struct sp_identity *out, struct sp_error *err)
{
    struct passwd entry, *found = NULL;
    SP_CLEANUP_FREE char *buf = NULL;
    size_t size = 0;
    int rc = ERANGE;
    while ((rc == ERANGE || rc == EINTR) && grow(&buf, &size))
        rc = name ? getpwnam_r(name, &entry, buf, size, &found)
                  : getpwuid_r(uid, &entry, buf, size, &found);
    if (!found && is_absent(rc))
        return SP_ABSENT;
    if (!found) {
        sp_error_errno(err, rc, "cannot look up the account '%s'",
                       sp_escape(pool, name ? name : ""));
        return SP_FAILED;
    }
    *out = (struct sp_identity){.name = name ? name : sp_pool_strdup(pool, found->pw_name),
                                .id = found->pw_uid,
                                .primary = found->pw_gid};
    return SP_FOUND;
}

const struct sp_identity *sp_lookup_uid(struct sp_pool *pool, uid_t uid)
{
    struct sp_identity *out = sp_pool_alloc(pool, sizeof(*out));
    return find_system_account(pool, NULL, uid, out, NULL) == SP_FOUND ? out : NULL;
}

/* Also where the sources list no members. */
static void find_system_groups(struct sp_pool *pool, const struct sp_identity *account,
                               sp_gids *out)
{
    int count = 64, room = 0;
    gid_t *groups = NULL;
    while (room < count && count <= MAX_GROUPS) {
        room = count;
        groups = sp_pool_calloc(pool, (size_t)room, sizeof(*groups));
        if (getgrouplist(account->name, account->primary, groups, &count) >= 0)
            break;
    }
    for (int i = 0; i < count && i < room; i++)
        *SP_PUSH(pool, out) = groups[i];
}

/* ---- either ---------------------------------------------------------------------------------- */

enum sp_found sp_lookup_group(struct sp_pool *pool, const struct sp_root *root, const char *name,
                              struct sp_identity *out, struct sp_error *err)
{
    return is_system(root) ? find_system_group(pool, name, out, err)
                           : find_in_file(pool, root, group_file, name, out, err);
}

enum sp_found sp_lookup_account(struct sp_pool *pool, const struct sp_root *root, const char *name,
                                struct sp_identity *out, struct sp_error *err)
{
    return is_system(root) ? find_system_account(pool, name, 0, out, err)
                           : find_in_file(pool, root, account_file, name, out, err);
}

int sp_lookup_groups(struct sp_pool *pool, const struct sp_root *root,
                     const struct sp_identity *account, sp_gids *out, struct sp_error *err)
{
    *SP_PUSH(pool, out) = account->primary;
    if (!is_system(root))
        return find_groups_in_file(pool, root, account->name, out, err);
    find_system_groups(pool, account, out);
    return 0;
}
