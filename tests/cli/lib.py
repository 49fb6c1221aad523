# SPDX-License-Identifier: Apache-2.0
"""What the whole-program tests share: a host in a directory of its own, and the program on it."""

import fcntl
import hashlib
import json
import os
import pty
import resource
import select
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import termios
import unittest
import zlib

import packages

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(1, os.path.join(TOP, "tests"))
from snapshot import difference, snapshot

PROGRAM = os.path.join(TOP, "sp-openstack")     # run.py sets what it was told
IS_ROOT = os.geteuid() == 0
NOBODY = 65534                                  # the ordinary user of tests that root runs
DEBIAN = "usr/lib/python2.7/dist-packages"
OLD = 1500000000                                # when the packages were unpacked
TIMEOUT = 60

COMMITTED = "committed"


def write(path, content, mode=None):
    """Writes text or bytes; makes the directories."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    data = content.encode("utf-8") if isinstance(content, str) else content
    with open(path, "wb") as file:
        file.write(data)
    if mode is not None:
        os.chmod(path, mode)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def blob_id(content):
    data = content.encode("utf-8") if isinstance(content, str) else content
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def age(top, seconds=OLD):
    """Gives everything below top an old time with odd nanoseconds, names in order."""
    number = 0
    for directory, names, files in sorted(os.walk(top, topdown=False)):
        for name in sorted(files) + [""]:
            path = os.path.join(directory, name) if name else directory
            number += 1
            if not os.path.islink(path):
                os.utime(path, ns=(seconds * 10**9, (seconds + number) * 10**9 + 123456789))


def without(snap, *prefixes):
    """The snapshot without what is below the prefixes."""
    return {name: value for name, value in snap.items()
            if not any(name == prefix or name.startswith(prefix + "/") for prefix in prefixes)}


# ---- running -----------------------------------------------------------------------------------


class Result:
    def __init__(self, arguments, status, out, err):
        self.arguments, self.status, self.out, self.err = arguments, status, out, err

    def __str__(self):
        return "%s: exit %s, out %r, err %r" % (
            " ".join(self.arguments), self.status, self.out[-700:], self.err[-700:])

    @property
    def json(self):
        return json.loads(self.out)


def become(user, processor=None):
    """What a child does first: takes another account; takes a limit of processor time, seconds."""
    def change():
        if processor is not None:
            resource.setrlimit(resource.RLIMIT_CPU,
                               (processor, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        if user is not None:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
    return change


def is_wrapped():
    """Whether the program is a script that runs it under something else, as valgrind."""
    return read(PROGRAM)[:4] != b"\x7fELF"


def is_instrumented():
    """Whether the program has a sanitizer in it, or runs under valgrind or the like."""
    return is_wrapped() or b"__asan_init" in read(PROGRAM)


def environment(extra=None):
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/nonexistent"}
    if "GCOV_PREFIX" in os.environ:     # tests/coverage.sh
        env["GCOV_PREFIX"] = os.environ["GCOV_PREFIX"]
    env.update(extra or {})
    return env


def run_program(arguments, env=None, user=None, cwd=None, stdout=subprocess.PIPE, processor=None):
    """Runs it; output is text, with bytes that are no UTF-8 kept apart (surrogateescape)."""
    done = subprocess.run([PROGRAM] + list(arguments), stdin=subprocess.DEVNULL, stdout=stdout,
                          stderr=subprocess.PIPE, env=environment(env), cwd=cwd or "/",
                          timeout=TIMEOUT, check=False,
                          preexec_fn=None if user is None and processor is None
                          else become(user, processor))
    return Result(list(arguments), done.returncode,
                  (done.stdout or b"").decode("utf-8", "surrogateescape"),
                  done.stderr.decode("utf-8", "surrogateescape"))


def run_on_terminal(arguments, env=None):
    """The same with a terminal for standard output; what was printed on it."""
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 300, 0, 0))
        try:
            os.execve(PROGRAM, [PROGRAM] + list(arguments), environment(env))
        finally:
            os._exit(127)
    out = b""
    while select.select([fd], [], [], TIMEOUT)[0]:
        try:
            more = os.read(fd, 65536)
        except OSError:                         # Linux: EIO when the other side is closed
            break
        if not more:
            break
        out += more
    else:
        os.kill(pid, signal.SIGKILL)
    os.close(fd)
    status = os.waitpid(pid, 0)[1]
    return Result(list(arguments), os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1,
                  out.decode("utf-8", "surrogateescape"), "")


# ---- a host ------------------------------------------------------------------------------------


class Host:
    """A system below a directory, to be worked on with --root."""

    def __init__(self, top, site=DEBIAN):
        self.top, self.site = top, site
        os.makedirs(os.path.join(top, site))
        os.makedirs(os.path.join(top, "var/lib"), exist_ok=True)

    def path(self, *parts):
        return os.path.join(self.top, *parts)

    def file(self, name):
        """A path in the site."""
        return self.path(self.site, name)

    def write(self, name, content, mode=None):
        write(self.file(name), content, mode)

    def read(self, name):
        return read(self.file(name)).decode("utf-8")

    def put_files(self, files, site=None):
        for name, text in files.items():
            write(self.path(site or self.site, name), text)

    def put_metadata(self, distribution, version, form="dist-info", site=None):
        text = "Metadata-Version: 1.1\nName: %s\nVersion: %s\nSummary: For tests\n\nText\n" % (
            distribution, version)
        stem = "%s-%s" % (distribution.replace("-", "_"), version)
        name = {"dist-info": stem + ".dist-info/METADATA",
                "egg-info": stem + "-py2.7.egg-info/PKG-INFO",
                "egg-info-bare": distribution.replace("-", "_") + ".egg-info/PKG-INFO",
                "egg-info-file": stem + ".egg-info"}[form]
        write(self.path(site or self.site, name), text)

    def put(self, component, release, version=None, form="dist-info", site=None, layout=None):
        """A package, with metadata unless form is None."""
        self.put_files(packages.files_of(component, release, layout), site)
        if form:
            self.put_metadata(component.replace("_", "-"),
                              version or packages.VERSIONS[component, release], form, site)

    def put_all(self, release, **more):
        for component in packages.COMPONENTS:
            self.put(component, release, **more)

    def put_prerequisites(self, site=None):
        self.put_metadata("storpool", "7.3.0", "egg-info", site)
        self.put_metadata("storpool.spopenstack", "3.2.0", "egg-info", site)

    def age(self):
        age(self.top)


class Case(unittest.TestCase):
    """A test with a directory of its own, which an ordinary user can read."""

    longMessage = False
    maxDiff = None

    def setUp(self):
        self.tmp = os.path.realpath(tempfile.mkdtemp(prefix="sp-openstack-cli-"))
        os.chmod(self.tmp, 0o755)
        os.umask(0o022)
        self.addCleanup(self.remove_tmp)

    def git(self, repo, *arguments):
        """Runs git in the repository, with nothing of this account; no test without it."""
        if not shutil.which("git"):
            self.skipTest("git is not here")
        who = {"GIT_%s_%s" % (role, what): value for role in ("AUTHOR", "COMMITTER")
               for what, value in (("NAME", "A"), ("EMAIL", "a@example.org"),
                                   ("DATE", "2017-01-01T00:00:00Z"))}
        subprocess.run(["git", "-C", repo] + list(arguments), check=True,
                       env=dict(who, GIT_CONFIG_NOSYSTEM="1", HOME=self.tmp,
                                PATH=os.environ.get("PATH", "")),
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def repository(self, files):
        """The path of a git repository whose one commit has these files: {name: text}."""
        repo = os.path.join(self.tmp, "repo")
        os.mkdir(repo)
        self.git(repo, "init", "-q")
        self.commit(repo, files)
        return repo

    def commit(self, repo, files):
        for name, text in files.items():
            write(os.path.join(repo, name), text)
        self.git(repo, "add", "-A")
        self.git(repo, "commit", "-q", "-m", "a")

    def spoil_by_a_circle(self, repo):
        """Deltas in a circle, in place of a file of nova: git itself never ends."""
        one = bytes.fromhex(blob_id(read(repo + "/nova/virt/libvirt/driver.py")))
        other = bytes([one[0] ^ 0x80]) + one[1:]
        os.unlink("%s/.git/objects/%02x/%s" % (repo, one[0], one[1:].hex()))
        delta = b"\x04\x04\x04abcd"
        pack, at = b"PACK" + struct.pack(">II", 2, 2), {}
        for name, base in ((one, other), (other, one)):
            at[name] = len(pack)
            pack += bytes([7 << 4 | len(delta)]) + base + zlib.compress(delta)
        pack += hashlib.sha1(pack).digest()
        names = sorted(at)
        index = b"\xfftOc" + struct.pack(">I", 2)
        index += b"".join(struct.pack(">I", sum(name[0] <= first for name in names))
                          for first in range(256))
        index += b"".join(names) + bytes(8)
        index += b"".join(struct.pack(">I", at[name]) for name in names) + pack[-20:]
        write(repo + "/.git/objects/pack/pack-a.pack", pack)
        write(repo + "/.git/objects/pack/pack-a.idx", index + hashlib.sha1(index).digest())

    def remove_tmp(self):
        for directory, names, _ in os.walk(self.tmp):
            for name in names:
                path = os.path.join(directory, name)
                if not os.path.islink(path):
                    try:
                        os.chmod(path, 0o700)
                    except OSError:
                        pass
        shutil.rmtree(self.tmp, ignore_errors=True)

    def host(self, release=None, name="host", site=DEBIAN, **more):
        """A host; with a release: one that has its three components and the prerequisites."""
        host = Host(os.path.join(self.tmp, name), site)
        if release:
            host.put_all(release, **more)
            host.put_prerequisites()
        host.age()
        return host

    def needs_root(self):
        if not IS_ROOT:
            self.skipTest("needs root")

    def needs_user(self):
        """The id of an ordinary user to run the program as (None: as who we are)."""
        if not IS_ROOT:
            return None
        return NOBODY

    def own(self, top, user=None):
        """Gives a tree to the ordinary user."""
        user = NOBODY if user is None else user
        if IS_ROOT:
            for directory, names, files in os.walk(top):
                for entry in names + files:
                    os.lchown(os.path.join(directory, entry), user, user)
            os.lchown(top, user, user)

    def needs_attributes(self):
        path = os.path.join(self.tmp, "attribute")
        write(path, "")
        try:
            os.setxattr(path, "user.test", b"1")
        except OSError:
            self.skipTest("no extended attributes on the file system of %s" % self.tmp)
        os.unlink(path)

    # ---- running

    def run_on(self, host, *arguments, **more):
        """The program with --root, and without setting up groups."""
        before = ["--root", host.top]
        if "install" in arguments and more.pop("no_groups", True):
            before.append("--no-groups")
        return run_program(before + list(arguments), **more)

    def expect(self, status, result, *parts, err=None):
        """The exit status; the parts are in what was printed, err in the messages."""
        self.assertEqual(result.status, status, str(result))
        for part in parts:
            self.assertIn(part, result.out + result.err, "%r is not in: %s" % (part, result))
        if err is not None:
            self.assertIn(err, result.err, "%r is not among the messages: %s" % (err, result))
        return result

    def good(self, host, *arguments, **more):
        """Runs it and expects exit status 0 and no error message."""
        result = self.run_on(host, *arguments, **more)
        self.assertEqual(result.status, 0, str(result))
        return result

    def states(self, host, *arguments):
        """{component: state} of check --json, for those that count."""
        return {one["component"]: one["state"]
                for one in self.run_on(host, "--json", "check", *arguments).json["components"]
                if not (one["shadowed_by"] or one["unused"])}

    def found(self, host, *arguments):
        """The components of detect --json."""
        return self.expect(0, self.run_on(host, "--json", "detect", *arguments)).json["components"]

    def one(self, host, *arguments):
        """The one place of the component that is named, as detect --json has it."""
        places = self.found(host, *arguments)
        self.assertEqual(len(places), 1, "several: %s" % places)
        return places[0]

    def error(self, result, *parts):
        """Exactly one line on standard error besides warnings; it has the parts."""
        lines = [line for line in result.err.splitlines()
                 if not line.startswith("sp-openstack: warning: ")]
        self.assertEqual(len(lines), 1, "not one sentence: %s" % result)
        self.assertTrue(lines[0].startswith("sp-openstack: "), str(result))
        for part in parts:
            self.assertIn(part, lines[0], "%r is not in the message: %s" % (part, result))
        return lines[0]

    def refused(self, host, status, *parts, arguments=("install",), besides=(), **more):
        """The command is refused with one sentence, and nothing at all is touched.

        besides: what may have been looked at with a lock in hand, the work directory."""
        before = snapshot(host.top)
        result = self.run_on(host, *arguments, **more)
        self.assertEqual(result.status, status, str(result))
        self.error(result, *parts)
        self.same(without(before, *besides), without(snapshot(host.top), *besides), touched=True)
        return result

    def assert_private(self, top):
        """Nobody but the owner may look into the directories below top, or at the files."""
        for directory, _, files in os.walk(top):
            self.assertEqual(stat.S_IMODE(os.lstat(directory).st_mode), 0o700, directory)
            for name in files:
                path = os.path.join(directory, name)
                self.assertEqual(stat.S_IMODE(os.lstat(path).st_mode), 0o600, path)

    def same(self, before, after, **how):
        """how: see difference()"""
        text = difference(before, after, **how)
        self.assertEqual(text, "", text)

    # ---- data directories

    def data_dir(self, name="data", manifests=None, drivers=None):
        """A data directory of the test's own: the shipped one, or these files."""
        top = os.path.join(self.tmp, name)
        if manifests is None:
            shutil.copytree(os.path.join(TOP, "manifests"), os.path.join(top, "manifests"))
            shutil.copytree(os.path.join(TOP, "drivers"), os.path.join(top, "drivers"))
        for file, text in (manifests or {}).items():
            write(os.path.join(top, "manifests", file), text)
        for file, text in (drivers or {}).items():
            write(os.path.join(top, "drivers", file), text)
        return top
