/* SPDX-License-Identifier: Apache-2.0 */
/* The systemd units of a tree: systemd.unit(5), systemd.service(5), systemd.exec(5). */
#ifndef SP_UNIT_H
#define SP_UNIT_H

#include "base/error.h"
#include "base/pool.h"
#include "tree/tree.h"

struct sp_unit {
    const char *name; /* "nova-compute.service"; of an instance "cinder-volume@ssd.service" */
    const char *path; /* of the unit file, in the tree; of an instance: of its template */
    bool masked;      /* it is a link to /dev/null: nothing starts it */
    bool enabled;     /* a target wants it */
    sp_strv files;    /* the unit file, its drop-ins, its environment files: those that are there */
    sp_strv starts;   /* the values of ExecStart, specifiers replaced */
    sp_strv variables;    /* "NAME=value" of Environment=, then of EnvironmentFile= */
    bool hidden;          /* this user may not read all of its environment files and drop-ins */
    const char *user;     /* NULL: not given */
    const char *work_dir; /* NULL: not given */
};
typedef SP_VEC(struct sp_unit) sp_units;

/* Adds the service units whose names begin with "devstack@" or have `part` in them ("nova"), by
 * directory in the order of precedence, then by name; templates only as the instances that a target
 * wants. A file that cannot be read is taken for an empty one. */
int sp_units_find(struct sp_pool *pool, struct sp_tree *tree, const char *part, sp_units *out,
                  struct sp_error *err) SP_MUST_CHECK;

/* The lines of a unit's or environment file, each with its continuation lines in one, without
 * comments and empty ones. */
void sp_unit_lines(struct sp_pool *pool, const char *text, sp_strv *out);

/* The arguments of a start, from the program's path on; the special prefixes are left out. */
void sp_unit_arguments(struct sp_pool *pool, const struct sp_unit *unit, const char *start,
                       sp_strv *out);

#endif
