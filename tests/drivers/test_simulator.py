# SPDX-License-Identifier: Apache-2.0
"""The simulated cluster is one, as far as the StorPool bindings can tell."""

from __future__ import absolute_import

import os
import stat
import time
import unittest

import harness
import simulator

GIB = simulator.GIB
real_sleep = time.sleep  # which tests replace


class SimulatorTest(harness.Case):
    """Calls through the unmodified bindings."""

    def assertRefused(self, error, method, *args, **kwargs):
        """See that a call is answered with an error."""
        with self.assertRaises(harness.spapi.ApiError) as caught:
            self.call(method, *args, **kwargs)
        self.assertEqual(error, caught.exception.name)

    def assertComplete(self, found):
        """See that the bindings could make out all of an object."""
        kind = type(found)
        attributes = getattr(kind, '__jsonAttrDefs__')
        incomplete = [name for name in attributes
                      if getattr(found, name) is None and
                      'Optional' not in str(attributes[name].spDoc.name) and
                      name not in ('wbc', 'targetDeleteDate')]
        self.assertEqual([], incomplete)

    def test_lists_are_complete(self):
        self.create('v')
        self.call('snapshotCreate', 'v', {'name': 's'})
        self.call('volumesReassign', json=[{'volume': 'v', 'rw': [7]}])
        self.cluster.add_disk(groups=1, up=False)
        for method in ('volumesList', 'snapshotsList', 'attachmentsList',
                       'volumeTemplatesList', 'volumeTemplatesStatus'):
            found = self.call(method)
            self.assertTrue(found)
            for each in found:
                self.assertComplete(each)
        disks = self.call('disksList')
        self.assertEqual([True, True, True, False],
                         [disks[number].up for number in sorted(disks)])
        self.assertComplete(disks[1])
        self.assertEqual(200, disks[1].agCount)

    def test_token(self):
        api = harness.spapi.Api(port=self.cluster.port, auth='wrong')
        with self.assertRaises(harness.spapi.ApiError):
            api.volumesList()

    def test_names_are_unique(self):
        self.create('v')
        self.assertRefused('objectExists', 'volumeCreate', {
            'name': 'v', 'size': GIB, 'replication': 3})
        self.assertRefused('objectExists', 'snapshotCreate', 'v',
                           {'name': 'v'})

    def test_what_is_referred_to_exists(self):
        for request in ({'parent': 'gone'}, {'baseOn': 'gone'},
                        {'template': 'gone'}):
            self.assertRefused('objectDoesNotExist', 'volumeCreate',
                               dict(request, name='v', size=GIB))
        for method in ('volumeDelete', 'snapshotDelete'):
            self.assertRefused('objectDoesNotExist', method, 'gone')
        self.assertRefused('objectDoesNotExist', 'volumesReassign',
                           json=[{'volume': 'gone', 'rw': [7]}])

    def test_sizes(self):
        self.create('v')
        self.assertRefused('invalidParam', 'volumeUpdate', 'v', {'size': 512})
        with self.assertRaises(simulator.ApiFailure):
            self.cluster.execute('POST', 'VolumeUpdate/v', {'size': GIB + 1})

    def test_attached_volume_is_not_deleted(self):
        self.create('v')
        self.call('volumesReassign', json=[{'volume': 'v', 'rw': [7]}])
        self.assertRefused('busy', 'volumeDelete', 'v')
        self.cluster.opened.add((7, 'v'))
        self.assertRefused('busy', 'volumesReassign',
                           json=[{'volume': 'v', 'detach': 'all'}])
        self.call('volumesReassign',
                  json=[{'volume': 'v', 'detach': 'all', 'force': True}])
        self.call('volumeDelete', 'v')
        self.assertEqual({}, self.cluster.volumes)

    def test_devices(self):
        self.create('v', size=2)
        self.call('volumesReassign', json=[{'volume': 'v', 'ro': [7]}])
        self.assertEqual(2 * GIB, os.path.getsize(self.device('v')))
        self.call('volumeUpdate', 'v', {'rename': 'w', 'size': 3 * GIB})
        self.assertEqual(['w'], self.devices())
        self.assertEqual(3 * GIB, os.path.getsize(self.device('w')))
        self.call('volumesReassign', json=[{'volume': 'w', 'detach': [7]}])
        self.assertEqual([], self.devices())

    def test_contents_are_copied(self):
        self.create('v')
        self.call('volumesReassign', json=[{'volume': 'v', 'rw': [7]}])
        with open(self.device('v'), 'r+b') as opened:
            opened.write(b'first')
        self.call('snapshotCreate', 'v', {'name': 's'})
        with open(self.device('v'), 'r+b') as opened:
            opened.write(b'later')
        self.call('volumeCreate', {'name': 'w', 'parent': 's'})
        self.call('volumeCreate', {'name': 'x', 'baseOn': 'v'})
        self.assertEqual([b'first', b'later'],
                         [self.cluster.content(name) for name in 'wx'])
        self.call('volumeRevert', 'v', {'toSnapshot': 's'})
        self.assertEqual(b'first', self.cluster.content('v'))

    def test_templates(self):
        self.create('v', template='ssd')
        self.call('volumeUpdate', 'v', {'template': 'hybrid'})
        volume = self.cluster.volumes['v']
        self.assertEqual(('hybrid', 3), (volume.template, volume.replication))

    def test_space_of_templates(self):
        self.cluster.add_template('two', 2, disks=[1, 2], tail=[3])
        status = dict((found.name, found)
                      for found in self.call('volumeTemplatesStatus'))
        self.assertEqual(
            [300 * GIB, 200 * GIB, 100 * GIB, 75 * GIB],
            [status['any'].capacityPlaceAll, status['two'].capacityPlaceAll,
             status['two'].capacityPlaceTail,
             status['two'].availablePlaceTail])
        self.assertNotEqual(status['two'].placeAll, status['two'].placeTail)

    def test_one_volume(self):
        self.create('v', size=2)
        self.assertEqual([2 * GIB], [found.size for found
                                     in self.call('volumeList', 'v')])
        self.assertRefused('objectDoesNotExist', 'volumeList', 'gone')

    def test_bound_snapshot_goes_with_its_children(self):
        self.create('v')
        self.call('snapshotCreate', 'v', {'name': 's'})
        self.call('volumeCreate', {'name': 'w', 'parent': 's'})
        self.call('snapshotUpdate', 's', {
            'bind': True, 'template': 'ssd', 'tags': {'transient': '1'}})
        self.assertEqual(('ssd', {'transient': '1'}), (
            self.cluster.snapshots['s'].template,
            self.cluster.snapshots['s'].tags))
        self.call('volumeDelete', 'v')
        self.assertIn('s', self.cluster.snapshots)
        self.call('volumeDelete', 'w')
        self.assertEqual({}, self.cluster.snapshots)

    def attach(self, **order):
        """Attach or detach without waiting."""
        self.call('volumesReassign', json=[dict(order, volume='v')])

    def test_devices_that_take_their_time(self):
        self.create('v')
        self.cluster.delay(7, None)
        self.attach(rw=[7])
        self.attach(detach=[7])
        self.attach(rw=[7])
        self.assertEqual([], self.devices())
        self.cluster.settle(7)
        self.assertEqual(['v'], self.devices())
        self.attach(detach=[7])
        self.assertEqual(['v'], self.devices())
        self.cluster.settle(7)
        self.assertEqual([], self.devices())

    def test_delay_and_waiting(self):
        self.create('v')
        self.cluster.delay(7, 0.05)
        self.attach(rw=[7])
        for order, wanted in (({'detach': [7]}, []), ({'rw': [7]}, ['v'])):
            self.call('volumesReassignWait', {
                'reassign': [dict(order, volume='v')]})
            self.assertEqual(wanted, self.devices())

    def test_waiting_ends_when_the_device_is_there(self):
        real = self.cluster.devices.appear

        def appear(client, found):
            """Take time, so that who waits looks in between."""
            real_sleep(0.1)
            real(client, found)

        self.create('v')
        self.patch(self.cluster.devices, 'appear', appear)
        self.cluster.delay(7, 0.01)
        self.call('volumesReassignWait', {
            'reassign': [{'volume': 'v', 'rw': [7]}]})
        self.assertEqual(['v'], self.devices())

    def test_what_is_open_is_detached_by_force(self):
        self.create('v')
        self.attach(rw=[7])
        self.patch(self.cluster.devices, 'opened',
                   lambda client, name: (client.number, name) == (7, 'v'))
        self.assertRefused('busy', 'volumesReassignWait', {
            'reassign': [{'volume': 'v', 'detach': [7]}]})
        self.attach(detach=[7], force=True)
        self.assertEqual({}, self.cluster.attached())

    def test_refuse(self):
        self.cluster.interfere(simulator.Refuse(), after=1)
        self.call('volumesList')
        self.assertRefused('serverNotReady', 'volumesList')
        self.call('volumesList')

    def test_drop_is_retried(self):
        self.cluster.interfere(simulator.Drop(executed=True))
        self.assertRefused('objectExists', 'volumeCreate', {
            'name': 'v', 'size': GIB, 'replication': 3})

    def test_nonsense(self):
        self.cluster.interfere(simulator.Nonsense())
        with self.assertRaises(ValueError):
            self.call('volumesList')

    def test_delay(self):
        self.cluster.interfere(simulator.Delay(0.01))
        self.assertEqual([], self.call('volumesList'))

    def test_recover(self):
        self.cluster.interfere(simulator.Refuse(), count=None)
        self.assertRefused('serverNotReady', 'volumesList')
        self.cluster.recover()
        self.call('volumesList')


@unittest.skipUnless(harness.LOOP_DEVICES, harness.NO_LOOP_DEVICES)
class LoopTest(harness.Case):
    """Devices that are block devices."""

    devices_class = simulator.LoopDevices

    def prepare(self):
        self.create('v')
        self.call('volumesReassign', json=[{'volume': 'v', 'rw': [7]}])

    def test_block_device(self):
        self.assertTrue(stat.S_ISBLK(os.stat(self.device('v')).st_mode))
        self.call('volumeUpdate', 'v', {'size': 2 * GIB})
        with open(self.device('v'), 'r+b') as opened:
            opened.seek(0, os.SEEK_END)
            self.assertEqual(2 * GIB, opened.tell())

    def test_open_device(self):
        with open(self.device('v'), 'rb'):
            with self.assertRaises(harness.spapi.ApiError) as caught:
                self.call('volumesReassign',
                          json=[{'volume': 'v', 'detach': [7]}])
            self.assertIn('is open at', caught.exception.desc)
        self.call('volumesReassign', json=[{'volume': 'v', 'detach': [7]}])
        self.assertEqual([], self.devices())

    def test_revert(self):
        self.write(b'first')
        self.call('snapshotCreate', 'v', {'name': 's'})
        self.write(b'later')
        self.call('volumeRevert', 'v', {'toSnapshot': 's'})
        with open(self.device('v'), 'rb') as opened:
            self.assertEqual(b'first', opened.read(5))

    def write(self, data):
        """Write to the device, and to the disk."""
        with open(self.device('v'), 'r+b') as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())


if __name__ == '__main__':
    unittest.main()
