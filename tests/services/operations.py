# SPDX-License-Identifier: Apache-2.0
"""Scenarios of the operations of cinder's API, with the contents compared by checksum."""

import os
import re
import subprocess
import sys

import compute
import contents
import services
import world as world_module

Failed = compute.Failed
GIB = contents.GIB

# Another pattern than the usual, in blocks that it leaves empty.
ELSEWHERE = (64 * contents.MIB, 512 * contents.MIB)


# Takes a command of cinder's apart as the client does, without any service.
PARSE = """
import sys
from cinderclient import api_versions, shell
parser = shell.OpenStackCinderShell().get_subcommand_parser(
    api_versions.APIVersion('3.0'), True, sys.argv[1:])
parser.parse_args(sys.argv[2:])
"""


class Skipped(Exception):
    """A scenario cannot be run here."""


def services_and_pools(world):
    """All services are up; each backend has a pool for each template."""
    found = {(each.binary, each.state) for each in world.client.services.list()}
    world.same({(name, "up") for name in ("cinder-scheduler", "cinder-volume", "cinder-backup")},
               found, "services")
    names = {pool.name for pool in world.client.pools.list(detailed=False)}
    world.same({"sp-a@%s#%s" % (backend, pool) for backend in services.BACKENDS
                for pool in ["default"] + ["template_" + name for name in world_module.TEMPLATES]},
               names, "pools")


def create_untyped(world):
    """A volume without a type has the template of the configuration."""
    volume = world.create()
    world.template(volume, "hybrid")
    wanted = world.fill(volume, "untyped")
    world.same(wanted, world.through_device(volume), "contents, attached again")


def create_typed(world):
    """A volume with a type that names a template has that one."""
    for name in ("ssd", "hybrid"):
        world.template(world.create(kind=name), name)
    volume = world.create(kind="second")
    world.template(volume, "ssd")
    world.fill(volume, "second")


def template_of_one_copy(world):
    """The scheduler prefers a pool with fewer copies; the configuration decides all the same."""
    for _number in range(2):
        volume = world.create(kind="backend")
        world.same("sp-a@storpool#template_single", getattr(volume, "os-vol-host-attr:host"),
                   "what the scheduler chose")
        world.template(volume, "hybrid")
    image = make_image(world, "one copy")
    world.template(world.create(imageRef=image, kind="backend"), "hybrid")


def snapshot(world):
    """A snapshot keeps its contents; volumes are made from it, also larger."""
    volume = world.create(kind="hybrid")
    wanted = world.fill(volume, "before")
    taken = world.snapshot(volume)
    after = world.fill(volume, "after", places=ELSEWHERE)
    world.same(wanted, world.cluster.checksum(world.snapshot_name(taken)), "snapshot")
    larger = world.create(2, snapshot_id=taken.id)
    world.same(2 * GIB, world.stored(larger)["size"], "size")
    world.template(larger, "hybrid")
    world.same(wanted, world.through_device(larger), "larger volume")
    # Cinder itself gives it the type of the snapshot, whatever was asked for.
    other = world.create(kind="ssd", snapshot_id=taken.id)
    world.template(other, "hybrid")
    world.same(wanted, world.sum(other), "volume for which another type was asked")
    world.same(after, world.sum(volume), "original")
    with world.attached(volume):
        world.snapshot(volume, force=True)


def clone(world):
    """A clone has the contents of the original, also one of another type and larger."""
    volume = world.create(kind="hybrid")
    wanted = world.fill(volume, "clone")
    same = world.create(source_volid=volume.id)
    world.template(same, "hybrid")
    other = world.create(2, kind="ssd", source_volid=volume.id)
    world.template(other, "ssd")
    world.fill(volume, "later", places=ELSEWHERE)
    world.same(wanted, world.sum(same), "clone")
    world.same(wanted, world.through_device(other), "clone of another type")


def extend(world):
    """A volume is extended and keeps its contents."""
    volume = world.create()
    wanted = world.fill(volume, "extend")
    world.client.volumes.extend(volume, 2)
    volume = world.api.wait(volume, "available")
    world.same((2, 2 * GIB), (volume.size, world.stored(volume)["size"]), "size")
    world.same(wanted, world.through_device(volume), "contents")


def extend_attached(world):
    """An attached volume is extended, and its device with it."""
    volume = world.create()
    with world.attached(volume) as attachment:
        contents.write(attachment.path, contents.pattern("attached"))
        wanted = contents.checksum(attachment.path)
        world.client.volumes.extend(volume, 2)
        world.api.wait(volume, "in-use")
        world.same(2 * GIB, world.compute.command("extend", attachment.data), "size of the device")
        contents.write(attachment.path, {2 * GIB - 4096: b"end" + b"\0" * 4093})
        contents.write(attachment.path, {2 * GIB - 4096: b"\0" * 4096})
        world.same(wanted, contents.checksum(attachment.path), "contents")


def _retype(world, volume, kind, policy):
    """Retype a volume, and return it when that has ended."""
    world.client.volumes.retype(volume, kind, policy)
    return world.api.wait(volume, "available")


def retype_never(world):
    """Another template is another pool; the scheduler refuses it without a migration."""
    volume = world.create(kind="hybrid")
    wanted = world.fill(volume, "never")
    volume = _retype(world, volume, "ssd", "never")
    world.same("hybrid", volume.volume_type, "type")
    world.template(volume, "hybrid")
    world.same(wanted, world.sum(volume), "contents")


def retype_on_demand(world):
    """Another template is given in place; a type without one means that of the configuration."""
    volume = world.create(kind="hybrid")
    wanted = world.fill(volume, "on demand")
    first = len(world.cluster.calls())
    for kind, template in (("ssd", "ssd"), ("backend", "hybrid")):
        volume = _retype(world, volume, kind, "on-demand")
        world.same(kind, volume.volume_type, "type")
        world.template(volume, template)
    if "VolumeCreate" in world.cluster.calls(first):
        raise Failed("the volume was copied")
    world.same(wanted, world.through_device(volume), "contents")


def retype_to_second(world):
    """A volume is moved to another backend of the cluster by a copy."""
    volume = world.create(kind="hybrid")
    wanted = world.fill(volume, "to second")
    world.client.volumes.retype(volume, "second", "on-demand")
    world.wait(lambda: volume.manager.get(volume.id).volume_type == "second", 90, "the retype")
    volume = world.api.wait(volume, "available")
    where = getattr(volume, "os-vol-host-attr:host")
    if not where.startswith("sp-a@second#"):
        raise Failed("the volume is on " + where)
    world.template(volume, "ssd")
    _named_by_id(world, volume)
    world.same(wanted, world.through_device(volume), "contents")


def _named_by_id(world, volume):
    """See that a volume is called by its id, as the drivers of Queens expect."""
    world.same("os--volume-" + volume.id, world.name(volume), "the name in StorPool")


def upload_of(world, volume, **kwargs):
    """Upload a volume, and return the file of the image."""
    status = volume.status
    number = world.api.upload(volume, **kwargs)
    world.api.wait(volume, status)
    return world.images.path(number)


def upload(world):
    """An image has the contents of the volume."""
    volume = world.create()
    wanted = world.fill(volume, "upload")
    path = upload_of(world, world.client.volumes.get(volume.id))
    world.same(GIB, os.path.getsize(path), "size of the image")
    world.same(wanted, contents.checksum(path), "image")


def upload_attached(world):
    """An image is made of a volume in use."""
    volume = world.create()
    wanted = world.fill(volume, "upload attached")
    with world.attached(volume) as attachment:
        path = upload_of(world, world.client.volumes.get(volume.id), force=True)
        world.same(wanted, contents.checksum(path), "image")
        world.same(wanted, contents.checksum(attachment.path), "volume")


def make_image(world, seed, disk_format="raw"):
    """Make an image, and return its id."""
    def make(path):
        raw = path + ".raw"
        contents.make_image(raw, contents.pattern(seed, places=(0, 7 * contents.MIB)),
                            64 * contents.MIB)
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", disk_format, raw, path],
                       check=True, stdout=subprocess.DEVNULL)
        os.rename(raw, os.path.join(world.work, "image.raw"))
    return world.images.add(seed, make, disk_format)


def _image_sum(world):
    """Return the checksum of the contents of the image that was made last."""
    return contents.checksum(os.path.join(world.work, "image.raw"))


def from_image(world, disk_format="raw"):
    """A volume has the contents of the image, and is bootable."""
    image = make_image(world, "from image", disk_format)
    volume = world.create(imageRef=image, kind="hybrid")
    world.same("true", volume.bootable, "bootable")
    world.template(volume, "hybrid")
    world.same(_image_sum(world), world.through_device(volume), "contents")


def from_image_qcow2(world):
    """The same with an image that has to be converted."""
    from_image(world, "qcow2")


def image_cache(world):
    """The first volume of an image fills the cache, the next is a clone; each pool has its own."""
    image = make_image(world, "cache")
    for kind, copied in (("hybrid", True), ("hybrid", False), ("ssd", True)):
        first = len(world.cluster.calls())
        volume = world.create(imageRef=image, kind=kind)
        world.template(volume, kind)
        world.same(_image_sum(world), world.sum(volume), "contents of " + kind)
        attached = any(call.startswith("VolumesReassign")
                       for call in world.cluster.calls(first))
        world.same(copied, attached, "whether the image was copied")
    world.same(3 + 2, len(world.cluster.volumes()), "number of volumes")


def backup_of(world, volume, **kwargs):
    """Make a backup and wait for it."""
    made = world.client.backups.create(volume.id, **kwargs)
    return world.api.wait(made, "available")


def restore_of(world, backup, volume):
    """Restore a backup to a volume and wait for that."""
    world.client.restores.restore(backup.id, volume.id)
    world.api.wait(backup, "available")
    world.api.wait(volume, "available")


def backup(world):
    """A volume is restored, over what it has had since."""
    volume = world.create()
    wanted = world.fill(volume, "backup")
    saved = backup_of(world, volume)
    world.same("available", volume.manager.get(volume.id).status, "status of the volume")
    world.fill(volume, "later", places=ELSEWHERE)
    restore_of(world, saved, volume)
    world.same(wanted, world.through_device(volume), "contents")


def backup_attached(world):
    """A volume in use has a backup, and one of the difference; another volume gets it."""
    volume = world.create()
    with world.attached(volume) as attachment:
        contents.write(attachment.path, contents.pattern("full"))
        backup_of(world, volume, force=True)
        contents.write(attachment.path, contents.pattern("difference", places=ELSEWHERE))
        wanted = contents.checksum(attachment.path)
        saved = backup_of(world, volume, force=True, incremental=True)
        world.same("in-use", volume.manager.get(volume.id).status, "status of the volume")
        world.same(wanted, contents.checksum(attachment.path), "original")
    other = world.create(kind="ssd")
    world.fill(other, "other", places=ELSEWHERE)
    restore_of(world, saved, other)
    world.same(wanted, world.sum(other), "restored")
    for each in world.client.backups.list(sort="created_at:desc"):
        each.delete()
        world.api.wait_gone(each)


def backup_of_snapshot(world):
    """The backup of a snapshot has its contents, not those of the volume, which was extended."""
    volume = world.create()
    wanted = world.fill(volume, "snapshot")
    taken = world.snapshot(volume)
    later = world.fill(volume, "later", places=ELSEWHERE)
    world.client.volumes.extend(volume, 2)
    world.api.wait(volume, "available")
    saved = backup_of(world, volume, snapshot_id=taken.id)
    other = world.create(2, kind="ssd")
    restore_of(world, saved, other)
    world.same(wanted, world.through_device(other), "restored")
    world.same(later, world.through_device(volume), "volume")
    world.same(wanted, world.cluster.checksum(world.snapshot_name(taken)), "snapshot")


def names_of_users(world):
    """What users call things does not matter to StorPool."""
    name = "\u0442\u043e\u043c \u2713 'a\" --b; #template_ssd"
    volume = world.create(name=name, description=name, metadata={name: name})
    wanted = world.fill(volume, "names")
    taken = world.snapshot(volume, name=name, description=name)
    copy = world.create(snapshot_id=taken.id, name=name)
    world.same((name, name), (copy.name, taken.name), "names")
    world.same(wanted, world.through_device(copy), "contents")
    backup_of(world, copy, name=name)
    types = world.client.volume_types
    kinds = [types.create(name + template) for template in ("ssd", "no such template")]
    try:
        for kind, template in zip(kinds, ("ssd", "no such template")):
            kind.set_keys({"volume_backend_name": "storpool", "storpool_template": template})
        copy = _retype(world, copy, kinds[0].id, "on-demand")
        world.template(copy, "ssd")
        for kwargs in ({}, {"source_volid": copy.id}):
            made = world.client.volumes.create(1, volume_type=kinds[1].id, **kwargs)
            world.wait(lambda made=made: made.manager.get(made.id).status == "error", 60,
                       "the refusal")
            made.delete()
            world.api.wait_gone(made)
        world.same(wanted, world.sum(copy), "contents of the copy")
    finally:
        world.delete_everything()
        for kind in kinds:
            types.delete(kind)


def multi_attach(world):
    """A volume for several servers is refused: detaching it from one would cut off the others."""
    # The client has no word for it.
    _answer, body = world.client.client.post("/volumes", body={
        "volume": {"size": 1, "multiattach": True}})
    made = world.client.volumes.get(body["volume"]["id"])
    world.wait(lambda: made.manager.get(made.id).status == "error", 60, "the refusal")
    world.same({}, world.cluster.volumes(), "volumes")


def groups(world):
    """A group of volumes has snapshots, one after the other, and a group is made from them."""
    client = world.client
    kind = client.group_types.create("group")
    types = [world.client.volume_types.find(name=name) for name in ("hybrid", "ssd")]
    group = client.groups.create(kind.id, ",".join(found.id for found in types), "group")
    group = world.api.wait(group, "available")
    volumes = [world.create(kind=name, group_id=group.id) for name in ("hybrid", "ssd")]
    wanted = sorted(world.fill(volume, volume.volume_type) for volume in volumes)
    taken = world.api.wait(client.group_snapshots.create(group.id, "taken"), "available")
    for volume in volumes:
        world.fill(volume, "later", places=ELSEWHERE)
    made = client.groups.get(client.groups.create_from_src(taken.id, None, "copy")["id"])
    made = world.api.wait(made, "available")
    copies = [found for found in client.volumes.list(search_opts={"all_tenants": 1})
              if found.id not in [volume.id for volume in volumes]]
    world.same(wanted, sorted(world.through_device(copy) for copy in copies), "copies")
    taken.delete()
    world.api.wait_gone(taken)
    for each in (made, group):
        each.delete(delete_volumes=True)
        world.api.wait_gone(each)
    client.group_types.delete(kind)
    world.same({}, world.cluster.volumes(), "volumes")


def migrate(world):
    """A volume is copied to another backend of the cluster and back, and keeps its name."""
    volume = world.create()
    wanted = world.fill(volume, "migrate")
    taken_from = getattr(volume, "os-vol-host-attr:host")
    for host in ("sp-a@second#template_ssd", taken_from):
        world.client.volumes.migrate_volume(volume, host, True, False)
        volume = world.api.wait_migrated(volume, host)
        world.same(wanted, world.sum(volume), "contents on " + host)
        _named_by_id(world, volume)
    world.same(1, len(world.cluster.volumes()), "number of volumes")
    world.same(wanted, world.through_device(volume), "contents of the device")


def revert(world):
    """After a revert nothing is left of what was written since, not even where nothing was."""
    volume = world.create()
    wanted = world.fill(volume, "snapshot")
    taken = world.snapshot(volume)
    world.fill(volume, "since", places=ELSEWHERE + (0,))
    world.client.volumes.revert_to_snapshot(volume, taken)
    world.api.wait(volume, "available")
    world.api.wait(taken, "available")
    world.same(wanted, world.sum(volume), "contents")
    world.same(wanted, world.through_device(volume), "contents of the device")
    world.same(GIB, world.stored(volume)["size"], "size")
    taken.delete()
    world.api.wait_gone(taken)
    world.same(wanted, world.sum(volume), "contents without the snapshot")


def transfer(world):
    """A volume is given to another project."""
    volume = world.create()
    wanted = world.fill(volume, "transfer")
    offered = world.client.transfers.create(volume.id, "gift")
    other = compute.Api(world.release, "others")
    other.client.transfers.accept(offered.id, offered.auth_key)
    found = world.api.wait(volume, "available")
    world.same("others", getattr(found, "os-vol-tenant-attr:tenant_id"), "owner")
    world.same(wanted, world.through_device(found), "contents")


def new_attachments(world):
    """The same volume is attached by the calls that Queens' nova makes."""
    volume = world.create()
    server = "11111111-2222-3333-4444-555555555555"
    made = world.client.attachments.create(volume.id, None, server)
    number = made["id"]
    info = world.client.attachments.update(number, world.compute.properties).connection_info
    device = world.compute.command("connect", info)
    path = world.compute.path(device["path"])
    contents.write(path, contents.pattern("attachment"))
    wanted = contents.checksum(path)
    world.compute.command("disconnect", info)
    world.client.attachments.delete(number)
    world.api.wait(volume, "available")
    world.same(wanted, world.sum(volume), "contents")


def known_host(world):
    """The connection names the volume and how to attach it."""
    volume = world.create()
    volumes = world.client.volumes
    volumes.reserve(volume)
    info = volumes.initialize_connection(volume, {"host": "compute"})
    world.same("storpool", info["driver_volume_type"], "type of the connection")
    world.same((volume.id, "rw", True), (info["data"]["volume"], info["data"]["access_mode"],
                                         info["data"]["discard"]), "connection")
    volumes.terminate_connection(volume, {"host": "compute"})
    volumes.unreserve(volume)


def unknown_host(world):
    """A host that storpool.conf of cinder-volume does not have attaches a volume all the same."""
    volume = world.create()
    with world.attached(volume, "elsewhere") as attachment:
        contents.write(attachment.path, contents.pattern("elsewhere"))
        world.same([[9, False, world.name(volume), "rw"]], world.cluster.attachments(),
                   "attachments")


def foreign_client_id(world):
    """After an evacuation nova detaches with the connection of another host."""
    volume = world.create()
    attachment = world.attached(volume).attach()
    other = dict(attachment.data)
    if "client_id" in other:
        other["client_id"] = 9
    world.compute.command("disconnect", other)
    world.same([], world.cluster.attachments(), "attachments")
    world.same("{}", world.hosts["compute"].requests().strip(), "requests")
    attachment.detach()


def slow_devices(world):
    """A device that is about to vanish is not taken for the one that is to appear."""
    volume = world.create()
    wanted = world.fill(volume, "slow")
    world.cluster.delay(7, 1.5)
    try:
        attachment = world.attached(volume).attach()
        world.compute.command("disconnect", attachment.data)
        device = world.compute.command("connect", attachment.data)
        path = world.compute.path(device["path"])
        first = os.stat(path)
        world.same(wanted, contents.checksum(path), "contents")
        world.wait_seconds(2.5)
        if not os.path.exists(path):
            raise Failed("the device vanished after it had been attached")
        world.same((first.st_ino, first.st_rdev), (os.stat(path).st_ino, os.stat(path).st_rdev),
                   "the device, later on")
        attachment.detach()
        world.wait(lambda: not os.path.exists(path), 10, "the end of the device")
    finally:
        world.cluster.delay(7, 0)


def thin(world):
    """A volume may be larger than the free space, since StorPool allocates what is written."""
    volume = world.create(400)
    world.same(400 * GIB, world.stored(volume)["size"], "size")


def refused_deletions(world):
    """What is in use is not deleted, and goes on working."""
    from cinderclient import exceptions  # pylint: disable=import-outside-toplevel
    volume = world.create()
    wanted = world.fill(volume, "deletions")
    world.snapshot(volume)
    with world.attached(volume) as attachment:
        for call in (volume.delete, lambda: world.client.volumes.extend(volume, 1)):
            try:
                call()
            except exceptions.ClientException:
                continue
            raise Failed("the API did not refuse")
        world.same(wanted, contents.checksum(attachment.path), "contents")
    try:
        volume.delete()
    except exceptions.ClientException:
        pass
    else:
        world.wait(lambda: volume.manager.get(volume.id).status == "available", 20,
                   "the refusal to delete")
    world.same(wanted, world.sum(volume), "contents")


def documented_commands(world):
    """The client understands the `cinder` commands of doc/drivers.md, down to their arguments."""
    with open(os.path.join(world.top, "doc", "drivers.md")) as opened:
        lines = re.findall(r"^ {4}(cinder .*)$|`(cinder [a-z-]+ [^`]+)`", opened.read(),
                           re.MULTILINE)
    commands = [(first or second).split() for first, second in lines]
    world.same(True, len(commands) >= 5, "whether there are commands")
    for command in commands:
        done = subprocess.run([sys.executable, "-B", "-c", PARSE] + command, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Failed("%s: %s" % (" ".join(command), done.stdout.strip()[-200:]))


def openstack_client(world):
    """The commands of the operator's documentation."""
    program = os.path.join(os.path.dirname(sys.executable), "openstack")
    settings = ["--os-auth-type", "admin_token", "--os-token", "admin:" + compute.PROJECT,
                "--os-endpoint", "http://127.0.0.1:%d/v3/%s" % (services.API_PORT, compute.PROJECT),
                "--os-volume-api-version", "3.0"]

    def openstack(*command):
        done = subprocess.run([program] + settings + list(command), check=False, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        if done.returncode:
            raise Failed("openstack %s: %s" % (" ".join(command), done.stderr.strip()[-300:]))
        return done.stdout.strip()

    openstack("volume", "type", "create", "fast", "--property", "storpool_template=ssd")
    number = openstack("volume", "create", "--size", "1", "--type", "fast", "-f", "value",
                       "-c", "id", "vol")
    volume = world.api.wait(world.client.volumes.get(number), "available")
    world.template(volume, "ssd")
    wanted = world.fill(volume, "openstack")
    taken = openstack("volume", "snapshot", "create", "--volume", number, "-f", "value", "-c", "id",
                      "snap")
    world.api.wait(world.client.volume_snapshots.get(taken), "available")
    made = openstack("volume", "create", "--snapshot", taken, "--size", "2", "-f", "value", "-c",
                     "id", "copy")
    copy = world.api.wait(world.client.volumes.get(made), "available")
    world.same(wanted, world.sum(copy), "contents")
    openstack("volume", "set", "--size", "3", made)
    world.api.wait(world.client.volumes.get(made), "available")
    openstack("volume", "delete", made)
    world.api.wait_gone(copy)
    openstack("volume", "snapshot", "delete", taken)
