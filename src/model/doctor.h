/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a host's configuration: each is an entry in a table, and reports findings. Pure: from files
 * that were read to findings.
 *
 * A finding never has text of a file in it but names of backends, and those only if they are plain
 * words: these files hold passwords. */
#ifndef SP_DOCTOR_H
#define SP_DOCTOR_H

#include "base/pool.h"
#include "format/oslo_value.h"

enum sp_check_level {
    SP_CHECK_OK,
    SP_CHECK_NOTE,
    SP_CHECK_UNKNOWN, /* it cannot be told */
    SP_CHECK_WARNING, /* to be repaired, from here on */
    SP_CHECK_ERROR
};

struct sp_finding {
    const char *id; /* of the check */
    enum sp_check_level level;
    const char *text;   /* a sentence */
    const char *file;   /* as it is shown; NULL: of no file */
    unsigned line;      /* 0: of no line */
    const char *remedy; /* "write: ..." or "run: ..."; NULL */
};
typedef SP_VEC(struct sp_finding) sp_findings;

enum sp_series {
    SP_SERIES_MITAKA,
    SP_SERIES_NEWTON,
    SP_SERIES_OCATA,
    SP_SERIES_PIKE /* and later ones */
};

struct sp_checking {
    struct sp_pool *pool;
    enum sp_series series;
    const sp_oslo_files *files; /* of the service, in their order; those with faults too */
    const char *id;             /* of the check that runs */
    sp_findings *findings;
};

struct sp_check {
    const char *id, *title;
    void (*run)(struct sp_checking *c);
};

/* Ended by one without an id. */
extern const struct sp_check sp_checks_cinder[];

/* Runs the checks of a table. When a file has a fault, the service does not start, and C02 is all that
 * is reported. */
void sp_checks_run(struct sp_checking *c, const struct sp_check *table);

#endif
