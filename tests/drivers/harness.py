# SPDX-License-Identifier: Apache-2.0
"""What the tests of the drivers share.

By default a test runs once for each release, on stand-ins for OpenStack.  In
an environment with a real release, into which the drivers were installed,
SP_TEST_RELEASE names that release and the tests run on the real thing.

Either way the drivers talk, through the real StorPool bindings, to a
simulated cluster; without the bindings these tests are skipped, unless
SP_TEST_BINDINGS says that there are some.
"""

from __future__ import absolute_import
from __future__ import division

import importlib
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import simulator
import standins

try:
    from storpool import spapi
    from storpool import spconfig
    from storpool import spopenstack
    BINDINGS = None
except ImportError as missing:
    if os.environ.get('SP_TEST_BINDINGS'):
        raise
    spapi = spconfig = spopenstack = None
    BINDINGS = 'the StorPool bindings are not installed (%s)' % missing

REAL = os.environ.get('SP_TEST_RELEASE')
RELEASES = (REAL,) if REAL else standins.RELEASES
BRICK_LAYOUTS = ('real',) if REAL else standins.BRICK_LAYOUTS

GIB = simulator.GIB
TOKEN = '1234567890'
CLIENT = 7
OTHER_HOST, OTHER_CLIENT = 'other-host', 8
VOLUME_ID = '00000000-0000-0000-0000-000000000001'
OTHER_ID = '00000000-0000-0000-0000-000000000002'


def _no_loop_devices():
    """Return why there are no loop devices, or ''."""
    try:
        with tempfile.NamedTemporaryFile() as store:
            store.truncate(simulator.SECTOR * 8)
            loop = subprocess.check_output(
                ('losetup', '--find', '--show', store.name),
                stderr=subprocess.STDOUT).decode('ascii').strip()
            subprocess.check_call(('losetup', '--detach', loop))
    except (OSError, subprocess.CalledProcessError) as exc:
        return 'there are no loop devices here (%s)' % exc
    return ''


NO_LOOP_DEVICES = _no_loop_devices()
LOOP_DEVICES = not NO_LOOP_DEVICES


def volume_name(volume_id=VOLUME_ID):
    """Return the StorPool name of a volume."""
    return 'os--volume-' + volume_id


def snapshot_name(snapshot_id):
    """Return the StorPool name of a snapshot."""
    return 'os--snap--none--snapshot-' + snapshot_id


def for_each(values, attribute):
    """Make subclasses of a test class, one for each value of an attribute.

    The class itself is not run, nor can it be referred to any more.
    """
    def decorate(cls):
        module = sys.modules[cls.__module__]
        for value in values:
            name = '%s_%s' % (cls.__name__, value.replace('.', '_'))
            setattr(module, name, type(name, (cls,), {
                attribute: value, '__module__': cls.__module__}))
    return decorate


class Record(dict):
    """A record of cinder, which can be read in two ways."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name)


class Context(object):
    """The context of a request."""

    request_id = 'req-1'
    user_id = project_id = 'somebody'

    def elevated(self):
        """Return the context of an administrator."""
        return self


class Images(object):
    """An image service."""

    def __init__(self):
        self.images = {}

    def upload(self, image_id, content):
        """Store an image."""
        self.images[image_id] = content.rstrip(b'\0')

    def download(self, image_id):
        """Return an image."""
        return self.images[image_id]


class Database(object):
    """Cinder's database: the volumes that were changed since, by id."""

    def __init__(self):
        self.volumes = {}

    def volume_get(self, _context, volume_id):
        """Return the record of a volume."""
        return self.volumes.get(volume_id, Record(status='available', size=1))


class Configuration(object):
    """The configuration of a backend."""

    def __init__(self, **values):
        self.__dict__.update(values)

    def append_config_values(self, opts):
        """Add options."""
        for opt in opts:
            self.__dict__.setdefault(opt.name, opt.default)

    def safe_get(self, name):
        """Return the value of an option, or None."""
        return self.__dict__.get(name)


class Case(unittest.TestCase):
    """A test with a simulated cluster, and the drivers of one release."""

    release = RELEASES[-1]
    layout = None

    # What the simulated cluster shows on hosts.
    devices_class = simulator.FileDevices

    # How long the bindings wait for an answer, in seconds.
    timeout = 300

    def setUp(self):
        if BINDINGS:
            self.skipTest(BINDINGS)
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        self.directory = tempfile.mkdtemp(prefix='storpool-drivers-')
        self.addCleanup(shutil.rmtree, self.directory)
        self._start_cluster()
        self._configure_bindings()
        self._load_drivers()
        self._adjust_drivers()
        self.prepare()

    def prepare(self):
        """What a test class adds to setUp()."""

    def patch(self, target, name, value):
        """Replace an attribute until the test ends."""
        had = name in vars(target)
        old = vars(target).get(name)
        setattr(target, name, value)
        if had:
            self.addCleanup(setattr, target, name, old)
        else:
            self.addCleanup(delattr, target, name)

    def _start_cluster(self):
        """Start the simulated cluster, with this host and another."""
        self.cluster = simulator.Simulator(TOKEN, self.devices_class())
        self.cluster.__enter__()
        self.addCleanup(self.cluster.__exit__)
        self.device_dir = os.path.join(self.directory, 'dev')
        other_dir = os.path.join(self.directory, 'other')
        os.mkdir(self.device_dir)
        os.mkdir(other_dir)
        self.cluster.add_client(CLIENT, self.device_dir)
        self.cluster.add_client(OTHER_CLIENT, other_dir)

    def _configure_bindings(self):
        """Let the bindings find the cluster and the attachment file."""
        self.config_file = os.path.join(self.directory, 'storpool.conf')
        self.configure()
        self.patch(spconfig.SPConfig, 'PATH_CONFIG', self.config_file)
        self.patch(spconfig.SPConfig, 'PATH_CONFIG_DIR',
                   os.path.join(self.directory, 'none'))
        self.attach_file = os.path.join(self.directory, 'attach.json')
        self.write_requests({})
        self.patch(spopenstack, 'AttachDB', self._attach_db_class())
        self.slept = []
        self.patch(time, 'sleep', self.slept.append)

    def _attach_db_class(self):
        """Return an AttachDB with the test's file and timeout."""
        case = self

        class AttachDB(spopenstack.AttachDB):
            """The real one, apart from what has no setting."""

            def __init__(self, log):
                super(AttachDB, self).__init__(log=log,
                                               fname=case.attach_file)

            def api(self):
                """Return the API connection."""
                found = super(AttachDB, self).api()
                setattr(found, '_timeout', case.timeout)
                return found

        return AttachDB

    def configure(self, port=None, token=TOKEN, client=CLIENT, more=''):
        """Write the StorPool configuration."""
        with open(self.config_file, 'w') as opened:
            opened.write('SP_API_HTTP_HOST=127.0.0.1\n'
                         'SP_API_HTTP_PORT=%s\n'
                         'SP_AUTH_TOKEN=%s\n%s\n'
                         '[%s]\nSP_OURID=%s\n'
                         '[%s]\nSP_OURID=%s\n' % (
                             port or self.cluster.port, token, more,
                             platform.node(), client,
                             OTHER_HOST, OTHER_CLIENT))

    def _load_drivers(self):
        """Import the drivers, with the stand-ins around them."""
        if not REAL:
            loaded = standins.installed(self.release, self.layout)
            loaded.__enter__()
            self.addCleanup(loaded.__exit__, None, None, None)

    def _adjust_drivers(self):
        """Make the drivers run without privileges and services."""
        self.brick = self._brick_module()
        self.BrickException = self.module('os_brick.exception').BrickException
        self.patch(self.brick, 'DEVICE_DIR', self.device_dir)
        connector = self.brick.StorPoolConnector
        self.patch(connector, '_execute', None)
        self.patch(connector, '_execute',
                   property(lambda _self: self.run_command,
                            lambda _self, _execute: None))
        self.patch(connector, 'check_valid_device',
                   lambda _self, path, run_as_root=True: os.path.exists(path))

    @staticmethod
    def module(name):
        """Import a module."""
        return importlib.import_module(name)

    def _brick_module(self):
        """Return the os-brick driver."""
        try:
            return self.module('os_brick.initiator.connectors.storpool')
        except ImportError:
            return self.module('os_brick.initiator.storpool')

    def run_command(self, *command, **_kwargs):
        """Stand in for the command that os-brick runs as root."""
        self.assertEqual(('blockdev', '--getsize64'), command[:2])
        return '%d\n' % os.path.getsize(command[2]), ''

    # What the tests make.

    def make_connector(self, **kwargs):
        """Make an os-brick connector as the services do."""
        factory = self.module(
            'os_brick.initiator.connector').InitiatorConnector.factory
        return factory('STORPOOL', 'sudo', **kwargs)

    def properties(self, **kwargs):
        """Return connection properties; those that are None are left out."""
        found = {'client_id': CLIENT, 'volume': VOLUME_ID,
                 'access_mode': 'rw'}
        found.update(kwargs)
        return dict((key, value) for key, value in found.items()
                    if value is not None)

    def create(self, name=None, size=1, **kwargs):
        """Create a StorPool volume, its size in GiB."""
        name = name or volume_name()
        kwargs.setdefault('replication', 3)
        self.call('volumeCreate', dict(kwargs, name=name, size=size * GIB))
        return self.cluster.volumes[name]

    def call(self, method, *args, **kwargs):
        """Make a call to the cluster, through the bindings."""
        api = spapi.Api(port=self.cluster.port, auth=TOKEN)
        return getattr(api, method)(*args, **kwargs)

    # What the tests look at.

    def device(self, name=None):
        """Return the path of a device."""
        return os.path.join(self.device_dir, name or volume_name())

    def devices(self):
        """Return the names of all devices on this host."""
        return sorted(os.listdir(self.device_dir))

    def requests(self):
        """Return the requests in the attachment file."""
        with open(self.attach_file) as opened:
            return json.load(opened)

    def write_requests(self, requests):
        """Write the attachment file."""
        with open(self.attach_file, 'w') as opened:
            json.dump(requests, opened)

    def add_request(self, key, rights=2, name=None):
        """Add somebody else's request to the attachment file."""
        requests = self.requests()
        requests[key] = {'volume': name or volume_name(), 'type': 'brick',
                         'id': key, 'rights': rights, 'volsnap': False,
                         'remove_on_detach': True}
        self.write_requests(requests)

    def count_calls(self, operation):
        """Run an operation and return how many calls it made."""
        before = len(self.cluster.calls)
        operation()
        return len(self.cluster.calls) - before


class CinderCase(Case):
    """A test of the cinder driver."""

    def _adjust_drivers(self):
        super(CinderCase, self)._adjust_drivers()
        self.storpool = self.module('cinder.volume.drivers.storpool')
        self.exception = self.module('cinder.exception')
        self.types = {}
        self.patch(self.module('cinder.volume.volume_types'),
                   'get_volume_type_extra_specs',
                   lambda type_id, key=False: self.types[type_id])
        self.patch(self.module('cinder.utils'),
                   'brick_get_connector_properties',
                   lambda *_args, **_kwargs: {'host': self.storpool.CONF.host})
        image_utils = self.module('cinder.image.image_utils')
        # pylint: disable=protected-access
        self.patch(image_utils, 'upload_volume', standins._upload_volume)
        self.patch(image_utils, 'fetch_to_raw', standins._fetch_to_raw)
        self.images = Images()
        self.context = Context()

    def make_driver(self, **values):
        """Make a driver, set up, with a configuration."""
        made = self.raw_driver(**values)
        made.do_setup(None)
        made.check_for_setup_error()
        return made

    def raw_driver(self, **values):
        """Make a driver, not set up, with a configuration."""
        host = self.storpool.CONF.host + '@storpool'
        if not REAL:
            return self.storpool.StorPoolDriver(
                configuration=Configuration(**values), host=host,
                db=Database())
        conf = self.module('oslo_config.cfg').CONF
        configuration = self.module('cinder.volume.configuration')
        base = self.module('cinder.volume.driver')
        made = self.module('oslo_utils.importutils').import_object(
            'cinder.volume.drivers.storpool.StorPoolDriver',
            configuration=configuration.Configuration(
                base.volume_opts, config_group='storpool'),
            host=host, db=Database())
        for name, value in values.items():
            conf.set_override(name, value, group='storpool')
            self.addCleanup(conf.clear_override, name, group='storpool')
        return made

    def volume(self, volume_id=VOLUME_ID, **kwargs):
        """Return the record of a volume."""
        kwargs.setdefault('name_id', volume_id)
        kwargs.setdefault('volume_type_id', None)
        return Record(dict({
            'id': volume_id, 'name': 'volume-' + volume_id, 'size': 1,
            'host': 'this-host@storpool', 'encryption_key_id': None,
        }, **kwargs))

    def snapshot(self, snapshot_id='s1', volume=None, **kwargs):
        """Return the record of a snapshot."""
        volume = volume or self.volume()
        return Record(dict({
            'id': snapshot_id, 'volume': volume, 'volume_id': volume['id'],
            'volume_size': volume['size'],
        }, **kwargs))

    def typed(self, type_id='t1', **specs):
        """Make a volume type, and return its id."""
        self.types[type_id] = specs
        return type_id


class NovaCase(Case):
    """A test of the nova driver."""

    def _adjust_drivers(self):
        super(NovaCase, self)._adjust_drivers()
        self.storpool = self.module('nova.virt.libvirt.volume.storpool')
        self.exception = self.module('nova.exception')
