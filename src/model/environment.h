/* SPDX-License-Identifier: Apache-2.0 */
/* The Python environments of a tree: found by looking, not by starting an interpreter.
 *
 * An environment is an interpreter with the ordered list of directories in which it looks for
 * packages. The first copy of a package on that list is the one that it imports. */
#ifndef SP_ENVIRONMENT_H
#define SP_ENVIRONMENT_H

#include "base/error.h"
#include "base/pool.h"
#include "model/site.h"
#include "model/usage.h"
#include "tree/tree.h"

struct sp_environment {
    const char *name;      /* "the system's Python 2.7", "/openstack/venvs/nova-15.1.3", ... */
    const char *prefix;    /* of the interpreter: "usr"; NULL: which one has it is not known */
    const char *prefix_id; /* the same for the same directory */
    const char *python;    /* "2.7", "3"; NULL: not known */
    const char *account;   /* whose user site is in it; NULL: nobody's */
    bool is_system;        /* the system's own interpreter, not a virtual environment or the like */
    bool own_settings;     /* of programs that are started with PYTHONPATH or the like; `account` is
                            * theirs then */
    bool named;            /* by --path: a component found there is not looked for elsewhere */
    struct sp_search search;
};

/* A program that runs in an environment. */
struct sp_use {
    const struct sp_program *program;
    const struct sp_environment *environment;
    const char *how; /* struct sp_usage */
    unsigned pid;    /* likewise */
};

struct sp_environments {
    struct sp_site_table table;
    SP_VEC(struct sp_environment *) items; /* those of --path first */
    SP_VEC(struct sp_use) uses;
};

struct sp_environment_query {
    sp_strv paths;      /* --path, in order; in the tree */
    sp_strv pythonpath; /* PYTHONPATH, or sys.path of the interpreter that was asked; in the tree */
    const char *python; /* the interpreter that was asked; NULL: PYTHONPATH. Then nothing is
                         * searched but the paths given here */
    sp_programs programs;
    sp_running_list running;
};

/* Finds the environments: that of --path; that of the interpreter which was asked, or else:
 *
 * - In a tree that is no system: its top, and each directory in the top.
 * - The system's interpreters, one for each version. Debian: /usr/local/lib/pythonX.Y/dist-packages,
 *   /usr/lib/python3/dist-packages, /usr/lib/pythonX.Y/dist-packages (python2.7, python3.11
 *   lib/python*.../site.py: getsitepackages()). Red Hat: lib64, then lib, and for Python 3 below
 *   /usr/local first (Fedora 27, "Making sudo pip safe").
 * - Virtual environments of the known deployments - OpenStack-Ansible (/openstack/venvs), Kolla
 *   (/var/lib/kolla/venv), LOCI (/var/lib/openstack), DevStack (/opt/stack/data/venv,
 *   /opt/stack/SERVICE.venv), SUSE OpenStack Cloud 8 (/opt/stack/venv) - and every one in which a
 *   program runs: lib64, then lib; then the directories of the system, if it has access to them
 *   (pyvenv.cfg: PEP 405; lib/pythonX.Y/no-global-site-packages.txt: virtualenv before 20).
 * - Checkouts of DevStack (directories in /opt/stack) that no .pth file names.
 *
 * Where a program's account has a user site (~/.local/lib/pythonX.Y/site-packages, PEP 370), the
 * environment is there twice: with it, for that account, and without. PYTHONPATH goes before the
 * other directories. A program whose process, unit, script or #! line sets PYTHONPATH, or starts its
 * interpreter with -E, -s, -S, -I or -m, has an environment of its own, with the search path that comes
 * of it (python_settings.h). Directories of --path go before those of the environment that they are in. One
 * that does not exist is SP_ERROR_REFUSED. */
int sp_environments_find(struct sp_pool *pool, struct sp_tree *tree,
                         const struct sp_environment_query *query, struct sp_environments *out,
                         struct sp_error *err) SP_MUST_CHECK;

/* The environment of an interpreter that a program of the account (NULL: not known) runs in; NULL in *out:
 * none of them is. */
int sp_environment_of(struct sp_environments *all, const char *interpreter, const char *account,
                      const struct sp_environment **out, struct sp_error *err) SP_MUST_CHECK;

/* Whether a program of the account runs in it, as far as user sites tell: one that has a user site
 * of its own in an environment does not run in the one without. */
bool sp_environment_serves(const struct sp_environments *all, const struct sp_environment *one,
                           const char *account);

#endif
