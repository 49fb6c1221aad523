/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static void set_up_buffer(struct fixture *f)
{
    f->own = sp_pool_alloc(f->pool, sizeof(struct sp_buffer));
}

static void free_buffer(struct fixture *f)
{
    sp_buffer_free(f->own);
}

/* The body sees `buf`, an empty buffer. */
#define TEST_ON_BUFFER(name) TEST_WITH(name, struct sp_buffer *buf, set_up_buffer, free_buffer)

TEST_ON_BUFFER(empty_buffer_is_an_empty_string)
{
    assert_string_equal(sp_buffer_str(buf), "");
    assert_null(buf->data);
    sp_buffer_reset(buf);
    sp_buffer_add(buf, NULL, 0);
    assert_int_equal(buf->len, 0);
    assert_string_equal(sp_buffer_str(buf), "");
    sp_buffer_free(buf);
    sp_buffer_free(buf);
}

TEST_ON_BUFFER(everything_is_appended_in_order)
{
    sp_buffer_puts(buf, "ab");
    sp_buffer_putc(buf, 'c');
    sp_buffer_printf(buf, "%d%s", 12, "x");
    sp_buffer_add(buf, "y\0z", 3);
    assert_int_equal(buf->len, 9);
    assert_memory_equal(buf->data, "abc12xy\0z", 10); /* with the NUL that is not counted */
    sp_buffer_free(buf);
    assert_null(buf->data);
    assert_int_equal(buf->len, 0);
}

TEST_ON_BUFFER(growth_keeps_content_and_nul)
{
    for (int i = 0; i < 5000; i++) {
        sp_buffer_putc(buf, (char)('a' + i % 26));
        assert_int_equal(buf->data[buf->len], '\0');
        assert_true(buf->len < buf->room);
    }
    for (int i = 0; i < 5000; i++)
        assert_int_equal(buf->data[i], 'a' + i % 26);
    sp_buffer_printf(buf, "%100000d", 1);
    assert_int_equal(buf->len, 105000);
    assert_int_equal(strlen(buf->data), 105000);
    sp_buffer_free(buf);
}

TEST_ON_BUFFER(reset_keeps_memory_only)
{
    sp_buffer_puts(buf, "before");
    size_t room = buf->room;
    sp_buffer_reset(buf);
    assert_string_equal(sp_buffer_str(buf), "");
    assert_int_equal(buf->room, room);
    sp_buffer_puts(buf, "x");
    assert_string_equal(sp_buffer_str(buf), "x");
    sp_buffer_free(buf);
}

TEST(bytes_equal)
{
    assert_true(sp_bytes_equal(SP_BYTES_STR("ab"), SP_BYTES_STR("ab")));
    assert_false(sp_bytes_equal(SP_BYTES_STR("ab"), SP_BYTES_STR("ac")));
    assert_false(sp_bytes_equal(SP_BYTES_STR("ab"), SP_BYTES_STR("abc")));
    assert_false(sp_bytes_equal((struct sp_bytes){"a\0b", 3}, (struct sp_bytes){"a\0c", 3}));
    assert_true(sp_bytes_equal((struct sp_bytes){NULL, 0}, SP_BYTES_STR("")));
}

TEST(puts_safe)
{
    static const struct {
        const char *in, *out;
    } vectors[] = {
        {"plain text", "plain text"},
        {"", ""},
        {"a\nb\tc\\d", "a\\nb\\tc\\\\d"},
        {"\x1b[2J\r\x7f", "\\x1b[2J\\x0d\\x7f"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xc2\x9b", "\\xc2\\x9b"},          /* U+009B, which begins a sequence */
        {"\xc2\xa0", "\xc2\xa0"},            /* U+00A0 is the first that is none */
        {"a\xff\xc3", "a\\xff\\xc3"},        /* no UTF-8, cut short */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* a surrogate */
        {"\xc0\xaf", "\\xc0\\xaf"},          /* an overlong '/' */
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_buffer buf = SP_BUFFER_INIT;
        sp_buffer_puts(&buf, "<");
        sp_buffer_puts_safe(&buf, vectors[i].in);
        assert_string_equal(sp_buffer_str(&buf) + 1, vectors[i].out);
        sp_buffer_free(&buf);
    }
}

/* More than a pipe holds at a time; and the reason when there is no room. */
TEST(bytes_are_written_whole)
{
    static char data[300000];
    int ends[2], status;
    size_t got = 0;
    memset(data, 'x', sizeof(data));
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        _exit(sp_bytes_write((struct sp_bytes){data, sizeof(data)}, ends[1]) == 0 ? 0 : 1);
    }
    close(ends[1]);
    for (ssize_t n; (n = read(ends[0], data, sizeof(data))) > 0;)
        got += (size_t)n;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(got, sizeof(data));
    int full = open("/dev/full", O_WRONLY);
    if (full < 0)
        skip();
    errno = 0;
    assert_int_equal(sp_bytes_write(SP_BYTES_STR("x"), full), -1);
    assert_int_equal(errno, ENOSPC);
    close(full);
}

TEST(printf_at_the_end_of_the_room)
{
    for (int len = 250; len < 262; len++) {
        struct sp_buffer buf = SP_BUFFER_INIT;
        sp_buffer_printf(&buf, "%*d", len, 1);
        sp_buffer_printf(&buf, "%s", "");
        sp_buffer_printf(&buf, "%*d", 1000 - len, 2);
        assert_int_equal(buf.len, 1000);
        assert_int_equal(strlen(sp_buffer_str(&buf)), 1000);
        assert_int_equal(buf.data[len - 1], '1');
        assert_int_equal(buf.data[999], '2');
        sp_buffer_free(&buf);
    }
}
