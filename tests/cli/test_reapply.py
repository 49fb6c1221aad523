# SPDX-License-Identifier: Apache-2.0
"""reapply: what package upgrades took away is integrated again, and nothing else."""

import fcntl
import os
import shlex
import shutil
import socket
import struct
import subprocess
import time

import lib
import packages
from lib import read, write
from snapshot import snapshot
from test_history import TransactionCase, WORK

DRIVER = packages.EDITED["nova"][0]
NEWTON = {"cinder": "9.1.%d", "nova": "14.1.%d", "os_brick": "1.6.%d"}


class ReapplyCase(TransactionCase):
    def upgrade(self, *components, release="newton", version=None, number=9, wiped=False):
        """As a package manager does it: its files are new, ours in other names stay.

        number: the last one of the version in Newton; wiped: the directory is another one."""
        for component in components or packages.COMPONENTS:
            for name in os.listdir(self.system.file("")):
                if name.startswith(component + "-") or (wiped and name == component):
                    shutil.rmtree(self.system.file(name))
            self.system.put(component, release, version or (
                NEWTON[component] % number if release == "newton" else None))
        lib.age(self.system.path("usr"), lib.OLD + 5000)

    def reapply(self, *arguments, status=0, **more):
        return self.expect(status, self.run_it(*arguments, "reapply", **more))

    def quiet(self, *arguments, **more):
        """It changes nothing at all, and says nothing."""
        before = snapshot(self.system.top)
        result = self.reapply("-q", *arguments, **more)
        self.assertEqual(result.out + result.err, "", str(result))
        self.same(before, snapshot(self.system.top), touched=True)

    def left_alone(self, *parts, status=3):
        """One warning with the parts, and no file of a package changes."""
        before = self.tree()
        result = self.reapply("-q", status=status)
        self.assertEqual(result.out, "", str(result))
        self.assertEqual(result.err.count("\n"), 1, str(result))
        for part in parts:
            self.assertIn(part, result.err)
        self.same(before, self.tree())
        return result


class Integrates(ReapplyCase):
    def test_all_in_one_transaction(self):
        self.done("install")
        self.upgrade()
        self.assertEqual(self.states(self.system)["nova"], "partial")
        result = self.reapply()
        self.assertIn("transaction 2: 3 files changed", result.out)
        self.assertIn("nova-compute", result.out)
        self.assertEqual(result.err, "")
        self.assertEqual(set(self.states(self.system).values()), {"installed"})
        self.assertEqual(self.history(), [(1, "install", "committed"),
                                          (2, "reapply", "committed")])
        self.quiet()

    def test_order(self):
        """os_brick before nova; and an uninstall takes all of it out again."""
        self.done("install", "nova")
        self.upgrade("nova", "os_brick")
        document = self.reapply("--json").json
        self.assertEqual(document["transaction"], 2)
        self.assertEqual(document["transactions"], [2])
        self.assertEqual(document["changed"], 3)
        self.assertEqual([one["component"] for one in document["components"]],
                         ["os_brick", "nova"])
        self.assertEqual(document["problems"], [])
        journal = read(self.committed(2)).decode()
        self.assertLess(journal.index(packages.EDITED["os_brick"][0]), journal.index(DRIVER))
        self.done("uninstall")
        self.upgrade()
        now = self.tree()
        self.quiet()
        self.same(now, self.tree())

    def test_named(self):
        self.done("install")
        self.upgrade()
        self.assertIn("os_brick", self.done("reapply", "os-brick").out)
        states = self.states(self.system)
        self.assertEqual((states["os_brick"], states["nova"]), ("installed", "partial"))
        self.expect(2, self.run_it("reapply", "glance"), "no component 'glance'")

    def test_same_version_unpacked_again(self):
        self.done("install")
        self.upgrade("nova", version=packages.VERSIONS["nova", "newton"])
        self.reapply()
        self.expect(0, self.run_it("check"))

    def test_package_directory_replaced_by_a_new_version(self):
        """Nothing of ours is left in it; the version is new, the release the same."""
        self.done("install")
        self.upgrade("cinder", "nova", wiped=True)
        self.assertEqual(self.states(self.system)["cinder"], "not-installed")
        self.reapply()
        self.expect(0, self.run_it("check"))

    def test_upgrade_to_the_next_release(self):
        """One after the other, too: releases that differ are no reason to refuse."""
        self.done("install")
        self.upgrade("os_brick", release="ocata")
        self.reapply()
        self.expect(0, self.run_it("check", "--allow-mixed"))
        self.upgrade("nova", "cinder", release="ocata")
        self.reapply()
        self.expect(0, self.run_it("check"))

    def test_downgrade(self):
        self.done("install")
        self.upgrade("nova", version="14.0.1")
        self.reapply()
        self.expect(0, self.run_it("check"))

    def test_newer_driver_of_ours(self):
        data = self.data_dir()
        path = os.path.join(data, "drivers/nova/storpool.py")
        write(path, read(path) + b"# an older version\n")
        self.done("-D", data, "install")
        self.assertEqual(self.states(self.system)["nova"], "outdated")
        self.assertIn("1 file changed", self.reapply().out)
        self.expect(0, self.run_it("check"))

    def test_dry_run(self):
        self.done("install")
        self.upgrade()
        before = snapshot(self.system.top)
        result = self.reapply("-n")
        self.assertIn("3 files would be changed", result.out)
        self.same(before, snapshot(self.system.top), touched=True)
        self.assertEqual(self.reapply("-n", "--json").json["transaction"], None)

    def test_no_groups(self):
        """Neither the group nor the spool directory: it is no first install."""
        self.done("install")
        self.upgrade()
        self.reapply()
        self.assertFalse(os.path.exists(self.system.path("var/spool/openstack-storpool")))

    def test_environments(self):
        """One transaction for each that was upgraded."""
        sites = {"cinder": "openstack/venvs/cinder-14/lib/python2.7/site-packages",
                 "nova": "openstack/venvs/nova-14/lib/python2.7/site-packages"}
        host = self.host(name="venvs")
        for component, site in sites.items():
            for name in (component, "os_brick"):
                host.put(name, "newton", site=site)
        self.good(host, "install")
        self.good(host, "reapply", "-q")
        for component, site in sites.items():
            for name in (component, "os_brick"):
                host.put(name, "newton", site=site)
        document = self.good(host, "--json", "reapply").json
        self.assertEqual(document["transactions"], [2, 3])
        self.assertEqual(len(document["components"]), 4)
        self.expect(0, self.run_on(host, "check"))

    def test_directory_that_only_the_install_named(self):
        site = "opt/own/site"
        host = self.host(name="own")
        for name in ("os_brick", "nova"):
            host.put(name, "newton", site=site)
        self.good(host, "-L", "/" + site, "install", "nova")
        for name in ("os_brick", "nova"):
            host.put(name, "newton", site=site)
        self.assertIn("3 files changed", self.good(host, "reapply").out)
        self.expect(0, self.run_on(host, "-L", "/" + site, "check"))

    def test_what_else_can_be_integrated_is(self):
        """A component in conflict is left alone; its status is that of the command."""
        self.done("install")
        self.upgrade()
        write(self.system.file(DRIVER), "# nothing to hold on to\n")
        result = self.reapply(status=3)
        self.assertIn("nova", result.err)
        self.assertEqual(self.states(self.system)["os_brick"], "installed")


class Never(ReapplyCase):
    def test_no_history(self):
        """Not even the manifests are read."""
        self.quiet("-D", self.tmp + "/none")
        os.mkdir(self.system.path(WORK), 0o700)  # as the package brings it
        self.quiet("-D", self.tmp + "/none")
        self.assertIn("nothing is recorded", self.reapply().out)

    def test_first_install(self):
        self.done("install", "cinder")
        self.upgrade("nova")
        self.quiet()
        self.assertEqual(self.states(self.system)["nova"], "not-installed")

    def test_after_uninstall(self):
        self.done("install")
        self.done("uninstall")
        self.upgrade()
        self.quiet()

    def test_after_uninstall_of_what_an_upgrade_took_away(self):
        """Nothing was left to remove, and that it was to be removed is recorded."""
        self.done("install", "cinder")
        self.upgrade("cinder", "os_brick", wiped=True)
        result = self.done("-n", "uninstall")
        self.assertIn("would be recorded as removed: ", result.out)
        self.assertEqual(len(self.history()), 1)
        self.assertIn("recorded as removed", self.done("uninstall").out)
        self.assertIn("not integrated", self.done("uninstall").out)
        self.assertEqual(self.history(), [(1, "install", "committed"),
                                          (2, "uninstall", "committed")])
        self.upgrade(number=11)
        self.quiet()
        self.done("rollback")
        self.upgrade("cinder")
        self.assertIn("transaction 4", self.reapply().out)

    def test_after_rollback(self):
        self.done("install")
        self.done("rollback")
        self.upgrade()
        self.quiet()

    def test_after_rollback_of_its_own_work(self):
        """Who undoes it does not want it; the next install is followed again."""
        self.done("install")
        self.upgrade()
        self.reapply()
        self.done("rollback")
        self.quiet()
        self.upgrade("nova", number=11)
        self.quiet()
        self.done("install")
        self.upgrade("nova")
        self.reapply()
        self.expect(0, self.run_it("check"))

    def test_rollback_of_an_uninstall(self):
        self.done("install")
        self.done("uninstall")
        self.done("rollback")
        self.upgrade()
        self.assertIn("transaction 4", self.reapply().out)

    def test_other_hands_took_it_out(self):
        """The same version, and nothing of ours: no upgrade did that."""
        self.done("install")
        self.upgrade("nova", version=packages.VERSIONS["nova", "newton"], wiped=True)
        self.left_alone("nova 14.1.0 (newton)", "no upgrade", "install nova")

    def test_one_of_two_environments(self):
        """The command that is printed works on the copy that it is about."""
        sites = ["openstack/venvs/%s-14/lib/python2.7/site-packages" % name
                 for name in ("cinder", "nova")]
        host = self.host(name="venvs")
        for site in sites:
            for name in ("os_brick", "nova"):
                host.put(name, "newton", site=site)
            self.good(host, "install", "--path", "/" + site, "nova")
        shutil.rmtree(os.path.join(host.path(sites[1]), "nova"))
        host.put("nova", "newton", site=sites[1])
        result = self.expect(3, self.run_on(host, "reapply", "-q"), "no upgrade")
        words = shlex.split(result.err.rpartition("run: sp-openstack ")[2])
        self.assertEqual(words[-4:], ["install", "--path", "/" + sites[1], "nova"])
        self.expect(0, lib.run_program(["--no-groups"] + words), "2 files changed")
        for site in sites:
            self.expect(0, self.run_on(host, "check", "--path", "/" + site))

    def test_next_release_in_a_new_directory(self):
        """Nothing of ours is in it: the first install of a release is the operator's."""
        self.done("install")
        self.upgrade("nova", release="ocata", wiped=True)
        self.left_alone("nova 15.1.5 (ocata)", "install nova")

    def test_record_that_may_be_out_of_date(self):
        """A later transaction cannot be read: it could be an uninstall."""
        self.done("install")
        self.done("uninstall")
        write(self.committed(2), "{")
        self.upgrade()
        result = self.reapply("-q", status=3)
        self.assertIn("cannot be read", result.err)
        self.assertEqual(set(self.states(self.system).values()), {"not-installed"})

    def test_later_release_includes_it(self):
        self.done("install", "os_brick")
        self.done("install", "nova")
        self.upgrade("nova", release="pike", version="17.0.13")
        result = self.left_alone("nova 17.0.13", "left alone", "uninstall nova")
        self.assertIn("left alone", result.err)
        self.done("uninstall", "nova")
        self.quiet()

    def test_unsupported(self):
        self.done("install", "cinder")
        self.upgrade("cinder", version="7.0.3")
        self.left_alone("cinder 7.0.3", "left alone")

    def test_edited_driver(self):
        """It works, and only install replaces it."""
        self.done("install")
        path = self.system.file(packages.ADDED["nova"])
        write(path, read(path) + b"# by the administrator\n")
        self.quiet()
        self.assertIn("was edited", self.reapply().out)
        self.upgrade("nova")
        result = self.reapply()
        self.assertIn("was edited", result.err)
        self.expect(0, self.run_it("check"))

    def test_removed_package(self):
        self.done("install")
        shutil.rmtree(self.system.file("nova"))
        self.quiet()
        shutil.rmtree(self.system.path("usr"))
        self.quiet()

    def test_shadowed_copy(self):
        local = "usr/local/lib/python2.7/dist-packages"
        self.done("install", "nova")
        self.upgrade("nova")
        self.system.put("nova", "newton", site=local)
        before = self.tree()
        self.assertIn("imports", self.reapply().out)
        self.same(before, self.tree())

    def test_another_system(self):
        write(self.system.path("etc/machine-id"), "a" * 32 + "\n")
        self.done("install")
        write(self.system.path("etc/machine-id"), "b" * 32 + "\n")
        self.upgrade()
        self.quiet()

    def test_switched_off(self):
        self.done("install")
        self.upgrade()
        write(self.system.path("etc/sp-openstack/no-reapply"), "")
        self.quiet()
        self.assertIn("switched off: '%s" % self.system.top, self.reapply().out)

    def test_dry_run_while_switched_off(self):
        """Tells all the same whether anything is integrated, as the packages' scripts need it."""
        write(self.system.path("etc/sp-openstack/no-reapply"), "")
        self.assertIn("nothing is recorded as integrated", self.reapply("-n").out)
        self.done("install")
        self.upgrade()
        out = self.reapply("-n").out
        self.assertIn("switched off", out)
        self.assertNotIn("would be changed", out)
        self.done("uninstall")
        self.assertIn("nothing is recorded as integrated", self.reapply("-n").out)


class Interrupted(ReapplyCase):
    def test_recovers_first(self):
        """What dpkg --configure -a has to do after a loss of power."""
        self.done("install")
        self.upgrade()
        self.reapply()
        self.set_state(b"applying", 2)
        result = self.reapply("-q")
        self.assertIn("transaction 2", result.err)
        self.assertEqual(self.history()[-1][1:], ("reapply", "committed"))
        self.expect(0, self.run_it("check"))

    def test_first_install_that_was_interrupted(self):
        """It is undone, and was never integrated."""
        self.done("install")
        self.set_state(b"applying")
        self.reapply("-q")
        self.same(self.pristine, self.tree())
        self.quiet()

    def test_what_cannot_be_recovered(self):
        """It is in the way of its own packages only."""
        self.done("install")
        self.upgrade("cinder", "os_brick", wiped=True)
        self.done("reapply", "cinder")
        self.set_state(b"applying", 2)
        write(self.system.file(packages.ADDED["cinder"]), "# by other hands\n")
        result = self.reapply("-q", status=5)
        self.assertIn("transaction 2", result.err)
        self.assertEqual(result.err.count("sp-openstack: "), 1, result.err)
        self.assertEqual(self.states(self.system)["os_brick"], "installed")
        self.assertEqual(read(self.system.file(packages.ADDED["cinder"])), b"# by other hands\n")

    def test_dry_run(self):
        self.done("install")
        self.upgrade()
        self.reapply()
        self.set_state(b"applying", 2)
        before = snapshot(self.system.top)
        self.reapply("-n", status=5)
        self.same(before, snapshot(self.system.top), touched=True)


class Locked(ReapplyCase):
    def hold(self, path):
        """A process that holds the lock until its pipe is closed."""
        out, into = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(into)
            with open(path, "r+b") as file:
                fcntl.fcntl(file, fcntl.F_SETLK,
                            struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0) + bytes(4))
                os.read(out, 1)
            os._exit(0)
        os.close(out)
        time.sleep(0.3)

        def release():
            os.close(into)
            os.waitpid(pid, 0)
        return release

    def test_waits(self):
        for path in (self.system.path(WORK, "lock"), self.system.file("nova/__init__.py")):
            with self.subTest(path):
                self.done("install")
                self.upgrade(number=10 + len(self.history()))
                release = self.hold(path)
                process = subprocess.Popen([lib.PROGRAM, "-R", self.system.top, "reapply"],
                                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                           stderr=subprocess.STDOUT, text=True,
                                           env=lib.environment())
                time.sleep(1)
                self.assertIsNone(process.poll())
                release()
                out, _ = process.communicate(timeout=lib.TIMEOUT)
                self.assertEqual(process.returncode, 0, out)
                self.assertIn("waiting", out)
                self.expect(0, self.run_it("check"))

    def test_gives_up(self):
        """After half a minute; the packages are as they were."""
        self.done("install")
        self.upgrade()
        before, release = self.tree(), self.hold(self.system.path(WORK, "lock"))
        started = time.monotonic()
        result = self.reapply("-q", status=4)
        self.assertIn("at work", result.err)
        self.assertGreater(time.monotonic() - started, 29)
        release()
        self.same(before, self.tree())


class Explained(ReapplyCase):
    """check -v says why rpm -V and dpkg -V name a file."""

    def test_files(self):
        self.done("install")
        text = self.done("check", "-v").out
        lines = {line.split("dist-packages/")[1].split(" ")[0]: line.split(" (")[1]
                 for line in text.splitlines() if " (as integrated" in line}
        self.assertEqual(lines[DRIVER],
                         "as integrated by transaction 1; differs from the package)")
        self.assertEqual(lines[packages.ADDED["nova"]],
                         "as integrated by transaction 1; no package has it)")
        self.assertNotIn("as integrated", self.done("check").out)
        self.upgrade("nova")
        self.assertNotIn(DRIVER + " (as", self.run_it("check", "-v").out)
        self.reapply()
        self.assertIn(DRIVER + " (as integrated by transaction 2;", self.done("check", "-v").out)
        write(self.system.file(DRIVER), self.system.read(DRIVER) + "# edited\n")
        self.assertNotIn(DRIVER + " (as", self.done("check", "-v").out)


class Logged(ReapplyCase):
    """One line for the log of the host; not for that of another root."""

    def setUp(self):
        super().setUp()
        self.needs_root()
        self.log = os.path.join(self.tmp, "log")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(self.log)
        self.socket.settimeout(0.2)
        probe = subprocess.run(["unshare", "-m", "true"], stderr=subprocess.PIPE, check=False)
        if probe.returncode:
            self.skipTest("no mount namespaces: %s" % probe.stderr.decode().strip())

    def lines(self):
        lines = []
        try:
            while True:
                lines.append(self.socket.recv(65536).decode())
        except socket.timeout:
            return lines

    def logged(self, *arguments, status=0):
        """What reaches a /dev of its own, on which there is nothing but the socket and, where the
        tests may be, the memory."""
        site = self.system.file("")
        script = 'mount --rbind /dev /mnt && mount -t tmpfs none /dev && mkdir /dev/shm &&' \
            ' { [ ! -d /mnt/shm ] || mount --bind /mnt/shm /dev/shm; } &&' \
            ' : >/dev/log && mount --bind "$0" /dev/log && exec "$@"'
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, self.log, lib.PROGRAM,
                               "-W", self.system.path(WORK)] + list(arguments),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False,
                              env=lib.environment({"PYTHONPATH": site}), timeout=lib.TIMEOUT)
        self.assertEqual(done.returncode, status, done.stderr)
        return self.lines()

    def test_done_and_not_done(self):
        self.assertEqual(self.logged("install", "-L", self.system.file(""), "--no-groups"), [])
        self.assertEqual(self.logged("reapply"), [])
        self.upgrade("nova")
        self.assertEqual(self.logged("reapply", "-n"), [])
        line, = self.logged("reapply", "-q")
        self.assertTrue(line.startswith("<29>"), line)     # daemon, notice
        self.assertIn("reapply: transaction 2 integrated nova 14.1.9 (newton) (1 file)", line)
        self.upgrade("nova", version="99")
        line, = self.logged("reapply", "-q", status=3)
        self.assertTrue(line.startswith("<28>"), line)     # daemon, warning
        self.assertIn("not done: nova 99", line)
        self.assertEqual(self.logged("-R", "/", "reapply", "-q", status=3), [])
