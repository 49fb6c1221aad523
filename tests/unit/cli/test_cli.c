/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "support.h"

/* Parses the words of a line, separated by single spaces; "''" is the empty word. */
static int parse(struct fixture *f, const char *line, struct sp_options *out)
{
    char *argv[32];
    int argc = 0;
    argv[argc++] = sp_pool_strdup(f->pool, "sp-openstack");
    while (*line) {
        size_t len = strcspn(line, " ");
        argv[argc++] = strncmp(line, "''", 2) == 0 ? sp_pool_strdup(f->pool, "")
                                                   : sp_pool_memdup(f->pool, line, len);
        line += len;
        line += *line == ' ';
    }
    argv[argc] = NULL;
    return sp_cli_parse(f->pool, argc, argv, out, &f->err);
}

static struct sp_options good(struct fixture *f, const char *line)
{
    struct sp_options options;
    assert_ok(f, parse(f, line, &options));
    return options;
}

TEST(commands)
{
    static const struct {
        const char *line;
        const char *command;
    } vectors[] = {
        {"detect", "detect"},    {"det", "detect"},
        {"check", "check"},      {"c", "check"},
        {"diff", "diff"},        {"install", "install"},
        {"i", "install"},        {"uninstall", "uninstall"},
        {"u", "uninstall"},      {"rollback", "rollback"},
        {"ro", "rollback"},      {"history", "history"},
        {"hi", "history"},       {"recover", "recover"},
        {"rec", "recover"},      {"re", "recover"},
        {"reapply", "reapply"},  {"rea", "reapply"},
        {"groups", "groups"},    {"g", "groups"},
        {"help", "help"},        {"-h", "help"},
        {"--help", "help"},      {"install -h", "help"},
        {"version", "version"},  {"v", "version"},
        {"-V", "version"},       {"--version", "version"},
        {"-h nonsense", "help"}, {"-- check", "check"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_options options = good(f, vectors[i].line);
        if (strcmp(options.command->name, vectors[i].command) != 0)
            fail_msg("'%s' is %s", vectors[i].line, options.command->name);
    }
}

TEST(nothing_is_set_by_itself)
{
    struct sp_options o = good(f, "check");
    assert_int_equal(o.components.count + o.arguments.count + o.paths.count, 0);
    assert_int_equal(o.trees.count + o.users.count, 0);
    assert_null(o.root);
    assert_null(o.work_dir);
    assert_null(o.data_dir);
    assert_null(o.python);
    assert_null(o.group);
    assert_int_equal(o.verbose, 0);
    assert_false(o.dry_run || o.no_deps || o.allow_mixed || o.no_groups || o.force || o.json);
}

TEST(options)
{
    struct sp_options o = good(f, "-R /r -W /w -D /d -g grp -u one -u two -L /a:/b --path=/c -j -y "
                                  "--no-deps --allow-mixed --no-groups -n install");
    assert_string_equal(o.root, "/r");
    assert_string_equal(o.work_dir, "/w");
    assert_string_equal(o.data_dir, "/d");
    assert_string_equal(o.group, "grp");
    assert_string_equal(sp_strv_join(f->pool, &o.users, " "), "one two");
    assert_string_equal(sp_strv_join(f->pool, &o.paths, " "), "/a /b /c");
    assert_true(o.dry_run && o.no_deps && o.allow_mixed && o.no_groups && o.json);
    assert_false(o.force);
    assert_true(good(f, "recover --force").force);
    assert_string_equal(good(f, "check --python /p").python, "/p");
    assert_string_equal(good(f, "check --junit /f").junit, "/f");
    o = good(f, "matrix --jobs 12 a b/c a@1.*");
    assert_int_equal(o.jobs, 12);
    assert_string_equal(sp_strv_join(f->pool, &o.arguments, " "), "a b/c a@1.*");
    o = good(f, "check --tree a --tree=b -t c");
    assert_string_equal(sp_strv_join(f->pool, &o.trees, " "), "a b c");
}

TEST(paths)
{
    static const struct {
        const char *value, *paths;
    } vectors[] = {{"/a", "/a"},
                   {"/a:/b", "/a /b"},
                   {":/a::/b:", "/a /b"},
                   {"a:b:a", "a b a"},
                   {"/with:colon", "/with colon"}};
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_options o = good(f, sp_pool_printf(f->pool, "check -L %s", vectors[i].value));
        assert_string_equal(sp_strv_join(f->pool, &o.paths, " "), vectors[i].paths);
    }
}

TEST(places_and_abbreviations)
{
    static const char *const lines[] = {"-R /r check nova -j",         "check -jR /r nova",
                                        "check nova --root=/r --json", "--roo /r --js check nova",
                                        "-R/r -j check -- nova",       "check nova -R /r -j -y",
                                        "check --ro /r nova --js nova"};
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct sp_options o = good(f, lines[i]);
        assert_string_equal(o.command->name, "check");
        assert_string_equal(o.root, "/r");
        assert_true(o.json);
        assert_string_equal(sp_strv_join(f->pool, &o.components, " "), "nova");
    }
}

TEST(verbosity)
{
    static const struct {
        const char *line;
        int verbose;
    } vectors[] = {{"check", 0},     {"check -v", 1},     {"check -vv", 2},   {"-v check -v -v", 3},
                   {"check -q", -1}, {"check -v -q", -1}, {"check -q -v", 1}, {"check -qq", -1}};
    for (size_t i = 0; i < COUNT(vectors); i++)
        assert_int_equal(good(f, vectors[i].line).verbose, vectors[i].verbose);
}

TEST(components)
{
    struct sp_options o = good(f, "install nova os-brick cinder os_brick nova");
    assert_string_equal(sp_strv_join(f->pool, &o.components, " "), "nova os_brick cinder");
    assert_int_equal(o.arguments.count, 0);
    o = good(f, "rollback 12");
    assert_string_equal(sp_strv_join(f->pool, &o.arguments, " "), "12");
    assert_int_equal(o.components.count, 0);
    o = good(f, "rollback os-brick"); /* no component here */
    assert_string_equal(sp_strv_join(f->pool, &o.arguments, " "), "os-brick");
}

TEST(wrong)
{
    static const struct {
        const char *line, *part;
    } vectors[] = {
        {"", "no command"},
        {"-j", "no command"},
        {"--", "no command"},
        {"frobnicate", "'frobnicate'"},
        {"''", "''"},
        {"Check", "'Check'"},
        {"checkk", "'checkk'"},
        {"d", "ambiguous"},
        {"h", "ambiguous"},
        {"r", "ambiguous"},
        {"re", NULL}, /* only recover */
        {"check -x", "'-x'"},
        {"check -jx", "'-x'"},
        {"check --frobnicate", "'--frobnicate'"},
        {"check --ver", "'--ver'"},
        {"check --no-", "'--no-'"},
        {"check --json=yes", "'--json=yes'"},
        {"check -R", "'-R'"},
        {"check --root", "'--root'"},
        {"check --path", "'--path'"},
        {"check --python", "'--python' needs"},
        {"check -W ''", "empty"},
        {"check --root ''", "empty"},
        {"check --path ''", "empty"},
        {"check --python ''", "empty"},
        {"check /usr/lib", "--path"},
        {"check ''", "''"},
        {"history nova", "'nova'"},
        {"recover 1", "'1'"},
        {"version now", "'now'"},
        {"rollback 1 2", "'2'"},
        {"rollback a/b", "'a/b'"},
        {"uninstall -t x", "--tree"},
        {"history -t x", "--tree"},
        {"install -t x", "--dry-run"},
        {"install -n -t x", NULL},
        {"check -t x -R /", "--root"},
        {"check -t x -L /", "--path"},
        {"check --python /p -R /", "--python"},
        {"check -n", "--dry-run"},
        {"history -n", "--dry-run"},
        {"groups -n", NULL},
        {"rollback -n", NULL},
        {"uninstall -n", NULL},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_options options;
        int rc = parse(f, vectors[i].line, &options);
        if ((rc < 0) != (vectors[i].part != NULL))
            fail_msg("'%s' %s", vectors[i].line, rc < 0 ? f->err.message : "was taken");
        if (rc < 0 && (f->err.kind != SP_ERROR_USAGE || !strstr(f->err.message, vectors[i].part)))
            fail_msg("'%s': %s", vectors[i].line, f->err.message);
        sp_error_clear(&f->err);
    }
}

/* Every option with every command: those that are listed here are taken, the others refused. */
TEST(options_of_each_command)
{
    static const char common[] = " root work-dir data-dir json verbose quiet yes txn-module help "
                                 "version ";
    static const struct {
        const char *command, *own;
    } vectors[] = {
        {"detect", " path python tree "},
        {"check", " path python tree no-deps allow-mixed junit "},
        {"matrix", " jobs junit "},
        {"diff", " path python tree no-deps allow-mixed "},
        {"install", " path python tree dry-run no-deps allow-mixed group user no-groups "},
        {"uninstall", " path python dry-run no-deps "},
        {"rollback", " dry-run "},
        {"history", " "},
        {"recover", " force "},
        {"reapply", " dry-run "},
        {"services", " path python dry-run group restart "},
        {"doctor", " path python junit "},
        {"groups", " path python dry-run group user "},
        {"help", " "},
        {"version", " "},
    };
    for (size_t i = 0; i < COUNT(vectors); i++)
        for (size_t id = 0; id < SP_OPTIONS; id++) {
            struct sp_options options;
            const struct sp_option *option = &sp_options_table[id];
            const char *name = sp_pool_printf(f->pool, " %s ", option->name);
            bool taken = strstr(common, name) || strstr(vectors[i].own, name);
            bool changes_tree = id == SP_OPTION_TREE && strcmp(vectors[i].command, "install") == 0;
            const char *line =
                sp_pool_printf(f->pool, "%s --%s%s%s", vectors[i].command, option->name,
                               option->value ? id == SP_OPTION_JOBS ? " 3" : " /x" : "",
                               changes_tree ? " -n" : "");
            int rc = parse(f, line, &options);
            if ((rc == 0) != taken)
                fail_msg("'%s' %s", line, rc < 0 ? f->err.message : "was taken");
            if (rc < 0)
                assert_non_null(
                    strstr(f->err.message, sp_pool_printf(f->pool, "%s takes no option --%s",
                                                          vectors[i].command, option->name)));
            sp_error_clear(&f->err);
        }
    size_t count = 0;
    while (sp_commands[count].name)
        count++;
    assert_int_equal(count, COUNT(vectors));
}

/* As the charm calls the older tool. */
TEST(older_tool)
{
    struct sp_options o = good(f, "-T module -- install cinder");
    assert_true(o.txn_module);
    assert_string_equal(o.command->name, "install");
    assert_string_equal(sp_strv_join(f->pool, &o.components, " "), "cinder");
}

TEST(relative_paths_with_a_root)
{
    static const char *const good_lines[] = {"install -W w", "install -L l", "install -R r -W /w",
                                             "install -R r -L /l -D d"};
    for (size_t i = 0; i < COUNT(good_lines); i++)
        good(f, good_lines[i]);
    struct sp_options options;
    assert_fails(f, parse(f, "install -R /r -W w", &options), SP_ERROR_USAGE,
                 "--work-dir takes an absolute path inside the root, not 'w'");
    assert_fails(f, parse(f, "install -R /r -L /a:b", &options), SP_ERROR_USAGE,
                 "--path takes an absolute path inside the root, not 'b'");
}

/* What is printed as a command to type works on the same system, in a shell. */
TEST(invocation)
{
    struct sp_options o = {0};
    assert_string_equal(sp_cli_invocation(f->pool, &o), "sp-openstack");
    o.root = "/mnt/image";
    o.data_dir = "../data";
    assert_string_equal(sp_cli_invocation(f->pool, &o), "sp-openstack -R /mnt/image -D ../data");
    o = (struct sp_options){.root = "/my image", .work_dir = "/it's$HOME"};
    assert_string_equal(sp_cli_invocation(f->pool, &o),
                        "sp-openstack -R '/my image' -W '/it'\\''s$HOME'");
}

TEST(names_of_commands)
{
    const struct sp_command *command;
    assert_ok(f, sp_cli_find_command("hist", &command, &f->err));
    assert_string_equal(command->name, "history");
    assert_fails(f, sp_cli_find_command("r", &command, &f->err), SP_ERROR_USAGE, "ambiguous");
    assert_fails(f, sp_cli_find_command("", &command, &f->err), SP_ERROR_USAGE, "ambiguous");
    assert_fails(f, sp_cli_find_command("x", &command, &f->err), SP_ERROR_USAGE, "no command 'x'");
    for (command = sp_commands; command->name; command++) {
        assert_non_null(command->run);
        /* what is locked or scanned has to be found first */
        if (command->needs & ~(unsigned)(SP_NEEDS_ROOT | SP_NEEDS_SUPERUSER))
            assert_true(command->needs & SP_NEEDS_ROOT);
        if (command->needs & SP_NEEDS_SCAN)
            assert_true(command->needs & SP_NEEDS_MANIFESTS);
    }
}
