/* SPDX-License-Identifier: Apache-2.0 */
#include "format/diff.h"

#include <string.h>

#include "format/libgit2.h"

static int library_error(struct sp_error *err, const char *what)
{
    return sp_error_set(err, SP_ERROR_SYSTEM, "%s: %s", what, sp_libgit2_reason());
}

/* ---- ids ----------------------------------------------------------------------------------- */

int sp_blob_hash(struct sp_bytes content, struct sp_blob_id *out, struct sp_error *err)
{
    if (sp_libgit2_init(err) != 0)
        return -1;
    git_oid oid;
    if (git_odb_hash(&oid, content.len ? content.data : "", content.len, GIT_OBJECT_BLOB) != 0)
        return library_error(err, "cannot hash a file");
    git_oid_fmt(out->hex, &oid);
    out->hex[SP_BLOB_HEX] = '\0';
    return 0;
}

bool sp_blob_equal(const struct sp_blob_id *a, const struct sp_blob_id *b)
{
    return strcmp(a->hex, b->hex) == 0;
}

bool sp_blob_is_id(const char *hex)
{
    return strlen(hex) == SP_BLOB_HEX && strspn(hex, "0123456789abcdef") == SP_BLOB_HEX;
}

/* ---- diffs ----
 * The headers are written here, since libgit2 quotes no names and knows no modes for contents that
 * are in no repository. Format: git-diff(1), "Generating patch text with -p". */

/* PREFIX + path as git writes it: with a byte that needs it, in quotes and escaped as in C
 * (git-config(1), core.quotePath). */
static void put_name(struct sp_buffer *out, const char *prefix, const char *path)
{
    static const char escaped[] = "\a\b\t\n\v\f\r\"\\", letters[] = "abtnvfr\"\\";
    bool quote = false;
    for (const char *s = path; *s; s++)
        quote |= (unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f || *s == '"' || *s == '\\';
    if (quote)
        sp_buffer_putc(out, '"');
    sp_buffer_puts(out, prefix);
    for (const char *s = path; *s; s++) {
        const char *found = strchr(escaped, *s);
        if (found)
            sp_buffer_printf(out, "\\%c", letters[found - escaped]);
        else if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
            sp_buffer_printf(out, "\\%03o", (unsigned)(unsigned char)*s);
        else
            sp_buffer_putc(out, *s);
    }
    if (quote)
        sp_buffer_putc(out, '"');
}

/* "--- a/PATH", or "--- /dev/null". A tab ends a name with a space in it, as git does it: patch(1)
 * would take what follows the space for a date. */
static void put_side(struct sp_buffer *out, const char *sign, const char *prefix, const char *path,
                     bool exists)
{
    sp_buffer_puts(out, sign);
    if (exists)
        put_name(out, prefix, path);
    else
        sp_buffer_puts(out, "/dev/null");
    sp_buffer_puts(out, exists && strchr(path, ' ') ? "\t\n" : "\n");
}

static const char *side_id(const struct sp_blob_id *id)
{
    return id->hex[0] ? id->hex : "0000000000000000000000000000000000000000";
}

static void put_header(struct sp_buffer *out, const char *path, const struct sp_blob_id *before,
                       const struct sp_blob_id *after, unsigned mode)
{
    const char *type = mode & 0111 ? "100755" : "100644";
    bool modified = before->hex[0] && after->hex[0];
    sp_buffer_puts(out, "diff --git ");
    put_name(out, "a/", path);
    sp_buffer_putc(out, ' ');
    put_name(out, "b/", path);
    sp_buffer_putc(out, '\n');
    if (!before->hex[0])
        sp_buffer_printf(out, "new file mode %s\n", type);
    if (!after->hex[0])
        sp_buffer_printf(out, "deleted file mode %s\n", type);
    sp_buffer_printf(out, "index %s..%s%s%s\n", side_id(before), side_id(after),
                     modified ? " " : "", modified ? type : "");
}

static int put_line(git_patch *patch, size_t hunk, size_t i, struct sp_buffer *out)
{
    const git_diff_line *line = NULL;
    if (git_patch_get_line_in_hunk(&line, patch, hunk, i) != 0)
        return -1;
    /* the other origins mean "\ No newline at end of file", which is in the content */
    if (line->origin == GIT_DIFF_LINE_CONTEXT || line->origin == GIT_DIFF_LINE_ADDITION ||
        line->origin == GIT_DIFF_LINE_DELETION)
        sp_buffer_putc(out, line->origin);
    sp_buffer_add(out, line->content, line->content_len);
    return 0;
}

static int put_hunk(git_patch *patch, size_t hunk, struct sp_buffer *out)
{
    const git_diff_hunk *info = NULL;
    size_t lines = 0;
    if (git_patch_get_hunk(&info, &lines, patch, hunk) != 0)
        return -1;
    sp_buffer_add(out, info->header, info->header_len);
    for (size_t i = 0; i < lines; i++)
        if (put_line(patch, hunk, i, out) != 0)
            return -1;
    return 0;
}

static int put_hunks(const char *path, const struct sp_bytes *before, const struct sp_bytes *after,
                     struct sp_buffer *out, struct sp_error *err)
{
    git_diff_options options;
    if (git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION) != 0)
        return library_error(err, "cannot compare contents");
    options.flags = GIT_DIFF_FORCE_TEXT | GIT_DIFF_INDENT_HEURISTIC; /* as git itself does */
    options.context_lines = 3;
    git_patch *patch = NULL;
    int result =
        git_patch_from_buffers(&patch, before ? before->data : NULL, before ? before->len : 0, path,
                               after ? after->data : NULL, after ? after->len : 0, path, &options);
    for (size_t i = 0; result == 0 && i < git_patch_num_hunks(patch); i++)
        result = put_hunk(patch, i, out);
    git_patch_free(patch);
    return result == 0 ? 0 : library_error(err, "cannot compare contents");
}

static int side_hash(const struct sp_bytes *content, struct sp_blob_id *out, struct sp_error *err)
{
    out->hex[0] = '\0';
    return content ? sp_blob_hash(*content, out, err) : 0;
}

int sp_blob_diff(const char *path, const struct sp_bytes *before, const struct sp_bytes *after,
                 unsigned mode, struct sp_buffer *out, struct sp_error *err)
{
    struct sp_blob_id before_id, after_id;
    if (side_hash(before, &before_id, err) != 0 || side_hash(after, &after_id, err) != 0)
        return -1;
    if (sp_blob_equal(&before_id, &after_id))
        return 0;
    size_t start = out->len;
    put_header(out, path, &before_id, &after_id, mode);
    if ((!before || before->len == 0) && (!after || after->len == 0))
        return 0;
    put_side(out, "--- ", "a/", path, before != NULL);
    put_side(out, "+++ ", "b/", path, after != NULL);
    if (put_hunks(path, before, after, out, err) == 0)
        return 0;
    out->data[out->len = start] = '\0';
    return -1;
}
