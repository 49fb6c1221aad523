# SPDX-License-Identifier: Apache-2.0
"""The cinder driver with cinder's own objects, database and manager code.

These tests exist only in an environment with a real release.
"""

from __future__ import absolute_import

import unittest

import harness
from harness import GIB, volume_name

REAL_RELEASES = (harness.REAL,) if harness.REAL else ()


def setUpModule():
    """Make a database in memory."""
    if not harness.REAL:
        return
    # pylint: disable=import-error,import-outside-toplevel
    from cinder.common import config
    from cinder.db.sqlalchemy import api
    from cinder.db.sqlalchemy import models
    from cinder import objects
    config.CONF.set_override('connection', 'sqlite://', group='database')
    objects.register_all()
    # SQLite cannot have the table of workers, which nothing here uses.
    tables = [table for table in models.BASE.metadata.sorted_tables
              if table.name != 'workers']
    models.BASE.metadata.create_all(api.get_engine(), tables=tables)


@harness.for_each(REAL_RELEASES, 'release')
class RealTest(harness.CinderCase):
    """Cinder and the driver together."""

    def prepare(self):
        self.objects = self.module('cinder.objects')
        self.context = self.module('cinder.context').get_admin_context()
        self.driver = self.make_driver()
        self.driver.db = self.module('cinder.db')

    def record(self, **kwargs):
        """Create a volume in the database."""
        values = dict({
            'size': 1, 'host': 'h@b#default', 'status': 'available',
            'attach_status': 'detached', 'user_id': 'u', 'project_id': 'p',
        }, **kwargs)
        made = self.objects.Volume(self.context, **values)
        made.create()
        return self.objects.Volume.get_by_id(self.context, made.id)

    def created(self, **kwargs):
        """Create a volume in the database and in StorPool."""
        made = self.record(**kwargs)
        self.driver.create_volume(made)
        return made

    def stored(self, volume):
        """Return the StorPool volume of a record, or None."""
        return self.cluster.volumes.get(volume_name(volume.name_id))

    def test_compliance(self):
        if self.release == 'mitaka':
            with self.assertRaises(ImportError):
                self.module('cinder.interface')
            return
        core = self.module('cinder.interface.volume_driver')
        self.assertTrue(issubclass(self.storpool.StorPoolDriver,
                                   core.VolumeDriverCore))

    def test_nothing_abstract_is_left(self):
        self.assertEqual(frozenset(),
                         self.storpool.StorPoolDriver.__abstractmethods__)

    def test_capabilities(self):
        self.driver.init_capabilities()
        self.driver.set_initialized()
        self.assertTrue(self.driver.initialized)
        self.assertEqual(self.storpool.StorPoolDriver.VERSION,
                         self.driver.get_version())

    def test_volume_type(self):
        types = self.module('cinder.volume.volume_types')
        self.patch(types, 'get_volume_type_extra_specs', lambda type_id:
                   types.get_volume_type(self.context, type_id)[
                       'extra_specs'])
        made = types.create(self.context, 'fast',
                            {'storpool_template': 'ssd'})
        volume = self.created(volume_type_id=made['id'])
        self.assertEqual('ssd', self.stored(volume).template)

    def best_pool(self):
        """Return the host@backend#pool that the scheduler likes best."""
        manager = self.module('cinder.scheduler.host_manager')
        weigher = self.module('cinder.scheduler.weights.capacity')
        filters = self.module('cinder.scheduler.filters.capacity_filter')
        if hasattr(manager, 'BackendState'):
            state = manager.BackendState('h@b', None)
        else:
            state = manager.HostState('h@b')
        state.update_from_volume_capability(dict(
            self.driver.get_volume_stats(refresh=True),
            timestamp=self.module('oslo_utils.timeutils').utcnow()))
        pools = list(state.pools.values())
        passing = filters.CapacityFilter()
        passes = getattr(passing, 'backend_passes', None) or getattr(
            passing, 'host_passes')
        # Larger than what is free: all volumes are thin.
        for pool in pools:
            self.assertTrue(passes(pool, {
                'size': 500, 'request_spec': {'volume_id': 'new'}}),
                            pool.pool_name)
        weights = weigher.CapacityWeigher().weigh_objects(
            [self.module('cinder.scheduler.base_weight').WeighedObject(
                pool, 0) for pool in pools], {})
        best = max(zip(weights, pools), key=lambda found: found[0])[1]
        return 'h@b#' + best.pool_name

    def test_scheduler_does_not_choose_the_copies(self):
        """It likes the template with one copy best."""
        self.cluster.add_template('scratch', 1)
        self.driver = self.make_driver(storpool_template='hybrid')
        host = self.best_pool()
        self.assertEqual('h@b#template_scratch', host)
        self.assertEqual(3, self.stored(self.created(host=host)).replication)

    def encrypted_type(self, name, cipher, template):
        """Create a volume type with encryption, and return it."""
        types = self.module('cinder.volume.volume_types')
        made = types.create(self.context, name,
                            {'storpool_template': template})
        self.driver.db.volume_type_encryption_create(
            self.context, made['id'], {
                'cipher': cipher, 'key_size': 256, 'provider': 'luks',
                'control_location': 'front-end'})
        return made

    def test_retype(self):
        types = self.module('cinder.volume.volume_types')
        old, same, other = [self.encrypted_type(*arguments) for arguments in (
            ('old', 'aes', 'ssd'), ('same', 'aes', 'any'),
            ('other', 'des', 'any'))]
        volume = self.record(volume_type_id=old['id'])
        self.create(volume_name(volume.id), template='ssd')
        for new, wanted, template in ((other, False, 'ssd'),
                                      (same, True, 'any')):
            diff, _equal = types.volume_types_diff(self.context, old['id'],
                                                   new['id'])
            self.assertEqual(wanted, self.driver.retype(
                self.context, volume, new, diff, {'host': 'h@b#default'}))
            self.assertEqual(template, self.stored(volume).template)

    def test_snapshot(self):
        volume = self.created()
        snapshot = self.objects.Snapshot(
            self.context, volume_id=volume.id, volume_size=1,
            user_id='u', project_id='p', status='creating')
        snapshot.create()
        snapshot = self.objects.Snapshot.get_by_id(self.context, snapshot.id)
        self.driver.create_snapshot(snapshot)
        self.assertIn(harness.snapshot_name(snapshot.id),
                      self.cluster.snapshots)
        other = self.record(size=2)
        self.driver.create_volume_from_snapshot(other, snapshot)
        self.assertEqual(2 * GIB, self.stored(other).size)

    def test_revert_to_snapshot(self):
        """Pike's manager has the driver do it, whatever happens."""
        manager = self.module('cinder.volume.manager').VolumeManager
        revert = manager.__dict__.get('_revert_to_snapshot')
        if revert is None:
            self.assertNotEqual('pike', self.release)
            return
        volume = self.created()
        snapshot = self.objects.Snapshot(
            self.context, volume_id=volume.id, volume_size=1,
            user_id='u', project_id='p', status='available')
        snapshot.create()
        self.driver.create_snapshot(snapshot)
        # What the manager's method calls, besides the driver.
        self._notify_about_volume_usage = lambda *_args: None
        self._notify_about_snapshot_usage = lambda *_args: None
        self._revert_to_snapshot_generic = self.fail
        revert(self, self.context, volume, snapshot)
        self.assertIn('VolumeRevert', self.cluster.calls[-1][1])
        self.cluster.interfere(harness.simulator.Refuse(), count=None)
        with self.assertRaises(self.exception.VolumeBackendAPIException):
            revert(self, self.context, volume, snapshot)

    def test_backup_of_volume_in_use(self):
        volume = self.created(status='backing-up')
        volume.update({'previous_status': 'in-use'})
        volume.save()
        backup = self.objects.Backup(
            self.context, volume_id=volume.id, user_id='u', project_id='p',
            status='creating')
        backup.create()
        device, is_snapshot = self.driver.get_backup_device(
            self.context, backup)
        self.assertFalse(is_snapshot)
        name = volume_name(device['id'])
        self.assertNotEqual(volume.id, device['id'])
        self.assertIn(name, self.cluster.volumes)

        # What cinder-backup does with it, and the cleaning up.
        data = self.driver.initialize_connection(
            device, {'host': self.storpool.CONF.host})['data']
        connector = self.make_connector()
        connector.connect_volume(data)
        self.assertEqual([name], self.devices())
        connector.disconnect_volume(data, None)
        self.driver.delete_volume(device)
        self.assertEqual([volume_name(volume.id)],
                         list(self.cluster.volumes))

    def migrate(self, volume, status='available', from_elsewhere=False):
        """End the migration of a volume, as cinder's manager does.

        :returns: the volume, and the record that is deleted
        """
        volume.status = status
        volume.save()
        new = self.created(status='migrating')
        new_number = self.stored(new).number
        manager = self.module('cinder.volume.manager').VolumeManager
        finish = manager.__dict__['update_migrated_volume']
        finish(self, self.context, volume, new, status)
        volume.refresh()
        new.refresh()
        doomed = volume.finish_volume_migration(new)
        volume.save()
        if not from_elsewhere:
            self.driver.delete_volume(doomed)
        volume = self.objects.Volume.get_by_id(self.context, volume.id)
        self.assertEqual(new_number, self.stored(volume).number)
        return volume, doomed

    def test_migrate_within_the_cluster(self):
        """The copy gets the name of the original, which is deleted."""
        volume = self.created()
        for _time in range(3):
            volume, doomed = self.migrate(volume)
            self.assertEqual(volume.id, volume.name_id)
            self.assertEqual(doomed.id, doomed.name_id)
            self.assertEqual([volume_name(volume.id)],
                             list(self.cluster.volumes))

    def test_migrate_what_cannot_be_renamed(self):
        """Then the copy keeps its name, and the original is deleted."""
        volume = self.created()
        rename = vars(self.storpool.StorPoolDriver)['_rename']
        self.patch(self.storpool.StorPoolDriver, '_rename',
                   lambda *_args: False)
        volume, _doomed = self.migrate(volume)
        self.assertNotEqual(volume.id, volume.name_id)
        self.patch(self.storpool.StorPoolDriver, '_rename', rename)
        volume, _doomed = self.migrate(volume)
        self.assertEqual(volume.id, volume.name_id)

    def test_migrate_in_use(self):
        volume, _doomed = self.migrate(self.created(), 'in-use')
        self.assertEqual(1, len(self.cluster.volumes))
        volume, _doomed = self.migrate(volume, 'in-use')
        self.assertEqual(1, len(self.cluster.volumes))
        # At rest it gets back the name that Queens knows it by.
        volume, _doomed = self.migrate(volume)
        self.assertEqual(volume.id, volume.name_id)
        self.assertEqual(1, len(self.cluster.volumes))

    def test_migrate_from_elsewhere(self):
        volume, doomed = self.migrate(self.record(), from_elsewhere=True)
        self.assertEqual(volume.id, volume.name_id)
        self.assertEqual(volume.id, doomed.name_id)

    def test_migrate_away(self):
        """The original is deleted, by the name it has."""
        volume = self.created()
        doomed = self.record(_name_id=volume.id, status='deleting')
        self.driver.delete_volume(doomed)
        self.assertEqual({}, self.cluster.volumes)


if __name__ == '__main__':
    unittest.main()
