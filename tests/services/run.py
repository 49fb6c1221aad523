#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the real services of cinder with the drivers, put in by sp-openstack itself.

    run.py [--program PROGRAM] [--git DIR] [--quick] [--only PATTERN] [--keep DIR] [--jobs N]
           [--summary FILE] [RELEASE...]

For each release: RabbitMQ, MariaDB, cinder-api, -scheduler, -volume and -backup, a simulated
StorPool cluster with real block devices, a simulated image service, and simulated hosts, in
namespaces of their own. The environments are those of tests/drivers/matrix.py. They are not
changed: the drivers go into an overlay.

--quick leaves out what takes long. --only takes the scenarios whose name matches. --keep copies the
logs of failures into a directory. --jobs runs as many releases at once. --summary writes a table of
operations by release. --list shows the scenarios.

What is missing is installed by apt-get. What the machine cannot do is skipped, by name. The exit
status is 1 if a scenario failed.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import ctypes
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

import environment  # noqa: E402
import needs  # noqa: E402
import scenarios  # noqa: E402

matrix = environment.matrix

PR_SET_PDEATHSIG = 1

# What all processes of a run have in their environment.
RUN = "SP_SERVICES_RUN"


Row = collections.namedtuple("Row", "release name outcome seconds note")


class Results:
    """Prints a line for each row, and counts.

    :param machine: whether the lines are JSON, for another run.py
    """

    def __init__(self, machine):
        self.rows = []
        self._machine = machine
        self._lock = threading.Lock()

    def row(self, release, name, outcome, seconds=0.0, note=""):
        """Add a row."""
        found = Row(release, name, outcome, seconds, " ".join(note.split()))
        with self._lock:
            self.rows.append(found)
            print(json.dumps(found) if self._machine else "%-7s %-52s %-7s %6.1f s%s" % (
                *found[:4], "  " + found.note if found.note else ""), flush=True)

    def counts(self, release=None):
        """Return how many rows there are of each outcome, of one release or of all."""
        return collections.Counter(row.outcome for row in self.rows
                                   if release in (None, row.release))

    def failed(self):
        """Tell whether something failed."""
        return self.counts()["failed"] > 0


def summary(results):
    """Return the table of operations by release, in Markdown."""
    releases = [name for name in matrix.RELEASES if results.counts(name)]
    cells = collections.OrderedDict()
    for row in results.rows:
        text = "%.1f s" % row.seconds if row.outcome == "passed" else row.outcome
        cells.setdefault(row.name, {})[row.release] = text
    order = {each.name: number for number, each in enumerate(scenarios.SCENARIOS)}
    order["start of the services"] = -1
    lines = [["operation"] + ["%s, cinder %s" % (name, matrix.RELEASES[name].cinder)
                              for name in releases],
             ["---"] * (1 + len(releases))]
    for name in sorted(cells, key=lambda name: order.get(name, len(order))):
        lines.append([name] + [cells[name].get(release, "-") for release in releases])
    lines.append(["passed of how many"] + ["%d of %d" % (
        found["passed"], found["passed"] + found["failed"])
                                           for found in map(results.counts, releases)])
    notes = ["%s, %s, %s: %s" % (row.release, row.name, row.outcome, row.note)
             for row in results.rows if row.outcome != "passed"]
    return "\n".join(["| %s |" % " | ".join(line) for line in lines] +
                     ([""] if notes else []) + notes) + "\n"


def arguments():
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=os.path.join(TOP, "sp-openstack"))
    parser.add_argument("--git", default=os.environ.get("GIT"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--keep")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--summary")
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("releases", nargs="*", metavar="RELEASE")
    found = parser.parse_args()
    for release in found.releases:
        if release not in matrix.RELEASES:
            parser.error("%s is not one of %s" % (release, ", ".join(matrix.RELEASES)))
    if not found.list and not os.access(found.program, os.X_OK):
        parser.error("%s is not there; build it first" % found.program)
    return found


def die_with_parent():
    """Have this process killed when the one that started it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


@contextlib.contextmanager
def namespaces(python, options):
    """Have inside.py running as the first process of new namespaces.

    However this ends, the kernel kills all that runs in them.
    """
    command = ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork",
               "--kill-child=KILL", "--propagation", "private",
               python, "-B", os.path.join(HERE, "inside.py"), json.dumps(options)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               text=True, start_new_session=True, preexec_fn=die_with_parent,
                               env=dict(os.environ, **{RUN: options["work"]}))
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def left_on_machine(work):
    """Return what a run has left on the machine, as texts."""
    found = []
    with open("/proc/self/mountinfo") as opened:
        if work in opened.read():
            found.append("mounts")
    for path in glob.glob("/sys/block/loop*/loop/backing_file"):
        with contextlib.suppress(OSError), open(path) as opened:
            if os.path.basename(work) in opened.read():
                found.append(path.split("/")[3])
    mark = ("%s=%s" % (RUN, work)).encode()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open("/proc/%s/environ" % name, "rb") as opened:
                if mark in opened.read().split(b"\0"):
                    found.append("process " + name)
    return found


def wait_for_end(work, seconds=20):
    """Wait until nothing is left on the machine, and return what is left then."""
    deadline = time.monotonic() + seconds
    while True:
        found = left_on_machine(work)
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def run_release(release, args, results):
    """Run the scenarios of a release."""
    started = time.monotonic()
    try:
        environment.check(release, args.git)
        python = environment.client()
        environment.Prepared(release, args.git)
    except matrix.Unavailable as exc:
        results.row(release, "all", "skipped", time.monotonic() - started, str(exc))
        return
    # Not below /tmp: hosts have one of their own.
    work = tempfile.mkdtemp(prefix="sp-services-", dir="/var/tmp")
    options = {"release": release, "git": args.git, "program": os.path.abspath(args.program),
               "work": work, "quick": args.quick, "only": args.only,
               "keep": args.keep and os.path.abspath(args.keep)}
    started = time.monotonic()
    ended = False
    last = "nothing"
    try:
        with namespaces(python, options) as process:
            for line in process.stdout:
                found = json.loads(line)
                if found["outcome"] == "end":
                    ended = True
                    continue
                last = found["name"]
                results.row(release, last, found["outcome"], found["seconds"], found["note"])
    finally:
        left = wait_for_end(work)
        os.rmdir(work)
    if not ended:
        results.row(release, "all scenarios", "failed", 0, "the run ended after '%s'" % last)
    results.row(release, "nothing left on the machine", "failed" if left else "passed",
                time.monotonic() - started, ", ".join(left))


def run_apart(release, args, results, running):
    """Run the scenarios of a release by another run.py.

    :param running: gets its process
    """
    command = [sys.executable, "-B", os.path.abspath(__file__), "--json", "--program", args.program,
               "--only", args.only] + (["--quick"] if args.quick else []) + [
                   word for name in ("git", "keep") if getattr(args, name)
                   for word in ("--" + name, getattr(args, name))] + [release]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          preexec_fn=die_with_parent) as process:
        running.append(process)
        found = 0
        for line in process.stdout:
            if line.startswith("["):
                results.row(*json.loads(line))
                found += 1
    if not found or process.returncode not in (0, 1):
        results.row(release, "all scenarios", "failed", 0, "ended with status %d after %d of them"
                    % (process.returncode, found))


def run_at_once(releases, args, results):
    """Run releases, some of them at once."""
    running = []
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        try:
            for done in [pool.submit(run_apart, release, args, results, running)
                         for release in releases]:
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in running:
                process.terminate()
            raise


def main():
    """Run all releases, and return the exit status."""
    args = arguments()
    if args.list:
        for scenario in scenarios.SCENARIOS:
            print("%-52s %-5s %s" % (scenario.name, "" if scenario.quick else "long",
                                     " ".join(scenario.releases)))
        return 0
    if args.keep:
        os.makedirs(args.keep, exist_ok=True)
    # Also where the shell has it ignored, as it does for what it runs in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    results = Results(args.json)
    reason = needs.missing()
    releases = args.releases or list(matrix.RELEASES)
    if reason:
        for release in releases:
            results.row(release, "all", "skipped", 0, reason)
    elif args.jobs > 1:
        run_at_once(releases, args, results)
    else:
        for release in releases:
            run_release(release, args, results)
    if args.summary:
        with open(args.summary, "w") as opened:
            opened.write(summary(results))
    if not args.json:
        counts = results.counts()
        print("%d passed, %d failed, %d skipped" % (counts["passed"], counts["failed"],
                                                    counts["skipped"]))
    return 1 if results.failed() else 0


if __name__ == "__main__":
    sys.exit(main())
