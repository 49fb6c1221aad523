/* SPDX-License-Identifier: Apache-2.0 */
/* The one error object: built where something fails, given context upward, printed once by main.
 *
 * Convention of every fallible function: the last parameter is `struct sp_error *err`; it returns
 * 0, or -1 with *err set (functions that return a descriptor: the descriptor, or -1). An error that
 * is already set is never overwritten: the operator needs the first one. NULL says that the caller
 * does not care why it failed. */
#ifndef SP_ERROR_H
#define SP_ERROR_H

#include "base/common.h"

/* The kinds of errors, and every exit status of the program: main returns these values. */
enum sp_error_kind {
    SP_ERROR_NONE = 0,
    SP_ERROR_INCOMPLETE = 1,    /* no error: not all is integrated, or not all was rolled back */
    SP_ERROR_USAGE = 2,         /* the command line is wrong */
    SP_ERROR_REFUSED = 3,       /* it cannot be done with the files that were found */
    SP_ERROR_SYSTEM = 4,        /* the system refused: I/O, permission, space */
    SP_ERROR_NEEDS_RECOVERY = 5 /* an interrupted transaction waits for `recover` */
};

struct sp_error {
    enum sp_error_kind kind;
    int errnum;    /* errno of the failing call, 0 if there was none */
    char *message; /* one sentence without a final newline; owned */
};

#define SP_ERROR_INIT                                                                              \
    {                                                                                              \
        SP_ERROR_NONE, 0, NULL                                                                     \
    }

/* Sets *err, unless it is NULL or set already. Returns -1, so `return sp_error_set(...)` reads
 * well. */
int sp_error_set(struct sp_error *err, enum sp_error_kind kind, const char *fmt, ...)
    SP_PRINTF(3, 4);

/* As sp_error_set() with kind SP_ERROR_SYSTEM; appends ": " and the text of errnum. Returns -1. */
int sp_error_errno(struct sp_error *err, int errnum, const char *fmt, ...) SP_PRINTF(3, 4);

/* Puts "CONTEXT: " before the message of an error that is set. Returns -1. */
int sp_error_prefix(struct sp_error *err, const char *fmt, ...) SP_PRINTF(2, 3);

/* Appends text (typically "; do this next") to the message of an error that is set. Returns -1. */
int sp_error_suffix(struct sp_error *err, const char *fmt, ...) SP_PRINTF(2, 3);

/* false for NULL. */
bool sp_error_is_set(const struct sp_error *err);

/* Whether the failing call found nothing at the name (ENOENT, ENOTDIR). */
bool sp_error_is_gone(const struct sp_error *err);

/* Where a thing may vanish between two looks: if *reason says that it did, clears that and returns true; any
 * other error becomes *err. Both must not be NULL. */
bool sp_error_forgive_gone(struct sp_error *reason, struct sp_error *err);

/* Frees the message and makes *err reusable. */
void sp_error_clear(struct sp_error *err);

#endif
