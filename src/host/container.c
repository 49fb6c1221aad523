/* SPDX-License-Identifier: Apache-2.0 */
#include "host/container.h"

#include <ctype.h>
#include <string.h>

#include "base/buffer.h"
#include "base/path.h"
#include "fs/resolve.h"
#include "host/proc.h"

enum {
    ID_LEN = 64,   /* hexadecimal digits of a container's id */
    SHOWN_LEN = 12 /* as docker(1) shows it */
};

static const char *const signs[] = {".dockerenv", "run/.containerenv", "run/systemd/container",
                                    "usr/local/bin/kolla_start"};

const char *sp_container_sign(struct sp_pool *pool, const struct sp_root *root, const char *proc)
{
    sp_strv variable = {NULL, 0, 0};
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        const char *real;
        if (sp_fs_resolve(root, pool, signs[i], &real, NULL, NULL) == 0 && real)
            return sp_root_show(root, pool, signs[i]);
    }
    sp_proc_strings(pool, sp_path_join(pool, proc, "1/environ"), "container=", &variable);
    return variable.count ? sp_path_join(pool, proc, "1/environ") : NULL;
}

/* The first run of exactly so many digits as an id has. */
static const char *find_id(struct sp_pool *pool, const char *text)
{
    for (; *text; text++) {
        size_t len = strspn(text, "0123456789abcdef");
        if (len == ID_LEN)
            return sp_pool_memdup(pool, text, SHOWN_LEN);
        if (len)
            text += len - 1;
    }
    return NULL;
}

/* The rest of the path's component behind `before`, up to `end`. */
static const char *find_name(struct sp_pool *pool, const char *text, const char *before,
                             const char *end)
{
    const char *at = strstr(text, before);
    if (!at)
        return NULL;
    at += strlen(before);
    size_t len = strcspn(at, "/\n");
    const char *name = sp_pool_memdup(pool, at, len);
    name = *end ? sp_path_stem(pool, name, end) : name;
    return name && *name && sp_path_is_printable(name) ? name : NULL;
}

const char *sp_container_name(struct sp_pool *pool, const char *text)
{
    static const char *const names[][2] = {
        {"/lxc.payload.", ""}, {"/lxc.payload/", ""}, {"/lxc/", ""}, {"/machine-", ".scope"}};
    const char *found = find_id(pool, text);
    for (size_t i = 0; !found && i < sizeof(names) / sizeof(names[0]); i++)
        found = find_name(pool, text, names[i][0], names[i][1]);
    return found;
}

const char *sp_container_own_name(struct sp_pool *pool, const char *proc)
{
    const char *text = sp_proc_text(pool, sp_path_join(pool, proc, "self/cgroup"));
    const char *found = text ? sp_container_name(pool, text) : NULL, *end;
    if (found || !(text = sp_proc_text(pool, sp_path_join(pool, proc, "self/mountinfo"))))
        return found;
    for (; *text; text = end + (*end == '\n')) {
        end = text + strcspn(text, "\n");
        const char *line = sp_pool_memdup(pool, text, (size_t)(end - text));
        if (strstr(line, " /etc/hostname ") && (found = find_id(pool, line)))
            return found;
    }
    return NULL;
}
