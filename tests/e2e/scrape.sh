#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Metrics as a real Prometheus sees them, beside what the traffic itself knows.  PROMETHEUS_SECONDS: of traffic, 15.
exec python3 "$(dirname "$0")/scrape.py" "${BUILD:-build}/sockwatch" "$@"
