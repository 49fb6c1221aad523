/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

/* In the child: the standard descriptors, and nothing else that could be inherited. */
static void become(const char *const *argv, int out, int error)
{
    int null = open("/dev/null", O_RDONLY);
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

static void read_some(struct stream *stream)
{
    char block[4096];
    ssize_t got = read(stream->fd, block, sizeof(block));
    if (got < 0 && errno == EINTR)
        return;
    if (got <= 0) {
        close(stream->fd);
        stream->fd = -1;
        return;
    }
    size_t room = SP_PROCESS_OUTPUT - stream->text->len;
    sp_buffer_add(stream->text, block, (size_t)got < room ? (size_t)got : room);
}

static void read_streams(struct stream *streams)
{
    while (streams[0].fd >= 0 || streams[1].fd >= 0) {
        struct pollfd polled[2] = {{.fd = streams[0].fd, .events = POLLIN},
                                   {.fd = streams[1].fd, .events = POLLIN}};
        if (poll(polled, 2, -1) < 0 && errno != EINTR)
            break;
        for (int i = 0; i < 2; i++)
            if (streams[i].fd >= 0 && polled[i].revents)
                read_some(&streams[i]);
    }
    for (int i = 0; i < 2; i++)
        if (streams[i].fd >= 0)
            close(streams[i].fd);
}

/* The last line that has anything in it. */
static const char *last_line(struct sp_buffer *text)
{
    while (text->len && strchr("\r\n \t", text->data[text->len - 1]))
        text->data[--text->len] = '\0';
    const char *newline = text->len ? strrchr(text->data, '\n') : NULL;
    return newline ? newline + 1 : sp_buffer_str(text);
}

static int judge(const char *program, int status, struct sp_buffer *errors, struct sp_error *err)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFSIGNALED(status))
        return sp_error_set(err, SP_ERROR_SYSTEM, "%s was ended by signal %d", program,
                            WTERMSIG(status));
    if (WEXITSTATUS(status) == 127 && errors->len == 0)
        return sp_error_set(err, SP_ERROR_SYSTEM, "%s can't be run", program);
    const char *line = last_line(errors);
    return sp_error_set(err, SP_ERROR_SYSTEM, "%s failed with exit status %d%s%s", program,
                        WEXITSTATUS(status), *line ? ": " : "", line);
}

int sp_process_run(const char *const *argv, struct sp_buffer *out, struct sp_error *err)
{
    int pipes[2][2];
    struct sp_buffer dropped = SP_BUFFER_INIT, errors = SP_BUFFER_INIT;
    if (pipe2(pipes[0], O_CLOEXEC) < 0)
        return sp_error_errno(err, errno, "can't run %s", argv[0]);
    if (pipe2(pipes[1], O_CLOEXEC) < 0) {
        int saved = errno;
        close(pipes[0][0]);
        close(pipes[0][1]);
        return sp_error_errno(err, saved, "can't run %s", argv[0]);
    }
    pid_t pid = fork();
    if (pid == 0)
        become(argv, pipes[0][1], pipes[1][1]);
    int saved = errno;
    close(pipes[0][1]);
    close(pipes[1][1]);
    struct stream streams[2] = {{pipes[0][0], out ? out : &dropped}, {pipes[1][0], &errors}};
    if (pid < 0) {
        close(pipes[0][0]);
        close(pipes[1][0]);
        return sp_error_errno(err, saved, "can't run %s", argv[0]);
    }
    read_streams(streams);
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    int rc = judge(argv[0], status, &errors, err);
    sp_buffer_free(&dropped);
    sp_buffer_free(&errors);
    return rc;
}
