# -*- coding: utf-8 -*-
# Copyright: StorPool Storage and contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs sp-openstack on the managed host, and reads its JSON documents. Python 2.7 and 3."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os

COMPONENTS = ['cinder', 'nova', 'os_brick']
SCHEMA = 1      # of the JSON documents

# Exit statuses: sp-openstack(8), EXIT STATUS
DONE, INCOMPLETE, USAGE, REFUSED, SYSTEM, NEEDS_RECOVERY = range(6)
REASONS = {
    INCOMPLETE: 'incomplete',
    USAGE: 'usage',
    REFUSED: 'refused',
    SYSTEM: 'system',
    NEEDS_RECOVERY: 'needs-recovery',
}

# What every module takes; documented in plugins/doc_fragments/program.py
ARGUMENTS = dict(
    components=dict(type='list', elements='str', choices=COMPONENTS,
                    default=[]),
    path=dict(type='list', elements='path', default=[]),
    root=dict(type='path'),
    work_dir=dict(type='path'),
    data_dir=dict(type='path'),
    python=dict(type='path'),
    executable=dict(type='path'),
)


def document_of(text):
    """The JSON object, or None."""
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


class Answer(object):
    """How a command of the program ended."""

    def __init__(self, argv, status, document, messages):
        self.argv = argv
        self.status = status
        self.document = document
        self.messages = messages.strip()

    def get(self, key, default=None):
        return (self.document or {}).get(key, default)

    @property
    def reason(self):
        """The exit status in a word."""
        return REASONS.get(self.status, 'killed')

    @property
    def error(self):
        return (self.get('error') or self.messages
                or 'the program ended with status %d' % self.status)

    @property
    def foreign(self):
        """The program is of a version that this collection does not read."""
        if self.document is None:
            return self.status in (DONE, INCOMPLETE)
        return self.get('schema') != SCHEMA


class Program(object):
    def __init__(self, module):
        self.module = module
        self.warned = set()
        self.on_failure = None  # returns more of the result of a failure
        self.path = module.params['executable'] or module.get_bin_path(
            'sp-openstack', required=True,
            opt_dirs=['/usr/sbin', '/usr/local/sbin'])
        if not os.access(self.path, os.X_OK):
            module.fail_json(msg="there is no program '%s' that can be run" % self.path)

    def run(self, command, *arguments, **more):
        """An Answer.

        accept: the exit statuses that are results; with any other, and
        without a document of our schema, the module fails.
        looks: give the options that say where packages are.
        components: give the names of the components.
        """
        params = self.module.params
        argv = [self.path, '--json']
        for option in ('root', 'work_dir', 'data_dir'):
            if params[option]:
                argv += ['--' + option.replace('_', '-'), params[option]]
        argv.append(command)
        argv += arguments
        if more.get('looks'):
            if params['python']:
                argv += ['--python', params['python']]
            for directory in params['path']:
                argv += ['--path', directory]
        if more.get('looks') or more.get('components'):
            argv += params['components']
        status, out, err = self.module.run_command(argv)
        answer = Answer(argv, status, document_of(out), err)
        if answer.foreign:
            self.fail_foreign(answer)
        for text in answer.get('warnings', []):
            if text not in self.warned:
                self.warned.add(text)
                self.module.warn(text)
        if status not in more.get('accept', (DONE,)) or answer.document is None:
            self.fail(answer)
        return answer

    def fail_foreign(self, answer):
        found = 'none'
        if answer.document is not None:
            found = 'schema %s' % answer.get('schema')
        self.module.fail_json(
            msg="'%s' is of a version that does not fit this collection: its JSON document should "
                "have schema %d, and has %s" % (self.path, SCHEMA, found),
            rc=answer.status, reason='version', cmd=answer.argv)

    def fail(self, answer, **more):
        """Ends the module; the result says why, in a word and in words."""
        hook, self.on_failure = self.on_failure, None
        if hook:
            more.update(hook())
        message = answer.error
        if answer.status == NEEDS_RECOVERY and 'recover' not in message:
            message += '; run: sp-openstack recover'
        self.module.fail_json(msg=message, rc=answer.status,
                              reason=answer.reason, cmd=answer.argv, **more)


def stale(services):
    """Those of the services that run the code of before the change."""
    return [one for one in services if one['state'] == 'needs-restart']


def name_of(service):
    """By which it is known on the host; of the program, if no unit is."""
    return service['service'] or service['program']
