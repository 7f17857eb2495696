# SPDX-License-Identifier: GPL-2.0-only
# waiting.bash - the one wait of the suites in bash.

# until_true COMMAND...: repeats it until it holds, for 30 seconds (UNTIL_SECONDS); after that says on standard error what it
# waited for, what the command said last and how the files end that it names.  The command runs in a subshell.
until_true() {
	local end=$((SECONDS + ${UNTIL_SECONDS:-30})) said word
	until said=$("$@" 2>&1); do
		if [ "$SECONDS" -ge "$end" ]; then
			for word in "$@"; do
				if [ -f "$word" ]; then said="$said; $word ends: $(tail -n 3 "$word" | cut -c -300)"; fi
			done
			echo "note: waited ${UNTIL_SECONDS:-30} s in vain for: $*; saw: ${said:0:1000}" >&2
			return 1
		fi
		sleep 0.05
	done
}
