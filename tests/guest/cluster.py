# SPDX-License-Identifier: Apache-2.0
"""The simulated cluster, with loop devices that go when its process goes."""

import errno
import fcntl
import os
import stat
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'drivers'))

# pylint: disable=wrong-import-position
import simulator

# linux/loop.h; LOOP_CONFIGURE came with Linux 5.8.
LOOP_CONFIGURE = 0x4C0A
LOOP_SET_CAPACITY = 0x4C07
LOOP_CTL_GET_FREE = 0x4C82
LO_FLAGS_AUTOCLEAR = 4
# struct loop_config: the file, the size of a block, then struct loop_info64,
# whose flags come after six fields of 8 and four of 4 bytes.
LOOP_CONFIG = struct.Struct('=II 5Q4I 64s64s32s2Q 8Q')

GIB = simulator.GIB


class Devices(simulator.LoopDevices):
    """Loop devices that the kernel frees when nothing has them open.

    We keep each open as long as the volume is attached.  So they go with
    this process, however that ends.

    torn has what was taken away while some process used it.
    """

    def __init__(self):
        super().__init__()
        self._held = {}
        self.torn = []

    def target(self, client, found):
        """Set a loop device up, and return its path."""
        while True:
            with open('/dev/loop-control', 'rb') as control:
                number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
            path = '/dev/loop%d' % number
            held = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                with open(found.store, 'r+b') as store:
                    fcntl.ioctl(held, LOOP_CONFIGURE, LOOP_CONFIG.pack(
                        store.fileno(), 0, *([0] * 8), LO_FLAGS_AUTOCLEAR,
                        b'', b'', b'', *([0] * 10)))
            except OSError as exc:
                os.close(held)
                if exc.errno != errno.EBUSY:
                    raise
                continue  # somebody else took it
            self._held[client.number, found.name] = (held, path)
            return path

    def vanish(self, client, name):
        """Make a device vanish."""
        if self.opened(client, name):
            self.torn.append((client.number, name))
        if os.path.lexists(client.path(name)):
            os.unlink(client.path(name))
        held, _path = self._held.pop((client.number, name), (None, None))
        if held is not None:
            os.close(held)

    def resized(self, client, found):
        """Let a device have the size of its file."""
        held, _path = self._held.get((client.number, found.name),
                                     (None, None))
        if held is not None:
            fcntl.ioctl(held, LOOP_SET_CAPACITY, 0)

    def rewritten(self, client, found):
        """Forget what the kernel remembers of the old contents."""
        raise NotImplementedError('no test of a guest reverts a volume')

    def opened(self, client, name):
        """Tell whether any other process has the device open."""
        held, _path = self._held.get((client.number, name), (None, None))
        return held is not None and bool(
            users(os.fstat(held).st_rdev))

    def close(self):
        """Free all loop devices."""
        while self._held:
            _key, (held, _path) = self._held.popitem()
            os.close(held)


def users(number):
    """Return the processes, other than this, that use a block device.

    Open files and loop devices are looked at, and not what the device mapper
    has: of that the kernel says nothing in /proc.
    """
    found = set()
    for process in os.listdir('/proc'):
        if not process.isdigit() or int(process) == os.getpid():
            continue
        fds = os.path.join('/proc', process, 'fd')
        try:
            for name in os.listdir(fds):
                opened = os.stat(os.path.join(fds, name))
                if stat.S_ISBLK(opened.st_mode) and opened.st_rdev == number:
                    found.add(int(process))
        except OSError:  # it has just ended, or closed the file
            continue
    return found


class Strike:
    """Do something at a call, if not told otherwise to attach or detach.

    :param action: what to do
    :param executed: whether it is done after the call was carried out; the
        answer is not sent then
    :param calls: a part of the name of the calls that count
    """

    def __init__(self, action, executed, calls='VolumesReassign'):
        self.action = action
        self.executed = executed
        self.calls = calls

    def apply(self, handler, execute):
        """Deal with the call."""
        if self.executed:
            execute()
        self.action()
        handler.hang_up()


class Cluster(simulator.Simulator):
    """The cluster; strike is a Strike at one of the next calls."""

    def __init__(self):
        super().__init__(devices=Devices())
        self._strike = None
        self._number = 0

    @property
    def running(self):
        """Whether the API is served."""
        return self._server is not None

    @property
    def torn(self):
        """What was taken away while some process used it."""
        return self.devices.torn

    def strike(self, strike, number=1):
        """Strike at the call of a number, from 1, of those that count."""
        self._strike = strike
        self._number = number

    def fault(self, number):
        """Return what to do to the call of a number, or None."""
        if self._strike and self._strike.calls in self.calls[number][1]:
            self._number -= 1
            if self._number == 0:
                strike, self._strike = self._strike, None
                return strike
        return super().fault(number)

    @property
    def struck(self):
        """Whether there is no strike to come."""
        return self._strike is None

    def forget(self, clients):
        """Detach everything from some clients, and answer properly again."""
        self._strike = None
        self.recover()
        for client in clients:
            self.delay(client, 0)
            self.silence(client, False)
            self.settle(client)
        with self._lock:
            for client, is_snapshot, name in list(self.attachments):
                if client in clients:
                    del self.attachments[client, is_snapshot, name]
                    self._vanish(client, name)
            attached = set(name for _client, _is_snapshot, name
                           in self.attachments)
            for name in set(self.volumes) - attached:
                os.unlink(self.volumes.pop(name).store)
        del self.torn[:]
