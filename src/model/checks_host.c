/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of the host's own: whether the drivers are in its packages. */
#include <string.h>

#include "model/checks.h"

/* Where it is known how some service is started, only the packages of those that are started count: those of
 * others are needed by tools, or on other hosts. */
static bool is_used(const struct sp_facts *facts, const struct sp_component_facts *component)
{
    bool any = false, own = false, is_service = false;
    for (int i = 0; i < SP_SUBJECT_HOST; i++) {
        bool here = facts->services[i].count && facts->services[i].items[0]->source;
        bool same = strcmp(sp_subject_name((enum sp_subject)i), component->name) == 0;
        any |= here;
        own |= here && same;
        is_service |= same;
    }
    return own || !any || !is_service || sp_state_is_integrated(component->state);
}

static bool is_to_be_installed(enum sp_state state)
{
    return state == SP_STATE_NOT_INSTALLED || state == SP_STATE_PARTIAL ||
           state == SP_STATE_OUTDATED;
}

bool sp_drivers_are_missing(const struct sp_facts *facts)
{
    for (size_t i = 0; i < facts->components.count; i++)
        if (is_to_be_installed(facts->components.items[i].state) &&
            is_used(facts, &facts->components.items[i]))
            return true;
    return false;
}

static void check_drivers(struct sp_checking *c)
{
    sp_strv open = {NULL, 0, 0};
    if (c->facts->components.count == 0)
        sp_check_report(c, SP_CHECK_SKIPPED, SP_CHECK_NOWHERE, NULL,
                        "no packages of OpenStack were found outside of containers");
    for (size_t i = 0; i < c->facts->components.count; i++) {
        const struct sp_component_facts *one = &c->facts->components.items[i];
        if (!is_used(c->facts, one))
            continue;
        if (is_to_be_installed(one->state))
            *SP_PUSH(c->pool, &open) =
                sp_pool_printf(c->pool, "%s (%s)", one->name, sp_state_name(one->state));
        else if (one->state != SP_STATE_INSTALLED && one->state != SP_STATE_INCLUDED)
            sp_check_report(c, SP_CHECK_ERROR, SP_CHECK_NOWHERE,
                            sp_pool_printf(c->pool, "run: %s check -v", c->facts->command),
                            "the driver cannot be installed in %s (%s)%s%s", one->name,
                            sp_state_name(one->state), one->note ? ": " : "",
                            one->note ? one->note : "");
    }
    if (open.count)
        sp_check_report(c, SP_CHECK_ERROR, SP_CHECK_NOWHERE,
                        sp_pool_printf(c->pool, "run: %s install", c->facts->command),
                        "the drivers are not all installed: %s",
                        sp_strv_join(c->pool, &open, ", "));
}

const struct sp_check sp_checks_host[] = {
    {"D01", "the drivers are installed", check_drivers, SP_CHECK_SHOWN},
    {NULL, NULL, NULL, 0},
};
