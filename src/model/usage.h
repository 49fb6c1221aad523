/* SPDX-License-Identifier: Apache-2.0 */
/* Which Python interpreter runs the programs of the services: the one of the running process, else
 * of its unit, else of the program's #! line. */
#ifndef SP_USAGE_H
#define SP_USAGE_H

#include <sys/types.h>
#include <time.h>

#include "base/error.h"
#include "base/pool.h"
#include "model/python_settings.h"
#include "model/storpool_variables.h"
#include "tree/tree.h"

/* A program of a service. */
struct sp_program {
    const char *name;    /* "nova-compute" */
    const char *account; /* that it runs as; NULL: not known */
};
typedef SP_VEC(struct sp_program) sp_programs;

/* Whether a process sees the files that we see. */
enum sp_running_view {
    SP_RUNNING_HERE,
    SP_RUNNING_ELSEWHERE, /* another root: it is in a container or a chroot, and its paths are others */
    SP_RUNNING_UNKNOWN /* this user may not look at it */
};

/* A process that runs one; found by the host (host/running.h), paths as seen from its root. */
struct sp_running {
    const char *program;
    unsigned pid;
    enum sp_running_view
        view; /* if it is not HERE, nothing below is known but container, since_boot and ids */
    const char *container;   /* its name or id, if it is ELSEWHERE; NULL: not known */
    const char *interpreter; /* NULL: not known */
    const char *script;      /* NULL: not known */
    /* The program first, then its arguments; for `python -m` the module is first. Empty: it cannot
     * be told. They may hold secrets: nothing prints them. */
    sp_strv argv;
    struct sp_python_settings settings; /* of its interpreter; empty where they are not readable */
    struct sp_storpool_variables variables;
    const char *unit;           /* "nova-compute.service", "session-2.scope"; NULL: none is known */
    struct timespec since_boot; /* when it started, after the machine did (CLOCK_BOOTTIME) */
    uid_t uid;                  /* effective */
    SP_VEC(gid_t) groups;       /* with the effective one */
};
typedef SP_VEC(struct sp_running) sp_running_list;

struct sp_usage {
    const struct sp_program *program;
    const char *interpreter; /* in the tree: "openstack/venvs/nova-15.1.3/bin/python" */
    const char *how;         /* "process 4711", "/etc/systemd/system/nova-compute.service", ... */
    unsigned pid;            /* of the process; 0: something else tells */
    struct sp_python_settings settings;
};
typedef SP_VEC(struct sp_usage) sp_usages;

/* Adds the interpreters of one program; none when nothing tells. The first of these that tells is
 * the answer: all its processes; the commands by which it is started on the host (model/start.h), its
 * script where they name no interpreter; the #! line of the first program of that name on root's PATH. */
int sp_usage_find(struct sp_pool *pool, struct sp_tree *tree, const struct sp_program *program,
                  const sp_running_list *running, sp_usages *out,
                  struct sp_error *err) SP_MUST_CHECK;

/* The interpreter of a process, in the tree: by its command line, else by its script: that of the #! line
 * ("#!/usr/bin/env python" is usr/bin/python), or of the line below "#!/bin/sh" that pip writes where the
 * path of the interpreter is too long for the kernel (distlib, scripts.py). A script that is not there is
 * taken to have been in the environment of its directory. NULL when nothing tells. */
int sp_usage_of_process(struct sp_pool *pool, struct sp_tree *tree,
                        const struct sp_running *process, const char **out,
                        struct sp_error *err) SP_MUST_CHECK;

#endif
