#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""nova's LibvirtDriver, our drivers and libvirtd with a running guest.

    run.py [--program PROGRAM] [--git DIR] [--quick] [--only TEXT]
           [--logs DIR] [RELEASE...]

For each release: its nova, cinder and os-brick as tests/drivers/matrix.py
builds them (an overlay over that environment gets the drivers, so it stays
as it is), a simulated cluster with loop devices, and compute hosts that are
namespaces with a libvirtd each.  The guest is a small Linux in qemu without
KVM.  scenarios.py has what is tried.

All runs in namespaces of its own (mounts, processes, network): when the
first process of them ends, however it ends, there is nothing left.

--quick leaves out the longer rows, --only has those with TEXT in their
names, or one of several texts with commas between them.  What cannot be
had is skipped, by name.  The exit status is 1 if a row failed.
"""

import argparse
import ctypes
import fcntl
import glob
import json
import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

# pylint: disable=wrong-import-position
import needs
import matrix
import cloud as clouds
import interrupted
import scenarios

# What is tried last, from outside, unless --only has something else.
INTERRUPTED = 'interrupted'

PR_SET_PDEATHSIG = 1
SIOCSIFFLAGS = 0x8914
IFF_UP = 1


class Results:
    """What came of the rows."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, release, name, outcome, seconds=0.0, note=''):
        """Count a row, and print its line."""
        setattr(self, outcome, getattr(self, outcome) + 1)
        matrix.say(('%-8s %-42s %-8s %6.1f s  %s' % (
            release, name, outcome, seconds, note)).rstrip())

    def summary(self):
        """Print the last line, and return the exit status."""
        matrix.say('%d passed, %d failed, %d skipped' % (
            self.passed, self.failed, self.skipped))
        return 1 if self.failed else 0


def die_with_parent():
    """Have this process killed when its parent ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


# ---- outside: prepare, start, look whether anything is left -------------

def prepare(args, results):
    """Get what is needed; return the releases that can be tested."""
    try:
        needs.check_host()
        needs.install_packages()
        needs.Guest().fetch()
        python2 = matrix.find_python2()
    except (needs.Missing, matrix.Unavailable) as exc:
        for release in args.releases:
            results.add(release, 'all', 'skipped', note='cannot have %s' % exc)
        return {}
    wheels = {}
    for release in args.releases:
        environment = matrix.Environment(release, args.git)
        try:
            environment.build(python2, False)
            for component in ('cinder', 'nova'):
                if component in environment.missing:
                    raise needs.Missing(environment.missing[component])
            wheels[release] = needs.binding(environment)
        except (needs.Missing, matrix.Unavailable) as exc:
            results.add(release, 'all', 'skipped', note='cannot have %s' % exc)
    return wheels


def run_inside(args, wheels, results):
    """Run this program in namespaces of its own."""
    work = tempfile.mkdtemp(prefix='sp-guest-')
    handle, report = tempfile.mkstemp(prefix='sp-guest-')
    os.close(handle)
    config = dict(vars(args), wheels=wheels, work=work, report=report)
    inside = subprocess.Popen(
        ['unshare', '--mount', '--uts', '--net', '--pid', '--fork',
         '--kill-child', '--mount-proc', sys.executable, '-B',
         os.path.abspath(__file__), '--inside', json.dumps(config)],
        preexec_fn=die_with_parent)
    try:
        status = inside.wait()
        counts = read_counts(report)
    finally:
        inside.kill()
        inside.wait()
        remove_mappings(work)
        os.rmdir(work)
        os.unlink(report)
    if counts is None:
        results.add('all', 'the run', 'failed', note='ended with %d' % status)
    else:
        results.passed += counts[0]
        results.failed += counts[1]
        results.skipped += counts[2]
    for line in interrupted.devices_and_mounts(work):
        results.add('all', 'nothing left', 'failed', note=line)


def remove_mappings(work):
    """Remove what the device mapper has on top of loop devices of ours.

    Alone of what a run makes it does not go with the run's processes.
    """
    for path in glob.glob('/sys/block/dm-*/slaves/loop*'):
        backing = interrupted.backing_file(os.path.basename(path))
        if backing.startswith(work):
            mapping = path.split(os.sep)[3]
            with open('/sys/block/%s/dm/name' % mapping) as opened:
                subprocess.run(['dmsetup', 'remove', '--retry',
                                opened.read().strip()], check=False)


def read_counts(report):
    """Return how many rows passed, failed, were skipped; None if unknown."""
    with open(report) as opened:
        text = opened.read()
    return json.loads(text) if text else None


# ---- inside -------------------------------------------------------------

def first_process(config):
    """Be the first process: start another, and collect all that end.

    Without that, qemu would stay a zombie, for which libvirt waits.  It is
    the process outside that is told to stop, and it kills this one.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = os.fork()
    if not child:
        die_with_parent()
        status = 1
        try:
            status = run_rows(config)
        except BaseException:  # pylint: disable=broad-except
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    while True:
        pid, status = os.wait()
        if pid == child:
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            matrix.say('processor time: %.0f s' % (
                used.ru_utime + used.ru_stime))
            return (os.WEXITSTATUS(status) if os.WIFEXITED(status)
                    else 128 + os.WTERMSIG(status))


def bring_up_loopback():
    """Bring up the loopback interface of this network namespace."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS,
                    struct.pack('16sh14x', b'lo', IFF_UP))


def run_rows(config):
    """Run the rows of all releases, and report how many passed."""
    results = Results()
    work = config['work']
    subprocess.run(['mount', '--make-rprivate', '/'], check=True)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs',
                    work], check=True)
    bring_up_loopback()
    for release, wheel in config['wheels'].items():
        run_release(config, release, wheel, results)
    with open(config['report'], 'w') as opened:
        json.dump([results.passed, results.failed, results.skipped], opened)
    return 0


def selected(name, only):
    """Tell whether a row is among those that --only has."""
    return any(text in name for text in only.split(','))


def run_release(config, release, wheel, results):
    """Run the rows of a release."""
    rows = [row for row in scenarios.ROWS
            if release in row.releases and
            (row.quick or not config['quick']) and
            selected(row.name, config['only'])]
    if not rows:
        return
    environment = matrix.Environment(release, config['git'])
    # Where the cluster has its volumes.  The path of the directory is in it
    # twice: of a file system that is not mounted any more, the kernel still
    # tells the path inside.
    tempfile.tempdir = config['work'] + config['work']
    os.makedirs(tempfile.tempdir, exist_ok=True)
    cloud = clouds.Cloud(config['work'], environment, config['program'],
                         wheel, needs.Guest())
    begun = time.monotonic()
    try:
        try:
            cloud.start(3 if any(row.early for row in rows) else 2)
            for row in rows:
                if row.early:
                    row.early(cloud)
        except Exception as exc:  # pylint: disable=broad-except
            traceback.print_exc()
            results.add(release, 'start', 'failed',
                        time.monotonic() - begun, str(exc))
            return
        matrix.say('%-8s %-42s %-8s %6.1f s' % (
            release, 'start', '', time.monotonic() - begun))
        for row in rows:
            run_row(cloud, row, results, config)
    finally:
        try:
            if config['logs']:
                keep_logs(cloud, os.path.join(config['logs'], release, 'end'))
        finally:
            cloud.stop()


def run_row(cloud, row, results, config):
    """Run a row, and begin anew if it fails."""
    begun = time.monotonic()
    outcome, note = 'passed', ''
    try:
        row.function(cloud)
        cloud.audit()
    except clouds.Skip as exc:
        outcome, note = 'skipped', 'cannot have %s' % exc
    except Exception as exc:  # pylint: disable=broad-except
        outcome, note = 'failed', '%s: %s' % (type(exc).__name__, exc)
    results.add(cloud.release, row.name, outcome, time.monotonic() - begun,
                note)
    if outcome == 'failed':
        if config['logs']:
            keep_logs(cloud, os.path.join(config['logs'], cloud.release,
                                          row.name.replace(' ', '-')))
        cloud.reset()


def keep_logs(cloud, directory):
    """Copy the logs of all hosts to a directory."""
    for host in cloud.hosts.values():
        target = os.path.join(directory, host.name)
        os.makedirs(target, exist_ok=True)
        for name in os.listdir(host.directory):
            if name.endswith('.log'):
                shutil.copy(os.path.join(host.directory, name), target)
        for name in ('/var/log/libvirt', '/var/lib/nova/instances'):
            subprocess.run(['cp', '-R', host.path(name), target],
                           check=False, stderr=subprocess.DEVNULL)


def arguments():
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--program', default=os.path.join(matrix.TOP,
                                                          'sp-openstack'))
    parser.add_argument('--git', default=os.environ.get('GIT'))
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--only', default='', metavar='TEXT')
    parser.add_argument('--logs', metavar='DIR')
    parser.add_argument('releases', nargs='*', metavar='RELEASE')
    found = parser.parse_args()
    for release in found.releases:
        if release not in matrix.RELEASES:
            parser.error('%s is not one of %s' % (
                release, ', '.join(matrix.RELEASES)))
    if not os.access(found.program, os.X_OK):
        parser.error('%s is not there; build it first' % found.program)
    found.program = os.path.abspath(found.program)
    found.logs = found.logs and os.path.abspath(found.logs)
    found.releases = found.releases or list(matrix.RELEASES)
    return found


def main():
    """Test, and return the exit status."""
    if sys.argv[1:2] == ['--inside']:
        return first_process(json.loads(sys.argv[2]))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    args = arguments()
    results = Results()
    try:
        wheels = prepare(args, results)
        if wheels:
            run_inside(args, wheels, results)
        if wheels and not args.quick and selected(INTERRUPTED, args.only):
            interrupted.rows(
                ['--program', args.program] +
                (['--git', args.git] if args.git else []),
                list(wheels)[0], results)
    except KeyboardInterrupt:
        matrix.say('interrupted')
        return 130
    return results.summary()


if __name__ == '__main__':
    sys.exit(main())
