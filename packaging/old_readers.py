#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""dpkg 1.17.5, dpkg 1.18.4 and rpm 4.11.3 read our packages as those of today do.

    packaging/old_readers.py --dist DIR --readers DIR

The readers are what packaging/old-readers.sh builds. That they do refuse a package which they do
not know is tried, too, with ones that are compressed in later ways.
"""

import argparse
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests"))
from snapshot import snapshot

SPEC = """Name: later
Version: 1
Release: 1
Summary: compressed in a way that rpm 4.11 does not know
License: none
BuildArch: noarch
%define _binary_payload w3.zstdio
%description
Later.
%files
"""


class Readers(unittest.TestCase):
    dist = readers = scratch = None

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(prefix="sp-openstack-readers.")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.scratch)

    def run_it(self, *command, status=0, shell=False):
        done = subprocess.run(command if not shell else ("sh", "-c") + command,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, cwd=self.scratch,
                              env={"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": self.scratch})
        if status is not None:
            self.assertEqual(done.returncode, status, (command, done.stderr[-500:]))
        return done

    def out(self, *command):
        """What it prints; it may complain of nothing."""
        done = self.run_it(*command)
        self.assertEqual(done.stderr, b"", command)
        self.assertNotEqual(done.stdout, b"", command)
        return done.stdout.decode()

    def package(self, pattern):
        found = glob.glob(os.path.join(self.dist, pattern))
        self.assertEqual(len(found), 1, pattern)
        return found[0]

    def directory(self, name):
        path = os.path.join(self.scratch, name)
        os.makedirs(path)
        return path

    @staticmethod
    def contents(top):
        return {name: entry.state for name, entry in snapshot(top).items()
                if not os.path.isdir(os.path.join(top, name))}


class Dpkg(Readers):
    versions = ("1.17.5", "1.18.4")

    def tool(self, version, name):
        return os.path.join(self.readers, "dpkg-" + version, name)

    def each(self):
        deb = self.package("sp-openstack_*.deb")
        for version in self.versions:
            with self.subTest(version):
                yield version, deb

    def test_version(self):
        for version, _ in self.each():
            self.assertIn(" %s " % version, self.out(self.tool(version, "dpkg-deb"), "--version"))

    def test_it_refuses_what_it_does_not_know(self):
        """1.17.5 knows no control.tar.xz, neither knows data.tar.zst."""
        os.makedirs(self.scratch + "/later/DEBIAN", exist_ok=True)
        with open(self.scratch + "/later/DEBIAN/control", "w", encoding="utf-8") as file:
            file.write("Package: later\nVersion: 1\nArchitecture: all\nMaintainer: t <t@t>\n"
                       "Description: later\n")
        for version, option in (("1.17.5", "-Zxz"), ("1.18.4", "-Zzstd")):
            self.run_it("dpkg-deb", "--uniform-compression", option, "-b", "later", "later.deb")
            self.run_it(self.tool(version, "dpkg-deb"), "-I", "later.deb", status=2)

    def test_control(self):
        for version, deb in self.each():
            tool = self.tool(version, "dpkg-deb")
            self.assertEqual(self.out(tool, "-f", deb), self.out("dpkg-deb", "-f", deb))
            information = self.out(tool, "-I", deb)
            for word in ("postinst", "postrm", "prerm", "triggers", "md5sums", "Conflicts:"):
                self.assertIn(word, information)

    def test_contents(self):
        for version, deb in self.each():
            tool = self.tool(version, "dpkg-deb")
            listing = self.out(tool, "-c", deb)
            self.assertEqual(listing, self.out("dpkg-deb", "-c", deb))
            self.assertIn("./usr/sbin/sp-openstack", listing)
            now, old = (self.directory("%s-%s" % (kind, version)) for kind in ("now", "old"))
            self.run_it(tool, "-x", deb, old)
            self.run_it(tool, "-e", deb, old + "/DEBIAN")
            self.run_it("dpkg-deb", "-R", deb, now)
            self.assertEqual(self.contents(old), self.contents(now))
            self.assertGreater(len(self.contents(old)), 10)

    def test_unpack(self):
        """Also the triggers are read then: a word in them that dpkg does not know is an error."""
        for version, deb in self.each():
            root = self.directory("root-" + version)
            for name in ("updates", "info", "triggers", "parts"):
                os.makedirs("%s/var/lib/dpkg/%s" % (root, name))
            for name in ("status", "available"):
                with open("%s/var/lib/dpkg/%s" % (root, name), "w", encoding="ascii"):
                    pass
            tools = self.directory("path-" + version)
            for name in ("dpkg-deb", "dpkg-split"):
                old = self.tool(version, name)
                os.symlink(old if os.path.exists(old) else shutil.which(name), tools + "/" + name)
            self.run_it("PATH=%s:$PATH %s --root=%s --unpack %s" % (
                tools, self.tool(version, "dpkg"), root, deb), shell=True)
            with open(root + "/var/lib/dpkg/triggers/File", encoding="ascii") as file:
                interests = file.read().split("\n")
            self.assertIn("/usr/lib/python2.7/dist-packages/nova sp-openstack", interests)
            status = self.out(self.tool(version, "dpkg-query"), "--admindir=%s/var/lib/dpkg" % root,
                              "-W", "-f", "${Status}", "sp-openstack")
            self.assertEqual(status, "install ok unpacked")


class Rpm(Readers):
    version = "4.11.3"

    def tool(self, name):
        return os.path.join(self.readers, "rpm-" + self.version, "bin", name)

    def both(self, *options):
        """Both say this of the package."""
        package = self.package("sp-openstack-*.rpm")
        old = self.out(self.tool("rpm"), "-qp", *options, package)
        self.assertEqual(old, self.out("rpm", "-qp", "--nosignature", *options, package))
        return old

    def test_version(self):
        self.assertIn(self.version, self.out(self.tool("rpm"), "--version"))

    def test_it_refuses_what_it_does_not_know(self):
        with open(self.scratch + "/later.spec", "w", encoding="ascii") as file:
            file.write(SPEC)
        self.run_it("rpmbuild", "-bb", "--define", "_topdir %s/top" % self.scratch, "--define",
                    "_rpmdir .", "--define", "_rpmfilename later.rpm", "later.spec")
        root = self.directory("refused")
        done = self.run_it(self.tool("rpm"), "--root", root, "-i", "--nosignature",
                           self.scratch + "/later.rpm", status=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"rpmlib(PayloadIsZstd)", done.stderr)

    def test_header(self):
        self.assertIn("/bin/sh", self.both("--requires"))
        self.assertIn("storpool-openstack-integration", self.both("--conflicts"))
        self.assertIn("/usr/sbin/sp-openstack", self.both("-l"))
        self.both("--qf", "%{NAME} %{VERSION} %{RELEASE} %{ARCH} %{SIZE} %{PAYLOADCOMPRESSOR}\n")
        self.both("--qf", "[%{FILENAMES} %{FILEMODES:perms} %{FILEDIGESTS} %{FILEUSERNAME}\n]")
        self.both("--qf", "[%{TRIGGERNAME} %{TRIGGERFLAGS} %{TRIGGERINDEX}\n]")
        self.assertIn("reapply", self.both("--triggers"))
        self.assertIn("reapply", self.both("--scripts"))

    def test_digests(self):
        """The header's SHA-1 and the MD5 of all."""
        done = self.run_it(self.tool("rpmkeys"), "-Kv", self.package("sp-openstack-*.rpm"))
        said = done.stdout.decode()
        self.assertIn("Header SHA1 digest: OK", said)
        self.assertIn("MD5 digest: OK", said)

    def test_contents(self):
        now, old = self.directory("now"), self.directory("old")
        for tool, place in (("rpm2cpio", now), (self.tool("rpm2cpio"), old)):
            self.run_it("%s %s | (cd %s && cpio -idm --quiet)" % (
                tool, self.package("sp-openstack-*.rpm"), place), shell=True)
        self.assertEqual(self.contents(old), self.contents(now))
        self.assertGreater(len(self.contents(old)), 10)

    def test_install(self):
        """Without the scripts: tests/upgrades runs these, with RPM=."""
        root, now = self.directory("root"), self.directory("unpacked")
        package, rpm = self.package("sp-openstack-*.rpm"), self.tool("rpm")
        options = ("--root", root, "--dbpath", "/var/lib/rpm")
        self.run_it(rpm, *options, "-i", "--nodeps", "--noscripts", "--notriggers", package)
        self.assertEqual(self.run_it(rpm, *options, "-V", "--nodeps", "sp-openstack").stdout, b"")
        self.run_it("rpm2cpio %s | (cd %s && cpio -idm --quiet)" % (package, now), shell=True)
        self.assertEqual({name: state for name, state in self.contents(root).items()
                          if not name.startswith("var/lib/rpm/")}, self.contents(now))
        self.run_it(rpm, *options, "-e", "--noscripts", "--notriggers", "sp-openstack")
        self.assertFalse(os.path.exists(root + "/usr/sbin/sp-openstack"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dist", required=True)
    parser.add_argument("--readers", required=True)
    parser.add_argument("rest", nargs="*")
    given = parser.parse_args()
    Readers.dist, Readers.readers = os.path.abspath(given.dist), os.path.abspath(given.readers)
    unittest.main(argv=[sys.argv[0]] + given.rest, verbosity=2)


if __name__ == "__main__":
    main()
