# SPDX-License-Identifier: Apache-2.0
"""The whole cycle of sp-openstack on one package tree, as the tests of real releases need it.

A tree is a directory that looks like site-packages. The cycle is: check, install, check, install
again, uninstall, check; after it the tree must be what it was: names, bytes, modes, owners, times
and extended attributes.
"""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import warnings

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(1, os.path.join(TOP, "tests"))
from snapshot import difference, snapshot

DISTRIBUTION = {"cinder": "cinder", "nova": "nova", "os_brick": "os-brick"}

# A file of each component that is edited, or stands beside one that is: it gets an owner, a mode,
# a time and an attribute that no installer would choose, so that it shows whether they come back.
ODD = {"cinder": "exception.py", "nova": "virt/libvirt/driver.py",
       "os_brick": "initiator/connector.py"}


class Failure(Exception):
    """What went wrong with a tree; the message says at which step."""


def find_python2():
    """An interpreter of Python 2.7, or None."""
    candidates = [os.environ.get("PYTHON2"), shutil.which("python2.7")]
    versions = os.path.expanduser("~/.pyenv/versions")
    if os.path.isdir(versions):
        for name in sorted(os.listdir(versions), reverse=True):
            if name.startswith("2.7"):
                candidates.append(os.path.join(versions, name, "bin", "python2.7"))
    for candidate in filter(None, candidates):
        try:
            done = subprocess.run([candidate, "-c", "import sys; print(sys.version_info[:2])"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        except OSError:
            continue
        if done.stdout.strip() == b"(2, 7)":        # not a wrapper that finds none
            return candidate
    return None


# ---- trees ----------------------------------------------------------------------------------


def make_odd(site, component):
    """Gives some of the tree the metadata that an installer would not choose."""
    path = os.path.join(site, component, ODD[component])
    os.chmod(path, 0o640)
    if os.geteuid() == 0:
        os.chown(path, 1234, 4321)
    try:
        os.setxattr(path, "user.sp-openstack-test", b"kept")
    except OSError:
        pass                                        # not every file system has them
    os.utime(path, ns=(1234567890123456789, 1234567890123456789))
    directory = os.path.dirname(path)
    os.chmod(directory, 0o775)
    for top, names, _ in os.walk(os.path.join(site, component), topdown=False):
        for name in names:
            os.utime(os.path.join(top, name), ns=(1300000000987654321, 1300000000987654321))
    os.utime(os.path.join(site, component), ns=(1300000000987654321, 1300000000987654321))


def write_metadata(site, component, version):
    directory = os.path.join(site, "%s-%s.dist-info" % (component, version))
    os.mkdir(directory)
    with open(os.path.join(directory, "METADATA"), "w", encoding="utf-8") as file:
        file.write("Metadata-Version: 2.0\nName: %s\nVersion: %s\nSummary: a tree of the tests\n"
                   % (DISTRIBUTION[component], version))


# ---- the tool -------------------------------------------------------------------------------


class Tool:
    """The program, pointed at one tree and one work directory (or, with None, at neither)."""

    def __init__(self, program, site, work):
        self.program, self.site, self.work = program, site, work

    def run(self, *arguments, expect=None):
        """Exit status, standard output, standard error."""
        command = [self.program]
        if self.site:
            command += ["-L", self.site, "-W", self.work]
        command += arguments
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("SP_", "PYTHON"))}
        environment["LC_ALL"] = "C"
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              encoding="utf-8", errors="replace")
        if expect is not None and done.returncode != expect:
            raise Failure("`%s` exits %d, not %d: %s" % (
                " ".join(arguments), done.returncode, expect, last_line(done)))
        return done

    def check(self, *names, expect, deps=False):
        """The components in the answer of `check --json`, by name."""
        options = [] if deps else ["--no-deps"]
        done = self.run("check", "--json", *options, *names, expect=expect)
        try:
            answer = json.loads(done.stdout)
        except ValueError as error:
            raise Failure("`check --json` writes no JSON: %s" % error) from error
        if answer.get("schema") != 1 or answer.get("command") != "check":
            raise Failure("`check --json`: schema %r, command %r"
                          % (answer.get("schema"), answer.get("command")))
        return {part["component"]: part for part in answer["components"]}


def last_line(done):
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return lines[-1] if lines else "(it says nothing)"


def must(condition, text, *values):
    if not condition:
        raise Failure(text % values)


def must_be_same(before, after, text, **how):
    """how: see difference()"""
    left = difference(before, after, **how)
    must(not left, "%s: %s", text, left)


def expect_state(part, state, release, path):
    must(part["state"] == state, "state is %r, not %r", part["state"], state)
    must(part["release"] == release, "release is %r, not %r", part["release"], release)
    must(os.path.realpath(part["path"]) == os.path.realpath(path),
         "path is %r, not %r", part["path"], path)


def compile_changed(site, before, after, python2):
    """Every Python file that was changed or added must compile under both languages."""
    names = [name for name in sorted(after) if name.endswith(".py")
             and stat.S_ISREG(after[name].state.kind)
             and (name not in before or before[name].state.content != after[name].state.content)]
    must(names, "install changed no Python file")
    paths = [os.path.join(site, name) for name in names]
    for path in paths:
        with open(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                compile(file.read(), path, "exec", dont_inherit=True)
            except SyntaxError as error:
                raise Failure("Python %d.%d: %s" % (sys.version_info[:2] + (error,))) from error
    if python2:
        code = ("import sys\nfor name in sys.argv[1:]:\n"
                "    compile(open(name, 'rb').read(), name, 'exec')\n")
        done = subprocess.run([python2, "-B", "-c", code] + paths, stderr=subprocess.PIPE,
                              check=False, encoding="utf-8", errors="replace")
        must(done.returncode == 0, "Python 2.7: %s", last_line_of(done.stderr))
    return names


def last_line_of(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else "(it says nothing)"


def cycle(tool, component, release, version, evidence, python2):
    """The whole cycle. VERSION: a collection of acceptable versions; None stands for no answer."""
    site, path = tool.site, os.path.join(tool.site, component)
    original = snapshot(site)

    part = tool.check(component, expect=1)[component]
    expect_state(part, "not-installed", release, path)
    must(part.get("version") in version, "version is %r, not %s", part.get("version"),
         " or ".join(map(repr, sorted(version, key=str))))
    if evidence:
        must(part["evidence"].startswith(evidence), "evidence is %r, not %r",
             part["evidence"], evidence)
    must_be_same(original, snapshot(site, original), "check touches something", touched=True)

    tool.run("install", "--no-deps", "--no-groups", component, expect=0)
    installed = snapshot(site, original)
    part = tool.check(component, expect=0)[component]
    expect_state(part, "installed", release, path)
    must(part.get("version") in version, "once installed, version is %r, not %s",
         part.get("version"), " or ".join(map(repr, sorted(version, key=str))))
    compile_changed(site, original, installed, python2)

    done = tool.run("install", "--no-deps", "--no-groups", component, expect=0)
    must(re.search(r"nothing to do|already|up to date|no change", done.stdout + done.stderr, re.I),
         "a second install does not say that there is nothing to do: %r", done.stdout + done.stderr)
    must_be_same(installed, snapshot(site, installed), "a second install touches something",
                 touched=True)

    tool.run("uninstall", component, expect=0)
    must_be_same(original, snapshot(site, installed), "uninstall leaves a difference")
    part = tool.check(component, expect=1)[component]
    expect_state(part, "not-installed", release, path)


# ---- report ---------------------------------------------------------------------------------


class Report:
    """Counts results and prints them."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def ok(self, text=None):
        self.passed += 1
        if text:
            print("ok    %s" % text, flush=True)

    def fail(self, text):
        self.failed += 1
        print("FAIL  %s" % text, flush=True)

    def skip(self, text):
        self.skipped += 1
        print("skip  %s" % text, flush=True)

    def close(self):
        """Prints the closing line; the exit status."""
        print("%d passed, %d failed, %d skipped" % (self.passed, self.failed, self.skipped))
        return 1 if self.failed or not self.passed else 0
