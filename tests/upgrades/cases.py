# SPDX-License-Identifier: Apache-2.0
"""What both families do to a host with the drivers, and what must hold then.

put() is the package manager with files (dpkg -i, rpm -U), upgrade() the one that finds packages
(apt-get, dnf). In titles they have the names that a family gives them.
"""

import os

from cycle import Failure
from hosts import COMPONENTS, EITHER, SERVICES

COMMON = []


def register(cases):
    """A decorator that adds a case to a list."""
    def case(title, on="integrated", quick=True, releases=None):
        def add(function):
            cases.append((title, function, on, quick, releases))
            return function
        return add
    return case


def of_family(**words):
    """The common cases, their titles in a family's words."""
    return [(title.format(**words),) + tuple(rest) for title, *rest in COMMON]


case = register(COMMON)


# ---- upgrades ----------------------------------------------------------------------------------


@case("{put} of all, libraries first")
def all_at_once(host):
    host.put(*host.files())
    host.started(*SERVICES)
    host.sound()


@case("{upgrade} of all")
def upgrade(host):
    host.upgrade()
    host.started(*SERVICES)
    host.sound()


@case("{upgrade} to the next release", releases=("mitaka", "newton", "ocata"))
def next_release(host):
    host.upgrade(number=1, release=host.next)
    host.started(*SERVICES)
    host.sound()


@case("{upgrade} to Queens", releases=("pike",))
def queens(host):
    host.upgrade(number=1, release="queens")
    host.started(*SERVICES, wanted=EITHER)
    host.sound("included")


@case("{put} to Queens, one component after the other", releases=("pike",))
def queens_in_turns(host):
    for component in COMPONENTS:
        host.put(*host.files(host.names_of[component], 1, "queens"))
        host.are(*EITHER)
    host.started(*SERVICES, wanted=EITHER)
    host.sound("included")


# ---- what is not to be integrated --------------------------------------------------------------


@case("upgrade after uninstall: it stays out")
def after_uninstall(host):
    host.tool("uninstall")
    host.are("original")
    never(host)


@case("upgrade where nothing was ever integrated: it stays so", on="plain")
def never(host):
    host.upgrade()
    host.started(*SERVICES, wanted=("original",))
    host.sound("original")


@case("upgrade with /etc/sp-openstack/no-reapply: nothing is done")
def switched_off(host):
    host.root.write("etc/sp-openstack/no-reapply", "")
    host.put(*host.files())
    host.is_lost()
    host.run("rm", "/etc/sp-openstack/no-reapply")
    host.tool("reapply", "-q")
    host.sound()


@case("only cinder is integrated: nova stays as it is", on="plain", quick=False)
def only_cinder(host):
    host.integrate("cinder", "os_brick")
    host.upgrade()
    host.are("integrated", components=("cinder", "os_brick"))
    host.are("original", components=("nova",))
    host.consistent()


# ---- parts of cases ----------------------------------------------------------------------------


def gone(host, components):
    """Of these components only our modules may be left, and the program has nothing to do."""
    for component in components:
        states = host.states()[component]
        if not any(state.startswith(("removed", "absent")) for state in states):
            raise Failure("%s is %s" % (component, states[0]))
    host.tool("reapply", "-q")
    host.consistent()


def newer_drivers(host):
    """The drivers are those of our newer package, and all else is in order."""
    host.consistent()
    host.tool("check")
    for name in ("cinder/volume/drivers/storpool.py", "nova/virt/libvirt/volume/storpool.py"):
        if "# newer" not in host.root.read(os.path.join(host.site, name)):
            raise Failure("%s is the older one" % name)
    host.temporary()


def explained(host, edited):
    out = host.tool("check", "-v").out
    for name in edited:
        if not any(name in line and "as integrated by transaction" in line
                   and "differs from the package" in line for line in out.splitlines()):
            raise Failure("check -v does not explain %s" % name)


def edited_files(host):
    """Those of the packages that are not as they were: told by the release's original."""
    names = []
    for component in COMPONENTS:
        version = host.family.trees.version(host.release, 1, component)
        top = host.family.trees.get(component, version)
        for directory, _, files in os.walk(os.path.join(top, component)):
            for name in files:
                path = os.path.relpath(os.path.join(directory, name), top)
                with open(os.path.join(top, path), "rb") as one, \
                        open(host.root.path(os.path.join(host.site, path)), "rb") as other:
                    if one.read() != other.read():
                        names.append(path)
    return names
