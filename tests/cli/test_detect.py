# SPDX-License-Identifier: Apache-2.0
"""Which component, of which version, and what the answer rests on."""

import os

import packages
from lib import DEBIAN, Case, blob_id, run_program, write


class FromMetadata(Case):
    FORMS = {"dist-info": "nova-14.1.0.dist-info/METADATA",
             "egg-info": "nova-14.1.0-py2.7.egg-info/PKG-INFO",
             "egg-info-bare": "nova.egg-info/PKG-INFO",
             "egg-info-file": "nova-14.1.0.egg-info"}

    def test_forms(self):
        for number, (form, file) in enumerate(sorted(self.FORMS.items())):
            with self.subTest(form):
                host = self.host(name="host%d" % number)
                host.put("nova", "newton", form=form)
                one = self.one(host, "nova")
                self.assertEqual((one["version"], one["release"], one["evidence"]),
                                 ("14.1.0", "newton", "metadata"))
                self.assertIn(file, one["because"])
                self.assertEqual(one["path"], host.file("nova"))
                self.assertEqual(one["support"], "supported")

    def test_all_releases(self):
        for release in packages.RELEASES:
            host = self.host(release, name=release)
            found = {one["component"]: (one["version"], one["release"])
                     for one in self.found(host)}
            self.assertEqual(found, {component: (packages.VERSIONS[component, release], release)
                                     for component in packages.COMPONENTS})

    def test_names_of_the_distribution(self):
        """PEP 503: case and runs of - _ . do not matter."""
        for number, name in enumerate(("os-brick", "os_brick", "OS.Brick", "os--_brick")):
            with self.subTest(name):
                host = self.host(name="host%d" % number)
                host.put("os_brick", "newton", form=None)
                host.put_metadata(name, "1.6.2")
                self.assertEqual(self.one(host, "os-brick")["evidence"], "metadata")

    def test_metadata_of_another_distribution(self):
        host = self.host()
        host.put("nova", "newton", form=None)
        host.put_metadata("nova-powervm", "5.0.0")
        host.put_metadata("python-nova", "5.0.0")
        host.put_metadata("novaclient", "7.1.0")
        self.assertEqual(self.one(host, "nova")["evidence"], "probes")

    def test_versions_that_pbr_writes(self):
        for number, (version, release) in enumerate((
                ("14.0.0.0b1", "newton"), ("14.0.0.0rc2", "newton"), ("14.0.1.dev23", "newton"),
                ("14.0.0.0b1.dev7", "newton"), ("13.0.0", "mitaka"), ("14.99.99", "newton"),
                ("15.0.0.0b1", "ocata"), ("14.0.0+vendor.2", "newton"), ("1!14.0.0", None))):
            with self.subTest(version):
                host = self.host(name="host%d" % number)
                host.put("nova", "newton", version)
                one = self.one(host, "nova")
                self.assertEqual((one["version"], one["release"] if release else None),
                                 (version, release))

    def test_metadata_that_disagree(self):
        host = self.host()
        host.put("nova", "newton", form=None)
        host.put_metadata("nova", "13.1.0")
        host.put_metadata("nova", "14.1.0")
        one = self.one(host, "nova")
        self.assertEqual((one["version"], one["release"], one["evidence"]),
                         (None, "newton", "probes"))
        self.assertIn("disagree", one["because"])
        for name in ("nova-13.1.0.dist-info", "nova-14.1.0.dist-info"):
            self.assertIn(name, one["because"])
        self.expect(0, self.run_on(host, "install", "nova", "--no-deps"))

    def test_metadata_that_agree(self):
        host = self.host()
        host.put("nova", "newton", "14.1.0")
        host.put_metadata("nova", "14.1", "egg-info")
        self.assertEqual(self.one(host, "nova")["evidence"], "metadata")

    def test_metadata_without_sense(self):
        """Then the contents decide."""
        texts = {"none": "", "other": "Metadata-Version: 1.1\nName: nova\n\nVersion: 14.1.0\n",
                 "words": "Name: nova\nVersion: unknown\n", "nul": "Name: nova\n\0\n",
                 "binary": b"\xff\xfe\x00\x01", "no name": "Version: 14.1.0\n",
                 "empty version": "Name: nova\nVersion:\n",
                 "endless": "x" * 3000000}
        for number, (what, text) in enumerate(sorted(texts.items())):
            with self.subTest(what):
                host = self.host(name="host%d" % number)
                host.put("nova", "newton", form=None)
                host.write("nova-14.1.0.dist-info/METADATA", text)
                one = self.one(host, "nova")
                self.assertEqual((one["release"], one["evidence"]), ("newton", "probes"))

    def test_metadata_with_carriage_returns_and_spaces(self):
        host = self.host()
        host.put("nova", "newton", form=None)
        host.write("nova.egg-info/PKG-INFO",
                   b"Metadata-Version: 1.0\r\nNAME:\tNova \r\nversion:  14.0.2\t\r\n\r\n")
        self.assertEqual(self.one(host, "nova")["version"], "14.0.2")

    def test_metadata_that_is_no_file(self):
        host = self.host()
        host.put("nova", "newton", form=None)
        os.makedirs(host.file("nova-14.1.0.dist-info/METADATA"))
        os.makedirs(host.file("nova-9.egg-info"))
        os.mkfifo(host.file("nova-14.1.0.egg-info"))
        os.symlink("/nowhere", host.file("nova-14.2.0.egg-info"))
        self.assertEqual(self.one(host, "nova")["evidence"], "probes")


class FromContents(Case):
    def test_release_by_probes(self):
        for release in packages.RELEASES:
            for component in packages.COMPONENTS:
                with self.subTest("%s %s" % (component, release)):
                    host = self.host(name=component + release)
                    host.put(component, release, form=None)
                    one = self.one(host, component)
                    self.assertEqual((one["version"], one["release"], one["evidence"]),
                                     (None, release, "probes"))
                    self.assertIn("contents", one["because"])

    def test_release_by_probes_once_integrated(self):
        """Our own work is not taken for that of a release which ships the drivers."""
        for release in packages.RELEASES:
            host = self.host(release, name=release, form=None)
            self.good(host, "install")
            self.assertEqual({one["component"]: one["release"] for one in self.found(host)},
                             dict.fromkeys(packages.COMPONENTS, release))
            self.expect(0, self.run_on(host, "check"))

    def test_newton_layouts_by_probes(self):
        for layout in ("file", "list", "package"):
            host = self.host(name=layout)
            host.put("os_brick", "newton", form=None, layout=layout)
            self.assertEqual(self.one(host, "os_brick")["release"], "newton")

    def test_release_that_includes_the_drivers(self):
        for component in packages.COMPONENTS:
            host = self.host(name=component)
            host.put_files(packages.included(component))
            one = self.one(host, component)
            self.assertEqual((one["release"], one["support"], one["evidence"]),
                             ("queens", "included", "probes"))

    def test_release_that_is_too_old(self):
        for component in packages.COMPONENTS:
            host = self.host(name=component)
            host.put_files(packages.liberty(component))
            one = self.one(host, component)
            self.assertEqual((one["release"], one["support"]), ("liberty", "unsupported"))

    def test_release_that_can_not_be_told(self):
        host = self.host()
        host.write("nova/__init__.py", "")
        one = self.one(host, "nova")
        self.assertEqual((one["version"], one["release"], one["evidence"]), (None, None, "none"))
        self.refused(host, 3, "nova", "is unknown", arguments=("install", "nova", "--no-deps"))
        self.expect(3, self.run_on(host, "check"), "unsupported")

    def test_package_without_init_is_none(self):
        """A directory of that name is not yet the package."""
        host = self.host()
        os.makedirs(host.file("nova/locale"))
        self.refused(host, 3, "nova", arguments=("check",))

    def checksums(self, contents):
        """A data directory whose nova of Newton has these {path: {content: versions}}."""
        data = self.data_dir()
        path = os.path.join(data, "manifests", "newton.yaml")
        with open(path) as file:
            text = file.read()
        at = text.index("    checksums:", text.rindex("\n  nova:"))
        end = text.index("\n  os_brick:", at)
        lines = "    checksums:\n"
        for name, blobs in contents.items():
            lines += "      %s:\n" % name
            for content, versions in blobs:
                lines += "        %s: [%s]\n" % (blob_id(content), ", ".join(versions))
        write(path, text[:at] + lines + text[end:])
        return data

    def test_exact_version_by_originals(self):
        files = packages.nova("newton")
        driver, exception = files["nova/virt/libvirt/driver.py"], files["nova/exception.py"]
        data = self.checksums({
            "virt/libvirt/driver.py": [(driver, ["14.0.0.0rc2", "14.0.0", "14.0.1"]),
                                       (driver + "#\n", ["14.0.2"])],
            "exception.py": [(exception, ["14.0.1", "14.0.2"])]})
        host = self.host()
        host.put("nova", "newton", form=None)
        host.put("os_brick", "newton")
        one = self.one(host, "-D", data, "nova")
        self.assertEqual((one["version"], one["evidence"]), ("14.0.1", "checksums"))
        self.assertIn("2 of 2", one["because"])
        # also once our line is in one of them
        self.good(host, "-D", data, "install", "nova")
        one = self.one(host, "-D", data, "nova")
        self.assertEqual((one["version"], one["evidence"]), ("14.0.1", "checksums"))
        # one file of another version: no version at all
        host.write("nova/exception.py", exception + "# changed\n")
        one = self.one(host, "-D", data, "nova")
        self.assertEqual((one["version"], one["evidence"]), (None, "probes"))

    def test_versions_with_the_same_contents(self):
        driver = packages.nova("newton")["nova/virt/libvirt/driver.py"]
        host = self.host()
        host.put("nova", "newton", form=None)
        for number, (versions, shown) in enumerate((
                (["14.0.0.0rc2", "14.0.0"], "14.0.0"),
                (["14.0.8", "14.0.9"], "14.0.8 or 14.0.9"),
                (["14.0.0.0rc1", "14.0.0.0rc2"], "14.0.0.0rc1 or 14.0.0.0rc2"))):
            data = os.path.join(self.tmp, str(number))
            os.rename(self.checksums({"virt/libvirt/driver.py": [(driver, versions)]}), data)
            self.assertEqual(self.one(host, "-D", data, "nova")["version"], shown)

    def test_metadata_goes_before_originals(self):
        driver = packages.nova("newton")["nova/virt/libvirt/driver.py"]
        data = self.checksums({"virt/libvirt/driver.py": [(driver, ["14.0.1"])]})
        host = self.host()
        host.put("nova", "newton", "14.0.5")
        self.assertEqual(self.one(host, "-D", data, "nova")["version"], "14.0.5")

    def test_version_zero(self):
        """pbr's 0.0.0 is no version: known contents decide, others do not."""
        driver = packages.nova("newton")["nova/virt/libvirt/driver.py"]
        data = self.checksums({"virt/libvirt/driver.py": [(driver, ["14.0.1"])]})
        host = self.host()
        host.put("nova", "newton", "0.0.0")
        host.put("os_brick", "newton")
        one = self.one(host, "-D", data, "nova")
        self.assertEqual((one["version"], one["evidence"]), ("14.0.1", "checksums"))
        self.assertIn("0.0.0", one["because"])
        self.good(host, "-D", data, "install", "nova")
        self.expect(0, self.run_on(host, "-D", data, "check", "nova"))
        host.write("nova/virt/libvirt/driver.py", driver + "# changed\n")
        self.assertEqual(self.one(host, "-D", data, "nova")["version"], "0.0.0")


class Known(Case):
    def test_driver_of_an_unreleased_branch(self):
        """The message says whose it is; here the blob is that of a stand-in."""
        text = "# a driver with iSCSI\n"
        data = self.data_dir()
        name = os.path.join(data, "manifests/mitaka.yaml")
        manifest = open(name, encoding="utf-8").read()
        known = "d09b0208cc3dfd5b2990fb74bf38f5ef4e390f84"
        self.assertIn(known, manifest)
        write(name, manifest.replace(known, blob_id(text)))
        host = self.host("mitaka")
        host.write(packages.ADDED["cinder"], text)
        self.expect(3, self.run_on(host, "--data-dir", data, "check", "cinder"), "iSCSI")
        self.refused(host, 3, "unreleased", "iSCSI",
                     arguments=("--data-dir", data, "install", "cinder"))

    def test_layout_of_a_file_that_a_site_edited(self):
        """os-brick 1.3 with another line where ours goes: the conflict names the line."""
        host = self.host("newton", layout="file")
        name = "os_brick/initiator/connector.py"
        host.write(name, host.read(name).replace("        elif protocol == LOCAL:\n",
                                                 "        elif protocol in (LOCAL, 'X'):\n"))
        result = self.refused(host, 3, "anchor", "elif protocol == STORPOOL",
                              arguments=("install", "os_brick"))
        self.assertIn("by hand", result.err)

    def test_line_that_was_put_in_by_hand(self):
        host = self.host("newton")
        name = packages.EDITED["nova"][0]
        text = host.read(name).replace("    'iser=", "    'iser2=")
        host.write(name, text)
        result = self.refused(host, 3, "by hand", "'storpool=nova.virt",
                              arguments=("install", "nova"))
        line = result.err.split("line of its own: '")[1].rstrip("'\n")
        host.write(name, text.replace("    'iser2=", line + "\n    'iser2="))
        self.good(host, "install", "nova")
        self.expect(0, self.run_on(host, "check", "nova"))


class NotFound(Case):
    def test_nothing_there(self):
        host = self.host()
        for command in ("detect", "check", "diff", "install", "uninstall"):
            with self.subTest(command):
                self.refused(host, 3, "cinder, nova, os_brick", "--path", arguments=(command,))

    def test_component_that_was_named(self):
        host = self.host()
        host.put("cinder", "newton")
        for command in ("diff", "install", "uninstall"):
            with self.subTest(command):
                self.refused(host, 3, "nova", "--path", arguments=(command, "nova"))
        for command in ("detect", "check"):
            with self.subTest(command):
                result = self.expect(3, self.run_on(host, command, "nova"), "nova")
                self.assertTrue("not-found" in result.out or "not found" in
                                result.out + result.err, str(result))

    def test_one_that_is_found_and_one_that_is_not(self):
        host = self.host()
        host.put("os_brick", "newton")
        host.age()
        result = self.expect(3, self.run_on(host, "check", "os_brick", "nova"))
        self.assertIn("not-found", result.out)
        self.assertIn("not-installed", result.out)
        components = self.run_on(host, "--json", "check", "os_brick", "nova").json["components"]
        self.assertEqual({one["component"]: (one["state"], one["path"]) for one in components},
                         {"os_brick": ("not-installed", host.file("os_brick")),
                          "nova": ("not-found", None)})
        self.refused(host, 3, "nova", arguments=("install", "os_brick", "nova"))

    def test_path_that_is_no_directory(self):
        host = self.host("newton")
        self.refused(host, 3, "/none", arguments=("check", "--path", "/none"))
        write(host.path("file"), "")
        self.refused(host, 3, "/file", arguments=("check", "--path", "/" + DEBIAN + ":/file"))


class System(Case):
    """Without --root, on directories that are named."""

    def test_path_on_the_running_system(self):
        host = self.host("newton")
        work = os.path.join(self.tmp, "work")
        named = ["--path", host.path(DEBIAN), "--work-dir", work, "cinder", "os_brick", "nova"]
        self.expect(1, run_program(["check"] + named), host.file("nova"))
        self.expect(0, run_program(["install", "--no-groups"] + named))
        self.assertIn("LibvirtStorPoolVolumeDriver", host.read("nova/virt/libvirt/driver.py"))
        self.assertTrue(os.path.isdir(work + "/transactions/1"))
        self.expect(0, run_program(["check"] + named))
        self.expect(0, run_program(["uninstall"] + named))

    def test_relative_path(self):
        host = self.host("newton")
        result = run_program(["detect", "-j", "-L", "dist-packages", "nova"],
                             cwd=host.path("usr/lib/python2.7"))
        self.assertEqual(self.expect(0, result).json["components"][0]["path"], host.file("nova"))

    def test_python_path(self):
        host = self.host("newton")
        path = "/nonexistent::" + host.path(DEBIAN)
        result = run_program(["detect", "--json", "nova"], env={"PYTHONPATH": path})
        self.assertEqual([one["path"] for one in self.expect(0, result).json["components"]],
                         [host.file("nova")])

    def test_path_goes_before_python_path(self):
        one, other = self.host("newton", name="one"), self.host("ocata", name="other")
        result = run_program(["detect", "--json", "nova", "--path", one.path(DEBIAN)],
                             env={"PYTHONPATH": other.path(DEBIAN)})
        self.assertEqual([place["path"] for place in result.json["components"]],
                         [one.file("nova")])

    def test_python_path_is_of_this_system(self):
        """It says nothing of one below --root."""
        host, other = self.host(name="host"), self.host("newton", name="other")
        result = self.run_on(host, "detect", "nova", env={"PYTHONPATH": other.path(DEBIAN)})
        self.assertEqual(result.status, 3, str(result))

    def test_work_directory_in_the_environment(self):
        host = self.host("newton")
        work = os.path.join(self.tmp, "work")
        named = ["--no-groups", "--path", host.path(DEBIAN), "os_brick"]
        self.expect(0, run_program(["install"] + named, env={"SP_OPENSTACK_WORK_DIR": work}))
        self.assertTrue(os.path.isdir(work + "/transactions/1"))
        self.expect(0, run_program(["history"], env={"SP_OPENSTACK_WORK_DIR": work}), "install")
        # the option goes before it
        self.expect(0, run_program(["history", "-W", self.tmp + "/other"],
                                   env={"SP_OPENSTACK_WORK_DIR": work}), "nothing was done")

    def test_relative_work_directory(self):
        host = self.host("newton")
        self.expect(0, run_program(["install", "--no-groups", "-W", "work", "-L",
                                    host.path(DEBIAN), "os_brick"], cwd=self.tmp))
        self.assertTrue(os.path.isdir(self.tmp + "/work/transactions/1"))

    def test_interpreter_that_is_asked(self):
        """--python: where that program says its packages are."""
        host = self.host("newton")
        program = os.path.join(self.tmp, "python")
        write(program, "#!/bin/sh\nexport PYTHONPATH='%s'\nexec /usr/bin/env python3 \"$@\"\n"
              % host.path(DEBIAN), 0o755)
        result = run_program(["detect", "--json", "--python", program, "nova"])
        self.assertEqual([one["path"] for one in self.expect(0, result).json["components"]],
                         [host.file("nova")])

    def test_interpreter_that_is_no_absolute_path(self):
        """It is run by root: not looked for in PATH or in the current directory."""
        result = run_program(["detect", "--python", "python3"], cwd=self.tmp)
        self.assertEqual(result.status, 2, str(result))
        self.error(result, "python3")

    def test_interpreter_that_fails(self):
        program = os.path.join(self.tmp, "python")
        for text, part in (("#!/bin/sh\necho no such luck >&2; exit 3\n", "no such luck"),
                           ("#!/bin/sh\nkill -9 $$\n", "signal 9"), ("#!/none\n", program)):
            write(program, text, 0o755)
            result = run_program(["detect", "--python", program])
            self.assertIn(result.status, (3, 4), str(result))
            self.error(result, program, part)

    def test_interpreter_gets_a_clean_environment(self):
        host = self.host("newton")
        program = os.path.join(self.tmp, "python")
        write(program, "#!/bin/sh\nenv >'%s/env'\necho '%s'\n" % (self.tmp,
                                                                  host.path(DEBIAN)), 0o755)
        self.expect(0, run_program(["detect", "--python", program, "nova"],
                                   env={"LD_PRELOAD": "", "PYTHONHOME": "/x", "SECRET": "1"}))
        with open(self.tmp + "/env") as file:
            names = {line.split("=")[0] for line in file}
        self.assertFalse(names & {"SECRET", "PYTHONHOME", "PYTHONPATH"}, names)

    def test_interpreter_that_is_not_there(self):
        result = run_program(["detect", "--python", self.tmp + "/none"])
        self.assertIn(result.status, (3, 4), str(result))
        self.error(result, self.tmp + "/none")
