#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks install, uninstall, rollback and reapply at every point where they can break.

    tests/fault/run.py --program PROGRAM --fault-program PROGRAM [--old-kernel LAUNCHER]
                       [--git DIR | --site DIR] [--jobs N] [--quick N] [--kill N]

PROGRAM is what is shipped; the fault program is the same built with -DSP_FAULT, in which the Nth
call that changes something fails with an errno, is cut short, or ends the process (src/fs/fault.h).
After each run the tree must be entirely old or entirely new, in bytes, modes, owners, times and
attributes, hold no temporary file, and the next command must work. With --old-kernel all of that
happens as on a kernel 3.10.
"""

import errno as errnos
import os
import re
import shutil
import signal
import sys

import bench as benches
import strace

TEMPORARY = ".sp-openstack-"
# The kinds of calls that change something, and what a fault point calls them where it differs.
SEEN = {"open": ["open", "openat"], "mkdir": ["mkdir", "mkdirat"], "fsync": ["fsync", "fdatasync"],
        "unlink": ["unlink", "unlinkat", "rmdir"], "fchmod": ["fchmod", "fchmodat", "chmod"],
        "rename": ["rename", "renameat", "renameat2", "link", "linkat", "symlinkat"],
        "fchown": ["fchown", "fchownat", "chown"], "fsetxattr": ["fsetxattr", "setxattr"],
        "fremovexattr": ["fremovexattr", "removexattr"], "futimens": ["utimensat"],
        "truncate": ["truncate", "ftruncate", "fallocate"]}
POINTS = {"rmdir": "unlink", "exchange": "rename"}
ERRNOS = ["ENOSPC", "EIO", "EACCES", "EROFS", "EDQUOT", "ENOMEM", "EINTR"]


class Points:
    """What can happen to an operation at one point of it."""

    def __init__(self, bench, operation):
        self.bench, self.operation = bench, operation
        self.command, self.name = operation.command, operation.name

    def which(self):
        """'old', 'new', or what differs from both."""
        now, old = benches.look(self.bench.site), self.operation.old
        if now == old:
            return "old"
        if benches.without_new_times(now, old) == self.operation.new:
            return "new"
        differs = [p for p in sorted(set(now) | set(old)) if now.get(p) != old.get(p)]
        return "neither old nor new: %s" % differs

    def next_works(self):
        """Whatever happened: the operation, and all the way there and back, works now."""
        result = self.bench.run(["install", "-q"])
        if result.returncode:
            return "the next install fails: %s" % result.stderr.strip()
        result = self.bench.run(["check"])
        if result.returncode:
            return "after the next install check says %d" % result.returncode
        return self.bench.leftovers()

    def broken(self, number, how):
        self.bench.put_up(self.operation.before)
        return self.bench.run(self.command, self.bench.options.fault_program,
                              SP_FAULT="%d:%s" % (number, how))

    def fail_at(self, number, errno):
        result = self.broken(number, errno)
        if result.returncode == 0 and self.bench.leftovers():  # the next writing command clears it
            if "run: " not in result.stderr:
                return "files are left without a word: %s" % self.bench.leftovers()
            problem = self.settle()
            if problem:
                return problem
        which = self.which()
        if result.returncode == 0:
            problem = None if which == "new" else "status 0, but the tree is %s" % which
        elif result.returncode in (3, 4):
            problem = None if which == "old" else "status %d, but the tree is %s" % (
                result.returncode, which)
            if not problem and os.strerror(getattr(errnos, errno)) not in result.stderr:
                problem = "the message does not name the cause: %s" % result.stderr.strip()
        else:
            problem = "status %d: %s" % (result.returncode, result.stderr.strip())
        return problem or self.bench.leftovers() or self.next_works()

    def no_room_from(self, number):
        """The disk is full from there on: giving up needs no room, where names can be exchanged."""
        result = self.broken(number, "ENOSPC+")
        which = self.which()
        if result.returncode == 0:
            return None if which == "new" else "status 0, but the tree is %s" % which
        if result.returncode == 5 and self.bench.options.old_kernel:
            return self.settle()
        if result.returncode != 4 or which != "old":
            return "status %d, and the tree is %s: %s" % (result.returncode, which,
                                                          result.stderr.strip())
        result = self.bench.run(["check"])
        if result.returncode == 5:
            return "recover is needed where nothing was changed"
        return self.bench.leftovers()

    def short_at(self, number):
        result = self.broken(number, "short")
        if result.returncode:
            return "status %d" % result.returncode
        which = self.which()
        return None if which == "new" else which

    def settle(self):
        result = self.bench.run(["recover"])
        if result.returncode:
            return "recover says %d: %s" % (result.returncode, result.stderr.strip())
        which = self.which()
        if which not in ("old", "new"):
            return "after recover the tree is %s" % which
        return self.bench.leftovers()

    def crash_at(self, number):
        result = self.broken(number, "exit")
        if result.returncode != 99:
            return "it did not crash, but exited with %d" % result.returncode
        return self.settle() or self.next_works()

    def crash_in_recover(self, number):
        """Crash at the point, then in recover at each of its points."""
        self.operation.crash(number)
        point = 0
        while True:
            point += 1
            self.bench.put_up("crashed")
            result = self.bench.run(["recover"], self.bench.options.fault_program,
                                    SP_FAULT="%d:exit" % point)
            if result.returncode != 99:
                return
            self.bench.judge("%s: crash at %d, recover crashes at %d" % (self.name, number, point),
                             self.settle())

    def points_missing(self):
        """Calls that change something and pass no fault point, by the eyes of strace."""
        log, trace = os.path.join(self.bench.top, "log"), os.path.join(self.bench.top, "strace")
        if os.path.exists(log):
            os.unlink(log)
        self.bench.put_up(self.operation.before)
        self.bench.run(self.command, self.bench.options.fault_program, prefix=[
            "strace", "-o", trace, "-e", "trace=" + ",".join(sum(SEEN.values(), []))],
            SP_FAULT_LOG=log)
        counts = dict.fromkeys(SEEN, 0)
        with open(trace, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                match = re.match(r"(\w+)\((.*)\) += ", line)
                if match is None or "ENOSYS" in line or log in line:
                    continue
                for kind, calls in SEEN.items():
                    if match.group(1) in calls and (kind != "open" or "O_CREAT" in line):
                        counts[kind] += 1
        logged = dict.fromkeys(SEEN, 0)
        with open(log, encoding="utf-8") as stream:
            for line in stream:
                call = line.split(" ", 2)[1]
                logged[POINTS.get(call, call)] = logged.get(POINTS.get(call, call), 0) + 1
        # a point that is asked about before a fallback stands for both calls
        missing = ["%s: %d calls, %d points" % (kind, counts[kind], logged[kind])
                   for kind in SEEN if counts[kind] > logged[kind] and not (
                       kind == "rename" and self.bench.options.old_kernel)]
        return "; ".join(missing) or None

    def kill_at(self, call):
        """SIGKILL at a system call of the shipped program; False when it was not met.

        call: "NAME NUMBER"; strace counts the calls of each name on their own.
        """
        self.bench.put_up(self.operation.before)
        result = self.bench.run(self.command, prefix=[
            "strace", "-o", "/dev/null", "-e", "trace=all",
            "-e", "inject=%s:signal=SIGKILL:when=%s" % tuple(call.split())])
        if result.returncode in (0, 1, 2, 3, 4, 5):
            return False
        self.bench.judge("%s: killed at system call %s" % (self.name, call),
                         self.settle() or self.next_works())
        return True

    def system_calls(self):
        """["NAME NUMBER"] of a run that nobody disturbs; others differ by some calls."""
        log = os.path.join(self.bench.top, "strace")
        self.bench.put_up(self.operation.before)
        self.bench.run(self.command, prefix=["strace", "-o", log])
        with open(log, encoding="utf-8", errors="replace") as stream:
            return ["%s %d" % point for point in strace.kill_points(stream)[0]]


def check_order(calls):
    """Every byte is fsynced before the rename that exposes it, every directory after."""
    synced, renamed = set(), []
    for call, where in calls:
        if call == "fsync":
            synced.add(where)
            renamed = [path for path in renamed if os.path.dirname(path) != where]
        elif call == "write" and where in synced:
            synced.discard(where)
        elif call == "rename" and "/work/" not in where and TEMPORARY not in where:
            beginning = os.path.join(os.path.dirname(where), "." + os.path.basename(where))
            if not any(path.startswith(beginning + TEMPORARY) for path in synced):
                if not where.endswith("storpool.py"):  # taken out: there is no content
                    return "%s is renamed before it is synced" % where
            renamed.append(where)
    return "directories of %s are not synced" % renamed if renamed else None


def tasks_of(bench):
    """(operation, kind, number, errno or system call)"""
    options, tasks = bench.options, []
    for index, operation in enumerate(bench.operations):
        if options.only not in (None, operation.name):
            continue
        numbers = range(1, len(operation.calls) + 1, options.quick)
        tasks.append((index, "order", 0, ""))
        if shutil.which("strace"):
            tasks.append((index, "points", 0, ""))
        tasks += [(index, "full", number, "") for number in numbers]
        tasks += [(index, "errno", number, errno) for errno in ERRNOS for number in numbers]
        tasks += [(index, "short", number, "") for number in numbers
                  if operation.calls[number - 1][0] == "write"]
        tasks += [(index, "crash", number, "") for number in numbers]
        tasks += [(index, "recover", number, "") for number in numbers]
        if options.kill:
            calls = Points(bench, operation).system_calls()
            tasks += [(index, "kill", 0, call) for call in calls[::options.kill]]
    return tasks


def work(bench, task):
    index, kind, number, errno = task
    operation = bench.operations[index]
    points = Points(bench, operation)
    calls = len(operation.calls)
    where = "%d (%s %s)" % (number, *operation.calls[number - 1]) if number <= calls else ""
    if kind == "order":
        bench.judge("%s: order of %d calls" % (operation.name, calls),
                    check_order(operation.calls))
        return operation.name, "order of %d calls" % calls
    if kind == "points":
        bench.judge("%s: fault points" % operation.name, points.points_missing())
        return operation.name, "every changing call has a fault point"
    if kind == "full":
        bench.judge("%s: no room from %s" % (operation.name, where), points.no_room_from(number))
        return operation.name, "no room from each on"
    if kind == "errno":
        bench.judge("%s: %s at %s" % (operation.name, errno, where),
                    points.fail_at(number, errno))
        return operation.name, "%s at each" % errno
    if kind == "short":
        bench.judge("%s: short write at %s" % (operation.name, where), points.short_at(number))
        return operation.name, "short write at each write"
    if kind == "crash":
        bench.judge("%s: crash at %s" % (operation.name, where), points.crash_at(number))
        return operation.name, "crash at each"
    if kind == "recover":
        points.crash_in_recover(number)
        return operation.name, "crash at each, and at each of recover's"
    if points.kill_at(errno):
        return operation.name, "SIGKILL at each system call"
    bench.judge("%s: not at %s" % (operation.name, errno), None)
    return operation.name, "calls that this run did not make"


def main():
    parser = benches.arguments(__doc__.splitlines()[0])
    parser.add_argument("--kill", type=int, default=1, metavar="N",
                        help="only every Nth of the system calls; 0: none")
    options = parser.parse_args()
    if options.git and options.site:
        parser.error("give one of --git and --site")
    skipped = []
    if options.kill and not shutil.which("strace"):
        options.kill = 0
        skipped.append("SIGKILL at system calls: there is no strace")
    return benches.run(options, tasks_of, work, skipped)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
