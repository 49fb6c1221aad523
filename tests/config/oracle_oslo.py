# SPDX-License-Identifier: Apache-2.0
"""Asks the real oslo.config, on Python 2.7: a request a line on standard input, as JSON, an
answer a line on standard output. Bytes are Latin-1 in JSON's strings; files are named in ASCII."""

import inspect
import json
import re
import sys

from oslo_config import cfg

OPTION = re.compile(r"^[A-Za-z][A-Za-z0-9_]*$")


def latin(value):
    return value.decode("latin-1")


def parse(name):
    sections = {}
    try:
        cfg.ConfigParser(str(name), sections).parse()
    except cfg.ParseError as error:
        return {"fault": error.msg, "reported": error.lineno}
    return {"fault": None,
            "sections": dict((latin(section), dict((latin(key), [latin(value) for value in values])
                                                   for key, values in keys.items()))
                             for section, keys in sections.items())}


def names_in(files, groups):
    """The options that the files set in these groups: $name finds those that are registered."""
    found = dict((group, set()) for group in groups)
    for name in files:
        sections = {}
        try:
            cfg.ConfigParser(str(name), sections).parse()
        except cfg.ParseError:
            continue
        for section, keys in sections.items():
            for group in groups:
                if section == group or (group != "DEFAULT" and section != "DEFAULT" and
                                        section.lower() == group.lower()):
                    found[group].update(key for key in keys if OPTION.match(key))
    return found


def value(request):
    kinds = {"str": cfg.StrOpt, "int": cfg.IntOpt, "bool": cfg.BoolOpt, "list": cfg.ListOpt}
    group, names, files = request["group"], request["names"], [str(n) for n in request["files"]]
    conf = cfg.ConfigOpts()
    old = [cfg.DeprecatedOpt(str(name)) for name in names[1:]]
    where = {} if group == "DEFAULT" else {"group": group}
    conf.register_opt(kinds[request["type"]](str(names[0]), deprecated_opts=old), **where)
    for other, options in names_in(files, set(["DEFAULT", group])).items():
        for option in options:
            if other != group or option not in names:
                conf.register_opt(cfg.StrOpt(option),
                                  **({} if other == "DEFAULT" else {"group": other}))
    args = [part for name in files for part in ("--config-file", name)]
    more = {"default_config_files": []}
    if "default_config_dirs" in inspect.getargspec(cfg.ConfigOpts.__call__).args:
        more["default_config_dirs"] = []
    try:
        conf(args=args, project="none", **more)
    except cfg.ConfigFileParseError:
        return {"state": "fault"}
    try:
        answer = getattr(conf if group == "DEFAULT" else conf[group], str(names[0]))
    except cfg.ConfigFileValueError:
        return {"state": "set", "kind": "bad"}
    except (cfg.NoSuchOptError, cfg.NoSuchGroupError, cfg.TemplateSubstitutionError,
            RuntimeError):
        return {"state": "undecided"}
    if answer is None:
        return {"state": "none"}
    if isinstance(answer, list):
        return {"state": "set", "value": [latin(item) for item in answer]}
    if isinstance(answer, str):
        return {"state": "set", "value": latin(answer)}
    return {"state": "set", "value": str(answer)}


def main():
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        request = json.loads(line)
        answer = parse(request["file"]) if request["ask"] == "parse" else value(request)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


main()
