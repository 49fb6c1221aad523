# SPDX-License-Identifier: Apache-2.0
"""A minimal Debian in a directory, from where this machine takes its own packages."""

import subprocess

SUITE = "bookworm"


def mirror():
    """[the address] of the archive that apt has for the suite; [] for that of debootstrap."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages"],
        stdout=subprocess.PIPE, check=False)
    return [line.split()[1] for line in done.stdout.decode().splitlines()
            if line.split()[0] == SUITE][:1]


def make(top, *packages):
    """Raises CalledProcessError, with the output."""
    more = ["--include=" + ",".join(packages)] if packages else []
    subprocess.run(["debootstrap", "--variant=minbase"] + more + [SUITE, top] + mirror(),
                   check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
