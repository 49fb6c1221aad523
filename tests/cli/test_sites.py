# SPDX-License-Identifier: Apache-2.0
"""Where Python packages are found without being told."""

import json
import os
import shutil
import subprocess
import sys

import lib
import packages
from lib import DEBIAN, Case, read, run_program, write
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
        """Two environments, and nothing tells which of them the service uses."""
        host = self.host(site="openstack/venvs/nova-14/lib/python2.7/site-packages")
        other = "openstack/venvs/nova-old/lib/python2.7/site-packages"
        for site in (host.site, other):
            host.put("nova", "newton", site=site)
            host.put("os_brick", "newton", site=site)
        host.age()
        for command in ("diff", "install"):
            for names in ((), ("nova",)):
                with self.subTest(command + " ".join(names)):
                    self.refused(host, 3, "nova", host.path(host.site), host.path(other),
                                 "--path", arguments=(command,) + names)
        self.expect(1, self.run_on(host, "check"), err="nova is in several environments")

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

    def test_needed_and_in_other_environments_only(self):
        """The system's Python imports none of those in the virtual environments."""
        host = self.two()
        host.put("nova", "ocata", site=DEBIAN)
        shutil.rmtree(host.path(self.NOVA, "nova"))
        self.refused(host, 3, "os_brick", "nova", "--path", arguments=("install", "nova"))
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


class Order(Case):
    """One interpreter, two copies: the one that it imports is the component."""

    LOCAL = "usr/local/lib/python2.7/dist-packages"
    ADDED = packages.ADDED["os_brick"]

    def two(self):
        """The distribution's packages, and pip's os-brick above them."""
        host = self.host("newton")
        host.put("os_brick", "newton", site=self.LOCAL)
        host.age()
        return host

    def shadowed(self, host, *arguments):
        """{path: what it says of it} of check --json, for the copies that are shadowed."""
        return {one["path"]: one["shadowed_by"] for one in
                self.run_on(host, "--json", "check", *arguments).json["components"]
                if one["state"] == "shadowed"}

    def test_what_is_imported_is_changed(self):
        host = self.two()
        pristine = snapshot(host.path("usr"))
        self.good(host, "install", "nova")
        self.assertTrue(os.path.exists(host.path(self.LOCAL, self.ADDED)))
        self.assertFalse(os.path.exists(host.file(self.ADDED)))
        self.expect(0, self.run_on(host, "check", "nova"), "shadowed",
                    host.path(self.LOCAL, "os_brick"))
        self.good(host, "install")
        self.expect(0, self.run_on(host, "check"))
        self.assertEqual(self.shadowed(host),
                         {host.file("os_brick"): host.path(self.LOCAL, "os_brick")})
        self.assertIn("nothing to do", self.good(host, "install").out)
        self.good(host, "uninstall")
        self.same(pristine, snapshot(host.path("usr")))

    def test_integrated_copy_that_is_shadowed_later(self):
        """pip's package comes above one that is integrated: it stays so, and is named."""
        host = self.host("newton")
        host.age()
        pristine = snapshot(host.path("usr/lib"))
        self.good(host, "install")
        host.put("os_brick", "newton", site=self.LOCAL)
        self.expect(1, self.run_on(host, "check"), "this copy is integrated, too",
                    err="'%s' is integrated, and left so" % host.file("os_brick"))
        content = read(host.file(self.ADDED))
        result = self.expect(0, self.run_on(host, "--json", "uninstall"),
                             err="uninstall --path '/%s' os_brick" % DEBIAN)
        self.assertEqual([(one["path"], one["integrated"]) for one in result.json["components"]
                          if one["shadowed_by"]], [(host.file("os_brick"), True)])
        self.assertIn(host.file("os_brick"), " ".join(result.json["warnings"]))
        self.assertEqual(read(host.file(self.ADDED)), content)
        self.good(host, "uninstall", "--path", "/" + DEBIAN, "os_brick")
        shutil.rmtree(host.path("usr/local"))
        self.same(pristine, snapshot(host.path("usr/lib")))
        self.assertEqual(self.good(host, "uninstall").err, "")

    def test_integrated_copy_in_no_environment(self):
        """--path named it at install; uninstall without --path does not find it, and says so."""
        host = self.host("newton")
        host.put("os_brick", "newton", site="srv/own")
        self.good(host, "install", "--path", "/srv/own", "os_brick")
        for command in ("check", "uninstall"):
            self.assertIn("uninstall --path '/srv/own' os_brick",
                          self.run_on(host, command, "os_brick").err)
        self.assertEqual(self.run_on(host, "uninstall", "nova").err, "")
        self.assertEqual(self.good(host, "uninstall", "--path", "/srv/own").err, "")
        self.assertEqual(self.good(host, "uninstall").err, "")

    def test_command_for_a_copy_with_a_quote_in_its_path(self):
        host = self.host("newton")
        host.put("os_brick", "newton", site="srv/o'wn")
        self.good(host, "install", "--path", "/srv/o'wn", "os_brick")
        self.assertIn("uninstall --path '/srv/o'\\''wn' os_brick",
                      self.run_on(host, "check", "os_brick").err)

    def test_lib64_goes_before_lib(self):
        host = self.host("newton", site="usr/lib/python2.7/site-packages")
        host.put("os_brick", "newton", site="usr/lib64/python2.7/site-packages")
        host.age()
        self.good(host, "install")
        self.assertTrue(os.path.exists(host.path("usr/lib64/python2.7/site-packages", self.ADDED)))
        self.assertFalse(os.path.exists(host.file(self.ADDED)))
        self.expect(0, self.run_on(host, "check"))

    def test_order_of_path(self):
        host = self.two()
        both = "/%s:/%s" % (DEBIAN, self.LOCAL)
        self.good(host, "install", "nova", "--path", both)
        self.assertTrue(os.path.exists(host.file(self.ADDED)))
        self.assertFalse(os.path.exists(host.path(self.LOCAL, self.ADDED)))
        self.expect(0, self.run_on(host, "check", "--path", both, "nova"))
        self.assertEqual(self.shadowed(host, "--path", both, "nova"),
                         {host.path(self.LOCAL, "os_brick"): host.file("os_brick")})
        self.expect(1, self.run_on(host, "check", "nova"))

    def test_order_of_python_path(self):
        host = self.two()
        for first, second in ((host.site, self.LOCAL), (self.LOCAL, host.site)):
            path = "%s:%s//" % (host.path(first), host.path(second))
            result = run_program(["--json", "-W", host.path("work"), "check", "nova"],
                                 env={"PYTHONPATH": path})
            found = {one["component"]: one["path"] for one in result.json["components"]
                     if not (one["shadowed_by"] or one["unused"])}
            self.assertEqual(found["os_brick"], host.path(first, "os_brick"))

    def test_user_site_of_the_account(self):
        host = self.host("newton")
        user = "var/lib/nova/.local/lib/python2.7/site-packages"
        host.put("os_brick", "newton", site=user)
        write(host.path("etc/passwd"), "nova:x:162:162::/var/lib/nova:/sbin/nologin\n"
                                       "cinder:x:165:165::/var/lib/cinder:/sbin/nologin\n")
        host.age()
        self.good(host, "install", "nova")
        self.assertTrue(os.path.exists(host.path(user, self.ADDED)))
        self.assertFalse(os.path.exists(host.file(self.ADDED)))
        self.expect(0, self.run_on(host, "check", "nova"))
        self.expect(1, self.run_on(host, "check", "cinder"))
        self.good(host, "install")
        self.assertTrue(os.path.exists(host.file(self.ADDED)))
        self.expect(0, self.run_on(host, "check"))

    def test_environment_with_access_to_the_system(self):
        host = self.host("newton")
        venv = "var/lib/kolla/venv"
        site = venv + "/lib/python2.7/site-packages"
        host.put("nova", "newton", site=site)
        write(host.path(venv, "lib/python2.7/orig-prefix.txt"), "/usr")
        write(host.path(venv, "bin/nova-compute"), "#!/%s/bin/python\n" % venv)
        write(host.path("etc/systemd/system/nova-compute.service"),
              "[Service]\nExecStart=/%s/bin/nova-compute\n" % venv)
        host.age()
        self.good(host, "install", "nova")
        self.assertTrue(os.path.exists(host.path(site, packages.ADDED["nova"])))
        self.assertTrue(os.path.exists(host.file(self.ADDED)))
        self.expect(0, self.run_on(host, "check", "nova"))
        write(host.path(venv, "lib/python2.7/no-global-site-packages.txt"), "")
        self.refused(host, 3, "os_brick", arguments=("install", "nova"), besides=())

    def test_eggs_go_first(self):
        """easy_install moves what it installs before everything else."""
        host = self.host("newton")
        egg = DEBIAN + "/os_brick-1.6.2-py2.7.egg"
        host.put("os_brick", "newton", form=None, site=egg)
        write(host.path(egg, "EGG-INFO/PKG-INFO"), "Name: os-brick\nVersion: 1.6.2\n")
        host.write("easy-install.pth",
                   "import sys; sys.__plen = len(sys.path)\n./os_brick-1.6.2-py2.7.egg\n"
                   "import sys; new=sys.path[sys.__plen:]; del sys.path[sys.__plen:]; "
                   "p=getattr(sys,'__egginsert',0); sys.path[p:p]=new; "
                   "sys.__egginsert = p+len(new)\n")
        host.age()
        self.good(host, "install", "nova")
        self.assertTrue(os.path.exists(host.path(egg, self.ADDED)))
        self.assertEqual(list(self.shadowed(host, "nova")), [host.file("os_brick")])
        self.expect(0, self.run_on(host, "check", "nova"))
        self.good(host, "uninstall", "nova", "os_brick")    # what was recorded can be read back
        self.good(host, "history")

    def test_compiled_package(self):
        """As some vendors ship it: Python imports it, and there is nothing to edit."""
        host = self.host("newton")
        host.age()
        for directory, _, names in os.walk(host.file("nova")):
            for name in names:
                os.rename(os.path.join(directory, name), os.path.join(directory, name + "c"))
        self.refused(host, 3, "nova", "compiled", "sources", arguments=("install", "nova"))
        self.expect(3, self.run_on(host, "check"), "14.1.0", "conflict", "compiled")
        self.good(host, "install", "cinder")
        self.good(host, "uninstall", "cinder", "os_brick")

    def test_compiled_file(self):
        host = self.host("newton")
        driver = host.file("nova/virt/libvirt/driver.py")
        os.rename(driver, driver + "c")
        self.refused(host, 3, driver, ".pyc", "sources", arguments=("install", "nova"))

    def test_zipped_egg(self):
        host = self.host()
        host.write("nova-14.1.0-py2.7.egg", b"PK\x05\x06" + bytes(18))
        host.write("easy-install.pth", "./nova-14.1.0-py2.7.egg\n")
        host.put("os_brick", "newton")
        host.age()
        self.refused(host, 3, "nova", "zipped egg", arguments=("install", "nova"))
        self.expect(3, self.run_on(host, "check", "nova"), "14.1.0", "conflict", "zipped egg")


class Path(Case):
    """--path is an order, not a hint."""

    VENV = "opt/venv/lib/python2.7/site-packages"

    def two(self):
        host = self.host("newton", site="usr/lib/python2.7/site-packages")
        for component in packages.COMPONENTS[1:]:
            host.put(component, "newton", site=self.VENV)
        host.age()
        return host

    def test_nothing_there(self):
        host = self.two()
        for path in ("/opt/venv", "/opt", "/opt/venv/lib/python2.7",
                     "/%s/nova" % self.VENV, "/%s/nova/virt" % self.VENV):
            with self.subTest(path):
                self.refused(host, 3, "--path", host.path(self.VENV),
                             arguments=("install", "nova", "-L", path))
                self.error(self.expect(3, self.run_on(host, "check", "-L", path)), "--path")
        os.mkdir(host.path("srv"))
        self.refused(host, 3, "--path", host.path("srv"), arguments=("install", "-L", "/srv"))

    def test_not_what_was_named(self):
        host = self.two()
        self.refused(host, 3, "--path", "cinder",
                     arguments=("install", "cinder", "-L", "/" + self.VENV))

    def test_spelling(self):
        host = self.two()
        os.symlink("venv", host.path("opt/link"))
        for number, path in enumerate((
                "/opt//venv/lib/python2.7/site-packages",
                "/opt/venv/./lib/python2.7/site-packages/",
                "/opt/venv/lib/../lib/python2.7/site-packages",
                "/opt/link/lib/python2.7/site-packages", "/usr/../" + self.VENV)):
            with self.subTest(path):
                self.good(host, "install", "nova", "-L", path)
                self.expect(0, self.run_on(host, "check", "nova", "-L", path))
                for file in self.good(host, "--json", "history").json["transactions"][-1]["files"]:
                    self.assertTrue(file["path"].startswith(host.path(self.VENV)), file["path"])
                self.good(host, "uninstall", "nova", "os_brick", "-L", path)
                self.assertEqual(self.run_on(host, "recover").status, 0)


class InUse(Case):
    """OpenStack-Ansible leaves the environment of before an upgrade behind."""

    OLD = "openstack/venvs/nova-14.1.0"
    NEW = "openstack/venvs/nova-15.1.5"
    LIB = "/lib/python2.7/site-packages"

    def two(self, unit=True):
        host = self.host(site=self.NEW + self.LIB)
        for venv, release in ((self.OLD, "newton"), (self.NEW, "ocata")):
            for component in ("nova", "os_brick"):
                host.put(component, release, site=venv + self.LIB)
            host.put_prerequisites(venv + self.LIB)
            write(host.path(venv, "bin/nova-compute"), "#!/%s/bin/python\n" % venv, 0o755)
        if unit:
            write(host.path("etc/systemd/system/nova-compute.service"),
                  "[Service]\nExecStart=/%s/bin/nova-compute --log-file=/x\n" % self.NEW)
        host.age()
        return host

    def test_unit_tells(self):
        host = self.two()
        self.expect(1, self.run_on(host, "check"), "newton", "ocata")
        self.good(host, "install")
        for component in ("nova", "os_brick"):
            name = packages.ADDED[component]
            self.assertTrue(os.path.exists(host.path(self.NEW + self.LIB, name)))
            self.assertFalse(os.path.exists(host.path(self.OLD + self.LIB, name)))
        result = self.expect(0, self.run_on(host, "check"), "nova-compute.service")
        self.assertNotIn("different releases", result.err)
        unused = {one["path"] for one in self.run_on(host, "--json", "check").json["components"]
                  if one["unused"]}
        self.assertEqual(unused, {host.path(self.OLD + self.LIB, "nova"),
                                  host.path(self.OLD + self.LIB, "os_brick")})
        self.good(host, "install")
        self.expect(0, self.run_on(host, "check", "nova"))
        self.expect(0, self.run_on(host, "check", "os_brick"))

    def test_program_tells(self):
        host = self.two(unit=False)
        self.refused(host, 3, "nova", "--path")
        write(host.path("usr/bin/nova-compute"), "#!/%s/bin/python\n" % self.NEW, 0o755)
        self.good(host, "install")
        self.expect(0, self.run_on(host, "check"), "#! line of /usr/bin/nova-compute")

    def test_process_tells(self):
        """On the running system, in a mount namespace in which /opt is the test's own."""
        self.needs_root()
        top = os.path.join(self.tmp, "opt")
        for name in ("nova-20170101T000000Z", "nova-20180101T000000Z"):
            site = os.path.join(top, "stack/venv", name)
            for component in ("nova", "os_brick"):
                for path, text in packages.files_of(component, "newton").items():
                    write(site + "/lib/python2.7/site-packages/" + path, text)
            os.makedirs(site + "/bin")
            os.symlink(sys.executable, site + "/bin/python")
            write(site + "/bin/nova-compute", "#!/opt/stack/venv/%s/bin/python\nimport time\n"
                                              "print('ready', flush=True)\ntime.sleep(60)\n" % name,
                  0o755)
        script = ("mount --bind %s /opt && cd / && exec 3>&1 && "
                  "{ /opt/stack/venv/nova-20180101T000000Z/bin/nova-compute & } && sleep 2; "
                  "%s -W %s/work --json check nova; kill $!" % (top, lib.PROGRAM, self.tmp))
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=lib.environment(), check=False)
        if b"unshare" in done.stderr or b"mount" in done.stderr or not done.stdout:
            self.skipTest("no mount namespace here: %s" % done.stderr.decode()[-100:])
        text = done.stdout.decode()
        rows = [one for one in json.loads(text[text.index("{"):])["components"]
                if one["component"] == "nova" and one["path"].startswith("/opt/")]
        counting = [one["path"] for one in rows if not one["unused"]]
        self.assertEqual(counting, ["/opt/stack/venv/nova-20180101T000000Z/lib/python2.7/"
                                    "site-packages/nova"])
        self.assertRegex([one["unused"] for one in rows if one["unused"]][0], r"process \d+")

    def test_path_goes_before_the_unit(self):
        host = self.two()
        old = "/" + self.OLD + self.LIB
        self.good(host, "install", "-L", old)
        self.expect(0, self.run_on(host, "check", "-L", old))
        self.expect(1, self.run_on(host, "check"))

    def test_uninstall_takes_out_of_all(self):
        host = self.two()
        pristine = snapshot(host.path("openstack"))
        self.good(host, "install", "-L", "/" + self.OLD + self.LIB)
        self.good(host, "uninstall")
        self.same(pristine, snapshot(host.path("openstack")))
        self.good(host, "install")
        self.good(host, "install", "-L", "/" + self.OLD + self.LIB)
        self.good(host, "uninstall")
        self.same(pristine, snapshot(host.path("openstack")))

    def test_diff_names_each_file_once(self):
        host = self.two(unit=False)
        for site, component in ((self.OLD, "nova"), (self.NEW, "nova")):
            shutil.rmtree(host.path(site + self.LIB, component))
        cinder = "openstack/venvs/cinder-15/lib/python2.7/site-packages"
        for site, component in ((cinder, "cinder"), (cinder, "os_brick"),
                                (self.NEW + self.LIB, "nova")):
            host.put(component, "ocata", site=site)
        host.age()
        diff = self.good(host, "diff").out
        paths = [line.split()[2] for line in diff.splitlines() if line.startswith("diff --git ")]
        self.assertEqual(len(paths), len(set(paths)))
        self.assertEqual(len(paths), 9)
        self.assertIn("a/" + cinder + "/os_brick/initiator/connector.py", paths)

    def test_only_a_unit_names_it(self):
        host = self.host(site="srv/cloud/lib/python2.7/site-packages")
        host.put("nova", "newton")
        host.put("os_brick", "newton")
        host.age()
        self.expect(3, self.run_on(host, "detect"))
        write(host.path("usr/lib/systemd/system/openstack-nova-compute.service"),
              "[Service]\nExecStart=/usr/bin/nova-compute\n")
        write(host.path("etc/systemd/system/openstack-nova-compute.service.d/venv.conf"),
              "[Service]\nExecStart=\nExecStart=/srv/cloud/bin/nova-compute\n")
        self.good(host, "install")
        self.expect(0, self.run_on(host, "check"))

    def test_pip_of_each_environment(self):
        host = self.two()
        for venv in (self.OLD, self.NEW):
            for name in os.listdir(host.path(venv + self.LIB)):
                if name.startswith("storpool"):
                    shutil.rmtree(host.path(venv + self.LIB, name))
        cinder = "openstack/venvs/cinder-15.1.5"
        host.put("cinder", "ocata", site=cinder + self.LIB)
        host.put("os_brick", "ocata", site=cinder + self.LIB)
        kolla = "var/lib/openstack"
        result = self.run_on(host, "check")
        for venv in (self.NEW, cinder):
            self.assertIn("/%s/bin/pip install 'confget<5' storpool storpool.spopenstack\n" % venv,
                          result.err)
        self.assertNotIn(self.OLD + "/bin/pip", result.err)
        shutil.rmtree(host.path("openstack"))
        host.put("nova", "ocata", site=kolla + self.LIB)
        host.put("os_brick", "ocata", site=kolla + self.LIB)
        self.assertIn("/var/lib/openstack/bin/pip install", self.run_on(host, "check").err)
