# SPDX-License-Identifier: Apache-2.0
"""Runs the whole-program tests, several at a time; see run.sh."""

import argparse
import glob
import multiprocessing
import os
import shutil
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import lib  # noqa: E402


class Outcome(unittest.TestResult):
    """What became of one test: "passed", "failed" or "skipped", and why."""

    def __init__(self):
        super().__init__()
        self.what, self.why, self.detail = "passed", "", ""

    def fail(self, error, where=""):
        self.what = "failed"
        text = str(error[1]) or error[0].__name__
        if not issubclass(error[0], AssertionError):
            text = "%s: %s" % (error[0].__name__, text)
        self.why = "; ".join(filter(None, (self.why, where + " ".join(text.split()))))
        self.detail += self._exc_info_to_string(error, self.test)

    def startTest(self, test):
        super().startTest(test)
        self.test = test

    def addError(self, test, err):
        self.fail(err)

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.fail(err, "%s: " % subtest._subDescription())

    def addSkip(self, test, reason):
        if self.what == "passed":
            self.what, self.why = "skipped", reason


def flatten(suite):
    for one in suite:
        if isinstance(one, unittest.TestSuite):
            yield from flatten(one)
        else:
            yield one.id()


def run_one(name):
    outcome = Outcome()
    unittest.defaultTestLoader.loadTestsFromName(name).run(outcome)
    return name, outcome.what, outcome.why, outcome.detail


def prepare(program):
    """Copies the program with its data to where an ordinary user can run it."""
    top = tempfile.mkdtemp(prefix="sp-openstack-cli-")
    os.chmod(top, 0o755)
    lib.PROGRAM = os.path.join(top, "sp-openstack")
    shutil.copy2(program, lib.PROGRAM)
    os.chmod(lib.PROGRAM, 0o755)
    for name in ("manifests", "drivers"):
        shutil.copytree(os.path.join(lib.TOP, name), os.path.join(top, name))
    for directory, _, files in os.walk(top):
        os.chmod(directory, 0o755)
        for file in files:
            path = os.path.join(directory, file)
            os.chmod(path, os.stat(path).st_mode | 0o444)
    return top


def main():
    parser = argparse.ArgumentParser(description="Whole-program tests.")
    parser.add_argument("program", nargs="?", default=lib.PROGRAM)
    parser.add_argument("-v", "--verbose", action="store_true", help="name every test")
    parser.add_argument("-j", "--jobs", type=int, default=min(8, 2 + 2 * (os.cpu_count() or 1)))
    parser.add_argument("-k", "--only", default="", help="tests with this in their names")
    parser.add_argument("--quick", type=int, default=1, metavar="N", help="only every Nth of them")
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    if not os.access(program, os.X_OK):
        sys.exit("%s: there is no such program; run make first" % program)

    names = []
    for file in sorted(glob.glob(os.path.join(HERE, "test_*.py"))):
        module = os.path.splitext(os.path.basename(file))[0]
        names += flatten(unittest.defaultTestLoader.loadTestsFromName(module))
    names = [name for name in names if options.only in name][:: max(1, options.quick)]
    counts = dict.fromkeys(("passed", "failed", "skipped"), 0)
    top = prepare(program)
    try:
        with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
            for name, what, why, detail in pool.imap_unordered(run_one, names):
                counts[what] += 1
                if what != "passed" or options.verbose:
                    print("%s %s%s" % (what, name, ": " + why if why else ""), flush=True)
                if detail and options.verbose:
                    print(detail)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
