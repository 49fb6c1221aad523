/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/console.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/path.h"

void sp_console_init(struct sp_console *report, int verbose, bool json)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    memset(report, 0, sizeof(*report));
    report->out = stdout;
    report->err = stderr;
    report->verbose = verbose;
    report->json = json;
    report->colour = !json && isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
                     strcmp(term, "dumb") != 0;
}

static void put_safe(FILE *file, const char *text)
{
    struct sp_buffer safe = SP_BUFFER_INIT;
    sp_buffer_puts_visible(&safe, text);
    fputs(sp_buffer_str(&safe), file);
    sp_buffer_free(&safe);
}

void sp_console_warn(struct sp_pool *pool, struct sp_console *report, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *text = sp_pool_vprintf(pool, fmt, args);
    va_end(args);
    *SP_PUSH(pool, &report->warnings) = text;
    if (report->silent)
        return;
    fflush(report->out);
    fputs("sp-openstack: warning: ", report->err);
    put_safe(report->err, text);
    fputc('\n', report->err);
}

void sp_console_print(struct sp_console *report, int level, const char *fmt, ...)
{
    if (report->json || report->verbose < level)
        return;
    struct sp_pool *pool = sp_pool_new();
    va_list args;
    va_start(args, fmt);
    put_safe(report->out, sp_pool_vprintf(pool, fmt, args));
    va_end(args);
    fputc('\n', report->out);
    sp_pool_free(pool);
}

void sp_console_error(struct sp_console *report, const struct sp_error *err)
{
    fflush(report->out);
    fputs("sp-openstack: ", report->err);
    put_safe(report->err, err->message);
    fputc('\n', report->err);
}

void sp_table_row(struct sp_pool *pool, struct sp_table *table, enum sp_tone tone,
                  const char *const *cells)
{
    for (size_t i = 0; i < table->columns; i++) {
        struct sp_buffer safe = SP_BUFFER_INIT;
        sp_buffer_puts_visible(&safe, cells[i] ? cells[i] : "-");
        *SP_PUSH(pool, &table->cells) = sp_pool_strdup(pool, sp_buffer_str(&safe));
        sp_buffer_free(&safe);
    }
    *SP_PUSH(pool, &table->tones) = tone;
}

static const char *colour_of(enum sp_tone tone)
{
    static const char *const colours[] = {[SP_TONE_NONE] = NULL,
                                          [SP_TONE_GOOD] = "\033[32m",
                                          [SP_TONE_OPEN] = "\033[33m",
                                          [SP_TONE_BAD] = "\033[31m"};
    return colours[tone];
}

/* Characters, not bytes. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

void sp_table_print(struct sp_console *report, const struct sp_table *table)
{
    if (table->columns == 0)
        return;
    size_t *widths = calloc(table->columns, sizeof(*widths));
    if (!widths)
        sp_out_of_memory();
    for (size_t i = 0; i < table->cells.count; i++) {
        size_t width = width_of(table->cells.items[i]);
        if (width > widths[i % table->columns])
            widths[i % table->columns] = width;
    }
    for (size_t i = 0; i < table->cells.count; i++) {
        size_t column = i % table->columns;
        const char *cell = table->cells.items[i];
        const char *colour = report->colour && (int)column == table->toned_column
                                 ? colour_of(table->tones.items[i / table->columns])
                                 : NULL;
        fprintf(report->out, "%s%s%s", colour ? colour : "", cell, colour ? "\033[0m" : "");
        if (column + 1 == table->columns)
            fputc('\n', report->out);
        else
            fprintf(report->out, "%*s", (int)(widths[column] - width_of(cell) + 2), "");
    }
    free(widths);
}
