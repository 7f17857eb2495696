#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Rows that a sender has not sent yet stay longer than --keep says, in a record that has given its rights away.
here=$(dirname "$(readlink -f "$0")")
[ "$(id -u)" = 0 ] || { echo "SKIP unsent: needs root"; exit 0; }
exec python3 -B "$here/unsent.py" "${BUILD:-build}/sockwatch" "$@"
