/* SPDX-License-Identifier: Apache-2.0 */
#include "txn/system.h"

#include <string.h>
#include <sys/stat.h>

#include "fs/read.h"
#include "fs/resolve.h"

enum {
    ID_LEN = 32 /* machine-id(5): 32 lower-case hexadecimal digits */
};

const char *sp_system_machine(const struct sp_root *root, struct sp_pool *pool)
{
    const char *real;
    struct sp_content content;
    if (sp_fs_resolve(root, pool, "etc/machine-id", &real, NULL, NULL) < 0 || !real ||
        sp_fs_read(root, pool, real, ID_LEN, &content, NULL) < 0 || content.bytes.len != ID_LEN ||
        strspn(content.bytes.data, "0123456789abcdef") != ID_LEN)
        return "";
    return content.bytes.data;
}

enum sp_system sp_system_of(const struct sp_root *root, struct sp_pool *pool,
                            const struct sp_journal *journal)
{
    const char *here = sp_system_machine(root, pool);
    bool known = *here && journal->machine && *journal->machine;
    size_t others = 0;
    if (known && strcmp(here, journal->machine) != 0)
        return SP_SYSTEM_OTHER;
    for (size_t i = 0; i < journal->dirs.count; i++) {
        const struct sp_journal_dir *dir = &journal->dirs.items[i];
        const char *real;
        struct stat st;
        if (sp_fs_resolve(root, pool, dir->path, &real, &st, NULL) < 0 || !real || !dir->inode)
            continue;
        if (st.st_ino == dir->inode)
            return SP_SYSTEM_SAME;
        others++;
    }
    if (known)
        return others ? SP_SYSTEM_CHANGED : SP_SYSTEM_SAME;
    return others == 0 && journal->dirs.count == 0 ? SP_SYSTEM_SAME : SP_SYSTEM_UNKNOWN;
}
