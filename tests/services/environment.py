# SPDX-License-Identifier: Apache-2.0
"""What runs: the environments of tests/drivers/matrix.py, and a few things that services need more.

All of it is cached and stays as it is. A run sees an environment through an overlay, at its own
path, and changes that only.
"""

import contextlib
import fcntl
import glob
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "drivers"))

import matrix  # noqa: E402

# For Python 2.7: in all releases the database driver. In Mitaka also the SQLAlchemy that its
# migrations are written for (1.1 refuses their text columns that count by themselves), and a
# setuptools whose versions oslo.utils 3.8 can take apart, which each RPC with a time limit needs.
MORE = {
    "all": ("PyMySQL==0.10.1",),
    "mitaka": ("SQLAlchemy==1.0.19", "setuptools==36.8.0"),
}

# What the installation of cinder leaves out.
FILES = ("etc/cinder/", "cinder/db/sqlalchemy/migrate_repo/")

# The client, on Python 3: the newest that still knows the first version of API 3, Mitaka's.
CLIENT = ("python-cinderclient==9.5.0", "python-openstackclient==6.6.0")


@contextlib.contextmanager
def locked(name):
    """Let no other run build the same at the same time."""
    os.makedirs(matrix.cache_dir(), exist_ok=True)
    with open(os.path.join(matrix.cache_dir(), "." + name + ".lock"), "w") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def once(name, wanted, build):
    """Build something in the cache, unless it is there.

    :param wanted: what it is made from, for it to be built again when that changes
    :param build: a function of the directory
    :returns: the directory
    """
    directory = os.path.join(matrix.cache_dir(), name)
    stamp = os.path.join(directory, ".complete")
    with locked(name):
        with contextlib.suppress(OSError), open(stamp) as opened:
            if opened.read() == repr(wanted):
                return directory
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        build(directory)
        with open(stamp, "w") as opened:
            opened.write(repr(wanted))
    return directory


def client():
    """Return the Python 3 that has the clients of cinder."""
    def build(directory):
        matrix.run(sys.executable, "-m", "venv", directory)
        matrix.run(os.path.join(directory, "bin", "python"), "-m", "pip", "install", "--quiet",
                   "--disable-pip-version-check", *CLIENT)
    return os.path.join(once("services-client", (CLIENT, sys.version), build), "bin", "python3")


def clone_of_cinder(environment):
    """Return the clone of cinder, or None."""
    return environment._clone("cinder")  # pylint: disable=protected-access


def check(release, git):
    """See whether cinder can be had, before anything is built for it.

    :raises Unavailable: it cannot
    """
    environment = matrix.Environment(release, git)
    version = environment.versions.cinder
    if clone_of_cinder(environment) is not None:
        return
    try:
        found = matrix.run(sys.executable, "-m", "pip", "index", "versions", "cinder",
                           "--disable-pip-version-check")
    except matrix.Unavailable:
        return  # an older pip cannot tell; the installation will
    if version not in re.split(r"[\s,()]+", found):
        raise matrix.Unavailable("cinder %s is not in the package index, and GIT names no clone of "
                                 "it" % version)


class Prepared:
    """A release that is ready to be run.

    directory, python, site: those of the environment; more: a directory of packages that come
    before its own; etc: cinder's own configuration files; data: other files of the package that
    its installation left out.
    """

    def __init__(self, release, git):
        environment = matrix.Environment(release, git)
        with locked("matrix-" + release):
            environment.build(matrix.find_python2(), False)
        if "cinder" in environment.missing:
            raise matrix.Unavailable(environment.missing["cinder"])
        self.release = release
        self.directory = environment.directory
        self.python = environment.python
        self.site = environment.site
        self.version = environment.versions.cinder
        packages = MORE["all"] + MORE.get(release, ())
        self.more = once("services-more-" + release, packages, lambda directory: matrix.run(
            self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--no-deps", "--target", directory, *packages))
        clone = clone_of_cinder(environment)

        def build(directory):
            if clone is None:
                self._extract_package(FILES, directory)
            else:
                extract(clone, self.version, FILES, directory)
        source = once("services-files-" + release, (self.version, 1), build)
        self.etc = os.path.join(source, "etc", "cinder")
        self.data = source

    def _extract_package(self, paths, directory):
        """Take files out of cinder's source package in the package index."""
        with tempfile.TemporaryDirectory() as download:
            matrix.run(self.python, "-m", "pip", "download", "--quiet", "--no-deps",
                       "--disable-pip-version-check", "--no-binary", ":all:", "--dest", download,
                       "cinder==" + self.version)
            package, = os.listdir(download)
            with tarfile.open(os.path.join(download, package)) as opened:
                for member in opened.getmembers():
                    member.name = member.name.partition("/")[2]
                    if member.isfile() and member.name.startswith(paths):
                        opened.extract(member, directory)

    def data_files(self):
        """Return the files that the installation left out: path below site -> path."""
        found = {}
        for path in glob.glob(os.path.join(self.data, "cinder", "**"), recursive=True):
            name = os.path.relpath(path, self.data)
            if os.path.isfile(path) and not os.path.exists(os.path.join(self.site, name)):
                found[name] = path
        return found


def extract(clone, revision, paths, directory):
    """Take files of a revision out of a clone."""
    archive = subprocess.run(["git", "-C", clone, "archive", revision] + list(paths), check=True,
                             stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        opened.extractall(directory)
