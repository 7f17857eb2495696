#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The unit under systemd; service.py tells more.
cd "$(dirname "$0")/../.." || exit 1
exec python3 tests/vm/service.py
