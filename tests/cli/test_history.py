# SPDX-License-Identifier: Apache-2.0
"""Transactions: history, rollback, recover, the lock, and what stands between two of them."""

import fcntl
import json
import os
import random
import shutil
import subprocess
import time

import lib
import packages
from lib import Case, read, write
from snapshot import difference, snapshot

WORK = "var/lib/sp-openstack"
DRIVER = "nova/virt/libvirt/driver.py"
CONNECTOR = "os_brick/initiator/connector.py"


class TransactionCase(Case):
    def setUp(self):
        super().setUp()
        self.system = self.host("newton")
        self.pristine = self.tree()

    def tree(self):
        return snapshot(self.system.path("usr"))

    def run_it(self, *arguments, **more):
        return self.run_on(self.system, *arguments, **more)

    def done(self, *arguments, **more):
        return self.good(self.system, *arguments, **more)

    def history(self):
        return [(one["id"], one.get("command"), one["state"])
                for one in self.done("--json", "history").json["transactions"]]

    def transaction(self, number, name=""):
        return self.system.path(WORK, "transactions", str(number), name)

    def committed(self, number=1):
        return self.transaction(number, "committed.json")

    def journal(self, number=1):
        return self.transaction(number, "journal.json")

    def sum_of(self, text):
        """The checksum as last member: FNV-1a of 64 bits."""
        value = 0xcbf29ce484222325
        for byte in text:
            value = (value ^ byte) * 0x100000001b3 % 2**64
        return text + b",\n  \"checksum\": \"%016x\"\n}\n" % value

    def set_state(self, state, number=1):
        """As if the committed transaction had ended in that state."""
        text = read(self.committed(number))
        text = text[:text.rindex(b",\n  \"checksum\"")]
        changed = text.replace(b'"state": "committed"', b'"state": "' + state + b'"', 1)
        self.assertNotEqual(changed, text)
        write(self.journal(number), self.sum_of(changed))
        os.unlink(self.committed(number))


class Rollback(TransactionCase):
    def test_latest(self):
        self.done("install", "os_brick")
        between = self.tree()
        self.done("install", "nova")
        result = self.done("rollback")
        self.assertIn("before transaction 2", result.out)
        self.same(between, self.tree())
        self.assertEqual(self.history(), [(1, "install", "committed"),
                                          (2, "install", "rolled-back"),
                                          (3, "rollback", "committed")])

    def test_twice(self):
        """Each reverts one more; then there is nothing left to roll back."""
        self.done("install", "os_brick")
        self.done("install", "nova")
        self.done("rollback")
        self.done("rollback")
        self.same(self.pristine, self.tree())
        before = snapshot(self.system.top)
        self.assertIn("nothing to roll back", self.done("rollback").out)
        self.same(before, snapshot(self.system.top), touched=True)

    def test_number_and_all_after_it(self):
        self.done("install", "os_brick")
        self.done("install", "cinder")
        self.done("uninstall", "cinder")
        self.done("install", "nova")
        self.done("rollback", "1")
        self.same(self.pristine, self.tree())
        self.assertEqual(self.history()[:4], [(1, "install", "rolled-back"),
                                              (2, "install", "rolled-back"),
                                              (3, "uninstall", "rolled-back"),
                                              (4, "install", "rolled-back")])

    def test_number_in_the_middle(self):
        self.done("install", "os_brick")
        between = self.tree()
        self.done("install", "cinder")
        self.done("install", "nova")
        self.done("rollback", "2")
        self.same(between, self.tree())

    def test_of_an_uninstall(self):
        self.done("install")
        os.chmod(self.system.file(packages.ADDED["nova"]), 0o600)
        lib.age(self.system.path("usr"), lib.OLD + 1000)
        installed = self.tree()
        self.done("uninstall")
        self.done("rollback")
        self.same(installed, self.tree())
        self.expect(0, self.run_it("check"))
        self.done("rollback")
        self.same(self.pristine, self.tree(), fields=["content"])

    def test_then_install_again(self):
        self.done("install")
        installed = self.tree()
        self.done("rollback")
        self.done("install")
        self.same(installed, self.tree(), fields=["content"])
        self.done("uninstall")
        self.same(self.pristine, self.tree())

    def test_what_can_not_be_taken_back(self):
        self.done("install")
        self.done("rollback")
        for number, why in (("1", "rolled-back"), ("2", "rollback"), ("3", "no transaction 3")):
            self.refused(self.system, 3, why, arguments=("rollback", number))
        self.refused(self.system, 3, "no transaction 0", arguments=("rollback", "0"))

    def test_nothing_was_ever_done(self):
        self.refused(self.system, 3, "no transaction 1", arguments=("rollback", "1"))

    def test_file_that_was_upgraded_since(self):
        """There is nothing of ours in it; the others go back."""
        self.done("install")
        upgraded = packages.nova("newton")[DRIVER] + "# of an upgrade\n"
        write(self.system.file(DRIVER), upgraded)
        before = os.stat(self.system.file(DRIVER))
        self.done("rollback")
        self.assertEqual(self.system.read(DRIVER), upgraded)
        self.assertEqual(os.stat(self.system.file(DRIVER)).st_ino, before.st_ino)
        self.assertFalse(os.path.exists(self.system.file(packages.ADDED["nova"])))
        self.assertEqual(self.system.read(CONNECTOR), packages.os_brick("newton")[CONNECTOR])

    def edit(self):
        """The operator's own line, in what stands there now."""
        text = self.system.read(DRIVER)
        write(self.system.file(DRIVER), text.replace("    'rbd=", "    # here\n    'rbd="))
        return text.replace("    'rbd=", "    # here\n    'rbd=")

    def test_file_that_was_edited_since(self):
        """Only what the transaction did to it is taken back; that is said."""
        self.done("install")
        self.edit()
        os.chmod(self.system.file(DRIVER), 0o600)
        result = self.done("rollback")
        self.assertIn(self.system.file(DRIVER), result.err)
        self.assertIn("edited since", result.err)
        original = packages.nova("newton")[DRIVER]
        self.assertEqual(self.system.read(DRIVER),
                         original.replace("    'rbd=", "    # here\n    'rbd="))
        self.assertEqual(os.stat(self.system.file(DRIVER)).st_mode & 0o7777, 0o600)
        self.expect(1, self.run_it("check"), "not-installed")

    def test_of_an_uninstall_with_a_file_that_was_edited_since(self):
        """Ours is put in again, theirs stays."""
        self.done("install")
        self.done("uninstall")
        edited = self.edit()
        self.assertNotIn("storpool", edited)
        result = self.done("rollback")
        self.assertIn(self.system.file(DRIVER), result.err)
        text = self.system.read(DRIVER)
        self.assertIn("    # here\n", text)
        self.assertEqual(text.replace(packages.OLDER_NOVA_LINE, ""), edited)
        self.expect(0, self.run_it("check"))

    def test_file_that_was_edited_between_two_transactions(self):
        """The range is not one piece: what somebody else did in between is not taken back."""
        self.done("install")                    # 1
        edited = self.edit()
        self.done("uninstall")                  # 2: only ours goes
        edited = edited.replace(packages.OLDER_NOVA_LINE, "")
        self.assertEqual(self.system.read(DRIVER), edited)
        self.done("rollback", "1")
        self.assertEqual(self.system.read(DRIVER), edited)
        self.expect(1, self.run_it("check"), "not-installed")

    def test_file_that_was_edited_between_two_rollbacks(self):
        self.done("install")                    # 1
        self.done("uninstall")                  # 2
        edited = self.edit()
        self.done("rollback")                   # 3: ours is put in again
        self.expect(0, self.run_it("check"))
        self.done("rollback")                   # 4: back before 1
        self.assertEqual(self.system.read(DRIVER), edited)
        self.expect(1, self.run_it("check"), "not-installed")

    def test_file_that_was_upgraded_between_two_transactions(self):
        """No file of the old version of a package comes into the new one."""
        self.done("install")                    # 1
        upgraded = packages.nova("newton")[DRIVER] + "# of an upgrade\n"
        os.unlink(self.system.file(DRIVER))
        write(self.system.file(DRIVER), upgraded, 0o640)
        self.done("install")                    # 2
        self.expect(0, self.run_it("check"))
        self.done("rollback", "1")
        self.assertEqual(self.system.read(DRIVER), upgraded)
        self.assertEqual(os.stat(self.system.file(DRIVER)).st_mode & 0o7777, 0o640)
        self.expect(1, self.run_it("check"), "not-installed")

    def test_file_that_became_too_large(self):
        """It can't be read in full, and would be cut off where reading ended: refused."""
        self.done("install")
        limit = 8 << 20
        data = read(self.system.file(DRIVER))
        data += b"#" * (-(len(data) + 1) % 16) + b"\n"
        data += (b"#" * 15 + b"\n") * ((limit - len(data)) // 16 + 100)
        self.assertEqual(data[limit - 1:limit], b"\n")
        write(self.system.file(DRIVER), data)
        before = snapshot(self.system.top)
        result = self.expect(3, self.run_it("rollback"))
        self.error(result, self.system.file(DRIVER), "larger")
        self.same(before, snapshot(self.system.top))
        self.assertEqual(len(read(self.system.file(DRIVER))), len(data))
        self.assertEqual(read(self.system.file(DRIVER)), data)
        result = self.expect(3, self.run_it("uninstall"))
        self.error(result, self.system.file(DRIVER), "larger")
        self.assertEqual(read(self.system.file(DRIVER)), data)

    def test_file_that_is_original_again(self):
        """As after a reinstallation of the package: nothing to say."""
        self.done("install")
        write(self.system.file(DRIVER), packages.nova("newton")[DRIVER])
        result = self.done("rollback")
        self.assertEqual(result.err, "")
        self.assertEqual(self.system.read(DRIVER), packages.nova("newton")[DRIVER])

    def test_module_that_was_edited_since(self):
        """It still says that it is ours: it goes, is named, and is in the backup."""
        self.done("install")
        path = self.system.file(packages.ADDED["cinder"])
        write(path, read(path) + b"# edited\n")
        result = self.done("rollback")
        self.assertIn(path, result.err)
        self.assertFalse(os.path.exists(path))
        self.assertIn(b"# edited\n", read(self.transaction(2, "backup.tar")))

    def test_package_that_is_gone(self):
        self.done("install")
        shutil.rmtree(self.system.file("nova"))
        self.done("rollback")
        self.assertFalse(os.path.exists(self.system.file("nova")))
        self.assertEqual(self.system.read(CONNECTOR), packages.os_brick("newton")[CONNECTOR])

    def test_in_json(self):
        self.done("install", "nova")
        document = self.done("--json", "rollback").json
        self.assertEqual((document["command"], document["transaction"], document["reverts"],
                          document["left"]), ("rollback", 2, [1], []))
        # the paths are shown as all others are
        self.assertEqual({one["path"]: one["action"] for one in document["files"]}, {
            self.system.file(packages.ADDED["nova"]): "remove",
            self.system.file(packages.ADDED["os_brick"]): "remove",
            self.system.file(DRIVER): "replace", self.system.file(CONNECTOR): "replace",
            self.system.file("os_brick/initiator/__init__.py"): "replace"})

    def test_originals_that_are_gone(self):
        """Without the archive nothing can be given back; nothing is touched."""
        self.done("install")
        os.unlink(self.transaction(1, "backup.tar"))
        before = self.tree()
        result = self.run_it("rollback")
        self.assertIn(result.status, (3, 4, 5), str(result))
        self.error(result, self.transaction(1, "backup.tar"))
        self.same(before, self.tree(), touched=True)

    def test_originals_that_are_damaged(self):
        self.done("install")
        path = self.transaction(1, "backup.tar")
        data = read(path)
        at = data.index(b"libvirt_volume_drivers")
        for damaged in (data[:at] + b"X" + data[at + 1:], data[:at], b"", b"\0" * len(data)):
            write(path, damaged)
            before = self.tree()
            result = self.run_it("rollback")
            self.assertIn(result.status, (3, 4, 5), str(result))
            self.error(result, path)
            self.same(before, self.tree(), touched=True)
        write(path, data)
        self.done("rollback")
        self.same(self.pristine, self.tree())


class History(TransactionCase):
    def test_nothing_yet(self):
        before = snapshot(self.system.top)
        self.assertIn("nothing was done", self.done("history").out)
        self.assertEqual(self.done("history", "--json").json["transactions"], [])
        self.same(before, snapshot(self.system.top), touched=True)

    def test_table(self):
        self.done("install", "nova")
        self.done("uninstall", "nova")
        lines = self.done("history").out.splitlines()
        self.assertEqual(lines[0].split(), ["ID", "TIME", "COMMAND", "STATE", "FILES",
                                            "COMPONENTS"])
        self.assertRegex(lines[1], r"^1 +20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ +install +committed "
                                   r"+5 +os_brick nova$")
        self.assertRegex(lines[2], r"^2 +20\S+Z +uninstall +committed +2 +nova$")

    def test_document(self):
        self.done("install", "nova")
        one = self.done("history", "--json").json["transactions"][0]
        self.assertEqual((one["id"], one["command"], one["state"], one["components"]),
                         (1, "install", "committed", ["os_brick", "nova"]))
        self.assertTrue(abs(time.time() - time.mktime(time.strptime(
            one["time"], "%Y-%m-%dT%H:%M:%SZ")) + time.timezone) < 300, one["time"])
        self.assertEqual({file["action"] for file in one["files"]}, {"add", "replace"})
        self.assertIn(self.system.file(DRIVER), [file["path"] for file in one["files"]])

    def test_numbers_go_on(self):
        """The tenth comes after the ninth."""
        for _ in range(5):
            self.done("install", "os_brick")
            self.done("uninstall", "os_brick")
        self.done("install", "os_brick")
        self.assertEqual([one[0] for one in self.history()], list(range(1, 12)))

    def test_other_things_in_the_work_directory(self):
        """What is not ours is neither read nor removed."""
        self.done("install")
        for name in ("transactions/notes", "transactions/01", "transactions/x1/journal.json",
                     "notes"):
            write(self.system.path(WORK, name), "notes\n")
        self.assertEqual(self.history(), [(1, "install", "committed")])
        self.done("uninstall")
        self.assertTrue(os.path.exists(self.system.path(WORK, "transactions/x1/journal.json")))

    def test_other_things_in_the_staging_directory(self):
        """faults.md, R17: a file there stops nothing, and a directory there stays."""
        self.done("install")
        names = ("work/note", "work/notes/one", "work/1x/one")
        for name in names:
            write(self.system.path(WORK, name), "notes\n")
        for command in ("recover", "uninstall", "install", "rollback"):
            self.done(command)
        for name in names:
            self.assertTrue(os.path.exists(self.system.path(WORK, name)), name)


class Changed(TransactionCase):
    """Files that changed between install and uninstall."""

    def edit(self):
        """The operator's own line, at the top and beside ours."""
        text = self.system.read(DRIVER)
        ours = packages.OLDER_NOVA_LINE
        self.assertIn(ours, text)
        write(self.system.file(DRIVER),
              "# of the operator\n" + text.replace(ours, "    # here\n" + ours))

    def test_hardened_since(self):
        """faults.md, R3: a mode and a group that were set after the install stay, and are named."""
        self.done("install")
        os.chmod(self.system.file(DRIVER), 0o640)
        if lib.IS_ROOT:
            os.chown(self.system.file(DRIVER), 0, 42)
        before = os.stat(self.system.file(DRIVER))
        result = self.done("uninstall")
        self.assertIn("the mode, owner or attributes of '%s' were changed since"
                      % self.system.file(DRIVER), result.err)
        after = os.stat(self.system.file(DRIVER))
        self.assertEqual((after.st_mode, after.st_gid), (before.st_mode, before.st_gid))

    def test_edited_since_and_rolled_back(self):
        """faults.md, F12 i: what is reverted in part is not said to be as before."""
        self.done("install", "nova")
        self.edit()
        self.assertIn("1 file reverted in part", self.done("rollback").out)

    def test_edited_since(self):
        """Only our edit is taken out; theirs stays, and the metadata of today."""
        self.done("install")
        self.edit()
        os.chmod(self.system.file(DRIVER), 0o600)
        self.assertEqual(self.run_it("check").status, 0)
        self.done("uninstall")
        text = packages.nova("newton")[DRIVER]
        anchor = "    'iser="
        self.assertEqual(self.system.read(DRIVER),
                         "# of the operator\n" + text.replace(anchor, "    # here\n" + anchor))
        self.assertEqual(os.stat(self.system.file(DRIVER)).st_mode & 0o7777, 0o600)
        self.expect(1, self.run_it("check"))

    def test_edited_before(self):
        text = packages.nova("newton")[DRIVER] + "# of the operator\n"
        write(self.system.file(DRIVER), text)
        before = self.tree()
        self.done("install")
        self.done("uninstall")
        self.same(before, self.tree())

    def test_without_the_work_directory(self):
        """All that is needed to take it out is in the manifests."""
        self.done("install")
        shutil.rmtree(self.system.path(WORK))
        self.done("uninstall")
        self.same(self.pristine, self.tree(), fields=["content", "mode", "owner", "group"])

    def test_upgrade_of_one_file(self):
        """partial; install repairs just that; uninstall gives back what the upgrade put there."""
        self.done("install")
        upgraded = packages.os_brick("newton")[CONNECTOR] + "# of an upgrade\n"
        os.unlink(self.system.file(CONNECTOR))
        write(self.system.file(CONNECTOR), upgraded, 0o640)
        os.utime(self.system.file(CONNECTOR), ns=(10**18, 10**18 + 5))
        self.pristine[self.system.site[4:] + "/" + CONNECTOR] = \
            snapshot(self.system.file("os_brick/initiator"))["connector.py"]

        self.assertEqual(self.states(self.system), {"os_brick": "partial", "cinder": "installed",
                                                    "nova": "installed"})
        result = self.expect(1, self.run_it("check"))
        self.assertIn(self.system.file(CONNECTOR), result.out)
        self.assertNotIn(self.system.file(DRIVER), result.out)

        before = self.tree()
        result = self.done("install")
        self.assertIn("1 file changed", result.out)
        changed = [name for name, entry in self.tree().items()
                   if name in before and entry.state.content != before[name].state.content]
        self.assertEqual(changed, [self.system.site[4:] + "/" + CONNECTOR])
        self.expect(0, self.run_it("check"))

        self.done("uninstall")
        after = self.tree()
        directory = self.system.site[4:] + "/os_brick/initiator"
        self.pristine[directory] = after[directory]     # the upgrade gave it a new time
        self.same(self.pristine, after)

    def test_upgrade_and_uninstall(self):
        """What the upgrade put there is left alone, and named."""
        self.done("install")
        upgraded = packages.os_brick("newton")[CONNECTOR] + "# of an upgrade\n"
        write(self.system.file(CONNECTOR), upgraded)
        before = os.stat(self.system.file(CONNECTOR))
        result = self.done("uninstall")
        after = os.stat(self.system.file(CONNECTOR))
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))
        self.assertEqual(self.system.read(CONNECTOR), upgraded)
        self.assertIn(self.system.file(CONNECTOR), result.out + result.err)
        self.expect(1, self.run_it("check"), "not-installed")

    def test_upgrade_that_removed_the_module(self):
        self.done("install")
        os.unlink(self.system.file(packages.ADDED["nova"]))
        self.assertEqual(self.states(self.system)["nova"], "partial")
        self.done("install")
        self.expect(0, self.run_it("check"))
        self.done("uninstall")
        self.assertEqual(set(self.pristine), set(self.tree()))

    def test_upgrade_to_the_next_release(self):
        """Everything of the old release is replaced by the new one."""
        self.done("install")
        for component in packages.COMPONENTS:
            shutil.rmtree(self.system.file(component))
        for name in os.listdir(self.system.path(self.system.site)):
            if name.endswith(".dist-info"):
                shutil.rmtree(self.system.file(name))
        self.system.put_all("ocata")
        self.system.age()
        self.assertEqual(set(self.states(self.system).values()), {"not-installed"})
        before = self.tree()
        self.done("install")
        self.expect(0, self.run_it("check"))
        self.done("uninstall")
        self.same(before, self.tree())

    def test_older_driver_of_ours(self):
        """A module with our mark and another content is outdated, and brought up to date."""
        self.done("install")
        path = self.system.file(packages.ADDED["cinder"])
        current = read(path)
        write(path, current.replace(b"\n\n", b"\n# an older version\n", 1))
        self.assertEqual(self.states(self.system)["cinder"], "outdated")
        self.expect(1, self.run_it("check"), path)
        self.done("install")
        self.assertEqual(read(path), current)
        self.done("uninstall")
        self.assertFalse(os.path.exists(path))


class Recover(TransactionCase):
    """Transactions that were interrupted, made from finished ones."""

    def test_nothing_to_settle(self):
        before = snapshot(self.system.top)
        self.assertIn("nothing to recover", self.done("recover").out)
        self.same(before, snapshot(self.system.top), touched=True)
        self.done("install")
        before = snapshot(self.system.top)
        for _ in range(2):
            self.assertIn("nothing to recover", self.done("recover").out)
            self.same(before, snapshot(self.system.top))

    def left_over(self):
        """A transaction that ended before its journal was written."""
        self.done("install", "os_brick")
        os.makedirs(self.transaction(2), 0o700)
        write(self.transaction(2, "backup.tar"), "half of an archive")
        write(self.system.path(WORK, "work/2/usr/lib/x.py"), "staged\n")

    def test_no_journal_then_install(self):
        self.left_over()
        result = self.done("install")
        self.assertIn("transaction 2", result.err)
        self.assertEqual([one[:2] for one in self.history()], [(1, "install"), (2, "install")])
        self.assertEqual(os.listdir(self.system.path(WORK, "work")), [])
        self.expect(0, self.run_it("check"))

    def test_no_journal_then_recover(self):
        self.left_over()
        before = self.tree()
        result = self.done("recover")
        self.assertIn("transaction 2", result.out)
        self.assertFalse(os.path.exists(self.transaction(2)))
        self.assertEqual(os.listdir(self.system.path(WORK, "work")), [])
        self.same(before, self.tree(), touched=True)
        self.assertIn("nothing to recover", self.done("recover").out)

    def test_no_journal_is_announced(self):
        self.left_over()
        before = snapshot(self.system.top)
        for command in ("check", "diff", "history"):
            with self.subTest(command):
                result = self.expect(5, self.run_it(command))
                self.assertIn("transaction 2", result.err)
                self.assertIn("recover", result.err)
                document = self.expect(5, self.run_it("--json", command)).json
                self.assertTrue(any("transaction 2" in one for one in document["warnings"]))
        for arguments in (("detect",), ("install", "-n"), ("uninstall", "-n", "os_brick")):
            self.assertIn("transaction 2", self.run_it(*arguments).err)
        self.same(before, snapshot(self.system.top), touched=True)

    def damage(self, data):
        yield "a bit", data[:40] + bytes([data[40] ^ 1]) + data[41:]
        yield "cut in half", data[:len(data) // 2]
        yield "without its checksum", data[:data.rindex(b",\n  \"checksum\"")] + b"\n}\n"
        yield "without its last newline", data[:-1]
        yield "with more", data + b"\n"
        yield "empty", b""
        yield "other", b'{"state": "committed"}\n'
        yield "binary", os.urandom(4096)

    def test_damaged_journal(self):
        self.done("install")
        self.set_state(b"applying")
        for what, data in self.damage(read(self.journal())):
            with self.subTest(what):
                write(self.journal(), data)
                before = snapshot(self.system.top)
                for command in (("recover",), ("install",), ("uninstall",), ("rollback",)):
                    result = self.expect(5, self.run_it(*command))
                    self.error(result, self.journal(), "damaged")
                    self.same(before, snapshot(self.system.top))
                result = self.expect(5, self.run_it("check"), "installed")
                self.assertIn("transaction 1", result.err)
                self.same(before, snapshot(self.system.top))

    def test_damaged_journal_of_a_finished_one(self):
        """It is in nobody's way: only itself can't be rolled back."""
        self.done("install", "os_brick")
        self.done("install")
        good = read(self.committed(2))
        for what, data in self.damage(good):
            with self.subTest(what):
                write(self.committed(2), data)
                before = self.tree()
                self.expect(0, self.run_it("check"))
                result = self.done("recover")
                self.assertIn("nothing to recover", result.out)
                self.assertIn(self.committed(2), result.err)
                self.assertIn("damaged", result.err)
                self.assertEqual(self.history(), [(1, "install", "committed"),
                                                  (2, None, "damaged")])
                self.assertRegex(self.done("history").out, r"(?m)^2 .* damaged ")
                self.error(self.expect(3, self.run_it("rollback")), "transaction 2", "damaged")
                self.error(self.expect(3, self.run_it("rollback", "2")), "damaged")
                self.same(before, self.tree(), touched=True)
        self.done("uninstall")
        self.done("install")
        self.expect(0, self.run_it("check"))
        self.done("rollback")
        self.assertEqual(self.history()[2:], [(3, "uninstall", "committed"),
                                              (4, "install", "rolled-back"),
                                              (5, "rollback", "committed")])

    def test_rollback_over_a_damaged_one(self):
        """With its number given, an earlier one is rolled back: contents tell what is ours."""
        self.done("install", "os_brick")
        self.done("uninstall", "os_brick")
        self.done("install", "cinder")
        write(self.committed(2), b"")
        result = self.done("rollback", "1")
        self.assertIn(self.committed(2), result.err)
        self.same(self.pristine, self.tree())

    def test_journal_that_is_no_file(self):
        self.done("install")
        os.unlink(self.committed())
        os.mkfifo(self.journal())
        before = self.tree()
        for command in ("recover", "install", "uninstall", "rollback", "check"):
            result = self.expect(5, self.run_it(command))
            self.assertIn("transaction", result.err)
        self.same(before, self.tree(), touched=True)

    def test_interrupted_before_the_first_change(self):
        """prepared: what stands beside the targets is removed."""
        self.done("install")
        temps = [os.path.join(os.path.dirname(one["path"]), one["temp"])
                 for one in json.loads(read(self.committed()).decode())["files"]]
        self.assertEqual(len(temps), 6)
        self.done("rollback")
        self.same(self.pristine, self.tree())
        # as if transaction 1 had ended there: the rollback never was
        shutil.rmtree(self.transaction(2))
        self.set_state(b"prepared")
        for temp in temps:
            write(self.system.path(temp), "half of it")
        self.assertEqual(self.run_it("check").status, 5)
        self.assertEqual(self.expect(5, self.run_it("history", "-j")).json["interrupted"], [1])
        result = self.done("recover")
        self.assertIn("transaction 1", result.out)
        self.assertEqual([temp for temp in temps if os.path.exists(self.system.path(temp))],
                         [])
        self.same(self.pristine, self.tree())
        self.assertEqual(self.history(), [(1, "install", "aborted")])
        self.assertEqual(self.done("history", "-j").json["interrupted"], [])

    def test_interrupted_among_the_changes(self):
        """applying: everything goes back."""
        for number, settle in enumerate(("recover", "install", "uninstall", "rollback")):
            with self.subTest(settle):
                self.system = self.host("newton", name="applying%d" % number)
                pristine = self.tree()
                self.done("install")
                self.set_state(b"applying")
                self.expect(5, self.run_it("check"))
                result = self.done(settle)
                self.assertIn("transaction 1", result.out + result.err)
                if settle == "install":
                    self.expect(0, self.run_it("check"))
                    self.done("uninstall")
                self.same(pristine, self.tree())
                self.assertIn((1, "install", "aborted"), self.history())

    def test_interrupted_and_changed_by_something_else(self):
        """Content that is neither old nor new: nothing is touched, and it is said loudly."""
        self.done("install")
        self.set_state(b"applying")
        write(self.system.file(DRIVER), "# something else\n")
        before = self.tree()
        for command in ("recover", "install", "uninstall"):
            result = self.expect(5, self.run_it(command))
            self.error(result, self.system.file(DRIVER), "--force", "backup.tar")
            self.same(before, self.tree(), touched=True)
        result = self.done("recover", "--force")
        self.assertIn(self.system.file(DRIVER), result.out)
        self.assertEqual(self.system.read(DRIVER), "# something else\n")
        self.assertEqual(self.system.read(CONNECTOR), packages.os_brick("newton")[CONNECTOR])
        self.assertFalse(os.path.exists(self.system.file(packages.ADDED["nova"])))
        self.assertIn("nothing to recover", self.done("recover").out)

    def test_in_json(self):
        self.left_over()
        document = self.done("--json", "recover").json
        self.assertEqual((document["schema"], document["command"]), (1, "recover"))
        self.assertEqual(len(document["recovered"]), 1)
        self.assertEqual(self.done("--json", "recover").json["recovered"], [])

    def test_ordinary_user(self):
        """Of what a root's work directory holds, others are told nothing."""
        self.needs_root()
        self.left_over()
        user = self.needs_user()
        result = self.run_it("check", user=user)
        self.assertEqual((result.status, result.err), (1, ""), str(result))


class Walk(TransactionCase):
    """Commands in any order. The numbers are drawn anew in each run of the same test alike."""

    SEEDS = (9, 11, 13, 14)
    EDITS = {DRIVER: packages.OLDER_NOVA_LINE, CONNECTOR: packages.OLDER_BRICK_ENTRY,
             "os_brick/initiator/__init__.py": packages.CONSTANT}

    def command(self, draw):
        names = draw.sample(packages.COMPONENTS, draw.randint(0, 3))
        if draw.random() < 0.3:
            names.append("--no-deps")
        what = draw.choice(("install", "install", "uninstall", "uninstall", "rollback", "number"))
        if what == "rollback":
            return ["rollback"]
        if what == "number":
            numbers = [one[0] for one in self.history()]
            return ["rollback", str(draw.choice(numbers))] if numbers else ["recover"]
        return [what] + names

    def step(self, draw, log):
        arguments = self.command(draw)
        result = self.run_it(*arguments)
        log.append(" ".join(arguments))
        refusals = ("cannot roll back", "needs os_brick")
        self.assertTrue(result.status == 0 or result.status == 3 and
                        any(part in result.err for part in refusals), "%s: %s" % (log, result))

    def test_commands_alone(self):
        """Whenever nothing is integrated, all is as it was in the beginning, times and all."""
        for seed in range(3):
            self.system = self.host("newton", name="walk%d" % seed)
            self.pristine, draw, log = self.tree(), random.Random(seed), []
            for _ in range(10):
                self.step(draw, log)
                states = set(self.states(self.system).values())
                self.assertTrue(states <= {"installed", "not-installed"}, "%s: %s" % (log, states))
                if states == {"not-installed"}:
                    text = difference(self.pristine, self.tree())
                    self.assertEqual(text, "", "%s: %s" % (log, text))
            self.done("uninstall")
            self.same(self.pristine, self.tree())

    def between(self, draw, log, texts, number):
        """What an operator or a package upgrade does."""
        name = draw.choice(sorted(texts))
        module = self.system.file(draw.choice(sorted(packages.ADDED.values())))
        what = draw.choice(("upgrade", "edit", "edit", "remove", "alter"))
        log.append("%s %s" % (what, name))
        if what == "upgrade":
            texts[name] += "# upgrade %d\n" % number
            os.unlink(self.system.file(name))
            self.system.write(name, texts[name])
        elif what == "edit":
            texts[name] += "# edit %d\n" % number
            self.system.write(name, self.system.read(name) + "# edit %d\n" % number)
        elif os.path.exists(module):
            if what == "remove":
                os.unlink(module)
            else:
                write(module, read(module) + b"# altered\n")

    def test_commands_and_others(self):
        """Nothing that somebody else wrote into a file is ever lost or brought back."""
        for seed in self.SEEDS:
            self.system = self.host("newton", name="others%d" % seed)
            texts = {name: self.system.read(name) for name in self.EDITS}
            draw, log = random.Random(seed), []
            for number in range(14):
                if draw.random() < 0.4:
                    self.between(draw, log, texts, number)
                else:
                    self.step(draw, log)
                for name, ours in self.EDITS.items():
                    text = self.system.read(name)
                    self.assertTrue(text.replace(ours, "") == texts[name] and
                                    text.count(ours) < 2, "%s: %s is %r" % (log, name, text))
            self.done("uninstall")
            for name in self.EDITS:
                self.assertEqual(self.system.read(name), texts[name], "%s: %s" % (log, name))
            self.assertEqual([name for name in packages.ADDED.values()
                              if os.path.exists(self.system.file(name))], [])


class Lock(TransactionCase):
    def test_held_by_another(self):
        self.done("install", "os_brick")
        before = snapshot(self.system.top)
        with open(self.system.path(WORK, "lock"), "r+") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for command in (("install",), ("uninstall",), ("rollback",), ("recover",)):
                result = self.expect(4, self.run_it(*command))
                self.error(result, "process %d" % os.getpid(), self.system.path(WORK))
            for command, status in (("check", 1), ("history", 0), ("detect", 0)):
                self.assertEqual(self.run_it(command).status, status)
            self.assertEqual(self.run_it("install", "-n").status, 0)
            self.same(before, snapshot(self.system.top))
        self.done("install")

    def test_several_at_once(self):
        """Each is done, or is told who is at it; the outcome is that of one."""
        arguments = [lib.PROGRAM, "--root", self.system.top, "--no-groups", "install"]
        running = [subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    env=lib.environment(), cwd="/") for _ in range(6)]
        ended = [(one.communicate(timeout=lib.TIMEOUT), one.returncode) for one in running]
        for (_, err), status in ended:
            if status == 4:
                self.assertIn(b"another sp-openstack", err)
            elif status == 3:
                self.assertIn(b"run the command again", err)
            else:
                self.assertEqual((status, err), (0, b""))
        self.assertIn(0, [status for _, status in ended])
        self.expect(0, self.run_it("check"))
        committed = [one for one in self.history() if one[2] == "committed"]
        self.assertEqual(len(committed), 1, str(committed))
        self.done("uninstall")
        self.same(self.pristine, self.tree())

    def test_install_and_uninstall_at_once(self):
        """Whatever comes first, the host is integrated or it is not."""
        for _ in range(4):
            running = [subprocess.Popen([lib.PROGRAM, "--root", self.system.top] + command,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        env=lib.environment(), cwd="/")
                       for command in 2 * (["install", "--no-groups"], ["uninstall"])]
            for one in running:
                err = one.communicate(timeout=lib.TIMEOUT)[1]
                self.assertIn(one.returncode, (0, 3, 4), err)
            states = set(self.states(self.system).values())
            self.assertEqual(len(states), 1, states)
            self.assertIn(states.pop(), ("installed", "not-installed"))
        self.done("uninstall")
        self.same(self.pristine, self.tree())
