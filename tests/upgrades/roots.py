# SPDX-License-Identifier: Apache-2.0
"""Roots to install packages into: layers on top of each other (overlayfs), all in one tmpfs.

A case works on a layer of its own, so what comes before it is done once for all cases. Everything
is mounted in a mount namespace of this test, and what runs in a root has a process namespace of its
own: with its first process all the others end.
"""

import ctypes
import os
import shutil
import subprocess
import tempfile
import threading

from cycle import Failure

CLONE_NEWNS = 0x20000
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "LC_ALL": "C.UTF-8", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive",
               "TERM": "dumb"}
TIMEOUT = 900


def enter_namespace():
    """Mounts from here on are this process's own, and end with it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def why_not():
    """Why nothing of this can be done here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    for option in (["-m"], ["-m", "-p", "-f", "--kill-child", "--mount-proc"]):
        done = subprocess.run(["unshare"] + option + ["true"], stderr=subprocess.PIPE, check=False)
        if done.returncode:
            return "no namespaces: %s" % done.stderr.decode().strip()
    with open("/proc/filesystems", encoding="utf-8") as file:
        known = file.read().split()
    if "overlay" not in known:
        subprocess.run(["modprobe", "-q", "overlay"], check=False)
        with open("/proc/filesystems", encoding="utf-8") as file:
            known = file.read().split()
    return None if "overlay" in known else "no overlayfs in this kernel"


class Result:
    def __init__(self, command, status, out):
        self.command, self.status, self.out = command, status, out

    def __str__(self):
        return "`%s` ends with %s: %s" % (
            " ".join(self.command), self.status, " | ".join(self.out.strip().splitlines()[-6:]))


class Space:
    """The tmpfs with all layers."""

    def __init__(self):
        self.top = tempfile.mkdtemp(prefix="sp-openstack-upgrades.")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755,size=75%", "none", self.top],
                       check=True)
        self.count, self.lock = 0, threading.Lock()

    def new(self, name):
        with self.lock:
            self.count += 1
            path = os.path.join(self.top, "%04d-%s" % (self.count, name))
        os.mkdir(path)
        return path

    def close(self):
        subprocess.run(["umount", "-l", self.top], check=False)
        os.rmdir(self.top)


class Root:
    """A root of some layers; `with` mounts it. What was written to it is its own layer."""

    def __init__(self, space, below=(), name="case", shown=None):
        self.space, self.below = space, list(below)
        self.place = space.new(name)
        self.upper, self.top = (os.path.join(self.place, part) for part in ("upper", "root"))
        self.shown = shown or {}
        for part in ("upper", "root", "work"):
            os.mkdir(os.path.join(self.place, part))

    def __enter__(self):
        self.mount()
        return self

    def __exit__(self, *_):
        self.unmount()

    def mount(self):
        below = self.below or [self.space.new("empty")]
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", "lowerdir=%s,upperdir=%s,"
                        "workdir=%s" % (":".join(below), self.upper,
                                        os.path.join(self.place, "work")), self.top], check=True)
        for directory, here in self.shown.items():
            os.makedirs(self.path(here), exist_ok=True)
            subprocess.run(["mount", "--bind", "-o", "ro", directory, self.path(here)], check=True)

    def unmount(self):
        for here in self.shown.values():
            subprocess.run(["umount", "-l", self.path(here)], check=False)
        subprocess.run(["umount", "-l", self.top], check=True)

    def remove(self):
        shutil.rmtree(self.place, ignore_errors=True)

    def layers(self):
        """For roots on top of this one, which may not change any more."""
        return [self.upper] + self.below

    def path(self, name):
        return os.path.join(self.top, name.lstrip("/"))

    def exists(self, name):
        return os.path.lexists(self.path(name))

    def read(self, name):
        with open(self.path(name), encoding="utf-8", errors="surrogateescape") as file:
            return file.read()

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def run(self, *command, inside=True, status=0, extra=None):
        """Runs a command in the root (or, not inside, on it), and all that it leaves behind ends
        with it. status: what it must end with, None: anything."""
        prefix = ["unshare", "-m", "-p", "-f", "--kill-child"]
        prefix += ["-R", self.top, "--mount-proc"] if inside else ["--mount-proc"]
        done = subprocess.run(prefix + list(command), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              cwd="/", timeout=TIMEOUT, env=dict(ENVIRONMENT, **(extra or {})))
        result = Result(command, done.returncode, done.stdout.decode("utf-8", "replace"))
        if status is not None and result.status != status:
            raise Failure(str(result))
        return result
