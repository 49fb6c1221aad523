/* SPDX-License-Identifier: Apache-2.0 */
/* Which components reapply integrates again. */
#include "model/reapply.h"

#include "support.h"

static enum sp_reapply decide(enum sp_state state, const char *version, const char *release,
                              const struct sp_reapply_record *record)
{
    struct sp_release found_release = {.name = release};
    struct sp_component spec = {.release = &found_release};
    struct sp_detection found = {.version = version, .spec = &spec};
    struct sp_component_plan plan = {.found = &found, .state = state};
    return sp_reapply_decide(&plan, record);
}

TEST(by_state)
{
    static const struct {
        enum sp_state state;
        enum sp_reapply expected;
    } vectors[] = {
        {SP_STATE_INSTALLED, SP_REAPPLY_NOTHING},   {SP_STATE_PARTIAL, SP_REAPPLY_INSTALL},
        {SP_STATE_OUTDATED, SP_REAPPLY_INSTALL},    {SP_STATE_NOT_INSTALLED, SP_REAPPLY_REMOVED},
        {SP_STATE_CONFLICT, SP_REAPPLY_REFUSED},    {SP_STATE_INCLUDED, SP_REAPPLY_REFUSED},
        {SP_STATE_UNSUPPORTED, SP_REAPPLY_REFUSED},
    };
    const struct sp_reapply_record record = {"14.1.0", "newton", true, false};
    for (size_t i = 0; i < COUNT(vectors); i++)
        assert_int_equal(decide(vectors[i].state, "14.1.0", "newton", &record),
                         vectors[i].expected);
}

/* Nothing is there: only a new version of the same release tells that it was an upgrade. */
TEST(nothing_is_there)
{
    const struct sp_reapply_record known = {"14.1.0", "newton", true, false};
    const struct sp_reapply_record unknown = {"", "newton", true, false};
    const struct sp_reapply_record unproven = {"14.1.0", "newton", false, false};
    static const enum sp_state state = SP_STATE_NOT_INSTALLED;
    assert_int_equal(decide(state, "14.1.1", "newton", &known), SP_REAPPLY_INSTALL);
    assert_int_equal(decide(state, "14.0.1", "newton", &known), SP_REAPPLY_INSTALL);
    assert_int_equal(decide(state, "15.0.0", "ocata", &known), SP_REAPPLY_REMOVED);
    assert_int_equal(decide(state, NULL, "newton", &unknown), SP_REAPPLY_REMOVED);
    assert_int_equal(decide(state, "14.1.1", "newton", &unproven), SP_REAPPLY_UNSURE);
}

TEST(edited_driver)
{
    const struct sp_reapply_record record = {"14.1.0", "newton", true, true};
    assert_int_equal(decide(SP_STATE_OUTDATED, "14.1.0", "newton", &record), SP_REAPPLY_EDITED);
}
