/* SPDX-License-Identifier: Apache-2.0 */
/* groups: the service group and the spool directory. */
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/output.h"
#include "host/groups.h"

int sp_cmd_ensure_groups(struct sp_context *s, const sp_selection *selection, sp_strv *done,
                         struct sp_error *err)
{
    struct sp_groups_request request = {.group = s->options->group,
                                        .root = &s->root,
                                        .users = s->options->users,
                                        .dry_run = s->options->dry_run};
    struct sp_groups_report report = {{NULL, 0, 0}};
    for (size_t i = 0; s->options->users.count == 0 && i < selection->count; i++) {
        const struct sp_detection *found = selection->items[i].found;
        const char *account = found && found->spec ? found->spec->account : NULL;
        if (account && !sp_strv_has(&request.users, account))
            *SP_PUSH(s->pool, &request.users) = account;
    }
    int rc = sp_groups_ensure(s->pool, &request, &report, err);
    for (size_t i = 0; i < report.lines.count; i++) {
        if (report.lines.items[i].warning) {
            sp_console_warn(s->pool, s->report, "%s", report.lines.items[i].text);
            continue;
        }
        sp_console_print(s->report, 0, "%s", report.lines.items[i].text);
        if (done)
            *SP_PUSH(s->pool, done) = report.lines.items[i].text;
    }
    return rc;
}

int sp_cmd_groups(struct sp_context *s, struct sp_error *err)
{
    sp_selection selection = {NULL, 0, 0};
    sp_strv done = {NULL, 0, 0};
    if (geteuid() != 0 && !s->options->dry_run)
        return sp_error_set(err, SP_ERROR_SYSTEM,
                            "groups are set up by root; run this with sudo, or with --dry-run");
    if (s->options->users.count == 0 &&
        (sp_scan_all(s, err) < 0 || sp_select(s, SP_SELECT_REMOVE, &selection, err) < 0))
        return -1;
    if (sp_cmd_ensure_groups(s, &selection, &done, err) < 0)
        return -1;
    if (done.count == 0)
        sp_console_print(s->report, 0, "the group and the spool directory are in place");
    if (s->report->json) {
        struct sp_buffer buf = SP_BUFFER_INIT;
        struct sp_json json;
        sp_output_begin(&json, &buf, "groups");
        sp_output_strings(&json, s->options->dry_run ? "would_change" : "changed", &done);
        sp_output_end(&json, s);
    }
    return 0;
}
