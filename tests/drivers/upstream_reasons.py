# SPDX-License-Identifier: Apache-2.0
"""Which side is right where a test of upstream's does not pass with ours.

Each reason is for the tests of a component whose names match `test` and that
fail with a text in which `error` is found; another failure of the same test
needs a reason of its own.  The verdict is 'ours', 'theirs', or 'neither'
where the test is about something that these releases do not have.  The source
of a fact is a tag and a file of the component, unless it is named.

upstream.py fails if a reason is missing here or is no longer needed.
"""

import collections

Reason = collections.namedtuple('Reason', 'component test error verdict why')

UNKNOWN_HOST = (
    'ours',
    'A host that is in no section of the configuration is served as client '
    '65: its os-brick knows its own id, and the one that cinder sends is not '
    'used. Upstream serves hosts without an SP_OURID, but not one whose '
    'SP_OURID is no number (12.0.10, cinder/volume/drivers/storpool.py, '
    '_storpool_client_id)')

REASONS = (
    Reason(
        'cinder', 'test_validate_connector_1', "'int' object has no attribute",
        'neither',
        'The connector is always a dictionary (11.2.2, '
        'cinder/volume/manager.py); for a number both fail, with different '
        'errors'),
    Reason(
        'cinder', 'test_validate_connector_2', 'InvalidConnectorException',
        'ours',
        'A connector without a host is an InvalidConnectorException, which '
        'cinder makes an answer 400 of; a KeyError becomes a 500 (11.2.2, '
        'cinder/volume/manager.py, initialize_connection)'),
    Reason(
        'cinder', 'test_validate_connector_3', 'returned None',
        *UNKNOWN_HOST),
    Reason(
        'cinder', 'test_initialize_connection_bad_3', "'NoneType' object",
        UNKNOWN_HOST[0],
        'The same; what fails then is that the test passes no volume'),
    Reason(
        'cinder', 'test_validate_connector_[45]', 'None is not true',
        'neither',
        'No caller reads what validate_connector returns (11.2.2, '
        'cinder/volume/manager.py)'),
    Reason(
        'cinder', 'test_initialize_connection_good_.*', "'access_mode': 'rw'",
        'ours',
        'os-brick wants access_mode (2.2.0, '
        'os_brick/initiator/connectors/storpool.py); without it an encrypted '
        'volume cannot be created. Upstream adds it in 25.0.0, commit '
        '8a75d036f, bug 1939241'),
    Reason(
        'cinder', 'test_stats|test_config_replication', r'21 != 7\.0',
        'ours',
        'The total is divided by the number of copies, like the free space: '
        'the scheduler compares it with the sizes of volumes when it limits '
        'over-subscription (11.2.2, '
        'cinder/scheduler/filters/capacity_filter.py). Upstream divides the '
        'free space only. Pools do not have multiattach, which is asked '
        'later in the same test from 15.0.0 on: nova has it since 17.0.0'),
    Reason(
        'cinder', 'test_update_migrated_volume',
        r"\{'_name_id': '1'\} != \{'_name_id': None\}",
        'neither',
        'The copy has the name id of the volume that it is the copy of. In '
        'cinder it is a new volume without one (11.2.2, '
        'cinder/volume/manager.py, _migrate_volume_generic). '
        'tests/drivers/test_cinder.py has the same steps, the swap of names '
        'among them, with records as cinder makes them'),
    Reason(
        'cinder', 'test_clone_extend_volume', "KeyError: 'parent'",
        'ours',
        'A clone is made by baseOn in one step, without a temporary snapshot '
        'that may be left behind. Upstream does so since 25.0.0, commit '
        '7a19f6f5b, and that version of the test passes'),
    Reason(
        'cinder', 'test_create_cloned_volume_(3|4|7|8|12|15)',
        "KeyError: 'os--snap--clone--2'",
        'ours',
        'Up to the last but one step all is as upstream has it: the snapshot '
        'is kept, in the template of the clone. It is deleted with the clone; '
        'the test, after it has deleted the clone, expects it to be there. On '
        'a cluster each clone would leave a snapshot behind for as long as '
        'its source exists'),
    Reason(
        'cinder', 'test_create_cloned_volume_(9|10|13|14)',
        "'(ssd|hdd)' != None",
        'ours',
        'The type names no template and the configuration neither: the clone '
        'keeps the template of its source. Upstream asks StorPool for '
        'the template None'),
    Reason(
        'cinder', 'test_volume_revert',
        "'size': 2147483648} != .*'size': 1073741824",
        'ours',
        'A revert keeps the size of the volume (11.2.2, '
        'cinder/volume/driver.py, revert_to_snapshot); the test wants that of '
        'the snapshot'),
    Reason(
        'os_brick', 'test_connect_exceptions',
        "returned {'path': '/dev/storpool",
        'ours',
        'connect_volume does without a client_id: the host knows its own. '
        'That of cinder is another host\'s after an evacuation or a migration '
        'that was rolled back (nova 16.1.8, nova/compute/manager.py, '
        '_destroy_evacuated_instances and _rollback_live_migration). Upstream '
        'wants it, and since 6.9.0, commit 7c2c80c, does not use it'),
    Reason(
        'os_brick', 'test_extend_volume',
        "'NoneType' object has no attribute 'volumeList'",
        'ours',
        'StorPool is asked for the size, and the device is waited for to have '
        'it. Upstream does so since 3.0.0, commit 0907c08, and that version '
        'of the test passes'),
    Reason(
        'os_brick', 'test_(connect|disconnect|extend)_volume',
        'storpool-byid',
        'neither',
        'Upstream answers with a path by global id since 6.9.0, commit '
        '7c2c80c, bug 2033292, so that a volume may be renamed while it is '
        'attached. Our cinder driver does not rename one that is in use. The '
        'tests of disconnect and extend begin with that of connect; up to '
        '6.8.0 they pass'),
    Reason(
        'os_brick', 'test_raise_if_(spopenstack|sp_ourid)_missing',
        'returned <os_brick',
        'ours',
        'The connector is made without the bindings and says that they are '
        'missing when it is used: nova-compute makes the connectors of all '
        'drivers when it starts, and would not start (nova 16.1.8, '
        'nova/virt/libvirt/driver.py, _get_volume_drivers)'),
    Reason(
        'nova', 'test_storpool_attach_detach_extend', "'force' not in {}",
        'neither',
        'disconnect_volume gets a force flag since 25.2.0 and 26.2.0 '
        '(CVE-2023-2088). The cores of these releases pass none (16.1.8, '
        'nova/virt/libvirt/driver.py, _disconnect_volume); our connector '
        'detaches by force in the end in any case'),
)
