# SPDX-License-Identifier: Apache-2.0
"""Runs os-brick's connector on a simulated host, as nova-compute does.

It is started with the Python 2.7 of the environment. A command is a line, [name, properties]; so is
the answer, {"result": ...} or {"error": ...}.
"""

from __future__ import absolute_import

import json
import sys

from os_brick.initiator import connector
from oslo_concurrency import lockutils

ROOT_HELPER = "sudo cinder-rootwrap /etc/cinder/rootwrap.conf"


def privileged():
    """Let releases that have privsep use it."""
    try:
        from oslo_config import cfg
        from oslo_privsep import priv_context
    except ImportError:
        return
    cfg.CONF(["--config-file", "/etc/cinder/cinder.conf"], project="cinder")
    priv_context.init(root_helper=ROOT_HELPER.split())


def properties(_brick, _data):
    """Return what the host tells cinder about itself."""
    return connector.get_connector_properties(ROOT_HELPER, "127.0.0.1", False, False)


def connect(brick, data):
    """Attach."""
    return brick.connect_volume(data)


def disconnect(brick, data):
    """Detach."""
    return brick.disconnect_volume(data, None)


def extend(brick, data):
    """Wait for the new size."""
    return brick.extend_volume(data)


COMMANDS = dict((function.__name__, function)
                for function in (properties, connect, disconnect, extend))


def main():
    """Carry commands out until there are no more."""
    privileged()
    lockutils.set_defaults("/tmp")
    brick = connector.InitiatorConnector.factory("STORPOOL", ROOT_HELPER)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        name, data = json.loads(line)
        try:
            answer = {"result": COMMANDS[name](brick, data)}
        except Exception as exc:
            answer = {"error": "%s: %s" % (type(exc).__name__, exc)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
