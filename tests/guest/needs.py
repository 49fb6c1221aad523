# SPDX-License-Identifier: Apache-2.0
"""What the tests with a guest need, and how it is had.

Packages come from apt-get, where there is one and something is missing.  The
kernel of the guest, its shell and nova's binding of libvirt are kept in the
cache, next to the environments of the releases.
"""

import glob
import gzip
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'drivers'))

# pylint: disable=wrong-import-position
import matrix

PROGRAMS = {
    'libvirtd': 'libvirt-daemon',
    'virsh': 'libvirt-clients',
    'qemu-system-x86_64': 'qemu-system-x86',
    'qemu-img': 'qemu-utils',
    'cryptsetup': 'cryptsetup-bin',
}
LIBRARIES = {
    'libvirt/connection-driver/libvirt_driver_qemu.so':
    'libvirt-daemon-driver-qemu',
}

# The last version for Python 2.
BINDING = 'libvirt-python==5.10.0'
BINDING_VERSION = (5, 10, 0)

# The packages that depend on the newest kernel: of Debian, of Ubuntu.
KERNELS = ('linux-image-cloud-amd64', 'linux-image-virtual')
MODULES = ('virtio_ring', 'virtio', 'virtio_pci_legacy_dev',
           'virtio_pci_modern_dev', 'virtio_pci', 'virtio_blk')


class Missing(Exception):
    """Something that is needed cannot be had here."""


def output(*command, **kwargs):
    """Run a command and return what it prints.

    :raises Missing: it failed
    """
    try:
        return matrix.run(*command, **kwargs)
    except (OSError, matrix.Unavailable) as exc:
        raise Missing('%s: %s' % (command[0], exc)) from exc


def cache(*names):
    """Return a directory in the cache, which is made."""
    directory = os.path.join(matrix.cache_dir(), 'guest', *names)
    os.makedirs(directory, exist_ok=True)
    return directory


def check_host():
    """See that this host lets us do what is needed.

    :raises Missing: it does not
    """
    if os.geteuid():
        raise Missing('root')
    output('unshare', '--mount', '--uts', '--net', '--pid', '--fork',
           '--mount-proc', 'true')
    if not os.path.exists('/dev/loop-control'):
        raise Missing('loop devices')
    with open('/proc/filesystems') as opened:
        if not re.search(r'\boverlay$', opened.read(), re.MULTILINE):
            raise Missing('overlay file systems')


def install_packages():
    """Install the packages that are missing.  None of them is a service.

    :raises Missing: there is something that cannot be had
    """
    wanted = [package for program, package in PROGRAMS.items()
              if not shutil.which(program)]
    wanted += [package for name, package in LIBRARIES.items()
               if not glob.glob('/usr/lib*/' + name) +
               glob.glob('/usr/lib/*/' + name)]
    if subprocess.run(['pkg-config', '--exists', 'libvirt'],
                      check=False).returncode:
        wanted.append('libvirt-dev')
    if not wanted:
        return
    if not shutil.which('apt-get'):
        raise Missing(', '.join(wanted))
    matrix.say('== installing %s' % ' '.join(wanted))
    for words in (['update'],
                  ['install', '--yes', '--no-install-recommends'] + wanted):
        output('apt-get', '-o', 'DPkg::Lock::Timeout=600', *words,
               env={'DEBIAN_FRONTEND': 'noninteractive'})


def unpack(package, directory):
    """Unpack a package that is not installed.

    :raises Missing: it cannot be had
    """
    with tempfile.TemporaryDirectory() as download:
        output('apt-get', 'download', package, cwd=download)
        found, = glob.glob(os.path.join(download, '*.deb'))
        output('dpkg-deb', '-x', found, directory)


def kernel_version():
    """Return the version of the newest kernel, as packages name it."""
    for name in KERNELS:
        try:
            depends = output('apt-cache', 'depends', name)
        except Missing:
            continue
        found = re.search(r'Depends: linux-image-(\d\S*)', depends)
        if found:
            return found.group(1)
    raise Missing('a kernel package')


class Guest:
    """The kernel of the guest and the files for its initramfs."""

    def __init__(self):
        self.directory = cache()
        self.kernel = os.path.join(self.directory, 'vmlinuz')
        self.busybox = os.path.join(self.directory, 'busybox')
        self.modules = os.path.join(self.directory, 'modules')

    def fetch(self):
        """Fetch what is not in the cache.

        :raises Missing: it cannot be had
        """
        if os.path.exists(self.busybox):
            return
        matrix.say('== fetching the kernel of the guest')
        output('apt-get', 'update')
        version = kernel_version()
        with tempfile.TemporaryDirectory() as tree:
            unpack('linux-image-' + version, tree)
            if not glob.glob(os.path.join(tree, 'lib/modules/*/kernel')):
                unpack('linux-modules-' + version, tree)
            unpack('busybox-static', tree)
            shutil.rmtree(self.modules, ignore_errors=True)
            os.mkdir(self.modules)
            for name in MODULES:
                for found in glob.glob(os.path.join(
                        tree, 'lib/modules/**', name + '.ko'),
                                       recursive=True):
                    shutil.copy(found, self.modules)
            image, = glob.glob(os.path.join(tree, 'boot/vmlinuz-*'))
            shutil.copy(image, self.kernel)
            # The last one tells that all are there.
            shell, = (glob.glob(os.path.join(tree, 'bin/busybox')) or
                      glob.glob(os.path.join(tree, 'usr/bin/busybox')))
            shutil.copy(shell, self.busybox + '.new')
            os.rename(self.busybox + '.new', self.busybox)

    def initramfs(self, path):
        """Write the initramfs, with the guest's program as it is now."""
        entries = [(name, stat.S_IFDIR | 0o755, 0, b'')
                   for name in ('bin', 'dev', 'modules')]
        entries.append(('dev/console', stat.S_IFCHR | 0o600,
                        os.makedev(5, 1), b''))
        files = [('init', os.path.join(HERE, 'guest-init.sh')),
                 ('bin/busybox', self.busybox)]
        files += [('modules/' + name, os.path.join(self.modules, name))
                  for name in sorted(os.listdir(self.modules))]
        for name, source in files:
            with open(source, 'rb') as opened:
                entries.append((name, stat.S_IFREG | 0o755, 0,
                                opened.read()))
        with gzip.open(path, 'wb', compresslevel=1) as archive:
            for number, entry in enumerate(entries, 1):
                archive.write(cpio_entry(number, *entry))
            archive.write(cpio_entry(0, 'TRAILER!!!', 0, 0, b''))


def cpio_entry(number, name, mode, device, data):
    """Return a member of an archive of the newc format (cpio(5))."""
    encoded = name.encode('ascii') + b'\0'
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, os.major(device),
              os.minor(device), len(encoded), 0)
    header = b'070701' + b''.join(b'%08X' % field for field in fields)
    return padded(header + encoded) + padded(data)


def padded(data):
    """Return data, filled up to a multiple of four bytes."""
    return data + b'\0' * (-len(data) % 4)


def binding(environment):
    """Return the wheel of nova's binding of libvirt.

    It is built in an environment, and fits those of all releases.  Its
    generator knows no functions that are newer than itself: it gets the
    description of the API without them.

    :raises Missing: it cannot be had
    """
    version = output('pkg-config', '--modversion', 'libvirt').strip()
    directory = cache('libvirt-' + version)
    found = glob.glob(os.path.join(directory, '*.whl'))
    if not found:
        matrix.say('== building the binding of libvirt %s' % version)
        with tempfile.TemporaryDirectory() as scratch:
            config = write_old_api(scratch)
            output(environment.python, '-m', 'pip', 'wheel', '--quiet',
                   '--disable-pip-version-check', '--no-deps',
                   '--no-binary', ':all:', '--wheel-dir', scratch, BINDING,
                   env={'PKG_CONFIG_PATH': config, 'PYTHONPATH': ''})
            built, = glob.glob(os.path.join(scratch, '*.whl'))
            shutil.copy(built, directory)
        found = glob.glob(os.path.join(directory, '*.whl'))
    return found[0]


def write_old_api(directory):
    """Write the API as the binding's version had it; return where to."""
    with open(pkg_config_file()) as opened:
        config = opened.read()
    for variable in re.findall(r'^(libvirt\w*_api)=', config, re.MULTILINE):
        source = output('pkg-config', '--variable', variable,
                        'libvirt').strip()
        tree = ElementTree.parse(source)
        for parent in list(tree.iter()):
            for child in list(parent):
                if too_new(child.get('version')):
                    parent.remove(child)
        path = os.path.join(directory, os.path.basename(source))
        tree.write(path)
        config = re.sub('^%s=.*' % variable, '%s=%s' % (variable, path),
                        config, flags=re.MULTILINE)
    with open(os.path.join(directory, 'libvirt.pc'), 'w') as opened:
        opened.write(config)
    return directory


def pkg_config_file():
    """Return the path of libvirt's file for pkg-config."""
    directory = output('pkg-config', '--variable', 'pcfiledir',
                       'libvirt').strip()
    return os.path.join(directory, 'libvirt.pc')


def too_new(version):
    """Tell whether something came after the binding's version."""
    return bool(version) and tuple(
        int(part) for part in version.split('.')) > BINDING_VERSION
