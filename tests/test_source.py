#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the source keeps to.

    tests/test_source.py [--figures]

No function in C has more than six parameters or 60 lines, and no file has the marks that git leaves
where a merge is not finished: in a comment no compiler sees them. --figures prints lines by folder,
the longest functions, and the files above 400 lines.
"""

import collections
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MOST_PARAMETERS = 6
MOST_LINES = 60
FOLDERS = (".ci", "ansible", "completions", "doc", "drivers", "manifests", "packaging", "src",
           "tests", "tools")
ENDINGS = (".8", ".bash", ".c", ".h", ".md", ".mk", ".py", ".sh", ".spec", ".yaml", ".yml", "run")
MARK = re.compile(r"^(?:<{7}|={7}|>{7})(?: .*)?$", re.M)

Function = collections.namedtuple("Function", "place name parameters lines")

# a function's head at the beginning of a line: result, name, parameters, attributes, and { or ;
HEAD = re.compile(r"^(?:static |inline |extern )*[A-Za-z_][\w\s*]*?\b(\w+)"
                  r"\(((?:[^;{}()]|\([^()]*\))*)\)\s*(?:SP_\w+(?:\([^)]*\))?\s*)*([{;])", re.M)


def blank(match):
    """Spaces of the same shape: places in the text stay right."""
    return re.sub(r"[^\n]", " ", match.group(0))


def functions(name, text):
    text = re.sub(r"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"", blank, text, flags=re.S)
    for head in HEAD.finditer(text):
        if head.group(1) in ("if", "while", "for", "switch", "return", "sizeof"):
            continue
        parameters = 0 if head.group(2).strip() in ("", "void") else 1
        depth = 0
        for letter in head.group(2):
            depth += (letter == "(") - (letter == ")")
            parameters += letter == "," and depth == 0
        lines = 0
        if head.group(3) == "{":
            end = text.find("\n}", head.end())
            lines = text.count("\n", head.end(), end)
        yield Function("%s:%d" % (name, text.count("\n", 0, head.start()) + 1), head.group(1),
                       parameters, lines)


def faults_of(name, text):
    for one in functions(name, text):
        if one.parameters > MOST_PARAMETERS:
            yield "%s: %s() has %d parameters" % (one.place, one.name, one.parameters)
        if one.lines > MOST_LINES:
            yield "%s: %s() has %d lines" % (one.place, one.name, one.lines)


def marks_of(name, text):
    for mark in MARK.finditer(text):
        yield "%s:%d: a merge that was not finished" % (name, text.count("\n", 0, mark.start()) + 1)


def check_detects():
    """The check itself finds what it looks for."""
    many = "int f(int a, int b, int (*c)(int, int), int d, int e, int g)\n{\n}\n"
    if list(faults_of("x.c", many)):
        yield "six parameters were counted as more"
    if not list(faults_of("x.c", many.replace("int a", "int a, int z"))):
        yield "seven parameters were let through"
    if not list(faults_of("x.c", "int f(void)\n{\n%s}\n" % ("    g();\n" * (MOST_LINES + 1)))):
        yield "a long function was let through"
    if not list(marks_of("x.c", "/*\n%s HEAD\n */\n" % ("<" * 7))):
        yield "the mark of a merge was let through"


def sources(folder, endings=(".c", ".h")):
    for directory, _, names in sorted(os.walk(os.path.join(TOP, folder))):
        for name in sorted(names):
            if name.endswith(endings):
                path = os.path.join(directory, name)
                with open(path, encoding="utf-8") as file:
                    yield os.path.relpath(path, TOP), file.read()


def texts():
    """All that people write; what is built has names of its own."""
    for folder in FOLDERS:
        yield from sources(folder, ENDINGS)
    for name in sorted(os.listdir(TOP)):
        if name == "Makefile" or name.endswith(".md"):
            with open(os.path.join(TOP, name), encoding="utf-8") as file:
                yield name, file.read()


def figures():
    lines = collections.Counter()
    bodies = []
    for name, text in sources("src"):
        lines[os.path.dirname(name)] += text.count("\n")
        if text.count("\n") > 400:
            print("above 400 lines: %s %d" % (name, text.count("\n")))
        bodies += [one for one in functions(name, text) if one.lines]
    for folder in sorted(lines):
        print("%6d  %s" % (lines[folder], folder))
    print("%6d  all" % sum(lines.values()))
    print("%d functions, %.1f lines on average; the longest:" % (
        len(bodies), sum(one.lines for one in bodies) / len(bodies)))
    for one in sorted(bodies, key=lambda one: -one.lines)[:5]:
        print("  %d  %s %s()" % (one.lines, one.place, one.name))
    print("most parameters: %d" % max(one.parameters for one in bodies))


def main():
    if "--figures" in sys.argv[1:]:
        figures()
        return 0
    faults, count = list(check_detects()), 0
    for name, text in sources("src"):
        count += 1
        faults += faults_of(name, text)
    for name, text in texts():
        count += 1
        faults += marks_of(name, text)
    for fault in faults:
        print("FAILED %s" % fault)
    print("%d passed, %d failed" % (max(count - len(faults), 0), len(faults)))
    return 1 if faults or not count else 0


if __name__ == "__main__":
    sys.exit(main())
