# SPDX-License-Identifier: Apache-2.0
"""Stand-ins, written for these tests, for the Python packages that sp-openstack works on.

Each is as small as can be and still is recognised and edited by the shipped manifests: it has what
their probes and anchors look for, and something around it that must stay as it is. They are
Python, so that what becomes of them can be compiled.
"""

RELEASES = ("mitaka", "newton", "ocata", "pike")
COMPONENTS = ("cinder", "nova", "os_brick")

# A version of each release; os-brick has more than one layout in Newton.
VERSIONS = {
    ("cinder", "mitaka"): "8.1.1", ("cinder", "newton"): "9.1.4",
    ("cinder", "ocata"): "10.0.8", ("cinder", "pike"): "11.2.0",
    ("nova", "mitaka"): "13.1.4", ("nova", "newton"): "14.1.0",
    ("nova", "ocata"): "15.1.5", ("nova", "pike"): "16.1.8",
    ("os_brick", "mitaka"): "1.2.0", ("os_brick", "newton"): "1.6.2",
    ("os_brick", "ocata"): "1.11.0", ("os_brick", "pike"): "1.15.9",
}

# What install makes of them: the files that it adds, and those that it edits.
ADDED = {
    "cinder": "cinder/volume/drivers/storpool.py",
    "nova": "nova/virt/libvirt/volume/storpool.py",
    "os_brick": "os_brick/initiator/connectors/storpool.py",
}
EDITED = {
    "cinder": [],
    "nova": ["nova/virt/libvirt/driver.py"],
    "os_brick": ["os_brick/initiator/__init__.py", "os_brick/initiator/connector.py"],
}

HEAD = '# A stand-in for tests of sp-openstack; not a part of OpenStack.\n'


def since(release, first):
    return RELEASES.index(release) >= RELEASES.index(first)


def cinder(release):
    exception = HEAD
    if since(release, "mitaka"):
        exception += "from webob.util import status_generic_reasons  # noqa\n"
    exception += '''

def _(text):
    return text


class CinderException(Exception):
    message = _("An unknown exception occurred.")


class Invalid(CinderException):
    message = _("Unacceptable parameters.")
'''
    if since(release, "ocata"):
        exception += '\n\nclass CleanableInUse(Invalid):\n    message = _("In use.")\n'
    if since(release, "pike"):
        exception += '\n\nclass ValidationError(Invalid):\n    message = _("%(detail)s")\n'
    driver = HEAD + "\n\nclass VolumeDriver(object):\n    def do_setup(self, context):\n" \
        "        pass\n"
    if since(release, "newton"):
        driver += "\n    def _driver_data_namespace(self):\n        return 'storpool'\n"
    return {"cinder/__init__.py": "", "cinder/exception.py": exception,
            "cinder/volume/__init__.py": "", "cinder/volume/driver.py": driver,
            "cinder/volume/drivers/__init__.py": "",
            "cinder/volume/drivers/lvm.py": HEAD + "NAME = 'lvm'\n"}


def nova(release):
    driver = HEAD + "MIN_LIBVIRT_VERSION = (1, 2, 1)\n"
    if since(release, "newton"):
        driver += "QEMU_MAX_SERIAL_PORTS = 4\n"
    if since(release, "ocata"):
        driver += "MIN_LIBVIRT_PARALLELS_SET_ADMIN_PASSWD = (2, 0, 0)\n"
    driver += '''
libvirt_volume_drivers = [
    'local=nova.virt.libvirt.volume.volume.LibvirtVolumeDriver',
    'iser=nova.virt.libvirt.volume.iser.LibvirtISERVolumeDriver',
    'rbd=nova.virt.libvirt.volume.net.LibvirtNetVolumeDriver',
]


class LibvirtDriver(object):
    capabilities = [
        'has_imagecache',
]

    def _get_memory_backing_hugepages_support(self):
        return None
'''
    exception = HEAD + "\n\nclass NovaException(Exception):\n    pass\n\n\n" \
        "class NotFound(NovaException):\n    code = 404\n"
    if since(release, "pike"):
        exception += "\n\nclass TraitNotFound(NotFound):\n    msg_fmt = 'No such trait.'\n"
    return {"nova/__init__.py": "", "nova/exception.py": exception,
            "nova/virt/__init__.py": "", "nova/virt/libvirt/__init__.py": "",
            "nova/virt/libvirt/driver.py": driver,
            "nova/virt/libvirt/volume/__init__.py": "",
            "nova/virt/libvirt/volume/volume.py": HEAD + "NAME = 'volume'\n"}


# os-brick 1.0 to 1.3: all connectors in one file; 1.4 and 1.5: a list of them, and no execute
BRICK_ONE_FILE = HEAD + '''
import platform

MULTIPATH_ERROR_REGEX = "rc"
S390 = "s390"
S390X = "s390x"
ISCSI = "ISCSI"
LOCAL = "LOCAL"
HUAWEISDSHYPERVISOR = "HUAWEISDSHYPERVISOR"
@LIST@

class InitiatorConnector(object):

    def __init__(self, root_helper, driver=None, *args, **kwargs):
        self.root_helper = root_helper

    @staticmethod
    def factory(protocol, root_helper, driver=None,
                use_multipath=False, device_scan_attempts=3,
                arch=None, *args, **kwargs):
        execute = kwargs.pop('execute', None)
        protocol = protocol.upper()
        if protocol == ISCSI:
            return None
        elif protocol == LOCAL:
            return LocalConnector(root_helper=root_helper, driver=driver)
        else:
            raise ValueError(protocol, arch or platform.machine(), execute)


class LocalConnector(InitiatorConnector):
    def connect_volume(self, connection_properties):
        return {'type': 'local'}
'''

BRICK_LIST = '''
connector_list = [
    'os_brick.initiator.connector.LocalConnector',
]
'''

# 1.6 and later
BRICK_INIT = HEAD + '''DEVICE_SCAN_ATTEMPTS_DEFAULT = 3
ISCSI = "ISCSI"
LOCAL = "LOCAL"
@MORE@'''

BRICK_CONNECTOR = HEAD + '''
from os_brick import initiator

S390 = "s390"
S390X = "s390x"

_connector_mapping_linux = {
    initiator.ISCSI:
        'os_brick.initiator.connectors.iscsi.ISCSIConnector',
    initiator.LOCAL:
        'os_brick.initiator.connectors.local.LocalConnector',
}

_connector_mapping_linux_s390x = {
    initiator.LOCAL:
        'os_brick.initiator.connectors.local.LocalConnector',
}
'''


def os_brick(release, layout=None):
    """layout: "file", "list" or "package"; only in Newton is there a choice."""
    layout = layout or ("package" if since(release, "newton") else "file")
    exception = HEAD + "\n\nclass BrickException(Exception):\n    message = 'Error.'\n\n\n" \
        "class CommandExecutionFailed(BrickException):\n    message = 'Failed.'\n"
    if since(release, "newton"):
        exception += "\n\nclass InvalidIOHandleObject(BrickException):\n    message = 'Handle.'\n"
    linuxfc = HEAD + "\n\nclass LinuxFibreChannel(object):\n"
    linuxfc += "    def has_fc_support(self):\n        return True\n" \
        if since(release, "ocata") else "    pass\n"
    files = {"os_brick/__init__.py": "", "os_brick/exception.py": exception,
             "os_brick/initiator/linuxfc.py": linuxfc}
    if layout == "package":
        more = 'VERITAS_HYPERSCALE = "VERITAS_HYPERSCALE"\n' if since(release, "pike") else \
            'HUAWEISDSHYPERVISOR = "HUAWEISDSHYPERVISOR"\n'
        files["os_brick/initiator/__init__.py"] = BRICK_INIT.replace("@MORE@", more)
        files["os_brick/initiator/connector.py"] = BRICK_CONNECTOR
        files["os_brick/initiator/connectors/__init__.py"] = ""
        files["os_brick/initiator/connectors/local.py"] = HEAD + "NAME = 'local'\n"
    else:
        files["os_brick/initiator/__init__.py"] = ""
        files["os_brick/initiator/connector.py"] = BRICK_ONE_FILE.replace(
            "@LIST@\n", BRICK_LIST if layout == "list" else "")
    return files


def files_of(component, release, layout=None):
    """{path in the site: text}"""
    if component == "os_brick":
        return os_brick(release, layout)
    return {"cinder": cinder, "nova": nova}[component](release)


def included(component):
    """The package of a release that brings the drivers along (Queens)."""
    files = files_of(component, "pike")
    if component == "os_brick":
        files["os_brick/initiator/connector.py"] = BRICK_CONNECTOR.replace('S390 = "s390"\n', "")
    files[ADDED[component]] = HEAD + "NAME = 'storpool, as the release ships it'\n"
    if component == "cinder":
        files["cinder/policies/attachments.py"] = ""
    if component == "nova":
        files["nova/privsep/libvirt.py"] = ""
    return files


def liberty(component):
    """The package of a release that is too old."""
    if component == "cinder":
        return {"cinder/__init__.py": "",
                "cinder/exception.py": HEAD + "class CinderException(Exception):\n    pass\n",
                "cinder/volume/driver.py": HEAD + "class CloneableVD(object):\n    pass\n",
                "cinder/volume/drivers/tintri.py": ""}
    if component == "nova":
        return {"nova/__init__.py": "", "nova/virt/libvirt/guest.py": "",
                "nova/virt/libvirt/driver.py": HEAD + "libvirt_volume_drivers = [\n]\n"}
    return {"os_brick/__init__.py": "",
            "os_brick/initiator/connector.py": HEAD + "class InitiatorConnector(object):\n"
                                                      "    pass\n"}


# ---- what the older tool left in a tree (facts of its versions 0.1.0 to 1.5.0) -------------------

OLDER_NOVA_LINE = \
    "    'storpool=nova.virt.libvirt.volume.storpool.LibvirtStorPoolVolumeDriver',\n"

OLDER_CINDER_EXCEPTION = '''

class StorPoolConfigurationInvalid(CinderException):
    message = _("Invalid parameter %(param)s in the %(section)s section "
                "of the /etc/storpool.conf file: %(error)s")
'''

OLDER_BRICK_BRANCH = '''        elif protocol == STORPOOL:
            return StorPoolConnector(driver=driver,
                                     execute=execute,
                                     root_helper=root_helper,
                                     *args, **kwargs)
'''

OLDER_BRICK_CLASS = '''

class StorPoolConnector(InitiatorConnector):
    def __init__(self, root_helper, driver=None, execute=putils.execute,
                 *args, **kwargs):
        super(StorPoolConnector, self).__init__(root_helper, driver=driver,
                                                *args, **kwargs)

    def connect_volume(self, connection_properties):
        return {'type': 'block'}
'''

OLDER_BRICK_ENTRY = '''    initiator.STORPOOL:
        'os_brick.initiator.connectors.storpool.StorPoolConnector',
'''

CONSTANT = 'STORPOOL = "STORPOOL"\n'
