# SPDX-License-Identifier: Apache-2.0
"""--json: one document on standard output, and nothing else there; as the contract has it."""

import json

import packages
from lib import Case, write

STATES = {"installed", "not-installed", "partial", "outdated", "included", "unsupported",
          "conflict", "not-found"}
FILE_STATES = STATES | {"untouched"}
ACTIONS = {"none", "add", "replace", "remove"}
EVIDENCE = {"metadata", "checksums", "probes", "none"}


def no_double(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("a key stands twice: %s" % keys)
    return dict(pairs)


class Document(Case):
    def document(self, host, status, *arguments):
        result = self.run_on(host, "--json", *arguments)
        self.assertEqual(result.status, status, str(result))
        self.assertTrue(result.out.endswith("}\n") and result.out.startswith("{"), str(result))
        document = json.loads(result.out, object_pairs_hook=no_double)
        self.assertEqual(document["schema"], 1)
        self.assertEqual(document["command"], next(word for word in arguments
                                                   if not word.startswith("-")))
        self.assertIsInstance(document["warnings"], list)
        for warning in document["warnings"]:
            self.assertIn("warning: " + warning, result.err)
        for line in result.err.splitlines():
            self.assertTrue(line.startswith("sp-openstack: warning: "), line)
        return document

    def check_components(self, components, with_plan):
        for one in components:
            self.assertIsInstance(one["component"], str)
            for key in ("version", "release", "path", "because", "needed_by", "support"):
                self.assertIsInstance(one[key], (str, type(None)), key)
            self.assertIn(one["evidence"], EVIDENCE | {None})
            if not with_plan:
                continue
            self.assertIn(one["state"], STATES)
            for file in one["files"]:
                self.assertIsInstance(file["path"], str)
                self.assertIn(file["action"], ACTIONS)
                self.assertIn(file["state"], FILE_STATES)

    def failed(self, host, status, *arguments):
        """The document of a command that fails: it has the sentence of standard error."""
        result = self.run_on(host, "--json", *arguments)
        message = self.error(self.expect(status, result))
        document = json.loads(result.out, object_pairs_hook=no_double)
        self.assertEqual("sp-openstack: " + document["error"], message)
        return document

    def test_error(self):
        host = self.host("newton")
        host.put("nova", "pike")
        self.assertEqual(set(self.failed(host, 3, "install")),
                         {"schema", "command", "error", "warnings"})
        self.assertIn("components", self.failed(host, 3, "check"))
        self.assertIn("transaction 7", self.failed(host, 3, "rollback", "7")["error"])
        self.assertEqual(self.run_on(host, "--json", "check", "--force").out, "")

    def test_diff_of_a_plan(self):
        """With -v, of both directions, before and while it is done."""
        host = self.host("newton")
        self.assertNotIn("diff", self.document(host, 0, "install", "-n"))
        expected = self.document(host, 0, "diff")["diff"]
        for command in ("install", "uninstall"):
            planned = self.document(host, 0, command, "-n", "-v")["diff"]
            self.assertEqual(self.document(host, 0, command, "-v")["diff"], planned)
            self.assertEqual(planned.count("diff --git "), 6)
            self.assertEqual(planned == expected, command == "install")
            self.assertEqual(self.document(host, 0, command, "-v")["diff"], "")
        self.assertEqual(planned.count("+++ /dev/null"), 3)

    def test_every_command(self):
        host = self.host("newton")
        for status, arguments, plan in (
                (0, ("detect",), False), (1, ("check",), True), (0, ("diff",), True),
                (0, ("install", "-n"), True), (0, ("install",), True), (0, ("install",), True),
                (0, ("check",), True), (0, ("history",), None), (0, ("uninstall", "-n"), True),
                (0, ("uninstall",), True), (0, ("uninstall",), True),
                (0, ("rollback", "-n"), None), (0, ("rollback",), None), (0, ("recover",), None),
                (0, ("rollback",), None), (0, ("rollback",), None), (0, ("history",), None)):
            with self.subTest(" ".join(arguments)):
                document = self.document(host, status, *arguments)
                if plan is not None:
                    self.assertEqual(len(document["components"]), 3)
                    self.check_components(document["components"], plan)

    def test_states(self):
        host = self.host("newton")
        self.good(host, "install", "os_brick")
        write(host.file(packages.ADDED["cinder"]), "NAME = 'of a vendor'\n")
        components = self.document(host, 3, "check")["components"]
        self.check_components(components, True)
        self.assertEqual({one["component"]: one["state"] for one in components},
                         {"os_brick": "installed", "cinder": "conflict", "nova": "not-installed"})

    def test_fields_of_a_component(self):
        host = self.host("newton")
        one = self.document(host, 1, "check", "os_brick")["components"][0]
        self.assertEqual({key: one[key] for key in ("component", "version", "release", "path",
                                                    "evidence", "state")},
                         {"component": "os_brick", "version": "1.6.2", "release": "newton",
                          "path": host.file("os_brick"), "evidence": "metadata",
                          "state": "not-installed"})
        self.assertEqual([(file["path"], file["action"], file["state"]) for file in one["files"]],
                         [(host.file(packages.ADDED["os_brick"]), "add", "not-installed"),
                          (host.file("os_brick/initiator/__init__.py"), "replace",
                           "not-installed"),
                          (host.file("os_brick/initiator/connector.py"), "replace",
                           "not-installed")])

    def test_services(self):
        host = self.host("newton")
        self.assertEqual(self.document(host, 0, "install", "nova", "-n")["services"], [])
        self.assertEqual(sorted(self.document(host, 0, "install", "nova")["services"]),
                         ["cinder-backup", "cinder-volume", "nova-compute"])
        self.assertEqual(self.document(host, 0, "install", "nova")["services"], [])

    def test_component_that_is_not_found(self):
        host = self.host()
        host.put("os_brick", "newton")
        host.put_prerequisites()
        document = self.document(host, 3, "check", "nova")
        self.check_components(document["components"], True)
        self.assertEqual(document["components"][0]["state"], "not-found")
        document = self.document(host, 3, "detect", "nova")
        self.check_components(document["components"], False)

    def test_only_the_document_is_on_standard_output(self):
        host = self.host("newton")
        write(host.file("nova/virt/libvirt/driver.py"), "")
        for status, arguments in ((3, ("install",)), (3, ("diff",)), (2, ("check", "glance")),
                                  (3, ("rollback", "7")), (3, ("install", "-L", "/none"))):
            with self.subTest(" ".join(arguments)):
                self.failed(host, status, *arguments)

    def test_quiet_and_verbose_do_not_matter(self):
        host = self.host("newton")
        plain = self.run_on(host, "--json", "check").out
        for option in ("-q", "-v", "-vv"):
            self.assertEqual(self.run_on(host, "--json", option, "check").out, plain)

    def test_names_in_it(self):
        """Quotes, backslashes, controls and other alphabets come through as they are."""
        site = "usr/lib/python2.7 \"\\\t\u00e9\u20ac\U0001f40d\x7f/dist-packages"
        host = self.host("newton", site=site)
        components = self.document(host, 1, "check", "os_brick")["components"]
        self.assertEqual(components[0]["path"], host.file("os_brick"))

    def test_warnings(self):
        host = self.host()
        host.put("os_brick", "newton")
        document = self.document(host, 1, "check")
        self.assertTrue(document["warnings"])
        self.assertTrue(any("pip install" in one for one in document["warnings"]))
