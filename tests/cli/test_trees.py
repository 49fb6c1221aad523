# SPDX-License-Identifier: Apache-2.0
"""--tree: a directory, a git revision or an archive in place of the system."""

import io
import os
import shutil
import tarfile
import zipfile

import packages
from lib import Case, age, run_program, write
from snapshot import snapshot


class Tree(Case):
    def source(self, component="nova", release="newton", name="source", metadata=True):
        """A checkout or an unpacked source distribution."""
        top = os.path.join(self.tmp, name)
        files = packages.files_of(component, release)
        if metadata:
            files["PKG-INFO"] = "Metadata-Version: 1.1\nName: %s\nVersion: %s\n" % (
                component.replace("_", "-"), packages.VERSIONS[component, release])
        for file, text in files.items():
            write(os.path.join(top, file), text)
        age(top)
        return top

    def found(self, *trees):
        arguments = ["detect", "--json"]
        for tree in trees:
            arguments += ["--tree", tree]
        return self.expect(0, run_program(arguments)).json["components"]

    def works(self, tree, component="nova", release="newton", version=None):
        """Detected, not integrated, and the diff and the dry run are those of a system."""
        one, = self.found(tree)
        self.assertEqual((one["component"], one["release"], one["version"]),
                         (component, release, version))
        self.expect(1, run_program(["check", "--no-deps", "-t", tree]), "not-installed")
        diff = self.expect(0, run_program(["diff", "--no-deps", "-t", tree])).out
        host = self.host(name="reference")
        host.put(component, release)
        self.assertEqual(diff, self.good(host, "diff", "--no-deps").out)
        shutil.rmtree(host.top)
        result = self.expect(0, run_program(["install", "-n", "--no-deps", "-t", tree]))
        self.assertIn("would be changed; nothing was", result.out)
        self.assertIn(packages.ADDED[component], result.out)
        return one

    def test_directory(self):
        for component in packages.COMPONENTS:
            with self.subTest(component):
                top = self.source(component, name=component)
                before = snapshot(top)
                self.works(top, component, version=packages.VERSIONS[component, "newton"])
                self.same(before, snapshot(top), touched=True)

    def test_directory_above(self):
        top = self.source(name="above/nova-14.1.0")
        self.works(os.path.dirname(top), version="14.1.0")

    def test_directory_of_a_package_that_was_unpacked(self):
        for number, site in enumerate(("usr/lib/python2.7/dist-packages",
                                       "usr/lib/python2.7/site-packages")):
            top = self.source(name="root%d/%s" % (number, site), metadata=False)
            self.works(os.path.join(self.tmp, "root%d" % number))
            self.assertTrue(os.path.isdir(top))

    def test_relative_name(self):
        self.source(name="source")
        result = run_program(["detect", "-j", "-t", "source"], cwd=self.tmp)
        self.assertEqual(self.expect(0, result).json["components"][0]["version"], "14.1.0")

    def tar(self, mode, name, top="nova-14.1.0/"):
        source, path = self.source(), os.path.join(self.tmp, name)
        with tarfile.open(path, mode) as archive:
            archive.add(source, top.rstrip("/") or ".")
        shutil.rmtree(source)
        return path

    def test_tar(self):
        for mode, name in (("w:gz", "a.tar.gz"), ("w:bz2", "a.tar.bz2"), ("w:xz", "a.tar.xz"),
                           ("w", "a.tar")):
            with self.subTest(mode):
                one = self.works(self.tar(mode, name), version="14.1.0")
                self.assertIn(name, one["path"])

    def test_tar_without_a_top_directory(self):
        self.works(self.tar("w:gz", "a.tar.gz", ""), version="14.1.0")

    def test_tar_with_metadata_below(self):
        """Both of a source distribution: PKG-INFO and nova.egg-info/PKG-INFO."""
        source = self.source(metadata=False)
        write(source + "/nova.egg-info/PKG-INFO", "Name: nova\nVersion: 14.0.3\n")
        path = os.path.join(self.tmp, "a.tar.gz")
        with tarfile.open(path, "w:gz") as archive:
            archive.add(source, "nova-14.0.3")
        self.works(path, version="14.0.3")

    def test_wheel(self):
        path = os.path.join(self.tmp, "nova-14.1.0-py2-none-any.whl")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in packages.nova("newton").items():
                archive.writestr(name, text)
            archive.writestr("nova-14.1.0.dist-info/METADATA", "Name: nova\nVersion: 14.1.0\n")
        self.works(path, version="14.1.0")

    def test_archive_with_links_out_of_it(self):
        path = os.path.join(self.tmp, "a.tar")
        write(self.tmp + "/secret", "PASSWORD\n")
        with tarfile.open(path, "w") as archive:
            for name, text in packages.nova("newton").items():
                if name.endswith("driver.py"):
                    info = tarfile.TarInfo(name)
                    info.type, info.linkname = tarfile.SYMTYPE, self.tmp + "/secret"
                    archive.addfile(info)
                    continue
                data = text.encode()
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
            data = b"Name: nova\nVersion: 14.1.0\n"
            info = tarfile.TarInfo("PKG-INFO")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        result = run_program(["diff", "--no-deps", "--tree", path])
        self.assertEqual(result.status, 3, str(result))
        self.assertNotIn("PASSWORD", result.out + result.err)

    def test_archive_with_a_file_that_is_a_link(self):
        """To another file of the archive, as GNU tar writes a tree with hard links: the sentence
        says what it is."""
        for kind, target, word in ((tarfile.LNKTYPE, "nova/a.py", "hard link"),
                                   (tarfile.SYMTYPE, "../../a.py", "symbolic link")):
            path = os.path.join(self.tmp, "a.tar")
            files = dict(packages.nova("newton"), **{"PKG-INFO": "Name: nova\nVersion: 14.1.0\n"})
            files["nova/a.py"] = files.pop("nova/virt/libvirt/driver.py")
            with tarfile.open(path, "w") as archive:
                for name, text in sorted(files.items()):
                    info = tarfile.TarInfo(name)
                    info.size = len(text)
                    archive.addfile(info, io.BytesIO(text.encode()))
                info = tarfile.TarInfo("nova/virt/libvirt/driver.py")
                info.type, info.linkname = kind, target
                archive.addfile(info)
            result = self.expect(3, run_program(["diff", "--no-deps", "--tree", path]))
            self.error(result, "driver.py is a %s to nova/a.py" % word)

    def test_archive_that_is_damaged(self):
        path = self.tar("w:gz", "a.tar.gz")
        with open(path, "rb") as file:
            data = file.read()
        for damaged in (data[:len(data) // 2], data[:10], b"", os.urandom(2000)):
            write(path, damaged)
            result = run_program(["detect", "--tree", path])
            self.assertIn(result.status, (3, 4), str(result))
            self.error(result, path)

    def test_what_is_no_tree(self):
        os.mkfifo(self.tmp + "/fifo")
        os.mkdir(self.tmp + "/empty")
        for tree in (self.tmp + "/none", self.tmp + "/none@HEAD", self.tmp + "/fifo",
                     self.tmp + "/empty", self.tmp + "/empty@HEAD"):
            with self.subTest(os.path.basename(tree)):
                result = run_program(["detect", "--tree", tree])
                self.assertIn(result.status, (3, 4), str(result))
                self.error(result, tree.split("@")[0])

    def test_several_trees(self):
        """Each stands for itself: of different releases, and each with all that it needs."""
        one = self.source("nova", "newton", "one")
        other = self.source("nova", "pike", "other")
        brick = self.source("os_brick", "ocata", "brick")
        found = self.found(one, other, brick)
        self.assertEqual([(entry["component"], entry["release"]) for entry in found],
                         [("nova", "newton"), ("nova", "pike"), ("os_brick", "ocata")])
        arguments = ["check", "--no-deps", "-t", one, "-t", other, "-t", brick]
        self.expect(1, run_program(arguments))

    def test_several_trees_of_one_component(self):
        """Paths of different trees are different files."""
        one, other = self.source("nova", "newton", "one"), self.source("nova", "newton", "other")
        trees = ["--no-deps", "-t", one, "-t", other]
        self.expect(0, run_program(["install", "-n"] + trees), "4 files would be changed")
        self.assertEqual(len(self.expect(0, run_program(["-j", "install", "-n"] + trees))
                             .json["components"]), 2)
        self.expect(1, run_program(["check"] + trees), one, other)
        diff = self.expect(0, run_program(["diff"] + trees)).out
        paths = [line.split()[2] for line in diff.splitlines() if line.startswith("diff --git ")]
        self.assertEqual(len(set(paths)), 4, str(paths))
        self.assertTrue(any(one.lstrip("/") in path for path in paths), str(paths))

    def test_one_of_several_trees_has_nothing(self):
        os.mkdir(self.tmp + "/empty")
        result = run_program(["detect", "-t", self.source(), "-t", self.tmp + "/empty"])
        self.expect(3, result, self.tmp + "/empty")

    def test_system_is_not_looked_at(self):
        """Neither its packages nor its work directory."""
        other = self.host("pike", name="other")
        result = run_program(["detect", "-j", "-t", self.source()],
                             env={"PYTHONPATH": other.path(other.site),
                                  "SP_OPENSTACK_WORK_DIR": "/proc/version"})
        self.assertEqual([one["release"] for one in self.expect(0, result).json["components"]],
                         ["newton"])

    def test_integrated_tree(self):
        host = self.host("newton")
        self.good(host, "install")
        self.expect(0, run_program(["check", "--tree", host.path(host.site)]), "installed")


class Git(Tree):
    def two_releases(self):
        """Newton, tagged, then Pike; the work tree says something else."""
        repo = self.repository(packages.nova("newton"))
        self.git(repo, "tag", "-a", "-m", "newton", "newton")
        self.commit(repo, packages.nova("pike"))
        self.git(repo, "tag", "-a", "-m", "pike", "pike")
        shutil.rmtree(repo + "/nova")
        return repo

    def test_revisions(self):
        repo = self.two_releases()
        for revision, release in (("newton", "newton"), ("pike", "pike"), ("HEAD", "pike"),
                                  ("HEAD~1", "newton"), ("refs/tags/newton", "newton"),
                                  ("pike^{commit}~1", "newton"), ("HEAD@{0}", "pike"),
                                  ("pike^{/a}", "pike"), ("@", "pike"),
                                  ("HEAD@{2017-01-02}", "pike")):
            with self.subTest(revision):
                one, = self.found(repo + "@" + revision)
                self.assertEqual((one["release"], one["evidence"]), (release, "probes"))

    def test_works(self):
        repo = self.two_releases()
        before = snapshot(repo)
        self.works(repo + "@newton")
        self.same(before, snapshot(repo), touched=True)

    def test_bare_repository(self):
        repo, bare = self.two_releases(), os.path.join(self.tmp, "bare.git")
        self.git(self.tmp, "clone", "-q", "--bare", repo, bare)
        self.works(bare + "@newton")
        self.git(bare, "gc", "-q", "--aggressive")
        self.works(bare + "@newton")

    def test_no_configuration_of_the_account(self):
        """It can't change, or break, what is read. The repository's own one is read."""
        repo = self.two_releases()
        write(self.tmp + "/home/.gitconfig", "[this is = no configuration\n")
        write(self.tmp + "/home/git/config", "[this is = no configuration\n")
        env = {"HOME": self.tmp + "/home", "XDG_CONFIG_HOME": self.tmp + "/home"}
        self.expect(0, run_program(["detect", "-t", repo + "@newton"], env=env), "newton")
        write(repo + "/.git/config", "[this is = no configuration\n")
        result = self.expect(3, run_program(["detect", "-t", repo + "@newton"], env=env))
        self.error(result, repo, "config")

    def test_revision_that_is_not_there(self):
        repo = self.two_releases()
        for revision in ("queens", "0" * 40, "HEAD~9", "HEAD:nova/exception.py", ""):
            with self.subTest(revision):
                result = run_program(["detect", "--tree", repo + "@" + revision])
                self.assertIn(result.status, (3, 4), str(result))
                self.error(result, repo)

    def test_repository_with_a_link_out_of_it(self):
        repo = self.two_releases()
        write(self.tmp + "/secret", "PASSWORD\n")
        self.git(repo, "checkout", "-q", "newton", "--", ".")
        write(repo + "/PKG-INFO", "Name: nova\nVersion: 14.1.0\n")
        os.unlink(repo + "/nova/virt/libvirt/driver.py")
        os.symlink(self.tmp + "/secret", repo + "/nova/virt/libvirt/driver.py")
        self.git(repo, "add", "-A")
        self.git(repo, "commit", "-q", "-m", "link")
        result = run_program(["diff", "--no-deps", "--tree", repo + "@HEAD"])
        self.assertEqual(result.status, 3, str(result))
        self.assertNotIn("PASSWORD", result.out + result.err)


# the tests of Tree run once
for _name in [name for name in dir(Tree) if name.startswith("test_")]:
    if _name not in Git.__dict__:
        setattr(Git, _name, None)
