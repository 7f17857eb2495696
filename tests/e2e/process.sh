#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What a job's short-lived child ran, in a trace, a listing and a record that is asked later; arguments that nobody may keep.
# In a network namespace of its own.
if [ -z "${PROCESS_ALONE:-}" ] && unshare -n true 2>/dev/null; then
	PROCESS_ALONE=1 exec unshare -n "$0"
fi
ip link set lo up 2>/dev/null
. "${0%/*}/checks.bash"

if ! "$sockwatch" features >/dev/null 2>"$work/why"; then
	echo "SKIP process: $(tail -n 1 "$work/why")"
	exit 0
fi

cat >"$work/sw-server.py" <<'PY'
import os, socket, sys
server = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[1] + ".new", "w") as f:
    f.write(str(server.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
while True:
    server.accept()[0].close()
PY
printf 'import socket, sys\nsocket.create_connection(("127.0.0.1", int(sys.argv[1]))).recv(1)\n' >"$work/sw-client.py"
python3 "$work/sw-server.py" "$work/port" &
server=$!
pids="$pids $server"
until_true test -s "$work/port" || { fail process "the server did not start"; exit 1; }
port=$(cat "$work/port")

# What watches, until what it says is whole; the job runs between.  A job is a shell that starts the client and waits for it.
watch() { # NAME COMMAND...
	local name=$1 job watcher
	shift
	mkfifo "$work/go"
	sh -c 'read -r go <"$1"; python3 "$2" "$3" --token=sw-secret; true' sw-job "$work/go" "$work/sw-client.py" "$port" &
	job=$!
	pids="$pids $job"
	"$sockwatch" "${@//JOB/$job}" --netns self >"$work/$name.out" 2>"$work/$name.err" &
	watcher=$!
	pids="$pids $watcher"
	until_true grep -q '^sockwatch: tracing' "$work/$name.err"
	echo go >"$work/go"
	rm "$work/go"
	wait "$job"
	kill -INT "$watcher"
	wait "$watcher"
}
# Objects of that file that meet a condition of python3 on `p`, the process, and `e`.
count() { # FILE CONDITION
	python3 -c '
import json, sys
n = 0
for line in open(sys.argv[1]):
    e = json.loads(line)
    p = e.get("process") or {}
    n += bool(eval(sys.argv[2]))
print(n)' "$1" "$2"
}
client='p.get("args") and p["args"][1].endswith("/sw-client.py") and p["args"][3] == "--token=sw-secret" and "python3" in p["exe"] and p["start"]'
parent='p["parents"][0]["name"] == "sh" and "sw-job" in p["parents"][0]["args"]'

watch whole record --store "$work/store"
history() { "$sockwatch" history --store "$work/store" -o json "$@"; }
history --args 'sw-client\.py .*--token' >"$work/found"
check process_history_is_complete "$(cut -c -600 "$work/found" "$work/whole.err")" \
	test "$(count "$work/found" "$client and $parent")" -ge 1
check process_history_by_args_is_no_other "$(cut -c -300 "$work/found")" test "$(count "$work/found" "not ($client)")" = 0
history --args 'no-such-thing' >"$work/found"
check process_history_finds_nothing "exit code" test $? = 3
history --no-args -c python3 >"$work/found"
check process_history_without_args "$(cut -c -300 "$work/found")" \
	test "$(grep -c sw-secret "$work/found"):$(count "$work/found" 'p.get("exe") and p["args"] is None' | sed 's/^[1-9].*/some/')" = 0:some

watch secret record --store "$work/quiet" --no-args
cat "$work"/quiet* >"$work/bytes"
check process_record_keeps_no_args "the file has it" test "$(grep -c sw-secret "$work/bytes"):$(stat -c %a "$work/quiet")" = 0:640

watch children trace -o json -p JOB -f --events connect
check process_follows_children "$(cat "$work/children.err" "$work/children.out" | cut -c -600)" \
	test "$(count "$work/children.out" "$client and e['event'] == 'connect'")" = 1
watch lonely trace -o json -p JOB --events connect
check process_without_children "$(cut -c -300 "$work/lonely.out")" test ! -s "$work/lonely.out"
watch text trace --args sw-client --events connect
check process_text_names_the_script "$(cat "$work/text.out")" grep -q " python3\[[0-9]*\] sw-client.py *127\.0\.0\.1:" "$work/text.out"

"$sockwatch" ls --netns self >"$work/ls" 2>/dev/null
check process_ls_names_the_script "$(cat "$work/ls")" grep -q "^python3 sw-server.py *$server " "$work/ls"
"$sockwatch" ls --netns self --args sw-server -o json >"$work/ls.json" 2>/dev/null
check process_ls_is_complete "$(cut -c -400 "$work/ls.json")" \
	test "$(count "$work/ls.json" 'p["args"][1].endswith("/sw-server.py") and p["parents"]' | sed 's/^[1-9].*/some/')" = some
"$sockwatch" who --netns self --no-args "$port" >"$work/who" 2>/dev/null
check process_who_without_args "$(cat "$work/who")" test "$(grep -c "^tcp" "$work/who"):$(grep -c sw-server "$work/who")" = 1:0

# ---- who left a TIME_WAIT and has ended, while a trace runs ----
cat >"$work/sw-leaver.py" <<'PY'
import socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
accepted = server.accept()[0]
client.close()
accepted.recv(1)
print(server.getsockname()[1])
PY
"$sockwatch" trace --netns self --events close >/dev/null 2>"$work/seen.err" &
watcher=$!
pids="$pids $watcher"
until_true grep -q '^sockwatch: tracing' "$work/seen.err"
left=$(python3 "$work/sw-leaver.py")
python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1]))).recv(1)' "$port"
left_by() { # PORT CONDITION: objects of TIME_WAITs with that peer, or that local port
	"$sockwatch" ls --netns self --state time-wait --port "$1" -o json 2>/dev/null >"$work/left"
	count "$work/left" "$2"
}
# shellcheck disable=SC2016
until_true sh -c '[ "$("$1" ls --netns self --state time-wait --remote-port "$2" -o json | grep -c "\"ended\":true")" = 1 ]' sh "$sockwatch" "$left"
check process_left_by_one_that_ended "$(cat "$work/left" "$work/seen.err" | cut -c -600)" \
	test "$(left_by "$left" 'p["name"] == "python3" and e.get("ended") is True')" = 1
check process_left_by_one_that_lives "$(cut -c -600 "$work/left")" \
	test "$(left_by "$port" "p.get('pid') == $server and e.get('ended')"):$(left_by "$port" "p.get('pid') == $server" | sed 's/^[1-9].*/some/')" = 0:some
"$sockwatch" who --netns self "$(python3 -c 'import json, sys; print(json.loads(sys.stdin.readline())["local"]["port"])' <<<"$("$sockwatch" ls --netns self --state time-wait --remote-port "$left" -o json 2>/dev/null)")" >"$work/who" 2>&1
check process_who_says_ended "$(cat "$work/who")" grep -q '^  left by  *python3\[[0-9]*\], ended, user' "$work/who"
"$sockwatch" ls --netns self --no-args --state time-wait --port "$left" -o json >"$work/left" 2>/dev/null
check process_left_without_args "$(cut -c -600 "$work/left")" \
	test "$(grep -c '"ended":true' "$work/left"):$(grep -c sw-leaver "$work/left")" = 1:0
kill -INT "$watcher"
wait "$watcher"

# ---- units, containers, cgroups: places that this suite makes ----
root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
id=$(printf '%064x' $$)
unit=sw-test-$$.service
made="$root/$unit $root/docker-$id.scope"
leave_cgroups() {
	for c in $made; do
		[ -d "$c" ] || continue
		for p in $(cat "$c/cgroup.procs"); do kill -KILL "$p" 2>/dev/null; done
		until_true rmdir "$c" 2>/dev/null
	done
	cleanup
}
# shellcheck disable=SC2086
if [ -z "$root" ] || ! mkdir $made 2>"$work/why"; then
	echo "SKIP process_places: no cgroup can be made in ${root:-a mount of cgroup2, which is missing}: $(tail -n 1 "$work/why")"
	exit 0
fi
trap leave_cgroups EXIT
# Of a shell: CGROUP COMMAND...
in_cgroup='echo $$ >"$1/cgroup.procs" && shift && exec "$@"'
rm -f "$work/port"
sh -c "$in_cgroup" sh "$root/$unit" python3 "$work/sw-server.py" "$work/port" &
placed=$!
pids="$pids $placed"
until_true test -s "$work/port"
port=$(cat "$work/port")
among="unit:--unit:sw-test-$$:accept container:--container:$(echo "$id" | cut -c -12):connect cgroup:--cgroup:/docker-$id.scope:connect other:--unit:sw-other:accept"
watchers=
for one in $among; do
	IFS=: read -r name option value kind <<<"$one"
	"$sockwatch" trace --netns self -o json "$option" "$value" --events "$kind" >"$work/in-$name" 2>"$work/in-$name.err" &
	watchers="$watchers $!"
	until_true grep -q '^sockwatch: tracing' "$work/in-$name.err"
done
pids="$pids $watchers"
sh -c "$in_cgroup" sh "$root/docker-$id.scope" python3 "$work/sw-client.py" "$port"
python3 "$work/sw-client.py" "$port"
# shellcheck disable=SC2086
kill -INT $watchers
# shellcheck disable=SC2086
wait $watchers
check process_by_unit "$(cut -c -600 "$work/in-unit")" \
	test "$(count "$work/in-unit" "p.get('pid') == $placed and p.get('unit') == '$unit'"):$(wc -l <"$work/in-unit")" = 2:2
check process_by_container "$(cut -c -600 "$work/in-container")" \
	test "$(count "$work/in-container" "p['container'] == '$id' and p['args'][1].endswith('sw-client.py')"):$(wc -l <"$work/in-container")" = 1:1
check process_by_cgroup "$(cut -c -600 "$work/in-cgroup")" \
	test "$(count "$work/in-cgroup" "p['cgroup'] == '/docker-$id.scope'"):$(wc -l <"$work/in-cgroup")" = 1:1
check process_by_another_unit "$(cut -c -300 "$work/in-other")" test ! -s "$work/in-other"
: >"$work/listed"
listed() { "$sockwatch" ls --netns self -o json --state listen "$@" 2>/dev/null >"$work/listed"; count "$work/listed" "p.get('pid') == $placed"; }
for options in "--unit $unit" "--unit sw-test-$$" "--cgroup /$unit" "-f -p $$" "--args sw-server.py.*port" "-c python3"; do
	# shellcheck disable=SC2086
	check "process_ls_by: ${options//$$/N}" "$(cut -c -300 "$work/listed")" test "$(listed $options)" = 1
done
for options in "--unit sw-other" "--cgroup /sw-other" "--container ${id:0:12}" "-p $$" "--args no-such-thing" "--no-args --args sw-server"; do
	# shellcheck disable=SC2086
	check "process_ls_not_by: ${options//$$/N}" "$(cut -c -300 "$work/listed")" test "$(listed $options)" = 0
done
