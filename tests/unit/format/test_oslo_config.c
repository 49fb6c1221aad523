/* SPDX-License-Identifier: Apache-2.0 */
/* The rules, as measured with the real library: tests/config compares many more files with it. */
#include "format/oslo_config.h"

#include <stdio.h>

#include "format/oslo_value.h"
#include "support.h"

static struct sp_config_content *parse(struct fixture *f, const char *text)
{
    struct sp_config_content *file = sp_pool_alloc(f->pool, sizeof(*file));
    sp_oslo_parse(f->pool, "cinder.conf", SP_BYTES_STR(text), file);
    return file;
}

static void assert_entry(const struct sp_config_content *file, size_t i, unsigned line,
                         const char *expected)
{
    char text[256];
    const struct sp_config_entry *entry = &file->entries.items[i];
    assert_true(i < file->entries.count);
    snprintf(text, sizeof(text), "[%s] %s=%s", entry->section.data, entry->key.data,
             entry->value.data);
    assert_string_equal(text, expected);
    assert_int_equal(entry->line, line);
}

TEST(entries)
{
    struct sp_config_content *file =
        parse(f, "[DEFAULT]\n# c\na = b # c\n\n[ x ]\nk:v=w\n  more\n\t[y]\nq = \"'z'\"\n");
    assert_null(file->fault.reason);
    assert_int_equal(file->entries.count, 3);
    assert_entry(file, 0, 3, "[DEFAULT] a=b # c");
    assert_entry(file, 1, 6, "[ x ] k=v=w\nmore\n[y]");
    assert_int_equal(file->entries.items[1].lines, 3);
    assert_entry(file, 2, 9, "[ x ] q='z'");
    assert_int_equal(file->headings.count, 2);
    assert_int_equal(file->headings.items[1].line, 5);
}

TEST(faults)
{
    static const struct {
        const char *text, *reason;
        unsigned line, reported;
    } cases[] = {
        {"a = b\n\n[DEFAULT]\n", "Section must be started before assignment", 1, 2},
        {"a = secret", "Section must be started before assignment", 1, 1},
        {"[DEFAULT]\n a = b\n", "Unexpected continuation line", 2, 2},
        {"[DEFAULT]\na=b\n\n c\n", "Unexpected continuation line", 4, 4},
        {"[x] # c\n", "Invalid section (must end with ])", 1, 1},
        {"[]\n", "Empty section name", 1, 1},
        {"[x]\n= b\n", "Key cannot be empty", 2, 2},
        {"[x]\na\n", "No ':' or '=' found in assignment", 2, 2},
        {"\xef\xbb\xbf[x]\n", "No ':' or '=' found in assignment", 1, 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sp_config_content *file = parse(f, cases[i].text);
        assert_string_equal(file->fault.reason, cases[i].reason);
        assert_int_equal(file->fault.line, cases[i].line);
        assert_int_equal(file->fault.reported, cases[i].reported);
        assert_int_equal(file->entries.count, 0);
    }
}

TEST(too_many_lines)
{
    char *text = sp_pool_alloc(f->pool, SP_CONFIG_MAX_LINES + 2);
    memset(text, '\n', SP_CONFIG_MAX_LINES + 1);
    assert_int_equal(parse(f, text)->fault.line, SP_CONFIG_MAX_LINES + 1);
    text[SP_CONFIG_MAX_LINES] = '\0';
    assert_null(parse(f, text)->fault.reason);
}

TEST(the_assignment_that_counts)
{
    static const char *const names[] = {"new", "old", NULL};
    sp_oslo_files files = {NULL, 0, 0};
    *SP_PUSH(f->pool, &files) = parse(f, "[S]\nnew=1\nold=2\n[s]\nnew=3\n[DEFAULT]\nnew=4\n");
    assert_string_equal(sp_oslo_find(&files, "s", names).entry->value.data, "3");
    assert_string_equal(sp_oslo_find(&files, "DEFAULT", names).entry->value.data, "4");
    assert_null(sp_oslo_find(&files, "default", names).entry);
    *SP_PUSH(f->pool, &files) = parse(f, "[s]\nold=5\n[default]\nnew=6\n");
    struct sp_oslo_found found = sp_oslo_find(&files, "s", names);
    assert_string_equal(found.entry->value.data, "5");
    assert_ptr_equal(found.file, files.items[1]);
    assert_string_equal(sp_oslo_find(&files, "DEFAULT", names).entry->value.data, "4");
}

TEST(names_in_values)
{
    static const struct {
        const char *value, *expected; /* NULL: not decided */
    } cases[] = {
        {"plain", "plain"},
        {"$a/x", "1/x"},
        {"${b}x", "1-2x"},
        {"$$a\\$a", "$a$a"},
        {"$1 $ ${ ${}", "$1 $ ${ ${}"},
        {"$c", NULL},
        {"$loop", NULL},
        {"$a.b", NULL},
        {"${a", "${a"},
        {"$deep", "3"},
    };
    sp_oslo_files files = {NULL, 0, 0};
    *SP_PUSH(f->pool, &files) =
        parse(f, "[DEFAULT]\na=0\nb=$a-2\ndeep=3\n[s]\na=1\nb=$a-2\nloop=$loop\n");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sp_bytes out;
        bool decided = sp_oslo_expand(f->pool, &files, "s", SP_BYTES_STR(cases[i].value), &out);
        assert_int_equal(decided, cases[i].expected != NULL);
        if (decided)
            assert_string_equal(out.data, cases[i].expected);
    }
}

/* A value that doubles with each name would not end. */
TEST(values_that_grow)
{
    SP_UNUSED struct sp_bytes out;
    struct sp_buffer text = SP_BUFFER_INIT;
    sp_oslo_files files = {NULL, 0, 0};
    sp_buffer_puts(&text, "[s]\n");
    for (char c = 'a'; c < 'o'; c++)
        sp_buffer_printf(&text, "%c=$%c$%c$%c\n", c, c + 1, c + 1, c + 1);
    sp_buffer_puts(&text, "o=x\n");
    *SP_PUSH(f->pool, &files) = parse(f, sp_buffer_str(&text));
    sp_buffer_free(&text);
    assert_false(sp_oslo_expand(f->pool, &files, "s", SP_BYTES_STR("$a"), &out));
}

TEST(types)
{
    long number = 0;
    bool truth = false;
    sp_oslo_list items = {NULL, 0, 0};
    assert_int_equal(sp_oslo_int(SP_BYTES_STR(" -03 "), &number), SP_OSLO_INT);
    assert_int_equal(number, -3);
    assert_int_equal(sp_oslo_int(SP_BYTES_STR(""), &number), SP_OSLO_INT_NONE);
    assert_int_equal(sp_oslo_int(SP_BYTES_STR("3 # x"), &number), SP_OSLO_INT_BAD);
    assert_int_equal(sp_oslo_int(SP_BYTES_STR("0x3"), &number), SP_OSLO_INT_BAD);
    assert_int_equal(sp_oslo_int(SP_BYTES_STR("99999999999999999999999"), &number), SP_OSLO_INT);
    assert_true(sp_oslo_bool(SP_BYTES_STR("Yes"), &truth) && truth);
    assert_true(sp_oslo_bool(SP_BYTES_STR("oFF"), &truth) && !truth);
    assert_false(sp_oslo_bool(SP_BYTES_STR(""), &truth));
    sp_oslo_split(f->pool, SP_BYTES_STR(" a , ,b,"), &items);
    assert_int_equal(items.count, 4);
    assert_string_equal(items.items[0].data, "a");
    assert_string_equal(items.items[1].data, "");
    assert_string_equal(items.items[3].data, "");
}
