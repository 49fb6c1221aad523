# SPDX-License-Identifier: Apache-2.0
"""The serial line of the guest; guest-init.sh is at its other end."""

import itertools
import os
import select
import time
import tty


class Silent(Exception):
    """The guest does not answer."""


class Refused(Exception):
    """A command failed in the guest."""


class Console:
    """A serial line.

    :param path: the terminal that qemu has at its other end
    """

    _numbers = itertools.count(1)

    def __init__(self, path):
        self.path = path
        self._line = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._line)
        self._read = b''

    def close(self):
        """Let go of the line."""
        os.close(self._line)

    def wait(self, timeout=300):
        """Wait until the guest answers.

        :raises Silent: it does not
        """
        end = time.monotonic() + timeout
        while True:
            try:
                return self.run('true', timeout=5)
            except Silent:
                if time.monotonic() > end:
                    raise

    def run(self, command, timeout=300):
        """Run a command in the guest.

        :returns: the lines that it prints
        :raises Silent: there was no answer in time
        :raises Refused: it failed
        """
        number = 'q%d' % next(self._numbers)
        os.write(self._line, ('%s %s\n' % (number, command)).encode('utf-8'))
        lines = []
        end = time.monotonic() + timeout
        while True:
            line = self._next(end, command)
            # The console may have something else on the line before it.
            for mark in ('ANSWER %s ' % number, 'DONE %s ' % number):
                _before, found, text = line.partition(mark)
                if found and mark.startswith('ANSWER'):
                    lines.append(text)
                elif found:
                    if text.strip() != '0':
                        raise Refused('%s: status %s: %s' % (
                            command, text.strip(), ' '.join(lines)))
                    return lines

    def _next(self, end, command):
        """Return the next line."""
        while b'\n' not in self._read:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._line], [], [], left)[0]:
                raise Silent('%s: no answer; so far: %r' % (
                    command, self._read))
            try:
                data = os.read(self._line, 65536)
            except OSError as exc:
                raise Silent('%s: %s' % (command, exc)) from exc
            if not data:
                raise Silent('%s: the line is closed' % command)
            self._read += data
        line, _newline, self._read = self._read.partition(b'\n')
        return line.decode('utf-8', 'replace').rstrip('\r')
