# SPDX-License-Identifier: Apache-2.0
"""The scenarios: one table, in which each is one entry.

A scenario is a function of the world (world.py). It raises Failed if something is not as it should
be, and Skipped if it cannot be run. It need not clean up: afterwards all volumes, snapshots and
backups are deleted by the API, and then nothing may be left in the cluster or on a host.
"""

import collections
import re

import disturbances
import operations


Skipped = operations.Skipped

ALL = ("mitaka", "newton", "ocata", "pike")
PIKE = ("pike",)

# quick: whether it is also run by --quick; limit: how long it may take, in seconds.
Scenario = collections.namedtuple("Scenario", "name function quick releases limit")


def scenario(name, function, quick=True, releases=ALL, limit=None):
    """Return an entry of the table."""
    return Scenario(name, function, quick, releases, limit)


SCENARIOS = (
    # The operations of the API.
    scenario("services and pools", operations.services_and_pools),
    scenario("create and attach, without a type", operations.create_untyped),
    scenario("create and attach, with types", operations.create_typed),
    scenario("template of one copy", operations.template_of_one_copy),
    scenario("snapshot, volumes from it", operations.snapshot),
    scenario("clone, clone to another type", operations.clone),
    scenario("extend", operations.extend),
    scenario("extend while attached", operations.extend_attached, releases=PIKE),
    scenario("retype, never migrate", operations.retype_never),
    scenario("retype, migrate on demand", operations.retype_on_demand),
    scenario("retype to the second backend", operations.retype_to_second),
    scenario("upload to an image", operations.upload),
    scenario("upload to an image while attached", operations.upload_attached, quick=False),
    scenario("create from an image, raw", operations.from_image),
    scenario("create from an image, qcow2", operations.from_image_qcow2, quick=False),
    scenario("image cache", operations.image_cache),
    scenario("backup and restore", operations.backup),
    scenario("backup while attached, incremental", operations.backup_attached, quick=False),
    scenario("backup of a snapshot", operations.backup_of_snapshot, quick=False),
    scenario("migrate in the cluster and back", operations.migrate),
    scenario("revert to a snapshot", operations.revert, releases=PIKE),
    scenario("transfer to another project", operations.transfer),
    scenario("attachments of API 3.27", operations.new_attachments, releases=PIKE),
    scenario("connection for a known host", operations.known_host),
    scenario("connection for an unknown host", operations.unknown_host),
    scenario("detach with the id of another host", operations.foreign_client_id),
    scenario("detach and attach at once, slow devices", operations.slow_devices),
    scenario("volume larger than the free space", operations.thin, quick=False),
    scenario("refused deletions", operations.refused_deletions),
    scenario("names of users, unknown templates", operations.names_of_users, quick=False),
    scenario("multi-attach is refused", operations.multi_attach, quick=False),
    scenario("groups and their snapshots", operations.groups, quick=False, releases=PIKE),
    scenario("commands of doc/drivers.md", operations.documented_commands),
    scenario("commands of the openstack client", operations.openstack_client, quick=False),
    # What goes wrong.
    scenario("image service dies during an upload", disturbances.image_service_dies),
    scenario("API down at the start", disturbances.down_at_start),
    scenario("API down at the start, the scheduler", disturbances.scheduler_after_start,
             quick=False, limit=1200),
    scenario("API down for a moment, all operations", disturbances.short_outage),
    scenario("API down for a moment, copies", disturbances.short_outage_of_copies, quick=False),
    scenario("API down for a minute, all operations", disturbances.long_outage, quick=False,
             limit=900),
    scenario("API down for a minute, copies and a detach", disturbances.long_outage_of_copies,
             quick=False, limit=1800),
    scenario("connector killed while it attaches", disturbances.connector_killed),
    scenario("cinder-volume killed while it attaches", disturbances.killed_in_attach),
    scenario("cinder-volume killed in a clone", disturbances.killed_in_clone, quick=False),
    scenario("cinder-volume killed in an upload", disturbances.killed_in_upload),
    scenario("cinder-volume killed in a migration", disturbances.killed_in_migration),
    scenario("cinder-volume killed in the swap of names", disturbances.killed_in_swap,
             quick=False, limit=1200),
    scenario("volume attached while it is migrated", disturbances.attached_in_migration),
    scenario("cinder-backup killed in a backup", disturbances.killed_in_backup),
    scenario("cinder-volume killed in a backup", disturbances.volume_killed_in_backup,
             quick=False),
    scenario("cinder-backup killed in a restore", disturbances.killed_in_restore, quick=False),
    scenario("two hosts with cinder-volume", disturbances.two_hosts),
    scenario("packages upgraded under the services", disturbances.upgrade),
)


def wanted(release, quick, only):
    """Return the scenarios to run."""
    return [each for each in SCENARIOS
            if release in each.releases and (each.quick or not quick) and
            re.search(only, each.name)]
