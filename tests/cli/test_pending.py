# SPDX-License-Identifier: Apache-2.0
"""Transactions that cannot be recovered, and records of other systems: who is stopped by them."""

import fcntl
import os
import shutil
import subprocess

import lib
import packages
from lib import read, write
from snapshot import snapshot
from test_history import CONNECTOR, DRIVER, WORK, TransactionCase

ID_A, ID_B = "a" * 32 + "\n", "b" * 32 + "\n"


class OneRecord(TransactionCase):
    """faults.md, R8: it concerns its own packages, and no others."""

    def begin(self):
        self.done("install", "os_brick")
        self.done("install", "cinder")

    def edited(self):
        """Of os_brick, interrupted among the changes; then something else edited a file."""
        self.set_state(b"applying")
        write(self.system.file(CONNECTOR), "# something else\n")

    def damaged(self):
        self.set_state(b"applying")
        write(self.journal(), read(self.journal())[:50])

    def moved(self):
        """The same on another machine."""
        self.set_state(b"applying")
        write(self.system.path("etc/machine-id"), ID_B)

    def in_its_own_way_only(self, word):
        status = {command: self.run_it(*command.split()) for command in
                  ("install -n --no-deps nova", "install -n nova",
                   "uninstall -n --no-deps os_brick")}
        self.expect(0, status["install -n --no-deps nova"], "2 files would be changed",
                    err="transaction 1 was interrupted")
        for command in ("install -n nova", "uninstall -n --no-deps os_brick"):
            self.error(self.expect(5, status[command]), "transaction 1", "recover")
        before = self.tree()
        for command in ("install", "install nova", "install os_brick",
                        "uninstall --no-deps os_brick",
                        "rollback 1"):
            result = self.run_it(*command.split())
            self.assertIn(result.status, (3,) if command == "rollback 1" else (5,), str(result))
            self.same(before, self.tree(), touched=True)
        result = self.done("install", "--no-deps", "nova")
        self.assertIn(word, result.err)
        self.assertEqual(self.states(self.system, "--no-deps", "nova"), {"nova": "installed"})
        self.done("uninstall", "cinder")
        self.done("rollback", "3")      # and the uninstall after it
        self.assertEqual([name for name in ("nova", "cinder")
                          if os.path.exists(self.system.file(packages.ADDED[name]))], ["cinder"])
        self.error(self.expect(5, self.run_it("recover")), word)

    def test_file_that_was_edited(self):
        self.begin()
        self.edited()
        self.in_its_own_way_only(self.system.file(CONNECTOR))

    def test_journal_that_is_damaged(self):
        """The backup tells what it is about."""
        self.begin()
        self.damaged()
        self.in_its_own_way_only("damaged")

    def test_record_of_which_nothing_tells(self):
        self.begin()
        self.damaged()
        write(self.transaction(1, "backup.tar"), "half of it")
        before = self.tree()
        for command in ("install", "install --no-deps nova", "uninstall cinder"):
            self.error(self.expect(5, self.run_it(*command.split())), "damaged")
        self.same(before, self.tree(), touched=True)

    def test_rollback_with_all_after_it(self):
        """An interrupted one is among those; an earlier one is not rolled back in its place."""
        self.done("install", "cinder")      # with os_brick
        self.done("install", "nova")
        self.set_state(b"applying", 2)
        write(self.system.file(DRIVER), "# something else\n")
        before = self.tree()
        for command in ("rollback", "rollback 1", "rollback -n", "rollback -n 1"):
            self.error(self.expect(5, self.run_it(*command.split())), "recover")
        self.same(before, self.tree(), touched=True)
        self.done("uninstall", "cinder")
        self.expect(1, self.run_it("check", "cinder"), "not-installed",
                    err="transaction 2 was interrupted")

    def test_monitors_of_other_packages(self):
        """check and diff exit with 5 where it concerns what they look at."""
        self.begin()
        self.edited()
        for command, status in (("check", 5), ("check os_brick", 5), ("check nova", 5),
                                ("check --no-deps nova", 1), ("check --no-deps cinder", 0),
                                ("diff --no-deps nova", 0), ("history", 5)):
            self.expect(status, self.run_it(*command.split()), err="transaction 1 was interrupted")
        self.assertEqual(self.run_it("--json", "check", "--no-deps", "cinder").status, 0)

    def test_others_are_recovered(self):
        """recover does what it can, and says what it could not do."""
        self.begin()
        self.edited()
        self.set_state(b"applying", 2)
        result = self.expect(5, self.run_it("recover"), "transaction 2 (install")
        self.assertIn(self.system.file(CONNECTOR), result.err)
        self.assertEqual(self.history_of_all(), ["applying", "aborted"])

    def history_of_all(self):
        return [one["state"] for one in self.run_it("--json", "history").json["transactions"]]

    def test_old_file_that_cannot_be_removed(self):
        """What a committed transaction left is in nobody's way."""
        self.needs_root()
        self.begin()
        os.mkdir(self.system.path(WORK, "work/1"), 0o700)
        temp = [name for name in read(self.committed()).decode().split('"')
                if name.startswith(".connector.py.sp-openstack-")][0]
        os.makedirs(self.system.file("os_brick/initiator/%s/x" % temp))
        result = self.done("install", "nova")
        self.assertIn(temp, result.err)
        self.expect(4, self.run_it("recover"), temp)
        shutil.rmtree(self.system.file("os_brick/initiator/" + temp))
        self.done("recover")
        self.assertEqual(os.listdir(self.system.path(WORK, "work")), [])

    def test_interrupted_and_moved(self):
        """A directory on the way became a link: it is looked at and opened by one rule."""
        site = "opt/venv/lib/python2.7/site-packages"
        self.system = self.host(name="venv", site=site)
        self.system.put("os_brick", "pike")
        pristine = snapshot(self.system.path(site))
        self.done("-L", "/" + site, "install", "os_brick")
        self.set_state(b"applying")
        os.makedirs(self.system.path("data"))
        os.rename(self.system.path("opt/venv"), self.system.path("data/venv"))
        os.symlink("/data/venv", self.system.path("opt/venv"))
        self.assertIn("transaction 1", self.done("recover").out)
        self.same(pristine, snapshot(self.system.path("data/venv/lib/python2.7/site-packages")),
                  fields=["content", "mode"])


class OtherSystem(TransactionCase):
    """faults.md, R5: a work directory that is shared, or was copied from another host."""

    def two(self):
        """Two hosts with one work directory, as by a bind mount."""
        other = self.host("newton", name="other")
        write(self.system.path("etc/machine-id"), ID_A)
        write(other.path("etc/machine-id"), ID_B)
        return other

    def share(self, other, number):
        """The other host uses the directory now."""
        source, target = (self.system, other) if number else (other, self.system)
        shutil.rmtree(target.path(WORK), ignore_errors=True)
        shutil.copytree(source.path(WORK), target.path(WORK))

    def test_rollback(self):
        other = self.two()
        self.done("install")
        self.share(other, 1)
        self.good(other, "install")
        self.share(other, 0)
        before = self.tree()
        for command in ("rollback", "rollback 2", "rollback 1", "rollback -n"):
            self.error(self.expect(3, self.run_it(*command.split())), "transaction 2",
                       "another system", "machine id")
        self.same(before, self.tree(), touched=True)
        self.share(other, 1)
        self.good(other, "rollback")
        self.expect(1, self.run_on(other, "check"), "not-installed")
        self.error(self.expect(3, self.run_on(other, "rollback", "1")), "transaction 1",
                   "another system")

    def test_rollback_where_no_machine_id_tells(self):
        other = self.host("newton", name="other")
        self.done("install")
        self.share(other, 1)
        before = snapshot(other.path("usr"))
        for command in ("rollback", "rollback -n"):
            self.error(self.expect(3, self.run_on(other, *command.split())), "transaction 1",
                       "another system")
        self.same(before, snapshot(other.path("usr")), touched=True)
        self.done("rollback")
        self.same(self.pristine, self.tree())

    def test_packages_that_were_replaced(self):
        """The machine id is the same: an upgrade gave every directory a new inode."""
        write(self.system.path("etc/machine-id"), ID_A)
        self.done("install")
        shutil.copytree(self.system.path("usr"), self.system.path("copy"), symlinks=True)
        shutil.rmtree(self.system.path("usr"))
        os.rename(self.system.path("copy"), self.system.path("usr"))
        self.done("rollback")
        self.same(self.pristine, self.tree(), fields=["content", "mode"])

    def test_uninstall_takes_nothing_from_another_record(self):
        """Neither times nor attributes of the other host's files."""
        other = self.two()
        os.utime(self.system.file(DRIVER), ns=(10**18, 10**18))
        self.done("install")
        self.good(other, "install")
        shutil.rmtree(other.path(WORK))
        self.share(other, 1)
        self.good(other, "uninstall")
        self.assertNotEqual(os.stat(other.file(DRIVER)).st_mtime_ns, 10**18)

    def test_old_files_of_another_system(self):
        """What says that some may be left there stays."""
        other = self.two()
        self.done("install")
        self.share(other, 1)
        os.mkdir(other.path(WORK, "work/1"), 0o700)
        self.good(other, "recover")
        self.assertEqual(os.listdir(other.path(WORK, "work")), ["1"])


class Lost(TransactionCase):
    """faults.md, R7: that a journal is missing proves nothing."""

    def only_added(self):
        """A transaction that added a module and replaced nothing."""
        self.done("install", "--no-deps", "nova")
        os.unlink(self.system.file(packages.ADDED["nova"]))
        self.done("install", "--no-deps", "nova")
        self.assertIn("1 ", self.done("history").out.splitlines()[2])

    def kept(self):
        return [name for name in os.listdir(self.system.path(WORK, "transactions"))
                if name.startswith("2.kept-")]

    def test_only_added(self):
        """Nothing tells whether it did something: it is kept, and said."""
        self.only_added()
        os.unlink(self.committed(2))
        before = self.tree()
        result = self.done("recover")
        self.assertIn("nothing tells", result.out)
        self.assertNotIn("had not begun", result.out)
        self.assertEqual(len(self.kept()), 1)
        self.same(before, self.tree(), touched=True)
        self.done("uninstall")
        self.assertFalse(os.path.exists(self.system.file(packages.ADDED["nova"])))

    def test_only_added_and_interrupted(self):
        """What was staged tells."""
        self.only_added()
        os.unlink(self.committed(2))
        module = self.system.file(packages.ADDED["nova"])
        staged = self.system.path(WORK, "work/2", os.path.relpath(module, self.system.top))
        write(staged, read(module))
        before = self.tree()
        for command in ("recover", "install", "uninstall"):
            self.error(self.expect(5, self.run_it(command)), "transaction 2", module, "--force")
        self.same(before, self.tree(), touched=True)
        os.unlink(module)               # as it is before the first rename
        self.assertIn("had not begun", self.done("recover").out)
        self.assertEqual(self.kept(), [])

    def kept_staging(self):
        return [name for name in os.listdir(self.system.path(WORK, "work")) if ".kept-" in name]

    def test_staging_without_its_transaction(self):
        """work/ID alone, of which a file is in place: it tells of a transaction that was lost."""
        self.only_added()
        module = self.system.file(packages.ADDED["nova"])
        staged = os.path.relpath(module, self.system.top)
        write(self.system.path(WORK, "work/2", staged), read(module))
        shutil.rmtree(self.system.path(WORK, "transactions/2"))
        before = self.tree()
        result = self.done("recover")
        self.assertIn("/work/2' belongs to no transaction", result.out)
        name, = self.kept_staging()
        self.assertEqual(read(self.system.path(WORK, "work", name, staged)), read(module))
        self.same(before, self.tree(), touched=True)
        self.assertNotIn("belongs to", self.done("recover").out)

    def test_staging_of_somebody_else(self):
        """A directory with a number for a name is not for that one of the program's own."""
        self.done("install", "nova")
        note = self.system.path(WORK, "work/20261125/note")
        write(note, "mine\n")
        self.assertIn("work/20261125' belongs to no transaction", self.done("recover").out)
        name, = self.kept_staging()
        self.assertEqual(read(self.system.path(WORK, "work", name, "note")), b"mine\n")

    def test_staging_that_was_never_put_in_place(self):
        """As a crash leaves it between the two halves of dropping a transaction."""
        module = self.system.file(packages.ADDED["nova"])
        write(self.system.path(WORK, "work/2", os.path.relpath(module, self.system.top)), "new\n")
        os.chmod(self.system.path(WORK), 0o700)
        self.assertNotIn("belongs to", self.done("recover").out)
        self.assertEqual(os.listdir(self.system.path(WORK, "work")), [])


class Copies(TransactionCase):
    """faults.md, R21: a copy that was made in the middle of a transaction."""

    def test_temporary_files_are_named(self):
        stray = [self.system.file("nova/virt/libvirt/.driver.py.sp-openstack-0123abcd"),
                 self.system.file("os_brick/initiator/.connector.py.sp-openstack-00000000~")]
        others = [self.system.file("nova/virt/libvirt/" + name) for name in
                  (".driver.py.sp-openstack-0123abcdef", ".driver.py.sp-openstack-0123abc",
                   ".other.py.sp-openstack-0123abcd", ".driver.py.sp-openstack-0123abcd.bak")]
        for path in stray + others:
            write(path, "# half of it\n")
        for command, status in (("check", 1), ("install -n", 0), ("install", 0), ("check", 0),
                                ("uninstall", 0)):
            result = self.expect(status, self.run_it(*command.split()))
            for path in stray:
                self.assertEqual(result.err.count("'%s' is a temporary file" % path), 1,
                                 str(result))
            for path in others:
                self.assertNotIn("'%s'" % path, result.err)
        for path in stray:
            self.assertTrue(os.path.exists(path))
            os.unlink(path)
        self.assertEqual(self.run_it("check").err, "")

    def test_those_of_our_own_are_not(self):
        """What a transaction that is recorded here left is removed by the next command."""
        self.done("install", "nova")
        temp = [name for name in read(self.committed()).decode().split('"')
                if name.startswith(".driver.py.sp-openstack-")][0]
        write(self.system.file("nova/virt/libvirt/" + temp), "# the old file\n")
        os.mkdir(self.system.path(WORK, "work/1"), 0o700)
        self.assertEqual(self.run_it("check", "nova").err, "")
        self.done("install", "nova")
        self.assertFalse(os.path.exists(self.system.file("nova/virt/libvirt/" + temp)))


class UnderWay(TransactionCase):
    """faults.md, R19: a transaction that is under way is not one that was interrupted."""

    def test_monitors_are_not_alarmed(self):
        self.done("install")
        self.set_state(b"applying")
        with open(self.system.path(WORK, "lock"), "r+") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for command, status in (("check", 0), ("history", 0), ("detect", 0), ("diff", 0)):
                result = self.expect(status, self.run_it(command))
                self.assertIn("transaction 1 is under way (process %d)" % os.getpid(), result.err)
                self.assertNotIn("interrupted", result.err)
        for command in ("check", "history", "diff"):
            self.expect(5, self.run_it(command), "transaction 1 was interrupted")


class NoRoom(TransactionCase):
    """faults.md, R15: the path is that of the root, and root may use the reserve."""

    def mounted(self, script, *arguments):
        """Runs the program where the script has mounted something, in a namespace of its own."""
        self.needs_root()
        script += " && exec \"$@\""
        where = self.system.file("nova/virt/libvirt/volume")
        if not shutil.which("unshare") or subprocess.run(
                ["unshare", "-m", "sh", "-c", script, where, "true"], stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("no such mounts here")
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, where, lib.PROGRAM, "--root",
                               self.system.top] + list(arguments), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/",
                              env=lib.environment(), timeout=lib.TIMEOUT, check=False)
        return lib.Result(list(arguments), done.returncode, done.stdout, done.stderr)

    def test_path_is_shown_with_the_root(self):
        before = self.tree()
        for command in (("install", "--no-groups", "nova"), ("install", "-n", "nova")):
            result = self.mounted("mount -t tmpfs -o size=64k none \"$0\" && "
                                  "touch \"$0/__init__.py\"", *command)
            self.error(self.expect(4, result), "not enough free space in '%s'" %
                       self.system.file("nova/virt/libvirt/volume"))
        self.same(before, self.tree(), touched=True)

    def test_reserved_blocks(self):
        """What df(1) calls full has room for root."""
        if not shutil.which("mkfs.ext4"):
            self.skipTest("mkfs.ext4 is not here")
        image = os.path.join(self.tmp, "image")
        with open(image, "wb") as file:
            file.truncate(8 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "40", "-N", "64", "-O", "^has_journal",
                        image],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        fill = ("mount -o loop '%s' \"$0\" && touch \"$0/__init__.py\" && "
                "chmod 777 \"$0\" && { setpriv --reuid %d --regid %d --clear-groups "
                "sh -c 'head -c 20M /dev/zero > \"$0/fill\"' \"$0\" 2>/dev/null; true; } && "
                "test 64 -gt \"$(stat -f -c %%a \"$0\")\"" % (image, lib.NOBODY, lib.NOBODY))
        result = self.mounted(fill, "install", "--no-groups", "nova")
        self.expect(0, result, "5 files changed")
