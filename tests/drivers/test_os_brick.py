# SPDX-License-Identifier: Apache-2.0
"""The os-brick connector, in each layout of os-brick."""

from __future__ import absolute_import

import fcntl
import os
import threading
import unittest

import harness
from harness import CLIENT, GIB, OTHER_ID, VOLUME_ID, volume_name

KEY = 'brick-%s-%s' % (CLIENT, VOLUME_ID)
CINDER_KEY = 'cinder-' + VOLUME_ID


@harness.for_each(harness.BRICK_LAYOUTS, 'layout')
class ConnectorTest(harness.Case):
    """Attach and detach a volume that exists."""

    def prepare(self):
        self.create()
        self.storpool = self.make_connector()

    def assertAttached(self, rights='rw', keys=(KEY,)):
        """See that the volume is attached, and who requested it."""
        self.assertEqual({volume_name(): rights},
                         self.cluster.attached(CLIENT))
        self.assertEqual([volume_name()], self.devices())
        self.assertEqual(sorted(keys), sorted(self.requests()))

    def assertDetached(self, keys=()):
        """See that nothing is attached, and who requests something."""
        self.assertEqual({}, self.cluster.attached(CLIENT))
        self.assertEqual([], self.devices())
        self.assertEqual(sorted(keys), sorted(self.requests()))

    def assertRaisesBrick(self, text, function, *args, **kwargs):
        """See that os-brick's exception is raised, with a text in it."""
        with self.assertRaises(self.BrickException) as caught:
            function(*args, **kwargs)
        self.assertIn(text, str(caught.exception))

    def connect(self, **kwargs):
        """Attach the volume."""
        return self.storpool.connect_volume(self.properties(**kwargs))

    def disconnect(self, force=False, ignore_errors=False, **kwargs):
        """Detach the volume."""
        self.storpool.disconnect_volume(
            self.properties(**kwargs), None, force=force,
            ignore_errors=ignore_errors)

    def count_changes(self, operation):
        """Run an operation and return how often it changes something."""
        before = len(self.cluster.calls)
        operation()
        return len([path for method, path in self.cluster.calls[before:]
                    if method == 'POST'])

    # Creation.

    def test_factory(self):
        self.assertIsInstance(self.storpool, self.brick.StorPoolConnector)
        made = self.make_connector(use_multipath=True,
                                   device_scan_attempts=5)
        self.assertEqual(5, made.device_scan_attempts)
        self.assertTrue(made.driver)

    def test_created_without_bindings(self):
        self.patch(self.brick, 'spopenstack', None)
        self.assertRaisesBrick('not installed',
                               self.make_connector().connect_volume,
                               self.properties())

    def test_created_without_configuration(self):
        os.unlink(self.config_file)
        self.assertRaisesBrick('could not be read',
                               self.make_connector().connect_volume,
                               self.properties())

    def test_token_is_not_told(self):
        self.configure(more='the SECRET is on a line that is wrong')
        with self.assertRaises(self.BrickException) as caught:
            self.connect()
        self.assertNotIn('SECRET', str(caught.exception))

    def test_no_client_id(self):
        with open(self.config_file, 'w') as opened:
            opened.write('SP_AUTH_TOKEN=1\n')
        self.assertRaisesBrick('SP_OURID is not set', self.connect)

    def test_client_id_is_not_a_number(self):
        self.configure(client='seven')
        self.assertRaisesBrick('StorPool configuration', self.connect)

    def test_connector_properties(self):
        self.assertEqual({}, self.storpool.get_connector_properties(
            'sudo', multipath=True, enforce_multipath=True, host='h'))

    def test_platform(self):
        """Asked for from 1.4 on, where the base classes say it."""
        if hasattr(self.brick.BaseLinuxConnector, 'platform'):
            self.assertEqual('ALL', self.storpool.platform)
            self.assertIn('linux', self.storpool.os_type.lower())
        else:
            self.assertEqual('InitiatorConnector',
                             self.brick.BaseLinuxConnector.__name__)

    # Connecting.

    def test_connect(self):
        self.assertEqual({'type': 'block', 'path': self.device()},
                         self.connect())
        self.assertAttached()
        self.assertEqual({
            'volume': volume_name(), 'type': 'brick', 'id': KEY, 'rights': 2,
            'volsnap': False, 'remove_on_detach': True,
        }, self.requests()[KEY])

    def test_connect_read_only(self):
        self.connect(access_mode='ro')
        self.assertAttached(rights='ro')
        self.assertEqual(1, self.requests()[KEY]['rights'])

    def test_connect_twice(self):
        self.connect()
        self.assertEqual(0, self.count_changes(self.connect))
        self.assertAttached()

    def test_connect_again_for_writing(self):
        self.connect(access_mode='ro')
        self.connect()
        self.assertAttached()

    def test_connect_does_not_take_rights_from_others(self):
        self.connect()
        self.connect(access_mode='ro', storpool_request=CINDER_KEY)
        self.assertAttached(keys=[KEY, CINDER_KEY])

    def test_connect_snapshot(self):
        self.call('snapshotCreate', volume_name(), {'name': 'snap'})
        properties = dict(storpool_snapshot='snap', access_mode='ro',
                          storpool_request='cinder-snap')
        self.assertEqual(self.device('snap'),
                         self.connect(**properties)['path'])
        self.assertEqual({'snap': 'ro'}, self.cluster.attached(CLIENT))
        self.assertTrue(self.requests()['cinder-snap']['volsnap'])
        self.disconnect(**properties)
        self.assertDetached()

    def test_connect_does_not_touch_other_requests(self):
        self.create(volume_name(OTHER_ID))
        self.add_request('forgotten', name=volume_name(OTHER_ID))
        self.connect()
        self.assertAttached(keys=[KEY, 'forgotten'])

    def test_connect_drops_requests_for_what_was_deleted(self):
        self.create(volume_name(OTHER_ID))
        self.call('snapshotCreate', volume_name(), {'name': 'snap'})
        self.add_request('lost', name=volume_name(OTHER_ID))
        self.add_request('gone', name='os--volume-gone')
        self.write_requests(dict(
            self.requests(),
            old={'volume': 'gone', 'rights': 1, 'volsnap': True},
            there={'volume': 'snap', 'rights': 1, 'volsnap': True}))
        self.connect()
        self.disconnect()
        self.connect()
        self.assertAttached(keys=[KEY, 'lost', 'there'])

    def test_connect_looks_at_few_requests_for_others(self):
        for number in range(20):
            self.add_request(str(number), name='os--volume-%d' % number)
        calls = self.count_calls(self.connect)
        self.assertLess(calls, 6)
        self.assertEqual(18, len(self.requests()))

    def test_connect_what_is_gone(self):
        self.call('volumeDelete', volume_name())
        self.assertRaisesBrick('objectDoesNotExist', self.connect)
        self.assertDetached()

    def test_device_does_not_appear(self):
        self.cluster.silence(CLIENT)
        self.assertRaisesBrick('did not appear', self.connect)
        self.assertDetached()
        self.assertEqual(10, sum(self.slept))

    def assertNotLocked(self):
        """See that others get at the attachment file."""
        with open(self.attach_file, 'r+') as opened:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def test_connect_waits_for_the_client(self):
        self.cluster.delay(CLIENT, 0.05)
        self.connect()
        self.assertAttached()
        self.assertTrue(self.cluster.settled(CLIENT))
        self.assertEqual([], self.slept)

    def test_lock_is_not_held_while_the_client_is_waited_for(self):
        real = self.cluster.devices.appear
        seen = []

        def appear(client, found):
            """Be the client, which takes its time."""
            self.assertNotLocked()
            seen.append(sorted(self.requests()))
            real(client, found)

        self.patch(self.cluster.devices, 'appear', appear)
        self.connect()
        self.assertEqual([[KEY]], seen)

    def vanishing(self):
        """Have the volume detached, while its device is still there."""
        self.connect(access_mode='ro')
        self.write_requests({})
        self.cluster.delay(CLIENT, None)
        self.call('volumesReassign',
                  json=[{'volume': volume_name(), 'detach': [CLIENT]}])
        self.assertEqual([volume_name()], self.devices())

    def test_vanishing_device_is_not_taken(self):
        self.vanishing()
        connected = threading.Event()

        def settle():
            """Time and again, since the call may come late."""
            while not connected.wait(0.1):
                self.cluster.settle(CLIENT)

        thread = threading.Thread(target=settle)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(connected.set)
        self.connect()
        self.assertTrue(self.cluster.settled(CLIENT))
        self.assertAttached()

    def test_vanishing_device_is_not_taken_read_only(self):
        self.vanishing()
        self.patch(harness.time, 'sleep',
                   lambda _seconds: self.cluster.settle(CLIENT))
        self.connect(access_mode='ro')
        self.assertTrue(self.cluster.settled(CLIENT))
        self.assertAttached(rights='ro')

    def test_read_only_device_that_never_vanished(self):
        self.vanishing()
        self.connect(access_mode='ro')
        self.assertEqual(10, sum(self.slept))
        self.cluster.settle(CLIENT)
        self.assertAttached(rights='ro')

    def test_read_only_takes_no_rights_that_came_meanwhile(self):
        """Reading only is ordered under the lock, at once."""
        methods = []
        for mode in ('ro', 'rw'):
            before = len(self.cluster.calls)
            self.connect(access_mode=mode, storpool_request=mode)
            methods.append([path.rpartition('/')[2] for method, path
                            in self.cluster.calls[before:]
                            if method == 'POST'])
        self.assertEqual([['VolumesReassign'], ['VolumesReassignWait']],
                         methods)

    def test_lock_is_not_held_while_waiting(self):
        self.cluster.silence(CLIENT)
        seen = []

        def sleep(_seconds):
            """See that somebody else gets at the file."""
            self.assertNotLocked()
            seen.append(len(self.requests()))
            self.cluster.silence(CLIENT, False)
            self.cluster.execute('POST', 'VolumesReassign', [
                {'volume': volume_name(), 'rw': [CLIENT]}])

        self.patch(harness.time, 'sleep', sleep)
        self.connect()
        self.assertEqual([1], seen)
        self.assertAttached()

    def test_failed_connect_keeps_what_was_there(self):
        self.connect(access_mode='ro')
        before = self.requests()
        self.cluster.interfere(harness.simulator.Refuse(), count=None)
        self.assertRaisesBrick('serverNotReady', self.connect)
        self.assertEqual(before, self.requests())
        self.assertAttached(rights='ro')

    def test_failed_connect_leaves_a_lost_request_attached(self):
        self.connect()
        self.write_requests({})
        self.cluster.interfere(harness.simulator.Refuse())
        self.assertRaisesBrick('serverNotReady', self.connect)
        self.assertAttached(keys=[])

    def test_failed_connect_leaves_others_attached(self):
        self.add_request('other')
        self.call('volumesReassign',
                  json=[{'volume': volume_name(), 'rw': [CLIENT]}])
        self.cluster.interfere(harness.simulator.Refuse())
        self.assertRaisesBrick('serverNotReady', self.connect)
        self.assertAttached(keys=['other'])

    def test_bad_properties(self):
        for bad in ({'volume': None}, {'volume': ''},
                    {'access_mode': None}, {'access_mode': 'wo'}):
            self.assertRaisesBrick('Invalid StorPool connection data',
                                   self.connect, **bad)
        self.assertRaisesBrick('Invalid', self.storpool.connect_volume, None)
        self.assertRaisesBrick('InvalidArgumentError', self.connect,
                               volume='no/name')
        self.assertDetached()

    def test_bad_attachment_file(self):
        for content in ('', '[1]', '{"x": 1}'):
            with open(self.attach_file, 'w') as opened:
                opened.write(content)
            self.assertRaisesBrick("cannot read '%s'" % self.attach_file,
                                   self.connect)
            self.assertRaisesBrick(self.attach_file, self.disconnect)

    def test_no_attachment_file(self):
        os.unlink(self.attach_file)
        self.assertRaisesBrick('could not attach', self.connect)

    # Disconnecting.

    def test_disconnect(self):
        self.connect()
        self.disconnect()
        self.assertDetached()

    def test_disconnect_needs_no_access_mode(self):
        self.connect()
        self.disconnect(access_mode=None)
        self.assertDetached()

    def test_disconnect_without_force_arguments(self):
        self.connect()
        self.storpool.disconnect_volume(self.properties(), {'path': 'x'})
        self.assertDetached()

    def test_disconnect_twice(self):
        self.connect()
        self.disconnect()
        self.assertEqual(0, self.count_changes(self.disconnect))
        self.assertDetached()

    def test_disconnect_lost_attachment(self):
        self.connect()
        self.call('volumesReassign',
                  json=[{'volume': volume_name(), 'detach': 'all'}])
        self.disconnect()
        self.assertDetached()

    def test_disconnect_lost_request(self):
        self.connect()
        self.write_requests({})
        self.disconnect()
        self.assertDetached()

    def test_disconnect_what_is_gone(self):
        self.connect()
        self.call('volumesReassign',
                  json=[{'volume': volume_name(), 'detach': 'all'}])
        self.call('volumeDelete', volume_name())
        self.disconnect()
        self.assertDetached()

    def test_disconnect_what_goes_meanwhile(self):
        self.connect()
        self.cluster.interfere(harness.simulator.Refuse(
            'objectDoesNotExist', 'It has just been deleted'), after=1)
        self.disconnect()
        self.assertEqual({}, self.requests())

    def test_disconnect_is_repeated_once_for_other_errors(self):
        self.connect()
        self.cluster.interfere(harness.simulator.Refuse(), after=1,
                               count=None)
        calls = self.count_calls(lambda: self.assertRaisesBrick(
            'serverNotReady', self.disconnect))
        self.assertEqual(3, calls)

    def test_disconnect_forgives_one_error(self):
        self.connect()
        self.cluster.interfere(harness.simulator.Refuse(), after=1)
        self.disconnect()
        self.assertDetached()

    def test_disconnect_that_took_long_is_not_repeated(self):
        """The bindings have tried for half a minute, with the lock held."""
        self.connect()
        self.patch(self.brick, 'PATIENCE', -1)
        self.cluster.interfere(harness.simulator.Refuse(), after=1)
        calls = self.count_calls(lambda: self.assertRaisesBrick(
            'serverNotReady', self.disconnect))
        self.assertEqual(2, calls)

    def test_disconnect_leaves_others_attached(self):
        self.connect()
        self.connect(storpool_request=CINDER_KEY)
        self.disconnect(storpool_request=CINDER_KEY)
        self.assertAttached()
        self.disconnect()
        self.assertDetached()

    def test_disconnect_only_here(self):
        self.call('volumesReassign', json=[
            {'volume': volume_name(), 'rw': [harness.OTHER_CLIENT]}])
        self.connect()
        self.disconnect()
        self.assertEqual({volume_name(): 'rw'}, self.cluster.attached())

    def test_disconnect_waits_for_an_open_device(self):
        self.connect()
        self.cluster.opened.add((CLIENT, volume_name()))
        self.patch(harness.time, 'sleep',
                   lambda _seconds: self.cluster.opened.clear())
        self.disconnect()
        self.assertDetached()

    def test_disconnect_a_device_that_stays_open(self):
        self.connect()
        self.cluster.opened.add((CLIENT, volume_name()))
        self.disconnect()
        self.assertDetached()
        self.assertEqual(10, len(self.slept))

    def test_disconnect_by_force(self):
        """In Pike cinder passes force for every volume."""
        self.connect()
        self.cluster.opened.add((CLIENT, volume_name()))
        self.disconnect(force=True)
        self.assertDetached()
        self.assertEqual(10, len(self.slept))

    def test_disconnect_by_force_waits_for_an_open_device(self):
        self.connect()
        self.cluster.opened.add((CLIENT, volume_name()))
        self.patch(harness.time, 'sleep',
                   lambda _seconds: self.cluster.opened.clear())
        before = len(self.cluster.calls)
        self.disconnect(force=True)
        self.assertDetached()
        self.assertEqual(2, len([path for _method, path
                                 in self.cluster.calls[before:]
                                 if path.endswith('VolumesReassign')]))

    def test_lock_is_not_held_while_a_device_is_open(self):
        self.connect()
        self.cluster.opened.add((CLIENT, volume_name()))
        self.patch(harness.time, 'sleep',
                   lambda _seconds: self.assertNotLocked())
        self.disconnect()
        self.assertDetached()

    def test_connect_while_another_waits_to_disconnect(self):
        self.connect()
        self.cluster.opened.add((CLIENT, volume_name()))

        def sleep(_seconds):
            """Let nova attach the volume again."""
            self.assertNotIn(KEY, self.requests())
            self.connect()

        self.patch(harness.time, 'sleep', sleep)
        self.disconnect()
        self.assertAttached()

    def test_disconnect_waits_for_the_device_to_vanish(self):
        self.connect()
        self.cluster.delay(CLIENT, None)
        waits = []

        def sleep(_seconds):
            """Let the device vanish, at last."""
            self.assertNotLocked()
            waits.append(self.devices())
            if len(waits) == 3:
                self.cluster.settle(CLIENT)

        self.patch(harness.time, 'sleep', sleep)
        self.disconnect()
        self.assertDetached()
        self.assertEqual(3, len(waits))

    def test_disconnect_a_device_that_does_not_vanish(self):
        self.connect()
        self.cluster.delay(CLIENT, None)
        self.disconnect()
        self.assertEqual(10, sum(self.slept))
        self.assertEqual(({}, {}), (self.requests(),
                                    self.cluster.attached()))

    def test_disconnect_with_what_another_host_was_sent(self):
        """Nova does after an evacuation and a migration that failed."""
        self.connect()
        self.assertEqual([KEY], list(self.requests()))
        self.disconnect(client_id=harness.OTHER_CLIENT)
        self.assertDetached()
        self.connect(client_id=harness.OTHER_CLIENT)
        self.assertAttached()

    def test_disconnect_what_the_older_driver_connected(self):
        self.connect()
        self.add_request('brick-65-' + VOLUME_ID)
        self.add_request('brick-65-' + OTHER_ID, name=volume_name(OTHER_ID))
        self.disconnect(client_id=65)
        self.assertDetached(keys=['brick-65-' + OTHER_ID])

    def test_disconnect_for_cinder_leaves_nova_its_requests(self):
        self.connect()
        self.add_request('brick-65-' + VOLUME_ID)
        self.connect(storpool_request=CINDER_KEY)
        self.disconnect(storpool_request=CINDER_KEY)
        self.assertAttached(keys=[KEY, 'brick-65-' + VOLUME_ID])

    def test_disconnect_for_nova_leaves_cinder_its_request(self):
        self.connect()
        self.connect(storpool_request=CINDER_KEY)
        self.disconnect()
        self.assertAttached(keys=[CINDER_KEY])

    def test_failed_connect_leaves_the_requests_of_others(self):
        self.add_request('brick-65-' + VOLUME_ID)
        self.cluster.interfere(harness.simulator.Refuse(), after=1)
        self.assertRaisesBrick('serverNotReady', self.connect)
        self.assertEqual(['brick-65-' + VOLUME_ID], list(self.requests()))

    def test_client_that_is_not_there(self):
        self.cluster.interfere(harness.simulator.Refuse(
            'invalidParam', 'Client 7 is not running', 400), after=1)
        self.assertRaisesBrick('is not running', self.connect)
        self.assertDetached()

    def test_disconnect_fails(self):
        self.connect()
        self.cluster.interfere(harness.simulator.Refuse(), count=None)
        self.assertRaisesBrick('serverNotReady', self.disconnect)
        self.assertRaisesBrick('serverNotReady', self.disconnect, force=True)
        self.assertRaisesBrick('serverNotReady', self.disconnect,
                               ignore_errors=True)
        self.disconnect(force=True, ignore_errors=True)
        self.cluster.recover()
        self.disconnect()
        self.assertDetached()

    def test_disconnect_bad_properties(self):
        self.assertRaisesBrick('Invalid StorPool connection data',
                               self.disconnect, volume=None)

    # Paths.

    def test_paths(self):
        self.assertEqual(self.device_dir, self.storpool.get_search_path())
        self.assertEqual([self.device()], self.storpool.get_volume_paths(
            self.properties()))
        self.assertEqual([self.device()], self.storpool.get_volume_paths(
            self.properties(device_path=self.device())))

    def test_other_path(self):
        self.assertRaisesBrick('/dev/sda instead of ' + self.device(),
                               self.storpool.get_volume_paths,
                               self.properties(device_path='/dev/sda'))
        self.assertRaisesBrick('Invalid', self.storpool.get_volume_paths, {})

    def test_paths_with_prefix(self):
        self.configure(more='SP_OPENSTACK_VOLUME_PREFIX=cloud')
        self.assertEqual(
            [self.device('cloud--volume-' + VOLUME_ID)],
            self.storpool.get_volume_paths(self.properties()))

    def test_all_volumes(self):
        self.assertEqual([], self.storpool.get_all_available_volumes())
        self.connect()
        self.create('other')
        self.call('volumesReassign',
                  json=[{'volume': 'other', 'rw': [CLIENT]}])
        self.assertEqual([self.device()],
                         self.storpool.get_all_available_volumes())
        self.patch(self.brick, 'DEVICE_DIR', '/nonexistent')
        self.assertEqual([], self.storpool.get_all_available_volumes({}))

    # Extending.

    def test_extend(self):
        self.connect()
        self.call('volumeUpdate', volume_name(), {'size': 3 * GIB})
        self.assertEqual(3 * GIB,
                         self.storpool.extend_volume(self.properties()))
        self.assertEqual([], self.slept)

    def test_extend_asks_for_one_volume(self):
        self.connect()
        self.storpool.extend_volume(self.properties())
        self.assertEqual('/ctrl/1.0/Volume/' + volume_name(),
                         self.cluster.calls[-1][1])

    def test_extend_takes_a_while(self):
        self.connect()
        sizes = [GIB, GIB, 2 * GIB]
        self.run_command = lambda *_args, **_kwargs: (
            '%d\n' % sizes.pop(0), '')
        self.cluster.volumes[volume_name()].size = 2 * GIB
        self.assertEqual(2 * GIB,
                         self.storpool.extend_volume(self.properties()))
        self.assertEqual(2, len(self.slept))

    def test_extend_does_not_happen(self):
        self.connect()
        self.cluster.volumes[volume_name()].size = 2 * GIB
        self.assertRaisesBrick('did not become', self.storpool.extend_volume,
                               self.properties())

    def test_extend_what_is_gone(self):
        self.assertRaisesBrick('objectDoesNotExist',
                               self.storpool.extend_volume,
                               self.properties(volume=OTHER_ID))
        self.assertRaisesBrick('Invalid', self.storpool.extend_volume, {})

    def test_extend_what_is_not_attached(self):
        self.assertRaisesBrick('could not extend',
                               self.storpool.extend_volume,
                               self.properties())


if __name__ == '__main__':
    unittest.main()
