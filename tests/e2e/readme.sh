#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The README's examples, run and compared in shape.
here=$(dirname "$(readlink -f "$0")")
[ "$(id -u)" = 0 ] || { echo "SKIP readme: needs root"; exit 0; }
exec python3 -B "$here/readme.py" "${BUILD:-build}/sockwatch"
