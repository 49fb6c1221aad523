# SPDX-License-Identifier: Apache-2.0
"""RabbitMQ and MariaDB, as plain processes on the loopback interface of the run."""

import os
import shutil
import socket
import subprocess
import time

RABBIT = "/usr/lib/rabbitmq/bin/rabbitmq-server"
AMQP_PORT = 5672

# Times are those of a machine that does nothing else, and many tests run on busy ones.
PATIENCE = 4

TRANSPORT = "rabbit://guest:guest@127.0.0.1:%d/" % AMQP_PORT


def wait_until(done, seconds, subject, process=None, interval=0.1):
    """Wait for something.

    :raises RuntimeError: it took too long, or the process ended
    """
    deadline = time.monotonic() + seconds * PATIENCE
    while not done():
        if process is not None and process.poll() is not None:
            raise RuntimeError("%s ended with status %s" % (subject, process.returncode))
        if time.monotonic() > deadline:
            raise RuntimeError("%s is not ready after %d s" % (subject, seconds))
        time.sleep(interval)


def answers(port, banner=b""):
    """Tell whether something listens on a port, and speaks first if a banner is given."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as opened:
            if banner:
                opened.sendall(banner)
                return bool(opened.recv(1))
            return True
    except OSError:
        return False


class Broker:
    """RabbitMQ."""

    def __init__(self, work, spawn):
        directory = os.path.join(work, "rabbit")
        os.makedirs(directory)
        env = dict(
            os.environ, HOME=directory, RABBITMQ_NODENAME="sp@localhost",
            RABBITMQ_NODE_IP_ADDRESS="127.0.0.1", RABBITMQ_NODE_PORT=str(AMQP_PORT),
            RABBITMQ_MNESIA_BASE=os.path.join(directory, "mnesia"),
            RABBITMQ_LOG_BASE=os.path.join(directory, "log"),
            RABBITMQ_ENABLED_PLUGINS_FILE=os.path.join(directory, "plugins"),
            RABBITMQ_CONFIG_FILE=os.path.join(directory, "rabbitmq"),
            ERL_EPMD_ADDRESS="127.0.0.1",
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} "
                                                "+sbwt none +S 1:1")
        with open(os.path.join(directory, "plugins"), "w") as opened:
            opened.write("[].\n")
        self.process = spawn([RABBIT], "rabbit", env=env)

    def wait(self):
        """Wait until it takes connections."""
        wait_until(lambda: answers(AMQP_PORT, b"AMQP\0\0\x09\x01"), 60, "RabbitMQ", self.process)


class Database:
    """MariaDB, with the database of cinder."""

    OPTIONS = ("--no-defaults", "--user=root", "--skip-networking", "--skip-grant-tables",
               "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0",
               "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=32M",
               "--character-set-server=utf8", "--max-connections=500",
               "--skip-log-bin", "--performance-schema=OFF")

    def __init__(self, work, spawn):
        self._directory = os.path.join(work, "mariadb")
        self._data = os.path.join(self._directory, "data")
        self.socket = os.path.join(self._directory, "socket")
        os.makedirs(self._directory)
        with open(spawn.log("mariadb"), "ab") as log:
            subprocess.run(["mariadb-install-db", "--no-defaults", "--user=root",
                            "--datadir=" + self._data, "--auth-root-authentication-method=normal",
                            "--skip-test-db"], check=True, stdout=log, stderr=log)
        self.process = spawn([shutil.which("mariadbd", path=os.environ["PATH"] + ":/usr/sbin")] +
                             list(self.OPTIONS) + ["--datadir=" + self._data,
                                                   "--socket=" + self.socket,
                                                   "--pid-file=" + self._directory + "/pid"],
                             "mariadb")

    @property
    def url(self):
        """The URL that SQLAlchemy connects to."""
        return "mysql+pymysql://root@localhost/cinder?charset=utf8&unix_socket=" + self.socket

    def wait(self):
        """Wait until it takes connections, and make the database."""
        wait_until(lambda: subprocess.run(self._client("-e", "select 1"), check=False,
                                          stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL).returncode == 0,
                   60, "MariaDB", self.process)
        self.query("create database cinder character set utf8", None)

    def _client(self, *arguments):
        return ["mariadb", "--no-defaults", "--batch", "--skip-column-names",
                "--socket=" + self.socket] + list(arguments)

    def query(self, text, database="cinder"):
        """Return the rows of a query, each a list of texts."""
        command = self._client("-e", text) + ([database] if database else [])
        done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def save(self):
        """Keep the database as it is now, for reset()."""
        with open(os.path.join(self._directory, "dump"), "wb") as opened:
            subprocess.run(["mariadb-dump", "--no-defaults", "--socket=" + self.socket, "cinder"],
                           check=True, stdout=opened)

    def reset(self):
        """Let the database be as it was."""
        with open(os.path.join(self._directory, "dump"), "rb") as opened:
            subprocess.run(self._client("cinder"), check=True, stdin=opened)
