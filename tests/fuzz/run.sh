#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Replays the corpus of each fuzzer: tests/fuzz/run.sh PROGRAM... WRAP may hold a command that runs
# them, such as valgrind with its options.

set -u

here=$(cd "$(dirname "$0")" && pwd)
passed=0 failed=0
for program in "$@"; do
    name=${program##*/fuzz_}
    count=$(ls "$here/corpus/$name" 2>/dev/null | wc -l)
    if out=$(${WRAP:-} "$program" "$here/corpus/$name"/* 2>&1 </dev/null); then
        echo "ok     fuzz_$name: $count inputs"
        passed=$((passed + count))
    else
        echo "$out"
        echo "FAILED fuzz_$name: its inputs are in tests/fuzz/corpus/$name"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
