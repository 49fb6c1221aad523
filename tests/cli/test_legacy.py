# SPDX-License-Identifier: Apache-2.0
"""Trees that the older tool had integrated: seen as outdated, brought up to date, and cleaned, even
though the work directory knows nothing of them.

Its modules are told by their blob ids. None of them is here: the shipped manifests, in a data
directory of the tests' own, are told the id of a stand-in instead.
"""

import os

import packages
from lib import Case, blob_id, read, write
from snapshot import snapshot

MODULE = "# A stand-in for a driver of the older tool\nNAME = 'storpool'\n"
LEFT_AT_1_4 = "os_brick/initiator/connectors/storpool.py"


class Legacy(Case):
    def setUp(self):
        super().setUp()
        self.data = self.data_dir()
        directory = os.path.join(self.data, "manifests")
        for name in ("mitaka", "newton", "ocata", "pike"):
            path = os.path.join(directory, name + ".yaml")
            text = read(path).decode("utf-8")
            for known in ("8b3f018f9aa22517d7e66ec4ca9a2445fae9776b",    # cinder, to Ocata
                          "7b0ffdad44f7c52c98d89c71b0946c350f4fb7a2",    # cinder, Pike
                          "bdf4523a8eb3177ff7ccc467d5302cea8a5c11b0",    # nova
                          "dfadee91ea16ec25be9a1c104c0cb8bfb79c5ac2",
                          "2fa07c66a8b9b04a5784434a425a55b17fa068e8",
                          "1914f7689d35821b078d363643b096fb5312ff6b",    # os_brick
                          "787200b4d45b8d6fbe712bbc130d9c01c656bcb0"):
                at = text.find(known)
                if at < 0:
                    continue
                # once in each list of ids, for a key can't stand there twice
                lines, wanted = [], blob_id(MODULE)
                for line in text.splitlines(True):
                    changed = line.replace(known, wanted)
                    if changed != line and lines and lines[-1].strip().startswith(wanted):
                        continue
                    lines.append(changed)
                text = "".join(lines)
            write(path, text)

    def run_it(self, host, *arguments, **more):
        return self.run_on(host, "-D", self.data, *arguments, **more)

    def replace(self, host, name, old, new):
        text = host.read(name)
        self.assertEqual(text.count(old), 1, "%s in %s" % (old, name))
        host.write(name, text.replace(old, new))

    def older(self, host, release, layout):
        """Does what the older tool did. The names of the files that it touched."""
        host.write(packages.ADDED["cinder"], MODULE)
        host.write(packages.ADDED["nova"], MODULE)
        host.write("cinder/exception.py",
                   host.read("cinder/exception.py") + packages.OLDER_CINDER_EXCEPTION)
        anchor = "    'iser="
        self.replace(host, "nova/virt/libvirt/driver.py", anchor,
                     packages.OLDER_NOVA_LINE + anchor)
        connector = "os_brick/initiator/connector.py"
        if layout == "package":
            host.write(packages.ADDED["os_brick"], MODULE)
            self.replace(host, "os_brick/initiator/__init__.py", "LOCAL = ",
                         packages.CONSTANT + "LOCAL = ")
            text = host.read(connector)
            at = text.index("    initiator.LOCAL:\n")
            host.write(connector, text[:at] + packages.OLDER_BRICK_ENTRY + text[at:])
        else:
            self.replace(host, connector, '\nLOCAL = ', "\n" + packages.CONSTANT + "LOCAL = ")
            at = "        elif protocol == LOCAL:\n"
            self.replace(host, connector, at, packages.OLDER_BRICK_BRANCH + at)
            host.write(connector, host.read(connector) + packages.OLDER_BRICK_CLASS)

    def cleaned(self, release, layout, version=None):
        host = self.host(release, form=None)
        if layout:
            for name, text in packages.os_brick(release, layout).items():
                host.write(name, text)
        if version:
            host.put_metadata("os-brick", version)
        pristine = snapshot(host.path("usr"))
        layout = layout or ("file" if release == "mitaka" else "package")
        self.older(host, release, layout)
        host.age()
        older = snapshot(host.path("usr"))

        states = {one["component"]: (one["release"], one["state"]) for one in
                  self.run_it(host, "--json", "check").json["components"]}
        self.assertEqual(states, dict.fromkeys(packages.COMPONENTS, (release, "outdated")))
        result = self.expect(1, self.run_it(host, "check"))
        self.assertIn(host.file(packages.ADDED["cinder"]), result.out)

        # cleaned without an install, and without a work directory
        self.good_there(host, "uninstall")
        self.same(pristine, snapshot(host.path("usr")), fields=["content"])
        self.good_there(host, "rollback")
        self.same(older, snapshot(host.path("usr")))

        self.good_there(host, "install")
        self.expect(0, self.run_it(host, "check"))
        for name in list(packages.ADDED.values()) + sum(packages.EDITED.values(), []):
            if os.path.exists(host.file(name)):
                compile(host.read(name), name, "exec")
                self.assertNotIn("stand-in for a driver", host.read(name))
        self.assertNotIn("StorPoolConfigurationInvalid", host.read("cinder/exception.py"))
        self.assertNotIn("putils.execute", host.read("os_brick/initiator/connector.py"))
        self.assertIn("nothing to do", self.good_there(host, "install").out)

        self.good_there(host, "uninstall")
        self.same(pristine, snapshot(host.path("usr")), fields=["content"])
        return host

    def good_there(self, host, *arguments):
        return self.expect(0, self.run_it(host, *arguments))

    def test_mitaka(self):
        self.cleaned("mitaka", None)

    def test_newton(self):
        self.cleaned("newton", None)

    def test_ocata(self):
        self.cleaned("ocata", None)

    def test_pike(self):
        self.cleaned("pike", None)

    def test_os_brick_1_3(self):
        self.cleaned("newton", "file", "1.3.0")

    def test_os_brick_1_5(self):
        self.cleaned("newton", "list", "1.5.0")

    def test_module_that_stayed_behind(self):
        """The older tool took os-brick 1.4 for the layout of 1.6 and stopped halfway."""
        host = self.host(name="left")
        host.put("os_brick", "newton", "1.4.0", layout="list")
        host.write(LEFT_AT_1_4, MODULE)
        host.age()
        self.assertEqual({one["component"]: one["state"] for one in
                          self.run_it(host, "--json", "check").json["components"]},
                         {"os_brick": "outdated"})
        result = self.good_there(host, "install", "os_brick")
        self.assertIn(host.file(LEFT_AT_1_4), result.out)
        self.assertFalse(os.path.exists(host.file(LEFT_AT_1_4)))
        self.expect(0, self.run_it(host, "check"))
        # the same name with a content that is not the older tool's is nobody's business
        host.write(LEFT_AT_1_4, "NAME = 'of a vendor'\n")
        self.expect(0, self.run_it(host, "check"))
        self.good_there(host, "uninstall")
        self.assertEqual(host.read(LEFT_AT_1_4), "NAME = 'of a vendor'\n")

    def test_both_exceptions_under_their_comment(self):
        """As they stand in the files that came with the older tool."""
        host = self.host("mitaka")
        text = host.read("cinder/exception.py")
        middle = text.index("\n\nclass Invalid(")
        missing = packages.OLDER_CINDER_EXCEPTION.replace("Invalid(Cinder", "Missing(Cinder") \
            .replace("Invalid parameter", "Missing parameter").replace(": %(error)s", "")
        host.write("cinder/exception.py", text[:middle] + "\n\n# StorPool driver\n" + missing +
                   packages.OLDER_CINDER_EXCEPTION + text[middle:])
        self.assertEqual(self.states(host)["cinder"], "outdated")
        self.good(host, "uninstall", "cinder")
        self.assertEqual(host.read("cinder/exception.py"), text)

    def test_exception_that_was_changed(self):
        """What is not the older tool's to the letter is left alone."""
        host = self.host("newton")
        text = host.read("cinder/exception.py") + packages.OLDER_CINDER_EXCEPTION.replace(
            "Invalid parameter", "Wrong parameter")
        host.write("cinder/exception.py", text)
        self.good(host, "install", "cinder")
        self.assertEqual(host.read("cinder/exception.py"), text)

    def test_foreign_connector_in_a_file_of_connectors(self):
        host = self.host("mitaka")
        name = "os_brick/initiator/connector.py"
        host.write(name, host.read(name) + "\n\nclass StorPoolConnector(object):\n    pass\n")
        self.refused(host, 3, host.file(name), "connector of the older tool")

    def test_only_our_own_lines_are_outdated_with_an_old_module(self):
        """The older tool's edits of 1.6 and later are the very same as ours."""
        host = self.host("ocata")
        self.older(host, "ocata", "package")
        host.write(packages.ADDED["nova"], MODULE)
        files = {one["path"]: one["state"] for component in
                 self.run_it(host, "--json", "check").json["components"]
                 for one in component["files"]}
        self.assertEqual(files[host.file("nova/virt/libvirt/driver.py")], "installed")
        self.assertEqual(files[host.file(packages.ADDED["nova"])], "outdated")
        self.assertEqual(files[host.file("os_brick/initiator/connector.py")], "installed")
        self.assertEqual(files[host.file("cinder/exception.py")], "outdated")
