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

/* A program of a service, and the configuration that it reads. */
struct sp_service_facts {
    const char *program; /* "cinder-volume" */
    enum sp_series series;
    bool integrated;    /* all or some of our drivers are in its packages */
    const char *source; /* how the files are known: "process 4711"; NULL: they are the defaults */
    SP_VEC(struct sp_service_file) files; /* in their order; the last one wins */
    sp_oslo_files contents;               /* of those that were read */
};

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
    const struct sp_service_facts *services[SP_SUBJECTS]; /* NULL: not here, or not asked for */
    struct sp_host_facts host;
    const char
        *command; /* by which this program is called for the same system: "sp-openstack -R /x" */
};

/* The question for the configuration of a service. */
struct sp_service_query {
    const sp_strv *programs;        /* those that read the same files; the first is the usual one */
    const char *account;            /* that they run as; NULL: not known */
    const sp_running_list *running; /* processes; those in other roots do not matter */
    enum sp_series series;
    bool integrated;         /* our drivers are in its packages: it is expected here */
    const char *root_prefix; /* put before the paths that are shown */
};

/* Finds how one of the programs is started - its process, else its unit, script or container, else the
 * defaults - and reads the files that it reads then (model/config_files.h). *out is NULL when the
 * service is not here. */
int sp_service_facts_read(struct sp_pool *pool, struct sp_tree *tree,
                          const struct sp_service_query *query, const struct sp_service_facts **out,
                          struct sp_error *err) SP_MUST_CHECK;

#endif
