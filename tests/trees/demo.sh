#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Shows what sp-openstack does, on a real os-brick of each of the four releases. They come from the
# package index; without it, on small samples that are part of this checkout. Nothing outside of a
# scratch directory is touched, and root is not needed.
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
program=${SP_OPENSTACK:-$top/sp-openstack}
packages=$top/tests/trees/packages.py

if [ ! -x "$program" ]; then
    echo "demo: $program is not there; build it first: make" >&2
    exit 1
fi
scratch=$(mktemp -d "${TMPDIR:-/tmp}/sp-openstack-demo.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
cd "$scratch"
unset PYTHONPATH SP_OPENSTACK_WORK_DIR || true

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi

title() {
    printf '\n%s== %s%s\n' "$bold" "$*" "$plain"
}

# show STATUS ARGUMENT...: print the command line, run it, and insist on its exit status
show() {
    expected=$1
    shift
    printf '\n%s$ sp-openstack %s%s\n' "$bold" "$*" "$plain"
    status=0
    "$program" "$@" >out 2>&1 || status=$?
    if [ "$1" = diff ] || [ "${3:-}" = diff ]; then
        abridge out
    else
        cat out
    fi
    if [ "$status" -ne "$expected" ]; then
        echo "demo: exit status $status, not $expected" >&2
        exit 1
    fi
}

# Of a new file the first lines are enough.
abridge() {
    awk '
        function rest() { if (left > 0) printf "  ... and %d lines more\n", left; left = 0 }
        /^diff --git / { rest(); lines = 0; most = 60 }
        { lines++ }
        /^new file mode/ { most = 12 }
        lines <= most { print; next }
        { left++ }
        END { rest() }
    ' "$1"
}

# A digest of names, modes, times and contents
digest() {
    (cd "$1" && find . -exec ls -ld --time-style=full-iso {} + && find . -type f -exec cksum {} +) |
        sort | cksum
}

demonstrate() {
    release=$1 version=$2 site=$3
    title "$release: os-brick $version"
    before=$(digest "$site")
    show 0 -L "$site" detect
    show 1 -L "$site" check
    show 0 -L "$site" diff
    show 0 -L "$site" -W work install --no-groups
    show 0 -L "$site" check
    show 0 -L "$site" -W work uninstall
    if [ "$(digest "$site")" != "$before" ]; then
        echo "demo: the tree is not what it was before" >&2
        exit 1
    fi
    printf '\nEvery name, byte, mode and time in %s is as before.\n' "$site"
}

# bindings SITE: the metadata of StorPool's own two packages, so that they are found beside os-brick
bindings() {
    for one in storpool-7.3.0 storpool.spopenstack-3.2.0; do
        mkdir "$1/$one.dist-info"
        printf 'Metadata-Version: 2.1\nName: %s\nVersion: %s\n' "${one%-*}" "${one##*-}" \
            >"$1/$one.dist-info/METADATA"
    done
}

# fetch NAME VERSION: os-brick VERSION into the directory NAME
fetch() {
    mkdir "$1"
    python3 "$packages" --fetch "os_brick-$2" "$1" 2>why
}

if command -v python3 >/dev/null && fetch mitaka 1.2.0; then
    echo "Four releases of os-brick, as the package index has them. The first one stands alone, the"
    echo "others beside (the metadata of) the two packages of StorPool that the drivers need."
    for one in newton=1.6.2 ocata=1.11.1 pike=1.15.9; do
        if ! fetch "${one%=*}" "${one#*=}"; then
            cat why >&2
            exit 1
        fi
        bindings "${one%=*}"
    done
    demonstrate Mitaka 1.2.0 mitaka
    demonstrate Newton 1.6.2 newton
    demonstrate Ocata 1.11.1 ocata
    demonstrate Pike 1.15.9 pike
else
    if [ -s why ]; then
        sed 's/^/demo: /' why
    fi
    echo "The package index can't be reached: two small samples, which have just what is edited."
    rm -rf mitaka
    cp -R "$top/tests/fixtures/sample/mitaka" "$top/tests/fixtures/sample/pike" .
    demonstrate Mitaka 1.2.0 mitaka
    demonstrate Pike 1.15.9 pike
fi
