# SPDX-License-Identifier: Apache-2.0
"""The Python trees that the packages hold: two versions of each release, and one of Queens.

They come from clones, or else from the package index, as those of tests/trees do. Left out are the
components' own tests and translations, which no service imports.
"""

import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(1, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                "trees"))
import packages
from clones import clone
from cycle import DISTRIBUTION, Failure

COMPONENTS = ("os_brick", "cinder", "nova")
RELEASES = ("mitaka", "newton", "ocata", "pike")
NEXT = dict(zip(RELEASES, RELEASES[1:] + ("queens",)))

# From clones: all. Those of the package index alone are fewer.
VERSIONS = {
    "mitaka": {"os_brick": ("1.1.0", "1.2.0"), "cinder": ("8.1.0", "8.1.1"),
               "nova": ("13.1.3", "13.1.4")},
    "newton": {"os_brick": ("1.6.1", "1.6.2"), "cinder": ("9.1.3", "9.1.4"),
               "nova": ("14.0.10", "14.1.0")},
    "ocata": {"os_brick": ("1.11.0", "1.11.1"), "cinder": ("10.0.7", "10.0.8"),
              "nova": ("15.1.4", "15.1.5")},
    "pike": {"os_brick": ("1.15.8", "1.15.9"), "cinder": ("11.2.1", "11.2.2"),
             "nova": ("16.1.7", "16.1.8")},
    "queens": {"os_brick": ("2.3.9",), "cinder": ("12.0.10",), "nova": ("17.0.13",)},
}
# Of Ocata the index has one version of these: the upgrade is to the next revision of the package.
INDEX = {
    "ocata": {"os_brick": ("1.11.0", "1.11.1"), "cinder": ("10.0.8", "10.0.8"),
              "nova": ("15.1.5", "15.1.5")},
    "pike": VERSIONS["pike"], "queens": VERSIONS["queens"],
}
LEFT_OUT = ("tests", "locale")


class Trees:
    """All trees, each made once, below a directory that lasts."""

    def __init__(self, cache, git):
        self.git = git
        self.versions = VERSIONS if git else INDEX
        self.top = os.path.join(cache, "trees-git" if git else "trees")
        os.makedirs(self.top, exist_ok=True)

    def version(self, release, number, component):
        return self.versions[release][component][number - 1]

    def revision(self, release, number, component):
        """That of the package: the second of two packages of one version is a new revision."""
        versions = self.versions[release][component]
        return number if len(set(versions)) < len(versions) else 1

    def get(self, component, version):
        """A directory with the component in it, and without metadata."""
        place = os.path.join(self.top, "%s-%s" % (component, version))
        if os.path.isdir(place):
            return place
        scratch = tempfile.mkdtemp(prefix=".new-", dir=self.top)
        try:
            self.unpack(component, version, scratch)
            for name in os.listdir(scratch):
                if name != component:
                    shutil.rmtree(os.path.join(scratch, name))
            for directory, names, _ in os.walk(scratch):
                for name in set(LEFT_OUT) & set(names):
                    shutil.rmtree(os.path.join(directory, name))
                    names.remove(name)
            os.chmod(scratch, 0o755)
            os.rename(scratch, place)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return place

    def unpack(self, component, version, place):
        repository = clone(self.git, DISTRIBUTION[component]) if self.git else None
        if not repository:
            packages.unpack(component, version, place)
            return
        archive = subprocess.Popen(["git", "--git-dir", repository, "archive", version, component],
                                   stdout=subprocess.PIPE)
        done = subprocess.run(["tar", "-x", "-C", place], stdin=archive.stdout, check=False)
        archive.stdout.close()
        if archive.wait() or done.returncode:
            raise Failure("the clone of %s has no %s" % (component, version))
