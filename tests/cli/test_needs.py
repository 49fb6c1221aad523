# SPDX-License-Identifier: Apache-2.0
"""What each command needs, and that it does no more: without a data directory, with a broken
manifest, with an interrupted transaction; and a program that is asked too long."""

import os
import shutil
import time

import lib
import packages
from lib import Case, run_program, write
from snapshot import snapshot
from test_groups import GROUP, PASSWD

WORK = "var/lib/sp-openstack"


class Data(Case):
    """recover, history and groups have to work when a package upgrade was interrupted."""

    def broken(self):
        """Options with a data directory that is missing, empty, or has a damaged manifest."""
        damaged = self.data_dir("damaged")
        write(os.path.join(damaged, "manifests/newton.yaml"), "release: [\n")
        empty = os.path.join(self.tmp, "empty")
        os.mkdir(empty)
        return {"missing": ["-D", self.tmp + "/none"], "empty": ["-D", empty],
                "damaged": ["-D", damaged]}

    def test_history_and_recover(self):
        host = self.host("newton")
        self.good(host, "install")
        for name, options in self.broken().items():
            with self.subTest(name):
                result = self.good(host, *options, "history")
                self.assertIn("install", result.out)
                self.assertEqual(result.err, "")
                os.mkdir(host.path(WORK, "transactions/2"), 0o700)
                self.expect(5, self.run_on(host, *options, "history"), "interrupted")
                self.assertIn("transaction 2", self.good(host, *options, "recover").out)
                self.assertEqual(self.good(host, *options, "history").err, "")

    def test_what_needs_the_manifests_says_so(self):
        host = self.host("newton")
        self.good(host, "install")
        before = snapshot(host.top)
        for name, options in self.broken().items():
            for command in ("detect", "check", "diff", "install", "uninstall", "rollback"):
                with self.subTest(name + " " + command):
                    result = self.run_on(host, *options, command)
                    self.assertIn(result.status, (3, 4), str(result))
                    self.error(result, options[1])
        self.same(before, snapshot(host.top), touched=True)

    def test_groups(self):
        self.needs_root()
        for program in ("groupadd", "gpasswd"):
            if not shutil.which(program, path="/usr/sbin:/sbin:/usr/bin:/bin"):
                self.skipTest("%s is not here" % program)
        broken = self.broken()
        for name, options in broken.items():
            for arguments, members in (((), "cinder,nova"), (("nova",), "nova"),
                                       (("os-brick",), ""), (("-u", "nova"), "nova")):
                with self.subTest("%s %s" % (name, arguments)):
                    host = self.host(name="%s%d" % (name, len(os.listdir(self.tmp))))
                    write(host.path("etc/passwd"), PASSWD)
                    write(host.path("etc/group"), GROUP)
                    write(host.path("etc/login.defs"), "")
                    result = self.good(host, *options, "groups", *arguments)
                    line = lib.read(host.path("etc/group")).decode().splitlines()[-1]
                    self.assertEqual((line.split(":")[0], line.split(":")[3]),
                                     ("spopenstack", members))
                    self.assertEqual("warning" in result.err, "-u" not in arguments, str(result))
        host = self.host("newton", name="unknown")
        result = self.run_on(host, *broken["missing"], "groups", "-n", "glance")
        self.expect(2, result, "glance")


class Interrupted(Case):
    def test_dry_run(self):
        """No plan is made on files that are half changed: the command would make another one."""
        host = self.host("newton")
        self.good(host, "install", "cinder")
        os.mkdir(host.path(WORK, "transactions/2"), 0o700)
        for arguments in (("install", "-n"), ("uninstall", "-n"), ("rollback", "-n")):
            self.refused(host, 5, "transaction 2", "recover", arguments=arguments)
        self.good(host, "recover")
        self.assertIn("would be changed", self.good(host, "install", "-n").out)

    def test_data_is_read_first(self):
        """What can't be planned anyway recovers nothing."""
        host = self.host("newton")
        self.good(host, "install", "cinder")
        os.mkdir(host.path(WORK, "transactions/2"), 0o700)
        self.refused(host, 4, self.tmp + "/none", arguments=("-D", self.tmp + "/none", "install"))


class Interpreters(Case):
    """--python: the program is trusted, but neither waited for nor read without an end."""

    def program(self, body):
        path = os.path.join(self.tmp, "python")
        write(path, "#!/bin/sh\n" + body, 0o755)
        return path

    def test_that_prints_for_ever(self):
        result = run_program(["--python", self.program("exec yes /usr/lib/python2.7\n"), "detect"])
        self.expect(4, result)
        self.error(result, "printed more than 65536 bytes")

    def test_that_never_ends(self):
        start = time.monotonic()
        result = run_program(["--python", self.program("sleep 1000 & wait\n"), "detect"])
        self.expect(4, result)
        self.error(result, "did not end within 30 seconds")
        self.assertLess(time.monotonic() - start, 55)


class Edited(Case):
    """A driver that the administrator edited in place is replaced, but not without a word."""

    DRIVER = packages.ADDED["nova"]

    def edit(self, host):
        text = host.read(self.DRIVER)
        host.write(self.DRIVER, text + "# of the administrator\n")
        return text

    def test_install(self):
        host = self.host("newton")
        self.good(host, "install")
        self.edit(host)
        edited = host.read(self.DRIVER)
        dry = self.good(host, "install", "-n")
        self.assertIn(host.file(self.DRIVER), dry.err)
        self.assertIn("would be replaced", dry.err)
        result = self.good(host, "install")
        backup = host.path(WORK, "transactions/2/backup.tar")
        for part in (host.file(self.DRIVER), "was edited", backup):
            self.assertIn(part, result.err)
        self.assertTrue(os.path.exists(backup))
        self.good(host, "rollback")
        self.assertEqual(host.read(self.DRIVER), edited)

    def test_uninstall(self):
        host = self.host("newton")
        self.good(host, "install")
        self.edit(host)
        result = self.good(host, "uninstall")
        self.assertIn("was removed", result.err)
        self.assertIn("transactions/2/backup.tar", result.err)

    def test_version_of_our_own(self):
        """What a transaction of ours wrote is no edit: nothing is lost."""
        host = self.host("newton")
        data = self.data_dir()
        path = os.path.join(data, "drivers/nova/storpool.py")
        write(path, lib.read(path) + b"# an older version\n")
        self.good(host, "-D", data, "install")
        self.assertIn("outdated", self.run_on(host, "check", "nova").out)
        result = self.good(host, "install")
        self.assertEqual(result.err, "")
        self.assertIn("1 file changed", result.out)


class Removed(Case):
    def test_package_that_was_removed(self):
        """uninstall says how what is left of it goes away, and that works."""
        host = self.host()
        host.put("os_brick", "pike")
        host.put_prerequisites()
        before = set(snapshot(host.path("usr")))
        self.good(host, "install")
        for name in sorted(before, key=len, reverse=True):  # as dpkg does: what it knows of
            path = host.path("usr", name)
            if "storpool" not in name and not os.path.isdir(path):
                os.unlink(path)
        self.assertTrue(os.path.exists(host.file(packages.ADDED["os_brick"])))
        for names in ((), ("os_brick",)):
            result = self.run_on(host, "uninstall", *names)
            self.expect(3, result, "transaction 1", "rollback 1")
        result = self.run_on(host, "rollback", "1")
        self.assertIn(result.status, (0, 1), str(result))
        self.assertFalse(os.path.exists(host.file(packages.ADDED["os_brick"])), str(result))

    def test_no_hint_where_nothing_was_done(self):
        host = self.host()
        result = self.expect(3, self.run_on(host, "uninstall"))
        self.assertNotIn("rollback", result.err)


class Nothing(Case):
    def test_no_group_where_nothing_is_needed(self):
        """A release that includes the drivers: neither group nor spool directory."""
        self.needs_root()
        host = self.host()
        host.put("nova", "pike", "17.0.13")
        before = snapshot(host.top)
        result = self.good(host, "install", no_groups=False)
        self.assertIn("nothing to do", result.out)
        self.same(before, snapshot(host.top), touched=True)

    def test_group_that_cannot_be_set_up_does_not_matter_there(self):
        self.needs_root()
        host = self.host()
        host.put("nova", "pike", "17.0.13")
        os.makedirs(host.path("elsewhere"))
        os.makedirs(host.path("var/spool"))
        os.symlink("/elsewhere", host.path("var/spool/openstack-storpool"))
        result = self.good(host, "install", no_groups=False)
        self.assertNotIn("in place", result.out + result.err)


class TwoEnvironments(Case):
    """os_brick in the environments of cinder and of nova."""

    SITES = {"cinder": "openstack/venvs/cinder-14/lib/python2.7/site-packages",
             "nova": "openstack/venvs/nova-14/lib/python2.7/site-packages"}

    def both(self):
        host = self.host()
        for component, site in self.SITES.items():
            host.put(component, "newton", site=site)
            host.put("os_brick", "newton", site=site)
            host.put_prerequisites(site)
        host.age()
        return host

    def test_history_names_it_once(self):
        host = self.both()
        self.good(host, "install")
        line = self.good(host, "history").out.splitlines()[1]
        self.assertEqual(line.split()[-3:].count("os_brick"), 1, line)
        names = self.good(host, "--json", "history").json["transactions"][0]["components"]
        self.assertEqual(sorted(names), ["cinder", "nova", "os_brick"])

    def test_diff_names_the_directories(self):
        host = self.both()
        text = self.good(host, "diff").out
        for site in self.SITES.values():
            self.assertIn("+++ b/%s/" % site, text)
