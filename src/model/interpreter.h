/* SPDX-License-Identifier: Apache-2.0 */
/* The Python interpreters of a tree, and the site directories of each. */
#ifndef SP_INTERPRETER_H
#define SP_INTERPRETER_H

#include "model/look.h"

struct sp_interpreter {
    const char *name;      /* "the system's Python 2.7", "/openstack/venvs/nova-15.1.3" */
    const char *prefix;    /* "usr"; in the tree */
    const char *prefix_id; /* the same for the same directory */
    const char *python;    /* "2.7", "3" */
    const char *origin;    /* how it was found */
    sp_strv own, system;   /* site directories, in order; system: of the interpreter behind it */
    bool is_system;        /* the system's own, not a virtual environment or the like */
    bool user_site;        /* it looks into user sites at all ... */
    bool user_first;       /* ... and before its own directories */
};

#define SP_USUAL_PLACES "the usual places"

/* Zero-filled but for `look`. */
struct sp_interpreters {
    struct sp_look look;
    struct sp_interpreter *items;
    size_t count, room;
};

/* Those of the system (environment.h): below /usr and /usr/local, one for each version. */
int sp_interpreters_add_system(struct sp_interpreters *s) SP_MUST_CHECK;

/* The virtual environments of known deployments (environment.h). */
int sp_interpreters_add_usual(struct sp_interpreters *s) SP_MUST_CHECK;

/* The interpreters at a prefix, one for each version of Python in it; not /usr. */
int sp_interpreters_add_prefix(struct sp_interpreters *s, const char *prefix,
                               const char *origin) SP_MUST_CHECK;

#endif
