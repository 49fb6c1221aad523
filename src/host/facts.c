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

static int find_name(struct sp_pool *pool, const struct sp_storpool_query *query, const char **out,
                     struct sp_error *err)
{
    const struct sp_look look = {pool, query->tree, err};
    struct utsname system;
    if (*query->root->path)
        return read_name(&look, out);
    if (uname(&system) == 0)
        *out = sp_pool_strdup(pool, system.nodename);
    return 0;
}

int sp_host_facts_read(struct sp_pool *pool, const struct sp_storpool_query *query,
                       struct sp_host_facts *out, struct sp_error *err)
{
    if (find_name(pool, query, &out->name, err) < 0 ||
        sp_storpool_facts_read(pool, query, &out->client, err) < 0)
        return -1;
    for (size_t i = 0; i < out->client.files.count; i++) {
        out->storpool_denied |= out->client.files.items[i].access == SP_CONF_DENIED;
        if (out->client.files.items[i].access == SP_CONF_READ)
            *SP_PUSH(pool, &out->storpool) = &out->client.files.items[i].content;
    }
    return 0;
}
