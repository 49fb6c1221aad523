/* SPDX-License-Identifier: Apache-2.0 */
#include "model/edit.h"

#include "manifests.h"

#define BYTES(literal) ((struct sp_bytes){literal, sizeof(literal) - 1})

static void assert_bytes(struct sp_bytes actual, const char *expected)
{
    if (actual.len != strlen(expected) || memcmp(actual.data, expected, actual.len) != 0)
        fail_msg("it is:\n%.*s---- and should be:\n%s----", (int)actual.len, actual.data, expected);
}

static struct sp_bytes apply(struct fixture *f, const struct sp_manifest_file *file,
                             const char *text, enum sp_goal goal, struct sp_edit_count *found)
{
    struct sp_edited out;
    assert_ok(f, sp_edit_apply(f->pool, file, SP_BYTES_STR(text), goal, &out, &f->err));
    *found = out.found;
    return out.text;
}

/* before -> after when it goes in; a second time nothing; and out again. */
static void there_and_back(struct fixture *f, const char *edits, const char *before,
                           const char *after)
{
    const struct sp_manifest_file *file = file_with_edits(f, edits);
    struct sp_edit_count found;
    struct sp_bytes out = apply(f, file, before, SP_GOAL_INSTALL, &found);
    assert_bytes(out, after);
    assert_int_equal(found.wanted, file->edits.count);
    assert_int_equal(found.ours, 0);
    assert_int_equal(found.legacy, 0);

    const char *edited = sp_pool_memdup(f->pool, out.data, out.len);
    assert_ptr_equal(apply(f, file, edited, SP_GOAL_INSTALL, &found).data, edited);
    assert_int_equal(found.ours, file->edits.count);
    assert_bytes(apply(f, file, edited, SP_GOAL_UNINSTALL, &found), before);
    assert_int_equal(found.ours, file->edits.count);
    assert_ptr_equal(apply(f, file, before, SP_GOAL_UNINSTALL, &found).data, before);
    assert_int_equal(found.ours, 0);
}

static void fails(struct fixture *f, const char *edits, const char *text, enum sp_goal goal,
                  const char *message)
{
    struct sp_edited out;
    assert_fails_exactly(
        f,
        sp_edit_apply(f->pool, file_with_edits(f, edits), SP_BYTES_STR(text), goal, &out, &f->err),
        SP_ERROR_REFUSED, message);
}

TEST(unfit)
{
    static const struct {
        struct sp_bytes content;
        const char *why;
    } vectors[] = {
        {BYTES("a\n"), NULL},           {BYTES("\n"), NULL},
        {BYTES("caf\xc3\xa9\n"), NULL}, {BYTES("\xef\xbb\xbf# with a byte order mark\n"), NULL},
        {BYTES("\f\v\x1b\n"), NULL},    {BYTES(""), "empty"},
        {BYTES("a"), "newline"},        {BYTES("a\nb"), "newline"},
        {BYTES("a\0\n"), "NUL"},        {BYTES("\0"), "NUL"},
        {BYTES("a\r\n"), "carriage"},   {BYTES("a\rb\n"), "carriage"},
        {BYTES("caf\xe9\n"), "UTF-8"},  {BYTES("\xc3"), "UTF-8"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        const char *why = sp_edit_unfit(vectors[i].content);
        if ((why != NULL) != (vectors[i].why != NULL) || (why && !strstr(why, vectors[i].why)))
            fail_msg("vector %zu: %s", i, why ? why : "fit");
    }
}

TEST(unfit_content_is_refused)
{
    const char *edit = "- {name: one, append: true, text: \"x\\n\"}";
    fails(f, edit, "", SP_GOAL_INSTALL, "it is empty");
    fails(f, edit, "x\n\r\n", SP_GOAL_UNINSTALL, "it has carriage returns (CRLF line ends) in it");
}

TEST(places)
{
    const char *text = "one\ntwo\nthree\n";
    there_and_back(f, "- {name: e, before: '^two$', text: \"x\\n\"}", text, "one\nx\ntwo\nthree\n");
    there_and_back(f, "- {name: e, after: '^two$', text: \"x\\n\"}", text, "one\ntwo\nx\nthree\n");
    there_and_back(f, "- {name: e, append: true, text: \"x\\n\"}", text, "one\ntwo\nthree\nx\n");
    there_and_back(f, "- {name: e, before: '^one$', text: \"x\\n\"}", text, "x\none\ntwo\nthree\n");
    there_and_back(f, "- {name: e, after: '^three$', text: \"x\\n\"}", text,
                   "one\ntwo\nthree\nx\n");
    there_and_back(f, "- {name: e, after: '^one$', text: \"x\\ny\\n\\n\"}", text,
                   "one\nx\ny\n\ntwo\nthree\n");
}

/* The text goes before or after the whole line, wherever in it the anchor matches. */
TEST(anchor_in_the_middle_of_a_line)
{
    there_and_back(f, "- {name: e, before: 'w', text: \"x\\n\"}", "one\ntwo\n", "one\nx\ntwo\n");
    there_and_back(f, "- {name: e, after: 'w', text: \"x\\n\"}", "one\ntwo\n", "one\ntwo\nx\n");
    there_and_back(f, "- {name: e, after: 'one$', text: \"x\\n\"}", "zero one\ntwo\n",
                   "zero one\nx\ntwo\n");
}

/* Before the line in which the match starts, after the one in which it ends. */
TEST(anchor_over_several_lines)
{
    const char *text = "one\ntwo\nthree\nfour\n";
    there_and_back(f, "- {name: e, before: 'wo\\nth', text: \"x\\n\"}", text,
                   "one\nx\ntwo\nthree\nfour\n");
    there_and_back(f, "- {name: e, after: 'wo\\nth', text: \"x\\n\"}", text,
                   "one\ntwo\nthree\nx\nfour\n");
    /* a match that ends with the newline ends its line */
    there_and_back(f, "- {name: e, after: '^two\\n', text: \"x\\n\"}", text,
                   "one\ntwo\nx\nthree\nfour\n");
    there_and_back(f, "- {name: e, after: '^four\\n', text: \"x\\n\"}", text,
                   "one\ntwo\nthree\nfour\nx\n");
}

TEST(region)
{
    const char *text = "]\na = [\n]\nb = [\n  1,\n]\n]\n";
    there_and_back(
        f, "- {name: e, within: ['^a = \\[$', '^\\]$'], before: '^\\]$', text: \"  x,\\n\"}", text,
        "]\na = [\n  x,\n]\nb = [\n  1,\n]\n]\n");
    there_and_back(
        f, "- {name: e, within: ['^b = \\[$', '^\\]$'], before: '^\\]$', text: \"  x,\\n\"}", text,
        "]\na = [\n]\nb = [\n  1,\n  x,\n]\n]\n");
    /* the line that starts the region is not in it */
    fails(f, "- {name: e, within: ['^b = \\[$', '^\\]$'], before: '^b', text: \"x\\n\"}", text,
          SP_GOAL_INSTALL,
          "the anchor of the edit 'e', /^b/, is not there; put in by hand, as a line of its own: "
          "'x'");
}

/* The same text elsewhere is not ours: only text in the region counts. */
TEST(same_text_out_of_the_region)
{
    const char *edit =
        "- {name: e, within: ['^b = \\[$', '^\\]$'], before: '^\\]$', text: \"  1,\\n\"}";
    there_and_back(f, edit, "a = [\n  1,\n]\nb = [\n]\nc = [\n  1,\n]\n",
                   "a = [\n  1,\n]\nb = [\n  1,\n]\nc = [\n  1,\n]\n");
}

/* ... nor is what is a part of another line. */
TEST(same_text_inside_of_a_line)
{
    there_and_back(f, "- {name: e, after: '^one$', text: \"x\\n\"}", "one\nyx\nxx\n",
                   "one\nx\nyx\nxx\n");
    there_and_back(f, "- {name: e, append: true, text: \"x\\nx\\n\"}", "x\nyx\nx\n",
                   "x\nyx\nx\nx\nx\n");
    /* ours may begin inside of what only looks like it */
    struct sp_edit_count found;
    const char *text = "yx\nx\nx\n";
    const char *edit = "- {name: e, append: true, text: \"x\\nx\\n\"}";
    assert_ptr_equal(apply(f, file_with_edits(f, edit), text, SP_GOAL_INSTALL, &found).data, text);
    assert_bytes(apply(f, file_with_edits(f, edit), text, SP_GOAL_UNINSTALL, &found), "yx\n");
}

/* Ours stays where it is, even where we would not put it. */
TEST(in_place_elsewhere)
{
    struct sp_edit_count found;
    const char *edit =
        "- {name: e, within: ['^a = \\[$', '^\\]$'], before: '^\\]$', text: \"  x,\\n\"}";
    const char *text = "a = [\n  x,\n  1,\n]\n";
    assert_ptr_equal(apply(f, file_with_edits(f, edit), text, SP_GOAL_INSTALL, &found).data, text);
    assert_int_equal(found.ours, 1);
    assert_bytes(apply(f, file_with_edits(f, edit), text, SP_GOAL_UNINSTALL, &found),
                 "a = [\n  1,\n]\n");
    /* the anchor is not looked for then: it may be missing or be there twice */
    text = "x\none\none\n";
    edit = "- {name: e, before: '^one$', text: \"x\\n\"}";
    assert_ptr_equal(apply(f, file_with_edits(f, edit), text, SP_GOAL_INSTALL, &found).data, text);
}

TEST(several_edits)
{
    there_and_back(f,
                   "- {name: one, before: '^one$', text: \"x\\n\"}\n"
                   "- {name: two, within: ['^one$', '^three$'], after: '^two$', text: \"y\\n\"}\n"
                   "- {name: end, append: true, text: \"\\nz\\n\"}\n",
                   "one\ntwo\nthree\n", "x\none\ntwo\ny\nthree\n\nz\n");
}

/* One of several is there already. */
TEST(partly_in_place)
{
    struct sp_edit_count found;
    const struct sp_manifest_file *file =
        file_with_edits(f, "- {name: one, before: '^one$', text: \"x\\n\"}\n"
                           "- {name: two, after: '^one$', text: \"y\\n\"}\n");
    assert_bytes(apply(f, file, "x\none\n", SP_GOAL_INSTALL, &found), "x\none\ny\n");
    assert_int_equal(found.wanted, 2);
    assert_int_equal(found.ours, 1);
    assert_bytes(apply(f, file, "one\ny\n", SP_GOAL_UNINSTALL, &found), "one\n");
}

TEST(anchor_not_once)
{
    const char *edit = "- {name: entry, before: '^two$', text: \"x\\n\"}";
    fails(f, edit, "one\n", SP_GOAL_INSTALL,
          "the anchor of the edit 'entry', /^two$/, is not there; put in by hand, as a line of its "
          "own: 'x'");
    fails(f, edit, "two\ntwo\n", SP_GOAL_INSTALL,
          "the anchor of the edit 'entry', /^two$/, is there more than once; put in by hand, as "
          "a line of its own: 'x'");
    /* it comes out all the same */
    struct sp_edit_count found;
    assert_bytes(apply(f, file_with_edits(f, edit), "x\none\n", SP_GOAL_UNINSTALL, &found),
                 "one\n");
}

TEST(region_not_once)
{
    const char *edit = "- {name: e, within: ['^a$', '^b$'], before: '^b$', text: \"x\\n\"}";
    fails(f, edit, "b\n", SP_GOAL_INSTALL,
          "the start of the region of the edit 'e', /^a$/, is not there");
    fails(f, edit, "a\na\nb\n", SP_GOAL_INSTALL,
          "the start of the region of the edit 'e', /^a$/, is there more than once");
    fails(f, edit, "b\na\n", SP_GOAL_INSTALL,
          "the end of the region of the edit 'e', /^b$/, is not there");
    /* out: wherever it is */
    struct sp_edit_count found;
    assert_bytes(apply(f, file_with_edits(f, edit), "x\nb\n", SP_GOAL_UNINSTALL, &found), "b\n");
    assert_bytes(apply(f, file_with_edits(f, edit), "a\na\nx\nb\n", SP_GOAL_UNINSTALL, &found),
                 "a\na\nb\n");
    assert_bytes(apply(f, file_with_edits(f, edit), "a\nx\n", SP_GOAL_UNINSTALL, &found), "a\n");
}

TEST(insertion_twice)
{
    const char *edit = "- {name: e, before: '^one$', text: \"x\\n\"}";
    fails(f, edit, "x\none\nx\n", SP_GOAL_INSTALL, "the edit 'e' is in it 2 times");
    fails(f, edit, "x\nx\none\nx\n", SP_GOAL_UNINSTALL, "the edit 'e' is in it 3 times");
}

TEST(legacy)
{
    struct sp_edit_count found;
    const char *edit = "- name: e\n"
                       "  after: '^one$'\n"
                       "  text: \"new\\n\"\n"
                       "  legacy: ['^old1\\n', '^old2\\n(?:  .*\\n)*']\n";
    const struct sp_manifest_file *file = file_with_edits(f, edit);
    assert_bytes(apply(f, file, "one\nold1\ntwo\n", SP_GOAL_INSTALL, &found), "one\nnew\ntwo\n");
    assert_int_equal(found.legacy, 1);
    assert_int_equal(found.ours, 0);
    assert_bytes(apply(f, file, "one\ntwo\nold2\n  a\n  b\nthree\nold1\n", SP_GOAL_INSTALL, &found),
                 "one\nnew\ntwo\nthree\n");
    assert_int_equal(found.legacy, 2);
    assert_bytes(apply(f, file, "one\ntwo\nold2\n  a\n", SP_GOAL_UNINSTALL, &found), "one\ntwo\n");
    /* both are there: ours is put where it belongs */
    assert_bytes(apply(f, file, "new\none\nold1\n", SP_GOAL_INSTALL, &found), "one\nnew\n");
    assert_int_equal(found.ours, 1);
    assert_int_equal(found.legacy, 1);
    assert_bytes(apply(f, file, "one\nnew\nold1\n", SP_GOAL_UNINSTALL, &found), "one\n");
    fails(f, edit, "one\nold1\nold1\n", SP_GOAL_INSTALL,
          "what the older tool left of the edit 'e', /^old1\\n/, is there more than once");
}

/* An edit without text only takes out what the older tool left. */
TEST(legacy_only)
{
    struct sp_edit_count found;
    const struct sp_manifest_file *file =
        file_with_edits(f, "- {name: e, legacy: ['^\\n\\nold\\n']}");
    assert_bytes(apply(f, file, "one\n\n\nold\n", SP_GOAL_INSTALL, &found), "one\n");
    assert_int_equal(found.wanted, 0);
    assert_int_equal(found.legacy, 1);
    const char *text = "one\n\nold\n";
    assert_ptr_equal(apply(f, file, text, SP_GOAL_INSTALL, &found).data, text);
    assert_ptr_equal(apply(f, file, text, SP_GOAL_UNINSTALL, &found).data, text);
}

/* ... and only in its region. */
TEST(legacy_in_its_region)
{
    struct sp_edit_count found;
    const struct sp_manifest_file *file =
        file_with_edits(f, "- {name: e, within: ['^a$', '^b$'], legacy: ['^old1\\n', '^old2\\n']}");
    assert_bytes(apply(f, file, "old1\na\nold1\nold2\nb\nold2\n", SP_GOAL_INSTALL, &found),
                 "old1\na\nb\nold2\n");
    assert_int_equal(found.legacy, 2);
    const char *text = "old1\na\nb\nold2\n";
    assert_ptr_equal(apply(f, file, text, SP_GOAL_INSTALL, &found).data, text);
}

TEST(foreign)
{
    struct sp_edit_count found;
    const char *edit = "- name: e\n"
                       "  before: '^one$'\n"
                       "  text: \"x=1\\n\"\n"
                       "  legacy: ['^x=0\\n']\n"
                       "  foreign: ['^y=', '^x=']\n";
    fails(f, edit, "\n\nx=2\none\n", SP_GOAL_INSTALL,
          "line 3 is in the place of the edit 'e', and neither this tool nor the older one wrote "
          "it");
    fails(f, edit, "x=1\none\nx=1 \n", SP_GOAL_INSTALL,
          "line 2 is in the place of the edit 'e', and neither this tool nor the older one wrote "
          "it");
    /* ours and the older tool's are not foreign */
    assert_bytes(apply(f, file_with_edits(f, edit), "x=0\none\n", SP_GOAL_INSTALL, &found),
                 "x=1\none\n");
    /* what is foreign is not ours to take out, and no reason not to take out ours */
    assert_bytes(apply(f, file_with_edits(f, edit), "x=2\nx=1\none\n", SP_GOAL_UNINSTALL, &found),
                 "x=2\none\n");
}

TEST(foreign_in_its_region)
{
    there_and_back(f,
                   "- {name: e, within: ['^a$', '^b$'], before: '^b$', text: \"x=1\\n\", "
                   "foreign: ['^x=']}",
                   "x=2\na\nb\nx=3\n", "x=2\na\nx=1\nb\nx=3\n");
}

/* The work of every pattern is bounded; that is an error that names it, and never
 * passes for an answer. */
TEST(endless_pattern)
{
    static const struct {
        const char *edit;
        bool out; /* it is looked for when the edit is taken out, too */
    } vectors[] = {
        {"- {name: e, legacy: ['^(a+)+!']}", true},
        {"- {name: e, within: ['^(a+)+!', '^!$'], append: true, text: \"x\\n\"}", true},
        {"- {name: e, within: ['^start$', '^(a+)+!'], append: true, text: \"x\\n\"}", true},
        {"- {name: e, before: '^(a+)+!', text: \"x\\n\"}", false},
        {"- {name: e, append: true, text: \"x\\n\", foreign: ['^(a+)+!']}", false},
    };
    char text[80];
    strcpy(text, "start\n");
    memset(text + 6, 'a', 64);
    strcpy(text + 70, "\n!\n");
    for (size_t i = 0; i < COUNT(vectors); i++)
        for (int goal = SP_GOAL_INSTALL; goal <= SP_GOAL_UNINSTALL; goal++) {
            struct sp_edited out;
            int rc = sp_edit_apply(f->pool, file_with_edits(f, vectors[i].edit), SP_BYTES_STR(text),
                                   (enum sp_goal)goal, &out, &f->err);
            if (rc != (goal == SP_GOAL_INSTALL || vectors[i].out ? -1 : 0))
                fail_msg("vector %zu, goal %d", i, goal);
            if (rc < 0)
                assert_non_null(strstr(f->err.message, "^(a+)+!"));
            sp_error_clear(&f->err);
        }
}

/* Random texts of the lines that matter: in and out again is where it was, in twice is once. */
TEST(random_texts)
{
    static const char *const lines[] = {"a = [\n", "]\n", "  'storpool',\n", "  'b',\n",
                                        "X = 1\n", "\n",  "LOCAL = 1\n",     "def f():\n"};
    const struct sp_manifest_file *file = file_with_edits(
        f,
        "- {name: e, within: ['^a = \\[$', '^\\]$'], before: '^\\]$', text: \"  'storpool',\\n\"}\n"
        "- {name: f, before: '^LOCAL = 1$', text: \"X = 1\\n\"}\n"
        "- {name: g, append: true, text: \"\\nEND = 1\\n\"}\n");
    unsigned seed = 12345, good = 0;
    for (int round = 0; round < 4000; round++) {
        struct sp_buffer buf = SP_BUFFER_INIT;
        seed = seed * 1103515245 + 12345;
        for (unsigned n = seed >> 16 & 7; n < 9; n++) {
            seed = seed * 1103515245 + 12345;
            sp_buffer_puts(&buf, lines[seed >> 16 & 7]);
        }
        struct sp_bytes text = {sp_buffer_str(&buf), buf.len};
        struct sp_edited clean, in, again, back;
        if (sp_edit_apply(f->pool, file, text, SP_GOAL_INSTALL, &in, &f->err) == 0 &&
            sp_edit_apply(f->pool, file, text, SP_GOAL_UNINSTALL, &clean, &f->err) == 0) {
            good++;
            assert_ok(f, sp_edit_apply(f->pool, file, in.text, SP_GOAL_INSTALL, &again, &f->err));
            assert_int_equal(again.found.ours, 3);
            assert_true(sp_bytes_equal(in.text, again.text));
            assert_ok(f, sp_edit_apply(f->pool, file, in.text, SP_GOAL_UNINSTALL, &back, &f->err));
            if (!sp_bytes_equal(clean.text, back.text))
                fail_msg("out of:\n%s----came:\n%.*s", text.data, (int)back.text.len,
                         back.text.data);
        }
        sp_error_clear(&f->err);
        sp_buffer_free(&buf);
    }
    assert_true(good > 100);
}
