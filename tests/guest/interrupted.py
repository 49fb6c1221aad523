# SPDX-License-Identifier: Apache-2.0
"""Runs that are interrupted leave nothing: processes, loop devices, mounts."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# How long a run may take to be gone.
PATIENCE = 30


def statuses():
    """Return the parent and the time of start of all processes."""
    found = {}
    for name in os.listdir('/proc'):
        if not name.isdigit():
            continue
        try:
            with open('/proc/%s/stat' % name) as opened:
                fields = opened.read().rpartition(')')[2].split()
        except OSError:  # it has just ended
            continue
        found[int(name)] = (int(fields[1]), fields[19])
    return found


def family(pid):
    """Return a process and all that it started: pairs of id and start."""
    known = statuses()
    members = {pid}
    while True:
        more = {child for child, (parent, _start) in known.items()
                if parent in members} - members
        if not more:
            return {(member, known[member][1]) for member in members
                    if member in known}
        members |= more


def alive(members):
    """Return the members of a family that still run."""
    known = statuses()
    return [pid for pid, start in members
            if known.get(pid, (None, None))[1] == start]


def backing_file(device):
    """Return the path of the file behind a loop device, or ''."""
    try:
        with open('/sys/block/%s/loop/backing_file' % device) as opened:
            return opened.read()
    except OSError:
        return ''


def devices_and_mounts(directory):
    """Return the loop devices and mounts that have to do with a directory."""
    found = ['loop device ' + name for name in sorted(os.listdir(
        '/sys/block')) if backing_file(name).startswith(directory)]
    with open('/proc/mounts') as opened:
        found += ['mount ' + line.split()[1] for line in opened
                  if directory in line]
    return found


def interrupt(arguments, how, emptied=True):
    """Interrupt a run while a guest boots; return what is wrong then, or ''.

    :param how: a signal
    :param emptied: whether the run could remove its directory
    """
    with tempfile.TemporaryDirectory(prefix='sp-guest-') as directory:
        run = subprocess.Popen(
            [sys.executable, '-B', os.path.join(HERE, 'run.py')] + arguments,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            universal_newlines=True, env=dict(os.environ, TMPDIR=directory))
        for line in run.stdout:
            if ' start ' in line:
                break
        # Read the rest, or the run may wait for us.
        threading.Thread(target=run.stdout.read, daemon=True).start()
        time.sleep(4)
        members = family(run.pid)
        devices = devices_and_mounts(directory)
        run.send_signal(how)
        run.wait()
        end = time.monotonic() + PATIENCE
        while True:
            left = ['process %d' % pid for pid in alive(members)]
            left += devices_and_mounts(directory)
            if emptied:
                left += os.listdir(directory)
            if not left or time.monotonic() > end:
                break
            time.sleep(0.2)
    if left:
        return 'left: ' + ', '.join(left)
    if len(members) < 10 or not devices:
        return 'there was nothing to leave: %d processes, %d devices' % (
            len(members), len(devices))
    return ''


def rows(common, release, results):
    """Try all ways to interrupt a run.

    :param common: the arguments that all runs share
    """
    for number, emptied in ((signal.SIGINT, True), (signal.SIGTERM, True),
                            (signal.SIGKILL, False)):
        begun = time.monotonic()
        note = interrupt(common + ['--only', 'spawn from', release], number,
                         emptied)
        results.add(release, 'interrupted by %s, nothing left' % number.name,
                    'failed' if note else 'passed',
                    time.monotonic() - begun, note)
