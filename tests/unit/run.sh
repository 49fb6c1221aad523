#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs the unit tests: tests/unit/run.sh PROGRAM... Of those that pass only the count is shown; V=1
# shows all. WRAP may hold a command that runs them, such as valgrind with its options.

set -u

passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# sum KIND: what cmocka's closing lines say
sum() {
    sed -n "s/^\[  $1 *\] \([0-9][0-9]*\) test(s).*/\1/p" "$log" | awk '{ n += $1 } END { print n + 0 }'
}

for program in "$@"; do
    status=0
    ${WRAP:-} "$program" >"$log" 2>&1 </dev/null || status=$?
    good=$(sum PASSED) bad=$(sum FAILED) left=$(sum SKIPPED)
    if [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] || [ $((good + left)) -eq 0 ]; }; then
        bad=1
    fi
    if [ "$bad" -ne 0 ] || [ "${V:-}" = 1 ]; then
        cat "$log"
    fi
    if [ "$bad" -ne 0 ]; then
        echo "FAILED ${program##*/}: exit status $status"
    else
        echo "ok     ${program##*/}: $good"
    fi
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + left))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
