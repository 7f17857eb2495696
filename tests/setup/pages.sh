#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What `make install` installs: a manual page a command that says what --help says, and completion that shells take.
. "${0%/*}/../e2e/checks.bash"
make -s install BUILD="${BUILD:-build}" DESTDIR="$work/root" PREFIX=/usr >"$work/said" 2>&1
check installed "$(tail -n 3 "$work/said")" test -x "$work/root/usr/sbin/sockwatch"
python3 -B tests/setup/pages.py "$work/root/usr" || fail pages "pages.py ended badly"

lint() { # TOOL COMMAND...: says nothing about any page
	local tool=$1 name=pages_without_warnings_of_$1 page
	shift
	command -v "$tool" >/dev/null || { echo "SKIP $name: no $tool on this machine"; return; }
	for page in "$work"/root/usr/share/man/man1/*.1; do
		"$@" "$page"
	done >"$work/lint" 2>&1
	check "$name" "$(head -n 3 "$work/lint")" test ! -s "$work/lint"
}
lint groff groff -man -ww -z -Tutf8
# Examples may be wide.
lint mandoc sh -c 'mandoc -Tlint "$0" | grep -v "input text line longer"'
lint man sh -c 'LC_ALL=C.UTF-8 MANROFFSEQ= man --warnings -E UTF-8 -l -Tutf8 -Z "$0" >/dev/null'

share=$work/root/usr/share
# What bash offers for the last word: offered WORD...
offered() {
	# shellcheck disable=SC2016
	bash --norc -c '. "$1" && shift && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) && _sockwatch &&
		[ ${#COMPREPLY[@]} = 0 ] || printf "%s\n" "${COMPREPLY[@]}"' bash "$share/bash-completion/completions/sockwatch" "$@" | sort | tr '\n' ' '
}
expect() { # NAME EXPECTED WORD...
	local name=$1 expected=$2 got
	shift 2
	got=$(offered "$@")
	check "$name" "$got" test "$got" = "$expected"
}
expect bash_commands "record report " sockwatch re
expect bash_options "--failed --follow-children --for " sockwatch trace --f
expect bash_options_without_a_command "--failed --follow-children --for " sockwatch --f
expect bash_options_of_one_command "--wait " sockwatch who --w
expect bash_states "last-ack listen " sockwatch ls --state l
expect bash_states_behind_an_equals_sign "last-ack listen " sockwatch ls --state = l
expect bash_list "refused,peer-close refused,peer-reset " sockwatch trace --reason refused,peer
expect bash_formats "html json text " sockwatch ephemeral -o ""
expect bash_formats_of_another "ecs json otel text " sockwatch ls -o ""
expect bash_events "close connect " sockwatch history --events c
expect bash_users "root " sockwatch ls -U roo
expect bash_nothing "" sockwatch ls -L 8
expect bash_help "history " sockwatch help h
touch "$work/a name" "$work/another"
expect bash_files "$work/a name $work/another " sockwatch history --store "$work/a"
mkdir -p /run/netns 2>/dev/null && names=$(mktemp -d -p /run/netns 'zz$(id).XXXXXX' 2>/dev/null) && {
	expect bash_namespaces "$(printf '%q' "${names##*/}") " sockwatch ls --netns zz
	rmdir "$names"
}
expect bash_own_namespace "self " sockwatch ls --netns se

for shell in zsh fish; do
	command -v $shell >/dev/null || echo "SKIP $shell: none on this machine"
done
if command -v zsh >/dev/null; then
	check zsh_syntax "see zsh -n" zsh -n "$share/zsh/vendor-completions/_sockwatch"
	python3 -B tests/setup/zsh.py "$share/zsh/vendor-completions" || fail zsh "zsh.py ended badly"
fi
if command -v fish >/dev/null; then
	completion=$share/fish/vendor_completions.d/sockwatch.fish
	check fish_syntax "see fish -n" fish -n "$completion"
	fish_offers() { # NAME EXPECTED LINE; from 4.0 on fish offers what has these letters somewhere, too
		local got
		got=$(HOME=$work fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$completion" "$3" 2>&1 |
			cut -f 1 | awk -v begin="${3##* }" 'index($0, begin) == 1' | sort | tr '\n' ' ')
		check "$1" "$got" test "$got" = "$2"
	}
	fish_offers fish_commands "record " "sockwatch rec"
	fish_offers fish_options "--failed --follow-children --for " "sockwatch trace --f"
	fish_offers fish_options_of_one_command "--wait " "sockwatch who --wa"
	fish_offers fish_states "last-ack listen " "sockwatch ls --state l"
	fish_offers fish_states_at_once "--state=last-ack --state=listen " "sockwatch ls --state=l"
	fish_offers fish_list "refused,peer-close refused,peer-reset " "sockwatch trace --reason refused,peer"
	fish_offers fish_formats "html json text " "sockwatch ephemeral -o "
	fish_offers fish_own_namespace "self " "sockwatch ls --netns se"
	fish_offers fish_files "$work/another " "sockwatch history --store $work/an"
fi
