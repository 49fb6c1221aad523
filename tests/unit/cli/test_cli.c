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
        enum sp_command command;
    } vectors[] = {
        {"detect", SP_COMMAND_DETECT},     {"det", SP_COMMAND_DETECT},
        {"check", SP_COMMAND_CHECK},       {"c", SP_COMMAND_CHECK},
        {"diff", SP_COMMAND_DIFF},         {"install", SP_COMMAND_INSTALL},
        {"i", SP_COMMAND_INSTALL},         {"uninstall", SP_COMMAND_UNINSTALL},
        {"u", SP_COMMAND_UNINSTALL},       {"rollback", SP_COMMAND_ROLLBACK},
        {"ro", SP_COMMAND_ROLLBACK},       {"history", SP_COMMAND_HISTORY},
        {"hi", SP_COMMAND_HISTORY},        {"recover", SP_COMMAND_RECOVER},
        {"rec", SP_COMMAND_RECOVER},       {"groups", SP_COMMAND_GROUPS},
        {"g", SP_COMMAND_GROUPS},          {"help", SP_COMMAND_HELP},
        {"-h", SP_COMMAND_HELP},           {"--help", SP_COMMAND_HELP},
        {"install -h", SP_COMMAND_HELP},   {"version", SP_COMMAND_VERSION},
        {"v", SP_COMMAND_VERSION},         {"-V", SP_COMMAND_VERSION},
        {"--version", SP_COMMAND_VERSION}, {"-h nonsense", SP_COMMAND_HELP},
        {"-- check", SP_COMMAND_CHECK},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_options options = good(f, vectors[i].line);
        if (options.command != vectors[i].command)
            fail_msg("'%s' is %s", vectors[i].line, sp_command_name(options.command));
    }
    assert_string_equal(sp_command_name(SP_COMMAND_UNINSTALL), "uninstall");
    assert_string_equal(sp_command_name(SP_COMMAND_NONE), "");
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
                                        "check --r /r nova --j nova"};
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct sp_options o = good(f, lines[i]);
        assert_int_equal(o.command, SP_COMMAND_CHECK);
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

/* What is printed, in a file. */
static const char *printed(struct fixture *f, void (*print)(FILE *))
{
    char text[8192];
    FILE *file = tmpfile();
    assert_non_null(file);
    print(file);
    rewind(file);
    size_t len = fread(text, 1, sizeof(text), file);
    fclose(file);
    assert_true(len < sizeof(text));
    return sp_pool_memdup(f->pool, text, len);
}

TEST(help)
{
    const char *help = printed(f, sp_cli_help), *usage = printed(f, sp_cli_usage);
    static const char *const words[] = {"detect",         "rollback",      "groups",
                                        "-L, --path DIR", "-n, --dry-run", "--allow-mixed",
                                        "-V, --version",  "Exit status"};
    for (size_t i = 0; i < COUNT(words); i++)
        assert_non_null(strstr(help, words[i]));
    assert_true(strlen(usage) < strlen(help));
    assert_int_equal(strncmp(usage, "Usage: sp-openstack ", 20), 0);
    assert_int_equal(usage[strlen(usage) - 1], '\n');
}
