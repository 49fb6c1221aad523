/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of checks (model/doctor.h) that several tables have. */
#ifndef SP_CHECKS_H
#define SP_CHECKS_H

#include "model/doctor.h"

/* C02: each file has the grammar of oslo.config. */
void sp_check_grammar(struct sp_checking *c);

#endif
