/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output_junit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/escape.h"

int sp_junit_begin(struct sp_pool *pool, const char *file, const char *suite, struct sp_junit *out,
                   struct sp_error *err)
{
    *out = (struct sp_junit){.pool = pool, .file = file, .suite = suite};
    out->fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0644);
    if (out->fd >= 0 && fchmod(out->fd, 0644) == 0) /* whatever the umask */
        return 0;
    if (out->fd < 0 && errno == EEXIST)
        out->fd = open(file, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (out->fd >= 0)
        return 0;
    return sp_error_errno(err, errno, "cannot write the report '%s'", sp_escape(pool, file));
}

static bool is_taken(const struct sp_junit *junit, const char *class_name, const char *name)
{
    for (size_t i = 0; i < junit->cases.count; i++)
        if (strcmp(junit->cases.items[i].name, name) == 0 &&
            strcmp(junit->cases.items[i].class_name, class_name) == 0)
            return true;
    return false;
}

void sp_junit_add(struct sp_junit *junit, const struct sp_junit_case *one)
{
    struct sp_junit_case copy = *one;
    copy.class_name = sp_escape(junit->pool, one->class_name);
    copy.name = sp_escape(junit->pool, one->name);
    copy.message = one->message ? sp_escape(junit->pool, one->message) : NULL;
    const char *name = copy.name;
    for (unsigned i = 2; is_taken(junit, copy.class_name, copy.name); i++)
        copy.name = sp_pool_printf(junit->pool, "%s (%u)", name, i);
    *SP_PUSH(junit->pool, &junit->cases) = copy;
}

/* Control characters were escaped before: XML 1.0 has no way to write them. */
static void put_attribute(struct sp_buffer *out, const char *name, const char *value)
{
    sp_buffer_printf(out, " %s=\"", name);
    for (; *value; value++)
        switch (*value) {
        case '&':
            sp_buffer_puts(out, "&amp;");
            break;
        case '<':
            sp_buffer_puts(out, "&lt;");
            break;
        case '>':
            sp_buffer_puts(out, "&gt;");
            break;
        case '"':
            sp_buffer_puts(out, "&quot;");
            break;
        default:
            sp_buffer_putc(out, *value);
        }
    sp_buffer_putc(out, '"');
}

static void put_seconds(struct sp_buffer *out, unsigned milliseconds)
{
    sp_buffer_printf(out, " time=\"%u.%03u\"", milliseconds / 1000, milliseconds % 1000);
}

static void put_case(struct sp_buffer *out, const struct sp_junit_case *one)
{
    static const char *const elements[] = {
        [SP_JUNIT_FAILED] = "failure", [SP_JUNIT_SKIPPED] = "skipped"};
    sp_buffer_puts(out, "    <testcase");
    put_attribute(out, "classname", one->class_name);
    put_attribute(out, "name", one->name);
    put_seconds(out, one->milliseconds);
    if (one->outcome == SP_JUNIT_PASSED) {
        sp_buffer_puts(out, "/>\n");
        return;
    }
    sp_buffer_printf(out, ">\n      <%s", elements[one->outcome]);
    put_attribute(out, "message", one->message ? one->message : "");
    sp_buffer_puts(out, "/>\n    </testcase>\n");
}

static void put_counts(struct sp_buffer *out, const struct sp_junit *junit)
{
    size_t failed = 0, skipped = 0;
    unsigned milliseconds = 0;
    for (size_t i = 0; i < junit->cases.count; i++) {
        failed += junit->cases.items[i].outcome == SP_JUNIT_FAILED;
        skipped += junit->cases.items[i].outcome == SP_JUNIT_SKIPPED;
        milliseconds += junit->cases.items[i].milliseconds;
    }
    put_attribute(out, "name", junit->suite);
    sp_buffer_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\"",
                     junit->cases.count, failed, skipped);
    put_seconds(out, milliseconds);
}

static int write_all(int fd, const struct sp_buffer *buf)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && ftruncate(fd, 0) < 0)
        return -1;
    return sp_bytes_write((struct sp_bytes){sp_buffer_str(buf), buf->len}, fd);
}

int sp_junit_finish(struct sp_junit *junit, struct sp_error *err)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    sp_buffer_puts(&buf, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite");
    put_counts(&buf, junit);
    sp_buffer_puts(&buf, ">\n");
    for (size_t i = 0; i < junit->cases.count; i++)
        put_case(&buf, &junit->cases.items[i]);
    sp_buffer_puts(&buf, "  </testsuite>\n</testsuites>\n");
    int rc = write_all(junit->fd, &buf), saved = errno;
    sp_buffer_free(&buf);
    if (close(junit->fd) < 0 && rc == 0) {
        rc = -1;
        saved = errno;
    }
    junit->fd = -1;
    if (rc == 0)
        return 0;
    return sp_error_errno(err, saved, "cannot write the report '%s'",
                          sp_escape(junit->pool, junit->file));
}
