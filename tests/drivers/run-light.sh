#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Run the tests of the drivers that need no OpenStack.
#
# The StorPool bindings are taken from the package index, into an environment
# under SP_TEST_CACHE (default: sp-openstack in the user's cache directory).
# The tests run on python3 (PYTHON), and on Python 2.7 where there is one that
# runs (PYTHON2).  What could not be had is reported as skipped, by name.

set -u

here=$(cd "$(dirname "$0")" && pwd)
cache=${SP_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sp-openstack}
bindings='storpool==7.3.0 storpool.spopenstack==3.2.0 simplejson'
# The directory is added in this way for the sake of Python 2, where a package
# in several places is put together by the .pth files in it.
main='import os, site, unittest
bindings = os.environ["SP_TEST_BINDINGS"]
if bindings:
    site.addsitedir(bindings)
unittest.main(module=None)'
done=
skipped=
failed=

skip() {
    skipped="$skipped
  $1"
}

# Whether a program is a Python of a major version that runs.
is_python() {
    "$1" -c "import sys; sys.exit(sys.version_info[0] != $2)" 2>/dev/null
}

# Print the first Python 2.7 that runs.
find_python2() {
    for candidate in ${PYTHON2:-} python2.7 \
            "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7.*/bin/python2.7; do
        if is_python "$candidate" 2; then
            echo "$candidate"
            return
        fi
    done
}

# Put the bindings where a Python finds them: install INTERPRETER DIRECTORY.
# The stamp names the pins, so that other pins make another attempt.
install() {
    stamp="$2/.complete"
    if [ "$(cat "$stamp" 2>/dev/null)" = "$bindings" ]; then
        return 0
    fi
    rm -rf "$2"
    mkdir -p "$2" || return 1
    # shellcheck disable=SC2086  # several words
    "$1" -m pip install --quiet --disable-pip-version-check \
        --target "$2" $bindings >"$2/.log" 2>&1 || return 1
    echo "$bindings" >"$stamp"
}

# Run the tests: run INTERPRETER.
run() {
    name=$("$1" -c 'import sys; print("Python %d.%d" % sys.version_info[:2])')
    target="$cache/light-$(echo "$name" | tr ' ' '-')"
    echo "== $name"
    if ! install "$1" "$target"; then
        echo "no bindings: $(tail -n 1 "$target/.log" 2>/dev/null)"
        skip "$name: behaviour tests, for want of storpool 7.3.0 and \
storpool.spopenstack 3.2.0 from the package index"
        target=
    fi
    if PYTHONDONTWRITEBYTECODE=1 SP_TEST_BINDINGS="$target" \
            "$1" -c "$main" discover -s "$here" -t "$here"; then
        done="$done $name,"
    else
        failed="$failed $name,"
    fi
}

python3=${PYTHON:-python3}
if is_python "$python3" 3; then
    run "$python3"
else
    skip "Python 3: no $python3 that runs"
    failed="$failed Python 3 is missing,"
fi

python2=$(find_python2)
if [ -n "$python2" ]; then
    run "$python2"
else
    skip 'Python 2.7: no python2.7 that runs; PYTHON2 may name one'
fi

echo
[ -z "$skipped" ] || echo "skipped:$skipped"
if [ -n "$failed" ]; then
    echo "drivers: FAILED:${failed%,}"
    exit 1
fi
echo "drivers: passed on${done%,}${skipped:+; NOT ALL WERE RUN, see above}"
