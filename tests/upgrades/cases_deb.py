# SPDX-License-Identifier: Apache-2.0
"""What dpkg and apt do to a host with the drivers, and what must hold then."""

import os
import subprocess

from cases import (edited_files, explained, from_readme, full, gone, in_manual,
                   lost_until_reapply, newer_drivers, of_family, register)
from cycle import Failure
from hosts import (COMPONENTS, DEB_NAMES, DEB_OF, SERVICES, STAYS, WORK, only)

CASES = of_family(put="dpkg -i", upgrade="apt-get dist-upgrade")
case = register(CASES)


# ---- upgrades ----------------------------------------------------------------------------------


@case("dpkg -i of one package after the other")
def each_package(host):
    for name in DEB_NAMES:
        host.dpkg("-i", *host.files([name]))
        host.are("integrated")
    host.started(*SERVICES)
    host.sound()


@case("dpkg -i of one component after the other", quick=False)
def each_component(host):
    for component in COMPONENTS:
        host.dpkg("-i", *host.files(DEB_OF[component]))
        host.started(*[name for name in SERVICES if name in DEB_OF[component]])
        host.sound()


@case("dpkg -i of all, services first")
def all_reversed(host):
    host.dpkg("-i", *host.files(DEB_NAMES[::-1]))
    host.started(*SERVICES)
    host.sound()


@case("dpkg --unpack of all, then --configure of all (apt 1.0 to 1.2)")
def old_apt_by_hand(host):
    host.dpkg("--force-depends", "--unpack", *host.files(DEB_NAMES[::-1]))
    host.dpkg("--configure", *DEB_NAMES)
    host.started(*SERVICES)
    host.sound()


@case("dpkg --unpack and --configure of each component (apt 1.0 to 1.2)", quick=False)
def old_apt_in_turns(host):
    for component in COMPONENTS:
        host.dpkg("--unpack", *host.files(DEB_OF[component]))
        host.dpkg("--configure", *DEB_OF[component])
    host.started(*SERVICES)
    host.sound()


@case("dpkg --no-triggers --unpack of all, --configure --pending (apt since 1.4)", quick=False)
def new_apt_by_hand(host):
    host.dpkg("--no-triggers", "--unpack", "--auto-deconfigure", *host.files())
    host.dpkg("--configure", "--pending")
    host.started(*SERVICES)
    host.sound()


@case("apt-get dist-upgrade, as apt to 1.2 calls dpkg")
def apt_upgrade_old(host):
    host.apt("-o", "DPkg::NoTriggers=false", "-o", "DPkg::ConfigurePending=false",
             "-o", "DPkg::TriggersPending=false", "-o", "PackageManager::Configure=all",
             "dist-upgrade")
    host.started(*SERVICES)
    host.sound()


@case("apt-get install of nova-compute alone", quick=False)
def apt_nova(host):
    host.apt("install", "nova-compute")
    host.started("nova-compute")
    host.sound()


@case("apt-get install of cinder-volume alone", quick=False)
def apt_cinder(host):
    host.apt("install", "cinder-volume")
    host.started("cinder-volume")
    host.sound()


@case("apt-get install of python-os-brick alone", quick=False)
def apt_os_brick(host):
    host.apt("install", "python-os-brick")
    host.started()
    host.sound()


@case("downgrade by apt-get, after an upgrade")
def downgrade(host):
    host.apt("dist-upgrade")
    host.apt("--allow-downgrades", "install", *host.versions(1), number=1)
    host.started(*SERVICES)
    host.sound()


@case("downgrade by dpkg -i, after an upgrade", quick=False)
def downgrade_dpkg(host):
    host.dpkg("-i", *host.files())
    host.dpkg("-i", *host.files(number=1))
    host.started(*SERVICES)
    host.sound()


@case("apt-get install --reinstall of the same version", quick=False)
def reinstall(host):
    host.apt("--reinstall", "install", *DEB_NAMES, number=1)
    host.started(*SERVICES)
    host.sound()


@case("apt-get full-upgrade with --force-confnew, and with --force-confold", quick=False)
def configuration(host):
    for number, option in ((2, "confnew"), (1, "confold")):
        host.apt("-o", "DPkg::Options::=--force-" + option, "--allow-downgrades", "install",
                 *host.versions(number), number=number)
        host.started(*SERVICES)
        host.sound()


@case("a run of apt-get for each component (unattended-upgrades)", quick=False)
def in_steps(host):
    for component, name in (("os_brick", "python-os-brick"), ("cinder", "cinder-volume"),
                            ("nova", "nova-compute")):
        host.apt("install", "--only-upgrade", name)
        host.started(*[one for one in SERVICES if one in DEB_OF[component]])
        host.sound()


@case("dpkg --no-triggers -i of all, and the triggers later")
def deferred(host):
    """dpkg runs a trigger all the same where a service waits for it, or leaves both for later."""
    host.dpkg("--no-triggers", "-i", *host.files(), status=None)
    host.dpkg("--configure", "--pending")
    host.started(*SERVICES)
    host.sound()


@case("python-os-brick stays half-configured and all others unpacked, until later")
def half_configured(host):
    name = host.root.path("usr/local/sbin/service")
    os.rename(name, name + ".kept")
    host.root.write("usr/local/sbin/service", "#!/bin/sh\nexit 1\n", 0o755)
    host.dpkg("-i", *host.files(), status=1)
    os.rename(name + ".kept", name)
    for package, state in (("python-os-brick", "half-configured"), ("python-nova", "unpacked")):
        if "install ok " + state not in host.dpkg("-s", package).out:
            raise Failure("%s is not %s" % (package, state))
    host.are("integrated")
    host.dpkg("--configure", "-a")
    host.started(*SERVICES)
    host.sound()


@case("a diverted driver.py: it is the operator's, and stays integrated")
def diverted(host):
    """What dpkg unpacks in place of it is not what Python imports."""
    path = host.site + "/nova/virt/libvirt/driver.py"
    host.tool("uninstall")
    host.dpkg_divert("--local", "--rename", "--add", "/" + path)
    own = host.root.read(path + ".distrib") + "\n# the operator's\n"
    host.root.write(path, own)
    host.tool("install")
    edited = host.root.read(path)
    host.dpkg("-i", *host.files())
    host.tool("check")
    host.consistent()
    host.temporary()
    host.are("integrated", components=("cinder", "os_brick"))
    if host.root.read(path) != edited or "storpool" in host.root.read(path + ".distrib").lower():
        raise Failure("the diverted file or the package's is another one")
    host.tool("uninstall")
    if host.root.read(path) != own:
        raise Failure("the operator's file is not as it was")


# ---- removal of theirs -------------------------------------------------------------------------


@case("removal of nova by apt-get, and its return in a newer version")
def remove_nova(host):
    host.apt("remove", "python-nova")
    gone(host, ["nova"])
    host.apt("install", "nova-compute")
    host.started("nova-compute")
    host.sound()


@case("purge of all of theirs by dpkg, and their return", quick=False)
def purge_theirs(host):
    host.dpkg("--purge", *DEB_NAMES[::-1])
    gone(host, COMPONENTS)
    host.dpkg("-i", *host.files())
    host.started(*SERVICES)
    host.sound()


# ---- what is not to be integrated --------------------------------------------------------------


# ---- ours --------------------------------------------------------------------------------------


@case("removal of ours: the drivers stay, and it says so; its return integrates again")
def remove_ours(host):
    if STAYS not in host.dpkg("-r", "sp-openstack").out:
        raise Failure("nothing is said of the drivers that stay")
    host.are("integrated")
    host.dpkg("-i", *host.files())
    host.is_lost()
    host.install_ours()
    host.sound()


@case("purge of ours while drivers are integrated: the backups stay")
def purge_integrated(host):
    out = host.dpkg("--purge", "sp-openstack").out
    if STAYS not in out or "has the original files" not in out:
        raise Failure("nothing is said of what stays: %s" % out)
    if not os.listdir(host.root.path(WORK)):
        raise Failure("the backups are gone")
    host.are("integrated")
    host.install_ours()
    host.tool("uninstall")
    host.are("original")


@case("purge of ours after uninstall: nothing of it is left")
def purge_clean(host):
    host.tool("uninstall")
    host.are("original")
    if STAYS in host.dpkg("--purge", "sp-openstack").out:
        raise Failure("it says that drivers stay")
    for name in (WORK, "usr/share/sp-openstack", "usr/share/doc/sp-openstack"):
        if host.root.exists(name):
            raise Failure("/%s is left" % name)


@case("purge of ours after uninstall, with no-reapply: nothing of it is left", quick=False)
def purge_switched_off(host):
    host.root.write("etc/sp-openstack/no-reapply", "")
    purge_clean(host)


@case("removal and return of ours, install, and purge: the backups stay", quick=False)
def purge_after_return(host):
    host.tool("uninstall")
    host.dpkg("-r", "sp-openstack")
    host.install_ours()
    host.tool("install")
    host.dpkg("--purge", "sp-openstack")
    if not host.root.exists(WORK + "/history") and not os.listdir(host.root.path(WORK)):
        raise Failure("the backups are gone")
    host.are("integrated")


@case("upgrade of ours, with newer drivers")
def newer(host):
    host.install_ours(newer=True)
    newer_drivers(host)


@case("upgrade of ours and of all of theirs by one dpkg -i", quick=False)
def newer_and_theirs(host):
    host.dpkg("-i", host.ours(True), *host.files())
    newer_drivers(host)


@case("upgrade of all of theirs and of ours by one dpkg -i", quick=False)
def theirs_and_newer(host):
    host.dpkg("-i", *host.files(), host.ours(True))
    newer_drivers(host)


@case("ours on a host without OpenStack: it changes nothing but its own files", on="base")
def without_openstack(host):
    before = host.snapshot("var/lib/dpkg", "var/log", "repo", "ours")
    host.install_ours()
    changed = host.changed(before, host.snapshot("var/lib/dpkg", "var/log", "repo", "ours"))
    owned = host.owned()
    strange = [name for name in changed if "/" + name not in owned]
    if strange or not changed:
        raise Failure("it changes %s" % ", ".join(strange[:8]))
    out = host.tool("reapply").out
    if "nothing" not in out:
        raise Failure("reapply says %s" % out)
    host.dpkg("--purge", "sp-openstack")
    left = host.changed(before, host.snapshot("var/lib/dpkg", "var/log", "repo", "ours"))
    if left:
        raise Failure("its purge leaves %s" % ", ".join(left[:8]))


@case("README's line for hosts without a compiler", on="base")
def readme(host):
    command = from_readme("dpkg")
    name = "root/" + command.split()[-1].replace("*", "1_amd64")
    host.run("cp", host.ours(), "/" + name)
    host.run("sh", "-c", "cd && " + command)
    host.tool("--version")
    host.tool("install", "nova", status=3)          # nothing is there to be integrated
    host.consistent()


# ---- what is in the way ------------------------------------------------------------------------


def unpacked(host):
    host.dpkg("--no-triggers", "--force-depends", "--unpack", *host.files())


@case("the packages' directory is read-only when the trigger runs: reapply does it later")
def read_only(host):
    unpacked(host)
    place = host.root.path(host.site)
    subprocess.run(["mount", "--bind", place, place], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
        out = host.dpkg("--configure", "-a").out
    finally:
        subprocess.run(["umount", place], check=True)
    lost_until_reapply(host, out, "Read-only file system")


@case("the packages' directory is full when the trigger runs: reapply does it later", quick=False)
def full_site(host):
    unpacked(host)
    with full(host, host.site) as place:
        out = host.dpkg("--configure", "-a").out
        os.unlink(place + "/filler")
        lost_until_reapply(host, out, "space")


# ---- what the package manager says of it -------------------------------------------------------


@case("dpkg -V and debsums name the edited files, check -v explains them")
def verify(host):
    said = {line for name in ("python-nova", "python-os-brick", "python-cinder")
            for line in only(host.dpkg("-V", name, status=None), "/")}
    edited = {"/%s/%s" % (host.site, name) for name in edited_files(host)}
    if said != {"??5??????   " + name for name in edited} or not edited:
        raise Failure("dpkg -V says %s, edited are %s" % (sorted(said), sorted(edited)))
    explained(host, edited)
    nova = "/%s/nova/virt/libvirt/driver.py" % host.site
    in_manual("??5??????   " + nova, nova)
    said = {line.split()[-1] for line in only(
        host.run("debsums", "-c", "--root=" + host.root.top, "python-nova", "python-os-brick",
                 inside=False, status=None), "/")}
    if {name.replace(host.root.top, "") for name in said} != edited:
        raise Failure("debsums -c names %s" % sorted(said))
