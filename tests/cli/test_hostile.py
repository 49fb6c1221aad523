# SPDX-License-Identifier: Apache-2.0
"""Input by somebody who means harm: nothing outside the root is read into the output or written.
(What is merely wrong is in test_refuse and test_manifests, how much it may take in test_bounds.)"""

import gzip
import io
import os
import shutil
import socket
import tarfile

import lib
import packages
from lib import Case, read, run_program, write
from snapshot import snapshot

DRIVER = "nova/virt/libvirt/driver.py"
MODULE = "nova/virt/libvirt/volume/storpool.py"
WORK = "var/lib/sp-openstack"
SECRET = "PASSWORD = 'of somebody else'\n"


class Workdir(Case):
    """Links and other things in place of what is in the work directory."""

    def prepared(self, name="host"):
        host = self.host("newton", name=name)
        self.good(host, "install")
        outside = os.path.join(self.tmp, "outside-of-" + name)
        write(outside + "/committed.json", SECRET)
        write(outside + "/1/committed.json", SECRET)
        write(outside + "/keep", SECRET)
        return host, outside

    def held(self, host, outside, commands, *parts, status=(3, 4, 5)):
        """Each of the commands refuses, says nothing of what is outside, and changes nothing."""
        before, beyond = snapshot(host.top), snapshot(outside)
        for command in commands:
            result = self.run_on(host, *command.split())
            self.assertIn(result.status, status, str(result))
            self.assertNotIn("PASSWORD", result.out + result.err)
            for part in parts:
                self.assertIn(part, result.err, str(result))
            self.same(beyond, snapshot(outside), touched=True)
            self.same(before, snapshot(host.top))

    def test_journal_that_is_a_link(self):
        host, outside = self.prepared()
        os.unlink(host.path(WORK, "transactions/1/committed.json"))
        os.symlink(outside + "/committed.json", host.path(WORK, "transactions/1/journal.json"))
        self.held(host, outside, ("recover", "install", "uninstall", "rollback", "check"),
                  "transaction", status=(5,))

    def test_finished_journal_that_is_a_link(self):
        """Also to one that would do: it is not ours. The transaction is known to be finished."""
        for exists in (False, True):
            with self.subTest(exists=exists):
                host, outside = self.prepared("host%d" % exists)
                journal = host.path(WORK, "transactions/1/committed.json")
                if exists:
                    os.rename(journal, outside + "/committed.json")
                else:
                    os.unlink(journal)
                os.symlink(outside + "/committed.json", journal)
                self.held(host, outside, ("recover", "install", "check", "history"), status=(0,))
                self.held(host, outside, ("rollback",), "transaction 1", "damaged", status=(3,))
                self.good(host, "uninstall")

    def replacements(self, name, outside):
        """What may have the name of a directory: each is put there."""
        yield "link", lambda: os.symlink(outside, name)
        yield "link to nothing", lambda: os.symlink("nowhere", name)
        yield "file", lambda: write(name, SECRET)
        yield "FIFO", lambda: os.mkfifo(name)
        if os.geteuid() == 0:
            yield "directory of another user", lambda: (
                shutil.copytree(outside, name), os.chown(name, lib.NOBODY, lib.NOBODY))

    def each(self, part, inside="1"):
        """(what, host, outside, path) for each of them in place of a part of the work directory."""
        for number in range(5 if os.geteuid() == 0 else 4):
            host, outside = self.prepared("%s%d" % (part.replace("/", "-"), number))
            path = host.path(WORK, part)
            os.rename(path, path + ".real")
            what, make = list(self.replacements(path, os.path.join(outside, inside)))[number]
            make()
            yield what, host, outside, path

    def kept(self, path):
        directory, name = os.path.split(path)
        return [one for one in os.listdir(directory) if one.startswith(name + ".kept-")]

    def test_foreign_thing_for_a_finished_transaction(self):
        """It is in nobody's way but of those who want to undo it."""
        for what, host, outside, path in self.each("transactions/1"):
            with self.subTest(what):
                self.held(host, outside, ("recover", "history"), path, status=(0,))
                self.held(host, outside, ("check", "install"), status=(0,))
                self.held(host, outside, ("rollback", "rollback 1"), "transaction 1", status=(3,))
                self.good(host, "uninstall")
                self.assertEqual([(one["id"], one["state"]) for one in
                                  self.good(host, "--json", "history").json["transactions"]],
                                 [(1, "damaged"), (2, "committed")])
                beyond = snapshot(outside)
                self.assertIn("is kept in", self.good(host, "recover", "--force").out)
                self.assertEqual(len(self.kept(path)), 1)
                self.same(beyond, snapshot(outside), touched=True)
                self.assertEqual(self.good(host, "history").err, "")
                self.good(host, "install")

    def test_foreign_thing_for_an_unfinished_transaction(self):
        for what, host, outside, path in self.each("transactions/1"):
            with self.subTest(what):
                os.mkdir(host.path(WORK, "work/1"), 0o700)
                self.held(host, outside, ("recover", "install", "uninstall"), path,
                          "recover --force", status=(5,))
                self.held(host, outside, ("check", "history", "diff"), "recover", status=(5,))
                self.good(host, "recover", "--force")
                self.assertEqual(len(self.kept(path)), 1)
                self.assertTrue(os.path.exists(path + ".real/backup.tar"))
                self.good(host, "uninstall")

    def test_unfinished_transaction_that_is_put_back(self):
        host, outside = self.prepared()
        path = host.path(WORK, "transactions/1")
        os.rename(path, path + ".real")
        os.symlink(outside, path)
        os.mkdir(host.path(WORK, "work/1"), 0o700)
        self.held(host, outside, ("recover",), path, status=(5,))
        os.unlink(path)
        os.rename(path + ".real", path)
        self.good(host, "recover")
        self.good(host, "rollback")

    def test_file_with_a_number(self):
        """Not in place of any transaction: of no interest."""
        host, _outside = self.prepared()
        for number in ("20261125", "77"):
            write(host.path(WORK, "transactions", number), "a note\n")
            os.symlink("/etc", host.path(WORK, "transactions", number + "1"))
        self.assertEqual(self.good(host, "history").err, "")
        self.good(host, "rollback")
        self.assertEqual([one["id"] for one in
                          self.good(host, "--json", "history").json["transactions"]], [1, 2])

    def test_foreign_thing_for_a_part_of_the_directory(self):
        """transactions or work: every command names it, and recover --force goes on without it."""
        for part in ("transactions", "work"):
            for what, host, outside, path in self.each(part, ""):
                with self.subTest(what):
                    self.held(host, outside,
                              ("recover", "install", "uninstall", "rollback", "history", "check",
                               "install -n"), "'%s'" % path, "recover --force", status=(3,))
                    beyond = snapshot(outside)
                    self.assertIn(".kept-", self.good(host, "recover", "--force").out)
                    self.assertEqual(len(self.kept(path)), 1)
                    self.same(beyond, snapshot(outside), touched=True)
                    self.good(host, "uninstall")
                    self.expect(1, self.run_on(host, "check"), "not-installed")

    def test_link_among_what_is_staged(self):
        """It is removed, not followed."""
        host, outside = self.prepared()
        os.makedirs(host.path(WORK, "work/1/usr"))
        os.symlink(outside, host.path(WORK, "work/1/usr/lib"))
        beyond = snapshot(outside)
        self.good(host, "recover")
        self.assertEqual(os.listdir(host.path(WORK, "work")), [])
        self.same(beyond, snapshot(outside), touched=True)

    def test_temporary_journal_that_is_a_link(self):
        """What is written goes into a new file, not through a link that was planted for it."""
        host, outside = self.prepared()
        self.good(host, "uninstall")
        for number in (1, 2, 3):
            os.makedirs(host.path(WORK, "transactions/%d" % number), exist_ok=True)
            for name in ("journal", "committed", "aborted"):
                link = host.path(WORK, "transactions/%d/.%s.json.new" % (number, name))
                os.symlink(outside + "/keep", link)
        beyond = snapshot(outside)
        self.good(host, "install")
        self.same(beyond, snapshot(outside), touched=True)

    def originals(self, make, *parts):
        host, outside = self.prepared()
        path = host.path(WORK, "transactions/1/backup.tar")
        os.rename(path, outside + "/backup.tar")
        make(outside, path)
        self.held(host, outside, ("rollback",), path, *parts, status=(5,))

    def test_originals_that_are_a_link(self):
        self.originals(lambda outside, path: os.symlink(outside + "/backup.tar", path))

    def test_originals_that_are_a_fifo(self):
        self.originals(lambda outside, path: os.mkfifo(path))

    def test_originals_that_are_a_directory(self):
        self.originals(lambda outside, path: os.mkdir(path))

    def test_originals_that_unpack_elsewhere(self):
        """An archive with a name that climbs is refused as a whole."""
        def make(outside, path):
            with tarfile.open(outside + "/backup.tar") as before, \
                    tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as after:
                for info in before:
                    data = before.extractfile(info).read()
                    info.name = "../" * 9 + "etc/" + info.name
                    after.addfile(info, io.BytesIO(data))
        self.originals(make)

    def test_way_to_the_work_directory_leaves_the_root(self):
        """/var/lib is a link that climbs: it leads to a directory in the root."""
        host, outside = self.host("newton"), os.path.join(self.tmp, "outside")
        os.mkdir(outside)
        os.rmdir(host.path("var/lib"))
        os.symlink("../" * 20 + outside.lstrip("/"), host.path("var/lib"))
        beyond = snapshot(outside)
        result = self.run_on(host, "install")
        self.assertIn(result.status, (0, 3, 4), str(result))
        self.same(beyond, snapshot(outside), touched=True)

    def test_lock_that_is_a_device(self):
        self.needs_root()
        host, outside = self.prepared()
        os.unlink(host.path(WORK, "lock"))
        os.mknod(host.path(WORK, "lock"), 0o020600, os.makedev(1, 3))
        self.held(host, outside, ("install", "recover", "uninstall"), "lock", status=(3,))


class Targets(Case):
    """Things in place of directories and of the modules that are new."""

    def refuses(self, change):
        host = self.host("newton")
        outside = os.path.join(self.tmp, "outside")
        for name, text in packages.nova("newton").items():
            write(os.path.join(outside, name), text.replace("1, 2, 1", SECRET.strip()))
        change(host, outside)
        before, beyond = snapshot(host.top), snapshot(outside)
        for command in ("install", "diff", "check -v", "detect -v", "install -n", "uninstall"):
            result = self.run_on(host, *command.split())
            if command == "install":
                self.assertIn(result.status, (3, 4), str(result))
                self.error(result)
            self.assertNotIn("PASSWORD", result.out + result.err)
            self.same(before, snapshot(host.top), touched=True)
            self.same(beyond, snapshot(outside), touched=True)

    def directory(self, target):
        def change(host, outside):
            shutil.rmtree(host.file("nova/virt"))
            os.symlink(target(host, outside), host.file("nova/virt"))
        self.refuses(change)

    def test_directory_link_out_of_the_root(self):
        self.directory(lambda host, outside: outside + "/nova/virt")

    def test_directory_link_that_climbs(self):
        self.directory(lambda host, outside: "../" * 30 + outside.lstrip("/") + "/nova/virt")

    def test_directory_link_that_climbs_just_enough(self):
        self.directory(lambda host, outside: os.path.relpath(
            outside + "/nova/virt", host.file("nova")))

    def test_directory_link_in_a_circle(self):
        self.directory(lambda host, outside: "virt")

    def test_directory_link_by_proc(self):
        """A magic link: /proc/self/root, if it were followed, is the real root."""
        def change(host, outside):
            os.makedirs(host.path("proc/self"))
            os.symlink("/", host.path("proc/self/root"))
            shutil.rmtree(host.file("nova/virt"))
            os.symlink("/proc/self/root" + outside + "/nova/virt", host.file("nova/virt"))
        self.refuses(change)

    def test_chain_of_links(self):
        """More than the kernel would follow."""
        def change(host, outside):
            os.rename(host.file("nova/virt"), host.file("nova/end"))
            for number in range(60):
                os.symlink("l%d" % (number + 1) if number < 59 else "end",
                           host.file("nova/l%d" % number))
            os.symlink("l0", host.file("nova/virt"))
        self.refuses(change)

    def module(self, make):
        self.refuses(lambda host, outside: make(host.file(MODULE), outside))

    def test_module_fifo(self):
        self.module(lambda path, outside: os.mkfifo(path))

    def test_module_socket(self):
        def make(path, outside):
            with socket.socket(socket.AF_UNIX) as one:
                here = os.getcwd()
                os.chdir(os.path.dirname(path))
                try:
                    one.bind("storpool.py")
                finally:
                    os.chdir(here)
        self.module(make)

    def test_module_device(self):
        self.needs_root()
        self.module(lambda path, outside: os.mknod(path, 0o020666, os.makedev(1, 5)))

    def test_module_block_device(self):
        self.needs_root()
        self.module(lambda path, outside: os.mknod(path, 0o060666, os.makedev(7, 250)))

    def test_module_link_out_of_the_root(self):
        """Nothing is created where it leads."""
        self.module(lambda path, outside: os.symlink(outside + "/new.py", path))

    def test_module_link_that_climbs(self):
        self.module(lambda path, outside: os.symlink("../" * 30 + outside.lstrip("/") + "/new.py",
                                                     path))

    def test_compiled_cache_out_of_the_root(self):
        """Taking our module out removes nothing behind a link."""
        host = self.host("newton")
        outside = os.path.join(self.tmp, "outside")
        self.good(host, "install")
        write(outside + "/storpool.cpython-27.pyc", SECRET)
        os.symlink(outside, host.file("nova/virt/libvirt/volume/__pycache__"))
        os.symlink(outside + "/storpool.cpython-27.pyc",
                   host.file("nova/virt/libvirt/volume/storpool.pyc"))
        beyond = snapshot(outside)
        self.run_on(host, "uninstall")
        self.same(beyond, snapshot(outside), touched=True)

    def test_hard_link_to_a_file_outside(self):
        """As in test_refuse, across the root: the file outside keeps its content and its mode."""
        host = self.host("newton")
        outside = os.path.join(self.tmp, "outside.py")
        os.link(host.file(DRIVER), outside)
        before = snapshot(outside)
        self.good(host, "install")
        self.good(host, "uninstall")
        self.assertEqual(before[""].state, snapshot(outside)[""].state)


class Names(Case):
    """Names that would do something on a terminal, or break a line of a log."""

    NAMES = (b"new\nline", b"esc\033]0;title\007", b"bell\007", b"c1\xc2\x9b31m", b"bad\xff\xfe",
             b"del\x7f", b"tab\there", b"cr\rback", b"overlong\xc0\xaf", b"surrogate\xed\xa0\x80",
             b"back\\slash", b"rtl\xe2\x80\xae", b"quote\"'", b"percent%s%n")

    def is_safe(self, result):
        for text in (result.out, result.err):
            for char in text:
                self.assertFalse(char != "\n" and (ord(char) < 32 or 127 <= ord(char) < 160),
                                 "%r in %s" % (char, result))
                self.assertFalse(0xd800 <= ord(char) < 0xe000, "not UTF-8: %s" % result)

    def test_path_that_is_there(self):
        for name in self.NAMES:
            with self.subTest(repr(name)):
                site = os.fsdecode(b"opt/" + name)
                host = self.host("newton", name="host%d" % self.NAMES.index(name), site=site)
                for command in ("detect", "check -v", "diff", "install -n", "check --json",
                                "install", "uninstall"):
                    result = self.run_on(host, "-L", "/" + site, *command.split())
                    if command == "diff":    # for machines: names are quoted as git does
                        self.assertNotIn("\033", result.out)
                        continue
                    if command == "check --json":
                        self.assertEqual(len(result.json["components"]), 3)
                    self.is_safe(result)

    def test_path_that_is_not_there(self):
        host = self.host("newton")
        for name in self.NAMES:
            with self.subTest(repr(name)):
                result = self.run_on(host, "-L", os.fsdecode(b"/none/" + name), "check")
                self.is_safe(self.expect(3, result))
                self.error(result)

    def test_other_options(self):
        host = self.host("newton")
        for name in self.NAMES:
            text = os.fsdecode(name)
            for arguments in (["-R", "/none/" + text, "check"], ["-D", "/none/" + text, "check"],
                              ["-t", "/none/" + text, "check"], ["check", text], [text],
                              ["--" + text], ["-R", host.top, "-W", "/none\n/" + text, "history"]):
                result = run_program(arguments)
                if arguments[-1] != "history":
                    self.assertIn(result.status, (2, 3, 4), str(result))
                self.is_safe(result)

    def test_versions_and_links(self):
        """Texts of metadata and .pth files."""
        host = self.host("newton")
        host.write("nova-14.1.0.dist-info/METADATA",
                   b"Name: nova\nVersion: 14.1.0\033[2J\n")
        host.write("a\033[2J.pth", "/usr/\033[31m\n/none\n")
        for command in ("detect", "check -v", "install -n", "detect --json"):
            self.is_safe(self.run_on(host, *command.split()))


class Archives(Case):
    """What an archive names stays inside it."""

    def test_names_and_links_that_leave_it(self):
        write(self.tmp + "/secret/driver.py", SECRET)
        files = dict(packages.nova("newton"), **{"PKG-INFO": "Name: nova\nVersion: 14.1.0\n"})
        cases = []
        for name in ("/etc/passwd", "../driver.py", "nova/../../driver.py", "/../driver.py",
                     self.tmp + "/secret/driver.py"):
            cases.append((name, tarfile.REGTYPE, ""))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            for target in (self.tmp + "/secret/driver.py", "../" * 30 + "etc/passwd",
                           os.path.relpath(self.tmp, "/") + "/secret/driver.py"):
                cases.append((DRIVER, kind, target))
        cases.append(("nova/virt", tarfile.SYMTYPE, self.tmp + "/secret"))
        before = snapshot(self.tmp + "/secret")
        for number, (name, kind, target) in enumerate(cases):
            path = os.path.join(self.tmp, "a%d.tar" % number)
            with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
                for other, text in files.items():
                    if kind != tarfile.REGTYPE and (other == name or other.startswith(name + "/")):
                        continue
                    info = tarfile.TarInfo(other)
                    info.size = len(text)
                    archive.addfile(info, io.BytesIO(text.encode()))
                info = tarfile.TarInfo("x")
                info.name, info.type, info.linkname = name, kind, target
                archive.addfile(info)
            for command in ("detect", "check -v --no-deps", "diff --no-deps"):
                result = run_program(command.split() + ["--tree", path])
                self.assertNotIn("PASSWORD", result.out + result.err)
                self.assertNotIn("root:", result.out + result.err)
                if kind == tarfile.REGTYPE:
                    self.error(self.expect(3, result), "refused")
                elif command != "detect":
                    self.assertEqual(result.status, 3, str(result))
        self.same(before, snapshot(self.tmp + "/secret"), touched=True)
        self.assertFalse(os.path.exists(self.tmp + "/driver.py"))

    def test_truncated(self):
        """At every block of 512 bytes, and in every compression: never taken for a whole one."""
        source = {}
        for name, text in packages.nova("newton").items():
            source[name] = text.encode()
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, data in source.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
            end = archive.offset
        whole = plain.getvalue()[:end + 1024]
        path = os.path.join(self.tmp, "a.tar")
        write(path, whole)
        self.expect(0, run_program(["detect", "-t", path]), "newton")
        for size in range(0, end + 512, 512):
            write(path, whole[:size])
            self.error(self.expect(3, run_program(["detect", "-t", path])), path)
        packed = gzip.compress(whole, 6)
        for size in range(0, len(packed), 37):
            write(path, packed[:size])
            self.error(self.expect(3, run_program(["detect", "-t", path])), path)


class Repositories(Case):
    """Git objects that are damaged: refused or read as they are, nothing else. What libgit2 does
    not survive costs the tree that has it, and a second of processor time (here: 20 of its own).
    (Each kind of damage: tests/unit/tree/test_git.c.)"""

    def run_limited(self, *arguments):
        """A limit of the caller's own that is lower than the program's holds."""
        return run_program(arguments, processor=1)

    def setUp(self):
        super().setUp()
        if lib.is_wrapped():
            self.skipTest("a second of processor time is not enough under an instrument")

    def test_each_object(self):
        if lib.is_instrumented():
            self.skipTest("an instrument sees libgit2's own faults (its issues 7177, 7342)")
        repo = self.repository(packages.nova("newton"))
        good = self.expect(0, run_program(["detect", "--json", "-t", repo + "@HEAD"])).out
        for packed in (False, True):
            if packed:
                self.git(repo, "gc", "-q")
            files = []
            for directory, _, names in os.walk(repo + "/.git/objects"):
                files += [os.path.join(directory, name) for name in names]
            self.assertGreater(len(files), 1)
            refused = 0
            for path in files:
                data = read(path)
                os.chmod(path, 0o644)
                for damaged in (data[:len(data) // 2], b"", data[:-1],
                                data[:len(data) // 2] + bytes([data[len(data) // 2] ^ 0x10])
                                + data[len(data) // 2 + 1:], data + b"x" * 100, bytes(100)):
                    write(path, damaged)
                    for command in ("detect --json", "diff --no-deps"):
                        result = self.run_limited(*command.split(), "-t", repo + "@HEAD")
                        self.assertIn(result.status, (0, 3), str(result))
                        if result.status == 3:
                            self.error(result, repo)
                            refused += 1
                        elif command.startswith("detect"):
                            self.assertEqual(result.out, good)
                write(path, data)
            self.assertGreater(refused, 4)

    def test_deltas_in_a_circle(self):
        """A file that is made from another one that is made from it: git itself never ends."""
        repo = self.repository(packages.nova("newton"))
        self.spoil_by_a_circle(repo)
        for command in ("detect", "check", "diff"):
            self.error(self.expect(3, self.run_limited(command, "-t", repo + "@HEAD")), repo)

    def test_others_go_on(self):
        """One tree that cannot be read costs its own sentence."""
        repo = self.repository(packages.nova("newton"))
        good = shutil.copytree(repo, self.tmp + "/good", symlinks=True) + "@HEAD"
        missing = self.tmp + "/good@nothing"
        alone = self.expect(0, run_program(["detect", "-t", good])).out
        self.spoil_by_a_circle(repo)
        for trees in ((repo + "@HEAD", good), (good, repo + "@HEAD"), (missing, good),
                      (good, missing)):
            result = self.run_limited("detect", *(word for tree in trees for word in ("-t", tree)))
            self.expect(3, result)
            self.assertEqual(result.out, alone)
            self.error(result, min(trees, key=lambda tree: tree == good).split("@")[0])
        result = self.run_limited("check", "-t", repo + "@HEAD", "-t", missing)
        self.assertEqual((result.status, result.out), (3, ""), str(result))
        self.assertEqual(len(result.err.splitlines()), 2, str(result))


class Journals(Case):
    """Every journal that is not one is refused by the whole program. (Every byte and bit:
    tests/unit/txn/test_journal.c.)"""

    def test_cut_and_flipped(self):
        host = self.host("newton")
        self.good(host, "install")
        path = host.path(WORK, "transactions/1/journal.json")
        os.rename(host.path(WORK, "transactions/1/committed.json"), path)
        data = read(path)
        tree = snapshot(host.path("usr"))
        cases = [data[:size] for size in range(0, len(data), max(1, len(data) // 40))]
        for at in range(0, len(data), max(1, len(data) // 40)):
            cases.append(data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1:])
        for damaged in cases:
            write(path, damaged)
            result = self.expect(5, self.run_on(host, "recover"))
            self.error(result, path, "damaged")
            self.assertEqual(read(path), damaged)
        self.same(tree, snapshot(host.path("usr")), touched=True)
        write(path, data)
        os.rename(path, host.path(WORK, "transactions/1/committed.json"))
        self.good(host, "rollback")
