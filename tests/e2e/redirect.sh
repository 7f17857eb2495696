#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# who has a port that no socket holds, or that is held for somebody else.
here=$(dirname "$(readlink -f "$0")")
[ "$(id -u)" = 0 ] || { echo "SKIP redirect: needs root"; exit 0; }
exec python3 -B "$here/redirect.py" "${BUILD:-build}/sockwatch"
