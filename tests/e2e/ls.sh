#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ls and who against ss and lsof, on servers and in namespaces of their own.
here=$(dirname "$(readlink -f "$0")")
[ "$(id -u)" = 0 ] || { echo "SKIP ls: needs root"; exit 0; }
exec python3 -B "$here/ls.py" "${BUILD:-build}/sockwatch"
