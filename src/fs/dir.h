/* SPDX-License-Identifier: Apache-2.0 */
/* Open directories and files, each with the path by which messages name it. */
#ifndef SP_DIR_H
#define SP_DIR_H

#include "base/common.h"

/* An open directory. */
struct sp_dir {
    int fd;            /* -1: not open */
    const char *shown; /* as messages name it; belongs to whoever opened it */
};

#define SP_DIR_NONE                                                                                \
    {                                                                                              \
        -1, ""                                                                                     \
    }

/* Closes it if it is open; errno stays. */
void sp_dir_close(struct sp_dir *dir);

/* The directory is closed where the variable ends. Needs base/cleanup.h. */
#define SP_CLEANUP_DIR SP_CLEANUP(sp_dir_close)

/* An open file by its name in a directory; the name "" is the directory itself. */
struct sp_file {
    int fd;
    const struct sp_dir *dir;
    const char *name;
};

/* The directory itself as a file, for functions that work on both. */
struct sp_file sp_dir_itself(const struct sp_dir *dir);

/* "DIR/NAME" in a message: printf("'" SP_AT "'", SP_AT_ARGS(dir, name)). */
#define SP_AT                   "%s%s%s"
#define SP_AT_ARGS(where, name) (where)->shown, sp_dir_slash((where), (name)), (name)

/* The text between the directory and the name: "/", or "" where one is there or none is needed. */
const char *sp_dir_slash(const struct sp_dir *dir, const char *name);

#endif
