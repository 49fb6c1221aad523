/* SPDX-License-Identifier: Apache-2.0 */
#include "base/build.h"

const char sp_build_version[] = SP_VERSION;
const char sp_build_data_dir[] = SP_DATADIR;
