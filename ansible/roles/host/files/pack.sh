#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Makes a script that unpacks an archive at /, for hosts that have a shell and no Python.
#
#     pack.sh ARCHIVE.tar.gz SCRIPT

set -eu
archive=$1 script=$2
umask 077
sum=$(sha256sum <"$archive" | cut -d ' ' -f 1)
{
    cat <<END
#!/bin/sh
set -eu
mark=/var/lib/sp-openstack/archive.sha256
if [ "\$(cat \$mark 2>/dev/null)" = $sum ] && [ -x /usr/sbin/sp-openstack ]; then
    exit 0
fi
echo changed
[ "\${1:-}" != --check ] || exit 0
sed '1,/^exit\$/d' "\$0" | tar -xzf - -C /
echo $sum >\$mark
exit
END
    cat "$archive"
} >"$script.$$"
mv -f "$script.$$" "$script"
