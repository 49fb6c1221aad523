/* SPDX-License-Identifier: Apache-2.0 */
/* Each check of StorPool's part on facts that make it report, and all of them on a host in order. */
#include "model/doctor.h"
#include "support.h"

#define GOOD                                                                                       \
    "SP_AUTH_TOKEN = CANARY\nSP_API_HTTP_PORT=81\n[ctl-1]\nSP_OURID=11\n[n-2]\nSP_OURID = 12\n"

/* A host in order, with the text as its storpool.conf. */
static struct sp_facts *facts_of(struct fixture *f, const char *text)
{
    static const char *const names[] = {"storpool_beacon", "storpool_block"};
    static struct sp_need need = {.name = "storpool", .recommended_text = ">=6.0.0"};
    static struct sp_environment environment;
    struct sp_facts *facts = sp_pool_alloc(f->pool, sizeof(*facts));
    struct sp_storpool_facts *client = &facts->host.client;
    facts->host.name = "ctl-1";
    *client = (struct sp_storpool_facts){.wanted = true,
                                         .is_live = true,
                                         .module = SP_ANSWER_YES,
                                         .links = SP_ANSWER_YES,
                                         .attached = 2,
                                         .confget = SP_ANSWER_NO};
    struct sp_conf_file *file = SP_PUSH(f->pool, &client->files);
    file->shown = "/etc/storpool.conf";
    file->access = SP_CONF_READ;
    sp_storpool_parse(f->pool, file->shown, SP_BYTES_STR(text), &file->content);
    *SP_PUSH(f->pool, &facts->host.storpool) = &file->content;
    *SP_PUSH(f->pool, &file->modes) = (struct sp_mode){"/", true, false, 0755, 0, 0};
    *SP_PUSH(f->pool, &file->modes) = (struct sp_mode){"/etc", true, false, 0755, 0, 0};
    *SP_PUSH(f->pool, &file->modes) = (struct sp_mode){file->shown, false, false, 0640, 0, 118};
    struct sp_conf_reader *reader = SP_PUSH(f->pool, &client->readers);
    *reader = (struct sp_conf_reader){.name = "cinder", .uid = 64};
    *SP_PUSH(f->pool, &reader->groups) = 118;
    for (size_t i = 0; i < COUNT(names); i++)
        *SP_PUSH(f->pool, &client->services) = (struct sp_client_service){
            names[i], "/etc/init.d/storpool", true, SP_ANSWER_YES, SP_ANSWER_YES};
    *SP_PUSH(f->pool, &client->prerequisites) =
        (struct sp_prerequisite){&need, "7.3.0", SP_FITNESS_GOOD, "cinder", &environment, NULL};
    return facts;
}

/* The findings but those that are ok or were skipped, of the checks of StorPool's part. */
static sp_findings check(struct fixture *f, const struct sp_facts *facts)
{
    sp_findings all = {NULL, 0, 0}, findings = {NULL, 0, 0};
    sp_checks_run(f->pool, facts, &all);
    for (size_t i = 0; i < all.count; i++) {
        assert_null(strstr(all.items[i].text, "CANARY"));
        assert_false(all.items[i].remedy && strstr(all.items[i].remedy, "CANARY"));
        if (*all.items[i].id == 'S' && all.items[i].level > SP_CHECK_SKIPPED)
            *SP_PUSH(f->pool, &findings) = all.items[i];
    }
    return findings;
}

/* Exactly one finding: its id, its level, a part of its sentence, its line. */
static void assert_one(struct fixture *f, const struct sp_facts *facts, const char *id,
                       enum sp_check_level level, const char *part, unsigned line)
{
    sp_findings found = check(f, facts);
    if (found.count != 1)
        fail_msg("%zu findings where %s is to be one: %s", found.count, id,
                 found.count ? found.items[1].text : "");
    assert_string_equal(found.items[0].id, id);
    if (!strstr(found.items[0].text, part))
        fail_msg("'%s' is not in '%s'", part, found.items[0].text);
    assert_int_equal(found.items[0].level, level);
    assert_int_equal(found.items[0].at.line, line);
}

static void assert_in_order(struct fixture *f, const struct sp_facts *facts)
{
    sp_findings found = check(f, facts);
    if (found.count)
        fail_msg("%s: %s", found.items[0].id, found.items[0].text);
}

static void assert_text(struct fixture *f, const char *text, const char *id, const char *part,
                        unsigned line)
{
    assert_one(f, facts_of(f, text), id, SP_CHECK_ERROR, part, line);
}

TEST(host_in_order)
{
    sp_findings found = check(f, facts_of(f, GOOD));
    if (found.count)
        fail_msg("%s: %s", found.items[0].id, found.items[0].text);
    /* the number and the token may be for all hosts, too */
    assert_int_equal(check(f, facts_of(f, "SP_OURID=0\nSP_AUTH_TOKEN=1\n")).count, 0);
}

TEST(texts)
{
    static const struct {
        const char *text, *id, *part;
        unsigned line;
    } cases[] = {
        {GOOD "export CANARY=1\n", "S02", "neither NAME=VALUE", 7},
        {"SP_AUTH_TOKEN=a\n[n-2]\nSP_OURID=1\n", "S03", "sections: 'n-2'", 0},
        {"SP_AUTH_TOKEN=a\n[a CANARY]\nSP_OURID=1\n", "S03", "(not shown)", 0},
        {"SP_AUTH_TOKEN=a\n", "S03", "this host, 'ctl-1'; sections: none", 0},
        {"SP_AUTH_TOKEN=a\n[ctl-1]\nSP_OURID=CANARY\n", "S03", "is not a number", 3},
        {"SP_AUTH_TOKEN=a\nSP_OURID=1 # CANARY\n", "S03", "is not a number", 2},
        {"SP_AUTH_TOKEN=a\nSP_OURID=\n", "S03", "is not a number", 2},
        {"SP_OURID=1\n", "S04", "SP_AUTH_TOKEN is not set", 0},
        {"SP_OURID=1\n[n-2]\nSP_AUTH_TOKEN=CANARY\n", "S04", "is not set", 0},
        {"SP_OURID=1\nSP_AUTH_TOKEN =  \n", "S04", "is empty", 2},
        {"SP_OURID=1\nSP_AUTH_TOKEN = CANARY # x\n", "S04", "no comments behind a value", 2},
        {"SP_OURID=1\nSP_AUTH_TOKEN = \"CANARY\"\n", "S04", "the quotes are part", 2},
        {GOOD "[ctl-1]\nSP_API_HTTP_HOST='CANARY'\n", "S05", "the quotes are part", 8},
        {"\xef\xbb\xbf# x\n" GOOD, "S02", "neither NAME=VALUE", 1},
        {"\xef\xbb\xbfX=1\n" GOOD, "S02", "part of its first name", 0},
        {GOOD "[ctl-1]\nSP_API_HTTP_PORT=0\n", "S05", "from 1 to 65535", 8},
        {GOOD "[ctl-1]\nSP_API_HTTP_PORT=65536\n", "S05", "from 1 to 65535", 8},
        {GOOD "[ctl-1]\nSP_API_HTTP_PORT=CANARY\n", "S05", "from 1 to 65535", 8},
        {GOOD "[ctl-1]\nSP_API_HTTP_HOST=\n", "S05", "SP_API_HTTP_HOST is empty", 8},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_text(f, cases[i].text, cases[i].id, cases[i].part, cases[i].line);
}

/* ---- the environment of services --------------------------------------------------------------- */

#define NO_TOKEN "SP_OURID=1\n"

static void add_user(struct fixture *f, struct sp_facts *facts, enum sp_subject subject,
                     struct sp_service_user user)
{
    struct sp_service_facts *service = sp_pool_alloc(f->pool, sizeof(*service));
    *service = (struct sp_service_facts){.program = user.program, .source = user.source};
    *SP_PUSH(f->pool, &service->users) = user;
    *SP_PUSH(f->pool, &facts->services[subject]) = service;
}

static struct sp_facts *facts_with(struct fixture *f, const char *text,
                                   struct sp_storpool_variables variables, const char *version)
{
    struct sp_facts *facts = facts_of(f, text);
    facts->host.client.prerequisites.items[0].version = version;
    facts->host.client.confget = SP_ANSWER_YES;
    add_user(f, facts, SP_SUBJECT_CINDER,
             (struct sp_service_user){"cinder-volume", "process 11", variables});
    return facts;
}

TEST(variables_of_services)
{
    const struct sp_storpool_variables set = {.token = SP_VARIABLE_SET}, none = {.unknown = false},
                                       empty = {.token = SP_VARIABLE_EMPTY},
                                       hidden = {.unknown = true},
                                       number = {.number = SP_VARIABLE_SET};
    assert_in_order(f, facts_with(f, NO_TOKEN "SP_AUTH_TOKEN=a\n", none, "7.3.0"));
    assert_in_order(f, facts_with(f, NO_TOKEN, set, "7.3.0"));
    assert_in_order(f, facts_with(f, NO_TOKEN, set, "10.0"));
    assert_in_order(f, facts_with(f, NO_TOKEN "SP_AUTH_TOKEN=a\n", empty, "6.1.0"));
    assert_one(f, facts_with(f, NO_TOKEN, none, "7.3.0"), "S04", SP_CHECK_ERROR, "is not set", 0);
    assert_one(
        f, facts_with(f, NO_TOKEN, set, "6.1.0"), "S04", SP_CHECK_ERROR,
        "only in the environment of cinder-volume (process 11), where storpool 6.1.0 does not "
        "look for it",
        0);
    assert_one(f, facts_with(f, NO_TOKEN "SP_AUTH_TOKEN=\n", empty, "6.1.0"), "S04", SP_CHECK_ERROR,
               "is empty", 2);
    assert_one(f, facts_with(f, NO_TOKEN, empty, "7.3.0"), "S04", SP_CHECK_ERROR,
               "is empty in the environment of cinder-volume (process 11)", 0);
    assert_one(f, facts_with(f, NO_TOKEN "SP_AUTH_TOKEN=a\n", empty, "7.3.0"), "S04",
               SP_CHECK_ERROR, "which counts more than the files", 0);
    assert_one(f, facts_with(f, NO_TOKEN, hidden, "7.3.0"), "S04", SP_CHECK_UNKNOWN,
               "this user may not see", 0);
    assert_one(f, facts_with(f, "SP_AUTH_TOKEN=a\n", number, "7.3.0"), "S03", SP_CHECK_ERROR,
               "sections: none; it is not read from the environment of cinder-volume (process 11)",
               0);
}

TEST(variables_of_several_services)
{
    const struct sp_storpool_variables set = {.token = SP_VARIABLE_SET}, none = {.unknown = false};
    struct sp_facts *facts = facts_with(f, NO_TOKEN, set, "7.3.0");
    for (unsigned pid = 21; pid < 27; pid++)
        add_user(f, facts, SP_SUBJECT_NOVA,
                 (struct sp_service_user){"nova-compute",
                                          sp_pool_printf(f->pool, "process %u", pid),
                                          pid == 21 ? set : none});
    assert_one(
        f, facts, "S04", SP_CHECK_ERROR,
        "SP_AUTH_TOKEN is not set, and is not in the environment of nova-compute (process 22, "
        "process 23, process 24 and 2 more)",
        0);
    facts->services[SP_SUBJECT_NOVA].count = 1;
    assert_in_order(f, facts);
}

/* Of one that nothing starts the environment is not known. */
TEST(service_that_is_not_here)
{
    const struct sp_storpool_variables set = {.token = SP_VARIABLE_SET}, none = {.unknown = false};
    struct sp_facts *facts = facts_with(f, NO_TOKEN, set, "7.3.0");
    add_user(f, facts, SP_SUBJECT_NOVA, (struct sp_service_user){"nova-compute", NULL, none});
    assert_in_order(f, facts);
}

TEST(address_in_the_environment)
{
    const struct sp_storpool_variables host = {.host = SP_VARIABLE_EMPTY},
                                       port = {.port = SP_VARIABLE_BAD};
    assert_one(f, facts_with(f, GOOD, host, "7.3.0"), "S05", SP_CHECK_ERROR,
               "SP_API_HTTP_HOST is empty in the environment of cinder-volume", 0);
    assert_one(f, facts_with(f, GOOD, port, "7.3.0"), "S05", SP_CHECK_ERROR,
               "SP_API_HTTP_PORT is not a number from 1 to 65535 in the environment", 0);
    assert_in_order(f, facts_with(f, GOOD, port, "6.0.0"));
    struct sp_facts *facts = facts_with(f, GOOD, port, "6.0.0");
    facts->host.client.prerequisites.count = 0;
    assert_one(f, facts, "S05", SP_CHECK_UNKNOWN, "counts for storpool 7.0 and later", 0);
}

TEST(files)
{
    struct sp_facts *facts = facts_of(f, GOOD);
    struct sp_conf_file *file = &facts->host.client.files.items[0];
    facts->host.name = NULL;
    assert_one(f, facts, "S03", SP_CHECK_UNKNOWN, "the name of this one is not known", 0);
    file->access = SP_CONF_DENIED;
    assert_one(f, facts, "S01", SP_CHECK_UNKNOWN, "may not read", 0);
    file->access = SP_CONF_UNFIT;
    file->obstacle = "'/etc/storpool.conf' is a FIFO, not a regular file";
    assert_one(f, facts, "S01", SP_CHECK_ERROR, "a FIFO", 0);
    file->access = SP_CONF_MISSING;
    facts->host.storpool.count = 0;
    assert_one(f, facts, "S01", SP_CHECK_ERROR, "missing", 0);
}

TEST(host_without_storpool)
{
    struct sp_facts *facts = facts_of(f, "");
    struct sp_storpool_facts *client = &facts->host.client;
    facts->host.storpool.count = 0;
    client->files.items[0].access = SP_CONF_MISSING;
    client->wanted = false;
    client->module = SP_ANSWER_NO;
    client->readers.count = client->prerequisites.count = 0;
    for (size_t i = 0; i < 2; i++)
        client->services.items[i] =
            (struct sp_client_service){"x", NULL, false, SP_ANSWER_UNKNOWN, SP_ANSWER_NO};
    *SP_PUSH(f->pool, &client->to_set_up) = "the group x does not exist";
    assert_int_equal(check(f, facts).items[0].level, SP_CHECK_NOTE);
    assert_int_equal(check(f, facts).count, 1 + 0);
}

TEST(modes)
{
    struct sp_facts *facts = facts_of(f, GOOD);
    struct sp_mode *modes = facts->host.client.files.items[0].modes.items;
    modes[2].mode = 0600;
    assert_one(f, facts, "S06", SP_CHECK_ERROR, "cinder may not read it: mode 0600, owner 0", 0);
    modes[2].has_acl = true;
    assert_one(f, facts, "S06", SP_CHECK_UNKNOWN, "access control list", 0);
    modes[2].mode = 0046; /* the group's bits count for a member, also where others have more */
    modes[2].has_acl = false;
    assert_int_equal(check(f, facts).count, 0);
    modes[2].mode = 0604;
    assert_one(f, facts, "S06", SP_CHECK_ERROR, "may not read", 0);
    modes[2].uid = 64; /* and the owner's for the owner */
    assert_int_equal(check(f, facts).count, 0);
    modes[2].mode = 0277;
    assert_one(f, facts, "S06", SP_CHECK_ERROR, "may not read", 0);
    modes[1].mode = 0744; /* nothing is said of a file behind it */
    assert_one(f, facts, "S06", SP_CHECK_ERROR, "may not enter it: mode 0744", 0);
    const struct sp_conf_file first = facts->host.client.files.items[0];
    *SP_PUSH(f->pool, &facts->host.client.files) = first;
    assert_int_equal(check(f, facts).count, 1);
    facts->host.client.readers.items[0].uid = 0;
    assert_int_equal(check(f, facts).count, 0);
}

TEST(bindings)
{
    struct sp_facts *facts = facts_of(f, GOOD);
    struct sp_prerequisite *item = &facts->host.client.prerequisites.items[0];
    item->command = "pip install storpool";
    item->fitness = SP_FITNESS_POOR;
    assert_one(f, facts, "S07", SP_CHECK_WARNING, "too old for some operations", 0);
    item->version = "4.0.0";
    item->fitness = SP_FITNESS_GOOD;
    assert_one(f, facts, "S07", SP_CHECK_ERROR, "storpool_confget", 0);
    facts->host.client.confget = SP_ANSWER_YES;
    assert_int_equal(check(f, facts).count, 0);
    item->version = NULL;
    item->command = "pip install storpool";
    item->fitness = SP_FITNESS_MISSING;
    assert_one(f, facts, "S07", SP_CHECK_ERROR, "not installed", 0);
    assert_string_equal(check(f, facts).items[0].remedy, "run: pip install storpool");
}

TEST(client_services)
{
    struct sp_facts *facts = facts_of(f, GOOD);
    struct sp_client_service *block = &facts->host.client.services.items[1];
    block->running = SP_ANSWER_NO;
    assert_one(f, facts, "S08", SP_CHECK_ERROR, "storpool_block does not run", 0);
    assert_string_equal(check(f, facts).items[0].remedy, "run: systemctl start storpool_block");
    block->is_unit = false;
    assert_string_equal(check(f, facts).items[0].remedy, "run: service storpool_block start");
    block->running = SP_ANSWER_YES;
    block->enabled = SP_ANSWER_NO;
    assert_one(f, facts, "S08", SP_CHECK_WARNING, "not started with the host", 0);
    block->enabled = SP_ANSWER_UNKNOWN; /* it was started by hand, from wherever it is */
    block->installed = NULL;
    assert_int_equal(check(f, facts).count, 0);
    block->running = SP_ANSWER_NO;
    assert_one(f, facts, "S08", SP_CHECK_ERROR, "not installed", 0);
    block->running = SP_ANSWER_UNKNOWN;
    facts->host.client.container = "/.dockerenv";
    assert_one(f, facts, "S08", SP_CHECK_UNKNOWN, "this is a container ('/.dockerenv')", 0);
}

TEST(devices)
{
    struct sp_facts *facts = facts_of(f, GOOD);
    struct sp_storpool_facts *client = &facts->host.client;
    client->links = SP_ANSWER_NO;
    assert_one(f, facts, "S09", SP_CHECK_ERROR, "attached (2)", 0);
    client->attached = 0;
    assert_int_equal(check(f, facts).count, 0);
    client->module = SP_ANSWER_NO;
    assert_one(f, facts, "S09", SP_CHECK_ERROR, "not loaded", 0);
    client->module = SP_ANSWER_UNKNOWN;
    assert_one(f, facts, "S09", SP_CHECK_UNKNOWN, "/proc/devices", 0);
}

TEST(spool)
{
    struct sp_facts *facts = facts_of(f, GOOD);
    struct sp_storpool_facts *client = &facts->host.client;
    client->old_requests = 3;
    assert_one(f, facts, "S10", SP_CHECK_NOTE, "(3)", 0);
    client->old_requests = 0;
    client->spool_obstacle = "cannot open the directory '/x': Permission denied";
    assert_one(f, facts, "S10", SP_CHECK_ERROR, "Permission denied", 0);
    client->spool_denied = true;
    assert_one(f, facts, "S10", SP_CHECK_UNKNOWN, "Permission denied", 0);
    client->spool_obstacle = NULL;
    *SP_PUSH(f->pool, &client->spool_warnings) = "it is no JSON object";
    assert_one(f, facts, "S10", SP_CHECK_WARNING, "JSON", 0);
    client->spool_warnings.count = 0;
    *SP_PUSH(f->pool, &client->to_set_up) = "the group spopenstack does not exist";
    assert_one(f, facts, "S10", SP_CHECK_ERROR, "the group spopenstack does not exist", 0);
    assert_non_null(strstr(check(f, facts).items[0].remedy, "groups"));
    client->wanted = false;
    assert_int_equal(check(f, facts).count, 0);
}

TEST(processes)
{
    struct sp_facts *facts = facts_of(f, GOOD);
    struct sp_storpool_facts *client = &facts->host.client;
    struct sp_stale_process *one = SP_PUSH(f->pool, &client->stale);
    *one = (struct sp_stale_process){"nova-compute", 4711, SP_STALE_GROUP, "it has no group"};
    assert_one(f, facts, "S11", SP_CHECK_ERROR, "process 4711 of nova-compute: it has no group", 0);
    one->reason = SP_STALE_FILES;
    assert_one(f, facts, "S12", SP_CHECK_ERROR, "process 4711", 0);
    one->reason = SP_STALE_UNKNOWN;
    assert_one(f, facts, "S12", SP_CHECK_UNKNOWN, "process 4711", 0);
    client->stale.count = 0;
    client->unknown_processes = true;
    sp_findings found = check(f, facts);
    assert_int_equal(found.count, 2); /* S11 and S12 */
    assert_int_equal(found.items[1].level, SP_CHECK_UNKNOWN);
}

/* What is not told by files is unknown, and nothing of it is a warning. */
TEST(other_root)
{
    struct sp_facts *facts = facts_of(f, GOOD);
    struct sp_storpool_facts *client = &facts->host.client;
    client->is_live = false;
    client->module = client->links = SP_ANSWER_UNKNOWN;
    for (size_t i = 0; i < 2; i++)
        client->services.items[i].running = SP_ANSWER_UNKNOWN;
    sp_findings found = check(f, facts);
    assert_int_equal(found.count, 5); /* S08 twice, S09, S11, S12 */
    for (size_t i = 0; i < found.count; i++)
        assert_int_equal(found.items[i].level, SP_CHECK_UNKNOWN);
}
