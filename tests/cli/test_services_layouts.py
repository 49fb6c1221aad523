# SPDX-License-Identifier: Apache-2.0
"""services and doctor on running systems that name their services as Ubuntu, DevStack,
OpenStack-Ansible and Kolla do: real processes in namespaces of the test's own, each in the control
group of its unit."""

import json
import os
import shutil
import sys

import deployments
import lib
from lib import Host, write
from test_services import Namespaces

ID = "0123456789abcdef" * 4

# kills the old process, and starts the command again in the group of its unit
MANAGER = """#!/bin/sh
echo "$*" >>%(log)s
kill $(cat %(top)s/pid)
exec %(top)s/run
"""
RUN = """#!/bin/sh
%(command)s >/dev/null 2>&1 &
echo $! >%(top)s/pid
sleep 0.3
mount --bind %(top)s/cgroup /proc/$(cat %(top)s/pid)/cgroup
"""


class Layouts(Namespaces):
    def start(self, command, unit):
        """The command is a process of the unit, and the manager restarts it."""
        names = {"top": self.tmp, "log": self.log, "command": command}
        write(self.tmp + "/cgroup", "0::/system.slice/%s.service\n" % unit)
        write(self.tmp + "/run", RUN % names, 0o755)
        write(self.tmp + "/sbin/systemctl", MANAGER % names, 0o755)
        os.unlink(self.tmp + "/etc/systemd/system/openstack-nova-compute.service")

    def restarts(self, component, unit, files, look=True):
        """It is named by its unit, has the files of its process, and --restart restarts it."""
        program = lib.PROGRAM + (" -L " + self.system.path(self.system.site) if look else "")
        result = self.inside(
            "stop; %(top)s/run; %(sp)s install --no-groups %(component)s; %(sp)s services -j; "
            "echo ---; %(sp)s services --restart && %(sp)s services -j; echo ---; "
            "%(sp)s doctor -j %(component)s; exit 0"
            % {"top": self.tmp, "sp": program, "component": component})
        stale, restarted, doctor = self.expect(0, result).out.split("---\n")
        self.assertIn("run: systemctl restart %s\n" % unit, stale)
        for text, state in ((stale, "needs-restart"), (restarted, "up-to-date")):
            one, = [one for one in json.loads(text[text.index("{"):])["services"]
                    if one["processes"]]
            self.assertEqual((one["service"], one["state"], one["obstacle"]), (unit, state, None))
            self.assertEqual(one["processes"][0]["service"], unit)
        self.assertEqual(self.calls(), ["try-restart %s.service" % unit])
        one, = [one for one in json.loads(doctor)["services"] if one["program"] != "cinder-backup"]
        self.assertTrue(one["source"].startswith("process "), one)
        self.assertEqual(one["files"], files)

    def test_ubuntu(self):
        """The unit runs the script in /etc/init.d, which runs the program."""
        python = self.python()
        for name in ("nova.conf", "nova-compute.conf"):
            write(self.tmp + "/etc/nova/" + name, "[DEFAULT]\n" + deployments.DRIVER)
        write(self.tmp + "/etc/init.d/nova-compute",
              deployments.SCRIPT % {"project": "nova", "program": "nova-compute",
                                    "more": deployments.COMPUTE_CONF}, 0o755)
        self.start("%s %s/bin/nova-compute --config-file=/etc/nova/nova.conf "
                   "--config-file=/etc/nova/nova-compute.conf --log-file=/x" % (python, self.tmp),
                   "nova-compute")
        write(self.tmp + "/etc/systemd/system/nova-compute.service",
              deployments.UNIT % ("nova", "x", "/etc/init.d/nova-compute systemd-start"))
        self.restarts("nova", "nova-compute",
                      ["/etc/nova/nova.conf", "/etc/nova/nova-compute.conf"])

    def test_devstack(self):
        for program, component, unit in (("nova-compute", "nova", "devstack@n-cpu"),
                                         ("cinder-volume", "cinder", "devstack@c-vol")):
            with self.subTest(unit):
                self.python("nova-compute")      # which the namespaces begin with
                python = self.python(program)
                conf = "/etc/%s/x.conf" % component
                write(self.tmp + conf, "[DEFAULT]\n" + deployments.DRIVER)
                command = "%s %s/bin/%s --config-file %s" % (python, self.tmp, program, conf)
                write(self.tmp + "/etc/systemd/system/openstack-nova-compute.service", "")
                self.start(command, unit)
                write(self.tmp + "/etc/systemd/system/%s.service" % unit,
                      deployments.UNIT % ("stack", "x", command))
                self.restarts(component, unit, [conf])
                os.unlink(self.tmp + "/etc/systemd/system/%s.service" % unit)
                os.unlink(self.log)

    def test_openstack_ansible(self):
        """The environment is found by the process; without options the files are the defaults."""
        name, venv = "python%d.%d" % sys.version_info[:2], "openstack/venvs/nova-14.2.3"
        Host(self.tmp, "%s/lib/%s/site-packages" % (venv, name)).put_all("newton")
        os.mkdir(self.tmp + "/%s/bin" % venv)
        os.symlink(os.path.realpath(sys.executable), self.tmp + "/%s/bin/%s" % (venv, name))
        write(self.tmp + "/%s/pyvenv.cfg" % venv, "include-system-site-packages = false\n")
        write(self.tmp + "/%s/bin/nova-compute" % venv, "import time\ntime.sleep(60)\n", 0o755)
        write(self.tmp + "/etc/nova/nova.conf", "[DEFAULT]\n" + deployments.DRIVER)
        command = "%s/%s/bin/%s %s/%s/bin/nova-compute --log-file=/x" % (
            self.tmp, venv, name, self.tmp, venv)
        self.start(command, "nova-compute")
        write(self.tmp + "/etc/systemd/system/nova-compute.service",
              deployments.UNIT % ("nova", "x", command))
        self.restarts("nova", "nova-compute", ["/etc/nova/nova.conf"], look=False)

    def test_kolla(self):
        """A process in a container is named by that; its files are those on the host."""
        os.unlink(self.tmp + "/etc/systemd/system/openstack-nova-compute.service")
        write(self.tmp + "/cgroup", "0::/system.slice/docker-%s.scope\n" % ID)
        write(self.tmp + "/etc/kolla/nova-compute/config.json",
              '{"command": "nova-compute", "config_files": []}\n')
        write(self.tmp + "/etc/kolla/nova-compute/nova.conf", "[DEFAULT]\n" + deployments.DRIVER)
        write(self.tmp + "/contained", "#!/bin/sh\nwhile :; do sleep 1; done\n", 0o755)
        shutil.copy2(shutil.which("chroot"), self.tmp + "/bin")      # /usr/sbin is another one
        make = "; ".join(
            ["mkdir %(top)s/image", "mount -t tmpfs none %(top)s/image",
             "mkdir %(top)s/image/x", "cp %(top)s/contained %(top)s/image/x/nova-compute"]
            + ["mkdir %%(top)s/image/%s; mount --bind /%s %%(top)s/image/%s" % ((one,) * 3)
               for one in ("bin", "lib", "lib64", "usr") if os.path.isdir("/" + one)]) \
            % {"top": self.tmp}
        result = self.inside(
            "stop; %s; %s/bin/chroot %s/image /x/nova-compute >/dev/null 2>&1 & pid=$!; sleep 0.5; "
            "mount --bind %s/cgroup /proc/$pid/cgroup; "
            "SP install --no-groups nova; SP services; SP services --restart; echo ---; "
            "SP services -j; echo ---; SP doctor -j nova; kill $pid"
            % (make, self.tmp, self.tmp, self.tmp))
        text, services, doctor = self.expect(0, result).out.split("---\n")
        self.assertNotIn("systemctl restart", text)
        self.assertIn("of nova-compute is in the container '%s', and has files of its own"
                      % ID[:12], text)
        self.assertIn("no service needs a restart", text)
        one, = [one for one in json.loads(services)["services"] if one["containers"]]
        self.assertEqual((one["service"], one["state"], one["containers"], one["processes"]),
                         ("nova_compute", "in-a-container", [ID[:12]], []))
        one, = json.loads(doctor)["services"]
        self.assertEqual((one["source"], one["files"]), (
            "/etc/kolla/nova-compute/config.json", ["/etc/kolla/nova-compute/nova.conf"]))
