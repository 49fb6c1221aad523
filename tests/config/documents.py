# SPDX-License-Identifier: Apache-2.0
"""The configuration that the documents tell people to write, and its meaning."""

import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# (type, group, option, its value as oslo.config has it)
CINDER = (
    ("list", "DEFAULT", "enabled_backends", ["storpool"]),
    ("str", "storpool", "volume_driver", "cinder.volume.drivers.storpool.StorPoolDriver"),
    ("str", "storpool", "volume_backend_name", "storpool"),
    ("str", "storpool", "storpool_template", "hdd-ssd"),
    ("int", "storpool", "storpool_replication", "3"),
    ("bool", "storpool", "report_discard_supported", "True"),
)


def cinder():
    """The stanza of cinder.conf in doc/drivers.md: the indented block that [DEFAULT] begins."""
    with open(os.path.join(TOP, "doc", "drivers.md"), encoding="utf-8") as file:
        block = re.search(r"\n\n((?:    \[DEFAULT\]\n)(?:(?:    .*)?\n)+)", file.read()).group(1)
    return "".join(line[4:] if line.strip() else line for line in block.splitlines(True))
