#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Half a minute of what tests/soak/churn.sh does for ten.
cd "$(dirname "$0")/../.." || exit 1
SOAK_SECONDS=${SOAK_SECONDS:-30} exec python3 tests/soak/churn.py
