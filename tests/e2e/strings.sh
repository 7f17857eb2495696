#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Hostile strings from every place where the program reads names, through every output.
here=$(dirname "$(readlink -f "$0")")
[ "$(id -u)" = 0 ] || { echo "SKIP strings: needs root"; exit 0; }
unshare -m -n true 2>/dev/null || { echo "SKIP strings: unshare(CLONE_NEWNS | CLONE_NEWNET) is refused"; exit 0; }
# Names of namespaces, files in /etc and /run: all in mounts and a network namespace of its own.
exec unshare -m -n --propagation private python3 -B "$here/strings.py" "${BUILD:-build}/sockwatch"
