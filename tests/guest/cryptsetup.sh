#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cryptsetup, as far as nova's encryptors use it, for a kernel that has no device mapper.
#
# The volume is a real LUKS volume (version 1) by qemu. What the kernel would map is a loop device over a file that
# qemu-storage-daemon serves. The exit statuses are those of cryptsetup(8): 1 wrong parameters, 2 no permission (the
# passphrase), 4 wrong device.
set -u

state=/run/cryptsetup
mkdir -p "$state"

key=$(mktemp)
trap 'rm -f "$key"' EXIT

# secret: read the passphrase from the standard input, print qemu's option for it.
secret()
{
	cat >"$key"
	echo "secret,id=key,file=$key"
}

is_luks()
{
	[ "$(head -c 4 "$1" 2>/dev/null)" = LUKS ]
}

# format DEVICE: what is in front of the data has to find room, too.
format()
{
	size=$(blockdev --getsize64 "$1")
	qemu-img create -q -f luks --object "$(secret)" -o key-secret=key,iter-time=10 "$1" $((size - 4 * 1024 * 1024)) || exit 1
	blockdev --flushbufs "$1"
}

open()
{
	is_luks "$1" || exit 1
	[ ! -e "/dev/mapper/$2" ] || exit 5
	file=$state/$2
	: >"$file"
	qemu-storage-daemon --daemonize --pidfile "$file.pid" --object "$(secret)" \
		--blockdev "driver=host_device,node-name=volume,filename=$1,cache.direct=on" \
		--blockdev driver=luks,node-name=plain,file=volume,key-secret=key \
		--export "type=fuse,id=export,node-name=plain,mountpoint=$file,writable=on,allow-other=off" >"$file.log" 2>&1 || exit 2
	loop=$(losetup --find --show "$file") || exit 1
	# The kernel frees it when the last process has closed it, which is ours, whatever ends us.
	exec 3<"$loop"
	sleep infinity <&3 3<&- >/dev/null 2>&1 &
	echo $! >"$file.holder"
	exec 3<&-
	losetup --detach "$loop"
	ln -s "$loop" "/dev/mapper/$2"
}

close()
{
	[ -e "/dev/mapper/$1" ] || exit 4
	rm -f "/dev/mapper/$1"
	for pid in "$(cat "$state/$1.holder")" "$(cat "$state/$1.pid")"; do
		kill "$pid"
		while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
	done
	rm -f "$state/$1" "$state/$1".*
}

# The action is the first word, the rest are the last ones; options are between them.
action=
for word; do
	case $word in
	--batch-mode | --key-file=- | --verbose) ;;
	luks* | is* | status | close) action=$word ;;
	*) before=${last-}; last=$word ;;
	esac
done

case $action in
luksFormat) format "$last" ;;
luksOpen) open "$before" "$last" ;;
luksClose | close) close "$last" ;;
isLuks) is_luks "$last" ;;
status) [ -e "/dev/mapper/$last" ] ;;
*) exit 1 ;;
esac
