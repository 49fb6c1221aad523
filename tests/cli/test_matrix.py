# SPDX-License-Identifier: Apache-2.0
"""matrix: many trees, each at its own cost; --junit, of matrix and of check."""

import os
import shutil
import subprocess
import tarfile
import xml.etree.ElementTree as ElementTree

import lib
import packages
from lib import TOP, Case, run_on_terminal, run_program, write
from snapshot import snapshot

SCHEMA = os.path.join(TOP, "tests", "fixtures", "junit-10.xsd")


class Matrix(Case):
    def tags(self, *names, component="nova", release="newton"):
        """A repository with one tree under these tags."""
        repo = self.repository(packages.files_of(component, release))
        for name in names:
            self.git(repo, "tag", name)
        return repo

    def matrix(self, status, *arguments, **more):
        return self.expect(status, run_program(["matrix"] + list(arguments), **more))

    def rows(self, result):
        """The trees of the table, each with its result."""
        lines = result.out.splitlines()
        self.assertTrue(lines[0].startswith("TREE "), result.out)
        return [(line.split()[0], line[lines[0].index("RESULT"):]) for line in lines[1:-1]]

    # ---- the trees -------------------------------------------------------------------------------

    def test_pattern_is_many_trees_in_the_order_of_versions(self):
        repo = self.tags("14.10.0", "14.9.0", "14.1.0", "14.1.0.0rc1", "14.1.0.0b2", "15.0.0",
                         "old")
        result = self.matrix(0, repo + "@14.*")
        self.assertEqual([tree.split("@")[1] for tree, _ in self.rows(result)],
                         ["14.1.0.0b2", "14.1.0.0rc1", "14.1.0", "14.9.0", "14.10.0"])
        self.assertEqual({text for _, text in self.rows(result)}, {"can be integrated"})
        self.assertEqual(result.out.splitlines()[-1], "5 trees: 5 can be integrated, 0 cannot")
        self.assertEqual(result.err, "")  # no progress where nobody looks

    def test_pattern_with_full_names_and_of_branches(self):
        repo = self.tags("14.1.0", "15.0.0")
        self.git(repo, "branch", "stable/newton")
        self.git(repo, "branch", "stable/ocata")
        for pattern, names in (("refs/tags/1[4-5].*", ["refs/tags/14.1.0", "refs/tags/15.0.0"]),
                               ("stable/*", ["stable/newton", "stable/ocata"]),
                               ("1?.0.0", ["15.0.0"]),
                               ("14.1.0", ["14.1.0"])):
            with self.subTest(pattern):
                rows = self.rows(self.matrix(0, "%s@%s" % (repo, pattern)))
                self.assertEqual([tree for tree, _ in rows],
                                 ["%s@%s" % (repo, name) for name in names])

    def test_same_answer_from_each_kind_of_tree(self):
        repo = self.tags("14.1.0")
        archive = os.path.join(self.tmp, "nova-14.1.0.tar.gz")
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(repo, "nova-14.1.0", filter=lambda one: None if ".git" in one.name else one)
        result = self.matrix(0, "--json", repo, repo + "@14.1.0", archive)
        answers = [one["components"] for one in result.json["trees"]]
        self.assertEqual(len(answers), 3)
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(answers[0], answers[2])
        self.assertEqual((result.json["integrable"], result.json["failed"]), (3, 0))

    def test_changes_nothing(self):
        repo = self.tags("14.1.0")
        before = snapshot(self.tmp)
        self.matrix(0, repo, repo + "@14.*")
        self.same(before, snapshot(self.tmp))

    # ---- one bad tree ----------------------------------------------------------------------------

    def bad_trees(self, repo):
        empty = os.path.join(self.tmp, "empty")
        os.mkdir(empty)
        broken = os.path.join(self.tmp, "broken.tar.gz")
        write(broken, b"\x1f\x8b\x08\x00" + bytes(100))
        other = os.path.join(self.tmp, "other")
        write(os.path.join(other, "horizon/__init__.py"), "")
        fifo = os.path.join(self.tmp, "fifo")
        os.mkfifo(fifo)
        patched = os.path.join(self.tmp, "patched")
        files = packages.files_of("nova", "newton")
        files["nova/virt/libvirt/volume/storpool.py"] = "# of somebody else\n"
        for name, text in files.items():
            write(os.path.join(patched, name), text)
        return {
            os.path.join(self.tmp, "nowhere"): "there is no tree",
            empty: "was found",
            broken: "archive",
            other: "was found",
            fifo: "neither a directory nor an archive",
            other + "@14.1.0": "cannot open it as a git repository",
            other + "@14.*": "cannot open it as a git repository",
            repo + "@16.0.0": "cannot find the revision",
            repo + "@16.*": "no tag and no branch matches '16.*'",
            repo + "@": "no revision is named",
            patched: "storpool.py",
        }

    def test_one_bad_tree_costs_its_own_row(self):
        repo = self.tags("14.1.0")
        bad = self.bad_trees(repo)
        for jobs in ("1", "3"):
            trees = [repo + "@14.1.0"]
            for tree in bad:
                trees += [tree, repo + "@14.1.0"]
            result = self.matrix(1, "--jobs", jobs, *trees)
            rows = self.rows(result)
            self.assertEqual([tree for tree, _ in rows], trees)
            for tree, text in rows:
                if tree in bad:
                    self.assertTrue(text.startswith("failed: "), text)
                    self.assertIn(bad[tree], text)
                    self.assertNotIn("failed: %s: " % tree, text)
                else:
                    self.assertEqual(text, "can be integrated")
            self.assertEqual(result.out.splitlines()[-1],
                             "%d trees: %d can be integrated, %d cannot"
                             % (len(trees), len(bad) + 1, len(bad)))
            self.assertEqual(result.err, "")

    def test_two_components_in_one_tree_have_a_line_each(self):
        top = os.path.join(self.tmp, "both")
        for component in ("nova", "os_brick"):
            for name, text in packages.files_of(component, "newton").items():
                write(os.path.join(top, name), text)
        result = self.matrix(0, top)
        self.assertEqual([line.split()[1] for line in result.out.splitlines()[1:-1]],
                         ["os_brick", "nova"])
        for name, text in packages.files_of("cinder", "pike").items():
            write(os.path.join(top, name), text)
        self.assertIn("different releases", self.matrix(1, top).out)

    def test_repository_that_a_library_does_not_survive(self):
        """A hang, at the caller's own limit of a second; the trees around it have their rows."""
        if lib.is_wrapped():
            self.skipTest("a second of processor time is not enough under an instrument")
        good = self.tags("14.1.0")
        shutil.move(good, self.tmp + "/good")
        good = self.tmp + "/good@14.1.0"
        repo = self.repository(packages.files_of("nova", "newton"))
        self.spoil_by_a_circle(repo)
        result = self.matrix(1, "--jobs", "2", good, repo + "@HEAD", good, processor=1)
        rows = self.rows(result)
        self.assertEqual([text for _, text in (rows[0], rows[2])], ["can be integrated"] * 2)
        self.assertTrue(rows[1][1].startswith("failed: "), result.out)

    def test_trees_after_one_that_failed_have_their_own_limits(self):
        """One process: a tree without a component, one that does not end, and one that is good."""
        if lib.is_wrapped():
            self.skipTest("a second of processor time is not enough under an instrument")
        good = self.tags("14.1.0")
        shutil.move(good, self.tmp + "/good")
        empty = os.path.join(self.tmp, "empty")
        os.mkdir(empty)
        repo = self.repository(packages.files_of("nova", "newton"))
        self.spoil_by_a_circle(repo)
        trees = [empty, repo + "@HEAD", self.tmp + "/good@14.1.0"]
        result = self.matrix(1, "--jobs", "1", *trees, processor=1)
        rows = self.rows(result)
        self.assertEqual([tree for tree, _ in rows], trees)
        self.assertEqual([text[:6] for _, text in rows], ["failed", "failed", "can be"])

    # ---- output ----------------------------------------------------------------------------------

    def test_quiet_has_what_failed_and_the_total(self):
        repo = self.tags("14.1.0")
        result = self.matrix(1, "-q", repo, repo + "@16.0.0")
        lines = result.out.splitlines()
        self.assertEqual(len(lines), 2, result.out)
        self.assertIn("failed", lines[0])
        self.assertEqual(lines[1], "2 trees: 1 can be integrated, 1 cannot")

    def test_progress_on_a_terminal(self):
        repo = self.tags("14.1.0", "14.2.0")
        out = run_on_terminal(["matrix", repo + "@14.*"])
        self.assertIn("of 2 trees", str(out))

    def test_usage(self):
        for arguments in (["matrix"], ["matrix", "--jobs", "0", "."],
                          ["matrix", "--jobs", "x", "."],
                          ["matrix", "--jobs", "-1", "."], ["matrix", "--jobs", "1x", "."],
                          ["matrix", "--jobs", "100000", "."], ["matrix", "-t", ".", "."],
                          ["check", "--jobs", "2"]):
            with self.subTest(arguments):
                self.error(self.expect(2, run_program(arguments)))

    def test_names_that_a_terminal_must_not_see(self):
        result = self.matrix(1, self.tmp + "/a\x1b[31mb")
        self.assertNotIn("\x1b", result.out + result.err)
        self.assertIn("\\x1b[31m", result.out)

    # ---- JUnit -----------------------------------------------------------------------------------

    def report(self, path):
        """The cases of a report, which is valid; no two have the same names."""
        if shutil.which("xmllint"):
            subprocess.run(["xmllint", "--noout", "--schema", SCHEMA, path], check=True,
                           stderr=subprocess.DEVNULL)
        suite, = ElementTree.parse(path).getroot()
        cases = suite.findall("testcase")
        names = [(case.get("classname"), case.get("name")) for case in cases]
        self.assertEqual(len(set(names)), len(names), names)
        self.assertEqual(int(suite.get("tests")), len(cases))
        self.assertEqual(int(suite.get("failures")), len(suite.findall("testcase/failure")))
        self.assertEqual(int(suite.get("skipped")), len(suite.findall("testcase/skipped")))
        return cases

    def test_schema_refuses(self):
        """The validator is one: what GitLab or Jenkins would not take is not valid."""
        if not shutil.which("xmllint"):
            self.skipTest("xmllint is not here")
        for text in ("<testsuites><testsuite name='a'/></testsuites>",
                     "<testsuites><testsuite name='a' tests='1'><testcase name='b'/></testsuite>"
                     "</testsuites>",
                     "<testsuites><case/></testsuites>"):
            path = os.path.join(self.tmp, "wrong.xml")
            write(path, text)
            self.assertNotEqual(subprocess.run(["xmllint", "--noout", "--schema", SCHEMA, path],
                                               stderr=subprocess.DEVNULL).returncode, 0, text)

    def test_junit_of_matrix(self):
        repo = self.tags("14.1.0")
        path = os.path.join(self.tmp, "report.xml")
        odd = self.tmp + "/<&\">'\x01\xe9"
        self.matrix(1, "--junit", path, repo + "@14.1.0", repo + "@14.1.0", odd, repo)
        cases = self.report(path)
        self.assertEqual([case.get("name") for case in cases],
                         [repo + "@14.1.0", repo + "@14.1.0 (2)",
                          self.tmp + "/<&\">'\\x01\xe9", repo])
        self.assertEqual([len(case.findall("failure")) for case in cases], [0, 0, 1, 0])
        self.assertIn("there is no tree", cases[2].find("failure").get("message"))
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o644)

    def test_junit_of_check(self):
        host = self.host("newton")
        path = os.path.join(self.tmp, "report.xml")
        self.expect(1, self.run_on(host, "check", "--junit", path))
        cases = self.report(path)
        self.assertEqual(sorted(case.get("classname") for case in cases),
                         ["check.cinder", "check.nova", "check.os_brick"])
        self.assertEqual({case.find("failure").get("message") for case in cases}, {"not-installed"})
        self.good(host, "install")
        self.good(host, "check", "--junit", path)
        self.assertEqual([len(case) for case in self.report(path)], [0, 0, 0])

    def test_report_that_cannot_be_written_is_known_before(self):
        repo = self.tags("14.1.0")
        for path in (self.tmp, self.tmp + "/none/report.xml"):
            for command in (["matrix", repo], ["check", "-t", repo]):
                result = self.expect(4, run_program(command + ["--junit", path]))
                self.error(result, "cannot write the report")
                self.assertEqual(result.out, "")

    def test_report_into_a_pipe_and_over_an_old_one(self):
        repo = self.tags("14.1.0")
        result = self.matrix(0, "-q", "--junit", "/dev/stderr", repo)
        self.assertIn("</testsuites>", result.err)
        path = os.path.join(self.tmp, "report.xml")
        write(path, "x" * 100000)
        self.matrix(0, "--junit", path, repo)
        self.report(path)

    def test_report_on_a_full_disk(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("/dev/full is not here")
        self.error(self.expect(4, run_program(["matrix", "--junit", "/dev/full", self.tags("a")])),
                   "cannot write the report")
