#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What goes wrong around the program: outputs that take nothing, a host that refuses, clocks, kills; at last, in faults.py, each
# allocation, descriptor and program.
. "${0%/*}/checks.bash"
[ "$(id -u)" = 0 ] || { echo "SKIP faults: needs root"; exit 0; }
if ! "$sockwatch" features >/dev/null 2>"$work/why"; then
	echo "SKIP faults: $(tail -n 1 "$work/why")"
	exit 0
fi
inject=$PWD/${BUILD:-build}/tests/faults/inject
export SOCKWATCH_RUN=$work/run sockwatch inject work
start() { # NAME COMMAND... : $running, once it traces
	local name=$1
	shift
	"$@" 2>"$work/$name.err" >"$work/$name.out" &
	running=$!
	pids="$pids $running"
	until_true grep -q '^sockwatch: tracing' "$work/$name.err"
}
bind_one() { # ADDRESS
	python3 -c 'import socket, sys; s = socket.socket(); s.bind((sys.argv[1], 0))' "$1"
}
# In a mount namespace of its own; 77 where what it needs cannot be had.
elsewhere() { # NAME COMMANDS
	local why
	why=$(own_mounts bash -c "trap 'kill -KILL \$running 2>/dev/null' EXIT; $2" 2>&1)
	case $? in
	0) pass "$1" ;;
	77) echo "SKIP $1: no such mount here" ;;
	*) fail "$1" "$why" ;;
	esac
}
export -f start bind_one until_true

# ---- outputs ----
start past "$sockwatch" record --store "$work/past"
bind_one 127.0.0.70
kill -INT "$running"
wait "$running"
# Without an event there is nothing to be written.
python3 -c 'import socket, time
for _ in range(3000):
    socket.create_server(("127.0.0.71", 0)).close()
    time.sleep(0.02)' &
maker=$!
pids="$pids $maker"
for command in ls "ls -o json" ephemeral "ephemeral -o html" features "history --store $work/past" "report --store $work/past" --help --version \
	"trace --for 300ms" "trace -o json --for 300ms" "ephemeral --for 300ms"; do
	# shellcheck disable=SC2086
	timeout 30 "$sockwatch" $command >/dev/full 2>"$work/why"
	full="$? $(grep -c 'cannot write\|stdout: ' "$work/why")"
	# shellcheck disable=SC2086
	timeout 30 "$sockwatch" $command >&- 2>>"$work/why"
	closed="$? $(grep -c 'cannot write\|stdout: ' "$work/why")"
	check "output_full_or_closed: ${command/$work/}" "$full, $closed: $(cat "$work/why")" \
		test "$full $closed" = "1 1 1 2"
done
kill "$maker"
wait "$maker"
# The number of a descriptor that was closed at the start is no place for a file: the next word would go into it.
python3 -c 'import os, sys
for fd in range(3): os.close(fd)
os.execv(sys.argv[1], sys.argv[1:])' "$sockwatch" record --store "$work/without" &
running=$!
pids="$pids $running"
until_true sh -c "[ -n \"\$(sqlite3 '$work/without' 'SELECT started FROM run' 2>/dev/null)\" ]"
places=$(readlink "/proc/$running/fd/0" "/proc/$running/fd/1" "/proc/$running/fd/2" | xargs)
kill -INT "$running"
wait "$running"
check closed_descriptors_are_taken_by_no_file "$? $places" test $? = 0 -a "$places" = "/dev/null /dev/null /dev/null"

# ---- a host that refuses ----
elsewhere without_proc_it_is_said '
	mount -t tmpfs none /proc || exit 77
	for command in ls "ls --hooks proc" "who 1" "ephemeral" "trace --for 1s" "record --store $work/none --for 1s" features; do
		timeout 20 "$sockwatch" $command >"$work/out" 2>"$work/why"
		code=$?
		[ $code = 1 ] && [ "$(wc -l <"$work/why")" = 1 ] && grep -q "^sockwatch: cannot read /proc: " "$work/why" && [ ! -s "$work/out" ] ||
			{ echo "$command: $code $(cat "$work/why")"; exit 1; }
	done'
elsewhere hidden_processes_are_found_by_root '
	python3 -c "import os, socket, time
s = socket.create_server((\"127.0.0.71\", 7171))
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
print(os.getpid(), flush=True); time.sleep(600)" >"$work/hidden" &
	running=$!
	until_true test -s "$work/hidden"
	mount -t proc -o hidepid=2 proc /proc || exit 77
	for source in auto proc; do
		said=$("$sockwatch" ls -o json -L 7171 --hooks $source 2>&1 | jq -c "[.process.pid, .holders[0].process.pid]")
		[ "$said" = "[$(cat "$work/hidden"),$(cat "$work/hidden")]" ] || { echo "$source: $said"; exit 1; }
	done'
# Of what it cannot see there it says so, at both ends; of the rest nothing is missing.
# shellcheck disable=SC2016
refused='
	rm -f "$work/refused.err" # of the one before
	timeout 60 "$inject" -k open -p $kind -n 1-9999 -e 1 -t 40 "$sockwatch" trace -o json --events bind,close --count 1 --addr $address \
		>"$work/refused.out" 2>"$work/refused.err" &
	running=$!
	until_true grep -q "^sockwatch: tracing" "$work/refused.err" "$work/refused.err" || exit 1
	[ "$(grep -c "; not seen: .*$missing" "$work/refused.err")" = 1 ] || { echo "does not say what is not seen: $(cat "$work/refused.err")"; exit 1; }
	bind_one $address
	wait $running
	[ "$(grep -c "; not seen: .*$missing" "$work/refused.err")" = 2 ] && grep -q " exit 0" "$work/refused.err" &&
		jq -e ".local.addr == \"$address\" and .process.name == \"python3\"" "$work/refused.out" >/dev/null ||
		{ cat "$work/refused.err" "$work/refused.out"; exit 1; }'
if "$sockwatch" features --hooks tracepoints | grep -q 'syscalls/sys_exit_bind .*attached'; then
	elsewhere tracefs_is_refused 'mount -t tmpfs none /sys/kernel/tracing && mount -t tmpfs none /sys/kernel/debug || exit 77
		kind=tracefs address=127.0.0.72 missing="bind(2) and its errno"'"$refused"
	elsewhere cgroup2_is_refused 'for at in $(awk "\$3 == \"cgroup2\" { print \$2 }" /proc/mounts); do mount -t tmpfs none $at || exit 77; done
		kind=cgroup2 address=127.0.0.73 missing="the end of every UDP socket"'"$refused"
else
	echo "SKIP tracefs_is_refused, cgroup2_is_refused: system calls are not watched here"
fi
elsewhere cgroup2_is_read_only '
	at=$(awk "\$3 == \"cgroup2\" { print \$2; exit }" /proc/mounts)
	[ -n "$at" ] && mount -o remount,bind,ro "$at" || exit 77
	start readonly "$sockwatch" trace -o json --events bind --count 1 --addr 127.0.0.74 || exit 1
	bind_one 127.0.0.74
	wait $running && grep -q 127.0.0.74 "$work/readonly.out" || { cat "$work/readonly.err"; exit 1; }'

# ---- two instances ----
start first "$sockwatch" trace -o json --events bind --count 1 --addr 127.0.0.75
first=$running
start second "$sockwatch" trace -o json --events bind --count 1 --addr 127.0.0.75
second=$running
start third "$sockwatch" record --store "$work/third"
bind_one 127.0.0.75
wait "$first" && wait "$second"
held=$?
kill -INT "$running"
wait "$running"
check three_instances_see_the_same "$(cat "$work"/first.* "$work"/second.*)" test $held = 0 -a \
	"$(jq -c '[.cookie, .local, .process]' "$work/first.out")" = "$(jq -c '[.cookie, .local, .process]' "$work/second.out")" -a \
	"$("$sockwatch" history --store "$work/third" -o json --events bind,close --addr 127.0.0.75 | jq -s length)" -ge 1

# ---- clocks ----
today() { # FILE DAYS : its event is of today, or of so many days from it
	python3 -c 'import datetime, json, sys
o = json.loads(open(sys.argv[1]).readline())
for time in o["time"], o["process"]["start"]:
    away = datetime.datetime.fromisoformat(time[:19] + "+00:00") - datetime.datetime.now(datetime.timezone.utc)
    if abs(away.total_seconds() - 86400 * int(sys.argv[2])) > 900: sys.exit("%s is %s away" % (time, away))' "$1" "$2"
}
if unshare --time --boottime 172800 --monotonic 172800 --fork true 2>"$work/why"; then
	start shifted unshare --time --boottime 172800 --monotonic 172800 --fork --kill-child=INT "$sockwatch" trace -o json --events bind \
		--count 1 --addr 127.0.0.76
	bind_one 127.0.0.76
	wait "$running"
	why=$(today "$work/shifted.out" 0 2>&1)
	check times_in_a_time_namespace "$why; $(cat "$work/shifted.out" "$work/shifted.err")" test $? = 0 -a -z "$why"
else
	echo "SKIP times_in_a_time_namespace: $(cat "$work/why")"
fi
# The wall's clock is set while it runs: what follows has the time of the wall then, and the store keeps what was before and after.
bind_until_set() { # FILE DAYS : binds until an event has the new time
	bind_one 127.0.0.77
	tail -n 1 "$1" >"$work/last" && today "$work/last" "$2"
}
for days in 3 -3; do
	start clock "$inject" -k clock -n 30 -d $days -t 60 "$sockwatch" trace -o json --events bind --addr 127.0.0.77
	bind_one 127.0.0.77
	until_true bind_until_set "$work/clock.out" $days
	held=$?
	kill -INT "$running"
	wait "$running"
	check "trace_follows_a_clock_set_by_$days" "$(tail -n 3 "$work/clock.out" "$work/clock.err")" \
		sh -c "[ $held = 0 ] && grep -q ' exit 0' '$work/clock.err'"
	start clocked "$inject" -k clock -n 30 -d $days -t 60 "$sockwatch" record --store "$work/clock$days"
	made=0
	until [ $made = 12 ]; do
		bind_one 127.0.0.79
		made=$((made + 1))
	done
	kill -INT "$running"
	wait "$running"
	kept=$("$sockwatch" history --store "$work/clock$days" -o json --events close --addr 127.0.0.79 | jq -s length)
	check "record_keeps_all_when_the_clock_is_set_by_$days" "$kept of $made: $(cat "$work/clocked.err")" \
		sh -c "[ '$kept' = $made ] && grep -q 'hits [1-9].* exit 0' '$work/clocked.err'"
done

# ---- namespaces that end while they are looked at ----
cat >"$work/spaces" <<'PY'
import ctypes, os, socket
libc = ctypes.CDLL(None)
while True:
    pid = os.fork()
    if not pid:
        for i in range(3):
            libc.unshare(0x40000000)
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(("0.0.0.0", 7200))
        os._exit(0)
    os.waitpid(pid, 0)
PY
python3 "$work/spaces" 2>"$work/why" &
spaces=$!
python3 -c 'import signal, socket
s = socket.create_server(("127.0.0.80", 7180)); print(flush=True); signal.pause()' >"$work/stays" &
pids="$pids $spaces $!"
until_true test -s "$work/stays"
for command in ls "ls --hooks proc" ephemeral "who 127.0.0.80:7180"; do
	bad=
	for _ in 1 2 3 4 5 6; do
		# shellcheck disable=SC2086
		timeout 30 "$sockwatch" $command -o json >"$work/out" 2>"$work/why"
		code=$?
		[ $code = 0 ] && jq -e . "$work/out" >"$work/read" 2>&1 && { [ "$command" = ephemeral ] || grep -q 127.0.0.80 "$work/out"; } ||
			bad="$bad code $code: $(cat "$work/why");"
	done
	check "namespaces_that_end: $command" "$bad" test -z "$bad"
done
kill -KILL "$spaces"
wait "$spaces" 2>/dev/null

# A namespace that refuses to be entered for a while: the look is taken again.
said=$(unshare -n sh -c 'ip link set lo up && exec "$@"' sh python3 -B tests/e2e/repair.py nsenter "--net=/proc/$$/ns/net" \
	"$inject" -k open -p "/proc/{pid}/ns/net" -n 2-4 -e 13 "$sockwatch" trace -o json --port {port} --ring 4M 2>&1)
check a_repair_is_tried_again "$said" sh -c '[ $1 = 0 ] && echo "$2" | grep -q " hits 3 exit 4 "' sh $? "$said"

# ---- kills ----
cp "$sockwatch" "$work/killed"
cat >"$work/kill.py" <<'PY'
import glob, json, os, random, subprocess, sys, time
sys.path.insert(0, "tests/e2e")
from waiting import until
program, work = sys.argv[1:]
KILLS, BPFTOOL = 50, os.environ.get("BPFTOOL", "/usr/sbin/bpftool")
seed = random.randrange(1 << 30)
random.seed(seed)

def living():
    """Processes of this program, those that are children of others too."""
    found = []
    for exe in glob.glob("/proc/[0-9]*/exe"):
        try:
            if os.readlink(exe).split(" ")[0] == program:
                found.append(int(exe.split("/")[2]))
        except OSError:
            pass
    return found

def objects(kind):
    out = subprocess.run([BPFTOOL, "-j", kind, "show"], capture_output=True).stdout
    return json.loads(out or b"[]")

def held(kind, pids=("*",)):
    """Numbers of the programs, maps or links that a descriptor of these processes leads to."""
    found = set()
    for pid in pids:
        for info in glob.glob("/proc/%s/fdinfo/*" % pid):
            try:
                found |= {int(l.split()[1]) for l in open(info) if l.startswith(kind + "_id:")}
            except (OSError, ValueError):
                pass
    return found

def start(i):
    arguments = [["trace"], ["record", "--store", work + "/killed.store"], ["ephemeral", "--for", "60s"]][i % 3]
    return subprocess.Popen([program] + arguments, stdout=subprocess.DEVNULL, stderr=open(work + "/killed.err", "w"))

def traces():
    return b"sockwatch: tracing" in open(work + "/killed.err", "rb").read()

def mounts():
    return sorted(l.split(" - ")[1] for l in open("/proc/self/mountinfo") if " - tracefs " in l or " - cgroup2 " in l)

def cgroups():
    return [d for d, _, _ in os.walk("/sys/fs/cgroup") if "sockwatch" in d]

# How long a start takes, and how what it makes is called.
before, begin = (mounts(), cgroups()), time.monotonic()
p = start(0)
until("a start", lambda: traces() or p.poll() is not None)
took, own = time.monotonic() - begin, living()
progs, maps = held("prog", own), held("map", own)
progs = {o["name"] for o in objects("prog") if o["id"] in progs}
maps = {o["name"] for o in objects("map") if o["id"] in maps}
p.kill(), p.wait()

def left():
    """What is called like its own and nobody holds, neither by a descriptor nor from what somebody holds: first all, then who has it."""
    programs, links, all_maps = objects("prog"), objects("link"), objects("map")
    by_fd, by_link, used = held("prog"), held("link"), held("map")
    by_fd |= {l["prog_id"] for l in links if l["id"] in by_link and "prog_id" in l}
    lost = {o["id"] for o in programs if o.get("name") in progs and o["id"] not in by_fd}
    used |= {i for o in programs if o["id"] not in lost for i in o.get("map_ids", [])}
    left = {("program", i) for i in lost} | {("link", l["id"]) for l in links if l.get("prog_id") in lost}
    return left | {("map", o["id"]) for o in all_maps if o.get("name") in maps and o["id"] not in used}

still = None
def still_left():
    """Those of the look before, too: what others had may have ended between the two halves of one look."""
    global still
    still = left() if still is None else still & left()
    return still

attached = 0
for i in range(KILLS):
    p = start(i)
    time.sleep(random.uniform(0, 1.3 * took))  # the moment is what is tried out: nothing is waited for
    attached += traces()
    p.kill()
    p.wait()
    until("the end of all processes, seed %d" % seed, living, lambda found: not found)
until("nothing that is left, seed %d" % seed, still_left, lambda found: not found)
if (mounts(), cgroups()) != before:
    sys.exit("%r are mounted or made, before it were %r" % ((mounts(), cgroups()), before))
if not progs or not maps:
    sys.exit("no program or map was found while it ran: is there a %s?" % BPFTOOL)
print("note: %d of %d were tracing already; %d programs, %d maps" % (attached, KILLS, len(progs), len(maps)))
PY
said=$(python3 -B "$work/kill.py" "$work/killed" "$work" 2>&1)
check fifty_kills_leave_nothing "$said" test $? = 0
echo "$said" | grep '^note: '
# What the next one finds does not trouble it, and what is in its directory of the run is no more than one name each.
"$work/killed" record --store "$work/killed.store" --for 100ms 2>"$work/why"
check the_next_one_starts "$(cat "$work/why")" test $? = 0 -a "$(sqlite3 "$work/killed.store" 'PRAGMA integrity_check')" = ok

exec unshare -n python3 -B tests/e2e/faults.py "$work"
