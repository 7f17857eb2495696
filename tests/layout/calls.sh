#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Usage: tests/layout/calls.sh [TREE [BUILD]]
# No room of the house calls a room above it, and no files call each other in circles, by the symbols of the objects that
# make has built.  A call through a pointer that was handed down leaves no symbol; tests/layout/layers.sh sees its header.
set -u
tree=$(cd "${1:-$(dirname "$0")/../..}" && pwd) || exit 2
build=$(cd "$tree" && cd "${2:-${BUILD:-build}}" && pwd) || exit 2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# What is wrong today, one finding a line and why: a new one fails, and so does a line here that nothing needs any more.
exceptions() {
	cat <<'END'
END
}

# The objects of the sources there are, not those that a removed source left behind.
objects() { # TREE BUILD
	local file
	for file in "$1"/src/*/*.c; do
		file=${file#"$1/src/"}
		file=${file%.c}
		if [ -e "$2/src/$file.o" ]; then echo "$file.o"; else echo "missing $file"; fi
	done
}

# Findings: "missing FILE", "call FROM TO SYMBOL...", "circle FILE FILE..." (the first is in a circle with the others, of
# another room or more than one).
findings() { # TREE BUILD
	objects "$1" "$2" >"$work/objects"
	grep '^missing' "$work/objects" && return
	(cd "$2/src" && xargs nm -A -P -g <"$work/objects") | awk '
	function room(file) { sub(/\/.*/, "", file); return file }
	# The kernel room may use what the model knows of values: those files keep nothing.
	function may_call(from, to) {
		if (room(from) == "kernel")
			return to ~ /^model\/(container|fact|inet|json_scan|look|port_range|split_wire)$/
		return index(below[room(from)], " " room(to) " ")
	}
	BEGIN {
		below["cli"] = " ship store output kernel model "
		below["ship"] = " store model "
		below["store"] = below["output"] = " model "
	}
	{ sub(/\.o:$/, "", $1); files[$1] }
	$3 ~ /^[Uwv]$/ { wanted[$1, $2]; next }
	{ home[$2] = $1 }
	END {
		for (pair in wanted) {
			split(pair, part, SUBSEP)
			from = part[1]; to = home[part[2]]
			if (to == "" || to == from)
				continue
			reaches[from, to]
			if (room(from) != room(to) && !may_call(from, to))
				upward[from " " to] = upward[from " " to] " " part[2]
		}
		for (pair in upward)
			print "call", pair upward[pair]
		for (via in files)
			for (from in files)
				if ((from, via) in reaches)
					for (to in files)
						if ((via, to) in reaches)
							reaches[from, to]
		for (file in files) {
			others = ""; n = far = 0
			for (other in files)
				if (other != file && (file, other) in reaches && (other, file) in reaches) {
					others = others " " other; n++
					far += room(other) != room(file)
				}
			if (n > 1 || far)
				print "circle", file others
		}
	}' | sort
}

# The first words of a line, by which a finding and its exception are the same.
key() { awk '{ print $1 == "call" ? $1 " " $2 " " $3 : $1 " " $2 }' | sort; }

expect_none() { # NAME: passes when stdin is empty; what it says otherwise is why
	local found
	found=$(cat)
	if [ -z "$found" ]; then
		echo "PASS $1"
	else
		echo "FAIL $1: $(echo "$found" | head -n 3 | tr '\n' ';')"
		echo "$found" | sed 's/^/  /'
		status=1
	fi
}

# A small house, each source one line "FILE NAME CALLED...": what is found in it, as "call FROM TO ..." and so on.
expect_found() { # NAME EXPECTED, sources on stdin
	local house=$work/house file name called found
	rm -rf "$house" && mkdir "$house"
	while read -r file name called; do
		mkdir -p "$house/src/${file%/*}" "$house/build/src/${file%/*}"
		{
			for c in $called; do echo "int $c(void);"; done
			echo "int $name(void) { return 1$(for c in $called; do echo " + $c()"; done); }"
		} >"$house/src/$file.c"
		"${CC:-cc}" -O2 -c -o "$house/build/src/$file.o" "$house/src/$file.c" || echo "FAIL $name: no compiler"
	done
	[ "$1" != "an object that is missing" ] || rm "$house/build/src/model/inet.o"
	found=$(findings "$house" "$house/build" | key | tr '\n' ';')
	if [ "$found" = "$2" ]; then
		echo "PASS $1"
	else
		echo "FAIL $1: found '$found' instead of '$2'"
		status=1
	fi
}

status=0
expect_found "calls from above are right" '' <<'END'
cli/main main_ table kernel_open text store
output/text text table
store/store store table
kernel/kernel kernel_open inet
model/table table inet
model/inet inet
END
expect_found "a call from below is found" 'call kernel/kernel model/table;call model/table kernel/netns;call output/text store/store;' <<'END'
kernel/kernel kernel_open table
kernel/netns enter
output/text text store
store/store store
model/table table enter
END
expect_found "a circle between two rooms is found" 'call model/table output/text;circle model/table;circle output/text;' <<'END'
output/text text table
model/table table text
END
expect_found "a circle of three files is found, one of two may be" 'circle model/a;circle model/b;circle model/c;' <<'END'
model/a a b
model/b b c
model/c c a
output/text text line
output/line line text
END
expect_found "an object that is missing" 'missing model/inet;' <<'END'
model/table table inet
model/inet inet
END

findings "$tree" "$build" >"$work/found"
grep '^missing' "$work/found" | expect_none "every source has its object"
exceptions | key >"$work/excepted"
for kind in call circle; do
	grep "^$kind " "$work/found" | while read -r line; do
		grep -qxF "$(echo "$line" | key)" "$work/excepted" || echo "$line"
	done >"$work/new_$kind"
done
expect_none "no room calls a room above it" <"$work/new_call"
expect_none "no circle of files of two rooms, or of more than two files" <"$work/new_circle"
key <"$work/found" | comm -13 - "$work/excepted" | expect_none "every exception is still needed"
exit $status
