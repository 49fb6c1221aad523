/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/context.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/build.h"
#include "base/path.h"
#include "fs/root.h"
#include "host/process.h"
#include "host/running.h"
#include "host/worker.h"
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

/* The path of the program: as the kernel says it, or, where there is no /proc, as it was started
 * (getauxval(3)). NULL if neither tells. */
static const char *find_program(struct sp_pool *pool)
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (len > 0)
        return sp_pool_memdup(pool, self, (size_t)len);
    union {
        unsigned long number;
        const char *text;
    } started = {getauxval(AT_EXECFN)};
    return started.number && realpath(started.text, self) ? sp_pool_strdup(pool, self) : NULL;
}

/* --data-dir; else the program's own directory (a checkout), else PREFIX/share/sp-openstack of the
 * PREFIX/sbin that the program is in, else where it was built to be installed. */
static const char *find_data_dir(struct sp_pool *pool, const struct sp_options *options)
{
    const char *program;
    if (options->data_dir)
        return options->data_dir;
    program = find_program(pool);
    if (program) {
        const char *dir = sp_path_dirname(pool, program);
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

int sp_context_open(struct sp_context *context, struct sp_error *err)
{
    const struct sp_options *options = context->options;
    const char *env = getenv("SP_OPENSTACK_WORK_DIR");
    const char *work = options->work_dir ? options->work_dir : env && *env ? env : NULL;
    if (work && *work != '/' && options->root)
        return sp_error_set(err, SP_ERROR_USAGE,
                            "with --root, SP_OPENSTACK_WORK_DIR has to be an absolute path inside "
                            "the root, not '%s'",
                            work);
    context->work_dir = work ? absolute(context->pool, work) : SP_WORKDIR_DEFAULT;
    return sp_root_open(options->root ? options->root : "/", &context->root, err);
}

int sp_context_load_manifests(struct sp_context *context, struct sp_error *err)
{
    const char *data = find_data_dir(context->pool, context->options);
    struct sp_tree *tree;
    if (sp_root_open(data, &context->data_root, err) < 0)
        return sp_error_prefix(err, "cannot read the manifests and drivers");
    if (sp_tree_open_root(context->pool, &context->data_root, data, &tree, err) < 0)
        return -1;
    return sp_manifests_load(context->pool, tree, &context->manifests, err);
}

void sp_context_close(struct sp_context *context)
{
    sp_root_close(&context->root);
    sp_root_close(&context->data_root);
}

/* ---- scanning ------------------------------------------------------------------------------ */

static int add_scan(struct sp_context *context, struct sp_tree *tree,
                    struct sp_environment_query *query, struct sp_error *err)
{
    struct sp_scan *scan;
    if (sp_scan_tree(context->pool, tree, query, &context->manifests, &scan, err) < 0)
        return -1;
    scan->number = context->scans.count;
    *SP_PUSH(context->pool, &context->scans) = scan;
    return 0;
}

/* The directories in a list: "a:b", or one a line. */
static void split_dirs(struct sp_context *context, const char *list, const char *separators,
                       sp_strv *out)
{
    while (*list) {
        size_t len = strcspn(list, separators);
        if (len)
            *SP_PUSH(context->pool, out) =
                absolute(context->pool, sp_pool_memdup(context->pool, list, len));
        list += len;
        list += *list != '\0';
    }
}

/* Asks the interpreter of --python for its sys.path. */
static int ask_python(struct sp_context *context, struct sp_environment_query *query,
                      struct sp_error *err)
{
    const char *program = context->options->python;
    if (*program != '/')
        return sp_error_set(err, SP_ERROR_USAGE, "--python wants an absolute path, not '%s'",
                            program);
    const char *const argv[] = {program, "-c", "import sys; print('\\n'.join(sys.path[1:]))", NULL};
    struct sp_buffer out = SP_BUFFER_INIT;
    int rc = sp_process_run(argv, &out, err);
    if (rc == 0) {
        query->python = program;
        split_dirs(context, sp_buffer_str(&out), "\n", &query->pythonpath);
    }
    sp_buffer_free(&out);
    return rc;
}

/* Of all releases and components, each once. */
static void find_programs(struct sp_context *context, sp_strv *out)
{
    for (size_t i = 0; i < context->manifests.releases.count; i++) {
        const struct sp_release *release = context->manifests.releases.items[i];
        for (size_t j = 0; j < release->components.count; j++)
            sp_strv_add_all_once(context->pool, out, &release->components.items[j]->programs);
    }
}

const sp_running_list *sp_context_running(struct sp_context *context)
{
    sp_strv programs = {NULL, 0, 0};
    if (context->running)
        return context->running;
    sp_running_list *found = sp_pool_alloc(context->pool, sizeof(*found));
    if (!context->options->root) {
        find_programs(context, &programs);
        sp_running_find(context->pool, "/proc", &programs, found);
    }
    return context->running = found;
}

void sp_context_forget_running(struct sp_context *context)
{
    context->running = NULL;
}

static int scan_system(struct sp_context *context, const sp_strv *paths, struct sp_error *err)
{
    struct sp_environment_query query = {.python = NULL};
    struct sp_tree *tree;
    for (size_t i = 0; i < paths->count; i++)
        *SP_PUSH(context->pool, &query.paths) = absolute(context->pool, paths->items[i]);
    if (context->options->python && ask_python(context, &query, err) < 0)
        return -1;
    if (!context->options->python && !context->options->root) {
        const char *env = getenv("PYTHONPATH");
        split_dirs(context, env ? env : "", ":", &query.pythonpath);
        query.running = *sp_context_running(context);
    }
    if (sp_tree_open_root(context->pool, &context->root, context->root.path, &tree, err) < 0)
        return -1;
    tree->is_system = true;
    return add_scan(context, tree, &query, err);
}

int sp_context_scan_path(struct sp_context *context, const char *path, struct sp_error *err)
{
    sp_strv paths = {NULL, 0, 0};
    *SP_PUSH(context->pool, &paths) = sp_pool_printf(context->pool, "/%s", path);
    return scan_system(context, &paths, err);
}

static int find_wanted(struct sp_context *context, struct sp_error *err)
{
    if (context->wanted.count > 0)
        return 0;
    if (sp_manifests_wanted(context->pool, &context->manifests, &context->wanted, err) < 0)
        return -1;
    *SP_PUSH(context->pool, &context->wanted) = "__init__.py";
    return 0;
}

int sp_context_expect_trees(struct sp_context *context, struct sp_error *err)
{
    if (find_wanted(context, err) < 0)
        return -1;
    return sp_tree_git_keep_open(err);
}

int sp_context_scan(struct sp_context *context, struct sp_error *err)
{
    if (context->options->trees.count == 0)
        return scan_system(context, &context->options->paths, err);
    if (find_wanted(context, err) < 0)
        return -1;
    for (size_t i = 0; i < context->options->trees.count; i++) {
        struct sp_environment_query nothing = {.python = NULL};
        struct sp_tree *tree;
        sp_worker_enter(i);
        if (sp_tree_open(context->pool, context->options->trees.items[i], &context->wanted, &tree,
                         err) < 0)
            return -1;
        if (add_scan(context, tree, &nothing, err) < 0)
            return sp_error_prefix(err, "%s", tree->name);
        sp_worker_leave();
    }
    return 0;
}

/* ---- selecting and planning ---------------------------------------------------------------- */

static struct sp_request request_of(const struct sp_context *context, enum sp_select_mode mode)
{
    return (struct sp_request){.scans = &context->scans,
                               .manifests = &context->manifests,
                               .mode = mode,
                               .names = &context->options->components,
                               .no_deps = context->options->no_deps,
                               .allow_mixed = context->options->allow_mixed};
}

static int print_warnings(struct sp_context *context, const sp_strv *warnings, int rc)
{
    for (size_t i = 0; i < warnings->count; i++)
        sp_console_warn(context->pool, context->report, "%s", warnings->items[i]);
    return rc;
}

int sp_context_select(struct sp_context *context, enum sp_select_mode mode, sp_selection *out,
                      struct sp_error *err)
{
    struct sp_request request = request_of(context, mode);
    sp_strv warnings = {NULL, 0, 0};
    int rc = sp_select(context->pool, &request, out, &warnings, err);
    return print_warnings(context, &warnings, rc);
}

int sp_context_check_mixed(struct sp_context *context, const sp_selection *selection,
                           struct sp_error *err)
{
    struct sp_request request = request_of(context, SP_SELECT_CHANGE);
    sp_strv warnings = {NULL, 0, 0};
    int rc = sp_select_check_mixed(context->pool, selection, &request, &warnings, err);
    return print_warnings(context, &warnings, rc);
}

/* A component that is only reported: nothing of it changes. */
static void plan_report(struct sp_context *context, struct sp_target *one)
{
    const char *why = one->unused;
    if (one->shadowed_by)
        why = sp_pool_printf(context->pool, "%s imports %s%s", one->environment->name,
                             sp_scan_show(context->pool, one->scan, one->shadowed_by->dir),
                             one->plan.integrated ? "; this copy is integrated, too" : "");
    sp_plan_report(&one->plan, one->detection,
                   one->shadowed_by ? SP_STATE_SHADOWED : one->plan.state, why);
}

int sp_context_plan(struct sp_context *context, sp_selection *selection, enum sp_goal goal,
                    struct sp_error *err)
{
    for (size_t i = 0; i < selection->count; i++) {
        struct sp_target *one = &selection->items[i];
        sp_file_snapshots files = {NULL, 0, 0};
        if (!one->detection) {
            one->plan.state = SP_STATE_NOT_FOUND;
            continue;
        }
        sp_worker_enter(one->scan->number);
        if (sp_snapshot_take(one->scan->contents, &context->manifests, one->detection, &files,
                             err) < 0)
            return -1;
        sp_plan_component(context->pool, one->detection, files.items, files.count, goal,
                          &one->plan);
        if (!sp_target_counts(one))
            plan_report(context, one);
        sp_worker_leave();
    }
    return 0;
}
