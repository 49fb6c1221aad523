/* SPDX-License-Identifier: Apache-2.0 */
/* The facts about a host that its checks (model/doctor.h) look at. They are read beforehand; a check
 * reads nothing itself. */
#ifndef SP_FACTS_H
#define SP_FACTS_H

#include "base/error.h"
#include "base/pool.h"
#include "format/oslo_value.h"
#include "model/host_facts.h"
#include "model/plan.h"
#include "model/start.h"
#include "model/storpool_variables.h"
#include "model/usage.h"
#include "tree/tree.h"

enum sp_series {
    SP_SERIES_UNKNOWN,
    SP_SERIES_MITAKA,
    SP_SERIES_NEWTON,
    SP_SERIES_OCATA,
    SP_SERIES_PIKE /* and later ones */
};

/* The series of a release by its name; NULL is unknown. Releases are named by the alphabet. */
enum sp_series sp_series_of(const char *release);

enum sp_file_access {
    SP_FILE_READ,
    SP_FILE_DENIED,   /* this user may not read it */
    SP_FILE_MISSING,  /* it, or a directory, was named on the command line: the program ends */
    SP_FILE_ELSEWHERE /* in the image of a container */
};

struct sp_service_file {
    const char *shown;
    enum sp_file_access access;
    const struct sp_config_content *content; /* READ; it may have a fault */
};

/* A process of a program, or a way in which it is started. */
struct sp_service_user {
    const char *program; /* "cinder-volume" */
    const char
        *source; /* "process 4711", "/lib/systemd/system/x.service"; NULL: nothing is known */
    struct sp_storpool_variables variables; /* of its environment */
};

/* Programs of a service that read the same configuration files. */
struct sp_service_facts {
    const char *program; /* of the first user */
    enum sp_series series;
    bool integrated;                      /* all or some of our drivers are in its packages */
    const char *source;                   /* of the first user; NULL: the files are the defaults */
    SP_VEC(struct sp_service_user) users; /* one or more */
    SP_VEC(struct sp_service_file) files; /* in their order; the last one wins */
    bool too_many;                        /* files: only the first SP_CONFIG_MAX_FILES are there */
    sp_oslo_files contents;               /* of those that were read */
};
typedef SP_VEC(struct sp_service_facts *) sp_service_list;

/* Of which service; the host itself comes last. */
enum sp_subject {
    SP_SUBJECT_CINDER,
    SP_SUBJECT_NOVA,
    SP_SUBJECT_HOST
};
#define SP_SUBJECTS (SP_SUBJECT_HOST + 1)

/* A component, in the environment that counts. */
struct sp_component_facts {
    const char *name;
    enum sp_state state;
    const char *note; /* the reason of the state; NULL */
};

struct sp_facts {
    SP_VEC(struct sp_component_facts) components;
    sp_service_list services[SP_SUBJECTS]; /* empty: not here, or not asked for */
    struct sp_host_facts host;
    /* By which this program is called for the same packages: "sp-openstack -R /x -L /venv/lib". */
    const char *command;
};

/* The question for the configuration of a service. */
struct sp_service_query {
    const sp_strv *programs;        /* of the service; the first is the usual one */
    const char *account;            /* that they run as; NULL: not known */
    const sp_running_list *running; /* processes; those in other roots do not matter */
    enum sp_series series;
    bool integrated;         /* our drivers are in its packages: it is expected here */
    const char *root_prefix; /* put before the paths that are shown */
};

/* Finds how the programs are started, and reads the files that they read then (model/config_files.h). Each
 * process tells, and each unit, script or container that none of them is of: one that is not running may be
 * so because of its files. Where nothing tells, the first program has the defaults. *out gets an entry for
 * each list of files that differs from the others; none when the service is not here. */
int sp_service_facts_read(struct sp_pool *pool, struct sp_tree *tree,
                          const struct sp_service_query *query, sp_service_list *out,
                          struct sp_error *err) SP_MUST_CHECK;

#endif
