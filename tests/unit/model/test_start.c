/* SPDX-License-Identifier: Apache-2.0 */
/* How a program is started, on hosts of each deployment. The texts are ours, after the packages'. */
#include "environments.h"

#include "model/start.h"

#define SYSTEM "usr/lib/systemd/system/"
#define LOCAL  "etc/systemd/system/"
#define WANTS  LOCAL "multi-user.target.wants/"

/* As openstack-pkg-tools of Debian and Ubuntu makes it of its template. */
#define DEBIAN_SCRIPT(project, part)                                                               \
    "#!/bin/sh\n"                                                                                  \
    "PROJECT_NAME=" project "\n"                                                                   \
    "NAME=${PROJECT_NAME}-" part "\n"                                                              \
    "if [ -z \"${DAEMON}\" ] ; then\n"                                                             \
    "\tDAEMON=/usr/bin/${NAME}\n"                                                                  \
    "fi\n"                                                                                         \
    "if [ -z \"${CONFIG_FILE}\" ] ; then\n"                                                        \
    "\tCONFIG_FILE=/etc/${PROJECT_NAME}/${PROJECT_NAME}.conf\n"                                    \
    "fi\n"                                                                                         \
    "LOGFILE=/var/log/${PROJECT_NAME}/${NAME}.log\n"                                               \
    "DAEMON_ARGS=\"${DAEMON_ARGS} --config-file=${CONFIG_FILE}\"\n"                                \
    "if [ -f /etc/nova/nova-compute.conf ] ; then\n"                                               \
    "\tDAEMON_ARGS=\"$DAEMON_ARGS --config-file=/etc/nova/nova-compute.conf\"\n"                   \
    "fi\n"                                                                                         \
    "[ -x $DAEMON ] || exit 0\n"                                                                   \
    "[ -r /etc/default/openstack ] && . /etc/default/openstack\n"                                  \
    "[ -r /etc/default/$NAME ] && . /etc/default/$NAME\n"                                          \
    "[ \"x$USE_LOGFILE\" != \"xno\" ] && DAEMON_ARGS=\"$DAEMON_ARGS --log-file=$LOGFILE\"\n"       \
    "do_start() {\n"                                                                               \
    "\tstart-stop-daemon --start --quiet --background --chuid nova:nova --make-pidfile \\\n"       \
    "\t\t--pidfile ${PIDFILE} --startas $DAEMON --test > /dev/null || return 1\n"                  \
    "\tstart-stop-daemon --start --quiet --startas $DAEMON -- $DAEMON_ARGS || return 2\n"          \
    "}\n"                                                                                          \
    "do_systemd_start() {\n"                                                                       \
    "\texec $DAEMON $DAEMON_ARGS\n"                                                                \
    "}\n"

/* "KIND NAME: ARGV" for each start, sorted as found. */
static const char *find(struct fixture *f, struct memory *m, const char *program)
{
    static const char *const kinds[] = {"unit", "upstart", "script", "container"};
    sp_starts found = {NULL, 0, 0};
    const char *text = "";
    assert_ok(f, sp_starts_find(f->pool, &m->tree, program, &found, &f->err));
    for (size_t i = 0; i < found.count; i++)
        text = sp_pool_printf(f->pool, "%s%s%s %s: %s", text, i ? "; " : "",
                              kinds[found.items[i].kind], found.items[i].name,
                              sp_strv_join(f->pool, &found.items[i].argv, " "));
    return text;
}

#define FIND(program, ...)                                                                         \
    find(f,                                                                                        \
         system_of_files(f, (const char *const[][2]){__VA_ARGS__},                                 \
                         COUNT(((const char *const[][2]){__VA_ARGS__}))),                          \
         program)

TEST(rdo)
{
    assert_string_equal(
        FIND("cinder-volume",
             {SYSTEM "openstack-cinder-volume.service",
              "[Unit]\nDescription=x\n[Service]\nType=simple\nUser=cinder\n"
              "ExecStart=/usr/bin/cinder-volume --config-file /usr/share/cinder/cinder-dist.conf "
              "--config-file /etc/cinder/cinder.conf --logfile /var/log/cinder/volume.log\n"},
             {SYSTEM "openstack-cinder-backup.service",
              "[Service]\nExecStart=/usr/bin/cinder-backup\n"}),
        "unit openstack-cinder-volume: /usr/bin/cinder-volume --config-file "
        "/usr/share/cinder/cinder-dist.conf --config-file /etc/cinder/cinder.conf --logfile "
        "/var/log/cinder/volume.log");
}

TEST(debian)
{
    static const char script[] = DEBIAN_SCRIPT("nova", "compute");
    static const char unit[] =
        "[Service]\nUser=nova\nExecStart=/etc/init.d/nova-compute systemd-start\n";
    assert_string_equal(
        FIND("nova-compute", {"lib/systemd/system/nova-compute.service", unit},
             {"etc/init.d/nova-compute", script}),
        "unit nova-compute: /usr/bin/nova-compute --config-file=/etc/nova/nova.conf "
        "--log-file=/var/log/nova/nova-compute.log");
    assert_string_equal(
        FIND("nova-compute", {"lib/systemd/system/nova-compute.service", unit},
             {"etc/init.d/nova-compute", script}, {"etc/nova/nova-compute.conf", ""},
             {"etc/default/nova-compute", "DAEMON_ARGS=\"$DAEMON_ARGS --config-dir /etc/n.d\"\n"}),
        "unit nova-compute: /usr/bin/nova-compute --config-file=/etc/nova/nova.conf "
        "--config-file=/etc/nova/nova-compute.conf --config-dir /etc/n.d "
        "--log-file=/var/log/nova/nova-compute.log");
    /* without systemd the script itself */
    assert_string_equal(
        FIND("cinder-backup", {"etc/init.d/cinder-backup", DEBIAN_SCRIPT("cinder", "backup")}),
        "script cinder-backup: /usr/bin/cinder-backup "
        "--config-file=/etc/cinder/cinder.conf "
        "--log-file=/var/log/cinder/cinder-backup.log");
}

TEST(upstart)
{
    static const char job[] = "description \"Cinder volume\"\nstart on runlevel [2345]\n"
                              "script\n"
                              "  [ -r /etc/default/$UPSTART_JOB ] && . /etc/default/$UPSTART_JOB\n"
                              "  exec start-stop-daemon --start --chdir /var/lib/cinder \\\n"
                              "    --chuid cinder:cinder --exec /usr/bin/cinder-volume -- \\\n"
                              "    --config-file=/etc/cinder/cinder.conf ${DAEMON_ARGS}\n"
                              "end script\n";
    assert_string_equal(FIND("cinder-volume", {"etc/init/cinder-volume.conf", job},
                             {"etc/default/cinder-volume", "DAEMON_ARGS='--debug -v'\n"}),
                        "upstart cinder-volume: /usr/bin/cinder-volume "
                        "--config-file=/etc/cinder/cinder.conf --debug -v");
    assert_string_equal(FIND("nova-compute", {"etc/init/nova-compute.conf",
                                              "exec su -s /bin/sh -c \"exec /v/bin/nova-compute "
                                              "--config-file=/a b\" nova\n"}),
                        "upstart nova-compute: /v/bin/nova-compute --config-file=/a b");
}

TEST(openstack_ansible)
{
    assert_string_equal(
        FIND("cinder-volume",
             {LOCAL "cinder-volume.service",
              "[Service]\nEnvironment=\"PATH=/bin\" VENV=/openstack/venvs/cinder-15\n"
              "ExecStart=${VENV}/bin/cinder-volume --log-file=/var/log/x.log\n"}),
        "unit cinder-volume: /openstack/venvs/cinder-15/bin/cinder-volume "
        "--log-file=/var/log/x.log");
}

TEST(devstack)
{
    assert_string_equal(
        FIND("nova-compute",
             {LOCAL "devstack@n-cpu.service",
              "[Service]\nExecStart = /usr/bin/sg libvirt \"/usr/local/bin/nova-compute "
              "--config-file /etc/nova/nova-cpu.conf\"\n"},
             {LOCAL "devstack@c-vol.service",
              "[Service]\nExecStart=/usr/local/bin/cinder-volume\n"}),
        "unit devstack@n-cpu: /usr/local/bin/nova-compute --config-file /etc/nova/nova-cpu.conf");
}

TEST(containers)
{
    assert_string_equal(
        FIND("cinder-volume",
             {"etc/kolla/cinder-volume/config.json",
              "{\n  \"command\": \"cinder-volume --config-file /etc/cinder/cinder.conf\",\n"
              "  \"config_files\": []\n}\n"}),
        "container cinder_volume: cinder-volume --config-file /etc/cinder/cinder.conf");
    assert_string_equal(
        FIND("nova-compute",
             {"var/lib/kolla/config_files/nova_compute.json",
              "{\"command\": \"/usr/bin/nova-compute --config-file /etc/nova/nova.conf\"}"}),
        "container nova_compute: /usr/bin/nova-compute --config-file /etc/nova/nova.conf");
    assert_string_equal(FIND("nova-compute", {"etc/kolla/nova-compute/config.json", "{ broken"}),
                        "container nova_compute: ");
}

TEST(several_units)
{
    assert_string_equal(
        FIND("cinder-volume",
             {SYSTEM "cinder-volume.service", "[Service]\nExecStart=/a/cinder-volume\n"},
             {LOCAL "volume-of-cinder.service", "[Service]\nExecStart=/b/cinder-volume\n"}),
        "unit volume-of-cinder: /b/cinder-volume; unit cinder-volume: /a/cinder-volume");
    assert_string_equal(
        FIND("cinder-volume",
             {SYSTEM "cinder-volume.service", "[Service]\nExecStart=/a/cinder-volume\n"},
             {LOCAL "volume-of-cinder.service", "[Service]\nExecStart=/b/cinder-volume\n"},
             {WANTS "cinder-volume.service", ""}),
        "unit cinder-volume: /a/cinder-volume");
    /* instances of a template; specifiers */
    assert_string_equal(
        FIND("cinder-volume",
             {SYSTEM "cinder-volume@.service",
              "[Service]\nExecStart=/a/cinder-volume --config-file /etc/cinder/%i.conf %p 100%%\n"},
             {WANTS "cinder-volume@ssd.service", ""}, {WANTS "cinder-volume@hdd.service", ""}),
        "unit cinder-volume@hdd: /a/cinder-volume --config-file /etc/cinder/hdd.conf cinder-volume "
        "100%; unit cinder-volume@ssd: /a/cinder-volume --config-file /etc/cinder/ssd.conf "
        "cinder-volume 100%");
}

TEST(names_without_a_command)
{
    assert_string_equal(FIND("nova-compute", {SYSTEM "nova-compute.service",
                                              "[Service]\nExecStart=/usr/local/bin/wrapper\n"}),
                        "unit nova-compute: ");
    assert_string_equal(
        FIND("nova-compute", {LOCAL "nova-compute.service", NULL},
             {SYSTEM "nova-compute.service", "[Service]\nExecStart=/usr/bin/nova-compute\n"}),
        "");
    assert_string_equal(FIND("nova-compute", {SYSTEM "nova-api.service",
                                              "[Service]\nExecStart=/usr/bin/nova-api\n"}),
                        "");
}

TEST(unit_syntax)
{
    static const char text[] = "[Service]\n"
                               "Environment=A=1 'B=x y'\n"
                               "EnvironmentFile=-/etc/default/nova\n"
                               "EnvironmentFile=/none\n"
                               "# ExecStart=/no/bin/nova-compute\n"
                               "ExecStart=-/usr/bin/env -i \\\n"
                               "# a comment in between\n"
                               "   /v/bin/python -m nova.cmd.compute $A ${B} \\\n"
                               "   $C ${D}\n"
                               "[Install]\nExecStart=/no/bin/nova-compute\n";
    assert_string_equal(FIND("nova-compute", {SYSTEM "nova-compute.service", text},
                             {"etc/default/nova", "; a comment\nC=\"c d\"\nD=it's $A # x\nA=2\n"}),
                        "unit nova-compute: nova.cmd.compute 2 x y c d it's $A # x");
    assert_string_equal(
        FIND("nova-compute",
             {SYSTEM "nova-compute.service", "[Service]\nExecStart=@/v/bin/nova-compute nova x\n"}),
        "unit nova-compute: /v/bin/nova-compute x");
}

TEST(python_path)
{
    static const char *const files[][2] = {
        {SYSTEM "nova-compute.service",
         "[Service]\nEnvironment=PYTHONPATH=/one\nExecStart=/usr/bin/nova-compute\n"},
        {SYSTEM "nova-compute.service.d/a.conf",
         "[Service]\nEnvironment=PYTHONPATH=/two:/three\n"}};
    sp_starts found = {NULL, 0, 0};
    struct memory *m = system_of_files(f, files, COUNT(files));
    assert_ok(f, sp_starts_find(f->pool, &m->tree, "nova-compute", &found, &f->err));
    assert_int_equal(found.count, 1);
    assert_string_equal(found.items[0].settings.path, "/two:/three");
    assert_string_equal(sp_strv_join(f->pool, &found.items[0].files, " "),
                        SYSTEM "nova-compute.service " SYSTEM "nova-compute.service.d/a.conf");
    assert_string_equal(found.items[0].deployment, "Debian, Ubuntu or OpenStack-Ansible");
}

TEST(unit_of_a_start)
{
    struct sp_start start = {.kind = SP_START_UNIT, .name = "nova-compute"};
    assert_true(sp_start_is_unit(&start, "nova-compute.service"));
    assert_false(sp_start_is_unit(&start, "nova-compute"));
    assert_false(sp_start_is_unit(&start, "nova-compute@2.service"));
    assert_false(sp_start_is_unit(&start, "nova.service"));
    assert_false(sp_start_is_unit(&start, NULL));
    start.kind = SP_START_SCRIPT;
    assert_false(sp_start_is_unit(&start, "nova-compute.service"));
}
