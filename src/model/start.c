/* SPDX-License-Identifier: Apache-2.0 */
#include "model/start.h"

#include <string.h>

#include "base/path.h"
#include "format/yaml.h"
#include "model/look.h"
#include "model/script.h"
#include "model/unit.h"
#include "model/words.h"

/* The names by which deployments start the programs. In a pattern %p is the program, %u the same
 * with "_" for "-", %s its short name, %j its project. */
struct layout {
    const char *deployment;
    enum sp_start_kind kind;
    const char *name;       /* the unit's, the container's */
    const char *file;       /* of a container: its description */
    const char *config_dir; /* of a container: as in start.h */
};

static const struct layout layouts[] = {
    {"RDO", SP_START_UNIT, "openstack-%p", NULL, NULL},
    {"Debian, Ubuntu or OpenStack-Ansible", SP_START_UNIT, "%p", NULL, NULL},
    {"DevStack", SP_START_UNIT, "devstack@%s", NULL, NULL},
    {"Kolla", SP_START_CONTAINER, "%u", "etc/kolla/%p/config.json", "etc/kolla/%p"},
    {"TripleO", SP_START_CONTAINER, "%u", "var/lib/kolla/config_files/%u.json",
     "var/lib/config-data/puppet-generated/%j/"},
};
#define LAYOUTS (sizeof(layouts) / sizeof(layouts[0]))

/* DevStack's names of services, and TripleO's of the configuration volumes (config_volume). */
static const struct {
    const char *program, *short_name, *volume;
} names[] = {
    {"cinder-volume", "c-vol", "cinder"},
    {"cinder-backup", "c-bak", "cinder"},
    {"nova-compute", "n-cpu", "nova_libvirt"},
};

struct search {
    struct sp_look look;
    const char *program;
    sp_starts *out;
};

/* ---- the table ------------------------------------------------------------------------------- */

static const char *expand(struct search *s, const char *pattern)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    const char *short_name = s->program, *volume = s->program;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i].program, s->program) == 0) {
            short_name = names[i].short_name;
            volume = names[i].volume;
        }
    for (; *pattern; pattern++) {
        if (*pattern != '%') {
            sp_buffer_putc(&buf, *pattern);
            continue;
        }
        const char *value = *++pattern == 's' ? short_name : *pattern == 'j' ? volume : s->program;
        for (; *value; value++)
            sp_buffer_putc(&buf, (char)(*pattern == 'u' && *value == '-' ? '_' : *value));
    }
    const char *copy = sp_pool_strdup(s->look.pool, sp_buffer_str(&buf));
    sp_buffer_free(&buf);
    return copy;
}

/* The layout in which a unit has that name; NULL. An instance counts as its template. */
static const struct layout *layout_of(struct search *s, const char *name)
{
    for (size_t i = 0; i < LAYOUTS; i++) {
        const char *usual = expand(s, layouts[i].name);
        size_t len = strlen(usual);
        if (layouts[i].kind == SP_START_UNIT && strncmp(name, usual, len) == 0 &&
            (name[len] == '\0' || name[len] == '@'))
            return &layouts[i];
    }
    return NULL;
}

/* ---- init scripts and upstart jobs ------------------------------------------------------------- */

static struct sp_start *add_start(struct search *s, enum sp_start_kind kind, const char *name,
                                  const char *path)
{
    struct sp_start *start = SP_PUSH(s->look.pool, s->out);
    *start = (struct sp_start){.kind = kind, .name = name, .path = path, .enabled = true};
    return start;
}

static void set_command(struct sp_start *start, const struct sp_command *command)
{
    start->interpreter = command->interpreter;
    start->argv = command->argv;
    sp_python_settings_join(&start->settings, &command->settings);
    sp_storpool_variables_join(&start->variables, &command->variables);
    if (start->settings.first && start->work_dir)
        start->settings.first = start->work_dir;
}

/* The command in a script; what it is called is known to it. */
static int read_script(struct search *s, const char *path, struct sp_start *start)
{
    const char *text, *job = sp_pool_printf(s->look.pool, "UPSTART_JOB=%s", start->name);
    sp_strv variables = {NULL, 0, 0};
    struct sp_command command = {.interpreter = NULL};
    if (sp_look_read_small(&s->look, path, &text) < 0)
        return -1;
    if (!text)
        return 0;
    *SP_PUSH(s->look.pool, &variables) = job;
    *SP_PUSH(s->look.pool, &start->files) = path;
    if (sp_script_find(&s->look, text, s->program, &variables, &start->files, &command) < 0)
        return -1;
    set_command(start, &command);
    return 0;
}

static int find_scripts(struct search *s, enum sp_start_kind kind, const char *dir,
                        const char *suffix)
{
    const char *project = sp_words_project(s->look.pool, s->program);
    sp_entries entries = {NULL, 0, 0};
    if (sp_tree_list(s->look.tree, s->look.pool, dir, &entries, s->look.err) < 0)
        return -1;
    for (size_t i = 0; i < entries.count; i++) {
        const char *name = sp_path_stem(s->look.pool, entries.items[i].name, suffix);
        if (!name || !strstr(name, project))
            continue;
        const char *path = sp_path_join(s->look.pool, dir, entries.items[i].name);
        struct sp_start *start = add_start(s, kind, name, path);
        if (read_script(s, path, start) < 0)
            return -1;
        const struct layout *layout = layout_of(s, name);
        start->deployment = layout ? layout->deployment : NULL;
        if (start->files.count == 0 || (!layout && start->argv.count == 0))
            s->out->count--;
    }
    return 0;
}

/* ---- units ----------------------------------------------------------------------------------- */

/* The arguments of a unit's command; of a script in /etc/init.d those that it gives the program. */
static int read_command(struct search *s, const struct sp_unit *unit, struct sp_start *start)
{
    static const char scripts[] = "/etc/init.d/";
    for (size_t i = 0; i < unit->starts.count && start->argv.count == 0; i++) {
        sp_strv words = {NULL, 0, 0};
        sp_unit_arguments(s->look.pool, unit, unit->starts.items[i], &words);
        if (words.count && strncmp(words.items[0], scripts, sizeof(scripts) - 1) == 0) {
            if (read_script(s, words.items[0] + 1, start) < 0)
                return -1;
        } else {
            struct sp_command command = {.interpreter = NULL};
            sp_script_find_in_words(&s->look, &words, s->program, &command);
            set_command(start, &command);
        }
    }
    return 0;
}

static int add_unit(struct search *s, const struct sp_unit *unit)
{
    const char *name = sp_path_stem(s->look.pool, unit->name, ".service");
    if (!name)
        return 0;
    const struct layout *layout = layout_of(s, name);
    struct sp_start *start = add_start(s, SP_START_UNIT, name, unit->path);
    start->deployment = layout ? layout->deployment : NULL;
    start->enabled = unit->enabled;
    for (size_t i = 0; i < unit->variables.count; i++) {
        sp_python_settings_variable(s->look.pool, &start->settings, unit->variables.items[i]);
        sp_storpool_variables_note(&start->variables, unit->variables.items[i]);
    }
    start->variables.unknown = unit->hidden;
    start->work_dir = unit->work_dir;
    for (size_t i = 0; i < unit->files.count; i++)
        *SP_PUSH(s->look.pool, &start->files) = unit->files.items[i];
    if (read_command(s, unit, start) < 0)
        return -1;
    if (unit->masked || (!layout && start->argv.count == 0))
        s->out->count--;
    return 0;
}

/* Of several units those that are enabled, if some are. */
static void keep_enabled(struct search *s, size_t first)
{
    size_t kept = first;
    for (size_t i = first; i < s->out->count; i++)
        if (s->out->items[i].enabled)
            s->out->items[kept++] = s->out->items[i];
    if (kept > first)
        s->out->count = kept;
}

static int find_units(struct search *s)
{
    const char *project = sp_words_project(s->look.pool, s->program);
    sp_units units = {NULL, 0, 0};
    size_t first = s->out->count;
    if (sp_units_find(s->look.pool, s->look.tree, project, &units, s->look.err) < 0)
        return -1;
    for (size_t i = 0; i < units.count; i++)
        if (add_unit(s, &units.items[i]) < 0)
            return -1;
    keep_enabled(s, first);
    return 0;
}

/* ---- containers ------------------------------------------------------------------------------ */

/* "command" of the description; JSON is YAML. */
static void read_container(struct search *s, const char *text, struct sp_start *start)
{
    struct sp_error ignored = SP_ERROR_INIT; /* the arguments are not known then */
    struct sp_yaml doc;
    sp_strv words = {NULL, 0, 0};
    size_t at;
    if (sp_yaml_parse(s->look.pool, start->path, SP_BYTES_STR(text), &doc, &ignored) == 0) {
        const struct sp_yaml_node *command = sp_yaml_get(doc.root, "command");
        if (command && command->kind == SP_YAML_SCALAR)
            sp_words_split(s->look.pool, command->text, SP_WORD_STYLE_SHELL, NULL, &words);
    }
    if (sp_words_program(&words, s->program, &at))
        for (; at < words.count; at++)
            *SP_PUSH(s->look.pool, &start->argv) = words.items[at];
    sp_error_clear(&ignored);
}

static int find_containers(struct search *s)
{
    for (size_t i = 0; i < LAYOUTS; i++) {
        const char *text, *path;
        if (layouts[i].kind != SP_START_CONTAINER)
            continue;
        path = expand(s, layouts[i].file);
        if (sp_look_read_small(&s->look, path, &text) < 0)
            return -1;
        if (!text)
            continue;
        struct sp_start *start = add_start(s, SP_START_CONTAINER, expand(s, layouts[i].name), path);
        start->deployment = layouts[i].deployment;
        start->config_dir = expand(s, layouts[i].config_dir);
        *SP_PUSH(s->look.pool, &start->files) = path;
        read_container(s, text, start);
        return 0;
    }
    return 0;
}

int sp_starts_find(struct sp_pool *pool, struct sp_tree *tree, const char *program, sp_starts *out,
                   struct sp_error *err)
{
    struct search s = {{pool, tree, err}, program, out};
    size_t first = out->count;
    if (find_units(&s) < 0)
        return -1;
    if (out->count == first && find_scripts(&s, SP_START_UPSTART, "etc/init", ".conf") < 0)
        return -1;
    if (out->count == first && find_scripts(&s, SP_START_SCRIPT, "etc/init.d", "") < 0)
        return -1;
    return out->count == first ? find_containers(&s) : 0;
}

bool sp_start_is_unit(const struct sp_start *start, const char *unit)
{
    size_t len = strlen(start->name);
    return unit && start->kind == SP_START_UNIT && strncmp(unit, start->name, len) == 0 &&
           strcmp(unit + len, ".service") == 0;
}

const char *sp_start_config_path(struct sp_pool *pool, const struct sp_start *start,
                                 const char *path)
{
    const char *dir = start ? start->config_dir : NULL;
    if (!dir)
        return sp_path_trim(pool, path);
    if (strncmp(path, "/etc/", 5) != 0)
        return NULL;
    if (dir[strlen(dir) - 1] == '/')
        return sp_path_join(pool, dir, sp_path_trim(pool, path));
    return sp_path_join(pool, dir, sp_path_basename(path));
}
