# SPDX-License-Identifier: Apache-2.0
"""Ansible from the package index, in environments of its own that are made once, below
${SP_TEST_CACHE:-~/.cache/sp-openstack-ansible}; and interpreters for the managed hosts."""

import glob
import os
import re
import shutil
import subprocess
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# The last that manages hosts with Python 2.7 and 3.6; what runs here and is newest.
OLD, NEWEST = "ansible-core==2.16.*", "ansible-core"
SETS = {"ansible-core-2.16": (OLD,), "newest": (NEWEST, "ansible-lint")}
OLDEST = {"ansible-core-2.16": (3, 10), "newest": (3, 12)}
LATEST = {"ansible-core-2.16": (3, 12), "newest": (3, 14)}


def cache():
    base = os.environ.get("SP_TEST_CACHE")
    return os.path.join(base, "ansible") if base else os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "sp-openstack-ansible")


def version_of(program):
    """(2, 7), or None if it does not run. What it is, not what it is called: pyenv has names for
    interpreters that it does not start."""
    try:
        done = subprocess.run([program, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
                              encoding="ascii", timeout=30)
    except OSError:
        return None
    return tuple(int(part) for part in done.stdout.split(".")) if done.returncode == 0 else None


def interpreters():
    """{(2, 7): path}, each the real file."""
    found = {}
    names = ["python2.7", "python3"] + ["python3.%d" % minor for minor in range(6, 15)]
    programs = [shutil.which(name) for name in names]
    programs += sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python")))
    for program in programs:
        version = version_of(program) if program else None
        if version and version not in found:
            found[version] = subprocess.run(
                [program, "-c", "import os, sys; print(os.path.realpath(sys.executable))"],
                stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout.strip()
    return found


class Ansible:
    """Programs of one environment."""

    def __init__(self, name):
        self.name, self.top = name, os.path.join(cache(), name)
        if not os.path.exists(os.path.join(self.top, ".complete")):
            self._make()

    def _make(self):
        usable = [version for version in interpreters()
                  if OLDEST[self.name] <= version <= LATEST[self.name]]
        if not usable:
            raise unittest.SkipTest("%s: no Python from %d.%d on here" % ((self.name,)
                                                                          + OLDEST[self.name]))
        shutil.rmtree(self.top, ignore_errors=True)
        python = interpreters()[max(usable)]
        os.makedirs(cache(), exist_ok=True)
        for command in ([python, "-m", "venv", self.top],
                        [self.top + "/bin/pip", "install", "--quiet",
                         "--disable-pip-version-check"] + list(SETS[self.name])):
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  check=False, encoding="utf-8", timeout=900)
            if done.returncode:
                raise unittest.SkipTest("%s cannot be had: %s" % (
                    self.name, (done.stderr.strip().splitlines() or ["?"])[-1]))
        with open(os.path.join(self.top, ".complete"), "w", encoding="ascii"):
            pass

    def program(self, name):
        return os.path.join(self.top, "bin", name)

    def environment(self, **more):
        """Nothing of who calls: no configuration, no collections of theirs."""
        env = {"PATH": self.top + "/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent",
               "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
               "ANSIBLE_FORCE_COLOR": "0", "NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1"}
        env.update(more)
        return env

    def run(self, name, *arguments, cwd="/", timeout=900, **more):
        return subprocess.run([self.program(name)] + list(arguments), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              encoding="utf-8", errors="replace", cwd=cwd, timeout=timeout,
                              env=self.environment(**more))

    @property
    def version(self):
        return re.search(r"core ([\w.]+)", self.run("ansible", "--version").stdout).group(1)
