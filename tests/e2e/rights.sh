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
	local capabilities=$1
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
