#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes the power away at every write that reaches the disk.

    tests/power/run.py --program PROGRAM --fault-program PROGRAM --recorder PROGRAM --nosync LIBRARY
                       [--git DIR | --site DIR] [--release NAME] [--file-systems NAMES]
                    [--only COMMAND] [--quick N]

On each file system - ext4, XFS, btrfs - install, uninstall, rollback, reapply and recover of three
components run on a disk that records what is written to it and when its cache is flushed
(recorder.c). Then, for every write, the disk is made as a loss of power at that moment may leave
it: with all that was written so far; without the writes since the last flush; with the last write
torn; with one of them lost; with a part of them, by chance. Each such disk is mounted (the file
system replays its own journal), `sp-openstack recover` runs, and the tree must be entirely old or
entirely new, and new once the command had returned; no temporary file is left, and the next install
works.

At the end the same is done with fsync(2) taken out of the program: that must be found out.

Needs root, loop devices, FUSE and the mkfs programs; what is missing is skipped by name.
"""

import argparse
import atexit
import collections
import ctypes
import multiprocessing
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(os.path.dirname(HERE), "fault"))
import bench as benches

SITE = "usr/lib/python2.7/dist-packages"
WORK = "var/lib/sp-openstack"
WRITE, FLUSH, MARK, ZERO = 1, 2, 3, 4
SECTOR = 512
MIB = 1 << 20

# the smallest that mkfs makes with its own choices, and its arguments
FILE_SYSTEMS = {
    "ext4": (64 * MIB, ["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0"], []),
    "xfs": (320 * MIB, ["mkfs.xfs", "-q", "-f"], ["nouuid"]),
    "btrfs": (160 * MIB, ["mkfs.btrfs", "-q", "-f"], []),
}
# A superblock of several sectors with one checksum, of which one was lost: a copy of it is taken.
REPAIRS = {"ext4": ["e2fsck", "-fy"], "btrfs": ["btrfs", "rescue", "super-recover", "-y"]}
JOURNALS = ("none", "unwritten", "prepared", "applying", "committed", "aborted")
COMMANDS = ("install", "uninstall", "rollback", "reapply", "recover")


def run(*argv, **kwargs):
    return subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **kwargs).stdout.strip()


def private_mounts():
    """From here on no mount of this process is seen by others, and all end with it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x00020000) != 0:  # CLONE_NEWNS, unshare(2)
        raise OSError(ctypes.get_errno(), "unshare")
    run("mount", "--make-rprivate", "/")


class Mounted:
    """A file system in an image, mounted by a loop device of its own."""

    def __init__(self, kind, image, where):
        self.kind, self.image, self.where, self.device = kind, image, where, None

    def __enter__(self):
        self.device = run("losetup", "--find", "--show", self.image)
        try:
            try:
                self.mount()
            except subprocess.CalledProcessError:
                if self.kind not in REPAIRS:
                    raise
                subprocess.run(REPAIRS[self.kind] + [self.device], check=False,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
                self.mount()
        except BaseException:
            run("losetup", "--detach", self.device)
            raise
        return self.where

    def mount(self):
        options = FILE_SYSTEMS[self.kind][2]
        run("mount", "-t", self.kind, *(["-o", ",".join(options)] if options else []),
            self.device, self.where)

    def __exit__(self, *_):
        run("umount", self.where)
        run("losetup", "--detach", self.device)


class Recording:
    """The same on a disk that records."""

    def __init__(self, recorder, kind, image, log, top):
        self.disk = os.path.join(top, "fuse")
        self.where = os.path.join(top, "root")
        os.makedirs(self.disk, exist_ok=True)
        self.process = subprocess.Popen([recorder, image, log, self.disk, "-f", "-s"],
                                        stdin=subprocess.DEVNULL)
        deadline = time.time() + 10
        while not os.path.exists(self.disk + "/disk"):
            if self.process.poll() is not None or time.time() > deadline:
                raise OSError("the recorder does not start")
            time.sleep(0.01)
        self.mounted = Mounted(kind, self.disk + "/disk", self.where)

    def mark(self, text):
        with open(self.disk + "/mark", "w", encoding="ascii") as stream:
            stream.write(text)

    def __enter__(self):
        self.mounted.__enter__()
        return self

    def __exit__(self, *_):
        try:
            self.mounted.__exit__()
        finally:
            run("umount", self.disk)
            self.process.wait(timeout=30)


def read_log(path):
    """[(kind, offset, bytes or length)], in their order."""
    with open(path, "rb") as stream:
        data = stream.read()
    records, at = [], 0
    while at < len(data):
        kind, offset, length, _ = struct.unpack_from("=4Q", data, at)
        at += 32
        if kind in (WRITE, MARK):
            records.append((kind, offset, data[at:at + length]))
            at += length
        else:
            records.append((kind, offset, length))
    return records


def apply(stream, record, part=None):
    kind, offset, what = record
    stream.seek(offset)
    if kind == WRITE:
        stream.write(what if part is None else what[:part])
    elif part is None:
        stream.write(bytes(what))


def moments(records):
    """What a loss of power may leave.

    Yields (number of the last record, writes that made it, bytes of the last one or None, whether
    the command had returned, what this is), and ("stable", writes) when a flush made writes
    durable.
    """
    window, returned, begun = [], False, False
    chance = random.Random(1)
    for number, record in enumerate(records):
        if record[0] == MARK:
            begun |= record[2] == b"begin"
            if record[2] == b"returned":
                returned = True
                yield number, list(window), None, True, "all"
                yield number, [], None, True, "none since the flush"
            continue
        if record[0] == FLUSH:
            yield "stable", window
            window = []
            continue
        window.append(record)
        if not begun:
            continue
        yield number, list(window), None, returned, "all"
        yield number, window[:-1], None, returned, "all but the last"
        if record[0] == WRITE and len(record[2]) > SECTOR:
            sectors = len(record[2]) // SECTOR
            yield number, list(window), SECTOR * chance.randrange(1, sectors), returned, "torn"
        if len(window) > 1:
            yield number, [record], None, returned, "the last alone"
            lost = chance.randrange(len(window) - 1)
            yield number, window[:lost] + window[lost + 1:], None, returned, "one lost"
        if len(window) > 2:
            some = [one for one in window if chance.random() < 0.5]
            yield number, some, None, returned, "by chance"


class Scenario:
    """One command on one file system."""

    def __init__(self, options, kind, command, top, nosync=False):
        self.options, self.kind, self.command, self.nosync = options, kind, command, nosync
        self.top = tempfile.mkdtemp(prefix="%s-%s-" % (kind, command), dir=top)
        self.base = os.path.join(self.top, "base.img")
        self.root = os.path.join(self.top, "root")
        self.tried = self.held = 0
        self.journals = collections.Counter()
        self.problems = []
        os.makedirs(self.root)

    def tool(self, *command, program=None, **env):
        own = ["--no-groups"] if command[0] == "install" else []
        done = subprocess.run([program or self.options.program, "-R", self.root, "-D",
                               self.options.data, *command, *own],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
                              env=dict(os.environ, **env))
        if done.returncode == 2:  # this program is wrong, not the one that is tested
            raise SystemExit("%s: %s" % (command, done.stdout))
        return done

    def must(self, *command, **kwargs):
        done = self.tool(*command, **kwargs)
        if done.returncode:
            raise SystemExit("%s fails without any fault: %s" % (command, done.stdout))

    def site(self):
        return os.path.join(self.root, SITE)

    def make(self):
        """The disk before the command, and what is in it."""
        size, mkfs, _ = FILE_SYSTEMS[self.kind]
        with open(self.base, "wb") as stream:
            stream.truncate(size)
        run(*mkfs, self.base)
        with Mounted(self.kind, self.base, self.root):
            os.makedirs(os.path.join(self.root, "var/lib"))
            shutil.copytree(self.options.trees, self.site(), symlinks=True)
            self.original = benches.look(self.site())
            if self.command in ("uninstall", "rollback", "reapply"):
                self.must("install")
            if self.command == "reapply":
                self.upgrade()
            if self.command == "recover":
                self.tool("install", program=self.options.fault_program,
                          SP_FAULT="%d:exit" % self.options.crash)

    def upgrade(self):
        """As a package manager does it: a new file, renamed over the old name."""
        for path, state in self.original.items():
            old, new = (os.path.join(top, path) for top in (self.options.trees, self.site()))
            if os.path.isfile(old) and benches.look(self.site())[path].content != state.content:
                shutil.copy2(old, new + ".dpkg-new")
                os.rename(new + ".dpkg-new", new)

    def record(self):
        """Runs the command; the trees before and after it, and what reached the disk."""
        log, image = os.path.join(self.top, "log"), os.path.join(self.top, "disk.img")
        shutil.copyfile(self.base, image)
        env = {"LD_PRELOAD": self.options.nosync} if self.nosync else {}
        with Recording(self.options.recorder, self.kind, image, log, self.top) as disk:
            self.old = benches.look(self.site())
            disk.mark("begin")
            self.must(self.command, **env)
            disk.mark("returned")
            self.new = benches.look(self.site())
            if self.command == "recover":
                self.old = self.original
        os.unlink(image)
        return read_log(log)

    def which(self):
        now = benches.look(self.site())
        if now == self.old:
            return "old"
        if (benches.without_new_times(now, self.old) ==
                benches.without_new_times(self.new, self.old)):
            return "new"
        both = set(now) | set(self.old)
        return "neither old nor new: %s" % [path for path in sorted(both)
                                            if now.get(path) != self.old.get(path)][:4]

    def leftovers(self):
        for directory, names, files in os.walk(self.site()):
            for name in files + names:
                if "sp-openstack-" in name:
                    return "the temporary file %s is left" % os.path.join(directory, name)
        staged = os.path.join(self.root, WORK, "work")
        if os.path.isdir(staged) and os.listdir(staged):
            return "something is left in the staging directory: %s" % os.listdir(staged)
        return None

    def journal(self):
        """How far the latest transaction had come, by its journal: one of JOURNALS."""
        top = os.path.join(self.root, WORK, "transactions")
        numbers = sorted(int(name) for name in os.listdir(top)) if os.path.isdir(top) else []
        if not numbers:
            return "none"
        names = os.listdir(os.path.join(top, str(numbers[-1])))
        for state in ("committed", "aborted"):
            if state + ".json" in names:
                return state
        if "journal.json" not in names:
            return "unwritten"
        with open(os.path.join(top, str(numbers[-1]), "journal.json"), "rb") as stream:
            return "applying" if b'"applying"' in stream.read() else "prepared"

    def judge(self, image, returned):
        """What is wrong after a loss of power that left this disk; None if nothing is."""
        try:
            with Mounted(self.kind, image, self.root):
                self.journals[self.journal()] += 1
                done = self.tool("recover")
                if done.returncode:
                    return "recover: status %d: %s" % (done.returncode, done.stdout.strip())
                which = self.which()
                if which not in ("old", "new"):
                    return which
                if returned and which != ("old" if self.command == "recover" else "new"):
                    return "the command had returned, and the tree is %s" % which
                problem = self.leftovers()
                if problem:
                    return problem
                again = "reapply" if self.command == "reapply" else "install"
                done = self.tool(again, "-q")
                if done.returncode:
                    return "the next command: status %d: %s" % (done.returncode,
                                                                done.stdout.strip())
                done = self.tool("check")
                return "check says %d afterwards" % done.returncode if done.returncode else None
        except subprocess.CalledProcessError as error:
            return "%s: %s" % (error.cmd[0], error.output.strip())

    def replay(self, records):
        stable, image = os.path.join(self.top, "stable.img"), os.path.join(self.top, "now.img")
        shutil.copyfile(self.base, stable)
        seen, count = set(), 0
        with open(stable, "r+b") as durable:
            for moment in moments(records):
                if moment[0] == "stable":
                    for record in moment[1]:
                        apply(durable, record)
                    durable.flush()
                    seen.clear()
                    continue
                number, writes, part, returned, what = moment
                key = (tuple(id(one) for one in writes), part, returned)
                if key in seen:
                    continue
                seen.add(key)
                count += 1
                # the moment at which the command returns is never left out
                if count % self.options.quick and records[number][0] != MARK:
                    continue
                run("cp", "--sparse=always", stable, image)
                with open(image, "r+b") as disk:
                    for one in writes:
                        apply(disk, one, part if one is writes[-1] else None)
                self.tried += 1
                problem = self.judge(image, returned)
                self.held += not problem
                if problem:
                    self.problems.append("%s, %s, record %d of %d (%s): %s" % (
                        self.kind, self.command, number, len(records), what, problem))
                if self.nosync and problem:
                    return

    def run(self):
        self.make()
        records = self.record()
        self.replay(records)
        shutil.rmtree(self.top)
        writes = sum(1 for record in records if record[0] in (WRITE, ZERO))
        flushes = sum(1 for record in records if record[0] == FLUSH)
        return (self.kind, self.command, self.nosync, writes, flushes, self.tried, self.held,
                self.journals, self.problems)


def end_when_told():
    """In a worker: SIGTERM ends it, where the parent cleans up first."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def work(task):
    options, kind, command, nosync = task
    scenario = Scenario(options, kind, command, options.top, nosync)
    try:
        return scenario.run()
    except (OSError, subprocess.SubprocessError, SystemExit) as error:
        text = getattr(error, "output", None) or repr(error)
        return kind, command, nosync, 0, 0, 1, 0, {}, ["%s, %s: %s" % (kind, command, text)]


def count_calls(options):
    """The number of calls that change something, of an install: recover starts in the middle."""
    with tempfile.TemporaryDirectory(dir=options.top) as top:
        shutil.copytree(options.trees, os.path.join(top, SITE))
        os.makedirs(os.path.join(top, "var/lib"))
        log = os.path.join(top, "calls")
        subprocess.run([options.fault_program, "-R", top, "-D", options.data, "--no-groups",
                        "install"], env=dict(os.environ, SP_FAULT_LOG=log), check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(log, encoding="utf-8") as stream:
            calls = [line.split()[1] for line in stream]
        renames = [number for number, call in enumerate(calls, 1) if call == "rename"]
        return renames[len(renames) // 2 + 1]


def missing():
    if os.geteuid() != 0:
        return "not root"
    if not os.path.exists("/dev/fuse") or not os.path.exists("/dev/loop-control"):
        return "no FUSE or no loop devices here"
    try:
        with tempfile.TemporaryDirectory() as top:
            image = os.path.join(top, "image")
            with open(image, "wb") as stream:
                stream.truncate(MIB)
            run("losetup", "--detach", run("losetup", "--find", "--show", image))
    except (OSError, subprocess.CalledProcessError) as error:
        return "no loop device can be had: %s" % error
    return None


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--fault-program", required=True)
    parser.add_argument("--recorder", required=True)
    parser.add_argument("--nosync", required=True)
    parser.add_argument("--data", default=".")
    parser.add_argument("--git")
    parser.add_argument("--site")
    parser.add_argument("--release", choices=sorted(benches.RELEASES), default="ocata",
                        help="whose packages, out of clones or the package index")
    parser.add_argument("--file-systems", default=",".join(FILE_SYSTEMS))
    parser.add_argument("--only", choices=COMMANDS)
    parser.add_argument("--quick", type=int, default=1, metavar="N", help="only every Nth state")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    return parser.parse_args()


def prepare(options, top):
    """Copies of what is tested, and the trees that it is tested on."""
    options.top = top
    for name in ("program", "fault_program", "recorder", "nosync"):
        setattr(options, name, shutil.copy2(getattr(options, name), os.path.join(top, name)))
    for name in ("manifests", "drivers"):
        shutil.copytree(os.path.join(options.data, name), os.path.join(top, "data", name))
    options.data = os.path.join(top, "data")
    if not options.git and not options.site:
        options.site = benches.from_package_index(os.path.join(top, "packages"),
                                                  options.release)
    options.trees = os.path.join(top, "trees")
    os.makedirs(options.trees)
    benches.collect(options, options.trees)
    options.crash = count_calls(options)


def report(results, skipped, started):
    """Prints a row for each scenario as it is done, and the sum."""
    failed = passed = 0
    print("%-6s  %-20s  %7s  %7s  %7s  %7s  the journal in them: %s" % (
        "", "command", "writes", "flushes", "states", "held", " ".join(JOURNALS)), flush=True)
    for kind, command, nosync, writes, flushes, tried, held, journals, problems in results:
        found = tried > held and writes > 0
        last = " ".join("%d" % journals.get(one, 0) for one in JOURNALS)
        if nosync:
            command += " (no fsync)"
            last = "the loss is found: %s" % problems[0] if found else "NO LOSS IS FOUND"
            passed, failed = passed + found, failed + (not found)
        print("%-6s  %-20s  %7d  %7d  %7d  %7d  %s" % (
            kind, command, writes, flushes, tried, held, last), flush=True)
        if nosync:
            continue
        for problem in problems[:20]:
            print("FAIL  %s" % problem)
        if not tried:
            failed += 1
            print("FAIL  %s, %s: no state at all" % (kind, command))
        passed, failed = passed + held, failed + tried - held
    for one in skipped:
        print("skipped: %s" % one)
    print("in %d s" % (time.time() - started))
    print("%d passed, %d failed, %d skipped" % (passed, failed, len(skipped)))
    return 1 if failed else 0


def main():
    options = parse()
    started, reason = time.time(), missing()
    if reason:
        print("skipped: loss of power: %s\n0 passed, 0 failed, 1 skipped" % reason)
        return 0
    private_mounts()
    skipped, tasks = [], []
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    top = tempfile.mkdtemp(prefix="sp-power-", dir=os.environ.get("TMPDIR") or fast)
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    prepare(options, top)
    for kind in options.file_systems.split(","):
        with open("/proc/filesystems", encoding="ascii") as stream:
            known = kind in stream.read().split()
        if not known or not shutil.which(FILE_SYSTEMS[kind][1][0]):
            skipped.append("%s: the kernel or %s is missing" % (kind, FILE_SYSTEMS[kind][1][0]))
            continue
        commands = [options.only] if options.only else COMMANDS
        tasks += [(options, kind, command, False) for command in commands]
        tasks.append((options, kind, "install", True))
    with multiprocessing.Pool(options.jobs, end_when_told) as pool:
        return report(pool.imap_unordered(work, tasks), skipped, started)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
