/* SPDX-License-Identifier: Apache-2.0 */
/* The result of reading a configuration file: format/oslo_config.h, format/storpool_conf.h.
 *
 * These files hold passwords and tokens. No reader puts text of a file into a message: a fault has the
 * number of its line and a fixed sentence. Which values may be shown is up to the caller. */
#ifndef SP_CONFIG_H
#define SP_CONFIG_H

#include "base/buffer.h"
#include "base/pool.h"

#define SP_CONFIG_MAX_SIZE  ((size_t)4 << 20) /* of a file, bytes; nova's sample is below 1 MiB */
#define SP_CONFIG_MAX_LINES 100000u           /* of a file */
#define SP_CONFIG_MAX_FILES 256u              /* of a service */

/* An assignment. All strings may hold any byte, NUL too, and have one NUL more after them. */
struct sp_config_entry {
    struct sp_bytes section; /* as it is written; "" before the first heading */
    struct sp_bytes key, value;
    unsigned line;  /* of the key, from 1 */
    unsigned lines; /* how many it takes; the lines of the value follow each other */
};

struct sp_config_heading {
    struct sp_bytes name; /* of the section, as it is written */
    unsigned line;
};

/* Why the file cannot be read. */
struct sp_config_fault {
    const char *reason; /* NULL: it can */
    unsigned line;      /* where the mistake is; 0: in no line */
    unsigned reported;  /* the line that the library names for it, which may be a later one */
    bool is_bound;      /* it is a bound of ours: the library would go on */
};

struct sp_config_content {
    const char *name;                       /* as messages name it */
    SP_VEC(struct sp_config_entry) entries; /* in the order of their lines; none after a fault */
    SP_VEC(struct sp_config_heading) headings;
    struct sp_config_fault fault;
    const char *mark; /* of which encoding it begins with the byte order mark: "UTF-8"; NULL */
    bool portable;    /* all versions of the library read it alike */
};

/* Whether the text is exactly this string. */
bool sp_config_is(struct sp_bytes text, const char *str);

/* Makes it a file with a fault, and without entries. */
void sp_config_refuse(struct sp_config_content *file, unsigned line, unsigned reported,
                      const char *reason);

/* The same for one that is larger than we read. */
void sp_config_refuse_size(struct sp_config_content *file, unsigned line, const char *reason);

/* The encoding whose byte order mark the text begins with; NULL. To the libraries it is text. */
const char *sp_config_mark(struct sp_bytes text);

/* Takes the white space of ASCII off the beginning, off the end: space, \t, \n, \v, \f, \r. */
struct sp_bytes sp_config_lstrip(struct sp_bytes text);
struct sp_bytes sp_config_rstrip(struct sp_bytes text);
struct sp_bytes sp_config_strip(struct sp_bytes text);
bool sp_config_is_space(char c);

/* A copy in the pool, with a NUL after it. */
struct sp_bytes sp_config_copy(struct sp_pool *pool, struct sp_bytes text);

#endif
