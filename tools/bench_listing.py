# SPDX-License-Identifier: GPL-2.0-only
"""How long a listing takes: sockwatch ls, who and ephemeral beside ss and lsof, on the same sockets, one after the other in turn.

Wall clock and CPU (of all threads, kernel included).  Each writes to /dev/null.  sockwatch looks at every namespace of the
host, the others at one."""
import contextlib
import ctypes
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
SIZES = (10, 100, 1000, 10000, 40000, 100000)
MANY = 10000  # with more there are three rounds at most
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


@contextlib.contextmanager
def own_netns():
    """The path of a network namespace whose loopback is up; it goes at the end."""
    name = "swbench%d" % os.getpid()
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        yield "/run/netns/" + name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)


def enter(netns):
    if LIBC.setns(netns.fileno(), 0):
        raise OSError(ctypes.get_errno(), "setns")


def known_commands(sockwatch, port):
    commands = {"ss -tanp": ["ss", "-tanp"], "lsof -i -nP": ["lsof", "-i", "-nP"], "ls": [sockwatch, "ls"],
                "ls -o json": [sockwatch, "ls", "-o", "json"], "ls --hooks proc": [sockwatch, "ls", "--hooks", "proc"],
                "who": [sockwatch, "who", port], "ephemeral": [sockwatch, "ephemeral"]}
    return {word: command for word, command in commands.items() if shutil.which(command[0])}


def a_port():
    """One that somebody listens on, as ss says it."""
    told = subprocess.run(["ss", "-Htln"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return told[3].rpartition(":")[2]


def never_late(_seconds):
    return False


def measure(size, sockwatch, rounds, is_late):
    """Wall clock and CPU of each round by command, fewer rounds where it is late; None where so many cannot be held."""
    holder = subprocess.Popen([sys.executable, HOLDER, str(size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    try:
        if holder.stdout.readline().split()[:1] != ["ready"]:
            return None
        commands = known_commands(sockwatch, a_port())
        times = {word: [] for word in commands}
        for number in range(min(rounds, 3) if size > MANY else rounds):
            if number and is_late(size / 2500):
                break
            for word, command in commands.items():
                times[word].append(once(command))
        return times
    finally:
        holder.stdin.close()
        holder.wait()


def measure_size(opt, size, is_late=never_late):
    if not shutil.which("ss"):
        return None
    with own_netns() as netns, inside(netns):
        return measure(size, os.path.abspath(opt.sockwatch), max(5, opt.rounds), is_late)


def bench(opt, _tools):
    print("\nls: sockets, command, wall clock (median, lowest, highest), times as fast as ss, CPU")
    for size in SIZES:
        times = measure_size(opt, size)
        if not times:
            print("ls: cannot hold %d sockets here, or there is no ss" % size)
        for word, rounds in (times or {}).items():
            walls = [wall for wall, _ in rounds]
            ss = statistics.median(wall for wall, _ in times["ss -tanp"])
            print("%8d  %-22s %8.1f %8.1f %8.1f ms  %6.1f  %8.1f ms CPU" %
                  (size, word, statistics.median(walls) * 1e3, min(walls) * 1e3, max(walls) * 1e3,
                   ss / statistics.median(walls), statistics.median(cpu for _, cpu in rounds) * 1e3), flush=True)
