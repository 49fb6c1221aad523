# SPDX-License-Identifier: Apache-2.0
"""StorPool fails while the os-brick connector works."""

from __future__ import absolute_import

import unittest

import failures
import harness
from harness import GIB, simulator, volume_name

NAME = volume_name()
ANOTHER = 'cinder-' + NAME


@harness.for_each(harness.BRICK_LAYOUTS, 'layout')
class ConnectorFailureTest(failures.Failing, harness.Case):
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
                for found in self.devices(), self.cluster.attached():
                    self.assertEqual(len(self.requests()), len(found), what)

        self.check_all(self.create, lambda: self.storpool.connect_volume(
            self.properties()), check)

    def test_connect_read_only(self):
        def check(what, lasting):
            """The same; it is attached in another way."""
            if self.requests():
                self.assertEqual({NAME: 'ro'}, self.cluster.attached(), what)
            if not lasting:
                for found in self.devices(), self.cluster.attached():
                    self.assertEqual(len(self.requests()), len(found), what)

        self.check_all(self.create, lambda: self.storpool.connect_volume(
            self.properties(access_mode='ro')), check)

    def attached_by_another(self):
        """Have another service of this host use the volume."""
        self.create()
        self.storpool.connect_volume(self.properties(
            storpool_request=ANOTHER))

    def another_has_it(self, what, _lasting):
        """See that the other service goes on using the volume."""
        self.assertIn(ANOTHER, self.requests(), what)
        self.assertEqual(({NAME: 'rw'}, [NAME]),
                         (self.cluster.attached(), self.devices()), what)

    def test_connect_what_another_has(self):
        self.check_all(
            self.attached_by_another, lambda: self.storpool.connect_volume(
                self.properties()), self.another_has_it)

    def test_timeout(self):
        self.create()
        self.timeout = 0.2
        self.cluster.interfere(simulator.Delay(0.5))
        with self.assertRaises(self.BrickException):
            self.storpool.connect_volume(self.properties())
        self.assertEqual({}, self.requests())

    def test_disconnect(self):
        def check(what, lasting):
            """It is done, at the latest when it is repeated."""
            self.assertEqual({}, self.requests(), what)
            if not lasting:
                self.assertEqual({}, self.cluster.attached(), what)
            self.storpool.disconnect_volume(self.properties(), None)
            self.assertEqual(({}, []), (self.cluster.attached(),
                                        self.devices()), what)

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
