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

/* ---- running ----------------------------------------------------------------------------------- */

/* One of the services of the subject, or the host, as a check looks at it. */
struct view {
    const struct sp_service_facts *service; /* NULL: the host */
    bool incomplete;                        /* an earlier check has to be in order first */
};
typedef SP_VEC(struct view) sp_views;

/* Services that read the same file give the same findings in it, and backends that share an option: one is
 * enough. */
static void drop_repeated(sp_findings *findings, size_t first, size_t added)
{
    size_t kept = added;
    for (size_t i = added; i < findings->count; i++) {
        const struct sp_finding *one = &findings->items[i];
        bool known = false;
        for (size_t j = first; j < kept && !known; j++) {
            const struct sp_finding *other = &findings->items[j];
            known = other->level == one->level && other->at.line == one->at.line &&
                    sp_str_equal(other->at.file, one->at.file) &&
                    sp_str_equal(other->text, one->text);
        }
        if (!known)
            findings->items[kept++] = *one;
    }
    findings->count = kept;
}

static void run_on(struct sp_checking *c, struct view *view, size_t first)
{
    static const sp_oslo_files none;
    size_t before = c->findings->count;
    c->service = view->service;
    c->files = view->service ? &view->service->contents : &none;
    c->check->run(c);
    for (size_t i = before; c->check->flags & SP_CHECK_FIRST && i < c->findings->count; i++)
        view->incomplete |= c->findings->items[i].level >= SP_CHECK_UNKNOWN ||
                            c->findings->items[i].level == SP_CHECK_SKIPPED;
    drop_repeated(c->findings, first, before);
}

static void run_table(struct sp_checking *c, const struct sp_check *check, sp_views *views)
{
    for (; check->id; check++) {
        size_t first = c->findings->count;
        bool skipped = false;
        c->check = check;
        for (size_t i = 0; i < views->count; i++) {
            struct view *view = &views->items[i];
            if (view->incomplete && !(check->flags & SP_CHECK_FIRST))
                skipped = true;
            else
                run_on(c, view, first);
        }
        if (c->findings->count == first)
            add(c, skipped ? SP_CHECK_SKIPPED : SP_CHECK_OK, check->title);
    }
}

void sp_checks_run(struct sp_pool *pool, const struct sp_facts *facts, sp_findings *out)
{
    for (const struct sp_check_table *table = sp_check_tables; table->checks; table++) {
        const sp_service_list *services = &facts->services[table->subject];
        sp_views views = {NULL, 0, 0};
        struct sp_checking c = {
            .pool = pool, .facts = facts, .subject = table->subject, .findings = out};
        for (size_t i = 0; i < services->count; i++)
            *SP_PUSH(pool, &views) = (struct view){.service = services->items[i]};
        if (table->subject == SP_SUBJECT_HOST)
            *SP_PUSH(pool, &views) = (struct view){.service = NULL};
        if (views.count)
            run_table(&c, table->checks, &views);
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
