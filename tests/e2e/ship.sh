#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A record sent to a server of the test's own: each row once, whatever becomes of either; what is said; which rights are left.
[ "$(id -u)" = 0 ] || { echo "SKIP ship: needs root"; exit 0; }
exec python3 -B "$(dirname "$0")/ship.py" "${BUILD:-build}/sockwatch" "$@"
