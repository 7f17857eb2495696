#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A kernel that carries no BTF: this one's is hidden in a mount namespace, and given back as a file.
. "${0%/*}/checks.bash"
own=/sys/kernel/btf/vmlinux
hidden() { # COMMAND...
	unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' sh "$@"
}
if ! [ -r $own ] || ! hidden test ! -e $own 2>/dev/null; then
	echo "SKIP btf: the BTF of this kernel cannot be hidden"
	exit 0
fi
cat $own >"$work/btf"
# Ends with CODE, says WORDS, in one line.
refuses() { # NAME CODE WORDS COMMAND...
	local name=$1 code=$2 words=$3 got
	shift 3
	"$@" >/dev/null 2>"$work/said"
	got=$?
	check "$name" "ended with $got and said: $(cat "$work/said")" \
		sh -c '[ $1 = $2 ] && [ "$(wc -l <"$3")" = 1 ] && grep -q "$4" "$3"' sh "$got" "$code" "$work/said" "$words"
}

# ---- what is refused ----
head -c 100000 "$work/btf" >"$work/cut"
refuses a_damaged_file 2 'damaged' "$sockwatch" features --btf "$work/cut"
refuses a_program 2 'ELF file without BTF' "$sockwatch" ls --btf /bin/sh
for place in 'sock_common skc_cookie' 'sock_common skc_family' 'sock_common skc_net' 'file private_data' \
	'task_struct files' 'task_struct comm'; do
	# shellcheck disable=SC2086 # two words
	python3 tests/e2e/btf.py $place <"$work/btf" >"$work/other"
	refuses "another_build_${place#* }" 2 'is not the BTF of this kernel' hidden "$sockwatch" trace --for 1s --btf "$work/other"
	refuses "not_beside_the_kernels_own_${place#* }" 2 'leave --btf out' "$sockwatch" ls --btf "$work/other"
	refuses "ls_by_another_build_${place#* }" 2 'is not the BTF of this kernel' hidden "$sockwatch" ls --btf "$work/other"
done
objcopy=$(command -v objcopy || command -v llvm-objcopy)
if [ -n "$objcopy" ]; then
	"$objcopy" --add-section .BTF="$work/btf" "$(readlink -f /bin/sh)" "$work/vmlinux"
	refuses another_build_id 2 'build ids differ' hidden "$sockwatch" trace --for 1s --btf "$work/vmlinux"
	"$objcopy" --remove-section .note.gnu.build-id "$work/vmlinux"
	# shellcheck disable=SC2016
	check a_vmlinux_where_distributions_put_it "$(cat "$work/said")" hidden sh -c \
		'mount -t tmpfs none /boot && cp "$1" "/boot/vmlinux-$(uname -r)" && "$2" features >"$3" 2>&1 &&
		grep -q "BTF: /boot/vmlinux-$(uname -r)" "$3"' sh "$work/vmlinux" "$sockwatch" "$work/said"
else
	echo "SKIP another_build_id: no objcopy"
fi

# ---- what is told ----
hidden "$sockwatch" features -o json --btf "$work/btf" >"$work/features" 2>"$work/said"
check features_say_it "$(cat "$work/said" "$work/features")" jq -s 'if
	(.[0] | .tier == "tracepoints" and (.btf | endswith("/btf"))) and
	([.[] | select(.status == "attached") | .hook] | index("raw_tp/inet_sock_set_state") and index("walk/tcp")) and
	([.[] | select(.hook // "" | test("^(tp_btf|iter)/")) | .status] | unique == ["unused"])
	then empty else error("not so") end' "$work/features"
refuses trampolines_are_refused 1 'carries no BTF' hidden "$sockwatch" trace --for 1s --btf "$work/btf" --hooks trampolines
python3 -c 'import signal, socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True); signal.pause()' >"$work/port" &
listener=$!
pids="$pids $listener"
disown
until_true test -s "$work/port"
hidden "$sockwatch" ls -o json -L "$(cat "$work/port")" >"$work/ls" 2>"$work/said"
check ls_goes_through_sock_diag "$(cat "$work/said" "$work/ls")" sh -c \
	'grep -q "looking through sock_diag" "$1" && jq -e ".holders[0].process.pid == $3" "$2" >/dev/null' sh "$work/said" "$work/ls" "$listener"
hidden "$sockwatch" ls -o json -L "$(cat "$work/port")" --btf "$work/btf" >"$work/ls" 2>"$work/said"
check ls_walks_by_the_types_of_a_file "$(cat "$work/said" "$work/ls")" sh -c \
	'! grep -q "looking through" "$1" && jq -e ".holders[0].process.pid == $3 and .process.pid == $3" "$2" >/dev/null' sh "$work/said" "$work/ls" "$listener"
# The verifier follows the programs that walk each time a trace starts; a loop that it unrolls took it 600,000 instructions.
unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' sh "$sockwatch" trace --btf "$work/btf" >/dev/null 2>"$work/said" &
trace=$!
pids="$pids $trace"
disown
until_true grep -q tracing "$work/said"
# Lines of NAME INSTRUCTIONS, as the kernel tells them from Linux 5.16 on (0 before).
python3 - $trace >"$work/verified" 2>&1 <<-'END'
	import ctypes, glob, platform, re, struct, sys
	syscall = ctypes.CDLL(None, use_errno=True).syscall
	number = {"x86_64": 321, "aarch64": 280}[platform.machine()]
	BY_ID, INFO, NAME, VERIFIED = 13, 15, 64, 216
	ids = set()
	for path in glob.glob("/proc/%s/fdinfo/*" % sys.argv[1]):
	    ids |= {int(n) for n in re.findall(r"^prog_id:\s*(\d+)", open(path).read(), re.M)}
	for n in sorted(ids):
	    fd = syscall(number, BY_ID, ctypes.create_string_buffer(struct.pack("=III", n, 0, 0)), 12)
	    info = ctypes.create_string_buffer(256)
	    asked = ctypes.create_string_buffer(struct.pack("=IIQ", fd, len(info), ctypes.addressof(info)))
	    if fd >= 0 and syscall(number, INFO, asked, 16) == 0:
	        name = info.raw[NAME:NAME + 16].split(b"\0")[0].decode()
	        if name.startswith("walk__"):
	            print(name, struct.unpack_from("=I", info.raw, VERIFIED)[0])
END
if grep -q ' 0$' "$work/verified"; then
	echo "SKIP the_walk_is_soon_verified: this kernel does not tell what its verifier followed"
else
	check the_walk_is_soon_verified "$(cat "$work/verified" "$work/said")" awk '$2 > 20000 {bad = 1} END {exit bad || NR != 5}' "$work/verified"
fi
kill "$trace"
# The same scenarios as with BTF: those that stand on the hooks and the looks that are others.
for only in seed owner- close- bind-in-use budget- holders-; do
	hidden "${BUILD:-build}/agent" --program "$sockwatch" --btf "$work/btf" --only "$only" >"$work/agent"
	sed 's/^\(PASS\|FAIL\|SKIP\) /&untyped-/' "$work/agent" | grep -v '^PASS untyped-tracer-start'
	[ "$(grep -c '^PASS' "$work/agent")" -gt 1 ] || fail "untyped-$only" "nothing passed"
done
