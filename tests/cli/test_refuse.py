# SPDX-License-Identifier: Apache-2.0
"""What can't be done is refused with one sentence, the path and the status of the contract, and
nothing is changed by it."""

import os
import socket

import packages
from lib import DEBIAN, Case, read, run_program, without, write
from snapshot import snapshot

DRIVER = "nova/virt/libvirt/driver.py"
WORK = "var/lib/sp-openstack"


class Content(Case):
    """Files that are not what they should be."""

    def conflict(self, change, *parts, name=DRIVER):
        """All commands that would change agree, and say where."""
        host = self.host("newton")
        change(host.file(name))
        for command in (("install",), ("diff",), ("install", "-n"), ("install", "nova")):
            self.refused(host, 3, host.file(name), *parts, arguments=command)
        result = self.expect(3, self.run_on(host, "check"), "conflict", host.file(name), *parts)
        self.assertEqual(result.err, "", str(result))
        components = self.run_on(host, "--json", "check").json["components"]
        self.assertEqual({one["component"]: one["state"] for one in components},
                         {"os_brick": "not-installed", "cinder": "not-installed",
                          "nova": "conflict"})
        files = {one["path"]: one for component in components for one in component["files"]}
        self.assertEqual(files[host.file(name)]["state"], "conflict")
        for part in parts:
            self.assertIn(part, files[host.file(name)]["note"])
        return host

    def edit(self, old, new, count=1):
        def change(path):
            text = read(path).decode("utf-8")
            self.assertIn(old, text)
            write(path, text.replace(old, new, count))
        return change

    ANCHOR = "    'iser=nova.virt.libvirt.volume.iser.LibvirtISERVolumeDriver',\n"

    def test_anchor_missing(self):
        self.conflict(self.edit(self.ANCHOR, ""), "anchor", "iser", "is not there")

    def test_anchor_twice(self):
        self.conflict(self.edit(self.ANCHOR, 2 * self.ANCHOR), "anchor", "more than once")

    def test_anchor_outside_of_its_region(self):
        def change(path):
            self.edit(self.ANCHOR, "")(path)
            write(path, read(path).decode("utf-8") + "more = [\n" + self.ANCHOR + "]\n")
        self.conflict(change, "anchor", "is not there")

    def test_region_missing(self):
        self.conflict(self.edit("libvirt_volume_drivers = [", "libvirt_volume_drivers = ["
                                " # changed"), "region", "is not there")

    def test_region_twice(self):
        self.conflict(self.edit("libvirt_volume_drivers = [\n", "libvirt_volume_drivers = [\n]\n"
                                "libvirt_volume_drivers = [\n"), "region", "more than once")

    def test_region_without_an_end(self):
        self.conflict(self.edit("]\n", ")\n", 9), "end of the region", "is not there")

    def test_insertion_twice(self):
        line = packages.OLDER_NOVA_LINE
        self.conflict(self.edit(self.ANCHOR, line + self.ANCHOR + line), "2 times")

    def test_foreign_entry(self):
        self.conflict(self.edit(self.ANCHOR, "    'storpool=vendor.Driver',\n" + self.ANCHOR),
                      "line 7", "neither this tool nor the older one")

    def test_not_utf_8(self):
        self.conflict(lambda path: write(path, read(path) + b"# caf\xe9\n"), "UTF-8")

    def test_carriage_returns(self):
        self.conflict(lambda path: write(path, read(path).replace(b"\n", b"\r\n")), "CRLF")

    def test_one_carriage_return(self):
        self.conflict(lambda path: write(path, read(path).replace(b"\n", b"\r\n", 1)), "CRLF")

    def test_no_newline_at_the_end(self):
        self.conflict(lambda path: write(path, read(path)[:-1]), "newline at its end")

    def test_empty(self):
        self.conflict(lambda path: write(path, b""), "empty")

    def test_nul_bytes(self):
        self.conflict(lambda path: write(path, read(path) + b"\0\n"), "NUL")

    def test_too_large(self):
        self.conflict(lambda path: write(path, read(path) + b"#" * (64 << 20) + b"\n"), "larger")

    def test_missing(self):
        """With metadata, so that the release is known."""
        self.conflict(os.unlink, "no such file")

    def replace(self, make):
        def change(path):
            os.unlink(path)
            make(path)
        return change

    def test_directory(self):
        self.conflict(self.replace(os.mkdir), "directory")

    def test_fifo(self):
        self.conflict(self.replace(os.mkfifo), "regular file")

    def test_socket(self):
        def make(path):
            with socket.socket(socket.AF_UNIX) as one:
                here = os.getcwd()
                os.chdir(os.path.dirname(path))     # a socket's path is short
                try:
                    one.bind("driver.py")
                finally:
                    os.chdir(here)
        self.conflict(self.replace(make), "regular file")

    def test_device(self):
        self.needs_root()
        self.conflict(self.replace(lambda path: os.mknod(path, 0o020666, os.makedev(1, 3))),
                      "regular file")

    def test_link_to_nothing(self):
        self.conflict(self.replace(lambda path: os.symlink("/nowhere", path)), "regular file")

    def test_link_to_itself(self):
        self.conflict(self.replace(lambda path: os.symlink("driver.py", path)), "regular file")

    def test_link_out_of_the_root(self):
        """It is looked for inside; what is outside stays unread."""
        outside = os.path.join(self.tmp, "outside.py")
        write(outside, packages.nova("newton")[DRIVER])
        self.conflict(self.replace(lambda path: os.symlink(outside, path)), "regular file")
        self.conflict_again(outside)

    def conflict_again(self, outside):
        host = self.host("newton", name="again")
        path = host.file(DRIVER)
        os.unlink(path)
        os.symlink("../" * 30 + outside[1:], path)
        self.refused(host, 3, path)
        self.assertEqual(read(outside).decode("utf-8"), packages.nova("newton")[DRIVER])

    def test_link_to_a_device(self):
        self.conflict(self.replace(lambda path: os.symlink("/dev/null", path)), "regular file")

    def test_foreign_module(self):
        name = packages.ADDED["nova"]
        host = self.conflict(lambda path: write(path, "NAME = 'of a vendor'\n"), "unknown file",
                             name=name)
        # it is not ours to take out, either
        before = snapshot(host.path("usr"))
        result = self.good(host, "uninstall")
        self.assertIn(host.file(name), result.out)
        self.same(before, snapshot(host.path("usr")), touched=True)

    def test_foreign_module_with_its_lines(self):
        """A backport by hand: the very lines are there, and they are not ours to take out."""
        host = self.host("newton")
        self.good(host, "install")
        write(host.file(packages.ADDED["nova"]), "# backport, by the operator\n")
        self.expect(3, self.run_on(host, "check", "nova"), "conflict")
        before = snapshot(host.path("usr"))
        for names in ((), ("nova",)):
            result = self.expect(3, self.run_on(host, "uninstall", *names))
            self.assertIn(host.file(packages.ADDED["nova"]), result.out)
            self.error(result, host.file(packages.EDITED["nova"][0]), "left alone")
            self.same(before, snapshot(host.path("usr")), touched=True)
        self.good(host, "uninstall", "cinder")

    def test_foreign_module_empty(self):
        self.conflict(lambda path: write(path, ""), "unknown file", name=packages.ADDED["nova"])

    def test_directory_in_place_of_the_module(self):
        self.conflict(os.mkdir, "directory", name=packages.ADDED["nova"])

    def test_directory_of_the_module_missing(self):
        host = self.host("newton")
        directory = host.file("nova/virt/libvirt/volume")
        for name in os.listdir(directory):
            os.unlink(os.path.join(directory, name))
        os.rmdir(directory)
        self.refused(host, 3, directory)
        self.expect(3, self.run_on(host, "check"), "conflict", directory)

    def test_file_in_place_of_the_directory_of_the_module(self):
        host = self.host("newton")
        directory = host.file("nova/virt/libvirt/volume")
        for name in os.listdir(directory):
            os.unlink(os.path.join(directory, name))
        os.rmdir(directory)
        write(directory, "")
        self.refused(host, 3, directory)
        self.expect(3, self.run_on(host, "check"), "conflict", directory)

    def test_layout_of_no_version(self):
        host = self.host()
        host.put("os_brick", "newton")
        host.write("os_brick/initiator/connector.py", "NAME = 'another layout'\n")
        self.refused(host, 3, "os_brick", "newton", arguments=("install",))
        self.expect(3, self.run_on(host, "check"), "conflict")

    def test_one_conflict_stops_all(self):
        """Not even the components that are in order are touched."""
        host = self.host("newton")
        write(host.file("os_brick/initiator/connector.py"), "")
        self.refused(host, 3, "os_brick", arguments=("install", "cinder", "nova"))

    def test_uninstall_of_a_file_that_can_not_be_edited(self):
        host = self.host("newton")
        self.good(host, "install")
        path = host.file(DRIVER)
        write(path, read(path).replace(b"\n", b"\r\n"))
        before = snapshot(host.path("usr"))
        result = self.expect(3, self.run_on(host, "uninstall"))
        self.error(result, path, "CRLF")
        self.same(before, snapshot(host.path("usr")), touched=True)


class Releases(Case):
    def test_unsupported(self):
        host = self.host()
        for component in packages.COMPONENTS:
            host.put_files(packages.liberty(component))
        host.put_metadata("nova", "12.0.6")
        for command in ("install", "diff"):
            self.refused(host, 3, "liberty", "Mitaka", arguments=(command,))
        result = self.expect(3, self.run_on(host, "check"), "unsupported")
        self.assertIn("upgrade to Mitaka", result.out)
        # nothing is in it, so there is nothing to take out
        self.assertIn("nothing to do", self.good(host, "uninstall").out)

    def test_included(self):
        host = self.host()
        for component in packages.COMPONENTS:
            host.put_files(packages.included(component))
        before = snapshot(host.path("usr"))
        result = self.expect(0, self.run_on(host, "check"), "included")
        self.assertIn("nothing to install", result.out)
        for command in ("install", "uninstall"):
            self.assertIn("nothing to do", self.good(host, command).out)
        self.assertEqual(self.good(host, "diff").out, "")
        self.same(before, snapshot(host.path("usr")), touched=True)
        self.assertFalse(os.path.exists(host.path(WORK)))

    def test_included_by_version(self):
        for number, (version, release) in enumerate((("17.0.0", "queens"), ("18.0.0", "rocky"),
                                                     ("99.0.0", "later"))):
            host = self.host(name="host%d" % number)
            host.put("nova", "pike", version)
            self.assertEqual(self.one(host, "nova")["release"], release)
            self.assertEqual(self.states(host), {"nova": "included"})

    def test_version_of_no_release(self):
        host = self.host()
        host.put("nova", "newton", "0.0.0")
        self.refused(host, 3, "nova 0.0.0", arguments=("install",))

    def mixed(self):
        host = self.host("newton")
        host.put("os_brick", "ocata", form=None)
        os.rename(host.file("os_brick-1.6.2.dist-info"), host.file("os_brick-1.7.0.dist-info"))
        host.put_metadata("os-brick", "1.11.0")
        write(host.file("os_brick-1.7.0.dist-info/METADATA"), "Name: os-brick\nVersion: 1.11.0\n")
        host.age()
        return host

    def test_mixed_releases(self):
        host = self.mixed()
        for arguments in (("install",), ("diff",), ("install", "nova"), ("install", "-n")):
            self.refused(host, 3, "os_brick 1.11.0 (ocata)", "nova 14.1.0 (newton)",
                         "--allow-mixed", arguments=arguments)
        result = self.expect(3, self.run_on(host, "check"), "not-installed")
        self.error(result, "os_brick 1.11.0 (ocata)", "nova 14.1.0 (newton)")
        # detect only says what is there
        self.good(host, "detect")

    def test_mixed_releases_are_not_mixed_when_only_one_is_named(self):
        host = self.mixed()
        self.good(host, "install", "os_brick")
        self.good(host, "install", "nova", "--no-deps")

    def test_allow_mixed(self):
        host = self.mixed()
        result = self.good(host, "install", "--allow-mixed")
        self.assertIn("warning", result.err)
        self.assertIn("os_brick 1.11.0 (ocata)", result.err)
        self.assertEqual(self.run_on(host, "check", "--allow-mixed").status, 0)
        self.assertEqual(self.run_on(host, "check").status, 3)
        self.good(host, "uninstall")            # which never minds
        self.assertEqual(set(self.states(host, "--allow-mixed").values()), {"not-installed"})


class Permission(Case):
    """As an ordinary user."""

    def prepared(self):
        host = self.host("newton")
        self.own(host.top)
        return host, self.needs_user()

    def denied(self, host, user, *parts, **more):
        return self.refused(host, 4, *parts, user=user, besides=("var",), **more)

    def test_target_directory_can_not_be_written(self):
        host, user = self.prepared()
        directory = host.file("nova/virt/libvirt")
        os.chmod(directory, 0o555)
        try:
            self.denied(host, user, directory, "Permission denied")
        finally:
            os.chmod(directory, 0o755)

    def test_target_of_another_owner(self):
        """Its new version could not have that owner again."""
        self.needs_root()
        host, user = self.prepared()
        os.chown(host.file(DRIVER), 1234, 4321)
        before = snapshot(host.path("usr"))
        self.error(self.expect(4, self.run_on(host, "install", user=user)), host.file(DRIVER))
        self.same(before, snapshot(host.path("usr")))

    def test_target_can_not_be_read(self):
        host, user = self.prepared()
        os.chmod(host.file(DRIVER), 0)
        self.refused(host, 4, host.file(DRIVER), "Permission denied", user=user)
        result = self.expect(4, self.run_on(host, "check", user=user))
        self.error(result, host.file(DRIVER))

    def test_site_can_not_be_read(self):
        host, user = self.prepared()
        os.chmod(host.path(DEBIAN), 0)
        try:
            result = self.run_on(host, "check", user=user)
            self.assertIn(result.status, (3, 4), str(result))
            self.error(result)
        finally:
            os.chmod(host.path(DEBIAN), 0o755)

    def test_work_directory_can_not_be_made(self):
        host, user = self.prepared()
        os.chmod(host.path("var/lib"), 0o555)
        try:
            self.refused(host, 4, host.path(WORK), "Permission denied", user=user)
        finally:
            os.chmod(host.path("var/lib"), 0o755)

    def test_work_directory_of_another_owner(self):
        self.needs_root()
        host, user = self.prepared()
        os.makedirs(host.path(WORK), 0o755)
        self.refused(host, 4, host.path(WORK), "--work-dir", user=user)
        os.chmod(host.path(WORK), 0o700)
        self.refused(host, 4, host.path(WORK), user=user)

    def test_work_directory_that_others_may_write(self):
        host = self.host("newton")
        os.makedirs(host.path(WORK))
        for mode in (0o777, 0o770, 0o1777):
            os.chmod(host.path(WORK), mode)
            self.refused(host, 3, host.path(WORK), "chmod 0700", arguments=("install", "nova"))

    def test_work_directory_that_is_a_file(self):
        host = self.host("newton")
        write(host.path(WORK), "")
        for command in (("install",), ("check",), ("history",), ("rollback",), ("recover",)):
            self.refused(host, 3, host.path(WORK), "not a directory", arguments=command)

    def test_work_directory_below_a_file(self):
        host = self.host("newton")
        write(host.path("file"), "")
        result = self.run_on(host, "install", "-W", "/file/work")
        self.assertIn(result.status, (3, 4), str(result))
        self.error(result, host.path("file"))

    def test_work_directory_that_is_a_link(self):
        host = self.host("newton")
        os.makedirs(host.path("elsewhere"), 0o700)
        os.symlink("/elsewhere", host.path(WORK))
        before = snapshot(host.top)
        result = self.run_on(host, "install")
        self.assertIn(result.status, (3, 4), str(result))
        self.error(result, host.path(WORK))
        self.same(before, snapshot(host.top), touched=True)

    def test_lock_that_is_no_file(self):
        host = self.host("newton")
        os.makedirs(host.path(WORK), 0o700)
        os.chmod(host.path(WORK), 0o700)
        os.mkfifo(host.path(WORK, "lock"))
        self.refused(host, 3, host.path(WORK, "lock"), "regular file")
        os.unlink(host.path(WORK, "lock"))
        os.symlink("/etc/passwd", host.path(WORK, "lock"))
        self.refused(host, 4, host.path(WORK, "lock"))

    def test_groups_want_root(self):
        host, user = self.prepared()
        self.refused(host, 4, "root", arguments=("groups",), user=user)


class Links(Case):
    """Links and names that lead to a regular file inside the root are fine."""

    def linked(self, target, make):
        host = self.host("newton")
        os.makedirs(host.path("srv"))
        os.rename(host.file(DRIVER), host.path("srv/driver.py"))
        make(host)
        host.age()
        tree = without(snapshot(host.top), "var")
        result = self.good(host, "install")
        self.assertIn("storpool", read(host.path("srv/driver.py")).decode("utf-8"))
        self.assertTrue(os.path.islink(host.file(DRIVER)))
        self.assertEqual(os.readlink(host.file(DRIVER)), target)
        self.assertIn(host.path("srv/driver.py"), result.out)   # the plan shows the real path
        self.good(host, "uninstall")
        self.same(tree, without(snapshot(host.top), "var"))

    def test_absolute_link(self):
        self.linked("/srv/driver.py", lambda host: os.symlink("/srv/driver.py",
                                                              host.file(DRIVER)))

    def test_relative_link(self):
        target = os.path.relpath("/srv/driver.py", "/" + DEBIAN + "/nova/virt/libvirt")
        self.linked(target, lambda host: os.symlink(target, host.file(DRIVER)))

    def test_directory_that_is_a_link(self):
        host = self.host("newton")
        os.makedirs(host.path("srv"))
        os.rename(host.file("nova/virt/libvirt/volume"), host.path("srv/volume"))
        os.symlink("/srv/volume", host.file("nova/virt/libvirt/volume"))
        self.good(host, "install")
        self.assertTrue(os.path.isfile(host.path("srv/volume/storpool.py")))
        self.expect(0, self.run_on(host, "check"))
        self.good(host, "uninstall")
        self.assertFalse(os.path.exists(host.path("srv/volume/storpool.py")))

    def test_two_names_of_one_target(self):
        """Two files that are planned for are the same by a link: neither is touched."""
        host = self.host("newton")
        path = host.file("os_brick/initiator/connector.py")
        text = read(path).decode("utf-8") + packages.os_brick("newton")[
            "os_brick/initiator/__init__.py"]
        write(path, text)
        os.unlink(host.file("os_brick/initiator/__init__.py"))
        os.symlink("connector.py", host.file("os_brick/initiator/__init__.py"))
        before = snapshot(host.path("usr"))
        self.error(self.expect(3, self.run_on(host, "install")), "same file")
        self.same(before, snapshot(host.path("usr")), touched=True)

    def test_hard_link(self):
        """The other name keeps its content."""
        host = self.host("newton")
        other = host.path("other.py")
        os.link(host.file(DRIVER), other)
        before = read(other)
        self.good(host, "install")
        self.assertEqual(read(other), before)
        self.assertIn("LibvirtStorPoolVolumeDriver", host.read(DRIVER))
        self.good(host, "uninstall")
        self.assertEqual((read(other), host.read(DRIVER).encode()), (before, before))

    def test_root_that_is_a_link(self):
        host = self.host("newton")
        link = os.path.join(self.tmp, "link")
        os.symlink(host.top, link)
        self.expect(0, run_program(["install", "--no-groups", "--root", link]))
        self.assertIn("LibvirtStorPoolVolumeDriver", host.read(DRIVER))
