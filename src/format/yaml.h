/* SPDX-License-Identifier: Apache-2.0 */
/* A YAML document as a tree of nodes that know their line and column, by libyaml's event parser.
 *
 * Refused, with FILE:LINE:COLUMN in the message (SP_ERROR_REFUSED): more than one document,
 * directives (a line that begins with %), anchors and aliases, tags, duplicate keys, keys that are
 * not scalars, a NUL in a scalar, nesting deeper than SP_YAML_DEPTH, more than SP_YAML_NODES nodes,
 * no document at all, and whatever libyaml itself refuses. */
#ifndef SP_YAML_H
#define SP_YAML_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/pool.h"

#define SP_YAML_DEPTH 16
#define SP_YAML_NODES 200000

enum sp_yaml_kind {
    SP_YAML_SCALAR,
    SP_YAML_SEQUENCE,
    SP_YAML_MAPPING
};

struct sp_yaml_node {
    enum sp_yaml_kind kind;
    unsigned line, column; /* from 1 */
    const char *text;      /* scalar: NUL-terminated; contains no NUL itself */
    size_t len;
    bool plain;                  /* scalar was written without quotes */
    size_t count;                /* items of a sequence, pairs of a mapping */
    struct sp_yaml_node **keys;  /* mapping */
    struct sp_yaml_node **items; /* sequence items or mapping values */
    bool *used;                  /* mapping: the pairs that sp_yaml_get() asked for */
};

struct sp_yaml {
    const char *name; /* of the file, for messages */
    unsigned line;    /* of the file, that the document begins at */
    struct sp_yaml_node *root;
};

/* A part of a file. */
struct sp_yaml_part {
    struct sp_bytes text;
    unsigned line; /* that it begins at, from 1 */
};

/* Takes the first document off a file of several: it ends before the next line that is "---" or begins
 * with "--- " (YAML 1.1, section 4.3.1). Nothing is parsed. *rest becomes the remainder of the file; the
 * result is empty when *rest was. */
struct sp_yaml_part sp_yaml_next(struct sp_yaml_part *rest);

/* Parses the document in a part of a file; its nodes have the lines of the file. */
int sp_yaml_parse_part(struct sp_pool *pool, const char *name, const struct sp_yaml_part *part,
                       struct sp_yaml *out, struct sp_error *err) SP_MUST_CHECK;

/* Parses text, a file of one document. name is how messages call the file. */
int sp_yaml_parse(struct sp_pool *pool, const char *name, struct sp_bytes text, struct sp_yaml *out,
                  struct sp_error *err) SP_MUST_CHECK;

/* The value under key; NULL if there is none, or the node is no mapping. Marks the pair as used. */
struct sp_yaml_node *sp_yaml_get(struct sp_yaml_node *mapping, const char *key);

/* Fails at the first pair of the mapping that nobody asked for: "unknown key 'x'". */
int sp_yaml_no_more(const struct sp_yaml *doc, const struct sp_yaml_node *mapping,
                    struct sp_error *err) SP_MUST_CHECK;

/* SP_ERROR_REFUSED with "NAME:LINE:COLUMN: " before the message. Returns -1. */
int sp_yaml_error(const struct sp_yaml *doc, const struct sp_yaml_node *node, struct sp_error *err,
                  const char *fmt, ...) SP_PRINTF(4, 5);

/* Typed access: -1 with a located error when the node is of another kind ("must be a mapping"). */
int sp_yaml_expect(const struct sp_yaml *doc, const struct sp_yaml_node *node,
                   enum sp_yaml_kind kind, const char *what, struct sp_error *err) SP_MUST_CHECK;

#endif
