#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# `sockwatch record` and `sockwatch history` against real sockets.
# In a network namespace of its own, and recording no other: what else happens on this host must not fill a small disk or
# take a port that is asked for.
if [ -z "${RECORD_ALONE:-}" ] && unshare -n true 2>/dev/null; then
	RECORD_ALONE=1 exec unshare -n "$0"
fi
ip link set lo up 2>/dev/null
. "${0%/*}/checks.bash"

if ! "$sockwatch" features >/dev/null 2>"$work/why"; then
	echo "SKIP record: $(tail -n 1 "$work/why")"
	exit 0
fi

# Starts a recorder; its number in $recorder, its words in $work/NAME.err.
start_record() { # NAME STORE OPTION...
	local name=$1 store=$2
	shift 2
	rm -f "$work/$name.err" # a recorder before may have had the name
	"$sockwatch" record --store "$store" --netns self "$@" >/dev/null 2>"$work/$name.err" &
	recorder=$!
	pids="$pids $recorder"
	until_true grep -q '^sockwatch: tracing' "$work/$name.err" || fail "$name" "did not start: $(cat "$work/$name.err")"
}
# Its exit code in $code: 137 when it does not end in a minute.
stop_record() {
	kill -INT "$recorder" 2>/dev/null
	(trap 'kill $!; exit' TERM; sleep 60 & wait $!; kill -KILL "$recorder") >/dev/null 2>&1 &
	local guard=$!
	wait "$recorder"
	code=$?
	kill "$guard" 2>/dev/null
}
history() { "$sockwatch" history --store "$@"; }

# A server and a client on loopback, N connections one after the other; prints the port.
talk() { # N
	python3 - "$1" <<'PY'
import socket, sys
server = socket.create_server(("127.0.0.1", 0), backlog=8)
port = server.getsockname()[1]
for i in range(int(sys.argv[1])):
    c = socket.create_connection(("127.0.0.1", port))
    s, _ = server.accept()
    c.sendall(b"x" * 100)
    s.recv(100)
    c.close()
    s.close()
print(port)
PY
}
# Holds a listener and a connection open until killed; prints port and pid first.
hold() {
	rm -f "$work/hold"
	python3 -c '
import socket, os, signal
server = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(server.getsockname())
s, _ = server.accept()
print(server.getsockname()[1], c.getsockname()[1], flush=True)
signal.pause()' >"$work/hold" &
	holder=$!
	pids="$pids $holder"
	until_true test -s "$work/hold"
	read -r held_port held_client <"$work/hold"
}

# ---- lives, failures, what is open ----
store=$work/store
hold; old_port=$held_port old_client=$held_client old_holder=$holder
python3 -c 'import socket, signal
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
signal.pause()' >"$work/early" &
early=$!
pids="$pids $early"
until_true test -s "$work/early"
early_port=$(<"$work/early")
start_record record "$store"
port=$(talk 20)
hold; new_client=$held_client new_holder=$holder
refused() { python3 -c 'import socket,sys
try: socket.create_connection(("127.0.0.1", 1))
except ConnectionRefusedError: sys.exit(0)
sys.exit(1)'; }
refused
python3 -c 'import socket,sys
try: socket.create_server(("127.0.0.1", int(sys.argv[1])))
except OSError: pass' "$old_port"
sees() { [ "$(history "$store" --port "$1" -o json "${@:3}" 2>/dev/null | jq -s 'length')" -ge "$2" ]; }
until_true sees "$new_client" 2
until_true sees "$old_port" 1 -L "$old_port" --events bind --failed
now=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)

count=$(history "$store" -L "$port" --events close -o json | jq -s 'map(select(.peer)) | length')
check every_accepted_life "$count of 20" test "$count" = 20
count=$(history "$store" -D "$port" --events close -o json | jq -s 'map(select(.sent_bytes == 100 and .reason == "local-close" and .process.name == "python3")) | length')
check every_connected_life "$count of 20" test "$count" = 20
count=$(history "$store" -D 1 --reason refused -o json | jq -s length)
check by_reason "$count of 1" test "$count" -ge 1
error=$(history "$store" -L "$old_port" --events bind -o json | jq -r 'select(.error).error')
check failed_bind "'$error'" test "$error" = EADDRINUSE
held=$(history "$store" -L "$old_port" --events bind -o json | jq -rc 'select(.error).holders | .[] | "\(.process.pid) \(.local.port) \(.state)"' | sort | paste -sd,)
wanted="$old_holder $old_port LISTEN"
check failed_bind_names_its_holders "'$held', not '$wanted'" test "$held" = "$wanted"
text=$(history "$store" -L "$old_port" --events bind)
check failed_bind_says_who_held_it "$text" grep -qE "! bind +EADDRINUSE .* held by python3\[$old_holder\] 127\.0\.0\.1:$old_port LISTEN" <<<"$text"
holders=$(sqlite3 "$store" "SELECT count(*) FROM holders WHERE pid=$old_holder AND local_port=$old_port AND state='LISTEN'")
check the_view_holders "$holders of 1" test "$holders" = 1

# ---- UDP: bound, bound by sending, connected; the kernel counts no bytes ----
read -r bound sender udp_pid < <(python3 -c '
import os, socket
a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
a.bind(("127.0.0.1", 0))
b.sendto(b"x" * 100, a.getsockname())
a.recv(100)
b.connect(a.getsockname())
print(a.getsockname()[1], b.getsockname()[1], os.getpid())')
udp_sees() { [ "$(history "$store" -u -L "$1" -p "$udp_pid" -o json --events close 2>/dev/null | wc -l)" = 1 ]; }
until_true udp_sees "$bound"
until_true udp_sees "$sender"
story=$(history "$store" -u -L "$bound" -p "$udp_pid" -o json | jq -rc '"\(.event) \(.autobind) \(.reason) \(.sent_bytes) \(.peer)"' | paste -sd,)
check udp_bound "$story" test "$story" = "bind null null null null,close null local-close null null"
story=$(history "$store" -u -L "$sender" -p "$udp_pid" -o json | jq -rc '"\(.event) \(.autobind) \(.reason) \(.sent_bytes) \(.peer.port)"' | paste -sd,)
check udp_bound_by_sending "$story" test "$story" = "bind true null null null,close null local-close null $bound"

# ---- bound, and nobody listens: before the record began, by bind() alone, and a listener that was shut down ----
shut=2$((RANDOM % 1000 + 1000)) bare=2$((RANDOM % 1000 + 3000))
python3 -c '
import socket, sys, signal
shut, bare = socket.socket(), socket.socket(socket.AF_INET6)
shut.bind(("0.0.0.0", int(sys.argv[1])))
shut.listen()
shut.shutdown(socket.SHUT_RDWR)
bare.bind(("::", int(sys.argv[2])))
signal.pause()' "$shut" "$bare" &
binder=$!
pids="$pids $binder"
open_at() { history "$store" -L "$1" --at "$2" -o json 2>/dev/null | jq -r 'select(.event == "open") | "\(.process.pid) \(.state) \(.peer)"'; }
is_open() { [ -n "$(open_at "$1" "$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)")" ]; }
for port in "$early_port" "$shut" "$bare"; do
	until_true is_open "$port"
done
between=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
kill "$binder" "$early"
is_over() { [ -z "$(open_at "$1" "$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)")" ]; }
until_true is_over "$shut"
for what in "bound_before_the_record $early_port $early" "a_listener_that_was_shut_down $shut $binder" "bound_only $bare $binder"; do
	set -- $what
	kind=$(history "$store" -L "$2" --at "$between" -o json | jq -r '"\(.process.pid) \(.peer)"' | sort -u)
	check "at_$1" "'$kind'" test "$kind" = "$3 null"
done
text=$(history "$store" -L "$bare" --at "$between")
check at_tells_both_families "$text" grep -qF "*:$bare" <<<"$text"

# ---- a container: as Docker names its cgroups ----
container=$(printf 'c0ffee%058x' $$)
in_container() {
	local scope=$work/cgroup/docker-$container.scope
	mkdir "$work/cgroup" && mount -t cgroup2 none "$work/cgroup" && mkdir "$scope" || return 77
	(echo $BASHPID >"$scope/cgroup.procs" || exit 77
	talk 3 >/dev/null || echo "nothing was said") || return 77
	until_true sees_container || echo "not recorded: $(history "$store" -c python3 -o json | jq -c .process | sort -u)"
	until_true rmdir "$scope" || echo "the cgroup stays"
}
sees_container() { [ "$(history "$store" --container "${container:0:12}" --events close -o json 2>/dev/null | wc -l)" -ge 6 ]; }
export -f in_container sees_container history talk until_true
export work sockwatch store container
why=$(own_mounts bash -c in_container 2>&1)
case $? in
77) echo "SKIP container: no cgroup can be made: $why" ;;
*) check container "$why" test -z "$why" ;;
esac

kind=$(history "$store" -L "$new_client" --at "$now" -o json | jq -r '"\(.event) \(.process.pid) \(.state) \(.opened != null)"')
check at_names_who_has_it_open "'$kind'" test "$kind" = "open $new_holder ESTABLISHED true"
kind=$(history "$store" -L "$old_client" --at "$now" -o json | jq -r '"\(.event) \(.process.pid) \(.opened)"')
check at_names_what_was_there_before "'$kind'" test "$kind" = "open $old_holder null"
history "$store" -p "$new_holder" --at "$now" | grep -q "ESTABLISHED"
check text_shows_the_state "no ESTABLISHED" test $? = 0
history "$store" --port 3 >"$work/out" 2>"$work/err"
code=$?
check nothing_found_is_code_3 "$code $(cat "$work/out" "$work/err")" test $code = 3 -a ! -s "$work/out"
history "$store" -L "$new_client" --at -10d >/dev/null 2>"$work/err"
code=$?
grep -q 'begins after' "$work/err"
held=$?
check before_the_record "$code $(cat "$work/err")" test $held = 0 -a $code = 3

# ---- a second recorder ----
timeout 20 "$sockwatch" record --store "$store" --for 1s 2>"$work/second.err"
code=$?
grep -q 'another sockwatch is recording' "$work/second.err"
held=$?
check second_recorder_refused "$code: $(cat "$work/second.err")" test $held = 0 -a $code = 1

# ---- following ----
timeout 90 "$sockwatch" history --store "$store" --follow -o json --events close --count 4 -c python3 >"$work/follow" 2>&1 &
follower=$!
pids="$pids $follower"
until_true sh -c "ls -l /proc/\$(pgrep -P $follower)/fd 2>/dev/null | grep -q store"
for _ in 1 2 3 4 5; do
	fresh=$(talk 1)
	UNTIL_SECONDS=10 until_true test -s "$work/follow" && break
done
talk 2 >/dev/null
wait "$follower"
code=$?
check follow_shows_new_ones "code $code, $(wc -l <"$work/follow") lines" test $code = 0 -a "$(wc -l <"$work/follow")" = 4

stop_record
check stopped "code $code: $(cat "$work/record.err")" test $code = 0
check whole_after_stop "integrity" test "$(sqlite3 "$store" 'PRAGMA integrity_check')" = ok

# ---- every filter of the contract, against the same lives taken apart by jq ----
netns=$(stat -Lc %i /proc/self/ns/net)
everything=$(history "$store" -o json)
filter() { # NAME CONDITION FILTER...
	local name=$1 condition=$2 want have
	shift 2
	want=$(jq -c "select($condition)" <<<"$everything" | wc -l)
	have=$(history "$store" -o json "$@" 2>/dev/null | jq -c "($condition) // false" | sort | uniq -c | xargs)
	[ "$want" = 0 ] || want="$want true"
	check "filter_$name" "$have, not $want" test "${have:-0}" = "$want"
}
filter tcp '.proto == "tcp"' -t
filter pid ".process.pid == $old_holder" -p "$old_holder"
filter comm '.process.name // "" | startswith("pyth")' -c pyth
filter user '.process.uid == 0' -U root
filter nobody '.process.uid == 65534' -U 65534
filter port ".local.port == $port or .peer.port == $port" --port "$port"
filter local_ports ".local.port // 0 | . >= 1 and . <= 40000" -L 1-40000
filter remote ".peer.port == $port" -D "$port"
filter ipv6 '.family == "ipv6" and (.mapped | not)' -6
filter addr '[.local.addr, .peer.addr] | any(. != null and startswith("127."))' --addr 127.0.0.0/8
filter other_addr 'false' --addr 203.0.113.0/24
filter state '[.state, .states[]?.state] | index("SYN_RECV") != null' --state syn-recv
filter own_netns ".netns == $netns" --netns self
filter another_netns "false" --netns 1
filter container ".process.container == \"$container\"" --container "${container:0:12}"
filter another_container 'false' --container 0123456789ab
filter events '.event == "listen"' --events listen
filter failed '.error != null or (.event == "close" and ([.reason] | inside(["local-close", "peer-close", "unknown"]) | not))' --failed
kinds=$(history "$store" --failed -o json | jq -r '"\(.event) \(.reason // .error)"' | sort -u)
check failed_calls_and_failed_lives "$kinds" test "$(grep -cxE 'bind EADDRINUSE|close refused' <<<"$kinds")" = 2
text=$(history "$store" --failed | tail -n +2 | grep -v ' ! ')
check failed_lines_are_marked "$text" test -z "$text"
history "$store" --failed -L "$new_client" >"$work/out" 2>"$work/err"
code=$?
check none_failed_is_code_3 "$code $(cat "$work/out" "$work/err")" test $code = 3 -a ! -s "$work/out"

# ---- SIGKILL: what was open says so, and the next run finds those that still are ----
start_record killed "$store"
until_true sh -c "sqlite3 '$store' 'SELECT max(run) FROM open' | grep -qx 2"
kill -KILL "$recorder"
wait "$recorder" 2>/dev/null
text=$(history "$store" -L "$new_client")
check open_end_unknown_after_a_kill "'$text'" grep -q 'end unknown' <<<"$text"
kill -KILL "$new_holder"
start_record again "$store"
until_true sh -c "! sqlite3 '$store' 'SELECT run FROM open' | grep -qvx 3"
end=$(history "$store" -L "$new_client" -o json | jq -r '"\(.event) \(.end) \(.duration_ns)"')
check gone_meanwhile "'$end'" test "$end" = "close unknown null"
kill -KILL "$old_holder"
until_true sh -c "[ \"\$('$sockwatch' history --store '$store' -L $old_client -o json | jq -r .event)\" = close ]"
held=$?
check still_there_meanwhile "$(history "$store" -L "$old_client")" test $held = 0
stop_record

# ---- a recorder that was stopped tells no dead socket as open: by the facts it has not read yet, they are over ----
# Connections that end at once, up to 2,000 a second, until $work/enough is there; prints their number and its own.
storm() {
	python3 -c '
import os, socket, sys, time
server = socket.create_server(("127.0.0.1", 0), backlog=8)
made = 0
while not os.path.exists(sys.argv[1]):
    for _ in range(20):
        c = socket.create_connection(server.getsockname())
        s, _ = server.accept()
        c.close()
        s.close()
        made += 1
    time.sleep(0.01)
print(made, os.getpid())' "$work/enough"
}
store=$work/stopped
hold
# Only the kernel's part of the ring buffer, a 32nd, is there while the whole program stands still.
start_record stopped "$store" --ring 1G
storm >"$work/storm" &
storm=$!
pids="$pids $storm"
for _ in 1 2 3 4 5; do
	kill -STOP "$recorder"
	sleep 1.6 # as long as it was stopped when this was found; nothing is waited for
	kill -CONT "$recorder"
	rows=$(sqlite3 "$store" 'SELECT count(*) FROM life')
	until_true sh -c "[ \$(sqlite3 '$store' 'SELECT count(*) FROM life') -gt $rows ]"
done
touch "$work/enough"
wait "$storm"
read -r made storm_pid <"$work/storm"
ended() { [ "$(sqlite3 "$store" "SELECT count(*) FROM lives WHERE pid=$storm_pid")" -ge $((2 * made + 1)) ]; }
until_true ended
# What is open: the listener and the two ends that are held.
open_ones() { sqlite3 "$store" 'SELECT count(*),count(DISTINCT pid),min(pid) FROM open_lives'; }
until_true sh -c "[ \"\$(sqlite3 '$store' 'SELECT count(*) FROM open_lives')\" = 3 ]"
check none_is_open_that_ended "$(open_ones) of $made connections" test "$(open_ones)" = "3|1|$holder"
stop_record
check stopped_and_none_lost "code $code: $(cat "$work/stopped.err")" test $code = 0
start_record stopped "$store"
until_true sh -c "! sqlite3 '$store' 'SELECT run FROM open' | grep -qvx 2"
stop_record
count=$(sqlite3 "$store" "SELECT count(*),sum(facts>>16&3!=0) FROM life WHERE process IN (SELECT id FROM process WHERE pid=$storm_pid)")
check no_end_is_added_by_the_next_run "$count, not $((2 * made + 1))|0" test "$count" = "$((2 * made + 1))|0"
kill -KILL "$holder"

# ---- more sockets at the start than memory takes ----
many=$(ulimit -Hn) store=$work/many
[ "$many" != unlimited ] && [ "$many" -lt 20100 ] || many=20100
many=$((many - 100))
python3 -c '
import resource, signal, socket, sys
count = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
sockets = []
for port in range(1024, 1024 + count):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", port))
    sockets.append(s)
print(len(sockets), flush=True)
signal.pause()' $many >"$work/sockets" 2>"$work/why" &
holder=$!
pids="$pids $holder"
if until_true test -s "$work/sockets"; then
	start_record many "$store" --queue 1M
	told() { [ "$(sqlite3 "$store" "SELECT count(*) FROM open_lives WHERE pid=$holder")" = $many ]; }
	until_true told
	check all_that_were_there "$(sqlite3 "$store" 'SELECT count(*) FROM open') of $many" told
	stop_record
	check none_of_them_lost "code $code: $(cat "$work/many.err")" test $code = 0
	# The next recorder ends none of them before it has told all.
	start_record many "$store" --queue 1M
	until_true sh -c "! sqlite3 '$store' 'SELECT run FROM open' | grep -qvx 2"
	stop_record
	count=$(sqlite3 "$store" "SELECT (SELECT count(*) FROM open_lives WHERE pid=$holder),(SELECT count(*) FROM life)")
	check the_next_run_ends_none_of_them "$count" test "$count" = "$many|0"
else
	echo "SKIP all_that_were_there: $many sockets cannot be opened: $(cat "$work/why")"
fi
kill -KILL "$holder"

# ---- bad input ----
echo "my diary" >"$work/diary"
timeout 20 "$sockwatch" record --store "$work/diary" --for 1s 2>"$work/diary.err"
code=$?
grep -q 'is not a store' "$work/diary.err" && [ "$(cat "$work/diary")" = "my diary" ]
held=$?
check foreign_file_untouched "$code: $(cat "$work/diary.err")" test $held = 0 -a $code = 1
for bad in "record --store s --keep 5" "record --store s --keep 1MB" "history --store s --at soon" \
	"history --store s --at 03:12 --since -1h" "history --store s --since -1h --until -2h" "history --store s --reason bored"; do
	# shellcheck disable=SC2086
	"$sockwatch" $bad >"$work/out" 2>"$work/err"
	code=$?
	check "usage: $bad" "$code $(cat "$work/err")" test $code = 2 -a "$(wc -l <"$work/err")" = 1 -a ! -s "$work/out"
done

# ---- disk full and back, on a tmpfs of its own ----
full_disk() {
	mkdir -p "$work/small" && mount -t tmpfs -o size=3m none "$work/small" || return 77
	store=$work/small/store
	head -c 1900000 /dev/zero >"$work/small/ballast"
	start_record full "$store" --queue 64M
	for _ in $(seq 40); do
		talk 500 >/dev/null
		grep -q 'going on in memory' "$work/full.err" && break
	done
	grep -q 'going on in memory' "$work/full.err" || { echo "never full"; return 1; }
	late=$(talk 10)
	rm "$work/small/ballast"
	until_true grep -q 'writing to .* again; 0 events' "$work/full.err" || { echo "not back"; return 1; }
	until_true sh -c "[ \$('$sockwatch' history --store '$store' -D $late --events close -o json | jq -s length) = 10 ]" ||
		{ echo "10 lives of the full time are missing"; return 1; }
	stop_record
	# What the kernel ran no program for, on a busy machine, no disk had to do with.
	[ $code = 0 ] || grep -qE ' ([0-9]+) facts lost, 0 sockets not kept, 0 rows not written, \1 of them withheld by the kernel$' "$work/full.err" ||
		{ echo "code $code: $(tail -n 1 "$work/full.err")"; return 1; }
	[ "$(sqlite3 "$store" 'PRAGMA integrity_check')" = ok ]
}
# The same with so little memory that lives are lost: they are counted, told, and in the record.
full_memory() {
	mkdir -p "$work/tiny" && mount -t tmpfs -o size=2m none "$work/tiny" || return 77
	store=$work/tiny/store
	head -c 1500000 /dev/zero >"$work/tiny/ballast"
	start_record tiny "$store" --queue 1M
	for _ in $(seq 80); do
		talk 500 >/dev/null
		# So little memory may be full for a moment while a commit is synced: the disk must be, too.
		grep -q 'losing events' "$work/tiny.err" && grep -q 'going on in memory' "$work/tiny.err" && break
	done
	grep -q 'losing events' "$work/tiny.err" || { echo "nothing was lost"; return 1; }
	rm "$work/tiny/ballast"
	until_true grep -q 'writing to .* again; [1-9]' "$work/tiny.err" || { echo "not back: $(cat "$work/tiny.err")"; return 1; }
	stop_record
	[ $code = 4 ] || { echo "code $code"; return 1; }
	said=$(sed -n 's/.* \([0-9]*\) rows not written/\1/p' "$work/tiny.err")
	[ "$said" = "$(sqlite3 "$store" 'SELECT sum(count) FROM losses')" ] || { echo "said $said"; return 1; }
}
export -f full_disk full_memory start_record stop_record until_true talk fail
export work sockwatch pids
for test in full_disk full_memory; do
	why=$(own_mounts bash -c "trap 'kill -KILL \$recorder 2>/dev/null' EXIT; $test" 2>&1)
	case $? in
	0) pass $test ;;
	77) echo "SKIP $test: no mount namespace of our own" ;;
	*) fail $test "$why" ;;
	esac
done
