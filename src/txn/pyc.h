/* SPDX-License-Identifier: Apache-2.0 */
/* What Python leaves beside a module that it compiled. Python 2 imports X.pyc even when X.py is
 * gone. */
#ifndef SP_PYC_H
#define SP_PYC_H

#include "base/error.h"

/* Removes X.pyc and X.pyo, and __pycache__/X.*.pyc (PEP 3147), of the module X.py in dirfd; then
 * __pycache__ itself if nothing else is in it. Nothing there is success. */
int sp_pyc_remove(int dirfd, const char *module, const char *shown,
                  struct sp_error *err) SP_MUST_CHECK;

#endif
