/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration files of a program, in order: the table of oslo.config's precedence. */
#include "environments.h"

#include "model/config_files.h"
#include "model/words.h"

struct asked {
    const char *line; /* the command; NULL: not known */
    bool default_dirs;
    const char *home;
    const struct sp_start *start;
};

/* The paths, each with "!" if it is missing, "?" for one that is in an image. */
static const char *find(struct fixture *f, struct memory *m, const char *program,
                        const struct asked *asked)
{
    sp_config_files found = {NULL, 0, 0};
    sp_strv argv = {NULL, 0, 0};
    struct sp_config_query query = {.program = program,
                                    .argv = asked->line ? &argv : NULL,
                                    .start = asked->start,
                                    .home = asked->home,
                                    .default_dirs = asked->default_dirs};
    const char *text = "";
    if (asked->line)
        sp_words_split(f->pool, asked->line, SP_WORD_STYLE_UNIT, NULL, &argv);
    assert_ok(f, sp_config_files_find(f->pool, &m->tree, &query, &found, &f->err));
    for (size_t i = 0; i < found.count; i++)
        text = sp_pool_printf(f->pool, "%s%s%s%s", text, i ? " " : "",
                              found.items[i].path ? found.items[i].path : "?",
                              found.items[i].missing ? "!" : "");
    return text;
}

static struct memory *host(struct fixture *f, bool rdo)
{
    static const char *const files[][2] = {{"etc/cinder/cinder.conf", ""},
                                           {"etc/cinder/cinder.conf.d/b.conf", ""},
                                           {"etc/cinder/cinder.conf.d/10.conf", ""},
                                           {"etc/cinder/cinder.conf.d/.hidden.conf", ""},
                                           {"etc/cinder/cinder.conf.d/5.conf", ""},
                                           {"etc/cinder/cinder.conf.d/README", ""},
                                           {"etc/cinder/d/x.conf", ""},
                                           {"etc/cinder/a.conf", ""},
                                           {"etc/cinder-volume.conf", ""},
                                           {"etc/nova/nova.conf", ""},
                                           {"etc/nova/nova-compute.conf", ""},
                                           {"etc/nova/compute.conf", ""}};
    struct memory *m = system_of_files(f, files, COUNT(files));
    if (rdo) {
        memory_put(f, m, "usr/share/cinder/cinder-dist.conf", "");
        memory_put(f, m, "usr/share/cinder/cinder-volume-dist.conf", "");
    }
    return m;
}

#define DIRS                                                                                       \
    "etc/cinder/cinder.conf.d/10.conf etc/cinder/cinder.conf.d/5.conf "                            \
    "etc/cinder/cinder.conf.d/b.conf"
#define FILES "etc/cinder/cinder.conf etc/cinder-volume.conf"

TEST(precedence)
{
    static const struct {
        const char *line;
        const char *mitaka, *ocata;
    } vectors[] = {
        {"cinder-volume", FILES, FILES " " DIRS},
        {NULL, FILES, FILES " " DIRS},
        {"cinder-volume --config-file /etc/cinder/cinder.conf --config-file=/etc/cinder/a.conf",
         "etc/cinder/cinder.conf etc/cinder/a.conf",
         DIRS " etc/cinder/cinder.conf etc/cinder/a.conf"},
        {"cinder-volume --config-file /etc/cinder/a.conf --config-dir /etc/cinder/d",
         "etc/cinder/a.conf etc/cinder/d/x.conf", "etc/cinder/a.conf etc/cinder/d/x.conf"},
        {"cinder-volume --config-dir /etc/cinder/d --config-file /etc/cinder/a.conf",
         "etc/cinder/d/x.conf etc/cinder/a.conf", "etc/cinder/d/x.conf etc/cinder/a.conf"},
        {"cinder-volume --config-dir=/etc/cinder/d", FILES " etc/cinder/d/x.conf",
         FILES " etc/cinder/d/x.conf"},
        {"cinder-volume --config-file /none.conf --config-dir /none", "none.conf! none!",
         "none.conf! none!"},
        {"cinder-volume --config-file", FILES, FILES " " DIRS},
        {"cinder-volume --log-file /x -- --config-file /y", FILES, FILES " " DIRS},
    };
    struct memory *m = host(f, false);
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct asked asked = {vectors[i].line, false, NULL, NULL};
        assert_string_equal(find(f, m, "cinder-volume", &asked), vectors[i].mitaka);
        asked.default_dirs = true;
        assert_string_equal(find(f, m, "cinder-volume", &asked), vectors[i].ocata);
    }
}

TEST(rdo)
{
    struct memory *m = host(f, true);
    assert_string_equal(
        find(f, m, "cinder-volume", &(struct asked){"cinder-volume", false, NULL, NULL}),
        "usr/share/cinder/cinder-dist.conf usr/share/cinder/cinder-volume-dist.conf " FILES);
    assert_string_equal(find(f, m, "cinder-volume",
                             &(struct asked){"cinder-volume --config-file /etc/cinder/cinder.conf",
                                             false, NULL, NULL}),
                        "etc/cinder/cinder.conf");
}

TEST(names)
{
    struct memory *m = host(f, false);
    assert_string_equal(
        find(f, m, "nova-compute", &(struct asked){"/usr/bin/nova-compute", false, NULL, NULL}),
        "etc/nova/nova.conf etc/nova/nova-compute.conf");
    assert_string_equal(
        find(f, m, "nova-compute", &(struct asked){"nova.cmd.compute", false, NULL, NULL}),
        "etc/nova/nova.conf etc/nova/compute.conf");
}

TEST(home)
{
    struct memory *m = host(f, false);
    memory_put(f, m, "var/lib/cinder/.cinder/cinder.conf", "");
    memory_put(f, m, "var/lib/cinder/cinder-volume.conf", "");
    struct asked asked = {"cinder-volume", false, "/var/lib/cinder", NULL};
    assert_string_equal(find(f, m, "cinder-volume", &asked),
                        "var/lib/cinder/.cinder/cinder.conf var/lib/cinder/cinder-volume.conf");
    asked.line = "cinder-volume --config-file ~/.cinder/cinder.conf";
    assert_string_equal(find(f, m, "cinder-volume", &asked), "var/lib/cinder/.cinder/cinder.conf");
}

TEST(work_dir)
{
    struct sp_start start = {.work_dir = "/etc/cinder"};
    struct asked asked = {"cinder-volume --config-file a.conf", false, NULL, &start};
    assert_string_equal(find(f, host(f, false), "cinder-volume", &asked), "etc/cinder/a.conf");
    start.work_dir = NULL;
    assert_string_equal(find(f, host(f, false), "cinder-volume", &asked), "a.conf!");
}

TEST(containers)
{
    struct memory *m = host(f, true);
    struct sp_start kolla = {.kind = SP_START_CONTAINER, .config_dir = "etc/kolla/cinder-volume"};
    struct sp_start tripleo = {.kind = SP_START_CONTAINER, .config_dir = "var/lib/config-data/c/"};
    struct asked asked = {"cinder-volume --config-file /usr/share/cinder/cinder-dist.conf "
                          "--config-file /etc/cinder/cinder.conf",
                          false, "/var/lib/cinder", &kolla};
    memory_put(f, m, "etc/kolla/cinder-volume/cinder.conf", "");
    memory_put(f, m, "var/lib/config-data/c/etc/cinder/cinder.conf", "");
    assert_string_equal(find(f, m, "cinder-volume", &asked),
                        "? etc/kolla/cinder-volume/cinder.conf");
    asked.start = &tripleo;
    assert_string_equal(find(f, m, "cinder-volume", &asked),
                        "? var/lib/config-data/c/etc/cinder/cinder.conf");
    asked.line = "cinder-volume";
    assert_string_equal(find(f, m, "cinder-volume", &asked),
                        "var/lib/config-data/c/etc/cinder/cinder.conf");
    asked.start = &kolla;
    assert_string_equal(find(f, m, "cinder-volume", &asked), "etc/kolla/cinder-volume/cinder.conf");
}
