/* SPDX-License-Identifier: Apache-2.0 */
/* Options and variables of an interpreter, and what comes of them. */
#include "support.h"

#include "model/python_settings.h"

/* "HOME|DIR DIR|WORDS" of options and variables, separated by blanks. */
static const char *settings_of(struct fixture *f, const char *text)
{
    struct sp_python_settings settings = {.path = NULL};
    sp_strv dirs = {NULL, 0, 0};
    while (*text) {
        size_t len = strcspn(text, " ");
        const char *word = sp_pool_memdup(f->pool, text, len);
        if (*word == '/')
            settings.first = word;
        sp_python_settings_option(&settings, word);
        sp_python_settings_variable(f->pool, &settings, word);
        text += len + (text[len] == ' ');
    }
    sp_python_settings_dirs(f->pool, &settings, &dirs);
    const char *home = sp_python_settings_home(f->pool, &settings);
    const char *words = sp_python_settings_words(f->pool, &settings);
    return sp_pool_printf(f->pool, "%s|%s|%s", home ? home : "", sp_strv_join(f->pool, &dirs, " "),
                          words ? words : "");
}

TEST(settings)
{
    static const char *const vectors[][2] = {
        {"", "||"},
        {"PYTHONPATH=/a:/b", "|/a /b|PYTHONPATH=/a:/b"},
        {"PYTHONPATH=/a PYTHONPATH=/b:", "|/b|PYTHONPATH=/b"},
        {"PYTHONPATH=:lib:/a::./b:$HOME/x:/c/$V", "|/a|PYTHONPATH=/a"},
        {"PYTHONPATH=", "||"},
        {"XPYTHONPATH=/a", "||"},
        {"PYTHONHOME=/opt/python:/opt/exec", "/opt/python||"},
        {"PYTHONPATH=/a -E", "||"},
        {"-E PYTHONHOME=/a", "||"},
        {"-s", "||-s"},
        {"PYTHONNOUSERSITE=", "||"},
        {"PYTHONNOUSERSITE=1", "||-s"},
        {"-sE PYTHONPATH=/a", "||-s"},
        {"-S PYTHONPATH=/a", "|/a|PYTHONPATH=/a -S"},
        {"-I PYTHONPATH=/a /work", "||-s"},
        {"/work PYTHONPATH=/a", "|/work /a|-m in /work PYTHONPATH=/a"},
        {"/work -E", "|/work|-m in /work"},
        {"-WSE -W -XsE -cS -uO --sES", "||"}};
    for (size_t i = 0; i < COUNT(vectors); i++)
        assert_string_equal(settings_of(f, vectors[i][0]), vectors[i][1]);
}
