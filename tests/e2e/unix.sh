#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ls -x and who PATH against ss, on Unix sockets of processes of their own.
here=$(dirname "$(readlink -f "$0")")
[ "$(id -u)" = 0 ] || { echo "SKIP unix: needs root"; exit 0; }
exec python3 -B "$here/unix.py" "${BUILD:-build}/sockwatch"
