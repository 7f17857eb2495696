#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What `make dist` made: whole, static, and the same bytes when it is built again elsewhere from the same sources.
. "${0%/*}/../e2e/checks.bash"
dist=$PWD/${BUILD:-build}/dist
[ -e "$dist/SHA256SUMS" ] || { echo "SKIP dist: there is none; make dist makes it"; exit 0; }
(cd "$dist" && sha256sum -c SHA256SUMS) >"$work/said" 2>&1
check checksums "$(cat "$work/said")" test $? = 0
archs=
while read -r _ archive; do
	arch=${archive##*-linux-} arch=${arch%.tar.xz} name=${archive%.tar.xz}
	archs="$archs $arch"
	tar -x -C "$work" -f "$dist/$archive"
	program=$work/$name/usr/local/sbin/sockwatch
	case $arch in x86_64) machine='X86-64' ;; arm64) machine=AArch64 ;; esac
	readelf -hld "$program" >"$work/elf"
	check "$arch-is-for-it" "$(grep Machine "$work/elf")" grep -q "Machine:.*$machine" "$work/elf"
	check "$arch-is-static" "$(grep -E 'INTERP|NEEDED' "$work/elf")" sh -c '! grep -qE "INTERP|NEEDED" "$1"' sh "$work/elf"
	check "$arch-names-no-place-of-the-build" "it does" sh -c '! grep -qaF "$1" "$2"' sh "$PWD/" "$program"
	check "$arch-has-pages" "$(ls "$work/$name/usr/local/share")" test -e "$work/$name/usr/local/share/man/man1/sockwatch-ls.1"
	check "$arch-is-roots" "it is not" sh -c '[ -z "$(tar -tv --numeric-owner -f "$1" | grep -v " 0/0 ")" ]' sh "$dist/$archive"
	[ "$arch" != "$(uname -m)" ] || check "$arch-runs" "$("$program" --version 2>&1)" test "$("$program" --version)" = "sockwatch $(sed -n 's/^VERSION := //p' Makefile)"
done <"$dist/SHA256SUMS"
again=$(mktemp -d -p "${TMPDIR:-/var/tmp}") && tools/copy-sources "$again/elsewhere"
rm -rf "$work" && work=$again
epoch=$(tar -tv --full-time --utc -f "$dist/$(ls "$dist" | grep -m 1 "tar\.xz")" | awk 'NR == 1 { print $4, $5 }')
env -u MAKEFLAGS -u MAKELEVEL -u BUILD SOURCE_DATE_EPOCH="$(date -u +%s -d "$epoch")" \
	make -s -C "$again/elsewhere" -j"${JOBS:-2}" dist DIST_ARCHS="${archs# }" >"$work/log" 2>&1
check same-bytes-elsewhere "$(diff "$dist/SHA256SUMS" "$again/elsewhere/build/dist/SHA256SUMS" 2>&1 | head -n 4) $(tail -n 2 "$work/log")" \
	cmp -s "$dist/SHA256SUMS" "$again/elsewhere/build/dist/SHA256SUMS"
