# SPDX-License-Identifier: Apache-2.0
"""Packages named and related as Ubuntu's and RDO's are, with the real trees.

What is theirs: names, dependencies, and when services start and restart. Ubuntu: nova-compute and
cinder-volume start in `postinst configure`, and depend on the library by way of *-common. RDO: the
%postun of the old package restarts the service (%systemd_postun_with_restart), which depends on the
library of the same version. Compiled files are made in postinst, as by pycompile of dh_python2.
"""

import os
import shutil
import subprocess
import tempfile

from cycle import DISTRIBUTION, Failure
from trees import COMPONENTS

DEB_SITE = "usr/lib/python2.7/dist-packages"
RPM_SITE = "usr/lib/python2.7/site-packages"
SERVICES = {"cinder": "cinder-volume", "nova": "nova-compute"}
FAKES = 3           # another number: what is in the cache is of no use any more

COMPILE = '[ "$1" != configure ] || /usr/local/sbin/service --compile\n'
CLEAN = "find /%s/%s -name '*.pyc' -delete 2>/dev/null || :\n" % (DEB_SITE, "@NAME@")
START = '[ "$1" != configure ] || /usr/local/sbin/service @NAME@\n'


def run(*command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.STDOUT, **more)
    if done.returncode:
        raise Failure("%s: %s" % (command[0], done.stdout.decode("utf-8", "replace")[-600:]))


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def fill(stage, site, trees, component, version, egg):
    """The tree, with its metadata by the name that the family gives it."""
    os.makedirs(os.path.join(stage, site))
    run("cp", "-a", os.path.join(trees.get(component, version), component),
        os.path.join(stage, site))
    run("chown", "-R", "0:0", stage)
    write(os.path.join(stage, site, egg % (component, version), "PKG-INFO"),
          "Metadata-Version: 1.1\nName: %s\nVersion: %s\n" % (DISTRIBUTION[component], version))


def deb_version(version, component, revision):
    return "%s%s-0ubuntu%d" % ("" if component == "os_brick" else "2:", version, revision)


class Deb:
    """One package; scripts: {name: text}."""

    def __init__(self, name, version, depends=(), scripts=None, fill=None):
        self.name, self.version, self.depends = name, version, list(depends)
        self.scripts, self.fill = scripts or {}, fill

    def build(self, directory):
        with tempfile.TemporaryDirectory() as stage:
            os.chmod(stage, 0o755)
            if self.fill:
                self.fill(stage)
            control = "Package: %s\nVersion: %s\nArchitecture: all\nSection: python\n" \
                "Priority: optional\nMaintainer: tests <t@example.org>\n" % (
                    self.name, self.version)
            if self.depends:
                control += "Depends: %s\n" % ", ".join(self.depends)
            write(stage + "/DEBIAN/control", control + "Description: for tests of sp-openstack\n")
            write(stage + "/usr/share/doc/%s/README" % self.name, self.version + "\n")
            for name, text in self.scripts.items():
                write(stage + "/DEBIAN/" + name, "#!/bin/sh\nset -e\n" + text + "exit 0\n", 0o755)
            sums = subprocess.run("find usr -type f -print0 | xargs -0 md5sum", shell=True,
                                  cwd=stage, check=True, stdout=subprocess.PIPE).stdout.decode()
            write(stage + "/DEBIAN/md5sums", sums)
            run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", stage,
                "%s/%s_all.deb" % (directory, self.name))


def debs_of(trees, release, number):
    """Those of one component set; the names are Ubuntu's."""
    made, versions = [], {}
    for component in COMPONENTS:
        version = trees.version(release, number, component)
        versions[component] = deb_version(version, component,
                                          trees.revision(release, number, component))

        def contents(stage, component=component, version=version):
            fill(stage, DEB_SITE, trees, component, version, "%s-%s.egg-info")
        library = "python-" + DISTRIBUTION[component]
        upstream = trees.version(release, 1, "os_brick")
        made.append(Deb(library, versions[component],
                        () if component == "os_brick" else ["python-os-brick (>= %s)" % upstream],
                        {"postinst": COMPILE, "prerm": CLEAN.replace("@NAME@", component)},
                        contents))
        if component == "os_brick":
            continue
        same = "(= %s)" % versions[component]
        service = SERVICES[component]
        made.append(Deb(component + "-common", versions[component],
                        ["%s %s" % (library, same)], {"postinst": ":\n"}))
        made.append(Deb(service, versions[component], ["%s-common %s" % (component, same)],
                        {"postinst": START.replace("@NAME@", service)}))
    return made


SPEC = """%global debug_package %{{nil}}
%global _build_id_links none
%global __os_install_post %{{nil}}
%define _binaries_in_noarch_packages_terminate_build 0
%define _binary_payload w1.gzdio
Name: {name}
Epoch: {epoch}
Version: {version}
Release: {release}
Summary: for tests of sp-openstack
License: Apache-2.0
BuildArch: noarch
AutoReqProv: no
{relations}
%description
For tests of sp-openstack.
%install
mkdir -p %{{buildroot}}
cp -a {stage}/. %{{buildroot}}/
{scripts}
%files
{files}
"""


class Rpm:
    """One package; relations: lines of the header, files: those that it has."""

    def __init__(self, name, version, revision=1, epoch=0, relations=(), scripts="", fill=None,
                 files=""):
        self.name, self.version, self.revision, self.epoch = name, version, revision, epoch
        self.relations, self.scripts, self.fill, self.files = relations, scripts, fill, files

    def build(self, directory):
        with tempfile.TemporaryDirectory() as scratch:
            stage = scratch + "/stage"
            os.mkdir(stage)
            if self.fill:
                self.fill(stage)
            write(scratch + "/one.spec", SPEC.format(
                name=self.name, version=self.version, release=self.revision, epoch=self.epoch,
                relations="\n".join(self.relations), stage=stage, scripts=self.scripts,
                files=self.files))
            run("rpmbuild", "--quiet", "-bb", "--target", "noarch", "--define",
                "_topdir %s/top" % scratch, "--define", "_rpmdir %s/out" % scratch,
                "--define", "_rpmfilename %{NAME}.rpm", scratch + "/one.spec")
            shutil.move("%s/out/%s.rpm" % (scratch, self.name), directory)


def rpms_of(trees, release, number):
    """Those of one component set; the names are RDO's."""
    made = []
    for component in COMPONENTS:
        version = trees.version(release, number, component)
        revision = trees.revision(release, number, component)
        epoch = 0 if component == "os_brick" else 1

        def contents(stage, component=component, version=version):
            fill(stage, RPM_SITE, trees, component, version, "%s-%s-py2.7.egg-info")
        library = "python2-os-brick" if component == "os_brick" else "python-" + component
        relations = ["Provides: python-os-brick = %s" % version] if component == "os_brick" \
            else ["Requires: python-os-brick >= %s" % trees.version(release, 1, "os_brick")]
        made.append(Rpm(library, version, revision, epoch, relations + ["Requires: /bin/sh"],
                        "%post\n/usr/local/sbin/service --compile\n",
                        contents, "/%s/%s\n/%s/%s-*" % (RPM_SITE, component, RPM_SITE, component)))
        if component == "os_brick":
            continue
        same = "%d:%s-%d" % (epoch, version, revision)
        common = "openstack-nova-common" if component == "nova" else None
        service = "openstack-nova-compute" if component == "nova" else "openstack-cinder"
        if common:
            made.append(Rpm(common, version, revision, epoch,
                            ["Requires: %s = %s" % (library, same)]))
        made.append(Rpm(service, version, revision, epoch,
                        ["Requires: %s = %s" % (common or library, same), "Requires: /bin/sh"],
                        "%%postun\nif [ $1 -ge 1 ]; then /usr/local/sbin/service %s; fi\n"
                        % SERVICES[component]))
    return made


def base_rpm(site, service):
    """What a minimal root has: a shell and some tools, all busybox, and the recorder."""
    def contents(stage):
        busybox = shutil.which("busybox")
        os.makedirs(stage + "/usr/bin")
        shutil.copy(busybox, stage + "/usr/bin/busybox")
        for name in ("bin", "sbin", "usr/sbin", "usr/local/sbin", "tmp", "dev", "proc", "sys",
                     "run", "etc", "root", "var/log", "var/lib", "var/tmp"):
            os.makedirs(os.path.join(stage, name), exist_ok=True)
        os.chmod(stage + "/tmp", 0o1777)
        for name in ("sh", "cat", "stat", "sha256sum", "printf", "rm", "find", "echo", "touch",
                     "kill", "mv", "sleep", "ls"):
            os.symlink("/usr/bin/busybox", stage + "/bin/" + name)
        write(stage + "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
        write(stage + "/etc/group", "root:x:0:\n")
        write(stage + "/usr/local/sbin/service", service, 0o755)
    return Rpm("base", "7", relations=["Provides: /bin/sh", "Provides: python(abi) = 2.7"],
               fill=contents, files="/*")


class Store:
    """Built packages, kept: {top}/{kind}/{release}-{number}/NAME..."""

    def __init__(self, cache, trees):
        self.trees = trees
        self.top = os.path.join(cache, "packages%d-%s" % (FAKES, "git" if trees.git else "index"))

    def get(self, kind, release, number):
        """A directory with a repository of the packages, for apt or dnf."""
        place = os.path.join(self.top, kind, "%s-%d" % (release, number))
        if os.path.isdir(place):
            return place
        os.makedirs(os.path.dirname(place), exist_ok=True)
        scratch = tempfile.mkdtemp(prefix=".new-", dir=os.path.dirname(place))
        try:
            make = debs_of if kind == "deb" else rpms_of
            for package in make(self.trees, release, number):
                package.build(scratch)
            index(kind, scratch)
            os.chmod(scratch, 0o755)
            os.rename(scratch, place)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return place


def index(kind, directory):
    """Makes a repository of the directory."""
    if kind == "rpm":
        run("createrepo_c", "-q", directory)
        return
    with open(os.path.join(directory, "Packages"), "wb") as file:
        subprocess.run(["apt-ftparchive", "packages", "."], cwd=directory, stdout=file, check=True,
                       stderr=subprocess.DEVNULL)
