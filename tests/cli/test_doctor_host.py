# SPDX-License-Identifier: Apache-2.0
"""doctor: StorPool's configuration, client and spool, on hosts that are directories."""

import os
import re
import shutil

import lib
from lib import Case, write

CONF = """# of StorPool
SP_API_HTTP_HOST = 10.0.0.1
SP_API_HTTP_PORT = 81
SP_AUTH_TOKEN = canary-token-4711
[ctl-1]
SP_OURID = 11
[node-2]
SP_OURID = 12
"""
PASSWD = "root:x:0:0:root:/root:/bin/sh\ncinder:x:%d:%d::/var/lib/cinder:/bin/false\n" \
    "nova:x:%d:%d::/var/lib/nova:/bin/false\n"
SERVICES = ("storpool_beacon", "storpool_block")
SPOOL = "var/spool/openstack-storpool"


class Doctor(Case):
    def setUp(self):
        super().setUp()
        self.system = self.host("pike")
        self.good(self.system, "install", "--no-groups")

    def put(self, name, content="", mode=0o644):
        write(self.system.path(name), content, mode)

    def prepare(self):
        """What StorPool's document asks of the host, but for the files of OpenStack's services."""
        self.put("etc/hostname", "ctl-1\n")
        self.put("etc/storpool.conf", CONF, 0o640)
        uid, gid = os.getuid(), os.getgid()
        self.put("etc/passwd", PASSWD % (uid, gid, uid, gid))
        self.put("etc/group", "root:x:0:\nspopenstack:x:%d:cinder,nova\n" % gid)
        for name in SERVICES:
            unit = "usr/lib/systemd/system/%s.service" % name
            self.put(unit, "[Service]\nExecStart=/x\n")
            wanted = self.system.path("etc/systemd/system/multi-user.target.wants")
            os.makedirs(wanted, exist_ok=True)
            os.symlink("/" + unit, "%s/%s.service" % (wanted, name))
        self.system.put_prerequisites()
        self.put(SPOOL + "/openstack-attach.json", "{}", 0o660)
        os.chmod(self.system.path(SPOOL), 0o770)

    def doctor(self, *arguments, **more):
        """The findings of StorPool's checks: {"S03": [(level, sentence)]}."""
        result = self.run_on(self.system, "doctor", "-v", *arguments, **more)
        self.assertIn(result.status, (0, 1), result)
        self.assertNotIn("canary", result.out + result.err)
        found = {}
        lines = re.findall(r"^ +(?:\d+: )?(\w+): (.*) \[(S\d+)\]$", result.out, re.M)
        for level, text, name in lines:
            found.setdefault(name, []).append((level, text))
        self.assertEqual(len(found), 12, result)
        return found

    def bad(self, **more):
        """Those that are to be repaired: {"S03": "sentence; sentence"}."""
        return {name: "; ".join(text for level, text in found if level in ("warning", "error"))
                for name, found in self.doctor(**more).items()
                if any(level in ("warning", "error") for level, _ in found)}

    def test_host_in_order(self):
        self.needs_root()
        self.prepare()
        found = self.doctor()
        self.assertEqual({name: one[0][0] for name, one in found.items()},
                         dict({"S%02d" % i: "ok" for i in range(1, 13)}, S08="unknown",
                              S09="unknown", S11="unknown", S12="unknown"))

    def test_step_by_step(self):
        """Each step of the document takes its findings away."""
        self.needs_root()
        self.system = self.host(name="bare")
        self.system.put_all("pike")
        self.good(self.system, "install", "--no-groups")
        self.put("etc/hostname", "ctl-1\n")
        self.put("etc/passwd", PASSWD % (64, 64, 65, 65))
        self.put("etc/group", "root:x:0:\nspopenstack:x:118:cinder,nova\n")
        self.assertEqual(sorted(self.bad()), ["S01", "S07", "S08", "S10"])
        self.put("etc/storpool.conf", "SP_API_HTTP_PORT = 81\n", 0o600)
        found = self.bad()
        self.assertEqual(sorted(found), ["S03", "S04", "S06", "S07", "S08", "S10"])
        self.assertIn("this host, 'ctl-1'; sections: none", found["S03"])
        self.assertIn("the account cinder may not read it: mode 0600", found["S06"])
        self.assertIn("the account nova may not", found["S06"])
        self.put("etc/storpool.conf", CONF)
        self.assertEqual(sorted(self.bad()), ["S07", "S08", "S10"])
        self.system.put_prerequisites()
        self.assertEqual(sorted(self.bad()), ["S08", "S10"])
        for name in SERVICES:
            self.put("etc/init.d/" + name, "#!/bin/sh\n", 0o755)
        self.assertIn("is not started with the host", self.bad()["S08"])
        for name in SERVICES:
            self.put("etc/rc3.d/S20" + name)
        found = self.bad()
        self.assertEqual(list(found), ["S10"])
        self.assertIn("the directory '%s' does not exist" % self.system.path(SPOOL), found["S10"])
        self.good(self.system, "groups")
        self.assertEqual(self.bad(), {})

    def test_another_host(self):
        self.put("etc/hostname", "ctl-9\n")
        self.put("etc/storpool.conf", CONF)
        self.assertIn("this host, 'ctl-9'; sections: 'ctl-1', 'node-2'", self.bad()["S03"])

    def test_later_files(self):
        """A value for all hosts in a later file is over the host's own in an earlier one."""
        self.put("etc/hostname", "ctl-1\n")
        self.put("etc/storpool.conf", CONF)
        self.put("etc/storpool.conf.d/10-a.conf", "SP_AUTH_TOKEN =\nSP_OURID = canary\n")
        found = self.bad()
        self.assertEqual(found["S03"], "SP_OURID is not a number")
        self.assertEqual(found["S04"], "SP_AUTH_TOKEN is empty")

    def test_token_in_the_environment(self):
        """storpool from 7.0 on takes it from there, for the services that have it."""
        self.needs_root()
        self.prepare()
        self.put("etc/storpool.conf", CONF.replace("SP_AUTH_TOKEN", "#"))
        wants = self.system.path("etc/systemd/system/multi-user.target.wants/")
        for program in ("cinder-volume", "nova-compute"):
            unit = "usr/lib/systemd/system/openstack-%s.service" % program
            self.put(unit, "[Service]\nExecStart=/usr/bin/%s\n" % program)
            os.symlink("/" + unit, wants + unit.rsplit("/", 1)[1])
        self.assertEqual(self.bad(), {"S04": "SP_AUTH_TOKEN is not set"})
        drop_in = "etc/systemd/system/openstack-%s.service.d/token.conf"
        self.put(drop_in % "cinder-volume",
                 "[Service]\nEnvironmentFile=-/etc/sysconfig/storpool\n")
        self.put("etc/sysconfig/storpool", "SP_AUTH_TOKEN=canary-secret\n", 0o600)
        self.assertEqual(self.bad(), {
            "S04": "SP_AUTH_TOKEN is not set, and is not in the environment of nova-compute (%s)"
            % self.system.path("usr/lib/systemd/system/openstack-nova-compute.service")})
        self.put(drop_in % "nova-compute", "[Service]\nEnvironment=SP_AUTH_TOKEN=canary\n")
        self.assertEqual(self.bad(), {})
        self.put(drop_in % "nova-compute", "[Service]\nEnvironment=SP_AUTH_TOKEN=\n")
        self.assertIn("SP_AUTH_TOKEN is empty in the environment of nova-compute",
                      self.bad()["S04"])
        self.put(drop_in % "nova-compute", "[Service]\nEnvironment=SP_AUTH_TOKEN=canary\n")
        shutil.rmtree(self.system.path(self.system.site, "storpool-7.3.0-py2.7.egg-info"))
        self.system.put_metadata("storpool", "6.0.0", "egg-info")
        self.assertIn("where storpool 6.0.0 does not look for it", self.bad()["S04"])

    def test_hostile_files(self):
        path = self.system.path("etc/storpool.conf")
        self.put("etc/hostname", "ctl-1\n")

        def line_of(make, check, part):
            make()
            sentence = self.bad()[check]
            self.assertIn(part, sentence)
            self.assertNotIn("\n", sentence)
            if os.path.isdir(path) and not os.path.islink(path):
                os.rmdir(path)
            else:
                os.unlink(path)

        line_of(lambda: os.mkfifo(path), "S01", "is a FIFO")
        line_of(lambda: os.mkdir(path), "S01", "is a directory")
        line_of(lambda: os.symlink("storpool.conf", path), "S01", "lead in a circle")
        line_of(lambda: write(path, CONF + "export canary\n"), "S02", "neither NAME=VALUE")
        line_of(lambda: write(path, b"\xff\xfecanary\n"), "S02", "not UTF-8")
        line_of(lambda: write(path, b"canary\0canary\0=\n[\0]\n"), "S03", "SP_OURID is not set")

        def huge():
            with open(path, "wb") as file:
                file.truncate(1 << 30)
        line_of(huge, "S01", "is larger than 4194304 bytes")

    def test_group_and_spool(self):
        """One sentence for each thing that is not as it should be, as it was found."""
        self.needs_root()
        self.prepare()
        spool, group = self.system.path(SPOOL), "etc/group"
        file = spool + "/openstack-attach.json"
        line = "spopenstack:x:%d:%s\n"

        def found():
            return [text for level, text in self.doctor()["S10"] if level in ("warning", "error")]

        self.assertEqual(found(), [])
        self.put("etc/passwd", PASSWD % (64, 64, 65, 65))
        self.put(group, line % (os.getgid(), "cinder"))
        self.assertEqual(found(), ["the account nova is not a member of the group spopenstack"])
        self.put(group, line % (118, "cinder,nova"))
        self.assertEqual(found(), ["the owner of '%s' is not root:spopenstack" % name
                                   for name in (spool, file)])
        self.put(group, line % (os.getgid(), "cinder,nova"))
        os.chmod(spool, 0o755)
        os.chmod(file, 0o666)
        self.assertEqual(found(), ["the mode of '%s' is 0755, not 0770" % spool,
                                   "the mode of '%s' is 0666, not 0660" % file])
        os.chmod(spool, 0o770)
        write(file, "[]", 0o660)
        self.assertEqual(found(), ["'%s' is no JSON object, so the drivers cannot read it; if no "
                                   "volume is attached, put {} into it" % file])
        os.unlink(file)
        self.assertEqual(found(), ["'%s' does not exist" % file])
        os.rmdir(spool)
        self.assertEqual(found(), ["the directory '%s' does not exist" % spool])
        self.put(group)
        self.put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
        self.assertEqual(found(), [
            "the group spopenstack does not exist", "the directory '%s' does not exist" % spool]
            + ["the account %s, which is to be a member of the group spopenstack, does not exist"
               % name for name in ("cinder", "nova")])

    def test_planted_spool(self):
        self.needs_root()
        self.prepare()
        spool = self.system.path(SPOOL, "openstack-attach.json")
        os.unlink(spool)
        os.mkfifo(spool)
        self.assertIn("is a FIFO", self.bad()["S10"])
        os.unlink(spool)
        os.symlink("/etc/passwd", spool)
        self.assertIn("find out who put it there", self.bad()["S10"])
        os.unlink(spool)
        write(spool, '{"req-1": {"volume": "canary"}}', 0o660)
        self.assertIn(("note", "the spool file has requests of StorPool's older drivers (1), which "
                       "these do not read"), self.doctor()["S10"])

    def test_without_root(self):
        self.needs_root()
        self.prepare()
        os.chmod(self.system.path("etc/storpool.conf"), 0o600)
        os.chmod(self.system.path(SPOOL), 0o700)
        found = self.doctor(user=lib.NOBODY)
        self.assertEqual(found["S01"], [("unknown", "this user may not read it")])
        self.assertEqual(found["S10"][0][0], "unknown", found["S10"])
        os.makedirs(self.system.path("etc/storpool.conf.d"), 0o700)
        self.assertEqual(len(self.doctor(user=lib.NOBODY)["S01"]), 2)

    def test_host_without_storpool(self):
        """Nothing of it is here, and no driver is to be: one note."""
        self.system = self.host(name="other")
        self.system.put("nova", "pike", "17.0.13")      # Queens
        self.assertEqual(self.bad(), {})
        self.assertEqual(self.doctor()["S01"], [("note", "StorPool's client is not set up here")])
        self.system = self.host("pike", name="third")
        self.assertEqual(sorted(self.bad()), ["S01", "S08"])
