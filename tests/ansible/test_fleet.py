# SPDX-License-Identifier: Apache-2.0
"""A fleet of twelve: four releases in three layouts, controllers and hypervisors, with everything
that goes wrong on one host while it goes well on the others.

The packages are the real ones: of clones if there are any (--git), else those that the package
index has; for those that neither has there are stand-ins."""

import importlib.util
import os
import shutil
import sys
import tempfile
import time

import hosts
import lab
from lab import Case

TREES = os.path.join(hosts.TOP, "tests", "trees")
sys.path.insert(1, TREES)
from clones import clone
from cycle import Failure
from lives import LAST, export


def load(name, path):
    """tests/cli has a module of the same name."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


releases = load("releases", os.path.join(TREES, "packages.py"))

RELEASES = ("mitaka", "newton", "ocata", "pike")
LAYOUTS = ("ubuntu", "rdo", "venv")
PARTS = {"controllers": ("cinder", "os_brick"), "hypervisors": ("nova", "os_brick")}
SERVICE = {"controllers": "cinder-volume", "hypervisors": "nova-compute"}
ALL = ("-e", "fleet_max_fail_percentage=100", "-e", "fleet_controllers_serial=100%",
       "-e", "fleet_hypervisors_serial=100%")
WORK = "var/lib/sp-openstack"


def group_of(index):
    """Each layout has a controller, and each release."""
    return "controllers" if index in (0, 5, 10, 7) else "hypervisors"


class Packages:
    """Trees of packages, each made once."""

    def __init__(self):
        self.top, self.stand_ins = tempfile.mkdtemp(dir=lab.top()), set()

    def tree(self, component, release):
        """A directory to copy from; None: a stand-in has to do."""
        version = dict(zip(("cinder", "nova", "os_brick"), LAST[release]))[component]
        repository = lab.GIT and clone(lab.GIT, component.replace("_", "-"))
        if repository:
            return export(repository, component, version, self.top)
        if version not in releases.VERSIONS[component]:
            return None
        directory = os.path.join(self.top, "%s-%s" % (component, version))
        if not os.path.isdir(directory):
            try:
                releases.unpack(component, version, directory)
            except Failure:
                shutil.rmtree(directory, ignore_errors=True)
                return None
        return directory

    def put(self, host, component, release):
        tree = self.tree(component, release)
        if tree:
            host.put_package(tree)
        else:
            self.stand_ins.add("%s of %s" % (component, release))
            host.put_stand_in(component, release)


def setUpModule():
    Fleet.packages = Packages()


class Fleet(Case):
    packages = None

    def members(self):
        """{group: hosts}, all of them started."""
        groups = {"controllers": [], "hypervisors": []}
        versions = [(2, 7), (2, 7), (3, 6)]
        for index in range(12):
            release, layout = RELEASES[index % 4], LAYOUTS[index // 4]
            group = group_of(index)
            if index == 11:
                layout = "kolla"
            host = self.fleet.add("%s-%s" % (release, layout), self.python(*versions[index % 3]),
                                  layout)
            host.release, host.parts = release, PARTS[group]
            for component in host.parts:
                self.packages.put(host, component, release)
            host.put_prerequisites(host.site)
            host.start(SERVICE[group])
            groups[group].append(host)
        self.groups = groups
        self.hosts = {host.name: host for members in groups.values() for host in members}
        cluster = groups["controllers"][1]
        self.assertEqual(cluster.layout, "rdo")
        cluster.put("var/lib/pacemaker/cib/cib.xml",
                    '<primitive class="systemd" type="openstack-cinder-volume"/>')
        self.clustered, self.contained = cluster.name, "pike-kolla"

    def upgrade(self, host, release=None):
        """What a package upgrade does: the files that packages have are those of the package."""
        for component in host.parts:
            self.packages.put(host, component, release or host.release)

    def roll(self, *arguments, **variables):
        begin = time.monotonic()
        outcome = self.control.play("sp_openstack.drivers.rollout", self.groups, *arguments,
                                    **variables)
        print("%s, %.1f s\n%s" % (self.id().rpartition(".")[2], time.monotonic() - begin,
                                  outcome.recap), flush=True)
        return outcome

    def well(self, outcome):
        self.assertEqual(outcome.status, 0, str(outcome))
        self.assertEqual(set(outcome.stats), set(self.hosts))
        return outcome

    def integrated(self, host):
        return all(os.path.exists(host.file(hosts.stand_ins.ADDED[part])) or
                   os.path.exists(host.file("os_brick/initiator/storpool.py"))
                   for part in host.parts)

    # ---- the faults

    def no_space(self, host):
        host.sh("mount -t tmpfs -o size=16k,mode=700 none /" + WORK)
        return lambda: host.sh("umount /" + WORK)

    def mixed(self, host):
        other = RELEASES[(RELEASES.index(host.release) + 1) % 4]
        for path in (name for name in os.listdir(host.path(host.site))
                     if name.startswith("os_brick-")):
            shutil.rmtree(host.file(path))
        shutil.rmtree(host.file("os_brick"))
        self.packages.put(host, "os_brick", other)

        def mend():
            for path in (name for name in os.listdir(host.path(host.site))
                         if name.startswith("os_brick")):
                shutil.rmtree(host.file(path))
            self.packages.put(host, "os_brick", host.release)
        return mend

    def edited(self, host):
        path = host.file("nova/virt/libvirt/driver.py")
        text = host.read("nova/virt/libvirt/driver.py")
        os.unlink(path)
        host.write("nova/virt/libvirt/driver.py", text.replace("libvirt_volume_drivers",
                                                               "my_volume_drivers"))
        return lambda: self.upgrade(host)

    def locked(self, host):
        holder = host.popen("exec %s -c 'import fcntl, sys; f = open(\"/%s/lock\", \"r+\"); "
                            "fcntl.lockf(f, fcntl.LOCK_EX); sys.stdout.write(\"held\\n\"); "
                            "sys.stdout.flush(); sys.stdin.read()'" % (host.python, WORK))

        def mend():
            holder.communicate()
        self.addCleanup(lambda: holder.poll() is None and holder.kill())
        return mend

    def killed(self, host):
        return lab.kill_in_the_middle(host, 74)

    # ---- tests

    def test_twelve(self):
        self.members()
        plan = self.well(self.roll("--check", *ALL))
        self.assertEqual(set(plan.counts("changed")), set(self.hosts))
        self.assertFalse(any(self.integrated(host) for host in self.hosts.values()))

        first = self.well(self.roll(*ALL))
        self.assertEqual(set(first.counts("changed")), set(self.hosts))
        self.assertTrue(all(self.integrated(host) for host in self.hosts.values()))
        for host in self.hosts.values():
            service = (hosts.UNITS.get(host.layout, "%s")
                       % ("cinder-volume" if "cinder" in host.parts else "nova-compute"))
            ours = host.name not in (self.clustered, self.contained)
            self.assertEqual(host.calls(), ["try-restart %s.service" % service] if ours else [],
                             host.name)
        named = first.results("Name the services")
        self.assertEqual(set(named), {self.clustered, self.contained})
        self.assertIn("pcs resource restart", str(named[self.clustered]))
        self.assertIn("docker restart", str(named[self.contained]))

        second = self.well(self.roll(*ALL))
        self.assertEqual(second.counts("changed"), {})
        self.assertEqual({host: len(self.hosts[host].calls()) for host in self.hosts},
                         {host: int(host not in (self.clustered, self.contained))
                          for host in self.hosts})

        for host in self.hosts.values():
            self.upgrade(host)
        broken = {"newton-ubuntu": self.no_space, "ocata-ubuntu": self.mixed,
                  "pike-ubuntu": self.edited, "mitaka-rdo": self.locked, "ocata-rdo": self.killed}
        self.assertTrue(set(broken) < {host.name for host in self.groups["hypervisors"]})
        mend = [fault(self.hosts[name]) for name, fault in broken.items()]
        faulty = self.roll("-e", "host_executable=/usr/sbin/sp-openstack", *ALL)
        self.assertNotEqual(faulty.status, 0)
        self.assertEqual(set(faulty.counts("failures")), set(broken), str(faulty))
        self.assertEqual(set(faulty.counts("changed")), set(self.hosts) - set(broken))
        said = {name: result["msg"] for name, result in
                faulty.results("Report the failure", ("failed",)).items()}
        for name, part in (("newton-ubuntu", "not enough free space"),
                           ("ocata-ubuntu", "different releases"),
                           ("pike-ubuntu", "driver.py"), ("mitaka-rdo", "at work"),
                           ("ocata-rdo", "Killed")):
            self.assertIn(part, said[name])
        for one in mend:
            one()

        repair = self.well(self.roll(*ALL))
        self.assertEqual(set(repair.counts("changed")), set(broken))
        self.assertEqual(len(repair.results("Integrate the host")["ocata-rdo"]["recovered"]), 1)
        self.assertTrue(all(self.integrated(host) for host in self.hosts.values()))
        self.assertEqual(self.well(self.roll(*ALL)).counts("changed"), {})
        if self.packages.stand_ins:
            print("stand-ins: %s" % ", ".join(sorted(self.packages.stand_ins)))

    def test_stop_and_roll_back(self):
        """The first failure ends the play, and of its batch nothing is left."""
        self.members()
        bad = self.groups["hypervisors"][2]
        mend = self.edited(bad)
        outcome = self.roll(fleet_hypervisors_serial=[1, 3])
        names = [host.name for host in self.groups["hypervisors"]]
        self.assertNotEqual(outcome.status, 0)
        self.assertEqual(set(outcome.counts("failures")), {bad.name})
        self.assertEqual([name for name in names if self.integrated(self.hosts[name])], names[:1],
                         str(outcome))
        for name in names[1:4]:
            host = self.hosts[name]
            self.assertEqual(len(host.calls()), 0 if host is bad or name == self.contained else 2)
        self.assertTrue(set(names[4:]).isdisjoint(outcome.stats))
        self.assertTrue(all(self.integrated(host) for host in self.groups["controllers"]))
        mend()
        done = self.well(self.roll())
        self.assertEqual(set(done.counts("changed")), set(names[1:]))

    def test_a_controller_that_fails(self):
        """No hypervisor is touched after that."""
        self.members()
        bad = self.groups["controllers"][1]
        os.makedirs(bad.path(WORK), mode=0o700)
        mend = self.no_space(bad)
        outcome = self.roll()
        self.assertEqual(set(outcome.stats), {host.name for host in self.groups["controllers"][:2]})
        self.assertEqual([self.integrated(host) for host in self.groups["controllers"]],
                         [True, False, False, False])
        mend()
