# SPDX-License-Identifier: Apache-2.0
"""What is in clones of the components: which tag is a version, and of which release."""

import os
import re
import subprocess

SUPPORTED = ("mitaka", "newton", "ocata", "pike")

# The first numbers of each release: of cinder, of nova, and of os-brick (two of them).
RELEASES = (
    ("liberty", 7, 12, (0, 1)), ("mitaka", 8, 13, (1, 0)), ("newton", 9, 14, (1, 3)),
    ("ocata", 10, 15, (1, 7)), ("pike", 11, 16, (1, 12)), ("queens", 12, 17, (2, 0)),
    ("rocky", 13, 18, (2, 4)), ("stein", 14, 19, (2, 6)), ("train", 15, 20, (2, 9)),
    ("ussuri", 16, 21, (2, 11)), ("victoria", 17, 22, (3, 1)), ("wallaby", 18, 23, (4, 1)),
    ("xena", 19, 24, (4, 4)), ("yoga", 20, 25, (5, 1)), ("zed", 21, 26, (6, 0)),
    ("2023.1", 22, 27, (6, 2)), ("2023.2", 23, 28, (6, 3)), ("2024.1", 24, 29, (6, 5)),
    ("2024.2", 25, 30, (6, 8)), ("2025.1", 26, 31, (6, 10)), ("2025.2", 27, 32, (6, 12)),
    ("2026.1", 28, 33, (6, 14)), ("later", 29, 34, (7, 1)),
)

# Versions on the way to a release that lack what it has.
WITHOUT_DRIVERS = {
    "mitaka-development": {"os_brick": ("0.6.0", "0.7.0", "0.8.0")},
    "queens-development": {"cinder": ("12.0.0.0b1", "12.0.0.0b2"),
                           "nova": ("17.0.0.0b1", "17.0.0.0b2", "17.0.0.0b3"),
                           "os_brick": ("2.0.0", "2.1.0", "2.1.1")},
}

VERSION = re.compile(r"^(\d+(?:\.\d+)*)(?:\.?(a|b|rc)(\d+))?(?:\.dev(\d+))?$")
END = re.compile(r"^([a-z]+|\d{4}\.\d)(?:-driverfixes)?-(?:em|eol|eom)$")


def clone(directory, name, owner="openstack"):
    """The git directory of a clone below DIRECTORY, None if there is none."""
    for candidate in (name, name + ".git", name.replace("-", "_"), "%s+%s/repo" % (owner, name)):
        path = os.path.join(directory, candidate)
        for repository in (os.path.join(path, ".git"), path):
            if os.path.isdir(os.path.join(repository, "objects")):
                return os.path.abspath(repository)
    return None


def git(repository, *arguments):
    return subprocess.run(("git", "--git-dir", repository) + arguments, check=True,
                          stdout=subprocess.PIPE, encoding="utf-8").stdout


def key(version):
    """Order of versions by PEP 440, as far as tags and bounds need it; None if it is no version."""
    match = VERSION.match(version)
    if not match:
        return None
    release = tuple(int(number) for number in match.group(1).split("."))
    while release and release[-1] == 0:
        release = release[:-1]
    stage = {"a": 1, "b": 2, "rc": 3}.get(match.group(2), 4)
    if stage == 4 and match.group(4):
        stage = 0                                # X.dev0 is before X's alphas
    return (release, stage, int(match.group(3) or 0),
            int(match.group(4)) if match.group(4) else float("inf"))


def is_final(tag):
    return bool(key(tag)) and key(tag)[1] == 4


def release_of(component, tag):
    """The release that a tag was made for; None if it is neither a version nor the end of one."""
    end = END.match(tag)
    if end:
        return end.group(1)
    if not key(tag):
        return None
    for release, tags in WITHOUT_DRIVERS.items():
        if tag in tags.get(component, ()):
            return release
    numbers = key(tag)[0] + (0, 0)
    if component != "os_brick" and numbers[0] >= 2010:
        return "kilo-and-older"
    answer = "unnumbered"
    for release, cinder, nova, brick in RELEASES:
        first = brick if component == "os_brick" else ({"cinder": cinder, "nova": nova}[component],)
        if numbers[:len(first)] >= first:
            answer = release
    return answer
