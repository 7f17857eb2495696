#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A report of a record against what was done meanwhile, and against what history says of it.
here=$(dirname "$(readlink -f "$0")")
[ "$(id -u)" = 0 ] || { echo "SKIP report: needs root"; exit 0; }
exec python3 -B "$here/report.py" "${BUILD:-build}/sockwatch"
