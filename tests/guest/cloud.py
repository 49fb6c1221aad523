# SPDX-License-Identifier: Apache-2.0
"""A small cloud of one release: the cluster, hosts, and instances on them."""

import json
import os
import shutil
import subprocess
import threading
import uuid
import zipfile

import cluster
import console
import hosts
import matrix

GIB = cluster.GIB
# Without no_timer_check the kernel panics where it gets too little of a
# processor: "IO-APIC + timer doesn't work".
COMMAND_LINE = 'console=ttyS0 quiet panic=-1 no_timer_check'

# How many MiB of a volume are compared.
SAMPLE = 4

# Clients of the cluster by host: what is told apart must differ.
CLIENTS = {1: 7, 2: 8, 3: 9}


class Skip(Exception):
    """Something that a row needs cannot be had here."""


class Wrong(Exception):
    """Something is not as it should be."""


def check(condition, text, *values):
    """See that a condition holds.

    :raises Wrong: it does not
    """
    if not condition:
        raise Wrong(text % values if values else text)


def same(wanted, found, what):
    """See that two values are the same.

    :raises Wrong: they are not
    """
    check(wanted == found, '%s: %r instead of %r', what, found, wanted)


def device_mapper():
    """Tell whether the kernel can map devices, such as encrypted ones."""
    with open('/proc/devices') as opened:
        return 'device-mapper' in opened.read()


def volume_name(volume_id):
    """Return the StorPool name of a volume."""
    return 'os--volume-' + volume_id


class Volume:
    """A volume of an instance."""

    def __init__(self, volume_id, device, boot_index=-1, encryption=None):
        self.id = volume_id
        self.device = device
        self.boot_index = boot_index
        self.encryption = encryption

    @property
    def name(self):
        """Its name in StorPool."""
        return volume_name(self.id)

    @property
    def disk(self):
        """The name of the disk in the guest."""
        return self.device.rpartition('/')[2]

    def record(self):
        """Return what nova has in its database."""
        return {'id': self.id, 'device': self.device,
                'boot_index': self.boot_index, 'encryption': self.encryption}


class Instance:
    """An instance on a host; volumes are those that nova knows of."""

    def __init__(self, number, host, command_line):
        self.number = number
        self.uuid = str(uuid.uuid4())
        self.host = host
        self.command_line = command_line
        self.volumes = []
        self.console = None

    @property
    def domain(self):
        """The name of its domain."""
        return 'instance-%08x' % self.number

    def record(self):
        """Return what nova has in its database."""
        return {'uuid': self.uuid, 'number': self.number,
                'command_line': self.command_line,
                'volumes': [volume.record() for volume in self.volumes]}

    def call(self, name, **arguments):
        """Let nova on the instance's host do something to it."""
        return self.host.nova.call(name, uuid=self.uuid, **arguments)

    def run(self, command, **kwargs):
        """Run a command in the guest."""
        return self.console.run(command, **kwargs)

    def disks(self):
        """Return the disks that the guest has: name -> (serial, bytes)."""
        found = {}
        for line in self.run('disks'):
            name, serial, size, _read_only = line.split()
            found[name] = (serial, int(size))
        return found

    def fill(self, volume):
        """Let the guest write random data; return its checksum."""
        return self.run('fill %s %d' % (volume.disk, SAMPLE))[0].split()[0]

    def digest(self, volume):
        """Return the checksum of what the guest reads."""
        return self.run('digest %s %d' % (volume.disk, SAMPLE))[0].split()[0]

    def connect(self):
        """Open the serial line, wherever the domain is now."""
        self.disconnect()
        for kind in ('serial', 'console'):
            for line in self.host.xml(self.domain).findall('devices/' + kind):
                if line.get('type') == 'pty':
                    self.console = console.Console(
                        line.find('source').get('path'))
                    self.console.wait()
                    return
        raise Wrong('%s has no serial line' % self.domain)

    def disconnect(self):
        """Let go of the serial line."""
        if self.console:
            self.console.close()
            self.console = None


class Cloud:
    """The cloud of a release.

    :param environment: of the release, with nova, cinder and os-brick
    :param program: sp-openstack, which puts the drivers in
    :param wheel: nova's binding of libvirt
    :param guest: the guest's kernel and initramfs
    """

    def __init__(self, work, environment, program, wheel, guest):
        self.work = os.path.join(work, environment.release)
        self.environment = environment
        self.release = environment.release
        self.cluster = cluster.Cluster()
        self.hosts = {}
        self.cinder = None
        self.instances = []
        self._program = program
        self._wheel = wheel
        self._guest = guest
        self._numbers = 0
        self._spare = None

    # Starting and ending.

    def start(self, number):
        """Start the cluster, a number of hosts and all processes."""
        for name in ('database', 'images', 'bin'):
            os.makedirs(os.path.join(self.work, name))
        self._guest.initramfs(os.path.join(self.work, 'images/initramfs'))
        shutil.copy(self._guest.kernel,
                    os.path.join(self.work, 'images/kernel'))
        wrapper = os.path.join(self.work, 'bin/qemu-img')
        with open(wrapper, 'w') as opened:
            opened.write(hosts.QEMU_IMG % {'real': shutil.which('qemu-img')})
        os.chmod(wrapper, 0o755)
        if not device_mapper():
            shutil.copy(os.path.join(hosts.HERE, 'cryptsetup.sh'),
                        os.path.join(self.work, 'bin/cryptsetup'))
        self._install()
        self.cluster.__enter__()
        self._start_hosts(number)
        self.cinder = hosts.Process(
            self.hosts[1], 'cinder_side.py',
            os.path.join(self.work, 'cinder.socket'))
        for host in self.hosts.values():
            host.start_nova()
        self.cinder.ready()
        for host in self.hosts.values():
            host.nova.ready()
            host.libvirtd_ready()
            host.nova.call('init_host')

    def _install(self):
        """Put the drivers into the environment, as an overlay has it."""
        directory = self.environment.directory
        upper = os.path.join(self.work, 'environment')
        for name in (upper, upper + '.work'):
            os.makedirs(name)
        subprocess.run(
            ['mount', '-t', 'overlay', '-o',
             'lowerdir=%s,upperdir=%s,workdir=%s.work' % (
                 directory, upper, upper), 'overlay', directory], check=True)
        with zipfile.ZipFile(self._wheel) as wheel:
            wheel.extractall(self.environment.site)
        matrix.run(self._program, '--path', self.environment.site,
                   '--data-dir', matrix.TOP, '--work-dir',
                   os.path.join(self.work, 'sp-openstack'), '--no-groups',
                   '--yes', 'install', 'os_brick', 'cinder', 'nova')

    def _start_hosts(self, number):
        clients = dict(('compute%d' % host, CLIENTS[host])
                       for host in range(1, number + 1))
        for host in range(1, number + 1):
            devices = os.path.join(self.work, 'devices%d' % host)
            os.makedirs(devices)
            self.cluster.add_client(CLIENTS[host], devices)
            self.hosts[host] = hosts.Host(self.work, host, CLIENTS[host],
                                          devices, self.environment)
            self.hosts[host].prepare(self.cluster.port, clients)
            self.hosts[host].start_libvirtd()

    def stop(self):
        """End everything, whatever there is of it."""
        for instance in self.instances:
            instance.disconnect()
        if self.cinder:
            self.cinder.kill()
        for host in self.hosts.values():
            host.stop()
        if self.cluster.running:
            self.cluster.__exit__()
        subprocess.run(['umount', '--lazy', self.environment.directory],
                       check=False, stderr=subprocess.DEVNULL)

    def reset(self):
        """Begin anew after a failure, on the hosts that rows share."""
        shared = self._shared()
        self._spare = None
        for instance in self.instances:
            if instance.host in shared:
                instance.disconnect()
        self.instances = [instance for instance in self.instances
                          if instance.host not in shared]
        for host in shared:
            host.nova.kill()
            host.clear()
            host.forget_requests()
            for name in os.listdir(host.path('/var/lib/nova/instances')):
                if name != '_base':
                    shutil.rmtree(host.path(
                        '/var/lib/nova/instances/' + name),
                                  ignore_errors=True)
            host.run('sh', '-c', 'for name in /dev/mapper/crypt-*; do [ ! -e '
                     '"$name" ] || cryptsetup close "$name"; done')
        self.cluster.forget([host.client for host in shared])
        for host in shared:
            host.start_nova()
        for host in shared:
            host.nova.ready()
            host.nova.call('init_host')

    def _shared(self):
        return [host for number, host in self.hosts.items() if number != 3]

    # The database.

    def _path(self, kind, name):
        return os.path.join(self.work, 'database', '%s-%s.json' % (kind, name))

    def save(self, instance):
        """Write what nova knows of an instance."""
        path = self._path('instance', instance.uuid)
        with open(path + '.new', 'w') as opened:
            json.dump(instance.record(), opened)
        os.rename(path + '.new', path)

    def connection(self, volume):
        """Return what nova knows of the connection of a volume."""
        with open(self._path('connection', volume.id)) as opened:
            return json.load(opened)

    # Volumes.

    def create_volume(self, size=1):
        """Create a volume, its size in GiB, and return its id."""
        volume_id = str(uuid.uuid4())
        self.cinder.call('create_volume', volume_id=volume_id, size=size)
        return volume_id

    def delete_volume(self, volume):
        """Delete a volume."""
        self.cinder.call('delete_volume', volume_id=volume.id)

    def plan(self, instance, device='/dev/vdb', encryption=None):
        """Create a volume for an instance, and let nova know of it."""
        volume = Volume(self.create_volume(), device,
                        0 if device == '/dev/vda' else -1, encryption)
        self.know(instance, volume)
        return volume

    def know(self, instance, volume):
        """Let nova on the instance's host know of a volume."""
        instance.host.nova.call('prepare_connection', volume_id=volume.id)
        if volume not in instance.volumes:
            instance.volumes.append(volume)
        self.save(instance)

    def forget(self, instance, volume):
        """Let nova know of a volume no longer."""
        instance.volumes.remove(volume)
        self.save(instance)

    def attach(self, instance, device='/dev/vdb', encryption=None):
        """Attach a new volume to an instance."""
        volume = self.plan(instance, device, encryption)
        instance.call('attach_volume', volume_id=volume.id)
        return volume

    def detach(self, instance, volume):
        """Detach a volume from an instance; it is not deleted."""
        instance.call('detach_volume', volume_id=volume.id)
        self.forget(instance, volume)

    def remove(self, instance, volume):
        """Detach a volume from an instance, and delete it."""
        self.detach(instance, volume)
        self.delete_volume(volume)

    def device(self, host, volume):
        """Return the path of a volume's device on a host, from outside."""
        return host.path('/dev/storpool/' + volume.name)

    def host_digest(self, host, volume):
        """Return the checksum of what a host reads of a volume."""
        done = host.run(
            'sh', '-c', 'dd if="$1" bs=1M count="$2" iflag=direct '
            '2>/dev/null | sha256sum', 'sh', '/dev/storpool/' + volume.name,
            str(SAMPLE), check=True)
        return done.split()[0]

    # Instances.

    def new_instance(self, host=1, command_line=COMMAND_LINE):
        """Make an instance that is not started yet, with a boot volume."""
        self._numbers += 1
        made = Instance(self._numbers, self.hosts[host], command_line)
        self.instances.append(made)
        self.save(made)
        self.plan(made, '/dev/vda')
        return made

    def spawn(self, host=1, command_line=COMMAND_LINE):
        """Start a new instance."""
        made = self.new_instance(host, command_line)
        made.call('spawn')
        made.connect()
        return made

    def borrow(self):
        """Return an instance that runs on host 1, with a boot volume."""
        made, self._spare = self._spare, None
        return made or self.spawn()

    def give_back(self, instance):
        """Let another row have an instance, as borrow() described it."""
        same(1, len(instance.volumes), 'volumes of the instance')
        same(self.hosts[1], instance.host, 'host of the instance')
        self._spare = instance

    def destroy(self, instance):
        """End an instance, and delete its volumes."""
        instance.disconnect()
        instance.call('destroy')
        self.gone(instance)
        for volume in instance.volumes:
            self.delete_volume(volume)

    def gone(self, instance):
        """Forget an instance that has been destroyed."""
        instance.disconnect()
        self.instances.remove(instance)

    def drop_spare(self):
        """End the instance that no row has borrowed."""
        if self._spare:
            instance, self._spare = self._spare, None
            self.destroy(instance)

    # What there should be.

    def audit(self):
        """See that there is what there should be, and nothing else.

        :raises Wrong: there is something else
        """
        same([], self.cluster.torn, 'devices that were taken from a process')
        for host in self.hosts.values():
            here = [instance for instance in self.instances
                    if instance.host is host]
            wanted = sorted(volume.name for instance in here
                            for volume in instance.volumes)
            attached = self.cluster.attached(host.client)
            same(wanted, sorted(attached), 'attached to ' + host.name)
            same(set(wanted and ['rw']), set(attached.values()),
                 'rights of ' + host.name)
            same(wanted, sorted(request['volume'] for request
                                in host.requests().values()),
                 'requests of ' + host.name)
            same(wanted, sorted(os.listdir(host.devices)),
                 'devices of ' + host.name)
            same(sorted(instance.domain for instance in here),
                 sorted(host.domains()), 'domains of ' + host.name)
            same(sorted(instance.uuid for instance in here),
                 sorted(name for name in os.listdir(
                     host.path('/var/lib/nova/instances'))
                        if len(name) == 36), 'folders of ' + host.name)
            same([], [name for name in os.listdir(host.path('/dev/mapper'))
                      if name != 'control'], 'mappings of ' + host.name)


class Background(threading.Thread):
    """A function that runs meanwhile."""

    def __init__(self, function, *arguments, **kwargs):
        super().__init__(daemon=True)
        self._function = lambda: function(*arguments, **kwargs)
        self._value = None
        self._error = None
        self.start()

    def run(self):
        """Call the function."""
        try:
            self._value = self._function()
        except Exception as exc:  # pylint: disable=broad-except
            self._error = exc

    def result(self, timeout=600):
        """Return what it returned, or raise what it raised."""
        self.join(timeout)
        if self.is_alive():
            raise hosts.Timeout('not done after %d seconds' % timeout)
        if self._error:
            raise self._error
        return self._value
