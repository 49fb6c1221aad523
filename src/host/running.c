/* SPDX-License-Identifier: Apache-2.0 */
#include "host/running.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"

enum {
    COMM_MAX = 15,     /* TASK_COMM_LEN of Linux, without the NUL */
    ARGUMENTS_MAX = 3, /* the script is among the first: python, its options, script */
    CMDLINE_MAX = 4096
};

/* The beginning of a file of a process; its length, 0 when it cannot be read. */
static size_t read_file(int dir, const char *name, char *out, size_t room)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, out, room - 1);
    if (fd >= 0)
        close(fd);
    out[len > 0 ? len : 0] = '\0';
    return len > 0 ? (size_t)len : 0;
}

static const char *read_link(struct sp_pool *pool, int dir, const char *name)
{
    char text[PATH_MAX];
    ssize_t len = readlinkat(dir, name, text, sizeof(text));
    return len <= 0 ? NULL : sp_pool_memdup(pool, text, (size_t)len);
}

static bool is_python(const char *path)
{
    return *path == '/' && strncmp(sp_path_basename(path), "python", 6) == 0;
}

/* The program whose name the process has, NULL for another one. */
static const char *program_of(int dir, const sp_strv *programs)
{
    char comm[COMM_MAX + 2];
    read_file(dir, "comm", comm, sizeof(comm));
    comm[strcspn(comm, "\n")] = '\0';
    for (size_t i = 0; *comm && i < programs->count; i++)
        if (strncmp(programs->items[i], comm, COMM_MAX) == 0)
            return programs->items[i];
    return NULL;
}

/* Whether it sees the files that we see. Where that cannot be read it is not told, and not so. */
static bool is_in_our_namespace(struct sp_pool *pool, const char *proc, int dir)
{
    const char *theirs = read_link(pool, dir, "ns/mnt");
    const char *ours = NULL;
    int self = open(sp_path_join(pool, proc, "self"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self >= 0) {
        ours = read_link(pool, self, "ns/mnt");
        close(self);
    }
    return theirs && ours && strcmp(theirs, ours) == 0;
}

static void read_arguments(struct sp_pool *pool, int dir, struct sp_running *out)
{
    char text[CMDLINE_MAX];
    size_t len = read_file(dir, "cmdline", text, sizeof(text)), at = 0;
    for (int i = 0; i < ARGUMENTS_MAX && at < len; i++) {
        const char *argument = text + at;
        if (i == 0 && is_python(argument))
            out->interpreter = sp_pool_strdup(pool, argument);
        else if (*argument == '/' && strcmp(sp_path_basename(argument), out->program) == 0)
            out->script = sp_pool_strdup(pool, argument);
        at += strlen(argument) + 1;
    }
    if (out->interpreter || out->script)
        return;
    const char *exe = read_link(pool, dir, "exe");
    if (exe && is_python(exe)) /* a replaced file ends with " (deleted)": proc(5) */
        out->interpreter = sp_pool_memdup(pool, exe, strcspn(exe, " "));
}

static void look_at(struct sp_pool *pool, const char *proc, const char *pid,
                    const sp_strv *programs, sp_running_list *out)
{
    struct sp_running found = {.pid = (unsigned)strtoul(pid, NULL, 10)};
    int dir = open(sp_path_join(pool, proc, pid), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return;
    found.program = program_of(dir, programs);
    if (found.program && is_in_our_namespace(pool, proc, dir)) {
        read_arguments(pool, dir, &found);
        *SP_PUSH(pool, out) = found;
    }
    close(dir);
}

void sp_running_find(struct sp_pool *pool, const char *proc, const sp_strv *programs,
                     sp_running_list *out)
{
    DIR *dir = opendir(proc);
    const struct dirent *entry;
    if (!dir)
        return;
    while ((entry = readdir(dir)))
        if (entry->d_name[strspn(entry->d_name, "0123456789")] == '\0')
            look_at(pool, proc, entry->d_name, programs, out);
    closedir(dir);
}
