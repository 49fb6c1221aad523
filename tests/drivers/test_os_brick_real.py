# SPDX-License-Identifier: Apache-2.0
"""The connector among os-brick's own.

These tests exist only in an environment with a real release.
"""

from __future__ import absolute_import

import unittest

import harness

REAL_LAYOUTS = ('real',) if harness.REAL else ()


@harness.for_each(REAL_LAYOUTS, 'layout')
class RealTest(harness.Case):
    """os-brick and the connector together."""

    def test_protocol_in_any_case(self):
        factory = self.module(
            'os_brick.initiator.connector').InitiatorConnector.factory
        for protocol in ('STORPOOL', 'storpool'):
            self.assertIsInstance(factory(protocol, 'sudo'),
                                  self.brick.StorPoolConnector)

    def test_nothing_abstract_is_left(self):
        self.assertEqual(frozenset(),
                         self.brick.StorPoolConnector.__abstractmethods__)

    def test_unknown_protocol(self):
        factory = self.module(
            'os_brick.initiator.connector').InitiatorConnector.factory
        with self.assertRaises(ValueError):
            factory('NOTHING', 'sudo')

    def test_listed_connectors(self):
        """Where connectors are listed, all of the list can be imported."""
        connector = self.module('os_brick.initiator.connector')
        importutils = self.module('oslo_utils.importutils')
        for name in getattr(connector, 'connector_list', ()):
            importutils.import_class(name)


if __name__ == '__main__':
    unittest.main()
