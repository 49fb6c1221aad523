# SPDX-License-Identifier: Apache-2.0
"""Everything that runs for one release, and what scenarios do with it."""

import concurrent.futures
import contextlib
import glob
import os
import shutil
import subprocess
import threading
import time

import broker
import cluster
import compute
import contents
import images
import namespace
import services

Failed = compute.Failed

# Name -> StorPool client id. Of "elsewhere" storpool.conf knows nothing on the other hosts.
HOSTS = {"sp-a": 1, "sp-b": 2, "compute": 7, "elsewhere": 9}
KNOWN = {"sp-a": 1, "sp-b": 2, "compute": 7}
TEMPLATES = {"hybrid": 3, "ssd": 2, "any": "-", "single": 1}

# The types that there are: name -> extra specs.
TYPES = {
    # Volumes are made from those of another type only if both name the same backend.
    "hybrid": {"volume_backend_name": "storpool", "storpool_template": "hybrid"},
    "ssd": {"volume_backend_name": "storpool", "storpool_template": "ssd"},
    "backend": {"volume_backend_name": "storpool"},
    "second": {"volume_backend_name": "second"},
}

# What has to be there for as long as the services run.
LASTING = ("rabbit", "mariadb", "cluster", "images", "host-", "cinder-", "connector.")

POOL = "sp-a@storpool#template_%s"


class World:
    """The cluster, its hosts, the services and their users."""

    def __init__(self, prepared, work, program, top, note):
        self.release = prepared.release
        self.prepared = prepared
        self.work = work
        self.spawn = namespace.Spawner(work)
        self.note = note
        self._program = program
        self.top = top
        self._mounts = None
        self.hosts = {}
        self._types = {}

    # Setting up.

    def start(self):
        """Start everything that is not cinder's, then cinder's services."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            broker_started = pool.submit(broker.Broker, self.work, self.spawn)
            database_started = pool.submit(broker.Database, self.work, self.spawn)
            self.cluster = cluster.Cluster(self.work, self.spawn)
            self.cluster.add_template("single", TEMPLATES["single"])
            self.images = images.Images(self.work, self.spawn)
            self.install()
            self.database = database_started.result()
            self.database.wait()
            self.broker = broker_started.result()
        self.services = services.Services(self.prepared, self.work, self.spawn, self.database,
                                          self.cluster)
        for name, client in HOSTS.items():
            host = self.hosts[name] = namespace.Host(self.work, name, client)
            known = dict(KNOWN, **{name: client})
            host.start(self.spawn, self.services.files(host, known))
            self.cluster.add_client(client, host.devices)
        self.computes = {name: compute.Compute(self.hosts[name], self.services.run,
                                               self.prepared.python)
                         for name in ("compute", "elsewhere", "sp-a")}
        self.compute = self.computes["compute"]
        self.services.migrate(self.hosts["sp-a"])
        self.database.save()
        self.broker.wait()
        self.start_services()

    def install(self):
        """Let sp-openstack put the drivers in."""
        self.tool("install", "os_brick", "cinder", "nova")

    def tool(self, command, *components):
        """Run sp-openstack on the environment."""
        site = self.prepared.site
        done = subprocess.run(
            [self._program, "--path", site, "--data-dir", self.top, "--work-dir",
             os.path.join(self.work, "tool"), "--yes", command] +
            (["--no-groups"] if command == "install" else []) + list(components),
            check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Failed("sp-openstack %s: %s" % (command, done.stdout.strip()[-300:]))
        return done.stdout

    def start_services(self):
        """Start cinder's services and wait for them; make the types."""
        self.start_processes()
        self.make_types()
        self.connect_compute()
        self._mounts = self._mounted()

    def start_processes(self):
        """Start cinder's services and wait for them."""
        for binary in ("cinder-api", "cinder-scheduler", "cinder-volume", "cinder-backup"):
            self.service(binary).start()
        broker.wait_until(lambda: broker.answers(services.API_PORT), 60, "cinder-api",
                          interval=0.1)
        self.services.wait_for_backends(self.service("cinder-volume"))
        self.api = compute.Api(self.release)
        self._wait_for_services({"cinder-scheduler", "cinder-volume", "cinder-backup"})
        self.wait_for_all_pools()

    def connect_compute(self):
        """Have the connector of the compute host running."""
        return self.compute.properties

    def _wait_for_services(self, wanted):
        broker.wait_until(
            lambda: wanted <= {found.binary for found in self.api.client.services.list()
                               if found.state == "up"}, 60, "cinder")

    def wait_for_pools(self, count):
        """Wait until the scheduler knows of as many pools."""
        broker.wait_until(
            lambda: len(self.api.client.pools.list(detailed=False)) >= count, 60, "the scheduler")

    def wait_for_all_pools(self):
        """Wait until the scheduler knows of one for each template and one without, twice."""
        self.wait_for_pools(2 * (1 + len(TEMPLATES)))

    def make_types(self):
        """Make the volume types."""
        for name, specs in TYPES.items():
            found = self._types[name] = self.api.client.volume_types.create(name)
            found.set_keys(specs)

    def service(self, binary, host="sp-a"):
        """Return a service."""
        return self.services.service(binary, self.hosts[host])

    def restart(self, binary="cinder-volume", host="sp-a"):
        """Start a service again that was killed, and wait for it."""
        service = self.service(binary, host)
        service.kill()
        service.start()
        self.ready(service)

    def ready(self, service):
        """Wait until a service that was started takes requests."""
        if service.binary == "cinder-volume":
            self.services.wait_for_backends(service)
        else:
            broker.wait_until(lambda: self._is_up(service.binary), 60, service.part)

    def _is_up(self, binary):
        now = self.database.query("select max(updated_at > utc_timestamp() - interval 3 second) "
                                  "from services where `binary` = '%s'" % binary)
        return now == [["1"]]

    def reset(self):
        """Begin anew after a failure: no volumes, no requests, fresh services."""
        self.services.stop()
        for each in self.computes.values():
            each.kill(namespace.kill_part)
        for part in set(namespace.parts().values()):
            if not part.startswith(("mariadb", "cluster", "images", "host-")):
                namespace.kill_part(part)
        self.cluster.clear()
        self.images.clear()
        for host in self.hosts.values():
            host.write_requests("{}")
            for name in os.listdir(host.devices):
                os.unlink(os.path.join(host.devices, name))
            self.remove_images(host)
        shutil.rmtree(os.path.join(self.work, "rabbit"))
        self.broker = broker.Broker(self.work, self.spawn)
        self.database.reset()
        self.broker.wait()
        self.start_services()

    # What scenarios do.

    @property
    def client(self):
        """The client of cinder's API."""
        return self.api.client

    def create(self, size=1, kind=None, status="available", **kwargs):
        """Create a volume and wait for it.

        :param kind: the name of its type, if it is to have one
        """
        volume = self.client.volumes.create(
            size, volume_type=self._types[kind].id if kind else None, **kwargs)
        return self.api.wait(volume, status)

    def snapshot(self, volume, **kwargs):
        """Create a snapshot and wait for it."""
        made = self.client.volume_snapshots.create(volume.id, **kwargs)
        return self.api.wait(made, "available")

    def attached(self, volume, host="compute"):
        """Have a volume attached to a server on a host; to be used with `with`."""
        return compute.Attachment(self.api, self.computes[host], volume)

    def fill(self, volume, seed, **kwargs):
        """Write to a volume through the device of a host.

        :returns: the checksum of the volume
        """
        with self.attached(volume) as attachment:
            contents.write(attachment.path, contents.pattern(seed, **kwargs))
            found = contents.checksum(attachment.path)
        self.same(found, self.sum(volume), "the device and what is stored of %s" % seed)
        return found

    def name(self, volume):
        """Return the name of a volume in StorPool."""
        rows = self.database.query("select coalesce(_name_id, id) from volumes where id = '%s'"
                                   % volume.id)
        return "os--volume-" + rows[0][0]

    def snapshot_name(self, snapshot):
        """Return the name of a snapshot in StorPool."""
        return "os--snap--none--snapshot-" + snapshot.id

    def stored(self, volume):
        """Return what the cluster knows of a volume."""
        return self.cluster.volumes()[self.name(volume)]

    def sum(self, volume):
        """Return the checksum of the contents of a volume."""
        return self.cluster.checksum(self.name(volume))

    def through_device(self, volume, host="compute"):
        """Return the checksum of a volume as a server sees it."""
        with self.attached(volume, host) as attachment:
            return contents.checksum(attachment.path)

    @staticmethod
    def same(wanted, found, subject):
        """See that two things are equal."""
        if wanted != found:
            raise Failed("%s: %s instead of %s" % (subject, found, wanted))

    def template(self, volume, wanted):
        """See that a volume has a template, and as many copies as that keeps."""
        stored = self.stored(volume)
        copies = TEMPLATES[wanted] if TEMPLATES[wanted] != "-" else 3
        self.same((wanted, copies), (stored["templateName"], stored["replication"]),
                  "template and copies")

    def wait(self, done, seconds, subject):
        """Wait for something."""
        broker.wait_until(done, seconds, subject, interval=0.02)

    @property
    def pristine(self):
        """The packages of the environment as they were."""
        return os.path.join(self.work, "pristine")

    def cluster_again(self):
        """Return another connection to the cluster, for another thread."""
        return cluster.Cluster(self.work)

    @staticmethod
    def later(seconds, function):
        """Call a function after some time, in a thread."""
        timer = threading.Timer(seconds, function)
        timer.daemon = True
        timer.start()
        return timer

    @staticmethod
    def wait_seconds(seconds):
        """Wait, where something is to happen or not to happen meanwhile."""
        time.sleep(seconds)

    def running(self, program):
        """Return the ids of the processes that run a program, from cinder-volume's."""
        found = []
        for number, part in namespace.parts().items():
            with contextlib.suppress(OSError):
                with open("/proc/%d/cmdline" % number, "rb") as opened:
                    words = opened.read().split(b"\0")
                if os.path.basename(words[0].decode()) == program and part.startswith("cinder-"):
                    found.append(number)
        return found

    # Cleaning up, and seeing that it is clean.

    def delete_everything(self):
        """Delete all that users have, in the ordinary way."""
        for backup in self.client.backups.list(search_opts={"all_tenants": 1}):
            backup.delete()
            self.api.wait_gone(backup)
        for snapshot in self.client.volume_snapshots.list(search_opts={"all_tenants": 1}):
            self._delete(snapshot)
        # The API does not list what a migration has left.
        for (number,) in self.database.query("select id from volumes where not deleted"):
            self._delete(self.client.volumes.get(number))

    def _delete(self, thing):
        # An operator would do this, too.
        if getattr(thing, "migration_status", None) not in (None, "success", "none"):
            thing.manager.reset_state(thing, "available", migration_status="none")
        elif thing.status not in ("available", "error", "deleting"):
            thing.manager.reset_state(thing, "available")
        if thing.status != "deleting":
            thing.delete()
        self.api.wait_gone(thing)

    def leftovers(self):
        """Return what is there that should not be, as texts."""
        found = []
        for subject, things in (("volumes", sorted(self.cluster.volumes())),
                                ("snapshots", sorted(self.cluster.snapshots())),
                                ("attachments", self.cluster.attachments()),
                                ("processes", self._strays()),
                                ("mounts", sorted(self._mounted() - self._mounts)),
                                ("loop devices", loop_devices(self.work))):
            if things:
                found.append("%s left: %s" % (subject, things))
        for host in self.hosts.values():
            if host.requests().strip() not in ("", "{}"):
                found.append("requests left on %s: %s" % (host.name, host.requests()))
            if os.listdir(host.devices):
                found.append("devices left on %s: %s" % (host.name, os.listdir(host.devices)))
            if os.listdir(host.conversion):
                found.append("images left on %s: %s" % (host.name, os.listdir(host.conversion)))
        return found

    @staticmethod
    def remove_images(host):
        """Remove what a service has fetched of images and not got to use."""
        for name in os.listdir(host.conversion):
            os.unlink(os.path.join(host.conversion, name))

    def _strays(self):
        """Return the processes that belong to nothing."""
        return sorted(
            "%s (%s)" % (name_of(number), part) for number, part in namespace.parts().items()
            if not part.startswith(LASTING) or name_of(number) in ("dd", "qemu-img"))

    @staticmethod
    def _mounted():
        with open("/proc/self/mountinfo") as opened:
            return {line.split()[4] for line in opened}

    def check_clean(self, seconds=10):
        """See that nothing is left, after some time at most.

        :raises Failed: something is
        """
        deadline = time.monotonic() + seconds
        while True:
            found = self.leftovers()
            if not found:
                return
            if time.monotonic() > deadline:
                raise Failed("; ".join(found))
            time.sleep(0.2)


def name_of(number):
    """Return the name of a process."""
    with contextlib.suppress(OSError), open("/proc/%d/comm" % number) as opened:
        return opened.read().strip()
    return "?"


def loop_devices(work):
    """Return the loop devices that have files of a run."""
    found = []
    for path in glob.glob("/sys/block/loop*/loop/backing_file"):
        with contextlib.suppress(OSError), open(path) as opened:
            if work in opened.read():
                found.append(path.split("/")[3])
    return found
