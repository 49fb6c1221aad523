# SPDX-License-Identifier: Apache-2.0
"""What components need of each other, and of others."""

import os
import shutil
import subprocess

import lib
import packages
from lib import Case, write
from snapshot import snapshot


class Requires(Case):
    def test_install_brings_os_brick(self):
        for component in ("cinder", "nova"):
            host = self.host("newton", name=component)
            result = self.good(host, "install", component)
            self.assertIn("needed by " + component, result.out)
            self.assertEqual(result.out.count("transaction "), 1)
            self.assertTrue(os.path.exists(host.file(packages.ADDED["os_brick"])))
            other = {"cinder": "nova", "nova": "cinder"}[component]
            self.assertFalse(os.path.exists(host.file(packages.ADDED[other])))

    def test_os_brick_alone(self):
        host = self.host("newton")
        self.assertNotIn("needed by", self.good(host, "install", "os_brick").out)
        self.assertEqual(self.states(host, "nova"), {"nova": "not-installed",
                                                     "os_brick": "installed"})

    def test_no_deps(self):
        host = self.host("newton")
        result = self.good(host, "install", "nova", "--no-deps")
        self.assertIn("--no-deps", result.err)
        self.assertFalse(os.path.exists(host.file(packages.ADDED["os_brick"])))
        self.assertTrue(os.path.exists(host.file(packages.ADDED["nova"])))

    def test_check_counts_it(self):
        host = self.host("newton")
        self.good(host, "install", "nova", "--no-deps")
        result = self.expect(1, self.run_on(host, "check", "nova"))
        self.assertIn("os_brick", result.out)
        self.assertEqual(self.run_on(host, "check", "nova", "--no-deps").status, 0)
        self.good(host, "install", "nova")
        self.expect(0, self.run_on(host, "check", "nova"))

    def test_needed_by_in_json(self):
        host = self.host("newton")
        for command, names in (("check", ("nova",)), ("install", ("nova", "-n"))):
            needed = {one["component"]: one["needed_by"] for one in
                      self.run_on(host, "--json", command, *names).json["components"]}
            self.assertEqual(needed, {"os_brick": "nova", "nova": None})
        needed = {one["component"]: one["needed_by"] for one in
                  self.run_on(host, "--json", "check", "os_brick", "nova").json["components"]}
        self.assertEqual(needed, {"os_brick": None, "nova": None})

    def test_what_is_needed_goes_first(self):
        """os_brick before what refers to it; taken out the other way round."""
        host = self.host("newton")
        order = [one["component"] for one in
                 self.good(host, "--json", "install", "nova", "cinder").json["components"]]
        self.assertEqual(order[0], "os_brick")
        self.good(host, "uninstall")
        put_in, taken_out = ([file["path"] for file in one["files"]] for one in
                             self.good(host, "--json", "history").json["transactions"])
        for earlier, later in ((packages.ADDED["os_brick"], packages.EDITED["os_brick"][0]),
                               (packages.ADDED["os_brick"], packages.EDITED["os_brick"][1]),
                               (packages.ADDED["nova"], packages.EDITED["nova"][0]),
                               (packages.EDITED["os_brick"][0], packages.ADDED["nova"]),
                               (packages.EDITED["os_brick"][1], packages.ADDED["cinder"])):
            with self.subTest("%s before %s" % (earlier, later)):
                self.assertLess(self.place(put_in, earlier), self.place(put_in, later))
                self.assertGreater(self.place(taken_out, earlier), self.place(taken_out, later))

    @staticmethod
    def place(paths, name):
        return [path.endswith("/" + name) for path in paths].index(True)

    def test_needed_and_not_found(self):
        host = self.host()
        host.put("nova", "newton")
        host.age()
        for command in ("install", "diff"):
            self.refused(host, 3, "os_brick", "nova", "--no-deps", arguments=(command, "nova"))
        self.good(host, "install", "nova", "--no-deps")
        self.expect(0, self.run_on(host, "check", "--no-deps"))
        result = self.expect(3, self.run_on(host, "check"))
        self.assertIn("os_brick", result.out + result.err)

    def test_uninstall_of_what_is_needed(self):
        host = self.host("newton")
        self.good(host, "install")
        self.refused(host, 3, "os_brick", "--no-deps", arguments=("uninstall", "os_brick"))
        self.refused(host, 3, "nova", "os_brick", arguments=("uninstall", "os_brick", "cinder"))
        self.refused(host, 3, "os_brick", arguments=("uninstall", "-n", "os_brick"))
        self.good(host, "uninstall", "os_brick", "cinder", "nova")

    def test_uninstall_of_what_is_needed_all_the_same(self):
        host = self.host("newton")
        self.good(host, "install", "nova")
        self.good(host, "uninstall", "os_brick", "--no-deps")
        self.assertEqual(self.states(host, "nova"), {"nova": "installed",
                                                     "os_brick": "not-installed"})

    def test_uninstall_of_what_is_not_needed_any_more(self):
        host = self.host("newton")
        self.good(host, "install", "nova")
        self.good(host, "uninstall", "nova")
        self.assertTrue(os.path.exists(host.file(packages.ADDED["os_brick"])))
        self.good(host, "uninstall", "os_brick")

    def test_need_of_a_component_that_is_there_only_in_part(self):
        """A nova that a package upgrade took apart still counts."""
        host = self.host("newton")
        self.good(host, "install", "nova")
        os.unlink(host.file(packages.ADDED["nova"]))
        self.refused(host, 3, "nova", arguments=("uninstall", "os_brick"))


class Prerequisites(Case):
    COMMAND = "pip install 'confget<5' storpool storpool.spopenstack"

    def without(self, name="host", **more):
        host = self.host(name=name, **more)
        host.put_all("newton")
        host.age()
        return host

    def test_found(self):
        host = self.host("newton")
        for command in ("check", "install"):
            result = self.run_on(host, command)
            self.assertIn("storpool 7.3.0", result.out)
            self.assertIn("storpool.spopenstack 3.2.0", result.out)
            self.assertEqual(result.err, "")

    def test_missing(self):
        host = self.without()
        for command, status in (("check", 1), ("install", 0), ("check", 0)):
            result = self.expect(status, self.run_on(host, command), err=self.COMMAND)
            self.assertRegex(result.err, r"warning: .*\bstorpool\b.*not installed")
            self.assertRegex(result.err, r"warning: .*\bstorpool\.spopenstack\b.*not installed")

    def test_one_is_missing(self):
        host = self.without()
        host.put_metadata("storpool", "7.3.0", "egg-info")
        result = self.run_on(host, "check")
        self.assertIn("storpool 7.3.0", result.out)
        self.assertEqual(len(result.err.splitlines()), 1, str(result))
        self.assertRegex(result.err, r"warning: storpool\.spopenstack\b")
        self.assertIn("pip install", result.err)

    def test_names_are_compared_as_packaging_does(self):
        host = self.without()
        host.put_metadata("StorPool", "7.3.0")
        host.put_metadata("storpool-spopenstack", "3.2.0")
        self.assertEqual(self.run_on(host, "check").err, "")

    def test_in_another_directory_of_the_same_python(self):
        host = self.without()
        host.put_prerequisites("usr/local/lib/python2.7/dist-packages")
        self.assertEqual(self.run_on(host, "check").err, "")

    def test_in_a_directory_of_another_python(self):
        host = self.without()
        host.put_prerequisites("usr/lib/python3/dist-packages")
        host.put_prerequisites("openstack/venvs/nova-1/lib/python2.7/site-packages")
        self.assertIn(self.COMMAND, self.run_on(host, "check").err)

    def test_command_of_an_environment(self):
        host = self.without(site="openstack/venvs/nova-14/lib/python2.7/site-packages")
        result = self.run_on(host, "check")
        self.assertIn("/openstack/venvs/nova-14/bin/" + self.COMMAND, result.err)
        self.assertIn("chroot " + host.top, result.err)

    def test_in_json(self):
        host = self.without()
        host.put_metadata("storpool", "7.3.0", "egg-info")
        for arguments in (("check",), ("install", "-n"), ("install",)):
            document = self.run_on(host, "--json", *arguments).json
            found = {one["name"]: one["version"] for one in document["prerequisites"]}
            self.assertEqual(found, {"storpool": "7.3.0", "storpool.spopenstack": None})
            commands = {one["name"]: one["command"] for one in document["prerequisites"]}
            self.assertIsNone(commands["storpool"])
            self.assertRegex(commands["storpool.spopenstack"],
                             r"pip install .*\bstorpool\.spopenstack$")
            self.assertTrue(any(commands["storpool.spopenstack"] in warning
                                for warning in document["warnings"]), document["warnings"])

    def test_too_old(self):
        host = self.without()
        for version, fitness, wanted in (("2.2.0", "too-old", ">=2.2.1"),
                                         ("3.1.0", "poor", ">=3.2.0"),
                                         ("3.2.0", "good", None)):
            with self.subTest(version):
                shutil.rmtree(host.file("storpool.spopenstack-9-py2.7.egg-info"),
                              ignore_errors=True)
                host.put_metadata("storpool", "7.3.0", "egg-info")
                host.write("storpool.spopenstack-9-py2.7.egg-info/PKG-INFO",
                           "Name: storpool.spopenstack\nVersion: %s\n" % version)
                result = self.run_on(host, "check")
                found = {one["name"]: one["fitness"] for one in
                         self.run_on(host, "--json", "check").json["prerequisites"]}
                self.assertEqual(found, {"storpool": "good", "storpool.spopenstack": fitness})
                if wanted:
                    self.assertRegex(result.err, r"storpool\.spopenstack %s.*too old.*%s"
                                     % (version, wanted))
                    self.assertIn("install --upgrade 'confget<5' 'storpool.spopenstack>=3.2.0'",
                                  result.err)
                else:
                    self.assertEqual(result.err, "")

    def test_python_3(self):
        host = self.without(site="usr/lib/python3/dist-packages")
        self.assertIn("pip3 install storpool storpool.spopenstack", self.run_on(host, "check").err)

    def test_not_for_what_needs_none(self):
        """A release that brings the drivers, or one that is too old, is asked for nothing."""
        host = self.host()
        host.put("nova", "pike", "17.0.0")
        self.assertEqual(self.run_on(host, "check").err, "")


class DryRun(Case):
    def lines(self, result):
        """What is said of files."""
        return [line.split()[:2] for line in result.out.splitlines() if line.startswith("  ")]

    def test_says_what_install_does(self):
        host = self.host("newton")
        before = snapshot(host.top)
        dry = self.good(host, "install", "--dry-run")
        self.same(before, snapshot(host.top), touched=True)
        self.assertIn("6 files would be changed; nothing was", dry.out)
        done = self.good(host, "install")
        self.assertEqual(self.lines(dry), self.lines(done))
        self.assertEqual(len(self.lines(dry)), 6)

    def test_uninstall(self):
        host = self.host("newton")
        self.good(host, "install")
        before = snapshot(host.top)
        dry = self.good(host, "uninstall", "-n")
        self.same(before, snapshot(host.top), touched=True)
        done = self.good(host, "uninstall")
        self.assertEqual(self.lines(dry), self.lines(done))

    def test_rollback(self):
        host = self.host("newton")
        self.good(host, "install")
        before = snapshot(host.top)
        dry = self.good(host, "rollback", "-n")
        self.same(before, snapshot(host.top), touched=True)
        done = self.good(host, "rollback")
        self.assertEqual(self.lines(dry), self.lines(done))

    def stopped(self, host, status, *parts):
        """Each dry run ends as its command does, says why after the plan, and changes nothing."""
        for command in ("uninstall", "rollback"):
            before = snapshot(host.top)
            dry = self.run_on(host, command, "-n")
            self.error(self.expect(status, dry), *parts)
            self.same(before, snapshot(host.top), touched=True)
            self.assertTrue(self.lines(dry))
            self.assertNotIn("would be changed", dry.out)
            done = self.expect(status, self.run_on(host, command))
            self.error(done, *parts)

    def test_directory_that_cannot_be_changed(self):
        """faults.md, R13: -n says so where the command could not do it."""
        self.needs_root()
        host = self.host("newton")
        self.good(host, "install")
        directory = host.file("nova/virt/libvirt/volume")
        if not shutil.which("chattr") or subprocess.run(["chattr", "+i", directory], check=False,
                                                        stderr=subprocess.DEVNULL).returncode:
            self.skipTest("no chattr here")
        try:
            self.stopped(host, 4, directory, "immutable")
        finally:
            subprocess.run(["chattr", "-i", directory], check=True)
        self.good(host, "uninstall", "-n")

    def test_file_that_cannot_be_replaced(self):
        """By its flags, or as a mount point: faults.md, R13."""
        self.needs_root()
        host = self.host("newton")
        driver = host.file("nova/virt/libvirt/driver.py")
        for flag, word in (("i", "immutable"), ("a", "append-only")):
            if subprocess.run(["chattr", "+" + flag, driver], check=False,
                              stderr=subprocess.DEVNULL).returncode:
                self.skipTest("no chattr, or no such flags here")
            try:
                for command in (("install", "-n"), ("install",)):
                    self.refused(host, 4, driver, word, arguments=command)
            finally:
                subprocess.run(["chattr", "-" + flag, driver], check=True)
        self.good(host, "install")

    def refused_with(self, host, mount, part):
        """While that is mounted, install and its dry run end in the same error."""
        errors = set()
        for more in ([], ["-n"]):
            done = subprocess.run(
                ["unshare", "-m", "sh", "-c", mount + " && exec \"$@\"", "sh", lib.PROGRAM, "-R",
                 host.top, "install", "--no-groups"] + more, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=lib.environment(),
                check=False)
            if done.returncode in (1, 32) or "mount:" in done.stderr:
                self.skipTest("no mounts of one's own here")
            self.assertEqual(done.returncode, 4, done.stderr)
            errors.add(done.stderr.splitlines()[-1])
        self.assertEqual(len(errors), 1, errors)
        self.assertIn(part, errors.pop())

    def test_no_room_in_the_work_directory(self):
        self.needs_root()
        host = self.host("newton")
        for where in ("var/lib", "var/lib/sp-openstack"):
            os.makedirs(host.path(where), mode=0o700, exist_ok=True)
            self.refused_with(host, "mount -t tmpfs -o size=64k,mode=700 none '%s'" %
                              host.path(where), "not enough free space in the work directory")

    def test_file_that_is_mounted(self):
        self.needs_root()
        host = self.host("newton")
        driver = host.file("nova/virt/libvirt/driver.py")
        shutil.copy2(driver, self.tmp + "/driver.py")
        self.refused_with(host, "mount --bind '%s/driver.py' '%s'" % (self.tmp, driver),
                          "mount point")
        self.expect(1, self.run_on(host, "check"), "not-installed")

    def test_work_directory_that_others_may_write(self):
        host = self.host("newton")
        self.good(host, "install")
        os.chmod(host.path("var/lib/sp-openstack"), 0o777)
        for command in ("uninstall", "rollback", "install"):
            if command == "install":
                os.unlink(host.file(packages.ADDED["nova"]))
            dry = self.run_on(host, command, "-n")
            self.error(self.expect(3, dry), "others may write to the work directory")
        self.stopped(host, 3, "others may write to the work directory")

    def test_work_directory_that_cannot_be_made(self):
        host = self.host("newton")
        shutil.rmtree(host.path("var/lib"))
        write(host.path("var/lib"), "a file")
        before = snapshot(host.top)
        dry = self.error(self.expect(4, self.run_on(host, "install", "-n")), host.path("var/lib"))
        self.assertEqual(dry, self.error(self.expect(4, self.run_on(host, "install"))))
        self.same(before, snapshot(host.top), touched=True)

    def test_ordinary_user(self):
        """What root alone can do is no fault of the plan: as with apt-get(8) -s."""
        self.needs_root()
        host = self.host("newton")
        self.good(host, "install", "cinder")
        before = snapshot(host.top)
        result = self.expect(0, self.run_on(host, "install", "-n", user=self.needs_user()),
                             "2 files would be changed")
        self.assertIn("as this user, the command would fail", result.err)
        self.same(before, snapshot(host.top), touched=True)

    def test_rollback_of_nothing(self):
        host = self.host("newton")
        before = snapshot(host.top)
        self.good(host, "rollback", "-n")
        self.good(host, "rollback")
        self.same(before, snapshot(host.top), touched=True)

    def test_files_in_json(self):
        host = self.host("newton")
        dry = self.good(host, "--json", "install", "-n").json
        done = self.good(host, "--json", "install").json
        self.assertEqual((dry["dry_run"], dry["transaction"]), (True, None))
        self.assertEqual((done["dry_run"], done["transaction"]), (False, 1))
        self.assertEqual(dry["components"], done["components"])
        self.assertEqual(dry["changed"], done["changed"])
