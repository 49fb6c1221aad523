/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: whether this host has all that StorPool's document asks of it, and how to get it. */
#include <string.h>

#include "base/cleanup.h"
#include "cli/cmd.h"
#include "cli/doctor.h"
#include "cli/prepare.h"

/* ---- text -------------------------------------------------------------------------------------- */

static bool is_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_shown(const struct sp_context *s, const struct sp_finding *finding)
{
    return finding->level > SP_CHECK_SKIPPED || s->report->verbose > 0;
}

static void print_finding(struct sp_context *s, const struct sp_finding *finding)
{
    const char *line = finding->at.line ? sp_pool_printf(s->pool, "%u: ", finding->at.line) : "";
    sp_console_print(s->report, -1, "  %s%s: %s [%s]", line, sp_check_level_name(finding->level),
                     finding->text, finding->id);
    if (finding->remedy)
        sp_console_print(s->report, -1, "      %s", finding->remedy);
}

/* All findings of a file, or of none, in one group; `done` are those that were printed. */
static void print_group(struct sp_context *s, const sp_findings *findings, size_t first, bool *done)
{
    const struct sp_finding *head = &findings->items[first];
    sp_console_print(s->report, -1,
                     "%s:", head->at.file ? head->at.file : sp_subject_name(head->subject));
    for (size_t i = first; i < findings->count; i++) {
        const struct sp_finding *one = &findings->items[i];
        if (done[i] || !is_same(one->at.file, head->at.file) ||
            (!one->at.file && one->subject != head->subject))
            continue;
        done[i] = true;
        if (is_shown(s, one))
            print_finding(s, one);
    }
}

static void print_findings(struct sp_context *s, const struct sp_examination *examined)
{
    const sp_findings *findings = &examined->findings;
    bool *done = sp_pool_calloc(s->pool, findings->count + 1, sizeof(*done));
    size_t count = sp_findings_count(findings);
    for (size_t i = 0; i < findings->count; i++)
        if (!done[i] && is_shown(s, &findings->items[i]))
            print_group(s, findings, i, done);
    if (count)
        sp_console_print(s->report, 0, "to be repaired: %zu", count);
    else
        sp_console_print(s->report, 0, "nothing is to be repaired");
}

/* ---- the command ------------------------------------------------------------------------------- */

/* The components, planned. That none is found is no error here, where one may run in a container; *why
 * is the reason then. */
static int select_all(struct sp_context *s, sp_selection *out, struct sp_error *why,
                      struct sp_error *err)
{
    if (sp_context_select(s, SP_SELECT_REPORT, out, why) < 0) {
        if (why->kind == SP_ERROR_REFUSED)
            return 0;
        *err = *why;
        *why = (struct sp_error)SP_ERROR_INIT;
        return -1;
    }
    return sp_context_plan(s, out, SP_GOAL_INSTALL, err);
}

static bool is_anything_here(const sp_selection *selection, const struct sp_facts *facts)
{
    bool here = false;
    for (size_t i = 0; i < selection->count; i++)
        here |= selection->items[i].detection != NULL;
    for (int subject = 0; subject < SP_SUBJECT_HOST; subject++)
        here |= facts->services[subject] != NULL;
    return here;
}

int sp_cmd_doctor(struct sp_context *s, struct sp_error *err)
{
    sp_selection selection = {NULL, 0, 0};
    struct sp_examination examined;
    SP_CLEANUP_ERROR struct sp_error why = SP_ERROR_INIT;
    if (select_all(s, &selection, &why, err) < 0 || sp_examine(s, &selection, &examined, err) < 0)
        return -1;
    if (!is_anything_here(&selection, &examined.facts))
        return sp_error_set(err, SP_ERROR_REFUSED, "%s",
                            why.message ? why.message : "nothing that was named is here");
    print_findings(s, &examined);
    if (s->work->pending)
        return SP_ERROR_NEEDS_RECOVERY;
    return sp_findings_count(&examined.findings) ? SP_ERROR_INCOMPLETE : SP_ERROR_NONE;
}
