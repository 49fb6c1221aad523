/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/leftovers.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "fs/read.h"
#include "fs/resolve.h"
#include "txn/run.h"

enum {
    RANDOM_LEN = 8
};

/* Whether it is ".NAME.sp-openstack-RANDOM", or that with a "~" behind it; the head is up to RANDOM. */
static bool is_temporary(const char *entry, const char *head)
{
    size_t len = strlen(head);
    if (strncmp(entry, head, len) != 0 || strspn(entry + len, "0123456789abcdef") != RANDOM_LEN)
        return false;
    const char *rest = entry + len + RANDOM_LEN;
    return !*rest || strcmp(rest, "~") == 0;
}

/* recover knows of those that a journal names. */
static bool is_recorded(const struct sp_history *history, const char *entry)
{
    for (size_t i = 0; i < history->journals.count; i++)
        for (size_t j = 0; j < history->journals.items[i].files.count; j++) {
            const char *temp = history->journals.items[i].files.items[j].temp;
            if (strncmp(entry, temp, strlen(temp)) == 0)
                return true;
        }
    return false;
}

void sp_leftovers_find(struct sp_pool *pool, const struct sp_root *root,
                       const struct sp_history *history, const sp_strv *files, sp_strv *out)
{
    for (size_t i = 0; i < files->count; i++) {
        SP_CLEANUP_DIR struct sp_dir dir = SP_DIR_NONE;
        sp_strv names = {NULL, 0, 0};
        const char *path = sp_path_dirname(pool, files->items[i]);
        const char *head =
            sp_pool_printf(pool, ".%s" SP_TEMP_MARK, sp_path_basename(files->items[i]));
        if (sp_fs_open_dir(root, pool, path, &dir, NULL) < 0 ||
            sp_fs_list(&dir, pool, &names, NULL) < 0)
            continue;
        for (size_t j = 0; j < names.count; j++)
            if (is_temporary(names.items[j], head) && !is_recorded(history, names.items[j]))
                *SP_PUSH(pool, out) =
                    sp_root_show(root, pool, sp_path_join(pool, path, names.items[j]));
    }
}
