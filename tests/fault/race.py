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

import os
import signal
import subprocess
import sys

import bench as benches

TEXT = b"# of the upgraded package\n"
MTIME = 1600000000123456789


class Race:
    def __init__(self, bench, operation):
        self.bench, self.operation, self.calls = bench, operation, operation.calls
        old, new = operation.old, operation.new
        self.targets = sorted(path for path in set(old) | set(new) if path.endswith(".py")
                              and self.content(old.get(path)) != self.content(new.get(path)))
        # A work directory that is there is opened, and settled, before the plan is made; a new one
        # after it.
        synced = [number for number, (call, _) in enumerate(self.calls, 1) if call == "fsync"]
        self.planned = 1 if operation.before == "original" else synced[0] - 1

    @staticmethod
    def content(state):
        return state.content if state else None

    def start(self, command, number):
        """The program, stopped before its Nth call; None when it ended before."""
        log = os.path.join(self.bench.top, "log")
        if os.path.exists(log):
            os.unlink(log)
        process = subprocess.Popen(self.bench.argv(command, self.bench.options.fault_program),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True,
                                   env=dict(os.environ, SP_FAULT="%d:stop" % number,
                                            SP_FAULT_LOG=log))
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            with open(log, encoding="utf-8") as stream:
                self.stopped_at = stream.read().splitlines()[-1].split(" ", 2)[1:]
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
        now = benches.look(self.bench.site)
        if not with_times:
            now = benches.without_new_times(now, self.operation.old)
        skip = {target, os.path.dirname(target)}    # its directory has another time
        differs = [path for path in sorted(set(now) | set(expected))
                   if path not in skip and now.get(path) != expected.get(path)]
        return "not as it should be: %s" % differs if differs else None

    def is_in_place(self, target, number):
        """Whether the program had put its own at the name before its Nth call."""
        path = os.path.join(self.bench.site, target)
        return any(call == "rename" and where == path for call, where in self.calls[:number - 1])

    def is_open(self, target):
        """Whether the program stands between its last look at the file and the rename over it.

        That can't be closed where two names can't be exchanged (SECURITY.md).
        """
        return bool(self.bench.options.old_kernel) and target in self.operation.old \
            and target in self.operation.new \
            and self.stopped_at == ["rename", os.path.join(self.bench.site, target)]

    def race(self, target, number):
        bench, operation = self.bench, self.operation
        bench.put_up(operation.before)
        process = self.start(operation.command, number)
        if process is None:
            return "it ended before call %d" % number
        self.upgrade(target)
        status, err = self.go_on(process)
        if self.is_open(target):
            now = benches.without_new_times(benches.look(bench.site), operation.old)
            return None if status == 0 and now == operation.new else "status %d" % status
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
        return self.rest(target, operation.old, True) or bench.leftovers()

    def settled(self):
        """What is left for the next writing command to clear away is cleared away by it."""
        result = self.bench.run(["recover"])
        if result.returncode:
            return "recover says %d" % result.returncode
        return self.bench.leftovers()

    def race_with_recover(self, target, crash, number):
        """Crash before a call; recover stops before its Nth. None: it has no such call."""
        bench, operation = self.bench, self.operation
        bench.put_up("crashed")
        process = self.start(["recover"], number)
        if process is None:
            return None
        self.upgrade(target)
        status, err = self.go_on(process)
        what = "%s: crash at %d, %s replaced at call %d of recover" % (
            operation.name, crash, target, number)
        if self.is_open(target):
            bench.judge(what, None if status == 0 and benches.look(bench.site) == operation.old
                        else "status %d" % status, "replaced at recover's rename: overwritten")
            return True
        problem = self.lost(target)
        if not problem and status not in (0, 3, 5):
            problem = "recover says %d: %s" % (status, err)
        if not problem and status:
            result = bench.run(["recover", "--force"])
            if result.returncode:
                problem = "recover --force says %d: %s" % (result.returncode, result.stderr)
        bench.judge(what, problem or self.lost(target)
                    or self.rest(target, operation.old, True) or bench.leftovers())
        return True

    def renames(self):
        """The numbers of the calls by which a target gets its new content."""
        return [number for number, (call, where) in enumerate(self.calls, 1)
                if call == "rename" and where.startswith(self.bench.site)]


def tasks_of(bench):
    """(operation, target, call) and (operation, target, crash before this call)"""
    step, tasks = bench.options.quick, []
    for index, operation in enumerate(bench.operations):
        if bench.options.only not in (None, operation.name):
            continue
        race = Race(bench, operation)
        for offset, target in enumerate(race.targets):
            tasks += [(index, target, number, False)
                      for number in range(1 + offset % step, len(operation.calls) + 1, step)]
        tasks += [(index, target, number + 1, True) for number in race.renames()[::step]
                  for target in race.targets]
    return tasks


def work(bench, task):
    index, target, number, in_recover = task
    operation = bench.operations[index]
    race = Race(bench, operation)
    if in_recover:
        operation.crash(number)
        point = 1
        while race.race_with_recover(target, number, point):
            point += bench.options.quick
        return operation.name, "%d files, replaced during recover" % len(race.targets)
    problem = race.race(target, number)
    bench.judge("%s: %s replaced at call %d (%s %s)" % (
        operation.name, target, number, *operation.calls[number - 1]), problem,
                "replaced at the rename over it: overwritten" if race.is_open(target) else None)
    return operation.name, "%d files, replaced before a call" % len(race.targets)


def main():
    options = benches.arguments(__doc__.splitlines()[0]).parse_args()
    return benches.run(options, tasks_of, work)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
