#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Makes the program that the tests of an instrumented build run:
#
#     tests/instrument.sh PROGRAM OUT [WRAP...]
#
# OUT is PROGRAM with the checkout's data beside it, run under WRAP (valgrind with its options) if
# that is given. What WRAP has to say goes to OUT.log.PID, so that the program's own output is as
# ever; its exit status 99 is what the tests see.

set -eu

program=$(cd "$(dirname "$1")" && pwd)/${1##*/}
mkdir -p "$(dirname "$2")"
out=$(cd "$(dirname "$2")" && pwd)/${2##*/}
shift 2
rm -rf "$out" "$out".log.*
if [ $# -eq 0 ]; then
    ln -f "$program" "$out"
    exit 0
fi
cat >"$out" <<END
#!/bin/sh
exec $* --log-file='$out.log.%p' '$program' "\$@"
END
chmod +x "$out"
