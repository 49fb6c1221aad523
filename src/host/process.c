/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
                                          "LANG=C", "HOME=/", NULL};

struct stream {
    int fd;
    struct sp_buffer *text;
};

/* close_range(2), Linux 5.9; the number is that of every architecture. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

/* All but the standard descriptors. */
static void close_others(void)
{
    if (syscall(SYS_close_range, 3U, ~0U, 0U) == 0)
        return;
    struct rlimit limit; /* what the program opened itself is close-on-exec anyway */
    rlim_t end = 1 << 20;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < end)
        end = limit.rlim_cur;
    for (int fd = 3; fd < (int)end; fd++)
        close(fd);
}

/* An input that is at its end: not every chroot has a /dev. */
static int open_nothing(void)
{
    int fd = open("/dev/null", O_RDONLY), ends[2];
    if (fd >= 0)
        return fd;
    if (pipe(ends) < 0)
        return -1;
    close(ends[1]);
    return ends[0];
}

/* In the child: the standard descriptors, and nothing else that could be inherited. A program that
 * is asked something gets a process group of its own, so that it can be ended with all that it
 * started, and ends with this process, since a terminal's signals do not reach it there. */
static void exec_child(const char *const *argv, int out, int error, bool asked)
{
    if (asked && (setpgid(0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0))
        _exit(126);
    int null = open_nothing();
    if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(error, 2) < 0)
        _exit(126);
    close_others();
    signal(SIGPIPE, SIG_DFL);
    union {
        const char *const *in;
        char *const *out; /* execve(2) changes neither, POSIX explains its prototype */
    } args = {argv}, env = {environment};
    execve(argv[0], args.out, env.out);
    _exit(127);
}

/* Whether the stream had more than is kept. */
static bool read_some(struct stream *stream)
{
    char block[4096];
    ssize_t got = read(stream->fd, block, sizeof(block));
    if (got < 0 && errno == EINTR)
        return false;
    if (got <= 0) {
        close(stream->fd);
        stream->fd = -1;
        return false;
    }
    size_t room = SP_PROCESS_OUTPUT - stream->text->len;
    sp_buffer_add(stream->text, block, (size_t)got < room ? (size_t)got : room);
    return (size_t)got > room;
}

static long long now_in_milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum ending {
    ENDED_ITSELF,
    ENDED_FOR_TIME,
    ENDED_FOR_OUTPUT
};

/* Until both streams are closed, or a limit is reached. */
static enum ending read_streams(struct stream *streams, const struct sp_process_limits *limits)
{
    long long end = now_in_milliseconds() + 1000LL * limits->seconds;
    while (streams[0].fd >= 0 || streams[1].fd >= 0) {
        struct pollfd polled[2] = {{.fd = streams[0].fd, .events = POLLIN},
                                   {.fd = streams[1].fd, .events = POLLIN}};
        long long left = end - now_in_milliseconds();
        if (left <= 0)
            return ENDED_FOR_TIME;
        if (poll(polled, 2, (int)left) <= 0)
            continue; /* time is up, or a signal */
        for (int i = 0; i < 2; i++)
            if (streams[i].fd >= 0 && polled[i].revents && read_some(&streams[i]) &&
                limits->all_output)
                return ENDED_FOR_OUTPUT;
    }
    return ENDED_ITSELF;
}

/* A program that closed its streams may still run. */
static enum ending wait_for(pid_t pid, enum ending ending, const struct sp_process_limits *limits,
                            int *status)
{
    long long end = now_in_milliseconds() + 1000LL * limits->seconds;
    while (ending == ENDED_ITSELF) {
        pid_t got = waitpid(pid, status, WNOHANG);
        if (got == pid || (got < 0 && errno != EINTR))
            return ENDED_ITSELF;
        if (now_in_milliseconds() >= end)
            ending = ENDED_FOR_TIME;
        else
            poll(NULL, 0, 5);
    }
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL); /* it has no group of its own, or not yet */
    while (waitpid(pid, status, 0) < 0 && errno == EINTR)
        ;
    return ending;
}

/* The last line that has anything in it. */
static const char *last_line(struct sp_buffer *text)
{
    while (text->len && strchr("\r\n \t", text->data[text->len - 1]))
        text->data[--text->len] = '\0';
    const char *newline = text->len ? strrchr(text->data, '\n') : NULL;
    return newline ? newline + 1 : sp_buffer_str(text);
}

static int check_exit_status(const char *program, int status, struct sp_buffer *errors,
                             struct sp_error *err)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFSIGNALED(status))
        return sp_error_set(err, SP_ERROR_SYSTEM, "%s was ended by signal %d", program,
                            WTERMSIG(status));
    if (WEXITSTATUS(status) == 127 && errors->len == 0)
        return sp_error_set(err, SP_ERROR_SYSTEM, "cannot run '%s'", program);
    const char *line = last_line(errors);
    return sp_error_set(err, SP_ERROR_SYSTEM, "%s failed with exit status %d%s%s", program,
                        WEXITSTATUS(status), *line ? ": " : "", line);
}

static int check_ending(const char *program, enum ending ending,
                        const struct sp_process_limits *limits, struct sp_error *err)
{
    if (ending == ENDED_FOR_TIME)
        return sp_error_set(err, SP_ERROR_SYSTEM, "'%s' did not end within %u seconds", program,
                            limits->seconds);
    if (ending == ENDED_FOR_OUTPUT)
        return sp_error_set(err, SP_ERROR_SYSTEM, "'%s' printed more than %d bytes", program,
                            (int)SP_PROCESS_OUTPUT);
    return 0;
}

static int open_pipes(int pipes[2][2])
{
    if (pipe2(pipes[0], O_CLOEXEC) < 0)
        return -1;
    if (pipe2(pipes[1], O_CLOEXEC) == 0)
        return 0;
    int saved = errno;
    close(pipes[0][0]);
    close(pipes[0][1]);
    errno = saved;
    return -1;
}

int sp_process_run_within(const char *const *argv, const struct sp_process_limits *limits,
                          struct sp_buffer *out, struct sp_error *err)
{
    int pipes[2][2], status = 0;
    struct sp_buffer dropped = SP_BUFFER_INIT, errors = SP_BUFFER_INIT;
    if (open_pipes(pipes) < 0)
        return sp_error_errno(err, errno, "cannot run '%s'", argv[0]);
    pid_t pid = fork();
    if (pid == 0)
        exec_child(argv, pipes[0][1], pipes[1][1], limits->all_output);
    int saved = errno;
    close(pipes[0][1]);
    close(pipes[1][1]);
    struct stream streams[2] = {{pipes[0][0], out ? out : &dropped}, {pipes[1][0], &errors}};
    enum ending ending = ENDED_ITSELF;
    if (pid > 0)
        ending = wait_for(pid, read_streams(streams, limits), limits, &status);
    for (int i = 0; i < 2; i++)
        if (streams[i].fd >= 0)
            close(streams[i].fd);
    int rc = pid < 0 ? sp_error_errno(err, saved, "cannot run '%s'", argv[0])
                     : check_ending(argv[0], ending, limits, err);
    if (rc == 0)
        rc = check_exit_status(argv[0], status, &errors, err);
    sp_buffer_free(&dropped);
    sp_buffer_free(&errors);
    return rc;
}

int sp_process_run(const char *const *argv, struct sp_buffer *out, struct sp_error *err)
{
    static const struct sp_process_limits limits = {SP_PROCESS_SECONDS, true};
    return sp_process_run_within(argv, &limits, out, err);
}
