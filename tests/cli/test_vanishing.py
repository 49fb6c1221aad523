# SPDX-License-Identifier: Apache-2.0
"""What is removed while the program looks is not there: no command fails, or says more than that.

strace(1) stops the program after one of its calls; an environment, a package or a transaction is
removed, as a deployment, a package manager or another command does it, and the program goes on."""

import os
import shutil
import signal
import subprocess
import time

import lib
from test_recorded import Recorded

VENV = "openstack/venvs/%s"
SITE = VENV + "/lib/python2.7/site-packages"
POINTS = 40  # of all calls, for each command


class Vanishing(Recorded):
    def setUp(self):
        super().setUp()
        self.system = self.host(name="pristine")
        for venv in ("used", "old"):
            for component in ("os_brick", "nova"):
                self.system.put(component, "pike", site=SITE % venv)
            self.system.put_prerequisites(SITE % venv)
            lib.write(self.system.path(VENV % venv, "bin/python2.7"), "")
        lib.write(self.system.path("etc/systemd/system/nova-compute.service"),
                  "[Service]\nExecStart=/%s/bin/python2.7 /%s/bin/nova-compute\n"
                  % (VENV % "used", VENV % "used"))

    def put_up(self):
        top = os.path.join(self.tmp, "now")
        shutil.rmtree(top, ignore_errors=True)
        shutil.copytree(self.system.top, top, symlinks=True)
        return top

    def calls(self, arguments):
        """The call by which it looks at paths, and how many of them it makes."""
        top = self.put_up()
        _, lines = self.record(["-R", top] + arguments)
        for name in ("openat2", "openat"):
            count = sum(name + "(" in line and "ENOSYS" not in line for line in lines)
            if count > 20:
                return name, count
        self.fail("it opens nothing by openat2 and openat")

    def run_until(self, call, number, arguments, vanish):
        """Runs it; the function is called after its Nth call of the name. (Result, was it?)"""
        log, met = os.path.join(self.tmp, "stops"), False
        open(log, "wb").close()
        process = subprocess.Popen(
            ["strace", "-f", "-o", log, "-e", "trace=" + call, "-e",
             "inject=%s:signal=SIGSTOP:when=%d" % (call, number), lib.PROGRAM] + arguments,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=lib.environment(), cwd="/")
        end = time.monotonic() + lib.TIMEOUT
        while process.poll() is None and not met and time.monotonic() < end:
            text = lib.read(log).decode("utf-8", "replace")
            met = "stopped by SIGSTOP" in text
            time.sleep(0.002)
        if met:
            vanish()
            os.kill(int(text.split()[0]), signal.SIGCONT)
        out, err = process.communicate(timeout=lib.TIMEOUT)
        return lib.Result(arguments, process.returncode, out, err), met

    def always(self, arguments, change, results):
        """With change(root) at each point, one of these (status, text; "" is no message)."""
        call, count = self.calls(arguments)
        seen = 0
        for number in range(1, count + 1, max(1, count // POINTS)):
            top = self.put_up()
            result, met = self.run_until(call, number, ["-R", top] + arguments,
                                         lambda top=top: change(top))
            seen += met
            self.assertTrue(
                any(result.status == status and
                    (text in result.out + result.err if text else not result.err)
                    for status, text in results), "%s call %d: %s" % (call, number, result))
        self.assertGreater(seen, POINTS // 4)

    @staticmethod
    def remove(path):
        return lambda top: shutil.rmtree(os.path.join(top, path))

    def test_environment(self):
        """One that nothing runs in."""
        for arguments, status in ((["check"], 1), (["install", "--no-groups", "-n", "nova"], 0),
                                  (["services"], 0), (["--json", "detect"], 0)):
            with self.subTest(arguments):
                self.always(arguments, self.remove(VENV % "old"), [(status, "")])

    def test_package(self):
        """Nova, from the environment that its service runs in."""
        remove, half = self.remove(SITE % "used" + "/nova"), "the package is not complete"
        self.always(["check"], remove, [(1, ""), (3, half)])
        self.always(["install", "--no-groups", "-n", "nova"], remove,
                    [(0, ""), (3, half), (4, "No such file or directory")])

    def test_transactions(self):
        """Each command removes old ones that came to nothing, and makes one of its own."""
        commands = (["install", "--no-groups", "os_brick"], ["uninstall", "os_brick"])
        where = ["-L", "/" + SITE % "used"]

        def run(top, first, last):
            for number in range(first, last):
                result = lib.run_program(["-R", top, "-q"] + where + commands[number % 2])
                self.assertEqual(result.status, 0, result)

        run(self.system.top, 0, 25)
        for arguments in (["history"], ["check"] + where):
            self.always(arguments, lambda top: run(top, 25, 27), [(0, ""), (1, "")])
