#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Each row of twenty hosts arrives once, through faults of every kind; FLEET_LIVES=1000000 for the long run (make fleet-faults).
exec python3 -B "$(dirname "$0")/test_faults.py" "$@"
