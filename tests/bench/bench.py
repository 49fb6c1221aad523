#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the static program against the plain tools that do the same amount of work.

    make bench                  on packages of the package index (kept in the cache of the tests)
    make bench GIT=DIR          on what clones of cinder, nova and os-brick have

`check` of a host with three components, all integrated, against `sha256sum` of the files that it
has to read, and against starting Python. `install` of the three against `cp` of the files that it
writes with `sync -d` of each. All in one run, in turn, so that what else the machine does meets all
alike. Printed are medians by the clock, the least processor time of all rounds (of which what else
runs takes nothing), and instructions, counted by callgrind, which gives the same number on every
machine; then ratios, the most that they are to be, and where time and instructions go. Where both
sides do nothing but compute, the ratio is that of the processor times. The exit status is 1 when a
goal is missed.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "trees"))

HOST = {"cinder": "11.2.2", "nova": "16.1.8", "os_brick": "1.15.9"}
DISTRIBUTION = {"os_brick": "os-brick"}
SITE = "usr/lib/python2.7/dist-packages"
OTHERS = 300          # packages beside them, as on a real host


def prefer():
    """The best priority that there is, for root: what else runs then takes less of the time."""
    if os.geteuid() == 0:
        os.setpriority(os.PRIO_PROCESS, 0, -20)


class Bench:
    def __init__(self, given, scratch):
        self.program = os.path.abspath(given.program)
        self.measurer = os.path.abspath(given.measure)
        self.scratch = scratch
        self.root = os.path.join(scratch, "host")
        self.site = os.path.join(self.root, SITE)
        self.times, self.processor, self.peaks, self.calls = {}, {}, {}, {}

    # ---- the host ---------------------------------------------------------------------------

    def make_host(self, clones):
        os.makedirs(self.site)
        os.makedirs(os.path.join(self.root, "var/lib"))
        for component, version in HOST.items():
            if clones:
                self.export(clones, component, version)
            else:
                done = subprocess.run(
                    [sys.executable, "-B", os.path.join(TOP, "tests/trees/packages.py"), "--fetch",
                     "%s-%s" % (component, version), self.site], check=False)
                if done.returncode:
                    sys.exit("bench: %s %s can't be had from the package index; name clones by "
                             "GIT=DIR" % (component, version))
        for i in range(OTHERS):
            os.mkdir(os.path.join(self.site, "package%03d" % i))
            info = os.path.join(self.site, "package%03d-1.0.dist-info" % i)
            os.mkdir(info)
            with open(os.path.join(info, "METADATA"), "w", encoding="utf-8") as file:
                file.write("Metadata-Version: 2.1\nName: package%03d\nVersion: 1.0\n" % i)

    def export(self, clones, component, version):
        from clones import clone                                     # pylint: disable=C0415
        repository = clone(clones, component.replace("_", "-"))
        if not repository:
            sys.exit("bench: %s: no clone of %s here" % (clones, component))
        archive = subprocess.Popen(["git", "--git-dir", repository, "archive", version, component],
                                   stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", self.site], stdin=archive.stdout, check=True)
        if archive.wait():
            sys.exit("bench: %s has no %s" % (repository, version))
        name = DISTRIBUTION.get(component, component)
        info = os.path.join(self.site, "%s-%s.dist-info" % (component, version))
        os.mkdir(info)
        with open(os.path.join(info, "METADATA"), "w", encoding="utf-8") as file:
            file.write("Metadata-Version: 2.1\nName: %s\nVersion: %s\n" % (name, version))

    # ---- measuring --------------------------------------------------------------------------

    def tool(self, *arguments):
        return [self.program, "--data-dir", TOP, "-R", self.root, *arguments]

    def measure(self, name, command, keep=True):
        done = subprocess.run([self.measurer, *command], stdout=subprocess.PIPE, check=True,
                              env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, preexec_fn=prefer)
        nanoseconds, processor, peak, status = (int(word) for word in done.stdout.split())
        if status:
            sys.exit("bench: `%s` exits %d" % (" ".join(command[:6]), status))
        if keep:
            self.times.setdefault(name, []).append(nanoseconds / 1e6)
            self.processor.setdefault(name, []).append(processor / 1e6)
            self.peaks.setdefault(name, []).append(peak / 1024)

    def run(self, *arguments):
        done = subprocess.run(self.tool(*arguments), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, encoding="utf-8")
        if done.returncode:
            sys.exit("bench: `%s` exits %d: %s" % (" ".join(arguments), done.returncode,
                                                   done.stderr.strip()))
        return done.stdout

    def read_by_check(self):
        """The files that check has to read: manifests, drivers, metadata, and its targets."""
        names = []
        for top in ("manifests", "drivers"):
            for directory, _, files in sorted(os.walk(os.path.join(TOP, top))):
                names += [os.path.join(directory, name) for name in sorted(files)
                          if name.endswith((".yaml", ".py"))]
        for part in json.loads(self.run("check", "--json"))["components"]:
            names += [file["path"] for file in part["files"] if os.path.exists(file["path"])]
            names += [os.path.join(self.site, part["because"].split(": ", 1)[1])]
        return names

    def forget(self):
        """The work directory, so that each round has a first transaction."""
        shutil.rmtree(os.path.join(self.root, "var/lib/sp-openstack"), ignore_errors=True)

    def installs(self, rounds):
        written = [file["path"] for part in json.loads(self.run("check", "--json"))["components"]
                   for file in part["files"] if file["action"] == "none"
                   and file["state"] == "installed"]
        kept, copies = os.path.join(self.scratch, "kept"), os.path.join(self.scratch, "copies")
        os.mkdir(kept)
        sources = []
        for i, name in enumerate(written):
            sources.append(os.path.join(kept, "%d.py" % i))
            shutil.copy2(name, sources[-1])
        targets = [os.path.join(copies, os.path.basename(name)) for name in sources]
        # each file made durable by itself; and for comparison all of them in one go
        copy = ["sh", "-c", 'to=$1; shift; for f do cp "$f" "$to" && sync -d "$to/${f##*/}"; done',
                "sh", copies, *sources]
        batch = ["sh", "-c", 'to=$1; shift; cp "$@" "$to" && cd "$to" && sync -d *', "sh", copies,
                 *sources]
        self.run("uninstall")
        for i in range(rounds + 2):
            self.forget()
            shutil.rmtree(copies, ignore_errors=True)
            os.mkdir(copies)
            os.sync()
            self.measure("install", self.tool("install", "--no-groups"), keep=i > 1)
            os.sync()
            self.measure("copy", copy, keep=i > 1)
            shutil.rmtree(copies)
            os.mkdir(copies)
            os.sync()
            self.measure("batch", batch, keep=i > 1)
            self.run("uninstall")
        self.forget()
        self.calls["install"] = self.count_calls("install", "--no-groups")
        return targets

    def checks(self, rounds, names):
        turn = (("check", self.tool("check")), ("sha256sum", ["sha256sum", *names]),
                ("python", [os.path.realpath(sys.executable), "-c", "import sys"]),
                ("version", [self.program, "--version"]))
        for i in range(rounds + 3):
            for name, command in turn:
                self.measure(name, command, keep=i > 2)

    # ---- telling ----------------------------------------------------------------------------

    def median(self, name):
        return statistics.median(self.times[name])

    def quartiles(self, name):
        first, _, third = statistics.quantiles(self.times[name], n=4)
        return first, third

    def least(self, name):
        return min(self.processor[name])

    def row(self, what, name):
        print("  %-46s %7.2f ms  (%.2f to %.2f), processor at least %.2f ms"
              % (what, self.median(name), *self.quartiles(name), self.least(name)))

    def tell(self, names, written):
        size = sum(os.path.getsize(name) for name in names)
        print("check of three components, all integrated; medians of %d, and their quartiles"
              % len(self.times["check"]))
        self.row("sp-openstack check", "check")
        self.row("sha256sum of the %d files it reads (%d KiB)" % (len(names), size // 1024),
                 "sha256sum")
        self.row('python3 -c "import sys"', "python")
        print("install of three components; medians of %d" % len(self.times["install"]))
        self.row("sp-openstack install", "install")
        self.row("cp and sync -d of each of the %d files" % len(written), "copy")
        self.row("one cp of all of them, and one sync -d", "batch")

        print("where the time of check goes")
        check, start = self.median("check"), self.median("version")
        for what, part in (("starting and ending", start), ("the rest", check - start)):
            print("  %-46s %7.2f ms  %4.0f %%" % (what, part, 100 * part / check))
        self.calls["check"] = self.count_calls("check")
        self.tell_calls("check")
        self.tell_calls("install")

        count = self.count_instructions("check", self.tool("check"))
        hashing = self.count_instructions("sha256sum", ["sha256sum", *names])
        print("  check takes %.2f times the instructions of sha256sum" % (count / hashing))
        goals = missed = 0
        print("ratios, and what they are to be at most")
        for what, value, limit, unit in (
                ("millions of instructions of check", count / 1e6, 15, ""),
                ("check / sha256sum", self.least("check") / self.least("sha256sum"), 2.0, ""),
                ("check / python3", self.least("check") / self.least("python"), 1.0, ""),
                ("install / (cp + sync -d of each)", self.median("install") / self.median("copy"),
                 3.0, ""),
                ("peak memory of check", max(self.peaks["check"]), 24, " MiB"),
                ("peak memory of install", max(self.peaks["install"]), 24, " MiB")):
            good = value <= limit
            goals += 1
            missed += not good
            print("  %-46s %7.2f%s  at most %g%s: %s"
                  % (what, value, unit, limit, unit, "met" if good else "MISSED"))
        print("%d passed, %d failed" % (goals - missed, missed))
        return missed

    def count_instructions(self, name, command):
        """Prints the functions of the command that take most; all that it takes."""
        out = os.path.join(self.scratch, "callgrind")
        subprocess.run(["valgrind", "-q", "--tool=callgrind", "--callgrind-out-file=" + out,
                        *command], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        text = subprocess.run(["callgrind_annotate", "--threshold=90", out], check=True,
                              stdout=subprocess.PIPE, encoding="utf-8").stdout
        total = re.search(r"([\d,]+) \(100.0%\)  PROGRAM TOTALS", text).group(1)
        total = int(total.replace(",", ""))
        print("functions with the most of the %.1f million instructions of %s"
              % (total / 1e6, name))
        for share, function in re.findall(r"\(\s*([\d.]+)%\)  \S*?:(\S+) ", text)[:12]:
            print("  %-46s %7.1f %%" % (function, float(share)))
        return total

    def count_calls(self, *command):
        """How often each system call is made, and the milliseconds in it; runs the command."""
        if not shutil.which("strace"):
            self.run(*command)
            return {}
        summary = os.path.join(self.scratch, "calls")
        subprocess.run(["strace", "-w", "-c", "-f", "-o", summary, *self.tool(*command)],
                       check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        calls = {}
        with open(summary, encoding="utf-8") as file:
            for line in file:
                found = re.match(r"\s*[\d.]+\s+([\d.]+)\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line)
                if found and found.group(3) != "total":
                    calls[found.group(3)] = int(found.group(2)), 1000 * float(found.group(1))
        return calls

    def tell_calls(self, name):
        calls = self.calls[name]
        if not calls:
            return
        most = sorted(calls.items(), key=lambda item: -item[1][1])[:5]
        print("  %d system calls of %s under strace; the time is in %s" % (
            sum(count for count, _ in calls.values()), name,
            ", ".join("%d %s (%.1f ms)" % (count, call, ms) for call, (count, ms) in most)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--measure", required=True)
    parser.add_argument("--git", metavar="DIR")
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--install-rounds", type=int, default=21)
    parser.add_argument("--dir", help="where to put the host (default: a temporary directory)")
    given = parser.parse_args()
    scratch = tempfile.mkdtemp(prefix="sp-openstack-bench.", dir=given.dir)
    try:
        bench = Bench(given, scratch)
        bench.make_host(given.git)
        bench.run("install", "--no-groups")
        names = bench.read_by_check()
        written = bench.installs(given.install_rounds)
        bench.checks(given.rounds, names)
        missed = bench.tell(names, written)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
