# SPDX-License-Identifier: Apache-2.0
"""Where a process under strace(1) is to be killed to leave each state of the disk once."""

# System calls that change no file, those that open one without O_CREAT among them. Any other is
# taken to change something.
OPENING = ("openat", "openat2")
HARMLESS = set("""
    access arch_prctl brk clock_gettime close dup dup2 exit_group faccessat faccessat2 fcntl
    fgetxattr flistxattr fstat fstatfs getcwd getdents64 getegid geteuid getgid getpid getppid
    getrandom getuid ioctl lseek lstat madvise mmap mprotect mremap munmap newfstatat poll
    pread64 prlimit64 read readlink readlinkat rseq rt_sigaction rt_sigprocmask rt_sigreturn
    sched_getaffinity set_robust_list set_tid_address sigaltstack stat statfs statx sysinfo
    umask uname""".split())


def kill_points(lines):
    """[(name, number)] of the calls in a log of strace at which to kill, and how many calls it has.

    strace counts the calls of each name on their own, for `inject=NAME:signal=SIGKILL:when=NUMBER`.
    Of the calls between two that may change a file only the first is there: whichever of them the
    process is killed at, it leaves the same.
    """
    counts, points, changed = {}, [], True
    for line in lines:
        name = line.split("(")[0]
        if not name.isidentifier() or name == "execve":     # that one is strace's own
            continue
        counts[name] = counts.get(name, 0) + 1
        if changed:
            points.append((name, counts[name]))
        changed = not (name in HARMLESS or name in OPENING and "O_CREAT" not in line)
    return points, sum(counts.values())
