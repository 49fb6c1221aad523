# SPDX-License-Identifier: Apache-2.0
"""StorPool fails at every single call of every operation in turn.

Each operation is run undisturbed first, to learn how many calls it makes,
and then once for each of them and each kind of failure.  It has to end well
or with an exception of its service, to leave nothing half made, and what is
stored as it was.
"""

from __future__ import absolute_import

import collections

import harness
from harness import CLIENT, simulator

# What happens to a call, and to how many after it.
FAILURES = collections.OrderedDict([
    ('refused', (simulator.Refuse(), 1)),
    ('refused from then on', (simulator.Refuse(), None)),
    ('refused for a while', (simulator.Refuse(transient=True), 2)),
    ('busy', (simulator.Refuse('busy', 'v is open at client 9', 409), 1)),
    ('not found', (simulator.Refuse('objectDoesNotExist', 'no v', 404), 1)),
    ('dropped before', (simulator.Drop(), 1)),
    ('dropped after', (simulator.Drop(executed=True), 1)),
    ('dropped from then on', (simulator.Drop(), None)),
    ('answered with a text', (simulator.Nonsense(), 1)),
    ('answered with nothing', (simulator.Nonsense('{}'), 1)),
    ('answered with null', (simulator.Nonsense('{"data": null}'), 1)),
    ('answered with a number', (simulator.Nonsense('{"data": 5}'), 1)),
    ('answered with rubbish', (simulator.Nonsense('{"data": [{"x": 1}]}'),
                               1)),
])

# After these something may be left behind, nobody can know better.
LIES = ('not found',)


class Failing(object):
    """What makes a harness.Case a test that lets an operation fail."""

    def permitted(self):
        """Return the exceptions that the operation may raise."""
        raise NotImplementedError

    def check_all(self, prepare, operation, check, changes=None, deletes=()):
        """Let an operation fail in all ways.

        :param prepare: brings the cluster into its state before
        :param operation: the operation
        :param check: looks at the state after the failure
        :param changes: what the contents of volumes may have become, besides
            what they were: name -> contents, or None for anything
        :param deletes: the names of what may be gone
        """
        prepare()
        self.fill()
        calls = self.count_calls(operation)
        self.assertGreater(calls, 0)
        for name, (fault, count) in FAILURES.items():
            for number in range(calls):
                self.reset()
                prepare()
                self.fill()
                before = self.stored()
                self.cluster.interfere(fault, after=number, count=count)
                what = 'call %d of %d %s' % (number + 1, calls, name)
                self.run_failing(operation, what)
                self.cluster.recover()
                self.check_stored(before, changes or {}, deletes, what)
                check(what, count is None or name in LIES)

    def fill(self):
        """Write something of its own to each volume that is empty."""
        for name in self.cluster.volumes:
            if not self.cluster.content(name):
                self.write(name, b'contents of ' + name.encode('ascii'))

    def write(self, name, contents):
        """Write to the start of a volume."""
        with open(self.cluster.volumes[name].store, 'r+b') as opened:
            opened.write(contents)

    def stored(self):
        """Return what is stored: number -> name, contents.

        Names may change, numbers do not.
        """
        return dict((found.number, (found.name, self.cluster.content(
            found.name))) for table in (
                self.cluster.volumes, self.cluster.snapshots)
                    for found in table.values())

    def check_stored(self, before, changes, deletes, what):
        """See that what there was is there, with its contents."""
        now = self.stored()
        for number, (name, contents) in before.items():
            if number not in now:
                self.assertIn(name, deletes, what)
            elif name not in changes:
                self.assertEqual(contents, now[number][1], what)
            elif changes[name] is not None:
                self.assertIn(now[number][1], (contents, changes[name]), what)

    def run_failing(self, operation, what):
        """Run an operation which may fail in the permitted ways."""
        try:
            operation()
        except self.permitted():
            pass
        except Exception as exc:  # pylint: disable=broad-except
            self.fail('%s: %s: %s' % (what, type(exc).__name__, exc))

    def reset(self):
        """Empty the cluster and the attachment file."""
        self.cluster.recover()
        for client in (CLIENT, harness.OTHER_CLIENT):
            for name in list(self.cluster.attached(client)):
                kind = ('snapshot' if name in self.cluster.snapshots
                        else 'volume')
                self.call('volumesReassign', json=[
                    {kind: name, 'detach': 'all', 'force': True}])
        self.cluster.volumes.clear()
        self.cluster.snapshots.clear()
        self.cluster.opened.clear()
        self.write_requests({})
