# SPDX-License-Identifier: Apache-2.0
"""doctor: hosts of six deployments that are in order, and with one fault each; its outputs."""

import os
import shutil
import subprocess
import xml.etree.ElementTree as ET

import deployments
import lib
from deployments import ALL, BACKEND, CANARY
from lib import Case, write

SCHEMA = os.path.join(lib.TOP, "tests", "fixtures", "junit-10.xsd")
CONF = "etc/cinder/cinder.conf"

# (check, level, line, text to replace - None: the end - and its replacement)
CINDER_FAULTS = (
    ("C02", "error", 20, "[storpool]", "storpool]"),
    ("C04", "error", 6, BACKEND, "[storpool]\nstorpool_template = hybrid\n"),
    ("C05", "error", 24, "enabled_backends = storpool\n",
     "enabled_backends = lvm\n[lvm]\nvolume_driver = x.LVM\n[x]\n"),
    ("C06", "warning", 6, "enabled_backends = storpool\n", "enabled_backends = storpool,lvm\n"),
    ("C07", "error", 21, "storpool.StorPoolDriver", "storpool.StorpoolDriver"),
    ("C08", "warning", 20, "[storpool]", "[ storpool ]\nx = y\n[storpool]"),
    ("C09", "error", 24, "report_d", "storpool_replication = 5\nreport_d"),
    ("C09", "note", None, "storpool_template = hybrid\n", ""),
    ("C10", "error", 24, "supported = True", "supported = yes please"),
    ("C10", "note", None, "report_discard_supported = True\n", ""),
    ("C11", "warning", 24, "report_d", "storpool_template = ssd\nreport_d"),
    ("C12", "error", 23, "hybrid\n", "hybrid   # for all\n"),
    ("C12", "warning", 4, "keystone\n", "keystone # " + CANARY + "\n"),
    ("C13", "warning", 19, "lock_path", "a = b\n  lock_path"),
    ("C14", "note", 6, "enabled_backends = storpool", "enabled_backends = storpool,"),
    ("C15", "warning", 27, "enabled_backends = storpool\n", "enabled_backends = storpool,ssd\n"),
    ("C16", "error", 6, "enabled_backends = storpool\n",
     "enabled_backends = storpool,a " + CANARY + "\n"),
    ("C17", "warning", 25, None, "host = ctl@ssd\n"),
    ("C18", "warning", 7, "type = storpool\n", "type = storpool # the default\n"),
)


class Doctor(Case):
    def make(self, deployment, release=None, installed=True):
        """A host that is in order."""
        host = self.host(name=deployment)
        deployments.storpool(host)
        ALL[deployment](host, *([release] if release else []))
        if installed and deployment not in ("Kolla", "TripleO"):
            self.good(host, "install")
        return host

    def findings(self, host, *arguments, **more):
        """[(id, level, file, line)] of those that are neither ok nor skipped, nor unknown because
        of --root."""
        result = self.run_on(host, "doctor", "-j", *arguments, **more)
        self.assertIn(result.status, (0, 1), result)
        document = result.json
        repaired = [one for one in document["checks"] if one["level"] in ("warning", "error")]
        self.assertEqual(document["to_repair"], len(repaired))
        self.assertEqual(result.status, 1 if repaired else 0)
        return [(one["id"], one["level"], (one["file"] or "")[len(host.top) + 1:], one["line"])
                for one in document["checks"]
                if one["level"] not in ("ok", "skipped") and
                (one["level"] != "unknown" or one["remedy"])]


class InOrder(Doctor):
    def setUp(self):
        super().setUp()
        self.needs_root()

    def test_each_deployment(self):
        files = {
            "Ubuntu": ["etc/cinder/cinder.conf", "etc/nova/nova.conf",
                       "etc/nova/nova-compute.conf"],
            "RDO": ["usr/share/cinder/cinder-dist.conf", "etc/cinder/cinder.conf",
                    "usr/share/nova/nova-dist.conf", "etc/nova/nova.conf"],
            "OpenStack-Ansible": ["etc/cinder/cinder.conf", "etc/nova/nova.conf"],
            "Kolla": ["etc/kolla/cinder-volume/cinder.conf", "etc/kolla/nova-compute/nova.conf"],
            "TripleO": [
                "/usr/share/cinder/cinder-dist.conf",   # of the image
                "var/lib/config-data/puppet-generated/cinder/etc/cinder/cinder.conf",
                "var/lib/config-data/puppet-generated/nova_libvirt/etc/nova/nova.conf",
                "var/lib/config-data/puppet-generated/nova_libvirt/etc/nova/rootwrap.conf"],
            "DevStack": ["etc/cinder/cinder.conf", "etc/nova/nova-cpu.conf"]}
        for deployment in ALL:
            with self.subTest(deployment):
                host = self.make(deployment)
                self.assertEqual(self.findings(host), [])
                self.assertEqual(self.run_on(host, "doctor").out,
                                 "ok: nothing is to be repaired\n")
                read = [name for one in self.run_on(host, "doctor", "-j").json["services"]
                        for name in one["files"]]
                self.assertEqual([name.replace(host.top + "/", "") for name in read],
                                 files[deployment])

    def test_each_release(self):
        for release in ("mitaka", "newton", "ocata", "pike"):
            host = self.host(name=release)
            deployments.storpool(host)
            deployments.ubuntu(host, release)
            self.good(host, "install")
            self.assertEqual(self.findings(host), [], release)

    def test_one_component(self):
        host = self.make("Ubuntu")
        for name, programs in (("cinder", ["cinder-volume"]), ("nova", ["nova-compute"]),
                               ("os-brick", [])):
            document = self.good(host, "doctor", "-j", name).json
            self.assertEqual([one["program"] for one in document["services"]], programs)

    def test_two_kinds_of_hosts(self):
        """A controller has nova's packages for its API; a compute host has no cinder.conf."""
        controller = self.make("Ubuntu", installed=False)
        for name in ("etc/init.d/nova-compute", "lib/systemd/system/nova-compute.service",
                     "etc/systemd/system/multi-user.target.wants/nova-compute.service",
                     "etc/nova/nova-compute.conf"):
            os.unlink(controller.path(name))
        self.good(controller, "install", "cinder")
        self.assertEqual(self.findings(controller), [])
        compute = self.make("RDO", installed=False)
        for name in ("etc/cinder", "usr/share/cinder"):
            shutil.rmtree(compute.path(name))
        shutil.rmtree(compute.path("usr/lib/python2.7/site-packages/cinder"))
        shutil.rmtree(compute.path("usr/lib/python2.7/site-packages/cinder-10.0.8.dist-info"))
        for name in ("usr/lib/systemd/system/openstack-cinder-volume.service",
                     "etc/systemd/system/multi-user.target.wants/openstack-cinder-volume.service"):
            os.unlink(compute.path(name))
        self.good(compute, "install")
        self.assertEqual(self.findings(compute), [])


class Faults(Doctor):
    """A host with one fault gives this finding and no other."""

    def setUp(self):
        super().setUp()
        self.needs_root()
        self.system = self.make("Ubuntu", "pike")

    def spoil(self, name, old, new):
        text = lib.read(self.system.path(name)).decode()
        if old is not None:
            self.assertIn(old, text)
        write(self.system.path(name), text + new if old is None else text.replace(old, new, 1))
        return text

    def test_cinder(self):
        for check, level, line, old, new in CINDER_FAULTS:
            with self.subTest(check, level=level):
                before = self.spoil(CONF, old, new)
                if check == "C15":
                    self.spoil(CONF, None, BACKEND.replace("hybrid", "ssd")
                               .replace("[storpool]", "[ssd]"))
                if check == "C16":
                    self.spoil(CONF, None, "[a %s]\nx = y\n" % CANARY)
                found = self.findings(self.system)
                write(self.system.path(CONF), before)
                self.assertEqual(found, [(check, level, CONF, line)])
        self.assertEqual(self.findings(self.system), [])

    def test_nova(self):
        name = "etc/nova/nova-compute.conf"
        for check, level, line, old, new in (
                ("N01", "error", 2, "libvirt.LibvirtDriver", "vmwareapi.VMwareVCDriver"),
                ("N01", "error", None, deployments.DRIVER, ""),
                ("N02", "note", 5, None, "volume_drivers = storpool=" + CANARY + "\n"),
                ("N03", "warning", 2, "compute_driver", "host = other-1\ncompute_driver"),
                ("C12", "error", 2, "LibvirtDriver", "LibvirtDriver # " + CANARY),
                ("C02", "error", 5, None, CANARY + "\n")):
            before = self.spoil(name, old, new)
            found = self.findings(self.system)
            write(self.system.path(name), before)
            place = "etc/nova/nova.conf" if line is None else name
            self.assertEqual(found, [(check, level, place, line)])

    def test_files(self):
        os.rename(self.system.path(CONF), self.system.path("x"))
        self.assertEqual(self.findings(self.system), [("C01", "error", CONF, None)])
        os.rename(self.system.path("x"), self.system.path(CONF))
        os.chmod(self.system.path(CONF), 0o600)
        found = self.findings(self.system, user=lib.NOBODY)
        self.assertIn(("C01", "unknown", CONF, None), found)
        os.chmod(self.system.path("etc/cinder"), 0o700)
        found = self.findings(self.system, user=lib.NOBODY)
        self.assertIn(("C01", "unknown", "etc/cinder", None), found)
        self.assertNotIn("C04", [one[0] for one in found])

    def test_closed_directories(self):
        """An ordinary user may not look at the environment files of a unit, or its drop-ins."""
        unit = "lib/systemd/system/cinder-volume.service"
        self.spoil(unit, "ExecStart", "EnvironmentFile=/srv/cinder/environment\nExecStart")
        for name in ("srv/cinder", "etc/systemd/system/cinder-volume.service.d"):
            path = self.system.path(name)
            os.makedirs(path, 0o700)
            for command in ("doctor", "check", "services"):
                result = self.run_on(self.system, command, user=lib.NOBODY)
                self.assertEqual((result.status, result.err), (0, ""), result)
            os.chmod(path, 0o755)

    def test_option_of_two_backends(self):
        """A fault in [backend_defaults] is one, however many backends have it."""
        text = deployments.cinder_conf().replace("backends = storpool", "backends = storpool,ssd")
        write(self.system.path(CONF), text + BACKEND.replace("storpool]", "ssd]").replace(
            "name = storpool", "name = ssd") + "[backend_defaults]\nstorpool_replication = 9\n")
        self.assertEqual([one[:2] for one in self.findings(self.system)], [("C09", "error")])

    def test_encodings(self):
        """A byte order mark, which an editor does not show, is named."""
        path = self.system.path(CONF)
        text = lib.read(path).decode()
        for encoding, name in (("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16")):
            write(path, text.encode(encoding))
            found = [one for one in self.run_on(self.system, "doctor", "-j").json["checks"]
                     if one["level"] == "error"]
            self.assertEqual([(one["id"], one["line"]) for one in found], [("C02", 1)])
            self.assertIn("without a byte order mark; it is %s with one" % name,
                          found[0]["remedy"])

    def test_what_was_not_looked_at(self):
        """A file that is too large, or not readable, is not called in order."""
        path = self.system.path(CONF)
        text = lib.read(path).decode()
        for more in ("# x\n" * 100001, "# " + "x" * (4 << 20)):
            write(path, text + more)
            result = self.good(self.system, "doctor")
            self.assertIn("unknown: the file was not looked at: ", result.out)
            self.assertTrue(result.out.endswith("nothing that is to be repaired was found, but "
                                                "1 thing could not be looked at\n"), result)
        write(path, text, 0o600)
        os.chmod(path, 0o600)
        result = self.run_on(self.system, "doctor", user=lib.NOBODY)
        self.assertIn("  unknown: this user may not read it [C01]\n      run this as root\n",
                      result.out)
        self.assertNotIn("ok: ", result.out)

    def test_no_regular_file(self):
        path = self.system.path(CONF)
        os.unlink(path)
        os.mkfifo(path)
        self.assertEqual(self.findings(self.system), [("C01", "error", CONF, None)])
        self.assertIn("is no regular file", self.run_on(self.system, "doctor").out)

    def test_packages(self):
        self.good(self.system, "uninstall", "nova")
        self.assertEqual(self.findings(self.system), [("D01", "error", "", None)])
        result = self.expect(1, self.run_on(self.system, "doctor"), "nova (not-installed)",
                             "run: sp-openstack -R %s install\n" % self.system.top)
        self.assertEqual(result.err, "")

    def test_release_before(self):
        """Without enabled_backends."""
        text = deployments.cinder_conf().replace("enabled_backends = storpool\n", "").replace(
            "[storpool]\n", "[DEFAULT]\n")
        for release, expected in (("mitaka", [("C03", "note")]), ("newton", [("C03", "warning")]),
                                  ("ocata", [("C03", "error")])):
            host = self.host(name=release)
            deployments.storpool(host)
            deployments.ubuntu(host, release)
            write(host.path(CONF), text)
            self.good(host, "install")
            self.assertEqual([one[:2] for one in self.findings(host)], expected)


class SeveralServices(Doctor):
    """Two units of one program, with files of their own besides one that both read."""

    UNIT = "/usr/bin/cinder-volume --config-file /etc/cinder/cinder.conf --config-file %s"

    def setUp(self):
        super().setUp()
        self.needs_root()
        self.system = self.make("RDO", installed=False)
        write(self.system.path(CONF), deployments.cinder_conf().replace(
            "enabled_backends = storpool\n", "").replace(BACKEND, ""))
        self.put("hdd")
        self.put("ssd")
        deployments.unit(self.system, "cinder-volume-ssd", "cinder",
                         self.UNIT % "/etc/cinder/ssd.conf")
        write(self.system.path("usr/lib/systemd/system/openstack-cinder-volume.service"),
              deployments.UNIT % ("cinder", CANARY, self.UNIT % "/etc/cinder/hdd.conf"))
        self.good(self.system, "install")

    def put(self, name, more=""):
        backend = BACKEND.replace("= storpool\n", "= %s\n" % name).replace("[storpool]",
                                                                           "[%s]" % name)
        write(self.system.path("etc/cinder/%s.conf" % name),
              "[DEFAULT]\nenabled_backends = %s\n%s%s" % (name, backend, more))

    def test_in_order(self):
        self.assertEqual(self.findings(self.system), [])
        services = self.run_on(self.system, "doctor", "-j", "cinder").json["services"]
        self.assertEqual([[name.rsplit("/", 1)[1] for name in one["files"]] for one in services],
                         [["cinder.conf", "ssd.conf"], ["cinder.conf", "hdd.conf"]])
        self.assertEqual({one["program"] for one in services}, {"cinder-volume"})
        out = self.good(self.system, "doctor", "-v", "cinder").out
        for name in ("ssd", "hdd"):
            self.assertIn("reads:\n  %s\n  %s\n" % (
                self.system.path(CONF), self.system.path("etc/cinder/%s.conf" % name)), out)

    def test_each_is_looked_at(self):
        for name in ("hdd", "ssd"):
            self.put(name, "storpool_replication = 9\n")
            self.assertEqual(self.findings(self.system),
                             [("C09", "error", "etc/cinder/%s.conf" % name, 8)])
            self.put(name, CANARY + "\n")
            self.assertEqual(self.findings(self.system),
                             [("C02", "error", "etc/cinder/%s.conf" % name, 8)])
            os.unlink(self.system.path("etc/cinder/%s.conf" % name))
            self.assertEqual(self.findings(self.system),
                             [("C01", "error", "etc/cinder/%s.conf" % name, None)])
            self.put(name)

    def test_file_of_both(self):
        """A fault in it is told once."""
        path = self.system.path(CONF)
        write(path, lib.read(path).decode() + "[x]\na = b # c\n")
        self.assertEqual([one[:3] for one in self.findings(self.system)],
                         [("C12", "warning", CONF)])

    def test_one_without_a_driver(self):
        """A service for other storage is no fault where another has the driver."""
        write(self.system.path("etc/cinder/ssd.conf"),
              "[DEFAULT]\nenabled_backends = ceph\n[ceph]\nvolume_driver = x.RBDDriver\n")
        self.assertEqual(self.findings(self.system), [])
        shutil.copy(self.system.path("etc/cinder/ssd.conf"),
                    self.system.path("etc/cinder/hdd.conf"))
        self.assertEqual([one[0] for one in self.findings(self.system)], ["C04"])

    def test_another_program(self):
        """cinder-backup reads the files of cinder-volume, or one of its own."""
        command = "/usr/bin/cinder-backup --config-file %s"
        for name, expected in (("ssd", []), ("backup", [("C02", "error", "etc/cinder/backup.conf",
                                                         1)])):
            write(self.system.path("etc/cinder/backup.conf"), "x\n")
            deployments.unit(self.system, "openstack-cinder-backup-" + name, "cinder", command
                             % ("/etc/cinder/cinder.conf --config-file /etc/cinder/%s.conf" % name))
            self.assertEqual(self.findings(self.system), expected)
        programs = [one["program"] for one in
                    self.run_on(self.system, "doctor", "-j", "cinder").json["services"]]
        self.assertEqual(sorted(programs), ["cinder-backup"] * 2 + ["cinder-volume"] * 2)
        self.assertRegex(self.run_on(self.system, "doctor", "-v", "cinder").out,
                         "cinder-volume, by [^ ]*, and cinder-backup, by [^ ]*, read:\n")


class Outputs(Doctor):
    def setUp(self):
        super().setUp()
        self.needs_root()
        self.system = self.make("Ubuntu", "pike")
        self.conf = self.system.path(CONF)

    def spoil(self):
        write(self.conf, deployments.cinder_conf().replace("hybrid", "hybrid # x").replace(
            "[oslo_concurrency]\n", "[oslo_concurrency]\na = b\n  c = d\n"))

    def test_text(self):
        self.spoil()
        result = self.expect(1, self.run_on(self.system, "doctor"))
        self.assertEqual(result.out, """%s:
  19: warning: the line begins with white space, so it goes on with the value of line 18 [C13]
      write the line from its first column on
  25: error: there are no comments behind a value: all of the line is the value of \
storpool_template [C12]
      write the comment into a line of its own
to be repaired: 1 error, 1 warning
""" % self.conf)
        quiet = self.run_on(self.system, "doctor", "-q")
        self.assertEqual(quiet.out, result.out[:result.out.rindex("to be")])
        verbose = self.run_on(self.system, "doctor", "-v").out
        self.assertIn("cinder-volume, by %s/lib/systemd/system/cinder-volume.service, reads:\n"
                      "  %s\n" % (self.system.top, self.conf), verbose)
        self.assertIn("  ok: a backend has StorPool's driver [C04]\n", verbose)

    def test_json(self):
        self.spoil()
        document = self.expect(1, self.run_on(self.system, "-j", "doctor")).json
        self.assertEqual((document["schema"], document["command"], document["to_repair"]),
                         (1, "doctor", 2))
        for one in document["checks"]:
            self.assertEqual(sorted(one), ["file", "id", "level", "line", "remedy", "subject",
                                           "text", "title"])
        one, = [one for one in document["checks"] if one["id"] == "C12" and one["level"] == "error"]
        self.assertEqual((one["subject"], one["file"], one["line"]), ("cinder", self.conf, 25))
        self.assertEqual({one["id"] for one in document["checks"] if one["subject"] == "cinder"},
                         {"C%02d" % i for i in range(1, 19)})

    def test_junit(self):
        path = os.path.join(self.tmp, "report.xml")
        self.spoil()
        self.expect(1, self.run_on(self.system, "doctor", "--junit", path))
        if shutil.which("xmllint"):
            subprocess.run(["xmllint", "--noout", "--schema", SCHEMA, path], check=True,
                           stderr=subprocess.DEVNULL)
        cases = ET.parse(path).getroot().findall(".//testcase")
        names = [(case.get("classname"), case.get("name")[:3]) for case in cases]
        self.assertEqual(len(names), len(set(names)))
        self.assertIn(("doctor.host", "S04"), names)
        failed = {case.get("name")[:3]: case.find("failure").get("message") for case in cases
                  if case.find("failure") is not None}
        self.assertEqual(sorted(failed), ["C12", "C13"])
        self.assertTrue(failed["C12"].startswith(self.conf + ":25: error: "), failed)
        self.assertNotIn(CANARY, lib.read(path).decode())

    def test_count_at_the_end(self):
        """check and install name how many more findings there are, as far as this user can tell."""
        line = "doctor has %s on this host; for the remedies, run: sp-openstack -R %s doctor\n"
        for command in (["check"], ["install"]):
            self.assertNotIn("doctor", self.good(self.system, *command).out)
        self.spoil()
        for command in (["check"], ["install"]):
            self.assertTrue(self.good(self.system, *command).out.endswith(
                line % ("2 more findings", self.system.top)))
        self.assertEqual(self.good(self.system, "check", "-j").json["to_repair"], 2)
        site = "/" + self.system.site
        out = self.good(self.system, "-L", site, "check").out
        self.assertIn("run: sp-openstack -R %s -L %s doctor\n" % (self.system.top, site), out)
        write(self.conf, deployments.cinder_conf().replace("hybrid", "hybrid # x"))
        self.assertIn(line % ("1 more finding", self.system.top),
                      self.good(self.system, "check").out)
        self.assertNotIn("doctor", self.good(self.system, "check", "-q").out)
        self.assertNotIn("doctor", self.good(self.system, "install", "-n").out)
        os.chmod(self.conf, 0o600)
        self.assertNotIn("doctor", self.run_on(self.system, "check", user=lib.NOBODY).out)
        self.assertIsNone(self.run_on(self.system, "check", "-j",
                                      user=lib.NOBODY).json["to_repair"])

    def test_nothing_here(self):
        empty = self.host(name="empty")
        self.expect(3, self.run_on(empty, "doctor"), "was found")
        self.expect(2, self.run_on(empty, "doctor", "glance"), "glance")
        shutil.rmtree(self.system.path("etc/nova"))
        self.assertEqual(self.run_on(self.host(name="x"), "doctor", "nova").status, 3)


class Steps(Doctor):
    """The steps of StorPool's document, in its order, on a host that has nothing of it: the
    findings of doctor before and after each. SP_TEST_STEPS=1 prints them."""

    STOCK = "enabled_backends = lvm\n"
    LVM = "[lvm]\nvolume_driver = cinder.volume.drivers.lvm.LVMVolumeDriver\n"

    def setUp(self):
        super().setUp()
        self.needs_root()

    def bare(self, name, services, site):
        host = self.host(name=name, site=site)
        host.put_all("ocata" if name == "RDO" else "newton")
        services(host)
        deployments.put(host, CONF, deployments.cinder_conf().replace(BACKEND, self.LVM).replace(
            "enabled_backends = storpool\n", self.STOCK))
        deployments.put(host, "etc/hostname", "ctl-1\n")
        deployments.put(host, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
                        "cinder:x:64:64::/var/lib/cinder:/bin/false\n"
                        "nova:x:65:65::/var/lib/nova:/bin/false\n")
        deployments.put(host, "etc/group", "root:x:0:\ncinder:x:64:\nnova:x:65:\n"
                        "spopenstack:x:118:\n")
        return host

    def client(self, host):
        for name in ("storpool_beacon", "storpool_block"):
            deployments.unit(host, name, "root", "/usr/sbin/%s.bin" % name)
        deployments.put(host, "etc/storpool.conf", deployments.STORPOOL % CANARY)

    def backend(self, host):
        """As doctor has it."""
        remedy, = {one["remedy"] for one in self.run_on(host, "doctor", "-j").json["checks"]
                   if one["id"] == "C04"}
        lines = remedy.splitlines()
        first = lines.pop(0).split("[DEFAULT]: ")[1]
        text = lib.read(host.path(CONF)).decode().replace(self.STOCK, first + "\n")
        section = "".join(line.strip() + "\n" for line in lines[1:])
        deployments.put(host, CONF, text + section.replace("(a template of the StorPool cluster)",
                                                           "hybrid"))

    def take(self, name, services, site):
        host = self.bare(name, services, site)
        steps = (("nothing", lambda: None),
                 ("client services and storpool.conf", lambda: self.client(host)),
                 ("Python packages", host.put_prerequisites),
                 ("sp-openstack install", lambda: self.good(host, "install")),
                 ("sp-openstack groups", lambda: self.good(host, "groups")),
                 ("backend in cinder.conf", lambda: self.backend(host)))
        table = []
        for step, do in steps:
            do()
            result = self.run_on(host, "doctor")
            self.assertNotIn(CANARY, result.out + result.err)
            found = [one for one in self.findings(host) if one[1] in ("warning", "error")]
            ids = [one[0] for one in found]
            table.append((step, " ".join(dict.fromkeys(ids)) or result.out.strip()))
        if "SP_TEST_STEPS" in os.environ:
            print("".join("%-18s %-34s %s\n" % (name, step, found) for step, found in table))
        return table

    def test_steps(self):
        for name, services, site in (
                ("Ubuntu", deployments.ubuntu_services, lib.DEBIAN),
                ("RDO", deployments.rdo_services, "usr/lib/python2.7/site-packages")):
            with self.subTest(name):
                table = self.take(name, services, site)
                self.assertEqual([found for _, found in table], [
                    "D01 S01 S07 S08", "D01 S07", "D01", "C04 S10", "C04",
                    "ok: nothing is to be repaired"])
