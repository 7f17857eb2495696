#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A stop signal ends each command although its reader has stopped reading, or its search has no end.
. "${0%/*}/checks.bash"
cat >"$work/stop.py" <<'PY'
import fcntl, os, signal, socket, subprocess, sys, time
sockwatch, work, what, number = sys.argv[1:5]
number = getattr(signal, number)
LIMIT = 20

def full_pipe():
    """A pipe that nobody reads and that holds no byte more."""
    r, w = os.pipe()
    fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(w, False)
    try:
        while True:
            os.write(w, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(w, True)
    return r, w

r, w = full_pipe()
arguments = what.split()
out = subprocess.DEVNULL if "endless" in what else w
if what.startswith("fifo "):
    os.mkfifo(work + "/fifo")
    hold = os.open(work + "/fifo", os.O_RDWR)
    fcntl.fcntl(hold, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(hold, False)
    try:
        while True:
            os.write(hold, b"x" * 4096)
    except BlockingIOError:
        pass
    arguments = arguments[1:] + ["--output", work + "/fifo"]
p = subprocess.Popen([sockwatch] + arguments, stdout=out, stderr=subprocess.PIPE, text=True)
end = time.monotonic() + LIMIT
listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen()
try:
    # It sleeps for good, at its reader; a search of no end is in the processor.
    spent = steady = 0
    while time.monotonic() < end:
        with open("/proc/%d/stat" % p.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        now = int(fields[11]) + int(fields[12])
        if "endless" in what:
            if now >= 20: break
        elif fields[0] == "S" and now == spent and now > 0:
            steady += 1
            if steady > 20: break
        else:
            steady = 0
        spent = now
        s = socket.socket(); s.bind(("127.0.0.1", 0)); s.close()
        time.sleep(0.02)
    begin = time.monotonic()
    p.send_signal(number)
    code = p.wait(LIMIT)
    took = time.monotonic() - begin
    said = p.stderr.read()
finally:
    p.kill()
want = 0 if "endless" in what else 4
if code != want or (want and "stopped reading" not in said):
    sys.exit("exit %d, said %r" % (code, said))
if took > 1 and os.getloadavg()[0] < os.cpu_count():
    sys.exit("took %.2f s" % took)
PY
store=$work/stop.store
"$sockwatch" record -q --store "$store" --for 100ms 2>"$work/why" && made=yes
ends() { # NAME WHAT SIGNAL
	why=$(python3 "$work/stop.py" "$sockwatch" "$work" "$2" "$3" 2>&1)
	check "$1" "$why" test $? = 0
	rm -f "$work/fifo"
}
ends ls_into_a_full_pipe_ends_by_SIGINT "ls" SIGINT
ends ls_into_a_full_fifo_ends_by_SIGTERM "fifo ls -o json" SIGTERM
if [ "${made-}" ]; then
	ends trace_into_a_full_pipe_ends_by_SIGINT "trace -o json" SIGINT
	ends trace_into_a_full_pipe_ends_by_SIGTERM "trace" SIGTERM
	ends trace_into_a_full_fifo_ends_by_SIGTERM "fifo trace --rotate 1MB" SIGTERM
	ends ephemeral_into_a_full_pipe_ends "ephemeral" SIGTERM
	# Asked when a store is opened, and when it is read.
	for table in run open; do
		cp "$store" "$work/endless.$table"
		why=$(python3 -c '
import sqlite3, sys
db, table = sqlite3.connect(sys.argv[1]), sys.argv[2]
columns = ",".join("0 AS %s" % row[1] for row in db.execute("PRAGMA table_info(%s)" % table))
db.execute("PRAGMA legacy_alter_table=ON")
db.execute("ALTER TABLE %s RENAME TO before" % table)
db.execute("CREATE VIEW %s AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
           " SELECT %s FROM n WHERE i < 0" % (table, columns))
db.commit()' "$work/endless.$table" "$table" 2>&1) || fail "endless_$table" "$why"
		for signal in SIGINT SIGTERM; do
			ends "history_of_an_endless_${table}_ends_by_$signal" "history --store $work/endless.$table" $signal
		done
	done
else
	echo "SKIP stop_of_trace: $(tail -n 1 "$work/why")"
fi
