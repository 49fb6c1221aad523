/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled files that Python keeps with a module. Python 2 imports X.pyc even when X.py is gone. */
#ifndef SP_PYC_H
#define SP_PYC_H

#include "base/error.h"
#include "fs/dir.h"

/* Removes X.pyc and X.pyo, and __pycache__/X.*.pyc (PEP 3147), of the module X.py in dir; then
 * __pycache__ itself if nothing else is in it. Nothing there is success. */
int sp_pyc_remove(const struct sp_dir *dir, const char *module, struct sp_error *err) SP_MUST_CHECK;

#endif
