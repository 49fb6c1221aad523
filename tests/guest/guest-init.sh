#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# The only program of the guest. It answers on its serial lines:
#
#     ID COMMAND          what the test writes
#     ANSWER ID TEXT      each line that the command prints
#     DONE ID STATUS      its exit status
#
# COMMAND is run by the shell with the functions below. A command that goes to the background must let go of its
# standard output and error, or its answer does not end.

PATH=/bin
export PATH
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mount -t tmpfs tmpfs /tmp

# A kernel that has these built in has no files for them.
for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk; do
	[ ! -e "/modules/$module.ko" ] || insmod "/modules/$module.ko"
done

# disks: the name, serial number, size in bytes and read-only flag of each disk. virtio keeps 20 characters of a serial.
disks()
{
	for disk in /sys/block/vd*; do
		[ -e "$disk" ] || continue
		echo "$(basename "$disk") $(cat "$disk/serial") $(($(cat "$disk/size") * 512)) $(cat "$disk/ro")"
	done
}

# fill NAME MEGABYTES: write random data to the start of a disk, past the page cache, and print its checksum.
fill()
{
	dd if=/dev/urandom of=/tmp/data bs=1M count="$2" 2>/dev/null &&
		dd if=/tmp/data of="/dev/$1" bs=1M oflag=direct conv=fsync 2>/dev/null &&
		sha256sum </tmp/data
	set -- $?
	rm -f /tmp/data
	return "$1"
}

# digest NAME MEGABYTES: read the start of a disk, past the page cache, and print its checksum.
digest()
{
	dd if="/dev/$1" of=/tmp/data bs=1M count="$2" iflag=direct 2>/dev/null && sha256sum </tmp/data
	set -- $?
	rm -f /tmp/data
	return "$1"
}

# The writer puts a number into a block of 512 bytes, a higher one into the next block, and so on in a circle of
# WRITER_BLOCKS blocks from WRITER_START on. What it could not write it notes in /tmp/writer.failed.
WRITER_START=8192
WRITER_BLOCKS=64

writer_loop()
{
	number=0
	: >/tmp/writer.failed
	while [ ! -e /tmp/writer.stop ]; do
		number=$((number + 1))
		printf '%-512s' "$number" | dd of="/dev/$1" bs=512 count=1 oflag=direct conv=notrunc \
			seek=$((WRITER_START + number % WRITER_BLOCKS)) 2>/dev/null || echo "$number" >>/tmp/writer.failed
		echo "$number" >/tmp/writer.number
		usleep 100000
	done
	mv /tmp/writer.stop /tmp/writer.stopped
}

# writer_start NAME: write to a disk from now on.
writer_start()
{
	rm -f /tmp/writer.*
	writer_loop "$1" </dev/null >/dev/null 2>&1 &
}

# writer_number: print the number of the last block that was written, and how many could not be written.
writer_number()
{
	echo "$(cat /tmp/writer.number) $(wc -l </tmp/writer.failed)"
}

# writer_stop: stop, and print the same.
writer_stop()
{
	: >/tmp/writer.stop
	while [ ! -e /tmp/writer.stopped ]; do usleep 20000; done
	writer_number
}

# writer_check NAME: print how many blocks do not have the number that was written there last.
writer_check()
{
	number=$(cat /tmp/writer.number)
	wrong=0
	count=0
	while [ "$number" -gt 0 ] && [ "$count" -lt "$WRITER_BLOCKS" ]; do
		found=$(dd if="/dev/$1" bs=512 count=1 iflag=direct skip=$((WRITER_START + number % WRITER_BLOCKS)) 2>/dev/null)
		[ "$((found))" = "$number" ] || wrong=$((wrong + 1))
		number=$((number - 1))
		count=$((count + 1))
	done
	echo "$wrong"
}

serve()
{
	stty raw -echo <"$1" 2>/dev/null
	while read -r id command; do
		[ -n "$id" ] || continue
		(eval "$command") >"/tmp/answer.$id" 2>&1 </dev/null
		status=$?
		while IFS= read -r line; do
			echo "ANSWER $id $line"
		done <"/tmp/answer.$id"
		rm -f "/tmp/answer.$id"
		echo "DONE $id $status"
	done <"$1" >"$1"
}

# The console of a domain is the first line, or the second one where nova keeps a log in a file.
serve /dev/ttyS1 2>/dev/null &
while :; do
	serve /dev/ttyS0
	sleep 1
done
