# SPDX-License-Identifier: GPL-2.0-only
"""repair.py COMMAND...: a trace loses facts, and what ended meanwhile is no ghost, although not everything can be looked at.

400 ends of connections that are there before the trace, which COMMAND begins, close while the ring is full; each is told.  In
COMMAND "{pid}" is this process, "{port}" is a port of all these ends.  In a namespace of its own: it leaves TIME_WAITs.
"""
import json, os, signal, socket, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from waiting import until  # noqa: E402

PAIRS, CHURN = 200, 10000
server = socket.create_server(("127.0.0.1", 0), backlog=PAIRS)
other = socket.create_server(("127.0.0.1", 0), backlog=PAIRS)


def pair(server):
    client = socket.create_connection(server.getsockname())
    return client, server.accept()[0]


def family(pid):
    """The process and those that it started."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [pid] + [p for child in f.read().split() for p in family(int(child))]


held = [pair(server) for _ in range(PAIRS)]
ends = {(end.getsockname()[1], end.getpeername()[1]) for both in held for end in both}
out = tempfile.TemporaryFile()
words = {"{pid}": str(os.getpid()), "{port}": str(server.getsockname()[1])}
command = [word.replace("{pid}", words["{pid}"]).replace("{port}", words["{port}"]) for word in sys.argv[1:]]
trace = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True)
line = ""
while "tracing " not in line:
    line = trace.stderr.readline() or sys.exit("the trace has ended")
several = family(trace.pid)
for p in several:
    os.kill(p, signal.SIGSTOP)
for _ in range(CHURN):
    for end in pair(other):
        end.close()
for both in held:
    for end in both:
        end.close()
for p in several:
    os.kill(p, signal.SIGCONT)


def ghosts():
    """How many of the ends that closed nobody was told of, once a loss was told; before it all."""
    *lines, _ = os.pread(out.fileno(), 1 << 28, 0).split(b"\n")
    events = [json.loads(line) for line in lines if b'"lost"' in line or b'"close"' in line]
    told = {(o["local"]["port"], o["peer"]["port"]) for o in events if o["event"] == "close" and "peer" in o}
    return len(ends - told if any(o["event"] == "lost" for o in events) else ends)


try:
    until("the end of all that is gone", ghosts, lambda n: n == 0)
finally:
    trace.send_signal(signal.SIGINT)
    try:
        print(trace.communicate(timeout=30)[1])
    finally:
        for p in several:
            try:
                os.kill(p, signal.SIGKILL)
            except ProcessLookupError:
                pass
