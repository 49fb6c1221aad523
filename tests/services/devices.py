# SPDX-License-Identifier: Apache-2.0
"""Block devices of the simulated cluster: loop devices that nobody has to free.

A loop device is set up with LO_FLAGS_AUTOCLEAR: the kernel frees it when its last user closes it,
and the cluster's process is such a user for as long as the device is attached. So none is left,
however that process ends.

A host sees a node of its own in its directory. All hosts that have a volume attached share one loop
device, since two of them would not see each other's writes. What is attached for reading only, as
all snapshots are, has another one that cannot be written to.
"""

import contextlib
import fcntl
import os
import stat
import struct

LOOP_CONTROL = "/dev/loop-control"

# Of linux/loop.h and linux/fs.h.
LOOP_SET_FD = 0x4C00
LOOP_CLR_FD = 0x4C01
LOOP_SET_STATUS64 = 0x4C04
LOOP_SET_CAPACITY = 0x4C07
LOOP_CTL_GET_FREE = 0x4C82
LO_FLAGS_READ_ONLY = 1
LO_FLAGS_AUTOCLEAR = 4
BLKFLSBUF = 0x1261

# struct loop_info64: its fields up to lo_file_name, which is what losetup shows.
INFO = struct.Struct("=QQQQQIIII64s64s32s2Q")

ATTEMPTS = 20


class Loop:
    """One loop device, set up for as long as the object is open."""

    def __init__(self, store, nodes, read_only=False):
        """Set a device up.

        :param store: the file with the contents
        :param nodes: a directory for the node that the object itself uses
        """
        self.store = store
        flags = os.O_RDONLY if read_only else os.O_RDWR
        backing = os.open(store, flags)
        try:
            self._fd, self.number = self._find(backing, nodes, flags)
            info = INFO.pack(0, 0, 0, 0, 0, 0, 0, 0,
                             LO_FLAGS_AUTOCLEAR | (LO_FLAGS_READ_ONLY if read_only else 0),
                             store.encode()[-63:], b"", b"", 0, 0)
            fcntl.ioctl(self._fd, LOOP_SET_STATUS64, info)
        finally:
            os.close(backing)

    @staticmethod
    def _find(backing, nodes, flags):
        """Give the file to a free device; somebody else may be faster."""
        for _attempt in range(ATTEMPTS):
            control = os.open(LOOP_CONTROL, os.O_RDWR)
            try:
                minor = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
            finally:
                os.close(control)
            number = os.makedev(7, minor)
            path = os.path.join(nodes, "loop%d" % minor)
            with contextlib.suppress(FileExistsError):
                os.mknod(path, 0o600 | stat.S_IFBLK, number)
            device = os.open(path, flags)
            try:
                fcntl.ioctl(device, LOOP_SET_FD, backing)
                return device, number
            except OSError:
                os.close(device)
        raise OSError("no loop device is free")

    def resize(self):
        """Let the device have the size of its file."""
        fcntl.ioctl(self._fd, LOOP_SET_CAPACITY, 0)

    def flush(self):
        """Forget what the kernel remembers of the contents."""
        fcntl.ioctl(self._fd, BLKFLSBUF, 0)

    def close(self):
        """Leave the device to the kernel, which frees it when nobody uses it any more."""
        os.close(self._fd)


class PrivateDevices:
    """What the simulator makes devices with; see tests/drivers/simulator.py."""

    def __init__(self, nodes):
        self._nodes = nodes
        self._loops = {}  # (store, read only) -> Loop, how many hosts show it
        self._shown = {}  # (client, name) -> (store, read only)
        self.rights = lambda client, found: "rw"

    def appear(self, client, found):
        """Make the node of a device, or replace one that has other rights."""
        key = found.store, self.rights(client, found) == "ro"
        if self._shown.get((client.number, found.name)) == key:
            return
        self.vanish(client, found.name)
        loop, users = self._loops.get(key, (None, 0))
        if loop is None:
            loop = Loop(found.store, self._nodes, key[1])
        self._loops[key] = loop, users + 1
        self._shown[client.number, found.name] = key
        os.mknod(client.path(found.name), 0o660 | stat.S_IFBLK, loop.number)

    def vanish(self, client, name):
        """Take the node of a device away."""
        key = self._shown.pop((client.number, name), None)
        if key is None:
            return
        os.unlink(client.path(name))
        loop, users = self._loops.pop(key)
        if users > 1:
            self._loops[key] = loop, users - 1
        else:
            loop.close()

    def _each(self, client, name):
        """Return the loop device that a host shows, as a list of at most one."""
        key = self._shown.get((client.number, name))
        return [self._loops[key][0]] if key else []

    def resized(self, client, found):
        """Let a device have its new size."""
        for loop in self._each(client, found.name):
            loop.resize()

    def rewritten(self, client, found):
        """Let a device have its new contents."""
        for loop in self._each(client, found.name):
            loop.resize()
            loop.flush()

    def opened(self, client, name):
        """Tell whether a process other than the cluster's has the device open."""
        return any(opened_by(loop.number) for loop in self._each(client, name))

    def close(self):
        """Free all devices."""
        for loop, _users in self._loops.values():
            loop.close()
        self._loops.clear()
        self._shown.clear()


def opened_by(number):
    """Return the ids of the processes, but this one, that have a block device open."""
    found = []
    for process in os.listdir("/proc"):
        if not process.isdigit() or int(process) == os.getpid():
            continue
        with contextlib.suppress(OSError):  # it has just ended
            directory = "/proc/%s/fd" % process
            for name in os.listdir(directory):
                status = os.stat(os.path.join(directory, name))
                if stat.S_ISBLK(status.st_mode) and status.st_rdev == number:
                    found.append(int(process))
                    break
    return found
