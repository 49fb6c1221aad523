# SPDX-License-Identifier: Apache-2.0
# Installed by sp-openstack; edits here are lost when it is upgraded or taken out.
"""Attach StorPool volumes to instances of libvirt.

One source for nova 13 to 16, Mitaka to Pike.  The releases differ in what
they pass: the libvirt driver or its host object to the constructor, and from
Pike on the instance to the operations.
"""

from __future__ import absolute_import
from __future__ import division

from os_brick.initiator import connector
from oslo_log import log as logging

from nova import exception
from nova.i18n import _
from nova import utils
from nova.virt.libvirt.volume import volume as libvirt_volume

LOG = logging.getLogger(__name__)


class LibvirtStorPoolVolumeDriver(libvirt_volume.LibvirtVolumeDriver):
    """Attach StorPool volumes to instances, as block devices.

    The connection info is what the StorPool cinder driver returns, with the
    device_path that connect_volume() adds to its data.
    """

    def __init__(self, host):
        """Remember the host; nothing of StorPool is needed yet.

        nova-compute creates the volume drivers of all protocols when it
        starts, and would not start if one raised an exception.

        :param host: what the base class wants: in Mitaka and Newton the
            libvirt driver, later on its host object
        """
        super(LibvirtStorPoolVolumeDriver, self).__init__(host)
        self._connector = None

    @property
    def connector(self):
        """The os-brick connector for StorPool, created when first used.

        :raises NovaException: os-brick has no StorPool connector
        """
        if self._connector is None:
            try:
                self._connector = connector.InitiatorConnector.factory(
                    'STORPOOL', utils.get_root_helper())
            except (ImportError, ValueError) as exc:
                raise exception.NovaException(
                    _('os-brick on this host does not support StorPool: %s')
                    % exc)
        return self._connector

    def get_config(self, connection_info, disk_info):
        """Describe the disk to libvirt, with the I/O of the kernel (AIO).

        :param connection_info: the connection info of the volume
        :param disk_info: where it goes in the instance
        :returns: a LibvirtConfigGuestDisk
        """
        conf = super(LibvirtStorPoolVolumeDriver, self).get_config(
            connection_info, disk_info)
        conf.driver_io = 'native'
        return conf

    def connect_volume(self, connection_info, disk_info, instance=None):
        """Attach a volume to this host.

        The path of its device goes to connection_info['data'].

        :param connection_info: the connection info of the volume
        :param disk_info: not used
        :param instance: the instance it is for, not passed before Pike
        :raises NovaException: os-brick has no StorPool connector
        :raises BrickException: the volume could not be attached
        """
        volume_id = connection_info['data'].get('volume')
        LOG.debug('Attaching StorPool volume %s', volume_id,
                  instance=instance)
        device_info = self.connector.connect_volume(connection_info['data'])
        connection_info['data']['device_path'] = device_info['path']
        LOG.debug('Attached StorPool volume %(volume)s as %(path)s',
                  {'volume': volume_id, 'path': device_info['path']},
                  instance=instance)

    def disconnect_volume(self, connection_info, disk_dev, instance=None):
        """Detach a volume from this host.

        :param connection_info: the connection info of the volume; its data
            need not have a device_path
        :param disk_dev: not used
        :param instance: the instance it was for, not passed before Pike
        :raises NovaException: os-brick has no StorPool connector
        :raises BrickException: the volume could not be detached
        """
        volume_id = connection_info['data'].get('volume')
        LOG.debug('Detaching StorPool volume %s', volume_id,
                  instance=instance)
        self.connector.disconnect_volume(connection_info['data'], None)
        LOG.debug('Detached StorPool volume %s', volume_id,
                  instance=instance)

    def extend_volume(self, connection_info, instance=None):
        """Wait until the device of an extended volume has its new size.

        :param connection_info: the connection info of the volume
        :param instance: the instance it is attached to
        :returns: the new size in bytes
        :raises NovaException: os-brick has no StorPool connector
        :raises BrickException: the size of the device did not change
        """
        volume_id = connection_info['data'].get('volume')
        new_size = self.connector.extend_volume(connection_info['data'])
        LOG.debug('StorPool volume %(volume)s now has %(size)d bytes',
                  {'volume': volume_id, 'size': new_size}, instance=instance)
        return new_size
