# SPDX-License-Identifier: Apache-2.0
"""StorPool fails while the cinder driver works."""

from __future__ import absolute_import

import unittest

import failures
import harness
from harness import OTHER_ID, VOLUME_ID, simulator, volume_name

OTHER = volume_name(OTHER_ID)


@harness.for_each(harness.RELEASES, 'release')
class CinderFailureTest(failures.Failing, harness.CinderCase):
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

    def test_revert(self):
        def prepare():
            """Have a volume that was extended after its snapshot."""
            self.volume_and_snapshot()
            self.driver.extend_volume(self.volume(), 2)

        def check(what, lasting):
            """It can be repeated, and is done then."""
            self.clean(what, lasting)
            operation()
            self.assertEqual(2 * harness.GIB,
                             self.cluster.volumes[volume_name()].size, what)

        def operation():
            """Revert the volume."""
            self.driver.revert_to_snapshot(
                self.context, self.volume(size=2), self.snapshot())

        self.check_all(prepare, operation, check)

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

    def test_timeout(self):
        self.timeout = 0.2
        self.cluster.interfere(simulator.Delay(0.5))
        with self.assertRaises(self.exception.VolumeBackendAPIException):
            self.driver.create_volume(self.volume())

    def test_migration_never_loses_track(self):
        """What the record says is the name of the volume, or it is an
        error."""
        for name, (fault, count) in failures.FAILURES.items():
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


if __name__ == '__main__':
    unittest.main()
