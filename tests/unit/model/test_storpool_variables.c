/* SPDX-License-Identifier: Apache-2.0 */
/* The variables of StorPool's bindings, and where a start of a service sets them. */
#include "environments.h"

#include "model/start.h"
#include "model/storpool_variables.h"

/* "token host port number": "-" unset, "0" empty, "x" no port, "1" set. */
static const char *show(struct fixture *f, const struct sp_storpool_variables *variables)
{
    static const char letters[] = "-0x1";
    return sp_pool_printf(f->pool, "%c%c%c%c%s", letters[variables->token],
                          letters[variables->host], letters[variables->port],
                          letters[variables->number], variables->unknown ? "?" : "");
}

TEST(assignments)
{
    static const char *const vectors[][2] = {
        {"SP_AUTH_TOKEN=x", "1---"},
        {"SP_AUTH_TOKEN=", "0---"},
        {"SP_AUTH_TOKENS=x", "----"},
        {"XSP_AUTH_TOKEN=x", "----"},
        {"SP_AUTH_TOKEN", "----"},
        {"SP_API_HTTP_HOST=10.0.0.1", "-1--"},
        {"SP_API_HTTP_HOST=", "-0--"},
        {"SP_API_HTTP_PORT=81", "--1-"},
        {"SP_API_HTTP_PORT=0", "--x-"},
        {"SP_API_HTTP_PORT=65535", "--1-"},
        {"SP_API_HTTP_PORT=65536", "--x-"},
        {"SP_API_HTTP_PORT=81 x", "--x-"},
        {"SP_API_HTTP_PORT=", "--x-"},
        {"SP_OURID=1", "---1"},
        {"SP_AUTH_TOKEN= SP_OURID=1", "1---"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_storpool_variables variables = {.unknown = false};
        sp_storpool_variables_note(&variables, vectors[i][0]);
        assert_string_equal(show(f, &variables), vectors[i][1]);
    }
}

TEST(later_ones_count)
{
    struct sp_storpool_variables first = {.unknown = false}, second = {.unknown = true};
    sp_storpool_variables_note(&first, "SP_AUTH_TOKEN=x");
    sp_storpool_variables_note(&first, "SP_AUTH_TOKEN=");
    assert_string_equal(show(f, &first), "0---");
    sp_storpool_variables_note(&second, "SP_API_HTTP_PORT=81");
    sp_storpool_variables_join(&first, &second);
    assert_string_equal(show(f, &first), "0-1-?");
}

#define UNIT   "etc/systemd/system/cinder-volume.service"
#define SCRIPT "etc/init.d/cinder-volume"
#define START  "ExecStart=/usr/bin/cinder-volume\n"

/* Each way in which a host gives variables to a service. */
TEST(starts)
{
    static const struct {
        const char *files[3][2];
        const char *expected;
    } cases[] = {
        {{{UNIT, "[Service]\n" START}}, "----"},
        {{{UNIT, "[Service]\nEnvironment=SP_AUTH_TOKEN=a \"SP_API_HTTP_PORT=x y\"\n" START}},
         "1-x-"},
        {{{UNIT, "[Service]\n" START},
          {UNIT ".d/a.conf", "[Service]\nEnvironment=SP_AUTH_TOKEN=a\n"}},
         "1---"},
        {{{UNIT, "[Service]\nEnvironment=SP_AUTH_TOKEN=a\n" START},
          {UNIT ".d/a.conf", "[Service]\nEnvironment=\n"}},
         "----"},
        {{{UNIT, "[Service]\nEnvironmentFile=-/etc/sysconfig/storpool\n" START},
          {"etc/sysconfig/storpool", "# SP_OURID=1\nSP_AUTH_TOKEN=\"a b\"\nSP_API_HTTP_HOST=\n"}},
         "10--"},
        {{{UNIT, "[Service]\nExecStart=/usr/bin/env SP_AUTH_TOKEN=a /usr/bin/cinder-volume\n"}},
         "1---"},
        {{{UNIT, "[Service]\nExecStart=/etc/init.d/cinder-volume systemd-start\n"},
          {SCRIPT, "#!/bin/sh\n. /etc/default/cinder-volume\nexec /usr/bin/cinder-volume\n"},
          {"etc/default/cinder-volume", "export SP_AUTH_TOKEN=a\nSP_OURID=1\n"}},
         "1---"},
        /* a variable of the shell alone is none of the service's */
        {{{SCRIPT, "SP_AUTH_TOKEN=a\nexec /usr/bin/cinder-volume\n"}}, "----"},
        {{{SCRIPT, "SP_AUTH_TOKEN=a\nexport SP_AUTH_TOKEN\nexec /usr/bin/cinder-volume\n"}},
         "1---"},
        {{{SCRIPT, "SP_AUTH_TOKEN=a exec /usr/bin/cinder-volume\n"}}, "1---"},
        {{{"etc/init/cinder-volume.conf",
           "env SP_AUTH_TOKEN=a\nscript\nexec /usr/bin/cinder-volume\nend script\n"}},
         "1---"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        sp_starts found = {NULL, 0, 0};
        size_t count = 1;
        while (count < 3 && cases[i].files[count][0])
            count++;
        struct memory *m = system_of_files(f, cases[i].files, count);
        assert_ok(f, sp_starts_find(f->pool, &m->tree, "cinder-volume", &found, &f->err));
        assert_int_equal(found.count, 1);
        if (strcmp(show(f, &found.items[0].variables), cases[i].expected) != 0)
            fail_msg("case %zu: %s", i, show(f, &found.items[0].variables));
    }
}
