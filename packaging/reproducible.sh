#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds everything that is committed twice, from nothing and in two directories with names of
# different lengths: libraries, program and packages must be the same to the byte.
#
#     packaging/reproducible.sh [KEEP]      KEEP: a directory for the two trees; what is built in it
#                                           already is not built again

set -eu
cd "$(dirname "$0")/.."
keep=${1:-}
work=${keep:-$(mktemp -d)}
[ -n "$keep" ] || trap 'rm -rf "$work"' EXIT
passed=0 failed=0

for tree in "$work/a" "$work/another-directory/of.another_length"; do
    if [ ! -e "$tree/built" ]; then
        rm -rf "$tree"
        mkdir -p "$tree"
        git archive HEAD | tar -x -C "$tree"
        # not a checkout: the time is that of the commit
        SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
        export SOURCE_DATE_EPOCH
        for target in deb rpm tarball; do
            env -u MAKEFLAGS -u MAKELEVEL make -C "$tree" "$target" >"$tree/log" 2>&1 || {
                tail -n 5 "$tree/log"
                echo "0 passed, 1 failed"
                exit 1
            }
        done
        : >"$tree/built"
    fi
done

cd "$work/a/dist"
for file in *; do
    if cmp "$file" "$work/another-directory/of.another_length/dist/$file"; then
        passed=$((passed + 1))
        echo "the same $file"
    else
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -ge 4 ]
