# SPDX-License-Identifier: Apache-2.0
"""The collection as an archive: what is in it, ansible-lint, ansible-doc, ansible-test."""

import json
import os
import re
import shutil
import tarfile
import tempfile
import unittest

import environment
import lab

# ansible-test would fetch a script of this name from the network, to install pip; Python has it.
GET_PIP = """import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"])
subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet"]
                      + [word for word in sys.argv[1:] if not word.startswith("-")])
"""
MODULES = ("integration", "integration_info", "services")


class Static(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.control = lab.control("ansible-core-2.16")

    def place(self, control=None):
        """A copy of the installed collection, as the tools want it."""
        top = tempfile.mkdtemp(dir=lab.top())
        control = control or self.control
        shutil.copytree(os.path.join(control.collections, "ansible_collections"),
                        os.path.join(top, "ansible_collections"))
        return top, os.path.join(top, "ansible_collections/sp_openstack/drivers")

    def test_archive(self):
        with tarfile.open(self.control.archive) as tar:
            names = set(tar.getnames())
        for name in (["README.md", "changelogs/changelog.yaml", "meta/runtime.yml",
                      "playbooks/rollout.yml", "roles/host/meta/argument_specs.yml"]
                     + ["plugins/modules/%s.py" % module for module in MODULES]):
            self.assertIn(name, names)
        self.assertFalse([name for name in names if name.endswith((".pyc", ".mk", ".tar.gz"))])
        with open(os.path.join(environment.TOP, "ansible/changelogs/changelog.yaml"),
                  encoding="utf-8") as file:
            version = re.search(r"drivers-([\d.]+)\.tar", self.control.archive).group(1)
            self.assertIn("  %s:" % version, file.read())

    def documents(self, *arguments):
        done = self.control.ansible.run(
            "ansible-doc", "--json", *arguments, HOME=self.control.top,
            ANSIBLE_COLLECTIONS_PATH=self.control.collections)
        self.assertEqual(done.returncode, 0, done.stdout)
        return json.loads(done.stdout[done.stdout.index("{"):])

    def test_documentation(self):
        """Of each module, with the options of its specification; of each entry of the role."""
        for module in MODULES:
            name = "sp_openstack.drivers." + module
            doc = self.documents(name)[name]
            self.assertTrue(doc["examples"] and doc["return"] and doc["doc"]["short_description"])
            with open(os.path.join(environment.TOP, "ansible/plugins/modules/%s.py" % module),
                      encoding="utf-8") as file:
                own = re.findall(r"^ +(\w+)=dict\(type=", file.read(), re.M)
            for option in own:
                self.assertIn(option, doc["doc"]["options"], module)
            self.assertIn("data_dir", doc["doc"]["options"])
        role = self.documents("-t", "role", "sp_openstack.drivers.host")
        self.assertEqual(set(role["sp_openstack.drivers.host"]["entry_points"]),
                         {"main", "batch", "raw", "raw_batch"})

    def test_defaults_are_documented(self):
        options = self.documents("-t", "role", "sp_openstack.drivers.host")[
            "sp_openstack.drivers.host"]["entry_points"]["batch"]["options"]
        with open(os.path.join(environment.TOP, "ansible/roles/host/defaults/main.yml"),
                  encoding="utf-8") as file:
            names = re.findall(r"^(\w+):", file.read(), re.M)
        self.assertEqual(set(names), set(options))

    def test_lint(self):
        newest = lab.control("newest")
        top, place = self.place(newest)
        done = newest.ansible.run("ansible-lint", "--profile", "production", "--offline",
                                  "--nocolor", cwd=place, HOME=top, ANSIBLE_COLLECTIONS_PATH=top)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("'production' was required, and it passed", done.stdout)

    def sanity(self, test, *versions):
        top, place = self.place()
        os.makedirs(os.path.join(top, ".ansible/test/cache"))
        with open(os.path.join(top, ".ansible/test/cache/get_pip_23_1_2.py"), "w",
                  encoding="ascii") as file:
            file.write(GET_PIP)
        found = environment.interpreters()
        path = ":".join(os.path.dirname(found[version]) for version in versions)
        for version in versions:
            done = self.control.ansible.run(
                "ansible-test", "sanity", "--test", test, "--python", "%d.%d" % version, "--color",
                "no", cwd=place, HOME=top,
                PATH=self.control.ansible.top + "/bin:" + path + ":/usr/bin:/bin")
            if "Could not find a version" in done.stdout or "ConnectionError" in done.stdout:
                self.skipTest("what ansible-test needs for %s cannot be had" % test)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn('sanity test "%s"' % test, done.stdout)

    def test_compiles(self):
        versions = [version for version in ((2, 7), (3, 6), (3, 11))
                    if version in environment.interpreters()]
        if (2, 7) not in versions:
            self.skipTest("Python 2.7 is not here")
        self.sanity("compile", *versions)

    def newest_of_2_16(self):
        return max(version for version in environment.interpreters()
                   if (3, 10) <= version <= (3, 12))

    def test_validate_modules(self):
        """Documentation against argument specifications, and more."""
        self.sanity("validate-modules", self.newest_of_2_16())

    def test_style(self):
        for test in ("pep8", "yamllint", "runtime-metadata", "future-import-boilerplate",
                     "metaclass-boilerplate", "ansible-doc"):
            with self.subTest(test):
                self.sanity(test, self.newest_of_2_16())
