# SPDX-License-Identifier: Apache-2.0
"""Asks the real confget, on Python 2.7 or 3: the name of a file a line on standard input, as
JSON, an answer a line on standard output. Characters are as JSON has them."""

import inspect
import json
import sys

import confget


def parse(name):
    more = {"encoding": "UTF-8"} if hasattr(confget.Config, "__annotations__") or \
        "encoding" in inspect.getsource(confget.Config) else {}
    try:
        config = confget.Config([], filename=name, **more)
    except TypeError:
        config = confget.Config([], filename=name)
    try:
        return {"fault": False, "sections": confget.BACKENDS["ini"](config).read_file()}
    except Exception:   # of ValueError, UnicodeDecodeError, and those of pyparsing
        return {"fault": True}


def main():
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        sys.stdout.write(json.dumps(parse(json.loads(line)["file"])) + "\n")
        sys.stdout.flush()


main()
