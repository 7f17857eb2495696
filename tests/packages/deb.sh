#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What `make deb` made: lintian likes it, and in a Debian of its own it is installed, upgraded, removed and purged.
. "${0%/*}/../e2e/checks.bash"
packages=("${BUILD:-build}"/deb/sockwatch_*.deb)
package=${packages[0]}
[ -e "$package" ] || { echo "SKIP deb: there is none; make deb makes it"; exit 0; }
version=$(sed -n 's/^VERSION := //p' Makefile)
check version_of_the_program "$(dpkg-deb -f "$package" Version)" test "$(dpkg-deb -f "$package" Version)" = "$version"
if command -v lintian >/dev/null; then
	lintian --allow-root --no-cfg --fail-on error,warning "$package" >"$work/lintian" 2>&1
	code=$?
	check lintian "$code $(head -n 5 "$work/lintian" | tr '\n' ';')" test $code = 0
else
	echo "SKIP lintian: none on this machine"
fi
for needed in $(sed -n 's/^DEPS := //p' Makefile); do
	case $needed in gcc | libc6-dev | make) continue ;; esac # build-essential
	check "build_needs_$needed" "debian/control does not name it" grep -qw -e "$needed" debian/control
done

[ "$(id -u)" = 0 ] || { echo "SKIP deb-installed: needs root"; exit 0; }
needs=$(dpkg-deb -f "$package" Depends | tr ',' '\n' | sed -E 's/\|.*//; s/\(.*//; s/ //g' | grep -vxE 'systemd|libc6' | sort -u)
# shellcheck disable=SC2086 # words
base=$(tests/vm/fetch --debian own systemd systemd-sysv $needs 2>"$work/why") ||
	{ echo "SKIP deb-installed: $(cat "$work/why")"; exit 0; }
rm -rf "$work"
work=$(mktemp -d -p "${TMPDIR:-/var/tmp}") # /tmp may be memory
tree=$work/tree
cp -a "$base" "$tree"
# Mounts go with the namespace.
inside() {
	# shellcheck disable=SC2016
	unshare -m --propagation slave sh -c 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" &&
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C chroot "$0" "$@"' "$tree" "$@" >"$work/said" 2>&1
}
# The same with the kernel's own files and a network of its own.
inside_alone() {
	# shellcheck disable=SC2016
	unshare -m -n --propagation slave sh -c 'ip link set lo up && mount --rbind /sys "$0/sys" && mount -t proc proc "$0/proc" &&
		mount --rbind /dev "$0/dev" && exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C TZ="$TZ" chroot "$0" "$@"' "$tree" "$@"
}
said() { tail -n 3 "$work/said"; }
state() { inside dpkg-query -W -f '${db:Status-Abbrev} ${Version}' sockwatch; }
is_state() { # EXPECTED
	state
	[ "$(sed 's/  */ /g' "$work/said")" = "$1" ]
}
# The next version, with the same content but for a file that is gone and one that is new.
dpkg-deb -R "$package" "$work/next"
sed -i "s/^Version: .*/Version: $version+next/" "$work/next/DEBIAN/control"
rm "$work/next/usr/share/man/man1/sockwatch-who.1.gz"
echo new >"$work/next/usr/share/doc/sockwatch/new"
dpkg-deb -b --root-owner-group "$work/next" "$tree/next.deb" >/dev/null
cp "$package" "$tree/this.deb"

inside dpkg -i /this.deb
check installed "$(said)" is_state "ii $version"
inside sockwatch --version
check runs "$(said)" grep -qx "sockwatch $version" "$work/said"
inside sh -c 'getent passwd sockwatch && stat -c "%a %U %G" /run/sockwatch-record'
check user_and_directory "$(said)" grep -qx '2750 sockwatch root' "$work/said"
inside systemd-analyze --man=no verify sockwatch-record.service sockwatch-export.service sockwatch-ship.service
check unit_is_right "$(said)" test ! -s "$work/said"
inside systemctl is-enabled sockwatch-record
check not_enabled "$(said)" grep -qx disabled "$work/said"
inside systemctl is-enabled sockwatch-export
check exporter_is_not_enabled "$(said)" grep -qx disabled "$work/said"
inside systemctl is-enabled sockwatch-ship
check sender_is_not_enabled "$(said)" grep -qx disabled "$work/said"
inside dpkg -V sockwatch
check files_are_as_packed "$(said)" test ! -s "$work/said"

cp tests/packages/tasks.guest "$tree/tasks"
inside_alone bash /tasks 2>&1 | grep -E '^(PASS|FAIL) ' >"$work/tasks"
cat "$work/tasks"
check ten_tasks_were_done "$(wc -l <"$work/tasks") lines" test "$(wc -l <"$work/tasks")" = 12

echo 'RECORD_OPTIONS="--keep 1d --no-args"' >"$tree/etc/default/sockwatch"
inside sh -c 'systemctl enable sockwatch-record; install -d -o sockwatch -m 0750 /var/lib/sockwatch; echo kept >/var/lib/sockwatch/store'
inside dpkg -i /next.deb
check upgraded "$(said)" is_state "ii $version+next"
check options_survive_an_upgrade "they do not" grep -q 'keep 1d' "$tree/etc/default/sockwatch"
inside systemctl is-enabled sockwatch-record
check enabled_after_an_upgrade "$(said)" grep -qx enabled "$work/said"
check file_that_is_gone "it is there" test ! -e "$tree/usr/share/man/man1/sockwatch-who.1.gz"
check store_survives_an_upgrade "it is gone" grep -qx kept "$tree/var/lib/sockwatch/store"
inside dpkg --force-confold -i /this.deb
check downgraded "$(said)" is_state "ii $version"

inside dpkg -r sockwatch
check removed "$(said)" is_state "rc $version"
check store_survives_a_removal "it is gone" grep -qx kept "$tree/var/lib/sockwatch/store"
check options_survive_a_removal "they are gone" test -e "$tree/etc/default/sockwatch"
check program_is_removed "it is there" test ! -e "$tree/usr/sbin/sockwatch"
inside dpkg -P sockwatch
left=$(cd "$tree" && find etc run usr lib/ var -name '*sockwatch*' -not -path '*/var/log/*' 2>/dev/null | tr '\n' ' ')
check nothing_is_left_after_a_purge "$left" test -z "$left"
is_state x
check purged "$(said)" grep -q 'no packages found' "$work/said"
