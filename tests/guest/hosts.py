# SPDX-License-Identifier: Apache-2.0
"""Compute hosts: namespaces with libvirtd and a process with nova.

host.sh makes the namespaces.  Each host has its own /etc, /var, /run and
/dev; the network, on which all are reachable by loopback addresses, they
share.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
import uuid
import xml.etree.ElementTree as ElementTree

import agent

HERE = os.path.dirname(os.path.abspath(__file__))

ATTACH_FILE = '/var/spool/openstack-storpool/openstack-attach.json'

# qemu-img of 4.1 and later says "13.5 MiB" where the releases' oslo.utils
# understands "13M".
QEMU_IMG = r'''#!/bin/sh
[ "$1" = info ] || exec %(real)s "$@"
%(real)s "$@" >"/tmp/qemu-img.$$"
status=$?
sed -E 's/^((disk|virtual) size: [0-9]+)(\.[0-9]+)? ([KMGT])iB/\1\4/' \
    "/tmp/qemu-img.$$"
rm -f "/tmp/qemu-img.$$"
exit $status
'''

QEMU_CONF = '''user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
stdio_handler = "file"
migration_address = "127.0.1.%(number)d"
'''

LIBVIRTD_CONF = '''host_uuid = "%(uuid)s"
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_group = "root"
listen_tls = 0
listen_tcp = 1
auth_tcp = "none"
listen_addr = "127.0.1.%(number)d"
'''

NOVA_CONF = '''[DEFAULT]
host = compute%(number)d
my_ip = 127.0.1.%(number)d
state_path = /var/lib/nova
firewall_driver = nova.virt.firewall.NoopFirewallDriver
force_raw_images = false
debug = true

[libvirt]
virt_type = qemu
cpu_mode = none
live_migration_uri = qemu+tcp://%%s/system

[vnc]
enabled = false

[spice]
enabled = false

[oslo_concurrency]
lock_path = /var/lib/nova/lock

[key_manager]
api_class = nova.keymgr.conf_key_mgr.ConfKeyManager
fixed_key = %(key)s

[keymgr]
api_class = nova.keymgr.conf_key_mgr.ConfKeyManager
fixed_key = %(key)s

[privsep_osbrick]
helper_command = %(bin)s/python %(bin)s/privsep-helper --config-file /etc/nova/nova.conf
'''

# For volumes that are encrypted.
KEY = '5e' * 32


class Timeout(Exception):
    """Something did not happen in time."""


def wait_for(condition, what, timeout=180, interval=0.05):
    """Wait until a condition holds, and return what it returned."""
    end = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise Timeout('%s: not within %g seconds' % (what, timeout))
        time.sleep(interval)


class Process:
    """A process of ours on a host, with its socket."""

    def __init__(self, host, script, socket, *arguments):
        self.name = '%s on %s' % (script, host.name)
        self.socket = socket
        if os.path.exists(socket):
            os.unlink(socket)
        self._popen = host.start(
            [host.python, os.path.join(HERE, script), socket] +
            list(arguments), script.replace('.py', '.log'))

    def ready(self):
        """Wait until it answers."""
        def there():
            if self._popen.poll() is not None:
                raise Timeout('%s ended with %s' % (
                    self.name, self._popen.returncode))
            return os.path.exists(self.socket)
        wait_for(there, self.name, 300)

    def call(self, name, timeout=600, **arguments):
        """Call one of its functions; see agent.call()."""
        return agent.call(self.socket, name, arguments, timeout)

    def kill(self):
        """End it at once, as a crash does."""
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGKILL)
        self._popen.wait()


class Host:
    """A compute host.

    :param client: its StorPool client id
    :param devices: the directory that the cluster fills with devices
    """

    def __init__(self, work, number, client, devices, environment):
        self.number = number
        self.client = client
        self.name = 'compute%d' % number
        self.work = work
        self.devices = devices
        self.directory = os.path.join(work, 'host%d' % number)
        self.python = environment.python
        self.nova = None
        self._anchor = None
        self._libvirtd = None
        self._logs = []

    # Starting and ending.

    def prepare(self, port, clients):
        """Make the namespaces.

        :param port: the port of the cluster's API
        :param clients: the client id of each host by name
        """
        os.makedirs(self.directory)
        values = {'number': self.number, 'uuid': uuid.uuid4(), 'key': KEY,
                  'bin': os.path.dirname(self.python)}
        with open('/etc/hosts') as opened:
            hosts = opened.read()
        for number in range(1, len(clients) + 1):
            hosts += '127.0.1.%d compute%d\n' % (number, number)
        storpool = ('SP_API_HTTP_HOST=127.0.0.1\nSP_API_HTTP_PORT=%d\n'
                    'SP_AUTH_TOKEN=1234567890\n' % port)
        storpool += ''.join('[%s]\nSP_OURID=%d\n' % item
                            for item in sorted(clients.items()))
        for path, text in (
                ('etc/hosts', hosts), ('etc/storpool.conf', storpool),
                ('etc/nova/nova.conf', NOVA_CONF % values),
                ('etc/libvirt/qemu.conf', QEMU_CONF % values),
                ('etc/libvirt/libvirtd.conf', LIBVIRTD_CONF % values)):
            path = os.path.join(self.directory, 'files', path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w') as opened:
                opened.write(text)
        self._anchor = self._popen(
            ['unshare', '--mount', '--uts', 'sh',
             os.path.join(HERE, 'host.sh'), self.work, str(self.number),
             self.devices], 'host.log')
        ready = os.path.join(self.directory, 'ready')

        def made():
            if self._anchor.poll() is not None:
                raise Timeout('%s: %s' % (self.name, self.log('host.log')))
            return os.path.exists(ready)
        wait_for(made, self.name)

    def start_libvirtd(self):
        """Start libvirtd, and do not wait for it."""
        self._libvirtd = self.start(['libvirtd', '--listen'], 'libvirtd.log')

    def libvirtd_ready(self):
        """Wait until libvirtd answers."""
        wait_for(lambda: self.virsh('list', check=False) is not None,
                 'libvirtd of ' + self.name, interval=0.2)

    def start_nova(self):
        """Start the process with nova, and do not wait for it."""
        self.nova = Process(self, 'nova_side.py', os.path.join(
            self.directory, 'nova.socket'), self.work)

    def restart_nova(self):
        """Kill the process with nova, and start it again."""
        if self.nova:
            self.nova.kill()
        self.start_nova()
        self.nova.ready()
        self.nova.call('init_host')

    def stop(self):
        """End everything on this host."""
        if self.nova:
            self.nova.kill()
        if self._libvirtd and self._libvirtd.poll() is None:
            self.clear()
            self._libvirtd.terminate()
            try:
                self._libvirtd.wait(5)
            except subprocess.TimeoutExpired:
                self._libvirtd.kill()
                self._libvirtd.wait()
        if self._anchor:
            self._anchor.kill()
            self._anchor.wait()
        for log in self._logs:
            log.close()

    def clear(self):
        """End all domains and forget them."""
        for name in self.domains():
            self.virsh('destroy', name, check=False)
            self.virsh('undefine', name, check=False)

    # Commands and files.

    def start(self, command, log):
        """Start a command on this host, its output in a log."""
        return self._popen(
            ['nsenter', '--target', str(self._anchor.pid), '--mount',
             '--uts'] + command, log)

    def _popen(self, command, log):
        opened = open(os.path.join(self.directory, log), 'ab')
        self._logs.append(opened)
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=opened,
            stderr=subprocess.STDOUT, cwd='/', env=self._environment())

    def _environment(self):
        path = os.path.join(self.work, 'bin') + ':/usr/sbin:/usr/bin:/sbin:/bin'
        return {'PATH': path, 'HOME': '/root', 'LC_ALL': 'C',
                'PYTHONDONTWRITEBYTECODE': '1', 'PYTHONWARNINGS': 'ignore'}

    def run(self, *command, **kwargs):
        """Run a command on this host and return its output.

        :raises CalledProcessError: it failed
        """
        done = subprocess.run(
            ['nsenter', '--target', str(self._anchor.pid), '--mount',
             '--uts'] + list(command), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            universal_newlines=True, env=self._environment(), **kwargs)
        return done.stdout

    def virsh(self, *arguments, check=True):
        """Run virsh; without check, return None if it fails."""
        try:
            return self.run('virsh', '--quiet', *arguments, check=True,
                            timeout=60)
        except (subprocess.CalledProcessError,
                subprocess.TimeoutExpired) as exc:
            if check:
                raise Timeout('virsh %s: %s' % (
                    ' '.join(arguments),
                    getattr(exc, 'stderr', exc))) from exc
            return None

    def path(self, path):
        """Return the path of a file of this host, from outside."""
        return '/proc/%d/root%s' % (self._anchor.pid, path)

    def log(self, name):
        """Return what is in a log."""
        with open(os.path.join(self.directory, name), errors='replace') as log:
            return log.read()

    # What there is.

    def domains(self):
        """Return the names of the domains, running or not."""
        listed = self.virsh('list', '--all', '--name', check=False)
        return (listed or '').split()

    def running(self):
        """Return the names of the domains that run."""
        return self.virsh('list', '--state-running', '--name').split()

    def xml(self, domain):
        """Return the description of a domain."""
        return ElementTree.fromstring(self.virsh('dumpxml', domain))

    def disk(self, domain, target):
        """Return the description of a disk of a domain, or None."""
        for disk in self.xml(domain).findall('devices/disk'):
            if disk.find('target').get('dev') == target:
                return disk
        return None

    def requests(self):
        """Return the attachment requests of this host."""
        with open(self.path(ATTACH_FILE)) as opened:
            return json.load(opened)

    def forget_requests(self):
        """Drop all attachment requests of this host."""
        with open(self.path(ATTACH_FILE), 'w') as opened:
            opened.write('{}')
        with contextlib.suppress(OSError):
            os.unlink(self.path(ATTACH_FILE + '.lock'))
