/* SPDX-License-Identifier: Apache-2.0 */
#include "model/python_settings.h"

#include <string.h>

void sp_python_settings_option(struct sp_python_settings *settings, const char *word)
{
    if (word[0] != '-' || word[1] == '-')
        return;
    for (word++; *word && !strchr("cmWXQ", *word); word++) { /* those have a value */
        settings->no_env |= *word == 'E' || *word == 'I';
        settings->no_user |= *word == 's' || *word == 'I';
        settings->isolated |= *word == 'I';
        settings->no_site |= *word == 'S';
    }
}

void sp_python_settings_join(struct sp_python_settings *settings,
                             const struct sp_python_settings *other)
{
    settings->no_env |= other->no_env;
    settings->no_user |= other->no_user;
    settings->no_site |= other->no_site;
    settings->isolated |= other->isolated;
    settings->path = other->path ? other->path : settings->path;
    settings->home = other->home ? other->home : settings->home;
    settings->first = other->first ? other->first : settings->first;
}

/* Adds each part of a list with colons. One that is relative, or empty, depends on the directory in
 * which the program is started, and is left out. */
static void split(struct sp_pool *pool, const char *list, sp_strv *out)
{
    while (*list) {
        size_t len = strcspn(list, ":");
        if (*list == '/')
            *SP_PUSH(pool, out) = sp_pool_memdup(pool, list, len);
        list += len;
        list += *list == ':';
    }
}

static const char *without_variables(struct sp_pool *pool, const char *list)
{
    sp_strv parts = {NULL, 0, 0}, kept = {NULL, 0, 0};
    split(pool, list, &parts);
    for (size_t i = 0; i < parts.count; i++)
        if (!strchr(parts.items[i], '$'))
            *SP_PUSH(pool, &kept) = parts.items[i];
    return kept.count ? sp_strv_join(pool, &kept, ":") : NULL;
}

void sp_python_settings_variable(struct sp_pool *pool, struct sp_python_settings *settings,
                                 const char *assignment)
{
    static const char path[] = "PYTHONPATH=", home[] = "PYTHONHOME=", user[] = "PYTHONNOUSERSITE=";
    if (strncmp(assignment, path, sizeof(path) - 1) == 0)
        settings->path = without_variables(pool, assignment + sizeof(path) - 1);
    else if (strncmp(assignment, home, sizeof(home) - 1) == 0)
        settings->home = without_variables(pool, assignment + sizeof(home) - 1);
    else if (strncmp(assignment, user, sizeof(user) - 1) == 0)
        settings->no_user |= assignment[sizeof(user) - 1] != '\0';
}

const char *sp_python_settings_home(struct sp_pool *pool, const struct sp_python_settings *settings)
{
    if (settings->no_env || !settings->home)
        return NULL;
    size_t len = strcspn(settings->home, ":");
    return len ? sp_pool_memdup(pool, settings->home, len) : NULL;
}

void sp_python_settings_dirs(struct sp_pool *pool, const struct sp_python_settings *settings,
                             sp_strv *out)
{
    if (settings->first && !settings->isolated)
        *SP_PUSH(pool, out) = settings->first;
    if (settings->path && !settings->no_env)
        split(pool, settings->path, out);
}

const char *sp_python_settings_words(struct sp_pool *pool,
                                     const struct sp_python_settings *settings)
{
    sp_strv words = {NULL, 0, 0};
    if (settings->first && !settings->isolated)
        *SP_PUSH(pool, &words) = sp_pool_printf(pool, "-m in %s", settings->first);
    if (settings->path && !settings->no_env)
        *SP_PUSH(pool, &words) = sp_pool_printf(pool, "PYTHONPATH=%s", settings->path);
    if (settings->no_user)
        *SP_PUSH(pool, &words) = "-s";
    if (settings->no_site)
        *SP_PUSH(pool, &words) = "-S";
    return words.count ? sp_strv_join(pool, &words, " ") : NULL;
}

bool sp_python_settings_matter(const struct sp_python_settings *settings)
{
    return settings->path || settings->home || settings->first || settings->no_env ||
           settings->no_user || settings->no_site;
}
