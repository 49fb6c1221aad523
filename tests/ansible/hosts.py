# SPDX-License-Identifier: Apache-2.0
"""Hosts of a fleet on this machine: each a root, in a mount and a PID namespace of its own.

Its first process is started by start() and ends with stop(), and everything in it with that: the
kernel kills the processes of the namespace and forgets its mounts. In the root are busybox, the
program as a package installs it, and an interpreter that is mounted read-only. A "service" is a
script of the service's name that sleeps; systemctl is one of the tests that restarts it.
"""

import ctypes
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(1, os.path.join(TOP, "tests", "cli"))
import packages as stand_ins
from lib import Host
sys.path.remove(os.path.join(TOP, "tests", "cli"))

PROGRAM = os.environ.get("SP_PROGRAM", os.path.join(TOP, "sp-openstack"))
TIMEOUT = 60
LIBRARIES = ("/lib64", "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu")
APPLETS = ("cat chmod cp cut dd dirname echo env false grep gzip head id kill ln ls mkdir mktemp "
           "mount mv ps pwd readlink rm rmdir sed setsid sh sha256sum sleep stat tail tar test "
           "touch true umount uname wc which").split()
COPIED = ("/usr/sbin/groupadd", "/usr/bin/gpasswd", "/usr/bin/tar")     # unarchive wants GNU's

SERVICE = "#!/bin/sh\nwhile :; do sleep 3600 & wait; done\n"
# Restarts by the unit's name; a line a call in /var/log/systemctl.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>/var/log/systemctl
test "$1" = try-restart || exit 0
name=${2%.service}
kill $(cat "/run/$name.pid") 2>/dev/null
sp-start "$name"
"""
START = """#!/bin/sh
program=$(sed -n 's/^ExecStart=//p' /etc/systemd/system/$1.service)
setsid $program </dev/null >/dev/null 2>&1 &
echo $! >/run/$1.pid
"""
INIT = """
set -e
mount --make-rprivate /
mount --bind "$root" "$root"
%s
mount -t proc none "$root/proc"
exec chroot "$root" /bin/sh -c 'echo >/run/ready; while :; do sleep 3600 & wait; done'
"""

LAYOUTS = {"ubuntu": "usr/lib/python2.7/dist-packages", "rdo": "usr/lib/python2.7/site-packages",
           "venv": "openstack/venvs/osa-1/lib/python2.7/site-packages",
           "kolla": "var/lib/kolla/venv/lib/python2.7/site-packages"}
UNITS = {"rdo": "openstack-%s"}


def missing():
    """Why there can be no hosts here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    for name in ("unshare", "nsenter", "busybox"):
        if not shutil.which(name):
            return "%s is not here" % name
    with tempfile.TemporaryDirectory() as root:
        shutil.copy2(shutil.which("busybox"), root)
        if subprocess.run(["chroot", root, "/busybox", "true"], check=False,
                          stderr=subprocess.DEVNULL).returncode:
            return "busybox is not static; install busybox-static"
    if subprocess.run(["unshare", "-mpf", "true"], check=False,
                      stderr=subprocess.DEVNULL).returncode:
        return "no namespaces of one's own here"
    return None


def end_with_parent():
    """prctl(PR_SET_PDEATHSIG, SIGKILL): no host is left by tests that were killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def link(source, target):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def put_tree(source, target):
    """A copy of a directory, by links: the program never writes into a file that is there."""
    for directory, _, files in os.walk(source):
        inside = os.path.normpath(os.path.join(target, os.path.relpath(directory, source)))
        os.makedirs(inside, exist_ok=True)
        for name in files:
            path = os.path.join(inside, name)
            if os.path.lexists(path):
                os.unlink(path)
            if name == "__init__.py":       # the program locks it: no other host may have the file
                shutil.copy2(os.path.join(directory, name), path)
            else:
                link(os.path.join(directory, name), path)


class Fleet:
    """What its hosts share, below a directory; and all of them, to be stopped together."""

    def __init__(self, top):
        self.top, self.hosts = top, []
        self.shared = os.path.join(top, "shared")
        os.makedirs(self.shared)
        for source in (PROGRAM, shutil.which("busybox")) + COPIED:
            if os.path.exists(source):
                shutil.copy2(source, self.shared)
        for name in ("manifests", "drivers"):
            shutil.copytree(os.path.join(TOP, name), os.path.join(self.shared, name),
                            ignore=shutil.ignore_patterns("*.pyc", "__pycache__"))

    def add(self, name, python, layout="ubuntu", program=True):
        host = Root(self, name, python, layout, program)
        self.hosts.append(host)
        return host

    def stop(self):
        for host in self.hosts:
            host.stop()
        shutil.rmtree(self.top, ignore_errors=True)


class Root(Host):
    """python: the interpreter that Ansible uses, None for a host without."""

    def __init__(self, fleet, name, python, layout, program):
        super().__init__(os.path.join(fleet.top, name), LAYOUTS[layout])
        self.fleet, self.name, self.python, self.layout = fleet, name, python, layout
        self.first = self.pid = None
        self.more = {}          # variables of the inventory
        self._make_system(fleet.shared)
        if program:
            self.put_program()
        if layout in ("venv", "kolla"):
            self._make_environment()

    # ---- files

    def _make_system(self, shared):
        for name in ("bin", "sbin", "usr/bin", "usr/sbin", "usr/lib", "proc", "dev", "tmp", "root",
                     "run/systemd/system", "etc/systemd/system", "var/log", "var/lib", "var/spool",
                     "var/cache", "usr/share"):
            os.makedirs(self.path(name), exist_ok=True)
        link(os.path.join(shared, "busybox"), self.path("bin/busybox"))
        for applet in APPLETS:
            os.symlink("busybox", self.path("bin", applet))
        for source in COPIED:
            if os.path.exists(os.path.join(shared, os.path.basename(source))):
                link(os.path.join(shared, os.path.basename(source)), self.path(source.lstrip("/")))
        for name, text in (("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
                            "cinder:x:165:165::/:/bin/sh\nnova:x:162:162::/:/bin/sh\n"),
                           ("etc/group", "root:x:0:\ncinder:x:165:\nnova:x:162:\n"),
                           ("etc/gshadow", "root:*::\ncinder:!::\nnova:!::\n"),
                           ("etc/shadow", "root:*:1:0:99999:7:::\n"),
                           ("etc/nsswitch.conf", "passwd: files\ngroup: files\n"),
                           ("etc/machine-id", "%032x\n" % (abs(hash(self.top)) % 16**32))):
            self.put(name, text)
        self.put("usr/bin/systemctl", SYSTEMCTL, 0o755)
        self.put("usr/bin/sp-start", START, 0o755)
        for number, name in ((3, "null"), (5, "zero"), (8, "random"), (9, "urandom")):
            os.mknod(self.path("dev", name), stat.S_IFCHR | 0o666, os.makedev(1, number))
            os.chmod(self.path("dev", name), 0o666)
        os.chmod(self.path("tmp"), 0o1777)

    def put(self, name, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    def put_program(self):
        shared = self.fleet.shared
        link(os.path.join(shared, os.path.basename(PROGRAM)), self.path("usr/sbin/sp-openstack"))
        for name in ("manifests", "drivers"):
            put_tree(os.path.join(shared, name), self.path("usr/share/sp-openstack", name))

    def _make_environment(self):
        top = os.path.dirname(os.path.dirname(os.path.dirname(self.site)))
        self.put(os.path.join(top, "bin/python"), "")
        os.chmod(self.path(top, "bin/python"), 0o755)
        os.symlink("python", self.path(top, "bin/python2.7"))
        if self.layout == "kolla":
            self.put("usr/local/bin/kolla_start", "#!/bin/sh\n", 0o755)
            os.rmdir(self.path("run/systemd/system"))

    def put_stand_in(self, component, release):
        self.put_files(stand_ins.files_of(component, release))
        self.put_metadata(component.replace("_", "-"), stand_ins.VERSIONS[component, release])

    def put_package(self, source):
        put_tree(source, self.path(self.site))

    def put_service(self, program):
        """The name of its unit, which has to be started by sp-start."""
        name = UNITS.get(self.layout, "%s") % program
        path = "usr/bin/" + program
        if self.layout in ("venv", "kolla"):
            path = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(self.site))), "bin",
                                program)
        self.put(path, SERVICE, 0o755)
        self.put("etc/systemd/system/%s.service" % name,
                 "[Service]\nExecStart=/%s\n" % path)
        return name

    # ---- running

    def _mounts(self):
        sources = sorted({os.path.realpath(name) for name in LIBRARIES if os.path.isdir(name)})
        for name in ("/lib", "/lib64"):
            if os.path.islink(name) and not os.path.lexists(self.path(name[1:])):
                os.symlink(os.readlink(name), self.path(name[1:]))
        if self.python:
            prefix = os.path.dirname(os.path.dirname(self.python))
            if prefix == "/usr":
                sources.append("/usr/lib/python3")
                sources.append("/usr/lib/" + os.path.basename(self.python))
                link(self.python, self.path(self.python[1:]))
            else:
                sources.append(prefix)
        lines = []
        for source in sources:
            if os.path.isdir(source):
                os.makedirs(self.path(source[1:]), exist_ok=True)
                lines.append('mount --bind "%s" "$root%s"\nmount -o remount,bind,ro "$root%s"'
                             % (source, source, source))
        return "\n".join(lines)

    def start(self, *programs):
        """Starts the host, and on it these services."""
        if os.path.exists(self.path("run/ready")):
            os.unlink(self.path("run/ready"))
        names = [self.put_service(program) for program in programs]
        self.first = subprocess.Popen(
            ["unshare", "-m", "-p", "-f", "--kill-child", "sh", "-c", INIT % self._mounts()],
            env={"root": self.top, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/",
            preexec_fn=end_with_parent)
        end = time.monotonic() + TIMEOUT
        while not os.path.exists(self.path("run/ready")):
            if self.first.poll() is not None or time.monotonic() > end:
                raise RuntimeError("host %s does not start" % self.name)
            time.sleep(0.02)
        with open("/proc/%d/task/%d/children" % (self.first.pid, self.first.pid),
                  encoding="ascii") as file:
            self.pid = int(file.read().split()[0])
        for name in names:
            self.sh("sp-start '%s'" % name)

    def stop(self):
        if self.first:
            self.first.kill()
            self.first.wait()
            self.first = None

    def command(self, text):
        return ["nsenter", "-t", str(self.pid), "-m", "-p", "-r", "-w", "/bin/sh", "-c", text]

    def sh(self, text, check=True):
        done = subprocess.run(self.command(text), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, encoding="utf-8",
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, timeout=TIMEOUT)
        if check and done.returncode:
            raise RuntimeError("%s: %s: exit %d: %s" % (self.name, text, done.returncode,
                                                        done.stdout))
        return done.stdout

    def popen(self, text):
        """A process that stays; its first line is awaited."""
        child = subprocess.Popen(self.command(text), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        child.stdout.readline()
        return child

    def calls(self):
        """What systemctl was told."""
        log = self.path("var/log/systemctl")
        if not os.path.exists(log):
            return []
        with open(log, encoding="utf-8") as file:
            return file.read().splitlines()

    def variables(self):
        return {"ansible_connection": "sp_root", "sp_root_pid": self.pid,
                "ansible_remote_tmp": "/tmp/.ansible",
                "ansible_python_interpreter": self.python or "/no/python", **self.more}

    # ---- a network of which it may be cut off

    UNREACHABLE = "run/unreachable"

    def cut_off(self, cut=True):
        """plugins/connection/sp_root.py looks for that file."""
        if cut:
            self.put(self.UNREACHABLE, "")
        else:
            os.unlink(self.path(self.UNREACHABLE))
