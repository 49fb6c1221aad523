/* SPDX-License-Identifier: Apache-2.0 */
/* The values of options in the files of a service, as oslo.config finds and converts them
 * (oslo_config/cfg.py: _Namespace, _substitute; types.py). */
#ifndef SP_OSLO_VALUE_H
#define SP_OSLO_VALUE_H

#include "format/config.h"

/* The files of a service in the order in which they are read: the last one wins. */
typedef SP_VEC(const struct sp_config_content *) sp_oslo_files;

struct sp_oslo_found {
    const struct sp_config_content *file;
    const struct sp_config_entry *entry; /* NULL: it is nowhere set */
};

/* Whether a section of a file is this group: names compare in lower case, but "DEFAULT" is to be
 * written just so. */
bool sp_oslo_is_group(struct sp_bytes section, const char *group);

/* The assignment that counts. names: of the option, the current one and the deprecated ones, NULL at the
 * end. The last file that has one of them counts; in it the first of the names; of that the last
 * assignment. Keys are compared byte by byte. */
struct sp_oslo_found sp_oslo_find(const sp_oslo_files *files, const char *group,
                                  const char *const *names);
/* The same for an option with one name. */
struct sp_oslo_found sp_oslo_find_one(const sp_oslo_files *files, const char *group,
                                      const char *name);

/* Puts the values of other options in the place of $name and ${name}: from the group, else from
 * [DEFAULT]; "$$" and "\$" are "$". false: it is not decided, since an option is named that the files do
 * not set, that is in another group, or that leads back to itself. */
bool sp_oslo_expand(struct sp_pool *pool, const sp_oslo_files *files, const char *group,
                    struct sp_bytes value, struct sp_bytes *out);

enum sp_oslo_int {
    SP_OSLO_INT,      /* a number; one that is out of range of a long is its limit */
    SP_OSLO_INT_NONE, /* empty: None */
    SP_OSLO_INT_BAD   /* the service ends with a ValueError */
};
enum sp_oslo_int sp_oslo_int(struct sp_bytes value, long *out);

/* false: it is no boolean, and the service ends with a ValueError. */
bool sp_oslo_bool(struct sp_bytes value, bool *out);

/* The items between commas, stripped; none for an empty value. "a," has two, of which one is empty. */
typedef SP_VEC(struct sp_bytes) sp_oslo_list;
void sp_oslo_split(struct sp_pool *pool, struct sp_bytes value, sp_oslo_list *out);

#endif
