/* SPDX-License-Identifier: Apache-2.0 */
/* Files of /proc: short texts that the kernel makes when they are read. */
#ifndef SP_PROC_H
#define SP_PROC_H

#include <sys/types.h>

#include "base/pool.h"

/* The beginning of a file, and a NUL; its length, or -1. dir: AT_FDCWD for a path. */
ssize_t sp_proc_read(int dir, const char *name, char *out, size_t room);

/* The same of 64 KiB at the most; NULL: it cannot be read. */
const char *sp_proc_text(struct sp_pool *pool, const char *path);

/* Calls fn for each string of a command line or an environment, which have a NUL each. None of them stays in
 * memory: they may be secrets. false: the file cannot be read. */
bool sp_proc_each(int dir, const char *name, void (*fn)(const char *string, void *data),
                  void *data);

/* Adds the strings of such a file. They are copied into the pool if `wanted` is NULL; else only the rest of
 * those that begin with it. */
void sp_proc_strings_at(struct sp_pool *pool, int dir, const char *name, const char *wanted,
                        sp_strv *out);
void sp_proc_strings(struct sp_pool *pool, const char *path, const char *wanted, sp_strv *out);

#endif
