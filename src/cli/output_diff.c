/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output_diff.h"

#include <string.h>

#include "base/path.h"
#include "cli/output_text.h"
#include "format/diff.h"

/* Whether the diff would name a path twice: of a component in two environments, or two trees. */
static bool is_ambiguous(const sp_selection *selection)
{
    for (size_t i = 0; i < selection->count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(selection->items[i].name, selection->items[j].name) == 0 &&
                sp_plan_changes(&selection->items[i].plan) &&
                sp_plan_changes(&selection->items[j].plan))
                return true;
    return false;
}

/* The path of a file in the diff: in the site; or in the whole system or tree, which is then named,
 * where the site does not tell files apart. */
static const char *diff_path(struct sp_context *context, const struct sp_target *one,
                             const struct sp_file_plan *file, bool complete)
{
    if (!complete)
        return file->snapshot->path;
    if (one->scan->tree->is_system)
        return file->snapshot->real;
    const char *name = one->scan->tree->name;
    return sp_path_join(context->pool, name + strspn(name, "/"), file->snapshot->real);
}

static int print_diff(struct sp_context *context, const struct sp_target *one, bool complete,
                      struct sp_buffer *out, struct sp_error *err)
{
    for (size_t i = 0; i < one->plan.files.count; i++) {
        const struct sp_file_plan *file = &one->plan.files.items[i];
        if (file->action == SP_ACTION_NONE)
            continue;
        const struct sp_bytes *before =
            file->snapshot->content.data ? &file->snapshot->content : NULL;
        const struct sp_bytes *after = file->after.data ? &file->after : NULL;
        if (sp_blob_diff(diff_path(context, one, file, complete), before, after, 0644, out, err) <
            0)
            return sp_error_prefix(err, "%s", sp_output_path(context, one, file));
    }
    return 0;
}

/* Whether there are changes in several directories: then each is named. */
static bool has_several_sites(const sp_selection *selection)
{
    const struct sp_site *first = NULL;
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        if (!one->detection || !sp_plan_changes(&one->plan))
            continue;
        if (first && one->detection->site != first)
            return true;
        first = one->detection->site;
    }
    return false;
}

int sp_output_diff(struct sp_context *context, const sp_selection *selection, struct sp_buffer *out,
                   struct sp_error *err)
{
    bool complete = is_ambiguous(selection);
    const struct sp_site *site = NULL; /* of the part before */
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        if (!complete && has_several_sites(selection) && sp_plan_changes(&one->plan) &&
            one->detection->site != site) {
            site = one->detection->site;
            sp_buffer_printf(out, "# in ");
            sp_buffer_puts_safe(out, sp_scan_show(context->pool, one->scan, site->path));
            sp_buffer_putc(out, '\n');
        }
        if (print_diff(context, one, complete, out, err) < 0)
            return -1;
    }
    return 0;
}
