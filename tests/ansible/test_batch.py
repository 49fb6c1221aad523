# SPDX-License-Identifier: Apache-2.0
"""The playbooks on small batches of hosts with stand-ins: which hosts are changed, which are rolled
back, and where the play ends. Everything is done by the modules, and on hosts without Python."""

import json
import os

import hosts
import lab
from lab import Case

DRIVER = "nova/virt/libvirt/driver.py"
MODULES = {"nova": "nova/virt/libvirt/volume/storpool.py",
           "cinder": "cinder/volume/drivers/storpool.py"}


class Batch(Case):
    """serial: the one first, then three, then the rest."""
    PLAYBOOK, PYTHON = "sp_openstack.drivers.rollout", (2, 7)
    SERIAL = {"fleet_hypervisors_serial": [1, 3]}

    def members(self, count=5, **more):
        """Hypervisors h0, h1, ..."""
        more = dict({"services": ("nova-compute",), "version": self.PYTHON}, **more)
        self.members_ = [self.host("h%d" % number, **more) for number in range(count)]
        return self.members_

    def roll(self, *arguments, groups=None, **variables):
        groups = groups or {"hypervisors": self.members_}
        return self.control.play(self.PLAYBOOK, groups, *arguments,
                                 **dict(self.SERIAL, **variables))

    def integrated(self, component="nova"):
        return [host.name for host in self.members_
                if os.path.exists(host.file(MODULES[component]))]

    def well(self, outcome):
        self.assertEqual(outcome.status, 0, str(outcome))
        return outcome

    def refuse(self, host):
        """Nothing can be changed there any more; returns how to mend that."""
        text = host.read(DRIVER)
        host.write(DRIVER, text.replace("libvirt_volume_drivers", "my_volume_drivers"))
        return lambda: host.write(DRIVER, text)

    def test_host_that_cannot_be_reached(self):
        """It ends the play like one that fails, and the others of its batch are rolled back."""
        members = self.members()
        members[2].cut_off()
        outcome = self.roll()
        self.assertNotEqual(outcome.status, 0)
        self.assertEqual(set(outcome.counts("unreachable")), {"h2"})
        self.assertEqual(set(outcome.counts("failures")), {"h1", "h3"}, str(outcome))
        self.assertIn("h2: failed or cannot be reached", outcome.text)
        self.assertEqual(self.integrated(), ["h0"])
        self.assertEqual([len(host.calls()) for host in members], [1, 2, 0, 2, 0])
        self.assertNotIn("h4", outcome.stats)
        members[2].cut_off(False)
        self.well(self.roll())
        self.assertEqual(self.integrated(), ["h0", "h1", "h2", "h3", "h4"])

    def test_host_that_goes_away(self):
        """In the middle, after its change: nothing can be undone there; the next run repairs it."""
        members = self.members()
        members[2].put("usr/bin/systemctl", "#!/bin/sh\necho >/%s\n" % hosts.Root.UNREACHABLE,
                       0o755)
        outcome = self.roll()
        self.assertEqual(set(outcome.counts("unreachable")), {"h2"}, str(outcome))
        self.assertEqual(self.integrated(), ["h0", "h2"], str(outcome))
        self.assertNotIn("h4", outcome.stats)
        members[2].cut_off(False)
        members[2].put("usr/bin/systemctl", hosts.SYSTEMCTL, 0o755)
        self.well(self.roll())
        self.assertEqual(self.integrated(), ["h0", "h1", "h2", "h3", "h4"])
        self.assertEqual(members[2].calls(), ["try-restart nova-compute.service"])

    def test_two_that_fail(self):
        """Both are reported; with a percentage that allows for them nothing is undone, and the
        other batches follow."""
        members = self.members()
        mend = [self.refuse(members[1]), self.refuse(members[3])]
        outcome = self.roll()
        self.assertEqual(set(outcome.counts("failures")), {"h1", "h3"}, str(outcome))
        self.assertEqual(self.integrated(), ["h0"])
        self.assertNotIn("h4", outcome.stats)
        outcome = self.roll("-e", "fleet_max_fail_percentage=70")
        self.assertEqual(set(outcome.counts("failures")), {"h1", "h3"}, str(outcome))
        self.assertEqual(self.integrated(), ["h0", "h2", "h4"])
        for one in mend:
            one()
        self.assertEqual(set(self.well(self.roll()).counts("changed")), {"h1", "h3"})

    def test_change_that_is_in_place_although_it_failed(self):
        """The group cannot be made after the files are changed: it is undone like the others."""
        members = self.members(3)
        os.unlink(members[1].path("usr/sbin/groupadd"))
        members[1].put("usr/sbin/groupadd", "#!/bin/sh\nexit 9\n", 0o755)
        outcome = self.roll()
        self.assertEqual(set(outcome.counts("failures")), {"h1"}, str(outcome))
        self.assertIn("cannot create the group", outcome.results("Report the failure", (
            "failed",))["h1"]["msg"])
        self.assertEqual(self.integrated(), ["h0"])

    def test_rollback_that_fails(self):
        """It is reported, and the other hosts of the batch are done with all the same."""
        members = self.members(4)
        self.refuse(members[2])
        os.rename(members[1].path("usr/sbin/sp-openstack"), members[1].path("usr/sbin/real"))
        members[1].put("usr/sbin/sp-openstack", lab.STUB % ("rollback", json.dumps(
            {"schema": 1, "error": "no \"space\" left", "warnings": []}), 4), 0o755)
        outcome = self.roll()
        self.assertEqual(set(outcome.counts("failures")), {"h1", "h2"}, str(outcome))
        self.assertIn('it is not rolled back: no "space" left',
                      outcome.results("Report the failure", ("failed",))["h1"]["msg"])
        self.assertEqual(self.integrated(), ["h0", "h1"])
        self.assertEqual([len(host.calls()) for host in members], [1, 1, 0, 2])

    def test_interrupted_host(self):
        """By a loss of power for instance: it is recovered first; in check mode that is said."""
        members = self.members(2)
        mend = lab.kill_in_the_middle(members[1])
        members[1].sh("sp-openstack -D /usr/share/sp-openstack install", check=False)
        mend()
        self.assertIn("recover", members[1].sh("sp-openstack history 2>&1", check=False))
        plan = self.well(self.roll("--check"))
        self.assertEqual(set(plan.counts("changed")), {"h0", "h1"})
        outcome = self.roll(host_recover=False)
        self.assertEqual(set(outcome.counts("failures")), {"h1"}, str(outcome))
        self.assertIn("recover", outcome.results("Report the failure", ("failed",))["h1"]["msg"])
        self.well(self.roll())
        self.assertEqual(self.integrated(), ["h0", "h1"])

    def test_host_without_the_program(self):
        members = self.members(1, program=False)
        outcome = self.roll()
        self.assertEqual(set(outcome.counts("failures")), {"h0"})
        self.assertRegex(outcome.results("Report the failure", ("failed",))["h0"]["msg"],
                         "no program|sp-openstack")
        self.assertEqual(members[0].calls(), [])

    def test_services_of_others(self):
        """Under Pacemaker nothing is restarted but what is not its own, and that is named."""
        members = self.members(1, services=("nova-compute", "cinder-volume"), layout="rdo")
        members[0].put("var/lib/pacemaker/cib/cib.xml",
                       '<primitive class="systemd" type="openstack-nova-compute"/>')
        outcome = self.well(self.roll(host_components=["nova"]))
        self.assertNotIn("nova", " ".join(members[0].calls()))
        self.assertIn("pcs resource restart openstack-nova-compute",
                      str(outcome.results("Name the services")["h0"]))

    def test_restart_of_the_inventory(self):
        """What the inventory says of restarts is not overruled by the playbook."""
        members = self.members(1)
        members[0].more["host_restart"] = "never"
        outcome = self.well(self.roll())
        self.assertEqual(self.integrated(), ["h0"])
        self.assertEqual(members[0].calls(), [])
        self.assertIn("nova-compute", str(outcome.results("Name the services")["h0"]))


class WithoutPython(Batch):
    """With the newest Ansible, which is for whom this is."""
    ANSIBLE = "newest"
    PLAYBOOK, PYTHON = "sp_openstack.drivers.without_python", None
    SERIAL = {"fleet_serial": [1, 3], "host_components": ["nova"]}


class Rollout(Batch):
    """What only the playbook of controllers and hypervisors has."""

    def test_limit_and_percentage(self):
        """One at a time of those that are left; a failure ends it."""
        members = self.members()
        mend = self.refuse(members[3])
        outcome = self.roll("--limit", "h1,h2,h3,h4", fleet_hypervisors_serial="10%")
        self.assertEqual(set(outcome.stats), {"h1", "h2", "h3"}, str(outcome))
        self.assertEqual(self.integrated(), ["h1", "h2"])
        mend()
        self.well(self.roll("--start-at-task", "Integrate this batch"))
        self.assertEqual(self.integrated(), ["h0", "h1", "h2", "h3", "h4"])

    def test_controller_that_is_a_hypervisor_too(self):
        """Of a failure in the second play only the second transaction is undone."""
        members = self.members(2, services=("nova-compute", "cinder-volume"))
        groups = {"controllers": members, "hypervisors": members}
        mend = self.refuse(members[1])
        outcome = self.roll(groups=groups, fleet_hypervisors_serial=2)
        self.assertEqual(set(outcome.counts("failures")), {"h1"}, str(outcome))
        self.assertEqual((self.integrated("cinder"), self.integrated()), (["h0", "h1"], []))
        mend()
        self.well(self.roll(groups=groups))
        self.assertEqual(self.integrated(), ["h0", "h1"])
        self.assertEqual(self.well(self.roll(groups=groups)).counts("changed"), {})

    def test_cinder_only(self):
        """No hypervisors, and nothing of nova on the host."""
        members = self.members(1, services=("cinder-volume",))
        for name in os.listdir(members[0].path(members[0].site)):
            if name.startswith("nova"):
                hosts.shutil.rmtree(members[0].file(name))
        outcome = self.well(self.roll(groups={"controllers": members}))
        self.assertEqual(self.integrated("cinder"), ["h0"])
        self.assertEqual(members[0].calls(), ["try-restart cinder-volume.service"])
        self.assertEqual(set(outcome.stats), {"h0"})


del Batch
