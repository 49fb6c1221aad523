# SPDX-License-Identifier: Apache-2.0
"""services: real processes, in a PID and a mount namespace of the test's own, with a systemctl and
a service of the test's own."""

import json
import os
import shutil
import subprocess

import lib
from lib import Case, is_wrapped, write

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
INSIDE = """
mount --make-rprivate /
for name in etc/systemd/system lib/systemd/system; do :; done
mount --bind %(top)s/sbin /usr/sbin
mount --bind %(top)s/etc /etc
mount -t tmpfs none /run
mount -t tmpfs none /var/lib
%(before)s
%(top)s/bin/nova-compute --token canary-secret >/dev/null 2>&1 &
echo $! >%(top)s/pid
sleep 0.2
%(script)s
"""


class Services(Case):
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

    def inside(self, script, before="mkdir -p /run/systemd/system"):
        """Runs the script once the service runs; SP is the program with its options."""
        call = "%s -L %s" % (lib.PROGRAM, self.system.path(self.system.site))
        text = INSIDE % {"top": self.tmp, "before": before, "script": script.replace("SP", call)}
        done = subprocess.run(["unshare", "-mpfC", "--mount-proc", "sh", "-c", text],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd="/",
                              stderr=subprocess.PIPE, text=True, env=lib.environment(),
                              timeout=lib.TIMEOUT, check=False)
        self.assertNotIn("canary-secret", done.stdout + done.stderr)
        return lib.Result([script], done.returncode, done.stdout, done.stderr)

    def calls(self):
        return lib.read(self.log).decode().splitlines() if os.path.exists(self.log) else []

    def test_nothing_integrated(self):
        self.expect(0, self.inside("SP services"), "nothing is integrated")

    def test_stale_and_restarted(self):
        result = self.inside("SP install --no-groups nova && SP check nova; SP services; echo =$?; "
                             "SP services -n --restart; SP services --restart && SP services")
        self.expect(0, result, "systemctl restart openstack-nova-compute\n", "needs-restart",
                    "was changed after it started", "=1\n", "would run: /usr/sbin/systemctl",
                    "openstack-nova-compute is restarted", "up-to-date")
        self.assertEqual(result.out.count("systemctl restart openstack-nova-compute\n"), 2)
        self.assertEqual(self.calls(),
                         ["/usr/sbin/systemctl try-restart openstack-nova-compute.service"])

    def test_nothing_runs(self):
        result = self.inside("kill $(cat %s/pid); SP install --no-groups nova; SP services"
                             % self.tmp)
        self.expect(0, result, "not-running")
        self.assertNotIn("systemctl restart", result.out)

    def test_without_systemd(self):
        if os.path.exists("/.dockerenv"):
            self.skipTest("this is a container, where nothing is restarted without systemd")
        os.unlink(self.tmp + "/etc/systemd/system/openstack-nova-compute.service")
        write(self.tmp + "/etc/init.d/nova-compute", "#!/bin/sh\nexec /usr/bin/nova-compute\n",
              0o755)
        result = self.inside("SP install --no-groups nova && SP services --restart", before=":")
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

    def test_container(self):
        result = self.inside("SP install --no-groups nova && SP services --restart",
                             before="mkdir /run/systemd; touch /run/.containerenv")
        self.expect(3, result, "this is a container", "docker restart")

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
