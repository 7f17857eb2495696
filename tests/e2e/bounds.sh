#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Floods and faults under a ceiling of memory, in short; tests/soak/flood.sh has them at full size.
cd "$(dirname "$0")/../.." || exit 1
export FLOOD_SECONDS=${FLOOD_SECONDS:-2} FLOOD_SIZE=${FLOOD_SIZE:-1}
exec python3 tests/e2e/bounds.py lives processes namespaces binds renames sigstop freezer memory_max
