#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Other hands in the middle of install, uninstall, rollback and reapply, and of recover.

    tests/fault/race.py --program PROGRAM --fault-program PROGRAM [--git DIR | --site DIR]
                         [--quick N]

The fault program (see run.py) stops before its Nth changing call; a target is replaced, as dpkg and
rpm do it (a new file, renamed over the old name), and the program goes on: for every N and every
target. Whatever stood at the target's name before the program put its own there is an upgrade that
it did not plan for: the upgrade's file stays, everything else is as it was, and the exit status is
3. What is replaced after that is none of its business: the file stays, and all else is done; and so
before the plan is made. Then an interrupted run is undone by recover while the same happens.

In the same way, before every call: the metadata of a target is changed (it stays changed, whatever
becomes of the command); hard links of it are made and removed (that is nothing); the directory of
a package is moved away and another one put in its place, as a deployment does it (the one that is
there stays as it is put there, the one that was moved is entirely old or entirely new); and the
same command is run with another work directory (one of the two does it).
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import bench as benches

TEMPORARY = ".sp-openstack-"
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
        # The packages are locked before the directory of the transaction is made; the directories
        # are looked at for the last time before the journal is saved for the last time.
        self.locked = [number for number, (call, where) in enumerate(self.calls, 1)
                       if call == "mkdir" and re.search(r"/transactions/\d+$", where)][0]
        self.committed = [number for number, (call, where) in enumerate(self.calls, 1)
                          if call == "unlink" and where.endswith(".committed.json.new")][-1]

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
        if self.bytes_of(path) != TEXT:
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
        """Whether the program is between its last look at the file and the rename over it.

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
        if number < self.planned and operation.name == "rollback" and status != 0:
            # planned with the upgrade's file: files that depend on each other go together, or stay
            if not re.search("left as it is|nothing was rolled back", err):
                return "status %d: %s" % (status, err)
            return self.settled()
        if number < self.planned and operation.name == "uninstall" and status == 3 \
                and "belongs to a driver that is not ours" in err:
            # the upgrade's module is somebody else's: its entry stays, too
            return self.rest(target, operation.old, True) or self.settled()
        if number < self.planned and operation.name == "reapply":
            # planned with the upgrade's file, in which nothing can be registered
            if status != 3 or "left alone" not in err:
                return "status %d: %s" % (status, err)
            return self.settled()
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
                if call == "rename" and where.startswith(self.bench.site)
                and TEMPORARY not in where]

    def own_rename(self, target):
        """The number of the target's own one, which no sample leaves out; empty if it has none."""
        return {number for number in self.renames()
                if self.calls[number - 1][1] == os.path.join(self.bench.site, target or "")}

    # ---- metadata

    def touch(self, target):
        path = os.path.join(self.bench.site, target)
        time.sleep(0.01)    # the change time is no finer than the kernel's tick
        os.chmod(path, 0o604)
        try:
            os.setxattr(path, "user.marked", b"by somebody else")
        except OSError:
            pass

    def touched(self, target):
        """What is wrong with it; the rest of its state is that of `tree`."""
        path = os.path.join(self.bench.site, target)
        if not os.path.exists(path):
            return "%s is gone" % target
        if os.lstat(path).st_mode & 0o7777 != 0o604:
            return "the mode that something else gave to %s is lost" % target
        if self.marks and "user.marked" not in os.listxattr(path):
            return "the attribute that something else gave to %s is lost" % target
        return None

    def race_metadata(self, target, number):
        bench, operation = self.bench, self.operation
        bench.put_up(operation.before)
        process = self.start(operation.command, number)
        if process is None:
            return "it ended before call %d" % number
        path = os.path.join(bench.site, target)
        self.marks = True
        if not os.path.exists(path):    # a module that is gone by now, or not there yet
            self.go_on(process)
            return None
        self.touch(target)
        self.marks = "user.marked" in os.listxattr(path)
        removed = operation.new.get(target) is None
        # before the transaction looks at it, it is simply what the file is like
        done = number < self.locked or self.is_in_place(target, number) or self.is_open(target)
        status, err = self.go_on(process)
        if status != (0 if done else 3):
            return "status %d: %s" % (status, err)
        if status == 0 and removed:
            return None if not os.path.exists(path) else "%s is there" % target
        text = operation.new if done else operation.old
        if bench.options.old_kernel and self.is_open(target):
            return None     # overwritten, as SECURITY.md says
        if self.content(benches.look(bench.site).get(target)) != self.content(text.get(target)):
            return "%s has another content" % target
        return self.touched(target) or self.rest(target, text, not done) or (
            self.settled() if done else bench.leftovers())

    # ---- hard links

    def race_link(self, target, number):
        """A backup by links is made, and another one removed: nothing was changed by that."""
        bench, operation = self.bench, self.operation
        bench.put_up(operation.before)
        path = os.path.join(bench.site, target)
        old, new = (os.path.join(bench.top, "now", name) for name in ("older", "newer"))
        if os.path.exists(path):
            os.link(path, old)
        process = self.start(operation.command, number)
        if process is None:
            return "it ended before call %d" % number
        time.sleep(0.01)    # the change time is no finer than the kernel's tick
        linked = os.path.exists(path)
        if os.path.exists(old):
            os.unlink(old)
        if linked:
            os.link(path, new)
            before = self.bytes_of(path)
        status, err = self.go_on(process)
        if status != 0:
            return "status %d: %s" % (status, err)
        if linked and self.bytes_of(new) != before:
            return "the backup was changed"
        return self.rest(target, operation.new, False) or self.settled()

    @staticmethod
    def bytes_of(path):
        with open(path, "rb") as stream:
            return stream.read()

    # ---- directories

    def race_directory(self, package, number):
        bench, operation = self.bench, self.operation
        bench.put_up(operation.before)
        process = self.start(operation.command, number)
        if process is None:
            return "it ended before call %d" % number
        here = os.path.join(bench.site, package)
        away = os.path.join(bench.top, "now", "away")
        os.rename(here, away)
        shutil.copytree(os.path.join(bench.top, operation.before, "site", package), here,
                        symlinks=True)
        given, (status, err) = benches.look(here), self.go_on(process)
        moved = benches.without_new_times(benches.look(away), self.below(operation.old, package))
        if number < self.locked:    # the transaction opens it after that
            if status != 0:
                return "status %d: %s" % (status, err)
            new = self.content_of(self.below(operation.new, package))
            return None if self.content_of(benches.look(here)) == new else "not integrated"
        if benches.look(here) != given:
            return "the directory that is there now was changed"
        done = number >= self.committed
        if status != (0 if done else 3):
            return "status %d: %s" % (status, err)
        expected = self.below(operation.new if done else operation.old, package)
        if done:
            expected = benches.without_new_times(expected, self.below(operation.old, package))
        if moved != expected and self.content_of(moved) != self.content_of(expected):
            return "what was moved away is half"
        for directory, _, files in os.walk(away):
            for name in files:
                if TEMPORARY in name and not done:
                    return "%s is left in %s" % (name, directory)
        return None

    @staticmethod
    def below(tree, package):
        """The part of a tree below a directory, by paths from there."""
        return {os.path.relpath(path, package) if path != package else "": state
                for path, state in tree.items()
                if path == package or path.startswith(package + "/")}

    def content_of(self, tree):
        return {path: self.content(state) for path, state in tree.items()
                if path.endswith(".py") or TEMPORARY in path}

    # ---- another work directory

    def race_second(self, number):
        bench, operation = self.bench, self.operation
        bench.put_up(operation.before)
        process = self.start(operation.command, number)
        if process is None:
            return "it ended before call %d" % number
        second, bench.work = bench.work, os.path.join(bench.top, "now", "second")
        # a work directory without a record has nothing to roll back or to integrate again
        instead = {"rollback": ["uninstall"], "reapply": ["install"]}
        other = bench.run(instead.get(operation.name, operation.command))
        bench.work = second
        status, err = self.go_on(process)
        # once all names are new the second may find nothing to do
        refused = other.returncode == 4 and "at work on" in other.stderr
        nothing = other.returncode == 0 and number > self.renames()[-1]
        if number >= self.locked and not refused and not nothing:
            return "the second ends with %d: %s" % (other.returncode, other.stderr.strip())
        if number < self.locked and other.returncode != 0:
            return "the second, which is alone, ends with %d: %s" % (other.returncode,
                                                                     other.stderr.strip())
        if status not in ((0,) if number >= self.locked else (0, 3)):
            return "status %d: %s" % (status, err)
        now = self.content_of(benches.look(bench.site))
        if now != self.content_of(operation.new):
            return "the tree is not as either of them leaves it"
        return self.settled()


def tasks_of(bench):
    """(operation, kind, target, call), and with kind "recover" a crash before this call"""
    step, tasks = bench.options.quick, []
    for index, operation in enumerate(bench.operations):
        if bench.options.only not in (None, operation.name):
            continue
        race = Race(bench, operation)
        packages = sorted({target.split("/")[0] for target in race.targets})
        for kind, targets in (("file", race.targets), ("metadata", race.targets),
                              ("link", race.targets), ("directory", packages), ("second", [None])):
            for offset, target in enumerate(targets):
                numbers = set(range(1 + offset % step, len(operation.calls) + 1, step))
                tasks += [(index, kind, target, number)
                          for number in sorted(numbers | race.own_rename(target))]
        tasks += [(index, "recover", target, number + 1) for number in race.renames()[::step]
                  for target in race.targets]
    return tasks


def work(bench, task):
    index, kind, target, number = task
    operation = bench.operations[index]
    race = Race(bench, operation)
    if kind == "recover":
        operation.crash(number)
        point = 1
        while race.race_with_recover(target, number, point):
            point += bench.options.quick
        return operation.name, "%d files, replaced during recover" % len(race.targets)
    call = "call %d (%s %s)" % (number, *operation.calls[number - 1])
    if kind == "metadata":
        bench.judge("%s: metadata of %s changed at %s" % (operation.name, target, call),
                    race.race_metadata(target, number))
        return operation.name, "metadata of %d files, changed before a call" % len(race.targets)
    if kind == "link":
        bench.judge("%s: links of %s at %s" % (operation.name, target, call),
                    race.race_link(target, number))
        return operation.name, "links of %d files, made and removed before a call" % len(
            race.targets)
    if kind == "directory":
        bench.judge("%s: %s replaced at %s" % (operation.name, target, call),
                    race.race_directory(target, number))
        return operation.name, "directories of packages, replaced before a call"
    if kind == "second":
        bench.judge("%s: a second work directory at %s" % (operation.name, call),
                    race.race_second(number))
        return operation.name, "the same with another work directory, before a call"
    problem = race.race(target, number)
    bench.judge("%s: %s replaced at %s" % (operation.name, target, call), problem,
                "replaced at the rename over it: overwritten" if race.is_open(target) else None)
    return operation.name, "%d files, replaced before a call" % len(race.targets)


def main():
    options = benches.arguments(__doc__.splitlines()[0]).parse_args()
    return benches.run(options, tasks_of, work)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
