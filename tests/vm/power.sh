#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The store after a power cut; power.py tells more.
cd "$(dirname "$0")/../.." || exit 1
exec python3 tests/vm/power.py
