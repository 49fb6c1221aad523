/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of which backends cinder.conf has. Of several services of one host each has its own; StorPool's
 * driver is needed in one of them. */
#include <string.h>

#include "model/backends.h"

/* Whether it starts the drivers of the backends. cinder-backup does so up to Ocata, and from Pike on asks
 * cinder-volume (cinder/backup/manager.py). */
static bool runs_backends(const struct sp_checking *c)
{
    return sp_service_has(c->service, "cinder-volume") || c->service->series < SP_SERIES_PIKE;
}

void sp_check_unset_backends(struct sp_checking *c)
{
    static const enum sp_check_level levels[] = {[SP_SERIES_UNKNOWN] = SP_CHECK_WARNING,
                                                 [SP_SERIES_MITAKA] = SP_CHECK_NOTE,
                                                 [SP_SERIES_NEWTON] = SP_CHECK_WARNING,
                                                 [SP_SERIES_OCATA] = SP_CHECK_ERROR,
                                                 [SP_SERIES_PIKE] = SP_CHECK_ERROR};
    struct sp_value driver = sp_check_value(c, "DEFAULT", "volume_driver");
    bool needed = c->service->series >= SP_SERIES_OCATA;
    if (!sp_service_has(c->service, "cinder-volume") ||
        sp_check_value(c, "DEFAULT", "enabled_backends").state != SP_VALUE_UNSET ||
        (needed ? !sp_backends_are_meant(c) : !sp_backend_is_ours(driver)))
        return;
    sp_check_report(
        c, levels[c->service->series],
        driver.at.entry ? sp_check_place(driver.at) : sp_check_main_file(c),
        "write into [DEFAULT]: enabled_backends = " SP_BACKEND_NAME
        "\nand the options of the backend into [" SP_BACKEND_NAME "]; afterwards move the volumes "
        "that exist, by cinder-manage volume update_host",
        needed ? "enabled_backends is not set in [DEFAULT]: cinder-volume does not start"
               : "the backend is in [DEFAULT], which Ocata and later do not read");
}

static bool is_defaults(struct sp_bytes section)
{
    return sp_oslo_is_group(section, "backend_defaults");
}

struct search {
    bool set; /* enabled_backends is */
    bool found;
};

/* A volume_driver that is in order, or of which C05 or C07 speak: then C04 has nothing to say. */
static void note_driver(SP_UNUSED struct sp_checking *c, struct sp_oslo_found at, void *data)
{
    struct search *search = data;
    bool common =
        sp_config_is(at.entry->section, "DEFAULT") ? search->set : is_defaults(at.entry->section);
    if (sp_mentions_storpool(at.entry->value) &&
        !(common && sp_config_is(at.entry->value, SP_BACKEND_CLASS)))
        search->found = true;
}

static const char *stanza(struct sp_checking *c, const sp_oslo_list *enabled)
{
    sp_strv names = {NULL, 0, 0};
    for (size_t i = 0; i < enabled->count; i++)
        if (enabled->items[i].len)
            *SP_PUSH(c->pool, &names) =
                *sp_check_show(c, enabled->items[i]) == '\'' ? enabled->items[i].data : "...";
    *SP_PUSH(c->pool, &names) = SP_BACKEND_NAME;
    return sp_pool_printf(c->pool,
                          "write into [DEFAULT]: enabled_backends = %s\n"
                          "and a section:\n"
                          "  [" SP_BACKEND_NAME "]\n"
                          "  volume_driver = " SP_BACKEND_CLASS "\n"
                          "  volume_backend_name = " SP_BACKEND_NAME "\n"
                          "  storpool_template = (a template of the StorPool cluster)\n"
                          "  report_discard_supported = True",
                          sp_strv_join(c->pool, &names, ","));
}

/* Whether a backend of the service has the driver, or an option of which another check speaks. */
static bool has_driver(struct sp_checking *c, sp_oslo_list *enabled, struct sp_check_place *at)
{
    struct search search = {.set = sp_check_value(c, "DEFAULT", "enabled_backends").state !=
                                   SP_VALUE_UNSET};
    bool listed = sp_backends_enabled(c, enabled, at), meant = sp_backends_are_meant(c);
    if ((search.set && !listed) ||
        (!search.set && meant && c->service->series >= SP_SERIES_OCATA &&
         sp_service_has(c->service, "cinder-volume"))) /* C03 speaks of it */
        return true;
    sp_check_each_effective(c, "volume_driver", note_driver, &search);
    for (size_t i = 0; i < enabled->count; i++) {
        struct sp_value driver = sp_backend_option(c, enabled->items[i], "volume_driver");
        search.found |= driver.state == SP_VALUE_OPEN || sp_backend_is_ours(driver) ||
                        (sp_backend_has_our_name(enabled->items[i]) &&
                         !sp_backend_has_section(c, enabled->items[i]));
    }
    return search.found;
}

/* One of them is enough; and of files that cannot be read it cannot be told. */
static bool has_other(struct sp_checking *c)
{
    struct sp_checking *other;
    for (size_t i = 0; (other = sp_check_other(c, i)); i++) {
        sp_oslo_list enabled = {NULL, 0, 0};
        struct sp_check_place ignored;
        if (!sp_service_is_readable(other->service) || has_driver(other, &enabled, &ignored))
            return true;
    }
    return false;
}

/* That none has the driver is told once. */
static bool is_first(const struct sp_checking *c)
{
    const sp_service_list *services = &c->facts->services[c->subject];
    size_t at = 0;
    while (services->items[at] != c->service &&
           !sp_service_has(services->items[at], "cinder-volume"))
        at++;
    return services->items[at] == c->service;
}

void sp_check_any_backend(struct sp_checking *c)
{
    sp_oslo_list enabled = {NULL, 0, 0};
    struct sp_check_place at;
    if (has_driver(c, &enabled, &at) || has_other(c) || !is_first(c))
        return;
    if (!sp_backends_are_meant(c))
        sp_check_report(c, SP_CHECK_NOTE, at.file ? at : sp_check_main_file(c), NULL,
                        "StorPool is not mentioned: this host is not set up for its volumes");
    else if (runs_backends(c))
        sp_check_report(c, SP_CHECK_ERROR, at.file ? at : sp_check_main_file(c),
                        stanza(c, &enabled), "no backend has StorPool's driver");
}

/* A character that no backend may have in its name: C16 speaks of it. */
static bool is_odd(struct sp_bytes name)
{
    bool odd = false;
    for (size_t i = 0; i < name.len; i++)
        odd |= strchr("@#['\"", name.data[i]) || sp_config_is_space(name.data[i]);
    return odd;
}

static bool has_odd(const sp_oslo_list *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (is_odd(names->items[i]))
            return true;
    return false;
}

/* Where it cannot be told, it may be. */
static bool may_enable(struct sp_checking *c, struct sp_bytes section)
{
    sp_oslo_list enabled = {NULL, 0, 0};
    struct sp_check_place ignored;
    if (sp_backends_enabled(c, &enabled, &ignored))
        return sp_backends_have(&enabled, section) || has_odd(&enabled);
    return sp_check_value(c, "DEFAULT", "enabled_backends").state == SP_VALUE_OPEN ||
           !sp_service_is_readable(c->service);
}

/* Several services can have their sections in one file, and enable one of them each. */
static void check_listed(struct sp_checking *c, struct sp_oslo_found at, SP_UNUSED void *data)
{
    struct sp_checking *other;
    bool enabled = may_enable(c, at.entry->section) ||
                   sp_check_value(c, "DEFAULT", "enabled_backends").state == SP_VALUE_UNSET;
    for (size_t i = 0; !enabled && (other = sp_check_other(c, i)); i++)
        enabled = may_enable(other, at.entry->section);
    if (!enabled && sp_config_is(at.entry->value, SP_BACKEND_CLASS) &&
        !sp_config_is(at.entry->section, "DEFAULT") && !is_defaults(at.entry->section))
        sp_check_report(c, SP_CHECK_ERROR, sp_check_place(at),
                        "write the name of the section into enabled_backends",
                        "the section %s has StorPool's driver, and is not in enabled_backends",
                        sp_check_show(c, at.entry->section));
}

void sp_check_not_listed(struct sp_checking *c)
{
    sp_check_each_effective(c, "volume_driver", check_listed, NULL);
}

void sp_check_no_section(struct sp_checking *c)
{
    sp_oslo_list enabled = {NULL, 0, 0};
    struct sp_check_place at;
    if (!sp_backends_enabled(c, &enabled, &at))
        return;
    for (size_t i = 0; i < enabled.count; i++) {
        bool ours = sp_backend_has_our_name(enabled.items[i]);
        if (enabled.items[i].len && !is_odd(enabled.items[i]) &&
            !sp_backend_has_section(c, enabled.items[i]))
            sp_check_report(
                c, ours ? SP_CHECK_ERROR : SP_CHECK_WARNING, at,
                ours ? "write a section of that name, with: volume_driver = " SP_BACKEND_CLASS
                     : "write a section of that name, or take it out of the list",
                "the backend %s has no section, so that it uses LVM",
                sp_check_show(c, enabled.items[i]));
    }
}

void sp_check_empty_item(struct sp_checking *c)
{
    sp_oslo_list enabled = {NULL, 0, 0};
    struct sp_check_place at;
    bool empty = false, mitaka = c->service->series == SP_SERIES_MITAKA;
    if (!sp_backends_enabled(c, &enabled, &at))
        return;
    for (size_t i = 0; i < enabled.count; i++)
        empty |= enabled.items[i].len == 0;
    if (empty)
        sp_check_report(c, mitaka ? SP_CHECK_ERROR : SP_CHECK_NOTE, at,
                        "write the list without the comma that nothing follows",
                        mitaka
                            ? "enabled_backends has an empty item: a backend without a name, of LVM"
                            : "enabled_backends has an empty item");
}

void sp_check_backend_names(struct sp_checking *c)
{
    sp_oslo_list enabled = {NULL, 0, 0};
    struct sp_check_place at;
    if (sp_backends_enabled(c, &enabled, &at) && has_odd(&enabled))
        sp_check_report(c, SP_CHECK_ERROR, at, "write plain words, with commas between them",
                        "a name in enabled_backends has a character that no backend may have");
}
