# SPDX-License-Identifier: Apache-2.0
"""groups, and the same at the end of an install as root. With the real groupadd and gpasswd, on the
accounts of the test's own root."""

import os
import shutil
import stat

from lib import Case, read, run_program, without, write
from snapshot import snapshot

SPOOL = "var/spool/openstack-storpool"
ATTACH = SPOOL + "/openstack-attach.json"
PASSWD = "root:x:0:0:root:/root:/bin/sh\n" \
    "nova:x:991:991:Nova:/var/lib/nova:/usr/sbin/nologin\n" \
    "cinder:x:992:992::/var/lib/cinder:/usr/sbin/nologin\n"
GROUP = "root:x:0:\nlibvirt:x:300:other,nova\nnova:x:991:\ncinder:x:992:\n"


class Groups(Case):
    def prepared(self, passwd=PASSWD, name="host"):
        self.needs_root()
        for program in ("groupadd", "gpasswd"):
            if not shutil.which(program, path="/usr/sbin:/sbin:/usr/bin:/bin"):
                self.skipTest("%s is not here" % program)
        host = self.host("newton", name=name)
        os.makedirs(host.path("var/spool"))
        write(host.path("etc/passwd"), passwd)
        write(host.path("etc/group"), GROUP)
        write(host.path("etc/login.defs"), "")
        return host

    def group(self, host, name="spopenstack"):
        """(gid, members) or None"""
        for line in read(host.path("etc/group")).decode("utf-8").splitlines():
            fields = line.split(":")
            if fields[0] == name:
                return int(fields[2]), sorted(filter(None, fields[3].split(",")))
        return None

    def in_order(self, host, members=("cinder", "nova"), name="spopenstack"):
        gid, found = self.group(host, name)
        self.assertEqual(found, sorted(members))
        for path, mode, kind in ((SPOOL, 0o770, stat.S_ISDIR), (ATTACH, 0o660, stat.S_ISREG)):
            info = os.lstat(host.path(path))
            self.assertTrue(kind(info.st_mode), path)
            self.assertEqual((info.st_mode & 0o7777, info.st_uid, info.st_gid), (mode, 0, gid),
                             path)

    def test_groups(self):
        host = self.prepared()
        result = self.good(host, "groups")
        self.in_order(host)
        for part in ("spopenstack", "nova", "cinder", host.path(SPOOL)):
            self.assertIn(part, result.out)
        self.assertEqual(read(host.path(ATTACH)).strip(), b"{}")
        # other memberships stay
        self.assertEqual(self.group(host, "libvirt"), (300, ["nova", "other"]))
        # and once more: nothing to do, nothing touched
        before = snapshot(host.top)
        self.assertIn("in place", self.good(host, "groups").out)
        self.same(before, snapshot(host.top), touched=True)

    def test_end_of_an_install(self):
        host = self.prepared()
        result = self.good(host, "install", no_groups=False)
        self.in_order(host)
        self.assertIn("spopenstack", result.out)
        before = snapshot(host.top)
        self.good(host, "install", no_groups=False)
        self.same(before, snapshot(host.top), touched=True)

    def test_accounts_of_the_components(self):
        """A hypervisor has no cinder in it: its account is none of ours."""
        host = self.prepared()
        self.good(host, "install", "nova", no_groups=False)
        self.in_order(host, ("nova",))

    def test_no_groups(self):
        host = self.prepared()
        self.good(host, "install", "--no-groups", no_groups=False)
        self.assertIsNone(self.group(host))
        self.assertFalse(os.path.exists(host.path(SPOOL)))

    def test_dry_run(self):
        host = self.prepared()
        before = snapshot(host.top)
        dry = self.good(host, "groups", "--dry-run")
        self.assertIn("spopenstack", dry.out)
        self.assertIn(host.path(ATTACH), dry.out)
        self.good(host, "install", "-n", no_groups=False)
        self.same(before, snapshot(host.top), touched=True)

    def test_missing_account(self):
        """A warning that names it; the rest is set up all the same."""
        host = self.prepared(PASSWD.replace("cinder:", "cindr:"))
        result = self.good(host, "groups")
        self.assertIn("warning", result.err)
        self.assertIn("cinder", result.err)
        self.in_order(host, ("nova",))

    def test_other_names(self):
        host = self.prepared()
        self.good(host, "groups", "-g", "other-group", "-u", "nova")
        self.assertIsNone(self.group(host))
        self.in_order(host, ("nova",), "other-group")

    def test_names_that_are_none(self):
        host = self.prepared()
        for option, name in (("-g", "a:b"), ("-g", "-x"), ("-g", "a\nb"), ("-u", "a:b"),
                             ("-u", "--help"), ("-u", "a,b")):
            with self.subTest("%s %r" % (option, name)):
                before = snapshot(host.top)
                result = self.run_on(host, "groups", option, name)
                # a group's name must be one; an account of such a name is just not there
                if option == "-g":
                    self.assertIn(result.status, (2, 3), str(result))
                    self.error(result)
                    self.same(before, snapshot(host.top), touched=True)
                else:
                    self.assertIn(result.status, (0, 2, 3), str(result))
                    self.assertEqual([entry for entry in read(host.path("etc/group")).decode()
                                      .splitlines() if "help" in entry], [])

    def test_content_is_kept(self):
        host = self.prepared()
        write(host.path(ATTACH), '{"a": 1}\n', 0o600)
        self.good(host, "groups")
        self.in_order(host)
        self.assertEqual(read(host.path(ATTACH)), b'{"a": 1}\n')

    def test_planted_link(self):
        """Neither the directory nor the file is followed to somewhere else."""
        host = self.prepared()
        write(host.path("secret"), "secret\n", 0o600)
        os.makedirs(host.path(SPOOL))
        os.symlink("/secret", host.path(ATTACH))
        result = self.run_on(host, "groups")
        self.assertIn(result.status, (3, 4), str(result))
        self.error(result, host.path(ATTACH))
        info = os.lstat(host.path("secret"))
        self.assertEqual((read(host.path("secret")), info.st_mode & 0o7777, info.st_gid),
                         (b"secret\n", 0o600, os.getegid()))
        os.unlink(host.path(ATTACH))
        os.rmdir(host.path(SPOOL))
        os.makedirs(host.path("elsewhere"), 0o700)
        os.symlink("/elsewhere", host.path(SPOOL))
        result = self.run_on(host, "groups")
        self.assertIn(result.status, (3, 4), str(result))
        self.error(result, host.path(SPOOL))
        self.assertEqual(os.listdir(host.path("elsewhere")), [])

    def test_planted_link_at_the_end_of_an_install(self):
        """The drivers are in place; what failed is said, and can be done again."""
        host = self.prepared()
        os.makedirs(host.path("elsewhere"))
        os.symlink("/elsewhere", host.path(SPOOL))
        result = self.run_on(host, "install", no_groups=False)
        self.assertIn(result.status, (3, 4), str(result))
        self.error(result, "the drivers are in place", host.path(SPOOL))
        self.expect(0, self.run_on(host, "check"))
        os.unlink(host.path(SPOOL))
        self.good(host, "install", no_groups=False)
        self.in_order(host)

    def test_in_json(self):
        host = self.prepared()
        document = self.good(host, "--json", "groups", "-n").json
        self.assertEqual((document["schema"], document["command"]), (1, "groups"))
        self.assertTrue(document["would_change"])
        document = self.good(host, "--json", "groups").json
        self.assertTrue(document["changed"])
        self.assertEqual(self.good(host, "--json", "groups").json["changed"], [])

    def test_in_json_of_an_install(self):
        host = self.prepared()
        document = self.good(host, "--json", "install", no_groups=False).json
        self.assertTrue(any("spopenstack" in line for line in document["groups"]))
        self.assertEqual(self.good(host, "--json", "install", no_groups=False).json["groups"], [])

    def test_accounts_that_are_named_need_no_components(self):
        host = self.prepared()
        shutil.rmtree(host.path("usr"))
        self.good(host, "groups", "-u", "nova")
        self.in_order(host, ("nova",))
        self.expect(3, self.run_on(host, "groups"))

    def test_uninstall_leaves_them(self):
        """Attachments may still be recorded there."""
        host = self.prepared()
        self.good(host, "install", no_groups=False)
        before = without(snapshot(host.top), "usr", "var/lib")
        self.good(host, "uninstall")
        self.same(before, without(snapshot(host.top), "usr", "var/lib"))


class Ordinary(Case):
    def test_install_leaves_groups_to_root(self):
        host = self.host("newton")
        self.own(host.top)
        os.makedirs(host.path("var/spool"))
        self.own(host.path("var"))
        result = run_program(["--root", host.top, "install"], user=self.needs_user())
        self.assertEqual(result.status, 0, str(result))
        self.assertFalse(os.path.exists(host.path(SPOOL)))

    def test_dry_run_of_groups(self):
        host = self.host("newton")
        result = self.expect(0, self.run_on(host, "groups", "-n", user=self.needs_user()))
        self.assertIn("spopenstack", result.out)
