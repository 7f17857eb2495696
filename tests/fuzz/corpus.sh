#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Every input that a fuzzer has kept is played to its target: one test a target.
set -u
cd "$(dirname "$0")/../.." || exit 1
TMPDIR=$(mktemp -d) || exit 1
trap 'rm -rf "$TMPDIR"' EXIT
export TMPDIR
log=$TMPDIR/log
for directory in tests/fuzz/corpus/*; do
	name=$(basename "$directory")
	if "${BUILD:-build}/tests/fuzz/$name" "$directory" >"$log" 2>&1; then
		echo "PASS fuzz-corpus-$name"
	else
		played=$(grep "^$directory" "$log" | tail -n 1)
		# What the target itself read of stderr.
		cat "$TMPDIR/said" >>"$log" 2>/dev/null
		echo "FAIL fuzz-corpus-$name: $played: $(grep -m1 -E 'does not hold|runtime error|ERROR' "$log")"
		grep -v "^$directory" "$log" | head -n 30 | sed 's/^/    /'
	fi
	rm -f "$TMPDIR/said"
done
