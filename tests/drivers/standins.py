# SPDX-License-Identifier: Apache-2.0
"""Light stand-ins for the parts of OpenStack that the drivers touch.

They have the names and the signatures of the release asked for, and behave
like it as far as the drivers can tell.  A test that needs more than that
belongs in the environments with the real releases.
"""

from __future__ import absolute_import
from __future__ import division

import abc
import contextlib
import importlib
import logging
import os
import sys
import types

DRIVERS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       '..', '..', 'drivers')

RELEASES = ('mitaka', 'newton', 'ocata', 'pike')

# The layouts of os-brick, and the one that a release comes with.
BRICK_LAYOUTS = ('1.2', '1.4', '1.6', '1.11', '1.15')
BRICK_OF = {'mitaka': '1.2', 'newton': '1.6', 'ocata': '1.11', 'pike': '1.15'}

PACKAGES = ('oslo_log', 'oslo_utils', 'oslo_config', 'os_brick', 'cinder',
            'nova', 'six')


def translate(text):
    """Stand in for the function of that is called _ everywhere."""
    return text


def _module(name, **contents):
    """Make a module, and put it into its package."""
    module = types.ModuleType(name)
    module.__dict__.update(contents)
    module.__path__ = []
    sys.modules[name] = module
    package, _dot, last = name.rpartition('.')
    if package:
        setattr(sys.modules[package], last, module)
    return module


def load_driver(source, name):
    """Load a module of drivers/ under the name that it is installed as."""
    path = os.path.normpath(os.path.join(DRIVERS, source))
    with open(path) as opened:
        code = compile(opened.read(), path, 'exec')
    module = types.ModuleType(name)
    module.__file__ = path
    module.__package__ = name.rpartition('.')[0]
    sys.modules[name] = module
    exec(code, module.__dict__)  # pylint: disable=exec-used
    setattr(sys.modules[module.__package__], 'storpool', module)
    return module


@contextlib.contextmanager
def installed(release, brick=None):
    """Have the stand-ins for a release in sys.modules.

    :param release: a name from RELEASES
    :param brick: a name from BRICK_LAYOUTS, else that of the release
    """
    saved = dict(
        (name, module) for name, module in sys.modules.items()
        if name.partition('.')[0] in PACKAGES)
    for name in saved:
        if name.partition('.')[0] != 'six':
            del sys.modules[name]
    try:
        _install_common()
        _install_brick(brick or BRICK_OF[release])
        _install_cinder(release)
        _install_nova(release)
        yield
    finally:
        for name in list(sys.modules):
            if name.partition('.')[0] in PACKAGES:
                del sys.modules[name]
        sys.modules.update(saved)


# oslo and six


class _Logger(logging.LoggerAdapter):
    """A logger that takes an instance or resource, as oslo.log's does."""

    def process(self, msg, kwargs):
        """Leave out what the standard library does not know."""
        for key in ('instance', 'resource'):
            kwargs.pop(key, None)
        return msg, kwargs


class _Opt(object):
    """An option with its default."""

    def __init__(self, name, default=None, **_kwargs):
        self.name = name
        self.default = default


class _Conf(object):
    """The global configuration."""

    host = 'this-host'


def _install_six():
    """Put six there, or what the drivers use of it."""
    try:
        importlib.import_module('six')
    except ImportError:
        _module('six', itervalues=lambda mapping: iter(mapping.values()))


def _install_common():
    """Install oslo and six."""
    _install_six()
    _module('oslo_log')
    _module('oslo_log.log',
            getLogger=lambda name: _Logger(logging.getLogger(name), {}))
    _module('oslo_utils')
    _module('oslo_utils.encodeutils', exception_to_unicode=str)
    _module('oslo_utils.units', Ki=1024, Mi=1024 ** 2, Gi=1024 ** 3)
    _module('oslo_config')
    _module('oslo_config.cfg', StrOpt=_Opt, IntOpt=_Opt, CONF=_Conf())


# os-brick


class BrickException(Exception):
    """The base of os-brick's exceptions."""

    def __init__(self, message=None, **kwargs):
        super(BrickException, self).__init__(message)
        self.msg = message
        self.kwargs = kwargs


_Abstract = abc.ABCMeta('_Abstract', (object,), {})


def _execute(*_command, **_kwargs):
    raise AssertionError('not for the tests')


class Executor(object):
    """Runs commands."""

    def __init__(self, root_helper, execute=None, *_args, **_kwargs):
        self._execute = execute or _execute
        self._root_helper = root_helper


def _brick_1_2():
    """Return the base class of the connectors in 1.0 to 1.3."""
    class InitiatorConnector(_Abstract, Executor):
        """Connects."""

        def __init__(self, root_helper, driver=None, execute=_execute,
                     device_scan_attempts=3, *args, **kwargs):
            super(InitiatorConnector, self).__init__(
                root_helper, execute=execute, *args, **kwargs)
            self.driver = driver or object()
            self.device_scan_attempts = device_scan_attempts

        @abc.abstractmethod
        def connect_volume(self, connection_properties):
            """Abstract."""

        @abc.abstractmethod
        def disconnect_volume(self, connection_properties, device_info):
            """Abstract."""

        @abc.abstractmethod
        def get_volume_paths(self, connection_properties):
            """Abstract."""

        @abc.abstractmethod
        def get_search_path(self):
            """Abstract."""

        @abc.abstractmethod
        def extend_volume(self, connection_properties):
            """Abstract."""

        @abc.abstractmethod
        def get_all_available_volumes(self, connection_properties=None):
            """Abstract."""

    return InitiatorConnector


def _brick_1_4():
    """Return the base classes of the connectors from 1.4 on."""
    class InitiatorConnector(_brick_1_2()):
        """Connects."""

        platform = 'ALL'
        os_type = 'ALL'

        @abc.abstractmethod
        def check_valid_device(self, path, run_as_root=True):
            """Abstract."""

        @staticmethod
        @abc.abstractmethod
        def get_connector_properties(root_helper, *args, **kwargs):
            """Abstract."""

    class BaseLinuxConnector(InitiatorConnector):
        """Connects on Linux."""

        os_type = 'LINUX'

        def __init__(self, root_helper, driver=None, execute=None,
                     *args, **kwargs):
            super(BaseLinuxConnector, self).__init__(
                root_helper, driver, execute, *args, **kwargs)

        @staticmethod
        def get_connector_properties(root_helper, *args, **kwargs):
            return {'multipath': kwargs['multipath']}

        def check_valid_device(self, path, run_as_root=True):
            return os.path.exists(path)

        def get_all_available_volumes(self, connection_properties=None):
            return []

    return InitiatorConnector, BaseLinuxConnector


def _factory(module_name, with_execute):
    """Return the function that makes connectors."""
    def factory(protocol, root_helper, driver=None, **kwargs):
        """Make a connector."""
        if protocol.upper() != 'STORPOOL':
            raise ValueError('Invalid InitiatorConnector protocol')
        module = sys.modules[module_name]
        if with_execute:
            kwargs.setdefault('execute', _execute)
        return module.StorPoolConnector(root_helper=root_helper,
                                        driver=driver, **kwargs)
    return staticmethod(factory)


def _install_brick(layout):
    """Install os-brick, with the driver in it."""
    _module('os_brick')
    _module('os_brick.exception', BrickException=BrickException)
    i18n = {'_': translate}
    if layout != '1.15':
        i18n.update(_LE=translate, _LI=translate, _LW=translate)
    _module('os_brick.i18n', **i18n)
    _module('os_brick.initiator')
    name = 'os_brick.initiator.storpool'
    if layout == '1.2':
        initiator, base = _brick_1_2(), None
    else:
        initiator, base = _brick_1_4()
    if layout in ('1.2', '1.4'):
        connector = _module('os_brick.initiator.connector',
                            InitiatorConnector=initiator)
        if base is not None:
            connector.BaseLinuxConnector = base
    else:
        name = 'os_brick.initiator.connectors.storpool'
        _module('os_brick.initiator.connectors')
        _module('os_brick.initiator.connectors.base', BaseLinuxConnector=base)
        # Not to be imported by the driver, so it comes last.
        load_driver('os_brick/storpool.py', name)
        _module('os_brick.initiator.connector', InitiatorConnector=initiator)
    initiator.factory = _factory(name, layout == '1.2')
    if name not in sys.modules:
        load_driver('os_brick/storpool.py', name)
    sys.modules['os_brick'].driver = sys.modules[name]


# cinder


class CinderException(Exception):
    """The base of cinder's exceptions."""

    message = 'An unknown exception occurred.'

    def __init__(self, message=None, **kwargs):
        self.kwargs = kwargs
        self.msg = message or self.message % kwargs
        super(CinderException, self).__init__(self.msg)


def _cinder_exceptions():
    """Return cinder's exceptions that the driver raises."""
    messages = {
        'VolumeBackendAPIException': 'Bad or unexpected response from the '
                                     'storage volume backend API: %(data)s',
        'VolumeNotFound': 'Volume %(volume_id)s could not be found.',
        'VolumeIsBusy': 'deleting volume %(volume_name)s that has snapshot',
        'SnapshotIsBusy': 'deleting snapshot %(snapshot_name)s that has '
                          'dependent volumes',
        'InvalidConnectorException': 'Connector does not have required '
                                     'information: %(missing)s',
        'InvalidConfigurationValue': 'Value "%(value)s" is not valid for '
                                     'configuration option "%(option)s"',
    }
    made = dict((name, type(name, (CinderException,), {'message': message}))
                for name, message in messages.items())
    return dict(made, CinderException=CinderException)


def _extract_host(host, level='backend', default_pool_name=False):
    """Return a part of host@backend#pool."""
    backend, _hash, pool = host.partition('#')
    if level == 'host':
        return backend.partition('@')[0]
    if level == 'backend':
        return backend
    return pool or ('_pool0' if default_pool_name else None)


def _brick_get_connector_properties(*_args, **_kwargs):
    return {'host': _Conf.host, 'ip': '127.0.0.1'}


def _brick_get_connector(protocol, driver=None, use_multipath=False,
                         device_scan_attempts=3, **kwargs):
    factory = sys.modules[
        'os_brick.initiator.connector'].InitiatorConnector.factory
    kwargs.pop('conn', None)
    return factory(protocol, 'sudo', driver=driver,
                   use_multipath=use_multipath,
                   device_scan_attempts=device_scan_attempts, **kwargs)


def _upload_volume(_context, image_service, image_meta, volume_path,
                   volume_format='raw', run_as_root=True):
    with open(volume_path, 'rb') as opened:
        image_service.upload(image_meta['id'], opened.read(4096))


def _fetch_to_raw(_context, image_service, image_id, dest, _blocksize,
                  size=None, **_kwargs):
    with open(dest, 'r+b') as opened:
        opened.write(image_service.download(image_id))


class _BaseDriver(object):
    """What the volume drivers of all releases have."""

    VERSION = 'N/A'

    def __init__(self, execute=None, *_args, **kwargs):
        self.db = kwargs.get('db')
        self.host = kwargs.get('host')
        self.configuration = kwargs.get('configuration')
        self._execute = execute
        self._stats = {}

    def _properties(self):
        return _brick_get_connector_properties()

    def _attach_volume(self, context, volume, properties, remote=False):
        assert not remote
        self.create_export(context, volume, properties)
        conn = self.initialize_connection(volume, properties)
        return self._connect_device(conn), volume

    def _connect_device(self, conn):
        connector = _brick_get_connector(conn['driver_volume_type'])
        device = connector.connect_volume(conn['data'])
        return {'conn': conn, 'device': device, 'connector': connector}

    def copy_image_to_volume(self, context, volume, image_service, image_id):
        """Write an image to a volume."""
        properties = self._properties()
        attach_info, volume = self._attach_volume(context, volume, properties)
        try:
            _fetch_to_raw(context, image_service, image_id,
                          attach_info['device']['path'], '1M')
        finally:
            self._detach_volume(context, attach_info, volume, properties)

    def get_filter_function(self):
        """Return what the scheduler is to ask of a pool, or None."""
        return self.configuration.safe_get('filter_function')

    def get_goodness_function(self):
        """Return how good a pool is to the scheduler, or None."""
        return self.configuration.safe_get('goodness_function')

    def migrate_volume(self, _context, _volume, _host):
        """Move a volume."""
        return False, None


class _DriverToOcata(_BaseDriver):
    """The volume driver of Mitaka, Newton and Ocata."""

    def _detach_volume(self, context, attach_info, volume, properties,
                       force=False, remote=False):
        attach_info['connector'].disconnect_volume(
            attach_info['conn']['data'], attach_info['device'])
        self.terminate_connection(volume, properties, force=force)
        self.remove_export(context, volume)


class _DriverPike(_BaseDriver):
    """The volume driver of Pike."""

    def _detach_volume(self, context, attach_info, volume, properties,
                       force=False, remote=False, ignore_errors=False):
        attach_info['connector'].disconnect_volume(
            attach_info['conn']['data'], attach_info['device'], force=force,
            ignore_errors=ignore_errors)
        self.terminate_connection(volume, properties, force=force)
        self.remove_export(context, volume)


def _install_cinder(release):
    """Install cinder, with the driver in it."""
    _module('cinder')
    i18n = {'_': translate}
    if release != 'pike':
        i18n.update(_LE=translate, _LI=translate, _LW=translate)
    _module('cinder.i18n', **i18n)
    _module('cinder.exception', **_cinder_exceptions())
    _module('cinder.image')
    _module('cinder.image.image_utils', upload_volume=_upload_volume,
            fetch_to_raw=_fetch_to_raw)
    _module('cinder.utils', brick_get_connector=_brick_get_connector,
            brick_get_connector_properties=_brick_get_connector_properties)
    if release != 'mitaka':
        register = []
        _module('cinder.interface', _volume_register=register,
                volumedriver=lambda cls: register.append(cls) or cls)
    _module('cinder.volume')
    _module('cinder.volume.driver',
            VolumeDriver=_DriverPike if release == 'pike' else _DriverToOcata)
    _module('cinder.volume.utils', extract_host=_extract_host)
    _module('cinder.volume.volume_types', get_volume_type_extra_specs=None)
    _module('cinder.volume.drivers')
    load_driver('cinder/storpool.py', 'cinder.volume.drivers.storpool')


# nova


class NovaException(Exception):
    """The base of nova's exceptions."""


class _Config(object):
    """The configuration of a disk."""


def _nova_driver(release):
    """Return the base class of nova's volume drivers."""
    class LibvirtBaseVolumeDriver(object):
        """What all releases have."""

        def get_config(self, connection_info, disk_info):
            """Return the configuration of a disk."""
            conf = _Config()
            conf.target_dev = disk_info['dev']
            conf.driver_format = 'raw'
            conf.source_type = 'block'
            conf.source_path = connection_info['data']['device_path']
            return conf

    if release in ('mitaka', 'newton'):
        class LibvirtVolumeDriver(LibvirtBaseVolumeDriver):
            """Takes the libvirt driver."""

            def __init__(self, connection):
                self.connection = connection
    else:
        class LibvirtVolumeDriver(LibvirtBaseVolumeDriver):
            """Takes the host object."""

            def __init__(self, host):
                self.host = host
    return LibvirtVolumeDriver


def _install_nova(release):
    """Install nova, with the driver in it."""
    _module('nova')
    _module('nova.exception', NovaException=NovaException)
    _module('nova.i18n', _=translate)
    _module('nova.utils', get_root_helper=lambda: 'sudo nova-rootwrap')
    for name in ('nova.virt', 'nova.virt.libvirt',
                 'nova.virt.libvirt.volume'):
        _module(name)
    _module('nova.virt.libvirt.volume.volume',
            LibvirtVolumeDriver=_nova_driver(release))
    load_driver('nova/storpool.py', 'nova.virt.libvirt.volume.storpool')
