/* SPDX-License-Identifier: Apache-2.0 */
#include "host/running.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/path.h"
#include "host/container.h"
#include "host/proc.h"
#include "model/words.h"

enum {
    COMM_MAX = 15,          /* TASK_COMM_LEN of Linux, without the NUL */
    SMALL_MAX = 1 << 14,    /* stat, status, cgroup; a line of 65536 groups is longer, and cut */
    FIELD_BEFORE_START = 19 /* fields between the name and the start time in stat */
};

struct search {
    struct sp_pool *pool;
    int proc; /* the directory */
    const sp_strv *programs;
    sp_running_list *out;
};

/* ---- files of a process ------------------------------------------------------------------------ */

static const char *read_link(struct sp_pool *pool, int dir, const char *name)
{
    char text[PATH_MAX];
    ssize_t len = readlinkat(dir, name, text, sizeof(text));
    return len <= 0 ? NULL : sp_pool_memdup(pool, text, (size_t)len);
}

bool sp_running_parse_stat(const char *text, unsigned long long *ticks)
{
    const char *at = strrchr(text, ')');
    char *end;
    if (!at || *++at != ' ' || at[1] == 'Z' || at[1] == 'X')
        return false;
    for (int i = 0; i < FIELD_BEFORE_START; i++)
        if (!(at = strchr(at + 1, ' ')))
            return false;
    *ticks = strtoull(at + 1, &end, 10);
    return end != at + 1 && (*end == ' ' || *end == '\n' || *end == '\0');
}

static bool read_start(int dir, struct sp_running *out)
{
    char text[SMALL_MAX];
    unsigned long long ticks, second = (unsigned long long)sysconf(_SC_CLK_TCK);
    if (sp_proc_read(dir, "stat", text, sizeof(text)) <= 0 || !sp_running_parse_stat(text, &ticks))
        return false;
    out->since_boot.tv_sec = (time_t)(ticks / second);
    out->since_boot.tv_nsec = (long)(ticks % second * (1000000000ULL / second));
    return true;
}

/* The numbers behind "Uid:" or the like; the second is the effective one. */
static const char *line_of(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at ? at + strlen(key) : "";
}

static bool read_ids(struct sp_pool *pool, int dir, struct sp_running *out)
{
    char text[SMALL_MAX], *end;
    if (sp_proc_read(dir, "status", text, sizeof(text)) <= 0)
        return false;
    strtoul(line_of(text, "\nUid:"), &end, 10);
    out->uid = (uid_t)strtoul(end, NULL, 10);
    strtoul(line_of(text, "\nGid:"), &end, 10);
    *SP_PUSH(pool, &out->groups) = (gid_t)strtoul(end, NULL, 10);
    const char *at = line_of(text, "\nGroups:");
    for (at += strspn(at, " \t"); *at >= '0' && *at <= '9'; at = end + strspn(end, " \t"))
        *SP_PUSH(pool, &out->groups) = (gid_t)strtoul(at, &end, 10);
    return true;
}

/* cgroups(7): "1:name=systemd:/system.slice/nova-compute.service", "0::/system.slice/..."; of a process
 * that is elsewhere the container. */
static void read_cgroup(struct sp_pool *pool, int dir, struct sp_running *out)
{
    char text[SMALL_MAX], *rest;
    sp_proc_read(dir, "cgroup", text, sizeof(text));
    if (out->view == SP_RUNNING_ELSEWHERE)
        out->container = sp_container_name(pool, text);
    if (out->view != SP_RUNNING_HERE)
        return;
    for (char *line = strtok_r(text, "\n", &rest); line && !out->unit;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *name = sp_path_basename(line), *dot = strrchr(name, '.');
        bool systemd = strstr(line, ":name=systemd:/") || strncmp(line, "0::/", 4) == 0;
        if (systemd && dot && (strcmp(dot, ".service") == 0 || strcmp(dot, ".scope") == 0))
            out->unit = sp_pool_strdup(pool, name);
    }
}

/* ---- which program it is ----------------------------------------------------------------------- */

/* Whether an option of python has its value in the next word: python(1). */
static bool takes_value(const char *option)
{
    return strcmp(option, "-W") == 0 || strcmp(option, "-X") == 0 || strcmp(option, "-Q") == 0;
}

/* The script in a command line, or the module of "python -m": its place; 0 also where the first word
 * is no interpreter. argv->count: there is none. */
static size_t find_script(const sp_strv *argv, bool *module)
{
    size_t at = 0;
    *module = false;
    if (argv->count == 0 || !sp_words_names_python(argv->items[0]))
        return 0;
    for (at = 1; at < argv->count && argv->items[at][0] == '-'; at++) {
        *module = strcmp(argv->items[at], "-m") == 0;
        if (*module || strcmp(argv->items[at], "-c") == 0)
            return *module ? at + 1 : argv->count;
        at += takes_value(argv->items[at]);
    }
    return at < argv->count ? at : argv->count;
}

/* The program of the command line: of those that the process may be by its name, or NULL. */
static const char *program_of_arguments(const struct search *s, const sp_strv *argv, size_t *at)
{
    bool module;
    *at = find_script(argv, &module);
    if (*at >= argv->count)
        return NULL;
    for (size_t i = 0; i < s->programs->count; i++) {
        const char *program = s->programs->items[i];
        if (module ? sp_words_is_module(argv->items[*at], program)
                   : strcmp(sp_path_basename(argv->items[*at]), program) == 0)
            return program;
    }
    return NULL;
}

/* The program whose name the process has; NULL for another one. */
static const char *program_of_name(const struct search *s, const char *comm)
{
    for (size_t i = 0; *comm && i < s->programs->count; i++)
        if (strncmp(s->programs->items[i], comm, COMM_MAX) == 0)
            return s->programs->items[i];
    return NULL;
}

static void set_arguments(struct sp_pool *pool, int dir, const sp_strv *argv, size_t at,
                          struct sp_running *out)
{
    if (argv->count && sp_words_is_python(argv->items[0]))
        out->interpreter = argv->items[0];
    for (size_t i = at; i < argv->count; i++)
        *SP_PUSH(pool, &out->argv) = argv->items[i];
    if (at < argv->count && *argv->items[at] == '/')
        out->script = argv->items[at];
    if (out->interpreter || out->script)
        return;
    const char *exe = read_link(pool, dir, "exe");
    if (exe && sp_words_is_python(exe)) /* a replaced file ends with " (deleted)": proc(5) */
        out->interpreter = sp_pool_memdup(pool, exe, strcspn(exe, " "));
}

/* ---- where it is ------------------------------------------------------------------------------- */

/* Its root directory is ours, by whatever mount namespace. Without links to the roots, which only
 * the files of a test lack, the namespaces tell. */
static enum sp_running_view view_of(const struct search *s, int dir)
{
    struct stat theirs, ours;
    if (fstatat(s->proc, "self/root", &ours, 0) == 0) {
        if (fstatat(dir, "root", &theirs, 0) < 0)
            return SP_RUNNING_UNKNOWN;
        return theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino ? SP_RUNNING_HERE
                                                                            : SP_RUNNING_ELSEWHERE;
    }
    const char *their_namespace = read_link(s->pool, dir, "ns/mnt");
    const char *our_namespace = read_link(s->pool, s->proc, "self/ns/mnt");
    if (!their_namespace || !our_namespace)
        return SP_RUNNING_UNKNOWN;
    return strcmp(their_namespace, our_namespace) == 0 ? SP_RUNNING_HERE : SP_RUNNING_ELSEWHERE;
}

struct variables {
    struct sp_pool *pool;
    struct sp_running *out;
    sp_strv names; /* of those that were taken in: Python takes the first of a name */
};

/* Those of the environment that count; the others are not copied. */
static void take_variable(const char *assignment, void *data)
{
    struct variables *variables = data;
    if (strncmp(assignment, "PYTHON", 6) != 0 && strncmp(assignment, "SP_", 3) != 0)
        return;
    const char *name = sp_pool_memdup(variables->pool, assignment, strcspn(assignment, "="));
    if (sp_strv_has(&variables->names, name))
        return;
    *SP_PUSH(variables->pool, &variables->names) = name;
    if (strncmp(assignment, "PYTHON", 6) == 0)
        sp_python_settings_variable(variables->pool, &variables->out->settings, assignment);
    else
        sp_storpool_variables_note(&variables->out->variables, assignment);
}

/* The options of the interpreter, and its environment. */
static void read_settings(struct sp_pool *pool, int dir, const sp_strv *argv, size_t script,
                          struct sp_running *out)
{
    struct variables variables = {pool, out, {NULL, 0, 0}};
    for (size_t i = 1; i < script; i++)
        sp_python_settings_option(&out->settings, argv->items[i]);
    if (script > 1 && strcmp(argv->items[script - 1], "-m") == 0)
        out->settings.first = read_link(pool, dir, "cwd");
    out->variables.unknown = !sp_proc_each(dir, "environ", take_variable, &variables);
}

/* A process with this name is read in full only when it is one that is looked for. false: it is none,
 * or has ended. */
static bool read_process(struct search *s, int dir, const char *comm, struct sp_running *out)
{
    sp_strv argv = {NULL, 0, 0};
    size_t at;
    out->program = program_of_name(s, comm);
    if (!out->program && !sp_words_names_python(comm))
        return false;
    sp_proc_strings_at(s->pool, dir, "cmdline", NULL, &argv);
    const char *told = program_of_arguments(s, &argv, &at);
    if (!told && strlen(comm) == COMM_MAX && at < argv.count)
        return false; /* the name was cut, and the script is another one */
    out->program = told ? told : out->program;
    if (!out->program || !read_ids(s->pool, dir, out))
        return false;
    out->view = view_of(s, dir);
    read_cgroup(s->pool, dir, out);
    if (out->view == SP_RUNNING_HERE) {
        set_arguments(s->pool, dir, &argv, told ? at : argv.count, out);
        read_settings(s->pool, dir, &argv, told ? at : 0, out);
    }
    return read_start(dir, out); /* last: it cannot be read of one that has ended */
}

/* Opens the process's directory, and reads its name; -1: it has ended. */
static int open_process(int proc, const char *pid, char comm[COMM_MAX + 2])
{
    SP_CLEANUP_FD int dir = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || sp_proc_read(dir, "comm", comm, COMM_MAX + 2) <= 0)
        return -1;
    comm[strcspn(comm, "\n")] = '\0';
    return sp_steal_fd(&dir);
}

/* The next name that is a process's number; NULL at the end. */
static const char *next_pid(DIR *proc)
{
    const struct dirent *entry;
    while (proc && (entry = readdir(proc)))
        if (entry->d_name[strspn(entry->d_name, "0123456789")] == '\0')
            return entry->d_name;
    return NULL;
}

static void look_at(struct search *s, const char *pid)
{
    char comm[COMM_MAX + 2];
    struct sp_running found = {.pid = (unsigned)strtoul(pid, NULL, 10)};
    SP_CLEANUP_FD int dir = open_process(s->proc, pid, comm);
    if (dir >= 0 && read_process(s, dir, comm, &found))
        *SP_PUSH(s->pool, s->out) = found;
}

void sp_running_find(struct sp_pool *pool, const char *proc, const sp_strv *programs,
                     sp_running_list *out)
{
    struct search s = {.pool = pool, .programs = programs, .out = out};
    DIR *dir = opendir(proc);
    const char *pid;
    if (!dir)
        return;
    s.proc = dirfd(dir);
    while ((pid = next_pid(dir)))
        look_at(&s, pid);
    closedir(dir);
}

void sp_running_names(struct sp_pool *pool, const char *proc, sp_strv *out)
{
    DIR *dir = opendir(proc);
    const char *pid;
    while ((pid = next_pid(dir))) {
        char comm[COMM_MAX + 2];
        SP_CLEANUP_FD int process = open_process(dirfd(dir), pid, comm);
        if (process >= 0 && !sp_strv_has(out, comm))
            *SP_PUSH(pool, out) = sp_pool_strdup(pool, comm);
    }
    if (dir)
        closedir(dir);
}

struct timespec sp_running_started(const struct sp_running *process)
{
    struct sp_boot boot;
    sp_boot_now(&boot);
    return sp_time_plus(boot.started, process->since_boot);
}
