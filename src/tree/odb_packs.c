/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "tree/odb_backends.h"
#include "tree/pack.h"

struct packed {
    git_odb_backend base;
    struct sp_packs packs;
};

/* What libgit2 is told of an answer of pack.h. */
static int answer(int rc, struct sp_error *err)
{
    if (rc < 0)
        git_error_set_str(GIT_ERROR_ODB, err->message);
    sp_error_clear(err);
    return rc < 0 ? GIT_ERROR : rc > 0 ? GIT_ENOTFOUND : 0;
}

static int packed_read(void **out, size_t *size, git_object_t *type, git_odb_backend *backend,
                       const git_oid *oid)
{
    struct packed *packed = (struct packed *)backend;
    struct sp_error err = SP_ERROR_INIT;
    struct sp_object object;
    int rc = sp_packs_read(&packed->packs, oid->id, SP_ODB_MAX_OBJECT, &object, &err);
    if (rc != 0)
        return answer(rc, &err);
    *out = sp_odb_alloc(backend, object.size + 1);
    if (!*out)
        sp_out_of_memory();
    memcpy(*out, object.data, object.size + 1);
    free(object.data);
    *size = object.size;
    *type = (git_object_t)object.type;
    return 0;
}

static int packed_read_header(size_t *size, git_object_t *type, git_odb_backend *backend,
                              const git_oid *oid)
{
    struct packed *packed = (struct packed *)backend;
    struct sp_error err = SP_ERROR_INIT;
    struct sp_object object;
    int rc = sp_packs_read_header(&packed->packs, oid->id, &object, &err);
    if (rc != 0)
        return answer(rc, &err);
    *size = object.size;
    *type = (git_object_t)object.type;
    return 0;
}

static int packed_exists(git_odb_backend *backend, const git_oid *oid)
{
    size_t size;
    git_object_t type;
    return packed_read_header(&size, &type, backend, oid) != GIT_ENOTFOUND;
}

static int packed_exists_prefix(git_oid *out, git_odb_backend *backend, const git_oid *prefix,
                                size_t digits)
{
    struct packed *packed = (struct packed *)backend;
    struct sp_error err = SP_ERROR_INIT;
    bool several;
    int rc = sp_packs_find(&packed->packs, prefix->id, digits, out->id, &several, &err);
    return rc == 0 && several ? GIT_EAMBIGUOUS : answer(rc, &err);
}

static int packed_read_prefix(git_oid *oid, void **out, size_t *size, git_object_t *type,
                              git_odb_backend *backend, const git_oid *prefix, size_t digits)
{
    int rc = packed_exists_prefix(oid, backend, prefix, digits);
    return rc < 0 ? rc : packed_read(out, size, type, backend, oid);
}

static void packed_free(git_odb_backend *backend)
{
    sp_pool_free(((struct packed *)backend)->packs.pool);
    free(backend);
}

int sp_odb_add_packs(git_odb *odb, const char *objects, struct sp_error *err)
{
    struct packed *packed = sp_xmalloc(sizeof(*packed));
    memset(packed, 0, sizeof(*packed));
    git_odb_init_backend(&packed->base, GIT_ODB_BACKEND_VERSION);
    packed->base.read = packed_read;
    packed->base.read_prefix = packed_read_prefix;
    packed->base.read_header = packed_read_header;
    packed->base.exists = packed_exists;
    packed->base.exists_prefix = packed_exists_prefix;
    packed->base.free = packed_free;
    struct sp_pool *pool = sp_pool_new();
    packed->packs.pool = pool;
    int rc = sp_packs_open(pool, objects, &packed->packs, err);
    if (rc == 0 && git_odb_add_backend(odb, &packed->base, 1) < 0)
        rc = sp_error_set(err, SP_ERROR_SYSTEM, "can't set up git objects: %s", sp_odb_reason());
    if (rc < 0)
        packed_free(&packed->base);
    return rc;
}
