/* SPDX-License-Identifier: Apache-2.0 */
/* groups: the service group and the spool directory. */
#include <string.h>

#include "cli/cmd.h"
#include "cli/output_json.h"
#include "host/accounts.h"
#include "host/spool.h"

void sp_cmd_add_accounts(struct sp_context *context, const sp_selection *selection, bool all,
                         sp_strv *out)
{
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_detection *found = selection->items[i].detection;
        const struct sp_component *spec = found ? found->spec : NULL;
        if (spec && spec->account && (all || spec->release->support == SP_SUPPORTED) &&
            !sp_strv_has(out, spec->account))
            *SP_PUSH(context->pool, out) = spec->account;
    }
}

static void print_report(struct sp_context *context, const struct sp_host_report *report,
                         sp_strv *done)
{
    for (size_t i = 0; i < report->lines.count; i++) {
        const struct sp_host_line *line = &report->lines.items[i];
        if (line->warning) {
            sp_console_warn(context->pool, context->report, "%s", line->text);
            continue;
        }
        sp_console_print(context->report, 0, "%s", line->text);
        if (done)
            *SP_PUSH(context->pool, done) = line->text;
    }
}

int sp_cmd_ensure_groups(struct sp_context *context, const sp_strv *accounts, sp_strv *done,
                         struct sp_error *err)
{
    const sp_strv *named = &context->options->users;
    struct sp_accounts_request request = {.group = context->options->group ? context->options->group
                                                                           : SP_ACCOUNTS_GROUP,
                                          .users = named->count ? *named : *accounts,
                                          .root = &context->root,
                                          .dry_run = context->options->dry_run};
    struct sp_host_report report = {{NULL, 0, 0}};
    struct sp_group group;
    int rc = sp_accounts_ensure(context->pool, &request, &group, &report, err);
    if (rc == 0)
        rc = sp_spool_ensure(context->pool, &context->root, &group, context->options->dry_run,
                             &report, err);
    print_report(context, &report, done);
    return rc;
}

/* Without manifests: the accounts that the components' services run as are called as they are. */
static int add_usual_accounts(struct sp_context *context, sp_strv *out, struct sp_error *err)
{
    static const char *const usual[] = {"cinder", "nova"};
    const sp_strv *named = &context->options->components;
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
        if (named->count == 0 || sp_strv_has(named, usual[i]))
            *SP_PUSH(context->pool, out) = usual[i];
    for (size_t i = 0; i < named->count; i++)
        if (!sp_strv_has(out, named->items[i]) && strcmp(named->items[i], "os_brick") != 0)
            return sp_error_set(err, SP_ERROR_USAGE, "there is no component '%s'", named->items[i]);
    return 0;
}

static int find_accounts(struct sp_context *context, sp_strv *out, struct sp_error *err)
{
    sp_selection selection = {NULL, 0, 0};
    if (context->options->users.count)
        return 0;
    if (context->scans.count == 0)
        return add_usual_accounts(context, out, err);
    if (sp_context_select(context, SP_SELECT_REMOVE, &selection, err) < 0)
        return -1;
    sp_cmd_add_accounts(context, &selection, true, out);
    return 0;
}

int sp_cmd_groups(struct sp_context *context, struct sp_error *err)
{
    sp_strv accounts = {NULL, 0, 0}, done = {NULL, 0, 0};
    if (find_accounts(context, &accounts, err) < 0 ||
        sp_cmd_ensure_groups(context, &accounts, &done, err) < 0)
        return -1;
    if (done.count == 0)
        sp_console_print(context->report, 0, "the group and the spool directory are in place");
    if (context->report->json) {
        struct sp_buffer buf = SP_BUFFER_INIT;
        struct sp_json json;
        sp_output_begin(&json, &buf, "groups");
        sp_output_strings(&json, context->options->dry_run ? "would_change" : "changed", &done);
        sp_output_end(&json, context);
    }
    return SP_ERROR_NONE;
}
