#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The words of the C source: messages by the rules of doc/hacking.md, and plain comments.

    tests/test_messages.py [--list]

A message is the text of a call that reports something (CALLS), a note of a plan, or a reason. Its
literals are put together as the compiler does it. --list prints all messages.
"""

import collections
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Reporting functions; the text is the first literal among the arguments, or several after ? and :
CALLS = ("sp_error_set", "sp_error_errno", "sp_error_prefix", "sp_error_suffix", "sp_yaml_error",
         "sp_console_warn", "sp_console_print", "sp_host_say", "conflict")
# Where a text is kept that becomes part of a message.
FIELDS = ("note", "obstacle", "reason")
CALL = re.compile(r"\b(%s)\s*\(|(?:->|\.)\s*(%s)\s*=(?!=)" % ("|".join(CALLS), "|".join(FIELDS)))
STRING = re.compile(r'"(?:\\.|[^"\\])*"')
TOKEN = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)
COMMENT = re.compile(r"/\*.*?\*/", re.S)

# Words that the house does without, in messages and comments.
NOUN = r"all|also|as|but|by|for|from|is|of|only|than|that|to|with"
WORDS = (
    (re.compile(r"\b(?:can|won|don|doesn|isn|aren|wasn|didn|couldn|mustn)'t\b", re.I),
     "a short form; write it out"),
    (re.compile(r"\b(?:stands?|stood)\b", re.I), '"stands": say what is where, or what it means'),
    (re.compile(r"\bwhat is meant\b|\bis meant\b", re.I), '"what is meant"'),
    (re.compile(r"\b(?:take[sn]?|took|taking) (?:\w+ ){0,2}back\b", re.I),
     '"take back": abort, recover or revert'),
    (re.compile(r"\bsettle[sd]?\b|\bsettling\b", re.I), '"settle": abort, recover or revert'),
    (re.compile(r"\bbeside\b", re.I), '"beside": in the same directory, with, next to'),
    (re.compile(r"\bof before\b(?!,)", re.I), '"of before": old, earlier'),
    (re.compile(r"(?:^|[.:;] )What\b(?![^.;]*\?)|\b(?:%s) what\b" % NOUN),
     '"what" as a noun'),
)
# Names with which a message may begin.
NAMES = re.compile(r"JSON|PEP|YAML|UTF|SP_|PYTHONPATH|[A-Z]+\b")

Message = collections.namedtuple("Message", "place call text")


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def arguments_of(text, start):
    """The text from start to the end of the call or assignment."""
    depth, at = 0, start
    while at < len(text):
        if text[at] == '"':
            at = STRING.match(text, at).end()
            continue
        if text[at] == "'":
            at = text.index("'", at + (3 if text[at + 1] == "\\" else 1)) + 1
            continue
        if text[at] in "([{":
            depth += 1
        elif text[at] in ")]}":
            depth -= 1
            if depth < 0:
                break
        elif text[at] == ";" and depth == 0:
            break
        at += 1
    return text[start:at]


def literals(arguments):
    """The texts in the arguments of a call: literals in a row are one."""
    found, end = [], None
    for match in STRING.finditer(arguments):
        between = arguments[end:match.start()] if end is not None else None
        value = match.group(0)[1:-1].replace('\\"', '"').replace("\\\\", "\\")
        if between is not None and (not between.strip() or
                                    re.fullmatch(r"\s*PRI\w+\s*", between)):
            found[-1] += value
        else:
            found.append(value)
        end = match.end()
    return found


def messages(name, text):
    text = COMMENT.sub(blank, text)
    for match in CALL.finditer(text):
        place = "%s:%d" % (name, text.count("\n", 0, match.start()) + 1)
        for value in literals(arguments_of(text, match.end())):
            if " " in value.strip():
                yield Message(place, match.group(1) or match.group(2), value)


def comments(name, text):
    """(place, sentence in one line)"""
    for match in TOKEN.finditer(text):
        if not match.group(0).startswith("/*"):
            continue
        words = re.sub(r"\s*\n\s*\*?\s*", " ", text[match.start() + 2:match.end() - 2]).strip()
        words = re.sub(r'"[^"]*"', '""', words)         # what is quoted is somebody else's
        yield "%s:%d" % (name, text.count("\n", 0, match.start()) + 1), words


def faults_of(name, text):
    for one in messages(name, text):
        said = '%s: "%s"' % (one.place, one.text)
        whole = one.call not in ("sp_error_suffix",) and not one.text.startswith((" ", ";", ","))
        if one.text.rstrip().endswith(".") and not one.text.endswith("..."):
            yield said + ": no full stop at the end"
        if whole and re.match(r"[A-Z]", one.text) and not NAMES.match(one.text):
            yield said + ": lower case at the beginning"
        if re.match(r"cannot [a-z][^:%']* %s", one.text):
            yield said + ": names are between quotes, '%s'"
        for word, why in WORDS:
            if word.search(one.text):
                yield said + ": " + why
    for place, words in comments(name, text):
        for word, why in WORDS:
            if word.search(words):
                yield "%s: in a comment: %s: %s" % (place, why, word.search(words).group(0))


def check_detects():
    """The check itself finds what it looks for, and lets pass what is right."""
    bad = ('sp_error_set(err, SP_ERROR_REFUSED, "can\'t open \'%s\'", path);',
           'sp_error_set(err, SP_ERROR_REFUSED,\n "cannot open "\n "\'%s\'.", path);',
           'sp_error_errno(err, errno, "Cannot open \'%s\'", path);',
           'sp_error_errno(err, errno, "cannot open %s", path);',
           'sp_console_warn(pool, console, "a file " "stands there");',
           'sp_console_print(console, 0, there ? "nothing to do" : "nothing to settle");',
           'out->note = "the file is beside it";', "/* Takes the files back. */",
           "/* One\n * of before. */", "/* What it does. */",
           "/* Drops the rest of what was read. */")
    for text in bad:
        if not list(faults_of("x.c", text)):
            yield "let through: " + text
    good = ('sp_error_set(err, SP_ERROR_REFUSED, "cannot open \'%s\': no file", path); /* why? */',
            'sp_error_suffix(err, "; run: %s recover", sp_invocation());',
            'sp_console_print(c, 0, "JSON is in %s", "cannot. Not this, after the text");',
            '/* Says what it does. What is it? "stands" */', 'puts("Usage: This is no message.");')
    for text in good:
        for fault in faults_of("x.c", text):
            if "after the text" not in fault:
                yield "not let through: " + fault


def sources():
    for directory, _, names in sorted(os.walk(os.path.join(TOP, "src"))):
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                path = os.path.join(directory, name)
                with open(path, encoding="utf-8") as file:
                    yield os.path.relpath(path, TOP), file.read()


def main():
    faults, count, said = list(check_detects()), 0, 0
    for name, text in sources():
        found = list(messages(name, text))
        if "--list" in sys.argv[1:]:
            for one in found:
                print("%s: %s" % (one.place, one.text))
        count += 1
        said += len(found)
        faults += faults_of(name, text)
    for fault in faults:
        print("FAILED %s" % fault)
    if said < 200:
        faults.append("")
        print("FAILED only %d messages were found" % said)
    print("%d messages in %d files" % (said, count))
    print("%d passed, %d failed" % (max(count - len(faults), 0), len(faults)))
    return 1 if faults or not count else 0


if __name__ == "__main__":
    sys.exit(main())
