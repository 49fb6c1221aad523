# SPDX-License-Identifier: Apache-2.0
"""The real libraries, installed once from the package index into ~/.cache/sp-openstack-config or
$SP_TEST_CACHE/config, and asked in processes of their own."""

import glob
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(os.environ["SP_TEST_CACHE"], "config") if "SP_TEST_CACHE" in os.environ \
    else os.path.expanduser("~/.cache/sp-openstack-config")

# the last of each series, and the libraries that all of them import
OSLO = {"mitaka": "3.9.0", "newton": "3.17.1", "ocata": "3.22.2", "pike": "4.11.2"}
OSLO_NEEDS = ("six", "stevedore<2", "debtcollector<2", "netaddr<0.8", "rfc3986<2", "oslo.i18n<4",
              "PyYAML<6", "pbr", "enum34")
CONFGET = (("2.3.4", 2), ("4.1.1", 2), ("4.1.1", 3), ("5.1.2", 3))


class Missing(Exception):
    """A library or an interpreter is not to be had here."""


def find_python(major):
    """The path of Python 2.7 or 3."""
    if major == 3:
        return sys.executable
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    for candidate in [os.environ.get("PYTHON2"), "python2.7"] + glob.glob(
            os.path.join(pyenv, "versions", "2.7.*", "bin", "python2.7")):
        if candidate and shutil.which(candidate) and subprocess.run(
                [candidate, "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                check=False).returncode == 0:
            return candidate
    raise Missing("no python2.7 that runs; PYTHON2 may name one")


def install(python, name, *wanted):
    """The directory with these distributions; installed unless it is there."""
    directory = os.path.join(CACHE, name)
    if os.path.isdir(directory):
        return directory
    os.makedirs(CACHE, exist_ok=True)
    new = "%s.new.%d" % (directory, os.getpid())
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target",
         new] + list(wanted), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        shutil.rmtree(new, ignore_errors=True)
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["pip failed"]
        raise Missing("cannot install %s: %s" % (" ".join(wanted), lines[-1]))
    try:
        os.rename(new, directory)
    except OSError:     # another run was faster
        shutil.rmtree(new, ignore_errors=True)
    return directory


class Oracle:
    """A process that answers requests."""

    def __init__(self, name, command, env=None):
        self.name = name
        full = dict(os.environ, LC_ALL="C", PYTHONDONTWRITEBYTECODE="1", **(env or {}))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=full)

    def line(self, text):
        self.process.stdin.write(text.encode("utf-8") + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError("%s has ended" % self.name)
        return json.loads(answer.decode("utf-8"))

    def ask(self, **request):
        return self.line(json.dumps(request))

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def oslo(series):
    """oslo.config of a series."""
    python = find_python(2)
    version = OSLO[series]
    path = [install(python, "oslo.config-" + version, "--no-deps", "oslo.config==" + version),
            install(python, "oslo.config-needs", *OSLO_NEEDS)]
    return Oracle("oslo.config " + version, [python, os.path.join(HERE, "oracle_oslo.py")],
                  {"PYTHONPATH": os.pathsep.join(path)})


def confget(version, major):
    python = find_python(major)
    path = install(python, "confget-%s-python%d" % (version, major), "confget==" + version)
    return Oracle("confget %s on Python %d" % (version, major),
                  [python, os.path.join(HERE, "oracle_confget.py")], {"PYTHONPATH": path})
