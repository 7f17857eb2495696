#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Where events go besides a terminal: a file that is rotated or reopened, systemd's journal; and what systemd hears.
. "${0%/*}/checks.bash"
if ! "$sockwatch" features >/dev/null 2>"$work/why"; then
	echo "SKIP log: $(tail -n 1 "$work/why")"
	exit 0
fi
start() { # NAME COMMAND...
	local name=$1
	shift
	"$@" 2>"$work/$name.err" >"$work/$name.out" &
	running=$!
	pids="$pids $running"
	until_true grep -q '^sockwatch: tracing' "$work/$name.err" || fail "$name" "did not start: $(cat "$work/$name.err")"
}
# Binds N ports one after the other in one process: N events, numbered by nothing but their order.
bind_many() {
	python3 -c '
import socket, sys
for i in range(int(sys.argv[1])):
    s = socket.socket(); s.bind(("127.0.0.1", 0)); s.close()' "$1" &
	binder=$!
	wait $binder
}

# ---- rotation: every line in exactly one file, no file above the bound ----
start rotate "$sockwatch" trace -o json --events bind -c python3 --output "$work/log" --rotate 96K --keep 3
rotating=$running
bind_many 30
first=$binder
until_true sh -c "[ \$(cat $work/log* | jq -c 'select(.process.pid == $first)' | wc -l) = 30 ]"
held=$?
check lines_before_rotation "$(cat "$work"/log* | wc -l)" test $held = 0
bind_many 120
until_true sh -c "[ \$(cat $work/log* | jq -c 'select(.process.pid == $binder)' | wc -l) = 120 ]"
held=$?
check no_line_lost_across_rotations "$(cat "$work"/log* | jq -c "select(.process.pid == $binder)" | wc -l) of 120" test $held = 0
largest=$(stat -c %s "$work"/log* | sort -n | tail -n 1)
check files_stay_below_the_bound "$largest" test "$largest" -le 98304
check the_old_file_is_file_1 "$(ls "$work")" test -s "$work/log.1"
bind_many 400
python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.77", 0))'
until_true sh -c "grep -q 127.0.0.77 $work/log*"
kill -INT $rotating
wait $rotating
held=$?
check rotated_to_the_end "$(cat "$work/rotate.err")" test $held = 0
files=$(echo "$work"/log*)
check no_more_than_three_old_files "$files" test "$files" = "$work/log $work/log.1 $work/log.2 $work/log.3"
cat "$work"/log.3 "$work"/log.2 "$work"/log.1 "$work"/log | jq -r .time >"$work/times"
sort -c "$work/times" 2>"$work/why"
held=$?
check rotated_in_order "$(cat "$work/why")" test $held = 0

# ---- logrotate: rename, then SIGHUP ----
start hangup "$sockwatch" trace -o json --events bind -c python3 --output "$work/hup"
bind_many 20
before=$binder
until_true sh -c "[ \$(jq -c 'select(.process.pid == $before)' $work/hup | wc -l) = 20 ]"
mv "$work/hup" "$work/hup.old"
kill -HUP "$running"
until_true test -e "$work/hup"
held=$?
check reopened_on_sighup "$(ls "$work")" test $held = 0
bind_many 20
until_true sh -c "[ \$(jq -c 'select(.process.pid == $binder)' $work/hup | wc -l) = 20 ]"
held=$?
check new_lines_in_the_new_file "$(wc -l <"$work/hup")" test $held = 0
check old_lines_in_the_old_file "$(wc -l <"$work/hup.old")" test "$(jq -c "select(.process.pid == $before)" "$work/hup.old" | wc -l)" = 20
kill -INT "$running"
wait "$running"

# ---- a directory where all may write ----
shared=$work/shared
mkdir "$shared"
chmod 1777 "$shared"
stranger() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
chmod 711 "$work"
echo secret >"$work/secret"
for kind in link file fifo; do
	rm -f "$shared/out"
	case $kind in
	link) stranger ln -s ../secret "$shared/out" ;;
	file) stranger sh -c "umask 0; : >$shared/out" ;;
	fifo) stranger mkfifo -m 666 "$shared/out" ;;
	esac
	for command in "trace --for 1s --output" "record --for 1s --store"; do
		# shellcheck disable=SC2086
		timeout 20 "$sockwatch" $command "$shared/out" >/dev/null 2>"$work/err"
		code=$?
		check "strangers_${kind}_is_refused_by_${command%% *}" "$code $(cat "$work/err")" sh -c "[ $code = 1 ] &&
			grep -q 'another user' '$work/err' && [ \$(wc -l <'$work/err') = 1 ] && grep -qx secret '$work/secret'"
	done
done
rm -f "$shared/out"
ln "$work/secret" "$shared/out"
"$sockwatch" trace --for 1s --output "$shared/out" 2>"$work/err"
check second_name_is_refused "$(cat "$work/err")" sh -c "grep -q 'another name' '$work/err' && grep -qx secret '$work/secret'"
rm -f "$shared/out"
# A stranger who is always there first, when the file of a log is changed for a new one.
start racer "$sockwatch" trace -o json --events bind -c python3 --output "$shared/out" --rotate 64K --keep-files 3
tracing=$running
stranger sh -c "while [ -d '$shared' ]; do ln -s ../secret '$shared/out'; done" 2>/dev/null &
racing=$!
pids="$pids $racing"
bind_many 600
python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.79", 0))'
until_true sh -c "cat $shared/out.* $shared/out 2>/dev/null | grep -q 127.0.0.79"
held=$?
kill "$racing"
kill -INT "$tracing"
wait "$tracing"
check racer_stops_no_line "$(ls -l "$shared"; cat "$work/racer.err")" test $held = 0
check racer_gets_no_line "$(head -c 200 "$work/secret")" grep -qx secret "$work/secret"
rm -rf "$shared"
chmod 700 "$work"

# ---- the journal, a socket of our own in a mount namespace ----
cat >"$work/journal.py" <<'PY'
import os, socket, struct, sys
path = "/run/systemd/journal/socket"
os.makedirs(os.path.dirname(path))
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(path)
open(sys.argv[1] + "/journal.ready", "w").close()
s.settimeout(20)
failed = set()
while True:
    data, entry = s.recv(1 << 20), {}
    while data:
        line, data = data.split(b"\n", 1)
        if b"=" in line:
            key, value = line.split(b"=", 1)
        else:
            key, n = line, struct.unpack("<Q", data[:8])[0]
            value, data = data[8:8 + n], data[9 + n:]
        entry[key.decode()] = value
    # A failure that is told again, after a second, has no range.
    if entry.get("SOCKWATCH_COMM") == b"fails" and "SOCKWATCH_REPEATED" not in entry:
        want = {b"EADDRINUSE": {"SOCKWATCH_HOLDERS_LOCAL_ADDR": b"127.0.0.9", "SOCKWATCH_HOLDERS_COMM": b"fails",
                                "SOCKWATCH_HOLDERS_PID": entry["SOCKWATCH_PID"]},
                b"EACCES": {"SOCKWATCH_MISSING": b"CAP_NET_BIND_SERVICE", "SOCKWATCH_UNPRIVILEGED_FROM": b"1024"},
                b"EADDRNOTAVAIL": {"SOCKWATCH_RANGE_LOW": b"40000", "SOCKWATCH_RANGE_HIGH": b"40001"}}
        error = entry.get("SOCKWATCH_ERROR")
        for key, value in want.get(error, {}).items():
            if entry.get(key) != value:
                sys.exit("%s: not %r: %r" % (key, value, entry))
        failed.add(error)
    if entry.get("SOCKWATCH_COMM") == b"odd\nname" and entry["SOCKWATCH_EVENT"] == b"bind":
        want = {"SYSLOG_IDENTIFIER": b"sockwatch", "PRIORITY": b"6", "SOCKWATCH_PROTO": b"tcp",
                "SOCKWATCH_LOCAL_ADDR": b"127.0.0.9", "SOCKWATCH_UID": b"0"}
        bad = {k: entry.get(k) for k in want if entry.get(k) != want[k]}
        if b"127.0.0.9:" not in entry["MESSAGE"] or bad:
            sys.exit("wrong: %r" % entry)
        if not failed >= {b"EADDRINUSE", b"EACCES", b"EADDRNOTAVAIL"}:
            sys.exit("told of %r" % failed)
        # A host goes on making connections: the trace must not end because nobody hears it.
        open(sys.argv[1] + "/journal.seen", "w")
PY
journal() {
	mount -t tmpfs none /run || return 77
	trap 'kill $(jobs -p) 2>/dev/null' EXIT
	python3 "$work/journal.py" "$work" &
	until_true test -e "$work/journal.ready"
	start journal "$sockwatch" trace --journal --events bind,connect
	# Failed calls of a user without rights, who lives on: a namespace that has ended tells no range.
	unshare -n python3 -c '
import os, signal, socket, sys
done = open(sys.argv[1] + "/failed.done", "w")
os.system("ip link set lo up")
open("/proc/sys/net/ipv4/ip_local_port_range", "w").write("40000 40001")
open("/proc/self/comm", "w").write("fails")
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
def quiet(f, *a):
    try: f(*a)
    except OSError: pass
a, b = socket.socket(), socket.socket()
quiet(b.bind, ("127.0.0.9", 80))
a.bind(("127.0.0.9", 7080)); a.listen()
quiet(b.bind, ("127.0.0.9", 7080))
all = [socket.socket() for i in range(4)]
for s in all: quiet(s.connect, ("127.0.0.9", 7080))
print("done", file=done, flush=True)
signal.pause()' "$work" &
	until_true test -s "$work/failed.done" || return 1
	python3 -c '
import socket
open("/proc/self/comm", "w").write("odd\nname")
s = socket.socket(); s.bind(("127.0.0.9", 0))'
	until_true test -e "$work/journal.seen" || return 1
	kill -INT "$running"
	wait "$running" || { code=$?; echo "the trace ended with $code: $(cat "$work/journal.err")"; return $code; }
}
export -f journal until_true start fail
export work sockwatch pids
why=$(own_mounts bash -c journal 2>&1)
case $? in
0) pass journal_entry ;;
77) echo "SKIP journal_entry: no mount namespace of our own" ;;
*) fail journal_entry "$why" ;;
esac

# ---- what a service manager hears ----
cat >"$work/manager.py" <<'PY'
import os, signal, socket, subprocess, sys
sockwatch, work = sys.argv[1:]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\0sockwatch-test-%d" % os.getpid())
s.settimeout(20)
env = dict(os.environ, NOTIFY_SOCKET="@sockwatch-test-%d" % os.getpid(), WATCHDOG_USEC="600000")
p = subprocess.Popen([sockwatch, "record", "-q", "--store", work + "/unit.store"], env=env)
try:
    heard = [s.recv(100), s.recv(100), s.recv(100)]
    p.send_signal(signal.SIGTERM)
    while heard[-1] != b"STOPPING=1":
        heard.append(s.recv(100))
    code = p.wait(20)
finally:
    p.kill()
if heard[:3] != [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"] or code:
    sys.exit("heard %r, code %r" % (heard, code))
PY
why=$(python3 "$work/manager.py" "$sockwatch" "$work" 2>&1)
check ready_watchdog_stopping "$why" test $? = 0
if command -v systemd-analyze >/dev/null; then
	make -s install DESTDIR="$work/root" PREFIX=/usr BUILD="${BUILD:-build}" >/dev/null 2>"$work/why"
	# Each with what it may be exposed at most: who is scraped needs the network.
	for of in record:2 export:3; do
		name=sockwatch-${of%:*}.service most=${of#*:}
		unit=$work/root/usr/lib/systemd/system/$name
		grep -q "^ExecStart=/usr/sbin/sockwatch ${of%:*}" "$unit" && sed -i "s|/usr/sbin/sockwatch|$sockwatch|" "$unit"
		why=$(systemd-analyze verify --man=no "$unit" 2>&1 | grep -F "$name")
		check "${of%:*}_unit_is_understood" "$why" test -s "$unit" -a -z "$why"
		# Of systemd 250 on.
		exposure=$(systemd-analyze security --offline=yes --no-pager "$unit" 2>"$work/why" | sed -n 's/.*exposure level.*: \([0-9]*\)\..*/\1/p')
		if [ -n "$exposure" ] || ! grep -q 'unrecognized option' "$work/why"; then
			check "${of%:*}_unit_is_exposed_below_$most" "$exposure $(cat "$work/why")" test -n "$exposure" -a "${exposure:-9}" -lt "$most"
		else
			echo "SKIP ${of%:*}_unit_is_exposed_below_$most: this systemd-analyze needs the unit to be running"
		fi
	done
else
	echo "SKIP unit_is_understood: no systemd-analyze"
fi
for bad in "trace --rotate 1MB" "trace --output x --rotate 5" "trace --output x --rotate 1MB --keep-files 0" "trace --journal --output x"; do
	# shellcheck disable=SC2086
	"$sockwatch" $bad >"$work/out" 2>"$work/err"
	code=$?
	check "usage: $bad" "$code $(cat "$work/err")" test $code = 2 -a "$(wc -l <"$work/err")" = 1 -a ! -s "$work/out"
done

# ---- a report replaces the one before it; a log is appended to ----
umask 022
mkdir "$work/reports"
report=$work/reports/page
alone() { [ "$(ls -A "$work/reports")" = page ] && [ ! -L "$report" ] && [ "$(stat -c %a "$report")" = 640 ]; }
for command in "ephemeral -o html" ls "who 1" "history --store $work/unit.store" "report -o html --store $work/unit.store"; do
	echo old >"$report"
	for turn in 1 2; do
		# shellcheck disable=SC2086
		"$sockwatch" $command >"$work/out" 2>"$work/why"
		code=$?
		# shellcheck disable=SC2086
		"$sockwatch" $command --output "$report" 2>"$work/why"
		[ $? = $code ] && alone
		held=$?
		check "a_report_replaces: ${command%% *} $turn" "$code $(ls -lA "$work/reports"; cat "$work/why")" \
			test $held = 0 -a "$(grep -c -x old "$report")" = 0 -a \
			"$(grep -c -e '</html>' -e ^COMMAND "$report")" = "$(grep -c -e '</html>' -e ^COMMAND "$work/out")"
	done
done
# What fails or is stopped before it is whole leaves the one that is there.
whole() { # NAME CODE
	check "$1" "exit $2, $(ls -lA "$work/reports"; cat "$work/why")" \
		test "$2" != 0 -a "$(ls -A "$work/reports")" = page -a "$(cat "$report")" = old
}
echo old >"$report"
(ulimit -f 1 && exec "$sockwatch" ephemeral -o html --output "$report") 2>"$work/why"
whole too_large_leaves_the_report_before $?
full() {
	mount -t tmpfs -o size=64k none "$work/reports" || return 77
	echo old >"$report"
	dd if=/dev/zero of="$work/reports/fill" bs=1024 2>"$work/why"
	"$sockwatch" ephemeral -o html --output "$report" 2>"$work/why"
	[ $? = 1 ] && grep -q 'No space left' "$work/why" && [ "$(ls -A "$work/reports" | xargs)" = "fill page" ] && [ "$(cat "$report")" = old ]
}
export -f full
export report sockwatch work
own_mounts bash -c full 2>>"$work/why"
case $? in
0) pass a_full_disk_leaves_the_report_before ;;
77) echo "SKIP a_full_disk_leaves_the_report_before: no mount namespace of our own" ;;
*) fail a_full_disk_leaves_the_report_before "$(cat "$work/why")" ;;
esac
for signal in TERM HUP; do
	rm "$work/why" # what the one before said
	timeout 30 "$sockwatch" who 127.0.0.78:1 --wait --output "$report" 2>"$work/why" &
	pids="$pids $!"
	until_true grep -q waiting "$work/why"
	kill -$signal $!
	wait $!
	whole "stopped_by_${signal}_leaves_the_report_before" $?
done
# What is no file, or is open already, is written where it is.
mkfifo "$work/fifo"
timeout 30 cat "$work/fifo" >"$work/out" &
reader=$!
timeout 30 "$sockwatch" ephemeral -o html --output "$work/fifo" 2>"$work/why"
code=$?
wait $reader
check a_fifo_is_written_into "$code $(cat "$work/why")" test $code = 0 -a -p "$work/fifo" -a "$(grep -c '</html>' "$work/out")" = 1
check stdout_by_name_is_a_pipe "" test "$("$sockwatch" ls --output /dev/stdout | grep -c ^COMMAND)" = 1
echo old >"$work/out"
"$sockwatch" ls --output /dev/stdout >>"$work/out"
echo new >>"$work/out"
check stdout_by_name_is_a_file "$(cat "$work/out")" test "$(grep -x -e old -e new -e COMMAND.\* "$work/out" | cut -c 1-3 | xargs)" = "old COM new"
# A link of others leads nowhere.
echo old >"$work/target"
ln -sf "$work/target" "$report"
"$sockwatch" ls --output "$report" 2>"$work/why"
alone
check a_link_is_replaced "$(ls -lA "$work/reports")" test $? = 0 -a "$(cat "$work/target")" = old
echo old >"$work/appended"
"$sockwatch" trace -q --for 100ms --output "$work/appended" 2>"$work/why"
check a_log_is_appended_to "$(cat "$work/why" "$work/appended")" test "$(head -n 1 "$work/appended")" = old -a "$(wc -l <"$work/appended")" -gt 1
