#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the shell lines of the jobs in doc/ci.md, in a minimal Debian of their own.

    tests/ci/jobs.py --git DIR [--tag TAG] [JOB]...        root only; JOB: GitHub, GitLab

Each job gets a fresh root (debootstrap), in it a checkout of os-brick at TAG, out of a clone in
DIR, and runs there as its service would run it: GitHub each step by `bash -e`, as a user with
sudo, where git is there already; GitLab all lines in one shell, as root. The lines are those of
the document. What they clone from the public repository of sp-openstack is the HEAD of this one
(git's insteadOf). A job must end with 0 and leave a report in which each case passed. The
services' own parts, such as the checkout and the upload, are not run.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(TOP, "tests", "trees"), os.path.join(TOP, "tests")]
import debian                                                        # noqa: E402
from clones import clone                                             # noqa: E402
from cycle import Failure, Report                                    # noqa: E402

PUBLIC = "https://github.com/storpool/sp-openstack"
CHECKOUT = "builds/os-brick"


def section(name):
    """The indented lines of a job in the document."""
    with open(os.path.join(TOP, "doc", "ci.md"), encoding="utf-8") as file:
        text = file.read()
    found = re.search(r"^## %s\n(.*?)(?=^\S(?!#)|\Z)" % name, text, re.M | re.S)
    if not found:
        raise Failure("doc/ci.md has no job for %s" % name)
    return [line[4:] for line in found.group(1).splitlines() if line.startswith("    ")]


def items(lines, key):
    """The values of `key:`, or of the items below `key:`; a block is one value."""
    values, number = [], 0
    while number < len(lines):
        line = lines[number]
        number += 1
        found = re.match(r"( *)(?:- )?%s:(.*)$" % key, line)
        if not found:
            continue
        indent, value = len(found.group(1)), found.group(2).strip()
        below = []
        while number < len(lines) and (not lines[number].strip() or
                                       len(lines[number]) - len(lines[number].lstrip()) > indent):
            below.append(lines[number].strip())
            number += 1
        if value == "|":
            values.append("\n".join(below))
        elif value:
            values.append(value)
        else:
            values += [item[2:] for item in below if item.startswith("- ")]
    return values


class Root:
    """A minimal Debian that the job may change."""

    def __init__(self, base, top):
        self.top = top
        subprocess.run(["cp", "-a", base, top], check=True)
        shutil.copy("/etc/resolv.conf", self.path("etc/resolv.conf"))
        for name in ("apt.conf.d", "sources.list.d"):
            for file in os.listdir(os.path.join("/etc/apt", name)):
                if not file.startswith("docker-"):
                    shutil.copy(os.path.join("/etc/apt", name, file),
                                self.path("etc/apt/%s/%s" % (name, file)))
        for name in ("environment", "etc/apt/sources.list"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))

    def path(self, name):
        return os.path.join(self.top, name)

    def run(self, script, shell, directory="/", user="root"):
        """Its output and exit status; the processes end with it."""
        inside = "mount -t proc proc %s/proc; exec chroot --userspec=%s %s env -i HOME=/tmp " \
                 "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin " \
                 "sh -c 'cd %s && exec %s /tmp/job'" % (self.top, user, self.top, directory, shell)
        with open(self.path("tmp/job"), "w", encoding="utf-8") as file:
            file.write(script + "\n")
        return subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
                               inside], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, check=False, encoding="utf-8")

    def must(self, script):
        done = self.run(script, "sh -e")
        if done.returncode:
            raise Failure("%s: %s" % (script.splitlines()[0], done.stdout[-500:]))

    def add_repositories(self, repository, tag):
        subprocess.run(["git", "clone", "-q", "--bare", TOP, self.path("srv/sp-openstack.git")],
                       check=True)
        os.makedirs(self.path("builds"))
        subprocess.run(["git", "-c", "advice.detachedHead=false", "clone", "-q", "--depth", "1",
                        "--branch", tag, "file://" + repository, self.path(CHECKOUT)], check=True)
        with open(self.path("etc/gitconfig"), "w", encoding="utf-8") as file:
            file.write('[url "file:///srv/sp-openstack.git"]\n\tinsteadOf = %s\n'
                       "[safe]\n\tdirectory = *\n" % PUBLIC)


def run_github(root):
    """The image of the service has git and a user with sudo; the rest is in the lines."""
    root.must("apt-get -qq update\n"
              "apt-get -qq install -y --no-install-recommends git ca-certificates sudo\n"
              "useradd runner\n"
              "echo 'runner ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/runner\n"
              "chown -R runner /" + CHECKOUT)
    output = ""
    for step in items(section("GitHub"), "run"):
        done = root.run(step, "bash --noprofile --norc -eo pipefail", "/" + CHECKOUT, "runner")
        output += done.stdout
        if done.returncode:
            return done.returncode, output
    return 0, output


def run_gitlab(root):
    lines = items(section("GitLab"), "script")
    done = root.run("\n".join(lines), "bash -eo pipefail", "/" + CHECKOUT)
    return done.returncode, done.stdout


JOBS = {"GitHub": run_github, "GitLab": run_gitlab}


def check_report(path):
    """How many cases passed; none may have failed."""
    if not os.path.exists(path):
        raise Failure("it leaves no report")
    cases = list(xml.etree.ElementTree.parse(path).getroot().iter("testcase"))
    bad = [case.get("name") for case in cases if len(case) and case[0].tag in ("failure", "error")]
    if bad or not cases:
        raise Failure("%d of %d cases of the report failed" % (len(bad), len(cases)))
    return len(cases)


def run_job(name, given, base, scratch):
    root = Root(base, os.path.join(scratch, name))
    root.add_repositories(given.repository, given.tag)
    status, output = JOBS[name](root)
    with open(os.path.join(scratch, name + ".log"), "w", encoding="utf-8") as file:
        file.write(output)
    if status:
        raise Failure("it ends with %d: %s" % (status, output[-1000:]))
    return check_report(root.path(CHECKOUT + "/report.xml"))


def make_base(scratch):
    top = os.path.join(scratch, "base")
    debian.make(top)
    return top


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--git", required=True, metavar="DIR", help="where the clones are")
    parser.add_argument("--tag", default="1.15.9", help="of os-brick (1.15.9)")
    parser.add_argument("--base", help="a minimal Debian that is there already")
    parser.add_argument("jobs", nargs="*", metavar="JOB", help="GitHub, GitLab (both)")
    given = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("only root can do that")
    given.repository = clone(given.git, "os-brick")
    if not given.repository:
        parser.error("%s: there is no clone of os-brick" % given.git)
    report = Report()
    scratch = tempfile.mkdtemp(prefix="sp-openstack-ci.")
    try:
        base = os.path.abspath(given.base) if given.base else make_base(scratch)
        for name in given.jobs or sorted(JOBS):
            try:
                count = run_job(name, given, base, scratch)
                report.ok("%s: the job ends with 0, %d case%s passed"
                          % (name, count, "" if count == 1 else "s"))
            except (Failure, subprocess.CalledProcessError) as why:
                report.fail("%s: %s" % (name, why))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
