# SPDX-License-Identifier: Apache-2.0
"""What the machine must have, and how to install it."""

import contextlib
import os
import shutil
import subprocess

# Program or file -> Debian package.
PACKAGES = {
    "/usr/lib/rabbitmq/bin/rabbitmq-server": "rabbitmq-server",
    "qemu-img": "qemu-utils",
    "mariadbd": "mariadb-server",
    "mount": "mount",
    "unshare": "util-linux",
    "nsenter": "util-linux",
}

POLICY = "/usr/sbin/policy-rc.d"
POLICY_ASIDE = POLICY + ".sp-openstack-tests"
POLICY_TEXT = """#!/bin/sh
# Made by the tests of sp-openstack while they install packages: start no service.
exit 101
"""


def absent():
    """Return what is not there: program -> package."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return {program: package for program, package in PACKAGES.items()
            if not shutil.which(program, path=path)}


@contextlib.contextmanager
def no_services():
    """Let packages start no service when they are installed.

    A policy file that is there already is put aside, and back afterwards.
    """
    restore_policy()
    if os.path.lexists(POLICY):
        os.rename(POLICY, POLICY_ASIDE)
    try:
        with open(POLICY, "w") as opened:
            opened.write(POLICY_TEXT)
        os.chmod(POLICY, 0o755)
        yield
    finally:
        restore_policy()


def restore_policy():
    """Remove our policy file, also that of a run which was killed."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        with open(POLICY) as opened:
            ours = opened.read() == POLICY_TEXT
        if ours:
            os.unlink(POLICY)
    if os.path.lexists(POLICY_ASIDE) and not os.path.lexists(POLICY):
        os.rename(POLICY_ASIDE, POLICY)


def install():
    """Install what is absent, and return the reason if that cannot be done, or ''."""
    wanted = sorted(set(absent().values()))
    if not wanted:
        return ""
    if not shutil.which("apt-get"):
        return "there is no %s, and no apt-get" % ", ".join(sorted(absent()))
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=600"]
    with no_services():
        for words in (["update"], ["install", "--yes", "--no-install-recommends"] + wanted):
            done = subprocess.run(apt + words, env=env, stdin=subprocess.DEVNULL, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode or absent():
        lines = done.stdout.strip().splitlines() or ["no output"]
        return "cannot install %s: %s" % (", ".join(wanted), lines[-1])
    return ""


def missing():
    """Return why the services cannot run on this machine, or ''."""
    if os.geteuid() != 0:
        return "needs root"
    if not os.path.exists("/dev/loop-control"):
        return "needs loop devices"
    reason = install()
    if reason:
        return reason
    probe = ("mount -t tmpfs none /mnt && mknod /mnt/loop b 7 0 && mkdir /mnt/a /mnt/b /mnt/c && "
             "mount -t overlay -o lowerdir=/mnt/a,upperdir=/mnt/b,workdir=/mnt/c none /mnt/a && "
             "{ : </dev/loop-control; }")
    done = subprocess.run(["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork",
                           "sh", "-ec", probe], check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        lines = done.stdout.strip().splitlines() or ["unshare failed"]
        return "needs namespaces, overlays and devices: %s" % lines[-1]
    return ""
