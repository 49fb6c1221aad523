/* SPDX-License-Identifier: Apache-2.0 */
#include "trees.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <sys/time.h>

/* What is put into an archive. */
struct member {
    char type; /* f, d, l (symbolic link), h (hard link), p (FIFO) */
    const char *name;
    const char *data; /* content, or the link's target */
    size_t size;      /* of a file, if not strlen(data) */
};

static const struct member sample[] = {
    {'d', "./", NULL, 0},
    {'d', "./cinder/", NULL, 0},
    {'f', "./cinder/exception.py", "class A(object):\n    pass\n", 0},
    {'f', "./cinder/volume/drivers/lvm.py", "lvm = 1\n", 0},
    {'f', "./cinder/volume/drivers.txt", "text\n", 0},
    {'l', "./cinder/driver.py", "volume/../volume/drivers/lvm.py", 0},
    {'l', "./cinder/vol", "volume", 0},
    {'l', "./cinder/above", "../../etc/passwd", 0},
    {'l', "./cinder/absolute", "/cinder/exception.py", 0},
    {'l', "./cinder/circle", "circle", 0},
    {'l', "./cinder/dangling", "nothing", 0},
    {'h', "./cinder/hard.py", "./cinder/exception.py", 0},
    {'p', "./cinder/fifo", NULL, 0},
    {'f', "./cinder-10.0.8.dist-info/METADATA", "Version: 10.0.8\n", 0},
    {'f', "./easy.pth", "/opt/x\n", 0},
    {'f', "./empty.egg-link", "", 0},
};

static void add(struct archive *archive, const struct member *m)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_copy_pathname(entry, m->name);
    archive_entry_set_perm(entry, m->type == 'd' ? 0755 : 0644);
    archive_entry_set_mtime(entry, 1500000000, 0);
    size_t size = m->type == 'f' ? m->size ? m->size : strlen(m->data) : 0;
    archive_entry_set_size(entry, (la_int64_t)size);
    switch (m->type) {
    case 'd':
        archive_entry_set_filetype(entry, AE_IFDIR);
        break;
    case 'l':
        archive_entry_set_filetype(entry, AE_IFLNK);
        archive_entry_copy_symlink(entry, m->data);
        break;
    case 'p':
        archive_entry_set_filetype(entry, AE_IFIFO);
        break;
    default:
        archive_entry_set_filetype(entry, AE_IFREG);
        if (m->type == 'h')
            archive_entry_copy_hardlink(entry, m->data);
    }
    int rc = archive_write_header(archive, entry);
    assert_true(rc == ARCHIVE_OK || rc == ARCHIVE_WARN);
    if (size > 0)
        assert_int_equal(archive_write_data(archive, m->data, size), size);
    archive_entry_free(entry);
}

/* A new archive; format and filter by libarchive's names. */
static struct archive *open_archive(const char *path, const char *format, const char *filter)
{
    struct archive *archive = archive_write_new();
    assert_int_equal(archive_write_set_format_by_name(archive, format), ARCHIVE_OK);
    if (strcmp(filter, "none") != 0)
        assert_int_equal(archive_write_add_filter_by_name(archive, filter), ARCHIVE_OK);
    assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
    return archive;
}

static void close_archive(struct archive *archive)
{
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
}

static const char *make(struct fixture *f, const char *file, const char *format, const char *filter,
                        const struct member *members, size_t count)
{
    const char *path = scratch_path(f, file);
    struct archive *archive = open_archive(path, format, filter);
    for (size_t i = 0; i < count; i++)
        if (strcmp(format, "zip") != 0 || !strchr("hp", members[i].type))
            add(archive, &members[i]);
    close_archive(archive);
    return path;
}

static int try_open(struct fixture *f, const char *path, struct sp_tree **tree)
{
    sp_strv wanted = {0};
    *SP_PUSH(f->pool, &wanted) = "exception.py";
    *SP_PUSH(f->pool, &wanted) = "volume/drivers/lvm.py";
    *tree = NULL;
    return sp_tree_open_archive(f->pool, path, &wanted, tree, &f->err);
}

static struct sp_tree *open_tree(struct fixture *f, const char *path)
{
    struct sp_tree *tree;
    assert_ok(f, try_open(f, path, &tree));
    return tree;
}

/* What every format must show of `sample`. */
static void check_sample(struct fixture *f, const char *path, bool package, bool hard)
{
    struct sp_tree *tree = open_tree(f, path);
    struct sp_excerpt out;

    assert_string_equal(names(f, tree, ""),
                        "d:cinder d:cinder-10.0.8.dist-info f:easy.pth f:empty.egg-link ");
    assert_string_equal(names(f, tree, "cinder/volume"), "d:drivers f:drivers.txt ");
    assert_string_equal(names(f, tree, "cinder/vol"), "d:drivers f:drivers.txt ");
    assert_string_equal(names(f, tree, "cinder/exception.py"), "");
    assert_string_equal(names(f, tree, "nothing"), "");
    if (hard)
        assert_string_equal(names(f, tree, "cinder"),
                            "l:above l:absolute l:circle l:dangling l:driver.py f:exception.py "
                            "o:fifo f:hard.py l:vol d:volume ");

    assert_int_equal(kind(f, tree, ""), SP_ENTRY_DIRECTORY);
    assert_int_equal(kind(f, tree, "cinder/volume/drivers"), SP_ENTRY_DIRECTORY);
    assert_int_equal(kind(f, tree, "cinder/vol/drivers/lvm.py"), SP_ENTRY_FILE);
    assert_int_equal(kind(f, tree, "cinder/above"), SP_ENTRY_OTHER);
    assert_int_equal(kind(f, tree, "cinder/circle"), SP_ENTRY_OTHER);
    assert_int_equal(kind(f, tree, "cinder/dangling"), SP_ENTRY_OTHER);
    assert_int_equal(kind(f, tree, "cinder/absolute"), package ? SP_ENTRY_FILE : SP_ENTRY_OTHER);
    assert_int_equal(kind(f, tree, "cinder/volum"), SP_ENTRY_ABSENT);
    assert_int_equal(kind(f, tree, "cinder/exception.py/x"), SP_ENTRY_ABSENT);
    assert_int_equal(kind(f, tree, "../cinder"), SP_ENTRY_ABSENT);

    assert_string_equal(text(f, tree, "cinder/exception.py"), sample[2].data);
    assert_string_equal(text(f, tree, "cinder/driver.py"), "lvm = 1\n");
    assert_string_equal(text(f, tree, "cinder-10.0.8.dist-info/METADATA"), "Version: 10.0.8\n");
    assert_string_equal(text(f, tree, "easy.pth"), "/opt/x\n");
    assert_string_equal(text(f, tree, "empty.egg-link"), "");
    if (hard) {
        assert_string_equal(text(f, tree, "cinder/hard.py"), sample[2].data);
        assert_string_equal(id(f, tree, "cinder/hard.py"), id(f, tree, "cinder/exception.py"));
        assert_int_equal(kind(f, tree, "cinder/fifo"), SP_ENTRY_OTHER);
        assert_fails(f, sp_tree_read(tree, f->pool, "cinder/fifo", 9, &out, &f->err),
                     SP_ERROR_REFUSED, "not a regular file");
    }
    assert_string_equal(id(f, tree, "cinder/vol/../volume/drivers"),
                        id(f, tree, "cinder/volume/drivers"));
    assert_string_not_equal(id(f, tree, "cinder/volume"), id(f, tree, "cinder/volume/drivers"));

    assert_ok(f, sp_tree_read(tree, f->pool, "cinder/exception.py", 5, &out, &f->err));
    assert_false(out.complete);
    assert_int_equal(out.bytes.len, 5);
    assert_fails(f, sp_tree_read(tree, f->pool, "cinder/volume/drivers.txt", 9, &out, &f->err),
                 SP_ERROR_REFUSED, "not among the files that were kept");
    assert_fails(f, sp_tree_read(tree, f->pool, "cinder", 9, &out, &f->err), SP_ERROR_REFUSED,
                 "not a regular file");
    assert_fails(f, sp_tree_read(tree, f->pool, "cinder/none", 9, &out, &f->err), SP_ERROR_REFUSED,
                 "not a regular file");
}

TEST_IN_DIR(tar)
{
    static const char *const filters[] = {"none", "gzip", "bzip2", "xz", "lzma", "zstd", "lz4"};
    static const char *const formats[] = {"ustar", "pax", "gnutar", "cpio", "newc"};
    for (size_t i = 0; i < COUNT(filters); i++)
        check_sample(f, make(f, "t", "ustar", filters[i], sample, COUNT(sample)), false, true);
    for (size_t i = 0; i < COUNT(formats); i++)
        check_sample(f, make(f, "t", formats[i], "gzip", sample, COUNT(sample)), false,
                     i < 3 /* cpio's hard links need inode numbers: below */);
}

TEST_IN_DIR(zip)
{
    check_sample(f, make(f, "t.whl", "zip", "none", sample, COUNT(sample)), false, false);
}

static void add_ar(struct sp_buffer *buf, const char *name, struct sp_bytes data)
{
    sp_buffer_printf(buf, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 1500000000, 0, 0, "100644",
                     data.len);
    sp_buffer_add(buf, data.data, data.len);
    if (data.len % 2)
        sp_buffer_putc(buf, '\n');
}

static const char *make_deb(struct fixture *f, const char *member, struct sp_bytes data)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    sp_buffer_puts(&buf, "!<arch>\n");
    add_ar(&buf, "debian-binary", SP_BYTES_STR("2.0\n"));
    add_ar(&buf, "control.tar.gz", SP_BYTES_STR("no matter what"));
    add_ar(&buf, member, data);
    const char *path = scratch_write(f, "t.deb", buf.data, buf.len);
    sp_buffer_free(&buf);
    return path;
}

TEST_IN_DIR(deb)
{
    static const struct {
        const char *filter, *member;
    } kinds[] = {{"gzip", "data.tar.gz"},
                 {"xz", "data.tar.xz"},
                 {"zstd", "data.tar.zst/"},
                 {"none", "data.tar"}};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const char *inner = make(f, "i", "ustar", kinds[i].filter, sample, COUNT(sample));
        check_sample(f, make_deb(f, kinds[i].member, scratch_slurp(f, inner)), true, true);
    }
    struct sp_tree *tree;
    const char *path = make_deb(f, "date.tar", SP_BYTES_STR("x"));
    assert_fails(f, try_open(f, path, &tree), SP_ERROR_REFUSED, "no Debian package");
    path = make_deb(f, "data.tar", SP_BYTES_STR("this is no tar archive"));
    assert_fails(f, try_open(f, path, &tree), SP_ERROR_REFUSED, "t.deb: cannot read the archive");
}

/* The parts of an RPM version 3 file before the payload: a lead of 96 bytes, the
 * signature header padded to 8 bytes, and the header, all empty here ("RPM Package File Structure",
 * LSB Core, chapter "Package Format and Installation"). */
static const char *make_rpm(struct fixture *f, struct sp_bytes payload)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    char lead[96] = {0};
    memcpy(lead, "\xed\xab\xee\xdb\x03\x00\x00\x00\x00\x01name", 14);
    lead[79] = 5;
    sp_buffer_add(&buf, lead, sizeof(lead));
    for (int i = 0; i < 2; i++)
        sp_buffer_add(&buf,
                      "\x8e\xad\xe8\x01\0\0\0\0\0\0\0\x01\0\0\0\x08"
                      "\0\0\0\x3e\0\0\0\x07\0\0\0\0\0\0\0\x08" /* one entry of 8 bytes */
                      "\0\0\0\0\0\0\0\0",
                      40);
    sp_buffer_add(&buf, payload.data, payload.len);
    const char *path = scratch_write(f, "t.rpm", buf.data, buf.len);
    sp_buffer_free(&buf);
    return path;
}

TEST_IN_DIR(rpm)
{
    static const char *const filters[] = {"gzip", "xz", "zstd"};
    for (size_t i = 0; i < COUNT(filters); i++) {
        const char *inner = make(f, "i", "newc", filters[i], sample, COUNT(sample));
        check_sample(f, make_rpm(f, scratch_slurp(f, inner)), true, false);
    }
}

/* In a cpio archive the content comes with the last name of a file. */
TEST_IN_DIR(cpio_hard_links)
{
    const char *path = scratch_path(f, "t.cpio");
    struct archive *archive = open_archive(path, "newc", "none");
    static const char *const files[] = {"a/exception.py", "a/other.txt", "b/exception.py"};
    for (size_t i = 0; i < 3; i++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_copy_pathname(entry, files[i]);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        archive_entry_set_ino(entry, 77);
        archive_entry_set_nlink(entry, 3);
        archive_entry_set_size(entry, i == 2 ? 5 : 0);
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        if (i == 2)
            assert_int_equal(archive_write_data(archive, "last\n", 5), 5);
        archive_entry_free(entry);
    }
    close_archive(archive);
    struct sp_tree *tree = open_tree(f, path);
    assert_string_equal(text(f, tree, "a/exception.py"), "last\n");
    assert_string_equal(text(f, tree, "a/other.txt"), "last\n");
    assert_string_equal(text(f, tree, "b/exception.py"), "last\n");
    assert_string_equal(id(f, tree, "a/other.txt"), id(f, tree, "b/exception.py"));
    assert_string_equal(names(f, tree, "a"), "f:exception.py f:other.txt ");
}

TEST_IN_DIR(implied_directories)
{
    /* the bytes before '/' ('-' and '.') must not come between a directory and what is in it */
    static const struct member members[] = {
        {'f', "b/c/d/e", "1", 0}, {'f', "b-c", "1", 0},   {'f', "b.d", "1", 0},
        {'f', "b/c.x", "1", 0},   {'f', "b/c/a", "1", 0}, {'f', "b/c-/a", "1", 0},
        {'f', "a", "1", 0},       {'f', "b0/x", "1", 0},
    };
    struct sp_tree *tree = open_tree(f, make(f, "t", "ustar", "none", members, COUNT(members)));
    assert_string_equal(names(f, tree, ""), "f:a d:b f:b-c f:b.d d:b0 ");
    assert_string_equal(names(f, tree, "b"), "d:c d:c- f:c.x ");
    assert_string_equal(names(f, tree, "b/c"), "f:a d:d ");
    assert_string_equal(names(f, tree, "b/c/d"), "f:e ");
    assert_string_equal(names(f, tree, "b0"), "f:x ");
    assert_string_equal(id(f, tree, "b/c"), "b/c");
}

TEST_IN_DIR(later_wins)
{
    static const struct member twice[] = {{'f', "a/exception.py", "old", 0},
                                          {'f', "a/exception.py", "new", 0}};
    assert_string_equal(
        text(f, open_tree(f, make(f, "t", "ustar", "none", twice, 2)), "a/exception.py"), "new");
}

static void refused(struct fixture *f, const char *path, const char *part)
{
    struct sp_tree *tree;
    int rc = try_open(f, path, &tree);
    if (rc == 0)
        fail_msg("%s was opened; expected: %s", path, part);
    for (const char *c = f->err.message; *c; c++)
        if ((unsigned char)*c < 0x20)
            fail_msg("the message holds a control character: %s", f->err.message);
    assert_non_null(strstr(f->err.message, f->dir));
    assert_fails(f, rc, SP_ERROR_REFUSED, part);
}

TEST_IN_DIR(hostile_names)
{
    static const struct {
        struct member member;
        const char *part;
    } bad[] = {
        {{'f', "/etc/passwd", "x", 0}, "'/etc/passwd' has an absolute name"},
        {{'f', "../x", "x", 0}, "'../x' has a name"},
        {{'f', "a/../../x", "x", 0}, "'a/../../x' has a name"},
        {{'f', "a/..", "x", 0}, "'a/..' has a name"},
        {{'f', "a//b", "x", 0}, "'a//b' has a name"},
        {{'f', "a/./b", "x", 0}, "'a/./b' has a name"},
        {{'f', "a\nb", "x", 0}, "'a\\nb' has a name"},
        {{'f', "a\x1b[31mb", "x", 0}, "'a\\x1b[31mb' has a name"},
        {{'f', "a\\b", "x", 0}, "'a\\\\b' has a name"},
        {{'f', "a\xff\xfe", "x", 0}, "UTF-8"},
        {{'f', "a\xc2\x9b", "x", 0}, "a\\xc2\\x9b"},
        {{'f', ".", "x", 0}, "is the top"},
        {{'h', "a", "../x", 0}, "'../x' has a name"},
        {{'h', "a", "/etc/passwd", 0}, "'/etc/passwd' has an absolute name"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        refused(f, make(f, "t.tar", "gnutar", "none", &bad[i].member, 1), bad[i].part);
        if (bad[i].member.type == 'f' && i != 8 && i != 11) /* libarchive turns \ into / in a zip */
            refused(f, make(f, "t.zip", "zip", "none", &bad[i].member, 1), bad[i].part);
    }
    static const struct member file_and_directory[] = {{'f', "a", "x", 0}, {'f', "a/b", "x", 0}};
    static const struct member under_link[] = {{'l', "a", "/etc", 0}, {'f', "a/passwd", "x", 0}};
    static const struct member both[] = {{'d', "a", NULL, 0}, {'f', "a", "x", 0}};
    refused(f, make(f, "t", "ustar", "none", file_and_directory, 2), "no directory");
    refused(f, make(f, "t", "ustar", "none", under_link, 2), "no directory");
    refused(f, make(f, "t", "ustar", "none", both, 2), "twice");

    char *name = sp_pool_alloc(f->pool, 5001);
    memset(name, 'n', 5000);
    struct member longest = {'f', name, "x", 0};
    refused(f, make(f, "t", "pax", "none", &longest, 1), "too long a name");

    /* links to wherever are fine as long as nobody follows them out */
    static const struct member links[] = {
        {'l', "a", "../../../etc", 0},
        {'l', "b", "/etc", 0},
        {'h', "c", "nothing", 0},
        {'h', "d", "e", 0},
        {'h', "e", "d", 0},
        {'l', "f", "g/exception.py", 0},
        {'l', "g", "f", 0},
        {'h', "dir", "h", 0},
        {'d', "h", NULL, 0},
    };
    struct sp_tree *tree = open_tree(f, make(f, "t", "gnutar", "none", links, COUNT(links)));
    for (size_t i = 0; i < COUNT(links) - 1; i++)
        assert_int_equal(kind(f, tree, links[i].name), SP_ENTRY_OTHER);
    assert_int_equal(kind(f, tree, "a/passwd"), SP_ENTRY_ABSENT);
}

/* The same names under a locale that has no characters but ASCII, and one that has. */
TEST_IN_DIR(unicode_names)
{
    static const struct member members[] = {{'f', "sm\xc3\xb6r/exception.py", "x\n", 0}};
    static const char *const locales[] = {"C", "C.UTF-8"};
    static const char *const formats[] = {"pax", "gnutar", "zip", "newc"};
    for (size_t l = 0; l < COUNT(locales); l++) {
        setlocale(LC_ALL, "C.UTF-8");
        for (size_t i = 0; i < COUNT(formats); i++) {
            const char *path = make(f, "t", formats[i], "none", members, 1);
            setlocale(LC_ALL, locales[l]);
            struct sp_tree *tree = open_tree(f, path);
            assert_string_equal(names(f, tree, ""), "d:sm\xc3\xb6r ");
            assert_string_equal(text(f, tree, "sm\xc3\xb6r/exception.py"), "x\n");
            setlocale(LC_ALL, "C.UTF-8");
        }
    }
    setlocale(LC_ALL, "C");
}

/* Cut at every 512 bytes, and at every byte of the last 64. */
static void check_truncated(struct fixture *f, const char *path)
{
    struct sp_bytes complete = scratch_slurp(f, path);
    struct sp_tree *tree;
    for (size_t len = 0; len < complete.len; len = len + 512 < complete.len - 64 ? len + 512
                                                   : len < complete.len - 64     ? complete.len - 64
                                                                                 : len + 1) {
        const char *cut = scratch_write(f, "cut", complete.data, len);
        int rc = try_open(f, cut, &tree);
        if (rc == 0)
            fail_msg("%s of %zu bytes was opened when cut to %zu", path, complete.len, len);
        assert_int_equal(f->err.kind, SP_ERROR_REFUSED);
        assert_non_null(strstr(f->err.message, cut));
        sp_error_clear(&f->err);
    }
}

TEST_IN_DIR(truncated)
{
    /* content that does not shrink, so that there are many steps */
    char *noise = sp_pool_alloc(f->pool, 20000);
    uint32_t x = 1;
    for (size_t i = 0; i < 20000; i++) {
        x = x * 1664525 + 1013904223;
        noise[i] = (char)(x >> 24);
    }
    const struct member members[] = {{'f', "a/exception.py", noise, 20000},
                                     {'f', "a/noise", noise, 7000},
                                     {'f', "b/METADATA", "Version: 1\n", 0}};
    static const char *const filters[] = {"gzip", "bzip2", "xz", "zstd"};
    for (size_t i = 0; i < COUNT(filters); i++) {
        const char *path = make(f, "t.tar", "ustar", filters[i], members, COUNT(members));
        check_truncated(f, path);
        const char *deb = make_deb(f, "data.tar.x", scratch_slurp(f, path));
        /* the last byte may be ar's padding */
        struct sp_bytes all = scratch_slurp(f, deb);
        scratch_write(f, "t.deb", all.data, all.len - (all.data[all.len - 1] == '\n'));
        check_truncated(f, deb);
        path = make(f, "i", "newc", filters[i], members, COUNT(members));
        check_truncated(f, make_rpm(f, scratch_slurp(f, path)));
    }
    check_truncated(f, make(f, "t.zip", "zip", "none", members, COUNT(members)));

    /* a plain tar archive may lack what follows the mark of its end */
    const char *path = make(f, "t.tar", "ustar", "none", members, COUNT(members));
    struct sp_bytes plain = scratch_slurp(f, path);
    size_t end = plain.len;
    while (plain.data[end - 1] == '\0')
        end--;
    end = (end + 511) / 512 * 512;
    scratch_write(f, "short.tar", plain.data, end + 512);
    open_tree(f, scratch_path(f, "short.tar"));
    scratch_write(f, "short.tar", plain.data, end + 511);
    check_truncated(f, scratch_path(f, "short.tar"));
}

/* Every byte changed once: an error or not, but no crash, and nothing from outside. */
TEST_IN_DIR(flipped)
{
    static const char *const formats[] = {"zip", "ustar", "newc"};
    for (size_t i = 0; i < COUNT(formats); i++) {
        const char *path = make(f, "t", formats[i], "none", sample, COUNT(sample));
        struct sp_bytes good = scratch_slurp(f, path);
        size_t limit = good.len < 4096 ? good.len : 4096, failures = 0;
        for (size_t at = 0; at < limit; at += 5) {
            char *bad = sp_pool_memdup(f->pool, good.data, good.len);
            bad[at] = (char)(bad[at] ^ 0x5a);
            struct sp_tree *tree;
            int rc = try_open(f, scratch_write(f, "bad", bad, good.len), &tree);
            if (rc == 0)
                names(f, tree, "cinder");
            else
                failures++;
            assert_int_equal(sp_error_is_set(&f->err), rc < 0);
            sp_error_clear(&f->err);
        }
        assert_true(failures > 10);
    }
}

static void write_bomb(struct fixture *f, const char *name, const char *format, const char *filter,
                       size_t size)
{
    static const char zeros[1 << 20];
    struct archive *archive = open_archive(scratch_path(f, name), format, filter);
    struct archive_entry *entry = archive_entry_new();
    archive_entry_copy_pathname(entry, "exception.py");
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_size(entry, (la_int64_t)size);
    assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
    for (size_t done = 0; done < size; done += sizeof(zeros))
        assert_int_equal(archive_write_data(archive, zeros, sizeof(zeros)), sizeof(zeros));
    archive_entry_free(entry);
    close_archive(archive);
}

TEST_IN_DIR(bombs)
{
    write_bomb(f, "t.tar.gz", "ustar", "gzip", (size_t)100 << 20);
    refused(f, scratch_path(f, "t.tar.gz"), "unpacks to more than 200 times");
    write_bomb(f, "t.zip", "zip", "none", (size_t)100 << 20);
    refused(f, scratch_path(f, "t.zip"), "unpacks to more than 200 times");
    write_bomb(f, "t.tar.xz", "ustar", "xz", (size_t)80 << 20);
    const char *deb = make_deb(f, "data.tar.xz", scratch_slurp(f, scratch_path(f, "t.tar.xz")));
    refused(f, deb, "unpacks to more than 200 times");
    /* small enough: the content is cut, and said to be */
    write_bomb(f, "small.tar.gz", "ustar", "gzip", (size_t)20 << 20);
    struct sp_tree *tree = open_tree(f, scratch_path(f, "small.tar.gz"));
    struct sp_excerpt out;
    assert_ok(f, sp_tree_read(tree, f->pool, "exception.py", SIZE_MAX, &out, &f->err));
    assert_false(out.complete);
    assert_int_equal(out.bytes.len, SP_MAX_SOURCE);
}

/* A header that promises three gigabytes. */
TEST_IN_DIR(too_large)
{
    char header[512] = {0};
    snprintf(header, sizeof(header), "big");
    memcpy(header + 100, "0000644\0000000000\0000000000\00030000000000\00000000000000\0", 48);
    memcpy(header + 156, "0", 1);
    memcpy(header + 257, "ustar\00000", 8);
    memset(header + 148, ' ', 8);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof(header); i++)
        sum += (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum);
    const char *path = scratch_write(f, "big.tar", header, sizeof(header));
    assert_int_equal(truncate(path, (off_t)4 << 30), 0);
    refused(f, path, "'big' claims to be larger");
}

TEST_IN_DIR(many)
{
    const char *path = scratch_path(f, "many.tar.gz");
    struct archive *archive = open_archive(path, "ustar", "gzip");
    for (int i = 0; i < 10000; i++) {
        struct member m = {'f', sp_pool_printf(f->pool, "d%d/sub/f%d", i % 100, i), "x", 0};
        add(archive, &m);
    }
    close_archive(archive);
    struct sp_tree *tree = open_tree(f, path);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(kind(f, tree, sp_pool_printf(f->pool, "d%d/sub/f%d", i % 100, i)),
                         SP_ENTRY_FILE);
    sp_entries entries = {0};
    assert_ok(f, sp_tree_list(tree, f->pool, "d7/sub", &entries, &f->err));
    assert_int_equal(entries.count, 100);

    /* names alone are bounded too: one entry implies at most 2000 directories */
    archive = open_archive(path, "pax", "gzip");
    struct sp_buffer deep = SP_BUFFER_INIT;
    for (int i = 0; i < 2000; i++)
        sp_buffer_puts(&deep, "/d");
    for (int i = 0; i < 60; i++) {
        struct member m = {'f', sp_pool_printf(f->pool, "%d%s", i, sp_buffer_str(&deep)), "x", 0};
        add(archive, &m);
    }
    sp_buffer_free(&deep);
    close_archive(archive);
    refused(f, path, "more than 100000 entries");
}

TEST_IN_DIR(no_archive)
{
    struct sp_tree *tree;
    refused(f, scratch_puts(f, "text", "just some text, and nothing more\n"), "cannot read");
    refused(f, scratch_puts(f, "empty", ""), "empty");
    refused(f, scratch_puts(f, "gz", "\x1f\x8b\x08"), "cannot read");
    assert_int_equal(mkfifo(scratch_path(f, "fifo"), 0600), 0);
    refused(f, scratch_path(f, "fifo"), "not a regular file");
    refused(f, f->dir, "not a regular file");
    assert_fails(f, try_open(f, scratch_path(f, "none"), &tree), SP_ERROR_SYSTEM, "cannot open");
}
