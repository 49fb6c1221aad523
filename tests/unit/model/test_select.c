/* SPDX-License-Identifier: Apache-2.0 */
/* Which copies a command works on.
 *
 * Two services, front and back, require a library, lib; frontd and backd are their programs. Of
 * systems in memory that have them in one or more environments, a test asks for a selection and
 * compares it, a word for each target: NAME@ENVIRONMENT, with "(" around those that are only
 * reported. A is /openstack/venvs/a, B is /openstack/venvs/b, D is the system's dist-packages, L the
 * one in /usr/local that goes before it. */
#include "model/select.h"

#include "environments.h"
#include "manifests.h"

#define A "openstack/venvs/a/lib/python2.7/site-packages"
#define B "openstack/venvs/b/lib/python2.7/site-packages"
#define D "usr/lib/python2.7/dist-packages"
#define L "usr/local/lib/python2.7/dist-packages"

struct world {
    struct memory *m;
    struct sp_manifests manifests;
    struct sp_environment_query query;
    sp_strv names;
    struct sp_request request;
    sp_scans scans;
    sp_selection selection;
    sp_strv warnings;
};

static const char *release_text(struct fixture *f, const char *name, int version)
{
    return sp_pool_printf(
        f->pool,
        "release: %s\n"
        "released: '20%02d'\n"
        "components:\n"
        "  back: {versions: '>=%d, <%d', requires: [lib], programs: [backd], account: back,\n"
        "         files: [{path: n.py, copy: n.py, marker: m}]}\n"
        "  front: {versions: '>=%d, <%d', requires: [lib], programs: [frontd], account: front,\n"
        "          files: [{path: n.py, copy: n.py, marker: m}]}\n"
        "  lib: {versions: '>=%d, <%d', programs: [frontd, backd],\n"
        "        files: [{path: n.py, copy: n.py, marker: m}]}\n",
        name, version, version, version + 1, version, version + 1, version, version + 1);
}

static void set_up_world(struct fixture *f)
{
    static const char *const components[] = {"back", "front", "lib"};
    struct world *w = sp_pool_alloc(f->pool, sizeof(*w));
    w->m = memory_new(f);
    w->m->tree.is_system = true;
    w->m->tree.name = "";
    *SP_PUSH(f->pool, &w->manifests.releases) = manifest_of(f, release_text(f, "two", 2));
    *SP_PUSH(f->pool, &w->manifests.releases) = manifest_of(f, release_text(f, "one", 1));
    for (size_t i = 0; i < COUNT(components); i++)
        *SP_PUSH(f->pool, &w->manifests.components) = components[i];
    w->request =
        (struct sp_request){.scans = &w->scans, .manifests = &w->manifests, .names = &w->names};
    f->own = w;
}

#define TEST_ON_WORLD(name) TEST_WITH(name, struct world *w, set_up_world, NULL)

/* A package with metadata. */
static void put(struct fixture *f, struct world *w, const char *site, const char *name,
                const char *version)
{
    memory_put(f, w->m, sp_pool_printf(f->pool, "%s/%s/__init__.py", site, name), "");
    memory_put(f, w->m, sp_pool_printf(f->pool, "%s/%s-1.egg-info", site, name),
               sp_pool_printf(f->pool, "Name: %s\nVersion: %s\n", name, version));
}

static void put_all(struct fixture *f, struct world *w, const char *site, const char *version)
{
    put(f, w, site, "back", version);
    put(f, w, site, "front", version);
    put(f, w, site, "lib", version);
}

/* The program runs in the environment, by its unit. */
static void put_unit(struct fixture *f, struct world *w, const char *program, const char *prefix)
{
    memory_put(f, w->m, sp_pool_printf(f->pool, "etc/systemd/system/%s.service", program),
               sp_pool_printf(f->pool, "[Service]\nExecStart=%s/bin/python %s/bin/%s\n", prefix,
                              prefix, program));
}

static int scan_and_select(struct fixture *f, struct world *w)
{
    memset(&w->scans, 0, sizeof(w->scans));
    memset(&w->selection, 0, sizeof(w->selection));
    memset(&w->warnings, 0, sizeof(w->warnings));
    if (sp_scan_tree(f->pool, &w->m->tree, &w->query, &w->manifests, SP_PUSH(f->pool, &w->scans),
                     &f->err) < 0)
        return -1;
    return sp_select(f->pool, &w->request, &w->selection, &w->warnings, &f->err);
}

static const char *letter_of(const char *path)
{
    return strncmp(path, A, strlen(A)) == 0   ? "A"
           : strncmp(path, B, strlen(B)) == 0 ? "B"
           : strncmp(path, D, strlen(D)) == 0 ? "D"
           : strncmp(path, L, strlen(L)) == 0 ? "L"
                                              : path;
}

static const char *words(struct fixture *f, const sp_selection *selection)
{
    sp_strv list = {NULL, 0, 0};
    for (size_t i = 0; i < selection->count; i++) {
        const struct sp_target *one = &selection->items[i];
        const char *where = one->detection ? letter_of(one->detection->dir) : "none";
        *SP_PUSH(f->pool, &list) =
            sp_pool_printf(f->pool, sp_target_counts(one) ? "%s@%s" : "(%s@%s)", one->name, where);
    }
    return list.count ? sp_strv_join(f->pool, &list, " ") : "";
}

static const char *selected(struct fixture *f, struct world *w, enum sp_select_mode mode,
                            const char *name, const char *other)
{
    memset(&w->names, 0, sizeof(w->names));
    if (name)
        *SP_PUSH(f->pool, &w->names) = name;
    if (other)
        *SP_PUSH(f->pool, &w->names) = other;
    w->request.mode = mode;
    assert_ok(f, scan_and_select(f, w));
    return words(f, &w->selection);
}

#define SELECTED(mode, ...) selected(f, w, SP_SELECT_##mode, __VA_ARGS__)

TEST_ON_WORLD(one_environment)
{
    put_all(f, w, D, "1.0");
    assert_string_equal(SELECTED(DETECT, NULL, NULL), "back@D front@D lib@D");
    assert_string_equal(SELECTED(REPORT, NULL, NULL), "lib@D back@D front@D");
    assert_string_equal(SELECTED(CHANGE, "front", NULL), "lib@D front@D");
    assert_string_equal(w->selection.items[0].needed_by, "front");
    assert_string_equal(SELECTED(CHANGE, "front", "lib"), "lib@D front@D");
    assert_null(w->selection.items[0].needed_by);
    assert_string_equal(SELECTED(REMOVE, "front", NULL), "front@D");
    w->request.no_deps = true;
    assert_string_equal(SELECTED(CHANGE, "front", NULL), "front@D");
}

/* What goes before on the search path is imported; the other is only reported. */
TEST_ON_WORLD(shadowed_copy)
{
    put_all(f, w, D, "1.0");
    put(f, w, L, "lib", "1.0");
    assert_string_equal(SELECTED(CHANGE, "front", NULL), "lib@L (lib@D) front@D");
    assert_string_equal(SELECTED(REPORT, "lib", NULL), "lib@L (lib@D)");
    assert_string_equal(w->selection.items[1].shadowed_by->dir, L "/lib");
    assert_string_equal(SELECTED(REMOVE, "lib", NULL), "lib@L (lib@D)");
    assert_string_equal(SELECTED(DETECT, "lib", NULL), "lib@L (lib@D)");
}

/* An environment for each service: each has its own library. */
TEST_ON_WORLD(environment_of_each_service)
{
    put(f, w, A, "front", "1.0");
    put(f, w, A, "lib", "1.0");
    put(f, w, B, "back", "2.0");
    put(f, w, B, "lib", "2.0");
    assert_string_equal(SELECTED(CHANGE, NULL, NULL), "lib@B lib@A back@B front@A");
    assert_string_equal(SELECTED(CHANGE, "front", "lib"), "lib@A front@A");
    assert_string_equal(SELECTED(REMOVE, NULL, NULL), "lib@A lib@B back@B front@A");
    sp_strv warnings = {NULL, 0, 0}; /* releases are compared inside of an environment */
    assert_ok(f, sp_select_check_mixed(f->pool, &w->selection, &w->request, &warnings, &f->err));
    assert_int_equal(warnings.count, 0);
}

/* A library in an environment of something else is not needed by anything. */
TEST_ON_WORLD(library_that_nothing_needs)
{
    put(f, w, A, "lib", "1.0");
    put_all(f, w, B, "1.0");
    assert_string_equal(SELECTED(CHANGE, NULL, NULL), "lib@B back@B front@B");
    assert_string_equal(SELECTED(REPORT, "lib", NULL), "lib@B (lib@A)");
    assert_string_equal(SELECTED(REMOVE, "lib", NULL), "lib@A lib@B");
}

/* Two environments of one service: its unit tells. */
TEST_ON_WORLD(environment_in_use)
{
    put_all(f, w, A, "1.0");
    put_all(f, w, B, "2.0");
    put_unit(f, w, "frontd", "/openstack/venvs/b");
    put_unit(f, w, "backd", "/openstack/venvs/b");
    assert_string_equal(SELECTED(CHANGE, "front", NULL), "lib@B front@B");
    assert_string_equal(SELECTED(CHANGE, NULL, NULL), "lib@B back@B front@B");
    assert_string_equal(SELECTED(CHANGE, "lib", NULL), "lib@B");
    assert_string_equal(SELECTED(REPORT, "front", NULL), "lib@B front@B (front@A)");
    assert_string_equal(w->selection.items[2].unused,
                        "frontd runs in /openstack/venvs/b (/etc/systemd/system/frontd.service)");
    assert_string_equal(SELECTED(REMOVE, "front", NULL), "front@B front@A");
    sp_strv warnings = {NULL, 0, 0};
    SELECTED(REPORT, NULL, NULL);
    assert_ok(f, sp_select_check_mixed(f->pool, &w->selection, &w->request, &warnings, &f->err));
}

/* The services of one host run in different environments, and both are in use. */
TEST_ON_WORLD(both_environments_in_use)
{
    put_all(f, w, A, "1.0");
    put_all(f, w, B, "1.0");
    put_unit(f, w, "frontd", "/openstack/venvs/a");
    put_unit(f, w, "backd", "/openstack/venvs/b");
    assert_string_equal(SELECTED(CHANGE, NULL, NULL), "lib@B lib@A back@B front@A");
    assert_string_equal(SELECTED(CHANGE, "lib", NULL), "lib@B lib@A");
}

TEST_ON_WORLD(nothing_tells)
{
    put_all(f, w, A, "1.0");
    put_all(f, w, B, "1.0");
    assert_string_equal(SELECTED(REPORT, "front", NULL), "lib@A lib@B front@A front@B");
    assert_int_equal(w->warnings.count, 1);
    assert_non_null(strstr(w->warnings.items[0], "front is in several environments: /" A ", /" B));
    assert_string_equal(SELECTED(REMOVE, "front", NULL), "front@A front@B");
    w->request.mode = SP_SELECT_CHANGE;
    assert_fails(f, scan_and_select(f, w), SP_ERROR_REFUSED, "/" A ", /" B "; no process, unit");
}

/* The user site of the account that one service runs as. */
TEST_ON_WORLD(user_site)
{
    static const char user[] = "srv/front/.local/lib/python2.7/site-packages";
    put_all(f, w, D, "1.0");
    put(f, w, user, "lib", "1.0");
    memory_put(f, w->m, "etc/passwd", "front:x:1:1::/srv/front:\n");
    assert_string_equal(SELECTED(CHANGE, "back", NULL), "lib@D back@D");
    assert_string_equal(SELECTED(CHANGE, "front", NULL),
                        sp_pool_printf(f->pool, "lib@%s/lib front@D", user));
    assert_string_equal(SELECTED(CHANGE, "front", "lib"),
                        sp_pool_printf(f->pool, "lib@%s/lib front@D", user));
    assert_string_equal(SELECTED(CHANGE, "front", "back"),
                        sp_pool_printf(f->pool, "lib@%s/lib lib@D front@D back@D", user));
}

/* ---- --path -------------------------------------------------------------------------------- */

TEST_ON_WORLD(path)
{
    put_all(f, w, A, "1.0");
    put_all(f, w, B, "1.0");
    *SP_PUSH(f->pool, &w->query.paths) = "/" B;
    assert_string_equal(SELECTED(CHANGE, "front", NULL), "lib@B front@B");
    assert_string_equal(SELECTED(REPORT, NULL, NULL), "lib@B back@B front@B");
    assert_string_equal(SELECTED(REMOVE, NULL, NULL), "lib@B back@B front@B");
}

TEST_ON_WORLD(path_that_has_the_library)
{
    put(f, w, A, "front", "1.0");
    put(f, w, "srv/lib", "lib", "1.0");
    *SP_PUSH(f->pool, &w->query.paths) = "/srv/lib";
    assert_string_equal(SELECTED(CHANGE, "front", NULL), "lib@srv/lib/lib front@A");
    w->names.items[0] = "back";
    assert_fails(f, scan_and_select(f, w), SP_ERROR_REFUSED, "--path: none of back is there");
}

TEST_ON_WORLD(path_without_what_was_named)
{
    put(f, w, A, "front", "1.0");
    put(f, w, B, "back", "1.0");
    *SP_PUSH(f->pool, &w->query.paths) = "/" A;
    *SP_PUSH(f->pool, &w->names) = "back";
    w->request.mode = SP_SELECT_CHANGE;
    assert_fails(f, scan_and_select(f, w), SP_ERROR_REFUSED, "--path: none of back is there");
}

TEST_ON_WORLD(path_without_a_component)
{
    static const char *const vectors[][2] = {{"/openstack/venvs/a", "front is in /" A},
                                             {"/" A "/front", "front is in /" A},
                                             {"/" A "/front/deeper", "front is in /" A},
                                             {"/" A "/other", "nor in a directory below it"},
                                             {"/srv", "nor in a directory below it"}};
    put(f, w, A, "front", "1.0");
    put(f, w, B, "front", "1.0");
    memory_put(f, w->m, A "/front/deeper/x", "");
    memory_put(f, w->m, A "/other/x", "");
    memory_put(f, w->m, "srv/x", "");
    for (size_t i = 0; i < COUNT(vectors); i++) {
        memset(&w->query.paths, 0, sizeof(w->query.paths));
        *SP_PUSH(f->pool, &w->query.paths) = vectors[i][0];
        assert_fails(f, scan_and_select(f, w), SP_ERROR_REFUSED, vectors[i][1]);
    }
}

/* ---- what is missing ----------------------------------------------------------------------- */

TEST_ON_WORLD(required_and_not_there)
{
    put(f, w, A, "front", "1.0");
    put(f, w, B, "lib", "1.0"); /* another world */
    *SP_PUSH(f->pool, &w->names) = "front";
    w->request.mode = SP_SELECT_CHANGE;
    assert_fails(f, scan_and_select(f, w), SP_ERROR_REFUSED,
                 "lib, which front needs, was not found in /openstack/venvs/a");
    w->request.no_deps = true;
    assert_string_equal(SELECTED(CHANGE, "front", NULL), "front@A");
}

/* Where no interpreter is known, what it imports is the only one that there is. */
TEST_ON_WORLD(required_of_a_checkout)
{
    put(f, w, "opt/stack/front", "front", "1.0");
    put(f, w, D, "lib", "1.0");
    assert_string_equal(SELECTED(CHANGE, "front", NULL), "lib@D front@opt/stack/front/front");
    put(f, w, A, "lib", "1.0");
    w->request.mode = SP_SELECT_CHANGE;
    assert_fails(f, scan_and_select(f, w), SP_ERROR_REFUSED, "lib is in several environments");
}

TEST_ON_WORLD(not_found)
{
    put(f, w, A, "front", "1.0");
    assert_string_equal(SELECTED(DETECT, "back", NULL), "back@none");
    w->request.mode = SP_SELECT_CHANGE;
    assert_fails(f, scan_and_select(f, w), SP_ERROR_REFUSED, "back was not found in the places");
    w->names.items[0] = "else";
    assert_fails(f, scan_and_select(f, w), SP_ERROR_USAGE, "there is no component 'else'");
    memset(&w->m->files, 0, sizeof(w->m->files));
    memset(&w->names, 0, sizeof(w->names));
    assert_fails(f, scan_and_select(f, w), SP_ERROR_REFUSED, "none of back, front, lib was found");
}

/* ---- releases and dependents --------------------------------------------------------------- */

TEST_ON_WORLD(mixed_releases)
{
    sp_strv warnings = {NULL, 0, 0};
    put(f, w, D, "front", "1.0");
    put(f, w, D, "lib", "2.0");
    SELECTED(CHANGE, NULL, NULL);
    assert_fails(f, sp_select_check_mixed(f->pool, &w->selection, &w->request, &warnings, &f->err),
                 SP_ERROR_REFUSED, "lib 2.0 (two), front 1.0 (one)");
    w->request.allow_mixed = true;
    assert_ok(f, sp_select_check_mixed(f->pool, &w->selection, &w->request, &warnings, &f->err));
    assert_int_equal(warnings.count, 1);
}

TEST_ON_WORLD(dependents)
{
    sp_selection dependents = {NULL, 0, 0};
    put_all(f, w, A, "1.0");
    put(f, w, B, "front", "1.0");
    SELECTED(REMOVE, "lib", "back");
    sp_select_dependents(f->pool, &w->selection, &dependents);
    assert_string_equal(words(f, &dependents), "front@A");
    assert_string_equal(dependents.items[0].needed_by, "lib");
}
