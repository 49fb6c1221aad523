#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Checks the manifests with the tool itself: all together, and each alone, so that every one that is
# wrong is named. Every driver that a manifest copies exists, and every driver is copied by one.
#
#     tests/test_manifests.sh [PROGRAM]

set -u

top=$(cd "$(dirname "$0")/.." && pwd)
program=${1:-$top/sp-openstack}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0
unset PYTHONPATH SP_OPENSTACK_WORK_DIR

ok() {
    passed=$((passed + 1))
}

bad() {
    failed=$((failed + 1))
    echo "FAILED $*"
}

# A tree with nothing to recognise: for a tree, all documents of the manifests are read (they name the
# files to look for), and nothing is found (status 3).
mkdir "$scratch/site"
load() {
    "$program" -D "$1" -t "$scratch/site" detect >"$scratch/out" 2>&1
    status=$?
    [ "$status" -eq 3 ] || [ "$status" -eq 0 ] && ! grep -q '\.yaml:' "$scratch/out"
}

if load "$top"; then ok; else bad "all manifests: $(cat "$scratch/out")"; fi

mkdir -p "$scratch/data/manifests"
cp -R "$top/drivers" "$scratch/data/drivers"
for manifest in "$top"/manifests/*.yaml; do
    rm -f "$scratch"/data/manifests/*
    cp "$manifest" "$scratch/data/manifests/"
    if load "$scratch/data"; then ok; else bad "${manifest##*/}: $(cat "$scratch/out")"; fi
done

# Errors in the documents that are read last are found by it.
cp "$top"/manifests/pike.yaml "$scratch/data/manifests/"
echo "    color: blue" >>"$scratch/data/manifests/pike.yaml"
if load "$scratch/data"; then bad "an error in the last document is not found"; else ok; fi

copied=$(sed -n 's/^ *copy: *\([^ #]*\).*/\1/p' "$top"/manifests/*.yaml | sort -u)
for driver in $copied; do
    if [ -f "$top/drivers/$driver" ]; then ok; else bad "drivers/$driver: named, but not there"; fi
done
for driver in "$top"/drivers/*/*.py; do
    driver=${driver#"$top"/drivers/}
    case " $(echo $copied) " in
    *" $driver "*) ok ;;
    *) bad "drivers/$driver: no manifest names it" ;;
    esac
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
