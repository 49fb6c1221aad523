# SPDX-License-Identifier: Apache-2.0
"""Services that use one attachment file at once lose nothing."""

from __future__ import absolute_import

import multiprocessing
import threading
import time
import unittest

import harness
from harness import CLIENT, volume_name

# The tests make time.sleep() return at once, but locks are waited for.
_sleep = time.sleep

VOLUMES = 6


@harness.for_each(harness.BRICK_LAYOUTS[-1:], 'layout')
class SharingTest(harness.Case):
    """Several processes, and several threads of one."""

    def prepare(self):
        time.sleep = _sleep
        # The parser of the configuration learns something when it is first
        # used, and must not be interrupted by another thread then.  The
        # services have green ones, which do not.
        harness.spconfig.SPConfig()
        for number in range(VOLUMES):
            self.create(volume_name(str(number)))

    def connect_all(self, service):
        """Attach all volumes, as a service."""
        connector = self.make_connector()
        for number in range(VOLUMES):
            connector.connect_volume(self.as_service(service, number))

    def disconnect_all(self, service):
        """Detach all volumes, as a service."""
        connector = self.make_connector()
        for number in range(VOLUMES):
            connector.disconnect_volume(self.as_service(service, number),
                                        None)

    def as_service(self, service, number):
        """Return connection properties for a service."""
        return self.properties(volume=str(number), storpool_request=(
            '%s-%d' % (service, number)))

    def both(self, kind, *jobs):
        """Run jobs at once, as processes or threads."""
        running = [kind(target=job, args=(service,)) for job, service in jobs]
        for each in running:
            each.start()
        for each in running:
            each.join()
            self.assertEqual(0, getattr(each, 'exitcode', 0))

    def check(self, kind):
        """Attach by two services, then detach by one, then by the other."""
        self.both(kind, (self.connect_all, 'nova'),
                  (self.connect_all, 'cinder'))
        self.assertEqual(2 * VOLUMES, len(self.requests()))
        self.assertEqual(VOLUMES, len(self.cluster.attached(CLIENT)))
        self.both(kind, (self.disconnect_all, 'nova'),
                  (self.connect_all, 'other'))
        self.assertEqual(2 * VOLUMES, len(self.requests()))
        self.assertEqual(VOLUMES, len(self.devices()))
        self.both(kind, (self.disconnect_all, 'cinder'),
                  (self.disconnect_all, 'other'))
        self.assertEqual({}, self.requests())
        self.assertEqual([], self.devices())

    def test_processes(self):
        self.check(multiprocessing.Process)

    def test_threads(self):
        self.check(threading.Thread)


if __name__ == '__main__':
    unittest.main()
