/* SPDX-License-Identifier: Apache-2.0 */
/* The drivers: of the components that count. */
#include "model/doctor.h"
#include "support.h"

struct host {
    struct sp_facts facts;
    struct sp_service_facts services[SP_SUBJECTS];
};

static void put(struct fixture *f, struct host *host, const char *component, enum sp_state state)
{
    *SP_PUSH(f->pool, &host->facts.components) =
        (struct sp_component_facts){component, state, "CAUSE"};
}

/* The service is here; source: how it is started. */
static void start(struct fixture *f, struct host *host, enum sp_subject subject, const char *source)
{
    host->services[subject] = (struct sp_service_facts){.program = "x", .source = source};
    *SP_PUSH(f->pool, &host->facts.services[subject]) = &host->services[subject];
}

/* The text of D01's finding; NULL: it is ok. */
static const char *drivers(struct fixture *f, struct host *host)
{
    sp_findings all = {NULL, 0, 0};
    host->facts.command = "sp-openstack -R /x";
    sp_checks_run(f->pool, &host->facts, &all);
    for (size_t i = 0; i < all.count; i++)
        if (strcmp(all.items[i].id, "D01") == 0)
            return all.items[i].level >= SP_CHECK_WARNING ? all.items[i].text : NULL;
    fail_msg("there is no D01");
    return NULL;
}

TEST(drivers_are_there)
{
    struct host host = {.services = {{.program = NULL}}};
    put(f, &host, "cinder", SP_STATE_INSTALLED);
    put(f, &host, "nova", SP_STATE_INCLUDED);
    assert_null(drivers(f, &host));
}

TEST(drivers_are_not_there)
{
    struct host host = {.services = {{.program = NULL}}};
    put(f, &host, "cinder", SP_STATE_INSTALLED);
    put(f, &host, "nova", SP_STATE_NOT_INSTALLED);
    put(f, &host, "os_brick", SP_STATE_PARTIAL);
    assert_string_equal(drivers(f, &host),
                        "the drivers are not all installed: nova (not-installed), "
                        "os_brick (partial)");
    host.facts.components.count = 0;
    put(f, &host, "nova", SP_STATE_CONFLICT);
    assert_string_equal(drivers(f, &host),
                        "the driver cannot be installed in nova (conflict): CAUSE");
}

/* A controller, where nova-compute is not started, has nova's packages for its other services. */
TEST(service_that_is_not_started)
{
    struct host host = {.services = {{.program = NULL}}};
    start(f, &host, SP_SUBJECT_CINDER, "process 1");
    start(f, &host, SP_SUBJECT_NOVA, NULL);
    put(f, &host, "cinder", SP_STATE_INSTALLED);
    put(f, &host, "nova", SP_STATE_NOT_INSTALLED);
    assert_null(drivers(f, &host));
    host.services[SP_SUBJECT_CINDER].source = NULL; /* then it cannot be told which are used */
    assert_non_null(drivers(f, &host));
    host.services[SP_SUBJECT_CINDER].source = "process 1";
    host.facts.components.items[1].state = SP_STATE_PARTIAL;
    assert_non_null(drivers(f, &host));
}
