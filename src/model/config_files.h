/* SPDX-License-Identifier: Apache-2.0 */
/* Which configuration files a program of OpenStack reads, and in which order: as oslo.config does it
 * (oslo_config/cfg.py of 3.9.0, 3.17.1, 3.22.2 and 4.11.2, which are of Mitaka, Newton, Ocata and
 * Pike: find_config_files(), find_config_dirs(), and the options --config-file and --config-dir). */
#ifndef SP_CONFIG_FILES_H
#define SP_CONFIG_FILES_H

#include "base/error.h"
#include "base/pool.h"
#include "model/start.h"
#include "tree/tree.h"

/* A file that is read. */
struct sp_config_file {
    const char
        *path; /* in the tree; NULL: in the image of a container, where it is not looked at */
    const char *called; /* as the program names it: "/etc/cinder/cinder.conf" */
    const char *dir;    /* the directory of --config-dir, or of the defaults, that it is in; NULL */
    bool
        missing; /* --config-file or --config-dir (`path` is it) that is not there: the program ends */
};
typedef SP_VEC(struct sp_config_file) sp_config_files;

struct sp_config_query {
    const char *program;          /* "cinder-volume"; its project is the part before the "-" */
    const sp_strv *argv;          /* the program first (struct sp_start); NULL: not known */
    const struct sp_start *start; /* that it is of; NULL: none, or a process */
    const char *home;             /* of the account: "/var/lib/cinder"; NULL: not known */
    bool default_dirs;            /* oslo.config is 3.20 or later: Ocata and Pike */
};

/* Adds the files in the order in which they are read; what comes later wins. Without --config-file
 * and --config-dir, and with --config-dir alone, these come first, where they are there: RDO's
 * /usr/share/PROJECT/{PROJECT,PROGRAM}-dist.conf (rdo-packages/oslo-config-distgit@pike-rdo), then
 * for PROJECT.conf and PROGRAM.conf the first of ~/.PROJECT, ~, /etc/PROJECT and /etc that has it.
 * With default_dirs, and without --config-dir: *.conf in PROJECT.conf.d and PROGRAM.conf.d, found
 * likewise; after the default files, but before those of --config-file. */
int sp_config_files_find(struct sp_pool *pool, struct sp_tree *tree,
                         const struct sp_config_query *query, sp_config_files *out,
                         struct sp_error *err) SP_MUST_CHECK;

#endif
