#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# --by of trace, history and ls: counts of calls, failures, lives and bytes that a program made and counted itself.
. "${0%/*}/checks.bash"
export SOCKWATCH_RUN=$work/run
if ! "$sockwatch" features >/dev/null 2>"$work/why"; then
	echo "SKIP by: $(tail -n 1 "$work/why")"
	exit 0
fi
# Port A serves 30 connections of 100 bytes there and 7 back, port B takes 11 and is asked nothing; 5 are refused at C.
cat >"$work/traffic.py" <<'PY'
import json, os, socket, sys, time
def listener():
    s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(64)
    return s
a, b = listener(), listener()
c = socket.socket(); c.bind(("127.0.0.1", 0)) # a port that nobody else gets
def talk(to, there, back):
    s = socket.create_connection(to.getsockname()); t = to.accept()[0]
    s.sendall(there)
    got = b""
    while len(got) < len(there): got += t.recv(1000)
    t.sendall(back)
    got = b""
    while len(got) < len(back): got += s.recv(1000)
    s.close()
    while t.recv(1): pass
    t.close()
for i in range(30): talk(a, b"x" * 100, b"y" * 7)
for i in range(11): talk(b, b"", b"")
for i in range(5):
    s = socket.socket()
    try: s.connect(c.getsockname())
    except ConnectionRefusedError: pass
    s.close()
stays = [socket.create_connection(a.getsockname()) for i in range(3)]
with open(sys.argv[1], "w") as f:
    json.dump({"a": a.getsockname()[1], "b": b.getsockname()[1], "c": c.getsockname()[1], "pid": os.getpid()}, f)
sys.stdin.read() # until the listing is taken
PY
cat >"$work/judge.py" <<'PY'
import json, sys
truth = json.load(open(sys.argv[1]))
groups = {}
for line in open(sys.argv[2]):
    o = json.loads(line)
    if o["event"] == "group":
        key = tuple(sorted((k, str(v)) for k, v in o["group"].items()))
        assert key not in groups, "twice: %s" % (key,)
        groups[key] = o
def group(**fields):
    key = tuple(sorted((k.replace("_", "-"), str(v)) for k, v in fields.items()))
    assert key in groups, "no group %s among %s" % (key, sorted(groups))
    return groups[key]
def check(o, **numbers):
    for k, v in numbers.items():
        assert o[k] == v, "%s: %s is %s, not %s" % (o["group"], k, o[k], v)
a, b, c = str(truth["a"]), str(truth["b"]), str(truth["c"])
exec(sys.argv[3])
print("right")
PY
judge() { # NAME FILE CODE
	python3 "$work/judge.py" "$work/truth" "$2" "$3" >"$work/said" 2>&1
	check "$1" "$(tail -n 2 "$work/said") $(head -c 1500 "$2")" grep -qx right "$work/said"
}
was_whole() { ! grep -q 'lost, \|losing' "$1"; } # what the kernel left out no count has
traffic() { # ARGS of trace...: $work/groups, $work/err
	rm -f "$work/truth"
	"$sockwatch" trace -o json "$@" -- python3 "$work/traffic.py" "$work/truth" </dev/null >"$work/groups" 2>"$work/err"
}
traffic --by port,event
if ! was_whole "$work/err"; then
	echo "SKIP by: $(grep losing "$work/err" | head -n 1)"
	exit 0
fi
# Both ends of a connection are lives, and so is the listener.  Three stay until their program ends: nobody has accepted
# them, both ends are reset.
judge "trace: a port's lives, failures and bytes" "$work/groups" '
check(group(port=a, event="close"), lives=67, events=67, failed=6, sent_bytes=30 * 107, received_bytes=30 * 107)
check(group(port=b, event="close"), lives=23, events=23, failed=0, sent_bytes=0)
check(group(port=a, event="listen"), events=1, lives=0)
o = group(port=c, event="close"); check(o, events=5, failed=5, lives=5)
assert o["per_s"] > 0'
traffic --by comm,pid,result --failed
judge "trace: what failed, by result" "$work/groups" '
check(group(comm="python3", pid=truth["pid"], result="ECONNREFUSED"), failed=5)'
traffic --events connect,accept --by comm,peer,peer-port,event
judge "trace: by peer" "$work/groups" '
check(group(comm="python3", peer="127.0.0.1", peer_port=a, event="connect"), events=33, failed=0)
check(group(comm="python3", peer="127.0.0.1", peer_port=b, event="connect"), events=11, failed=0)'
"$sockwatch" trace --by port,event -- python3 "$work/traffic.py" "$work/truth" </dev/null >"$work/out" 2>"$work/err"
b=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["b"])' "$work/truth")
check "trace: a table of the same" "$(cat "$work/out" "$work/err")" \
	awk -v port="$b" 'NR == 1 { head = $1 " " $2 } $(NF - 1) == port && $NF == "close" { n = $1 } END { exit !(head == "EVENTS PER_S" && n == 23) }' "$work/out"

# ---- anew each second ----
# Three bursts of one, two and three connections that are refused, more than two seconds apart: none shares a second with another.
cat >"$work/bursts.py" <<'PY'
import socket, time
c = socket.socket(); c.bind(("127.0.0.1", 0))
for count in 1, 2, 3:
    for i in range(count):
        s = socket.socket()
        try: s.connect(c.getsockname())
        except ConnectionRefusedError: pass
        s.close()
    if count < 3: time.sleep(2.2)
PY
cat >"$work/intervals.py" <<'PY'
import datetime, json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
moment = lambda row: datetime.datetime.fromisoformat(row["time"][:26] + "+00:00").timestamp()
assert [i for i, row in enumerate(rows) if "schema" in row] == [0], rows
times, closes = [moment(row) for row in rows], [row for row in rows if row["group"] == {"event": "close", "reason": "refused"}]
assert times == sorted(times) and sum(row["events"] for row in closes) == 6, rows
bursts, last = [], None
for row in closes: # a burst may lie on both sides of a border; the last interval is a shorter one
    if last is not None and moment(row) - last < 1.1: bursts[-1] += row["events"]
    else: bursts.append(row["events"])
    last = moment(row)
assert bursts == [1, 2, 3], (bursts, rows)
steps = {round((moment(row) - times[0]) % 1, 3) % 1 for row in rows if row["time"] != rows[-1]["time"]}
assert steps <= {0.0}, (steps, rows)
assert all(abs(row["per_s"] - row["events"]) < 0.011 for row in rows if row["time"] != rows[-1]["time"]), rows
print("right")
PY
"$sockwatch" trace -o json --by event,reason --interval 1s -- python3 "$work/bursts.py" </dev/null >"$work/groups" 2>"$work/err"
if was_whole "$work/err"; then
	python3 "$work/intervals.py" "$work/groups" >"$work/said" 2>&1
	check "trace: groups of each second" "$(tail -n 2 "$work/said") $(head -c 1500 "$work/groups")" grep -qx right "$work/said"
else
	echo "SKIP trace-interval: $(grep losing "$work/err" | head -n 1)"
fi
"$sockwatch" trace --by event --interval 1s -- python3 "$work/bursts.py" </dev/null >"$work/out" 2>"$work/err"
check "trace: a table each second" "$(cat "$work/out" "$work/err")" \
	awk '/^[0-9-]+ [0-9:]+ .*, 1\.0s$/ { spans++ } /^EVENTS PER_S/ { heads++ } END { exit !(spans >= 4 && heads >= spans) }' "$work/out"

# ---- a record, and what is there now ----
mkfifo "$work/stay"
rm -f "$work/err" # where others have said that they trace
"$sockwatch" record --store "$work/store" >"$work/record.out" 2>"$work/err" &
recorder=$!
pids="$pids $recorder"
until_true grep -q '^sockwatch: tracing' "$work/err" || fail "record begins" "$(cat "$work/err")"
rm -f "$work/truth"
python3 "$work/traffic.py" "$work/truth" <"$work/stay" &
program=$!
pids="$pids $program"
exec 9>"$work/stay"
until_true test -s "$work/truth" || fail "a program" "none"
"$sockwatch" ls -p "$program" -o json --by port,state,comm >"$work/groups" 2>"$work/ls.err"
judge "ls: sockets of a program" "$work/groups" '
check(group(port=a, state="LISTEN", comm="python3"), sockets=1)
check(group(port=b, state="LISTEN", comm="python3"), sockets=1)
# Who began a connection the kernel does not tell everywhere: of those that wait for accept() it is known.
there = [o for o in groups.values() if o["group"].get("state") == "ESTABLISHED"]
assert sum(o["sockets"] for o in there) == 6, there
assert group(port=a, state="ESTABLISHED", comm="python3")["sockets"] >= 3, there
assert all(str(o["group"]["port"]) in (a, "None") for o in there), there
check(group(port=None, state="CLOSE", comm="python3"), sockets=1)'
exec 9>&-
wait "$program"
kill -INT "$recorder"
wait "$recorder"
"$sockwatch" history --store "$work/store" -p "$program" -o json --by port,event >"$work/groups" 2>"$work/ls.err"
judge "history: the same counts" "$work/groups" '
check(group(port=a, event="close"), lives=67, events=67, failed=6, sent_bytes=30 * 107, received_bytes=30 * 107)
check(group(port=b, event="close"), lives=23, events=23, failed=0, sent_bytes=0)
check(group(port=c, event="close"), events=5, failed=5)'
for words in "trace --interval 1s" "trace --by comm,nothing" "history --follow --by comm" "ls --by comm,comm"; do
	# shellcheck disable=SC2086
	"$sockwatch" $words >"$work/out" 2>"$work/err"
	code=$?
	check "refused: $words" "$code $(cat "$work/err")" test "$code" = 2 -a "$(wc -l <"$work/err")" = 1
done
