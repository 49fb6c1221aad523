/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of StorPool's part of a host, from a directory that looks like one. The running system is one
 * whose root is not named; its /proc and /dev are directories, too. */
#include "host/facts.h"

#include "scratch.h"

#include <sys/socket.h>
#include <sys/un.h>

static void put(struct fixture *f, const char *path, const char *text)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/'))
        mkdir(scratch_path(f, sp_pool_memdup(f->pool, path, (size_t)(slash - path))), 0755);
    scratch_puts(f, path, text);
}

static struct sp_host_facts read_host(struct fixture *f, bool live)
{
    struct sp_host_facts out = {.name = NULL};
    struct sp_root root = {.fd = scratch_open(f), .path = live ? "" : f->dir};
    struct sp_storpool_query query = {.root = &root,
                                      .proc = scratch_path(f, "proc"),
                                      .dev = scratch_path(f, "dev"),
                                      .group = "spopenstack"};
    *SP_PUSH(f->pool, &query.accounts) = "cinder";
    assert_ok(f, sp_tree_open_root(f->pool, &root, "", &query.tree, &f->err));
    assert_ok(f, sp_host_facts_read(f->pool, &query, &out, &f->err));
    close(root.fd);
    return out;
}

static const struct sp_conf_file *file_of(const struct sp_host_facts *facts, size_t i)
{
    assert_true(i < facts->client.files.count);
    return &facts->client.files.items[i];
}

TEST_IN_DIR(no_storpool)
{
    struct sp_host_facts facts = read_host(f, false);
    assert_null(facts.name);
    assert_int_equal(facts.client.files.count, 1);
    assert_int_equal(file_of(&facts, 0)->access, SP_CONF_MISSING);
    assert_int_equal(facts.client.services.count, 2);
    assert_null(facts.client.services.items[0].installed);
    assert_int_equal(facts.client.module, SP_ANSWER_UNKNOWN);
    assert_true(facts.client.to_set_up.count > 0);
}

TEST_IN_DIR(order_of_files)
{
    static const char *const names[] = {"10-b.conf",   "5-a.conf", ".hidden.conf",
                                        "a.conf.orig", ".conf",    "a.CONF"};
    put(f, "etc/hostname", "ctl-1\n");
    put(f, "etc/storpool.conf", "SP_OURID=1\n");
    for (size_t i = 0; i < COUNT(names); i++)
        put(f, sp_pool_printf(f->pool, "etc/storpool.conf.d/%s", names[i]), "SP_OURID=2\n");
    struct sp_host_facts facts = read_host(f, false);
    assert_string_equal(facts.name, "ctl-1");
    assert_int_equal(facts.client.files.count, 3);
    assert_int_equal(facts.storpool.count, 3);
    assert_string_equal(file_of(&facts, 1)->shown,
                        scratch_path(f, "etc/storpool.conf.d/10-b.conf"));
    assert_string_equal(file_of(&facts, 2)->shown, scratch_path(f, "etc/storpool.conf.d/5-a.conf"));
}

/* Something that is no readable file is a fact with a sentence. */
static void assert_unfit(struct fixture *f, const char *part)
{
    struct sp_host_facts facts = read_host(f, false);
    assert_int_equal(file_of(&facts, 0)->access, SP_CONF_UNFIT);
    assert_int_equal(facts.storpool.count, 0);
    if (!strstr(file_of(&facts, 0)->obstacle, part))
        fail_msg("'%s' is not in '%s'", part, file_of(&facts, 0)->obstacle);
    unlink(scratch_path(f, "etc/storpool.conf"));
    rmdir(scratch_path(f, "etc/storpool.conf"));
}

TEST_IN_DIR(hostile_files)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = scratch_path(f, "etc/storpool.conf");
    scratch_mkdir(f, "etc", 0755);
    assert_int_equal(mkfifo(path, 0644), 0);
    assert_unfit(f, "is a FIFO, not a regular file");
    scratch_mkdir(f, "etc/storpool.conf", 0755);
    assert_unfit(f, "is a directory");
    scratch_symlink(f, "storpool.conf", "etc/storpool.conf");
    assert_unfit(f, "lead in a circle");
    scratch_puts(f, "etc/storpool.conf", "SP_OURID=1\n");
    assert_int_equal(truncate(path, (off_t)1 << 30), 0);
    assert_unfit(f, "larger than");
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(strlen(path) < sizeof(address.sun_path));
    strcpy(address.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    assert_unfit(f, "is a socket");
    scratch_symlink(f, "/nowhere", "etc/storpool.conf");
    struct sp_host_facts facts = read_host(f, false);
    assert_int_equal(file_of(&facts, 0)->access, SP_CONF_MISSING);
}

TEST_IN_DIR(too_many_files)
{
    for (unsigned i = 0; i <= SP_CONFIG_MAX_FILES; i++)
        put(f, sp_pool_printf(f->pool, "etc/storpool.conf.d/%u.conf", i), "");
    struct sp_host_facts facts = read_host(f, false);
    const struct sp_conf_file *last = SP_LAST(&facts.client.files);
    assert_int_equal(last->access, SP_CONF_UNFIT);
    assert_non_null(strstr(last->obstacle, "has more than 256 files"));
}

TEST_IN_DIR(a_name_that_is_no_directory)
{
    put(f, "etc/storpool.conf.d", "SP_OURID=1\n"); /* the bindings look whether it is one */
    struct sp_host_facts facts = read_host(f, false);
    assert_int_equal(facts.client.files.count, 1);
}

TEST_IN_DIR(nul_bytes)
{
    scratch_mkdir(f, "etc", 0755);
    scratch_write(f, "etc/storpool.conf", "SP_OURID=1\0002\n\0=3\n", 16);
    struct sp_host_facts facts = read_host(f, false);
    assert_int_equal(file_of(&facts, 0)->access, SP_CONF_READ);
    assert_null(file_of(&facts, 0)->content.fault.reason);
}

TEST_IN_DIR(modes_and_readers)
{
    put(f, "etc/passwd", "root:x:0:0::/:/bin/sh\ncinder:x:64:65::/:/bin/sh\n");
    put(f, "etc/group", "a:x:70:nova\nspopenstack:x:118:nova,cinder\nb:x:71:cinder2\n");
    put(f, "etc/real/file", "");
    scratch_symlink(f, "real/file", "etc/storpool.conf");
    chmod(scratch_path(f, "etc/real/file"), 0600);
    chmod(scratch_path(f, "etc/real"), 0711);
    struct sp_host_facts facts = read_host(f, false);
    const sp_modes *modes = &file_of(&facts, 0)->modes;
    assert_int_equal(modes->count, 4); /* the root, etc, real, file */
    assert_string_equal(modes->items[2].shown, scratch_path(f, "etc/real"));
    assert_true(modes->items[2].is_directory);
    assert_int_equal(modes->items[2].mode, 0711);
    assert_int_equal(modes->items[3].mode, 0600);
    assert_int_equal(facts.client.readers.count, 1);
    const struct sp_conf_reader *reader = &facts.client.readers.items[0];
    assert_int_equal(reader->uid, 64);
    assert_int_equal(reader->groups.count, 2);
    assert_int_equal(reader->groups.items[0], 65);
    assert_int_equal(reader->groups.items[1], 118);
}

TEST_IN_DIR(client_services)
{
    put(f, "usr/lib/systemd/system/storpool_beacon.service", "[Service]\nExecStart=/x\n");
    put(f, "etc/systemd/system/multi-user.target.wants/x", "");
    scratch_symlink(f, "/usr/lib/systemd/system/storpool_beacon.service",
                    "etc/systemd/system/multi-user.target.wants/storpool_beacon.service");
    put(f, "etc/init.d/storpool_block", "#!/bin/sh\n");
    put(f, "etc/rc3.d/K20storpool_block", "");
    put(f, "usr/sbin/storpool_confget", "");
    struct sp_host_facts facts = read_host(f, false);
    const struct sp_client_service *services = facts.client.services.items;
    assert_true(services[0].is_unit);
    assert_int_equal(services[0].enabled, SP_ANSWER_YES);
    assert_int_equal(services[0].running, SP_ANSWER_UNKNOWN);
    assert_string_equal(services[1].installed, scratch_path(f, "etc/init.d/storpool_block"));
    assert_int_equal(services[1].enabled, SP_ANSWER_NO);
    assert_int_equal(facts.client.confget, SP_ANSWER_YES);
    put(f, "etc/rc3.d/S20storpool_block", "");
    facts = read_host(f, false);
    assert_int_equal(facts.client.services.items[1].enabled, SP_ANSWER_YES);
    unlink(scratch_path(f, "etc/init.d/storpool_block"));
    put(f, "usr/sbin/storpool_block.bin", "");
    facts = read_host(f, false);
    assert_int_equal(facts.client.services.items[1].enabled, SP_ANSWER_UNKNOWN);
    assert_non_null(facts.client.services.items[1].installed);
}

TEST_IN_DIR(running_system)
{
    put(f, "proc/devices", "Character devices:\n 10 StorPool\n\nBlock devices:\n  8 sd\n");
    put(f, "proc/12/comm", "storpool_beacon\n"); /* cut to 15 characters */
    put(f, "proc/self/comm", "storpool_block\n");
    put(f, "dev/sp-12", "");
    put(f, "dev/sp-x", "");
    put(f, "dev/sp-", "");
    struct sp_host_facts facts = read_host(f, true);
    assert_non_null(facts.name);
    assert_true(facts.client.is_live);
    assert_int_equal(facts.client.module, SP_ANSWER_NO);
    assert_int_equal(facts.client.attached, 1);
    assert_int_equal(facts.client.links, SP_ANSWER_NO);
    assert_int_equal(facts.client.services.items[0].running, SP_ANSWER_YES);
    assert_int_equal(facts.client.services.items[1].running, SP_ANSWER_NO);
    put(f, "proc/devices", "Block devices:\n  8 sd\n252 StorPool\n");
    put(f, "proc/1/environ", "A=b");
    scratch_write(f, "proc/1/environ", "A=b\0container=lxc\0", 18);
    facts = read_host(f, true);
    assert_int_equal(facts.client.module, SP_ANSWER_YES);
    assert_string_equal(facts.client.container, scratch_path(f, "proc/1/environ"));
    assert_int_equal(facts.client.services.items[1].running, SP_ANSWER_UNKNOWN);
}

TEST_IN_DIR(old_requests)
{
    static const char path[] = "var/spool/openstack-storpool/openstack-attach.json";
    put(f, path, "{\"req-1\": {\"a\": 1}, \"os--volume-1\": {}, \"req-2\": []}");
    assert_int_equal(read_host(f, false).client.old_requests, 2);
    put(f, path, "{\"req-1\": ");
    assert_int_equal(read_host(f, false).client.old_requests, 0);
}
