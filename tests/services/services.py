# SPDX-License-Identifier: Apache-2.0
"""The services of cinder: their configuration and their processes."""

import os
import re
import shutil
import time

import broker
import cluster as cluster_module
import images
import namespace

API_PORT = 8776

# Shown by all four releases when a backend takes requests.
READY = "Driver post RPC initialization completed successfully"

# The same of a driver that has been asked to start, whatever came of it.
STARTED = "Driver initialization completed|Failed to initialize driver"

CONFIG = """[DEFAULT]
auth_strategy = noauth
my_ip = 127.0.0.1
host = {host}
state_path = {state}
api_paste_config = /etc/cinder/api-paste.ini
rootwrap_config = /etc/cinder/rootwrap.conf
transport_url = {transport}
rpc_backend = rabbit
rpc_response_timeout = 180
osapi_volume_listen = 127.0.0.1
osapi_volume_workers = 1
enabled_backends = {backends}
glance_api_servers = http://127.0.0.1:{images}
glance_api_version = 2
glance_num_retries = 0
verify_glance_signatures = disabled
image_conversion_dir = {state}/conversion
volume_clear = none
report_interval = 2
service_down_time = 30
periodic_interval = 5
periodic_fuzzy_delay = 0
scheduler_driver_init_wait_time = 3
quota_volumes = -1
quota_snapshots = -1
quota_gigabytes = -1
quota_backups = -1
quota_backup_gigabytes = -1
cinder_internal_tenant_project_id = internal
cinder_internal_tenant_user_id = internal
backup_driver = cinder.backup.drivers.posix
backup_posix_path = {backups}
backup_compression_algorithm = zlib
backup_file_size = 209715200
backup_enable_progress_timer = false
debug = false
enable_force_upload = true

[database]
connection = {database}

[oslo_concurrency]
lock_path = {state}/locks

[oslo_messaging_rabbit]
heartbeat_timeout_threshold = 0
rabbit_retry_interval = 1

[coordination]
backend_url = file://{state}/coordination
"""

BACKEND = """
[{name}]
volume_driver = cinder.volume.drivers.storpool.StorPoolDriver
volume_backend_name = {name}
report_discard_supported = true
{more}
"""

BACKENDS = {
    "storpool": "storpool_template = hybrid\nimage_volume_cache_enabled = true",
    "second": "storpool_template = ssd",
}

STORPOOL = """SP_API_HTTP_HOST=127.0.0.1
SP_API_HTTP_PORT={port}
SP_AUTH_TOKEN={token}
"""

# Programs that come before those of the machine. The services run as root; rootwrap and its
# filters are cinder's own. The qemu-img of today writes "2.31 MiB" where that of then wrote
# "2.3M", which is all that these releases' oslo.utils can read.
PROGRAMS = {
    "sudo": """#!/bin/sh
exec "$@"
""",
    "qemu-img": """#!/bin/sh
PATH=/usr/local/bin:/usr/bin:/bin
test "$1" = info || exec qemu-img "$@"
output=$(qemu-img "$@") || exit
printf '%s\\n' "$output" | sed 's/\\([0-9]\\) \\([KMGT]\\)iB/\\1\\2/'
""",
}


class Service:
    """One service on one host."""

    def __init__(self, services, binary, host):
        self.binary = binary
        self.host = host
        self.part = "%s.%s" % (binary, host.name)
        self._services = services
        self._process = None
        self._from = 0

    def start(self):
        """Start it, without waiting."""
        self._from = self._log_size()
        self._process = self._services.run(
            self.host, [self._services.program(self.binary), "--config-file",
                        "/etc/cinder/cinder.conf"], self.part)

    def kill(self):
        """Kill it with all of its processes."""
        namespace.kill_part(self.part)
        if self._process is not None:
            self._process.wait()

    @property
    def alive(self):
        """Whether its main process runs."""
        return self._process is not None and self._process.poll() is None

    def _log_size(self):
        path = self._services.spawn.log(self.part)
        return os.path.getsize(path) if os.path.exists(path) else 0

    def log(self):
        """Return its output since it was started last."""
        with open(self._services.spawn.log(self.part), errors="replace") as opened:
            opened.seek(self._from)
            return opened.read()

    def errors(self):
        """Return the lines of its output that tell of errors."""
        return [line for line in self.log().splitlines()
                if re.search(r" (ERROR|CRITICAL) |Traceback", line)]


class Services:
    """The services of a run."""

    def __init__(self, prepared, work, spawn, database, cluster):
        self.spawn = spawn
        self.work = work
        self.services = {}
        self._prepared = prepared
        self._database = database
        self._port = cluster.port()
        self._token = cluster_module.TOKEN
        self._bin = os.path.join(work, "bin")
        os.makedirs(self._bin)
        for name, text in PROGRAMS.items():
            with open(os.path.join(self._bin, name), "w") as opened:
                opened.write(text)
            os.chmod(os.path.join(self._bin, name), 0o755)
        os.makedirs(os.path.join(work, "backups"))
        for name, source in prepared.data_files().items():
            shutil.copy(source, os.path.join(prepared.site, name))

    def environ(self):
        """Return the environment variables of the services."""
        env = {name: value for name, value in os.environ.items()
               if not name.startswith(("PYTHON", "PIP", "VIRTUAL_ENV"))}
        env["PATH"] = "%s:%s/bin:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin" % (
            self._bin, self._prepared.directory)
        env["PYTHONPATH"] = self._prepared.more
        env["PYTHONDONTWRITEBYTECODE"] = "1"
        env["PYTHONWARNINGS"] = "ignore"
        return env

    def program(self, name):
        """Return the path of a program of the environment."""
        return os.path.join(self._prepared.directory, "bin", name)

    def run(self, host, command, part, **kwargs):
        """Start a command on a host."""
        return self.spawn(host.within(command), part, env=self.environ(), **kwargs)

    def files(self, host, hosts, backends=BACKENDS):
        """Return the files below the /etc of a host.

        :param hosts: those that storpool.conf is to name: name -> client id
        """
        state = os.path.join(self.work, "hosts", host.name, "state")
        for name in ("conversion", "locks", "coordination"):
            os.makedirs(os.path.join(state, name), exist_ok=True)
        found = {}
        for directory, _names, files in os.walk(self._prepared.etc):
            for name in files:
                path = os.path.join(directory, name)
                with open(path) as opened:
                    found["cinder/" + os.path.relpath(path, self._prepared.etc)] = opened.read()
        found["cinder/rootwrap.conf"] = re.sub(
            r"(?m)^(exec_dirs=)", r"\1%s,%s/bin," % (self._bin, self._prepared.directory),
            found["cinder/rootwrap.conf"])
        # os-brick's own filters come with it, in the environment.
        found["cinder/rootwrap.conf"] = re.sub(
            r"(?m)^(filters_path=.*)$", r"\1,%s/etc/os-brick/rootwrap.d" % self._prepared.directory,
            found["cinder/rootwrap.conf"])
        found["cinder/cinder.conf"] = CONFIG.format(
            host=host.name, state=state, transport=broker.TRANSPORT, images=images.PORT,
            backups=os.path.join(self.work, "backups"), database=self._database.url,
            backends=",".join(backends)) + "".join(
                BACKEND.format(name=name, more=more) for name, more in backends.items())
        found["storpool.conf"] = STORPOOL.format(port=self._port, token=self._token) + "".join(
            "\n[%s]\nSP_OURID=%d\n" % each for each in hosts.items())
        return found

    def migrate(self, host):
        """Make the tables of the database."""
        process = self.run(host, [self.program("cinder-manage"), "--config-file",
                                  "/etc/cinder/cinder.conf", "db", "sync"], "db-sync")
        if process.wait():
            with open(self.spawn.log("db-sync"), errors="replace") as opened:
                raise RuntimeError("cinder-manage db sync: " + opened.read()[-1500:])

    def service(self, binary, host):
        """Return a service, which may not have been started."""
        key = binary, host.name
        if key not in self.services:
            self.services[key] = Service(self, binary, host)
        return self.services[key]

    def wait_for_backends(self, service, count=len(BACKENDS), seconds=60):
        """Wait until backends of cinder-volume take requests."""
        deadline = time.monotonic() + seconds * broker.PATIENCE
        while service.log().count(READY) < count:
            if not service.alive:
                raise RuntimeError("%s ended: %s" % (service.part, service.log()[-1000:]))
            if time.monotonic() > deadline:
                raise RuntimeError("%s is not ready: %s" % (
                    service.part, (service.errors() or ["no errors"])[-1]))
            time.sleep(0.1)

    def stop(self):
        """Kill all services."""
        for service in self.services.values():
            service.kill()
