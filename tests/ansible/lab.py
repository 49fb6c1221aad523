# SPDX-License-Identifier: Apache-2.0
"""What the tests of the collection share: a controller of each Ansible, and hosts."""

import os
import shutil
import tempfile
import unittest

import environment
import hosts
from play import Control

GIT = None              # check.py sets what it was told
COMPONENTS = ("cinder", "nova", "os_brick")
KILLED = """#!/bin/sh
SP_FAULT=%d:stop /usr/sbin/killed "$@" &
pid=$!
until grep -q 'State:.T' /proc/$pid/status 2>/dev/null; do
    kill -0 $pid 2>/dev/null || { wait $pid; exit; }
    sleep 0.05
done
kill -9 $pid
wait $pid
"""
# A program that answers one of the commands by itself.
STUB = """#!/bin/sh
case "$*" in
*%s*) echo '%s'; exit %d;;
*) exec /usr/sbin/real --data-dir /usr/share/sp-openstack "$@";;
esac
"""
controls = {}           # made once a run, by name
_top = None


def top():
    global _top
    if not _top:
        _top = os.path.realpath(tempfile.mkdtemp(prefix="sp-openstack-ansible-"))
        os.chmod(_top, 0o755)
    return _top


def clean():
    if _top:
        shutil.rmtree(_top, ignore_errors=True)


def control(name):
    if name not in controls:
        controls[name] = Control(name, os.path.join(top(), name))
    return controls[name]


def kill_in_the_middle(host, point=125):
    """The host's program is killed at its N-th change from now on; returns how to mend that."""
    program, fault = host.path("usr/sbin/sp-openstack"), os.path.join(
        hosts.TOP, "build-fault/sp-openstack")
    if not os.path.exists(fault):
        raise unittest.SkipTest("build-fault/sp-openstack is not here: make check-ansible")
    os.rename(program, host.path("usr/sbin/sp-openstack.real"))
    hosts.shutil.copy2(fault, host.path("usr/sbin/killed"))
    host.put("usr/sbin/sp-openstack", KILLED % point, 0o755)

    def mend():
        os.rename(host.path("usr/sbin/sp-openstack.real"), program)
        os.unlink(host.path("usr/sbin/killed"))
    return mend


class Case(unittest.TestCase):
    ANSIBLE = "ansible-core-2.16"
    longMessage = False
    maxDiff = None

    def setUp(self):
        reason = hosts.missing()
        if reason:
            self.skipTest(reason)
        self.fleet = hosts.Fleet(tempfile.mkdtemp(dir=top()))
        self.addCleanup(self.fleet.stop)
        self.control = control(self.ANSIBLE)

    def python(self, *version):
        found = environment.interpreters()
        if version not in found:
            self.skipTest("Python %d.%d is not here" % version)
        return found[version]

    def host(self, name="host", release="newton", version=(2, 7), layout="ubuntu", services=(),
             program=True):
        """A host with stand-ins of the three components, started."""
        one = self.fleet.add(name, self.python(*version) if version else None, layout, program)
        for component in COMPONENTS:
            one.put_stand_in(component, release)
        one.put_prerequisites(one.site)
        one.age()
        one.start(*services)
        return one

    def module(self, host, name, *arguments, changed=None, **options):
        result = self.control.module(host, name, *arguments, **options)
        self.assertFalse(result.get("failed"), "%s: %s" % (name, result))
        if changed is not None:
            self.assertEqual(result["changed"], changed, str(result))
        return result

    def fails(self, host, name, rc, reason, *arguments, **options):
        result = self.control.module(host, name, *arguments, **options)
        self.assertTrue(result.get("failed"), str(result))
        self.assertEqual((result.get("rc"), result.get("reason")), (rc, reason), str(result))
        self.assertEqual(result["outcome"].status, 2)
        return result
