/* SPDX-License-Identifier: Apache-2.0 */
#include "host/facts.h"

#include <string.h>
#include <sys/utsname.h>

#include "model/look.h"

/* The name of a system that does not run: hostname(5). */
static int read_name(const struct sp_look *look, const char **out)
{
    const char *text;
    if (sp_look_read_small(look, "etc/hostname", &text) < 0)
        return -1;
    if (text && *text && *text != '#')
        *out = sp_pool_memdup(look->pool, text, strcspn(text, " \t\r\n"));
    return 0;
}

int sp_host_facts_read(struct sp_pool *pool, struct sp_tree *tree, bool live,
                       struct sp_host_facts *out, struct sp_error *err)
{
    const struct sp_look look = {pool, tree, err};
    struct utsname system;
    if (!live)
        return read_name(&look, &out->name);
    if (uname(&system) == 0)
        out->name = sp_pool_strdup(pool, system.nodename);
    return 0;
}
