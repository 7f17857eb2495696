#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What `sockwatch ephemeral` says is left, proven by connecting until the kernel says no.

Each case runs in a network namespace of its own with a range of ten ports and prints PASS, FAIL or SKIP.
"""
import ctypes
import errno
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

from waiting import first_line, until

PROGRAM = sys.argv[1]
LOW, HIGH = 40000, 40009
NO_PORT = 24  # IP_BIND_ADDRESS_NO_PORT
PORT_RANGE = 51  # IP_LOCAL_PORT_RANGE
CLONE_NEWNET = 0x40000000
keep = []


class Skip(Exception):
    pass


AGAIN = 3  # exit code: to be played again


class Withheld(Exception):
    """The tracer says that the kernel did not tell an end: on some machines no program runs for what a softirq does on top of
    process 1, and 28,232 connections meet that now and then."""


def sysctl(name, value):
    path = "/proc/sys/net/ipv4/" + name
    if not os.path.exists(path):
        raise Skip("no " + path)
    with open(path, "w") as f:
        f.write(str(value))


def tcp(family=socket.AF_INET):
    s = socket.socket(family, socket.SOCK_STREAM)
    keep.append(s)
    return s


def listen(addr, port, family=socket.AF_INET):
    s = tcp(family)
    s.bind((addr, port))
    s.listen(1000)
    return s


def ephemeral(*args):
    out = subprocess.run([PROGRAM, "ephemeral", "--netns", "self", "-o", "json", *args], capture_output=True,
                         text=True, timeout=60)
    assert out.returncode in (0, 5), out.stderr
    lines = [json.loads(line) for line in out.stdout.splitlines()]
    return lines, out.returncode


def available(addr, port):
    """Ports left towards addr:port; what no row speaks of has all that bind() has left."""
    lines, _ = ephemeral()
    ns = [l for l in lines if l["event"] == "namespace"][0]
    rows = [l for l in lines if l["event"] == "budget" and l["peer"] == {"addr": addr, "port": port}]
    assert len(rows) <= 1, rows
    return rows[0]["available"] if rows else ns["usable"] - ns["bound"]


def connect_all(addr, port, family=socket.AF_INET):
    """Connects until it fails for want of a port; returns how many succeeded."""
    count = 0
    while count < 1000:
        s = tcp(family)
        try:
            s.connect((addr, port))
        except OSError as e:
            assert e.errno == errno.EADDRNOTAVAIL, e
            return count
        count += 1
    raise AssertionError("no end")


def prove(addr, port, expected=None, family=socket.AF_INET):
    said = available(addr, port)
    done = connect_all(addr, port, family)
    assert said == done, f"to {addr}:{port}: said {said}, {done} connects succeeded"
    assert expected is None or done == expected, f"to {addr}:{port}: {done} connects, the case expects {expected}"
    left = available(addr, port)
    assert left == 0, f"to {addr}:{port}: said {left} are left after the last"


def plain():
    listen("0.0.0.0", 80)
    for i in (1, 2, 3):
        prove(f"127.0.1.{i}", 80, 10)


def some_then_the_rest():
    listen("0.0.0.0", 80)
    for _ in range(4):
        tcp().connect(("127.0.0.1", 80))
    prove("127.0.0.1", 80, 6)


def bound_elsewhere():
    listen("0.0.0.0", 80)
    for port in (40001, 40004, 40009):
        tcp().bind(("127.0.0.9", port))
    prove("127.0.0.1", 80, 7)


def listener_in_range():
    listen("0.0.0.0", 80)
    listen("127.0.0.9", 40003)
    prove("127.0.0.1", 80, 9)


def bind_zero_then_connect():
    listen("0.0.0.0", 80)
    for _ in range(3):
        s = tcp()
        s.bind(("127.0.0.1", 0))
        s.connect(("127.0.0.1", 80))
    prove("127.0.0.2", 80, 7)
    prove("127.0.0.1", 80, 7)


def bind_no_port():
    listen("0.0.0.0", 80)
    for _ in range(3):
        s = tcp()
        s.setsockopt(socket.IPPROTO_IP, NO_PORT, 1)
        s.bind(("127.0.0.1", 0))
        s.connect(("127.0.0.1", 80))
    prove("127.0.0.2", 80, 10)
    prove("127.0.0.1", 80, 7)


def port_range_option():
    listen("0.0.0.0", 80)
    for _ in range(2):
        s = tcp()
        try:
            s.setsockopt(socket.IPPROTO_IP, PORT_RANGE, struct.pack("I", 40003 << 16 | 40002))
        except OSError:
            raise Skip("no IP_LOCAL_PORT_RANGE")
        s.connect(("127.0.0.1", 80))
    prove("127.0.0.1", 80, 8)


def reserved():
    listen("0.0.0.0", 80)
    sysctl("ip_local_reserved_ports", "40000,40005-40006,50000")
    prove("127.0.0.1", 80, 7)


def other_source():
    listen("0.0.0.0", 80)
    for _ in range(4):
        s = tcp()
        s.setsockopt(socket.IPPROTO_IP, NO_PORT, 1)
        s.bind(("127.0.0.7", 0))
        s.connect(("127.0.0.1", 80))
    lines, _ = ephemeral()
    rows = {l["local"]["addr"]: l["available"] for l in lines if l["event"] == "budget"}
    assert rows == {"127.0.0.7": 6}, rows
    assert connect_all("127.0.0.1", 80) == 10


def closed_again():
    listen("0.0.0.0", 80)
    for port in (40001, 40004):
        s = tcp()
        s.bind(("127.0.0.9", port))
        s.close()
    prove("127.0.0.1", 80, 10)


def bucket_stays_bound():
    """A bound port that a connection still uses: the kernel may or may not give it back, the report must know."""
    listen("0.0.0.0", 80)
    s = tcp()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 40002))
    s.connect(("127.0.0.1", 80))
    t = tcp()
    t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    t.bind(("127.0.0.1", 40002))
    t.close()
    prove("127.0.0.2", 80)


def fill_time_wait(server, addr="127.0.0.1", family=socket.AF_INET):
    """Ten connections whose client closed first, all in TIME_WAIT."""
    for _ in range(10):
        c = tcp(family)
        c.connect((addr, 80))
        a, _ = server.accept()
        c.close()
        assert a.recv(1) == b""
        a.close()


def time_wait(reuse):
    server = listen("0.0.0.0", 80)
    sysctl("tcp_tw_reuse", reuse)
    fill_time_wait(server)
    lines, _ = ephemeral()
    row = [l for l in lines if l["event"] == "budget"][0]
    assert row["in_use"] == {"TIME_WAIT": 10}, row
    assert 0 < row["time_wait_drain_s"] <= 61, row
    if reuse == 0:
        prove("127.0.0.1", 80, 0)
        return
    # Within the first second none may be reused, later all: wait until the report says so, then it must be true.
    until("ten TIME_WAITs that may be reused", lambda: available("127.0.0.1", 80), lambda left: left == 10)
    done = connect_all("127.0.0.1", 80)
    assert done == 10, f"said 10, {done} connects succeeded"


def time_wait_not_loopback():
    """tcp_tw_reuse 2 reuses on loopback only."""
    subprocess.run(["ip", "addr", "add", "10.9.8.7/32", "dev", "lo"], check=True)
    server = listen("0.0.0.0", 80)
    sysctl("tcp_tw_reuse", 2)
    fill_time_wait(server, "10.9.8.7")
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        assert available("10.9.8.7", 80) == 0
    assert connect_all("10.9.8.7", 80) == 0


def no_timestamps():
    server = listen("0.0.0.0", 80)
    sysctl("tcp_timestamps", 0)
    sysctl("tcp_tw_reuse", 1)
    fill_time_wait(server)
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        assert available("127.0.0.1", 80) == 0
    assert connect_all("127.0.0.1", 80) == 0


def ipv6():
    listen("::", 80, socket.AF_INET6)
    tcp(socket.AF_INET6).bind(("::1", 40002))
    tcp().bind(("127.0.0.1", 40003))
    prove("::1", 80, 8, socket.AF_INET6)


def mapped():
    """IPv4 inside IPv6 sockets competes with IPv4."""
    listen("0.0.0.0", 80)
    for _ in range(3):
        tcp(socket.AF_INET6).connect(("::ffff:127.0.0.1", 80))
    prove("127.0.0.1", 80, 7)


def udp():
    for port, addr in ((40001, "127.0.0.1"), (40002, "0.0.0.0")):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((addr, port))
        keep.append(s)
    lines, _ = ephemeral()
    said = [l for l in lines if l["event"] == "namespace"][0]["udp_available"]["ipv4"]
    done = 0
    while done < 100:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        keep.append(s)
        try:
            if done % 2:
                s.connect(("127.0.0.1", 53))
            else:
                s.sendto(b"x", ("127.0.0.1", 53))
        except OSError as e:
            assert e.errno == errno.EAGAIN, e
            break
        done += 1
    assert said == done == 8, (said, done)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        s.bind(("0.0.0.0", 0))
        raise AssertionError("bind(0) found a port")
    except OSError as e:
        assert e.errno == errno.EADDRINUSE, e


def bind_zero_fails():
    listen("0.0.0.0", 80)
    prove("127.0.0.1", 80, 10)
    s = tcp()
    try:
        s.bind(("127.0.0.1", 0))
        raise AssertionError("bind(0) found a port")
    except OSError as e:
        assert e.errno == errno.EADDRINUSE, e


def fail_at():
    listen("0.0.0.0", 80)
    for _ in range(8):
        tcp().connect(("127.0.0.1", 80))
    assert ephemeral("--fail-at", "90%")[1] == 0
    tcp().connect(("127.0.0.1", 80))
    assert ephemeral("--fail-at", "90%")[1] == 5


def watched(seconds, *args):
    p = subprocess.Popen([PROGRAM, "ephemeral", "--netns", "self", "--for", seconds, *args], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    first_line("a report that is ready", p, p.stderr, "sockwatch: tracing")
    return p


def failure_while_watched():
    listen("0.0.0.0", 80)
    begin = time.monotonic()
    p = watched("60s", "-o", "json")
    assert connect_all("127.0.0.1", 80) == 10
    p.send_signal(signal.SIGINT)
    out, _ = p.communicate(timeout=60)
    took = time.monotonic() - begin
    lines = [json.loads(line) for line in out.splitlines()]
    ns = [l for l in lines if l["event"] == "namespace"][0]
    assert ns["failures"] == 1, ns
    assert ns["first_failure"]["error"] == "EADDRNOTAVAIL", ns
    assert ns["first_failure"]["peer"] == {"addr": "127.0.0.1", "port": 80}, ns
    assert ns["first_failure"]["process"]["pid"] == os.getpid(), ns
    row = [l for l in lines if l["event"] == "budget"][0]
    assert row["available"] == 0 and row["churn_per_s"] > 9.5 / took, (row, took)
    assert ns["connect_ns"]["count"] == 10, ns


def udp_failures_while_watched():
    """Every way to want a UDP port that is not there is counted: connect, sendto, sendmsg, IPv6, bind(0)."""
    sysctl("ip_local_port_range", "40000 40001")
    if "no such tracepoint" in subprocess.run([PROGRAM, "features"], capture_output=True, text=True, timeout=60).stdout:
        raise Skip("no hook here sees a send that finds no port")

    def want(errors, call, family=socket.AF_INET):
        s = socket.socket(family, socket.SOCK_DGRAM)
        try:
            call(s)
        except OSError as e:
            assert e.errno == errors, e
            return s
        assert errors == 0, "it found a port"
        keep.append(s)
        return s

    to, to6 = ("127.0.0.1", 53), ("::1", 53)
    p = watched("60s", "-o", "json")
    want(0, lambda s: s.connect(to))
    want(0, lambda s: s.sendto(b"x", to))
    failing = [want(errno.EAGAIN, lambda s: s.connect(to)),
               want(errno.EAGAIN, lambda s: s.sendto(b"x", to)),
               want(errno.EAGAIN, lambda s: s.sendmsg([b"x"], [], 0, to)),
               want(errno.EADDRINUSE, lambda s: s.bind(("0.0.0.0", 0))),
               want(errno.EAGAIN, lambda s: s.connect(to6), socket.AF_INET6),
               want(errno.EAGAIN, lambda s: s.sendto(b"x", to6), socket.AF_INET6)]
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=60)
    assert p.returncode == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    ns = [l for l in lines if l["event"] == "namespace"][0]
    assert ns["failures"] == len(failing), ns
    assert ns["first_failure"]["error"] == "EAGAIN" and ns["first_failure"]["peer"]["port"] == 53, ns
    rows = [l for l in lines if l["event"] == "budget"]
    assert [(l["proto"], l["available"], l["in_use"]) for l in rows] == [("udp", 0, {"ESTABLISHED": 1})], rows
    assert rows[0]["churn_per_s"] > 0, rows


def filters():
    """Rows and processes are chosen by their sockets; the numbers of a row stay those of all its sockets."""
    listen("0.0.0.0", 80)
    listen("127.0.0.2", 81)
    listen("::1", 80, socket.AF_INET6)
    # Connects to different destinations may share a port, and the kernel draws it: -L below needs one that no other has.
    sysctl("ip_local_port_range", f"{LOW} {LOW + 5}")
    for _ in range(3):
        tcp().connect(("127.0.0.1", 80))
    port = keep[-1].getsockname()[1]
    sysctl("ip_local_port_range", f"{LOW + 6} {HIGH}")
    tcp().connect(("127.0.0.2", 81))
    tcp(socket.AF_INET6).connect(("::1", 80))
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.connect(("127.0.0.1", 53))
    sysctl("ip_local_port_range", f"{LOW} {HIGH}")
    ready = "import socket; s = socket.create_connection(('127.0.0.1', 80)); print('up', flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", ready], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "up\n"
    with open("/proc/self/comm") as f:
        name = f.read().strip()
    with open("/proc/self/cgroup") as f:
        cgroup = [l.split(":", 2)[2].strip() for l in f if l.startswith("0:")]

    def rows(*args):
        lines, _ = ephemeral(*args)
        found = {(l["proto"], l["peer"]["addr"], l["peer"]["port"]):
                 {k: l[k] for k in ("in_use", "available", "uncertain")} for l in lines if l["event"] == "budget"}
        return (found, {l["process"]["pid"] for l in lines if l["event"] == "process"},
                [l for l in lines if l["event"] == "namespace"])

    whole, processes, _ = rows()
    me, other = os.getpid(), child.pid
    web, more, six, dns = ("tcp", "127.0.0.1", 80), ("tcp", "127.0.0.2", 81), ("tcp", "::1", 80), ("udp", "127.0.0.1", 53)
    assert set(whole) == {web, more, six, dns} and processes == {me, other}, (whole, processes)
    assert whole[web] == {"in_use": {"ESTABLISHED": 4}, "available": 6, "uncertain": 0}, whole
    cases = [(["-t"], {web, more, six}, {me, other}), (["-u"], {dns}, {me}), (["-4"], {web, more, dns}, {me, other}),
             (["-6"], {six}, {me}), (["-D", "80"], {web, six}, {me, other}), (["-D", "80", "-4"], {web}, {me, other}),
             (["-L", str(port)], {web}, {me}), (["--port", f"1,{port}"], {web}, {me}), (["--port", "53"], {dns}, {me}),
             (["--addr", "127.0.0.2"], {more}, {me}), (["--addr", "127.0.0.0/8"], {web, more, dns}, {me, other}),
             (["--state", "established"], {web, more, six, dns}, {me, other}), (["--state", "time-wait"], set(), set()),
             (["-p", str(other)], {web}, {other}), (["-p", f"{me},{other}", "-t", "-6"], {six}, {me}),
             (["-p", str(os.getppid())], set(), set()), (["-c", name], {web, more, six, dns}, {me, other}),
             (["-c", "nobody-is-called-so"[:15]], set(), set()), (["-U", str(os.getuid())], set(whole), {me, other}),
             (["-U", "54321"], set(), set()), (["--container", "no-such"], set(), set())]
    if cgroup:
        cases += [(["--cgroup", cgroup[0]], set(whole), {me, other}), (["--cgroup", "/no/such"], set(), set())]
    for args, want, by in cases:
        found, processes, namespaces = rows(*args)
        assert set(found) == want, (args, found)
        assert all(found[key] == whole[key] for key in found), (args, found, whole)
        assert processes == by, (args, processes)
        assert bool(namespaces) == bool(want), (args, namespaces)
    # A row that is not shown is not counted for --fail-at.
    assert ephemeral("--fail-at", "40%")[1] == 5
    assert ephemeral("--fail-at", "40%", "-D", "81")[1] == 0
    out = subprocess.run([PROGRAM, "ephemeral", "-U", "54321"], capture_output=True, text=True, timeout=60)
    assert out.returncode == 0 and out.stdout == "" and "no socket" in out.stderr, out
    for bad in (["-p", "x"], ["-D", "70000"], ["--state", "asleep"], ["--addr", "10.0.0.0/99"]):
        out = subprocess.run([PROGRAM, "ephemeral", *bad], capture_output=True, text=True, timeout=60)
        assert out.returncode == 2 and out.stdout == "" and len(out.stderr.splitlines()) <= 2, out
    child.communicate("\n", timeout=20)


def filter_shared_socket():
    """-p is met by any holder, as in ls; the socket still counts for the one that owns it."""
    listen("0.0.0.0", 80)
    s = tcp()
    s.connect(("127.0.0.1", 80))
    child = subprocess.Popen(["sleep", "60"], pass_fds=[s.fileno()])
    try:
        lines, _ = ephemeral("-p", str(child.pid))
    finally:
        child.kill()
        child.wait()
    rows = [l for l in lines if l["event"] == "budget"]
    assert len(rows) == 1 and rows[0]["in_use"] == {"ESTABLISHED": 1}, lines


LEAVER = """
import socket, sys
open("/proc/self/comm", "w").write(sys.argv[1])
kept = [socket.create_connection(("127.0.0.1", 80)) for _ in range(int(sys.argv[3]))]
for _ in range(int(sys.argv[2])):
    socket.create_connection(("127.0.0.1", 80)).close()
print("done", flush=True)
sys.stdin.readline()"""


def leave(server, name, left, kept):
    """A process that has left so many TIME_WAITs, and ends with its input."""
    child = subprocess.Popen([sys.executable, "-c", LEAVER, name, str(left), str(kept)], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
    keep.append([server.accept()[0] for _ in range(kept)])
    for _ in range(left):
        a, _ = server.accept()
        assert a.recv(1) == b""  # so the client's end waits
        a.close()
    first_line(name + " to be done", child, child.stdout, "done")
    return child


def time_wait_makers():
    """Who left a TIME_WAIT is known to a recorder that was there, ended or not; nobody is named for one that is older."""
    sysctl("tcp_tw_reuse", 0)
    server = listen("0.0.0.0", 80)
    leave(server, "older", 1, 0).communicate("\n", timeout=20)
    with tempfile.TemporaryDirectory() as work:
        recorder = subprocess.Popen([PROGRAM, "record", "--store", work + "/store"], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        first_line("a recorder that is ready", recorder, recorder.stderr, "sockwatch: tracing")
        try:
            ended, lives = leave(server, "leaver", 3, 0), leave(server, "stayer", 2, 1)
            ended.communicate("\n", timeout=20)
            makers_are_told(ended.pid, lives.pid)
        finally:
            recorder.send_signal(signal.SIGINT)
            recorder.communicate(timeout=60)
        # What nobody tells any more is unknown again.
        assert told(lives.pid, ended.pid) == {lives.pid: (1, 0, False)}
        lives.communicate("\n", timeout=20)


def told(*pids, args=()):
    """Ports held, TIME_WAITs left and whether it has ended, by process."""
    rows = [l for l in ephemeral(*args)[0] if l["event"] == "process"]
    found = {l["process"]["pid"]: (l["held"], l["time_wait"], l.get("ended", False)) for l in rows}
    assert len(found) == len(rows) and set(found) <= set(pids), rows
    return found


def makers_are_told(ended, lives):
    until("who left the TIME_WAITs", lambda: told(ended, lives), lambda t: t == {ended: (3, 3, True), lives: (3, 2, False)})
    lines, _ = ephemeral()
    ns = [l for l in lines if l["event"] == "namespace"][0]
    assert ns["in_use"] == {"TIME_WAIT": 6, "ESTABLISHED": 1}, ns
    name = [l["process"]["name"] for l in lines if l["event"] == "process" and l["process"]["pid"] == ended]
    assert name == ["leaver"], lines
    row = re.compile(r" leaver\[%d\], ended +3 +3 .*\n.* stayer\[%d\] +3 +2 |"
                     r" stayer\[%d\] +3 +2 .*\n.* leaver\[%d\], ended +3 +3 " % (ended, lives, lives, ended))
    for form in ("text", "html"):
        until("both in " + form, lambda: subprocess.run([PROGRAM, "ephemeral", "--netns", "self", "-o", form], capture_output=True,
                                                        text=True, timeout=60).stdout, row.search)
    # Who is learnt so can be chosen.
    for args in (("-c", "leaver"), ("-p", str(ended)), ("-c", "leaver", "--state", "time-wait")):
        until("what was chosen", lambda: told(ended, args=args), lambda t: t == {ended: (3, 3, True)})
        rows = [l for l in ephemeral(*args)[0] if l["event"] == "budget"]
        assert [l["in_use"] for l in rows] == [{"TIME_WAIT": 6, "ESTABLISHED": 1}], (args, rows)


def filter_while_watched():
    """What others do counts in the numbers, and a failure that is asked for brings its namespace."""
    listen("0.0.0.0", 80)
    p = watched("60s", "-o", "json", "-p", str(os.getpid()))
    q = watched("60s", "-o", "json", "-p", "1")
    connect_all("127.0.0.1", 80)
    for other in (p, q):
        other.send_signal(signal.SIGINT)
    out, _ = p.communicate(timeout=60)
    lines = [json.loads(line) for line in out.splitlines()]
    row = [l for l in lines if l["event"] == "budget"][0]
    assert row["available"] == 0 and row["churn_per_s"] > 0, row
    assert lines[0]["event"] == "namespace" and lines[0]["failures"] == 1, lines
    out, _ = q.communicate(timeout=60)
    assert out == "", out


def full_range():
    """28,232 ports to one destination: the report names process, destination, first failure and remedy."""
    sysctl("tcp_tw_reuse", 0)
    sysctl("tcp_max_tw_buckets", 60000)  # where there is little memory the kernel's own is less than the range
    server = listen("0.0.0.0", 80)
    p = watched("120s")
    begin = time.monotonic()
    # In steps, because connect() tries all that are taken before one that is free: over the whole range that is 200
    # million tries, and on a slow machine the first TIME_WAIT has ended before the last begins.
    for low in range(32768, 61000, 256):
        high = min(low + 255, 60999)
        sysctl("ip_local_port_range", f"{low} {high}")
        for _ in range(low, high + 1):
            c = socket.create_connection(("127.0.0.1", 80))
            a, _ = server.accept()
            c.close()
            a.close()
    sysctl("ip_local_port_range", "32768 60999")
    took = time.monotonic() - begin
    c = socket.socket()
    before = time.time_ns()
    error = c.connect_ex(("127.0.0.1", 80))
    after = time.time_ns()
    assert error == errno.EADDRNOTAVAIL, f"connect() number 28,233 gives {os.strerror(error)} after {took:.1f} s"
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=60)
    if p.returncode == 4 and err.count("losing events: ") == err.count("losing events: the kernel did not tell"):
        raise Withheld(err)
    assert p.returncode == 0, err
    name = f"[{os.getpid()}] to 127.0.0.1:80, EADDRNOTAVAIL"
    first = [l for l in out.splitlines() if "the first at" in l]
    assert first and name in first[0] and "1 failed" in first[0], out
    clock = first[0].split("the first at ")[1].split()[1].split(":")
    seconds = int(clock[0]) * 3600 + int(clock[1]) * 60 + float(clock[2])
    local = time.localtime(before // 10**9)
    day = local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec
    assert day + before % 10**9 / 1e9 - 0.001 <= seconds <= day + (after - before // 10**9 * 10**9) / 1e9 + 0.001, (first, before, after)
    assert re.search(r" 28232 +0 +100% +28232 ", out), out
    assert "what would help" in out and "28232 of 28232 are in TIME_WAIT" in out and "tcp_tw_reuse = 0" in out, out
    assert f"[{os.getpid()}]" in out.split("PROCESS")[1], out
    return out


def unseen(hooks, known, in_use, udp, rows, words):
    """Without an iterator what only it shows is unknown, and said; --fail-at does not claim that nothing is short."""
    listen("0.0.0.0", 80)
    tcp().connect(("127.0.0.1", 80))
    tcp().bind(("127.0.0.9", tcp_port_beside(keep[-1])))
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    keep.append(u)
    u.connect(("127.0.0.1", 53))
    args = [PROGRAM, "ephemeral", "--netns", "self", "--hooks", "auto" + hooks]
    out = subprocess.run([*args, "-o", "json"], capture_output=True, text=True, timeout=60)
    assert out.returncode == 0 and words in out.stderr and len(out.stderr.splitlines()) == 1, out
    lines = [json.loads(line) for line in out.stdout.splitlines()]
    ns = [l for l in lines if l["event"] == "namespace"][0]
    assert (ns["available"], ns["bound"], ns["uncertain"]) == ((9, 1, 0) if known else (None, None, None)), ns
    assert ns["in_use"] == in_use, ns
    assert ns["udp_available"] == {"ipv4": udp, "ipv6": udp}, ns
    assert {l["proto"]: l["available"] for l in lines if l["event"] == "budget"} == rows, lines
    assert all(l["held"] is None for l in lines if l["event"] == "process"), lines
    for other in ("text", "html"):
        out = subprocess.run([*args, "-o", other], capture_output=True, text=True, timeout=60)
        assert out.returncode == 0 and words in out.stderr and "range 40000-40009" in out.stdout, out
        assert ("UDP: -" in out.stdout) == (udp is None) and ("- taken from" in out.stdout) == (not known), out.stdout
    out = subprocess.run([*args, "--fail-at", "99%"], capture_output=True, text=True, timeout=60)
    assert out.returncode == 1 and "cannot be answered" in out.stderr, out
    # What was asked about can be answered where it was seen.
    for option, seen in (("-t", known), ("-u", udp is not None)):
        out = subprocess.run([*args, "--fail-at", "99%", option], capture_output=True, text=True, timeout=60)
        assert out.returncode == (0 if seen else 1), (option, out)


def tcp_port_beside(s):
    """A port of the range that this socket has not."""
    return LOW + (s.getsockname()[1] + 1 - LOW) % (HIGH - LOW + 1)


def unseen_everything():
    out = subprocess.run([PROGRAM, "ephemeral", "--hooks", "auto,-iter/tcp,-iter/udp"], capture_output=True, text=True,
                         timeout=60)
    assert out.returncode == 1 and "cannot look at sockets" in out.stderr and not out.stdout, out
    assert "iter/tcp: left out by --hooks" in out.stderr and "iter/udp: left out by --hooks" in out.stderr, out


def unseen_range():
    """/proc/sys that does not tell the range: in a mount namespace of this case's own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x00020000) or libc.mount(b"none", b"/", None, 0x4000 | 0x40000, None):
        raise Skip("no mount namespace: " + os.strerror(ctypes.get_errno()))
    if libc.mount(b"/dev/null", b"/proc/sys/net/ipv4/ip_local_port_range", None, 0x1000, None):
        raise Skip("no mount: " + os.strerror(ctypes.get_errno()))
    out = subprocess.run([PROGRAM, "ephemeral", "--netns", "self", "-o", "json"], capture_output=True, text=True, timeout=60)
    assert out.returncode == 0 and "range of ports" in out.stderr, out
    lines = [json.loads(line) for line in out.stdout.splitlines()]
    assert [l["event"] for l in lines] == ["namespace"], lines
    for key in ("range", "in_use", "usable", "bound", "available", "uncertain", "tcp_tw_reuse"):
        assert lines[0][key] is None, (key, lines)
    out = subprocess.run([PROGRAM, "ephemeral", "--netns", "self", "--fail-at", "1%"], capture_output=True, text=True, timeout=60)
    assert out.returncode == 1 and "unknown" in out.stdout, out


ONE = {"ESTABLISHED": 1, "CLOSE": 1}
CASES = [plain, some_then_the_rest, bound_elsewhere, listener_in_range, bind_zero_then_connect, bind_no_port,
         port_range_option, reserved, other_source, closed_again, bucket_stays_bound,
         ("time-wait-reuse-0", lambda: time_wait(0)), ("time-wait-reuse-1", lambda: time_wait(1)),
         ("time-wait-reuse-2", lambda: time_wait(2)), time_wait_not_loopback, no_timestamps, ipv6, mapped, udp,
         bind_zero_fails, fail_at, failure_while_watched, udp_failures_while_watched, filters,
         filter_shared_socket, time_wait_makers, filter_while_watched,
         ("unseen-udp", lambda: unseen(",-iter/udp", True, ONE, None, {"tcp": 8}, "UDP sockets could not be looked at (iter/udp")),
         ("unseen-tcp", lambda: unseen(",-iter/tcp", False, None, 9, {"udp": 9}, "TCP sockets could not be looked at (iter/tcp")),
         ("unseen-descriptors", lambda: unseen(",-iter/task_file", False, {"ESTABLISHED": 1}, 9, {"tcp": None, "udp": 9},
                                               "descriptors of processes could not be looked at (iter/task_file")),
         unseen_everything, unseen_range, full_range]


def run(name, case):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        print(f"SKIP {name}: no network namespace: {os.strerror(ctypes.get_errno())}")
        return 0
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        sysctl("ip_local_port_range", f"{LOW} {HIGH}")
        case()
        print(f"PASS {name}")
    except Skip as e:
        print(f"SKIP {name}: {e}")
    except Withheld as e:
        print(f"AGAIN {name}: " + " ".join(str(e).split()))
        return AGAIN
    except Exception as e:
        print(f"FAIL {name}: " + " ".join(str(e).split()))
        traceback.print_exc()
        return 1
    return 0


def main():
    with tempfile.TemporaryDirectory() as work:
        os.environ["SOCKWATCH_RUN"] = work  # traces of others know nothing here, and need not be asked
        return run_cases()


def run_cases():
    failed = 0
    for case in CASES:
        name, case = case if isinstance(case, tuple) else (case.__name__.replace("_", "-"), case)
        if len(sys.argv) > 2 and not name.startswith(sys.argv[2]):
            continue
        code = attempts = 0
        while attempts == 0 or (code == AGAIN and attempts < 3):
            sys.stdout.flush()
            pid = os.fork()
            if pid == 0:
                code = run("ephemeral-" + name, case)
                sys.stdout.flush()
                os._exit(code)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            attempts += 1
        if code == AGAIN:
            print(f"FAIL ephemeral-{name}: {attempts} times in a row the kernel did not tell an end")
        failed += code != 0
    return 1 if failed else 0


sys.exit(main())
