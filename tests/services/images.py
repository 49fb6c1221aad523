# SPDX-License-Identifier: Apache-2.0
"""An image service: as much of version 2 of Glance's API as cinder uses.

    images.py DIRECTORY PORT    serves the images in the directory: ID.json and ID.data

While DIRECTORY/fail exists, uploads are read half and then hung up on.
"""

import http.server
import json
import os
import socket
import socketserver
import sys
import uuid

PORT = 9292
PREFIX = "/v2/images"
BLOCK = 1024 ** 2

# The fields that Glance itself defines: cinder takes all others for properties of the user.
FIELDS = ("id", "name", "status", "visibility", "protected", "owner", "size", "virtual_size",
          "checksum", "disk_format", "container_format", "min_disk", "min_ram", "tags",
          "created_at", "updated_at", "self", "file", "schema", "direct_url", "locations")


class Images:
    """The images, as the tests see them."""

    def __init__(self, work, spawn):
        self.directory = os.path.join(work, "images")
        os.makedirs(self.directory)
        self.process = spawn([sys.executable, "-B", os.path.abspath(__file__), self.directory,
                              str(PORT)], "images")

    def add(self, name, make, disk_format="raw"):
        """Add an image.

        :param make: makes the file, a function of its path
        :returns: its id
        """
        number = str(uuid.uuid4())
        make(os.path.join(self.directory, number + ".data"))
        save(self.directory, describe(self.directory, {
            "id": number, "name": name, "disk_format": disk_format, "container_format": "bare"}))
        return number

    def path(self, number):
        """Return the file with the data of an image."""
        return os.path.join(self.directory, number + ".data")

    def fail(self, failing=True):
        """Let uploads fail, or not any more."""
        path = os.path.join(self.directory, "fail")
        if failing:
            open(path, "w").close()
        else:
            os.unlink(path)

    def clear(self):
        """Delete all images."""
        for name in os.listdir(self.directory):
            os.unlink(os.path.join(self.directory, name))


def describe(directory, fields):
    """Return an image as the API shows it."""
    number = fields["id"]
    data = os.path.join(directory, number + ".data")
    found = {"name": number, "visibility": "private", "is_public": False, "protected": False,
             "owner": "tests", "min_disk": 0, "min_ram": 0, "tags": [], "checksum": None,
             "virtual_size": None, "disk_format": "raw", "container_format": "bare",
             "created_at": "2017-08-30T00:00:00Z", "updated_at": "2017-08-30T00:00:00Z"}
    found.update(fields)
    stored = os.path.exists(data)
    found.update(status="active" if stored else "queued",
                 size=os.path.getsize(data) if stored else None,
                 self=PREFIX + "/" + number, file="%s/%s/file" % (PREFIX, number),
                 schema="/v2/schemas/image")
    return found


def save(directory, fields):
    """Write the description of an image."""
    path = os.path.join(directory, fields["id"] + ".json")
    with open(path + ".new", "w") as opened:
        json.dump(fields, opened)
    os.rename(path + ".new", path)


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    directory = None

    def _name(self):
        """Return the image's id, and what of the image is wanted."""
        parts = self.path.partition("?")[0][len(PREFIX):].strip("/").split("/")
        return parts[0], "/".join(parts[1:])

    def _load(self, number):
        try:
            with open(os.path.join(self.directory, number + ".json")) as opened:
                return describe(self.directory, json.load(opened))
        except OSError:
            self._answer(404, {"message": "no such image"})
            return None

    def _body(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")

    def _answer(self, status, found=None):
        self.send_response(status)
        text = b"" if found is None else json.dumps(found).encode()
        if text:
            self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):  # noqa: N802
        """Show an image, its data, or the form that descriptions have."""
        if self.path.startswith("/v2/schemas/"):
            return self._answer(200, {"name": "image", "properties": dict.fromkeys(FIELDS, {})})
        number, part = self._name()
        found = self._load(number)
        if found and part == "file":
            return self._send(number)
        return found and self._answer(200, found)

    def _send(self, number):
        with open(os.path.join(self.directory, number + ".data"), "rb") as opened:
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(os.fstat(opened.fileno()).st_size))
            self.end_headers()
            self.connection.sendfile(opened)

    def do_POST(self):  # noqa: N802
        """Make an image without data."""
        fields = dict(self._body())
        fields.setdefault("id", str(uuid.uuid4()))
        save(self.directory, fields)
        self._answer(201, describe(self.directory, fields))

    def do_PATCH(self):  # noqa: N802
        """Change fields of an image."""
        found = self._load(self._name()[0])
        if not found:
            return
        for change in self._body():
            name = change["path"].strip("/")
            if change["op"] == "remove":
                found.pop(name, None)
            else:
                found[name] = change["value"]
        save(self.directory, found)
        self._answer(200, describe(self.directory, found))

    def do_PUT(self):  # noqa: N802
        """Take the data of an image."""
        number = self._name()[0]
        if not self._load_quietly(number):
            return
        failing = os.path.exists(os.path.join(self.directory, "fail"))
        path = os.path.join(self.directory, number + ".data")
        with open(path + ".new", "wb") as opened:
            for count, block in enumerate(self._blocks()):
                if failing and count:
                    os.unlink(path + ".new")
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                if block.strip(b"\0"):
                    opened.write(block)
                else:
                    opened.seek(len(block), os.SEEK_CUR)
            opened.truncate()
        os.rename(path + ".new", path)
        self._answer(204)

    def _load_quietly(self, number):
        return os.path.exists(os.path.join(self.directory, number + ".json")) or (
            self._answer(404, {}))

    def _blocks(self):
        """Return the body of a request, block by block."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            left = int(self.headers.get("Content-Length") or 0)
            while left > 0:
                block = self.rfile.read(min(left, BLOCK))
                if not block:
                    return
                left -= len(block)
                yield block
            return
        while True:
            size = int(self.rfile.readline().split(b";")[0] or b"0", 16)
            if not size:
                self.rfile.readline()
                return
            yield self.rfile.read(size)
            self.rfile.readline()

    def do_DELETE(self):  # noqa: N802
        """Delete an image."""
        number = self._name()[0]
        for suffix in (".json", ".data"):
            path = os.path.join(self.directory, number + suffix)
            if os.path.exists(path):
                os.unlink(path)
        self._answer(204)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """The service."""

    daemon_threads = True
    allow_reuse_address = True

    def server_bind(self):
        """Bind without looking up the name of the address."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address


def main():
    """Serve until killed."""
    Handler.directory = sys.argv[1]
    Server(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()


if __name__ == "__main__":
    main()
