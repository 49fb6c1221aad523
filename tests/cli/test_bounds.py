# SPDX-License-Identifier: Apache-2.0
"""However large or twisted the input is, time and memory stay bounded. SP_BOUNDS=FILE keeps what
was measured."""

import bz2
import gzip
import lzma
import os
import shutil
import subprocess
import tarfile
import zipfile

import lib
from lib import DEBIAN, Case, is_wrapped, read, write
from snapshot import snapshot

DRIVER = "nova/virt/libvirt/driver.py"
WORK = "var/lib/sp-openstack"
SECONDS = 20            # of processor time; generous: most take less than one
MEMORY = 1024           # that of host/worker.h
MEGABYTES = 400         # of resident memory; a run without any malice takes some 20


class Measured(Case):
    def setUp(self):
        super().setUp()
        if is_wrapped():
            self.skipTest("bounds are those of the program alone")

    def measured(self, *arguments, seconds=SECONDS, megabytes=MEGABYTES, **more):
        """Runs the program; it stays within the bounds. An instrumented one is only run."""
        bounded = b"__asan_init" not in read(lib.PROGRAM)
        wrapper = "import os, resource, subprocess, sys\n" \
            "status = subprocess.call(sys.argv[2:])\n" \
            "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n" \
            "with open(sys.argv[1], 'w') as out:\n" \
            "    out.write('%d %f' % (used.ru_maxrss, used.ru_utime + used.ru_stime))\n" \
            "sys.exit(status)\n"
        usage = os.path.join(self.tmp, "usage")
        done = subprocess.run(["python3", "-c", wrapper, usage, lib.PROGRAM] + list(arguments),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=lib.environment(), cwd="/",
                              timeout=600, check=False, **more)
        result = lib.Result(list(arguments), done.returncode,
                            done.stdout.decode("utf-8", "surrogateescape"),
                            done.stderr.decode("utf-8", "surrogateescape"))
        kilobytes, took = read(usage).split()
        if "SP_BOUNDS" in os.environ:       # a file: the figures, for whoever wants to see them
            with open(os.environ["SP_BOUNDS"], "a", encoding="utf-8") as log:
                log.write("%s %.0f MiB %.2f s\n" % (self.id(), int(kilobytes) / 1024, float(took)))
        if bounded:
            self.assertLess(int(kilobytes) / 1024, megabytes, str(result))
            self.assertLess(float(took), seconds, str(result))
        return result

    def sparse(self, path, head=b"", size=1 << 30):
        write(path, head)
        os.truncate(path, size)


class Transactions(Measured):
    """The time and the memory that a thousand of them take (faults.md, R11)."""

    COUNT = 1001

    def fill(self):
        """install and uninstall in turn, the last one an install."""
        host = self.host("newton")
        for command in ("install", "uninstall", "install"):
            self.good(host, command)
        top = host.path(WORK, "transactions")
        for number in range(4, self.COUNT + 1):
            shutil.copytree(os.path.join(top, str(number - 2)), os.path.join(top, str(number)),
                            copy_function=os.link)
        return host

    def few(self, host, *arguments):
        return self.measured("-R", host.top, *arguments, seconds=2, megabytes=40)

    def test_looking(self):
        host = self.fill()
        self.assertEqual(len(self.expect(0, self.few(host, "history")).out.splitlines()),
                         self.COUNT + 1)
        self.expect(0, self.few(host, "history", "--json"))
        self.expect(0, self.few(host, "check"))
        self.expect(0, self.few(host, "rollback", "-n", "1"), "storpool.py")
        self.expect(0, self.few(host, "rollback", "-n"), "storpool.py")

    def test_rolling_back_an_edited_file(self):
        """Each step back is by the text of the file."""
        host = self.fill()
        host.write(DRIVER, host.read(DRIVER) + "# by the operator\n")
        result = self.measured("-R", host.top, "rollback", "-n", "1", seconds=10, megabytes=40)
        self.expect(0, result, DRIVER, "edited since")

    def test_changing(self):
        """The next command prunes; what is left does all that it did."""
        host = self.fill()
        self.expect(0, self.few(host, "uninstall"))
        self.assertLess(len(os.listdir(host.path(WORK, "transactions"))), 25)
        self.expect(1, self.run_on(host, "check"))
        self.good(host, "rollback")
        self.expect(0, self.run_on(host, "check"))


class Sizes(Measured):
    """Gigabytes, and shapes that some programs take forever for."""

    def test_metadata_of_a_gigabyte(self):
        host = self.host("newton")
        for head in (b"Name: nova\nVersion: 14.1.0\n\n", b"Name: nova", b""):
            self.sparse(host.file("nova-14.1.0.dist-info/METADATA"), head)
            result = self.expect(0, self.measured("-R", host.top, "--json", "detect", "nova"))
            self.assertEqual(result.json["components"][0]["release"], "newton")

    def test_metadata_without_a_newline(self):
        host = self.host("newton")
        for text in (b"N" * (64 << 20), b"Name: nova\nVersion: " + b"1" * (64 << 20),
                     b"Version: 14.1.0\nName: " + b"-" * (64 << 20),
                     b"Version: " + b"1." * (32 << 20)):
            host.write("nova-14.1.0.dist-info/METADATA", text)
            result = self.expect(0, self.measured("-R", host.top, "--json", "detect", "nova"))
            self.assertEqual(result.json["components"][0]["evidence"], "probes")

    def test_metadata_with_nul_bytes(self):
        host = self.host("newton")
        for text in (b"Name: nova\nVersion: 9\0.0\n", b"Name: no\0va\nVersion: 9.0\n",
                     b"Name: nova\nVersion: 9.0\n\n\0"):
            host.write("nova-14.1.0.dist-info/METADATA", text)
            one = self.one(host, "nova")
            self.assertEqual((one["evidence"], one["release"]), ("probes", "newton"))

    def test_target_of_a_gigabyte(self):
        host = self.host("newton")
        self.sparse(host.file(DRIVER), host.read(DRIVER).encode())
        result = self.measured("-R", host.top, "--no-groups", "install")
        self.expect(3, result, host.file(DRIVER), "larger")

    def test_journal_of_a_gigabyte(self):
        host = self.host("newton")
        self.good(host, "install")
        committed = host.path(WORK, "transactions/1/committed.json")
        self.sparse(committed, read(committed))
        self.expect(0, self.measured("-R", host.top, "recover"), "damaged")
        journal = host.path(WORK, "transactions/1/journal.json")
        os.rename(committed, journal)
        self.expect(5, self.measured("-R", host.top, "recover"), "damaged")

    def test_originals_of_a_gigabyte(self):
        host = self.host("newton")
        self.good(host, "install")
        originals = host.path(WORK, "transactions/1/backup.tar")
        self.sparse(originals, read(originals))
        self.expect(5, self.measured("-R", host.top, "rollback"), originals)

    def test_links_without_end(self):
        """A .pth file of half a million lines, and many of them."""
        host = self.host("newton")
        for number in range(40):
            host.write("%d.pth" % number, "a\n" * 500000)
        result = self.measured("-R", host.top, "detect")
        self.error(self.expect(3, result), ".pth", "20000")

    def test_one_line_without_end(self):
        host = self.host("newton")
        host.write("a.pth", "/a" * (8 << 20))
        host.write("b.egg-link", "../" * (4 << 20))
        self.expect(0, self.measured("-R", host.top, "detect"), "14.1.0")

    def test_directory_without_end(self):
        host = self.host("newton")
        for number in range(100100):
            os.mknod(host.file("f%d" % number))
        result = self.measured("-R", host.top, "detect")
        self.error(self.expect(3, result), host.path(DEBIAN), "100000")

    def test_deep_directories(self):
        """Deeper than a path can be."""
        host = self.host("newton")
        here = os.getcwd()
        os.chdir(host.file("nova"))
        try:
            for _ in range(3000):
                os.mkdir("d" * 20)
                os.chdir("d" * 20)
        finally:
            os.chdir(here)
        self.addCleanup(subprocess.run, ["rm", "-rf", host.top], check=False)
        self.expect(0, self.measured("-R", host.top, "detect"), "14.1.0")
        result = self.run_on(host, "-L", "/" + DEBIAN + "/nova" + ("/" + "d" * 20) * 1000, "detect")
        self.assertIn(result.status, (3, 4))


class Yaml(Measured):
    """Manifests that are bombs. (Anchors, duplicates and depth: test_manifests, too.)"""

    HEAD = 'release: a\nreleased: "2016-10-06"\nnote: x\nstatus: included\ncomponents:\n'
    MEGA = 1000000

    def refused_soon(self, text):
        data = self.data_dir("data", {"a.yaml": text}, {"x": ""})
        result = self.measured("-R", "/", "-D", data, "-W", self.tmp + "/none", "detect", "nova",
                               seconds=10)
        self.error(self.expect(3, result), data + "/manifests/a.yaml")
        shutil.rmtree(data)

    def test_anchors(self):
        """A billion laughs."""
        lines = ["l0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
        for number in range(1, 10):
            lines.append("l%d: &l%d [%s]" % (number, number, ", ".join(
                ["*l%d" % (number - 1)] * 9)))
        self.refused_soon("\n".join(lines) + "\n")

    def test_nesting(self):
        for text in ("[" * self.MEGA, "{" * self.MEGA, "- " * (self.MEGA // 2),
                     "? " * (self.MEGA // 2), "[{" * (self.MEGA // 2), "a: [" * 200000,
                     "".join(" " * number + "a:\n" for number in range(1300))):
            self.refused_soon(text)

    def test_huge_scalars(self):
        for text in ("a" * self.MEGA, '"' + "a" * self.MEGA, "'" + "''" * (self.MEGA // 2),
                     '"' + "\\n" * (self.MEGA // 2), '"' + "\\\n" * (self.MEGA // 2) + '"',
                     "a\n" * (self.MEGA // 2), "|\n" + " a\n" * (self.MEGA // 3),
                     ">\n" + " a\n\n" * (self.MEGA // 4), "#" * self.MEGA,
                     "# a\n" * (self.MEGA // 4), "\n" * self.MEGA, " " * self.MEGA,
                     "&" + "a" * self.MEGA + " b", "!" + "a" * self.MEGA + " b",
                     "%YAML 1.1" + "1" * self.MEGA, "%TAG ! " + "a" * self.MEGA + "\n--- a"):
            self.refused_soon(text)

    def test_many(self):
        for text in ("".join("k%d: a\n" % number for number in range(90000)),
                     "- a\n" * 240000, "[" + "a," * 480000 + "]", "{" + "a: b," * 190000 + "}",
                     "{" + "".join("k%d: b," % number for number in range(80000)) + "}",
                     "--- a\n" * 160000, self.HEAD + "  a: {versions: '>=1" + ",>=1" * 200000
                     + "'}\n  a: b\n"):
            self.refused_soon(text)


class Patterns(Measured):
    """Regular expressions that backtrack forever."""

    MANIFEST = """release: newton
released: "2016-10-06"
components:
  toy:
    versions: ">=1.0, <2.0"
    files:
      - path: list.py
        edits:
          - name: entry
            %s
            text: |2
                  'storpool',
"""

    def test_each_place(self):
        bad = ("(a+)+$", "(a|a)*$", "(.*a){25}$", "(?:a?){40}a{40}b", "(a*)*(a*)*(a*)*b",
               "(?s)(.*)(.*)(.*)(.*)(.*)x", "^(([a-z])+.)+[A-Z]([a-z])+$", "(?=(a+))*b")
        for number, pattern in enumerate(bad):
            for place in ("before: '%s'", "after: '%s'", "within: ['%s', 'z']\n            "
                          "append: true", "append: true\n            foreign: ['%s']",
                          "append: true\n            legacy: ['%s']"):
                if number >= 2 and not place.startswith("before"):
                    continue
                host = self.host(name="host")
                host.write("toy/__init__.py", "")
                host.write("toy/list.py", "a" * 400000 + "!\n")
                host.put_metadata("toy", "1.5")
                data = self.data_dir("data", {"newton.yaml": self.MANIFEST % (place % pattern)},
                                     {"x": ""})
                before = snapshot(host.path("usr"))
                result = self.measured("-R", host.top, "-D", data, "install", "--no-groups",
                                       seconds=10)
                self.error(self.expect(3, result), "list.py")
                self.same(before, snapshot(host.path("usr")), touched=True)
                shutil.rmtree(host.top)
                shutil.rmtree(data)


class Repositories(Measured):
    """A gigabyte, what never ends, and what is waited for, in each file of a git repository."""

    def test_each_file(self):
        repo = self.repository({"nova/__init__.py": ""})
        self.git(repo, "config", "include.path", "/dev/zero")
        head = read(repo + "/.git/HEAD").decode().split()[1]
        good = self.expect(0, self.measured("detect", "-t", repo + "@HEAD")).out
        for name in ("HEAD", "config", "commondir", "packed-refs", head, "refs/heads/other",
                     "logs/HEAD", "objects/info/alternates", "objects/pack/pack-a.idx"):
            path = repo + "/.git/" + name
            os.makedirs(os.path.dirname(path), exist_ok=True)
            kept = read(path) if os.path.exists(path) else None
            for spoil in (lambda: self.sparse(path), lambda: os.symlink("/dev/zero", path)):
                if os.path.lexists(path):
                    os.unlink(path)
                spoil()
                for revision in ("HEAD", "other", "HEAD@{0}"):
                    result = self.measured("detect", "-t", "%s@%s" % (repo, revision), seconds=2,
                                           megabytes=MEMORY)
                    self.assertIn(result.status, (0, 3), str(result))
                    if result.status == 0:
                        self.assertEqual(result.out.split()[-12:], good.split()[-12:])
                    else:
                        self.error(result, repo)
            os.unlink(path)
            if kept is not None:
                write(path, kept)
        self.assertEqual(self.expect(0, self.measured("detect", "-t", repo + "@HEAD")).out, good)

    def test_fifos(self):
        """In place of each file that libgit2 opens: what waits is ended by the clock. All at once,
        since that takes a minute."""
        running = []
        for number, name in enumerate(("HEAD", "config", "commondir", "packed-refs",
                                       "refs/heads/other", "logs/HEAD",
                                       "objects/info/alternates")):
            self.tmp, kept = os.path.join(self.tmp, str(number)), self.tmp
            os.mkdir(self.tmp)
            repo = self.repository({"nova/__init__.py": ""})
            self.tmp = kept
            path = repo + "/.git/" + name
            if os.path.lexists(path):
                os.unlink(path)
            os.mkfifo(path)
            for revision in ("HEAD", "other", "HEAD@{0}"):
                tree = "%s@%s" % (repo, revision)
                running.append((tree, subprocess.Popen(
                    [lib.PROGRAM, "detect", "-t", tree], stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=lib.environment())))
        waited = 0
        for tree, process in running:
            out, err = (text.decode() for text in process.communicate(timeout=200))
            result = lib.Result(["detect", tree], process.returncode, out, err)
            self.assertIn(result.status, (0, 3), str(result))
            if result.status == 3:
                self.error(result, tree.split("@")[0])
            waited += "took more than 60 seconds; it was not read further" in err
        self.assertGreater(waited, 3)


class Bombs(Measured):
    """Archives that unpack to far more than they are."""

    def zeros(self, compress):
        """A gigabyte of them in a tar archive, as 64 compressed streams, one after the other."""
        info = tarfile.TarInfo("nova/virt/libvirt/driver.py")
        info.size = 1 << 30
        return compress(info.tobuf(tarfile.USTAR_FORMAT)) + compress(bytes(1 << 24)) * 64 \
            + compress(bytes(1024))

    def refused_soon(self, path):
        result = self.measured("detect", "-t", path)
        self.error(self.expect(3, result), path, "unpacks to more than")

    def test_tar(self):
        """A gigabyte of zeros in a megabyte or less."""
        for compress, name in ((gzip.compress, "a.tar.gz"), (bz2.compress, "a.tar.bz2"),
                               (lzma.compress, "a.tar.xz")):
            path = os.path.join(self.tmp, name)
            write(path, self.zeros(compress))
            self.assertLess(os.path.getsize(path), 2 << 20)
            self.refused_soon(path)

    def test_xz_with_a_large_dictionary(self):
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 26}]
        path = os.path.join(self.tmp, "a.tar.xz")
        write(path, self.zeros(lambda data: lzma.compress(data, filters=filters)))
        self.refused_soon(path)

    def test_bomb_in_a_bomb(self):
        """gzip of gzip of zeros."""
        path = os.path.join(self.tmp, "a.tar.gz.gz")
        write(path, gzip.compress(self.zeros(gzip.compress)))
        self.assertLess(os.path.getsize(path), 1 << 20)
        self.refused_soon(path)

    def test_wheel(self):
        path = os.path.join(self.tmp, "nova-1-py2-none-any.whl")
        with zipfile.ZipFile(path, "w") as archive:
            info = zipfile.ZipInfo("nova/__init__.py")
            info.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(info, "w", force_zip64=True) as out:
                for _ in range(1024):
                    out.write(bytes(1 << 20))
        self.refused_soon(path)

    def test_deb(self):
        path = os.path.join(self.tmp, "a.deb")
        members = b"!<arch>\n"
        for name, data in ((b"debian-binary", b"2.0\n"),
                           (b"data.tar.gz", self.zeros(gzip.compress))):
            members += b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name, 0, 0, 0, b"100644", len(data))
            members += data + b"\n" * (len(data) % 2)
        write(path, members)
        self.refused_soon(path)

    def test_sizes_that_are_lies(self):
        """A header that promises exabytes, in each format: no memory is taken for it."""
        info = tarfile.TarInfo("nova/virt/libvirt/driver.py")
        info.size = 1 << 60
        long_name = tarfile.TarInfo("././@LongLink")
        long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 1 << 40
        extended = tarfile.TarInfo("x")
        extended.type, extended.size = tarfile.XHDTYPE, 1 << 33
        cpio = b"070701" + b"".join(b"%08X" % value for value in (
            1, 0o100644, 0, 0, 1, 0, 0xffffffff, 0, 0, 0, 0, 0xffffffff, 0)) + b"a\0"
        for number, data in enumerate((info.tobuf(tarfile.GNU_FORMAT),
                                       long_name.tobuf(tarfile.GNU_FORMAT),
                                       extended.tobuf(tarfile.GNU_FORMAT), cpio)):
            path = os.path.join(self.tmp, "a%d.tar" % number)
            write(path, data + bytes(2048))
            self.error(self.expect(3, self.measured("detect", "-t", path)), path)

    def test_many_entries(self):
        path = os.path.join(self.tmp, "a.tar.gz")
        header = bytearray(tarfile.TarInfo("n").tobuf(tarfile.USTAR_FORMAT))
        with gzip.open(path, "wb", 1) as out:
            for number in range(100010):
                header[:100] = (b"nova/%d" % number).ljust(100, b"\0")
                header[148:156] = b" " * 8
                header[148:156] = b"%06o\0 " % sum(header)
                out.write(header)
            out.write(bytes(1024))
        self.error(self.expect(3, self.measured("detect", "-t", path)), path, "100000 entries")
