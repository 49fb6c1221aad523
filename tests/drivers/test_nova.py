# SPDX-License-Identifier: Apache-2.0
"""The nova volume driver, in each release."""

from __future__ import absolute_import

import unittest

import harness
from harness import CLIENT, GIB, VOLUME_ID, volume_name

DISK_INFO = {'type': 'disk', 'dev': 'vdb', 'bus': 'virtio'}


class Host(object):
    """What a driver gets: the libvirt driver or its host object."""

    def __init__(self):
        self._host = self

    def get_version(self):
        """Return the version of libvirt."""
        return 3000000

    def has_min_version(self, *_args):
        """Tell whether libvirt is recent."""
        return True


@harness.for_each(harness.RELEASES, 'release')
class NovaTest(harness.NovaCase):
    """Attach a volume to an instance."""

    def prepare(self):
        self.create()
        self.driver = self.storpool.LibvirtStorPoolVolumeDriver(Host())
        self.info = {'serial': VOLUME_ID, 'driver_volume_type': 'storpool',
                     'data': self.properties()}
        # Pike passes the instance.
        self.more = (None,) if self.release == 'pike' else ()

    def test_created_without_anything(self):
        self.patch(self.brick, 'spopenstack', None)
        driver = self.storpool.LibvirtStorPoolVolumeDriver(Host())
        with self.assertRaises(self.BrickException):
            driver.connect_volume(self.info, DISK_INFO, *self.more)

    def test_os_brick_without_storpool(self):
        def factory(protocol, *_args, **_kwargs):
            """Know no protocol."""
            raise ValueError('no ' + protocol)

        connector = self.module('os_brick.initiator.connector')
        self.patch(connector.InitiatorConnector, 'factory',
                   staticmethod(factory))
        with self.assertRaises(self.exception.NovaException) as caught:
            self.driver.connect_volume(self.info, DISK_INFO, *self.more)
        self.assertIn('no STORPOOL', str(caught.exception))

    def test_connect(self):
        self.driver.connect_volume(self.info, DISK_INFO, *self.more)
        self.assertEqual(self.device(), self.info['data']['device_path'])
        self.assertEqual({volume_name(): 'rw'}, self.cluster.attached(CLIENT))

    def test_get_config(self):
        self.driver.connect_volume(self.info, DISK_INFO, *self.more)
        conf = self.driver.get_config(self.info, DISK_INFO)
        self.assertEqual(
            ('block', self.device(), 'raw', 'vdb', 'native'),
            (conf.source_type, conf.source_path, conf.driver_format,
             conf.target_dev, conf.driver_io))

    def test_disconnect(self):
        self.driver.connect_volume(self.info, DISK_INFO, *self.more)
        self.driver.disconnect_volume(self.info, 'vdb', *self.more)
        self.assertEqual(({}, {}), (self.cluster.attached(),
                                    self.requests()))

    def test_disconnect_without_path(self):
        self.driver.connect_volume(self.info, DISK_INFO, *self.more)
        del self.info['data']['device_path']
        self.driver.disconnect_volume(self.info, 'vdb', *self.more)
        self.assertEqual({}, self.cluster.attached())

    def test_extend(self):
        self.driver.connect_volume(self.info, DISK_INFO, *self.more)
        self.call('volumeUpdate', volume_name(), {'size': 2 * GIB})
        self.assertEqual(2 * GIB,
                         self.driver.extend_volume(self.info, *self.more))

    def test_with_and_without_instance(self):
        self.driver.connect_volume(self.info, DISK_INFO)
        self.driver.disconnect_volume(self.info, 'vdb')
        self.driver.connect_volume(self.info, DISK_INFO, instance=None)
        self.driver.extend_volume(self.info, instance=None)
        self.driver.disconnect_volume(self.info, 'vdb', instance=None)
        self.assertEqual({}, self.cluster.attached())

    def test_failures_pass(self):
        self.cluster.interfere(harness.simulator.Refuse(), count=None)
        with self.assertRaises(self.BrickException):
            self.driver.connect_volume(self.info, DISK_INFO, *self.more)
        self.assertNotIn('device_path', self.info['data'])
        with self.assertRaises(self.BrickException):
            self.driver.disconnect_volume(self.info, 'vdb', *self.more)


if __name__ == '__main__':
    unittest.main()
