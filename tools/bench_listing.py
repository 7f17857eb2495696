# SPDX-License-Identifier: GPL-2.0-only
"""How long a listing takes: sockwatch ls beside ss and lsof, on the same sockets, one after the other in turn.

The time is that of the fastest of several rounds, wall clock and CPU (of all threads, kernel included).  Each writes to
/dev/null.  sockwatch looks at every namespace of the host, the others at one."""
import contextlib
import ctypes
import os
import resource
import shutil
import subprocess
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
SIZES = (1000, 10000, 40000)
HOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e", "many.py")


def once(command):
    # A trace that runs meanwhile would be asked.
    quiet = {**os.environ, "SOCKWATCH_RUN": "/nonexistent"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                   env=quiet)
    wall = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@contextlib.contextmanager
def inside(netns):
    """What is started here starts in that network namespace, and no time goes into getting there."""
    with open("/proc/self/ns/net") as home, open(netns) as there:
        enter(there)
        try:
            yield
        finally:
            enter(home)


def enter(netns):
    if LIBC.setns(netns.fileno(), 0):
        raise OSError(ctypes.get_errno(), "setns")


def measure(name, size, commands, rounds):
    holder = subprocess.Popen(["ip", "netns", "exec", name, sys.executable, HOLDER, str(size)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    try:
        if holder.stdout.readline().split()[:1] != ["ready"]:
            print("ls: cannot hold %d sockets here" % size)
            return
        best = {}
        with inside("/run/netns/" + name):
            for _ in range(rounds):
                for word, command in commands.items():
                    wall, cpu = once(command)
                    old = best.get(word, (9e9, 9e9))
                    best[word] = (min(wall, old[0]), min(cpu, old[1]))
        for word, (wall, cpu) in best.items():
            ss = best["ss -tanp"]
            print("%8d  %-22s %8.1f ms  1/%-6.1f %8.1f ms CPU  1/%.1f" %
                  (size, word, wall * 1e3, ss[0] / wall, cpu * 1e3, ss[1] / cpu))
    finally:
        holder.stdin.close()
        holder.wait()


def bench(opt, _tools):
    sockwatch = os.path.abspath(opt.sockwatch)
    commands = {"ss -tanp": ["ss", "-tanp"], "lsof -i -nP": ["lsof", "-i", "-nP"],
                "sockwatch ls": [sockwatch, "ls"], "sockwatch ls -o json": [sockwatch, "ls", "-o", "json"],
                "sockwatch, /proc": [sockwatch, "ls", "--hooks", "proc"]}
    commands = {word: command for word, command in commands.items() if shutil.which(command[0])}
    if "ss -tanp" not in commands:
        print("ls: no ss here")
        return
    print("\nls: sockets, tool, wall clock, part of ss's, CPU, part of ss's")
    name = "swbench%d" % os.getpid()
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        for size in SIZES:
            measure(name, size, commands, max(3, opt.rounds))
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)
