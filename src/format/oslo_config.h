/* SPDX-License-Identifier: Apache-2.0 */
/* Files of oslo.config: cinder.conf, nova.conf. Read as the library reads them in Mitaka to Pike
 * (oslo.config 3.9.0, 3.17.1, 3.22.2, 4.11.2: iniparser.py, which is the same in all four, and cfg.py)
 * on Python 2.7; tests/config compares the two. */
#ifndef SP_OSLO_CONFIG_H
#define SP_OSLO_CONFIG_H

#include "format/config.h"

/* Reads the text of a file; its name is only stored. A line ends at LF alone; white space at its end
 * does not count.
 *
 * - An empty line, or one that begins with "#" or ";", is passed over, and ends an assignment. There is
 *   no other comment: text after a value belongs to it.
 * - A line that begins with a space or a tab continues the assignment before it, whatever it looks
 *   like; the lines of a value are joined by LF.
 * - "[NAME]" begins a section; the name is all between the first and the last character.
 * - Else the first ":" or "=" divides key and value, which are stripped. Equal quotes at both ends of
 *   the first line of a value are taken off.
 *
 * The first line that is nothing of this is the file's fault, and the service does not start. */
void sp_oslo_parse(struct sp_pool *pool, const char *name, struct sp_bytes text,
                   struct sp_config_content *out);

#endif
