# SPDX-License-Identifier: Apache-2.0
"""nova's LibvirtDriver of a release, in a process that a test can kill.

    python nova_side.py SOCKET WORK

Runs on a host, in the environment of the release (Python 2.7), and does what
nova-compute's manager does with the driver.  Of nova these are replaced: its
database (files in WORK/database), its image service (files in WORK/images),
its cinder client (the process with our cinder driver), and the virtapi
(nova's own fake).
"""

from __future__ import absolute_import

import eventlet
eventlet.monkey_patch(os=False)

# pylint: disable=wrong-import-position,import-error
import importlib
import json
import os
import shutil
import sys

import agent

from oslo_serialization import jsonutils

import nova.conf
from nova import config
from nova import context as nova_context
from nova.network import model as network_model
from nova import objects
from nova.objects import base as objects_base
from nova.virt import block_device as driver_block_device
from nova.virt import fake
from nova.virt import images

CONF = None
WORK = None


# ---- what is replaced ---------------------------------------------------

def stored(kind, name):
    """Return the path of a record of the database."""
    return os.path.join(WORK, 'database', '%s-%s.json' % (kind, name))


def load(kind, name):
    """Return a record of the database."""
    with open(stored(kind, name)) as opened:
        return json.load(opened)


def save(kind, name, record):
    """Put a record into the database."""
    path = stored(kind, name)
    with open(path + '.new', 'w') as opened:
        json.dump(record, opened)
    os.rename(path + '.new', path)


class Volumes(object):
    """The volume API, as far as the driver uses it."""

    def initialize_connection(self, _context, volume_id, connector):
        """Return how a host is to attach a volume."""
        return agent.call(os.path.join(WORK, 'cinder.socket'),
                          'initialize_connection',
                          {'volume_id': volume_id, 'connector': connector})


def fetch(_context, image_href, path, *_args, **_kwargs):
    """Fetch an image."""
    shutil.copy(os.path.join(WORK, 'images', image_href), path)


def save_mapping(mapping, *_args, **_kwargs):
    """Save a block device mapping: its connection info."""
    save('connection', mapping.volume_id,
         json.loads(mapping.connection_info))


def replace_services(libvirt_driver):
    """Replace what the driver wants from other services."""
    objects.Instance.save = lambda *_args, **_kwargs: None
    objects.Migration.save = lambda *_args, **_kwargs: None
    objects.BlockDeviceMapping.save = save_mapping
    objects.BlockDeviceMappingList.get_by_instance_uuid = classmethod(
        lambda cls, _context, instance_uuid, *_args, **_kwargs:
        mappings(load('instance', instance_uuid)))
    if hasattr(objects, 'VirtualInterfaceList'):
        objects.VirtualInterfaceList.get_by_instance_uuid = classmethod(
            lambda cls, *_args, **_kwargs: [])
    objects.Instance.image_meta = property(
        lambda self: image_meta(load('instance', self.uuid)))
    images.fetch = fetch
    # It writes to the table of services.
    libvirt_driver.LibvirtDriver._set_host_enabled = (
        lambda *_args, **_kwargs: None)


# ---- nova's objects, from records of ours -------------------------------

def context():
    """Return a context."""
    return nova_context.get_admin_context()


def image_meta(record):
    """Return the properties of the image of an instance."""
    return objects.ImageMeta.from_dict({
        'status': 'active', 'min_ram': 0, 'min_disk': 0, 'properties': {
            'os_command_line': record['command_line'],
            'hw_disk_bus': 'virtio',
        }})


def flavor():
    """Return the flavor of all instances."""
    return objects.Flavor(
        id=1, name='small', memory_mb=128, vcpus=1, root_gb=0,
        ephemeral_gb=0, swap=0, flavorid='1', rxtx_factor=1.0,
        vcpu_weight=0, disabled=False, is_public=True, extra_specs={},
        projects=[])


def instance(uuid):
    """Return an instance."""
    record = load('instance', uuid)
    made = flavor()
    values = {
        'id': record['number'], 'uuid': uuid, 'user_id': 'user',
        'project_id': 'project', 'display_name': 'test', 'hostname': 'test',
        'host': CONF.host, 'node': CONF.host, 'memory_mb': made.memory_mb,
        'vcpus': made.vcpus, 'root_gb': 0, 'ephemeral_gb': 0,
        'instance_type_id': 1, 'flavor': made, 'image_ref': '',
        'kernel_id': 'kernel', 'ramdisk_id': 'initramfs',
        'os_type': 'linux', 'root_device_name': '/dev/vda',
        'config_drive': '', 'system_metadata': {}, 'metadata': {},
        'vm_state': 'active', 'power_state': 1, 'deleted': False,
        'cleaned': False, 'pci_devices': objects.PciDeviceList(objects=[]),
    }
    found = objects.Instance(context=context())
    for name in found.fields:
        try:
            setattr(found, name, values.get(name))
        except ValueError:  # a field that cannot be empty
            pass
    found.info_cache = objects.InstanceInfoCache(
        instance_uuid=uuid, network_info=network_model.NetworkInfo())
    found.obj_reset_changes()
    return found


def mappings(record):
    """Return the block device mappings of an instance."""
    made = objects.BlockDeviceMappingList(context=context(), objects=[])
    for number, volume in enumerate(record['volumes'], 1):
        values = {
            'id': number, 'instance_uuid': record['uuid'],
            'source_type': 'volume', 'destination_type': 'volume',
            'volume_id': volume['id'], 'device_name': volume['device'],
            'boot_index': volume['boot_index'], 'volume_size': 1,
            'delete_on_termination': False, 'disk_bus': 'virtio',
            'device_type': 'disk', 'guest_format': None, 'no_device': False,
            'snapshot_id': None, 'image_id': None, 'tag': None,
            'connection_info': json.dumps(load('connection', volume['id'])),
        }
        mapping = objects.BlockDeviceMapping(context=context())
        for name, value in values.items():
            if name in mapping.fields:
                setattr(mapping, name, value)
        mapping.obj_reset_changes()
        made.objects.append(mapping)
    return made


def block_device_info(uuid, refresh=False):
    """Return what the driver gets to know of an instance's volumes.

    :param refresh: whether cinder is asked again, for this host
    """
    record = load('instance', uuid)
    if refresh:
        for volume in record['volumes']:
            connection = connect(volume['id'])
            save('connection', volume['id'], connection)
    devices = driver_block_device.convert_volumes(mappings(record))
    for device in devices:
        device['connection_info'] = json.loads(
            device._bdm_obj.connection_info)
    return {'root_device_name': '/dev/vda', 'ephemerals': [], 'swap': None,
            'block_device_mapping': devices}


def connect(volume_id):
    """Ask cinder how this host is to attach a volume."""
    connection = Volumes().initialize_connection(
        context(), volume_id, DRIVER.get_volume_connector(None))
    connection['serial'] = volume_id
    return connection


def encryption(volume):
    """Return what nova passes on of the encryption of a volume, or None."""
    return volume.get('encryption')


def find(uuid, volume_id):
    """Return the record of a volume of an instance."""
    for volume in load('instance', uuid)['volumes']:
        if volume['id'] == volume_id:
            return volume
    raise KeyError(volume_id)


def network_info():
    """Return what the driver gets to know of networks: there are none."""
    return network_model.NetworkInfo()


DRIVER = None


# ---- what the test calls ------------------------------------------------

def init_host():
    """Start the driver, as nova-compute does."""
    DRIVER.init_host(CONF.host)


def get_volume_connector():
    """Return what this host tells cinder of itself."""
    return DRIVER.get_volume_connector(None)


def prepare_connection(volume_id):
    """Ask cinder how this host is to attach a volume, and remember it."""
    save('connection', volume_id, connect(volume_id))


def spawn(uuid):
    """Start an instance."""
    found = instance(uuid)
    DRIVER.spawn(context(), found, found.image_meta, [], None,
                 network_info=network_info(),
                 block_device_info=block_device_info(uuid))


def attach_volume(uuid, volume_id):
    """Attach a volume to an instance; its connection info is remembered."""
    volume = find(uuid, volume_id)
    connection = load('connection', volume_id)
    DRIVER.attach_volume(context(), connection, instance(uuid),
                         volume['device'], disk_bus='virtio',
                         device_type='disk', encryption=encryption(volume))
    save('connection', volume_id, connection)


def detach_volume(uuid, volume_id):
    """Detach a volume from an instance."""
    volume = find(uuid, volume_id)
    DRIVER.detach_volume(load('connection', volume_id), instance(uuid),
                         volume['device'], encryption=encryption(volume))


def extend_volume(uuid, volume_id):
    """Let an instance know of the new size of a volume."""
    DRIVER.extend_volume(load('connection', volume_id), instance(uuid))


def reboot(uuid, kind):
    """Reboot an instance, SOFT or HARD."""
    DRIVER.reboot(context(), instance(uuid), network_info(), kind,
                  block_device_info=block_device_info(uuid))


def power_off(uuid):
    """Switch an instance off."""
    DRIVER.power_off(instance(uuid))


def destroy(uuid):
    """End an instance and forget it."""
    DRIVER.destroy(context(), instance(uuid), network_info(),
                   block_device_info(uuid))


def check_destination(uuid):
    """Check, on the destination, whether an instance can migrate."""
    stats = {'disk_available_least': 10, 'cpu_info': jsonutils.dumps(
        DRIVER._get_cpu_info())}
    made = DRIVER.check_can_live_migrate_destination(
        context(), instance(uuid), stats, stats, block_migration=False,
        disk_over_commit=False)
    return dump(made)


def clean_up_check(data):
    """Forget what check_destination() made."""
    name = 'cleanup_live_migration_destination_check'
    if not hasattr(DRIVER, name):  # before Newton
        name = 'check_can_live_migrate_destination_cleanup'
    getattr(DRIVER, name)(context(), parse(data))


def check_source(uuid, data):
    """Check, on the source, whether an instance can migrate."""
    made = parse(data)
    made.is_volume_backed = True
    return dump(DRIVER.check_can_live_migrate_source(
        context(), instance(uuid), made, block_device_info(uuid)))


def pre_live_migration(uuid, data):
    """Prepare the destination.  The connection infos are this host's then."""
    made = parse(data)
    info = block_device_info(uuid, refresh=True)
    returned = DRIVER.pre_live_migration(
        context(), instance(uuid), info, network_info(), None,
        migrate_data=made)
    for device in info['block_device_mapping']:
        save('connection', device._bdm_obj.volume_id,
             device['connection_info'])
    return dump(returned)


def live_migration(uuid, destination, data, bandwidth=0):
    """Migrate an instance.

    :param bandwidth: a limit in MiB per second
    :returns: 'migrated' or 'recovered', and what the latter was told
    """
    made = parse(data)
    made.migration = objects.Migration(
        context=context(), id=1, status='running', instance_uuid=uuid)
    outcome = []
    CONF.set_override('live_migration_bandwidth', bandwidth, 'libvirt')
    try:
        DRIVER.live_migration(
            context(), instance(uuid), destination,
            lambda *_args, **_kwargs: outcome.append('migrated'),
            lambda *_args, **kwargs: outcome.append('recovered'),
            block_migration=False, migrate_data=made)
    finally:
        CONF.clear_override('live_migration_bandwidth', 'libvirt')
    return outcome


def live_migration_abort(uuid):
    """Abort a migration."""
    DRIVER.live_migration_abort(instance(uuid))


def post_live_migration(uuid, data):
    """Clean the source up after a migration."""
    found = instance(uuid)
    info = block_device_info(uuid)
    DRIVER.post_live_migration(context(), found, info, parse(data))
    DRIVER.post_live_migration_at_source(context(), found, network_info())
    DRIVER.cleanup(context(), found, network_info(), None,
                   destroy_disks=True, migrate_data=parse(data),
                   destroy_vifs=False)


def post_live_migration_at_destination(uuid):
    """Finish a migration on the destination."""
    DRIVER.post_live_migration_at_destination(
        context(), instance(uuid), network_info(), block_migration=False,
        block_device_info=block_device_info(uuid))


def roll_back(uuid, data):
    """Clean the destination up after a migration that failed.

    The manager detaches each volume there, then lets the driver clean up.
    """
    for volume in load('instance', uuid)['volumes']:
        detach_volume(uuid, volume['id'])
    DRIVER.rollback_live_migration_at_destination(
        context(), instance(uuid), network_info(), block_device_info(uuid),
        destroy_disks=True, migrate_data=parse(data))


def dump(data):
    """Return an object in a form for another process."""
    return data.obj_to_primitive() if data is not None else None


def parse(data):
    """Return the object that another process dumped."""
    if data is None:
        return None
    made = objects_base.NovaObject.obj_from_primitive(data,
                                                      context=context())
    return made


FUNCTIONS = dict((function.__name__, function) for function in (
    init_host, get_volume_connector, prepare_connection, spawn,
    attach_volume, detach_volume, extend_volume, reboot, power_off, destroy,
    check_destination, clean_up_check, check_source, pre_live_migration,
    live_migration, live_migration_abort, post_live_migration,
    post_live_migration_at_destination, roll_back))


def main(socket_path, work):
    """Serve calls until the process is killed."""
    # pylint: disable=global-statement
    global CONF, WORK, DRIVER
    WORK = work
    config.parse_args(['nova', '--config-file', '/etc/nova/nova.conf'],
                      default_config_files=['/etc/nova/nova.conf'])
    CONF = nova.conf.CONF
    objects.register_all()
    # As in nova-compute, after the configuration has been read: Pike's key
    # manager is what the configuration says when it is imported.
    libvirt_driver = importlib.import_module('nova.virt.libvirt.driver')
    replace_services(libvirt_driver)
    DRIVER = libvirt_driver.LibvirtDriver(fake.FakeVirtAPI())
    DRIVER._volume_api = Volumes()
    agent.serve(socket_path, FUNCTIONS)


if __name__ == '__main__':
    main(*sys.argv[1:])
