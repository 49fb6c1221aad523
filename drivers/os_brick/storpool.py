# SPDX-License-Identifier: Apache-2.0
# Installed by sp-openstack; edits here are lost when it is upgraded or taken out.
"""Attach StorPool volumes to this host.

One source for os-brick 1.0 to 1.15: os_brick/initiator/storpool.py where
all connectors live in initiator/connector.py (before 1.6), otherwise
os_brick/initiator/connectors/storpool.py.

Every service of the host that needs a volume puts a request for it into the
file that StorPool's AttachDB keeps; a volume is detached when its last
request goes.  AttachDB supplies the lock, the file and the names.  Its sync()
is not used: it attaches the volumes of all requests in the file, also the
forgotten ones, it holds the lock while it waits for a device to appear, it
does not tell that none appeared, and in some versions it detaches a volume
that somebody else on the host has requested or never returns.
"""

from __future__ import absolute_import
from __future__ import division

import contextlib
import os
import time

from oslo_log import log as logging
from oslo_utils import encodeutils

from os_brick import exception
from os_brick.i18n import _

try:
    from os_brick.initiator import connectors as _connectors
except ImportError:
    _connectors = None

# The connectors package may not import initiator.connector: from 1.6.1 on
# that module imports the listed connectors while it is being imported itself.
if _connectors is not None:
    from os_brick.initiator.connectors.base import BaseLinuxConnector
else:
    from os_brick.initiator import connector as _connector
    BaseLinuxConnector = getattr(_connector, 'BaseLinuxConnector',
                                 _connector.InitiatorConnector)

try:
    from storpool import spapi
    from storpool import spopenstack
except ImportError:
    spapi = None
    spopenstack = None

LOG = logging.getLogger(__name__)

DEVICE_DIR = '/dev/storpool'

# How long a device may take to appear or to change its size.
DEVICE_ATTEMPTS = 10
DEVICE_INTERVAL = 1  # seconds

# How long a device that is being detached may stay open.
DETACH_ATTEMPTS = 10
DETACH_INTERVAL = 0.2  # seconds

RIGHTS = {'ro': 1, 'rw': 2}


def _failure(action, volume_id, reason):
    """Make the exception for an operation that failed, and log it."""
    message = (_('StorPool: could not %(action)s volume %(volume)s: '
                 '%(reason)s') %
               {'action': action, 'volume': volume_id, 'reason': reason})
    LOG.error(message)
    return exception.BrickException(message)


@contextlib.contextmanager
def _brick_errors(action, volume_id):
    """Turn whatever the body raises into a BrickException.

    That is an ApiError or InvalidArgumentError of the StorPool bindings, a
    socket or HTTP error, an error in the attachment file or its lock, or
    what the bindings raise on an answer that makes no sense to them.
    """
    try:
        yield
    except exception.BrickException:
        raise
    except Exception as exc:
        LOG.debug('StorPool: %(action)s %(volume)s failed',
                  {'action': action, 'volume': volume_id}, exc_info=True)
        raise _failure(action, volume_id, '%s: %s' % (
            type(exc).__name__, encodeutils.exception_to_unicode(exc)))


def _attach_db():
    """Open StorPool's list of attachment requests, with an API connection.

    A new object for each operation: one object must not be shared by
    threads that wait for each other, and it caches what it read of the file.

    :returns: the AttachDB object and this host's StorPool client id
    :raises BrickException: the bindings or their configuration are missing
    """
    if spopenstack is None:
        raise exception.BrickException(
            _('The StorPool Python bindings, storpool and '
              'storpool.spopenstack, are not installed.'))
    try:
        db = spopenstack.AttachDB(log=LOG)
        db.api()
        client_id = db.config()['SP_OURID']
    except KeyError as exc:
        raise exception.BrickException(
            _('%s is not set in the StorPool configuration.') % exc.args[0])
    except Exception as exc:
        # The text of a parser's exception may quote the authentication
        # token, so only its name is passed on.
        raise exception.BrickException(
            _('The StorPool configuration of this host could not be read '
              '(%s); see /etc/storpool.conf.') % type(exc).__name__)
    try:
        return db, int(client_id)
    except ValueError:
        raise exception.BrickException(
            _('SP_OURID in the StorPool configuration, %s, is not a number.')
            % client_id)


def _required(connection_properties, key):
    """Return a connection property that must be there.

    :raises BrickException: the property is missing or empty
    """
    value = (connection_properties or {}).get(key)
    if value is None or value == '':
        raise exception.BrickException(
            _('Invalid StorPool connection data: no %s.') % key)
    return value


def _access_mode(connection_properties):
    """Return how to attach a volume, 'ro' or 'rw'.

    :raises BrickException: the property is missing or is something else
    """
    mode = _required(connection_properties, 'access_mode')
    if mode not in RIGHTS:
        raise exception.BrickException(
            _('Invalid StorPool connection data: access_mode %s is neither '
              'ro nor rw.') % mode)
    return mode


def _request_key(connection_properties):
    """Return the key of an attachment request.

    The cinder driver names its own, so that what it attaches for a copy is
    not taken for what nova attached for an instance on the same host.
    """
    key = connection_properties.get('storpool_request')
    if key:
        return key
    return 'brick-%s-%s' % (_required(connection_properties, 'client_id'),
                            _required(connection_properties, 'volume'))


def _request(db, connection_properties, mode):
    """Describe an attachment the way the attachment file does."""
    _required(connection_properties, 'client_id')
    volume_id = _required(connection_properties, 'volume')
    snapshot = connection_properties.get('storpool_snapshot')
    return {
        'volume': snapshot or db.volumeName(volume_id),
        'type': 'brick',
        'id': _request_key(connection_properties),
        'rights': RIGHTS[mode],
        'volsnap': bool(snapshot),
        'remove_on_detach': True,
    }


def _device_path(name):
    """Return the path of the device of a StorPool volume or snapshot."""
    return os.path.join(DEVICE_DIR, name)


class _Attachment(object):
    """One request in the attachment file, and the attachment it is for."""

    def __init__(self, db, client, request):
        self._db = db
        self._client = client
        self._request = request
        self._key = request['id']
        self._name = request['volume']
        self._touched = False  # whether acquire() told StorPool to attach

    def acquire(self):
        """Put the request down and attach; undo both if that fails.

        :returns: the path of the device
        :raises BrickException: the device did not appear
        """
        previous = self._db.get().get(self._key)
        try:
            with self._db:
                self._db.add(self._key, self._request)
                self._attach()
            return self._wait_for_device()
        except BaseException:  # also a timeout of eventlet
            self._undo(previous)
            raise

    def release(self, force):
        """Take the request out and detach, unless others have requests.

        :param force: detach at once, even if the device is open
        """
        with self._db:
            self._db.remove(self._key)
            if self._requests():
                LOG.info('StorPool: %s stays attached, there are other '
                         'requests for it', self._name)
            elif self._rights_here():
                self._detach(force)

    def _undo(self, previous):
        """Bring back what was before acquire(); never raises."""
        try:
            if previous is not None:
                self._db.add(self._key, previous)
            elif self._touched:
                self.release(force=False)
            else:
                self._db.remove(self._key)
        except Exception:
            LOG.exception('StorPool: could not undo the failed attachment '
                          'of %s', self._name)

    def _requests(self):
        """Return all requests in the file for the same volume."""
        return [request for request in self._db.get().values()
                if request.get('volume') == self._name]

    def _rights_here(self):
        """Return the rights the volume is attached with, 0 if it is not."""
        for desc in self._db.api().attachmentsList():
            if (desc.volume == self._name and desc.client == self._client and
                    bool(desc.snapshot) == self._request['volsnap']):
                return RIGHTS[desc.rights]
        return 0

    def _reassign(self, **order):
        """Tell StorPool to attach or detach."""
        kind = 'snapshot' if self._request['volsnap'] else 'volume'
        order[kind] = self._name
        self._db.api().volumesReassign(json=[order])

    def _attach(self):
        """Attach with the most rights that any of the requests wants."""
        rights = max(request['rights'] for request in self._requests())
        if self._rights_here() < rights:
            mode = 'rw' if rights == RIGHTS['rw'] else 'ro'
            self._touched = True
            self._reassign(**{mode: [self._client]})

    def _detach(self, force):
        """Detach; a device that stays open is detached by force in the end.

        Whoever used it has closed it by now, but something that looks at
        new block devices may still hold it open for a moment.
        """
        attempts = 0 if force else DETACH_ATTEMPTS
        for _attempt in range(attempts):
            if self._try_detach(force=False):
                return
            time.sleep(DETACH_INTERVAL)
        self._try_detach(force=True)

    def _try_detach(self, force):
        """Detach once.

        :returns: False if the device is open, which force does not heed
        """
        try:
            self._reassign(detach=[self._client], force=force)
        except spapi.ApiError as exc:
            if exc.name == 'objectDoesNotExist':
                return True
            if force or 'is open at' not in exc.desc:
                raise
            return False
        return True

    def _wait_for_device(self):
        """Wait for the device to appear, and return its path.

        The lock is not held: other services give up on it after ten seconds.
        """
        path = _device_path(self._name)
        for _attempt in range(DEVICE_ATTEMPTS):
            if os.path.exists(path):
                return path
            time.sleep(DEVICE_INTERVAL)
        if os.path.exists(path):
            return path
        raise exception.BrickException(
            _('StorPool: %(name)s was attached to client %(client)s, but '
              '%(path)s did not appear on this host.') %
            {'name': self._name, 'client': self._client, 'path': path})


class StorPoolConnector(BaseLinuxConnector):
    """Attach and detach StorPool volumes on this host.

    Creating one needs neither the StorPool bindings nor their configuration:
    nova-compute creates all connectors when it starts.  The operations need
    both.

    The connection properties that the StorPool cinder driver supplies:

    * volume: the id of the volume in cinder
    * client_id: the StorPool client id of the host, a part of the key of the
      attachment request
    * access_mode: 'rw' or 'ro'
    * storpool_request (optional): the key of the attachment request
    * storpool_snapshot (optional): the StorPool name of a snapshot to attach
      instead of the volume
    """

    @staticmethod
    def get_connector_properties(root_helper, *args, **kwargs):
        """Return what the connector adds to the properties of the host.

        :param root_helper: how to run commands as root, not used
        :returns: an empty dictionary
        """
        return {}

    def connect_volume(self, connection_properties):
        """Attach a volume to this host and wait for its device.

        If it fails, the volume is as attached or detached as it was before.

        :param connection_properties: see the class
        :returns: a dictionary: type 'block', path of the device
        :raises BrickException: a connection property is missing or wrong,
            the StorPool bindings or their configuration are missing, StorPool
            refused or did not answer, or the device did not appear
        """
        mode = _access_mode(connection_properties)
        volume_id = _required(connection_properties, 'volume')
        with _brick_errors('attach', volume_id):
            path = self._attachment(connection_properties, mode).acquire()
        LOG.info('StorPool: attached volume %(volume)s as %(path)s',
                 {'volume': volume_id, 'path': path})
        return {'type': 'block', 'path': path}

    def disconnect_volume(self, connection_properties, device_info,
                          force=False, ignore_errors=False):
        """Detach a volume from this host, unless others here still need it.

        A volume that is not attached is not an error.

        :param connection_properties: see the class; access_mode is not used
        :param device_info: what connect_volume() returned, not used
        :param force: detach without waiting for the device to be closed
        :param ignore_errors: with force, log errors instead of raising them
        :raises BrickException: a connection property is missing or wrong,
            the StorPool bindings or their configuration are missing, or
            StorPool refused or did not answer
        """
        try:
            volume_id = _required(connection_properties, 'volume')
            with _brick_errors('detach', volume_id):
                self._attachment(connection_properties, 'ro').release(force)
        except exception.BrickException as exc:
            if not (force and ignore_errors):
                raise
            LOG.warning('StorPool: ignored: %s', exc)
        else:
            LOG.info('StorPool: disconnected volume %s', volume_id)

    def get_search_path(self):
        """Return the directory that holds the devices.

        :returns: a path
        """
        return DEVICE_DIR

    def get_volume_paths(self, connection_properties):
        """Return the paths that a volume has or would have on this host.

        :param connection_properties: see the class; a device_path, if there
            is one, must be the path of this volume
        :returns: a list of one path
        :raises BrickException: a connection property is missing or wrong, or
            the StorPool bindings or their configuration are missing
        """
        path = self._volume_path(connection_properties)
        device_path = connection_properties.get('device_path')
        if device_path is not None and device_path != path:
            raise exception.BrickException(
                _('Invalid StorPool connection data: the device path is '
                  '%(given)s instead of %(path)s.') %
                {'given': device_path, 'path': path})
        return [path]

    def get_all_available_volumes(self, connection_properties=None):
        """Return the devices of all cinder volumes attached to this host.

        :param connection_properties: not used
        :returns: a list of paths
        :raises BrickException: the StorPool bindings or their configuration
            are missing, or the device directory cannot be read
        """
        db, _client = _attach_db()
        prefix = db.volumeName('')
        with _brick_errors('list', prefix + '*'):
            if not os.path.isdir(DEVICE_DIR):
                return []
            return [_device_path(name)
                    for name in sorted(os.listdir(DEVICE_DIR))
                    if name.startswith(prefix)]

    def extend_volume(self, connection_properties):
        """Wait until the device of a volume has the volume's new size.

        The StorPool client notices the change by itself.

        :param connection_properties: see the class
        :returns: the new size in bytes
        :raises BrickException: a connection property is missing or wrong,
            the StorPool bindings or their configuration are missing, StorPool
            did not answer, or the size of the device did not change
        """
        volume_id = _required(connection_properties, 'volume')
        with _brick_errors('extend', volume_id):
            db, _client = _attach_db()
            name = db.volumeName(volume_id)
            return self._wait_for_size(_device_path(name),
                                       self._volume_size(db, name))

    @staticmethod
    def _attachment(connection_properties, mode):
        """Return the attachment that connection properties are about."""
        db, client = _attach_db()
        return _Attachment(db, client,
                           _request(db, connection_properties, mode))

    @staticmethod
    def _volume_path(connection_properties):
        """Return the path of the device of a volume."""
        volume_id = _required(connection_properties, 'volume')
        db, _client = _attach_db()
        return _device_path(connection_properties.get('storpool_snapshot') or
                            db.volumeName(volume_id))

    @staticmethod
    def _volume_size(db, name):
        """Return the size in bytes that a volume has in StorPool."""
        for desc in db.api().volumesList():
            if desc.name == name:
                return desc.size
        raise exception.BrickException(
            _('StorPool: there is no volume %s.') % name)

    def _wait_for_size(self, path, size):
        """Wait for a device to have a size in bytes, and return that size."""
        for attempt in range(DEVICE_ATTEMPTS):
            if attempt:
                time.sleep(DEVICE_INTERVAL)
            found = self._device_size(path)
            if found == size:
                return size
        raise exception.BrickException(
            _('StorPool: the size of %(path)s is %(found)d bytes, it did not '
              'become %(size)d.') %
            {'path': path, 'found': found, 'size': size})

    def _device_size(self, path):
        """Return the size in bytes of a device."""
        out, _err = self._execute('blockdev', '--getsize64', path,
                                  run_as_root=True,
                                  root_helper=self._root_helper)
        return int(out.strip())
