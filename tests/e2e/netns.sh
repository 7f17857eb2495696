#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Network namespaces wherever they are kept, and what is in the way; with mounts of its own.
here=$(dirname "$(readlink -f "$0")")
[ "$(id -u)" = 0 ] || { echo "SKIP netns: needs root"; exit 0; }
unshare -m --propagation private true 2>/dev/null || { echo "SKIP netns: no mount namespace can be made"; exit 0; }
exec unshare -m --propagation private python3 -B "$here/netns.py" "${BUILD:-build}/sockwatch"
