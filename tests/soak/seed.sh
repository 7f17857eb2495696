#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A recorder that starts on a host with 936,000 open sockets, as many as a third of its free memory holds: in the end the store
# has each of them, with its default queue and with a small one, and ls counts as many.  Bounded to eight minutes; SOCKETS makes it
# smaller.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/e2e/waiting.bash
export UNTIL_SECONDS=120
sockwatch=$PWD/${BUILD:-build}/sockwatch
socket_kib=7 # with its file and its end of a connection
free_kib=$(awk '/^MemAvailable/ {print $2}' /proc/meminfo)
room=$((free_kib / 3 / socket_kib / 10000 * 10000))
sockets=${SOCKETS:-936000}
[ "$sockets" -le $room ] || sockets=$room
work=$(mktemp -d) || exit 1
recorder=
check() { # NAME WHY COMMAND...
	local name=$1 why=$2
	shift 2
	if "$@"; then echo "PASS $name"; else echo "FAIL $name: $why"; fi
}
since() { echo $((($(date +%s%N) - $1) / 1000000)); }
query() { sqlite3 "$store" "$1" 2>/dev/null; }

# ---- the sockets: in a namespace of their own, until their standard input ends ----
mkfifo "$work/end"
unshare -n sh -c 'ip link set lo up && exec python3 -B tests/e2e/many.py "$1"' sh "$sockets" <"$work/end" >"$work/ready" &
holder=$!
exec 3>"$work/end"
trap 'exec 3>&-; [ -z "$recorder" ] || kill -KILL "$recorder" 2>/dev/null; wait; rm -rf "$work"' EXIT
until_true grep -q '^ready' "$work/ready" || { echo "FAIL sockets_are_there: $sockets were not made"; exit 1; }
netns=$(stat -L -c %i "/proc/$holder/ns/net")
echo "note: $sockets sockets in $SECONDS s"

# ---- the listing ----
begin=$(date +%s%N)
listed=$("$sockwatch" ls --netns "$netns" --state established | tail -n +2 | wc -l)
echo "note: ls takes $(since "$begin") ms"
check ls_lists_all "$listed of $sockets" test "$listed" = "$sockets"

# ---- the record ----
all_are_open() {
	local open
	open=$(query "SELECT count(*) FROM open WHERE netns=(SELECT id FROM netns WHERE inode=$netns) AND peer_port>0")
	[ "$open" = "$sockets" ] || { echo "$open open"; return 1; }
}
for queue in 64MB 4MB; do
	store=$work/store-$queue begin=$(date +%s%N)
	rm -f "$work/err"
	"$sockwatch" record --store "$store" --queue $queue 2>"$work/err" &
	recorder=$!
	until_true grep -q '^sockwatch: tracing' "$work/err"
	ready=$(since "$begin")
	until_true all_are_open
	echo "note: --queue $queue: ready after $ready ms, all kept after $(since "$begin") ms," \
		"$(awk '/^VmHWM/ {print int($2 / 1024)}' "/proc/$recorder/status") MiB resident," \
		"$(($(cat "$store"* | wc -c) / sockets)) bytes each"
	check "record_keeps_all_with_$queue" "$(all_are_open) of $sockets" all_are_open
	kill -INT $recorder
	wait $recorder
	check "none_lost_with_$queue" "$? $(tail -n 1 "$work/err")" grep -q 'none lost' "$work/err"
	recorder=
	rm -f "$store"*
done
