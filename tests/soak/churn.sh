#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Ten minutes of connections, processes and namespaces; churn.py tells more.
cd "$(dirname "$0")/../.." || exit 1
exec python3 tests/soak/churn.py
