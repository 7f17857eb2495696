#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# sockwatch top: frames in a pipe, and every key on a pseudo-terminal.
here=$(dirname "$(readlink -f "$0")")
[ "$(id -u)" = 0 ] || { echo "SKIP top: needs root"; exit 0; }
exec python3 -B "$here/top.py" "${BUILD:-build}/sockwatch"
