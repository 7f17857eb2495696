#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ls and who with a running trace, a running record and a store: since when, and who left a TIME_WAIT.
here=$(dirname "$(readlink -f "$0")")
[ "$(id -u)" = 0 ] || { echo "SKIP past: needs root"; exit 0; }
exec python3 -B "$here/past.py" "${BUILD:-build}/sockwatch"
