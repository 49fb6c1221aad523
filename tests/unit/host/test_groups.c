/* SPDX-License-Identifier: Apache-2.0 */
/* The group of the drivers and their spool directory.
 *
 * Each test has a root directory "root" with accounts as on a small compute node: nova and cinder,
 * each with its own group, and libvirt with nova in it. "bin" has a groupadd and a gpasswd that
 * change the files of this root as the real ones would, and append how they were called (arguments,
 * environment, open descriptors) to "calls".
 *
 * Some tests give files to another user or group, which only root may. The process is root, or else
 * enters a user namespace in which it is; where neither works these tests are skipped. In a
 * namespace only group 0 exists, so it has the number of the test's group (test_gid). */
#include "scratch.h"

#include <sched.h>

#include "fs/root.h"
#include "host/accounts.h"
#include "host/spool.h"

#define SPOOL "root" SP_SPOOL_DIR
#define FILE_ SPOOL "/" SP_SPOOL_FILE

static bool real_root, can_own;
static unsigned test_gid; /* of the group where the test makes it */

static void write_proc(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    can_own = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
}

static void become_owner(void)
{
    real_root = can_own = geteuid() == 0;
    test_gid = real_root ? 4242 : 0;
    if (real_root)
        return;
    char map[64], group_map[64];
    snprintf(map, sizeof(map), "0 %lu 1", (unsigned long)geteuid());
    snprintf(group_map, sizeof(group_map), "0 %lu 1", (unsigned long)getegid());
    if (unshare(CLONE_NEWUSER) < 0)
        return;
    write_proc("/proc/self/setgroups", "deny");
    write_proc("/proc/self/gid_map", group_map);
    write_proc("/proc/self/uid_map", map);
}

/* What group(5) and passwd(5) of a small compute node hold. */
static void make_root(struct fixture *f)
{
    scratch_mkdir(f, "root", 0755);
    scratch_mkdir(f, "root/etc", 0755);
    scratch_mkdir(f, "root/var", 0755);
    scratch_mkdir(f, "root/var/spool", 0755);
    scratch_mkdir(f, "bin", 0755);
    scratch_puts(f, "root/etc/passwd",
                 "root:x:0:0:root:/root:/bin/sh\n"
                 "+nis::::::\n"
                 "nova:x:991:991:Nova, with a comma:/var/lib/nova:/sbin/nologin\n"
                 "cinder:x:992:992::/var/lib/cinder:/sbin/nologin");
    scratch_puts(f, "root/etc/group",
                 "root:x:0:\nlibvirt:x:300:other,nova\nnova:x:991:\ncinder:x:992:\nnoise\n");
    scratch_puts(f, "root/etc/login.defs", "");
}

/* Programs that do in the test's root what the real ones would, and note how they were called. */
static void stand_in(struct fixture *f, const char *name, const char *body)
{
    const char *text = sp_pool_printf(
        f->pool, "#!/bin/sh\n{ echo \"$0 $*\"; env | sort; ls /proc/self/fd; } >> '%s/calls'\n%s\n",
        f->dir, body);
    const char *path = scratch_puts(f, sp_pool_printf(f->pool, "bin/%s", name), text);
    assert_int_equal(chmod(path, 0755), 0);
}

static void stand_ins(struct fixture *f)
{
    stand_in(f, "groupadd",
             sp_pool_printf(f->pool, "echo \"$5:x:%u:\" >> \"$2/etc/group\"", test_gid));
    stand_in(f, "gpasswd", "sed -i \"/^$5:/{s/\\$/,$4/;s/:,/:/}\" \"$2/etc/group\"");
}

static void set_up_root(struct fixture *f)
{
    make_root(f);
    stand_ins(f);
}

#define TEST_IN_ROOT(name) TEST_IN_DIR_WITH(name, void *none, set_up_root, NULL)

GROUP(become_owner, NULL)

static struct sp_host_report report;

static int ensure(struct fixture *f, const char *group, const char *users, bool dry_run,
                  bool stand_in_programs)
{
    const char *const dirs[] = {scratch_path(f, "nowhere"), scratch_path(f, "bin"), NULL};
    struct sp_root root;
    struct sp_accounts_request request = {
        .group = group ? group : SP_ACCOUNTS_GROUP, .root = &root, .dry_run = dry_run};
    struct sp_group found;
    if (stand_in_programs)
        request.program_dirs = dirs;
    char *list = sp_pool_strdup(f->pool, users);
    for (char *user = strtok(list, " "); user; user = strtok(NULL, " "))
        *SP_PUSH(f->pool, &request.users) = user;
    memset(&report, 0, sizeof(report));
    assert_ok(f, sp_root_open(scratch_path(f, "root"), &root, &f->err));
    int rc = sp_accounts_ensure(f->pool, &request, &found, &report, &f->err);
    if (rc == 0)
        rc = sp_spool_ensure(f->pool, &root, &found, dry_run, &report, &f->err);
    sp_root_close(&root);
    return rc;
}

/* All lines of the report, without the scratch directory's name in them. */
static const char *messages(struct fixture *f)
{
    struct sp_buffer buf = SP_BUFFER_INIT;
    const char *top = scratch_path(f, "root");
    for (size_t i = 0; i < report.lines.count; i++) {
        const char *text = report.lines.items[i].text, *at;
        sp_buffer_puts(&buf, report.lines.items[i].warning ? "W:" : "");
        while ((at = strstr(text, top))) {
            sp_buffer_add(&buf, text, (size_t)(at - text));
            text = at + strlen(top);
        }
        sp_buffer_printf(&buf, "%s\n", text);
    }
    const char *copy = sp_pool_strdup(f->pool, sp_buffer_str(&buf));
    sp_buffer_free(&buf);
    return copy;
}

static const char *slurp(struct fixture *f, const char *name)
{
    return scratch_slurp(f, scratch_path(f, name)).data;
}

static void assert_owned(struct fixture *f, const char *name, mode_t mode, unsigned gid)
{
    struct stat st;
    assert_int_equal(lstat(scratch_path(f, name), &st), 0);
    if (st.st_mode != mode)
        fail_msg("%s has the mode %o, not %o", name, (unsigned)st.st_mode, (unsigned)mode);
    assert_int_equal(st.st_uid, 0);
    assert_int_equal(st.st_gid, gid);
}

#define NEED_OWNER()                                                                               \
    if (!can_own)                                                                                  \
    skip()

TEST_IN_ROOT(fresh)
{
    NEED_OWNER();
    umask(0);
    assert_ok(f, ensure(f, NULL, "cinder nova", false, true));
    umask(022);
    assert_string_equal(
        messages(f), "created the system group spopenstack\n"
                     "added cinder to the group spopenstack\n"
                     "added nova to the group spopenstack\n"
                     "services that run as cinder, nova need a restart to take the new group up\n"
                     "created the directory /var/spool/openstack-storpool\n"
                     "created /var/spool/openstack-storpool/openstack-attach.json\n");
    assert_string_equal(
        slurp(f, "root/etc/group"),
        sp_pool_printf(f->pool,
                       "root:x:0:\nlibvirt:x:300:other,nova\nnova:x:991:\ncinder:x:992:\nnoise\n"
                       "spopenstack:x:%u:cinder,nova\n",
                       test_gid));
    assert_owned(f, SPOOL, S_IFDIR | 0770, test_gid);
    assert_owned(f, FILE_, S_IFREG | 0660, test_gid);
    assert_string_equal(slurp(f, FILE_), "{}");

    /* absolute path, these arguments, this environment, these descriptors */
    const char *calls = slurp(f, "calls");
    const char *first =
        sp_pool_printf(f->pool,
                       "%s/bin/groupadd --root %s/root --system -- spopenstack\n"
                       "HOME=/\nLANG=C\nLC_ALL=C\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nPWD=",
                       f->dir, f->dir);
    assert_memory_equal(calls, first, strlen(first));
    assert_non_null(strstr(calls, "bin/gpasswd --root "));
    assert_non_null(strstr(calls, "/root --add cinder spopenstack\n"));

    /* once more: nothing to do, and no program needed for that */
    scratch_unlink(f, "bin/groupadd");
    scratch_unlink(f, "bin/gpasswd");
    scratch_puts(f, FILE_, "{\"request\": {}}");
    assert_int_equal(chmod(scratch_path(f, FILE_), 0660), 0);
    assert_int_equal(chown(scratch_path(f, FILE_), 0, test_gid), 0);
    assert_ok(f, ensure(f, NULL, "cinder nova", false, true));
    assert_string_equal(messages(f), "");
    assert_string_equal(slurp(f, FILE_), "{\"request\": {}}");
}

/* With the system's own groupadd and gpasswd. */
TEST_IN_ROOT(for_real)
{
    if (!real_root || access("/usr/sbin/groupadd", X_OK) != 0 ||
        access("/usr/bin/gpasswd", X_OK) != 0)
        skip();
    struct sp_bytes host = scratch_slurp(f, "/etc/group");
    /* they don't like lines that are no entries */
    scratch_puts(f, "root/etc/passwd",
                 "root:x:0:0:root:/root:/bin/sh\nnova:x:991:991::/:/bin/false\n"
                 "cinder:x:992:992::/:/bin/false\n");
    scratch_puts(f, "root/etc/group",
                 "root:x:0:\nlibvirt:x:300:other,nova\nnova:x:991:\ncinder:x:992:nova\n");
    assert_ok(f, ensure(f, "sp-test-only", "cinder nova", false, false));
    assert_int_equal(report.lines.count, 6);
    const char *group = slurp(f, "root/etc/group"), *line = strstr(group, "sp-test-only:");
    assert_non_null(strstr(group, "libvirt:x:300:other,nova\n"));
    assert_non_null(strstr(group, "cinder:x:992:nova\n"));
    assert_non_null(line);
    assert_non_null(strstr(line, ":cinder,nova\n"));
    unsigned gid = (unsigned)strtoul(strchr(strchr(line, ':') + 1, ':') + 1, NULL, 10);
    assert_true(gid > 0 && gid < 1000); /* a system group: SYS_GID_MAX of login.defs(5) */
    assert_owned(f, SPOOL, S_IFDIR | 0770, gid);
    assert_owned(f, FILE_, S_IFREG | 0660, gid);
    assert_ok(f, ensure(f, "sp-test-only", "cinder nova", false, false));
    assert_string_equal(messages(f), "");
    /* one more account later: the others stay */
    assert_ok(f, ensure(f, "sp-test-only", "root", false, false));
    assert_non_null(strstr(slurp(f, "root/etc/group"), ":cinder,nova,root\n"));
    assert_true(sp_bytes_equal(host, scratch_slurp(f, "/etc/group")));
}

TEST_IN_ROOT(missing_account)
{
    NEED_OWNER();
    assert_ok(f, ensure(f, NULL, "glance nova", false, true));
    assert_non_null(strstr(messages(f),
                           "W:there is no account glance in , so it was not added to the "
                           "group spopenstack\nadded nova to"));
    assert_true(scratch_exists(f, FILE_));
    /* no accounts at all, as in an image that has nothing but files */
    scratch_unlink(f, "root/etc/passwd");
    assert_ok(f, ensure(f, NULL, "nova", false, true));
    assert_true(report.lines.items[0].warning);
    assert_int_equal(report.lines.count, 1);
}

TEST_IN_ROOT(dry_run)
{
    struct sp_bytes before = scratch_slurp(f, scratch_path(f, "root/etc/group"));
    assert_ok(f, ensure(f, NULL, "nova glance", true, true));
    assert_string_equal(
        messages(f),
        "would have created the system group spopenstack\n"
        "would have added nova to the group spopenstack\n"
        "W:there is no account glance in , so it was not added to the group spopenstack\n"
        "services that run as nova would need a restart to take the new group up\n"
        "would have created the directory /var/spool/openstack-storpool\n"
        "would have created /var/spool/openstack-storpool/openstack-attach.json\n");
    assert_false(scratch_exists(f, SPOOL));
    assert_false(scratch_exists(f, "calls"));
    assert_true(sp_bytes_equal(before, scratch_slurp(f, scratch_path(f, "root/etc/group"))));

    scratch_mkdir(f, SPOOL, 0755);
    assert_ok(f, ensure(f, NULL, "", true, true));
    assert_non_null(strstr(messages(f),
                           "would have set the owner of /var/spool/openstack-storpool to "
                           "root:spopenstack\nwould have set the mode of "
                           "/var/spool/openstack-storpool to 0770\nwould have created "
                           "/var/spool/openstack-storpool/openstack-attach.json\n"));
    struct stat st;
    assert_int_equal(stat(scratch_path(f, SPOOL), &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0755);
    assert_false(scratch_exists(f, FILE_));

    assert_int_equal(rmdir(scratch_path(f, SPOOL)), 0);
    assert_int_equal(rmdir(scratch_path(f, "root/var/spool")), 0);
    assert_ok(f, ensure(f, NULL, "", true, true));
    assert_int_equal(report.lines.count, 3);
    assert_false(scratch_exists(f, "root/var/spool"));
}

TEST_IN_ROOT(repair)
{
    NEED_OWNER();
    assert_ok(f, ensure(f, NULL, "", false, true));
    assert_int_equal(chmod(scratch_path(f, SPOOL), 0755), 0);
    assert_int_equal(chmod(scratch_path(f, FILE_), 04644), 0);
    assert_ok(f, ensure(f, NULL, "", false, true));
    assert_string_equal(messages(f), "set the mode of /var/spool/openstack-storpool to 0770\n"
                                     "set the mode of /var/spool/openstack-storpool/"
                                     "openstack-attach.json to 0660\n");
    assert_owned(f, SPOOL, S_IFDIR | 0770, test_gid);
    assert_owned(f, FILE_, S_IFREG | 0660, test_gid);
    /* the set-group-id bit is somebody's wish */
    assert_int_equal(chmod(scratch_path(f, SPOOL), 02770), 0);
    assert_ok(f, ensure(f, NULL, "", false, true));
    assert_string_equal(messages(f), "");
    assert_owned(f, SPOOL, S_IFDIR | 02770, test_gid);
    if (!real_root)
        return;
    assert_int_equal(chown(scratch_path(f, SPOOL), 991, 991), 0);
    assert_int_equal(chown(scratch_path(f, FILE_), 991, 991), 0);
    assert_ok(f, ensure(f, NULL, "", false, true));
    assert_string_equal(messages(f), "set the owner of /var/spool/openstack-storpool to "
                                     "root:spopenstack\n"
                                     "set the owner of /var/spool/openstack-storpool/"
                                     "openstack-attach.json to root:spopenstack\n");
    assert_owned(f, SPOOL, S_IFDIR | 02770, test_gid);
    assert_owned(f, FILE_, S_IFREG | 0660, test_gid);
}

/* /var/spool is made when it is missing, and may be a link of the administrator's. */
TEST_IN_ROOT(parent)
{
    NEED_OWNER();
    assert_int_equal(rmdir(scratch_path(f, "root/var/spool")), 0);
    assert_int_equal(rmdir(scratch_path(f, "root/var")), 0);
    assert_ok(f, ensure(f, NULL, "", false, true));
    assert_owned(f, "root/var/spool", S_IFDIR | 0755, 0);
    assert_owned(f, SPOOL, S_IFDIR | 0770, test_gid);

    assert_int_equal(rename(scratch_path(f, "root/var"), scratch_path(f, "root/srv")), 0);
    scratch_symlink(f, "/srv", "root/var");
    assert_ok(f, ensure(f, NULL, "", false, true));
    assert_string_equal(messages(f), "");
}

/* What a member of the group, or anybody else, could plant. */
TEST_IN_ROOT(planted)
{
    NEED_OWNER();
    struct stat st;
    scratch_mkdir(f, "root/target", 0700);
    scratch_puts(f, "root/secret", "secret");
    assert_int_equal(chmod(scratch_path(f, "root/secret"), 0600), 0);

    scratch_symlink(f, "/target", SPOOL);
    assert_fails(f, ensure(f, NULL, "", false, true), SP_ERROR_REFUSED,
                 "/var/spool/openstack-storpool is not a directory, or is a symbolic link");
    assert_fails(f, ensure(f, NULL, "", true, true), SP_ERROR_REFUSED, "symbolic link");
    scratch_unlink(f, SPOOL);
    scratch_symlink(f, "/nowhere", SPOOL);
    assert_fails(f, ensure(f, NULL, "", false, true), SP_ERROR_REFUSED, "symbolic link");
    scratch_unlink(f, SPOOL);
    scratch_puts(f, SPOOL, "");
    assert_fails(f, ensure(f, NULL, "", false, true), SP_ERROR_REFUSED, "not a directory");
    scratch_unlink(f, SPOOL);
    assert_int_equal(mkfifo(scratch_path(f, SPOOL), 0600), 0);
    assert_fails(f, ensure(f, NULL, "", false, true), SP_ERROR_REFUSED, "not a directory");
    scratch_unlink(f, SPOOL);

    scratch_mkdir(f, SPOOL, 0770);
    const char *file = scratch_path(f, FILE_);
    static const char *const links[] = {"/secret", "../../../secret", "nothing",
                                        "openstack-attach.json"};
    for (size_t i = 0; i < COUNT(links); i++) {
        assert_int_equal(symlink(links[i], file), 0);
        assert_fails(f, ensure(f, NULL, "", false, true), SP_ERROR_REFUSED,
                     "openstack-attach.json is a symbolic link");
        assert_fails(f, ensure(f, NULL, "", true, true), SP_ERROR_REFUSED,
                     "openstack-attach.json is a symbolic link");
        assert_int_equal(unlink(file), 0);
    }
    assert_false(scratch_exists(f, SPOOL "/nothing"));
    assert_int_equal(link(scratch_path(f, "root/secret"), file), 0);
    assert_fails(f, ensure(f, NULL, "", false, true), SP_ERROR_REFUSED, "more than one name");
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
    assert_fails(f, ensure(f, NULL, "", false, true), SP_ERROR_REFUSED, "is a FIFO");
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkdir(file, 0700), 0);
    assert_fails(f, ensure(f, NULL, "", false, true), SP_ERROR_REFUSED, "is a directory");
    assert_int_equal(rmdir(file), 0);

    assert_int_equal(stat(scratch_path(f, "root/secret"), &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    assert_int_equal(st.st_gid, getegid());
    assert_string_equal(slurp(f, "root/secret"), "secret");
    assert_int_equal(stat(scratch_path(f, "root/target"), &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0700);
    assert_ok(f, ensure(f, NULL, "", false, true));
}

/* Into the file that is there, with its owner and mode. */
static void put_content(struct fixture *f, const char *text)
{
    FILE *file = fopen(scratch_path(f, FILE_), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

TEST_IN_ROOT(content)
{
    NEED_OWNER();
    assert_ok(f, ensure(f, NULL, "", false, true));
    static const char *const good[] = {"", "\n", "{}", " {\"a\": {}}\n"};
    for (size_t i = 0; i < COUNT(good); i++) {
        put_content(f, good[i]);
        assert_ok(f, ensure(f, NULL, "", false, true));
        assert_string_equal(messages(f), "");
        assert_string_equal(slurp(f, FILE_), good[i]);
    }
    static const char *const bad[] = {"[]", "{\"a\":", "not JSON\n", "{", "}", "x{}"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        put_content(f, bad[i]);
        assert_ok(f, ensure(f, NULL, "", false, true));
        assert_int_equal(report.lines.count, 1);
        assert_true(report.lines.items[0].warning);
        assert_non_null(strstr(messages(f), "openstack-attach.json' is no JSON object"));
        assert_string_equal(slurp(f, FILE_), bad[i]);
    }
    assert_int_equal(truncate(scratch_path(f, FILE_), (off_t)1 << 30), 0);
    assert_ok(f, ensure(f, NULL, "", false, true));
    assert_non_null(strstr(messages(f),
                           "W:'/var/spool/openstack-storpool/openstack-attach.json' is "
                           "larger than"));
}

TEST_IN_ROOT(programs_fail)
{
    stand_in(f, "groupadd",
             "printf 'usage\\ngroupadd: cannot lock \\033[1m/etc/group; try again later.\\n' >&2; "
             "exit 10");
    assert_int_equal(ensure(f, NULL, "nova", false, true), -1);
    assert_int_equal(f->err.kind, SP_ERROR_SYSTEM);
    assert_non_null(strstr(f->err.message, "cannot create the group 'spopenstack': "));
    assert_non_null(strstr(f->err.message, "/bin/groupadd failed with exit status 10: "));
    assert_non_null(strstr(f->err.message, "/etc/group; try again later."));
    assert_int_equal(report.lines.count, 0);
    sp_error_clear(&f->err);

    stand_in(f, "groupadd", "exit 0");
    assert_fails(f, ensure(f, NULL, "nova", false, true), SP_ERROR_SYSTEM, "yet it is not there");
    stand_in(f, "groupadd", "kill -9 $$");
    assert_fails(f, ensure(f, NULL, "nova", false, true), SP_ERROR_SYSTEM, "signal 9");
    scratch_unlink(f, "bin/groupadd");
    assert_fails(f, ensure(f, NULL, "nova", false, true), SP_ERROR_SYSTEM,
                 "the program groupadd is needed and is not there");

    stand_ins(f);
    stand_in(f, "gpasswd", "echo 'gpasswd: no' >&2; exit 3");
    assert_fails(f, ensure(f, NULL, "nova", false, true), SP_ERROR_SYSTEM,
                 "cannot add 'nova' to the group 'spopenstack': ");
    assert_string_equal(messages(f), "created the system group spopenstack\n");
}

TEST_IN_ROOT(names)
{
    static const char *const bad[] = {"",    "-f",  "--root=/", "a b",   "a:b",
                                      "a,b", "a/b", "a\nb",     "a\x1b", "a'b"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_fails(f, ensure(f, bad[i], "", true, true), SP_ERROR_REFUSED,
                     "cannot be the name of a group");
    assert_fails(f, ensure(f, NULL, "nova -x", true, true), SP_ERROR_REFUSED,
                 "'-x' cannot be the name of an account");
    assert_false(scratch_exists(f, "calls"));
}

TEST_IN_ROOT(files)
{
    /* a member by the primary group alone; names that only start or end alike are others */
    scratch_puts(f, "root/etc/group", "spopenstackx:x:1:nova\nspopenstack:x:991:xcinder,cinderx\n");
    assert_ok(f, ensure(f, NULL, "nova cinder", true, true));
    assert_null(strstr(messages(f), "nova"));
    assert_non_null(strstr(messages(f), "would have added cinder"));
    static const char *const bad[] = {"spopenstack:x::\n", "spopenstack:x:-1:\n",
                                      "spopenstack:x:12x:\n", "spopenstack:x:4294967295:\n",
                                      "spopenstack:x:99999999999999999999:\n"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        scratch_puts(f, "root/etc/group", bad[i]);
        assert_fails(f, ensure(f, NULL, "nova", true, true), SP_ERROR_REFUSED,
                     "/etc/group: the entry 'spopenstack' is damaged");
    }
    /* links are followed inside the root */
    scratch_unlink(f, "root/etc/group");
    scratch_symlink(f, "/etc/group.real", "root/etc/group");
    scratch_puts(f, "root/etc/group.real", "spopenstack:x:7:nova\n");
    assert_ok(f, ensure(f, NULL, "nova", true, true));
    assert_null(strstr(messages(f), "nova"));
    scratch_unlink(f, "root/etc/group");
    assert_int_equal(mkfifo(scratch_path(f, "root/etc/group"), 0600), 0);
    assert_fails(f, ensure(f, NULL, "nova", true, true), SP_ERROR_REFUSED, "FIFO");
}

/* The running system, looked at and not touched. */
TEST_IN_ROOT(system)
{
    struct sp_root root;
    struct sp_accounts_request request = {
        .group = "sp-no-such-group", .root = &root, .dry_run = true};
    struct sp_group found;
    assert_ok(f, sp_root_open("/", &root, &f->err));
    *SP_PUSH(f->pool, &request.users) = "root";
    *SP_PUSH(f->pool, &request.users) = "sp-no-such-account";
    memset(&report, 0, sizeof(report));
    assert_ok(f, sp_accounts_ensure(f->pool, &request, &found, &report, &f->err));
    assert_string_equal(report.lines.items[0].text,
                        "would have created the system group sp-no-such-group");
    assert_string_equal(report.lines.items[1].text,
                        "would have added root to the group sp-no-such-group");
    assert_string_equal(report.lines.items[2].text,
                        "there is no account sp-no-such-account, so it was not added to the group "
                        "sp-no-such-group");
    memset(&report, 0, sizeof(report));
    request.group = "root"; /* the primary group of root everywhere on Linux */
    request.users.count = 1;
    assert_ok(f, sp_accounts_ensure(f->pool, &request, &found, &report, &f->err));
    for (size_t i = 0; i < report.lines.count; i++)
        assert_null(strstr(report.lines.items[i].text, "added"));
    sp_root_close(&root);
}
