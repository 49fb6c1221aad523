#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the manifests as a set: every version of a component belongs to exactly one release.

    tests/trees/versions.py [--git DIR]

Read are only the lines that matter here; the syntax is for sp-openstack itself to check. With
clones, every version tag in them must also fall to the release that it was made for, and the
checksums must be what tools/checksums.py makes of the clones.
"""

import argparse
import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from clones import RELEASES, SUPPORTED, WITHOUT_DRIVERS, clone, git, key, release_of
from cycle import DISTRIBUTION, TOP, Report


class Manifest:
    """release, released, status, note, and {component: (lower, upper)} as keys or None."""

    def __init__(self, path):
        self.name = os.path.basename(path)
        with open(path, encoding="utf-8") as file:
            self.text = file.read()
        for field in ("release", "released", "status", "note"):
            match = re.search(r'^%s: "?(.*?)"?$' % field, self.text, re.M)
            setattr(self, field, match.group(1) if match else None)
        self.ranges, self.parts = {}, {}
        for part in re.split(r"(?m)^  (?=[a-z_]+:$)", self.text)[1:]:
            component = part.partition(":")[0]
            if component in self.parts:                     # in a later document of the manifest
                self.parts[component] += part
                continue
            specifier = re.search(r'^    versions: "(.*)"$', part, re.M).group(1)
            self.parts[component] = part
            bounds = [None, None]
            for clause in specifier.split(", "):
                match = re.match(r"(>=|<)(\S+)$", clause)
                bounds[match.group(1) == "<"] = match.group(2)
            self.ranges[component] = tuple(bound and key(bound) for bound in bounds)


def check_partition(report, manifests, component):
    """From the first version to the last, without a gap and without an overlap."""
    ranges = sorted((manifest.ranges[component] + (manifest,) for manifest in manifests
                     if component in manifest.ranges), key=lambda one: one[0] or ((), -1, 0, 0))
    faults = []
    if ranges[0][0] is not None:
        faults.append("nothing below %s" % ranges[0][2].name)
    if ranges[-1][1] is not None:
        faults.append("nothing above %s" % ranges[-1][2].name)
    for one, other in zip(ranges, ranges[1:]):
        if one[1] != other[0]:
            faults.append("%s does not end where %s begins" % (one[2].name, other[2].name))
        newer = other[2].released > one[2].released
        if not newer and other[2].release != "kilo-and-older":     # numbered by the date
            faults.append("%s is not dated after %s" % (other[2].name, one[2].name))
    for one in ranges:
        if one[0] and one[1] and not one[0] < one[1]:
            faults.append("%s: an empty range" % one[2].name)
    text = "%s: %d ranges cover every version once" % (component, len(ranges))
    if faults:
        report.fail("%s: %s" % (component, "; ".join(faults)))
    else:
        report.ok(text)


def check_fields(report, manifests):
    faults = []
    names = [manifest.release for manifest in manifests]
    for manifest in manifests:
        if manifest.name != "%s.yaml" % manifest.release:
            faults.append("%s describes %s" % (manifest.name, manifest.release))
        if not re.match(r"^\d{4}-\d\d-\d\d$", manifest.released or ""):
            faults.append("%s: released is no date" % manifest.name)
        if "SPDX-License-Identifier: Apache-2.0" not in manifest.text.splitlines()[0]:
            faults.append("%s: no licence in the first line" % manifest.name)
        if (manifest.status == "supported") != (manifest.release in SUPPORTED):
            faults.append("%s is %s" % (manifest.name, manifest.status))
        if manifest.status == "supported":
            if sorted(manifest.parts) != sorted(DISTRIBUTION):
                faults.append("%s lacks a component" % manifest.name)
            for component, part in manifest.parts.items():
                for field in ("probes", "services", "programs", "checksums", "(?:files|layouts)"):
                    if not re.search(r"^    %s:" % field, part, re.M):
                        faults.append("%s: %s has no %s" % (manifest.name, component, field))
        elif not (manifest.note or "").endswith("."):
            faults.append("%s: the note is no sentence" % manifest.name)
    for name in {release[0] for release in RELEASES} | set(WITHOUT_DRIVERS):
        if names.count(name) != 1:
            faults.append("%d manifests of %s" % (names.count(name), name))
    if faults:
        report.fail("; ".join(faults))
    else:
        report.ok("%d manifests are complete" % len(manifests))


def check_tags(report, manifests, component, repository):
    """Every tag of a clone falls to the release that it was made for."""
    faults, count = [], 0
    for tag in sorted(git(repository, "tag", "--list").split()):
        version = key(tag)
        if not version:
            continue
        count += 1
        found = [manifest.release for manifest in manifests if component in manifest.ranges
                 and (manifest.ranges[component][0] or ((), -1, 0, 0)) <= version
                 and (not manifest.ranges[component][1] or version < manifest.ranges[component][1])]
        if found != [release_of(component, tag)]:
            faults.append("%s falls to %s, not %s" % (tag, found, release_of(component, tag)))
    if faults or not count:
        report.fail("%s: %s" % (component, "; ".join(faults[:6]) or "no version tags"))
    else:
        report.ok("%s: %d version tags fall to their releases" % (component, count))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--git", metavar="DIR")
    given = parser.parse_args()
    report = Report()
    paths = sorted(glob.glob(os.path.join(TOP, "manifests", "*.yaml")))
    manifests = [Manifest(path) for path in paths]
    check_fields(report, manifests)
    for component in DISTRIBUTION:
        check_partition(report, manifests, component)
    for component, name in DISTRIBUTION.items():
        repository = clone(given.git, name) if given.git else None
        if repository:
            check_tags(report, manifests, component, repository)
        else:
            report.skip("%s: version tags: no clone given" % component)
    if given.git:
        done = subprocess.run([sys.executable, os.path.join(TOP, "tools", "checksums.py"),
                               "--git", given.git, "--check"] + paths, check=False)
        if done.returncode:
            report.fail("the checksums are not those of the clones")
        else:
            report.ok("the checksums are those of the clones")
    else:
        report.skip("the checksums: no clones given")
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
