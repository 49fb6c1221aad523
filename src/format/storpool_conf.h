/* SPDX-License-Identifier: Apache-2.0 */
/* StorPool's own configuration: /etc/storpool.conf and the files of /etc/storpool.conf.d. Read as
 * confget 2.3.4 and 4.1.1 read it (confget/backend/ini.py) on Python 2.7, by which StorPool's bindings
 * do it; tests/config compares them. */
#ifndef SP_STORPOOL_CONF_H
#define SP_STORPOOL_CONF_H

#include "base/error.h"
#include "format/config.h"

/* Reads the text of a file; its name is only stored. UTF-8; a line ends at LF, CR, or both.
 *
 * - An empty line, or one that begins with "#" or ";" after white space: nothing.
 * - "[ NAME ]", and nothing behind it: a section.
 * - "NAME = VALUE", no white space in NAME: an assignment. No quotes, no comments behind a value. A
 *   value that ends with a backslash goes on in the next line, which is taken as it is; one that the
 *   end of the file cuts short is not there at all.
 *
 * Anything else is the file's fault: none of it is read then.
 *
 * out->portable: confget 4.1.1 on Python 3, where white space is that of Unicode, and 5.1.2, which has
 * another parser, read the same. The latter wants a LF at the end of the last line, takes no
 * "#", ";", "[" in a name, no two backslashes in a row, no other white space than spaces and tabs, and
 * keeps and strips other white space where a value is continued. */
void sp_storpool_parse(struct sp_pool *pool, const char *name, struct sp_bytes text,
                       struct sp_config_content *out);

/* The files in the order in which they are read. */
typedef SP_VEC(const struct sp_config_content *) sp_storpool_files;

struct sp_storpool_found {
    const struct sp_config_content *file;
    const struct sp_config_entry *entry; /* NULL: it is nowhere set */
};

/* The assignment that counts: of each file first those before any section, then those of the section of
 * the host (uname -n, byte by byte); later ones win, also those before any section over the host's own
 * of an earlier file (python-storpool 5.0 to 7.3.0, spconfig.py: run_confget). */
struct sp_storpool_found sp_storpool_find(const sp_storpool_files *files, const char *host,
                                          const char *name);

#endif
