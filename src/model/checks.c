/* SPDX-License-Identifier: Apache-2.0 */
#include "model/checks.h"

void sp_check_grammar(struct sp_checking *c)
{
    for (size_t i = 0; i < c->files->count; i++) {
        const struct sp_config_content *file = c->files->items[i];
        if (file->fault.reason)
            sp_check_report(c, SP_CHECK_ERROR,
                            (struct sp_check_place){file->name, file->fault.line},
                            "write: the line as oslo.config has it, NAME = VALUE",
                            "%s cannot read the file: %s", c->service->program, file->fault.reason);
    }
}
