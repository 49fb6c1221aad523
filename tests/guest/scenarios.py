# SPDX-License-Identifier: Apache-2.0
"""What is tried with a running guest: one table, ROWS, at the end.

A row is a function of the cloud.  It begins with what borrow() or spawn()
of the cloud return, and leaves what there was before; the cloud's audit()
is made after each.  The guest's own checksums decide whether data is right.
"""

import collections
import os
import time

import agent
import cluster
import hosts
from cloud import (Background, COMMAND_LINE, GIB, SAMPLE, Skip, check,
                   device_mapper, same)

ALL = ('mitaka', 'newton', 'ocata', 'pike')

# How long devices take to appear and to vanish where they are slow.
SLOW = 1.5

# As in guest-init.sh: where the writer writes.
WRITER_START = 8192
WRITER_BLOCKS = 64

Row = collections.namedtuple('Row', 'name function releases quick early')


def refused(kind, function, *arguments, **kwargs):
    """See that a function of nova fails, and return how."""
    try:
        function(*arguments, **kwargs)
    except agent.Failed as exc:
        check(kind is None or exc.kind in kind, 'failed with %s', exc)
        return exc
    check(False, 'it did not fail')
    return None


def disk_is(cloud, instance, volume):
    """See that a domain and its guest have a disk, as nova makes them."""
    disk = instance.host.disk(instance.domain, volume.disk)
    check(disk is not None, '%s has no disk %s', instance.domain, volume.disk)
    same('block', disk.get('type'), 'type of the disk')
    same('/dev/storpool/' + volume.name, disk.find('source').get('dev'),
         'source of the disk')
    same(volume.id, disk.findtext('serial'), 'serial of the disk')
    same('none', disk.find('driver').get('cache'), 'cache of the disk')
    found = wait_for_disk(instance, volume)
    same((volume.id[:20], cloud.cluster.volumes[volume.name].size), found,
         'disk of the guest')


def wait_for_disk(instance, volume):
    """Return the serial and size of a disk, when the guest has it."""
    return hosts.wait_for(lambda: instance.disks().get(volume.disk),
                          volume.disk + ' in the guest')


def disk_is_gone(instance, volume):
    """See that a domain and its guest do not have a disk."""
    check(instance.host.disk(instance.domain, volume.disk) is None,
          '%s still has a disk %s', instance.domain, volume.disk)
    hosts.wait_for(lambda: volume.disk not in instance.disks(),
                   volume.disk + ' gone from the guest')


# ---- the life of an instance --------------------------------------------

def connector(cloud):
    """The driver has started, and its host tells cinder of itself."""
    for host in cloud.hosts.values():
        found = host.nova.call('get_volume_connector')
        same(host.name, found['host'], 'host of the connector')
        same('127.0.1.%d' % host.number, found['ip'], 'address')


def spawn(cloud):
    """An instance boots, its boot disk a StorPool volume."""
    instance = cloud.spawn()
    boot, = instance.volumes
    disk_is(cloud, instance, boot)
    same([instance.domain], instance.host.running(), 'domains')
    cloud.give_back(instance)


def attach(cloud):
    """A volume is attached to the running guest."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    disk_is(cloud, instance, volume)
    listed = instance.host.virsh('domblklist', instance.domain)
    check('/dev/storpool/' + volume.name in listed, 'domblklist: %s', listed)
    cloud.remove(instance, volume)
    cloud.give_back(instance)


def native(cloud):
    """Disks use native asynchronous input and output (io="native")."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    found = [instance.host.disk(instance.domain, other.disk)
             .find('driver').get('io') for other in instance.volumes]
    cloud.remove(instance, volume)
    cloud.give_back(instance)
    same(['native', 'native'], found, 'io of the boot disk and another')


def contents(cloud):
    """The host reads what the guest writes, and the other way round."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    wait_for_disk(instance, volume)
    same(instance.fill(volume), cloud.host_digest(instance.host, volume),
         'what the host reads')
    instance.host.run('sh', '-c', 'dd if=/dev/urandom of="$1" bs=1M '
                      'count=%d oflag=direct' % SAMPLE, 'sh',
                      '/dev/storpool/' + volume.name, check=True)
    same(cloud.host_digest(instance.host, volume), instance.digest(volume),
         'what the guest reads')
    cloud.remove(instance, volume)
    cloud.give_back(instance)


def detach(cloud):
    """A volume is detached: from guest, domain, host and file."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    wait_for_disk(instance, volume)
    cloud.detach(instance, volume)
    disk_is_gone(instance, volume)
    cloud.audit()
    cloud.delete_volume(volume)
    cloud.give_back(instance)


def attach_again(cloud):
    """A volume that is attached again has what was written to it."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    wait_for_disk(instance, volume)
    written = instance.fill(volume)
    cloud.detach(instance, volume)
    cloud.know(instance, volume)
    instance.call('attach_volume', volume_id=volume.id)
    disk_is(cloud, instance, volume)
    same(written, instance.digest(volume), 'what the guest reads')
    cloud.remove(instance, volume)
    cloud.give_back(instance)


def extend(cloud):
    """The guest sees the new size of a volume without a reboot."""
    instance = cloud.borrow()
    boot_id = instance.run('cat /proc/sys/kernel/random/boot_id')
    volume = cloud.attach(instance)
    wait_for_disk(instance, volume)
    written = instance.fill(volume)
    cloud.cinder.call('extend_volume', volume_id=volume.id, size=2)
    instance.call('extend_volume', volume_id=volume.id)
    hosts.wait_for(lambda: instance.disks()[volume.disk][1] == 2 * GIB,
                   'the new size in the guest')
    same(written, instance.digest(volume), 'what the guest reads')
    same(boot_id, instance.run('cat /proc/sys/kernel/random/boot_id'),
         'boot of the guest')
    cloud.remove(instance, volume)
    cloud.give_back(instance)


def hard_reboot(cloud):
    """A hard reboot: all volumes are detached and attached again."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    wait_for_disk(instance, volume)
    written = [instance.fill(other) for other in instance.volumes]
    boot_id = instance.run('cat /proc/sys/kernel/random/boot_id')
    instance.call('reboot', kind='HARD')
    rebooted(cloud, instance, boot_id)
    same(written, [instance.digest(other) for other in instance.volumes],
         'what the guest reads')
    cloud.remove(instance, volume)
    cloud.give_back(instance)


def rebooted(cloud, instance, boot_id):
    """See that an instance has booted anew, with all its disks."""
    instance.connect()
    check(boot_id != instance.run('cat /proc/sys/kernel/random/boot_id'),
          'the guest did not boot')
    for volume in instance.volumes:
        disk_is(cloud, instance, volume)


def destroy(cloud):
    """Destroyed with two volumes, an instance leaves nothing."""
    cloud.drop_spare()
    before = set(cloud.cluster.volumes)  # the guest that never answers has some
    instance = cloud.spawn()
    cloud.attach(instance)
    cloud.destroy(instance)
    same({}, cloud.cluster.attached(instance.host.client), 'attached')
    same({}, instance.host.requests(), 'requests')
    same(before, set(cloud.cluster.volumes), 'volumes')


# ---- devices that take their time ---------------------------------------

def slow_devices(cloud, function):
    """Do something while devices appear and vanish late."""
    cloud.cluster.delay(cloud.hosts[1].client, SLOW)
    try:
        function(cloud)
    finally:
        cloud.cluster.delay(cloud.hosts[1].client, 0)
        cloud.cluster.settle(cloud.hosts[1].client)


def slow_hard_reboot(cloud):
    """A hard reboot: the device that vanishes is not the new one."""
    slow_devices(cloud, hard_reboot)


def slow_attach_again(cloud):
    """Detached and attached at once: likewise."""
    slow_devices(cloud, attach_again)


# ---- refusals -----------------------------------------------------------

def storpool_refuses(cloud):
    """StorPool refuses to attach; its words get to the caller."""
    instance = cloud.borrow()
    volume = cloud.plan(instance)
    cloud.delete_volume(volume)
    found = refused(None, instance.call, 'attach_volume',
                    volume_id=volume.id)
    check('does not exist' in found.text, 'failed with %s', found)
    cloud.forget(instance, volume)
    disk_is_gone(instance, volume)
    cloud.audit()
    cloud.give_back(instance)


def libvirt_refuses(cloud):
    """libvirt refuses to attach; the volume is detached again."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    other = cloud.plan(instance)  # for the same target
    refused(['libvirtError'], instance.call, 'attach_volume',
            volume_id=other.id)
    cloud.forget(instance, other)
    cloud.audit()
    disk_is(cloud, instance, volume)
    cloud.delete_volume(other)
    cloud.remove(instance, volume)
    cloud.give_back(instance)


def late_guest(cloud):
    """The guest lets go of a disk only seconds after it was asked."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    wait_for_disk(instance, volume)
    instance.host.virsh('suspend', instance.domain)
    detaching = Background(cloud.detach, instance, volume)
    time.sleep(3)
    check(volume.name in cloud.cluster.attached(instance.host.client),
          'the volume was detached from the host before the guest let go')
    instance.host.virsh('resume', instance.domain)
    detaching.result()
    disk_is_gone(instance, volume)
    cloud.delete_volume(volume)
    cloud.give_back(instance)


def booting_guest(cloud):
    """A volume is attached and detached before the guest's kernel runs."""
    instance = cloud.new_instance()
    instance.call('spawn')
    cloud.remove(instance, cloud.attach(instance))
    instance.connect()
    same(['vda'], sorted(instance.disks()), 'disks of the guest')
    cloud.destroy(instance)


class Deaf:
    """A guest that takes no part in hotplug; nova gives up after 100 s.

    It begins before the other rows, on a host of its own.
    """

    def __init__(self):
        self._instance = None
        self._volume = None
        self._detaching = None

    def begin(self, cloud):
        """Ask for a volume."""
        self._instance = cloud.spawn(3, COMMAND_LINE + ' acpi=off')
        self._volume = cloud.attach(self._instance)
        self._detaching = Background(
            refused, ['DeviceDetachFailed', 'DeviceNotFound'],
            self._instance.call, 'detach_volume', volume_id=self._volume.id)

    def __call__(self, cloud):
        """The volume stays attached, as qemu has it open."""
        self._detaching.result()
        # realpath() would leave the host, whose root is a link in /proc.
        host = self._instance.host
        target = host.path(os.path.join(
            '/dev/storpool', os.readlink(cloud.device(host, self._volume))))
        same(1, len(cluster.users(os.stat(target).st_rdev)),
             'processes that use the device')
        cloud.audit()
        cloud.destroy(self._instance)


# ---- migration ----------------------------------------------------------

def prepare_migration(cloud, instance, destination):
    """Do what comes before a migration, and return nova's data for it."""
    data = destination.nova.call('check_destination', uuid=instance.uuid)
    checked = instance.call('check_source', data=data)
    destination.nova.call('clean_up_check', data=data)
    prepared = destination.nova.call('pre_live_migration',
                                     uuid=instance.uuid, data=checked)
    both = [cloud.cluster.attached(host.client).get(volume.name)
            for host in (instance.host, destination)
            for volume in instance.volumes]
    same(set(['rw']), set(both), 'rights on both hosts')
    same(set([destination.client]),
         set(cloud.connection(volume)['data']['client_id']
             for volume in instance.volumes), 'clients that nova knows')
    return prepared or checked


def migrate(cloud, instance, destination, data, **kwargs):
    """Migrate, with what comes after."""
    source = instance.host
    outcome = instance.call('live_migration', destination=destination.name,
                            data=data, **kwargs)
    same(['migrated'], outcome, 'outcome')
    finish_migration(cloud, instance, source, destination, data)


def finish_migration(_cloud, instance, source, destination, data):
    """Do what comes after a migration that succeeded."""
    source.nova.call('post_live_migration', uuid=instance.uuid, data=data)
    destination.nova.call('post_live_migration_at_destination',
                          uuid=instance.uuid)
    instance.host = destination
    instance.connect()


class Writer:
    """Writes of the guest that go on meanwhile."""

    def __init__(self, instance, volume):
        self._instance = instance
        self._volume = volume
        wait_for_disk(instance, volume)
        self._boot_id = instance.run('cat /proc/sys/kernel/random/boot_id')
        instance.run('writer_start ' + volume.disk)
        time.sleep(0.5)

    def check(self):
        """See that all writes were made, to where the guest reads."""
        instance = self._instance
        same(self._boot_id, instance.run(
            'cat /proc/sys/kernel/random/boot_id'), 'boot of the guest')
        before = int(instance.run('writer_number')[0].split()[0])
        hosts.wait_for(lambda: int(instance.run(
            'writer_number')[0].split()[0]) > before, 'another write')
        number, failed = map(int, instance.run('writer_stop')[0].split())
        same(0, failed, 'writes that failed')
        same(['0'], instance.run('writer_check ' + self._volume.disk,
                                 timeout=120), 'blocks that are wrong')
        # The last one, as the host reads it.
        found = instance.host.run(
            'sh', '-c', 'dd if="$1" bs=512 count=1 skip="$2" iflag=direct',
            'sh', '/dev/storpool/' + self._volume.name,
            str(WRITER_START + number % WRITER_BLOCKS), check=True)
        same(str(number), found.strip(), 'what the host reads')


def back_home(cloud, instance):
    """End an instance that is on another host than it was."""
    cloud.destroy(instance)


def live_migration(cloud):
    """Migrated while it writes, the guest loses nothing."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    writer = Writer(instance, volume)
    data = prepare_migration(cloud, instance, cloud.hosts[2])
    migrate(cloud, instance, cloud.hosts[2], data)
    writer.check()
    cloud.audit()
    back_home(cloud, instance)


def rolled_back(cloud):
    """Rolled back, then a volume is detached (nova has the other's id)."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    writer = Writer(instance, volume)
    data = prepare_migration(cloud, instance, cloud.hosts[2])
    cloud.hosts[2].nova.call('roll_back', uuid=instance.uuid, data=data)
    cloud.audit()
    writer.check()
    cloud.detach(instance, volume)
    disk_is_gone(instance, volume)
    cloud.audit()
    cloud.delete_volume(volume)
    cloud.destroy(instance)


def rolled_back_reboot(cloud):
    """Rolled back, then a hard reboot."""
    instance = cloud.borrow()
    data = prepare_migration(cloud, instance, cloud.hosts[2])
    cloud.hosts[2].nova.call('roll_back', uuid=instance.uuid, data=data)
    hard_reboot_of(cloud, instance)


def hard_reboot_of(cloud, instance):
    """Reboot an instance, and give it back."""
    boot_id = instance.run('cat /proc/sys/kernel/random/boot_id')
    instance.call('reboot', kind='HARD')
    rebooted(cloud, instance, boot_id)
    cloud.give_back(instance)


def rolled_back_migration(cloud):
    """Rolled back, then migrated after all."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    writer = Writer(instance, volume)
    data = prepare_migration(cloud, instance, cloud.hosts[2])
    cloud.hosts[2].nova.call('roll_back', uuid=instance.uuid, data=data)
    data = prepare_migration(cloud, instance, cloud.hosts[2])
    migrate(cloud, instance, cloud.hosts[2], data)
    writer.check()
    cloud.audit()
    back_home(cloud, instance)


def begin_migration(instance, destination, data):
    """Begin a migration that takes long; return it when it goes on."""
    migrating = Background(
        instance.call, 'live_migration', destination=destination.name,
        data=data, bandwidth=1)
    hosts.wait_for(lambda: 'Data processed' in (instance.host.virsh(
        'domjobinfo', instance.domain, check=False) or ''),
                   'the beginning of the migration')
    return migrating


def aborted(cloud):
    """A migration is aborted half-way, and another one succeeds."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    writer = Writer(instance, volume)
    data = prepare_migration(cloud, instance, cloud.hosts[2])
    migrating = begin_migration(instance, cloud.hosts[2], data)
    instance.call('live_migration_abort')
    same(['recovered'], migrating.result(), 'outcome')
    cloud.hosts[2].nova.call('roll_back', uuid=instance.uuid, data=data)
    cloud.audit()
    data = prepare_migration(cloud, instance, cloud.hosts[2])
    migrate(cloud, instance, cloud.hosts[2], data)
    writer.check()
    cloud.audit()
    back_home(cloud, instance)


def evacuated(cloud):
    """A host is lost, the instance starts elsewhere, the host is back."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    wait_for_disk(instance, volume)
    written = [instance.fill(other) for other in instance.volumes]
    lost, other = cloud.hosts[1], cloud.hosts[2]
    # The host goes down: its processes end, StorPool keeps attachments.
    lost.nova.kill()
    lost.virsh('destroy', instance.domain)
    instance.host = other
    for each in instance.volumes:
        cloud.know(instance, each)
    instance.call('spawn')
    instance.connect()
    same(written, [instance.digest(each) for each in instance.volumes],
         'what the guest reads')
    writer = Writer(instance, volume)
    # nova-compute of the old host destroys what has been evacuated.
    lost.restart_nova()
    lost.nova.call('destroy', uuid=instance.uuid)
    cloud.audit()
    writer.check()
    cloud.destroy(instance)


# ---- encryption ---------------------------------------------------------

def encrypted(cloud):
    """An encrypted volume; StorPool never has what the guest writes.

    Without the device mapper cryptsetup.sh does what the kernel would do.
    """
    if not device_mapper() and not os.path.exists('/dev/fuse'):
        raise Skip('the device mapper, nor FUSE')
    instance = cloud.borrow()
    boot_id = instance.run('cat /proc/sys/kernel/random/boot_id')
    volume = cloud.attach(instance, encryption={
        'provider': 'nova.volume.encryptors.luks.LuksEncryptor',
        'control_location': 'front-end', 'cipher': 'aes-xts-plain64',
        'key_size': 256, 'encryption_key_id':
        '00000000-0000-0000-0000-000000000000'})
    wait_for_disk(instance, volume)
    written = instance.fill(volume)
    with open(cloud.cluster.volumes[volume.name].store, 'rb') as opened:
        same(b'LUKS', opened.read(4), 'start of the volume')
    cloud.detach(instance, volume)
    disk_is_gone(instance, volume)
    cloud.audit()
    cloud.know(instance, volume)
    instance.call('attach_volume', volume_id=volume.id)
    wait_for_disk(instance, volume)
    same(written, instance.digest(volume), 'what the guest reads')
    same(boot_id, instance.run('cat /proc/sys/kernel/random/boot_id'),
         'boot of the guest')
    cloud.remove(instance, volume)
    cloud.give_back(instance)


# ---- nova-compute is killed ---------------------------------------------

class Killed:
    """nova-compute is killed during an operation, which is repeated.

    It is killed at a call to attach or detach, before StorPool has done it
    or after that.

    :param operation: a function of cloud and a function that runs what is
        given to it until nova-compute is killed, and starts that again
    :param number: at which call, from 1
    :param calls: a part of the name of the calls that count
    """

    def __init__(self, operation, number, executed, calls):
        self._operation = operation
        self._number = number
        self._executed = executed
        self._calls = calls

    def __call__(self, cloud):
        def until_killed(host, call, *arguments, **kwargs):
            """Call a function until nova on a host is killed in it."""
            cloud.cluster.strike(cluster.Strike(
                host.nova.kill, self._executed, self._calls), self._number)
            try:
                call(*arguments, **kwargs)
            except agent.Died:
                check(cloud.cluster.struck, 'nova ended by itself')
            else:
                check(False, 'nova was not killed: there was no such call')
            host.restart_nova()

        self._operation(cloud, until_killed)


def detach_again(cloud, instance, volume):
    """Detach once more, a volume that the guest may have let go of before.

    Before Pike nova does not get to our driver then: its libvirt driver
    raises DiskNotFound, its manager ignores that, and the volume may stay
    attached to the host until it is attached and detached again.
    """
    try:
        cloud.detach(instance, volume)
    except agent.Failed as exc:
        if exc.kind != 'DiskNotFound' or cloud.release == 'pike':
            raise
        cloud.forget(instance, volume)
    else:
        cloud.audit()
    disk_is_gone(instance, volume)


def killed_attach(cloud, until_killed):
    """Attach; then attach once more."""
    instance = cloud.borrow()
    volume = cloud.plan(instance)
    until_killed(instance.host, instance.call, 'attach_volume',
                 volume_id=volume.id)
    disk_is_gone(instance, volume)
    instance.call('attach_volume', volume_id=volume.id)
    disk_is(cloud, instance, volume)
    cloud.remove(instance, volume)
    cloud.give_back(instance)


def killed_detach(cloud, until_killed):
    """Detach; then detach once more."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    wait_for_disk(instance, volume)
    written = instance.fill(volume)
    until_killed(instance.host, instance.call, 'detach_volume',
                 volume_id=volume.id)
    detach_again(cloud, instance, volume)
    cloud.know(instance, volume)
    instance.call('attach_volume', volume_id=volume.id)
    wait_for_disk(instance, volume)
    same(written, instance.digest(volume), 'what the guest reads')
    cloud.remove(instance, volume)
    cloud.give_back(instance)


def killed_reboot(cloud, until_killed):
    """Reboot with two volumes; then reboot once more."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    wait_for_disk(instance, volume)
    written = [instance.fill(other) for other in instance.volumes]
    boot_id = instance.run('cat /proc/sys/kernel/random/boot_id')
    until_killed(instance.host, instance.call, 'reboot', kind='HARD')
    instance.call('reboot', kind='HARD')
    rebooted(cloud, instance, boot_id)
    same(written, [instance.digest(other) for other in instance.volumes],
         'what the guest reads')
    cloud.remove(instance, volume)
    cloud.give_back(instance)


def killed_spawn(cloud, until_killed):
    """Start; nova takes it for failed, and it is deleted."""
    cloud.drop_spare()
    instance = cloud.new_instance()
    until_killed(instance.host, instance.call, 'spawn')
    cloud.destroy(instance)
    cloud.audit()


def killed_destroy(cloud, until_killed):
    """Delete, with two volumes; then delete once more."""
    cloud.drop_spare()
    instance = cloud.spawn()
    cloud.attach(instance)
    until_killed(instance.host, instance.call, 'destroy')
    cloud.destroy(instance)
    cloud.audit()


def killed_preparation(cloud, until_killed):
    """Prepare the destination; it is rolled back, then migrated."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    writer = Writer(instance, volume)
    destination = cloud.hosts[2]
    data = instance.call('check_source', data=destination.nova.call(
        'check_destination', uuid=instance.uuid))
    until_killed(destination, destination.nova.call, 'pre_live_migration',
                 uuid=instance.uuid, data=data)
    destination.nova.call('roll_back', uuid=instance.uuid, data=data)
    cloud.audit()
    data = prepare_migration(cloud, instance, destination)
    migrate(cloud, instance, destination, data)
    writer.check()
    cloud.audit()
    back_home(cloud, instance)


def killed_clean_up(cloud, until_killed):
    """Clean the source up after a migration; then once more."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    writer = Writer(instance, volume)
    source, destination = instance.host, cloud.hosts[2]
    data = prepare_migration(cloud, instance, destination)
    same(['migrated'], instance.call(
        'live_migration', destination=destination.name, data=data), 'outcome')
    until_killed(source, source.nova.call, 'post_live_migration',
                 uuid=instance.uuid, data=data)
    finish_migration(cloud, instance, source, destination, data)
    writer.check()
    cloud.audit()
    back_home(cloud, instance)


def killed_waiting(cloud):
    """Killed while the guest is asked to let go of a disk."""
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    wait_for_disk(instance, volume)
    instance.host.virsh('suspend', instance.domain)
    detaching = Background(instance.call, 'detach_volume',
                           volume_id=volume.id)
    time.sleep(1)
    instance.host.nova.kill()
    try:
        detaching.result()
    except agent.Died:
        pass
    instance.host.virsh('resume', instance.domain)
    instance.host.restart_nova()
    detach_again(cloud, instance, volume)
    cloud.know(instance, volume)
    instance.call('attach_volume', volume_id=volume.id)
    disk_is(cloud, instance, volume)
    cloud.remove(instance, volume)
    cloud.give_back(instance)


def killed_migrating(cloud):
    """Killed while the guest migrates; ended by hand, and migrated again.

    nova asks for a migration from peer to peer, so libvirtd goes on with it
    when its client has gone.  Nobody in nova knows of it then: an operator
    ends it, or the instance is on a host that nova does not have it on.
    """
    instance = cloud.borrow()
    volume = cloud.attach(instance)
    writer = Writer(instance, volume)
    source, destination = instance.host, cloud.hosts[2]
    data = prepare_migration(cloud, instance, destination)
    migrating = begin_migration(instance, destination, data)
    source.nova.kill()
    try:
        migrating.result()
    except agent.Died:
        pass
    source.restart_nova()
    check('Data processed' in source.virsh('domjobinfo', instance.domain),
          'libvirt gave the migration up')
    source.virsh('domjobabort', instance.domain)
    hosts.wait_for(lambda: 'None' in source.virsh(
        'domjobinfo', instance.domain), 'the end of the migration')
    same([instance.domain], source.running(), 'domains of the source')
    same([], destination.running(), 'domains of the destination')
    destination.nova.call('roll_back', uuid=instance.uuid, data=data)
    cloud.audit()
    data = prepare_migration(cloud, instance, destination)
    migrate(cloud, instance, destination, data)
    writer.check()
    cloud.audit()
    back_home(cloud, instance)


# ---- the table ----------------------------------------------------------

def row(name, function, releases=ALL, quick=False, early=None):
    """Return a row of the table.

    :param quick: whether --quick has it, too
    :param early: a function to call before the first row
    """
    return Row(name, function, releases, quick, early)


DEAF = Deaf()

# The calls that attach and detach.
CHANGES = 'VolumesReassign'

ROWS = [
    row('nova starts, the volume connector', connector, quick=True),
    row('spawn from a volume', spawn, quick=True),
    row('attach to the running guest', attach, quick=True),
    row('native input and output', native, quick=True),
    row('contents, guest and host', contents, quick=True),
    row('detach from the running guest', detach, quick=True),
    row('attach again, contents', attach_again, quick=True),
    row('extend without a reboot', extend, ('pike',), quick=True),
    row('hard reboot with two volumes', hard_reboot, quick=True),
    row('slow devices: hard reboot', slow_hard_reboot, quick=True),
    row('slow devices: attach again', slow_attach_again, quick=True),
    row('StorPool refuses to attach', storpool_refuses, quick=True),
    row('libvirt refuses to attach', libvirt_refuses, quick=True),
    row('detach: the guest answers late', late_guest, quick=True),
    row('detach: the guest has not booted', booting_guest),
    row('live migration, the guest writing', live_migration, quick=True),
    row('rolled back, then detached', rolled_back, quick=True),
    row('rolled back, then rebooted', rolled_back_reboot),
    row('rolled back, then migrated', rolled_back_migration),
    row('migration aborted, then migrated', aborted, quick=True),
    row('evacuated, the old host is back', evacuated, quick=True),
    row('encrypted volume', encrypted, quick=True),
] + [
    row('nova killed: %s, call %d, %s' % (
        name, number, 'done' if executed else 'not done'),
        Killed(function, number, executed, calls), releases,
        quick=quick and executed)
    for name, function, count, quick, releases, calls in (
        ('attach', killed_attach, 1, True, ALL, CHANGES),
        ('detach', killed_detach, 1, True, ALL, CHANGES),
        # Before Ocata it disconnects no volume, so that nothing changes.
        ('hard reboot', killed_reboot, 2, False, ('mitaka', 'newton'),
         'AttachmentsList'),
        ('hard reboot', killed_reboot, 4, False, ('ocata', 'pike'), CHANGES),
        ('spawn', killed_spawn, 1, False, ALL, CHANGES),
        ('destroy', killed_destroy, 2, False, ALL, CHANGES),
        ('pre-migration', killed_preparation, 2, False, ALL, CHANGES),
        ('post-migration', killed_clean_up, 2, False, ALL, CHANGES))
    for number in range(1, count + 1) for executed in (False, True)
] + [
    row('nova killed: detach, guest asked', killed_waiting),
    row('nova killed: live migration', killed_migrating, quick=True),
    row('destroy with two volumes', destroy, quick=True),
    row('detach: the guest never answers', DEAF, early=DEAF.begin),
]
