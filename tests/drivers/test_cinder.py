# SPDX-License-Identifier: Apache-2.0
"""The cinder volume driver, in each release."""

from __future__ import absolute_import

import os
import subprocess
import unittest

import harness
from harness import (CLIENT, GIB, OTHER_CLIENT, OTHER_HOST, OTHER_ID,
                     VOLUME_ID, snapshot_name, volume_name)

NAME = volume_name()
OTHER = volume_name(OTHER_ID)


CLONE_SNAPSHOT = 'os--clone--none--snapshot-' + OTHER_ID


class Base(harness.CinderCase):
    """What the tests share."""

    config = {}

    def prepare(self):
        self.driver = self.make_driver(**self.config)

    def assertVolume(self, name, **wanted):
        """See what a StorPool volume is like."""
        volume = self.cluster.volumes[name]
        self.assertEqual(wanted, dict((key, getattr(volume, key))
                                      for key in wanted))

    def assertClean(self):
        """See that nothing temporary is left."""
        self.assertEqual({}, self.cluster.snapshots)
        self.assertEqual({}, self.cluster.attached())
        self.assertEqual({}, self.requests())
        self.assertEqual([], self.devices())

    def assertMissing(self, name):
        """See that there is no such volume."""
        self.assertNotIn(name, self.cluster.volumes)

    def data(self, volume=None, host=None, **connector):
        """Return the connection data for a host, this one by default."""
        connector['host'] = host or self.storpool.CONF.host
        found = self.driver.initialize_connection(volume or self.volume(),
                                                  connector)
        self.assertEqual('storpool', found['driver_volume_type'])
        return found['data']

    def attach(self, volume_id=VOLUME_ID):
        """Attach a volume to this host, as nova does."""
        self.make_connector().connect_volume(
            self.properties(volume=volume_id))


@harness.for_each(harness.RELEASES, 'release')
class SetupTest(Base):
    """Loading and starting the driver."""

    def test_base_class(self):
        base = self.module('cinder.volume.driver').VolumeDriver
        self.assertIsInstance(self.driver, base)

    def test_register(self):
        if self.release == 'mitaka':
            with self.assertRaises(ImportError):
                self.module('cinder.interface')
            return
        # pylint: disable=protected-access
        register = self.module('cinder.interface')._volume_register
        self.assertIn(self.storpool.StorPoolDriver, register)

    def test_configuration_error_is_cinders(self):
        error = self.storpool.StorPoolConfigurationInvalid(
            param='P', section='S', error='E')
        self.assertIsInstance(error, self.exception.CinderException)
        self.assertEqual('Invalid parameter P in the S section of the '
                         '/etc/storpool.conf file: E', str(error))

    def test_no_bindings(self):
        self.patch(self.storpool, 'spopenstack', None)
        with self.assertRaises(self.exception.VolumeBackendAPIException):
            self.make_driver()

    def test_no_configuration(self):
        os.unlink(self.config_file)
        with self.assertRaises(self.storpool.StorPoolConfigurationInvalid):
            self.make_driver()

    def test_no_token(self):
        with open(self.config_file, 'w') as opened:
            opened.write('SP_OURID=7\n')
        with self.assertRaises(
                self.storpool.StorPoolConfigurationInvalid) as caught:
            self.make_driver()
        self.assertIn('SP_AUTH_TOKEN', str(caught.exception))

    def test_token_is_not_told(self):
        self.configure(more='the SECRET is on a line that is wrong')
        with self.assertRaises(
                self.storpool.StorPoolConfigurationInvalid) as caught:
            self.make_driver()
        self.assertNotIn('SECRET', str(caught.exception))

    def test_wrong_template(self):
        with self.assertRaises(self.exception.InvalidConfigurationValue):
            self.make_driver(storpool_template='gone')

    def start(self):
        """Start the driver as the manager does."""
        driver = self.make_driver(storpool_template='hybrid')
        driver.get_volume_stats(True)
        return driver

    def test_start_while_nobody_answers(self):
        for fault in (harness.simulator.Refuse(), harness.simulator.Drop(),
                      harness.simulator.Nonsense()):
            self.cluster.interfere(fault, count=None)
            driver = self.start()
            self.assertEqual([('default', 0)], [
                (pool['pool_name'], pool['free_capacity_gb'])
                for pool in driver.get_volume_stats()['pools']])
            self.cluster.recover()
            # The manager asks with refresh, others may not.
            self.assertEqual(4, len(driver.get_volume_stats()['pools']))
            driver.create_volume(self.volume())
            self.cluster.volumes.clear()

    def test_start_with_a_wrong_token(self):
        self.configure(token='wrong')
        driver = self.start()
        with self.assertRaises(self.exception.VolumeBackendAPIException):
            driver.create_volume(self.volume())

    def test_host_without_client(self):
        with open(self.config_file, 'w') as opened:
            opened.write('SP_AUTH_TOKEN=%s\nSP_API_HTTP_PORT=%d\n' %
                         (harness.TOKEN, self.cluster.port))
        driver = self.make_driver()
        self.assertEqual(65, driver.initialize_connection(
            self.volume(), {'host': self.storpool.CONF.host})[
                'data']['client_id'])

    def test_prefix(self):
        self.configure(more='SP_OPENSTACK_VOLUME_PREFIX=cloud')
        self.make_driver().create_volume(self.volume())
        self.assertIn('cloud--volume-' + VOLUME_ID, self.cluster.volumes)

    def test_exports(self):
        volume = self.volume()
        self.assertEqual([None] * 4, [
            self.driver.create_export(None, volume, {}),
            self.driver.ensure_export(None, volume),
            self.driver.remove_export(None, volume),
            self.driver.terminate_connection(volume, None, force=True)])
        self.assertEqual((False, None), tuple(
            self.driver.migrate_volume(None, volume, {'host': 'h@b#p'})))


@harness.for_each(harness.RELEASES, 'release')
class VolumeTest(Base):
    """Volumes and snapshots."""

    def test_create(self):
        self.driver.create_volume(self.volume(size=3))
        self.assertVolume(NAME, size=3 * GIB, template='', replication=3)

    def test_create_with_replication(self):
        driver = self.make_driver(storpool_replication=2)
        driver.create_volume(self.volume())
        self.assertVolume(NAME, template='', replication=2)

    def templates(self, option=None, pool=None, typed=True, **specs):
        """Return the template of a volume that is created."""
        driver = self.make_driver(storpool_template=option)
        type_id = self.typed(other='x', **specs) if typed else None
        driver.create_volume(self.volume(volume_type_id=type_id,
                                         host='h@b' + (pool or '')))
        return self.cluster.volumes.pop(NAME).template

    def test_template_of_typed_volume(self):
        for pool in ('', '#default', '#template_ssd'):
            self.assertEqual('any', self.templates(
                'hybrid', pool, storpool_template='any'))
            self.assertEqual('any', self.templates(
                None, pool, storpool_template='any'))
            self.assertEqual('hybrid', self.templates('hybrid', pool))
            self.assertEqual('', self.templates(None, pool))

    def test_template_by_the_name_of_a_pool(self):
        self.assertEqual('ssd', self.templates('any',
                                               pool_name='template_ssd'))
        self.assertEqual('any', self.templates('any', pool_name='default'))
        self.assertEqual('hybrid', self.templates(
            'any', pool_name='template_ssd', storpool_template='hybrid'))

    def test_template_of_untyped_volume(self):
        for pool in ('', '#default', '#template_ssd'):
            self.assertEqual('any', self.templates('any', pool, typed=False))
            self.assertEqual('', self.templates(None, pool, typed=False))

    def test_copies_are_those_that_were_configured(self):
        """The scheduler would take the pool with one copy."""
        self.cluster.add_template('scratch', 1)
        for typed in (True, False):
            type_id = self.typed() if typed else None
            for values, copies in (({'storpool_template': 'hybrid'}, 3),
                                   ({'storpool_replication': 2}, 2)):
                values.setdefault('storpool_template', None)
                self.make_driver(**values).create_volume(self.volume(
                    volume_type_id=type_id, host='h@b#template_scratch'))
                self.assertEqual(copies,
                                 self.cluster.volumes.pop(NAME).replication)

    def test_create_what_exists(self):
        self.create()
        with self.assertRaises(self.exception.VolumeBackendAPIException) \
                as caught:
            self.driver.create_volume(self.volume())
        self.assertIn('objectExists', str(caught.exception))
        self.assertIn(NAME, self.cluster.volumes)

    def test_create_with_a_name_that_is_none(self):
        with self.assertRaises(self.exception.VolumeBackendAPIException) \
                as caught:
            self.driver.create_volume(self.volume('no/name'))
        self.assertIn('InvalidArgumentError', str(caught.exception))

    def test_delete(self):
        self.create()
        self.driver.delete_volume(self.volume())
        self.assertMissing(NAME)

    def test_delete_by_name_id(self):
        self.create()
        self.create(OTHER)
        self.driver.delete_volume(self.volume(name_id=OTHER_ID))
        self.assertEqual([NAME], list(self.cluster.volumes))

    def test_delete_what_is_gone(self):
        self.driver.delete_volume(self.volume())
        self.driver.delete_snapshot(self.snapshot())

    def test_delete_attached(self):
        self.create()
        self.attach()
        self.driver.delete_volume(self.volume())
        self.assertMissing(NAME)

    def test_delete_drops_what_a_killed_service_has_left(self):
        upload = 'os--volsnap-%s--req-1' % VOLUME_ID
        self.create()
        self.create(OTHER)
        self.call('snapshotCreate', NAME, {'name': upload})
        self.call('volumesReassign', json=[{'snapshot': upload,
                                            'ro': [CLIENT]}])
        self.add_request('cinder-' + VOLUME_ID)
        self.add_request('brick-7-' + VOLUME_ID)
        self.add_request('cinder-' + upload, name=upload)
        self.add_request('brick-7-' + OTHER_ID, name=OTHER)
        self.driver.delete_volume(self.volume())
        self.assertEqual(['brick-7-' + OTHER_ID], list(self.requests()))
        self.assertEqual({}, self.cluster.attached())
        self.assertEqual({}, self.cluster.snapshots)

    def test_delete_with_an_attachment_file_that_is_broken(self):
        self.create()
        with open(self.attach_file, 'w') as opened:
            opened.write('{"brick')
        self.driver.delete_volume(self.volume())
        self.assertMissing(NAME)

    def test_delete_keeps_the_requests_of_what_is_open(self):
        self.create()
        self.attach()
        self.add_request('brick-7-' + VOLUME_ID)
        self.cluster.opened.add((CLIENT, NAME))
        with self.assertRaises(self.exception.VolumeIsBusy):
            self.driver.delete_volume(self.volume())
        self.assertEqual(['brick-7-' + VOLUME_ID], list(self.requests()))

    def test_delete_open(self):
        self.create()
        self.attach()
        self.cluster.opened.add((CLIENT, NAME))
        with self.assertRaises(self.exception.VolumeIsBusy):
            self.driver.delete_volume(self.volume())
        self.assertEqual({NAME: 'rw'}, self.cluster.attached())

    def test_extend(self):
        self.create()
        self.driver.extend_volume(self.volume(), 5)
        self.assertVolume(NAME, size=5 * GIB)

    def test_extend_by_name_id(self):
        self.create(OTHER)
        self.driver.extend_volume(self.volume(name_id=OTHER_ID), 5)
        self.assertVolume(OTHER, size=5 * GIB)

    def test_extend_what_is_gone(self):
        with self.assertRaises(self.exception.VolumeBackendAPIException):
            self.driver.extend_volume(self.volume(), 5)

    def test_snapshot(self):
        self.create()
        self.driver.create_snapshot(self.snapshot())
        self.assertEqual([snapshot_name('s1')], list(self.cluster.snapshots))
        self.driver.delete_snapshot(self.snapshot())
        self.assertClean()

    def test_snapshot_by_name_id(self):
        self.create(OTHER)
        self.driver.create_snapshot(
            self.snapshot(volume=self.volume(name_id=OTHER_ID)))
        self.assertEqual([snapshot_name('s1')], list(self.cluster.snapshots))

    def test_delete_open_snapshot(self):
        self.create()
        self.driver.create_snapshot(self.snapshot())
        name = snapshot_name('s1')
        self.call('volumesReassign', json=[{'snapshot': name, 'ro': [7]}])
        self.cluster.opened.add((7, name))
        with self.assertRaises(self.exception.SnapshotIsBusy):
            self.driver.delete_snapshot(self.snapshot())
        self.assertIn(name, self.cluster.snapshots)

    def test_volume_from_snapshot(self):
        self.create(template='ssd')
        self.driver.create_snapshot(self.snapshot())
        self.driver.create_volume_from_snapshot(
            self.volume(OTHER_ID), self.snapshot())
        self.assertVolume(OTHER, size=GIB, template='ssd',
                          parent=snapshot_name('s1'))

    def test_larger_volume_from_snapshot(self):
        self.create(template='ssd')
        self.driver.create_snapshot(self.snapshot())
        self.driver.create_volume_from_snapshot(
            self.volume(OTHER_ID, size=4,
                        volume_type_id=self.typed(storpool_template='any')),
            self.snapshot())
        self.assertVolume(OTHER, size=4 * GIB, template='any')

    def test_volume_from_snapshot_that_is_gone(self):
        with self.assertRaises(self.exception.VolumeBackendAPIException):
            self.driver.create_volume_from_snapshot(
                self.volume(OTHER_ID), self.snapshot())

    def clone(self, size=1, **kwargs):
        """Clone the volume."""
        self.driver.create_cloned_volume(
            self.volume(OTHER_ID, size=size, **kwargs),
            self.volume(**kwargs))

    def test_clone(self):
        self.create(template='ssd')
        self.clone()
        self.assertVolume(OTHER, size=GIB, template='ssd')
        self.assertClean()

    def test_larger_clone_of_typed_volume(self):
        self.create(template='ssd')
        type_id = self.typed(storpool_template='ssd')
        self.clone(size=2, volume_type_id=type_id)
        self.assertVolume(OTHER, size=2 * GIB, template='ssd')
        self.assertNotIn(('POST', '/ctrl/1.0/VolumeSnapshot/' + NAME),
                         self.cluster.calls)

    def test_clone_by_name_id(self):
        self.create(volume_name('third'), template='ssd')
        self.driver.create_cloned_volume(self.volume(OTHER_ID),
                                         self.volume(name_id='third'))
        self.assertIn(OTHER, self.cluster.volumes)

    def clone_to(self, template, clone=OTHER_ID):
        """Clone the volume into a template."""
        self.driver.create_cloned_volume(
            self.volume(clone, volume_type_id=self.typed(
                storpool_template=template)), self.volume())

    def test_clone_by_the_template_that_it_has(self):
        """It was created with another option, say."""
        self.create(template='any')
        self.driver = self.make_driver(storpool_template='ssd')
        self.clone_to('any')
        self.assertVolume(OTHER, template='any', parent='')
        self.assertClean()

    def test_clone_with_other_template(self):
        self.create(template='ssd')
        self.clone_to('hybrid')
        self.assertVolume(OTHER, size=GIB, template='hybrid',
                          parent=CLONE_SNAPSHOT)
        snapshot = self.cluster.snapshots[CLONE_SNAPSHOT]
        self.assertEqual(('hybrid', True, {'transient': '1.0'}), (
            snapshot.template, snapshot.bound, snapshot.tags))

    def test_clone_takes_no_copies_from_its_source(self):
        self.cluster.add_template('scratch', 1)
        self.create(template='ssd')
        self.clone_to('scratch')
        self.assertVolume(OTHER, template='scratch', replication=1,
                          parent=CLONE_SNAPSHOT)
        self.assertEqual('ssd',
                         self.cluster.snapshots[CLONE_SNAPSHOT].template)

    def test_clone_snapshot_goes_with_the_clone(self):
        self.create(template='ssd')
        self.clone_to('hybrid')
        self.clone_to('hybrid', 'third')
        self.driver.delete_volume(self.volume(OTHER_ID))
        self.assertEqual(['os--clone--none--snapshot-third'],
                         list(self.cluster.snapshots))
        self.driver.delete_volume(self.volume())
        self.assertEqual(['os--clone--none--snapshot-third'],
                         list(self.cluster.snapshots))
        self.driver.delete_volume(self.volume('third'))
        self.assertEqual(({}, {}), (self.cluster.volumes,
                                    self.cluster.snapshots))

    def test_clone_with_bindings_that_cannot_move_snapshots(self):
        real = self.storpool.StorPoolDriver._api.fget

        class Api(object):
            """The bindings, without the template of snapshots."""

            def __init__(self, api):
                self.api = api

            def __getattr__(self, name):
                return getattr(self.api, name)

            def snapshotUpdate(self, name, request):
                """Leave out the template."""
                request = dict(request)
                request.pop('template', None)
                self.api.snapshotUpdate(name, request)

        self.patch(self.storpool.StorPoolDriver, '_api',
                   property(lambda driver: Api(real(driver))))
        self.create(template='ssd')
        self.clone_to('hybrid')
        self.assertVolume(OTHER, template='hybrid', parent='')
        self.assertClean()

    def test_clone_in_a_cluster_that_cannot_share(self):
        self.create(template='ssd')
        self.cluster.interfere(harness.simulator.Refuse(
            'invalidParam', 'There is no bind', 400), after=3)
        self.clone_to('hybrid')
        self.assertVolume(OTHER, template='hybrid', parent='')
        self.assertClean()

    def test_clone_that_fails(self):
        self.create()
        self.create(OTHER)
        with self.assertRaises(self.exception.VolumeBackendAPIException):
            self.driver.create_cloned_volume(
                self.volume(OTHER_ID, volume_type_id=self.typed(
                    storpool_template='any')), self.volume())
        self.assertClean()


@harness.for_each(harness.RELEASES, 'release')
class RevertTest(Base):
    """Going back to a snapshot."""

    def prepare(self):
        Base.prepare(self)
        self.create()
        self.driver.create_snapshot(self.snapshot())

    def revert(self, **volume):
        """Revert the volume to its snapshot."""
        self.driver.revert_to_snapshot(self.context, self.volume(**volume),
                                       self.snapshot())

    def assertNotGeneric(self):
        """See that it fails, and not in the way that makes cinder copy."""
        with self.assertRaises(self.exception.VolumeBackendAPIException) \
                as caught:
            self.revert()
        return str(caught.exception)

    def test_size_is_kept(self):
        self.driver.extend_volume(self.volume(), 3)
        self.revert(size=3)
        self.assertVolume(NAME, size=3 * GIB)

    def test_nothing_else_is_changed(self):
        self.assertEqual(1, self.count_calls(self.revert))

    def test_by_name_id(self):
        self.create(OTHER)
        self.driver.create_snapshot(self.snapshot(
            's2', volume=self.volume(name_id=OTHER_ID)))
        self.driver.revert_to_snapshot(
            self.context, self.volume(name_id=OTHER_ID), self.snapshot('s2'))
        self.assertIn(('POST', '/ctrl/1.0/VolumeRevert/' + OTHER),
                      self.cluster.calls)

    def test_old_bindings(self):
        without_revert = type('Api', (), {'volumeUpdate': self.fail})
        self.patch(self.storpool.StorPoolDriver, '_api', without_revert())
        self.assertIn('install 6.0.0 or newer', self.assertNotGeneric())

    def test_snapshot_that_is_gone(self):
        self.cluster.snapshots.clear()
        self.assertIn('objectDoesNotExist', self.assertNotGeneric())

    def test_error_of_the_driver_itself(self):
        self.driver = self.raw_driver()
        self.assertIn('AttributeError', self.assertNotGeneric())


@harness.for_each(harness.RELEASES[-1:], 'release')
@unittest.skipUnless(harness.LOOP_DEVICES, harness.NO_LOOP_DEVICES)
class RevertContentsTest(Base):
    """Going back to a snapshot, on a block device.

    Cinder's own way (Pike, cinder/volume/manager.py,
    _revert_to_snapshot_generic) is a copy with dd and these flags.
    """

    devices_class = harness.simulator.LoopDevices
    MIB = 1024 ** 2

    def prepare(self):
        Base.prepare(self)
        self.create()
        self.attach()
        self.dd(data=b'first' * 100)
        self.driver.create_snapshot(self.snapshot())
        # Where the snapshot has data, and where it has none.
        self.dd(data=b'later' * 100)
        self.dd('seek=2', 'bs=1M', data=b'stale' * 100)

    def dd(self, *arguments, **kwargs):
        """Run dd, with data for the volume or otherwise."""
        data = kwargs.get('data')
        if data is not None:
            arguments += ('of=' + self.device(), 'conv=notrunc,fsync')
        running = subprocess.Popen(
            ('dd', 'status=none') + arguments, stdin=subprocess.PIPE)
        running.communicate(data)
        assert running.returncode == 0

    def contents(self):
        """Return the start of the volume, and what was empty."""
        with open(self.device(), 'rb') as opened:
            start = opened.read(5)
            opened.seek(2 * self.MIB)
            return start, opened.read(5)

    def test_generic_way_leaves_stale_data(self):
        self.driver.create_volume_from_snapshot(self.volume(OTHER_ID),
                                                self.snapshot())
        self.attach(OTHER_ID)
        self.dd('if=' + self.device(OTHER), 'of=' + self.device(), 'bs=1M',
                'count=%d' % (4 * self.MIB), 'iflag=count_bytes,direct',
                'oflag=direct', 'conv=sparse')
        self.assertEqual((b'first', b'stale'), self.contents())

    def test_revert(self):
        self.driver.revert_to_snapshot(self.context, self.volume(),
                                       self.snapshot())
        self.assertEqual((b'first', b'\0' * 5), self.contents())


@harness.for_each(harness.RELEASES, 'release')
class ConnectionTest(Base):
    """What hosts get to know."""

    def test_this_host(self):
        self.assertEqual({'client_id': CLIENT, 'volume': VOLUME_ID,
                          'access_mode': 'rw'}, self.data())

    def test_this_host_by_its_service(self):
        self.driver.host = 'service@backend'
        self.assertEqual(CLIENT, self.data(host='service')['client_id'])

    def test_other_host(self):
        self.assertEqual(OTHER_CLIENT,
                         self.data(host=OTHER_HOST)['client_id'])

    def test_unknown_host(self):
        """It is served, as by the older driver; os-brick there knows its
        own id."""
        self.driver.validate_connector({'host': 'unknown'})
        self.assertEqual({'client_id': 65, 'volume': VOLUME_ID,
                          'access_mode': 'rw'}, self.data(host='unknown'))
        self.create()
        data = self.data(host='a-uuid-of-nova')
        connector = self.make_connector()
        connector.connect_volume(data)
        self.assertEqual({NAME: 'rw'}, self.cluster.attached(CLIENT))
        self.assertEqual(['brick-%d-%s' % (CLIENT, VOLUME_ID)],
                         list(self.requests()))
        connector.disconnect_volume(data, None)
        self.assertClean()

    def test_unknown_host_is_warned_of(self):
        warnings = []
        self.patch(self.storpool.LOG, 'warning',
                   lambda text, values: warnings.append(text % values))
        self.data(host='unknown')
        self.data(host=OTHER_HOST)
        self.assertEqual(1, len(warnings))
        self.assertIn('no SP_OURID for host unknown', warnings[0])

    def test_client_that_is_not_a_number(self):
        self.configure(client='seven')
        self.assertEqual(65, self.data()['client_id'])

    def test_validate_connector(self):
        self.driver.validate_connector({'host': OTHER_HOST})
        for connector in ({}, {'host': ''}):
            with self.assertRaises(self.exception.InvalidConnectorException):
                self.driver.validate_connector(connector)

    def test_name_id(self):
        data = self.data(self.volume(name_id=OTHER_ID))
        self.assertEqual(OTHER_ID, data['volume'])

    def test_discard(self):
        self.assertNotIn('discard', self.data())
        self.driver = self.make_driver(report_discard_supported=True)
        self.assertTrue(self.data()['discard'])

    def test_attach_and_detach(self):
        """As cinder-backup does: os-brick, with what the driver says."""
        self.create()
        connector = self.make_connector()
        device = connector.connect_volume(self.data())
        self.assertEqual(self.device(), device['path'])
        connector.disconnect_volume(self.data(), device)
        self.assertClean()


@harness.for_each(harness.RELEASES, 'release')
class ImageTest(Base):
    """Images, and attaching on this host."""

    def write(self, content):
        """Write to the device of the volume."""
        with open(self.device(), 'r+b') as opened:
            opened.write(content)

    @staticmethod
    def refuse(*_args):
        """Be an image service that does not answer."""
        raise EnvironmentError('no image service')

    def upload(self):
        """Upload the volume as an image."""
        self.driver.copy_volume_to_image(
            self.context, self.volume(), self.images, {'id': 'image'})

    def download(self):
        """Write the image to the volume."""
        self.images.images['image'] = b'an image'
        self.driver.copy_image_to_volume(
            self.context, self.volume(), self.images, 'image')

    def test_image_to_volume(self):
        self.create()
        self.download()
        self.assertEqual(b'an image', self.cluster.content(NAME))
        self.assertClean()

    def test_image_to_volume_fails(self):
        self.create()
        self.patch(self.images, 'download', self.refuse)
        with self.assertRaises(EnvironmentError):
            self.download()
        self.assertClean()

    def test_volume_to_image(self):
        self.create()
        self.attach()
        self.write(b'contents')
        self.make_connector().disconnect_volume(self.properties(), None)
        self.upload()
        self.assertEqual(b'contents', self.images.images['image'])
        self.assertClean()

    def test_volume_in_use_to_image(self):
        self.create()
        self.attach()
        self.write(b'contents')
        before = self.requests()
        self.cluster.opened.add((CLIENT, NAME))
        real = self.images.upload

        def upload(image_id, content):
            """See what is attached meanwhile."""
            self.assertEqual(['ro', 'rw'], sorted(
                self.cluster.attached(CLIENT).values()))
            self.assertEqual(2, len(self.requests()))
            self.write(b'later')
            real(image_id, content)

        self.images.upload = upload
        self.upload()
        self.assertEqual(b'contents', self.images.images['image'])
        self.assertEqual(before, self.requests())
        self.assertEqual({NAME: 'rw'}, self.cluster.attached())
        self.assertEqual({}, self.cluster.snapshots)

    def test_volume_to_image_fails(self):
        self.create()
        self.patch(self.images, 'upload', self.refuse)
        with self.assertRaises(EnvironmentError):
            self.upload()
        self.assertClean()

    def clone_image(self, meta=None, url='cinder://' + OTHER_ID, size=2,
                    allowed=('cinder',), **volume):
        """Clone an image whose volume is the other one.

        :returns: whether it was cloned
        """
        self.cluster.volumes.pop(NAME, None)
        record = self.volume(OTHER_ID, **dict(
            {'project_id': 'glance', 'size': 2, 'volume_metadata': [
                {'key': 'image_owner', 'value': 'owner'}]}, **volume))
        self.driver.db = type('Db', (), {
            'volume_get': lambda _self, context, volume_id: {
                OTHER_ID: record}[volume_id]})()
        self.set_allowed(allowed)
        meta = dict({'id': 'image', 'disk_format': 'raw', 'owner': 'owner',
                     'container_format': 'bare'}, **meta or {})
        found = self.driver.clone_image(
            self.context, self.volume(size=size),
            (None, [{'url': 'file:///x'}, {'url': url}]), meta, None)
        self.assertIsNone(found[0])
        self.assertEqual(found[1], NAME in self.cluster.volumes)
        return found[1]

    def set_allowed(self, schemes):
        """Set allowed_direct_url_schemes."""
        conf = self.storpool.CONF
        if harness.REAL:
            self.module('cinder.image.glance')
            conf.set_override('allowed_direct_url_schemes', list(schemes))
            self.addCleanup(conf.clear_override, 'allowed_direct_url_schemes')
        else:
            self.patch(conf, 'allowed_direct_url_schemes', schemes)

    def test_clone_image(self):
        self.create(OTHER, size=2)
        self.assertTrue(self.clone_image())
        self.assertTrue(self.clone_image(url='cinder://store/' + OTHER_ID))
        self.assertTrue(self.clone_image(project_id='owner',
                                         volume_metadata=[]))
        self.assertTrue(self.clone_image(size=3))

    def test_image_that_is_not_cloned(self):
        self.create(OTHER, size=2)
        self.assertFalse(self.clone_image(allowed=()))
        self.assertFalse(self.clone_image({'disk_format': 'qcow2'}))
        self.assertFalse(self.clone_image({'container_format': 'ova'}))
        self.assertFalse(self.clone_image(url='http://host/' + OTHER_ID))
        self.assertFalse(self.clone_image({'owner': 'somebody'}))
        self.assertFalse(self.clone_image(size=1))
        self.assertFalse(self.clone_image(encryption_key_id='key'))
        self.cluster.volumes.clear()
        self.assertFalse(self.clone_image())
        self.assertEqual((None, False), self.driver.clone_image(
            self.context, self.volume(), None, {}, None))

    def test_attach_volume(self):
        # pylint: disable=protected-access
        self.create()
        volume = self.volume()
        properties = {'host': self.storpool.CONF.host}
        info, attached = self.driver._attach_volume(self.context, volume,
                                                    properties)
        self.assertIs(volume, attached)
        self.assertEqual(self.device(), info['device']['path'])
        self.assertEqual('cinder-' + VOLUME_ID,
                         info['conn']['data']['storpool_request'])
        self.assertTrue(info['connector'])
        self.assertEqual(['cinder-' + VOLUME_ID], list(self.requests()))
        self.driver._detach_volume(self.context, info, volume, properties,
                                   force=True)
        self.assertClean()

    def test_attach_while_an_instance_has_it(self):
        # pylint: disable=protected-access
        self.create()
        self.attach()
        properties = {'host': self.storpool.CONF.host}
        info, volume = self.driver._attach_volume(self.context, self.volume(),
                                                  properties)
        self.driver._detach_volume(self.context, info, volume, properties)
        self.assertEqual({NAME: 'rw'}, self.cluster.attached())
        self.assertEqual([NAME], self.devices())

    def test_two_volumes_in_one_request(self):
        # pylint: disable=protected-access
        self.create()
        self.create(OTHER)
        properties = {'host': self.storpool.CONF.host}
        paths = [self.driver._attach_volume(
            self.context, self.volume(volume_id), properties
        )[0]['device']['path'] for volume_id in (VOLUME_ID, OTHER_ID)]
        self.assertEqual([self.device(NAME), self.device(OTHER)], paths)


@harness.for_each(harness.RELEASES, 'release')
class StatisticsTest(Base):
    """Capacity: 3 disks with 100 GiB, of each 25 GiB in use."""

    def stats(self):
        """Return the statistics, and the pools by name."""
        stats = self.driver.get_volume_stats(refresh=True)
        return stats, dict((pool['pool_name'], pool)
                           for pool in stats['pools'])

    def test_backend(self):
        stats, _pools = self.stats()
        del stats['pools']
        self.assertEqual({
            'volume_backend_name': 'storpool', 'vendor_name': 'StorPool',
            'driver_version': self.driver.VERSION,
            'storage_protocol': 'storpool', 'sparse_copy_volume': True,
        }, stats)

    def test_backend_name(self):
        self.driver = self.make_driver(volume_backend_name='fast')
        self.assertEqual('fast', self.stats()[0]['volume_backend_name'])

    def test_pools(self):
        _stats, pools = self.stats()
        self.assertEqual(['default', 'template_any', 'template_hybrid',
                          'template_ssd'], sorted(pools))
        # A real release has a default for it.
        pools['template_hybrid'].pop('max_over_subscription_ratio', None)
        self.assertEqual({
            'pool_name': 'template_hybrid', 'storpool_template': 'hybrid',
            'total_capacity_gb': 100.0, 'free_capacity_gb': 72.73,
            'provisioned_capacity_gb': 0.0, 'reserved_percentage': 0,
            'thin_provisioning_support': True,
            'thick_provisioning_support': False, 'QoS_support': False,
            'filter_function': None, 'goodness_function': None,
        }, pools['template_hybrid'])
        self.assertNotIn('storpool_template', pools['default'])

    def test_thin_provisioning(self):
        self.create(template='ssd', size=5)
        self.create(OTHER, template='any', size=2)
        self.driver = self.make_driver(
            storpool_template='ssd', max_over_subscription_ratio=7,
            reserved_percentage=10)
        _stats, pools = self.stats()
        self.assertEqual(
            {'default': 5, 'template_any': 2, 'template_hybrid': 0,
             'template_ssd': 5},
            dict((name, pool['provisioned_capacity_gb'])
                 for name, pool in pools.items()))
        self.assertEqual([7.0, 10], [
            pools['template_ssd'][key] for key in (
                'max_over_subscription_ratio', 'reserved_percentage')])

    def test_functions_for_the_scheduler(self):
        """It looks for them in each pool (DriverFilter, GoodnessWeigher)."""
        functions = {'filter_function': 'volume.size < 10',
                     'goodness_function': '100 - capabilities.total_volumes'}
        self.driver = self.make_driver(**functions)
        for pool in self.stats()[1].values():
            self.assertEqual(functions, dict(
                (key, pool[key]) for key in functions))

    def test_disks_of_templates(self):
        """Three copies on disks of 100 GiB, 10 and 20 more to choose from."""
        for number in range(2):
            self.cluster.add_disk(groups=20 * (number + 1))
        self.cluster.add_template('small', 1, disks=[4])
        self.cluster.add_template('both', 2, disks=[4, 5])
        self.cluster.add_template('tail', 3, disks=[1, 2, 3], tail=[4])
        self.cluster.add_template('wide', 3, disks=[1, 2], tail=[3])
        self.driver = self.make_driver(storpool_template='small')
        _stats, pools = self.stats()
        self.assertEqual(
            {'default': 10, 'small': 10, 'both': 15, 'tail': 10, 'wide': 100,
             'hybrid': 110},
            dict((name.replace('template_', ''), pool['total_capacity_gb'])
                 for name, pool in pools.items()
                 if name not in ('template_any', 'template_ssd')))
        self.assertEqual(9.7, pools['template_small']['free_capacity_gb'])

    def test_template_of_an_older_cluster(self):
        """Without a group for the first copy, and the size of volumes."""
        status = type('Status', (), {
            'name': 'old', 'replication': 3, 'size': 4 * GIB,
            'placeAll': 'hdd', 'capacityPlaceAll': 200 * GIB,
            'availablePlaceAll': 100 * GIB, 'placeTail': 'ssd',
            'capacityPlaceTail': 90 * GIB, 'availablePlaceTail': 66 * GIB})
        api = type('Api', (), {
            'volumeTemplatesStatus': lambda _self: [status],
            'disksList': lambda _self: {}})
        self.patch(self.storpool.StorPoolDriver, '_api', api())
        pool = self.driver.get_volume_stats(True)['pools'][1]
        self.assertEqual([90, 48.48, 4], [pool[key] for key in (
            'total_capacity_gb', 'free_capacity_gb',
            'provisioned_capacity_gb')])

    def test_the_same_keys_before_storpool_answers(self):
        """Pike's scheduler does not survive a pool that has got a key."""
        for values in ({}, {'storpool_template': 'ssd'}):
            self.cluster.interfere(harness.simulator.Refuse(), count=None)
            self.driver = self.make_driver(**values)
            before = self.stats()[1]['default']
            self.assertEqual(0, before['total_capacity_gb'])
            self.cluster.recover()
            now = self.stats()[1]['default']
            self.assertLess(0, now['total_capacity_gb'])
            self.assertEqual(sorted(before), sorted(now))

    def test_what_was_known_last(self):
        known = self.stats()
        self.cluster.interfere(harness.simulator.Refuse(), count=None)
        self.assertEqual(known, self.stats())
        self.cluster.recover()
        self.cluster.add_disk(groups=300)
        self.assertNotEqual(known, self.stats())

    def test_replication(self):
        self.driver = self.make_driver(storpool_replication=1)
        _stats, pools = self.stats()
        self.assertEqual(
            {'default': 300, 'template_any': 300, 'template_hybrid': 100,
             'template_ssd': 150},
            dict((name, pool['total_capacity_gb'])
                 for name, pool in pools.items()))

    def test_replication_of_configured_template(self):
        self.driver = self.make_driver(storpool_template='ssd')
        _stats, pools = self.stats()
        self.assertEqual(150, pools['default']['total_capacity_gb'])

    def test_disks_that_do_not_count(self):
        self.cluster.add_disk(groups=1000, up=False)
        self.cluster.disks[3].summary = lambda: {
            'id': 3, 'serverId': 1, 'ssd': True, 'generationLeft': -1,
            'model': '', 'serial': '', 'description': '', 'softEject': 'off'}
        _stats, pools = self.stats()
        self.assertEqual(66.67, pools['default']['total_capacity_gb'])

    def test_disk_without_figures(self):
        summary = self.cluster.disks[3].summary()
        del summary['agCount'], summary['agFree']
        self.cluster.disks[3].summary = lambda: summary
        _stats, pools = self.stats()
        self.assertEqual(66.67, pools['default']['total_capacity_gb'])

    def test_refresh(self):
        first = self.driver.get_volume_stats()
        calls = len(self.cluster.calls)
        self.assertIs(first, self.driver.get_volume_stats())
        self.assertEqual(calls, len(self.cluster.calls))
        self.cluster.add_disk(groups=300)
        self.assertNotEqual(first, self.driver.get_volume_stats(True))

    def test_get_pool(self):
        self.assertEqual('default', self.driver.get_pool(self.volume()))
        self.assertEqual('template_ssd', self.driver.get_pool(
            self.volume(volume_type_id=self.typed(storpool_template='ssd'))))


@harness.for_each(harness.RELEASES, 'release')
class RetypeTest(Base):
    """Retyping."""

    config = {'storpool_template': 'hybrid'}

    def retype(self, template=None, encryption=None, pool='', **specs):
        """Retype the volume; the differences are pairs of old and new."""
        if template:
            specs['storpool_template'] = template
        diff = {'extra_specs': specs, 'encryption': encryption or {},
                'qos_specs': {}}
        return self.driver.retype(None, self.volume(), {'id': 't2'}, diff,
                                  {'host': 'this-host@storpool' + pool})

    def prepare(self):
        Base.prepare(self)
        self.create(template='ssd')

    def test_template(self):
        self.assertTrue(self.retype(template=('ssd', 'any')))
        self.assertVolume(NAME, template='any')

    def test_template_of_untyped(self):
        self.assertTrue(self.retype(template=(None, 'any')))
        self.assertVolume(NAME, template='any')

    def test_no_template_any_more(self):
        self.assertTrue(self.retype(template=('ssd', None)))
        self.assertVolume(NAME, template='hybrid')

    def test_no_template_whatever_the_pool(self):
        self.assertTrue(self.retype(template=('ssd', None),
                                    pool='#template_any'))
        self.assertVolume(NAME, template='hybrid')

    def test_template_by_the_name_of_a_pool(self):
        self.assertTrue(self.retype(pool_name=('template_ssd',
                                               'template_any')))
        self.assertVolume(NAME, template='any')
        self.assertTrue(self.retype(pool_name=('template_any', 'default')))
        self.assertVolume(NAME, template='hybrid')
        self.assertEqual(0, self.count_calls(lambda: self.retype(
            template=('ssd', None), pool_name=(None, 'template_ssd'))))

    def test_no_template_at_all(self):
        self.driver = self.make_driver(storpool_replication=1,
                                       storpool_template=None)
        self.assertTrue(self.retype(template=('ssd', None)))
        self.assertVolume(NAME, template='', replication=1)

    def test_same_template(self):
        calls = self.count_calls(lambda: self.retype(template=('ssd', 'ssd')))
        self.assertEqual(0, calls)

    def test_template_that_is_gone(self):
        with self.assertRaises(self.exception.VolumeBackendAPIException):
            self.retype(template=('ssd', 'gone'))

    def test_encryption(self):
        self.assertFalse(self.retype(
            template=('ssd', 'any'),
            encryption={'cipher': ('old', 'new'), 'key_size': (1, 1)}))
        self.assertVolume(NAME, template='ssd')

    def test_equal_encryption(self):
        self.assertTrue(self.retype(template=('ssd', 'any'),
                                    encryption={'cipher': ('aes', 'aes'),
                                                'encryption_id': (1, 2)}))
        self.assertVolume(NAME, template='any')

    def test_backend(self):
        self.assertFalse(self.retype(
            template=('ssd', 'any'), volume_backend_name=('storpool', 'lvm')))
        self.assertVolume(NAME, template='ssd')
        self.assertTrue(self.retype(volume_backend_name=(None, 'storpool')))
        self.assertTrue(self.retype(volume_backend_name=('lvm', None)))

    def test_unrelated(self):
        self.assertTrue(self.retype(colour=('red', 'blue')))
        self.assertVolume(NAME, template='ssd')


@harness.for_each(harness.RELEASES, 'release')
class MigrationTest(Base):
    """Naming a volume that was migrated; the copy has the other id."""

    def migrated(self, status='available', **original):
        """Let the driver deal with a migrated volume."""
        return self.driver.update_migrated_volume(
            self.context, self.volume(**original), self.volume(OTHER_ID),
            status)

    def test_renamed(self):
        self.create(OTHER)
        self.assertEqual({'_name_id': None}, self.migrated())
        self.assertEqual([NAME], list(self.cluster.volumes))

    def test_migrated_again(self):
        self.create(OTHER)
        self.create(volume_name('third'))
        self.assertEqual({'_name_id': None}, self.migrated(name_id='third'))
        self.assertEqual([NAME, volume_name('third')],
                         sorted(self.cluster.volumes))

    def test_in_use(self):
        self.create(OTHER)
        self.assertEqual({'_name_id': OTHER_ID}, self.migrated('in-use'))
        self.assertEqual([OTHER], list(self.cluster.volumes))

    def numbers(self):
        """Return the numbers of the volumes by name."""
        return dict((name, volume.number)
                    for name, volume in self.cluster.volumes.items())

    def test_same_cluster(self):
        """The names are swapped; the record that cinder deletes gets the
        name id that the original's has."""
        self.create(NAME)
        self.create(OTHER)
        before = self.numbers()
        volume = self.volume(_name_id=None)
        self.assertEqual({'_name_id': None},
                         self.driver.update_migrated_volume(
                             self.context, volume, self.volume(OTHER_ID),
                             'available'))
        self.assertEqual(OTHER_ID, volume['_name_id'])
        self.assertEqual({NAME: before[OTHER], OTHER: before[NAME]},
                         self.numbers())

    def test_same_cluster_in_use(self):
        self.create(NAME)
        self.create(OTHER)
        before = self.numbers()
        volume = self.volume(_name_id=None)
        self.assertEqual({'_name_id': OTHER_ID},
                         self.driver.update_migrated_volume(
                             self.context, volume, self.volume(OTHER_ID),
                             'in-use'))
        self.assertEqual((None, before), (volume['_name_id'], self.numbers()))

    def test_used_while_it_was_copied(self):
        """The record that cinder passes does not say so; the original stays
        as it is, under its name."""
        self.create(NAME)
        self.create(OTHER)
        before = self.numbers()
        for found in ({'status': 'attaching', 'size': 1},
                      {'status': 'in-use', 'size': 1},
                      {'status': 'restoring-backup', 'size': 1},
                      {'status': 'available', 'size': 2}):
            self.driver.db.volumes[VOLUME_ID] = harness.Record(found)
            with self.assertRaises(
                    self.exception.VolumeBackendAPIException) as caught:
                self.migrated()
            self.assertIn('was used while it was copied',
                          str(caught.exception))
            self.assertEqual(before, self.numbers())
        # What is copied by an instance is not looked at.
        self.assertEqual({'_name_id': OTHER_ID}, self.migrated('in-use'))

    def test_not_used_while_it_was_copied(self):
        for status in ('available', 'maintenance', 'retyping'):
            self.cluster.volumes.clear()
            self.create(OTHER)
            self.driver.db.volumes[VOLUME_ID] = harness.Record(
                status=status, size=1)
            self.assertEqual({'_name_id': None}, self.migrated())

    def test_somebody_else_has_the_name(self):
        self.create(NAME)
        self.create(OTHER)
        self.create(volume_name('third'))
        before = self.numbers()
        self.assertEqual({'_name_id': OTHER_ID},
                         self.migrated(name_id='third'))
        self.assertEqual(before, self.numbers())

    def test_a_migration_was_interrupted(self):
        for name in (NAME, OTHER, OTHER + '--swap'):
            self.create(name)
        before = self.numbers()
        self.assertEqual({'_name_id': OTHER_ID}, self.migrated())
        self.assertEqual(before, self.numbers())

    def test_way_back_at_each_step(self):
        """Of the calls, the third, fourth and fifth rename."""
        for step in range(2, 5):
            self.cluster.volumes.clear()
            self.create(NAME)
            self.create(OTHER)
            before = self.numbers()
            self.cluster.interfere(harness.simulator.Refuse(), after=step)
            volume = self.volume(_name_id=None)
            self.assertEqual({'_name_id': OTHER_ID},
                             self.driver.update_migrated_volume(
                                 self.context, volume,
                                 self.volume(OTHER_ID), 'available'))
            self.assertEqual((None, before),
                             (volume['_name_id'], self.numbers()))
            self.cluster.recover()

    def test_no_way_back(self):
        self.create(NAME)
        self.create(OTHER)
        errors = []
        self.patch(self.storpool.LOG, 'error', errors.append)
        self.cluster.interfere(harness.simulator.Refuse(), after=3,
                               count=None)
        with self.assertRaises(self.exception.VolumeBackendAPIException):
            self.migrated()
        self.assertIn('volume %s--swap, rename it to %s by hand' %
                      (OTHER, NAME), errors[-1])
        self.assertEqual([OTHER, OTHER + '--swap'],
                         sorted(self.cluster.volumes))

    def test_to_another_pool(self):
        """The operator names it; the type of the volume comes first."""
        self.create(template='ssd')
        number = self.numbers()[NAME]
        typed = {'volume_type_id': self.typed(storpool_template='hybrid')}
        for pool, wanted, values in (('#template_any', 'any', {}),
                                     ('#template_any', 'hybrid', typed),
                                     ('#default', '', {})):
            self.assertEqual((True, None), self.driver.migrate_volume(
                None, self.volume(**values),
                {'host': self.driver.host + pool}))
            self.assertVolume(NAME, template=wanted, number=number)

    def test_to_another_backend(self):
        self.create(template='ssd')
        self.assertEqual((False, None), self.driver.migrate_volume(
            None, self.volume(), {'host': 'h@other#template_any'}))
        self.assertVolume(NAME, template='ssd')

    def test_refused(self):
        self.create(OTHER)
        self.cluster.interfere(harness.simulator.Refuse(), after=1)
        self.assertEqual({'_name_id': OTHER_ID}, self.migrated())
        self.assertEqual([OTHER], list(self.cluster.volumes))

    def test_answer_gets_lost(self):
        self.create(OTHER)
        self.cluster.interfere(harness.simulator.Drop(executed=True), after=1)
        self.assertEqual({'_name_id': None}, self.migrated())
        self.assertEqual([NAME], list(self.cluster.volumes))

    def test_nobody_knows(self):
        self.create(OTHER)
        self.cluster.interfere(harness.simulator.Refuse(), after=1,
                               count=None)
        with self.assertRaises(self.exception.VolumeBackendAPIException):
            self.migrated()


if __name__ == '__main__':
    unittest.main()
