# SPDX-License-Identifier: Apache-2.0
"""Hosts of the two families: a release from packages, sp-openstack from its own; what to expect."""

import os
import re
import sys

import fakes
import starts
from cycle import TOP, Failure
from roots import Root
from trees import COMPONENTS, NEXT

sys.path.insert(1, os.path.join(TOP, "tests"))
from snapshot import snapshot

WORK = "var/lib/sp-openstack"
STAYS = "the drivers stay in the packages of OpenStack"
INTEGRATED = ("integrated",)
EITHER = ("integrated", "included")         # where Queens has its own, that is as good
SERVICES = ("cinder-volume", "nova-compute")


class Host:
    """What a case works with: a root, and what is known of the packages."""

    site = None
    names_of = None             # {component: names of packages}
    groups = ()                 # options of install

    def __init__(self, family, root, release):
        self.family, self.root, self.release, self.next = family, root, release, NEXT.get(release)
        self.known = family.known

    # ---- running

    def run(self, *command, **more):
        return self.root.run(*command, **more)

    def tool(self, *arguments, status=0):
        """The program that is installed in the root."""
        return self.run("/usr/sbin/sp-openstack", *arguments, status=status)

    def put(self, *files):
        """Installs or upgrades by files."""
        raise NotImplementedError

    def upgrade(self, number=2, release=None):
        """Of all packages, to those of a set."""
        raise NotImplementedError

    def integrate(self, *components):
        self.tool("install", *self.groups, *components)

    def install_theirs(self, number=1):
        self.put(*self.files(number=number))

    def install_ours(self, newer=False):
        return self.put(self.ours(newer))

    # ---- looking

    def states(self):
        """{component: its descriptions}"""
        found = starts.look(self.root.path(self.site))
        return {component: self.known.describe(found, component) for component in COMPONENTS}

    def are(self, *kinds, components=COMPONENTS):
        """All components are of one of the kinds."""
        for component, states in self.states().items():
            if component in components and not any(state.split()[-1] in kinds for state in states):
                raise Failure("%s is %s, not %s" % (component, " or ".join(states),
                                                    " or ".join(kinds)))

    def started(self, *services, wanted=INTEGRATED):
        """These services did start, and each start saw what is wanted of it."""
        seen = starts.read(self.root)
        missing = set(services) - {start.service for start in seen}
        if missing:
            raise Failure("%s did not start" % ", ".join(sorted(missing)))
        for start in seen:
            problem = start.problem(self.known, wanted)
            if problem:
                raise Failure(problem)

    def is_lost(self):
        """After an upgrade that nobody followed: that nova's integration is gone, and that the
        record of the starts shows it. So what holds in the other cases can also not hold."""
        try:
            self.are("integrated", components=("nova",))
        except Failure:
            try:
                self.started("nova-compute")
            except Failure:
                return
        raise Failure("nova is integrated all the same")

    def temporary(self):
        for directory, names, files in os.walk(self.root.path(self.site)):
            for name in names + files:
                if ".sp-openstack-" in name:
                    raise Failure("%s is left" % os.path.join(directory, name))

    def sound(self, *kinds):
        """In the end: the packages are in order, the components of one of the kinds, and the
        program says so, too."""
        self.consistent()
        self.are(*(kinds or INTEGRATED))
        self.temporary()
        if not kinds or kinds == INTEGRATED:
            self.tool("check")

    def consistent(self):
        raise NotImplementedError

    def owned(self):
        """The paths of our package, in the root."""
        raise NotImplementedError

    def snapshot(self, *without):
        return {name: entry.state for name, entry in snapshot(self.root.top).items()
                if not any(name == prefix or name.startswith(prefix + "/") for prefix in without)}

    def changed(self, before, after):
        """Names that differ; directories only if they are new or gone."""
        return sorted(name for name in set(before) | set(after)
                      if before.get(name) != after.get(name) and
                      (name not in before or name not in after or not self.is_directory(name)))

    def is_directory(self, name):
        return os.path.isdir(self.root.path(name))


# ---- Debian's family ---------------------------------------------------------------------------


DEB_NAMES = ("python-os-brick", "python-cinder", "cinder-common", "cinder-volume",
             "python-nova", "nova-common", "nova-compute")
DEB_OF = {"os_brick": DEB_NAMES[:1], "cinder": DEB_NAMES[1:4], "nova": DEB_NAMES[4:]}


class DebHost(Host):
    site = fakes.DEB_SITE
    kind = "deb"
    names_of = DEB_OF

    def files(self, names=DEB_NAMES, number=2, release=None):
        return ["/repo/%s-%d/%s_all.deb" % (release or self.release, number, name)
                for name in names]

    def dpkg(self, *arguments, **more):
        return self.run("dpkg", *arguments, **more)

    def dpkg_divert(self, *arguments):
        return self.run("dpkg-divert", "--quiet", *arguments)

    def apt(self, *arguments, number=2, release=None, **more):
        """apt-get with the packages of a set, and of the one that is installed."""
        sets = {"%s-1" % self.release, "%s-%d" % (release or self.release, number)}
        self.root.write("etc/apt/sources.list", "".join(
            "deb [trusted=yes] file:/repo/%s ./\n" % name for name in sorted(sets)))
        self.run("apt-get", "-qq", "update")
        return self.run("apt-get", "-q", "-y", "-o", "APT::Sandbox::User=root", *arguments, **more)

    def consistent(self):
        out = self.dpkg("--audit").out
        if out.strip():
            raise Failure("dpkg --audit: %s" % out.strip()[:300])

    def owned(self):
        return set(self.dpkg("-L", "sp-openstack").out.split())

    def versions(self, number=2, release=None):
        """NAME=VERSION of each package of a set, for apt-get install."""
        words = []
        for name in DEB_NAMES:
            component = next(one for one, names in DEB_OF.items() if name in names)
            trees, release = self.family.trees, release or self.release
            words.append("%s=%s" % (name, fakes.deb_version(
                trees.version(release, number, component), component,
                trees.revision(release, number, component))))
        return words

    def put(self, *files):
        return self.dpkg("-i", *files)

    def upgrade(self, number=2, release=None):
        self.apt("dist-upgrade", number=number, release=release)

    @staticmethod
    def ours(newer=False):
        return "/ours/newer.deb" if newer else "/ours/ours.deb"


# ---- Red Hat's family --------------------------------------------------------------------------


RPM_NAMES = ("python2-os-brick", "python-cinder", "openstack-cinder", "python-nova",
             "openstack-nova-common", "openstack-nova-compute")
RPM_OF = {"os_brick": RPM_NAMES[:1], "cinder": RPM_NAMES[1:3], "nova": RPM_NAMES[3:]}


class RpmHost(Host):
    """rpm and dnf are those of this machine, with --root: scripts run in the root.

    With an rpm of another version, in family.other, there is no dnf; upgrades are by files then.
    """

    site = fakes.RPM_SITE
    kind = "rpm"
    names_of = RPM_OF
    groups = ("--no-groups",)           # nothing here makes accounts in the root

    def files(self, names=RPM_NAMES, number=2, release=None):
        directory = self.family.packages(release or self.release, number)
        return ["%s/%s.rpm" % (directory, name) for name in names]

    def rpm_command(self):
        program = ["rpm"] if not self.family.other else [
            os.path.join(self.family.other, "bin/rpm"), "--dbpath", "/var/lib/rpm"]
        return program + ["--root", self.root.top, "--nosignature"]

    def rpm(self, *arguments, **more):
        return self.run(*self.rpm_command(), *arguments, inside=False, **more)

    def dnf(self, *arguments, number=2, release=None, repos=(), **more):
        command = ["dnf", "-q", "-y", "--installroot", self.root.top, "--nogpgcheck",
                   "--releasever", "7", "--disableplugin", "*", "--setopt", "reposdir=/nonexistent",
                   "--setopt", "cachedir=%s" % self.root.path("var/cache/dnf"),
                   "--setopt", "install_weak_deps=False"]
        for index, directory in enumerate([self.family.packages(release or self.release, number)] +
                                          list(repos)):
            command += ["--repofrompath", "set%d,file://%s" % (index, directory)]
        return self.run(*command, *arguments, inside=False, **more)

    def consistent(self):
        names = self.rpm("-qa", "--qf", "%{NAME}\n").out.split()
        double = {name for name in names if names.count(name) > 1}
        if double:
            raise Failure("installed twice: %s" % ", ".join(sorted(double)))

    def owned(self):
        return set(self.rpm("-ql", "sp-openstack").out.split())

    def put(self, *files):
        return self.rpm("-U", *files)

    def upgrade(self, number=2, release=None):
        if self.family.other:
            self.put(*self.files(number=number, release=release))
        else:
            self.dnf("upgrade", number=number, release=release)

    def ours(self, newer=False):
        return os.path.join(self.family.own, "newer.rpm" if newer else "ours.rpm")


# ---- families ----------------------------------------------------------------------------------


class Family:
    """What all hosts of a kind share: the packages, and layers with a release installed."""

    def __init__(self, make, space, store, known, own, other=None):
        self.make, self.space, self.store, self.known, self.own = make, space, store, known, own
        self.other = other              # a directory with a package manager of another version
        self.kind, self.trees = make.kind, store.trees
        self.base, self.plain, self.integrated = [], {}, {}
        self.shown = {os.path.join(store.top, "deb"): "repo", own: "ours"} \
            if self.kind == "deb" else {}

    def packages(self, release, number):
        return self.store.get(self.kind, release, number)

    def host(self, below, release, name="case"):
        return self.make(self, Root(self.space, below, name, self.shown), release)

    def finish_base(self, root):
        """What both have: the recorder and StorPool's Python packages, which the drivers need."""
        root.write("usr/local/sbin/service", starts.script(self.make.site), 0o755)
        os.makedirs(root.path("var/log"), exist_ok=True)
        for name, version in (("storpool", "7.3.0"), ("storpool.spopenstack", "3.2.0")):
            root.write("%s/%s-%s.egg-info" % (self.make.site, name, version),
                       "Metadata-Version: 1.1\nName: %s\nVersion: %s\n" % (name, version))

    def prepare(self, release):
        """The layers of a release, without and with the drivers."""
        host = self.host(self.base, release, "plain-" + release)
        with host.root:
            host.install_theirs()
            host.install_ours()
            host.are("original")
            starts.read(host.root)
        self.plain[release] = host.root.layers()
        host = self.host(self.plain[release], release, "integrated-" + release)
        with host.root:
            host.integrate()
            host.sound()
        self.integrated[release] = host.root.layers()


def only(result, pattern):
    """The lines of an output that match, for comparison."""
    return [line for line in result.out.splitlines() if re.search(pattern, line)]
