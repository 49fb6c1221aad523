# SPDX-License-Identifier: Apache-2.0
"""Scenarios of what goes wrong: services that are killed, an API that is down, other packages.

What is asked of them: no data is lost; after what an operator would do (start the service again,
reset a status, delete a copy that was left) everything works as before; and once the volumes are
deleted nothing is left.
"""

import os
import re
import shutil

import compute
import contents
import namespace
import operations
import services
import world as world_module

Failed = compute.Failed

SECOND = "sp-a@second#template_ssd"

# How much data makes a copy long enough to be caught.
MUCH = tuple(place * 8 * contents.MIB for place in range(120))


def _kill(world, binary="cinder-volume"):
    """Kill a service."""
    world.service(binary).kill()


def _caught(world, program, subject, seconds=30):
    """Wait until a service runs a program."""
    world.wait(lambda: world.running(program), seconds, "the " + subject)


def _usable(world):
    """See that volumes can be created, attached, copied and deleted."""
    volume = world.create(kind="hybrid")
    wanted = world.fill(volume, "usable")
    other = world.create(kind="ssd", source_volid=volume.id)
    world.same(wanted, world.sum(other), "contents of a new clone")


def _refresh(volume):
    return volume.manager.get(volume.id)


def image_service_dies(world):
    """An upload that fails leaves the volume as it was."""
    volume = world.create()
    wanted = world.fill(volume, "image service")
    world.images.fail()
    first = len(world.cluster.calls())
    world.api.upload(volume)
    world.wait(lambda: "VolumeSnapshot/" + world.name(volume) in world.cluster.calls(first), 20,
               "the upload")
    world.api.wait(volume, "available")
    world.same({}, world.cluster.snapshots(), "snapshots")
    world.same(wanted, world.through_device(volume), "contents")


def down_at_start(world):
    """Cinder-volume that starts while StorPool does not answer works when it does."""
    volume, wanted = _start_without_api(world)
    world.snapshot(volume)
    world.client.volumes.extend(volume, 2)
    world.api.wait(volume, "available")
    world.same(wanted, world.through_device(volume), "contents")
    # The scheduler would hear of the space within some minutes; one that starts asks for it.
    world.restart("cinder-scheduler")
    world.wait_for_all_pools()
    _usable(world)


def scheduler_after_start(world):
    """After that the scheduler gets to know of the space by itself.

    The backend's space is looked at and reported once a minute each, by two tasks of cinder's.
    """
    _start_without_api(world)
    world.wait(lambda: _create_works(world), 240, "cinder-volume without a restart")
    world.wait_for_all_pools()


def _start_without_api(world):
    """Start cinder-volume while StorPool does not answer; then let it.

    :returns: a volume that was there before, and its checksum
    """
    volume = world.create()
    wanted = world.fill(volume, "before")
    service = world.service("cinder-volume")
    service.kill()
    world.cluster.refuse()
    service.start()
    world.wait(lambda: len(re.findall(services.STARTED, service.log())) >= len(services.BACKENDS),
               60, "cinder-volume")
    world.wait_seconds(2)
    world.cluster.recover()
    world.ready(service)
    return volume, wanted


def _create_works(world):
    made = world.client.volumes.create(1)
    try:
        world.api.wait(made, "available", seconds=15)
    except Failed:
        made.delete()
        return False
    return True


def _given(thing, order):
    """Return a function that gives an order, and returns the thing it is about."""
    def give():
        order()
        return thing
    return give


class Work:
    """One of each operation, on volumes of their own, so that all can go on at once.

    start: the function that gives the order; check: what to see when it has succeeded.
    """

    def __init__(self, world):
        self._world = world
        volumes = world.client.volumes
        self._source = world.create(kind="hybrid")
        self._wanted = world.fill(self._source, "work")
        self._taken = world.snapshot(self._source)
        extended, retyped, deleted, snapped = [
            world.create(snapshot_id=self._taken.id) for _number in range(4)]
        self.orders = {
            "create": lambda: volumes.create(1),
            "create from a snapshot": lambda: volumes.create(1, snapshot_id=self._taken.id),
            "clone to another type": lambda: volumes.create(
                1, source_volid=self._source.id, volume_type="ssd"),
            "snapshot": lambda: world.client.volume_snapshots.create(snapped.id),
            "extend": _given(extended, lambda: volumes.extend(extended, 2)),
            "retype": _given(
                retyped, lambda: volumes.retype(retyped, "ssd", "on-demand")),
            "delete": _given(deleted, deleted.delete),
        }
        if world.release == "pike":
            self._reverted = world.create()
            self._before = world.fill(self._reverted, "before")
            self._point = world.snapshot(self._reverted)
            world.fill(self._reverted, "after", places=operations.ELSEWHERE)
            self.orders["revert"] = _given(
                self._reverted,
                lambda: volumes.revert_to_snapshot(self._reverted, self._point))
        self.things = {}

    def start(self):
        """Give all orders."""
        for name, order in self.orders.items():
            self.things[name] = order()

    def check(self):
        """See that all have been carried out."""
        world = self._world
        gone = self.things.pop("delete")
        for name, thing in self.things.items():
            try:
                self.things[name] = world.api.wait(thing, "available")
            except Failed as exc:
                raise Failed("%s: %s" % (name, exc)) from None
        world.api.wait_gone(gone)
        for name in ("create from a snapshot", "clone to another type", "extend", "retype"):
            world.same(self._wanted, world.sum(self.things[name]), name)
        for name in ("clone to another type", "retype"):
            world.template(self.things[name], "ssd")
        world.same(2 * contents.GIB, world.stored(self.things["extend"])["size"], "size")
        world.same(self._wanted, world.cluster.checksum(
            world.snapshot_name(self.things["snapshot"])), "snapshot")
        if "revert" in self.things:
            world.same(self._before, world.sum(self._reverted), "revert")
        self.unharmed()

    def unharmed(self):
        """See that what they were made from is as before."""
        self._world.same(self._wanted, self._world.sum(self._source), "the original")


def short_outage(world):
    """The API hangs up on everything for three seconds; all operations succeed."""
    work = Work(world)
    volume = world.create()
    wanted = world.fill(volume, "attach")
    attachment = world.attached(volume)
    world.cluster.outage(3)
    work.start()
    attachment.attach()
    world.same(wanted, contents.checksum(attachment.path), "attached")
    world.cluster.outage(2)
    attachment.detach()
    work.check()


def short_outage_of_copies(world):
    """The same at each step of the operations that copy."""
    volume = world.create()
    wanted = world.fill(volume, "copies")

    def meanwhile(operation, *args, after=0.0):
        """Do something with an outage after some time."""
        timer = world.later(after, lambda: world.cluster_again().outage(2.5))
        try:
            return operation(world, *args)
        finally:
            timer.join()

    for after in (0, 1.5):
        path = meanwhile(operations.upload_of, _refresh(volume), after=after)
        world.same(wanted, contents.checksum(path), "image")
        saved = meanwhile(operations.backup_of, volume, after=after)
        world.fill(volume, "since", places=operations.ELSEWHERE)
        meanwhile(operations.restore_of, saved, volume, after=after)
        world.same(wanted, world.sum(volume), "restored")
        meanwhile(operations.from_image, after=after)
        meanwhile(_migrate, volume, after=after)
        world.same(wanted, world.sum(volume), "migrated")
        saved.delete()
        world.api.wait_gone(saved)


def _migrate(world, volume):
    """Migrate a volume to the other backend."""
    here = getattr(_refresh(volume), "os-vol-host-attr:host")
    host = SECOND if here.startswith("sp-a@storpool") else world_module.POOL % "hybrid"
    world.client.volumes.migrate_volume(volume, host, True, False)
    world.api.wait_migrated(volume, host)


def long_outage(world):
    """The API is down for longer than the bindings try; operations fail, and can be repeated."""
    work = Work(world)
    volume = world.create()
    wanted = world.fill(volume, "attach")
    attachment = world.attached(volume)
    world.cluster.outage(60)
    work.start()
    try:
        attachment.attach()
    except Failed:
        pass
    else:
        raise Failed("a volume was attached without StorPool")
    # A retype that fails leaves the status as it was, since nothing has happened to the volume.
    # What is created the scheduler tries again elsewhere; that attempt may outlast the outage.
    spared = ("retype", "create", "create from a snapshot", "clone to another type")
    for name, thing in work.things.items():
        wanted_status = ("error", "available") if name in spared else ("error",)
        world.wait(lambda thing=thing, wanted_status=wanted_status:
                   _refresh(thing).status.startswith(wanted_status), 90, "the failure to " + name)
    world.wait_seconds(2)
    world.wait(lambda: not world.cluster.outages(), 90, "the end of the outage")
    work.unharmed()
    world.client.volumes.unreserve(volume)
    world.same(wanted, world.through_device(volume), "contents")
    _usable(world)


class Copies:
    """One of each operation that copies, on volumes of their own, and a detach."""

    def __init__(self, world):
        self._world = world
        self._volumes = {name: world.create() for name in (
            "upload", "backup", "restore", "migration", "detach")}
        self._wanted = {name: world.fill(volume, name) for name, volume in self._volumes.items()}
        self._saved = operations.backup_of(world, self._volumes["restore"])
        self._image = operations.make_image(world, "copies")
        self._attachment = world.attached(self._volumes["detach"]).attach()
        self._things = {}

    def start(self):
        """Give all orders."""
        client = self._world.client
        self._world.api.upload(self._volumes["upload"])
        self._things["backup"] = client.backups.create(self._volumes["backup"].id)
        client.restores.restore(self._saved.id, self._volumes["restore"].id)
        client.volumes.migrate_volume(self._volumes["migration"], SECOND, True, False)
        self._things["image"] = client.volumes.create(1, imageRef=self._image)

    def detach(self):
        """Detach, which fails on the host."""
        self._world.client.volumes.begin_detaching(self._volumes["detach"])
        try:
            self._world.compute.command("disconnect", self._attachment.data)
        except Failed:
            return
        raise Failed("a volume was detached without StorPool")

    def settle(self):
        """Wait until all have ended, in whatever way."""
        def settled(thing):
            found = _refresh(thing)
            return (found.status not in compute.BUSY and
                    getattr(found, "migration_status", None) in (None, "error", "success", "none"))
        for name, thing in list(self._volumes.items()) + list(self._things.items()):
            if name != "detach":
                self._world.wait(lambda thing=thing: settled(thing), 240, "the end of the " + name)

    def repeat(self):
        """Do all again; before, nothing but what a restore writes to was changed."""
        world = self._world
        volumes = self._volumes
        world.client.volumes.roll_detaching(volumes["detach"])
        self._attachment.detach()
        for name, volume in volumes.items():
            world.client.volumes.reset_state(volume, "available", migration_status="none")
            if name != "restore":
                world.same(self._wanted[name], world.sum(volume), name)
        path = operations.upload_of(world, _refresh(volumes["upload"]))
        world.same(self._wanted["upload"], contents.checksum(path), "image")
        for name, saved in (("backup", operations.backup_of(world, volumes["backup"])),
                            ("restore", self._saved)):
            world.client.backups.reset_state(saved, "available")
            world.fill(volumes[name], "since", places=operations.ELSEWHERE)
            operations.restore_of(world, saved, volumes[name])
        _migrate(world, volumes["migration"])
        for name, volume in volumes.items():
            world.same(self._wanted[name], world.through_device(volume), name + ", repeated")
        operations.from_image(world)


def long_outage_of_copies(world):
    """The same with all that copies, and a detach: before the first call, and in the middle."""
    for after in (0, 3):
        copies = Copies(world)
        if not after:
            world.cluster.outage(60)
        copies.start()
        if after:
            world.wait_seconds(after)
            world.cluster.outage(60)
        copies.detach()
        world.wait(lambda: not world.cluster.outages(), 90, "the end of the outage")
        copies.settle()
        copies.repeat()
        world.delete_everything()
        world.check_clean()


def connector_killed(world):
    """What attaches on a host is killed; afterwards the volume can be attached and detached."""
    volume = world.create()
    wanted = world.fill(volume, "connector")
    volumes = world.client.volumes
    for executed in (False, True):
        info = volumes.initialize_connection(volume, world.compute.properties)
        world.cluster.hold("attach", "^VolumesReassign", executed=executed)
        world.compute.send("connect", info["data"])
        world.wait(lambda: world.cluster.held("attach"), 20, "the attachment")
        world.compute.kill(namespace.kill_part)
        world.cluster.release("attach")
        world.same(wanted, world.through_device(volume), "contents")
        world.same([], world.cluster.attachments(), "attachments")


def killed_in_attach(world):
    """Cinder-volume is killed while it attaches a new volume for an image."""
    image = operations.make_image(world, "killed")
    for executed in (False, True):
        world.cluster.hold("attach", "^VolumesReassign", executed=executed)
        volume = world.client.volumes.create(1, imageRef=image)
        world.wait(lambda: world.cluster.held("attach"), 30, "the attachment")
        _kill(world)
        world.cluster.release("attach")
        world.restart()
        world.wait(lambda volume=volume: _refresh(volume).status == "error", 30, "the status")
        volume.delete()
        world.api.wait_gone(volume)
        if world.release in ("mitaka", "newton"):
            # Ocata is the first whose cinder-volume does so when it starts.
            world.remove_images(world.hosts["sp-a"])
        world.check_clean()
    _usable(world)


def killed_in_clone(world):
    """Cinder-volume is killed when it has made the temporary snapshot of a clone."""
    volume = world.create(kind="hybrid")
    wanted = world.fill(volume, "clone")
    world.cluster.hold("snapshot", "^VolumeCreate")
    copy = world.client.volumes.create(1, source_volid=volume.id, volume_type="ssd")
    world.wait(lambda: world.cluster.held("snapshot"), 30, "the snapshot")
    _kill(world)
    world.cluster.release("snapshot")
    world.restart()
    world.wait(lambda: _refresh(copy).status == "error", 30, "the status")
    copy.delete()
    world.api.wait_gone(copy)
    world.same(wanted, world.sum(volume), "contents")
    world.same({}, world.cluster.snapshots(), "snapshots")
    _usable(world)


def killed_in_upload(world):
    """Cinder-volume is killed while it uploads an image."""
    volume = world.create()
    wanted = world.fill(volume, "upload", places=MUCH)
    first = len(world.cluster.calls())
    world.api.upload(volume)
    world.wait(lambda: any(call.startswith("VolumesReassign")
                           for call in world.cluster.calls(first)), 30, "the upload")
    _kill(world)
    world.restart()
    # Some releases do it by themselves, others wait for the operator.
    world.client.volumes.reset_state(volume, "available")
    world.same(wanted, world.through_device(volume), "contents")
    path = operations.upload_of(world, _refresh(volume))
    world.same(wanted, contents.checksum(path), "image")


def killed_in_migration(world):
    """Cinder-volume is killed in the copy of a migration, which is then repeated."""
    volume = world.create()
    wanted = world.fill(volume, "migration", places=MUCH)
    world.client.volumes.migrate_volume(volume, SECOND, True, False)
    _caught(world, "dd", "copy")
    _kill(world)
    world.restart()
    world.same(wanted, world.sum(volume), "contents")
    world.client.volumes.reset_state(volume, "available", migration_status="none")
    _migrate(world, volume)
    world.same(wanted, world.through_device(volume), "contents")


def attached_in_migration(world):
    """Cinder lets a volume be attached while it is copied: what is written to it is not lost."""
    volume = world.create()
    world.fill(volume, "migration")
    first = len(world.cluster.calls())
    world.cluster.hold("copied", "^VolumesReassign$")
    world.client.volumes.migrate_volume(volume, SECOND, True, False)
    world.wait(lambda: world.cluster.held("copied"), 120, "the end of the copy")
    attachment = world.attached(volume).attach()
    contents.write(attachment.path, contents.pattern("meanwhile", places=operations.ELSEWHERE))
    wanted = contents.checksum(attachment.path)
    world.cluster.release("copied")
    world.wait(lambda: _refresh(volume).migration_status in ("error", "success"), 120,
               "the end of the migration")
    world.same("error", _refresh(volume).migration_status, "status of the migration")
    world.same(0, sum(call.startswith("VolumeUpdate") for call in world.cluster.calls(first)),
               "renames")
    world.same("in-use", _refresh(volume).status, "status")
    attachment.detach()
    world.same(wanted, world.through_device(volume), "contents")
    world.client.volumes.reset_state(volume, "available", migration_status="none")
    world.client.volumes.migrate_volume(volume, SECOND, True, True)
    world.wait(lambda: _refresh(volume).migration_status == "success", 120, "the migration")
    world.same(wanted, world.through_device(volume), "contents on the other backend")


def killed_in_swap(world):
    """Cinder-volume is killed at each of the three renames; one by hand brings all back."""
    for step in range(3):
        volume = world.create()
        wanted = world.fill(volume, "swap %d" % step)
        before = set(world.cluster.volumes())
        world.cluster.hold("swap", "^VolumeUpdate", after=step)
        world.client.volumes.migrate_volume(volume, SECOND, True, True)
        world.wait(lambda: world.cluster.held("swap"), 120, "the rename")
        _kill(world)
        world.cluster.release("swap")
        world.restart()
        found = set(world.cluster.volumes())
        name = "os--volume-" + volume.id
        other, = {each.replace("--swap", "") for each in found} - before or {""}
        # As the driver's documentation has it.
        aside = other + "--swap"
        if aside in found:
            if name in found:
                world.cluster.rename(name, other)
            world.cluster.rename(aside, name)
        world.client.volumes.reset_state(volume, "available", migration_status="none")
        world.same(wanted, world.through_device(volume), "contents after step %d" % (step + 1))
        world.delete_everything()
        world.check_clean()
    _usable(world)


def killed_in_backup(world, binary="cinder-backup"):
    """A service is killed while a backup is made, which is then repeated."""
    volume = world.create()
    wanted = world.fill(volume, "backup", places=MUCH)
    first = len(world.cluster.calls())
    lost = world.client.backups.create(volume.id)
    world.wait(lambda: any(call.startswith("VolumesReassign")
                           for call in world.cluster.calls(first)), 30, "the backup")
    world.wait_seconds(0.5)
    world.service(binary).kill()
    world.restart(binary)
    if binary == "cinder-backup":
        world.wait(lambda: lost.manager.get(lost.id).status == "error", 40, "the status")
    else:
        world.api.wait(lost, "available")
    world.wait(lambda: _refresh(volume).status == "available", 40, "the status of the volume")
    world.same(wanted, world.through_device(volume), "contents")
    saved = operations.backup_of(world, volume)
    world.fill(volume, "since", places=operations.ELSEWHERE)
    operations.restore_of(world, saved, volume)
    world.same(wanted, world.sum(volume), "restored")


def volume_killed_in_backup(world):
    """The same with cinder-volume, which the backup needs at its start and end only."""
    killed_in_backup(world, "cinder-volume")


def killed_in_restore(world):
    """Cinder-backup is killed while it restores, which is then repeated."""
    volume = world.create()
    wanted = world.fill(volume, "restore", places=MUCH)
    saved = operations.backup_of(world, volume)
    world.fill(volume, "since", places=operations.ELSEWHERE)
    first = len(world.cluster.calls())
    world.client.restores.restore(saved.id, volume.id)
    world.wait(lambda: any(call.startswith("VolumesReassign")
                           for call in world.cluster.calls(first)), 30, "the restore")
    _kill(world, "cinder-backup")
    world.restart("cinder-backup")
    world.api.wait(saved, "available")
    world.client.volumes.reset_state(volume, "available")
    operations.restore_of(world, saved, volume)
    world.same(wanted, world.through_device(volume), "restored")


def two_hosts(world):
    """A second host takes volumes over, serves them, and gives them back."""
    volume = world.create(kind="hybrid")
    wanted = world.fill(volume, "two hosts")
    other = world.service("cinder-volume", "sp-b")
    pools = len(world.client.pools.list(detailed=False))
    other.start()
    try:
        world.ready(other)
        world.wait_for_pools(2 * pools)
        there = "sp-b@storpool#template_hybrid"
        world.client.volumes.migrate_volume(volume, there, True, False)
        volume = world.api.wait_migrated(volume, there)
        world.same(wanted, world.through_device(volume), "contents there")
        copy = world.create(source_volid=volume.id, kind="ssd")
        world.same(wanted, world.sum(copy), "clone")
        saved = operations.backup_of(world, volume)
        operations.restore_of(world, saved, copy)
        world.same(wanted, world.sum(copy), "restored")
        path = operations.upload_of(world, volume)
        world.same(wanted, contents.checksum(path), "image")
        back = world_module.POOL % "hybrid"
        world.client.volumes.migrate_volume(volume, back, True, False)
        volume = world.api.wait_migrated(volume, back)
        world.same(wanted, world.through_device(volume), "contents here")
        world.delete_everything()
        world.check_clean()
    finally:
        other.kill()
        # As `cinder-manage service remove` does it, whatever still refers to them.
        world.database.query("update services set deleted = 1, deleted_at = utc_timestamp() "
                             "where host like 'sp-b@%'")
        world.restart("cinder-scheduler")
        world.wait_for_pools(pools)


def upgrade(world):
    """The packages are replaced under running services, and sp-openstack is run again."""
    volume = world.create()
    wanted = world.fill(volume, "upgrade")
    attachment = world.attached(volume).attach()
    _replace_packages(world, ("cinder", "os_brick", "nova"))
    if os.path.exists(os.path.join(world.prepared.site, "cinder/volume/drivers/storpool.py")):
        raise Failed("the driver was not replaced")
    # Those that run have what they need in memory.
    world.same(wanted, contents.checksum(attachment.path), "contents")
    taken = world.snapshot(volume, force=True)
    world.install()
    for binary in ("cinder-api", "cinder-scheduler", "cinder-volume", "cinder-backup"):
        world.service(binary).kill()
    world.compute.kill(namespace.kill_part)
    world.start_processes()
    attachment.detach()
    world.same(wanted, world.through_device(volume), "contents")
    copy = world.create(snapshot_id=taken.id)
    world.same(wanted, world.sum(copy), "contents of the snapshot")
    _usable(world)


def _replace_packages(world, names):
    """Replace packages by their originals, file by file, as a package manager does."""
    for name in names:
        source = os.path.join(world.pristine, name)
        target = os.path.join(world.prepared.site, name)
        for directory, _names, files in os.walk(target):
            there = os.path.join(source, os.path.relpath(directory, target))
            for each in files:
                if not os.path.exists(os.path.join(there, each)) and not each.endswith(".pyc"):
                    os.unlink(os.path.join(directory, each))
        for directory, _names, files in os.walk(source):
            here = os.path.join(target, os.path.relpath(directory, source))
            os.makedirs(here, exist_ok=True)
            for each in files:
                if each.endswith(".py"):
                    path = os.path.join(here, each)
                    shutil.copy2(os.path.join(directory, each), path + ".new")
                    os.rename(path + ".new", path)
