/* SPDX-License-Identifier: Apache-2.0 */
/* Each check on a file that makes it report, and on files that differ from it by just the fault. */
#include "checks.h"

#define DRIVER    "volume_driver = cinder.volume.drivers.storpool.StorPoolDriver\n"
#define REST      "storpool_template = hdd\nreport_discard_supported = True\n"
#define DEFAULT   "[DEFAULT]\nenabled_backends = storpool\n"
#define GOOD      DEFAULT "[storpool]\n" DRIVER REST /* six lines */
#define LVM       "[DEFAULT]\nenabled_backends = lvm\n[lvm]\na = b\n"
#define TWO(a, b) "[DEFAULT]\nenabled_backends = a,b\n[a]\n" DRIVER REST a "[b]\n" DRIVER b

#define M SP_SERIES_MITAKA
#define N SP_SERIES_NEWTON
#define O SP_SERIES_OCATA
#define P SP_SERIES_PIKE
#define U SP_SERIES_UNKNOWN

static sp_findings check(struct fixture *f, enum sp_series series, bool integrated,
                         const char *text)
{
    const struct sp_service_facts service = {
        .program = "cinder-volume", .series = series, .integrated = integrated};
    return findings_of(f, NULL, SP_SUBJECT_CINDER, service, text);
}

TEST(files_in_order)
{
    static const char *const texts[] = {
        GOOD,
        /* another backend too; the name in other letters; a comment in a line of its own */
        "[DEFAULT]\nenabled_backends = lvm, StorPool\n[lvm]\na = b\n[storpool]\n# x\n" DRIVER REST,
        /* a substitution */
        "[DEFAULT]\nname = storpool\nenabled_backends = $name\n[storpool]\n" DRIVER REST,
        /* a value of several lines, of another option */
        GOOD "[database]\nconnection = mysql://a:b#c\n  d\n",
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        for (int series = U; series <= P; series++) {
            sp_findings found = check(f, (enum sp_series)series, true, texts[i]);
            if (found.count)
                fail_msg("%d %s: %s", series, found.items[0].id, found.items[0].text);
        }
}

TEST(findings)
{
    static const struct check_case cases[] = {
        {"C02", DEFAULT "\n  CANARY\n", P, SP_CHECK_ERROR, 4},
        {"C02", GOOD "CANARY\n", P, SP_CHECK_ERROR, 7},

        {"C03", "[DEFAULT]\n" DRIVER, M, SP_CHECK_NOTE, 2},
        {"C03", "[DEFAULT]\n" DRIVER, N, SP_CHECK_WARNING, 2},
        {"C03", "[DEFAULT]\n" DRIVER, O, SP_CHECK_ERROR, 2},
        {"C03", "[DEFAULT]\n" DRIVER, U, SP_CHECK_WARNING, 2},
        {"C03", "[storpool]\n" DRIVER, O, SP_CHECK_ERROR, 0},

        {"C04", LVM "[storpool]\nstorpool_template = hdd\n", P, SP_CHECK_ERROR, 2},
        {"C04", LVM, P, SP_CHECK_NOTE, 2},
        {"C04", "[DEFAULT]\n", P, SP_CHECK_NOTE, 0},
        {"C04", "[DEFAULT]\nvolume_driver = x.LVM\n", N, SP_CHECK_NOTE, 0},
        {"C04", "[DEFAULT]\nenabled_backends = lvm\n" DRIVER "[lvm]\na = b\n", N, SP_CHECK_ERROR,
         2},
        {"C04", DEFAULT "[storpool]\n[backend_defaults]\n" DRIVER REST, O, SP_CHECK_ERROR, 2},
        {NULL, DEFAULT "[storpool]\n[backend_defaults]\n" DRIVER REST, P, SP_CHECK_OK, 0},

        {"C05", LVM "[storpool]\n" DRIVER, P, SP_CHECK_ERROR, 6},
        {"C05", LVM "[CANARY x]\n" DRIVER, P, SP_CHECK_ERROR, 6},
        {"C05", GOOD "[ssd]\n" DRIVER REST, P, SP_CHECK_ERROR, 8},

        {"C06", DEFAULT, N, SP_CHECK_ERROR, 2},
        {"C06", "[DEFAULT]\nenabled_backends = storpool,lvm\n[storpool]\n" DRIVER REST, N,
         SP_CHECK_WARNING, 2},

        {"C07", DEFAULT "[storpool]\nvolume_driver = cinder.storpool.CANARY\n", N, SP_CHECK_ERROR,
         4},
        {"C07",
         DEFAULT "[storpool]\nvolume_driver = cinder.volume.drivers.storpool.StorpoolDriver\n", N,
         SP_CHECK_ERROR, 4},
        {"C07", DEFAULT "[storpool]\nvolume_driver = cinder.volume.drivers.storpool\n", N,
         SP_CHECK_ERROR, 4},
        {"C07",
         DEFAULT "[storpool]\nvolume_driver = "
                 "\"'cinder.volume.drivers.storpool.StorPoolDriver'\"\n",
         N, SP_CHECK_ERROR, 4},
        {NULL,
         DEFAULT "[storpool]\nvolume_driver = "
                 "\"cinder.volume.drivers.storpool.StorPoolDriver\"\n" REST,
         N, SP_CHECK_OK, 0},

        {"C08",
         "[DEFAULT]\nenabled_backends = storpool\nstorpool_template = hdd\n[storpool]\n" DRIVER
         "report_discard_supported = True\n",
         P, SP_CHECK_WARNING, 3},
        {"C08",
         "[DEFAULT]\nenabled_backends = storpool\nreport_discard_supported = True\n"
         "[storpool]\n" DRIVER "storpool_template = hdd\n",
         M, SP_CHECK_WARNING, 3},
        {"C08",
         DEFAULT "[storpool]\n" DRIVER "[backend_defaults]\n" REST
                 "[DEFAULT]\nstorpool_template = x\nreport_discard_supported = True\n"
                 "[storpool]\n" REST "[default]\na = b\n",
         P, SP_CHECK_WARNING, 14},
        {"C08", GOOD "[ storpool ]\nstorpool_replication = 2\n", P, SP_CHECK_WARNING, 7},
        {NULL, DEFAULT "storpool_template = x\n[storpool]\n" DRIVER REST, P, SP_CHECK_OK, 0},
        {NULL, DEFAULT "[storpool]\n" DRIVER "[backend_defaults]\n" REST, P, SP_CHECK_OK, 0},
        {NULL, GOOD "[ other ]\na = b\n", P, SP_CHECK_OK, 0},

        {"C09", GOOD "storpool_replication = 4\n", N, SP_CHECK_ERROR, 7},
        {"C09", GOOD "storpool_replication = 0\n", N, SP_CHECK_ERROR, 7},
        {"C09", GOOD "storpool_replication = CANARY\n", N, SP_CHECK_ERROR, 7},
        {"C09", DEFAULT "[storpool]\n" DRIVER "report_discard_supported = on\n", N, SP_CHECK_NOTE,
         0},
        {NULL, GOOD "storpool_replication = 03\n", N, SP_CHECK_OK, 0},
        {NULL,
         DEFAULT "[storpool]\nstorpool_replication = 2\nreport_discard_supported = on\n" DRIVER, N,
         SP_CHECK_OK, 0},

        {"C10", DEFAULT "[storpool]\n" DRIVER "storpool_template = hdd\n", N, SP_CHECK_NOTE, 0},
        {"C10",
         DEFAULT "[storpool]\n" DRIVER "storpool_template = x\nreport_discard_supported = CANARY\n",
         N, SP_CHECK_ERROR, 6},
        {NULL,
         DEFAULT "[storpool]\n" DRIVER "storpool_template = x\nreport_discard_supported = 0\n", N,
         SP_CHECK_OK, 0},

        {"C11", GOOD "storpool_template = CANARY\n", N, SP_CHECK_WARNING, 7},
        {"C11", GOOD "[DEFAULT]\na = b\nenabled_backends = storpool,\tstorpool\n", N,
         SP_CHECK_WARNING, 9},
        {NULL, GOOD "storpool_template = hdd\n", N, SP_CHECK_OK, 0},
        {NULL, GOOD "[other]\nstorpool_template = ssd\n", N, SP_CHECK_OK, 0},
        {NULL, GOOD "driver = a\ndriver = b\n", N, SP_CHECK_OK, 0},

        {"C12", GOOD "volume_backend_name = a # CANARY\n", N, SP_CHECK_ERROR, 7},
        {"C12", GOOD "storpool_replication = 3 ; CANARY\n", N, SP_CHECK_ERROR, 7},
        {"C12", GOOD "storpool_replication = 3\t# CANARY\n", N, SP_CHECK_ERROR, 7},
        {"C12", "[DEFAULT]\nenabled_backends = storpool # CANARY\n[storpool]\n" DRIVER REST, O,
         SP_CHECK_ERROR, 2},
        {"C12",
         DEFAULT "[storpool]\nvolume_driver = cinder.volume.drivers.storpool.StorPoolDriver # C\n",
         N, SP_CHECK_ERROR, 4},
        {"C12", GOOD "[database]\nconnection = CANARY # b\n", N, SP_CHECK_WARNING, 8},
        {NULL, GOOD "[database]\nconnection = a#b;c\n", N, SP_CHECK_OK, 0},

        {"C13", GOOD " [other]\n", N, SP_CHECK_WARNING, 7},
        {"C13", GOOD "[x]\nlist = a,\n\tb,\n  CANARY = c\n", N, SP_CHECK_WARNING, 10},
        {"C13", GOOD "[x]\nlist = a\n  # CANARY\n", N, SP_CHECK_WARNING, 9},
        {NULL, GOOD "[x]\nlist =\n a,\n b/c=d,\n [e\n", N, SP_CHECK_OK, 0},

        {"C14", "[DEFAULT]\nenabled_backends = storpool,\n[storpool]\n" DRIVER REST, M,
         SP_CHECK_ERROR, 2},
        {"C14", "[DEFAULT]\nenabled_backends = storpool,\n[storpool]\n" DRIVER REST, P,
         SP_CHECK_NOTE, 2},

        {"C15", TWO("", "storpool_template = ssd\nreport_discard_supported = True\n"), P,
         SP_CHECK_WARNING, 0},
        {"C15",
         TWO("", "storpool_template = ssd\nreport_discard_supported = True\n"
                 "volume_backend_name = storpool\n"),
         P, SP_CHECK_WARNING, 11},
        {NULL, TWO("", REST), P, SP_CHECK_OK, 0},
        {NULL,
         TWO("volume_backend_name = CANARY\n",
             "storpool_template = ssd\nreport_discard_supported = True\n"),
         P, SP_CHECK_OK, 0},

        {"C16", "[DEFAULT]\nenabled_backends = a@CANARY\n[a@CANARY]\n" DRIVER REST, P,
         SP_CHECK_ERROR, 2},
        {"C16", "[DEFAULT]\nenabled_backends = a CANARY\n[a CANARY]\n" DRIVER REST, P,
         SP_CHECK_ERROR, 2},

        {"C17", GOOD "host = CANARY\n", P, SP_CHECK_WARNING, 7},
        {NULL, GOOD "host = CANARY\n", O, SP_CHECK_OK, 0},
        {NULL, GOOD "backend_host = CANARY\n", P, SP_CHECK_OK, 0},
        {NULL, "[DEFAULT]\nhost = CANARY\nenabled_backends = storpool\n[storpool]\n" DRIVER REST, P,
         SP_CHECK_OK, 0},

        {"C18",
         "[DEFAULT]\nenabled_backends = storpool\ndefault_volume_type = hdd # "
         "CANARY\n[storpool]\n" DRIVER REST,
         P, SP_CHECK_WARNING, 3},
        {NULL,
         "[DEFAULT]\nenabled_backends = storpool\ndefault_volume_type = hdd\n[storpool]\n" DRIVER
             REST,
         P, SP_CHECK_OK, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        sp_findings found = check(f, cases[i].series, false, cases[i].text);
        expect_case(&cases[i], &found);
    }
}

/* Where the drivers are, the host is meant to have the backend. */
TEST(nothing_written_yet)
{
    sp_findings found = check(f, P, true, LVM);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.items[0].id, "C04");
    assert_int_equal(found.items[0].level, SP_CHECK_ERROR);
    assert_non_null(strstr(found.items[0].remedy, "enabled_backends = lvm,storpool\n"));
    found = check(f, P, true, "[DEFAULT]\nenabled_backends = x y\n[x y]\na = b\n");
    assert_int_equal(found.count, 2);
    assert_non_null(strstr(found.items[0].remedy, "enabled_backends = ...,storpool\n"));
    found = check(f, O, true, "");
    assert_int_equal(found.count, 1);
    assert_string_equal(found.items[0].id, "C03");
}

/* What cannot be told is no fault: a value that depends on an option which the files do not have. */
TEST(open_values)
{
    static const char *const texts[] = {
        "[DEFAULT]\nenabled_backends = $x\n[storpool]\n" DRIVER REST,
        DEFAULT "[storpool]\nvolume_driver = ${x}storpool\n" REST,
        GOOD "storpool_replication = $x\n",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        sp_findings found = check(f, P, true, texts[i]);
        if (found.count)
            fail_msg("%zu %s: %s", i, found.items[0].id, found.items[0].text);
    }
}

TEST(later_files_win)
{
    sp_findings all = {NULL, 0, 0};
    struct sp_config_content files[2];
    struct sp_service_facts service = {.program = "cinder-volume", .series = P};
    struct sp_facts facts = {.command = NULL};
    put_service(f, &facts, SP_SUBJECT_CINDER, &service);
    sp_oslo_parse(f->pool, "/a/cinder.conf", SP_BYTES_STR(GOOD "storpool_replication = 9\n"),
                  &files[0]);
    sp_oslo_parse(f->pool, "/a/cinder.conf.d/x.conf",
                  SP_BYTES_STR("[storpool]\nstorpool_replication = 2\n"), &files[1]);
    for (size_t i = 0; i < 2; i++)
        *SP_PUSH(f->pool, &service.contents) = &files[i];
    sp_checks_run(f->pool, &facts, &all);
    assert_int_equal(sp_findings_count(&all), 0);
}

TEST(files_that_cannot_be_read)
{
    sp_findings all = {NULL, 0, 0};
    struct sp_service_facts service = {.program = "cinder-volume", .series = P};
    struct sp_facts facts = {.command = NULL};
    put_service(f, &facts, SP_SUBJECT_CINDER, &service);
    *SP_PUSH(f->pool, &service.files) = (struct sp_service_file){"/etc/a", SP_FILE_MISSING, NULL};
    *SP_PUSH(f->pool, &service.files) = (struct sp_service_file){"/etc/b", SP_FILE_DENIED, NULL};
    sp_checks_run(f->pool, &facts, &all);
    assert_string_equal(all.items[0].at.file, "/etc/a");
    assert_int_equal(all.items[0].level, SP_CHECK_ERROR);
    assert_string_equal(all.items[1].id, "C01");
    assert_int_equal(all.items[1].level, SP_CHECK_UNKNOWN);
    assert_string_equal(all.items[2].id, "C02");
    assert_int_equal(all.items[2].level, SP_CHECK_OK);
    for (size_t i = 3; i < all.count && all.items[i].subject == SP_SUBJECT_CINDER; i++)
        assert_int_equal(all.items[i].level, SP_CHECK_SKIPPED);
    assert_int_equal(sp_findings_count(&all), 1);
}

/* ---- several services of one host -------------------------------------------------------------- */

#define CEPH "[DEFAULT]\nenabled_backends = ceph\n[ceph]\nvolume_driver = x.RBDDriver\n"
#define BOTH "[storpool]\n" DRIVER REST "[ssd]\n" DRIVER REST
#define SSD                                                                                        \
    "[DEFAULT]\nenabled_backends = ssd\n[ssd]\nvolume_driver = "                                   \
    "cinder.volume.drivers.storpool.StorPoolDriver\nstorpool_template = ssd\n"                     \
    "report_discard_supported = True\n"

/* The text of one of its files; NULL: it has no more. Those with the same name are one file. */
struct text {
    const char *name, *text;
};
struct service {
    const char *program;
    struct text files[2];
};

static void put_files(struct fixture *f, const struct service *from, sp_oslo_files *known,
                      struct sp_service_facts *out)
{
    for (size_t i = 0; i < 2 && from->files[i].name; i++) {
        const struct sp_config_content *file = NULL;
        for (size_t j = 0; j < known->count; j++)
            if (strcmp(known->items[j]->name, from->files[i].name) == 0)
                file = known->items[j];
        if (!file) {
            struct sp_config_content *made = sp_pool_alloc(f->pool, sizeof(*made));
            sp_oslo_parse(f->pool, from->files[i].name, SP_BYTES_STR(from->files[i].text), made);
            *SP_PUSH(f->pool, known) = file = made;
        }
        *SP_PUSH(f->pool, &out->files) = (struct sp_service_file){file->name, SP_FILE_READ, file};
        *SP_PUSH(f->pool, &out->contents) = file;
    }
}

/* "C09 /a:3, ..." of the findings that are to be repaired. */
static const char *check_all(struct fixture *f, const struct service *services, size_t count)
{
    sp_findings all = {NULL, 0, 0};
    sp_strv found = {NULL, 0, 0};
    sp_oslo_files known = {NULL, 0, 0};
    struct sp_facts facts = {.command = NULL};
    for (size_t i = 0; i < count; i++) {
        struct sp_service_facts *one = sp_pool_alloc(f->pool, sizeof(*one));
        *one = (struct sp_service_facts){
            .program = services[i].program, .series = P, .integrated = true};
        put_files(f, &services[i], &known, one);
        put_service(f, &facts, SP_SUBJECT_CINDER, one);
    }
    sp_checks_run(f->pool, &facts, &all);
    for (size_t i = 0; i < all.count; i++)
        if (all.items[i].subject == SP_SUBJECT_CINDER && all.items[i].level >= SP_CHECK_WARNING)
            *SP_PUSH(f->pool, &found) = sp_pool_printf(f->pool, "%s %s:%u", all.items[i].id,
                                                       all.items[i].at.file, all.items[i].at.line);
    return found.count ? sp_strv_join(f->pool, &found, ", ") : "";
}

#define VOLUME "cinder-volume"

/* A name that is none is one fault, whichever section was meant. */
TEST(names_without_commas)
{
    sp_findings found =
        check(f, P, true,
              "[DEFAULT]\nenabled_backends = storpool lvm\n[lvm]\na = b\n[storpool]\n" DRIVER REST);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.items[0].id, "C16");
}

TEST(several_services)
{
    static const struct {
        struct service services[3];
        size_t count;
        const char *expected;
    } cases[] = {
        {{{VOLUME, {{"/a", GOOD}}}, {VOLUME, {{"/b", CEPH}}}}, 2, ""},
        {{{VOLUME, {{"/a", CEPH}}}, {VOLUME, {{"/b", CEPH}}}}, 2, "C04 /a:2"},
        /* a fault of the second, and of a file that both read */
        {{{VOLUME, {{"/a", GOOD}}}, {VOLUME, {{"/b", SSD "storpool_replication = 9\n"}}}},
         2,
         "C09 /b:7, C15 /b:0"},
        {{{VOLUME, {{"/c", GOOD "storpool_replication = 9\n"}, {"/a", "[DEFAULT]\nx = a # b\n"}}},
          {VOLUME, {{"/c", NULL}, {"/b", "[DEFAULT]\nx = y\n"}}}},
         2,
         "C09 /c:7, C12 /a:2"},
        /* what the first has cannot be told */
        {{{VOLUME, {{"/a", "CANARY\n" GOOD}}}, {VOLUME, {{"/b", CEPH}}}}, 2, "C02 /a:1"},
        /* backends in one file, each enabled by another service */
        {{{VOLUME, {{"/c", BOTH}, {"/a", "[DEFAULT]\nenabled_backends = storpool\n"}}},
          {VOLUME, {{"/c", NULL}, {"/b", "[DEFAULT]\nenabled_backends = ssd\n"}}}},
         2,
         ""},
        {{{VOLUME, {{"/c", BOTH}, {"/a", "[DEFAULT]\nenabled_backends = storpool\n"}}},
          {VOLUME, {{"/c", NULL}, {"/b", "[DEFAULT]\nenabled_backends = storpool\n"}}}},
         2,
         "C05 /c:6"},
        /* cinder-backup of Pike starts no driver */
        {{{VOLUME, {{"/a", GOOD}}}, {"cinder-backup", {{"/b", "[DEFAULT]\nx = y\n"}}}}, 2, ""},
        {{{"cinder-backup", {{"/b", "[DEFAULT]\nx = y\n"}}}}, 1, ""},
        {{{VOLUME, {{"/a", CEPH}}}, {"cinder-backup", {{"/b", "[DEFAULT]\nx = y\n"}}}},
         2,
         "C04 /a:2"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *found = check_all(f, cases[i].services, cases[i].count);
        if (strcmp(found, cases[i].expected) != 0)
            fail_msg("case %zu: '%s', not '%s'", i, found, cases[i].expected);
    }
}
