# SPDX-License-Identifier: Apache-2.0
"""The namespaces that everything runs in.

The run is the first process of a PID namespace, with mounts, a network and a host name of its own.
When it ends, in whatever way, the kernel ends all of its processes; with them go the mounts, the
files below WORK, which are in memory, and the loop devices.

Each simulated host has in addition a /dev, /etc, /tmp and /var/spool of its own, and its name.
"""

import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import time

MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18

SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 1

DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9),
           "tty": (5, 0)}

# What a process of the run is recognised by, and those of one service.
MARK = "SP_SERVICES_PART"

# In the host's own mount namespace. The mark comes last: then the host is ready.
HOST = """
set -e
mount -t overlay -o lowerdir=/etc,upperdir=$1/etc,workdir=$1/etc.work none /etc
mount --bind $1/spool /var/spool
mount --bind $1/tmp /tmp
mount --bind $1/dev /dev
hostname "$2"
: >$1/ready
exec sleep infinity
"""

_libc = ctypes.CDLL(None, use_errno=True)


def mount(source, target, kind, options="", flags=0):
    """Mount a file system."""
    if _libc.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode()):
        number = ctypes.get_errno()
        raise OSError(number, "cannot mount '%s': %s" % (target, os.strerror(number)))


def enter(work, environment, site):
    """Make the mounts of the run, and have a loopback interface.

    :param work: an empty directory, which gets a file system in memory
    :param environment: a directory to put an overlay over
    :param site: its packages, which are also to be had as they were: WORK/pristine
    """
    mount("none", "/", "none", flags=MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc")
    mount("none", work, "tmpfs", "mode=0755,size=80%")
    for name in ("upper", "work", "pristine"):
        os.mkdir(os.path.join(work, name))
    mount(site, os.path.join(work, "pristine"), "none", flags=MS_BIND)
    mount("none", environment, "overlay", "lowerdir=%s,upperdir=%s/upper,workdir=%s/work"
          % (environment, work, work))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(opened, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(opened, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


class Host:
    """A simulated host.

    :param name: its name, also in storpool.conf
    :param client: its StorPool client id
    """

    def __init__(self, work, name, client):
        self.name = name
        self.client = client
        self.directory = os.path.join(work, "hosts", name)
        self.devices = os.path.join(self.directory, "dev", "storpool")
        self.conversion = os.path.join(self.directory, "state", "conversion")
        self._holder = None

    def start(self, spawn, files):
        """Make its namespaces.

        :param spawn: starts a command
        :param files: the files below its /etc: name -> text
        """
        for name in ("etc", "etc.work", "spool/openstack-storpool", "dev/storpool", "dev/shm",
                     "dev/pts", "tmp"):
            os.makedirs(os.path.join(self.directory, name))
        dev = os.path.join(self.directory, "dev")
        for path in (os.path.join(dev, "shm"), os.path.join(self.directory, "tmp")):
            os.chmod(path, 0o1777)
        for name, (major, minor) in DEVICES.items():
            os.mknod(os.path.join(dev, name), 0o666 | 0o020000, os.makedev(major, minor))
            os.chmod(os.path.join(dev, name), 0o666)
        for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"),
                             ("stderr", "fd/2")):
            os.symlink(target, os.path.join(dev, name))
        for name, text in files.items():
            self.put(name, text)
        self.write_requests("{}")
        self._holder = spawn(["unshare", "--mount", "--uts", "--propagation", "private",
                              "sh", "-c", HOST, "host", self.directory, self.name],
                             "host-" + self.name)
        deadline = time.monotonic() + 10
        while not os.path.exists(os.path.join(self.directory, "ready")):
            if time.monotonic() > deadline or self._holder.poll() is not None:
                raise RuntimeError("host %s did not start" % self.name)
            time.sleep(0.02)

    def put(self, name, text):
        """Write a file below its /etc; only before it is started."""
        path = os.path.join(self.directory, "etc", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as opened:
            opened.write(text)

    def within(self, command):
        """Return the command that runs another one on this host."""
        return ["nsenter", "--target", str(self._holder.pid), "--mount", "--uts", "--"] + command

    @property
    def requests_path(self):
        """Where the list of attachment requests is, seen from outside of the host."""
        return os.path.join(self.directory, "spool", "openstack-storpool", "openstack-attach.json")

    def write_requests(self, text):
        """Replace the list of attachment requests."""
        with open(self.requests_path, "w") as opened:
            opened.write(text)

    def requests(self):
        """Return the list of attachment requests, as text."""
        with open(self.requests_path) as opened:
            return opened.read()


def parts():
    """Return the processes of the namespace that have a mark: id -> mark."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/environ" % name, "rb") as opened:
                settings = opened.read().split(b"\0")
        except OSError:
            continue
        for setting in settings:
            key, _equals, value = setting.partition(b"=")
            if key == MARK.encode():
                found[int(name)] = value.decode()
    return found


def kill_part(part):
    """Kill all processes of a service at once, as systemd kills those of a control group."""
    while True:
        found = [number for number, mark in parts().items() if mark == part]
        if not found:
            return
        for number in found:
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)


class Spawner:
    """Starts processes with their output in WORK/logs and a mark in their environment."""

    def __init__(self, work):
        self.logs = os.path.join(work, "logs")
        os.makedirs(self.logs, exist_ok=True)

    def __call__(self, command, part, env=None, **kwargs):
        with open(self.log(part), "ab") as log:
            kwargs.setdefault("stdin", subprocess.DEVNULL)
            kwargs.setdefault("stdout", log)
            kwargs.setdefault("stderr", log)
            return subprocess.Popen(command, start_new_session=True,
                                    env=dict(os.environ if env is None else env, **{MARK: part}),
                                    **kwargs)

    def log(self, part):
        """Return the path of a log."""
        return os.path.join(self.logs, part + ".log")
