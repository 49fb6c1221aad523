/* SPDX-License-Identifier: Apache-2.0 */
/* The edits of a file, an empty line, and the text of the file. A line of an edit is a letter and
 * what belongs to it: `-` a new edit, `<` and `>` the region, `b` before, `a` after, `e` at the
 * end, `t` a line of text, `l` legacy, `f` foreign.
 *
 * What is planned to go in comes out again to the byte, and stays where it is when it is planned
 * again; what was there already is not touched. */
#include <string.h>

#include "fuzz.h"
#include "model/edit.h"
#include "model/plan.h"

enum {
    MAX_EDITS = 4
};

static const struct sp_regex *pattern(struct sp_pool *pool, const char *text)
{
    struct sp_error err = SP_ERROR_INIT;
    struct sp_regex *regex = NULL;
    if (sp_regex_compile(pool, text, &regex, &err) < 0)
        sp_error_clear(&err);
    return regex;
}

static void add_text(struct sp_pool *pool, struct sp_edit *edit, const char *line)
{
    const char *text = sp_pool_printf(pool, "%.*s%s\n", (int)edit->text.len,
                                      edit->text.len ? edit->text.data : "", line);
    edit->text = SP_BYTES_STR(text);
}

static void add_line(struct sp_pool *pool, struct sp_edit *edit, const char *line)
{
    const struct sp_regex *regex = strchr("<>balf", *line) ? pattern(pool, line + 1) : NULL;
    switch (*line) {
    case '<':
        edit->start = regex;
        break;
    case '>':
        edit->end = regex;
        break;
    case 'b':
    case 'a':
        edit->place = *line == 'b' ? SP_PLACE_BEFORE : SP_PLACE_AFTER;
        edit->anchor = regex;
        break;
    case 'e':
        edit->place = SP_PLACE_END;
        break;
    case 't':
        add_text(pool, edit, line + 1);
        break;
    case 'l':
        if (regex)
            *SP_PUSH(pool, &edit->legacy) = regex;
        break;
    case 'f':
        if (regex)
            *SP_PUSH(pool, &edit->foreign) = regex;
        break;
    default:
        break;
    }
}

/* What a manifest would not say is left out. */
static void tidy(struct sp_edit *edit)
{
    if (!edit->start || !edit->end)
        edit->start = edit->end = NULL;
    if (edit->place != SP_PLACE_BEFORE && edit->place != SP_PLACE_AFTER)
        edit->anchor = NULL;
    else if (!edit->anchor)
        edit->place = SP_PLACE_END;
    if (edit->place == SP_PLACE_NONE)
        edit->text = (struct sp_bytes){NULL, 0};
    if (edit->text.len == 0)
        edit->place = SP_PLACE_NONE;
}

static struct sp_bytes read_spec(struct sp_pool *pool, const uint8_t *data, size_t size,
                                 struct sp_manifest_file *out)
{
    size_t at = 0;
    while (at < size) {
        const uint8_t *newline = memchr(data + at, '\n', size - at);
        size_t len = newline ? (size_t)(newline - data) - at : size - at;
        const char *line = sp_pool_memdup(pool, data + at, len);
        at += len + (newline != NULL);
        if (!*line)
            break;
        if (out->edits.count == 0 || (*line == '-' && out->edits.count < MAX_EDITS))
            SP_PUSH(pool, &out->edits)->name = "one";
        add_line(pool, &out->edits.items[out->edits.count - 1], line);
    }
    for (size_t i = 0; i < out->edits.count; i++)
        tidy(&out->edits.items[i]);
    return (struct sp_bytes){(const char *)data + at, size - at};
}

static bool apply(struct sp_pool *pool, const struct sp_manifest_file *file, struct sp_bytes text,
                  enum sp_goal goal, struct sp_bytes *out, struct sp_edit_count *found)
{
    struct sp_error err = SP_ERROR_INIT;
    struct sp_edited edited;
    int rc = sp_edit_apply(pool, file, text, goal, &edited, &err);
    *out = edited.text;
    *found = edited.found;
    CHECK((rc == 0) == !sp_error_is_set(&err));
    CHECK(rc == 0 || err.kind == SP_ERROR_REFUSED);
    sp_error_clear(&err);
    return rc == 0;
}

/* The planned change of the text towards the goal. */
static void plan(struct sp_pool *pool, const struct sp_manifest_file *file, struct sp_bytes text,
                 enum sp_goal goal, struct sp_component_plan *out)
{
    static const struct sp_release release = {.name = "input", .support = SP_SUPPORTED};
    static const struct sp_component component = {.name = "input", .release = &release};
    struct sp_file_snapshot *snapshot = sp_pool_alloc(pool, sizeof(*snapshot));
    struct sp_layout *layout = sp_pool_alloc(pool, sizeof(*layout));
    struct sp_detection *found = sp_pool_alloc(pool, sizeof(*found));
    *snapshot = (struct sp_file_snapshot){.spec = file, .path = "a", .real = "a", .content = text};
    *found = (struct sp_detection){.name = "input", .spec = &component, .layout = layout};
    sp_plan_component(pool, found, snapshot, 1, goal, out);
    CHECK(out->files.count == 1);
}

static void check_planned(struct sp_pool *pool, const struct sp_manifest_file *file,
                          struct sp_bytes before, struct sp_bytes after)
{
    struct sp_bytes clean, back;
    struct sp_edit_count found;
    struct sp_component_plan again, out;
    CHECK(!sp_edit_unfit(after));
    CHECK(apply(pool, file, before, SP_GOAL_UNINSTALL, &clean, &found));
    CHECK(apply(pool, file, after, SP_GOAL_UNINSTALL, &back, &found));
    CHECK(sp_bytes_equal(clean, back));
    plan(pool, file, after, SP_GOAL_INSTALL, &again);
    CHECK(again.files.items[0].action == SP_ACTION_NONE);
    CHECK(again.state != SP_STATE_CONFLICT);
    plan(pool, file, after, SP_GOAL_UNINSTALL, &out);
    CHECK(out.state != SP_STATE_CONFLICT);
    if (out.files.items[0].action == SP_ACTION_REPLACE)
        CHECK(sp_bytes_equal(out.files.items[0].after, clean));
    else
        CHECK(sp_bytes_equal(after, clean));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_pool *pool = sp_pool_new();
    struct sp_manifest_file file = {.path = "a"};
    struct sp_bytes text = read_spec(pool, data, size, &file), out;
    struct sp_edit_count found;
    if (file.edits.count > 0) {
        if (apply(pool, &file, text, SP_GOAL_INSTALL, &out, &found)) {
            CHECK(found.ours <= found.wanted && found.wanted <= file.edits.count);
            CHECK(found.ours < found.wanted || found.legacy || out.data == text.data);
        }
        struct sp_component_plan planned;
        plan(pool, &file, text, SP_GOAL_INSTALL, &planned);
        if (planned.files.items[0].action == SP_ACTION_REPLACE)
            check_planned(pool, &file, text, planned.files.items[0].after);
        if (apply(pool, &file, text, SP_GOAL_UNINSTALL, &out, &found))
            CHECK(out.len <= text.len);
    }
    sp_pool_free(pool);
    return 0;
}
