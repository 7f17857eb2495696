# SPDX-License-Identifier: GPL-2.0-only
# checks.bash - sourced by suites in bash: $sockwatch, a folder $work that goes at the end with every process in
# $pids, and the lines tests/run counts.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
sockwatch=$PWD/${BUILD:-build}/sockwatch
work=$(mktemp -d) || exit 1
pids=
cleanup() {
	[ "$BASHPID" = $$ ] || return # one that a signal ended before it became its command
	for p in $pids; do kill -KILL "$p" 2>/dev/null; done
	rm -rf "$work"
}
trap cleanup EXIT

pass() { echo "PASS $1"; }
# In one line, which is all that a run shows of it.
fail() { echo "FAIL $1: ${2//$'\n'/ | }"; }
check() { # NAME WHY COMMAND...
	local name=$1 why=$2
	shift 2
	if "$@"; then pass "$name"; else fail "$name" "$why"; fi
}
# A command with mounts of its own; 77 where it cannot have any.
own_mounts() {
	unshare -m true || return 77
	unshare -m "$@"
}
. tests/e2e/waiting.bash
