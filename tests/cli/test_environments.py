# SPDX-License-Identifier: Apache-2.0
"""Environments made by the real tools of that time: which copy does the real interpreter import,
and does sp-openstack say the same and change that one?

Each host has a Python 2.7 of its own below its root: a copy of the interpreter, with links to the
standard library. So that the absolute paths which pip, virtualenv and setuptools write lead to the
same files inside of the root, the root has a link from its own path to its top. The packages are
the stand-ins of packages.py with a setup.py. virtualenv 15.1.0 (2016) is downloaded once, by pip,
into ${SP_TEST_CACHE:-~/.cache/sp-openstack}. Tests are skipped, with the reason, where there is no
Python 2.7 or no virtualenv to get.
"""

import json
import os
import shutil
import subprocess
import sys
import unittest

import lib
import packages
from lib import TOP, Case, Host, environment, is_wrapped, write

sys.path.insert(1, os.path.join(TOP, "tests", "trees"))
from cycle import find_python2

VIRTUALENV = "virtualenv==15.1.0"
SITE = "lib/python2.7/site-packages"

SETUP = '''from setuptools import find_packages, setup
setup(name=%r, version=%r, packages=find_packages(), zip_safe=%r%s)
'''

SCRIPTS = ", entry_points={'console_scripts': ['nova-compute = nova:main']}"


def run(*command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=300, check=False, **more)
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        raise AssertionError("%s: exit %d: %s" % (" ".join(command), done.returncode, text[-1500:]))
    return text


def cached_virtualenv(python):
    """The directory that virtualenv is in; downloads it. None where that can't be done."""
    base = os.environ.get("SP_TEST_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "sp-openstack")
    directory = os.path.join(base, VIRTUALENV.replace("==", "-"))
    if not os.path.exists(os.path.join(directory, "virtualenv.py")):
        scratch = "%s.%d" % (directory, os.getpid())
        try:
            run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--target", scratch,
                "--disable-pip-version-check", VIRTUALENV)
            os.rename(scratch, directory)
        except (AssertionError, OSError):
            shutil.rmtree(scratch, ignore_errors=True)
    return directory if os.path.exists(os.path.join(directory, "virtualenv.py")) else None


class Made(Case):
    """A host whose packages were put in by tools that run."""

    def setUp(self):
        super().setUp()
        self.python2 = find_python2()
        if not self.python2:
            self.skipTest("no Python 2.7 here")
        self.made = Host(os.path.join(self.tmp, "host"), "usr/" + SITE)
        inside = self.made.path(self.made.top.lstrip("/"))
        os.makedirs(os.path.dirname(inside))
        os.symlink("/", inside)
        self.env = {"PATH": "/usr/bin:/bin", "HOME": self.made.path("root"), "LC_ALL": "C",
                    "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INDEX": "1"}
        os.mkdir(self.made.path("root"))

    def interpreter(self, prefix="usr"):
        """A Python of the host's own; its path."""
        python = self.made.path(prefix, "bin/python2.7")
        if os.path.exists(python):
            return python
        where = run(self.python2, "-c", "import sys, os; print(os.path.realpath(sys.executable)); "
                                        "print(os.path.dirname(os.__file__)); "
                                        "import setuptools; print(setuptools.__file__)").split()
        os.makedirs(os.path.dirname(python))
        shutil.copy2(where[0], python)
        library = self.made.path(prefix, "lib/python2.7")
        os.makedirs(library + "/site-packages", exist_ok=True)
        for name in os.listdir(where[1]):
            if name != "site-packages":
                os.symlink(os.path.join(where[1], name), os.path.join(library, name))
        tools = os.path.dirname(os.path.dirname(where[2]))
        for name in os.listdir(tools):
            if name.startswith(("pip", "setuptools", "pkg_resources", "easy_install")):
                os.symlink(os.path.join(tools, name), os.path.join(library, "site-packages", name))
        return python

    def virtualenv(self, prefix, *options):
        tool = cached_virtualenv(self.python2)
        if not tool:
            self.skipTest("%s can't be downloaded" % VIRTUALENV)
        run(self.interpreter(), os.path.join(tool, "virtualenv.py"), "--quiet", "--no-wheel",
            *options, self.made.path(prefix), env=self.env)
        return self.made.path(prefix, "bin/python2.7")

    def source(self, component, version, zip_safe=False, where="src"):
        """The directory of a package with a setup.py."""
        release = [release for release in packages.RELEASES
                   if packages.VERSIONS[component, release].split(".")[0] == version.split(".")[0]]
        top = self.made.path(where, component)
        if not os.path.exists(top):
            for name, text in packages.files_of(component, release[-1]).items():
                write(os.path.join(top, name), text)
            for directory, _, _ in os.walk(os.path.join(top, component)):
                init = os.path.join(directory, "__init__.py")
                if not os.path.exists(init):
                    write(init, "")
            scripts = SCRIPTS if component == "nova" else ""
            write(os.path.join(top, "setup.py"), SETUP % (component.replace("_", "-"), version,
                                                          zip_safe, scripts))
        return top

    def pip(self, python, component, version, *options, **env):
        source = self.source(component, version, where="src-%s-%s" % (component, version))
        run(python, "-m", "pip", "install", "--quiet", "--no-deps", *options, source,
            env=dict(self.env, **env), cwd=source)

    def unit(self, program, path):
        write(self.made.path("etc/systemd/system", program + ".service"),
              "[Service]\nUser=nova\nExecStart=%s --config-file /etc/nova/nova.conf\n" % path)

    def imported(self, python, component, *options, **env):
        """The directory that the real interpreter imports, as seen on this machine."""
        text = run(python, *options, "-c", "import %s; print(%s.__file__)" % (component, component),
                   env=dict(self.env, **env), cwd=self.made.top)
        return os.path.realpath(os.path.dirname(text.strip()))

    def agree(self, python, *names, options=(), **env):
        """The program names the copies that the interpreter imports, changes those, and finds them
        changed."""
        real = {name: self.imported(python, name, *options, **env) for name in names}
        found = {}
        for one in self.run_on(self.made, "--json", "check", *names).json["components"]:
            if not (one["shadowed_by"] or one["unused"]):
                found[one["component"]] = os.path.realpath(one["path"])
        self.assertEqual({name: found.get(name) for name in names}, real)
        self.good(self.made, "install", *names)
        for name in names:
            module = packages.ADDED[name].split("/", 1)[1]
            self.assertTrue(os.path.exists(os.path.join(real[name], module)), real[name])
        self.expect(0, self.run_on(self.made, "check", *names))
        for name in names:      # and the interpreter can import the registration
            self.assertEqual(self.imported(python, name, *options, **env), real[name])
        return real


class Tools(Made):
    def test_pip_in_a_virtualenv(self):
        python = self.virtualenv("srv/cloud")
        self.pip(python, "nova", "14.1.0")
        self.pip(python, "os_brick", "1.6.2")
        self.unit("nova-compute", "/srv/cloud/bin/nova-compute")
        real = self.agree(python, "nova", "os_brick")
        self.assertEqual(real["nova"], self.made.path("srv/cloud", SITE, "nova"))

    def test_pip_above_system_packages_in_a_virtualenv(self):
        """With access to the system's packages: the own copy goes before the system's."""
        python = self.virtualenv("var/lib/kolla/venv", "--system-site-packages")
        self.pip(self.interpreter(), "nova", "14.1.0")
        self.pip(self.interpreter(), "os_brick", "1.6.2")
        self.pip(python, "os_brick", "1.6.2", "--ignore-installed")
        self.unit("nova-compute", "/var/lib/kolla/venv/bin/nova-compute")
        write(self.made.path("var/lib/kolla/venv/bin/nova-compute"),
              "#!%s\n" % self.made.path("var/lib/kolla/venv/bin/python2.7"), 0o755)
        real = self.agree(python, "nova", "os_brick")
        self.assertEqual(real["nova"], self.made.path("usr", SITE, "nova"))
        self.assertEqual(real["os_brick"], self.made.path("var/lib/kolla/venv", SITE, "os_brick"))

    def test_virtualenv_without_access(self):
        python = self.virtualenv("var/lib/openstack")
        self.pip(self.interpreter(), "os_brick", "1.6.2")
        self.pip(python, "nova", "14.1.0")
        with self.assertRaisesRegex(AssertionError, "No module named os_brick"):
            self.imported(python, "os_brick")
        self.unit("nova-compute", "/var/lib/openstack/bin/nova-compute")
        self.refused(self.made, 3, "os_brick", "/var/lib/openstack", arguments=("install", "nova"))

    def egg(self, component, version, zip_safe, *options):
        python = self.interpreter()
        source = self.source(component, version, zip_safe, where="egg-src")
        run(python, "-m", "easy_install", "--quiet", "--no-deps", *options, source,
            env=self.env, cwd=source)
        return python

    def test_easy_install(self):
        """An egg goes before what pip installed, and where it is recorded it can be read back."""
        self.env["SETUPTOOLS_SYS_PATH_TECHNIQUE"] = "rewrite"    # before setuptools 20: always
        python = self.egg("os_brick", "1.6.2", False)
        self.pip(python, "nova", "14.1.0")
        self.pip(python, "os_brick", "1.6.2", "--ignore-installed")
        real = self.agree(python, "nova", "os_brick")
        self.assertIn(".egg", real["os_brick"])
        self.good(self.made, "uninstall")
        self.assertEqual(self.run_on(self.made, "recover").status, 0)

    def test_easy_install_of_today(self):
        """An egg is added behind what pip installed."""
        python = self.egg("os_brick", "1.6.2", False)
        self.pip(python, "os_brick", "1.6.2", "--ignore-installed")
        self.assertNotIn(".egg", self.agree(python, "os_brick")["os_brick"])

    def test_zipped_egg(self):
        python = self.egg("nova", "14.1.0", True, "--zip-ok")
        self.pip(python, "os_brick", "1.6.2")
        self.assertIn(".egg/", self.imported(python, "nova") + "/")
        eggs = [name for name in os.listdir(self.made.path("usr", SITE)) if name.endswith(".egg")]
        self.assertTrue(os.path.isfile(self.made.path("usr", SITE, eggs[0])))
        self.expect(3, self.run_on(self.made, "check", "nova"), "zipped egg", eggs[0])
        self.refused(self.made, 3, "zipped egg", arguments=("install", "nova"))

    def test_develop(self):
        python = self.interpreter()
        for component, version in (("nova", "14.1.0"), ("os_brick", "1.6.2")):
            source = self.source(component, version, where="opt/stack")
            run(python, "setup.py", "--quiet", "develop", "--no-deps", env=self.env, cwd=source)
        real = self.agree(python, "nova", "os_brick")
        self.assertEqual(real["nova"], self.made.path("opt/stack/nova/nova"))

    def test_develop_above_pip(self):
        """DevStack: a checkout, and the library from the package index."""
        python = self.interpreter()
        self.pip(python, "nova", "14.1.0")
        self.pip(python, "os_brick", "1.6.2")
        source = self.source("nova", "14.1.0", where="opt/stack")
        run(python, "setup.py", "--quiet", "develop", "--no-deps", env=self.env, cwd=source)
        self.agree(python, "nova", "os_brick")

    def test_user_site(self):
        python = self.interpreter()
        home = self.made.path("var/lib/nova")
        os.makedirs(home)
        write(self.made.path("etc/passwd"), "nova:x:162:162::/var/lib/nova:/sbin/nologin\n")
        self.pip(python, "nova", "14.1.0")
        self.pip(python, "os_brick", "1.6.2")
        self.pip(python, "os_brick", "1.6.2", "--user", "--ignore-installed", HOME=home)
        self.unit("nova-compute", "/usr/bin/nova-compute")
        real = self.agree(python, "nova", "os_brick", HOME=home)
        self.assertIn("/.local/", real["os_brick"])

    def test_python_path(self):
        python = self.interpreter()
        self.pip(python, "os_brick", "1.6.2")
        self.pip(python, "os_brick", "1.6.2", "--target", self.made.path("srv/more"))
        other = self.imported(python, "os_brick", PYTHONPATH=self.made.path("srv/more"))
        self.assertEqual(other, self.made.path("srv/more/os_brick"))
        both = "/srv/more:/usr/" + SITE
        self.good(self.made, "install", "os_brick", "--path", both)
        self.assertTrue(os.path.exists(os.path.join(other, "initiator/connectors/storpool.py")))
        self.expect(0, self.run_on(self.made, "check", "os_brick", "--path", both))


class Layouts(Made):
    """Deployments, with environments that virtualenv made."""

    def service(self, prefix, component, version, brick):
        python = self.virtualenv(prefix)
        self.pip(python, component, version)
        self.pip(python, "os_brick", brick)
        return python

    def test_openstack_ansible(self):
        self.service("openstack/venvs/nova-14.1.0", "nova", "14.1.0", "1.6.2")
        new = self.service("openstack/venvs/nova-15.1.5", "nova", "15.1.5", "1.11.0")
        self.unit("nova-compute", "/openstack/venvs/nova-15.1.5/bin/nova-compute")
        self.agree(new, "nova", "os_brick")

    def test_suse(self):
        """The service's link leads to an environment with a time in its name."""
        self.service("opt/stack/venv/nova-20170101T000000Z", "nova", "14.1.0", "1.6.2")
        new = self.service("opt/stack/venv/nova-20180101T000000Z", "nova", "15.1.5", "1.11.0")
        os.makedirs(self.made.path("opt/stack/service/nova-compute"))
        os.symlink("/opt/stack/venv/nova-20180101T000000Z",
                   self.made.path("opt/stack/service/nova-compute/venv"))
        self.unit("nova-compute", "/opt/stack/service/nova-compute/venv/bin/nova-compute")
        self.agree(new, "nova", "os_brick")

    def test_devstack_with_environments(self):
        python = self.service("opt/stack/nova.venv", "nova", "15.1.5", "1.11.0")
        write(self.made.path("etc/systemd/system/devstack@n-cpu.service"),
              "[Service]\nExecStart = /opt/stack/nova.venv/bin/nova-compute --config-file /x\n")
        self.agree(python, "nova", "os_brick")

    def test_loci(self):
        self.agree(self.service("var/lib/openstack", "nova", "15.1.5", "1.11.0"), "nova",
                   "os_brick")


# Says which copies it has, and goes on, as a service does.
SERVICE = """import os, time
import nova, os_brick
with open(%r, 'w') as out:
    for module in (nova, os_brick):
        out.write(os.path.abspath(module.__file__) + '\\n')
time.sleep(60)
"""


class Started(Made):
    """Programs that are started with PYTHONPATH, or with options of the interpreter."""

    OWN = "srv/own"

    def setUp(self):
        super().setUp()
        self.python = self.interpreter()
        for component, version in (("nova", "14.1.0"), ("os_brick", "1.6.2")):
            self.pip(self.python, component, version)
        self.made.put("os_brick", "newton", site=self.OWN)
        self.own, self.system = (self.made.path(top, "os_brick")
                                 for top in (self.OWN, "usr/" + SITE))

    def start(self, first_line, environment="", line="/usr/bin/nova-compute"):
        write(self.made.path("usr/bin/nova-compute"), "#!%s\n" % first_line, 0o755)
        write(self.made.path("etc/systemd/system/nova-compute.service"),
              "[Service]\nUser=nova\n%sExecStart=%s\n" % (environment, line))

    def test_python_path(self):
        self.start("/usr/bin/python2.7", "Environment=PYTHONPATH=/%s:/none\n" % self.OWN)
        real = self.agree(self.python, "nova", "os_brick", PYTHONPATH=self.made.path(self.OWN))
        self.assertEqual(real["os_brick"], self.own)

    def test_python_path_that_is_ignored(self):
        self.start("/usr/bin/python2.7 -sE", "Environment=PYTHONPATH=/%s\n" % self.OWN)
        real = self.agree(self.python, "nova", "os_brick", options=["-sE"],
                          PYTHONPATH=self.made.path(self.OWN))
        self.assertEqual(real["os_brick"], self.system)

    def user_site(self):
        write(self.made.path("etc/passwd"), "nova:x:162:162::/var/lib/nova:/sbin/nologin\n")
        self.made.put("os_brick", "newton", site="var/lib/nova/.local/" + SITE)
        return self.made.path("var/lib/nova/.local", SITE, "os_brick")

    def test_user_site(self):
        user = self.user_site()
        self.start("/usr/bin/python2.7")
        real = self.agree(self.python, "nova", "os_brick", HOME=self.made.path("var/lib/nova"))
        self.assertEqual(real["os_brick"], user)

    def test_no_user_site(self):
        self.user_site()
        self.start("/usr/bin/python2.7", line="/usr/bin/python2.7 -s /usr/bin/nova-compute")
        real = self.agree(self.python, "nova", "os_brick", options=["-s"],
                          HOME=self.made.path("var/lib/nova"))
        self.assertEqual(real["os_brick"], self.system)

    def test_python_home(self):
        other = self.interpreter("opt/other")
        for component, version in (("nova", "14.1.0"), ("os_brick", "1.6.2")):
            self.pip(other, component, version)
        self.start("/usr/bin/python2.7", "Environment=PYTHONHOME=/opt/other\n")
        real = self.agree(self.python, "nova", "os_brick", PYTHONHOME=self.made.path("opt/other"))
        self.assertEqual(real["nova"], self.made.path("opt/other", SITE, "nova"))

    def test_order_of_pth_files(self):
        """By name, each in the order of its lines; not those in directories of PYTHONPATH."""
        for name in ("one", "two", "three"):
            self.made.put("os_brick", "newton", site="srv/" + name)
        os.rename(self.system, self.system + ".away")
        for path, lines in (("usr/%s/b.pth" % SITE, ("two", "one")),
                            ("usr/%s/a.pth" % SITE, ("none", "three")),
                            ("%s/0.pth" % self.OWN, ("one",))):
            write(self.made.path(path), "".join(self.made.path("srv", line) + "\n"
                                                for line in lines))
        self.start("/usr/bin/python2.7")
        real = self.agree(self.python, "nova", "os_brick")
        self.assertEqual(real["os_brick"], self.made.path("srv/three/os_brick"))

    def process(self, script, **env):
        """What a process of that kind imports, and what the program says of it: without --root, in
        a PID namespace of the test's own."""
        if is_wrapped() or not shutil.which("unshare") or os.geteuid() != 0 or subprocess.run(
                ["unshare", "-mpf", "--mount-proc", "true"], check=False,
                stderr=subprocess.DEVNULL).returncode:
            self.skipTest("no namespaces of one's own here")
        out = os.path.join(self.tmp, "imported")
        program = self.made.path("opt/cloud/bin/nova-compute")
        text = "#!%s\n" + SERVICE % out
        write(program, text % self.made.path("opt/cloud/bin/python2.7"), 0o755)
        script = ("( %s ) >/dev/null 2>&1 & i=0; while ! test -s %s && test $i -lt 100; do sleep "
                  "0.1; i=$((i+1)); done; exec %s -W %s --json check nova"
                  % (script.replace("PROGRAM", program), out, lib.PROGRAM, self.tmp + "/work"))
        done = subprocess.run(["unshare", "-mpf", "--mount-proc", "sh", "-c", script],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.PIPE, env=environment(dict(self.env, **env)),
                              timeout=120, check=False)
        with open(out, encoding="utf-8") as stream:
            real = [os.path.dirname(line) for line in stream.read().split()]
        found = {one["component"]: one["path"] for one in json.loads(done.stdout)["components"]
                 if not (one["shadowed_by"] or one["unused"])}
        self.assertEqual([found.get("nova"), found.get("os_brick")], real, done.stderr)
        return real

    def test_processes(self):
        cloud, own = "opt/cloud/" + SITE, self.made.path(self.OWN)
        self.interpreter("opt/cloud")
        for component in ("nova", "os_brick"):
            self.made.put(component, "newton", site=cloud)
        self.made.put("nova", "newton", site="srv/work")
        write(self.made.path("srv/work/nova/cmd/__init__.py"), "")
        write(self.made.path("srv/work/nova/cmd/compute.py"),
              SERVICE % os.path.join(self.tmp, "imported"))
        python = self.made.path("opt/cloud/bin/python2.7")
        mine = self.made.path(cloud, "os_brick")
        for script, nova, brick in (
                ("PROGRAM", cloud, mine),
                ("PYTHONPATH=%s PROGRAM" % own, cloud, self.own),
                ("PYTHONPATH=%s %s -sE PROGRAM" % (own, python), cloud, mine),
                ("PYTHONPATH=%s %s PROGRAM" % (own, python), cloud, self.own),
                ("cd %s && %s -m nova.cmd.compute" % (self.made.path("srv/work"), python),
                 "srv/work", mine)):
            with self.subTest(script):
                self.assertEqual(self.process(script), [self.made.path(nova, "nova"), brick])
                os.unlink(os.path.join(self.tmp, "imported"))


class Debian(Case):
    """The order of Debian's own interpreter, asked of its site module."""

    def test_order(self):
        code = "import site, sys; print('\\n'.join(site.getsitepackages([sys.argv[1]])))"
        try:
            done = subprocess.run(["/usr/bin/python3", "-I", "-S", "-c", code,
                                   self.tmp + "/host/usr"], stdout=subprocess.PIPE, check=True)
        except (OSError, subprocess.CalledProcessError):
            self.skipTest("no /usr/bin/python3 here")
        sites = done.stdout.decode().split()
        if not any("dist-packages" in site for site in sites):
            self.skipTest("/usr/bin/python3 is not Debian's")
        host = self.host()
        shutil.rmtree(host.path("usr"))
        for site in sites:
            host.put("os_brick", "newton", site=os.path.relpath(site, host.top))
        found = self.found(host, "os_brick")
        self.assertEqual([os.path.dirname(one["path"]) for one in found], sites)
        self.assertEqual([one["shadowed_by"] is None for one in found],
                         [True] + [False] * (len(sites) - 1))


if __name__ == "__main__":
    unittest.main()
