# SPDX-License-Identifier: Apache-2.0
"""Writes what happened, a JSON document a line, into the file SP_ANSIBLE_EVENTS."""

import json
import os
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
    name: sp_events
    type: notification
    short_description: events as JSON lines
    description: For the tests of the collection.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "sp_events"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, **event):
        event["time"] = time.time()
        with open(os.environ["SP_ANSIBLE_EVENTS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(event, default=str) + "\n")

    def _result(self, kind, result):
        self._write(kind=kind, host=result._host.get_name(), task=result._task.get_name(),
                    action=result._task.action, result=result._result)

    def v2_runner_on_start(self, host, task):
        self._write(kind="start", host=host.get_name(), task=task.get_name())

    def v2_runner_on_ok(self, result):
        self._result("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._result("failed", result)

    def v2_runner_on_skipped(self, result):
        self._result("skipped", result)

    def v2_runner_on_unreachable(self, result):
        self._result("unreachable", result)

    def v2_on_file_diff(self, result):
        if result._result.get("diff"):
            self._write(kind="diff", host=result._host.get_name(),
                        diff=self._get_diff(result._result["diff"]))

    def v2_playbook_on_stats(self, stats):
        self._write(kind="stats", hosts={host: stats.summarize(host) for host in stats.processed})
