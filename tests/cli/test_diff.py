# SPDX-License-Identifier: Apache-2.0
"""diff prints the change that install makes, for patch -p1 and git apply."""

import os
import shutil
import subprocess

import packages
from lib import Case, write
from snapshot import snapshot


class Diff(Case):
    def contents(self, top):
        return {name: entry.state.content for name, entry in snapshot(top).items()
                if not name.startswith(".git") and entry.state.content is not None}

    def apply(self, command, top, diff):
        if not shutil.which(command[0]):
            self.skipTest("%s is not here" % command[0])
        env = {"PATH": os.environ.get("PATH", ""), "HOME": self.tmp, "LC_ALL": "C",
               "GIT_CONFIG_NOSYSTEM": "1", "GIT_CEILING_DIRECTORIES": self.tmp}
        done = subprocess.run(command, cwd=top, input=diff.encode("utf-8"), env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual((done.returncode, b"offset" in done.stdout or b"fuzz" in done.stdout),
                         (0, False), done.stdout)

    def applies(self, *arguments, release="newton", change=None):
        """The same comes of it by git, by patch and by install."""
        hosts = [self.host(release, name=name) for name in ("git", "patch", "install")]
        for host in hosts:
            if change:
                change(host)
        pristine = self.contents(hosts[0].path(hosts[0].site))
        diffs = [self.good(host, "diff", *arguments).out for host in hosts]
        self.assertEqual(diffs[0], diffs[1])
        site = [host.path(host.site) for host in hosts]
        self.apply(["git", "apply", "-p1", "--whitespace=error-all"], site[0], diffs[0])
        self.apply(["patch", "-p1", "--no-backup-if-mismatch"], site[1], diffs[1])
        self.good(hosts[2], "install", *arguments)
        installed = self.contents(site[2])
        self.assertNotEqual(pristine, installed)
        self.assertEqual(self.contents(site[0]), installed)
        self.assertEqual(self.contents(site[1]), installed)
        self.assertEqual(self.good(hosts[2], "diff", *arguments).out, "")
        # and back
        self.apply(["git", "apply", "-R", "-p1"], site[2], diffs[0])
        self.assertEqual(self.contents(site[2]), pristine)
        return diffs[0]

    def test_newton(self):
        diff = self.applies()
        self.assertEqual(diff.count("diff --git "), 6)
        self.assertEqual(diff.count("new file mode 100644"), 3)
        self.assertIn("\n+" + packages.OLDER_NOVA_LINE, diff)

    def test_mitaka(self):
        self.applies(release="mitaka")

    def test_pike(self):
        self.applies(release="pike")

    def test_one_component(self):
        diff = self.applies("os_brick")
        self.assertEqual(diff.count("diff --git a/os_brick/"), diff.count("diff --git "))

    def test_what_is_needed_comes_with_it(self):
        self.assertIn("a/os_brick/initiator/connector.py", self.applies("nova"))

    def test_repair(self):
        """Only what is missing."""
        def change(host):
            self.good(host, "install")
            host.write("nova/virt/libvirt/driver.py",
                       packages.nova("newton")["nova/virt/libvirt/driver.py"])
        self.assertEqual(self.applies(change=change).count("diff --git "), 1)

    def test_removal_of_what_the_older_tool_left(self):
        def change(host):
            host.write("cinder/exception.py", host.read("cinder/exception.py") +
                       packages.OLDER_CINDER_EXCEPTION)
        diff = self.applies(change=change)
        self.assertIn("\n-class StorPoolConfigurationInvalid", diff)

    def test_nothing_else_is_printed(self):
        """Not even what prerequisites are missing: it is to be piped."""
        host = self.host()
        host.put_all("newton")
        host.age()
        result = self.good(host, "diff", "-v")
        self.assertTrue(result.out.startswith("diff --git "))
        self.assertTrue(result.out.endswith("\n"))

    def test_nothing_is_changed(self):
        host = self.host("newton")
        before = snapshot(host.top)
        self.good(host, "diff")
        self.same(before, snapshot(host.top), touched=True)

    def test_in_json(self):
        host = self.host("newton")
        document = self.good(host, "--json", "diff").json
        self.assertEqual(document["diff"], self.good(host, "diff").out)
        self.assertEqual({one["component"] for one in document["components"]},
                         set(packages.COMPONENTS))

    def test_names_with_spaces_and_quotes(self):
        """Of the directory above, which is not in the diff at all."""
        host = self.host("newton", site='usr/lib/python2.7 "x" \t/dist-packages')
        self.assertNotIn('"', self.good(host, "diff", "os_brick").out.split("@@")[0])

    def test_files_that_are_not_ascii(self):
        def change(host):
            name = "nova/virt/libvirt/driver.py"
            host.write(name, "# -*- coding: utf-8 -*-\n# caf\u00e9 \u20ac \U0001f40d\n" +
                       host.read(name).replace("    'rbd=", "    # \u00e9\n    'rbd="))
        self.applies("nova", change=change)

    def test_long_file(self):
        """The place is far into it, and there is more than one hunk."""
        def change(host):
            name = "os_brick/initiator/connector.py"
            text = host.read(name)
            at = text.index("\nclass InitiatorConnector")
            write(host.file(name), text[:at] + "".join("LINE_%d = %d\n" % (i, i)
                                                       for i in range(5000)) + text[at:])
        diff = self.applies("os_brick", release="mitaka", change=change)
        self.assertEqual(diff.count("\n@@ "), 3)        # of two files
