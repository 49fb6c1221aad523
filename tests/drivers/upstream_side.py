# SPDX-License-Identifier: Apache-2.0
"""Run one module of upstream's tests against our driver (for upstream.py).

    upstream_side.py COMPONENT MODULE RESULT

COMPONENT is cinder, os_brick or nova; MODULE is a file of upstream's tests,
which is run as it is.  What came of each test goes to RESULT as JSON.

Upstream's tests replace the bindings by fakes that have just what upstream's
driver calls.  Here each fake is put behind what ours calls:

* names and modules of later releases are made known to this one (Known);
* the fake of AttachDB gets a lock, requests, attachments and devices, and
  what upstream asks with one call ours may ask with another (Brick, Cinder);
* a record of a volume is completed with what cinder's records have.

Nothing is made up that decides a test: what the fake does not know is what
follows from the calls that it got.
"""

from __future__ import absolute_import
from __future__ import print_function

import collections
import imp
import json
import re
import sqlite3.dbapi2
import sys
import unittest

import mock
import testtools

GI = 2 ** 30

# Where the fakes keep what they were told, in the tests' own modules.
STATE = ('volumes', 'snapshots', 'test_attached')


# ---- what later releases have -------------------------------------------

def short_super(*args):
    """Do what super() without arguments does in Python 3."""
    if args:
        return super(*args)
    frame = sys._getframe(1)  # pylint: disable=protected-access
    instance = frame.f_locals[frame.f_code.co_varnames[0]]
    for cls in type(instance).__mro__:
        for value in vars(cls).values():
            if getattr(value, '__code__', None) is frame.f_code:
                return super(cls, instance)
    raise TypeError('super() outside of a method')


def know_later_names(component):
    """Make known what later releases of Python and OpenStack have."""
    sys.modules['unittest.mock'] = unittest.mock = mock
    case = testtools.TestCase
    case.assertCountEqual = case.assertItemsEqual
    case.assertRaisesRegex = case.assertRaisesRegexp
    if component == 'cinder':
        connect = sqlite3.dbapi2.connect

        def connect_as_before(*args, **kwargs):
            """Rename tables as SQLite did when cinder's database was made."""
            connection = connect(*args, **kwargs)
            connection.execute('PRAGMA legacy_alter_table=ON')
            return connection

        sqlite3.dbapi2.connect = connect_as_before
        # pylint: disable=import-outside-toplevel
        from cinder import test
        import cinder.tests.unit
        cinder.tests.unit.test = test
        sys.modules['cinder.tests.unit.test'] = test


def load(path):
    """Load a module of tests."""
    module = imp.new_module('upstream_tests')
    module.__file__ = path
    setattr(module, 'super', short_super)
    sys.modules[module.__name__] = module
    with open(path) as opened:
        # pylint: disable=exec-used
        exec(compile(opened.read(), path, 'exec'), vars(module))
    return module


def wrap(cls, name, replace):
    """Replace a method of a class; replace() gets it and the arguments."""
    method = getattr(cls, name)

    def wrapper(self, *args, **kwargs):
        """Call what replaces the method."""
        return replace(method, self, *args, **kwargs)

    setattr(cls, name, wrapper)


# ---- os-brick ------------------------------------------------------------

Attached = collections.namedtuple('Attached', 'client volume rights snapshot')


class BrickDB(object):
    """AttachDB as our connector uses it, over upstream's fake of it.

    Until 6.8 the fake is told requests, and synced with each, which attaches
    and detaches.  Then it has neither, only calls of the API.
    """

    def __init__(self, fake):
        self._fake = fake
        self._keeps = hasattr(fake, 'sync')
        self._theirs = None
        self._requests = {}
        self._leaving = {}  # volume: key, taken out once it is detached
        self.attached = set()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        return False

    def forget_api(self):
        """Be like a new one, which has not asked for the API."""
        self._theirs = None

    def api(self):
        """Return what has the calls of the API."""
        return self

    def config(self):
        """Return the configuration of the host."""
        if hasattr(self._fake, 'config'):
            return self._fake.config()
        return {'SP_OURID': '1'}

    def volumeName(self, volume_id):
        """Return the name of a volume."""
        return self._fake.volumeName(volume_id)

    def get(self):
        """Return the requests."""
        found = self._fake.requests if self._keeps else self._requests
        return dict((key, request) for key, request in found.items()
                    if key not in self._leaving.values())

    def add(self, key, request):
        """Put down a request."""
        if self._keeps:
            self._fake.add(key, request)
        else:
            self._requests[key] = request

    def remove(self, key):
        """Take out a request."""
        self.remove_keys([key])

    def remove_keys(self, keys):
        """Take out requests; those of attached volumes a little later."""
        for key in keys:
            volume = self.get()[key]['volume']
            if not self._keeps:
                del self._requests[key]
            elif volume in self._fake.attached:
                self._leaving[volume] = key
            else:
                self._fake.remove(key)

    def _call(self):
        """Return their API; asked for once, as the bindings do."""
        if self._theirs is None:
            self._theirs = self._fake.api()
        return self._theirs

    def attachmentsList(self):
        """Return what is attached."""
        found = self._fake.attached if self._keeps else self.attached
        return [Attached(int(self.config()['SP_OURID']), name, 'rw', False)
                for name in found]

    def volumeList(self, name):
        """Return the description of a volume."""
        return self._call().volumeList(name)

    def volumesReassign(self, json):  # pylint: disable=redefined-outer-name
        """Detach, or attach without waiting."""
        self.volumesReassignWait({'reassign': json})

    # pylint: disable=redefined-outer-name
    def volumesReassignWait(self, json):
        """Attach and detach."""
        if not self._keeps:
            self._call().volumesReassignWait(json)
        for order in json['reassign']:
            name = order['volume']
            if 'detach' not in order:
                self._sync_attached(name)
                self.attached.add(name)
            else:
                if self._keeps:
                    key = self._leaving.pop(name)
                    self._fake.sync(key, name)
                    self._fake.remove(key)
                self.attached.discard(name)

    def _sync_attached(self, name):
        """Have the fake attach the volume of a request."""
        if self._keeps:
            for key, request in self.get().items():
                if request['volume'] == name:
                    self._fake.sync(key, None)


class Brick(object):
    """Put upstream's fakes behind our connector."""

    def __init__(self):
        # pylint: disable=import-outside-toplevel,import-error
        from os_brick.initiator.connectors import storpool
        self.driver = storpool
        self.fakes = None
        self.database = None

    def after_load(self, _module):
        """Put the fakes that the tests made behind ours."""
        self.fakes = self.driver.spopenstack
        self.driver.spopenstack = self
        self.driver._identity = self._identity
        connector = self.driver.StorPoolConnector
        wrap(connector, '__init__', self._init)
        wrap(connector, 'connect_volume', self._connect)
        wrap(connector, 'disconnect_volume', self._disconnect)

    def AttachDB(self, log):  # pylint: disable=unused-argument
        """Return the one that belongs to the test."""
        self.database.forget_api()
        return self.database

    def _init(self, method, connector, *args, **kwargs):
        """Make a connector, and what upstream's makes with it."""
        method(connector, *args, **kwargs)
        if self.driver.spopenstack is not None:
            connector._attach = self.fakes.AttachDB(log=None)
            self.database = BrickDB(connector._attach)

    def _connect(self, method, connector, properties):
        """Attach: it was not attached before, as far as the fake knows."""
        self.database.attached.clear()
        return method(connector, properties)

    def _disconnect(self, method, connector, properties, *args, **kwargs):
        """Detach: it was attached before, as far as the fake knows."""
        name = self.database.volumeName(properties.get('volume'))
        self.database.attached.add(name)
        return method(connector, properties, *args, **kwargs)

    def _identity(self, path):
        """Tell devices apart: one is there while the volume is attached."""
        names = [found.volume for found in self.database.attachmentsList()]
        return (path,) if path.rpartition('/')[2] in names else None


# ---- cinder --------------------------------------------------------------

class CinderApi(object):
    """The API as our driver calls it, over upstream's fake of it."""

    def __init__(self, fake, module):
        self._fake = fake
        self._volumes = module.volumes
        self._snapshots = module.snapshots

    def __getattr__(self, name):
        """Return a call of the fake; what is not there is a KeyError there.

        :raises AttributeError: the fake has no such call
        """
        call = getattr(self._fake, name)

        def checked(*args, **kwargs):
            """Call, and raise what the bindings raise."""
            try:
                return call(*args, **kwargs)
            except KeyError as exc:
                raise self._missing(exc.args[0])

        return checked

    @staticmethod
    def _missing(name):
        """Make the exception for an object that is not there."""
        error = sys.modules['storpool'].spapi.ApiError(
            'Object %s does not exist' % name)
        error.name = 'objectDoesNotExist'
        error.desc = str(error)
        return error

    def _describe(self, found, name):
        """Describe a volume or snapshot."""
        if name not in found:
            raise self._missing(name)
        known = found[name]
        return [Description(name=name, size=known['size'],
                            templateName=known.get('template'),
                            replication=known.get('replication', 3))]

    def volumeList(self, name):
        """Describe a volume."""
        return self._describe(self._volumes, name)

    def snapshotList(self, name):
        """Describe a snapshot."""
        return self._describe(self._snapshots, name)

    def volumeTemplatesList(self):
        """Return templates, which the fake has without their copies."""
        return [Description(name=found.name, replication=3)
                for found in self._fake.volumeTemplatesList()]

    def volumeTemplatesStatus(self):
        """Return the space of templates: each may use all disks."""
        disks = [disk for disk in self._fake.disksList().values()
                 if disk.generationLeft == -1]
        total = sum(disk.agCount for disk in disks) * 512 * 2 ** 20
        free = sum(disk.agFree for disk in disks) * 512 * 2 ** 20
        return [Description(
            name=found.name, replication=3, size=0, volumesSize=0,
            placeAll='all', placeTail='all', placeHead='all',
            capacityPlaceAll=total, capacityPlaceTail=total,
            capacityPlaceHead=total, availablePlaceAll=free,
            availablePlaceTail=free, availablePlaceHead=free)
                for found in self._fake.volumeTemplatesList()]


class Description(object):
    """An object with the attributes that are given."""

    def __init__(self, **kwargs):
        vars(self).update(kwargs)


class CinderDB(object):
    """AttachDB as our driver uses it, over upstream's fake of it."""

    def __init__(self, fake, module):
        self._fake = fake
        self._api = CinderApi(fake.api(), module)

    def __getattr__(self, name):
        """Return what the fake has: how things are named."""
        return getattr(self._fake, name)

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        return False

    def api(self):
        """Return what has the calls of the API."""
        return self._api

    @staticmethod
    def get():
        """Return the requests: these tests attach nothing."""
        return {}

    @staticmethod
    def volsnapName(volume_id, request_id):
        """Return the name of a temporary snapshot of a volume."""
        return 'os--volsnap--%s--%s' % (volume_id, request_id)


class Cinder(object):
    """Put upstream's fakes behind our driver, and complete records.

    It is the driver that imports the fakes here, so it is not loaded before
    the tests are.
    """

    # Which arguments of which method are records of volumes or snapshots.
    RECORDS = {
        'create_volume': {0: 'volume'},
        'delete_volume': {0: 'volume'},
        'extend_volume': {0: 'volume'},
        'get_pool': {0: 'volume'},
        'initialize_connection': {0: 'volume'},
        'create_cloned_volume': {0: 'volume', 1: 'volume'},
        'update_migrated_volume': {1: 'volume', 2: 'volume'},
        'create_snapshot': {0: 'snapshot'},
        'delete_snapshot': {0: 'snapshot'},
        'revert_to_snapshot': {1: 'volume', 2: 'snapshot'},
    }

    def __init__(self):
        # pylint: disable=import-outside-toplevel
        from cinder import exception
        self.module = None
        self.driver = None
        self.fakes = None

        class StorPoolConfigurationInvalid(exception.CinderException):
            """Until 14 it is among cinder's exceptions."""

        # Tests name it while they are loaded, and that loads our driver.
        self._invalid = StorPoolConfigurationInvalid
        exception.StorPoolConfigurationInvalid = self._invalid

    def after_load(self, module):
        """Put the fakes that the tests made behind ours."""
        self.module = module
        self.driver = module.driver
        self.fakes = self.driver.spopenstack
        self.driver.spopenstack = self
        driver = self.driver.StorPoolDriver
        self.driver.StorPoolConfigurationInvalid.__bases__ = (self._invalid,)
        driver._template_from_volume = (
            lambda instance, volume: instance._template(
                self._volume(instance, volume)))
        # There is no database behind these tests.
        driver._check_unused = lambda *_args: None
        wrap(driver, '__init__', self._init)
        wrap(driver, 'check_for_setup_error', self._check)
        for name in self.RECORDS:
            wrap(driver, name, self._complete(name))

    def AttachDB(self, log):
        """Return a new one, as the bindings do."""
        return CinderDB(self.fakes.AttachDB(log=log), self.module)

    @staticmethod
    def _init(method, driver, *args, **kwargs):
        """Make a driver; the configuration knows just what was set."""
        method(driver, *args, **kwargs)
        options = driver.configuration
        options.safe_get = lambda name: vars(options).get(name)

    @staticmethod
    def _check(method, driver):
        """Set the driver up, as cinder always does before it checks."""
        driver.do_setup(None)
        method(driver)

    def _complete(self, name):
        """Return what calls a method with complete records."""
        def call(method, driver, *args):
            """Call a method with complete records."""
            args = list(args)
            for index, kind in self.RECORDS[name].items():
                if args[index] is not None:
                    complete = (self._volume if kind == 'volume'
                                else self._snapshot)
                    args[index] = complete(driver, args[index])
            return method(driver, *args)
        return call

    def _volume(self, driver, record):
        """Complete the record of a volume with what cinder's have."""
        found = dict(record)
        found.setdefault('id', None)
        found['name_id'] = found.get('_name_id') or found['id']
        if 'volume_type' not in found and hasattr(driver.db, 'vol_types'):
            found['volume_type'] = driver.db.vol_types.get(found['id'])
        kind = found.get('volume_type')
        found['volume_type_id'] = kind['id'] if kind else None
        name = self.module.volumeName(found['name_id'])
        found.setdefault('size', self._gib(self.module.volumes, name))
        found.setdefault('host', 'host@storpool#default')
        return found

    def _snapshot(self, driver, record):
        """Complete the record of a snapshot with what cinder's have."""
        found = dict(record)
        if 'volume_id' in found:
            found['volume'] = self._volume(driver, {'id': found['volume_id']})
        name = self.module.snapshotName('snap', found['id'])
        found['volume_size'] = self._gib(self.module.snapshots, name)
        return found

    @staticmethod
    def _gib(known, name):
        """Return the size that cinder has of what a fake knows."""
        return known.get(name, {}).get('size', GI) // GI


# ---- nova ----------------------------------------------------------------

class Nova(object):
    """Call our driver as this release does; upstream's fakes fit as are."""

    def __init__(self):
        # pylint: disable=import-outside-toplevel,import-error
        from nova.virt.libvirt.volume import storpool
        self.driver = storpool.LibvirtStorPoolVolumeDriver

    def after_load(self, _module):
        """Leave out what later releases pass, and pass what they do not."""
        wrap(self.driver, 'connect_volume',
             lambda method, driver, info, instance:
             method(driver, info, None, instance))
        wrap(self.driver, 'disconnect_volume',
             lambda method, driver, info, instance, force=False:
             method(driver, info, None, instance))
        wrap(self.driver, 'extend_volume',
             lambda method, driver, info, instance, requested_size=None:
             method(driver, info, instance))


COMPONENTS = {'cinder': Cinder, 'os_brick': Brick, 'nova': Nova}


# ---- running -------------------------------------------------------------

def error_of(text):
    """Return the error at the end of a traceback, in one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    kind = re.compile(r'[\w.]*(Error|Exception|Exc|Invalid\w*)(:|$)')
    starts = [index for index, line in enumerate(lines) if kind.match(line)]
    text = ' '.join(lines[starts[-1]:] if starts else lines[-1:])
    return re.sub(r' at 0x[0-9a-f]+', '', text)[:400]


def run_each(module):
    """Run each test of a module alone, and return what came of it."""
    tests = []
    suites = [unittest.defaultTestLoader.loadTestsFromModule(module)]
    while suites:
        for found in suites.pop():
            (suites if isinstance(found, unittest.TestSuite)
             else tests).append(found)
    results = {}
    for test in sorted(tests, key=lambda test: test.id()):
        for name in STATE:
            getattr(module, name, {}).clear()
        result = unittest.TestResult()
        test.run(result)
        wrong = result.errors + result.failures
        results[test.id().rpartition('.')[2]] = (
            error_of(wrong[0][1]) if wrong else
            'skipped: %s' % result.skipped[0][1] if result.skipped else None)
    return results


def main(component, path, result):
    """Run a module, and write what came of it."""
    know_later_names(component)
    adapter = COMPONENTS[component]()
    try:
        module = load(path)
        adapter.after_load(module)
        results = run_each(module)
    except Exception as exc:  # pylint: disable=broad-except
        results = {'(load)': '%s: %s' % (type(exc).__name__, exc)}
    with open(result, 'w') as opened:
        json.dump(results, opened)


if __name__ == '__main__':
    main(*sys.argv[1:])
