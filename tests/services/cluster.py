# SPDX-License-Identifier: Apache-2.0
"""The simulated cluster in a process of its own, with block devices, and how to talk to it.

    cluster.py WORK     serves until it is killed; its control socket is WORK/cluster.sock

The process runs the simulator of tests/drivers with the devices of devices.py. Another process uses
a Cluster: it looks at what there is, checks contents, and makes the API fail in chosen ways.
"""

import json
import os
import re
import socket
import socketserver
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "drivers"), HERE]

import contents  # noqa: E402
import devices  # noqa: E402
import simulator  # noqa: E402

TOKEN = "1234567890"

ATTACHING = "^VolumesReassign"


class Rule:
    """What to do to the calls of an operation.

    :param pattern: matches the operation, such as VolumeCreate
    :param fault: what to do, as the simulator has it
    :param count: how many calls to do it to, None for all
    :param after: how many of them to let pass first
    """

    def __init__(self, pattern, fault, count=1, after=0):
        self.pattern = re.compile(pattern)
        self.fault = fault
        self.count = count
        self.after = after

    def matches(self, operation):
        """Tell whether it is the turn of a call, and count it."""
        if self.count == 0 or not self.pattern.search(operation):
            return False
        if self.after:
            self.after -= 1
            return False
        if self.count is not None:
            self.count -= 1
        return True


class Hold:
    """Keep a call waiting, then answer it or hang up.

    :param executed: whether what it asks for is done before the wait
    """

    def __init__(self, executed):
        self.executed = executed
        self.arrived = threading.Event()
        self.released = threading.Event()

    def apply(self, handler, execute):
        """Deal with a call."""
        if self.executed:
            execute()
        self.arrived.set()
        self.released.wait()
        handler.hang_up()


class DeviceCluster(simulator.Simulator):
    """The simulator, with block devices and faults by operation."""

    def __init__(self, work):
        nodes = os.path.join(work, "loops")
        os.makedirs(nodes, exist_ok=True)
        made = devices.PrivateDevices(nodes)
        super().__init__(TOKEN, made)
        made.rights = self._rights
        self.rules = []

    def _rights(self, client, found):
        """Return what a volume or snapshot is attached with."""
        is_snapshot = found.name in self.snapshots
        return self.attachments.get((client.number, is_snapshot, found.name), "rw")

    def fault(self, number):
        """Return what to do to a call, or None."""
        operation = self.calls[number][1][len(simulator.PREFIX):]
        for rule in self.rules:
            if rule.matches(operation):
                return rule.fault
        return super().fault(number)


class Control:
    """What the other process may ask for; each method is a command."""

    def __init__(self, cluster):
        self._cluster = cluster
        self._holds = {}

    def port(self):
        """Return the port of the API."""
        return self._cluster.port

    def add_client(self, number, directory):
        """Add a host."""
        self._cluster.add_client(number, directory)

    def add_template(self, name, replication):
        """Add a template."""
        self._cluster.add_template(name, replication)

    def volumes(self):
        """Return the volumes: name -> what is known of them."""
        return self._summaries(self._cluster.volumes)

    def snapshots(self):
        """Return the snapshots, likewise."""
        return self._summaries(self._cluster.snapshots)

    def _summaries(self, table):
        with self._cluster._lock:  # pylint: disable=protected-access
            return {name: found.summary() for name, found in table.items()}

    def attachments(self):
        """Return what is attached: [client, is snapshot, name, rights] each."""
        return [list(key) + [rights] for key, rights
                in sorted(self._cluster.attachments.items())]

    def checksum(self, name):
        """Return the checksum of the contents of a volume or snapshot."""
        table = (self._cluster.volumes if name in self._cluster.volumes
                 else self._cluster.snapshots)
        return contents.checksum(table[name].store)

    def calls(self, first=0):
        """Return the operations that were called, from one on."""
        return [path[len(simulator.PREFIX):] for _method, path in self._cluster.calls[first:]]

    def delay(self, client, seconds):
        """Let the devices of a host take their time."""
        self._cluster.delay(client, seconds)

    def hold(self, name, pattern, executed=False, after=0):
        """Keep a call waiting until release()."""
        self._holds[name] = Hold(executed)
        self._cluster.rules.append(Rule(pattern, self._holds[name], 1, after))

    def held(self, name):
        """Tell whether the call has arrived."""
        return self._holds[name].arrived.is_set()

    def release(self, name):
        """Hang up on the call that waits."""
        self._holds.pop(name).released.set()

    def refuse(self, pattern=".", count=None, error="serverNotReady", after=0):
        """Answer calls with an error that is not to be tried again."""
        self._cluster.rules.append(Rule(pattern, simulator.Refuse(error), count, after))

    def drop(self, pattern=".", count=None, executed=False, after=0):
        """Hang up on calls; the bindings try again for about half a minute."""
        self._cluster.rules.append(Rule(pattern, simulator.Drop(executed), count, after))

    def outage(self, seconds):
        """Hang up on all calls for some time."""
        rule = Rule(".", simulator.Drop(), None)
        rules = self._cluster.rules
        rules.append(rule)
        timer = threading.Timer(seconds, lambda: rule in rules and rules.remove(rule))
        timer.daemon = True
        timer.start()

    def outages(self):
        """Return how many rules there are."""
        return len(self._cluster.rules)

    def recover(self):
        """Answer all calls properly again."""
        self._cluster.rules = []
        self._cluster.recover()
        for name in list(self._holds):
            self.release(name)

    def rename(self, name, new_name):
        """Rename a volume, as an operator does by hand."""
        with self._cluster._lock:  # pylint: disable=protected-access
            self._cluster._volume_update(name, {"rename": new_name})

    def clear(self):
        """Delete everything, whoever uses it; for after a failure."""
        self.recover()
        cluster = self._cluster
        with cluster._lock:  # pylint: disable=protected-access
            for client, _is_snapshot, name in list(cluster.attachments):
                cluster.devices.vanish(cluster._clients[client], name)
            cluster.attachments.clear()
            for table in cluster.volumes, cluster.snapshots:
                for found in table.values():
                    os.unlink(found.store)
                table.clear()


class _Handler(socketserver.StreamRequestHandler):
    """A connection to the control socket: a command a line, an answer a line."""

    def handle(self):
        for line in self.rfile:
            name, args, kwargs = json.loads(line)
            try:
                answer = {"result": getattr(self.server.control, name)(*args, **kwargs)}
            except Exception as exc:  # pylint: disable=broad-except
                answer = {"error": "%s: %s" % (type(exc).__name__, exc)}
            self.wfile.write(json.dumps(answer).encode() + b"\n")


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def socket_path(work):
    """Return the path of the control socket."""
    return os.path.join(work, "cluster.sock")


class Cluster:
    """The cluster's process, as another process sees it."""

    def __init__(self, work, spawn=None):
        """Start it, or connect to it again.

        :param spawn: starts a command
        """
        self.process = None
        if spawn is not None:
            self.process = spawn([sys.executable, "-B", os.path.abspath(__file__), work],
                                 "cluster")
        deadline = time.monotonic() + 20
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(socket_path(work))
                break
            except OSError:
                connection.close()
                if time.monotonic() > deadline or (self.process and
                                                   self.process.poll() is not None):
                    raise
                time.sleep(0.05)
        self._connection = connection
        self._stream = connection.makefile("rwb")

    def __getattr__(self, name):
        """Return a function that gives a command; see Control."""
        if name.startswith("_"):
            raise AttributeError(name)

        def command(*args, **kwargs):
            self._stream.write(json.dumps([name, args, kwargs]).encode() + b"\n")
            self._stream.flush()
            answer = json.loads(self._stream.readline())
            if "error" in answer:
                raise RuntimeError("cluster: %s: %s" % (name, answer["error"]))
            return answer["result"]
        return command


def main():
    """Serve until killed."""
    work = sys.argv[1]
    tempfile.tempdir = work  # where the simulator keeps contents
    with DeviceCluster(work) as cluster:
        server = _Server(socket_path(work), _Handler)
        server.control = Control(cluster)
        server.serve_forever()


if __name__ == "__main__":
    main()
