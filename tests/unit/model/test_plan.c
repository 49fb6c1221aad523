/* SPDX-License-Identifier: Apache-2.0 */
/* The states and actions of a component's files.
 *
 * The component (component()) has three files: 0 is a driver's module, 1 is a file with two edits,
 * 2 is a file that only the older tool installs. At first 0 and 2 are missing and 1 is untouched. A
 * test sets other contents, plans for a goal, and compares the states, actions and new contents. */
#include "model/plan.h"

#include "manifests.h"

#define DRIVER  "# ours\nnew\n"
#define OLDER   "# ours\nold\n"
#define LEGACY  "legacy\n"
#define FOREIGN "foreign\n"

struct planned {
    struct sp_detection found;
    struct sp_file_snapshot files[4];
    size_t count;
    struct sp_component_plan plan;
};

static const char *blob(struct fixture *f, const char *text)
{
    struct sp_blob_id id;
    assert_ok(f, sp_blob_hash(SP_BYTES_STR(text), &id, &f->err));
    return sp_pool_strdup(f->pool, id.hex);
}

/* A component with a module, an edited file, and one that only the older tool leaves. */
static struct planned *component(struct fixture *f)
{
    struct planned *p = sp_pool_alloc(f->pool, sizeof(*p));
    struct sp_release *release = release_of_files(
        f, sp_pool_printf(f->pool,
                          "- path: new.py\n"
                          "  copy: toy/new.py\n"
                          "  marker: '^# ours$'\n"
                          "  legacy: {%s: 'the tool 1.0'}\n"
                          "- path: list.py\n"
                          "  edits:\n"
                          "    - {name: one, before: '^a$', text: \"x\\n\", legacy: ['^old\\n']}\n"
                          "    - {name: two, after: '^a$', text: \"y\\n\"}\n"
                          "- path: left.py\n"
                          "  legacy: {%s: 'the tool 1.0'}\n",
                          blob(f, LEGACY), blob(f, LEGACY)));
    const struct sp_component *spec = release->components.items[0];
    p->found = (struct sp_detection){.name = "toy", .dir = "usr/toy", .version = "1.0"};
    p->found.spec = spec;
    p->found.layout = &spec->layouts.items[0];
    p->count = 3;
    for (size_t i = 0; i < p->count; i++)
        p->files[i].spec = &spec->layouts.items[0].files.items[i];
    p->files[0].driver = SP_BYTES_STR(DRIVER);
    p->files[1].content = SP_BYTES_STR("a\n");
    return p;
}

static void set_up_component(struct fixture *f)
{
    f->own = component(f);
}

/* The body sees `p`, what component() makes. */
#define TEST_ON_COMPONENT(name) TEST_WITH(name, struct planned *p, set_up_component, NULL)

static void plan(struct fixture *f, struct planned *p, enum sp_goal goal)
{
    sp_plan_component(f->pool, &p->found, p->files, p->count, goal, &p->plan);
}

static void set(struct planned *p, size_t file, const char *content)
{
    p->files[file].content = content ? SP_BYTES_STR(content) : (struct sp_bytes){NULL, 0};
}

/* The plan of one file; NULL if there is none. */
static const struct sp_file_plan *planned_file(const struct planned *p, size_t file)
{
    for (size_t i = 0; i < p->plan.files.count; i++)
        if (p->plan.files.items[i].snapshot == &p->files[file])
            return &p->plan.files.items[i];
    return NULL;
}

/* The state and the action of one file, and its new content (NULL: none). */
static void expect(const struct planned *p, size_t file, enum sp_state state, enum sp_action action,
                   const char *after)
{
    const struct sp_file_plan *item = planned_file(p, file);
    if (!item) {
        fail_msg("file %zu is not planned for", file);
        return;
    }
    assert_string_equal(sp_state_name(item->state), sp_state_name(state));
    assert_string_equal(sp_action_name(item->action), sp_action_name(action));
    if (after) {
        assert_int_equal(item->after.len, strlen(after));
        assert_memory_equal(item->after.data, after, item->after.len);
    } else {
        assert_null(item->after.data);
    }
}

static void expect_whole(const struct planned *p, enum sp_state state, bool changes)
{
    assert_string_equal(sp_state_name(p->plan.state), sp_state_name(state));
    assert_int_equal(sp_plan_changes(&p->plan), changes);
}

TEST_ON_COMPONENT(not_installed)
{
    plan(f, p, SP_GOAL_INSTALL);
    expect_whole(p, SP_STATE_NOT_INSTALLED, true);
    expect(p, 0, SP_STATE_NOT_INSTALLED, SP_ACTION_ADD, DRIVER);
    expect(p, 1, SP_STATE_NOT_INSTALLED, SP_ACTION_REPLACE, "x\na\ny\n");
    assert_null(planned_file(p, 2)); /* nobody left it */
    plan(f, p, SP_GOAL_UNINSTALL);
    expect_whole(p, SP_STATE_NOT_INSTALLED, false);
    expect(p, 0, SP_STATE_NOT_INSTALLED, SP_ACTION_NONE, NULL);
    expect(p, 1, SP_STATE_NOT_INSTALLED, SP_ACTION_NONE, NULL);
}

TEST_ON_COMPONENT(installed)
{
    set(p, 0, DRIVER);
    set(p, 1, "x\na\ny\n");
    plan(f, p, SP_GOAL_INSTALL);
    expect_whole(p, SP_STATE_INSTALLED, false);
    expect(p, 0, SP_STATE_INSTALLED, SP_ACTION_NONE, NULL);
    expect(p, 1, SP_STATE_INSTALLED, SP_ACTION_NONE, NULL);
    plan(f, p, SP_GOAL_UNINSTALL);
    expect_whole(p, SP_STATE_INSTALLED, true);
    expect(p, 0, SP_STATE_INSTALLED, SP_ACTION_REMOVE, NULL);
    expect(p, 1, SP_STATE_INSTALLED, SP_ACTION_REPLACE, "a\n");
}

TEST_ON_COMPONENT(partial)
{
    set(p, 0, DRIVER);
    plan(f, p, SP_GOAL_INSTALL); /* the edited file is untouched again */
    expect_whole(p, SP_STATE_PARTIAL, true);
    expect(p, 0, SP_STATE_INSTALLED, SP_ACTION_NONE, NULL);
    expect(p, 1, SP_STATE_NOT_INSTALLED, SP_ACTION_REPLACE, "x\na\ny\n");
    set(p, 0, NULL);
    set(p, 1, "x\na\ny\n");
    plan(f, p, SP_GOAL_INSTALL); /* the module is gone */
    expect_whole(p, SP_STATE_PARTIAL, true);
    set(p, 1, "x\na\n");
    plan(f, p, SP_GOAL_INSTALL); /* one edit of two */
    expect_whole(p, SP_STATE_PARTIAL, true);
    expect(p, 1, SP_STATE_PARTIAL, SP_ACTION_REPLACE, "x\na\ny\n");
    plan(f, p, SP_GOAL_UNINSTALL);
    expect(p, 1, SP_STATE_PARTIAL, SP_ACTION_REPLACE, "a\n");
    set(p, 0, DRIVER); /* nothing is missing but that */
    plan(f, p, SP_GOAL_INSTALL);
    expect_whole(p, SP_STATE_PARTIAL, true);
}

TEST_ON_COMPONENT(outdated_module)
{
    static const char *const contents[] = {OLDER, LEGACY};
    static const char *const notes[] = {"another version of our driver", "the tool 1.0"};
    for (size_t i = 0; i < COUNT(contents); i++) {
        set(p, 0, contents[i]);
        set(p, 1, "x\na\ny\n");
        plan(f, p, SP_GOAL_INSTALL);
        expect_whole(p, SP_STATE_OUTDATED, true);
        expect(p, 0, SP_STATE_OUTDATED, SP_ACTION_REPLACE, DRIVER);
        assert_non_null(strstr(p->plan.files.items[0].note, notes[i]));
        plan(f, p, SP_GOAL_UNINSTALL);
        expect(p, 0, SP_STATE_OUTDATED, SP_ACTION_REMOVE, NULL);
    }
}

TEST_ON_COMPONENT(outdated_edit)
{
    set(p, 0, DRIVER);
    set(p, 1, "old\na\ny\n");
    plan(f, p, SP_GOAL_INSTALL);
    expect_whole(p, SP_STATE_OUTDATED, true);
    expect(p, 1, SP_STATE_OUTDATED, SP_ACTION_REPLACE, "x\na\ny\n");
    plan(f, p, SP_GOAL_UNINSTALL);
    expect(p, 1, SP_STATE_OUTDATED, SP_ACTION_REPLACE, "a\n");
}

TEST_ON_COMPONENT(left_over)
{
    set(p, 2, LEGACY);
    for (int goal = SP_GOAL_INSTALL; goal <= SP_GOAL_UNINSTALL; goal++) {
        plan(f, p, (enum sp_goal)goal);
        expect_whole(p, SP_STATE_OUTDATED, true);
        expect(p, 2, SP_STATE_OUTDATED, SP_ACTION_REMOVE, NULL);
        assert_non_null(strstr(p->plan.files.items[2].note, "the tool 1.0"));
    }
    set(p, 2, FOREIGN);
    for (int goal = SP_GOAL_INSTALL; goal <= SP_GOAL_UNINSTALL; goal++) {
        plan(f, p, (enum sp_goal)goal);
        expect(p, 2, SP_STATE_UNTOUCHED, SP_ACTION_NONE, NULL);
    }
}

/* Our own driver where another layout of the package had it. */
TEST_ON_COMPONENT(left_over_of_ours)
{
    p->files[2].spec = &release_of_files(f, "- {path: left.py, marker: '^# ours$'}")
                            ->components.items[0]
                            ->layouts.items[0]
                            .files.items[0];
    for (int goal = SP_GOAL_INSTALL; goal <= SP_GOAL_UNINSTALL; goal++) {
        set(p, 2, OLDER);
        plan(f, p, (enum sp_goal)goal);
        expect_whole(p, SP_STATE_OUTDATED, true);
        expect(p, 2, SP_STATE_OUTDATED, SP_ACTION_REMOVE, NULL);
        set(p, 2, LEGACY);
        plan(f, p, (enum sp_goal)goal);
        expect(p, 2, SP_STATE_UNTOUCHED, SP_ACTION_NONE, NULL);
        set(p, 2, NULL);
        plan(f, p, (enum sp_goal)goal);
        assert_null(planned_file(p, 2));
    }
}

TEST_ON_COMPONENT(foreign_module)
{
    set(p, 0, FOREIGN);
    plan(f, p, SP_GOAL_INSTALL);
    assert_int_equal(p->plan.state, SP_STATE_CONFLICT);
    expect(p, 0, SP_STATE_CONFLICT, SP_ACTION_NONE, NULL);
    assert_non_null(p->plan.files.items[0].note);
    plan(f, p, SP_GOAL_UNINSTALL); /* it is left alone, with a word */
    expect_whole(p, SP_STATE_FOREIGN, false);
    expect(p, 0, SP_STATE_FOREIGN, SP_ACTION_NONE, NULL);
    assert_non_null(p->plan.files.items[0].note);
    set(p, 0, ""); /* an empty file is foreign, too, not a missing one */
    plan(f, p, SP_GOAL_INSTALL);
    expect(p, 0, SP_STATE_CONFLICT, SP_ACTION_NONE, NULL);
}

/* Lines that could be ours by their text belong to the module that they register. */
TEST_ON_COMPONENT(lines_of_a_foreign_module)
{
    static const char *const contents[] = {"x\na\ny\n", "x\na\n", "old\na\n"};
    set(p, 0, FOREIGN);
    for (size_t i = 0; i < COUNT(contents); i++) {
        set(p, 1, contents[i]);
        plan(f, p, SP_GOAL_UNINSTALL);
        expect_whole(p, SP_STATE_FOREIGN, false);
        expect(p, 0, SP_STATE_FOREIGN, SP_ACTION_NONE, NULL);
        expect(p, 1, SP_STATE_FOREIGN, SP_ACTION_NONE, NULL);
    }
    set(p, 0, NULL); /* without the module they are ours */
    set(p, 1, contents[0]);
    plan(f, p, SP_GOAL_UNINSTALL);
    expect(p, 1, SP_STATE_INSTALLED, SP_ACTION_REPLACE, "a\n");
}

TEST_ON_COMPONENT(zipped_egg)
{
    p->found.obstacle = "it is a zipped egg";
    plan(f, p, SP_GOAL_INSTALL);
    expect_whole(p, SP_STATE_CONFLICT, false);
    assert_string_equal(p->plan.note, "it is a zipped egg");
}

TEST_ON_COMPONENT(marker_is_searched_in_all_lines)
{
    set(p, 0, "# first\n# ours\n");
    plan(f, p, SP_GOAL_INSTALL);
    expect(p, 0, SP_STATE_OUTDATED, SP_ACTION_REPLACE, DRIVER);
    set(p, 0, "# ours too\n");
    plan(f, p, SP_GOAL_INSTALL);
    expect(p, 0, SP_STATE_CONFLICT, SP_ACTION_NONE, NULL);
}

TEST_ON_COMPONENT(conflicts)
{
    static const char *const contents[] = {"b\n",   "a\na\n",       "a",        "",
                                           "a\r\n", "caf\xe9\na\n", "x\nx\na\n"};
    for (size_t i = 0; i < COUNT(contents); i++) {
        set(p, 1, contents[i]);
        plan(f, p, SP_GOAL_INSTALL);
        assert_int_equal(p->plan.state, SP_STATE_CONFLICT);
        expect(p, 1, SP_STATE_CONFLICT, SP_ACTION_NONE, NULL);
        assert_non_null(p->plan.files.items[1].note);
        /* the others are planned for all the same: check shows them */
        expect(p, 0, SP_STATE_NOT_INSTALLED, SP_ACTION_ADD, DRIVER);
    }
}

TEST_ON_COMPONENT(missing_file)
{
    set(p, 1, NULL);
    plan(f, p, SP_GOAL_INSTALL);
    expect(p, 1, SP_STATE_CONFLICT, SP_ACTION_NONE, NULL);
    plan(f, p, SP_GOAL_UNINSTALL); /* nothing of ours can be in it */
    expect(p, 1, SP_STATE_UNTOUCHED, SP_ACTION_NONE, NULL);
}

TEST(obstacle)
{
    for (size_t i = 0; i < 3; i++) {
        struct planned *p = component(f);
        p->files[i].obstacle = "a directory is in its place";
        plan(f, p, SP_GOAL_INSTALL);
        assert_int_equal(p->plan.state, SP_STATE_CONFLICT);
        expect(p, i, SP_STATE_CONFLICT, SP_ACTION_NONE, NULL);
        assert_string_equal(p->plan.files.items[i].note, "a directory is in its place");
    }
}

/* What would not come out again to the byte does not go in. */
TEST_ON_COMPONENT(edit_that_is_not_reversible)
{
    const char *text = "- path: list.py\n"
                       "  edits:\n"
                       "    - {name: one, before: '^a$', text: \"x\\n\"}\n"
                       "    - {name: two, before: '^b$', text: \"y\\n\", legacy: ['^x\\na\\n']}\n";
    p->files[1].spec =
        &release_of_files(f, text)->components.items[0]->layouts.items[0].files.items[0];
    set(p, 1, "a\nb\n");
    plan(f, p, SP_GOAL_INSTALL);
    expect(p, 1, SP_STATE_CONFLICT, SP_ACTION_NONE, NULL);
    assert_non_null(strstr(p->plan.files.items[1].note, "removed again"));
    /* text that goes out of its region is never found again */
    text = "- path: list.py\n"
           "  edits:\n"
           "    - {name: e, within: ['^a$', '^b$'], after: '^b$', text: \"x\\n\"}\n";
    p->files[1].spec =
        &release_of_files(f, text)->components.items[0]->layouts.items[0].files.items[0];
    plan(f, p, SP_GOAL_INSTALL);
    expect(p, 1, SP_STATE_CONFLICT, SP_ACTION_NONE, NULL);
}

TEST(release_that_is_not_supported)
{
    static const struct {
        const char *status;
        enum sp_state state;
    } vectors[] = {{"included", SP_STATE_INCLUDED}, {"unsupported", SP_STATE_UNSUPPORTED}};
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_release *release =
            manifest_of(f, sp_pool_printf(f->pool,
                                          MANIFEST_HEAD "status: %s\nnote: a word\ncomponents:\n"
                                                        "  toy: {versions: '>=1'}\n",
                                          vectors[i].status));
        struct planned *p = component(f);
        p->found.spec = release->components.items[0];
        p->found.layout = NULL;
        p->count = 0;
        for (int goal = SP_GOAL_INSTALL; goal <= SP_GOAL_UNINSTALL; goal++) {
            plan(f, p, (enum sp_goal)goal);
            expect_whole(p, vectors[i].state, false);
            assert_string_equal(p->plan.note, "a word");
        }
    }
}

TEST_ON_COMPONENT(unknown_release)
{
    p->found.spec = NULL;
    p->found.layout = NULL;
    plan(f, p, SP_GOAL_INSTALL);
    expect_whole(p, SP_STATE_UNSUPPORTED, false);
    assert_non_null(strstr(p->plan.note, "1.0"));
    p->found.version = NULL;
    plan(f, p, SP_GOAL_INSTALL);
    expect_whole(p, SP_STATE_UNSUPPORTED, false);
    assert_non_null(strstr(p->plan.note, "is unknown"));
}

TEST_ON_COMPONENT(no_layout)
{
    p->found.layout = NULL;
    p->count = 0;
    plan(f, p, SP_GOAL_INSTALL);
    expect_whole(p, SP_STATE_CONFLICT, false);
    assert_non_null(strstr(p->plan.note, "newton"));
}

TEST(names)
{
    static const char *const states[] = {"installed", "not-installed", "partial",  "outdated",
                                         "conflict",  "untouched",     "foreign",  "shadowed",
                                         "included",  "unsupported",   "not-found"};
    static const char *const actions[] = {"none", "add", "replace", "remove"};
    for (size_t i = 0; i < COUNT(states); i++)
        assert_string_equal(sp_state_name((enum sp_state)i), states[i]);
    for (size_t i = 0; i < COUNT(actions); i++)
        assert_string_equal(sp_action_name((enum sp_action)i), actions[i]);
}
