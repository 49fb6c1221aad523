# SPDX-License-Identifier: Apache-2.0
"""A StorPool cluster, simulated at its HTTP API.

It keeps volumes, snapshots, templates, disks and attachments, and answers the
calls that the StorPool bindings make for the drivers: with complete objects,
so that the unmodified bindings can parse them, and with errors like those of
the real API.  Hosts are simulated as far as their devices go: what is
attached to a client shows up in a directory, under its name.

    with Simulator() as cluster:
        cluster.add_client(7, '/tmp/dev')
        cluster.interfere(Refuse(), after=2)
        ... let the bindings talk to 127.0.0.1, cluster.port, cluster.token
        cluster.volumes['os--volume-1'].size

What devices are is up to an object that is given to the simulator:

    Simulator(devices=FileDevices())    links to plain files, the default
    Simulator(devices=LoopDevices())    links to loop devices, for root

Another one has these methods; client is a Client (number, directory, path()),
found a Volume or Snapshot (name, size, store: the file with its contents):

    appear(client, found)       it was attached, make the device
    vanish(client, name)        it was detached, take the device away
    resized(client, found)      its size is another, that of its store is, too
    opened(client, name)        whether something has the device open
    rewritten(client, found)    it was reverted to a snapshot
    close()                     the simulator ends

What is open is not detached without force; by force it is, and the device
goes from its directory, whoever has it open.

Devices appear and vanish before a call is answered, unless

    cluster.delay(7, 2.5)       they do so 2.5 seconds after the call
    cluster.delay(7, None)      they do so when told: cluster.settle(7)
    cluster.delay(7, 0)         they do so at once again

cluster.settled(7) tells whether all have.

VolumesReassign does not wait for them; VolumesReassignWait does, as far as
they are those of its orders.  With a delay of None it waits for settle().
"""

from __future__ import absolute_import
from __future__ import division

import collections
import itertools
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import tempfile
import threading
import time

try:
    from http import server as http_server
    from socketserver import ThreadingMixIn
except ImportError:
    import BaseHTTPServer as http_server
    from SocketServer import ThreadingMixIn

SECTOR = 512
KIB = 1024
GIB = 1024 ** 3
OBJECT_SIZE = 32 * 1024 ** 2
GROUP = 512 * 1024 ** 2

# As much of the contents of a volume as content() returns.
CONTENT_SIZE = 4 * KIB

# Linux's, which Python 2 has no names for.
SEEK_DATA = 3
SEEK_HOLE = 4

PREFIX = '/ctrl/1.0/'

NAME = re.compile(r'[A-Za-z0-9_\-.:]{1,199}$')

# The tests make time.sleep() return at once; the simulator really sleeps.
_sleep = time.sleep


class ApiFailure(Exception):
    """An error that the API answers with."""

    def __init__(self, name, descr, status=400, transient=False):
        super(ApiFailure, self).__init__(name, descr)
        self.name = name
        self.descr = descr
        self.status = status
        self.transient = transient

    def body(self):
        """Return the answer."""
        return {'error': {'name': self.name, 'descr': self.descr,
                          'transient': self.transient}}


def missing(kind, name):
    """Return the error for what does not exist."""
    return ApiFailure('objectDoesNotExist',
                      "%s '%s' does not exist." % (kind, name), status=404)


def invalid(descr):
    """Return the error for a parameter that is not right."""
    return ApiFailure('invalidParam', descr)


def busy(descr):
    """Return the error for an object that is in use."""
    return ApiFailure('busy', descr, status=409)


# What the simulator can be told to do instead of answering a call properly.


class Refuse(object):
    """Answer with an error, and do nothing."""

    def __init__(self, name='serverNotReady', descr='The server is not ready',
                 status=500, transient=False):
        self.failure = ApiFailure(name, descr, status, transient)

    def apply(self, handler, _execute):
        """Deal with a call."""
        handler.answer(self.failure.status, self.failure.body())


class Drop(object):
    """Close the connection without an answer.

    :param executed: whether to do what was asked for
    """

    def __init__(self, executed=False):
        self.executed = executed

    def apply(self, handler, execute):
        """Deal with a call."""
        if self.executed:
            try:
                execute()
            except ApiFailure:
                pass
        handler.hang_up()


class Nonsense(object):
    """Do what was asked for, and answer with something else.

    :param text: the answer
    """

    def __init__(self, text='<html>It works!</html>'):
        self.text = text

    def apply(self, handler, execute):
        """Deal with a call."""
        try:
            execute()
        except ApiFailure:
            pass
        handler.answer_text(200, self.text)


class Delay(object):
    """Answer properly, but slowly.

    :param seconds: how long to wait
    """

    def __init__(self, seconds):
        self.seconds = seconds

    def apply(self, handler, execute):
        """Deal with a call."""
        _sleep(self.seconds)
        handler.run(execute)


_Interference = collections.namedtuple('_Interference', 'fault first last')


class Volume(object):
    """A volume or a snapshot."""

    def __init__(self, number, name, size, template, replication, parent=''):
        self.number = number
        self.name = name
        self.size = size
        self.template = template
        self.replication = replication
        self.parent = parent
        self.store = None  # the file with its contents
        self.tags = {}
        self.bound = False  # whether it goes with the last of its children
        self.created = int(time.time())

    def summary(self):
        """Return what volumes and snapshots are both described by."""
        return {
            'id': self.number,
            'name': self.name,
            'parentName': self.parent,
            'templateName': self.template,
            'size': self.size,
            'replication': self.replication,
            'globalId': 'simu.b.%d' % self.number,
            'placeAll': 'all', 'placeTail': 'all', 'placeHead': 'all',
            'parentVolumeId': 0,
            'originalParentVolumeId': 0,
            'visibleVolumeId': self.number,
            'templateId': 1,
            'objectsCount': -(-self.size // OBJECT_SIZE),
            'creationTimestamp': self.created,
            'flags': 0,
            'tags': self.tags,
            'reuseServer': False,
            'firstNotParentObjectId': 0,
            'bw': '-',
            'iops': '-',
            'limitType': 'total',
            'clusterName': 'simulated',
            'clusterId': 'simu.b',
        }


class Snapshot(Volume):
    """A snapshot."""

    def summary(self):
        """Return the description of a snapshot."""
        return dict(
            super(Snapshot, self).summary(),
            onVolume='-', autoName=False, bound=self.bound, deleted=False,
            transient=False, targetDeleteDate=0, recoveringFromRemote=False,
            backup=False)


class Template(object):
    """A template.

    :param replication: how many copies it keeps, '-' if it does not say
    :param disks: the numbers of the disks it uses, None for all of them
    :param tail: those for the last copy, if they are others
    """

    def __init__(self, number, name, replication, disks=None, tail=None):
        self.number = number
        self.name = name
        self.replication = replication
        self.groups = {'All': disks, 'Head': disks,
                       'Tail': disks if tail is None else tail}

    def places(self):
        """Return the names of the groups of disks."""
        return dict(('place' + key, 'all' if disks is None else
                     'disks-' + '-'.join(map(str, sorted(disks))))
                    for key, disks in self.groups.items())

    def summary(self):
        """Return the description of a template."""
        return dict(self.places(), **{
            'id': self.number,
            'name': self.name,
            'parentName': '',
            'size': '-',
            'replication': self.replication,
            'reuseServer': False,
            'bw': '-',
            'iops': '-',
            'limitType': 'total',
        })

    def status(self, disks, volumes):
        """Return the description of its space.

        :param disks: all disks by number
        :param volumes: all volumes
        """
        spaces = {}
        space = {}
        for key, numbers in self.groups.items():
            used = [disk for number, disk in disks.items()
                    if disk.up and (numbers is None or number in numbers)]
            capacity = sum(disk.groups for disk in used) * GROUP
            free = sum(disk.groups - disk.used for disk in used) * GROUP
            spaces['capacityPlace' + key] = capacity
            spaces['availablePlace' + key] = free
            space['place' + key] = {'capacity': capacity, 'free': free,
                                    'internal': {'u1': 0, 'u2': 0, 'u3': 0}}
        entry = dict(space['placeAll'])
        zeros = ('volumesCount', 'snapshotsCount', 'removingSnapshotsCount',
                 'totalSize', 'onDiskSize', 'storedSize',
                 'snapshotsWithoutChildrenSize',
                 'snapshotsWithChildrenSize')
        size = sum(volume.size for volume in volumes
                   if volume.template == self.name)
        return dict(self.places(), id=self.number, name=self.name,
                    replication=self.replication,
                    size=size, volumesSize=size,
                    stored=dict(entry, **space),
                    **dict(spaces, **dict.fromkeys(zeros, 0)))


class Disk(object):
    """A disk, its size in allocation groups of 512 MiB."""

    def __init__(self, number, groups, used=0, up=True):
        self.number = number
        self.groups = groups
        self.used = used
        self.up = up

    def summary(self):
        """Return the description of a disk."""
        base = {
            'id': self.number,
            'serverId': 1,
            'ssd': True,
            'generationLeft': -1 if self.up else 100,
            'model': 'SIMULATED',
            'serial': 'S%d' % self.number,
            'description': '',
            'softEject': 'off',
        }
        if not self.up:
            return base
        zeros = ('agFull', 'agPartial', 'agFreeing', 'agMaxSizeFull',
                 'agMaxSizePartial', 'entriesAllocated', 'objectsAllocated',
                 'objectsOnDiskSize', 'scrubbingStartedBefore',
                 'scrubbedBytes', 'scrubbingBW', 'scrubbingFinishAfter',
                 'scrubbingPausedFor', 'lastScrubCompleted')
        no = ('empty', 'noFua', 'noFlush', 'noTrim', 'isWbc', 'journaled',
              'scrubbingPaused')
        base.update((key, 0) for key in zeros)
        base.update((key, False) for key in no)
        base.update({
            'sectorsCount': self.groups * 2 ** 20,
            'device': '/dev/sd%d' % self.number,
            'agCount': self.groups,
            'agAllocated': self.used,
            'agFree': self.groups - self.used,
            'entriesCount': 1000, 'entriesFree': 1000,
            'objectsCount': 1000, 'objectsFree': 1000,
            'wbc': None,
            'aggregateScore': {'entries': 0, 'space': 0, 'total': 0},
        })
        return base


class Client(object):
    """A host: the directory with its devices."""

    def __init__(self, number, directory):
        self.number = number
        self.directory = directory
        self.silent = False
        self.delay = 0
        self.pending = []

    def path(self, name):
        """Return the path of a device."""
        return os.path.join(self.directory, name)


class FileDevices(object):
    """Devices that are links to the files with the contents."""

    def appear(self, client, found):
        """Make a device appear."""
        if not os.path.islink(client.path(found.name)):
            os.symlink(self.target(client, found), client.path(found.name))

    def vanish(self, client, name):
        """Make a device vanish."""
        if os.path.islink(client.path(name)):
            os.unlink(client.path(name))

    def resized(self, client, found):
        """Let a device have its new size."""

    def rewritten(self, client, found):
        """Let a device have its new contents."""

    def opened(self, client, name):
        """Tell whether a device is open; nobody knows of a file."""
        return False

    def close(self):
        """Leave nothing behind."""

    def target(self, client, found):
        """Return what a device is a link to."""
        return found.store


class LoopDevices(FileDevices):
    """Devices that are links to loop devices; that needs root."""

    def __init__(self):
        self._loops = {}

    def target(self, client, found):
        """Set a loop device up, and return its path."""
        loop = self._losetup('--find', '--show', found.store)
        self._loops[client.number, found.name] = loop
        return loop

    def vanish(self, client, name):
        """Make a device vanish; the kernel frees it when it is closed."""
        super(LoopDevices, self).vanish(client, name)
        loop = self._loops.pop((client.number, name), None)
        if loop:
            self._losetup('--detach', loop)

    def resized(self, client, found):
        """Let a device have the size of its file."""
        loop = self._loops.get((client.number, found.name))
        if loop:
            self._losetup('--set-capacity', loop)

    def rewritten(self, client, found):
        """Forget what the kernel remembers of the old contents."""
        self.resized(client, found)
        loop = self._loops.get((client.number, found.name))
        if loop:
            subprocess.check_call(['blockdev', '--flushbufs', loop])

    def opened(self, client, name):
        """Tell whether any process has the device open."""
        loop = self._loops.get((client.number, name))
        return bool(loop) and is_open(os.stat(loop).st_rdev)

    def close(self):
        """Free all loop devices."""
        while self._loops:
            _key, loop = self._loops.popitem()
            self._losetup('--detach', loop)

    @staticmethod
    def _losetup(*arguments):
        return subprocess.check_output(
            ('losetup',) + arguments).decode('ascii').strip()


def is_open(number):
    """Tell whether any process has the block device of a number open."""
    for process in os.listdir('/proc'):
        fds = os.path.join('/proc', process, 'fd')
        try:
            names = os.listdir(fds) if process.isdigit() else ()
        except OSError:  # it has just ended
            continue
        for name in names:
            try:
                found = os.stat(os.path.join(fds, name))
            except OSError:
                continue
            if stat.S_ISBLK(found.st_mode) and found.st_rdev == number:
                return True
    return False


class Simulator(object):
    """The cluster and its HTTP server.

    Tests may look at and change: volumes, snapshots, templates, disks
    (dictionaries), attachments ((client, is snapshot, name): 'rw' or 'ro'),
    opened (a set of (client, name)), calls (a list of (method, path)).
    """

    def __init__(self, token='1234567890', devices=None):
        self.token = token
        self.devices = devices or FileDevices()
        self.volumes = {}
        self.snapshots = {}
        self.templates = {}
        self.disks = {}
        self.attachments = {}
        self.opened = set()
        self.calls = []
        self._clients = {}
        self._interference = []
        self._numbers = itertools.count(1)
        self._generation = itertools.count(1)
        self._lock = threading.RLock()
        self._store = tempfile.mkdtemp(prefix='storpool-simulator-')
        self._server = None
        for name, replication in (('hybrid', 3), ('ssd', 2), ('any', '-')):
            self.add_template(name, replication)
        for number in range(3):
            self.add_disk(groups=200, used=50)

    # Control.

    def __enter__(self):
        self._server = _Server(self)
        self._server.start()
        return self

    def __exit__(self, *_exc_info):
        self._server.stop()
        with self._lock:
            for client in self._clients.values():
                client.pending = []
            self.devices.close()
        shutil.rmtree(self._store)

    @property
    def port(self):
        """The port that the server listens on."""
        return self._server.server_address[1]

    def add_client(self, client, directory):
        """Add a host, which shows its devices in a directory."""
        self._clients[client] = Client(client, directory)

    def silence(self, client, silent=True):
        """Let no devices appear on a host any more."""
        self._clients[client].silent = silent

    def delay(self, client, seconds):
        """Let devices of a host appear and vanish later than told.

        :param seconds: how much later; None for only at settle()
        """
        self._clients[client].delay = seconds

    def settle(self, client):
        """Let the devices of a host be what they should be by now."""
        with self._lock:
            self._carry_on(self._clients[client], float('inf'))

    def settled(self, client):
        """Tell whether the devices of a host are what they should be."""
        with self._lock:
            return not self._clients[client].pending

    def add_template(self, name, replication, disks=None, tail=None):
        """Add a template; see the class for the parameters."""
        self.templates[name] = Template(next(self._numbers), name,
                                        replication, disks, tail)

    def add_disk(self, groups, used=0, up=True):
        """Add a disk, its size in units of 512 MiB."""
        number = len(self.disks) + 1
        self.disks[number] = Disk(number, groups, used, up)

    def interfere(self, fault, after=0, count=1):
        """Do something else to calls than to answer them properly.

        :param fault: a Refuse, Drop, Nonsense or Delay
        :param after: how many calls to answer before
        :param count: how many calls to interfere with, None for all
        """
        first = len(self.calls) + after
        last = None if count is None else first + count
        self._interference.append(_Interference(fault, first, last))

    def recover(self):
        """Answer all calls properly again."""
        self._interference = []

    def fault(self, number):
        """Return what to do to the call of a number, or None."""
        for fault, first, last in self._interference:
            if first <= number and (last is None or number < last):
                return fault
        return None

    def attached(self, client=None):
        """Return what is attached to a client, or to any: name -> rights."""
        return dict((name, rights) for (where, _snapshot, name), rights
                    in self.attachments.items() if client in (None, where))

    def content(self, name):
        """Return the first bytes of a volume or snapshot."""
        found = self.volumes.get(name) or self.snapshots[name]
        with open(found.store, 'rb') as stored:
            return stored.read(CONTENT_SIZE).rstrip(b'\0')

    # What the server needs.

    def arrived(self, method, path):
        """Note a call, and return its number."""
        with self._lock:
            self.calls.append((method, path))
            return len(self.calls) - 1

    def execute(self, method, path, body):
        """Do what a call asks for.

        :returns: what it is answered with
        :raises ApiFailure: the error it is answered with
        """
        query, _slash, name = path.partition('/')
        operation = _OPERATIONS.get((method, query))
        if operation is None:
            raise ApiFailure('unknownQuery', 'There is no ' + path, 404)
        with self._lock:
            data = (operation(self, name, body) if method == 'POST'
                    else operation(self, name) if name
                    else operation(self))
            generation = next(self._generation)
        if isinstance(data, _Wait):
            data = data.wait()
        answer = {'ok': True} if data is None else data
        if isinstance(answer, dict) and answer.get('ok'):
            answer['generation'] = generation
        return {'data': answer, 'generation': generation}

    # Lists.

    def _volumes_list(self):
        return [volume.summary() for volume in self.volumes.values()]

    def _volume_list(self, name):
        return [self._find(False, name).summary()]

    def _snapshots_list(self):
        return [snapshot.summary() for snapshot in self.snapshots.values()]

    def _snapshot_list(self, name):
        return [self._find(True, name).summary()]

    def _templates_list(self):
        return [template.summary() for template in self.templates.values()]

    def _templates_status(self):
        return [template.status(self.disks, self.volumes.values())
                for template in self.templates.values()]

    def _disks_list(self):
        return dict((str(number), disk.summary())
                    for number, disk in self.disks.items())

    def _attachments_list(self):
        found = []
        for position, key in enumerate(sorted(self.attachments)):
            client, is_snapshot, name = key
            found.append({
                'volume': name, 'snapshot': is_snapshot, 'client': client,
                'rights': self.attachments[key], 'pos': position,
                'globalId': self._find(is_snapshot, name).summary()[
                    'globalId'],
            })
        return found

    # Volumes and snapshots.

    def _find(self, is_snapshot, name):
        """Return a volume or snapshot."""
        if is_snapshot:
            if name not in self.snapshots:
                raise missing('Snapshot', name)
            return self.snapshots[name]
        if name not in self.volumes:
            raise missing('Volume', name)
        return self.volumes[name]

    def _fill(self, found, source=None):
        """Make the contents of a volume or snapshot, of its size."""
        if found.store is None:
            found.store = os.path.join(self._store, str(found.number))
        with open(found.store, 'ab') as stored:
            stored.truncate(0)
        if source is not None:
            copy_sparse(source.store, found.store)
        with open(found.store, 'ab') as stored:
            stored.truncate(found.size)

    def _check_new(self, name):
        """See that a name can be given to a new volume or snapshot."""
        if not NAME.match(name or ''):
            raise invalid('Invalid name %r' % name)
        if name in self.volumes or name in self.snapshots:
            raise ApiFailure('objectExists', "'%s' already exists." % name,
                             status=409)

    @staticmethod
    def _check_size(size):
        """See that a size is one."""
        if not isinstance(size, int) or size <= 0 or size % SECTOR:
            raise invalid('The size %r is not a multiple of %d' %
                          (size, SECTOR))

    def _placement(self, body, source):
        """Return the template and replication for a volume."""
        template = body.get('template')
        if template is not None:
            if template not in self.templates:
                raise missing('Template', template)
            replication = self.templates[template].replication
            return template, 3 if replication == '-' else replication
        if 'replication' in body:
            return '', body['replication']
        if source is not None:
            return source.template, source.replication
        raise invalid('No template and no replication')

    def _volume_create(self, _name, body):
        name = body.get('name')
        self._check_new(name)
        if 'parent' in body and 'baseOn' in body:
            raise invalid('Both a parent and a volume to copy')
        source = None
        if 'parent' in body:
            source = self._find(True, body['parent'])
        elif 'baseOn' in body:
            source = self._find(False, body['baseOn'])
        size = body.get('size', source.size if source else None)
        self._check_size(size)
        if source and size < source.size:
            raise invalid('The volume is smaller than what it is made from')
        template, replication = self._placement(body, source)
        volume = Volume(next(self._numbers), name, size, template,
                        replication, body.get('parent', ''))
        self._fill(volume, source)
        self.volumes[name] = volume

    def _volume_update(self, name, body):
        volume = self._find(False, name)
        new_name = body.get('rename', name)
        if new_name != name:
            self._check_new(new_name)
        size = body.get('size', volume.size)
        self._check_size(size)
        if size < volume.size and not body.get('shrinkOk'):
            raise invalid('The volume would shrink')
        if 'template' in body or 'replication' in body:
            volume.template, volume.replication = self._placement(body, None)
        if size != volume.size:
            volume.size = size
            with open(volume.store, 'r+b') as stored:
                stored.truncate(size)
            self._each_device(volume, self.devices.resized)
        if new_name != name:
            self._rename(volume, new_name)

    def _rename(self, volume, new_name):
        """Rename a volume, along with its devices."""
        old_name = volume.name
        del self.volumes[old_name]
        volume.name = new_name
        self.volumes[new_name] = volume
        for key in list(self.attachments):
            client, is_snapshot, name = key
            if name == old_name and not is_snapshot:
                rights = self.attachments.pop(key)
                self._vanish(client, old_name)
                self.attachments[client, False, new_name] = rights
                self._appear(client, volume)

    def _volume_delete(self, name, _body):
        self._delete(self.volumes, False, name)

    def _snapshot_delete(self, name, _body):
        self._delete(self.snapshots, True, name)

    def _delete(self, table, is_snapshot, name):
        found = self._find(is_snapshot, name)
        for client, other, attached in self.attachments:
            if (other, attached) == (is_snapshot, name):
                raise busy("'%s' is attached to client %d" % (name, client))
        os.unlink(found.store)
        del table[name]
        # What was made from a snapshot keeps what they shared.
        for child in list(self.volumes.values()) + list(
                self.snapshots.values()):
            if is_snapshot and child.parent == name:
                child.parent = found.parent
        self._collect()

    def _volume_snapshot(self, name, body):
        volume = self._find(False, name)
        new_name = body.get('name')
        self._check_new(new_name)
        snapshot = Snapshot(next(self._numbers), new_name, volume.size,
                            volume.template, volume.replication,
                            volume.parent)
        snapshot.tags = body.get('tags', {})
        snapshot.bound = body.get('bind', False)
        self._fill(snapshot, volume)
        self.snapshots[new_name] = snapshot
        volume.parent = new_name
        return {'ok': True, 'autoName': None,
                'snapshotGlobalId': snapshot.summary()['globalId'],
                'snapshotVisibleVolumeId': snapshot.number}

    def _snapshot_update(self, name, body):
        snapshot = self._find(True, name)
        if 'template' in body:
            snapshot.template, snapshot.replication = self._placement(
                body, None)
        snapshot.tags.update(body.get('tags', {}))
        snapshot.bound = body.get('bind', snapshot.bound)
        self._collect()

    def _collect(self):
        """Delete the bound snapshots that have no children any more."""
        parents = set(found.parent for table in (self.volumes,
                                                 self.snapshots)
                      for found in table.values())
        for name in [name for name, found in self.snapshots.items()
                     if found.bound and name not in parents]:
            if name in self.snapshots:
                self._delete(self.snapshots, True, name)

    def _volume_revert(self, name, body):
        volume = self._find(False, name)
        snapshot = self._find(True, body.get('toSnapshot'))
        volume.size = snapshot.size
        self._fill(volume, snapshot)
        volume.parent = snapshot.name
        self._collect()
        self._each_device(volume, self.devices.rewritten)

    # Attachments.

    def _volumes_reassign(self, _name, body):
        for order in body:
            self._check_order(order)
        for order in body:
            self._carry_out(order)

    def _volumes_reassign_wait(self, name, body):
        self._volumes_reassign(name, body['reassign'])
        names = set(self._order(order)[1] for order in body['reassign'])
        return _Wait(lambda: not self._pending(names))

    def _order(self, order):
        """Take an order apart: kind, name, clients by what to do."""
        is_snapshot = 'snapshot' in order
        name = order['snapshot' if is_snapshot else 'volume']
        detach = order.get('detach', [])
        if detach == 'all':
            detach = [client for client, other, attached in self.attachments
                      if (other, attached) == (is_snapshot, name)]
        return is_snapshot, name, detach

    def _check_order(self, order):
        """See that an order can be carried out."""
        is_snapshot, name, detach = self._order(order)
        self._find(is_snapshot, name)
        if is_snapshot and 'rw' in order:
            raise invalid("Snapshot '%s' can only be attached ro" % name)
        for client in order.get('rw', []) + order.get('ro', []):
            if client not in self._clients:
                raise missing('Client', client)
        for client in detach:
            if self._is_open(client, name) and not order.get('force'):
                raise busy("'%s' is open at client %d" % (name, client))

    def _carry_out(self, order):
        """Carry an order out."""
        is_snapshot, name, detach = self._order(order)
        for rights in ('ro', 'rw'):
            for client in order.get(rights, []):
                self.attachments[client, is_snapshot, name] = rights
                self._appear(client, self._find(is_snapshot, name))
        for client in detach:
            if self.attachments.pop((client, is_snapshot, name), None):
                self.opened.discard((client, name))
                self._vanish(client, name)

    def _is_open(self, client, name):
        return ((client, name) in self.opened or
                self.devices.opened(self._clients[client], name))

    def _each_device(self, volume, function):
        """Call a function for each host that a volume is attached to."""
        for client, is_snapshot, name in self.attachments:
            if name == volume.name and not is_snapshot:
                function(self._clients[client], volume)

    def _appear(self, client, found):
        host = self._clients[client]
        if not host.silent:
            self._later(host, found.name,
                        lambda: self.devices.appear(host, found))

    def _vanish(self, client, name):
        host = self._clients[client]
        self._later(host, name, lambda: self.devices.vanish(host, name))

    def _later(self, host, name, change):
        """Change a device of a host, after its delay."""
        if host.delay == 0 and not host.pending:
            change()
            return
        due = float('inf')
        if host.delay is not None:
            due = time.time() + host.delay
            timer = threading.Timer(host.delay, self._timer,
                                    (host, due))
            timer.daemon = True
            timer.start()
        host.pending.append((due, name, change))

    def _timer(self, host, due):
        """Do what is due, though time.time() may say that it is not yet."""
        with self._lock:
            self._carry_on(host, due)

    @staticmethod
    def _carry_on(host, now):
        """Make the changes to the devices of a host that are due.

        Those that are told later do not happen before earlier ones.
        """
        while host.pending and host.pending[0][0] <= now:
            try:
                host.pending[0][2]()
            finally:  # only now, since who waits for it looks at the list
                del host.pending[0]

    def _pending(self, names):
        """Tell whether devices of some names are to appear or to vanish."""
        with self._lock:
            return any(name in names for host in self._clients.values()
                       for _due, name, _change in host.pending)


class _Wait(object):
    """The answer to a call that waits, without the lock."""

    INTERVAL = 0.01

    def __init__(self, done):
        self._done = done

    def wait(self):
        """Wait until it is done."""
        while not self._done():
            _sleep(self.INTERVAL)


def copy_sparse(source, target):
    """Copy a file over another, without what is zero in it."""
    with open(source, 'rb') as opened, open(target, 'r+b') as made:
        for start, end in data_of(opened):
            opened.seek(start)
            made.seek(start)
            while start < end:
                block = opened.read(min(end - start, 1024 * KIB))
                if not block:
                    break
                if block.strip(b'\0'):
                    made.write(block)
                else:
                    made.seek(len(block), os.SEEK_CUR)
                start += len(block)


def data_of(opened):
    """Return where a file has data: pairs of start and end."""
    number = opened.fileno()
    size = os.fstat(number).st_size
    found, end = [], 0
    while end < size:
        try:
            start = os.lseek(number, end, SEEK_DATA)
        except OSError:  # nothing but a hole is left
            break
        end = os.lseek(number, start, SEEK_HOLE)
        found.append((start, end))
    return found


_OPERATIONS = {
    # pylint: disable=protected-access
    ('GET', 'VolumesList'): Simulator._volumes_list,
    ('GET', 'SnapshotsList'): Simulator._snapshots_list,
    ('GET', 'Volume'): Simulator._volume_list,
    ('GET', 'Snapshot'): Simulator._snapshot_list,
    ('GET', 'VolumeTemplatesList'): Simulator._templates_list,
    ('GET', 'VolumeTemplatesStatus'): Simulator._templates_status,
    ('GET', 'DisksList'): Simulator._disks_list,
    ('GET', 'AttachmentsList'): Simulator._attachments_list,
    ('POST', 'VolumeCreate'): Simulator._volume_create,
    ('POST', 'VolumeUpdate'): Simulator._volume_update,
    ('POST', 'VolumeDelete'): Simulator._volume_delete,
    ('POST', 'VolumeSnapshot'): Simulator._volume_snapshot,
    ('POST', 'VolumeRevert'): Simulator._volume_revert,
    ('POST', 'SnapshotUpdate'): Simulator._snapshot_update,
    ('POST', 'SnapshotDelete'): Simulator._snapshot_delete,
    ('POST', 'VolumesReassign'): Simulator._volumes_reassign,
    ('POST', 'VolumesReassignWait'): Simulator._volumes_reassign_wait,
}


class _Server(ThreadingMixIn, http_server.HTTPServer):
    """The HTTP server, on a free port of the loopback interface."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, simulator):
        http_server.HTTPServer.__init__(self, ('127.0.0.1', 0), _Handler)
        self.simulator = simulator
        self._thread = threading.Thread(target=self.serve_forever,
                                        kwargs={'poll_interval': 0.01})
        self._thread.daemon = True

    def server_bind(self):
        """Bind without looking up the name of the address."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address

    def start(self):
        """Answer calls from now on."""
        self._thread.start()

    def stop(self):
        """Answer no more calls."""
        self.shutdown()
        self.server_close()
        self._thread.join()

    def handle_error(self, request, client_address):
        """Say nothing if a client went away."""


class _Handler(http_server.BaseHTTPRequestHandler):
    """One call."""

    def do_GET(self):
        """Answer a call that asks."""
        self._handle()

    def do_POST(self):
        """Answer a call that changes something."""
        self._handle()

    def log_message(self, *_args):
        """Say nothing."""

    def _handle(self):
        simulator = self.server.simulator
        length = int(self.headers.get('Content-Length') or 0)
        text = self.rfile.read(length).decode('utf-8')
        path = self.path.partition('?')[0]
        number = simulator.arrived(self.command, path)

        def execute():
            """Do what the call asks for."""
            self._check_token()
            if not path.startswith(PREFIX):
                raise ApiFailure('unknownQuery', 'There is no ' + path, 404)
            return simulator.execute(self.command, path[len(PREFIX):],
                                     json.loads(text) if text else {})

        fault = simulator.fault(number)
        if fault is not None:
            fault.apply(self, execute)
        else:
            self.run(execute)

    def _check_token(self):
        wanted = 'Storpool v1:' + self.server.simulator.token
        if self.headers.get('Authorization') != wanted:
            raise ApiFailure('notAuthorized', 'The token is not valid', 401)

    def run(self, execute):
        """Do what the call asks for, and answer it."""
        try:
            self.answer(200, execute())
        except ApiFailure as failure:
            self.answer(failure.status, failure.body())

    def answer(self, status, body):
        """Answer with an object."""
        self.answer_text(status, json.dumps(body), 'application/json')

    def answer_text(self, status, text, kind='text/html'):
        """Answer with a text."""
        data = text.encode('utf-8')
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def hang_up(self):
        """Close the connection."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
