#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The life of a host, end to end, on real releases out of clones.

    tests/trees/lives.py --git DIR [--program PROGRAM] [PART-OF-A-NAME...]
    make check-lives GIT=DIR

DIR holds clones with all tags: cinder, nova and os-brick, and for one of the lives
storpool-openstack-integration. Each life is a host below a root of its own. Packages come and go as
a package manager does it: what a package brought goes with it, what is ours stays where it is.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from clones import clone
from cycle import DISTRIBUTION, TOP, Report, last_line, must, must_be_same, write_metadata
from run import OLDER, attempt, export_older, git_bytes, run_older
from snapshot import snapshot

SITE = "usr/lib/python2.7/dist-packages"
LOCAL = "usr/local/lib/python2.7/dist-packages"
COMPONENTS = ("cinder", "nova", "os_brick")
DRIVER = "nova/virt/libvirt/driver.py"
CONNECTOR = "os_brick/initiator/connector.py"
ENTRY = "LibvirtStorPoolVolumeDriver"

# The last version of each release.
LAST = {"mitaka": ("8.1.1", "13.1.4", "1.2.0"), "newton": ("9.1.4", "14.1.0", "1.6.2"),
        "ocata": ("10.0.8", "15.1.5", "1.11.1"), "pike": ("11.2.2", "16.1.8", "1.15.9"),
        "queens": ("12.0.10", "17.0.13", "2.3.9")}
# An early one of the same release.
EARLY = {"newton": ("9.0.0", "14.0.1", "1.6.1"), "ocata": ("10.0.0", "15.0.0", "1.11.0"),
         "pike": ("11.0.0", "16.0.0", "1.15.4")}

# Two changes that a vendor could have made: another volume driver in the list, and a constant.
VENDOR = (
    (DRIVER, "libvirt_volume_drivers = [\n",
     "libvirt_volume_drivers = [\n    'vendor=nova.virt.libvirt.volume.vendor.VendorDriver',\n"),
    (CONNECTOR, "import ", "# of the vendor\nVENDOR = 'VENDOR'\nimport "),
)


def export(repository, component, version, scratch):
    """A directory with the package as a tag has it, made once. Without its tests and translations,
    more than half of all files, which nothing looks at."""
    directory = os.path.join(scratch, "%s-%s" % (component, version))
    if os.path.isdir(directory):
        return directory
    os.mkdir(directory)
    archive = git_bytes(repository, "archive", version, component,
                        *(":(exclude)%s/%s" % (component, name) for name in ("tests", "locale")))
    subprocess.run(["tar", "-x", "-f", "-", "-C", directory], input=archive, check=True)
    write_metadata(directory, component, version)
    return directory


class Host:
    """A root with packages in it, and the program on it."""

    def __init__(self, program, repositories, scratch):
        self.program, self.repositories, self.scratch = program, repositories, scratch
        self.top = tempfile.mkdtemp(dir=scratch)
        self.place = os.link            # how a file of a package gets there
        self.seen = {}                  # the latest snapshot of each site
        self.owned = {}                 # {(site, component): names that the package brought}
        os.makedirs(self.path("var/lib"))
        for site in (SITE, LOCAL):
            os.makedirs(self.path(site))

    def path(self, *parts):
        return os.path.join(self.top, *parts)

    # ---- packages

    def put(self, component, version, site=SITE):
        """Installs the package, or upgrades it."""
        source = export(self.repositories[component], component, version, self.scratch)
        self.remove(component, site)
        names = []
        for directory, _, files in os.walk(source):
            inside = os.path.relpath(directory, source)
            if inside != ".":
                names.append(inside)
                os.makedirs(self.path(site, inside), exist_ok=True)
            for name in files:
                name = os.path.normpath(os.path.join(inside, name))
                names.append(name)
                if os.path.lexists(self.path(site, name)):
                    os.unlink(self.path(site, name))
                self.place(os.path.join(source, name), self.path(site, name))
        self.owned[site, component] = names

    def remove(self, component, site=SITE):
        """Takes out what the package brought; directories with something else in them stay."""
        for name in sorted(self.owned.pop((site, component), ()), reverse=True):
            path = self.path(site, name)
            if os.path.isdir(path) and not os.path.islink(path):
                if not os.listdir(path):
                    os.rmdir(path)
            elif os.path.lexists(path):
                os.unlink(path)

    def put_release(self, release, versions=None):
        for component, version in zip(COMPONENTS, (versions or LAST)[release]):
            self.put(component, version)

    def fresh(self, release, versions=None):
        """What a host with just these packages has: names and contents."""
        other = Host(self.program, self.repositories, self.scratch)
        try:
            other.put_release(release, versions)
            return other.files()
        finally:
            shutil.rmtree(other.top)

    # ---- files

    def files(self, site=SITE):
        self.seen[site] = snapshot(self.path(site), self.seen.get(site))
        return self.seen[site]

    def read(self, name, site=SITE):
        with open(self.path(site, name), encoding="utf-8") as file:
            return file.read()

    def write(self, name, text, site=SITE):
        path = self.path(site, name)
        mode = os.stat(path).st_mode & 0o7777
        os.unlink(path)                     # the packages share it
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def must_be(self, expected, text):
        must_be_same(expected, self.files(), text,
                     fields=("kind", "mode", "owner", "group", "content"))

    # ---- the program

    def run(self, *arguments, expect):
        command = [self.program, "--root", self.top]
        if arguments[0] == "install":
            command.append("--no-groups")
        done = subprocess.run(command + list(arguments), stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                              env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"}, encoding="utf-8",
                              errors="replace")
        must(done.returncode == expect, "`%s` exits %d, not %d: %s", " ".join(arguments),
             done.returncode, expect, last_line(done))
        return done

    def check(self, *states, expect):
        """The states of cinder, nova and os_brick."""
        answer = json.loads(self.run("check", "--json", expect=expect).stdout)
        found = {part["component"]: part["state"] for part in answer["components"]}
        expected = dict(zip(COMPONENTS, states * (3 if len(states) == 1 else 1)))
        must(found == expected, "check says %r, not %r", found, expected)

    def integrate(self):
        """What install says is what check says; a second install has nothing to do."""
        self.run("install", expect=0)
        self.check("installed", expect=0)
        before = self.files()
        self.run("install", expect=0)
        must_be_same(before, self.files(), "a second install touches something", touched=True)

    def withdraw(self, expected):
        self.run("uninstall", expect=0)
        self.check("not-installed", expect=1)
        self.must_be(expected, "uninstall leaves a difference")


# ---- the lives ------------------------------------------------------------------------------


def upgrade_inside_a_release(host):
    for release in EARLY:
        host.put_release(release, EARLY)
        host.integrate()
        host.put_release(release)
        host.check("installed", "partial", "partial", expect=1)
        host.integrate()
        host.withdraw(host.fresh(release))


def upgrade_then_rollback(host):
    """The same, undone by number: nothing of the older version comes back."""
    host.put_release("newton", EARLY)
    host.integrate()
    host.put_release("newton")
    host.integrate()
    host.run("rollback", "1", expect=0)
    host.must_be(host.fresh("newton"), "rollback leaves a difference")


def upgrade_through_four_releases(host):
    host.put_release("mitaka")
    host.integrate()
    for release in ("newton", "ocata", "pike"):
        host.put_release(release)
        must(ENTRY not in host.read(DRIVER), "the new package has our line")
        host.integrate()
    host.withdraw(host.fresh("pike"))


def rollback_through_four_releases(host):
    host.put_release("mitaka")
    host.integrate()
    for release in ("newton", "ocata", "pike"):
        host.put_release(release)
        host.integrate()
    host.run("rollback", "1", expect=0)
    host.must_be(host.fresh("pike"), "rollback leaves a difference")


def from_pike_to_queens(host):
    for number, command in enumerate(("rollback", "uninstall", "install")):
        host.put_release("pike")
        if number:
            host.run("recover", expect=0)
        host.integrate()
        host.put_release("queens")
        host.check("included", expect=0)
        before = host.files()
        status = {"rollback": 3, "uninstall": 0, "install": 0}[command]
        host.run(command, expect=status)
        must_be_same(before, host.files(), "%s touches Queens" % command, touched=True)
        host.must_be(host.fresh("queens"), "the files of Queens are not as they came")


def nova_alone_to_queens(host):
    """Its driver needs our os_brick until that is of Queens, too."""
    host.put_release("pike")
    host.run("install", "nova", expect=0)
    host.put("nova", LAST["queens"][1])
    before = host.files()
    done = host.run("rollback", expect=3)
    must("needs it" in done.stderr, "it is not said why os_brick is left: %r", done.stderr)
    must_be_same(before, host.files(), "rollback touches something", touched=True)


def removal_of_the_packages(host):
    host.put_release("pike")
    host.integrate()
    for component in COMPONENTS:
        host.remove(component)
    must(any(name.endswith("storpool.py") for name in host.files()), "our modules are gone")
    host.run("rollback", expect=0)
    left = [name for name in host.files() if name.endswith((".py", ".pyc"))]
    must(not left, "left: %s", " ".join(left))
    host.put_release("pike")
    host.integrate()
    host.withdraw(host.fresh("pike"))


def pip_above_the_distribution(host):
    """/usr/local comes first; what pip brings is what Python imports, until it goes again."""
    host.put_release("pike", {"pike": LAST["pike"][:2] + ("1.15.4",)})
    host.integrate()
    integrated = host.files()
    host.put("os_brick", "1.15.9", LOCAL)
    pristine = host.files(LOCAL)
    host.run("check", expect=1)
    host.run("install", expect=0)
    host.run("check", expect=0)
    must("STORPOOL" in host.read(CONNECTOR, LOCAL), "pip's copy is not integrated")
    must_be_same(integrated, host.files(), "the copy that Python does not import is touched")
    host.run("rollback", expect=0)
    must_be_same(pristine, host.files(LOCAL), "rollback leaves a difference in pip's copy",
                 fields=("kind", "mode", "content"))
    host.remove("os_brick", LOCAL)
    host.check("installed", expect=0)
    host.withdraw(host.fresh("pike", {"pike": LAST["pike"][:2] + ("1.15.4",)}))


def older_tool_before_ours_after(host):
    older = host.repositories.get(OLDER)
    if not older:
        return "no clone of %s" % OLDER
    if not shutil.which("perl") or not shutil.which("setpriv"):
        return "perl or setpriv is not here"
    tool = export_older(older, "1.5.0", host.top)
    host.place = shutil.copy2
    host.put_release("newton")
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "65534:65534", host.path(SITE)], check=True)
        os.chmod(host.top, 0o755)
    pristine = host.files()
    for component in COMPONENTS:
        run_older(older, tool, host.path(SITE), component)
    must(ENTRY in host.read(DRIVER), "the older tool did nothing")
    older_files = host.files()
    host.run("check", expect=1)
    host.integrate()
    host.run("rollback", expect=0)
    must_be_same(older_files, host.files(), "rollback does not give the older tool's work back",
                 fields=("kind", "mode", "owner", "group", "content"))
    host.integrate()
    host.withdraw(pristine)
    return None


def change(host, name, old, new):
    text = host.read(name)
    must(text.count(old) >= 1, "%r is not in %s", old, name)
    host.write(name, text.replace(old, new, 1))


def vendor_patch(host, apply):
    for name, old, new in VENDOR:
        change(host, name, *((old, new) if apply else (new, old)))


def vendor_before_between_and_after(host):
    for release in ("mitaka", "newton", "ocata", "pike"):
        host.put_release(release)
        pristine = host.files()
        vendor_patch(host, True)                # before: uninstall gives the vendor's back
        patched = host.files()
        host.integrate()
        host.withdraw(patched)
        host.integrate()
        vendor_patch(host, False)               # taken out while ours is in
        host.run("check", expect=0)
        host.withdraw(pristine)
        host.integrate()
        vendor_patch(host, True)                # put in while ours is in
        host.run("check", expect=0)
        host.run("rollback", expect=0)
        host.must_be(patched, "rollback does not leave the vendor's change alone")
        vendor_patch(host, False)               # after: as if we had never been there
        host.must_be(pristine, "the package is not as it came")


LIVES = (
    ("package upgrade inside a release", upgrade_inside_a_release),
    ("package upgrade inside a release, then rollback", upgrade_then_rollback),
    ("Mitaka to Newton to Ocata to Pike", upgrade_through_four_releases),
    ("Mitaka to Pike, then rollback", rollback_through_four_releases),
    ("Pike to Queens", from_pike_to_queens),
    ("Pike to Queens, nova alone", nova_alone_to_queens),
    ("removal of the packages", removal_of_the_packages),
    ("pip above the distribution's package, and away again", pip_above_the_distribution),
    ("the older tool before, ours after", older_tool_before_ours_after),
    ("a vendor's patch before, between and after", vendor_before_between_and_after),
)


def live(function, program, repositories, scratch):
    host = Host(program, repositories, scratch)
    try:
        return function(host)
    finally:
        shutil.rmtree(host.top, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--git", metavar="DIR", required=True)
    parser.add_argument("--program", default=os.path.join(TOP, "sp-openstack"))
    parser.add_argument("part", nargs="*", help="only the lives with this in their names")
    given = parser.parse_args()
    program = os.path.abspath(given.program)
    if not os.access(program, os.X_OK):
        parser.error("%s: not there; build it first" % program)
    repositories = {component: clone(given.git, name) for component, name in DISTRIBUTION.items()}
    for component, repository in repositories.items():
        if not repository:
            parser.error("%s: no clone of %s here" % (given.git, component))
    repositories[OLDER] = clone(given.git, OLDER, "storpool")
    report = Report()
    scratch = tempfile.mkdtemp(prefix="sp-openstack-lives.")
    os.chmod(scratch, 0o755)
    try:
        for name, function in LIVES:
            if given.part and not any(part in name for part in given.part):
                continue
            began = time.monotonic()
            skipped, problem = attempt(live, function, program, repositories, scratch)
            if problem:
                report.fail("%s: %s" % (name, problem))
            elif skipped:
                report.skip("%s: %s" % (name, skipped))
            else:
                report.ok("%s (%.0f s)" % (name, time.monotonic() - began))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
