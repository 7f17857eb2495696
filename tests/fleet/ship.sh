#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What a sender makes of real servers: killed, stopped, full, without a table, behind a password or TLS.
exec python3 -B "$(dirname "$0")/test_ship.py" "$@"
