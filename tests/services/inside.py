# SPDX-License-Identifier: Apache-2.0
"""Runs the scenarios of one release, as the first process of the namespaces.

    inside.py OPTIONS       a JSON object: release, git, program, work, quick, only, keep, ...

What came of each scenario is a line of JSON on the standard output.
"""

import json
import os
import re
import shutil
import signal
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

import environment  # noqa: E402
import namespace  # noqa: E402
import scenarios  # noqa: E402
import world as world_module  # noqa: E402

LIMIT = 600


def report(name, outcome, seconds, note=""):
    """Tell what came of a scenario."""
    print(json.dumps({"name": name, "outcome": outcome, "seconds": round(seconds, 1),
                      "note": note}), flush=True)


class TimedOut(Exception):
    """A scenario took too long."""


def arm(seconds):
    """Have TimedOut raised after some time; 0 for not any more."""
    def ring(_number, _frame):
        raise TimedOut("not done after %d s" % seconds)
    signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)


class Runner:
    """Runs scenarios one after the other."""

    def __init__(self, world, options):
        self.world = world
        self._options = options
        self._dirty = False

    def run(self, scenario):
        """Run one, and report."""
        started = time.monotonic()
        outcome, note = "passed", ""
        try:
            arm(scenario.limit or LIMIT)
            if self._dirty:
                self.world.reset()
                self._dirty = False
                started = time.monotonic()
            self._carry_out(scenario)
        except scenarios.Skipped as exc:
            outcome, note = "skipped", str(exc)
        except Exception as exc:  # pylint: disable=broad-except
            outcome, note = "failed", "%s: %s" % (type(exc).__name__, exc)
            if isinstance(exc, world_module.Failed):
                note = str(exc)
            self._dirty = True
            self._keep(scenario)
        finally:
            arm(0)
        report(scenario.name, outcome, time.monotonic() - started, note)

    def _carry_out(self, scenario):
        world = self.world
        world.images.clear()
        try:
            scenario.function(world)
        finally:
            world.cluster.recover()
        world.delete_everything()
        world.check_clean()

    def _keep(self, scenario):
        """Keep the logs of a failure, if that was asked for."""
        if self._options.get("keep"):
            target = os.path.join(self._options["keep"], "%s-%s" % (
                self.world.release, re.sub(r"\W+", "-", scenario.name)))
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(self.world.spawn.logs, target)
            with open(os.path.join(target, "failure.txt"), "w") as opened:
                traceback.print_exc(file=opened)
                opened.write("\n".join(self.world.leftovers()) + "\n")
                opened.write("\n".join(self.world.cluster.calls()[-200:]) + "\n")


def leave(_number, _frame):
    """End when told to."""
    sys.exit(1)


def main():
    """Run all scenarios that are wanted."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    options = json.loads(sys.argv[1])
    prepared = environment.Prepared(options["release"], options["git"])
    started = time.monotonic()
    namespace.enter(options["work"], prepared.directory, prepared.site)
    world = world_module.World(prepared, options["work"], options["program"], TOP,
                               lambda text: print(text, file=sys.stderr, flush=True))
    runner = Runner(world, options)
    try:
        arm(LIMIT)
        world.start()
        arm(0)
    except Exception as exc:  # pylint: disable=broad-except
        traceback.print_exc()
        report("start of the services", "failed", time.monotonic() - started, str(exc))
        if options.get("keep"):
            shutil.copytree(world.spawn.logs, os.path.join(
                options["keep"], options["release"] + "-start"), dirs_exist_ok=True)
        return
    report("start of the services", "passed", time.monotonic() - started)
    for scenario in scenarios.wanted(options["release"], options["quick"], options["only"]):
        runner.run(scenario)
    report("", "end", 0)


if __name__ == "__main__":
    main()
