/* SPDX-License-Identifier: Apache-2.0 */
/* How a Python interpreter is started, as far as sys.path depends on it: python(1), "Command line and
 * environment" of the documentation of Python 2.7 and 3. Pure. */
#ifndef SP_PYTHON_SETTINGS_H
#define SP_PYTHON_SETTINGS_H

#include "base/common.h"
#include "base/pool.h"

struct sp_python_settings {
    const char *path;  /* PYTHONPATH, "/a:/b"; NULL: none */
    const char *home;  /* PYTHONHOME, a prefix; NULL: none */
    const char *first; /* of `python -m`: the directory in which it is started; NULL */
    bool no_env;       /* -E: neither of the first two counts */
    bool no_user;      /* -s, PYTHONNOUSERSITE: no user site */
    bool no_site;      /* -S: neither site-packages nor .pth files */
    bool isolated;     /* -I: -E and -s, and not the directory of `first` */
};

/* Takes in a word of the command line that is an option: "-sE". Others do not matter. */
void sp_python_settings_option(struct sp_python_settings *settings, const char *word);

/* Takes in "NAME=value" of the environment, later ones over earlier ones. Parts of PYTHONPATH that are
 * relative, or have a "$", for which a shell would put something in, are left out. */
void sp_python_settings_variable(struct sp_pool *pool, struct sp_python_settings *settings,
                                 const char *assignment);

/* Adds those of a command in the environment of which the first ones are known: its options are added, its
 * variables count in place of the others. */
void sp_python_settings_join(struct sp_python_settings *settings,
                             const struct sp_python_settings *other);

/* Whether they say anything. */
bool sp_python_settings_matter(const struct sp_python_settings *settings);

/* PYTHONHOME without the part behind ":"; NULL: it does not count, or is empty. */
const char *sp_python_settings_home(struct sp_pool *pool,
                                    const struct sp_python_settings *settings);

/* Adds the directories that go before those of the interpreter, in their order. */
void sp_python_settings_dirs(struct sp_pool *pool, const struct sp_python_settings *settings,
                             sp_strv *out);

/* The settings in words, "PYTHONPATH=/a:/b -s"; NULL: there are none that matter. PYTHONHOME is left out: it makes another interpreter of it. */
const char *sp_python_settings_words(struct sp_pool *pool,
                                     const struct sp_python_settings *settings);

#endif
