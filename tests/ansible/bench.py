#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time of plays on many hosts, against a loop that calls the program: how much of it is Ansible's.

    tests/ansible/bench.py [--hosts N,N] [--forks N] [--plays module,role]

Hosts are roots with stand-ins of the three components. For each way an installation and a second
run that changes nothing. "CPU" is processor time of everything that was started, which other work
on the machine does not change much; "clock" is by the clock."""

import argparse
import concurrent.futures
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import environment
import hosts
import lab

TASKS = [{"name": "it", "sp_openstack.drivers.integration": {}}]
PLAYS = {
    "module": [{"hosts": "all", "gather_facts": False, "tasks": TASKS}],
    "role": [{"hosts": "all", "gather_facts": False, "roles": ["sp_openstack.drivers.host"]}],
    # as much of Ansible, and nothing of ours
    "ping": [{"hosts": "all", "gather_facts": False,
              "tasks": [{"name": "it", "ansible.builtin.ping": {}}]}],
}


def measured(what, count, function):
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    function()
    clock, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    print("%4d hosts  %-28s  clock %7.1f s, %6.0f ms a host   CPU %7.1f s, %6.0f ms a host"
          % (count, what, clock, 1000 * clock / count, cpu, 1000 * cpu / count), flush=True)


def call(host, command):
    subprocess.run(host.command("sp-openstack --json %s >/dev/null 2>&1" % command), check=True,
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


def loop(members, forks, command):
    with concurrent.futures.ThreadPoolExecutor(forks) as pool:
        list(pool.map(lambda host: call(host, command), members))


def play(control, name, members, forks):
    outcome = control.play(json.dumps(PLAYS[name]), {"all": members}, forks=forks)
    if outcome.status:
        raise RuntimeError(str(outcome))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", default="50,200")
    parser.add_argument("--forks", type=int, default=20)
    parser.add_argument("--plays", default="module,role")
    given = parser.parse_args()
    reason = hosts.missing()
    if reason:
        print("skipped: " + reason)
        return 0
    control, python = lab.control("ansible-core-2.16"), environment.interpreters()[2, 7]
    try:
        for count in (int(part) for part in given.hosts.split(",")):
            fleet = hosts.Fleet(tempfile.mkdtemp(dir=lab.top()))
            try:
                for number in range(count):
                    host = fleet.add("host%d" % number, python)
                    for component in lab.COMPONENTS:
                        host.put_stand_in(component, hosts.stand_ins.RELEASES[number % 4])
                    host.put_prerequisites(host.site)
                    host.start()
                members, forks = fleet.hosts, given.forks
                for which, jobs in (("loop, one at a time", 1),
                                    ("loop, %d at a time" % forks, forks)):
                    for command in ("install", "install", "uninstall"):
                        measured("%s: %s" % (which, command), count,
                                 lambda c=command, j=jobs: loop(members, j, c))
                measured("play: ping", count, lambda: play(control, "ping", members, forks))
                for name in given.plays.split(","):
                    for word in ("first", "second"):
                        measured("play: %s, %s run" % (name, word), count,
                                 lambda n=name: play(control, n, members, forks))
                    loop(members, forks, "uninstall")
            finally:
                fleet.stop()
    finally:
        lab.clean()
    return 0


if __name__ == "__main__":
    sys.exit(main())
