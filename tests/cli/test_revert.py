# SPDX-License-Identifier: Apache-2.0
"""Rollback on hosts that changed since: nothing is taken from others, and what depends on each
other goes together or not at all."""

import json
import os
import shutil
import subprocess

import lib
import packages
from lib import Case, read, write
from snapshot import snapshot

WORK = "var/lib/sp-openstack"
DRIVER = "nova/virt/libvirt/driver.py"
CONNECTOR = "os_brick/initiator/connector.py"
INIT = "os_brick/initiator/__init__.py"
MODULES = packages.ADDED


class RevertCase(Case):
    def setUp(self):
        super().setUp()
        self.system = None

    def begin(self, release="pike", **more):
        self.system = self.host(release, **more)

    def do(self, status, *arguments):
        return self.expect(status, self.run_on(self.system, *arguments))

    def tree(self):
        return snapshot(self.system.path("usr"))

    def unchanged(self, status, *parts, arguments=("rollback",)):
        """The command ends with that status and changes nothing of the packages."""
        before = self.tree()
        result = self.do(status, *arguments)
        for part in parts:
            self.assertIn(part, result.out + result.err, str(result))
        self.same(before, self.tree(), touched=True)
        return result

    def remove(self, component, metadata=True):
        shutil.rmtree(self.system.file(component))
        if metadata:
            self.remove_metadata(component)

    def remove_metadata(self, component):
        for name in os.listdir(self.system.path(self.system.site)):
            if name.startswith(component + "-") and name.endswith(".dist-info"):
                shutil.rmtree(self.system.file(name))

    def queens(self, component, version):
        """The package of Queens in place of the one that is there: it has the very same lines."""
        files = packages.included(component)
        for name in packages.EDITED[component]:
            files[name] = self.system.read(name) + "# queens\n"
        self.remove(component)
        self.system.put_files(files)
        self.system.put_metadata(component.replace("_", "-"), version)

    def left(self):
        """{path: reason} of rollback -n --json, which must end with 1 or 3."""
        result = self.run_on(self.system, "--json", "rollback", "-n")
        self.assertIn(result.status, (1, 3), str(result))
        return {one["path"]: one["reason"] for one in result.json["left"]} if result.out else {}


class AfterUpgrade(RevertCase):
    """faults.md, F2: packages of a release that includes the drivers have the very same lines."""

    def test_to_queens(self):
        self.begin()
        self.do(0, "install")
        self.queens("nova", "17.0.13")
        self.queens("os_brick", "2.3.9")
        self.queens("cinder", "12.0.10")
        result = self.unchanged(3, "includes the drivers")
        for name in (DRIVER, CONNECTOR, INIT) + tuple(MODULES.values()):
            self.assertIn(self.system.file(name), result.err)

    def test_nova_and_os_brick_to_queens(self):
        """What is ours still goes, the rest is named: 1."""
        self.begin()
        self.do(0, "install")
        self.queens("nova", "17.0.13")
        self.queens("os_brick", "2.3.9")
        before = self.tree()
        self.assertEqual(set(self.left()), {self.system.file(name) for name in
                                            (DRIVER, CONNECTOR, INIT, MODULES["nova"],
                                             MODULES["os_brick"])})
        result = self.do(1, "rollback")
        self.assertIn("includes the drivers", result.err)
        self.assertNotIn("as they were before", result.out)
        cinder = self.system.site[4:] + "/" + MODULES["cinder"]
        self.assertIn(cinder, before)
        del before[cinder]
        after = self.tree()
        directory = os.path.dirname(cinder)
        before[directory] = after[directory]
        self.same(before, after)
        self.unchanged(0, "nothing to roll back")

    def test_nova_to_queens_alone(self):
        """Its driver asks our os_brick for the connector: that stays, too."""
        self.begin()
        self.do(0, "install", "nova")
        self.queens("nova", "17.0.13")
        result = self.unchanged(3)
        self.assertIn("nova, which is left, needs it", result.err)
        self.assertIn(self.system.file(MODULES["os_brick"]), result.err)

    def test_os_brick_to_queens_alone(self):
        """Nova's files are ours as before, and go."""
        self.begin()
        pristine = self.system.read(DRIVER)
        self.do(0, "install", "nova")
        self.queens("os_brick", "2.3.9")
        brick = snapshot(self.system.file("os_brick"))
        self.do(1, "rollback")
        self.assertEqual(self.system.read(DRIVER), pristine)
        self.assertFalse(os.path.exists(self.system.file(MODULES["nova"])))
        self.same(brick, snapshot(self.system.file("os_brick")), touched=True)

    def test_uninstall_is_rolled_back_in_the_next_release(self):
        """Nothing of the one release is put into the other."""
        self.begin("ocata")
        self.do(0, "install")
        self.do(0, "uninstall")
        for component in packages.COMPONENTS:
            self.remove(component)
        self.system.put_all("pike")
        result = self.unchanged(3, "is not of the release ocata any more")
        self.assertIn("install", result.err)
        self.do(0, "install")
        self.do(0, "check")

    def test_to_the_next_release(self):
        """The packages do not have our lines; modules that they did not replace go."""
        self.begin("ocata")
        self.do(0, "install")
        modules = {name: read(self.system.file(name)) for name in MODULES.values()}
        for component in packages.COMPONENTS:
            self.remove(component)
        self.system.put_all("pike")
        pristine = self.tree()
        for name, data in modules.items():
            write(self.system.file(name), data)
        self.do(0, "rollback")
        self.same(pristine, self.tree(), fields=["content"])

    def test_release_that_is_not_supported(self):
        """Whose a line is can't be told by its text there: what was changed since is left."""
        for number, version in enumerate(("12.0.6", "2099.0.0")):
            with self.subTest(version):
                self.begin(name="host%d" % number)
                self.do(0, "install", "nova")
                self.remove_metadata("nova")
                self.system.put_metadata("nova", version)
                self.system.write(DRIVER, self.system.read(DRIVER) + "# of the other release\n")
                self.unchanged(3, self.system.file(DRIVER), self.system.file(MODULES["nova"]))

    def test_package_that_was_removed(self):
        """As dpkg and rpm do it: all that is theirs goes, our module stays. Rollback cleans up."""
        self.begin()
        self.do(0, "install")
        for component in packages.COMPONENTS:
            module = read(self.system.file(MODULES[component]))
            self.remove(component)
            write(self.system.file(MODULES[component]), module)
        result = self.do(0, "rollback")
        self.assertEqual(result.err, "")
        for name in MODULES.values():
            self.assertFalse(os.path.exists(self.system.file(name)), name)


class Undecided(RevertCase):
    """faults.md, F3: a file in which it cannot be told what is ours."""

    def check_refused(self, text):
        self.system.write(DRIVER, text)
        self.unchanged(3, arguments=("uninstall",))
        result = self.unchanged(3, "nothing was rolled back")
        self.error(result, self.system.file(DRIVER))
        self.unchanged(3, arguments=("rollback", "-n"))
        self.assertTrue(os.path.exists(self.system.file(MODULES["nova"])))

    def setUp(self):
        super().setUp()
        self.begin()
        self.do(0, "install")
        self.text = self.system.read(DRIVER)

    def test_line_twice(self):
        line = packages.OLDER_NOVA_LINE
        self.assertIn(line, self.text)
        self.check_refused(self.text.replace(line, line + line))

    def test_no_newline_at_the_end(self):
        self.check_refused(self.text.rstrip("\n"))

    def test_carriage_returns(self):
        self.check_refused(self.text.replace("\n", "\r\n"))

    def test_not_utf_8(self):
        write(self.system.file(DRIVER), self.text.encode() + b"# caf\xe9\n")
        self.unchanged(3)

    def test_link_in_its_place(self):
        os.rename(self.system.file(DRIVER), self.system.file("nova/elsewhere.py"))
        os.symlink("/" + self.system.site + "/nova/elsewhere.py", self.system.file(DRIVER))
        result = self.run_on(self.system, "rollback")
        self.assertIn(result.status, (3, 4), str(result))
        self.assertTrue(os.path.exists(self.system.file(MODULES["nova"])))

    def test_one_of_several(self):
        """What can't be told in nova holds back cinder as well: all or nothing."""
        self.system.write(DRIVER, self.text.rstrip("\n"))
        self.unchanged(3)
        self.assertTrue(os.path.exists(self.system.file(MODULES["cinder"])))

    def test_then_mended(self):
        self.system.write(DRIVER, self.text.rstrip("\n"))
        self.unchanged(3)
        self.system.write(DRIVER, self.text)
        self.do(0, "rollback")
        self.assertNotIn("storpool", self.system.read(DRIVER))


class Foreign(RevertCase):
    """faults.md, F5: a module that is somebody else's, with lines that serve it."""

    BACKPORT = "# backport, by the operator\n"

    def test_module_replaced_by_a_backport(self):
        self.begin()
        self.do(0, "install", "nova")
        self.system.write(MODULES["nova"], self.BACKPORT)
        result = self.unchanged(3, "is not ours")
        # and nova, which is left, needs the connector
        self.assertIn(self.system.file(MODULES["os_brick"]), result.err)
        self.assertIn(packages.OLDER_NOVA_LINE, self.system.read(DRIVER))

    def test_backport_of_os_brick(self):
        self.begin()
        pristine = self.system.read(DRIVER)
        self.do(0, "install", "nova")
        self.system.write(MODULES["os_brick"], self.BACKPORT)
        result = self.do(1, "rollback")
        self.assertIn(self.system.file(MODULES["os_brick"]), result.err)
        self.assertEqual(self.system.read(DRIVER), pristine)
        self.assertEqual(self.system.read(MODULES["os_brick"]), self.BACKPORT)
        for name in (CONNECTOR, INIT):
            self.assertIn("STORPOOL", self.system.read(name))

    def test_foreign_module_where_an_uninstall_took_ours_out(self):
        self.begin()
        self.do(0, "install", "cinder")
        self.do(0, "uninstall", "cinder")
        self.system.write(MODULES["cinder"], self.BACKPORT)
        self.unchanged(3, "is not ours")

    def test_left_in_json(self):
        self.begin()
        self.do(0, "install")
        self.system.write(MODULES["os_brick"], self.BACKPORT)
        left = self.left()
        self.assertEqual(set(left), {self.system.file(name) for name in
                                     (MODULES["os_brick"], CONNECTOR, INIT)})
        self.assertIn("is not ours", left[self.system.file(CONNECTOR)])


class Layouts(RevertCase):
    """faults.md, F6: the layout is the one that the journal names."""

    def test_edited_in_each_layout(self):
        for layout, version in (("file", "1.3.0"), ("list", "1.5.0"), ("package", "1.6.2")):
            with self.subTest(layout):
                host = self.system = self.host(name=layout)
                host.put("os_brick", "newton", version, layout=layout)
                host.age()
                pristine = {name: host.read(name) for name in (CONNECTOR, INIT)}
                self.do(0, "install", "os_brick")
                one = json.loads(read(host.path(WORK, "transactions/1/committed.json")).decode())
                self.assertTrue(one["components"][0]["layout"], one)
                host.write(CONNECTOR, host.read(CONNECTOR) + "# by the operator\n")
                self.do(0, "rollback")
                self.assertEqual(host.read(CONNECTOR), pristine[CONNECTOR] + "# by the operator\n")
                self.assertEqual(host.read(INIT), pristine[INIT])
                self.assertFalse(os.path.exists(host.file(MODULES["os_brick"])))

    def test_layout_that_no_manifest_has(self):
        """Of a newer or older version of the program: with an edited file it cannot be told."""
        self.begin("newton")
        self.do(0, "install", "os_brick")
        self.system.write(CONNECTOR, self.system.read(CONNECTOR) + "# by the operator\n")
        data = self.data_dir()
        path = os.path.join(data, "manifests", "newton.yaml")
        text = read(path).decode()
        layouts = [line for line in text.splitlines() if line.strip().startswith("- layout:")
                   or line.strip().startswith("- name: ")]
        self.assertTrue(layouts, "the manifest has no layouts")
        write(path, text.replace("package", "parcel"))
        before = self.tree()
        result = self.run_on(self.system, "-D", data, "rollback")
        self.assertIn(result.status, (1, 3), str(result))
        self.same(before, self.tree(), touched=True)


class Places(RevertCase):
    """Environments and directories."""

    def test_several_environments(self):
        """Each is judged by itself."""
        host = self.system = self.host()
        venvs = ["opt/%s/lib/python2.7/site-packages" % name for name in ("one", "two")]
        for site in venvs:
            host.put("os_brick", "pike", site=site)
        host.age()
        pristine = {site: snapshot(host.path(site)) for site in venvs}
        for site in venvs:
            self.do(0, "-L", "/" + site, "install", "os_brick")
        write(host.path(venvs[0], MODULES["os_brick"]), "# of somebody else\n")
        self.do(1, "rollback", "1")
        self.same(pristine[venvs[1]], snapshot(host.path(venvs[1])))
        self.assertIn(b"STORPOOL", read(host.path(venvs[0], CONNECTOR)))

    def install_and_move(self):
        """The environment is moved and a link is in its place; how its packages were before."""
        site = "opt/venv/lib/python2.7/site-packages"
        host = self.system = self.host(site=site)
        host.put("os_brick", "pike")
        host.age()
        pristine = snapshot(host.path(site))
        self.do(0, "-L", "/" + site, "install", "os_brick")
        os.makedirs(host.path("data"))
        os.rename(host.path("opt/venv"), host.path("data/venv"))
        os.symlink("/data/venv", host.path("opt/venv"))
        return pristine

    def test_directory_that_became_a_link(self):
        """faults.md, R8: a full disk, and /opt/venv is moved to another one."""
        pristine = self.install_and_move()
        self.do(0, "rollback", "-n")
        self.do(0, "rollback")
        self.same(pristine, snapshot(self.system.path("data/venv/lib/python2.7/site-packages")),
                  fields=["content", "mode"])

    def test_one_file_by_two_names(self):
        """A transaction before the move and one after it: the same file, back through both."""
        pristine = self.install_and_move()
        self.do(0, "-L", "/data/venv/lib/python2.7/site-packages", "uninstall", "os_brick")
        self.do(0, "-L", "/data/venv/lib/python2.7/site-packages", "install", "os_brick")
        self.do(0, "rollback", "1")
        self.same(pristine, snapshot(self.system.path("data/venv/lib/python2.7/site-packages")),
                  fields=["content", "mode"])

    def test_directories_spelled_oddly(self):
        """faults.md, F1: what is recorded can be read back, however the directory is spelled."""
        site = "opt/venv/lib/python2.7/site-packages"
        for number, spelling in enumerate((
                "/opt/venv//lib/python2.7/site-packages", "/opt/./venv/lib/python2.7/site-packages",
                "/opt/x/../venv/lib/python2.7/site-packages",
                "//opt/venv/lib/python2.7/site-packages",
                "/opt/venv/lib/python2.7/site-packages/", "/opt/venv/lib/python2.7/site-packages/.",
                "/../opt/venv/lib/python2.7/site-packages")):
            with self.subTest(spelling):
                host = self.host(name="spelled%d" % number, site=site)
                os.makedirs(host.path("opt/x"))
                host.put("os_brick", "pike")
                host.age()
                self.system = host
                pristine = snapshot(host.path(site))
                result = self.run_on(host, "-L", spelling, "install", "os_brick")
                self.assertIn(result.status, (0, 2, 3), str(result))
                if result.status == 0:
                    for at in (spelling, "/" + site):
                        self.do(0, "-L", at, "check", "os_brick")
                    self.do(0, "-L", "/" + site, "uninstall")
                    self.same(pristine, snapshot(host.path(site)))
                self.do(0, "recover")

    def test_egg_of_easy_install(self):
        """./NAME.egg in easy-install.pth"""
        host = self.system = self.host()
        host.put("os_brick", "pike", site=host.site + "/os_brick-1.15.9-py2.7.egg")
        host.write("easy-install.pth", "./os_brick-1.15.9-py2.7.egg\n")
        host.age()
        pristine = self.tree()
        self.do(0, "install", "os_brick")
        self.do(0, "check", "os_brick")
        self.do(0, "rollback")
        self.same(pristine, self.tree())
        self.do(0, "install", "os_brick")
        self.do(0, "uninstall")
        self.same(pristine, self.tree())

    def test_package_that_is_a_link(self):
        """The files are elsewhere; an edit is reverted there by the manifest."""
        host = self.system = self.host()
        host.put("os_brick", "pike")
        os.makedirs(host.path("srv"))
        os.rename(host.file("os_brick"), host.path("srv/checkout"))
        os.symlink("/srv/checkout", host.file("os_brick"))
        host.age()
        text = read(host.path("srv/checkout/initiator/connector.py"))
        self.do(0, "install", "os_brick")
        path = host.path("srv/checkout/initiator/connector.py")
        write(path, read(path) + b"# by the operator\n")
        self.do(0, "rollback")
        self.assertEqual(read(path), text + b"# by the operator\n")


class Many(RevertCase):
    """faults.md, R11: memory and the work directory are bounded over the number of transactions."""

    def numbers(self):
        return sorted(int(name) for name in os.listdir(self.system.path(WORK, "transactions")))

    def test_failing_install_in_a_loop(self):
        """A disk without an inode that is free, and a configuration management that tries again
        and again."""
        self.needs_root()
        self.begin("newton")
        pristine = self.tree()
        package = os.path.dirname(os.path.dirname(self.system.file(CONNECTOR)))
        # the package on a file system of as many inodes as it has: no new file can be made there
        script = "n=$(find \"$0\" | wc -l) && aside=$(mktemp -d) && cp -a \"$0/.\" $aside && " \
                 "mount -t tmpfs -o nr_inodes=$n,mode=755 none \"$0\" && " \
                 "cp -a $aside/. \"$0\" && rm -r $aside && exec \"$@\""
        command = ["unshare", "-m", "sh", "-c", script, package]
        if not shutil.which("unshare") or subprocess.run(
                command + ["true"], stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("no mounts of one's own here")
        for _ in range(26):
            done = subprocess.run(command + [lib.PROGRAM, "-R", self.system.top, "--no-groups",
                                             "install"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=lib.environment(), cwd="/", timeout=lib.TIMEOUT, check=False)
            self.assertEqual(done.returncode, 4, done.stderr)
        self.assertEqual(self.numbers(), list(range(26 - 20, 27)))
        self.same(pristine, self.tree())

    def test_install_and_rollback_in_a_loop(self):
        self.begin("newton")
        pristine = self.tree()
        for _ in range(26):
            self.do(0, "install", "cinder")
            self.do(0, "rollback")
        self.assertLessEqual(len(self.numbers()), 24)
        self.assertEqual(self.numbers()[-1], 52)
        self.same(pristine, self.tree())

    def test_install_and_uninstall_in_a_loop(self):
        self.begin("newton")
        os.chmod(self.system.file(DRIVER), 0o640)
        pristine = self.tree()
        for _ in range(30):
            self.do(0, "install", "nova")
            self.do(0, "uninstall")
        self.do(0, "install", "nova")
        self.assertLessEqual(len(self.numbers()), 24)
        self.assertEqual(self.numbers()[-1], 61)
        self.do(0, "rollback", str(self.numbers()[-2]))
        self.do(0, "rollback")
        self.do(0, "uninstall")
        self.same(pristine, self.tree())

    def test_what_is_integrated_is_kept(self):
        """Owner, mode and times of before are in the first of many transactions."""
        self.begin("newton")
        os.chmod(self.system.file(DRIVER), 0o640)
        pristine = self.tree()
        self.do(0, "install", "nova")
        for _ in range(15):
            self.do(0, "install", "cinder")
            self.do(0, "uninstall", "cinder")
        self.do(0, "install", "cinder")
        self.assertIn(1, self.numbers())
        self.assertNotIn(2, self.numbers())
        self.do(0, "uninstall")
        self.same(pristine, self.tree())
