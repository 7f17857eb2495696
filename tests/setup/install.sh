#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Packages are installed although another package manager holds a lock for a while, with an apt of its own below $work:
# one repository with one package, and a dpkg that only notes what it was told.
. "${0%/*}/../e2e/checks.bash"
for tool in apt-get dpkg-deb python3; do
	command -v $tool >/dev/null || { echo "SKIP install: no $tool on this machine"; exit 0; }
done
package=sockwatch-test-package
lists=$work/state/lists archives=$work/cache/archives admin=$work/admin
mkdir -p "$work/deb/DEBIAN" "$lists/partial" "$archives/partial" "$admin" "$work/repository" "$work/empty"
printf '%s\n' "Package: $package" 'Version: 1' 'Architecture: all' 'Maintainer: none <none@invalid>' 'Description: none' \
	>"$work/deb/DEBIAN/control"
dpkg-deb --build --root-owner-group "$work/deb" "$work/repository/$package.deb" >"$work/said" 2>&1 ||
	{ fail a_package "$(cat "$work/said")"; exit 1; }
{
	cat "$work/deb/DEBIAN/control"
	echo "Filename: ./$package.deb"
	echo "Size: $(stat -c %s "$work/repository/$package.deb")"
	echo "SHA256: $(sha256sum <"$work/repository/$package.deb" | cut -d ' ' -f 1)"
} >"$work/repository/Packages"
echo "deb [trusted=yes] file:$work/repository ./" >"$work/sources.list"
: >"$admin/status"
cat >"$work/dpkg" <<END
#!/bin/sh
case "\$*" in
*--unpack*)
	! rm "$work/busy" 2>/dev/null || { echo 'dpkg: error: dpkg frontend lock was locked by another process with pid 77' >&2; exit 2; }
	echo "unpack \${INSTALL_WITHOUT_START:-}" >>"$work/done" ;;
*--configure*) ;;
*) exec dpkg "\$@" ;;
esac
END
chmod -R a+rX "$work"
chmod +x "$work/dpkg"
cat >"$work/apt.conf" <<END
Dir::Etc::parts "$work/empty"; Dir::Etc::main "$work/none"; Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "$work/empty"; Dir::Etc::preferences "$work/none"; Dir::Etc::preferencesparts "$work/empty";
Dir::State "$work/state"; Dir::State::status "$admin/status"; Dir::Cache "$work/cache"; Dir::Log "$work";
Dir::Bin::dpkg "$work/dpkg"; APT::Sandbox::User ""; Acquire::Languages "none";
END
export APT_CONFIG=$work/apt.conf BUILD=$work

# Starts a process that holds a lock as apt and dpkg do; $holder is its number.
hold() { # FILE
	rm -f "$work/held"
	python3 -c 'import fcntl, signal, sys
f = open(sys.argv[1], "a"); fcntl.lockf(f, fcntl.LOCK_EX); open(sys.argv[2], "w"); signal.pause()' "$1" "$work/held" &
	holder=$!
	pids="$pids $holder"
	disown
	until_true test -e "$work/held"
}
let_go() {
	kill -KILL "$holder"
	until_true sh -c "! [ -e /proc/$holder ]"
}
install() { # PACKAGE...
	rm -f "$work/done" "$work/said"
	tools/install-packages "$@" >"$work/said" 2>&1 &
	installer=$!
}
installed() { [ "$(cat "$work/done" 2>/dev/null)" = "unpack yes" ]; }
has_policy=$(ls /usr/sbin/policy-rc.d 2>/dev/null)

install $package
wait $installer
check what_is_missing_is_installed "$(cat "$work/said")" installed
for lock in "$lists/lock" "$archives/lock" "$admin/lock" "$admin/lock-frontend"; do
	name=${lock#"$work"/}
	hold "$lock"
	install $package
	until_true grep -q WAIT "$work/said"
	check "waits_for_$name" "$(cat "$work/said" "$work/apt.log")" grep -q "WAIT .*\[$holder\] holds $lock" "$work/said"
	check "not_yet_with_$name" "it did not wait" kill -0 $installer
	let_go
	wait $installer
	check "goes_on_after_$name" "$(cat "$work/said" "$work/apt.log")" installed
	check "one_line_about_$name" "$(cat "$work/said")" test "$(grep -c WAIT "$work/said")" = 1
done

# dpkg alone, between two steps of apt's.
touch "$work/busy"
install $package
wait $installer
check waits_for_the_lock_of_dpkg "$(cat "$work/said")" grep -q 'WAIT .*process 77' "$work/said"
check goes_on_after_the_lock_of_dpkg "$(cat "$work/said")" installed

hold "$admin/lock-frontend"
INSTALL_WAIT=2 install $package
wait $installer
code=$?
check gives_up "$code $(cat "$work/said")" sh -c '[ $1 = 1 ] && grep -q "^cannot install $2: after 2 s still .*\[$3\]" "$4"' \
	sh $code $package "$holder" "$work/said"
check gave_up_without_installing "it was installed" test ! -e "$work/done"
install dpkg
wait $installer
code=$?
check nothing_to_do_needs_no_lock "$code $(cat "$work/said")" test $code = 0 -a ! -s "$work/said"
let_go
install $package-2
wait $installer
code=$?
check another_error_is_said_at_once "$code $(cat "$work/said")" sh -c '[ $1 = 1 ] && grep -q "Unable to locate" "$2" && ! grep -q WAIT "$2"' \
	sh $code "$work/said"
check no_policy_is_left "$(ls /usr/sbin/policy-rc.d 2>/dev/null)" test "$(ls /usr/sbin/policy-rc.d 2>/dev/null)" = "$has_policy"
