#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of the Ansible collection.

    tests/ansible/check.py [--git DIR] [PART-OF-A-NAME...]
    make check-ansible GIT=DIR
"""

import argparse
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab


def flatten(suite):
    for one in suite:
        if isinstance(one, unittest.TestSuite):
            yield from flatten(one)
        else:
            yield one


class Progress(unittest.TestResult):
    """A line a test."""

    def __init__(self):
        super().__init__()
        self.passed, self.begin = 0, 0

    def startTest(self, test):
        super().startTest(test)
        self.begin = time.monotonic()

    def say(self, word, test, text=""):
        print("%s %s (%.0f s)%s" % (word, test.id(), time.monotonic() - self.begin, text),
              flush=True)

    def addSuccess(self, test):
        self.passed += 1
        self.say("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.say("FAILED", test, ":\n" + self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.say("FAILED", test, ":\n" + self.errors[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.say("FAILED", subtest, ":\n" + (self.failures + self.errors)[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say("skipped", test, ": " + reason)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--git", help="a directory with clones of cinder and nova")
    parser.add_argument("part", nargs="*")
    given = parser.parse_args()
    lab.GIT = given.git
    tests = unittest.defaultTestLoader.discover(os.path.dirname(os.path.abspath(__file__)))
    chosen = [test for test in flatten(tests)
              if not given.part or any(part in test.id() for part in given.part)]
    result = Progress()
    try:
        unittest.TestSuite(chosen).run(result)
    finally:
        lab.clean()
    failed = len(result.failures) + len(result.errors)
    print("%d passed, %d failed, %d skipped" % (result.passed, failed, len(result.skipped)))
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
