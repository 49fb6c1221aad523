# SPDX-License-Identifier: Apache-2.0
"""What a user and nova do: calls of cinder's API, and attaching to a host with os-brick."""

import json
import os
import subprocess
import time
import uuid

import broker
import services

HERE = os.path.dirname(os.path.abspath(__file__))

# The newest version of the API that the scenarios use.
MICROVERSIONS = {"mitaka": "3.0", "newton": "3.0", "ocata": "3.0", "pike": "3.42"}

PROJECT = "tests"

BUSY = ("creating", "downloading", "deleting", "extending", "uploading", "retyping", "backing-up",
        "restoring-backup", "restoring", "reverting", "maintenance", "attaching", "detaching",
        "queued", "saving", "awaiting-transfer")


class Failed(Exception):
    """Something is not as it should be."""


class Pause:
    """Waits a little, then longer: each question costs the API some time."""

    def __init__(self):
        self._seconds = 0.1

    def __call__(self):
        time.sleep(self._seconds)
        self._seconds = min(self._seconds * 1.5, 0.7)


class Compute:
    """nova-compute's part, on a simulated host."""

    def __init__(self, host, run, python):
        self.host = host
        self._run = run
        self._python = python
        self.part = "connector." + host.name
        self.process = None
        self._properties = None

    @property
    def properties(self):
        """What the host tells cinder about itself; asked for once, since it takes long."""
        if self._properties is None:
            self._properties = self.command("properties")
        return self._properties

    def _start(self):
        self.process = self._run(self.host, [self._python, os.path.join(HERE, "connector.py")],
                                 self.part, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise Failed("the connector of %s did not start" % self.host.name)

    def send(self, name, data=None):
        """Give a command, without waiting for the answer."""
        if self.process is None or self.process.poll() is not None:
            self._start()
        self.process.stdin.write(json.dumps([name, data]).encode() + b"\n")
        self.process.stdin.flush()

    def receive(self):
        """Return what a command is answered with."""
        line = self.process.stdout.readline()
        if not line:
            raise Failed("the connector of %s ended" % self.host.name)
        answer = json.loads(line)
        if "error" in answer:
            raise Failed("connector: " + answer["error"])
        return answer["result"]

    def command(self, name, data=None):
        """Give a command, and return what it is answered with."""
        self.send(name, data)
        return self.receive()

    def kill(self, kill_part):
        """Kill it."""
        kill_part(self.part)
        if self.process is not None:
            self.process.wait()
            self.process = None

    def path(self, device):
        """Return the path of a device of the host, seen from outside of it."""
        return os.path.join(self.host.devices, os.path.basename(device))


class Attachment:
    """A volume that is attached to a server on a host."""

    def __init__(self, api, compute, volume):
        self._api = api
        self._compute = compute
        self.volume = volume
        self.server = str(uuid.uuid4())
        self.data = None
        self.path = None

    def attach(self):
        """Attach, in nova's order of calls."""
        volumes = self._api.client.volumes
        volumes.reserve(self.volume)
        info = volumes.initialize_connection(self.volume, self._compute.properties)
        if info["driver_volume_type"] != "storpool":
            raise Failed("the connection is of type %s" % info["driver_volume_type"])
        self.data = info["data"]
        device = self._compute.command("connect", self.data)
        self.path = self._compute.path(device["path"])
        volumes.attach(self.volume, self.server, "/dev/vdb", mode="rw")
        self._api.wait(self.volume, "in-use")
        return self

    def detach(self):
        """Detach, in nova's order of calls."""
        volumes = self._api.client.volumes
        volumes.begin_detaching(self.volume)
        self._compute.command("disconnect", self.data)
        volumes.terminate_connection(self.volume, self._compute.properties)
        volumes.detach(self.volume)
        self._api.wait(self.volume, "available")

    def __enter__(self):
        return self.attach()

    def __exit__(self, kind, _exc, _trace):
        if kind is None:
            self.detach()


class Api:
    """The API of cinder, by python-cinderclient."""

    def __init__(self, release, project=PROJECT):
        # Not at the top: only the Python of a run has them.
        # pylint: disable=import-outside-toplevel
        from cinderclient import client
        from cinderclient.contrib import noauth
        from keystoneauth1 import session
        plugin = noauth.CinderNoAuthPlugin(
            "admin", project, [], "http://127.0.0.1:%d/v3" % services.API_PORT)
        self.client = client.Client(MICROVERSIONS[release], insecure=True,
                                    session=session.Session(auth=plugin))
        self.client.client.timeout = 60
        # From version 3.1 on an upload says who may see the image.
        self._more = () if MICROVERSIONS[release] == "3.0" else ("private", False)

    def upload(self, volume, force=False):
        """Begin to upload a volume, and return the id of the image."""
        _answer, body = self.client.volumes.upload_to_image(volume, force, "uploaded", "bare",
                                                            "raw", *self._more)
        return body["os-volume_upload_image"]["image_id"]

    def wait(self, thing, wanted, seconds=120, gone=False):
        """Wait for the status of a volume, snapshot or backup.

        :param wanted: the status
        :returns: it
        :raises Failed: it got another status that lasts
        """
        deadline = time.monotonic() + seconds * broker.PATIENCE
        pause = Pause()
        while True:
            thing = thing.manager.get(thing.id)
            if thing.status == wanted:
                return thing
            if thing.status not in BUSY and thing.status not in ("available", "in-use"):
                raise Failed("%s is in status %s" % (kind(thing), thing.status))
            if time.monotonic() > deadline:
                raise Failed("%s is still %s after %d s, not %s" % (
                    kind(thing), thing.status, seconds, wanted))
            pause()

    def wait_gone(self, thing, seconds=60):
        """Wait until a volume, snapshot or backup is deleted."""
        from cinderclient import exceptions  # pylint: disable=import-outside-toplevel
        deadline = time.monotonic() + seconds * broker.PATIENCE
        pause = Pause()
        while True:
            try:
                found = thing.manager.get(thing.id)
            except exceptions.NotFound:
                return
            if found.status not in ("deleting", "available"):
                raise Failed("%s is in status %s instead of deleted" % (kind(found), found.status))
            if time.monotonic() > deadline:
                raise Failed("%s is not deleted after %d s" % (kind(found), seconds))
            pause()

    def wait_migrated(self, volume, host, seconds=120):
        """Wait until a volume is on a host, and return it."""
        deadline = time.monotonic() + seconds * broker.PATIENCE
        pause = Pause()
        while True:
            volume = volume.manager.get(volume.id)
            status = getattr(volume, "migration_status", None)
            where = getattr(volume, "os-vol-host-attr:host")
            if where == host and status in (None, "success", "none"):
                return self.wait(volume, volume.status)
            if status == "error":
                raise Failed("the migration failed")
            if time.monotonic() > deadline:
                raise Failed("the volume is on %s, migration %s, after %d s" % (
                    where, status, seconds))
            pause()


def kind(thing):
    """Return what to call something of the API in a message."""
    return "%s %s" % (type(thing).__name__.lower(), getattr(thing, "name", None) or thing.id)
