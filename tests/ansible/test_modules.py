# SPDX-License-Identifier: Apache-2.0
"""The modules, one at a time, on one host."""

import fcntl
import json
import os

import lab
from lab import Case

DRIVER = "nova/virt/libvirt/driver.py"
MODULE = "nova/virt/libvirt/volume/storpool.py"


class Modules(Case):
    def test_a_life(self):
        """present, again, absent, again: in check mode first; with the diff."""
        host = self.host(services=("nova-compute",))
        plan = self.module(host, "integration", "--check", "--diff", changed=True)
        self.assertIsNone(plan["transaction"])
        self.assertEqual(len(plan["files"]), 6)
        self.assertTrue(plan["groups"])
        self.assertIn("+    'storpool=", plan["outcome"].diff["host"])
        self.assertFalse(os.path.exists(host.path("var/lib/sp-openstack")))
        self.assertFalse(os.path.exists(host.file(MODULE)))
        done = self.module(host, "integration", "--diff", changed=True)
        self.assertEqual(done["transaction"], 1)
        self.assertEqual(done["files"], plan["files"])
        self.assertEqual(done["outcome"].diff, plan["outcome"].diff)
        self.assertEqual(done["services"], ["nova-compute"])
        self.assertIn("group", " ".join(done["groups"]))
        for arguments in ((), ("--check",)):
            again = self.module(host, "integration", *arguments, changed=False)
            self.assertEqual((again["transaction"], again["files"], again["groups"]),
                             (None, [], []))
        plan = self.module(host, "integration", "--check", "--diff", changed=True, state="absent")
        self.assertIn("-    'storpool=", plan["outcome"].diff["host"])
        self.assertTrue(os.path.exists(host.file(MODULE)))
        done = self.module(host, "integration", "--diff", changed=True, state="absent")
        self.assertEqual(done["outcome"].diff, plan["outcome"].diff)
        self.assertFalse(os.path.exists(host.file(MODULE)))
        self.module(host, "integration", changed=False, state="absent")

    def test_rolled_back(self):
        host = self.host()
        number = self.module(host, "integration", changed=True, components=["nova"])["transaction"]
        for arguments, changed in ((("--check",), True), ((), True), ((), False),
                                   (("--check",), False)):
            done = self.module(host, "integration", *arguments, changed=changed,
                               state="rolled_back", transaction=number)
            self.assertEqual(os.path.exists(host.file(MODULE)), arguments == ("--check",)
                             and changed)
        self.assertEqual(done["files"], [])
        self.fails(host, "integration", 3, "refused", state="rolled_back", transaction=9)
        # a component that another release has replaced is left, which is exit status 1
        number = self.module(host, "integration")["transaction"]
        host.put_files(lab.hosts.stand_ins.included("cinder"))
        host.put_metadata("cinder", "12.0.0")
        lab.hosts.shutil.rmtree(host.file("cinder-9.1.4.dist-info"))
        done = self.module(host, "integration", changed=True, state="rolled_back",
                           transaction=number)
        self.assertTrue(done["left"], str(done))
        self.assertTrue(done["warnings"], str(done))

    def test_parameters(self):
        host = self.host()
        for options, part in (
                ({"state": "rolled_back"}, "transaction"), ({"components": ["glance"]}, "glance"),
                ({"transaction": 3}, "rolled_back"), ({"colour": "red"}, "colour"),
                ({"state": "rolled_back", "transaction": 0}, "positive"),
                ({"executable": "/no/program"}, "/no/program")):
            with self.subTest(str(options)):
                result = self.control.module(host, "integration", **options)
                self.assertTrue(result.get("failed"), str(result))
                self.assertIn(part, str(result["msg"]))

    def test_options_reach_the_program(self):
        host = self.host()
        other = lab.hosts.Host(host.path("image"))
        for component in lab.COMPONENTS:
            other.put(component, "pike")
        os.mkdir(host.path("elsewhere"))
        done = self.module(
            host, "integration", changed=True, root="/image", work_dir="/elsewhere", no_deps=True,
            data_dir="/usr/share/sp-openstack", components=["cinder"], manage_groups=False,
            path=["/" + other.site], executable="/usr/sbin/sp-openstack", allow_mixed=True)
        self.assertEqual([one["component"] for one in done["components"]], ["cinder"])
        self.assertEqual(done["groups"], [])
        self.assertTrue(os.path.exists(other.path("elsewhere/transactions")))
        done = self.module(host, "integration", changed=True, components=["nova"], group="volumes",
                           users=["nova"])
        with open(host.path("etc/group"), encoding="ascii") as file:
            self.assertIn("volumes:x:", file.read())
        python = self.module(host, "integration_info", python=host.python)
        self.assertFalse(python["changed"])

    def test_refused(self):
        """3: of different releases; the sentence is the program's."""
        host = self.host()
        host.put_stand_in("nova", "pike")
        for arguments in ((), ("--check",)):
            result = self.fails(host, "integration", 3, "refused", *arguments)
            self.assertIn("different releases", result["msg"])
        info = self.module(host, "integration_info")
        self.assertFalse(info["integrated"])
        self.assertIn("different releases", info["message"])
        self.module(host, "integration", allow_mixed=True, changed=True)

    def test_usage(self):
        host = self.host()
        lab.hosts.Host(host.path("image"))
        self.fails(host, "integration", 2, "usage", root="/image", path=["relative"])

    def test_no_space(self):
        """4, and everything is as it was."""
        host = self.host()
        os.mkdir(host.path("var/lib/sp-openstack"), 0o700)
        host.sh("mount -t tmpfs -o size=16k,mode=700 none /var/lib/sp-openstack")
        result = self.fails(host, "integration", 4, "system")
        self.assertIn("not enough free space", result["msg"])
        self.assertFalse(os.path.exists(host.file(MODULE)))
        host.sh("umount /var/lib/sp-openstack")
        self.module(host, "integration", changed=True)

    def test_lock_held(self):
        host = self.host()
        self.module(host, "integration", components=["os_brick"])
        with open(host.path("var/lib/sp-openstack/lock"), "r+", encoding="ascii") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            result = self.fails(host, "integration", 4, "system")
            self.assertIn("at work", result["msg"])
        self.module(host, "integration", changed=True)

    def test_interrupted(self):
        """killed, then 5 until recover is asked for."""
        host = self.host()
        mend = lab.kill_in_the_middle(host)
        before = host.read(DRIVER)
        result = self.control.module(host, "integration", data_dir="/usr/share/sp-openstack")
        self.assertTrue(result.get("failed"), str(result))
        self.assertEqual(result["reason"], "killed", str(result))
        mend()
        for arguments in ((), ("--check",)):
            result = self.fails(host, "integration", 5, "needs-recovery", *arguments)
            self.assertIn("recover", result["msg"])
        self.fails(host, "services", 5, "needs-recovery")
        info = self.module(host, "integration_info")
        self.assertEqual(info["interrupted"], [1])
        plan = self.module(host, "integration", "--check", changed=True, recover=True)
        self.assertIn("interrupted", plan["msg"])
        self.assertEqual(self.module(host, "integration_info")["interrupted"], [1])
        done = self.module(host, "integration", changed=True, recover=True, state="absent")
        self.assertEqual(len(done["recovered"]), 1, str(done))
        self.assertEqual(host.read(DRIVER), before)
        self.assertFalse(os.path.exists(host.file(MODULE)))

    def test_recover_that_is_not_possible(self):
        """Somebody edited a file meanwhile: still 5, and nothing is changed."""
        host = self.host()
        mend = lab.kill_in_the_middle(host)
        self.control.module(host, "integration", data_dir="/usr/share/sp-openstack")
        mend()
        host.write(DRIVER, "# something else\n")
        result = self.fails(host, "integration", 5, "needs-recovery", recover=True)
        self.assertIn(DRIVER, result["msg"] + " ".join(result.get("warnings", [])))
        self.assertEqual(host.read(DRIVER), "# something else\n")

    def test_services(self):
        host = self.host(services=("nova-compute", "cinder-volume"), layout="rdo")
        self.module(host, "services", changed=False)
        self.module(host, "integration", changed=True, components=["nova"])
        info = self.module(host, "integration_info")
        # cinder is not integrated, and its os_brick is new to it
        self.assertIn("openstack-nova-compute", info["stale_services"])
        self.assertEqual(info["restartable_services"], info["stale_services"])
        plan = self.module(host, "services", "--check", changed=True, components=["nova"])
        self.assertEqual(host.calls(), [])
        done = self.module(host, "services", changed=True, components=["nova"])
        self.assertEqual(done["restarted"], plan["restarted"])
        self.assertEqual(host.calls(), ["try-restart %s.service" % name
                                        for name in done["restarted"]])
        self.module(host, "services", changed=False, components=["nova"])

    def test_services_of_others(self):
        """Of Pacemaker: reported, never restarted; a failure if that is asked for."""
        host = self.host(services=("cinder-volume",), layout="rdo")
        host.put("var/lib/pacemaker/cib/cib.xml",
                 '<primitive class="systemd" type="openstack-cinder-volume"/>')
        self.module(host, "integration", components=["cinder"])
        done = self.module(host, "services", changed=False)
        self.assertEqual(list(done["obstacles"]), ["openstack-cinder-volume"])
        self.assertIn("pcs resource restart", done["warnings"][0])
        result = self.control.module(host, "services", obstacle="fail")
        self.assertTrue(result["failed"])
        self.assertIn("Pacemaker", result["msg"])
        info = self.module(host, "integration_info")
        self.assertEqual((info["stale_services"], info["restartable_services"]),
                         (["openstack-cinder-volume"], []))
        self.assertEqual(host.calls(), [])

    def test_some_services_of_others(self):
        """The others of the host are restarted, and one warning names what is left."""
        host = self.host(services=("cinder-volume", "nova-compute"), layout="rdo")
        host.put("var/lib/pacemaker/cib/cib.xml",
                 '<primitive class="systemd" type="openstack-cinder-volume"/>')
        self.module(host, "integration")
        plan = self.module(host, "services", "--check", changed=True)
        done = self.module(host, "services", changed=True)
        self.assertEqual((plan["restarted"], done["restarted"]),
                         (["openstack-nova-compute"], ["openstack-nova-compute"]))
        self.assertEqual(list(done["obstacles"]), ["openstack-cinder-volume"])
        self.assertEqual(len([text for text in done["warnings"] if "cinder-volume" in text]), 1)
        self.assertEqual(host.calls(), ["try-restart openstack-nova-compute.service"])
        self.module(host, "services", changed=False)

    def test_services_some_of_others(self):
        """One under Pacemaker, one not: with a program that restarts what it may, and with one that
        refuses for the sake of the other. Each service is restarted or named."""
        host = self.host(services=("cinder-volume", "nova-compute"), layout="rdo")
        host.put("var/lib/pacemaker/cib/cib.xml",
                 '<primitive class="systemd" type="openstack-cinder-volume"/>')
        self.module(host, "integration")
        cinder, nova = "openstack-cinder-volume", "openstack-nova-compute"
        program = host.path("usr/sbin/sp-openstack")
        os.rename(program, host.path("usr/sbin/real"))
        for answer, status, restarted in (
                ({"error": "cannot restart '%s'" % cinder}, 3, []),
                ({"restarted": [nova], "would_restart": [nova]}, 1, [nova]),
                ({"restarted": [nova], "would_restart": [nova], "error": "not all"}, 3, [nova])):
            host.put("usr/sbin/sp-openstack", lab.STUB % ("--restart", json.dumps(
                dict(answer, schema=1, command="services",
                     warnings=[])), status), 0o755)
            for arguments in ((), ("--check",)):
                with self.subTest(str((answer, arguments))):
                    done = self.module(host, "services", *arguments, changed=bool(restarted))
                    self.assertEqual(done["restarted"], restarted)
                    self.assertEqual(set(done["obstacles"]), {cinder, nova} - set(restarted))
                    self.assertIn(cinder, done["warnings"][0])
            result = self.control.module(host, "services", obstacle="fail")
            self.assertTrue(result["failed"])
            self.assertEqual(result["restarted"], [])
        self.assertEqual(host.calls(), [])
        os.rename(host.path("usr/sbin/real"), program)
        done = self.module(host, "services")        # as the program of today does it
        self.assertEqual(set(done["restarted"]) | set(done["obstacles"]), {cinder, nova})
        self.assertNotIn(cinder, " ".join(host.calls()))

    def test_program_of_another_version(self):
        """One whose documents have another schema, or none, is not misunderstood."""
        host = self.host()
        os.rename(host.path("usr/sbin/sp-openstack"), host.path("usr/sbin/real"))
        for answer, part in (({"schema": 2, "components": {}}, "schema 2"), ([], "none")):
            host.put("usr/sbin/sp-openstack", lab.STUB % ("history", json.dumps(answer), 0), 0o755)
            for module in ("integration", "integration_info"):
                with self.subTest("%s %s" % (module, part)):
                    result = self.fails(host, module, 0, "version")
                    self.assertIn(part, result["msg"])
        host.put("usr/sbin/sp-openstack", "#!/bin/sh\necho 'unknown option' >&2\nexit 2\n", 0o755)
        self.assertIn("unknown option", self.fails(host, "integration", 2, "usage")["msg"])

    def test_change_that_is_in_place_although_it_failed(self):
        """Its number is returned, so that it can be undone."""
        host = self.host()
        os.unlink(host.path("usr/sbin/groupadd"))
        host.put("usr/sbin/groupadd", "#!/bin/sh\nexit 9\n", 0o755)
        result = self.fails(host, "integration", 4, "system")
        self.assertEqual(result["transaction"], 1, str(result))
        result = self.fails(host, "integration", 4, "system")
        self.assertIsNone(result["transaction"], str(result))

    def test_info(self):
        host = self.host()
        info = self.module(host, "integration_info", changed=False)
        self.assertEqual((info["integrated"], info["message"], info["transactions"],
                          info["interrupted"]), (False, None, [], []))
        self.assertEqual({one["component"]: one["state"] for one in info["components"]},
                         dict.fromkeys(lab.COMPONENTS, "not-installed"))
        told = json.loads(host.sh("sp-openstack -j doctor 2>/dev/null", check=False))
        self.assertEqual(info["doctor"], told)
        self.assertGreater(info["doctor"]["to_repair"], 0)
        self.module(host, "integration")
        info = self.module(host, "integration_info")
        self.assertTrue(info["integrated"])
        self.assertEqual([one["state"] for one in info["transactions"]], ["committed"])
        self.assertIsNone(self.module(host, "integration_info", doctor=False)["doctor"])

    def test_program_without_doctor(self):
        host = self.host()
        os.rename(host.path("usr/sbin/sp-openstack"), host.path("usr/sbin/real"))
        host.put("usr/sbin/sp-openstack", """#!/bin/sh
case "$*" in
*doctor*) exit 2;;
*help*) echo '{"schema":1,"commands":[{"name":"check"}],"warnings":[]}';;
*) exec /usr/sbin/real --data-dir /usr/share/sp-openstack "$@";;
esac
""", 0o755)
        self.assertIsNone(self.module(host, "integration_info")["doctor"])

    def test_program_that_is_not_there(self):
        host = self.host(program=False)
        result = self.control.module(host, "integration")
        self.assertTrue(result["failed"])
        self.assertIn("sp-openstack", result["msg"])


def some_of(names):
    """A base class with these tests of Modules, for another environment."""
    members = {name: getattr(Modules, name) for name in names}
    return type("Some", (Case,), members)


SOME = ("test_a_life", "test_interrupted", "test_refused", "test_services", "test_info")


class Python36(some_of(SOME)):
    """Where the host has Python 3.6."""

    def python(self, *version):
        return super().python(*((3, 6) if version == (2, 7) else version))


class Newest(some_of(SOME)):
    """With the newest Ansible that runs here, which needs a newer Python on the host."""
    ANSIBLE = "newest"

    def python(self, *version):
        found = lab.environment.interpreters()
        usable = [one for one in found if one >= (3, 9)]
        if not usable:
            self.skipTest("no Python from 3.9 on is here")
        return found[max(usable)]
