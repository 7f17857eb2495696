#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""many.py SOCKETS [ADDRESSES]: holds that many TCP sockets on loopback (half of them accepted), spread over processes
because each may open only so many files.  Prints "ready N" when all are connected, ends when stdin closes.  They are of user
MANY_UID, where that is in the environment."""
import os, resource, socket, sys

want = int(sys.argv[1]) // 2
limit = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (limit[1], limit[1]))
if "MANY_UID" in os.environ:
    os.setuid(int(os.environ["MANY_UID"]))
per_process = max(1, min((limit[1] - 64) // 2, 5000))
children = []
for index in range((want + per_process - 1) // per_process):
    count = min(per_process, want - index * per_process)
    up_read, up_write = os.pipe()
    down_read, down_write = os.pipe()
    if os.fork() == 0:
        os.close(up_read)
        os.close(down_write)
        for _, keep in children:
            os.close(keep)
        listener = socket.socket()
        listener.bind(("127.0.0.%d" % (index + 10), 0))
        listener.listen(1024)
        held = []
        for _ in range(count):
            client = socket.socket()
            client.connect(listener.getsockname())
            held += [client, listener.accept()[0]]
        os.write(up_write, b"x")
        os.read(down_read, 1)
        os._exit(0)
    os.close(up_write)
    os.close(down_read)
    children.append((up_read, down_write))
made = sum(len(os.read(up, 1)) for up, _ in children)
print("ready" if made == len(children) else "failed", want * 2, flush=True)
sys.stdin.read()
