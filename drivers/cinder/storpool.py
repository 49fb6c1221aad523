# SPDX-License-Identifier: Apache-2.0
# Installed by sp-openstack; edits here are lost when it is upgraded or taken out.
"""Keep volumes in a StorPool cluster.

One source for cinder 8 to 11, Mitaka to Pike.

A volume is called <prefix>--volume-<name id> in StorPool, a snapshot
<prefix>--snap--none--snapshot-<id>; the prefix, SP_OPENSTACK_VOLUME_PREFIX in
the StorPool configuration, is "os" unless set.  The name id is the volume's
id, except for a volume that was migrated and could not be renamed.
"""

from __future__ import absolute_import
from __future__ import division

import contextlib
import platform
import time

from oslo_config import cfg
from oslo_log import log as logging
from oslo_utils import encodeutils
from oslo_utils import units
import six

from cinder import exception
from cinder.i18n import _
from cinder.image import image_utils
from cinder import utils
from cinder.volume import driver
from cinder.volume import utils as volume_utils
from cinder.volume import volume_types

try:
    from cinder import interface
except ImportError:  # Mitaka
    interface = None

try:
    from storpool import spapi
    from storpool import spconfig
    from storpool import spopenstack
except ImportError:
    spapi = None
    spconfig = None
    spopenstack = None

LOG = logging.getLogger(__name__)

CONF = cfg.CONF

storpool_opts = [
    cfg.StrOpt('storpool_template',
               help='The StorPool template for volumes that have no type, '
                    'or a type that names none, by the extra spec '
                    'storpool_template or pool_name.'),
    cfg.IntOpt('storpool_replication',
               default=3,
               min=1,
               max=3,
               help='How many copies StorPool keeps of volumes that are '
                    'created without a template, and of those created from '
                    'a template that does not say.'),
]

# The extra spec of a volume type, and the capability of a pool.
TEMPLATE_SPEC = 'storpool_template'

# The extra spec that chooses a pool by its name.
POOL_SPEC = 'pool_name'

# What the encryption of a volume type consists of.
ENCRYPTION_SETTINGS = ('cipher', 'control_location', 'key_size', 'provider')

DEFAULT_POOL = 'default'
TEMPLATE_POOL_PREFIX = 'template_'

# Disks are given out in pieces of 512 MiB; of each 4096 + 128 bytes on them,
# 4096 are for data.
ALLOCATION_UNIT = 512 * units.Mi
DATA_SHARE = 4096 / (4096 + 128)

# What StorPool's tools know a snapshot by that is not a user's.
TRANSIENT_TAGS = {'transient': '1.0'}

# A volume that is being copied has one of these, unless somebody uses it.
MIGRATING = ('available', 'maintenance', 'retyping')

# For hosts without an SP_OURID of their own.  Nothing depends on it, unless
# they have an older os-brick driver, which makes it a part of a key.
UNKNOWN_CLIENT = 65

# A temporary snapshot that cannot be deleted would never be missed.
CLEANUP_ATTEMPTS = 3
CLEANUP_INTERVAL = 1  # seconds

# The first bindings that can revert a volume.
REVERT_VERSION = '6.0.0'


class StorPoolConfigurationInvalid(exception.CinderException):
    """A parameter in the StorPool configuration is missing or wrong."""

    message = _('Invalid parameter %(param)s in the %(section)s section of '
                'the /etc/storpool.conf file: %(error)s')


@contextlib.contextmanager
def _backend_errors(action, name):
    """Turn whatever the body raises into a VolumeBackendAPIException.

    That is an ApiError or InvalidArgumentError of the StorPool bindings, a
    socket or HTTP error, an exception of os-brick, or what the bindings raise
    on an answer that makes no sense to them.  Exceptions of cinder pass.
    """
    try:
        yield
    except exception.CinderException:
        raise
    except Exception as exc:
        LOG.debug('StorPool: %(action)s %(name)s failed',
                  {'action': action, 'name': name}, exc_info=True)
        message = (_('StorPool: could not %(action)s %(name)s: '
                     '%(kind)s: %(error)s') %
                   {'action': action, 'name': name,
                    'kind': type(exc).__name__,
                    'error': encodeutils.exception_to_unicode(exc)})
        LOG.error(message)
        raise exception.VolumeBackendAPIException(data=message)


def _config_error(exc, section):
    """Make the exception for a StorPool configuration that cannot be used.

    The text of a parser's exception may quote the authentication token, so
    only its name is passed on.
    """
    if isinstance(exc, KeyError):
        return StorPoolConfigurationInvalid(
            param=exc.args[0], section=section, error=_('it is not set'))
    return StorPoolConfigurationInvalid(
        param='*', section=section,
        error=_('the file could not be read (%s)') % type(exc).__name__)


def _request_key(name):
    """Return the key of an attachment request of this driver.

    It differs from that of an instance that has the same volume attached on
    the same host.
    """
    return 'cinder-%s' % name


def _size(volume):
    """Return the size of a volume, which cinder has in GiB, in bytes."""
    return int(volume['size']) * units.Gi


def _gib(size):
    """Return a size in bytes as GiB."""
    return round(size / units.Gi, 2)


def _pool_template(pool):
    """Return the template that a pool is for, or None."""
    if pool and pool.startswith(TEMPLATE_POOL_PREFIX):
        return pool[len(TEMPLATE_POOL_PREFIX):]
    return None


def _specs_template(specs):
    """Return the template that extra specs name, or None.

    They may also ask the scheduler for the pool of a template.
    """
    return specs.get(TEMPLATE_SPEC) or _pool_template(specs.get(POOL_SPEC))


def _type_template(volume):
    """Return the template that the type of a volume names, or None."""
    if not volume['volume_type_id']:
        return None
    return _specs_template(
        volume_types.get_volume_type_extra_specs(volume['volume_type_id']))


def _image_volume_ids(image_location):
    """Return the ids of the volumes that an image is kept in.

    :param image_location: the direct URL, and a list of locations or None
    """
    direct_url, locations = image_location
    urls = [direct_url] + [found.get('url') for found in locations or ()]
    return sorted(set(url.rpartition('/')[2] for url in urls
                      if url and url.startswith('cinder://')))


def _encryption_changes(diff):
    """Tell whether a type diff asks for another encryption of the data.

    It has pairs of old and new values, also equal ones, and in some releases
    ids that always differ.
    """
    pairs = diff.get('encryption') or {}
    return any(old != new for old, new in
               (pairs.get(key, (None, None)) for key in ENCRYPTION_SETTINGS))


def _raw_capacity(disks):
    """Return the total and the free space of disks, in bytes.

    A disk that is down is left out.  So is one that the bindings could not
    make out, which they report as down but as of no generation.
    """
    total = 0
    free = 0
    for disk in disks:
        if disk.generationLeft == -1:
            total += (getattr(disk, 'agCount', None) or 0)
            free += (getattr(disk, 'agFree', None) or 0)
    return total * ALLOCATION_UNIT, free * ALLOCATION_UNIT * DATA_SHARE


def _template_space(status, copies):
    """Return the total and the free space for data in a template, in bytes.

    The first, the last and the other copies may lie in groups of disks of
    their own; the one that is full first decides.

    :param status: the status of the template
    :param copies: how many copies of the data it keeps
    """
    head = getattr(status, 'placeHead', status.placeAll)  # since 5.0
    spaces = {
        head: (getattr(status, 'capacityPlaceHead', 0),
               getattr(status, 'availablePlaceHead', 0)),
        status.placeAll: (status.capacityPlaceAll, status.availablePlaceAll),
        status.placeTail: (status.capacityPlaceTail,
                           status.availablePlaceTail),
    }
    groups = [status.placeTail, head][:copies]
    groups += [status.placeAll] * (copies - len(groups))
    shares = [(spaces[group][0] / groups.count(group),
               spaces[group][1] * DATA_SHARE / groups.count(group))
              for group in groups]
    return min(total for total, _free in shares), min(
        free for _total, free in shares)


def _provisioned(status):
    """Return the size of all volumes in a template, in bytes."""
    return getattr(status, 'volumesSize', None) or status.size


def _volumedriver(cls):
    """Register a driver, in releases that keep a register."""
    register = getattr(interface, 'volumedriver', None)
    return register(cls) if register else cls


@_volumedriver
class StorPoolDriver(driver.VolumeDriver):
    """Volumes, snapshots and clones in a StorPool cluster.

    The attachment itself is made by os-brick, on the host that needs it.
    """

    VERSION = '2.0.0'

    def __init__(self, *args, **kwargs):
        """Add the driver's options to the backend's configuration.

        :param args: passed to the base class
        :param kwargs: passed to the base class
        """
        super(StorPoolDriver, self).__init__(*args, **kwargs)
        self.configuration.append_config_values(storpool_opts)
        self._attach_db = None
        self._stats = {}

    # Setting up.

    def do_setup(self, context):
        """Read the StorPool configuration.

        :param context: not used
        :raises VolumeBackendAPIException: the bindings are missing
        :raises StorPoolConfigurationInvalid: the configuration is unusable
        """
        if spopenstack is None:
            raise exception.VolumeBackendAPIException(
                data=_('The StorPool Python bindings, storpool and '
                       'storpool.spopenstack, are not installed.'))
        try:
            attach_db = spopenstack.AttachDB(log=LOG)
            attach_db.api()
        except Exception as exc:
            raise _config_error(exc, platform.node())
        self._attach_db = attach_db

    def check_for_setup_error(self):
        """See that StorPool has the configured template.

        If it does not answer, the service starts all the same: nobody would
        try again, and it works as soon as StorPool does.

        :raises InvalidConfigurationValue: there is no such template
        """
        self._client_id({'host': CONF.host})  # warns
        template = self.configuration.storpool_template
        try:
            with _backend_errors('list', 'templates'):
                names = [desc.name for desc in self._api.volumeTemplatesList()]
        except exception.VolumeBackendAPIException:
            LOG.warning('StorPool: it does not answer, the service starts '
                        'nevertheless')
            return
        if template and template not in names:
            raise exception.InvalidConfigurationValue(
                option='storpool_template', value=template)

    # Names, templates and calls.

    @property
    def _api(self):
        """The connection to the StorPool API."""
        return self._attach_db.api()

    def _volume_name(self, volume):
        """Return the StorPool name of a volume."""
        return self._attach_db.volumeName(volume['name_id'])

    def _snapshot_name(self, snapshot):
        """Return the StorPool name of a snapshot."""
        return self._attach_db.snapshotName('snap', snapshot['id'])

    def _template(self, volume):
        """Return the template a volume is to be created from, or None.

        The pool that the scheduler chose has no say: it likes best the one
        with the most space, which is that of the fewest copies.
        """
        return (_type_template(volume) or
                self.configuration.storpool_template)

    def _placement(self, template):
        """Return the part of a request that tells where data is kept."""
        if template:
            return {'template': template}
        return {'replication': self.configuration.storpool_replication}

    def _create(self, volume, **request):
        """Create a StorPool volume of the size that cinder's has."""
        name = self._volume_name(volume)
        with _backend_errors('create volume', name):
            self._api.volumeCreate(
                dict(request, name=name, size=_size(volume)))

    def _create_snapshot(self, volume_name, name):
        """Take a snapshot of a StorPool volume."""
        with _backend_errors('create snapshot', name):
            self._api.snapshotCreate(volume_name, {'name': name})

    def _update(self, name, **request):
        """Change a StorPool volume."""
        with _backend_errors('update volume', name):
            self._api.volumeUpdate(name, request)

    def _remove(self, kind, name, busy):
        """Detach a StorPool volume or snapshot everywhere and delete it.

        That there is none is as good.

        :param kind: 'volume' or 'snapshot'
        :param busy: the exception to raise when it is in use
        """
        try:
            self._api.volumesReassign(json=[{kind: name, 'detach': 'all'}])
            if kind == 'volume':
                self._api.volumeDelete(name)
            else:
                self._api.snapshotDelete(name)
        except spapi.ApiError as exc:
            if exc.name == 'objectDoesNotExist':
                LOG.info('StorPool: %(kind)s %(name)s is already gone',
                         {'kind': kind, 'name': name})
            elif exc.name == 'busy' or 'is open at' in exc.desc:
                LOG.error('StorPool: %(kind)s %(name)s is busy: %(error)s',
                          {'kind': kind, 'name': name, 'error': exc.desc})
                raise busy
            else:
                raise

    def _remove_snapshot(self, name):
        """Delete a StorPool snapshot."""
        with _backend_errors('delete snapshot', name):
            self._remove('snapshot', name,
                         exception.SnapshotIsBusy(snapshot_name=name))

    @contextlib.contextmanager
    def _temporary_snapshot(self, volume_name, name):
        """Have a snapshot of a StorPool volume while the body runs.

        It is also deleted if its creation fails: StorPool may have created
        it and only the answer may have got lost.
        """
        try:
            self._create_snapshot(volume_name, name)
            yield
        finally:
            self._discard_snapshot(name)

    def _discard_snapshot(self, name):
        """Delete a temporary snapshot, if necessary after some attempts."""
        for attempt in range(CLEANUP_ATTEMPTS):
            if attempt:
                time.sleep(CLEANUP_INTERVAL)
            try:
                return self._remove_snapshot(name)
            except exception.CinderException:
                LOG.warning('StorPool: temporary snapshot %s is still there',
                            name)
        LOG.error('StorPool: temporary snapshot %s has to be deleted by hand',
                  name)

    # Volumes and snapshots.

    def create_volume(self, volume):
        """Create a volume.

        :param volume: the volume, its size in GiB
        :raises VolumeBackendAPIException: StorPool refused, or did not answer
        """
        self._create(volume, **self._placement(self._template(volume)))

    def delete_volume(self, volume):
        """Delete a volume; one that is gone already is not an error.

        :param volume: the volume
        :raises VolumeIsBusy: the volume is in use on some host
        :raises VolumeBackendAPIException: StorPool refused, or did not answer
        """
        name = self._volume_name(volume)
        with _backend_errors('delete volume', name):
            self._remove('volume', name,
                         exception.VolumeIsBusy(volume_name=name))
        self._drop_clone_snapshot(volume)
        self._drop_requests(volume, name)

    def _drop_requests(self, volume, name):
        """Drop what this host has requested for a volume that is deleted.

        A service that was killed while it copied the volume has left a
        request, and nobody else drops it; one that was killed while it made
        an image has also left the snapshot, attached.
        """
        uploads = self._attach_db.volsnapName(volume['name_id'], '')
        try:
            # Not the driver's object, which remembers the file.
            db = spopenstack.AttachDB(log=LOG)
            stale = dict(
                (key, request['volume']) for key, request in db.get().items()
                if request.get('volume', '') == name or
                request.get('volume', '').startswith(uploads))
            for found in set(stale.values()) - set([name]):
                self._discard_snapshot(found)
            if stale:
                with db:
                    for key in stale:
                        db.remove(key)
        except Exception as exc:
            LOG.warning('StorPool: requests for %(name)s may be left: '
                        '%(error)s', {'name': name, 'error': exc})

    def _drop_clone_snapshot(self, volume):
        """Delete the snapshot that a deleted clone shared data by, if any.

        StorPool does so by itself when the source is gone as well; but as
        long as it is not, each clone would leave a snapshot behind.
        """
        try:
            self._api.snapshotDelete(self._clone_snapshot(volume))
        except Exception as exc:
            if getattr(exc, 'name', None) != 'objectDoesNotExist':
                LOG.warning('StorPool: snapshot %(name)s is left: %(error)s',
                            {'name': self._clone_snapshot(volume),
                             'error': encodeutils.exception_to_unicode(exc)})

    def extend_volume(self, volume, new_size):
        """Make a volume larger.

        :param volume: the volume
        :param new_size: its new size in GiB
        :raises VolumeBackendAPIException: StorPool refused, or did not answer
        """
        self._update(self._volume_name(volume), size=int(new_size) * units.Gi)

    def create_snapshot(self, snapshot):
        """Take a snapshot of a volume.

        :param snapshot: the snapshot, with its volume
        :raises VolumeBackendAPIException: StorPool refused, or did not answer
        """
        self._create_snapshot(self._volume_name(snapshot['volume']),
                              self._snapshot_name(snapshot))

    def delete_snapshot(self, snapshot):
        """Delete a snapshot; one that is gone already is not an error.

        :param snapshot: the snapshot
        :raises SnapshotIsBusy: the snapshot is in use on some host
        :raises VolumeBackendAPIException: StorPool refused, or did not answer
        """
        self._remove_snapshot(self._snapshot_name(snapshot))

    def revert_to_snapshot(self, context, volume, snapshot):
        """Give a volume the contents that it had; its size stays (Pike).

        Cinder copies the snapshot over the volume itself if this raises a
        NotImplementedError or AttributeError, and leaves what was written
        later where the snapshot has zeros.  So all is inside the guard.

        :param context: not used
        :param volume: the volume
        :param snapshot: one of its snapshots
        :raises VolumeBackendAPIException: StorPool refused, or did not answer,
            or the bindings are too old
        """
        with _backend_errors('revert', 'volume %s' % volume['id']):
            name = self._volume_name(volume)
            api = self._api
            if not hasattr(api, 'volumeRevert'):
                raise exception.VolumeBackendAPIException(data=_(
                    'StorPool: cannot revert %(name)s: the Python package '
                    'storpool is too old, install %(version)s or newer') %
                    {'name': name, 'version': REVERT_VERSION})
            api.volumeRevert(name,
                             {'toSnapshot': self._snapshot_name(snapshot)})
            if snapshot['volume_size'] != volume['size']:
                api.volumeUpdate(name, {'size': _size(volume)})

    def create_volume_from_snapshot(self, volume, snapshot):
        """Create a volume with the contents of a snapshot.

        Unless its type names a template, it gets that of the snapshot.

        :param volume: the volume, its size in GiB
        :param snapshot: the snapshot
        :raises VolumeBackendAPIException: StorPool refused, or did not answer
        """
        self._create_from_parent(volume, self._snapshot_name(snapshot),
                                 _type_template(volume))

    def create_cloned_volume(self, volume, src_vref):
        """Create a volume with the contents of another volume.

        Unless its type names a template, it gets that of the other volume.
        In another template it shares the other's data by a snapshot.

        :param volume: the volume to create, its size in GiB
        :param src_vref: the volume to copy
        :raises VolumeBackendAPIException: StorPool refused, or did not answer
        """
        source = self._volume_name(src_vref)
        template = _type_template(volume)
        if template:
            with _backend_errors('find volume', source):
                found = self._api.volumeList(source)[0]
            if found.templateName != template:
                self._clone_to_template(volume, found, template)
                return
        self._create(volume, baseOn=source)

    def _clone_to_template(self, volume, source, template):
        """Clone a StorPool volume into another template."""
        parent = self._clone_snapshot(volume)
        try:
            self._create_snapshot(source.name, parent)
            with _backend_errors('share snapshot', parent):
                shared = self._share(parent, source, template)
            self._create_from_parent(volume, parent, template)
        except BaseException:
            self._discard_snapshot(parent)
            raise
        if not shared:
            self._discard_snapshot(parent)

    def _clone_snapshot(self, volume):
        """Return the name of the snapshot that a clone shares data by."""
        return self._attach_db.snapshotName('clone', volume['id'])

    def _share(self, name, source, template):
        """Prepare a snapshot to be shared by a clone in another template.

        It is moved to the template of the clone, which may then expect of its
        data what it expects of the template; but not where there would be
        fewer copies of what the source has in it, too.

        :returns: whether it can be shared, or the clone needs its own data
        """
        copies = dict((found.name, self._replication(found))
                      for found in self._api.volumeTemplatesList())
        request = {'bind': True, 'tags': TRANSIENT_TAGS}
        if copies.get(template, 0) >= source.replication:
            request['template'] = template
        try:
            self._api.snapshotUpdate(name, request)
        except spapi.ApiError as exc:
            LOG.warning('StorPool: a clone does not share data with %(name)s: '
                        '%(error)s', {'name': source.name, 'error': exc.desc})
            return False
        # Older bindings, those of 6.0 for one, leave the template out.
        return ('template' not in request or
                self._api.snapshotList(name)[0].templateName == template)

    def _create_from_parent(self, volume, parent, template):
        """Create a StorPool volume from a snapshot."""
        request = {'parent': parent}
        if template:
            request['template'] = template
        self._create(volume, **request)

    # Attaching.

    def create_export(self, context, volume, connector):
        """Do nothing, a StorPool volume needs no export.

        :param context: not used
        :param volume: not used
        :param connector: not used
        """

    def ensure_export(self, context, volume):
        """Do nothing, a StorPool volume needs no export.

        :param context: not used
        :param volume: not used
        """

    def remove_export(self, context, volume):
        """Do nothing, a StorPool volume needs no export.

        :param context: not used
        :param volume: not used
        """

    def validate_connector(self, connector):
        """See that the host that wants a volume can attach it.

        :param connector: the connector properties of that host
        :raises InvalidConnectorException: they do not name the host
        """
        if not connector.get('host'):
            raise exception.InvalidConnectorException(missing='host')

    def initialize_connection(self, volume, connector, initiator_data=None):
        """Return what os-brick needs in order to attach a volume.

        :param volume: the volume
        :param connector: the connector properties of the host
        :param initiator_data: not used, passed in Mitaka only
        :returns: a dictionary: driver_volume_type, data
        """
        data = {
            'client_id': self._client_id(connector),
            'volume': volume['name_id'],
            'access_mode': 'rw',
        }
        if connector.get('storpool_request'):
            data['storpool_request'] = connector['storpool_request']
        if self.configuration.safe_get('report_discard_supported'):
            data['discard'] = True
        return {'driver_volume_type': 'storpool', 'data': data}

    def terminate_connection(self, volume, connector, **kwargs):
        """Do nothing, os-brick has detached the volume.

        :param volume: not used
        :param connector: not used, may be None
        :param kwargs: not used
        """

    def _client_id(self, connector):
        """Return the StorPool client id of a host.

        Its section of /etc/storpool.conf has it; the services of this host
        may go by another name than the host does there.  A host that goes by
        a name of nova's, or is in no section here, is served as well: its
        os-brick knows its own id.
        """
        section = connector['host']
        own = volume_utils.extract_host(self.host or CONF.host, level='host')
        if section in (CONF.host, own):
            section = platform.node()
        try:
            return int(spconfig.SPConfig(section=section)['SP_OURID'])
        except Exception as exc:
            # The text of a parser's exception may quote the authentication
            # token, so only its name is passed on.
            LOG.warning('StorPool: no SP_OURID for host %(host)s in '
                        '/etc/storpool.conf here (%(kind)s), it is served as '
                        'client %(client)d',
                        {'host': section, 'kind': type(exc).__name__,
                         'client': UNKNOWN_CLIENT})
            return UNKNOWN_CLIENT

    def _attach_volume(self, context, volume, properties, remote=False):
        """Attach a volume to this host, under a request of its own.

        The base class does it, and detaches it as well.
        """
        properties = dict(properties,
                          storpool_request=_request_key(volume['name_id']))
        return super(StorPoolDriver, self)._attach_volume(
            context, volume, properties, remote=remote)

    @contextlib.contextmanager
    def _attached_snapshot(self, volume, name):
        """Have a StorPool snapshot attached here while the body runs.

        :returns: the path of its device
        """
        data = {
            'client_id': self._client_id({'host': CONF.host}),
            'volume': volume['name_id'],
            'access_mode': 'ro',
            'storpool_snapshot': name,
            'storpool_request': _request_key(name),
        }
        with _backend_errors('attach snapshot', name):
            connector = utils.brick_get_connector('STORPOOL')
            device = connector.connect_volume(data)
        try:
            yield device['path']
        finally:
            with _backend_errors('detach snapshot', name):
                connector.disconnect_volume(data, device)

    # Images.

    def clone_image(self, context, volume, image_location, image_meta,
                    image_service):
        """Clone the volume that Glance keeps an image in, if it is here.

        Cinder itself clones such volumes of the same pool only.  Like that,
        it has to be allowed, by allowed_direct_url_schemes.

        :param context: the context of the request
        :param volume: the volume to create
        :param image_location: the direct URL of the image, and its locations
        :param image_meta: the metadata of the image
        :param image_service: not used
        :returns: no changes to the record of the volume, whether it was made
        :raises VolumeBackendAPIException: StorPool refused, or did not answer
        """
        if (image_location and not volume['encryption_key_id'] and
                'cinder' in getattr(CONF, 'allowed_direct_url_schemes', ()) and
                image_meta.get('disk_format') == 'raw' and
                image_meta.get('container_format') == 'bare'):
            for volume_id in _image_volume_ids(image_location):
                source = self._image_volume(context, volume_id, image_meta)
                if source is not None and source['size'] <= volume['size']:
                    self.create_cloned_volume(volume, source)
                    return None, True
        return None, False

    def _image_volume(self, context, volume_id, image_meta):
        """Return the volume of an image, None if it may not be cloned.

        It has to belong to the owner of the image, or to Glance on his
        behalf: anybody can make an image with the location of any volume.
        """
        try:
            found = self.db.volume_get(context.elevated(), volume_id)
        except exception.VolumeNotFound:
            return None
        owners = [found['project_id']] + [
            item['value'] for item in found['volume_metadata'] or ()
            if item['key'] == 'image_owner']
        if (image_meta.get('owner') in owners and
                not found['encryption_key_id'] and
                self._exists(self._volume_name(found))):
            return found
        return None

    def copy_volume_to_image(self, context, volume, image_service,
                             image_meta):
        """Upload a volume as an image.

        The image is made from a temporary snapshot, so the volume may be in
        use.

        :param context: the context of the request
        :param volume: the volume
        :param image_service: where to upload it
        :param image_meta: the metadata of the image
        :raises VolumeBackendAPIException: StorPool refused, or did not answer
        """
        snapshot = self._attach_db.volsnapName(volume['name_id'],
                                               context.request_id)
        with self._temporary_snapshot(self._volume_name(volume), snapshot):
            with self._attached_snapshot(volume, snapshot) as path:
                image_utils.upload_volume(context, image_service, image_meta,
                                          path)

    # Pools and statistics.

    def get_pool(self, volume):
        """Return the pool that a volume belongs to.

        :param volume: the volume
        :returns: the name of the pool
        """
        template = self._template(volume)
        return TEMPLATE_POOL_PREFIX + template if template else DEFAULT_POOL

    def get_volume_stats(self, refresh=False):
        """Return what the scheduler wants to know, with sizes in GiB.

        There is a pool for each template, with the space of its disks when
        all copies of the data are counted.  While StorPool does not answer
        it is what it said last; before that the pool is full, so that the
        service can start and the scheduler chooses another backend.

        :param refresh: ask StorPool instead of returning what it said last
        :returns: a dictionary
        """
        if refresh or not self._stats:
            try:
                with _backend_errors('get statistics of', 'the cluster'):
                    self._stats = self._backend_stats(self._get_pools())
            except exception.VolumeBackendAPIException:
                if not self._stats:
                    return self._backend_stats(
                        [self._pool_stats(DEFAULT_POOL, (0, 0))])
        return self._stats

    def _get_pools(self):
        """Ask StorPool for its templates and disks, and describe the pools."""
        pools = []
        default = None
        everything = 0
        for status in sorted(self._api.volumeTemplatesStatus(),
                             key=lambda status: status.name):
            space = _template_space(status, self._replication(status))
            provisioned = _provisioned(status)
            everything += provisioned
            pools.append(self._pool_stats(
                TEMPLATE_POOL_PREFIX + status.name, space, provisioned,
                **{TEMPLATE_SPEC: status.name}))
            if status.name == self.configuration.storpool_template:
                default = self._pool_stats(DEFAULT_POOL, space, provisioned)
        return [default or self._untemplated_pool(everything)] + pools

    def _untemplated_pool(self, provisioned):
        """Describe the pool of volumes without a template, on all disks."""
        copies = self.configuration.storpool_replication
        raw = _raw_capacity(six.itervalues(self._api.disksList()))
        return self._pool_stats(DEFAULT_POOL, [space / copies
                                               for space in raw], provisioned)

    def _pool_stats(self, name, space, provisioned=0, **capabilities):
        """Describe a pool to the scheduler.

        Always with the same keys: Pike's scheduler fails on the report of a
        pool that has got one more, and on all after it until it is restarted
        (cinder/scheduler/host_manager.py, _get_updated_pools, 11.2.2).

        :param space: the total and the free space for data, in bytes
        :param provisioned: the size of the volumes there, in bytes
        """
        found = dict(capabilities,
                     pool_name=name,
                     total_capacity_gb=_gib(space[0]),
                     free_capacity_gb=_gib(space[1]),
                     provisioned_capacity_gb=_gib(provisioned),
                     reserved_percentage=self.configuration.safe_get(
                         'reserved_percentage') or 0,
                     thin_provisioning_support=True,
                     thick_provisioning_support=False,
                     QoS_support=False,
                     filter_function=self.get_filter_function(),
                     goodness_function=self.get_goodness_function())
        ratio = self.configuration.safe_get('max_over_subscription_ratio')
        if ratio:
            found['max_over_subscription_ratio'] = float(ratio)
        return found

    def _backend_stats(self, pools):
        """Describe the backend to the scheduler."""
        return {
            'volume_backend_name': self._backend_name(),
            'vendor_name': 'StorPool',
            'driver_version': self.VERSION,
            'storage_protocol': 'storpool',
            'sparse_copy_volume': True,
            'pools': pools,
        }

    def _backend_name(self):
        """Return the name that volume types know this backend by."""
        return (self.configuration.safe_get('volume_backend_name') or
                'storpool')

    def _replication(self, template):
        """Return how many copies a template keeps; '-' if it does not say."""
        if template.replication in (None, '-'):
            return self.configuration.storpool_replication
        return template.replication

    # Changing type and place.

    def retype(self, context, volume, new_type, diff, host):
        """Give a volume another type, without copying it.

        Only the template matters to StorPool; encryption and the backend
        cannot be changed in this way.

        :param context: not used
        :param volume: the volume
        :param new_type: the new type
        :param diff: how it differs, pairs of old and new
        :param host: not used, a pool does not decide about the template
        :returns: whether the volume has the new type now
        :raises VolumeBackendAPIException: StorPool refused, or did not answer
        """
        specs = diff.get('extra_specs') or {}
        if _encryption_changes(diff):
            LOG.info('StorPool: retyping volume %s would change its '
                     'encryption', volume['id'])
            return False
        backend = specs.get('volume_backend_name', (None, None))[1]
        if backend not in (None, self._backend_name()):
            LOG.info('StorPool: retyping volume %(volume)s would move it to '
                     'backend %(backend)s',
                     {'volume': volume['id'], 'backend': backend})
            return False

        old, new = [
            _specs_template(dict((key, pair[side])
                                 for key, pair in specs.items()))
            for side in (0, 1)]
        if old != new:
            self._update(
                self._volume_name(volume),
                **self._placement(new or
                                  self.configuration.storpool_template))
        return True

    def update_migrated_volume(self, ctxt, volume, new_volume,
                               original_volume_status):
        """Give a migrated volume the name of the original, if possible.

        It is not while the volume is in use, since a host knows it by its
        name.  A name id keeps the volume and its name together then.

        :param ctxt: the context of the request
        :param volume: the original volume
        :param new_volume: the volume that it was copied to
        :param original_volume_status: the status before the migration
        :returns: the changes to the record of the volume
        :raises VolumeBackendAPIException: it is unknown which name the volume
            has in StorPool, or it was used while it was copied
        """
        name = self._volume_name(new_volume)
        wanted = self._attach_db.volumeName(volume['id'])
        renamed = {'_name_id': None}
        if original_volume_status == 'available':
            self._check_unused(ctxt, volume, new_volume)
            if not self._exists(wanted):
                if self._rename(name, wanted):
                    return renamed
            elif (wanted == self._volume_name(volume) and
                  self._swap(wanted, name)):
                # The original, which cinder deletes now, has the name of the
                # copy.  Cinder gives its record the name id that the volume
                # has here, and that of the original if it has none.
                volume['_name_id'] = new_volume['name_id']
                return renamed
        return {'_name_id': new_volume['name_id']}

    def _check_unused(self, ctxt, volume, new_volume):
        """See that nobody began to use a volume while it was copied.

        Cinder allows that unless the migration locks the volume, and then
        deletes the original with what was written to it.  The records that
        it passes are older than the copy.

        :raises VolumeBackendAPIException: somebody did
        """
        found = self.db.volume_get(ctxt.elevated(), volume['id'])
        if (found['status'] not in MIGRATING or
                found['size'] != new_volume['size']):
            message = (_('StorPool: volume %(volume)s was used while it was '
                         'copied, it is %(status)s with %(size)s GiB now: it '
                         'stays where it is') %
                       {'volume': volume['id'], 'status': found['status'],
                        'size': found['size']})
            LOG.error(message)
            raise exception.VolumeBackendAPIException(data=message)

    def _exists(self, name):
        """Tell whether there is a StorPool volume of a name."""
        with _backend_errors('find volume', name):
            try:
                self._api.volumeList(name)
            except spapi.ApiError as exc:
                if exc.name != 'objectDoesNotExist':
                    raise
                return False
            return True

    def _rename(self, name, new_name):
        """Rename a StorPool volume.

        :returns: whether it has the new name
        """
        try:
            self._update(name, rename=new_name)
        except exception.VolumeBackendAPIException:
            # It may have been done, and only the answer got lost.
            return self._exists(new_name) and not self._exists(name)
        return True

    def _swap(self, one, other):
        """Swap the names of two StorPool volumes.

        :returns: whether they are swapped; if not, they are as before
        :raises VolumeBackendAPIException: neither could be done
        """
        aside = other + '--swap'
        if self._exists(aside):
            LOG.error('StorPool: there is a volume %s of a migration that '
                      'was interrupted', aside)
            return False
        begun = []
        try:
            for step in ((one, aside), (other, one), (aside, other)):
                begun.append(step)
                if not self._rename(*step):
                    break
            else:
                return True
        except exception.VolumeBackendAPIException:
            pass  # nobody knows whether it was done
        if not all([self._rename_back(new_name, name)
                    for name, new_name in reversed(begun)]):
            message = (_('StorPool: cannot give the volumes of a migration '
                         'their names back. If there is a volume %(aside)s, '
                         'rename it to %(one)s by hand, and what has that '
                         'name to %(other)s') %
                       {'one': one, 'other': other, 'aside': aside})
            LOG.error(message)
            raise exception.VolumeBackendAPIException(data=message)
        return False

    def _rename_back(self, name, new_name):
        """Rename a StorPool volume, if there is one, after some attempts.

        :returns: whether that name is free now
        """
        for attempt in range(CLEANUP_ATTEMPTS):
            if attempt:
                time.sleep(CLEANUP_INTERVAL)
            try:
                if not self._exists(name) or self._rename(name, new_name):
                    return True
            except exception.VolumeBackendAPIException:
                LOG.warning('StorPool: cannot rename %(name)s to '
                            '%(new_name)s yet',
                            {'name': name, 'new_name': new_name})
        return False

    def migrate_volume(self, context, volume, host):
        """Move a volume to another pool of this backend, without copying it.

        Here the pool decides, the operator has named it; but the template of
        the volume's type comes first.

        :param context: not used
        :param volume: the volume
        :param host: where to, 'host' is host@backend#pool
        :returns: whether it is there now, no changes to its record
        :raises VolumeBackendAPIException: StorPool refused, or did not answer
        """
        backend, pool = [volume_utils.extract_host(host['host'], level=level)
                         for level in ('backend', 'pool')]
        if backend != volume_utils.extract_host(self.host, level='backend'):
            return False, None
        template = (_type_template(volume) or _pool_template(pool) or
                    self.configuration.storpool_template)
        self._update(self._volume_name(volume), **self._placement(template))
        return True, None
