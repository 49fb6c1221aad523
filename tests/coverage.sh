#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs the tests on programs that were built with --coverage, for tests/coverage.py:
#
#     tests/coverage.sh PROGRAM FAULT-PROGRAM [OPTION...] -- UNIT-TEST... FUZZER...
#
# The OPTIONs are for tests/fault/run.py: --git or --site. Without any the faults are left out.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
program=$1 fault=$2
shift 2
options=
while [ "$1" != -- ]; do
    options="$options $1"
    shift
done
shift
unit='' fuzz=''
for name in "$@"; do
    case $name in
    */fuzz/*) fuzz="$fuzz $name" ;;
    *) unit="$unit $name" ;;
    esac
done

# Counts are added up in a file for each object, which an ordinary user must be able to reach and to
# write, too: they are kept below GCOV_PREFIX (gcov(1), "Data file relocation"). The program's own
# umask would not let it: all of the files are made here, once.
dir=$(cd "$(dirname "$program")" && pwd)
find "$dir" -name '*.gcda' -exec rm -f {} +
GCOV_PREFIX=$(mktemp -d)
export GCOV_PREFIX
trap 'rm -rf "$GCOV_PREFIX"' EXIT
"$program" version >/dev/null
"$fault" version >/dev/null
chmod -R a+rwX "$GCOV_PREFIX"

faults="python3 -B tests/fault/run.py --program '$program' --fault-program '$fault' --quick 60 --kill 0 $options"
status=0
python3 "$top/tests/suites.py" \
    unit="tests/unit/run.sh $unit" \
    fuzz="tests/fuzz/run.sh $fuzz" \
    cli="tests/cli/run.sh '$program'" \
    ${options:+faults="$faults" faults-3.10="$faults --old-kernel '$(dirname "$fault")/old_kernel'"} ||
    status=$?
cp -R "$GCOV_PREFIX$dir/." "$dir/"
exit "$status"
