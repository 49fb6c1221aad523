#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The layers of src/: what a file may include, and what README says of them.

Every include of ours names its folder, exists, and goes to the same folder or to a lower layer. The
folders of one line of LAYERS do not know each other. tests/unit/ has the folders of src/, and
README's map names each of them.
"""

import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LAYERS = (("base",), ("fs", "format"), ("tree",), ("model",), ("txn", "host"), ("cli",))
RANK = {folder: rank for rank, layer in enumerate(LAYERS) for folder in layer}


def sources():
    """The C files of src/, relative to it."""
    for folder, _, names in os.walk(os.path.join(TOP, "src")):
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                yield os.path.relpath(os.path.join(folder, name), os.path.join(TOP, "src"))


def faults_of(name, text):
    """What is wrong with the includes of one file."""
    folder = os.path.dirname(name)
    if name != "main.c" and folder not in RANK:
        yield "%s is in no layer" % name
        return
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'\s*#\s*include\s+"([^"]*)"', line)
        if not found:
            continue
        place, target = "src/%s:%d" % (name, number), found.group(1)
        other = os.path.dirname(target)
        if not os.path.isfile(os.path.join(TOP, "src", target)) or not other:
            yield '%s: include "%s" with its folder' % (place, target)
        elif name != "main.c" and other != folder and RANK[other] >= RANK[folder]:
            yield '%s: %s may not include "%s"' % (place, folder, target)


def check_detects():
    """The check itself finds includes that go up, sideways, or lack the folder."""
    for name, text in (("base/x.c", '#include "txn/journal.h"'),
                       ("txn/x.c", '#include "host/process.h"'),
                       ("cli/x.c", '#include "journal.h"'), ("odd/x.c", "")):
        if not list(faults_of(name, text)):
            yield "%s with %s was let through" % (name, text)


def main():
    faults = list(check_detects())
    count = 0
    for name in sources():
        count += 1
        with open(os.path.join(TOP, "src", name), encoding="utf-8") as file:
            faults += faults_of(name, file.read())
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as file:
        readme = file.read()
    for folder in sorted(RANK):
        if "    src/%s/ " % folder not in readme:
            faults.append("README's map does not name src/%s/" % folder)
        if not os.path.isdir(os.path.join(TOP, "tests", "unit", folder)):
            faults.append("tests/unit/%s/ does not exist" % folder)
    for folder in sorted(next(os.walk(os.path.join(TOP, "src")))[1]):
        if folder not in RANK:
            faults.append("src/%s/ is in no layer" % folder)
    for fault in faults:
        print("FAILED %s" % fault)
    print("%d passed, %d failed" % (count - min(len(faults), count), len(faults)))
    return 1 if faults or not count else 0


if __name__ == "__main__":
    sys.exit(main())
