# SPDX-License-Identifier: Apache-2.0
"""Compares the readers of configuration files with the real libraries: on files written by hand
(cases.py), and on generated ones.

    run.py --dump PROGRAM [--files N] [--seed N]

The generator is seeded; a file on which a reader and a library differ is kept and named."""

import argparse
import os
import random
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import cases
import documents
import oracles


def from_dump(text):
    """Bytes as JSON from the dump: Latin-1, with U+0100 for NUL."""
    return text.replace("\u0100", "\0")


def as_sections(file, convert):
    """What a library has for the entries that the reader has: {section: {key: [values]}}."""
    sections = {convert(name): {} for name in file["headings"]}
    for entry in file["entries"]:
        keys = sections.setdefault(convert(entry["section"]), {})
        keys.setdefault(convert(entry["key"]), []).append(convert(entry["value"]))
    return sections


def utf8(text):
    """Characters as Python 2 reads them."""
    return from_dump(text).encode("latin-1").decode("utf-8", "surrogatepass")


class Run:
    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.passed = self.failed = self.skipped = 0
        self.dump = oracles.Oracle("config_dump", [options.dump])

    def check(self, name, difference):
        if difference:
            self.failed += 1
            print("FAILED %s: %s" % (name, difference), flush=True)
        else:
            self.passed += 1

    def skip(self, name, reason):
        self.skipped += 1
        print("skipped %s: %s" % (name, reason), flush=True)

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "wb") as file:
            file.write(text)
        return path

    def keep(self, path, oracle):
        """The path of a copy that stays."""
        kept = os.path.join(tempfile.gettempdir(), "config-differs-%d-%s-%s" % (
            os.getpid(), oracle.name.split()[1], os.path.basename(path)))
        shutil.copy(path, kept)
        return kept

    # ---- oslo.config

    def differs_oslo(self, oracle, path):
        ours = self.dump.line("oslo " + path)["files"][0]
        theirs = oracle.ask(ask="parse", file=path)
        if theirs["fault"] or ours["fault"]:
            if (ours["fault"], int(ours["reported"])) != (theirs["fault"], theirs.get("reported")):
                return "%s in line %s, not %s in line %s" % (
                    ours["fault"], ours["reported"], theirs["fault"], theirs.get("reported"))
            return None if int(ours["line"]) <= int(ours["reported"]) else "the line is too far on"
        mine = as_sections(ours, from_dump)
        return None if mine == theirs["sections"] else "%r is not %r" % (mine, theirs["sections"])

    def differs_value(self, oracle, kind, group, names, paths):
        ours = self.dump.line("value %s %s %s %s" % (kind, group, ",".join(names),
                                                     " ".join(paths)))
        theirs = oracle.ask(ask="value", type=kind, group=group, names=names, files=paths)
        state, value = ours["state"], ours.get("value")
        if state == "unset" or ours.get("kind") == "none":
            expected = {"state": "none"}
        elif ours.get("kind") == "bad":
            expected = {"state": "set", "kind": "bad"}
        elif state == "set":
            value = [from_dump(item) for item in value] if kind == "list" else from_dump(value)
            expected = {"state": "set", "value": value}
        else:
            expected = {"state": state}
        if state == "undecided" and theirs.get("kind") == "bad":
            return None     # an option that leads back to itself, which Python ends somewhere
        return None if expected == theirs else "%r is not %r" % (expected, theirs)

    def oslo(self, oracle):
        for number, (name, text) in enumerate(sorted(cases.OSLO.items())):
            path = self.write("oslo-%d.conf" % number, text)
            self.check("%s: %s" % (oracle.name, name), self.differs_oslo(oracle, path))
        for number, (kind, group, names, texts) in enumerate(cases.VALUES):
            paths = [self.write("value-%d-%d.conf" % (number, i), text)
                     for i, text in enumerate(texts)]
            self.check("%s: %s of %r" % (oracle.name, kind, texts),
                       self.differs_value(oracle, kind, group, names, paths))
        self.documented(oracle)
        self.generated_oslo(oracle)
        self.generated_values(oracle)

    def documented(self, oracle):
        """The stanza of doc/drivers.md means this, and nothing is in it besides."""
        path = self.write("documented.conf", documents.cinder().encode("utf-8"))
        found = oracle.ask(ask="parse", file=path)
        count = sum(len(keys) for keys in (found.get("sections") or {}).values())
        self.check("%s: options in doc/drivers.md" % oracle.name,
                   None if count == len(documents.CINDER) else "%s" % found)
        for kind, group, option, meaning in documents.CINDER:
            value = oracle.ask(ask="value", type=kind, group=group, names=[option], files=[path])
            self.check("%s: %s in doc/drivers.md" % (oracle.name, option),
                       None if value == {"state": "set", "value": meaning} else "%s" % value)

    def generated_oslo(self, oracle):
        chance = random.Random(self.options.seed)
        faults = 0
        for number in range(self.options.files):
            path = self.write("generated.conf", oslo_file(chance))
            difference = self.differs_oslo(oracle, path)
            faults += self.dump.line("oslo " + path)["files"][0]["fault"] is not None
            if difference:
                self.check("%s: generated file %d (%s)" % (
                    oracle.name, number, self.keep(path, oracle)), difference)
                return
        self.check("generated", None)
        self.check("generated files are of both kinds",
                   None if self.options.files // 10 < faults < self.options.files * 9 // 10
                   else "%d faults" % faults)
        print("%s: %d generated files read alike, %d of them with an error" % (
            oracle.name, self.options.files, faults), flush=True)

    def generated_values(self, oracle):
        chance = random.Random(self.options.seed + 1)
        for number in range(self.options.files // 2):
            names = chance.choice((["a"], ["a", "b"]))
            paths = [self.write("value-%d.conf" % i, value_file(chance, len(names) == 1))
                     for i in range(chance.randint(1, 3))]
            kind = chance.choice(("str", "str", "int", "bool", "list"))
            group = chance.choice(("DEFAULT", "storpool"))
            difference = self.differs_value(oracle, kind, group, names, paths)
            if difference:
                kept = [self.keep(path, oracle) for path in paths]
                self.check("%s: %s of [%s], %d: %s" % (oracle.name, kind, group, number,
                                                       " ".join(kept)), difference)
                return
        self.check("generated values", None)
        print("%s: %d values in generated files are the same" % (
            oracle.name, self.options.files // 2), flush=True)

    # ---- confget

    def differs_confget(self, oracle, path):
        """None, a difference; or True where the reader says that this version may differ."""
        ours = self.dump.line("storpool none NAME " + path)["files"][0]
        theirs = oracle.ask(file=path)
        if ours["portable"] == "no" and not oracle.name.endswith("Python 2"):
            return True
        if ours["fault"] or theirs["fault"]:
            return None if bool(ours["fault"]) == theirs["fault"] else \
                "the fault is %s, not %s" % (ours["fault"], theirs["fault"])
        mine = {section: {key: values[-1] for key, values in keys.items()}
                for section, keys in as_sections(ours, utf8).items()}
        mine.setdefault("", {})
        return None if mine == theirs["sections"] else "%r is not %r" % (mine, theirs["sections"])

    def confget(self, oracle):
        for number, (name, text) in enumerate(sorted(cases.STORPOOL.items())):
            path = self.write("storpool-%d.conf" % number, text)
            difference = self.differs_confget(oracle, path)
            self.check("%s: %s" % (oracle.name, name), difference is not True and difference)
        chance = random.Random(self.options.seed + 2)
        count, apart = self.options.files, 0
        if "5.1.2" in oracle.name:
            count //= 4     # pyparsing takes its time
        for number in range(count):
            path = self.write("generated.conf", storpool_file(chance))
            difference = self.differs_confget(oracle, path)
            apart += difference is True
            if difference and difference is not True:
                self.check("%s: generated file %d (%s)" % (
                    oracle.name, number, self.keep(path, oracle)), difference)
                return
        self.check("generated", None)
        self.check("most files are read alike by all versions",
                   apart > count // 2 and "%d of %d are said to differ" % (apart, count))
        print("%s: %d generated files read alike, %d where it is said to differ" % (
            oracle.name, count - apart, apart), flush=True)


# ---- generated files ---------------------------------------------------------------------------


def text_of(chance, pieces, most):
    return b"".join(chance.choice(pieces) for _ in range(chance.randint(0, most)))


def oslo_file(chance):
    pieces = [b"a", b"b", b"key", b" ", b"  ", b"\t", b"=", b":", b"#", b";", b"[", b"]", b"'",
              b'"', b"\\", b"$", b",", b"\r", b"\v", b"\0", b"\xc3\xa4", b"DEFAULT", b"x1"]
    lines = [b"[DEFAULT]"] if chance.random() < 0.9 else []
    wild = chance.choice((0.0, 0.02, 0.1, 0.5))
    for _ in range(chance.randint(0, 12)):
        if chance.random() < wild:
            lines.append(text_of(chance, pieces, 6))
            continue
        value = text_of(chance, pieces, 4).strip(b"\r\v")
        lines.append(chance.choice((
            b"[%s]" % chance.choice((b"storpool", b"Storpool", b"DEFAULT", b"default", b" x ")),
            b"# " + value, b";" + value, b"", b"  ",
            b"%s%s%s" % (chance.choice((b"a", b"b", b"key", b"Key", b"a b")),
                         chance.choice((b"=", b" = ", b":", b" : ")), value),
            b"a = %s\n  %s" % (value, value or b"x"), b'a = "%s"' % value)))
    end = chance.choice((b"\n", b"\n", b"\n", b"\r\n"))
    return end.join(lines) + chance.choice((end, b""))


def value_file(chance, dollars):
    """dollars: with $name, which the library looks for by its old names, too."""
    pieces = [b"a", b"b", b"c", b"1", b"3", b"$a", b"$b", b"${c}", b"$c", b"$$", b"\\$", b"$", b"{",
              b"}", b",", b" ", b"true", b"off", b"-", b"+", b'"', b"#", b"x"]
    pieces = [piece for piece in pieces if dollars or piece[:1] != b"$"]
    lines = []
    for section in chance.sample((b"[DEFAULT]", b"[storpool]", b"[StorPool]"), 2):
        lines.append(section)
        for _ in range(chance.randint(0, 4)):
            value = text_of(chance, pieces, 3)
            lines.append(chance.choice((b"a", b"b", b"c")) + b" = " + value)
            if chance.random() < 0.1:
                lines.append(b"  " + (value.strip() or b"x"))
    return b"\n".join(lines) + b"\n"


def storpool_file(chance):
    pieces = [b"a", b"B", b"SP_OURID", b" ", b"\t", b"=", b"#", b";", b"[", b"]", b"\\", b"\\",
              b"'", b"\xc3\xa4", b"1"]
    rare = [b"\v", b"\f", b"\xc2\xa0", b"\xff", b"\xed\xa0\x80", b"\x1c", b"\0", b"\xef\xbb\xbf"]
    tame = chance.random() < 0.6    # as all versions read it
    wild = 0.0 if tame else chance.choice((0.0, 0.05, 0.3))
    if tame:
        pieces.remove(b"\\")
        pieces.remove(b"\\")
    lines = []
    for _ in range(chance.randint(0, 10)):
        if chance.random() < wild:
            more = pieces + rare if chance.random() < 0.2 else pieces
            lines.append(text_of(chance, more, 6))
            continue
        value = text_of(chance, pieces, 3)
        lines.append(chance.choice((
            b"[%s]" % chance.choice((b"host", b" other ", b"a b")), b"# " + value, b"", b"  ",
            b"%s%s%s" % (chance.choice((b"A", b"SP_OURID", b"x.y")),
                         chance.choice((b"=", b" = ", b"= ")), value),
            b"A=b" if tame else b"A=b\\")))
    end = chance.choice((b"\n", b"\n", b"\r\n"))
    return end.join(lines) + (end if tame or chance.random() < 0.9 else b"")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--dump", required=True)
    parser.add_argument("--files", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="sp-openstack-config-")
    run = Run(options, directory)
    try:
        for make, compare, name in (
                [(lambda s=series: oracles.oslo(s), run.oslo, "oslo.config " + version)
                 for series, version in oracles.OSLO.items()] +
                [(lambda v=version, m=major: oracles.confget(v, m), run.confget,
                  "confget %s on Python %d" % (version, major))
                 for version, major in oracles.CONFGET]):
            try:
                oracle = make()
            except oracles.Missing as error:
                run.skip(name, error)
                continue
            compare(oracle)
            oracle.close()
    finally:
        run.dump.close()
        shutil.rmtree(directory)
    print("%d grammar cases, %d values by hand" % (
        len(cases.OSLO) + len(cases.STORPOOL), len(cases.VALUES)))
    print("%d passed, %d failed, %d skipped" % (run.passed, run.failed, run.skipped))
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
