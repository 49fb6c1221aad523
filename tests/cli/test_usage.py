# SPDX-License-Identifier: Apache-2.0
"""The command line: words, options, and what is said of wrong ones."""

import os
import subprocess

import lib
from lib import Case, run_on_terminal, run_program
from snapshot import snapshot

COMMANDS = ("detect", "check", "matrix", "diff", "install", "uninstall", "rollback", "history",
            "recover", "reapply", "groups", "services", "doctor", "help",
            "version")
OPTIONS = ("--path", "--root", "--tree", "--work-dir", "--data-dir", "--python", "--dry-run",
           "--no-deps", "--allow-mixed", "--group", "--user", "--no-groups", "--json", "--verbose",
           "--quiet", "--yes", "--help", "--version")


class Usage(Case):
    def usage(self, *arguments, says=()):
        """Exit status 2, one sentence, nothing on standard output."""
        result = run_program(arguments)
        self.assertEqual(result.status, 2, str(result))
        self.assertEqual(result.out, "", str(result))
        self.error(result, *says)

    def test_no_arguments(self):
        result = run_program([])
        self.assertEqual(result.status, 2, str(result))
        self.assertEqual(result.out, "", str(result))
        self.assertTrue(result.err.startswith("Usage: sp-openstack "), str(result))
        for command in ("check", "install", "uninstall", "help"):
            self.assertIn("sp-openstack " + command, result.err)

    def test_only_options(self):
        self.usage("--json", says=["command"])

    def test_help(self):
        for arguments in (["help"], ["--help"], ["-h"], ["install", "--help"], ["-h", "nonsense"]):
            with self.subTest(" ".join(arguments)):
                result = run_program(arguments)
                self.expect(0, result, *(COMMANDS + OPTIONS))
                self.assertEqual(result.err, "")
                self.assertTrue(max(map(len, result.out.splitlines())) <= 100)

    def test_version(self):
        for arguments in (["version"], ["--version"], ["-V"]):
            result = run_program(arguments)
            self.assertRegex(result.out, r"\Asp-openstack [0-9]+\.[0-9]+\.[0-9]+\n\Z")
            self.assertEqual((result.status, result.err), (0, ""))

    def test_unknown_command(self):
        self.usage("frobnicate", says=["frobnicate", "help"])
        self.usage("", says=["''"])
        self.usage("checks", says=["checks"])
        self.usage("Check", says=["Check"])

    def test_ambiguous_command(self):
        self.usage("h", says=["'h'", "ambiguous"])
        self.usage("d", says=["'d'", "ambiguous"])
        self.usage("r", says=["'r'", "ambiguous"])

    def test_prefix_of_a_command(self):
        host = self.host("newton")
        self.expect(1, self.run_on(host, "c"), "not-installed")
        self.expect(0, self.run_on(host, "det"), "EVIDENCE")
        self.expect(0, self.run_on(host, "hi"), "nothing was done")
        self.expect(0, self.run_on(host, "rec"), "nothing to recover")
        self.expect(0, run_program(["v"]), "sp-openstack ")

    def test_unknown_options(self):
        self.usage("check", "-x", says=["-x"])
        self.usage("check", "--frobnicate", says=["--frobnicate"])
        self.usage("--frobnicate=1", "check", says=["--frobnicate"])
        self.usage("check", "-jx", says=["-x"])

    def test_ambiguous_option(self):
        self.usage("check", "--ver", says=["--ver"])
        self.usage("check", "--no-", says=["--no-"])

    def test_option_without_its_value(self):
        for option in ("--root", "-R", "--path", "-L", "--tree", "-t", "--work-dir", "-W",
                       "--data-dir", "-D", "--group", "-g", "--user", "-u", "--python"):
            with self.subTest(option):
                self.usage("check", option, says=[option])

    def test_option_with_an_empty_value(self):
        for option in ("--root", "--path", "--tree", "--work-dir", "--data-dir", "--group",
                       "--user", "--python"):
            with self.subTest(option):
                self.usage("check", option, "", says=["empty"])

    def test_option_with_a_value_it_does_not_take(self):
        self.usage("check", "--json=yes", says=["--json=yes"])

    def test_arguments_that_a_command_does_not_take(self):
        for command in ("history", "recover", "version"):
            self.usage(command, "nova", says=[command, "nova"])
        self.usage("rollback", "1", "2", says=["rollback", "2"])

    def test_directory_in_place_of_a_component(self):
        self.usage("check", "/usr/lib/python2.7", says=["--path"])
        self.usage("check", "", says=["''"])

    def test_unknown_component(self):
        host = self.host("newton")
        for command in ("detect", "check", "diff", "install", "uninstall"):
            with self.subTest(command):
                self.refused(host, 2, "glance", "cinder, nova, os_brick",
                             arguments=(command, "glance"))

    def test_options_that_a_command_does_not_take(self):
        self.usage("check", "--dry-run", says=["--dry-run"])
        self.usage("history", "-n", says=["--dry-run"])
        self.usage("uninstall", "--tree", "/", says=["--tree"])
        self.usage("rollback", "-t", "/", says=["--tree"])
        self.usage("history", "-t", "/", says=["--tree"])

    def test_options_of_other_commands(self):
        """Never taken and ignored."""
        for line in ("check --force", "install --force", "uninstall -g x", "history --no-deps",
                     "detect -u x", "recover -n", "rollback -L /", "uninstall --no-groups",
                     "groups --no-deps", "diff --no-groups", "version -n", "help --force"):
            words = line.split()
            with self.subTest(line):
                name = {"-g": "--group", "-u": "--user", "-n": "--dry-run", "-L": "--path"}
                self.usage(*words, says=[words[0] + " takes no option ",
                                         name.get(words[1], words[1])])

    def test_option_of_the_older_tool(self):
        """StorPool's charm calls: sp-openstack -T MODULE -- install COMPONENT"""
        host = self.host("newton")
        result = run_program(["-T", "module", "-R", host.top, "--no-groups", "--", "install",
                              "cinder"])
        self.expect(0, result, "transaction 1")
        self.assertEqual(result.err.count("-T"), 1, str(result))
        self.assertIn("warning: ", result.err)
        document = self.expect(0, run_program(["-R", host.top, "-T", "x", "-j", "check",
                                               "cinder"])).json
        self.assertEqual(len(document["warnings"]), 1)

    def test_relative_paths_with_a_root(self):
        """The current directory is none of the root's."""
        host = self.host("newton")
        for option in ("-W", "-L"):
            result = run_program(["-R", host.top, option, "wd", "check"], cwd=self.tmp)
            self.expect(2, result)
            self.error(result, "--root", "'wd'", "absolute")
        result = run_program(["-R", host.top, "check"], env={"SP_OPENSTACK_WORK_DIR": "wd"},
                             cwd=self.tmp)
        self.expect(2, result)
        self.error(result, "SP_OPENSTACK_WORK_DIR", "'wd'")
        self.assertEqual(os.listdir(host.path("var/lib")), [])

    def test_help_of_a_command(self):
        result = self.expect(0, run_program(["help", "recover"]), "--force", "recover: ")
        self.assertNotIn("--path", result.out)
        self.assertNotIn("install", result.out)
        self.usage("help", "frobnicate", says=["frobnicate"])
        self.usage("help", "re", "x", says=["'x'"])

    def test_tree_is_not_changed(self):
        self.usage("install", "--tree", self.tmp, says=["--tree", "--dry-run"])

    def test_tree_with_root_or_path(self):
        self.usage("check", "--tree", self.tmp, "--root", self.tmp, says=["--tree", "--root"])
        self.usage("check", "--tree", self.tmp, "--path", self.tmp, says=["--tree", "--path"])

    def test_number_of_a_transaction(self):
        host = self.host("newton")
        self.good(host, "install")
        for word in ("x", "-1", "1x", "999999999999999999999", "0x1", " 1", "1.0"):
            with self.subTest(word):
                self.refused(host, 2, word, arguments=("rollback", "--", word))

    def test_options_before_and_after(self):
        host = self.host("newton")
        root = ["--root", host.top]
        for arguments in (root + ["check", "nova"], ["check"] + root + ["nova"],
                          ["check", "nova"] + root, ["-R" + host.top, "check", "nova"],
                          ["check", "-R", host.top, "--", "nova"],
                          ["--root=" + host.top, "check", "nova"]):
            with self.subTest(" ".join(arguments)):
                self.expect(1, run_program(arguments), "nova", "14.1.0")

    def test_short_forms(self):
        host = self.host("newton")
        self.expect(1, run_program(["check", "--ro", host.top, "--js"]), '"schema": 1')
        self.expect(1, run_program(["-jR", host.top, "check"]), '"schema": 1')
        self.expect(0, run_program(["install", "-nyqR", host.top]))

    def test_yes_is_taken(self):
        host = self.host("newton")
        for command in ("detect", "history", "recover"):
            self.good(host, command, "--yes")
            self.good(host, "-y", command)

    def test_os_brick_with_a_hyphen(self):
        host = self.host("newton")
        self.assertEqual(self.states(host, "os-brick"), {"os_brick": "not-installed"})
        self.good(host, "install", "os-brick")
        self.assertEqual(self.states(host, "os_brick"), {"os_brick": "installed"})

    def test_component_named_twice(self):
        host = self.host("newton")
        self.assertEqual(len(self.found(host, "nova", "nova")), 1)
        self.assertEqual(len(self.found(host, "os-brick", "os_brick")), 1)
        self.good(host, "install", "nova", "nova", "os_brick")
        self.assertEqual(self.states(host, "nova"), {"nova": "installed",
                                                     "os_brick": "installed"})

    def test_root_that_is_not_there(self):
        result = run_program(["check", "--root", self.tmp + "/none"])
        self.assertIn(result.status, (3, 4), str(result))
        self.error(result, self.tmp + "/none")

    def test_root_that_is_a_file(self):
        path = self.tmp + "/file"
        with open(path, "w"):
            pass
        result = run_program(["check", "--root", path])
        self.assertIn(result.status, (3, 4), str(result))
        self.error(result, path)


class Output(Case):
    """Tables, colour, verbosity."""

    GREEN, YELLOW, RED, PLAIN = "\033[32m", "\033[33m", "\033[31m", "\033[0m"

    def test_table_is_aligned(self):
        host = self.host("newton")
        lines = self.good(host, "detect").out.splitlines()
        self.assertEqual(lines[0].split(), ["COMPONENT", "VERSION", "RELEASE", "DIRECTORY",
                                            "EVIDENCE"])
        self.assertEqual(len(lines), 4)
        at = lines[0].index("VERSION")
        self.assertEqual([line[at:].split()[0] for line in lines[1:]], ["9.1.4", "14.1.0", "1.6.2"])
        self.assertTrue(all(line == line.rstrip() for line in lines))

    def test_no_colour_in_a_pipe(self):
        host = self.host("newton")
        for arguments in (["check"], ["detect"], ["install"], ["history"], ["check", "-v"]):
            result = self.run_on(host, *arguments, env={"TERM": "xterm"})
            self.assertNotIn("\033", result.out + result.err)

    def test_colour_on_a_terminal(self):
        host = self.host("newton")
        check = ["--root", host.top, "check"]
        term = {"TERM": "xterm"}
        result = run_on_terminal(check, term)
        self.assertEqual(result.status, 1)
        self.assertIn(self.YELLOW + "not-installed" + self.PLAIN, result.out)
        self.good(host, "install")
        self.assertIn(self.GREEN + "installed" + self.PLAIN, run_on_terminal(check, term).out)
        host.write("cinder/volume/drivers/storpool.py", "NAME = 'foreign'\n")
        self.assertIn(self.RED + "conflict" + self.PLAIN, run_on_terminal(check, term).out)

    def test_terminal_without_colour(self):
        host = self.host("newton")
        check = ["--root", host.top, "check"]
        for env in ({"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}, {}):
            with self.subTest(str(env)):
                result = run_on_terminal(check, env)
                self.assertIn("not-installed", result.out)
                self.assertNotIn("\033", result.out)
        result = run_on_terminal(check + ["--json"], {"TERM": "xterm"})
        self.assertNotIn("\033", result.out)
        # no-color.org: present and not empty
        result = run_on_terminal(check, {"TERM": "xterm", "NO_COLOR": ""})
        self.assertIn(self.YELLOW, result.out)

    def test_quiet(self):
        host = self.host("newton")
        for arguments in (["install"], ["install"], ["uninstall"], ["rollback"], ["recover"]):
            result = self.good(host, "-q", *arguments)
            self.assertEqual((result.out, result.err), ("", ""), str(result))
        self.assertIn("EVIDENCE", self.good(host, "-q", "detect").out)
        self.assertIn("COMMAND", self.good(host, "-q", "history").out)
        self.assertIn("COMPONENT", self.run_on(host, "-q", "check").out)

    def test_quiet_still_says_errors_and_warnings(self):
        host = self.host()
        host.put("os_brick", "newton")
        host.age()
        self.assertIn("warning", self.good(host, "-q", "install").err)
        self.error(self.expect(3, self.run_on(host, "-q", "install", "nova")), "nova")

    def test_verbose_names_files(self):
        host = self.host("newton")
        path = host.file("nova/virt/libvirt/driver.py")
        self.good(host, "install")
        self.assertNotIn(path, self.good(host, "check").out)
        self.assertIn(path, self.good(host, "check", "-v").out)
        self.assertNotIn(path, self.good(host, "install").out)
        self.assertIn(path, self.good(host, "install", "-v").out)
        self.assertNotIn(path, self.good(host, "history").out)
        self.assertIn(path, self.good(host, "history", "-v").out)
        self.assertIn(path, self.good(host, "check", "-q", "-v").out)

    def test_standard_output_that_is_full(self):
        host = self.host("newton")
        with open("/dev/full", "w") as full:
            for arguments in (["check"], ["detect", "--json"], ["diff"], ["help"]):
                result = self.run_on(host, *arguments, stdout=full) if arguments != ["help"] \
                    else run_program(["help"], stdout=full)
                self.assertEqual(result.status, 4, str(result))
                self.error(result, "standard output")
                self.assertNotIn("in place", result.err)
            for arguments in (["install", "-n"], ["install"], ["check"], ["uninstall"]):
                before = snapshot(host.path("usr"))
                result = self.run_on(host, *arguments, stdout=full)
                self.assertEqual(result.status, 4, str(result))
                changes = arguments in (["install"], ["uninstall"])
                self.assertEqual(snapshot(host.path("usr")) != before, changes)
                self.assertEqual("changes are in place" in result.err, changes, str(result))

    def test_names_are_printed_safely(self):
        """A directory whose name would clear the screen does not."""
        site = "usr/lib/python2.7\033[2J\n/dist-packages"
        host = self.host("newton", site=site)
        for arguments in (["detect"], ["check", "-v"], ["install", "-n"]):
            result = self.run_on(host, *arguments)
            self.assertIn("14.1.0", result.out, str(result))
            self.assertNotIn("\033", result.out + result.err)
            self.assertTrue(all("dist-packages" not in line or "python2.7" in line
                                for line in result.out.splitlines()), str(result))

    def test_name_that_is_not_utf_8(self):
        top = os.path.join(self.tmp, "host")
        host = self.host("newton", site=os.fsdecode(b"usr/lib/python2.7\xff/dist-packages"))
        for arguments in (["detect"], ["check"]):
            result = self.run_on(host, *arguments)
            self.assertIn("14.1.0", result.out, str(result))
            result.out.encode("utf-8")
        components = self.run_on(host, "--json", "check").json["components"]
        self.assertEqual([one["component"] for one in components],
                         ["os_brick", "cinder", "nova"])
        self.refused(host, 3, top, besides=("var",))


class Hints(Case):
    """A command that is printed works on the same system when it is typed as it is printed."""

    def typed(self, text, *end, doctor=False):
        """Runs what is after the last "run: " in a shell, with the program in PATH; the line that
        names doctor is another one."""
        line = [part.splitlines()[0] for part in text.split("run: ")[1:]
                if part.splitlines()[0].endswith(" doctor") == doctor][-1]
        self.assertTrue(line.startswith("sp-openstack -R "), line)
        done = subprocess.run(line + "".join(" " + one for one in end), shell=True, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, cwd="/",
                              env=dict(lib.environment(), PATH=os.path.dirname(lib.PROGRAM) +
                                       ":/usr/bin:/bin"))
        return lib.Result([line], done.returncode, done.stdout, done.stderr)

    def odd(self):
        """A host and a work directory whose names a shell would take apart."""
        host = self.host("newton", name="it's $HOME; an image")
        return host, ["-R", host.top, "-W", "/var/lib/my work"]

    def test_rollback_after_an_install(self):
        host, options = self.odd()
        before = snapshot(host.path("usr"))
        result = self.expect(0, run_program(options + ["install", "--no-groups"]))
        self.expect(1, self.typed(result.out, doctor=True), "to be repaired")
        self.expect(0, self.typed(result.out), "transaction 2")
        self.same(before, snapshot(host.path("usr")))

    def test_recover_after_an_interruption(self):
        host, options = self.odd()
        self.expect(0, run_program(options + ["install", "--no-groups"]))
        os.mkdir(host.path("var/lib/my work/transactions/2"), 0o700)
        result = self.expect(5, run_program(options + ["check"]))
        self.expect(0, self.typed(result.err))
        self.expect(0, run_program(options + ["check"]))

    def test_numbers_of_transactions(self):
        _, options = self.odd()
        result = self.expect(3, run_program(options + ["rollback", "7"]))
        self.expect(0, self.typed(result.err), "nothing was done")

    def test_data_directory(self):
        host = self.host("newton")
        data = self.data_dir("my data")
        result = self.expect(0, run_program(["-R", host.top, "-D", data, "install", "--no-groups"]))
        self.assertIn("-D '%s'" % data, result.out)
        self.expect(0, self.typed(result.out), "transaction 2")


class Json(Case):
    """help and version for programs."""

    def test_version(self):
        for arguments in (["version", "-j"], ["-jV"]):
            result = self.expect(0, run_program(arguments))
            self.assertEqual(result.json, {"schema": 1, "command": "version", "warnings": [],
                                           "version": run_program(["-V"]).out.split()[1]})

    def test_help(self):
        document = self.expect(0, run_program(["help", "-j"])).json
        self.assertEqual((document["schema"], document["command"]), (1, "help"))
        self.assertEqual([one["name"] for one in document["commands"]], list(COMMANDS))
        names = ["--" + one["name"] for one in document["options"]]
        for option in OPTIONS:
            self.assertIn(option, names)
        for command in document["commands"]:
            self.assertTrue(set(command["options"]) <= {name[2:] for name in names})
            self.assertIn("json", command["options"])
        arguments = {one["name"]: one["arguments"] for one in document["commands"]}
        self.assertEqual((arguments["check"], arguments["rollback"], arguments["history"]),
                         ("COMPONENT...", "ID", None))

    def test_help_says_what_is_taken(self):
        """Each option with each command: as the document says, or refused as usage."""
        document = run_program(["help", "-j"]).json
        values = {one["name"]: one["value"] for one in document["options"]}
        for command in document["commands"]:
            refused = sorted(set(values) - set(command["options"]))
            for name in refused:
                result = run_program([command["name"], "--" + name]
                                     + (["3" if name == "jobs" else "/x"] if values[name] else []))
                self.expect(2, result)
                self.error(result, "takes no option --" + name)


class ReadOnly(Case):
    def test_commands_that_only_look_write_nothing(self):
        host = self.host("newton")
        self.good(host, "install", "cinder")
        before = snapshot(host.top)
        for arguments in (["detect"], ["check"], ["diff"], ["history"], ["install", "-n"],
                          ["uninstall", "-n"], ["rollback", "-n"], ["check", "--json"],
                          ["detect", "-v"]):
            self.run_on(host, *arguments)
            self.same(before, snapshot(host.top), touched=True)

    def test_ordinary_user_on_a_host_of_root(self):
        self.needs_root()
        host = self.host("newton")
        self.good(host, "install", "cinder")
        before = snapshot(host.top)
        user = self.needs_user()
        result = self.run_on(host, "check", user=user)
        self.assertEqual((result.status, result.err), (1, ""), str(result))
        self.assertEqual(self.run_on(host, "detect", user=user).status, 0)
        self.assertIn("diff --git", self.run_on(host, "diff", user=user).out)
        self.assertEqual(self.run_on(host, "install", "-n", user=user).status, 0)
        result = self.expect(4, self.run_on(host, "history", user=user))
        self.error(result, host.path("var/lib/sp-openstack"), "root")
        self.same(before, snapshot(host.top), touched=True)
