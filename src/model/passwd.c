/* SPDX-License-Identifier: Apache-2.0 */
#include "model/passwd.h"

#include <string.h>

const char *sp_passwd_home(struct sp_pool *pool, const char *passwd, const char *account)
{
    size_t len = strlen(account);
    for (const char *line = passwd; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, account, len) != 0 || line[len] != ':')
            continue;
        for (int field = 0; field < 5; field++) {
            line += strcspn(line, ":\n");
            line += *line == ':';
        }
        const char *home = sp_pool_memdup(pool, line, strcspn(line, ":\n"));
        return *home == '/' && home[1] ? home + 1 : NULL;
    }
    return NULL;
}
