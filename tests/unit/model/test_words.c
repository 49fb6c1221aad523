/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines in words, as systemd.service(5) and sh(1) have them. */
#include "support.h"

#include "model/words.h"

static const char *split(struct fixture *f, enum sp_word_style style, const char *line)
{
    sp_strv variables = {NULL, 0, 0}, words = {NULL, 0, 0};
    *SP_PUSH(f->pool, &variables) = "ONE=old";
    *SP_PUSH(f->pool, &variables) = "ONE=1";
    *SP_PUSH(f->pool, &variables) = "TWO=a b";
    sp_words_split(f->pool, line, style, &variables, &words);
    return words.count ? sp_pool_printf(f->pool, "<%s>", sp_strv_join(f->pool, &words, "> <")) : "";
}

TEST(unit_style)
{
    static const char *const vectors[][2] = {
        {"", ""},
        {"  \t ", ""},
        {"/bin/a  b\tc\r", "</bin/a> <b> <c>"},
        {"a 'b c' \"d e\"", "<a> <b c> <d e>"},
        {"a '' \"\"", "<a> <> <>"},
        {"--x='b c'd", "<--x=b cd>"},
        {"a\\ b c\\sd e\\\\f", "<a b> <c d> <e\\f>"},
        {"'a\\'b' \"c\\\"d\"", "<a'b> <c\"d>"},
        {"$ONE ${ONE} x$ONE x${ONE}y", "<1> <1> <x$ONE> <x1y>"},
        {"$TWO ${TWO} \"$TWO\"", "<a> <b> <a b> <$TWO>"},
        {"$NONE ${NONE} x${NONE}", "<> <x>"},
        {"$$ONE 5$ a$$", "<$ONE> <5$> <a$>"},
        {"${ONE", "<${ONE>"},
        {"a ; b # c | d", "<a> <;> <b> <#> <c> <|> <d>"},
        {"'never closed", "<never closed>"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++)
        assert_string_equal(split(f, SP_WORD_STYLE_UNIT, vectors[i][0]), vectors[i][1]);
}

TEST(shell_style)
{
    static const char *const vectors[][2] = {
        {"a 'b $ONE' \"c $ONE\"", "<a> <b $ONE> <c 1>"},
        {"x$ONE.y ${TWO} \"${TWO}\"", "<x1.y> <a> <b> <a b>"},
        {"${NONE:-d e} ${ONE:-d} ${ONE%x}", "<d> <e> <1> <1>"},
        {"a;b&&c|d # e", "<a> <;> <b> <&> <&> <c> <|> <d>"},
        {"a#b 'c\\n' \\$d", "<a#b> <c\\n> <$d>"},
        {"A=\"x y\" B=$TWO", "<A=x y> <B=a> <b>"},
        {"(a)`b`", "<(> <a> <)> <b>"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++)
        assert_string_equal(split(f, SP_WORD_STYLE_SHELL, vectors[i][0]), vectors[i][1]);
}

TEST(assignments)
{
    assert_true(sp_words_is_assignment("A_1=x"));
    assert_true(sp_words_is_assignment("A="));
    assert_false(sp_words_is_assignment("=x"));
    assert_false(sp_words_is_assignment("1A=x"));
    assert_false(sp_words_is_assignment("A B=x"));
    assert_false(sp_words_is_assignment("--a=x"));
}

static int program_at(struct fixture *f, const char *line, const char *program)
{
    sp_strv words = {NULL, 0, 0};
    size_t at;
    sp_words_split(f->pool, line, SP_WORD_STYLE_UNIT, NULL, &words);
    return sp_words_program(&words, program, &at) ? (int)at : -1;
}

TEST(program)
{
    static const struct {
        const char *line;
        int at;
    } vectors[] = {
        {"/usr/bin/nova-compute --config-file x", 0},
        {"/venv/bin/python -s /venv/bin/nova-compute", 2},
        {"nova-compute x", 0},
        {"exec nova-compute", 1},
        {"/usr/bin/sg libvirt nova-compute", -1},
        {"/usr/bin/python2.7 -m nova.cmd.compute --x", 2},
        {"python -u -m nova.cmd.compute", 3},
        {"/usr/bin/ls -m nova.cmd.compute", -1},
        {"/usr/bin/python -m nova.cmd.computer", -1},
        {"/usr/bin/python -m nova.cmd.comput", -1},
        {"/usr/bin/python -m novacmd.compute", -1},
        {"/usr/bin/nova-compute-x", -1},
        {"", -1},
    };
    for (size_t i = 0; i < COUNT(vectors); i++)
        assert_int_equal(program_at(f, vectors[i].line, "nova-compute"), vectors[i].at);
    assert_int_equal(
        program_at(f, "python -m cinder.cmd.volume_usage_audit", "cinder-volume-usage-audit"), 2);
}
