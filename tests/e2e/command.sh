#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# `trace -- COMMAND`: traced from its first call to its last, as if its caller had started it, and what it ends with is the trace's.
. "${0%/*}/checks.bash"
export SOCKWATCH_RUN=$work/run
if ! "$sockwatch" features >/dev/null 2>"$work/why"; then
	echo "SKIP command: $(tail -n 1 "$work/why")"
	exit 0
fi
cat >"$work/serve.py" <<'PY'
import http.server, sys
class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
print(server.server_address[1], flush=True)
server.serve_forever()
PY
python3 "$work/serve.py" >"$work/port" &
pids="$pids $!"
until_true test -s "$work/port" || fail "a server" "none"
port=$(cat "$work/port")
get="curl -s -o $work/body http://127.0.0.1:$port/"

run() { # ARGS...: in $code, $work/out, $work/err
	"$sockwatch" trace "$@" >"$work/out" 2>"$work/err"
	code=$?
}
said() { cat "$work/out" "$work/err"; }
lives() { grep -c ' close ' "$work/out"; }
first_line() { # of stderr is the only one, and says PATTERN
	[ "$(wc -l <"$work/err")" = 1 ] && grep -q "$1" "$work/err"
}

# ---- what is seen ----
run -- $get
check "one curl is one life, and none of others" "$code $(said)" \
	test "$code" = 0 -a "$(lives)" = 1 -a "$(grep -c "curl\[.*127.0.0.1:$port" "$work/out")" = 1
run -o json -- $get
for event in connect close; do
	check "no first $event is missed" "$(said)" grep -q "\"event\":\"$event\".*\"name\":\"curl\"" "$work/out"
done
# Its children's, grandchildren's, and those of one whose parent has ended; nobody else's.
run -- sh -c "$get; (sh -c '$get; exit 0'); sh -c '$get & exit 0'; wait; $get"
others() { grep ' close ' "$work/out" | grep -vc 'curl\['; }
check "a shell's children and theirs, and none of others" "$code $(said)" test "$code" = 0 -a "$(lives)" -ge 3 -a "$(others)" = 0
run -- sh -c "$get; exit 7"
check "its exit code" "$code $(said)" test "$code" = 7 -a "$(lives)" = 1
run -q -- sh -c 'kill -KILL $$'
check "killed" "$code $(said)" test "$code" = 137
run -- "$work/nosuch"
check "no such file is 127, in one line" "$code $(said)" test "$code" = 127 -a ! -s "$work/out"
check "... which says so" "$(said)" first_line "cannot start .*nosuch: No such file"
run -- nosuch-command
check "no such command is 127" "$code $(said)" test "$code" = 127
touch "$work/plain"
for what in "$work/plain" /usr; do
	run -- "$what"
	check "no program is 126: $(basename "$what")" "$code $(said)" test "$code" = 126 -a "$(grep -c 'cannot start' "$work/err")" = 1
done
run --
check "no command at all" "$code $(said)" test "$code" = 2
run -p 1 -- true
check "-p and a command" "$code $(said)" test "$code" = 2
run --utc -- sh -c 'echo "$1 $TZ"' sh --utc
check "words behind -- are the command's" "$(said)" grep -qx -- "--utc ${TZ-}" "$work/out"

# Beside a flood a drain begins with facts that an earlier one has left; who its children are is known all the same.
cat >"$work/flood.py" <<'PY'
import socket
a = socket.socket(); a.bind(("127.0.0.1", 0)); a.listen(64)
while True:
    c = socket.create_connection(a.getsockname()); b = a.accept()[0]
    b.close(); c.close()
PY
python3 "$work/flood.py" &
flood=$!
pids="$pids $flood"
seen=0
for _ in 1 2 3 4 5 6 7 8; do
	run -- sh -c "$get"
	seen=$((seen + $(lives)))
done
kill -KILL "$flood"
check "children are known beside a flood" "$seen of 8 $(said)" test "$seen" = 8

# A child that stays is followed no longer, which is said.
cat >"$work/stays.py" <<'PY'
import os, socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
child = os.fork()
if child:
    print(child, flush=True)
    os._exit(0)
os.close(1); os.close(2)
time.sleep(60)
PY
run -- python3 "$work/stays.py"
stays=$(grep -Ex '[0-9]+' "$work/out")
pids="$pids $stays"
check "a child that stays lives on" "$code $(said)" test "$code" = 0 -a -d "/proc/$stays"
check "... and that is said" "$(said)" grep -q '1 sockets stay open' "$work/err"

# ---- as its caller would have started it ----
cat >"$work/probe" <<'SH'
#!/bin/sh
grep -E '^(Uid|Gid|Groups|Cap.*|NoNewPrivs|Seccomp|Sig(Blk|Ign|Cgt)|Umask):' /proc/self/status
find /proc/self/fd -type l -printf '%f %l\n' | grep -v /proc/ | sed 's/\[.*//' | sort
env | grep -v '^_=' | sort
ulimit -a
ps -o ni=,pgid=,sid= -p $$
pwd
SH
chmod +x "$work/probe"
how_alike() { # what $work/probe sees by itself and through a trace
	cmp -s "$work/alone" "$work/traced" || { diff "$work/alone" "$work/traced" | head -n 20; return 1; }
}
"$work/probe" 7</dev/null 2>/dev/null | cat >"$work/alone"
"$sockwatch" trace -q --utc --output "$work/log" -- "$work/probe" 7</dev/null 2>/dev/null | cat >"$work/traced"
check "rights, descriptors, signals, environment and limits are its caller's" "$(how_alike)" how_alike
"$work/probe" <&- 2>/dev/null | cat >"$work/alone"
"$sockwatch" trace -q --output "$work/log" -- "$work/probe" <&- 2>/dev/null | cat >"$work/traced"
check "a closed stdin stays closed" "$(how_alike)" how_alike
run -q --output "$work/log" -- sh -c 'cat; echo end' <<<'typed'
check "its stdin is its own" "$(said)" grep -qx typed "$work/out"
# A program that gains rights by its file does so: no_new_privs would keep it from that.
if [ "$(id -u)" = 0 ] && cp "$(command -v id)" "$work/setuid-id" && chmod 4755 "$work/setuid-id" && chmod 755 "$work" &&
	[ "$(setpriv --reuid=65534 --clear-groups "$work/setuid-id" -u)" = 0 ]; then
	run -q --output "$work/log" -- setpriv --reuid=65534 --clear-groups "$work/setuid-id" -u
	check "a setuid program has its rights" "$code $(said)" test "$code" = 0 -a "$(cat "$work/out")" = 0
	run -q --output "$work/log" -- su -s /bin/sh nobody -c 'id -un'
	check "su changes the user" "$code $(said)" grep -qx nobody "$work/out"
else
	echo "SKIP a setuid program has its rights: not root, or the file system has no setuid"
fi

# ---- what it writes ----
cat >"$work/talks.py" <<'PY'
import socket, sys
a = socket.socket(); a.bind(("127.0.0.1", 0)); a.listen(64)
for i in range(400):
    c = socket.create_connection(a.getsockname()); b = a.accept()[0]
    b.close(); c.close()
    sys.stdout.write("said " + "x" * (i * 37 % 900) + "\n"); sys.stdout.flush()
PY
cat >"$work/whole.py" <<'PY'
import json, sys
said = told = 0
for line in sys.stdin:
    if line.startswith("said x") or line == "said \n":
        assert set(line[5:-1]) <= {"x"}, line
        said += 1
    else:
        told += json.loads(line)["event"] == "close"
print(said, told)
PY
"$sockwatch" trace -q -o json -- python3 "$work/talks.py" 2>"$work/err" | python3 "$work/whole.py" >"$work/out" 2>&1
check "no line is torn where both write to one pipe" "$(said)" grep -qx '400 801' "$work/out"

# ---- ends ----
cat >"$work/waits.py" <<'PY'
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN if sys.argv[1] == "ignores" else signal.SIG_DFL)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
print("begun", os.getpid(), flush=True)
time.sleep(120)
PY
begin() { # ARGS...
	rm -f "$work/out" # whose "begun" is another's
	"$sockwatch" trace "$@" >"$work/out" 2>"$work/err" &
	tracer=$!
	pids="$pids $tracer"
	until_true grep -q '^begun ' "$work/out" || fail "begins" "$(said)"
	command=$(awk '$1 == "begun" { print $2 }' "$work/out")
}
waits_for() { # PID: its code in $code
	wait "$1"
	code=$?
	check "$2: ends with $3, the command too" "$code $(said) $(pgrep -f "$work/waits.py")" \
		test "$code" = "$3" -a -z "$(pgrep -f "$work/waits.py")"
}
begin -q -- python3 "$work/waits.py" usual
kill -INT "$tracer"
waits_for "$tracer" SIGINT 130
begin -q -- python3 "$work/waits.py" usual
kill -TERM "$tracer"
waits_for "$tracer" SIGTERM 143
begin -q -- python3 "$work/waits.py" ignores
kill -INT "$tracer"
waits_for "$tracer" "SIGINT to one that ignores it" 137
check "... which is said" "$(said)" grep -q 'goes on after signal 2: killed' "$work/err"
run -q --for 1s -- python3 "$work/waits.py" usual
check "--for ends it" "$code $(said)" test "$code" = 143
run -q --count 1 -- sh -c "$get; sleep 120"
check "--count ends it" "$code $(said)" test "$code" = 143 -a "$(lives)" = 1
begin -q -- python3 "$work/waits.py" usual
kill -KILL "$command"
waits_for "$tracer" "a command that is killed" 137

# Ctrl-C goes to all of the terminal's group: the command gets it once.
cat >"$work/ctrl-c.py" <<'PY'
import os, pty, signal, sys, time
pid, fd = pty.fork()
if not pid:
    os.execv(sys.argv[1], [sys.argv[1], "trace", "-q", "--output", sys.argv[2], "--", "python3", "-c",
        "import signal, time\n"
        "def on(*_): print('once', flush=True)\n"
        "signal.signal(signal.SIGINT, on); print('begun', flush=True)\n"
        "signal.pause(); end = time.time() + 1\n"
        "while time.time() < end: time.sleep(0.1)\n"
        "raise SystemExit(9)"])
seen = b""
os.set_blocking(fd, False)
end = time.time() + 60
sent = False
while time.time() < end:
    try:
        part = os.read(fd, 4096)
        if not part: break
        seen += part
    except BlockingIOError:
        time.sleep(0.05)
    except OSError:
        break
    if b"begun" in seen and not sent:
        sent = True
        os.write(fd, b"\x03")
status = os.waitpid(pid, 0)[1]
print(os.waitstatus_to_exitcode(status), seen.count(b"once"))
PY
python3 "$work/ctrl-c.py" "$sockwatch" "$work/log" >"$work/out" 2>"$work/err"
check "Ctrl-C reaches the command once, and it may take its time" "$(said)" grep -qx '9 1' "$work/out"
