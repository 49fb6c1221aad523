#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds everything that is committed twice, from nothing: libraries, program and packages must be the
# same to the byte. The second time the directory has a name of another length, and user, umask, locale,
# time zone and date are others.
#
#     packaging/reproducible.sh [KEEP]      KEEP: a directory for the two trees; what is built in it
#                                           already is not built again

set -eu
umask 022
cd "$(dirname "$0")/.."
keep=${1:-}
work=${keep:-$(mktemp -d)}
[ -n "$keep" ] || trap 'rm -rf "$work"' EXIT
mkdir -p "$work"
chmod 0755 "$work"
passed=0 failed=0
# not a checkout: the time is that of the commit
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

# packages TREE PREFIX...: makes all three there
packages() {
    tree=$1
    shift
    for target in deb rpm tarball; do
        env -u MAKEFLAGS -u MAKELEVEL "$@" make -C "$tree" "$target" >>"$tree/log" 2>&1 || {
            tail -n 5 "$tree/log"
            echo "0 passed, 1 failed"
            exit 1
        }
    done
    : >"$tree/built"
}

# empty TREE: a tree of what is committed; false when it is built already
empty() {
    [ ! -e "$1/built" ] || return 1
    rm -rf "$1"
    mkdir -p "$1"
    git archive HEAD | tar -x -C "$1"
}

one=$work/a
other=$work/another-directory/of.another_length
if empty "$one"; then
    packages "$one" LC_ALL=C TZ=UTC
fi
if empty "$other"; then
    # the lists of source packages are from another date, too
    printf 'Acquire::Check-Date "false";\nAcquire::Check-Valid-Until "false";\n' >"$work/apt.conf"
    set -- LC_ALL=C.UTF-8 LANGUAGE=de:tr TZ=Pacific/Auckland HOME="$other" USER=other LOGNAME=other \
        APT_CONFIG="$work/apt.conf"
    if [ "$(id -u)" -eq 0 ]; then
        chown -R 65534:65534 "$other"
        set -- "$@" setpriv --reuid 65534 --regid 65534 --clear-groups
    fi
    (umask 077 && packages "$other" "$@" faketime -f +400d)
fi

cd "$one/dist"
for file in *; do
    if cmp "$file" "$other/dist/$file"; then
        passed=$((passed + 1))
        echo "the same $file"
    else
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -ge 4 ]
