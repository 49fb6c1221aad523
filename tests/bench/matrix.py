#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures `matrix` on clones of cinder, nova and os-brick.

    tests/bench/matrix.py --program PROGRAM --git DIR [--rounds N]

Time and memory for the final tags of Mitaka to Pike with one and two workers; processor time of 10,
100, 400 tags and all, with the time that each tag adds; and, for a sample of the tags, the two ways
to do it without `matrix`: `git archive` into a directory with `check` of it, and `git show` of each
file that it names. The exit status is 1 when a goal is missed. Times by the clock are those of the
machine as it is: next to them are the seconds of processor time, and instructions by callgrind.
"""

import argparse
import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "trees"))
from bench import prefer                                             # noqa: E402
from clones import SUPPORTED, clone, git, is_final, release_of           # noqa: E402

NAMES = {"cinder": "cinder", "nova": "nova", "os_brick": "os-brick"}
SECONDS, MEMORY = 0.5, 64           # goals: two workers, and MiB of the largest process
STEPS = (10, 100, 400)
SPREAD = 1.5                        # the slowest step takes so much more a tag than the fastest


def find_tags(directory):
    """All tags of releases, and those that are final ones of Mitaka to Pike or end one of them."""
    every, final = [], []
    for component, name in NAMES.items():
        repository = clone(directory, name)
        if not repository:
            sys.exit("bench: %s: there is no clone of %s" % (directory, name))
        for tag in git(repository, "tag", "--list").split():
            release = release_of(component, tag)
            if release:
                every.append((repository, tag, component))
            if release in SUPPORTED and (is_final(tag) or tag.endswith("-eol")):
                final.append((repository, tag, component))
    return every, final


def run(command):
    """Seconds by the clock and of processor time; the exit status may be 0 or 1."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
                          encoding="utf-8", preexec_fn=prefer)
    clock, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        sys.exit("bench: `%s` exits %d: %s" % (command[0], done.returncode, done.stderr))
    return clock, (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def peak(measurer, command):
    """MiB of the largest process of the command: rusage of the children has the maximum."""
    done = subprocess.run([measurer] + command, stdout=subprocess.PIPE, check=True)
    return int(done.stdout.split()[2]) / 1024


class Matrix:
    def __init__(self, given):
        self.given, self.met, self.missed = given, 0, 0

    def command(self, tags, jobs):
        return [self.given.program, "--data-dir", TOP, "matrix", "--jobs", str(jobs)] + [
            "%s@%s" % (repository, tag) for repository, tag, _ in tags]

    def judge(self, good, text):
        self.met += good
        self.missed += not good
        print("  %s: %s" % (text, "met" if good else "MISSED"))

    def times(self, tags, jobs):
        """The least of several rounds: whatever else runs makes a round slower, and none faster."""
        rounds = [run(self.command(tags, jobs)) for _ in range(self.given.rounds)]
        clock = min(one[0] for one in rounds)
        processor = min(one[1] for one in rounds)
        print("  %3d tags, %d worker%s %6.2f s, %.2f s of processor time (median %.2f s, %.2f s)"
              % (len(tags), jobs, " :" if jobs == 1 else "s:", clock, processor,
                 statistics.median(one[0] for one in rounds),
                 statistics.median(one[1] for one in rounds)))
        return clock, processor

    def final(self, tags):
        print("matrix of final tags; the least of %d rounds" % self.given.rounds)
        self.times(tags, 1)
        clock, _ = self.times(tags, 2)
        self.judge(clock <= SECONDS, "two workers take %.2f s, at most %.1f s" % (clock, SECONDS))
        memory = peak(self.given.measure, self.command(tags, 2))
        self.instructions(tags)
        self.judge(memory <= MEMORY, "a process takes %.0f MiB, at most %d MiB" % (memory, MEMORY))

    def instructions(self, tags):
        with tempfile.TemporaryDirectory() as directory:
            done = subprocess.run(
                ["valgrind", "--tool=callgrind", "--trace-children=yes",
                 "--callgrind-out-file=%s/%%p" % directory] + self.command(tags, 1),
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8", check=False)
        counts = re.findall(r"Collected : (\d+)", done.stderr)
        print("  %.0f million instructions with one worker" % (sum(map(int, counts)) / 1e6))

    def slope(self, tags):
        print("matrix of more and more tags, one worker")
        random.Random(1).shuffle(tags)
        each = []
        for count in STEPS + (len(tags),):
            _, processor = self.times(tags[:count], 1)
            each.append(1000 * processor / count)
        print("  milliseconds a tag: %s" % ", ".join("%.2f" % one for one in each))
        rest = each[1:]                 # of ten, starting is a good part
        self.judge(max(rest) <= SPREAD * min(rest),
                   "from 100 tags on it is linear: a tag takes %.2f times at most, at most %.1f"
                   % (max(rest) / min(rest), SPREAD))

    def by_hand(self, tags):
        sample = random.Random(2).sample(tags, min(self.given.sample, len(tags)))
        print("%d of the final tags, as one does it without matrix" % len(sample))
        _, ours = self.times(sample, 1)
        processor = 0
        for repository, tag, _ in sample:
            with tempfile.TemporaryDirectory() as directory:
                script = 'git --git-dir "$1" archive "$2" | tar -x -C "$3" && ' \
                         '"$4" --data-dir "$5" check --tree "$3"'
                processor += run(["sh", "-c", script, "sh", repository, tag, directory,
                                  self.given.program, TOP])[1]
        self.compare(ours, processor, "git archive, tar and check of each")
        processor = files = 0
        for repository, tag, _ in sample:
            for path in self.named(repository, tag):
                files += 1
                processor += run(["git", "--git-dir", repository, "show",
                                  "%s:%s" % (tag, path)])[1]
        self.compare(ours, processor, "git show of the %d files that it names" % files)

    @staticmethod
    def compare(ours, theirs, text):
        print("  %s: %.2f s of processor time, %.1f times as much" % (text, theirs, theirs / ours))

    def named(self, repository, tag):
        """The files that check names of a tag, as far as they are there."""
        done = subprocess.run([self.given.program, "--data-dir", TOP, "--json", "check", "--tree",
                               "%s@%s" % (repository, tag)], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False, encoding="utf-8")
        paths = [file["path"].rpartition(":")[2] for part in json.loads(done.stdout)["components"]
                 for file in part["files"]]
        return git(repository, "ls-tree", "--name-only", tag, *paths).split()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--measure", required=True)
    parser.add_argument("--git", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sample", type=int, default=6)
    given = parser.parse_args()
    matrix = Matrix(given)
    every, final = find_tags(given.git)
    matrix.final(final)
    matrix.slope(every)
    matrix.by_hand(final)
    print("%d passed, %d failed" % (matrix.met, matrix.missed))
    return 1 if matrix.missed else 0


if __name__ == "__main__":
    sys.exit(main())
