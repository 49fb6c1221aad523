#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A package upgrade in the middle of install, uninstall and rollback, and of recover.

    tests/fault/race.py --program PROGRAM --fault-program PROGRAM [--git DIR | --site DIR]
                         [--quick N]

The fault program (see run.py) stops before its Nth changing call; a target is replaced, as dpkg and
rpm do it (a new file, renamed over the old name), and the program goes on: for every N and every
target. Whatever stood at the target's name before the program put its own there is an upgrade that
it did not plan for: the upgrade's file stays, everything else is as it was, and the exit status is
3. What is replaced after that is none of its business: the file stays, and all else is done; and so
before the plan is made. Then an interrupted run is settled by recover while the same happens.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from run import Bench, Operation, collect, from_package_index, leftovers, snapshot, \
    without_new_times

TEXT = b"# of the upgraded package\n"
MTIME = 1600000000123456789


class Race:
    def __init__(self, bench, operation, calls):
        self.bench, self.operation, self.calls = bench, operation, calls
        changed = {path for path in set(operation.old) | set(operation.new)
                   if operation.old.get(path, (0,))[0] & 0o170000 != 0o040000
                   and operation.old.get(path, ())[4:5] != self.content(operation.new.get(path))}
        self.targets = sorted(path for path in changed if path.endswith(".py"))
        # A work directory that is there is opened, and settled, before the plan is made; a new one
        # after it.
        synced = [number for number, (call, _) in enumerate(calls, 1) if call == "fsync"]
        self.planned = 1 if operation.before == "original" else synced[0] - 1

    @staticmethod
    def content(entry):
        return entry[-2:-1] if entry else ()

    def start(self, command, number):
        """The program, stopped before its Nth call; None when it ended before."""
        argv = [self.bench.options.fault_program, "-L", self.bench.site, "-W", self.bench.work,
                "-D", self.bench.options.data, "--no-groups"] + command
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True,
                                   env=dict(os.environ, SP_FAULT="%d:stop" % number))
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            return process
        process.returncode = 0
        process.stderr.close()
        return None

    @staticmethod
    def go_on(process):
        process.send_signal(signal.SIGCONT)
        _, err = process.communicate(timeout=60)
        return process.returncode, err.strip()

    def upgrade(self, target):
        """As a package manager does it."""
        path = os.path.join(self.bench.site, target)
        with open(path + ".dpkg-new", "wb") as out:
            out.write(TEXT)
        os.chmod(path + ".dpkg-new", 0o600)
        os.utime(path + ".dpkg-new", ns=(MTIME, MTIME))
        os.rename(path + ".dpkg-new", path)

    def lost(self, target):
        path = os.path.join(self.bench.site, target)
        if not os.path.lexists(path):
            return "the upgrade's %s is gone" % target
        with open(path, "rb") as stream:
            if stream.read() != TEXT:
                return "the upgrade's %s was overwritten" % target
        st = os.lstat(path)
        if st.st_mtime_ns != MTIME or st.st_mode & 0o7777 != 0o600:
            return "the upgrade's %s was touched" % target
        return None

    def rest(self, target, expected, with_times):
        """What besides the target is not as expected."""
        now = snapshot(self.bench.site)
        if not with_times:
            now = without_new_times(now, self.operation.old)
        skip = {target, os.path.dirname(target)}    # its directory has another time
        differs = [path for path in sorted(set(now) | set(expected))
                   if path not in skip and now.get(path) != expected.get(path)]
        return "not as it should be: %s" % differs if differs else None

    def is_in_place(self, target, number):
        """Whether the program had put its own at the name before its Nth call."""
        path = os.path.join(self.bench.site, target)
        return any(call == "rename" and where == path for call, where in self.calls[:number - 1])

    def race(self, target, number):
        bench, operation = self.bench, self.operation
        bench.put_up(operation.before)
        process = self.start(operation.command, number)
        if process is None:
            return "it ended before call %d" % number
        self.upgrade(target)
        status, err = self.go_on(process)
        problem = self.lost(target)
        if problem:
            return problem
        if number < self.planned or self.is_in_place(target, number):
            if status != 0:
                return "status %d: %s" % (status, err)
            return self.rest(target, operation.new, False) or self.settled()
        if status != 3:
            return "status %d: %s" % (status, err)
        if os.path.join(bench.site, target) not in err:
            return "the message does not name the file: %s" % err
        return self.rest(target, operation.old, True) or leftovers(bench)

    def settled(self):
        """What is left for the next writing command to clear away is cleared away by it."""
        result = self.bench.run(["recover"])
        return "recover says %d" % result.returncode if result.returncode else leftovers(self.bench)

    def race_with_recover(self, target, crash, number):
        """Crash before a call; recover stops before its Nth. None: it has no such call."""
        bench, operation = self.bench, self.operation
        bench.put_up("crashed")
        process = self.start(["recover"], number)
        if process is None:
            return None
        self.upgrade(target)
        status, err = self.go_on(process)
        problem = self.lost(target)
        if not problem and status not in (0, 3, 5):
            problem = "recover says %d: %s" % (status, err)
        if not problem and status:
            result = bench.run(["recover", "--force"])
            if result.returncode:
                problem = "recover --force says %d: %s" % (result.returncode, result.stderr)
        what = "%s: crash at %d, %s replaced at call %d of recover" % (
            operation.command[0], crash, target, number)
        bench.judge(what, problem or self.lost(target)
                    or self.rest(target, operation.old, True) or leftovers(bench))
        return True

    def every(self, step):
        name = self.operation.command[0]
        for offset, target in enumerate(self.targets):
            for number in range(1 + offset % step, len(self.calls) + 1, step):
                self.bench.judge("%s: %s replaced at call %d (%s %s)" % (
                    name, target, number, *self.calls[number - 1]), self.race(target, number))

    def every_recover(self, step):
        renames = [number for number, (call, where) in enumerate(self.calls, 1)
                   if call == "rename" and where.startswith(self.bench.site)]
        for crash in [number + 1 for number in renames][::step]:
            self.bench.put_up(self.operation.before)
            self.bench.run(self.operation.command, self.bench.options.fault_program,
                           SP_FAULT="%d:exit" % crash)
            self.bench.keep("crashed")
            for target in self.targets:
                number = 1
                while self.race_with_recover(target, crash, number):
                    number += step


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="./sp-openstack")
    parser.add_argument("--fault-program", required=True)
    parser.add_argument("--git")
    parser.add_argument("--site")
    parser.add_argument("--data", default=".")
    parser.add_argument("--quick", type=int, default=1, help="only every Nth point")
    options = parser.parse_args()
    started, table = time.time(), []
    with tempfile.TemporaryDirectory(prefix="sp-race-") as top:
        for name in ("manifests", "drivers"):
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
        for command, before in (["install"], "original"), (["uninstall"], "after-install"), \
                (["rollback"], "after-install"):
            operation = Operation(bench, command, before)
            race = Race(bench, operation, operation.calls())
            for what, work in (("replaced before a call", race.every),
                               ("replaced during recover", race.every_recover)):
                points, held = bench.points, bench.held
                work(options.quick)
                table.append((command[0], "%d files, %s" % (len(race.targets), what),
                              bench.points - points, bench.held - held))
    print("%-10s  %-34s  %7s  %7s" % ("command", "what", "points", "held"))
    for row in table:
        print("%-10s  %-34s  %7d  %7d" % row)
    print("in %d s" % (time.time() - started))
    print("%d passed, %d failed, 0 skipped" % (bench.held, len(bench.failures)))
    return 1 if bench.failures or not bench.points else 0


if __name__ == "__main__":
    sys.exit(main())
