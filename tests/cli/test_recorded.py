# SPDX-License-Identifier: Apache-2.0
"""What the program does, as strace(1) sees it: commands that only look write nothing, and whatever
a root holds, no file outside of it is opened."""

import os
import re
import shutil
import subprocess
import tarfile

import lib
from lib import Case, is_wrapped, read, write
from snapshot import snapshot

SECRET = "PASSWORD = 'of somebody else'\n"
WRITING = "rename|renameat|renameat2|unlink|unlinkat|rmdir|mkdir|mkdirat|chmod|fchmod|fchmodat|" \
    "chown|fchown|lchown|fchownat|truncate|ftruncate|link|linkat|symlink|symlinkat|mknod|mknodat|" \
    "utime|utimes|utimensat|futimesat|setxattr|lsetxattr|fsetxattr|removexattr|lremovexattr|" \
    "fremovexattr|mount|umount2|chroot|fallocate|pwrite64|pwritev|pwritev2|sendfile|splice|" \
    "copy_file_range|fchmodat2|setxattrat|removexattrat|io_uring_setup"


class Recorded(Case):
    def setUp(self):
        super().setUp()
        if not shutil.which("strace"):
            self.skipTest("strace is not here")
        log = os.path.join(self.tmp, "try")
        tried = subprocess.run(["strace", "-f", "-o", log, lib.PROGRAM, "version"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        if tried.returncode:
            self.skipTest("strace can't be used here")
        if is_wrapped():
            self.skipTest("the calls of what it runs under would be recorded")
        if any(mark in read(lib.PROGRAM) for mark in (b"__gcov_", b"__asan_init")):
            self.skipTest("an instrumented program makes calls of its own")

    def record(self, arguments, prefix=(), user=None):
        """The lines of system calls that the program makes."""
        log = os.path.join(self.tmp, "log")
        open(log, "wb").close()
        os.chmod(log, 0o666)
        done = subprocess.run(["strace", "-f", "-y", "-s", "4096", "-o", log] + list(prefix)
                              + [lib.PROGRAM] + list(arguments), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=lib.environment(), cwd="/", timeout=lib.TIMEOUT, check=False,
                              preexec_fn=lib.become(user) if user is not None else None)
        lines = read(log).decode("utf-8", "surrogateescape").splitlines()
        self.assertTrue(any("execve(" in line for line in lines), "nothing was recorded")
        return done, lines


class ReadOnly(Recorded):
    """Commands that only look write nothing."""

    def commands(self, host):
        yield from (["detect"], ["check", "-v"], ["diff"], ["history"], ["install", "-n"],
                    ["uninstall", "-n"], ["rollback", "-n"], ["groups", "-n"],
                    ["--json", "check"], ["--json", "history"])

    def check_calls(self, arguments, **more):
        done, lines = self.record(arguments, **more)
        self.assertIn(done.returncode, (0, 1), "%s: %s" % (arguments, done.stderr))
        started = False
        for line in lines:
            call = re.sub(r"^\d+ +", "", line)
            if call.startswith("execve("):
                started = True
                continue
            if not started or "resumed>" in call:
                continue
            name = call.split("(", 1)[0]
            self.assertNotRegex(name, "^(%s)$" % WRITING, line)
            if name in ("open", "openat", "creat", "openat2") and "/dev/null" not in call:
                self.assertNotRegex(call, "O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_TMPFILE|creat", line)
            if name in ("write", "writev"):
                self.assertRegex(call, r"^writev?\([12]<", line)
        return done

    def test_calls_on_a_host(self):
        host = self.host("newton")
        self.good(host, "install", "cinder")
        for arguments in self.commands(host):
            self.check_calls(["--root", host.top] + arguments)

    def test_calls_on_trees(self):
        host = self.host("newton")
        archive = os.path.join(self.tmp, "a.tar.gz")
        with tarfile.open(archive, "w:gz") as out:
            out.add(host.file("nova"), "nova")
        trees = [host.path(host.site), archive]
        if shutil.which("git"):
            repo = os.path.join(self.tmp, "repo")
            shutil.copytree(host.file("nova"), repo + "/nova")
            env = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org",
                   "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org",
                   "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ.get("PATH", ""),
                   "HOME": self.tmp}
            for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "a"]):
                subprocess.run(["git", "-C", repo] + arguments, env=env, check=True)
            trees.append(repo + "@HEAD")
        for tree in trees:
            for command in ("detect", "check --no-deps", "diff --no-deps",
                            "install -n --no-deps"):
                self.check_calls(command.split() + ["--tree", tree])

    def test_calls_of_an_ordinary_user(self):
        self.needs_root()
        host = self.host("newton")
        self.good(host, "install", "cinder")
        for arguments in (["detect"], ["check", "-v"], ["diff"], ["install", "-n"]):
            self.check_calls(["--root", host.top] + arguments, user=self.needs_user())

    def test_a_writing_command_is_noticed(self):
        """That the recorder sees what it is there for."""
        host = self.host("newton")
        _, lines = self.record(["--root", host.top, "--no-groups", "install"])
        calls = "\n".join(lines)
        for part in ("renameat2(", "mkdirat(", "O_CREAT", "fchmod(", "unlinkat("):
            self.assertIn(part, calls)


class Outside(Recorded):
    """Whatever a root holds, no file outside of it is opened."""

    def test_no_file_outside_is_opened(self):
        host = self.host("newton")
        outside = os.path.join(self.tmp, "outside")
        write(outside + "/driver.py", SECRET)
        write(outside + "/cinder/__init__.py", SECRET)
        climb = "../" * 30 + outside.lstrip("/")
        os.symlink(outside + "/driver.py", host.file("nova/virt/libvirt/volume/storpool.py"))
        os.unlink(host.file("os_brick/exception.py"))
        os.symlink(climb + "/driver.py", host.file("os_brick/exception.py"))
        shutil.rmtree(host.file("cinder"))
        os.symlink(climb + "/cinder", host.file("cinder"))
        host.write("a.pth", "%s\n%s\n../../../../../../%s\n" % (outside, "/" + climb, outside))
        host.write("b.egg-link", climb + "\n")
        os.symlink(climb + "/driver.py", host.file("nova.egg-info"))
        os.makedirs(host.path("usr/bin"))
        os.symlink(outside + "/driver.py", host.path("usr/bin/nova-compute"))
        write(host.path("usr/bin/cinder-volume"), "#!%s/bin/python2.7\n" % outside)
        os.makedirs(host.path("var/lib/openstack"))
        os.symlink(outside, host.path("var/lib/openstack/lib"))
        os.symlink(outside, host.path("opt"))
        data = os.path.dirname(lib.PROGRAM)
        opened = 0
        for command in ("detect", "check", "diff", "install --no-groups",
                        "install --no-groups --no-deps nova", "uninstall", "recover", "history"):
            done, lines = self.record(["--root", host.top] + command.split())
            self.assertIn(done.returncode, (0, 1, 3, 4), done.stderr)
            self.assertNotIn(b"PASSWORD", done.stdout + done.stderr)
            for line in lines:
                match = re.search(r"\bopen(?:at|at2)?\(.*\) = \d+<([^>]*)>$", line)
                if not match:
                    continue
                path = match.group(1)
                self.assertFalse(path.startswith(outside), line)
                opened += path.startswith(host.top)
                self.assertTrue(path.startswith((host.top, data, "/usr/lib", "/lib", "/etc/ld.so",
                                                 "/dev/null", "/dev/urandom", "/proc/", "/sys/",
                                                 "/usr/share/locale"))
                                or path == "/", line)
        self.assertGreater(opened, 100)
        self.assertEqual(read(outside + "/driver.py").decode(), SECRET)


class ReadOnlyMount(Case):
    def test_on_a_read_only_mount(self):
        """All that only looks works there as it does elsewhere; what changes something says why it
        cannot, and so does its dry run, after the plan."""
        self.needs_root()
        host = self.host("newton")
        self.good(host, "install", "cinder")
        program = [lib.PROGRAM, "--root", host.top]
        script = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\""

        def mounted(*arguments, user=()):
            done = subprocess.run(["unshare", "-m", "sh", "-c", script, host.top] + list(user)
                                  + program + list(arguments), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=lib.environment(), cwd="/", timeout=lib.TIMEOUT, check=False)
            return lib.Result(list(arguments), done.returncode, done.stdout.decode(),
                              done.stderr.decode())

        if not shutil.which("unshare") or subprocess.run(
                ["unshare", "-m", "sh", "-c", script, host.top, "true"],
                stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("no mounts of one's own here")
        before = snapshot(host.top)
        for command in ("detect", "check -v", "diff", "history", "check --json"):
            expected = self.run_on(host, *command.split())
            result = mounted(*command.split())
            self.assertEqual((result.status, result.out, result.err),
                             (expected.status, expected.out, expected.err))
        if shutil.which("setpriv"):
            user = ("setpriv", "--reuid", str(lib.NOBODY), "--regid", str(lib.NOBODY),
                    "--clear-groups")
            result = mounted("check", user=user)
            self.assertEqual((result.status, result.err), (1, ""), str(result))
        for command in ("install", "uninstall", "rollback"):
            result = mounted(command)
            self.error(self.expect(4, result), "Read-only file system")
            planned = re.split(r"\d+ files would be changed",
                               self.good(host, command, "-n").out)
            result = mounted(command, "-n")
            self.error(self.expect(4, result), "Read-only file system")
            self.assertEqual((len(planned), result.out), (2, planned[0]))
        self.same(before, snapshot(host.top), touched=True)
