/* SPDX-License-Identifier: Apache-2.0 */
/* The facts about StorPool's part of a host, read by host/storpool.h: its configuration, its client
 * services, the bindings, the group and the spool directory. The checks of model/checks_storpool.c look
 * at them. */
#ifndef SP_STORPOOL_FACTS_H
#define SP_STORPOOL_FACTS_H

#include <sys/types.h>

#include "base/pool.h"
#include "format/storpool_conf.h"
#include "model/prerequisites.h"

enum sp_answer {
    SP_ANSWER_UNKNOWN, /* it cannot be told: of another root, in a container, by this user */
    SP_ANSWER_NO,
    SP_ANSWER_YES
};

/* ---- storpool.conf ------------------------------------------------------------------------- */

/* A directory on the way to a file, or the file. */
struct sp_mode {
    const char *shown;
    bool is_directory;
    bool has_acl; /* acl(5): the mode's bits for the group are the mask then */
    mode_t mode;
    uid_t uid;
    gid_t gid;
};
typedef SP_VEC(struct sp_mode) sp_modes;

enum sp_conf_access {
    SP_CONF_READ,
    SP_CONF_MISSING,
    SP_CONF_DENIED, /* this user may not read it */
    SP_CONF_UNFIT   /* a FIFO, too large, links that loop, ... */
};

struct sp_conf_file {
    const char *shown;
    enum sp_conf_access access;
    const char *obstacle; /* the reason in words; NULL when it was read, or is missing */
    sp_modes modes; /* of each directory on its way, and its own; as far as this user may look */
    struct sp_config_content content; /* it may have a fault */
};
typedef SP_VEC(struct sp_conf_file) sp_conf_files;

/* An account that the drivers run as, and that is here. */
struct sp_conf_reader {
    const char *name;
    uid_t uid;
    SP_VEC(gid_t) groups;
};

/* ---- client services ------------------------------------------------------------------------ */

struct sp_client_service {
    const char *name;       /* "storpool_block", for systemctl(1) and service(8) */
    const char *installed;  /* the file that says so, as it is shown; NULL: it is not */
    bool is_unit;           /* of systemd */
    enum sp_answer enabled; /* it is started with the host */
    enum sp_answer running;
};

/* ---- processes of OpenStack's services ------------------------------------------------------- */

enum sp_stale_reason {
    SP_STALE_FILES,  /* a file that it has loaded was changed since */
    SP_STALE_GROUP,  /* it was started without the service group */
    SP_STALE_UNKNOWN /* the clock was set meanwhile, so it cannot be told */
};

/* The processes are found by the caller (cli/services.h). */
struct sp_stale_process {
    const char *program;
    unsigned pid;
    enum sp_stale_reason reason;
    const char *text; /* the reason in words */
};

/* ---- all of it ------------------------------------------------------------------------------ */

struct sp_storpool_facts {
    bool wanted;           /* our drivers are in a package of the host */
    bool is_live;          /* the running system, not one below --root */
    const char *container; /* the sign by which we are in one; NULL: we are not */

    sp_conf_files files; /* in the order of reading: etc/storpool.conf, also where it is missing */
    sp_storpool_files contents; /* of those that were read */
    SP_VEC(struct sp_conf_reader) readers;

    SP_VEC(struct sp_client_service) services;
    enum sp_answer module;  /* the kernel has StorPool's block devices: proc(5), /proc/devices */
    unsigned attached;      /* volumes: /dev/sp-N */
    enum sp_answer links;   /* udev's /dev/storpool is there */
    enum sp_answer confget; /* /usr/sbin/storpool_confget, which storpool 1 to 4 run, is there */

    sp_prerequisites prerequisites;

    /* Of the service group, the memberships and the spool: each difference from the state that `groups` makes,
     * and its warnings, in the words of host/report.h. */
    sp_strv to_set_up, spool_warnings;
    const char *spool_obstacle; /* why it cannot be set up, or not be looked at; NULL */
    bool spool_denied;          /* it is the latter: this user may not */
    size_t old_requests;        /* in the spool file, of StorPool's drivers before these */

    bool unknown_processes; /* of services, that this user may not look at */
    SP_VEC(struct sp_stale_process) stale;
};

#endif
