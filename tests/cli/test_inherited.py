# SPDX-License-Identifier: Apache-2.0
"""umask, environment, descriptors and limits of whoever starts the program do not matter."""

import os
import resource
import shutil
import signal
import stat
import subprocess

import lib
import packages
from lib import Case, is_wrapped, read
from snapshot import snapshot

DRIVER = "nova/virt/libvirt/driver.py"
WORK = "var/lib/sp-openstack"


class Inherited(Case):
    """umask, environment, descriptors and limits of whoever starts the program."""

    def installed(self, **more):
        """Runs install in a way of its own; the host is the same as after a plain one."""
        plain = self.host("newton", name="plain")
        self.good(plain, "install")
        host = self.host("newton", name="other")
        arguments = more.pop("arguments", ["--root", host.top, "--no-groups", "install"])
        for name in ("stdin", "stdout", "stderr"):
            more.setdefault(name, subprocess.DEVNULL)
        done = subprocess.run([lib.PROGRAM] + [one.replace("@", host.top) for one in arguments],
                              timeout=lib.TIMEOUT, check=False, cwd=more.pop("cwd", "/"),
                              env=dict(lib.environment(), **more.pop("env", {})), **more)
        self.assertEqual(done.returncode, 0, done)
        one, other = snapshot(plain.path("usr")), snapshot(host.path("usr"))
        self.assertEqual(set(one), set(other))
        for name in one:                # modes, owners and contents; not the times
            self.assertEqual(one[name].state._replace(time=None),
                             other[name].state._replace(time=None), name)
        self.check_modes(host)
        shutil.rmtree(plain.top)
        shutil.rmtree(host.top)

    def check_modes(self, host):
        """Of the work directory and the drivers."""
        self.assert_private(host.path(WORK))
        self.assertTrue(os.path.isfile(host.path(WORK, "transactions/1/backup.tar")))
        for name in packages.ADDED.values():
            info = os.lstat(host.file(name))
            self.assertEqual(stat.S_IMODE(info.st_mode), 0o644, name)

    def test_umask(self):
        for mask in (0, 0o077, 0o777, 0o027):
            self.installed(preexec_fn=lambda mask=mask: os.umask(mask))

    def test_environment(self):
        if is_wrapped():
            self.skipTest("what it runs under heeds TMPDIR and others")
        hostile = {"POSIXLY_CORRECT": "1", "TMPDIR": "/none", "HOME": "/dev/null",
                   "TZ": ":/etc/passwd", "LC_ALL": "tr_TR.UTF-8", "LANG": "../../etc",
                   "LANGUAGE": "x", "GIT_DIR": "/none", "GIT_CONFIG": "/dev/zero",
                   "GIT_OBJECT_DIRECTORY": "/none", "IFS": "/",
                   "PYTHONPATH": "/none:" + self.tmp, "PYTHONHOME": "/none", "TERM": "\033[2J",
                   "PATH": "/none", "BASH_ENV": "/none", "ENV": "/none", "COLUMNS": "-1",
                   "XDG_CONFIG_HOME": "/none", "LD_BIND_NOW": "1", "NLSPATH": "/none",
                   "SP_FAULT": "1:exit", "SP_FAULT_LOG": self.tmp + "/log"}
        self.installed(env=hostile)
        self.assertFalse(os.path.exists(self.tmp + "/log"))
        for name, value in hostile.items():
            if name in ("POSIXLY_CORRECT", "LC_ALL", "PYTHONPATH"):
                self.installed(env={name: value})

    def test_options_after_the_command(self):
        """Also where POSIXLY_CORRECT ends the options at the first word that is none."""
        self.installed(env={"POSIXLY_CORRECT": ""},
                       arguments=["install", "--root", "@", "--no-groups"])

    def test_closed_descriptors(self):
        """Messages never get into a file that was opened in place of a closed descriptor."""
        for number in range(1, 8):
            closed = [fd for fd in range(3) if number & 1 << fd]

            def close(closed=closed):
                for fd in closed:
                    os.close(fd)
            self.installed(preexec_fn=close)

    def test_closed_descriptors_of_a_command_that_fails(self):
        host = self.host("newton")
        os.unlink(host.file(DRIVER))
        before = snapshot(host.top)

        def close():
            for fd in range(3):
                os.close(fd)
        done = subprocess.run([lib.PROGRAM, "--root", host.top, "install"], env=lib.environment(),
                              timeout=lib.TIMEOUT, check=False, preexec_fn=close)
        self.assertEqual(done.returncode, 3)
        self.same(before, snapshot(host.top), touched=True)

    def test_many_descriptors(self):
        read_end, write_end = os.pipe()
        held = [os.dup(write_end) for _ in range(200)]
        try:
            self.installed(pass_fds=held)
        finally:
            for fd in held + [read_end, write_end]:
                os.close(fd)

    def test_a_program_that_is_run_gets_three(self):
        """However high the number of what is inherited is."""
        host = self.host("newton")
        asked = os.path.join(self.tmp, "python")
        lib.write(asked, "#!/bin/sh\nls -l /proc/$$/fd >'%s/list'\necho '%s'\n" % (
            self.tmp, host.path(host.site)), 0o755)
        read_end, write_end = os.pipe()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        high = min(limits[1], 4096) - 1
        resource.setrlimit(resource.RLIMIT_NOFILE, (high + 1, limits[1]))
        try:
            os.dup2(write_end, high)
            subprocess.run([lib.PROGRAM, "--python", asked, "detect"], env=lib.environment(),
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=lib.TIMEOUT, check=False,
                           pass_fds=[high, write_end])
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            for fd in (read_end, write_end, high):
                os.close(fd)
        listed = read(os.path.join(self.tmp, "list")).decode()
        pipes = [line for line in listed.splitlines() if "pipe:" in line]
        self.assertEqual(len(pipes), 2, listed)     # its output and its errors
        self.assertNotIn(" %d -> " % high, listed)

    def test_current_directory_that_is_gone(self):
        gone = os.path.join(self.tmp, "gone")
        os.mkdir(gone)
        self.installed(preexec_fn=lambda: (os.chdir(gone), os.rmdir(gone)))

    def test_signals_that_are_blocked(self):
        """A blocked or ignored signal changes nothing."""
        def block():
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD):
                signal.signal(number, signal.SIG_IGN)
        self.installed(preexec_fn=block)

    def limited(self, kind, value):
        """install below a limit: done, or refused with everything as it was."""
        host = self.host("newton", name="limited")
        before = snapshot(host.path("usr"))
        done = subprocess.run([lib.PROGRAM, "--root", host.top, "--no-groups", "install"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, env=lib.environment(), timeout=lib.TIMEOUT,
                              check=False, preexec_fn=lambda: resource.setrlimit(kind,
                                                                                 (value, value)))
        if done.returncode == 5:        # undoing it wants descriptors, too
            self.assertIn(b"recover", done.stderr)
            self.good(host, "recover")
        else:
            self.assertIn(done.returncode, (0, 3, 4), done.stderr)
        if done.returncode:
            self.same(before, snapshot(host.path("usr")))
        self.good(host, "install")
        self.expect(0, self.run_on(host, "check"))
        shutil.rmtree(host.top)
        return done.returncode

    def test_limit_of_file_sizes(self):
        """The signal that the kernel sends does not end the program halfway."""
        if is_wrapped():
            self.skipTest("what it runs under writes a log of its own")
        found = set()
        for value in (0, 1, 700, 1500, 4000, 9000, 30000, 1 << 30):
            found.add(self.limited(resource.RLIMIT_FSIZE, value))
        self.assertEqual(found, {0, 4})

    def test_limit_of_descriptors(self):
        if is_wrapped():
            self.skipTest("what it runs under needs descriptors of its own")
        found = [self.limited(resource.RLIMIT_NOFILE, value) for value in range(4, 40, 3)]
        self.assertIn(0, found)
        self.assertIn(4, found)

    def test_limit_of_memory(self):
        """Wherever it ends: the exit status says whether there is something to recover."""
        if is_wrapped() or b"__asan_init" in read(lib.PROGRAM):
            self.skipTest("an instrumented program needs memory of its own")
        base = self.host("newton", name="base")
        before = snapshot(base.path("usr"))

        def run(size, top, *arguments):
            return subprocess.run([lib.PROGRAM, "--root", top] + list(arguments),
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, env=lib.environment(), check=False,
                                  timeout=lib.TIMEOUT, preexec_fn=lambda: resource.setrlimit(
                                      resource.RLIMIT_AS, (size, size))).returncode

        low, high = 1 << 20, 1 << 30    # where the program can't be loaded, and where it can
        while high - low > 1 << 14:
            middle = (low + high) // 2
            low, high = (low, middle) if run(middle, base.top, "version") == 0 else (middle, high)
        found = {}
        for size in range(high, high + (8 << 20), 96 << 10):
            shutil.rmtree(self.tmp + "/host", ignore_errors=True)
            subprocess.run(["cp", "-a", base.top, self.tmp + "/host"], check=True)
            status = run(size, self.tmp + "/host", "--no-groups", "install")
            found[status] = found.get(status, 0) + 1
            self.assertIn(status, (0, 4, 5))
            host = lib.Host.__new__(lib.Host)
            host.top, host.site = self.tmp + "/host", base.site
            if status == 4:
                self.same(before, snapshot(host.path("usr")))
            elif status == 5:
                self.good(host, "recover")
            self.assertIn(set(self.states(host).values()), ({"installed"}, {"not-installed"}))
            if status == 0:
                self.assertEqual(self.run_on(host, "check").status, 0)
        self.assertIn(0, found)
        self.assertIn(4, found)

    def test_reader_that_went_away(self):
        """As in `install | head -0`: all of it is done, or nothing."""
        host = self.host("newton")
        before = snapshot(host.path("usr"))
        read_end, write_end = os.pipe()
        os.close(read_end)
        done = subprocess.run([lib.PROGRAM, "--root", host.top, "--no-groups", "install"],
                              stdin=subprocess.DEVNULL, stdout=write_end, stderr=subprocess.PIPE,
                              env=lib.environment(), timeout=lib.TIMEOUT, check=False)
        os.close(write_end)
        self.assertIn(done.returncode, (0, 4, -signal.SIGPIPE), done)
        states = set(self.states(host).values())
        self.assertEqual(len(states), 1)
        if states == {"not-installed"}:
            self.same(before, snapshot(host.path("usr")))
        self.good(host, "recover")


class Bare(Case):
    """faults.md, R12: a chroot without /dev and /proc. No convenience is needed there."""

    SCRIPT = "mount -t tmpfs none /dev && mount -t tmpfs none /proc && exec \"$@\""

    def bare(self, *arguments, closed=(), status=0):
        """Runs the program in a mount namespace of its own where both are empty."""
        redirect = "exec \"$@\" " + " ".join("%d>&-" % number for number in closed)
        done = subprocess.run(["unshare", "-m", "sh", "-c", self.SCRIPT, "sh", "sh", "-c", redirect,
                               "sh", lib.PROGRAM] + list(arguments), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=lib.environment(), cwd="/", timeout=lib.TIMEOUT, check=False)
        self.assertEqual(done.returncode, status, done)
        return done

    def setUp(self):
        super().setUp()
        self.needs_root()
        if lib.PROGRAM.startswith(("/dev/", "/proc/")):
            self.skipTest("the program is in a directory that would be empty")
        if is_wrapped() or not shutil.which("unshare") or subprocess.run(
                ["unshare", "-m", "sh", "-c", self.SCRIPT, "sh", "true"],
                stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("no mounts of one's own here")

    def test_cycle(self):
        """The data directory of the program, too, is found without /proc."""
        host = self.host("newton")
        before = snapshot(host.path("usr"))
        self.assertEqual(self.bare("--root", host.top, "--no-groups", "install").stderr, "")
        self.assertEqual(self.bare("--root", host.top, "check").stderr, "")
        self.bare("--root", host.top, "rollback")
        self.same(before, snapshot(host.path("usr")))

    def test_closed_descriptors(self):
        """What cannot be printed is an error, said where that is possible; all else is done."""
        host = self.host("newton")
        for closed, status in (((0,), 0), ((2,), 0), ((0, 2), 0), ((1,), 4), ((0, 1), 4)):
            done = self.bare("--root", host.top, "--no-groups", "install", closed=closed,
                             status=status)
            self.assertEqual("everything else is done" in done.stderr, status == 4, done)
            self.assertEqual(set(self.states(host).values()), {"installed"})
            self.good(host, "uninstall")
        self.bare("--root", host.top, "--no-groups", "install", closed=(0, 1, 2), status=4)
        self.assertEqual(set(self.states(host).values()), {"installed"})

    def test_programs_that_are_run(self):
        host = self.host("newton")
        asked = os.path.join(self.tmp, "python")
        lib.write(asked, "#!/bin/sh\nread x; echo '%s'\n" % host.path(host.site), 0o755)
        self.assertIn(host.site, self.bare("--python", asked, "detect").stdout)
