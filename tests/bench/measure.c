/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program, its output dropped: measure PROGRAM [ARGUMENT...]. Prints the nanoseconds from
 * fork to wait, those of processor time, the peak memory in KiB, and the exit status. A small program
 * of its own, since the peak of a child starts with that of the one that forks it. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (long long)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static long long nanoseconds(struct timeval tv)
{
    return (long long)tv.tv_sec * 1000000000 + tv.tv_usec * 1000LL;
}

int main(int argc, char **argv)
{
    struct rusage usage;
    int status, null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (argc < 2 || null < 0)
        return 2;
    long long start = now();
    pid_t child = fork();
    if (child == 0) {
        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) < 0)
        return 1;
    long long end = now();
    printf("%lld %lld %ld %d\n", end - start,
           nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime), usage.ru_maxrss,
           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}
