/* SPDX-License-Identifier: Apache-2.0 */
/* How a program of a service is started on a host: its unit, upstart job, init script, or container,
 * and the arguments that it is given. Found by reading, nothing is run. */
#ifndef SP_START_H
#define SP_START_H

#include "base/error.h"
#include "base/pool.h"
#include "model/storpool_variables.h"
#include "model/usage.h"
#include "tree/tree.h"

enum sp_start_kind {
    SP_START_UNIT,     /* systemd's */
    SP_START_UPSTART,  /* a job in /etc/init */
    SP_START_SCRIPT,   /* in /etc/init.d */
    SP_START_CONTAINER /* Kolla's or TripleO's; the program is in its image */
};

struct sp_start {
    enum sp_start_kind kind;
    const char *deployment; /* where that name is usual: "RDO"; NULL: unknown */
    const char *name;       /* for systemctl(1), service(8), docker: "openstack-cinder-volume" */
    const char *path;       /* of the unit, job, script or container's description; in the tree */
    bool enabled;           /* of a unit: a target wants it; true for the others */
    sp_strv files;          /* all that was read for the following, in the tree */
    /* The program first, as the command has it, then its arguments; for `python -m` the module is
     * first. Empty: the command is not known. They may hold secrets. */
    sp_strv argv;
    const char *interpreter; /* that the command names before it: "/venv/bin/python"; NULL */
    struct sp_python_settings settings;     /* of the interpreter, by the unit and the command */
    struct sp_storpool_variables variables; /* of its environment, by the same */
    const char *work_dir;                   /* NULL: "/" */
    /* Of a container: the directory on the host that has the files of /etc/PROJECT; with a "/" at
     * its end, one that has "etc" in it. NULL. */
    const char *config_dir;
};
typedef SP_VEC(struct sp_start) sp_starts;

/* Adds the ways in which the program is started: enabled units, else the units; else an upstart job;
 * else an init script; else a container. Of each kind there are those whose command has the program,
 * and those that have the usual name of a deployment:
 *
 * - PROGRAM: Debian, Ubuntu (openstack-pkg-tools: the unit runs the script in /etc/init.d), and
 *   OpenStack-Ansible
 * - openstack-PROGRAM: RDO (rdo-packages/cinder-distgit and nova-distgit, *-rdo)
 * - devstack@c-vol, c-bak, n-cpu: DevStack (devstack@stable/pike: functions-common, lib/cinder, nova)
 * - Kolla: /etc/kolla/PROGRAM/config.json (kolla-ansible@stable/pike: roles/.../templates)
 * - TripleO: /var/lib/kolla/config_files/cinder_volume.json (tripleo-heat-templates@7.0.18:
 *   docker/services)
 *
 * None is no error. */
int sp_starts_find(struct sp_pool *pool, struct sp_tree *tree, const char *program, sp_starts *out,
                   struct sp_error *err) SP_MUST_CHECK;

/* Whether it is the unit of that name, "nova-compute.service"; of no name it is not. */
bool sp_start_is_unit(const struct sp_start *start, const char *unit);

/* Where the tree has a file that the program calls `path` ("/etc/cinder/cinder.conf"): the same, but
 * for a container, whose configuration is kept in a directory of the host's; NULL for a file of its
 * image. start: NULL is none. */
const char *sp_start_config_path(struct sp_pool *pool, const struct sp_start *start,
                                 const char *path);

#endif
