#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Recorders killed at random moments; kill.py tells more.
cd "$(dirname "$0")/../.." || exit 1
exec python3 tests/soak/kill.py
