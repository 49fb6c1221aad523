# SPDX-License-Identifier: Apache-2.0
"""The scenarios: one table, in which each is one entry."""

import collections
import re


class Skipped(Exception):
    """A scenario cannot be run here."""


Scenario = collections.namedtuple("Scenario", "name function quick releases limit")

ALL = ("mitaka", "newton", "ocata", "pike")


def create(world):
    v = world.create()
    world.fill(v, "one")


SCENARIOS = [Scenario("create", create, True, ALL, None)]


def wanted(release, quick, only):
    """Return the scenarios to run."""
    return [scenario for scenario in SCENARIOS
            if release in scenario.releases and (scenario.quick or not quick) and
            re.search(only, scenario.name)]
