#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs suites of tests one after the other, and sums up what they say.

    tests/suites.py [NAME=COMMAND]...

COMMAND is a line for the shell. The output goes through as it comes; of each suite the counts are
read: `N passed, N failed, N skipped` if it closes so, else the closing lines of cmocka or of
Python's unittest, as many as there are. A suite that fails without having counted a failure counts
as one, and so does one that ran nothing. The last line is the sum, the exit status 1 if anything
failed.
"""

import re
import subprocess
import sys
import time

PLAIN = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
CMOCKA = re.compile(r"^\[  (PASSED|FAILED|SKIPPED)\s*\] (\d+) test\(s\)")
RAN = re.compile(r"^Ran (\d+) tests? in ")
OUTCOME = re.compile(r"^(?:OK|FAILED)(?: \((.*)\))?$")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Counts:
    def __init__(self):
        self.plain = None
        self.passed = self.failed = self.skipped = 0
        self.ran = 0

    def read(self, line):
        line = COLOUR.sub("", line).strip()
        found = PLAIN.match(line)
        if found:
            self.plain = tuple(int(part or 0) for part in found.groups())
            return
        found = CMOCKA.match(line)
        if found:
            kind = found.group(1).lower()
            setattr(self, kind, getattr(self, kind) + int(found.group(2)))
            return
        found = RAN.match(line)
        if found:
            self.ran = int(found.group(1))
            return
        found = OUTCOME.match(line)
        if found and self.ran:
            counts = dict(part.split("=") for part in (found.group(1) or "").split(", ") if part)
            failed = sum(int(counts.get(name, 0))
                         for name in ("failures", "errors", "unexpected successes"))
            skipped = int(counts.get("skipped", 0))
            self.failed += failed
            self.skipped += skipped
            self.passed += self.ran - failed - skipped
            self.ran = 0

    def close(self, status):
        """Passed, failed, skipped."""
        passed, failed, skipped = self.plain or (self.passed, self.failed, self.skipped)
        if not failed and (status or not passed + skipped):
            failed = 1
        return passed, failed, skipped


def run(name, command):
    print("== %s" % name, flush=True)
    counts = Counts()
    process = subprocess.Popen(["sh", "-c", command], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in process.stdout:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
        counts.read(line.decode("utf-8", "replace"))
    return counts.close(process.wait())


def main():
    suites = [argument.partition("=") for argument in sys.argv[1:]]
    if not suites or not all(name and command for name, _, command in suites):
        print(__doc__, file=sys.stderr)
        return 2
    rows = []
    for name, _, command in suites:
        start = time.monotonic()
        rows.append((name, run(name, command), time.monotonic() - start))
    total = [sum(counts[i] for _, counts, _ in rows) for i in range(3)]
    width = max(len(name) for name, _, _ in rows)
    print()
    for name, counts, seconds in rows:
        print("%-*s  %5d ok  %4d failed  %4d left out  %6.1f s" % (width, name, *counts, seconds))
    print("%d passed, %d failed, %d skipped" % tuple(total))
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
