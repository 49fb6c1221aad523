# -*- coding: utf-8 -*-
# Copyright: StorPool Storage and contributors
# SPDX-License-Identifier: Apache-2.0
from __future__ import absolute_import, division, print_function

__metaclass__ = type


class ModuleDocFragment(object):
    DOCUMENTATION = r'''
options:
  components:
    description:
      - The components to work on.
      - With none, those that are found on the host.
    type: list
    elements: str
    choices: [cinder, nova, os_brick]
    default: []
  path:
    description:
      - Directories to look in first, such as C(/usr/lib/python2.7/dist-packages).
      - A component that is found there is not looked for elsewhere.
    type: list
    elements: path
    default: []
  root:
    description:
      - Work on the system that is mounted in this directory, an image for instance.
    type: path
  work_dir:
    description:
      - The work directory of the program. Its default is C(/var/lib/sp-openstack).
    type: path
  data_dir:
    description:
      - The directory with the manifests and the drivers. By default those that are installed with the program.
    type: path
  python:
    description:
      - Start this Python interpreter, and look where it looks for packages.
    type: path
  executable:
    description:
      - The program. By default it is looked for in E(PATH), C(/usr/sbin) and C(/usr/local/sbin).
    type: path
requirements:
  - sp-openstack 0.1.0 or later on the managed host
'''
