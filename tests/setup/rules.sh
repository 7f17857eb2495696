#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# dist/prometheus: rules, scrape configuration and dashboard by Prometheus' own tool, and each name against the list of metrics.
here=$(dirname "$(readlink -f "$0")")
cd "$here/../.." || exit 1
promtool=${BUILD:-build}/prometheus/usr/bin/promtool
[ -x "$promtool" ] || promtool=$(command -v promtool) || { echo "SKIP rules: no promtool; make deps-test unpacks it"; exit 0; }
exec python3 -B "$here/rules.py" "$promtool"
