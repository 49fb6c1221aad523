# SPDX-License-Identifier: Apache-2.0
"""Runs playbooks with the collection as ansible-galaxy installs it, and reads what happened."""

import json
import os
import re
import subprocess

from environment import TOP, Ansible

HERE = os.path.join(TOP, "tests", "ansible")


def build(ansible, directory):
    """The archive of the collection, as `make collection` builds it."""
    done = subprocess.run(["make", "-s", "-C", TOP, "collection", "COLLECTION_DIR=" + directory,
                           "ANSIBLE_GALAXY=" + ansible.program("ansible-galaxy")],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          encoding="utf-8", env=ansible.environment())
    if done.returncode:
        raise RuntimeError("make collection: " + done.stdout)
    return os.path.join(directory, [name for name in os.listdir(directory)
                                    if name.endswith(".tar.gz")][0])


class Outcome:
    def __init__(self, status, text, events):
        self.status, self.text, self.events = status, text, events

    def __str__(self):
        return "exit %s: %s" % (self.status, self.text[-6000:])

    def results(self, task, kinds=("ok", "failed")):
        """{host: the latest result of tasks with that in the name}"""
        return {one["host"]: one["result"] for one in self.events
                if one["kind"] in kinds and task in one["task"]}

    @property
    def stats(self):
        return self.events[-1]["hosts"] if self.events and self.events[-1]["kind"] == "stats" \
            else {}

    def counts(self, key):
        """{host: number}, of those that have any"""
        return {host: one[key] for host, one in self.stats.items() if one[key]}

    @property
    def recap(self):
        return self.text[self.text.index("PLAY RECAP"):] if "PLAY RECAP" in self.text else ""

    @property
    def diff(self):
        return {one["host"]: one["diff"] for one in self.events if one["kind"] == "diff"}


class Control:
    """A controller: an environment of Ansible, the installed collection, and a directory."""

    def __init__(self, name, directory):
        self.ansible, self.top = Ansible(name), directory
        os.makedirs(directory, exist_ok=True)
        self.archive = build(self.ansible, os.path.join(directory, "dist"))
        self.collections = os.path.join(directory, "collections")
        done = self.ansible.run("ansible-galaxy", "collection", "install", self.archive, "-p",
                                self.collections, HOME=directory)
        if done.returncode:
            raise RuntimeError("ansible-galaxy: " + done.stdout)
        self.number = 0

    def environment(self, events, forks):
        return {"ANSIBLE_COLLECTIONS_PATH": self.collections, "ANSIBLE_FORKS": str(forks),
                "ANSIBLE_CONNECTION_PLUGINS": os.path.join(HERE, "plugins/connection"),
                "ANSIBLE_CALLBACK_PLUGINS": os.path.join(HERE, "plugins/callback"),
                "ANSIBLE_CALLBACKS_ENABLED": "sp_events", "ANSIBLE_PIPELINING": "1",
                "ANSIBLE_LOCAL_TEMP": os.path.join(self.top, "tmp"), "ANSIBLE_HOME": self.top,
                "ANSIBLE_RETRY_FILES_ENABLED": "0", "ANSIBLE_HOST_KEY_CHECKING": "0",
                "ANSIBLE_DEPRECATION_WARNINGS": "0", "SP_ANSIBLE_EVENTS": events,
                "ANSIBLE_PYTHON_INTERPRETER_FALLBACK": "", "HOME": self.top}

    def play(self, playbook, groups, *arguments, forks=12, **variables):
        """playbook: a name in the collection, or the text of one; groups: {group: hosts}."""
        self.number += 1
        stem = os.path.join(self.top, "run-%d" % self.number)
        inventory = {group: {"hosts": {host.name: host.variables() for host in hosts}}
                     for group, hosts in groups.items()}
        for suffix, value in ((".inventory.json", json.dumps(inventory)),
                              (".vars.json", json.dumps(variables))):
            with open(stem + suffix, "w", encoding="utf-8") as file:
                file.write(value)
        if not re.match(r"^[\w.]+$", playbook):
            with open(stem + ".yml", "w", encoding="utf-8") as file:
                file.write(playbook)
            playbook = stem + ".yml"
        events = stem + ".events"
        done = self.ansible.run("ansible-playbook", "-i", stem + ".inventory.json", "-e",
                                "@" + stem + ".vars.json", playbook, *arguments, timeout=3000,
                                **self.environment(events, forks))
        lines = []
        if os.path.exists(events):
            with open(events, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
        return Outcome(done.returncode, done.stdout, lines)

    def module(self, host, name, *arguments, **options):
        """The result of one module on one host."""
        text = json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [
            {"name": "it", "sp_openstack.drivers." + name: options}]}])
        outcome = self.play(text, {"hosts": [host]}, *arguments)
        result = outcome.results("it").get(host.name)
        if result is None:
            raise RuntimeError(str(outcome))
        result["outcome"] = outcome
        result["failed"] = bool(outcome.results("it", ("failed",)))
        return result
