#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Each query of the dashboard and each rule, by a Prometheus that scrapes made-up values of every metric.
here=$(dirname "$(readlink -f "$0")")
cd "$here/../.." || exit 1
prometheus=${BUILD:-build}/prometheus/usr/bin/prometheus
[ -x "$prometheus" ] || prometheus=$(command -v prometheus) || { echo "SKIP dashboard: no prometheus; make deps-test unpacks it"; exit 0; }
# What it asks and answers leaves hundreds of TIME_WAITs: in a network of its own, where that can be had.
alone=(unshare -n sh -c 'ip link set lo up && exec "$@"' sh)
"${alone[@]}" true 2>/dev/null || alone=()
exec "${alone[@]}" python3 -B "$here/dashboard.py" "$prometheus"
