# SPDX-License-Identifier: Apache-2.0
"""A connection to a host of tests/ansible/hosts.py: a root in namespaces of its own."""

import os
import shutil
import subprocess

from ansible.errors import AnsibleConnectionFailure, AnsibleFileNotFound
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
    name: sp_root
    short_description: run in the namespaces and the root of a process
    description: Runs commands as root where another process is.
    author: tests
    options:
      pid:
        description: The first process of the host.
        type: int
        required: true
        vars:
          - name: sp_root_pid
"""


class Connection(ConnectionBase):
    transport = "sp_root"
    has_pipelining = True
    default_user = "root"

    def _connect(self):
        if os.path.exists(self._inside("run/unreachable")):
            raise AnsibleConnectionFailure("no route to host")
        self._connected = True
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        self._connect()
        done = subprocess.run(["nsenter", "-t", str(self.get_option("pid")), "-m", "-p", "-r", "-w",
                               "/bin/sh", "-c", cmd], input=in_data or b"", check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
                                   "LC_ALL": "C"})
        return done.returncode, done.stdout, done.stderr

    def _inside(self, path):
        return os.path.join("/proc", str(self.get_option("pid")), "root", path.lstrip("/"))

    def put_file(self, in_path, out_path):
        super().put_file(in_path, out_path)
        if not os.path.exists(in_path):
            raise AnsibleFileNotFound("there is no file %s" % in_path)
        shutil.copyfile(in_path, self._inside(out_path))

    def fetch_file(self, in_path, out_path):
        super().fetch_file(in_path, out_path)
        shutil.copyfile(self._inside(in_path), out_path)

    def close(self):
        self._connected = False
