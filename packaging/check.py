#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the packages that packaging/build.sh makes: what is in them, and who can read them.

    packaging/check.py --version VERSION [--dist DIR]

Without --dist they are built first, twice.
"""

import argparse
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HERE = os.path.join(TOP, "packaging")
BUILD = os.path.join(HERE, "build.sh")
KINDS = ("deb", "rpm", "tarball")

# rpm 4.11.3: what its lib/rpmds.c says that it can do. A package that asks for more is refused.
RPM_4_11 = {"rpmlib(%s)" % name for name in (
    "BuiltinLuaScripts", "CompressedFileNames", "ConcurrentAccess", "ExplicitPackageProvide",
    "FileCaps", "FileDigests", "HeaderLoadSortsTags", "PartialHardlinkSets",
    "PayloadFilesHavePrefix", "PayloadIsBzip2", "PayloadIsLzma", "PayloadIsXz",
    "ScriptletExpansion", "ScriptletInterpreterArgs", "TildeInVersions", "VersionedDependencies")}
# Beyond what `make install` puts there. {package}: the format's own places.
DOC = "usr/share/doc/sp-openstack/"
COMMON = {DOC + name for name in ("README.md", "SECURITY.md", "drivers.md", "manifests.md",
                                  "libraries.txt")} | {"var/lib/sp-openstack"}
OWN = {"deb": {DOC + "CHANGELOG.md.gz", DOC + "changelog.gz", DOC + "copyright",
               "usr/share/lintian/overrides/sp-openstack"},
       "rpm": {DOC + "CHANGELOG.md", DOC + "LICENSE"},
       "tarball": {DOC + "CHANGELOG.md", DOC + "LICENSE"}}


def run(*command, **more):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, encoding="utf-8",
                          errors="replace", **more)


def must(*command, **more):
    done = run(*command, **more)
    if done.returncode:
        raise AssertionError("%s: %s" % (command[0], done.stdout[-800:]))
    return done.stdout


def read(*parts):
    with open(os.path.join(*parts), encoding="utf-8") as file:
        return file.read()


def digests(directory):
    found = {}
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), "rb") as file:
            found[name] = hashlib.sha256(file.read()).hexdigest()
    return found


class Packages:
    """The three files, and each unpacked; made once for all tests."""

    version = dist = scratch = again = None

    @classmethod
    def open(cls, version, dist):
        cls.version, cls.scratch = version, tempfile.mkdtemp(prefix="sp-openstack-packaging.")
        cls.dist = dist or os.path.join(TOP, "dist")
        if not dist:
            must(BUILD, version, *KINDS)
            cls.again = digests(cls.dist)
            must(BUILD, version, *reversed(KINDS))
        cls.file = {"deb": cls.find("sp-openstack_%s_*.deb"),
                    "rpm": cls.find("sp-openstack-%s-1.*.rpm"),
                    "tarball": cls.find("sp-openstack-%s-linux-*.tar.gz")}
        cls.tree = {kind: os.path.join(cls.scratch, kind) for kind in KINDS}
        for kind in KINDS:
            os.mkdir(cls.tree[kind])
        must("dpkg-deb", "-R", cls.file["deb"], cls.tree["deb"])
        must("sh", "-c", 'rpm2cpio "$0" | cpio -idm --quiet', cls.file["rpm"],
             cwd=cls.tree["rpm"])
        must("tar", "-xf", cls.file["tarball"], "-C", cls.tree["tarball"])

    @classmethod
    def find(cls, pattern):
        found = glob.glob(os.path.join(cls.dist, pattern % cls.version))
        if len(found) != 1:
            raise AssertionError("%d files %s in %s" % (len(found), pattern, cls.dist))
        return found[0]

    @classmethod
    def paths(cls, kind):
        """Files, and the one directory that is there for its own sake; no control files."""
        names = {os.path.relpath(os.path.join(directory, name), cls.tree[kind])
                 for directory, _, files in os.walk(cls.tree[kind]) for name in files}
        names = {name for name in names if not name.startswith("DEBIAN/")}
        if os.path.isdir(os.path.join(cls.tree[kind], "var/lib/sp-openstack")):
            names.add("var/lib/sp-openstack")
        return names


class Contents(unittest.TestCase):
    def test_same_bytes_again(self):
        if not Packages.again:
            self.skipTest("the packages were not built here")
        self.assertEqual(Packages.again, digests(Packages.dist))

    def test_sums(self):
        sums = dict(reversed(line.split()) for line in
                    read(Packages.dist, "SHA256SUMS").splitlines())
        found = digests(Packages.dist)
        del found["SHA256SUMS"]
        self.assertEqual(sums, found)

    def test_paths_are_those_of_make_install(self):
        place = os.path.join(Packages.scratch, "installed")
        env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        must("make", "-s", "install", "STATIC=1", "PREFIX=/usr", "DESTDIR=" + place, cwd=TOP,
             env=env)
        installed = {os.path.relpath(os.path.join(directory, name), place)
                     for directory, _, files in os.walk(place) for name in files}
        page = "usr/share/man/man8/sp-openstack.8"
        self.assertIn(page, installed)
        installed = installed - {page} | {page + ".gz"}
        for kind in KINDS:
            with self.subTest(kind):
                self.assertEqual(Packages.paths(kind), installed | COMMON | OWN[kind])

    def test_same_contents_in_all(self):
        for name in Packages.paths("deb") & Packages.paths("rpm"):
            contents = set()
            for kind in KINDS:
                path = os.path.join(Packages.tree[kind], name)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        contents.add(file.read())
                    contents.add(oct(os.stat(path).st_mode))
            self.assertLessEqual(len(contents), 2, name)

    def test_modes_and_owners(self):
        lines = must("dpkg-deb", "-c", Packages.file["deb"]).splitlines()
        form = "[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} x x x ./%{FILENAMES}\n]"
        lines += must("rpm", "-qp", "--nosignature", "--qf", form,
                      Packages.file["rpm"]).splitlines()
        lines += must("tar", "-tvf", Packages.file["tarball"]).splitlines()
        self.assertGreater(len(lines), 3 * len(COMMON))
        for line in lines:
            mode, owner, *_, name = line.split()
            wanted = "drwx------" if name.rstrip("/").endswith("var/lib/sp-openstack") else \
                "drwxr-xr-x" if mode.startswith("d") else \
                "-rwxr-xr-x" if "/sbin/" in name else "-rw-r--r--"
            self.assertEqual((mode, owner in ("root/root", "0/0")), (wanted, True), line)

    def test_program(self):
        """Static, stripped, and without a path of the machine that built it."""
        program = os.path.join(Packages.tree["deb"], "usr/sbin/sp-openstack")
        self.assertEqual(must(program, "--version").split()[-1], Packages.version)
        self.assertNotIn("INTERP", must("readelf", "-lW", program))
        sections = must("readelf", "-SW", program)
        for name in (".symtab", ".debug", ".comment", ".note.gnu.build-id"):
            self.assertNotIn(name, sections)
        for directory in {TOP, os.path.expanduser("~"), os.path.realpath(TOP)}:
            self.assertNotIn(directory + "/", must("strings", "-a", program))
        self.assertEqual([line for line in must("strings", "-a", program).splitlines()
                          if re.search(r"(^|[^\w/])/(work|root|home|tmp/\w|build)\b.*/", line)], [])

    def test_no_paths_of_this_machine_in_other_files(self):
        for kind in KINDS:
            done = run("grep", "-rlF", "-e", TOP + "/", "-e", Packages.scratch,
                       Packages.tree[kind])
            self.assertEqual(done.stdout, "")

    def test_licences_of_all_that_is_linked(self):
        """Each -lNAME of the static link has its text in libraries.txt and a line in copyright."""
        linked = re.search(r"PKG_LIBS='(.*?)'", read(TOP, "tools/static.mk"), re.S).group(1)
        names = re.findall(r"-l(\S+)", linked)
        self.assertGreater(len(names), 7)
        text = read(Packages.tree["deb"], DOC + "libraries.txt")
        short = read(Packages.tree["deb"], DOC + "copyright")
        titles = re.findall(r"^==== (\S+)(?: \S+)? ====$", text, re.M)
        same = {"git2": "libgit2", "archive": "libarchive", "pcre2-8": "pcre2", "yaml": "libyaml",
                "http_parser": "http-parser", "zstd": "libzstd", "lzma": "xz-utils", "bz2": "bzip2",
                "z": "zlib"}
        self.assertEqual(sorted(titles), sorted([same[name] for name in names] + ["musl"]))
        for title in titles:
            self.assertIn(title, short)
            body = text.split("==== %s" % title)[1].split("\n==== ")[0]
            self.assertGreater(len(body), 400, title)


class Deb(unittest.TestCase):
    def test_lintian(self):
        """Clean, and each override is needed and has its reason above it."""
        out = must("lintian", "--no-cfg", "--allow-root", "--fail-on", "error,warning",
                   "--display-info", "--tag-display-limit", "0", Packages.file["deb"])
        self.assertEqual(out, "")
        lines = read(HERE, "deb/overrides").splitlines()
        self.assertTrue(lines[0].startswith("# "))
        shown = run("lintian", "--no-cfg", "--allow-root", "--show-overrides",
                    Packages.file["deb"]).stdout
        for line in lines:
            if not line.startswith("#"):
                self.assertIn(line.split()[1], shown, "an override that nothing needs")

    def test_members(self):
        """dpkg 1.17.5: control.tar.gz alone, data.tar.xz (deb(5))."""
        members = must("ar", "t", Packages.file["deb"]).split()
        self.assertEqual(members, ["debian-binary", "control.tar.gz", "data.tar.xz"])
        control = subprocess.run(["dpkg-deb", "--ctrl-tarfile", Packages.file["deb"]],
                                 stdout=subprocess.PIPE, check=True).stdout
        with open(os.path.join(Packages.scratch, "control.tar"), "wb") as file:
            file.write(control)
        with tarfile.open(os.path.join(Packages.scratch, "control.tar")) as tar:
            self.assertEqual(sorted(tar.getnames()), [".", "./control", "./md5sums", "./postinst",
                                                      "./postrm", "./prerm", "./triggers"])

    def test_triggers(self):
        """dpkg 1.17.5 knows interest, interest-noawait, activate, activate-noawait."""
        lines = [line.split("#")[0].split() for line in read(
            Packages.tree["deb"], "DEBIAN/triggers").splitlines()]
        lines = [line for line in lines if line]
        self.assertEqual({line[0] for line in lines}, {"interest"})
        self.assertEqual(len(lines), 6)

    def test_control(self):
        control = read(Packages.tree["deb"], "DEBIAN/control")
        self.assertNotIn("@", re.sub("<.*?>", "", control))
        for field in ("Depends", "Pre-Depends", "Multi-Arch"):
            self.assertNotIn("\n%s:" % field, control)

    def test_maintainer(self):
        place = os.path.join(Packages.scratch, "dist")
        if not Packages.again:
            self.skipTest("the packages were not built here")
        shutil.copytree(Packages.dist, place)
        try:
            must(BUILD, Packages.version, "deb", "rpm",
                 env=dict(os.environ, MAINTAINER="A & B / C <a@example.org>"))
            self.assertEqual(must("dpkg-deb", "-f", Packages.file["deb"], "Maintainer").strip(),
                             "A & B / C <a@example.org>")
            self.assertEqual(must("rpm", "-qp", "--nosignature", "--qf", "%{PACKAGER}",
                                  Packages.file["rpm"]), "A & B / C <a@example.org>")
        finally:
            for name in os.listdir(place):
                shutil.copy2(os.path.join(place, name), Packages.dist)


class Rpm(unittest.TestCase):
    def query(self, form):
        return must("rpm", "-qp", "--nosignature", "--qf", form, Packages.file["rpm"])

    def test_rpmlint(self):
        out = run("rpmlint", "-c", os.path.join(HERE, "rpm/rpmlint.toml"), Packages.file["rpm"])
        self.assertIn("0 errors, 0 warnings", out.stdout, out.stdout)
        self.assertEqual(out.returncode, 0, out.stdout)

    def test_format(self):
        """What rpm 4.11 reads: xz, SHA-256, and no feature that it does not have."""
        self.assertEqual(self.query("%{PAYLOADFORMAT} %{PAYLOADCOMPRESSOR} %{FILEDIGESTALGO}"),
                         "cpio xz 8")
        requires = self.query("[%{REQUIRENAME}\n]").split()
        self.assertLessEqual({name for name in requires if name.startswith("rpmlib(")}, RPM_4_11)
        self.assertEqual([name for name in requires if not name.startswith("rpmlib(")],
                         ["/bin/sh"] * requires.count("/bin/sh"))
        # the digests that its rpmkeys -K looks for; of SHA256HEADER it does not know
        self.assertRegex(self.query("%{SHA1HEADER} %{SIGMD5}"), "^[0-9a-f]{40} [0-9a-f]{32}$")
        for tag in ("FILETRIGGERNAME", "TRANSFILETRIGGERNAME", "RECOMMENDNAME", "SUGGESTNAME"):
            self.assertEqual(self.query("[%%{%s}]" % tag), "")

    def test_triggers(self):
        names = set(self.query("[%{TRIGGERNAME}\n]").split())
        self.assertEqual(names, {prefix + part for prefix in ("python-", "python2-")
                                 for part in ("cinder", "nova", "os-brick")})
        self.assertIn("/usr/sbin/sp-openstack reapply -q || :",
                      must("rpm", "-qp", "--nosignature", "--triggers", Packages.file["rpm"]))

    def test_machine(self):
        self.assertEqual(self.query("%{BUILDHOST}"), "localhost")


class Both(unittest.TestCase):
    def test_they_say_the_same_on_removal(self):
        sentence = re.compile(r'echo ("sp-openstack: the drivers stay.*?") >&2', re.S)
        deb = sentence.search(read(Packages.tree["deb"], "DEBIAN/prerm")).group(1)
        rpm = sentence.search(must("rpm", "-qp", "--nosignature", "--scripts",
                                   Packages.file["rpm"])).group(1)
        self.assertEqual(deb.split(), rpm.split())

    def test_description(self):
        """The same first sentences, and the same conflict."""
        control = read(Packages.tree["deb"], "DEBIAN/control")
        query = must("rpm", "-qp", "--nosignature", "--qf",
                     "%{SUMMARY}\n%{DESCRIPTION}\n[%{CONFLICTNAME}]", Packages.file["rpm"])
        summary = re.search("^Description: (.*)", control, re.M).group(1)
        self.assertEqual(query.splitlines()[0], summary)
        self.assertEqual(query.splitlines()[-1],
                         re.search("^Conflicts: (.*)", control, re.M).group(1))

    def test_scripts(self):
        if not shutil.which("shellcheck"):
            self.skipTest("there is no shellcheck")
        for name in ("postinst", "prerm", "postrm"):
            must("shellcheck", "-s", "sh", os.path.join(HERE, "deb", name))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--version", required=True)
    parser.add_argument("--dist")
    parser.add_argument("rest", nargs="*")
    given = parser.parse_args()
    Packages.open(given.version, given.dist)
    try:
        for kind in KINDS:
            print("%9d bytes  %s" % (os.path.getsize(Packages.file[kind]),
                                     os.path.basename(Packages.file[kind])))
        unittest.main(argv=[sys.argv[0]] + given.rest, verbosity=2)
    finally:
        shutil.rmtree(Packages.scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
