#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks install, uninstall and rollback at every point where they can break.

    tests/fault/run.py --program PROGRAM --fault-program PROGRAM [--git DIR | --site DIR]

PROGRAM is what is shipped; the fault program is the same built with -DSP_FAULT, in which the Nth
call that changes something fails with an errno, is cut short, or ends the process (src/fsio.h). The
trees are those files of real cinder, nova and os-brick that the manifests name, from clones
(DIR/cinder or DIR/openstack+cinder/repo, ...), a directory of Python packages, or the package
index. After each run the tree must be entirely old or entirely new, in bytes, modes, owners, times
and attributes, hold no temporary file, and the next command must work.
"""

import argparse
import errno as errnos
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ERRNOS = ["ENOSPC", "EIO", "EACCES", "EROFS", "EDQUOT", "ENOMEM", "EINTR"]
NAMES = {"cinder": "10.0.8", "nova": "15.1.5", "os-brick": "1.11.1"}
FILES = {
    "cinder": ["__init__.py", "exception.py", "volume/__init__.py", "volume/drivers/__init__.py"],
    "nova": ["__init__.py", "virt/__init__.py", "virt/libvirt/__init__.py",
             "virt/libvirt/driver.py", "virt/libvirt/volume/__init__.py"],
    "os_brick": ["__init__.py", "initiator/__init__.py", "initiator/connector.py",
                 "initiator/connectors/__init__.py"],
}
OLD_KERNEL = "openat2,renameat2,statx,getrandom,faccessat2"


def snapshot(top):
    """Everything about every file below top, in a form that can be compared."""
    found = {}
    for directory, names, files in os.walk(top):
        for name in [""] + names + files:
            path = os.path.join(directory, name) if name else directory
            st = os.lstat(path)
            content = ""
            if os.path.isfile(path):
                with open(path, "rb") as stream:
                    content = hashlib.sha256(stream.read()).hexdigest()
            attributes = [(x, os.getxattr(path, x)) for x in sorted(os.listxattr(path))]
            found[os.path.relpath(path, top)] = (
                st.st_mode, st.st_uid, st.st_gid, st.st_mtime_ns, content, attributes)
    return found


def without_new_times(snap, old):
    """A snapshot of the new tree, without the times that depend on when it was made."""
    return {path: (entry[:3] + entry[4:] if old.get(path) != entry else entry)
            for path, entry in snap.items()}


class Bench:
    """A directory in which a tree and a work directory are put up again and again."""

    def __init__(self, options, top):
        self.options = options
        self.top = top
        self.site = os.path.join(top, "now", "site")
        self.work = os.path.join(top, "now", "work")
        self.points = 0
        self.held = 0
        self.failures = []

    def run(self, command, program=None, prefix=(), **env):
        argv = list(prefix) + [program or self.options.program, "-L", self.site, "-W", self.work,
                               "-D", self.options.data, "--no-groups"] + command
        return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              stdin=subprocess.DEVNULL, env=dict(os.environ, **env), timeout=120)

    def put_up(self, state):
        shutil.rmtree(os.path.join(self.top, "now"), ignore_errors=True)
        subprocess.run(["cp", "-a", os.path.join(self.top, state), os.path.join(self.top, "now")],
                       check=True)

    def keep(self, state):
        shutil.rmtree(os.path.join(self.top, state), ignore_errors=True)
        os.rename(os.path.join(self.top, "now"), os.path.join(self.top, state))

    def judge(self, what, problem):
        self.points += 1
        if problem:
            self.failures.append("%s: %s" % (what, problem))
            print("FAIL  %s: %s" % (what, problem), flush=True)
        else:
            self.held += 1


def from_package_index(site):
    """The packages as the package index has them, unpacked into a directory."""
    trees = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trees")
    os.makedirs(site, exist_ok=True)
    for name, version in NAMES.items():  # by itself: there is a module `run` in both places
        subprocess.run([sys.executable, "-B", "-c",
                        "import packages, sys; packages.unpack(*sys.argv[1:])",
                        name.replace("-", "_"), version, site],
                       check=True, env=dict(os.environ, PYTHONPATH=trees))
    return site


def collect(options, site):
    for name, version in NAMES.items():
        package = name.replace("-", "_")
        for path in FILES[package]:
            target = os.path.join(site, package, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if options.site:
                shutil.copy2(os.path.join(options.site, package, path), target)
                continue
            repo = next(p for p in (os.path.join(options.git, "openstack+" + name, "repo"),
                                    os.path.join(options.git, name)) if os.path.isdir(p))
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


def leftovers(bench):
    for directory, names, files in os.walk(os.path.join(bench.top, "now", "site")):
        for name in files + names:
            if "sp-openstack-" in name:
                return "the temporary file %s is left" % os.path.join(directory, name)
    staged = os.path.join(bench.work, "work")
    if os.path.isdir(staged) and os.listdir(staged):
        return "something is left in the staging directory: %s" % os.listdir(staged)
    return None


class Operation:
    """install, uninstall or rollback, with the trees before and after it."""

    def __init__(self, bench, command, before):
        self.bench, self.command, self.before = bench, command, before
        bench.put_up(before)
        self.old = snapshot(bench.site)
        result = bench.run(command)
        if result.returncode:
            raise SystemExit("%s fails without any fault: %s" % (command, result.stderr))
        self.new = without_new_times(snapshot(bench.site), self.old)
        bench.keep("after-" + command[0])

    def which(self):
        """'old', 'new', or what differs from both."""
        now = snapshot(self.bench.site)
        if now == self.old:
            return "old"
        if without_new_times(now, self.old) == self.new:
            return "new"
        differs = [p for p in sorted(set(now) | set(self.old))
                   if now.get(p) != self.old.get(p)]
        return "neither old nor new: %s" % differs

    def next_works(self):
        """Whatever happened: the operation, and all the way there and back, works now."""
        result = self.bench.run(["install", "-q"])
        if result.returncode:
            return "the next install fails: %s" % result.stderr.strip()
        result = self.bench.run(["check"])
        if result.returncode:
            return "after the next install check says %d" % result.returncode
        return leftovers(self.bench)

    def calls(self):
        log = os.path.join(self.bench.top, "log")
        if os.path.exists(log):
            os.unlink(log)
        self.bench.put_up(self.before)
        self.bench.run(self.command, self.bench.options.fault_program, SP_FAULT_LOG=log)
        with open(log, encoding="utf-8") as stream:
            return [line.split(" ", 2)[1:] for line in stream.read().splitlines()]

    def fail_at(self, number, errno):
        self.bench.put_up(self.before)
        result = self.bench.run(self.command, self.bench.options.fault_program,
                                SP_FAULT="%d:%s" % (number, errno))
        which = self.which()
        if result.returncode == 0:
            problem = None if which == "new" else "status 0, but the tree is %s" % which
            if not problem and leftovers(self.bench):  # what the next writing command clears away
                problem = self.settle()
        elif result.returncode in (3, 4):
            problem = None if which == "old" else "status %d, but the tree is %s" % (
                result.returncode, which)
            if not problem and os.strerror(getattr(errnos, errno)) not in result.stderr:
                problem = "the message does not name the cause: %s" % result.stderr.strip()
        else:
            problem = "status %d: %s" % (result.returncode, result.stderr.strip())
        return problem or leftovers(self.bench) or self.next_works()

    def settle(self):
        result = self.bench.run(["recover"])
        if result.returncode:
            return "recover says %d: %s" % (result.returncode, result.stderr.strip())
        which = self.which()
        if which not in ("old", "new"):
            return "after recover the tree is %s" % which
        return leftovers(self.bench)

    def crash_at(self, number):
        self.bench.put_up(self.before)
        result = self.bench.run(self.command, self.bench.options.fault_program,
                                SP_FAULT="%d:exit" % number)
        if result.returncode != 99:
            return "it did not crash, but exited with %d" % result.returncode
        return self.settle() or self.next_works()

    def crash_in_recover(self, number):
        """Crash at the point, then in recover at each of its points."""
        self.bench.put_up(self.before)
        self.bench.run(self.command, self.bench.options.fault_program,
                       SP_FAULT="%d:exit" % number)
        self.bench.keep("crashed")
        point = 0
        while True:
            point += 1
            self.bench.put_up("crashed")
            result = self.bench.run(["recover"], self.bench.options.fault_program,
                                    SP_FAULT="%d:exit" % point)
            if result.returncode != 99:
                return
            self.bench.judge("%s: crash at %d, recover crashes at %d" % (
                self.command[0], number, point), self.settle())

    def kill_at(self, number):
        """SIGKILL at the Nth system call of the shipped program. None when it ended before."""
        self.bench.put_up(self.before)
        result = self.bench.run(self.command, prefix=[
            "strace", "-o", "/dev/null", "-e", "trace=all",
            "-e", "inject=all:signal=SIGKILL:when=%d" % number])
        if result.returncode in (0, 1, 2, 3, 4, 5):
            return False
        self.bench.judge("%s: killed at system call %d" % (self.command[0], number),
                         self.settle() or self.next_works())
        return True


def check_order(calls):
    """Every byte is fsynced before the rename that exposes it, every directory after."""
    synced, renamed = set(), []
    for call, where in calls:
        if call == "fsync":
            synced.add(where)
            renamed = [path for path in renamed if os.path.dirname(path) != where]
        elif call == "write" and where in synced:
            synced.discard(where)
        elif call == "rename" and "/work/" not in where:
            if "the new content of " + where not in synced and where not in synced:
                if not where.endswith("storpool.py"):  # taken out: there is no content
                    return "%s is renamed before it is synced" % where
            renamed.append(where)
    return "directories of %s are not synced" % renamed if renamed else None


def every_fault(bench, operation, step):
    calls = operation.calls()
    bench.judge("%s: order of %d calls" % (operation.command[0], len(calls)), check_order(calls))
    for errno in ERRNOS + ["short"]:
        for number in range(1, len(calls) + 1, step):
            if errno == "short":
                if calls[number - 1][0] != "write":
                    continue
                bench.put_up(operation.before)
                result = bench.run(operation.command, bench.options.fault_program,
                                   SP_FAULT="%d:short" % number)
                bench.judge("%s: short write at %d" % (operation.command[0], number),
                            "status %d" % result.returncode if result.returncode
                            else None if operation.which() == "new" else operation.which())
                continue
            bench.judge("%s: %s at %d (%s %s)" % (operation.command[0], errno, number,
                                                  *calls[number - 1]),
                        operation.fail_at(number, errno))
    for number in range(1, len(calls) + 1, step):
        bench.judge("%s: crash at %d (%s %s)" % (operation.command[0], number,
                                                 *calls[number - 1]), operation.crash_at(number))
        operation.crash_in_recover(number)
    return len(calls)


def old_kernel(bench):
    """There and back with what a kernel 3.10 lacks answering ENOSYS."""
    prefix = ["strace", "-o", "/dev/null", "-f", "-e", "trace=" + OLD_KERNEL,
              "-e", "inject=%s:error=ENOSYS" % OLD_KERNEL]
    bench.put_up("original")
    old = snapshot(bench.site)
    for command, status in (["install"], 0), (["check"], 0), (["uninstall"], 0):
        result = bench.run(command, prefix=prefix)
        if result.returncode != status:
            return "%s says %d: %s" % (command[0], result.returncode, result.stderr.strip())
    return None if snapshot(bench.site) == old else "the tree is not as it was"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="./sp-openstack")
    parser.add_argument("--fault-program", required=True)
    parser.add_argument("--git")
    parser.add_argument("--site")
    parser.add_argument("--data", default=".")
    parser.add_argument("--quick", type=int, default=1, help="only every Nth point")
    parser.add_argument("--only", help="one of install, uninstall, rollback")
    parser.add_argument("--kill", type=int, default=1, help="only every Nth system call; 0: none")
    options = parser.parse_args()
    if options.git and options.site:
        parser.error("give one of --git and --site")
    started = time.time()
    with tempfile.TemporaryDirectory(prefix="sp-fault-") as top:
        for name in ("manifests", "drivers"):  # what is worked on meanwhile must not matter
            shutil.copytree(os.path.join(options.data, name), os.path.join(top, "data", name))
        for name in ("program", "fault_program"):
            setattr(options, name, shutil.copy2(getattr(options, name), os.path.join(top, name)))
        options.data = os.path.join(top, "data")
        if not options.git and not options.site:
            options.site = from_package_index(os.path.join(top, "packages"))
        bench = Bench(options, top)
        os.makedirs(bench.site)
        collect(options, bench.site)
        bench.keep("original")
        table = []
        skipped = 0
        operations = [Operation(bench, ["install"], "original")]
        operations.append(Operation(bench, ["uninstall"], "after-install"))
        operations.append(Operation(bench, ["rollback"], "after-install"))
        operations = [one for one in operations if options.only in (None, one.command[0])]
        for operation in operations:
            points, held = bench.points, bench.held
            calls = every_fault(bench, operation, options.quick)
            table.append((operation.command[0], "faults at %d calls" % calls,
                          bench.points - points, bench.held - held))
        if shutil.which("strace"):
            for operation in operations if options.kill else []:
                points, held = bench.points, bench.held
                number = 1
                while operation.kill_at(number):
                    number += options.kill
                table.append((operation.command[0], "SIGKILL at system calls",
                              bench.points - points, bench.held - held))
            points, held = bench.points, bench.held
            bench.judge("kernel 3.10", old_kernel(bench))
            table.append(("all", "a kernel like 3.10", bench.points - points, bench.held - held))
        else:
            skipped += 1
            print("skipped: SIGKILL and the old kernel: there is no strace")
    sys.stdout.flush()
    print("%-10s  %-26s  %7s  %7s" % ("command", "what", "points", "held"))
    for row in table:
        print("%-10s  %-26s  %7d  %7d" % row)
    print("in %d s" % (time.time() - started))
    print("%d passed, %d failed, %d skipped" % (bench.held, len(bench.failures), skipped))
    return 1 if bench.failures else 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
