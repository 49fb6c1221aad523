/* SPDX-License-Identifier: Apache-2.0 */
#include "checks.h"
#include "format/storpool_conf.h"

#define GOOD "[DEFAULT]\ncompute_driver = libvirt.LibvirtDriver\n"

#define M SP_SERIES_MITAKA
#define N SP_SERIES_NEWTON
#define P SP_SERIES_PIKE

static const struct sp_config_content *storpool_conf(struct fixture *f, const char *text)
{
    struct sp_config_content *file = sp_pool_alloc(f->pool, sizeof(*file));
    sp_storpool_parse(f->pool, "/etc/storpool.conf", SP_BYTES_STR(text), file);
    return file;
}

/* On the host "node1", of which storpool.conf has the section; "node2" is another one. */
static sp_findings check(struct fixture *f, enum sp_series series, bool integrated,
                         const char *text)
{
    struct sp_facts facts = {.host.name = "node1"};
    const struct sp_service_facts service = {
        .program = "nova-compute", .series = series, .integrated = integrated};
    *SP_PUSH(f->pool, &facts.host.storpool) =
        storpool_conf(f, "SP_AUTH_TOKEN=CANARY\n[node1]\nSP_OURID=1\n[node2]\nSP_OURID=2\n");
    return findings_of(f, &facts, SP_SUBJECT_NOVA, service, text);
}

TEST(findings)
{
    static const struct check_case cases[] = {
        {NULL, GOOD, M, SP_CHECK_OK, 0},
        {NULL, GOOD, P, SP_CHECK_OK, 0},
        {"C02", GOOD "CANARY\n", P, SP_CHECK_ERROR, 3},
        {"C11", "[DEFAULT]\ncompute_driver = x\n" GOOD, P, SP_CHECK_WARNING, 4},
        {"C12", "[DEFAULT]\ncompute_driver = libvirt.LibvirtDriver # CANARY\n", P, SP_CHECK_ERROR,
         2},
        {"C12", GOOD "transport_url = CANARY ; x\n", P, SP_CHECK_WARNING, 3},
        {"C13", GOOD "a = b\n [libvirt]\nvirt_type = kvm\n", P, SP_CHECK_WARNING, 4},
        {"N01", "[DEFAULT]\n", N, SP_CHECK_ERROR, 0},
        {"N01", "[DEFAULT]\ncompute_driver = CANARY.VMwareVCDriver\n", N, SP_CHECK_ERROR, 2},
        {"N01", "[DEFAULT]\ncompute_driver = nova.virt.libvirt.LibvirtDriver\n", N, SP_CHECK_ERROR,
         2},
        {NULL, "[DEFAULT]\ncompute_driver = nova.virt.libvirt.LibvirtDriver\n", M, SP_CHECK_OK, 0},
        {"N02", GOOD "volume_drivers = CANARY\n", P, SP_CHECK_NOTE, 3},
        {"N02", GOOD "[libvirt]\nvolume_drivers = CANARY\n", P, SP_CHECK_NOTE, 4},
        {NULL, GOOD "[other]\nvolume_drivers = x\n", P, SP_CHECK_OK, 0},
        {"N03", GOOD "host = CANARY\n", P, SP_CHECK_WARNING, 3},
        {NULL, GOOD "host = node1\n", P, SP_CHECK_OK, 0},
        {NULL, GOOD "host = node2\n", P, SP_CHECK_OK, 0},
        {NULL, GOOD "host = $x\n", P, SP_CHECK_OK, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        sp_findings found = check(f, cases[i].series, true, cases[i].text);
        expect_case(&cases[i], &found);
    }
}

/* A hypervisor of another kind, which is not ours. */
TEST(not_integrated)
{
    assert_int_equal(check(f, P, false, "[DEFAULT]\ncompute_driver = vmwareapi.X\n").count, 0);
}

/* Of two nova-compute one attaches the volumes; the other may have a hypervisor of its own. */
TEST(several_services)
{
    static const struct {
        const char *first, *second;
        enum sp_check_level level; /* of N01, on the second file */
    } cases[] = {
        {GOOD, "[DEFAULT]\ncompute_driver = ironic.IronicDriver\n", SP_CHECK_NOTE},
        {GOOD, "[DEFAULT]\nx = y\n", SP_CHECK_ERROR}, /* it does not start */
        {"[DEFAULT]\ncompute_driver = x.y\n", "[DEFAULT]\ncompute_driver = ironic.IronicDriver\n",
         SP_CHECK_ERROR},
        {GOOD, GOOD, SP_CHECK_OK},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        sp_findings all = {NULL, 0, 0};
        struct sp_facts facts = {.command = NULL};
        struct sp_service_facts services[2];
        struct sp_config_content files[2];
        enum sp_check_level level = SP_CHECK_OK;
        for (size_t j = 0; j < 2; j++) {
            services[j] = (struct sp_service_facts){
                .program = "nova-compute", .series = P, .integrated = true};
            sp_oslo_parse(f->pool, j ? "/b" : "/a",
                          SP_BYTES_STR(j ? cases[i].second : cases[i].first), &files[j]);
            *SP_PUSH(f->pool, &services[j].contents) = &files[j];
            put_service(f, &facts, SP_SUBJECT_NOVA, &services[j]);
        }
        sp_checks_run(f->pool, &facts, &all);
        for (size_t j = 0; j < all.count; j++)
            if (strcmp(all.items[j].id, "N01") == 0 && all.items[j].at.file &&
                strcmp(all.items[j].at.file, "/b") == 0)
                level = all.items[j].level;
        if (level != cases[i].level)
            fail_msg("case %zu: level %d", i, level);
    }
}
