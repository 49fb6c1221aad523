# SPDX-License-Identifier: Apache-2.0
"""The main road: check, install, check, install, uninstall, on every release and layout."""

import os
import shutil
import subprocess

import lib
import packages
from lib import Case, read, write
from snapshot import difference, snapshot

WORK = "var/lib/sp-openstack"


class Cycle(Case):
    def cycle(self, host, added, edited):
        """Everything that is promised for a host which has what it takes."""
        pristine, tree = snapshot(host.top), self.tree(host)
        self.expect(1, self.run_on(host, "check"), "not-installed")
        self.same(pristine, snapshot(host.top), touched=True)

        result = self.good(host, "install")
        self.assertEqual(result.err, "", "nothing to warn of: %s" % result)
        installed = snapshot(host.top)
        for name in added + edited:
            compile(host.read(name), name, "exec")
        new = sorted(name for name in installed if name not in pristine and
                     not name.startswith("var"))
        self.assertEqual(new, sorted(host.site + "/" + name for name in added), str(new))
        changed = sorted(name for name in pristine if name in installed and
                         pristine[name].state.content != installed[name].state.content)
        self.assertEqual(changed, sorted(host.site + "/" + name for name in edited), str(changed))
        for name in edited:
            one, other = (snap[host.site + "/" + name].state for snap in (pristine, installed))
            self.assertEqual((one.mode, one.owner, one.group),
                             (other.mode, other.owner, other.group), "%s: mode or owner" % name)
        for name in added:
            self.assertEqual(installed[host.site + "/" + name].state.mode, 0o644, name)

        self.expect(0, self.run_on(host, "check"), "installed")
        result = self.good(host, "install")
        self.assertIn("nothing to do", result.out)
        self.same(installed, snapshot(host.top), touched=True)

        self.good(host, "uninstall")
        self.same(tree, self.tree(host))
        self.expect(1, self.run_on(host, "check"), "not-installed")
        left = snapshot(host.top)
        self.assertIn("nothing to do", self.good(host, "uninstall").out)
        self.same(left, snapshot(host.top), touched=True)

    def tree(self, host):
        """The host without the work directory."""
        return snapshot(host.path("usr"))

    def all_of(self, release):
        host = self.host(release)
        added = [packages.ADDED[component] for component in packages.COMPONENTS]
        edited = sum((packages.EDITED[component] for component in packages.COMPONENTS), [])
        if release == "mitaka":
            added[2] = "os_brick/initiator/storpool.py"
            edited = edited[:-2] + ["os_brick/initiator/connector.py"]
        self.cycle(host, added, edited)

    def test_mitaka(self):
        self.all_of("mitaka")

    def test_newton(self):
        self.all_of("newton")

    def test_ocata(self):
        self.all_of("ocata")

    def test_pike(self):
        self.all_of("pike")

    def brick_of_newton(self, version, layout):
        host = self.host()
        host.put("os_brick", "newton", version, layout=layout)
        host.put_prerequisites()
        host.age()
        self.cycle(host, ["os_brick/initiator/storpool.py"], ["os_brick/initiator/connector.py"])

    def test_os_brick_1_3_one_file(self):
        self.brick_of_newton("1.3.0", "file")

    def test_os_brick_1_5_one_file_with_a_list(self):
        self.brick_of_newton("1.5.0", "list")

    def test_components_one_by_one(self):
        """Installed and taken out in another order than one transaction would."""
        host = self.host("ocata")
        pristine = self.tree(host)
        self.good(host, "install", "os_brick")
        self.assertEqual(self.states(host, "os_brick", "--no-deps"), {"os_brick": "installed"})
        self.good(host, "install", "cinder")
        self.good(host, "install", "nova")
        self.expect(0, self.run_on(host, "check"))
        self.good(host, "uninstall", "cinder")
        self.assertEqual(self.states(host), {"cinder": "not-installed", "nova": "installed",
                                             "os_brick": "installed"})
        self.good(host, "uninstall", "nova")
        self.good(host, "uninstall", "os_brick")
        self.same(pristine, self.tree(host))

    def test_ordinary_user(self):
        """All of it without root, on files of one's own."""
        host = self.host("pike")
        self.own(host.top)
        pristine = self.tree(host)
        user = self.needs_user()
        self.good(host, "install", user=user)
        self.assertEqual(self.run_on(host, "check", user=user).status, 0)
        self.good(host, "uninstall", user=user)
        self.same(pristine, self.tree(host))

    def test_umask_does_not_matter(self):
        host = self.host("newton")
        old = os.umask(0)
        try:
            self.good(host, "install")
        finally:
            os.umask(old)
        for name in packages.ADDED.values():
            self.assertEqual(os.stat(host.file(name)).st_mode & 0o7777, 0o644, name)
        for name in ("", "transactions", "transactions/1", "work"):
            self.assertEqual(os.stat(host.path(WORK, name)).st_mode & 0o7777, 0o700, name)
        for name in ("backup.tar", "committed.json", "changes.patch"):
            self.assertEqual(os.stat(host.path(WORK, "transactions/1", name)).st_mode & 0o7777,
                             0o600, name)

    def test_descriptors_that_are_closed(self):
        """Standard input, output and error may be closed: no file of ours takes their place, and
        nothing is printed into one."""
        for closed in ((0,), (1,), (2,), (0, 1, 2), (1, 2)):
            with self.subTest(str(closed)):
                name = "host" + "".join(map(str, closed))
                host, reference = self.host("newton", name=name), self.host("newton",
                                                                            name="as-" + name)
                self.good(reference, "install", "-v")

                def close():
                    for number in closed:
                        os.close(number)
                done = subprocess.run([lib.PROGRAM, "--root", host.top, "--no-groups", "-v",
                                       "install"], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, preexec_fn=close, check=False,
                                      env=lib.environment(), cwd="/", timeout=lib.TIMEOUT)
                self.assertIn(done.returncode, (0, 4) if 1 in closed else (0,))
                for tree in ("usr", WORK):
                    one, other = ({name: entry.state.content for name, entry in
                                   snapshot(top.path(tree)).items()
                                   if not name.endswith(("committed.json", "backup.tar"))}
                                  for top in (host, reference))
                    self.assertEqual(one, other)
                self.assertEqual(self.run_on(host, "check").status, 0)
                self.good(host, "uninstall")

    def test_descriptors_that_are_inherited(self):
        """They are neither used nor in the way."""
        host = self.host("newton")
        pipes = [os.pipe() for _ in range(40)]
        try:
            done = subprocess.run([lib.PROGRAM, "--root", host.top, "--no-groups", "install"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  pass_fds=[end for pipe in pipes for end in pipe],
                                  env=lib.environment(), cwd="/", check=False,
                                  timeout=lib.TIMEOUT)
        finally:
            for pipe in pipes:
                os.close(pipe[1])
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        for pipe in pipes:
            self.assertEqual(os.read(pipe[0], 10), b"")
            os.close(pipe[0])
        self.assertEqual(self.run_on(host, "check").status, 0)


class Metadata(Case):
    """Mode, owner, time and attributes are as they were; those of directories, too."""

    DRIVER = "nova/virt/libvirt/driver.py"

    def round_trip(self, host, back):
        pristine = snapshot(host.path("usr"))
        self.good(host, "install")
        installed = snapshot(host.path("usr"))
        self.assertNotEqual(difference(pristine, installed), "")
        self.good(host, *back)
        self.same(pristine, snapshot(host.path("usr")))
        return pristine, installed

    def both_ways(self, change, kept):
        for number, back in enumerate((("uninstall",), ("rollback",))):
            with self.subTest(back[0]):
                host = self.host("newton", name="host%d" % number)
                change(host.file(self.DRIVER))
                pristine, installed = self.round_trip(host, back)
                name = os.path.join(self.DRIVER.replace("nova", host.site[4:] + "/nova", 1))
                for field in kept:
                    self.assertEqual(getattr(pristine[name].state, field),
                                     getattr(installed[name].state, field),
                                     "not kept while installed: %s" % field)

    def test_mode_0600(self):
        self.both_ways(lambda path: os.chmod(path, 0o600), ["mode"])

    def test_mode_0755(self):
        self.both_ways(lambda path: os.chmod(path, 0o755), ["mode"])

    def test_mode_with_set_id(self):
        self.both_ways(lambda path: os.chmod(path, 0o6755), ["mode"])

    def test_mode_0444(self):
        self.both_ways(lambda path: os.chmod(path, 0o444), ["mode"])

    def test_owner(self):
        self.needs_root()
        self.both_ways(lambda path: os.chown(path, 1234, 4321), ["owner", "group"])

    def test_owner_and_set_id(self):
        """chown clears the set-id bits: they must be set after it."""
        self.needs_root()

        def change(path):
            os.chown(path, 1234, 4321)
            os.chmod(path, 0o4750)
        self.both_ways(change, ["mode", "owner", "group"])

    def test_attributes(self):
        self.needs_attributes()

        def change(path):
            os.setxattr(path, "user.one", b"1")
            os.setxattr(path, "user.bytes", bytes(range(256)))
            os.setxattr(path, "user.empty", b"")
            os.utime(path, ns=(10**18, 10**18 + 7))
        self.both_ways(change, ["attributes"])

    def test_signatures_of_the_old_content(self):
        """A hash of the old content is not handed to the new one, but comes back with the old."""
        self.needs_root()
        for number, back in enumerate(("uninstall", "rollback")):
            host = self.host("newton", name="host%d" % number)
            path = host.file(self.DRIVER)
            try:
                os.setxattr(path, "user.label", b"kept")
                os.setxattr(path, "security.ima", b"\x04\x04" + bytes(20))
            except OSError:
                self.skipTest("no security.ima on the file system of %s" % self.tmp)
            host.age()
            pristine = snapshot(host.path("usr"))
            self.good(host, "install")
            self.assertNotIn("security.ima", os.listxattr(path))
            self.assertIn("user.label", os.listxattr(path))
            self.good(host, back)
            self.same(pristine, snapshot(host.path("usr")))

    def test_access_list(self):
        """A POSIX ACL in the form of the kernel: one more user may read."""
        def entry(tag, permissions, who=0xffffffff):
            return tag.to_bytes(2, "little") + permissions.to_bytes(2, "little") + \
                who.to_bytes(4, "little")
        acl = (2).to_bytes(4, "little") + entry(1, 6) + entry(2, 4, 1234) + entry(4, 4) + \
            entry(0x10, 4) + entry(0x20, 0)

        def change(path):
            try:
                os.setxattr(path, "system.posix_acl_access", acl)
            except OSError:
                self.skipTest("no ACLs on the file system of %s" % self.tmp)
        self.both_ways(change, ["mode", "attributes"])

    def test_flags_of_a_file_that_is_created_again(self):
        """faults.md, R20: rollback of an uninstall gives the driver the flags that it had."""
        host = self.host("newton")
        self.good(host, "install")
        module = host.file(packages.ADDED["nova"])

        def flags():
            return subprocess.run(["lsattr", module], stdout=subprocess.PIPE, check=False,
                                  stderr=subprocess.DEVNULL).stdout.split(b" ")[0]
        if not shutil.which("chattr") or subprocess.run(["chattr", "+Ad", module], check=False,
                                                        stderr=subprocess.DEVNULL).returncode:
            self.skipTest("no flags on the file system of %s" % self.tmp)
        before = flags()
        self.assertIn(b"A", before)
        self.good(host, "uninstall")
        self.assertFalse(os.path.exists(module))
        self.good(host, "rollback")
        self.assertEqual(flags(), before)

    def test_time_before_1970(self):
        self.both_ways(lambda path: os.utime(path, ns=(-10**9, -1500000000)), [])

    def test_time_after_2038(self):
        self.both_ways(lambda path: os.utime(path, ns=(4 * 10**18, 4 * 10**18 + 999999999)), [])

    def test_owner_of_a_new_file_is_that_of_its_directory(self):
        self.needs_root()
        host = self.host("newton")
        os.chown(host.file("cinder/volume/drivers"), 1234, 4321)
        self.good(host, "install", "cinder")
        info = os.stat(host.file(packages.ADDED["cinder"]))
        self.assertEqual((info.st_uid, info.st_gid), (1234, 4321))

    def test_new_content_has_a_new_time(self):
        """Python 2 takes a .pyc for current when it names the time of the source in seconds."""
        host = self.host("newton")
        before = os.stat(host.file(self.DRIVER)).st_mtime
        self.good(host, "install")
        installed = os.stat(host.file(self.DRIVER)).st_mtime
        self.assertNotEqual(int(before), int(installed))

    def test_second_round(self):
        """Install, uninstall, install, uninstall: still the times of the beginning."""
        host = self.host("newton")
        pristine = snapshot(host.path("usr"))
        for _ in range(3):
            self.round_trip(host, ("uninstall",))
        self.same(pristine, snapshot(host.path("usr")))

    def test_time_of_a_directory_that_was_used_meanwhile(self):
        """A later change of a directory is not hidden by an old time."""
        host = self.host("newton")
        self.good(host, "install")
        write(host.file("cinder/volume/drivers/another.py"), "NAME = 'another'\n")
        now = os.stat(host.file("cinder/volume/drivers")).st_mtime
        self.good(host, "uninstall")
        self.assertGreaterEqual(os.stat(host.file("cinder/volume/drivers")).st_mtime, now)


class Compiled(Case):
    """What Python compiled of a module goes with it."""

    def test_leftovers_are_removed(self):
        for back in ("uninstall", "rollback"):
            with self.subTest(back):
                host = self.host("newton", name=back)
                self.good(host, "install")
                drivers = "cinder/volume/drivers/"
                ours = [drivers + "storpool.pyc", drivers + "storpool.pyo",
                        drivers + "__pycache__/storpool.cpython-36.pyc",
                        drivers + "__pycache__/storpool.cpython-36.opt-1.pyc"]
                theirs = [drivers + "lvm.pyc", drivers + "storpool_more.pyc",
                          drivers + "__pycache__/lvm.cpython-36.pyc",
                          drivers + "__pycache__/storpool_more.cpython-36.pyc",
                          "cinder/storpool.pyc"]
                for name in ours + theirs:
                    host.write(name, b"compiled")
                self.good(host, back)
                for name in ours:
                    self.assertFalse(os.path.exists(host.file(name)), name)
                for name in theirs:
                    self.assertEqual(read(host.file(name)), b"compiled", name)

    def test_a_cache_that_becomes_empty_goes_too(self):
        host = self.host("newton")
        self.good(host, "install")
        host.write("cinder/volume/drivers/__pycache__/storpool.cpython-36.pyc", b"compiled")
        self.good(host, "uninstall")
        self.assertFalse(os.path.exists(host.file("cinder/volume/drivers/__pycache__")))

    def test_a_cache_that_is_a_link_is_not_followed(self):
        host = self.host("newton")
        self.good(host, "install")
        os.mkdir(host.path("elsewhere"))
        write(host.path("elsewhere/storpool.cpython-36.pyc"), b"not ours")
        os.symlink(host.path("elsewhere"), host.file("cinder/volume/drivers/__pycache__"))
        self.good(host, "uninstall")
        self.assertEqual(read(host.path("elsewhere/storpool.cpython-36.pyc")), b"not ours")


class What(Case):
    """What install says."""

    def test_services_and_transaction(self):
        host = self.host("newton")
        result = self.good(host, "install", "cinder")
        self.assertIn("cinder-volume", result.out)
        self.assertIn("transaction 1", result.out)
        self.assertIn("rollback", result.out)

    def test_changes_patch(self):
        """The patch in the work directory takes the tree from one state to the other."""
        host = self.host("newton")
        before = host.read("nova/virt/libvirt/driver.py")
        self.good(host, "install")
        patch = read(host.path(WORK, "transactions/1/changes.patch")).decode("utf-8")
        for line in host.read("nova/virt/libvirt/driver.py").splitlines():
            if line not in before:
                self.assertIn("\n+" + line + "\n", patch)
        for name in packages.ADDED.values():
            self.assertIn("b/" + host.site + "/" + name, patch)
        self.assertEqual([line for line in patch.splitlines()
                          if line.startswith("-") and not line.startswith("---")], [])

    def test_staging_is_left_empty(self):
        host = self.host("newton")
        self.good(host, "install")
        self.assertEqual(os.listdir(host.path(WORK, "work")), [])
        names = [name for _, _, files in os.walk(host.path("usr")) for name in files
                 if "sp-openstack" in name]
        self.assertEqual(names, [])
