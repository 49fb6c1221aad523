#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real package managers upgrade hosts with the drivers; prints what held, as two tables.

    tests/upgrades/upgrades.py --dist DIR [--git DIR] [--quick] [--only PART] [--kill N]
                               [--dpkg DIR] [--rpm DIR] [RELEASE...]

DIR has our packages. --only: cases with PART in `family: title`, or one of PART|PART... --kill N:
the trigger and dpkg are killed between any two system calls that change something, or at every Nth
of these places; 0: not at all. --quick: one release, the cases that differ most, fewer kills.
--dpkg: DIR has dpkg, dpkg-deb and dpkg-query of another version (1.17.5, say), to be used in place
of those of the root; --rpm: DIR/bin has rpm of another version (4.11.3, say), and the cases of dnf
are left out.
"""

import argparse
import concurrent.futures
import glob
import os
import shutil
import signal
import subprocess
import sys
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "trees"), TESTS]
import cases_deb
import cases_rpm
import debian
import fakes
import hosts
import kill
import roots
import starts
from cycle import TOP, Failure, Report
from trees import RELEASES, Trees

NEEDED = {"deb": ("debootstrap", "dpkg-deb", "apt-ftparchive", "debsums", "strace"),
          "rpm": ("rpm", "rpmbuild", "dnf", "createrepo_c", "busybox")}
QUICK_KILL = 12


def cache():
    place = os.environ.get("SP_TEST_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "sp-openstack-upgrades")
    os.makedirs(place, exist_ok=True)
    return place


# ---- roots -------------------------------------------------------------------------------------


def debian_root(space):
    """The layer of a minimal Debian, which is kept in the cache."""
    archive = os.path.join(cache(), "root-%s.tar" % debian.SUITE)
    top = space.new("debian")
    if not os.path.exists(archive):
        try:
            debian.make(top, "strace", "apt-utils")
        except subprocess.CalledProcessError as why:
            raise Failure("debootstrap: %s" % why.output.decode()[-300:])
        for name in ("usr/share/locale", "usr/share/doc", "usr/share/man", "var/lib/apt/lists"):
            shutil.rmtree(os.path.join(top, name))
            os.mkdir(os.path.join(top, name))
        for name in glob.glob(os.path.join(top, "var/cache/apt/archives/*.deb")):
            os.unlink(name)
        subprocess.run(["tar", "-C", top, "-cf", archive + ".new", "."], check=True)
        os.rename(archive + ".new", archive)
        return top
    subprocess.run(["tar", "-C", top, "-xf", archive], check=True)
    return top


def deb_family(space, store, known, own, other=None):
    """other: a directory with another version of dpkg to be used in the roots."""
    family = hosts.Family(hosts.DebHost, space, store, known, own, other)
    host = family.host([debian_root(space)], None, "base")
    with host.root:
        family.finish_base(host.root)
        host.root.write("etc/dpkg/dpkg.cfg.d/tests", "force-unsafe-io\n")
        for name in ("dpkg", "dpkg-deb", "dpkg-query") if other else ():
            shutil.copy(os.path.join(other, name), host.root.path("usr/bin/" + name))
    family.base = host.root.layers()
    return family


def rpm_family(space, store, known, own, other=None):
    family = hosts.Family(hosts.RpmHost, space, store, known, own, other)
    scratch = space.new("rpm")
    fakes.base_rpm(fakes.RPM_SITE, starts.script(fakes.RPM_SITE)).build(scratch)
    host = family.host([], None, "base")
    with host.root:
        host.rpm("-i", "--nodeps", os.path.join(scratch, "base.rpm"))
        os.mknod(host.root.path("dev/null"), 0o20666, os.makedev(1, 3))
        family.finish_base(host.root)
    family.base = host.root.layers()
    return family


# ---- our own packages --------------------------------------------------------------------------


def own_packages(dist, place):
    """ours and newer, .deb and .rpm, in a directory; the newer ones have other drivers."""
    for kind in ("deb", "rpm"):
        found = sorted(glob.glob(os.path.join(dist, "sp-openstack*." + kind)))
        if len(found) != 1:
            raise Failure("%d packages *.%s in %s; make deb rpm" % (len(found), kind, dist))
        shutil.copy(found[0], os.path.join(place, "ours." + kind))
    for kind, unpack in (("deb", 'dpkg-deb -R "$0" .'), ("rpm", 'rpm2cpio "$0" | cpio -idm')):
        stage = os.path.join(place, "stage-" + kind)
        os.mkdir(stage)
        fakes.run("sh", "-c", unpack, os.path.join(place, "ours." + kind), cwd=stage)
        for name in glob.glob(stage + "/usr/share/sp-openstack/drivers/*/*.py"):
            with open(name, "a", encoding="utf-8") as file:
                file.write("# newer\n")
    control = os.path.join(place, "stage-deb/DEBIAN/control")
    with open(control, encoding="utf-8") as file:
        text = file.read().replace("\nVersion: ", "\nVersion: 9.")
    with open(control, "w", encoding="utf-8") as file:
        file.write(text)
    fakes.run("dpkg-deb", "--root-owner-group", "-Zgzip", "-b", os.path.join(place, "stage-deb"),
              os.path.join(place, "newer.deb"))
    fakes.run("rpmbuild", "--quiet", "-bb", "--define", "_topdir %s/top" % place,
              "--define", "_rpmdir " + place, "--define", "_rpmfilename newer.rpm",
              "--define", "stage %s/stage-rpm" % place, "--define", "own_version 9.0",
              "--define", "own_packager tests", "--define", "own_date Thu Jan 01 2026",
              os.path.join(TOP, "packaging/rpm/sp-openstack.spec"))


def learn(known, trees, releases, own, space):
    """What integrated trees look like, from our package's own program and drivers."""
    place = space.new("program")
    fakes.run("dpkg-deb", "-x", os.path.join(own, "ours.deb"), place)
    program = os.path.join(place, "usr/sbin/sp-openstack")
    data = os.path.join(place, "usr/share/sp-openstack")
    for release in releases:
        for number in (1, 2):
            versions = {component: trees.version(release, number, component)
                        for component in starts.FILES}
            known.learn(trees, versions, [program, "-D", data], space.new("tree"))
    known.learn_included(trees, {component: trees.version("queens", 1, component)
                                 for component in starts.FILES})


# ---- tables ------------------------------------------------------------------------------------


class Table:
    """Rows of a family: case, and for each release whether it held."""

    def __init__(self, report, kind, releases):
        self.report, self.kind, self.releases = report, kind, releases
        self.rows = {}

    def add(self, title, release, problem, text=None):
        self.rows.setdefault(title, {})[release] = problem
        name = "%s: %s: %s%s" % (self.kind, release, title, " (%s)" % text if text else "")
        if problem:
            self.report.fail("%s: %s" % (name, problem))
        else:
            self.report.ok(name)

    def show(self):
        width = max(len(title) for title in self.rows)
        print("\n%-*s  %s" % (width, "%s: case" % self.kind, "  ".join(self.releases)))
        for title, row in self.rows.items():
            marks = ["%-*s" % (len(release), "-" if release not in row
                               else "NOT" if row[release] else "held")
                     for release in self.releases]
            print("%-*s  %s" % (width, title, "  ".join(marks)))
        cells = [problem for row in self.rows.values() for problem in row.values()]
        print("%s: %d cases tried, %d held" % (self.kind, len(cells), cells.count(None)))


def attempt(family, release, function, on):
    below = {"integrated": family.integrated, "plain": family.plain}
    host = family.host(family.base if on == "base" else below[on][release], release)
    try:
        with host.root:
            function(host)
        return None
    except Failure as failure:
        return str(failure)
    except (OSError, subprocess.SubprocessError) as error:
        return "%s: %s" % (type(error).__name__, error)
    finally:
        host.root.remove()


def is_meant(given, name):
    return any(part in name for part in given.only.split("|"))


def run_family(family, cases, given, table):
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        prepared = [(release, pool.submit(family.prepare, release)) for release in given.releases]
        for release, future in prepared:
            future.result()
        running = []
        for title, function, on, quick, releases in cases:
            if family.kind == "rpm" and family.other:           # which has no dnf
                if "dnf" in function.__code__.co_names:
                    continue
                title = title.replace("dnf upgrade", "rpm -U")
            if (given.quick and not quick) or not is_meant(given, "%s: %s" % (family.kind, title)):
                continue
            for release in given.releases:
                if (not releases or release in releases) and \
                        (on != "base" or release == given.releases[-1]):
                    running.append((title, release,
                                    pool.submit(attempt, family, release, function, on)))
        for title, release, future in running:
            table.add(title, release, future.result())


def run_kills(family, given, table):
    for release in given.releases[-1:] if given.quick else given.releases:
        kill.run(family, release, given.kill, lambda title, problem, text, release=release:
                 table.add(title, release, problem, text), given.jobs)


# ---- all of it ---------------------------------------------------------------------------------


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dist", required=True)
    parser.add_argument("--git")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--kill", type=int)
    parser.add_argument("--dpkg", metavar="DIR", type=os.path.abspath)
    parser.add_argument("--rpm", metavar="DIR", type=os.path.abspath)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("releases", nargs="*", metavar="RELEASE")
    given = parser.parse_args()
    if set(given.releases) - set(RELEASES):
        parser.error("the releases are %s" % ", ".join(RELEASES))
    if given.kill is None:
        given.kill = QUICK_KILL if given.quick else 1
    if not given.releases:
        given.releases = ["pike"] if given.quick else list(RELEASES)
    return given


def test(given, report, space):
    trees = Trees(cache(), given.git)
    for release in [one for one in given.releases if one not in trees.versions]:
        report.skip("%s: the package index does not have it; give clones" % release)
    given.releases = [one for one in given.releases if one in trees.versions]
    store, known, own = fakes.Store(cache(), trees), starts.Known(), space.new("own")
    own_packages(given.dist, own)
    following = {hosts.NEXT[release] for release in given.releases} - {"queens"}
    if "mitaka" in given.releases:              # one case goes through all of them
        following |= set(RELEASES)
    learn(known, trees, sorted(set(given.releases) | following), own, space)
    for kind, make, cases in (("deb", deb_family, cases_deb.CASES),
                              ("rpm", rpm_family, cases_rpm.CASES)):
        missing = [name for name in NEEDED[kind] if not shutil.which(name)]
        if missing:
            report.skip("%s: %s: not here" % (kind, ", ".join(missing)))
            continue
        for release in sorted(set(given.releases) | following |
                              {hosts.NEXT[one] for one in given.releases}):
            for number in (1, 2)[:1 if release not in given.releases else 2]:
                store.get(kind, release, number)
        table = Table(report, kind, given.releases)
        family = make(space, store, known, own, given.dpkg if kind == "deb" else given.rpm)
        run_family(family, cases, given, table)
        if kind == "deb" and given.kill and is_meant(given, "deb: kill"):
            run_kills(family, given, table)
        if table.rows:
            yield table


def main():
    given, report, start = arguments(), Report(), time.monotonic()
    problem = roots.why_not()
    if problem:
        report.skip("upgrades by package managers: %s" % problem)
        return report.close()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    roots.enter_namespace()
    space = roots.Space()
    tables = []
    try:
        for table in test(given, report, space):
            tables.append(table)
    except Failure as failure:
        report.fail(str(failure))
    finally:
        space.close()
    for table in tables:
        table.show()
    print("in %.0f s" % (time.monotonic() - start))
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
