/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program as on a Linux 3.10, the kernel of CentOS 7:
 *
 *     old_kernel PROGRAM [ARGUMENT]...
 *
 * Every system call that came after that answers ENOSYS - renameat2, getrandom, memfd_create,
 * copy_file_range, statx, openat2, close_range, faccessat2, ... - and open with O_TMPFILE EISDIR,
 * as open(2) says of kernels without it. Numbers of system calls are given out in their order, so
 * one number per architecture tells them: that of sched_setattr, the first one after 3.10. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCHITECTURE AUDIT_ARCH_PPC64LE
#else
#error "which AUDIT_ARCH_ this is, is in linux/audit.h"
#endif

#define TMPFILE_BIT        020000000 /* __O_TMPFILE without O_DIRECTORY, which it comes with */
#define LOW_WORD(argument) (offsetof(struct seccomp_data, args[argument])) /* little-endian */

int main(int argc, char **argv)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SYS_sched_setattr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, LOW_WORD(2)),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, TMPFILE_BIT, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EISDIR),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
    if (argc < 2) {
        fprintf(stderr, "usage: old_kernel PROGRAM [ARGUMENT]...\n");
        return 2;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
        fprintf(stderr, "old_kernel: no seccomp filter: %s\n", strerror(errno));
        return 125;
    }
    execvp(argv[1], argv + 1);
    fprintf(stderr, "old_kernel: %s: %s\n", argv[1], strerror(errno));
    return 127;
}
