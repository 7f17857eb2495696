#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel's types that a listing or a trace needs are kept from one to the next: used where the file is what was written, else
# written anew.
. "${0%/*}/checks.bash"
run=$work/run
kept=$run/types
unset SOCKWATCH_RUN
# The socket to be listed.
python3 -c 'import signal, socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True); signal.pause()' >"$work/port" &
listener=$!
pids="$pids $listener"
disown
until_true test -s "$work/port"
lists() { # the listener, with its process, and says nothing
	SOCKWATCH_RUN=$run timeout 30 "$sockwatch" ls -o json -L "$(cat "$work/port")" >"$work/ls" 2>"$work/said" &&
		jq -es ".[0].holders[0].process.pid == $listener" "$work/ls" >/dev/null && ! [ -s "$work/said" ]
}
said() { cat "$work/said" "$work/ls"; }
is_kept() { [ -f "$kept" ] && ! [ -L "$kept" ] && [ "$(stat -c %a:%u "$kept")" = "600:$(id -u)" ] && cmp -s "$kept" "$work/first"; }

check made "$(said 2>&1)" lists
if ! [ -e "$kept" ]; then
	if [ -r /sys/kernel/btf/vmlinux ] && [ -r /sys/kernel/notes ]; then
		fail kept "no file in $run: $(ls -la "$run" 2>&1)"
	else
		echo "SKIP kept: this kernel does not tell its types, or which build it is"
	fi
	exit 0
fi
cp "$kept" "$work/first"
check kept_for_this_user_alone "$(stat "$kept")" is_kept
# Another process of the host may have a ring.
check nothing_else_is_left "$(ls -A "$run")" test "$(ls -A -I types-reach "$run")" = types
inode=$(stat -c %i "$kept")
check used "$(said 2>&1)" lists
check a_good_file_stays "another inode" test "$(stat -c %i "$kept")" = "$inode"

# What is not as it was written: the same listing, and the file anew.
anew() { # NAME
	check "$1_lists_the_same" "$(said 2>&1)" lists
	check "$1_is_written_anew" "$(stat "$kept" 2>&1)" is_kept
	rm -rf "$kept"
	cp "$work/first" "$kept" && chmod 600 "$kept"
}
for at in 0 4 8 16 24 40 400 20000 $(($(stat -c %s "$kept") - 1)); do
	python3 -c 'import sys
f = open(sys.argv[1], "r+b"); f.seek(int(sys.argv[2])); b = f.read(1); f.seek(-1, 1); f.write(bytes([b[0] ^ 0x40]))' "$kept" "$at"
	anew "a_flipped_bit_at_$at"
done
for size in 0 1 40 200 20000; do
	truncate -s $size "$kept"
	anew "cut_to_$size"
done
truncate -s 1000000000 "$kept"
anew one_that_is_too_large
chmod 644 "$kept"
anew one_that_others_may_read
chown 65534 "$kept" && anew one_of_another_user
rm -f "$kept" && ln -s "$work/first" "$kept"
anew a_symbolic_link
rm -f "$kept" && mkfifo -m 600 "$kept"
anew a_fifo

# What a trace needs, in a file of its own.
traced=$run/types-trace
traces() { # is ready, and says nothing; all that it prints is about the listener
	SOCKWATCH_RUN=$run timeout 60 "$sockwatch" trace -q -o json -L "$(cat "$work/port")" --for 10ms >"$work/ls" 2>"$work/said" &&
		! [ -s "$work/said" ]
}
keeps_both() { cmp -s "$kept" "$work/first" && cmp -s "$traced" "$work/trace" && [ "$(stat -c %a:%u "$traced")" = "600:$(id -u)" ]; }
check a_trace_begins "$(said 2>&1)" traces
cp "$traced" "$work/trace"
check a_trace_keeps_its_own "$(ls -la "$run")" keeps_both
inode=$(stat -c %i "$traced")
check a_trace_begins_again "$(said 2>&1)" traces
check the_file_of_a_trace_stays "another inode" test "$(stat -c %i "$traced")" = "$inode"
# Types of one are no good for the other.
cp "$kept" "$traced"
check a_trace_with_other_types_begins "$(said 2>&1)" traces
check a_trace_writes_them_anew "$(ls -la "$run")" keeps_both
rm -f "$traced"

# What leads to a queue, which somebody waits in now, in one of its own, too.
reached=$run/types-reach
exec 9<>"/dev/tcp/127.0.0.1/$(cat "$work/port")"
check a_queue_is_looked_into "$(said 2>&1)" lists
check what_it_takes_is_kept "$(ls -la "$run")" test "$(stat -c %a:%u "$reached")" = "600:$(id -u)"
inode=$(stat -c %i "$reached")
cp "$reached" "$work/reach"
check it_is_looked_into_again "$(said 2>&1)" lists
check the_file_of_a_queue_stays "another inode" test "$(stat -c %i "$reached")" = "$inode"
cp "$kept" "$reached"
check a_queue_with_other_types_is_looked_into "$(said 2>&1)" lists
check they_are_written_anew_for_it "$(ls -la "$run")" cmp "$reached" "$work/reach"
exec 9>&-

# A directory that others may write to is not used.
rm -f "$kept"
chmod 777 "$run"
SOCKWATCH_RUN=$run "$sockwatch" ls -o json -L "$(cat "$work/port")" >"$work/ls" 2>"$work/said"
check a_directory_of_others_lists "$(said)" sh -c 'jq -es ".[0].holders[0].process.pid == $1" "$2" >/dev/null' sh $listener "$work/ls"
check nothing_is_kept_there "$(ls -la "$run")" test ! -e "$kept"
