#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A stop signal ends each command although its reader has stopped reading; a search that has no end is not begun.
. "${0%/*}/checks.bash"
cat >"$work/stop.py" <<'PY'
import fcntl, os, signal, socket, subprocess, sys, time
sockwatch, work, what, number = sys.argv[1:5]
number = getattr(signal, number)
LIMIT = 20
how, arguments = what.split()[0], what.split()[1:]
JOURNAL = "/run/systemd/journal/socket"
# Events that a page of a pipe, or a socket, keeps at most.
HOLDS = 50 + int(open("/proc/sys/net/unix/max_dgram_qlen").read())

def fill(fd):
    os.set_blocking(fd, False)
    try:
        while True:
            os.write(fd, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(fd, True)

# Nobody reads there: a pipe or FIFO that is full, a pipe or a journal that becomes full, or one into which nothing comes.
r, w = os.pipe()
fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 4096)
out = w
if how == "full":
    fill(w)
elif how == "fifo":
    os.mkfifo(work + "/fifo")
    hold = os.open(work + "/fifo", os.O_RDWR)
    fcntl.fcntl(hold, fcntl.F_SETPIPE_SZ, 4096)
    fill(hold)
    arguments += ["--output", work + "/fifo"]
elif how == "journal":
    os.makedirs(os.path.dirname(JOURNAL))
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.bind(JOURNAL)
grows = how in ("later", "journal")
said = open(work + "/said", "w+")
p = subprocess.Popen([sockwatch] + arguments, stdout=out, stderr=said)

def words():
    with open(work + "/said") as f:
        return f.read()

def look():
    """Its state and processor time; whether it catches the signal."""
    with open("/proc/%d/stat" % p.pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    with open("/proc/%d/status" % p.pid) as f:
        caught = [line for line in f if line.startswith("SigCgt")][0]
    return fields[0], int(fields[11]) + int(fields[12]), int(caught.split()[1], 16) >> (number - 1) & 1

def start_control():
    """One more whose reader reads: to let the hooks go takes a busy kernel long, which both wait for alike while a third has them."""
    if arguments[0] != "trace":
        return None
    err = open(work + "/control", "w+")
    control = subprocess.Popen([sockwatch, "trace"], stdout=subprocess.DEVNULL, stderr=err)
    end = time.monotonic() + LIMIT
    while "sockwatch: tracing" not in open(work + "/control").read() and time.monotonic() < end:
        time.sleep(0.02)
    return control

def ends_within_a_second(control):
    """Twenty pauses of 50 ms more than the other, with a little work each: what slows it down makes these longer, too."""
    left = 20
    while p.poll() is None and left:
        left -= control is None or control.poll() is not None
        time.sleep(0.05)
        subprocess.run([sockwatch, "--version"], stdout=subprocess.DEVNULL)
    return p.poll() is not None

try:
    # It sleeps for good, at its reader.
    spent, steady, binds, end = 0, 0, 0, time.monotonic() + LIMIT
    while p.poll() is None and time.monotonic() < end:
        state, now, catches = look()
        if not catches or state != "S" or now != spent or (grows and binds < 500 + HOLDS):
            steady = 0
        else:
            steady += 1
            if steady > 20: break
        spent = now
        if not grows or "sockwatch: tracing" in words():
            for _ in range(10):
                s = socket.socket(); s.bind(("127.0.0.1", 0)); s.close()
            binds += 10
        time.sleep(0.02)
    else:
        sys.exit("did not come to its reader: code %r, said %r" % (p.returncode, words()))
    control = start_control()
    p.send_signal(number)
    if control:
        control.send_signal(number)
    over = ends_within_a_second(control)
    code = p.wait(LIMIT)
finally:
    p.kill()
if code != 4 or "stopped reading" not in words():
    sys.exit("exit %d, said %r" % (code, words()))
if not over:
    sys.exit("took longer than twenty pauses of 50 ms")
# Ten binds a look, twenty looks at one that sleeps: they are in the ring.
if grows:
    lost = [int(line.split()[1]) for line in words().splitlines() if line.endswith(" events that were to follow were lost")]
    if not lost or lost[0] < 200:
        sys.exit("of %d binds lost %r, said %r" % (binds, lost, words()))
PY
ends() { # NAME WHAT SIGNAL
	why=$(python3 "$work/stop.py" "$sockwatch" "$work" "$2" "$3" 2>&1)
	check "$1" "$why" test $? = 0
	rm -f "$work/fifo"
}
ends ls_into_a_full_pipe_ends_by_SIGINT "full ls" SIGINT
ends ls_into_a_full_fifo_ends_by_SIGTERM "fifo ls -o json" SIGTERM
store=$work/stop.store
"$sockwatch" record --store "$store" 2>"$work/why" &
pids="$pids $!"
until_true grep -q -e '^sockwatch: tracing' -e 'cannot' -e 'lacks' "$work/why"
if grep -q '^sockwatch: tracing' "$work/why"; then
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0))'
	kill -INT $!
	wait $!
	# The last to leave a syscall's tracepoint waits for the kernel, a second and more where that is busy: that is another one.
	"$sockwatch" trace -q --events overflow >"$work/last" 2>&1 &
	pids="$pids $!"
	disown
	until_true test -e "${SOCKWATCH_RUN:-/run/sockwatch}/$!"
	ends trace_into_a_full_pipe_ends_by_SIGINT "full trace -o json" SIGINT
	ends trace_into_a_full_pipe_ends_by_SIGTERM "full trace" SIGTERM
	ends trace_into_a_full_fifo_ends_by_SIGTERM "fifo trace --rotate 1MB" SIGTERM
	ends trace_counts_what_is_lost "later trace -o json -c python3" SIGINT
	ends ephemeral_into_a_full_pipe_ends "full ephemeral" SIGTERM
	ends history_into_a_full_pipe_ends "full history --store $store" SIGINT
	why=$(own_mounts bash -c 'mount -t tmpfs none /run || exit 77; exec python3 "$@"' stop \
		"$work/stop.py" "$sockwatch" "$work" "journal trace --journal -c python3" SIGTERM 2>&1)
	case $? in
	0) pass trace_into_a_journal_that_hangs_ends ;;
	77) echo "SKIP trace_into_a_journal_that_hangs_ends: no mount namespace of our own" ;;
	*) fail trace_into_a_journal_that_hangs_ends "$why" ;;
	esac
	# A search of no end is not begun: such tables are nobody's.
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
		why=$(timeout 20 "$sockwatch" history --store "$work/endless.$table" 2>&1)
		check "an_endless_${table}_is_refused" "$? $why" grep -q 'its tables are not those' <<<"$why"
	done
else
	echo "SKIP stop_of_trace: $(tail -n 1 "$work/why")"
fi
