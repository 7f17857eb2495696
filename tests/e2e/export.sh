#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Metrics: what they say of traffic that is known, who may ask, and what nobody can do by asking.
exec python3 "$(dirname "$0")/export.py" "${BUILD:-build}/sockwatch" "$@"
