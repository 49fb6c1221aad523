/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/odb.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/pool.h"
#include "fs/read.h"
#include "tree/odb_backends.h"

enum {
    MAX_ALTERNATES = 32,
    MAX_DEPTH = 5 /* of alternates of alternates, as in git */
};

const char *sp_odb_reason(void)
{
    const git_error *error = git_error_last();
    return error && error->message ? error->message : "no reason given";
}

/* ---- alternates ---------------------------------------------------------------------------- */

struct opening {
    git_odb *odb;
    struct sp_pool *pool;
    sp_strv seen;
};

static int add_objects(struct opening *o, const char *objects, unsigned depth,
                       struct sp_error *err);

static int add_alternates(struct opening *o, const char *objects, unsigned depth,
                          struct sp_error *err)
{
    struct sp_content content;
    struct sp_dir info = {.shown = sp_path_join(o->pool, objects, "info")};
    info.fd = open(info.shown, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (info.fd < 0)
        return 0;
    int rc = sp_fs_read_at(&info, o->pool, "alternates", SP_MAX_METADATA, &content, err);
    sp_dir_close(&info);
    if (rc < 0)
        return -1;
    struct sp_bytes text = content.bytes;
    while (text.len > 0) {
        const char *end = memchr(text.data, '\n', text.len);
        size_t len = end ? (size_t)(end - text.data) : text.len;
        const char *line = sp_pool_memdup(o->pool, text.data, len);
        text.data += end ? len + 1 : len;
        text.len -= end ? len + 1 : len;
        if (!*line || *line == '#')
            continue;
        if (*line != '/')
            line = sp_path_join(o->pool, objects, line);
        if (!sp_strv_has(&o->seen, line) && add_objects(o, line, depth + 1, err) < 0)
            return -1;
    }
    return 0;
}

static int add_objects(struct opening *o, const char *objects, unsigned depth, struct sp_error *err)
{
    if (depth > MAX_DEPTH || o->seen.count > MAX_ALTERNATES)
        return sp_error_set(err, SP_ERROR_REFUSED,
                            "the git repository has too many alternate object directories");
    *SP_PUSH(o->pool, &o->seen) = objects;
    if (sp_odb_add_loose(o->odb, objects) < 0)
        return sp_error_set(err, SP_ERROR_SYSTEM, "can't set up git objects: %s", sp_odb_reason());
    if (sp_odb_add_packs(o->odb, objects, err) < 0)
        return -1;
    return add_alternates(o, objects, depth, err);
}

int sp_odb_open(const char *objects, git_odb **out, struct sp_error *err)
{
    struct opening o = {NULL, NULL, {0}};
    if (git_odb_new(&o.odb) < 0)
        return sp_error_set(err, SP_ERROR_SYSTEM, "can't set up git objects: %s", sp_odb_reason());
    o.pool = sp_pool_new();
    int rc = add_objects(&o, objects, 0, err);
    sp_pool_free(o.pool);
    if (rc < 0)
        git_odb_free(o.odb);
    else
        *out = o.odb;
    return rc;
}
