#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What tests/run makes of suites: the counts are its last line, the reasons of skips stand before it once each, what runs
# at the same time is told apart, and nothing is left of a run that is ended.
. "${0%/*}/../e2e/checks.bash"
export BUILD=$work
suite() { # NAME, its text on stdin
	{ printf '#!/usr/bin/env bash\n' && cat; } >"$work/$1"
	chmod +x "$work/$1"
}
suite good <<<'echo PASS one; echo "SKIP two: no x: really"; echo "SKIP three: no y"; echo "SKIP four: no x: really"'
suite tap <<<'echo "ok 1 - one"; echo "not ok 2 - two"; echo "ok 3 - three # SKIP no y"'
suite silent <<<':'
suite broken <<<'echo PASS one; exit 3'
suite lost <<<'echo LOST machine: gone'
tests/run "$work"/{good,tap,silent,broken,lost} >"$work/said" 2>&1
code=$?
check the_last_line_counts "$code $(cat "$work/said")" test "$code $(tail -n 1 "$work/said")" = "1 3 passed, 4 failed, 4 skipped"
check each_reason_once "$(cat "$work/said")" test "$(tail -n 3 "$work/said" | head -n 2)" = \
	"   2 skipped: no x: really (two ...)
   2 skipped: no y (three ...)"
check silence_is_a_failure "$(cat "$work/said")" grep -q 'FAIL silent: ran no test' "$work/said"
check a_bad_end_is_a_failure "$(cat "$work/said")" grep -q 'FAIL broken: ended with code 3' "$work/said"
tests/run "$work"/good >"$work/said" 2>&1
code=$?
check all_passed "$code $(cat "$work/said")" test "$code $(tail -n 1 "$work/said")" = "0 1 passed, 0 failed, 3 skipped"

mkdir "$work/other"
suite other/good <<<'echo PASS another'
tests/run "$work"/good "$work/other/good" >"$work/said" 2>&1
check two_of_one_name "$(cat "$work/said")" test "$(tail -n 1 "$work/said")" = "2 passed, 0 failed, 3 skipped"

# Each of two waits for the other to begin; what they print must not mix.
for pair in "one two" "two one"; do
	set -- $pair
	suite "$1" <<-END
		touch "$work/began-$1"
		for ((i = 0; i < 200; i++)); do [ -e "$work/began-$2" ] && break; sleep 0.05; done
		[ \$i -lt 200 ] || echo "FAIL $1: alone"
		for ((i = 0; i < 500; i++)); do echo "FAIL $1-\$i: at priority \$(nice)"; done
	END
done
tests/run "$work/one" --beside "$work/two" >"$work/said" 2>&1
if [ "$(nproc)" -gt 1 ]; then
	check two_at_a_time "$(grep alone "$work/said")" test "$(grep -c alone "$work/said")" = 0
else
	echo "SKIP two_at_a_time: one processor"
fi
check told_apart "$(wc -l <"$work/said")" test "$(sed -nE 's/^ *FAIL (one|two)-.*/\1/p' "$work/said" | uniq | wc -l)" = 2
check the_one_beside_gives_way "$(grep -m 1 'FAIL two' "$work/said")" grep -q "FAIL two-0: at priority $(nice -n 10 nice)" "$work/said"
check the_others_do_not "$(grep -m 1 'FAIL one' "$work/said")" grep -q "FAIL one-0: at priority $(nice)" "$work/said"

# The host's lane ends only after the suite beside it has looked.  What else runs beside disturbs nobody, and waits for it.
suite host <<-END
	echo PASS host
	for ((i = 0; i < 200; i++)); do [ -e "$work/looked" ] && break; sleep 0.05; done
END
suite machines <<-END
	[ -e "\$RUN_ALONE" ] && echo "FAIL machines: alone from the beginning" || echo PASS beside
	touch "$work/looked"
	for ((i = 0; i < 200; i++)); do [ -e "\$RUN_ALONE" ] && break; sleep 0.05; done
	[ \$i -lt 200 ] && echo PASS alone || echo "FAIL machines: never alone"
	touch "$work/freed"
END
suite more <<-END
	echo PASS more
	for ((i = 0; i < 300; i++)); do [ -e "$work/freed" ] && break; sleep 0.05; done
END
if [ "$(nproc)" -gt 1 ]; then
	tests/run "$work/host" --beside "$work"/{machines,more} >"$work/said" 2>&1
	check an_end_of_the_host_is_told "$(cat "$work/said")" test "$(tail -n 1 "$work/said")" = "4 passed, 0 failed, 0 skipped"
else
	echo "SKIP an_end_of_the_host_is_told: one processor"
fi

suite endless <<-END
	trap 'rm "$work/mess"' EXIT
	echo \$\$ >"$work/mess"
	while :; do sleep 0.1; done
END
for lane in "" --beside; do
	# shellcheck disable=SC2086 # none or one word
	tests/run "$work/good" $lane "$work/endless" >"$work/said" 2>&1 &
	runner=$!
	pids="$pids $runner"
	until_true test -s "$work/mess"
	process=$(cat "$work/mess")
	kill -TERM $runner
	wait $runner
	code=$?
	check "ended${lane/--/_}" "$code $(cat "$work/said")" test $code = 130
	check "cleaned_up${lane/--/_}" "process $process is there" sh -c '! [ -e "$1" ] && ! kill -0 $2 2>/dev/null' sh "$work/mess" "$process"
done
