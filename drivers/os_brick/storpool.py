# SPDX-License-Identifier: Apache-2.0
# Installed by sp-openstack; edits here are lost when it is upgraded or taken out.
"""Attach StorPool volumes to this host.

One source for os-brick 1.0 to 1.15: os_brick/initiator/storpool.py where
all connectors live in initiator/connector.py (before 1.6), otherwise
os_brick/initiator/connectors/storpool.py.

How a volume is attached.  Every service of the host that needs a volume puts
a request for it into the file that StorPool's AttachDB keeps, and takes it
out again; the volume is attached to the host as long as there is a request.

1. Under the lock of the file: the request is added, and it is seen whether
   the volume has the rights that are wanted already.
2. Without the lock, since other services give up on it after ten seconds:
   VolumesReassignWait attaches and waits for StorPool's client on the host.
   Nobody detaches meanwhile, they see the request.  It gives a volume all
   rights, so it does not matter when it comes.  Read-only is another matter,
   it could take rights from a request that came later: a volume is attached
   read-only under the lock, by VolumesReassign, and a device that was there
   before is not taken for the new one.
3. The device is waited for.
4. If anything failed, the request goes, and the attachment if it is new.

How it is detached.  Under the lock, the request is taken out; if there is no
other one, VolumesReassign detaches.  While the device is open that is tried
again, ten times in two seconds, each time under the lock and with a look at
the requests; then it is done by force.  At the end, without the lock, the
device is waited for to vanish, so that whoever attaches the volume next does
not find it.

AttachDB supplies the lock, the file and the names.  Its sync() is not used:
it attaches the volumes of all requests in the file, also the forgotten ones,
it holds the lock while it waits for a device to appear, it does not tell that
none appeared, and in some versions it detaches a volume that somebody else on
the host has requested or never returns.
"""

from __future__ import absolute_import
from __future__ import division

import contextlib
import os
import random
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
ATTACH_FILE = '/var/spool/openstack-storpool/openstack-attach.json'

# How long a device may take to appear, to vanish or to change its size.
DEVICE_ATTEMPTS = 40
DEVICE_INTERVAL = 0.25  # seconds

# How long StorPool waits for a client of its that is not there.
CLIENT_TIMEOUT = 10  # seconds

# How long a device that is being detached may stay open.
DETACH_ATTEMPTS = 10
DETACH_INTERVAL = 0.2  # seconds

# What took longer to fail is not tried again.
PATIENCE = 5  # seconds

# How many requests are looked at, when a volume is attached, that may be for
# volumes that were deleted.
MAX_SUSPECTS = 3

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


def _is_nova_key(key, volume_id):
    """Tell whether a request is one of nova's for a volume."""
    return key.startswith('brick-') and key.endswith('-' + volume_id)


def _request(db, client, connection_properties, mode):
    """Describe an attachment the way the attachment file does.

    The cinder driver names its own requests, so that what it attaches for a
    copy is not taken for what nova attached for an instance on the same host.
    Otherwise the key has the client id of this host, whatever cinder sent:
    after an evacuation or a migration that failed nova detaches with what it
    was sent for the other host.
    """
    volume_id = _required(connection_properties, 'volume')
    snapshot = connection_properties.get('storpool_snapshot')
    return {
        'volume': snapshot or db.volumeName(volume_id),
        'type': 'brick',
        'id': (connection_properties.get('storpool_request') or
               'brick-%d-%s' % (client, volume_id)),
        'rights': RIGHTS[mode],
        'volsnap': bool(snapshot),
        'remove_on_detach': True,
    }


def _read(db):
    """Return the requests in the attachment file.

    StorPool's bindings truncate it and then write it, so it may have been
    cut short by a power failure.

    :raises BrickException: these are no requests
    """
    try:
        requests = db.get()
        if all('volume' in request for request in requests.values()):
            return requests
        reason = _('these are no requests')
    except (AttributeError, TypeError, ValueError) as exc:
        reason = encodeutils.exception_to_unicode(exc)
    raise exception.BrickException(
        _("StorPool: cannot read '%(file)s', has it been cut short? Make it "
          "JSON again, {} for no requests: %(reason)s") %
        {'file': getattr(db, '_fname', ATTACH_FILE), 'reason': reason})


def _device_path(name):
    """Return the path of the device of a StorPool volume or snapshot."""
    return os.path.join(DEVICE_DIR, name)


def _identity(path):
    """Return what tells a device from another of its name, None if none."""
    try:
        link = os.lstat(path)
        return link.st_ino, link.st_ctime, os.stat(path).st_rdev
    except OSError:
        return None


class _Attachment(object):
    """One request in the attachment file, and the attachment it is for."""

    def __init__(self, api, client, request):
        self._api = api
        self._client = client
        self._request = request
        self._key = request['id']
        self._name = request['volume']
        self._path = _device_path(self._name)
        self._kind = 'snapshot' if request['volsnap'] else 'volume'
        self._previous = None  # the request that acquire() replaced
        self._added = False  # whether acquire() put its request down
        self._touched = False  # whether it told StorPool to attach

    @staticmethod
    @contextlib.contextmanager
    def _locked():
        """Have the attachment file locked while the body runs.

        :returns: an AttachDB, a new one because it caches what it read
        """
        db = spopenstack.AttachDB(log=LOG)
        with db:
            yield db

    def acquire(self):
        """Put the request down and attach; undo both if that fails.

        :returns: the path of the device
        :raises BrickException: the device did not appear
        """
        try:
            with self._locked() as db:
                self._add(db)
                order, stale = self._attach(db)
            if order:
                self._api.volumesReassignWait({
                    'reassign': [order], 'attachTimeout': CLIENT_TIMEOUT})
            return self._wait_for_device(stale)
        except BaseException:  # also a timeout of eventlet
            self._undo()
            raise

    def release(self, volume_id=None):
        """Take the request out and detach, unless others have requests.

        :param volume_id: the volume whose other requests of nova go as well;
            the older driver and other hosts' client ids made other keys
        """
        identity = _identity(self._path)
        removed = failed = False
        for attempt in range(DETACH_ATTEMPTS + 1):
            last = attempt == DETACH_ATTEMPTS
            if attempt:
                time.sleep(DETACH_INTERVAL)
            began = time.time()
            try:
                with self._locked() as db:
                    if not removed:
                        self._remove(db, volume_id)
                        removed = True
                    if self._of_this_volume(db):
                        LOG.info('StorPool: %s stays attached, there are '
                                 'other requests for it', self._name)
                        return
                    if not self._rights_here(self._attachments()):
                        return
                    if self._detach(force=last):
                        break
            except Exception as exc:
                # With the request gone nobody else would see to it, so one
                # bad answer is forgiven; but the bindings themselves have
                # been patient with a StorPool that does not answer.
                if (failed or last or not removed or
                        time.time() - began > PATIENCE):
                    raise
                failed = True
                LOG.warning('StorPool: detaching %(name)s is tried again: '
                            '%(exc)s', {'name': self._name, 'exc': exc})
        self._wait_to_vanish(identity)

    def _add(self, db):
        """Put the request down."""
        self._previous = _read(db).get(self._key)
        self._added = True
        db.add(self._key, self._request)

    def _remove(self, db, volume_id):
        """Take the request out, and nova's others for a volume."""
        db.remove_keys([
            key for key in _read(db) if key == self._key or
            volume_id is not None and _is_nova_key(key, volume_id)])

    def _undo(self):
        """Bring back what was before acquire(); never raises."""
        try:
            if self._touched and self._previous is None:
                self.release()
            elif self._added:
                with self._locked() as db:
                    if self._previous is None:
                        db.remove(self._key)
                    else:
                        db.add(self._key, self._previous)
        except Exception:
            LOG.exception('StorPool: could not undo the failed attachment '
                          'of %s', self._name)

    def _of_this_volume(self, db):
        """Return all requests in the file for the same volume."""
        return [request for request in _read(db).values()
                if request['volume'] == self._name]

    def _attachments(self):
        """Return the rights of what is attached here, by snapshot, name.

        :raises ValueError: the answer makes no sense, and nothing of it may
            be taken for what is not attached
        """
        found = self._api.attachmentsList()
        if any(None in (desc.client, desc.volume) for desc in found):
            raise ValueError('an attachment without a client or a volume')
        return dict(((bool(desc.snapshot), desc.volume), RIGHTS[desc.rights])
                    for desc in found if desc.client == self._client)

    def _rights_here(self, attachments):
        """Return the rights the volume is attached with, 0 if it is not."""
        return attachments.get((self._request['volsnap'], self._name), 0)

    def _attach(self, db):
        """See to the most rights that any of the requests wants.

        :returns: an order that is still to be given, without the lock, or
            None, and the identity of a device that will vanish, or None
        """
        attachments = self._attachments()
        self._forget_deleted(db, attachments)
        rights = max(request['rights'] for request in self._of_this_volume(db))
        here = self._rights_here(attachments)
        if here >= rights:
            return None, None
        self._touched = True
        mode = 'rw' if rights == RIGHTS['rw'] else 'ro'
        order = {self._kind: self._name, mode: [self._client]}
        if mode == 'rw' or self._kind == 'snapshot':
            return order, None
        stale = None if here else _identity(self._path)
        self._api.volumesReassign(json=[order])
        return None, stale

    def _forget_deleted(self, db, attachments):
        """Drop requests for what was deleted while this host was down.

        Only what is not attached is looked at, and some of it each time.
        """
        suspects = [
            (key, request) for key, request in _read(db).items()
            if (bool(request.get('volsnap')), request['volume'])
            not in attachments and request['volume'] != self._name]
        for key, request in random.sample(suspects,
                                          min(len(suspects), MAX_SUSPECTS)):
            if not self._exists(request):
                LOG.info('StorPool: dropped the request %(key)s, there is '
                         'no %(name)s any more',
                         {'key': key, 'name': request['volume']})
                db.remove(key)

    def _exists(self, request):
        """Tell whether what a request is for exists, as far as is known."""
        find = (self._api.snapshotList if request.get('volsnap')
                else self._api.volumeList)
        try:
            find(request['volume'])
        except spapi.ApiError as exc:
            return exc.name != 'objectDoesNotExist'
        return True

    def _detach(self, force):
        """Detach once.

        Whoever used the device has closed it by now, but something that
        looks at new block devices may still hold it open for a moment.

        :returns: False if the device is open, which force does not heed
        """
        try:
            self._api.volumesReassign(json=[
                {self._kind: self._name, 'detach': [self._client],
                 'force': force}])
        except spapi.ApiError as exc:
            if exc.name == 'objectDoesNotExist':
                return True
            if force or 'is open at' not in exc.desc:
                raise
            return False
        return True

    def _wait_for_device(self, stale):
        """Wait for the device to appear, and return its path.

        :param stale: the identity of one that will vanish, which is good
            enough in the end
        """
        for _attempt in range(DEVICE_ATTEMPTS):
            if _identity(self._path) not in (None, stale):
                return self._path
            time.sleep(DEVICE_INTERVAL)
        if _identity(self._path) is not None:
            return self._path
        raise exception.BrickException(
            _('StorPool: %(name)s was attached to client %(client)s, but '
              '%(path)s did not appear on this host.') %
            {'name': self._name, 'client': self._client, 'path': self._path})

    def _wait_to_vanish(self, identity):
        """Wait for the device to vanish, or for another in its place."""
        for _attempt in range(DEVICE_ATTEMPTS):
            found = _identity(self._path)
            if found is None or found != identity:
                return
            time.sleep(DEVICE_INTERVAL)
        LOG.warning('StorPool: %(name)s was detached, but %(path)s is still '
                    'there', {'name': self._name, 'path': self._path})


class StorPoolConnector(BaseLinuxConnector):
    """Attach and detach StorPool volumes on this host.

    Creating one needs neither the StorPool bindings nor their configuration:
    nova-compute creates all connectors when it starts.  The operations need
    both.

    The connection properties that the StorPool cinder driver supplies:

    * volume: the id of the volume in cinder
    * client_id (optional): not used, this host knows its own
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

        A volume that is not attached is not an error.  A device that stays
        open is detached by force in the end, but not at once if force is
        set: Pike's cinder sets it for every volume.

        :param connection_properties: see the class; access_mode is not used
        :param device_info: what connect_volume() returned, not used
        :param force: see ignore_errors
        :param ignore_errors: with force, log errors instead of raising them
        :raises BrickException: a connection property is missing or wrong,
            the StorPool bindings or their configuration are missing, or
            StorPool refused or did not answer
        """
        try:
            volume_id = _required(connection_properties, 'volume')
            with _brick_errors('detach', volume_id):
                self._attachment(connection_properties, 'ro').release(
                    None if connection_properties.get('storpool_request')
                    else volume_id)
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
        return _Attachment(
            db.api(), client,
            _request(db, client, connection_properties, mode))

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
        return db.api().volumeList(name)[0].size

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
