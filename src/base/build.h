/* SPDX-License-Identifier: Apache-2.0 */
/* The facts that are decided when the program is built (Makefile: VERSION, DATADIR). */
#ifndef SP_BUILD_H
#define SP_BUILD_H

/* The version of the program, as `sp-openstack version` prints it. */
extern const char sp_build_version[];

/* The absolute path where `make install` puts manifests/ and drivers/. */
extern const char sp_build_data_dir[];

#endif
