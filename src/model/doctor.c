/* SPDX-License-Identifier: Apache-2.0 */
#include "model/doctor.h"

const struct sp_check_table sp_check_tables[] = {
    {SP_SUBJECT_CINDER, sp_checks_cinder}, {SP_SUBJECT_NOVA, sp_checks_nova},
    {SP_SUBJECT_HOST, sp_checks_host},     {SP_SUBJECT_HOST, sp_checks_storpool_conf},
    {SP_SUBJECT_HOST, sp_checks_storpool}, {SP_SUBJECT_HOST, NULL},
};

const char *sp_subject_name(enum sp_subject subject)
{
    static const char *const names[] = {
        [SP_SUBJECT_CINDER] = "cinder", [SP_SUBJECT_NOVA] = "nova", [SP_SUBJECT_HOST] = "host"};
    return names[subject];
}

const char *sp_check_level_name(enum sp_check_level level)
{
    static const char *const names[] = {
        [SP_CHECK_OK] = "ok",           [SP_CHECK_SKIPPED] = "skipped", [SP_CHECK_NOTE] = "note",
        [SP_CHECK_UNKNOWN] = "unknown", [SP_CHECK_WARNING] = "warning", [SP_CHECK_ERROR] = "error",
    };
    return names[level];
}

static struct sp_finding *add(struct sp_checking *c, enum sp_check_level level, const char *text)
{
    struct sp_finding *finding = SP_PUSH(c->pool, c->findings);
    finding->id = c->check->id;
    finding->title = c->check->title;
    finding->flags = c->check->flags;
    finding->subject = c->subject;
    finding->level = level;
    finding->text = text;
    return finding;
}

struct sp_check_place sp_check_place(struct sp_oslo_found at)
{
    return (struct sp_check_place){at.file ? at.file->name : NULL, at.entry ? at.entry->line : 0};
}

void sp_check_report(struct sp_checking *c, enum sp_check_level level, struct sp_check_place at,
                     const char *remedy, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    struct sp_finding *finding = add(c, level, sp_pool_vprintf(c->pool, fmt, args));
    va_end(args);
    finding->at = at;
    finding->remedy = remedy;
}

static void run_table(struct sp_checking *c, const struct sp_check *check)
{
    bool incomplete = false;
    for (; check->id; check++) {
        size_t before = c->findings->count;
        c->check = check;
        if (incomplete && !(check->flags & SP_CHECK_FIRST)) {
            add(c, SP_CHECK_SKIPPED, check->title);
            continue;
        }
        check->run(c);
        for (size_t i = before; check->flags & SP_CHECK_FIRST && i < c->findings->count; i++)
            incomplete |= c->findings->items[i].level >= SP_CHECK_UNKNOWN ||
                          c->findings->items[i].level == SP_CHECK_SKIPPED;
        if (c->findings->count == before)
            add(c, SP_CHECK_OK, check->title);
    }
}

void sp_checks_run(struct sp_pool *pool, const struct sp_facts *facts, sp_findings *out)
{
    static const sp_oslo_files none;
    for (const struct sp_check_table *table = sp_check_tables; table->checks; table++) {
        const struct sp_service_facts *service = facts->services[table->subject];
        struct sp_checking c = {.pool = pool,
                                .facts = facts,
                                .service = service,
                                .files = service ? &service->contents : &none,
                                .subject = table->subject,
                                .findings = out};
        if (service || table->subject == SP_SUBJECT_HOST)
            run_table(&c, table->checks);
    }
}

size_t sp_findings_count(const sp_findings *findings)
{
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++)
        count += findings->items[i].level >= SP_CHECK_WARNING;
    return count;
}

bool sp_findings_are_complete(const sp_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].flags & SP_CHECK_FIRST &&
            findings->items[i].level == SP_CHECK_UNKNOWN)
            return false;
    return true;
}
