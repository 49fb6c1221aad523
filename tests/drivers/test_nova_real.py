# SPDX-License-Identifier: Apache-2.0
"""The nova driver among nova's own.

These tests exist only in an environment with a real release.
"""

from __future__ import absolute_import

import unittest

import harness
from test_nova import DISK_INFO, Host

REAL_RELEASES = (harness.REAL,) if harness.REAL else ()


@harness.for_each(REAL_RELEASES, 'release')
class RealTest(harness.NovaCase):
    """Nova and the driver together."""

    def prepare(self):
        self.drivers = self.all_drivers()
        self.driver = self.drivers['storpool']
        self.create()

    def all_drivers(self):
        """Make all volume drivers, as nova-compute does when it starts."""
        libvirt = self.module('nova.virt.libvirt.driver')
        make = getattr(self.module('nova.virt.driver'),
                       'driver_dict_from_config', None)
        if make is not None:
            return make(libvirt.libvirt_volume_drivers, Host())
        return libvirt.LibvirtDriver.__dict__['_get_volume_drivers'](Host())

    def test_registered(self):
        self.assertIsInstance(self.driver,
                              self.storpool.LibvirtStorPoolVolumeDriver)
        self.assertIn('iscsi', self.drivers)

    def test_xml(self):
        info = {'serial': harness.VOLUME_ID, 'data': self.properties(),
                'driver_volume_type': 'storpool'}
        self.driver.connect_volume(info, DISK_INFO)
        xml = self.driver.get_config(info, DISK_INFO).to_xml()
        xml = xml.decode('utf-8') if isinstance(xml, bytes) else xml
        for part in ('<disk type="block" device="disk">',
                     '<source dev="%s"/>' % self.device(),
                     ' io="native"/>',
                     '<target bus="virtio" dev="vdb"/>',
                     '<serial>%s</serial>' % harness.VOLUME_ID):
            self.assertIn(part, xml)
        self.driver.disconnect_volume(info, 'vdb')


if __name__ == '__main__':
    unittest.main()
