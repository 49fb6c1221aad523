# SPDX-License-Identifier: Apache-2.0
"""What run.py and race.py share: trees that are put up again and again, and the verdicts.

The trees are those files of real cinder, nova and os-brick that the manifests name, from clones
(DIR/cinder or DIR/openstack+cinder/repo, ...), a directory of Python packages, or the package
index. Several processes work at once, each with trees of its own.
"""

import argparse
import filecmp
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, TESTS)
from snapshot import snapshot, states
from trees.clones import clone

RELEASES = {
    "mitaka": {"cinder": "8.1.1", "nova": "13.1.4", "os-brick": "1.2.0"},
    "newton": {"cinder": "9.1.4", "nova": "14.1.0", "os-brick": "1.6.2"},
    "ocata": {"cinder": "10.0.8", "nova": "15.1.5", "os-brick": "1.11.1"},
    "pike": {"cinder": "11.2.2", "nova": "16.1.8", "os-brick": "1.15.9"},
}
FILES = {
    "cinder": ["__init__.py", "exception.py", "volume/__init__.py", "volume/drivers/__init__.py"],
    "nova": ["__init__.py", "virt/__init__.py", "virt/libvirt/__init__.py",
             "virt/libvirt/driver.py", "virt/libvirt/volume/__init__.py"],
    "os_brick": ["__init__.py", "initiator/__init__.py", "initiator/connector.py",
                 "initiator/connectors/__init__.py"],
}
SINCE_NEWTON = "initiator/connectors/__init__.py"  # a layout of os-brick
OPERATIONS = (("install", "original"), ("uninstall", "after-install"),
              ("rollback", "after-install"), ("reapply", "upgraded"))


def look(top):
    """Everything about every file below top; not whether it was touched, as each tree is new."""
    return states(snapshot(top))


def without_new_times(found, old):
    """What the new tree is like, without the times that depend on when it was made."""
    return {path: state if old.get(path) == state else state._replace(time=None)
            for path, state in found.items()}


class Bench:
    """A directory in which a tree and a work directory are put up again and again."""

    def __init__(self, options, top):
        self.options = options
        self.top = top
        self.site = os.path.join(top, "now", "site")
        self.work = os.path.join(top, "now", "work")
        self.prefix = [options.old_kernel] if options.old_kernel else []
        self.verdicts = []
        os.makedirs(self.site)
        collect(options, self.site)
        self.keep("original")
        self.operations = [Operation(self, ["install"], "original")]
        self.upgrade()
        self.operations += [Operation(self, [command], before)
                            for command, before in OPERATIONS[1:]]

    def upgrade(self):
        """What is integrated is replaced by a package upgrade: the state "upgraded"."""
        self.put_up("after-install")
        original = os.path.join(self.top, "original", "site")
        for path in self.operations[0].new:
            old, new = os.path.join(original, path), os.path.join(self.site, path)
            if os.path.isfile(old) and not filecmp.cmp(old, new, shallow=False):
                with open(old, encoding="utf-8") as stream:
                    text = stream.read()
                with open(new + ".dpkg-new", "w", encoding="utf-8") as stream:
                    stream.write(text + "# upgraded\n")
                shutil.copystat(old, new + ".dpkg-new")
                os.rename(new + ".dpkg-new", new)
        self.keep("upgraded")

    def argv(self, command, program=None):
        own = {"install": ["--no-groups", "-L", self.site], "uninstall": ["-L", self.site],
               "check": ["-L", self.site]}
        return self.prefix + [program or self.options.program, "-W", self.work, "-D",
                              self.options.data] + command + own.get(command[0], [])

    def run(self, command, program=None, prefix=(), **env):
        argv = self.argv(command, program)
        argv[len(self.prefix):len(self.prefix)] = prefix
        return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              stdin=subprocess.DEVNULL, env=dict(os.environ, **env), timeout=120)

    def put_up(self, state):
        """Directories that are there stay the same ones: by them a journal knows its system."""
        state, now = os.path.join(self.top, state), os.path.join(self.top, "now")
        for directory, names, files in os.walk(now, topdown=False):
            wanted = os.path.join(state, os.path.relpath(directory, now))
            for name in files + names:
                path = os.path.join(directory, name)
                if os.path.islink(path) or not os.path.isdir(path):
                    os.unlink(path)
                elif not os.path.isdir(os.path.join(wanted, name)):
                    os.rmdir(path)
        os.makedirs(now, exist_ok=True)
        subprocess.run(["cp", "-a", state + "/.", now], check=True)

    def keep(self, state):
        state = os.path.join(self.top, state)
        shutil.rmtree(state, ignore_errors=True)
        subprocess.run(["cp", "-a", os.path.join(self.top, "now"), state], check=True)

    def judge(self, what, problem, row=None):
        """One point: it holds if there is no problem. row: of the table, if it has its own."""
        self.verdicts.append((what, problem, row))

    def leftovers(self):
        for directory, names, files in os.walk(self.site):
            for name in files + names:
                if "sp-openstack-" in name:
                    return "the temporary file %s is left" % os.path.join(directory, name)
        staged = os.path.join(self.work, "work")
        if os.path.isdir(staged) and os.listdir(staged):
            return "something is left in the staging directory: %s" % os.listdir(staged)
        return None


class Operation:
    """install, uninstall, rollback or reapply, with the trees before and after it."""

    def __init__(self, bench, command, before):
        self.bench, self.command, self.before = bench, command, before
        self.name = command[0]
        bench.put_up(before)
        self.old = look(bench.site)
        result = bench.run(command)
        if result.returncode:
            raise SystemExit("%s fails without any fault: %s" % (command, result.stderr))
        self.new = without_new_times(look(bench.site), self.old)
        bench.keep("after-" + self.name)
        self.calls = self.record()

    def record(self):
        """The changing calls: [(call, where), ...], in their order."""
        log = os.path.join(self.bench.top, "log")
        if os.path.exists(log):
            os.unlink(log)
        self.bench.put_up(self.before)
        self.bench.run(self.command, self.bench.options.fault_program, SP_FAULT_LOG=log)
        with open(log, encoding="utf-8") as stream:
            return [line.split(" ", 2)[1:] for line in stream.read().splitlines()]

    def crash(self, number):
        """Ends at the Nth changing call; what is left is kept as "crashed"."""
        self.bench.put_up(self.before)
        self.bench.run(self.command, self.bench.options.fault_program, SP_FAULT="%d:exit" % number)
        self.bench.keep("crashed")


# ---- trees -------------------------------------------------------------------------------------


def from_package_index(site, release="ocata"):
    """The packages as the package index has them, unpacked into a directory."""
    os.makedirs(site, exist_ok=True)
    # by itself: there is a module `run` in both places
    for name, version in RELEASES[release].items():
        subprocess.run([sys.executable, "-B", "-c",
                        "import packages, sys; packages.unpack(*sys.argv[1:])",
                        name.replace("-", "_"), version, site],
                       check=True, env=dict(os.environ, PYTHONPATH=os.path.join(TESTS, "trees")))
    return site


def collect(options, site):
    release = getattr(options, "release", "ocata")
    for name, version in RELEASES[release].items():
        package = name.replace("-", "_")
        for path in FILES[package]:
            if path == SINCE_NEWTON and release == "mitaka":
                continue
            target = os.path.join(site, package, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if options.site:
                shutil.copy2(os.path.join(options.site, package, path), target)
                continue
            repo = clone(options.git, name)
            if not repo:
                sys.exit("%s: no clone of %s here" % (options.git, name))
            with open(target, "wb") as stream:
                subprocess.run(["git", "-C", repo, "show", "%s:%s/%s" % (version, package, path)],
                               stdout=stream, check=True)
        os.makedirs(os.path.join(site, "%s-%s.dist-info" % (package, version)))
        with open(os.path.join(site, "%s-%s.dist-info/METADATA" % (package, version)), "w") as out:
            out.write("Metadata-Version: 2.1\nName: %s\nVersion: %s\n" % (name, version))
    for directory, _names, files in os.walk(site):
        for number, name in enumerate(files + [""]):
            path = os.path.join(directory, name)
            os.utime(path, ns=(1500000000000000000 + number, 1400000000123456789 + number))
    try:
        os.setxattr(os.path.join(site, "nova/virt/libvirt/driver.py"), "user.kept", b"yes")
    except OSError:
        print("note: no user attributes on this file system")
    os.chmod(os.path.join(site, "os_brick/initiator/connector.py"), 0o640)


# ---- running -----------------------------------------------------------------------------------


def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--program", default="./sp-openstack")
    parser.add_argument("--fault-program", required=True)
    parser.add_argument("--old-kernel", metavar="LAUNCHER",
                        help="run everything under it (old_kernel.c)")
    parser.add_argument("--git", help="directory with clones")
    parser.add_argument("--site", help="directory of Python packages")
    parser.add_argument("--data", default=".")
    parser.add_argument("--quick", type=int, default=1, metavar="N", help="only every Nth point")
    parser.add_argument("--only", choices=[command for command, _ in OPERATIONS])
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once")
    return parser


def in_worker(work, options, top):
    """Of one process: a bench of its own, for every task that it is given."""
    in_worker.bench = Bench(options, tempfile.mkdtemp(dir=top))
    in_worker.work = work


def do_task(task):
    bench = in_worker.bench
    bench.verdicts = []
    try:
        row = in_worker.work(bench, task)
    except (OSError, subprocess.SubprocessError) as error:  # a program that hangs, above all
        row = "?", "broken off"
        bench.judge("%s" % (task,), repr(error))
    return row, bench.verdicts


def run(options, tasks_of, work, skipped=()):
    """Does every task and prints the table; the exit status.

    tasks_of(bench) lists the tasks, work(bench, task) judges points and returns the row of the
    table that they belong to: (command, what). A row without any point is a failure.
    """
    started, table, failed = time.time(), {}, 0
    with tempfile.TemporaryDirectory(prefix="sp-fault-") as top:
        for name in ("manifests", "drivers"):  # what is worked on meanwhile must not matter
            shutil.copytree(os.path.join(options.data, name), os.path.join(top, "data", name))
        for name in ("program", "fault_program", "old_kernel"):
            program = getattr(options, name)
            if program:
                setattr(options, name, shutil.copy2(program, os.path.join(top, name)))
        options.data = os.path.join(top, "data")
        if not options.git and not options.site:
            options.site = from_package_index(os.path.join(top, "packages"))
        tasks = tasks_of(Bench(options, tempfile.mkdtemp(dir=top)))
        with multiprocessing.Pool(options.jobs, in_worker, (work, options, top)) as pool:
            for row, verdicts in pool.imap_unordered(do_task, tasks):
                table.setdefault(row, [0, 0])
                for what, problem, own in verdicts:
                    counts = table.setdefault((row[0], own) if own else row, [0, 0])
                    counts[0] += 1
                    counts[1] += not problem
                    if problem:
                        failed += 1
                        print("FAIL  %s: %s" % (what, problem), flush=True)
    width = max(len(what) for _, what in table)
    print("%-10s  %-*s  %7s  %7s" % ("command", width, "what", "points", "held"))
    order = [command for command, _ in OPERATIONS]
    for (command, what), (points, held) in sorted(
            table.items(), key=lambda item: (order + [item[0][0]]).index(item[0][0])):
        print("%-10s  %-*s  %7d  %7d" % (command, width, what, points, held))
        if points == 0:
            failed += 1
            print("FAIL  %s: %s: no point at all" % (command, what))
    for what in skipped:
        print("skipped: %s" % what)
    print("in %d s" % (time.time() - started))
    print("%d passed, %d failed, %d skipped" % (sum(held for _, held in table.values()), failed,
                                                len(skipped)))
    return 1 if failed else 0
