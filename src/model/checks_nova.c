/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of nova.conf. The options: nova at the tags mitaka-eol to pike-eol, nova/virt/driver.py
 * and nova/conf/. */
#include "model/checks.h"

static const char *const options[] = {"compute_driver", "virt_type", "host", NULL};

/* load_compute_driver(): Mitaka tries the name as it is, too; later ones put "nova.virt." before it. */
static bool is_libvirt(const struct sp_checking *c, struct sp_bytes value)
{
    return sp_config_is(value, "libvirt.LibvirtDriver") ||
           (c->service->series <= SP_SERIES_MITAKA &&
            sp_config_is(value, "nova.virt.libvirt.LibvirtDriver"));
}

/* Of several nova-compute on a host one attaches the volumes. */
static bool has_other(struct sp_checking *c)
{
    struct sp_checking *other;
    for (size_t i = 0; (other = sp_check_other(c, i)); i++) {
        struct sp_value driver = sp_check_value(other, "DEFAULT", "compute_driver");
        if (!sp_service_is_readable(other->service) || driver.state == SP_VALUE_OPEN ||
            (driver.state == SP_VALUE_SET && is_libvirt(other, driver.text)))
            return true;
    }
    return false;
}

static void check_driver(struct sp_checking *c)
{
    struct sp_value driver = sp_check_value(c, "DEFAULT", "compute_driver");
    static const char remedy[] = "write into [DEFAULT]: compute_driver = libvirt.LibvirtDriver";
    if (!c->service->integrated || driver.state == SP_VALUE_OPEN)
        return;
    if (driver.state == SP_VALUE_UNSET)
        sp_check_report(c, SP_CHECK_ERROR, sp_check_main_file(c), remedy,
                        "compute_driver is not set in [DEFAULT]: nova-compute does not start");
    else if (!is_libvirt(c, driver.text) && has_other(c))
        sp_check_report(
            c, SP_CHECK_NOTE, sp_check_place(driver.at), NULL,
            "compute_driver is not libvirt's: StorPool volumes are attached by the other "
            "nova-compute of this host alone");
    else if (!is_libvirt(c, driver.text))
        sp_check_report(c, SP_CHECK_ERROR, sp_check_place(driver.at), remedy,
                        "compute_driver is not libvirt's, which attaches StorPool volumes");
}

/* nova commit 3bcaf68357, of Liberty, took the option away. */
static void check_volume_drivers(struct sp_checking *c)
{
    static const char *const groups[] = {"DEFAULT", "libvirt"};
    static const char *const names[] = {"volume_drivers", "libvirt_volume_drivers"};
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 2; j++) {
            struct sp_oslo_found at = sp_oslo_find_one(c->files, groups[i], names[j]);
            if (at.entry)
                sp_check_report(c, SP_CHECK_NOTE, sp_check_place(at),
                                "write: nothing; the line can go",
                                "%s has no effect since Liberty: nova has the driver in a table of "
                                "its own",
                                names[j]);
        }
}

/* The Cinder driver looks for SP_OURID in the section of this name. */
static void check_host(struct sp_checking *c)
{
    const struct sp_host_facts *host = &c->facts->host;
    struct sp_value name = sp_check_value(c, "DEFAULT", "host");
    if (name.state != SP_VALUE_SET || !sp_check_is_string(name.text) || !host->name ||
        sp_config_is(name.text, host->name) || host->storpool.count == 0 ||
        sp_storpool_find(&host->storpool, name.text.data, "SP_OURID").entry)
        return;
    sp_check_report(
        c, SP_CHECK_WARNING, sp_check_place(name.at),
        "write a section of that name with SP_OURID into storpool.conf, on this host and "
        "where cinder-volume runs",
        "host is not this host's name, and storpool.conf has no section for it: Cinder "
        "cannot tell to which client volumes are to be attached");
}

static void check_repeated(struct sp_checking *c)
{
    sp_check_repeated(c, options);
}

static void check_comments(struct sp_checking *c)
{
    sp_check_comments(c, options, NULL);
}

const struct sp_check sp_checks_nova[] = {
    {"C01", "the files are there and can be read", sp_check_access, SP_CHECK_FIRST},
    {"C02", "oslo.config can read the files", sp_check_grammar, SP_CHECK_FIRST},
    {"C11", "the options of the driver are set once", check_repeated, 0},
    {"C12", "no value has a comment behind it", check_comments, 0},
    {"C13", "no value goes on by mistake", sp_check_continuations, 0},
    {"N01", "compute_driver is libvirt's", check_driver, 0},
    {"N02", "no option that has no effect is set", check_volume_drivers, 0},
    {"N03", "host is known to StorPool", check_host, 0},
    {NULL, NULL, NULL, 0},
};
