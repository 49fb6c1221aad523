# SPDX-License-Identifier: Apache-2.0
"""The bash completion, asked as bash asks it, against what `help --json` says."""

import os
import shutil
import subprocess

import lib
from lib import Case, run_program

SCRIPT = os.path.join(lib.TOP, "completions/sp-openstack")
ASK = """
. "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_sp_openstack
printf '%s\\n' "${COMPREPLY[@]}"
"""


class Completion(Case):
    def setUp(self):
        super().setUp()
        if not shutil.which("bash"):
            self.skipTest("bash is not here")
        self.help = run_program(["help", "-j"]).json

    def complete(self, *words):
        """What is offered for the last of the words, as typed, behind the program's name."""
        done = subprocess.run(["bash", "--norc", "-c", ASK, "bash", SCRIPT, lib.PROGRAM] +
                              list(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=lib.environment(), cwd=self.tmp,
                              timeout=lib.TIMEOUT, check=False, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return sorted(filter(None, done.stdout.splitlines()))

    def flags(self, names):
        """The options with these names, in both forms."""
        letters = {one["name"]: one["letter"] for one in self.help["options"]}
        return sorted(["--" + name for name in names] +
                      ["-" + letters[name] for name in names if letters[name]])

    def test_commands(self):
        names = sorted(one["name"] for one in self.help["commands"])
        self.assertEqual(self.complete(""), names)
        self.assertEqual(self.complete("help", ""), names)
        self.assertEqual(self.complete("un"), ["uninstall"])
        self.assertEqual(self.complete("-R", "/mnt", "--work-dir", "=", "/w", "un"), ["uninstall"])

    def test_options_of_each_command(self):
        every = self.flags([one["name"] for one in self.help["options"]])
        self.assertEqual(self.complete("-"), every)
        for command in self.help["commands"]:
            with self.subTest(command["name"]):
                expected = self.flags(command["options"])
                self.assertEqual(self.complete(command["name"], "-"), expected)
                self.assertEqual(self.complete("-R", "/", command["name"], "-"), expected)
        self.assertEqual(self.complete("recover", "--f"), ["--force"])

    def test_values(self):
        os.mkdir(os.path.join(self.tmp, "directory"))
        for option in self.help["options"]:
            for word in self.flags([option["name"]]):
                offered = self.complete("install", word, "")
                if option["value"]:     # never what is offered where no value is due
                    self.assertNotIn("cinder", offered, word)
                else:
                    self.assertEqual(offered, ["cinder", "nova", "os_brick"], word)
        for words in (("-R", "dir"), ("--root", "=", "dir"), ("--path", "dir")):
            self.assertEqual(self.complete(*words), ["directory"])

    def test_components(self):
        for command in self.help["commands"]:
            if command["arguments"] == "COMPONENT...":
                self.assertEqual(self.complete(command["name"], ""),
                                 ["cinder", "nova", "os_brick"])
        self.assertEqual(self.complete("history", ""), [])

    def test_numbers_of_the_right_root(self):
        host = self.host("newton", name="it's an image")
        for command in ("install", "uninstall"):
            self.good(host, "-W", "/var/lib/work", command)
        quoted = host.top.replace("'", "\\'").replace(" ", "\\ ")
        for words in (("-R", quoted, "-W", "/var/lib/work"), ("-R" + quoted, "-W/var/lib/work"),
                      ("--root", "=", quoted, "--work-dir", "=", "/var/lib/work"),
                      ("--root=" + quoted, "--work-dir=/var/lib/work"),
                      ("-R", '"%s"' % host.top, "-W", "'/var/lib/work'")):
            self.assertEqual(self.complete(*words, "rollback", ""), ["1", "2"], words)
        self.assertEqual(self.complete("rollback", "-R", quoted, "-W", "/var/lib/work", "2"), ["2"])
        self.assertEqual(self.complete("-R", quoted, "rollback", ""), [])
