#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# `history --from` says what `history --store` says, of every host.
exec python3 -B "$(dirname "$0")/test_history.py" "$@"
