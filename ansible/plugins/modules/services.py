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
  - Calls C(sp-openstack services --restart), which leaves alone what is Pacemaker's or in containers such as Kolla's.
    The module returns the reason, and by default warns of it.
author:
  - StorPool Storage (@storpool)
options:
  obstacle:
    description:
      - What becomes of a host on which a service needs a restart that is not ours to make.
      - With V(warn), it is reported, and the other services are restarted. With V(fail), the module fails and restarts none.
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
    ARGUMENTS, DONE, INCOMPLETE, REFUSED, Program, name_of, stale)


class Services(object):
    def __init__(self, module):
        self.module = module
        self.program = Program(module)
        self.options = []
        if module.params['group']:
            self.options += ['--group', module.params['group']]
        self.result = dict(changed=False, restarted=[], obstacles={})

    def look(self):
        """The names of the services that can be restarted."""
        now = self.program.run('services', *self.options, looks=True,
                               accept=(DONE, INCOMPLETE)).get('services')
        self.result['services'] = now
        for one in stale(now):
            if one['obstacle']:
                self.result['obstacles'][name_of(one)] = one['obstacle']
        return [name_of(one) for one in stale(now) if not one['obstacle']]

    def restart(self, names):
        """Those; a program that refuses them for the sake of others is
        reported."""
        options = self.options + ['--restart']
        key = 'restarted'
        if self.module.check_mode:
            options.append('--dry-run')
            key = 'would_restart'
        done = self.program.run('services', *options, looks=True,
                                accept=(DONE, INCOMPLETE, REFUSED))
        if done.status != DONE and not self.result['obstacles']:
            self.program.fail(done, **self.result)
        self.result['restarted'] = done.get(key, [])
        self.result['changed'] = bool(self.result['restarted'])
        for name in names if done.get(key) is None else []:
            self.result['obstacles'][name] = \
                'the program refused to; run: sp-openstack services --restart'

    def run(self):
        names = self.look()
        if self.result['obstacles'] and self.module.params['obstacle'] == 'fail':
            self.module.fail_json(msg='; '.join(self.texts()), **self.result)
        self.program.warned.update(self.texts())    # each is said once, below
        if names:
            self.restart(names)
        for text in self.texts():
            self.module.warn(text)
        self.module.exit_json(**self.result)

    def texts(self):
        """As the program itself says it."""
        return ["cannot restart '%s': %s" % pair
                for pair in sorted(self.result['obstacles'].items())]


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
    Services(module).run()


if __name__ == '__main__':
    main()
