#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every network namespace is looked at, whatever keeps it; what is none, or may not be entered, ends no look and is told.

Runs in a mount namespace of its own.
"""
import ctypes, platform, threading

from listing import *  # noqa: F403

libc = ctypes.CDLL(None, use_errno=True)
CAP_SYS_PTRACE, CAP_SYS_ADMIN = 19, 21
COMMANDS = (["ls"], ["ls", "--hooks", "proc"], ["who", "tcp/1"], ["ephemeral"], ["trace", "--for", "100ms"])

# In a child: a namespace of its own for the calling thread, with a TIME_WAIT in it; prints its inode.
SPACE = """import ctypes, os, socket, subprocess, sys, threading, time
libc = ctypes.CDLL(None)
def space():
    assert libc.unshare(0x40000000) == 0
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    l = socket.socket(); l.bind(("127.0.0.1", 4100)); l.listen()
    c = socket.create_connection(("127.0.0.1", 4100)); a = l.accept()[0]
    c.close(); assert a.recv(1) == b""; a.close(); l.close()
    return os.stat("/proc/thread-self/ns/net").st_ino
"""

subprocess.run(["mkdir", "-p", "/run/netns"], check=True)
subprocess.run(["mount", "-t", "tmpfs", "none", "/run/netns"], check=True)


def child(code):
    """Runs code behind SPACE; returns the process and the number it prints."""
    process = subprocess.Popen([sys.executable, "-c", SPACE + code, str(EXIT)], start_new_session=True, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    started.append(process)
    line = process.stdout.readline().strip()
    assert line, "the child ended early"
    return process, int(line)


EXIT = {"x86_64": 60, "aarch64": 93}.get(platform.machine(), 0)


def end(process):
    process.stdin.close()
    process.wait(DEADLINE)


def without(cap, *args):
    return sockwatch(*args, preexec_fn=lambda: libc.prctl(24, cap, 0, 0, 0))


def found(inode):
    """The namespace is in every kind of look, with what is in it."""
    for source in ("auto", "proc"):
        rows = [r for r in listed("--hooks", source, "--state", "time-wait") if r["netns"] == inode]
        assert [r["local"]["port"] for r in rows].count(4100) + [r["peer"]["port"] for r in rows].count(4100) == 1, (source, rows)
    out = sockwatch("ephemeral", "-o", "json")
    assert out.returncode == 0, out
    assert inode in [o["netns"] for o in map(json.loads, out.stdout.splitlines()) if o["event"] == "namespace"], out.stdout
    out = sockwatch("ephemeral", "--netns", str(inode), "-o", "json")
    assert out.returncode == 0 and '"event":"namespace","netns":%d' % inode in out.stdout, out


@test
def what_is_no_namespace_harms_nothing():
    os.chdir("/run/netns")
    with open("file", "w") as f:
        f.write("x")
    os.mkdir("directory")
    os.mkfifo("fifo")
    os.symlink("/etc/passwd", "link")
    os.symlink("nowhere", "dangling")
    os.symlink("/dev/zero", "device")
    s = socket.socket(socket.AF_UNIX)
    s.bind("socket")
    with open("uts", "w"):
        subprocess.run(["mount", "--bind", "/proc/self/ns/uts", "uts"], check=True)
    try:
        for command in COMMANDS:
            out = sockwatch(*command)
            assert out.returncode in (0, 3) and "could not" not in out.stderr and "cannot" not in out.stderr, (command, out)
    finally:
        subprocess.run(["umount", "uts"], check=True)
        os.chdir("/")
        subprocess.run(["rm", "-r"] + ["/run/netns/" + n for n in os.listdir("/run/netns")], check=True)


@test
def namespaces_come_and_go_beside_a_look():
    stop = threading.Event()

    def come_and_go():
        while not stop.is_set():
            subprocess.run(["ip", "netns", "add", "sw-brief"], check=True)
            subprocess.run(["ip", "netns", "del", "sw-brief"], check=True)

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for _ in range(15):
            for command in (["ls"], ["ls", "--hooks", "proc"], ["ephemeral"]):
                out = sockwatch(*command)
                assert out.returncode == 0 and not out.stderr, (command, out.stderr)
    finally:
        stop.set()
        thread.join()


@test
def one_thread_alone_is_in_it():
    process, inode = child("""
def run(): print(space(), flush=True); sys.stdin.read()
threading.Thread(target=run).start()""")
    found(inode)
    end(process)


@test
def its_first_thread_has_ended():
    if not EXIT:
        raise Skip("no number of exit(2) is known for " + platform.machine())
    process, inode = child("""
inode = space()
def run():
    while os.path.exists("/proc/self/exe"): time.sleep(0.01)
    print(inode, flush=True); sys.stdin.read(); os._exit(0)
threading.Thread(target=run).start()
libc.syscall(int(sys.argv[1]), 0)""")
    found(inode)
    end(process)


@test
def a_mount_alone_keeps_it():
    process, inode = child("print(space(), flush=True); sys.stdin.read()")
    place = os.path.join(work, "a place")
    with open(place, "w"):
        subprocess.run(["mount", "--bind", "/proc/%d/ns/net" % process.pid, place], check=True)
    end(process)
    try:
        found(inode)
    finally:
        subprocess.run(["umount", place], check=True)


@test
def a_mount_that_others_see_keeps_it():
    process, inode = child("print(space(), flush=True); sys.stdin.read()")
    place = os.path.join(work, "elsewhere")
    with open(place, "w"):
        other = subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-c",
                                  'mount --bind "/proc/$1/ns/net" "$2" && echo up && read end', "sh", str(process.pid), place],
                                 start_new_session=True, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    started.append(other)
    assert other.stdout.readline() == "up\n"
    end(process)
    found(inode)
    end(other)


@test
def a_descriptor_alone_keeps_it():
    process, inode = child("""
home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
inode = space()
kept = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
assert libc.setns(home, 0x40000000) == 0
print(inode, flush=True); sys.stdin.read()""")
    found(inode)
    rows = [json.loads(o) for o in sockwatch("ls", "--netns", str(inode), "-o", "json").stdout.splitlines()]
    assert len(rows) == 1, rows
    out = without(CAP_SYS_ADMIN, "ephemeral", "--netns", str(inode))
    assert out.returncode == 1 and ("load" in out.stderr or "Operation not permitted" in out.stderr), out
    end(process)


@test
def what_may_not_be_seen_is_said():
    process, inode = child("print(space(), flush=True); sys.stdin.read()")
    out = without(CAP_SYS_PTRACE, "ephemeral", "--fail-at", "99%")
    assert out.returncode == 1 and "could not be looked at" in out.stderr and "CAP_SYS_PTRACE" in out.stderr, out
    assert "--fail-at 99% cannot be answered" in out.stderr, out
    out = without(CAP_SYS_PTRACE, "ephemeral")
    assert out.returncode == 0 and "CAP_SYS_PTRACE" in out.stderr and out.stdout, out
    out = without(CAP_SYS_PTRACE, "ephemeral", "--netns", str(inode))
    assert out.returncode == 1 and "CAP_SYS_PTRACE" in out.stderr and not out.stdout, out
    out = without(CAP_SYS_PTRACE, "trace", "--for", "100ms", "--port", "1")
    assert "CAP_SYS_PTRACE" in out.stderr, out
    for command in (["ls"], ["who", "tcp/1"]):
        out = without(CAP_SYS_PTRACE, *command)
        assert out.returncode == (command[0] == "who") and "not everything is listed" in out.stderr and "CAP_SYS_PTRACE" in out.stderr, out
    end(process)


@test
def what_may_not_be_entered_is_said():
    process, inode = child("print(space(), flush=True); sys.stdin.read()")
    out = without(CAP_SYS_ADMIN, "ephemeral", "-o", "json")
    if "load" in out.stderr:
        raise Skip("BPF wants CAP_SYS_ADMIN here")
    assert out.returncode == 0 and "could not be looked at" in out.stderr and "CAP_SYS_ADMIN" in out.stderr, out
    spaces = {o["netns"]: o for o in map(json.loads, out.stdout.splitlines()) if o["event"] == "namespace"}
    assert spaces[inode]["range"] is None and spaces[inode]["available"] is None, spaces[inode]
    assert spaces[inode]["in_use"] is None and spaces[inode]["udp_available"] == {"ipv4": None, "ipv6": None}, spaces[inode]
    home = spaces[os.stat("/proc/self/ns/net").st_ino]
    assert home["range"] and home["available"] is not None, home
    out = without(CAP_SYS_ADMIN, "ephemeral", "--netns", str(inode))
    assert out.returncode == 1 and "Operation not permitted" in out.stderr, out
    end(process)


run_tests()
