#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What a person sees: every command on a pseudo-terminal of several widths, and in a pipe.
here=$(dirname "$(readlink -f "$0")")
[ "$(id -u)" = 0 ] || { echo "SKIP terminal: needs root"; exit 0; }
exec python3 -B "$here/terminal.py" "${BUILD:-build}/sockwatch"
