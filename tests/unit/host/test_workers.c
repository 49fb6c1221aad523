/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "host/worker.h"
#include "host/workers.h"

enum {
    ITEMS = 40
};

/* What done() was told, and what the items shall do. */
struct run_data {
    size_t next;          /* the item whose turn it is */
    size_t broken;        /* how many were */
    size_t crashes, eats; /* the numbers of two items; SIZE_MAX: none */
    size_t fails;         /* an item that ends inside of another one, as after an error */
    size_t exits;         /* an item that ends the process as if all was done */
    size_t killed;        /* the item on which somebody ends the process */
    char last[200];       /* the reason of the last one that was broken */
};

static struct run_data nothing(void)
{
    return (struct run_data){.crashes = SIZE_MAX,
                             .eats = SIZE_MAX,
                             .fails = SIZE_MAX,
                             .exits = SIZE_MAX,
                             .killed = SIZE_MAX};
}

static void run(void *data, size_t item, struct sp_buffer *out)
{
    const struct run_data *d = data;
    if (item == d->crashes) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    if (item == d->killed)
        raise(SIGTERM);
    if (item == d->exits)
        _exit(0);
    if (item == d->fails)
        sp_worker_enter(1);
    for (size_t i = 0; item == d->eats; i++)
        memset(sp_xmalloc(64 << 20), 1, 64 << 20);
    if (item % 7 == 0)
        usleep(2000); /* so that later ones are ready before */
    for (size_t i = 0; i < item * 1000; i++)
        sp_buffer_putc(out, (char)('a' + item % 26));
}

static void done(void *data, const struct sp_workers_result *result)
{
    struct run_data *d = data;
    assert_int_equal(result->item, d->next);
    d->next++;
    if (result->broken) {
        d->broken++;
        snprintf(d->last, sizeof(d->last), "%s", result->broken);
        return;
    }
    assert_int_equal(result->bytes.len, result->item * 1000);
    for (size_t i = 0; i < result->bytes.len; i++)
        if (result->bytes.data[i] != (char)('a' + result->item % 26))
            fail_msg("item %zu, byte %zu", result->item, i);
}

static int run_all(struct fixture *f, struct run_data *d, size_t jobs, size_t count)
{
    const struct sp_workers workers = {
        .count = count, .jobs = jobs, .data = d, .run = run, .done = done};
    return sp_workers_run(&workers, &f->err);
}

TEST(results_come_in_order)
{
    for (size_t jobs = 1; jobs < 6; jobs++) {
        struct run_data d = nothing();
        assert_ok(f, run_all(f, &d, jobs, ITEMS));
        assert_int_equal(d.next, ITEMS);
        assert_int_equal(d.broken, 0);
    }
}

TEST(nothing_to_do)
{
    struct run_data d = nothing();
    assert_ok(f, run_all(f, &d, 3, 0));
    assert_int_equal(d.next, 0);
    assert_ok(f, run_all(f, &d, 3, 1)); /* fewer items than processes */
    assert_int_equal(d.next, 1);
}

TEST(a_crash_costs_its_item)
{
    for (size_t jobs = 1; jobs < 4; jobs++)
        for (size_t item = 0; item < ITEMS; item += ITEMS - 1) {
            struct run_data d = nothing();
            d.crashes = item;
            assert_ok(f, run_all(f, &d, jobs, ITEMS));
            assert_int_equal(d.next, ITEMS);
            assert_int_equal(d.broken, 1);
            assert_string_equal(d.last, "reading it ended in a crash (SIGSEGV)");
        }
}

/* The limits of an item that was entered and not left end with it: a crash later is another one's. */
TEST(a_failure_is_left_with_its_item)
{
    struct run_data d = nothing();
    d.fails = 2;
    d.crashes = 5;
    assert_ok(f, run_all(f, &d, 1, ITEMS));
    assert_int_equal(d.next, ITEMS);
    assert_int_equal(d.broken, 1);
}

TEST(an_end_in_the_middle_costs_its_item)
{
    struct run_data d = nothing();
    d.exits = 3;
    assert_ok(f, run_all(f, &d, 1, ITEMS));
    assert_int_equal(d.next, ITEMS);
    assert_int_equal(d.broken, 1);
    assert_string_equal(d.last, "reading it ended the process with the status 0");
}

TEST(memory_costs_its_item)
{
#if defined(__SANITIZE_ADDRESS__)
    skip(); /* no limit on memory then: host/worker.c */
#endif
    struct run_data d = nothing();
    d.eats = 3;
    assert_ok(f, run_all(f, &d, 2, ITEMS));
    assert_int_equal(d.next, ITEMS);
    assert_int_equal(d.broken, 1);
    assert_string_equal(d.last, "reading it took more than 1024 MiB of memory");
}

TEST(a_signal_from_elsewhere_ends_all)
{
    struct run_data d = nothing();
    d.killed = 5;
    assert_fails(f, run_all(f, &d, 2, ITEMS), SP_ERROR_SYSTEM, "ended by the signal 15");
    assert_true(d.next <= ITEMS);
}

TEST(processors)
{
    assert_true(sp_workers_processors() >= 1);
}
