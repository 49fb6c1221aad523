#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# host.sh WORK NUMBER DEVICES: be a host, in mount and UTS namespaces of its own.
#
# WORK/hostN keeps what this host writes to /etc and /var, and WORK/hostN/files what it has in them from the start.
# DEVICES is the directory that the cluster fills, /dev/storpool here. Ready when WORK/hostN/ready is there; the
# namespaces last as long as this process.
set -eu

work=$1
number=$2
devices=$3
own=$work/host$number

hostname "compute$number"
mount --make-rprivate /

for name in etc var; do
	mkdir -p "$own/$name" "$own/$name.work"
	mount -t overlay -o "lowerdir=/$name,upperdir=$own/$name,workdir=$own/$name.work" overlay "/$name"
done
mount -t tmpfs tmpfs /run
cp -R "$own/files/." /

# The qemu driver does not start without this user, whoever runs qemu.
grep -q '^libvirt-qemu:' /etc/passwd || echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/bin/false' >>/etc/passwd
grep -q '^libvirt-qemu:' /etc/group || echo 'libvirt-qemu:x:64055:' >>/etc/group
mkdir -p /var/lib/nova/instances /var/spool/openstack-storpool /var/log/libvirt
echo '{}' >/var/spool/openstack-storpool/openstack-attach.json

# Mounts of the old /dev that are hidden below the new one would break the namespaces that libvirt makes for qemu: so
# the old one goes before the new one comes.
new=$own/dev
mkdir -p "$new"
mount -t tmpfs -o mode=0755 tmpfs "$new"
for node in null zero full random urandom tty ptmx loop-control fuse kvm; do
	[ ! -c "/dev/$node" ] || cp -a "/dev/$node" "$new/$node"
done
rm -f "$new/ptmx"
ln -s pts/ptmx "$new/ptmx"
ln -s /proc/self/fd "$new/fd"
loop=0
while [ "$loop" -lt 256 ]; do
	mknod "$new/loop$loop" b 7 "$loop"
	loop=$((loop + 1))
done
mkdir "$new/pts" "$new/shm" "$new/storpool" "$new/mapper"
[ ! -c /dev/mapper/control ] || cp -a /dev/mapper/control "$new/mapper/control"
mount --bind /dev/pts "$new/pts"
mount -t tmpfs tmpfs "$new/shm"
mount --bind "$devices" "$new/storpool"
umount --recursive --lazy /dev
mount --move "$new" /dev

: >"$own/ready"
exec sleep infinity
