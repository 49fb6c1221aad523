#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: StorPool Storage and contributors
# SPDX-License-Identifier: Apache-2.0
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: integration
short_description: StorPool drivers in the OpenStack packages of a host
version_added: 0.1.0
description:
  - Installs the StorPool drivers in the packages of OpenStack Mitaka, Newton, Ocata and Pike, removes them, or undoes a transaction.
  - Calls sp-openstack(8). An installation is one transaction, all of it is made or none.
  - Restarts nothing; see M(sp_openstack.drivers.services).
author:
  - StorPool Storage (@storpool)
options:
  state:
    description:
      - With V(present), the drivers of the components and of those that they need are installed.
      - With V(absent), the integration of the components is removed, every file is as it was before.
      - With V(rolled_back), the transaction O(transaction) and all after it are undone.
        One that is already undone is left alone.
    type: str
    choices: [present, absent, rolled_back]
    default: present
  transaction:
    description:
      - The number of a transaction, as an earlier task returned it.
    type: int
  recover:
    description:
      - If a transaction was interrupted, undo it first.
      - Without this, the module fails and nothing is changed.
    type: bool
    default: false
  allow_mixed:
    description:
      - Accept components of different releases on one host.
    type: bool
    default: false
  no_deps:
    description:
      - Leave out the components that the named ones need, and remove one although another needs it.
    type: bool
    default: false
  manage_groups:
    description:
      - With O(state=present), set up the service group, the accounts of the services as its members, and the spool directory.
    type: bool
    default: true
  group:
    description:
      - The service group. By default C(spopenstack).
    type: str
  users:
    description:
      - The accounts that join the group, in place of those of the components.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - sp_openstack.drivers.program
attributes:
  check_mode:
    description: Changes nothing, and says what would be changed, and whether something would be in the way.
    support: full
  diff_mode:
    description: Shows the change of each file. With O(state=rolled_back), only their names.
    support: partial
seealso:
  - module: sp_openstack.drivers.integration_info
  - module: sp_openstack.drivers.services
'''

EXAMPLES = r'''
- name: The drivers of a hypervisor
  sp_openstack.drivers.integration:
    components: [nova]

- name: The drivers in a virtual environment
  sp_openstack.drivers.integration:
    components: [cinder]
    path: /openstack/venvs/cinder-15.1.3/lib/python2.7/site-packages
  register: result

- name: Undo that
  sp_openstack.drivers.integration:
    state: rolled_back
    transaction: "{{ result.transaction }}"
  when: result.transaction is not none

- name: Remove the drivers, after whatever interrupted the host
  sp_openstack.drivers.integration:
    state: absent
    recover: true
'''

RETURN = r'''
transaction:
  description:
    - The number of the transaction. Null if no file was changed.
    - After a failure, of one that is in place all the same, for instance when the service group cannot be made.
  returned: always
  type: int
  sample: 7
files:
  description: The files that are, or would be, changed.
  returned: success
  type: list
  elements: dict
  sample: [{"path": "/usr/lib/python2.7/dist-packages/nova/virt/libvirt/driver.py", "action": "replace"}]
  contains:
    path:
      description: The path.
      type: str
    action:
      description: One of V(add), V(replace) and V(remove).
      type: str
components:
  description: The components, and their states before the command, as the JSON document of the program has them.
  returned: when O(state) is not V(rolled_back)
  type: list
  elements: dict
prerequisites:
  description: The Python packages that the drivers need, and whether they are there.
  returned: when O(state) is V(present)
  type: list
  elements: dict
services:
  description: The services that ran when the files were changed, by their names on this host. None in check mode.
  returned: when O(state) is not V(rolled_back)
  type: list
  elements: str
  sample: [openstack-nova-compute]
groups:
  description: Sentences on what was, or would be, changed in accounts and in the spool directory.
  returned: when O(state) is V(present)
  type: list
  elements: str
left:
  description: The files that were left as they are, and the reasons.
  returned: when O(state) is V(rolled_back)
  type: list
  elements: dict
recovered:
  description: Sentences on the interrupted transactions that were undone first.
  returned: success
  type: list
  elements: str
reason:
  description:
    - Why it failed, in a word, which is the exit status O(ignore:rc) of the program.
    - V(incomplete) 1, V(usage) 2, V(refused) 3, V(system) 4, V(needs-recovery) 5, else V(killed).
    - V(version) if the program does not fit this version of the collection.
  returned: failure
  type: str
rc:
  description: The exit status of the program.
  returned: failure
  type: int
cmd:
  description: The command line that failed.
  returned: failure
  type: list
  elements: str
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sp_openstack.drivers.plugins.module_utils.program import (
    ARGUMENTS, DONE, INCOMPLETE, NEEDS_RECOVERY, Answer, Program)

GONE = ('rolled-back', 'aborted')   # of a transaction: nothing of it is left


def changes(files):
    return [dict(path=one['path'], action=one['action']) for one in files
            if one['action'] != 'none']


class Integration(object):
    def __init__(self, module):
        self.module = module
        self.params = module.params
        self.program = Program(module)
        self.dry_run = ['--dry-run'] if module.check_mode else []
        self.result = dict(changed=False, transaction=None, files=[],
                           recovered=[])

    # ---- an interrupted transaction

    def recover_interrupted(self):
        """The history, after what was interrupted before is undone."""
        history = self.program.run('history', accept=(DONE, NEEDS_RECOVERY))
        if history.status == DONE:
            return history
        numbers = ', '.join('%d' % one for one in history.get('interrupted'))
        message = 'transaction %s was interrupted' % numbers
        if not self.params['recover']:
            self.program.fail(Answer(
                history.argv, history.status, None, message
                + '; run: sp-openstack recover, or set: recover: true'))
        if self.module.check_mode:
            self.result.update(changed=True)
            self.module.exit_json(
                msg=message + ' and would be undone; no further plan can be '
                'made before that', **self.result)
        done = self.program.run('recover', accept=(DONE, NEEDS_RECOVERY))
        if done.status == NEEDS_RECOVERY:   # in the way of its packages only
            self.module.warn(done.error)
        self.result['recovered'] = done.get('recovered', [])
        self.result['changed'] = bool(self.result['recovered'])
        return self.program.run('history', accept=(DONE, NEEDS_RECOVERY))

    def committed_since(self, history):
        """For a failure: the transaction that is there all the same."""
        known = [one['id'] for one in history.get('transactions')]
        now = self.program.run('history', accept=range(NEEDS_RECOVERY + 1))
        new = [one['id'] for one in now.get('transactions', [])
               if one['id'] not in known and one['state'] == 'committed']
        return dict(transaction=max(new) if new else None)

    # ---- present and absent

    def options(self):
        chosen = list(self.dry_run)
        if self.module._diff:
            chosen.append('--verbose')      # the document has the diff
        if self.params['no_deps']:
            chosen.append('--no-deps')
        return chosen

    def group_options(self):
        chosen = []
        if self.params['group']:
            chosen += ['--group', self.params['group']]
        for user in self.params['users']:
            chosen += ['--user', user]
        return chosen

    def take(self, answer):
        """Into the result: what install and uninstall have in common."""
        for key in ('transaction', 'components', 'services'):
            self.result[key] = answer.get(key)
        for component in answer.get('components'):
            self.result['files'] += changes(component['files'])
        self.result['changed'] |= bool(answer.get('changed')
                                       or answer.get('transaction'))
        if answer.get('diff'):
            self.result['diff'] = dict(prepared=answer.get('diff'))

    def install(self):
        options = self.options()
        if self.params['allow_mixed']:
            options.append('--allow-mixed')
        if self.params['manage_groups']:
            options += self.group_options()
        else:
            options.append('--no-groups')
        answer = self.program.run('install', *options, looks=True)
        self.take(answer)
        self.result['prerequisites'] = answer.get('prerequisites')
        self.result['groups'] = answer.get('groups')
        if self.module.check_mode and self.params['manage_groups'] and any(
                one['support'] == 'supported'
                for one in answer.get('components')):
            groups = self.program.run('groups', *(
                self.dry_run + self.group_options()), looks=True)
            self.result['groups'] = groups.get('would_change')
        self.result['changed'] |= bool(self.result['groups'])

    def uninstall(self):
        answer = self.program.run('uninstall', *self.options(), looks=True)
        self.take(answer)

    # ---- rolled_back

    def rollback(self, history):
        number = self.params['transaction']
        states = dict((one['id'], one['state'])
                      for one in history.get('transactions'))
        self.result['left'] = []
        if states.get(number) in GONE:
            return
        answer = self.program.run('rollback', *(self.dry_run + ['%d' % number]),
                                  accept=(DONE, INCOMPLETE))
        self.result['transaction'] = answer.get('transaction')
        self.result['files'] = changes(answer.get('files'))
        self.result['left'] = answer.get('left')
        self.result['changed'] |= bool(self.result['files'])
        self.result['diff'] = dict(prepared=''.join(
            '%s %s\n' % (one['action'], one['path'])
            for one in self.result['files']))

    def run(self):
        history = self.recover_interrupted()
        self.program.on_failure = lambda: self.committed_since(history)
        if self.params['state'] == 'present':
            self.install()
        elif self.params['state'] == 'absent':
            self.uninstall()
        else:
            self.rollback(history)
        self.module.exit_json(**self.result)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            ARGUMENTS,
            state=dict(type='str', choices=['present', 'absent', 'rolled_back'],
                       default='present'),
            transaction=dict(type='int'),
            recover=dict(type='bool', default=False),
            allow_mixed=dict(type='bool', default=False),
            no_deps=dict(type='bool', default=False),
            manage_groups=dict(type='bool', default=True),
            group=dict(type='str'),
            users=dict(type='list', elements='str', default=[]),
        ),
        required_if=[('state', 'rolled_back', ['transaction'])],
        supports_check_mode=True,
    )
    if module.params['transaction'] is not None and (
            module.params['state'] != 'rolled_back'
            or module.params['transaction'] < 1):
        module.fail_json(msg='transaction is a positive number, for '
                             'state: rolled_back')
    Integration(module).run()


if __name__ == '__main__':
    main()
