/* SPDX-License-Identifier: Apache-2.0 */
/* Output for people: messages on standard error, tables on standard output. */
#ifndef SP_CONSOLE_H
#define SP_CONSOLE_H

#include <stdio.h>

#include "base/error.h"
#include "base/pool.h"

struct sp_console {
    FILE *out, *err;
    int verbose;   /* -1: quiet */
    bool silent;   /* warnings are kept, and not printed */
    bool json;     /* nothing but the document on out */
    bool complete; /* the document is printed */
    bool colour;   /* on out */
    sp_strv warnings;
};

/* Colour: only on a terminal, without NO_COLOR (no-color.org) and with a TERM other than "dumb". */
void sp_console_init(struct sp_console *report, int verbose, bool json);

/* "sp-openstack: warning: ..." on standard error; kept for the JSON document too. */
void sp_console_warn(struct sp_pool *pool, struct sp_console *report, const char *fmt, ...)
    SP_PRINTF(3, 4);

/* A line on standard output, unless quiet or JSON. level: shown from this verbosity on. */
void sp_console_print(struct sp_console *report, int level, const char *fmt, ...) SP_PRINTF(3, 4);

/* The error on standard error, as "sp-openstack: ...". */
void sp_console_error(struct sp_console *report, const struct sp_error *err);

/* The colour of a state. */
enum sp_tone {
    SP_TONE_NONE, /* as the rest of the line */
    SP_TONE_GOOD, /* green: in order */
    SP_TONE_OPEN, /* yellow: something can be done */
    SP_TONE_BAD   /* red: it cannot */
};

/* A table: columns aligned, the last one not padded. Cells are printed safely
 * (sp_buffer_puts_visible). toned_column (or -1): the one that has the colour of the row's tone. */
struct sp_table {
    size_t columns;
    int toned_column;
    sp_strv cells;              /* row by row */
    SP_VEC(enum sp_tone) tones; /* of each row */
};
void sp_table_row(struct sp_pool *pool, struct sp_table *table, enum sp_tone tone,
                  const char *const *cells);
void sp_table_print(struct sp_console *report, const struct sp_table *table);

#endif
