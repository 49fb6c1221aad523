# SPDX-License-Identifier: Apache-2.0
"""Where Python packages are found without being told."""

import os
import shutil

import packages
from lib import DEBIAN, Case, write
from snapshot import snapshot

USUAL = {
    "Debian": "usr/lib/python2.7/dist-packages",
    "Debian, Python 3": "usr/lib/python3/dist-packages",
    "Red Hat": "usr/lib/python2.7/site-packages",
    "Red Hat, lib64": "usr/lib64/python2.7/site-packages",
    "pip on Debian": "usr/local/lib/python2.7/dist-packages",
    "pip": "usr/local/lib/python3.5/site-packages",
    "OpenStack-Ansible": "openstack/venvs/nova-15.1.3/lib/python2.7/site-packages",
    "Kolla": "var/lib/kolla/venv/lib/python2.7/site-packages",
    "LOCI": "var/lib/openstack/lib/python2.7/site-packages",
    "DevStack": "opt/stack/nova",
    "DevStack, one environment": "opt/stack/data/venv/lib/python3.6/site-packages",
}

VENV = "srv/venv/lib/python2.7/site-packages"


class Usual(Case):
    def test_places(self):
        for number, (what, site) in enumerate(sorted(USUAL.items())):
            with self.subTest(what):
                host = self.host(name="host%d" % number, site=site)
                host.put("nova", "newton")
                host.put("os_brick", "newton")
                self.assertEqual(self.one(host, "nova")["path"], host.file("nova"))
                self.good(host, "install", "nova")
                self.assertEqual(self.states(host), {"nova": "installed",
                                                     "os_brick": "installed"})

    def test_other_places_are_not_looked_at(self):
        for number, site in enumerate(("home/user/lib/python2.7/site-packages", "opt/nova",
                                       "usr/lib/python2.7/other-packages",
                                       "usr/lib/python2.7/dist-packages/deeper",
                                       "usr/lib/.python2.7/dist-packages",
                                       "openstack/venvs/nova/lib/.python2.7/site-packages")):
            with self.subTest(site):
                host = self.host(name="host%d" % number, site=site)
                host.put("nova", "newton")
                self.expect(3, self.run_on(host, "detect"), "--path")
                # but when they are named
                self.assertEqual(len(self.found(host, "--path", "/" + site)), 1)

    def test_environment_named_by_a_program(self):
        for number, (program, directory, line) in enumerate((
                ("nova-compute", "usr/bin", "#!/srv/venv/bin/python2.7"),
                ("nova-compute", "usr/local/bin", "#! /srv/venv/bin/python3 -s"),
                ("nova-compute", "usr/sbin", "#!/srv/venv/bin/python\r"),
                ("cinder-volume", "usr/bin", "#!/srv/venv/bin/python"))):
            with self.subTest(line):
                host = self.host(name="host%d" % number, site=VENV)
                host.put("nova", "newton")
                self.expect(3, self.run_on(host, "detect"))
                write(host.path(directory, program), line + "\nimport sys\n", 0o755)
                self.assertEqual(self.one(host, "nova")["path"], host.file("nova"))

    def test_programs_that_name_none(self):
        lines = ("#!/usr/bin/env python", "#!/srv/venv/bin/bash", "#!srv/venv/bin/python", "#!",
                 "#!/srv/venv/python", "\x7fELF", "", "#!" + "/srv/venv/bin/python" * 50)
        for number, line in enumerate(lines):
            with self.subTest(line[:40]):
                host = self.host(name="host%d" % number, site=VENV)
                host.put("nova", "newton")
                write(host.path("usr/bin/nova-compute"), line, 0o755)
                self.expect(3, self.run_on(host, "detect"))

    def test_program_that_is_a_link(self):
        """As Debian's alternatives make them; the link is followed inside the root."""
        host = self.host(site=VENV)
        host.put("nova", "newton")
        write(host.path("srv/venv/bin/nova-compute"), "#!/srv/venv/bin/python\n", 0o755)
        os.makedirs(host.path("usr/bin"))
        os.symlink("/srv/venv/bin/nova-compute", host.path("usr/bin/nova-compute"))
        self.assertEqual(self.one(host, "nova")["path"], host.file("nova"))

    def test_same_directory_by_two_names(self):
        """lib64 -> lib, as Red Hat's virtualenv makes it, is one place, not two."""
        host = self.host("newton", site="usr/lib/python2.7/site-packages")
        os.symlink("lib", host.path("usr/lib64"))
        self.assertEqual(len(self.found(host)), 3)
        self.good(host, "install")

    def test_component_that_is_a_link(self):
        host = self.host(site="srv/src")
        host.put("nova", "newton")
        os.makedirs(host.path(DEBIAN))
        os.symlink("/srv/src/nova", host.path(DEBIAN, "nova"))
        self.assertEqual(len(self.found(host, "nova")), 1)


class Links(Case):
    """Development installs."""

    def check(self, host, site, version="14.1.0"):
        one = self.one(host, "nova")
        self.assertEqual((one["path"], one["version"], one["evidence"]),
                         (host.path(site, "nova"), version, "metadata"))

    def develop(self, name):
        host = self.host(name=name)
        host.put("nova", "newton", form="egg-info-bare", site="srv/src/nova")
        return host

    def test_egg_link(self):
        host = self.develop("one")
        host.write("nova.egg-link", "/srv/src/nova\n.")
        self.check(host, "srv/src/nova")

    def test_egg_link_relative(self):
        host = self.develop("one")
        host.write("nova.egg-link", "../../../../srv/src/nova\n.\n")
        self.assertEqual(self.one(host, "nova")["evidence"], "metadata")
        self.good(host, "install", "nova", "--no-deps")
        self.assertTrue(os.path.exists(host.path("srv/src/nova", packages.ADDED["nova"])))

    def test_only_the_first_line_of_an_egg_link(self):
        host = self.develop("one")
        host.write("nova.egg-link", "/srv/none\n/srv/src/nova\n")
        self.expect(3, self.run_on(host, "detect"))

    def test_path_file(self):
        host = self.develop("one")
        host.write("easy-install.pth", "import sys; sys.path.append('/none')\n# /srv/src/none\n"
                                       "\n/srv/none\n/srv/src/nova\n")
        self.check(host, "srv/src/nova")

    def test_path_file_with_carriage_returns_and_no_newline(self):
        host = self.develop("one")
        host.write("easy-install.pth", b"/srv/none\r\n/srv/src/nova")
        self.check(host, "srv/src/nova")

    def test_code_in_a_path_file_is_not_run(self):
        host = self.develop("one")
        host.write("a.pth", "import os; os.mkdir('%s/ran')\nimport\tsys\n" % self.tmp)
        self.expect(3, self.run_on(host, "detect"))
        self.assertFalse(os.path.exists(self.tmp + "/ran"))

    def test_path_file_that_names_a_file_or_the_root(self):
        host = self.develop("one")
        write(host.path("srv/file"), "")
        host.write("a.pth", "/srv/file\n/\n..\n/srv/src/nova\n")
        self.check(host, "srv/src/nova")

    def test_path_file_can_not_leave_the_root(self):
        host = self.host("newton", name="inner")
        outside = os.path.join(self.tmp, "outside")
        os.makedirs(outside + "/nova")
        write(outside + "/nova/__init__.py", "")
        host.write("a.pth", "%s\n../../../../../../../../..%s\n" % (outside, outside))
        self.assertEqual(len(self.found(host, "nova")), 1)

    def test_path_file_of_path_files(self):
        """What a .pth names is not searched for more of them, as in Python."""
        host = self.develop("one")
        host.write("a.pth", "/srv/first\n")
        write(host.path("srv/first/b.pth"), "/srv/src/nova\n")
        self.expect(3, self.run_on(host, "detect"))

    def test_both_links_are_one_place(self):
        host = self.develop("one")
        host.write("nova.egg-link", "/srv/src/nova\n.")
        host.write("easy-install.pth", "/srv/src/nova\n")
        self.check(host, "srv/src/nova")

    def test_egg(self):
        host = self.host()
        egg = DEBIAN + "/nova-14.1.0-py2.7.egg"
        host.put("nova", "newton", form=None, site=egg)
        write(host.path(egg, "EGG-INFO/PKG-INFO"), "Name: nova\nVersion: 14.1.0\n")
        host.write("easy-install.pth", "./nova-14.1.0-py2.7.egg\n")
        one = self.one(host, "nova")
        self.assertEqual((one["version"], one["evidence"]), ("14.1.0", "metadata"))

    def test_devstack(self):
        """Each project a checkout in /opt/stack, with its metadata in it."""
        host = self.host(site="opt/stack/nova")
        host.put("nova", "newton", "14.0.1.dev23", form="egg-info-bare")
        self.check(host, "opt/stack/nova", "14.0.1.dev23")

    def test_metadata_beside_the_link_only(self):
        """A link whose target has no metadata: the contents decide."""
        host = self.host()
        host.put("nova", "newton", form=None, site="srv/src/nova")
        host.write("nova.egg-link", "/srv/src/nova\n")
        self.assertEqual(self.one(host, "nova")["evidence"], "probes")


class Several(Case):
    OTHER = "usr/local/lib/python2.7/dist-packages"

    def two(self):
        host = self.host("newton")
        host.put("nova", "newton", "14.0.1", site=self.OTHER)
        host.age()
        return host

    def test_all_are_reported(self):
        host = self.two()
        self.assertEqual(sorted(one["version"] for one in self.found(host, "nova")),
                         ["14.0.1", "14.1.0"])
        result = self.expect(1, self.run_on(host, "check", "nova"))
        self.assertIn(host.file("nova"), result.out)
        self.assertIn(host.path(self.OTHER, "nova"), result.out)

    def test_changes_want_one_of_them_named(self):
        host = self.two()
        for command in ("diff", "install", "uninstall"):
            for names in ((), ("nova",)):
                with self.subTest(command + " ".join(names)):
                    self.refused(host, 3, "nova", host.path(DEBIAN), host.path(self.OTHER),
                                 "--path", arguments=(command,) + names)

    def test_named_with_path(self):
        host = self.two()
        self.good(host, "install", "nova", "--path", "/" + self.OTHER)
        self.assertTrue(os.path.exists(host.path(self.OTHER, packages.ADDED["nova"])))
        self.assertFalse(os.path.exists(host.file(packages.ADDED["nova"])))
        self.good(host, "uninstall", "nova", "--path", "/" + self.OTHER)
        self.assertFalse(os.path.exists(host.path(self.OTHER, packages.ADDED["nova"])))

    def test_several_directories_in_path(self):
        host = self.two()
        both = "/%s:/%s" % (self.OTHER, DEBIAN)
        places = [one["path"] for one in self.found(host, "nova", "--path", both)]
        self.assertEqual(places, [host.path(self.OTHER, "nova"), host.file("nova")])
        places = [one["path"] for one in self.found(host, "nova", "-L", "/" + DEBIAN, "-L",
                                                    "/" + self.OTHER)]
        self.assertEqual(places, [host.file("nova"), host.path(self.OTHER, "nova")])

    def test_other_components_are_still_looked_for_elsewhere(self):
        host = self.two()
        found = {one["component"]: one["path"]
                 for one in self.found(host, "--path", "/" + self.OTHER)}
        self.assertEqual(found, {"nova": host.path(self.OTHER, "nova"),
                                 "cinder": host.file("cinder"),
                                 "os_brick": host.file("os_brick")})


class Environments(Case):
    """One virtual environment a service, as OpenStack-Ansible makes them."""

    CINDER = "openstack/venvs/cinder-15.1.3/lib/python2.7/site-packages"
    NOVA = "openstack/venvs/nova-15.1.3/lib/python2.7/site-packages"

    def two(self):
        host = self.host(site=self.CINDER)
        for site, component in ((self.CINDER, "cinder"), (self.NOVA, "nova")):
            host.put(component, "ocata", site=site)
            host.put("os_brick", "ocata", site=site)
            host.put_prerequisites(site)
        host.age()
        return host

    def test_each_gets_its_own_os_brick(self):
        host = self.two()
        self.good(host, "install")
        for site in (self.CINDER, self.NOVA):
            self.assertTrue(os.path.exists(host.path(site, packages.ADDED["os_brick"])), site)
        self.expect(0, self.run_on(host, "check"))
        self.assertEqual(len(self.found(host)), 4)

    def test_several_that_could_be_needed(self):
        """None of them stands where nova does: which one it uses can't be told."""
        host = self.two()
        host.put("nova", "ocata", site=DEBIAN)
        shutil.rmtree(host.path(self.NOVA, "nova"))
        self.refused(host, 3, "os_brick", host.path(self.CINDER), host.path(self.NOVA), "--path",
                     arguments=("install", "nova"))
        self.good(host, "install", "nova", "--no-deps")

    def test_one_that_could_be_needed(self):
        """Debian's Python looks into /usr/local, too: the only one there is it."""
        host = self.host()
        host.put("nova", "ocata")
        host.put("os_brick", "ocata", site="usr/local/lib/python2.7/dist-packages")
        self.good(host, "install", "nova")
        self.assertTrue(os.path.exists(host.path("usr/local/lib/python2.7/dist-packages",
                                                 packages.ADDED["os_brick"])))

    def test_one_of_them(self):
        host = self.two()
        self.good(host, "install", "nova")
        self.assertTrue(os.path.exists(host.path(self.NOVA, packages.ADDED["os_brick"])))
        self.assertFalse(os.path.exists(host.path(self.CINDER, packages.ADDED["os_brick"])))
        self.expect(0, self.run_on(host, "check", "nova"))
        self.expect(1, self.run_on(host, "check", "cinder"))

    def test_uninstall_takes_out_all_that_install_put_in(self):
        host = self.two()
        pristine = snapshot(host.path("openstack"))
        self.good(host, "install")
        self.good(host, "uninstall")
        self.same(pristine, snapshot(host.path("openstack")))
        self.expect(1, self.run_on(host, "check"))

    def test_uninstall_with_os_brick_named(self):
        host = self.two()
        pristine = snapshot(host.path("openstack"))
        self.good(host, "install")
        self.good(host, "uninstall", "--path", "/%s:/%s" % (self.CINDER, self.NOVA), "cinder")
        self.refused(host, 3, "nova", arguments=("uninstall", "--path", "/" + self.NOVA,
                                                 "os_brick"))
        self.good(host, "uninstall", "--path", "/" + self.NOVA, "nova", "os_brick")
        self.good(host, "uninstall", "--path", "/" + self.CINDER, "os_brick")
        self.same(pristine, snapshot(host.path("openstack")))
