#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The servers, the proxy and the stores that the tests of a fleet stand on.
exec python3 -B "$(dirname "$0")/test_rig.py" "$@"
