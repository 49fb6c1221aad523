/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/context.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/build.h"
#include "base/path.h"
#include "fs/root.h"
#include "host/process.h"
#include "host/worker.h"
#include "model/metadata.h"
#include "model/snapshot.h"
#include "txn/workdir.h"

/* ---- opening ------------------------------------------------------------------------------- */

/* path, made absolute by the current directory unless it is. */
static const char *absolute(struct sp_pool *pool, const char *path)
{
    char cwd[PATH_MAX];
    if (*path == '/' || !getcwd(cwd, sizeof(cwd)))
        return path;
    return sp_path_join(pool, cwd, path);
}

static bool has_manifests(struct sp_pool *pool, const char *dir)
{
    return access(sp_path_join(pool, dir, "manifests"), R_OK | X_OK) == 0;
}

/* --data-dir; else the program's own directory (a checkout), else PREFIX/share/sp-openstack of the
 * PREFIX/sbin that the program is in, else where it was built to be installed. */
static const char *find_data_dir(struct sp_pool *pool, const struct sp_options *options)
{
    char self[PATH_MAX];
    if (options->data_dir)
        return options->data_dir;
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (len > 0) {
        const char *dir = sp_path_dirname(pool, sp_pool_memdup(pool, self, (size_t)len));
        if (has_manifests(pool, dir))
            return dir;
        dir = sp_path_join(pool, sp_path_dirname(pool, dir), "share/sp-openstack");
        if (has_manifests(pool, dir))
            return dir;
    }
    return sp_build_data_dir;
}

void sp_context_init(struct sp_pool *pool, const struct sp_options *options,
                     struct sp_console *report, struct sp_context *out)
{
    memset(out, 0, sizeof(*out));
    out->pool = pool;
    out->options = options;
    out->report = report;
    out->root.fd = out->data_root.fd = -1;
}

int sp_context_open(struct sp_context *out, struct sp_error *err)
{
    const struct sp_options *options = out->options;
    const char *env = getenv("SP_OPENSTACK_WORK_DIR");
    const char *work = options->work_dir ? options->work_dir : env && *env ? env : NULL;
    if (work && *work != '/' && options->root)
        return sp_error_set(err, SP_ERROR_USAGE,
                            "with --root, SP_OPENSTACK_WORK_DIR has to be an absolute path inside "
                            "the root, not '%s'",
                            work);
    out->work_dir = work ? absolute(out->pool, work) : SP_WORKDIR_DEFAULT;
    return sp_root_open(options->root ? options->root : "/", &out->root, err);
}

int sp_context_load_manifests(struct sp_context *out, struct sp_error *err)
{
    const char *data = find_data_dir(out->pool, out->options);
    struct sp_tree *tree;
    if (sp_root_open(data, &out->data_root, err) < 0)
        return sp_error_prefix(err, "cannot read the manifests and drivers");
    if (sp_tree_open_root(out->pool, &out->data_root, data, &tree, err) < 0)
        return -1;
    return sp_manifests_load(out->pool, tree, &out->manifests, err);
}

void sp_context_close(struct sp_context *session)
{
    sp_root_close(&session->root);
    sp_root_close(&session->data_root);
}

/* ---- looking ------------------------------------------------------------------------------- */

static void collect_programs(struct sp_context *s, sp_strv *out)
{
    for (size_t i = 0; i < s->manifests.releases.count; i++) {
        const struct sp_release *release = s->manifests.releases.items[i];
        for (size_t j = 0; j < release->components.count; j++) {
            const sp_strv *programs = &release->components.items[j]->programs;
            for (size_t k = 0; k < programs->count; k++)
                if (!sp_strv_has(out, programs->items[k]))
                    *SP_PUSH(s->pool, out) = programs->items[k];
        }
    }
}

static int add_scan(struct sp_context *s, struct sp_tree *tree, const struct sp_site_query *query,
                    struct sp_error *err)
{
    struct sp_scan *view = sp_pool_alloc(s->pool, sizeof(*view));
    view->tree = tree;
    view->number = s->scans.count;
    if (sp_sites_find(s->pool, tree, query, &view->sites, err) < 0)
        return -1;
    for (size_t i = 0; i < s->manifests.components.count; i++)
        if (sp_detect(s->pool, tree, &view->sites, &s->manifests, s->manifests.components.items[i],
                      &view->found, err) < 0)
            return -1;
    *SP_PUSH(s->pool, &s->scans) = view;
    return 0;
}

/* The directories in a list: "a:b", or one a line. */
static void split_dirs(struct sp_context *s, const char *list, const char *separators, sp_strv *out)
{
    while (*list) {
        size_t len = strcspn(list, separators);
        if (len)
            *SP_PUSH(s->pool, out) = absolute(s->pool, sp_pool_memdup(s->pool, list, len));
        list += len;
        list += *list != '\0';
    }
}

/* Asks the interpreter of --python for its sys.path. */
static int ask_python(struct sp_context *s, struct sp_site_query *query, struct sp_error *err)
{
    const char *program = s->options->python;
    if (*program != '/')
        return sp_error_set(err, SP_ERROR_USAGE, "--python wants an absolute path, not '%s'",
                            program);
    const char *const argv[] = {program, "-c", "import sys; print('\\n'.join(sys.path[1:]))", NULL};
    struct sp_buffer out = SP_BUFFER_INIT;
    int rc = sp_process_run(argv, &out, err);
    if (rc == 0) {
        query->pythonpath_origin = program;
        split_dirs(s, sp_buffer_str(&out), "\n", &query->pythonpath);
    }
    sp_buffer_free(&out);
    return rc;
}

static int look_at_system(struct sp_context *s, struct sp_error *err)
{
    struct sp_site_query query = {.pythonpath_origin = "PYTHONPATH"};
    struct sp_tree *tree;
    for (size_t i = 0; i < s->options->paths.count; i++)
        *SP_PUSH(s->pool, &query.paths) = absolute(s->pool, s->options->paths.items[i]);
    if (s->options->python) {
        query.only = true;
        if (ask_python(s, &query, err) < 0)
            return -1;
    } else if (!s->options->root) {
        const char *env = getenv("PYTHONPATH");
        split_dirs(s, env ? env : "", ":", &query.pythonpath);
    }
    collect_programs(s, &query.programs);
    if (sp_tree_open_root(s->pool, &s->root, s->root.path, &tree, err) < 0)
        return -1;
    tree->is_system = true;
    return add_scan(s, tree, &query, err);
}

int sp_scan_all(struct sp_context *s, struct sp_error *err)
{
    static const struct sp_site_query nothing;
    if (s->options->trees.count == 0)
        return look_at_system(s, err);
    sp_strv wanted = {NULL, 0, 0};
    sp_manifests_wanted(s->pool, &s->manifests, &wanted);
    *SP_PUSH(s->pool, &wanted) = "__init__.py";
    for (size_t i = 0; i < s->options->trees.count; i++) {
        struct sp_tree *tree;
        sp_worker_enter(i);
        if (sp_tree_open(s->pool, s->options->trees.items[i], &wanted, &tree, err) < 0)
            return -1;
        if (add_scan(s, tree, &nothing, err) < 0)
            return sp_error_prefix(err, "%s", tree->name);
        sp_worker_leave();
    }
    return 0;
}

const char *sp_context_show(struct sp_context *s, const struct sp_scan *view, const char *path)
{
    if (view->tree->is_system)
        return sp_root_show(&s->root, s->pool, sp_pool_printf(s->pool, "/%s", path));
    return sp_pool_printf(s->pool, "%s:%s", view->tree->name, path);
}

/* ---- choosing ------------------------------------------------------------------------------ */

struct chooser {
    struct sp_context *s;
    enum sp_select_mode mode;
    sp_selection *out;
    struct sp_error *err;
};

static struct sp_target *selected_of(const sp_selection *selection,
                                     const struct sp_detection *found)
{
    for (size_t i = 0; i < selection->count; i++)
        if (selection->items[i].found == found)
            return &selection->items[i];
    return NULL;
}

static size_t places_of(const struct sp_scan *view, const char *name,
                        const struct sp_detection **first)
{
    size_t count = 0;
    for (size_t i = 0; i < view->found.count; i++)
        if (strcmp(view->found.items[i].name, name) == 0 && count++ == 0)
            *first = &view->found.items[i];
    return count;
}

/* Where a component was looked for. */
static const char *places(struct sp_context *s, const struct sp_scan *view)
{
    return view->tree->is_system ? "in the places where Python packages are"
                                 : sp_pool_printf(s->pool, "in %s", view->tree->name);
}

static const char *advice(const struct sp_scan *view)
{
    return view->tree->is_system ? "name the directory that it is in with --path"
                                 : "is it the right tree?";
}

static int not_found(struct chooser *c, const struct sp_scan *view, const char *name)
{
    return sp_error_set(c->err, SP_ERROR_REFUSED, "%s was not found %s; %s", name,
                        places(c->s, view), advice(view));
}

static int several(struct chooser *c, const struct sp_scan *view, const char *name)
{
    struct sp_buffer list = SP_BUFFER_INIT;
    for (size_t i = 0; i < view->found.count; i++)
        if (strcmp(view->found.items[i].name, name) == 0)
            sp_buffer_printf(&list, "%s%s", list.len ? ", " : "",
                             sp_context_show(c->s, view, view->found.items[i].site->path));
    sp_error_set(c->err, SP_ERROR_REFUSED, "%s is in several places: %s; choose one with --path",
                 name, sp_buffer_str(&list));
    sp_buffer_free(&list);
    return -1;
}

static void add(struct chooser *c, struct sp_scan *view, const struct sp_detection *found,
                const char *name, const char *needed_by)
{
    if (found && selected_of(c->out, found))
        return;
    *SP_PUSH(c->s->pool, c->out) =
        (struct sp_target){.view = view, .found = found, .name = name, .needed_by = needed_by};
}

/* The place of `name` that a component in the site uses. */
static int find_required(struct chooser *c, struct sp_scan *view, const char *name,
                         const struct sp_detection *by, const struct sp_detection **out)
{
    const struct sp_detection *first = NULL;
    size_t count = places_of(view, name, &first);
    *out = NULL;
    for (size_t i = 0; i < view->found.count; i++)
        if (strcmp(view->found.items[i].name, name) == 0 && view->found.items[i].site == by->site)
            *out = &view->found.items[i];
    if (*out)
        return 0;
    if (count == 0 && !view->tree->is_system) /* a package or a repository, not a whole host */
        return 0;
    if (count == 0)
        return sp_error_set(c->err, SP_ERROR_REFUSED,
                            "%s, which %s needs, was not found; name the directory that it is in "
                            "with --path, or leave it out with --no-deps",
                            name, by->name);
    if (count > 1)
        return several(c, view, name);
    *out = first;
    return 0;
}

static int add_with_requirements(struct chooser *c, struct sp_scan *view,
                                 const struct sp_detection *found, const char *needed_by,
                                 unsigned depth)
{
    const struct sp_component *spec = found->spec;
    bool follow = spec && spec->release->support == SP_SUPPORTED &&
                  (c->mode == SP_SELECT_REPORT || c->mode == SP_SELECT_CHANGE) &&
                  !c->s->options->no_deps;
    for (size_t i = 0; follow && i < spec->requires.count; i++) {
        const struct sp_detection *required;
        if (depth > c->s->manifests.components.count)
            return sp_error_set(c->err, SP_ERROR_REFUSED,
                                "the manifest %s has components that require each other",
                                spec->release->file);
        if (find_required(c, view, spec->requires.items[i], found, &required) < 0 ||
            (required && add_with_requirements(c, view, required, found->name, depth + 1) < 0))
            return -1;
    }
    add(c, view, found, found->name, needed_by);
    return 0;
}

static bool is_required_by_others(const struct sp_scan *view, const char *name)
{
    for (size_t i = 0; i < view->found.count; i++)
        if (view->found.items[i].spec && sp_strv_has(&view->found.items[i].spec->requires, name))
            return true;
    return false;
}

/* All places of the component, or the one; `named`: the operator typed it. */
static int choose_one(struct chooser *c, struct sp_scan *view, const char *name, bool named)
{
    const struct sp_detection *first = NULL;
    size_t count = places_of(view, name, &first);
    bool reports = c->mode == SP_SELECT_DETECT || c->mode == SP_SELECT_REPORT;
    if (count == 0 && named && reports) {
        add(c, view, NULL, name, NULL);
        return 0;
    }
    if (count == 0)
        return named ? not_found(c, view, name) : 0;
    if (count > 1 && !reports) {
        /* one in each of several environments: they are installed and removed with the components
         * that need them */
        if (named || !is_required_by_others(view, name))
            return several(c, view, name);
        if (c->mode == SP_SELECT_CHANGE)
            return 0;
    }
    for (size_t i = 0; i < view->found.count; i++)
        if (strcmp(view->found.items[i].name, name) == 0 &&
            add_with_requirements(c, view, &view->found.items[i], NULL, 0) < 0)
            return -1;
    return 0;
}

/* A component that was named itself is not there because another one needs it. */
static void forget_needs(struct chooser *c, const sp_strv *names)
{
    for (size_t i = 0; i < c->out->count; i++)
        if (sp_strv_has(names, c->out->items[i].name))
            c->out->items[i].needed_by = NULL;
}

static bool needs(const struct sp_target *one, const struct sp_target *other)
{
    return one->view == other->view && one->found && one->found->spec &&
           sp_strv_has(&one->found->spec->requires, other->name);
}

/* A component comes after those that it needs; otherwise the order stays. A circle stays as it
 * is. */
static void order_by_needs(sp_selection *selection)
{
    for (size_t i = 0; i < selection->count; i++) {
        size_t turns = selection->count - i;
        for (size_t j = i + 1; j < selection->count && turns > 0; j++) {
            if (!needs(&selection->items[i], &selection->items[j]))
                continue;
            struct sp_target first = selection->items[j];
            memmove(&selection->items[i + 1], &selection->items[i], (j - i) * sizeof(first));
            selection->items[i] = first;
            j = i; /* what that one needs in turn */
            turns--;
        }
    }
}

int sp_select(struct sp_context *s, enum sp_select_mode mode, sp_selection *out,
              struct sp_error *err)
{
    struct chooser c = {s, mode, out, err};
    const sp_strv *named = &s->options->components;
    for (size_t i = 0; i < named->count; i++)
        if (!sp_strv_has(&s->manifests.components, named->items[i]))
            return sp_error_set(
                err, SP_ERROR_USAGE, "there is no component '%s'; the manifests describe %s",
                named->items[i], sp_strv_join(s->pool, &s->manifests.components, ", "));
    const sp_strv *names = named->count ? named : &s->manifests.components;
    for (size_t v = 0; v < s->scans.count; v++) {
        size_t before = out->count;
        for (size_t i = 0; i < names->count; i++)
            if (choose_one(&c, s->scans.items[v], names->items[i], named->count > 0) < 0)
                return -1;
        if (out->count == before)
            return sp_error_set(err, SP_ERROR_REFUSED, "none of %s was found %s; %s",
                                sp_strv_join(s->pool, names, ", "), places(s, s->scans.items[v]),
                                advice(s->scans.items[v]));
    }
    forget_needs(&c, names);
    if (mode != SP_SELECT_DETECT)
        order_by_needs(out);
    return 0;
}

/* ---- planning ------------------------------------------------------------------------------ */

int sp_plan_targets(struct sp_context *s, sp_selection *selection, enum sp_goal goal,
                    struct sp_error *err)
{
    for (size_t i = 0; i < selection->count; i++) {
        struct sp_target *one = &selection->items[i];
        struct sp_file_snapshot *files;
        size_t count;
        if (!one->found) {
            one->plan.state = SP_STATE_NOT_FOUND;
            continue;
        }
        sp_worker_enter(one->view->number);
        if (sp_snapshot_take(s->pool, one->view->tree, &s->manifests, one->found, &files, &count,
                             err) < 0)
            return -1;
        sp_plan_component(s->pool, one->found, files, count, goal, &one->plan);
        sp_worker_leave();
    }
    return 0;
}

int sp_select_check_mixed(struct sp_context *s, const sp_selection *selection, struct sp_error *err)
{
    for (size_t v = 0; v < s->scans.count; v++) {
        const struct sp_release *release = NULL;
        bool mixed = false;
        const char *list = "";
        for (size_t i = 0; i < selection->count; i++) {
            const struct sp_target *one = &selection->items[i];
            if (one->view != s->scans.items[v] || !one->found || !one->found->spec)
                continue;
            mixed |= release && release != one->found->spec->release;
            release = one->found->spec->release;
            list = sp_pool_printf(s->pool, "%s%s%s %s (%s)", list, *list ? ", " : "", one->name,
                                  one->found->version ? one->found->version : "of unknown version",
                                  release->name);
        }
        if (!mixed)
            continue;
        if (!s->options->allow_mixed)
            return sp_error_set(err, SP_ERROR_REFUSED,
                                "the components are of different releases: %s; is the host halfway "
                                "through an upgrade? (--allow-mixed takes them as they are)",
                                list);
        sp_console_warn(s->pool, s->report,
                        "the components are of different releases: %s; the drivers of one release "
                        "may not find what they need in another",
                        list);
    }
    return 0;
}

/* ---- prerequisites ------------------------------------------------------------------------- */

/* "usr/lib/python2.7/dist-packages" -> "usr"; what is before /lib*, /local left out. */
static const char *prefix_of(struct sp_pool *pool, const char *site)
{
    for (const char *at = site; *at; at++)
        if (strncmp(at, "lib", 3) == 0 && (at == site || at[-1] == '/')) {
            char *prefix = sp_pool_memdup(pool, site, (size_t)(at - site));
            size_t len = strlen(prefix);
            if (len && prefix[len - 1] == '/')
                prefix[--len] = '\0';
            if (strcmp(prefix, "usr/local") == 0)
                prefix[3] = '\0';
            return prefix;
        }
    return NULL;
}

/* Whether an interpreter that has the one site has the other, too: the same prefix and Python. */
static bool same_interpreter(struct sp_pool *pool, const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return true;
    const char *left = prefix_of(pool, a), *right = prefix_of(pool, b);
    const char *pa = strstr(a, "/python"), *pb = strstr(b, "/python");
    if (!left || !right || !pa || !pb || strcmp(left, right) != 0)
        return false;
    size_t len = strcspn(pa + 1, "/");
    return strncmp(pa, pb, len + 1) == 0 && pb[len + 1] == '/';
}

/* The pip of the environment that the component is in, as it is typed outside of --root. */
static const char *pip_of(struct sp_context *s, const struct sp_target *one)
{
    const char *prefix = prefix_of(s->pool, one->found->site->path);
    bool venv = prefix && *prefix && strcmp(prefix, "usr") != 0;
    const char *pip = venv ? sp_pool_printf(s->pool, "/%s/bin/pip", prefix) : "pip";
    return *s->root.path ? sp_pool_printf(s->pool, "chroot %s %s", s->root.path, pip) : pip;
}

static int find_prerequisite(struct sp_context *s, const struct sp_target *one, const char *name,
                             const char **version, struct sp_error *err)
{
    *version = NULL;
    for (size_t i = 0; !*version && i < one->view->sites.count; i++) {
        const struct sp_site *site = &one->view->sites.items[i];
        sp_metadatas found = {NULL, 0, 0};
        if (site != one->found->site &&
            !same_interpreter(s->pool, site->path, one->found->site->path))
            continue;
        if (sp_metadata_find(s->pool, one->view->tree, site, name, &found, err) < 0)
            return -1;
        if (found.count)
            *version = found.items[0].text;
    }
    return 0;
}

int sp_prerequisites_find(struct sp_context *s, const sp_selection *selection,
                          sp_prerequisites *out, struct sp_error *err)
{
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        const struct sp_component *spec = one->found ? one->found->spec : NULL;
        if (!spec || spec->release->support != SP_SUPPORTED || !one->view->tree->is_system)
            continue;
        bool done = false; /* for another component in the same site */
        for (size_t j = 0; j < i; j++)
            done |= selection->items[j].found && selection->items[j].found->spec &&
                    selection->items[j].found->spec->prerequisites.count &&
                    selection->items[j].found->site == one->found->site;
        for (size_t j = 0; !done && j < spec->prerequisites.count; j++) {
            struct sp_prerequisite *item = SP_PUSH(s->pool, out);
            item->name = spec->prerequisites.items[j];
            item->needed_by = one->name;
            if (find_prerequisite(s, one, item->name, &item->version, err) < 0)
                return -1;
            item->pip = pip_of(s, one);
            item->python2 = strstr(one->found->site->path, "/python2") != NULL;
        }
    }
    return 0;
}
