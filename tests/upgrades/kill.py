# SPDX-License-Identifier: Apache-2.0
"""Loss of power at every system call of the trigger, and dpkg --configure -a after it.

The packages are unpacked, their trigger is pending. In the root our program is a script that runs
the real one under strace, which kills it at its Nth system call; the script then kills the first
process of the namespace, and with it dpkg and all else. After that `dpkg --configure -a` has to bring
everything in order: before it no service may have started, and at each start in it all is integrated.
"""

import concurrent.futures
import os
import re

import starts
from cycle import Failure
from hosts import DEB_NAMES, SERVICES

PROGRAM = "/usr/sbin/sp-openstack"
POSTINST = "/var/lib/dpkg/info/sp-openstack.postinst"
# The first process of the namespace cannot be killed from inside it, but it ends when its child does:
# all processes but itself are killed, dpkg first.
WRAPPER = """#!/bin/sh
strace @FOLLOW@ -o /dev/null -e trace=all -e inject=all:signal=SIGKILL:when=@NUMBER@ @REAL@ "$@"
status=$?
if [ $status -ge 128 ]; then
    : >/killed
    kill -9 -1
fi
exit $status
"""


def unpacked(family, release):
    """Layers with all of the second set unpacked, and our trigger pending."""
    host = family.host(family.integrated[release], release, "unpacked-" + release)
    with host.root:
        host.dpkg("--no-triggers", "--force-depends", "--unpack", *host.files())
        starts.read(host.root)
    return host.root.layers()


class Victim:
    """What is killed: the program, or the maintainer script that runs it."""

    def __init__(self, family, release, layers, path, name):
        self.family, self.release, self.layers = family, release, layers
        self.path, self.name = path, name

    def host(self):
        return self.family.host(self.layers, self.release, "kill")

    def count(self):
        """About how many system calls it makes; the number varies by some."""
        host = self.host()
        with host.root:
            self.wrap(host, None)
            host.dpkg("--configure", "-a")
            lines = host.root.read("trace").splitlines()
        host.root.remove()
        return sum(1 for line in lines if re.match(r"\w+\(", line))

    def wrap(self, host, number):
        real = self.path + ".real"
        os.rename(host.root.path(self.path), host.root.path(real))
        text = WRAPPER.replace("@NUMBER@", str(number)).replace("@REAL@", real)
        if number is None:
            text = '#!/bin/sh\nexec strace -A -o /trace %s "$@"\n' % real
        host.root.write(self.path, text.replace("@FOLLOW@", ""), 0o755)

    def unwrap(self, host):
        os.rename(host.root.path(self.path + ".real"), host.root.path(self.path))

    def kill_at(self, number):
        """False when it ended before; raises what does not hold."""
        host = self.host()
        with host.root:
            self.wrap(host, number)
            host.dpkg("--configure", "-a", status=None)
            killed = host.root.exists("killed")
            self.unwrap(host)
            if killed:
                early = starts.read(host.root)
                if early:
                    raise Failure("%s started before the trigger was done" % early[0].service)
                os.unlink(host.root.path("killed"))
                host.dpkg("--configure", "-a")
            host.started(*SERVICES)
            host.sound()
        host.root.remove()
        return killed


def run(family, release, every, report, jobs=2):
    """Adds a row for each victim."""
    layers = unpacked(family, release)
    for path, name in ((PROGRAM, "reapply"), (POSTINST, "the maintainer script")):
        victim = Victim(family, release, layers, path, name)
        count = victim.count()
        numbers = range(1, count + 1, every)
        held, faults, survived = 0, [], 0
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            running = [(number, pool.submit(victim.kill_at, number)) for number in numbers]
            for number, future in running:
                try:
                    held, survived = held + 1, survived + (not future.result())
                except Failure as failure:
                    held -= 1
                    faults.append("at %d: %s" % (number, failure))
        report("dpkg --configure -a after a kill of %s at %d of %d system calls%s" % (
            name, len(numbers), count, ", %d of them after its end" % survived if survived else ""),
            "; ".join(faults[:3]) or None)
