/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <stdalign.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static bool is_zero(const void *data, size_t size)
{
    const char *bytes = data;
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

TEST(memory_is_zero_aligned_and_its_own)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4000, 16384, 16385, 65536, 65537, 200000, 8};
    char *blocks[100 * COUNT(sizes)];
    size_t count = 0;
    for (int round = 0; round < 100; round++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            char *block = sp_pool_alloc(f->pool, sizes[i]);
            assert_non_null(block);
            assert_int_equal((uintptr_t)block % alignof(max_align_t), 0);
            assert_true(is_zero(block, sizes[i]));
            memset(block, (int)(count % 255) + 1, sizes[i]); /* overlaps show in the next loop */
            blocks[count++] = block;
        }
    for (size_t n = 0; n < count; n++)
        for (size_t i = 0; i < sizes[n % COUNT(sizes)]; i++)
            if (blocks[n][i] != (char)((int)(n % 255) + 1))
                fail_msg("block %zu was overwritten", n);
}

TEST(reset_frees_and_keeps_memory_clean)
{
    static const size_t sizes[] = {10, 65536, 300000, 20000, 9000000};
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < COUNT(sizes); i++) {
            char *block = sp_pool_alloc(f->pool, sizes[(i + (size_t)round) % COUNT(sizes)]);
            assert_true(is_zero(block, sizes[(i + (size_t)round) % COUNT(sizes)]));
            memset(block, 1, sizes[(i + (size_t)round) % COUNT(sizes)]);
        }
        sp_pool_reset(f->pool);
    }
}

TEST(copies)
{
    char text[] = "text";
    char *copy = sp_pool_strdup(f->pool, text), *part = sp_pool_memdup(f->pool, text, 2);
    text[0] = 'n';
    assert_string_equal(copy, "text");
    assert_string_equal(part, "te");
    assert_string_equal(sp_pool_memdup(f->pool, NULL, 0), "");
    assert_string_equal(sp_pool_printf(f->pool, "%s-%03d", "a", 7), "a-007");
    char *longer = sp_pool_printf(f->pool, "%70000d", 5);
    assert_int_equal(strlen(longer), 70000);
    assert_int_equal(longer[69999], '5');
}

static int deferred_order[3], deferred_count;

static void note(void *data)
{
    deferred_order[deferred_count++] = *(int *)data;
}

TEST(reset_runs_what_is_deferred_once)
{
    int one = 1;
    deferred_count = 0;
    sp_pool_defer(f->pool, note, &one);
    sp_pool_reset(f->pool);
    sp_pool_reset(f->pool);
    assert_int_equal(deferred_count, 1);
}

TEST(deferred_run_latest_first_on_live_memory)
{
    struct sp_pool *pool = sp_pool_new();
    deferred_count = 0;
    for (int i = 1; i <= 3; i++) {
        int *number = sp_pool_alloc(pool, sizeof(*number)); /* in the pool itself */
        *number = i;
        sp_pool_defer(pool, note, number);
    }
    assert_int_equal(deferred_count, 0);
    sp_pool_free(pool);
    assert_int_equal(deferred_count, 3);
    assert_int_equal(deferred_order[0], 3);
    assert_int_equal(deferred_order[2], 1);
    sp_pool_free(NULL);
}

TEST(vector_grows_and_keeps_its_items)
{
    SP_VEC(int) numbers = {NULL, 0, 0};
    for (int i = 0; i < 1000; i++) {
        int *item = SP_PUSH(f->pool, &numbers);
        assert_int_equal(*item, 0);
        *item = i;
    }
    assert_int_equal(numbers.count, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(numbers.items[i], i);
}

TEST(strv_has)
{
    sp_strv strv = {NULL, 0, 0};
    assert_false(sp_strv_has(&strv, "a"));
    *SP_PUSH(f->pool, &strv) = "a";
    *SP_PUSH(f->pool, &strv) = "bc";
    assert_true(sp_strv_has(&strv, "bc"));
    assert_false(sp_strv_has(&strv, "b"));
    assert_false(sp_strv_has(&strv, ""));
}

TEST(str_equal)
{
    assert_true(sp_str_equal("a", "a"));
    assert_true(sp_str_equal(NULL, NULL));
    assert_false(sp_str_equal("a", "b"));
    assert_false(sp_str_equal("", NULL));
    assert_false(sp_str_equal(NULL, ""));
}

TEST(strv_add_once)
{
    sp_strv strv = {NULL, 0, 0}, more = {NULL, 0, 0};
    sp_strv_add_once(f->pool, &strv, "a");
    sp_strv_add_once(f->pool, &strv, "bc");
    sp_strv_add_once(f->pool, &strv, "a");
    assert_string_equal(sp_strv_join(f->pool, &strv, " "), "a bc");
    sp_strv_add_all_once(f->pool, &more, &strv);
    sp_strv_add_once(f->pool, &more, "b");
    sp_strv_add_all_once(f->pool, &strv, &more);
    assert_string_equal(sp_strv_join(f->pool, &strv, " "), "a bc b");
}

/* The address sanitizer ends the process by itself at such a size. */
static bool under_asan(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return true;
#elif defined(__has_feature)
    return __has_feature(address_sanitizer);
#else
    return false;
#endif
}

static struct sp_pool *pool_of_child; /* lost by the way the process ends, but not to valgrind */

static void ask_for_too_much_calloc(void)
{
    sp_pool_calloc(pool_of_child, SIZE_MAX / 4 + 2, 4); /* 4 bytes, if it wraps around */
}

static void ask_for_too_much_alloc(void)
{
    sp_pool_alloc(pool_of_child, SIZE_MAX - 4);
}

static void ask_for_too_much_malloc(void)
{
    sp_xmalloc(SIZE_MAX / 2);
}

/* In a process of its own: exit status 4, and one line on standard error. */
static void assert_ends(void (*ask)(void), int expected, const char *part)
{
    int ends[2], status = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        pool_of_child = sp_pool_new();
        ask();
        _exit(0);
    }
    close(ends[1]);
    char text[512];
    ssize_t len = read(ends[0], text, sizeof(text) - 1);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), expected);
    assert_true(len > 0);
    text[len] = '\0';
    assert_non_null(strstr(text, "out of memory"));
    assert_non_null(strstr(text, part));
    assert_int_equal(text[len - 1], '\n');
}

static void assert_out_of_memory(void (*ask)(void))
{
    assert_ends(ask, 4, "nothing more was done");
}

static void ask_for_too_much_halfway(void)
{
    sp_out_of_memory_means(5, "sp-openstack: out of memory in the middle of a transaction\n");
    ask_for_too_much_calloc();
}

TEST(too_much_memory_ends_the_process)
{
    assert_out_of_memory(ask_for_too_much_calloc);
    assert_out_of_memory(ask_for_too_much_alloc);
    if (!under_asan())
        assert_out_of_memory(ask_for_too_much_malloc);
    assert_ends(ask_for_too_much_halfway, 5, "in the middle of a transaction");
}

TEST(xmalloc_family)
{
    char *data = sp_xmalloc(0);
    assert_non_null(data);
    data = sp_xrealloc(data, 10);
    memcpy(data, "123456789", 10);
    data = sp_xrealloc(data, 100000);
    assert_string_equal(data, "123456789");
    char *copy = sp_xstrdup(data);
    free(data);
    assert_string_equal(copy, "123456789");
    free(copy);
}

TEST(printf_of_any_length)
{
    for (int len = 250; len < 262; len++) {
        const char *text = sp_pool_printf(f->pool, "%*d", len, 7);
        assert_int_equal(strlen(text), len);
        assert_int_equal(text[len - 1], '7');
    }
    assert_string_equal(sp_pool_printf(f->pool, "%s", ""), "");
}
