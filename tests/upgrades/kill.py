# SPDX-License-Identifier: Apache-2.0
"""Loss of power at the system calls of the trigger, and dpkg --configure -a after it.

The packages are unpacked, their trigger is pending. In the root our program is a script that runs
the real one under strace, which kills it before one of its system calls; the script then kills dpkg
and all else in the namespace. After that `dpkg --configure -a` has to bring everything in order: no
service may have started before it, and at each start in it all is integrated.

The calls are those of a run that nobody disturbs (tests/strace.py).
"""

import concurrent.futures
import os

import starts
import strace
from cycle import Failure
from hosts import SERVICES

# What is killed: path, name, whether services may have started before that.
VICTIMS = (("/usr/sbin/sp-openstack", "reapply", False),
           ("/var/lib/dpkg/info/sp-openstack.postinst", "the maintainer script", False),
           ("/usr/bin/dpkg", "dpkg", True))
WRAPPER = """#!/bin/sh
strace -o /dev/null -e inject=@NAME@:signal=SIGKILL:when=@NUMBER@ @REAL@ "$@"
status=$?
if [ $status -ge 128 ]; then
    : >/killed
    kill -9 -1
fi
exit $status
"""


class Victim:
    """What is killed: the program, the maintainer script that runs it, or dpkg."""

    def __init__(self, family, release, layers, path, starts_before):
        self.family, self.release, self.layers = family, release, layers
        self.path, self.starts_before = path, starts_before

    def host(self):
        return self.family.host(self.layers, self.release, "kill")

    def replace(self, host, script):
        os.rename(host.root.path(self.path), host.root.path(self.path + ".real"))
        host.root.write(self.path, script.replace("@REAL@", self.path + ".real"), 0o755)

    def restore(self, host):
        os.rename(host.root.path(self.path + ".real"), host.root.path(self.path))

    def calls(self):
        """[(name, how many of the name)] of those to be tried, and how many there are in all."""
        host = self.host()
        with host.root:
            self.replace(host, '#!/bin/sh\nexec strace -o /trace @REAL@ "$@"\n')
            host.dpkg("--configure", "-a")
            found = strace.kill_points(host.root.read("trace").splitlines())
        host.root.remove()
        return found

    def kill_at(self, name, number):
        """False when there was no such call this time; raises what does not hold."""
        host = self.host()
        try:
            with host.root:
                return self.kill_on(host, name, number)
        finally:
            host.root.remove()

    def kill_on(self, host, name, number):
        self.replace(host, WRAPPER.replace("@NAME@", name).replace("@NUMBER@", str(number)))
        # a shell in between: what is first in the namespace cannot be killed from inside it
        host.run("sh", "-c", "dpkg --configure -a; exit $?", status=None)
        killed = host.root.exists("killed")
        self.restore(host)
        if killed:
            if host.root.exists(starts.LOG) and not self.starts_before:
                raise Failure("a service started before the trigger was done")
            os.unlink(host.root.path("killed"))
            host.dpkg("--configure", "-a")
        host.started(*SERVICES)
        host.sound()
        return killed


def unpacked(family, release):
    """Layers with all of the second set unpacked, and our trigger pending."""
    host = family.host(family.integrated[release], release, "unpacked-" + release)
    with host.root:
        host.dpkg("--no-triggers", "--force-depends", "--unpack", *host.files())
        starts.read(host.root)
    return host.root.layers()


def run(family, release, every, report, jobs=2):
    """Adds a row for each victim; every: 1 for all kills, N for every Nth."""
    layers = unpacked(family, release)
    for path, name, starts_before in VICTIMS:
        victim = Victim(family, release, layers, path, starts_before)
        calls, total = victim.calls()
        tried, faults, missed = calls[::every], [], 0
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            running = [(call, pool.submit(victim.kill_at, call[0], call[1])) for call in tried]
            for call, future in running:
                try:
                    missed += not future.result()
                except Failure as failure:
                    faults.append("at %s %d: %s" % (call[0], call[1], failure))
        if missed * 20 > len(tried):
            faults.append("%d of the calls were not met again" % missed)
        text = "%d kills, at %d places of %d system calls%s" % (
            len(tried), len(calls), total, "; %d not met again" % missed if missed else "")
        report("dpkg --configure -a after a kill of %s" % name, "; ".join(faults[:3]) or None, text)
