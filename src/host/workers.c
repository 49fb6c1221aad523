/* SPDX-License-Identifier: Apache-2.0 */
#include "host/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/worker.h"

/* One process, as the calling one sees it. */
struct member {
    struct sp_worker worker;
    int fd;                /* its results come from here; -1: it is not running */
    struct sp_buffer read; /* what came, up to the end of a result */
};

/* In the pipe, before the bytes of a result. */
struct header {
    size_t item, len;
};

struct kept {
    bool here;
    struct sp_buffer bytes;
    char *broken; /* owned; NULL: it did not break */
};

struct crew {
    const struct sp_workers *job;
    atomic_size_t *next; /* the item that nobody has taken yet; shared by all processes */
    struct member *members;
    struct kept *kept; /* of each item, until those before it are done */
    size_t done;       /* items that were given to done() */
};

size_t sp_workers_processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? (size_t)count : 1;
}

/* ---- in a worker --------------------------------------------------------------------------- */

static void send(int fd, const void *data, size_t len)
{
    if (sp_bytes_write((struct sp_bytes){data, len}, fd) < 0)
        _exit(SP_ERROR_SYSTEM); /* the reader is gone */
}

static void work(const struct crew *crew, int fd)
{
    size_t item;
    struct sp_buffer out = SP_BUFFER_INIT;
    while ((item = atomic_fetch_add(crew->next, 1)) < crew->job->count) {
        sp_worker_enter(item);
        sp_buffer_reset(&out);
        crew->job->run(crew->job->data, item, &out);
        const struct header header = {item, out.len};
        send(fd, &header, sizeof(header));
        send(fd, sp_buffer_str(&out), out.len);
        sp_worker_leave_all();
    }
    sp_buffer_free(&out);
    exit(SP_ERROR_NONE);
}

/* ---- in the calling process ---------------------------------------------------------------- */

static int start(struct crew *crew, struct member *member, struct sp_error *err)
{
    int fds[2];
    fflush(NULL); /* or two processes would write what is in the buffers */
    if (pipe2(fds, O_CLOEXEC) < 0)
        return sp_error_errno(err, errno, "cannot make a pipe to a process");
    int started = sp_worker_start(&member->worker, err);
    if (started == 0) {
        close(fds[0]);
        work(crew, fds[1]);
    }
    close(fds[1]);
    member->fd = started < 0 ? -1 : fds[0];
    if (started < 0)
        close(fds[0]);
    return started < 0 ? -1 : 0;
}

/* Gives the results that are here to done(), as far as it is their turn. */
static void deliver(struct crew *crew)
{
    for (; crew->done < crew->job->count && crew->kept[crew->done].here; crew->done++) {
        struct kept *kept = &crew->kept[crew->done];
        const struct sp_workers_result result = {
            crew->done, {sp_buffer_str(&kept->bytes), kept->bytes.len}, kept->broken};
        crew->job->done(crew->job->data, &result);
        sp_buffer_free(&kept->bytes);
        free(kept->broken);
        kept->broken = NULL;
    }
}

/* Takes the complete results out of the bytes that were read. */
static void take_results(struct crew *crew, struct member *member)
{
    struct header header;
    size_t at = 0;
    while (member->read.len - at >= sizeof(header)) {
        memcpy(&header, member->read.data + at, sizeof(header));
        if (header.item >= crew->job->count || member->read.len - at - sizeof(header) < header.len)
            break;
        struct kept *kept = &crew->kept[header.item];
        sp_buffer_add(&kept->bytes, member->read.data + at + sizeof(header), header.len);
        kept->here = true;
        at += sizeof(header) + header.len;
    }
    struct sp_buffer rest = SP_BUFFER_INIT;
    sp_buffer_add(&rest, sp_buffer_str(&member->read) + at, member->read.len - at);
    sp_buffer_free(&member->read);
    member->read = rest;
    deliver(crew);
}

/* The item on which a process ended has no other result; the rest is for a new process. */
static int give_up_item(struct crew *crew, struct member *member,
                        const struct sp_worker_result *result, struct sp_error *err)
{
    struct kept *kept = &crew->kept[result->item];
    struct sp_buffer reason = SP_BUFFER_INIT;
    if (result->reason)
        sp_buffer_puts(&reason, result->reason);
    else
        sp_buffer_printf(&reason, "reading it ended the process with the status %d",
                         result->status);
    kept->broken = sp_xstrdup(sp_buffer_str(&reason));
    kept->here = true;
    sp_buffer_free(&reason);
    deliver(crew);
    return atomic_load(crew->next) < crew->job->count ? start(crew, member, err) : 0;
}

/* The process has ended: with all items taken; on an item, and then another one is started; or by
 * somebody's signal. */
static int end(struct crew *crew, struct member *member, struct sp_error *err)
{
    struct sp_pool *pool = sp_pool_new();
    struct sp_worker_result result;
    int rc = 0;
    close(member->fd);
    member->fd = -1;
    sp_worker_wait(&member->worker, pool, &result);
    sp_buffer_free(&member->read);
    if (result.end == SP_WORKER_KILLED) {
        rc = sp_error_set(err, SP_ERROR_SYSTEM, "a worker process was ended by the signal %d",
                          result.status);
    } else if (result.item < crew->job->count) {
        rc = give_up_item(crew, member, &result, err);
    } else if (result.status != 0) {
        rc = sp_error_set(err, SP_ERROR_SYSTEM, "a worker process ended with the status %d",
                          result.status);
    }
    sp_pool_free(pool);
    return rc;
}

/* Reads what a process sent, or sees that it has ended. */
static int attend(struct crew *crew, struct member *member, struct sp_error *err)
{
    char block[1 << 16];
    ssize_t got = read(member->fd, block, sizeof(block));
    if (got < 0 && errno == EINTR)
        return 0;
    if (got <= 0)
        return end(crew, member, err);
    sp_buffer_add(&member->read, block, (size_t)got);
    take_results(crew, member);
    return 0;
}

/* Waits until processes have sent something. 1: none is running any more. */
static int attend_all(struct crew *crew, struct sp_error *err)
{
    struct pollfd *fds = sp_xmalloc(crew->job->jobs * sizeof(*fds));
    size_t running = 0;
    for (size_t i = 0; i < crew->job->jobs; i++) {
        fds[i] = (struct pollfd){.fd = crew->members[i].fd, .events = POLLIN};
        running += fds[i].fd >= 0;
    }
    int rc = running ? 0 : 1;
    if (running && poll(fds, crew->job->jobs, -1) > 0)
        for (size_t i = 0; rc == 0 && i < crew->job->jobs; i++)
            if (fds[i].fd >= 0 && fds[i].revents)
                rc = attend(crew, &crew->members[i], err);
    free(fds);
    return rc;
}

static void stop_all(struct crew *crew)
{
    for (size_t i = 0; i < crew->job->jobs; i++) {
        struct member *member = &crew->members[i];
        struct sp_pool *pool = sp_pool_new();
        struct sp_worker_result ignored;
        if (member->fd >= 0) {
            kill(member->worker.pid, SIGKILL);
            close(member->fd);
            sp_worker_wait(&member->worker, pool, &ignored);
        }
        sp_buffer_free(&member->read);
        sp_pool_free(pool);
    }
}

int sp_workers_run(const struct sp_workers *workers, struct sp_error *err)
{
    struct crew crew = {.job = workers};
    if (workers->count == 0)
        return 0;
    void *shared =
        mmap(NULL, sizeof(*crew.next), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return sp_error_errno(err, errno, "cannot share memory with processes");
    crew.next = shared;
    atomic_init(crew.next, 0);
    crew.members = sp_xmalloc(workers->jobs * sizeof(*crew.members));
    crew.kept = sp_xmalloc(workers->count * sizeof(*crew.kept));
    for (size_t i = 0; i < workers->jobs; i++)
        crew.members[i] = (struct member){.fd = -1};
    for (size_t i = 0; i < workers->count; i++)
        crew.kept[i] = (struct kept){.here = false};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < workers->jobs && i < workers->count; i++)
        rc = start(&crew, &crew.members[i], err);
    while (rc == 0)
        rc = attend_all(&crew, err);
    stop_all(&crew);
    for (size_t i = crew.done; i < workers->count; i++) {
        sp_buffer_free(&crew.kept[i].bytes);
        free(crew.kept[i].broken);
    }
    free(crew.members);
    free(crew.kept);
    munmap(shared, sizeof(*crew.next));
    return rc < 0 ? -1 : 0;
}
