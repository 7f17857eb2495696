#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What is left of root's rights while a command prints, by what /proc says of it.
here=$(dirname "$(readlink -f "$0")")
[ "$(id -u)" = 0 ] || { echo "SKIP confine: needs root"; exit 0; }
unshare -m -n true 2>/dev/null || { echo "SKIP confine: unshare(CLONE_NEWNS | CLONE_NEWNET) is refused"; exit 0; }
exec unshare -m -n --propagation private python3 -B "$here/confine.py" "${BUILD:-build}/sockwatch"
