# SPDX-License-Identifier: Apache-2.0
"""Loss of power at the system calls of the trigger, and dpkg --configure -a after it.

The packages are unpacked, their trigger is pending. In the root our program is a script that runs
the real one under strace, which kills it before one of its system calls; the script then kills dpkg
and all else in the namespace. After that `dpkg --configure -a` has to bring everything in order: no
service may have started before it, and at each start in it all is integrated.

The calls are those of a run that nobody disturbs. Between two calls that change something the disk
stays the same, so of the others not all have to be tried.
"""

import concurrent.futures
import os
import re

import starts
from cycle import Failure
from hosts import SERVICES

PROGRAM = "/usr/sbin/sp-openstack"
POSTINST = "/var/lib/dpkg/info/sp-openstack.postinst"
CHANGING = re.compile(r"open\w*\(.*O_CREAT|(mkdir|rmdir|unlink|rename|link|symlink|write|pwrite|"
                      r"fsync|fdatasync|sync_file_range|f?chmod|[fl]?chown|f?setxattr|"
                      r"f?removexattr|utimens|f?truncate|fallocate|copy_file_range|"
                      r"exit_group)\w*\(")
# strace counts the calls of each name on their own.
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
    """What is killed: the program, or the maintainer script that runs it."""

    def __init__(self, family, release, layers, path, name):
        self.family, self.release, self.layers = family, release, layers
        self.path, self.name = path, name

    def host(self):
        return self.family.host(self.layers, self.release, "kill")

    def replace(self, host, script):
        os.rename(host.root.path(self.path), host.root.path(self.path + ".real"))
        host.root.write(self.path, script.replace("@REAL@", self.path + ".real"), 0o755)

    def restore(self, host):
        os.rename(host.root.path(self.path + ".real"), host.root.path(self.path))

    def calls(self):
        """[(name, how many of the name, whether it changes something)]"""
        host, calls, counts = self.host(), [], {}
        with host.root:
            self.replace(host, '#!/bin/sh\nexec strace -o /trace @REAL@ "$@"\n')
            host.dpkg("--configure", "-a")
            for line in host.root.read("trace").splitlines():
                name = re.match(r"(\w+)\(", line)
                if name and name.group(1) != "execve":      # strace's own
                    name = name.group(1)
                    counts[name] = counts.get(name, 0) + 1
                    calls.append((name, counts[name], bool(CHANGING.match(line))))
        host.root.remove()
        return calls

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
            early = starts.read(host.root)
            if early:
                raise Failure("%s started before the trigger was done" % early[0].service)
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


def chosen(calls, every, every_change):
    """Every so-manyth of the calls that change nothing, and of those that do."""
    changing = [call for call in calls if call[2]]
    others = [call for call in calls if not call[2]]
    return changing[::every_change] + others[::every]


def run(family, release, every, every_change, report, jobs=2):
    """Adds a row for each victim."""
    layers = unpacked(family, release)
    for path, name in ((PROGRAM, "reapply"), (POSTINST, "the maintainer script")):
        victim = Victim(family, release, layers, path, name)
        calls = victim.calls()
        tried, faults, missed = chosen(calls, every, every_change), [], 0
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            running = [(call, pool.submit(victim.kill_at, call[0], call[1])) for call in tried]
            for call, future in running:
                try:
                    missed += not future.result()
                except Failure as failure:
                    faults.append("at %s %d: %s" % (call[0], call[1], failure))
        if missed * 20 > len(tried):
            faults.append("%d of the calls were not met again" % missed)
        text = "kill at %d of %d calls, %d of them changing%s" % (
            len(tried), len(calls), sum(call[2] for call in tried),
            "; %d not met again" % missed if missed else "")
        report("dpkg --configure -a after a kill of %s" % name, "; ".join(faults[:3]) or None, text)
