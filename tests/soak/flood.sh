#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Floods at full size (as far as the memory of this machine goes), and a tracer that stands still for ten seconds.
cd "$(dirname "$0")/../.." || exit 1
export FLOOD_SECONDS=${FLOOD_SECONDS:-10} FLOOD_SIZE=${FLOOD_SIZE:-100}
exec python3 tests/e2e/bounds.py "$@"
