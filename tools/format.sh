#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Lays C source out by .clang-format: tools/format.sh [--check] FILE... With --check nothing is
# changed, and it closes like a suite of tests; without clang-format it counts as skipped.

set -u

check=
if [ "${1:-}" = --check ]; then
    check=yes
    shift
fi
if ! command -v clang-format >/dev/null 2>&1; then
    if [ -z "$check" ]; then
        echo "format: clang-format is not here; tools/setup.sh clang-format installs it" >&2
        exit 1
    fi
    echo "skipped: clang-format is not here"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
if [ -z "$check" ]; then
    exec clang-format -i "$@"
fi
passed=0 failed=0
for file in "$@"; do
    if clang-format --dry-run --Werror "$file"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $file: make format"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
