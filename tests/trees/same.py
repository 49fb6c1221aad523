#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same answers for one release, in whichever form it comes.

    tests/trees/same.py --git DIR [--program PROGRAM] [COMPONENT-VERSION]...

Each release, by default the last os-brick of each series and the releases of Cinder and Nova that
the package index has as both kinds of archives, is looked at as a directory, as a tag of a clone,
as a source distribution and as a wheel. `matrix` must say the same of all four, and so must
`check` and `diff`, to the byte but for the names of the trees and what the version was known
from. Without metadata in the repository its version is that of the contents.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from clones import clone, release_of
from cycle import DISTRIBUTION, TOP, Failure, Report
from packages import SAME, download, unpack

RELEASES = ("os_brick-1.2.0", "os_brick-1.6.2", "os_brick-1.11.1", "os_brick-1.15.9",
            "cinder-11.2.2", "nova-16.1.8")


def run(program, *arguments):
    done = subprocess.run((program,) + arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, encoding="utf-8", timeout=600)
    if done.returncode not in (0, 1):
        raise Failure("%s: exit status %d: %s" % (" ".join(arguments), done.returncode,
                                                  done.stderr.strip()))
    return done


def inside(path, component):
    """The path inside the package: "TREE:os-brick-1.2.0/os_brick/exception.py" -> exception.py."""
    _, found, rest = ("/" + path.replace(":", "/")).rpartition("/%s/" % component)
    if not found:
        raise Failure("%s is not in %s" % (path, component))
    return rest


def answers(program, tree, component):
    """What the commands say of the tree, without its name."""
    row, = json.loads(run(program, "--json", "matrix", tree).stdout)["trees"]
    part, = json.loads(run(program, "--json", "check", "--tree", tree).stdout)["components"]
    files = [(inside(file["path"], component), file["action"], file["state"])
             for file in part["files"]]
    # the older and the newer content of each file, without where the package is in the tree
    diff = [line for line in run(program, "diff", "--tree", tree).stdout.splitlines()
            if not line.startswith(("diff ", "--- ", "+++ "))]
    return {"matrix": row["components"], "files": files, "diff": diff,
            "check": [part[field] for field in ("component", "version", "release", "state")]}


def forms(component, version, repository, scratch):
    """{form: tree} of a release."""
    directory = os.path.join(scratch, "directory")
    os.mkdir(directory)
    unpack(component, version, directory)
    return {"directory": directory,
            "repository": "%s@%s" % (repository, version),
            "source distribution": download(component, version, ("sdist",)),
            "wheel": download(component, version, ("wheel",))}


def compare(component, version, repository, program, scratch):
    """Raises a failure where they differ; what the release is said to be."""
    trees = forms(component, version, repository, scratch)
    found = {form: answers(program, tree, component) for form, tree in trees.items()}
    same = SAME.get((component, version), version)
    for form, answer in found.items():
        right = same if form == "repository" else version
        if answer["check"] != [component, right, release_of(component, version), "not-installed"]:
            raise Failure("%s: check says %s" % (form, answer["check"]))
        if [answer["matrix"][0][field] for field in ("component", "version", "release", "state")] \
                != answer["check"]:
            raise Failure("%s: matrix says %s, check %s" % (form, answer["matrix"],
                                                            answer["check"]))
        for field in ("files", "diff"):
            if not answer[field] or answer[field] != found["directory"][field]:
                raise Failure("%s: %s is %s, of the directory %s" % (
                    form, field, answer[field][:5], found["directory"][field][:5]))
    return "%d files, %d lines of diff" % (len(found["wheel"]["files"]),
                                           len(found["wheel"]["diff"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--git", required=True, metavar="DIR")
    parser.add_argument("--program", default=os.path.join(TOP, "sp-openstack"))
    parser.add_argument("release", nargs="*")
    given = parser.parse_args()
    report = Report()
    for name in given.release or RELEASES:
        component, _, version = name.partition("-")
        repository = clone(given.git, DISTRIBUTION[component])
        if not repository:
            report.skip("%s: no clone of %s" % (name, DISTRIBUTION[component]))
            continue
        scratch = tempfile.mkdtemp(prefix="sp-openstack-same.")
        try:
            report.ok("%s: %s" % (name, compare(component, version, repository,
                                                os.path.abspath(given.program), scratch)))
        except Failure as why:
            report.fail("%s: %s" % (name, why))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
