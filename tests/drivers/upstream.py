#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run upstream's tests of its StorPool drivers against ours.

    upstream.py [--program PROGRAM] [--git DIR] [--write] [RELEASE]

cinder, nova and os-brick have had StorPool drivers since Queens, and tests
of them.  Each version of these tests is run once, as it is, in RELEASE
(pike, the one next to them) as matrix.py builds it, over which copies of its
packages are laid that sp-openstack put our drivers in.  upstream_side.py puts
the fakes of the bindings behind the calls of our drivers.

The tests come from clones, if --git or GIT names a directory with some (as
for matrix.py), otherwise from the package index, one release for each
version of the tests.  What cannot be had is skipped, by name.

upstream_reasons.py says of each test that does not pass which side is right.
The exit status is 1 if a failure has no reason there, or a reason no
failure.  --write writes the results to upstream.md.
"""

import argparse
import collections
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

import matrix
import upstream_reasons

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, 'upstream.md')
PINS = os.path.join(HERE, 'pins', 'upstream.txt')

Component = collections.namedtuple('Component', 'clone path published')

# Where the tests are, and releases in the package index that have all
# versions of them.
COMPONENTS = collections.OrderedDict([
    ('cinder', Component(
        'cinder', 'cinder/tests/unit/volume/drivers/test_storpool.py',
        ('12.0.10', '14.3.1', '15.6.0', '16.4.2', '23.3.0', '24.5.0',
         '25.3.1'))),
    ('os_brick', Component(
        'os-brick', 'os_brick/tests/initiator/connectors/test_storpool.py',
        ('2.11.0', '3.0.8', '6.8.0', '6.9.1'))),
    ('nova', Component(
        'nova', 'nova/tests/unit/virt/libvirt/volume/test_storpool.py',
        ('18.3.0', '19.3.2', '24.2.1', '25.3.0', '27.0.0', '33.0.2'))),
])

# What the tests of cinder and os-brick name as long as the drivers use the
# bindings: cinder 26 and os-brick 6.10 have a client of their own.
BINDINGS = b'spopenstack'

Tests = collections.namedtuple('Tests', 'component first last count source')
Failure = collections.namedtuple('Failure', 'tests name error')


def version_key(version):
    """Return what puts versions in order: b, rc, then the release."""
    numbers, stage, count = re.fullmatch(
        r'([\d.]+?)(?:\.0(b|rc)(\d+))?', version).groups()
    return ([int(part) for part in numbers.split('.')], stage or 'release',
            int(count or 0))


def git(clone, *args, **kwargs):
    """Run git in a clone, and return what it prints."""
    return subprocess.run(('git', '-C', clone) + args, check=True,
                          stdout=subprocess.PIPE, **kwargs).stdout


def tests_of_clone(component, clone):
    """Return each version of the tests in a clone, oldest first."""
    path = COMPONENTS[component].path
    tags = [tag for tag in git(clone, 'tag').decode().split()
            if re.fullmatch(r'\d+(\.\d+)+(\.0(b|rc)\d+)?', tag)]
    asked = ''.join('%s:%s\n' % (tag, path) for tag in tags)
    found = git(clone, 'cat-file', '--batch-check=%(objectname) %(objecttype)',
                input=asked.encode()).decode().splitlines()
    blobs = collections.defaultdict(list)
    for tag, line in zip(tags, found):
        if line.endswith(' blob'):
            blobs[line.split()[0]].append(tag)
    groups = [(sorted(tags, key=version_key), blob)
              for blob, tags in blobs.items()]
    return [Tests(component, tags[0], tags[-1], len(tags),
                  git(clone, 'cat-file', 'blob', blob))
            for tags, blob in sorted(
                groups, key=lambda group: version_key(group[0][0]))]


def tests_of_index(component, skipped):
    """Return versions of the tests from the package index, oldest first."""
    known = COMPONENTS[component]
    found = []
    for version in known.published:
        with tempfile.TemporaryDirectory() as directory:
            try:
                matrix.run(sys.executable, '-m', 'pip', 'download', '--quiet',
                           '--no-deps', '--only-binary=:all:',
                           '--ignore-requires-python', '--dest', directory,
                           '%s==%s' % (known.clone, version))
                with zipfile.ZipFile(
                        glob.glob(os.path.join(directory, '*.whl'))[0]) as it:
                    source = it.read(known.path)
            except (matrix.Unavailable, KeyError, IndexError) as exc:
                skipped.append('%s %s: %s' % (known.clone, version, exc))
                continue
        found.append(Tests(component, version, version, 1, source))
    return found


class Runner:
    """Runs tests with our drivers."""

    def __init__(self, environment, program, work):
        self.environment = environment
        self.program = program
        self.work = work
        self.site = os.path.join(work, 'site')
        self.tools = os.path.join(matrix.cache_dir(), 'upstream-tools')

    def prepare(self, components):
        """Get the tools, and lay our drivers over the packages."""
        with open(PINS, 'rb') as opened:
            wanted = hashlib.sha256(opened.read()).hexdigest()
        stamp = os.path.join(self.tools, '.complete-' + wanted)
        if not os.path.exists(stamp):
            shutil.rmtree(self.tools, ignore_errors=True)
            self.environment.pip('--target', self.tools,
                                 '--requirement', PINS)
            with open(stamp, 'w'):
                pass
        os.mkdir(self.site)
        for component in components:
            for path in glob.glob(os.path.join(
                    self.environment.site, component + '-*')) + [
                        os.path.join(self.environment.site, component)]:
                shutil.copytree(
                    path, os.path.join(self.site, os.path.basename(path)),
                    symlinks=True, ignore=shutil.ignore_patterns('*.pyc'))
        matrix.run(self.program, '--path', self.site, '--data-dir',
                   matrix.TOP, '--work-dir', os.path.join(self.work, 'work'),
                   '--no-groups', '--yes', 'install', *components)

    def run(self, tests):
        """Run tests; return what came of each, None for passed."""
        source = os.path.join(self.work, 'upstream_tests.py')
        result = os.path.join(self.work, 'result.json')
        with open(source, 'wb') as opened:
            opened.write(tests.source)
        if os.path.exists(result):
            os.unlink(result)
        done = subprocess.run(
            [self.environment.python,
             os.path.join(HERE, 'upstream_side.py'), tests.component, source,
             result], check=False, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, universal_newlines=True, cwd=self.work,
            env=dict(os.environ, PYTHONDONTWRITEBYTECODE='1',
                     PYTHONPATH=self.site + os.pathsep + self.tools))
        if not os.path.exists(result):
            return {'(end)': 'the tests did not end: ' +
                             (done.stdout.splitlines() or [''])[-1]}
        with open(result) as opened:
            return json.load(opened)


def title(tests):
    """Return the name of a version of the tests."""
    name = COMPONENTS[tests.component].clone
    if tests.first == tests.last:
        return '%s %s' % (name, tests.first)
    return '%s %s to %s' % (name, tests.first, tests.last)


def reason_for(failure):
    """Return the reason of a failure, or None."""
    for reason in upstream_reasons.REASONS:
        if (reason.component == failure.tests.component and
                re.fullmatch(reason.test, failure.name) and
                re.search(reason.error, failure.error)):
            return reason
    return None


def page(release, rows, failures, unbound):
    """Return the text of upstream.md."""
    passed = sum(row[1] for row in rows)
    total = sum(row[2] for row in rows)
    lines = [
        "# Upstream's tests against our drivers", '',
        'Written by `tests/drivers/upstream.py --write` (`make check-upstream'
        '`), which has how they are run; do not edit.',
        'The reasons are in `tests/drivers/upstream_reasons.py`.', '',
        'In the environment of %s, %d of %d passed.' % (
            release, passed, total), '',
        '| tests of | releases with them | passed | of |',
        '|---|---|---|---|']
    for tests, good, count in rows:
        lines.append('| %s | %d | %d | %d |' % (
            title(tests), tests.count, good, count))
    for tests in unbound:
        lines.append('| %s | %d | not run: it has an HTTP client in place of '
                     'the bindings | |' % (title(tests), tests.count))
    lines += ['', '## What does not pass, and which side is right', '',
              '| component | tests | first releases of these tests | right | '
              'why |', '|---|---|---|---|---|']
    for reason in upstream_reasons.REASONS:
        mine = [failure for failure in failures
                if reason_for(failure) is reason]
        if mine:
            names = sorted(set(failure.name for failure in mine))
            first = sorted(set(failure.tests.first for failure in mine),
                           key=version_key)
            lines.append('| %s | %s | %s | %s | %s |' % (
                COMPONENTS[reason.component].clone, ', '.join(names),
                ', '.join(first), reason.verdict, reason.why))
    return '\n'.join(lines) + '\n'


def arguments():
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--program', default=os.path.join(matrix.TOP,
                                                          'sp-openstack'))
    parser.add_argument('--git', default=os.environ.get('GIT'))
    parser.add_argument('--write', action='store_true')
    parser.add_argument('release', nargs='?', default='pike',
                        choices=list(matrix.RELEASES))
    return parser.parse_args()


def run_all(runner, known, rows, failures):
    """Run all tests."""
    for tests in known:
        results = runner.run(tests)
        wrong = dict((name, error) for name, error in results.items() if error)
        rows.append((tests, len(results) - len(wrong), len(results)))
        matrix.say('%-32s %3d of %3d passed' % (
            title(tests), len(results) - len(wrong), len(results)))
        failures += [Failure(tests, name, error)
                     for name, error in sorted(wrong.items())]


def judge(failures, complete):
    """Print what has no reason, or what no reason is needed for.

    :param complete: whether all tests were run
    :returns: how many these are
    """
    unexplained = collections.defaultdict(list)
    for failure in failures:
        if reason_for(failure) is None:
            unexplained[(failure.tests.component, failure.name,
                         failure.error)].append(failure.tests.first)
    for (component, name, error), versions in unexplained.items():
        matrix.say('no reason for: %s %s: %s: %s' % (
            component, ', '.join(versions), name, error))
    used = set(map(reason_for, failures))
    unused = [reason for reason in upstream_reasons.REASONS
              if reason not in used] if complete else []
    for reason in unused:
        matrix.say('no failure for the reason: %s: %s: %s' % (
            reason.component, reason.test, reason.error))
    return len(unexplained) + len(unused)


def main():
    """Run the tests, and return the exit status."""
    args = arguments()
    skipped = []
    rows, failures, unbound, known = [], [], [], []
    with tempfile.TemporaryDirectory(prefix='sp-upstream-') as work:
        environment = matrix.Environment(args.release, args.git)
        runner = Runner(environment, os.path.abspath(args.program), work)
        try:
            environment.build(matrix.find_python2(), False)
            present = [component for component in COMPONENTS
                       if component not in environment.missing]
            skipped += ['%s: %s' % pair
                        for pair in sorted(environment.missing.items())]
            runner.prepare(sorted(present, key='os_brick'.__ne__))
        except matrix.Unavailable as exc:
            present = []
            skipped.append('all tests: %s' % exc)
        for component in present:
            # pylint: disable=protected-access
            clone = environment._clone(COMPONENTS[component].clone)
            for tests in (tests_of_clone(component, clone) if clone
                          else tests_of_index(component, skipped)):
                bound = component == 'nova' or BINDINGS in tests.source
                (known if bound else unbound).append(tests)
        run_all(runner, known, rows, failures)
    wrong = judge(failures, not skipped)
    for text in skipped:
        matrix.say('skipped: %s' % text)
    if args.write and rows:
        with open(PAGE, 'w') as opened:
            opened.write(page(args.release, rows, failures, unbound))
    matrix.say("upstream's tests: %d of %d passed, %d failed for a reason, "
               '%d wrong, %d skipped' % (
                   sum(row[1] for row in rows), sum(row[2] for row in rows),
                   len([failure for failure in failures
                        if reason_for(failure)]), wrong, len(skipped)))
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
