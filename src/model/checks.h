/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of checks (model/doctor.h) of files of oslo.config. */
#ifndef SP_CHECKS_H
#define SP_CHECKS_H

#include "model/doctor.h"

/* ---- values ------------------------------------------------------------------------------------ */

enum sp_value_state {
    SP_VALUE_UNSET,
    SP_VALUE_OPEN, /* it depends on options that the files do not have; or C12 or C13 speak of it */
    SP_VALUE_SET
};

/* The value of an option as the service has it. */
struct sp_value {
    enum sp_value_state state;
    struct sp_bytes text;    /* SET: with $names replaced; a NUL is behind it */
    struct sp_oslo_found at; /* not of one that is UNSET */
};
struct sp_value sp_check_value(struct sp_checking *c, const char *group, const char *name);

/* Whether a comment was meant to be in the value: oslo.config has none behind a value. */
bool sp_check_has_comment(struct sp_bytes value);

/* Whether it can be a name of the files as a string: it has no NUL in it. */
bool sp_check_is_string(struct sp_bytes text);

/* The name in quotes if it is a plain word; else "(not shown)": a line that was swallowed may be in
 * it. */
const char *sp_check_show(struct sp_checking *c, struct sp_bytes name);

/* PROJECT.conf, else the last of the files: where something is missing. */
struct sp_check_place sp_check_main_file(const struct sp_checking *c);

/* Calls fn(c, at, data) for each assignment of the option that counts, of any section. */
void sp_check_each_effective(struct sp_checking *c, const char *name,
                             void (*fn)(struct sp_checking *c, struct sp_oslo_found at, void *data),
                             void *data);

/* The checks as they are of another service of the same subject; NULL: there are no more. */
struct sp_checking *sp_check_other(struct sp_checking *c, size_t index);

/* Whether all files of the service were read, and none has a fault. */
bool sp_service_is_readable(const struct sp_service_facts *service);

/* Whether the program is one of those that read the service's files. */
bool sp_service_has(const struct sp_service_facts *service, const char *program);

/* Whether D01 asks for an installation. */
bool sp_drivers_are_missing(const struct sp_facts *facts);

/* ---- checks of StorPool's part ----------------------------------------------------------------- */

#define SP_CHECK_CLIENT_GUIDE "set StorPool's client up on this host" /* a remedy */

/* Nothing of StorPool is here, and no driver of ours is, or is to be. */
bool sp_storpool_is_no_concern(struct sp_checking *c);

/* ---- checks of any file ------------------------------------------------------------------------ */

/* C01: the files are there, and can be read. */
void sp_check_access(struct sp_checking *c);

/* The remedy for a fault that a byte order mark makes; NULL: it is another one. */
const char *sp_check_mark_remedy(struct sp_checking *c, const struct sp_config_content *file);

/* Whether the file cannot be read; then it is reported: "CONSEQUENCE: REASON", or that it goes beyond a bound
 * of ours. remedy: unless a byte order mark is the reason. */
bool sp_check_fault(struct sp_checking *c, const struct sp_config_content *file,
                    const char *consequence, const char *remedy);

/* C02: each file has the grammar of oslo.config. */
void sp_check_grammar(struct sp_checking *c);

/* C11: none of the options (names, NULL at the end) has two values in one section of a file. Only options
 * with one value are named: others may be repeated. */
void sp_check_repeated(struct sp_checking *c, const char *const *names);

/* C12: no value has a comment behind it. Those of the named options are errors, others warnings; `left`
 * (may be NULL) is an option that another check looks at. */
void sp_check_comments(struct sp_checking *c, const char *const *names, const char *left);

/* C13: no value goes on with a line that looks like one of its own. */
void sp_check_continuations(struct sp_checking *c);

#endif
