#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs the suites that an instrumented build is for:
#
#     tests/instrument.sh PROGRAM NAME=COMMAND...
#
# COMMANDs find the program to test in $TOOL. It is a copy where every user can read it, with the
# data beside it. If WRAP holds a command (valgrind with its options), it runs under that; what WRAP
# then has to say is kept from the program's own output, and shown at the end. Its exit status, 99,
# is what the tests see.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
program=$1
shift
scratch=$(mktemp -d "${TMPDIR:-/tmp}/sp-openstack-instrument.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
chmod 0755 "$scratch"
mkdir -m 1777 "$scratch/log"
mkdir "$scratch/bin"
cp "$program" "$scratch/bin/sp-openstack"
cp -R "$top/manifests" "$top/drivers" "$scratch/bin/"
chmod -R a+rX "$scratch/bin"
TOOL=$scratch/bin/sp-openstack
if [ -n "${WRAP:-}" ]; then
    TOOL=$scratch/sp-openstack
    # by its full name: some tests leave no PATH
    WRAP="$(command -v "${WRAP%% *}") ${WRAP#* }"
    cat >"$TOOL" <<END
#!/bin/sh
exec $WRAP --log-file='$scratch/log/%p' '$scratch/bin/sp-openstack' "\$@"
END
    chmod 0755 "$TOOL"
fi
export TOOL

status=0
python3 "$top/tests/suites.py" "$@" >"$scratch/closing" 2>&1 || status=$?
# the closing lines last, whatever else there is to show
for log in "$scratch"/log/*; do
    if grep -q '^==[0-9]*== ' "$log" 2>/dev/null; then
        grep '^==[0-9]*== ' "$log"
    fi
done
cat "$scratch/closing"
exit "$status"
