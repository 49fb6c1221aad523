/* SPDX-License-Identifier: Apache-2.0 */
/* The backends of cinder.conf, as cinder-volume of each release reads them (cinder at the tags
 * mitaka-eol to pike-eol, cinder/cmd/volume.py, cinder/volume/configuration.py). */
#ifndef SP_BACKENDS_H
#define SP_BACKENDS_H

#include "model/checks.h"

#define SP_BACKEND_CLASS "cinder.volume.drivers.storpool.StorPoolDriver"
#define SP_BACKEND_NAME  "storpool" /* in StorPool's document */

/* The items of enabled_backends, empty ones too, and where it is set; false when it is not, or its value
 * is open. */
bool sp_backends_enabled(struct sp_checking *c, sp_oslo_list *out, struct sp_check_place *at);

/* The enabled backends that have our driver. */
void sp_backends_ours(struct sp_checking *c, sp_oslo_list *out);

/* Whether the section is that of one of the backends. */
bool sp_backends_have(const sp_oslo_list *backends, struct sp_bytes section);

/* An option as the backend has it: of its own section; from Pike on, or where the release is not known,
 * else of [backend_defaults]. */
struct sp_value sp_backend_option(struct sp_checking *c, struct sp_bytes backend, const char *name);

bool sp_backend_has_section(struct sp_checking *c, struct sp_bytes backend);
bool sp_backend_is_ours(struct sp_value driver);       /* its volume_driver */
bool sp_backend_has_our_name(struct sp_bytes backend); /* "storpool", "storpool-ssd" */

/* ---- checks of which backends there are -------------------------------------------------------- */

void sp_check_unset_backends(struct sp_checking *c); /* C03 */
void sp_check_any_backend(struct sp_checking *c);    /* C04 */
void sp_check_not_listed(struct sp_checking *c);     /* C05 */
void sp_check_no_section(struct sp_checking *c);     /* C06 */
void sp_check_empty_item(struct sp_checking *c);     /* C14 */
void sp_check_backend_names(struct sp_checking *c);  /* C16 */

/* ---- names ------------------------------------------------------------------------------------- */

bool sp_mentions_storpool(struct sp_bytes text);

/* Whether this host should have StorPool volumes: the drivers are here, or the files mention
 * StorPool. */
bool sp_backends_are_meant(struct sp_checking *c);

#endif
