/* SPDX-License-Identifier: Apache-2.0 */
/* The words of command lines, as systemd and shells split them, and the program among them. Pure. */
#ifndef SP_WORDS_H
#define SP_WORDS_H

#include "base/common.h"
#include "base/pool.h"

enum sp_word_style {
    SP_WORD_STYLE_UNIT, /* systemd.service(5), "Command lines" */
    SP_WORD_STYLE_SHELL /* sh(1), as far as scripts that start a service go */
};

/* Adds the words of a line. Quotes and backslashes are removed, variables ("NAME=value" each; the
 * last of a name counts) put in; one that is not known is empty. Shell: ";", "&", "|", "(", ")" and
 * a newline outside of quotes are words of their own, a comment is left out, and of the forms of a
 * parameter ${NAME} and ${NAME:-word} are known. */
void sp_words_split(struct sp_pool *pool, const char *line, enum sp_word_style style,
                    const sp_strv *variables, sp_strv *out);

/* The value of a variable, "" if it is not there. */
const char *sp_words_value(const sp_strv *variables, const char *name);

/* Whether the word is "NAME=...", an assignment. */
bool sp_words_is_assignment(const char *word);

/* Whether `python -m WORD` is the program: "nova.cmd.compute" is nova-compute, as in the
 * console_scripts of nova's and cinder's setup.cfg (nova 13.0.0 to 16.0.0, cinder 8.0.0 to 11.0.0). */
bool sp_words_is_module(const char *word, const char *program);

/* Where in a command the program begins: its path ("/usr/bin/nova-compute"), its bare name at the
 * beginning of the command, or the module that `python -m` runs. false: it is not there. */
bool sp_words_program(const sp_strv *words, const char *program, size_t *at);

/* The project of a program: "nova" of "nova-compute". */
const char *sp_words_project(struct sp_pool *pool, const char *program);

/* Whether the file's name is that of a Python interpreter: "python2.7", "/usr/bin/python". */
bool sp_words_names_python(const char *path);

/* Whether the path is that of a Python interpreter: "/usr/bin/python2.7". */
bool sp_words_is_python(const char *path);

#endif
