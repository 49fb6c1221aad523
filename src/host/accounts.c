/* SPDX-License-Identifier: Apache-2.0 */
#include "host/accounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/path.h"
#include "host/lookup.h"
#include "host/process.h"

enum {
    MAX_NAME = 64 /* of a group or account; shadow-utils stop at 32 */
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

static bool is_member(const struct work *w, const struct sp_identity *account)
{
    sp_gids groups = {NULL, 0, 0};
    if (!w->have_gid)
        return false;
    if (strstr(w->members, sp_pool_printf(w->pool, ",%s,", account->name)))
        return true;
    if (sp_lookup_groups(w->pool, w->root, account, &groups, NULL) < 0)
        return false;
    for (size_t i = 0; i < groups.count; i++)
        if (groups.items[i] == w->gid)
            return true;
    return false;
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
    struct sp_identity record = {0};
    enum sp_found found = sp_lookup_group(w->pool, w->root, w->group, &record, w->err);
    if (found < 0)
        return -1;
    if (!found) {
        if (!w->request->dry_run) {
            const char *const args[] = {"--system", "--", w->group, NULL};
            if (run(w, "groupadd", "--root", args) < 0)
                return sp_error_prefix(w->err, "cannot create the group '%s'", w->group);
            found = sp_lookup_group(w->pool, w->root, w->group, &record, w->err);
            if (found == SP_ABSENT &&
                is_system(w)) /* a cache may still say no: look at the file itself */
                found = sp_lookup_group_in_file(w->pool, w->root, w->group, &record, w->err);
            if (found < 0)
                return -1;
            if (!found)
                return sp_error_set(w->err, SP_ERROR_SYSTEM,
                                    "groupadd created the group %s, and yet it is not there",
                                    w->group);
        }
        sp_host_say(w->pool, w->report, false, "%screated the system group %s", would(w), w->group);
        sp_host_found(w->pool, w->report, "the group %s does not exist", w->group);
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
        struct sp_identity account = {0};
        enum sp_found found = sp_lookup_account(w->pool, w->root, user, &account, w->err);
        if (found < 0) {
            rc = -1;
        } else if (!found) {
            sp_host_say(w->pool, w->report, true,
                        "there is no account %s%s%s, so it was not added to the group %s",
                        sp_escape(w->pool, user), is_system(w) ? "" : " in ", w->root->path,
                        w->group);
            sp_host_found(w->pool, w->report,
                          "the account %s, which is to be a member of the group %s, does not exist",
                          sp_escape(w->pool, user), w->group);
        } else if (!is_member(w, &account)) {
            const char *const args[] = {"--add", user, w->group, NULL};
            if (!w->request->dry_run && run(w, "gpasswd", "--root", args) < 0) {
                rc = sp_error_prefix(w->err, "cannot add '%s' to the group '%s'",
                                     sp_escape(w->pool, user), w->group);
                continue;
            }
            sp_host_say(w->pool, w->report, false, "%sadded %s to the group %s", would(w),
                        sp_escape(w->pool, user), w->group);
            if (w->have_gid) /* else it has no members yet */
                sp_host_found(w->pool, w->report, "the account %s is not a member of the group %s",
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
