#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Lint the Python: flake8 on all of it (79 columns for what is installed, 100
# for the rest), pylint's errors on the drivers, and their syntax on Python 2.7
# and 3. The linters come from the package index, into an environment under
# SP_TEST_CACHE (default: sp-openstack in the user's cache directory).

set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
cache=${SP_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sp-openstack}
venv=$cache/lint
pins='flake8==7.1.1 pylint==3.3.1'
passed=0 failed=0 skipped=0

check() {
    name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $name"
    fi
}

cd "$top" || exit 1
if [ "$(cat "$venv/.complete" 2>/dev/null)" != "$pins" ]; then
    rm -rf "$venv"
    # shellcheck disable=SC2086  # several words
    if "${PYTHON:-python3}" -m venv "$venv" 2>/dev/null &&
        "$venv/bin/pip" install --quiet --disable-pip-version-check $pins; then
        echo "$pins" >"$venv/.complete"
    fi
fi
if [ -f "$venv/.complete" ]; then
    check 'flake8 drivers' "$venv/bin/flake8" drivers tests/drivers
    check 'flake8 tests, tools, packaging' "$venv/bin/flake8" --max-line-length 100 \
        --extend-ignore E203,E402,W503,W504 tests tools packaging
    check 'pylint drivers' "$venv/bin/pylint" --errors-only \
        --disable=import-error,no-name-in-module drivers/cinder drivers/nova drivers/os_brick
else
    skipped=3
    echo "skipped: flake8 and pylint, for want of the package index"
fi
for python in "${PYTHON:-python3}" "${PYTHON2:-python2.7}" \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7.*/bin/python2.7; do
    "$python" -c '' 2>/dev/null || continue
    check "syntax on $python" "$python" -c '
import ast, glob
for name in glob.glob("drivers/*/*.py"):
    ast.parse(open(name).read(), name)'
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
