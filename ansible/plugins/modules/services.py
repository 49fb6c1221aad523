#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: StorPool Storage and contributors
# SPDX-License-Identifier: Apache-2.0
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: services
short_description: Restart the OpenStack services that run old code
version_added: 0.1.0
description:
  - Restarts those services of the integrated components whose processes started before the drivers were changed, one at a time,
    by the names that they have on the host, and makes sure that a new process is there.
  - Calls C(sp-openstack services --restart), which leaves alone those that are resources of Pacemaker, or in containers such
    as Kolla's, and restarts the others. The module returns the reason, and by default warns of it.
author:
  - StorPool Storage (@storpool)
options:
  obstacle:
    description:
      - What becomes of a host on which a service needs a restart that is not ours to make.
      - With V(warn), it is reported, the others are restarted, and the module ends well; with V(fail) it fails, and restarts
        none.
    type: str
    choices: [warn, fail]
    default: warn
  group:
    description:
      - The service group. By default C(spopenstack).
    type: str
extends_documentation_fragment:
  - sp_openstack.drivers.program
attributes:
  check_mode:
    description: Restarts nothing, and says what would be restarted.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
seealso:
  - module: sp_openstack.drivers.integration
'''

EXAMPLES = r'''
- name: Restart the services that run old code
  sp_openstack.drivers.services:
'''

RETURN = r'''
restarted:
  description: The names of the services that were, or would be, restarted.
  returned: success
  type: list
  elements: str
  sample: [openstack-nova-compute]
obstacles:
  description: The services that need a restart which is not ours to make, with the reasons.
  returned: success
  type: dict
  sample: {"openstack-cinder-volume": "it is a resource of Pacemaker; run: pcs resource restart openstack-cinder-volume"}
services:
  description: The services before that, as C(services --json) has them.
  returned: success
  type: list
  elements: dict
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sp_openstack.drivers.plugins.module_utils.program import (
    ARGUMENTS, DONE, INCOMPLETE, Program, stale)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            ARGUMENTS,
            obstacle=dict(type='str', choices=['warn', 'fail'],
                          default='warn'),
            group=dict(type='str'),
        ),
        supports_check_mode=True,
    )
    program = Program(module)
    options = []
    if module.params['group']:
        options += ['--group', module.params['group']]
    now = program.run('services', *options, looks=True,
                      accept=(DONE, INCOMPLETE)).get('services')
    result = dict(changed=False, restarted=[], obstacles={}, services=now)
    for one in stale(now):
        if one['obstacle']:
            name = one['service'] or one['program']
            result['obstacles'][name] = one['obstacle']
    texts = ["cannot restart '%s': %s" % pair
             for pair in sorted(result['obstacles'].items())]
    if texts and module.params['obstacle'] == 'fail':
        module.fail_json(msg='; '.join(texts), **result)
    for text in texts:      # the program says the same when it restarts some
        program.warned.add(text)
        module.warn(text)
    if [one for one in stale(now) if not one['obstacle']]:
        options += ['--restart']
        if module.check_mode:
            options += ['--dry-run']
        done = program.run('services', *options, looks=True,
                           accept=(DONE, INCOMPLETE))
        result['restarted'] = done.get('would_restart' if module.check_mode
                                       else 'restarted')
        result['changed'] = bool(result['restarted'])
    module.exit_json(**result)


if __name__ == '__main__':
    main()
