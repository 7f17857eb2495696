#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What a record keeps of source ports that become scarce, and who has them.
here=$(dirname "$(readlink -f "$0")")
[ "$(id -u)" = 0 ] || { echo "SKIP scarce: needs root"; exit 0; }
exec python3 -B "$here/scarce.py" "${BUILD:-build}/sockwatch" "$@"
