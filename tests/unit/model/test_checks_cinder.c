/* SPDX-License-Identifier: Apache-2.0 */
/* Each check on a file that makes it report, and all of them on files that are in order. */
#include "format/oslo_config.h"
#include "model/doctor.h"
#include "support.h"

#define DRIVER "volume_driver = cinder.volume.drivers.storpool.StorPoolDriver\n"
#define GOOD                                                                                       \
    "[DEFAULT]\nenabled_backends = storpool\n[storpool]\n" DRIVER "storpool_template = hdd\n"

/* The findings but those that are ok or were skipped. */
static sp_findings check(struct fixture *f, enum sp_series series, const char *text)
{
    sp_findings all = {NULL, 0, 0}, findings = {NULL, 0, 0};
    struct sp_config_content *file = sp_pool_alloc(f->pool, sizeof(*file));
    struct sp_service_facts service = {.program = "cinder-volume", .series = series};
    const struct sp_facts facts = {.services = {[SP_SUBJECT_CINDER] = &service}};
    sp_oslo_parse(f->pool, "cinder.conf", SP_BYTES_STR(text), file);
    *SP_PUSH(f->pool, &service.contents) = file;
    sp_checks_run(f->pool, &facts, &all);
    for (size_t i = 0; i < all.count; i++)
        if (all.items[i].subject == SP_SUBJECT_CINDER && all.items[i].level > SP_CHECK_SKIPPED)
            *SP_PUSH(f->pool, &findings) = all.items[i];
    return findings;
}

TEST(files_in_order)
{
    for (int series = SP_SERIES_MITAKA; series <= SP_SERIES_PIKE; series++) {
        sp_findings found = check(f, (enum sp_series)series, GOOD);
        if (found.count)
            fail_msg("%s: %s", found.items[0].id, found.items[0].text);
    }
    assert_int_equal(check(f, SP_SERIES_PIKE,
                           "[DEFAULT]\nenabled_backends = storpool\n[backend_defaults]\n" DRIVER
                           "[storpool]\nstorpool_template = hdd\n")
                         .count,
                     0);
}

TEST(findings)
{
    static const struct {
        const char *id, *text;
        enum sp_series series;
        enum sp_check_level level;
        unsigned line;
    } cases[] = {
        {"C02", "[DEFAULT]\nenabled_backends = storpool\n\n  CANARY\n", SP_SERIES_PIKE,
         SP_CHECK_ERROR, 4},
        {"C03", "[DEFAULT]\n" DRIVER, SP_SERIES_MITAKA, SP_CHECK_NOTE, 2},
        {"C03", "[DEFAULT]\n" DRIVER, SP_SERIES_NEWTON, SP_CHECK_WARNING, 2},
        {"C03", "[DEFAULT]\n", SP_SERIES_OCATA, SP_CHECK_ERROR, 0},
        {"C05", "[DEFAULT]\nenabled_backends = lvm\n[lvm]\na = b\n[storpool]\n" DRIVER,
         SP_SERIES_PIKE, SP_CHECK_ERROR, 6},
        {"C06", "[DEFAULT]\nenabled_backends = storpool\n", SP_SERIES_NEWTON, SP_CHECK_ERROR, 2},
        {"C06", "[DEFAULT]\nenabled_backends = lvm\n", SP_SERIES_NEWTON, SP_CHECK_WARNING, 2},
        {"C07", "[DEFAULT]\nenabled_backends = a\n[a]\nvolume_driver = cinder.storpool.CANARY\n",
         SP_SERIES_NEWTON, SP_CHECK_ERROR, 4},
        {"C09", GOOD "storpool_replication = 4\n", SP_SERIES_NEWTON, SP_CHECK_ERROR, 6},
        {"C09", GOOD "storpool_replication = CANARY\n", SP_SERIES_NEWTON, SP_CHECK_ERROR, 6},
        {"C12", GOOD "volume_backend_name = a # CANARY\n", SP_SERIES_NEWTON, SP_CHECK_ERROR, 6},
        {"C12", GOOD "[database]\nconnection = CANARY # b\n", SP_SERIES_NEWTON, SP_CHECK_WARNING,
         7},
        {"C14", "[DEFAULT]\nenabled_backends = a,\n[a]\nb = c\n", SP_SERIES_MITAKA, SP_CHECK_ERROR,
         2},
        {"C14", "[DEFAULT]\nenabled_backends = a,\n[a]\nb = c\n", SP_SERIES_PIKE, SP_CHECK_NOTE, 2},
        {"C16", "[DEFAULT]\nenabled_backends = a@CANARY\n[a@CANARY]\nb = c\n", SP_SERIES_PIKE,
         SP_CHECK_ERROR, 2},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        sp_findings found = check(f, cases[i].series, cases[i].text);
        assert_int_equal(found.count, 1);
        assert_string_equal(found.items[0].id, cases[i].id);
        assert_int_equal(found.items[0].level, cases[i].level);
        assert_int_equal(found.items[0].at.line, cases[i].line);
        assert_null(strstr(found.items[0].text, "CANARY"));
    }
}
