/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"

static char *vformat(const char *fmt, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, fmt, args) < 0)
        sp_out_of_memory();
    return text;
}

/* Takes over `first` and `second` and returns them in one string. */
static char *concat(char *first, char *second)
{
    char *text = NULL;
    if (asprintf(&text, "%s%s", first, second) < 0)
        sp_out_of_memory();
    free(first);
    free(second);
    return text;
}

int sp_error_set(struct sp_error *err, enum sp_error_kind kind, const char *fmt, ...)
{
    if (!err || sp_error_is_set(err))
        return -1;
    va_list args;
    va_start(args, fmt);
    err->kind = kind;
    err->errnum = 0;
    err->message = vformat(fmt, args);
    va_end(args);
    return -1;
}

int sp_error_errno(struct sp_error *err, int errnum, const char *fmt, ...)
{
    if (!err || sp_error_is_set(err))
        return -1;
    va_list args;
    va_start(args, fmt);
    char *doing = vformat(fmt, args);
    va_end(args);
    err->kind = SP_ERROR_SYSTEM;
    err->errnum = errnum;
    if (asprintf(&err->message, "%s: %s", doing, strerror(errnum)) < 0)
        sp_out_of_memory();
    free(doing);
    return -1;
}

int sp_error_prefix(struct sp_error *err, const char *fmt, ...)
{
    if (!sp_error_is_set(err))
        return -1;
    va_list args;
    va_start(args, fmt);
    char *context = vformat(fmt, args);
    va_end(args);
    err->message = concat(concat(context, sp_xstrdup(": ")), err->message);
    return -1;
}

int sp_error_suffix(struct sp_error *err, const char *fmt, ...)
{
    if (!sp_error_is_set(err))
        return -1;
    va_list args;
    va_start(args, fmt);
    err->message = concat(err->message, vformat(fmt, args));
    va_end(args);
    return -1;
}

bool sp_error_is_set(const struct sp_error *err)
{
    return err && err->kind != SP_ERROR_NONE;
}

bool sp_error_is_gone(const struct sp_error *err)
{
    return err->errnum == ENOENT || err->errnum == ENOTDIR;
}

bool sp_error_forgive_gone(struct sp_error *reason, struct sp_error *err)
{
    if (sp_error_is_gone(reason)) {
        sp_error_clear(reason);
        return true;
    }
    *err = *reason;
    *reason = (struct sp_error)SP_ERROR_INIT;
    return false;
}

void sp_error_clear(struct sp_error *err)
{
    if (!err)
        return;
    free(err->message);
    err->message = NULL;
    err->kind = SP_ERROR_NONE;
    err->errnum = 0;
}
