/* SPDX-License-Identifier: Apache-2.0 */
/* The checks on the text of one file, as the service has it. */
#ifndef SP_TEST_CHECKS_H
#define SP_TEST_CHECKS_H

#include "format/oslo_config.h"
#include "model/doctor.h"
#include "support.h"

struct check_case {
    const char *id, *text;
    enum sp_series series;
    enum sp_check_level level;
    unsigned line;
};

/* A service by its program. */
static inline void put_service(struct fixture *f, struct sp_facts *facts, enum sp_subject subject,
                               struct sp_service_facts *service)
{
    if (!service->users.count)
        *SP_PUSH(f->pool, &service->users) = (struct sp_service_user){.program = service->program};
    *SP_PUSH(f->pool, &facts->services[subject]) = service;
}

/* The findings of the subject but those that are ok or were skipped. service: without files. */
static inline sp_findings findings_of(struct fixture *f, const struct sp_facts *host,
                                      enum sp_subject subject, struct sp_service_facts service,
                                      const char *text)
{
    sp_findings all = {NULL, 0, 0}, findings = {NULL, 0, 0};
    struct sp_config_content *file = sp_pool_alloc(f->pool, sizeof(*file));
    struct sp_facts facts = {.command = NULL};
    if (host)
        facts = *host;
    put_service(f, &facts, subject, &service);
    sp_oslo_parse(f->pool, subject == SP_SUBJECT_CINDER ? "/etc/cinder.conf" : "/etc/nova.conf",
                  SP_BYTES_STR(text), file);
    *SP_PUSH(f->pool, &service.contents) = file;
    sp_checks_run(f->pool, &facts, &all);
    for (size_t i = 0; i < all.count; i++) {
        const struct sp_finding *one = &all.items[i];
        if (strstr(one->text, "CANARY") || (one->remedy && strstr(one->remedy, "CANARY")))
            fail_msg("%s: text of the file in '%s', '%s'", one->id, one->text, one->remedy);
        if (one->subject == subject && one->level > SP_CHECK_SKIPPED)
            *SP_PUSH(f->pool, &findings) = *one;
    }
    return findings;
}

/* Fails unless this one thing is found; with case->id NULL, nothing. */
static inline void expect_case(const struct check_case *one, const sp_findings *found)
{
    if (!one->id && found->count)
        fail_msg("%s of '%s': %s", found->items[0].id, one->text, found->items[0].text);
    if (!one->id)
        return;
    if (found->count != 1)
        fail_msg("%s on '%s': %zu findings, the second is %s", one->id, one->text, found->count,
                 found->count ? found->items[1].id : "none");
    assert_string_equal(found->items[0].id, one->id);
    if (found->items[0].level != one->level || found->items[0].at.line != one->line)
        fail_msg("%s on '%s': level %d, line %u", one->id, one->text, found->items[0].level,
                 found->items[0].at.line);
}

#endif
