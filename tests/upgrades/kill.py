# SPDX-License-Identifier: Apache-2.0
"""Loss of power at the system calls of the trigger, and dpkg --configure -a after it.

The packages are unpacked, their trigger is pending. In the root our program is a script that runs
the real one under strace, which kills it before one of its system calls; the script then kills dpkg
and all else in the namespace. After that `dpkg --configure -a` has to bring everything in order: no
service may have started before it, and at each start in it all is integrated.

The calls are those of a run that nobody disturbs. Between two calls that change something the disk
stays the same: whichever of these the program is killed at, it leaves the same. So only the first
of them is tried.
"""

import concurrent.futures
import os

import starts
from cycle import Failure
from hosts import SERVICES

# What is killed: path, name, whether services may have started before that.
VICTIMS = (("/usr/sbin/sp-openstack", "reapply", False),
           ("/var/lib/dpkg/info/sp-openstack.postinst", "the maintainer script", False),
           ("/usr/bin/dpkg", "dpkg", True))
# System calls that change no file; openat() is one of them without O_CREAT. Of any other name all
# are taken to change something.
HARMLESS = set("""
    access arch_prctl brk clock_gettime close dup dup2 exit_group faccessat faccessat2 fcntl
    fgetxattr flistxattr fstat fstatfs getcwd getdents64 getegid geteuid getgid getpid getppid
    getrandom getuid ioctl lseek lstat madvise mmap mprotect mremap munmap newfstatat poll
    pread64 prlimit64 read readlink readlinkat rseq rt_sigaction rt_sigprocmask rt_sigreturn
    sched_getaffinity set_robust_list set_tid_address sigaltstack stat statfs statx sysinfo
    umask uname""".split())
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
        host, calls, counts, changed = self.host(), [], {}, True
        with host.root:
            self.replace(host, '#!/bin/sh\nexec strace -o /trace @REAL@ "$@"\n')
            host.dpkg("--configure", "-a")
            for line in host.root.read("trace").splitlines():
                name = line.split("(")[0]
                if not name.isidentifier() or name == "execve":     # that one is strace's own
                    continue
                counts[name] = counts.get(name, 0) + 1
                if changed:
                    calls.append((name, counts[name]))
                changed = not (name in HARMLESS or name == "openat" and "O_CREAT" not in line)
        host.root.remove()
        return calls, sum(counts.values())

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
