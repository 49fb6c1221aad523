# SPDX-License-Identifier: Apache-2.0
"""The role: the program from an archive, handlers, removal; and hosts without Python."""

import json
import os
import tarfile

import hosts
from lab import Case

PLAY = json.dumps([{"hosts": "all", "gather_facts": False, "roles": ["sp_openstack.drivers.host"]}])
RAW = "sp_openstack.drivers.without_python"
MODULE = "nova/virt/libvirt/volume/storpool.py"


class Role(Case):
    def archive(self):
        """In the form of `make tarball`, of the program that is tested."""
        path = os.path.join(self.fleet.top, "sp-openstack.tar.gz")
        with tarfile.open(path, "w:gz") as tar:
            tar.add(hosts.PROGRAM, "usr/sbin/sp-openstack")
            for name in ("manifests", "drivers"):
                tar.add(os.path.join(self.fleet.shared, name), "usr/share/sp-openstack/" + name)
            directory = tarfile.TarInfo("var/lib/sp-openstack")
            directory.type, directory.mode = tarfile.DIRTYPE, 0o700
            tar.addfile(directory)
        return path

    def well(self, outcome):
        self.assertEqual(outcome.status, 0, str(outcome))
        return outcome

    def play(self, host, *arguments, playbook=PLAY, **variables):
        return self.control.play(playbook, {"hosts": [host]}, *arguments, **variables)

    def test_archive_handlers_and_removal(self):
        host = self.host(services=("nova-compute",), program=False)
        more = {"host_program": "archive", "host_archive": self.archive()}
        self.well(self.play(host, "--check", **more))
        self.assertFalse(os.path.exists(host.path("usr/sbin/sp-openstack")))
        outcome = self.well(self.play(host, **more))
        self.assertEqual(host.calls(), ["try-restart nova-compute.service"])
        self.assertEqual(outcome.counts("changed"), {"host": 4})
        self.assertEqual(self.well(self.play(host, **more)).counts("changed"), {})
        outcome = self.well(self.play(host, "--check", host_state="absent", **more))
        self.assertEqual(outcome.counts("changed"), {"host": 1})
        self.assertTrue(os.path.exists(host.file(MODULE)))
        self.well(self.play(host, host_state="absent", **more))
        self.assertFalse(os.path.exists(host.file(MODULE)))
        self.assertEqual(len(host.calls()), 2)
        self.assertEqual(self.well(self.play(host, host_state="absent")).counts("changed"), {})

    def test_never_restarts(self):
        host = self.host(services=("nova-compute",))
        outcome = self.well(self.play(host, host_restart="never"))
        self.assertEqual(host.calls(), [])
        self.assertIn("nova-compute", str(outcome.results("Name the services")["host"]))

    def test_role_twice_in_a_play(self):
        """Once for each component: the handler restarts the services of both."""
        host = self.host(services=("nova-compute", "cinder-volume"))
        role = {"name": "sp_openstack.drivers.host"}
        tasks = [{"name": "the role", "ansible.builtin.include_role": role,
                  "vars": {"host_components": [component]}} for component in ("cinder", "nova")]
        self.well(self.play(host, playbook=json.dumps([
            {"hosts": "all", "gather_facts": False, "tasks": tasks}])))
        self.assertEqual(sorted(host.calls()), ["try-restart cinder-volume.service",
                                                "try-restart nova-compute.service"])

    def test_handlers_leave_alone_what_is_of_others(self):
        """Pacemaker's, and a container's: the handler is not even called."""
        for layout, service in (("rdo", "openstack-cinder-volume"), ("kolla", "cinder-volume")):
            with self.subTest(layout):
                host = self.host(layout, services=("cinder-volume",), layout=layout)
                if layout == "rdo":
                    host.put("var/lib/pacemaker/cib/cib.xml",
                             '<primitive class="systemd" type="%s"/>' % service)
                outcome = self.well(self.play(host))
                self.assertEqual(host.calls(), [])
                self.assertEqual(outcome.results("Restart"), {}, str(outcome))
                self.assertIn("cinder", str(outcome.results("Name the services")[layout]))

    def test_tags_and_start_at_task(self):
        """A tag of the role is one of its tasks, and a play may begin within it."""
        play = json.dumps([{"hosts": "all", "gather_facts": False, "roles": [
            {"role": "sp_openstack.drivers.host", "tags": ["storpool"]}]}])
        host = self.host(services=("nova-compute",))
        self.well(self.play(host, "--tags", "other", playbook=play))
        self.assertFalse(os.path.exists(host.file(MODULE)))
        self.well(self.play(host, "--tags", "storpool", "--start-at-task", "Change this host",
                            playbook=play))
        self.assertTrue(os.path.exists(host.file(MODULE)))
        self.assertEqual(host.calls(), ["try-restart nova-compute.service"])

    def test_service_that_a_run_left_stale(self):
        """A run that was ended between the change and the restart: the next one restarts."""
        host = self.host(services=("nova-compute",))
        host.sh("sp-openstack install")
        outcome = self.well(self.play(host))
        self.assertEqual(host.calls(), ["try-restart nova-compute.service"])
        self.assertFalse(outcome.results("Integrate the host")["host"]["changed"])

    def test_python_packages(self):
        """Only where they are missing, by the pip that is named."""
        host = self.host()
        host.put("usr/bin/fake-pip", "#!/bin/sh\necho \"$*\" >>/var/log/pip\n", 0o755)
        self.well(self.play(host, host_python_packages=True, host_pip="/usr/bin/fake-pip"))
        self.assertFalse(os.path.exists(host.path("var/log/pip")))
        for name in os.listdir(host.path(host.site)):
            if name.startswith("storpool"):
                hosts.shutil.rmtree(host.file(name))
        self.play(host, host_python_packages=True, host_pip="/usr/bin/fake-pip")
        with open(host.path("var/log/pip"), encoding="ascii") as file:
            self.assertIn("install confget<5 storpool storpool.spopenstack", file.read())

    def test_arguments(self):
        host = self.host()
        for name, value in (("host_state", "gone"), ("host_restart", "sometimes"),
                            ("host_components", ["glance"])):
            outcome = self.play(host, **{name: value})
            self.assertNotEqual(outcome.status, 0)
            self.assertIn(name, outcome.text)

    def test_without_python(self):
        """Everything by raw and script: in check mode, twice, refused, removed."""
        host = self.host(version=None, services=("nova-compute",), program=False)
        more = {"host_archive": self.archive(), "host_components": ["nova"], "playbook": RAW}
        outcome = self.well(self.play(host, **more))
        self.assertTrue(os.path.exists(host.file(MODULE)), str(outcome))
        self.assertEqual(host.calls(), ["try-restart nova-compute.service"])
        self.assertEqual(os.listdir(os.path.join(self.control.top, "tmp")), [], "left behind")
        self.assertEqual(outcome.counts("changed"), {"host": 3})
        self.assertEqual(self.well(self.play(host, **more)).counts("changed"), {})
        outcome = self.well(self.play(host, "--check", host_state="absent", **more))
        self.assertEqual(outcome.counts("changed"), {"host": 1})
        self.assertTrue(os.path.exists(host.file(MODULE)))
        host.put_stand_in("os_brick", "pike")
        outcome = self.play(host, **more)
        self.assertNotEqual(outcome.status, 0)
        self.assertIn("different releases", outcome.text)
        host.put_stand_in("os_brick", "newton")
        self.well(self.play(host, host_state="absent", **more))
        self.assertFalse(os.path.exists(host.file(MODULE)))

    def test_without_python_in_check_mode(self):
        """On a host without the program nothing more can be told; nothing is left on it."""
        host = self.host(version=None, program=False)
        outcome = self.play(host, "--check", host_archive=self.archive(), playbook=RAW)
        self.well(outcome)
        self.assertFalse(os.path.exists(host.path("usr/sbin/sp-openstack")))
        self.assertFalse(os.path.exists(host.path("usr/share/sp-openstack")))
