#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The questions of docs/fleet.md, asked of a store and of a fleet; UPDATE_GOLDEN=1 writes their answers there.
exec python3 -B "$(dirname "$0")/test_questions.py" "$@"
