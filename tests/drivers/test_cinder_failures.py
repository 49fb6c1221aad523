# SPDX-License-Identifier: Apache-2.0
"""StorPool fails while the cinder driver works."""

from __future__ import absolute_import

import unittest

import failures
import harness
from harness import OTHER_ID, VOLUME_ID, simulator, volume_name

OTHER = volume_name(OTHER_ID)
SNAPSHOT = harness.snapshot_name('s1')
CLONED = 'os--clone--none--snapshot-' + OTHER_ID
CONTENTS = b'contents of ' + volume_name().encode('ascii')


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
            self.assertEqual(([], {}), (self.temporary(),
                                        self.cluster.attached()), what)

    def temporary(self):
        """Return the names of temporary snapshots.

        That of a clone which shares data by it is none.
        """
        parents = [volume.parent for volume in self.cluster.volumes.values()
                   if volume.name != volume_name()]
        return [name for name in self.cluster.snapshots
                if '--snap--' not in name and name not in parents]

    def nothing(self):
        """Bring nothing into any state."""

    def volume_and_snapshot(self):
        """Create a volume and a snapshot of it, and write before and after."""
        self.create()
        self.write(volume_name(), b'before the snapshot')
        self.driver.create_snapshot(self.snapshot())
        self.write(volume_name(), b'written afterwards, and longer')

    def check(self, prepare, operation, contents=None, **kwargs):
        """Let an operation fail in all ways.

        :param contents: those of the other volume, if it is there afterwards
        """
        def check(what, lasting):
            """Look at the state after a failure."""
            self.clean(what, lasting)
            if contents is not None and OTHER in self.cluster.volumes:
                self.assertEqual(contents, self.cluster.content(OTHER), what)

        self.check_all(prepare, operation, check, **kwargs)

    def test_create_volume(self):
        self.check(self.nothing,
                   lambda: self.driver.create_volume(self.volume()))

    def test_delete_volume(self):
        self.check(self.create,
                   lambda: self.driver.delete_volume(self.volume()),
                   deletes=[volume_name()])

    def test_extend_volume(self):
        self.check(self.create,
                   lambda: self.driver.extend_volume(self.volume(), 2))

    def test_create_snapshot(self):
        self.check(self.create,
                   lambda: self.driver.create_snapshot(self.snapshot()))

    def test_delete_snapshot(self):
        self.check(self.volume_and_snapshot,
                   lambda: self.driver.delete_snapshot(self.snapshot()),
                   deletes=[SNAPSHOT])

    def test_create_volume_from_snapshot(self):
        self.check(self.volume_and_snapshot, lambda:
                   self.driver.create_volume_from_snapshot(
                       self.volume(OTHER_ID), self.snapshot()),
                   contents=b'before the snapshot')

    def test_revert(self):
        def prepare():
            """Have a volume that was extended after its snapshot."""
            self.volume_and_snapshot()
            self.driver.extend_volume(self.volume(), 2)

        def check(what, lasting):
            """It can be repeated, and is done then."""
            self.clean(what, lasting)
            operation()
            self.assertEqual((2 * harness.GIB, b'before the snapshot'), (
                self.cluster.volumes[volume_name()].size,
                self.cluster.content(volume_name())), what)

        def operation():
            """Revert the volume."""
            self.driver.revert_to_snapshot(
                self.context, self.volume(size=2), self.snapshot())

        self.check_all(prepare, operation, check,
                       changes={volume_name(): b'before the snapshot'})

    def test_clone(self):
        self.check(self.create, lambda: self.driver.create_cloned_volume(
            self.volume(OTHER_ID), self.volume()), contents=CONTENTS)

    def test_clone_with_other_template(self):
        type_id = self.typed(storpool_template='any')
        self.check(self.create, lambda: self.driver.create_cloned_volume(
            self.volume(OTHER_ID, volume_type_id=type_id), self.volume()),
                   contents=CONTENTS)

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
                self.context, self.volume(), self.volume(OTHER_ID),
                'available'),
            self.clean)

    def test_image_to_volume(self):
        self.check(self.create, lambda: self.driver.copy_image_to_volume(
            self.context, self.volume(), self.images, 'image'),
                   changes={volume_name(): None})

    def test_volume_to_image(self):
        self.check(self.create, lambda: self.driver.copy_volume_to_image(
            self.context, self.volume(), self.images, {'id': 'made'}))

    def test_timeout(self):
        self.timeout = 0.2
        self.cluster.interfere(simulator.Delay(0.5))
        with self.assertRaises(self.exception.VolumeBackendAPIException):
            self.driver.create_volume(self.volume())

    def test_delete_clone_with_other_template(self):
        type_id = self.typed(storpool_template='any')

        def prepare():
            """Have a clone that shares data."""
            self.create(template='ssd')
            self.driver.create_cloned_volume(
                self.volume(OTHER_ID, volume_type_id=type_id), self.volume())

        def check(what, lasting):
            """It can be repeated, and the snapshot is gone then."""
            self.assertEqual({}, self.requests(), what)
            self.driver.delete_volume(self.volume(OTHER_ID))
            self.assertEqual(({}, [volume_name()]), (
                self.cluster.snapshots, list(self.cluster.volumes)), what)

        self.check_all(prepare,
                       lambda: self.driver.delete_volume(
                           self.volume(OTHER_ID)), check,
                       deletes=[OTHER, CLONED])

    def test_migration_to_another_pool(self):
        self.check(self.create, lambda: self.driver.migrate_volume(
            None, self.volume(), {'host': self.driver.host + '#default'}))


@harness.for_each(harness.RELEASES, 'release')
class MigrationFailureTest(failures.Failing, harness.CinderCase):
    """The end of a migration."""

    def prepare(self):
        self.driver = self.make_driver()

    def migrations(self, names):
        """Let the end of a migration fail at each call in all ways.

        :param names: the volumes there are
        :returns: how it failed, the numbers of the volumes before, and the
            records of volume and copy with what the driver made of them, or
            None if it raised
        """
        def finish():
            """End the migration."""
            volume = self.volume(_name_id=None)
            new = self.volume(OTHER_ID)
            update = self.driver.update_migrated_volume(
                self.context, volume, new, 'available')
            # As cinder's manager and finish_volume_migration() do.
            doomed = volume['_name_id'] or VOLUME_ID
            return update['_name_id'] or VOLUME_ID, doomed

        def prepare():
            """Have the volumes; return their numbers by name."""
            for name in names:
                self.create(name)
            return dict((name, volume.number) for name, volume
                        in self.cluster.volumes.items())

        prepare()
        calls = self.count_calls(finish)
        self.assertGreater(calls, 1)
        for name, (fault, count) in failures.FAILURES.items():
            for number in range(calls):
                self.reset()
                before = prepare()
                self.cluster.interfere(fault, after=number, count=count)
                try:
                    found = finish()
                except self.exception.VolumeBackendAPIException:
                    found = None
                self.cluster.recover()
                yield 'call %d of %d %s' % (number + 1, calls, name), \
                    before, found

    def test_migration_never_loses_track(self):
        """What the record says is the name of the volume, or it is an
        error."""
        for what, _before, found in self.migrations([OTHER]):
            if found:
                self.assertIn(volume_name(found[0]), self.cluster.volumes,
                              what)

    def test_migration_in_the_cluster_never_loses_track(self):
        """Cinder deletes the original by its name, never the copy; after an
        error that does not last all is as before."""
        name = volume_name()
        for what, before, found in self.migrations([name, OTHER]):
            now = dict((each, volume.number) for each, volume
                       in self.cluster.volumes.items())
            self.assertEqual(sorted(before.values()), sorted(now.values()),
                             what)
            if found:
                self.assertEqual(
                    [before[OTHER], before[name]],
                    [now.get(volume_name(each)) for each in found], what)
            elif 'from then on' not in what:
                self.assertEqual(before, now, what)


if __name__ == '__main__':
    unittest.main()
