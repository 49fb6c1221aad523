/* SPDX-License-Identifier: Apache-2.0 */
/* Containers: whether we are in one, and which one a process is in. */
#ifndef SP_CONTAINER_H
#define SP_CONTAINER_H

#include "base/pool.h"
#include "fs/root.h"

/* The sign by which the running system is a container: a file that Docker, Podman, Kolla's images or
 * systemd have there, or the variable "container" of the first process (systemd.exec(5)), which only root
 * may read. NULL: none. proc: "/proc". */
const char *sp_container_sign(struct sp_pool *pool, const struct sp_root *root, const char *proc);

/* The name or id by which the text of /proc/PID/cgroup, or of /proc/PID/mountinfo, names a container:
 * "docker-ID.scope", "/docker/ID", "libpod-ID.scope" (12 digits of it, which docker(1) takes), "/lxc/NAME",
 * "/lxc.payload.NAME", "machine-NAME.scope". NULL: none is known. */
const char *sp_container_name(struct sp_pool *pool, const char *text);

/* Of the container that we are in: by our own cgroup, or by the mount of /etc/hostname (Docker and Podman
 * make one for each container); NULL. */
const char *sp_container_own_name(struct sp_pool *pool, const char *proc);

#endif
