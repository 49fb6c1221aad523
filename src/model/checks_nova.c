/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of nova.conf. */
#include "model/checks.h"

const struct sp_check sp_checks_nova[] = {
    {"C02", "oslo.config can read the files", sp_check_grammar, SP_CHECK_FIRST},
    {NULL, NULL, NULL, 0},
};
