/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of cinder.conf. The options, and how each release treats them: cinder at the tags
 * mitaka-eol to pike-eol, cinder/cmd/volume.py, cinder/volume/{driver,configuration}.py. */
#include <string.h>
#include <strings.h>

#include "model/checks.h"

#define OUR_CLASS "cinder.volume.drivers.storpool.StorPoolDriver"

static const struct sp_oslo_found nowhere = {NULL, NULL};

/* ---- looking ------------------------------------------------------------------------------- */

/* Names of backends are shown only if they are words: a line that was swallowed may be in them. */
static const char *shown(struct sp_checking *c, struct sp_bytes name)
{
    bool plain = name.len > 0 && name.len <= 64;
    for (size_t i = 0; plain && i < name.len; i++)
        plain = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",
                       name.data[i]) &&
                name.data[i];
    return plain ? sp_pool_printf(c->pool, "'%s'", name.data) : "(not shown)";
}

static bool mentions_storpool(struct sp_bytes text)
{
    for (size_t i = 0; i + 8 <= text.len; i++)
        if (strncasecmp(text.data + i, "storpool", 8) == 0)
            return true;
    return false;
}

/* enabled_backends; false when it is not set, or not decided. */
static bool enabled(struct sp_checking *c, sp_oslo_list *out, struct sp_oslo_found *at)
{
    struct sp_bytes value;
    *at = sp_oslo_find_one(c->files, "DEFAULT", "enabled_backends");
    if (!at->entry || !sp_oslo_expand(c->pool, c->files, "DEFAULT", at->entry->value, &value))
        return false;
    sp_oslo_split(c->pool, value, out);
    return true;
}

/* A release that is not known may be Pike. */
static bool reads_backend_defaults(const struct sp_checking *c)
{
    return c->service->series == SP_SERIES_UNKNOWN || c->service->series >= SP_SERIES_PIKE;
}

static bool is_text(struct sp_bytes name)
{
    return memchr(name.data, '\0', name.len) == NULL;
}

/* The driver of a section: its own, in Pike else that of [backend_defaults]. */
static struct sp_oslo_found driver_of(struct sp_checking *c, struct sp_bytes section)
{
    struct sp_oslo_found found = nowhere;
    if (is_text(section))
        found = sp_oslo_find_one(c->files, section.data, "volume_driver");
    if (!found.entry && reads_backend_defaults(c))
        found = sp_oslo_find_one(c->files, "backend_defaults", "volume_driver");
    return found;
}

static bool is_ours(struct sp_oslo_found found)
{
    return found.entry && sp_config_is(found.entry->value, OUR_CLASS);
}

static bool is_enabled(const sp_oslo_list *list, struct sp_bytes section)
{
    for (size_t i = 0; i < list->count; i++)
        if (is_text(list->items[i]) && sp_oslo_is_group(section, list->items[i].data))
            return true;
    return false;
}

static bool has_section(struct sp_checking *c, struct sp_bytes name)
{
    for (size_t i = 0; i < c->files->count; i++)
        for (size_t j = 0; j < c->files->items[i]->headings.count; j++)
            if (is_text(name) &&
                sp_oslo_is_group(c->files->items[i]->headings.items[j].name, name.data))
                return true;
    return false;
}

/* A value in which somebody meant a comment: oslo.config has none after a value. */
static bool has_comment(struct sp_bytes value)
{
    for (size_t i = 1; i < value.len; i++)
        if ((value.data[i] == '#' || value.data[i] == ';') &&
            (value.data[i - 1] == ' ' || (value.data[i - 1] == '\t' && value.data[i] == '#')))
            return true;
    return false;
}

/* Calls fn for each assignment that counts, of the option `name`, in any section; name NULL: of any. */
static void for_each_effective(struct sp_checking *c, const char *name,
                               void (*fn)(struct sp_checking *c, struct sp_oslo_found at))
{
    for (size_t i = 0; i < c->files->count; i++)
        for (size_t j = 0; j < c->files->items[i]->entries.count; j++) {
            struct sp_oslo_found at = {c->files->items[i], &c->files->items[i]->entries.items[j]};
            if ((!name || sp_config_is(at.entry->key, name)) && is_text(at.entry->section) &&
                is_text(at.entry->key) &&
                sp_oslo_find_one(c->files, at.entry->section.data, at.entry->key.data).entry ==
                    at.entry)
                fn(c, at);
        }
}

/* ---- the checks ---------------------------------------------------------------------------- */

static void check_unset(struct sp_checking *c)
{
    static const enum sp_check_level levels[] = {[SP_SERIES_UNKNOWN] = SP_CHECK_WARNING,
                                                 [SP_SERIES_MITAKA] = SP_CHECK_NOTE,
                                                 [SP_SERIES_NEWTON] = SP_CHECK_WARNING,
                                                 [SP_SERIES_OCATA] = SP_CHECK_ERROR,
                                                 [SP_SERIES_PIKE] = SP_CHECK_ERROR};
    struct sp_oslo_found at = sp_oslo_find_one(c->files, "DEFAULT", "volume_driver");
    if (sp_oslo_find_one(c->files, "DEFAULT", "enabled_backends").entry)
        return;
    if (c->service->series >= SP_SERIES_OCATA || is_ours(at))
        sp_check_report(c, levels[c->service->series], sp_check_place(at),
                        "write: enabled_backends = storpool",
                        "enabled_backends is not set in [DEFAULT]");
}

static void check_listed(struct sp_checking *c, struct sp_oslo_found at)
{
    sp_oslo_list list = {NULL, 0, 0};
    struct sp_oslo_found where;
    if (is_ours(at) && !sp_config_is(at.entry->section, "DEFAULT") &&
        !sp_oslo_is_group(at.entry->section, "backend_defaults") && enabled(c, &list, &where) &&
        !has_comment(where.entry->value) && !is_enabled(&list, at.entry->section))
        sp_check_report(c, SP_CHECK_ERROR, sp_check_place(at),
                        "write the name of the section into enabled_backends",
                        "the section %s has StorPool's driver, and is not in enabled_backends",
                        shown(c, at.entry->section));
}

static void check_not_listed(struct sp_checking *c)
{
    for_each_effective(c, "volume_driver", check_listed);
}

static void check_no_section(struct sp_checking *c)
{
    sp_oslo_list list = {NULL, 0, 0};
    struct sp_oslo_found at;
    if (!enabled(c, &list, &at) || has_comment(at.entry->value))
        return;
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].len && !has_section(c, list.items[i]))
            sp_check_report(
                c,
                list.items[i].len >= 8 && strncasecmp(list.items[i].data, "storpool", 8) == 0
                    ? SP_CHECK_ERROR
                    : SP_CHECK_WARNING,
                sp_check_place(at),
                "write: volume_driver = " OUR_CLASS " in a section of that name",
                "the backend %s has no section: it would use LVM", shown(c, list.items[i]));
}

static void check_class(struct sp_checking *c, struct sp_oslo_found at)
{
    if (mentions_storpool(at.entry->value) && !is_ours(at))
        sp_check_report(c, SP_CHECK_ERROR, sp_check_place(at), "write: volume_driver = " OUR_CLASS,
                        "volume_driver is not the name of StorPool's driver");
}

static void check_classes(struct sp_checking *c)
{
    for_each_effective(c, "volume_driver", check_class);
}

static void check_replication(struct sp_checking *c)
{
    sp_oslo_list list = {NULL, 0, 0};
    struct sp_oslo_found at;
    if (!enabled(c, &list, &at))
        return;
    for (size_t i = 0; i < list.count; i++) {
        long copies = 3;
        if (!is_text(list.items[i]) || !is_ours(driver_of(c, list.items[i])))
            continue;
        at = sp_oslo_find_one(c->files, list.items[i].data, "storpool_replication");
        if (at.entry &&
            (sp_oslo_int(at.entry->value, &copies) == SP_OSLO_INT_BAD || copies < 1 || copies > 3))
            sp_check_report(c, SP_CHECK_ERROR, sp_check_place(at),
                            "write: storpool_replication = 3",
                            "storpool_replication is not 1, 2 or 3");
        else if (!at.entry &&
                 !sp_oslo_find_one(c->files, list.items[i].data, "storpool_template").entry)
            sp_check_report(c, SP_CHECK_NOTE, SP_CHECK_NOWHERE, NULL,
                            "the backend %s names no template: volumes have three copies",
                            shown(c, list.items[i]));
    }
}

static void check_comment(struct sp_checking *c, struct sp_oslo_found at)
{
    static const char *const ours[] = {"enabled_backends",     "volume_driver",
                                       "volume_backend_name",  "report_discard_supported",
                                       "storpool_replication", "storpool_template"};
    const char *name = NULL;
    if (!has_comment(at.entry->value))
        return;
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (sp_config_is(at.entry->key, ours[i]))
            name = ours[i];
    sp_check_report(
        c, name ? SP_CHECK_ERROR : SP_CHECK_WARNING, sp_check_place(at),
        "write the comment in a line of its own",
        "the text after the value of %s belongs to it: there are no comments behind a value",
        name ? name : "an option");
}

static void check_comments(struct sp_checking *c)
{
    for_each_effective(c, NULL, check_comment);
}

static void check_empty_item(struct sp_checking *c)
{
    sp_oslo_list list = {NULL, 0, 0};
    struct sp_oslo_found at;
    bool empty = false;
    if (!enabled(c, &list, &at))
        return;
    for (size_t i = 0; i < list.count; i++)
        empty |= list.items[i].len == 0;
    if (empty)
        sp_check_report(c, c->service->series == SP_SERIES_MITAKA ? SP_CHECK_ERROR : SP_CHECK_NOTE,
                        sp_check_place(at), "write the list without a comma that nothing follows",
                        "enabled_backends has an empty item");
}

static void check_name(struct sp_checking *c)
{
    sp_oslo_list list = {NULL, 0, 0};
    struct sp_oslo_found at;
    if (!enabled(c, &list, &at) || has_comment(at.entry->value))
        return;
    for (size_t i = 0; i < list.count; i++)
        for (size_t j = 0; j < list.items[i].len; j++)
            if (strchr("@#['\"", list.items[i].data[j]) ||
                sp_config_is_space(list.items[i].data[j])) {
                sp_check_report(
                    c, SP_CHECK_ERROR, sp_check_place(at),
                    "write plain words, with commas between them",
                    "a name in enabled_backends has a character that no backend may have");
                break;
            }
}

const struct sp_check sp_checks_cinder[] = {
    {"C02", "oslo.config can read the files", sp_check_grammar, SP_CHECK_FIRST},
    {"C03", "enabled_backends is set", check_unset, 0},
    {"C05", "each section with StorPool's driver is enabled", check_not_listed, 0},
    {"C06", "each enabled backend has a section", check_no_section, 0},
    {"C07", "the class of the driver is spelt right", check_classes, 0},
    {"C09", "storpool_replication is 1, 2 or 3", check_replication, 0},
    {"C12", "no value has a comment behind it", check_comments, 0},
    {"C14", "enabled_backends has no empty item", check_empty_item, 0},
    {"C16", "the backends have plain names", check_name, 0},
    {NULL, NULL, NULL, 0},
};
