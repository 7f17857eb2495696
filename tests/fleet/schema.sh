#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The tables and views of a fleet's database, on the servers that take them.
exec python3 -B "$(dirname "$0")/test_schema.py" "$@"
