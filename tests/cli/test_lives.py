# SPDX-License-Identifier: Apache-2.0
"""Hosts that live by chance: packages, hands and commands in any order, and the promises that hold
after each command, whatever came before.

SP_TEST_LIVES=N in the environment takes N lives in place of some; SP_TEST_LIFE=SEED, which a
failure prints, that one alone.
"""

import collections
import os
import random
import re
import shutil
import unittest

import lib
import packages
from lib import DEBIAN, Case, Host, run_program, write
from snapshot import snapshot

LIVES = int(os.environ.get("SP_TEST_LIVES", "40"))
ONE_LIFE = os.environ.get("SP_TEST_LIFE")
STEPS = 14
LOCAL = "usr/local/lib/python2.7/dist-packages"
VENV = "opt/venv/lib/python2.7/site-packages"
WORK = "var/lib/sp-openstack"

COMPONENTS = packages.COMPONENTS
RELEASES = packages.RELEASES + ("queens",)
QUEENS = {"cinder": "12.0.10", "nova": "17.0.13", "os_brick": "2.3.9"}
LATER = {("cinder", "pike"): "11.2.2", ("nova", "pike"): "16.1.9", ("os_brick", "pike"): "1.15.10",
         ("cinder", "ocata"): "10.0.9", ("nova", "ocata"): "15.1.6",
         ("os_brick", "ocata"): "1.11.1",
         ("cinder", "newton"): "9.1.5", ("nova", "newton"): "14.1.1",
         ("cinder", "mitaka"): "8.1.2", ("nova", "mitaka"): "13.1.5"}
MARK = b"# Installed by sp-openstack"

# A file that mentions the driver needs the module.
NEEDS = (("nova/virt/libvirt/driver.py", rb"virt\.libvirt\.volume\.storpool\.",
          "nova/virt/libvirt/volume/storpool.py"),
         ("os_brick/initiator/connector.py", rb"connectors\.storpool\.",
          "os_brick/initiator/connectors/storpool.py"),
         ("os_brick/initiator/connector.py", rb"initiator(\.| import )storpool\b",
          "os_brick/initiator/storpool.py"))
MODULES = ("cinder/volume/drivers/storpool.py",) + tuple(need[2] for need in NEEDS)
# A use of the protocol's name needs its definition.
CONSTANT = ("os_brick/initiator/connector.py", rb"initiator\.STORPOOL|== STORPOOL",
            "os_brick/initiator/__init__.py", rb"^STORPOOL = ")

COMMANDS = ("install", "uninstall", "rollback")


class Lines:
    """What install adds, line by line, in each release: what it may take out again."""

    known = None

    @classmethod
    def of(cls, case):
        if cls.known is None:
            cls.known = collections.defaultdict(set), {}
            for release in packages.RELEASES:
                cls.learn(case, release)
        return cls.known

    @classmethod
    def learn(cls, case, release):
        host = Host(os.path.join(case.tmp, "lines-" + release))
        host.put_all(release)
        before = {name: host.read(name) for names in packages.EDITED.values() for name in names}
        case.good(host, "install")
        ours, texts = cls.known
        for name, text in before.items():
            after = host.read(name)
            ours[name].update(added(text, after))
            texts[release, name] = after


def added(before, after):
    rest = collections.Counter(before.splitlines())
    for line in after.splitlines():
        if rest[line]:
            rest[line] -= 1
        elif line.strip():
            yield line.strip().encode()


class Life:
    """One host, and what happened to it."""

    def __init__(self, case, seed):
        self.case, self.seed, self.random = case, seed, random.Random(seed)
        self.host = Host(os.path.join(case.tmp, "life-%s" % seed))
        self.sites = [DEBIAN]
        self.brought = {}           # {(site, component): names that the package has}
        self.story = []
        self.allowed = {0, 1, 3}

    # ---- the packages

    def text_of(self, component, release, version):
        """{name: text} of a package. Queens has the very lines that install adds to Pike."""
        if release != "queens":
            files = packages.files_of(component, release)
        else:
            files = packages.included(component)
            for name in packages.EDITED[component]:
                files[name] = Lines.of(self.case)[1]["pike", name]
        for name in packages.EDITED[component]:
            files[name] += "# of %s\n" % version
        return files

    def version_of(self, component, release):
        if release == "queens":
            return QUEENS[component]
        first = packages.VERSIONS[component, release]
        return self.random.choice([first, LATER.get((component, release), first)])

    def put(self, site, component, release):
        """As a package manager does it: what the package had goes. It does not know ours."""
        self.take(site, component)
        version = self.version_of(component, release)
        files = self.text_of(component, release, version)
        self.host.put_files(files, site)
        names = set(files)
        if self.random.random() < 0.9:
            form = self.random.choice(["dist-info", "egg-info", "egg-info-file"])
            before = set(os.listdir(self.host.path(site)))
            self.host.put_metadata(component.replace("_", "-"), version, form, site)
            names |= set(os.listdir(self.host.path(site))) - before
        self.brought[site, component] = names
        return version

    def take(self, site, component):
        for name in self.brought.pop((site, component), ()):
            path = self.host.path(site, name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.lexists(path):
                os.unlink(path)
        for directory, _, _ in list(os.walk(self.host.path(site, component), topdown=False)):
            if not os.listdir(directory):
                os.rmdir(directory)

    def package(self):
        site = self.random.choice(self.sites)
        release = self.random.choice(RELEASES)
        chosen = self.some(COMPONENTS) if self.random.random() < 0.5 else COMPONENTS
        if self.random.random() < 0.1:
            for component in chosen:
                self.take(site, component)
            return "remove %s of %s" % (", ".join(chosen), site)
        versions = [self.put(site, component, release) for component in chosen]
        return "%s %s in %s" % (", ".join(chosen), " ".join(versions), site)

    def environment(self):
        """Another place comes, or one goes."""
        site = self.random.choice([LOCAL, VENV])
        if site in self.sites and self.random.random() < 0.5:
            for component in COMPONENTS:
                self.take(site, component)
            self.sites.remove(site)
            return "remove all from " + site
        if site not in self.sites:
            os.makedirs(self.host.path(site), exist_ok=True)
            self.sites.append(site)
        release = self.random.choice(RELEASES)
        chosen = self.some(COMPONENTS)
        for component in chosen:
            self.put(site, component, release)
        return "%s of %s in %s" % (", ".join(chosen), release, site)

    def move(self):
        """The directory of an environment goes elsewhere, and a link takes its place."""
        place = self.host.path("opt/venv")
        if VENV not in self.sites or os.path.islink(place):
            return None
        os.makedirs(self.host.path("srv"), exist_ok=True)
        os.rename(place, self.host.path("srv/venv"))
        os.symlink("../srv/venv", place)
        return "move /opt/venv to /srv"

    # ---- hands

    def some(self, items):
        return sorted(self.random.sample(list(items), self.random.randint(1, len(items))))

    def edit(self):
        """A hand in a file that install edits, or in a module of ours."""
        site, component = self.random.choice(self.sites), self.random.choice(COMPONENTS)
        name = self.random.choice(packages.EDITED[component] + [packages.ADDED[component]])
        path = self.host.path(site, name)
        if not os.path.exists(path):
            if name != packages.ADDED[component] or not os.path.isdir(os.path.dirname(path)):
                return None
            write(path, "# by hand\n")
            return "write %s in %s" % (name, site)
        how = self.random.choice([self.append, self.crlf, self.no_newline, self.twice, self.without,
                                  self.prepend, self.mode, self.unlink, self.foreign])
        done = how(path)
        return done and "%s of %s: %s" % (name, site, done)

    @staticmethod
    def append(path):
        write(path, lib.read(path) + b"# by a hand\n")
        return "a line at the end"

    @staticmethod
    def prepend(path):
        write(path, b"# by a hand\n" + lib.read(path))
        return "a line at the beginning"

    @staticmethod
    def crlf(path):
        write(path, lib.read(path).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
        return "CRLF"

    @staticmethod
    def no_newline(path):
        write(path, lib.read(path).rstrip(b"\n"))
        return "no newline at the end"

    @staticmethod
    def lines_with(path):
        lines = lib.read(path).splitlines(True)
        return lines, [k for k, line in enumerate(lines) if b"storpool" in line.lower()]

    def twice(self, path):
        lines, ours = self.lines_with(path)
        if not ours:
            return None
        at = self.random.choice(ours)
        write(path, b"".join(lines[:at] + lines[at:at + 1] + lines[at:]))
        return "line %d twice" % (at + 1)

    def without(self, path):
        lines, ours = self.lines_with(path)
        if not ours:
            return None
        at = self.random.choice(ours)
        write(path, b"".join(lines[:at] + lines[at + 1:]))
        return "without line %d" % (at + 1)

    def mode(self, path):
        os.chmod(path, self.random.choice([0o600, 0o640, 0o664]))
        return "mode"

    @staticmethod
    def unlink(path):
        if path.endswith("storpool.py"):
            os.unlink(path)
            return "removed"
        return None

    @staticmethod
    def foreign(path):
        if path.endswith("storpool.py"):
            write(path, "# somebody else's\n")
            return "somebody else's"
        return None

    # ---- commands

    def contents(self):
        """{name: bytes} of what Python sees."""
        found = {}
        for site in self.sites:
            for directory, _, files in os.walk(self.host.path(site)):
                for name in files:
                    path = os.path.join(directory, name)
                    found[os.path.relpath(path, self.host.top)] = lib.read(path)
        return found

    def run(self, *arguments):
        return run_program(["--root", self.host.top, "--no-groups"] + list(arguments)
                           if arguments[0] == "install" or "install" in arguments
                           else ["--root", self.host.top] + list(arguments))

    def command(self):
        verb = self.random.choice(COMMANDS)
        arguments = [verb]
        if verb != "rollback" and self.random.random() < 0.4:
            arguments += self.some(COMPONENTS)
        if verb == "install" and self.random.random() < 0.15:
            arguments.insert(1, "--allow-mixed")
        usr = snapshot(self.host.top)
        dry = self.run("--json", *(arguments + ["-n"]))
        self.untouched(usr, "%s -n" % verb, dry)
        before, was = self.contents(), snapshot(self.host.top)
        result = self.run("--json", *arguments)
        after = self.contents()
        self.story.append("%s: %d" % (" ".join(arguments), result.status))
        self.check_status(result)
        self.check_dry_run(dry, result, before, after)
        self.check_files(before, after, result)
        if result.status not in (0, 1) or not count(result):
            self.untouched(was, verb, result)
        elif verb == "install":
            self.check_installed(arguments, result)
            if self.random.random() < 0.3:
                self.there_and_back(was)
        elif verb == "uninstall" and result.status == 0:
            self.check_gone(arguments, after)
        return None

    def fail(self, text, *results):
        self.case.fail("\n".join(["SP_TEST_LIFE=%s: %s" % (self.seed, text)] + self.story +
                                 [str(result) for result in results]))

    def untouched(self, before, verb, result):
        text = difference_of(before, snapshot(self.host.top))
        if text:
            self.fail("%s changed something: %s" % (verb, text), result)

    def check_status(self, result):
        if result.status not in self.allowed:
            self.fail("exit status %d" % result.status, result)

    def check_dry_run(self, dry, result, before, after):
        """-n says what the command then does."""
        if dry.status != result.status:
            self.fail("-n ends with %d" % dry.status, dry, result)
        if not dry.out or not result.out:
            return
        changed = sorted(name for name in set(before) | set(after)
                         if before.get(name) != after.get(name))
        if count(dry) != len(changed) or count(result) != len(changed):
            self.fail("-n says %d files, the command %d; changed: %s" % (
                count(dry), count(result), changed), dry, result)

    def check_files(self, before, after, result):
        """Nothing of others is lost, no entry is without its module because of us."""
        ours = Lines.of(self.case)[0]
        for path, was in before.items():
            site, name = self.split(path)
            now = after.get(path, b"")
            if was == now:
                continue
            if name in MODULES:
                if MARK not in was:
                    self.fail("%s was not ours" % path, result)
            elif name not in ours:
                self.fail("%s is none of our files" % path, result)
            else:
                lost = collections.Counter(map(bytes.strip, was.splitlines()))
                lost.subtract(map(bytes.strip, now.splitlines()))
                gone = [line for line, count in lost.items() if count > 0 and line not in ours[name]
                        and line]
                if gone:
                    self.fail("%s lost %r" % (path, gone), result)
        for site in self.sites:
            if not self.broken(site, before) and self.broken(site, after):
                self.fail(self.broken(site, after), result)

    def split(self, path):
        site = next(site for site in self.sites if path.startswith(site + "/"))
        return site, path[len(site) + 1:]

    @staticmethod
    def broken(site, contents):
        for name, pattern, module in NEEDS:
            if re.search(pattern, contents.get(site + "/" + name, b"")) and \
                    site + "/" + module not in contents:
                return "%s/%s has the entry, and there is no module" % (site, name)
        user, use, definer, definition = CONSTANT
        text = contents.get(site + "/" + user, b"")
        if re.search(use, text) and not any(re.search(definition, where, re.M) for where in (
                text, contents.get(site + "/" + definer, b""))):
            return "%s/%s uses a constant that is not there" % (site, user)
        return None

    def check_installed(self, arguments, result):
        if result.status != 0:
            return
        names = [one for one in arguments[1:] if one in COMPONENTS]
        mixed = ["--allow-mixed"] if "--allow-mixed" in arguments else []
        check = self.run("check", *(mixed + names))
        if check.status != 0:
            self.fail("after install check says %d" % check.status, result, check)

    def check_gone(self, arguments, after):
        names = [one for one in arguments[1:] if one in COMPONENTS] or COMPONENTS
        for path, content in after.items():
            site, name = self.split(path)
            component = name.split("/", 1)[0]
            shadowed = site == DEBIAN and (LOCAL, component) in self.brought
            if component in names and (site, component) in self.brought and \
                    name in MODULES and MARK in content and not shadowed:
                self.fail("after uninstall %s is there" % path)

    def there_and_back(self, was):
        """A rollback at once gives back every byte, mode and time."""
        result = self.run("rollback")
        self.story.append("rollback at once: %d" % result.status)
        if result.status != 0:
            self.fail("rollback at once", result)
        text = difference_of(was, snapshot(self.host.top))
        if text:
            self.fail("rollback at once leaves: %s" % text, result)

    def look(self):
        for verb in ("check", "history", "detect"):
            was = snapshot(self.host.top)
            result = self.run(verb)
            self.untouched(was, verb, result)
            self.check_status(result)

    def live(self):
        self.put_first()
        self.host.age()
        for _ in range(STEPS):
            step = self.random.choices(
                [self.command, self.package, self.environment, self.edit, self.move],
                [10, 4, 2, 4, 1])[0]
            done = step()
            if done:
                self.story.append(done)
        self.look()

    def put_first(self):
        release = self.random.choice(packages.RELEASES)
        self.story.append("begins with " + release)
        for component in COMPONENTS:
            self.put(DEBIAN, component, release)


def count(result):
    """Of the files that it says it changed, or would; none in the document of an error."""
    said = result.json
    return said["changed"] if "changed" in said else len(said.get("files", ()))


def difference_of(before, after):
    def relevant(snap):
        return {name: value for name, value in snap.items()
                if not (name == WORK or name.startswith(WORK + "/") or name == "var/lib")}
    before, after = relevant(before), relevant(after)
    return ", ".join(sorted(name for name in set(before) | set(after)
                            if getattr(before.get(name), "state", None) !=
                            getattr(after.get(name), "state", None)))[:500]


class Lives(Case):
    """Each life begins with a seed, so that one that fails can be lived again."""

    def lives(self, part, parts=4):
        if ONE_LIFE:
            if part == 0:
                self.live(int(ONE_LIFE))
            return
        for seed in range(part, LIVES, parts):
            self.live(seed)

    def live(self, seed):
        life = Life(self, seed)
        life.live()
        shutil.rmtree(life.host.top)

    def test_first(self):
        self.lives(0)

    def test_second(self):
        self.lives(1)

    def test_third(self):
        self.lives(2)

    def test_fourth(self):
        self.lives(3)


if __name__ == "__main__":
    unittest.main()
