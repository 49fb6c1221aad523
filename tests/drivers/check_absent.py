# SPDX-License-Identifier: Apache-2.0
"""See that the drivers cannot be loaded where they were taken out.

    python check_absent.py COMPONENT

matrix.py starts this after `sp-openstack uninstall`.
"""

from __future__ import absolute_import
from __future__ import print_function

import importlib
import sys


def absent(name):
    """Tell whether a module cannot be imported, and its package can."""
    importlib.import_module(name.rpartition('.')[0])
    try:
        importlib.import_module(name)
    except ImportError:
        return True
    return False


def os_brick():
    """The factory knows no such protocol."""
    from os_brick.initiator import connector
    try:
        connector.InitiatorConnector.factory('STORPOOL', 'sudo')
    except ValueError:
        return not hasattr(connector, 'STORPOOL')
    return False


def cinder():
    """The driver is not there."""
    return absent('cinder.volume.drivers.storpool')


def nova():
    """The driver is not there, nor is it registered."""
    from nova.virt.libvirt import driver
    return (absent('nova.virt.libvirt.volume.storpool') and
            'storpool' not in str(driver.libvirt_volume_drivers))


COMPONENTS = {'os_brick': os_brick, 'cinder': cinder, 'nova': nova}

if __name__ == '__main__':
    if not COMPONENTS[sys.argv[1]]():
        sys.exit('%s: still there' % sys.argv[1])
