# SPDX-License-Identifier: Apache-2.0
"""What services would import when they start, and whether it is integrated.

The packages of the tests call /usr/local/sbin/service in their scripts where the real ones start
and restart services. It writes down the contents of the files that matter, as they are then.
"""

import hashlib
import os
import re
import subprocess

from cycle import Failure

LOG = "var/log/services"
FILES = {
    "os_brick": ("os_brick/__init__.py", "os_brick/initiator/__init__.py",
                 "os_brick/initiator/connector.py", "os_brick/initiator/storpool.py",
                 "os_brick/initiator/connectors/storpool.py"),
    "cinder": ("cinder/__init__.py", "cinder/volume/driver.py",
               "cinder/volume/drivers/storpool.py"),
    "nova": ("nova/__init__.py", "nova/virt/libvirt/driver.py",
             "nova/virt/libvirt/volume/storpool.py"),
}
IMPORTS = {"cinder-volume": ("cinder", "os_brick"), "nova-compute": ("nova", "os_brick")}
# Where a component names its module, by which it is found: the text in that file.
ENTRIES = {"nova": (r"nova\.virt\.libvirt\.volume\.storpool\.",
                    ("nova/virt/libvirt/driver.py",)),
           "os_brick": (r"(?i)storpool\b", ("os_brick/initiator/connector.py",))}

# Python 2's compiled files begin with a magic number and the time of the source; in place of code,
# those of the tests hold the digest of the source that they were compiled from.
SERVICE = r'''#!/bin/sh
# service SERVICE: writes down what it would import; service --compile: what pycompile does
cd @SITE@ || exit 0
files='@FILES@'
if [ "$1" = --compile ]; then
    for file in $files; do
        [ ! -f "$file" ] ||
            echo "$(stat -c %Y "$file") $(sha256sum <"$file")" >"${file}c"
    done
    exit 0
fi
{
    echo "start $1"
    for file in $files; do
        if [ -f "$file" ]; then
            echo "file $file $(sha256sum <"$file")"
            set -- $(cat "${file}c" 2>/dev/null)
            if [ "${1:-}" = "$(stat -c %Y "$file")" ]; then
                echo "compiled $file $2"
            fi
        fi
    done
    echo end
} >>/@LOG@
'''


def script(site):
    files = " ".join(name for names in FILES.values() for name in names)
    return SERVICE.replace("@SITE@", "/" + site).replace("@FILES@", files).replace("@LOG@", LOG)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def look(top):
    """{file: digest} of those of FILES that are there."""
    return {name: digest(os.path.join(top, name)) for names in FILES.values() for name in names
            if os.path.isfile(os.path.join(top, name))}


def part(found, component):
    return {name: found[name] for name in FILES[component] if name in found}


class Known:
    """What each version of a component looks like without and with the drivers."""

    def __init__(self):
        self.states = {component: {} for component in FILES}    # frozen contents: description
        self.texts = {}

    def add(self, component, version, kind, contents):
        key = frozenset(part(contents, component).items())
        self.states[component].setdefault(key, []).append("%s %s" % (version, kind))

    def learn(self, trees, versions, program, scratch):
        """versions: {component: version}; program: what is run to integrate them, a list."""
        for component, version in versions.items():
            subprocess.run(["cp", "-a", os.path.join(trees.get(component, version), component),
                            scratch], check=True)
        pristine = look(scratch)
        for component, version in versions.items():
            self.add(component, version, "original", pristine)
        done = subprocess.run(
            program + ["-L", scratch, "-W", scratch + ".work", "install", "--no-groups"],
            stdin=subprocess.DEVNULL, check=False, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        integrated = look(scratch)
        if done.returncode or integrated == pristine:
            raise Failure("cannot install into the trees: %s" % done.stdout.decode())
        self.check_entries(scratch, versions)
        for component, version in versions.items():
            self.add(component, version, "integrated", integrated)

    def learn_included(self, trees, versions):
        for component, version in versions.items():
            contents = look(trees.get(component, version))
            self.add(component, version, "included", contents)

    def check_entries(self, top, versions):
        """That what is called integrated has a module and what names it, looked for by hand."""
        for component in versions:
            modules = [name for name in FILES[component] if name.endswith("/storpool.py")
                       and os.path.isfile(os.path.join(top, name))]
            if not modules:
                raise Failure("%s has no module after install" % component)
            pattern, names = ENTRIES.get(component, (None, ()))
            for name in names:
                with open(os.path.join(top, name), encoding="utf-8") as file:
                    if not re.search(pattern, file.read()):
                        raise Failure("%s does not name the module" % name)

    def describe(self, found, component):
        """`VERSION integrated`, `VERSION original`, ..., or what does not fit together."""
        mine = part(found, component)
        if not mine:
            return ["absent"]
        if frozenset(mine.items()) in self.states[component]:
            return self.states[component][frozenset(mine.items())]
        modules = [name for name in mine if name.endswith("/storpool.py")]
        if modules == list(mine):
            return ["removed, but for %s" % " ".join(modules)]
        return ["neither original nor integrated (%s)" % ", ".join(
            "%s %s" % (name, "present" if name in mine else "absent") for name in FILES[component]
            if name.endswith("/storpool.py"))]


class Start:
    def __init__(self, service):
        self.service, self.files, self.compiled, self.ended = service, {}, {}, False

    def problem(self, known, wanted):
        """None, or why the service does not see what it should; wanted: kinds."""
        for component in IMPORTS[self.service]:
            states = known.describe(self.files, component)
            if not any(state.split()[-1] in wanted for state in states):
                return "%s starts and finds %s %s" % (self.service, component, states[0])
        for name, source in self.compiled.items():
            if source != self.files[name]:
                return "%s starts and imports a stale %sc" % (self.service, name)
        return None


def read(root):
    """All starts so far, and forgets them; not one that was killed before it had seen all."""
    starts = []
    if root.exists(LOG):
        for line in root.read(LOG).splitlines():
            words = line.split()
            if words[0] == "start":
                starts.append(Start(words[1]))
            elif words[0] == "end":
                starts[-1].ended = True
            elif words[0] == "file":
                starts[-1].files[words[1]] = words[2]
            else:
                starts[-1].compiled[words[1]] = words[2]
        os.unlink(root.path(LOG))
    return [start for start in starts if start.ended]
