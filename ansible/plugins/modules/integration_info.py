#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: StorPool Storage and contributors
# SPDX-License-Identifier: Apache-2.0
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: integration_info
short_description: Whether the StorPool drivers are in the OpenStack packages of a host
version_added: 0.1.0
description:
  - Returns what C(sp-openstack check), C(services), C(history) and C(doctor) tell of a host, so that a playbook can assert it.
  - That something is not integrated, or not in order, is a result and no failure.
author:
  - StorPool Storage (@storpool)
options:
  doctor:
    description:
      - Run C(sp-openstack doctor) too, if the program on the host has it.
    type: bool
    default: true
extends_documentation_fragment:
  - sp_openstack.drivers.program
attributes:
  check_mode:
    description: Changes nothing in any mode.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
seealso:
  - module: sp_openstack.drivers.integration
'''

EXAMPLES = r'''
- name: Look at the host
  sp_openstack.drivers.integration_info:
    components: [nova]
  register: host

- name: It is ready for volumes
  ansible.builtin.assert:
    that:
      - host.integrated
      - host.interrupted | length == 0
      - host.stale_services | length == 0
      - host.doctor.to_repair == 0
      - host.prerequisites | rejectattr('fitness', 'in', ['good', 'poor']) | length == 0
'''

RETURN = r'''
integrated:
  description: Whether all of the components are integrated, or their release includes the drivers.
  returned: success
  type: bool
message:
  description: The sentence with which C(check) refused the host, for instance that the releases differ. Null if it did not.
  returned: success
  type: str
components:
  description: The components with version, release, path and state, as C(check --json) has them.
  returned: success
  type: list
  elements: dict
  sample: [{"component": "nova", "version": "14.1.0", "release": "newton", "state": "installed"}]
prerequisites:
  description: The Python packages that the drivers need, with C(name), C(version) and C(fitness).
  returned: success
  type: list
  elements: dict
services:
  description: The services of the integrated components and their processes, as C(services --json) has them.
  returned: success
  type: list
  elements: dict
stale_services:
  description: The names of the services that still run the code of before the change.
  returned: success
  type: list
  elements: str
restartable_services:
  description: Those of RV(stale_services) that M(sp_openstack.drivers.services) restarts, neither Pacemaker's nor a container's.
  returned: success
  type: list
  elements: str
transactions:
  description: The transactions so far, as C(history --json) has them.
  returned: success
  type: list
  elements: dict
interrupted:
  description: The numbers of the transactions that wait for C(recover).
  returned: success
  type: list
  elements: int
doctor:
  description: The document of C(doctor --json). Null if the program does not have that command, or it was not asked for.
  returned: success
  type: dict
  sample: {"to_repair": 1, "checks": [{"id": "C04", "level": "error", "text": "no backend has StorPool's driver"}]}
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sp_openstack.drivers.plugins.module_utils.program import (
    ARGUMENTS, DONE, INCOMPLETE, NEEDS_RECOVERY, REFUSED, Program, name_of, stale)

ANY = (DONE, INCOMPLETE, REFUSED, NEEDS_RECOVERY)


def has_command(program, name):
    return name in [one['name'] for one in program.run('help').get('commands')]


def examine(module, program):
    """The document of doctor, or None."""
    if not module.params['doctor'] or not has_command(program, 'doctor'):
        return None
    return program.run('doctor', components=True, accept=ANY).document


def main():
    module = AnsibleModule(
        argument_spec=dict(ARGUMENTS, doctor=dict(type='bool', default=True)),
        supports_check_mode=True,
    )
    program = Program(module)
    check = program.run('check', looks=True, accept=ANY)
    services = []
    if check.status != REFUSED or check.get('components'):
        services = program.run('services', looks=True,
                               accept=ANY).get('services', [])
    history = program.run('history', accept=(DONE, NEEDS_RECOVERY))
    old = stale(services)
    module.exit_json(
        changed=False,
        integrated=check.status == DONE,
        message=check.get('error'),
        components=check.get('components', []),
        prerequisites=check.get('prerequisites', []),
        services=services,
        stale_services=[name_of(one) for one in old],
        restartable_services=[one['service'] for one in old
                              if not one['obstacle']],
        transactions=history.get('transactions'),
        interrupted=history.get('interrupted'),
        doctor=examine(module, program),
    )


if __name__ == '__main__':
    main()
