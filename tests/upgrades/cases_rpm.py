# SPDX-License-Identifier: Apache-2.0
"""What rpm and dnf do to a host with the drivers, and what must hold then.

On RDO's hosts packages only restart what runs, when the old package's %postun is run; a first start
is the operator's.
"""

import os
import shutil

from cases import (edited_files, explained, from_readme, gone, in_manual, newer_drivers, of_family,
                   register)
from cycle import Failure
from hosts import COMPONENTS, RPM_NAMES, RPM_OF, SERVICES, STAYS, WORK, only

CASES = of_family(put="rpm -U", upgrade="dnf upgrade")
case = register(CASES)
DATABASE = ("var/lib/rpm", "root/.rpmdb", "var/log")       # rpm's own, by the name it has on Debian
OF_NOVA = RPM_OF["nova"]


# ---- upgrades ----------------------------------------------------------------------------------


@case("rpm -U of one package after the other (--nodeps)")
def each_package(host):
    for name in RPM_NAMES:
        host.rpm("-U", "--nodeps", *host.files([name]))
        host.are("integrated")
    host.started(*SERVICES)
    host.sound()


@case("rpm -U of one component after the other", quick=False)
def each_component(host):
    for component in COMPONENTS:
        host.rpm("-U", *host.files(RPM_OF[component]))
        host.are("integrated")
    host.started(*SERVICES)
    host.sound()


@case("rpm -F of all, services first, --noorder", quick=False)
def all_reversed(host):
    host.rpm("-F", "--noorder", *host.files(RPM_NAMES[::-1]))
    host.started(*SERVICES)
    host.sound()


@case("dnf upgrade of nova alone", quick=False)
def dnf_nova(host):
    host.dnf("upgrade", *OF_NOVA)
    host.started("nova-compute")
    host.sound()


@case("dnf upgrade of cinder alone", quick=False)
def dnf_cinder(host):
    host.dnf("upgrade", *RPM_OF["cinder"])
    host.started("cinder-volume")
    host.sound()


@case("dnf upgrade of os-brick alone", quick=False)
def dnf_os_brick(host):
    host.dnf("upgrade", "python2-os-brick")
    host.sound()


@case("dnf downgrade, after an upgrade")
def downgrade(host):
    host.dnf("upgrade")
    host.dnf("downgrade", *RPM_NAMES, number=1)
    host.started(*SERVICES)
    host.sound()


@case("dnf history undo, after an upgrade", quick=False)
def undo(host):
    host.dnf("upgrade")
    host.dnf("history", "undo", "last", number=1)
    host.started(*SERVICES)
    host.sound()


@case("rpm -U of all, with a %post of python-nova that fails", quick=False)
def failing_script(host):
    name = host.root.path("usr/local/sbin/service")
    os.rename(name, name + ".kept")
    host.root.write("usr/local/sbin/service", "#!/bin/sh\nexit 1\n", 0o755)
    host.rpm("-U", *host.files(), status=None)
    os.rename(name + ".kept", name)
    host.sound()


@case("rpm -U --notriggers of all: lost, and reapply does it", quick=False)
def without_triggers(host):
    host.rpm("-U", "--notriggers", *host.files())
    host.is_lost()
    host.tool("reapply", "-q")
    host.sound()


@case("rpm -U --oldpackage, after an upgrade", quick=False)
def downgrade_rpm(host):
    host.rpm("-U", *host.files())
    host.rpm("-U", "--oldpackage", *host.files(number=1))
    host.started(*SERVICES)
    host.sound()


@case("dnf reinstall of the same version", quick=False)
def reinstall(host):
    host.dnf("reinstall", *RPM_NAMES, number=1)
    host.sound()


# ---- removal of theirs -------------------------------------------------------------------------


def remove_compiled(host, *components):
    """RDO's packages have their compiled files in them, and take them away with the others."""
    for component in components:
        for directory, _, files in os.walk(host.root.path(os.path.join(host.site, component))):
            for name in files:
                if name.endswith(".pyc"):
                    os.unlink(os.path.join(directory, name))


@case("removal of nova by dnf, and its return in a newer version")
def remove_nova(host):
    host.dnf("remove", "--noautoremove", *OF_NOVA)
    remove_compiled(host, "nova")
    gone(host, ["nova"])
    host.dnf("install", "openstack-nova-compute")
    host.sound()


@case("removal of all of theirs by rpm -e, and their return", quick=False)
def remove_theirs(host):
    host.rpm("-e", *RPM_NAMES)
    remove_compiled(host, *COMPONENTS)
    gone(host, COMPONENTS)
    host.rpm("-U", *host.files())
    host.sound()


# ---- what is not to be integrated --------------------------------------------------------------


# ---- ours --------------------------------------------------------------------------------------


@case("removal of ours: the drivers stay, and it says so; its return integrates again")
def remove_ours(host):
    if STAYS not in host.rpm("-e", "sp-openstack").out:
        raise Failure("nothing is said of the drivers that stay")
    if not os.listdir(host.root.path(WORK)):
        raise Failure("the backups are gone")
    host.are("integrated")
    host.rpm("-U", *host.files())
    host.is_lost()
    host.install_ours()
    host.sound()


@case("removal of ours after uninstall: it says nothing")
def remove_clean(host):
    host.tool("uninstall")
    host.are("original")
    out = host.rpm("-e", "sp-openstack").out
    if STAYS in out:
        raise Failure("it says that drivers stay")
    for name in ("usr/share/sp-openstack", "usr/share/doc/sp-openstack", "usr/sbin/sp-openstack"):
        if host.root.exists(name):
            raise Failure("/%s is left" % name)


@case("upgrade of ours, with newer drivers")
def newer(host):
    if STAYS in host.install_ours(newer=True).out:
        raise Failure("an upgrade of ours says that drivers stay")
    newer_drivers(host)


@case("upgrade of ours and of all of theirs by one rpm -U", quick=False)
def newer_and_theirs(host):
    host.rpm("-U", host.ours(True), *host.files())
    newer_drivers(host)


@case("upgrade of ours and of all of theirs by one rpm -U --noorder, ours last", quick=False)
def theirs_and_newer(host):
    host.rpm("-U", "--noorder", *host.files(), host.ours(True))
    newer_drivers(host)


@case("ours on a host without OpenStack: it changes nothing but its own files", on="base")
def without_openstack(host):
    before = host.snapshot(*DATABASE)
    host.install_ours()
    changed = host.changed(before, host.snapshot(*DATABASE))
    owned = host.owned()
    strange = [name for name in changed if "/" + name not in owned and not any(
        one.startswith("/" + name + "/") for one in owned)]
    if strange or not changed:
        raise Failure("it changes %s" % ", ".join(strange[:8]))
    if "nothing" not in host.tool("reapply").out:
        raise Failure("reapply does something")
    host.rpm("-e", "sp-openstack")
    left = [name for name in host.changed(before, host.snapshot(*DATABASE))
            if not host.is_directory(name)]
    if left:
        raise Failure("its removal leaves %s" % ", ".join(left[:8]))


@case("README's line for hosts without a compiler", on="base")
def readme(host):
    command = from_readme("rpm")
    place = host.family.space.new("readme")
    shutil.copy(host.ours(), os.path.join(place, command.split()[-1].replace("*", "1.x86_64")))
    host.run("sh", "-c", 'cd "$0" && %s' % command.replace("rpm ", '"$@" ', 1), place,
             *host.rpm_command(), inside=False)
    host.tool("--version")
    host.tool("install", "nova", status=3)          # nothing is there to be integrated


# ---- what the package manager says of it -------------------------------------------------------


@case("rpm -V names the edited files, check -v explains them")
def verify(host):
    said = {line for name in RPM_NAMES for line in only(host.rpm("-V", name, status=None), "/")
            if "5" in line.split()[0]}
    edited = {"/%s/%s" % (host.site, name) for name in edited_files(host)}
    if said != {"S.5....T.    " + name for name in edited} or not edited:
        raise Failure("rpm -V says %s, edited are %s" % (sorted(said), sorted(edited)))
    explained(host, edited)
    in_manual("S.5....T.    /%s/nova/virt/libvirt/driver.py" % host.site)


# ---- an interrupted transaction ----------------------------------------------------------------


@case("rpm is killed in the trigger; reapply, and rpm again", quick=False)
def killed(host):
    """Loss of power in our program. rpm has no memory of it: people call reapply, and upgrade
    again."""
    os.rename(host.root.path("usr/sbin/sp-openstack"), host.root.path("usr/sbin/kept"))
    host.root.write("usr/sbin/sp-openstack", "#!/bin/sh\n: >/killed\nkill -9 -1\n", 0o755)
    host.run("sh", "-c", '"$@"; exit $?', "sh", *host.rpm_command(), "-U", *host.files(),
             inside=False, status=None)
    if not host.root.exists("killed"):
        raise Failure("the trigger was not run")
    os.rename(host.root.path("usr/sbin/kept"), host.root.path("usr/sbin/sp-openstack"))
    if host.states()["os_brick"][0].split()[-1] == "integrated":
        raise Failure("os_brick is integrated though the trigger was killed")
    host.tool("reapply", "-q")
    host.are("integrated")
    host.rpm("-U", "--force", *host.files())
    host.sound()
