#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A day compressed: 2,000,000 connections in bursts of up to 50,000 a second are recorded with none lost, who had a port
# at a moment is answered in under 100 ms over them. Bounded to eight minutes; CONNECTIONS makes it smaller.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$PWD/${BUILD:-build}
sockwatch=$build/sockwatch connrate=$build/tools/connrate
connections=${CONNECTIONS:-2000000} answer_ms=100
work=$(mktemp -d) || exit 1
recorder=
trap '[ -z "$recorder" ] || kill -KILL "$recorder" 2>/dev/null; rm -rf "$work"' EXIT
store=$work/store
check() { # NAME WHY COMMAND...
	local name=$1 why=$2
	shift 2
	if "$@"; then echo "PASS $name"; else echo "FAIL $name: $why"; fi
}
start_record() {
	: >"$work/err"
	"$sockwatch" record --store "$store" 2>>"$work/err" &
	recorder=$!
	for _ in $(seq 400); do
		grep -q '^sockwatch: tracing' "$work/err" && return 0
		sleep 0.05
	done
	echo "FAIL start: $(cat "$work/err")"
	return 1
}
query() { sqlite3 "$store" "$1"; }

# ---- the day: bursts at 50,000, 20,000, 5,000 and as fast as the machine can ----
start_record || exit 1
made=0 round=0 deadline=$((SECONDS + 420))
: >"$work/ports"
while [ $made -lt "$connections" ] && [ $SECONDS -lt $deadline ]; do
	rates=(50000 20000 5000 0)
	rate=${rates[$((round++ % 4))]}
	seconds=3
	[ "$rate" = 5000 ] && seconds=1
	out=$("$connrate" --rate "$rate" --seconds $seconds --connections $((connections - made))) || exit 1
	made=$((made + $(jq .connections <<<"$out")))
	jq -r '"\(.netns) \(.port) \(.connections)"' <<<"$out" >>"$work/ports"
done
stat=($(cat "/proc/$recorder/stat")) # utime and stime are fields 14 and 15
ticks=$((stat[13] + stat[14]))
kill -INT $recorder
wait $recorder
check all_was_made "$made of $connections" test $made = "$connections"
check none_lost "$? $(tail -n 1 "$work/err")" grep -q 'none lost' "$work/err"
wrong=$(while read -r netns port count; do
	clients=$(query "SELECT count(*) FROM life WHERE netns=(SELECT id FROM netns WHERE inode=$netns) AND peer_port=$port")
	servers=$(query "SELECT count(*) FROM life WHERE netns=(SELECT id FROM netns WHERE inode=$netns) AND local_port=$port AND peer_port>0")
	echo "$count $clients $servers"
done <"$work/ports" | awk '{m += $1; c += $2; s += $3} END {print m, c, s}')
check counts_equal_the_generators "$wrong" test "$wrong" = "$made $made $made"
# By port as well: a namespace's number is soon another's, and another program's sockets may be older than the record.
inodes=$(cut -d' ' -f1 "$work/ports" | sort -u | paste -sd,)
ports=$(cut -d' ' -f2 "$work/ports" | sort -u | paste -sd,)
unknown=$(query "SELECT count(*) FROM life WHERE (facts>>16&3 OR NOT facts>>15&1) AND
	(peer_port IN ($ports) OR local_port IN ($ports)) AND
	netns IN (SELECT id FROM netns WHERE inode IN ($inodes))")
check ends_are_known "$unknown are not" test "$unknown" = 0
lives=$(query 'SELECT count(*) FROM life')
echo "note: $lives lives, $(($(stat -c %s "$store") / lives)) bytes each on disk, $((ticks * 10000 * 1000 / made)) us of CPU per 1,000 connections"

# ---- who had it: 20 moments over the whole, the slowest counts ----
slowest=0 missed=0
for i in $(seq 20); do
	id=$((lives * i / 21))
	read -r port moment < <(sqlite3 -separator ' ' "$store" "SELECT local_port,
		strftime('%Y-%m-%dT%H:%M:%S',(closed-lived/2)/1000000000,'unixepoch')||printf('.%09dZ',(closed-lived/2)%1000000000)
		FROM life WHERE id>=$id AND peer_port>0 LIMIT 1")
	begin=$(date +%s%N)
	"$sockwatch" history --store "$store" --port "$port" --at "$moment" >"$work/answer" || missed=$((missed + 1))
	took=$((($(date +%s%N) - begin) / 1000000))
	[ $took -gt $slowest ] && slowest=$took
done
check every_moment_is_answered "$missed of 20 are not" test $missed = 0
check answered_in_time "$slowest ms" test $slowest -lt $answer_ms
echo "note: the slowest of 20 answers took $slowest ms"
