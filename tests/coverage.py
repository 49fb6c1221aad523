#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What of src/ the tests ran, as gcov counted it in one or more builds.

    tests/coverage.py [--minimum PERCENT] DIRECTORY...

Each DIRECTORY was built with --coverage and run. A line counts as tested if it ran in any of them.
Per file: lines, the share that ran, and the numbers of those that did not. The exit status is 1
below the minimum.
"""

import argparse
import json
import os
import subprocess
import sys


def objects(directory):
    for top, _, names in os.walk(directory):
        for name in sorted(names):
            if name.endswith(".gcda"):
                yield os.path.join(top, name)


def read_counts(path, counts):
    """Adds what one object file's lines were run, to {file: {line: times}}."""
    done = subprocess.run(["gcov", "--json-format", "--stdout", path], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True)
    for line in done.stdout.splitlines():
        for file in json.loads(line)["files"]:
            name = os.path.normpath(file["file"])
            if not name.startswith("src/") or not name.endswith(".c"):
                continue
            lines = counts.setdefault(name, {})
            for one in file["lines"]:
                number = one["line_number"]
                lines[number] = lines.get(number, 0) + one["count"]


def ranges(numbers, known):
    """"3, 7-9": numbers, in a row when there is nothing but lines without code between them."""
    parts, start, last = [], None, None
    order = {number: place for place, number in enumerate(sorted(known))}
    for number in numbers + [None]:
        if number is not None and last is not None and order[number] == order[last] + 1:
            last = number
            continue
        if start is not None:
            parts.append(str(start) if start == last else "%d-%d" % (start, last))
        start = last = number
    return ", ".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minimum", type=float, default=0)
    parser.add_argument("directories", nargs="+")
    options = parser.parse_args()
    counts = {}
    for directory in options.directories:
        for path in objects(directory):
            read_counts(path, counts)
    if not counts:
        sys.exit("%s: nothing was run there" % ", ".join(options.directories))
    lines = tested = 0
    print("%-28s %6s %8s  %s" % ("file", "lines", "tested", "not tested"))
    for name in sorted(counts):
        file = counts[name]
        missed = sorted(number for number, times in file.items() if times == 0)
        lines += len(file)
        tested += len(file) - len(missed)
        print("%-28s %6d %7.1f%%  %s" % (name, len(file), 100 * (1 - len(missed) / len(file)),
                                         ranges(missed, file)))
    percent = 100 * tested / lines
    print("%-28s %6d %7.1f%%" % ("all", lines, percent))
    return 0 if percent >= options.minimum else 1


if __name__ == "__main__":
    sys.exit(main())
