# SPDX-License-Identifier: Apache-2.0
"""No output has a secret of the host in it: of any command, at any level of -v, as JSON or JUnit,
and no file of the work directory. test_services.py does the same for processes and the log."""

import os

import deployments
import lib
from deployments import BACKEND, CANARY
from lib import Case, write

CINDER, NOVA = "etc/cinder/cinder.conf", "etc/nova/nova-compute.conf"
STORPOOL = "etc/storpool.conf"
LEVELS = (["-q"], [], ["-v"], ["-vv"], ["-vvvv"], ["-j"], ["-j", "-vvvv"])

# Each puts the canary where it is in the way of a reader or a check: (file, text to replace - None:
# the end - and its replacement).
CINDER_PLACES = (
    (CINDER, None, CANARY + "\n"),                               # lines that do not parse
    (CINDER, None, "\n  " + CANARY + "\n"),
    (CINDER, None, "[" + CANARY + "\n"),
    (CINDER, None, "[]" + CANARY + "\n"),
    (CINDER, None, "= " + CANARY + "\n"),
    (CINDER, "[DEFAULT]\n", CANARY + " = x\n[DEFAULT]\n"),
    (CINDER, None, "%s = x # y\n" % CANARY),                     # names of options
    (CINDER, None, "%s = a\n%s = b\n  [x]\n" % (CANARY, CANARY)),
    (CINDER, None, "[x %s]\n%s" % (CANARY, BACKEND[len("[storpool]\n"):])),     # of sections
    (CINDER, "[storpool]", "[ storpool%s ]" % CANARY),
    (CINDER, "[storpool]", "[storpool] %s]" % CANARY),
    (CINDER, "enabled_backends = storpool", "enabled_backends = storpool,x=%s" % CANARY),
    (CINDER, "enabled_backends = storpool", "enabled_backends = storpool # " + CANARY),
    (CINDER, "enabled_backends = storpool", "enabled_backends = '%s x'" % CANARY),
    (CINDER, "enabled_backends = storpool", "enabled_backends = storpool\n  password = " + CANARY),
    (CINDER, "storpool.StorPoolDriver", "storpool." + CANARY),   # values
    (CINDER, "storpool_template", "storpool_replication = %s\nstorpool_template" % CANARY),
    (CINDER, "= True", "= " + CANARY),
    (CINDER, "= True", "= True # " + CANARY),
    (CINDER, "= hybrid", "= $" + CANARY),
    (CINDER, "= hybrid", "= hybrid\nstorpool_template = " + CANARY),
    (CINDER, None, "host = %s\nvolume_backend_name = %s\n" % (CANARY, CANARY)),
    (CINDER, "type = storpool", "type = storpool ; " + CANARY),
    (CINDER, CANARY, CANARY + " # " + CANARY),
    (CINDER, "storpool\n", "storpool,b\n[b]\n%svolume_backend_name = %s\n[DEFAULT]\n"
     % (BACKEND[len("[storpool]\n"):], CANARY)),
)
OTHER_PLACES = (
    (NOVA, None, CANARY + "\n"),
    (NOVA, "libvirt.LibvirtDriver", CANARY),
    (NOVA, "compute_driver", "host = %s\ncompute_driver" % CANARY),
    (NOVA, None, "volume_drivers = %s\n" % CANARY),
    (STORPOOL, None, CANARY + "\n"),
    (STORPOOL, "SP_AUTH", "export SP_AUTH"),
    (STORPOOL, "SP_AUTH", "SP_OURID = %s\nSP_AUTH" % CANARY),
    (STORPOOL, "SP_OURID", "SP_OURID = %s\n#" % CANARY),
    (STORPOOL, "SP_AUTH", "SP_API_HTTP_PORT = %s\nSP_API_HTTP_HOST =\nSP_AUTH" % CANARY),
    (STORPOOL, "[ctl-1]", "[%s x]" % CANARY),
    (STORPOOL, "SP_AUTH", "\ufeff%s SP_AUTH" % CANARY),
    ("var/spool/openstack-storpool/openstack-attach.json", "{}",
     '{"req-1": {"token": "%s"}}' % CANARY),
    ("var/spool/openstack-storpool/openstack-attach.json", "{}", CANARY),
    ("lib/systemd/system/nova-compute.service", "systemd-start",
     "systemd-start --password %s" % CANARY),
    ("lib/systemd/system/nova-compute.service", "ExecStart",
     CANARY + "\n[" + CANARY + "\nExecStart"),
    ("lib/systemd/system/nova-compute.service", "ExecStart",
     "Environment=SP_AUTH_TOKEN=%s SP_API_HTTP_PORT=%s SP_OURID=%s\nExecStart" % ((CANARY,) * 3)),
    (STORPOOL, "SP_AUTH_TOKEN", "X"),
    ("etc/init.d/nova-compute", "systemd-start)",
     "systemd-start) export OS_PASSWORD=%s; export X='%s;" % (CANARY, CANARY)),
)


class Secrets(Case):
    def setUp(self):
        super().setUp()
        self.needs_root()
        self.system = self.host(name="host")
        deployments.storpool(self.system)
        deployments.ubuntu(self.system, "pike")
        self.report = os.path.join(self.tmp, "report.xml")
        self.outputs = 0

    def hidden(self, *arguments, **more):
        result = self.run_on(self.system, *arguments, **more)
        self.outputs += 1
        self.assertNotIn(CANARY.lower(), (result.out + result.err).lower(), arguments)
        return result

    def each_level(self, *command):
        for level in LEVELS:
            self.hidden(*level, *command)

    def doctor(self):
        self.each_level("doctor")
        self.hidden("doctor", "--junit", self.report)
        self.assertNotIn(CANARY.lower(), lib.read(self.report).decode().lower())

    def work_directory(self):
        """All that transactions have written."""
        for directory, _, names in os.walk(self.system.path("var/lib/sp-openstack")):
            for name in names:
                self.assertNotIn(CANARY.encode(), lib.read(os.path.join(directory, name)), name)

    def places(self, places, kinds):
        """Doctor with each of them; those that have a finding are counted by its kind."""
        self.good(self.system, "install")
        found = set()
        for name, old, new in places:
            with self.subTest(new=new):
                path = self.system.path(name)
                before = lib.read(path).decode()
                self.assertTrue(old is None or old in before, old)
                write(path, before + new if old is None else before.replace(old, new, 1))
                try:
                    self.doctor()
                    document = self.hidden("doctor", "-j").json
                finally:
                    write(path, before)
                found |= {one["id"] for one in document["checks"]
                          if one["level"] in ("note", "warning", "error")}
        self.assertLessEqual(set(kinds), found)     # the canary was in the way of these

    def test_places_in_cinder_conf(self):
        self.places(CINDER_PLACES,
                    ["C%02d" % i for i in (2, 5, 7, 8, 9, 10, 11, 12, 13, 16, 17, 18)])

    def test_other_places(self):
        self.places(OTHER_PLACES, ["C02", "N01", "N02", "N03", "S02", "S03", "S04", "S05", "S10"])

    def test_all_commands(self):
        """Each command, before, after, and when it fails, on a host whose files are spoilt."""
        for name in (CINDER, NOVA, STORPOOL):
            path = self.system.path(name)
            write(path, lib.read(path).decode() + CANARY + "\n")
        commands = (["detect"], ["check"], ["check", "--junit", self.report], ["diff"],
                    ["install", "-n"], ["install"], ["services"], ["doctor"], ["reapply", "-n"],
                    ["reapply"], ["groups", "-n"], ["history"], ["rollback", "-n"],
                    ["uninstall", "-n"], ["uninstall"], ["recover"], ["help"], ["version"],
                    ["rollback"], ["matrix", self.system.top])
        for command in commands:
            self.each_level(*command)
        self.hidden("doctor", user=lib.NOBODY)
        self.work_directory()
        self.assertGreater(self.outputs, 130)

    def test_containers(self):
        for make in (deployments.kolla, deployments.tripleo):
            self.system = self.host(name=make.__name__)
            make(self.system)
            self.doctor()
            for command in (["detect"], ["check"], ["services"], ["install"]):
                self.each_level(*command)
