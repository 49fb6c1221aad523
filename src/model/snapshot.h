/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a layout names, as they are in a tree. */
#ifndef SP_SNAPSHOT_H
#define SP_SNAPSHOT_H

#include "model/detect.h"
#include "model/manifest.h"

/* One file that the layout names, as it is in the tree. */
struct sp_file_snapshot {
    const struct sp_manifest_file *spec;
    const char *path;        /* relative to the site: "nova/virt/libvirt/driver.py" */
    const char *real;        /* the real path in the tree, and how it is shown */
    const char *obstacle;    /* something other than a readable regular file is there */
    struct sp_bytes content; /* data NULL: absent */
    struct sp_bytes driver;  /* what spec->copy holds; data NULL if spec has none */
};

typedef SP_VEC(struct sp_file_snapshot) sp_file_snapshots;

/* Takes one snapshot of each file of found->layout, in its order (none without a layout).
 * A file that cannot be edited - a directory, a FIFO, a loop of links, a file that is too large - becomes
 * an obstacle, in words; SP_ERROR_SYSTEM for other reasons not to read. */
int sp_snapshot_take(struct sp_contents *contents, const struct sp_manifests *manifests,
                     const struct sp_detection *found, sp_file_snapshots *out,
                     struct sp_error *err) SP_MUST_CHECK;

#endif
