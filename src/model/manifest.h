/* SPDX-License-Identifier: Apache-2.0 */
/* The manifests: one YAML file a release, read strictly (doc/manifests.md).
 *
 * The first document of a file tells the release by the version or the contents of a package. Reading
 * it is most of the work of `check`, so a large manifest has two more, which are read when they are
 * needed: the files of each component, with their edits, and the checksums. An error in them is one of
 * whoever needs them; `make check-manifests` reads all. */
#ifndef SP_MANIFEST_H
#define SP_MANIFEST_H

#include "base/error.h"
#include "base/pool.h"
#include "format/diff.h"
#include "format/regex.h"
#include "model/version.h"
#include "tree/tree.h"

enum sp_support {
    SP_SUPPORTED,  /* the tool puts the drivers in */
    SP_INCLUDED,   /* the release ships them */
    SP_UNSUPPORTED /* recognised, and refused */
};

/* A question about the contents of a package. */
struct sp_probe {
    const char *file;                /* inside the package */
    const struct sp_regex *pattern;  /* NULL: the file exists; else it matches ... */
    bool absent;                     /* ... or, with this, it does not */
    const struct sp_yaml_node *node; /* where it is written, for messages */
};
typedef SP_VEC(struct sp_probe) sp_probes;

typedef SP_VEC(const struct sp_regex *) sp_patterns;

enum sp_place {
    SP_PLACE_NONE,   /* an edit without text, that only takes out what the older tool left */
    SP_PLACE_BEFORE, /* before the line in which the anchor's match starts */
    SP_PLACE_AFTER,  /* after the line in which it ends */
    SP_PLACE_END     /* at the end of the file */
};

struct sp_edit {
    const char *name;              /* for messages */
    const struct sp_regex *start;  /* NULL: the region is the whole file */
    const struct sp_regex *end;    /* */
    enum sp_place place;           /* */
    const struct sp_regex *anchor; /* BEFORE, AFTER */
    struct sp_bytes text;          /* whole lines */
    sp_patterns legacy;            /* insertions of the older tool */
    sp_patterns foreign;           /* must not be there in addition to ours */
};

/* A known content of a file. */
struct sp_known {
    struct sp_blob_id id;
    const char *what; /* legacy: which older tool; foreign: whose it is */
};

struct sp_manifest_file {
    const char *path; /* inside the package */
    const char *copy; /* under drivers/; NULL: not a module of ours */
    const struct sp_regex
        *marker; /* of our modules; without copy: one of another layout, to be removed */
    SP_VEC(struct sp_known) legacy;  /* modules of the older tool */
    SP_VEC(struct sp_known) foreign; /* modules of others that are known, in words */
    SP_VEC(struct sp_edit) edits;
};

struct sp_layout {
    const char *name; /* NULL when the component has just one */
    sp_probes when;
    SP_VEC(struct sp_manifest_file) files;
};

/* A file whose content tells the version. */
struct sp_checksum {
    struct sp_blob_id id;
    sp_strv versions;
};
struct sp_checksum_file {
    const char *path;
    SP_VEC(struct sp_checksum) blobs;
};

/* A Python distribution that the drivers need when they run. */
struct sp_need {
    const char *name;
    const struct sp_specifier *versions, *recommended; /* NULL: any version */
    const char *versions_text, *recommended_text;      /* as they are written */
    const char *because;                               /* what does not work with others; NULL */
};

struct sp_release;

struct sp_component {
    const char *name; /* of the package directory */
    const struct sp_release *release;
    const struct sp_specifier *versions;
    sp_probes probes;
    sp_strv requires, programs, services;
    SP_VEC(struct sp_need) prerequisites;
    const char *account;                       /* that the services run as; NULL: none of its own */
    SP_VEC(struct sp_checksum_file) checksums; /* after sp_release_read_checksums() */
    SP_VEC(struct sp_layout) layouts;          /* after sp_release_read_layouts() */
};

struct sp_release {
    const char *name, *released, *note;
    const char *file; /* of the manifest, for messages */
    enum sp_support support;
    SP_VEC(struct sp_component *) components;
    struct sp_manifest_rest *rest; /* the documents after the first one; NULL if there are none */
};

struct sp_manifests {
    SP_VEC(struct sp_release *) releases; /* newest first */
    sp_strv components;                   /* the names in all of them, sorted */
    struct sp_tree *data;                 /* where they and the drivers were read from */
};

/* Reads manifests/ *.yaml of the data directory. data is kept. Errors are located
 * (FILE:LINE:COLUMN, SP_ERROR_REFUSED); no manifest at all is one, too. */
int sp_manifests_load(struct sp_pool *pool, struct sp_tree *data, struct sp_manifests *out,
                      struct sp_error *err) SP_MUST_CHECK;

/* Parses one manifest, as far as its first document. name is the file's, for messages. text is kept. */
int sp_manifest_parse(struct sp_pool *pool, const char *name, struct sp_bytes text,
                      struct sp_release **out, struct sp_error *err) SP_MUST_CHECK;

/* Reads the layouts, or the checksums, of all components of the release, unless that was done. Errors
 * are as those of sp_manifests_load(), and come again when it is asked again. */
int sp_release_read_layouts(const struct sp_release *release, struct sp_error *err) SP_MUST_CHECK;
int sp_release_read_checksums(const struct sp_release *release, struct sp_error *err) SP_MUST_CHECK;

/* The component of that name in the release, NULL if the release has none. */
const struct sp_component *sp_release_find(const struct sp_release *release, const char *component);

/* The component of that name in the release of that name; NULL. */
const struct sp_component *sp_manifests_find(const struct sp_manifests *manifests,
                                             const char *release, const char *component);

/* The content of a driver, from drivers/ of the data directory. */
int sp_manifests_driver(struct sp_pool *pool, const struct sp_manifests *manifests,
                        const char *copy, struct sp_bytes *out, struct sp_error *err) SP_MUST_CHECK;

/* The path suffixes of every file that is named anywhere, for sp_tree_open(). Reads all manifests to
 * their ends. */
int sp_manifests_wanted(struct sp_pool *pool, const struct sp_manifests *manifests, sp_strv *out,
                        struct sp_error *err) SP_MUST_CHECK;

const char *sp_support_name(enum sp_support support); /* "supported", ... */

#endif
