/* SPDX-License-Identifier: Apache-2.0 */
/* Every answer that is expected here is that of Python's `packaging` 26.3 too, but for "===". */
#include "model/version.h"

#include "support.h"

static struct sp_version *parse(struct fixture *f, const char *text)
{
    struct sp_version *version = sp_version_parse(f->pool, text);
    if (!version)
        fail_msg("'%s' is a version", text);
    return version;
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

/* No two alike. */
static const char *const ascending[] = {
    "0.0.dev0",
    "0",
    "0.9.99",
    "1.dev0",
    "1.0.dev456",
    "1.0a0.dev1",
    "1.0a1",
    "1.0a1.post0.dev1",
    "1.0a1.post0",
    "1.0a2.dev456",
    "1.0a12.dev456",
    "1.0a12",
    "1.0b1.dev456",
    "1.0b2",
    "1.0b2.post345.dev456",
    "1.0b2.post345",
    "1.0rc1.dev456",
    "1.0rc1",
    "1.0",
    "1.0+abc.5",
    "1.0+abc.7",
    "1.0+abcd",
    "1.0+5",
    "1.0+5.a",
    "1.0+5.0",
    "1.0+10",
    "1.0.post0.dev1",
    "1.0.post0",
    "1.0.post456.dev34",
    "1.0.post456",
    "1.0.post456+ubuntu1",
    "1.0.1.dev0",
    "1.0.15",
    "1.1.dev1",
    "1.2.0.dev3", /* os-brick, Mitaka to Pike */
    "1.2.0",
    "1.3.0",
    "1.6.1",
    "1.6.2",
    "1.7.0",
    "1.10.0",
    "1.11.0",
    "1.15.0",
    "1.15.9",
    "2.0.0",
    "7.0.0.0a1", /* cinder */
    "8.0.0.0b1",
    "8.0.0.0b2.dev10",
    "8.0.0.0b2",
    "8.0.0.0b3",
    "8.0.0.0rc1.dev2",
    "8.0.0.0rc1",
    "8.0.0.0rc3",
    "8.0.0",
    "8.1.0",
    "8.1.1.dev23",
    "8.1.1",
    "9.0.0.0b1",
    "9.1.4",
    "10.0.0.0rc2",
    "10.0.8",
    "11.0.0.0b3",
    "11.2.2",
    "12.0.0.0b1", /* nova */
    "13.1.4",
    "14.0.0.0rc1",
    "14.1.0",
    "15.0.0",
    "15.1.5",
    "16.0.0.0b3",
    "16.0.0.0rc1",
    "16.0.0",
    "16.1.8",
    "2014.2.rc1",
    "2015.1.4",
    "999999999999999999",
    "1!0.dev0",
    "1!1.0",
    "2!0",
};

TEST(order)
{
    struct sp_version *versions[COUNT(ascending)];
    for (size_t i = 0; i < COUNT(ascending); i++)
        versions[i] = parse(f, ascending[i]);
    for (size_t i = 0; i < COUNT(ascending); i++)
        for (size_t j = 0; j < COUNT(ascending); j++)
            if (sign(sp_version_compare(versions[i], versions[j])) != (i > j) - (i < j))
                fail_msg("%s and %s", ascending[i], ascending[j]);
}

TEST(spellings_of_the_same_version)
{
    static const char *const same[][2] = {
        {"1.0", "1"},
        {"1.0", "1.0.0.0"},
        {"1.0", "v1.0"},
        {"1.0", "V1.0"},
        {"1.0", " \t\n\v\f\r1.0\r\f\v\n\t "},
        {"1.0", "0!1.0"},
        {"1.0", "01.000"},
        {"1.0a1", "1.0.a.1"},
        {"1.0a1", "1.0-alpha_1"},
        {"1.0a1", "1.0ALPHA1"},
        {"1.0a0", "1.0a"},
        {"1.0a0", "1.0a-"},
        {"1.0b2", "1.0_beta.2"},
        {"1.0b2", "1.0beta2"},
        {"1.0rc1", "1.0c1"},
        {"1.0rc1", "1.0.RC1"},
        {"1.0rc1", "1.0pre1"},
        {"1.0rc1", "1.0-preview-1"},
        {"1.0.post1", "1.0-1"},
        {"1.0.post1", "1.0post1"},
        {"1.0.post1", "1.0-r1"},
        {"1.0.post1", "1.0_rev_1"},
        {"1.0.post0", "1.0.post"},
        {"1.0.post0", "1.0-r"},
        {"1.0a0.post1", "1.0a--1"},
        {"1.0a1.post1", "1.0a1-1"},
        {"1.0a0.post1", "1.0arev1"},
        {"1.0.dev3", "1.0dev3"},
        {"1.0.dev3", "1.0-DEV_3"},
        {"1.0.dev0", "1.0.dev"},
        {"1.0a0.dev0", "1.0a.-dev"},
        {"1.0rc1.post2.dev3", "1.0-c1-2-dev3"},
        {"1.0+ubuntu.1", "1.0+UBUNTU-1"},
        {"1.0+ubuntu.1", "1.0+ubuntu_01"},
        {"1.0.dev3+g0", "1.0dev3+G0"},
    };
    for (size_t i = 0; i < COUNT(same); i++)
        if (sp_version_compare(parse(f, same[i][0]), parse(f, same[i][1])) != 0)
            fail_msg("'%s' is '%s'", same[i][1], same[i][0]);
}

TEST(what_is_no_version)
{
    static const char *const texts[] = {
        "",         " ",          "v",           "a",      "1.",           ".1",
        "1..0",     "1.0 a1",     "1.x",         "1.0x",   "french toast", "1.0+",
        "1.0+a..b", "1.0+_a",     "1.0+a+b",     "1.0+a.", "1.0a1b1",      "1.0.dev1.post1",
        "1.0-1-2",  "1.0.dev1a1", "1.0rc1rc2",   "1.0--1", "!1.0",         "1!",
        "1!2!3",    "-1",         "+1",          "1,0",    "1.0\xc3\xa9",  "v v1",
        "vv1",      "1.0.bet1",   "1.0previous", "1.0_",   "1.0-",         "1.0.*",
        "==1.0",    "1.0\x01"};
    for (size_t i = 0; i < COUNT(texts); i++)
        if (sp_version_parse(f->pool, texts[i]))
            fail_msg("'%s' is no version", texts[i]);
}

/* Python has no such limit. */
TEST(numbers_have_at_most_18_digits)
{
    static const char *const forms[] = {"%s",       "1.%s", "%s!1",    "1a%s",
                                        "1.post%s", "1-%s", "1.dev%s", "1+%s"};
    for (size_t i = 0; i < COUNT(forms); i++) {
        const char *hash = strchr(forms[i], '%');
        for (int digits = 18; digits <= 19; digits++) {
            char *text = sp_pool_printf(f->pool, "%.*s%.*s%s", (int)(hash - forms[i]), forms[i],
                                        digits, "9999999999999999999", hash + 2);
            if ((sp_version_parse(f->pool, text) != NULL) != (digits == 18))
                fail_msg("'%s'", text);
        }
    }
}

TEST(long_input_takes_no_time)
{
    size_t len = 200000;
    char *text = malloc(2 * len + 2);
    for (size_t i = 0; i < len; i++)
        memcpy(text + 2 * i, "1.", 3);
    assert_null(sp_version_parse(f->pool, text));
    text[2 * len - 1] = '\0';
    assert_non_null(sp_version_parse(f->pool, text));
    free(text);
}

TEST(specifiers)
{
    static const struct {
        const char *specifier, *version;
        bool matches;
    } vectors[] = {
        {">=9.0.0.0b1", "9.0.0.0b2", true},
        {">=9.0.0.0b1", "9.0.0.0b1.dev1", false},
        {">=1.0", "1.0+local", true},
        {">=1.0", "1.0rc1", false},
        {"<10.0.0", "10.0.0.0b1", false},
        {"<10.0.0", "10.0.0.dev5", false},
        {"<10.0.0", "10.0.0.dev0", false},
        {"<10.0.0", "9.99.dev1", true},
        {"<10.0.0.0b1", "10.0.0.0a1", true},
        {"<10.0.0.0b1", "10.0.0.0b1.dev1", true},
        {"<10.0.0.0b1", "10.0.0.0b1", false},
        {"<1.0.post1", "1.0", true},
        {"<1.0.post1", "1.0a1", true},
        {"<1.0.post1", "1.0.post1.dev1", false},
        {">=1.3.0.dev0, <1.7.0.dev0", "1.6.1", true},
        {">=1.3.0.dev0, <1.7.0.dev0", "1.3.0.dev0", true},
        {">=1.3.0.dev0, <1.7.0.dev0", "1.7.0.dev0", false},
        {">=1.3.0.dev0, <1.7.0.dev0", "1.2.9", false},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_specifier *specifier = NULL;
        assert_ok(f, sp_specifier_parse(f->pool, vectors[i].specifier, &specifier, &f->err));
        if (sp_specifier_matches(specifier, parse(f, vectors[i].version)) != vectors[i].matches)
            fail_msg("%s and %s", vectors[i].specifier, vectors[i].version);
    }
}

TEST(what_is_no_specifier)
{
    static const struct {
        const char *specifier, *clause;
    } vectors[] = {
        {"1.0", "'1.0'"},
        {"=1.0", "'=1.0'"},
        {"=>1.0", "'=>1.0'"},
        {"<>1.0", "'<>1.0'"},
        {"== 1.0", "'== 1.0'"}, /* of PEP 440, and used by no manifest */
        {"!=1.0", "'!=1.0'"},
        {"<=1.0", "'<=1.0'"},
        {">1.0", "'>1.0'"},
        {"~=1.0", "'~=1.0'"},
        {"===1.0", "'===1.0'"},
        {">=1.0+a", "'>=1.0+a'"},
        {"<1.0+a", "'<1.0+a'"},
        {">=1.0.*", "'>=1.0.*'"},
        {"<1.*", "'<1.*'"},
        {"> =1.0", "'> =1.0'"},
        {">=", "'>='"},
        {"<", "'<'"},
        {">=1.0 <2.0", "'>=1.0 <2.0'"},
        {">=1.0,x", "'x'"},
        {"<\x1b", "'<\\x1b'"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct sp_specifier *specifier = NULL;
        int result = sp_specifier_parse(f->pool, vectors[i].specifier, &specifier, &f->err);
        if (result == 0)
            fail_msg("'%s' is no specifier", vectors[i].specifier);
        assert_fails(f, result, SP_ERROR_REFUSED, vectors[i].clause);
    }
}

/* `packaging` passes over empty clauses; in a manifest they are a slip. */
TEST(empty_clauses_are_refused)
{
    static const char *const texts[] = {",", ">=1.0,", ",>=1.0", ">=1.0,,<2", ">=1.0, "};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct sp_specifier *specifier = NULL;
        assert_fails(f, sp_specifier_parse(f->pool, texts[i], &specifier, &f->err),
                     SP_ERROR_REFUSED, "' is not a version specifier");
    }
}

TEST(distribution_names)
{
    static const struct {
        const char *a, *b;
        bool same;
    } vectors[] = {
        {"os_brick", "os-brick", true},
        {"os_brick", "OS.Brick", true},
        {"os-brick", "os-._brick", true},
        {"os-brick", "osbrick", false},
        {"os-brick", "os-brick-", false},
        {"-os", "os", false},
        {"storpool.spopenstack", "storpool-spopenstack", true},
        {"storpool", "storpool.spopenstack", false},
        {"nova", "Nova", true},
        {"nova", "nov", false},
        {"", "", true},
        {"", "-", false},
        {"-", "__", true},
        {"a b", "a-b", false},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        if (sp_distribution_same(vectors[i].a, vectors[i].b) != vectors[i].same ||
            sp_distribution_same(vectors[i].b, vectors[i].a) != vectors[i].same)
            fail_msg("'%s' and '%s'", vectors[i].a, vectors[i].b);
        if (vectors[i].same && !sp_distribution_may_begin(vectors[i].a, vectors[i].b))
            fail_msg("'%s' does not begin with '%s'", vectors[i].a, vectors[i].b);
    }
}

TEST(names_of_files_with_distributions)
{
    assert_true(sp_distribution_may_begin("os_brick-1.2.0.dist-info", "os-brick"));
    assert_true(sp_distribution_may_begin("OS.Brick-1.2.0-py2.7.egg-info", "os_brick"));
    assert_true(sp_distribution_may_begin("nova.egg-info", "nova"));
    assert_true(sp_distribution_may_begin("novaclient", "nova")); /* look closer */
    assert_false(sp_distribution_may_begin("nov", "nova"));
    assert_false(sp_distribution_may_begin("", "nova"));
    assert_false(sp_distribution_may_begin("os_brick", "osbrick"));
}
