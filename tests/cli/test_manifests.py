# SPDX-License-Identifier: Apache-2.0
"""Manifests of the test's own: what is wrong in them is said with file, line and column."""

import os
import shutil
import subprocess

import lib
from lib import Case, read, run_program, write
from snapshot import snapshot

GOOD = """release: newton
released: "2016-10-06"
components:
  toy:
    versions: ">=1.0, <2.0"
    probes:
      - {file: mark.py, pattern: '^MARK$'}
    services: [toyd]
    files:
      - path: new.py
        copy: toy/new.py
        marker: '^# Installed by a test'
      - path: list.py
        edits:
          - name: entry
            within: ['^names = \\[$', '^\\]$']
            before: '^\\]$'
            text: |2
                  'storpool',
            foreign: ['storpool']
"""
DRIVER = "# Installed by a test\nNAME = 'new'\n"
LIST = "names = [\n    'a',\n]\n"


class ManifestCase(Case):
    def toy(self, name="host"):
        host = self.host(name=name)
        for file, text in (("toy/__init__.py", ""), ("toy/mark.py", "MARK\n"),
                           ("toy/list.py", LIST)):
            host.write(file, text)
        host.put_metadata("toy", "1.5")
        host.age()
        return host

    def data(self, manifest, **more):
        manifests = {"newton.yaml": manifest} if not isinstance(manifest, dict) else manifest
        return self.data_dir("data%d" % len(os.listdir(self.tmp)), manifests,
                             dict({"toy/new.py": DRIVER}, **more))


class Good(ManifestCase):
    def test_another_component(self):
        """The program knows nothing but what the manifests say."""
        host, data = self.toy(), self.data(GOOD)
        before = snapshot(host.path("usr"))
        self.expect(1, self.run_on(host, "-D", data, "check"), "toy", "1.5", "newton")
        result = self.expect(0, self.run_on(host, "-D", data, "install", "toy"))
        self.assertIn("toyd", result.out)
        self.assertEqual(host.read("toy/list.py"), "names = [\n    'a',\n    'storpool',\n]\n")
        self.assertEqual(host.read("toy/new.py"), DRIVER)
        self.expect(0, self.run_on(host, "-D", data, "check"))
        self.expect(0, self.run_on(host, "-D", data, "uninstall"))
        self.same(before, snapshot(host.path("usr")))

    def edit(self, lines, expected, content=LIST):
        """One edit, put in and taken out again."""
        indented = "".join("            %s\n" % line for line in lines)
        manifest = GOOD[:GOOD.index("            within:")] + indented
        number = len(os.listdir(self.tmp))
        host, data = self.toy("host%d" % number), self.data(manifest)
        host.write("toy/list.py", content)
        self.expect(0, self.run_on(host, "-D", data, "install"))
        self.assertEqual(host.read("toy/list.py"), expected)
        self.assertIn("nothing to do", self.run_on(host, "-D", data, "install").out)
        self.expect(0, self.run_on(host, "-D", data, "uninstall"))
        self.assertEqual(host.read("toy/list.py"), content)

    def test_places(self):
        self.edit(["before: '^names'", 'text: "x = 1\\n"'], "x = 1\n" + LIST)
        self.edit(["after: \"'a'\"", 'text: "    1,\\n"'], "names = [\n    'a',\n    1,\n]\n")
        self.edit(["after: '^\\]$'", 'text: "x = 1\\n"'], LIST + "x = 1\n")
        self.edit(["append: true", 'text: "\\nx = 1\\n"'], LIST + "\nx = 1\n")
        # an anchor of several lines: before the first of them, after the last
        self.edit(["before: 'a.,\\n\\]'", 'text: "    1,\\n"'], "names = [\n    1,\n    'a',\n]\n")
        self.edit(["after: '\\[\\n    .a'", 'text: "    1,\\n"'],
                  "names = [\n    'a',\n    1,\n]\n")

    def test_region(self):
        """The anchor counts only in it; the end is the first one after the start."""
        text = "]\nnames = [\n]\nother = [\n]\n"
        self.edit(["within: ['^names = \\[$', '^\\]$']", "before: '^\\]$'", 'text: "    1,\\n"'],
                  "]\nnames = [\n    1,\n]\nother = [\n]\n", text)
        self.edit(["within: ['^other = \\[$', '^\\]$']", "before: '^\\]$'", 'text: "    1,\\n"'],
                  "]\nnames = [\n]\nother = [\n    1,\n]\n", text)

    def test_newest_release_first(self):
        """Probes are tried from the newest release on, whatever the files are called."""
        older = GOOD.replace("newton", "mitaka").replace("2016-10-06", "2016-04-07")
        host, data = self.toy(), self.data({"z.yaml": GOOD, "a.yaml": older})
        os.unlink(host.file("toy-1.5.dist-info/METADATA"))
        self.assertEqual(self.one(host, "-D", data, "toy")["release"], "newton")

    def test_files_that_are_no_manifests(self):
        host = self.toy()
        data = self.data({"newton.yaml": GOOD, "README": "{", "a.yaml~": "{", ".yaml": "{",
                          "a.yml": "{"})
        self.assertEqual(self.one(host, "-D", data, "toy")["release"], "newton")


class Documents(ManifestCase):
    """What only some hosts need is in documents of its own."""

    FIRST, FILES = GOOD.split("    files:\n")
    FILES = "---\ncomponents:\n  toy:\n    files:\n" + FILES

    def test_whole_cycle(self):
        host, data = self.toy(), self.data(self.FIRST + self.FILES)
        before = snapshot(host.path("usr"))
        self.expect(0, self.run_on(host, "-D", data, "install", "toy"))
        self.expect(0, self.run_on(host, "-D", data, "check"))
        self.expect(0, self.run_on(host, "-D", data, "uninstall"))
        self.same(before, snapshot(host.path("usr")))
        self.expect(0, self.run_on(host, "-D", data, "install", "toy"))
        self.expect(0, self.run_on(host, "-D", data, "rollback"))
        self.same(before, snapshot(host.path("usr")))

    def test_error_where_it_is_needed(self):
        host, data = self.toy(), self.data(self.FIRST + self.FILES + "            color: blue\n")
        place = "%s/manifests/newton.yaml:24:13: unknown key 'color'" % data
        for command in ("detect", "check", "diff", "install"):
            line = self.error(self.expect(3, self.run_on(host, "-D", data, command)), place)
            self.assertNotIn("cannot tell the version", line)
        self.assertEqual(host.read("toy/list.py"), LIST)

    def test_error_of_another_release(self):
        """It is in nobody's way on a host of another one; trees are read with all of them."""
        other = (self.FIRST + self.FILES).replace("newton", "pike").replace("2016", "2017") \
            .replace(">=1.0, <2.0", ">=2.0, <3.0").replace("before:", "befor:")
        host, data = self.toy(), self.data({"newton.yaml": GOOD, "pike.yaml": other})
        self.expect(0, self.run_on(host, "-D", data, "install"))
        self.expect(0, self.run_on(host, "-D", data, "check"))
        for command in (("check", "-t"), ("matrix",)):
            self.error(self.expect(3, run_program(["-D", data, *command, host.path()])),
                       data + "/manifests/pike.yaml:")

    def test_checksums_are_read_without_metadata(self):
        sums = "---\ncomponents:\n  toy:\n    checksums:\n      mark.py: {%s: [1.7]}\n" \
            % lib.blob_id("MARK\n")
        host, data = self.toy(), self.data(self.FIRST + self.FILES + sums)
        bad = self.data(self.FIRST + self.FILES + sums.replace("[1.7]", "1.7"))
        self.assertEqual(self.one(host, "-D", bad, "toy")["version"], "1.5")
        os.unlink(host.file("toy-1.5.dist-info/METADATA"))
        self.assertEqual(self.one(host, "-D", data, "toy")["version"], "1.7")
        self.error(self.expect(3, self.run_on(host, "-D", bad, "check")),
                   bad + "/manifests/newton.yaml:28:")


class Bad(ManifestCase):
    def bad(self, manifest, where, *parts):
        """Refused by every command, with FILE:LINE:COLUMN; nothing is touched."""
        host, data = self.toy("host%d" % len(os.listdir(self.tmp))), self.data(manifest)
        place = "%s/manifests/newton.yaml%s" % (data, where)
        result = self.refused(host, 3, place, *parts, arguments=("-D", data, "install"))
        for command in ("detect", "check"):
            self.assertEqual(self.expect(3, self.run_on(host, "-D", data, command)).err,
                             result.err)

    def changed(self, old, new):
        self.assertEqual(GOOD.count(old), 1, old)
        return GOOD.replace(old, new)

    def test_unknown_keys(self):
        self.bad(self.changed("released:", "color: blue\nreleased:"), ":2:1: ", "color")
        self.bad(self.changed("    services:", "    servces:"), ":8:5: ", "servces")
        self.bad(self.changed("        copy:", "        mode: 0644\n        copy:"), ":11:9: ",
                 "mode")
        self.bad(self.changed("            before:", "            befor:"), ":", "befor")
        self.bad(self.changed("{file: mark.py, ", "{file: mark.py, size: 1, "), ":7:25: ", "size")

    def test_duplicate_keys(self):
        self.bad(self.changed("released:", "release: pike\nreleased:"), ":2:1: ", "release")
        self.bad(self.changed("    services:", '    versions: ">1"\n    services:'), ":8:5: ",
                 "versions")
        self.bad(self.changed("{file: mark.py, ", "{file: mark.py, file: a, "), ":7:25: ", "file")
        self.bad(GOOD + "  toy:\n    versions: '>2'\n", ":21:3: ", "toy")

    def test_anchors_aliases_tags(self):
        self.bad(self.changed("release: newton", "release: &a newton"), ":1:10: ")
        self.bad(self.changed("[toyd]", "[*a]"), ":8:16: ")
        self.bad(self.changed("release: newton", "release: !!str newton"), ":1:10: ")
        self.bad(self.changed("release: newton", "<<: {a: b}\nrelease: newton"), ":1:1: ")

    def test_wrong_types(self):
        self.bad(self.changed("release: newton", "release: [newton]"), ":1:10: ", "release")
        self.bad(self.changed("[toyd]", "toyd"), ":8:15: ", "services")
        self.bad(self.changed("[toyd]", "[{a: b}]"), ":8:16: ", "services")
        self.bad(self.changed('">=1.0, <2.0"', "{a: b}"), ":5:15: ", "versions")
        self.bad("- a\n- b\n", ":1:1: ", "mapping")
        self.bad("text\n", ":1:1: ", "mapping")
        self.bad(GOOD[:GOOD.index("  toy:")] + "  - toy\n", ":4:3: ", "components")

    def test_empty(self):
        self.bad("", "")
        self.bad("---\n", "")
        self.bad(self.changed("release: newton", "release: ''"), ":1:10: ", "release")
        self.bad(self.changed("release: newton", "release:"), ":1:9: ", "release")

    def test_missing_keys(self):
        self.bad(self.changed("release: newton\n", ""), ":1:1: ", "'release'")
        self.bad(self.changed('released: "2016-10-06"\n', ""), ":1:1: ", "'released'")
        self.bad(self.changed('    versions: ">=1.0, <2.0"\n', ""), ":5:5: ", "'versions'")
        self.bad(self.changed("        marker: '^# Installed by a test'\n", ""), ":11:15: ",
                 "'marker'")
        self.bad(self.changed("          - name: entry\n            within:",
                              "          - within:"), ":15:13: ", "'name'")
        self.bad(self.changed("            before: '^\\]$'\n", ""), ":15:13: ", "'before'")
        self.bad(GOOD[:GOOD.index("    files:")], ":5:5: ", "'files'")
        self.bad(self.changed("components:", "status: included\ncomponents:"), ":1:1: ", "'note'")

    def test_paths_that_climb(self):
        for path in ("../a.py", "/a.py", "a/../../b.py", "a/./b.py", ".", "a//b.py", "a/",
                     "a\\\\b.py"):
            quoted = '"%s"' % path
            with self.subTest(path):
                self.bad(self.changed("path: new.py", "path: " + quoted), ":10:15: ", "path")
                self.bad(self.changed("copy: toy/new.py", "copy: " + quoted), ":11:15: ", "copy")
                self.bad(self.changed("file: mark.py", "file: " + quoted), ":7:16: ", "file")
        self.bad(self.changed("  toy:", '  "../toy":'), ":4:3: ", "component")
        self.bad(self.changed("  toy:", "  a/toy:"), ":4:3: ", "component")

    def test_bad_patterns(self):
        self.bad(self.changed("'^MARK$'", "'(MARK'"), ":7:34: ", "pattern")
        self.bad(self.changed("marker: '^#", "marker: '[^#"), ":12:17: ", "marker")
        self.bad(self.changed("before: '^\\]$'", "before: '*'"), ":17:21: ", "before")
        self.bad(self.changed("['storpool']", "['storpool', '\\p{Nonsense}']"), ":20:35: ",
                 "foreign")

    def test_bad_specifiers(self):
        for versions in (">=", "=>1.0", ">=1.0 <2.0", ">=one", ">=1.0,,<2", "1.0"):
            with self.subTest(versions):
                self.bad(self.changed(">=1.0, <2.0", versions), ":5:15: ", "versions")

    def test_contradictions(self):
        self.bad(self.changed("            before:", "            append: true\n"
                              "            before:"), ":", "before")
        self.bad(self.changed("before: '^\\]$'", "append: false"), ":17:21: ", "append")
        self.bad(self.changed("        marker:", "        edits: []\n        marker:"), ":12:16: ",
                 "edits")
        self.bad(self.changed("path: list.py", "path: new.py"), ":13:9: ", "new.py", "twice")
        self.bad(self.changed("pattern: '^MARK$'", "pattern: a, absent: b"), ":7:45: ", "absent")
        self.bad(self.changed("['^names = \\[$', '^\\]$']", "['^names']"), ":16:21: ", "within")
        self.bad(self.changed("            text: |2\n                  'storpool',\n",
                              "            text: \"'storpool'\"\n"), ":18:19: ", "whole lines")
        self.bad(self.changed("components:", "status: maybe\ncomponents:"), ":3:9: ", "maybe")

    def test_blob_ids(self):
        manifest = self.changed("        copy:", "        legacy: {%s: old}\n        copy:")
        for text in ("0" * 39, "0" * 41, "g" * 40, "A" * 40):
            self.bad(manifest.replace("%s", text), ":11:18: ", text)

    def test_broken_yaml(self):
        self.bad(self.changed("[toyd]", "[toyd"), ":")
        self.bad(GOOD + "\t- a\n", ":21:")
        self.bad(GOOD.encode() + b"# \xff\n", ":")
        self.bad(GOOD + "---\nrelease: more\n", ":")

    def test_deep_nesting(self):
        self.bad(self.changed("[toyd]", "[" * 5000 + "]" * 5000), ":8:")

    def test_too_large(self):
        self.bad(GOOD + "#" * (8 << 20) + "\n", "", "larger")

    def test_not_a_file(self):
        host, data = self.toy(), self.data(GOOD)
        os.mkdir(data + "/manifests/a.yaml")
        self.refused(host, 3, data + "/manifests/a.yaml", arguments=("-D", data, "check"))
        os.rmdir(data + "/manifests/a.yaml")
        os.mkfifo(data + "/manifests/a.yaml")
        self.refused(host, 3, data + "/manifests/a.yaml", arguments=("-D", data, "check"))

    def test_release_twice(self):
        host, data = self.toy(), self.data({"a.yaml": GOOD, "b.yaml": GOOD})
        self.refused(host, 3, data + "/manifests/b.yaml", data + "/manifests/a.yaml", "newton",
                     arguments=("-D", data, "check"))

    def test_no_manifests(self):
        host = self.toy()
        for name in ("none", "empty"):
            path = os.path.join(self.tmp, name)
            if name == "empty":
                os.makedirs(path + "/manifests")
            result = self.run_on(host, "-D", path, "check")
            self.assertIn(result.status, (3, 4), str(result))
            self.error(result, path)

    def test_requirements_in_a_circle(self):
        manifest = self.changed("    services:", "    requires: [toy]\n    services:")
        host, data = self.toy(), self.data(manifest)
        result = self.run_on(host, "-D", data, "install")
        self.assertIn(result.status, (0, 3), str(result))
        if result.status == 3:
            self.error(result, "newton.yaml")

    def test_pattern_that_backtracks_forever(self):
        manifest = self.changed("'^MARK$'", "'^(a+)+!'")
        host, data = self.toy(), self.data(manifest)
        os.unlink(host.file("toy-1.5.dist-info/METADATA"))
        host.write("toy/mark.py", "a" * 100 + "\n!\n")
        result = self.run_on(host, "-D", data, "check")
        self.assertEqual(result.status, 3, str(result))
        self.error(result, "^(a+)+!", host.file("toy/mark.py"))


class Drivers(ManifestCase):
    def test_driver_that_is_missing(self):
        host, data = self.toy(), self.data(GOOD)
        path = data + "/drivers/toy/new.py"
        os.unlink(path)
        for command in ("install", "check"):
            result = self.run_on(host, "-D", data, command)
            self.assertIn(result.status, (3, 4), str(result))
            self.error(result, path)

    def test_driver_that_leads_out_of_the_data_directory(self):
        host, data = self.toy(), self.data(GOOD)
        path = data + "/drivers/toy/new.py"
        os.unlink(path)
        write(self.tmp + "/secret", DRIVER)
        os.symlink(self.tmp + "/secret", path)
        before = snapshot(host.path("usr"))
        result = self.run_on(host, "-D", data, "install")
        self.assertIn(result.status, (3, 4), str(result))
        self.error(result, path)
        self.same(before, snapshot(host.path("usr")), touched=True)


class Edits(ManifestCase):
    def test_edit_that_does_not_come_out_again(self):
        """A manifest that would not give back the original is refused for that file."""
        manifest = GOOD.replace("foreign: ['storpool']", "legacy: [\"    'storpool',\\n\"]")
        host, data = self.toy(), self.data(manifest)
        result = self.run_on(host, "-D", data, "install")
        if result.status == 0:
            self.expect(0, self.run_on(host, "-D", data, "uninstall"))
            self.assertEqual(host.read("toy/list.py"), LIST)
        else:
            self.error(self.expect(3, result), host.file("toy/list.py"))

    def test_text_that_is_there_by_itself(self):
        """Text that stood there before is taken for ours; then it goes with uninstall."""
        host, data = self.toy(), self.data(GOOD)
        host.write("toy/list.py", "names = [\n    'storpool',\n    'a',\n]\n")
        states = self.run_on(host, "-D", data, "-j", "check").json["components"][0]["files"]
        self.assertEqual([one["state"] for one in states], ["not-installed", "installed"])
        self.expect(0, self.run_on(host, "-D", data, "install"))
        self.assertEqual(host.read("toy/list.py"), "names = [\n    'storpool',\n    'a',\n]\n")

    def test_other_text_beside_ours(self):
        host, data = self.toy(), self.data(GOOD)
        host.write("toy/list.py", "names = [\n    'storpool2',\n]\n")
        self.refused(host, 3, host.file("toy/list.py"), "line 2",
                     arguments=("-D", data, "install"))


class Shipped(Case):
    def test_data_beside_the_program(self):
        """It runs from the checkout, from any directory."""
        self.expect(0, run_program(["recover", "--root", self.tmp], cwd="/"))

    def test_data_of_an_installation(self):
        """PREFIX/sbin/sp-openstack finds PREFIX/share/sp-openstack."""
        prefix = os.path.join(self.tmp, "prefix")
        os.makedirs(prefix + "/sbin")
        os.makedirs(prefix + "/share/sp-openstack")
        shutil.copy2(lib.PROGRAM, prefix + "/sbin/sp-openstack")
        for name in ("manifests", "drivers"):
            shutil.copytree(os.path.join(lib.TOP, name),
                            prefix + "/share/sp-openstack/" + name)
        host = self.host("newton")
        done = subprocess.run([prefix + "/sbin/sp-openstack", "check", "--root", host.top],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
                              env=lib.environment(), check=False)
        self.assertEqual((done.returncode, done.stderr), (1, b""))
        self.assertIn(b"14.1.0", done.stdout)

    def test_manifest_of_the_test(self):
        """A data directory of the test's own is what it was copied from."""
        data = self.data_dir()
        host = self.host("newton")
        self.assertEqual(self.run_on(host, "check").out,
                         self.run_on(host, "-D", data, "check").out.replace(" -D " + data, ""))
        self.assertTrue(read(data + "/manifests/newton.yaml"))
