#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whole-program tests: run.sh [PROGRAM] [-v] [-j N] [-k PART] [--quick N]. PROGRAM: ./sp-openstack at the top.
set -eu
exec python3 -B "$(dirname "$0")/run.py" "$@"
