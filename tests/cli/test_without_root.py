# SPDX-License-Identifier: Apache-2.0
"""The promises of SECURITY.md once without --root: on the system that this runs on, in a mount
namespace of its own, where other directories are in the place of those that may be written to."""

import os
import shutil
import stat
import subprocess

import lib
import packages
from lib import Case, is_wrapped, read, write
from snapshot import snapshot
from test_history import TransactionCase

COVERED = ("var/lib", "var/spool", "etc")
WORK = "var/lib/sp-openstack"
SPOOL = "var/spool/openstack-storpool"


class WithoutRoot(Case):
    def setUp(self):
        """Directories of the test's own over COVERED; the site is below it, and named with -L."""
        super().setUp()
        self.needs_root()
        for name in COVERED:
            os.makedirs(os.path.join(self.tmp, "over", name))
        etc = self.over("etc")
        for name in ("passwd", "group", "shadow", "gshadow", "login.defs", "ld.so.cache",
                     "ld.so.conf", "nsswitch.conf", "pam.d", "security", "default", "alternatives"):
            if os.path.isdir("/etc/" + name):
                shutil.copytree("/etc/" + name, os.path.join(etc, name), symlinks=True)
            elif os.path.exists("/etc/" + name):
                shutil.copy2("/etc/" + name, os.path.join(etc, name))
        write(os.path.join(etc, "machine-id"), "0123456789abcdef" * 2 + "\n")
        self.mounts = " && ".join("mount --bind '%s' '/%s'" % (self.over(name), name)
                                  for name in COVERED)
        if is_wrapped() or not shutil.which("unshare") or self.inside("true").returncode:
            self.skipTest("no mounts of one's own here")
        self.system = self.host("newton")
        self.site = self.system.path(self.system.site)
        self.pristine = snapshot(self.site)
        self.outside = self.real()

    @staticmethod
    def real():
        """What the commands would have written to, were it not for the mounts."""
        return {os.path.join(top, name): entry for top in ("/var/lib/sp-openstack", "/var/spool")
                for name, entry in (snapshot(top) if os.path.isdir(top) else {}).items()}

    def over(self, *names):
        return os.path.join(self.tmp, "over", *names)

    def inside(self, *words, mounts=None):
        return subprocess.run(["unshare", "-m", "sh", "-c", (mounts or self.mounts)
                               + " && exec \"$@\"",
                               "sh"] + list(words), stdin=subprocess.DEVNULL, cwd="/",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=lib.environment(), timeout=lib.TIMEOUT, check=False)

    def run_it(self, *arguments, **more):
        before = [] if arguments[0] in ("rollback", "recover", "history") else ["-L", self.site]
        done = self.inside(lib.PROGRAM, *(before + list(arguments)), **more)
        return lib.Result(list(arguments), done.returncode, done.stdout, done.stderr)

    def done(self, *arguments):
        return self.expect(0, self.run_it(*arguments))

    def private(self):
        """faults.md, R6: the work directory is 0700, and the files in it 0600."""
        self.assert_private(self.over(WORK))
        self.assertTrue(os.path.isfile(self.over(WORK, "transactions/1/committed.json")))

    def test_cycle(self):
        self.expect(1, self.run_it("check"))
        self.assertFalse(os.path.exists(self.over(WORK)))
        self.done("install", "--no-groups")
        self.private()
        self.assertIn(b'"machine": "0123456789abcdef',
                      read(self.over(WORK, "transactions/1/committed.json")))
        self.expect(0, self.run_it("check"), "installed")
        for name in packages.ADDED.values():
            self.assertEqual(stat.S_IMODE(os.lstat(os.path.join(self.site, name)).st_mode), 0o644)
        self.done("uninstall")
        self.same(self.pristine, snapshot(self.site))
        self.done("install", "--no-groups")
        self.done("rollback")
        self.same(self.pristine, snapshot(self.site))
        self.assertIn("rolled-back", self.done("history").out)
        self.private()

    def test_looking_writes_nothing(self):
        self.done("install", "--no-groups", "cinder")
        before = snapshot(self.tmp)
        for command, status in (("detect", 0), ("check", 1), ("diff", 0), ("history", 0),
                                ("install -n", 0),
                                ("uninstall -n", 0), ("rollback -n", 0), ("groups -n", 0)):
            self.expect(status, self.run_it(*command.split()))
        self.same(before, snapshot(self.tmp), touched=True)

    def test_interrupted(self):
        """All or nothing: as if install had ended among the changes."""
        self.done("install", "--no-groups")
        path = self.over(WORK, "transactions/1/committed.json")
        text = read(path)
        text = text[:text.rindex(b",\n  \"checksum\"")]
        write(self.over(WORK, "transactions/1/journal.json"), TransactionCase.sum_of(
            None, text.replace(b'"state": "committed"', b'"state": "applying"', 1)))
        os.unlink(path)
        self.expect(5, self.run_it("check"), "transaction 1")
        self.assertIn("transaction 1", self.done("recover").out)
        self.same(self.pristine, snapshot(self.site))

    def test_groups(self):
        for program in ("groupadd", "gpasswd"):
            if not shutil.which(program, path="/usr/sbin:/sbin:/usr/bin:/bin"):
                self.skipTest("%s is not here" % program)
        with open(self.over("etc/passwd"), "a", encoding="utf-8") as file:
            file.write("cinder:x:64061:64061::/var/lib/cinder:/bin/false\n"
                       "nova:x:64060:64060::/var/lib/nova:/bin/false\n")
        self.done("install")
        self.assertRegex(read(self.over("etc/group")).decode(),
                         "(?m)^spopenstack:[^:]*:[0-9]+:cinder,nova$")
        self.assertNotIn("spopenstack:", read("/etc/group").decode())
        self.assertEqual(stat.S_IMODE(os.stat(self.over(SPOOL)).st_mode), 0o770)
        attach = self.over(SPOOL, "openstack-attach.json")
        self.assertEqual((stat.S_IMODE(os.stat(attach).st_mode), read(attach)), (0o660, b"{}"))

    def test_on_a_read_only_mount(self):
        self.done("install", "--no-groups", "cinder")
        before = snapshot(self.tmp)
        mounts = self.mounts + " && mount --bind '%s' '%s' && mount -o remount,bind,ro '%s'" % (
            (self.site,) * 3)
        for command in ("install --no-groups", "install -n", "uninstall", "uninstall -n",
                        "rollback",
                        "rollback -n"):
            result = self.run_it(*command.split(), mounts=mounts)
            self.error(self.expect(4, result), "Read-only file system", self.site)
        self.same({name: value for name, value in before.items() if "over/" + WORK not in name},
                  {name: value for name, value in snapshot(self.tmp).items()
                   if "over/" + WORK not in name}, touched=True)

    def tearDown(self):
        if hasattr(self, "outside"):
            self.same(self.outside, self.real(), touched=True)
        super().tearDown()
