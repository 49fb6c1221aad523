/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of cinder.conf. The options, and how each release treats them: cinder at the tags
 * mitaka-eol to pike-eol, cinder/cmd/volume.py, cinder/volume/{driver,configuration}.py. */
#include <string.h>
#include <strings.h>

#include "model/backends.h"

static const char *const options[] = {"enabled_backends",
                                      "volume_driver",
                                      "volume_backend_name",
                                      "report_discard_supported",
                                      "storpool_replication",
                                      "storpool_template",
                                      "default_volume_type",
                                      "backend_host",
                                      "host",
                                      NULL};

/* ---- the options of a backend ------------------------------------------------------------------ */

static void check_class(struct sp_checking *c, struct sp_oslo_found at, SP_UNUSED void *data)
{
    if (sp_mentions_storpool(at.entry->value) && !sp_check_has_comment(at.entry->value) &&
        !memchr(at.entry->value.data, '$', at.entry->value.len) &&
        !sp_config_is(at.entry->value, SP_BACKEND_CLASS))
        sp_check_report(c, SP_CHECK_ERROR, sp_check_place(at),
                        "write: volume_driver = " SP_BACKEND_CLASS,
                        "volume_driver is not the name of StorPool's driver");
}

static void check_classes(struct sp_checking *c)
{
    sp_check_each_effective(c, "volume_driver", check_class, NULL);
}

/* An option of the backends that [DEFAULT] has, where none of them looks. */
static void check_default(struct sp_checking *c, const sp_oslo_list *ours, const char *name)
{
    struct sp_oslo_found at = sp_oslo_find_one(c->files, "DEFAULT", name);
    for (size_t i = 0; at.entry && i < ours->count; i++)
        if (sp_backend_option(c, ours->items[i], name).state == SP_VALUE_UNSET) {
            sp_check_report(c, SP_CHECK_WARNING, sp_check_place(at),
                            "write the line into the section of the backend",
                            "%s is in [DEFAULT], where the backend %s does not look for it", name,
                            sp_check_show(c, ours->items[i]));
            return;
        }
}

/* "[default]", "[ storpool ]": sections that nothing reads. */
static void check_headings(struct sp_checking *c)
{
    for (size_t i = 0; i < c->files->count; i++)
        for (size_t j = 0; j < c->files->items[i]->headings.count; j++) {
            const struct sp_config_heading *one = &c->files->items[i]->headings.items[j];
            struct sp_bytes name = sp_config_strip(one->name);
            bool is_default = name.len == 7 && strncasecmp(name.data, "DEFAULT", 7) == 0;
            if (name.len == one->name.len && (!is_default || sp_config_is(name, "DEFAULT")))
                continue;
            if (is_default || sp_mentions_storpool(name))
                sp_check_report(c, SP_CHECK_WARNING,
                                (struct sp_check_place){c->files->items[i]->name, one->line},
                                is_default ? "write: [DEFAULT]" : "write the name without blanks",
                                "this is a section of another name, in which nothing looks");
        }
}

static void check_places(struct sp_checking *c)
{
    static const char *const names[] = {"storpool_template", "storpool_replication",
                                        "report_discard_supported"};
    sp_oslo_list ours = {NULL, 0, 0};
    sp_backends_ours(c, &ours);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        check_default(c, &ours, names[i]);
    check_headings(c);
}

static bool is_copies(struct sp_bytes text)
{
    long copies = 3; /* the default, also for an empty value */
    return sp_oslo_int(text, &copies) != SP_OSLO_INT_BAD && copies >= 1 && copies <= 3;
}

static void check_replication(struct sp_checking *c)
{
    sp_oslo_list ours = {NULL, 0, 0};
    sp_backends_ours(c, &ours);
    for (size_t i = 0; i < ours.count; i++) {
        struct sp_value copies = sp_backend_option(c, ours.items[i], "storpool_replication");
        struct sp_value template = sp_backend_option(c, ours.items[i], "storpool_template");
        if (copies.state == SP_VALUE_SET && !is_copies(copies.text))
            sp_check_report(c, SP_CHECK_ERROR, sp_check_place(copies.at),
                            "write: storpool_replication = 3",
                            "storpool_replication is not 1, 2 or 3");
        else if (copies.state == SP_VALUE_UNSET && template.state == SP_VALUE_UNSET &&
                 !sp_oslo_find_one(c->files, "DEFAULT", "storpool_template").entry)
            sp_check_report(c, SP_CHECK_NOTE, sp_check_main_file(c), NULL,
                            "the backend %s names no template: its volumes have three copies",
                            sp_check_show(c, ours.items[i]));
    }
}

static void check_discard(struct sp_checking *c)
{
    sp_oslo_list ours = {NULL, 0, 0};
    sp_backends_ours(c, &ours);
    for (size_t i = 0; i < ours.count; i++) {
        struct sp_value value = sp_backend_option(c, ours.items[i], "report_discard_supported");
        bool ignored;
        if (value.state == SP_VALUE_SET && !sp_oslo_bool(value.text, &ignored))
            sp_check_report(c, SP_CHECK_ERROR, sp_check_place(value.at),
                            "write: report_discard_supported = True",
                            "report_discard_supported is neither true nor false");
        else if (value.state == SP_VALUE_UNSET &&
                 !sp_oslo_find_one(c->files, "DEFAULT", "report_discard_supported").entry)
            sp_check_report(c, SP_CHECK_NOTE, sp_check_main_file(c),
                            "write into the section: report_discard_supported = True",
                            "the backend %s does not tell guests that they can discard blocks",
                            sp_check_show(c, ours.items[i]));
    }
}

/* The name that the scheduler knows the backend by; both drivers of StorPool have a default. */
static struct sp_bytes name_of(struct sp_checking *c, struct sp_bytes backend)
{
    struct sp_value name = sp_backend_option(c, backend, "volume_backend_name");
    return name.state == SP_VALUE_SET && name.text.len ? name.text : SP_BYTES_STR(SP_BACKEND_NAME);
}

/* A backend of a service. */
struct backend {
    struct sp_checking *c;
    struct sp_bytes name;
};
typedef SP_VEC(struct backend) sp_backend_list;

static void add_ours(struct sp_checking *c, sp_backend_list *out)
{
    sp_oslo_list ours = {NULL, 0, 0};
    sp_backends_ours(c, &ours);
    for (size_t i = 0; i < ours.count; i++)
        *SP_PUSH(c->pool, out) = (struct backend){c, ours.items[i]};
}

static bool have_one_name(const struct backend *x, const struct backend *y)
{
    struct sp_value a = sp_backend_option(x->c, x->name, "storpool_template");
    struct sp_value b = sp_backend_option(y->c, y->name, "storpool_template");
    return a.state != SP_VALUE_OPEN && b.state != SP_VALUE_OPEN &&
           !sp_bytes_equal(a.text, b.text) &&
           sp_bytes_equal(name_of(x->c, x->name), name_of(y->c, y->name));
}

/* Also with those of the services that come before this one. */
static void check_same_name(struct sp_checking *c)
{
    const sp_service_list *services = &c->facts->services[c->subject];
    sp_backend_list all = {NULL, 0, 0};
    for (size_t i = 0; i < services->count && services->items[i] != c->service; i++)
        add_ours(sp_check_other(c, i), &all);
    size_t first = all.count;
    add_ours(c, &all);
    for (size_t i = first; i < all.count; i++)
        for (size_t j = 0; j < i; j++) {
            if (!have_one_name(&all.items[i], &all.items[j]))
                continue;
            struct sp_value name = sp_backend_option(c, all.items[i].name, "volume_backend_name");
            sp_check_report(
                c, SP_CHECK_WARNING,
                name.at.entry ? sp_check_place(name.at) : sp_check_main_file(c),
                "write another volume_backend_name into one of them",
                "the backends %s and %s have one volume_backend_name and two templates: "
                "which one a volume gets is chance",
                sp_check_show(c, all.items[j].name), sp_check_show(c, all.items[i].name));
        }
}

/* Pike has no deprecated name "host" for backend_host. */
static void check_host(struct sp_checking *c)
{
    sp_oslo_list ours = {NULL, 0, 0};
    if (c->service->series != SP_SERIES_PIKE)
        return;
    sp_backends_ours(c, &ours);
    for (size_t i = 0; i < ours.count; i++) {
        struct sp_oslo_found at = {NULL, NULL};
        if (sp_check_is_string(ours.items[i]))
            at = sp_oslo_find_one(c->files, ours.items[i].data, "host");
        if (at.entry)
            sp_check_report(c, SP_CHECK_WARNING, sp_check_place(at), "write: backend_host",
                            "host has no effect in the section of a backend from Pike on");
    }
}

static void check_default_type(struct sp_checking *c)
{
    struct sp_oslo_found at = sp_oslo_find_one(c->files, "DEFAULT", "default_volume_type");
    if (at.entry && sp_check_has_comment(at.entry->value))
        sp_check_report(c, SP_CHECK_WARNING, sp_check_place(at),
                        "write the comment into a line of its own",
                        "there are no comments behind a value: no volume type has that name");
}

static void check_repeated(struct sp_checking *c)
{
    sp_check_repeated(c, options);
}

static void check_comments(struct sp_checking *c)
{
    sp_check_comments(c, options, "default_volume_type");
}

const struct sp_check sp_checks_cinder[] = {
    {"C01", "the files are there and can be read", sp_check_access, SP_CHECK_FIRST},
    {"C02", "oslo.config can read the files", sp_check_grammar, SP_CHECK_FIRST},
    {"C03", "the backends are in sections of their own", sp_check_unset_backends, 0},
    {"C04", "a backend has StorPool's driver", sp_check_any_backend, 0},
    {"C05", "each section with StorPool's driver is enabled", sp_check_not_listed, 0},
    {"C06", "each enabled backend has a section", sp_check_no_section, 0},
    {"C07", "the class of the driver is spelt right", check_classes, 0},
    {"C08", "the options of the driver are in the backend's section", check_places, 0},
    {"C09", "storpool_replication is 1, 2 or 3, or there is a template", check_replication, 0},
    {"C10", "guests are told that they can discard blocks", check_discard, 0},
    {"C11", "the options of the driver are set once", check_repeated, 0},
    {"C12", "no value has a comment behind it", check_comments, 0},
    {"C13", "no value goes on by mistake", sp_check_continuations, 0},
    {"C14", "enabled_backends has no empty item", sp_check_empty_item, 0},
    {"C15", "backends with different templates have different names", check_same_name, 0},
    {"C16", "the backends have plain names", sp_check_backend_names, 0},
    {"C17", "no backend sets host, which has no effect", check_host, 0},
    {"C18", "default_volume_type is a name", check_default_type, 0},
    {NULL, NULL, NULL, 0},
};
