/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a host: each is an entry in a table, and reports findings. Pure: from facts that were read
 * (model/facts.h) to findings.
 *
 * A finding never has text of a file in it but names of backends, and those only if they are plain
 * words: these files hold passwords.
 *
 * To add a check: a function in the file of its table (checks_cinder.c, checks_nova.c, checks_host.c),
 * which calls sp_check_report() for each thing that is to be said and returns without a call when all is
 * well; a line {"X01", "the sentence for ok", function, 0} in that table; in tests/unit/model a text
 * that makes it report, and one that does not. Nothing else: text, JSON and JUnit follow the tables.
 *
 * To add a table: an array of checks, ended by one without an id, declared below; a line in
 * sp_check_tables. Tables of a subject are looked at one after the other; there may be several. A
 * fact that is new goes into model/host_facts.h (or model/facts.h) and is read by host/facts.c. */
#ifndef SP_DOCTOR_H
#define SP_DOCTOR_H

#include "base/pool.h"
#include "model/facts.h"

enum sp_check_level {
    SP_CHECK_OK,
    SP_CHECK_SKIPPED, /* not looked at, since an earlier one has to be repaired first */
    SP_CHECK_NOTE,
    SP_CHECK_UNKNOWN, /* it cannot be told */
    SP_CHECK_WARNING, /* to be repaired, from here on */
    SP_CHECK_ERROR
};
const char *sp_check_level_name(enum sp_check_level level); /* "ok", "note", ... */

/* Where a finding is. */
struct sp_check_place {
    const char *file; /* as it is shown; NULL: of no file */
    unsigned line;    /* 0: of no line */
};

/* The result of a check, or one of several. */
struct sp_finding {
    const char *id, *title; /* of the check */
    unsigned flags;         /* of the check */
    enum sp_subject subject;
    enum sp_check_level level;
    const char *text; /* a sentence; the title of a check that is ok or skipped */
    struct sp_check_place at;
    const char *remedy; /* "write: ..." or "run: ..."; NULL */
};
typedef SP_VEC(struct sp_finding) sp_findings;

struct sp_checking {
    struct sp_pool *pool;
    const struct sp_facts *facts;
    const struct sp_service_facts *service; /* one of the subject's; NULL: the host */
    const sp_oslo_files *files;             /* the service's, in their order; the host's: none */
    enum sp_subject subject;
    const struct sp_check *check; /* that runs */
    sp_findings *findings;
};

#define SP_CHECK_NOWHERE ((struct sp_check_place){NULL, 0})
struct sp_check_place sp_check_place(struct sp_oslo_found at);

/* Adds a finding of the check that runs. remedy may be NULL. */
void sp_check_report(struct sp_checking *c, enum sp_check_level level, struct sp_check_place at,
                     const char *remedy, const char *fmt, ...) SP_PRINTF(5, 6);

enum sp_check_flags {
    SP_CHECK_SHOWN = 2, /* check and install show it themselves */
    SP_CHECK_FIRST =
        1 /* it looks at whether the facts are complete; when it finds something that is not
                        * in order, those of its table without this flag are skipped */
};

struct sp_check {
    const char *id, *title; /* a sentence that is true when nothing is found */
    void (*run)(struct sp_checking *c);
    unsigned flags;
};

/* Each is ended by one without an id. */
extern const struct sp_check sp_checks_cinder[];
extern const struct sp_check sp_checks_nova[];
extern const struct sp_check sp_checks_host[];
extern const struct sp_check sp_checks_storpool_conf[], sp_checks_storpool[];

struct sp_check_table {
    enum sp_subject subject;
    const struct sp_check *checks; /* NULL: the end of the tables */
};
extern const struct sp_check_table sp_check_tables[];

/* "cinder", "nova", "host". */
const char *sp_subject_name(enum sp_subject subject);

/* Runs the checks of all tables whose subject is here, on each of its services. Each check gives one finding
 * or more: one that reports nothing is OK; the same finding of two services, of a file that both read, is
 * there once. They come in the order of the tables. */
void sp_checks_run(struct sp_pool *pool, const struct sp_facts *facts, sp_findings *out);

/* The findings that are to be repaired. */
size_t sp_findings_count(const sp_findings *findings);

/* Whether all facts were read: no check found that this user may not read them. */
bool sp_findings_are_complete(const sp_findings *findings);

#endif
