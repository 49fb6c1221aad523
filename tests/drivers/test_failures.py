# SPDX-License-Identifier: Apache-2.0
"""StorPool fails at every single call of every operation in turn.

Each operation is run undisturbed first, to learn how many calls it makes,
and then once for each of them and each kind of failure.  It has to end well
or with an exception of its service, and to leave nothing half made.
"""

from __future__ import absolute_import

import collections
import unittest

import harness
from harness import (CLIENT, GIB, OTHER_ID, VOLUME_ID, simulator,
                     volume_name)

NAME = volume_name()
OTHER = volume_name(OTHER_ID)

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


class FailureCase(harness.CinderCase):
    """A test that lets an operation fail."""

    def permitted(self):
        """Return the exceptions that the operation may raise."""
        raise NotImplementedError

    def check_all(self, prepare, operation, check):
        """Let an operation fail in all ways.

        :param prepare: brings the cluster into its state before
        :param operation: the operation
        :param check: looks at the state after the failure
        """
        prepare()
        calls = self.count_calls(operation)
        self.assertGreater(calls, 0)
        for name, (fault, count) in FAILURES.items():
            for number in range(calls):
                self.reset()
                prepare()
                self.cluster.interfere(fault, after=number, count=count)
                what = 'call %d of %d %s' % (number + 1, calls, name)
                self.run_failing(operation, what)
                self.cluster.recover()
                check(what, count is None or name in LIES)

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


@harness.for_each(harness.RELEASES, 'release')
class CinderFailureTest(FailureCase):
    """Operations of the cinder driver."""

    def prepare(self):
        self.driver = self.make_driver()
        self.images.images['image'] = b'an image'

    def permitted(self):
        """Cinder's exceptions, and os-brick's from the inherited code."""
        return self.exception.CinderException, self.BrickException

    def clean(self, what, lasting):
        """See that nothing temporary is left."""
        self.assertEqual({}, self.requests(), what)
        if not lasting:
            self.assertEqual([], self.temporary(), what)

    def temporary(self):
        """Return the names of temporary snapshots."""
        return [name for name in self.cluster.snapshots
                if '--snap--' not in name]

    def nothing(self):
        """Bring nothing into any state."""

    def volume_and_snapshot(self):
        """Create a volume and a snapshot of it."""
        self.create()
        self.driver.create_snapshot(self.snapshot())

    def check(self, prepare, operation):
        """Let an operation fail in all ways."""
        self.check_all(prepare, operation, self.clean)

    def test_create_volume(self):
        self.check(self.nothing,
                   lambda: self.driver.create_volume(self.volume()))

    def test_delete_volume(self):
        self.check(self.create,
                   lambda: self.driver.delete_volume(self.volume()))

    def test_extend_volume(self):
        self.check(self.create,
                   lambda: self.driver.extend_volume(self.volume(), 2))

    def test_create_snapshot(self):
        self.check(self.create,
                   lambda: self.driver.create_snapshot(self.snapshot()))

    def test_delete_snapshot(self):
        self.check(self.volume_and_snapshot,
                   lambda: self.driver.delete_snapshot(self.snapshot()))

    def test_create_volume_from_snapshot(self):
        self.check(self.volume_and_snapshot, lambda:
                   self.driver.create_volume_from_snapshot(
                       self.volume(OTHER_ID), self.snapshot()))

    def test_clone(self):
        self.check(self.create, lambda: self.driver.create_cloned_volume(
            self.volume(OTHER_ID), self.volume()))

    def test_clone_with_other_template(self):
        type_id = self.typed(storpool_template='any')
        self.check(self.create, lambda: self.driver.create_cloned_volume(
            self.volume(OTHER_ID, volume_type_id=type_id), self.volume()))

    def test_retype(self):
        diff = {'extra_specs': {'storpool_template': (None, 'any')}}
        self.check(self.create, lambda: self.driver.retype(
            None, self.volume(), {}, diff, {'host': 'h@b#p'}))

    def test_statistics(self):
        self.check(self.nothing,
                   lambda: self.driver.get_volume_stats(refresh=True))

    def test_setup(self):
        self.check(self.nothing, self.make_driver)

    def test_update_migrated_volume(self):
        self.check_all(
            lambda: self.create(OTHER),
            lambda: self.driver.update_migrated_volume(
                None, self.volume(), self.volume(OTHER_ID), 'available'),
            self.clean)

    def test_image_to_volume(self):
        self.check(self.create, lambda: self.driver.copy_image_to_volume(
            self.context, self.volume(), self.images, 'image'))

    def test_volume_to_image(self):
        self.check(self.create, lambda: self.driver.copy_volume_to_image(
            self.context, self.volume(), self.images, {'id': 'made'}))

    def test_migration_never_loses_track(self):
        """What the record says is the name of the volume, or it is an
        error."""
        for name, (fault, count) in FAILURES.items():
            for number in range(2):
                self.reset()
                self.create(OTHER)
                self.cluster.interfere(fault, after=number, count=count)
                try:
                    update = self.driver.update_migrated_volume(
                        None, self.volume(), self.volume(OTHER_ID),
                        'available')
                except self.exception.VolumeBackendAPIException:
                    continue
                name_id = update['_name_id'] or VOLUME_ID
                self.assertIn(volume_name(name_id), self.cluster.volumes,
                              name)


@harness.for_each(harness.BRICK_LAYOUTS, 'layout')
class ConnectorFailureTest(FailureCase):
    """Operations of the os-brick connector."""

    def prepare(self):
        self.storpool = self.make_connector()

    def permitted(self):
        """Return os-brick's exception."""
        return self.BrickException

    def connected(self):
        """Attach the volume."""
        self.create()
        self.storpool.connect_volume(self.properties())

    def consistent(self, what, _lasting):
        """See that a request goes with an attachment and a device."""
        requests = len(self.requests())
        if requests:
            self.assertEqual([NAME], self.devices(), what)
            self.assertEqual({NAME: 'rw'}, self.cluster.attached(), what)

    def test_connect(self):
        def check(what, lasting):
            """What is not requested is not attached, if it could be
            helped."""
            self.consistent(what, lasting)
            if not lasting:
                self.assertEqual(len(self.requests()), len(self.devices()),
                                 what)

        self.check_all(self.create, lambda: self.storpool.connect_volume(
            self.properties()), check)

    def test_disconnect(self):
        def check(what, _lasting):
            """It can be repeated, and is done then."""
            self.assertEqual({}, self.requests(), what)
            self.storpool.disconnect_volume(self.properties(), None)
            self.assertEqual({}, self.cluster.attached(), what)

        self.check_all(
            self.connected, lambda: self.storpool.disconnect_volume(
                self.properties(), None), check)

    def test_disconnect_ignoring_errors(self):
        def check(what, _lasting):
            """The request is gone."""
            self.assertEqual({}, self.requests(), what)

        self.permitted = lambda: ()
        self.check_all(
            self.connected, lambda: self.storpool.disconnect_volume(
                self.properties(), None, force=True, ignore_errors=True),
            check)

    def test_extend(self):
        def prepare():
            """Attach the volume, and extend it."""
            self.connected()
            self.call('volumeUpdate', NAME, {'size': 2 * GIB})

        self.check_all(prepare, lambda: self.storpool.extend_volume(
            self.properties()), self.consistent)


if __name__ == '__main__':
    unittest.main()
