#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the whole cycle on real releases, out of clones of the components.

    tests/trees/run.py --git DIR [--all] [--jobs N] [TAG-PATTERN...]
    make check-trees GIT=DIR

DIR holds clones with all tags: cinder, nova and os-brick, bare or not, or openstack+NAME/repo.
First every tag of all times is read straight from the repository and must be told by its contents.
Then comes the cycle, on exported trees: the twelve pairs of component and release, each with its
last version; hosts with all three components; packages upgraded beneath an integration; every
final version and end-of-life tag from Mitaka to Pike, with --all the betas and release candidates,
too. With package metadata beside a tree the exact version must be told; without it the release,
and the version where the contents are those of a version. If DIR also has
storpool-openstack-integration, that older tool is let loose on the trees, and must be cleaned up
after (with --all, three versions of it on every tree, else one).
"""

import argparse
import concurrent.futures
import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from clones import RELEASES, SUPPORTED, clone, git, is_final, key, release_of
from cycle import (DISTRIBUTION, TOP, Failure, Report, Tool, cycle, expect_state, find_python2,
                   make_odd, must, must_be_same, write_metadata)
from snapshot import difference, snapshot

OLDER = "storpool-openstack-integration"


# ---- what is in the clones ------------------------------------------------------------------


def order(tag):
    return (0, key(tag)) if key(tag) else (1, tag)


class Tree:
    """A tag of a component: something that can be exported."""

    def __init__(self, repository, component, tag):
        self.repository, self.component, self.tag = repository, component, tag
        self.release = release_of(component, tag)
        self.is_version = bool(key(tag))
        self.is_final = is_final(tag)
        self.id = git(repository, "rev-parse", "%s:%s" % (tag, component)).strip()
        self.metadata = tag                      # what pbr would call it
        self.versions = frozenset((None,))       # what its contents tell

    def export(self, site):
        archive = subprocess.Popen(["git", "--git-dir", self.repository, "archive", self.tag,
                                    self.component], stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-f", "-", "-C", site], stdin=archive.stdout, check=True)
        archive.stdout.close()
        if archive.wait():
            raise Failure("git archive fails")


def trees_of(repository, component):
    trees = [Tree(repository, component, tag) for tag in git(repository, "tag", "--list").split()
             if release_of(component, tag) in SUPPORTED]
    trees.sort(key=lambda tree: order(tree.tag))
    for tree in trees:
        same = [other for other in trees if other.id == tree.id and other.is_version]
        finals = [other.tag for other in same if other.is_final]
        told = finals or [other.tag for other in same]
        if told:
            tree.versions = frozenset((" or ".join(told),))
        if not tree.is_version:                  # commits after the last version of the release
            last = [other for other in trees if other.is_final and other.release == tree.release]
            number = [int(part) for part in last[-1].tag.split(".")]
            tree.metadata = "%d.%d.%d.dev7" % (number[0], number[1], number[2] + 1)
    return trees


# ---- jobs -----------------------------------------------------------------------------------


class Place:
    """A scratch directory with a site and a work directory in it."""

    def __init__(self, scratch):
        self.top = tempfile.mkdtemp(dir=scratch)
        os.chmod(self.top, 0o755)
        self.site = os.path.join(self.top, "site-packages")
        self.work = os.path.join(self.top, "work")
        os.mkdir(self.site)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)


def whole_cycle(tree, program, scratch, python2):
    """Twice: told by metadata, then, the metadata gone, by contents."""
    with Place(scratch) as place:
        tree.export(place.site)
        make_odd(place.site, tree.component)
        write_metadata(place.site, tree.component, tree.metadata)
        try:
            cycle(Tool(program, place.site, place.work), tree.component, tree.release,
                  {tree.metadata}, "metadata", python2)
        except Failure as failure:
            raise Failure("with metadata: %s" % failure) from failure
        name = "%s-%s.dist-info" % (tree.component, tree.metadata)
        shutil.rmtree(os.path.join(place.site, name))
        shutil.rmtree(place.work, ignore_errors=True)
        try:
            cycle(Tool(program, place.site, place.work), tree.component, tree.release,
                  tree.versions, "probes" if tree.versions == {None} else "checksums", None)
        except Failure as failure:
            raise Failure("without metadata: %s" % failure) from failure


def contents_of(component, tag):
    """The release that the contents of a tag tell; None for none."""
    release = release_of(component, tag)
    if release in SUPPORTED + ("liberty", "queens-development", "kilo-and-older"):
        return release
    if release == "mitaka-development":
        return "liberty"                         # they look the same
    if release == "unnumbered":
        return None
    names = [name for name, *_ in RELEASES]
    return "queens" if release in names[names.index("queens"):] else "kilo-and-older"


def told(repository, component, tag, versions, program):
    """What `detect` says of a tag in the repository, without a tree or metadata."""
    done = Tool(program, None, None).run("detect", "--json", "--tree", repository + "@" + tag,
                                         component, expect=0)
    part = json.loads(done.stdout)["components"][0]
    must(part["release"] == contents_of(component, tag), "release is %r, not %r", part["release"],
         contents_of(component, tag))
    must(versions is None or part["version"] in versions, "version is %r, not %r",
         part["version"], versions)


def prepare_host(site, trees):
    for tree in trees:
        tree.export(site)
        make_odd(site, tree.component)
        write_metadata(site, tree.component, tree.metadata)


def whole_host(trees, program, scratch):
    """All three components of one release: nova brings os_brick along, then all at once."""
    release = trees[0].release
    with Place(scratch) as place:
        prepare_host(place.site, trees)
        original = snapshot(place.site)
        tool = Tool(program, place.site, place.work)

        def states(expect, *names):
            return {name: part["state"] for name, part in
                    tool.check(*names, expect=expect, deps=True).items()}

        for name, part in tool.check(expect=1, deps=True).items():
            expect_state(part, "not-installed", release, os.path.join(place.site, name))
        done = tool.run("install", "--no-groups", "nova", expect=0)
        must("os_brick" in done.stdout + done.stderr,
             "install nova does not say that it brings os_brick: %r", done.stdout + done.stderr)
        now = states(1)
        must(now == {"cinder": "not-installed", "nova": "installed", "os_brick": "installed"},
             "after `install nova`: %r", now)
        tool.run("install", "--no-groups", expect=0)
        now = states(0)
        must(set(now.values()) == {"installed"} and len(now) == 3, "after `install`: %r", now)
        tool.run("uninstall", expect=0)
        must_be_same(original, snapshot(place.site), "uninstall leaves a difference")


def mixed_host(trees, program, scratch):
    """Components of different releases are refused, by name, and nothing is touched."""
    with Place(scratch) as place:
        prepare_host(place.site, trees)
        original = snapshot(place.site)
        done = Tool(program, place.site, place.work).run("install", "--no-groups", expect=3)
        for tree in trees:
            must(tree.release in done.stderr.lower(), "the message does not name %s: %r",
                 tree.release, done.stderr)
        must_be_same(original, snapshot(place.site, original),
                     "a refused install touches something", touched=True)


# What a package upgrade does to an integration: (component, from, to, state after it).
UPGRADES = (
    ("cinder", "8.0.0", "8.1.1", "installed"),
    ("cinder", "9.1.4", "10.0.8", "installed"),
    ("nova", "14.0.5", "14.1.0", "partial"),
    ("nova", "13.1.4", "14.1.0", "partial"),
    ("os_brick", "1.8.0", "1.11.1", "partial"),
    ("os_brick", "1.6.2", "1.15.9", "partial"),
    ("os_brick", "1.5.0", "1.6.2", "outdated"),     # the module stands in another place
    ("os_brick", "1.2.0", "1.11.1", "outdated"),
)


def upgrade(site, old, original, new):
    """As a package manager does it: what OLD brought goes, NEW comes, what is ours stays."""
    for name in sorted(original, reverse=True):
        path = os.path.join(site, name)
        if os.path.isdir(path):
            if name and not os.listdir(path):
                os.rmdir(path)
        else:
            os.unlink(path)
    new.export(site)
    write_metadata(site, new.component, new.metadata)
    must(not os.path.exists(os.path.join(site, "%s-%s.dist-info" % (old.component, old.metadata))),
         "the test did not take out the metadata of %s", old.tag)


def after_upgrade(old, new, state, program, scratch):
    """What is ours is found after a package upgrade, completed, and the new package left whole."""
    with Place(scratch) as pristine, Place(scratch) as place:
        new.export(pristine.site)
        write_metadata(pristine.site, new.component, new.metadata)
        old.export(place.site)
        write_metadata(place.site, old.component, old.metadata)
        original = snapshot(place.site)
        tool = Tool(program, place.site, place.work)
        path = os.path.join(place.site, new.component)
        tool.run("install", "--no-deps", "--no-groups", old.component, expect=0)
        upgrade(place.site, old, original, new)
        part = tool.check(new.component, expect=0 if state == "installed" else 1)[new.component]
        expect_state(part, state, new.release, path)
        tool.run("install", "--no-deps", "--no-groups", new.component, expect=0)
        part = tool.check(new.component, expect=0)[new.component]
        expect_state(part, "installed", new.release, path)
        tool.run("uninstall", new.component, expect=0)
        must_be_same(snapshot(pristine.site), snapshot(place.site),
                     "uninstall does not leave the new package as it came",
                     fields=("kind", "mode", "owner", "group", "content"))


def run_older(older, tool_dir, site, component):
    """The older tool as an ordinary user, so that it leaves groups and spool files alone."""
    path = os.path.join(os.path.dirname(tool_dir), "bin")
    command = ["perl", "./sp-openstack", "-L", site, "install", component]
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] + command
    return subprocess.run(command, cwd=tool_dir, stdin=subprocess.DEVNULL, check=False,
                          env={"PATH": path + ":/usr/bin:/bin", "PERL_HASH_SEED": "1"},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).returncode


def export_older(repository, version, scratch):
    """A checkout of the older tool, and beside it the `python` that it asks for its path."""
    directory = os.path.join(scratch, "older", version)
    os.makedirs(directory)
    os.makedirs(os.path.join(scratch, "older", "bin"), exist_ok=True)
    archive = git_bytes(repository, "archive", "release/" + version)
    subprocess.run(["tar", "-x", "-f", "-", "-C", directory], input=archive, check=True)
    for name in ("python", "python3"):
        path = os.path.join(scratch, "older", "bin", name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho /usr/lib\n")
        os.chmod(path, 0o755)
    return directory


def git_bytes(repository, *arguments):
    return subprocess.run(("git", "--git-dir", repository) + arguments, check=True,
                          stdout=subprocess.PIPE).stdout


def after_older(tree, older, tool_dir, program, scratch):
    """What the older tool did is seen, brought up to date, and taken out without any record.

    True: so it is; False: the older tool can do nothing with this tree.
    """
    with Place(scratch) as place:
        tree.export(place.site)
        write_metadata(place.site, tree.component, tree.metadata)
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "65534:65534", place.site], check=True)
        original = snapshot(place.site)
        run_older(older, tool_dir, place.site, tree.component)
        if not difference(original, snapshot(place.site), ("content",)):
            return False
        tool = Tool(program, place.site, place.work)
        part = tool.check(tree.component, expect=1)[tree.component]
        expect_state(part, "outdated", tree.release, os.path.join(place.site, tree.component))
        tool.run("install", "--no-deps", "--no-groups", tree.component, expect=0)
        part = tool.check(tree.component, expect=0)[tree.component]
        expect_state(part, "installed", tree.release, os.path.join(place.site, tree.component))
        shutil.rmtree(place.work)
        tool.run("uninstall", tree.component, expect=0)
        # the older tool writes files anew: times are lost, and extended attributes
        fields = ("kind", "mode", "owner", "group", "content")
        left = difference(original, snapshot(place.site), fields)
        # a directory that the older tool made where os-brick 1.4 and 1.5 have none
        left = left.replace("os_brick/initiator/connectors is new", "")
        must(not left, "uninstall leaves a difference: %s", left)
        return True


def attempt(function, *arguments):
    """(result, "") or (None, what went wrong); runs in a process of its own."""
    try:
        return function(*arguments), ""
    except Failure as failure:
        return None, str(failure)
    except Exception:                            # a bug of the tests is a failure, too
        return None, traceback.format_exc()


# ---- all together ---------------------------------------------------------------------------


def wanted(tree, given):
    if given.pattern:
        return any(fnmatch.fnmatch("%s-%s" % (tree.component, tree.tag), pattern)
                   or tree.tag == pattern or tree.release == pattern or tree.component == pattern
                   for pattern in given.pattern)
    return given.all or tree.is_final or not tree.is_version


def hosts(last, trees):
    """A host for each release, for Newton one with each layout of os-brick."""
    for release in SUPPORTED:
        bricks = [last["os_brick", release]]
        if release == "newton":
            bricks += [tree for tree in trees if tree.component == "os_brick"
                       and tree.tag in ("1.3.0", "1.5.0")]
        for brick in bricks:
            yield [last["cinder", release], last["nova", release], brick]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--git", metavar="DIR", required=True)
    parser.add_argument("--program", default=os.path.join(TOP, "sp-openstack"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--all", action="store_true", help="betas and release candidates, too")
    parser.add_argument("pattern", nargs="*", help="only these: a tag, nova-14.*, newton, cinder")
    given = parser.parse_args()
    program = os.path.abspath(given.program)
    if not os.access(program, os.X_OK):
        parser.error("%s: not there; build it first" % program)

    trees, repositories = [], {}
    for component, name in DISTRIBUTION.items():
        repositories[component] = clone(given.git, name)
        if not repositories[component]:
            parser.error("%s: no clone of %s here" % (given.git, name))
        trees += trees_of(repositories[component], component)
    last = {}
    for tree in trees:
        if tree.is_final:
            last[tree.component, tree.release] = tree
    pairs = [last[component, release] for release in SUPPORTED for component in DISTRIBUTION]
    rest = [tree for tree in trees if wanted(tree, given) and tree not in pairs]
    pairs = [tree for tree in pairs if wanted(tree, given)]

    report, start, python2 = Report(), time.monotonic(), find_python2()
    if not python2:
        report.skip("compiling under Python 2.7: no python2.7 here; set PYTHON2")
    scratch = tempfile.mkdtemp(prefix="sp-openstack-trees.")
    os.chmod(scratch, 0o755)
    try:
        with concurrent.futures.ProcessPoolExecutor(given.jobs) as pool:
            def section(title, jobs):
                """jobs: (name, function, arguments). Prints how many of how many passed."""
                running = [(name, pool.submit(attempt, *job)) for name, *job in jobs]
                if not running:
                    return
                print("== %s" % title, flush=True)
                began = time.monotonic()
                passed = skipped = 0
                for name, future in running:
                    result, problem = future.result()
                    if problem:
                        report.fail("%s: %s" % (name, problem))
                    elif result is False:
                        skipped += 1
                    else:
                        passed += 1
                        report.ok(name if len(running) <= 12 else None)
                note = ", %d not touched by it" % skipped if skipped else ""
                print("%d of %d passed%s (%.0f s)" % (passed, len(running) - skipped, note,
                                                      time.monotonic() - began), flush=True)

            def cycles(these):
                return [("%s %s (%s)" % (tree.component, tree.tag, tree.release.capitalize()),
                         whole_cycle, tree, program, scratch, python2) for tree in these]

            if not given.pattern:
                versions = {(tree.component, tree.tag): tree.versions for tree in trees}
                for component, repository in repositories.items():
                    section("every tag of %s, told by its contents" % component, [
                        ("%s %s" % (component, tag), told, repository, component, tag,
                         versions.get((component, tag)), program)
                        for tag in sorted(git(repository, "tag", "--list").split())
                        if release_of(component, tag)])
            section("the pairs of component and release, each with its last version", cycles(pairs))
            if not given.pattern:
                section("hosts with all three components",
                        [("%s with os_brick %s" % (host[0].release.capitalize(), host[2].tag),
                          whole_host, host, program, scratch) for host in hosts(last, trees)])
                section("hosts that mix releases", [
                    ("nova of %s beside the rest of %s" % (one.capitalize(), other.capitalize()),
                     mixed_host, [last["cinder", other], last["nova", one],
                                  last["os_brick", other]], program, scratch)
                    for one, other in (("newton", "mitaka"), ("pike", "newton"))])
                named = {(tree.component, tree.tag): tree for tree in trees}
                section("integrations after a package upgrade", [
                    ("%s %s to %s" % (component, old, new), after_upgrade, named[component, old],
                     named[component, new], state, program, scratch)
                    for component, old, new, state in UPGRADES])
            for release in SUPPORTED:
                section("every other tree of %s" % release.capitalize(),
                        cycles(tree for tree in rest if tree.release == release))
            older = clone(given.git, OLDER, "storpool")
            if older and not shutil.which("perl"):
                report.skip("the older tool: no perl here")
            elif older:
                for version in ("0.2.0", "1.0.0", "1.5.0") if given.all else ("1.5.0",):
                    directory = export_older(older, version, scratch)
                    section("trees that sp-openstack %s of StorPool has worked on" % version, [
                        ("%s %s" % (tree.component, tree.tag), after_older, tree, older, directory,
                         program, scratch) for tree in pairs + rest])
            else:
                report.skip("the older tool: no clone of %s in %s" % (OLDER, given.git))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print("in %.0f s" % (time.monotonic() - start))
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
