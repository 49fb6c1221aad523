# SPDX-License-Identifier: Apache-2.0
"""What both families do to a host with the drivers, and what must hold then.

put() is the package manager with files (dpkg -i, rpm -U), upgrade() the one that finds packages
(apt-get, dnf). In titles they have the names that a family gives them.
"""

import contextlib
import fcntl
import os
import re
import struct
import subprocess
import threading

from cycle import TOP, Failure
from hosts import COMPONENTS, EITHER, SERVICES, WORK
from trees import NEXT

COMMON = []


def register(cases):
    """A decorator that adds a case to a list."""
    def case(title, on="integrated", quick=True, releases=None):
        def add(function):
            cases.append((title, function, on, quick, releases))
            return function
        return add
    return case


def of_family(**words):
    """The common cases, their titles in a family's words."""
    return [(title.format(**words),) + tuple(rest) for title, *rest in COMMON]


case = register(COMMON)


# ---- upgrades ----------------------------------------------------------------------------------


@case("{put} of all, libraries first")
def all_at_once(host):
    host.put(*host.files())
    host.started(*SERVICES)
    host.sound()


@case("{upgrade} of all")
def upgrade(host):
    host.upgrade()
    host.started(*SERVICES)
    host.sound()


@case("{upgrade} to the next release", releases=("mitaka", "newton", "ocata"))
def next_release(host):
    host.upgrade(number=1, release=host.next)
    host.started(*SERVICES)
    host.sound()


@case("{upgrade} from Mitaka to Pike, release after release", releases=("mitaka",), quick=False)
def all_releases(host):
    release = host.release
    while NEXT[release] != "queens":
        release = NEXT[release]
        host.upgrade(number=1, release=release)
        host.started(*SERVICES)
        host.sound()


@case("{upgrade} to Queens", releases=("pike",))
def queens(host):
    host.upgrade(number=1, release="queens")
    host.started(*SERVICES, wanted=EITHER)
    host.sound("included")


@case("{put} to Queens, one component after the other", releases=("pike",))
def queens_in_turns(host):
    for component in COMPONENTS:
        host.put(*host.files(host.names_of[component], 1, "queens"))
        host.are(*EITHER)
    host.started(*SERVICES, wanted=EITHER)
    host.sound("included")


# ---- what is not to be integrated --------------------------------------------------------------


@case("upgrade after uninstall: it stays out")
def after_uninstall(host):
    host.tool("uninstall")
    host.are("original")
    never(host)


@case("upgrade where nothing was ever integrated: it stays so", on="plain")
def never(host):
    host.upgrade()
    host.started(*SERVICES, wanted=("original",))
    host.sound("original")


@case("upgrade with /etc/sp-openstack/no-reapply: nothing is done")
def switched_off(host):
    host.root.write("etc/sp-openstack/no-reapply", "")
    host.put(*host.files())
    host.is_lost()
    host.run("rm", "/etc/sp-openstack/no-reapply")
    host.tool("reapply", "-q")
    host.sound()


@case("only cinder is integrated: nova stays as it is", on="plain", quick=False)
def only_cinder(host):
    host.integrate("cinder", "os_brick")
    host.upgrade()
    host.are("integrated", components=("cinder", "os_brick"))
    host.are("original", components=("nova",))
    host.consistent()


@case("the trigger where nothing was ever integrated: it reads nothing of the packages", on="plain")
def idle(host):
    host.run("strace", "-f", "-o", host.root.path("trace"), "chroot", host.root.top,
             "/usr/sbin/sp-openstack", "reapply", "-q", inside=False)
    program = host.root.read("trace").rsplit('execve("/usr/sbin/sp-openstack"', 1)[1]
    if re.search(r"(nova|cinder|os_brick)|O_CREAT|site-packages|dist-packages|manifests", program):
        raise Failure("it looks at packages, or writes: %s" % program[:300])
    if len(program.splitlines()) > 60:
        raise Failure("it takes %d system calls" % len(program.splitlines()))


# ---- what is in the way ------------------------------------------------------------------------


@contextlib.contextmanager
def locked(host, seconds):
    """The work directory is a running command's, as fs/lock.h has it, for some seconds or more."""
    program, kept = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(kept)
        with open(host.root.path(WORK + "/lock"), "r+b") as file:
            fcntl.fcntl(file, fcntl.F_SETLK,
                        struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0) + bytes(4))
            os.read(program, 1)
        os._exit(0)
    os.close(program)
    end = threading.Timer(seconds, os.write, (kept, b"."))
    end.start()
    try:
        yield
    finally:
        end.cancel()
        with contextlib.suppress(BrokenPipeError):
            os.write(kept, b".")
        os.close(kept)
        os.waitpid(pid, 0)


def lost_until_reapply(host, out, word):
    """The package manager was not stopped, the reason was said, and nothing is half done."""
    if word not in out:
        raise Failure("nothing is said of '%s': %s" % (word, out[-300:]))
    host.is_lost()
    host.temporary()
    host.tool("reapply", "-q")
    host.sound()


@case("{put} of all while a command holds the work directory: it waits")
def waits(host):
    with locked(host, 3):
        host.put(*host.files())
    host.started(*SERVICES)
    host.sound()


@case("{put} of all while a command does not end: reapply does it later", quick=False)
def waits_in_vain(host):
    with locked(host, 600):
        out = host.put(*host.files()).out
    lost_until_reapply(host, out, "another sp-openstack")


@case("upgrade of ours while a command does not end: reapply does it later", quick=False)
def own_waits_in_vain(host):
    with locked(host, 600):
        host.install_ours(newer=True)
    host.are("integrated")
    host.tool("reapply", "-q")
    newer_drivers(host)


@contextlib.contextmanager
def full(host, directory):
    """The directory is a file system of its own, without free space until it ends."""
    place = host.root.path(directory)
    copy = place + ".copy"
    subprocess.run(["mv", place, copy], check=True)
    os.mkdir(place, os.stat(copy).st_mode & 0o7777)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "none", place], check=True)
    try:
        subprocess.run(["cp", "-a", copy + "/.", place], check=True)
        with open(place + "/filler", "wb", buffering=0) as file:
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(1 << 16))
        yield place
    finally:
        subprocess.run(["umount", place], check=True)
        subprocess.run(["rmdir", place], check=True)
        subprocess.run(["mv", copy, place], check=True)


@case("{put} of all without space for the work directory: reapply does it later")
def full_work(host):
    with full(host, WORK) as place:
        out = host.put(*host.files()).out
        os.unlink(place + "/filler")
        lost_until_reapply(host, out, "space")


@case("{put} of all without the work directory: nothing is done, and nothing fails", quick=False)
def without_work(host):
    subprocess.run(["rm", "-r", host.root.path(WORK)], check=True)
    host.put(*host.files())
    host.is_lost()
    host.tool("install", *host.groups)
    host.sound()


# ---- parts of cases ----------------------------------------------------------------------------


def gone(host, components):
    """Of these components only our modules may be left, and the program has nothing to do."""
    for component in components:
        states = host.states()[component]
        if not any(state.startswith(("removed", "absent")) for state in states):
            raise Failure("%s is %s" % (component, states[0]))
    host.tool("reapply", "-q")
    host.consistent()


def newer_drivers(host):
    """The drivers are those of our newer package, and all else is in order."""
    host.consistent()
    host.tool("check")
    for name in ("cinder/volume/drivers/storpool.py", "nova/virt/libvirt/volume/storpool.py"):
        if "# newer" not in host.root.read(os.path.join(host.site, name)):
            raise Failure("%s is the older one" % name)
    host.temporary()


def explained(host, edited):
    out = host.tool("check", "-v").out
    for name in edited:
        if not any(name in line and "as integrated by transaction" in line
                   and "differs from the package" in line for line in out.splitlines()):
            raise Failure("check -v does not explain %s" % name)


def from_readme(manager):
    """What README says to type on a host that has no compiler, without sudo: words."""
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as file:
        lines = re.findall(r"ssh HOST 'sudo (%s .*)'" % manager, file.read())
    if len(lines) != 1:
        raise Failure("README has %d lines with %s" % (len(lines), manager))
    return lines[0]


def in_manual(*lines):
    """The manual has these lines, as they were printed."""
    with open(os.path.join(TOP, "doc/sp-openstack.8"), encoding="utf-8") as file:
        manual = file.read().splitlines()
    for line in lines:
        if line not in manual:
            raise Failure("the manual has no line '%s'" % line)


def edited_files(host):
    """Those of the packages that are not as they were: told by the release's original."""
    names = []
    for component in COMPONENTS:
        version = host.family.trees.version(host.release, 1, component)
        top = host.family.trees.get(component, version)
        for directory, _, files in os.walk(os.path.join(top, component)):
            for name in files:
                path = os.path.relpath(os.path.join(directory, name), top)
                with open(os.path.join(top, path), "rb") as one, \
                        open(host.root.path(os.path.join(host.site, path)), "rb") as other:
                    if one.read() != other.read():
                        names.append(path)
    return names
