#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the `checksums` of a manifest: blob ids that tell the exact version of a component.

The clones are those of the components, each with its tags:

    tools/checksums.py --git DIR --component nova --series 14 --release newton
    tools/checksums.py --git DIR --component os_brick --series 1.3-1.6 --release newton
    tools/checksums.py --git DIR --write manifests/newton.yaml      every component in it
    tools/checksums.py --git DIR --check manifests/*.yaml           exit status 1 if one differs

DIR holds clones named cinder, nova and os-brick, bare or not, or openstack+NAME/repo.

Versions are tags: final releases, betas and release candidates. What the end-of-life tags name
(`newton-eol`) has no version; it must not be taken for one, so it counts when files are chosen,
but its blobs are not listed. Named are the files that the manifest edits, and the smallest set of
further files with which all is told apart whose packages differ: modules first, other files next,
and files of the tests only for what nothing else tells. Versions whose packages are the same, byte
for byte, are named in a comment.
"""

import argparse
import os
import re
import subprocess
import sys
import textwrap

DISTRIBUTION = {"cinder": "cinder", "nova": "nova", "os_brick": "os-brick"}
VERSION = re.compile(r"^(\d+(?:\.\d+)+)(?:(a|b|rc)(\d+))?$")


def clone(directory, component):
    """The git directory of a component's clone below DIRECTORY."""
    name = DISTRIBUTION[component]
    for candidate in (name, name + ".git", component, "openstack+" + name + "/repo"):
        path = os.path.join(directory, candidate)
        for repository in (os.path.join(path, ".git"), path):
            if os.path.isdir(os.path.join(repository, "objects")):
                return repository
    raise SystemExit("%s: no clone of %s here" % (directory, name))


def git(repository, *arguments):
    return subprocess.run(("git", "--git-dir", repository) + arguments, check=True,
                          stdout=subprocess.PIPE, encoding="utf-8").stdout


def key(version):
    """Order of the versions that these components have: 9.0.0.0b1 < 9.0.0.0rc1 < 9.0.0 < 9.1.0."""
    match = VERSION.match(version)
    release = tuple(int(number) for number in match.group(1).split("."))
    release += (0,) * (6 - len(release))
    stage = {"a": 0, "b": 1, "rc": 2, None: 3}[match.group(2)]
    return release, stage, int(match.group(3) or 0)


def versions(repository, series):
    """The version tags of a series ("14", "1.3-1.6"), oldest first."""
    first, _, last = series.partition("-")
    first = tuple(int(number) for number in first.split("."))
    last = tuple(int(number) for number in last.split(".")) if last else first
    found = []
    for tag in git(repository, "tag", "--list").split():
        if VERSION.match(tag) and first <= key(tag)[0][:len(first)] <= last:
            found.append(tag)
    if not found:
        raise SystemExit("%s: no version tag in series %s" % (repository, series))
    return sorted(found, key=key)


def ends(repository, release):
    """The tags at which the branches of a release ended."""
    pattern = re.compile(r"^%s(?:-driverfixes)?-(?:em|eol|eom)$" % re.escape(release))
    return sorted(tag for tag in git(repository, "tag", "--list").split() if pattern.match(tag))


def package(repository, tag, component):
    """{path: blob id} of the package directory at TAG."""
    files = {}
    listing = git(repository, "ls-tree", "-r", "-z", tag + ":" + component)
    for entry in listing.split("\0"):
        if entry:
            head, path = entry.split("\t", 1)
            mode, kind, blob = head.split()
            if kind == "blob" and mode != "120000":
                files[path] = blob
    return files


def rank(path):
    """0 modules, 1 other files, 2 tests; then short names first."""
    if "tests" in path.split("/"):
        place = 2
    elif path.endswith(".py"):
        place = 0
    else:
        place = 1
    return place, len(path), path


def cover(pairs, columns):
    """The fewest columns ({path: pairs that it tells apart}) that tell all PAIRS apart."""
    order = sorted(columns, key=rank)
    best = [None]

    def search(left, chosen):
        if best[0] is not None and len(chosen) >= len(best[0]):
            return
        if not left:
            best[0] = list(chosen)
            return
        if best[0] is not None:
            most = max(len(left & columns[path]) for path in order)
            if len(chosen) + -(-len(left) // most) >= len(best[0]):
                return
        hardest, telling = None, None
        for pair in sorted(left):
            able = [path for path in order if pair in columns[path]]
            if telling is None or len(able) < len(telling):
                hardest, telling = pair, able
                if len(able) == 1:
                    break
        assert hardest is not None
        for path in sorted(telling, key=lambda path: (-len(left & columns[path]), rank(path))):
            search(left - columns[path], chosen + [path])

    search(frozenset(pairs), [])
    return best[0]


def choose(packages, unversioned, edited):
    """Files to name, groups of versions that have the same contents, and what cannot be told."""
    groups, differing = {}, set()
    for version in sorted(packages, key=key):
        groups.setdefault(tuple(sorted(packages[version].items())), []).append(version)
    versioned = len(groups)
    for tag in sorted(unversioned):
        groups.setdefault(tuple(sorted(unversioned[tag].items())), []).append(tag)
    packages = dict(packages, **unversioned)
    heads = [group[0] for group in groups.values()]
    for number, one in enumerate(heads[:versioned]):
        for other in heads[number + 1:]:
            differing.add((one, other))

    # Only what every version has can be named: a version that lacks a named file cannot be told.
    everywhere = set.intersection(*(set(packages[head]) for head in heads[:versioned]))
    told = {}
    for one, other in differing:
        for path in everywhere:
            if packages[one][path] != packages[other].get(path):
                told.setdefault(path, set()).add((one, other))

    chosen = [path for path in edited if any(path in files for files in packages.values())]
    left = differing - set().union(*(told.get(path, set()) for path in chosen))
    for place in (0, 1, 2):
        columns, seen = {}, set()
        for path in sorted((path for path in told if rank(path)[0] == place), key=rank):
            tells = frozenset(told[path] & left)
            if tells and tells not in seen:        # of files that tell the same, the first
                seen.add(tells)
                columns[path] = tells
        able = frozenset().union(*columns.values()) if columns else frozenset()
        if able:
            chosen += cover(able, columns)
            left -= able
    same = [group for group in groups.values() if len(group) > 1 and VERSION.match(group[1])]
    return chosen, same, sorted(left)


def render(repository, component, series, release, edited, indent):
    """The lines of `checksums:`, INDENT columns in."""
    packages = {tag: package(repository, tag, component) for tag in versions(repository, series)}
    unversioned = {tag: package(repository, tag, component) for tag in ends(repository, release)}
    chosen, same, left = choose(packages, unversioned, edited)
    lines = []
    for group in same:
        lines.append("# %s have the same contents" % " and ".join(
            filter(None, (", ".join(group[:-1]), group[-1]))))
    for one, other in left:
        lines.append("# %s and %s differ only in files that not every version has" % (one, other))
    lines.append("checksums:")
    for path in sorted(chosen):
        lines.append("  %s:" % path)
        blobs = {}
        for version in sorted(packages, key=key):
            if path in packages[version]:
                blobs.setdefault(packages[version][path], []).append(version)
        for blob, tags in blobs.items():
            lines += textwrap.wrap("%s: [%s]" % (blob, ", ".join(tags)), 100 - indent,
                                   initial_indent=" " * 4, subsequent_indent=" " * 47)
    return [" " * indent + line for line in lines]


def edited_files(text, component):
    """Paths with edits of a component in a manifest, by its lines."""
    found, path = [], None
    inside = False
    for line in text.splitlines():
        if re.match(r"^  [a-z_]+:", line):
            inside = line.startswith("  " + component + ":")
        elif inside:
            match = re.match(r"^ +- path: (\S+)", line)
            if match:
                path = match.group(1)
            elif re.match(r"^ +edits:", line) and path not in found:
                found.append(path)
    return found


REMARK = re.compile(r"^    # .* (have the same contents|that not every version has)$")
SERIES = re.compile(r">=(\d+)\.(\d+)\.\d+\.dev0, *<(\d+)\.(\d+)\.\d+\.dev0")


def series_of(component, specifier):
    """The series that a manifest's `versions` means: 14, or 1.3-1.6."""
    match = SERIES.search(specifier)
    if not match:
        raise SystemExit("cannot read the versions %r" % specifier)
    low, low_minor, high, high_minor = (int(number) for number in match.groups())
    if component != "os_brick":
        return str(low)
    return "%d.%d-%d.%d" % (low, low_minor, high, high_minor - 1) if high_minor else \
        "%d.%d-%d.999" % (low, low_minor, high - 1)


def regenerate(text, directory):
    """TEXT of a manifest with every `checksums` in it made anew."""
    result, release, component, specifiers = [], None, None, {}
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        match = re.match(r"^release: (\S+)$", line)
        if match:
            release = match.group(1)
        match = re.match(r"^  ([a-z_]+):\s*(?:#.*)?$", line)
        if match:
            component = match.group(1)
        match = re.match(r'^    versions: "([^"]*)"', line)
        if match:
            specifiers[component] = match.group(1)
        if line != "    checksums:":
            result.append(line)
            number += 1
            continue
        while result and REMARK.match(result[-1]):
            result.pop()
        result += render(clone(directory, component), component,
                         series_of(component, specifiers[component]), release,
                         edited_files(text, component), 4)
        number += 1
        while number < len(lines) and re.match(r"^      ", lines[number]):
            number += 1
    return "\n".join(result) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--git", metavar="DIR", required=True, help="where the clones are")
    parser.add_argument("--component", choices=sorted(DISTRIBUTION))
    parser.add_argument("--series", metavar="N[-N]", help="14, or 1.3-1.6")
    parser.add_argument("--release", metavar="NAME", help="newton, for its end-of-life tags")
    parser.add_argument("--edited", metavar="PATH", action="append", default=[],
                        help="a file that must be named (with --component)")
    parser.add_argument("--write", action="store_true", help="put them into the manifests given")
    parser.add_argument("--check", action="store_true", help="compare with the manifests given")
    parser.add_argument("manifest", nargs="*")
    given = parser.parse_args()

    if given.component:
        if not given.series or not given.release or given.manifest:
            parser.error("--component goes with --series and --release, and without manifests")
        print("\n".join(render(clone(given.git, given.component), given.component, given.series,
                               given.release, given.edited, 4)))
        return 0
    if not given.manifest or given.write == given.check:
        parser.error("give --component and --series, or manifests with either --write or --check")
    status = 0
    for name in given.manifest:
        with open(name, encoding="utf-8") as file:
            text = file.read()
        fresh = regenerate(text, given.git)
        if given.check and fresh != text:
            print("%s: checksums differ from the clones'; run tools/checksums.py --write" % name)
            status = 1
        elif given.write and fresh != text:
            with open(name, "w", encoding="utf-8") as file:
                file.write(fresh)
    return status


if __name__ == "__main__":
    sys.exit(main())
