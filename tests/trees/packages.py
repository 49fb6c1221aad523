#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the whole cycle on every Mitaka to Pike release that the package index has, and then
`matrix` on all of them at once, as they are downloaded and unpacked.

    tests/trees/packages.py [--jobs N] [PATTERN...]        os_brick-1.6.2, cinder, newton
    tests/trees/packages.py --fetch os_brick-1.2.0 DIR     only unpack one into DIR

Needs python3 and pip, and nothing of what the packages themselves need. They are downloaded once,
by pip and from wherever pip is set up to look, into ${SP_TEST_CACHE:-~/.cache/sp-openstack}. No
code of a package is run: for a source distribution pip asks the build system for the metadata,
and is given one that only reads what is written in PKG-INFO.
"""

import argparse
import concurrent.futures
import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from clones import key, release_of
from cycle import (DISTRIBUTION, TOP, Failure, Report, Tool, cycle, find_python2, make_odd)
from run import Place, attempt

VERSIONS = {
    "cinder": ("10.0.8", "11.2.0", "11.2.1", "11.2.2"),
    "nova": ("15.1.5", "16.1.6", "16.1.7", "16.1.8"),
    "os_brick": ("1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.6.0", "1.6.1", "1.6.2",
                 "1.7.0", "1.8.0", "1.9.0", "1.10.0", "1.11.0", "1.11.1", "1.12.0", "1.13.0",
                 "1.13.1", "1.14.0", "1.15.0", "1.15.1", "1.15.2", "1.15.3", "1.15.4", "1.15.5",
                 "1.15.6", "1.15.7", "1.15.8", "1.15.9"),
}

# Versions with the same contents, which then tell no more than that.
SAME = {("os_brick", "1.1.0"): "1.1.0 or 1.2.0", ("os_brick", "1.2.0"): "1.1.0 or 1.2.0"}

# What pip runs in place of setuptools; see above.
BACKEND = '''
import os


def get_requires_for_build_wheel(config_settings=None):
    return []


def prepare_metadata_for_build_wheel(directory, config_settings=None):
    fields = {}
    with open("PKG-INFO", encoding="utf-8", errors="replace") as file:
        for line in file:
            name, _, value = line.partition(":")
            fields.setdefault(name.strip(), value.strip())
    made = "%s-%s.dist-info" % (fields["Name"].replace("-", "_"), fields["Version"])
    os.mkdir(os.path.join(directory, made))
    with open(os.path.join(directory, made, "METADATA"), "w", encoding="utf-8") as file:
        file.write("Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n"
                   % (fields["Name"], fields["Version"]))
    return made


class __legacy__:
    get_requires_for_build_wheel = staticmethod(get_requires_for_build_wheel)
    prepare_metadata_for_build_wheel = staticmethod(prepare_metadata_for_build_wheel)
'''


def cache():
    base = os.environ.get("SP_TEST_CACHE")
    if not base:
        base = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                            "sp-openstack")
    directory = os.path.join(base, "packages")
    os.makedirs(directory, exist_ok=True)
    return directory


def pip(directory, requirement, *options, environment=None):
    """None, or what pip says is wrong."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
               "--no-deps", "--dest", directory] + list(options) + [requirement]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, check=False, encoding="utf-8", errors="replace",
                          env=dict(os.environ, **(environment or {})), timeout=600)
    return None if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def download(component, version, kinds=("wheel", "sdist")):
    """The archive in the cache, of the first kind that there is: a wheel, a source distribution."""
    directory = cache()

    def cached():
        wheel = [os.path.join(directory, name) for name in os.listdir(directory)
                 if name.startswith("%s-%s-" % (component, version)) and name.endswith(".whl")]
        sdist = [path for path in (os.path.join(directory, "%s-%s.tar.gz" % (name, version))
                                   for name in (component, DISTRIBUTION[component]))
                 if os.path.exists(path)]
        found = {"wheel": wheel, "sdist": sdist}
        return next((found[kind][0] for kind in kinds if found[kind]), None)

    if cached():
        return cached()
    requirement = "%s==%s" % (DISTRIBUTION[component], version)
    scratch = tempfile.mkdtemp(dir=directory, prefix=".fetch.")
    try:
        problem = "no kind is asked for"
        if "wheel" in kinds:
            problem = pip(scratch, requirement, "--only-binary", ":all:", "--python-version", "2.7",
                          "--implementation", "py", "--abi", "none", "--platform", "any")
        if problem and "sdist" in kinds:
            stand_in = os.path.join(scratch, "stand-in")
            os.makedirs(os.path.join(stand_in, "setuptools"))
            for name, text in (("__init__.py", ""), ("build_meta.py", BACKEND)):
                path = os.path.join(stand_in, "setuptools", name)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            problem = pip(scratch, requirement, "--no-binary", ":all:", "--no-build-isolation",
                          "--use-pep517", environment={"PYTHONPATH": stand_in})
        if problem:
            raise Failure("can't be downloaded: %s" % problem)
        for name in os.listdir(scratch):
            if name.endswith((".whl", ".tar.gz")):
                os.rename(os.path.join(scratch, name), os.path.join(directory, name))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if not cached():
        raise Failure("pip downloads something else than asked for")
    return cached()


def unpack_wheel(archive, component, site):
    with zipfile.ZipFile(archive) as wheel:
        for member in wheel.infolist():
            top = member.filename.split("/")[0]
            if top == component or top.endswith(".dist-info"):
                path = wheel.extract(member, site)
                moment = time.mktime(member.date_time + (0, 0, -1))
                os.utime(path, (moment, moment))


def unpack_sdist(archive, component, version, site):
    """The package, and its metadata by the name that an installed egg has."""
    information = "%s-%s-py2.7.egg-info" % (component, version)
    options = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
    with tarfile.open(archive) as sdist:
        for member in sdist:
            parts = member.name.split("/")
            if len(parts) < 2 or not (member.isfile() or member.isdir()) or ".." in parts:
                continue
            if parts[1] == component:
                member.name = "/".join(parts[1:])
            elif parts[1] == component + ".egg-info":
                member.name = "/".join([information] + parts[2:])
            else:
                continue
            sdist.extract(member, site, **options)


def unpack(component, version, site):
    archive = download(component, version)
    if archive.endswith(".whl"):
        unpack_wheel(archive, component, site)
    else:
        unpack_sdist(archive, component, version, site)
    if not os.path.exists(os.path.join(site, component, "__init__.py")):
        raise Failure("%s has no package in it" % os.path.basename(archive))


def whole_cycle(component, version, program, scratch, python2):
    release = release_of(component, version)
    with Place(scratch) as place:
        unpack(component, version, place.site)
        make_odd(place.site, component)
        tool = Tool(program, place.site, place.work)
        cycle(tool, component, release, {version}, "metadata", python2)
        shutil.rmtree(place.work, ignore_errors=True)
        for name in os.listdir(place.site):
            if name.endswith((".dist-info", ".egg-info")):
                shutil.rmtree(os.path.join(place.site, name))
        try:
            cycle(tool, component, release, {SAME.get((component, version), version)}, "checksums",
                  None)
        except Failure as failure:
            raise Failure("without metadata: %s" % failure) from failure


def rows(program, trees):
    """What `matrix` says of each tree, but for the time it took."""
    done = subprocess.run([program, "--json", "matrix"] + trees, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          encoding="utf-8", timeout=600)
    if done.returncode or done.stderr:
        raise Failure("matrix: exit status %d: %s" % (done.returncode, done.stderr.strip()))
    answer = json.loads(done.stdout)
    if answer["integrable"] != len(trees) or [row["tree"] for row in answer["trees"]] != trees:
        raise Failure("matrix: %d of %d trees can be integrated" % (answer["integrable"],
                                                                    len(trees)))
    return [row["components"] for row in answer["trees"]]


def matrix(packages, program, scratch):
    """Every release at once: each as its archive and as its directory, with the same answer."""
    expected = [[{"component": component, "version": version,
                  "release": release_of(component, version), "state": "not-installed"}]
                for component, version in packages]
    archives = [download(component, version) for component, version in packages]
    directories = []
    for component, version in packages:
        directories.append(tempfile.mkdtemp(dir=scratch))
        unpack(component, version, directories[-1])
    for kind, trees in (("archives", archives), ("directories", directories)):
        for row, right in zip(rows(program, trees), expected):
            if row != right:
                raise Failure("%s: %s in place of %s" % (kind, row, right))


def wanted(component, version, patterns):
    name = "%s-%s" % (component, version)
    return not patterns or any(
        fnmatch.fnmatch(name, pattern) or pattern in (component, version,
                                                      release_of(component, version))
        for pattern in patterns)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=os.path.join(TOP, "sp-openstack"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--fetch", nargs=2, metavar=("NAME-VERSION", "DIR"))
    parser.add_argument("pattern", nargs="*")
    given = parser.parse_args()
    if given.fetch:
        component, _, version = given.fetch[0].partition("-")
        try:
            unpack(component, version, given.fetch[1])
        except Failure as failure:
            print("%s: %s" % (given.fetch[0], failure), file=sys.stderr)
            return 1
        return 0

    program = os.path.abspath(given.program)
    if not os.access(program, os.X_OK):
        parser.error("%s: not there; build it first" % program)
    report, start, python2 = Report(), time.monotonic(), find_python2()
    if not python2:
        report.skip("compiling under Python 2.7: no python2.7 here; set PYTHON2")
    packages = [(component, version) for component in VERSIONS
                for version in sorted(VERSIONS[component], key=key)
                if wanted(component, version, given.pattern)]
    scratch = tempfile.mkdtemp(prefix="sp-openstack-packages.")
    os.chmod(scratch, 0o755)
    try:
        with concurrent.futures.ProcessPoolExecutor(given.jobs) as pool:
            running = [(component, version, pool.submit(attempt, whole_cycle, component, version,
                                                        program, scratch, python2))
                       for component, version in packages]
            for component, version, future in running:
                _, problem = future.result()
                name = "%s %s (%s)" % (component, version,
                                       release_of(component, version).capitalize())
                if problem:
                    report.fail("%s: %s" % (name, problem))
                else:
                    report.ok(name)
        if packages:
            _, problem = attempt(matrix, packages, program, scratch)
            if problem:
                report.fail("matrix: %s" % problem)
            else:
                report.ok("matrix of %d archives and of %d directories" % ((len(packages),) * 2))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print("%d packages, in %.0f s" % (len(packages), time.monotonic() - start))
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
