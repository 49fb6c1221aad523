# SPDX-License-Identifier: Apache-2.0
"""Our cinder driver in cinder of a release.

    python cinder_side.py SOCKET

Runs in the environment of the release (Python 2.7), in a process of its own:
the options of cinder and nova clash.
"""

from __future__ import absolute_import

import sys

import agent

# pylint: disable=import-error
from cinder.common import config
from cinder.volume import configuration
from cinder.volume import driver as base
from oslo_utils import importutils

GIB = 1024 ** 3


def volume(volume_id, size=1):
    """Return the record of a volume."""
    return {'id': volume_id, 'name_id': volume_id, 'size': size,
            'name': 'volume-' + volume_id, 'host': 'cinder@storpool#hybrid',
            'volume_type_id': None, 'encryption_key_id': None}


def make_driver():
    """Return the driver, ready for use."""
    made = importutils.import_object(
        'cinder.volume.drivers.storpool.StorPoolDriver',
        configuration=configuration.Configuration(
            base.volume_opts, config_group='storpool'),
        host='cinder@storpool', db=None)
    config.CONF.set_override('storpool_template', 'hybrid', group='storpool')
    made.do_setup(None)
    made.check_for_setup_error()
    return made


def main(socket_path):
    """Serve calls until the process is killed."""
    config.CONF([], project='cinder', default_config_files=[])
    driver = make_driver()

    def initialize_connection(volume_id, connector):
        """Return how a host is to attach a volume."""
        driver.validate_connector(connector)
        return driver.initialize_connection(volume(volume_id), connector)

    agent.serve(socket_path, {
        'create_volume': lambda volume_id, size:
        driver.create_volume(volume(volume_id, size)) and None,
        'delete_volume': lambda volume_id:
        driver.delete_volume(volume(volume_id)),
        'extend_volume': lambda volume_id, size:
        driver.extend_volume(volume(volume_id), size),
        'initialize_connection': initialize_connection,
    })


if __name__ == '__main__':
    main(*sys.argv[1:])
