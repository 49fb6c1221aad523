#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Test the drivers in the real releases, put in by sp-openstack itself.

    matrix.py [--program PROGRAM] [--git DIR] [--rebuild] [RELEASE...]

For each release there is an environment with Python 2.7, the release's own
os-brick, cinder and nova, their dependencies as pins/RELEASE.txt has them,
and StorPool's bindings.  It is built once, under SP_TEST_CACHE (default:
sp-openstack in the user's cache directory), and again when its pins change.

Of cinder and nova the package index has only the later series.  The others
come from clones, if --git or GIT names a directory with some: cinder,
openstack/cinder or openstack+cinder/repo in it.  What could not be had is
reported as skipped, by name.

PYTHON2 names the Python 2.7 to use.  The exit status is 1 if a test failed,
or if some os-brick could not be tested.
"""

import argparse
import collections
import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))

VIRTUALENV = 'virtualenv==20.15.1'
BINDINGS = ('storpool==7.3.0', 'storpool.spopenstack==3.2.0',
            'simplejson==3.17.6')

# The newest of each series, and what else there is of os-brick: one version
# at least of each of its layouts and of each change to what the driver uses.
Release = collections.namedtuple('Release', 'os_brick cinder nova more')
RELEASES = collections.OrderedDict([
    ('mitaka', Release('1.2.0', '8.1.1', '13.1.4', ('1.0.0', '1.1.0'))),
    ('newton', Release('1.6.2', '9.1.4', '14.1.0',
                       ('1.3.0', '1.4.0', '1.5.0', '1.6.0', '1.6.1'))),
    ('ocata', Release('1.11.1', '10.0.8', '15.1.5', ('1.7.0', '1.8.0'))),
    ('pike', Release('1.15.9', '11.2.2', '16.1.8',
                     ('1.12.0', '1.13.1', '1.14.0'))),
])

Row = collections.namedtuple('Row', 'release component version passed failed '
                                    'skipped note')


class Unavailable(Exception):
    """Something that is needed cannot be had."""


def say(text):
    """Tell what is going on."""
    print(text, flush=True)


def run(*command, **kwargs):
    """Run a command; its output goes into the exception if it fails."""
    env = dict(os.environ, **kwargs.pop('env', {}))
    done = subprocess.run(command, env=env, universal_newlines=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **kwargs)
    if done.returncode:
        lines = [line for line in done.stdout.splitlines()
                 if line.strip() and 'DEPRECATION' not in line]
        raise Unavailable('%s: %s' % (os.path.basename(command[0]),
                                      lines[-1] if lines else 'failed'))
    return done.stdout


def cache_dir():
    """Return where environments are kept."""
    base = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return os.environ.get('SP_TEST_CACHE') or os.path.join(
        base, 'sp-openstack')


def find_python2():
    """Return a Python 2.7 that runs."""
    pyenv = os.environ.get('PYENV_ROOT') or os.path.expanduser('~/.pyenv')
    for candidate in [os.environ.get('PYTHON2'), 'python2.7'] + glob.glob(
            os.path.join(pyenv, 'versions', '2.7.*', 'bin', 'python2.7')):
        try:
            if candidate and run(candidate, '-c', 'import sys; print('
                                 '"%d.%d" % sys.version_info[:2])'
                                 ).strip() == '2.7':
                return candidate
        except (OSError, Unavailable):
            pass
    raise Unavailable('there is no Python 2.7 that runs; PYTHON2 may name '
                      'one')


class Environment:
    """The environment of a release."""

    def __init__(self, release, git):
        self.release = release
        self.versions = RELEASES[release]
        self.git = git
        self.directory = os.path.join(cache_dir(), 'matrix-' + release)
        self.python = os.path.join(self.directory, 'bin', 'python')
        self.site = os.path.join(self.directory, 'lib', 'python2.7',
                                 'site-packages')
        self.pins = os.path.join(HERE, 'pins', release + '.txt')
        self.missing = {}

    def build(self, python2, rebuild):
        """Build the environment, unless it is there already."""
        stamp = os.path.join(self.directory, '.complete')
        wanted = self._wanted()
        if not rebuild and os.path.exists(stamp):
            with open(stamp) as opened:
                state = json.load(opened)
            if state['wanted'] == wanted:
                self.missing = state['missing']
                return
        say('== %s: building the environment' % self.release)
        shutil.rmtree(self.directory, ignore_errors=True)
        self._create(python2)
        self.pip('--requirement', self.pins)
        self.pip('os-brick==' + self.versions.os_brick, *BINDINGS)
        for component in ('cinder', 'nova'):
            try:
                self._install(component, getattr(self.versions, component))
            except Unavailable as exc:
                self.missing[component] = str(exc)
        with open(stamp, 'w') as opened:
            json.dump({'wanted': wanted, 'missing': self.missing}, opened)

    def _wanted(self):
        """Return what tells whether an environment is up to date."""
        with open(self.pins, 'rb') as opened:
            digest = hashlib.sha256(opened.read())
        clones = [self._clone(component) for component in ('cinder', 'nova')]
        digest.update(repr((self.versions[:3], BINDINGS, VIRTUALENV,
                            clones)).encode('utf-8'))
        return digest.hexdigest()

    def _create(self, python2):
        """Make an empty environment."""
        tools = os.path.join(cache_dir(), 'virtualenv')
        if not os.path.exists(os.path.join(tools, 'virtualenv')):
            # Another run may do the same: whoever is first has made it.
            os.makedirs(cache_dir(), exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cache_dir()) as directory:
                made = os.path.join(directory, 'virtualenv')
                run(python2, '-m', 'pip', 'install', '--quiet', '--target',
                    made, VIRTUALENV)
                try:
                    os.rename(made, tools)
                except OSError:
                    if not os.path.exists(os.path.join(tools, 'virtualenv')):
                        raise
        run(python2, '-m', 'virtualenv', '--quiet', self.directory,
            env={'PYTHONPATH': tools})

    def pip(self, *args, **kwargs):
        """Install just what is named."""
        run(self.python, '-m', 'pip', 'install', '--quiet',
            '--disable-pip-version-check', '--no-deps', *args, **kwargs)

    def _install(self, component, version):
        """Install cinder or nova, from the package index or from a clone."""
        try:
            self.pip('%s==%s' % (component, version))
            return
        except Unavailable:
            clone = self._clone(component)
        if clone is None:
            raise Unavailable('%s %s is not in the package index, and GIT '
                              'names no clone of it' % (component, version))
        with tempfile.TemporaryDirectory() as directory:
            archive = os.path.join(directory, 'archive.tar')
            tree = os.path.join(directory, component)
            run('git', '-C', clone, 'archive', '--output', archive, version)
            with tarfile.open(archive) as opened:
                opened.extractall(tree)
            self.pip(tree, env={'PBR_VERSION': version})

    def _clone(self, component):
        """Return the directory of a clone, or None."""
        for name in (component, 'openstack/' + component,
                     'openstack+%s/repo' % component):
            path = os.path.join(self.git or '', name)
            if self.git and os.path.isdir(path):
                return path
        return None

    def os_brick(self, version):
        """Return a directory with another version of os-brick."""
        directory = os.path.join(cache_dir(), 'os-brick-' + version)
        if not os.path.exists(os.path.join(directory, 'os_brick')):
            self.pip('--target', directory, 'os-brick==' + version)
        return directory


class Tests:
    """The tests of one release, and what came of them."""

    def __init__(self, environment, program, data_dir, work_dir):
        self.environment = environment
        self.program = program
        self.data_dir = data_dir
        self.work_dir = work_dir
        self.rows = []

    def row(self, component, version, result, note=''):
        """Add a row to the table."""
        notes = sorted(set(result.get('skipped', ()))) + [note]
        self.rows.append(Row(
            self.environment.release, component, version,
            result.get('passed', 0), result.get('failed', 0),
            len(result.get('skipped', ())),
            '; '.join(text for text in notes if text)))

    def tool(self, command, path, *components):
        """Let sp-openstack do something to a directory of packages."""
        work = os.path.join(self.work_dir, os.path.basename(path) +
                            '-' + self.environment.release)
        run(self.program, '--path', path, '--data-dir', self.data_dir,
            '--work-dir', work, '--yes', command,
            *(['--no-groups'] if command == 'install' else []), *components)

    def run_release(self):
        """Test the components of the release together."""
        versions = self.environment.versions._asdict()
        present = ['os_brick']
        for component in ('cinder', 'nova'):
            if component in self.environment.missing:
                reason = 'skipped: ' + self.environment.missing[component]
                self.row(component, versions[component],
                         {'skipped': [reason]})
            else:
                present.append(component)
        self.run_in(self.environment.site, present, versions, {})

    def run_other_bricks(self):
        """Test further versions of os-brick."""
        for version in self.environment.versions.more:
            try:
                path = self.environment.os_brick(version)
            except Unavailable as exc:
                self.row('os_brick', version, {'failed': 1}, str(exc))
                continue
            self.run_in(path, ['os_brick'], {'os_brick': version},
                        {'PYTHONPATH': path})

    def run_in(self, path, components, versions, env):
        """Install, test, uninstall, and see that it is gone."""
        try:
            self.tool('install', path, *components)
        except Unavailable as exc:
            for component in components:
                self.row(component, versions[component], {'failed': 1},
                         'install: %s' % exc)
            return
        results = [(component, self.run_tests(component, env))
                   for component in components]
        notes = dict.fromkeys(components, '')
        try:
            self.tool('uninstall', path, *components)
        except Unavailable as exc:
            notes = dict.fromkeys(components, 'uninstall: %s' % exc)
        for component, result in results:
            note = notes[component] or self.check_absent(component, env)
            if note:
                result['failed'] += 1
            self.row(component, versions[component], result, note)

    def python(self, script, *args, **kwargs):
        """Return the command and settings for a script of ours."""
        env = dict(os.environ, PYTHONDONTWRITEBYTECODE='1',
                   SP_TEST_RELEASE=self.environment.release,
                   SP_TEST_BINDINGS='installed', **kwargs)
        return dict(args=[self.environment.python,
                          os.path.join(HERE, script)] + list(args),
                    env=env, cwd=self.work_dir)

    def run_tests(self, component, env):
        """Run the tests of a component, and return the numbers."""
        say('== %s: %s' % (self.environment.release, component))
        result = os.path.join(self.work_dir, 'result.json')
        if os.path.exists(result):
            os.unlink(result)
        subprocess.run(check=False, **self.python(
            'run_real.py', component, result, **env))
        if not os.path.exists(result):
            return {'failed': 1, 'skipped': ['the tests did not end']}
        with open(result) as opened:
            return json.load(opened)

    def check_absent(self, component, env):
        """Return what is wrong after uninstall, or ''."""
        done = subprocess.run(
            check=False, universal_newlines=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **self.python('check_absent.py', component, **env))
        if done.returncode:
            return 'after uninstall: ' + done.stdout.splitlines()[-1]
        return ''


def table(rows):
    """Return the table of results."""
    lines = [Row('RELEASE', 'COMPONENT', 'VERSION', 'PASSED', 'FAILED',
                 'SKIPPED', 'NOTE')]
    lines += [Row(*[str(cell) for cell in row]) for row in rows]
    widths = [max(len(line[column]) for line in lines)
              for column in range(len(Row._fields))]
    return '\n'.join(
        '  '.join(cell.ljust(width) for cell, width in zip(line, widths)
                  ).rstrip() for line in lines)


def arguments():
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--program', default=os.path.join(TOP,
                                                          'sp-openstack'))
    parser.add_argument('--git', default=os.environ.get('GIT'))
    parser.add_argument('--rebuild', action='store_true')
    parser.add_argument('releases', nargs='*', metavar='RELEASE')
    found = parser.parse_args()
    for release in found.releases:
        if release not in RELEASES:
            parser.error('%s is not one of %s' % (release,
                                                  ', '.join(RELEASES)))
    if not os.access(found.program, os.X_OK):
        parser.error('%s is not there; build it first' % found.program)
    return found


def main():
    """Test all releases, and return the exit status."""
    args = arguments()
    rows = []
    with tempfile.TemporaryDirectory() as work_dir:
        for release in args.releases or RELEASES:
            environment = Environment(release, args.git)
            tests = Tests(environment, os.path.abspath(args.program), TOP,
                          work_dir)
            try:
                environment.build(find_python2(), args.rebuild)
                tests.run_release()
                tests.run_other_bricks()
            except Unavailable as exc:
                tests.row('all', '', {'failed': 1}, str(exc))
            rows += tests.rows
    failed = sum(row.failed for row in rows)
    say('')
    say(table(rows))
    say('')
    say('drivers: %d passed, %d failed, %d skipped' % (
        sum(row.passed for row in rows), failed,
        sum(row.skipped for row in rows)))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
