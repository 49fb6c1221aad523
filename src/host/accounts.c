/* SPDX-License-Identifier: Apache-2.0 */
#include "host/accounts.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/path.h"
#include "fs/read.h"
#include "fs/resolve.h"
#include "host/process.h"

enum {
    MAX_NAME = 64,                 /* of a group or account; shadow-utils stop at 32 */
    MAX_RECORD = 16 * 1024 * 1024, /* one line of a group with very many members */
    MAX_GROUPS = 65536             /* of one account: NGROUPS_MAX of Linux */
};

/* They wait for a lock, and ask what else knows of accounts: LDAP, caches. */
static const struct sp_process_limits program_limits = {.seconds = 300, .all_output = false};

static const char *const usual_dirs[] = {"/usr/sbin", "/sbin", "/usr/bin", "/bin", NULL};

struct work {
    struct sp_pool *pool;
    const struct sp_accounts_request *request;
    const struct sp_root *root;
    const char *group;
    struct sp_host_report *report;
    struct sp_error *err;
    bool have_gid; /* false: the group would be created (dry run) */
    gid_t gid;
    const char *members; /* of the group, each name between commas: ",a,b," */
};

static bool is_system(const struct work *w)
{
    return !*w->root->path;
}

/* The beginning of a sentence about a change that a dry run leaves out. */
static const char *would(const struct work *w)
{
    return w->request->dry_run ? "would have " : "";
}

/* ---- looking up ------------------------------------------------------------------------------ */

struct record {
    const char *name;
    unsigned long id;      /* of the group or account */
    unsigned long primary; /* an account's group */
    const char *members;   /* a group's */
};

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

/* The line of `name` in the root's own etc/group or etc/passwd: group(5), passwd(5). 1, 0 for
 * none, or -1. */
static int find_in_file(struct work *w, const char *file, const char *name, struct record *out)
{
    const char *real, *shown = sp_root_show(w->root, w->pool, file);
    struct sp_content content;
    if (sp_fs_resolve(w->root, w->pool, file, &real, NULL, w->err) < 0)
        return -1;
    if (!real)
        return 0;
    if (sp_fs_read(w->root, w->pool, real, SP_MAX_SOURCE, &content, w->err) < 0)
        return -1;
    struct sp_bytes text = content.bytes;
    if (!content.complete)
        return sp_error_set(w->err, SP_ERROR_REFUSED, "%s is larger than %zu bytes", shown,
                            SP_MAX_SOURCE);
    bool group = strcmp(file, "/etc/group") == 0;
    for (size_t at = 0; at < text.len;) {
        const char *newline = memchr(text.data + at, '\n', text.len - at);
        size_t len = newline ? (size_t)(newline - text.data) - at : text.len - at;
        char *fields[8], *line = sp_pool_memdup(w->pool, text.data + at, len);
        size_t count = split(line, fields, sizeof(fields) / sizeof(*fields));
        at += len + 1;
        if (count < 4 || strcmp(fields[0], name) != 0)
            continue;
        *out = (struct record){.name = name};
        if (!parse_id(fields[2], &out->id) || (!group && !parse_id(fields[3], &out->primary)))
            return sp_error_set(w->err, SP_ERROR_REFUSED, "%s: the entry '%s' is damaged", shown,
                                sp_escape(w->pool, name));
        out->members = fields[3];
        return 1;
    }
    return 0;
}

/* The buffer that the reentrant look-ups need; they say ERANGE while it is too small. */
static bool grow(char **buf, size_t *size)
{
    if (*size >= MAX_RECORD)
        return false;
    *size = *size ? *size * 2 : 4096;
    *buf = sp_xrealloc(*buf, *size);
    return true;
}

static int find_system_group(struct work *w, const char *name, struct record *out)
{
    struct group entry, *found = NULL;
    char *buf = NULL;
    size_t size = 0;
    int rc = ERANGE;
    while ((rc == ERANGE || rc == EINTR) && grow(&buf, &size))
        rc = getgrnam_r(name, &entry, buf, size, &found);
    if (found) {
        struct sp_buffer members = SP_BUFFER_INIT;
        for (char **member = found->gr_mem; member && *member; member++)
            sp_buffer_printf(&members, "%s%s", members.len ? "," : "", *member);
        *out = (struct record){.name = name,
                               .id = found->gr_gid,
                               .members = sp_pool_strdup(w->pool, sp_buffer_str(&members))};
        sp_buffer_free(&members);
    }
    free(buf);
    if (found)
        return 1;
    /* getgrnam(3): "not found" is one of these, depending on the sources asked */
    if (rc == 0 || rc == ENOENT || rc == ESRCH || rc == EBADF || rc == EPERM)
        return 0;
    return sp_error_errno(w->err, rc, "cannot look up the group '%s'", sp_escape(w->pool, name));
}

static int find_system_account(struct work *w, const char *name, struct record *out)
{
    struct passwd entry, *found = NULL;
    char *buf = NULL;
    size_t size = 0;
    int rc = ERANGE;
    while ((rc == ERANGE || rc == EINTR) && grow(&buf, &size))
        rc = getpwnam_r(name, &entry, buf, size, &found);
    if (found)
        *out = (struct record){.name = name, .id = found->pw_uid, .primary = found->pw_gid};
    free(buf);
    if (found)
        return 1;
    if (rc == 0 || rc == ENOENT || rc == ESRCH || rc == EBADF || rc == EPERM)
        return 0;
    return sp_error_errno(w->err, rc, "cannot look up the account '%s'", sp_escape(w->pool, name));
}

static int find_group(struct work *w, struct record *out)
{
    return is_system(w) ? find_system_group(w, w->group, out)
                        : find_in_file(w, "/etc/group", w->group, out);
}

static int find_account(struct work *w, const char *name, struct record *out)
{
    return is_system(w) ? find_system_account(w, name, out)
                        : find_in_file(w, "/etc/passwd", name, out);
}

/* Whether the system's sources give the account that group, also where they do not list members. */
static bool has_system_group(const struct record *account, gid_t gid)
{
    int count = 64;
    gid_t *groups = NULL;
    bool found = false;
    for (int room = 0; room < count && count <= MAX_GROUPS;) {
        room = count;
        groups = sp_xrealloc(groups, (size_t)room * sizeof(*groups));
        memset(groups, 0, (size_t)room * sizeof(*groups));
        if (getgrouplist(account->name, (gid_t)account->primary, groups, &count) >= 0)
            break;
    }
    for (int i = 0; groups && i < count && count <= MAX_GROUPS; i++)
        found = found || groups[i] == gid;
    free(groups);
    return found;
}

static bool is_member(const struct work *w, const struct record *account)
{
    if (!w->have_gid)
        return false;
    if ((gid_t)account->primary == w->gid)
        return true;
    const char *pattern = sp_pool_printf(w->pool, ",%s,", account->name);
    if (strstr(w->members, pattern))
        return true;
    return is_system(w) && has_system_group(account, w->gid);
}

/* ---- group and memberships ------------------------------------------------------------------- */

/* The root directory as groupadd --root wants it: absolute (groupadd(8)). It must still be the
 * directory that was opened. */
static const char *absolute_root(struct work *w)
{
    struct stat opened, named;
    char *path = realpath(w->root->path, NULL);
    if (!path || fstat(w->root->fd, &opened) < 0 || stat(path, &named) < 0) {
        sp_error_errno(w->err, errno, "cannot find the root directory '%s'", w->root->path);
        free(path);
        return NULL;
    }
    const char *copy = sp_pool_strdup(w->pool, path);
    free(path);
    if (opened.st_dev == named.st_dev && opened.st_ino == named.st_ino)
        return copy;
    sp_error_set(w->err, SP_ERROR_REFUSED, "the root directory %s was replaced meanwhile",
                 w->root->path);
    return NULL;
}

/* Runs one of the shadow programs: NAME [root_option ROOT] ARGS. */
static int run(struct work *w, const char *name, const char *root_option, const char *const *args)
{
    const char *argv[12], *program = NULL;
    size_t count = 0;
    const char *const *dirs = w->request->program_dirs ? w->request->program_dirs : usual_dirs;
    for (; *dirs && !program; dirs++) {
        struct stat st;
        program = sp_path_join(w->pool, *dirs, name);
        if (stat(program, &st) < 0 || !S_ISREG(st.st_mode))
            program = NULL;
    }
    if (!program)
        return sp_error_set(w->err, SP_ERROR_SYSTEM, "the program %s is needed and is not there",
                            name);
    argv[count++] = program;
    if (!is_system(w)) {
        argv[count++] = root_option;
        if (!(argv[count++] = absolute_root(w)))
            return -1;
    }
    for (; *args; args++)
        argv[count++] = *args;
    argv[count] = NULL;
    return sp_process_run_within(argv, &program_limits, NULL, w->err);
}

static int ensure_group(struct work *w)
{
    struct record record = {0};
    int found = find_group(w, &record);
    if (found < 0)
        return -1;
    if (!found) {
        if (!w->request->dry_run) {
            const char *const args[] = {"--system", "--", w->group, NULL};
            if (run(w, "groupadd", "--root", args) < 0)
                return sp_error_prefix(w->err, "cannot create the group '%s'", w->group);
            found = find_group(w, &record);
            if (found == 0 && is_system(w)) /* a cache may still say no: look at the file itself */
                found = find_in_file(w, "/etc/group", w->group, &record);
            if (found < 0)
                return -1;
            if (!found)
                return sp_error_set(w->err, SP_ERROR_SYSTEM,
                                    "groupadd created the group %s, and yet it is not there",
                                    w->group);
        }
        sp_host_say(w->pool, w->report, false, "%screated the system group %s", would(w), w->group);
        if (!found)
            return 0;
    }
    w->have_gid = true;
    w->gid = (gid_t)record.id;
    w->members = sp_pool_printf(w->pool, ",%s,", record.members);
    return 0;
}

/* One program call a missing membership: gpasswd --add changes the line of this one group, so all
 * other memberships of the account stay by construction. `usermod -G` without -a would replace them
 * (the older tool's way), and with -a refuses accounts that are not in /etc/passwd itself, as those
 * of LDAP or SSSD (shadow-utils, usermod.c: "user '%s' does not exist in %s"). gpasswd -a is in
 * every release concerned: shadow 4.1.5 of CentOS 7, 4.2 of Ubuntu 16.04, both with --root. */
static int ensure_members(struct work *w)
{
    struct sp_buffer added = SP_BUFFER_INIT;
    int rc = 0;
    for (size_t i = 0; i < w->request->users.count && rc == 0; i++) {
        const char *user = w->request->users.items[i];
        struct record account = {0};
        int found = find_account(w, user, &account);
        if (found < 0) {
            rc = -1;
        } else if (!found) {
            sp_host_say(w->pool, w->report, true,
                        "there is no account %s%s%s, so it was not added to the group %s",
                        sp_escape(w->pool, user), is_system(w) ? "" : " in ", w->root->path,
                        w->group);
        } else if (!is_member(w, &account)) {
            const char *const args[] = {"--add", user, w->group, NULL};
            if (!w->request->dry_run && run(w, "gpasswd", "--root", args) < 0) {
                rc = sp_error_prefix(w->err, "cannot add '%s' to the group '%s'",
                                     sp_escape(w->pool, user), w->group);
                continue;
            }
            sp_host_say(w->pool, w->report, false, "%sadded %s to the group %s", would(w),
                        sp_escape(w->pool, user), w->group);
            sp_buffer_printf(&added, "%s%s", added.len ? ", " : "", sp_escape(w->pool, user));
        }
    }
    if (added.len) /* credentials(7): a process keeps the groups that it was started with */
        sp_host_say(w->pool, w->report, false,
                    "services that run as %s %s a restart to take the new group up",
                    sp_buffer_str(&added), w->request->dry_run ? "would need" : "need");
    sp_buffer_free(&added);
    return rc;
}

/* A name that shadow-utils could take for an option or a separator never reaches them. */
static int check_name(struct work *w, const char *kind, const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > MAX_NAME || *name == '-' || strpbrk(name, ":,/ \t\\\"'") ||
        !sp_path_is_printable(name))
        return sp_error_set(w->err, SP_ERROR_REFUSED, "'%s' cannot be the name of %s",
                            sp_escape(w->pool, name), kind);
    return 0;
}

int sp_accounts_ensure(struct sp_pool *pool, const struct sp_accounts_request *request,
                       struct sp_group *out, struct sp_host_report *report, struct sp_error *err)
{
    struct work work = {.pool = pool,
                        .request = request,
                        .root = request->root,
                        .group = request->group,
                        .report = report,
                        .err = err,
                        .members = ""};
    struct work *w = &work;
    if (check_name(w, "a group", w->group) < 0)
        return -1;
    for (size_t i = 0; i < request->users.count; i++)
        if (check_name(w, "an account", request->users.items[i]) < 0)
            return -1;
    if (ensure_group(w) < 0 || ensure_members(w) < 0)
        return -1;
    *out = (struct sp_group){.name = w->group, .exists = w->have_gid, .gid = w->gid};
    return 0;
}
