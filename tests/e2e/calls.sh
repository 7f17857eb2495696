#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Calls for which the kernel side has no place any more are counted as lost, and said: its map is filled here from outside.
. "${0%/*}/checks.bash"
if ! "$sockwatch" features >/dev/null 2>"$work/why"; then
	echo "SKIP calls: $(tail -n 1 "$work/why")"
	exit 0
fi
cat >"$work/calls.py" <<'PY'
import ctypes, errno, os, platform, signal, socket, struct, subprocess, sys
sys.path.insert(0, "tests/e2e")
from waiting import until
sockwatch, work = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
NUMBER = {"x86_64": 321, "aarch64": 280}[platform.machine()]
UPDATE, FD_BY_ID = 2, 14
ENTRIES, VALUE = 16384, 48  # of `calls`, bpf/maps.h

def bpf(command, attr):
    result = libc.syscall(NUMBER, command, attr, len(attr))
    return result if result >= 0 else -ctypes.get_errno()

def map_of(pid):
    """The trace's map of calls under way, by its shape."""
    found = []
    for fd in os.listdir("/proc/%d/fdinfo" % pid):
        with open("/proc/%d/fdinfo/%s" % (pid, fd)) as f:
            info = dict(line.split(":", 1) for line in f if ":" in line)
        shape = [int(info.get(key, "0"), 0) for key in ("key_size", "value_size", "max_entries")]
        if shape == [8, VALUE, ENTRIES]:
            found.append(int(info["map_id"]))
    assert len(found) == 1, found
    fd = bpf(FD_BY_ID, struct.pack("=III", found[0], 0, 0))
    assert fd >= 0, os.strerror(-fd)
    return fd

def fill(fd):
    """With threads that do not exist, until it takes no more."""
    value = ctypes.create_string_buffer(VALUE)
    for i in range(ENTRIES + 1):
        key = ctypes.c_uint64(1 << 63 | i)
        err = bpf(UPDATE, struct.pack("=I4xQQQ", fd, ctypes.addressof(key), ctypes.addressof(value), 0))
        if err:
            assert err == -errno.E2BIG, os.strerror(-err)
            return
    sys.exit("the map has no end")

def words():
    with open(work + "/said") as f:
        return f.read()

with open(work + "/said", "w") as said, open(work + "/out", "w") as out:
    p = subprocess.Popen([sockwatch, "trace", "-o", "json", "--events", "lost"], stdout=out, stderr=said)
try:
    until("a trace that is ready", words, lambda text: "sockwatch: tracing" in text)
    fd = map_of(p.pid)

    def bind():
        fill(fd)  # again: a call that was under way has left its place
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); s.close()
        return words()

    until("the loss", bind, lambda text: " calls were not followed, too many were under way at once" in text)
    p.send_signal(signal.SIGINT)
    code = p.wait(30)
finally:
    p.kill()
lines = open(work + "/out").read().splitlines()
if code != 4 or not lines or '"event":"lost"' not in lines[-1] or " 0 facts lost" in words():
    sys.exit("exit %d, said %r, printed %r" % (code, words(), lines))
PY
why=$(python3 -B "$work/calls.py" "$sockwatch" "$work" 2>&1)
check calls_without_a_place_are_lost "$why" test $? = 0
