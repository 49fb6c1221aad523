#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of parts of the tests of the services that could hide a fault or leave something behind."""

import os
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cluster  # noqa: E402
import contents  # noqa: E402
import needs  # noqa: E402
import run  # noqa: E402
import scenarios  # noqa: E402


class ContentsTest(unittest.TestCase):
    """Checksums."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def make(self, name, blocks, size=8 * contents.MIB):
        """Make a sparse file, and return its path."""
        path = os.path.join(self.directory.name, name)
        contents.make_image(path, blocks, size)
        return path

    def test_same_contents(self):
        """Neither the size nor holes matter."""
        blocks = contents.pattern("a", places=(0, contents.MIB + 512), size=5000)
        first = contents.checksum(self.make("a", blocks))
        dense = {place: b"\0" * contents.MIB for place in range(0, 2 ** 23, 2 ** 20)}
        path = self.make("b", dense, 9 * contents.MIB)
        contents.write(path, blocks)
        self.assertEqual(first, contents.checksum(path))

    def test_other_contents(self):
        """A byte, its place, and one in a block that was empty all do."""
        wanted = contents.checksum(self.make("a", {4096: b"ab"}))
        for number, blocks in enumerate(({4096: b"ac"}, {4097: b"ab"}, {4096: b"ab", 7000000: b"c"},
                                         {4096 + contents.BLOCK: b"ab"}, {})):
            self.assertNotEqual(wanted, contents.checksum(self.make(str(number), blocks)))


class PolicyTest(unittest.TestCase):
    """The file that keeps packages from starting services."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "policy-rc.d")
        for name, value in (("POLICY", self.path), ("POLICY_ASIDE", self.path + ".aside")):
            patch = mock.patch.object(needs, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def files(self):
        """Return what there is: name -> text."""
        directory = os.path.dirname(self.path)
        found = {}
        for name in os.listdir(directory):
            with open(os.path.join(directory, name)) as opened:
                found[name] = opened.read()
        return found

    def test_none(self):
        """Where there was none, there is none afterwards."""
        with self.assertRaises(KeyboardInterrupt):
            with needs.no_services():
                self.assertTrue(os.access(self.path, os.X_OK))
                raise KeyboardInterrupt
        self.assertEqual({}, self.files())

    def test_another(self):
        """One that was there is back afterwards."""
        with open(self.path, "w") as opened:
            opened.write("mine")
        with needs.no_services():
            self.assertEqual(needs.POLICY_TEXT, self.files()["policy-rc.d"])
        self.assertEqual({"policy-rc.d": "mine"}, self.files())

    def test_killed(self):
        """So it is after a run that was killed, by the next one."""
        for before in ({}, {"policy-rc.d.aside": "mine"}):
            for name, text in dict(before, **{"policy-rc.d": needs.POLICY_TEXT}).items():
                with open(os.path.join(os.path.dirname(self.path), name), "w") as opened:
                    opened.write(text)
            needs.restore_policy()
            self.assertEqual({"policy-rc.d": text for text in before.values()}, self.files())


class TableTest(unittest.TestCase):
    """The table of scenarios."""

    def test_names_and_docstrings(self):
        """Each has a name of its own and says what it sees to."""
        names = [each.name for each in scenarios.SCENARIOS]
        self.assertEqual(len(names), len(set(names)))
        for each in scenarios.SCENARIOS:
            self.assertTrue(each.function.__doc__, each.name)

    def test_rules(self):
        """A rule lets calls pass, applies to as many as told, and to no other operation."""
        rule = cluster.Rule("^Volume", "fault", count=2, after=1)
        self.assertEqual([False, False, True, True, False], [
            rule.matches(call) for call in ("SnapshotsList", "VolumeCreate", "VolumeCreate",
                                            "VolumeDelete/v", "VolumeCreate")])


class SummaryTest(unittest.TestCase):
    """The table of operations by release."""

    def test_summary(self):
        """Operations are in the table's order; what did not pass is told about below it."""
        results = run.Results(False)
        with mock.patch("builtins.print"):
            for row in (("pike", "extend", "passed", 3.04), ("pike", "start of the services",
                                                             "passed", 9),
                        ("mitaka", "extend", "failed", 1, "no\nsize"),
                        ("mitaka", "nothing left on the machine", "passed", 20),
                        ("ocata", "all", "skipped", 0, "no cinder")):
                results.row(*row)
        self.assertTrue(results.failed())
        lines = run.summary(results).splitlines()
        self.assertEqual(["operation", "---", "start of the services", "extend",
                          "nothing left on the machine", "all", "passed of how many"],
                         [line.split(" | ")[0][2:] for line in lines if line.startswith("|")])
        self.assertIn("| extend | failed | - | 3.0 s |", lines)
        self.assertIn("| passed of how many | 1 of 2 | 0 of 0 | 2 of 2 |", lines)
        self.assertEqual(["", "mitaka, extend, failed: no size",
                          "ocata, all, skipped: no cinder"], lines[-3:])


if __name__ == "__main__":
    unittest.main()
