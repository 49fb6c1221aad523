/* SPDX-License-Identifier: Apache-2.0 */
/* Reads StorPool's configuration files, and the modes of the directories on the way to them. */
#ifndef SP_HOST_STORPOOL_FILES_H
#define SP_HOST_STORPOOL_FILES_H

#include "fs/root.h"
#include "model/storpool_facts.h"

/* Adds etc/storpool.conf, and the files of etc/storpool.conf.d that the bindings read. That one cannot
 * be read is a fact. */
void sp_storpool_files_read(struct sp_pool *pool, const struct sp_root *root, sp_conf_files *out);

#endif
