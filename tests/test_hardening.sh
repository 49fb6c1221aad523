#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Checks that the program was compiled and linked as the Makefile says, by what readelf shows of it
# (what checksec looks at, too):
#
#     tests/test_hardening.sh [PROGRAM]

set -u

top=$(cd "$(dirname "$0")/.." && pwd)
program=${1:-$top/sp-openstack}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

# must WHAT FILE PATTERN: a line of the file matches
must() {
    if grep -Eq "$3" "$scratch/$2"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $program: $1"
    fi
}

# must_not WHAT FILE PATTERN: no line of the file does
must_not() {
    if found=$(grep -E -m 3 "$3" "$scratch/$2"); then
        failed=$((failed + 1))
        echo "FAILED $program: $1: $found"
    else
        passed=$((passed + 1))
    fi
}

# readelf(1) as LLVM has it, too, prints these the same way
{
    readelf -hW "$program" >"$scratch/header" &&
        readelf -lW "$program" >"$scratch/segments" &&
        readelf -dW "$program" >"$scratch/dynamic" &&
        readelf --dyn-syms -W "$program" | awk '{ print $8 }' >"$scratch/symbols"
} || {
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}

must "it is no position-independent executable" header 'Type: +DYN'
must "it has no program interpreter" segments 'INTERP'
must "its relocations stay writable (RELRO)" segments '^ *GNU_RELRO'
must "it is bound lazily, so relocations stay writable (RELRO)" dynamic 'BIND_NOW|FLAGS.*NOW'
must "nothing is said of its stack" segments '^ *GNU_STACK'
must_not "its stack can be executed" segments '^ *GNU_STACK.* RWE'
must_not "a segment can be written and executed" segments '^ *LOAD.* RWE'
must_not "its code is written to when it is loaded" dynamic 'TEXTREL'
must_not "it names directories with libraries" dynamic 'RPATH|RUNPATH'
must "no function guards its stack" symbols '^__stack_chk_fail'
must "no function checks the size of what it writes to (FORTIFY)" symbols '^__[a-z]+_chk(@|$)'
must_not "it was compiled without _FORTIFY_SOURCE" symbols \
    '^(v?f?printf|v?s?n?printf|v?asprintf|v?dprintf)(@|$)'

echo "$passed passed, $failed failed, 0 skipped"
test "$failed" -eq 0
