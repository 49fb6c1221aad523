/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: whether this host has all that StorPool's document asks of it, and how to get it. */
#include "base/cleanup.h"
#include "cli/cmd.h"
#include "cli/output_doctor.h"
#include "cli/prepare.h"

/* The components, planned. That none is found is no error here, where one may run in a container; *why
 * is the reason then. */
static int select_all(struct sp_context *context, sp_selection *out, struct sp_error *why,
                      struct sp_error *err)
{
    if (sp_context_select(context, SP_SELECT_REPORT, out, why) < 0) {
        if (why->kind == SP_ERROR_REFUSED)
            return 0;
        *err = *why;
        *why = (struct sp_error)SP_ERROR_INIT;
        return -1;
    }
    return sp_context_plan(context, out, SP_GOAL_INSTALL, err);
}

static bool is_anything_here(const sp_selection *selection, const struct sp_facts *facts)
{
    bool here = false;
    for (size_t i = 0; i < selection->count; i++)
        here |= selection->items[i].detection != NULL;
    for (int subject = 0; subject < SP_SUBJECT_HOST; subject++)
        here |= facts->services[subject].count > 0;
    return here;
}

static int examine(struct sp_context *context, struct sp_examination *out, struct sp_error *err)
{
    sp_selection selection = {NULL, 0, 0};
    SP_CLEANUP_ERROR struct sp_error why = SP_ERROR_INIT;
    if (select_all(context, &selection, &why, err) < 0 ||
        sp_examine(context, &selection, NULL, out, err) < 0)
        return -1;
    if (!is_anything_here(&selection, &out->facts))
        return sp_error_set(err, SP_ERROR_REFUSED, "%s",
                            why.message ? why.message : "no service that was named is here");
    return 0;
}

int sp_cmd_doctor(struct sp_context *context, struct sp_error *err)
{
    struct sp_examination examined;
    struct sp_junit junit;
    if (context->options->junit && sp_junit_begin(context->pool, context->options->junit,
                                                  "sp-openstack doctor", &junit, err) < 0)
        return -1;
    if (examine(context, &examined, err) < 0)
        return -1;
    if (context->report->json)
        sp_output_examination_json(context, &examined);
    else
        sp_output_examination(context, &examined);
    if (context->options->junit) {
        sp_output_examination_junit(context, &examined, &junit);
        if (sp_junit_finish(&junit, err) < 0)
            return -1;
    }
    if (context->work->pending)
        return SP_ERROR_NEEDS_RECOVERY;
    return sp_findings_count(&examined.findings) ? SP_ERROR_INCOMPLETE : SP_ERROR_NONE;
}
