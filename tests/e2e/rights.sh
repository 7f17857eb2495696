#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# As another user who has the capabilities that are needed, and no more.
. "${0%/*}/checks.bash"
if ! command -v setpriv >/dev/null || ! "$sockwatch" features >"$work/root" 2>"$work/why"; then
	echo "SKIP rights: $(tail -n 1 "$work/why")"
	exit 0
fi
cp "$sockwatch" "$work/program" && chmod 755 "$work" "$work/program"
as() { # CAPABILITIES COMMAND...
	local capabilities=${1:--all}
	shift
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps "$capabilities" --ambient-caps "$capabilities" "$@"
}
hooks() { grep -o ' syscalls/[a-z_0-9]* *[a-z]* *[a-z]*' "$1" | sort; }
needed=+bpf,+perfmon,+net_admin,+sys_admin,+sys_ptrace,+dac_read_search
as "$needed" "$work/program" features >"$work/other" 2>"$work/why"
hooks "$work/root" >"$work/root.hooks"
hooks "$work/other" >"$work/other.hooks"
check another_user_has_the_same_hooks "$(cat "$work/why"; diff "$work/root.hooks" "$work/other.hooks")" \
	cmp -s "$work/root.hooks" "$work/other.hooks"
for command in ls "who 1"; do
	# shellcheck disable=SC2086
	as +sys_admin,+sys_ptrace "$work/program" $command >/dev/null 2>"$work/why"
	check "CAP_SYS_ADMIN_implies_CAP_BPF: $command" "$(cat "$work/why")" test -z "$(grep 'lacks' "$work/why")"
	as +sys_ptrace "$work/program" $command >/dev/null 2>"$work/why"
	check "without_it_all_are_named: $command" "$(cat "$work/why")" \
		grep -q 'lacks CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN;' "$work/why"
done
# Without the right to enter tracefs the hooks at system calls are missing, and that is said at both ends.
as +bpf,+perfmon,+net_admin,+sys_admin,+sys_ptrace "$work/program" features >"$work/fewer" 2>&1
as +bpf,+perfmon,+net_admin,+sys_admin,+sys_ptrace "$work/program" trace --for 100ms >/dev/null 2>"$work/why"
if grep -q 'syscalls/sys_exit_bind .*failed' "$work/fewer"; then
	check missing_hooks_are_said_at_the_start "$(cat "$work/why")" grep -q '^sockwatch: tracing .*; not seen: ' "$work/why"
	check missing_hooks_are_said_at_the_end "$(cat "$work/why")" grep -q 'events, none lost; not seen: ' "$work/why"
else
	echo "SKIP missing_hooks_are_said: none is missing here"
fi
# A socket of root's in a namespace of its own.  To read what is root's, either capability will do.
unshare -n python3 -c '
import os, socket, time
s = socket.socket(); s.bind(("0.0.0.0", 4977)); s.listen()
print(os.stat("/proc/self/ns/net").st_ino, flush=True)
time.sleep(600)' >"$work/inode" 2>"$work/why" &
pids="$pids $!"
until_true test -s "$work/inode" || fail namespace "$(cat "$work/why")"
inode=$(cat "$work/inode")
tell() { # COMMAND... : what it says of that namespace, without moments
	"$@" -o json 2>"$work/why" | jq -c "select(.netns == $inode) | del(.time)"
}
export SOCKWATCH_RUN=$work/nobody
for command in ls "ls --hooks proc" "who 4977" ephemeral; do
	# shellcheck disable=SC2086
	tell "$work/program" $command >"$work/root"
	for one in dac_override dac_read_search; do
		# shellcheck disable=SC2086
		tell as "${needed/dac_read_search/$one}" "$work/program" $command >"$work/other"
		check "another_user_sees_as_root: $command, $one" "$(diff "$work/root" "$work/other"; cat "$work/why")" \
			test -s "$work/root" -a "$(cat "$work/root")" = "$(cat "$work/other")" -a -z "$(grep lacks "$work/why")"
	done
done
as "${needed/,+dac_read_search/}" "$work/program" ls --hooks proc >/dev/null 2>"$work/why"
check "without_either_it_is_said" "$? $(cat "$work/why")" grep -q 'lacks CAP_DAC_READ_SEARCH;' "$work/why"
# Each cell of docs/privileges.md: the exit code, and what is said of capabilities.
cell() { # COMMAND WITHOUT CODE PATTERN: "" for nothing
	local left=$needed one code
	for one in $2; do left=$(sed "s/+$one\(,\|\$\)//; s/,\$//" <<<"$left"); done
	# shellcheck disable=SC2086
	as "$left" "$work/program" $1 >/dev/null 2>"$work/why"
	code=$?
	if [ -n "$4" ]; then grep -q -- "$4" "$work/why"; else ! grep -q CAP_ "$work/why"; fi
	check "cell: ${1//$work\//} without $2" "$code $(cat "$work/why")" test $? = 0 -a $code = "$3"
}
mkdir "$work/others" && chown 65534 "$work/others"
record="record --store $work/others/store --for 100ms"
for command in "trace --for 100ms" "$record" "ephemeral --for 100ms" features ephemeral; do
	for one in bpf perfmon net_admin; do cell "$command" "$one sys_admin" 1 "lacks CAP_${one^^};"; done
done
for command in "trace --for 100ms" "$record" "ephemeral --for 100ms"; do
	for one in sys_admin sys_ptrace dac_read_search; do cell "$command" $one 0 "; without CAP_${one^^}"; done
done
for one in sys_admin sys_ptrace; do
	cell ephemeral $one 0 "CAP_${one^^} is needed"
	cell features $one 0 ""
done
cell ephemeral dac_read_search 0 ""
cell features dac_read_search 0 ""
# What cannot be seen is said, and is no reason to show nothing; the port that `who` is asked for is in another namespace.
for command in ls "who 4977"; do
	unseen=$([ "$command" = ls ] || echo 1)
	for one in bpf perfmon; do
		cell "$command" "$one sys_admin" "${unseen:-0}" "not everything is listed: .*lacks CAP_${one^^}, CAP_SYS_ADMIN;"
	done
	for one in sys_admin sys_ptrace; do
		cell "$command" $one "${unseen:-0}" "not everything is listed: .*lacks CAP_${one^^};"
		cell "$command --hooks proc" $one "${unseen:-0}" "not everything is listed: .*lacks CAP_${one^^};"
	done
	cell "$command" dac_read_search 0 ""
	cell "$command --hooks proc" dac_read_search 0 "not everything is listed: .*lacks CAP_DAC_READ_SEARCH;"
	cell "$command --hooks proc" "bpf perfmon net_admin" 0 "$([ "$command" = ls ] || echo CAP_NET_ADMIN)"
done
# What may not be entered keeps no ghost anywhere else.
cp tests/e2e/repair.py tests/e2e/waiting.py "$work"
unshare -n bash -c 'ip link set lo up && exec "$@"' bash setpriv --reuid 65534 --regid 65534 --clear-groups \
	--inh-caps "${needed/,+sys_admin/}" --ambient-caps "${needed/,+sys_admin/}" \
	python3 -B "$work/repair.py" "$work/program" trace -o json --port {port} --ring 4M >"$work/other" 2>"$work/why"
check "without_sys_admin_a_loss_is_repaired" "$(cat "$work/other" "$work/why")" test $? = 0
# Without any right: own processes, and that sockets of others are there.
mkfifo "$work/hold"
listen='$s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$ARGV[0]", Listen => 1) or die; print "1\n"; close STDOUT; <STDIN>'
perl -MIO::Socket::INET -e "$listen" 4975 <"$work/hold" >"$work/ready.root" &
pids="$pids $!"
as "" perl -MIO::Socket::INET -e "$listen" 4978 <"$work/hold" >"$work/ready" &
pids="$pids $!"
exec {hold}>"$work/hold"
until_true test -s "$work/ready" -a -s "$work/ready.root"
others=$(as "" "$work/program" ls -L 4975 -o json 2>"$work/why")
check without_rights_the_socket_is_shown "$others $(cat "$work/why")" test "$(jq -c '[.state, .process, .holders]' <<<"$others")" = '["LISTEN",null,null]'
own=$(as "" "$work/program" ls -L 4978 -o json 2>"$work/why")
check without_rights_own_processes_are_shown "$own $(cat "$work/why")" test "$(jq -r '.process.name, (.holders | length)' <<<"$own" | xargs)" = "perl 1"
as "" "$work/program" who 4979 >/dev/null 2>"$work/why"
check without_rights_nobody_is_not_said "$? $(cat "$work/why")" grep -q 'nobody that this process may see has 4979' "$work/why"
# Members of the recorder's group ask it, with rights to nothing else; its directory is the unit's.
cat >"$work/asks" <<'SH'
needed=$1 program=$2 work=$3
mount -t tmpfs none /run && install -d -o 64998 -g 64998 -m 2750 /run/sockwatch-record && install -d -o 64998 -m 0750 "$work/recorder" || exit 77
SOCKWATCH_RUN=/run/sockwatch-record setpriv --reuid 64998 --regid 64998 --clear-groups --inh-caps "$needed" --ambient-caps "$needed" \
	"$program" record --store "$work/recorder/store" 2>"$work/recorder.err" &
recorder=$!
for ((i = 0; i < 300; i++)); do grep -qs '^sockwatch: tracing' "$work/recorder.err" && break; sleep 0.1; done
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:4974", Listen => 1) or die; print "1\n"; close STDOUT; sleep 60' \
	>"$work/recorder.ready" &
listener=$!
since() { # GROUP
	env -u SOCKWATCH_RUN setpriv --reuid 65534 --regid 65534 --groups "$1" --inh-caps=-all "$program" ls -L 4974 -o json 2>"$work/recorder.why" | jq -r .since
}
# On a busy host a recorder may not answer in time.
for ((i = 0; i < 100; i++)); do told=$(since 64998); case $told in 2*) break ;; esac; sleep 0.1; done
cp "$work/recorder.why" "$work/recorder.member"
echo "${told:0:1} $(since 64997)"
kill -INT $recorder
kill $listener
wait
SH
said=$(own_mounts bash "$work/asks" "$needed" "$work/program" "$work" 2>&1)
case $? in
77) echo "SKIP members_ask_the_recorder: no mount namespace of our own" ;;
*) check members_ask_the_recorder "$said $(cat "$work/recorder.err" "$work/recorder.member" "$work/recorder.why")" test "$said" = "2 null" ;;
esac
# docs/privileges.md: the program with file capabilities, for one group.
if command -v setcap >/dev/null; then
	mkdir -m 0755 "$work/group" && cp "$sockwatch" "$work/group/program" && chgrp 64999 "$work/group/program" && chmod 0750 "$work/group/program"
	given=$(sed 's/+/cap_/g' <<<"$needed")
	setcap "$given+ep" "$work/group/program" 2>"$work/why"
	check setcap_takes_them "$(cat "$work/why")" test $? = 0
	# By a shell: what setpriv starts itself is looked up with the rights of before.
	member() { setpriv --reuid 65534 --regid 65534 --groups "$1" --inh-caps=-all sh -c "$2"; }
	SOCKWATCH_RUN=$work/nobody member 64999 "'$work/group/program' trace --for 200ms" >/dev/null 2>"$work/why"
	check setcap_a_member_traces "$? $(cat "$work/why")" test "$(grep -c '^sockwatch: tracing ' "$work/why") $(grep -c CAP_ "$work/why")" = "1 0"
	SOCKWATCH_RUN=$work/nobody member 64999 "'$work/group/program' ls -L 4975 -o json" >"$work/seen" 2>"$work/why"
	check setcap_a_member_sees_others "$(cat "$work/seen" "$work/why")" test "$(jq -r .process.name "$work/seen")" = perl
	member 64998 "'$work/group/program' --version" >/dev/null 2>"$work/why"
	check setcap_nobody_else_runs_it "$?" grep -qi 'denied' "$work/why"
else
	echo "SKIP setcap: no setcap; libcap2-bin has it"
fi
exec {hold}>&-
cell ls net_admin 0 ""
cell "who 4977" net_admin 0 "(CAP_NET_ADMIN)"
cell "history --store $work/others/store" "bpf perfmon net_admin sys_admin sys_ptrace dac_read_search" 0 ""
unset SOCKWATCH_RUN
# A run directory that others may write into, or that is a link to another place.
mkdir -m 0755 "$work/open" && mkdir -m 0700 "$work/own" && ln -s own "$work/link"
for run in open link; do
	for command in ls "who 1" "trace --for 100ms" "record --store $work/run.store --for 100ms"; do
		# shellcheck disable=SC2086
		SOCKWATCH_RUN=$work/$run "$sockwatch" $command >/dev/null 2>"$work/why"
		check "refused_directory_is_said: $run, ${command%% *}" "$(cat "$work/why")" \
			test "$(grep -c "^sockwatch: $work/$run: " "$work/why")" = 1
	done
	check "quiet_is_quiet: $run" "$(cat "$work/why")" test -z "$(SOCKWATCH_RUN=$work/$run "$sockwatch" ls -q 2>&1 >/dev/null)"
done
