#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What goes on watching is two processes: one without rights that reads, and its helper, which has some and answers.
. "${0%/*}/checks.bash"
export SOCKWATCH_RUN=$work/run
mkdir -m 0700 "$work/root" && cd "$work/root" || exit 1
if ! "$sockwatch" features >/dev/null 2>"$work/why"; then
	echo "SKIP split: $(tail -n 1 "$work/why")"
	exit 0
fi
field() { awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1/status"; }
caps() { printf '%d' "0x$(field "$1" "$2")"; }
helper_of() { pgrep -P "$1" | head -n 1; }
# So that pids and words are there: runs it, waits for its first line, sets $reader and $helper.
begin() { # NAME COMMAND...
	name=$1
	shift
	"$sockwatch" "$@" >"$work/$name.out" 2>"$work/$name.err" &
	reader=$!
	pids="$pids $reader"
	until_true grep -q '^sockwatch: tracing' "$work/$name.err" || fail "$name: begins" "$(cat "$work/$name.err")"
	helper=$(helper_of "$reader")
}
gone() { ! [ -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }
ends() { # PID: what it ended with, in $code
	until_true gone "$1" || kill -KILL "$1"
	wait "$1" 2>/dev/null
	code=$?
}
# The next port that can be had, bound a second time: python3 has it, python3 fails.
cat >"$work/clash.py" <<'PY'
import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
port = s.getsockname()[1]
for i in range(int(sys.argv[1])):
    try:
        socket.socket().bind(("127.0.0.1", port))
    except OSError:
        pass
    with socket.socket() as other: # failures alike become one line, these do not
        other.bind(("127.0.0.1", 0)); other.listen()
print(port, flush=True)
PY
clash() { port=$(python3 "$work/clash.py" "$1"); }

# ---- what each may do ----
# Bits of dac_read_search net_admin sys_ptrace sys_admin sys_nice perfmon bpf.
helpers=$((1 << 2 | 1 << 12 | 1 << 19 | 1 << 21 | 1 << 23 | 1 << 38 | 1 << 39))
user=$(awk -F: '$1 == "sockwatch" { u = $3 } $1 == "nobody" { n = $3 } END { print u ? u : n ? n : 65534 }' /etc/passwd)
seccomp=$(field self Seccomp)
for how in trace "record --store store" "ephemeral --for 60s"; do
	# shellcheck disable=SC2086
	begin "${how%% *}" $how
	check "$name: two processes" "$(pgrep -P "$reader" | wc -l) children" test "$(pgrep -P "$reader" | wc -l)" = 1
	for set in CapInh CapPrm CapEff CapAmb; do
		check "$name: the reader has none in $set" "$(field "$reader" $set)" test "$(caps "$reader" $set)" = 0
	done
	check "$name: the reader is another user" "$(grep -E '^(Uid|Gid|Groups)' "/proc/$reader/status")" \
		test "$(field "$reader" Uid)" = "$user" -a -z "$(field "$reader" Groups)"
	check "$name: the helper keeps what is documented" "$(field "$helper" CapEff)" \
		test "$(caps "$helper" CapEff)" = $((helpers & $(caps self CapEff))) -a "$(caps "$helper" CapPrm)" = "$(caps "$helper" CapEff)"
	for p in "$reader" "$helper"; do
		who=$([ "$p" = "$reader" ] && echo reader || echo helper)
		check "$name: the $who gains nothing" "$(field "$p" NoNewPrivs)" test "$(field "$p" NoNewPrivs)" = 1
		if [ -n "$seccomp" ]; then
			for task in "/proc/$p/task/"*; do
				awk '$1 == "Seccomp:" { print $2 }' "$task/status"
			done | sort -u >"$work/modes"
			check "$name: every thread of the $who has a filter" "$(cat "$work/modes")" test "$(cat "$work/modes")" = 2
		fi
	done
	# A pipe or lock of the reader's that the helper had too would outlive the reader.
	find "/proc/$helper/fd" -lname '/*' -printf '%l\n' 2>/dev/null | grep -vE '^/(dev/null|memfd:|sys/|$)' | grep -v '/run$' |
		grep -v "^$work/${how%% *}.err$" >"$work/held"
	check "$name: the helper holds no file of the reader" "$(cat "$work/held")" test ! -s "$work/held"
	kill -INT "$reader"
	ends "$reader"
	check "$name: ends with 0, the helper with it" "$code $(cat "$work/$name.err")" test "$code" = 0 -a ! -e "/proc/$helper"
done

# ---- what the helper answers ----
begin answers trace -o json --output log --rotate 64K
for signal in INT TERM HUP; do kill -$signal "$helper"; done
clash 40
# Until then what was counted together may stand in the log alone: the first waits for its holders.
told() {
	python3 - "$port" <<'PY' >"$work/found" 2>&1
import glob, json, sys
events = [json.loads(line) for name in glob.glob("log*") for line in open(name)]
failed = [e for e in events if e["event"] == "bind" and e.get("error") == "EADDRINUSE" and e["local"]["port"] == int(sys.argv[1])]
# Those that are counted together are told without holders.
held = [e for e in failed if e.get("holders")]
assert held, "no failed bind with its holders: %s" % failed
for e in held:
    assert e["process"]["name"] == "python3" and "clash.py" in " ".join(e["process"]["args"]), e
    assert [h["process"]["pid"] for h in e["holders"]] == [e["process"]["pid"]], e
PY
}
until_true told
check "owner, arguments and holders are told" "$(cat "$work/found")" test ! -s "$work/found"
until_true test -s log.1
check "logs are rotated" "$(ls -l)" test -s log.1 -a "$(stat -c %u:%a log)" = "$(id -u):640"
"$sockwatch" ls -o json --port 1 >/dev/null 2>"$work/ls"
check "ls asks the reader" "$(cat "$work/ls")" test -z "$(grep "trace of process $reader" "$work/ls")" -a -S "$SOCKWATCH_RUN/$reader"
kill -INT "$reader" "$helper" # as a terminal does
ends "$reader"
check "a terminal's interrupt ends it with 0" "$code $(cat "$work/answers.err")" test "$code" = 0
check "its socket is gone" "$(ls -a "$SOCKWATCH_RUN")" test ! -e "$SOCKWATCH_RUN/$reader" -a ! -e "$SOCKWATCH_RUN/.$reader"

# ---- the store, in a directory where only root comes ----
begin store record --store store --keep 16MiB
clash 50
until_true sh -c "'$sockwatch' history --store store --port $port -o json 2>/dev/null | grep -q EADDRINUSE"
kill -INT "$reader"
ends "$reader"
check "the store is complete" "$code $(cat "$work/store.err")" test "$code" = 0
check "the log of the store is gone" "$(ls -l)" test -s store -a ! -e store-wal -a ! -e store-shm -a ! -e store-journal

# ---- a report ----
"$sockwatch" ephemeral --for 300ms --output report >"$work/report.out" 2>"$work/report.err"
code=$?
check "a report gets its place" "$code $(ls -la) $(cat "$work/report.err")" \
	test "$code" = 0 -a -s report -a -z "$(find . -name '.sockwatch*')"

# ---- what cannot be given away ----
inject=${sockwatch%/*}/tests/faults/inject
without() { # NTH COMMAND...: the Nth call of both that gives rights away fails; $code is the program's
	"$inject" -k rights -n "$1" -e 1 -t 60 -r "$work/report" "$sockwatch" "${@:2}" >"$work/part.out" 2>"$work/part.err" ||
		echo "$?: $(cat "$work/part.err")" >"$work/report"
	code=$(awk '$5 == "exit" { print $6 }' "$work/report")
}
refusal='^sockwatch: \(--strict: rights that are not needed could not all be given away\|cannot start a process for what needs rights\): '
warning='^sockwatch: \(goes on with rights that are not needed\|cannot start a process for what needs rights\): '
without 0 trace --for 100ms
count=$(awk '{ print $2 }' "$work/report")
lacking=$(grep -c "$warning" "$work/part.err")
if grep -q '^77: ' "$work/report"; then
	echo "SKIP what cannot be given away: $(cat "$work/report")"
	count=0
else
	check "what gives rights away is counted" "$(cat "$work/report" "$work/part.err")" test "${code/4/0}" = 0 -a "$count" -gt 0
	[ -n "$code" ] || count=0
fi
for how in "trace --for 100ms" "record --store part --for 100ms" "ephemeral --for 100ms"; do
	name=${how%% *} bad=
	[ "$count" -gt 0 ] || break
	# shellcheck disable=SC2086
	without 0 $how --strict
	check "$name: --strict goes on where all can be given away" "$(cat "$work/report" "$work/part.err")" \
		test "$code" = "$lacking" -o "$code$lacking" = 40 # 4: a busy host, facts are lost
	for ((n = 1; n <= count; n++)); do
		# shellcheck disable=SC2086
		without $n $how --strict
		[ "$code" = 1 ] && [ ! -s "$work/part.out" ] && [ "$(wc -l <"$work/part.err")" = 1 ] && grep -q "$refusal" "$work/part.err" ||
			bad="$bad | $(cat "$work/report" "$work/part.err")"
		[ "$name" = trace ] || n=$((n + 2)) # they share what follows
	done
	check "$name: --strict refuses where one of $count is missing" "$bad" test -z "$bad"
done
bad=
for ((n = 1; n <= count; n++)); do
	without $n trace --for 100ms
	{ [ "$code" = 0 ] || [ "$code" = 4 ]; } && [ "$(grep -c "$warning" "$work/part.err")" = 1 ] && [ -s "$work/part.out" ] ||
		bad="$bad | $(cat "$work/report" "$work/part.err")"
done
[ "$count" = 0 ] || check "what is missing in either process is said" "$bad" test -z "$bad"

# ---- kills ----
begin reader_killed record --store store
kill -KILL "$reader"
ends "$reader"
check "a killed reader leaves no helper" "$helper" until_true gone "$helper"
begin helper_killed record --store store
check "the next recorder begins at once" "$(cat "$work/helper_killed.err")" test -n "$helper"
clash 20
kill -KILL "$helper"
ends "$reader"
check "a killed helper ends the reader, and is told once" "$code $(cat "$work/helper_killed.err")" \
	test "$code" = 1 -a "$(grep -c 'has ended' "$work/helper_killed.err")" = 1
"$sockwatch" history --store store --port "$port" -o json >"$work/history" 2>&1
check "what was read until then is kept" "$(head -n 3 "$work/history")" grep -q EADDRINUSE "$work/history"
begin again record --store store
kill -INT "$reader"
ends "$reader"
check "the store goes on after that" "$code $(cat "$work/again.err")" test "$code" = 0 -a ! -e store-wal

# ---- other directories, other users ----
mkdir -m 0755 "$work/theirs" && chown 65534 "$work/theirs"
begin theirs trace -o json --output "$work/theirs/log" --rotate 4K
check "in another's directory the helper may write" "$(field "$helper" CapEff)" test $(($(caps "$helper" CapEff) >> 1 & 1)) = 1
clash 60
check "logs there are rotated" "$(cat "$work/theirs.err")" until_true test -s "$work/theirs/log.1"
kill -INT "$reader"
ends "$reader"
if command -v setpriv >/dev/null; then
	cp "$sockwatch" "$work/program" && chmod 755 "$work" "$work/program"
	needed=+bpf,+perfmon,+net_admin,+sys_admin,+sys_ptrace,+dac_read_search
	mkdir "$work/own" && chown 65533 "$work/own" && cd "$work/own" || exit 1
	SOCKWATCH_RUN=$work/own/run setpriv --reuid 65533 --regid 65533 --clear-groups --inh-caps "$needed" --ambient-caps "$needed" \
		"$work/program" record --store store >/dev/null 2>"$work/own.err" &
	reader=$!
	pids="$pids $reader"
	until_true grep -q '^sockwatch: tracing' "$work/own.err"
	helper=$(helper_of "$reader")
	check "with ambient capabilities: who it was, without them" "$(cat "$work/own.err" "/proc/$reader/status")" \
		test "$(caps "$reader" CapEff)$(caps "$reader" CapAmb)$(field "$reader" Uid)" = 0065533
	check "with ambient capabilities: the helper has those it was given" "$(cat "/proc/$helper/status")" \
		test "$(caps "$helper" CapEff)" = $((helpers & ~(1 << 23)))
	clash 5
	kill -INT "$reader"
	ends "$reader"
	"$work/program" history --store store --port "$port" -o json >"$work/history" 2>&1
	check "with ambient capabilities: holders are told" "$(cat "$work/own.err" "$work/history")" grep -q '"holders":\[{"process":{"pid"' "$work/history"
else
	echo "SKIP with ambient capabilities: no setpriv"
fi
