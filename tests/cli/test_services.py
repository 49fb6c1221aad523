# SPDX-License-Identifier: Apache-2.0
"""services: real processes, in a PID and a mount namespace of the test's own, with a systemctl and
a service of the test's own."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys

import lib
from lib import Case, Host, is_wrapped, write

INSTALL = "SP install --no-groups nova >/dev/null; "
UNIT = "[Service]\nExecStart=/usr/bin/%s --config-file /etc/x --password canary-secret\n"
# the program is a script: the kernel calls its process so
PROGRAM = "#!/bin/sh\nsleep 60 & wait\n"
MANAGER = """#!/bin/sh
echo "$0 $*" >>%(log)s
test ! -e %(top)s/broken || exit 0
kill $(cat %(top)s/pid)
%(top)s/bin/nova-compute --token canary-secret >/dev/null 2>&1 &
echo $! >%(top)s/pid
"""
# a root in which the sign of a container that this host may be is not there
HIDE = """
mount --make-rprivate /
mkdir -p %(top)s/root
mount -t tmpfs none %(top)s/root
for name in /*; do
    if [ -L "$name" ]; then cp -P "$name" %(top)s/root
    elif [ -d "$name" ]; then mkdir "%(top)s/root$name"; mount --rbind "$name" "%(top)s/root$name"
    fi
done
exec chroot %(top)s/root sh %(top)s/inside
"""
INSIDE = """
mount --make-rprivate /
mount --bind %(top)s/sbin /usr/sbin
mount --bind %(top)s/etc /etc
mount -t tmpfs none /run
mount -t tmpfs none /var/lib
%(before)s
start() {
    "$@" %(top)s/bin/nova-compute --token canary-secret >/dev/null 2>&1 &
    echo $! >%(top)s/pid
    sleep 0.2
}
stop() { kill $(cat %(top)s/pid); wait $(cat %(top)s/pid); }
start
%(script)s
"""


# a /dev of its own; the directories of the tests may be in /dev/shm
DEV = """
mkdir %(top)s/dev
mount -t tmpfs -o mode=755 none %(top)s/dev
mknod %(top)s/dev/null c 1 3
mkdir %(top)s/dev/shm
mount --rbind /dev/shm %(top)s/dev/shm
mount --rbind %(top)s/dev /dev
"""


class Namespaces(Case):
    """Real processes, in namespaces of the test's own."""

    def setUp(self):
        super().setUp()
        self.needs_root()
        if is_wrapped() or not shutil.which("unshare") or subprocess.run(
                ["unshare", "-mpfC", "--mount-proc", "true"], check=False,
                stderr=subprocess.DEVNULL).returncode:
            self.skipTest("no namespaces of one's own here")
        self.system = self.host("newton")
        self.log = os.path.join(self.tmp, "log")
        names = {"top": self.tmp, "log": self.log}
        write(self.tmp + "/bin/nova-compute", PROGRAM, 0o755)
        for name in ("systemctl", "service"):
            write("%s/sbin/%s" % (self.tmp, name), MANAGER % names, 0o755)
        etc = os.path.join(self.tmp, "etc")
        os.makedirs(etc + "/systemd/system")
        for name in ("passwd", "group", "ld.so.cache", "nsswitch.conf"):
            if os.path.exists("/etc/" + name):
                shutil.copy2("/etc/" + name, etc)
        write(etc + "/systemd/system/openstack-nova-compute.service", UNIT % "nova-compute")
        write(etc + "/machine-id", "0123456789abcdef" * 2 + "\n")

    def inside(self, script, before="mkdir -p /run/systemd/system", hide=False):
        """Runs the script once the service runs; SP is the program with its options."""
        call = "%s -L %s" % (lib.PROGRAM, self.system.path(self.system.site))
        text = INSIDE % {"top": self.tmp, "before": before, "script": script.replace("SP", call)}
        write(self.tmp + "/inside", text)
        if hide:
            text = HIDE % {"top": self.tmp}
        done = subprocess.run(["unshare", "-mpfC", "--mount-proc", "sh", "-c", text],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd="/",
                              stderr=subprocess.PIPE, text=True, env=lib.environment(),
                              timeout=lib.TIMEOUT, check=False)
        self.assertNotIn("canary-secret", done.stdout + done.stderr)
        return lib.Result([script], done.returncode, done.stdout, done.stderr)

    def calls(self):
        return lib.read(self.log).decode().splitlines() if os.path.exists(self.log) else []

    def python(self, program="nova-compute"):
        """A program whose command line tells its arguments; its interpreter."""
        python = shutil.which("python3", path=lib.environment()["PATH"])
        if not python:
            self.skipTest("no Python 3 among the system's programs")
        write("%s/bin/%s" % (self.tmp, program),
              "#!%s\nimport time\ntime.sleep(60)\n" % python, 0o755)
        return python


class Services(Namespaces):
    def test_nothing_integrated(self):
        self.expect(0, self.inside("SP services"), "nothing is integrated")

    def test_doctor_and_the_log(self):
        """The process says which files are read. Neither its arguments nor lines of files are in
        any output, or reach syslog(3)."""
        log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(log.close)
        log.bind(self.tmp + "/dev-log")
        log.settimeout(0.2)
        self.python()
        write(self.tmp + "/etc/nova/x.conf", "[DEFAULT]\ncanary-secret\n")
        write(self.tmp + "/etc/storpool.conf", "canary-secret\n")
        result = self.inside(
            "stop; start_with() { %s/bin/nova-compute --config-file /etc/nova/x.conf --token "
            "canary-secret >/dev/null 2>&1 & echo $! >%s/pid; sleep 0.2; }; start_with; "
            "SP install --no-groups nova; SP doctor; SP doctor -vvv; SP doctor -j; "
            "SP doctor --junit %s/x.xml; cat %s/x.xml; SP check -vvv; %s reapply; "
            "logger -s -p daemon.notice done; exit 1" % ((self.tmp,) * 4 + (lib.PROGRAM,)),
            before="mkdir -p /run/systemd/system\n%s: >/dev/log\nmount --bind %s/dev-log /dev/log"
            % (DEV % {"top": self.tmp}, self.tmp))
        self.expect(1, result, "/etc/nova/x.conf:\n  2: error", "nova-compute, by process",
                    "/etc/storpool.conf:\n  1: error")
        lines = b""
        try:
            while True:
                lines += log.recv(65536)
        except socket.timeout:
            pass
        self.assertNotIn(b"canary-secret", lines)

    def test_stale_and_restarted(self):
        result = self.inside("SP install --no-groups nova && SP check nova; SP services; echo =$?; "
                             "SP services -n --restart; SP services --restart && SP services")
        self.expect(0, result, "systemctl restart openstack-nova-compute\n", "needs-restart",
                    "was changed after it started", "=1\n", "would run: /usr/sbin/systemctl",
                    "openstack-nova-compute is restarted", "up-to-date")
        self.assertEqual(result.out.count("systemctl restart openstack-nova-compute\n"), 2)
        self.assertEqual(self.calls(),
                         ["/usr/sbin/systemctl try-restart openstack-nova-compute.service"])

    def test_rollback(self):
        result = self.inside("%s%s rollback; %skill $(cat %s/pid); %s rollback -j"
                             % (INSTALL, lib.PROGRAM, INSTALL, self.tmp, lib.PROGRAM))
        self.expect(0, result, "as before transaction 1\nto restart the services that run the old "
                    "code, run: systemctl restart openstack-nova-compute\n", '"services": []')

    def test_nothing_runs(self):
        result = self.inside("kill $(cat %s/pid); SP install --no-groups nova; SP services"
                             % self.tmp)
        self.expect(0, result, "not-running")
        self.assertNotIn("systemctl restart", result.out)

    def test_without_systemd(self):
        os.unlink(self.tmp + "/etc/systemd/system/openstack-nova-compute.service")
        write(self.tmp + "/etc/init.d/nova-compute", "#!/bin/sh\nexec /usr/bin/nova-compute\n",
              0o755)
        result = self.inside("SP install --no-groups nova && SP services --restart", before=":",
                             hide=True)
        self.expect(0, result, "service nova-compute restart", "nova-compute is restarted")
        self.assertEqual(self.calls(), ["/usr/sbin/service nova-compute restart"])

    def test_new_process_that_is_not_there(self):
        write(self.tmp + "/broken", "")
        result = self.inside("SP install --no-groups nova && timeout 50 " + "SP services --restart")
        self.expect(4, result, "no new process of nova-compute")

    def test_pacemaker(self):
        cib = "mkdir -p /run/systemd/system /var/lib/pacemaker/cib; echo '<primitive " \
            "class=\"systemd\" type=\"openstack-nova-compute\"/>' >/var/lib/pacemaker/cib/cib.xml"
        result = self.inside("SP install --no-groups nova && SP services --restart", before=cib)
        self.expect(3, result, "Pacemaker", "pcs resource restart openstack-nova-compute")
        result = self.inside("SP services -j", before=cib)
        one = [one for one in json.loads(result.out)["services"]
               if one["program"] == "nova-compute"][0]
        self.assertIn("pcs resource restart", one["obstacle"])
        write(self.tmp + "/bin/pacemakerd", PROGRAM, 0o755)
        touch = "touch %s; " % self.system.file("nova/virt/libvirt/driver.py")
        result = self.inside(touch + "SP services --restart",
                             before="mkdir -p /run/systemd/system; "
                             "%s/bin/pacemakerd >/dev/null 2>&1 &" % self.tmp)
        self.expect(3, result, "Pacemaker runs on this host")
        self.assertEqual(self.calls(), [])

    def pacemaker(self, kind, name):
        """A cluster with one resource; its daemon runs."""
        write(self.tmp + "/bin/pacemakerd", PROGRAM, 0o755)
        return "mkdir -p /run/systemd/system /var/lib/pacemaker/cib; " \
            "echo '<primitive class=\"%s\" type=\"%s\"/>' >/var/lib/pacemaker/cib/cib.xml; " \
            "%s/bin/pacemakerd >/dev/null 2>&1 &" % (kind, name, self.tmp)

    def test_one_has_an_obstacle(self):
        """Those that are ours to restart are restarted; the others are named."""
        write(self.tmp + "/bin/cinder-volume", PROGRAM, 0o755)
        write(self.tmp + "/etc/systemd/system/openstack-cinder-volume.service",
              UNIT % "cinder-volume")
        result = self.inside(
            "%s/bin/cinder-volume >/dev/null 2>&1 & sleep 0.2; SP install --no-groups >/dev/null; "
            "SP services --restart -n; echo =$?; SP services --restart; echo =$?; "
            "SP services --restart -n; echo =$?; touch %s; SP services --restart -j"
            % (self.tmp, self.system.file("nova/virt/libvirt/driver.py")),
            before=self.pacemaker("systemd", "openstack-cinder-volume"))
        self.expect(1, result, "would run: /usr/sbin/systemctl try-restart openstack-nova-compute",
                    "=1\nrun: /usr/sbin/systemctl try-restart openstack-nova-compute.service\n"
                    "openstack-nova-compute is restarted\n=1\n=3\n",
                    "cannot restart 'openstack-cinder-volume': it is a resource of Pacemaker; "
                    "run: pcs resource restart openstack-cinder-volume")
        document = json.loads(result.out[result.out.index("{"):])
        self.assertEqual(document["restarted"], ["openstack-nova-compute"])
        self.assertEqual({one["service"] for one in document["services"] if one["obstacle"] and
                          one["processes"]}, {"openstack-cinder-volume"})
        self.assertEqual(self.calls(),
                         ["/usr/sbin/systemctl try-restart openstack-nova-compute.service"] * 2)

    def test_one_fails(self):
        """The next could fail for the same reason, and is named."""
        write(self.tmp + "/bin/cinder-volume", PROGRAM, 0o755)
        write(self.tmp + "/etc/systemd/system/openstack-cinder-volume.service",
              UNIT % "cinder-volume")
        write(self.tmp + "/broken", "")
        result = self.inside("%s/bin/cinder-volume >/dev/null 2>&1 & sleep 0.2; "
                             "SP install --no-groups >/dev/null; SP services --restart" % self.tmp)
        self.expect(4, result, "no new process of cinder-volume",
                    "; still to be restarted: openstack-nova-compute\n")
        self.assertEqual(self.calls(),
                         ["/usr/sbin/systemctl try-restart openstack-cinder-volume.service"])

    def test_resource_of_another_name(self):
        """OCF agents have names of their own; while Pacemaker runs, a likely one is an obstacle."""
        for name, status in (("NovaCompute", 3), ("haproxy", 0)):
            result = self.inside("touch %s; %sSP services --restart"
                                 % (self.system.file("nova/virt/libvirt/driver.py"), INSTALL),
                                 before=self.pacemaker("ocf", name))
            self.expect(status, result, "Pacemaker runs on this host" if status else "is restarted")

    def test_container(self):
        result = self.inside("SP install --no-groups nova && SP services --restart",
                             before="mkdir /run/systemd; touch /run/.containerenv")
        self.expect(3, result, "this is a container", "docker restart")

    def test_group(self):
        """A process keeps the groups that it was started with."""
        for name, line in (("passwd", "nova:x:64060:64060::/:/bin/sh\n"),
                           ("group", "spopenstack:x:64118:nova\n")):
            with open("%s/etc/%s" % (self.tmp, name), "a", encoding="ascii") as file:
                file.write(line)
        os.chmod(self.tmp, 0o755)
        change = "setpriv --reuid 64060 --regid 64060 "
        result = self.inside(INSTALL + "stop; start %s--clear-groups; SP services -j; "
                             "SP services --restart -n; stop; start %s--groups 64118; "
                             "SP services" % (change, change))
        self.expect(0, result, "it started without the group spopenstack", "needs-restart",
                    "would run: /usr/sbin/systemctl try-restart openstack-nova-compute.service",
                    "up-to-date")
        self.assertNotIn("was changed after", result.out)

    def test_ordinary_user(self):
        """Processes of others may not be looked at."""
        os.chmod(self.tmp, 0o755)
        user = "setpriv --reuid %d --regid %d --clear-groups " % (lib.NOBODY, lib.NOBODY)
        result = self.inside(INSTALL + "%sSP services; echo =$?; "
                             "%sSP services --restart; echo =$?; %sSP doctor -v"
                             % (user, user, user))
        self.expect(1, result, "unknown", "the processes of nova-compute; run this as root\n",
                    "has to be run by root; use sudo, or --dry-run\n",
                    "this user may not look at the processes of some services [S12]")
        self.assertEqual(result.out.count("=4\n"), 2, result)

    def test_clock_that_was_set(self):
        """In a time namespace the time since the start of the machine is an hour less: as if an
        hour had gone by since, in which the clock was set back."""
        past = "unshare -T --boottime=-3600 --fork "
        if subprocess.run(past.split() + ["true"], check=False,
                          stderr=subprocess.DEVNULL).returncode:
            self.skipTest("no time namespaces here")
        driver = self.system.file("nova/virt/libvirt/driver.py")
        # by the times of the files the process is older than the change; in truth an hour younger
        result = self.inside("%s%sSP services; echo =$?; touch %s; SP services; "
                             "SP services --restart; SP doctor -v; stop; start; SP services"
                             % (past, INSTALL, driver))
        self.expect(0, result, "up-to-date", "=0\n", "unknown", "unknown: process ",
                    "the clock was set, so it cannot be told whether %s was changed after it "
                    "started" % driver, "no service needs a restart")
        self.assertEqual(self.calls(), [])

    def test_process_of_another_unit(self):
        """Somebody started it by hand: the restart of the unit would leave it as it is."""
        write(self.tmp + "/cgroup", "0::/user.slice/user-0.slice/session-2.scope\n")
        result = self.inside(INSTALL + "mount --bind %s/cgroup /proc/$(cat %s/pid)/cgroup; "
                             "SP services --restart" % (self.tmp, self.tmp))
        self.expect(3, result, "is of 'session-2.scope', not of 'openstack-nova-compute.service'; "
                    "end it, then run: systemctl start openstack-nova-compute")
        self.assertEqual(self.calls(), [])

    def environments(self):
        """Two, a and b, each with nova and a nova-compute; the command that starts both."""
        name = "python%d.%d" % sys.version_info[:2]
        for venv in ("a", "b"):
            site = "%s/lib/%s/site-packages" % (venv, name)
            host = Host(self.tmp, site)
            host.put_all("newton")
            os.mkdir(self.tmp + "/%s/bin" % venv)
            os.symlink(os.path.realpath(sys.executable), self.tmp + "/%s/bin/%s" % (venv, name))
            write(self.tmp + "/%s/pyvenv.cfg" % venv, "include-system-site-packages = false\n")
            write(self.tmp + "/%s/bin/nova-compute" % venv, "import time\ntime.sleep(60)\n")
        return name, "".join("%s/%s/bin/%s %s/%s/bin/nova-compute & pid_%s=$!; "
                             % (self.tmp, venv, name, self.tmp, venv, venv) for venv in ("a", "b"))

    def test_rollback_in_one_environment(self):
        """Only the service that has loaded what was rolled back is named."""
        name, start = self.environments()
        os.unlink(self.tmp + "/etc/systemd/system/openstack-nova-compute.service")
        for venv in ("a", "b"):
            write("%s/etc/systemd/system/nova-compute-%s.service" % (self.tmp, venv),
                  "[Service]\nExecStart=%s/%s/bin/%s %s/%s/bin/nova-compute\n"
                  % (self.tmp, venv, name, self.tmp, venv))
            write("%s/cgroup-%s" % (self.tmp, venv), "0::/nova-compute-%s.service\n" % venv)
        install = "".join("%s -L %s/%s/lib/%s/site-packages install --no-groups nova >/dev/null; "
                          % (lib.PROGRAM, self.tmp, venv, name) for venv in ("a", "b"))
        result = self.inside(
            "stop; %s %s sleep 0.3; for i in a b; do eval pid=\\$pid_$i; "
            "mount --bind %s/cgroup-$i /proc/$pid/cgroup; done; %s rollback; echo ---; "
            "%s rollback -j" % (install, start, self.tmp, lib.PROGRAM, lib.PROGRAM))
        first, second = self.expect(0, result).out.split("---\n")
        self.assertTrue(first.endswith("run: systemctl restart nova-compute-b\n"), first)
        self.assertEqual(json.loads(second)["services"], ["nova-compute-a"])

    def test_other_environment(self):
        """A change concerns the processes that import the copy which was changed, and no other."""
        name, start = self.environments()
        run = lib.PROGRAM
        result = self.inside(
            "stop; %s sleep 0.3; %s install --no-groups nova; kill $pid_a $pid_b; wait; "
            "%s sleep 0.3; touch %s/b/lib/%s/site-packages/nova/virt/libvirt/driver.py; "
            "%s services; echo a=$pid_a b=$pid_b" % (start, run, start, self.tmp, name, run))
        self.expect(0, result, "10 files changed")
        pids = dict(re.findall(r"([ab])=([0-9]+)", result.out))
        states = {pid: state for state, pid in re.findall(
            r"nova-compute +openstack-nova-compute +(\S+) +([0-9]+)", result.out)}
        self.assertEqual(states, {pids["a"]: "up-to-date", pids["b"]: "needs-restart"}, result)

    def test_doctor(self):
        """StorPool's client on a running system: what runs, the kernel, the devices, the spool."""
        etc = self.tmp + "/etc"
        for name, line in (("passwd", "nova:x:64060:64060::/:/bin/sh\n"),
                           ("group", "spopenstack:x:64118:nova\n")):
            with open("%s/%s" % (etc, name), "a", encoding="ascii") as file:
                file.write(line)
        write(etc + "/storpool.conf", "SP_AUTH_TOKEN=canary-secret\n[%s]\nSP_OURID=1\n"
              % os.uname().nodename)
        os.mkdir(etc + "/systemd/system/multi-user.target.wants")
        for name in ("storpool_beacon", "storpool_block"):
            unit = etc + "/systemd/system/%s.service" % name
            write(unit, "[Service]\nExecStart=/x\n")
            os.symlink(unit, etc + "/systemd/system/multi-user.target.wants/%s.service" % name)
            write(self.tmp + "/bin/%s.bin" % name, PROGRAM, 0o755)
        write(self.tmp + "/devices", "Block devices:\n252 StorPool\n")
        spool = "/var/spool/openstack-storpool"
        before = ["mkdir -p /run/systemd/system",
                  "mount -t tmpfs none /var/spool",
                  "mkdir -m 770 " + spool,
                  "echo {} >%s/openstack-attach.json" % spool,
                  "chmod 660 %s/*" % spool,
                  "chown -R 0:64118 " + spool,
                  DEV % {"top": self.tmp},
                  "touch /dev/sp-3",
                  "mkdir /dev/storpool",
                  "mount --bind %s/devices /proc/devices" % self.tmp]
        before += ["%s/bin/%s.bin >/dev/null 2>&1 & %s=$!" % (self.tmp, name, name)
                   for name in ("storpool_beacon", "storpool_block")]
        result = self.inside(
            INSTALL + "stop; start; SP doctor -v nova; echo ---; "
            "kill $storpool_block; rmdir /dev/storpool; SP doctor nova", before="\n".join(before),
            hide=True)
        first, second = result.out.split("---\n")
        found = re.findall(r"^ +(?:\d+: )?(\w+): (.*) \[(S\d+)\]$", first, re.M)
        self.assertEqual([name for _, _, name in found], ["S%02d" % i for i in range(1, 13)], first)
        self.assertEqual({level for level, _, _ in found}, {"ok"}, first)
        found = re.findall(r"^ +(?:\d+: )?(\w+): (.*) \[(S\d+)\]$", second, re.M)
        self.assertEqual([(level, name) for level, _, name in found],
                         [("error", "S08"), ("error", "S09")], second)
        self.assertIn("storpool_block does not run", second)
        self.assertIn("volumes are attached (1), and '/dev/storpool' is missing", second)

    def test_several_processes(self):
        """Each process of a program is looked at: its files, and its environment."""
        self.python()
        conf = "[DEFAULT]\ncompute_driver = libvirt.LibvirtDriver\n"
        for name in ("a", "b"):
            write("%s/etc/nova/%s.conf" % (self.tmp, name), conf)
        write(self.tmp + "/etc/storpool.conf", "SP_OURID=1\n")
        os.unlink(self.tmp + "/etc/systemd/system/openstack-nova-compute.service")
        start = "env S''P_AUTH_TOKEN=%s " + self.tmp + "/bin/nova-compute --config-file " \
            "/etc/nova/%s.conf >/dev/null 2>&1 & %s=$!; "
        result = self.inside(
            INSTALL + "stop; " + start % ("canary-secret", "a", "a") + start %
            ("canary-secret", "b", "b") + "sleep 0.3; "
            "SP doctor -v nova; echo ---; echo canary-secret >>/etc/nova/b.conf; kill $b; "
            + start % ("", "b", "b") + "sleep 0.3; SP doctor nova; echo ---; SP doctor -j nova; "
            "echo ---; echo $a $b; exit 1")
        first, second, third, pids = self.expect(1, result).out.split("---\n")
        self.assertIn("ok: SP_AUTH_TOKEN is set [S04]", first)
        for name in ("a", "b"):
            self.assertRegex(first, "nova-compute, by process [0-9]+, reads:\n  /etc/nova/%s.conf\n"
                             % name)
        self.assertIn("/etc/nova/b.conf:\n  3: error: ", second)
        self.assertNotIn("/etc/nova/a.conf:\n", second)
        self.assertIn("error: SP_AUTH_TOKEN is empty in the environment of nova-compute "
                      "(process %s)" % pids.split()[1], second)
        services = [(one["source"], one["files"]) for one in json.loads(third)["services"]]
        self.assertEqual([one for one in services if "process" in one[0]],
                         [("process " + pid, ["/etc/nova/%s.conf" % name])
                          for pid, name in zip(pids.split(), "ab")])

    def test_environment_that_is_not_readable(self):
        """An ordinary user is not told that there is no token."""
        self.python()
        os.chmod(self.tmp, 0o755)
        write(self.tmp + "/etc/storpool.conf", "SP_OURID=1\n")
        user = "setpriv --reuid %d --regid %d --clear-groups " % (lib.NOBODY, lib.NOBODY)
        unit = UNIT.replace("ExecStart", "EnvironmentFile=/etc/secret\nExecStart")
        write(self.tmp + "/etc/systemd/system/openstack-nova-compute.service",
              unit % "nova-compute")
        write(self.tmp + "/etc/secret", "SP_AUTH_TOKEN=canary-secret\n", 0o600)
        result = self.inside(INSTALL + "stop; SP doctor -v nova; %sSP doctor -v nova; start; "
                             "%sSP doctor -v nova; exit 1" % (user, user))
        levels = re.findall(r"(\w+): [^\n]* \[S04\]", self.expect(1, result).out)
        self.assertEqual(levels, ["ok", "unknown", "unknown"], result)

    def test_hundreds_of_processes(self):
        many = "mkdir -p /run/systemd/system; for i in $(seq 300); do sleep 60 & done"
        result = self.inside("SP install --no-groups nova >/dev/null; SP services -j", before=many)
        document = json.loads(self.expect(1, result).out)
        one = [one for one in document["services"] if one["program"] == "nova-compute"][0]
        self.assertEqual((one["service"], one["state"], len(one["processes"])),
                         ("openstack-nova-compute", "needs-restart", 1))
        self.assertIsNone(one["obstacle"])


class OtherRoot(Case):
    def test_units_only(self):
        host = self.host("newton")
        write(host.path("etc/systemd/system/devstack@n-cpu.service"), UNIT % "nova-compute")
        self.good(host, "install")
        result = self.expect(0, self.run_on(host, "services"), "devstack@n-cpu",
                             "cannot be looked at")
        self.assertNotIn("canary-secret", result.out + result.err)
        document = self.run_on(host, "services", "-j").json
        self.assertIsNone(document["services"][0]["state"])
        self.expect(3, self.run_on(host, "services", "--restart"), "--root")
