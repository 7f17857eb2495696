#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Usage: tests/layout/layers.sh [TREE]
# No room of the house knows what it must not know, and no file grows past its limit.
set -u
cd "${1:-$(dirname "$0")/../..}" || exit 2
status=0

# Passes when stdin is empty; what it says otherwise is why.
expect_none() {
	local found
	found=$(cat)
	if [ -z "$found" ]; then
		echo "PASS $1"
	else
		echo "FAIL $1: $(echo "$found" | head -n 3 | tr '\n' ' ')"
		echo "$found" | sed 's/^/  /'
		status=1
	fi
}

# Files that include a header matching an expression: includes ERE FILE...
includes() {
	local ere=$1
	shift
	[ $# -eq 0 ] || grep -EHn "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$ere" "$@"
}

# Code outside comments and strings that matches an expression: code ERE FILE...
code() {
	local ere=$1 file
	shift
	for file in "$@"; do
		sed -E 's/"([^"\\]|\\.)*"/""/g; s://.*::; s:/\*.*\*/::; s:^[[:space:]]*/?\*.*::' "$file" |
			grep -En "$ere" | sed "s|^|$file:|"
	done
}

shopt -s nullglob globstar
model=(src/model/*.[ch]) output=(src/output/*.[ch]) store=(src/store/*.[ch]) ship=(src/ship/*.[ch])
kernel=(src/kernel/*.[ch]) cli=(src/cli/*.[ch]) headers=(include/*.h)
sources=(src/**/*.[ch] include/*.h bpf/*.[ch] tests/**/*.[ch])
[ ${#model[@]} -gt 0 ] && [ ${#kernel[@]} -gt 0 ] && [ ${#headers[@]} -gt 0 ] || {
	echo "FAIL layout: no sources in $PWD"
	exit 1
}
user=("${model[@]}" "${output[@]}" "${store[@]}" "${ship[@]}" "${cli[@]}")
below_cli=("${model[@]}" "${output[@]}" "${store[@]}" "${ship[@]}" "${kernel[@]}")
libbpf='(bpf/|.*skel\.h|vmlinux\.h|linux/bpf\.h|linux/btf\.h)'

includes "$libbpf" "${user[@]}" "${headers[@]}" | expect_none "only the kernel room includes libbpf"
includes '(kernel(_private)?\.h|.*/kernel/|mounts\.h)' "${model[@]}" "${output[@]}" "${store[@]}" "${ship[@]}" |
	expect_none "model, output, store and ship know no kernel room"
includes '(writer\.h|walk\.h|.*/output/|.*_private\.h)' "${ship[@]}" | grep -v -e '"cursor_private.h"' -e '"fetch_private.h"' |
	expect_none "ship knows no output, and of the store what is for all"
includes '(writer\.h|options.*\.h|log\.h|commands\.h|output\.h|walk\.h|ship.*\.h|.*/(output|store|ship|cli)/)' "${model[@]}" |
	expect_none "the model knows no room above it"
includes '(options.*\.h|log\.h|commands\.h|.*/cli/)' "${output[@]}" "${store[@]}" "${ship[@]}" "${kernel[@]}" |
	expect_none "no room knows the command line"
includes '(writer\.h|table\.h|filter\.h|event\.h|.*/(model|output|store)/)' "${kernel[@]}" |
	expect_none "the kernel room knows facts, not sockets"
includes '(stdio\.h|unistd\.h|fcntl\.h|sys/stat\.h|sys/types\.h)' "${model[@]}" |
	expect_none "the model opens and prints nothing"
code '\b(clock_gettime|clock|gettimeofday|time|timespec_get|nanosleep|sleep)[[:space:]]*\(' "${model[@]}" |
	grep -vE '\bstruct\b' | expect_none "the model asks no clock"
includes 'time\.h' $(printf '%s\n' "${model[@]}" | grep -vE '/(clock|units)\.[ch]$') |
	expect_none "only clock and units of the model know calendars"
code '\b(stderr|perror)\b|\bdprintf[[:space:]]*\([[:space:]]*(2|STDERR_FILENO)|\bv?(warnx?|errx?)[[:space:]]*\(' \
	"${below_cli[@]}" | expect_none "only the command line logs"
# But for a thread that cannot leave a stranger's namespace: whatever goes on there goes on in the wrong place.
code '\b(_?exit|_Exit|abort|quick_exit)[[:space:]]*\(' "${below_cli[@]}" | grep -v '^src/kernel/netns\.c:[0-9]*:[[:space:]]*_exit(1);' |
	expect_none "only the command line exits"

for file in src/**/*.c bpf/*.c tests/**/*.c; do
	lines=$(wc -l <"$file")
	[ "$lines" -le 600 ] || echo "$file has $lines lines"
done | expect_none "no .c file has more than 600 lines"
# The first two are code, headers only because both tiers compile them; the two others are one declaration beside the next.
for file in src/**/*.h include/*.h bpf/*.h tests/**/*.h; do
	lines=$(wc -l <"$file")
	case $file in
	bpf/bodies.h | bpf/states.h | bpf/look_types.h) limit=200 ;;
	src/model/table_private.h | include/event.h) limit=200 ;;
	*) limit=150 ;;
	esac
	[ "$lines" -le $limit ] || echo "$file has $lines lines"
done | expect_none "no header has more than 150 lines"
for file in src/**/* bpf/* include/* tests/**/* tools/**/*; do
	case ${file##*/} in
	common.* | misc.* | util.* | utils.* | helper.* | helpers.*) echo "$file" ;;
	esac
done | expect_none "no file is called common, misc or utils"
for file in "${sources[@]}" tests/**/*.sh tests/run Makefile tests/tests.mk; do
	head -n 2 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-only' || echo "$file"
done | expect_none "every source names its licence"
# `src/model/table_apply.c` or `tests/e2e/scen_*.c`, and where a link leads.
{
	grep -oHE '`(bpf|dist|docs|include|src|tests|tools|vmlinux)/[^` ]*`' README.md docs/*.md | tr -d '`'
	grep -oHE '\]\([^):]*\)' docs/*.md | sed -E 's|:\]\((.*)\)$|:docs/\1|'
	grep -oHE '\]\([^):]*\)' README.md | sed -E 's|:\]\((.*)\)$|:\1|'
} | sed 's/#.*//' | sort -u | while IFS=: read -r page path; do
	compgen -G "$path" >/dev/null || [[ $path == *NAME* ]] || echo "$page names $path"
done | expect_none "every file that the documents name is there"
exit $status
